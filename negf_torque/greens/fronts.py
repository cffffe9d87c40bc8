"""Elements of G and of its derivative on a general graph, without inverting the whole matrix.

Nested dissection eliminates groups P of rows; what remains on the border B of a group is a
dense front,

    F = [F_PP F_PB; F_BP F_BB],    U = F_BB - L F_PB,    L = F_BP F_PP^{-1},  R = F_PP^{-1} F_PB,

and U is added to the front of the next group.  Backwards, from Z = G restricted to B,

    Z_BP = -Z_BB L,   Z_PB = -R Z_BB,   Z_PP = F_PP^{-1} + R Z_BB L,

gives the elements of G where the matrix has elements (K. Takahashi et al., 1973).  The derivative
with respect to a change dM of the matrix follows from the derivative of each line: dG = -G dM G
at a small multiple of the cost of G, n^{3/2} operations on a planar graph of n rows instead of n^3.
Rows are not exchanged between groups.  A group that has a level of its own near the energy, before
it is joined with the rest, would cost digits; `regular_fronts` joins such groups with the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from negf_torque.greens.dissection import Dissection, dissect, merged

__all__ = ["FrontPlan", "front_memory", "plan_fronts", "regular_fronts", "selected_green"]

#: A pivot whose inverse exceeds that of the matrix' largest element by this factor is joined with
#: the next: dG loses the square of it.
_LARGEST_PIVOT = 300.0


@dataclass(frozen=True)
class _Front:
    """One group: its rows and border, and where its numbers come from and go to."""

    rows: NDArray  # (p,) rows of the matrix, eliminated here
    size: int  # p + b
    entries: NDArray  # which elements of the matrix
    places: NDArray  # where in the front, flattened
    parent: int
    into_parent: NDArray  # positions of the border in the parent's front
    wanted: NDArray  # which of the wanted elements of G lie in this front
    wanted_places: NDArray


@dataclass(frozen=True)
class FrontPlan:
    """The order of elimination of a matrix with a given pattern.

    Attributes
    ----------
    row, column : (elements,) int
        The elements of M that `selected_green` is given, no place twice.
    wanted : int
        Number of elements of G that it returns.
    fronts : tuple
    """

    row: NDArray
    column: NDArray
    wanted: int
    fronts: tuple[_Front, ...]


def plan_fronts(
    row: NDArray,
    column: NDArray,
    owner: NDArray,
    wanted_row: NDArray,
    wanted_column: NDArray,
    largest: int = 40,
) -> FrontPlan:
    """Plan the elimination of a matrix with elements at (row, column).

    Parameters
    ----------
    row, column : (elements,) int
        No place twice; every row has its diagonal element.
    owner : (n,) int
        Vertex (site) of every row; rows of one vertex stay together.
    wanted_row, wanted_column : (w,) int
        Elements of G to return; each between two rows that M or one vertex connects.
    largest : int
        See `dissect`.
    """
    graph = _vertex_graph(row, column, owner)
    order = dissect(graph, np.bincount(owner), largest)
    return _plan(row, column, owner, wanted_row, wanted_column, order)


def regular_fronts(
    row: NDArray,
    column: NDArray,
    owner: NDArray,
    wanted_row: NDArray,
    wanted_column: NDArray,
    values: NDArray,
    largest: int = 40,
) -> FrontPlan:
    """A plan whose pivots are all regular for given values (elements,) of the matrix.

    Parameters as in `plan_fronts`; `values` those of the energy nearest to the real axis.
    """
    graph = _vertex_graph(row, column, owner)
    order = dissect(graph, np.bincount(owner), largest)
    scale = np.abs(values).max()
    while True:
        plan = _plan(row, column, owner, wanted_row, wanted_column, order)
        bad = _pivot_sizes(plan, values) * scale > _LARGEST_PIVOT
        if not np.any(bad & (order.parent >= 0)):
            return plan
        order = merged(order, graph, bad)


def _vertex_graph(row: NDArray, column: NDArray, owner: NDArray) -> csr_array:
    vertices = int(owner.max()) + 1
    near, far = owner[row], owner[column]
    pairs = (np.concatenate([near, far]), np.concatenate([far, near]))
    return csr_array((np.ones(len(pairs[0]), bool), pairs), shape=(vertices, vertices))


def _plan(row, column, owner, wanted_row, wanted_column, order: Dissection) -> FrontPlan:
    vertices = int(owner.max()) + 1
    sorted_rows = np.argsort(owner, kind="stable")
    start = np.searchsorted(owner[sorted_rows], np.arange(vertices + 1))

    def rows_of(group: NDArray) -> NDArray:
        return np.concatenate(
            [sorted_rows[start[v] : start[v + 1]] for v in group] or [np.zeros(0, int)]
        )

    group_of = np.empty(len(owner), int)
    for number, group in enumerate(order.groups):
        group_of[rows_of(group)] = number
    here = _by_group(np.minimum(group_of[row], group_of[column]), len(order.groups))
    there = _by_group(
        np.minimum(group_of[wanted_row], group_of[wanted_column]), len(order.groups)
    )
    fronts = []
    position = np.full(len(owner), -1)
    contents = [(rows_of(g), rows_of(b)) for g, b in zip(order.groups, order.borders, strict=True)]
    for number, (rows, border) in enumerate(contents):
        whole = np.concatenate([rows, border])
        position[whole] = np.arange(len(whole))
        own, asked = here[number], there[number]
        into = np.zeros(0, int)
        parent = int(order.parent[number])
        fronts.append(
            _Front(
                rows=rows,
                size=len(whole),
                entries=own,
                places=position[row[own]] * len(whole) + position[column[own]],
                parent=parent,
                into_parent=into if parent < 0 else _positions(border, contents[parent]),
                wanted=asked,
                wanted_places=position[wanted_row[asked]] * len(whole)
                + position[wanted_column[asked]],
            )
        )
    return FrontPlan(row, column, len(wanted_row), tuple(fronts))


def _by_group(number: NDArray, count: int) -> list[NDArray]:
    order = np.argsort(number, kind="stable")
    return np.split(order, np.searchsorted(number[order], np.arange(1, count)))


def _positions(border: NDArray, content: tuple[NDArray, NDArray]) -> NDArray:
    whole = np.concatenate(content)
    order = np.argsort(whole)
    return order[np.searchsorted(whole[order], border)]


def front_memory(plan: FrontPlan, changes: int) -> int:
    """Bytes that one energy takes while `changes` derivatives are computed."""
    return 16 * (1 + changes) * sum(3 * front.size**2 for front in plan.fronts)


def selected_green(
    plan: FrontPlan, values: NDArray, changes: Sequence[NDArray] = ()
) -> tuple[NDArray, list[NDArray]]:
    """Wanted elements of G = M^{-1} and of dG = -G dM G.

    Parameters
    ----------
    plan : FrontPlan
    values : (B, elements)
        Elements of M, for a batch of energies.
    changes : sequence of (B, elements)
        Elements of dM, one array for each derivative.

    Returns
    -------
    green : (B, wanted)
    derivatives : list of (B, wanted)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> m = np.diag(rng.normal(size=6) + 1j) + np.eye(6, k=1) + np.eye(6, k=-1)
    >>> row, column = np.nonzero(m)
    >>> plan = plan_fronts(row, column, np.arange(6), np.arange(6), np.arange(6), largest=2)
    >>> green, _ = selected_green(plan, m[row, column][None])
    >>> bool(np.allclose(green[0], np.diag(np.linalg.inv(m))))
    True
    """
    batch, count = len(values), len(changes)
    stacked = [values, *changes]
    kept = _forward(plan, stacked)
    green = np.empty((batch, plan.wanted), complex)
    derivatives = [np.empty((batch, plan.wanted), complex) for _ in range(count)]
    inverse: list = [None] * len(plan.fronts)
    children = np.bincount([f.parent for f in plan.fronts if f.parent >= 0],
                           minlength=len(plan.fronts))
    for number in range(len(plan.fronts) - 1, -1, -1):
        front = plan.fronts[number]
        border: list = [None] * len(stacked)
        if front.parent >= 0:
            i, j = np.ix_(front.into_parent, front.into_parent)
            border = [z[:, i, j] for z in inverse[front.parent]]
            children[front.parent] -= 1
            if not children[front.parent]:
                inverse[front.parent] = None
        whole = _back(kept[number], border)
        kept[number] = None
        if children[number]:
            inverse[number] = whole
        for target, z in zip([green, *derivatives], whole, strict=True):
            target[:, front.wanted] = z.reshape(batch, -1)[:, front.wanted_places]
    return green, derivatives


def _forward(plan: FrontPlan, stacked: list[NDArray]) -> list:
    """Eliminate all groups; what the way back needs of each."""
    batch = len(stacked[0])
    waiting: list = [None] * len(plan.fronts)
    kept: list = [None] * len(plan.fronts)
    for number, front in enumerate(plan.fronts):
        parts = waiting[number]
        if parts is None:
            parts = [np.zeros((batch, front.size, front.size), complex) for _ in stacked]
        for part, source in zip(parts, stacked, strict=True):
            part.reshape(batch, -1)[:, front.places] += source[:, front.entries]
        kept[number], updates = _eliminate(parts, len(front.rows))
        waiting[number] = None
        if front.parent >= 0:
            _hand_over(updates, front, plan.fronts[front.parent], waiting)
    return kept


def _pivot_sizes(plan: FrontPlan, values: NDArray) -> NDArray:
    """Largest element of the inverse of every pivot block."""
    try:
        kept = _forward(plan, [values[None]])
    except np.linalg.LinAlgError:  # exactly singular: a rounding error away from it
        kept = _forward(plan, [values[None] * (1 + 1e-14j)])
    return np.array([np.abs(parts[0][0]).max() for parts in kept])


def _eliminate(parts: list[NDArray], p: int) -> tuple[list[tuple], list[NDArray]]:
    """inverse, L, R and their derivatives; what is left on the border, likewise."""
    front = parts[0]
    inverse = np.linalg.inv(front[:, :p, :p])
    if front.shape[1] == p:
        return [(inverse, None, None)] + [
            (-inverse @ d @ inverse, None, None) for d in parts[1:]
        ], []
    right = inverse @ front[:, :p, p:]
    left = front[:, p:, :p] @ inverse
    result: list[tuple] = [(inverse, left, right)]
    updates = [front[:, p:, p:] - left @ front[:, :p, p:]]
    for d in parts[1:]:
        pp, pb, bp, bb = d[:, :p, :p], d[:, :p, p:], d[:, p:, :p], d[:, p:, p:]
        d_right = inverse @ (pb - pp @ right)
        d_left = (bp - left @ pp) @ inverse
        result.append((-inverse @ pp @ inverse, d_left, d_right))
        updates.append(bb - left @ pb - (bp - left @ pp) @ right)
    return result, updates


def _hand_over(updates: list[NDArray], front: _Front, parent: _Front, waiting: list) -> None:
    if waiting[front.parent] is None:
        shape = (len(updates[0]), parent.size, parent.size)
        waiting[front.parent] = [np.zeros(shape, complex) for _ in updates]
    i, j = np.ix_(front.into_parent, front.into_parent)
    for target, update in zip(waiting[front.parent], updates, strict=True):
        target[:, i, j] += update


def _back(kept: list[tuple], border: list) -> list[NDArray]:
    """G and dG on the rows and the border of a front."""
    inverse, left, right = kept[0]
    if left is None:
        return [pp for pp, _, _ in kept]
    z = border[0]
    z_bp, z_pb = -z @ left, -right @ z
    result = [_joined(inverse - right @ z_bp, z_pb, z_bp, z)]
    for (d_inverse, d_left, d_right), d in zip(kept[1:], border[1:], strict=True):
        d_bp = -d @ left - z @ d_left
        d_pb = -d_right @ z - right @ d
        d_pp = d_inverse - d_right @ z_bp - right @ d_bp
        result.append(_joined(d_pp, d_pb, d_bp, d))
    return result


def _joined(pp: NDArray, pb: NDArray, bp: NDArray, bb: NDArray) -> NDArray:
    p = pp.shape[1]
    whole = np.empty((len(pp), p + bb.shape[1], p + bb.shape[1]), complex)
    whole[:, :p, :p], whole[:, :p, p:], whole[:, p:, :p], whole[:, p:, p:] = pp, pb, bp, bb
    return whole
