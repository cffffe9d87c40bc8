"""Averages over boxes: exact integrals with the singularities that zone integrands have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negf_torque.greens.quadrature import adaptive_average, mesh_average, shifted_mesh


def open_band(energy):
    """Open fraction and band velocity of a cubic lead: a step and a square root in the zone."""

    def integrand(k):
        x = energy + 2 * np.cos(k[:, 0]) + 2 * np.cos(k[:, 1])
        return np.stack([(np.abs(x) < 2) * 1.0, np.sqrt(np.maximum(4 - x * x, 0))], axis=-1)

    return integrand


def test_step_over_the_zone_reaches_the_tolerance():  # limit
    # Sharvin conductance of the cubic lattice at E = -2.2, ten digits
    result = adaptive_average(open_band(-2.2), [[0, np.pi]] * 2, rtol=1e-9)
    assert result.converged
    assert result.value[0] == pytest.approx(0.4454608204, abs=1e-9)
    fine = mesh_average(open_band(-2.2), shifted_mesh([2000, 2000]))
    # a mesh resolves a line of steps to about (points)^(-3/4)
    assert result.value[0] == pytest.approx(fine.value[0], abs=2e-5)
    assert result.value[1] == pytest.approx(fine.value[1], abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.001, 0.999), st.floats(-3, 3))
def test_error_estimate_bounds_the_error_of_steps_and_roots(edge, slope):  # identity
    def integrand(x):
        t = x[:, 0]
        return np.stack(
            [(t < edge) * (1 + slope * t), np.sqrt(np.abs(t - edge)), np.cos(9 * t)], axis=-1
        )

    exact = [
        edge + slope * edge**2 / 2,
        2 / 3 * (edge**1.5 + (1 - edge) ** 1.5),
        np.sin(9) / 9,
    ]
    result = adaptive_average(integrand, [[0, 1]], rtol=1e-9)
    assert result.converged
    np.testing.assert_allclose(result.value, exact, atol=2e-9)


def test_limit_of_evaluations_marks_the_result():
    result = adaptive_average(open_band(-2.2), [[0, np.pi]] * 2, rtol=1e-12, max_evaluations=10_000)
    assert not result.converged
    assert np.all(result.error > 0)


def test_no_axis_is_one_evaluation():
    result = adaptive_average(lambda k: np.full((len(k), 2), 3.0), np.zeros((0, 2)))
    assert result.evaluations == 1 and result.converged
    np.testing.assert_array_equal(result.value, [3, 3])


def test_small_columns_share_the_scale_of_their_family():
    def integrand(k):
        return np.stack([1 + np.cos(k[:, 0]), 1e-9 * np.abs(k[:, 0] - 1.234)], axis=-1)

    alone = adaptive_average(integrand, [[0, 2 * np.pi]], rtol=1e-8)
    family = adaptive_average(integrand, [[0, 2 * np.pi]], rtol=1e-8, families=[0, 0])
    assert family.evaluations < alone.evaluations
