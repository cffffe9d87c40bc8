"""Linear response of a device with any number of terminals.

Each terminal p is a reservoir with the electrochemical potential mu_p = V_p (in eV; V in volts
counts the energy of electrons).  To first order in the voltages every quantity is a sum over the
scattering states that the leads send in,

    X = sum_q X_q V_q,

with X_q from the spectral function A_q = G Gamma_q G^+.  The current that flows into the device
through terminal p is I_p = (e^2/h) sum_q G_pq V_q, and its spin is counted at the interface of
the lead, whatever the lead's own magnetisation is:

    G^a_pq = 2 Im tr S_a Sigma_p A_q + delta_pq 2 Im tr S_a Gamma_p G^+,

for a = 0 the number of channels minus the transmissions, delta_pq N_p - T_pq.
M. Buttiker, Phys. Rev. Lett. 57, 1761 (1986).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens.graph import graph_states, spin_flow_from_lead, transmission_amplitude
from negf_torque.greens.quadrature import adaptive_average
from negf_torque.greens.surface import LeadSelfEnergy, lead_self_energy
from negf_torque.lattice.terminals import OpenSystem
from negf_torque.notices import ConvergenceWarning, PhysicsWarning
from negf_torque.transport.arguments import real_energy
from negf_torque.transport.graph_operators import (
    bond_flow,
    interface_operators,
    local_operators,
)
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.torque import exchange_torque, sum_by_magnet
from negf_torque.units import BOLTZMANN

__all__ = ["TerminalResponse", "lead_surfaces", "spin_transmission", "terminal_response"]


@dataclass(frozen=True)
class TerminalResponse:
    """Window part of the linear response to the voltage of each terminal q.

    Attributes
    ----------
    system : OpenSystem
    energy : float
    transmission : (P, P)
        T_pq from terminal q to terminal p, both spins; on the diagonal the reflection.
    flow : (P, P, 4)
        G_pq (e^2/h) and G^a_pq (e/(4 pi)): charge and spin that flow into the device through
        terminal p per volt of terminal q.
    density : (P, sites, 4)
        Particles and spin of the states of each lead, times 2 pi, 1/eV.
    exchange_density : (P, sites, 3)
    bonds : (bonds, 2) int
        Sites (i, j), every bond in both directions.
    bond_current : (P, bonds, 4)
        From i to j, measured at j: particles (e^2/h per volt) and spin (e/(4 pi)).
    interface_flow : (P, sites, 4)
        What each site receives from the leads that attach to it, all leads together.
    open_channels : (P,)
        Both spins; at finite temperature the mean.
    error : float
        Largest estimated absolute error of the arrays; 0 at zero temperature.
    evaluations : int
    converged : bool
    temperature : float
        Of the leads, K.
    exchange_error : (P, sites, 3)
        Estimated errors of `exchange_density`, number by number.
    """

    system: OpenSystem
    energy: float
    transmission: NDArray
    flow: NDArray
    density: NDArray
    exchange_density: NDArray
    bonds: NDArray
    bond_current: NDArray
    interface_flow: NDArray
    open_channels: NDArray
    error: float
    evaluations: int
    converged: bool
    temperature: float = 0.0
    exchange_error: NDArray = field(default_factory=lambda: np.zeros((0, 0, 3)))

    @property
    def conductance(self) -> NDArray:
        """(P, P): G_pq in e^2/h, I_p = sum_q G_pq V_q; rows and columns sum to zero."""
        return self.flow[:, :, 0]

    @property
    def site_torkance(self) -> NDArray:
        """(P, sites, 3), e/(4 pi): torque on each site's moment per volt of each terminal."""
        return exchange_torque(self.system.sites, self.exchange_density)

    @property
    def magnet_torkance(self) -> NDArray:
        """(P, magnets, 3), e/(4 pi), in the order of `system.magnets`."""
        return sum_by_magnet(self.system.sites, self.site_torkance, self.system.magnets)

    def inflow(self) -> NDArray:
        """(P, sites, 4): what arrives at each site over its bonds and from the leads' interfaces.

        Charge: zero.  Spin: the torque on the site's moment, without spin-orbit coupling; with
        it, minus what the site's bonds and on-site terms give to the lattice.
        """
        total = self.interface_flow.copy()
        end: Any = (slice(None), self.bonds[:, 1])
        np.add.at(total, end, self.bond_current)
        return total


def lead_surfaces(system: OpenSystem, energy: ArrayLike) -> list[LeadSelfEnergy]:
    """Self-energies of all leads on their interfaces, for energies (B,), real or complex."""
    result = []
    for lead in system.leads:
        whole = lead_self_energy(lead.onsite, lead.hopping, energy)
        width = len(lead.interface)
        result.append(
            LeadSelfEnergy(
                whole.sigma[:, :width, :width],
                whole.vectors[:, :width],
                whole.flux,
                whole.open_channels,
            )
        )
    return result


def terminal_response(
    system: OpenSystem,
    energy: float,
    sampling: Sampling | None = None,
    bonds: bool = True,
    progress: Callable[[int], None] | None = None,
) -> TerminalResponse:
    """Response of a device to the voltages of its terminals.

    Parameters
    ----------
    system : OpenSystem
    energy : float
        Chemical potential in eV.
    sampling : Sampling, optional
        Temperature and tolerance; default zero temperature: one energy.
    bonds : bool
        Whether the current through every bond is wanted; at finite temperature of a large device
        they are most of the memory.
    progress : callable, optional
        Called with the number of energies done.

    Raises
    ------
    ValueError
        If the energy is not one real number, the modes of a lead are ill-defined there, or a
        state of the region couples to no lead.

    Warns
    -----
    PhysicsWarning
        If no channel of a lead is open.
    ConvergenceWarning
        If the thermal average has not reached its tolerance.

    Examples
    --------
    A perfect chain carries both spins, 2 e^2/h, from one lead to the other:

    >>> from negf_torque.lattice import Layer, build_stack
    >>> from negf_torque.lattice.terminals import open_system
    >>> chain = open_system(build_stack([Layer(2)], cross_section="chain"))
    >>> np.round(terminal_response(chain, -0.5).conductance, 9)
    array([[ 2., -2.],
           [-2.,  2.]])
    """
    if not isinstance(system, OpenSystem):
        raise ValueError(
            f"system: {type(system).__name__} is not an open system; open_system(magnet) makes one."
        )
    sampling, energy = sampling or Sampling(), real_energy(energy)
    solver = _Solver(system, bonds)
    if sampling.temperature == 0:
        value, error, count, converged = solver(energy), None, 1, True
    else:
        value, error, count, converged = _thermal(solver, energy, sampling, progress)
    result = solver.unpack(value, energy, error, count, converged)
    result = replace(result, temperature=sampling.temperature)
    for name, channels in zip(system.names, result.open_channels, strict=True):
        if channels == 0:
            warnings.warn(
                f"energy: {energy:g} eV lies outside all bands of {name!r}; nothing flows there.",
                PhysicsWarning,
                stacklevel=2,
            )
    return result


def _thermal(solver: "_Solver", energy: float, sampling: Sampling, progress):
    """Mean over the thermal window, u = f(E) from 0 to 1."""
    width = BOLTZMANN * sampling.temperature

    def energies(u: NDArray) -> NDArray:
        u = np.clip(u[:, 0], 1e-300, 1 - 1e-16)
        return energy + width * np.log((1 - u) / u)

    def label(u: NDArray) -> NDArray:
        code = np.zeros(len(u), np.int64)
        for surface in lead_surfaces(solver.system, energies(u)):
            code = code * 10007 + surface.open_channels
        return code

    mean = adaptive_average(
        lambda u: np.array([solver(e) for e in energies(u)]),
        [[0.0, 1.0]],
        rtol=sampling.tolerance,
        families=solver.families(),
        label=label,
        max_evaluations=sampling.max_evaluations,
        progress=progress,
    )
    if not mean.converged:
        warnings.warn(
            f"the average over energies has not reached the tolerance {sampling.tolerance:g} after "
            f"{mean.evaluations} energies; the result is marked.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return mean.value, mean.error, mean.evaluations, mean.converged


class _Solver:
    """Everything that one energy gives, as one row of numbers."""

    def __init__(self, system: OpenSystem, bonds: bool) -> None:
        self.system = system
        self.site = system.site_of_row()
        self.interfaces = [lead.interface for lead in system.leads]
        self.local = local_operators(system.sites)
        self.flow = bond_flow(system) if bonds else None
        self.at_interface = [interface_operators(system, p) for p in range(len(system.leads))]
        count, sites = len(system.leads), len(system.sites.offset)
        self.bonds = np.zeros((0, 2), int) if self.flow is None else self.flow.bonds
        self.shapes = (
            (count, count),
            (count, count, 4),
            (count, sites, 7),
            (count, len(self.bonds), 4),
            (count, sites, 4),
            (count,),
        )

    def __call__(self, energy: float) -> NDArray:
        leads = [_first(lead) for lead in lead_surfaces(self.system, [energy])]
        states = graph_states(self.system.hamiltonian, energy, self.interfaces, leads)
        parts = [np.zeros(shape) for shape in self.shapes]
        for q, psi in enumerate(states):
            for p, (rows, lead) in enumerate(zip(self.interfaces, leads, strict=True)):
                amplitude = 1j * transmission_amplitude(rows, lead, psi)
                scattering = amplitude - (p == q) * np.eye(*amplitude.shape)
                parts[0][p, q] = np.sum(np.abs(scattering) ** 2)
                flow = spin_flow_from_lead(rows, lead, self.at_interface[p], psi, p == q)
                parts[1][p, q] = flow.sum(axis=1)
                np.add.at(parts[4][q], self.site[rows], flow.T)
            parts[2][q] = self.local.of_states(psi).real.reshape(-1, 7)
            if self.flow is not None:
                parts[3][q] = self.flow.of_states(psi)
        parts[5][:] = [lead.open_channels[0] for lead in leads]
        return np.concatenate([part.ravel() for part in parts])

    def families(self) -> NDArray:
        """Quantities that share a scale: flows and currents, densities."""
        which = (0, 0, 1, 0, 0, 0)
        return np.concatenate(
            [np.full(int(np.prod(s)), f) for s, f in zip(self.shapes, which, strict=True)]
        )

    def unpack(self, value, energy, error, evaluations, converged) -> TerminalResponse:
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        parts = [
            part.reshape(shape)
            for part, shape in zip(np.split(value, ends[:-1]), self.shapes, strict=True)
        ]
        errors = np.zeros(len(value)) if error is None else error
        spins = errors[ends[1] : ends[2]].reshape(self.shapes[2])
        return TerminalResponse(
            system=self.system,
            energy=energy,
            transmission=parts[0],
            flow=parts[1],
            density=parts[2][:, :, :4],
            exchange_density=parts[2][:, :, 4:],
            bonds=self.bonds,
            bond_current=parts[3],
            interface_flow=parts[4],
            open_channels=parts[5],
            error=float(errors.max()),
            exchange_error=spins[:, :, 4:],
            evaluations=evaluations,
            converged=converged,
        )


def _first(lead: LeadSelfEnergy) -> LeadSelfEnergy:
    """Without the columns of closed channels."""
    count = int(lead.open_channels[0])
    return LeadSelfEnergy(
        lead.sigma[:1], lead.vectors[:1, :, :count], lead.flux[:1, :count], lead.open_channels[:1]
    )


def spin_transmission(system: OpenSystem, energy: float, axes: ArrayLike) -> NDArray:
    """Transmission resolved by the spin of the channels on both sides.

    Parameters
    ----------
    system : OpenSystem
    energy : float
    axes : (3,) or (P, 3)
        Quantisation axis of each lead; of a magnetic lead its magnetisation.

    Returns
    -------
    (P, P, 2, 2)
        T[p, q, s, t] from spin t in lead q to spin s in lead p, up (along the axis) first.

    Raises
    ------
    ValueError
        If the channels of a lead have no definite spin along its axis.
    """
    leads = [_first(lead) for lead in lead_surfaces(system, [energy])]
    interfaces = [lead.interface for lead in system.leads]
    axes = np.broadcast_to(np.asarray(axes, float), (len(leads), 3))
    projectors = []
    for p, (lead, axis) in enumerate(zip(leads, axes, strict=True)):
        spin = np.tensordot(axis / np.linalg.norm(axis), interface_operators(system, p)[1:], 1)
        channels = lead.vectors[0]
        inside = channels.conj().T @ spin @ channels
        weighted = inside * lead.flux[0]
        # conserved: the spin of a channel is 1 or -1, and channels of unequal flux do not mix
        mixing = np.abs(weighted - weighted.conj().T).max(initial=0.0)
        defect = np.abs(inside @ inside - np.eye(len(inside))).max(initial=0.0)
        if max(mixing, defect) > 1e-8:
            raise ValueError(
                f"axes: the channels of {system.names[p]!r} have no definite spin along "
                f"{tuple(axis.tolist())}. Give the lead's own axis; with spin-orbit coupling in "
                "the lead there is none."
            )
        unit = np.eye(len(inside))
        projectors.append([(unit + inside) / 2, (unit - inside) / 2])
    states = graph_states(system.hamiltonian, energy, interfaces, leads)
    result = np.zeros((len(leads), len(leads), 2, 2))
    for q, psi in enumerate(states):
        for p, (rows, lead) in enumerate(zip(interfaces, leads, strict=True)):
            amplitude = 1j * transmission_amplitude(rows, lead, psi)
            amplitude = amplitude - (p == q) * np.eye(*amplitude.shape)
            for s, out in enumerate(projectors[p]):
                for t, into in enumerate(projectors[q]):
                    result[p, q, s, t] = np.sum(np.abs(out @ amplitude @ into) ** 2)
    return result
