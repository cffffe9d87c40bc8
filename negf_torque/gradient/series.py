"""Power series on the unit disc and their derivatives, cut where terms fall below rounding."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["power_series"]


@numba.njit(cache=True)
def power_series(w: NDArray, coefficients: NDArray) -> tuple[NDArray, NDArray]:
    """sum_n c_n w^n and sum_n n c_(n-1) w^(n-1) for complex w (points,), |w| <= 1."""
    value = np.empty_like(w)
    slope = np.empty_like(w)
    count = len(coefficients)
    for i in range(len(w)):
        x = w[i]
        decay = -np.log(abs(x) + 1e-300)
        terms = count
        if decay * count > 40.0:
            terms = min(count, 2 + int(40.0 / decay))
        total, change = 0j, 0j
        for n in range(terms - 1, -1, -1):
            total = total * x + coefficients[n]
            change = change * x + (n + 1) * coefficients[n]
        value[i] = total
        slope[i] = change
    return value, slope
