"""Self-consistent Born approximation of one exchange-split band.

Short-range impurities, frozen in time, of strength (variance per volume)

    gi = n_i u^2,  gz = n_s u_s^2 <S_z^2>,  gp = n_s u_s^2 <S_x^2> = n_s u_s^2 <S_y^2>,

z along the magnetisation, give each spin a local self-energy

    Sigma_s = (gi + gz) g(z_s) + 2 gp g(z_-s),      z_s = E + s M - Sigma_s.

The map z -> E + s M - Sigma(z) takes the upper half plane into itself, so that for Im E > 0
there is one solution there, and its limit on the real axis is the retarded one.  Newton's
method finds it in a few steps; whenever a step would leave the half plane, the map itself takes
its place, and what does not settle is followed down from Im E > 0, where everything is smooth.
On the real axis outside the bands several real roots exist, of which the retarded limit is the
one where the map is a contraction: that is checked.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.gradient.bands import Band

__all__ = ["BornSolution", "ImpurityStrengths", "solve_born"]


@dataclass(frozen=True)
class ImpurityStrengths:
    """Strengths gi, gz, gp of the disorder; arrays broadcast.

    Attributes
    ----------
    nonmagnetic, longitudinal, transverse : array_like
        gi, gz (spin component along the axis) and gp (each of the two across); energy^2 times
        volume, eV^2 nm^d, or eV^2 per site on a lattice.

    Examples
    --------
    Isotropic moments flip a spin twice as often as they keep it:

    >>> moments = ImpurityStrengths.isotropic(0.0, 0.05)
    >>> float(moments.same_spin), float(moments.other_spin)
    (0.05, 0.1)
    """

    nonmagnetic: Any = 0.0
    longitudinal: Any = 0.0
    transverse: Any = 0.0

    def __post_init__(self) -> None:
        for name in ("nonmagnetic", "longitudinal", "transverse"):
            value = np.asarray(getattr(self, name), float)
            if not np.all(np.isfinite(value)) or np.any(value < 0):
                raise ValueError(
                    f"{name}: {value.min() if value.size else value} is not an impurity "
                    "strength. Give a variance, 0 or more."
                )
            object.__setattr__(self, name, value)

    @classmethod
    def isotropic(cls, nonmagnetic: ArrayLike, magnetic: ArrayLike = 0.0) -> "ImpurityStrengths":
        """gz = gp = gs: moments that point anywhere, n_s u_s^2 S^2/3 each component."""
        return cls(nonmagnetic, magnetic, magnetic)

    @property
    def same_spin(self) -> NDArray:
        """gi + gz: scattering that keeps the spin."""
        return self.nonmagnetic + self.longitudinal

    @property
    def other_spin(self) -> NDArray:
        """2 gp: scattering that flips it."""
        return 2 * self.transverse

    def without_spin(self) -> "ImpurityStrengths":
        """Spinless impurities with the same total strength gi + gz + 2 gp."""
        return ImpurityStrengths(self.same_spin + self.other_spin)


@dataclass(frozen=True)
class BornSolution:
    """The renormalised band energies and what follows from them; axis 0 is spin (up, down).

    Attributes
    ----------
    energy : (...) complex
    z : (2, ...) complex
        E + s M - Sigma_s, Im z >= Im E.
    g, slope : (2, ...) complex
        g(z_s) and g'(z_s) (derivative at fixed self-energy).
    self_energy : (2, ...) complex
    residual : (...) float
        Largest |z_s - E - s M + Sigma_s|.
    """

    energy: NDArray
    z: NDArray
    g: NDArray
    slope: NDArray
    self_energy: NDArray
    residual: NDArray
    same: NDArray
    other: NDArray

    def part(self, section: slice) -> "BornSolution":
        """The same solution at a section of its last axis."""
        return BornSolution(
            self.energy[..., section], self.z[..., section], self.g[..., section],
            self.slope[..., section], self.self_energy[..., section],
            self.residual[..., section], self.same[..., section], self.other[..., section],
        )

    @property
    def dos(self) -> NDArray:
        """States per energy of each spin, (2, ...)."""
        return -self.g.imag / np.pi

    @property
    def total_slope(self) -> NDArray:
        """d g_s/dE along the solution, (2, ...), the change of the self-energy included."""
        u, d = self.slope
        determinant = (1 + self.same * u) * (1 + self.same * d) - self.other**2 * u * d
        dz_u = (1 + self.same * d - self.other * d) / determinant
        dz_d = (1 + self.same * u - self.other * u) / determinant
        return np.stack([u * dz_u, d * dz_d])


def solve_born(
    band: Band,
    energy: ArrayLike,
    half_splitting: ArrayLike,
    impurities: ImpurityStrengths,
    tolerance: float = 1e-13,
) -> BornSolution:
    """Solve for the retarded self-energies; every argument broadcasts.

    Parameters
    ----------
    band : Band
    energy : (...)
        Real (retarded limit) or complex with Im E > 0, eV.
    half_splitting : (...)
        M >= 0, half the splitting of the two spins, eV.
    impurities : ImpurityStrengths
    tolerance : float
        On the residual, relative to the largest energy in the problem.

    Returns
    -------
    BornSolution

    Raises
    ------
    ValueError
        If M is negative or Im E is.
    ArithmeticError
        If an element does not converge: no number is returned for a point that is not solved.

    Examples
    --------
    >>> from negf_torque.gradient.bands import parabolic
    >>> s = solve_born(parabolic(), 1.0, 0.3, ImpurityStrengths.isotropic(0.7, 0.05))
    >>> s.self_energy.round(10)
    array([0.01788432-0.21049275j, 0.01892977-0.16589887j])
    """
    m = np.asarray(half_splitting, float)
    if not np.all(np.isfinite(m)) or np.any(m < 0):
        raise ValueError(
            f"half_splitting: {m.min()} is not an exchange splitting. M >= 0; the majority spin is "
            "'up' by definition."
        )
    e = np.asarray(energy, complex)
    if np.any(e.imag < 0):
        raise ValueError("energy: Im E < 0. Retarded functions live in the upper half plane.")
    e, m, same, other = np.broadcast_arrays(e, m, impurities.same_spin, impurities.other_spin)
    shape = e.shape
    e, m, same, other = (np.atleast_1d(a).ravel() for a in (e, m, same, other))
    target = np.stack([e + m, e - m])
    z, g, slope, residual, good = _newton(band, target, same, other, None, tolerance)
    if not good.all():
        bad = np.flatnonzero(~good)
        fixed = _follow_down(band, target[:, bad], same[bad], other[bad], tolerance)
        for whole, part in zip((z, g, slope), fixed[:3], strict=True):
            whole[:, bad] = part
        residual[bad] = fixed[3]
        if not fixed[4].all():
            worst = bad[np.argmin(fixed[4])]
            raise ArithmeticError(
                f"self-consistent Born equation not converged at energy {e[worst]:.6g}, exchange "
                f"{m[worst]:.6g}, strengths {same[worst]:.4g} and {other[worst]:.4g} "
                f"(residual {residual[worst]:.2g})"
            )
    self_energy = same * g + other * g[::-1]
    return BornSolution(
        energy=e.reshape(shape),
        z=z.reshape(2, *shape),
        g=g.reshape(2, *shape),
        slope=slope.reshape(2, *shape),
        self_energy=self_energy.reshape(2, *shape),
        residual=residual.reshape(shape),
        same=same.reshape(shape),
        other=other.reshape(shape),
    )


def _newton(band, target, same, other, start, tolerance, steps=40):
    """Newton's method with the fixed-point map as fall-back; all elements at once."""
    scale = 1 + np.abs(target).max(axis=0)
    z = _first_guess(band, target, same, other) if start is None else start
    floor = target.imag.min(axis=0)
    previous = np.full(scale.shape, np.inf)
    for _ in range(steps):
        g, slope = band.green(z)
        mapped = target - same * g - other * g[::-1]
        force = z - mapped
        residual = np.abs(force).max(axis=0)
        stalled = (residual >= 0.5 * previous) & (residual <= 10 * tolerance * scale)
        if np.all((residual <= 0.05 * tolerance * scale) | stalled):
            break
        previous = residual
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            diagonal, cross = 1 + same * slope, other * slope
            determinant = diagonal[0] * diagonal[1] - cross[0] * cross[1]
            step = (diagonal[::-1] * force - cross[::-1] * force[::-1]) / determinant
        new = z - step
        # outside the bands the solution is real: rounding must not count as acausal
        grazing = (new.imag < floor) & (new.imag > floor - 1e-9 * scale)
        new = np.where(grazing, new.real + 1j * floor, new)
        causal = np.all(np.isfinite(new) & (new.imag >= floor), axis=0)
        # Far from the solution Newton may run away; the map never does.
        causal &= np.abs(step).max(axis=0) < 2 * scale
        # averaging two iterates of the map damps its oscillation in strong disorder
        z = np.where(causal, new, (z + mapped) / 2)
    good = (residual <= 1e-12 * scale) & _is_retarded(z, slope, floor, same, other)
    return z, g, slope, residual, good


def _first_guess(band, target, same, other):
    """A causal start: two damped sweeps of the map from a broadened clean band."""
    width = np.sqrt(same + other)
    z = target + 0.5j * np.minimum(width, 1.0)
    for _ in range(2):
        g, _ = band.green(z)
        z = (z + target - same * g - other * g[::-1]) / 2
    return z


def _is_retarded(z, slope, floor, same, other):
    """True where a solution on the real axis is the limit from above.

    A solution with Im z > 0 is unique.  A real one must be a contraction of the map: the
    spectral radius of the matrix of -same g', -other g' at most 1.
    """
    real = (z.imag <= 1e-11 * (1 + np.abs(z))) & (floor == 0)
    # at a clean band edge the slope is infinite
    weight = np.minimum(np.nan_to_num(np.abs(slope), nan=np.inf), 1e150) * (1 - 1e-9)
    # with spin flips both spins share one spectrum; without, each has its own
    alone = ~real | (same * weight <= 1)
    trace = same * (weight[0] + weight[1])
    determinant = (same**2 - other**2) * weight[0] * weight[1]
    radius = trace / 2 + np.sqrt(np.maximum(trace**2 / 4 - determinant, 0))
    return np.where(other > 0, ~np.all(real, axis=0) | (radius <= 1), np.all(alone, axis=0))


def _follow_down(band, target, same, other, tolerance):
    """Solve at Im E = eta for falling eta, each solution the start of the next."""
    eta = 1.0 + float(np.sqrt(same + other).max(initial=0))
    z = target + 1j * eta
    for _ in range(60):
        shifted = target + 1j * eta
        z, *_ = _newton(band, shifted, same, other, np.where(
            z.imag >= shifted.imag, z, shifted), tolerance)
        if eta < 1e-13:
            break
        eta *= 0.3
    return _newton(band, target, same, other, z, tolerance, steps=200)
