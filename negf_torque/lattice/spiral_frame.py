"""A planar spiral in the frame that turns with it: uniform moments, hoppings that turn the spin.

With psi_l = R(theta_l) psi'_l, R(theta) = exp(-i theta S_a/2) and theta_l = q l,

    H'_{l+1,l} = R(q)^+ H_{l+1,l} = exp(i q S_a/2) H_{l+1,l},

while moments, on-site energies and all that is isotropic in spin stay as they are in a uniform
magnet.  The leads stay uniform: in the laboratory they continue the last moments.  An isotropic
distribution of impurity moments is the same in both frames, and the same draws serve all q.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.spin import unit_vector

__all__ = ["spiral_frame"]


def spiral_frame(
    chain: LayerChain, wave_number: float, axis: ArrayLike = (0.0, 0.0, 1.0)
) -> LayerChain:
    """The uniform magnet `chain`, wound up by `wave_number` radians per layer about `axis`.

    Parameters
    ----------
    chain : LayerChain
        A device whose moments are as they will be in the turning frame, without spin-orbit
        coupling.
    wave_number : float
        q; positive turns counterclockwise about the axis from left to right.
    axis : (3,)

    Returns
    -------
    LayerChain
        Its torques, spins and spin currents (counted at the right end of a bond) are in the
        turning frame.

    Raises
    ------
    ValueError
        If the wave number is not finite or the spin operators are not Pauli matrices on every
        orbital (S_a^2 = 1).

    Examples
    --------
    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> uniform = layer_chain(build_stack([Layer(2, exchange=1.0)], cross_section="chain"))
    >>> wound = spiral_frame(uniform, np.pi / 2)
    >>> np.round(wound.coupling[1][0].diagonal() * np.sqrt(2), 6)
    array([-1.-1.j, -1.+1.j])
    """
    if not np.isfinite(wave_number):
        raise ValueError(f"wave_number: {wave_number!r} is not a finite angle per layer.")
    direction, table = unit_vector(axis, "axis"), chain.sites
    turn: list[NDArray] = [np.eye(n, dtype=complex) for n in chain.sizes]
    for i, layer in enumerate(table.layer):
        spin = np.tensordot(direction, table.spin[i], 1)
        if not np.allclose(spin @ spin, np.eye(len(spin)), atol=1e-12):
            raise ValueError(
                f"chain: the spin operator of site {i} is not a Pauli matrix on each orbital, so "
                "that its spin cannot be turned."
            )
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        rotation = np.cos(wave_number / 2) * np.eye(len(spin)) + 1j * np.sin(wave_number / 2) * spin
        turn[layer][here, here] = rotation
    coupling = tuple(after @ v for after, v in zip(turn[1:], chain.coupling, strict=True))
    return replace(chain, coupling=coupling)
