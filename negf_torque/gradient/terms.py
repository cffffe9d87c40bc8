"""What the coefficients of one band are at one energy: terms of the Fermi surface and of the sea.

The vertex corrections of zero-range impurities are closed formulas: each ladder is a geometric
series of local bubbles.  Symbols as in `coefficients`; derivation in
docs/theory/gradient_expansion.md.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.bands import Band
from negf_torque.gradient.born import BornSolution, ImpurityStrengths

__all__ = ["Axis", "ratio", "sea_terms", "surface_terms"]

#: Axis of uniaxial impurity moments: fixed in space, or along the local magnetisation.
Axis = Literal["fixed", "following"]


def ratio(a: NDArray, b: NDArray) -> NDArray:
    """a/b, not a number where b vanishes."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    return np.divide(a, b, out=np.full(a.shape, np.nan), where=np.abs(b) > 1e-300)


def _ladder_strengths(impurities: ImpurityStrengths, vertex: bool) -> tuple[NDArray, NDArray]:
    """Coefficients a, b of Y = D/(E1 - E2 - 2M + a D + b E'), with or without the ladder.

    The bare bubble has a = gi + gz from the self-energies alone; summing the ladder, whose
    transverse rung is gi - gz, turns it into 2 gz.
    """
    a = 2 * impurities.longitudinal if vertex else impurities.same_spin
    return a, 2 * impurities.transverse


def surface_terms(
    band: Band,
    s: BornSolution,
    m: NDArray,
    impurities: ImpurityStrengths,
    axis: Axis,
    vertex: bool,
) -> dict[str, NDArray]:
    """Everything that is weighted with -f', at the energies of a solution."""
    (g_u, g_d), (z_u, z_d) = s.g, s.z
    a, b = _ladder_strengths(impurities, vertex)
    difference, exchanged = g_u.conj() - g_d, g_d.conj() - g_u
    y_ra = difference / (-2 * m + a * difference + b * exchanged)
    d = g_u - g_d
    y_rr = d / (-2 * m + (a - b) * d)
    factor = m**2 / np.pi

    k = band.kernels(z_u, z_d)
    gz, gp = impurities.longitudinal, impurities.transverse
    kappa = 1 / (1 - (gz - gp) * d / m) if vertex else np.ones_like(d)
    lam = 1 / (1 - (gz * difference + gp * exchanged) / m) if vertex else np.ones_like(d)
    inner = np.ones_like(d) if axis == "following" else kappa
    curly = inner * (k.down - k.cross - k.cross_mixed + k.up_mixed) - inner.conj() * (
        k.down_mixed - k.cross_mixed - k.cross.conj() + k.up.conj()
    )
    four = k.down - 2 * k.cross + k.up
    order = kappa if axis == "following" else kappa**2
    return {
        "damping_ra": factor * y_ra.real,
        "damping_rr": -factor * y_rr.real,
        "spin_ra": -factor * y_ra.imag,
        "current_ra": lam * curly / (4 * np.pi),
        "current_rr": -(order * four).imag / (4 * np.pi),
        "sigma_up": (k.up_mixed.real - k.up.real) / (2 * np.pi),
        "sigma_down": (k.down_mixed.real - k.down.real) / (2 * np.pi),
    }


def sea_terms(
    band: Band,
    s: BornSolution,
    m: NDArray,
    impurities: ImpurityStrengths,
    axis: Axis,
    vertex: bool,
) -> dict[str, NDArray]:
    """Analytic integrands of the Fermi sea; the imaginary part of int f F is the contribution.

    (d/dE1 - d/dE2) of M^2 Y^RR(E1, E2)/pi at E1 = E2, and for following moments the change of
    the dressed vertex with energy.
    """
    d = s.g[0] - s.g[1]
    slope_u, slope_d = s.total_slope
    a, b = _ladder_strengths(impurities, vertex)
    n = -2 * m + (a - b) * d
    change = slope_u + slope_d
    value = -change / n - d * (2 - (a + b) * change) / n**2
    terms = {"spin": m**2 / np.pi * value}
    uniaxial = impurities.longitudinal - impurities.transverse
    if axis == "following" and vertex and np.any(uniaxial != 0):
        kappa = 1 / (1 - uniaxial * d / m)
        k = band.kernels(*s.z)
        four = k.down - 2 * k.cross + k.up
        terms["current"] = kappa**2 * uniaxial * (slope_u - slope_d) / m * four / (4 * np.pi)
    return terms
