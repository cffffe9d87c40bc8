"""Zone averages of retarded functions at complex momenta.

A retarded Green's function is analytic in the momenta as long as no state crosses the energy.  If
all bands of a device move down from the real axis when its momenta do,

    k_a -> k_a - i kappa_a sin k_a,        Im eps(k) <= 0,

Cauchy's theorem leaves the average over the zone as it is (the integrand is periodic and nothing is
crossed on the way), but poles and the square roots at band edges recede from the path.  A uniform
mesh then converges exponentially at every energy, also on the real axis, with a rate that only
points of zero velocity limit, where sin k_a = 0 for every a.

For nearest neighbours on a square net, eps = 2 c (cos k_y + cos k_z), this holds with kappa_a of
the sign of -c: Im eps = 2 c sum_a sin k_a sinh(kappa_a sin k_a).  It is used where the dispersion
within each layer is a number for all its orbitals and spins, and where it could be checked; spin-
orbit coupling between neighbours of one layer leaves the momenta real.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain

__all__ = ["complex_momenta", "momentum_shift"]

#: kappa: small ones leave singularities near, large ones make the integrand vary more.
_AMPLITUDE = 0.7
#: Mesh on which the bands are checked, and the stages of the way there.
_CHECK_MESH, _STAGES = 32, (0.25, 0.5, 0.75, 1.0)
_ROUNDING = 1e-12


def momentum_shift(chain: LayerChain) -> NDArray | None:
    """kappa (d,) of a device, or None if its momenta have to stay real.

    Examples
    --------
    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> momentum_shift(layer_chain(build_stack([Layer(2)]))).tolist()
    [0.7, 0.7]
    """
    d = chain.dimension
    numbers = _dispersion(chain) if d else None
    if numbers is None:
        return None
    axes = [_index(chain, axis) for axis in np.eye(d, dtype=int)]
    total = np.array([0.0 if at is None else numbers[:, at].sum().real for at in axes])
    shift = -_AMPLITUDE * np.sign(total)
    if not shift.any():
        return None
    axis = 2 * np.pi * (np.arange(_CHECK_MESH) + 0.5) / _CHECK_MESH
    k = np.stack([a.ravel() for a in np.meshgrid(*[axis] * d, indexing="ij")], axis=1)
    for stage in _STAGES:
        bands = numbers @ chain.phases(complex_momenta(k, stage * shift)[0])
        if bands.imag.max() > _ROUNDING * np.abs(numbers).max():
            return None
    return shift


def complex_momenta(k: NDArray, shift: NDArray) -> tuple[NDArray, NDArray]:
    """Momenta (B, d) moved off the real axis, and the weight (B,) that comes with them."""
    moved = k - 1j * shift * np.sin(k)
    return moved, np.prod(1 - 1j * shift * np.cos(k), axis=1)


def _index(chain: LayerChain, displacement: NDArray) -> int | None:
    found = np.flatnonzero((chain.displacements == displacement).all(axis=1))
    return int(found[0]) if len(found) else None


def _dispersion(chain: LayerChain) -> NDArray | None:
    """Hoppings within each layer (layers, R), zero on site; None if they are not numbers."""
    away = chain.displacements.any(axis=1)
    for between in (*chain.coupling, chain.left.hopping, chain.right.hopping):
        if np.abs(between[away]).max(initial=0.0) > 0:
            return None
    rows = []
    for block in _layers(chain):
        size = block.shape[-1]
        number = np.where(away, np.einsum("rii->r", block) / size, 0)
        rest = block - number[:, None, None] * np.eye(size)
        if np.abs(rest[away]).max(initial=0.0) > _ROUNDING * (np.abs(number).max() or 1.0):
            return None
        rows.append(number)
    return np.array(rows)


def _layers(chain: LayerChain) -> Iterator[NDArray]:
    yield from chain.onsite
    yield from (lead.onsite for lead in (chain.left, chain.right))
