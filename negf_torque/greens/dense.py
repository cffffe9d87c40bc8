"""Small chains by dense linear algebra with pivoting: the safe way, many members at once.

Block elimination loses digits where the part of a chain on one side is all but cut off from its
lead, close to a band edge of the lead for example.  Adaptive quadrature looks at many such
momenta; they are solved again here, as one stack of matrices.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from negf_torque.greens.blocks import SparseBlocks, SparseOperators, dense
from negf_torque.greens.observables import plan
from negf_torque.greens.surface import LeadSelfEnergy

__all__ = ["LARGEST", "dense_states", "expectation", "flow"]

#: Orbitals of a chain up to which this is faster than one sparse decomposition for each member.
LARGEST = 256

# Complex numbers held at once: 64 MB.
_HELD = 4_000_000


def dense_states(
    blocks: SparseBlocks,
    phases: NDArray,
    energy: NDArray,
    leads: tuple[LeadSelfEnergy, LeadSelfEnergy],
    potential: NDArray | None,
    self_energy: list[NDArray | None] | None,
) -> tuple[list[NDArray], list[NDArray], list[NDArray]]:
    """psi of both leads and couplings: lists over layers of (B, n_l, m) and (B, n_{l+1}, n_l).

    Parameters
    ----------
    phases : (R, B)
    energy : (B,)
    potential : (L, B), optional
    self_energy : L entries None or (n_l, n_l) or (n_l, n_l, B), optional
    """
    onsite, couplings = dense(blocks, phases)
    sizes = [int(n) for n in blocks.sizes]
    ends = np.cumsum(sizes)
    starts = ends - sizes
    batch, total = len(energy), int(ends[-1])
    columns = [lead.flux.shape[1] for lead in leads]
    psi = np.empty((batch, total, sum(columns)), complex)
    step = max(1, _HELD // total**2)
    for first in range(0, batch, step):
        here = slice(first, min(first + step, batch))
        count = here.stop - here.start
        matrix = np.zeros((count, total, total), complex)
        diagonal = np.arange(total)
        matrix[:, diagonal, diagonal] = energy[here, None]
        for layer, (low, high) in enumerate(zip(starts, ends, strict=True)):
            block = matrix[:, low:high, low:high]
            block -= onsite[layer][here]
            if potential is not None:
                block -= potential[layer, here, None, None] * np.eye(high - low)
            if self_energy is not None and self_energy[layer] is not None:
                local = np.asarray(self_energy[layer])
                block -= local if local.ndim == 2 else np.moveaxis(local[:, :, here], 2, 0)
            if layer:
                before = slice(starts[layer - 1], low)
                v = couplings[layer - 1][here]
                matrix[:, low:high, before] -= v
                matrix[:, before, low:high] -= v.conj().swapaxes(1, 2)
        matrix[:, : sizes[0], : sizes[0]] -= leads[0].sigma[here]
        matrix[:, starts[-1] :, starts[-1] :] -= leads[1].sigma[here]
        sources = np.zeros((count, total, sum(columns)), complex)
        sources[:, : sizes[0], : columns[0]] = leads[0].source[here]
        sources[:, starts[-1] :, columns[0] :] = leads[1].source[here]
        psi[here] = np.linalg.solve(matrix, sources)
    layers = [psi[:, low:high] for low, high in zip(starts, ends, strict=True)]
    split = columns[0]
    return [x[:, :, :split] for x in layers], [x[:, :, split:] for x in layers], couplings


def expectation(operators: SparseOperators, psi: list[NDArray]) -> NDArray:
    """sum over states of psi_l^+ O psi_l, O hermitian: (n_operators, B)."""
    return _evaluate(operators, True, psi, psi).real


def flow(operators: SparseOperators, psi: list[NDArray], couplings: list[NDArray]) -> NDArray:
    """2 Im psi_{l+1}^+ O V_l psi_l: (n_operators, B), operators in the layers l + 1."""
    moved = [np.zeros_like(psi[0])]
    moved += [v @ x for v, x in zip(couplings, psi[:-1], strict=True)]
    return 2 * _evaluate(operators, False, moved, psi).imag


def _evaluate(
    operators: SparseOperators, hermitian: bool, a: list[NDArray], b: list[NDArray]
) -> NDArray:
    """tr O A B^+ of all operators."""
    scheme = plan(operators, len(a), hermitian)
    rho = np.zeros((len(scheme.row), a[0].shape[0]), complex)
    for layer, (left, right) in enumerate(zip(a, b, strict=True)):
        here = slice(scheme.element[layer], scheme.element[layer + 1])
        rho[here] = np.einsum(
            "bem,bem->eb", left[:, scheme.row[here]], right[:, scheme.column[here]].conj()
        )
    count = len(scheme.operator)
    terms = np.diff(scheme.term)
    first = np.repeat(scheme.element[:-1], np.diff(scheme.group))
    place = np.repeat(first, terms) + scheme.which
    owner = scheme.operator[np.repeat(np.arange(count), terms)]
    return csr_array((scheme.weight, (owner, place)), shape=(count, len(rho))) @ rho
