"""Averages over the Brillouin zone of the cross-section and over the thermal window.

At temperature T linear response is the average over energies with weight -f'(E).  With
u = f(E) this is a plain average over 0 < u < 1 at E = mu + k_B T ln(1/u - 1): one more axis of the
same iterated quadrature.
"""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from negf_torque.greens.quadrature import Average, adaptive_average, mesh_average, shifted_mesh
from negf_torque.lattice.layers import LayerChain
from negf_torque.notices import ConvergenceWarning
from negf_torque.transport.contour import Path, contour_path
from negf_torque.transport.leads import channel_label
from negf_torque.transport.meshes import FIRST_MESH, LARGEST_MESH, refined_means, zone_mesh
from negf_torque.units import BOLTZMANN

__all__ = [
    "Sampling",
    "average",
    "contour_average",
    "mirror_symmetric",
    "tell_unconverged",
    "zone_and_path_average",
]

#: Points (momentum, energy) at which columns are asked for at once.
_CHUNK = 16384
#: Energies on a path after which its quadrature gives up.
_MOST_NODES = 20_000
#: Columns as a function of momenta (B, d) and energies or path parameters (B,): (B, columns).
Columns = Callable[[NDArray, NDArray], NDArray]


@dataclass(frozen=True)
class Sampling:
    """How averages over the zone and over energies are taken.

    Attributes
    ----------
    tolerance : float
        Relative tolerance of the adaptive average.
    mesh : int or None
        Instead of adapting: this many points per momentum, k = 2 pi (n + 1/2)/mesh.
    temperature : float
        In kelvin; 0 means the Fermi energy alone.
    max_evaluations : int
        Points (momentum, energy) after which the adaptive average gives up.
    """

    tolerance: float = 1e-6
    mesh: int | None = None
    temperature: float = 0.0
    max_evaluations: int = 50_000_000

    def __post_init__(self) -> None:
        if not (np.isfinite(self.tolerance) and 1e-13 < self.tolerance < 1):
            raise ValueError(
                f"tolerance: {self.tolerance!r} is not a relative tolerance between 1e-13 and 1."
            )
        if self.mesh is not None and (self.mesh < 1 or int(self.mesh) != self.mesh):
            raise ValueError(f"mesh: {self.mesh!r} is not a number of points. Give 1 or more.")
        if not (np.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(
                f"temperature: {self.temperature!r} is not a temperature in kelvin, 0 or more."
            )


def mirror_symmetric(chain: LayerChain) -> tuple[bool, bool]:
    """Whether H(k) is even in each momentum, and symmetric under their exchange."""
    d = chain.dimension
    signs = 1 - 2 * np.eye(d, dtype=int)

    def mirrored(axis: int) -> Callable[[NDArray], NDArray]:
        return lambda r: r * signs[axis]

    even = all(_invariant(chain, mirrored(axis)) for axis in range(d))
    swap = d == 2 and even and _invariant(chain, lambda r: r[:, ::-1])
    return even, swap


def _invariant(chain: LayerChain, image: Callable[[NDArray], NDArray]) -> bool:
    moved = image(chain.displacements)
    same = (moved[:, None, :] == chain.displacements[None]).all(axis=2)
    if not same.any(axis=1).all():
        return False
    order = same.argmax(axis=1)
    blocks = [
        *chain.onsite,
        *chain.coupling,
        *(m for lead in (chain.left, chain.right) for m in (lead.onsite, lead.hopping)),
    ]
    return all(np.allclose(block[order], block, atol=1e-13) for block in blocks)


def average(
    columns: Columns,
    chain: LayerChain,
    energy: float,
    sampling: Sampling,
    scale: Callable[[NDArray], NDArray] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Average:
    """Average of `columns` over the zone of `chain` and the thermal window at `energy`.

    Parameters
    ----------
    columns : callable
        Momenta (B, d) and energies (B,) -> real (B, columns).
    chain : LayerChain
        The device that `columns` looks at: its symmetries decide the part of the zone that is
        sampled, its leads' channels where the integrand is cut.
    energy : float
        Chemical potential in eV.
    sampling : Sampling
    scale : callable, optional
        See `negf_torque.greens.quadrature.adaptive_average`.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached; the result is marked.
    """
    if sampling.temperature == 0:
        return _average(
            lambda k, _: columns(k, np.full(len(k), energy)),
            chain,
            sampling,
            scale,
            lambda k, _: channel_label(chain, k, np.full(len(k), energy)),
            path=False,
            progress=progress,
        )
    width = BOLTZMANN * sampling.temperature

    def energies(u: NDArray) -> NDArray:
        u = np.clip(u, 1e-300, 1 - 1e-16)
        return energy + width * np.log((1 - u) / u)

    return _average(
        lambda k, u: columns(k, energies(u)),
        chain,
        sampling,
        scale,
        lambda k, u: channel_label(chain, k, energies(u)),
        path=True,
        progress=progress,
    )


def contour_average(
    columns: Columns,
    chain: LayerChain,
    bottom: float,
    energy: float,
    sampling: Sampling,
    noise: float = 0.0,
    height: float | None = None,
    scale: float = 0.0,
) -> Average:
    """-(1/pi) Im of the integral of f(z) `columns`, averaged over the zone: all occupied states.

    Columns are analytic in the upper half plane (retarded).  Along the path (see
    `negf_torque.transport.contour`) quadrature adapts; at each of its energies the zone is averaged
    on uniform meshes, coarse far from the real axis and finer near it.  The finest mesh is doubled
    until the integral settles.

    Parameters
    ----------
    columns : callable
        Momenta (B, d) and complex energies (B,) -> complex (B, m).
    bottom, energy : float
        Where the path begins, below all bands, and the chemical potential; eV.
    noise : float
        Absolute error of the columns themselves.
    height : float, optional
        Of the path's line above the real axis, at a temperature.
    scale : float
        The tolerance is relative to the largest column's mean modulus, or to this if larger.
    """
    path = contour_path(bottom, energy, sampling.temperature, height)
    zone = _EnergyByEnergy(columns, chain, sampling)
    refine = chain.dimension > 0 and sampling.mesh is None
    largest = LARGEST_MESH if chain.dimension == 2 else LARGEST_MESH**2
    cap = 4 * FIRST_MESH if refine else largest
    found: list[Average] = []
    with threadpool_limits(1, "blas") if chain.dimension else nullcontext():
        while True:
            found.append(_along_path(path, zone, cap, sampling, scale, noise))
            error = _remaining(found) if refine else np.zeros(1)
            done = bool(error.max() <= found[-1].error.max() + zone.tolerance * 8)
            if done or cap >= largest or zone.evaluations >= sampling.max_evaluations:
                break
            cap *= 2
    last = found[-1]
    result = Average(
        last.value, last.error + error + zone.error, zone.evaluations, last.converged and done
    )
    if not result.converged:
        tell_unconverged(sampling.tolerance, result.evaluations)
    return result


def _along_path(
    path: Path,
    zone: "_EnergyByEnergy",
    cap: int,
    sampling: Sampling,
    scale: float,
    noise: float,
) -> Average:
    """Integral along the path, with zone meshes of up to `cap` points per direction."""
    zone.tolerance, zone.error = 0.0, 0.0
    floor = max(sampling.tolerance * scale, 10 * noise)

    def on_path(s: NDArray) -> NDArray:
        z, weight = path.nodes(s[:, 0])
        return zone.means(z, weight, cap)

    def scales(size: NDArray) -> NDArray:
        # from here on zone averages must be better than what the path's error estimate resolves
        zone.tolerance = max(sampling.tolerance * size.max(), floor) / 8
        return np.full(size.shape, size.max())

    mean = adaptive_average(
        on_path,
        [[0.0, 1.0]],
        rtol=sampling.tolerance,
        atol=floor,
        scale=scales,
        max_evaluations=_MOST_NODES,
    )
    if not len(path.poles):
        return mean
    weight = np.full(len(path.poles), -2j * np.pi * path.thermal)
    added = zone.means(path.poles, weight, cap).sum(axis=0)
    return Average(mean.value + added, mean.error, mean.evaluations, mean.converged)


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
    tolerance : float
        Of each average; 0 for a first look.
    error : float
        Bound on the error of averages that settled before the largest mesh.
    """

    def __init__(self, columns: Columns, chain: LayerChain, sampling: Sampling) -> None:
        self.columns, self.mesh = columns, sampling.mesh
        self.dimension, self.symmetry = chain.dimension, mirror_symmetric(chain)
        self.evaluations, self.tolerance, self.error = 0, 0.0, 0.0

    def means(self, z: NDArray, weight: NDArray, largest: int) -> NDArray:
        """-(1/pi) Im weight <columns>, (B, m)."""
        if not self.dimension:
            return self._mean(z, weight, 1)
        if self.mesh is not None or self.tolerance == 0:
            return self._mean(z, weight, self.mesh or 4 * FIRST_MESH)
        self.error = self.tolerance
        return refined_means(
            lambda members, points: self._mean(z[members], weight[members], points),
            np.full(len(z), self.tolerance),
            largest=largest,
        )[0]

    def _mean(self, z: NDArray, weight: NDArray, points: int) -> NDArray:
        k, share = zone_mesh(points, self.dimension, *self.symmetry)
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


def zone_and_path_average(
    columns: Columns,
    chain: LayerChain,
    sampling: Sampling,
    scale: Callable[[NDArray], NDArray],
    label: Callable[[NDArray, NDArray], NDArray] | None = None,
    atol: ArrayLike = 0.0,
) -> Average:
    """Average over the zone and over one more parameter, 0 < s < 1, innermost.

    `columns` and `label` take momenta (B, d) and s (B,).

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached; the result is marked.
    """
    return _average(columns, chain, sampling, scale, label, atol=atol, path=True)


def _average(
    columns: Columns,
    chain: LayerChain,
    sampling: Sampling,
    scale: Callable[[NDArray], NDArray] | None,
    label: Callable[[NDArray, NDArray], NDArray] | None,
    path: bool,
    atol: ArrayLike = 0.0,
    progress: Callable[[int], None] | None = None,
) -> Average:
    """Average over the zone and, if there is a path, over its parameter 0 < s < 1, innermost."""
    d = chain.dimension
    even, swap = mirror_symmetric(chain)
    zone = [[0, np.pi], [0, 1]] if swap else [[0, np.pi if even else 2 * np.pi]] * d
    bounds = [*zone, *([[0.0, 1.0]] if path else [])]

    def physical(x: NDArray) -> tuple[NDArray, NDArray]:
        k, s = x[:, :d], x[:, -1] if path else np.zeros(len(x))
        # the triangle k_z < k_y, k_z = s k_y
        return (np.stack([k[:, 0], k[:, 0] * k[:, 1]], axis=1) if swap else k), s

    def over_zone(x: NDArray) -> NDArray:
        return columns(*physical(x)) * (2 * x[:, :1] / np.pi if swap else 1.0)

    integrand: Callable[[NDArray], NDArray] = over_zone

    cut = None if label is None else lambda x: label(*physical(x))
    if sampling.mesh is not None and d:
        points = shifted_mesh([sampling.mesh] * d)
        if not path:
            return mesh_average(lambda k: columns(k, np.zeros(len(k))), points)

        def over_mesh(s: NDArray) -> NDArray:
            values = columns(np.tile(points, (len(s), 1)), np.repeat(s[:, 0], len(points)))
            return values.reshape(len(s), len(points), -1).mean(axis=1)

        integrand, bounds, cut = over_mesh, [[0.0, 1.0]], None
    # many small products: BLAS threads would only wait for each other
    with threadpool_limits(1, "blas") if d else nullcontext():
        result = adaptive_average(
            integrand,
            np.reshape(bounds, (-1, 2)),
            rtol=sampling.tolerance,
            atol=atol,
            scale=scale,
            label=cut,
            max_evaluations=sampling.max_evaluations,
            progress=progress,
        )
    if not result.converged:
        tell_unconverged(sampling.tolerance, result.evaluations)
    return result


def tell_unconverged(tolerance: float, evaluations: int) -> None:
    """Warn that an average has not reached its tolerance."""
    warnings.warn(
        f"the average over momenta and energies has not reached the tolerance {tolerance:g} after "
        f"{evaluations} points; the result is marked. Raise tolerance or max_evaluations.",
        ConvergenceWarning,
        stacklevel=4,
    )
