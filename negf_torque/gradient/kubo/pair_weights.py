"""Energy integrals of the Kubo-Bastin formula in the basis of the bands, in closed form.

With a constant broadening, G = sum_a |a><a| g_a, g_a = 1/(z - E_a), z = mu + i eta, and every part
of the response of an observable A to a force is a sum over pairs of bands,

    chi = sum_ab [ Re(A_ab v_ba) W_ab - Im(A_ab v_ba) (C_ab + S_ab) ],

    W_ab = Im g_a Im g_b/pi                                 Fermi surface, symmetric in a, b
    C_ab = Im(g_b g_a^*)/(2 pi)                             antisymmetric
    S_ab = -Im{ (1/(2 pi D)) [ -g_a - g_b - (2/D)(ln(z - E_a) - ln(z - E_b)) ] },  D = E_a - E_b.

W is the surface part and C + S the sea part of the split by time reversal; W + C is Streda's
chi_I and S his chi_II (P. Streda, J. Phys. C 15, L717 (1982)).  At a temperature T everything is
averaged over -f', which turns g_a into a trigamma function and ln(z - E_a) into a digamma
function of x_a = 1/2 - i (z - E_a)/(2 pi T).  Where D is small, S is the trapezoidal error of
g between E_b and E_a,

    S_ab = Im (D/(2 pi)) int_0^1 s (1 - s) g''(E_b + s D) ds,

integrated by Gauss's rule instead of subtracting nearly equal numbers.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import psi

__all__ = ["PairWeights", "pair_weights"]

# Below this ratio of D to the distance of the nearest singularity, integrals replace differences:
# the bracket in S is of third order, so differences lose (1/0.3)^3 in precision there.
_CLOSE = 0.6
_NODES, _GAUSS = np.polynomial.legendre.leggauss(10)
_NODES, _GAUSS = (_NODES + 1) / 2, _GAUSS / 2
# Bernoulli numbers B_2k of the asymptotic series of the polygamma functions.
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
)  # fmt: skip


class PairWeights(NamedTuple):
    """W, C and S for every pair of bands, shape (..., n, n) each; see the module."""

    surface: NDArray
    cross: NDArray
    sea: NDArray


def polygamma(order: int, x: NDArray) -> NDArray:
    """Derivative of that order (1, 2, 3) of the digamma function, complex x with Re x >= 1/2.

    Examples
    --------
    >>> bool(np.isclose(polygamma(1, np.array([0.5 + 0j]))[0], np.pi**2 / 2, rtol=1e-14))
    True
    """
    x = np.array(x, complex)
    total = np.zeros_like(x)
    factor = (-1.0) ** (order + 1) * float(np.prod(np.arange(1, order + 1)))
    for _ in range(10):  # psi_n(x) = psi_n(x + 1) + (-1)^(n+1) n!/x^(n+1)
        total += factor / x ** (order + 1)
        x = x + 1
    # term by term derivative of ln x - 1/(2x) - sum B_2k/(2k x^2k)
    sign, power = (-1.0) ** (order + 1), float(np.prod(np.arange(1, order)))
    series = sign * (power / x**order + factor * sign / (2 * x ** (order + 1)))
    for k, bernoulli in enumerate(_BERNOULLI, start=1):
        rising = float(np.prod(np.arange(2 * k + 1, 2 * k + order)))
        series = series + sign * bernoulli * rising / x ** (2 * k + order)
    return total + series


def pair_weights(
    energies: NDArray, z: complex | NDArray, thermal_energy: float = 0.0
) -> PairWeights:
    """Weights of all pairs of bands.

    Parameters
    ----------
    energies : (..., n)
        Band energies, eV.
    z : complex or (...)
        mu + i eta, eta > 0; arrays are broadcast against the leading axes of `energies`.
    thermal_energy : float
        k_B T, eV.

    Returns
    -------
    PairWeights
        In 1/eV^2, each (..., n, n).

    Raises
    ------
    ValueError
        If eta is not positive: the weights of equal energies would be infinite.

    Examples
    --------
    A single level, one unit below mu, eta = 1: W = (1/2)^2/pi, the others vanish:

    >>> w = pair_weights(np.array([0.0]), 1 + 1j)
    >>> bool(np.isclose(w.surface[0, 0], 0.25 / np.pi)), w.cross[0, 0] + w.sea[0, 0]
    (True, np.float64(0.0))
    """
    z = np.asarray(z, complex)
    if np.any(z.imag <= 0):
        raise ValueError(
            f"broadening: {float(z.imag.min())!r}; bands that coincide need a positive one. Set "
            "`broadening` (eV), give impurities, or ask for the clean limit (Berry curvature)."
        )
    distance = z[..., None] - energies
    if thermal_energy == 0:
        return _cold(energies, distance)
    return _warm(energies, distance, z.imag, thermal_energy)


def _cold(energies, distance) -> PairWeights:
    g = 1 / distance
    a, b = g[..., :, None], g[..., None, :]
    surface = a.imag * b.imag / np.pi
    cross = (b * a.conj()).imag / (2 * np.pi)
    spacing = energies[..., :, None] - energies[..., None, :]
    middle = (distance[..., :, None] + distance[..., None, :]) / 2
    u = spacing / (2 * middle)
    # phi(u) = [1/(1 - u^2) - atanh(u)/u]/u = sum_k 2k/(2k + 1) u^(2k - 1)
    close = np.abs(u) < 0.25
    safe = np.where(close, 0.5, u)
    logs = np.log(distance)
    difference = np.where(close, np.arctanh(0.5), (logs[..., None, :] - logs[..., :, None]) / 2)
    phi = (1 / (1 - safe**2) - difference / safe) / safe
    phi = np.where(close, _series(np.where(close, u, 0.0)), phi)
    sea = (phi / middle**2).imag / (2 * np.pi)
    return PairWeights(surface, cross, sea)


def _series(u: NDArray) -> NDArray:
    square = u * u
    total = np.zeros_like(u)
    for k in range(14, 0, -1):
        total = total * square + 2 * k / (2 * k + 1)
    return total * u


def _warm(energies, distance, eta, thermal_energy) -> PairWeights:
    scale = 2 * np.pi * thermal_energy
    x = 0.5 - 1j * distance / scale
    g, logs = -1j / scale * polygamma(1, x), psi(x)
    a, b = g[..., :, None], g[..., None, :]
    spacing = energies[..., :, None] - energies[..., None, :]
    height = np.asarray(eta)[..., None, None]
    across = (a.conj() - b) / (2j * height + spacing)  # average of g_b g_a^*
    middle = (distance[..., :, None] + distance[..., None, :]) / 2
    # nearest singularity of the averaged g: below the axis by eta + pi T
    close = np.abs(spacing) < _CLOSE * np.abs(middle + 0.5j * scale)
    safe = np.where(close, 1.0, spacing)
    both = np.where(close, 0.0, (a - b) / safe)  # average of g_a g_b
    bracket = -a - b - 2 / safe * (logs[..., :, None] - logs[..., None, :])
    sea = -np.where(close, 0.0, bracket / safe) / (2 * np.pi)
    where = np.nonzero(close)
    x0 = (x[..., None, :] + np.zeros_like(spacing))[where]
    step = spacing[where]
    inner = np.zeros(len(step), complex)
    outer = np.zeros(len(step), complex)
    for s, weight in zip(_NODES, _GAUSS, strict=True):
        at = x0 + 1j * s * step / scale
        inner += weight * polygamma(2, at) / scale**2
        outer += weight * s * (1 - s) * 1j * polygamma(3, at) / scale**3
    both[where] = inner
    sea[where] = step * outer / (2 * np.pi)
    surface = (across - both).real / (2 * np.pi)
    cross = across.imag / (2 * np.pi)
    return PairWeights(
        (surface + surface.swapaxes(-1, -2)) / 2,
        (cross - cross.swapaxes(-1, -2)) / 2,
        (sea.imag - sea.imag.swapaxes(-1, -2)) / 2,
    )
