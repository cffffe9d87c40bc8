"""Nested dissection of a graph: an order of elimination in which little fills in.

A set of vertices is cut by a small separator into parts that do not touch; the separator is
eliminated last, the parts first and each in the same way.  Separators are levels of a
breadth-first search from the graph's rim.  A. George, SIAM J. Numer. Anal. 10, 345 (1973).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

__all__ = ["Dissection", "dissect", "merged"]


@dataclass(frozen=True)
class Dissection:
    """Groups of vertices in the order of elimination.

    Attributes
    ----------
    groups : tuple of (k,) int
        Vertices that are eliminated together.
    borders : tuple of (b,) int
        Later vertices that each elimination couples, in the order of elimination.
    parent : (groups,) int
        The group that takes up what the elimination leaves on its border, always a later one;
        -1 if the border is empty.
    """

    groups: tuple[NDArray, ...]
    borders: tuple[NDArray, ...]
    parent: NDArray


def dissect(graph: csr_array, weight: NDArray, largest: int = 40) -> Dissection:
    """Dissect a graph.

    Parameters
    ----------
    graph : (n, n) sparse
        Symmetric pattern of the neighbours.
    weight : (n,)
        Rows of the matrix that each vertex stands for.
    largest : int
        Total weight below which a part is not cut further.

    Examples
    --------
    A path of seven vertices: the middle one goes last.

    >>> path = csr_array(np.eye(7, k=1) + np.eye(7, k=-1))
    >>> order = dissect(path, np.ones(7), largest=3)
    >>> [group.tolist() for group in order.groups]
    [[0, 1, 2], [4, 5, 6], [3]]
    """
    graph = csr_array(graph)
    groups: list[NDArray] = []
    for part in _components(graph, np.arange(graph.shape[0])):
        _cut(graph, np.asarray(weight), part, largest, groups)
    return _with_borders(graph, groups)


def merged(order: Dissection, graph: csr_array, chosen: NDArray) -> Dissection:
    """The same with some groups (a mask) eliminated together with the group that follows."""
    groups = list(order.groups)
    for number in np.flatnonzero(chosen & (order.parent >= 0)):
        target = order.parent[number]
        groups[target] = np.concatenate([groups[number], groups[target]])
        groups[number] = groups[number][:0]
    return _with_borders(csr_array(graph), [group for group in groups if len(group)])


def _components(graph: csr_array, vertices: NDArray) -> list[NDArray]:
    count, label = connected_components(graph[vertices][:, vertices], directed=False)
    return [vertices[label == c] for c in range(count)]


def _cut(graph, weight, vertices, largest, groups) -> None:
    """Append the groups of a connected set of vertices."""
    if weight[vertices].sum() <= largest or len(vertices) < 3:
        groups.append(vertices)
        return
    inside = graph[vertices][:, vertices]
    level = _levels(inside)
    depth = int(level.max())
    if depth < 2:  # everybody is everybody's neighbour, or nearly so
        groups.append(vertices)
        return
    by_level = np.bincount(level, weight[vertices])
    below = np.cumsum(by_level) - by_level
    share = (below + by_level / 2) / by_level.sum()
    balanced = np.abs(share - 0.5)
    middle = np.flatnonzero((balanced < 0.2) | (balanced == balanced[1:-1].min()))
    middle = middle[(middle > 0) & (middle < depth)]
    best = middle[np.argmin(by_level[middle] * (1 + balanced[middle]))]
    for part in _components(graph, vertices[level != best]):
        _cut(graph, weight, part, largest, groups)
    groups.append(vertices[level == best])


def _levels(graph: csr_array) -> NDArray:
    """Distance of all vertices from one at the rim."""
    start = 0
    for _ in range(2):
        level = dijkstra(graph, directed=False, indices=start, unweighted=True)
        start = int(np.argmax(level))
    return dijkstra(graph, directed=False, indices=start, unweighted=True).astype(int)


def _with_borders(graph: csr_array, groups: list[NDArray]) -> Dissection:
    group_of = np.empty(graph.shape[0], int)
    place = np.empty(graph.shape[0], int)
    place[np.concatenate(groups)] = np.arange(graph.shape[0])
    for number, group in enumerate(groups):
        group_of[group] = number
    borders: list[NDArray] = []
    parent = np.full(len(groups), -1)
    received: list[list[NDArray]] = [[] for _ in groups]
    for number, group in enumerate(groups):
        near = graph[group].indices
        reached = np.unique(np.concatenate([near, *received[number]]))
        border = reached[group_of[reached] > number]
        border = border[np.argsort(place[border])]
        borders.append(border)
        received[number] = []
        if len(border):
            parent[number] = group_of[border[0]]
            received[parent[number]].append(border)
    return Dissection(tuple(groups), tuple(borders), parent)
