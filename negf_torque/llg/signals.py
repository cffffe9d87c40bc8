"""What an experiment sees of a moving moment: resistance, spectrum, linewidth, switching."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import curve_fit

from negf_torque.llg.valve import ValveTorque
from negf_torque.units import conductance_per_area

__all__ = ["Line", "fit_line", "spectrum", "switching_probability", "valve_resistance"]


def valve_resistance(valve: ValveTorque, m: ArrayLike) -> NDArray:
    """Resistance times area in ohm m^2 for moments m (..., 3), from the computed conductance.

    A polynomial in cos(theta) through the computed angles.
    """
    cosine = np.cos(valve.angles)
    per_area = 1 / conductance_per_area(np.array(valve.conductance), valve.cell_area)
    degree = min(len(cosine) - 1, 12)
    fit = np.polynomial.chebyshev.chebfit(cosine, per_area, degree)
    return np.polynomial.chebyshev.chebval(np.asarray(m) @ np.array(valve.fixed_direction), fit)


def spectrum(time: ArrayLike, signal: ArrayLike) -> tuple[NDArray, NDArray]:
    """One-sided power spectral density with a Hann window, mean removed.

    Parameters
    ----------
    time : (samples,)
        ns, equally spaced.
    signal : (..., samples)

    Returns
    -------
    frequency : (n,)
        GHz.
    density : (..., n)
        Signal^2 per GHz; its integral is the signal's variance (for a stationary signal).
    """
    time, signal = np.asarray(time, float), np.asarray(signal, float)
    step = time[1] - time[0]
    if not np.allclose(np.diff(time), step, rtol=1e-6):
        raise ValueError("time: a spectrum needs equally spaced samples.")
    n = len(time)
    window = np.hanning(n)
    centred = (signal - signal.mean(axis=-1, keepdims=True)) * window
    density = 2 * np.abs(np.fft.rfft(centred)) ** 2 * step / np.sum(window**2)
    density[..., 0] /= 2
    if n % 2 == 0:
        density[..., -1] /= 2
    return np.fft.rfftfreq(n, step), density


@dataclass(frozen=True)
class Line:
    """Lorentzian line: centre and full width at half maximum in GHz, with standard errors."""

    frequency: float
    width: float
    power: float
    frequency_error: float
    width_error: float


def fit_line(frequency: ArrayLike, density: ArrayLike) -> Line:
    """Fit the strongest line of a spectrum by a Lorentzian, within ten widths of its peak."""
    f, s = np.asarray(frequency, float), np.asarray(density, float)
    k = int(np.argmax(s[1:])) + 1
    above = np.flatnonzero(s > s[k] / 2)
    guess = max(f[above[-1]] - f[above[0]] if len(above) > 1 else 0.0, 2 * (f[1] - f[0]))
    near = np.abs(f - f[k]) < 10 * guess

    def shape(x, centre, width, height):
        return height * (width / 2) ** 2 / ((x - centre) ** 2 + (width / 2) ** 2)

    values, covariance = curve_fit(shape, f[near], s[near], [f[k], guess, s[k]])
    error = np.sqrt(np.diag(covariance))
    width = abs(values[1])
    return Line(
        float(values[0]),
        float(width),
        float(values[2] * width * np.pi / 2),
        float(error[0]),
        float(error[1]),
    )


def switching_probability(passage: ArrayLike, time: float) -> tuple[float, float]:
    """Fraction of runs that have passed by `time`, and its standard error (Wilson's half width).

    Parameters
    ----------
    passage : (runs,)
        First-passage times, not-a-number for never.

    Examples
    --------
    >>> switching_probability([1.0, 2.0, np.nan, np.nan], 1.5)[0]
    0.25
    """
    passage = np.asarray(passage, float)
    n = len(passage)
    p = float(np.mean(np.nan_to_num(passage, nan=np.inf) <= time))
    half = np.sqrt(p * (1 - p) / n + 1 / (4 * n * n)) / (1 + 1 / n)
    return p, float(half)
