"""Pauli algebra, rotations, torque frames and magnetisation textures.

Directions are unit vectors of the majority electron spin.  All functions broadcast over
leading axes.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PAULI",
    "SIGMA",
    "direction",
    "domain_wall",
    "rotation_so3",
    "rotation_su2",
    "sampled_texture",
    "spiral",
    "spin_matrix",
    "torque_frame",
    "unit_vector",
]

Texture = Callable[[ArrayLike], NDArray]

#: (4, 2, 2): the unit matrix and the three Pauli matrices.
PAULI: NDArray = np.array(
    [
        [[1, 0], [0, 1]],
        [[0, 1], [1, 0]],
        [[0, -1j], [1j, 0]],
        [[1, 0], [0, -1]],
    ],
    dtype=complex,
)
#: (3, 2, 2): the three Pauli matrices.
SIGMA: NDArray = PAULI[1:]


def unit_vector(vector: ArrayLike, name: str = "direction") -> NDArray:
    """Normalise vectors of shape (..., 3).

    Raises
    ------
    ValueError
        If a vector is not finite, has not three components, or is zero.

    Examples
    --------
    >>> unit_vector([0, 3, 4])
    array([0. , 0.6, 0.8])
    """
    v = np.asarray(vector, float)
    if v.ndim == 0 or v.shape[-1] != 3:
        raise ValueError(f"{name}: {vector!r} is not a vector. Give three components x, y, z.")
    norm = np.linalg.norm(v, axis=-1, keepdims=True)
    if not np.all(np.isfinite(v)) or np.any(norm == 0):
        raise ValueError(f"{name}: {vector!r} has no direction. Give a finite, non-zero vector.")
    return v / norm


def direction(theta: ArrayLike, phi: ArrayLike = 0.0) -> NDArray:
    """Unit vector (..., 3) at polar angle `theta` from z and azimuth `phi` from x (radians)."""
    theta, phi = np.broadcast_arrays(np.asarray(theta, float), np.asarray(phi, float))
    sin = np.sin(theta)
    return np.stack([sin * np.cos(phi), sin * np.sin(phi), np.cos(theta)], axis=-1)


def spin_matrix(vector: ArrayLike) -> NDArray:
    """v . sigma, shape (..., 2, 2), for vectors of shape (..., 3)."""
    return np.einsum("...a,aij->...ij", np.asarray(vector), SIGMA)


def rotation_so3(axis: ArrayLike, angle: float) -> NDArray:
    """Rotation matrix (3, 3) about `axis` by `angle` (radians, right-handed)."""
    x, y, z = unit_vector(axis, "axis")
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def rotation_su2(axis: ArrayLike, angle: float) -> NDArray:
    """exp(-i angle axis.sigma / 2), shape (2, 2): U (v.sigma) U^+ = (R v).sigma.

    Examples
    --------
    >>> u, r = rotation_su2([1, 2, 3], 0.7), rotation_so3([1, 2, 3], 0.7)
    >>> v = np.array([0.3, -0.2, 0.9])
    >>> np.allclose(u @ spin_matrix(v) @ u.conj().T, spin_matrix(r @ v))
    True
    """
    return np.cos(angle / 2) * PAULI[0] - 1j * np.sin(angle / 2) * spin_matrix(
        unit_vector(axis, "axis")
    )


def torque_frame(m: ArrayLike, p: ArrayLike) -> tuple[NDArray, NDArray]:
    """In-plane axis m x (p x m)/|m x p| (toward p) and out-of-plane axis m x p/|m x p|.

    Parameters
    ----------
    m, p : (..., 3)
        Spin directions of the layer that feels the torque and of the layer that polarises.

    Returns
    -------
    in_plane, out_of_plane : (..., 3)
        Not-a-number where m and p are collinear: the frame is undefined there.

    Examples
    --------
    >>> torque_frame([0, 0, 1], [1, 0, 0])
    (array([1., 0., 0.]), array([0., 1., 0.]))
    """
    m, p = unit_vector(m, "m"), unit_vector(p, "p")
    normal = np.cross(m, p)
    size = np.linalg.norm(normal, axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        out_of_plane = np.where(size > 1e-12, normal / size, np.nan)
    return np.cross(out_of_plane, m), out_of_plane


def spiral(period: float, axis: ArrayLike = (0, 0, 1), start: ArrayLike = (1, 0, 0)) -> Texture:
    """Texture n -> direction that turns by 2 pi about `axis` over `period` layers."""
    a, s = unit_vector(axis, "axis"), unit_vector(start, "start")
    if not np.isfinite(period) or period == 0:
        raise ValueError(f"period: {period!r} is not a period. Give a non-zero number of layers.")
    along, perpendicular, third = a * (a @ s), s - a * (a @ s), np.cross(a, s)

    def texture(n: ArrayLike) -> NDArray:
        phase = (2 * np.pi / period * np.asarray(n, float))[..., None]
        return along + np.cos(phase) * perpendicular + np.sin(phase) * third

    return texture


def domain_wall(centre: float, width: float, kind: str = "bloch") -> Texture:
    """180-degree wall from +z to -z, theta = 2 atan exp((n - centre)/width).

    Parameters
    ----------
    centre, width : float
        In layers.  `width` is the wall parameter of the exponential (for "linear", the distance
        over which the angle goes from 0 to pi).
    kind : {"bloch", "neel", "linear"}
        Plane of rotation with x along the wire: Bloch y-z, Néel x-z; "linear" turns in the x-z
        plane with constant gradient.
    """
    if kind not in ("bloch", "neel", "linear"):
        raise ValueError(f"kind: {kind!r} is not a wall. Expected 'bloch', 'neel' or 'linear'.")
    if not (np.isfinite(width) and width > 0):
        raise ValueError(f"width: {width!r} is not a width. Give a positive number of layers.")

    def texture(n: ArrayLike) -> NDArray:
        x = (np.asarray(n, float) - centre) / width
        if kind == "linear":
            return direction(np.pi * np.clip(x + 0.5, 0, 1))
        # sin and cos of 2 atan(e^x) without overflow
        sin, cos = 1 / np.cosh(np.clip(x, -700, 700)), -np.tanh(x)
        zero = np.zeros_like(sin)
        return np.stack([zero, sin, cos] if kind == "bloch" else [sin, zero, cos], axis=-1)

    return texture


def sampled_texture(vectors: ArrayLike) -> Texture:
    """Texture given by one vector per layer, (layers, 3); each is checked to have length 1."""
    v = np.asarray(vectors, float)
    if v.ndim != 2 or v.shape[1] != 3:
        raise ValueError(f"vectors: shape {v.shape} is not (layers, 3).")
    norm = np.linalg.norm(v, axis=1)
    bad = np.flatnonzero(~(np.abs(norm - 1) < 1e-6))
    if bad.size:
        raise ValueError(
            f"vectors[{bad[0]}]: {v[bad[0]].tolist()} has length {norm[bad[0]]:g}. "
            "Give finite unit vectors."
        )

    def texture(n: ArrayLike) -> NDArray:
        index = np.asarray(n)
        if np.any((index < 0) | (index >= len(v))):
            raise ValueError(
                f"n: layer {index.max()} is outside the sampled texture of {len(v)} layers."
            )
        return v[index.astype(int)]

    return texture
