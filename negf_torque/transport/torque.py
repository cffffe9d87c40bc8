"""Torque on the moments of a magnet, from the spin of the scattering states.

    T_i = B_i x <O_i>,     B = Delta m,

is the rate at which the exchange field of site i takes up spin (units of hbar/2).  In linear
response torque per voltage = N e/(4 pi) with the number N, the torkance, given by the spectral
functions of the leads.  Three windows exist: the left reservoir raised (A_L), the right one
raised (A_R), and half of each, (A_L - A_R)/2.  Their out-of-plane parts differ: how the bias is
divided matters to a torque as long as the equilibrium part's response to the potential is left
out.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import SiteTable
from negf_torque.spin import torque_frame

__all__ = [
    "BIASES",
    "bias_windows",
    "exchange_torque",
    "exchange_torque_error",
    "frame_components",
    "sum_by_magnet",
]

#: Names of the three windows, in the order of `bias_windows`.
BIASES = ("left", "right", "symmetric")


def bias_windows(by_lead: NDArray) -> NDArray:
    """(2, ...) of the left and right lead -> (3, ...): left, right, symmetric window."""
    left, right = by_lead
    return np.stack([left, right, (left - right) / 2])


def exchange_torque(sites: SiteTable, exchange_density: NDArray) -> NDArray:
    """B_i x <O_i>.

    Parameters
    ----------
    sites : SiteTable
    exchange_density : (..., sites, 3)

    Returns
    -------
    (..., sites, 3)
        Torque on the moment of each site: spin that it takes up per unit of time.
    """
    return np.cross(sites.exchange, exchange_density)


def exchange_torque_error(sites: SiteTable, error: NDArray) -> NDArray:
    """Bound on the errors of `exchange_torque`, component by component, from those of <O_i>.

    Parameters
    ----------
    error : (..., sites, 3)
        What is sharp has none: a torque along the field has no error either.
    """
    size = np.abs(sites.exchange)
    b, c = [1, 2, 0], [2, 0, 1]
    return size[:, b] * error[..., c] + size[:, c] * error[..., b]


def sum_by_magnet(sites: SiteTable, per_site: NDArray, magnets: tuple[str, ...]) -> NDArray:
    """Sum (..., sites, 3) over the sites of each magnet: (..., magnets, 3)."""
    member = np.array([[name == magnet for name in sites.magnet] for magnet in magnets], float)
    return np.einsum("gi,...ic->...gc", member.reshape(len(magnets), len(sites.layer)), per_site)


def frame_components(
    torque: ArrayLike, m: ArrayLike, p: ArrayLike
) -> tuple[NDArray, NDArray, NDArray]:
    """In-plane (toward p), out-of-plane (m x p) and longitudinal part of a torque on m.

    Parameters
    ----------
    torque : (..., 3)
    m, p : (..., 3)
        Spin directions of the layer that feels the torque and of the one that polarises.

    Returns
    -------
    in_plane, out_of_plane, longitudinal : (...)
        The first two are not-a-number where m and p are collinear.
    """
    torque, m = np.asarray(torque), np.asarray(m, float)
    in_plane, out_of_plane = torque_frame(m, p)
    return (
        np.sum(torque * in_plane, axis=-1),
        np.sum(torque * out_of_plane, axis=-1),
        np.sum(torque * m, axis=-1),
    )
