"""Integrals over all occupied states on paths that come down from infinity.

Vectors X(z) of retarded functions that fall off like 1/z^2 need no path around the bands.  At T = 0

    -(1/pi) Im int dE f(E) X(E) = (1/pi) int_0^inf dy Re X(mu + i y),

where all singularities keep their distance: with y = y0 (1 + x)/(1 - x) they lie on the unit circle
of x, and Chebyshev points in x converge geometrically.  At a temperature the path comes down at mu
- 40 k_B T, where f is 1 to rounding, to the height Y between two poles of the Fermi function, and
goes on parallel to the real axis; the poles below it add 2 k_B T sum_n Re X(z_n).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens.quadrature import Average
from negf_torque.transport.contour import contour_path
from negf_torque.transport.nested import nested_integral

__all__ = ["Column", "vertical_integral"]

#: Complex energy, guess for the self-energies -> values, self-energies.
Column = Callable[[complex, NDArray | None], tuple[NDArray, NDArray]]


def vertical_integral(
    column: Column, energy: float, unit: float, tolerance: float, temperature: float = 0.0
) -> Average:
    """-(1/pi) Im int dE f(E) X(E) of vectors X that fall off like 1/z^2.

    Parameters
    ----------
    column : callable
        Complex energy and a guess for the self-energies (or None) -> X, self-energies.
    energy : float
        Chemical potential, eV.
    unit : float
        y0 in eV, a typical distance from `energy` to the bands' edges.
    tolerance : float
        Relative to the largest number of the integral.
    temperature : float
        K.

    Returns
    -------
    Average
        Marked if the finest rule has not reached the tolerance.

    Examples
    --------
    The derivative of a level's occupation at k_B T = 0.1 eV, X = 1/(z + 1)^2: f'(-1).

    >>> from negf_torque.units import BOLTZMANN
    >>> def column(z, guess):
    ...     return np.array([1 / (z + 1) ** 2]), np.zeros(0)
    >>> found = vertical_integral(column, -0.9, 0.5, 1e-10, 0.1 / BOLTZMANN)
    >>> bool(abs(found.value[0] + 10 / (4 * np.cosh(0.5) ** 2)) < 1e-8)
    True
    """
    known = _Known(column)
    path = contour_path(energy - 1.0, energy, temperature)
    start = path.corner

    def down(x: NDArray) -> NDArray:
        heights, slopes = unit * (1 + x) / (1 - x), 2 * unit / (1 - x) ** 2
        found = [known(complex(start + 1j * height)).real for height in heights]
        return slopes[:, None] * np.array(found) / np.pi

    if not len(path.poles):
        return nested_integral(down, tolerance)
    poles = 2 * path.thermal * sum(known(complex(z)).real for z in path.poles)

    def along(x: NDArray) -> NDArray:
        energies, weight = path.line((1 + x) / 2)
        found = np.array([known(complex(z)) for z in energies])
        return -(weight[:, None] / 2 * found).imag / np.pi

    line = nested_integral(along, tolerance, np.abs(poles).max())
    rest = nested_integral(down, tolerance, max(np.abs(poles).max(), np.abs(line.value).max()))
    return Average(
        poles + line.value + rest.value,
        line.error + rest.error,
        len(known.guesses),
        line.converged and rest.converged,
    )


@dataclass
class _Known:
    """X at a complex energy, the self-energies of the nearest known one for a guess."""

    column: Column
    guesses: dict[complex, NDArray] = field(default_factory=dict)

    def __call__(self, z: complex) -> NDArray:
        # far up self-energies change little: compare the logarithms of the heights as well
        nearest = min(self.guesses, key=lambda at: abs(at - z) / abs(at), default=None)
        guess = None if nearest is None else self.guesses[nearest]
        value, self.guesses[z] = self.column(z, guess)
        return value
