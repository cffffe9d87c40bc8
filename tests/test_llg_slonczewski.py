"""Slonczewski forms and fits: identities, limits, and the sign chain from spins to moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.llg.slonczewski import (
    asymmetric_efficiency,
    canonical,
    constant_fit,
    efficiency,
    fit_asymmetric,
    fit_slonczewski,
)
from negf_torque.llg.valve import ValveTorque, valve_torque
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, HBAR_SI

polarisations = st.floats(0.02, 1.5) | st.floats(-1.5, -0.02)
lambdas = st.floats(0.3, 4.0)
ANGLES = np.linspace(0, np.pi, 13)


@given(polarisations, lambdas)
def test_fit_returns_the_form_that_made_the_table(polarisation, lam):  # identity
    fit = fit_slonczewski(ANGLES, efficiency(np.cos(ANGLES), polarisation, lam))
    assert fit.valid
    # Rounding of the least-squares solution, amplified by d(Lambda)/dx.
    assert_allclose([fit.polarisation, fit.Lambda], [polarisation, lam], rtol=1e-9)
    assert fit.max_relative_residual < 1e-12


def test_a_sign_change_is_not_a_slonczewski_torque():
    fit = fit_slonczewski(ANGLES, np.cos(ANGLES) - 0.2)
    assert not fit.valid
    assert fit.max_relative_residual > 0.1


@given(st.floats(0.1, 1.2), st.floats(-0.5, 0.9), st.floats(1.1, 3.0))
@settings(deadline=None, max_examples=40)
def test_asymmetric_fit_returns_its_form(fixed, free, lam):  # identity
    eta = asymmetric_efficiency(np.cos(ANGLES), fixed, free, lam, lam)
    fit = fit_asymmetric(ANGLES, eta)
    # The search over x^2 is a bounded scalar one: its minimum is known to sqrt(epsilon).
    assert fit.max_relative_residual < 1e-7
    again = asymmetric_efficiency(
        np.cos(ANGLES), fit.polarisation_fixed, fit.polarisation_free, fit.Lambda, fit.Lambda
    )
    assert_allclose(again, eta, atol=1e-7 * np.abs(eta).max())


def test_four_asymmetric_parameters_have_three_degrees_of_freedom():  # identity
    eta = asymmetric_efficiency(np.cos(ANGLES), 0.5, 0.3, 1.3, 2.1)
    assert fit_asymmetric(ANGLES, eta).max_relative_residual < 1e-7


def test_equal_layers_reduce_to_the_symmetric_form():  # limit
    for lam in (1.0, 1.7):
        assert_allclose(
            asymmetric_efficiency(np.cos(ANGLES), 0.4, 0.4, lam, lam),
            efficiency(np.cos(ANGLES), 0.4, lam),
            rtol=1e-13,
        )


@given(polarisations, lambdas, st.floats(-0.5, 0.5), st.integers(0, 2**31))
def test_canonical_rewriting_keeps_the_torque(polarisation, lam, prime, seed):  # identity
    rng = np.random.default_rng(seed)
    m, p = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))

    def torque(P, L, e, J, p):
        pxm = np.cross(p, m)
        return J * (efficiency(m @ p, P, L) * np.cross(m, pxm) + e * pxm)

    new = canonical(polarisation, lam, prime, 0.7, p)
    assert new[0] >= 0 and new[1] >= 1
    assert_allclose(torque(*new), torque(polarisation, lam, prime, 0.7, p), atol=1e-14)


@pytest.mark.parametrize("off", [0.0, -1e-16, -5e-13, 5e-13])
def test_rounding_of_lambda_reverses_nothing(off):
    new = canonical(0.4, 1.0 + off, 0.1, 0.7, (0, 0, 1))
    assert new[:4] == (0.4, 1.0, 0.1, 0.7)
    assert new[4].tolist() == [0, 0, 1]


def test_fit_of_a_constant_keeps_current_and_polariser():  # identity
    """The fit of an exact Lambda = 1 lands next to it, on either side."""
    for level in (0.15, 0.2, 0.37):
        fit = fit_slonczewski(ANGLES, np.full(len(ANGLES), level))
        new = canonical(fit.polarisation, fit.Lambda, 0.0, 1.0, (0, 0, 1))
        assert new[3] == 1.0 and new[4][2] == 1.0
        assert_allclose(new[0], 2 * level, rtol=1e-12)


def test_errors_of_the_parameters_agree_with_resampling():  # independent
    rng = np.random.default_rng(5)
    eta, sigma = efficiency(np.cos(ANGLES), 0.4, 1.5), 1e-3
    fit = fit_slonczewski(ANGLES, eta, errors=np.full(len(ANGLES), sigma))
    fits = [fit_slonczewski(ANGLES, eta + sigma * rng.normal(size=13)) for _ in range(400)]
    spread = np.std([[f.polarisation, f.Lambda] for f in fits], axis=0)
    # 400 samples give a standard deviation to 1/sqrt(800) = 3.5 %; four of these.
    assert_allclose([fit.polarisation_error, fit.Lambda_error], spread, rtol=0.15)


def test_constant_fit_weighs_the_torque_itself():  # limit
    values = np.where(np.sin(ANGLES) < 1e-9, 100.0, 0.25)
    mean, deviation = constant_fit(ANGLES, values)
    assert_allclose(mean, 0.25, rtol=1e-12)
    assert deviation > 0.9


def test_torque_on_spins_becomes_torque_on_moments():
    """The chain spin -> magnetisation: in-plane keeps its sign, out-of-plane its coefficient."""
    rng = np.random.default_rng(1)
    theta, n_in, n_out, transmission = 1.1, 0.37, -0.21, 0.8
    thickness, ms, area, voltage = 2.5e-9, 7e5, 0.09e-18, 0.03
    torque = valve_torque(
        [theta, 2.0],
        [n_in * np.sin(theta), 0.1],
        [n_out * np.sin(theta), 0.1],
        [transmission, 0.7],
        cell_area=area * 1e18,
        thickness=thickness * 1e9,
        saturation_magnetisation=ms,
    )
    a, b = (rate[0] * voltage for rate in torque.rates_per_volt())
    # By hand: torque e V/(4 pi) N on a spin hbar/2 ... gamma = 2 mu_B/hbar turns it into dm/dt.
    g = 2 * BOHR_MAGNETON / HBAR_SI * ELEMENTARY_CHARGE * voltage / (4 * np.pi)
    g /= ms * thickness * area
    s, p_s = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    ds = g * (n_in * np.cross(s, np.cross(p_s, s)) + n_out * np.cross(s, p_s))
    m, p = -s, -p_s
    dm = a * np.cross(m, np.cross(p, m)) + b * np.cross(p, m)
    assert_allclose(dm, -ds, rtol=1e-13)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"thickness": 0.0}, "thickness"),
        ({"saturation_magnetisation": -1.0}, "saturation_magnetisation"),
        ({"cell_area": float("nan")}, "cell_area"),
        ({"eta": (0.1,)}, "eta: 1 values for 2 angles"),
        ({"conductance": (0.0, 1.0)}, "conductance"),
        ({"fixed_direction": (0, 0, 0)}, "fixed_direction"),
        ({"name": "a/b"}, "name"),
        ({"angles": (0.5,)}, "angles"),
    ],
)
def test_unusable_input_is_refused_with_its_name(change, words):
    good = dict(
        angles=(0.5, 2.0),
        eta=(0.2, 0.3),
        eta_perp=(0.0, 0.0),
        conductance=(1.0, 0.9),
        cell_area=0.1,
        thickness=2.0,
        saturation_magnetisation=8e5,
    )
    ValveTorque(**good)
    with pytest.raises(ValueError, match=words):
        ValveTorque(**good | change)


def test_fit_needs_two_angles():
    with pytest.raises(ValueError, match="two angles"):
        fit_slonczewski([1.0, -1.0], [0.1, 0.1])
    with pytest.raises(ValueError, match="not finite"):
        fit_slonczewski([1.0, 2.0], [0.1, np.nan])
    with pytest.raises(ValueError, match="does not match"):
        fit_slonczewski([1.0, 2.0], [0.1])
