"""Expectation values of sparse operators from density matrices, without forming either.

An operator needs only those elements of rho = psi psi^+ where it is not zero; operators of
one layer (the spins of its sites, say) share many of them.  A plan lists the elements that
are needed and the weights with which each operator combines them,

    tr O rho = sum_ij O_ij rho_ji.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from negf_torque.greens.blocks import SparseOperators

__all__ = ["Plan", "States", "plan"]


class Plan(NamedTuple):
    """Which matrix elements of a layer are needed, and how operators are made of them.

    Elements ``element[l]:element[l + 1]`` of layer l are rho[row, column]; operators
    ``group[l]:group[l + 1]`` are in layer l, number ``operator[g]`` of the list, and equal
    the sum of ``weight[t] * rho[which[t]]`` over the terms ``term[g]:term[g + 1]``, with
    ``which`` counted from the layer's first element.
    """

    element: NDArray
    row: NDArray
    column: NDArray
    group: NDArray
    operator: NDArray
    term: NDArray
    which: NDArray
    weight: NDArray


def plan(operators: SparseOperators, layers: int, hermitian: bool) -> Plan:
    """Plan the evaluation of operators of a chain.

    ``hermitian``: the operators and rho are hermitian, so that the upper triangle is enough;
    the real part of the combination is the expectation value.
    """
    order = np.argsort(operators.layer, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    group_of = np.repeat(rank, np.diff(operators.pointer))
    row, column, weight = operators.row, operators.column, operators.value
    if hermitian:
        # O_ij rho_ji + O_ji rho_ij = 2 Re conj(O_ij) rho_ij
        upper = row <= column
        group_of, row, column = group_of[upper], row[upper], column[upper]
        weight = np.where(row < column, 2, 1) * weight[upper].conj()
    else:
        row, column = column, row
    sequence = np.argsort(group_of, kind="stable")
    group_of, row, column = group_of[sequence], row[sequence], column[sequence]
    layer = operators.layer[order][group_of]
    width = 1 + max(row.max(initial=0), column.max(initial=0))
    keys, position = np.unique((layer * width + row) * width + column, return_inverse=True)
    element = np.searchsorted(keys, np.arange(layers + 1) * width * width)
    return Plan(
        element=element.astype(np.int64),
        row=(keys // width) % width,
        column=keys % width,
        group=np.searchsorted(operators.layer[order], np.arange(layers + 1)).astype(np.int64),
        operator=order.astype(np.int64),
        term=np.searchsorted(group_of, np.arange(len(order) + 1)).astype(np.int64),
        which=(position - element[layer]).astype(np.int64),
        weight=weight[sequence].astype(np.complex128),
    )


@dataclass(frozen=True)
class States:
    """Scattering states of both leads on a chain of layers.

    Attributes
    ----------
    psi : pair of lists over layers of (n_l, m_p) complex
        psi[p][l] = (G F_p)_l, F_p the sources of lead p's open channels (F F^+ = Gamma): one
        column for each channel, normalised to unit incoming flux.
    couplings : list over bonds of (n_{l+1}, n_l) sparse
        V_l = H_{l+1,l}.
    """

    psi: tuple[list[NDArray], list[NDArray]]
    couplings: list[csr_array]

    def local(self, operators: SparseOperators) -> NDArray:
        """(2, n_operators): sum over each lead's states of psi_l^+ O psi_l, O hermitian."""
        result = np.zeros((2, len(operators)))
        scheme = plan(operators, len(self.psi[0]), True)
        for lead, psi in enumerate(self.psi):
            for layer, here in enumerate(psi):
                _evaluate(scheme, layer, here, here, False, result[lead])
        return result

    def current(self, operators: SparseOperators) -> NDArray:
        """(2, n_operators): the flow l -> l + 1 of operators O, each in layer l + 1.

        2 Im psi_{l+1}^+ O V_l psi_l, summed over each lead's states.
        """
        result = np.zeros((2, len(operators)))
        scheme = plan(operators, len(self.psi[0]), False)
        for lead, psi in enumerate(self.psi):
            for bond, v in enumerate(self.couplings):
                if scheme.group[bond + 1] < scheme.group[bond + 2]:
                    flowing = v @ psi[bond]
                    _evaluate(scheme, bond + 1, flowing, psi[bond + 1], True, result[lead])
        return result


def _evaluate(scheme: Plan, layer: int, a: NDArray, b: NDArray, flow: bool, out: NDArray) -> None:
    """tr O A B^+ of a layer's operators: real part, or twice the imaginary one (``flow``)."""
    groups = slice(scheme.group[layer], scheme.group[layer + 1])
    elements = slice(scheme.element[layer], scheme.element[layer + 1])
    edges = scheme.term[groups.start : groups.stop + 1]
    if len(edges) < 2 or not a.shape[1]:
        return
    rho = np.einsum("em,em->e", a[scheme.row[elements]], b.conj()[scheme.column[elements]])
    terms = slice(edges[0], edges[-1])
    values = scheme.weight[terms] * rho[scheme.which[terms]]
    totals = np.bincount(
        np.repeat(np.arange(len(edges) - 1), np.diff(edges)),
        2 * values.imag if flow else values.real,
        len(edges) - 1,
    )
    out[scheme.operator[groups]] = totals
