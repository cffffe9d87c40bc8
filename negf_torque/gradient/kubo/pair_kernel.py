"""Compiled sums over pairs of bands in the clean limit.

This module imports numba; nothing that the package imports at start may import it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["clean_sums"]


@njit(cache=True)
def clean_sums(
    energies: NDArray,
    seen: NDArray,
    velocity: NDArray,
    occupation: NDArray,
    at_mu: NDArray,
    closest: float,
    least: float,
    out: NDArray,
) -> NDArray:
    """chi_Aj = sum_nm (f_n - f_m) Im[A_nm v_j,mn]/(E_n - E_m)^2 of every k.

    A product A_nm v_mn is formed once for all chemical potentials, and only where the occupations
    of two bands differ at one of them.

    Parameters
    ----------
    energies : (points, n)
    seen, velocity : (points, n, a, n), (points, n, j, n)
        A and v_j in the basis of the bands.
    occupation : (mu, points, n)
        f.
    at_mu : (mu, points, n) bool
        Levels whose degeneracy matters.
    closest, least : float
        Differences of energies that count as none, and velocities that count as none.
    out : (points, mu, a, j)
        Written.

    Returns
    -------
    (mu,) bool
        Whether bands that the velocity connects touch there.
    """
    points, n = energies.shape
    mus, count, d = out.shape[1:]
    touching = np.zeros(mus, np.bool_)
    product = np.empty((count, d))
    for p in range(points):
        out[p] = 0.0
        for i in range(n):
            for k in range(i + 1, n):
                spacing = energies[p, i] - energies[p, k]
                if abs(spacing) < closest:
                    for m in range(mus):
                        if at_mu[m, p, i] and at_mu[m, p, k]:
                            for j in range(d):
                                touching[m] |= abs(velocity[p, i, j, k]) > least
                    continue
                needed = False
                for m in range(mus):
                    needed |= occupation[m, p, i] != occupation[m, p, k]
                if not needed:
                    continue
                scale = 1.0 / (spacing * spacing)
                for a in range(count):
                    x, y = seen[p, i, a, k], seen[p, k, a, i]
                    for j in range(d):
                        v, w = velocity[p, k, j, i], velocity[p, i, j, k]
                        product[a, j] = scale * (
                            x.real * v.imag + x.imag * v.real - y.real * w.imag - y.imag * w.real
                        )
                for m in range(mus):
                    step = occupation[m, p, i] - occupation[m, p, k]
                    if step != 0.0:
                        for a in range(count):
                            for j in range(d):
                                out[p, m, a, j] += step * product[a, j]
    return touching
