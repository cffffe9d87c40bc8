"""Integrals over all occupied states, on a path in the upper half plane.

Retarded functions F(z) are analytic there, so that

    -(1/pi) Im int dE f(E) F(E) = -(1/pi) Im int_C dz f(z) F(z) + 2 k_B T sum_n Re F(z_n)

for any path C from below all bands to energies where f has vanished; z_n = mu + i pi k_B T (2 n +
1) are the poles of the Fermi function between C and the real axis.  At T = 0 the path is a half
circle from `bottom` to mu.  At T > 0 it is an arc from `bottom` to mu - 40 k_B T + i Y, where f is
1 to rounding, and from there a straight line at the height Y between two poles.

Nodes accumulate at the end near mu as the fourth power of the parameter: square roots at band edges
and slow decay in a barrier then look smooth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.transport.arguments import real_temperature
from negf_torque.units import BOLTZMANN

__all__ = ["Contour", "Path", "contour_path", "window_energies"]

#: exp(-_REACH) is below rounding.
_REACH = 40.0
#: The line's default height (eV), and the most poles below it.
_HEIGHT, _POLES = 0.5, 8
#: Nearest approach to a pole, in units of the distance between two.
_CLEARANCE = 0.1
_POWER = 4


@dataclass(frozen=True)
class Contour:
    """Shape of the path; results do not depend on it.

    Attributes
    ----------
    bottom : float, optional
        Where the path begins, in eV, below all states; default found from the Hamiltonian.
    height : float, optional
        Distance of the line from the real axis in eV (T > 0 only); default midway between two
        poles of the Fermi function, about 0.5 eV or 8 poles.
    """

    bottom: float | None = None
    height: float | None = None

    def __post_init__(self) -> None:
        for name in ("bottom", "height"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value):
                raise ValueError(f"{name}: {value!r} is not an energy in eV.")
        if self.height is not None and self.height <= 0:
            raise ValueError(f"height: {self.height!r} eV is not above the real axis.")


@dataclass(frozen=True)
class Path:
    """A path and the poles below it.

    Attributes
    ----------
    bottom, energy : float
        Beginning, chemical potential; eV.
    thermal : float
        k_B T in eV.
    height : float
        Of the line; 0 at T = 0.
    """

    bottom: float
    energy: float
    thermal: float
    height: float

    @property
    def poles(self) -> NDArray:
        """(n,) complex: poles of the Fermi function between path and real axis."""
        if self.thermal == 0:
            return np.zeros(0, complex)
        spacing = 2 * np.pi * self.thermal
        count = int(np.floor(self.height / spacing + 0.5))
        return self.energy + 1j * spacing * (np.arange(count) + 0.5)

    @property
    def corner(self) -> complex:
        """Where the line begins, f being 1 to rounding; mu at T = 0."""
        return self.energy - _REACH * self.thermal + 1j * self.height

    def nodes(self, s: NDArray) -> tuple[NDArray, NDArray]:
        """Energies z(s) and weights f(z) dz/ds for 0 < s < 1.

        Both pieces of a path at T > 0 meet at s = 1/2, where the weight vanishes.
        """
        if self.thermal == 0:
            return self._arc(s, self.energy + 0j)
        z, weight = self._arc(np.clip(2 * s, 0, 1), self.corner)
        on_line, slope = self.line(np.clip(2 * s - 1, 0, 1))
        first = s < 0.5
        return np.where(first, z, on_line), 2 * np.where(first, weight, slope)

    def _arc(self, t: NDArray, end: complex) -> tuple[NDArray, NDArray]:
        """Circle about a point of the real axis from `bottom` to `end`."""
        x, y = end.real - self.bottom, end.imag
        radius = (x**2 + y**2) / (2 * x)
        last = np.arctan2(y, radius - x) if y > 0 else np.pi
        rest = 1 - t
        # the last part in 1e12 stays off the real axis, where leads have no derivative
        turn = radius * np.exp(-1j * last * (1 - np.clip(rest, 1e-3, None) ** _POWER))
        return self.bottom + radius - turn, 1j * turn * last * _POWER * rest ** (_POWER - 1)

    def line(self, t: NDArray) -> tuple[NDArray, NDArray]:
        """Energies z(t) on the line and weights f(z) dz/dt for 0 < t < 1.

        z = mu + x + i Y with the integral of f over x as the variable: dw = -f(x) dx.
        """
        most = _REACH  # integral of f from -_REACH, in units of k_B T
        w = np.clip(most * (1 - t) ** 2 * (1 + 2 * t), 1e-300, None)
        x = np.where(w > 1, -w - np.log(-np.expm1(-w)), -np.log(np.expm1(np.minimum(w, 1))))
        turn = np.exp(1j * self.height / self.thermal)
        with np.errstate(over="ignore"):
            up, down = np.exp(np.minimum(x, 0)), np.exp(np.minimum(-x, 0))
        ratio = (down + up) / (down + up * turn)  # f(x + iY)/f(x)
        slope = self.thermal * most * 6 * t * (1 - t)
        return self.energy + self.thermal * x + 1j * self.height, slope * ratio


def contour_path(
    bottom: float, energy: float, temperature: float = 0.0, height: float | None = None
) -> Path:
    """The path for a chemical potential and a temperature.

    Parameters
    ----------
    bottom, energy : float
        eV.
    temperature : float
        K.
    height : float, optional
        See `Contour`.

    Raises
    ------
    ValueError
        If the path would begin above the chemical potential, its line cut a pole of the Fermi
        function, or the temperature is none.

    Examples
    --------
    Occupation of a level at -1 eV with mu = -0.9 eV and k_B T of 0.1 eV: 1/(1 + exp(-1)).

    >>> path = contour_path(-3.0, -0.9, 0.1 / BOLTZMANN)
    >>> s, w = np.polynomial.legendre.leggauss(60)
    >>> halves = np.concatenate([(s + 1) / 4, (s + 3) / 4])
    >>> z, weight = path.nodes(halves)
    >>> arc = -np.sum(np.tile(w / 4, 2) * (weight / (z + 1)).imag) / np.pi
    >>> poles = 2 * path.thermal * np.sum(1 / (path.poles + 1)).real
    >>> bool(abs(arc + poles - 1 / (1 + np.exp(-1))) < 1e-8)
    True
    """
    if not bottom < energy:
        raise ValueError(
            f"bottom: the contour begins at {bottom:g} eV, above the chemical potential "
            f"{energy:g} eV. Give an energy below all bands."
        )
    thermal = BOLTZMANN * real_temperature(temperature)
    if thermal == 0:
        return Path(bottom, energy, 0.0, 0.0)
    spacing = 2 * np.pi * thermal
    if height is None:
        height = spacing * float(np.clip(np.ceil(_HEIGHT / spacing), 1, _POLES))
    nearest = abs((height / spacing) % 1 - 0.5)
    if nearest < _CLEARANCE:
        raise ValueError(
            f"height: at {height:g} eV the contour would cut a pole of the Fermi function (they "
            f"are at odd multiples of {spacing / 2:.4g} eV). Give a height near a multiple of "
            f"{spacing:.4g} eV."
        )
    return Path(min(bottom, energy - 2 * _REACH * thermal), energy, thermal, height)


def window_energies(s: NDArray, lower: float, width: float, thermal_energy: float) -> NDArray:
    """Energies below which the share s of a bias window lies, eV.

    width * s = int_{-inf}^E (f_> - f_<) dE' with chemical potentials `lower` and `lower` + `width`;
    `thermal_energy` is k_B T in eV.
    """
    if thermal_energy == 0:
        return lower + width * s
    s, thermal = np.clip(s, 1e-300, 1 - 1e-16), thermal_energy
    # (1 + y)/(1 + y exp(-V/t)) = exp(s V/t), y = exp((E - lower)/t), without overflow
    high = np.log(-np.expm1(-s * width / thermal)) + s * width / thermal
    return lower + thermal * (high - np.log(-np.expm1((s - 1) * width / thermal)))
