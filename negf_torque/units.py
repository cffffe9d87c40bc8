"""Constants and conversions.

Inside the program energies are in eV, lengths in nm, times in fs, voltages in V and spins in
units of hbar/2 (expectation values of Pauli matrices).  Conductances are counted in e^2/h and
torkances in e/(4 pi), both per unit cell of a periodic cross-section.  This module is the only
place where these meet SI.
"""

from math import pi
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import constants as _c

__all__ = [
    "BOHR_MAGNETON",
    "BOLTZMANN",
    "CONDUCTANCE_QUANTUM",
    "ELEMENTARY_CHARGE",
    "GAMMA0",
    "HBAR",
    "HBAR_SI",
    "MU0",
    "conductance_per_area",
    "torkance_si",
]

ELEMENTARY_CHARGE: float = _c.e  #: C
HBAR_SI: float = _c.hbar  #: J s
HBAR: float = _c.hbar / _c.e * 1e15  #: eV fs
BOLTZMANN: float = _c.k / _c.e  #: eV / K
CONDUCTANCE_QUANTUM: float = _c.e**2 / _c.h  #: e^2/h in siemens (one channel, one spin)
BOHR_MAGNETON: float = _c.physical_constants["Bohr magneton"][0]  #: J / T
MU0: float = _c.mu_0  #: T m / A
GAMMA0: float = 2 * BOHR_MAGNETON * MU0 / HBAR_SI  #: m / (A s), for g = 2


#: One number or an array of them.
_Numbers = TypeVar("_Numbers", float, NDArray[np.floating])


def conductance_per_area(conductance: _Numbers, cell_area: float) -> _Numbers:
    """Conductance in ohm^-1 m^-2 from e^2/h per cell and the cell's area in nm^2.

    Raises
    ------
    ValueError
        If the area is not positive.

    Examples
    --------
    >>> round(conductance_per_area(1.0, 1.0) / 1e13, 4)
    3.874
    """
    return conductance * (CONDUCTANCE_QUANTUM / _square_metres(cell_area))


def torkance_si(torkance: _Numbers, cell_area: float) -> _Numbers:
    """Torque per volt and area in J/(V m^2) from e/(4 pi) per cell and the cell's area in nm^2.

    Raises
    ------
    ValueError
        If the area is not positive.

    Examples
    --------
    >>> torkance_si(4 * pi, 1.0) == ELEMENTARY_CHARGE / 1e-18
    True
    """
    return torkance * (ELEMENTARY_CHARGE / (4 * pi * _square_metres(cell_area)))


def _square_metres(cell_area: float) -> float:
    if not 0 < cell_area < np.inf:
        raise ValueError(f"cell_area: {cell_area!r} is not the area of a cell in nm^2.")
    return cell_area * 1e-18
