"""Linear stability of a macrospin: fixed points, their eigenvalues, thresholds, phase maps.

At a fixed point m0 (H parallel to m0) the linearised equation for the two tangent components has
a trace and a determinant; the point is stable where trace < 0 < det.  The trace condition is
Eq. 26 of Ralph and Stiles, exact in alpha:

    I_c = (2e/hbar) (alpha/eta(0)) V mu0 M_s (H + H_k + M_s/2)

for an in-plane layer, electrons pushing away from the fixed direction (D. C. Ralph and
M. D. Stiles, J. Magn. Magn. Mater. 320, 1190 (2008)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, root

from negf_torque.llg.macrospin import Macrospin
from negf_torque.spin import unit_vector
from negf_torque.units import ELEMENTARY_CHARGE, HBAR_SI, MU0

__all__ = [
    "FixedPoint",
    "critical_drive",
    "fixed_point",
    "fixed_points",
    "jacobian",
    "pillar_trace_determinant",
    "ralph_stiles_current",
    "spin_orbit_threshold",
    "tangent_basis",
]


@dataclass(frozen=True)
class FixedPoint:
    """Static state.

    Attributes
    ----------
    m : (3,)
    eigenvalues : (2,) complex
        Of the linearised motion, 1/s; negative real parts: stable.
    stable : bool
    """

    m: NDArray
    eigenvalues: NDArray
    stable: bool


def tangent_basis(m: NDArray) -> NDArray:
    """(2, 3): orthonormal vectors perpendicular to m."""
    seed = np.eye(3)[int(np.argmin(np.abs(m)))]
    first = np.cross(m, seed)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(m, first)])


def _field_gradient(model: Macrospin, m: NDArray, drive: float) -> NDArray:
    """dH_i/dm_j, (3, 3): analytic, torques included."""
    gradient = model.linear.copy()
    for torque in model.torques:
        p = torque.direction
        c = float(np.clip(m @ p, -1, 1))
        h_a, h_b = torque.coefficients(c, drive)
        slope_a, slope_b = _slopes(torque, c, drive)
        cross = np.array([[0, p[2], -p[1]], [-p[2], 0, p[0]], [p[1], -p[0], 0]])  # m x p = cross m
        gradient = gradient + h_a * cross + np.outer(slope_a * np.cross(m, p) + slope_b * p, p)
    return gradient


def _slopes(torque, c: float, drive: float) -> tuple[float, float]:
    """Derivatives of h_a and h_b with respect to c."""
    from numpy.polynomial import chebyshev

    d1, d2 = torque.denominator

    def polynomial(rows, order):
        return sum(
            drive**k * chebyshev.chebval(c, chebyshev.chebder(row, order))
            for k, row in enumerate(rows)
        )

    numerator, slope_a = (polynomial(torque.damping_like, order) for order in (0, 1))
    slope_b = polynomial(torque.field_like, 1)
    denominator = 1 + d1 * c + d2 * c * c
    slope_a = slope_a / denominator - numerator * (d1 + 2 * d2 * c) / denominator**2
    return float(slope_a), float(slope_b)


def jacobian(model: Macrospin, m: ArrayLike, drive: float = 0.0) -> NDArray:
    """Linearised dm/dt at a fixed point in tangent coordinates, (2, 2), 1/s.

    Examples
    --------
    A moment along its field precesses and relaxes:

    >>> from negf_torque.llg.macrospin import macrospin
    >>> j = jacobian(macrospin(8e5, 0.1, applied=(0, 0, 1e4), gamma0=1.0), (0, 0, 1))
    >>> np.linalg.eigvals(j * 1.01).round(6)
    array([-1000.+10000.j, -1000.-10000.j])
    """
    m = unit_vector(m, "m")
    h = model.effective_field(m, drive)
    gradient = _field_gradient(model, m, drive)
    alpha = model.damping

    def cross(v):
        return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])

    torque = cross(m) @ gradient - cross(h)  # d(m x H)
    full = torque + alpha * (cross(m) @ torque - cross(np.cross(m, h)))
    basis = tangent_basis(m)
    return -model.gamma0 / (1 + alpha**2) * basis @ full @ basis.T


def _classify(model: Macrospin, m: NDArray, drive: float) -> FixedPoint:
    eigenvalues = np.linalg.eigvals(jacobian(model, m, drive))
    return FixedPoint(m, eigenvalues, bool(eigenvalues.real.max() < 0))


def fixed_point(model: Macrospin, guess: ArrayLike, drive: float = 0.0) -> FixedPoint | None:
    """The fixed point that Newton's method reaches from `guess`, or None.

    Stable or not; the method follows a branch through its loss of stability.
    """
    m = unit_vector(guess, "guess")
    scale = max(np.abs(model.effective_field(m, drive)).max(), 1e-300)
    basis = tangent_basis(m)

    def static(v):
        n = m + v @ basis
        n = n / np.linalg.norm(n)
        return basis @ np.cross(n, model.effective_field(n, drive)) / scale

    found = root(static, np.zeros(2), method="hybr", options={"xtol": 1e-14})
    n = m + found.x @ basis
    n = n / np.linalg.norm(n)
    residual = np.linalg.norm(np.cross(n, model.effective_field(n, drive)))
    if residual > 1e-9 * max(scale, np.abs(model.linear).max()):
        return None
    return _classify(model, n, drive)


def fixed_points(model: Macrospin, drive: float = 0.0, starts: int = 60) -> list[FixedPoint]:
    """All fixed points found from a spherical grid of starts (stable ones first)."""
    k = np.arange(starts) + 0.5
    z, phi = 1 - 2 * k / starts, np.pi * (1 + 5**0.5) * k
    sine = np.sqrt(1 - z * z)
    grid = np.stack([sine * np.cos(phi), sine * np.sin(phi), z], axis=1)
    grid = np.concatenate([grid, np.eye(3), -np.eye(3)])
    found: list[FixedPoint] = []
    for guess in grid:
        point = fixed_point(model, guess, drive)
        if point is not None and all(np.linalg.norm(point.m - f.m) > 1e-6 for f in found):
            found.append(point)
    return sorted(found, key=lambda f: (not f.stable, tuple(-f.m)))


def critical_drive(
    model: Macrospin, state: ArrayLike, largest: float, steps: int = 40
) -> tuple[float, str] | None:
    """Smallest drive between 0 and `largest` (either sign) at which `state` stops being stable.

    Follows the fixed point from zero drive.

    Returns
    -------
    (drive, how) or None
        `how` is "oscillation" (the trace changes sign: precession grows), "saddle" (the
        determinant vanishes) or "vanishes" (the branch ends).

    Raises
    ------
    ValueError
        When the state is not stable at zero drive.
    """
    point = fixed_point(model, state, 0.0)
    if point is None or not point.stable:
        raise ValueError(f"state: {state!r} leads to no stable state without drive.")
    m, before = point.m, 0.0

    def growth(drive):
        here = fixed_point(model, m, drive)
        return np.inf if here is None else here.eigenvalues.real.max()

    for drive in np.linspace(0, largest, steps + 1)[1:]:
        here = fixed_point(model, m, drive)
        if here is None or np.linalg.norm(here.m - m) > 0.5:
            return _bisect_end(model, m, before, drive), "vanishes"
        if not here.stable:
            limit = brentq(growth, before, drive, xtol=1e-14 * abs(largest), rtol=1e-13)
            at = fixed_point(model, m, limit)
            if at is None:
                return float(limit), "vanishes"
            how = "oscillation" if np.abs(at.eigenvalues.imag).max() > 0 else "saddle"
            return float(limit), how
        m, before = here.m, drive
    return None


def _bisect_end(model: Macrospin, m: NDArray, low: float, high: float) -> float:
    """Drive at which the branch through m ends, by bisection."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        here = fixed_point(model, m, middle)
        if here is not None and np.linalg.norm(here.m - m) < 0.5 and here.stable:
            low, m = middle, here.m
        else:
            high = middle
        if abs(high - low) < 1e-13 * abs(high):
            break
    return float(0.5 * (low + high))


def ralph_stiles_current(
    damping: float,
    eta: float,
    volume: float,
    saturation_magnetisation: float,
    field: float,
    anisotropy_field: float,
) -> float:
    """Their Eq. 26: critical current in A from a parallel state; volume nm^3, fields A/m."""
    moment = volume * 1e-27 * MU0 * saturation_magnetisation
    sum_of_fields = field + anisotropy_field + saturation_magnetisation / 2
    return 2 * ELEMENTARY_CHARGE / HBAR_SI * damping / eta * moment * sum_of_fields


def pillar_trace_determinant(
    state: int, field: float, anisotropy: float, torque: float, damping: float
) -> tuple[float, float]:
    """Trace and determinant of an in-plane pillar at m = state x, in units of g0 M_s.

    Fields h (along x), h_k (easy axis x) and torque a (p = x) in units of M_s, g0 M_s;
    demagnetisation factor 1 along z:  trace = (-alpha(H1 + H2) - 2 s a)/(1 + alpha^2),
    det = (H1 H2 + a^2)/(1 + alpha^2), H1 = s h + h_k, H2 = H1 + 1.
    """
    h1 = state * field + anisotropy
    h2 = h1 + 1
    denominator = 1 + damping**2
    trace = (-damping * (h1 + h2) - 2 * state * torque) / denominator
    return trace, (h1 * h2 + torque**2) / denominator


def spin_orbit_threshold(field_ratio: float) -> float:
    """a_c/(g0 H_k) for p in plane, perpendicular easy axis, field h H_k along the current.

    sqrt((8 + 20 h^2 - h^4 - h (8 + h^2)^{3/2})/32): the damping-like torque at which the static
    state vanishes.  K.-S. Lee et al., Appl. Phys. Lett. 102, 112410 (2013).

    Examples
    --------
    >>> spin_orbit_threshold(0.0)
    0.5
    """
    h = field_ratio
    return float(np.sqrt((8 + 20 * h**2 - h**4 - h * (8 + h**2) ** 1.5) / 32))
