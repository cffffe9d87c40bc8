"""Averages over -f': Gauss quadrature for the logistic density.

Every response linear in f is, at temperature T, the average of its zero-temperature value over
energies with weight -f'.  The polynomials orthogonal under 1/(4 cosh^2(x/2)) have the
three-term recurrence p_(n+1) = x p_n - b_n p_(n-1), b_n = pi^2 n^4/(4 n^2 - 1) (continuous Hahn
polynomials), so the rule with n nodes is exact for polynomials of degree 2n - 1.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["antiderivative_matrix", "thermal_error", "thermal_nodes"]


def thermal_nodes(nodes: int) -> tuple[NDArray, NDArray]:
    """Nodes x and weights w with sum w p(x) = int p(x)/(4 cosh^2(x/2)) dx, E = mu + T x.

    Examples
    --------
    >>> x, w = thermal_nodes(8)
    >>> bool(np.isclose(w @ x**2, np.pi**2 / 3)), bool(np.isclose(w @ x**4, 7 * np.pi**4 / 15))
    (True, True)
    """
    x, vectors = _jacobi(nodes)
    return x, vectors[0] ** 2


def _jacobi(nodes: int) -> tuple[NDArray, NDArray]:
    """Nodes, and the orthonormal polynomials at them times the root of the weight (order, node)."""
    index = np.arange(1, nodes, dtype=float)
    off = np.pi * index**2 / np.sqrt(4 * index**2 - 1)
    return np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))


def thermal_error(values: NDArray) -> float:
    """Estimated error of the average of values (node, ...): the rule is exact to twice the
    degree, so the square of the last two coefficients relative to the largest.

    Examples
    --------
    >>> x, _ = thermal_nodes(8)
    >>> thermal_error(1 + 0.1 * x) < 1e-14 < thermal_error(np.cos(2 * x))
    True
    """
    _, vectors = _jacobi(len(values))
    flat = np.asarray(values).reshape(len(values), -1)
    coefficients = np.abs((vectors * vectors[0]) @ flat)
    largest = coefficients.max(initial=0.0)
    tail = coefficients[-2:].max(initial=0.0)
    return float(tail * max(tail / largest, 1e-15)) if largest > 0 else 0.0


def antiderivative_matrix(x: NDArray) -> NDArray:
    """D with int_0^x_i p = sum_j D_ij p(x_j) for every polynomial p of degree < len(x).

    Examples
    --------
    >>> x, _ = thermal_nodes(5)
    >>> bool(np.allclose(antiderivative_matrix(x) @ x**3, x**4 / 4))
    True
    """
    scale = np.abs(x).max() or 1.0
    t = x / scale
    count = len(x)
    values = np.polynomial.chebyshev.chebvander(t, count - 1)
    integrals = np.stack(
        [
            np.polynomial.chebyshev.chebval(t, np.polynomial.chebyshev.chebint(unit, lbnd=0))
            for unit in np.eye(count)
        ],
        axis=1,
    )
    return scale * integrals @ np.linalg.inv(values)
