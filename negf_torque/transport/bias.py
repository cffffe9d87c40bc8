"""Finite bias: currents and torques of all states, window and Fermi sea.

Leads shift rigidly by +V/2 (left) and -V/2 (right), the region by a given potential profile, and

    J = int dE sum_k w_k [f_L i_L + f_R i_R]

with i_p the spectral quantity of lead p's states: charge current (e/h) J, torque J/(4 pi), an
energy; J is in eV.  All states below the lower chemical potential are occupied from both sides:
their part, the only one that is left at V = 0 (interlayer coupling), comes from the retarded
Green's function on a contour.  The states between both chemical potentials come from one lead.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens import batched
from negf_torque.greens.blocks import sparse_operators
from negf_torque.greens.response import bond_green
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.device import Device, make_device, solve
from negf_torque.transport.leads import attach, channel_label, fourier_blocks
from negf_torque.transport.sampling import Sampling, contour_average, zone_and_path_average
from negf_torque.transport.sea import lowest_energy
from negf_torque.transport.torque import exchange_torque, sum_by_magnet

__all__ = [
    "BiasPoint",
    "equilibrium_torque",
    "finite_bias",
    "grand_potential",
    "linear_profile",
    "sea_spin_current",
]

# Rounding of a torque that is a small difference of spins of order one, per exchange field.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class BiasPoint:
    """A device at one voltage, T = 0.

    Attributes
    ----------
    chain : LayerChain
    voltage : float
        V; electrons flow from left to right for V > 0.
    current : float
        J in eV per cell; charge current (e/h) J.
    spin_current : (layers - 1, 4)
        Window part of the particle and spin currents between layers, eV.
    window_torque, sea_torque : (sites, 3)
        J in eV; the torque is J/(4 pi), an energy in eV.
    current_error, torque_error : float
        Largest estimated absolute errors.
    converged : bool
    """

    chain: LayerChain
    voltage: float
    current: float
    spin_current: NDArray
    window_torque: NDArray
    sea_torque: NDArray
    current_error: float
    torque_error: float
    converged: bool

    @property
    def site_torque(self) -> NDArray:
        """(sites, 3), eV."""
        return self.window_torque + self.sea_torque

    @property
    def magnet_torque(self) -> NDArray:
        """(magnets, 3), eV, in the order of `chain.magnets`."""
        return sum_by_magnet(self.chain.sites, self.site_torque, self.chain.magnets)


def linear_profile(chain: LayerChain, first: int, last: int) -> NDArray:
    """Potential per volt (layers,): +1/2, in layers `first` to `last` linear, then -1/2.

    In a barrier of N layers U = V/2 - V n/(N + 1), n = 1 ... N.
    """
    layers = len(chain.sizes)
    if not 0 <= first <= last < layers:
        raise ValueError(
            f"first, last: {first}, {last} are not a range of the device's {layers} layers."
        )
    n = np.clip(np.arange(layers) - first + 1, 0, last - first + 2)
    return 0.5 - n / (last - first + 2)


def finite_bias(
    chain: LayerChain,
    energy: float,
    voltage: float,
    profile: ArrayLike,
    sampling: Sampling | None = None,
) -> BiasPoint:
    """Currents and torques at a voltage.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential at zero bias, eV.
    voltage : float
    profile : (layers,)
        Potential of the layers per volt, see `linear_profile`.
    sampling : Sampling, optional
        Default adaptive to 1e-6; temperature zero.

    Raises
    ------
    ValueError
        If the profile does not fit, the voltage is not finite, or the temperature is not zero.
    """
    sampling = sampling or Sampling()
    shape = np.asarray(profile, float)
    if shape.shape != (len(chain.sizes),) or not np.all(np.isfinite(shape)):
        raise ValueError(
            f"profile: shape {shape.shape}. Give a finite number for each of the "
            f"{len(chain.sizes)} layers."
        )
    if not np.isfinite(voltage):
        raise ValueError(f"voltage: {voltage!r} is not a voltage.")
    if sampling.temperature > 0:
        raise ValueError(f"temperature: {sampling.temperature:g} K. Finite bias is there for 0 K.")
    device = make_device(chain)
    shifts = (voltage / 2, -voltage / 2)
    lower = energy - abs(voltage) / 2
    sea, sea_error, sea_good = _sea_torque(device, lower, voltage * shape, shifts, sampling)
    point = BiasPoint(
        chain=chain,
        voltage=voltage,
        current=0.0,
        spin_current=np.zeros((device.layers - 1, 4)),
        window_torque=np.zeros_like(sea),
        sea_torque=sea,
        current_error=0.0,
        torque_error=sea_error,
        converged=sea_good,
    )
    if voltage == 0:
        return point
    return _with_window(point, device, lower, voltage * shape, shifts, sampling)


def equilibrium_torque(
    chain: LayerChain, energy: float, sampling: Sampling | None = None
) -> NDArray:
    """Torque (sites, 3) without a voltage: J in eV, torque J/(4 pi); T = 0.

    It derives from the grand potential: turning a magnet by d theta about the axis a changes
    Omega by -a.sum_i J_i/(4 pi) d theta.
    """
    flat = np.zeros(len(chain.sizes))
    return finite_bias(chain, energy, 0.0, flat, sampling).sea_torque


def grand_potential(
    chain: LayerChain, energy: float, sampling: Sampling | None = None, bottom: float | None = None
) -> float:
    """Omega = (1/pi) Im int^mu dE ln det G^-1 (Lloyd) in eV per cell, T = 0.

    Only differences between directions of the moments mean something.
    """
    device = make_device(chain)
    start = lowest_energy(chain) if bottom is None else bottom

    def columns(k: NDArray, z: NDArray) -> NDArray:
        left, right, phases = _analytic_leads(chain, k, z, (0.0, 0.0))
        return batched.log_det(device.blocks, phases, z, left, right)[:, None]

    mean = contour_average(columns, chain, start, energy, sampling or Sampling())
    return -float(mean.value[0])


def sea_spin_current(
    chain: LayerChain,
    energy: float,
    bond: int,
    sampling: Sampling | None = None,
    voltage: float = 0.0,
    profile: ArrayLike | None = None,
) -> NDArray:
    """Current through the bond from layer `bond` to the next that all states below `energy` carry.

    In equilibrium two magnets that are not collinear exchange spin, and nothing else flows:

        I^a = (1/pi) Re int dE tr[S_a (V G_{l,l+1} - G_{l+1,l} V^+)]        (J = 2 pi I)

    Returns
    -------
    (4,)
        Particles (zero) and spin, J in eV; see `BiasPoint`.
    """
    device = make_device(chain)
    potential = voltage * (np.zeros(device.layers) if profile is None else np.asarray(profile))
    shifts = (voltage / 2, -voltage / 2)
    spins = np.zeros((4, chain.sizes[bond + 1], chain.sizes[bond + 1]), complex)
    spins[0] = np.eye(chain.sizes[bond + 1])
    table = chain.sites
    for i in np.flatnonzero(table.layer == bond + 1):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        spins[1:, here, here] = table.spin[i]

    def columns(k: NDArray, z: NDArray) -> NDArray:
        left, right, phases = _analytic_leads(chain, k, z, shifts)
        onsite, coupling = fourier_blocks(chain, phases)
        diagonal = [
            (z - u)[:, None, None] * np.eye(n) - h
            for n, h, u in zip(chain.sizes, onsite, potential, strict=True)
        ]
        diagonal[0], diagonal[-1] = diagonal[0] - left, diagonal[-1] - right
        forth, back = bond_green(diagonal, coupling, bond)
        v = coupling[bond]
        flow = v @ forth - back @ v.conj().swapaxes(1, 2)
        # contour_average takes -(1/pi) Im: i times the integrand gives -(1/pi) Re
        return -1j * np.einsum("aij,bji->ba", spins, flow)

    bottom = lowest_energy(chain) - np.abs([*shifts, *potential]).max()
    mean = contour_average(columns, chain, bottom, energy, sampling or Sampling(), _ROUNDING)
    return 2 * np.pi * mean.value


def _analytic_leads(chain: LayerChain, k: NDArray, z: NDArray, shifts):
    phases = chain.phases(k)
    left = attach(chain.left, chain.sizes[0], phases, z - shifts[0]).sigma
    right = attach(chain.right, chain.sizes[-1], phases, z - shifts[1]).sigma
    return left, right, phases


def _sea_torque(
    device: Device, energy: float, potential: NDArray, shifts, sampling: Sampling
) -> tuple[NDArray, float, bool]:
    chain, table = device.chain, device.chain.sites
    magnetic = np.flatnonzero(np.any(table.exchange, axis=1))
    torque = np.zeros((device.sites, 3))
    if not magnetic.size:
        return torque, 0.0, True
    operators = []
    for i in magnetic:
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        for axis in np.eye(3):
            # T_a = (B x O)_a = (e_a x B).O
            whole = np.zeros((chain.sizes[table.layer[i]],) * 2, complex)
            weight = np.cross(axis, table.exchange[i])
            whole[here, here] = np.tensordot(weight, table.exchange_operator[i], 1)
            operators.append((int(table.layer[i]), whole))
    flat = sparse_operators(operators)

    def columns(k: NDArray, z: NDArray) -> NDArray:
        left, right, phases = _analytic_leads(chain, k, z, shifts)
        shift = np.broadcast_to(potential[:, None], (len(potential), len(z)))
        return batched.green_local(device.blocks, phases, z, left, right, flat, shift).T

    bottom = lowest_energy(chain) - np.abs([*shifts, *potential]).max()
    mean = contour_average(columns, chain, bottom, energy, sampling, _noise(chain))
    torque[magnetic] = 2 * np.pi * mean.value.reshape(-1, 3)
    return torque, float(2 * np.pi * mean.error.max()), mean.converged


def _noise(chain: LayerChain) -> float:
    return _ROUNDING * float(np.linalg.norm(chain.sites.exchange, axis=1).max(initial=0.0))


def _with_window(
    point: BiasPoint, device: Device, lower: float, potential: NDArray, shifts, sampling: Sampling
) -> BiasPoint:
    chain, width = device.chain, abs(point.voltage)
    lead = 0 if point.voltage > 0 else 1
    magnetic = np.flatnonzero(np.any(chain.sites.exchange, axis=1))

    def columns(k: NDArray, s: NDArray) -> NDArray:
        energies = lower + width * s
        shift = np.broadcast_to(potential[:, None], (len(potential), len(s)))
        response = solve(device, k, energies, potential=shift, shifts=shifts)
        spin = np.moveaxis(response.exchange_density[lead], 2, 0)
        torque = exchange_torque(chain.sites, spin)[:, magnetic]
        current = np.moveaxis(response.current[lead], 2, 0)
        return np.concatenate(
            [
                response.transmission[:, None],
                torque.reshape(len(s), -1),
                current.reshape(len(s), -1),
            ],
            axis=1,
        )

    torques = 3 * len(magnetic)

    def scale(size: NDArray) -> NDArray:
        torque = np.full(torques, size[1 : 1 + torques].max(initial=0.0))
        return np.concatenate([size[:1], torque, np.full(4 * (device.layers - 1), size[0])])

    def label(k: NDArray, s: NDArray) -> NDArray:
        return channel_label(chain, k, lower + width * s, shifts)

    atol = np.zeros(1 + torques + 4 * (device.layers - 1))
    atol[1 : 1 + torques] = _noise(chain)
    mean = zone_and_path_average(columns, chain, sampling, scale, label, atol)
    value, error = width * mean.value, width * mean.error
    torque = np.zeros((device.sites, 3))
    torque[magnetic] = value[1 : 1 + torques].reshape(-1, 3)
    return replace(
        point,
        current=float(np.sign(point.voltage) * value[0]),
        spin_current=value[1 + torques :].reshape(-1, 4),
        window_torque=torque,
        current_error=float(error[0]),
        torque_error=point.torque_error + float(error[1 : 1 + torques].max(initial=0.0)),
        converged=point.converged and mean.converged,
    )
