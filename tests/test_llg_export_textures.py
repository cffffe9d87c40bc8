"""Textures: the Zhang-Li torque of each solver with the numbers of the file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from solver_equations import (
    ATOMISTIC,
    TEXTURE_RATES,
    numbers_after,
    run_ubermag_script,
    text_of,
    texture_rate,
)

from negf_torque.llg.bulk import TextureTorque
from negf_torque.llg.export import Simulation, render
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE

TEXTURE = TextureTorque(0.55, 0.04, 0.02, 8e5, beta_error=1e-3)


@pytest.mark.parametrize("current", [1e12, -1e12])
def test_textures_move_along_the_electron_flow(current):
    simulation = Simulation(current_density=current, anisotropy=5e4)
    u = 0.55 * current * BOHR_MAGNETON / (ELEMENTARY_CHARGE * 8e5)
    assert_allclose(TEXTURE.drift_velocity(current), u, rtol=1e-14)
    text = text_of("mumax3", TEXTURE, simulation)
    j, pol, xi = (numbers_after(text, k)[0] for k in ("J = vector(", "Pol =", "xi ="))
    # Its kernel: hspin = J pol mu_B/(e Ms (1 + xi^2)) dm/dx, dm/dt = +hspin + ...
    drift = -j * pol * BOHR_MAGNETON / (ELEMENTARY_CHARGE * 8e5 * (1 + xi**2))
    assert_allclose([drift, xi], [u, 0.04], rtol=1e-13)
    text = text_of("oommf", TEXTURE, simulation)
    evolver = text.split("Anv_SpinTEvolve:evolver")[1]
    assert_allclose(numbers_after(evolver, "u "), u, rtol=1e-14)
    assert_allclose(numbers_after(evolver, "beta "), 0.04)
    keys = run_ubermag_script(text_of("ubermag", TEXTURE, simulation))
    assert_allclose([keys["ZhangLi.u"], keys["ZhangLi.beta"]], [u, 0.04], rtol=1e-14)
    start = keys["Field.value"]
    assert_allclose(start((0, 0, 0)), (1, 0, 0), atol=0.1)
    assert_allclose(np.linalg.norm(start((5.1e-8, 0, 0))), 1, rtol=1e-12)
    text = text_of("magnumnp", TEXTURE, simulation)
    assert_allclose(numbers_after(text, "state.j = state.Constant(")[0], -u, rtol=1e-14)
    text = text_of("mumaxplus", TEXTURE, simulation)
    assert_allclose(numbers_after(text, "magnet.jcur =")[0], j, rtol=1e-14)
    document = json.loads(text_of("plain", TEXTURE, simulation))
    assert_allclose(document["conventions"]["fidimag"]["u0_j"], -u, rtol=1e-14)


@pytest.mark.parametrize("solver", ATOMISTIC)
def test_atomistic_solvers_refuse_continuum_textures(solver):
    with pytest.raises(ValueError, match=solver):
        render(solver, TEXTURE)


@pytest.mark.parametrize("solver", TEXTURE_RATES)
@given(
    st.floats(-1, 1).filter(lambda p: abs(p) > 0.01),
    st.floats(-0.5, 2.0),
    st.floats(0, 0.5),
    st.floats(0, 0.3),
    st.floats(1e10, 1e13) | st.floats(-1e13, -1e10),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=20)
def test_solver_computes_the_drift_and_beta(solver, p, beta, alpha, pumped, current, seed):
    """Random textures: Gilbert's form, implicit damping solved = the solver's explicit form."""
    rng = np.random.default_rng(seed)
    m = rng.normal(size=(6, 3))
    m /= np.linalg.norm(m, axis=1, keepdims=True)
    slope = rng.normal(size=(6, 3)) * 1e8
    slope -= np.sum(slope * m, axis=1, keepdims=True) * m
    torque = TextureTorque(p, beta, alpha, 8e5)
    simulation = Simulation(current_density=current, damping_enhancement=pumped)
    u = p * current * BOHR_MAGNETON / (ELEMENTARY_CHARGE * 8e5)
    expected = texture_rate(u, beta, alpha + pumped, m, slope)
    seen = TEXTURE_RATES[solver](text_of(solver, torque, simulation), m, slope)
    assert_allclose(seen, expected, atol=1e-12 * np.abs(expected).max())


def test_pumped_damping_is_told():
    text = text_of("oommf", TEXTURE, Simulation(damping_enhancement=0.003))
    assert "alpha = 0.023: 0.02 and 0.003 from spin pumping" in text
