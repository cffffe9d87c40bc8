"""Torque on a planar spiral in an impure magnet, and beta from it.

The moments of a long magnet turn by q from layer to layer.  In the frame that turns with them
(`negf_torque.lattice.spiral_frame`) the magnet is uniform, m along x, and

    T = -(A dm/dx + B m x dm/dx) = -q (A y + B z),      beta = B/A,

per layer and per volt, e/(4 pi) per cell.  A needs the window alone, B the complete response.  Far
from the leads both fall off with the current alone and beta is the bulk's; it is odd in nothing:
beta(q) = beta + O(q^2).

The same from explicit configurations: q and -q with the same impurities in the turning frame, so
that what the random moments do without a spiral cancels in every single configuration,
[T(q) - T(-q)]/2.  The impurities' moments must be isotropic.
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.disorder import configurations as ensembles
from negf_torque.disorder.impurities import Impurity, MagneticImpurities
from negf_torque.lattice.layers import LayerChain
from negf_torque.lattice.spiral_frame import spiral_frame
from negf_torque.notices import PhysicsWarning
from negf_torque.spin import unit_vector
from negf_torque.transport.disordered_complete import complete_disordered_response
from negf_torque.transport.ensemble_sea import sea_columns
from negf_torque.transport.ensembles import Configurations
from negf_torque.transport.torque import exchange_torque

__all__ = [
    "BLOCKS",
    "KEPT",
    "SampledSpiral",
    "SpiralTorque",
    "counted_layers",
    "sampled_spiral",
    "smooth_limit",
    "spiral_columns",
    "spiral_torque",
]


@dataclass(frozen=True)
class SpiralTorque:
    """Torque on the middle of a spiral, averaged medium.

    Attributes
    ----------
    wave_number : float
        q, radians per layer.
    layers : (2,) int
        First and one past the last layer that is counted.
    adiabatic, nonadiabatic : (layers,)
        A and B of every layer of the device, complete response; e/(4 pi) per cell.
    window_nonadiabatic : (layers,)
        B of the window alone, symmetric bias.
    conductance : float
        e^2/h per cell.
    potential : (sites,)
        U_i/V of the averaged conductor, for the sea of single configurations.
    converged : bool
    """

    wave_number: float
    layers: tuple[int, int]
    adiabatic: NDArray
    nonadiabatic: NDArray
    window_nonadiabatic: NDArray
    conductance: float
    potential: NDArray
    converged: bool

    @property
    def beta(self) -> float:
        """B/A of the counted layers."""
        return self._ratio(self.nonadiabatic)

    @property
    def window_beta(self) -> float:
        """B/A without the sea: not physical, it depends on how the bias is divided."""
        return self._ratio(self.window_nonadiabatic)

    def _ratio(self, across: NDArray) -> float:
        counted = slice(*self.layers)
        return float(across[counted].sum() / self.adiabatic[counted].sum())


def spiral_torque(
    chain: LayerChain,
    wave_number: float,
    energy: float,
    impurities: Sequence[Impurity],
    method: str = "born",
    mesh: int = 16,
    margin: int = 0,
    tolerance: float = 1e-7,
) -> SpiralTorque:
    """Wind up a uniform magnet and find the torque on it.

    Parameters
    ----------
    chain : LayerChain
        A uniform magnet between uniform leads.
    wave_number : float
        q, radians per layer, not zero.
    energy, impurities, method, mesh, tolerance
        See `negf_torque.transport.disordered_complete.complete_disordered_response`.
    margin : int
        Layers at both ends that are not counted.

    Raises
    ------
    ValueError
        If the moments are not uniform, q is zero, the margins leave no layer, or the
        impurities' moments are not isotropic.
    """
    axes = _frame(chain)
    layers = counted_layers(chain, margin)
    _check(wave_number, impurities)
    wound = spiral_frame(chain, wave_number, axes[2])
    found = complete_disordered_response(
        wound, energy, impurities, method, mesh, tolerance=tolerance
    )
    complete = _by_layer(chain, found.site_torkance)
    window = _by_layer(chain, found.window.site_torkance_by_bias[2])
    return SpiralTorque(
        wave_number,
        layers,
        -complete @ axes[1] / wave_number,
        -complete @ axes[2] / wave_number,
        -window @ axes[2] / wave_number,
        found.window.conductance,
        found.potential,
        found.converged,
    )


@dataclass(frozen=True)
class SampledSpiral:
    """The same from explicit configurations.

    Attributes
    ----------
    wave_number : float
    layers : (2,) int
    window : Ensemble
        Samples: conductance, then A and B of the window's symmetric bias, sums over the counted
        layers.
    sea : Ensemble
        Samples: A and B of the sea.  Its mean A is zero but for the statistical error: the moments
        of the averaged medium lie in a plane.
    """

    wave_number: float
    layers: tuple[int, int]
    window: ensembles.Ensemble
    sea: ensembles.Ensemble

    @property
    def adiabatic(self) -> float:
        """A, sum over the counted layers; the window's alone."""
        return float(self.window.mean[1])

    @property
    def nonadiabatic(self) -> float:
        """B, sum over the counted layers."""
        return float(self.window.mean[2] + self.sea.mean[1])

    @property
    def beta(self) -> float:
        """B/A of the means."""
        return self.nonadiabatic / self.adiabatic

    @property
    def beta_error(self) -> float:
        """Standard error of beta: of B - beta A, over A."""
        a, b = self.window.samples[:, 1:3].T
        square = np.var(b - self.beta * a, ddof=1) / self.window.count
        square += self.sea.standard_error[1] ** 2
        return float(np.sqrt(square) / abs(self.adiabatic))


def sampled_spiral(
    chain: LayerChain,
    wave_number: float,
    energy: float,
    impurities: Sequence[Impurity],
    potential: ArrayLike,
    configurations: int,
    sea_configurations: int,
    *,
    margin: int = 0,
    cells: int = 3,
    seed: int = 0,
    executor: Executor | None = None,
    workers: int = 1,
    progress: Callable[[str, ensembles.Ensemble], None] | None = None,
) -> SampledSpiral:
    """Torque on the middle of a spiral, averaged over configurations.

    Parameters
    ----------
    chain, wave_number, energy, impurities, margin
        As in `spiral_torque`.
    potential : (sites,)
        U_i/V of the averaged conductor (`SpiralTorque.potential`).
    configurations, sea_configurations : int
        Configurations of the window and of the sea, each solved for q and -q.
    cells : int
        Cells of the supercell per periodic direction.
    seed, executor, workers
        See `negf_torque.disorder.configurations.sample`.
    progress : callable, optional
        Called with "window" or "sea" and the ensemble so far.
    """
    columns = spiral_columns(
        chain, wave_number, energy, impurities, potential, margin=margin, cells=cells
    )
    counts = {"window": configurations, "sea": sea_configurations}
    found = {
        part: ensembles.sample(
            evaluate, counts[part], seed=seed, kept=KEPT[part], executor=executor,
            workers=workers, block=BLOCKS[part],
            progress=None if progress is None else partial(progress, part),
        )
        for part, evaluate in columns.items()
    }  # fmt: skip
    return SampledSpiral(wave_number, counted_layers(chain, margin), found["window"], found["sea"])


#: Columns of `spiral_columns`, all of which are kept, and configurations worked on together.
KEPT, BLOCKS = {"window": 3, "sea": 2}, {"window": ensembles.BLOCK, "sea": 8}


def spiral_columns(
    chain: LayerChain,
    wave_number: float,
    energy: float,
    impurities: Sequence[Impurity],
    potential: ArrayLike,
    *,
    margin: int = 0,
    cells: int = 3,
) -> dict[str, Callable[[NDArray], NDArray]]:
    """What is averaged for a `SampledSpiral`: seeds (B,) -> (B, columns) of "window" and "sea".

    Parameters
    ----------
    chain, wave_number, energy, impurities, potential, margin, cells
        As in `sampled_spiral`.
    """
    axes, layers = _frame(chain), counted_layers(chain, margin)
    _check(wave_number, impurities)
    forward, backward = (
        Configurations(spiral_frame(chain, q, axes[2]), energy, tuple(impurities), cells)
        for q in (wave_number, -wave_number)
    )
    both = forward, backward
    projection = -np.stack([axes[1], axes[2]], axis=1) / wave_number
    field = np.asarray(potential, float)
    return {
        "window": partial(_window_columns, both, projection, layers),
        "sea": partial(_sea_projected, both, projection, layers, field),
    }


def _window_columns(
    both: tuple[Configurations, Configurations],
    projection: NDArray,
    layers: tuple[int, int],
    seeds: NDArray,
) -> NDArray:
    sums: list[NDArray] = []
    conductance: Any = 0.0
    for drawn in both:
        whole = drawn.supercell
        (response,) = drawn.responses(seeds)
        density = (response.exchange_density[0] - response.exchange_density[1]) / 2
        torque = exchange_torque(whole.chain.sites, np.moveaxis(density, 2, 0))
        counted = _inside(whole.chain, layers)
        sums.append(torque[:, counted].sum(axis=1) @ projection / whole.cells)
        conductance = conductance + response.transmission / whole.cells / 2
    return np.column_stack([conductance, (sums[0] - sums[1]) / 2])


def _sea_projected(
    both: tuple[Configurations, Configurations],
    projection: NDArray,
    layers: tuple[int, int],
    potential: NDArray,
    seeds: NDArray,
) -> NDArray:
    sums = []
    for drawn in both:
        table = drawn.chain.sites
        columns = sea_columns(drawn, potential, np.array([0.5, -0.5]), _SEA_POINTS, seeds)
        exchange = columns[:, -7 * len(table.layer) :].reshape(len(seeds), -1, 7)[:, :, 4:]
        torque = 2 * np.pi * exchange_torque(table, exchange)
        sums.append(torque[:, _inside(drawn.chain, layers)].sum(axis=1) @ projection)
    return (sums[0] - sums[1]) / 2


#: Points of the sea's integral over energies: the levels of an impure magnet are wide.
_SEA_POINTS = 20


def smooth_limit(wave_numbers: ArrayLike, values: ArrayLike) -> tuple[float, float]:
    """Value at q = 0 of an even function known at some q, and an estimate of the error.

    The polynomial in q^2 through all values; the error is what the value with the largest q
    changes (infinite with one value).

    Examples
    --------
    >>> value, error = smooth_limit([0.1, 0.2, 0.4], [0.3001, 0.3004, 0.3016])
    >>> round(value, 12), error < 1e-12
    (0.3, True)
    """
    q = np.atleast_1d(np.asarray(wave_numbers, float))
    f = np.atleast_1d(np.asarray(values, float))
    order = np.argsort(np.abs(q))
    full = _at_zero(q[order] ** 2, f[order])
    if len(q) == 1:
        return full, np.inf
    return full, abs(full - _at_zero(q[order][:-1] ** 2, f[order][:-1]))


def _at_zero(x: NDArray, f: NDArray) -> float:
    """Lagrange's polynomial at 0."""
    total = 0.0
    for i, value in enumerate(f):
        others = np.delete(x, i)
        total += value * np.prod(others / (others - x[i]))
    return float(total)


def _frame(chain: LayerChain) -> NDArray:
    """Rows: direction m of the uniform moments, the direction they turn to, the axis."""
    fields = np.concatenate(
        [t.exchange for t in (chain.sites, chain.left.sites, chain.right.sites)]
    )
    size = np.linalg.norm(fields, axis=1)
    if np.any(size == 0) or not np.allclose(fields, fields[0], atol=1e-9 * size.max()):
        raise ValueError("chain: a spiral is wound from a uniform magnet between such leads.")
    m = unit_vector(fields[0])
    axis = unit_vector(np.cross(m, np.eye(3)[np.argmin(np.abs(m))]))
    return np.stack([m, np.cross(axis, m), axis])


def counted_layers(chain: LayerChain, margin: int) -> tuple[int, int]:
    """First layer that counts and the one after the last, `margin` away from both ends."""
    count = len(chain.onsite)
    if margin < 0 or 2 * margin >= count:
        raise ValueError(f"margin: {margin!r} layers at both ends of {count} leave none.")
    return margin, count - margin


def _check(wave_number: float, impurities: Sequence[Impurity]) -> None:
    if not np.isfinite(wave_number) or wave_number == 0:
        raise ValueError(f"wave_number: {wave_number!r}; a spiral turns.")
    if abs(wave_number) > 1:
        warnings.warn(
            f"wave_number: {wave_number:g} radians from layer to layer is no smooth texture.",
            PhysicsWarning,
            stacklevel=3,
        )
    for kind in impurities:
        if isinstance(kind, MagneticImpurities) and not (
            kind.directions is None and np.allclose(kind.tensor, np.eye(3) * kind.tensor[0, 0])
        ):
            raise ValueError(
                "impurities: moments that are not isotropic look different in the turning frame."
            )


def _inside(chain: LayerChain, layers: tuple[int, int]) -> NDArray:
    return (chain.sites.layer >= layers[0]) & (chain.sites.layer < layers[1])


def _by_layer(chain: LayerChain, torque: NDArray) -> NDArray:
    total = np.zeros((len(chain.onsite), 3))
    np.add.at(total, chain.sites.layer, torque)
    return total
