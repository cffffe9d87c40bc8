"""A device at one voltage, for several directions of its magnets at once.

    J = int dE sum_k w_k [f_L i_L + f_R i_R]

is split at the lower chemical potential mu: int f(E - mu) (i_L + i_R), all occupied states, on a
contour; and the window, (f_higher - f_lower) i of the lead with the higher potential.  With

    V s = int_-inf^E (f_higher - f_lower) dE',    0 < s < 1,

the window is V times a plain mean over s, at every temperature.  Nodes in energy and momentum are
common to all directions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from negf_torque.greens import batched
from negf_torque.greens.blocks import sparse_operators
from negf_torque.greens.quadrature import line_averages
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.contour import Contour, window_energies
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.leads import channel_label
from negf_torque.transport.meshes import FIRST_MESH, LARGEST_MESH, zone_mesh
from negf_torque.transport.occupied import contour_average
from negf_torque.transport.sampling import (
    Sampling,
    mirror_symmetric,
    tell_unconverged,
)
from negf_torque.transport.sea import (
    conserves_spin,
    layer_spins,
    lead_turns_spin,
    lowest_energy,
)
from negf_torque.transport.torque import exchange_torque
from negf_torque.transport.turned_leads import TurnedLeads
from negf_torque.units import BOLTZMANN

__all__ = ["VoltageResult", "VoltageSolver"]

# Rounding of a torque that is a small difference of spins of order one, per exchange field.
_ROUNDING = 1e-15


@dataclass(frozen=True)
class VoltageResult:
    """Currents, torques and charges of several directions (A) at one voltage; J in eV.

    Attributes
    ----------
    current, current_error : (A,)
    flow : (A, layers - 1, 4)
        Window part of particle and spin current between layers.
    window_torque, sea_torque : (A, sites, 3)
    sea_flow : (A, layers - 1, 3)
        Spin current of all occupied states; not-a-number with spin-orbit coupling.
    torque_error : (A,)
        Largest of a site's components.
    charge, charge_error : (A, sites), float
        Particles; only if asked for, else empty and 0.
    evaluations : int
    converged : bool
    """

    current: NDArray
    current_error: NDArray
    flow: NDArray
    window_torque: NDArray
    sea_torque: NDArray
    sea_flow: NDArray
    torque_error: NDArray
    charge: NDArray
    charge_error: float
    evaluations: int
    converged: bool


class VoltageSolver:
    """Solves chains that differ only in the direction of moments, at any voltage.

    Parameters
    ----------
    chains : sequence of LayerChain
    energy : float
        Chemical potential without a voltage, eV.
    sampling : Sampling
    contour : Contour
    charges : bool
        Whether the number of particles of each site is computed too.
    """

    def __init__(
        self,
        chains: Sequence[LayerChain],
        energy: float,
        sampling: Sampling,
        contour: Contour | None = None,
        charges: bool = False,
    ) -> None:
        self.devices = [make_device(chain) for chain in chains]
        self.chain, self.energy, self.sampling = chains[0], energy, sampling
        self.contour, self.charges = contour or Contour(), charges
        self.leads = TurnedLeads(chains)
        self.thermal = BOLTZMANN * sampling.temperature
        self.layers, self.sites = len(self.chain.sizes), len(self.chain.sites.layer)
        self.magnetic = np.flatnonzero(np.any(self.chain.sites.exchange, axis=1))
        self.flows = lead_turns_spin(self.chain, 0)
        self.conserved = conserves_spin(self.chain)
        fields = np.linalg.norm(self.chain.sites.exchange, axis=1)
        self.noise = _ROUNDING * max(1.0, float(fields.max(initial=0.0)))
        self._sea_operators = [self._operators(device.chain) for device in self.devices]

    def at(self, voltage: float, potential: NDArray) -> VoltageResult:
        """All directions at a voltage, with the potential (layers,) of the layers in eV."""
        shifts = (voltage / 2, -voltage / 2)
        count = len(self.devices)
        value, error, evaluations, good = self._window(voltage, potential, shifts)
        value, error = (part.reshape(count, -1) for part in (value, error))
        ends = np.cumsum([1, 3 * len(self.magnetic), 4 * (self.layers - 1)])
        torque_scale = np.abs(value[:, ends[0] : ends[1]]).max(initial=0.0)
        sea = self._sea(voltage, potential, shifts, float(torque_scale))
        sea_value, sea_error, more, sea_good = sea
        torque = np.zeros((2, count, self.sites, 3))
        torque[0][:, self.magnetic] = value[:, ends[0] : ends[1]].reshape(count, -1, 3)
        torques = 3 * len(self.magnetic)
        torque[1][:, self.magnetic] = sea_value[:, :torques].reshape(count, -1, 3)
        into = np.zeros((count, 3))
        if self.flows:
            into = sea_value[:, torques : torques + 3]
        charge = np.zeros((count, 0))
        charge_error = 0.0
        if self.charges:
            charge = (value[:, ends[2] :] + sea_value[:, -self.sites :]) / (2 * np.pi)
            charge_error = float(
                (error[:, ends[2] :].max() + sea_error[:, -self.sites :].max()) / (2 * np.pi)
            )
        return VoltageResult(
            current=np.sign(voltage) * value[:, 0],
            current_error=error[:, 0],
            flow=value[:, ends[1] : ends[2]].reshape(count, -1, 4),
            window_torque=torque[0],
            sea_torque=torque[1],
            sea_flow=self._sea_flow(into, torque[1]),
            torque_error=error[:, ends[0] : ends[1]].max(axis=1, initial=0.0)
            + sea_error[:, :torques].max(axis=1, initial=0.0),
            charge=charge,
            charge_error=charge_error,
            evaluations=evaluations + more,
            converged=good and sea_good,
        )

    # --- window ---

    def energies(self, voltage: float, s: NDArray) -> NDArray:
        """Energies at which the share s of the window lies below, eV."""
        width = abs(voltage)
        return window_energies(s, self.energy - width / 2, width, self.thermal)

    def _window(self, voltage: float, potential: NDArray, shifts):
        columns = 1 + 3 * len(self.magnetic) + 4 * (self.layers - 1)
        columns += self.sites if self.charges else 0
        total = columns * len(self.devices)
        if voltage == 0:
            return np.zeros(total), np.zeros(total), 0, True
        d = self.chain.dimension

        def integrand(x: NDArray) -> NDArray:
            return self._window_columns(x[:, :d], voltage, x[:, d], potential, shifts)

        def label(x: NDArray) -> NDArray:
            at = self.energies(voltage, x[:, d])
            return channel_label(self.leads.reference, x[:, :d], at, shifts)

        mean = _ZoneMean(integrand, label, self.chain, self.sampling, self._window_scale)
        value, error = mean.refine()
        width = abs(voltage)
        return width * value, width * error, mean.evaluations, mean.converged

    def _window_scale(self, size: NDArray) -> NDArray:
        """Tolerances' scales: the largest current and the largest torque of all directions."""
        size = size.reshape(len(self.devices), -1)
        torques = 3 * len(self.magnetic)
        scale = np.full(size.shape, size[:, 0].max())
        scale[:, 1 : 1 + torques] = size[:, 1 : 1 + torques].max(initial=0.0)
        if self.charges:
            scale[:, -self.sites :] = size[:, -self.sites :].max()
        return np.maximum(scale, self.noise / self.sampling.tolerance).ravel()

    def _window_columns(self, k, voltage, s, potential, shifts) -> NDArray:
        energies = self.energies(voltage, s)
        shift = np.broadcast_to(potential[:, None], (self.layers, len(s)))
        lead = 0 if voltage > 0 else 1
        parts = []
        for device, leads in zip(
            self.devices, self.leads.solve(k, energies, shifts), strict=True
        ):
            found = solve(device, k, energies, leads=leads, potential=shift)
            spin = np.moveaxis(found.exchange_density[lead], 2, 0)
            torque = exchange_torque(device.chain.sites, spin)[:, self.magnetic]
            flow = np.moveaxis(found.current[lead], 2, 0)
            parts += [
                found.transmission[:, None], torque.reshape(len(s), -1), flow.reshape(len(s), -1)
            ]
            if self.charges:
                parts.append(found.density[lead, :, 0].T)
        return np.concatenate(parts, axis=1)

    # --- all occupied states ---

    def _operators(self, chain: LayerChain):
        table, operators = chain.sites, []

        def whole(i: int, matrix: NDArray) -> tuple[int, NDArray]:
            layer = int(table.layer[i])
            full = np.zeros((chain.sizes[layer],) * 2, complex)
            here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
            full[here, here] = matrix
            return layer, full

        for i in self.magnetic:
            for axis in np.eye(3):
                # T_a = (B x O)_a = (e_a x B).O
                weight = np.cross(axis, table.exchange[i])
                operators.append(whole(int(i), np.tensordot(weight, table.exchange_operator[i], 1)))
        if self.charges:
            operators += [whole(i, np.eye(table.orbitals[i])) for i in range(self.sites)]
        if self.flows:  # all of G_00
            n = chain.sizes[0]
            operators += [(0, unit.T) for unit in np.eye(n * n).reshape(-1, n, n)]
        return sparse_operators(operators)

    def _sea_columns(self, k, z, potential, shifts) -> NDArray:
        chain, torques = self.chain, 3 * len(self.magnetic)
        phases = chain.phases(k)
        shift = np.broadcast_to(potential[:, None], (self.layers, len(z)))
        spins = layer_spins(chain, 0)
        parts = []
        for device, operators, (left, right) in zip(
            self.devices, self._sea_operators, self.leads.solve(k, z, shifts), strict=True
        ):
            found = batched.green_local(
                device.blocks, phases, z, left.sigma, right.sigma, operators, shift
            )
            parts.append(found[:torques].T)
            if self.flows:
                n = chain.sizes[0]
                green = found[-n * n :].reshape(n, n, len(z)).transpose(2, 0, 1)
                turned = spins[:, None] @ left.sigma - left.sigma @ spins[:, None]
                # the contour takes -(1/pi) Im, the current is (1/pi) Re
                parts.append(-1j * np.einsum("abij,bji->ba", turned, green))
            if self.charges:
                parts.append(found[torques : torques + self.sites].T)
        return np.concatenate(parts, axis=1)

    def _sea(self, voltage: float, potential: NDArray, shifts, torque_scale: float):
        count = len(self.devices)
        width = 3 * len(self.magnetic) + 3 * self.flows + self.sites * self.charges
        if not width:
            return np.zeros((count, 0)), np.zeros((count, 0)), 0, True
        bottom = self.contour.bottom
        if bottom is None:
            bottom = lowest_energy(self.chain) - np.abs([*shifts, *potential]).max()
        mean = contour_average(
            lambda k, z: self._sea_columns(k, z, potential, shifts),
            self.chain,
            bottom,
            self.energy - abs(voltage) / 2,
            self.sampling,
            self.noise,
            self.contour.height,
            scale=torque_scale / (2 * np.pi),
        )
        value, error = 2 * np.pi * mean.value, 2 * np.pi * mean.error
        return value.reshape(count, -1), error.reshape(count, -1), mean.evaluations, mean.converged

    def _sea_flow(self, into: NDArray, torque: NDArray) -> NDArray:
        """(A, layers - 1, 3): what enters the first layer less what the layers before took up."""
        if not self.conserved:
            return np.full((len(into), self.layers - 1, 3), np.nan)
        taken = np.zeros((len(into), self.layers, 3))
        layer: Any = (slice(None), self.chain.sites.layer)
        np.add.at(taken, layer, torque)
        return into[:, None] - np.cumsum(taken, axis=1)[:, :-1]


class _ZoneMean:
    """Mean over the zone and over 0 < s < 1: quadrature in s, meshes that double in momentum."""

    def __init__(self, integrand, label, chain: LayerChain, sampling: Sampling, scale) -> None:
        self.integrand: Callable[[NDArray], NDArray] = integrand
        self.label, self.sampling, self.scale = label, sampling, scale
        self.dimension, self.symmetry = chain.dimension, mirror_symmetric(chain)
        self.evaluations, self.converged = 0, True

    def _on(self, points: int, tolerance: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Mean, its error in s, and the mean modulus, of each column."""
        k, share = zone_mesh(points, self.dimension, *self.symmetry)
        left = max(self.sampling.max_evaluations - self.evaluations, 1)
        value, error, used = line_averages(self.integrand, k, tolerance, self.label, left)
        self.evaluations += used
        return share @ value, share @ error, share @ np.abs(value)

    def refine(self) -> tuple[NDArray, NDArray]:
        """Value and estimated error of each column."""
        with threadpool_limits(1, "blas"):
            first = self.sampling.mesh or (FIRST_MESH if self.dimension else 1)
            columns = self.integrand(np.full((1, self.dimension + 1), 0.5)).shape[1]
            size = self._on(min(first, FIRST_MESH), np.full(columns, np.inf))[2]
            wanted = self.sampling.tolerance * self.scale(size)
            value, error, _ = self._on(first, wanted / 4)
            if not self.dimension or self.sampling.mesh is not None:
                self.converged = bool(np.all(error <= wanted))
                self._tell()
                return value, error
            moved_before, points = np.inf, first
            largest = LARGEST_MESH if self.dimension == 2 else LARGEST_MESH**2
            while True:
                points *= 2
                now, error, size = self._on(points, wanted / 4)
                wanted = self.sampling.tolerance * self.scale(size)
                moved = np.abs(now - value)
                worst = float((moved / wanted).max())
                ratio = np.clip(worst / moved_before, 0.1, 0.5) if worst else 0.1
                value, error, moved_before = now, error + moved * ratio / (1 - ratio), worst
                self.converged = bool(np.all(error <= wanted))
                spent = self.evaluations >= self.sampling.max_evaluations
                if self.converged or spent or points >= largest:
                    self._tell()
                    return value, error

    def _tell(self) -> None:
        if not self.converged:
            tell_unconverged(self.sampling.tolerance, self.evaluations)
