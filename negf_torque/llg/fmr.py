"""Spin-torque ferromagnetic resonance: the rectified voltage of a small alternating drive.

Around the fixed point m0 of the constant drive x0, a drive x0 + x1 cos(w t) moves the moment by
dm(t) = Re[dm_w exp(-i w t)],

    (-i w - L) dm_w = (d rate/dx) x1,

with L the linearised motion of `negf_torque.llg.stability`.  Current times resistance then has
the constant part <x1 cos(w t) grad R . dm(t)> = (x1/2) Re[grad R . dm_w]: a symmetric Lorentzian
from the in-plane and an antisymmetric one from the out-of-plane torque for a planar geometry
(J. C. Sankey et al., Nature Phys. 4, 67 (2008)).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from negf_torque.llg.macrospin import Macrospin
from negf_torque.llg.stability import fixed_point, jacobian, tangent_basis
from negf_torque.spin import unit_vector

__all__ = ["Resonance", "fit_resonance", "mixing_voltage", "response"]


def response(
    model: Macrospin, state: ArrayLike, frequency: ArrayLike, drive: float = 0.0
) -> tuple[NDArray, NDArray]:
    """dm_w per unit alternating drive.

    Parameters
    ----------
    model : Macrospin
    state : (3,)
        Guess of the fixed point at the constant `drive`.
    frequency : (frequencies,)
        GHz.

    Returns
    -------
    m0 : (3,)
    dm : (frequencies, 3) complex
        Per unit drive; the motion is Re[dm exp(-2 pi i f t)].

    Raises
    ------
    ValueError
        When there is no stable fixed point: the resonance of a precessing state is another one.
    """
    point = fixed_point(model, unit_vector(state, "state"), drive)
    if point is None or not point.stable:
        raise ValueError(
            f"state: no stable static state near {state!r} at drive {drive!r}. "
            "Ferromagnetic resonance is the response of one."
        )
    m = point.m
    basis = tangent_basis(m)
    matrix = jacobian(model, m, drive)
    # The field is a polynomial in the drive: a central difference of its own scale is exact to
    # rounding for the linear and quadratic parts.
    step = 1e-4 * (abs(drive) or 1.0)
    push = basis @ (model.rate(m, drive + step) - model.rate(m, drive - step)) / (2 * step)
    omega = 2 * np.pi * 1e9 * np.atleast_1d(np.asarray(frequency, float))
    left = -1j * omega[:, None, None] * np.eye(2) - matrix
    amplitude = np.linalg.solve(left, np.broadcast_to(push, (len(omega), 2))[..., None])[..., 0]
    return m, amplitude @ basis


def mixing_voltage(
    model: Macrospin,
    state: ArrayLike,
    frequency: ArrayLike,
    resistance: Callable[[NDArray], float],
    amplitude: float,
    drive: float = 0.0,
) -> NDArray:
    """Rectified voltage (x1/2) Re[grad R . dm_w], in units of resistance times drive.

    Parameters
    ----------
    resistance : callable
        R(m), from unit vectors (3,).
    amplitude : float
        x1 of the alternating drive.

    Returns
    -------
    (frequencies,)
    """
    m, dm = response(model, state, frequency, drive)
    step = 1e-5
    gradient = np.zeros(3)
    for e in tangent_basis(m):
        forward, backward = (m + s * step * e for s in (1, -1))
        slope = resistance(forward / np.linalg.norm(forward)) - resistance(
            backward / np.linalg.norm(backward)
        )
        gradient += slope / (2 * step) * e
    return 0.5 * amplitude**2 * (dm @ gradient).real


@dataclass(frozen=True)
class Resonance:
    """V(f) = [S w^2 + A w (f - f0)]/[(f - f0)^2 + w^2]; f0 and half width w in GHz."""

    frequency: float
    half_width: float
    symmetric: float
    antisymmetric: float
    residual: float


def fit_resonance(frequency: ArrayLike, voltage: ArrayLike) -> Resonance:
    """Fit one resonance with a symmetric and an antisymmetric Lorentzian (no background).

    Examples
    --------
    >>> f = np.linspace(4, 6, 201)
    >>> fit = fit_resonance(f, (2 * 0.1**2 - 0.1 * (f - 5)) / ((f - 5) ** 2 + 0.1**2))
    >>> round(fit.frequency, 6), round(fit.symmetric, 6), round(fit.antisymmetric, 6)
    (5.0, 2.0, -1.0)
    """
    f, v = np.asarray(frequency, float), np.asarray(voltage, float)
    scale = np.abs(v).max() or 1.0

    def shapes(x):
        d = f - x[0]
        return np.stack([x[1] ** 2 / (d**2 + x[1] ** 2), x[1] * d / (d**2 + x[1] ** 2)], axis=1)

    def deviation(x):
        basis = shapes(x)
        parts, *_ = np.linalg.lstsq(basis, v / scale, rcond=None)
        return basis @ parts - v / scale

    peak = f[int(np.argmax(np.abs(v)))]
    span = np.ptp(f)
    tries = [
        least_squares(deviation, [peak + s * span, w * span], xtol=1e-15, ftol=1e-15, gtol=1e-15)
        for s in (-0.03, 0, 0.03)
        for w in (0.01, 0.05, 0.2)
    ]
    best = min(tries, key=lambda t: t.cost)
    parts, *_ = np.linalg.lstsq(shapes(best.x), v, rcond=None)
    sign = np.sign(best.x[1])
    return Resonance(
        float(best.x[0]),
        float(abs(best.x[1])),
        float(parts[0]),
        float(sign * parts[1]),
        float(np.abs(best.fun).max()),
    )
