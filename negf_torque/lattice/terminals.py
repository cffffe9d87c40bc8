"""A magnet with any number of leads: one sparse Hamiltonian, no layers.

A device whose leads do not lie at two opposite ends (a nonlocal valve, a Hall bar, a cross) has
no block-tridiagonal order that is worth having.  What remains is a graph: the Hamiltonian as a
sparse matrix, the sites with their fields and operators, and for each lead the rows to which it
attaches.  Everything after this module sees arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import kwant
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from negf_torque.lattice.harmonics import check_hermitian, fourier_harmonics
from negf_torque.lattice.layers import LeadCell, SiteTable, check_orbitals, lead_cell, site_table
from negf_torque.lattice.magnet import Magnet, magnet_from_kwant
from negf_torque.spin import SIGMA, unit_vector

__all__ = ["OpenSystem", "open_system", "open_system_from_kwant", "with_directions"]


@dataclass(frozen=True)
class OpenSystem:
    """A region with any number of leads, none of its directions periodic.

    Attributes
    ----------
    hamiltonian : (n, n) sparse array, complex
        In eV; hermitian.
    sites : SiteTable
        In the order of the matrix: `offset` is a site's first row, `layer` is 0 everywhere.
    leads : tuple of LeadCell
        Arrays of one harmonic, (1, m, m); `interface` are rows of the Hamiltonian.
    names : tuple of str
        One for each lead.
    """

    hamiltonian: sp.csr_array
    sites: SiteTable
    leads: tuple[LeadCell, ...]
    names: tuple[str, ...]

    @property
    def magnets(self) -> tuple[str, ...]:
        """Names of the magnets of the region, in the order of their first sites."""
        return tuple(dict.fromkeys(name for name in self.sites.magnet if name is not None))

    def site_of_row(self) -> NDArray:
        """(n,): the site to which each row of the Hamiltonian belongs."""
        return np.repeat(np.arange(len(self.sites.offset)), self.sites.orbitals)


def open_system_from_kwant(
    system: kwant.Builder | kwant.system.FiniteSystem,
    *,
    exchange_field: Callable,
    spin_operator: ArrayLike | Callable = SIGMA,
    exchange_operator: ArrayLike | Callable | None = None,
    membership: Callable | None = None,
    params: Mapping | None = None,
    names: Sequence[str] | None = None,
    lead_cells: int = 1,
) -> OpenSystem:
    """Read a Kwant system with its leads attached, finalised or not.

    Parameters
    ----------
    system : kwant.Builder or finalised system
    exchange_field, spin_operator, exchange_operator, membership, params
        As in `negf_torque.lattice.magnet_from_kwant`.
    names : sequence of str, optional
        Names of the leads in Kwant's order; default "lead 0", "lead 1" ...
    lead_cells : int
        Cells of each lead that become part of the region; a finalised system is taken as it is.

    Raises
    ------
    ValueError
        See `open_system`.
    """
    if isinstance(system, kwant.Builder):
        magnet = magnet_from_kwant(
            system,
            exchange_field=exchange_field,
            spin_operator=spin_operator,
            exchange_operator=exchange_operator,
            membership=membership,
            params=params,
            lead_cells=lead_cells,
        )
        return open_system(magnet, names)
    acting: Any = spin_operator if exchange_operator is None else exchange_operator
    spin: Any = spin_operator
    magnet = Magnet(
        builder=system,
        exchange_field=exchange_field,
        spin_operator=spin if callable(spin) else lambda _: spin,
        exchange_operator=acting if callable(acting) else lambda _: acting,
        membership=membership or (lambda s: "magnet" if np.any(exchange_field(s)) else None),
        params=dict(params or {}),
    )
    return open_system(magnet, names)


def open_system(magnet: Magnet, names: Sequence[str] | None = None) -> OpenSystem:
    """Read a magnet with any number of leads.

    Parameters
    ----------
    magnet : Magnet
        Without periodic directions.
    names : sequence of str, optional
        Names of the leads; default "lead 0", "lead 1" ...

    Raises
    ------
    ValueError
        If there is no lead, a lead is not given by its cell, the names do not fit, a part of
        the region is connected to no lead, the Hamiltonian is not hermitian, or an orbital count
        does not match an operator.
    """
    if magnet.momenta:
        raise ValueError(
            f"magnet: it has periodic directions ({', '.join(magnet.momenta)}). A system of many "
            "leads must be finite in every direction but those of its leads."
        )
    builder = magnet.builder
    system = builder.finalized() if isinstance(builder, kwant.Builder) else builder
    names = _checked_names(system, names)
    origin, (hamiltonian,) = fourier_harmonics(
        lambda p: sp.csr_array(system.hamiltonian_submatrix(params=p, sparse=True), dtype=complex),
        (),
        magnet.params,
    )
    check_hermitian(origin, [hamiltonian])
    members = [np.arange(len(system.sites))]
    sites = site_table(magnet, list(system.sites), np.zeros(len(system.sites), int))
    check_orbitals(sites, _orbitals(system), members)
    leads = tuple(
        lead_cell(magnet, system, number, origin, members) for number in range(len(system.leads))
    )
    result = OpenSystem(hamiltonian, sites, leads, names)
    _check_connected(result, system)
    return result


def with_directions(system: OpenSystem, directions: Mapping[str, ArrayLike]) -> OpenSystem:
    """The same system with the moments of some magnets along given directions.

    Parameters
    ----------
    directions : mapping
        Magnet's name -> (3,) direction, or (sites of the magnet, 3).  Leads that belong to the
        magnet turn with it.

    Raises
    ------
    ValueError
        If no site or lead belongs to a magnet of that name.
    """
    known = {name for table in (system.sites, *(lead.sites for lead in system.leads))
             for name in table.magnet if name}
    for name in directions:
        if name not in known:
            raise ValueError(f"magnet: {name!r} is none of {sorted(known)}.")
    sites, change = _turned(system.sites, directions)
    leads = []
    for lead in system.leads:
        table, cell = _turned(lead.sites, directions)
        leads.append(replace(lead, onsite=lead.onsite + cell.toarray(), sites=table))
    hamiltonian = sp.csr_array(system.hamiltonian + change)
    return replace(system, hamiltonian=hamiltonian, sites=sites, leads=tuple(leads))


def _turned(
    table: SiteTable, directions: Mapping[str, ArrayLike]
) -> tuple[SiteTable, sp.csr_array]:
    """The table after the turn and what it adds to the Hamiltonian."""
    exchange = table.exchange.copy()
    membership = np.array([name or "" for name in table.magnet])
    for name, vector in directions.items():
        here = membership == name
        size = np.linalg.norm(exchange[here], axis=1, keepdims=True)
        exchange[here] = size * np.broadcast_to(unit_vector(vector), (here.sum(), 3))
    difference = exchange - table.exchange
    rows, columns, values = [], [], []
    for i in np.flatnonzero(difference.any(axis=1)):
        block = -0.5 * np.einsum("a,aij->ij", difference[i], table.exchange_operator[i])
        row, column = np.nonzero(block)
        rows.append(table.offset[i] + row)
        columns.append(table.offset[i] + column)
        values.append(block[row, column])
    size = int(table.orbitals.sum())
    parts = [np.concatenate(p) if p else np.zeros(0, int) for p in (rows, columns, values)]
    change = sp.csr_array((parts[2].astype(complex), (parts[0], parts[1])), shape=(size, size))
    return replace(table, exchange=exchange), change


def _checked_names(system, names: Sequence[str] | None) -> tuple[str, ...]:
    count = len(system.leads)
    if not count:
        raise ValueError("leads: the system has none. Attach leads to the builder.")
    for number, lead in enumerate(system.leads):
        if not hasattr(lead, "cell_hamiltonian"):
            raise ValueError(
                f"leads[{number}]: {type(lead).__name__} has no unit cell. Only leads that are "
                "Kwant builders can be used."
            )
    result = tuple(names) if names is not None else tuple(f"lead {n}" for n in range(count))
    if len(result) != count or len(set(result)) != count:
        raise ValueError(f"names: {list(result)} for {count} leads. Give one name for each.")
    return result


def _orbitals(system) -> NDArray:
    """Orbitals of every site."""
    edges = zip(system.site_ranges[:-1], system.site_ranges[1:], strict=True)
    return np.concatenate([np.full(high - low, norbs) for (low, norbs, _), (high, *_) in edges])


def _check_connected(result: OpenSystem, system) -> None:
    """Every part of the region must reach a lead, or its levels have no width."""
    rows = result.site_of_row()
    graph = result.hamiltonian.tocoo()
    size = len(result.sites.offset)
    linked = graph.data != 0
    bonds = sp.csr_array(
        (np.ones(linked.sum(), bool), (rows[graph.row[linked]], rows[graph.col[linked]])),
        shape=(size, size),
    )
    count, label = connected_components(bonds, directed=False)
    reached = np.zeros(count, bool)
    for number, lead in enumerate(result.leads):
        if not np.any(lead.attachment):
            raise ValueError(
                f"leads[{number}]: {result.names[number]!r} is not attached: no hopping leads "
                "from it into the region."
            )
        reached[label[rows[lead.interface]]] = True
    lost = np.flatnonzero(~reached[label])
    if lost.size:
        raise ValueError(
            f"builder: {lost.size} sites, among them {tuple(system.sites[lost[0]].tag)}, are "
            "connected to no lead. Remove them or attach a lead."
        )
