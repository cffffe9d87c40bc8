"""Complete linear response of a device with any number of terminals.

Voltages V_p shift the leads rigidly, U_p = V_p, and the local potential U follows so that the
conductor stays neutral.  To first order

    <O> = (1/2 pi) sum_p V_p tr O A_p                                       (window)
          - (1/pi) Im int_C dz tr O dG,    dG = G (U - sum_p V_p dSigma_p/dz) G   (sea)

with the contour C from below all bands to the chemical potential.  The window alone changes when
all voltages are raised together, although nothing then flows; the sum does not.  The potential is
the local electrochemical potential, U_i = sum_p d_p,i V_p/sum_p d_p,i, with d_p the local density
of the states of lead p; or the one that leaves every site neutral.

At a temperature the window is its thermal average, and the contour passes above the poles of the
Fermi function, whose residues are added (`negf_torque.transport.contour`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from negf_torque.greens.fronts import FrontPlan, front_memory, regular_fronts, selected_green
from negf_torque.greens.quadrature import Average, adaptive_average
from negf_torque.greens.response import self_energy_derivative
from negf_torque.greens.surface import lead_self_energy
from negf_torque.lattice.terminals import OpenSystem
from negf_torque.transport.contour import contour_path
from negf_torque.transport.graph_operators import SparseSum, local_operators
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.terminals import TerminalResponse
from negf_torque.transport.torque import exchange_torque, exchange_torque_error, sum_by_magnet
from negf_torque.transport.window_and_sea import WindowAndSea

__all__ = [
    "CompleteTerminals",
    "complete_terminals",
    "lowest_graph_energy",
    "terminal_sea",
]

#: Memory that one batch of energies on the contour may take.
_BATCH_BYTES = 200_000_000
#: Sites up to which the whole charge response chi_ij is formed.
MOST_NEUTRAL_SITES = 500


@dataclass(frozen=True, kw_only=True)
class CompleteTerminals(WindowAndSea):
    """Response to given voltages, independent of a common shift of all of them.

    Attributes
    ----------
    voltages : (P,)
        Densities and torkances are for these, in their unit.
    sea_magnet_error : (magnets, 3)
        Estimated errors of the sea's torque on each magnet, component by component.
    """

    window: TerminalResponse
    voltages: NDArray
    sea_magnet_error: NDArray

    @property
    def torkance_error(self) -> NDArray:
        """(magnets, 3): estimated error of `magnet_torkance`, component by component."""
        system = self.device
        spin = np.tensordot(np.abs(self.voltages), self.window.exchange_error, 1)
        site = exchange_torque_error(system.sites, spin)
        return sum_by_magnet(system.sites, site, system.magnets) + self.sea_magnet_error

    @property
    def device(self) -> OpenSystem:
        """The device with its sites and magnets."""
        return self.window.system


def complete_terminals(
    window: TerminalResponse,
    voltages: ArrayLike,
    sampling: Sampling | None = None,
    neutrality: str = "electrochemical",
) -> CompleteTerminals:
    """Add to the window what the Fermi sea answers to the potential.

    Parameters
    ----------
    window : TerminalResponse
    voltages : (P,)
    sampling : Sampling, optional
        Tolerance of the contour integral, and the window's temperature; default 1e-6.
    neutrality : {"electrochemical", "neutral"}

    Raises
    ------
    ValueError
        If `neutrality` is unknown, the temperature is not the window's, the voltages do not fit,
        a site has no states at this energy (electrochemical), or there are too many sites
        (neutral).
    """
    sampling = sampling or Sampling(temperature=window.temperature)
    volts = np.asarray(voltages, float)
    system = window.system
    _check(window, volts, neutrality, sampling)
    by_lead = window.density[:, :, 0]
    converged = window.converged
    if neutrality == "electrochemical":
        potential = _electrochemical(by_lead, volts)
    else:
        potential, fine = _neutral(window, volts, sampling)
        converged = converged and fine
    sea = terminal_sea(
        system, window.energy, potential[:, None], volts[:, None], sampling, magnets=True
    )
    count = 7 * len(system.sites.offset)
    value = sea.value[:count].reshape(-1, 7)
    return CompleteTerminals(
        window=window,
        voltages=volts,
        potential=potential,
        neutrality=neutrality,
        window_density=np.tensordot(volts, window.density, 1) / (2 * np.pi),
        sea_density=value[:, :4],
        window_exchange=np.tensordot(volts, window.exchange_density, 1) / (2 * np.pi),
        sea_exchange=value[:, 4:],
        sea_error=float(sea.error[:count].max()),
        sea_magnet_error=2 * np.pi * sea.error[count:].reshape(-1, 3),
        converged=converged and sea.converged,
    )


def _check(window: TerminalResponse, volts: NDArray, neutrality: str, sampling: Sampling) -> None:
    count, sites = window.density.shape[:2]
    if neutrality not in ("electrochemical", "neutral"):
        raise ValueError(
            f"neutrality: {neutrality!r} is unknown. Expected 'electrochemical' or 'neutral'."
        )
    if volts.shape != (count,):
        raise ValueError(f"voltages: shape {volts.shape}; expected one for each of {count} leads.")
    if sampling.temperature != window.temperature:
        raise ValueError(
            f"temperature: the sea would be at {sampling.temperature:g} K, the window is at "
            f"{window.temperature:g} K. Give the same sampling to both."
        )
    if neutrality == "neutral" and sites > MOST_NEUTRAL_SITES:
        raise ValueError(
            f"neutrality: 'neutral' needs the response of each of {sites} sites to every other; "
            f"this is done up to {MOST_NEUTRAL_SITES}. Use 'electrochemical'."
        )


def _electrochemical(by_lead: NDArray, volts: NDArray) -> NDArray:
    total = by_lead.sum(axis=0)
    if np.any(total <= 0):
        raise ValueError(
            "neutrality: a site has no states at this energy, so that its electrochemical "
            "potential is undefined. Use neutrality 'neutral'."
        )
    return volts @ by_lead / total


def _neutral(
    window: TerminalResponse, volts: NDArray, sampling: Sampling
) -> tuple[NDArray, bool]:
    """U with chi U = -(window charge + charge that the leads' shifts bring)."""
    system = window.system
    sites = len(system.sites.offset)
    nothing = np.zeros((sites, 1))
    leads = terminal_sea(system, window.energy, nothing, volts[:, None], sampling)
    contour = _Contour(system, window.energy)
    owner = system.site_of_row()
    summing = csr_array(
        (np.ones(len(owner)), (owner, np.arange(len(owner)))), shape=(sites, len(owner))
    )

    def columns(z: NDArray) -> NDArray:
        result = np.empty((len(z), sites * sites), complex)
        for row, matrix in zip(result, contour.dense(z), strict=True):
            green = np.linalg.inv(matrix)
            row[:] = (summing @ (summing @ (green * green.T)).T).ravel()
        return result

    chi = contour.integral(columns, sampling)
    right = -(volts @ window.density[:, :, 0] / (2 * np.pi) + leads.value.reshape(sites, 7)[:, 0])
    potential = np.linalg.solve(chi.value.reshape(sites, sites).T, right)
    return potential, chi.converged and leads.converged


def terminal_sea(
    system: OpenSystem,
    energy: float,
    potential: NDArray,
    lead_potential: NDArray,
    sampling: Sampling,
    bottom: float | None = None,
    magnets: bool = False,
) -> Average:
    """Change of all occupied states' densities when potentials are applied.

    Parameters
    ----------
    potential : (sites, m)
        m patterns of the potential in the region.
    lead_potential : (P, m)
        Rigid shifts of the leads in each pattern.
    bottom : float, optional
        Where the contour begins, below all bands; the result does not depend on it.
    magnets : bool
        Whether the torque on each magnet is appended: its error is far smaller than the sum of
        its sites' errors.

    Returns
    -------
    Average
        value: (m * sites * 7), per pattern and site particles, spin (3), exchange operator (3);
        with `magnets` followed by (m * magnets * 3).
    """
    contour = _Contour(system, energy, bottom)
    plan = contour.plan()
    shifts = np.repeat(potential, system.sites.orbitals, axis=0)
    batch = max(1, _BATCH_BYTES // front_memory(plan, shifts.shape[1]))

    def columns(z: NDArray) -> NDArray:
        parts = [
            contour.densities(plan, z[start : start + batch], shifts, lead_potential)
            for start in range(0, len(z), batch)
        ]
        found = np.concatenate(parts)
        if not magnets:
            return found
        local = found.reshape(len(z), potential.shape[1], -1, 7)
        torque = exchange_torque(system.sites, local[..., 4:])
        whole = sum_by_magnet(system.sites, torque, system.magnets)
        return np.concatenate([found, whole.reshape(len(z), -1)], axis=1)

    return contour.integral(columns, sampling)


class _Contour:
    """M = z - H - sum_p Sigma_p(z) of a system at complex energies."""

    def __init__(self, system: OpenSystem, energy: float, bottom: float | None = None) -> None:
        self.system = system
        self.energy = energy
        self.bottom = lowest_graph_energy(system) if bottom is None else bottom
        size = system.hamiltonian.shape[0]
        h = system.hamiltonian.tocoo()
        places = [h.row.astype(np.int64) * size + h.col, np.arange(size) * (size + 1)]
        for lead in system.leads:
            rows = lead.interface.astype(np.int64)
            places.append((rows[:, None] * size + rows).ravel())
        self.elements, which = np.unique(np.concatenate(places), return_inverse=True)
        ends = np.cumsum([len(p) for p in places])
        self.where = np.split(which, ends[:-1])
        self.minus_h = np.zeros(len(self.elements), complex)
        self.minus_h[self.where[0]] = -h.data
        self.operators: SparseSum = local_operators(system.sites)

    def plan(self) -> FrontPlan:
        size = self.system.hamiltonian.shape[0]
        # the contour ends on the real axis, where a part of the region may have a level of its own
        end = np.array([self.energy + 1e-9j])
        return regular_fronts(
            self.elements // size,
            self.elements % size,
            self.system.site_of_row(),
            self.operators.row,
            self.operators.column,
            self.matrix(end)[0][0],
        )

    def matrix(self, z: NDArray) -> tuple[NDArray, list[NDArray]]:
        """Elements of M (B, elements), and dSigma_p/dz (B, m_p, m_p) of every lead."""
        values = np.tile(self.minus_h, (len(z), 1))
        values[:, self.where[1]] += z[:, None]
        slopes = []
        for lead, where in zip(self.system.leads, self.where[2:], strict=True):
            sigma = lead_self_energy(lead.onsite, lead.hopping, z).sigma
            slope = self_energy_derivative(lead.onsite, lead.hopping, z, sigma)
            width = len(lead.interface)
            values[:, where] -= sigma[:, :width, :width].reshape(len(z), -1)
            slopes.append(slope[:, :width, :width].reshape(len(z), -1))
        return values, slopes

    def dense(self, z: NDArray):
        """M, one energy after the other."""
        size = self.system.hamiltonian.shape[0]
        for values in self.matrix(z)[0]:
            whole = np.zeros(size * size, complex)
            whole[self.elements] = values
            yield whole.reshape(size, size)

    def densities(
        self, plan: FrontPlan, z: NDArray, shifts: NDArray, lead_potential: NDArray
    ) -> NDArray:
        """tr O dG (B, m * sites * 7) for potentials `shifts` (n, m) of the rows."""
        values, slopes = self.matrix(z)
        changes = []
        for shift, leads in zip(shifts.T, lead_potential.T, strict=True):
            change = np.zeros_like(values)
            change[:, self.where[1]] -= shift
            for slope, where, lead in zip(slopes, self.where[2:], leads, strict=True):
                change[:, where] += lead * slope
            changes.append(change)
        _, derivatives = selected_green(plan, values, changes)
        return np.concatenate([self.operators.of_elements(d) for d in derivatives], axis=1)

    def integral(self, columns: Callable[[NDArray], NDArray], sampling: Sampling) -> Average:
        """-(1/pi) Im of the integral of f(z) `columns`: all occupied states."""
        path = contour_path(self.bottom, self.energy, sampling.temperature)

        def on_path(s: NDArray) -> NDArray:
            z, weight = self._half_circle(s[:, 0]) if path.thermal == 0 else path.nodes(s[:, 0])
            return -(weight[:, None] * columns(z)).imag / np.pi

        def smooth(s: NDArray) -> NDArray:
            # smooth stretches whose nodes crowd at the ends: mu may be near a lead's band edge,
            # and at a temperature the path's two pieces meet in the middle
            return (s[:, 0] > 0.5).astype(int) if path.thermal else np.zeros(len(s), int)

        mean = adaptive_average(
            on_path,
            [[0.0, 1.0]],
            rtol=sampling.tolerance,
            scale=lambda size: np.full(size.shape, size.max()),
            label=smooth,
            max_evaluations=sampling.max_evaluations,
        )
        if not len(path.poles):
            return mean
        added = 2 * path.thermal * columns(path.poles).real.sum(axis=0)
        return Average(mean.value + added, mean.error, mean.evaluations, mean.converged)

    def _half_circle(self, s: NDArray) -> tuple[NDArray, NDArray]:
        centre, radius = (self.energy + self.bottom) / 2, (self.energy - self.bottom) / 2
        turn = radius * np.exp(-1j * np.pi * s)
        return centre - turn, 1j * np.pi * turn


def lowest_graph_energy(system: OpenSystem) -> float:
    """An energy below all states of the region and its leads (Gershgorin's circles), in eV."""
    h = system.hamiltonian
    diagonal = h.diagonal()
    low = diagonal.real - (abs(h).sum(axis=1) - np.abs(diagonal))
    for lead in system.leads:
        out = np.abs(lead.attachment[0])
        low[lead.interface] -= out.sum(axis=1)
    bounds = [low.min()]
    for lead in system.leads:
        cell, hop = lead.onsite[0], np.abs(lead.hopping[0])
        diagonal = np.diag(cell).real
        off = np.abs(cell).sum(axis=1) - np.abs(np.diag(cell))
        bounds.append(float((diagonal - off - hop.sum(axis=0) - hop.sum(axis=1)).min()))
    return float(min(bounds)) - 0.5
