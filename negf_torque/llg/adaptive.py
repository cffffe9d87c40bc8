"""Macrospins without temperature to a tolerance: Dormand and Prince's method of order 8.

Every trajectory chooses its own steps by the estimates of orders 5 and 3 (E. Hairer, S. P. Norsett
and G. Wanner, Solving Ordinary Differential Equations I, 2nd ed. (1993), sec. II.10); the
coefficients are SciPy's.  Steps end at the samples and at the corners of the waveform, between
which the drive is linear, so that the order is not lost there.

This module imports numba; nothing that the package imports at start may import it.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.integrate import DOP853

from negf_torque.llg.batch import _collapse, _drive_at, _rate

__all__ = ["adaptive_run", "tableau"]

#: Evaluations in a step; the method's thirteenth is the first one of the next step.
STAGES = 12


def tableau() -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Coefficients: A (12, 12), B and C (12,), and those of the errors of orders 3 and 5."""
    parts = (DOP853.B, DOP853.C, DOP853.E3, DOP853.E5)
    b, c, e3, e5 = (np.array(part[:STAGES], float) for part in parts)
    return np.array(DOP853.A[:STAGES, :STAGES], order="C"), b, c, e3, e5


@njit(cache=True, parallel=True)
def adaptive_run(
    m, h0, h1, linear, p, table_a, table_b, den, alpha, gamma, step, steps, stride, every,
    times, values, scale, first, tolerance, coefficients, axis, level, out, passage,
):  # fmt: skip
    """Integrate trajectories m (n, 3) over `steps` intervals; see `batch.integrate`.

    Parameters
    ----------
    every : int
        Intervals that are passed at once: `stride`, or 1 where the passage is looked for.
    first : float
        Step to begin with, in ns.
    coefficients : tuple
        `tableau`.
    out, passage : (n, samples, 3), (n,)
        Written: moments and first passage.
    """
    a, b, c, e3, e5 = coefficients
    factor = -gamma * 1e-9 / (1.0 + alpha * alpha)
    for i in prange(m.shape[0]):
        x = m[i].copy()
        y, trial = np.empty(3), np.empty(3)
        k = np.empty((STAGES, 3))
        ca = np.zeros((p.shape[0], table_a.shape[2]))
        cb = np.zeros((p.shape[0], table_b.shape[2]))
        wanted, old, corner = first, np.nan, 0
        passage[i] = np.nan
        out[i, 0] = x
        for n in range(0, steps, every):
            begin, goal = n * step, (n + every) * step
            while begin < goal:
                while corner < times.shape[0] and times[corner] <= begin:
                    corner += 1
                end = goal
                if corner < times.shape[0] and times[corner] < goal:
                    end = times[corner]
                length = end - begin
                # a straight line between the corners, by two points inside
                low = _drive_at(begin + length / 3.0, times, values, scale[i])
                slope = 3.0 * (_drive_at(begin + length / 1.5, times, values, scale[i]) - low)
                done = 0.0
                while done < 1.0:
                    part = min(wanted / length, 1.0 - done)
                    whole = part == 1.0 - done
                    h = part * length
                    for s in range(STAGES):
                        for q in range(3):
                            total = 0.0
                            for r in range(s):
                                total += a[s, r] * k[r, q]
                            y[q] = x[q] + h * total
                        drive = low + slope * (done + c[s] * part - 1.0 / 3.0)
                        if slope == 0.0:
                            drive = low
                        if drive != old:
                            _collapse(drive, table_a, ca)
                            _collapse(drive, table_b, cb)
                            old = drive
                        k[s, 0], k[s, 1], k[s, 2] = _rate(
                            y[0], y[1], y[2],
                            h0[i, 0] + drive * h1[0],
                            h0[i, 1] + drive * h1[1],
                            h0[i, 2] + drive * h1[2],
                            linear, p, ca, cb, den, factor, alpha,
                        )  # fmt: skip
                    fifth = third = norm = 0.0
                    for q in range(3):
                        total = s5 = s3 = 0.0
                        for s in range(STAGES):
                            total += b[s] * k[s, q]
                            s5 += e5[s] * k[s, q]
                            s3 += e3[s] * k[s, q]
                        trial[q] = x[q] + h * total
                        norm += trial[q] * trial[q]
                        fifth += s5 * s5
                        third += s3 * s3
                    error = 0.0
                    if fifth > 0.0:
                        error = h * fifth / np.sqrt(fifth + 0.01 * third) / tolerance
                    grow = 5.0 if error == 0.0 else min(5.0, max(0.2, 0.9 * error**-0.125))
                    if error > 1.0:
                        wanted = h * grow
                        continue
                    for q in range(3):
                        x[q] = trial[q] / np.sqrt(norm)
                    # a step that was cut to end at a sample says little about the next one
                    wanted = max(wanted, h * grow) if whole else h * grow
                    done = 1.0 if whole else done + part
                begin = end
            if np.isnan(passage[i]) and x[0] * axis[0] + x[1] * axis[1] + x[2] * axis[2] <= level:
                passage[i] = goal
            if (n + every) % stride == 0:
                out[i, (n + every) // stride] = x
