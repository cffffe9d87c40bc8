"""Damping of a thin layer: what spin pumping into its neighbours adds.

    alpha' = Re(A)/(4 pi S),    S = M_s V/(2 mu_B) per cell (hbar, g = 2),

with A = A_left + A_right the pumping conductance per cell of both sides (`transport.pumping`; for
a thick layer beside a perfect sink the mixing conductance g_r).  Y. Tserkovnyak, A. Brataas,
G. E. W. Bauer, Phys. Rev. Lett. 88, 117601 (2002).
"""

from math import pi

from negf_torque.units import BOHR_MAGNETON

__all__ = ["pumping_damping"]


def pumping_damping(
    conductance: float, cell_area: float, thickness: float, saturation_magnetisation: float
) -> float:
    """Damping added by spin pumping.

    Parameters
    ----------
    conductance : float
        Re(A) per cell, in e^2/h (channels): sum of both sides.  4 pi times `alpha S_tot`.
    cell_area : float
        nm^2.
    thickness : float
        Of the layer, nm.
    saturation_magnetisation : float
        A/m.

    Examples
    --------
    Permalloy of 3 nm beside a sink of 20 channels per nm^2:

    >>> round(pumping_damping(20.0, 1.0, 3.0, 8e5), 5)
    0.0123
    """
    for key, value in (
        ("cell_area", cell_area),
        ("thickness", thickness),
        ("saturation_magnetisation", saturation_magnetisation),
    ):
        if not value > 0:
            raise ValueError(f"{key}: {value!r} is not positive; it gives the layer's total spin.")
    if not conductance >= 0:
        raise ValueError(f"conductance: {conductance!r} is negative. Pumping only loses energy.")
    spin = saturation_magnetisation * cell_area * thickness * 1e-27 / (2 * BOHR_MAGNETON)
    return conductance / (4 * pi * spin)
