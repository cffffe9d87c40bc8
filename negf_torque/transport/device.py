"""A chain of layers joined with its leads, solved for many momenta and energies at once.

The spectral function of lead p, A_p = G Gamma_p G^+, is the sum over the scattering states that
the lead sends in.  From it follow, per unit of 1/(2 pi) and of the lead's electrochemical
potential,

    density and spin of a site     n_i = tr (A_p)_ii,  s_i = tr S (A_p)_ii,
    current between two layers     I^a_{l -> l+1} = 2 Im tr[S_a H_{l+1,l} (A_p)_{l,l+1}],

with S_0 = 1, counted at the right end of the bond (spin-orbit hopping makes both ends differ).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens import batched, recursive
from negf_torque.greens.blocks import (
    SparseBlocks,
    SparseOperators,
    bond_operators,
    sparse_blocks,
)
from negf_torque.greens.packing import SelfEnergy
from negf_torque.greens.surface import LeadSelfEnergy
from negf_torque.lattice.layers import LayerChain, SiteTable
from negf_torque.lattice.separation import Separation, separate
from negf_torque.transport.arguments import chain_of
from negf_torque.transport.leads import lead_pair, lead_self_energies

__all__ = [
    "LARGEST_BATCHED",
    "Device",
    "Response",
    "make_device",
    "scattering_states",
    "solve",
]

#: Rows of a layer up to which many chains are solved at once by compiled loops; larger layers
#: go to LAPACK one chain at a time.
LARGEST_BATCHED = 24


@dataclass(frozen=True)
class Device:
    """A chain in the form that the solvers read; what they need is made when it is needed.

    Attributes
    ----------
    chain : LayerChain
    separate_exchange : bool
        Whether some site's exchange field acts on something else than its spin.
    separation : Separation or None
        Modes of the cross-section of a wire that is the same at each of its sites.
    """

    chain: LayerChain
    separate_exchange: bool
    separation: Separation | None

    @property
    def sites(self) -> int:
        """Number of sites of the region."""
        return len(self.chain.sites.layer)

    @property
    def layers(self) -> int:
        """Number of layers of the region."""
        return len(self.chain.onsite)

    @property
    def quantities(self) -> int:
        """Operators of a site: particles, spin, and the exchange operator where it differs."""
        return 7 if self.separate_exchange else 4

    @cached_property
    def blocks(self) -> SparseBlocks:
        """The Hamiltonian."""
        return sparse_blocks(self.chain.onsite, self.chain.coupling)

    @cached_property
    def operators(self) -> SparseOperators:
        """`quantities` operators of every site, site by site."""
        table = self.chain.sites
        pointer, rows, columns, values = [0], [], [], []
        for i in range(self.sites):
            for matrix in _local_operators(table, i, self.separate_exchange):
                row, column = np.nonzero(matrix)
                rows.append(row + table.offset[i])
                columns.append(column + table.offset[i])
                values.append(matrix[row, column])
                pointer.append(pointer[-1] + len(row))
        return SparseOperators(
            layer=np.repeat(table.layer, self.quantities).astype(np.int64),
            pointer=np.array(pointer, np.int64),
            row=np.concatenate(rows).astype(np.int64),
            column=np.concatenate(columns).astype(np.int64),
            value=np.concatenate(values).astype(complex),
            hermitian=True,
        )

    @cached_property
    def bonds(self) -> SparseOperators:
        """Particles and spin of whole layers, for the currents between them."""
        table = self.chain.sites
        layer_spin = [np.zeros((4, n, n), complex) for n in self.chain.sizes]
        for i, layer in enumerate(table.layer):
            here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
            layer_spin[layer][:, here, here] = _local_operators(table, i, False)
        return bond_operators(layer_spin)

    @cached_property
    def mode(self) -> "Device":
        """The chain that each mode of a separable wire is."""
        assert self.separation is not None
        return Device(self.separation.chain, self.separate_exchange, None)


def _local_operators(table: SiteTable, i: int, separate_exchange: bool) -> NDArray:
    parts = [np.eye(table.orbitals[i])[None], table.spin[i]]
    return np.concatenate([*parts, table.exchange_operator[i]] if separate_exchange else parts)


@dataclass(frozen=True)
class Response:
    """What both leads' scattering states carry, for a batch of momenta and energies.

    Attributes
    ----------
    transmission : (B,)
    density : (2, sites, 4, B)
        Particle density and spin (x, y, z) of the states from the left (0) and right (1) lead,
        times 2 pi, in 1/eV.
    exchange_density : (2, sites, 3, B)
        Expectation value of the exchange operator; the spin itself unless a magnet has another.
    current : (2, layers - 1, 4, B)
        Particle and spin current (x, y, z) from each layer to the next.
    open_channels : (2, B)
    reflection, transmission_amplitude, reflection_right, transmission_amplitude_right :
        (B, m, n) between the orbitals of the end layers, see `negf_torque.greens.batched`.
    """

    transmission: NDArray
    density: NDArray
    exchange_density: NDArray
    current: NDArray
    open_channels: NDArray
    reflection: NDArray
    transmission_amplitude: NDArray
    reflection_right: NDArray
    transmission_amplitude_right: NDArray


def make_device(chain: LayerChain) -> Device:
    """Prepare a chain of layers for the solvers.

    Raises
    ------
    ValueError
        If it is not a chain of layers.
    """
    chain = chain_of(chain)
    separate_exchange = any(
        not np.array_equal(spin, acting)
        for spin, acting in zip(chain.sites.spin, chain.sites.exchange_operator, strict=True)
    )
    return Device(chain, separate_exchange, separate(chain))


def solve(
    device: Device,
    k: ArrayLike,
    energy: ArrayLike,
    leads: tuple[LeadSelfEnergy, LeadSelfEnergy] | None = None,
    potential: ArrayLike | None = None,
    shifts: tuple[float, float] = (0.0, 0.0),
    self_energy: SelfEnergy | None = None,
) -> Response:
    """Solve a device at momenta (B, d) and energies (B,).

    Parameters
    ----------
    device : Device
    k : (B, d)
    energy : (B,) or float
        In eV.
    leads : pair of LeadSelfEnergy, optional
        If they are known already.
    potential : (layers, B), optional
        Shift of the on-site energies in eV.
    shifts : (float, float)
        Shift of all bands of the left and the right lead in eV; not with `leads`.
    self_energy : one entry per layer, None or (n_l, n_l[, B]) complex, optional
        Added to the Hamiltonian; random potentials, for example.
    """
    k = np.asarray(k, float)
    energy = np.broadcast_to(np.asarray(energy, float), (len(k),))
    if leads is None and self_energy is None and device.separation is not None:
        return _solve_modes(device, energy, potential, shifts)
    leads = leads or lead_self_energies(device.chain, k, energy, shifts)
    return _solve(device, device.chain.phases(k), energy, leads, potential, self_energy)


def _solve(
    device: Device,
    phases: NDArray,
    energy: NDArray,
    leads: tuple[LeadSelfEnergy, LeadSelfEnergy],
    potential: ArrayLike | None,
    self_energy: SelfEnergy | None = None,
) -> Response:
    if max(device.chain.sizes) > LARGEST_BATCHED:
        return _solve_large(device, phases, energy, leads, potential, self_energy)
    fields = batched.solve(
        device.blocks,
        phases,
        energy,
        *leads,
        device.operators,
        device.bonds,
        potential=potential,
        self_energy=self_energy,
    )
    return _response(
        device,
        fields.transmission,
        fields.local,
        fields.current,
        leads,
        (
            fields.reflection,
            fields.transmission_amplitude,
            fields.reflection_right,
            fields.transmission_amplitude_right,
        ),
    )


def _solve_modes(
    device: Device, energy: NDArray, potential: ArrayLike | None, shifts: tuple[float, float]
) -> Response:
    """A separable wire: all modes of its cross-section as one batch of chains."""
    assert device.separation is not None
    small, modes = device.mode, device.separation.modes
    batch, count = len(energy), modes.shape[1]
    phases = np.tile(device.separation.factors, (1, batch))
    energies = np.repeat(energy, count)
    if potential is not None:
        potential = np.repeat(np.broadcast_to(potential, (device.layers, batch)), count, axis=1)
    leads = lead_pair(small.chain, phases, energies, shifts)
    found = _solve(small, phases, energies, leads, potential)

    def over_sites(local: NDArray) -> NDArray:
        """(2, layers, m, B n) -> (2, layers sites, m, B): weights |phi_n|^2 of the sites."""
        shape = local.shape[:3]
        spread = np.einsum(
            "sn,plabn->plsab", np.abs(modes) ** 2, local.reshape(*shape, batch, count)
        )
        return spread.reshape(2, device.sites, shape[2], batch)

    def between_orbitals(amplitude: NDArray) -> NDArray:
        q, r = amplitude.shape[1:]
        whole = np.einsum(
            "sn,bnij,tn->bsitj",
            modes,
            amplitude.reshape(batch, count, q, r),
            modes.conj(),
            optimize=True,
        )
        return whole.reshape(batch, len(modes) * q, len(modes) * r)

    return Response(
        found.transmission.reshape(batch, count).sum(axis=1),
        over_sites(found.density),
        over_sites(found.exchange_density),
        found.current.reshape(*found.current.shape[:3], batch, count).sum(axis=-1),
        found.open_channels.reshape(2, batch, count).sum(axis=2),
        between_orbitals(found.reflection),
        between_orbitals(found.transmission_amplitude),
        between_orbitals(found.reflection_right),
        between_orbitals(found.transmission_amplitude_right),
    )


def scattering_states(
    device: Device, k: ArrayLike, energy: float, potential: ArrayLike | None = None
) -> recursive.ScatteringStates:
    """The states themselves, of both leads, at one momentum (d,) and energy."""
    k, energies = np.reshape(np.asarray(k, float), (1, -1)), np.array([float(energy)])
    left, right = lead_self_energies(device.chain, k, energies)
    phases = device.chain.phases(k)[:, 0]
    return recursive.scattering_states(device.blocks, phases, energy, left, right, potential)


def _solve_large(
    device: Device,
    phases: NDArray,
    energy: NDArray,
    leads: tuple[LeadSelfEnergy, LeadSelfEnergy],
    potential: ArrayLike | None,
    self_energy: SelfEnergy | None,
) -> Response:
    transmission, local, current = [], [], []
    amplitudes: tuple[list, ...] = ([], [], [], [])
    for b in range(len(energy)):
        one = tuple(
            LeadSelfEnergy(
                lead.sigma[b : b + 1],
                lead.vectors[b : b + 1],
                lead.flux[b : b + 1],
                lead.open_channels[b : b + 1],
            )
            for lead in leads
        )
        shift = (
            None
            if potential is None
            else np.broadcast_to(potential, (device.layers, len(energy)))[:, b]
        )
        local_energy = self_energy and [
            x if x is None or np.ndim(x) == 2 else np.asarray(x)[:, :, b] for x in self_energy
        ]
        states = recursive.scattering_states(
            device.blocks, phases[:, b], energy[b], one[0], one[1], shift, local_energy
        )
        transmission.append(states.transmission)
        local.append(states.local(device.operators))
        current.append(states.current(device.bonds))
        left, right = (lead.vectors[0][:, : lead.open_channels[0]] for lead in one)
        # from open channels to the orbitals of the end layers
        for into, out, outgoing, incoming in zip(
            amplitudes,
            (
                states.reflection,
                states.transmission_amplitude,
                states.reflection_right,
                states.transmission_amplitude_right,
            ),
            (left, right, right, left),
            (left, left, right, right),
            strict=True,
        ):
            into.append(outgoing @ out @ incoming.conj().T)
    return _response(
        device,
        np.array(transmission),
        np.stack(local, axis=-1),
        np.stack(current, axis=-1),
        leads,
        tuple(np.array(a) for a in amplitudes),
    )


def _response(
    device: Device,
    transmission: NDArray,
    local: NDArray,
    current: NDArray,
    leads: tuple[LeadSelfEnergy, LeadSelfEnergy],
    amplitudes: tuple,
) -> Response:
    batch = len(transmission)
    local = local.reshape(2, device.sites, device.quantities, batch)
    return Response(
        transmission,
        local[:, :, :4],
        local[:, :, 4:] if device.separate_exchange else local[:, :, 1:],
        current.reshape(2, device.layers - 1, 4, batch),
        np.stack([lead.open_channels for lead in leads]),
        *amplitudes,
    )
