"""Levels of chain and composite, and the classical picture."""

import numpy as np
import pytest
from manybody_brute import Brute
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from test_manybody_hamiltonian import random_model

from negf_torque.manybody import (
    classical_directions,
    composite_levels,
    degeneracies,
    ehrenfest,
    evolve,
    product_state,
    quantum_chain,
    spin_levels,
    superposition,
    wave_packet,
)
from negf_torque.units import HBAR

# -- levels --


def test_isotropic_ground_states_have_degeneracies_six_and_seven():  # limit
    model = quantum_chain(jz=None)
    assert degeneracies(spin_levels(model).energy)[0] == (-0.4, 6)
    assert degeneracies(composite_levels(model, 12).energy)[0][1] == 7


def test_anisotropy_splits_them():  # frozen: reference numbers of the paper's model
    model = quantum_chain()
    chain = degeneracies(spin_levels(model).energy)[:3]
    assert [n for _, n in chain] == [2, 2, 2]
    assert_allclose([e for e, _ in chain], [-0.402, -0.40040080, -0.39960281], atol=5e-9)
    whole = degeneracies(composite_levels(model, 12).energy)[:4]
    assert [n for _, n in whole] == [2, 2, 2, 1]
    expected = [-2.43778287, -2.43645449, -2.43565311, -2.43538530]
    assert_allclose([e for e, _ in whole], expected, atol=5e-9)


@pytest.mark.parametrize("conserve", [True, False])
def test_levels_agree_with_diagonalising_everything(conserve):  # independent
    model = random_model(21, (0.5, 1.0, 0.5), length=5, conserve=conserve)
    everything = np.linalg.eigvalsh(Brute(model).h)
    assert_allclose(composite_levels(model, 30).energy, everything[:30], atol=1e-10)


def test_spins_of_the_levels_add_up_to_their_total():  # identity
    levels = composite_levels(quantum_chain(), 30)
    total = levels.electron_sz + levels.local_sz.sum(axis=1)
    assert_allclose(total, levels.twice_sz, atol=1e-10)
    ground = levels.local_sz[0] * np.sign(levels.electron_sz[0])
    assert_allclose(ground, 1, atol=1e-12)


def test_a_macrospin_and_a_dimer_have_textbook_levels():  # limit
    dimer = spin_levels(quantum_chain(10, n_spins=2, jz=None), 4)
    assert degeneracies(dimer.energy) == [(-0.1, 3), (0.3, 1)]
    easy = spin_levels(quantum_chain(10, n_spins=1, spin=2, anisotropy=(0, 0, 0.01)), 5)
    assert degeneracies(easy.energy) == [(-0.16, 2), (-0.04, 2), (0.0, 1)]


def test_levels_too_large_to_find_are_refused():
    with pytest.raises(ValueError, match="leave the levels out"):
        composite_levels(quantum_chain(n_spins=14))
    with pytest.raises(ValueError, match="count: 0"):
        spin_levels(quantum_chain(), 0)


# -- the classical picture --

PACKET = wave_packet(60, 0.6, 0.3, 15)


def classical_model():
    return quantum_chain(
        60,
        n_spins=3,
        spin=[0.5, 1, 1.5],
        jy=0.07,
        field=(0.01, 0.02, -0.03),
        anisotropy=(0.01, 0.0, 0.02),
        potential=np.linspace(0, 0.2, 60).tolist(),
    )


def test_classical_spins_follow_their_equations_of_motion():  # independent: another integrator
    model = classical_model()
    vectors = classical_directions(model, product_state(model, [[1, 0, 1], [0, 1, 0], [0, 0, 1]]))
    run = ehrenfest(model, [0, 30.0], PACKET, (1, 0.5, 0), vectors, step=0.1)
    sigma = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])

    def rate(_, y):
        psi = (y[:120] + 1j * y[120:240]).reshape(60, 2)
        x = y[240:].reshape(3, 3)
        h = model.potential[:, None] * psi
        h[1:] -= psi[:-1]
        h[:-1] -= psi[1:]
        b = model.field + 2 * model.anisotropy * x
        for n, site in enumerate(model.sites):
            h[site] -= model.coupling[n] * np.einsum("a,aij,j->i", x[n], sigma, psi[site])
            b[n] += (
                model.coupling[n] * np.einsum("i,aij,j->a", psi[site].conj(), sigma, psi[site]).real
            )
        b[1:] += model.exchange * x[:-1]
        b[:-1] += model.exchange * x[1:]
        flat = (-1j / HBAR * h).ravel()
        return np.concatenate([flat.real, flat.imag, (2 / HBAR * np.cross(x, b)).ravel()])

    from negf_torque.manybody.states import coherent_state

    start = np.outer(PACKET, coherent_state(1, (1, 0.5, 0))).ravel()
    y0 = np.concatenate([start.real, start.imag, vectors.ravel()])
    y = solve_ivp(rate, (0, 30), y0, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
    assert_allclose(run.local_spin[-1], y[240:].reshape(3, 3), atol=1e-7)


def test_classical_run_conserves_lengths_norm_and_energy():  # identity
    model = classical_model()
    vectors = classical_directions(model, product_state(model, (1, 0, 1)))
    run = ehrenfest(model, np.arange(0, 60, 1.0), PACKET, (0, 1, 0), vectors, step=0.25)
    lengths = np.linalg.norm(run.local_spin, axis=2)
    assert_allclose(lengths, np.broadcast_to([1, 2, 3], lengths.shape), atol=1e-11)
    assert_allclose(run.norm, 1, atol=1e-11)
    assert run.energy_drift < 1e-7


def test_classical_integration_is_of_sixth_order():  # identity: measured
    model = classical_model()
    vectors = classical_directions(model, product_state(model, (1, 0, 1)))
    ends = [
        ehrenfest(model, [20.0], PACKET, (0, 1, 0), vectors, step=step).local_spin[-1]
        for step in (0.5, 0.25, 0.0625)
    ]
    errors = [abs(end - ends[2]).max() for end in ends[:2]]
    assert 5.5 < np.log2(errors[0] / errors[1]) < 6.6


def test_classical_collinear_spins_feel_nothing():  # limit
    model = quantum_chain()
    run = ehrenfest(
        model,
        [0, 400.0],
        wave_packet(400),
        (0, 0, -1),
        classical_directions(model, product_state(model)),
    )
    assert_allclose(run.local_spin[-1], [[0, 0, 1]] * 5, atol=1e-13)
    assert_allclose(run.electron_spin[-1], [0, 0, -1], atol=1e-12)


def test_a_weak_coupling_makes_both_pictures_agree():  # limit
    """First order in J_sd: quantum and classical spins rotate alike."""
    model = quantum_chain(100, n_spins=2, j_sd=1e-3)
    times = [0.0, 60.0]
    local = product_state(model)
    quantum = evolve(
        model, times, electron_spin=(1, 0, 0), sectors=None, local_state=local
    ).samples.local_spin
    classical = ehrenfest(
        model, times, wave_packet(100), (1, 0, 0), classical_directions(model, local)
    ).local_spin
    turn = abs(quantum[-1] - quantum[0]).max()
    assert turn > 1e-6
    assert_allclose(quantum[-1], classical[-1], atol=0.01 * turn)


def test_classical_vectors_of_superpositions():  # limit
    model = quantum_chain(n_spins=2)
    state = superposition(model, [([1, 1], 1), ([-1, 1], 1j)])
    assert_allclose(classical_directions(model, state), [[0, 1, 0], [0, 0, 1]], atol=1e-12)
    bell = superposition(model, [([1, -1], 1), ([-1, 1], 1)])
    assert_allclose(classical_directions(model, bell), 0, atol=1e-12)


def test_bad_classical_steps_are_refused():
    model = quantum_chain()
    with pytest.raises(ValueError, match="step: 0"):
        ehrenfest(model, [1.0], wave_packet(400), (0, 0, 1), np.ones((5, 3)), step=0)
