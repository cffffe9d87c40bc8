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

from negf_torque.greens.blocks import SparseBlocks
from negf_torque.greens.observables import States

__all__ = ["chain_matrices", "green_blocks", "scattering_states"]


def chain_matrices(
    blocks: SparseBlocks, phases: NDArray
) -> tuple[list[csr_array], list[csr_array]]:
    """On-site blocks H_l and couplings V_l as sparse matrices, at phases (R,)."""
    sizes = [int(n) for n in blocks.sizes]

    def expand(matrices, shapes):
        counts = np.diff(matrices.term)
        owner = np.repeat(np.arange(len(counts)), counts)
        values = matrices.value * phases[matrices.harmonic]
        totals = np.zeros(len(counts), complex)
        np.add.at(totals, owner, values)
        result = []
        for m, shape in enumerate(shapes):
            part = slice(matrices.pointer[m], matrices.pointer[m + 1])
            places = (matrices.row[part], matrices.column[part])
            result.append(coo_array((totals[part], places), shape=shape).tocsr())
        return result

    return (
        expand(blocks.onsite, [(n, n) for n in sizes]),
        expand(blocks.coupling, [(m, n) for n, m in zip(sizes, sizes[1:], strict=False)]),
    )


def _factorise(onsite, couplings, energy, sigma_left, sigma_right, potential, self_energy):
    """LU decomposition of E - H - U - Sigma."""
    layers = len(onsite)
    grid = [[None] * layers for _ in range(layers)]
    for layer, h in enumerate(onsite):
        shift = energy if potential is None else energy - potential[layer]
        block = shift * np.eye(h.shape[0]) - h.toarray()
        if self_energy is not None and self_energy[layer] is not None:
            block = block - self_energy[layer]
        if layer == 0:
            block = block - sigma_left
        if layer == layers - 1:
            block = block - sigma_right
        grid[layer][layer] = coo_array(block)
        if layer < layers - 1:
            grid[layer + 1][layer] = -couplings[layer]
            grid[layer][layer + 1] = -couplings[layer].conj().T
    return splu(block_array(grid, format="csc", dtype=complex))


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
    factors = _factorise(onsite, couplings, energy, *sigmas, potential, self_energy)
    edges = np.cumsum([h.shape[0] for h in onsite])
    psi = []
    for source, rows in zip(sources, (slice(0, edges[0]), slice(-len(sources[1]), None)),
                            strict=True):
        right = np.zeros((edges[-1], source.shape[1]), complex)
        right[rows] = source
        psi.append(np.split(factors.solve(right) if source.shape[1] else right, edges[:-1]))
    return States((psi[0], psi[1]), couplings)


def green_blocks(
    onsite: list[csr_array],
    couplings: list[csr_array],
    energy: complex,
    sigmas: tuple[NDArray, NDArray],
    potential: ArrayLike | None = None,
    self_energy: list | None = None,
) -> list[NDArray]:
    """G_ll of every layer."""
    factors = _factorise(onsite, couplings, energy, *sigmas, potential, self_energy)
    edges = np.cumsum([0] + [h.shape[0] for h in onsite])
    green = factors.solve(np.eye(edges[-1], dtype=complex))
    return [green[a:b, a:b] for a, b in zip(edges, edges[1:], strict=False)]
