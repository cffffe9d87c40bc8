"""Averaged response of devices with impurities."""

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as la
from numpy.testing import assert_allclose

from negf_torque.disorder import ladder, medium
from negf_torque.disorder.averaged import vertex_maps
from negf_torque.disorder.impurities import (
    MagneticImpurities,
    NonmagneticImpurities,
    site_disorder,
)
from negf_torque.greens.full import full_green
from negf_torque.lattice.layers import layer_chain, rotated
from negf_torque.lattice.stack import Layer, Lead, build_stack
from negf_torque.notices import ConvergenceWarning, PhysicsWarning
from negf_torque.spin import PAULI, rotation_so3
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.disordered_average import converged_response, thermal_response
from negf_torque.transport.disordered_device import make_disordered, point_at, zone_mesh
from negf_torque.transport.leads import fourier_blocks, lead_self_energies
from negf_torque.transport.linear import window_response
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.torque import exchange_torque
from negf_torque.units import BOLTZMANN

METHODS = ("born", "coherent-potential")
BOTH = [
    NonmagneticImpurities(1.0, 0.2, "symmetric"),
    MagneticImpurities(0.3, 0.2, potential=0.05, moments=((0.5, 0, 0), (0, 0.2, 0), (0, 0, 0.3))),
]


def magnet(thickness, direction, name):
    return Layer(thickness, onsite=0.75, exchange=1.5, direction=direction, name=name)


def valve(cross_section, first=3, spacer=2, second=2):
    layers = [magnet(first, (0, 0, 1), "fixed"), Layer(spacer), magnet(second, (1, 0, 0), "free")]
    return layer_chain(build_stack(layers, cross_section=cross_section))


def lost_spin(response):
    """Largest difference between the spin current's drop over a layer and both torques."""
    chain = response.chain
    torque = exchange_torque(chain.sites, response.exchange_density_by_lead)
    torque = torque + response.impurity_torque_by_lead
    by_layer = np.zeros((2, len(chain.onsite), 3))
    np.add.at(by_layer, (slice(None), chain.sites.layer), torque)
    spin = response.current_by_lead[:, :, 1:]
    return np.abs(spin[:, :-1] - spin[:, 1:] - by_layer[:, 1:-1]).max()


# --- identities -------------------------------------------------------------------------------


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
    clean = window_response([chain], -2.2, Sampling(mesh=8))[0]
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
    whole = window_response([chain], -2.2, Sampling(mesh=count))[0]
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


# --- limits -----------------------------------------------------------------------------------


def test_ladder_of_four_rows(agree):  # frozen: reference of an independent prototype
    layers = [Layer(2), magnet(6, (0, 0, 1), "a"), Layer(4), magnet(6, (1, 0, 0), "b"), Layer(2)]
    chain = layer_chain(build_stack(layers, cross_section=(4, 1)))
    inside = tuple(range(1, len(chain.onsite) - 1))
    impurities = [NonmagneticImpurities(1.0, np.sqrt(0.02), "symmetric", layers=inside)]
    response = disordered_response(chain, -0.83, impurities)
    agree(
        "Conductance of a ladder of four rough rows, Born with vertex corrections",
        response.conductance,
        3.6595279288,
        against="reference value",
        atol=5e-11,
    )


def with_potential(chain, potentials):
    """The chain with potentials {site: matrix} added."""
    onsite = [block.copy() for block in chain.onsite]
    origin = int(np.flatnonzero(~chain.displacements.any(axis=1))[0])
    for i, potential in potentials.items():
        start = chain.sites.offset[i]
        here = slice(start, start + chain.sites.orbitals[i])
        onsite[chain.sites.layer[i]][origin, here, here] += potential
    return replace(chain, onsite=tuple(onsite))


def test_one_random_site_is_the_average_over_its_alternatives(agree):  # independent: enumeration
    chain, site = valve("chain"), 4
    kinds = [
        NonmagneticImpurities(0.3, 0.9, sites=(site,)),
        MagneticImpurities(0.6, 0.8, 0.3, directions=((0, 0.6, 0.8), (1, 0, 0)), sites=(site,)),
    ]
    response = disordered_response(chain, -0.7, kinds, "coherent-potential")
    group = site_disorder(chain.sites, kinds).groups[0]
    devices = [with_potential(chain, {site: v}) for v in group.potential[0]]
    exact = window_response(devices, -0.7)
    for name in ("conductance", "density_by_lead", "current_by_lead", "exchange_density_by_lead"):
        mean = sum(p * getattr(r, name) for p, r in zip(group.probability, exact, strict=True))
        agree(
            f"Coherent potential of one random site: {name.replace('_', ' ')}",
            getattr(response, name),
            mean,
            against="explicit configurations",
            atol=1e-12,
            note="every alternative of the site",
        )


def test_few_impurities_are_the_sum_over_single_ones(agree):  # independent: d/dc at c = 0
    chain, sites = valve("chain"), (1, 3, 4, 6)
    moments = ((0, 0.6, 0.8), (1, 0, 0))

    def averaged(c):
        kind = MagneticImpurities(c, 0.8, 0.3, directions=moments, sites=sites)
        return disordered_response(chain, -0.7, [kind], "coherent-potential").site_torkance_by_bias

    clean = window_response([chain], -0.7)[0].site_torkance_by_bias
    change = 0
    for site in sites:
        kind = MagneticImpurities(1.0, 0.8, 0.3, directions=moments, sites=(site,))
        potentials = site_disorder(chain.sites, [kind]).groups[0].potential[0]
        devices = [with_potential(chain, {site: v}) for v in potentials]
        change = change + sum(
            r.site_torkance_by_bias - clean for r in window_response(devices, -0.7)
        ) / len(devices)
    step = 1e-4
    # second-order one-sided difference: error c^2
    slope = (4 * averaged(step) - averaged(2 * step) - 3 * clean) / (2 * step)
    agree(
        "Change of the torque with the concentration of magnetic impurities, coherent potential",
        slope,
        change,
        against="explicit configurations",
        atol=1e-6 * np.abs(change).max() + 1e-7,
        note="one impurity on each site in turn",
    )


@pytest.mark.parametrize("method", METHODS)
def test_first_order_in_the_strength_is_perturbation_theory(agree, method):  # independent
    """T to second order in a potential +-u on every site, from the clean Green's function."""
    chain, energy = valve("chain"), np.array([-0.7])
    onsite, coupling = fourier_blocks(chain, chain.phases(np.zeros((1, 0))))
    left, right = lead_self_energies(chain, np.zeros((1, 0)), energy)
    green = full_green(energy, onsite, coupling, left.sigma, right.sigma)[0]
    size = len(green)
    gammas = np.zeros((2, size, size), complex)
    for gamma, lead, here in zip(
        gammas, (left, right), (slice(0, 2), slice(size - 2, size)), strict=True
    ):
        gamma[here, here] = 1j * (lead.sigma[0] - lead.sigma[0].conj().T)
    second = 0.0
    for i in range(size // 2):
        v = np.zeros((size, size))
        v[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = np.eye(2)
        one, two = green @ v @ green, green @ v @ green @ v @ green
        second += np.trace(gammas[1] @ one @ gammas[0] @ one.conj().T).real
        second += 2 * np.trace(gammas[1] @ two @ gammas[0] @ green.conj().T).real
    clean = np.trace(gammas[1] @ green @ gammas[0] @ green.conj().T).real

    def averaged(square):
        kind = NonmagneticImpurities(1.0, np.sqrt(square), "symmetric")
        return disordered_response(chain, -0.7, [kind], method).conductance

    step = 1e-4
    slope = (4 * averaged(step) - averaged(2 * step) - 3 * clean) / (2 * step)
    agree(
        f"Conductance to second order in the impurity potential, {method}",
        slope,
        second,
        against="another route",
        rtol=1e-6,
        note="perturbation theory with the clean Green's function",
    )


def test_resistance_grows_as_the_bulk_conductivity_says(agree):  # limit: Kubo
    """d(1/T)/dL = 1/(2 pi sigma), sigma = (1/pi) sum_s int v^2 (Im G)^2, of a one-band metal."""
    square, energy, mesh = 0.4, -1.7, 12
    kind = [NonmagneticImpurities(1.0, np.sqrt(square), "symmetric")]
    lengths = (20, 30, 40)
    resistance, sigma = [], None
    for length in lengths:
        chain = layer_chain(build_stack([Layer(length)]))
        response = disordered_response(chain, energy, kind, mesh=mesh)
        resistance.append(1 / response.conductance)
        sigma = response.self_energy[length // 2 + 1][0, 0]
    k = 2 * np.pi * (np.arange(mesh) + 0.5) / mesh
    # along the wire the sum is an integral: a fine mesh
    q = 2 * np.pi * (np.arange(400) + 0.5) / 400
    band = -2 * (np.cos(k)[:, None, None] + np.cos(k)[None, :, None] + np.cos(q)[None, None, :])
    spectral = (1 / (energy - sigma - band)).imag
    conductivity = 2 / np.pi * np.mean(4 * np.sin(q) ** 2 * spectral**2)
    slopes = np.diff(resistance) / 10
    agree(
        "Resistance per layer of a long disordered stack",
        slopes[1],
        1 / (2 * np.pi * conductivity),
        against="another route",
        rtol=1e-4,
        note="Kubo formula of the bulk",
    )


def test_two_orbitals_per_site_with_an_impurity_on_one():  # independent: enumeration
    layers = [Layer(2, onsite=[[0.1, 0.2], [0.2, -0.3]], hopping=np.eye(2))]
    lead = Lead(onsite=np.zeros((2, 2)), hopping=np.eye(2))
    chain = layer_chain(build_stack(layers, lead, lead, cross_section="chain"))
    kind = NonmagneticImpurities(
        0.4, 0.8, sites=(2,), matrix=tuple(map(tuple, np.diag([1.0, 1.0, 0.0, 0.0])))
    )
    response = disordered_response(chain, -0.4, [kind], "coherent-potential")
    group = site_disorder(chain.sites, [kind]).groups[0]
    exact = window_response([with_potential(chain, {2: v}) for v in group.potential[0]], -0.4)
    mean = group.probability @ [r.conductance for r in exact]
    assert_allclose(response.conductance, mean, atol=1e-13)


# --- what is told -----------------------------------------------------------------------------


def test_strong_impurities_are_no_case_for_born():
    strong = [NonmagneticImpurities(0.1, 5.0)]
    with pytest.warns(PhysicsWarning, match="dimensionless parameter .* coherent potential"):
        disordered_response(valve("chain"), -0.7, strong)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        disordered_response(valve("chain"), -0.7, strong, "coherent-potential")


def test_what_has_not_converged_is_told_and_marked(monkeypatch):
    from negf_torque.disorder import averaged

    original = averaged.find_fixed_point
    monkeypatch.setattr(
        averaged,
        "find_fixed_point",
        lambda step, start, ok, tolerance, most: original(step, start, ok, tolerance, 2),
    )
    with pytest.warns(ConvergenceWarning, match="has not converged .* after 2 steps"):
        response = disordered_response(valve("chain"), -0.7, BOTH)
    assert not response.converged


def test_energies_outside_the_bands_are_told():
    with (
        pytest.warns(PhysicsWarning, match="outside all bands of the left lead"),
        pytest.warns(PhysicsWarning, match="outside all bands of the right lead"),
    ):
        disordered_response(valve("chain"), -2.5, BOTH)


@pytest.mark.parametrize(
    ("arguments", "name"), [({"method": "t-matrix"}, "method"), ({"mesh": 0}, "mesh")]
)
def test_bad_arguments(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        disordered_response(valve("chain"), -0.7, BOTH, **arguments)


# --- meshes and temperature -------------------------------------------------------------------


def test_mesh_is_doubled_until_nothing_changes():
    chain = valve("periodic")
    strong = [NonmagneticImpurities(1.0, 1.0, "symmetric")]
    response = converged_response(
        chain, -1.0, strong, "coherent-potential", tolerance=3e-3, first_mesh=4, largest_mesh=64
    )
    assert response.converged
    finer = disordered_response(chain, -1.0, strong, "coherent-potential", 4 * response.mesh)
    assert abs(response.conductance - finer.conductance) < 3e-3 * finer.conductance
    assert 0 < response.conductance_error < 3e-3 * response.conductance
    with pytest.warns(ConvergenceWarning, match="average over momenta has not reached"):
        coarse = converged_response(
            chain, -1.0, strong, "coherent-potential", 1e-9, first_mesh=4, largest_mesh=8
        )
    assert not coarse.converged


def test_temperature_averages_over_the_thermal_window(agree):  # independent: sum over energies
    chain, temperature = valve("chain"), 300.0
    found = thermal_response(chain, -0.7, BOTH[:1], temperature=temperature)
    width = BOLTZMANN * temperature
    energies = width * np.linspace(-18, 18, 73)
    weight = 1 / (4 * np.cosh(energies / width / 2) ** 2) * 0.5
    exact = [disordered_response(chain, -0.7 + e, BOTH[:1]) for e in energies]
    # both trapezoidal: 1e-7 is what lies beyond 18 k_B T
    for name in ("conductance", "current_by_lead", "density_by_lead"):
        mean = sum(w * getattr(r, name) for w, r in zip(weight, exact, strict=True))
        agree(
            f"Disordered valve at 300 K: {name.replace('_', ' ')}",
            getattr(found, name),
            mean,
            against="another route",
            atol=1e-6,
            note="uniform sum over energies",
        )
    assert found.converged and found.evaluations < 60
    with pytest.raises(ValueError, match="^temperature: "):
        thermal_response(chain, -0.7, BOTH, temperature=-1.0)
