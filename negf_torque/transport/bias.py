"""Finite bias: currents and torques of all states, window and Fermi sea.

Leads shift rigidly by +V/2 (left) and -V/2 (right), the region by a given potential profile, and

    J = int dE sum_k w_k [f_L i_L + f_R i_R]

with i_p the spectral quantity of lead p's states: charge current (e/h) J, torque J/(4 pi), an
energy; J is in eV.  All states below the lower chemical potential are occupied from both sides:
their part, the only one that is left at V = 0 (interlayer coupling), comes from the retarded
Green's function on a contour.  The states between both chemical potentials come from one lead.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens import batched
from negf_torque.greens.response import bond_green
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.contour import Contour
from negf_torque.transport.device import make_device
from negf_torque.transport.leads import attach, fourier_blocks
from negf_torque.transport.occupied import contour_average
from negf_torque.transport.profile import checked_profile, linear_profile
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.sea import layer_spins, lowest_energy
from negf_torque.transport.torque import sum_by_magnet
from negf_torque.transport.voltage import VoltageSolver
from negf_torque.transport.window_bands import check_voltage

__all__ = [
    "BiasPoint",
    "equilibrium_torque",
    "finite_bias",
    "grand_potential",
    "linear_profile",
    "sea_spin_current",
]

# Rounding of a bond's Green's function on the contour.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class BiasPoint:
    """A device at one voltage.

    Attributes
    ----------
    chain : LayerChain
    voltage : float
        V; electrons flow from left to right for V > 0.
    current : float
        J in eV per cell; charge current (e/h) J.
    spin_current : (layers - 1, 4)
        Window part of the particle and spin currents between layers, eV.
    sea_spin_current : (layers - 1, 3)
        Spin current of all occupied states, eV; not-a-number with spin-orbit coupling.
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
    sea_spin_current: NDArray
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


def finite_bias(
    chain: LayerChain,
    energy: float,
    voltage: float,
    profile: ArrayLike,
    sampling: Sampling | None = None,
    contour: Contour | None = None,
) -> BiasPoint:
    """Currents and torques at a voltage.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential at zero bias, eV.
    voltage : float
    profile : (layers,)
        Potential of the layers per volt, see `negf_torque.transport.profile`.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.
    contour : Contour, optional
        Shape of the path for the occupied states; the result does not depend on it.

    Raises
    ------
    ValueError
        If the profile does not fit, the voltage is not finite or beyond the leads' bands, or the
        contour would begin inside the bands or cut a pole of the Fermi function.
    """
    shape = checked_profile(chain, profile)
    if not np.isfinite(voltage):
        raise ValueError(f"voltage: {voltage!r} is not a voltage.")
    check_voltage(chain, energy, voltage, shape, contour)
    solver = VoltageSolver([chain], energy, sampling or Sampling(), contour)
    found = solver.at(voltage, voltage * shape)
    return BiasPoint(
        chain=chain,
        voltage=voltage,
        current=float(found.current[0]),
        spin_current=found.flow[0],
        sea_spin_current=found.sea_flow[0],
        window_torque=found.window_torque[0],
        sea_torque=found.sea_torque[0],
        current_error=float(found.current_error[0]),
        torque_error=float(found.torque_error[0]),
        converged=found.converged,
    )


def equilibrium_torque(
    chain: LayerChain, energy: float, sampling: Sampling | None = None
) -> NDArray:
    """Torque (sites, 3) without a voltage: J in eV, torque J/(4 pi).

    It derives from the grand potential: turning a magnet by d theta about the axis a changes
    Omega by -a.sum_i J_i/(4 pi) d theta.
    """
    flat = np.zeros(len(chain.sizes))
    return finite_bias(chain, energy, 0.0, flat, sampling).sea_torque


def grand_potential(
    chain: LayerChain, energy: float, sampling: Sampling | None = None, bottom: float | None = None
) -> float:
    """Omega = (1/pi) Im int dE f(E) ln det G^-1 (Lloyd) in eV per cell.

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
    spins = np.concatenate(
        [np.eye(chain.sizes[bond + 1])[None], layer_spins(chain, bond + 1)]
    )

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
