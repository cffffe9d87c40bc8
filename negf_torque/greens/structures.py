"""What the compiled elimination reads and writes, as flat arrays, and its workspace."""

from typing import NamedTuple

import numpy as np

__all__ = [
    "Blocks",
    "Chain",
    "Extra",
    "Layout",
    "Leads",
    "Matrices",
    "Outputs",
    "layout",
]


class Matrices(NamedTuple):
    """Flattened on-site blocks or couplings, see `blocks.HarmonicMatrices`.

    Rows and columns are counted in the partition's order of the orbitals, and the entries of
    each matrix are sorted by rows; ``begin[e]:end[e]`` are the terms of entry e.
    ``by_column[e]`` is the entry that comes e-th when a matrix is sorted by columns;
    ``row_of`` and ``column_of`` are the rows and columns in that order.
    """

    pointer: np.ndarray
    row: np.ndarray
    column: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    harmonic: np.ndarray
    value: np.ndarray
    repeats: np.ndarray
    by_column: np.ndarray
    row_of: np.ndarray
    column_of: np.ndarray


class Blocks(NamedTuple):
    """Sets of orbitals of a layer that nothing links from the left, see `partition`.

    Those of layer l are the ranges ``start[b]:stop[b]``, b in ``pointer[l]:pointer[l + 1]``:
    the left-connected g_l is block-diagonal.
    """

    pointer: np.ndarray
    start: np.ndarray
    stop: np.ndarray


class Chain(NamedTuple):
    """The Hamiltonian, phases (R, B), potential (L, B or 0), and the scale of its entries."""

    sizes: np.ndarray
    blocks: Blocks
    onsite: Matrices
    coupling: Matrices
    phases: np.ndarray
    potential: np.ndarray
    scale: float


class Extra(NamedTuple):
    """Further local self-energies: row of `value` where each layer begins, or -1."""

    pointer: np.ndarray
    value: np.ndarray


class Leads(NamedTuple):
    """Self-energies (B, n, n), unit vectors of the channels (B, n, m), sqrt of Gamma's
    eigenvalues (B, m), and which orbital the partition puts at each position."""

    sigma_left: np.ndarray
    vectors_left: np.ndarray
    flux_left: np.ndarray
    open_left: np.ndarray
    orbitals_left: np.ndarray
    sigma_right: np.ndarray
    vectors_right: np.ndarray
    flux_right: np.ndarray
    open_right: np.ndarray
    orbitals_right: np.ndarray


class Layout(NamedTuple):
    """Where things lie in the workspace, in elements; see `layout`."""

    growth: int
    value: int
    energy: int
    phases: int
    pivot: int
    u_left: int
    f_left: int
    u_right: int
    f_right: int
    h: int
    v: int
    scratch: int
    other: int
    spare: int
    psi: int
    next: int
    z: int
    rho: int
    green: int
    column: int
    end: int


def layout(sizes, phases, entries, rho, columns, stored):
    """Lay the workspace out for chains of these layer sizes.

    Parameters: layer sizes, number of phases, largest number of entries of a V and of
    elements of a plan's layer, largest number of open channels of one lead, and how many
    columns a layer keeps between the sweeps.
    """
    n = int(max(sizes))
    wide = max(n, 2 * columns)
    lengths = [1, 1, 1, phases, n] + [n * columns] * 4
    lengths += [n * n, 2 * entries, n * wide, n * wide, n * n]
    lengths += [n * wide] * 3 + [rho, int(np.sum(np.square(sizes))), int(np.sum(sizes)) * stored]
    return Layout(*(int(x) for x in np.concatenate([[0], np.cumsum(lengths)])))


class Outputs(NamedTuple):
    """Arrays that `solve_chunks` fills; see `batched.Fields`."""

    scattering: bool
    reflection: np.ndarray
    transmission_left: np.ndarray
    reflection_right: np.ndarray
    transmission_right: np.ndarray
    transmission: np.ndarray
    local: np.ndarray
    current: np.ndarray
    growth: np.ndarray
