"""Linear response of any observable of a crystal to an electric field: Kubo-Bastin.

    delta <A> = chi_Aj F_j per cell,   F = -eE,   v = dH/dk,   S = G^R - G^A,

    chi_surface = -(1/4 pi) int (-f') Re Tr[A S v S],
    chi_sea     =  (1/2 pi) int f Re Tr[A S v d(G^R + G^A)],

with a constant broadening eta.  This split is the one by time reversal: the surface part is
symmetric and the sea part antisymmetric under exchange of A and v.  Streda's split has the same
total.  Spin and conductivity: surface even, sea odd under reversal of the magnetisation; spin
current and torque the other way round (F. Freimuth, S. Blügel and Y. Mokrousov,
PRB 90, 174423 (2014)).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.gradient.kubo.clean import occupied_label
from negf_torque.gradient.kubo.integrand import Evaluator
from negf_torque.gradient.kubo.periodicity import check_periodic
from negf_torque.gradient.kubo.symmetry import (
    Operation,
    close_group,
    observable_matrix,
    verify,
)
from negf_torque.gradient.kubo.zone import check_mesh, zone_average
from negf_torque.gradient.model import BulkModel, harmonics_at

__all__ = ["BulkResponse", "Integration", "bulk_response"]

SPLITS = {"time_reversal": ("surface", "sea"), "streda": ("surface", "cross", "streda_sea")}


@dataclass(frozen=True)
class Integration:
    """How the zone is integrated.

    Attributes
    ----------
    tolerance : float
        Relative to the mean absolute value of the integrand, per observable.
    method : {"auto", "adaptive", "uniform"}
        Uniform meshes are refined until two agree; adaptive quadrature is cheaper at small
        broadening.
    mesh : d whole numbers, optional
        A uniform mesh as it is, without an estimate of the error.
    max_evaluations : int
        When reached, the result is marked as not converged.
    """

    tolerance: float = 1e-6
    method: str = "auto"
    mesh: tuple[int, ...] | None = None
    max_evaluations: int = 20_000_000

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance: {self.tolerance!r} is not a relative error.")
        if self.method not in ("auto", "adaptive", "uniform"):
            raise ValueError(
                f"method: {self.method!r} is unknown. Use 'auto', 'adaptive' or 'uniform'."
            )


@dataclass(frozen=True)
class BulkResponse:
    """chi_Aj per cell, axes (mu, a, d) or (a, d) for a single mu.

    Attributes
    ----------
    parts : dict
        By name: "surface" and "sea", or with Streda's split "surface", "cross", "streda_sea".
    error : array
        Estimated absolute error of the total.
    evaluations : int
        k-points.
    method : str
        "uniform" or "adaptive".
    converged : bool
    """

    parts: dict[str, NDArray]
    error: NDArray
    evaluations: int
    method: str
    converged: bool

    @property
    def total(self) -> NDArray:
        """The response."""
        return np.sum(list(self.parts.values()), axis=0)

    @property
    def surface(self) -> NDArray:
        """Surface part of the split by time reversal."""
        return self.parts["surface"]

    @property
    def sea(self) -> NDArray:
        """Sea part of the split by time reversal."""
        return self.total - self.parts["surface"]

    @property
    def streda_surface(self) -> NDArray:
        """chi_I = RA - RR part at the Fermi energy."""
        if "cross" not in self.parts:
            raise ValueError("split: Streda's parts were not asked for. Use split='streda'.")
        return self.parts["surface"] + self.parts["cross"]

    @property
    def streda_sea(self) -> NDArray:
        """chi_II."""
        if "streda_sea" not in self.parts:
            raise ValueError("split: Streda's parts were not asked for. Use split='streda'.")
        return self.parts["streda_sea"]


def bulk_response(
    model: BulkModel,
    observables: NDArray,
    chemical_potential: ArrayLike,
    broadening: float,
    thermal_energy: float = 0.0,
    *,
    split: str = "time_reversal",
    parts: str = "all",
    symmetry: Sequence[Operation] = (),
    integration: Integration | None = None,
    progress: Callable[[int], None] | None = None,
) -> BulkResponse:
    """Response of observables to a uniform force, per cell.

    Parameters
    ----------
    model : BulkModel
    observables : (a, harmonics, n, n)
        A_a,R on the model's displacements, see `negf_torque.gradient.observables`.
    chemical_potential : float or (m,)
        mu, eV.
    broadening : float
        eta of the self-energy -i eta, eV; hbar/(2 eta) is the lifetime.  0: clean limit.
    thermal_energy : float
        k_B T, eV.
    split : {"time_reversal", "streda"}
    parts : {"all", "sea"}
        With broadening 0 only the sea part (Berry curvature) is finite: ask for "sea".
    symmetry : sequence of Operation
        Generators; they are checked and the zone is reduced by what they allow.
    integration : Integration, optional
    progress : callable, optional
        Called with the number of evaluations so far.

    Returns
    -------
    BulkResponse
        chi in units of the observable times length per energy (velocity: eV nm over eV/nm ...).

    Raises
    ------
    ValueError
        Broadening 0 with the surface part or with bands that touch at mu (says what to set), a
        Hamiltonian that is not periodic, arguments out of range.
    SymmetryError
        A symmetry that the Hamiltonian does not have.

    Examples
    --------
    A Rashba magnet; the reference values of a 2D mesh converged to all digits:

    >>> from negf_torque.gradient.model import square_rashba
    >>> from negf_torque.gradient.observables import spin_observables
    >>> magnet = square_rashba(1.0, 0.3, 0.3, (0, 0, 1))
    >>> chi = bulk_response(magnet, spin_observables(magnet), -2.0, 0.1)
    >>> np.round(chi.total[:2, 0], 6)
    array([-0.023229,  0.130583])
    """
    integration = integration or Integration()
    _check(model, observables, chemical_potential, broadening, thermal_energy, split, parts)
    check_periodic(model)
    if integration.mesh is not None:
        check_mesh(model, integration.mesh)
    scalar = np.ndim(chemical_potential) == 0
    mus = np.atleast_1d(np.asarray(chemical_potential, float))
    group, turns = _group(model, symmetry, observables)
    clean = broadening == 0
    names = ("sea",) if clean else SPLITS[split]
    shape = (len(mus), len(names), len(observables), model.dimension)
    evaluate = Evaluator(model, observables, mus, broadening, thermal_energy, names)
    families = np.broadcast_to(np.arange(shape[2])[:, None], shape).ravel()
    average, method = zone_average(
        evaluate,
        model,
        group,
        symmetrise=lambda columns: _symmetrise(columns, shape, names, group, turns),
        width=_strip(model, max(broadening, np.pi * thermal_energy)),
        method=integration.method,
        mesh=integration.mesh,
        rtol=integration.tolerance,
        families=families,
        label=occupied_label(model, mus) if clean and thermal_energy == 0 else None,
        max_evaluations=integration.max_evaluations,
        progress=progress,
    )
    value, error = average.value.reshape(shape), average.error.reshape(shape).sum(axis=1)
    if scalar:
        value, error = value[0], error[0]
    return BulkResponse(
        {name: value[..., i, :, :] for i, name in enumerate(names)},
        error,
        average.evaluations,
        method,
        bool(average.converged),
    )


def _check(model, observables, mu, broadening, thermal_energy, split, parts) -> None:
    wanted = model.hoppings.shape
    if np.ndim(observables) != 4 or observables.shape[1:] != wanted:
        raise ValueError(f"observables: shape {np.shape(observables)}, expected (a, *{wanted}).")
    if split not in SPLITS:
        raise ValueError(f"split: {split!r} is unknown. Use 'time_reversal' or 'streda'.")
    if parts not in ("all", "sea"):
        raise ValueError(f"parts: {parts!r} is unknown. Use 'all' or 'sea'.")
    if np.ndim(mu) > 1 or np.size(mu) == 0 or not np.all(np.isfinite(mu)):
        raise ValueError(f"chemical_potential: {mu!r}; give one energy or a list of them (eV).")
    for name, value in (("broadening", broadening), ("thermal_energy", thermal_energy)):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name}: {value!r}; give an energy >= 0 (eV).")
    if broadening == 0 and parts == "all":
        raise ValueError(
            "broadening: 0, but the response of a clean metal at its Fermi surface is infinite. "
            "Set broadening > 0 (eV), give impurities, or ask for parts='sea' (Berry curvature)."
        )


def _strip(model: BulkModel, width: float) -> float:
    """Distance of singularities from real k, in radians of the phase along one vector."""
    points = np.random.default_rng(5).uniform(size=(48, model.dimension))
    k = points @ (2 * np.pi * np.linalg.inv(model.lattice).T)
    along = model.displacements @ np.linalg.inv(model.lattice)
    slopes = 1j * np.einsum("ri,rmn->irmn", along, model.hoppings)
    steepest = np.linalg.norm(
        harmonics_at(model.displacements, slopes, k), ord=2, axis=(2, 3)
    ).max()
    return float(width / steepest) if steepest > 0 else np.inf


def _group(model, symmetry, observables) -> tuple[list[Operation], list[NDArray]]:
    """The closed group that keeps the observables among themselves, and how they turn."""
    verify(model, symmetry)
    kept, turns = [], []
    for operation in close_group(model, symmetry):
        matrix = observable_matrix(model, operation, observables)
        if matrix is not None:
            kept.append(operation)
            turns.append(matrix)
    return kept, turns


def _symmetrise(columns, shape, names, group, turns) -> NDArray:
    """Average over the group of s M^-1 chi W^T."""
    chi = columns.reshape(shape)
    if len(group) == 1:
        return columns
    total = np.zeros_like(chi)
    for operation, matrix in zip(group, turns, strict=True):
        turned = np.linalg.pinv(matrix, rcond=1e-9) @ chi @ operation.rotation.T
        if operation.antiunitary:
            sign = np.array([1.0 if name == "surface" else -1.0 for name in names])
            turned = turned * sign[:, None, None]
        total += turned
    return (total / len(group)).ravel()
