"""Macrospin dynamics: exact solutions, conservation, equilibrium, and two integrators."""

import dataclasses

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from negf_torque.llg.batch import integrate
from negf_torque.llg.demagnetisation import ellipsoid_factors
from negf_torque.llg.macrospin import (
    Waveform,
    macrospin,
    pulse,
    ramp,
    thermal_field,
    trajectory,
)
from negf_torque.llg.pointwise import pointwise_rate
from negf_torque.llg.slonczewski import asymmetric_efficiency, efficiency
from negf_torque.llg.torques import (
    SpinTorque,
    bias_table_torque,
    constant_torque,
    slonczewski_torque,
    valve_spin_torque,
)
from negf_torque.llg.valve import ValveTorque, slonczewski_field
from negf_torque.units import BOLTZMANN, ELEMENTARY_CHARGE, GAMMA0, MU0

MS = 8e5


def tilted(theta, phi=0.3):
    return np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


def pillar(damping=0.02, **rest):
    """Generic: easy axis x, thin film, tilted field, generic p, epsilon' and Lambda."""
    torque = slonczewski_torque((0.6, 0.3, 0.5), 0.4, 1.7, 0.05, MS, 2.0)
    return macrospin(
        MS,
        damping,
        applied=(2e4, -1e4, 5e3),
        anisotropies=[(1.5e4, (1, 0.1, 0))],
        demagnetisation=(0.03, 0.05, 0.92),
        oersted=(0, 3e-8, 0),
        torques=[torque],
        **rest,
    )


# --- exact solutions ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["adaptive", "compiled"])
def test_damped_precession_follows_tanh(method, agree):
    alpha, h, start = 0.1, 8e4, tilted(2.8)
    model = macrospin(MS, alpha, applied=(0, 0, h))
    if method == "adaptive":
        path = trajectory(model, start, 5.0, samples=101)
        time, m, tolerance = path.time, path.m, 1e-8
    else:
        ensemble = integrate(model, start, 5.0, 1e-3, stride=50)
        # RK4 error: (g0 H dt)^4/120 per radian over 90 rad = 6e-8, measured below.
        time, m, tolerance = ensemble.time, ensemble.m[0], 1e-7
    exact = np.tanh(np.arctanh(start[2]) + alpha * GAMMA0 * h * time * 1e-9 / (1 + alpha**2))
    agree(
        f"Damped precession, {method} integrator",
        m[:, 2], exact, against="analytic", atol=tolerance, note="tanh law",
    )
    # ... and the azimuth advances at g0 H/(1 + alpha^2).
    phase = np.unwrap(np.arctan2(m[:, 1], m[:, 0]))
    assert_allclose(
        phase - phase[0], GAMMA0 * h * time * 1e-9 / (1 + alpha**2), atol=10 * tolerance
    )


@pytest.mark.parametrize("epsilon_prime", [0.0, 0.15])
def test_perpendicular_polariser_precesses_at_a_over_alpha(epsilon_prime, agree):
    alpha, h_a = 0.03, 4e3
    model = macrospin(
        MS,
        alpha,
        demagnetisation=(0, 0, 1),
        torques=[constant_torque((0, 0, 1), h_a, h_a * epsilon_prime)],
    )
    path = trajectory(model, tilted(1.5), 12.0, drive=1.0, samples=4001)
    phase = np.unwrap(np.arctan2(path.m[:, 1], path.m[:, 0]))
    late = path.time > 9
    frequency = np.polyfit(path.time[late], phase[late], 1)[0] / (2 * np.pi)
    # Relaxation e^(-alpha g0 Ms t/2) is 1e-10 by then.
    agree(
        f"Oscillator with a perpendicular polariser, epsilon' = {epsilon_prime}",
        abs(frequency), GAMMA0 * h_a / (2 * np.pi * alpha) * 1e-9, against="analytic", rtol=1e-7,
    )


@pytest.mark.parametrize(("factor", "moves"), [(0.995, False), (1.005, True)])
def test_perpendicular_polariser_threshold_is_half_the_anisotropy(factor, moves):
    h_k = 2e4
    model = macrospin(
        MS,
        0.3,
        anisotropies=[(h_k, (1, 0, 0))],
        demagnetisation=(0, 0, 1),
        torques=[constant_torque((0, 0, 1), h_k / 2)],
    )
    # A slow ramp keeps m at its fixed point as long as there is one.
    drive = Waveform((0, 15, 30), (0, factor, factor))
    path = trajectory(model, (1, 0, 0), 30.0, drive=drive, samples=301)
    turned = np.abs(np.unwrap(np.arctan2(path.m[:, 1], path.m[:, 0])))[-1] > np.pi / 2
    assert turned == moves


# --- conservation ---------------------------------------------------------------------------


def test_a_million_steps_keep_the_length():
    ensemble = integrate(pillar(), tilted(1.0), 1000.0, 1e-3, drive=1e11, stride=1000)
    assert np.abs(np.linalg.norm(ensemble.m, axis=-1) - 1).max() < 1e-12


def test_energy_never_rises_without_torque():
    model = pillar()
    for path in (
        trajectory(model, tilted(2.0), 3.0, samples=3001).m,
        integrate(model, tilted(2.0), 3.0, 5e-4).m[0],
    ):
        assert np.diff(model.energy(path)).max() < 1e-6  # A/m, of 4e5: rounding


def test_energy_is_conserved_without_damping():
    model = pillar(damping=0.0)
    energy = model.energy(trajectory(model, tilted(2.0), 3.0, samples=301).m)
    assert np.ptp(energy) < 1e-7 * MS


def test_rate_satisfies_the_gilbert_equation():
    """The implicit equation, torques written as torques and not as fields."""
    model, drive = pillar(damping=0.3), 2e11
    torque = model.torques[0]
    rng = np.random.default_rng(0)
    for m in rng.normal(size=(20, 3)):
        m /= np.linalg.norm(m)
        rate, p = model.rate(m, drive), torque.direction
        h_a, h_b = torque.coefficients(m @ p, drive)
        h = model.field + drive * model.oersted + model.linear @ m
        gilbert = (
            -GAMMA0 * np.cross(m, h)
            + 0.3 * np.cross(m, rate)
            + GAMMA0 * h_a * np.cross(m, np.cross(p, m))
            + GAMMA0 * h_b * np.cross(p, m)
        )
        assert_allclose(rate, gilbert, atol=1e-12 * GAMMA0 * MS)


def test_plain_floats_give_the_same_rate():
    table = bias_table_torque(
        (0, 0.6, 0.8), [-1, 0, 0.5, 1], [0, 1, 2, 3], np.ones((4, 4)), np.eye(4), powers=2
    )
    model = dataclasses.replace(pillar(), torques=(*pillar().torques, table))
    rate = pointwise_rate(model)
    for m in np.random.default_rng(7).normal(size=(10, 3)):
        m /= np.linalg.norm(m)
        assert_allclose(rate(m.tolist(), 2e11), model.rate(m, 2e11), rtol=1e-11)


def test_energy_gradient_is_the_field():
    model, rng = pillar(), np.random.default_rng(2)
    for m in rng.normal(size=(5, 3)):
        step = 1e-3
        slope = [
            (model.energy(m + step * e) - model.energy(m - step * e)) / (2 * step)
            for e in np.eye(3)
        ]
        assert_allclose(slope, -(model.field + model.linear @ m), rtol=1e-8, atol=1e-3)


# --- two integrators ------------------------------------------------------------------------


@pytest.mark.parametrize("drive", [0.0, 3e11, Waveform((0.2, 0.6, 1.0), (0.0, 4e11, -2e11))])
def test_compiled_and_adaptive_agree(drive):
    model = pillar()
    fine = trajectory(model, tilted(0.7), 1.0, drive=drive, samples=11, tolerance=1e-12)
    step = 5e-5
    ensemble = integrate(model, tilted(0.7), 1.0, step, drive=drive, stride=2000)
    # Order 4: 1.3e-8 at 1e-4 ns becomes 8e-10.
    # The waveform is sampled at the middle of a step: second order in its slope.
    tolerance = 3e-9 if not isinstance(drive, Waveform) else 1e-6
    assert_allclose(ensemble.m[0], fine.m, atol=tolerance)


def test_order_of_convergence():
    """Measured: 4 without noise, once g0 |H| dt is below 0.03."""
    model = pillar()
    exact = trajectory(model, tilted(0.7), 0.5, drive=2e11, samples=2, tolerance=1e-13).m[-1]
    errors = [
        np.linalg.norm(integrate(model, tilted(0.7), 0.5, dt, drive=2e11).m[0, -1] - exact)
        for dt in (1.25e-4, 6.25e-5)
    ]
    assert 3.8 < np.log2(errors[0] / errors[1]) < 4.2


@pytest.mark.parametrize("drive", [1e11, pulse(2e11, 0.1, 0.3, 0.05), ramp(0.0, 2e11, 0.7)])
def test_steps_that_follow_a_tolerance(drive):  # independent: SciPy and the scalar rate
    model = pillar()
    found = integrate(model, tilted(0.7), 1.0, 0.02, drive=drive, stride=5, tolerance=1e-11)
    expected = trajectory(model, tilted(0.7), 1.0, drive, samples=11, tolerance=1e-12)
    assert_allclose(found.m[0], expected.m, atol=1e-9)
    assert_allclose(found.time, expected.time, atol=1e-12)


def test_order_of_the_adaptive_method():
    """A loose tolerance leaves the steps to the samples.  Measured: 9.8, then 9.2 on the way to
    8; at the next halving rounding decides."""
    model = pillar()
    exact = integrate(model, tilted(0.7), 0.32, 0.32, drive=2e11, tolerance=1e-14).m[0, -1]
    errors = [
        np.linalg.norm(
            integrate(model, tilted(0.7), 0.32, dt, drive=2e11, tolerance=1e-2).m[0, -1] - exact
        )
        for dt in (8e-3, 4e-3, 2e-3)
    ]
    first, second = np.log2(np.array(errors[:-1]) / errors[1:])
    assert 7.8 < second < 9.4
    assert second < first < 10


# --- temperature ----------------------------------------------------------------------------


@pytest.mark.parametrize("step", [5e-4, 1e-3])
def test_equilibrium_follows_langevin(step):
    temperature, volume, h, runs = 300.0, 100.0, 3e4, 4000
    x = MU0 * MS * volume * 1e-27 * h / (BOLTZMANN * ELEMENTARY_CHARGE * temperature)
    model = macrospin(MS, 0.2, applied=(0, 0, h), volume=volume)
    rng = np.random.default_rng(4)
    start = rng.normal(size=(runs, 3))
    ensemble = integrate(model, start, 3.0, step, temperature=temperature, seed=11, stride=100)
    # After 2.5 ns (alpha g0 H t = 3.2) and from the isotropic start.
    mz = ensemble.m[:, ensemble.time > 2.5, 2].mean(axis=1)
    mean, error = mz.mean(), mz.std(ddof=1) / np.sqrt(runs)
    rest = np.exp(-2 * 0.2 * GAMMA0 * h * 2.5e-9 / 1.04) * 0.1  # what is left of the start
    assert abs(mean - (1 / np.tanh(x) - 1 / x)) < 4 * error + rest


def test_anisotropy_in_equilibrium():  # independent: Boltzmann's integral
    temperature, volume, h_k, runs = 300.0, 60.0, 6e4, 4000
    ratio = MU0 * MS * volume * 1e-27 / (BOLTZMANN * ELEMENTARY_CHARGE * temperature)
    weight = lambda c: np.exp(0.5 * ratio * h_k * c * c)  # noqa: E731
    exact = quad(lambda c: c * c * weight(c), -1, 1)[0] / quad(weight, -1, 1)[0]
    model = macrospin(MS, 0.3, anisotropies=[(h_k, (0, 0, 1))], volume=volume)
    start = np.random.default_rng(4).normal(size=(runs, 3))
    ensemble = integrate(model, start, 3.0, 5e-4, temperature=temperature, seed=3, stride=200)
    squares = (ensemble.m[:, ensemble.time > 1.5, 2] ** 2).mean(axis=1)
    assert abs(squares.mean() - exact) < 4 * squares.std(ddof=1) / np.sqrt(runs)


def test_random_numbers_do_not_depend_on_threads_or_company():
    model = pillar(volume=1e4)
    start = np.tile(tilted(0.4), (8, 1))
    options = dict(drive=1e11, temperature=300.0, seed=5, stride=50)
    threads = numba.get_num_threads()
    both = integrate(model, start, 0.2, 1e-3, **options).m
    numba.set_num_threads(1)
    try:
        alone = integrate(model, start, 0.2, 1e-3, **options).m
    finally:
        numba.set_num_threads(threads)
    part = integrate(model, start[:3], 0.2, 1e-3, first_trajectory=5, **options).m
    other = integrate(model, start, 0.2, 1e-3, **options | {"seed": 6}).m
    assert np.array_equal(both, alone)
    assert np.array_equal(both[5:], part)
    assert not np.allclose(both[:, -1], other[:, -1])
    assert len(np.unique(both[:, -1, 0])) == 8


def test_thermal_noise_is_gaussian_with_browns_width():
    """One tiny step of a free moment: dm = -g0 m x h dt, so the noise itself is seen."""
    model = macrospin(MS, 0.01, volume=1e3)
    step, runs = 1e-5, 200_000
    ensemble = integrate(model, np.tile((0, 0, 1.0), (runs, 1)), step, step, temperature=300.0)
    kick = ensemble.m[:, 1, :2] / (GAMMA0 * step * 1e-9)
    sigma = thermal_field(model, 300.0, step)
    assert_allclose(kick.std(axis=0), sigma, rtol=4 / np.sqrt(2 * runs) + 1e-4)
    assert abs(kick.mean()) < 4 * sigma / np.sqrt(2 * runs)
    kurtosis = np.mean((kick / sigma) ** 4)
    assert abs(kurtosis - 3) < 4 * np.sqrt(96 / (2 * runs)) + 0.001
    assert abs(np.mean(kick[:, 0] * kick[:, 1])) < 4 * sigma**2 / np.sqrt(runs)


# --- torques --------------------------------------------------------------------------------


def valve(sign=1.0):
    theta = np.linspace(0.1, 3.0, 13)
    return ValveTorque(
        tuple(theta.tolist()),
        tuple((sign * efficiency(np.cos(theta), 0.5, 1.5)).tolist()),
        tuple((0.03 + 0.01 * np.cos(theta)).tolist()),
        tuple((0.6 + 0.1 * np.cos(theta)).tolist()),
        cell_area=0.16,
        thickness=2.0,
        saturation_magnetisation=MS,
        fixed_direction=(1, 0, 0),
    )


def test_table_and_form_agree_where_the_form_is_exact():
    c = np.linspace(-1, 1, 41)
    table = valve_spin_torque(valve())
    form = valve_spin_torque(valve(), form="slonczewski")
    # Chebyshev series of 1/(1 + x c), x = 0.385: 13 terms leave rho^-13 = 5.0^-13 = 8e-10,
    # larger near the ends, which lie outside the table.
    assert_allclose(table.coefficients(c, 1e11)[0], form.coefficients(c, 1e11)[0], rtol=1e-7)
    assert table.deviation < 1e-12


def test_voltage_drive_multiplies_by_the_conductance():
    v, theta = valve(), 1.3
    by_voltage = valve_spin_torque(v, drive="voltage").coefficients(np.cos(theta), 0.05)
    conductance = (0.6 + 0.1 * np.cos(theta)) * 3.874045865e-5 / 0.16e-18
    by_current = valve_spin_torque(v).coefficients(np.cos(theta), conductance * 0.05)
    assert_allclose(by_voltage, by_current, rtol=1e-8)


def test_asymmetric_form_is_expressible():
    c = np.linspace(-1, 1, 9)
    x = (1.6**2 - 1) / (1.6**2 + 1)
    eta = asymmetric_efficiency(c, 0.5, 0.2, 1.6, 1.6)
    numerator = np.polynomial.chebyshev.chebfit(c, eta * (1 - x * x * c * c), 1)
    torque = SpinTorque((0, 0, 1), [numerator], [[0.0]], (0.0, -x * x))
    assert_allclose(torque.coefficients(c)[0], eta, rtol=1e-12)


def test_bias_table_returns_what_it_was_made_of():
    voltage, theta = np.linspace(-0.5, 0.5, 7), np.linspace(0, np.pi, 9)
    c = np.cos(theta)
    in_plane = 1e9 * (voltage[:, None] * (1 + 0.3 * c) + 0.2 * voltage[:, None] ** 2)
    out = 1e8 * (voltage[:, None] ** 2 * (1 - 0.1 * c**2) + 0.05)
    torque = bias_table_torque((0, 0, 1), voltage, theta, in_plane, out)
    assert torque.deviation < 1e-12
    h_a, h_b = torque.coefficients(0.2, 0.33)
    assert_allclose(h_a * GAMMA0, 1e9 * (0.33 * 1.06 + 0.2 * 0.33**2), rtol=1e-12)
    assert_allclose(h_b * GAMMA0, 1e8 * (0.33**2 * 0.996 + 0.05), rtol=1e-12)
    model = macrospin(MS, 0.02, applied=(1e4, 0, 0), torques=[torque])
    slow = trajectory(model, tilted(1.0), 0.3, drive=0.4, samples=2, tolerance=1e-12).m[-1]
    assert_allclose(integrate(model, tilted(1.0), 0.3, 2e-4, drive=0.4).m[0, -1], slow, atol=1e-9)


def test_two_polarisers_add():
    one = slonczewski_torque((1, 0, 0), 0.4, 1.5, 0.02, MS, 2.0)
    two = constant_torque((0, 0, 1), slonczewski_field(0.1, MS, 2e-9))
    model = macrospin(MS, 0.02, applied=(1e4, 0, 0), torques=[one, two])
    m = tilted(1.1)
    assert_allclose(
        model.effective_field(m, 1e11),
        model.field + one.field(m, 1e11) + two.field(m, 1e11),
        rtol=1e-14,
    )
    slow = trajectory(model, m, 0.3, drive=1e11, samples=2, tolerance=1e-12).m[-1]
    assert_allclose(integrate(model, m, 0.3, 2e-4, drive=1e11).m[0, -1], slow, atol=1e-9)


@pytest.mark.parametrize("bias", [1, -1])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_valve_that_favours_ap_switches_to_ap(bias, sign):
    """Torkance > 0 and V > 0 favour P; reversing either favours AP; V, sign and state decide."""
    torque = valve_spin_torque(valve(sign), drive="voltage")
    model = macrospin(
        MS,
        0.02,
        anisotropies=[(1e4, (1, 0, 0))],
        demagnetisation=ellipsoid_factors((100, 60, 2)),
        torques=[torque],
    )
    favoured = bias * sign
    start = np.array([-favoured, 0.05, 0.01])
    path = trajectory(model, start, 20.0, drive=bias * 0.002, samples=201)
    assert path.m[-1, 0] * favoured > 0.9
    stays = trajectory(model, -start, 20.0, drive=bias * 0.002, samples=201)
    assert stays.m[-1, 0] * favoured > 0.99


# --- waveforms and bad input ----------------------------------------------------------------


def test_waveforms():
    p = pulse(2.0, 1.0, 3.0, rise=0.5)
    assert [p(t) for t in (0.9, 1.25, 2.0, 4.5, 4.75, 6.0)] == [0.0, 1.0, 2.0, 2.0, 1.0, 0.0]
    assert ramp(-1, 3, 4.0)(1.0) == 0.0


def test_passage_is_the_first_crossing():
    model = macrospin(MS, 0.1, applied=(0, 0, -8e4))
    ensemble = integrate(model, tilted(0.05), 5.0, 1e-3, axis=(0, 0, 1), level=0.0)
    index = int(np.argmax(ensemble.m[0, :, 2] <= 0))
    assert_allclose(ensemble.passage[0], ensemble.time[index], rtol=1e-12)
    assert np.isnan(integrate(model, tilted(0.05), 0.01, 1e-3, axis=(0, 0, 1)).passage[0])


def test_passage_to_a_tolerance_is_that_of_fixed_steps():
    model = macrospin(MS, 0.1, applied=(0, 0, -8e4))
    options = dict(axis=(0, 0, 1), level=0.0)
    fixed = integrate(model, tilted(0.05), 5.0, 1e-3, **options)
    found = integrate(model, tilted(0.05), 5.0, 1e-3, **options, tolerance=1e-9)
    assert_allclose(found.passage, fixed.passage, atol=1.5e-3)


def test_bad_input_is_named():
    model = pillar()
    with pytest.raises(ValueError, match="at most .* ns"):
        integrate(model, (1, 0, 0), 1.0, 0.1)
    for options in ({"temperature": 300.0, "tolerance": 1e-8}, {"tolerance": 1.0}):
        with pytest.raises(ValueError, match="tolerance"):
            integrate(model, (1, 0, 0), 1.0, 1e-3, **options)
    with pytest.raises(ValueError, match="volume: missing"):
        integrate(model, (1, 0, 0), 1.0, 1e-3, temperature=300.0)
    with pytest.raises(ValueError, match="damping"):
        macrospin(MS, -0.1)
    with pytest.raises(ValueError, match="saturation_magnetisation"):
        macrospin(0.0, 0.1)
    with pytest.raises(ValueError, match="sizes"):
        ellipsoid_factors((1, 0, 1))
    with pytest.raises(ValueError, match="denominator"):
        SpinTorque((0, 0, 1), [[1.0]], [[0.0]], (1.2, 0.0))
    with pytest.raises(ValueError, match="ascending"):
        Waveform((1.0, 0.0), (0.0, 0.0))
    with pytest.raises(ValueError, match="drive, form"):
        valve_spin_torque(valve(), drive="power")
