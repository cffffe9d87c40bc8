"""Averages over a box (Brillouin zone, energy window) to a tolerance, many points at a time.

Zone integrands of ballistic conductors have lines of square-root or step singularities where
channels open.  A uniform mesh then gains one digit per factor of ten in points, iterated
adaptive quadrature only needs a number of points that grows like a power of log(1/tolerance):
each one-dimensional integral bisects towards its isolated singularities (compare Kaye et al.,
SciPost Phys. 15, 062 (2023)).  All one-dimensional integrals of one level are refined together,
so that the integrand is called with thousands of points at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Average", "adaptive_average", "mesh_average", "shifted_mesh"]

Integrand = Callable[[NDArray], NDArray]

# Gauss-Kronrod (7, 15) on [-1, 1]: positive nodes, Kronrod weights, Gauss weights of the odd ones.
_X = np.array(
    [
        0.991455371120812639206854697526329,
        0.949107912342758524526189684047851,
        0.864864423359769072789712788640926,
        0.741531185599394439863864773280788,
        0.586087235467691130294144691693013,
        0.405845151377397166906606412076961,
        0.207784955007898467600689403773245,
        0.0,
    ]
)
_WK = np.array(
    [
        0.022935322010529224963732008058970,
        0.063092092629978553290700663189204,
        0.104790010322250183839876322541518,
        0.140653259715525918745189590510238,
        0.169004726639267902826583426598550,
        0.190350578064785409913256402421014,
        0.204432940075298892414161999234649,
        0.209482141084727828012999174891714,
    ]
)
_WG = np.array(
    [
        0.129484966168869693270611432679082,
        0.279705391489276667901467771423780,
        0.381830050505118944950369775488975,
        0.417959183673469387755102040816327,
    ]
)
NODES = np.concatenate([-_X, _X[-2::-1]])
KRONROD = np.concatenate([_WK, _WK[-2::-1]]) / 2
GAUSS = np.zeros(15)
GAUSS[1::2] = np.concatenate([_WG, _WG[-2::-1]]) / 2

# Part of an interval between its edge and its outermost node, where a step would go unseen.
GAP = (1 - _X[0]) / 2


def _edge_weights() -> NDArray:
    """Weights (15, 2) that extrapolate the interpolating polynomial to both edges."""
    weights = np.empty((15, 2))
    for j in range(15):
        others = np.delete(NODES, j)
        for side, edge in enumerate((-1.0, 1.0)):
            weights[j, side] = np.prod((edge - others) / (NODES[j] - others))
    return weights


EDGES = _edge_weights()


@dataclass(frozen=True)
class Average:
    """Mean of an integrand over a box.

    Attributes
    ----------
    value, error : (columns,)
        Mean and estimated absolute error (zero for a given mesh, where none is estimated).
    evaluations : int
        Points at which the integrand was evaluated.
    converged : bool
        Whether every column's error estimate met its tolerance.
    """

    value: NDArray
    error: NDArray
    evaluations: int
    converged: bool


def shifted_mesh(counts: ArrayLike) -> NDArray:
    """Uniform mesh k = 2 pi (n + 1/2)/n_k of [0, 2 pi)^d, shape (points, d)."""
    axes = [2 * np.pi * (np.arange(n) + 0.5) / n for n in np.atleast_1d(counts)]
    return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=-1)


def mesh_average(integrand: Integrand, points: NDArray, chunk: int = 16384) -> Average:
    """Plain mean of `integrand` over the rows of `points`."""
    total = sum(
        np.sum(integrand(points[start : start + chunk]), axis=0)
        for start in range(0, len(points), chunk)
    )
    value = total / len(points)
    return Average(value, np.zeros(value.shape), len(points), True)


def adaptive_average(
    integrand: Integrand,
    bounds: ArrayLike,
    rtol: float = 1e-6,
    families: ArrayLike | None = None,
    max_evaluations: int = 20_000_000,
    probe: int = 6,
    on_progress: Callable[[int], None] | None = None,
) -> Average:
    """Mean of a vector-valued function over a box, by iterated adaptive Gauss-Kronrod quadrature.

    Parameters
    ----------
    integrand : callable
        Points (batch, d) -> values (batch, columns), real.
    bounds : (d, 2)
        The box; d = 0 means a single evaluation.
    rtol : float
        Each column's error is to be below `rtol` times the largest mean absolute value of its
        family.
    families : (columns,) int, optional
        Columns that share a scale: a torque's small component is judged by the torque's size.
        Default: each column for itself.
    max_evaluations : int
        When reached, refinement stops and the result is marked as not converged.
    probe : int
        Points per axis of the first coarse mesh that sets the scales.
    on_progress : callable, optional
        Called with the number of evaluations so far.

    Returns
    -------
    Average

    Examples
    --------
    The open part of a band (a step) and a square root at its edge:

    >>> f = lambda k: np.stack([k[:, 0] < 1, np.sqrt(np.maximum(1 - k[:, 0], 0))], axis=-1) * 1.0
    >>> result = adaptive_average(f, [[0, 2]], rtol=1e-10)
    >>> bool(abs(result.value - [1 / 2, 1 / 3]).max() < 1e-10)
    True
    """
    box = np.asarray(bounds, float).reshape(-1, 2)
    if len(box) == 0:
        value = integrand(np.zeros((1, 0)))[0]
        return Average(value, np.zeros(value.shape), 1, True)
    first = integrand(_probe_points(box, probe))
    size = np.abs(first).mean(axis=0)
    groups = np.arange(first.shape[1]) if families is None else np.asarray(families)
    scale = np.zeros(groups.max() + 1)
    np.maximum.at(scale, groups, size)
    # a family that vanishes altogether is held to the smallest of the others
    floor = scale[scale > 0].min(initial=np.inf) if np.any(scale > 0) else 1.0
    tolerance = rtol * np.where(scale > 0, scale, floor)[groups]
    state = _Iterated(integrand, box, max_evaluations, on_progress, evaluations=len(first))
    value, error = state.level(np.zeros((1, 0)), tolerance)
    return Average(value[0], error[0], state.evaluations, bool(np.all(error[0] <= tolerance)))


def _probe_points(box: NDArray, count: int) -> NDArray:
    # irrational offset: the probe must not sit on a symmetry point where the integrand vanishes
    unit = (np.arange(count) + 0.381966) / count
    axes = [lo + (hi - lo) * unit for lo, hi in box]
    return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=-1)


@dataclass
class _Iterated:
    integrand: Integrand
    box: NDArray
    max_evaluations: int
    on_progress: Callable[[int], None] | None
    evaluations: int = 0

    # Values held at once: about 160 MB of doubles.
    limit: int = 20_000_000

    def level(self, prefix: NDArray, tolerance: NDArray) -> tuple[NDArray, NDArray]:
        """Average over the axes that `prefix` (P, j) leaves open; returns (P, columns) twice."""
        depth = prefix.shape[1]
        if depth == len(self.box):
            self.evaluations += len(prefix)
            if self.on_progress is not None:
                self.on_progress(self.evaluations)
            return self.integrand(prefix), np.zeros((len(prefix), len(tolerance)))
        chunk = max(1, self.limit // (len(tolerance) * 60))
        if len(prefix) <= chunk:
            return self._refine(prefix, tolerance)
        parts = [
            self._refine(prefix[start : start + chunk], tolerance)
            for start in range(0, len(prefix), chunk)
        ]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _refine(self, prefix: NDArray, tolerance: NDArray) -> tuple[NDArray, NDArray]:
        count = len(prefix)
        owner = np.repeat(np.arange(count), 2)
        low = np.tile([0.0, 0.5], count)
        width = np.full(2 * count, 0.5)
        value, error, edges = self._rule(prefix[owner], low, width, tolerance)
        ends = self._ends(prefix, tolerance)
        while True:
            full = error + _unseen_steps(owner, width, edges, ends)
            total = np.zeros((count, len(tolerance)))
            np.add.at(total, owner, full)
            open_problem = np.any(total > tolerance, axis=1)
            share = np.max(full / tolerance, axis=1) * np.bincount(owner, minlength=count)[owner]
            split = open_problem[owner] & (share >= 1) & (width > 1e-13)
            if not split.any() or self.evaluations >= self.max_evaluations:
                break
            half = np.repeat(width[split] / 2, 2)
            start = np.repeat(low[split], 2)
            start[1::2] += half[1::2]
            parent = np.repeat(owner[split], 2)
            new = self._rule(prefix[parent], start, half, tolerance)
            keep = ~split
            owner = np.concatenate([owner[keep], parent])
            low = np.concatenate([low[keep], start])
            # sorted by position: neighbours stand together, and the sum below does not depend
            # on the order of refinement
            order = np.lexsort((low, owner))
            owner, low = owner[order], low[order]
            width = np.concatenate([width[keep], half])[order]
            value = np.concatenate([value[keep], new[0]])[order]
            error = np.concatenate([error[keep], new[1]])[order]
            edges = np.concatenate([edges[keep], new[2]])[order]
        mean = np.zeros((count, len(tolerance)))
        np.add.at(mean, owner, value)
        return mean, total

    def _ends(self, prefix: NDArray, tolerance: NDArray) -> NDArray:
        """Values just inside both ends of the axis, (problems, 2, columns)."""
        lo, hi = self.box[prefix.shape[1]]
        nudge = 1e-12 * (hi - lo)
        points = np.concatenate(
            [np.repeat(prefix, 2, axis=0), np.tile([[lo + nudge], [hi - nudge]], (len(prefix), 1))],
            axis=1,
        )
        return self.level(points, tolerance / 10)[0].reshape(len(prefix), 2, -1)

    def _rule(
        self, prefix: NDArray, low: NDArray, width: NDArray, tolerance: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Contributions, errors and edge values of intervals (given as fractions of the axis)."""
        lo, hi = self.box[prefix.shape[1]]
        centre = low + width / 2
        nodes = lo + (hi - lo) * (centre[:, None] + width[:, None] / 2 * NODES)
        points = np.concatenate(
            [np.repeat(prefix, len(NODES), axis=0), nodes.reshape(-1, 1)], axis=1
        )
        # noise of the inner averages must stay below what the outer error estimate resolves
        f, inner = self.level(points, tolerance / 10)
        f = f.reshape(len(low), len(NODES), -1)
        inner = np.matmul(KRONROD, inner.reshape(f.shape))
        value = np.matmul(KRONROD, f)
        difference = np.abs(np.matmul(KRONROD - GAUSS, f))
        spread = np.matmul(KRONROD, np.abs(f - value[:, None]))
        with np.errstate(invalid="ignore", divide="ignore"):
            sharper = spread * np.minimum(1, (200 * difference / spread) ** 1.5)
        # QUADPACK's estimate: the Kronrod rule is far better than its distance from Gauss
        error = np.where(spread > 0, sharper, 0.0)
        edges = np.matmul(EDGES.T, f)
        return width[:, None] * value, width[:, None] * (error + inner), edges


def _unseen_steps(owner: NDArray, width: NDArray, edges: NDArray, ends: NDArray) -> NDArray:
    """Error of a step between the outermost node and the edge of an interval: no rule sees it.

    The polynomials of two neighbouring intervals must agree at the edge that they share, and
    with the function at the ends of the axis; what they differ by, times the gap, is what such
    a step could contribute.
    """
    inside = (owner[1:] == owner[:-1])[:, None]
    left, right = edges[:, 0], edges[:, 1]
    jump_left = np.abs(left - ends[owner, 0])
    jump_left[1:] = np.where(inside, np.abs(left[1:] - right[:-1]), jump_left[1:])
    jump_right = np.abs(right - ends[owner, 1])
    jump_right[:-1] = np.where(inside, np.abs(left[1:] - right[:-1]), jump_right[:-1])
    return GAP * width[:, None] * (jump_left + jump_right)
