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


@njit(cache=True, inline="always", fastmath={"contract"})
def _row(s, psi, out, total, weight, factor, keep, shift, potential, hop, step, chain, coupling):
    """Row s of out = factor (H - shift) psi - keep out, keep being 0 or 1; total += weight out.

    Streams with one common index (slices), in as few passes as possible: the neighbours in
    space with two neighbours in configuration, then further configurations two at a time.
    """
    diagonal, start, column, value = chain
    c_start, c_column, c_site, c_value = coupling
    n = psi.shape[1]
    f = factor * hop
    level = shift - diagonal[s]
    row, whole = psi[s], out[s]
    k, last = start[s], start[s + 1]
    g, h = 0.0 * value[0], 0.0 * value[0]
    first, second = row, row
    if k < last:
        g, first = factor * value[k], psi[column[k]]
    if k + 1 < last:
        h, second = factor * value[k + 1], psi[column[k + 1]]
    for i in range(step):
        j = n - step + i
        here = factor * (potential[i] - level) * row[i] - f * row[i + step]
        there = factor * (potential[j] - level) * row[j] - f * row[j - step]
        whole[i] = here + g * first[i] + h * second[i] - keep * whole[i]
        whole[j] = there + g * first[j] + h * second[j] - keep * whole[j]
        total[i] += weight * whole[i]
        total[j] += weight * whole[j]
    before, middle, after = row[: n - 2 * step], row[step : n - step], row[2 * step :]
    target, site, sums = whole[step : n - step], potential[step : n - step], total[step : n - step]
    first, second = first[step : n - step], second[step : n - step]
    for i in range(len(middle)):
        here = factor * (site[i] - level) * middle[i] + g * first[i] + h * second[i]
        result = here - f * (before[i] + after[i]) - keep * target[i]
        target[i] = result
        sums[i] += weight * result
    k += 2
    while k < last:
        first, g = psi[column[k]], factor * value[k]
        second, h = first, 0.0 * g
        if k + 1 < last:
            second, h = psi[column[k + 1]], factor * value[k + 1]
        for i in range(n):
            more = g * first[i] + h * second[i]
            whole[i] += more
            total[i] += weight * more
        k += 2
    for c in range(c_start[s], c_start[s + 1]):
        g = factor * c_value[c]
        begin = step * c_site[c]
        for i in range(begin, begin + step):
            more = g * psi[c_column[c], i]
            whole[i] += more
            total[i] += weight * more


@njit(cache=True, fastmath={"contract"})
def apply_rows(psi, out, shift, potential, hop, step, chain, coupling):
    """out = (H - shift) psi.

    chain: diagonal, and the off-diagonal elements among configurations row by row (start,
    column, value; one spare value at the end); coupling: the J_sd elements row by row.
    """
    unused = np.zeros_like(out[0])
    for s in range(psi.shape[0]):
        _row(s, psi, out, unused, 0.0, 1.0, 0.0, shift, potential, hop, step, chain, coupling)


@njit(cache=True, fastmath={"contract"})
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
        total, w = even if k % 2 == 0 else odd, weights[k]
        for s in range(rows):
            _row(
                s,
                here,
                before,
                total[s],
                w,
                factor,
                1.0,
                shift,
                potential,
                hop,
                step,
                chain,
                coupling,
            )
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
