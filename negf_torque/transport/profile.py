"""Potential profiles of a device under a voltage, per volt or in eV.

Linear in a barrier, given by the user, or the one that keeps the device neutral: every layer
holds as many electrons as without a voltage.  The neutral one is found by Newton's method with the
Jacobian of equilibrium, improved by Broyden's updates; inside a barrier, where next to nothing
screens, it can be kept linear between the layers at both sides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.contour import Contour
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.sea import sea_response
from negf_torque.transport.voltage import VoltageSolver

__all__ = ["NeutralProfile", "checked_profile", "linear_profile", "neutral_profile"]

_MOST_STEPS = 30


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


def checked_profile(chain: LayerChain, profile: ArrayLike) -> NDArray:
    """The profile as an array (layers,), or ValueError."""
    shape = np.asarray(profile, float)
    if shape.shape != (len(chain.sizes),) or not np.all(np.isfinite(shape)):
        raise ValueError(
            f"profile: shape {shape.shape}. Give a finite number for each of the "
            f"{len(chain.sizes)} layers."
        )
    return shape


@dataclass(frozen=True)
class NeutralProfile:
    """A potential that leaves the layers neutral at one voltage.

    Attributes
    ----------
    potential : (layers,)
        eV.
    residual : float
        Largest charge that is left in a layer, electrons per cell.
    steps : int
    converged : bool
    """

    potential: NDArray
    residual: float
    steps: int
    converged: bool


def neutral_profile(
    chain: LayerChain,
    energy: float,
    voltage: float,
    sampling: Sampling | None = None,
    barrier: tuple[int, int] | None = None,
    tolerance: float = 1e-9,
    contour: Contour | None = None,
) -> NeutralProfile:
    """The potential at which every layer has its equilibrium number of electrons.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential without a voltage, eV.
    voltage : float
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature; must be finer than `tolerance`.
    barrier : (int, int), optional
        First and last layer in which the potential stays linear; not at an end of the device.
    tolerance : float
        Charge that may be left in a layer, electrons per cell.

    Returns
    -------
    NeutralProfile
    """
    sampling = sampling or Sampling()
    layers = len(chain.sizes)
    spread = _interpolation(layers, barrier)
    solver = VoltageSolver([chain], energy, sampling, contour, charges=True)
    member = np.equal.outer(np.arange(layers), chain.sites.layer).astype(float)
    free = np.flatnonzero(spread.max(axis=1) == 1.0)

    def charge(potential: NDArray, at: float) -> NDArray:
        return (member @ solver.at(at, potential).charge[0])[free]

    neutral = charge(np.zeros(layers), 0.0)
    jacobian = _equilibrium_jacobian(chain, energy, sampling, member, spread)[free]
    x = np.linspace(0.5, -0.5, layers)[free] * voltage
    residual = charge(spread @ x, voltage) - neutral
    steps = 0
    best = (np.abs(residual).max(), x)
    while np.abs(residual).max() > tolerance and steps < _MOST_STEPS:
        step = np.linalg.solve(jacobian, -residual)
        x = x + step
        after = charge(spread @ x, voltage) - neutral
        # Broyden: the Jacobian that explains this step
        jacobian = jacobian + np.outer(after - residual - jacobian @ step, step) / (step @ step)
        residual, steps = after, steps + 1
        if np.abs(residual).max() < best[0]:
            best = (np.abs(residual).max(), x)
    return NeutralProfile(spread @ best[1], float(best[0]), steps, bool(best[0] <= tolerance))


def _interpolation(layers: int, barrier: tuple[int, int] | None) -> NDArray:
    """(layers, unknowns): one for free layers, linear weights inside the barrier."""
    if barrier is None:
        return np.eye(layers)
    first, last = barrier
    if not 0 < first <= last < layers - 1:
        raise ValueError(
            f"barrier: {first} to {last} must lie inside the device's {layers} layers, with a "
            "layer at each side."
        )
    whole = np.eye(layers)
    for layer in range(first, last + 1):
        share = (layer - first + 1) / (last - first + 2)
        whole[layer] = 0
        whole[layer, first - 1], whole[layer, last + 1] = 1 - share, share
    return np.delete(whole, np.s_[first : last + 1], axis=1)


def _equilibrium_jacobian(
    chain: LayerChain, energy: float, sampling: Sampling, member: NDArray, spread: NDArray
) -> NDArray:
    """(layers, unknowns): change of a layer's electrons with the potential, at V = 0."""
    patterns = (member.T @ spread).reshape(len(chain.sites.layer), -1)
    leads = np.zeros((2, patterns.shape[1]))
    loose = Sampling(max(sampling.tolerance, 1e-4), sampling.mesh, sampling.temperature)
    mean = sea_response(chain, energy, patterns, leads, loose)
    charge = mean.value.reshape(patterns.shape[1], -1, 7)[:, :, 0]
    return member @ charge.T
