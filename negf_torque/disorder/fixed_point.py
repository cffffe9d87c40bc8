"""A fixed point x = F(x) by guarded Anderson mixing.

The plain iteration is kept wherever the accelerated step is not acceptable to the caller (an
acausal self-energy) or has raised the residual: acceleration must not find another root.
Anderson, J. ACM 12, 547 (1965).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FixedPoint", "find_fixed_point"]


@dataclass(frozen=True)
class FixedPoint:
    """Where the iteration has ended.

    Attributes
    ----------
    value : (n,)
    residuals : (iterations,)
        max |F(x) - x| over max |F(x)|, step by step.
    converged : bool
    """

    value: NDArray
    residuals: NDArray
    converged: bool


def find_fixed_point(
    step: Callable[[NDArray], NDArray],
    start: NDArray,
    acceptable: Callable[[NDArray], bool],
    tolerance: float = 1e-13,
    most: int = 400,
    depth: int = 6,
) -> FixedPoint:
    """Iterate to max |F(x) - x| < tolerance max |F(x)|.

    Parameters
    ----------
    step : callable
        F.
    start : (n,) complex
    acceptable : callable
        Whether a value may be used; results of F itself always are.
    depth : int
        Steps that the acceleration remembers.

    Notes
    -----
    Where rounding stops the residual between `tolerance` and 1e3 times it, the value counts as
    converged.
    """
    x = start
    values: list[NDArray] = []
    images: list[NDArray] = []
    residuals: list[float] = []
    accelerated, stuck = False, 0
    while len(residuals) < most:
        image = step(x)
        size = np.abs(image).max(initial=0.0) or 1.0
        before = min(residuals, default=np.inf)
        residuals.append(float(np.abs(image - x).max(initial=0.0) / size))
        best = min(residuals)
        if residuals[-1] <= tolerance:
            return FixedPoint(image, np.array(residuals), True)
        stuck = stuck + 1 if residuals[-1] > 0.9 * before else 0
        if best < 1e3 * tolerance and stuck >= 8:
            return FixedPoint(image, np.array(residuals), True)
        if accelerated and residuals[-1] > 2 * residuals[-2]:
            values, images, accelerated = [], [], False
            x = image
            continue
        values, images = [*values, x][-depth:], [*images, image][-depth:]
        candidate = _mixed(values, images)
        if candidate is not None and acceptable(candidate):
            x, accelerated = candidate, True
        else:
            x, accelerated = image, False
    return FixedPoint(x, np.array(residuals), False)


def _mixed(values: list[NDArray], images: list[NDArray]) -> NDArray | None:
    """Combination of the images whose residuals cancel best."""
    if len(values) < 2:
        return None
    residual = [f - x for f, x in zip(images, values, strict=True)]
    change = np.stack([r - residual[-1] for r in residual[:-1]], axis=1)
    weights, *_ = np.linalg.lstsq(change, -residual[-1], rcond=1e-12)
    shift = np.stack([f - images[-1] for f in images[:-1]], axis=1)
    mixed = images[-1] + shift @ weights
    return mixed if np.all(np.isfinite(mixed)) else None
