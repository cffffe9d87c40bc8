"""A device of many terminals under given voltages and currents: what flows, and what it turns.

Everything is linear, so that results are given per unit of the current that one terminal, the
source, injects: voltages become resistances (h/e^2), spin currents and torques pure numbers in
units of hbar/2e, as in torque = (hbar/2e) number x current.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.terminals import OpenSystem
from negf_torque.transport.probes import terminal_voltages
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.terminal_sea import CompleteTerminals, complete_terminals
from negf_torque.transport.terminals import TerminalResponse, terminal_response
from negf_torque.transport.torque import exchange_torque_error, sum_by_magnet

__all__ = ["DrivenDevice", "drive"]

#: A current below this share of the largest one counts as none.
_NO_CURRENT = 1e-10


@dataclass(frozen=True)
class DrivenDevice:
    """Response per unit of the current that the source injects.

    Attributes
    ----------
    response : TerminalResponse
        The window, voltage by voltage.
    complete : CompleteTerminals or None
        Window and sea for `voltages`; None if only the window was asked for.
    source : str
    voltages : (P,)
        h/e^2: voltage of each terminal per injected current.
    flow : (P, 4)
        Charge and spin that flow into the device through each terminal: a pure number, hbar/2e.
    bond_current : (B, 4)
        The same through the B bonds of `response.bonds`.
    """

    response: TerminalResponse
    complete: CompleteTerminals | None
    source: str
    voltages: NDArray
    flow: NDArray
    bond_current: NDArray

    @property
    def window_torque(self) -> NDArray:
        """(sites, 3), hbar/2e: window part of the torque; depends on a common voltage."""
        return np.tensordot(self.voltages, self.response.site_torkance, 1)

    @property
    def site_torque(self) -> NDArray:
        """(sites, 3), hbar/2e: the complete torque, or the window's if that is all there is."""
        return self.window_torque if self.complete is None else self.complete.site_torkance

    @property
    def magnet_torque(self) -> NDArray:
        """(magnets, 3), hbar/2e, in the order of `system.magnets`."""
        return self._by_magnet(self.site_torque)

    @property
    def window_magnet_torque(self) -> NDArray:
        """(magnets, 3), hbar/2e."""
        return self._by_magnet(self.window_torque)

    @property
    def accumulation(self) -> NDArray:
        """(sites, 4): particles and spin per injected current, h/e^2 per eV."""
        if self.complete is None:
            return np.tensordot(self.voltages, self.response.density, 1) / (2 * np.pi)
        return self.complete.density

    @property
    def torque_error(self) -> NDArray:
        """(magnets, 3): estimated error of `magnet_torque`, component by component."""
        if self.complete is not None:
            return self.complete.torkance_error
        spin = np.tensordot(np.abs(self.voltages), self.response.exchange_error, 1)
        return self._by_magnet(exchange_torque_error(self.response.system.sites, spin))

    @property
    def converged(self) -> bool:
        """Whether every average has reached its tolerance."""
        return self.response.converged and (self.complete is None or self.complete.converged)

    def current_density(self) -> NDArray:
        """(sites, 4, d): for pictures, half of each bond's current along it, at both its ends."""
        position = self.response.system.sites.position
        ends = self.response.bonds
        step = position[ends[:, 1]] - position[ends[:, 0]]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        along = self.bond_current[:, :, None] * (step / np.where(length > 0, length, 1))[:, None]
        total = np.zeros((len(position), 4, position.shape[1]))
        # each bond is there in both directions, measured at its two ends
        np.add.at(total, ends[:, 1], along / 2)
        return total

    def _by_magnet(self, torque: NDArray) -> NDArray:
        system = self.response.system
        return sum_by_magnet(system.sites, torque, system.magnets)


def drive(
    system: OpenSystem,
    energy: float,
    source: str,
    voltages: Mapping[str, float] | None = None,
    currents: Mapping[str, float] | None = None,
    sampling: Sampling | None = None,
    neutrality: str | None = "electrochemical",
) -> DrivenDevice:
    """Solve a device under boundary conditions.

    Parameters
    ----------
    system : OpenSystem
    energy : float
        Chemical potential in eV.
    source : str
        Terminal whose current into the device is the unit.
    voltages, currents : mapping
        See `negf_torque.transport.probes.terminal_voltages`; terminals in neither float.  By
        default the source injects and the others share what leaves at voltage zero.
    sampling : Sampling, optional
    neutrality : {"electrochemical", "neutral"} or None
        Potential of the complete response; None leaves the sea out.

    Raises
    ------
    ValueError
        If the boundary conditions are impossible, or no current flows through the source.

    Examples
    --------
    >>> from negf_torque.lattice.nonlocal_valve import TERMINALS, Wire, build_nonlocal_valve
    >>> from negf_torque.lattice.terminals import open_system
    >>> valve = open_system(build_nonlocal_valve(Wire(width=2, distance=3)), TERMINALS)
    >>> result = drive(valve, -0.7, "injector", {"left": 0.0}, {"injector": 1.0})
    >>> (abs(result.flow[:, 0]) > 1e-12).tolist()
    [True, True, False, False]
    """
    sampling = sampling or Sampling()
    if source not in system.names:
        raise ValueError(f"source: {source!r} is no terminal; there are {list(system.names)}.")
    if not voltages and not currents:
        voltages = {name: float(name == source) for name in system.names}
    response = terminal_response(system, energy, sampling)
    volts = terminal_voltages(response.conductance, system.names, voltages, currents)
    current = response.conductance @ volts
    injected = current[system.names.index(source)]
    if abs(injected) <= _NO_CURRENT * max(np.abs(current).max(), np.abs(volts).max()):
        raise ValueError(
            f"source: no current flows through {source!r}, so that nothing is per unit of it. "
            "Name a terminal that injects."
        )
    volts = volts / injected
    complete = None
    if neutrality is not None:
        complete = complete_terminals(response, volts, sampling, neutrality)
    return DrivenDevice(
        response=response,
        complete=complete,
        source=source,
        voltages=volts,
        flow=np.einsum("pqa,q->pa", response.flow, volts),
        bond_current=np.tensordot(volts, response.bond_current, 1),
    )
