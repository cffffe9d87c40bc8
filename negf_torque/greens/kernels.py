"""Compiled block-tridiagonal elimination for eight small chains at a time.

With the blocks S_l = E - H_l - U_l - Sigma_l - V_{l-1} g_{l-1} V_{l-1}^+ and g_l = S_l^{-1}
(Sigma_l: the leads' self-energies at the ends, and any other local one), the columns of
the Green's function that start at the leads follow from

    y_0 = F_L,  y_l = V_{l-1} g_{l-1} y_{l-1},   psi_l = g_l (y_l + V_l^+ psi_{l+1})

for the left lead's sources F_L, and from psi_N = g_N F_R, psi_l = g_l V_l^+ psi_{l+1} for
the right lead's.  All arrays live in one workspace of lane elements (`lanes`); positions are
counted in elements.  V is sparse.  One layer of n orbitals costs about (2 + 3 m/n) n^3
complex multiplications, m the number of open channels.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from negf_torque.greens.lanes import (
    WIDTH,
    add,
    add_product,
    broadcast,
    conjugate,
    load,
    maximum,
    multiply,
    reciprocal,
    store,
    subtract,
    subtract_product,
)

__all__ = [
    "Chain",
    "Extra",
    "Layout",
    "Leads",
    "Matrices",
    "Outputs",
    "green_chunks",
    "layout",
    "solve_chunks",
]


class Matrices(NamedTuple):
    """Flattened on-site blocks or couplings, see `blocks.HarmonicMatrices`.

    ``by_column[e]`` is the entry that comes e-th when each matrix is sorted by columns;
    ``row_of`` and ``column_of`` are the rows and columns in that order.
    """

    pointer: np.ndarray
    row: np.ndarray
    column: np.ndarray
    term: np.ndarray
    harmonic: np.ndarray
    value: np.ndarray
    repeats: np.ndarray
    by_column: np.ndarray
    row_of: np.ndarray
    column_of: np.ndarray


class Chain(NamedTuple):
    """The Hamiltonian, phases (R, B), potential (L, B or 0)."""

    sizes: np.ndarray
    onsite: Matrices
    coupling: Matrices
    phases: np.ndarray
    potential: np.ndarray


class Extra(NamedTuple):
    """Further local self-energies: row of `value` where each layer begins, or -1."""

    pointer: np.ndarray
    value: np.ndarray


class Leads(NamedTuple):
    """Self-energies (B, n, n), unit vectors of the channels (B, n, m), sqrt of Gamma's
    eigenvalues (B, m)."""

    sigma_left: np.ndarray
    vectors_left: np.ndarray
    flux_left: np.ndarray
    open_left: np.ndarray
    sigma_right: np.ndarray
    vectors_right: np.ndarray
    flux_right: np.ndarray
    open_right: np.ndarray


@njit
def _put(ws, element, lane, value):
    ws[element * 2 * WIDTH + lane] = value.real
    ws[element * 2 * WIDTH + WIDTH + lane] = value.imag


@njit
def _get(ws, element, lane):
    return complex(ws[element * 2 * WIDTH + lane], ws[element * 2 * WIDTH + WIDTH + lane])


@njit
def _pack(ws, at, matrix, lanes, rows, columns):
    """Copy matrix[lane, :rows, :columns] of eight batch members."""
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(rows):
            for j in range(columns):
                _put(ws, at + i * columns + j, lane, matrix[b, i, j])


@njit
def _unpack(ws, at, matrix, lanes, count, rows, columns):
    for lane in range(count):
        b = lanes[lane]
        for i in range(rows):
            for j in range(columns):
                matrix[b, i, j] = _get(ws, at + i * columns + j, lane)


@njit
def _zero(ws, at, count):
    nothing = broadcast(0j)
    for e in range(count):
        store(ws, at + e, nothing)


@njit
def _entry(ws, e, term, harmonic, value, phases):
    total = broadcast(0j)
    for t in range(term[e], term[e + 1]):
        total = add_product(total, broadcast(value[t]), load(ws, phases + harmonic[t]))
    return total


@njit
def _multiply(ws, c, a, b, n, k, m):
    """C (n, m) = A (n, k) B (k, m), two by two to save loads."""
    for i in range(0, n - 1, 2):
        for j in range(0, m - 1, 2):
            c00 = c01 = c10 = c11 = broadcast(0j)
            for x in range(k):
                a0, a1 = load(ws, a + i * k + x), load(ws, a + (i + 1) * k + x)
                b0, b1 = load(ws, b + x * m + j), load(ws, b + x * m + j + 1)
                c00, c01 = add_product(c00, a0, b0), add_product(c01, a0, b1)
                c10, c11 = add_product(c10, a1, b0), add_product(c11, a1, b1)
            store(ws, c + i * m + j, c00)
            store(ws, c + i * m + j + 1, c01)
            store(ws, c + (i + 1) * m + j, c10)
            store(ws, c + (i + 1) * m + j + 1, c11)
        if m % 2:
            c00 = c10 = broadcast(0j)
            for x in range(k):
                b0 = load(ws, b + x * m + m - 1)
                c00 = add_product(c00, load(ws, a + i * k + x), b0)
                c10 = add_product(c10, load(ws, a + (i + 1) * k + x), b0)
            store(ws, c + i * m + m - 1, c00)
            store(ws, c + (i + 1) * m + m - 1, c10)
    if n % 2:
        i = n - 1
        for j in range(m):
            c00 = broadcast(0j)
            for x in range(k):
                c00 = add_product(c00, load(ws, a + i * k + x), load(ws, b + x * m + j))
            store(ws, c + i * m + j, c00)


@njit
def _largest(ws, at, count):
    """Bounds on |entries|, lane by lane (real part)."""
    largest = broadcast(0j)
    for e in range(count):
        largest = maximum(largest, load(ws, at + e))
    return largest


@njit
def _copy(ws, to, at, count):
    for e in range(count):
        store(ws, to + e, load(ws, at + e))


@njit
def _swap_where_small(ws, a, n, c, pivot):
    """Bring a large entry of column c to the diagonal in the lanes that lack one."""
    largest = broadcast(0j)
    for i in range(c + 1, n):
        largest = maximum(largest, load(ws, a + i * n + c))
    store(ws, pivot, largest)
    for lane in range(WIDTH):
        here = _get(ws, a + c * n + c, lane)
        size = abs(here.real) + abs(here.imag)
        best = c
        # threshold pivoting: rows stay where they are unless that would cost digits
        if 10 * size < ws[pivot * 2 * WIDTH + lane]:
            for i in range(c + 1, n):
                there = _get(ws, a + i * n + c, lane)
                if abs(there.real) + abs(there.imag) > size:
                    size, best = abs(there.real) + abs(there.imag), i
        ws[pivot * 2 * WIDTH + WIDTH + lane] = best
        if best != c:
            for j in range(n):
                upper = _get(ws, a + c * n + j, lane)
                _put(ws, a + c * n + j, lane, _get(ws, a + best * n + j, lane))
                _put(ws, a + best * n + j, lane, upper)


@njit
def _undo_swaps(ws, a, n, pivot):
    for c in range(n - 1, -1, -1):
        for lane in range(WIDTH):
            best = int(ws[(pivot + c) * 2 * WIDTH + WIDTH + lane])
            if best != c:
                for i in range(n):
                    left = _get(ws, a + i * n + c, lane)
                    _put(ws, a + i * n + c, lane, _get(ws, a + i * n + best, lane))
                    _put(ws, a + i * n + best, lane, left)


@njit
def _invert_singly(ws, a, n, pivot, pivoting):
    """Replace A (n, n) by its inverse: Gauss-Jordan, row pivots lane by lane.

    Without ``pivoting`` rows stay and the pivots themselves are left in ``pivot``.
    """
    for c in range(n):
        if pivoting:
            _swap_where_small(ws, a, n, c, pivot + c)
        else:
            store(ws, pivot + c, load(ws, a + c * n + c))
        inverse = reciprocal(load(ws, a + c * n + c))
        for j in range(n):
            store(ws, a + c * n + j, multiply(load(ws, a + c * n + j), inverse))
        store(ws, a + c * n + c, inverse)
        for i in range(n):
            if i != c:
                factor = load(ws, a + i * n + c)
                store(ws, a + i * n + c, broadcast(0j))
                for j in range(n):
                    product = load(ws, a + c * n + j)
                    e = a + i * n + j
                    store(ws, e, subtract_product(load(ws, e), factor, product))
    if pivoting:
        _undo_swaps(ws, a, n, pivot)


@njit
def _invert_pair(ws, p, n):
    """Invert the 2 x 2 block at p of a matrix of n columns; bound on its entries."""
    a00, a01, a10, a11 = load(ws, p), load(ws, p + 1), load(ws, p + n), load(ws, p + n + 1)
    inverse = reciprocal(subtract_product(multiply(a00, a11), a01, a10))
    minus = subtract(broadcast(0j), inverse)
    b00, b01 = multiply(a11, inverse), multiply(a01, minus)
    b10, b11 = multiply(a10, minus), multiply(a00, inverse)
    store(ws, p, b00)
    store(ws, p + 1, b01)
    store(ws, p + n, b10)
    store(ws, p + n + 1, b11)
    return maximum(maximum(maximum(maximum(broadcast(0j), b00), b01), b10), b11)


@njit
def _clear_pair(ws, a, n, i, c):
    """Subtract rows c, c + 1 from rows i, i + 1 of A so that its columns c, c + 1 vanish."""
    upper, lower = a + i * n, a + (i + 1) * n
    f00, f01 = load(ws, upper + c), load(ws, upper + c + 1)
    f10, f11 = load(ws, lower + c), load(ws, lower + c + 1)
    nothing = broadcast(0j)
    for j in (c, c + 1):
        store(ws, upper + j, nothing)
        store(ws, lower + j, nothing)
    first, second = a + c * n, a + (c + 1) * n
    for j in range(n):
        r0, r1 = load(ws, first + j), load(ws, second + j)
        x = subtract_product(subtract_product(load(ws, upper + j), f00, r0), f01, r1)
        y = subtract_product(subtract_product(load(ws, lower + j), f10, r0), f11, r1)
        store(ws, upper + j, x)
        store(ws, lower + j, y)


@njit
def _invert_by_pairs(ws, a, n):
    """Replace A (n, n) by its inverse, two columns at a time, without pivoting.

    Returns a bound on the inverse pivots: where it is large, digits were lost.
    """
    growth = broadcast(0j)
    even = n - n % 2
    for c in range(0, even, 2):
        block = a + c * n + c
        growth = maximum(growth, _invert_pair(ws, block, n))
        b00, b01 = load(ws, block), load(ws, block + 1)
        b10, b11 = load(ws, block + n), load(ws, block + n + 1)
        for j in range(n):
            if j != c and j != c + 1:
                e = a + c * n + j
                r0, r1 = load(ws, e), load(ws, e + n)
                store(ws, e, add_product(multiply(b00, r0), b01, r1))
                store(ws, e + n, add_product(multiply(b10, r0), b11, r1))
        for i in range(0, even, 2):
            if i != c:
                _clear_pair(ws, a, n, i, c)
        if n % 2:
            last = a + (n - 1) * n
            f0, f1 = load(ws, last + c), load(ws, last + c + 1)
            store(ws, last + c, broadcast(0j))
            store(ws, last + c + 1, broadcast(0j))
            for j in range(n):
                r0, r1 = load(ws, a + c * n + j), load(ws, a + (c + 1) * n + j)
                x = subtract_product(load(ws, last + j), f0, r0)
                store(ws, last + j, subtract_product(x, f1, r1))
    if n % 2:
        c = n - 1
        inverse = reciprocal(load(ws, a + c * n + c))
        growth = maximum(growth, inverse)
        store(ws, a + c * n + c, broadcast(1 + 0j))
        for j in range(n):
            store(ws, a + c * n + j, multiply(load(ws, a + c * n + j), inverse))
        for i in range(c):
            factor = load(ws, a + i * n + c)
            store(ws, a + i * n + c, broadcast(0j))
            for j in range(n):
                e = a + i * n + j
                product = load(ws, a + c * n + j)
                store(ws, e, subtract_product(load(ws, e), factor, product))
    return growth


@njit
def _invert(ws, a, n, pivot, spare):
    """Replace A (n, n) by its inverse; the bound |A| |A^{-1}| of each lane."""
    size = _largest(ws, a, n * n)
    if n == 1:
        store(ws, a, reciprocal(load(ws, a)))
        return multiply(size, maximum(broadcast(0j), load(ws, a)))
    if n == 2:
        return multiply(size, _invert_pair(ws, a, n))
    _copy(ws, spare, a, n * n)
    store(ws, pivot, multiply(size, _invert_by_pairs(ws, a, n)))
    again = False
    for lane in range(WIDTH):
        if not ws[pivot * 2 * WIDTH + lane] <= 1e3:
            again = True
    if again:
        # the lanes that need it are done again with row exchanges
        keep = spare + n * n
        _copy(ws, keep, pivot, 1)
        _invert_singly(ws, spare, n, pivot, True)
        for lane in range(WIDTH):
            if not ws[keep * 2 * WIDTH + lane] <= 1e3:
                for e in range(n * n):
                    _put(ws, a + e, lane, _get(ws, spare + e, lane))
    return multiply(size, _largest(ws, a, n * n))


@njit
def _coupling(ws, at, bonds, layer, phases):
    """Entries of V_layer, in the order of their list, and behind them sorted by columns."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    for e in range(first, last):
        value = _entry(ws, e, bonds.term, bonds.harmonic, bonds.value, phases)
        store(ws, at + e - first, value)
    transposed = at + last - first
    for e in range(first, last):
        source = bonds.by_column[e]
        store(ws, transposed + e - first, conjugate(load(ws, at + source - first)))


@njit
def _sparse_multiply(ws, c, v, row, column, first, last, a, rows, m):
    """C (rows, m) = V A (., m), the entries first:last of V sorted by rows."""
    e = first
    for i in range(rows):
        begin = e
        while e < last and row[e] == i:
            e += 1
        to = c + i * m
        for j in range(0, m - 1, 2):
            c0 = c1 = broadcast(0j)
            for x in range(begin, e):
                value, source = load(ws, v + x - first), a + column[x] * m + j
                c0 = add_product(c0, value, load(ws, source))
                c1 = add_product(c1, value, load(ws, source + 1))
            store(ws, to + j, c0)
            store(ws, to + j + 1, c1)
        if m % 2:
            c0 = broadcast(0j)
            for x in range(begin, e):
                source = a + column[x] * m + m - 1
                c0 = add_product(c0, load(ws, v + x - first), load(ws, source))
            store(ws, to + m - 1, c0)


@njit
def _couple(ws, c, v, a, bonds, layer, rows, m):
    """C (n_{l+1}, m) = V_l A (n_l, m)."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    _sparse_multiply(ws, c, v, bonds.row, bonds.column, first, last, a, rows, m)


@njit
def _couple_back(ws, c, v, a, bonds, layer, rows, m):
    """C (n_l, m) = V_l^+ A (n_{l+1}, m)."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    transposed = v + last - first
    _sparse_multiply(ws, c, transposed, bonds.column_of, bonds.row_of, first, last, a, rows, m)


@njit
def _onsite(ws, at, h, energy_at, cells, layer, n, phases):
    """E - H_l - U_l, from the assembled H_l, which is renewed if it changed."""
    if not cells.repeats[layer]:
        _zero(ws, h, n * n)
        for e in range(cells.pointer[layer], cells.pointer[layer + 1]):
            value = _entry(ws, e, cells.term, cells.harmonic, cells.value, phases)
            store(ws, h + cells.row[e] * n + cells.column[e], value)
    nothing = broadcast(0j)
    for e in range(n * n):
        store(ws, at + e, subtract(nothing, load(ws, h + e)))
    shifted = load(ws, energy_at)
    for i in range(n):
        e = at + i * n + i
        store(ws, e, add(load(ws, e), shifted))


@njit
def _energy(ws, at, energy, potential, layer, lanes):
    """E - U_l of the lanes; without a potential it is the same for all layers."""
    shifts = potential.shape[0] > 0
    if layer > 0 and not shifts:
        return
    for lane in range(WIDTH):
        shift = potential[layer, lanes[lane]] if shifts else 0.0
        _put(ws, at, lane, energy[lanes[lane]] - shift)


@njit
def _subtract_extra(ws, at, extra, layer, n, lanes):
    """Further self-energy of a layer."""
    begin = extra.pointer[layer]
    if begin >= 0:
        varies = extra.value.shape[1] > 1
        for lane in range(WIDTH):
            b = lanes[lane] if varies else 0
            for e in range(n * n):
                _put(ws, at + e, lane, _get(ws, at + e, lane) - extra.value[begin + e, b])


@njit
def _subtract_matrix(ws, at, matrix, lanes, n):
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(n):
            for j in range(n):
                e = at + i * n + j
                _put(ws, e, lane, _get(ws, e, lane) - matrix[b, i, j])


@njit
def _connect(ws, at, g, v, scratch, bonds, layer, n, m):
    """Subtract V g V^+ of the bond (layer, layer + 1) from the block (n, n) of layer + 1."""
    _couple(ws, scratch, v, g, bonds, layer, n, m)
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    for i in range(n):
        source, to = scratch + i * m, at + i * n
        e = first
        while e < last:
            row = bonds.row[e]
            total = load(ws, to + row)
            while e < last and bonds.row[e] == row:
                value = conjugate(load(ws, v + e - first))
                total = subtract_product(total, load(ws, source + bonds.column[e]), value)
                e += 1
            store(ws, to + row, total)


@njit
def _density(ws, rho, a, b, m, begin, end, plan, layer):
    """rho[row, column] = sum over columns begin:end of A[row] conj(B[column])."""
    first = plan.element[layer]
    for e in range(first, plan.element[layer + 1]):
        total = broadcast(0j)
        left, right = a + plan.row[e] * m, b + plan.column[e] * m
        for x in range(begin, end):
            total = add_product(total, load(ws, left + x), conjugate(load(ws, right + x)))
        store(ws, rho + e - first, total)


@njit
def _combine(ws, rho, plan, g, to):
    total = broadcast(0j)
    for t in range(plan.term[g], plan.term[g + 1]):
        total = add_product(total, broadcast(plan.weight[t]), load(ws, rho + plan.which[t]))
    store(ws, to, total)


@njit
def _phases(ws, at, chain, lanes):
    for r in range(chain.phases.shape[0]):
        for lane in range(WIDTH):
            _put(ws, at + r, lane, chain.phases[r, lanes[lane]])


@njit
def _scatter(ws, t, scratch, out, into, psi, same, into_array, lanes, count):
    """into_array[lane] = U_out (i F_out^+ psi - same) U_in^+ for the open channels.

    ``out`` and ``into`` are (U, F, n, m) of the two leads; ``psi`` (position, columns, first
    column) holds the Green's function's columns at the outgoing lead.
    """
    u_out, f_out, rows, m_out = out
    u_in, _, columns, m_in = into
    position, m, begin = psi
    for i in range(m_out):
        for j in range(m_in):
            total = broadcast(0j)
            for x in range(rows):
                outgoing = conjugate(load(ws, f_out + x * m_out + i))
                total = add_product(total, outgoing, load(ws, position + x * m + begin + j))
            total = multiply(total, broadcast(1j))
            if same and i == j:
                total = subtract(total, broadcast(1 + 0j))
            store(ws, t + i * m_in + j, total)
    _multiply(ws, scratch, u_out, t, rows, m_out, m_in)
    for i in range(rows):
        for j in range(columns):
            total = broadcast(0j)
            for x in range(m_in):
                incoming = conjugate(load(ws, u_in + j * m_in + x))
                total = add_product(total, load(ws, scratch + i * m_in + x), incoming)
            store(ws, t + i * columns + j, total)
    _unpack(ws, t, into_array, lanes, count, rows, columns)


@njit
def _sources(ws, u, f, vectors, flux, lanes, n, m):
    """Pack unit vectors U and sources F = U sqrt(gamma) of a lead's open channels."""
    _pack(ws, u, vectors, lanes, n, m)
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(n):
            for j in range(m):
                _put(ws, f + i * m + j, lane, _get(ws, u + i * m + j, lane) * flux[b, j])


@njit
def _expectations(ws, at, plan, layer, a, b, columns, imaginary, out, lanes, count):
    """Real (or twice the imaginary) part of tr O A B^+ for both leads' columns."""
    m_left, m = columns
    for lead in range(2):
        begin, end = (0, m_left) if lead == 0 else (m_left, m)
        _density(ws, at.rho, a, b, m, begin, end, plan, layer)
        for g in range(plan.group[layer], plan.group[layer + 1]):
            _combine(ws, at.rho, plan, g, at.value)
            for lane in range(count):
                value = _get(ws, at.value, lane)
                result = 2 * value.imag if imaginary else value.real
                out[lead, plan.operator[g], lanes[lane]] = result


class Layout(NamedTuple):
    """Where things lie in the workspace, in elements; see `layout`."""

    growth: int
    value: int
    energy: int
    phases: int
    pivot: int
    u_left: int
    f_left: int
    u_right: int
    f_right: int
    h: int
    v: int
    scratch: int
    other: int
    spare: int
    psi: int
    next: int
    z: int
    rho: int
    green: int
    column: int
    end: int


def layout(sizes, phases, entries, rho, columns, stored):
    """Lay the workspace out for chains of these layer sizes.

    Parameters: layer sizes, number of phases, largest number of entries of a V and of
    elements of a plan's layer, largest number of open channels of one lead, and how many
    columns a layer keeps between the sweeps.
    """
    n = int(max(sizes))
    wide = max(n, 2 * columns)
    lengths = [1, 1, 1, phases, n] + [n * columns] * 4
    lengths += [n * n, 2 * entries, n * wide, n * wide, n * n + 1]
    lengths += [n * wide] * 3 + [rho, int(np.sum(np.square(sizes))), int(np.sum(sizes)) * stored]
    return Layout(*(int(x) for x in np.concatenate([[0], np.cumsum(lengths)])))


@njit
def _sweep(ws, at, chain, leads, extra, energy, lanes, m_left, logarithm):
    """Left-connected g_l of every layer and, if m_left > 0, g_l y_l of the left sources.

    `at.growth` collects the largest |S_l| |g_l| or, for the ``logarithm``, the sum of the
    logarithms of all pivots.
    """
    layers = len(chain.sizes)
    green, column, previous = at.green, at.column, 0
    _zero(ws, at.growth, 1)
    for layer in range(layers):
        n = chain.sizes[layer]
        _energy(ws, at.energy, energy, chain.potential, layer, lanes)
        _onsite(ws, green, at.h, at.energy, chain.onsite, layer, n, at.phases)
        _subtract_extra(ws, green, extra, layer, n, lanes)
        if layer == 0:
            _subtract_matrix(ws, green, leads.sigma_left, lanes, n)
        else:
            if not chain.coupling.repeats[layer - 1]:
                _coupling(ws, at.v, chain.coupling, layer - 1, at.phases)
            before = green - previous * previous
            _connect(ws, green, before, at.v, at.scratch, chain.coupling, layer - 1, n, previous)
        if layer == layers - 1:
            _subtract_matrix(ws, green, leads.sigma_right, lanes, n)
        if logarithm:
            _invert_singly(ws, green, n, at.pivot, False)
            for c in range(n):
                for lane in range(WIDTH):
                    pivot = np.log(_get(ws, at.pivot + c, lane))
                    _put(ws, at.growth, lane, _get(ws, at.growth, lane) + pivot)
        else:
            size = _invert(ws, green, n, at.pivot, at.spare)
            store(ws, at.growth, maximum(load(ws, at.growth), size))
        if m_left > 0:
            source = at.f_left
            if layer > 0:
                source = at.scratch
                before = column - previous * m_left
                _couple(ws, source, at.v, before, chain.coupling, layer - 1, n, m_left)
            _multiply(ws, column, green, source, n, n, m_left)
            column += n * m_left
        green += n * n
        previous = n


@njit
def _layer_states(ws, at, chain, layer, green, column, m_left, m, last):
    """psi_l of both leads' sources, into `at.psi`, from psi_{l+1} in `at.next`."""
    n = chain.sizes[layer]
    if last:
        m_right = m - m_left
        _multiply(ws, at.scratch, green, at.f_right, n, n, m_right)
        for i in range(n):
            for j in range(m_right):
                element = load(ws, at.scratch + i * m_right + j)
                store(ws, at.psi + i * m + m_left + j, element)
            for j in range(m_left):
                store(ws, at.psi + i * m + j, load(ws, column + i * m_left + j))
        return
    if layer == len(chain.sizes) - 2 or not chain.coupling.repeats[layer + 1]:
        _coupling(ws, at.v, chain.coupling, layer, at.phases)
    _couple_back(ws, at.z, at.v, at.next, chain.coupling, layer, n, m)
    _multiply(ws, at.psi, green, at.z, n, n, m)
    for i in range(n):
        for j in range(m_left):
            e = at.psi + i * m + j
            store(ws, e, add(load(ws, e), load(ws, column + i * m_left + j)))


@njit
def _solve_chunk(ws, at, chain, leads, extra, energy, local_plan, current_plan, lanes, count,
                 out):
    n_left, n_right = leads.sigma_left.shape[1], leads.sigma_right.shape[1]
    m_left = m_right = 0
    for lane in range(WIDTH):
        m_left = max(m_left, leads.open_left[lanes[lane]])
        m_right = max(m_right, leads.open_right[lanes[lane]])
    m = m_left + m_right
    _phases(ws, at.phases, chain, lanes)
    _sources(ws, at.u_left, at.f_left, leads.vectors_left, leads.flux_left, lanes, n_left, m_left)
    _sources(ws, at.u_right, at.f_right, leads.vectors_right, leads.flux_right, lanes, n_right,
             m_right)
    _sweep(ws, at, chain, leads, extra, energy, lanes, m_left, False)
    left = (at.u_left, at.f_left, n_left, m_left)
    right = (at.u_right, at.f_right, n_right, m_right)

    layers = len(chain.sizes)
    green = at.green
    column = at.column
    for layer in range(layers):
        green += chain.sizes[layer] * chain.sizes[layer]
        column += chain.sizes[layer] * m_left
    for layer in range(layers - 1, -1, -1):
        n = chain.sizes[layer]
        green -= n * n
        column -= n * m_left
        last = layer == layers - 1
        _layer_states(ws, at, chain, layer, green, column, m_left, m, last)
        _expectations(ws, at, local_plan, layer, at.psi, at.psi, (m_left, m), False,
                      out.local, lanes, count)
        if not last and current_plan.group[layer + 1] < current_plan.group[layer + 2]:
            after = chain.sizes[layer + 1]
            _couple(ws, at.scratch, at.v, at.psi, chain.coupling, layer, after, m)
            _expectations(ws, at, current_plan, layer + 1, at.scratch, at.next, (m_left, m), True,
                          out.current, lanes, count)
        if last and out.scattering:
            _scatter(ws, at.scratch, at.other, right, right, (at.psi, m, m_left), True,
                     out.reflection_right, lanes, count)
            _scatter(ws, at.scratch, at.other, right, left, (at.psi, m, 0), False,
                     out.transmission_left, lanes, count)
        if last:
            _transmission(ws, at, n, m_left, m_right, out.transmission, lanes, count)
        _copy(ws, at.next, at.psi, n * m)
    if out.scattering:
        _scatter(ws, at.scratch, at.other, left, left, (at.psi, m, 0), True, out.reflection,
                 lanes, count)
        _scatter(ws, at.scratch, at.other, left, right, (at.psi, m, m_left), False,
                 out.transmission_right, lanes, count)
    for lane in range(count):
        out.growth[lanes[lane]] = ws[at.growth * 2 * WIDTH + lane]


@njit
def _transmission(ws, at, n, m_left, m_right, transmission, lanes, count):
    """Sum over channels of |i F_R^+ psi|^2."""
    m = m_left + m_right
    probability = broadcast(0j)
    for i in range(m_right):
        for j in range(m_left):
            total = broadcast(0j)
            for x in range(n):
                outgoing = conjugate(load(ws, at.f_right + x * m_right + i))
                total = add_product(total, outgoing, load(ws, at.psi + x * m + j))
            probability = add_product(probability, total, conjugate(total))
    store(ws, at.value, probability)
    for lane in range(count):
        transmission[lanes[lane]] = _get(ws, at.value, lane).real


class Outputs(NamedTuple):
    """Arrays that `solve_chunks` fills; see `batched.Fields`."""

    scattering: bool
    reflection: np.ndarray
    transmission_left: np.ndarray
    reflection_right: np.ndarray
    transmission_right: np.ndarray
    transmission: np.ndarray
    local: np.ndarray
    current: np.ndarray
    growth: np.ndarray


@njit
def _chunk_lanes(order, chunk, lanes):
    """Batch members of a chunk; the last is repeated where the batch has run out."""
    count = min(WIDTH, len(order) - chunk * WIDTH)
    for lane in range(WIDTH):
        lanes[lane] = order[chunk * WIDTH + min(lane, count - 1)]
    return count


@njit(cache=True, nogil=True)
def solve_chunks(ws, at, chain, leads, extra, energy, local_plan, current_plan, out, order, begin,
                 end):
    """Scattering states of the chunks begin:end of the batch members ``order``."""
    lanes = np.empty(WIDTH, np.int64)
    for chunk in range(begin, end):
        count = _chunk_lanes(order, chunk, lanes)
        _solve_chunk(ws, at, chain, leads, extra, energy, local_plan, current_plan, lanes, count,
                     out)


@njit
def _layer_green(ws, at, chain, layer, green):
    """G_ll = g_l + g_l V^+ G_{l+1,l+1} V g_l in place of g_l (G_{l+1,l+1} follows it)."""
    n, after = chain.sizes[layer], chain.sizes[layer + 1]
    if layer == len(chain.sizes) - 2 or not chain.coupling.repeats[layer + 1]:
        _coupling(ws, at.v, chain.coupling, layer, at.phases)
    _couple(ws, at.scratch, at.v, green, chain.coupling, layer, after, n)
    _multiply(ws, at.other, green + n * n, at.scratch, after, after, n)
    _couple_back(ws, at.scratch, at.v, at.other, chain.coupling, layer, n, n)
    _multiply(ws, at.other, green, at.scratch, n, n, n)
    for e in range(n * n):
        store(ws, green + e, add(load(ws, green + e), load(ws, at.other + e)))


@njit(cache=True, nogil=True)
def green_chunks(ws, at, chain, leads, extra, energy, plan, logarithm, local, determinant, order,
                 begin, end):
    """tr O G_ll, or (``logarithm``) ln det(E - H - Sigma), of the chunks begin:end."""
    lanes = np.empty(WIDTH, np.int64)
    layers = len(chain.sizes)
    for chunk in range(begin, end):
        count = _chunk_lanes(order, chunk, lanes)
        _phases(ws, at.phases, chain, lanes)
        _sweep(ws, at, chain, leads, extra, energy, lanes, 0, logarithm)
        if logarithm:
            for lane in range(count):
                determinant[lanes[lane]] = _get(ws, at.growth, lane)
            continue
        for lane in range(count):
            determinant[lanes[lane]] = ws[at.growth * 2 * WIDTH + lane]
        green = at.green + np.sum(chain.sizes * chain.sizes)
        for layer in range(layers - 1, -1, -1):
            n = chain.sizes[layer]
            green -= n * n
            if layer < layers - 1:
                _layer_green(ws, at, chain, layer, green)
            first = plan.element[layer]
            for e in range(first, plan.element[layer + 1]):
                element = load(ws, green + plan.row[e] * n + plan.column[e])
                store(ws, at.rho + e - first, element)
            for g in range(plan.group[layer], plan.group[layer + 1]):
                _combine(ws, at.rho, plan, g, at.value)
                for lane in range(count):
                    local[plan.operator[g], lanes[lane]] = _get(ws, at.value, lane)
