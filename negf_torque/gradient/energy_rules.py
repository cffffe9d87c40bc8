"""Energy integrals of the band formulas: Fermi surface on the real axis, Fermi sea on a contour.

Two kinds occur.  Quantities that mix retarded and advanced functions (RA) exist on the real axis
only and come weighted with -f'.  The Fermi sea involves functions F that are analytic in the
upper half plane and real below every band, so that only Im int f F counts and the real axis is
not needed:

    T = 0:  int f F = int_C F,  C from a real energy below the bands through the upper half plane
            to mu (a semicircle);
    T > 0:  the poles of f below a height Y = 2 pi T n are summed, and along Im E = Y, where f has
            the period of its real values again,

    int f F = -2 pi i T sum_{j<n} F(mu + i pi T (2j + 1)) + int_C' F
              + T int_0^inf [F(mu + i Y + T x) - F(mu + i Y - T x)]/(e^x + 1) dx,

with C' ending at mu + i Y and the last integral by a Gauss rule for the Fermi weight (F is smooth
on the scale T up there).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["EnergyRule", "sea_rule", "surface_rule"]


@dataclass(frozen=True)
class EnergyRule:
    """Energies relative to the chemical potential and their complex weights."""

    offset: NDArray
    weight: NDArray


def surface_rule(thermal_energy: float, spacing: float = 0.5) -> EnergyRule:
    """Nodes E - mu and weights of int(-f') X(E) dE; one node at T = 0.

    The trapezoidal rule in (E - mu)/T: its error falls like exp(-2 pi d/spacing), d the smaller
    of pi and the distance to X's nearest singularity in units of T.

    Examples
    --------
    >>> rule = surface_rule(0.1)
    >>> bool(np.isclose(rule.weight @ rule.offset**2, np.pi**2 / 3 * 0.1**2, rtol=1e-14))
    True
    """
    if thermal_energy == 0:
        return EnergyRule(np.zeros(1), np.ones(1))
    count = int(np.ceil(36 / spacing))
    x = spacing * np.arange(-count, count + 1)
    weight = spacing / (4 * np.cosh(x / 2) ** 2)
    return EnergyRule(thermal_energy * x, weight / weight.sum())


def sea_rule(thermal_energy: float, width: ArrayLike, count: int = 44) -> EnergyRule:
    """Nodes E - mu (upper half plane) and weights of int f(E) F(E) dE, up to a real constant.

    Parameters
    ----------
    thermal_energy : float
        k_B T, eV.
    width : (...)
        Positive; mu - width must lie below every band, with some room.
    count : int
        Nodes on the arc.

    Returns
    -------
    EnergyRule
        offset and weight of shape (..., nodes).
    """
    width = np.asarray(width, float)[..., None]
    poles = 6 if thermal_energy > 0 else 0
    height = 2 * np.pi * thermal_energy * poles
    offset, weight = _arc(width, height, count)
    if thermal_energy == 0:
        return EnergyRule(offset, weight)
    x, fermi = _fermi_gauss(16)
    matsubara = 1j * np.pi * thermal_energy * (2 * np.arange(poles) + 1)
    extra = np.concatenate(
        [matsubara, 1j * height + thermal_energy * x, 1j * height - thermal_energy * x]
    )
    extra_weight = thermal_energy * np.concatenate([np.full(poles, -2j * np.pi), fermi, -fermi])
    shape = (*offset.shape[:-1], len(extra))
    return EnergyRule(
        np.concatenate([offset, np.broadcast_to(extra, shape)], axis=-1),
        np.concatenate([weight, np.broadcast_to(extra_weight, shape)], axis=-1),
    )


def _arc(width: NDArray, height: float, count: int) -> tuple[NDArray, NDArray]:
    """Semicircle from -width to 0, its end lifted to i height.

    Gauss-Legendre in v with phi = pi v^3: the nodes crowd where the path meets the chemical
    potential.
    """
    v, w = _gauss(count)
    phase = np.exp(1j * np.pi * v**3)
    offset = width / 2 * (phase - 1) + 1j * height * (1 - v)
    weight = -w * (width / 2 * phase * 3j * np.pi * v**2 - 1j * height)
    return offset, weight


@lru_cache(maxsize=8)
def _gauss(count: int) -> tuple[NDArray, NDArray]:
    v, w = np.polynomial.legendre.leggauss(count)
    return (1 - v) / 2, w / 2


@lru_cache(maxsize=4)
def _fermi_gauss(count: int) -> tuple[NDArray, NDArray]:
    """Gauss nodes and weights of int_0^inf phi(x)/(e^x + 1) dx (Stieltjes' procedure)."""
    x, w = np.polynomial.legendre.leggauss(400)
    x, w = 40 * (x + 1), 40 * w  # 0 .. 80: the weight is 1e-35 beyond
    w = w / (np.exp(x) + 1)
    alpha, beta = np.zeros(count), np.zeros(count)
    last, current = np.zeros_like(x), np.full_like(x, 1 / np.sqrt(w.sum()))
    for k in range(count):
        alpha[k] = np.sum(w * x * current**2)
        step = (x - alpha[k]) * current - (beta[k - 1] if k else 0.0) * last
        beta[k] = np.sqrt(np.sum(w * step**2))
        last, current = current, step / beta[k]
    nodes, vectors = np.linalg.eigh(
        np.diag(alpha) + np.diag(beta[:-1], 1) + np.diag(beta[:-1], -1)
    )
    return nodes, w.sum() * vectors[0] ** 2
