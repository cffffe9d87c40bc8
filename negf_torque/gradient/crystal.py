"""A ferromagnetic crystal without spin-orbit coupling, and averages over its Brillouin zone.

H(k) = sum_R H_R exp(i k.R) acts on the orbitals of a cell and is the same for both spins; an
exchange field -M_a n.sigma splits every orbital.  Displacements R are true distances between
orbitals, so that dH/dk is the velocity.

Zone averages come in two kinds.  The uniform mesh converges like exp(-N |Im k|), |Im k| about
the inverse of twice the mean free path; the iterated adaptive quadrature costs a power of the
logarithm of the broadening and wins in clean systems.  Mirror planes that only change the signs
of orbitals are found and used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens.quadrature import adaptive_average

__all__ = ["Crystal", "Zone", "cubic_crystal"]

Integrand = Callable[[NDArray, Any], NDArray]  # the velocity is None unless asked for


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
    half_splitting : (n,)
        M_a >= 0, half the splitting of orbital a, eV.

    Raises
    ------
    ValueError
        If H(k) is not Hermitian, shapes do not fit, or no orbital carries an exchange field.
    """

    lattice: NDArray
    displacements: NDArray
    hoppings: NDArray
    half_splitting: NDArray

    def __post_init__(self) -> None:
        lattice = np.atleast_2d(np.asarray(self.lattice, float))
        d = len(lattice)
        hoppings = np.asarray(self.hoppings, complex)
        displacements = np.asarray(self.displacements, float).reshape(-1, d)
        n = hoppings.shape[-1]
        half_splitting = np.broadcast_to(np.asarray(self.half_splitting, float), (n,))
        if hoppings.shape != (len(displacements), n, n):
            raise ValueError(
                f"hoppings: shape {hoppings.shape}, expected ({len(displacements)}, n, n)."
            )
        if np.any(half_splitting < 0) or not np.any(half_splitting > 0):
            raise ValueError(
                f"half_splitting: {half_splitting.tolist()} is not a ferromagnet. Give M >= 0 "
                "for every orbital, not all zero (the majority spin is 'up')."
            )
        for name, value in (
            ("lattice", lattice), ("displacements", displacements), ("hoppings", hoppings),
            ("half_splitting", half_splitting),
        ):
            object.__setattr__(self, name, value)
        probe = (0.3 + 0.4 * np.arange(2 * d).reshape(2, d)) @ np.linalg.inv(lattice).T * 2
        h = self.hamiltonian(probe)
        if not np.allclose(h, h.conj().swapaxes(-1, -2), atol=1e-10):
            raise ValueError("hoppings: not Hermitian. Give H_(-R) = H_R^+ with every H_R.")

    @property
    def orbitals(self) -> int:
        """Orbitals of the cell, spin apart."""
        return self.hoppings.shape[-1]

    @property
    def dimension(self) -> int:
        """Number of space dimensions."""
        return len(self.lattice)

    @property
    def volume(self) -> float:
        """Of the cell, nm^d."""
        return float(abs(np.linalg.det(self.lattice)))

    def hamiltonian(self, k: NDArray) -> NDArray:
        """H(k) for Cartesian k (points, d): (points, n, n)."""
        return self._series(self.hoppings, k, even=True)

    def velocity(self, k: NDArray, axis: int = 0) -> NDArray:
        """dH/dk along a Cartesian axis, (points, n, n)."""
        return self._series(self.displacements[:, axis, None, None] * self.hoppings, k, even=False)

    def _series(self, matrices: NDArray, k: NDArray, even: bool) -> NDArray:
        """sum_R M_R e^(i k.R), or with i M_R; real where H(k) is real and even."""
        n = self.orbitals
        angle, flat = k @ self.displacements.T, matrices.reshape(len(matrices), n * n)
        if self.is_even:
            value = np.cos(angle) @ flat.real if even else -np.sin(angle) @ flat.real
        else:
            value = np.exp(1j * angle) @ (flat if even else 1j * flat)
        return value.reshape(len(k), n, n)

    @cached_property
    def is_even(self) -> bool:
        """Whether H(k) is real and H(-k) = H(k): then cosines suffice."""
        if np.abs(self.hoppings.imag).max() > 1e-12:
            return False
        probe = (0.31 + 0.27 * np.arange(3 * self.dimension)).reshape(3, -1)
        k = probe @ (2 * np.pi * np.linalg.inv(self.lattice).T)
        flat = self.hoppings.reshape(len(self.hoppings), -1)
        return bool(np.abs(np.sin(k @ self.displacements.T) @ flat).max() < 1e-10)

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether every orbital sits on an inversion centre and has a parity.

        H(-k) = P H(k) P with signs P, and the time-reversed H(-k)* = H(k), so that H is real
        and symmetric after a change of phase of the odd orbitals.
        """
        if np.abs(self.hoppings.imag).max() > 1e-12:
            return False
        return self._is_sign_change(-np.eye(self.dimension))

    @cached_property
    def kept(self) -> dict[tuple, Any]:
        """Blocks of k, H and v on the meshes used last."""
        return {}

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
        flips = [np.diag(1.0 - 2 * row) for row in np.eye(self.dimension)]
        return tuple(square and self._is_sign_change(flip) for flip in flips)

    def _is_sign_change(self, operation: NDArray) -> bool:
        """Whether H(operation k) = D H(k) D with signs D of the orbitals."""
        probe = (0.37 + 0.83 * np.arange(4 * self.dimension)).reshape(4, -1) ** 1.1
        probe = probe / np.abs(self.lattice).max()
        here, there = self.hamiltonian(probe), self.hamiltonian(probe @ operation.T)
        signs = np.zeros(self.orbitals)
        for start in range(self.orbitals):
            if signs[start]:
                continue
            signs[start] = 1
            queue = [start]
            while queue:
                a = queue.pop()
                size = np.abs(here[:, a]).max(axis=0)
                for b in np.flatnonzero((size > 1e-10) & (signs == 0)).tolist():
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
        Points along each reciprocal vector (even, before mirrors); 0: iterated adaptive quadrature.
    tolerance : float
        Of the adaptive quadrature, relative to the largest column.
    """

    crystal: Crystal
    size: int
    tolerance: float = 1e-8

    def average(self, integrand: Integrand, velocity: bool = False) -> NDArray:
        """Mean of a complex integrand (h, v) -> (points, columns); v is None unless asked for."""
        if self.size == 0:
            crystal = self.crystal
            return self.over_k(
                lambda k: integrand(
                    crystal.hamiltonian(k), crystal.velocity(k) if velocity else None
                )
            )
        blocks = self._blocks(velocity)
        return sum(integrand(h, v).sum(axis=0) for h, v in blocks) / sum(len(h) for h, _ in blocks)

    def over_k(self, integrand: Callable[[NDArray], NDArray]) -> NDArray:
        """Mean of a complex integrand of Cartesian k (points, d)."""
        if self.size == 0:
            return self._adaptive(integrand)
        total: Any = 0.0
        count = 0
        for k in self._points():
            total, count = total + integrand(k).sum(axis=0), count + len(k)
        return total / count

    def _points(self) -> Iterator[NDArray]:
        """The mesh, shifted by half a step, in blocks that fit the cache."""
        crystal = self.crystal
        reciprocal = 2 * np.pi * np.linalg.inv(crystal.lattice).T
        shape = tuple(self.size // 2 if mirror else self.size for mirror in crystal.mirrors)
        block = max(64, 32768 // crystal.orbitals**2)
        count = int(np.prod(shape))
        for start in range(0, count, block):
            index = np.unravel_index(np.arange(start, min(start + block, count)), shape)
            yield (np.stack(index, axis=1) + 0.5) / self.size @ reciprocal

    def _blocks(self, velocity: bool) -> list[tuple[NDArray, NDArray | None]]:
        """H (and v) on the mesh; kept for the next pass where memory allows."""
        crystal, name = self.crystal, (self.size, velocity)
        if name not in crystal.kept:
            blocks = [
                (crystal.hamiltonian(k), crystal.velocity(k) if velocity else None)
                for k in self._points()
            ]
            crystal.kept[name] = blocks
            while len(crystal.kept) > 1 and sum(map(_size, crystal.kept.values())) > _KEPT:
                crystal.kept.pop(next(iter(crystal.kept)))
        return crystal.kept[name]

    def _adaptive(self, integrand: Callable[[NDArray], NDArray]) -> NDArray:
        box = [[0.0, 0.5 if mirror else 1.0] for mirror in self.crystal.mirrors]
        reciprocal = 2 * np.pi * np.linalg.inv(self.crystal.lattice).T

        def real(unit: NDArray) -> NDArray:
            value = integrand(unit @ reciprocal)
            return np.concatenate([value.real, value.imag], axis=1)

        result = adaptive_average(
            real, box, rtol=self.tolerance, scale=lambda size: np.full(size.shape, size.max()),
            max_evaluations=200_000_000,
        )
        if not result.converged:
            raise ArithmeticError(
                f"the adaptive zone average did not reach {self.tolerance:g} with "
                f"{result.evaluations} points. Use meshes (integration = 'mesh') or a larger "
                "tolerance."
            )
        half = len(result.value) // 2
        return result.value[:half] + 1j * result.value[half:]


#: Matrix elements of kept meshes: 400 MB of doubles.
_KEPT = 50_000_000


def _size(blocks: list) -> int:
    return sum(h.size * (1 if v is None else 2) for h, v in blocks)


def cubic_crystal(hopping: float = 1.0, half_splitting: float = 1.0, dimension: int = 3) -> Crystal:
    """Nearest-neighbour chain, square or simple cubic lattice with one orbital; spacing 1.

    Examples
    --------
    >>> crystal = cubic_crystal()
    >>> crystal.mirrors, float(crystal.hamiltonian(np.zeros((1, 3)))[0, 0, 0].real)
    ((True, True, True), -6.0)
    """
    steps = np.concatenate([np.eye(dimension), -np.eye(dimension)])
    hoppings = np.full((len(steps), 1, 1), -float(hopping))
    return Crystal(np.eye(dimension), steps, hoppings, np.array([half_splitting]))
