"""Reading the tensors of the gradient engine: damping, spin, torques, adiabaticity.

Only components across n are physical.  In the frame e_theta, e_phi (e_theta x e_phi = n) a
transverse tensor is a 2 x 2 matrix,

    T = a 1 + b eps + c tau_z + d tau_x,      eps_(theta phi) = 1,

whose first two parts exist in every magnet (a: damping, non-adiabatic torque; b: spin, adiabatic
torque) and whose last two are anisotropies that spin-orbit coupling, or impurity moments with
an axis of their own, bring.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import unit_vector

__all__ = [
    "electron_spin",
    "gilbert_damping",
    "spin_orbit_torques",
    "transverse_frame",
    "transverse_parts",
]


def transverse_frame(direction: ArrayLike, azimuth: float = 0.0) -> NDArray:
    """e_theta and e_phi, rows of a (2, 3) array; `azimuth` (radians) decides at the poles.

    Examples
    --------
    >>> transverse_frame((0, 0, 1))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    n = unit_vector(direction)
    sine = np.hypot(n[0], n[1])
    phi = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    if sine > 1e-12:
        phi = np.array([-n[1], n[0], 0.0]) / sine
    return np.stack([np.cross(phi, n), phi]) + 0.0  # no negative zeros


def transverse_parts(tensor: NDArray, direction: ArrayLike, azimuth: float = 0.0) -> NDArray:
    """(a, b, c, d) of a tensor (3, ..., 3) across n, shape (4, ...).

    Examples
    --------
    A tensor a + b eps about z:

    >>> tensor = np.array([[2.0, 3, 0], [-3, 2, 0], [0, 0, 9]])
    >>> transverse_parts(tensor, (0, 0, 1))
    array([2., 3., 0., 0.])
    """
    frame = transverse_frame(direction, azimuth)
    t = np.einsum("pa,a...b,qb->pq...", frame, tensor, frame)
    return 0.5 * np.stack(
        [t[0, 0] + t[1, 1], t[0, 1] - t[1, 0], t[0, 0] - t[1, 1], t[0, 1] + t[1, 0]]
    )


def electron_spin(damping: NDArray, direction: ArrayLike) -> float:
    """Spin of the electrons that moves with n, per cell and hbar: the antisymmetric part of G."""
    return float(transverse_parts(damping, direction)[1])


def gilbert_damping(
    damping: NDArray, direction: ArrayLike, local_spin: float = 0.0
) -> tuple[NDArray, NDArray]:
    """Principal values and axes of alpha_ab = G_ab (symmetric, across n) / S_tot.

    Parameters
    ----------
    damping : (3, 3)
        G_ab, hbar per cell.
    local_spin : float
        Spin of the localised moments, hbar per cell; S_tot adds that of the electrons.

    Returns
    -------
    values : (2,)
        Ascending.
    axes : (2, 3)
        Their directions in space.

    Raises
    ------
    ValueError
        If the total spin is not positive: alpha has no meaning then.
    """
    total = local_spin + electron_spin(damping, direction)
    if not total > 0:
        raise ValueError(
            f"local_spin: {local_spin!r} and the electrons' spin add up to {total:.3g}. "
            "Give the spin of the moments, so that the sum is positive."
        )
    frame = transverse_frame(direction)
    plane = frame @ damping @ frame.T
    values, vectors = np.linalg.eigh((plane + plane.T) / 2)
    return values / total, vectors.T @ frame


def spin_orbit_torques(
    torkance: NDArray, direction: ArrayLike, field: ArrayLike = (1, 0)
) -> tuple[float, float]:
    """Field-like and damping-like torque on the magnet per force F in the plane.

    T = -n x <O> = tau_FL n x y' + tau_DL n x (n x y'),   y' = z x F/|F|.

    Parameters
    ----------
    torkance : (3, d)
        chi_ai.
    field : (d,)
        Direction of F = -eE; components beyond x and y do not count.

    Returns
    -------
    tau_FL, tau_DL : float
        Energy per force and cell.  Not a number where n is along y'.
    """
    n = unit_vector(direction)
    force = np.asarray(field, float) / np.linalg.norm(field)
    across = np.cross((0, 0, 1), np.append(force[:2], 0.0))
    torque = -np.cross(n, torkance @ force)
    field_like = np.cross(n, across)
    size = field_like @ field_like
    if size < 1e-20:
        return float("nan"), float("nan")
    return float(torque @ field_like / size), float(torque @ np.cross(n, field_like) / size)
