"""Nested dissection and selected inversion against dense inverses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array

from negf_torque.greens.dissection import dissect
from negf_torque.greens.fronts import plan_fronts, regular_fronts, selected_green


def random_graph(seed, vertices, bonds):
    """Pattern of a random graph, perhaps of several parts, and rows of its vertices."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, vertices, (2, bonds))
    pattern = np.eye(vertices, dtype=bool)
    pattern[a, b] = pattern[b, a] = True
    return pattern, np.repeat(np.arange(vertices), rng.integers(1, 4, vertices))


@pytest.mark.parametrize(("seed", "vertices", "bonds"), [(0, 30, 33), (1, 40, 20), (2, 12, 60)])
def test_green_and_its_derivative_are_those_of_dense_inverses(seed, vertices, bonds):  # independent
    rng = np.random.default_rng(seed)
    pattern, owner = random_graph(seed, vertices, bonds)
    full = pattern[np.ix_(owner, owner)]
    row, column = np.nonzero(full)
    batch, size = 3, len(owner)

    def random():
        return rng.normal(size=(batch, len(row))) + 1j * rng.normal(size=(batch, len(row)))

    def whole(values):
        m = np.zeros((batch, size, size), complex)
        m[:, row, column] = values
        return m

    values, changes = random(), [random(), random()]
    values[:, row == column] += 12j
    plan = plan_fronts(row, column, owner, row, column, largest=6)
    green, derivatives = selected_green(plan, values, changes)
    inverse = np.linalg.inv(whole(values))
    assert_allclose(green, inverse[:, row, column], atol=1e-12)
    for change, derivative in zip(changes, derivatives, strict=True):
        expected = -inverse @ whole(change) @ inverse
        assert_allclose(derivative, expected[:, row, column], atol=1e-11)


def test_pivots_with_a_level_are_joined_with_the_next():  # independent
    """A ring of sites at an energy at which each site alone is singular."""
    size = 14
    matrix = np.zeros((size, size), complex)
    for a in range(size):
        matrix[a, (a + 1) % size] = matrix[(a + 1) % size, a] = 1.0
        matrix[a, a] = 1e-13 if a > 1 else 0.7j
    row, column = np.nonzero(matrix)
    values, owner = matrix[row, column], np.arange(size)
    plan = regular_fronts(row, column, owner, owner, owner, values, largest=1)
    green, _ = selected_green(plan, values[None])
    assert_allclose(green[0], np.diag(np.linalg.inv(matrix)), atol=1e-12)
    assert len(plan.fronts) < len(plan_fronts(row, column, owner, owner, owner, 1).fronts)


def test_separators_separate_and_stay_small():  # identity
    width, length = 7, 40
    index = np.arange(width * length).reshape(length, width)
    pairs = np.concatenate(
        [
            np.stack([index[1:].ravel(), index[:-1].ravel()]),
            np.stack([index[:, 1:].ravel(), index[:, :-1].ravel()]),
        ],
        axis=1,
    )
    ones = np.ones(pairs.shape[1])
    graph = csr_array((ones, pairs), shape=(index.size,) * 2)
    graph = csr_array(graph + graph.T)
    order = dissect(graph, np.ones(index.size), largest=30)
    assert sorted(np.concatenate(order.groups)) == list(range(index.size))
    assert max(map(len, order.groups)) <= 30 and max(map(len, order.borders)) <= 2 * width
    group_of = np.empty(index.size, int)
    for number, group in enumerate(order.groups):
        group_of[group] = number
    for a, b in pairs.T:  # neighbours lie in one group or one is in the other's border
        first, last = sorted([a, b], key=lambda v: group_of[v])
        number = group_of[first]
        assert number == group_of[last] or last in order.borders[number]
