"""A bulk magnet as lattice harmonics: H(k, n) and its derivatives in k and in n.

A crystal with hopping of finite range is a short Fourier series,

    H(k) = sum_R H_R exp(i k.R),      H_R = <0| H |R>,

so that every derivative in k is exact and costs one small matrix product.  The direction n of
the magnetisation enters through H_R(n) and its first derivative O_a = dH/dn_a, the exchange
operator, which may depend on k (an exchange field that lives on bonds).  Nothing else about n
is ever needed: to first order in the gradients of the texture the second derivative in n drops
out, so an H that is nonlinear in n (magnetic anisotropy, n-dependent spin-orbit coupling) is
described by its H_R and O_R at the direction in question.

R may be measured between the orbitals themselves or between cells.  Positions of orbitals
enter velocities, so give true distances where the response to a field is wanted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import PAULI, SIGMA, unit_vector

__all__ = [
    "Bloch",
    "BulkModel",
    "ZoneMesh",
    "bloch",
    "exchange_model",
    "harmonics_at",
    "magnet_model",
    "square_rashba",
]

#: Matrix elements of one array that a chunk of k-points may hold (keeps work in cache).
CHUNK_ELEMENTS = 4096


@dataclass(frozen=True)
class BulkModel:
    """One crystal at one direction of its magnetisation.

    Attributes
    ----------
    lattice : (d, d)
        Primitive vectors as rows; d = 1, 2 or 3.
    displacements : (harmonics, d)
        R of every harmonic, Cartesian, the unit of `lattice`.
    hoppings : (harmonics, n, n) complex
        H_R at this direction; H_(-R) = H_R^+ must be among them.
    exchange : (3, harmonics, n, n) complex
        O_a,R = dH_R/dn_a at this direction (-M sigma_a on site for H = eps - M n.sigma).
    """

    lattice: NDArray
    displacements: NDArray
    hoppings: NDArray
    exchange: NDArray

    def __post_init__(self) -> None:
        d = self.lattice.shape[0]
        if self.lattice.shape != (d, d) or abs(np.linalg.det(self.lattice)) < 1e-12:
            raise ValueError(f"lattice: {self.lattice!r} is not d independent vectors of length d.")
        count, n = self.hoppings.shape[0], self.hoppings.shape[-1]
        if self.displacements.shape != (count, d):
            raise ValueError(
                f"displacements: shape {self.displacements.shape}, expected ({count}, {d})."
            )
        wanted = (3, count, n, n)
        if self.exchange.shape != wanted:
            raise ValueError(f"exchange: shape {self.exchange.shape}, expected {wanted}.")
        probe = np.linspace(0.3, 1.1, 3)[:, None] @ np.ones((1, d)) * np.arange(1, d + 1)
        named = [("hoppings", self.hoppings), *(("exchange", o) for o in self.exchange)]
        for name, array in named:
            value = harmonics_at(self.displacements, array, probe)
            if not np.allclose(value, value.conj().swapaxes(-1, -2), atol=1e-10):
                raise ValueError(f"{name}: not Hermitian in k; give H_(-R) = H_R^+ with every H_R.")

    @property
    def dimension(self) -> int:
        """Number of space dimensions."""
        return self.lattice.shape[0]

    @property
    def orbitals(self) -> int:
        """Number of orbitals times spin in the cell."""
        return self.hoppings.shape[-1]


def exchange_model(
    lattice: ArrayLike,
    displacements: ArrayLike,
    hoppings: ArrayLike,
    exchange: ArrayLike,
    direction: ArrayLike,
) -> BulkModel:
    """Magnet whose H is linear in n: H(k, n) = H_0(k) + n.O(k).

    Parameters
    ----------
    lattice, displacements : (d, d), (harmonics, d)
        As in :class:`BulkModel`.
    hoppings : (harmonics, n, n)
        H_0,R without the exchange.
    exchange : (3, harmonics, n, n)
        O_a,R.
    direction : (3,)
        n, the direction of the majority spin; normalised here.
    """
    exchange = np.asarray(exchange, complex)
    n = unit_vector(direction, "direction")
    return BulkModel(
        np.atleast_2d(np.asarray(lattice, float)),
        np.asarray(displacements, float),
        np.asarray(hoppings, complex) + np.einsum("a,arij->rij", n, exchange),
        exchange,
    )


def magnet_model(
    lattice: ArrayLike,
    displacements: ArrayLike,
    hoppings: ArrayLike,
    exchange_field: ArrayLike,
    direction: ArrayLike,
) -> BulkModel:
    """Magnet with an on-site exchange field, turned into any direction.

    Parameters
    ----------
    lattice, displacements : (d, d), (harmonics, d)
        As in :class:`BulkModel`; the origin must be among the displacements.
    hoppings : (harmonics, 2 n, 2 n)
        H_R with the exchange field in it; spin is the fastest index.
    exchange_field : (n, 3)
        Delta m of every orbital: H contains -(1/2) Delta m.sigma.
    direction : (3,)
        Where all moments are to point.

    Raises
    ------
    ValueError
        If no displacement is zero.
    """
    field, displacements = np.asarray(exchange_field, float), np.asarray(displacements, float)
    origin = np.flatnonzero(np.all(np.abs(displacements) < 1e-12, axis=1))
    if len(origin) == 0:
        raise ValueError("displacements: none is zero; the exchange field acts on the sites.")
    bare = np.array(hoppings, complex)
    exchange = np.zeros((3, *bare.shape), complex)
    for orbital, delta in enumerate(field):
        spin = slice(2 * orbital, 2 * orbital + 2)
        bare[origin[0], spin, spin] += np.einsum("a,aij->ij", delta / 2, SIGMA)
        exchange[:, origin[0], spin, spin] = -np.linalg.norm(delta) / 2 * SIGMA
    return exchange_model(lattice, displacements, bare, exchange, direction)


def square_rashba(
    hopping: float, rashba: float, half_splitting: float, direction: ArrayLike
) -> BulkModel:
    """Rashba ferromagnet on the square lattice, one orbital, lattice constant 1.

    H = -2 t (cos kx + cos ky) + rashba (sigma_x sin ky - sigma_y sin kx) - M n.sigma, with M the
    `half_splitting`; all three in one unit of energy.

    Examples
    --------
    >>> model = square_rashba(1.0, 0.5, 0.6, (0, 0, 1))
    >>> np.round(bloch(model, np.zeros((1, 2))).h[0].real, 3)
    array([[-4.6,  0. ],
           [ 0. , -3.4]])
    """
    displacements = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]], float)
    hoppings = np.zeros((5, 2, 2), complex)
    for index, r in enumerate(displacements[1:], start=1):
        spin_orbit = (r[1] * SIGMA[0] - r[0] * SIGMA[1]) * rashba / 2j
        hoppings[index] = -hopping * PAULI[0] + spin_orbit
    exchange = np.zeros((3, 5, 2, 2), complex)
    exchange[:, 0] = -half_splitting * SIGMA
    return exchange_model(np.eye(2), displacements, hoppings, exchange, direction)


class Bloch(NamedTuple):
    """H and its derivatives at a set of k; axes (directions..., k, n, n).

    `exchange` and `exchange_slope` have one k only where the exchange does not depend on k.
    All but `h` are None unless derivatives were asked for, `exchange_slope` also where the
    exchange does not depend on k.
    """

    h: NDArray
    velocity: Any = None
    mass: Any = None
    exchange: Any = None
    exchange_slope: Any = None


def harmonics_at(displacements: NDArray, array: NDArray, k: NDArray) -> NDArray:
    """sum_R array[..., R, :, :] exp(i k.R) for k (points, d): shape (..., points, n, n)."""
    n = array.shape[-1]
    flat = array.reshape(*array.shape[:-2], n * n)
    return (np.exp(1j * k @ displacements.T) @ flat).reshape(*array.shape[:-3], len(k), n, n)


def bloch(model: BulkModel, k: NDArray, derivatives: bool = True) -> Bloch:
    """H(k), v_i = dH/dk_i, d2H/dk_i dk_j, O_a and dO_a/dk_i at k (points, d), Cartesian.

    Returns
    -------
    Bloch
        `h` (points, n, n); with `derivatives` also `velocity` (d, points, n, n), `mass`
        (d, d, points, n, n), `exchange` (3, points or 1, n, n), `exchange_slope`
        (3, d, points, n, n), None where the exchange does not depend on k.
    """
    r = model.displacements
    h = harmonics_at(r, model.hoppings, k)
    if not derivatives:
        return Bloch(h)
    first = 1j * np.einsum("ri,rmn->irmn", r, model.hoppings)
    second = 1j * np.einsum("rj,irmn->ijrmn", r, first)
    velocity, mass = harmonics_at(r, first, k), harmonics_at(r, second, k)
    moving = np.any(r != 0, axis=1) & np.any(model.exchange != 0, axis=(0, 2, 3))
    if not moving.any():
        return Bloch(h, velocity, mass, model.exchange.sum(axis=1)[:, None], None)
    slope = 1j * np.einsum("ri,armn->airmn", r, model.exchange)
    return Bloch(
        h, velocity, mass, harmonics_at(r, model.exchange, k), harmonics_at(r, slope, k)
    )


@dataclass(frozen=True)
class ZoneMesh:
    """Uniform mesh of the Brillouin zone, handed out in chunks.

    The trapezoidal rule on a periodic analytic function converges like exp(-size kappa), kappa
    the imaginary part of the wave vector of the nearest pole.  A quarter-step offset makes the
    leading error of even integrands vanish and that of a total k derivative (the null test
    that measures the error) largest.

    Attributes
    ----------
    lattice : (d, d)
        Primitive vectors as rows.
    sizes : d whole numbers
        Points along each reciprocal vector.
    offset : float
        Shift of the mesh in units of its step.
    chunk : int
        Points per chunk.
    """

    lattice: NDArray
    sizes: tuple[int, ...]
    offset: float = 0.25
    chunk: int = 1024

    @property
    def points(self) -> int:
        """Number of k-points."""
        return int(np.prod(self.sizes))

    def __iter__(self) -> Iterator[NDArray]:
        """Yield Cartesian k (points, d)."""
        reciprocal = 2 * np.pi * np.linalg.inv(self.lattice).T
        for start in range(0, self.points, self.chunk):
            flat = np.arange(start, min(start + self.chunk, self.points))
            index = np.stack(np.unravel_index(flat, self.sizes), axis=1)
            yield ((index + self.offset) / np.array(self.sizes)) @ reciprocal

    def average(self, terms: Callable[[NDArray], Sequence[NDArray]]) -> list[NDArray]:
        """Zone averages of the sums over k that `terms` returns for one chunk of k."""
        totals: list[NDArray] = []
        for k in self:
            parts = terms(k)
            totals = [t + p for t, p in zip(totals, parts, strict=True)] if totals else list(parts)
        return [t / self.points for t in totals]


def chunk_size(model: BulkModel) -> int:
    """k-points per chunk that keep one array of the model in cache."""
    return max(8, CHUNK_ELEMENTS // model.orbitals**2)
