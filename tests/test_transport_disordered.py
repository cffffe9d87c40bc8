"""Averaged response of devices with impurities: conservation laws, symmetries, every solver."""

import itertools

import numpy as np
import pytest
import scipy.linalg as la
from disordered_systems import BOTH, METHODS, lost_spin, valve
from numpy.testing import assert_allclose

from negf_torque.disorder import ladder, medium
from negf_torque.disorder.averaged import vertex_maps
from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.greens.full import full_green
from negf_torque.lattice.layers import layer_chain, rotated
from negf_torque.lattice.stack import Layer, build_stack
from negf_torque.spin import PAULI, rotation_so3
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.disordered_device import make_disordered, point_at, zone_mesh
from negf_torque.transport.leads import fourier_blocks, lead_self_energies
from negf_torque.transport.linear import window_response
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.torque import exchange_torque


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("cross_section", "energy", "mesh"),
    [("chain", -0.7, 1), ("periodic", -2.2, 6), ((2, 2), -1.3, 1)],
)
def test_charge_spin_and_ward_identities(method, cross_section, energy, mesh):
    response = disordered_response(valve(cross_section), energy, BOTH, method, mesh)
    assert response.converged
    assert response.ward_residual < 1e-11  # S_L + S_R = i (Sigma - Sigma^+)
    assert response.current_loss < 1e-11
    assert lost_spin(response) < 1e-13
    assert_allclose(response.conductance, response.conductance_reversed, atol=1e-12)
    # the current is the transmission, at every bond
    assert_allclose(response.current_by_lead[0, :, 0], response.conductance, atol=1e-11)
    assert_allclose(response.current_by_lead[1, :, 0], -response.conductance, atol=1e-11)
    assert 0 < response.conductance_coherent < response.conductance


def test_both_leads_states_are_all_states_at_each_momentum():  # identity
    """A_L,k + A_R,k = i (G_k - G_k^+): the density of both leads' states."""
    chain = valve("periodic")
    response = disordered_response(chain, -2.2, BOTH, "coherent-potential", 4)
    device = make_disordered(chain, BOTH, "coherent-potential", 4)
    point = point_at(device, -2.2)
    total = np.zeros(len(chain.sites.layer))
    for b, weight in enumerate(device.weights):
        phases = chain.phases(device.k[b : b + 1])
        onsite, coupling = fourier_blocks(chain, phases)
        onsite = [
            h + s[: h.shape[-1], : h.shape[-1]] for h, s in zip(onsite, point.sigma, strict=True)
        ]
        left, right = lead_self_energies(chain, device.k[b : b + 1], np.array([-2.2]))
        green = full_green(np.array([-2.2]), onsite, coupling, left.sigma, right.sigma)[0]
        spectral = np.diag(1j * (green - green.conj().T)).real
        total += weight * spectral.reshape(-1, 2).sum(axis=1)
    assert_allclose(response.density_by_lead[:, :, 0].sum(axis=0), total, atol=1e-12)


def test_spin_is_balanced_on_every_site_of_a_wire(agree):  # independent: dense matrices, all bonds
    """A_L = G (Gamma_L + S_L) G^+ with S_L from the ladder of the whole wire, site by site."""
    chain = valve((2, 2))
    response = disordered_response(chain, -1.3, BOTH, "coherent-potential")
    device = make_disordered(chain, BOTH, "coherent-potential", 1)
    point = point_at(device, -1.3)
    onsite, coupling = fourier_blocks(chain, chain.phases(np.zeros((1, 0))))
    size, sites = sum(chain.sizes), len(chain.sites.layer)
    host = np.zeros((size, size), complex)
    starts = np.cumsum([0, *chain.sizes])
    for layer, block in enumerate(onsite):
        here = slice(starts[layer], starts[layer + 1])
        host[here, here] = block[0]
        if layer:
            before = slice(starts[layer - 1], starts[layer])
            host[here, before] = coupling[layer - 1][0]
            host[before, here] = coupling[layer - 1][0].conj().T
    sigma = la.block_diag(*response.self_energy)
    left, right = lead_self_energies(chain, np.zeros((1, 0)), np.array([-1.3]))
    ends = la.block_diag(left.sigma[0], np.zeros((size - 16, size - 16)), right.sigma[0])
    green = np.linalg.inv(-1.3 * np.eye(size) - host - sigma - ends)
    source = np.zeros((size, size), complex)
    source[:8, :8] = 1j * (left.sigma[0] - left.sigma[0].conj().T)
    maps = vertex_maps(point.slots, "coherent-potential", point.solution)[0]
    spectral = green @ source @ green.conj().T
    # plain iteration of the ladder
    for _ in range(2000):
        own = np.array(
            [spectral[2 * i : 2 * i + 2, 2 * i : 2 * i + 2].ravel() for i in range(sites)]
        )
        emitted = np.einsum("sij,sj->si", maps, own).reshape(sites, 2, 2)
        new = green @ (source + la.block_diag(*emitted)) @ green.conj().T
        if np.abs(new - spectral).max() < 1e-14:
            break
        spectral = new
    torque = exchange_torque(chain.sites, response.exchange_density_by_lead)[0]
    torque = torque + response.impurity_torque_by_lead[0]
    values = np.zeros((sites, 4))
    for i in range(4, sites - 4):
        here = slice(2 * i, 2 * i + 2)
        density = spectral[here, here]
        for a in range(4):
            operator = PAULI[a]
            values[i, a] = np.trace(operator @ density).real
            inflow = sum(
                2
                * np.trace(
                    operator @ host[here, 2 * j : 2 * j + 2] @ spectral[2 * j : 2 * j + 2, here]
                ).imag
                for j in range(sites)
                if j != i
            )
            assert_allclose(inflow, torque[i, a - 1] if a else 0.0, atol=1e-11)
    inner = slice(4, sites - 4)
    agree(
        "Charge and spin density of a disordered wire, coherent potential with vertex corrections",
        response.density_by_lead[0, inner],
        values[inner],
        against="another route",
        atol=1e-11,
        note="plain iteration of the ladder with dense matrices",
    )


def test_without_the_vertex_current_is_lost():
    full = disordered_response(valve("chain"), -0.7, BOTH)
    naive = disordered_response(valve("chain"), -0.7, BOTH, vertex=False)
    assert naive.current_loss > 0.1
    assert_allclose(naive.conductance, full.conductance_coherent, atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_without_magnetic_impurities_total_spin_is_conserved(method):
    scalar = [NonmagneticImpurities(0.3, 0.6)]
    response = disordered_response(valve("chain"), -0.7, scalar, method)
    assert np.abs(response.impurity_torque_by_lead).max() < 1e-14
    assert lost_spin(response) < 1e-13
    # a layer without exchange passes every component of the spin current
    spacer = [i for i, name in enumerate(response.chain.sites.magnet) if name is None]
    spin = response.current_by_lead[:, :, 1:]
    for i in spacer[1:-1]:
        assert_allclose(spin[:, i - 1], spin[:, i], atol=1e-13)


def test_concentration_zero_is_the_clean_device(agree):
    chain = valve("periodic")
    clean = window_response(chain, -2.2, Sampling(mesh=8))
    none = [NonmagneticImpurities(0.0, 1.0), MagneticImpurities(0.5, 0.0)]
    response = disordered_response(chain, -2.2, none, mesh=8)
    for name in ("conductance", "density_by_lead", "exchange_density_by_lead", "current_by_lead"):
        agree(
            f"Disorder solver without impurities: {name.replace('_', ' ')}",
            getattr(response, name),
            getattr(clean, name),
            against="another route",
            atol=1e-13,
            note="clean solver",
        )


def test_turning_all_spins_turns_the_torques():
    turn = rotation_so3([1, 2, -1], 0.7)
    chain = valve("chain")
    turned = rotated(chain, {"fixed": turn, "free": turn})
    impurities = [NonmagneticImpurities(0.3, 0.4), MagneticImpurities(0.5, 0.3)]
    one, two = (
        disordered_response(c, -0.7, impurities, "coherent-potential") for c in (chain, turned)
    )
    # the quadrature over the sphere does not turn along: its own error
    assert_allclose(two.site_torkance_by_bias, one.site_torkance_by_bias @ turn.T, atol=1e-8)


def test_order_of_kinds_and_of_sites_does_not_matter():
    chain = valve("chain")
    one = disordered_response(chain, -0.7, BOTH)
    two = disordered_response(chain, -0.7, BOTH[::-1])
    assert_allclose(one.site_torkance_by_bias, two.site_torkance_by_bias, atol=1e-13)
    # a cross-section's mirror image, with an impurity on one side only
    wire = valve((2, 1))
    results = []
    for side in (0, 1):
        chosen = tuple(np.flatnonzero(wire.sites.position[:, 1] == side).tolist())
        kind = NonmagneticImpurities(0.5, 0.7, sites=chosen)
        results.append(disordered_response(wire, -0.7, [kind], "coherent-potential"))
    assert_allclose(results[0].conductance, results[1].conductance, atol=1e-12)


@pytest.mark.parametrize("count", [3, 4])
def test_equivalent_momenta_are_done_once(count):
    chain = valve("periodic")
    k, weights = zone_mesh(chain, count)
    assert len(k) < count**2
    assert_allclose(weights.sum(), 1)
    whole = window_response(chain, -2.2, Sampling(mesh=count))
    response = disordered_response(chain, -2.2, [], mesh=count)
    assert_allclose(response.current_by_lead, whole.current_by_lead, atol=1e-13)


def test_every_solver_gives_the_same(monkeypatch):  # independent
    chain = valve((2, 1))
    impurities = [*BOTH[:1], MagneticImpurities(0.3, 0.3, layers=(2, 3, 5))]
    results = []
    for compiled, direct in itertools.product((24, 0), (3000, 0)):
        monkeypatch.setattr(medium, "LARGEST_COMPILED", compiled)
        monkeypatch.setattr(ladder, "LARGEST_DIRECT", direct)
        monkeypatch.setattr(ladder, "LARGEST_DIRECT_BATCH", direct)
        results.append(disordered_response(chain, -0.7, impurities, "coherent-potential"))
    for other in results[1:]:
        assert other.ladder_residual < 1e-12
        assert_allclose(other.conductance, results[0].conductance, atol=1e-12)
        assert_allclose(other.density_by_lead, results[0].density_by_lead, atol=1e-12)
        assert_allclose(other.current_by_lead, results[0].current_by_lead, atol=1e-12)


def test_steps_of_the_ladder_do_not_grow_with_the_length(monkeypatch):
    """Without the preconditioner diffusion needs (length/mean free path)^2 of them."""
    monkeypatch.setattr(ladder, "LARGEST_DIRECT", 0)
    steps = []
    for length in (10, 80):
        chain = layer_chain(build_stack([Layer(length)], cross_section=(3, 1)))
        kind = NonmagneticImpurities(1.0, 0.5, "symmetric")
        steps.append(disordered_response(chain, -0.7, [kind]).iterations[1])
    assert steps[1] <= steps[0] + 3 and steps[0] <= 16
