"""Supercells of a stack: many cells of the cross-section as one, so that they can differ.

With n cells per periodic direction the orbitals of cell c sit at c, 0 <= c < n, and

    <c|H|c'>[S] = H[c' - c + n S],

where S counts supercells; the supercell's momentum is K = n k.  Layers, leads and sites repeat
cell by cell, cells outermost in each layer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain, LeadCell, SiteTable

__all__ = ["Supercell", "supercell"]


@dataclass(frozen=True)
class Supercell:
    """A chain of supercells and where its sites come from.

    Attributes
    ----------
    chain : LayerChain
    origin : (sites,) int
        Site of the single cell that each site repeats.
    cell : (sites, d) int
        Cell that it lies in.
    cells : int
        Number of cells.
    """

    chain: LayerChain
    origin: NDArray
    cell: NDArray
    cells: int


def supercell(chain: LayerChain, shape: int | Sequence[int]) -> Supercell:
    """Repeat the cross-section of a stack.

    Parameters
    ----------
    chain : LayerChain
    shape : int or one int per periodic direction
        Cells per direction.  A chain without periodic directions stays as it is.

    Raises
    ------
    ValueError
        If a number of cells is not a whole number above 0.

    Examples
    --------
    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> cell = layer_chain(build_stack([Layer(3, exchange=1.0)]))
    >>> supercell(cell, (2, 3)).chain.sizes
    (12, 12, 12, 12, 12)
    """
    d = chain.dimension
    given: list[Any] = [shape] * d if np.ndim(shape) == 0 else np.asarray(shape).tolist()
    if len(given) != d or any(int(n) != n or n < 1 for n in given):
        raise ValueError(f"shape: {shape!r}; expected {d} whole numbers of cells, 1 or more each.")
    if d == 0:
        count = len(chain.sites.layer)
        return Supercell(chain, np.arange(count), np.zeros((count, 0), int), 1)
    n = np.array(given, int)
    cells = np.array(list(product(*(range(m) for m in n))), int).reshape(int(np.prod(n)), d)
    folding = _folding(chain.displacements, cells, n)

    def fold(harmonics: NDArray) -> NDArray:
        return _fold(harmonics, folding, len(cells))

    sites, origin, which = _repeat(chain.sites, np.array(chain.sizes), len(cells))
    leads = [
        _lead(lead, size, fold, len(cells))
        for lead, size in ((chain.left, chain.sizes[0]), (chain.right, chain.sizes[-1]))
    ]
    whole = replace(
        chain,
        displacements=folding.displacements,
        onsite=tuple(map(fold, chain.onsite)),
        coupling=tuple(map(fold, chain.coupling)),
        sites=sites,
        left=leads[0],
        right=leads[1],
    )
    return Supercell(whole, origin, cells[which], len(cells))


@dataclass(frozen=True)
class _Folding:
    """Displacements S of supercells, and (harmonic S, row cell, column cell) of every (R, c)."""

    displacements: NDArray
    harmonic: NDArray
    row: NDArray
    column: NDArray


def _folding(displacements: NDArray, cells: NDArray, n: NDArray) -> _Folding:
    target = displacements[:, None, :] + cells[None]  # (R, cells, d)
    outer = np.floor_divide(target, n)
    inside = target - outer * n
    weights = np.concatenate([np.cumprod(n[::-1])[::-1][1:], [1]])
    found, harmonic = np.unique(outer.reshape(-1, len(n)), axis=0, return_inverse=True)
    shape = target.shape[:2]
    column = inside @ weights
    row = np.broadcast_to(np.arange(len(cells)), shape)
    return _Folding(found, harmonic.reshape(shape), row, column)


def _fold(harmonics: NDArray, folding: _Folding, cells: int) -> NDArray:
    """(R, m, n) -> (S, cells m, cells n)."""
    m, n = harmonics.shape[1:]
    whole = np.zeros((len(folding.displacements), cells, cells, m, n), complex)
    for index, harmonic in enumerate(harmonics):
        where = folding.harmonic[index], folding.row[index], folding.column[index]
        np.add.at(whole, where, harmonic)
    return whole.transpose(0, 1, 3, 2, 4).reshape(len(whole), cells * m, cells * n)


def _repeat(table: SiteTable, sizes: NDArray, cells: int) -> tuple[SiteTable, NDArray, NDArray]:
    """The sites of all cells, layer by layer and in each layer cell by cell."""
    count = len(table.layer)
    # stable: the order within a layer's cell stays
    order = np.lexsort(
        (
            np.tile(np.arange(count), cells),
            np.repeat(np.arange(cells), count),
            np.tile(table.layer, cells),
        )
    )
    origin, which = order % count, order // count
    return (
        SiteTable(
            layer=table.layer[origin],
            offset=table.offset[origin] + which * sizes[table.layer[origin]],
            orbitals=table.orbitals[origin],
            position=table.position[origin],
            magnet=tuple(table.magnet[i] for i in origin),
            exchange=table.exchange[origin],
            spin=tuple(table.spin[i] for i in origin),
            exchange_operator=tuple(table.exchange_operator[i] for i in origin),
        ),
        origin,
        which,
    )


def _lead(lead: LeadCell, layer_size: int, fold: Callable[[NDArray], NDArray], cells: int):
    """The lead's supercell; rows that face the device stay in front."""
    size, width = lead.onsite.shape[-1], len(lead.interface)
    row = np.arange(cells * size)
    front = row % size < width
    order = np.concatenate([row[front], row[~front]])
    table, _, _ = _repeat(lead.sites, np.array([size]), cells)
    new_row = np.empty_like(row)
    new_row[order] = row
    sequence = np.argsort(new_row[table.offset])
    sites = SiteTable(
        layer=table.layer[sequence],
        offset=new_row[table.offset][sequence],
        orbitals=table.orbitals[sequence],
        position=table.position[sequence],
        magnet=tuple(table.magnet[i] for i in sequence),
        exchange=table.exchange[sequence],
        spin=tuple(table.spin[i] for i in sequence),
        exchange_operator=tuple(table.exchange_operator[i] for i in sequence),
    )
    rows = np.arange(cells)[:, None] * layer_size + lead.interface
    return LeadCell(
        onsite=fold(lead.onsite)[:, order[:, None], order],
        hopping=fold(lead.hopping)[:, order[:, None], order],
        attachment=fold(lead.attachment)[:, :, order],
        interface=rows.ravel(),
        sites=sites,
    )
