"""Spin currents through single bonds, and the balance of spin on every site.

    I^a_{i -> j} = 2 Im psi_j^+ S_a H_ji psi_i        (a = 0: particles)

summed over the scattering states of a lead; S_a is the spin of site j.  Without spin-orbit
hopping I_{i -> j} = -I_{j -> i}, and the spin that flows into a site is the torque on its moment.
With it, the difference is the spin lost to the lattice: both ends of a bond are given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.device import Device, scattering_states

__all__ = ["BondCurrents", "bond_currents"]


@dataclass(frozen=True)
class BondCurrents:
    """Currents through all bonds of the region at one momentum and energy.

    Attributes
    ----------
    bonds : (bonds, 2) int
        Sites (i, j), every bond in both directions.
    current : (2, bonds, 4)
        From i to j, measured at j, for the states of the left and right lead: particles and
        spin (x, y, z) per 1/(2 pi).
    """

    bonds: NDArray
    current: NDArray

    def inflow(self, sites: int) -> NDArray:
        """(2, sites, 4): all that arrives at each site over the bonds of the region."""
        total = np.zeros((2, sites, 4))
        np.add.at(total.swapaxes(0, 1), self.bonds[:, 1], self.current.swapaxes(0, 1))
        return total


def bond_currents(
    device: Device, energy: float, k: ArrayLike = (), potential: ArrayLike | None = None
) -> BondCurrents:
    """Charge and spin current through every bond of the region.

    Parameters
    ----------
    device : Device
    energy : float
        In eV.
    k : (d,), optional
        Momentum, for a periodic cross-section.
    potential : (layers,), optional
        Shift of the on-site energies in eV.
    """
    chain = device.chain
    states = scattering_states(device, k, energy, potential)
    psi = [_by_site(chain, states.psi[lead]) for lead in (0, 1)]
    phases = chain.phases(np.reshape(np.asarray(k, float), (1, -1)))[:, 0]
    bonds, current = [], []
    for i, j, hopping in _hoppings(chain, phases):
        local = np.concatenate([np.eye(chain.sites.orbitals[j])[None], chain.sites.spin[j]])
        flow = [
            2 * np.einsum("in,aij,jn->a", p[j].conj(), local, hopping @ p[i], optimize=True).imag
            for p in psi
        ]
        bonds.append((i, j))
        current.append(flow)
    return BondCurrents(
        np.array(bonds, int).reshape(-1, 2),
        np.array(current).reshape(-1, 2, 4).swapaxes(0, 1),
    )


def _by_site(chain: LayerChain, layers: list[NDArray]) -> list[NDArray]:
    table = chain.sites
    return [
        layers[layer][offset : offset + width]
        for layer, offset, width in zip(table.layer, table.offset, table.orbitals, strict=True)
    ]


def _hoppings(chain: LayerChain, phases: NDArray):
    """All (i, j, H_ji) with i != j."""
    table = chain.sites
    members = [np.flatnonzero(table.layer == layer) for layer in range(len(chain.onsite))]
    for layer, block in enumerate(chain.onsite):
        yield from _pairs(table, members[layer], members[layer], np.tensordot(phases, block, 1))
    for layer, block in enumerate(chain.coupling):
        value = np.tensordot(phases, block, 1)
        yield from _pairs(table, members[layer], members[layer + 1], value)
        yield from _pairs(table, members[layer + 1], members[layer], value.conj().T)


def _pairs(table, sources: NDArray, targets: NDArray, matrix: NDArray):
    for j in targets:
        rows = matrix[table.offset[j] : table.offset[j] + table.orbitals[j]]
        filled = np.any(rows != 0, axis=0)
        for i in sources:
            here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
            if i != j and filled[here].any():
                yield int(i), int(j), rows[:, here]
