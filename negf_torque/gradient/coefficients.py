"""The four coefficients of a textured ferromagnet, one band, vertex corrections included.

Electrons H = eps_k - M n(r, t).sigma in short-range disorder feel, to first order in the time
derivative and in the gradient of n and in the force F = -e E, the torque per volume

    M <sigma> x n = dS d_t n + A n x d_t n + sum_j F_j [ Jad d_j n + Jna n x d_j n ]

(hbar = 1).  Its reaction acts on the local spins.  With the total spin S_tot = S_loc + dS,

    alpha = A/S_tot,   v_s = F Jad/S_tot,   beta = Jna/Jad,

in the Landau-Lifshitz-Gilbert equation for the magnetisation direction m = -n,

    d_t m = -gamma m x B + alpha m x d_t m - (v_s.grad) m + beta m x (v_s.grad) m.

Names: up is the majority spin, R and A retarded and advanced.  Every coefficient is the sum of a
Fermi-surface part (RA) and a Fermi-sea part (RR), and both are needed: without the second, beta
of a magnet without magnetic impurities would not vanish.  Derivation and signs:
docs/theory/gradient_expansion.md; H. Kohno, G. Tatara, J. Shibata, J. Phys. Soc. Jpn. 75,
113706 (2006); A. Shitade, arXiv:1708.03424.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.gradient.bands import Band, check_band
from negf_torque.gradient.born import ImpurityStrengths, solve_born
from negf_torque.gradient.energy_rules import EnergyRule, sea_rule, surface_rule
from negf_torque.gradient.terms import Axis, ratio, sea_terms, surface_terms
from negf_torque.greens.quadrature import adaptive_average

__all__ = ["Coefficients", "coefficients", "occupation"]


@dataclass(frozen=True)
class Coefficients:
    """Coefficients and the Fermi-level properties they belong to.

    Arrays have the broadcast shape of the arguments; spin-resolved ones carry axis 0 (up, down).
    Lengths in nm and energies in eV make the densities below 1/nm^d (per site on a lattice).

    Attributes
    ----------
    self_energy, dos : (2, ...)
        At the chemical potential (eV; states per eV and volume).
    lifetime : (2, ...)
        hbar/(2 |Im Sigma|) over hbar: 1/eV.
    conductivity : (2, ...)
        sigma_s/e^2 (hbar = 1).
    mean_free_path : (2, ...)
        Root-mean-square Fermi velocity times lifetime, nm; nan outside the band.
    spin_renormalisation, damping : (...)
        dS and A, spins of hbar per volume.
    adiabatic, nonadiabatic : (...)
        Jad and Jna.
    parts : dict
        damping_surface, damping_sea, spin_surface, spin_sea, adiabatic_surface, adiabatic_sea,
        nonadiabatic_surface, nonadiabatic_sea: they add up to the coefficients.
    """

    self_energy: NDArray
    dos: NDArray
    lifetime: NDArray
    conductivity: NDArray
    mean_free_path: NDArray
    spin_renormalisation: NDArray
    damping: NDArray
    adiabatic: NDArray
    nonadiabatic: NDArray
    parts: dict[str, NDArray]
    residual: float

    @property
    def beta(self) -> NDArray:
        """Jna/Jad; nan where no current is polarised (Jad = 0 but for rounding)."""
        return np.where(self._is_polarised, ratio(self.nonadiabatic, self.adiabatic), np.nan)

    @property
    def _is_polarised(self) -> NDArray:
        up, down = self.conductivity
        return np.abs(self.adiabatic) > 1e-11 * (up + down)

    @property
    def polarisation(self) -> NDArray:
        """P = (sigma_up - sigma_down)/(sigma_up + sigma_down); nan where nothing conducts."""
        up, down = self.conductivity
        return ratio(up - down, up + down)

    @property
    def adiabatic_ratio(self) -> NDArray:
        """Jad over (sigma_up - sigma_down)/(2 e^2): 1 when spin is conserved."""
        up, down = self.conductivity
        return np.where(self._is_polarised, ratio(self.adiabatic, (up - down) / 2), np.nan)

    def alpha(self, local_spin: ArrayLike) -> NDArray:
        """Gilbert damping A/(S_loc + dS), S_loc in spins of hbar per volume."""
        return ratio(self.damping, np.asarray(local_spin, float) + self.spin_renormalisation)


def coefficients(
    band: Band,
    chemical_potential: ArrayLike,
    half_splitting: ArrayLike,
    impurities: ImpurityStrengths,
    *,
    thermal_energy: float = 0.0,
    axis: Axis = "fixed",
    vertex: bool = True,
    surface: EnergyRule | None = None,
    sea: EnergyRule | None = None,
) -> Coefficients:
    """All coefficients of one band, exact within the self-consistent Born approximation.

    Parameters
    ----------
    band : Band
    chemical_potential, half_splitting : array_like
        mu and M > 0, eV; broadcast with the strengths.
    impurities : ImpurityStrengths
    thermal_energy : float
        k_B T in eV, one for all elements.
    axis : {"fixed", "following"}
        Uniaxial impurity moments (gz != gp) point along an axis fixed in space, or follow the
        local magnetisation of a static texture.  Isotropic moments: the same.  Impurity spins
        are always frozen in time.
    vertex : bool
        False leaves out the ladder (vertex) corrections, to show what they do; the result then
        violates spin conservation.
    surface, sea : EnergyRule, optional
        Replace the energy integrations, e.g. to check that results do not depend on them.

    Returns
    -------
    Coefficients

    Raises
    ------
    ValueError
        If the band is none, M <= 0, the temperature is negative, or the axis is unknown.
    ArithmeticError
        If the self-consistency fails.

    Examples
    --------
    >>> from negf_torque.gradient.bands import parabolic
    >>> c = coefficients(parabolic(), 1.0, 0.3, ImpurityStrengths.isotropic(0.7, 0.05))
    >>> round(float(c.beta), 10), round(float(c.damping), 12)
    (0.1476045562, 0.003052592612)
    """
    check_band(band)
    if not isinstance(impurities, ImpurityStrengths):
        raise ValueError(f"impurities: {impurities!r}; give ImpurityStrengths.")
    if np.iscomplexobj(chemical_potential) or not np.all(np.isfinite(chemical_potential)):
        raise ValueError(f"chemical_potential: {chemical_potential!r} is not a real energy.")
    m = np.asarray(half_splitting, float)
    if not np.all(m > 0):
        raise ValueError(f"half_splitting: {m.min()} is not a ferromagnet's. Give M > 0.")
    if not (np.isfinite(thermal_energy) and thermal_energy >= 0):
        raise ValueError(f"thermal_energy: {thermal_energy!r} eV. Give k_B T, 0 or more.")
    if axis not in ("fixed", "following"):
        raise ValueError(f"axis: {axis!r}. Expected 'fixed' or 'following'.")
    full = np.broadcast_arrays(
        np.asarray(chemical_potential, float), m, impurities.nonmagnetic,
        impurities.longitudinal, impurities.transverse,
    )
    shape = full[0].shape
    columns = [a.reshape(-1) for a in full]
    # blocks that stay in the cache: parameter maps have 10^4 elements times 50 energies
    block = 256 if thermal_energy == 0 else 64
    pieces = [
        _block(band, [a[i : i + block, None] for a in columns], thermal_energy, axis, vertex,
               surface, sea)
        for i in range(0, max(len(columns[0]), 1), block)
    ]
    joined = {
        name: np.concatenate([p[name] for p in pieces], axis=-1) for name in pieces[0]
    }
    return _assemble({
        name: value.reshape((*value.shape[:-1], *shape)) for name, value in joined.items()
    })


def _block(band, columns, thermal_energy, axis, vertex, surface, sea) -> dict[str, NDArray]:
    """Energy integrals of a block of parameters, (block, 1) each."""
    mu, m, gi, gz, gp = columns
    impurities = ImpurityStrengths(gi, gz, gp)
    thermal = surface is None and thermal_energy > 0
    surface = EnergyRule(np.zeros(1), np.ones(1)) if surface is None else surface
    strength = impurities.same_spin + impurities.other_spin
    floor = band.lower_bound(strength) - m
    room = 0.2 * np.maximum(mu - floor, m) + np.sqrt(strength) / 4
    sea = sea or sea_rule(thermal_energy, np.maximum(mu - floor, 0)[:, 0] + room[:, 0])
    count = len(surface.offset)
    offsets = np.broadcast_arrays(mu, sea.offset)[1]
    energies = np.concatenate([mu + surface.offset, mu + offsets], axis=-1)
    both = solve_born(band, energies, m, impurities)
    solution, below = both.part(slice(None, count)), both.part(slice(count, None))

    if thermal:
        result = _thermal_average(band, columns, thermal_energy, axis, vertex)
    else:
        at_surface = surface_terms(band, solution, m, impurities, axis, vertex)
        result = {name: (surface.weight * value).sum(-1) for name, value in at_surface.items()}
    for name, value in sea_terms(band, below, m, impurities, axis, vertex).items():
        result[name + "_sea"] = (sea.weight * value).sum(-1).imag

    level = solution if count == 1 else solve_born(band, mu, m, impurities)
    z = level.z[..., 0]
    result |= {
        "self_energy": level.self_energy[..., 0],
        "g": level.g[..., 0],
        "square_velocity": band.dimension * -band.velocity(z)[0].imag / np.pi,
        "residual": both.residual.max(-1),
    }
    return result


def _thermal_average(band, columns, thermal_energy, axis, vertex) -> dict[str, NDArray]:
    """int(-f') of the Fermi-surface terms, refined until halving the step changes nothing.

    What does not settle, because a band edge or a level width is narrow on the scale of the
    temperature, is integrated adaptively, one element at a time.
    """
    found: dict[str, NDArray] = {}
    left = np.arange(len(columns[0]))
    for spacing in (0.5, 0.25, 0.125):
        mu, m, gi, gz, gp = (c[left] for c in columns)
        impurities = ImpurityStrengths(gi, gz, gp)
        rule = surface_rule(thermal_energy, spacing)
        terms = surface_terms(
            band, solve_born(band, mu + rule.offset, m, impurities), m, impurities, axis, vertex
        )
        settled = np.ones(len(left), bool)
        for name, value in terms.items():
            fine = (rule.weight * value).sum(-1)
            # every other node, which include E = mu or its neighbours
            coarse = (rule.weight[::2] * value[:, ::2]).sum(-1) / rule.weight[::2].sum()
            size = (rule.weight * np.abs(value)).sum(-1)
            settled &= np.abs(fine - coarse) <= 1e-8 * size
            found.setdefault(name, np.empty(len(columns[0]), fine.dtype))[left] = fine
        left = left[~settled]
        if not len(left):
            return found
    for i in left:
        one = _adaptive_average(band, [c[i : i + 1] for c in columns], thermal_energy, axis, vertex)
        for name, scalar in one.items():
            found[name][i] = scalar
    return found


def _adaptive_average(band, columns, thermal_energy, axis, vertex) -> dict[str, complex]:
    """The same for one element, in the variable t = tanh((E - mu)/2T), where -f' dE = dt/2."""
    mu, m, gi, gz, gp = columns
    impurities = ImpurityStrengths(gi, gz, gp)
    names: dict[str, bool] = {}

    def integrand(t: NDArray) -> NDArray:
        energy = mu + 2 * thermal_energy * np.arctanh(t[:, 0])[None]
        terms = surface_terms(
            band, solve_born(band, energy, m, impurities), m, impurities, axis, vertex
        )
        columns = []
        for name, value in terms.items():
            names[name] = np.iscomplexobj(value)
            columns += [value[0].real, value[0].imag] if names[name] else [value[0]]
        return np.stack(columns, axis=1)

    # beyond 35 T the weight is 1e-15
    end = 1 - 2**-50
    result = adaptive_average(
        integrand, [[-end, end]], rtol=1e-9,
        scale=lambda size: np.maximum(size, 1e-6 * size.max()),
    )
    values = iter(result.value)
    return {
        name: next(values) + 1j * next(values) if is_complex else next(values)
        for name, is_complex in names.items()
    }


def _assemble(total: dict[str, NDArray]) -> Coefficients:
    """Name the integrals, and derive lifetimes and mean free paths."""
    parts = {
        "damping_surface": total["damping_ra"],
        "damping_sea": total["damping_rr"],
        "spin_surface": total["spin_ra"],
        "spin_sea": total["spin_sea"],
        "adiabatic_surface": total["current_ra"].real,
        "adiabatic_sea": np.zeros_like(total["current_rr"]),
        "nonadiabatic_surface": total["current_ra"].imag,
        "nonadiabatic_sea": total["current_rr"] + total.get("current_sea", 0.0),
    }
    g, width = total["g"], -total["self_energy"].imag
    dos = -g.imag / np.pi
    inside = dos > 1e-12 * np.abs(g)
    lifetime = ratio(np.where(inside, 0.5, np.nan), width)
    square = np.where(inside, np.maximum(total["square_velocity"], 0), np.nan)
    speed = np.sqrt(ratio(square, np.where(inside, dos, 1.0)))
    return Coefficients(
        self_energy=total["self_energy"],
        dos=dos,
        lifetime=lifetime,
        conductivity=np.stack([total["sigma_up"], total["sigma_down"]]),
        mean_free_path=speed * lifetime,
        spin_renormalisation=parts["spin_surface"] + parts["spin_sea"],
        damping=parts["damping_surface"] + parts["damping_sea"],
        adiabatic=parts["adiabatic_surface"] + parts["adiabatic_sea"],
        nonadiabatic=parts["nonadiabatic_surface"] + parts["nonadiabatic_sea"],
        parts=parts,
        residual=float(total["residual"].max(initial=0.0)),
    )


def occupation(
    band: Band, chemical_potential: float, half_splitting: float, impurities: ImpurityStrengths
) -> NDArray:
    """Difference n_up - n_down of the occupations at T = 0, by an integral over the Fermi sea.

    Parameters are scalars; the path starts below every band.

    Examples
    --------
    >>> from negf_torque.gradient.bands import parabolic
    >>> n = occupation(parabolic(), 1.0, 0.3, ImpurityStrengths(0.5))
    >>> round(float(n) / 2, 11)
    0.02137700551
    """
    check_band(band)
    strength = float(np.sum(impurities.same_spin + impurities.other_spin))
    width = chemical_potential - float(band.lower_bound(strength)) + half_splitting
    if width <= 0:
        return np.zeros(())
    rule = sea_rule(0.0, 1.2 * width + np.sqrt(strength) / 4, 96)
    s = solve_born(band, chemical_potential + rule.offset, half_splitting, impurities)
    return -np.sum(rule.weight * (s.g[0] - s.g[1])).imag / np.pi
