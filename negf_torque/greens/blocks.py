"""Block-tridiagonal Hamiltonians and local operators, flattened for compiled loops.

A chain of L layers has on-site blocks H_l (n_l, n_l) and couplings V_l = H_{l+1,l}
(n_{l+1}, n_l), each a short Fourier sum over the transverse lattice vectors R,

    H(k) = sum_R H[R] exp(i k.R),

so that a batch of Hamiltonians is given by the phases exp(i k.R) alone.  Only entries that
are not zero are kept.  Layers may differ in size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "HarmonicMatrices",
    "SparseBlocks",
    "SparseOperators",
    "bond_operators",
    "dense",
    "sparse_blocks",
    "sparse_operators",
]


@dataclass(frozen=True)
class HarmonicMatrices:
    """A list of sparse matrices whose entries are Fourier sums.

    Entries ``pointer[m]:pointer[m + 1]`` belong to matrix m; entry e sits at (``row[e]``,
    ``column[e]``) and is the sum of ``value[t] * phase[harmonic[t]]`` over the terms
    ``term[e]:term[e + 1]``.  ``repeats[m]`` tells that matrix m equals matrix m - 1.
    """

    pointer: NDArray
    row: NDArray
    column: NDArray
    term: NDArray
    harmonic: NDArray
    value: NDArray
    repeats: NDArray

    def entries(self, phases: NDArray) -> NDArray:
        """Values of all entries at phases (R,) or (R, B): (entries,) or (entries, B)."""
        terms = self.value.reshape(-1, *[1] * (phases.ndim - 1)) * phases[self.harmonic]
        if len(terms) == len(self.row):
            return terms
        return np.add.reduceat(terms, self.term[:-1], axis=0)


@dataclass(frozen=True)
class SparseBlocks:
    """A block-tridiagonal H(k): layer sizes (L,), on-site blocks (L) and couplings (L - 1).

    ``harmonics`` is the number R of phases that one evaluation needs.
    """

    sizes: NDArray
    harmonics: int
    onsite: HarmonicMatrices
    coupling: HarmonicMatrices

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.sizes)


@dataclass(frozen=True)
class SparseOperators:
    """Operators that each act within one layer, as coordinate lists.

    Operator o acts in layer ``layer[o]``; its entries are ``pointer[o]:pointer[o + 1]`` of
    ``row``, ``column``, ``value``.
    """

    layer: NDArray
    pointer: NDArray
    row: NDArray
    column: NDArray
    value: NDArray
    hermitian: bool

    def __len__(self) -> int:
        return len(self.layer)


def _flatten(matrices: Sequence[NDArray]) -> HarmonicMatrices:
    row: list[int] = []
    column: list[int] = []
    harmonic: list[int] = []
    pointer, count, value, repeats = [0], [], [], []
    previous = None
    for matrix in matrices:
        filled = np.nonzero(np.any(matrix != 0, axis=0))
        for i, j in zip(*filled, strict=True):
            terms = np.nonzero(matrix[:, i, j])[0]
            harmonic.extend(terms)
            value.extend(matrix[terms, i, j])
            count.append(len(terms))
        row.extend(filled[0])
        column.extend(filled[1])
        pointer.append(len(row))
        repeats.append(previous is not None and np.array_equal(previous, matrix))
        previous = matrix
    return HarmonicMatrices(
        pointer=np.array(pointer, np.int64),
        row=np.array(row, np.int64),
        column=np.array(column, np.int64),
        term=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        harmonic=np.array(harmonic, np.int64),
        value=np.array(value, np.complex128),
        repeats=np.array(repeats, np.bool_),
    )


def sparse_blocks(onsite: Sequence[ArrayLike], coupling: Sequence[ArrayLike]) -> SparseBlocks:
    """Flatten a chain of layers.

    Parameters
    ----------
    onsite : L arrays (R, n_l, n_l) complex
        Fourier coefficients of the on-site blocks, in units of energy.
    coupling : L - 1 arrays (R, n_{l+1}, n_l) complex
        Fourier coefficients of V_l = H_{l+1,l}.

    Raises
    ------
    ValueError
        If the number of blocks, their shapes or the numbers of harmonics do not fit.

    Examples
    --------
    >>> chain = sparse_blocks([np.zeros((1, 1, 1))] * 3, [-np.ones((1, 1, 1))] * 2)
    >>> chain.layers, chain.coupling.value
    (3, array([-1.+0.j, -1.+0.j]))
    """
    diagonal = [np.asarray(block, complex) for block in onsite]
    lower = [np.asarray(block, complex) for block in coupling]
    if not diagonal:
        raise ValueError("onsite: no layers. Give at least one block.")
    if len(lower) != len(diagonal) - 1:
        raise ValueError(
            f"coupling: {len(lower)} blocks for {len(diagonal)} layers. "
            f"Give {len(diagonal) - 1}."
        )
    harmonics = diagonal[0].shape[0] if diagonal[0].ndim == 3 else 0
    sizes = [block.shape[-1] for block in diagonal]
    for name, blocks, shapes in (
        ("onsite", diagonal, [(harmonics, n, n) for n in sizes]),
        ("coupling", lower, [(harmonics, m, n) for n, m in zip(sizes, sizes[1:], strict=False)]),
    ):
        for index, (block, shape) in enumerate(zip(blocks, shapes, strict=True)):
            if block.shape != shape or 0 in shape:
                raise ValueError(f"{name}[{index}]: shape {block.shape}; expected {shape}.")
            if not np.all(np.isfinite(block)):
                raise ValueError(f"{name}[{index}]: entries that are not finite.")
    return SparseBlocks(np.array(sizes, np.int64), harmonics, _flatten(diagonal), _flatten(lower))


def sparse_operators(operators: Sequence[tuple[int, ArrayLike]]) -> SparseOperators:
    """Flatten a list of (layer, matrix (n_l, n_l))."""
    row: list[NDArray] = []
    column: list[NDArray] = []
    value: list[NDArray] = []
    layer, pointer = [], [0]
    hermitian = True
    for index, (where, matrix) in enumerate(operators):
        matrix = np.asarray(matrix, complex)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"operators[{index}]: shape {matrix.shape}; expected a square matrix.")
        scale = np.abs(matrix).max(initial=0.0)
        hermitian &= bool(np.all(np.abs(matrix - matrix.conj().T) <= 1e-13 * scale))
        filled = np.nonzero(matrix)
        layer.append(int(where))
        row.extend(filled[0])
        column.extend(filled[1])
        value.extend(matrix[filled])
        pointer.append(len(row))
    return SparseOperators(
        np.array(layer, np.int64),
        np.array(pointer, np.int64),
        np.array(row, np.int64),
        np.array(column, np.int64),
        np.array(value, np.complex128),
        hermitian,
    )


def bond_operators(per_layer: Sequence[ArrayLike]) -> SparseOperators:
    """Operators O_{l+1} of the currents through the bonds l -> l + 1.

    Parameters
    ----------
    per_layer : L arrays (n_current, n_l, n_l)
        The same quantities in every layer (for example the Pauli matrices, times the unit
        matrix of the orbitals).  Those of layer 0 are not used: the current through a bond
        is measured at its right end.
    """
    matrices = [np.asarray(layer) for layer in per_layer]
    return sparse_operators([(n, m) for n, ms in enumerate(matrices) if n > 0 for m in ms])


def dense(blocks: SparseBlocks, phases: ArrayLike) -> tuple[list[NDArray], list[NDArray]]:
    """The blocks as full matrices: lists of (B, n_l, n_l) and of (B, n_{l+1}, n_l).

    Parameters
    ----------
    phases : (R, B) complex
        exp(i k.R).
    """
    phases = np.asarray(phases, complex)
    sizes = blocks.sizes

    def expand(matrices, shapes):
        values = matrices.entries(phases).T
        result = []
        for m, shape in enumerate(shapes):
            full = np.zeros((phases.shape[1], *shape), complex)
            part = slice(matrices.pointer[m], matrices.pointer[m + 1])
            full[:, matrices.row[part], matrices.column[part]] = values[:, part]
            result.append(full)
        return result

    return (
        expand(blocks.onsite, [(n, n) for n in sizes]),
        expand(blocks.coupling, [(m, n) for n, m in zip(sizes, sizes[1:], strict=False)]),
    )
