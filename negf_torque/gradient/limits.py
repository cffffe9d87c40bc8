"""Limiting formulas, what each coefficient is made of, and which limit a magnet is in.

For weak disorder (level widths small against M and against the distance to the band edges), with
clean densities of states nu_s = nu(mu + s M) and Born widths, and hbar = 1,

    A    -> pi [2 gz nu_u nu_d + gp (nu_u^2 + nu_d^2)],
    beta -> (pi/M) [(gp + gz)(nu_u + nu_d) + (gp - gz)(nu_u - nu_d)/P]      (fixed axis),
    beta -> (pi/M) (gp + gz)(nu_u + nu_d)                                   (axis following n),

H. Kohno, G. Tatara, J. Shibata, J. Phys. Soc. Jpn. 75, 113706 (2006).  For isotropic moments the
self-consistent Born result is exact at any strength: with eta = 2 pi gs nu_t/M = 1/(2 M tau_s),

    beta = eta,   A = (M eta/2 pi)(pi nu_t + eta R)/(1 + eta^2),   R = Re(g_u - g_d).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.gradient.bands import Band, check_band
from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.coefficients import Coefficients, coefficients
from negf_torque.gradient.terms import Axis, ratio

__all__ = ["Limit", "WeakDisorder", "compare", "decompose", "limits", "weak_disorder"]


@dataclass(frozen=True)
class WeakDisorder:
    """Leading order in the impurity strengths; arrays broadcast as the arguments."""

    damping: NDArray
    beta: NDArray
    polarisation: NDArray
    conductivity: NDArray
    dos: NDArray
    width: NDArray


def weak_disorder(
    band: Band,
    chemical_potential: ArrayLike,
    half_splitting: ArrayLike,
    impurities: ImpurityStrengths,
    axis: Axis = "fixed",
) -> WeakDisorder:
    """Formulas of Kohno, Tatara and Shibata with the band's own densities of states.

    Returns
    -------
    WeakDisorder
        beta and polarisation are nan where nothing conducts (no states or no impurities); with
        no conducting state of either spin damping is zero.

    Examples
    --------
    Half-metal: only majority states are left, and 1/P = 1.

    >>> from negf_torque.gradient.bands import parabolic
    >>> w = weak_disorder(parabolic(), 0.2, 0.5, ImpurityStrengths(0.1, 0.0, 0.01))
    >>> round(float(w.beta * 0.5 / (2 * np.pi * 0.01 * w.dos[0])), 12)
    1.0
    """
    check_band(band)
    mu, m, gz, gp, same, other = np.broadcast_arrays(
        np.asarray(chemical_potential, float), np.asarray(half_splitting, float),
        impurities.longitudinal, impurities.transverse,
        impurities.same_spin, impurities.other_spin,
    )
    z = np.stack([mu + m, mu - m]).astype(complex)
    g, h = band.green(z)[0], band.velocity(z)[0]
    dos = np.maximum(-g.imag / np.pi, 0)
    width = np.pi * (same * dos + other * dos[::-1])
    sigma = ratio(np.where(dos > 0, -h.imag, 0), 2 * np.pi * width)
    sigma = np.where(dos > 0, sigma, 0.0)
    polarisation = ratio(sigma[0] - sigma[1], sigma[0] + sigma[1])
    damping = np.pi * (2 * gz * dos[0] * dos[1] + gp * (dos[0] ** 2 + dos[1] ** 2))
    beta = (gp + gz) * (dos[0] + dos[1])
    uniaxial = np.broadcast_to(gp - gz, beta.shape)
    if axis == "fixed":
        extra = uniaxial * (dos[0] - dos[1]) * ratio(np.ones_like(polarisation), polarisation)
        beta = beta + np.where(uniaxial == 0, 0.0, extra)
    beta = np.where(np.isnan(polarisation), np.nan, np.pi / m * beta)
    return WeakDisorder(damping, beta, polarisation, sigma, dos, width)


@dataclass(frozen=True)
class Limit:
    """One limiting formula: its name and text, its value, and whether the magnet is in it.

    Attributes
    ----------
    quantity : str
        "beta", "damping", "spin_renormalisation" or "conductivity".
    name, formula : str
    value : float
    computed : float
        The full result, for comparison.
    applies : bool
    reason : str
        Why it applies or not.
    """

    quantity: str
    name: str
    formula: str
    value: float
    computed: float
    applies: bool
    reason: str


def limits(
    band: Band,
    chemical_potential: float,
    half_splitting: float,
    impurities: ImpurityStrengths,
    result: Coefficients,
    axis: Axis = "fixed",
) -> list[Limit]:
    """Every limiting formula for one magnet (scalars), those that apply first.

    Examples
    --------
    >>> from negf_torque.gradient.bands import parabolic
    >>> strengths = ImpurityStrengths.isotropic(0.5, 0.0)
    >>> c = coefficients(parabolic(), 1.0, 0.3, strengths)
    >>> limits(parabolic(), 1.0, 0.3, strengths, c)[0].name
    'spin conserved'
    """
    gz, gp = float(impurities.longitudinal), float(impurities.transverse)
    m = half_splitting
    weak = weak_disorder(band, chemical_potential, m, impurities, axis)
    total = float(result.dos.sum())
    eta = 2 * np.pi * gp * total / m
    beta, damping = float(result.beta), float(result.damping)
    found = []

    def add(quantity, name, formula, value, computed, applies, reason) -> None:
        found.append(
            Limit(quantity, name, formula, float(value), float(computed), bool(applies), reason)
        )

    none = gz == 0 and gp == 0
    moments = "no magnetic impurities" if none else "magnetic impurities relax the spin"
    add("beta", "spin conserved", "beta = 0", 0, beta, none, moments)
    add("damping", "spin conserved", "A = 0", 0, damping, none, moments)
    nothing = total <= 1e-12
    states = "no states at the Fermi level" if nothing else f"{total:.4g} states per eV"
    add("conductivity", "outside the bands", "sigma = 0", 0, result.conductivity.sum(),
        nothing, states)
    isotropic = gz == gp and not none
    kind = "isotropic moments" if isotropic else "needs gz = gp > 0"
    text = "beta = 2 pi gs nu_t/M, exact at any disorder"
    add("beta", "isotropic moments", text, eta, beta, isotropic, kind)
    shift = float(np.sum(_real_difference(band, result, chemical_potential, m)))
    text = "A = (M eta/2 pi)(pi nu_t + eta R)/(1 + eta^2), exact at any disorder"
    value = m * eta / (2 * np.pi) * (np.pi * total + eta * shift) / (1 + eta**2)
    add("damping", "isotropic moments", text, value, damping, isotropic, kind)
    room = [chemical_potential + s * m - band.bottom for s in (1, -1)]
    room += [band.top - chemical_potential - s * m for s in (1, -1)]
    blur = float(weak.width.max()) / min(m, *(abs(r) for r in room))
    text = f"largest level width is {blur:.2g} of the exchange or of the distance to a band edge"
    tag = f"weak disorder, {axis} axis"
    formula = "(pi/M)[(gp + gz) nu_t + (gp - gz)(nu_u - nu_d)/P]" if axis == "fixed" else (
        "(pi/M)(gp + gz) nu_t"
    )
    conducts = np.isfinite(weak.beta)
    add("beta", tag, formula, weak.beta, beta, blur < 0.1 and conducts, text)
    add("damping", tag, "pi [2 gz nu_u nu_d + gp (nu_u^2 + nu_d^2)]", weak.damping, damping,
        blur < 0.1, text)
    half = bool(result.dos.min() < 1e-3 * max(total, 1e-300)) and not nothing
    add("beta", "half-metal", "(2 pi/M) gp nu (fixed axis)", 2 * np.pi * gp * total / m,
        beta, half and axis == "fixed" and blur < 0.1, "one spin only at the Fermi level"
        if half else "both spins at the Fermi level")
    small = m < 0.1 * abs(chemical_potential - band.bottom)
    alpha = ratio(result.damping, result.spin_renormalisation)
    add("beta", "small splitting", "beta = A/dS (alpha of the electrons alone)", alpha, beta,
        small and isotropic, f"M is {m / abs(chemical_potential - band.bottom):.2g} of the "
        "Fermi energy")
    return sorted(found, key=lambda limit: not limit.applies)


def _real_difference(band, result, mu, m) -> NDArray:
    z = np.stack([mu + m - result.self_energy[0], mu - m - result.self_energy[1]])
    g = band.green(z)[0].real
    return g[0] - g[1]


def decompose(
    band: Band,
    chemical_potential: ArrayLike,
    half_splitting: ArrayLike,
    impurities: ImpurityStrengths,
    *,
    thermal_energy: float = 0.0,
    axis: Axis = "fixed",
) -> dict[str, dict[str, NDArray]]:
    """Why each coefficient is what it is.

    Returns
    -------
    dict
        For "beta", "damping", "spin_renormalisation" and "adiabatic", a dict with

        total : the coefficient;
        surface, sea : its Fermi-surface (RA) and Fermi-sea (RR) parts;
        without_vertex, vertex : the bare bubbles, and what ladders add;
        nonmagnetic : the value with spinless impurities of the same total strength;
        magnetic : the rest, due to scattering that sees the spin.

        Each pair adds up to the total.  Parts of beta are parts of Jna over the full Jad, with
        `without_vertex` and `nonmagnetic` the ratio of their own Jna and Jad.
    """
    args = (band, chemical_potential, half_splitting)

    def solved(strengths: ImpurityStrengths, vertex: bool = True) -> Coefficients:
        return coefficients(
            *args, strengths, thermal_energy=thermal_energy, axis=axis, vertex=vertex
        )

    return compare(
        solved(impurities), solved(impurities, vertex=False), solved(impurities.without_spin())
    )


def compare(
    full: Coefficients, bare: Coefficients, spinless: Coefficients
) -> dict[str, dict[str, NDArray]]:
    """The same from three results: full, without ladders, with spinless impurities."""
    found = {}
    for name, stem in (
        ("damping", "damping"), ("spin_renormalisation", "spin"), ("adiabatic", "adiabatic"),
    ):
        found[name] = _pairs(
            getattr(full, name), full.parts[f"{stem}_surface"], getattr(bare, name),
            getattr(spinless, name),
        )
    surface = ratio(full.parts["nonadiabatic_surface"], full.adiabatic)
    found["beta"] = _pairs(full.beta, surface, bare.beta, spinless.beta)
    return found


def _pairs(total, surface, bare, nonmagnetic) -> dict[str, NDArray]:
    return {
        "total": total,
        "surface": surface,
        "sea": total - surface,
        "without_vertex": bare,
        "vertex": total - bare,
        "nonmagnetic": nonmagnetic,
        "magnetic": total - nonmagnetic,
    }
