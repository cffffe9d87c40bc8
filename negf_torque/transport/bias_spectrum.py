"""What single energies and single momenta contribute to a junction's bias window."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.sampling import Sampling, average
from negf_torque.transport.torque import exchange_torque, sum_by_magnet
from negf_torque.transport.voltage import VoltageSolver

__all__ = ["WindowSpectrum", "window_spectrum", "window_zone_map"]

#: Energies of the window at each momentum of a map.
_MAP_ENERGIES = 16


@dataclass(frozen=True)
class WindowSpectrum:
    """Contributions of energies to current and torque, averaged over the zone.

    Attributes
    ----------
    energy : (n,)
        eV, from the lower to the higher chemical potential.
    transmission : (n,)
    torque : (n, 3)
        On the free magnet, of the states from the lead with the higher potential: per 1/(4 pi).
    converged : bool
    """

    energy: NDArray
    transmission: NDArray
    torque: NDArray
    converged: bool


def window_spectrum(
    chain: LayerChain,
    energy: float,
    voltage: float,
    potential: ArrayLike,
    points: int,
    sampling: Sampling,
    free: str,
    electrode: tuple[int, float] | None = None,
) -> WindowSpectrum:
    """Transmission and window torque at `points` energies.

    Parameters
    ----------
    potential : (layers,)
        eV.
    free, electrode
        The magnet whose torque is meant; see `negf_torque.transport.bias_map.BiasMap`.
    """
    energies = energy + np.linspace(-0.5, 0.5, points) * abs(voltage)
    columns = _columns(chain, voltage, np.asarray(potential, float), free, electrode)
    cold = replace(sampling, temperature=0.0)
    means = [average(columns, chain, at, cold, _scale) for at in energies]
    value = np.array([mean.value for mean in means])
    return WindowSpectrum(
        energies, value[:, 0], value[:, 1:], all(mean.converged for mean in means)
    )


def window_zone_map(
    chain: LayerChain,
    energy: float,
    voltage: float,
    potential: ArrayLike,
    mesh: int,
    temperature: float,
    free: str,
    electrode: tuple[int, float] | None = None,
) -> tuple[NDArray, NDArray, NDArray]:
    """Window parts of current and torque, J in eV, at every momentum; for pictures.

    Parameters
    ----------
    potential : (layers,)
        eV.
    mesh : int
        Momenta per direction.
    temperature : float
        K.
    free, electrode
        As for `window_spectrum`.

    Returns
    -------
    k : (mesh,)
    current : (mesh, mesh)
    torque : (mesh, mesh, 3)
    """
    columns = _columns(chain, voltage, np.asarray(potential, float), free, electrode)
    nodes, weights = np.polynomial.legendre.leggauss(_MAP_ENERGIES)
    solver = VoltageSolver([chain], energy, Sampling(temperature=temperature))
    energies = solver.energies(voltage, (nodes + 1) / 2)
    k = 2 * np.pi * (np.arange(mesh) + 0.5) / mesh - np.pi
    momenta = np.stack([a.ravel() for a in np.meshgrid(k, k, indexing="ij")], axis=1)
    total = sum(
        weight / 2 * columns(momenta, np.full(len(momenta), at))
        for at, weight in zip(energies, weights, strict=True)
    )
    total = abs(voltage) * np.asarray(total).reshape(mesh, mesh, 4)
    return k, np.sign(voltage) * total[..., 0], total[..., 1:]


def _columns(chain: LayerChain, voltage: float, potential: NDArray, free: str, electrode):
    device, lead = make_device(chain), 0 if voltage > 0 else 1
    shifts = (voltage / 2, -voltage / 2)
    index = chain.magnets.index(free)

    def columns(k: NDArray, energies: NDArray) -> NDArray:
        shift = np.broadcast_to(potential[:, None], (len(potential), len(energies)))
        found = solve(device, k, energies, potential=shift, shifts=shifts)
        if electrode is None:
            spin = np.moveaxis(found.exchange_density[lead], 2, 0)
            site = exchange_torque(chain.sites, spin)
            torque = sum_by_magnet(chain.sites, site, chain.magnets)[:, index]
        else:
            bond, sign = electrode
            torque = sign * found.current[lead, bond, 1:].T
        return np.concatenate([found.transmission[:, None], torque], axis=1)

    return columns


def _scale(size: NDArray) -> NDArray:
    return np.array([size[0], *[max(size[1:].max(), 1e-300)] * 3])
