"""Vertex corrections: what impurities scatter into each other's sites.

The sources that the impurities of site i emit on average, S_i = Lambda_i[g_i], feed the local
density matrices themselves,

    g_i = g0_i + sum_j K_ij[Lambda_j[g_j]]        (1 - K Lambda) g = g0,

with g0 what the external sources alone give.  Small systems are solved by factorising 1 - K
Lambda; large ones by GMRES without forming K.  Repeated scattering makes charge (and nearly
conserved spin) diffuse, so that the plain series needs (length/mean free path)^2 steps: the
preconditioner solves the same equation for densities that are uniform within each layer, after
which the number of steps does not depend on the length.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from negf_torque.disorder.averaged import SelfEnergy, Slots, apply_local
from negf_torque.disorder.medium import Medium, eliminated, flow, pair_map

__all__ = ["DressedSources", "Ladder", "dress", "factorised", "make_ladder"]

#: Length M of the vectors of local matrices up to which 1 - K Lambda is formed: of one chain, and
#: of many momenta at once, where forming it pays for longer.  Forming and factorising take a time
#: that grows as M^3; some 15 iterations for each lead of L layers of n rows, as L n^3.  They were
#: measured to cost the same at M of about 850 (n = 32), 1200 (n = 18) and 1700 (n = 128).
LARGEST_DIRECT, LARGEST_DIRECT_BATCH = 1200, 8000
#: Relative residual of GMRES, and the most steps.
_TOLERANCE = 1e-13
_MOST_STEPS = 300


@dataclass(frozen=True)
class Ladder:
    """The equation (1 - K Lambda) g = g0 of one medium and self-energy, ready to be solved.

    Attributes
    ----------
    apply : callable
        Vectors (M, columns) -> Lambda of them.
    solve : callable
        g0 (M, columns) -> g (M, columns), number of iterations (0 when factorised), relative
        residual.
    """

    apply: Callable[[NDArray], NDArray]
    solve: Callable[[NDArray], tuple[NDArray, int, float]]


@dataclass(frozen=True)
class DressedSources:
    """Solution of the ladder for some external sources.

    Attributes
    ----------
    density : (M, columns)
        g of the disordered sites.
    source : (M, columns)
        S = Lambda[g], what the impurities emit.
    iterations : int
    residual : float
    """

    density: NDArray
    source: NDArray
    iterations: int
    residual: float


def make_ladder(
    medium: Medium,
    slots: Slots,
    solution: SelfEnergy,
    maps: list[NDArray],
    retarded: bool = False,
    direct: bool | None = None,
) -> Ladder:
    """Prepare the ladder.

    Parameters
    ----------
    maps : list of (S or 1, m^2, m^2)
        Lambda of each group (`averaged.vertex_maps`, with the same `retarded`).
    retarded : bool
        Static response of the retarded function (G X G) instead of G X G^+.
    direct : bool, optional
        Factorise (True) or iterate; by size if not given.
    """
    sigma = medium.spread(solution.sigma)

    def apply(vectors: NDArray) -> NDArray:
        return apply_local(slots, maps, vectors)

    if direct is None:
        batch = len(medium.weights) > 1 and medium.compiled
        direct = medium.length <= (LARGEST_DIRECT_BATCH if batch else LARGEST_DIRECT)
    if direct:
        return Ladder(apply, factorised(pair_map(medium, sigma, retarded), slots, maps))
    return Ladder(apply, _iterated(medium, sigma, apply, retarded))


def dress(ladder: Ladder, bare: NDArray) -> DressedSources:
    """Solve for g and S; bare is g0, (M, columns)."""
    if not len(bare):
        return DressedSources(bare, bare, 0, 0.0)
    density, iterations, residual = ladder.solve(bare)
    return DressedSources(density, ladder.apply(density), iterations, residual)


def factorised(pairs: NDArray, slots: Slots, maps: list[NDArray]) -> Callable:
    """Solver of (1 - K Lambda) g = g0 from K between the disordered sites, (M, M)."""
    matrix = np.eye(len(pairs), dtype=complex)
    for index, local in zip(slots.index, maps, strict=True):
        # columns of K of these sites, times their Lambda
        product = np.einsum("psi,sij->psj", pairs[:, index], local)
        matrix[:, index.ravel()] -= product.reshape(len(pairs), -1)
    factors = la.lu_factor(matrix)

    def solve(bare: NDArray) -> tuple[NDArray, int, float]:
        found = la.lu_solve(factors, bare)
        # one step of refinement: charge is conserved to the residual of this equation
        found = found + la.lu_solve(factors, bare - matrix @ found)
        residual = np.abs(bare - matrix @ found).max() / (np.abs(bare).max() or 1.0)
        return found, 0, float(residual)

    return solve


def _iterated(medium: Medium, sigma: NDArray, apply: Callable, retarded: bool) -> Callable:
    # G X G has no slow mode: its series converges as the self-energy itself did
    if retarded or len(medium.weights) > 1:
        precondition: Callable[[NDArray], NDArray] = np.copy
    else:
        precondition = _CoarseSpace(medium, sigma, apply).precondition

    chains = eliminated(medium, sigma)

    def matrix(x: NDArray) -> NDArray:
        spread = medium.spread(apply(x[:, None])[:, 0])
        found = flow(medium, sigma, spread, retarded=retarded, chains=chains, bonds=False)
        return x - medium.gather(found.local)

    def solve(bare: NDArray) -> tuple[NDArray, int, float]:
        columns, most, worst = [], 0, 0.0
        for column in bare.T:
            found, steps, residual = _gmres(matrix, precondition, column)
            columns.append(found)
            most, worst = max(most, steps), max(worst, residual)
        return np.stack(columns, axis=1), most, worst

    return solve


def _gmres(matrix: Callable, precondition: Callable, b: NDArray) -> tuple[NDArray, int, float]:
    """Right-preconditioned GMRES without restart, with a second pass for the last digits."""
    x, total, size = np.zeros_like(b), 0, np.linalg.norm(b)
    if size == 0:
        return x, 0, 0.0
    for _ in range(3):
        r = b - matrix(x) if total else b
        norm = np.linalg.norm(r)
        if norm <= _TOLERANCE * size or total >= _MOST_STEPS:
            break
        basis, hessenberg = [r / norm], np.zeros((_MOST_STEPS + 1, _MOST_STEPS), complex)
        right = np.zeros(_MOST_STEPS + 1, complex)
        right[0] = norm
        for step in range(_MOST_STEPS - total):
            w = matrix(precondition(basis[-1]))
            for _again in range(2):
                for i, v in enumerate(basis):
                    h = np.vdot(v, w)
                    hessenberg[i, step] += h
                    w = w - h * v
            hessenberg[step + 1, step] = np.linalg.norm(w)
            small = hessenberg[: step + 2, : step + 1]
            weights, *_ = np.linalg.lstsq(small, right[: step + 2], rcond=None)
            residual = float(np.linalg.norm(right[: step + 2] - small @ weights))
            if residual <= 0.3 * _TOLERANCE * size or abs(hessenberg[step + 1, step]) < 1e-300:
                break
            basis.append(w / hessenberg[step + 1, step])
        total += step + 1
        combined = sum(c * v for c, v in zip(weights, basis, strict=False))
        x = x + precondition(combined)
    residual = float(np.linalg.norm(b - matrix(x)) / size)
    return x, total, residual


class _CoarseSpace:
    """Densities and spins that are the same on all equal sites of a layer.

    Z holds orthonormal vectors: one for each layer, size of site and entry of a site's matrix.
    The preconditioner is 1 + Z (E^{-1} - 1) Z^+ with E = Z^+ (1 - K Lambda) Z.

    Attributes
    ----------
    label : (M,) int
        The vector of Z to which an entry of a vector of local matrices belongs.
    norm : (count,)
        Square roots of the numbers of sites.
    """

    def __init__(self, medium: Medium, sigma: NDArray, apply: Callable) -> None:
        self.label = np.zeros(medium.length, int)
        count = 0
        for layer in np.unique(medium.layer):
            for m in np.unique(medium.orbitals[medium.layer == layer]):
                chosen = np.flatnonzero((medium.layer == layer) & (medium.orbitals == m))
                place = medium.start[chosen][:, None] + np.arange(m * m)
                self.label[place] = count + np.arange(m * m)
                count += int(m * m)
        self.norm = np.sqrt(np.bincount(self.label, minlength=count))
        self.inverse = la.lu_factor(self._matrix(medium, sigma, apply))

    def project(self, vector: NDArray) -> NDArray:
        """Z^+ v."""
        count = len(self.norm)
        real = np.bincount(self.label, vector.real, count)
        return (real + 1j * np.bincount(self.label, vector.imag, count)) / self.norm

    def expand(self, small: NDArray) -> NDArray:
        """Z c."""
        return (small / self.norm)[self.label]

    def _matrix(self, medium: Medium, sigma: NDArray, apply: Callable) -> NDArray:
        from negf_torque.disorder.large import block_columns

        count = len(self.norm)
        emitted = [apply(self.expand(unit)[:, None])[:, 0] for unit in np.eye(count)]
        layer_of, row, column = medium.index
        of_layer = np.zeros(count, int)
        of_layer[self.label] = layer_of
        coupled = np.zeros((count, count), complex)
        shape = medium.diagonal.shape[1:]
        for b, there, blocks in block_columns(medium, sigma):
            n = int(medium.sizes[there])
            green = np.zeros((shape[0], shape[1], n), complex)
            for layer, block in enumerate(blocks):
                green[layer, : len(block)] = block
            right = green[layer_of, column].conj()
            here = layer_of == there
            for c in np.flatnonzero(of_layer == there):
                x = np.zeros((n, n), complex)
                x[row[here], column[here]] = emitted[c][here]
                spread = np.einsum("pa,pa->p", (green @ x)[layer_of, row], right)
                coupled[:, c] += medium.weights[b] * self.project(spread)
        return np.eye(count) - coupled

    def precondition(self, vector: NDArray) -> NDArray:
        """P v."""
        small = self.project(vector)
        return vector + self.expand(la.lu_solve(self.inverse, small) - small)
