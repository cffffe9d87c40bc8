"""Evolution: the paper's numbers, conservation laws, propagators against each other."""

import numpy as np
import pytest
from manybody_brute import Brute
from numpy.testing import assert_allclose
from test_manybody_hamiltonian import random_model

from negf_torque.manybody import (
    ChebyshevPropagator,
    CrankNicolsonPropagator,
    Packet,
    SpinBasis,
    bipartite_spectrum,
    electron_density_matrix,
    evolve,
    hamiltonian,
    initial_state,
    local_spins_density_matrix,
    macrospin,
    product_state,
    purity,
    quantum_chain,
    superposition,
    wave_packet,
)
from negf_torque.manybody.propagate import chebyshev_weights

TIMES = np.arange(0.0, 601.0, 100.0)
SMALL = Packet(wave_number=0.7, spread=0.8, centre=4.0)


@pytest.fixture(scope="module")
def minus_z():
    return evolve(quantum_chain(), TIMES, tolerance=1e-12)


@pytest.fixture(scope="module")
def plus_x():
    return evolve(quantum_chain(), TIMES, electron_spin=(1, 0, 0), tolerance=1e-12)


# -- frozen: reference numbers of the paper's run, verified by two independent programs --


@pytest.mark.parametrize(
    "index, electron, first, last, pure, initial",
    [
        (2, -0.98119173, 0.99516815, 0.99489969, 0.98132914, 0.9905959),
        (4, -0.76843693, 0.94173675, 0.94653182, 0.79040383, 0.8842185),
        (6, -0.74554882, 0.94753269, 0.94219391, 0.77512399, 0.8727744),
    ],
)
def test_collinear_reference_numbers(minus_z, index, electron, first, last, pure, initial, agree):
    s = minus_z.samples
    assert_allclose(s.electron_spin[index, 2], electron, atol=6e-9)
    agree(
        f"Local spins under an electron pulse after {100 * index} fs",
        s.local_spin[index, [0, 4], 2], [first, last], against="reference value", atol=6e-9,
    )
    assert_allclose(s.purity[index], pure, atol=6e-9)
    row = minus_z.labels.index("|down; up up up up up>")
    assert_allclose(s.probability[index, row], initial, atol=6e-8)


def test_noncollinear_reference_numbers(plus_x):
    s = plus_x.samples
    assert_allclose(s.electron_spin[4], [0.72476271, 0.02664071, 0.11578153], atol=6e-9)
    assert_allclose(s.local_spin[4, 0], [0.05514929, -0.02221617, 0.97086837], atol=6e-9)
    assert_allclose(s.purity[4], 0.89802836, atol=6e-9)


def test_macrospin_reference_numbers():
    s = evolve(macrospin(quantum_chain()), [400.0]).samples
    assert_allclose(s.electron_spin[0, 2], -0.84675894, atol=6e-9)
    assert_allclose(s.local_spin[0, 0, 2], 4.84675894, atol=6e-9)
    assert_allclose(s.purity[0], 0.85850035, atol=6e-9)


# -- identities --


def test_norm_energy_and_total_sz_are_constant(minus_z, plus_x):
    for run in (minus_z, plus_x):
        s = run.samples
        assert_allclose(s.norm, 1, atol=1e-12)
        assert_allclose(s.energy, s.energy[0], atol=1e-12)
        assert_allclose(s.total_sz, s.total_sz[0], atol=1e-12)


def test_many_output_times_keep_norm_and_energy_at_the_default_tolerance():
    run = evolve(quantum_chain(), np.arange(0, 601, 1.0), electron_spin=(1, 0, 0))
    s = run.samples
    assert_allclose(s.norm, 1, atol=1e-12)
    assert_allclose(s.energy, s.energy[0], atol=1e-12)
    assert_allclose(s.total_sz, s.total_sz[0], atol=1e-12)


def test_collinear_spins_do_not_rotate(minus_z):
    s = minus_z.samples
    assert np.all(s.electron_spin[:, :2] == 0) and np.all(s.local_spin[:, :, :2] == 0)
    assert np.all(s.torque[:, :, :2] == 0) and np.all(s.mean_field_torque == 0)
    assert abs(s.torque[:, :, 2]).max() > 1e-4  # and yet there is a torque


def test_half_of_the_flips_with_an_x_electron(minus_z, plus_x):
    """The +x electron's down half does what the -z electron does; its up half stands still."""
    for row, label in enumerate(minus_z.labels):
        other = plus_x.labels.index(label)
        assert_allclose(
            plus_x.samples.probability[:, other],
            minus_z.samples.probability[:, row] / 2,
            atol=1e-12,
        )
    still = plus_x.labels.index("|up; up up up up up>")
    assert_allclose(plus_x.samples.probability[:, still], 0.5, atol=1e-12)


def test_a_parallel_electron_is_stationary_in_spin():
    s = evolve(quantum_chain(), [0, 300, 600], electron_spin=(0, 0, 1)).samples
    assert_allclose(s.electron_spin, [[0, 0, 1]] * 3, atol=1e-13)
    assert_allclose(s.local_spin, np.broadcast_to([0, 0, 1.0], (3, 5, 3)), atol=1e-13)
    assert_allclose(s.purity, 1, atol=1e-12)


def test_rotating_all_spins_about_z_rotates_all_results(plus_x):
    angle = 0.83
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    turned = evolve(quantum_chain(), TIMES, electron_spin=rotation @ [1, 0, 0]).samples
    straight = plus_x.samples
    for name in ("electron_spin", "local_spin", "torque", "mean_field_torque"):
        assert_allclose(getattr(turned, name), getattr(straight, name) @ rotation.T, atol=1e-11)
    assert_allclose(turned.purity, straight.purity, atol=1e-12)
    assert_allclose(turned.probability, straight.probability, atol=1e-12)
    spin = np.einsum("ab,tbx->tax", rotation, straight.density[:, 1:])
    assert_allclose(turned.density[:, 1:], spin, atol=1e-11)


def test_isotropic_exchange_lets_any_common_rotation_pass():
    """With J_z = J the whole problem is isotropic: tilt everything, get everything tilted."""
    model = quantum_chain(60, n_spins=3, jz=None)
    packet = Packet(0.3, 0.3, 15)
    straight = evolve(model, [40.0, 60.0], packet=packet).samples
    tilt = product_state(model, (1, 0, 0))
    turned = evolve(
        model, [40.0, 60.0], packet=packet, electron_spin=(-1, 0, 0), local_state=tilt
    ).samples
    assert_allclose(turned.electron_spin[:, 0], straight.electron_spin[:, 2], atol=1e-10)
    assert_allclose(turned.local_spin[..., 0], straight.local_spin[..., 2], atol=1e-10)
    assert_allclose(turned.purity, straight.purity, atol=1e-10)
    assert_allclose(turned.energy, straight.energy, atol=1e-10)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_sector_evolution_equals_full_space_evolution(count):
    model = quantum_chain(100, n_spins=count)
    packet = Packet(0.4, 0.3, 20)
    top = count + 1
    parts = evolve(model, [60.0], packet=packet, electron_spin=(0.6, 0, -0.8))
    whole = evolve(
        model,
        [60.0],
        packet=packet,
        electron_spin=(0.6, 0, -0.8),
        sectors=tuple(range(top + 1)),
    )
    assert whole.hamiltonian.basis.size == 2 ** (count + 1)
    assert parts.hamiltonian.basis.size == count + 2
    for name in ("electron_spin", "local_spin", "purity", "entropy", "density", "torque"):
        assert_allclose(
            getattr(parts.samples, name), getattr(whole.samples, name), atol=1e-10, err_msg=name
        )


def test_purities_and_spectra_of_both_parts_are_equal(plus_x):
    basis, psi = plus_x.hamiltonian.basis, plus_x.state
    electron = electron_density_matrix(basis, psi)
    local = local_spins_density_matrix(basis, psi)
    assert_allclose(purity(electron), purity(local), atol=1e-12)
    assert_allclose(purity(local), plus_x.samples.purity[-1], atol=1e-12)
    shared = bipartite_spectrum(basis, psi)
    spectrum = np.linalg.eigvalsh(electron)[-len(shared) :]
    assert_allclose(spectrum, shared, atol=1e-13)


# -- independent --


@pytest.mark.parametrize("seed, conserve", [(1, True), (2, True), (3, False), (4, False)])
def test_evolution_agrees_with_exact_diagonalisation(seed, conserve, agree):
    """Mixed spin sizes, fields, anisotropies, disorder; conserved or not, any initial state."""
    model = random_model(seed, (0.5, 1.0), length=7, conserve=conserve)
    directions = np.random.default_rng(seed).normal(size=(2, 3))
    local = product_state(model, directions)
    run = evolve(
        model,
        [1.3, 4.0],
        packet=Packet(0.7, 0.8, 3.0),
        electron_spin=(0.3, -0.5, 0.4),
        local_state=local,
    )
    brute = Brute(model)
    basis = SpinBasis.of(model.two_s)
    packet = wave_packet(7, 0.7, 0.8, 3.0)
    start = brute.vector(basis, initial_state(basis, packet, (0.3, -0.5, 0.4), local))
    exact = brute.evolve(start, 4.0)
    mine = brute.vector(run.hamiltonian.basis, run.state)
    agree(
        f"Many-body state after 4 fs, {'conserved' if conserve else 'not conserved'} spin, {seed}",
        mine, exact, against="another program", atol=1e-10, note="SciPy's dense eigensolver",
    )


def test_parity_is_enough_for_an_in_plane_anisotropy():
    """S_z changes by two at a time: the basis is half of the full space."""
    model = quantum_chain(8, n_spins=2, spin=1, anisotropy=(0.05, 0, 0.2))
    assert model.conserved == "parity"
    run = evolve(model, [3.0], packet=SMALL)
    brute = Brute(model)
    assert run.hamiltonian.basis.size == 9
    basis = SpinBasis.of(model.two_s)
    packet = wave_packet(8, 0.7, 0.8, 4.0)
    start = brute.vector(basis, initial_state(basis, packet, (0, 0, -1), product_state(model)))
    mine = brute.vector(run.hamiltonian.basis, run.state)
    assert_allclose(mine, brute.evolve(start, 3.0), atol=1e-10)


def test_a_superposition_within_a_sector_evolves_alone():
    model = quantum_chain(60, n_spins=3)
    magnon = superposition(model, [([-1, 1, 1], 1), ([1, -1, 1], 1j), ([1, 1, -1], -1)])
    run = evolve(model, [50.0], packet=Packet(0.4, 0.3, 15), local_state=magnon)
    assert run.size.sectors == (2,)
    assert_allclose(run.samples.total_sz, 1 - 1, atol=1e-12)


def test_chebyshev_error_stays_below_its_bound():
    """Against exact diagonalisation, for tolerances over nine orders."""
    model = random_model(11, (0.5, 1.0), length=7)
    basis = SpinBasis.of(model.two_s)
    h = hamiltonian(model, basis)
    brute = Brute(model)
    psi = initial_state(basis, wave_packet(7, 0.7, 0.8, 3.0), (1, 0, 0), product_state(model))
    exact = brute.evolve(brute.vector(basis, psi), 9.0)
    for tolerance in (1e-3, 1e-5, 1e-7, 1e-9, 1e-12):
        moved = ChebyshevPropagator(h, tolerance, duration=9.0)(psi, 9.0)
        assert np.linalg.norm(brute.vector(basis, moved) - exact) < tolerance
    back = ChebyshevPropagator(h, 1e-12, duration=9.0)(moved, -9.0)
    assert_allclose(back, psi, atol=1e-11)


def test_chebyshev_weights_sum_to_an_exponential():
    from scipy.special import jv

    for reach in (0.0, 0.3, 7.0, 199.0):
        weights = chebyshev_weights(reach, 1e-12)
        x = np.linspace(-1, 1, 7)
        terms = np.cos(np.arange(len(weights))[:, None] * np.arccos(x))
        total = ((-1j) ** (np.arange(len(weights)) % 4) * weights) @ terms
        assert_allclose(total, np.exp(-1j * reach * x), atol=1e-12)
        assert abs(2 * jv(len(weights) + 1, reach)) < 1e-12


def test_crank_nicolson_is_second_order():
    """A packet clear of the wall; one cut by it has a tail of all energies that converges slowly.

    (At the default centre 2e-5 of the Gaussian is cut off: the state's error then falls only
    from 3e-3 to 2e-3 when the step is quartered.)
    """
    model, packet = quantum_chain(), Packet(0.1, 0.2, 60.0)
    exact = evolve(model, [200.0], packet=packet, tolerance=1e-12).state
    errors = []
    for step in (0.4, 0.2):
        run = evolve(model, [200.0], packet=packet, method="crank-nicolson", step=step)
        errors.append(np.linalg.norm(run.state - exact))
        assert_allclose(run.samples.norm, 1, atol=1e-10)
    assert 3.9 < errors[0] / errors[1] < 4.1


def test_crank_nicolson_without_the_shift_is_wrong_by_a_hundredth(minus_z):
    """At dt = 0.1 fs, with its norm intact; the shift to the mean energy mends it."""
    model, exact = quantum_chain(), minus_z.samples.electron_spin[:, 2]
    wrong, right = (
        evolve(model, TIMES, method="crank-nicolson", step=0.1, shift=shift).samples
        for shift in (0.0, None)
    )
    assert 5e-3 < abs(wrong.electron_spin[:, 2] - exact).max() < 2e-2
    assert abs(right.electron_spin[:, 2] - exact).max() < 1e-5
    assert_allclose(wrong.norm, 1, atol=1e-11)


def test_crank_nicolson_turns_eigenstates_by_twice_the_arctangent():
    model = quantum_chain(5, n_spins=1)
    h = hamiltonian(model, SpinBasis.of(model.two_s, [1]))
    energy, states = np.linalg.eigh(h.matrix().toarray())
    psi = np.ascontiguousarray(states[:, 2].reshape(5, -1).T)
    from negf_torque.units import HBAR

    moved = CrankNicolsonPropagator(h, 0.4, 0.0)(psi.astype(complex), 0.4)
    turn = np.exp(-2j * np.arctan(energy[2] * 0.4 / 2 / HBAR))
    assert_allclose(moved, turn * psi, atol=1e-13)


# -- warnings and refusals --


def test_warnings_name_the_wall_and_the_time():
    run = evolve(quantum_chain(), np.arange(0, 601, 20.0))
    text = "\n".join(run.warnings)
    assert "right wall from t = " in text and "left wall from t = " in text
    assert "clipped" in text
    quiet = evolve(quantum_chain(400), [0, 40.0], packet=Packet(0.5, 0.2, 100))
    assert quiet.warnings == ()


def test_wall_weight_is_the_probability_that_a_longer_chain_lets_through():
    """Independent: the same run with the right wall 600 sites further away."""
    times = np.arange(0, 601, 5.0)
    near = evolve(quantum_chain(400), times)
    far = evolve(quantum_chain(1000, sites=range(198, 203)), times)
    beyond = far.samples.density[-1, 0, 400:].sum()
    assert_allclose(near.wall_weight[-1, 1], beyond, rtol=0.05)
    rare = evolve(quantum_chain(400), [600.0])
    assert_allclose(rare.wall_weight[-1], near.wall_weight[-1], rtol=0.05)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"packet": Packet(spread=0.005)}, "wider than the chain"),
        ({"packet": Packet(spread=-1)}, "spread: -1"),
        ({"packet": Packet(centre=400)}, "outside the chain"),
        ({"packet": Packet(wave_number=4)}, "wave_number: 4"),
        ({"electron_spin": (0, 0, 0)}, "no direction"),
        ({"tolerance": 1}, "tolerance: 1"),
        ({"tolerance": 1e-20}, "tolerance: 1e-20"),
        ({"method": "euler"}, "'euler' is not a propagator"),
        ({"method": "crank-nicolson", "step": 0}, "step: 0"),
        ({"times": [2.0, 1.0]}, "ascend"),
        ({"times": [-1.0]}, "start at 0"),
        ({"times": []}, "one or more"),
        ({"memory_limit": 0}, "memory_limit: 0"),
        ({"memory_limit": 1e5}, "What would fit: "),
        ({"method": "crank-nicolson", "memory_limit": 1e6}, "this run with chebyshev"),
        ({"sectors": (0,)}, "miss 1 of the initial state"),
    ],
)
def test_bad_runs_are_refused_with_one_message(change, message):
    arguments = {"times": [0.0, 1.0], **change}
    with pytest.raises(ValueError, match=message):
        evolve(quantum_chain(), arguments.pop("times"), **arguments)


def test_a_run_too_large_is_refused_before_it_is_built():
    model = quantum_chain(400, n_spins=40)
    tilted = product_state(model, (1, 0, 1))
    with pytest.raises(ValueError) as caught:
        evolve(model, [1.0], local_state=tilted)
    text = str(caught.value)
    # 2^41, less the outermost sectors, whose probability is below 1e-26
    assert 0 <= 2**41 - int(text.split()[1]) < 2**41 * 1e-6
    assert "local spins on this chain" in text
    most = int(text.split(" local spins on this chain")[0].split()[-1])
    assert 10 <= most <= 16
