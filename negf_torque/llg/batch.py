"""Many macrospins at once, compiled: ensembles at temperature, maps over fields and drives.

Without temperature a step is the classical Runge-Kutta method of order 4, or steps of order 8
follow a tolerance (`adaptive`); with temperature it is
Heun's predictor-corrector with the thermal field held during the step, which converges to the
Stratonovich solution (J. L. Garcia-Palacios and F. J. Lazaro, Phys. Rev. B 58, 14937 (1998)).
m is normalised after every step.  Each trajectory has its own generator (xoshiro256+, seeded by
splitmix64 from seed and trajectory number), so that results do not depend on the number of
threads or on which trajectories run together.

This module imports numba; nothing that the package imports at start may import it.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from negf_torque.llg.macrospin import (
    LARGEST_ANGLE,
    Macrospin,
    Waveform,
    largest_field,
    step_limit,
    thermal_field,
)
from negf_torque.spin import unit_vector

__all__ = ["Trajectories", "integrate"]


@dataclass(frozen=True)
class Trajectories:
    """Result of `integrate`.

    Attributes
    ----------
    time : (samples,)
        ns.
    m : (trajectories, samples, 3)
    passage : (trajectories,)
        First time in ns at which m.axis <= level; not-a-number if never.
    """

    time: NDArray
    m: NDArray
    passage: NDArray


@njit(cache=True)
def _mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def _next(s):
    result = s[0] + s[3]
    t = s[1] << np.uint64(17)
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = (s[3] << np.uint64(45)) | (s[3] >> np.uint64(19))
    return result >> np.uint64(11)


@njit(cache=True)
def _normal_pair(s):
    first = (np.float64(_next(s)) + 1.0) * 1.1102230246251565e-16
    angle = np.float64(_next(s)) * (1.1102230246251565e-16 * 2.0 * np.pi)
    radius = np.sqrt(-2.0 * np.log(first))
    return radius * np.cos(angle), radius * np.sin(angle)


@njit(cache=True)
def _series(c, coefficients):
    """Clenshaw's sum of Chebyshev polynomials."""
    n = coefficients.shape[0]
    b1, b2 = 0.0, 0.0
    for k in range(n - 1, 0, -1):
        b1, b2 = coefficients[k] + 2.0 * c * b1 - b2, b1
    return coefficients[0] + c * b1 - b2


@njit(cache=True)
def _rate(x, y, z, hx, hy, hz, linear, p, ca, cb, den, factor, alpha):
    """Explicit dm/dt for the constant field h plus everything that depends on m."""
    hx += linear[0, 0] * x + linear[0, 1] * y + linear[0, 2] * z
    hy += linear[1, 0] * x + linear[1, 1] * y + linear[1, 2] * z
    hz += linear[2, 0] * x + linear[2, 1] * y + linear[2, 2] * z
    for j in range(p.shape[0]):
        px, py, pz = p[j, 0], p[j, 1], p[j, 2]
        c = x * px + y * py + z * pz
        a = _series(c, ca[j]) / (1.0 + c * (den[j, 0] + c * den[j, 1]))
        b = _series(c, cb[j])
        hx += a * (y * pz - z * py) + b * px
        hy += a * (z * px - x * pz) + b * py
        hz += a * (x * py - y * px) + b * pz
    cx, cy, cz = y * hz - z * hy, z * hx - x * hz, x * hy - y * hx
    return (
        factor * (cx + alpha * (y * cz - z * cy)),
        factor * (cy + alpha * (z * cx - x * cz)),
        factor * (cz + alpha * (x * cy - y * cx)),
    )


@njit(cache=True)
def _drive_at(t, times, values, scale):
    """Waveform value; few points, so a linear search is enough."""
    n = times.shape[0]
    if t <= times[0]:
        return scale * values[0]
    for k in range(1, n):
        if t < times[k]:
            w = (t - times[k - 1]) / (times[k] - times[k - 1])
            return scale * (values[k - 1] + w * (values[k] - values[k - 1]))
    return scale * values[n - 1]


@njit(cache=True)
def _collapse(x, table, out):
    """sum_k x^k C[j, k, n] into out[j, n]."""
    for j in range(table.shape[0]):
        for n in range(table.shape[2]):
            total = 0.0
            for k in range(table.shape[1] - 1, -1, -1):
                total = total * x + table[j, k, n]
            out[j, n] = total


@njit(cache=True, parallel=True)
def _run(
    m, h0, h1, linear, p, table_a, table_b, den, alpha, gamma, step, steps, stride,
    times, values, scale, sigma, seed, offset, axis, level, out, passage,
):  # fmt: skip
    factor = -gamma * 1e-9 / (1.0 + alpha * alpha)
    for i in prange(m.shape[0]):
        x, y, z = m[i, 0], m[i, 1], m[i, 2]
        state = np.empty(4, np.uint64)
        word = _mix(np.uint64(seed)) ^ (np.uint64(i + offset) * np.uint64(0xD1342543DE82EF95))
        for k in range(4):
            word += np.uint64(0x9E3779B97F4A7C15)
            state[k] = _mix(word)
        ca = np.zeros((p.shape[0], table_a.shape[2]))
        cb = np.zeros((p.shape[0], table_b.shape[2]))
        fx = fy = fz = spare = 0.0
        have_spare = False
        old = np.nan
        passage[i] = np.nan
        out[i, 0, 0], out[i, 0, 1], out[i, 0, 2] = x, y, z
        for n in range(steps):
            # The drive of a step is that of its middle: second order, and exact for plateaus.
            drive = _drive_at((n + 0.5) * step, times, values, scale[i])
            if drive != old:
                _collapse(drive, table_a, ca)
                _collapse(drive, table_b, cb)
                old = drive
            hx = h0[i, 0] + drive * h1[0]
            hy = h0[i, 1] + drive * h1[1]
            hz = h0[i, 2] + drive * h1[2]
            if sigma > 0.0:
                fx, fy = _normal_pair(state)
                if have_spare:
                    fz = spare
                    have_spare = False
                else:
                    fz, spare = _normal_pair(state)
                    have_spare = True
                hx += sigma * fx
                hy += sigma * fy
                hz += sigma * fz
                ax, ay, az = _rate(x, y, z, hx, hy, hz, linear, p, ca, cb, den, factor, alpha)
                bx, by, bz = _rate(
                    x + step * ax, y + step * ay, z + step * az,
                    hx, hy, hz, linear, p, ca, cb, den, factor, alpha,
                )  # fmt: skip
                x += 0.5 * step * (ax + bx)
                y += 0.5 * step * (ay + by)
                z += 0.5 * step * (az + bz)
            else:
                half = 0.5 * step
                ax, ay, az = _rate(x, y, z, hx, hy, hz, linear, p, ca, cb, den, factor, alpha)
                bx, by, bz = _rate(
                    x + half * ax, y + half * ay, z + half * az,
                    hx, hy, hz, linear, p, ca, cb, den, factor, alpha,
                )  # fmt: skip
                cx, cy, cz = _rate(
                    x + half * bx, y + half * by, z + half * bz,
                    hx, hy, hz, linear, p, ca, cb, den, factor, alpha,
                )  # fmt: skip
                dx, dy, dz = _rate(
                    x + step * cx, y + step * cy, z + step * cz,
                    hx, hy, hz, linear, p, ca, cb, den, factor, alpha,
                )  # fmt: skip
                x += step / 6.0 * (ax + 2.0 * (bx + cx) + dx)
                y += step / 6.0 * (ay + 2.0 * (by + cy) + dy)
                z += step / 6.0 * (az + 2.0 * (bz + cz) + dz)
            norm = 1.0 / np.sqrt(x * x + y * y + z * z)
            x *= norm
            y *= norm
            z *= norm
            if np.isnan(passage[i]) and x * axis[0] + y * axis[1] + z * axis[2] <= level:
                passage[i] = (n + 1) * step
            if (n + 1) % stride == 0:
                k = (n + 1) // stride
                out[i, k, 0], out[i, k, 1], out[i, k, 2] = x, y, z


def _tables(model: Macrospin) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Directions, Chebyshev tables (torque, power, term) padded to one shape, denominators."""
    count = len(model.torques)
    p, den = np.zeros((count, 3)), np.zeros((count, 2))
    shapes = [t.damping_like.shape for t in model.torques] + [(1, 1)]
    shapes_b = [t.field_like.shape for t in model.torques] + [(1, 1)]
    a = np.zeros((count, max(s[0] for s in shapes), max(s[1] for s in shapes)))
    b = np.zeros((count, max(s[0] for s in shapes_b), max(s[1] for s in shapes_b)))
    for j, torque in enumerate(model.torques):
        p[j], den[j] = torque.direction, torque.denominator
        a[j, : torque.damping_like.shape[0], : torque.damping_like.shape[1]] = torque.damping_like
        b[j, : torque.field_like.shape[0], : torque.field_like.shape[1]] = torque.field_like
    return p, a, b, den


def _check_step(model: Macrospin, step: float, drive: float) -> None:
    limit = step_limit(model, drive)
    if step > limit:
        raise ValueError(
            f"step: {step!r} ns lets the moment precess by {LARGEST_ANGLE * step / limit:.3g} rad "
            f"in one step. Give at most {limit:.3g} ns "
            f"for this field of {largest_field(model, drive):.3g} A/m."
        )


def integrate(
    model: Macrospin,
    start: ArrayLike,
    duration: float,
    step: float,
    *,
    drive: float | Waveform = 0.0,
    drive_scale: ArrayLike = 1.0,
    field: ArrayLike | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    first_trajectory: int = 0,
    stride: int = 1,
    axis: ArrayLike = (1.0, 0.0, 0.0),
    level: float = -2.0,
    tolerance: float | None = None,
) -> Trajectories:
    """Integrate an ensemble with a fixed step, or without temperature to a tolerance.

    Parameters
    ----------
    model : Macrospin
    start : (3,) or (trajectories, 3)
    duration, step : float
        ns; the duration is rounded to whole steps.
    drive : float or Waveform
        Common time dependence, multiplied by `drive_scale` (trajectories,).
    field : (trajectories, 3), optional
        h0 of each trajectory in A/m instead of the model's.
    temperature : float
        K; needs the model's volume.
    seed, first_trajectory : int
        The random numbers of trajectory i are those of (seed, first_trajectory + i).
    stride : int
        Store every so many steps.
    axis, level
        Direction and threshold of the first passage m.axis <= level.
    tolerance : float, optional
        Error of m in one step, from 1e-14 to 0.01.  With it every trajectory chooses its own
        steps (order 8), and `step` is only the unit of the samples and of the passage.

    Returns
    -------
    Trajectories

    Raises
    ------
    ValueError
        A step too large for the precession (with the limit), temperature without volume, a
        tolerance with a temperature or out of its range.
    """
    start = unit_vector(start, "start")
    scale = np.asarray(drive_scale, float)
    fields = model.field if field is None else np.asarray(field, float)
    shape = np.broadcast_shapes(start.shape[:-1], scale.shape, fields.shape[:-1], (1,))
    if len(shape) != 1:
        raise ValueError(f"start, drive_scale, field: shape {shape} is not one list of runs.")
    waveform = drive if isinstance(drive, Waveform) else Waveform((0.0,), (float(drive),))
    if not (duration > 0 and step > 0 and stride >= 1):
        raise ValueError(f"duration, step, stride: {duration!r}, {step!r}, {stride!r}; all > 0.")
    peak = float(np.abs(waveform.values).max() * np.abs(scale).max())
    strongest = np.atleast_2d(fields)[np.argmax(np.linalg.norm(np.atleast_2d(fields), axis=1))]
    strong = model.with_field(strongest)
    if tolerance is None:
        _check_step(strong, step, peak)
    elif temperature or not 1e-14 <= tolerance <= 1e-2:
        raise ValueError(
            f"tolerance: {tolerance!r} at a temperature of {temperature!r} K. Give 1e-14 to 0.01, "
            "and none with a temperature."
        )
    steps = max(stride, int(round(duration / step)) // stride * stride)
    n = shape[0]
    out = np.empty((n, steps // stride + 1, 3))
    passage = np.empty(n)
    p, a, b, den = _tables(model)
    sources = (
        np.array(np.broadcast_to(start, (n, 3)), order="C"),
        np.array(np.broadcast_to(fields, (n, 3)), order="C"),
        np.array(model.oersted), np.array(model.linear), p, a, b, den, model.damping, model.gamma0,
        float(step), steps, stride,
    )  # fmt: skip
    drives = (
        np.asarray(waveform.times, float), np.asarray(waveform.values, float),
        np.array(np.broadcast_to(scale, (n,)), order="C"),
    )  # fmt: skip
    ends = unit_vector(axis, "axis"), float(level), out, passage
    if tolerance is None:
        noise = thermal_field(model, temperature, step)
        _run(*sources, *drives, noise, np.uint64(seed), first_trajectory, *ends)
    else:
        from negf_torque.llg.adaptive import adaptive_run, tableau

        every = stride if level < -1 else 1
        first = min(step_limit(strong, peak), duration)
        adaptive_run(*sources, every, *drives, first, float(tolerance), tableau(), *ends)
    return Trajectories(np.arange(steps // stride + 1) * stride * step, out, passage)
