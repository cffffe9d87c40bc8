"""A layered medium: the matrices z - H(k) - Sigma_leads of a batch of momenta, and its sites.

Averages over the batch (weights w_k) of what one Green's function G_k = (z - H_k - Sigma_leads -
Sigma)^{-1} carries between sites, with a self-energy Sigma that is local and the same for all k:

    local_green    sum_k w_k (G_k)_ll,
    flow           sum_k w_k [G_k X_k G_k^+]_ll, or G_k X_k G_k, and what passes each bond,
    pair_map       K_ij[X] = sum_k w_k G_k,ij X G_k,ij^+, or G_k,ij X G_k,ji.

Small layers go through compiled loops over the batch, large ones through LAPACK.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flow", "Medium", "eliminated", "flow", "local_green", "make_medium", "pair_map"]

#: Rows of a layer up to which compiled loops are used.
LARGEST_COMPILED = 24
#: Momenta that share one sweep through the map between all pairs of sites.
_TOGETHER = 16


@dataclass(frozen=True)
class Medium:
    """A batch of B block-tridiagonal matrices of L layers, padded to n rows.

    Attributes
    ----------
    diagonal : (B, L, n, n) complex
        z - H_l, less the leads' self-energies on the end layers.
    coupling : (B or 1, L - 1, n, n) complex
        V_l = H_{l+1,l}.
    sizes : (L,) int
    weights : (B,)
        Of the momenta; their sum is 1.
    layer, offset, orbitals : (sites,) int
        The disordered sites, in the order of the layers.
    """

    diagonal: NDArray
    coupling: NDArray
    sizes: NDArray
    weights: NDArray
    layer: NDArray
    offset: NDArray
    orbitals: NDArray

    @property
    def compiled(self) -> bool:
        """Whether the layers are small enough for compiled loops."""
        return self.diagonal.shape[-1] <= LARGEST_COMPILED

    @cached_property
    def start(self) -> NDArray:
        """(sites + 1,): where each site's matrix begins in a vector of local matrices."""
        return np.concatenate([[0], np.cumsum(self.orbitals**2)]).astype(np.int64)

    @property
    def length(self) -> int:
        """Length of a vector of local matrices, sum of the squares of `orbitals`."""
        return int(self.start[-1])

    @cached_property
    def index(self) -> tuple[NDArray, NDArray, NDArray]:
        """Layer, row and column of each entry of a vector of local matrices."""
        whole = np.zeros((3, self.length), int)
        for m in np.unique(self.orbitals):
            chosen = self.orbitals == m
            place = self.start[:-1][chosen][:, None] + np.arange(m * m)
            whole[0, place] = self.layer[chosen][:, None]
            whole[1, place] = self.offset[chosen][:, None] + np.repeat(np.arange(m), m)
            whole[2, place] = self.offset[chosen][:, None] + np.tile(np.arange(m), m)
        layer, row, column = whole
        return layer, row, column

    @cached_property
    def pointer(self) -> NDArray:
        """(L + 1,): sites `pointer[l]:pointer[l + 1]` are in layer l."""
        return np.searchsorted(self.layer, np.arange(len(self.sizes) + 1)).astype(np.int64)

    def spread(self, vector: NDArray) -> NDArray:
        """A vector of local matrices as matrices of the layers, (L, n, n)."""
        layers = np.zeros(self.diagonal.shape[1:], complex)
        layers[self.index] = vector
        return layers

    def gather(self, layers: NDArray) -> NDArray:
        """The sites' blocks of layers' matrices (L, n, n), as one vector."""
        return layers[self.index]


def make_medium(
    onsite: list[NDArray],
    coupling: list[NDArray],
    energy: complex,
    sigma_left: NDArray,
    sigma_right: NDArray,
    weights: NDArray,
    sites: tuple[NDArray, NDArray, NDArray],
) -> Medium:
    """Put the matrices of a batch together.

    Parameters
    ----------
    onsite, coupling : lists of (B, n_l, n_l), (B, n_{l+1}, n_l)
    energy : complex
    sigma_left, sigma_right : (B, n_0, n_0), (B, n_N, n_N)
    weights : (B,)
    sites : layer, offset and orbitals of the disordered sites, ordered by layer
    """
    sizes = np.array([block.shape[-1] for block in onsite], np.int64)
    width, batch = int(sizes.max()), len(weights)
    diagonal = np.zeros((batch, len(sizes), width, width), complex)
    for layer, (n, block) in enumerate(zip(sizes, onsite, strict=True)):
        diagonal[:, layer, :n, :n] = energy * np.eye(n) - block
    diagonal[:, 0, : sizes[0], : sizes[0]] -= sigma_left
    diagonal[:, -1, : sizes[-1], : sizes[-1]] -= sigma_right
    constant = all(np.all(block == block[:1]) for block in coupling)
    hop = np.zeros((1 if constant else batch, len(sizes) - 1, width, width), complex)
    for layer, block in enumerate(coupling):
        m, n = block.shape[1:]
        hop[:, layer, :m, :n] = block[:1] if constant else block
    place, offset, orbitals = (np.asarray(x, np.int64) for x in sites)
    return Medium(diagonal, hop, sizes, np.asarray(weights, float), place, offset, orbitals)


@dataclass(frozen=True)
class Flow:
    """What spreads from sources, averaged over the batch.

    Attributes
    ----------
    local : (L, n, n)
        sum_k w_k F_ll, F = G X G^+ (or G X G).
    bond : (L - 1, n, n)
        sum_k w_k V_l F_{l,l+1}, on layer l + 1 (zero for G X G).
    at_left, at_right : (B, n, n)
        F_k on the end layers.
    """

    local: NDArray
    bond: NDArray
    at_left: NDArray
    at_right: NDArray


def _threads() -> int:
    import numba

    return numba.get_num_threads()


def _in_threads(work: Callable[[int, int], Any], count: int, least: int = 1) -> list:
    """Results of work(begin, end) over parts of range(count), in a fixed order."""
    threads = min(_threads(), max(1, count // least))
    edges = np.linspace(0, count, threads + 1).astype(int)
    if threads == 1:
        return [work(0, count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, edges[:-1], edges[1:]))


def local_green(medium: Medium, sigma: NDArray) -> NDArray:
    """sum_k w_k (G_k)_ll, (L, n, n); sigma (L, n, n) is the local self-energy."""
    if not medium.compiled:
        from negf_torque.disorder.large import large_green

        return large_green(medium, sigma)
    from negf_torque.disorder.kernels import green_chunk

    def work(begin: int, end: int) -> NDArray:
        total = np.zeros(medium.diagonal.shape[1:], complex)
        green_chunk(
            medium.diagonal,
            medium.coupling,
            medium.sizes,
            sigma,
            medium.weights,
            begin,
            end,
            total,
        )
        return total

    return sum(_in_threads(work, len(medium.weights), 32))


def flow(
    medium: Medium,
    sigma: NDArray,
    source: NDArray | None = None,
    left: NDArray | None = None,
    right: NDArray | None = None,
    retarded: bool = False,
    chains: list | None = None,
    bonds: bool = True,
) -> Flow:
    """Spread sources through the medium.

    Parameters
    ----------
    sigma : (L, n, n)
        Local self-energy.
    source : (L, n, n), optional
        X, the same for all momenta.
    left, right : (B, n_0, n_0), (B, n_N, n_N), optional
        Added to X on the end layers.
    retarded : bool
        G X G instead of G X G^+.
    chains : list, optional
        What `eliminated` gave for this medium and self-energy.
    bonds : bool
        False if what passes the bonds is not asked for; of large layers `bond` is then zero.
    """
    batch, layers, width, _ = medium.diagonal.shape
    source = np.zeros((layers, width, width), complex) if source is None else source
    first, last = np.zeros((2, batch, width, width), complex)
    for whole, given in ((first, left), (last, right)):
        if given is not None:
            whole[:, : given.shape[-1], : given.shape[-1]] = given
    if not medium.compiled:
        from negf_torque.disorder.large import large_flow

        return Flow(*large_flow(medium, sigma, source, first, last, retarded, chains, bonds))
    from negf_torque.disorder.kernels import flow_chunk

    at_left, at_right = np.zeros((2, batch, width, width), complex)

    def work(begin: int, end: int) -> tuple[NDArray, NDArray]:
        local = np.zeros((layers, width, width), complex)
        bond = np.zeros((layers - 1, width, width), complex)
        flow_chunk(
            medium.diagonal,
            medium.coupling,
            medium.sizes,
            sigma,
            medium.weights,
            source,
            first,
            last,
            retarded,
            begin,
            end,
            local,
            bond,
            at_left,
            at_right,
        )
        return local, bond

    parts = _in_threads(work, batch, 32)
    return Flow(sum(p[0] for p in parts), sum(p[1] for p in parts), at_left, at_right)


def eliminated(medium: Medium, sigma: NDArray) -> list | None:
    """Work that many flows through one medium share; None where there is little."""
    if medium.compiled:
        return None
    from negf_torque.disorder.large import kept_chains

    return kept_chains(medium, sigma)


def pair_map(medium: Medium, sigma: NDArray, retarded: bool = False) -> NDArray:
    """K between all disordered sites, (M, M), on vectors of local matrices.

    K[(i, ab), (j, cd)] = sum_k w_k (G_ij)_ac (B_ji)_db, B = G^+ or (`retarded`) G.
    """
    if not medium.compiled:
        from negf_torque.disorder.large import large_pairs

        return large_pairs(medium, sigma, retarded)
    from negf_torque.disorder.kernels import pair_chunk

    def work(begin: int, end: int) -> NDArray:
        out = np.zeros((medium.length, medium.length), complex)
        pair_chunk(
            medium.diagonal,
            medium.coupling,
            medium.sizes,
            sigma,
            medium.weights,
            medium.pointer,
            medium.offset,
            medium.orbitals,
            medium.start,
            retarded,
            begin,
            end,
            _TOGETHER,
            out,
        )
        return out

    return sum(_in_threads(work, len(medium.weights), _TOGETHER)).T
