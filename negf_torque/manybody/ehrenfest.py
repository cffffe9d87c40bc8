"""The classical picture of the same run: local spins as vectors, driven by the electron.

The electron moves in the instantaneous field of classical vectors X_n, which precess about the
electron's spin on their site and about each other (Ehrenfest),

    i hbar d psi/dt = (hopping + V - sum_n J_sd,n |x_n><x_n| sigma . X_n) psi,
    dX_n/dt = (2/hbar) X_n x B_n,   B_n = -dE/dX_n = J_sd,n <sigma>_x_n + exchange + field + ...

Each term alone is a rotation that can be written down, so the equations are solved by a
symmetric composition of exact steps (Kahan and Li, Math. Comp. 66, 1089 (1997), nine stages,
sixth order): norm and |X_n| are kept to rounding, and the drift of the energy measures the error.
Collinear spins exert no torque on each other here: what still moves then is quantum.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.manybody.model import QuantumChain
from negf_torque.manybody.propagate import chebyshev_weights
from negf_torque.manybody.states import LocalState, coherent_state
from negf_torque.units import HBAR

__all__ = ["ClassicalEvolution", "classical_directions", "ehrenfest"]

_HALF_STAGES = (
    0.39216144400731413927925056,
    0.33259913678935943859974864,
    -0.70624617255763935980996482,
    0.08221359629355080023149045,
)
STAGES = (*_HALF_STAGES, 1 - 2 * sum(_HALF_STAGES), *_HALF_STAGES[::-1])


@dataclass(frozen=True)
class ClassicalEvolution:
    """Result of `ehrenfest`.

    Attributes
    ----------
    times : (T,) float
        fs.
    electron_spin : (T, 3) float
        hbar/2.
    local_spin : (T, N, 3) float
        X_n, hbar/2; of constant length.
    density : (T, 4, sites) float
        Electron number and spin on each site.
    energy : (T,) float
        Total, eV.
    norm : (T,) float
    """

    times: NDArray
    electron_spin: NDArray
    local_spin: NDArray
    density: NDArray
    energy: NDArray
    norm: NDArray

    @property
    def energy_drift(self) -> float:
        """Largest change of the total energy, eV: the error of the integration."""
        return float(np.max(abs(self.energy - self.energy[0])))


def classical_directions(model: QuantumChain, local: LocalState) -> NDArray:
    """Vectors <2S_n> (N, 3) of an initial state of the local spins, in hbar/2.

    For a superposition of configurations only the z components survive unless configurations
    differ by one lowering of one spin; vectors may then be shorter than 2S.
    """
    vectors = np.zeros((model.n_spins, 3))
    table = local.amplitudes or {}
    for n, size in enumerate(model.two_s):
        low = np.arange(size + 1)
        ladder = 2 * np.sqrt((low[:-1] + 1) * (size - low[:-1]))
        if local.spinors is not None:
            c = local.spinors[n]
            weight, lowering = abs(c) ** 2, np.sum(np.conj(c[1:]) * ladder * c[:-1])
        else:
            weight, lowering = np.zeros(size + 1), 0.0
            for row, amplitude in table.items():
                weight[row[n]] += abs(amplitude) ** 2
                below = (*row[:n], row[n] + 1, *row[n + 1 :])
                partner = table.get(below, 0)
                if partner:
                    lowering += np.conj(partner) * ladder[row[n]] * amplitude
        vectors[n] = np.real(lowering), -np.imag(lowering), weight @ (size - 2 * low)
    return vectors


def ehrenfest(
    model: QuantumChain,
    times: ArrayLike,
    packet: NDArray,
    electron_spin: ArrayLike,
    vectors: NDArray,
    step: float = 0.25,
) -> ClassicalEvolution:
    """Evolve electron and classical local spins.

    Parameters
    ----------
    model : QuantumChain
    times : (T,) float
        Output times, fs, ascending from 0 or later.
    packet : (length,) complex
        Normalised wave packet.
    electron_spin : (3,) float
        Its direction.
    vectors : (N, 3) float
        Initial X_n, hbar/2 (length 2S for a coherent state).
    step : float
        Longest time step, fs; the error falls with its sixth power.
    """
    times = np.atleast_1d(np.asarray(times, float))
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step: {step!r} is not a time step. Give a positive number of fs.")
    psi = np.outer(coherent_state(1, electron_spin), packet)
    spins = np.array(vectors, float)
    solver = _Integrator(model)
    rows, now = [], 0.0
    for time in times:
        if time > now:
            pieces = max(int(np.ceil((time - now) / step - 1e-9)), 1)
            psi, spins = solver.advance(psi, spins, (time - now) / pieces, pieces)
            now = time
        rows.append((psi, spins.copy(), solver.energy(psi, spins)))
    density = np.array([_site_spins(psi) for psi, _, _ in rows])
    return ClassicalEvolution(
        times=times,
        electron_spin=density[:, 1:].sum(axis=2),
        local_spin=np.array([spins for _, spins, _ in rows]),
        density=density,
        energy=np.array([energy for _, _, energy in rows]),
        norm=np.sqrt(density[:, 0].sum(axis=1)),
    )


class _Integrator:
    """Symmetric compositions of the exact flows of hopping and of everything local."""

    def __init__(self, model: QuantumChain) -> None:
        m = self.model = model
        width = 2 * abs(m.hopping)
        low, high = m.potential.min() - width, m.potential.max() + width
        self.centre, self.radius = (low + high) / 2, (high - low) / 2
        self._orbital = (np.repeat(m.potential, 2), m.hopping)
        self._local = (
            m.sites,
            m.coupling / HBAR,
            m.exchange / HBAR,
            m.field / HBAR,
            m.anisotropy / HBAR,
        )
        self._work = np.empty((4, 2, 2 * m.length))
        self._stages: dict[float, tuple[NDArray, NDArray, NDArray, NDArray]] = {}

    def advance(
        self, psi: NDArray, spins: NDArray, dt: float, steps: int
    ) -> tuple[NDArray, NDArray]:
        """`steps` steps of dt."""
        from negf_torque.manybody.kernels_classical import compose  # numba loads when needed

        psi, spins = psi.copy(), spins.copy()
        compose(
            psi,
            spins,
            steps,
            *self._series(dt),
            self.centre,
            self.radius,
            self._orbital,
            self._local,
            self._work,
        )
        return psi, spins

    def _series(self, dt: float) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Times, weights, numbers of terms and phases of the stages of one step."""
        key = round(dt, 12)
        if key not in self._stages:
            parts = dt * np.array(STAGES)
            series = [chebyshev_weights(self.radius * abs(t) / HBAR, 1e-15) for t in parts]
            counts = np.array([len(weights) for weights in series])
            signs = np.tile([1.0, 1.0, -1.0, -1.0], counts.max() // 4 + 1)
            padded = np.zeros((len(series), counts.max()))
            for row, weights in zip(padded, series, strict=True):
                row[: len(weights)] = signs[: len(weights)] * weights
            phases = np.exp(-1j * self.centre * parts / HBAR)
            self._stages[key] = (parts, padded, counts, phases)
        return self._stages[key]

    def energy(self, psi: NDArray, spins: NDArray) -> float:
        """Total energy of electron and classical spins, eV."""
        m = self.model
        moved = np.sum(np.conj(psi[:, 1:]) * psi[:, :-1]).real
        on_site = _site_spins(psi)
        electron = -2 * m.hopping * moved + on_site[0] @ m.potential
        electron -= m.coupling @ np.sum(on_site[1:, m.sites].T * spins, axis=1)
        exchange = np.sum(m.exchange * spins[:-1] * spins[1:])
        return float(electron - exchange - np.sum(m.field * spins + m.anisotropy * spins**2))


def _site_spins(psi: NDArray) -> NDArray:
    """Number and spin x, y, z on each site, (4, sites), of a spinor field (2, sites)."""
    up, down = abs(psi) ** 2
    mixed = psi[0].conj() * psi[1]
    return np.stack([up + down, 2 * mixed.real, 2 * mixed.imag, up - down])
