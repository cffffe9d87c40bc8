"""Uniform meshes of the zone, reduced by mirror symmetry and refined until averages settle.

The mean of a smooth periodic function over a uniform mesh converges faster than any power of the
mesh: at complex energies, and after an integral over energies, it needs far fewer points than
quadrature by intervals.  A mesh is doubled until the mean moves by less than the tolerance.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST_MESH", "LARGEST_MESH", "refined_means", "zone_mesh"]

#: Points per direction of the first mesh and of the last.
FIRST_MESH, LARGEST_MESH = 8, 1024


@cache
def zone_mesh(points: int, dimension: int, even: bool, swap: bool) -> tuple[NDArray, NDArray]:
    """Momenta k = 2 pi (n + 1/2)/points that symmetry leaves, (m, d), and their weights (m,).

    Parameters
    ----------
    even : bool
        The integrand does not change when any momentum is reversed.
    swap : bool
        Nor when the two momenta are exchanged.

    Examples
    --------
    >>> k, weight = zone_mesh(8, 2, True, True)
    >>> k.shape, round(float(weight.sum()), 12)
    ((10, 2), 1.0)
    """
    if dimension == 0:
        return np.zeros((1, 0)), np.ones(1)
    n = np.arange((points + 1) // 2 if even else points)
    axis = 2 * np.pi * (n + 0.5) / points
    # reversing a momentum maps n to points - 1 - n
    multiple = np.where(2 * n + 1 == points, 1, 2) if even else np.ones(len(n), int)
    k = np.stack([a.ravel() for a in np.meshgrid(*[axis] * dimension, indexing="ij")], axis=1)
    weight = np.ones(len(k))
    for along in np.meshgrid(*[multiple] * dimension, indexing="ij"):
        weight = weight * along.ravel()
    if swap:
        kept = k[:, 0] >= k[:, 1]
        weight = np.where(k[:, 0] > k[:, 1], 2 * weight, weight)[kept]
        k = k[kept]
    return k, weight / weight.sum()


def refined_means(
    mean: Callable[[NDArray, int], NDArray],
    tolerance: NDArray,
    first: int = FIRST_MESH,
    largest: int = LARGEST_MESH,
) -> tuple[NDArray, NDArray]:
    """Means of several members, each on meshes that double until it settles.

    Parameters
    ----------
    mean : callable
        Members (m,) int and points per direction -> their means (m, columns) on that mesh.
    tolerance : (members,)
        Of the largest change of a member's columns from mesh to mesh.
    first, largest : int

    Returns
    -------
    value : (members, columns)
    error : (members, columns)
        Estimated from how the changes shrink from one doubling to the next.
    """
    left = np.arange(len(tolerance))
    before = mean(left, first)
    value, error = before.copy(), np.full(before.shape, np.inf)
    moved_before = np.full(len(tolerance), np.inf)
    points = 2 * first
    while len(left) and points <= largest:
        now = mean(left, points)
        moved = np.abs(now - before)
        most = moved.max(axis=1)
        # a geometric series of changes; the first is taken for the error, and slow ones too
        ratio = np.divide(most, moved_before, out=np.ones_like(most), where=moved_before > 0)
        ratio = np.where(np.isfinite(moved_before), np.clip(ratio, 0.05, 0.5), 0.5)
        value[left], error[left] = now, moved * (ratio / (1 - ratio))[:, None]
        on = error[left].max(axis=1) > tolerance[left]
        left, before, moved_before, points = left[on], now[on], most[on], 2 * points
    return value, error
