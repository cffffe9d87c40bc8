"""Averages over the Brillouin zone of the cross-section and over the thermal window.

At temperature T linear response is the average over energies with weight -f'(E).  With
u = f(E) this is a plain average over 0 < u < 1 at E = mu + k_B T ln(1/u - 1): one more axis of the
same iterated quadrature.
"""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from negf_torque.greens.quadrature import Average, adaptive_average, mesh_average, shifted_mesh
from negf_torque.lattice.layers import LayerChain
from negf_torque.notices import ConvergenceWarning
from negf_torque.transport.arguments import real_energy, real_temperature
from negf_torque.transport.leads import channel_label
from negf_torque.units import BOLTZMANN

__all__ = [
    "Sampling",
    "average",
    "mirror_symmetric",
    "tell_unconverged",
]

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
        if not isinstance(self.tolerance, Real):
            raise ValueError(f"tolerance: {self.tolerance!r} is not a number.")
        if not (np.isfinite(self.tolerance) and 1e-13 < self.tolerance < 1):
            raise ValueError(
                f"tolerance: {self.tolerance!r} is not a relative tolerance between 1e-13 and 1."
            )
        if self.mesh is not None and (self.mesh < 1 or int(self.mesh) != self.mesh):
            raise ValueError(f"mesh: {self.mesh!r} is not a number of points. Give 1 or more.")
        real_temperature(self.temperature)
        if not self.max_evaluations >= 1:
            raise ValueError(
                f"max_evaluations: {self.max_evaluations!r} is not a number of points. "
                "Give 1 or more."
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

    Raises
    ------
    ValueError
        If the energy is not one real number.

    Warns
    -----
    ConvergenceWarning
        If the tolerance was not reached; the result is marked.
    """
    energy = real_energy(energy)
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


def _average(
    columns: Columns,
    chain: LayerChain,
    sampling: Sampling,
    scale: Callable[[NDArray], NDArray] | None,
    label: Callable[[NDArray, NDArray], NDArray] | None,
    path: bool,
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
