"""Torque on a magnetic texture along a wire: its adiabatic and its non-adiabatic part.

Where electrons follow the moments, the spin current is I_s m and what it loses from one place to
the next is the torque -I_s dm/dx.  What they do not follow adds a part across it.  Along a wire

    T(x) = -(A dm/dx + B m x dm/dx),        beta = B/A,

with T the torque on the moments per length, m the majority-spin direction and x along the flow
of the electrons at V > 0.  A and B are torkances, e/(4 pi): in the adiabatic limit A is the spin
current I_s.  For the direction of the magnetisation, n = -m, this is

    dn/dt = -(u d/dx) n + beta n x (u d/dx) n,      u = P j mu_B/(e M_s),   P = A/G,

G the conductance in e^2/h (Tatara and Kohno, PRL 92, 086601 (2004); Ralph and Stiles, J. Magn.
Magn. Mater. 320, 1190 (2008), section 5; Zhang and Li, PRL 93, 127204 (2004) for beta).

The derivative is a central difference on the sphere: neighbours are seen from m as tangent
vectors whose length is the angle, which is exact for a uniform spiral.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.notices import PhysicsWarning
from negf_torque.spin import unit_vector

__all__ = [
    "TextureGeometry",
    "TextureProjection",
    "end_directions",
    "project",
    "tangent",
    "texture_geometry",
]

#: Places that turn less than this fraction of the fastest have no coefficients of their own.
_SLOWEST = 1e-4


@dataclass(frozen=True)
class TextureGeometry:
    """Moments along a wire, cut into slices of equal coordinate.

    Attributes
    ----------
    axis : (d,)
        Unit vector from the left to the right lead.
    moment : (sites, 3)
        m; zero where there is none.
    gradient : (sites, 3)
        dm/dx per unit of length of the builder; zero where a site has no magnetic neighbour
        along the axis, not-a-number where a neighbour is antiparallel.
    slice : (sites,) int
        Slice of each magnetic site, -1 for others.
    coordinate : (slices,)
        Position along the axis.
    spacing : (slices,)
        Length of wire that each slice stands for.
    """

    axis: NDArray
    moment: NDArray
    gradient: NDArray
    slice: NDArray
    coordinate: NDArray
    spacing: NDArray

    @property
    def slices(self) -> int:
        """Number of slices with moments."""
        return len(self.coordinate)

    def total(self, per_site: ArrayLike) -> NDArray:
        """Sum over the sites of each slice: (..., sites, n) -> (..., slices, n)."""
        values = np.asarray(per_site)
        inside = self.slice >= 0
        result = np.zeros((*values.shape[:-2], self.slices, values.shape[-1]))
        place: Any = (..., self.slice[inside], slice(None))
        np.add.at(result, place, np.nan_to_num(values[..., inside, :]))
        return result

    @property
    def members(self) -> NDArray:
        """(slices,): magnetic sites of each slice."""
        return np.bincount(self.slice[self.slice >= 0], minlength=self.slices)

    @property
    def speed(self) -> NDArray:
        """(slices,): mean |dm/dx|^2 over a slice."""
        return self.total(self.gradient**2).sum(axis=-1) / self.members

    @property
    def mean_moment(self) -> NDArray:
        """(slices, 3): mean direction, as a unit vector (zero where it cancels)."""
        mean = self.total(self.moment)
        size = np.linalg.norm(mean, axis=1, keepdims=True)
        return np.divide(mean, size, out=np.zeros_like(mean), where=size > 1e-12)


def tangent(m: ArrayLike, neighbour: ArrayLike) -> NDArray:
    """Tangent vector at m that points to a neighbour and is as long as the angle between them.

    Parameters
    ----------
    m, neighbour : (..., 3)
        Unit vectors.

    Returns
    -------
    (..., 3)
        Not-a-number for antiparallel vectors.

    Examples
    --------
    >>> tangent([0, 0, 1], [1, 0, 0])
    array([1.57079633, 0.        , 0.        ])
    """
    m, neighbour = np.asarray(m, float), np.asarray(neighbour, float)
    along = np.sum(m * neighbour, axis=-1, keepdims=True)
    across = neighbour - along * m
    sine = np.linalg.norm(across, axis=-1, keepdims=True)
    angle = np.arctan2(sine, along)
    with np.errstate(invalid="ignore", divide="ignore"):
        # angle/sine -> 1 for parallel vectors
        ratio = np.where(sine > 1e-8, angle / sine, np.where(along > 0, 1.0, np.nan))
    return ratio * across


def texture_geometry(chain: LayerChain) -> TextureGeometry:
    """Moments of a device, their derivative along it, and its slices.

    The axis goes from the mean position of the left lead's cell to that of the right one; sites
    that differ only along it are neighbours.  Magnetic leads continue the texture.

    Raises
    ------
    ValueError
        If there is no moment, or both leads are at the same place.

    Warns
    -----
    PhysicsWarning
        If neighbouring moments are antiparallel: no continuous texture.
    """
    table = chain.sites
    if not np.any(table.exchange):
        raise ValueError("chain: no site has an exchange field; there is no texture.")
    tables = (chain.left.sites, table, chain.right.sites)
    position = np.concatenate([t.position for t in tables])
    exchange = np.concatenate([t.exchange for t in tables])
    size = np.linalg.norm(exchange, axis=1)
    moment = np.divide(
        exchange, size[:, None], out=np.zeros_like(exchange), where=size[:, None] > 0
    )
    axis = tables[2].position.mean(axis=0) - tables[0].position.mean(axis=0)
    if np.linalg.norm(axis) < 1e-9:
        raise ValueError("chain: both leads are at the same place; the wire has no axis.")
    axis = axis / np.linalg.norm(axis)
    x = position @ axis
    gradient = _gradients(position - x[:, None] * axis, x, moment)
    own = slice(len(tables[0].layer), len(tables[0].layer) + len(table.layer))
    if not np.all(np.isfinite(gradient[own])):
        warnings.warn(
            "texture: neighbouring moments are antiparallel, so that the direction in which they "
            "turn is undefined; such sites are left out of the projections.",
            PhysicsWarning,
            stacklevel=2,
        )
    edges, index = np.unique(np.round(x, 6), return_inverse=True)
    spacing = np.gradient(edges) if len(edges) > 1 else np.ones(1)
    magnetic = np.any(moment[own], axis=1)
    used, numbered = np.unique(index[own][magnetic], return_inverse=True)
    slices = np.full(len(table.layer), -1)
    slices[magnetic] = numbered
    return TextureGeometry(axis, moment[own], gradient[own], slices, edges[used], spacing[used])


def _gradients(across: NDArray, x: NDArray, moment: NDArray) -> NDArray:
    """dm/dx of every site from its magnetic neighbours in the same column."""
    _, column = np.unique(np.round(across, 6), axis=0, return_inverse=True)
    gradient = np.zeros_like(moment)
    for number in range(column.max() + 1):
        members = np.flatnonzero(column == number)
        members = members[np.argsort(x[members], kind="stable")]
        m, here = moment[members], x[members]
        pair = np.any(m[1:], axis=1) & np.any(m[:-1], axis=1) & (np.diff(here) > 1e-9)
        step = np.diff(here)
        ahead, behind = tangent(m[:-1], m[1:]), tangent(m[1:], m[:-1])
        for n in range(len(members)):
            right = n < len(members) - 1 and pair[n]
            left = n > 0 and pair[n - 1]
            if right and left:  # second order on unequal steps
                a, b = step[n - 1], step[n]
                value = (a**2 * ahead[n] - b**2 * behind[n - 1]) / (a * b * (a + b))
            elif right:
                value = ahead[n] / step[n]
            elif left:
                value = -behind[n - 1] / step[n - 1]
            else:
                continue
            gradient[members[n]] = value
    return gradient


@dataclass(frozen=True)
class TextureProjection:
    """A and B of the equation above, from the torques on a texture's sites.

    The leading axes are those of the torque.

    Attributes
    ----------
    site_adiabatic, site_nonadiabatic : (..., sites)
        Share of each site in A and B; not-a-number where the texture does not turn.
    adiabatic, nonadiabatic : (..., slices)
        A and B, slice by slice, for the whole cross-section.
    integrated_adiabatic, integrated_nonadiabatic : (...)
        The A and B that fit all slices best: -sum T.dm/dx and -sum T.(m x dm/dx), divided by the
        integral of |dm/dx|^2.  These weights are those of the rigid texture in Thiele's equation.
    residual : (...)
        Norm over the slices of what they leave of the torques, relative to the torques: 0 for a
        local torque with constant coefficients, towards 1 where the spins do not follow.
    """

    site_adiabatic: NDArray
    site_nonadiabatic: NDArray
    adiabatic: NDArray
    nonadiabatic: NDArray
    integrated_adiabatic: NDArray
    integrated_nonadiabatic: NDArray
    residual: NDArray

    @property
    def beta(self) -> NDArray:
        """(..., slices): B/A, not-a-number where A vanishes."""
        return _ratio(self.nonadiabatic, self.adiabatic)

    @property
    def site_beta(self) -> NDArray:
        """(..., sites)."""
        return _ratio(self.site_nonadiabatic, self.site_adiabatic)

    @property
    def integrated_beta(self) -> NDArray:
        """(...): B/A of the whole texture."""
        return _ratio(self.integrated_nonadiabatic, self.integrated_adiabatic)


def _ratio(above: NDArray, below: NDArray) -> NDArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.abs(below) > 1e-14, above / below, np.nan)


def project(geometry: TextureGeometry, torque: ArrayLike) -> TextureProjection:
    """Adiabatic and non-adiabatic part of the torques on a texture.

    Parameters
    ----------
    geometry : TextureGeometry
    torque : (..., sites, 3)
        On the moments, e/(4 pi) per volt.

    Returns
    -------
    TextureProjection
        Not-a-number throughout for a uniform magnet.
    """
    torque = np.asarray(torque, float)
    forward = np.nan_to_num(geometry.gradient)
    across = np.cross(geometry.moment, forward)
    parts = -np.stack(
        [np.sum(torque * forward, axis=-1), np.sum(torque * across, axis=-1)], axis=-1
    )
    inside = geometry.slice >= 0
    speed, members = geometry.speed, geometry.members
    length = np.ones(len(inside))
    length[inside] = geometry.spacing[geometry.slice[inside]]
    own = np.sum(forward**2, axis=-1)
    fastest = own.max(initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        turning = own > _SLOWEST**2 * fastest
        per_site = np.where(turning[:, None], parts / (own * length)[:, None], np.nan)
        in_slice = geometry.total(parts) / (speed * geometry.spacing)[:, None]
        in_slice = np.where((speed > _SLOWEST**2 * fastest)[:, None], in_slice, np.nan)
        weight = np.sum(speed * geometry.spacing)
        whole = geometry.total(parts).sum(axis=-2) / weight
    share = np.zeros(len(inside))
    share[inside] = (geometry.spacing / members)[geometry.slice[inside]]
    fitted = -share[:, None] * (
        whole[..., None, None, 0] * forward + whole[..., None, None, 1] * across
    )
    felt = geometry.total(torque)
    left_over = np.linalg.norm(felt - geometry.total(fitted), axis=(-2, -1))
    return TextureProjection(
        per_site[..., 0],
        per_site[..., 1],
        in_slice[..., 0],
        in_slice[..., 1],
        whole[..., 0],
        whole[..., 1],
        _ratio(left_over, np.linalg.norm(felt, axis=(-2, -1))),
    )


def end_directions(chain: LayerChain) -> tuple[NDArray, NDArray]:
    """Majority-spin directions (3,) at both ends: of the leads, or of the outermost moments."""
    magnetic = chain.sites.exchange[np.any(chain.sites.exchange, axis=1)]
    ends = []
    for lead, outermost in ((chain.left, 0), (chain.right, -1)):
        field = lead.sites.exchange.sum(axis=0)
        ends.append(unit_vector(field if np.any(field) else magnetic[outermost]))
    return ends[0], ends[1]
