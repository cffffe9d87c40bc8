"""Observables of a bulk magnet as lattice harmonics, for the response to a field.

Every observable here has the shape (a, harmonics, n, n) on the model's displacements that
`engine.field_response` takes: local ones (spin, exchange torque), the particle current
v_i = dH/dk_i, and the current (v_i A + A v_i)/2 of a local quantity A, such as a spin current.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.gradient.model import BulkModel
from negf_torque.spin import SIGMA

__all__ = ["current_of", "local_observables", "spin_observables", "velocity_observables"]


def local_observables(model: BulkModel, matrices: ArrayLike) -> NDArray:
    """k-independent observables from matrices (a, n, n) in the cell.

    Raises
    ------
    ValueError
        If no displacement of the model is zero.
    """
    matrices = np.asarray(matrices, complex)
    origin = np.flatnonzero(np.all(np.abs(model.displacements) < 1e-12, axis=1))
    if len(origin) == 0:
        raise ValueError("displacements: none is zero; a local observable sits there.")
    out = np.zeros((len(matrices), *model.hoppings.shape), complex)
    out[:, origin[0]] = matrices
    return out


def spin_observables(model: BulkModel) -> NDArray:
    """sigma_x, sigma_y, sigma_z of all orbitals (spin fastest), in hbar/2: (3, harmonics, n, n).

    Examples
    --------
    >>> from negf_torque.gradient.model import square_rashba
    >>> spin_observables(square_rashba(1, 0.5, 0.6, (0, 0, 1)))[2, 0].real
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    return local_observables(model, _spins(model))


def velocity_observables(model: BulkModel) -> NDArray:
    """v_i = dH/dk_i, (d, harmonics, n, n); the charge current is -e v."""
    return 1j * np.einsum("ri,rmn->irmn", model.displacements, model.hoppings)


def current_of(model: BulkModel, matrices: ArrayLike | None = None) -> NDArray:
    """(v_i A + A v_i)/2 for local A, (a, d, harmonics, n, n); A = sigma if none are given.

    Parameters
    ----------
    matrices : (a, n, n)
        Local quantities, all at one place or of sites that a hop carries unchanged.
    """
    a = _spins(model) if matrices is None else np.asarray(matrices, complex)
    v = velocity_observables(model)
    return 0.5 * (v[None] @ a[:, None, None] + a[:, None, None] @ v[None])


def _spins(model: BulkModel) -> NDArray:
    return np.stack([np.kron(np.eye(model.orbitals // 2), s) for s in SIGMA])
