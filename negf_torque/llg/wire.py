"""Site torques of a wire from transport as a torque table of the micromagnetic chain.

Transport gives the torque N (e/(4 pi) per volt) on the electrons' partner spins of each slice of a
wire, s their majority-spin direction.  The slice's moment is M_s times its volume, and the
magnetisation m = -s moves by

    dm/dt = -g_e N,      g_e = gamma (e V/4 pi)/(M_s volume),   gamma = 2 mu_B/hbar,

before precession and damping.  Along and across the wall's own frame, t = m'/|m'| and m x t, this
is what `negf_torque.llg.chain.table_torque` takes; neither u nor beta is assumed.
"""

from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import unit_vector
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, HBAR_SI

__all__ = ["site_table"]


def site_table(
    position: ArrayLike,
    spin: ArrayLike,
    torkance: ArrayLike,
    voltage: float,
    *,
    saturation_magnetisation: float,
    cross_section: float,
) -> tuple[NDArray, NDArray, NDArray]:
    """Offsets from the wall's centre, and dm/dt along and across dm/dx.

    Parameters
    ----------
    position : (slices,)
        Along the flow of electrons at V > 0, nm, equally spaced, ascending.
    spin : (slices, 3)
        Majority-spin directions s.
    torkance : (slices, 3)
        N of each slice, summed over its sites; e/(4 pi) per volt, spin frame.
    voltage : float
        V.
    saturation_magnetisation : float
        A/m.
    cross_section : float
        Of the wire, nm^2.

    Returns
    -------
    offset : (slices,)
        nm; the centre is where half of the turn is done.
    along, across : (slices,)
        1/ns; see `negf_torque.llg.chain.table_torque`.

    Raises
    ------
    ValueError
        For shapes that do not fit, unequal spacing, or a missing M_s or cross-section.
    """
    x, m = np.asarray(position, float), -unit_vector(spin, "spin")
    n = np.asarray(torkance, float)
    if x.ndim != 1 or m.shape != (len(x), 3) or n.shape != m.shape:
        raise ValueError(
            f"position, spin, torkance: shapes {x.shape}, {m.shape}, {n.shape}. "
            "Give (slices,), (slices, 3), (slices, 3)."
        )
    spacing = np.diff(x)
    if len(x) < 3 or spacing.min() <= 0 or np.ptp(spacing) > 1e-6 * spacing.mean():
        raise ValueError("position: give three slices or more, ascending and equally spaced.")
    reasons = {
        "saturation_magnetisation": "A/m; the torque is divided by each slice's moment",
        "cross_section": "nm^2; with the spacing it is each slice's volume",
    }
    values = {
        "saturation_magnetisation": saturation_magnetisation,
        "cross_section": cross_section,
    }
    for key, why in reasons.items():
        if not (np.isfinite(values[key]) and values[key] > 0):
            raise ValueError(
                f"{key}: {values[key]!r} is not usable. Give a positive number ({why})."
            )
    moment = saturation_magnetisation * cross_section * spacing.mean() * 1e-27
    rate = 2 * BOHR_MAGNETON / HBAR_SI * ELEMENTARY_CHARGE * voltage / (4 * pi) / moment
    motion = -rate * 1e-9 * n
    slope = np.gradient(m, x, axis=0)
    slope -= np.sum(slope * m, axis=1, keepdims=True) * m
    size = np.linalg.norm(slope, axis=1, keepdims=True)
    if not size.max() > 0:
        raise ValueError("spin: the moments do not turn along the wire.")
    tangent = np.where(size > 1e-9 * size.max(), slope / np.maximum(size, 1e-300), 0.0)
    along = np.sum(motion * tangent, axis=1)
    across = np.sum(motion * np.cross(m, tangent), axis=1)
    turn = np.cumsum(size[:, 0]) - size[:, 0] / 2  # up to the middle of each slice
    centre = np.interp(0.5 * size.sum(), turn, x)
    return x - centre, along, across
