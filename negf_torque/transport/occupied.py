"""Integrals over all occupied states, averaged over the zone.

Along the path (see `contour`) quadrature adapts; at each of its energies the zone is averaged on
uniform meshes that double until the average settles.  Where the bands allow it the momenta are
complex (`complex_momenta`), and a few points suffice at every energy.  With real momenta meshes
are coarse far from the real axis and ever finer towards it; the finest is doubled until the
integral settles.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from negf_torque.greens.quadrature import Average, adaptive_average
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.complex_momenta import complex_momenta, momentum_shift
from negf_torque.transport.contour import Path, contour_path
from negf_torque.transport.meshes import FIRST_MESH, LARGEST_MESH, refined_means, zone_mesh
from negf_torque.transport.nested import nested_integral
from negf_torque.transport.sampling import (
    Columns,
    Sampling,
    mirror_symmetric,
    tell_unconverged,
)

__all__ = ["contour_average"]

#: Points (momentum, energy) at which columns are asked for at once.
_CHUNK = 16384
#: Energies on a path after which its quadrature gives up.
_MOST_NODES = 20_000
#: Energies of a first look at the size of the integrand.
_PROBE = 6
#: Finest mesh of complex momenta, which only an energy next to a van Hove singularity needs.
_LARGEST_COMPLEX = 512


def contour_average(
    columns: Columns,
    chain: LayerChain,
    bottom: float,
    energy: float,
    sampling: Sampling,
    noise: float = 0.0,
    height: float | None = None,
    scale: float = 0.0,
    real_momenta: bool = False,
) -> Average:
    """-(1/pi) Im of the integral of f(z) `columns`, averaged over the zone: all occupied states.

    Columns are analytic in the upper half plane (retarded) and in the momenta.  Errors are
    estimated column by column: what is sharp by symmetry has none.

    Parameters
    ----------
    columns : callable
        Momenta (B, d), real or complex, and complex energies (B,) -> complex (B, m).
    bottom, energy : float
        Where the path begins, below all bands, and the chemical potential; eV.
    noise : float
        Absolute error of the columns themselves.
    height : float, optional
        Of the path's line above the real axis, at a temperature.
    scale : float
        The tolerance is relative to the largest column's mean modulus, or to this if larger.
    real_momenta : bool
        Keep the momenta real.  At T = 0 a bound state then keeps its occupation when a potential
        moves it through the chemical potential, as no mesh of real momenta hits its energy.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached; the result is marked.
    """
    path = contour_path(bottom, energy, sampling.temperature, height)
    zone = _EnergyByEnergy(columns, chain, sampling)
    if real_momenta:
        zone.shift = None
    job = _Job(path, zone, sampling, max(sampling.tolerance * scale, 10 * noise))
    with threadpool_limits(1, "blas") if chain.dimension else nullcontext():
        if chain.dimension == 0 or sampling.mesh is not None:
            result = job.along_path(1)
        elif zone.shift is not None:
            result = job.smooth(_largest(chain, _LARGEST_COMPLEX))
            settled = bool(np.all(zone.left == 0))
            result = Average(
                result.value, result.error, result.evaluations, result.converged and settled
            )
        else:
            result = job.refined(_largest(chain, LARGEST_MESH))
    if not result.converged:
        tell_unconverged(sampling.tolerance, result.evaluations)
    return result


def _largest(chain: LayerChain, points: int) -> int:
    return points if chain.dimension == 2 else points**2


@dataclass
class _Job:
    path: Path
    zone: "_EnergyByEnergy"
    sampling: Sampling
    floor: float

    def along_path(self, cap: int) -> Average:
        """Integral with zone meshes of up to `cap` points per direction."""
        zone, tolerance = self.zone, self.sampling.tolerance
        zone.tolerance, zone.left = 0.0, 0

        def on_path(s: NDArray) -> NDArray:
            z, weight = self.path.nodes(s[:, 0])
            return np.concatenate(zone.means(z, weight, cap), axis=1)

        def scales(size: NDArray) -> NDArray:
            # from here on zone averages must be better than what the path's error estimate
            # resolves; their own errors are integrated beside them and need no refinement
            largest = size[: len(size) // 2].max()
            zone.tolerance = max(tolerance * largest, self.floor) / 8
            return np.repeat([largest, np.inf], len(size) // 2)

        mean = adaptive_average(
            on_path,
            [[0.0, 1.0]],
            rtol=tolerance,
            atol=self.floor,
            scale=scales,
            max_evaluations=_MOST_NODES,
        )
        return self._with_poles(mean, cap)

    def smooth(self, cap: int) -> Average:
        """Integral by nested rules: at complex momenta nothing is sharp along the path."""
        zone, tolerance = self.zone, self.sampling.tolerance
        zone.tolerance, zone.left = 0.0, 0
        # at a temperature the path has two pieces
        pieces = [(0.0, 1.0)] if self.path.thermal == 0 else [(0.0, 0.5), (0.5, 1.0)]

        def along(low: float, high: float) -> Callable[[NDArray], NDArray]:
            def values(x: NDArray) -> NDArray:
                z, weight = self.path.nodes(low + (high - low) * (1 + x) / 2)
                return np.concatenate(zone.means(z, weight, cap), axis=1) * (high - low) / 2

            return values

        look = (np.arange(_PROBE) + 0.5) * 2 / _PROBE - 1
        size = max(np.abs(along(*ends)(look)).mean(axis=0).max() for ends in pieces)
        scale = 2 * len(pieces) * size
        zone.tolerance = max(tolerance * scale, self.floor) / 8
        found = [
            nested_integral(along(*ends), tolerance, max(scale, self.floor / tolerance))
            for ends in pieces
        ]
        total = Average(
            np.sum([f.value for f in found], axis=0),
            np.sum([f.error for f in found], axis=0),
            zone.evaluations,
            all(f.converged for f in found),
        )
        return self._with_poles(total, cap)

    def _with_poles(self, mean: Average, cap: int) -> Average:
        """Values and the integrated errors of their zone averages, apart; poles added."""
        zone = self.zone
        value, of_zone = np.split(mean.value, 2)
        error = np.split(mean.error, 2)[0] + np.abs(of_zone)
        if len(self.path.poles):
            weight = np.full(len(self.path.poles), -2j * np.pi * self.path.thermal)
            added, uncertain = zone.means(self.path.poles, weight, cap)
            value, error = value + added.sum(axis=0), error + uncertain.sum(axis=0)
        return Average(value, error, zone.evaluations, mean.converged)

    def refined(self, largest: int) -> Average:
        """The finest mesh is doubled until the integral settles."""
        found: list[Average] = []
        cap = 4 * FIRST_MESH
        while True:
            found.append(self.along_path(cap))
            error = _remaining(found)
            done = bool(error.max() <= found[-1].error.max() + self.zone.tolerance * 8)
            spent = self.zone.evaluations >= self.sampling.max_evaluations
            if done or cap >= largest or spent:
                break
            cap *= 2
        last = found[-1]
        return Average(last.value, last.error + error, last.evaluations, last.converged and done)


def _remaining(found: list[Average]) -> NDArray:
    """(m,): what finer meshes would still change, from the changes so far."""
    if len(found) < 2:
        return np.full(found[0].value.shape, np.inf)
    moved = [np.abs(b.value - a.value) for a, b in zip(found[:-1], found[1:], strict=True)]
    ratio = 0.5
    if len(moved) > 1 and moved[-2].max() > 0:
        ratio = float(np.clip(moved[-1].max() / moved[-2].max(), 0.05, 0.5))
    return moved[-1] * ratio / (1 - ratio)


class _EnergyByEnergy:
    """Zone averages at complex energies, each on meshes that suffice for it.

    Attributes
    ----------
    shift : (d,) or None
        How far the momenta are moved off the real axis, None if not at all.  A given mesh stays
        on it, where the window's is.
    tolerance : float
        Of each average; 0 for a first look.
    left : int
        Averages that did not settle on the largest mesh.
    """

    def __init__(self, columns: Columns, chain: LayerChain, sampling: Sampling) -> None:
        self.columns, self.mesh = columns, sampling.mesh
        self.dimension, self.symmetry = chain.dimension, mirror_symmetric(chain)
        self.shift = momentum_shift(chain) if self.mesh is None else None
        self.evaluations, self.tolerance, self.left = 0, 0.0, 0

    def means(self, z: NDArray, weight: NDArray, largest: int) -> tuple[NDArray, NDArray]:
        """-(1/pi) Im weight <columns>, (B, m), and estimated errors.

        With real momenta the error of what has not settled is left out: `_remaining` sees it.
        """
        if not self.dimension or self.mesh is not None or self.tolerance == 0:
            points = self.mesh or (4 if self.shift is None else 2) * FIRST_MESH
            value = self._mean(z, weight, points if self.dimension else 1)
            return value, np.zeros(value.shape)
        value, error = refined_means(
            lambda members, points: self._mean(z[members], weight[members], points),
            np.full(len(z), self.tolerance),
            largest=largest,
        )
        open_ = error.max(axis=1) > self.tolerance
        self.left += int(open_.sum())
        if self.shift is None:
            error[open_] = 0.0
        return value, error

    def _mean(self, z: NDArray, weight: NDArray, points: int) -> NDArray:
        k, share = zone_mesh(points, self.dimension, *self.symmetry)
        if self.shift is not None:
            k, jacobian = complex_momenta(k, self.shift)
            share = share * jacobian
        self.evaluations += len(z) * len(k)
        found = []
        step = max(1, _CHUNK // len(k))
        for first in range(0, len(z), step):
            here = slice(first, first + step)
            turn = weight[here]
            total: NDArray | float = 0.0
            for start in range(0, len(k), _CHUNK):
                part = slice(start, start + _CHUNK)
                momenta, shares = k[part], share[part]
                values = self.columns(
                    np.tile(momenta, (len(turn), 1)), np.repeat(z[here], len(momenta))
                )
                values = values.reshape(len(turn), len(momenta), -1)
                total = total + np.einsum("k,zkc->zc", shares, values)
            found.append(-(turn[:, None] * total).imag / np.pi)
        return np.concatenate(found)
