"""A magnet cut into layers: block-tridiagonal matrices, and harmonics where it is periodic.

    H(k) = sum_R H[R] exp(i k.R)

with the finite set of lattice vectors R that the hoppings reach.  Layer n couples to n - 1 and
n + 1 only; the left lead attaches to layer 0, the right lead to the last one.  Everything after
this module sees arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

import kwant
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import dijkstra

from negf_torque.lattice.harmonics import check_hermitian, fourier_harmonics
from negf_torque.lattice.magnet import Magnet
from negf_torque.lattice.site_table import SiteTable, check_orbitals, site_table
from negf_torque.spin import unit_vector

__all__ = [
    "LayerChain",
    "LeadCell",
    "SiteTable",
    "aligned",
    "check_orbitals",
    "layer_chain",
    "lead_cell",
    "rotated",
    "site_table",
]


@dataclass(frozen=True)
class LeadCell:
    """A lead: cell Hamiltonian, hopping inward, and where it attaches.

    Attributes
    ----------
    onsite : (R, n, n)
        Hamiltonian of a cell.
    hopping : (R, n, n)
        <inner cell|H|next outer cell>.
    attachment : (R, i, n)
        <interface orbitals of the region|H|first cell>.
    interface : (i,) int
        Rows of the end layer that the lead touches.
    sites : SiteTable
    """

    onsite: NDArray
    hopping: NDArray
    attachment: NDArray
    interface: NDArray
    sites: SiteTable


@dataclass(frozen=True)
class LayerChain:
    """Block-tridiagonal form of a two-terminal device.

    Attributes
    ----------
    displacements : (R, d) int
        Lattice vectors of the harmonics; d = 0 (one empty row) without periodic directions.
    onsite : tuple of (R, n_l, n_l)
    coupling : tuple of (R, n_{l+1}, n_l)
        H_{l+1, l}.
    sites : SiteTable
    left, right : LeadCell
    """

    displacements: NDArray
    onsite: tuple[NDArray, ...]
    coupling: tuple[NDArray, ...]
    sites: SiteTable
    left: LeadCell
    right: LeadCell

    @property
    def dimension(self) -> int:
        """Number of periodic directions."""
        return self.displacements.shape[1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of each layer's matrix."""
        return tuple(block.shape[-1] for block in self.onsite)

    @property
    def magnets(self) -> tuple[str, ...]:
        """Names of the magnets, in the order in which they appear from left to right."""
        return tuple(dict.fromkeys(name for name in self.sites.magnet if name is not None))

    def phases(self, k: ArrayLike) -> NDArray:
        """exp(i k.R), shape (R, batch), for momenta (batch, d), real or complex."""
        return np.exp(1j * (self.displacements @ np.asarray(k).T))


def layer_chain(magnet: Magnet) -> LayerChain:
    """Cut a two-terminal magnet into layers and read its harmonics.

    Raises
    ------
    ValueError
        If there are not two leads, the leads are not connected by the region, the Hamiltonian is
        not hermitian, an orbital count does not match an operator, or hoppings in the
        cross-section reach too far.

    Examples
    --------
    Two layers of 2 x 2 sites with two spins each, and one layer of each lead:

    >>> from negf_torque.lattice import Layer, build_stack
    >>> layer_chain(build_stack([Layer(2)], cross_section=(2, 2))).sizes
    (8, 8, 8, 8)
    """
    system = magnet.builder.finalized()
    if len(system.leads) != 2:
        raise ValueError(f"leads: the device has {len(system.leads)} leads. Expected 2.")
    tables, members = _layers(system)
    displacements, region = fourier_harmonics(
        lambda p: system.hamiltonian_submatrix(params=p, sparse=True),
        magnet.momenta,
        magnet.params,
    )
    rows = _row_starts(system)
    order, starts = _row_order(rows, members)
    sites = site_table(magnet, [system.sites[i] for layer in members for i in layer], tables)
    check_orbitals(sites, np.diff(rows), members)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    moved = [m.tocoo() for m in region]
    moved = [sp.coo_array((m.data, (place[m.row], place[m.col])), m.shape) for m in moved]
    check_hermitian(displacements, moved)
    onsite, coupling = _blocks(moved, starts)
    leads = [lead_cell(magnet, system, side, displacements, members) for side in (0, 1)]
    return LayerChain(displacements, onsite, coupling, sites, leads[0], leads[1])


def aligned(chain: LayerChain, directions: Mapping[str, ArrayLike]) -> LayerChain:
    """The same device with the moments of some magnets along given directions.

    Parameters
    ----------
    directions : mapping
        Magnet's name -> (3,) direction, or (sites of the magnet, 3).
    """
    return _with_exchange(
        chain,
        directions,
        lambda field, vector: (
            np.linalg.norm(field, axis=1, keepdims=True)
            * np.broadcast_to(unit_vector(vector), field.shape)
        ),
    )


def rotated(chain: LayerChain, rotations: Mapping[str, ArrayLike]) -> LayerChain:
    """The same device with the moments of some magnets turned by rotation matrices (3, 3)."""
    return _with_exchange(chain, rotations, lambda field, matrix: field @ np.asarray(matrix).T)


def _with_exchange(chain, arguments, turn) -> LayerChain:
    names = set(chain.magnets)
    for lead in (chain.left, chain.right):
        names |= {name for name in lead.sites.magnet if name}
    for name in arguments:
        if name not in names:
            raise ValueError(f"magnet: {name!r} is none of {sorted(names)}.")
    onsite = [block.copy() for block in chain.onsite]
    sites = _turn_sites(chain.sites, arguments, turn, onsite, _origin(chain.displacements))
    leads = []
    for lead in (chain.left, chain.right):
        cell = [lead.onsite.copy()]
        table = _turn_sites(lead.sites, arguments, turn, cell, _origin(chain.displacements))
        leads.append(replace(lead, onsite=cell[0], sites=table))
    return replace(chain, onsite=tuple(onsite), sites=sites, left=leads[0], right=leads[1])


def _turn_sites(table: SiteTable, arguments, turn, onsite: list[NDArray], origin: int) -> SiteTable:
    exchange = table.exchange.copy()
    membership = np.array([name if name else "" for name in table.magnet])
    for name, argument in arguments.items():
        rows = membership == name
        if rows.any():
            exchange[rows] = turn(exchange[rows], argument)
    for i in np.flatnonzero(np.any(exchange != table.exchange, axis=1)):
        change = exchange[i] - table.exchange[i]
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        onsite[table.layer[i]][origin, here, here] -= 0.5 * np.einsum(
            "a,aij->ij", change, table.exchange_operator[i]
        )
    return replace(table, exchange=exchange)


def _origin(displacements: NDArray) -> int:
    return int(np.flatnonzero(~displacements.any(axis=1))[0])


# --- layers ---------------------------------------------------------------------------------


def _layers(system) -> tuple[NDArray, list[NDArray]]:
    """Breadth-first levels from the left interface; the right interface ends up in the last."""
    count = len(system.sites)
    bonds = np.fromiter(chain.from_iterable(system.graph), int).reshape(-1, 2)
    links = sp.csr_array((np.ones(len(bonds)), bonds.T), shape=(count, count))
    left, right = (np.asarray(interface, int) for interface in system.lead_interfaces)
    distance = dijkstra(links, directed=False, indices=left, unweighted=True, min_only=True)
    missing = np.flatnonzero(np.isinf(distance))
    if len(missing):
        raise ValueError(
            f"builder: {len(missing)} sites, among them {system.sites[missing[0]].tag}, are not "
            "connected to the left lead."
        )
    level = distance.astype(int)
    ends = np.cumsum(np.bincount(level))
    members = [left, *np.split(np.argsort(level, kind="stable"), ends[:-1])[1:]]
    first = int(level[right].min())
    tail = np.concatenate(members[first:])
    members = [*members[:first], tail]
    if first > 0:  # the right lead's own order first, so that its matrices need no permutation
        members[-1] = np.concatenate([right, tail[~np.isin(tail, right)]])
    return np.repeat(np.arange(len(members)), [len(m) for m in members]), members


def _row_starts(system) -> NDArray:
    """(sites + 1,): first row of each of Kwant's sites, and the number of rows."""
    starts = [
        offset + norbs * np.arange(high - low)
        for (low, norbs, offset), (high, _, _) in zip(
            system.site_ranges[:-1], system.site_ranges[1:], strict=True
        )
    ]
    return np.concatenate([*starts, [system.site_ranges[-1][2]]])


def _row_order(starts: NDArray, members: list[NDArray]) -> tuple[NDArray, NDArray]:
    """Rows of the whole matrix in layer order, and where each layer begins."""
    sites = np.concatenate(members)
    sizes = np.diff(starts)[sites]
    ends = np.cumsum(sizes)
    rows = np.repeat(starts[sites] - (ends - sizes), sizes) + np.arange(ends[-1])
    return rows, np.append(0, ends[np.cumsum([len(m) for m in members]) - 1])


def _blocks(region: list[sp.coo_array], starts: NDArray) -> tuple[tuple, tuple]:
    """Blocks (R, n_l, n_l) and (R, n_{l+1}, n_l) of matrices whose rows are in layer order."""
    sizes = np.diff(starts)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    found = []
    for height, below in ((sizes, 0), (sizes[1:], 1)):
        width = sizes[: len(height)]
        area = height * width
        ends = np.cumsum(len(region) * area)
        begins = ends - len(region) * area
        values = np.zeros(ends[-1] if len(ends) else 0, complex)
        for number, matrix in enumerate(region):
            here = layer[matrix.row] == layer[matrix.col] + below
            row, column = matrix.row[here], matrix.col[here]
            of = layer[column]
            inside = (row - starts[of + below]) * width[of] + column - starts[of]
            values[begins[of] + number * area[of] + inside] = matrix.data[here]
        found.append(
            tuple(
                values[begin:end].reshape(len(region), h, w)
                for begin, end, h, w in zip(begins, ends, height, width, strict=True)
            )
        )
    return found[0], found[1]


# --- leads ----------------------------------------------------------------------------------


def lead_cell(
    magnet: Magnet,
    system: kwant.system.FiniteSystem,
    side: int,
    displacements: NDArray,
    members: list[NDArray],
) -> LeadCell:
    """Lead number `side` of a finalised system whose layers are `members`.

    Lead 0 attaches to the first layer, all others to the last one.
    """
    lead = system.leads[side]
    # Kwant keeps the cell at the origin of its symmetry; move it to where it meets the region.
    symmetry = lead.symmetry
    shift = symmetry.which(system.sites[system.lead_interfaces[side][0]]) - symmetry.which(
        lead.sites[lead.cell_size]
    )
    cell_sites = [symmetry.act(shift, lead.sites[i]) for i in range(lead.cell_size)]
    table = site_table(magnet, cell_sites, np.zeros(len(cell_sites), int))

    def matrices(params) -> NDArray:
        cell = lead.cell_hamiltonian(params=params)
        hop = lead.inter_cell_hopping(params=params)  # <cell|H|interface of the cell before>
        return np.hstack([cell, hop])

    own, harmonics = fourier_harmonics(matrices, magnet.momenta, magnet.params)
    size = harmonics[0].shape[0]
    width = harmonics[0].shape[1] - size
    whole = np.zeros((len(displacements), size, size + width), complex)
    for vector, harmonic in zip(own, harmonics, strict=True):
        index = np.flatnonzero((displacements == vector).all(axis=1))
        if not len(index):
            raise ValueError("leads: hoppings in the cross-section reach further than the region's")
        whole[index[0]] = harmonic.toarray()
    reverse = [int(np.flatnonzero((displacements == -v).all(axis=1))[0]) for v in displacements]
    # <interface|H|cell>[R] is the adjoint of <cell|H|interface>[-R]
    attachment = whole[reverse][:, :, size:].conj().transpose(0, 2, 1)
    hopping = np.zeros((len(displacements), size, size), complex)
    hopping[:, :width] = attachment  # Kwant lists the sites that face the region first
    interface = _interface_rows(system, side, members)
    return LeadCell(whole[:, :, :size], hopping, attachment, interface, table)


def _interface_rows(system, side: int, members: list[NDArray]) -> NDArray:
    layer = np.asarray(members[0] if side == 0 else members[-1])
    starts = _row_starts(system)
    sizes = np.diff(starts)
    offset = np.zeros(len(sizes), int)
    offset[layer] = np.cumsum(sizes[layer]) - sizes[layer]
    return np.concatenate(
        [offset[i] + np.arange(sizes[i]) for i in map(int, system.lead_interfaces[side])]
    )
