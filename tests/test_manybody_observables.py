"""Observables against Kronecker products, continuity equations and known limits."""

import numpy as np
import pytest
from manybody_brute import Brute
from numpy.testing import assert_allclose
from test_manybody_hamiltonian import random_model

from negf_torque.manybody import (
    Observer,
    Packet,
    SpinBasis,
    entropy,
    evolve,
    hamiltonian,
    orbital_purity,
    packet_facts,
    product_state,
    quantum_chain,
    superposition,
    wave_packet,
)
from negf_torque.manybody.states import coherent_state
from negf_torque.units import HBAR


@pytest.fixture(scope="module", params=[(0.5, 1.0), (1.5, 0.5), (0.5, 0.5, 0.5)])
def measured(request):
    """A random state of a random model: brute-force operators, vector, sample, model."""
    model = random_model(len(request.param) + 5, request.param, length=4)
    h = hamiltonian(model, SpinBasis.of(model.two_s))
    rng = np.random.default_rng(9)
    psi = rng.normal(size=h.shape) + 1j * rng.normal(size=h.shape)
    psi /= np.linalg.norm(psi)
    brute = Brute(model)
    return brute, brute.vector(h.basis, psi), Observer(h)(psi), model


def test_spins_and_energy(measured):  # independent
    brute, v, s, model = measured
    assert_allclose(s.norm, 1, atol=1e-12)
    assert_allclose(s.energy, brute.mean(brute.h, v), atol=1e-12)
    assert_allclose(s.electron_spin, [brute.mean(o, v) for o in brute.sigma], atol=1e-12)
    for n in range(model.n_spins):
        assert_allclose(s.local_spin[n], [brute.mean(o, v) for o in brute.x[n]], atol=1e-12)
    total = brute.sigma[2] + sum(x[2] for x in brute.x)
    assert_allclose(s.total_sz, brute.mean(total, v), atol=1e-12)


def test_purities_and_entropy(measured):  # independent
    brute, v, s, model = measured
    spins = list(range(2, 2 + model.n_spins))
    for keep in (spins, [0, 1]):
        rho = brute.density_matrix(v, keep)
        assert_allclose(s.purity, np.trace(rho @ rho).real, atol=1e-12)
        assert_allclose(s.entropy, entropy(np.linalg.eigvalsh(rho)), atol=1e-10)
    rho = brute.density_matrix(v, [1])
    assert_allclose(s.electron_spin_purity, np.trace(rho @ rho).real, atol=1e-12)
    for n in range(model.n_spins):
        rho = brute.density_matrix(v, [2 + n])
        assert_allclose(s.local_spin_purity[n], np.trace(rho @ rho).real, atol=1e-12)


def test_densities_and_probabilities(measured):  # independent
    brute, v, s, model = measured
    for x, projector in enumerate(brute.on_site):
        spin = [brute.mean(projector @ o, v) for o in brute.sigma]
        assert_allclose(s.density[:, x], [brute.mean(projector, v), *spin], atol=1e-12)
    basis = SpinBasis.of(model.two_s)
    weights = np.sum(abs(v.reshape(brute.dims)) ** 2, axis=0)
    for row in range(basis.size):
        where = (basis.electron[row], *basis.lowered[row])
        assert_allclose(s.probability[row], weights[where], atol=1e-13)
    assert_allclose(s.region_probability.sum(), 1, atol=1e-12)
    up = (s.density[0] + s.density[3]) / 2
    assert_allclose(s.region_probability[0, 0], up[: model.sites.min()].sum(), atol=1e-13)


def test_bond_currents(measured):  # independent: 2 Im psi_j^+ sigma H_ji psi_i / hbar
    brute, v, s, model = measured
    psi = v.reshape(model.length, 2, -1)
    sigma = [np.eye(2), *(np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]]))]
    sigma.append(np.diag([1, -1]))
    for x in range(model.length - 1):
        for a in range(4):
            amplitude = np.einsum("sc,st,tc->", psi[x + 1].conj(), sigma[a], psi[x])
            expected = 2 * np.imag(-model.hopping * amplitude) / HBAR
            assert_allclose(s.current[a, x], expected, atol=1e-12)


def test_torque_is_the_electrons_part_of_the_spins_rate_of_change(measured):  # independent
    brute, v, s, model = measured
    for n, x in enumerate(model.sites):
        coupling = -model.coupling[n] * sum(
            brute.on_site[x] @ brute.sigma[a] @ brute.x[n][a] for a in range(3)
        )
        for a in range(3):
            rate = 1j / HBAR * (coupling @ brute.x[n][a] - brute.x[n][a] @ coupling)
            assert_allclose(s.torque[n, a], brute.mean(rate, v), atol=1e-11)


def test_spin_density_obeys_its_continuity_equation(measured):  # identity
    brute, v, s, model = measured
    flow = np.zeros((4, model.length))
    flow[:, 1:] += s.current
    flow[:, :-1] -= s.current
    for n, x in enumerate(model.sites):
        flow[1:, x] -= s.torque[n]
    for x, projector in enumerate(brute.on_site):
        for a, operator in enumerate([np.eye(len(v)), *brute.sigma]):
            density = projector @ operator
            rate = 1j / HBAR * (brute.h @ density - density @ brute.h)
            assert_allclose(flow[a, x], brute.mean(rate, v), atol=1e-11)


def test_mean_field_torque_is_the_torque_of_a_product_state():  # limit
    model = quantum_chain(6, n_spins=2, spin=[0.5, 1.5])
    h = hamiltonian(model, SpinBasis.of(model.two_s))
    from negf_torque.manybody import initial_state

    local = product_state(model, [(1, 0.2, 0), (0, 1, 1)])
    psi = initial_state(h.basis, wave_packet(6, 0.4, 0.9, 2.5), (0.2, -1, 0.5), local)
    s = Observer(h)(psi)
    assert_allclose(s.torque, s.mean_field_torque, atol=1e-13)
    assert abs(s.torque).max() > 1e-4
    assert_allclose(s.purity, 1, atol=1e-12)
    assert_allclose(s.local_spin_purity, 1, atol=1e-12)


def test_angular_momentum_that_the_electron_loses_the_magnet_gains():  # identity
    times = np.linspace(0, 500, 501)
    s = evolve(quantum_chain(), times, electron_spin=(1, 0, 0), entanglement=False).samples
    given = np.trapezoid(s.torque.sum(axis=1), times, axis=0)
    gained = s.local_spin[-1].sum(axis=0) - s.local_spin[0].sum(axis=0)
    lost = s.electron_spin[0] - s.electron_spin[-1]
    assert_allclose(gained[2], lost[2], atol=1e-12)
    # J_z - J = 5e-4 eV torques the chain itself about z; along z the electron gives all
    assert_allclose(given[2], gained[2], atol=2e-5)
    assert_allclose(given, lost, atol=2e-5)


def test_orbit_and_spins_do_not_stay_a_product():  # frozen, 2026-11: against Kronecker products
    run = evolve(quantum_chain(), [0.0, 400.0])
    model = quantum_chain(8, n_spins=2)
    small = evolve(model, [3.0], packet=Packet(0.7, 0.8, 4.0))
    brute = Brute(model)
    rho = brute.density_matrix(brute.vector(small.hamiltonian.basis, small.state), [0])
    assert_allclose(orbital_purity(small.state), np.trace(rho @ rho).real, atol=1e-12)
    assert orbital_purity(run.state) < 0.9


@pytest.mark.parametrize("two_s", [1, 2, 5, 7])
def test_coherent_states_point_where_they_should(two_s):  # limit
    from manybody_brute import doubled_spin

    rng = np.random.default_rng(two_s)
    for direction in (*rng.normal(size=(4, 3)), [0, 0, -1], [1e-9, 0, -1], [0, -1, 0]):
        v = coherent_state(two_s, direction)
        unit = np.array(direction) / np.linalg.norm(direction)
        mean = [np.vdot(v, x @ v).real for x in doubled_spin(two_s)]
        assert_allclose(mean, two_s * unit, atol=1e-12)
    assert np.all(coherent_state(two_s, [0, 0, -1])[:-1] == 0)


def test_packet_facts_know_the_infinite_chain():  # limit
    """Gaussian away from the walls: <E> = -2 cos k exp(-dk^2/8), spread of density 1/dk."""
    model = quantum_chain(400)
    facts = packet_facts(model, wave_packet(400, 0.1, 0.2, 100), 0.2, 100)
    assert_allclose(facts.energy, -2 * np.cos(0.1) * np.exp(-0.04 / 8), atol=1e-10)
    second = 2 + 2 * np.cos(0.2) * np.exp(-0.04 / 2)
    assert_allclose(facts.energy_spread, np.sqrt(second - facts.energy**2), atol=1e-9)
    assert_allclose([facts.position, facts.position_spread], [100, 5], atol=1e-9)
    assert_allclose(facts.velocity, 2 / HBAR * np.sin(0.1) * np.exp(-0.04 / 8), atol=1e-10)
    assert facts.clipped < 1e-12
    half = packet_facts(model, wave_packet(400, 0.1, 0.2, 0), 0.2, 0)
    assert 0.45 < half.clipped < 0.5


@pytest.mark.parametrize(
    "terms, message",
    [
        ([([1, 1], 1)], "does not give 2m of each of the 3"),
        ([([1, 1, 0], 1)], "2m = 0 of local spin 2 is impossible"),
        ([([1, 1, 3], 1)], "2m = 3 of local spin 2"),
        ([([1, 1, 1], 0)], "the superposition is empty"),
        ([], "the superposition is empty"),
        ([([1, 1, 1], float("inf"))], "finite amplitude"),
    ],
)
def test_bad_superpositions_are_refused(terms, message):
    with pytest.raises(ValueError, match=message):
        superposition(quantum_chain(n_spins=3), terms)


def test_bad_directions_are_refused():
    with pytest.raises(ValueError, match="each of the 3 local spins"):
        product_state(quantum_chain(n_spins=3), [[0, 0, 1]] * 2)
    with pytest.raises(ValueError, match="no direction"):
        product_state(quantum_chain(n_spins=3), (0, 0, 0))
