"""Local operators and bond currents of a general graph, as sparse sums over a density matrix.

An expectation value tr O rho needs only those elements of rho at which O is not zero.  They are
listed once; a set of operators is then one sparse matrix that acts on the listed elements.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from negf_torque.lattice.layers import SiteTable
from negf_torque.lattice.terminals import OpenSystem

__all__ = ["BondFlow", "SparseSum", "bond_flow", "interface_operators", "local_operators"]

#: Products psi_i psi_j^* that are held at once.
_CHUNK = 8_000_000


@dataclass(frozen=True)
class SparseSum:
    """Operators as weights of elements rho[row, column].

    Attributes
    ----------
    row, column : (elements,) int
    weight : (operators, elements) sparse array, complex
        tr O rho = sum_e weight[O, e] rho[row[e], column[e]].
    """

    row: NDArray
    column: NDArray
    weight: sp.csr_array

    def of_states(self, psi: NDArray) -> NDArray:
        """(operators,) complex: tr O psi psi^+ for states (n, m), one in each column."""
        rho = np.zeros(len(self.row), complex)
        step = max(1, _CHUNK // max(1, psi.shape[1]))
        for start in range(0, len(self.row), step):
            part = slice(start, start + step)
            left, right = psi[self.row[part]], psi[self.column[part]]
            rho[part] = np.einsum("en,en->e", left, right.conj())
        return self.weight @ rho

    def of_elements(self, elements: NDArray) -> NDArray:
        """(..., operators) from elements (..., elements) of any matrix."""
        flat = elements.reshape(-1, elements.shape[-1])
        return (self.weight @ flat.T).T.reshape(*elements.shape[:-1], -1)


def local_operators(sites: SiteTable) -> SparseSum:
    """Seven operators of every site, site by site: particles, spin, exchange operator."""
    rows, columns, values, owner = [], [], [], []
    for size, here in _by_orbitals(sites):
        spin, acting = _matrices(sites.spin, here), _matrices(sites.exchange_operator, here)
        unit = np.broadcast_to(np.eye(size), (len(here), 1, size, size))
        matrices = np.concatenate([unit, spin, acting], axis=1)
        # element (i, j) of rho meets O_ji
        i, j = (a.ravel() for a in np.indices((size, size)))
        rows.append(sites.offset[here, None] + i)
        columns.append(sites.offset[here, None] + j)
        values.append(matrices[:, :, j, i])
        owner.append(7 * here[:, None] + np.arange(7))
    starts = np.cumsum([0] + [part.size for part in rows])
    which, target = [], []
    for start, row, own in zip(starts, rows, owner, strict=False):
        shape = (len(row), 7, row.shape[1])
        elements = start + np.arange(row.size).reshape(row.shape)
        which.append(np.broadcast_to(elements[:, None], shape).ravel())
        target.append(np.broadcast_to(own[:, :, None], shape).ravel())
    value = np.concatenate([part.ravel() for part in values])
    kept = value != 0
    places = np.concatenate(target)[kept], np.concatenate(which)[kept]
    weight = sp.csr_array((value[kept], places), shape=(7 * len(sites.offset), starts[-1]))
    row, column = (np.concatenate([part.ravel() for part in parts]) for parts in (rows, columns))
    return SparseSum(row, column, weight)


def _by_orbitals(sites: SiteTable) -> list[tuple[int, NDArray]]:
    """Sites grouped by their number of orbitals."""
    return [(int(n), np.flatnonzero(sites.orbitals == n)) for n in np.unique(sites.orbitals)]


def _matrices(operators: tuple[NDArray, ...], here: NDArray) -> NDArray:
    """(len(here), 3, n, n)."""
    return np.array([operators[i] for i in here])


@dataclass(frozen=True)
class BondFlow:
    """The current operators of all bonds, every bond in both directions.

    Attributes
    ----------
    bonds : (bonds, 2) int
        Sites (i, j): from i to j, measured at j.
    operators : SparseSum
        Four for each bond (particles, spin x, y, z); the current is 2 Im of their value.
    """

    bonds: NDArray
    operators: SparseSum

    def of_states(self, psi: NDArray) -> NDArray:
        """(bonds, 4): 2 Im psi_j^+ S_a H_ji psi_i summed over the states (n, m)."""
        return 2 * self.operators.of_states(psi).imag.reshape(-1, 4)


def bond_flow(system: OpenSystem) -> BondFlow:
    """Current operators S_a H_ji of every bond of the region."""
    site = system.site_of_row()
    hopping = system.hamiltonian.tocoo()
    between = (site[hopping.row] != site[hopping.col]) & (hopping.data != 0)
    size, count = hopping.shape[0], len(system.sites.offset)
    hops = sp.csr_array(
        (hopping.data[between], (hopping.row[between], hopping.col[between])), shape=(size, size)
    )
    entries = [(s @ hops).tocoo() for s in (sp.eye_array(size), *_spin_matrices(system.sites))]
    pair = np.concatenate([site[e.col] * count + site[e.row] for e in entries])
    keys = np.unique(pair)
    bonds = np.stack([keys // count, keys % count], axis=1)
    # psi_j^+ (S H)_ji psi_i is (S H)[row, column] rho[column, row]
    place = np.concatenate([e.col.astype(np.int64) * size + e.row for e in entries])
    elements, which = np.unique(place, return_inverse=True)
    component = np.repeat(np.arange(4), [len(e.data) for e in entries])
    weight = sp.csr_array(
        (
            np.concatenate([e.data for e in entries]).astype(complex),
            (4 * np.searchsorted(keys, pair) + component, which),
        ),
        shape=(4 * len(keys), len(elements)),
    )
    return BondFlow(bonds, SparseSum(elements // size, elements % size, weight))


def _spin_matrices(sites: SiteTable) -> list[sp.csr_array]:
    """S_x, S_y, S_z of the whole region."""
    size = int(sites.orbitals.sum())
    rows, columns, values = [], [], []
    for n, here in _by_orbitals(sites):
        i, j = (a.ravel() for a in np.indices((n, n)))
        rows.append((sites.offset[here, None] + i).ravel())
        columns.append((sites.offset[here, None] + j).ravel())
        values.append(np.moveaxis(_matrices(sites.spin, here), 1, 0).reshape(3, -1))
    row, column = np.concatenate(rows), np.concatenate(columns)
    result = []
    for data in np.concatenate(values, axis=1):
        kept = data != 0
        result.append(sp.csr_array((data[kept], (row[kept], column[kept])), shape=(size, size)))
    return result


def interface_operators(system: OpenSystem, lead: int) -> NDArray:
    """(4, m, m): particles and spin on the rows to which a lead attaches."""
    rows = system.leads[lead].interface
    site = system.site_of_row()[rows]
    inner = rows - system.sites.offset[site]
    result = np.zeros((4, len(rows), len(rows)), complex)
    result[0] = np.eye(len(rows))
    for s in np.unique(site):
        here = np.flatnonzero(site == s)
        block = system.sites.spin[s][:, inner[here][:, None], inner[here]]
        result[1:, here[:, None], here] = block
    return result
