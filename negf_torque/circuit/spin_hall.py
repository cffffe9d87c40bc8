"""Torque of a spin-Hall metal on a ferromagnet, by drift-diffusion.

In a metal of conductivity sigma, spin-flip length l and spin Hall angle theta the spin current
along its normal is j_s = -(sigma/2) mu_s' + theta sigma E s, with mu_s the full spin splitting
(twice the V_s of `negf_torque.circuit.contact`) and s the direction of the spins that flow toward
the ferromagnet.  It vanishes at the outer surface; at the ferromagnet what arrives is absorbed by
the mixing conductance.  With transverse vectors as complex numbers, 1 for s and i for m x s,

    xi_DL + i xi_FL = theta (1 - sech(d/l)) Z/(1 + Z),   Z = 2 l G coth(d/l)/sigma.

G here is the complex conjugate of G_mix = sum (1 - r_up r_dn^*) of circuit theory: absorption is
2 G_r V_s - 2 G_i m x V_s.  P. M. Haney et al., Phys. Rev. B 87, 174411 (2013).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["spin_hall_efficiency"]


def spin_hall_efficiency(
    angle: float,
    conductivity: float,
    spin_flip_length: float,
    thickness: ArrayLike,
    mixing: complex,
) -> NDArray:
    """xi_DL + i xi_FL, torque efficiencies per current density sigma E, for spins.

    Parameters
    ----------
    angle : float
        Spin Hall angle: its sign is that of the spins arriving at the ferromagnet along s.
    conductivity : float
        1/(ohm m).
    spin_flip_length, thickness : float, (...)
        m.
    mixing : complex
        G_mix per area in 1/(ohm m^2), convention of circuit theory.

    Returns
    -------
    (...) complex
        Torque on the spins of the ferromagnet: the real part along s (transverse part), the
        imaginary part along m x s.  As `damping_like` and `field_like` of
        `negf_torque.llg.bulk.SpinOrbitTorque` they need no further sign.

    Examples
    --------
    A perfect absorber under a thick metal takes the whole spin Hall current:

    >>> complex(spin_hall_efficiency(0.1, 1e7, 1e-9, 50e-9, 1e30)).real.__round__(9)
    0.1
    """
    if not (conductivity > 0 and spin_flip_length > 0):
        raise ValueError(
            f"conductivity, spin_flip_length: {conductivity!r}, {spin_flip_length!r} must be > 0."
        )
    ratio = np.asarray(thickness, float) / spin_flip_length
    if np.any(ratio <= 0):
        raise ValueError(f"thickness: {thickness!r} is not positive.")
    if np.real(mixing) < 0:
        raise ValueError(f"mixing: real part {np.real(mixing)!r} is negative.")
    z = 2 * spin_flip_length * np.conj(mixing) / (conductivity * np.tanh(ratio))
    return angle * (1 - 1 / np.cosh(np.minimum(ratio, 700.0))) * z / (1 + z)
