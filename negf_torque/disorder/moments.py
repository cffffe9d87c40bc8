"""Directions of quenched moments: distributions on the sphere, their quadrature and their samples.

A distribution of unit vectors n with second moments Q_ab = <n_a n_b> (positive, trace 1, eigen-
values q_1 <= q_2 <= q_3 along e_1, e_2, e_3) is taken as the mixture

    3 q_1            n uniform on the sphere,
    2 (q_2 - q_1)    n uniform on the circle normal to e_1,
    q_3 - q_2        n = +e_3 or -e_3,

which has just these moments, vectors of fixed length and no odd moments; isotropic, easy-plane
and Ising moments are its corners.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["direction_quadrature", "draw_directions", "second_moments", "sphere_quadrature"]


def second_moments(tensor: ArrayLike) -> NDArray:
    """Check a tensor <S_a S_b> of moments, (3, 3).

    Raises
    ------
    ValueError
        If it is not real and symmetric, or not positive.
    """
    given = np.asarray(tensor, float)
    if given.shape != (3, 3) or not np.all(np.isfinite(given)):
        raise ValueError(f"moments: {tensor!r} is not a 3 x 3 tensor <S_a S_b>.")
    if not np.allclose(given, given.T, atol=1e-12 * max(1.0, np.abs(given).max())):
        raise ValueError(f"moments: the tensor {given.tolist()} is not symmetric.")
    values = np.linalg.eigvalsh(given)
    if values[0] < -1e-12 * max(1.0, values[-1]) or values[-1] <= 0:
        raise ValueError(
            f"moments: the tensor {given.tolist()} is not positive, its eigenvalues are "
            f"{values.tolist()}. <S_a S_b> of real moments has none below zero."
        )
    return (given + given.T) / 2


def sphere_quadrature(order: int) -> tuple[NDArray, NDArray]:
    """Product rule on the sphere, exact for polynomials of degree 2 order - 1.

    Returns
    -------
    directions : (2 order^2, 3)
    weights : (2 order^2,)
        Their sum is 1.

    Examples
    --------
    >>> n, w = sphere_quadrature(4)
    >>> bool(np.allclose(np.einsum("p,pa,pb->ab", w, n, n), np.eye(3) / 3, atol=1e-15))
    True
    """
    cosine, weight = np.polynomial.legendre.leggauss(order)
    turn = np.pi * (np.arange(2 * order) + 0.5) / order
    sine = np.sqrt(1 - cosine**2)
    directions = np.stack(
        [
            np.outer(sine, np.cos(turn)),
            np.outer(sine, np.sin(turn)),
            np.outer(cosine, np.ones(len(turn))),
        ],
        axis=-1,
    )
    return directions.reshape(-1, 3), np.repeat(weight / 2, 2 * order) / (2 * order)


def direction_quadrature(tensor: ArrayLike, order: int = 8) -> tuple[NDArray, NDArray]:
    """Directions and weights of the mixture with second moments tensor/trace.

    Returns
    -------
    directions : (points, 3)
        Unit vectors.
    weights : (points,)
        Positive, with sum 1.
    """
    shares, axes = _mixture(tensor)
    parts = []
    if shares[0] > 0:
        directions, weights = sphere_quadrature(order)
        parts.append((directions @ axes.T, shares[0] * weights))
    if shares[1] > 0:
        turn = np.pi * (np.arange(2 * order) + 0.5) / order
        circle = np.outer(np.cos(turn), axes[:, 1]) + np.outer(np.sin(turn), axes[:, 2])
        parts.append((circle, np.full(len(turn), shares[1] / len(turn))))
    if shares[2] > 0:
        parts.append((np.stack([axes[:, 2], -axes[:, 2]]), np.full(2, shares[2] / 2)))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def draw_directions(tensor: ArrayLike, uniform: NDArray) -> NDArray:
    """Directions (..., 3) of the same mixture, from independent uniform numbers (..., 3)."""
    shares, axes = _mixture(tensor)
    which, first, second = np.moveaxis(np.asarray(uniform, float), -1, 0)
    turn = 2 * np.pi * second
    cosine = np.where(which < shares[0], 2 * first - 1, 0.0)
    sine = np.sqrt(1 - cosine**2)
    # the polar axis is e_1, so that cosine zero is the easy plane
    spread = np.stack([cosine, sine * np.cos(turn), sine * np.sin(turn)], axis=-1)
    ising = np.zeros(spread.shape)
    ising[..., 2] = np.where(first < 0.5, 1.0, -1.0)
    chosen = np.where((which >= shares[0] + shares[1])[..., None], ising, spread)
    return chosen @ axes.T


def _mixture(tensor: ArrayLike) -> tuple[NDArray, NDArray]:
    """Shares of sphere, circle and axis; eigenvectors as columns, ascending."""
    checked = second_moments(tensor)
    values, axes = np.linalg.eigh(checked / np.trace(checked))
    values = np.clip(values, 0, None)
    shares = np.array([3 * values[0], 2 * (values[1] - values[0]), values[2] - values[1]])
    shares[shares < 1e-12] = 0
    return shares / shares.sum(), axes
