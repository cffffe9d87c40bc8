"""Torque across the thickness of the free layer: atomic layers to cells of a simulation.

The torque of a thin film sits near its interface.  Layer by layer the local efficiency is

    eta_l = n N_l/(T sin(theta)),    mean over the n layers = eta of the whole film,

so that a cell with the whole film's d in B = hbar J/(mu0 e M_s d) and its own epsilon = eta_l/2
feels the torque that transport found there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.llg.slonczewski import efficiency
from negf_torque.spin import torque_frame

__all__ = ["LayerNumbers", "layer_numbers", "project_layers", "rebin"]


@dataclass(frozen=True)
class LayerNumbers:
    """The form of the whole film with P and epsilon' of each layer (Lambda is common).

    Attributes
    ----------
    polarisation, epsilon_prime : (layers,)
        P of eta(theta) as in `SlonczewskiFit` (twice a solver's), and eta_perp/2; of any sign.
    deviation : float
        Largest |fit - table| over all layers and angles over the largest |table|, of both
        torques.
    """

    polarisation: NDArray
    epsilon_prime: NDArray
    deviation: float


def layer_numbers(
    angles: ArrayLike, eta: ArrayLike, eta_perp: ArrayLike, Lambda: float
) -> LayerNumbers:
    """Least squares of each layer's torque, weighted as the fits of the whole film are.

    The means over the layers are then the whole film's P and epsilon'.

    Parameters
    ----------
    angles : (angles,)
    eta, eta_perp : (layers, angles)
        Local efficiencies.
    Lambda : float
        Of the whole film.
    """
    angles, eta, eta_perp = (np.asarray(x, float) for x in (angles, eta, eta_perp))
    form = efficiency(np.cos(angles), 1.0, Lambda)
    weight = np.sin(angles) ** 2
    if not weight.sum() > 0:
        weight = np.ones_like(angles)
    p = (eta * form).sum(axis=1) / (form**2).sum()
    prime = (eta_perp * weight).sum(axis=1) / weight.sum() / 2
    largest = max(np.abs(eta).max(), np.abs(eta_perp).max())
    miss = max(np.abs(p[:, None] * form - eta).max(), np.abs(2 * prime[:, None] - eta_perp).max())
    return LayerNumbers(p, prime, float(miss / largest) if largest else 0.0)


def rebin(values: ArrayLike, cells: int) -> NDArray:
    """Means over `cells` equal parts of a film of equally thick layers, first axis.

    The mean over the film is kept exactly.

    Examples
    --------
    >>> rebin([3.0, 0.0, 0.0], 2)
    array([2., 0.])
    """
    values = np.asarray(values, float)
    n = len(values)
    edges, own = np.linspace(0, n, cells + 1), np.arange(n)
    upper = np.minimum.outer(edges[1:], own + 1.0)
    lower = np.maximum.outer(edges[:-1], own.astype(float))
    overlap = np.clip(upper - lower, 0, None) * cells / n
    return np.tensordot(overlap, values, axes=1)


def project_layers(
    torkance: ArrayLike, free: ArrayLike, fixed: ArrayLike
) -> tuple[NDArray, NDArray]:
    """In-plane and out-of-plane parts of each layer's torkance, both (layers, angles).

    Parameters
    ----------
    torkance : (angles, layers, 3)
        Of the free magnet's layers, spin frame.
    free, fixed : (angles, 3)
        Majority-spin directions of the two magnets; not-a-number where they are collinear.

    Examples
    --------
    >>> in_plane, out = project_layers([[[0, 0, 2.0], [0, 1.0, 0]]], [[1, 0, 0]], [[0, 0, 1]])
    >>> in_plane.ravel(), out.ravel()
    (array([2., 0.]), array([ 0., -1.]))
    """
    torkance = np.asarray(torkance, float)
    axes = torque_frame(free, fixed)
    return tuple(np.einsum("alx,ax->la", torkance, axis) for axis in axes)
