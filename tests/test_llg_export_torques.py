"""Valves and films: each solver's right-hand side with the numbers of the file, random states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from solver_equations import (
    ANGLES,
    ATOMISTIC,
    RATES,
    SOLVER_CODES,
    film_rate,
    oommf_rate,
    spin_rate,
    spirit_rate,
    text_of,
    valve,
    vampire_rate,
)

from negf_torque.llg.bulk import SpinOrbitTorque
from negf_torque.llg.export import Simulation, render
from negf_torque.llg.slonczewski import asymmetric_efficiency, efficiency


@pytest.mark.parametrize("solver", SOLVER_CODES)
@given(
    st.floats(0.05, 1.2) | st.floats(-1.2, -0.05),
    st.floats(0.4, 3.0),
    st.floats(-0.3, 0.3),
    st.floats(1e9, 1e12) | st.floats(-1e12, -1e9),
    st.floats(0, 0.5),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=30)
def test_solver_computes_the_torque_that_transport_found(
    solver, polarisation, lam, prime, current, damping, seed
):
    """Transport (spins) -> file -> the solver's documented equation (moments), random states."""
    m, p = (v / np.linalg.norm(v) for v in np.random.default_rng(seed).normal(size=(2, 3)))
    torque = valve(polarisation, lam, prime, tuple(p))
    simulation = Simulation(current_density=current, damping=damping)
    text = next(iter(render(solver, torque, simulation).values()))
    fit = torque.slonczewski()
    expected = spin_rate(
        torque, m, simulation, efficiency(m @ p, fit.polarisation, fit.Lambda), 2 * prime
    )
    scale = np.abs(expected).max()
    assert_allclose(RATES[solver](text, m), expected, atol=1e-12 * scale)
    # The fit itself gives back the table's form.
    assert_allclose([fit.polarisation, fit.Lambda], [polarisation, lam], rtol=1e-8)


@pytest.mark.parametrize("solver", ATOMISTIC)
@given(
    st.floats(-1.2, -0.05) | st.floats(0.05, 1.2),
    st.floats(-0.3, 0.3),
    st.floats(1e9, 1e12) | st.floats(-1e12, -1e9),
    st.floats(0, 0.5),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=30)
def test_atomistic_solvers_compute_a_torque_without_asymmetry(
    solver, polarisation, prime, current, damping, seed
):
    m, p = (v / np.linalg.norm(v) for v in np.random.default_rng(seed).normal(size=(2, 3)))
    torque = SpinOrbitTorque(polarisation, 2 * prime, tuple(p), 2.5, 7e5)
    simulation = Simulation(current_density=current, damping=damping)
    expected = film_rate(torque, m, simulation)
    seen = RATES[solver](text_of(solver, torque, simulation), m)
    assert_allclose(seen, expected, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("solver", SOLVER_CODES)
@pytest.mark.parametrize("sign", [1, -1])
def test_spin_orbit_torques_reach_every_solver(solver, sign):
    torque = SpinOrbitTorque(sign * 0.2, -0.07, (0.0, 1.0, 0.2), 1.2, 1.1e6)
    simulation = Simulation(current_density=-3e11, damping=0.1)
    text = next(iter(render(solver, torque, simulation).values()))
    for m in np.random.default_rng(1).normal(size=(5, 3)):
        m = m / np.linalg.norm(m)
        expected = film_rate(torque, m, simulation)
        assert_allclose(RATES[solver](text, m), expected, atol=1e-12 * np.abs(expected).max())


def test_vampire_keeps_the_asymmetry_of_the_damping_like_torque():
    torque = valve(prime=0.0, p=(0, 0, 1))
    simulation = Simulation(damping=0.0)
    text = text_of("vampire", torque, simulation)
    fit = torque.slonczewski()
    for angle in (0.3, 1.5, 2.8):
        m = np.array([np.sin(angle), 0, np.cos(angle)])
        eta = efficiency(np.cos(angle), fit.polarisation, fit.Lambda)
        expected = spin_rate(torque, m, simulation, eta, 0.0)
        assert_allclose(vampire_rate(text, m), expected, atol=1e-12 * np.abs(expected).max())


def test_spirit_tells_what_it_loses():
    text = text_of("spirit", valve(lam=1.5, p=(0, 0, 1)), Simulation(initial_direction=(1, 0, 0)))
    # 1/(1 + x c) at c = +-1 against c = 0, x = (2.25 - 1)/(2.25 + 1).
    assert "-27.8 % at parallel" in text and "+62.5 % at antiparallel" in text
    m = np.array([1.0, 0.0, 0.0])
    torque = valve(lam=1.5, p=(0, 0, 1))
    eta = efficiency(0.0, 0.5, 1.5)
    expected = spin_rate(torque, m, Simulation(), eta, 0.16)
    assert_allclose(spirit_rate(text, m), expected, atol=1e-9 * np.abs(expected).max())


def test_asymmetric_file_of_oommf_follows_the_asymmetric_form():
    eta = asymmetric_efficiency(np.cos(ANGLES), 0.9, 0.2, 1.8, 1.8)
    torque = valve(eta=eta)
    simulation = Simulation(current_density=-2e11)
    files = render("oommf", torque, simulation)
    assert set(files) == {"valve.mif", "valve_asymmetric.mif"}
    fit = torque.asymmetric()
    rng = np.random.default_rng(3)
    for m in rng.normal(size=(20, 3)):
        m = m / np.linalg.norm(m)
        c = m @ np.array(torque.fixed_direction)
        eta_m = asymmetric_efficiency(
            c, fit.polarisation_fixed, fit.polarisation_free, fit.Lambda, fit.Lambda
        )
        expected = spin_rate(torque, m, simulation, eta_m, 0.16)
        assert_allclose(
            oommf_rate(files["valve_asymmetric.mif"], m),
            expected,
            atol=1e-12 * np.abs(expected).max(),
        )
        # ... and the form is the table's, to the fit's own tolerance.
        assert_allclose(eta_m, asymmetric_efficiency(c, 0.9, 0.2, 1.8, 1.8), rtol=1e-6)


@pytest.mark.parametrize("solver", SOLVER_CODES)
def test_positive_torkance_and_bias_pull_the_moment_towards_the_fixed_one(solver):
    """A valve that favours P for V > 0 turns m toward p, and away for V < 0."""
    torque = valve(0.5, 1.5, 0.0, (0.0, 0.0, 1.0))
    m = np.array([1.0, 0.0, 0.0])
    for sign in (1, -1):
        text = next(iter(render(solver, torque, Simulation(current_density=sign * 1e11)).values()))
        assert sign * RATES[solver](text, m)[2] > 0
