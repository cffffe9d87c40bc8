"""dm/dt of one macrospin in plain floats: what an adaptive integrator calls many thousand times.

The same equation as `Macrospin.rate`, about five times faster than arrays of three numbers.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from negf_torque.llg.macrospin import Macrospin

__all__ = ["pointwise_rate"]


def _clenshaw(c: float, coefficients: list[float]) -> float:
    b1 = b2 = 0.0
    for value in coefficients[:0:-1]:
        b1, b2 = value + 2 * c * b1 - b2, b1
    return coefficients[0] + c * b1 - b2


def _series(c: float, drive: float, table: list[list[float]]) -> float:
    """sum_k drive^k sum_n C[k][n] T_n(c)."""
    total = 0.0
    for row in reversed(table):
        total = total * drive + _clenshaw(c, row)
    return total


def pointwise_rate(
    model: "Macrospin", scale: float = 1.0
) -> Callable[[tuple[float, float, float], float], tuple[float, float, float]]:
    """A function (m, drive) -> dm/dt times `scale`, three floats each."""
    h0, h1 = model.field.tolist(), model.oersted.tolist()
    k = model.linear.tolist()
    alpha = model.damping
    factor = -model.gamma0 * scale / (1 + alpha**2)
    torques = [
        (t.direction.tolist(), t.damping_like.tolist(), t.field_like.tolist(), *t.denominator)
        for t in model.torques
    ]

    def rate(m, drive):
        x, y, z = m
        hx = h0[0] + drive * h1[0] + k[0][0] * x + k[0][1] * y + k[0][2] * z
        hy = h0[1] + drive * h1[1] + k[1][0] * x + k[1][1] * y + k[1][2] * z
        hz = h0[2] + drive * h1[2] + k[2][0] * x + k[2][1] * y + k[2][2] * z
        for (px, py, pz), damping_like, field_like, d1, d2 in torques:
            c = x * px + y * py + z * pz
            a = _series(c, drive, damping_like) / (1 + c * (d1 + c * d2))
            b = _series(c, drive, field_like)
            hx += a * (y * pz - z * py) + b * px
            hy += a * (z * px - x * pz) + b * py
            hz += a * (x * py - y * px) + b * pz
        cx, cy, cz = y * hz - z * hy, z * hx - x * hz, x * hy - y * hx
        return (
            factor * (cx + alpha * (y * cz - z * cy)),
            factor * (cy + alpha * (z * cx - x * cz)),
            factor * (cz + alpha * (x * cy - y * cx)),
        )

    return rate
