"""Single bands, as two functions of a complex energy.

Everything that the gradient expansion needs to know of one band without spin-orbit coupling are
two Brillouin-zone averages in the complex plane,

    g(z) = int_k 1/(z - eps_k),        h(z) = int_k v_x^2/(z - eps_k),

with v_x = d eps/d k_x: the local Green's function, and its velocity-weighted companion.  The
upper half plane is the retarded one; advanced values are complex conjugates.  Products of
Green's functions are divided differences,

    int_k v_x^2 G(x) G(y) = P(x, y) = -(h(x) - h(y))/(x - y),      P(x, x) = -h'(x),

and h' is again elementary, h'(z) = int_k (d v_x/d k_x)/(z - eps_k).

hbar = 1.  Energies in eV and lengths in nm make a mass 1/(eV nm^2): see `ELECTRON_MASS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.units import ELEMENTARY_CHARGE, HBAR_SI

__all__ = ["ELECTRON_MASS", "Band", "Kernels", "from_functions", "parabolic", "tabulated"]

_KILOGRAM = ELEMENTARY_CHARGE * 1e-18 / HBAR_SI**2  # 1 kg in 1/(eV nm^2), hbar = 1
#: Free-electron mass over hbar^2, 1/(eV nm^2): hbar^2/m_e = 0.0762 eV nm^2.
ELECTRON_MASS: float = 9.1093837139e-31 * _KILOGRAM

Pair = tuple[NDArray, NDArray]


@dataclass(frozen=True)
class Band:
    """One band: its local Green's function, its velocity function, and their derivatives.

    Attributes
    ----------
    name : str
    dimension : int
        Number of space dimensions (1, 2 or 3).
    bottom, top : float
        Edges of the clean band without exchange (eV).
    green : callable
        z -> (g, dg/dz), for z in the closed upper half plane, any shape.
    velocity : callable
        z -> (h, dh/dz).
    difference : callable or None
        (x, y, upper) -> P(x, y); `upper` says whether y lies in the retarded half plane.  None:
        computed from `velocity`.
    weight : float
        Integral of the density of states: 1 for a lattice, inf for an unbounded band, whose g
        leaves out a real constant (a shift of the chemical potential common to both spins).
    floor : callable or None
        Total impurity strength -> a bound that the disordered band never goes below, without
        exchange.  None: bottom - 2 sqrt(weight strength), the semicircle's bound.
    """

    name: str
    dimension: int
    bottom: float
    top: float
    green: Callable[[NDArray], Pair]
    velocity: Callable[[NDArray], Pair]
    difference: Callable[[NDArray, NDArray, bool], NDArray] | None = None
    weight: float = 1.0
    floor: Callable[[NDArray], NDArray] | None = None

    def lower_bound(self, strength: ArrayLike) -> NDArray:
        """An energy that the disordered band never goes below, for M = 0."""
        strength = np.asarray(strength, float)
        if self.floor is not None:
            return self.floor(strength)
        return self.bottom - 2 * np.sqrt(self.weight * strength)

    def kernels(self, z_u: NDArray, z_d: NDArray) -> "Kernels":
        """All divided differences between the two spins' energies, in the upper half plane."""
        if self.difference is not None:
            p = self.difference
            return Kernels(
                p(z_u, z_u, True), p(z_d, z_d, True), p(z_d, z_u, True),
                p(z_u, z_u, False), p(z_d, z_d, False), p(z_d, z_u, False),
            )
        z = np.stack(np.broadcast_arrays(z_u, z_d))
        h, slope = self.velocity(z)
        cross = _divided_difference(self.velocity, z[1], z[0], h[1], h[0])
        mixed = [
            _mixed_difference(z[i], z[j], h[i], h[j], slope[i]) for i, j in ((0, 0), (1, 1), (1, 0))
        ]
        return Kernels(-slope[0], -slope[1], cross, *mixed)


def check_band(band: Any) -> None:
    """ValueError unless it is a `Band`."""
    if not isinstance(band, Band):
        raise ValueError(
            f"band: {type(band).__name__} is not a Band; give one, as parabolic() or "
            "lattice_bands.square()."
        )


class Kernels(NamedTuple):
    """P between the two spins: x = z_s retarded, y = z_s' retarded or (mixed) advanced.

    up = P(z_u, z_u), down = P(z_d, z_d), cross = P(z_d, z_u); up_mixed = P(z_u, z_u*),
    down_mixed = P(z_d, z_d*), cross_mixed = P(z_d, z_u*).
    """

    up: NDArray
    down: NDArray
    cross: NDArray
    up_mixed: NDArray
    down_mixed: NDArray
    cross_mixed: NDArray


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


def _divided_difference(velocity: Callable, x, y, h_x, h_y) -> NDArray:
    """-(h(x) - h(y))/(x - y), by an integral of h' where the difference would cancel.

    Between two points of the upper half plane h is analytic, and 6 Gauss points integrate h'
    to rounding where the interval is short against the distance to the real axis.
    """
    near = np.abs(x - y) < 0.05 * np.minimum(x.imag, y.imag)
    near |= x == y
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.asarray(-(h_x - h_y) / (x - y))
    if near.any():
        a, b = x[near], y[near]
        points = (a + b) / 2 + (a - b) / 2 * _NODES[:, None]
        value[near] = -np.tensordot(_WEIGHTS, velocity(points)[1], 1) / 2
    return value


def _mixed_difference(x, y, h_x, h_y, slope_x) -> NDArray:
    """-(h(x) - h(y)*)/(x - y*); outside the band, where x = y* is possible, -h'(x)."""
    close = np.abs(x - y.conj()) <= 1e-9 * (1 + np.abs(x))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = -(h_x - h_y.conj()) / (x - y.conj())
    return np.where(close, -slope_x, value)


def parabolic(mass: float = 1.0, dimension: int = 3) -> Band:
    """Free electrons, eps = k^2/(2 m), in one, two or three dimensions.

    With K = sqrt(2 m z), Im K >= 0:  3D: g = -i m K/(2 pi), h = -i K^3/(6 pi m);
    2D: g = (m/2 pi) log(-z), h = (z/2 pi)(log(-z) - 1);  1D: g = -i m/K, h = -i K/m.

    Parameters
    ----------
    mass : float
        1/(eV nm^2) (hbar = 1), or any unit consistent with the rest.
    dimension : {1, 2, 3}

    Raises
    ------
    ValueError
        If the mass is not positive or the dimension is not 1, 2 or 3.

    Examples
    --------
    The density of states of a three-dimensional gas, m k/(2 pi^2):

    >>> g, _ = parabolic(1.0, 3).green(np.array(0.5 + 0j))
    >>> round(float(-g.imag / np.pi * 2 * np.pi**2), 12)
    1.0
    """
    if not (np.isfinite(mass) and mass > 0):
        raise ValueError(f"mass: {mass!r} is not a mass. Give a positive number.")
    if dimension not in (1, 2, 3):
        raise ValueError(f"dimension: {dimension!r} is not 1, 2 or 3.")
    m = float(mass)

    def root(z: NDArray) -> NDArray:
        k = np.sqrt(2 * m * np.asarray(z, complex))
        return np.where(k.imag < 0, -k, k)

    def green(z: NDArray) -> Pair:
        if dimension == 2:
            # -log of a negative real number must come from below the cut: retarded limit
            z = np.asarray(z, complex)
            return m / (2 * np.pi) * (np.log(-1j * z) - 0.5j * np.pi), m / (2 * np.pi) / z
        k = root(z)
        # at the very band edge the slope is infinite: let it be, Newton then falls back
        with np.errstate(divide="ignore", invalid="ignore"):
            if dimension == 3:
                return -0.5j * m / np.pi * k, -0.5j * m**2 / np.pi / k
            return -1j * m / k, 1j * m**2 / k**3

    def velocity(z: NDArray) -> Pair:
        g = green(z)[0]
        if dimension == 3:
            return -1j / (6 * np.pi * m) * root(z) ** 3, g / m
        if dimension == 2:
            return z * (g / m - 1 / (2 * np.pi)), g / m
        return -1j / m * root(z), g / m

    def difference(x: NDArray, y: NDArray, upper: bool) -> NDArray:
        k, q = root(x), root(y)
        q = q if upper else -q.conj()
        if dimension == 3:
            return 1j / (3 * np.pi) * (k * k + k * q + q * q) / (k + q)
        return 2j / (k + q)

    def floor(strength: NDArray) -> NDArray:
        if dimension == 3:
            return np.zeros_like(strength)
        if dimension == 1:
            return -1.5 * (strength * m**2) ** (2 / 3) / m
        a = m * strength / (2 * np.pi)
        return np.minimum(a * (np.log(np.maximum(a, 1e-300)) - 1), 0.0)

    return Band(
        name=f"parabolic, {dimension}D",
        dimension=dimension,
        bottom=0.0,
        top=np.inf,
        green=green,
        velocity=velocity,
        difference=None if dimension == 2 else difference,
        weight=np.inf,
        floor=floor,
    )


def from_functions(
    g: Callable[[NDArray], NDArray],
    h: Callable[[NDArray], NDArray],
    *,
    bottom: float,
    top: float,
    dimension: int = 3,
    name: str = "band",
    weight: float = 1.0,
) -> Band:
    """Any single band from its two functions g(z) and h(z) in the upper half plane.

    Derivatives are Cauchy integrals on a circle that stays above the real axis (16 points,
    radius a quarter of Im z), good to about 1e-10 relative; on the real axis, outside the band,
    the distance to the nearer edge takes the place of Im z.

    Raises
    ------
    ValueError
        If g does not have the sign of a retarded function (Im g <= 0).
    """
    probe = np.array([0.5 * (bottom + min(top, bottom + 2.0)) + 0.5j])
    if not np.all(np.asarray(g(probe)).imag <= 0):
        raise ValueError("g: Im g > 0 in the upper half plane. Give int_k 1/(z - eps_k).")
    circle = np.exp(2j * np.pi * (np.arange(16) + 0.5) / 16)

    def with_slope(function: Callable[[NDArray], NDArray]) -> Callable[[NDArray], Pair]:
        def evaluate(z: NDArray) -> Pair:
            z = np.asarray(z, complex)
            outside = np.maximum(np.maximum(bottom - z.real, z.real - top), 0)
            radius = np.maximum(np.abs(z.imag) / 4, 1e-7)
            radius = np.where(outside > 4 * radius, outside / 4, radius)
            points = z + radius * circle.reshape(-1, *[1] * z.ndim)
            flip = points.imag < 0
            value = np.asarray(function(np.where(flip, points.conj(), points)))
            value = np.where(flip, value.conj(), value)
            slope = np.tensordot(circle.conj(), value, 1) / 16 / radius
            return np.asarray(function(z)), slope

        return evaluate

    return Band(name, dimension, bottom, top, with_slope(g), with_slope(h), None, weight)


def tabulated(
    energy: ArrayLike,
    dos: ArrayLike,
    velocity_dos: ArrayLike,
    *,
    dimension: int = 3,
    moments: int = 400,
    name: str = "tabulated",
) -> Band:
    """A band given by its density of states and its v_x^2-weighted density on a grid.

    Both are taken as linear between the points and zero outside.  With
    z = c + r (w + 1/w)/2, |w| <= 1, their Hilbert transforms are power series,

        g(z) = (2/r) sum_n w^(n+1) int d eps dos(eps) U_n((eps - c)/r),

    which converge like |w|^n away from the real axis, so that a few hundred moments serve any
    level broadening above about 1 % of the band width.

    Parameters
    ----------
    energy : (points,)
        Increasing, eV.
    dos : (points,)
        States per eV and spin and volume; not renormalised.
    velocity_dos : (points,)
        int_k v_x^2 delta(eps - eps_k).
    moments : int
        Length of the series.

    Raises
    ------
    ValueError
        If the grid does not increase, shapes differ, or a density is negative.
    """
    from negf_torque.gradient.series import power_series

    e, n, nv = (np.asarray(v, float) for v in (energy, dos, velocity_dos))
    if e.ndim != 1 or len(e) < 3 or not np.all(np.diff(e) > 0):
        raise ValueError("energy: give at least three increasing energies.")
    for label, values in (("dos", n), ("velocity_dos", nv)):
        if values.shape != e.shape:
            raise ValueError(f"{label}: shape {values.shape}, expected {e.shape} as energy.")
        if not np.all(np.isfinite(values)) or values.min() < 0 or values.max() <= 0:
            raise ValueError(f"{label}: give finite values, none negative and not all zero.")
    centre, radius = (e[0] + e[-1]) / 2, (e[-1] - e[0]) / 2
    x = (e - centre) / radius
    moment = np.stack([_second_kind_moments(x, v * radius, moments) for v in (n, nv)])

    def series(z: NDArray, coefficients: NDArray) -> Pair:
        zeta = (np.asarray(z, complex) - centre) / radius
        root = np.sqrt(zeta - 1) * np.sqrt(zeta + 1)
        w = zeta - root
        # the branch inside the unit circle, written without cancellation
        w = np.where(np.abs(w) > 1, zeta + root, 1 / (zeta + root))
        value, slope = (v.reshape(w.shape) for v in power_series(w.reshape(-1), coefficients))
        scale = 2 / radius
        with np.errstate(divide="ignore", invalid="ignore"):
            return scale * w * value, scale * slope * (-w / root) / radius

    return Band(
        name=name,
        dimension=dimension,
        bottom=float(e[0]),
        top=float(e[-1]),
        green=lambda z: series(z, moment[0]),
        velocity=lambda z: series(z, moment[1]),
        weight=float(moment[0, 0]),
    )


def _second_kind_moments(x: NDArray, density: NDArray, count: int) -> NDArray:
    """int density U_n dx, n < count, for a piecewise linear density on -1 <= x <= 1.

    With x = cos t, U_n sin t = sin (n + 1) t, and integrals of a linear density against
    sin((n + 1) t) are elementary after two integrations by parts: T_{n+1}' = (n + 1) U_n.
    """
    t = np.arccos(np.clip(x, -1, 1))
    jump = np.diff(density) / np.diff(x)  # slope of each segment
    m = np.arange(1, count + 1)[:, None]
    cos_m = np.cos(m * t)
    boundary = (density[-1] * cos_m[:, -1] - density[0] * cos_m[:, 0])[:, None] / m
    # int T_m dx = [T_{m+1}/(m+1) - T_{m-1}/(m-1)]/2
    up = np.cos((m + 1) * t) / (m + 1)
    down = np.where(m > 1, np.cos((m - 1) * t) / np.maximum(m - 1, 1), 0.0)
    primitive = (up - down) / 2
    primitive[0] = x**2 / 2
    inner = (jump * np.diff(primitive, axis=1)).sum(axis=1, keepdims=True) / m
    return (boundary - inner)[:, 0]
