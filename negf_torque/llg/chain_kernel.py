"""Compiled time steps of `negf_torque.llg.chain`: classical Runge-Kutta, normalised.

Imports numba; import only where it is used.
"""

import numpy as np
from numba import njit

__all__ = ["advance"]


@njit(cache=True)
def _rate(m, e, h, applied, exchange, easy, hard, slope, beta, gamma, alpha, out):
    """Explicit dm/dt (per ns); exchange, easy, hard are fields, slope = u/(2 cell)."""
    n = m.shape[0]
    factor = 1.0 / (1.0 + alpha * alpha)
    for i in range(n):
        left = i - 1 if i > 0 else 0
        right = i + 1 if i < n - 1 else n - 1
        x, y, z = m[i, 0], m[i, 1], m[i, 2]
        along = easy * (x * e[0] + y * e[1] + z * e[2])
        across = hard * (x * h[0] + y * h[1] + z * h[2])
        fx = exchange * (m[right, 0] - 2 * x + m[left, 0]) + along * e[0] - across * h[0]
        fy = exchange * (m[right, 1] - 2 * y + m[left, 1]) + along * e[1] - across * h[1]
        fz = exchange * (m[right, 2] - 2 * z + m[left, 2]) + along * e[2] - across * h[2]
        fx, fy, fz = gamma * (fx + applied[0]), gamma * (fy + applied[1]), gamma * (fz + applied[2])
        # beta u m x m' = -m x (-beta u m'): the non-adiabatic torque is a field.
        dx = slope * (m[right, 0] - m[left, 0])
        dy = slope * (m[right, 1] - m[left, 1])
        dz = slope * (m[right, 2] - m[left, 2])
        fx, fy, fz = fx - beta * dx, fy - beta * dy, fz - beta * dz
        along_m = dx * x + dy * y + dz * z
        bx = -(y * fz - z * fy) - (dx - along_m * x)
        by = -(z * fx - x * fz) - (dy - along_m * y)
        bz = -(x * fy - y * fx) - (dz - along_m * z)
        out[i, 0] = factor * (bx + alpha * (y * bz - z * by))
        out[i, 1] = factor * (by + alpha * (z * bx - x * bz))
        out[i, 2] = factor * (bz + alpha * (x * by - y * bx))


@njit(cache=True)
def advance(
    m, steps, step, e, h, applied, exchange, easy, hard, slope, beta, gamma, alpha
):  # fmt: skip
    """Advance m (cells, 3) in place by `steps` steps of `step` ns."""
    k1, k2, k3, k4 = np.empty_like(m), np.empty_like(m), np.empty_like(m), np.empty_like(m)
    for _ in range(steps):
        _rate(m, e, h, applied, exchange, easy, hard, slope, beta, gamma, alpha, k1)
        _rate(
            m + 0.5 * step * k1, e, h, applied, exchange, easy, hard, slope, beta, gamma, alpha, k2
        )
        _rate(
            m + 0.5 * step * k2, e, h, applied, exchange, easy, hard, slope, beta, gamma, alpha, k3
        )
        _rate(m + step * k3, e, h, applied, exchange, easy, hard, slope, beta, gamma, alpha, k4)
        for i in range(m.shape[0]):
            norm = 0.0
            for a in range(3):
                m[i, a] += step / 6.0 * (k1[i, a] + 2.0 * (k2[i, a] + k3[i, a]) + k4[i, a])
                norm += m[i, a] * m[i, a]
            norm = 1.0 / np.sqrt(norm)
            for a in range(3):
                m[i, a] *= norm
