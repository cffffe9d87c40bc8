"""Expectation values of sparse operators from density matrices, without forming either.

An operator needs only those elements of rho = psi psi^+ where it is not zero; operators of
one layer (the spins of its sites, say) share many of them.  A plan lists the elements that
are needed and the weights with which each operator combines them,

    tr O rho = sum_ij O_ij rho_ji.
"""

from collections.abc import Sequence
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
        scheme = plan(operators, len(self.psi[0]), True)
        pairs = [list(zip(psi, psi, strict=True)) for psi in self.psi]
        return np.array([_evaluate(scheme, lead).real for lead in pairs])

    def current(self, operators: SparseOperators) -> NDArray:
        """(2, n_operators): the flow l -> l + 1 of operators O, each in layer l + 1.

        2 Im psi_{l+1}^+ O V_l psi_l, summed over each lead's states.
        """
        scheme = plan(operators, len(self.psi[0]), False)
        result = []
        for psi in self.psi:
            flowing = [None] + [v @ x for v, x in zip(self.couplings, psi, strict=False)]
            result.append(2 * _evaluate(scheme, list(zip(flowing, psi, strict=True))).imag)
        return np.array(result)


def _evaluate(scheme: Plan, pairs: Sequence[tuple[NDArray | None, NDArray]]) -> NDArray:
    """tr O A B^+ of all operators, from A and B (n_l, m) of each layer."""
    rho = np.zeros(len(scheme.row), complex)
    for layer, (a, b) in enumerate(pairs):
        here = slice(scheme.element[layer], scheme.element[layer + 1])
        if here.stop > here.start and a is not None:
            left, right = a[scheme.row[here]], b[scheme.column[here]]
            rho[here] = np.einsum("em,em->e", left, right.conj())
    count = len(scheme.operator)
    first = np.repeat(scheme.element[:-1], np.diff(scheme.group))
    terms = np.diff(scheme.term)
    values = scheme.weight * rho[np.repeat(first, terms) + scheme.which]
    owner = scheme.operator[np.repeat(np.arange(count), terms)]
    real = np.bincount(owner, values.real, count)
    return real + 1j * np.bincount(owner, values.imag, count)
