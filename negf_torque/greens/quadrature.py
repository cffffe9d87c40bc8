"""Averages over a box (Brillouin zone, energy window) to a tolerance, many points at a time.

Zone integrands of ballistic conductors have lines of square-root or step singularities where
channels open.  A uniform mesh then gains one digit per factor of ten in points, iterated
adaptive quadrature only needs a number of points that grows like a power of log(1/tolerance)
(compare Kaye et al., SciPost Phys. 15, 062 (2023)): each one-dimensional integral is cut where
the caller's label (the number of open channels, say) jumps, the square roots at the cuts are
removed by x = sin^2, and what is left bisects towards its difficult places.  All
one-dimensional integrals of one level are refined together, so that the integrand is called
with thousands of points at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens.gauss_kronrod import GAP, KRONROD, NODES, gauss_kronrod

__all__ = ["Average", "adaptive_average", "line_averages", "mesh_average", "shifted_mesh"]

Integrand = Callable[[NDArray], NDArray]


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
    atol: ArrayLike = 0.0,
    families: ArrayLike | None = None,
    scale: Callable[[NDArray], NDArray] | None = None,
    label: Callable[[NDArray], NDArray] | None = None,
    max_evaluations: int = 20_000_000,
    probe: int = 6,
    progress: Callable[[int], None] | None = None,
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
    atol : float or (columns,)
        Absolute error below which nothing is refined: the integrand's own noise.
    families : (columns,) int, optional
        Columns that share a scale: a torque's small component is judged by the torque's size.
        Default: each column for itself.
    scale : callable, optional
        Mean absolute values (columns,) of a coarse mesh -> the scales (columns,) themselves,
        instead of `families`.
    label : callable, optional
        Points (batch, d) -> integers (batch,), much cheaper than the integrand: constant where
        the integrand is smooth, different on both sides of its steps and square roots.
    max_evaluations : int
        When reached, refinement stops and the result is marked as not converged.
    probe : int
        Points per axis of the first coarse mesh that sets the scales.
    progress : callable, optional
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
    if scale is None:
        groups = np.arange(first.shape[1]) if families is None else np.asarray(families)
        largest = np.zeros(groups.max() + 1)
        np.maximum.at(largest, groups, size)
        scales = largest[groups]
    else:
        scales = np.asarray(scale(size))
    # what vanishes altogether is held to the smallest of the others
    relative = rtol * np.where(scales > 0, scales, np.min(scales[scales > 0], initial=1.0))
    tolerance = np.maximum(relative, atol)
    state = _Iterated(integrand, box, label, max_evaluations, progress, len(first))
    value, error = state.level(np.zeros((1, 0)), tolerance)
    rounding = 50 * np.finfo(float).eps * size
    good = np.all(error[0] <= np.maximum(tolerance, rounding))
    return Average(value[0], error[0] + rounding, state.evaluations, bool(good))


def line_averages(
    integrand: Integrand,
    prefix: NDArray,
    tolerance: NDArray,
    label: Callable[[NDArray], NDArray] | None = None,
    max_evaluations: int = 20_000_000,
) -> tuple[NDArray, NDArray, int]:
    """Means over one more coordinate, 0 < s < 1, for each of many points.

    Parameters
    ----------
    prefix : (P, d)
        The other coordinates.
    tolerance : (columns,)
        Absolute; infinite for a first look.
    integrand, label, max_evaluations
        As in `adaptive_average`, of points (batch, d + 1).

    Returns
    -------
    value, error : (P, columns)
    evaluations : int
    """
    box = np.tile([[0.0, 1.0]], (prefix.shape[1] + 1, 1))
    state = _Iterated(integrand, box, label, max_evaluations, None)
    value, error = state.level(prefix, np.asarray(tolerance, float))
    return value, error, state.evaluations


def _probe_points(box: NDArray, count: int) -> NDArray:
    # irrational offset: the probe must not sit on a symmetry point where the integrand vanishes
    unit = (np.arange(count) + 0.381966) / count
    axes = [lo + (hi - lo) * unit for lo, hi in box]
    return np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=-1)


@dataclass
class _Iterated:
    integrand: Integrand
    box: NDArray
    label: Callable[[NDArray], NDArray] | None
    max_evaluations: int
    progress: Callable[[int], None] | None
    evaluations: int = 0

    # Values held at once: about 160 MB of doubles.
    limit: int = 20_000_000

    def level(self, prefix: NDArray, tolerance: NDArray) -> tuple[NDArray, NDArray]:
        """Average over the axes that `prefix` (P, j) leaves open; returns (P, columns) twice."""
        depth = prefix.shape[1]
        if depth == len(self.box):
            self.evaluations += len(prefix)
            if self.progress is not None:
                self.progress(self.evaluations)
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
        pieces = self._first_pieces(prefix)
        value, error, edges = self._rule(prefix, pieces, tolerance)
        ends = None if self.label is not None else self._ends(prefix, tolerance)
        while True:
            full = error + _unseen_steps(pieces, edges, ends)
            total = np.zeros((count, len(tolerance)))
            np.add.at(total, pieces.owner, full)
            open_problem = np.any(total > tolerance, axis=1)
            siblings = np.bincount(pieces.owner, minlength=count)[pieces.owner]
            share = np.max(full / tolerance, axis=1) * siblings
            split = open_problem[pieces.owner] & (share >= 1) & (pieces.width > 1e-13)
            if not split.any() or self.evaluations >= self.max_evaluations:
                break
            halves = pieces.halves(split)
            new = self._rule(prefix, halves, tolerance)
            pieces, order = pieces.merged(~split, halves)
            value, error, edges = (
                np.concatenate([old[~split], add])[order]
                for old, add in zip((value, error, edges), new, strict=True)
            )
        mean = np.zeros((count, len(tolerance)))
        np.add.at(mean, pieces.owner, value)
        return mean, total

    def _rule(
        self, prefix: NDArray, pieces: "_Pieces", tolerance: NDArray
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Contributions of pieces, their errors, and the integrand's edge values."""
        lo, hi = self.box[prefix.shape[1]]
        t = pieces.low[:, None] + pieces.width[:, None] * (NODES + 1) / 2
        unit, weight = pieces.positions(t)
        points = np.concatenate(
            [
                np.repeat(prefix[pieces.owner], len(NODES), axis=0),
                (lo + (hi - lo) * unit).reshape(-1, 1),
            ],
            axis=1,
        )
        # noise of the inner averages must stay below what the outer error estimate resolves
        f, inner = self.level(points, tolerance / 4)
        shape = (len(t), len(NODES), len(tolerance))
        value, error, edges = gauss_kronrod(f.reshape(shape), weight)
        if inner.any():
            error += np.einsum("n,pn,pnc->pc", KRONROD, weight, inner.reshape(shape))
        width = pieces.width[:, None]
        return width * value, width * error, edges

    def _ends(self, prefix: NDArray, tolerance: NDArray) -> NDArray:
        """Values just inside both ends of the axis, (problems, 2, columns)."""
        lo, hi = self.box[prefix.shape[1]]
        nudge = 1e-12 * (hi - lo)
        points = np.concatenate(
            [np.repeat(prefix, 2, axis=0), np.tile([[lo + nudge], [hi - nudge]], (len(prefix), 1))],
            axis=1,
        )
        return self.level(points, tolerance / 10)[0].reshape(len(prefix), 2, -1)

    # --- where to cut ---

    def _first_pieces(self, prefix: NDArray) -> "_Pieces":
        """The stretches between cuts, or two halves of the axis where none are known."""
        count = len(prefix)
        if self.label is None:
            owner, cut = np.arange(count), np.full(count, 0.5)
        else:
            owner, cut = self._cuts(prefix)
        every = np.arange(count)
        start_owner = np.concatenate([every, owner])
        start = np.concatenate([np.zeros(count), cut])
        order = np.lexsort((start, start_owner))
        start_owner, start = start_owner[order], start[order]
        stop = np.append(start[1:], 1.0)
        stop[np.append(start_owner[1:] != start_owner[:-1], True)] = 1.0
        kept = stop - start > 1e-14
        start_owner, start, stop = start_owner[kept], start[kept], stop[kept]
        return _Pieces(
            owner=start_owner,
            start=start,
            length=stop - start,
            low=np.zeros(len(start)),
            width=np.ones(len(start)),
            smooth=self.label is not None,
        )

    def _cuts(self, prefix: NDArray) -> tuple[NDArray, NDArray]:
        """Places (owner, fraction of the axis) where the label jumps, to rounding."""
        grid = _label_grid()
        signs = self._signature_on_axis(prefix, np.tile(grid, (len(prefix), 1)))
        owner, index = np.nonzero(signs[:, 1:] != signs[:, :-1])
        low, high, left = grid[index], grid[index + 1], signs[owner, index]
        for _ in range(50 if len(owner) else 0):
            middle = (low + high) / 2
            same = self._signature_on_axis(prefix[owner], middle[:, None])[:, 0] == left
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        return owner, (low + high) / 2

    def _signature_on_axis(self, prefix: NDArray, unit: NDArray) -> NDArray:
        """Signatures (P, m) of points at fractions `unit` (P, m) of the next axis."""
        lo, hi = self.box[prefix.shape[1]]
        points = np.concatenate(
            [np.repeat(prefix, unit.shape[1], axis=0), (lo + (hi - lo) * unit).reshape(-1, 1)],
            axis=1,
        )
        return self._signature(points).reshape(unit.shape)

    def _signature(self, prefix: NDArray) -> NDArray:
        """The label, or a hash of the sequence of signatures along the next axis."""
        if prefix.shape[1] == len(self.box):
            assert self.label is not None  # cuts are looked for where there is a label
            return np.asarray(self.label(prefix)).astype(np.uint64)
        grid = _label_grid()
        chunk = max(1, 200_000 // len(grid))
        result = np.empty(len(prefix), np.uint64)
        for first in range(0, len(prefix), chunk):
            part = prefix[first : first + chunk]
            along = self._signature_on_axis(part, np.tile(grid, (len(part), 1)))
            code = along[:, 0].copy()
            for here, before in zip(along.T[1:], along.T[:-1], strict=True):
                code = np.where(here != before, code * np.uint64(1000003) + here, code)
            result[first : first + chunk] = code
        return result


def _label_grid() -> NDArray:
    # both ends and, towards them, finer steps: small pockets sit at symmetric points
    return np.sin(np.linspace(0, np.pi / 2, 25)) ** 2


@dataclass(frozen=True)
class _Pieces:
    """Intervals of one axis, sorted by owner and position.

    A piece is low < t < low + width of the stretch start + length s(t), 0 < t < 1, of an axis
    measured from 0 to 1; s = sin^2(pi t/2) where stretches end at square roots, else s = t.
    """

    owner: NDArray
    start: NDArray
    length: NDArray
    low: NDArray
    width: NDArray
    smooth: bool

    def positions(self, t: NDArray) -> tuple[NDArray, NDArray]:
        """Fractions of the axis and their Jacobians for t (pieces, nodes)."""
        start, length = self.start[:, None], self.length[:, None]
        if not self.smooth:
            return start + length * t, np.broadcast_to(length, t.shape)
        near = np.where(t < 0.5, t, 1 - t)
        step = length * np.sin(np.pi / 2 * near) ** 2
        position = np.where(t < 0.5, start + step, start + length - step)
        return position, length * np.pi / 2 * np.sin(np.pi * near)

    def halves(self, chosen: NDArray) -> "_Pieces":
        """Both halves of the chosen pieces."""
        owner, start, length, low, width = (
            np.repeat(a[chosen], 2)
            for a in (self.owner, self.start, self.length, self.low, self.width / 2)
        )
        low[1::2] += width[1::2]
        return _Pieces(owner, start, length, low, width, self.smooth)

    def merged(self, kept: NDArray, new: "_Pieces") -> tuple["_Pieces", NDArray]:
        """Kept and new pieces, sorted, and the order that sorts them.

        Neighbours then stand together, and sums do not depend on the order of refinement.
        """
        owner, start, length, low, width = (
            np.concatenate([getattr(self, name)[kept], getattr(new, name)])
            for name in ("owner", "start", "length", "low", "width")
        )
        order = np.lexsort((low, start, owner))
        pieces = _Pieces(
            owner[order], start[order], length[order], low[order], width[order], self.smooth
        )
        return pieces, order


def _unseen_steps(pieces: _Pieces, edges: NDArray, ends: NDArray | None) -> NDArray:
    """Error of a step between the outermost node and the edge of a piece: no rule sees it.

    The polynomials of two neighbouring pieces must agree at the edge that they share, and with
    the function at the ends of the axis (`ends`); what they differ by, times the gap, is what
    such a step could contribute.
    """
    owner = pieces.owner
    inside = owner[1:] == owner[:-1]
    if pieces.smooth:  # steps are expected where stretches meet
        inside &= pieces.start[1:] == pieces.start[:-1]
    inside = inside[:, None]
    left, right = edges[:, 0], edges[:, 1]
    if ends is None:
        jump_left, jump_right = np.zeros_like(left), np.zeros_like(right)
    else:
        # edges hold the Jacobian, the length of a stretch, already
        length = pieces.length[:, None]
        jump_left = np.abs(left - length * ends[owner, 0])
        jump_right = np.abs(right - length * ends[owner, 1])
    jump = np.abs(left[1:] - right[:-1])
    jump_left[1:] = np.where(inside, jump, jump_left[1:])
    jump_right[:-1] = np.where(inside, jump, jump_right[:-1])
    return GAP * pieces.width[:, None] * (jump_left + jump_right)
