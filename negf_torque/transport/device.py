"""A chain of layers joined with its leads, solved for many momenta and energies at once.

The spectral function of lead p, A_p = G Gamma_p G^+, is the sum over the scattering states that
the lead sends in.  From it follow, per unit of 1/(2 pi) and of the lead's electrochemical
potential,

    density and spin of a site     n_i = tr (A_p)_ii,  s_i = tr S (A_p)_ii,
    current between two layers     I^a_{l -> l+1} = 2 Im tr[S_a H_{l+1,l} (A_p)_{l,l+1}],

with S_0 = 1, counted at the right end of the bond (spin-orbit hopping makes both ends differ).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens import batched, recursive
from negf_torque.greens.blocks import (
    SparseBlocks,
    SparseOperators,
    bond_operators,
    sparse_blocks,
    sparse_operators,
)
from negf_torque.greens.response import self_energy_derivative
from negf_torque.greens.surface import LeadSelfEnergy, lead_self_energy
from negf_torque.lattice.layers import LayerChain, LeadCell

__all__ = [
    "LARGEST_BATCHED",
    "Device",
    "Response",
    "attach",
    "attach_analytic",
    "channel_label",
    "fourier_blocks",
    "lead_self_energies",
    "make_device",
    "scattering_states",
    "solve",
]

#: Rows of a layer up to which many chains are solved at once by compiled loops; larger layers
#: go to LAPACK one chain at a time.
LARGEST_BATCHED = 24


@dataclass(frozen=True)
class Device:
    """A chain in the form that the solvers read."""

    chain: LayerChain
    blocks: SparseBlocks
    operators: SparseOperators
    bonds: SparseOperators
    separate_exchange: bool

    @property
    def sites(self) -> int:
        """Number of sites of the region."""
        return len(self.chain.sites.layer)

    @property
    def layers(self) -> int:
        """Number of layers of the region."""
        return len(self.chain.onsite)


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
    """Flatten a chain of layers and its spin operators for the solvers."""
    table = chain.sites
    separate = any(
        not np.array_equal(spin, acting)
        for spin, acting in zip(table.spin, table.exchange_operator, strict=True)
    )
    operators = []
    layer_spin = [np.zeros((4, n, n), complex) for n in chain.sizes]
    for i, layer in enumerate(table.layer):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        local = np.concatenate([np.eye(table.orbitals[i])[None], table.spin[i]])
        layer_spin[layer][:, here, here] = local
        if separate:
            local = np.concatenate([local, table.exchange_operator[i]])
        for matrix in local:
            whole = np.zeros((chain.sizes[layer],) * 2, complex)
            whole[here, here] = matrix
            operators.append((int(layer), whole))
    return Device(
        chain=chain,
        blocks=sparse_blocks(chain.onsite, chain.coupling),
        operators=sparse_operators(operators),
        bonds=bond_operators(layer_spin),
        separate_exchange=separate,
    )


def attach(lead: LeadCell, size: int, phases: NDArray, energy: NDArray) -> LeadSelfEnergy:
    """Self-energy of a lead on the whole end layer (`size` rows), for a batch."""
    return _embedded(lead, size, _surface(lead, phases, energy))


def _surface(lead: LeadCell, phases: NDArray, energy: NDArray) -> LeadSelfEnergy:
    cell = _fourier_sum(lead.onsite, phases)
    return lead_self_energy(cell, _fourier_sum(lead.hopping, phases), energy)


def _embedded(lead: LeadCell, size: int, surface: LeadSelfEnergy) -> LeadSelfEnergy:
    rows, batch = lead.interface, len(surface.sigma)
    if np.array_equal(rows, np.arange(size)) and surface.sigma.shape[-1] == size:
        return surface
    width = len(rows)
    sigma = np.zeros((batch, size, size), complex)
    sigma[:, rows[:, None], rows] = surface.sigma[:, :width, :width]
    vectors = np.zeros((batch, size, surface.vectors.shape[2]), complex)
    vectors[:, rows] = surface.vectors[:, :width]
    return LeadSelfEnergy(sigma, vectors, surface.flux, surface.open_channels)


def attach_analytic(
    lead: LeadCell, size: int, phases: NDArray, energy: NDArray
) -> tuple[NDArray, NDArray]:
    """Self-energy and dSigma/dz on the end layer, (B, size, size), at complex energies."""
    cell, hopping = _fourier_sum(lead.onsite, phases), _fourier_sum(lead.hopping, phases)
    sigma = lead_self_energy(cell, hopping, energy).sigma
    slope = self_energy_derivative(cell, hopping, energy, sigma)
    whole = np.zeros((2, len(energy), size, size), complex)
    rows, width = lead.interface, len(lead.interface)
    whole[:, :, rows[:, None], rows] = np.stack([sigma, slope])[:, :, :width, :width]
    return whole[0], whole[1]


def fourier_blocks(chain: LayerChain, phases: NDArray) -> tuple[list[NDArray], list[NDArray]]:
    """On-site blocks and couplings as full matrices, (B, n, n) each."""
    return (
        [_fourier_sum(block, phases) for block in chain.onsite],
        [_fourier_sum(block, phases) for block in chain.coupling],
    )


def _fourier_sum(harmonics: NDArray, phases: NDArray) -> NDArray:
    """sum_R M[R] exp(i k.R), shape (B, n, n); most harmonics of a small cell are zero."""
    total = np.zeros((phases.shape[1], *harmonics.shape[1:]), complex)
    for harmonic, phase in zip(harmonics, phases, strict=True):
        for i, j in zip(*np.nonzero(harmonic), strict=True):
            total[:, i, j] += phase * harmonic[i, j]
    return total


def channel_label(
    chain: LayerChain, k: ArrayLike, energy: ArrayLike, shifts: tuple[float, float] = (0.0, 0.0)
) -> NDArray:
    """An integer (B,) that changes wherever a channel of either lead opens or closes."""
    left, right = lead_self_energies(chain, k, energy, shifts)
    return left.open_channels * (2 * chain.sizes[-1] + 1) + right.open_channels


def lead_self_energies(
    chain: LayerChain, k: ArrayLike, energy: ArrayLike, shifts: tuple[float, float] = (0.0, 0.0)
) -> tuple[LeadSelfEnergy, LeadSelfEnergy]:
    """Self-energies of both leads at momenta (B, d) and energies (B,).

    `shifts` moves all bands of the left and the right lead (a bias), in eV.
    """
    phases, energy = chain.phases(k), np.asarray(energy)
    surface = _surface(chain.left, phases, energy - shifts[0])
    left = _embedded(chain.left, chain.sizes[0], surface)
    same = shifts[0] == shifts[1] and all(
        np.array_equal(getattr(chain.left, name), getattr(chain.right, name))
        for name in ("onsite", "hopping")
    )
    if not same:  # two leads of one material have one solution
        surface = _surface(chain.right, phases, energy - shifts[1])
    return left, _embedded(chain.right, chain.sizes[-1], surface)


def solve(
    device: Device,
    k: ArrayLike,
    energy: ArrayLike,
    leads: tuple[LeadSelfEnergy, LeadSelfEnergy] | None = None,
    potential: ArrayLike | None = None,
) -> Response:
    """Solve a device at momenta (B, d) and energies (B,).

    Parameters
    ----------
    device : Device
    k : (B, d)
    energy : (B,) or float
        In eV.
    leads : pair of LeadSelfEnergy, optional
        If they are known already (they are the same for all directions of the moments between).
    potential : (layers, B), optional
        Shift of the on-site energies in eV.
    """
    k = np.asarray(k, float)
    energy = np.broadcast_to(np.asarray(energy, float), (len(k),))
    leads = leads or lead_self_energies(device.chain, k, energy)
    phases = device.chain.phases(k)
    if max(device.chain.sizes) > LARGEST_BATCHED:
        return _solve_large(device, phases, energy, leads, potential)
    fields = batched.solve(
        device.blocks,
        phases,
        energy,
        *leads,
        device.operators,
        device.bonds,
        potential=potential,
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
        states = recursive.scattering_states(device.blocks, phases[:, b], energy[b], *one, shift)
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
    local = local.reshape(2, device.sites, 7 if device.separate_exchange else 4, batch)
    return Response(
        transmission,
        local[:, :, :4],
        local[:, :, 4:] if device.separate_exchange else local[:, :, 1:],
        current.reshape(2, device.layers - 1, 4, batch),
        np.stack([lead.open_channels for lead in leads]),
        *amplitudes,
    )
