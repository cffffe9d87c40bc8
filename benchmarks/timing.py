"""Times that compare: processor time, best of several, beside the speed of matrix products."""

import resource
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

__all__ = ["best", "memory", "product_seconds", "recursion_flops"]


def best(
    run: Callable[[], Any], repeats: int = 3, most: float = 60.0
) -> tuple[Any, float]:
    """Result and shortest processor time of up to `repeats` runs, ended after `most` seconds.

    Processor time is what other users of the machine disturb least; with one thread it is the time
    by the clock of a machine at rest.
    """
    shortest, spent = np.inf, 0.0
    for _ in range(repeats):
        start = time.process_time()
        result = run()
        taken = time.process_time() - start
        shortest, spent = min(shortest, taken), spent + taken
        if spent > most:
            break
    return result, max(shortest, 1e-9)


def memory() -> float:
    """Largest memory of this process so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


@cache
def _rate(n: int) -> float:
    """Real operations per second of products of complex n x n matrices (zgemm)."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    out = np.empty_like(a)
    count = max(1, int(2e8 / (8 * n**3)))

    def multiply() -> None:
        for _ in range(count):
            np.matmul(a, a, out=out)

    return 8.0 * n**3 * count / best(multiply, 5, 2.0)[1]


def product_seconds(flops: float, n: int) -> float:
    """Seconds of matrix products with so many operations, on blocks of n rows.

    The speed is measured here and now; that of blocks below 32 rows, which a library's call
    dominates, is taken as that of 32.
    """
    return flops / _rate(min(max(n, 32), 1024))


def recursion_flops(layers: int, rows: int, channels: float) -> float:
    """Operations of a recursion through layers: an inverse each, and the states of two leads.

    The inverse counts as one product (8 n^3), the states of m channels of each of two leads as
    three products with n x m (24 n^2 m).

    >>> recursion_flops(1, 10, 0)
    8000
    """
    return layers * (8 * rows**3 + 24 * rows**2 * channels)
