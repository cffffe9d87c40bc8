"""A ferromagnetic crystal without spin-orbit coupling, and averages over its Brillouin zone.

H(k) = sum_R H_R exp(i k.R) acts on the orbitals of a cell and is the same for both spins; an
exchange field -M_a n.sigma splits every orbital.  Displacements R are true distances between
orbitals, so that dH/dk is the velocity.

Zone averages come in two kinds.  The uniform mesh converges like exp(-N |Im k|), |Im k| about
the inverse of twice the mean free path; the iterated adaptive quadrature costs a power of the
logarithm of the broadening and wins in clean systems.  Mirror planes that only change the signs
of orbitals are found and used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..greens.quadrature import adaptive_average

__all__ = ["Crystal", "Zone", "cubic_crystal"]

Integrand = Callable[[NDArray], NDArray]


@dataclass(frozen=True)
class Crystal:
    """Spin-independent hoppings and the exchange field of every orbital.

    Attributes
    ----------
    lattice : (d, d)
        Primitive vectors as rows, nm.
    displacements : (harmonics, d)
        R, nm, between the orbitals that the elements of `hoppings` connect.
    hoppings : (harmonics, n, n)
        H_R = <0|H|R>, eV, with H_(-R) = H_R^+ among them.
    exchange : (n,)
        M_a >= 0, half the splitting of orbital a, eV.

    Raises
    ------
    ValueError
        If H(k) is not Hermitian or not real (an orbital not at an inversion centre), shapes do
        not fit, or no orbital carries an exchange field.
    """

    lattice: NDArray
    displacements: NDArray
    hoppings: NDArray
    exchange: NDArray

    def __post_init__(self) -> None:
        lattice = np.atleast_2d(np.asarray(self.lattice, float))
        d = len(lattice)
        hoppings = np.asarray(self.hoppings, complex)
        displacements = np.asarray(self.displacements, float).reshape(-1, d)
        n = hoppings.shape[-1]
        exchange = np.broadcast_to(np.asarray(self.exchange, float), (n,))
        if hoppings.shape != (len(displacements), n, n):
            raise ValueError(
                f"hoppings: shape {hoppings.shape}, expected ({len(displacements)}, n, n)."
            )
        if np.any(exchange < 0) or not np.any(exchange > 0):
            raise ValueError(
                f"exchange: {exchange.tolist()} is not a ferromagnet. Give M >= 0 for every "
                "orbital, not all zero (the majority spin is 'up')."
            )
        for name, value in (
            ("lattice", lattice), ("displacements", displacements), ("hoppings", hoppings),
            ("exchange", exchange),
        ):
            object.__setattr__(self, name, value)
        probe = (0.3 + 0.4 * np.arange(2 * d).reshape(2, d)) @ np.linalg.inv(lattice).T * 2
        h = self.hamiltonian(probe)
        if not np.allclose(h, h.conj().swapaxes(-1, -2), atol=1e-10):
            raise ValueError("hoppings: not Hermitian. Give H_(-R) = H_R^+ with every H_R.")

    @property
    def orbitals(self) -> int:
        return self.hoppings.shape[-1]

    @property
    def dimension(self) -> int:
        return len(self.lattice)

    @property
    def volume(self) -> float:
        """Of the cell, nm^d."""
        return float(abs(np.linalg.det(self.lattice)))

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether H(k) is real and even in k: every orbital sits on an inversion centre."""
        probe = (0.31 + 0.27 * np.arange(3 * self.dimension)).reshape(3, -1)
        k = probe @ (2 * np.pi * np.linalg.inv(self.lattice).T)
        here, there = self.hamiltonian(k), self.hamiltonian(-k)
        return bool(np.abs(here.imag).max() < 1e-10 and np.allclose(here, there, atol=1e-10))

    def hamiltonian(self, k: NDArray) -> NDArray:
        """H(k) for Cartesian k (points, d): (points, n, n)."""
        return self._series(self.hoppings, k)

    def velocity(self, k: NDArray, axis: int = 0) -> NDArray:
        """dH/dk along a Cartesian axis, (points, n, n)."""
        return self._series(1j * self.displacements[:, axis, None, None] * self.hoppings, k)

    def _series(self, matrices: NDArray, k: NDArray) -> NDArray:
        n = self.orbitals
        phase = np.exp(1j * k @ self.displacements.T)
        return (phase @ matrices.reshape(len(matrices), n * n)).reshape(len(k), n, n)

    @cached_property
    def edges(self) -> tuple[float, float]:
        """Lowest and highest level without exchange, on a mesh, with a margin."""
        count = {1: 200, 2: 40, 3: 14}[self.dimension]
        axes = np.meshgrid(*[np.arange(count) / count] * self.dimension, indexing="ij")
        unit = np.stack([a.ravel() for a in axes], axis=1)
        levels = np.linalg.eigvalsh(
            self.hamiltonian(unit @ (2 * np.pi * np.linalg.inv(self.lattice).T))
        )
        margin = 0.02 * np.ptp(levels)
        return float(levels.min() - margin), float(levels.max() + margin)

    @cached_property
    def mirrors(self) -> tuple[bool, ...]:
        """Cartesian mirror planes k_i -> -k_i under which H changes by signs of orbitals only."""
        square = np.allclose(self.lattice, np.diag(np.diag(self.lattice)))
        return tuple(square and self._is_mirror(i) for i in range(self.dimension))

    def _is_mirror(self, axis: int) -> bool:
        probe = (0.37 + 0.83 * np.arange(4 * self.dimension)).reshape(4, -1) ** 1.1
        flipped = probe.copy()
        flipped[:, axis] *= -1
        here, there = self.hamiltonian(probe), self.hamiltonian(flipped)
        signs = np.zeros(self.orbitals)
        for start in range(self.orbitals):
            if signs[start]:
                continue
            signs[start] = 1
            queue = [start]
            while queue:
                a = queue.pop()
                size = np.abs(here[:, a]).max(axis=0)
                for b in np.flatnonzero((size > 1e-10) & (signs == 0)):
                    point = np.argmax(np.abs(here[:, a, b]))
                    ratio = there[point, a, b] / here[point, a, b]
                    signs[b] = signs[a] * (1 if ratio.real > 0 else -1)
                    queue.append(b)
        return np.allclose(there, signs[:, None] * here * signs, atol=1e-9)


@dataclass(frozen=True)
class Zone:
    """How to average over the zone: a uniform mesh of `size` points an axis, or adaptively.

    Attributes
    ----------
    crystal : Crystal
    size : int
        Points along each reciprocal vector (before mirrors); 0: iterated adaptive quadrature.
    tolerance : float
        Of the adaptive quadrature, relative to the largest column.
    """

    crystal: Crystal
    size: int
    tolerance: float = 1e-8

    def average(self, integrand: Integrand) -> NDArray:
        """Mean of a complex integrand, k (points, d) Cartesian -> (points, columns)."""
        crystal = self.crystal
        reciprocal = 2 * np.pi * np.linalg.inv(crystal.lattice).T
        if self.size == 0:
            return self._adaptive(integrand, reciprocal)
        axes = [
            (np.arange((self.size + 1) // 2 if mirror else self.size) + 0.5) / self.size
            for mirror in crystal.mirrors
        ]
        weights = [np.ones(len(a)) for a in axes]
        for axis, weight, mirror in zip(axes, weights, crystal.mirrors, strict=True):
            # an odd mesh has a point on the mirror plane at the zone boundary
            weight[mirror and np.isclose(axis, 0.5)] = 0.5
        shape = tuple(len(a) for a in axes)
        total, norm = 0.0, np.prod([w.sum() for w in weights])
        block = max(16, 32768 // crystal.orbitals**2)
        count = int(np.prod(shape))
        for start in range(0, count, block):
            index = np.unravel_index(np.arange(start, min(start + block, count)), shape)
            k = np.stack([a[i] for a, i in zip(axes, index, strict=True)], axis=1) @ reciprocal
            w = np.prod([w[i] for w, i in zip(weights, index, strict=True)], axis=0)
            total = total + w @ integrand(k)
        return total / norm

    def _adaptive(self, integrand: Integrand, reciprocal: NDArray) -> NDArray:
        box = [[0.0, 0.5 if mirror else 1.0] for mirror in self.crystal.mirrors]

        def real(unit: NDArray) -> NDArray:
            value = integrand(unit @ reciprocal)
            return np.concatenate([value.real, value.imag], axis=1)

        result = adaptive_average(
            real, box, rtol=self.tolerance, scale=lambda size: np.full(size.shape, size.max())
        )
        if not result.converged:
            raise ArithmeticError("the zone average did not reach its tolerance")
        half = len(result.value) // 2
        return result.value[:half] + 1j * result.value[half:]


def cubic_crystal(hopping: float = 1.0, exchange: float = 1.0, dimension: int = 3) -> Crystal:
    """Nearest-neighbour chain, square or simple cubic lattice with one orbital; spacing 1.

    Examples
    --------
    >>> crystal = cubic_crystal()
    >>> crystal.mirrors, float(crystal.hamiltonian(np.zeros((1, 3)))[0, 0, 0].real)
    ((True, True, True), -6.0)
    """
    steps = np.concatenate([np.eye(dimension), -np.eye(dimension)])
    hoppings = np.full((len(steps), 1, 1), -float(hopping))
    return Crystal(np.eye(dimension), steps, hoppings, np.array([exchange]))
