"""Compiled recurrences on the wave function of the electron and the local spins.

A wave function is an array (spin configurations, sites).  Where the Hamiltonian is real it acts
on real and imaginary parts alike, so the kernels then see each row as 2 x sites real numbers
and a neighbour is `step` = 2 numbers away; otherwise rows are complex and `step` is 1.
"""

import numpy as np
from numba import njit

__all__ = ["apply_rows", "chebyshev_sum", "join_series", "row_overlaps"]

#: Parts of amplitudes below this become zero: numbers near 1e-308 slow a processor a hundredfold.
TINY = 1e-60


@njit(cache=True, inline="always")
def _row(s, psi, out, factor, keep, shift, potential, hop, step, chain, coupling):
    """Row s of out = factor (H - shift) psi - keep out, keep being 0 or 1."""
    start, column, value = chain
    c_start, c_column, c_site, c_value = coupling
    n = psi.shape[1]
    f = factor * hop
    for i in range(step):
        last = n - step + i
        out[s, i] = (
            factor * (potential[i] - shift) * psi[s, i] - f * psi[s, i + step] - keep * out[s, i]
        )
        out[s, last] = (
            factor * (potential[last] - shift) * psi[s, last]
            - f * psi[s, last - step]
            - keep * out[s, last]
        )
    # slices with one common index: the compiler then sees plain streams and vectorises
    left, middle, right = psi[s, : n - 2 * step], psi[s, step : n - step], psi[s, 2 * step :]
    target, site = out[s, step : n - step], potential[step : n - step]
    for i in range(len(middle)):
        here = factor * (site[i] - shift) * middle[i]
        target[i] = here - f * (left[i] + right[i]) - keep * target[i]
    target = out[s]
    for k in range(start[s], start[s + 1]):
        other = psi[column[k]]
        g = factor * value[k]
        for i in range(n):
            target[i] += g * other[i]
    for k in range(c_start[s], c_start[s + 1]):
        g = factor * c_value[k]
        first = step * c_site[k]
        for i in range(step):
            target[first + i] += g * psi[c_column[k], first + i]


@njit(cache=True)
def apply_rows(psi, out, shift, potential, hop, step, chain, coupling):
    """out = (H - shift) psi."""
    for s in range(psi.shape[0]):
        _row(s, psi, out, 1.0, 0.0, shift, potential, hop, step, chain, coupling)


@njit(cache=True)
def chebyshev_sum(
    weights, radius, shift, potential, hop, step, chain, coupling, here, before, even, odd
):
    """Sum weights[k] T_k((H - shift)/radius) here, even k into `even`, odd k into `odd`.

    `here` and `before` are work arrays; `here` holds the initial state and is overwritten.
    """
    rows, n = here.shape
    for s in range(rows):
        for i in range(n):
            even[s, i] = weights[0] * here[s, i]
            odd[s, i] = 0.0
            before[s, i] = 0.0
    for k in range(1, len(weights)):
        factor = (1.0 if k == 1 else 2.0) / radius
        total = even if k % 2 == 0 else odd
        for s in range(rows):
            _row(s, here, before, factor, 1.0, shift, potential, hop, step, chain, coupling)
            target, term = total[s], before[s]
            for i in range(n):
                target[i] += weights[k] * term[i]
        here, before = before, here


@njit(cache=True)
def join_series(even, odd, phase, turn):
    """phase (even + turn odd) without its tiniest parts, into `even`; turn is i or -i."""
    for s in range(even.shape[0]):
        for x in range(even.shape[1]):
            value = phase * (even[s, x] + turn * odd[s, x])
            real = value.real if abs(value.real) > TINY else 0.0
            imaginary = value.imag if abs(value.imag) > TINY else 0.0
            even[s, x] = complex(real, imaginary)


@njit(cache=True)
def row_overlaps(psi, left, right):
    """Sum over sites of conj(psi[left]) psi[right] for pairs of rows."""
    out = np.zeros(len(left), np.complex128)
    for p in range(len(left)):
        total = 0.0j
        for x in range(psi.shape[1]):
            total += np.conj(psi[left[p], x]) * psi[right[p], x]
        out[p] = total
    return out
