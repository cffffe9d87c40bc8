"""One chain at a time by a pivoted LU decomposition of its whole banded matrix.

Block elimination from one end divides by the blocks of a part of the chain.  Where that
part is cut off from its lead it has sharp levels of its own, and at one of them the
division loses digits although the whole chain is regular.  This is rare; here is the slow,
safe way for such members of a batch.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from negf_torque.greens.blocks import SparseOperators

__all__ = ["States", "diagonal_blocks", "green_blocks", "scattering_states"]


@dataclass(frozen=True)
class States:
    """psi_l (n_l, m_left + m_right) of every layer, and the couplings V_l."""

    psi: list[NDArray]
    couplings: list[NDArray]
    left_columns: int

    def lead(self, p: int) -> slice:
        """Columns of lead p."""
        return slice(0, self.left_columns) if p == 0 else slice(self.left_columns, None)

    def local(self, operators: SparseOperators, p: int) -> NDArray:
        """tr O psi psi^+ of each operator."""
        result = np.zeros(len(operators))
        for o in range(len(operators)):
            psi = self.psi[operators.layer[o]][:, self.lead(p)]
            result[o] = _trace(operators, o, psi, psi).real
        return result

    def current(self, operators: SparseOperators, p: int) -> NDArray:
        """2 Im tr O V psi_l psi_{l+1}^+ of each operator (in layer l + 1)."""
        result = np.zeros(len(operators))
        for o in range(len(operators)):
            layer = operators.layer[o]
            before = self.couplings[layer - 1] @ self.psi[layer - 1][:, self.lead(p)]
            result[o] = 2 * _trace(operators, o, before, self.psi[layer][:, self.lead(p)]).imag
        return result


def _trace(operators: SparseOperators, o: int, a: NDArray, b: NDArray) -> complex:
    entries = slice(operators.pointer[o], operators.pointer[o + 1])
    pairs = np.einsum("em,em->e", a[operators.column[entries]], b[operators.row[entries]].conj())
    return operators.value[entries] @ pairs


def _band(diagonal: list[NDArray], couplings: list[NDArray]) -> tuple[NDArray, int]:
    sizes = [len(block) for block in diagonal]
    width = max(a + b for a, b in zip(sizes, sizes[1:] + [0], strict=True)) - 1
    band = np.zeros((2 * width + 1, sum(sizes)), complex)

    def put(block, row, column):
        i, j = np.indices(block.shape)
        band[width + i + row - j - column, j + column] = block

    start = 0
    for layer, block in enumerate(diagonal):
        put(block, start, start)
        if layer < len(couplings):
            put(-couplings[layer], start + sizes[layer], start)
            put(-couplings[layer].conj().T, start, start + sizes[layer])
        start += sizes[layer]
    return band, width


def _solve(diagonal: list[NDArray], couplings: list[NDArray], source: NDArray) -> list[NDArray]:
    band, width = _band(diagonal, couplings)
    psi = scipy.linalg.solve_banded((width, width), band, source)
    return np.split(psi, np.cumsum([len(block) for block in diagonal])[:-1])


def scattering_states(
    diagonal: list[NDArray], couplings: list[NDArray], left: NDArray, right: NDArray
) -> States:
    """States from the sources F_L (n_0, m_L) and F_R (n_N, m_R).

    ``diagonal`` holds E - H_l - Sigma_l with the leads' self-energies, ``couplings`` V_l.
    """
    total = sum(len(block) for block in diagonal)
    columns = left.shape[1]
    source = np.zeros((total, columns + right.shape[1]), complex)
    source[: len(left), :columns] = left
    source[total - len(right) :, columns:] = right
    return States(_solve(diagonal, couplings, source), couplings, columns)


def green_blocks(diagonal: list[NDArray], couplings: list[NDArray]) -> list[NDArray]:
    """G_ll of every layer."""
    total = sum(len(block) for block in diagonal)
    rows = _solve(diagonal, couplings, np.eye(total, dtype=complex))
    edges = np.cumsum([0] + [len(block) for block in diagonal])
    return [row[:, a:b] for row, a, b in zip(rows, edges, edges[1:], strict=False)]


def diagonal_blocks(
    onsite: list[NDArray], energy: complex, sigma_left: NDArray, sigma_right: NDArray,
    potential: NDArray | None, self_energy: list | None,
) -> list[NDArray]:
    """E - H_l - U_l - Sigma_l of one member."""
    blocks = []
    for layer, h in enumerate(onsite):
        shift = energy if potential is None else energy - potential[layer]
        block = shift * np.eye(len(h)) - h
        if self_energy is not None and self_energy[layer] is not None:
            block = block - self_energy[layer]
        blocks.append(block)
    blocks[0] = blocks[0] - sigma_left
    blocks[-1] = blocks[-1] - sigma_right
    return blocks
