"""The universal route: a magnet with a spiral texture, at finite pitch and in full spin space.

A helix or cone n(x) = R_z(q x) n', n' = (sin theta, 0, cos theta), becomes uniform in the frame
that turns with it: spin up (along the axis) moves with k - q/2, spin down with k + q/2,

    H' = diag(H(k - q/2), H(k + q/2)) - M n'.sigma,

and its torque in a field F along x is that of the formulas, T = F q sin(theta) [Jad e1 + Jna e2]
with e1 = z x n'/sin(theta) and e2 = n' x e1, up to order q^3.  The linear response to F is taken
without any expansion in q and without any assumption on the symmetry of the lattice: the
self-energies and ladders are matrices in spin space, the Fermi surface has its RA ladder, the
Fermi sea the response of the equilibrium torque to the field.  It checks the formulas, and
replaces them where sites are not inversion centres.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.crystal import Crystal, Zone
from negf_torque.gradient.energy_rules import sea_rule
from negf_torque.spin import SIGMA

__all__ = ["FreeWire", "SpiralResult", "spiral_coefficients"]


class Space(Protocol):
    """What is needed of a band: H(k), its velocity, and a zone average."""

    @property
    def orbitals(self) -> int: ...
    def hamiltonian(self, k: NDArray) -> NDArray: ...
    def velocity(self, k: NDArray) -> NDArray: ...
    def average(self, integrand: Callable[[NDArray], NDArray]) -> NDArray: ...


@dataclass(frozen=True)
class FreeWire:
    """The one-dimensional parabolic band eps = k^2/(2 m); k integrals by k = sinh(u)."""

    mass: float = 1.0
    step: float = 0.02
    orbitals: int = 1

    def hamiltonian(self, k: NDArray) -> NDArray:
        """k^2/2m at k (points, 1): (points, 1, 1)."""
        return (k[:, :1, None] ** 2) / (2 * self.mass)

    def velocity(self, k: NDArray) -> NDArray:
        """k/m at k (points, 1): (points, 1, 1)."""
        return k[:, :1, None] / self.mass

    def average(self, integrand: Callable[[NDArray], NDArray]) -> NDArray:
        """int dk/2 pi by the trapezoidal rule in u, k = sinh u."""
        u = self.step * np.arange(-int(40 / self.step), int(40 / self.step) + 1)
        return np.cosh(u) * self.step / (2 * np.pi) @ integrand(np.sinh(u)[:, None])


@dataclass(frozen=True)
class _Lattice:
    """A crystal on a uniform mesh; mirrors across x do not survive the pitch."""

    crystal: Crystal
    size: int

    @property
    def orbitals(self) -> int:
        return self.crystal.orbitals

    def hamiltonian(self, k: NDArray) -> NDArray:
        return self.crystal.hamiltonian(k)

    def velocity(self, k: NDArray) -> NDArray:
        return self.crystal.velocity(k)

    def average(self, integrand: Callable[[NDArray], NDArray]) -> NDArray:
        crystal = self.crystal
        plain = _Plain(
            crystal.lattice, crystal.displacements, crystal.hoppings, crystal.half_splitting
        )
        return Zone(plain, self.size).over_k(integrand)


class _Plain(Crystal):
    """A crystal whose mirror planes are not used along x."""

    @cached_property
    def mirrors(self) -> tuple[bool, ...]:
        return (False, *super().mirrors[1:])


@dataclass(frozen=True)
class SpiralResult:
    """Jad and Jna per cell in the limit of a long pitch, and their values at each pitch.

    Attributes
    ----------
    adiabatic, nonadiabatic : float
    adiabatic_surface, nonadiabatic_surface : float
        The Fermi-surface (window) parts.
    error : float
        Change of the extrapolation when the shortest pitch is left out.
    wave_numbers : (count,)
    values : (count, 2, 2)
        (pitch, total or surface, adiabatic or nonadiabatic).
    """

    adiabatic: float
    nonadiabatic: float
    adiabatic_surface: float
    nonadiabatic_surface: float
    error: float
    wave_numbers: NDArray
    values: NDArray

    @property
    def beta(self) -> float:
        """Jna/Jad."""
        return self.nonadiabatic / self.adiabatic


class _Helix:
    """The magnet in its turning frame: Green's functions, ladders, responses."""

    def __init__(
        self, space: Space, half_splitting: ArrayLike, impurities: ImpurityStrengths,
        cone: float, q: float, axis: str,
    ) -> None:  # fmt: skip
        self.space, self.q = space, q
        self.n = n = space.orbitals
        self.direction = np.array([np.sin(cone), 0.0, np.cos(cone)])
        m = np.broadcast_to(np.asarray(half_splitting, float), (n,))
        self.half_splitting = m
        spin = np.einsum("a,aij->ij", self.direction, SIGMA)
        self.zeeman = -m[:, None, None] * spin  # (n, 2, 2)
        across = np.eye(3) - np.outer(self.direction, self.direction)
        along = np.outer(self.direction, self.direction)
        if axis == "fixed":
            along, across = np.diag([0.0, 0, 1]), np.diag([1.0, 1, 0])
        gi, gz, gp = (
            np.broadcast_to(v, (n,))
            for v in (impurities.nonmagnetic, impurities.longitudinal, impurities.transverse)
        )
        tensor = gz[:, None, None] * along + gp[:, None, None] * across
        #: S[g]_(a s s') = sum_t S_a[ss', tt'] g_(a t t')
        self.superoperator = np.einsum(
            "a,st,uv->asutv", gi, np.eye(2), np.eye(2)
        ) + np.einsum("aij,ist,jvu->asutv", tensor, SIGMA, SIGMA)
        self.superoperator = self.superoperator.reshape(n, 4, 4)

    def dress(self, local: NDArray) -> NDArray:
        """S applied to local matrices (n, 2, 2)."""
        flat = local.reshape(self.n, 4)
        return np.einsum("aij,aj->ai", self.superoperator, flat).reshape(self.n, 2, 2)

    def rung(self) -> NDArray:
        """S as a matrix over (a, s, s')."""
        full = np.zeros((self.n, 4, self.n, 4), complex)
        index = np.arange(self.n)
        full[index, :, index, :] = self.superoperator
        return full.reshape(4 * self.n, 4 * self.n)

    def blocks(self, k: NDArray) -> tuple[NDArray, NDArray]:
        """H and v without exchange, (points, n, 2, n, 2)."""
        shift = np.zeros(k.shape[1])
        shift[0] = self.q / 2
        h = np.zeros((len(k), self.n, 2, self.n, 2), complex)
        v = np.zeros_like(h)
        for spin, sign in ((0, -1), (1, 1)):
            h[:, :, spin, :, spin] = self.space.hamiltonian(k + sign * shift)
            v[:, :, spin, :, spin] = self.space.velocity(k + sign * shift)
        return h, v

    def propagator(self, h: NDArray, energy: complex, sigma: NDArray) -> NDArray:
        """(points, 2n, 2n) with index (a, s)."""
        matrix = -h.copy()
        index = np.arange(self.n)
        onsite = energy * np.eye(2) - self.zeeman - sigma
        matrix[:, index, :, index, :] += onsite[:, None]
        return np.linalg.inv(matrix.reshape(len(h), 2 * self.n, 2 * self.n))

    def local(self, energy: complex, sigma: NDArray) -> tuple[NDArray, NDArray]:
        """g (n, 2, 2) and X^RR (4n, 4n)."""

        def integrand(k: NDArray) -> NDArray:
            g = self.propagator(self.blocks(k)[0], energy, sigma)
            return np.concatenate([self.diagonal(g), self.pair(g, g)], axis=1)

        value = self.space.average(integrand)
        return value[: 4 * self.n].reshape(self.n, 2, 2), value[4 * self.n :].reshape(
            4 * self.n, 4 * self.n
        )

    def diagonal(self, g: NDArray) -> NDArray:
        """Local part, (points, 4n)."""
        g = g.reshape(len(g), self.n, 2, self.n, 2)
        return np.einsum("kasat->kast", g).reshape(len(g), -1)

    def pair(self, left: NDArray, right: NDArray) -> NDArray:
        """X with (int G1 V G2)_(a s s') = X V, (points, (4n)^2)."""
        count = len(left)
        left = left.reshape(count, self.n, 2, self.n, 2)
        right = right.reshape(count, self.n, 2, self.n, 2)
        return np.einsum("kasbt,kbuav->kasvbtu", left, right).reshape(count, -1)

    def solve(self, energy: complex, sigma: NDArray, tolerance: float) -> tuple:
        """Newton's method for the self-energy (n, 2, 2)."""
        rung = self.rung()
        for _ in range(60):
            g, pairs = self.local(energy, sigma)
            force = sigma - self.dress(g)
            if np.abs(force).max() < tolerance:
                return sigma, g, pairs
            step = np.linalg.solve(np.eye(4 * self.n) - rung @ pairs, force.ravel())
            new = sigma - step.reshape(sigma.shape)
            width = 0.5j * (new - new.conj().swapaxes(1, 2))
            # the anti-Hermitian part of a retarded self-energy is negative
            causal = np.linalg.eigvalsh(width).min() >= -1e-9
            sigma = new if causal else (sigma + self.dress(g)) / 2
        raise ArithmeticError(f"self-consistent Born equation not converged at {energy:.6g}")

    def torque(self, local: NDArray) -> NDArray:
        """M <sigma> x n' along e1 (adiabatic) and e2 (nonadiabatic)."""
        spin = np.einsum("iab,nba->ni", SIGMA, local.reshape(self.n, 2, 2))
        total = np.cross((self.half_splitting[:, None] * spin).sum(axis=0), self.direction)
        sine, cosine = self.direction[0], self.direction[2]
        return np.array([total[1], sine * total[2] - cosine * total[0]])

    def surface(self, energy: float, sigma: NDArray) -> NDArray:
        """Fermi-surface response to F: (2,) torques."""

        def integrand(k: NDArray) -> NDArray:
            h, v = self.blocks(k)
            retarded = self.propagator(h, energy, sigma)
            advanced = retarded.conj().swapaxes(1, 2)
            v = v.reshape(retarded.shape)
            return np.concatenate(
                [self.diagonal(retarded @ v @ advanced), self.pair(retarded, advanced)], axis=1
            )

        value = self.space.average(integrand)
        size = 4 * self.n
        source, pairs = value[:size], value[size:].reshape(size, size)
        matrix = np.eye(size) - pairs @ self.rung()
        # the charge mode has no source, and its amplitude is zero
        trace = np.tile(np.eye(2).ravel(), self.n)[None, :]
        ladder = np.linalg.lstsq(
            np.concatenate([matrix, trace]), np.append(source, 0), rcond=1e-11
        )[0]
        return self.torque(ladder).real / (2 * np.pi)

    def sea(self, energy: complex, sigma: NDArray, pairs: NDArray) -> NDArray:
        """Integrand of the Fermi-sea response: (2,) complex torques."""
        size = 4 * self.n
        rung = self.rung()
        identity = np.tile(np.eye(2).ravel(), self.n).astype(complex)
        # L_E = 1 - dSigma/dE, from dg/dE = -X L_E
        slope = np.linalg.solve(np.eye(size) - rung @ pairs, identity).reshape(self.n, 2, 2)
        blocks = np.zeros((self.n, 2, self.n, 2), complex)
        index = np.arange(self.n)
        blocks[index, :, index, :] = slope
        mass = blocks.reshape(2 * self.n, 2 * self.n)

        def integrand(k: NDArray) -> NDArray:
            h, v = self.blocks(k)
            g = self.propagator(h, energy, sigma)
            v = v.reshape(g.shape)
            by_energy, by_k = -g @ mass @ g, g @ v @ g
            return self.diagonal(-0.5j * g @ (mass @ by_k + v @ by_energy))

        source = self.space.average(integrand)
        return self.torque(np.linalg.solve(np.eye(size) - pairs @ rung, source))


def spiral_coefficients(
    space: Space | Crystal,
    chemical_potential: float,
    impurities: ImpurityStrengths,
    *,
    half_splitting: ArrayLike | None = None,
    size: int = 48,
    cone: float = np.pi / 2,
    wave_numbers: tuple[float, ...] = (0.02, 0.03, 0.04),
    axis: str = "following",
    bottom: float | None = None,
    contour_nodes: int = 24,
    tolerance: float = 1e-12,
) -> SpiralResult:
    """Jad and Jna at T = 0 from spirals of long pitch, extrapolated to zero wave number.

    Parameters
    ----------
    space : Crystal or Space
        A crystal is averaged on a uniform mesh of `size` points an axis.
    half_splitting : (n,), optional
        M of each orbital; a crystal brings its own.
    cone : float
        Angle between n and the axis of rotation; pi/2 is the planar spiral.
    wave_numbers : tuple of float
        q; the torque over q is extrapolated as a polynomial in q^2.
    axis : {"following", "fixed"}
        Uniaxial impurity moments turn with n, or point along the axis of rotation (which is
        the axis of n only for a narrow cone).
    bottom : float, optional
        An energy below all bands, for the contour; a crystal knows its own.

    Returns
    -------
    SpiralResult
    """
    if isinstance(space, Crystal):
        half_splitting = space.half_splitting if half_splitting is None else half_splitting
        bottom = space.edges[0] if bottom is None else bottom
    lattice = _Lattice(space, size) if isinstance(space, Crystal) else space
    if half_splitting is None or bottom is None:
        raise ValueError("half_splitting, bottom: give both for a space that is not a crystal.")
    strength = float(np.max(impurities.same_spin + impurities.other_spin))
    floor = bottom - np.max(half_splitting) - 2 * np.sqrt(strength)
    rule = sea_rule(0.0, 1.1 * (chemical_potential - floor) + np.sqrt(strength) / 4, contour_nodes)
    rows = []
    sigmas: list[NDArray] = []
    for q in wave_numbers:
        helix = _Helix(lattice, half_splitting, impurities, cone, q, axis)
        start = np.broadcast_to(-0.5j * np.sqrt(strength) * np.eye(2), (helix.n, 2, 2))
        if not sigmas:
            sigmas = [start] * (1 + contour_nodes)
        sigma, _, _ = helix.solve(complex(chemical_potential), sigmas[0], tolerance)
        sigmas[0] = sigma
        surface = helix.surface(chemical_potential, sigma)
        sea = np.zeros(2, complex)
        for i, (offset, weight) in enumerate(zip(rule.offset, rule.weight, strict=True)):
            energy = chemical_potential + offset
            begin = sigmas[i + 1]
            sigmas[i + 1], _, pairs = helix.solve(energy, begin, tolerance)
            sea = sea + weight * helix.sea(energy, sigmas[i + 1], pairs)
        total = surface - sea.imag / np.pi
        rows.append(np.stack([total, surface]) / (q * np.sin(cone)))
    return _extrapolate(np.array(wave_numbers), np.array(rows))


def _extrapolate(q: NDArray, values: NDArray) -> SpiralResult:
    """Polynomial in q^2 through all pitches, at q = 0."""

    def limit(count: int) -> NDArray:
        matrix = (q[:count, None] ** 2) ** np.arange(count)
        flat = np.linalg.solve(matrix, values[:count].reshape(count, -1))[0]
        return flat.reshape(values.shape[1:])

    best = limit(len(q))
    error = np.abs(best - limit(len(q) - 1)).max() if len(q) > 1 else np.nan
    (ad, na), (ad_surface, na_surface) = best
    return SpiralResult(
        float(ad), float(na), float(ad_surface), float(na_surface), float(error), q, values
    )
