"""Demagnetisation factors of an ellipsoid and of a rectangular prism, from their sizes.

The uniformly magnetised body has the mean field H_d = -M_s N m with tr N = 1.  Ellipsoid: with
Carlson's integral R_D,  N_x = (abc/3) R_D(b^2, c^2, a^2)  for semi-axes a, b, c, which is
Osborn's result (J. A. Osborn, Phys. Rev. 67, 351 (1945)) in a symmetric form.  Prism: A. Aharoni,
J. Appl. Phys. 83, 3432 (1998), the volume average.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import elliprd

__all__ = ["ellipsoid_factors", "prism_factors"]


def _check(sizes: tuple[float, ...]) -> NDArray:
    s = np.asarray(sizes, float)
    if s.shape != (3,) or not np.all(np.isfinite(s)) or np.any(s <= 0):
        raise ValueError(f"sizes: {sizes!r} are not three positive lengths.")
    return s


def ellipsoid_factors(sizes: tuple[float, float, float]) -> NDArray:
    """(N_x, N_y, N_z) of an ellipsoid with axes of lengths `sizes` (any one unit).

    A flat ellipse of an element is often replaced by the ellipsoid with the same three sizes.

    Examples
    --------
    >>> ellipsoid_factors((1, 1, 1)).round(12)
    array([0.33333333, 0.33333333, 0.33333333])
    """
    a, b, c = _check(sizes) / np.max(sizes)
    squares = a * a, b * b, c * c
    factor = a * b * c / 3
    return factor * np.array(
        [
            elliprd(squares[1], squares[2], squares[0]),
            elliprd(squares[2], squares[0], squares[1]),
            elliprd(squares[0], squares[1], squares[2]),
        ]
    )


def _prism_z(a: float, b: float, c: float) -> float:
    """N_z of a prism with full sizes 2a, 2b, 2c (Aharoni's equation, a rearrangement)."""
    ab, bc, ac = np.hypot(a, b), np.hypot(b, c), np.hypot(a, c)
    abc = np.sqrt(a * a + b * b + c * c)
    terms = (
        (b * b - c * c) / (2 * b * c) * np.log((abc - a) / (abc + a))
        + (a * a - c * c) / (2 * a * c) * np.log((abc - b) / (abc + b))
        + b / (2 * c) * np.log((ab + a) / (ab - a))
        + a / (2 * c) * np.log((ab + b) / (ab - b))
        + c / (2 * a) * np.log((bc - b) / (bc + b))
        + c / (2 * b) * np.log((ac - a) / (ac + a))
        + 2 * np.arctan(a * b / (c * abc))
        + (a**3 + b**3 - 2 * c**3) / (3 * a * b * c)
        + (a * a + b * b - 2 * c * c) / (3 * a * b * c) * abc
        + c / (a * b) * (ac + bc)
        - (ab**3 + bc**3 + ac**3) / (3 * a * b * c)
    )
    return float(terms / np.pi)


def prism_factors(sizes: tuple[float, float, float]) -> NDArray:
    """(N_x, N_y, N_z) of a rectangular prism with edges `sizes`; accurate up to aspect ~ 1e3.

    Examples
    --------
    >>> prism_factors((5, 5, 5)).round(9)
    array([0.33333333, 0.33333333, 0.33333333])
    """
    x, y, z = _check(sizes) / np.max(sizes)
    return np.array([_prism_z(y, z, x), _prism_z(z, x, y), _prism_z(x, y, z)])
