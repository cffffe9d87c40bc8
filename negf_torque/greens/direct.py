"""A whole chain by a pivoted sparse LU decomposition: slower, but always stable.

Block elimination from one end divides by the blocks of a part of the chain.  Where that
part is cut off from its lead it has sharp levels of its own, and at one of them the
division loses digits although the whole chain is regular.  This is rare; here is the safe
way for such cases.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import block_array, coo_array, csr_array
from scipy.sparse.linalg import splu

from negf_torque.greens.blocks import HarmonicMatrices, SparseBlocks
from negf_torque.greens.observables import States

__all__ = [
    "coupling_matrices",
    "elimination_states",
    "green_blocks",
    "onsite_matrices",
    "scattering_states",
]


def onsite_matrices(blocks: SparseBlocks, phases: NDArray) -> list[csr_array]:
    """On-site blocks H_l at phases (R,)."""
    sizes = [int(n) for n in blocks.sizes]
    return _sparse(blocks.onsite, phases, [(n, n) for n in sizes])


def coupling_matrices(blocks: SparseBlocks, phases: NDArray) -> list[csr_array]:
    """Couplings V_l at phases (R,)."""
    sizes = [int(n) for n in blocks.sizes]
    shapes = [(m, n) for n, m in zip(sizes, sizes[1:], strict=False)]
    return _sparse(blocks.coupling, phases, shapes)


def _sparse(
    matrices: HarmonicMatrices, phases: NDArray, shapes: list[tuple[int, int]]
) -> list[csr_array]:
    totals = matrices.entries(phases)
    result: list[csr_array] = []
    for m, shape in enumerate(shapes):
        if matrices.repeats[m]:
            result.append(result[-1])
            continue
        part = slice(matrices.pointer[m], matrices.pointer[m + 1])
        places = (matrices.row[part], matrices.column[part])
        result.append(csr_array((totals[part], places), shape=shape))
    return result


def _diagonal(onsite, energy, sigmas, potential, self_energy):
    """E - H_l - U_l - Sigma_l, dense."""
    blocks = []
    for layer, h in enumerate(onsite):
        shift = energy if potential is None else energy - potential[layer]
        block = shift * np.eye(h.shape[0]) - h.toarray()
        if self_energy is not None and self_energy[layer] is not None:
            block = block - self_energy[layer]
        blocks.append(block)
    blocks[0] = blocks[0] - sigmas[0]
    blocks[-1] = blocks[-1] - sigmas[1]
    return blocks


def _factorise(diagonal, couplings):
    """LU decomposition of E - H - U - Sigma."""
    layers = len(diagonal)
    grid = [[None] * layers for _ in range(layers)]
    for layer, block in enumerate(diagonal):
        grid[layer][layer] = coo_array(block)
        if layer < layers - 1:
            grid[layer + 1][layer] = -couplings[layer]
            grid[layer][layer + 1] = -couplings[layer].conj().T
    return splu(block_array(grid, format="csc", dtype=complex))


def elimination_states(
    diagonal: list[NDArray], couplings: list[csr_array], sources: tuple[NDArray, NDArray]
) -> tuple[list[NDArray], list[NDArray]]:
    """(G F)_l of both leads from the blocks E - H_l - U_l - Sigma_l and the couplings V_l."""
    factors = _factorise(diagonal, couplings)
    edges = np.cumsum([len(block) for block in diagonal])
    psi = []
    for source, rows in zip(
        sources, (slice(0, len(sources[0])), slice(edges[-1] - len(sources[1]), None)),
        strict=True,
    ):
        right = np.zeros((edges[-1], source.shape[1]), complex)
        right[rows] = source
        psi.append(np.split(factors.solve(right) if source.shape[1] else right, edges[:-1]))
    return psi[0], psi[1]


def scattering_states(
    onsite: list[csr_array],
    couplings: list[csr_array],
    energy: complex,
    sigmas: tuple[NDArray, NDArray],
    sources: tuple[NDArray, NDArray],
    potential: ArrayLike | None = None,
    self_energy: list | None = None,
) -> States:
    """States from the sources F_L (n_0, m_L) and F_R (n_N, m_R) of one chain."""
    diagonal = _diagonal(onsite, energy, sigmas, potential, self_energy)
    return States(elimination_states(diagonal, couplings, sources), couplings)


def green_blocks(
    onsite: list[csr_array],
    couplings: list[csr_array],
    energy: complex,
    sigmas: tuple[NDArray, NDArray],
    potential: ArrayLike | None = None,
    self_energy: list | None = None,
) -> list[NDArray]:
    """G_ll of every layer."""
    factors = _factorise(_diagonal(onsite, energy, sigmas, potential, self_energy), couplings)
    edges = np.cumsum([0] + [h.shape[0] for h in onsite])
    green = factors.solve(np.eye(edges[-1], dtype=complex))
    return [green[a:b, a:b] for a, b in zip(edges, edges[1:], strict=False)]
