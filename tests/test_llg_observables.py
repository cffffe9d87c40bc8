"""Resonance, spectra, switching and phase maps against the dynamics and closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.llg.fmr import fit_resonance, mixing_voltage, response
from negf_torque.llg.macrospin import macrospin, trajectory
from negf_torque.llg.phases import LABELS, phase_map
from negf_torque.llg.signals import fit_line, spectrum, switching_probability, valve_resistance
from negf_torque.llg.stability import fixed_point, pillar_trace_determinant
from negf_torque.llg.torques import constant_torque, slonczewski_torque
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import CONDUCTANCE_QUANTUM, GAMMA0

MS = 8e5


def film(h_a, h_b, angle=0.6, alpha=0.02):
    """In-plane film, field along x, polariser in plane at `angle`."""
    p = (np.cos(angle), np.sin(angle), 0)
    return macrospin(
        MS,
        alpha,
        applied=(5e4, 0, 0),
        demagnetisation=(0, 0, 1),
        torques=[constant_torque(p, h_a, h_b)],
    )


def test_response_agrees_with_the_driven_motion():  # independent: time domain
    model, f, x0, x1 = film(3.0, -2.0), 6.0, 20.0, 0.3
    m0, dm = response(model, (1, 0, 0), [f], x0)
    path = trajectory(
        model, m0, 60 / f * 2, lambda t: x0 + x1 * np.cos(2 * np.pi * f * t), samples=2401
    )
    late = path.time >= 40 / f * 2  # whole periods: the last 40 of them
    phase = np.exp(2j * np.pi * f * path.time[late][:-1])
    seen = 2 * np.mean((path.m[late][:-1] - m0) * phase[:, None], axis=0)
    # Transient: exp(-alpha g0 (Ms/2 + h) t) = exp(-26); quadratic terms: (dm)^2 = 1e-5 relative.
    assert_allclose(seen, x1 * dm[0], atol=2e-3 * np.abs(x1 * dm).max())


def test_in_plane_torque_is_symmetric_and_out_of_plane_antisymmetric():
    kittel = GAMMA0 * np.sqrt(5e4 * (5e4 + MS)) / (2 * np.pi) * 1e-9
    f = kittel + np.linspace(-0.7, 0.7, 401)
    resistance = lambda m: 1 - 0.1 * (m @ np.array([np.cos(0.6), np.sin(0.6), 0]))  # noqa: E731
    damping, field = (
        fit_resonance(f, mixing_voltage(film(*h, alpha=0.004), (1, 0, 0), f, resistance, 1.0))
        for h in ((3.0, 0.0), (0.0, 3.0))
    )
    # The line is a Lorentzian up to width/frequency = 0.9 %; alpha mixes the two parts by less.
    assert abs(damping.antisymmetric) < 0.02 * abs(damping.symmetric)
    assert abs(field.symmetric) < 0.02 * abs(field.antisymmetric)
    assert_allclose(damping.frequency, kittel, rtol=2e-3)
    width = 0.004 * GAMMA0 * (2 * 5e4 + MS) / (4 * np.pi) * 1e-9
    assert_allclose(damping.half_width, width, rtol=2e-2)
    # Their ratio is sqrt(1 + Ms/H): the film's ellipticity.
    ratio = abs(field.antisymmetric / damping.symmetric)
    assert_allclose(ratio, np.sqrt(1 + MS / 5e4), rtol=2e-2)


def test_rectified_voltage_is_the_average_of_current_times_resistance():
    model, f, x1 = film(3.0, -2.0), 6.5, 0.5
    resistance = lambda m: 2.0 - 0.3 * m[..., 1] + 0.1 * m[..., 2]  # noqa: E731
    predicted = mixing_voltage(model, (1, 0, 0), [f], resistance, x1)[0]
    path = trajectory(
        model, (1, 0, 0), 120 / f, lambda t: x1 * np.cos(2 * np.pi * f * t), samples=4801
    )
    late = path.time >= 80 / f - 1e-12
    current = x1 * np.cos(2 * np.pi * f * path.time)
    seen = np.mean((current * resistance(path.m))[late][:-1])
    assert_allclose(seen, predicted, rtol=5e-3)


def test_spectrum_integrates_to_the_variance_and_finds_the_line():
    rng = np.random.default_rng(0)
    time = np.arange(2**14) * 0.01
    # Phase diffusion of rate D gives a Lorentzian of full width 2 D/(2 pi).
    diffusion, f0 = 0.6, 5.0
    phases = np.cumsum(np.sqrt(2 * diffusion * 0.01) * rng.normal(size=(60, len(time))), axis=1)
    signal = np.cos(2 * np.pi * f0 * time + phases)
    f, density = spectrum(time, signal)
    assert_allclose(density.mean(axis=0).sum() * (f[1] - f[0]), 0.5, rtol=0.02)
    line = fit_line(f, density.mean(axis=0))
    assert_allclose(line.frequency, f0, atol=4 * line.frequency_error + 0.01)
    assert_allclose(line.width, 2 * diffusion / (2 * np.pi), rtol=0.1)
    assert_allclose(line.power, 0.5, rtol=0.1)


def test_precession_shows_at_a_over_alpha():
    alpha, h_a = 0.05, 5e3
    model = macrospin(
        MS, alpha, demagnetisation=(0, 0, 1), torques=[constant_torque((0, 0, 1), h_a)]
    )
    path = trajectory(model, (1, 0, 0.1), 40.0, drive=1.0, samples=8001)
    f, density = spectrum(path.time[2000:], path.m[2000:, 0])
    assert_allclose(f[np.argmax(density)], GAMMA0 * h_a / (2 * np.pi * alpha) * 1e-9, atol=0.04)


def test_resistance_is_the_inverse_of_the_computed_conductance():
    theta = np.linspace(0.1, 3.0, 9)
    conductance = 0.6 + 0.1 * np.cos(theta)
    valve = ValveTorque(
        tuple(theta.tolist()), (0.3,) * 9, (0.0,) * 9, tuple(conductance.tolist()), 0.16, 2.0, MS
    )
    m = np.stack([np.cos(theta), np.sin(theta), 0 * theta], axis=1)
    assert_allclose(
        valve_resistance(valve, m), 0.16e-18 / (CONDUCTANCE_QUANTUM * conductance), rtol=1e-9
    )


def test_switching_probability():
    p, error = switching_probability([0.5, 1.0, 3.0, np.nan], 2.0)
    assert p == 0.5 and 0.2 < error < 0.3
    assert switching_probability([np.nan] * 100, 1.0)[0] == 0.0


def test_phase_map_has_its_static_boundaries_where_stability_ends():
    """P | bistable | AP against the exact trace condition; precession beyond the coercive field."""
    alpha, h_k = 0.1, 0.05 * MS
    unit = slonczewski_torque((1, 0, 0), 0.4, 1.0, 0.0, MS, 2.0)
    per_drive = unit.damping_like[1, 0]
    model = macrospin(
        MS, alpha, anisotropies=[(h_k, (1, 0, 0))], demagnetisation=(0, 0, 1), torques=[unit]
    )
    drives = np.linspace(-3.3e12, 3.3e12, 12)
    fields = np.array([-0.02, 0.0, 0.02]) * MS
    found = phase_map(model, drives, fields, duration=15.0, step=1.2e-3, refinements=6)
    for k, h in enumerate(fields / MS):
        for s, state in enumerate((1, -1)):
            # trace = 0: a = -s alpha (H1 + H2)/2
            limit = -state * alpha * (2 * (state * h + 0.05) + 1) / 2 * MS / per_drive
            trace, _ = pillar_trace_determinant(state, h, 0.05, limit * per_drive / MS, alpha)
            assert abs(trace) < 1e-12
            inside = np.abs(drives) < 0.9 * abs(limit)
            stable_side = inside | (np.sign(drives) != np.sign(limit))
            assert np.all(found.codes[s, stable_side, k] == s)
            edge = found.boundary[found.boundary[:, 1] == fields[k], 0]
            # Slow growth near threshold: 15 ns shift it by about ln(1/tilt)/(t dtrace/dJ).
            assert np.min(np.abs(edge / limit - 1)) < 0.05
    assert "P/AP" in found.names()
    assert set(np.unique(found.codes)) <= set(range(len(LABELS)))


def test_unstable_resonance_is_refused():
    model = macrospin(MS, 0.01, applied=(1e5, 0, 0), demagnetisation=(0, 0, 1))
    assert not fixed_point(model, (-1, 0, 0)).stable
    with pytest.raises(ValueError, match="no stable static state"):
        response(model, (-1, 0, 0), [1.0])
    with pytest.raises(ValueError, match="equally spaced"):
        spectrum([0.0, 1.0, 3.0], [0.0, 1.0, 0.0])
