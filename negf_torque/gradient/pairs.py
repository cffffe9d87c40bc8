"""Zone sums of products whose tensor indices live on different factors.

The response to a field in a texture has three indices (i, j, b) but is a sum of products
L R in which each factor carries only some of them.  Summing over k and the inner matrix index
at once is one large matrix product, so no array with all indices and all k is ever built.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PairSum"]


@dataclass
class PairSum:
    """sum_k sum_terms L R as a local matrix, and sum_k Tr A_a L R for observables A_a.

    Attributes
    ----------
    observables : (a, k or 1, n, n)
        A_a(k).
    target : str
        Index letters of the result, for instance "ijb".
    local : (..., n, n)
        The sum so far.
    traces : (a, ...)
        The traces so far; read them with `observed`.
    """

    observables: NDArray
    target: str
    local: Any = 0.0
    traces: Any = 0.0

    def add(self, left: str, x: NDArray, right: str, y: NDArray, factor: complex = 1.0) -> None:
        """Add factor * sum_k x y; `left`, `right` name the leading axes of x and y."""
        joined = np.tensordot(x, y, axes=((-3, -1), (-3, -2)))
        self.local = self.local + factor * np.einsum(
            f"{left}Y{right}Z->{self.target}YZ", joined, optimize=False
        )
        if self.observables.shape[1] == 1:
            return
        seen = self.observables.reshape(-1, *(1,) * len(left), *self.observables.shape[1:]) @ x
        axes = (tuple(range(-3, 0)), (-3, -1, -2))
        joined = np.tensordot(seen, y, axes=axes)
        self.traces = self.traces + factor * np.einsum(f"A{left}{right}->A{self.target}", joined)

    def observed(self) -> NDArray:
        """sum_k Tr A_a (...), shape (a, ...)."""
        if self.observables.shape[1] == 1:
            return np.einsum("aij,...ji->a...", self.observables[:, 0], self.local)
        return self.traces
