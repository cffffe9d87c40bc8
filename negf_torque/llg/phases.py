"""Dynamical phase diagram of a pillar: which states a drive and a field allow.

For every point of the map the layer starts near P and near AP (and, when asked, from a state
that precesses out of plane) and is followed without temperature; what it ends in is named

    P, AP   static within 60 deg of +-p   S    static elsewhere
    IP      precession that crosses the film plane (PS1 of Ralph and Stiles' Fig. 9)
    OOP     precession on one side of the plane (PS2)

Two different ends: both states are possible there ("P/AP": bistable).  Boundaries are refined by
bisection of all edges of the grid at once.  J. Z. Sun, Phys. Rev. B 62, 570 (2000); Ya. B.
Bazaliy, B. A. Jones, S.-C. Zhang, Phys. Rev. B 69, 094421 (2004).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.llg.macrospin import Macrospin
from negf_torque.spin import unit_vector

__all__ = ["LABELS", "PhaseMap", "end_states", "phase_map"]

#: Names of the end states, index = code.
LABELS: tuple[str, ...] = ("P", "AP", "S", "IP", "OOP")

#: Cosine to the axis from which a static state counts as P or AP.
NEAR = 0.5


@dataclass(frozen=True)
class PhaseMap:
    """Phases on a grid and refined boundary points.

    Attributes
    ----------
    drive, field : (drives,), (fields,)
        Axes; field in A/m.
    codes : (starts, drives, fields) int
        End state from each start, index into `LABELS`.
    boundary : (points, 2)
        (drive, field) where an end state changes along a grid line of constant field.
    boundary_error : float
        Half width in drive of the last bisection.
    """

    drive: NDArray
    field: NDArray
    codes: NDArray
    boundary: NDArray
    boundary_error: float

    def names(self) -> NDArray:
        """(drives, fields) of str: the set of end states, e.g. "P/AP"."""
        out = np.empty(self.codes.shape[1:], object)
        for index in np.ndindex(out.shape):
            out[index] = "/".join(LABELS[c] for c in sorted(set(self.codes[(slice(None), *index)])))
        return out


def end_states(
    model: Macrospin,
    start: ArrayLike,
    drive: ArrayLike,
    fields: ArrayLike,
    axis: NDArray,
    normal: NDArray,
    duration: float,
    step: float,
) -> NDArray:
    """Codes of the end states, (runs,), of runs with (runs,) drives and (runs, 3) fields h0."""
    from negf_torque.llg.batch import integrate

    stride = max(1, int(round(duration / step / 2000)))
    ensemble = integrate(
        model, start, duration, step, drive=1.0, drive_scale=drive, field=fields, stride=stride
    )
    late = ensemble.m[:, ensemble.time > 0.75 * duration]
    along, across = late @ axis, late @ normal
    moving = np.ptp(late, axis=1).max(axis=1) > 0.02
    codes = np.full(len(late), LABELS.index("S"))
    mean = along.mean(axis=1)
    codes[~moving & (mean > NEAR)] = LABELS.index("P")
    codes[~moving & (mean < -NEAR)] = LABELS.index("AP")
    one_side = np.abs(np.sign(across).sum(axis=1)) == across.shape[1]
    codes[moving] = np.where(one_side[moving], LABELS.index("OOP"), LABELS.index("IP"))
    return codes


def phase_map(
    model: Macrospin,
    drive: ArrayLike,
    field: ArrayLike,
    *,
    axis: ArrayLike = (1, 0, 0),
    field_axis: ArrayLike | None = None,
    normal: ArrayLike = (0, 0, 1),
    duration: float = 20.0,
    step: float = 2e-3,
    refinements: int = 6,
    tilt: float = 0.03,
) -> PhaseMap:
    """Phases over a drive and a field, from starts near +axis and -axis.

    Parameters
    ----------
    drive, field : (drives,), (fields,)
        Ascending; A/m for the field, added to the model's own.
    axis, field_axis, normal : (3,)
        Of the states P and AP; of the field (default `axis`); of the film.
    duration, step : float
        ns of each run; the last quarter decides.  Slow motion near a boundary (critical slowing
        down) moves it by about 1/duration.
    refinements : int
        Bisections of each boundary crossing (each halves its error).
    tilt : float
        Angle of the start from the axis, radians.
    """
    drive, field = np.asarray(drive, float), np.asarray(field, float)
    if np.any(np.diff(drive) <= 0) or np.any(np.diff(field) <= 0):
        raise ValueError("drive, field: give ascending values.")
    axis, normal = unit_vector(axis, "axis"), unit_vector(normal, "normal")
    along = axis if field_axis is None else unit_vector(field_axis, "field_axis")
    side = np.cross(normal, axis)
    starts = [unit_vector(s * axis + tilt * side + 0.3 * tilt * normal) for s in (1, -1)]

    def run(s, j, h):
        fields = model.field + np.asarray(h)[:, None] * along
        return end_states(model, starts[s], np.asarray(j), fields, axis, normal, duration, step)

    grid_j, grid_h = (g.ravel() for g in np.meshgrid(drive, field, indexing="ij"))
    codes = np.array([run(s, grid_j, grid_h) for s in (0, 1)])
    codes = codes.reshape(2, len(drive), len(field))
    points, width = [], np.diff(drive).max() if len(drive) > 1 else 0.0
    for s in (0, 1):
        k, line = np.nonzero(codes[s, 1:] != codes[s, :-1])
        if not len(k):
            continue
        # A third phase may lie between the two: find where the one ends and the other begins.
        for side_of_edge in (0, 1):
            low, high = drive[k].copy(), drive[k + 1].copy()
            known = codes[s, k + side_of_edge, line]
            for _ in range(refinements):
                middle = 0.5 * (low + high)
                same = run(s, middle, field[line]) == known
                lower = same if side_of_edge == 0 else ~same
                low, high = np.where(lower, middle, low), np.where(lower, high, middle)
            points.append(np.stack([0.5 * (low + high), field[line]], axis=1))
    boundary = np.unique(np.concatenate(points), axis=0) if points else np.empty((0, 2))
    return PhaseMap(drive, field, codes, boundary, float(width / 2 ** (refinements + 1)))
