"""Zone averages to a tolerance: uniform or iterated adaptive, on what symmetry leaves of the zone.

At a broadening eta the integrand is analytic in a strip of width eta/v around real k.  A uniform
mesh then converges exponentially, but only once its step resolves eta/v: the number of points
grows like eta^-d.  Iterated adaptive quadrature follows the Fermi surface instead, at a cost that
grows like a power of log(1/eta) (J. Kaye, S. Beck, A. Barnett, L. Van Muñoz and O. Parcollet,
SciPost Phys. 15, 062 (2023)).  Which of the two is cheaper is decided from eta/v.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.kubo.symmetry import Operation, fractional
from negf_torque.gradient.model import BulkModel
from negf_torque.greens.quadrature import Average, adaptive_average

__all__ = ["Domain", "check_mesh", "irreducible_mesh", "reduced_domain", "zone_average"]

Integrand = Callable[[NDArray], NDArray]

#: Points per axis of the smallest uniform mesh, and its growth from one to the next.
_FIRST, _GROWTH = 12, 1.4


@dataclass(frozen=True)
class Domain:
    """The part of the zone that is integrated: a box of fractional k.

    Attributes
    ----------
    bounds : (d, 2)
    operations : int
        How many copies fill the zone.
    """

    bounds: NDArray
    operations: int


def check_mesh(model: BulkModel, mesh: Sequence[int]) -> None:
    """A mesh is one whole number of points for each reciprocal vector.

    Raises
    ------
    ValueError
        If it is not.
    """
    if len(mesh) != model.dimension or any(n != int(n) or n < 1 for n in mesh):
        raise ValueError(
            f"mesh: {tuple(mesh)!r}; give {model.dimension} whole numbers of points, 1 or more."
        )


def reduced_domain(model: BulkModel, group: Sequence[Operation]) -> Domain:
    """Box that the operations k_i -> +-k_i of the group fill the zone with.

    The signs form a vector space over {0, 1}; a reduced basis has one leading axis per
    vector, whose half is enough.
    """
    d = model.dimension
    signs = set()
    for operation in group:
        matrix = fractional(model, operation)
        if np.array_equal(np.abs(matrix), np.eye(d, dtype=int)):
            signs.add(tuple((np.diag(matrix) < 0).astype(int)))
    basis: list[NDArray] = []
    for vector in sorted(signs, reverse=True):
        rest: NDArray = np.array(vector)
        for old in basis:
            if rest[np.argmax(old)]:
                rest = (rest + old) % 2
        if rest.any():
            lead = int(np.argmax(rest))
            basis = [(old + rest) % 2 if old[lead] else old for old in basis]
            basis.append(rest)
    bounds = np.tile([0.0, 1.0], (d, 1))
    for independent in basis:
        bounds[int(np.argmax(independent))] = 0.0, 0.5
    return Domain(bounds, 2 ** len(basis))


def irreducible_mesh(
    model: BulkModel, group: Sequence[Operation], sizes: Sequence[int]
) -> tuple[NDArray, NDArray]:
    """Points of the mesh f = (i + 1/2)/N that the group does not map on earlier ones; weights.

    Operations that do not map the mesh on itself (axes of unequal size, oblique lattices) are
    left out.

    Returns
    -------
    fractions : (points, d)
    weights : (points,)
        Sum to 1.
    """
    axes, shape = np.asarray(sizes), tuple(sizes)
    d, total = len(shape), int(np.prod(shape))
    twice = 2 * np.stack(np.unravel_index(np.arange(total), shape), axis=1) + 1
    lowest = np.arange(total)
    for matrix in _mesh_maps(model, group, axes):
        image = (twice @ matrix.T) % (2 * axes)
        flat = np.ravel_multi_index(tuple((image.T - 1) // 2), shape)
        lowest = np.minimum(lowest, flat)
    kept, counts = np.unique(lowest, return_counts=True)
    return (twice[kept] / (2 * axes)).reshape(-1, d), counts / total


def _diagonal(matrix: NDArray) -> bool:
    return bool(np.all(matrix == np.diag(np.diag(matrix))))


def _mesh_maps(model, group, sizes) -> list[NDArray]:
    """Whole-number matrices of the operations that map the shifted mesh on itself; a group."""
    maps = []
    for operation in group:
        matrix = fractional(model, operation)
        one_entry = np.all(np.abs(matrix).sum(axis=1) == 1)
        fits = _diagonal(matrix) or np.all(sizes == sizes[0])
        if one_entry and fits:
            maps.append(matrix)
    return maps


def zone_average(
    integrand: Integrand,
    model: BulkModel,
    group: Sequence[Operation],
    *,
    symmetrise: Callable[[NDArray], NDArray],
    width: float,
    method: str = "auto",
    mesh: Sequence[int] | None = None,
    rtol: float = 1e-6,
    families: NDArray | None = None,
    label: Callable[[NDArray], NDArray] | None = None,
    max_evaluations: int = 20_000_000,
    progress: Callable[[int], None] | None = None,
) -> tuple[Average, str]:
    """Average of `integrand` over the zone.

    Parameters
    ----------
    integrand : callable
        Fractional k (points, d) -> real values (points, columns).
    group : sequence of Operation
        Closed group whose operations `symmetrise` knows; [identity] for none.
    symmetrise : callable
        Columns of one part of the zone -> columns of the whole zone.
    width : float
        Distance of the nearest singularity from real k, in radians (eta/v); 0 if there is none.
    method : {"auto", "adaptive", "uniform"}
    mesh : d whole numbers, optional
        A uniform mesh as it is; no error is estimated then.
    rtol : float
        Error relative to the mean absolute value of the integrand (largest of its family).
    label : callable, optional
        Constant where the integrand is smooth; for the adaptive method.

    Returns
    -------
    Average, str
        And the method that was used.
    """
    if method not in ("auto", "adaptive", "uniform"):
        raise ValueError(f"method: {method!r} is unknown. Use 'auto', 'adaptive' or 'uniform'.")
    if mesh is not None:
        points, weights = irreducible_mesh(model, group, mesh)
        value = symmetrise(_weighted(integrand, points, weights))
        return Average(value, np.zeros_like(value), len(points), True), "uniform"
    domain = reduced_domain(model, group)
    if method == "auto":
        copies = domain.operations
        method = _cheaper(model.dimension, width, rtol, len(group), copies)
    if method == "uniform":
        return _refined_mesh(
            integrand, model, group, symmetrise, rtol, families, max_evaluations, progress
        ), method
    found = adaptive_average(
        integrand, domain.bounds, rtol=rtol, families=families, label=label,
        max_evaluations=max_evaluations, progress=progress,
    )  # fmt: skip
    value = symmetrise(found.value)
    error = np.maximum(np.abs(symmetrise(found.error)), found.error)
    return Average(value, error, found.evaluations, found.converged), method


def _weighted(integrand: Integrand, points: NDArray, weights: NDArray, chunk: int = 4096):
    return sum(
        weights[i : i + chunk] @ integrand(points[i : i + chunk])
        for i in range(0, len(points), chunk)
    )


def _cheaper(dimension: int, width: float, rtol: float, group: int, copies: int) -> str:
    """The method that takes fewer points, from what `benchmarks/spin_orbit.py` measures.

    A uniform mesh needs 1.4 log(1/rtol)/width points per axis, and half as many again for the
    smaller meshes before it; it has 1/group of them to evaluate.  Adaptive quadrature needs about
    100 log2(1/width) at rtol = 1e-4, in a box that is 1/copies of the zone.
    """
    if width <= 0:
        return "adaptive"
    digits = np.log(1 / rtol)
    uniform = 2 * max(_FIRST, 1.4 * digits / width) ** dimension / group
    per_axis = 100 * np.log2(2 + 1 / width) * np.sqrt(digits / np.log(1e4))
    return "uniform" if uniform < per_axis**dimension / copies else "adaptive"


def _refined_mesh(
    integrand, model, group, symmetrise, rtol, families, max_evaluations, progress
) -> Average:
    size, count = _FIRST, 0
    before: NDArray | None = None
    last: NDArray | None = None
    while True:
        points, weights = irreducible_mesh(model, group, [size] * model.dimension)
        if before is not None and count + len(points) > max_evaluations:
            missing = np.full_like(before, np.inf) if last is None else last
            return Average(before, missing, count, False)
        both = _weighted(_with_size(integrand), points, weights)
        columns = both.shape[-1] // 2
        value, mean = symmetrise(both[:columns]), both[columns:]
        count += len(points)
        if progress is not None:
            progress(count)
        if before is not None:
            change = np.abs(value - before)
            # exponential convergence: the change is the error of the mesh before, its ratio to
            # the change before at least what this mesh has gained
            gain = 1.0 if last is None else min(1.0, float(change.max() / max(last.max(), 1e-300)))
            if np.all(change * gain <= _tolerances(mean, rtol, families)):
                return Average(value, change * gain, count, True)
            last = change
        before, size = value, int(np.ceil(size * _GROWTH / 2) * 2)


def _with_size(integrand: Integrand) -> Integrand:
    """The integrand and, in further columns, its absolute values."""

    def both(points: NDArray) -> NDArray:
        values = integrand(points)
        return np.concatenate([values, np.abs(values)], axis=1)

    return both


def _tolerances(mean: NDArray, rtol: float, families: NDArray | None) -> NDArray:
    groups = np.arange(len(mean)) if families is None else np.asarray(families)
    largest = np.zeros(groups.max() + 1)
    np.maximum.at(largest, groups, mean)
    scales = largest[groups]
    floor = np.min(scales[scales > 0], initial=1.0)
    return np.maximum(rtol * np.where(scales > 0, scales, floor), 1e-15 * mean.max())
