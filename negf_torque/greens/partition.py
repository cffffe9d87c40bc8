"""Which orbitals of a layer are linked through the part of the chain to its left.

Before the first place where the chain links them (a moment that is not along the others',
a spin-orbit coupling), sets of orbitals such as the two spins are independent, and the
left-connected Green's functions are block-diagonal.  The blocks follow from where the
Hamiltonian has entries at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens.blocks import HarmonicMatrices, SparseBlocks

__all__ = ["Partition", "left_partition"]

#: Layers of up to so many orbitals stay whole.
_SMALL = 3


@dataclass(frozen=True)
class Partition:
    """An order of the orbitals of each layer in which the blocks are contiguous.

    ``orbital[offset[l] + p]`` is the orbital at position p of layer l, ``position`` the
    inverse.  The blocks of layer l are ``start[b]:stop[b]``, b in ``pointer[l]:pointer[l + 1]``.
    """

    offset: NDArray
    orbital: NDArray
    position: NDArray
    pointer: NDArray
    start: NDArray
    stop: NDArray

    def unchanged(self) -> NDArray:
        """(L,) bool: whether a layer's order is that of the layer before."""
        sizes = np.diff(self.offset)
        same = np.zeros(len(sizes), bool)
        for layer in (np.flatnonzero(sizes[1:] == sizes[:-1]) + 1).tolist():
            same[layer] = np.array_equal(self.orbitals(layer), self.orbitals(layer - 1))
        return same

    def orbitals(self, layer: int) -> NDArray:
        """Orbitals of a layer in the partition's order."""
        return self.orbital[self.offset[layer] : self.offset[layer + 1]]


def _links(matrices: HarmonicMatrices, m: int) -> tuple[NDArray, NDArray]:
    here = slice(matrices.pointer[m], matrices.pointer[m + 1])
    return matrices.row[here], matrices.column[here]


def _components(rows: NDArray, columns: NDArray, count: int) -> NDArray:
    """Smallest number that each of ``count`` vertices is connected to (graphs of few dozens)."""
    label = np.arange(count)
    while True:
        low = np.minimum(label[rows], label[columns])
        following = label.copy()
        np.minimum.at(following, rows, low)
        np.minimum.at(following, columns, low)
        following = following[following]
        if np.array_equal(following, label):
            return label
        label = following


def _whole(sizes: NDArray) -> Partition:
    """One block for every layer, in the given order."""
    count = len(sizes)
    places = np.concatenate([np.arange(n) for n in sizes])
    offset = np.concatenate([[0], np.cumsum(sizes)])
    return Partition(offset, places, places, np.arange(count + 1), 0 * sizes, 1 * sizes)


def left_partition(blocks: SparseBlocks, local: dict[int, NDArray]) -> Partition:
    """Partition the orbitals of every layer.

    Parameters
    ----------
    blocks : SparseBlocks
    local : dict
        For some layers, a further matrix (n_l, n_l) of what is linked (non-zero): the leads'
        self-energies on the first and last layer, and others.
    """
    if blocks.sizes.max() <= _SMALL:
        return _whole(blocks.sizes)
    labels: list[NDArray] = []
    parts = 0
    for layer, n in enumerate(blocks.sizes):
        settled = (
            layer > 1
            and layer not in local
            and blocks.onsite.repeats[layer]
            and blocks.coupling.repeats[layer - 1]
            and len(labels[-1]) == len(labels[-2])
            and np.array_equal(labels[-1], labels[-2])
        )
        if settled:
            labels.append(labels[-1])
            continue
        row, column = _links(blocks.onsite, layer)
        rows, columns = [row], [column]
        if layer > 0:
            row, column = _links(blocks.coupling, layer - 1)
            rows.append(row)
            columns.append(n + labels[-1][column])
        if layer in local:
            row, column = np.nonzero(local[layer])
            rows.append(row)
            columns.append(column)
        found = _components(np.concatenate(rows), np.concatenate(columns), n + parts)[:n]
        labels.append(np.unique(found, return_inverse=True)[1])
        parts = labels[-1].max() + 1
    # blocks of one or two orbitals are not worth the trouble
    labels = [label if len(label) > _SMALL else 0 * label for label in labels]
    offset = np.concatenate([[0], np.cumsum(blocks.sizes)])
    orders = [np.argsort(label, kind="stable") for label in labels]
    counts = [np.bincount(label) for label in labels]
    stop = [np.cumsum(count) for count in counts]
    return Partition(
        offset=offset,
        orbital=np.concatenate(orders),
        position=np.concatenate([np.argsort(order) for order in orders]),
        pointer=np.concatenate([[0], np.cumsum([len(count) for count in counts])]),
        start=np.concatenate([end - count for end, count in zip(stop, counts, strict=True)]),
        stop=np.concatenate(stop),
    )
