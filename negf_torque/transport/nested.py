"""Integrals of smooth vectors by rules whose points the next finer rule shares."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens.quadrature import Average

__all__ = ["nested_integral"]

#: 2^level - 1 points of the first and of the finest rule.
_FIRST_LEVEL, _LAST_LEVEL = 4, 9


def nested_integral(
    at: Callable[[NDArray], NDArray], tolerance: float, scale: float = 0.0
) -> Average:
    """Integral over -1 < x < 1, points doubled until it stands still.

    Parameters
    ----------
    at : callable
        Points (B,) -> values (B, m), real.
    tolerance : float
        Relative to the largest number of the integral, or to `scale` if larger.
    scale : float

    Returns
    -------
    Average
        With the error that geometric convergence leaves, column by column; marked if the finest
        rule has not reached the tolerance.

    Examples
    --------
    >>> found = nested_integral(lambda x: np.stack([1 / (1.2 - x), x], axis=1), 1e-12)
    >>> bool(abs(found.value - [np.log(11), 0]).max() < 1e-11)
    True
    """
    known: dict[int, NDArray] = {}
    value: NDArray = np.zeros(0)
    error: NDArray = np.full(1, np.inf)
    before: NDArray | None = None
    for level in range(_FIRST_LEVEL, _LAST_LEVEL + 1):
        nodes, weights = _fejer(2**level)
        # numbered on the finest level, so that the points of all levels are the same
        places = np.arange(1, 2**level) * 2 ** (_LAST_LEVEL - level)
        new = [i for i, place in enumerate(places) if place not in known]
        known |= dict(zip(places[new].tolist(), at(nodes[new]), strict=True))
        previous = value
        value = weights @ np.array([known[place] for place in places.tolist()])
        if level > _FIRST_LEVEL:
            change = np.abs(value - previous)
            # geometric convergence: the next change is smaller by this one's ratio to the last
            largest = 0.0 if before is None else before.max()
            ratio = min(1.0, change.max() / largest) if largest else 1.0
            error, before = ratio * change, change
            if error.max() <= tolerance * max(np.abs(value).max(), scale):
                return Average(value, error, len(known), True)
    return Average(value, error, len(known), False)


def _fejer(count: int) -> tuple[NDArray, NDArray]:
    """Fejer's second rule: cos(pi n/count), 0 < n < count, whose points the next level shares."""
    angle = np.pi * np.arange(1, count) / count
    odd = np.arange(1, count, 2)
    weights = 4 / count * np.sin(angle) * (np.sin(np.outer(angle, odd)) @ (1 / odd))
    return np.cos(angle), weights
