"""Currents and torques of a junction against voltage and angle.

The fixed magnet's spin is p, the free magnet's spin m turns away from it by theta.  All angles of a
voltage share their nodes and their leads; voltages are shared out to threads.

A free magnet that is a semi-infinite electrode takes up all transverse spin that reaches it: its
torque is the spin current through the bond in front of it.  Of a layer it is the sum over its
sites.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from threadpoolctl import threadpool_limits

from negf_torque.lattice.layers import LayerChain, aligned
from negf_torque.transport.contour import Contour
from negf_torque.transport.profile import checked_profile, neutral_profile
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.torque import frame_components, sum_by_magnet
from negf_torque.transport.valve import valve_directions
from negf_torque.transport.voltage import VoltageResult, VoltageSolver
from negf_torque.transport.window_bands import check_voltage

__all__ = ["BiasMap", "bias_map", "slope"]


@dataclass(frozen=True)
class BiasMap:
    """A junction at voltages (V) and angles (A); J in eV per cell.

    The charge current is (e/h) J, a torque J/(4 pi), an energy.

    Attributes
    ----------
    chain : LayerChain
    fixed, free : str
    voltages : (V,)
    angles : (A,)
        Radians.
    fixed_direction : (3,)
    free_directions : (A, 3)
    potential : (V, layers)
        eV.
    current, current_error : (V, A)
    current_parallel, current_antiparallel : (V,)
    window_torque, sea_torque : (V, A, sites, 3)
    spin_current, sea_spin_current : (V, A, layers - 1, 3)
    torque_error : (V, A)
        Of the free magnet's torque, each component.
    electrode : (int, float) or None
        Where the free magnet is an electrode: the bond in front of it and the sign of the spin
        current that enters it.
    evaluations : int
    converged : (V,) bool
    """

    chain: LayerChain
    fixed: str
    free: str
    voltages: NDArray
    angles: NDArray
    fixed_direction: NDArray
    free_directions: NDArray
    potential: NDArray
    current: NDArray
    current_error: NDArray
    current_parallel: NDArray
    current_antiparallel: NDArray
    window_torque: NDArray
    sea_torque: NDArray
    spin_current: NDArray
    sea_spin_current: NDArray
    torque_error: NDArray
    electrode: tuple[int, float] | None
    evaluations: int
    converged: NDArray

    @property
    def site_torque(self) -> NDArray:
        """(V, A, sites, 3): window and all occupied states."""
        return self.window_torque + self.sea_torque

    @property
    def magnet_torque(self) -> NDArray:
        """(V, A, magnets, 3): sums over the sites of the region."""
        return sum_by_magnet(self.chain.sites, self.site_torque, self.chain.magnets)

    def free_torque(self, part: str = "both") -> NDArray:
        """(V, A, 3): torque on the free magnet; part "window", "sea" or "both"."""
        if part == "both":
            return self.free_torque("window") + self.free_torque("sea")
        if self.electrode is not None:
            bond, sign = self.electrode
            flow = self.spin_current if part == "window" else self.sea_spin_current
            return sign * flow[:, :, bond]
        torque = self.window_torque if part == "window" else self.sea_torque
        index = self.chain.magnets.index(self.free)
        return sum_by_magnet(self.chain.sites, torque, self.chain.magnets)[:, :, index]

    def components(self, part: str = "both") -> tuple[NDArray, NDArray]:
        """In-plane (toward p) and out-of-plane (m x p) torque (V, A); zero where collinear."""
        collinear = np.abs(np.sin(self.angles)) < 1e-9
        in_plane, out_of_plane, _ = frame_components(
            self.free_torque(part), self.free_directions, self.fixed_direction
        )
        return np.where(collinear, 0.0, in_plane), np.where(collinear, 0.0, out_of_plane)

    @property
    def tmr(self) -> NDArray:
        """(V,): (I_P - I_AP)/I_AP; not-a-number at V = 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.current_parallel - self.current_antiparallel) / self.current_antiparallel


def slope(voltage: ArrayLike, values: ArrayLike) -> NDArray:
    """d values/dV along the first axis, from a cubic spline through at least four voltages.

    Voltages ascend; with fewer than four of them the result is not-a-number.

    Examples
    --------
    >>> v = np.linspace(-1, 1, 9)
    >>> bool(np.allclose(slope(v, v**2), 2 * v))
    True
    """
    voltage, values = _finite("voltage", voltage), np.asarray(values, float)
    _ascending("voltage", voltage)
    if len(voltage) < 4:
        return np.full(values.shape, np.nan)
    return CubicSpline(voltage, values, axis=0)(voltage, 1)


def bias_map(
    chain: LayerChain,
    fixed: str,
    free: str,
    energy: float,
    voltages: ArrayLike,
    angles: ArrayLike,
    profile: ArrayLike | str,
    sampling: Sampling | None = None,
    contour: Contour | None = None,
    barrier: tuple[int, int] | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BiasMap:
    """Currents and torques at all voltages and angles.

    Parameters
    ----------
    chain : LayerChain
    fixed, free : str
        Magnets, uniform each.
    energy : float
        Chemical potential without a voltage, eV.
    voltages : (V,)
        V, ascending; V > 0 drives electrons from left to right.
    angles : (A,)
        Radians.
    profile : (layers,) or "neutral"
        Potential per volt (see `negf_torque.transport.profile`), or the one that keeps every
        layer neutral, found at each voltage with both magnets at right angles.
    sampling : Sampling, optional
        Default to 1e-4 at zero temperature.
    barrier : (int, int), optional
        With a neutral profile: the layers in which it stays linear.
    workers : int, optional
        Threads; default as many as Numba uses.
    progress : callable, optional
        Called with the numbers of finished and of all voltages.

    Raises
    ------
    ValueError
        If voltages do not ascend; see `negf_torque.transport.bias.finite_bias` for the others.
    """
    sampling = sampling or Sampling(1e-4)
    volts = _ascending("voltages", _finite("voltages", voltages))
    theta = _finite("angles", angles)
    p, _ = valve_directions(chain, fixed, free, theta)
    wanted, which = np.unique(np.concatenate([[0.0, np.pi], theta]), return_inverse=True)
    directions = valve_directions(chain, fixed, free, wanted)[1]
    chains = [aligned(chain, {free: m}) for m in directions]
    potential = _potentials(
        aligned(chain, {free: valve_directions(chain, fixed, free, [np.pi / 2])[1][0]}),
        energy, volts, profile, sampling, barrier, contour,
    )
    for volt, levels in zip(volts, potential, strict=True):
        check_voltage(chain, energy, volt, levels / volt if volt else 0 * levels, contour)
    solver = VoltageSolver(chains, energy, sampling, contour)
    results = _all_voltages(solver, volts, potential, workers, progress)
    at = which[2:]

    def stacked(name: str) -> NDArray:
        return np.stack([getattr(r, name) for r in results])[:, at]

    current = np.stack([r.current for r in results])
    electrode = _electrode(chain, free)
    sites = sum(name == free for name in chain.sites.magnet) if electrode is None else 1
    return BiasMap(
        chain=chain,
        fixed=fixed,
        free=free,
        voltages=volts,
        angles=theta,
        fixed_direction=p,
        free_directions=directions[at],
        potential=potential,
        current=current[:, at],
        current_error=stacked("current_error"),
        current_parallel=current[:, which[0]],
        current_antiparallel=current[:, which[1]],
        window_torque=stacked("window_torque"),
        sea_torque=stacked("sea_torque"),
        spin_current=stacked("flow")[..., 1:],
        sea_spin_current=stacked("sea_flow"),
        torque_error=sites * stacked("torque_error"),
        electrode=electrode,
        evaluations=sum(r.evaluations for r in results),
        converged=np.array([r.converged for r in results]),
    )


def _finite(name: str, values: ArrayLike) -> NDArray:
    array = np.atleast_1d(np.asarray(values, float))
    if array.ndim != 1 or not len(array) or not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: {array.tolist()} are not finite numbers in a list.")
    return array


def _ascending(name: str, array: NDArray) -> NDArray:
    if np.any(np.diff(array) <= 0):
        raise ValueError(f"{name}: {array.tolist()} are not in ascending order, each once.")
    return array


def _potentials(
    chain: LayerChain, energy, volts: NDArray, profile, sampling, barrier, contour
) -> NDArray:
    if not isinstance(profile, str):
        return np.outer(volts, checked_profile(chain, profile))
    if profile != "neutral":
        raise ValueError(f"profile: {profile!r} is unknown. Expected 'neutral' or an array.")
    found = []
    for volt in volts:
        if volt == 0:
            found.append(np.zeros(len(chain.sizes)))
            continue
        one = neutral_profile(
            chain, energy, volt, sampling, barrier, max(1e-9, sampling.tolerance / 10), contour
        )
        found.append(one.potential)
    return np.array(found)


def _all_voltages(
    solver: VoltageSolver, volts: NDArray, potential: NDArray, workers, progress
) -> Sequence[VoltageResult]:
    threads = min(workers or numba.get_num_threads(), len(volts))
    done = 0

    def one(index: int) -> VoltageResult:
        nonlocal done
        if threads > 1:  # the voltages are what is shared out
            numba.set_num_threads(1)
        result = solver.at(float(volts[index]), potential[index])
        done += 1
        if progress is not None:
            progress(done, len(volts))
        return result

    with threadpool_limits(1, "blas"):
        if threads == 1:
            return [one(index) for index in range(len(volts))]
        # the largest voltages take longest: they come first
        order = np.argsort(-np.abs(volts), kind="stable")
        with ThreadPoolExecutor(threads) as pool:
            found = dict(zip(order.tolist(), pool.map(one, order.tolist()), strict=True))
    return [found[index] for index in range(len(volts))]


def _electrode(chain: LayerChain, free: str) -> tuple[int, float] | None:
    """Bond in front of a free magnet that continues as a lead, and the sign of its inflow."""
    layers = {layer for layer, name in zip(chain.sites.layer, chain.sites.magnet, strict=True)
              if name == free}
    if free in chain.right.sites.magnet:
        return int(min(layers)) - 1, 1.0
    if free in chain.left.sites.magnet:
        return int(max(layers)), -1.0
    return None
