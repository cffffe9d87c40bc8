"""Linear stability against closed forms, finite differences and the dynamics itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.llg.macrospin import macrospin, trajectory
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.stability import (
    critical_drive,
    fixed_point,
    fixed_points,
    jacobian,
    pillar_trace_determinant,
    ralph_stiles_current,
    spin_orbit_threshold,
)
from negf_torque.llg.torques import constant_torque, slonczewski_torque
from negf_torque.llg.valve import slonczewski_field
from negf_torque.units import GAMMA0

MS = 8e5


def generic(drive_torque=True):
    torques = [
        slonczewski_torque((0.6, 0.3, 0.5), 0.4, 1.7, 0.05, MS, 2.0),
        constant_torque((0, 1, 1), 2e-8, -1e-8),
    ]
    return macrospin(
        MS,
        0.05,
        applied=(2e4, -1e4, 5e3),
        anisotropies=[(1.5e4, (1, 0.1, 0))],
        demagnetisation=(0.03, 0.05, 0.92),
        torques=torques if drive_torque else [],
    )


def test_jacobian_is_the_derivative_of_the_motion():  # independent: finite differences
    model, drive = generic(), 1e11
    point = fixed_point(model, (1, 0, 0), drive)
    assert np.linalg.norm(model.rate(point.m, drive)) < 1e-8 * GAMMA0 * MS
    j = jacobian(model, point.m, drive)
    seed = np.eye(3)[int(np.argmin(np.abs(point.m)))]
    e1 = np.cross(point.m, seed)
    e1 /= np.linalg.norm(e1)
    basis, step = np.stack([e1, np.cross(point.m, e1)]), 1e-5

    def moved(v):
        n = point.m + v @ basis
        return basis @ model.rate(n / np.linalg.norm(n), drive)

    columns = [(moved(step * e) - moved(-step * e)) / (2 * step) for e in np.eye(2)]
    # Central differences: step^2 = 1e-10 relative, rounding 1e-16/step.
    assert_allclose(j, np.transpose(columns), rtol=1e-6, atol=1e-8 * np.abs(j).max())


@given(
    st.sampled_from([1, -1]),
    st.floats(-0.01, 0.01),
    st.floats(0.02, 0.1),
    st.floats(-0.05, 0.05),
    st.floats(0.0, 0.5),
)
@settings(deadline=None, max_examples=50)
def test_in_plane_pillar_has_the_textbook_trace_and_determinant(s, h, h_k, a, alpha):
    model = macrospin(
        MS,
        alpha,
        applied=(h * MS, 0, 0),
        anisotropies=[(h_k * MS, (1, 0, 0))],
        demagnetisation=(0, 0, 1),
        torques=[constant_torque((1, 0, 0), a * MS)],
    )
    j = jacobian(model, (s, 0, 0), 1.0) / (GAMMA0 * MS)
    trace, determinant = pillar_trace_determinant(s, h, h_k, a, alpha)
    assert_allclose(np.trace(j), trace, atol=1e-13)
    assert_allclose(np.linalg.det(j), determinant, atol=1e-13)


@pytest.mark.parametrize("Lambda", [1.0, 1.6])
@pytest.mark.parametrize("alpha", [0.01, 0.4])
def test_equation_26_is_the_trace_condition_exactly(Lambda, alpha, agree):
    """At any damping, not only a small one; eta(0) = 2 epsilon(theta = 0)."""
    h, h_k, thickness, volume = 1e4, 2e4, 2.0, 100 * 60 * 2.0
    model = macrospin(
        MS,
        alpha,
        applied=(h, 0, 0),
        anisotropies=[(h_k, (1, 0, 0))],
        demagnetisation=(0, 0, 1),
        torques=[slonczewski_torque((1, 0, 0), 0.3, Lambda, 0.0, MS, thickness)],
    )
    eta = 2 * float(efficiency(1.0, 0.3, Lambda))
    current = ralph_stiles_current(alpha, eta, volume, MS, h, h_k)
    # I > 0 (conventional, fixed to free) pushes away; the torque's own J is -I/area.
    drive, how = critical_drive(model, (1, 0, 0), -3 * current / (volume / thickness * 1e-18))
    assert how == "oscillation"
    agree(
        f"Critical current of a nanopillar, alpha = {alpha}, Lambda = {Lambda}",
        -drive * volume / thickness * 1e-18, current,
        against="analytic", rtol=1e-10, note="Ralph and Stiles (2008), Eq. (26)",
    )


@pytest.mark.parametrize("h", [0.0, 0.05, 0.2, 0.5])
def test_spin_orbit_threshold(h, agree):
    h_k = 5e4
    model = macrospin(
        MS,
        0.3,
        applied=(h * h_k, 0, 0),
        anisotropies=[(h_k, (0, 0, 1))],
        torques=[constant_torque((0, 1, 0), h_k)],
    )
    thresholds = [critical_drive(model, (0, 0, s), 1.0, steps=200) for s in (1, -1)]
    values = [t[0] for t in thresholds if t is not None]
    # One of the two states loses its minimum at the closed form; a fold is found to sqrt(eps).
    agree(
        f"Spin-orbit switching threshold, field {h} H_k",
        min(values), spin_orbit_threshold(h), against="analytic", rtol=1e-6,
    )


def test_perpendicular_polariser_threshold():
    h_k = 2e4
    model = macrospin(
        MS,
        0.1,
        anisotropies=[(h_k, (1, 0, 0))],
        demagnetisation=(0, 0, 1),
        torques=[constant_torque((0, 0, 1), 1.0)],
    )
    drive, how = critical_drive(model, (1, 0, 0), h_k)
    assert_allclose(drive, h_k / 2, rtol=1e-7)


def test_eigenvalues_are_ferromagnetic_resonance_without_drive():
    """Kittel's frequency and linewidth of a film in an in-plane field."""
    h, alpha = 5e4, 0.01
    model = macrospin(MS, alpha, applied=(h, 0, 0), demagnetisation=(0, 0, 1))
    values = fixed_point(model, (1, 0, 0)).eigenvalues
    assert_allclose(np.abs(np.prod(values)), GAMMA0**2 * h * (h + MS) / (1 + alpha**2), rtol=1e-12)
    assert_allclose(values.sum().real, -alpha * GAMMA0 * (2 * h + MS) / (1 + alpha**2), rtol=1e-12)


def test_all_static_states_of_a_biaxial_layer():
    model = macrospin(MS, 0.01, anisotropies=[(2e4, (1, 0, 0))], demagnetisation=(0, 0, 1))
    found = fixed_points(model)
    assert len(found) == 6
    assert [f.stable for f in found] == [True, True, False, False, False, False]
    assert_allclose(np.abs([f.m[0] for f in found[:2]]), 1, atol=1e-9)


def test_dynamics_confirm_the_threshold():
    """Just below the critical current a small deviation decays, just above it grows."""
    alpha, h, h_k = 0.05, 2e4, 1e4
    model = macrospin(
        MS,
        alpha,
        applied=(h, 0, 0),
        anisotropies=[(h_k, (1, 0, 0))],
        demagnetisation=(0, 0, 1),
        torques=[slonczewski_torque((1, 0, 0), 0.3, 1.4, 0.02, MS, 2.0)],
    )
    drive, _ = critical_drive(model, (1, 0, 0), -1e13)
    start = np.array([1, 1e-3, 0])
    for factor, grows in ((0.97, False), (1.03, True)):
        path = trajectory(model, start, 3.0, drive=factor * drive, samples=301)
        late = np.abs(path.m[-100:, 1]).max()
        assert (late > 1e-3) == grows
    assert abs(drive) * slonczewski_field(1.0, MS, 2e-9) < 1e6


def test_unstable_start_is_refused():
    model = macrospin(MS, 0.01, applied=(1e5, 0, 0), demagnetisation=(0, 0, 1))
    with pytest.raises(ValueError, match="no stable state"):
        critical_drive(model, (-1, 0, 0), 1.0)
