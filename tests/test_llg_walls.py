"""Walls: collective coordinates against their closed forms, and against the full profile."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.llg.chain import (
    Chain,
    relax,
    run,
    table_torque,
    wall_position,
    wall_start,
)
from negf_torque.llg.walls import (
    Wall,
    drift_velocity,
    field_velocity,
    harmonic_pinning,
    move,
    move_thermal,
    stopping_distance,
    walker_drift,
    walker_field,
    wall_width,
)
from negf_torque.units import BOLTZMANN, ELEMENTARY_CHARGE, GAMMA0, MU0

MS, A, KU, KP = 8e5, 1.3e-11, 2e5, 2e4


def wall(alpha=0.05, beta=0.1, **rest):
    return Wall(MS, alpha, beta, A, KU, KP, **rest)


@pytest.mark.parametrize("beta", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("factor", [0.3, 0.9])
def test_below_the_threshold_the_wall_moves_at_beta_over_alpha(beta, factor, agree):
    w = wall(beta=beta)
    u = factor * min(walker_drift(w)[1], 500.0)
    # The tilt settles at alpha g0 H_perp cos(2 Phi) = 0.44 cos(2 Phi) per ns.
    path = move(w, 120.0, drift=u)
    agree(
        f"Wall velocity below Walker's threshold, beta = {beta}, {factor} of it",
        path.velocity(0.2), beta * u / 0.05, against="analytic", rtol=1e-7,
    )
    assert_allclose(drift_velocity(w, u), beta * u / 0.05, rtol=1e-12)


@pytest.mark.parametrize(("beta", "factor"), [(0.1, 1.2), (0.1, 3.0), (0.0, 1.5), (0.02, -2.0)])
def test_above_the_threshold_the_mean_velocity_is_the_closed_form(beta, factor):
    w = wall(beta=beta)
    u_c, u_w = walker_drift(w)
    u = factor * u_w
    expected = drift_velocity(w, u)
    # Mean over whole turns of Phi, from crossings.
    path = move(w, 200.0, drift=u, samples=200_001)
    turns = np.floor(np.abs(path.tilt) / np.pi)
    crossing = np.flatnonzero(np.diff(turns))
    first, last = crossing[1], crossing[-1]
    seen = (path.position[last] - path.position[first]) / (path.time[last] - path.time[first])
    # Crossings are known to one sample of 1e-3 ns over a mean period of some ns.
    assert_allclose(seen, expected, rtol=2e-3, atol=2e-3 * abs(u))


def test_threshold_of_the_drift():
    w = wall(beta=0.2)
    u_c, u_w = walker_drift(w)
    assert_allclose(u_c, GAMMA0 * 2 * KP / (MU0 * MS) * w.width * 1e-9 / 2, rtol=1e-14)
    assert_allclose(u_w, u_c * 0.05 / 0.15, rtol=1e-14)
    assert abs(move(w, 150.0, drift=0.995 * u_w).tilt[-1]) < np.pi / 2
    assert abs(move(w, 150.0, drift=1.005 * u_w).tilt[-1]) > np.pi / 2
    assert walker_drift(wall(beta=0.05))[1] == np.inf


@pytest.mark.parametrize("factor", [0.2, 0.7, 0.99])
def test_without_beta_the_wall_stops(factor):
    w = wall(beta=0.0)
    u = factor * walker_drift(w)[0]
    # Close to u_c the tilt relaxes slowly.
    path = move(w, 300.0, drift=u)
    assert_allclose(path.position[-1], stopping_distance(w, u), rtol=1e-6)
    with pytest.raises(ValueError, match="does not stop"):
        stopping_distance(w, 2 * walker_drift(w)[0])


@pytest.mark.parametrize("factor", [0.5, 0.95, 2.0, 5.0])
def test_field_driven_walls_follow_walker(factor):
    w = wall()
    h = factor * walker_field(w)
    path = move(w, 400.0, field=h, samples=200_001)
    if factor < 1:
        seen = path.velocity(0.2)
    else:
        turns = np.floor(np.abs(path.tilt) / np.pi)
        crossing = np.flatnonzero(np.diff(turns))
        first, last = crossing[1], crossing[-1]
        seen = (path.position[last] - path.position[first]) / (path.time[last] - path.time[first])
    assert_allclose(seen, field_velocity(w, h), rtol=3e-3)


def test_width_models():
    assert_allclose(wall_width(A, KU, KP, np.pi / 2), np.sqrt(A / (KU + KP)) * 1e9)
    u = 0.5 * walker_drift(wall())[1]
    fixed, adiabatic, dynamic = (
        move(wall(width_model=k), 80.0, drift=u) for k in ("fixed", "adiabatic", "dynamic")
    )
    # The tilt is static in the end: both moving widths settle at Delta(Phi).
    assert_allclose(dynamic.width[-1], adiabatic.width[-1], rtol=1e-6)
    assert_allclose(dynamic.width[-1], wall_width(A, KU, KP, dynamic.tilt[-1]), rtol=1e-6)
    assert adiabatic.width[-1] < fixed.width[-1]
    for path in (fixed, adiabatic, dynamic):
        assert_allclose(path.velocity(0.1), 0.1 * u / 0.05, rtol=1e-5)


def test_pinning_oscillates_at_its_frequency_and_holds():
    w = wall(alpha=0.01, beta=0.0)
    strength = 50.0  # A/m per nm
    path = move(w, 20.0, pinning=harmonic_pinning(strength), start=(1.0, 0.0), samples=4001)
    # Small tilt: (1 + a^2) q'' = -g0^2 H_perp Delta strength q to first order in alpha.
    omega = GAMMA0 * np.sqrt(w.transverse_field * w.width * strength) * 1e-9
    crossings = np.flatnonzero(np.diff(np.sign(path.position)))
    seen = np.pi * (len(crossings) - 1) / (path.time[crossings[-1]] - path.time[crossings[0]])
    assert_allclose(seen, omega, rtol=5e-3)


def test_thermal_wall_obeys_equipartition():
    w = wall(alpha=0.3, beta=0.0, cross_section=500.0)
    strength, temperature = 100.0, 300.0
    path = move_thermal(
        w, 20.0, 2e-3, temperature, 800, pinning=harmonic_pinning(strength), stride=200, seed=1
    )
    # E = mu0 Ms S strength q^2: <q^2> = kT/(2 mu0 Ms S strength); strength in A/m per nm.
    energy = BOLTZMANN * ELEMENTARY_CHARGE * temperature
    per_m = 2 * MU0 * MS * 500e-18 * strength * 1e9
    late = path.position[:, path.time > 8]
    squares = (late**2).mean(axis=1) * 1e-18
    error = squares.std(ddof=1) / np.sqrt(len(squares))
    # Discretisation: (rate dt)^2 with rate g0 H_perp = 9/ns: 1e-3.
    assert abs(squares.mean() - energy / per_m) < 4 * error + 2e-3 * energy / per_m
    # The tilt: E = S Delta Kp (2) sin^2 Phi: <Phi^2> = kT/(4 Kp S Delta) for small angles.
    tilt = (path.tilt[:, path.time > 8] ** 2).mean(axis=1)
    stiff = 4 * KP * 500e-18 * w.width * 1e-9
    quartic = 1 + energy / stiff  # <Phi^2> of sin^2 to next order
    assert_allclose(tilt.mean(), energy / stiff * quartic, rtol=0.05)


# --- the full profile -----------------------------------------------------------------------


def chain(cell=1.0, cells=240, alpha=0.1, beta=0.2, **rest):
    return Chain(MS, alpha, beta, A, KU, KP, cells=cells, cell=cell, **rest)


def test_static_wall_has_the_exact_energy():
    energies = []
    for cell in (2.0, 1.0):
        c = chain(cell=cell, cells=int(240 / cell))
        energies.append(c.energy(wall_start(c, 120.0)))
    exact = 4 * np.sqrt(A * KU)
    # Second order in the cell.
    assert abs(energies[1] / exact - 1) < 2e-3
    assert_allclose((energies[0] - exact) / (energies[1] - exact), 4, rtol=0.05)


def test_relaxed_profile_stays():
    c = chain()
    m = relax(c, wall_start(c, 120.5), 0.3)
    assert_allclose(wall_position(c, m), 120.5, atol=1e-3)
    assert_allclose(m @ c.hard_axis, 0, atol=1e-6)


@pytest.mark.parametrize("beta", [0.05, 0.2])
def test_full_profile_moves_at_beta_over_alpha(beta):
    """Below the threshold the moving Walker profile is exact: v = beta u/alpha."""
    c = chain(beta=beta)
    times, m = run(c, wall_start(c, 60.0), 8.0, drift=8.0)
    q = wall_position(c, m)
    # The tilt settles at 0.88 per ns: exp(-5.3) after 6 ns, of a velocity that starts at u.
    late = times > 6
    seen = np.polyfit(times[late], q[late], 1)[0]
    # Central differences slow the drift by (cell/Delta)^2/6 = 0.26 %.
    assert_allclose(seen, beta * 8.0 / 0.1, rtol=4e-3)


def test_beta_equal_alpha_does_not_deform_the_wall():
    c = chain(beta=0.1)
    _, m = run(c, wall_start(c, 60.0), 1.0, drift=60.0)
    assert np.abs(m[-1] @ c.hard_axis).max() < 5e-3
    assert_allclose(wall_position(c, m[-1]), 60.0 + 60.0, rtol=3e-3)


def test_profile_and_collective_coordinates_agree():  # independent
    c = chain(alpha=0.05, beta=0.0, cell=1.0)
    w = wall(alpha=0.05, beta=0.0, width_model="adiabatic")
    u = 0.5 * walker_drift(w)[0]
    times, m = run(c, wall_start(c, 100.0), 1.5, drift=u, samples=31)
    path = move(w, 1.5, drift=u, samples=31)
    # A rigid tanh profile: the real one deforms by K_p/K_u = 10 % of its tilt energy.
    assert_allclose(wall_position(c, m) - 100.0, path.position, atol=0.03 * path.position.max())


def test_field_moves_the_profile_at_walkers_velocity(agree):
    c = chain(alpha=0.1, beta=0.0)
    h = 0.3 * walker_field(wall(alpha=0.1))
    times, m = run(c, wall_start(c, 60.0), 11.0, applied=h * c.easy_axis)
    q = wall_position(c, m)
    late = times > 9.5  # the tilt settles at 0.84 per ns
    seen = np.polyfit(times[late], q[late], 1)[0]
    # Walker's solution contracts: v = g0 H Delta(Phi)/alpha, sin(2 Phi) = H/H_W.
    width = wall_width(A, KU, KP, 0.5 * np.arcsin(0.3)) * 1e-9
    agree(
        "Velocity of a full wall profile in a field",
        seen, GAMMA0 * h * width / 0.1, against="analytic", rtol=4e-3, note="Walker's solution",
    )


def test_an_outside_torque_acts_like_the_drift_it_equals():
    """A torque table instead of u and beta: what a transport calculation hands over."""
    c = chain(beta=0.07)
    silent = dataclasses.replace(c, beta=0.0)
    u = 50.0

    def table(m):
        padded = np.concatenate([m[:1], m, m[-1:]])
        slope = (padded[2:] - padded[:-2]) / (2 * c.cell)
        return -u * slope + 0.07 * u * np.cross(m, slope)

    start = wall_start(c, 80.0)
    # Compiled steps against the adaptive method with the plain equation.
    one = run(c, start, 0.05, drift=u, samples=3)[1]
    two = run(silent, start, 0.05, torque=table, samples=3, tolerance=1e-9)[1]
    assert_allclose(one, two, atol=1e-6)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="damping"):
        wall(alpha=0.0)
    with pytest.raises(ValueError, match="width_model"):
        wall(width_model="soft")
    with pytest.raises(ValueError, match="does not resolve"):
        chain(cell=10.0)
    with pytest.raises(ValueError, match="perpendicular"):
        chain(hard_axis=(0, 1, 1))
    with pytest.raises(ValueError, match="cross_section: missing"):
        move_thermal(wall(), 1.0, 1e-3, 300.0, 2)
    with pytest.raises(ValueError, match="start: shape"):
        run(chain(), np.ones((3, 3)), 1.0)


def test_torque_table_of_a_wire_moves_the_wall_like_the_drift_it_samples():
    """A table sampled site by site, of the torques -u m' + beta u m x m' of the static wall."""
    c = chain(beta=0.07)
    silent = dataclasses.replace(c, beta=0.0)
    u, width = 50.0, np.sqrt(A / KU) * 1e9
    offset = np.arange(-60, 60.5, 0.5)
    slope = 1 / np.cosh(offset / width) / width
    table = table_torque(silent, offset, -u * slope, 0.07 * u * slope)
    start = wall_start(c, 80.0)
    drift = c.rate(start, u) - silent.rate(start)
    sampled = silent.rate(start, torque=table) - silent.rate(start)
    # Differences over two cells against the derivative: (cell/Delta)^2/6; q to 0.01 nm.
    assert_allclose(sampled, drift, atol=6e-3 * np.abs(drift).max())
    one = wall_position(c, run(c, start, 0.05, drift=u, samples=3)[1])
    two = wall_position(c, run(silent, start, 0.05, torque=table, samples=3)[1])
    assert_allclose(one - 80, two - 80, rtol=1e-2)
    with pytest.raises(ValueError, match="ascend"):
        table_torque(c, [1.0, 0.0], [0, 0], [0, 0])
