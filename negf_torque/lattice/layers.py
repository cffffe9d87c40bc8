"""A magnet cut into layers: block-tridiagonal matrices, and harmonics where it is periodic.

    H(k) = sum_R H[R] exp(i k.R)

with the finite set of lattice vectors R that the hoppings reach.  Layer n couples to n - 1 and
n + 1 only; the left lead attaches to layer 0, the right lead to the last one.  Everything after
this module sees arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import kwant
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.harmonics import check_hermitian, fourier_harmonics
from negf_torque.lattice.magnet import Magnet
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
class SiteTable:
    """Sites of a region or of a lead cell, in the order of the matrices.

    Attributes
    ----------
    layer, offset, orbitals : (sites,) int
        Layer, first row within the layer's matrix, and number of rows.
    position : (sites, d)
    magnet : tuple of (str or None)
    exchange : (sites, 3)
        B = Delta m in eV.
    spin, exchange_operator : tuple of (3, orbitals, orbitals)
    """

    layer: NDArray
    offset: NDArray
    orbitals: NDArray
    position: NDArray
    magnet: tuple[str | None, ...]
    exchange: NDArray
    spin: tuple[NDArray, ...]
    exchange_operator: tuple[NDArray, ...]


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
        lambda p: sp.csr_array(system.hamiltonian_submatrix(params=p, sparse=True)),
        magnet.momenta,
        magnet.params,
    )
    order, starts = _row_order(system, members)
    sites = site_table(magnet, [system.sites[i] for layer in members for i in layer], tables)
    check_orbitals(sites, np.diff(np.append(_row_starts(system), region[0].shape[0])), members)
    region = [m[order][:, order].tocsr() for m in region]
    check_hermitian(displacements, region)
    onsite, coupling = _blocks(region, starts)
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


def _layers(system) -> tuple[NDArray, list[list[int]]]:
    """Breadth-first levels from the left interface; the right interface ends up in the last."""
    neighbours: list[set[int]] = [set() for _ in range(len(system.sites))]
    for a, b in system.graph:
        neighbours[a].add(b)
        neighbours[b].add(a)
    left, right = (list(map(int, interface)) for interface in system.lead_interfaces)
    level = dict.fromkeys(left, 0)
    members = [left]
    while True:
        step = sorted({b for a in members[-1] for b in neighbours[a] if b not in level})
        if not step:
            break
        level.update(dict.fromkeys(step, len(members)))
        members.append(step)
    missing = [i for i in range(len(system.sites)) if i not in level]
    if missing:
        raise ValueError(
            f"builder: {len(missing)} sites, among them {system.sites[missing[0]].tag}, are not "
            "connected to the left lead."
        )
    first = min(level[i] for i in right)
    tail = [i for layer in members[first:] for i in layer]
    members = [*members[:first], tail]
    if first > 0:  # the right lead's own order first, so that its matrices need no permutation
        inside = set(right)
        members[-1] = right + [i for i in tail if i not in inside]
    return np.repeat(np.arange(len(members)), [len(m) for m in members]), members


def _row_starts(system) -> NDArray:
    starts = np.empty(len(system.sites), int)
    for (low, norbs, offset), (high, _, _) in zip(
        system.site_ranges[:-1], system.site_ranges[1:], strict=True
    ):
        starts[low:high] = offset + norbs * np.arange(high - low)
    return starts


def _row_order(system, members: list[list[int]]) -> tuple[NDArray, NDArray]:
    """Rows of the whole matrix in layer order, and where each layer begins."""
    starts = _row_starts(system)
    ends = np.append(starts[1:], system.site_ranges[-1][2])
    rows = [np.concatenate([np.arange(starts[i], ends[i]) for i in layer]) for layer in members]
    return np.concatenate(rows), np.concatenate([[0], np.cumsum([len(r) for r in rows])])


def _blocks(region: list[sp.csr_array], starts: NDArray) -> tuple[tuple, tuple]:
    def block(a: int, b: int) -> NDArray:
        return np.array(
            [m[starts[a] : starts[a + 1], starts[b] : starts[b + 1]].toarray() for m in region]
        )

    count = len(starts) - 1
    onsite = tuple(block(a, a) for a in range(count))
    return onsite, tuple(block(a + 1, a) for a in range(count - 1))


# --- sites and leads ------------------------------------------------------------------------


def site_table(magnet: Magnet, sites: list, layer: NDArray) -> SiteTable:
    """Fields and operators of Kwant sites that lie in the given layers (ascending)."""
    exchange = np.array([_exchange(magnet, site) for site in sites])
    spin = tuple(_operator(magnet.spin_operator(site), site, "spin_operator") for site in sites)
    acting = tuple(
        _operator(magnet.exchange_operator(site), site, "exchange_operator") for site in sites
    )
    orbitals = np.array([operator.shape[-1] for operator in spin])
    ends = np.cumsum(orbitals)
    offset = ends - orbitals
    first = np.searchsorted(layer, np.arange(layer[-1] + 1))
    return SiteTable(
        layer=layer,
        offset=offset - offset[first][layer],
        orbitals=orbitals,
        position=np.array([np.asarray(site.pos, float) for site in sites]),
        magnet=tuple(magnet.membership(site) for site in sites),
        exchange=exchange,
        spin=spin,
        exchange_operator=acting,
    )


def _exchange(magnet: Magnet, site: kwant.builder.Site) -> NDArray:
    field = np.asarray(magnet.exchange_field(site), float)
    if field.shape != (3,) or not np.all(np.isfinite(field)):
        raise ValueError(
            f"exchange_field: {field!r} at site {tuple(site.tag)} is not a finite vector in eV."
        )
    return field


def _operator(operator: ArrayLike, site: kwant.builder.Site, name: str) -> NDArray:
    matrices = np.asarray(operator, complex)
    norbs = site.family.norbs
    if matrices.shape != (3, norbs, norbs):
        raise ValueError(
            f"{name}: shape {matrices.shape} at site {tuple(site.tag)}, which has norbs={norbs}. "
            f"Give magnet_from_kwant a {name} of shape (3, {norbs}, {norbs}); orbital_spin(n) "
            "makes it for n orbitals with the spin as the last index."
        )
    difference = np.abs(matrices - matrices.conj().transpose(0, 2, 1)).max()
    if not difference <= 1e-12 + 1e-5 * np.abs(matrices).max():
        raise ValueError(f"{name}: the matrices at site {tuple(site.tag)} are not hermitian.")
    return matrices


def check_orbitals(sites: SiteTable, rows: NDArray, members: list[list[int]]) -> None:
    """Compare the orbitals of a table with the rows of a matrix, site by site in Kwant's order."""
    actual = rows[[i for layer in members for i in layer]]
    wrong = np.flatnonzero(actual != sites.orbitals)
    if wrong.size:
        raise ValueError(
            f"builder: a site at {sites.position[wrong[0]].tolist()} has {actual[wrong[0]]} "
            f"orbitals, its spin operator {sites.orbitals[wrong[0]]}."
        )


def lead_cell(
    magnet: Magnet,
    system: kwant.system.FiniteSystem,
    side: int,
    displacements: NDArray,
    members: list[list[int]],
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

    def matrices(params) -> sp.csr_array:
        cell = lead.cell_hamiltonian(params=params)
        hop = lead.inter_cell_hopping(params=params)  # <cell|H|interface of the cell before>
        return sp.csr_array(np.hstack([cell, hop]))

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


def _interface_rows(system, side: int, members: list[list[int]]) -> NDArray:
    layer = members[0] if side == 0 else members[-1]
    starts = _row_starts(system)
    ends = np.append(starts[1:], system.site_ranges[-1][2])
    sizes = np.array([ends[i] - starts[i] for i in layer])
    offset = dict(zip(layer, np.cumsum(sizes) - sizes, strict=True))
    return np.concatenate(
        [
            np.arange(offset[int(i)], offset[int(i)] + ends[int(i)] - starts[int(i)])
            for i in system.lead_interfaces[side]
        ]
    )
