"""From the public data structures to the flat arrays of the compiled elimination."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens import structures
from negf_torque.greens.blocks import HarmonicMatrices, SparseBlocks, SparseOperators
from negf_torque.greens.observables import Plan, plan
from negf_torque.greens.partition import Partition, left_partition
from negf_torque.greens.surface import LeadSelfEnergy

__all__ = [
    "SelfEnergy",
    "pack_chain",
    "pack_leads",
    "pack_plan",
    "pack_self_energy",
    "partition_of",
    "plain_array",
]

SelfEnergy = Sequence[ArrayLike | None]


def plain_array(array: ArrayLike, dtype: type | None = None) -> NDArray:
    """One kind of array only, so that kernels are compiled once."""
    return np.require(array, dtype, ["C", "A", "W"])


def _pack_matrices(
    matrices: HarmonicMatrices, order: Partition, same: NDArray, down: int
) -> structures.Matrices:
    """Entries in the partition's order; ``down`` is 1 where rows belong to the next layer.

    ``same`` tells which layers are ordered as the one before.
    """
    owner = np.repeat(np.arange(len(matrices.repeats)), np.diff(matrices.pointer))
    row = order.position[order.offset[owner + down] + matrices.row]
    column = order.position[order.offset[owner] + matrices.column]
    by_row = np.lexsort((column, row, owner))
    row, column = row[by_row], column[by_row]
    by_column = np.lexsort((row, column, owner))
    same = same[:-1] & same[1:] if down else same
    return structures.Matrices(
        matrices.pointer, row, column, matrices.term[by_row], matrices.term[by_row + 1],
        matrices.harmonic, matrices.value, matrices.repeats & same,
        by_column, row[by_column], column[by_column],
    )


def pack_chain(
    blocks: SparseBlocks, order: Partition, phases: NDArray, potential: ArrayLike | None
) -> structures.Chain:
    """The chain as the kernels read it."""
    batch = phases.shape[1]
    if potential is None:
        shift = np.zeros((0, batch))
    else:
        shift = plain_array(np.broadcast_to(potential, (blocks.layers, batch)), float)
    largest = [np.abs(m.value).max(initial=0.0) for m in (blocks.onsite, blocks.coupling)]
    same = order.unchanged()
    return structures.Chain(
        blocks.sizes,
        structures.Blocks(order.pointer, order.start, order.stop),
        _pack_matrices(blocks.onsite, order, same, 0),
        _pack_matrices(blocks.coupling, order, same, 1),
        phases,
        shift,
        float(max(largest)),
    )


def pack_plan(operators: SparseOperators, order: Partition, hermitian: bool) -> Plan:
    """A plan with rows and columns in the partition's order."""
    scheme = plan(operators, len(order.offset) - 1, hermitian)
    start = np.repeat(order.offset[:-1], np.diff(scheme.element))
    return scheme._replace(
        row=order.position[start + scheme.row], column=order.position[start + scheme.column]
    )


def partition_of(
    blocks: SparseBlocks, left: NDArray, right: NDArray, self_energy: SelfEnergy | None
) -> Partition:
    """Which orbitals of each layer a self-energy touches: they are kept apart."""
    local: dict[int, Any] = {}
    for layer, sigma in ((0, left), (blocks.layers - 1, right)):
        local[layer] = local.get(layer, False) | np.any(sigma != 0, axis=0)
    for layer, given in enumerate(self_energy or ()):
        if given is not None:
            full = np.asarray(given).reshape(*np.shape(given)[:2], -1)
            local[layer] = local.get(layer, False) | np.any(full != 0, axis=2)
    return left_partition(blocks, local)


def pack_self_energy(
    blocks: SparseBlocks, order: Partition, self_energy: SelfEnergy | None
) -> structures.Extra:
    """The local self-energies as the kernels read them."""
    pointer = np.full(blocks.layers, -1, np.int64)
    rows: list[NDArray] = []
    filled = 0
    for layer, local in enumerate(self_energy or ()):
        if local is None:
            continue
        here = order.orbitals(layer)
        matrix = np.asarray(local, complex)[here[:, None], here]
        pointer[layer] = filled
        filled += len(here) ** 2
        rows.append(matrix.reshape(len(here) ** 2, -1))
    if not rows:
        return structures.Extra(pointer, np.zeros((0, 1), complex))
    width = max(part.shape[1] for part in rows)
    value = np.concatenate([np.broadcast_to(part, (len(part), width)) for part in rows])
    return structures.Extra(pointer, plain_array(value))


def pack_leads(left: LeadSelfEnergy, right: LeadSelfEnergy, order: Partition) -> structures.Leads:
    """Both leads' self-energies and channels as the kernels read them.

    In one set of types: real vectors beside complex ones would be three more kernels to compile.
    """
    fields: list[NDArray] = []
    for lead, layer in ((left, 0), (right, len(order.offset) - 2)):
        fields += [np.asarray(lead.sigma, complex), np.asarray(lead.vectors, complex), lead.flux]
        fields += [lead.open_channels, order.orbitals(layer)]
    return structures.Leads(*map(plain_array, fields))
