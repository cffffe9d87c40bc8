"""The averages of `medium` for layers too large for compiled loops: one chain at a time, LAPACK.

Time L n^3 for what spreads from sources, memory L n^2; the maps between all pairs of sites cost
L^2 n^3 and the square of the number of sites.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

if TYPE_CHECKING:
    from negf_torque.disorder.medium import Medium

__all__ = ["block_columns", "kept_chains", "large_flow", "large_green", "large_pairs"]

#: Part of the entries below which a coupling is multiplied as a sparse matrix.
_SPARSE = 0.2
#: Bytes up to which the eliminated chains are kept between applications.
_KEPT = 1_000_000_000


def _chains(medium: Medium, sigma: NDArray) -> Iterator[tuple[int, list, list, list, list, list]]:
    """Of every member: number, couplings, their adjoints, one-sided and diagonal blocks of G."""
    sizes = medium.sizes
    for b in range(len(medium.weights)):
        hop = [
            _sparse(medium.coupling[min(b, len(medium.coupling) - 1), layer, :m, :n])
            for layer, (n, m) in enumerate(zip(sizes[:-1], sizes[1:], strict=True))
        ]
        back = [v.conj().T for v in hop]
        matrix = [
            medium.diagonal[b, layer, :n, :n] - sigma[layer, :n, :n]
            for layer, n in enumerate(sizes)
        ]
        left: list[NDArray] = []
        taken: list[Any] = [0.0]
        for layer, m in enumerate(matrix):
            left.append(np.linalg.inv(m - taken[layer]))
            if layer < len(hop):
                taken.append(_between(hop[layer], left[layer], back[layer]))
        right: list[NDArray] = []
        green: list[NDArray] = []
        other: Any = 0.0
        for layer in range(len(matrix) - 1, -1, -1):
            right.append(np.linalg.inv(matrix[layer] - other))
            green.append(np.linalg.inv(matrix[layer] - other - taken[layer]))
            if layer:
                other = _between(back[layer - 1], right[-1], hop[layer - 1])
        yield b, hop, back, left, right[::-1], green[::-1]


def kept_chains(medium: Medium, sigma: NDArray) -> list | None:
    """The eliminated chains, for many flows through one medium; None if they are too large."""
    batch, _, width, _ = medium.diagonal.shape
    size = 3 * 16 * batch * len(medium.sizes) * width**2
    return list(_chains(medium, sigma)) if size <= _KEPT else None


def _sparse(v: NDArray) -> NDArray | sp.csr_array:
    return sp.csr_array(v) if np.count_nonzero(v) < _SPARSE * v.size else v


def _between(a, x: NDArray, b) -> NDArray:
    """a x b with a and b sparse or dense, dense result."""
    return np.asarray((b.T @ (a @ x).T).T)


def _pad(medium: Medium, blocks: list[NDArray]) -> NDArray:
    """Blocks of different sizes in one array, zeros behind them."""
    width = medium.diagonal.shape[-1]
    whole = np.zeros((len(blocks), width, width), complex)
    for layer, block in enumerate(blocks):
        whole[layer, : block.shape[0], : block.shape[1]] = block
    return whole


def large_green(medium: Medium, sigma: NDArray) -> NDArray:
    """See `medium.local_green`."""
    total = np.zeros(medium.diagonal.shape[1:], complex)
    for b, _, _, _, _, green in _chains(medium, sigma):
        total += medium.weights[b] * _pad(medium, green)
    return total


def large_flow(
    medium: Medium,
    sigma: NDArray,
    source: NDArray,
    first: NDArray,
    last: NDArray,
    retarded: bool,
    chains: list | None = None,
    bonds: bool = True,
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """See `medium.flow`."""
    sizes, layers = medium.sizes, len(medium.sizes)
    local = np.zeros(medium.diagonal.shape[1:], complex)
    bond = np.zeros((layers - 1, *local.shape[1:]), complex)
    ends = np.zeros((2, len(medium.weights), *local.shape[1:]), complex)
    for b, hop, back, left, right, green in chains or _chains(medium, sigma):
        x = [source[layer, :n, :n].copy() for layer, n in enumerate(sizes)]
        x[0] += first[b, : sizes[0], : sizes[0]]
        x[-1] += last[b, : sizes[-1], : sizes[-1]]
        from_left: list[Any] = [0.0]
        from_right: list[Any] = [0.0]
        for layer in range(layers - 1):
            inside = _sandwich(left[layer], x[layer] + from_left[layer], retarded)
            from_left.append(_between(hop[layer], inside, back[layer]))
        for layer in range(layers - 1, 0, -1):
            inside = _sandwich(right[layer], x[layer] + from_right[-1], retarded)
            from_right.append(_between(back[layer - 1], inside, hop[layer - 1]))
        from_right.reverse()
        weight = medium.weights[b]
        for layer, n in enumerate(sizes):
            sources = x[layer] + from_left[layer] + from_right[layer]
            here = _sandwich(green[layer], sources, retarded)
            local[layer, :n, :n] += weight * here
            if layer and bonds and not retarded:
                # V F_{l-1,l} = (V g V^+) F_ll + (V x V^+) G_ll^+
                dressed = _between(hop[layer - 1], left[layer - 1], back[layer - 1])
                passing = dressed @ here + from_left[layer] @ green[layer].conj().T
                bond[layer - 1, :n, :n] += weight * passing
            if layer == 0:
                ends[0, b, :n, :n] = here
            if layer == layers - 1:
                ends[1, b, :n, :n] = here
    return local, bond, ends[0], ends[1]


def _sandwich(a: NDArray, x: NDArray, retarded: bool) -> NDArray:
    return a @ x @ (a if retarded else a.conj().T)


def block_columns(medium: Medium, sigma: NDArray) -> Iterator[tuple[int, int, list[NDArray]]]:
    """Member, layer m, and the blocks G_lm of all layers l."""
    layers = len(medium.sizes)
    for b, hop, back, left, right, green in _chains(medium, sigma):
        down = [right[layer + 1] @ hop[layer] for layer in range(layers - 1)]
        up = [left[layer] @ back[layer] for layer in range(layers - 1)]
        for there in range(layers):
            column: list = [None] * layers
            column[there] = green[there]
            for layer in range(there, layers - 1):
                column[layer + 1] = down[layer] @ column[layer]
            for layer in range(there - 1, -1, -1):
                column[layer] = up[layer] @ column[layer + 1]
            yield b, there, column


def large_pairs(medium: Medium, sigma: NDArray, retarded: bool) -> NDArray:
    """See `medium.pair_map`."""
    from negf_torque.disorder.kernels import dense_pairs

    ends = np.concatenate([[0], np.cumsum(medium.sizes)])
    place = ends[medium.layer] + medium.offset
    out = np.zeros((medium.length, medium.length), complex)
    whole = np.zeros((ends[-1], ends[-1]), complex)
    for b, there, column in block_columns(medium, sigma):
        whole[:, ends[there] : ends[there + 1]] = np.concatenate(column)
        if there == len(medium.sizes) - 1:
            dense_pairs(
                whole, place, medium.orbitals, medium.start, retarded, medium.weights[b], out
            )
    return out
