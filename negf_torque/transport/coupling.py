"""Interlayer exchange coupling of two magnets, from energies and from torques.

    Omega(theta) = Omega_0 - J1 cos(theta) - J2 cos^2(theta)

per cell, theta the angle between the magnets' spins.  Lloyd's formula gives differences of Omega;
the torque at 90 degrees gives dOmega/dtheta = J1 there, exactly for the whole series of odd powers
of the cosine only if those vanish.  J1 > 0 favours parallel magnets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

from negf_torque.greens import batched
from negf_torque.lattice.layers import LayerChain, aligned
from negf_torque.transport.contour import Contour
from negf_torque.transport.device import make_device
from negf_torque.transport.occupied import contour_average
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.sea import lowest_energy
from negf_torque.transport.torque import frame_components, sum_by_magnet
from negf_torque.transport.turned_leads import TurnedLeads
from negf_torque.transport.valve import valve_directions
from negf_torque.transport.voltage import VoltageSolver

__all__ = ["Coupling", "Oscillation", "interlayer_coupling", "oscillation"]


@dataclass(frozen=True)
class Coupling:
    """Coupling of one device, eV per cell.

    Attributes
    ----------
    bilinear, biquadratic : float
        J1 and J2 from Lloyd's formula at 0, 90 and 180 degrees.
    energy_error : float
    torque : float
        dOmega/dtheta at 90 degrees, from the torque on the free magnet.
    torque_error : float
    converged : bool
    """

    bilinear: float
    biquadratic: float
    energy_error: float
    torque: float
    torque_error: float
    converged: bool


def interlayer_coupling(
    chain: LayerChain,
    fixed: str,
    free: str,
    energy: float,
    sampling: Sampling | None = None,
    contour: Contour | None = None,
) -> Coupling:
    """Coupling between two uniform magnets, by both routes.

    Parameters
    ----------
    chain : LayerChain
    fixed, free : str
        Names of the magnets; either may be an electrode.
    energy : float
        Chemical potential in eV.
    sampling : Sampling, optional
        Default to 1e-4 at zero temperature.
    """
    sampling, contour = sampling or Sampling(1e-4), contour or Contour()
    p, directions = valve_directions(chain, fixed, free, [0.0, np.pi / 2, np.pi])
    chains = [aligned(chain, {free: m}) for m in directions]
    bilinear, biquadratic, error, good = _from_energies(chains, energy, sampling, contour)
    solver = VoltageSolver([chains[1]], energy, sampling, contour)
    found = solver.at(0.0, np.zeros(len(chain.sizes)))
    sites = chain.sites
    torque = sum_by_magnet(sites, found.sea_torque[0], (free,))[0]
    layers = [layer for layer, name in zip(sites.layer, sites.magnet, strict=True) if name == free]
    if free in chain.right.sites.magnet:
        torque = found.sea_flow[0, min(layers) - 1]
    elif free in chain.left.sites.magnet:
        torque = -found.sea_flow[0, max(layers)]
    out_of_plane = frame_components(torque, directions[1], p)[1]
    return Coupling(
        bilinear=bilinear,
        biquadratic=biquadratic,
        energy_error=error,
        torque=float(out_of_plane) / (4 * np.pi),
        torque_error=float(found.torque_error[0]) * max(len(layers), 1) / (4 * np.pi),
        converged=good and found.converged,
    )


def _from_energies(
    chains: Sequence[LayerChain], energy: float, sampling: Sampling, contour: Contour
) -> tuple[float, float, float, bool]:
    """J1, J2, error, converged; the differences are taken before the integral."""
    devices, leads = [make_device(chain) for chain in chains], TurnedLeads(chains)

    def columns(k: NDArray, z: NDArray) -> NDArray:
        phases = chains[0].phases(k)
        parallel, right, antiparallel = (
            batched.log_det(device.blocks, phases, z, left.sigma, right.sigma)
            for device, (left, right) in zip(devices, leads.solve(k, z), strict=True)
        )
        mean = (antiparallel + parallel) / 2
        return np.stack([(antiparallel - parallel) / 2, right - mean], axis=1)

    bottom = contour.bottom
    bottom = min(map(lowest_energy, chains)) if bottom is None else bottom
    mean = contour_average(
        columns, chains[0], bottom, energy, sampling, noise=1e-15, height=contour.height
    )
    return -float(mean.value[0]), -float(mean.value[1]), float(mean.error.max()), mean.converged


@dataclass(frozen=True)
class Oscillation:
    """Periods of a coupling against the spacer's thickness.

    Attributes
    ----------
    wave_numbers : (n,)
        0 < q <= pi per layer, strongest first.
    amplitudes : (n,)
        Of N^decay J(N).
    residual : float
        Root mean square of what the fit leaves over that of the data.
    spectrum_wave_numbers, spectrum : (m,)
        Fourier spectrum of N^decay J(N), Hann window.
    """

    wave_numbers: NDArray
    amplitudes: NDArray
    residual: float
    spectrum_wave_numbers: NDArray
    spectrum: NDArray

    @property
    def periods(self) -> NDArray:
        """(n,) layers."""
        return 2 * np.pi / self.wave_numbers


def oscillation(
    thickness: ArrayLike, coupling: ArrayLike, count: int = 1, decay: float = 2.0
) -> Oscillation:
    """Periods of J(N) = N^-decay sum_j A_j cos(q_j N + phi_j), by Fourier spectrum and fit.

    Parameters
    ----------
    thickness : (m,) int
        Successive numbers of layers; six or more for each period.
    coupling : (m,)
    count : int
        Number of periods.
    decay : float
        2 for a periodic cross-section, 1 for a wire.

    Raises
    ------
    ValueError
        If the thicknesses are not successive or too few.

    Examples
    --------
    >>> n = np.arange(5, 30)
    >>> found = oscillation(n, np.cos(0.9 * n + 0.3) / n**2)
    >>> round(float(found.wave_numbers[0]), 6)
    0.9
    """
    n, j = np.asarray(thickness, float), np.asarray(coupling, float)
    if len(n) < 6 * count or np.any(np.diff(n) != 1) or not np.all(np.isfinite(j)):
        raise ValueError(
            f"thickness: {n.tolist()}. Give at least {6 * count} successive numbers of layers, "
            "each with a finite coupling."
        )
    scaled = j * n**decay
    q = np.linspace(0, np.pi, 2049)
    window = np.hanning(len(n) + 2)[1:-1]
    waves = np.exp(1j * np.outer(q, n))
    spectrum = np.abs(waves @ (window * (scaled - scaled.mean()))) * 2 / window.sum()
    start: list[float] = []
    rest = scaled.copy()
    for _ in range(count):
        size = np.abs(waves @ (window * (rest - rest.mean())))
        start.append(float(np.clip(q[np.argmax(size)], 1e-3, np.pi - 1e-3)))
        basis = _basis(n, start)
        rest = scaled - basis @ np.linalg.lstsq(basis, scaled, rcond=None)[0]

    def misfit(vectors: NDArray) -> NDArray:
        basis = _basis(n, vectors)
        return basis @ np.linalg.lstsq(basis, scaled, rcond=None)[0] - scaled

    size = float(np.sqrt(np.mean(scaled**2))) or 1.0
    fit = least_squares(lambda v: misfit(v) / size, start, bounds=(1e-4, np.pi), xtol=1e-12)
    weights = np.linalg.lstsq(_basis(n, fit.x), scaled, rcond=None)[0]
    amplitudes = np.hypot(weights[1 : 1 + count], weights[1 + count :])
    order = np.argsort(-amplitudes)
    return Oscillation(
        fit.x[order], amplitudes[order], float(np.sqrt(np.mean(fit.fun**2))), q, spectrum
    )


def _basis(n: NDArray, vectors: ArrayLike) -> NDArray:
    phase = np.outer(n, np.asarray(vectors, float))
    return np.concatenate([np.ones((len(n), 1)), np.cos(phase), np.sin(phase)], axis=1)
