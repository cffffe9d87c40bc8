"""Wires that are the same at every site of their cross-section fall apart into chains.

    H_l = 1 x D_l + K x T_l,     H_{l+1,l} = 1 x V_l

with K the adjacency of the M sites of a cross-section, the same in every layer and lead.  In the
eigenmodes of K, K phi_n = kappa_n phi_n, each mode is a chain with one site per layer and on-site
matrix D_l + kappa_n T_l: M small problems instead of one with blocks M times as large.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain, LeadCell, SiteTable

__all__ = ["Separation", "separate"]


@dataclass(frozen=True)
class Separation:
    """Modes of a cross-section, and the chain that each of them is.

    Attributes
    ----------
    chain : LayerChain
        One site per layer; its two "harmonics" are the part without and with a factor kappa.
    factors : (2, M)
        What the harmonics are multiplied with in each mode: 1 and kappa_n.
    modes : (M, M)
        phi_n of the sites: one column for each mode.
    """

    chain: LayerChain
    factors: NDArray
    modes: NDArray


def separate(chain: LayerChain) -> Separation | None:
    """The separation of a wire, or None where it has none."""
    table = chain.sites
    layers = len(chain.onsite)
    count = len(table.layer) // layers
    if chain.dimension or count < 2 or np.any(np.bincount(table.layer) != count):
        return None
    q = int(table.orbitals[0])
    same = np.all(table.orbitals == q) and all(
        np.all(table.exchange[i : i + count] == table.exchange[i])
        and all(np.array_equal(table.spin[j], table.spin[i]) for j in range(i, i + count))
        and all(
            np.array_equal(table.exchange_operator[j], table.exchange_operator[i])
            for j in range(i, i + count)
        )
        for i in range(0, len(table.layer), count)
    )
    leads = (chain.left, chain.right)
    if not same or any(
        lead.onsite.shape[-1] != count * q
        or not np.array_equal(lead.interface, np.arange(count * q))
        for lead in leads
    ):
        return None
    adjacency = _adjacency(chain.onsite[0][0], count, q)
    if adjacency is None:
        return None
    found = [_split(b[0], adjacency, q) for b in (*chain.onsite, *(c.onsite for c in leads))]
    inner = len(found)
    found += [
        _split(b[0], np.zeros_like(adjacency), q)
        for b in (*chain.coupling, *(m for c in leads for m in (c.hopping, c.attachment)))
    ]
    onsite = [part for part in found[:inner] if part is not None]
    couplings = [part for part in found[inner:] if part is not None]
    if len(onsite) + len(couplings) < len(found):
        return None
    kappa, modes = np.linalg.eigh(adjacency)
    bonds = couplings[: layers - 1]
    cells = [
        LeadCell(
            onsite=onsite[layers + n],
            hopping=couplings[layers - 1 + 2 * n],
            attachment=couplings[layers + 2 * n],
            interface=np.arange(q),
            sites=_first_of_each(lead.sites, count),
        )
        for n, lead in enumerate(leads)
    ]
    small = LayerChain(
        displacements=np.zeros((2, 0), int),
        onsite=tuple(onsite[:layers]),
        coupling=tuple(bonds),
        sites=_first_of_each(table, count),
        left=cells[0],
        right=cells[1],
    )
    return Separation(small, np.stack([np.ones(count), kappa]).astype(complex), modes)


def _adjacency(block: NDArray, count: int, q: int) -> NDArray | None:
    """K from the hoppings between the sites of one layer, in units of the first one."""
    parts = block.reshape(count, q, count, q).transpose(0, 2, 1, 3)
    linked = np.argwhere(np.any(parts != 0, axis=(2, 3)) & ~np.eye(count, dtype=bool))
    if not len(linked):
        return None
    unit = parts[tuple(linked[0])]
    adjacency = np.einsum("ij,abij->ab", unit.conj(), parts) / np.sum(np.abs(unit) ** 2)
    np.fill_diagonal(adjacency, 0)
    return adjacency if np.allclose(adjacency, adjacency.conj().T, atol=1e-13) else None


def _split(block: NDArray, adjacency: NDArray, q: int) -> NDArray | None:
    """(2, q, q): D and T with block = 1 x D + K x T, or None."""
    count = len(adjacency)
    parts = block.reshape(count, q, count, q).transpose(0, 2, 1, 3)
    own = parts[0, 0]
    linked = np.argwhere(adjacency)
    hopping = np.zeros((q, q), complex)
    if len(linked):
        hopping = parts[tuple(linked[0])] / adjacency[tuple(linked[0])]
    whole = np.kron(np.eye(count), own) + np.kron(adjacency, hopping)
    scale = max(np.abs(block).max(), 1.0)
    return np.stack([own, hopping]) if np.abs(whole - block).max() < 1e-13 * scale else None


def _first_of_each(table: SiteTable, count: int) -> SiteTable:
    """One site of every cross-section."""
    rows = slice(None, None, count)
    return replace(
        table,
        layer=table.layer[rows],
        offset=np.zeros(len(table.layer[rows]), int),
        orbitals=table.orbitals[rows],
        position=table.position[rows],
        magnet=table.magnet[rows],
        exchange=table.exchange[rows],
        spin=table.spin[rows],
        exchange_operator=table.exchange_operator[rows],
    )
