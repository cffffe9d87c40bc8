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
    larger,
    load,
    maximum,
    multiply,
    reciprocal,
    store,
    subtract,
    subtract_product,
)

__all__ = [
    "Blocks",
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

    Rows and columns are counted in the partition's order of the orbitals, and the entries of
    each matrix are sorted by rows; ``begin[e]:end[e]`` are the terms of entry e.
    ``by_column[e]`` is the entry that comes e-th when a matrix is sorted by columns;
    ``row_of`` and ``column_of`` are the rows and columns in that order.
    """

    pointer: np.ndarray
    row: np.ndarray
    column: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    harmonic: np.ndarray
    value: np.ndarray
    repeats: np.ndarray
    by_column: np.ndarray
    row_of: np.ndarray
    column_of: np.ndarray


class Blocks(NamedTuple):
    """Sets of orbitals of a layer that nothing links from the left, see `partition`.

    Those of layer l are the ranges ``start[b]:stop[b]``, b in ``pointer[l]:pointer[l + 1]``:
    the left-connected g_l is block-diagonal.
    """

    pointer: np.ndarray
    start: np.ndarray
    stop: np.ndarray


class Chain(NamedTuple):
    """The Hamiltonian, phases (R, B), potential (L, B or 0), and the scale of its entries."""

    sizes: np.ndarray
    blocks: Blocks
    onsite: Matrices
    coupling: Matrices
    phases: np.ndarray
    potential: np.ndarray
    scale: float


class Extra(NamedTuple):
    """Further local self-energies: row of `value` where each layer begins, or -1."""

    pointer: np.ndarray
    value: np.ndarray


class Leads(NamedTuple):
    """Self-energies (B, n, n), unit vectors of the channels (B, n, m), sqrt of Gamma's
    eigenvalues (B, m), and which orbital the partition puts at each position."""

    sigma_left: np.ndarray
    vectors_left: np.ndarray
    flux_left: np.ndarray
    open_left: np.ndarray
    orbitals_left: np.ndarray
    sigma_right: np.ndarray
    vectors_right: np.ndarray
    flux_right: np.ndarray
    open_right: np.ndarray
    orbitals_right: np.ndarray


@njit(forceinline=True)
def _put(ws, element, lane, value):
    ws[element * 2 * WIDTH + lane] = value.real
    ws[element * 2 * WIDTH + WIDTH + lane] = value.imag


@njit(forceinline=True)
def _get(ws, element, lane):
    return complex(ws[element * 2 * WIDTH + lane], ws[element * 2 * WIDTH + WIDTH + lane])


@njit
def _pack(ws, at, matrix, lanes, rows, columns):
    """Copy matrix[lane, rows, :columns] of eight batch members."""
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(len(rows)):
            for j in range(columns):
                _put(ws, at + i * columns + j, lane, matrix[b, rows[i], j])


@njit
def _unpack(ws, at, matrix, lanes, count, rows, columns):
    for lane in range(count):
        b = lanes[lane]
        for i in range(len(rows)):
            for j in range(len(columns)):
                matrix[b, rows[i], columns[j]] = _get(ws, at + i * len(columns) + j, lane)


@njit
def _zero(ws, at, count):
    nothing = broadcast(0j)
    for e in range(count):
        store(ws, at + e, nothing)


@njit(forceinline=True)
def _entry(ws, e, begin, end, harmonic, value, phases):
    total = broadcast(0j)
    for t in range(begin[e], end[e]):
        total = add_product(total, broadcast(value[t]), load(ws, phases + harmonic[t]))
    return total


@njit
def _multiply(ws, c, a, stride, b, n, k, m):
    """C (n, m) = A (n, k) B (k, m), rows of A ``stride`` apart; two by two to save loads."""
    for i in range(0, n - 1, 2):
        upper, lower = a + i * stride, a + (i + 1) * stride
        for j in range(0, m - 1, 2):
            c00 = c01 = c10 = c11 = broadcast(0j)
            for x in range(k):
                a0, a1 = load(ws, upper + x), load(ws, lower + x)
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
                c00 = add_product(c00, load(ws, upper + x), b0)
                c10 = add_product(c10, load(ws, lower + x), b0)
            store(ws, c + i * m + m - 1, c00)
            store(ws, c + (i + 1) * m + m - 1, c10)
    if n % 2:
        i = n - 1
        for j in range(m):
            c00 = broadcast(0j)
            for x in range(k):
                c00 = add_product(c00, load(ws, a + i * stride + x), load(ws, b + x * m + j))
            store(ws, c + i * m + j, c00)


@njit(forceinline=True)
def _green_multiply(ws, c, g, b, blocks, layer, n, m):
    """C (n, m) = g_l B (n, m), g_l block-diagonal."""
    for x in range(blocks.pointer[layer], blocks.pointer[layer + 1]):
        start = blocks.start[x]
        size = blocks.stop[x] - start
        corner = g + start * n + start
        _multiply(ws, c + start * m, corner, n, b + start * m, size, size, m)


@njit(forceinline=True)
def _largest(ws, a, stride, n):
    """Bounds on the entries of an inverse A (n, n), lane by lane (real part)."""
    one = two = broadcast(0j)
    for i in range(n):
        for j in range(0, n - 1, 2):
            one = larger(one, load(ws, a + i * stride + j))
            two = larger(two, load(ws, a + i * stride + j + 1))
        if n % 2:
            one = larger(one, load(ws, a + i * stride + n - 1))
    one = larger(one, two)
    # an inversion that failed leaves not-a-number everywhere
    for i in range(n):
        one = maximum(one, load(ws, a + i * stride + i))
    return one


@njit
def _copy(ws, to, at, count):
    for e in range(count):
        store(ws, to + e, load(ws, at + e))


@njit
def _swap_where_small(ws, a, stride, n, c, pivot):
    """Bring a large entry of column c to the diagonal in the lanes that lack one."""
    for lane in range(WIDTH):
        size, best = -1.0, c
        for i in range(c, n):
            there = _get(ws, a + i * stride + c, lane)
            here = abs(there.real) + abs(there.imag)
            if here > size:
                size, best = here, i
        ws[pivot * 2 * WIDTH + lane] = best
        if best != c:
            for j in range(n):
                upper = _get(ws, a + c * stride + j, lane)
                _put(ws, a + c * stride + j, lane, _get(ws, a + best * stride + j, lane))
                _put(ws, a + best * stride + j, lane, upper)


@njit
def _undo_swaps(ws, a, stride, n, pivot):
    for c in range(n - 1, -1, -1):
        for lane in range(WIDTH):
            best = int(ws[(pivot + c) * 2 * WIDTH + lane])
            if best != c:
                for i in range(n):
                    left = _get(ws, a + i * stride + c, lane)
                    _put(ws, a + i * stride + c, lane, _get(ws, a + i * stride + best, lane))
                    _put(ws, a + i * stride + best, lane, left)


@njit
def _clear_column(ws, a, stride, n, c):
    """One step of an inversion in place: pivot at (c, c)."""
    row = a + c * stride
    inverse = reciprocal(load(ws, row + c))
    store(ws, row + c, broadcast(1 + 0j))
    for j in range(n):
        store(ws, row + j, multiply(load(ws, row + j), inverse))
    for i in range(n):
        if i != c:
            here = a + i * stride
            factor = load(ws, here + c)
            store(ws, here + c, broadcast(0j))
            for j in range(n):
                value = subtract_product(load(ws, here + j), factor, load(ws, row + j))
                store(ws, here + j, value)
    return inverse


@njit
def _invert_pivoted(ws, a, stride, n, pivot):
    """Replace A (n, n) by its inverse: Gauss-Jordan, row pivots lane by lane."""
    for c in range(n):
        _swap_where_small(ws, a, stride, n, c, pivot + c)
        _clear_column(ws, a, stride, n, c)
    _undo_swaps(ws, a, stride, n, pivot)


@njit(forceinline=True)
def _invert_corner(ws, p, stride):
    """Invert the 2 x 2 block at p; bound on its entries."""
    q = p + stride
    a00, a01, a10, a11 = load(ws, p), load(ws, p + 1), load(ws, q), load(ws, q + 1)
    inverse = reciprocal(subtract_product(multiply(a00, a11), a01, a10))
    minus = subtract(broadcast(0j), inverse)
    b00, b01 = multiply(a11, inverse), multiply(a01, minus)
    b10, b11 = multiply(a10, minus), multiply(a00, inverse)
    store(ws, p, b00)
    store(ws, p + 1, b01)
    store(ws, q, b10)
    store(ws, q + 1, b11)
    return maximum(maximum(maximum(maximum(broadcast(0j), b00), b01), b10), b11)


@njit
def _clear_pair(ws, upper, lower, first, second, c, n):
    """Subtract two pivot rows from two others (or twice from one) to clear columns c, c + 1."""
    f00, f01 = load(ws, upper + c), load(ws, upper + c + 1)
    f10, f11 = load(ws, lower + c), load(ws, lower + c + 1)
    nothing = broadcast(0j)
    for j in (c, c + 1):
        store(ws, upper + j, nothing)
        store(ws, lower + j, nothing)
    for j in range(n):
        r0, r1 = load(ws, first + j), load(ws, second + j)
        x = subtract_product(subtract_product(load(ws, upper + j), f00, r0), f01, r1)
        y = subtract_product(subtract_product(load(ws, lower + j), f10, r0), f11, r1)
        store(ws, upper + j, x)
        store(ws, lower + j, y)


@njit
def _invert_by_pairs(ws, a, stride, n):
    """Replace A (n, n) by its inverse, two columns at a time, without row exchanges.

    Returns a bound on the inverse pivots: where it is large, digits were lost.
    """
    growth = broadcast(0j)
    for c in range(0, n - 1, 2):
        first, second = a + c * stride, a + (c + 1) * stride
        growth = maximum(growth, _invert_corner(ws, first + c, stride))
        b00, b01 = load(ws, first + c), load(ws, first + c + 1)
        b10, b11 = load(ws, second + c), load(ws, second + c + 1)
        for j in range(n):
            if j != c and j != c + 1:
                r0, r1 = load(ws, first + j), load(ws, second + j)
                store(ws, first + j, add_product(multiply(b00, r0), b01, r1))
                store(ws, second + j, add_product(multiply(b10, r0), b11, r1))
        for i in range(0, n, 2):
            if i != c:
                upper = a + i * stride
                # a single last row is its own partner
                lower = upper + stride if i + 1 < n else upper
                _clear_pair(ws, upper, lower, first, second, c, n)
    if n % 2:
        growth = maximum(growth, _clear_column(ws, a, stride, n, n - 1))
    return growth


@njit(forceinline=True)
def _invert(ws, a, stride, n):
    """Replace A (n, n) by its inverse without row exchanges; bound on the inverse pivots."""
    if n == 1:
        store(ws, a, reciprocal(load(ws, a)))
        return maximum(broadcast(0j), load(ws, a))
    if n == 2:
        return _invert_corner(ws, a, stride)
    return _invert_by_pairs(ws, a, stride, n)


@njit
def _coupling(ws, at, bonds, layer, phases):
    """Entries of V_layer, in the order of their list, and behind them sorted by columns."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    for e in range(first, last):
        value = _entry(ws, e, bonds.begin, bonds.end, bonds.harmonic, bonds.value, phases)
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


@njit(forceinline=True)
def _couple(ws, c, v, a, bonds, layer, rows, m):
    """C (n_{l+1}, m) = V_l A (n_l, m)."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    _sparse_multiply(ws, c, v, bonds.row, bonds.column, first, last, a, rows, m)


@njit(forceinline=True)
def _couple_back(ws, c, v, a, bonds, layer, rows, m):
    """C (n_l, m) = V_l^+ A (n_{l+1}, m)."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    transposed = v + last - first
    _sparse_multiply(ws, c, transposed, bonds.column_of, bonds.row_of, first, last, a, rows, m)


@njit(forceinline=True)
def _onsite(ws, at, h, energy_at, cells, layer, n, phases):
    """E - H_l - U_l, from the assembled H_l, which is renewed if it changed."""
    if not cells.repeats[layer]:
        _zero(ws, h, n * n)
        for e in range(cells.pointer[layer], cells.pointer[layer + 1]):
            value = _entry(ws, e, cells.begin, cells.end, cells.harmonic, cells.value, phases)
            store(ws, h + cells.row[e] * n + cells.column[e], value)
    nothing = broadcast(0j)
    for e in range(n * n):
        store(ws, at + e, subtract(nothing, load(ws, h + e)))
    shifted = load(ws, energy_at)
    for i in range(n):
        e = at + i * n + i
        store(ws, e, add(load(ws, e), shifted))


@njit(forceinline=True)
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
def _subtract_sigma(ws, at, sigma, lanes, orbitals):
    n = len(orbitals)
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(n):
            for j in range(n):
                e = at + i * n + j
                _put(ws, e, lane, _get(ws, e, lane) - sigma[b, orbitals[i], orbitals[j]])


@njit(forceinline=True)
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


@njit(forceinline=True)
def _density(ws, rho, a, b, m, begin, end, plan, layer):
    """rho[row, column] = sum over columns begin:end of A[row] conj(B[column])."""
    first = plan.element[layer]
    for e in range(first, plan.element[layer + 1]):
        total = broadcast(0j)
        left, right = a + plan.row[e] * m, b + plan.column[e] * m
        for x in range(begin, end):
            total = add_product(total, load(ws, left + x), conjugate(load(ws, right + x)))
        store(ws, rho + e - first, total)


@njit(forceinline=True)
def _combine(ws, rho, plan, g, to):
    total = broadcast(0j)
    for t in range(plan.term[g], plan.term[g + 1]):
        total = add_product(total, broadcast(plan.weight[t]), load(ws, rho + plan.which[t]))
    store(ws, to, total)


@njit
def _phases(ws, at, phases, lanes):
    for r in range(phases.shape[0]):
        for lane in range(WIDTH):
            _put(ws, at + r, lane, phases[r, lanes[lane]])


@njit
def _scatter(ws, at, out, into, psi, same, into_array, lanes, count):
    """into_array[lane] = U_out (i F_out^+ psi - same) U_in^+ for the open channels.

    ``out`` and ``into`` are (U, F, orbitals, m) of the two leads; ``psi`` (position, columns, first
    column) holds the Green's function's columns at the outgoing lead.
    """
    u_out, f_out, to, m_out = out
    u_in, _, source, m_in = into
    rows, columns = len(to), len(source)
    position, m, begin = psi
    t, scratch = at.scratch, at.other
    for i in range(m_out):
        for j in range(m_in):
            total = broadcast(0j)
            for x in range(rows):
                outgoing = conjugate(load(ws, f_out + x * m_out + i))
                total = add_product(total, outgoing, load(ws, position + x * m + begin + j))
            total = multiply(total, broadcast(1j))
            if same == 1 and i == j:
                total = subtract(total, broadcast(1 + 0j))
            store(ws, t + i * m_in + j, total)
    _multiply(ws, scratch, u_out, m_out, t, rows, m_out, m_in)
    for i in range(rows):
        for j in range(columns):
            total = broadcast(0j)
            for x in range(m_in):
                incoming = conjugate(load(ws, u_in + j * m_in + x))
                total = add_product(total, load(ws, scratch + i * m_in + x), incoming)
            store(ws, t + i * columns + j, total)
    _unpack(ws, t, into_array, lanes, count, to, source)


@njit
def _sources(ws, u, f, vectors, flux, lanes, orbitals, m):
    """Pack unit vectors U and sources F = U sqrt(gamma) of a lead's open channels."""
    _pack(ws, u, vectors, lanes, orbitals, m)
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(len(orbitals)):
            for j in range(m):
                _put(ws, f + i * m + j, lane, _get(ws, u + i * m + j, lane) * flux[b, j])


@njit(forceinline=True)
def _expectations(ws, at, plan, layer, a, b, columns, imaginary, out, lanes, count):
    """Real (or twice the imaginary) part of tr O A B^+ for both leads' columns."""
    m_left, m = columns
    for lead in range(2):
        begin = lead * m_left
        end = m_left if lead == 0 else m
        _density(ws, at.rho, a, b, m, begin, end, plan, layer)
        for g in range(plan.group[layer], plan.group[layer + 1]):
            _combine(ws, at.rho, plan, g, at.value)
            for lane in range(count):
                value = _get(ws, at.value, lane)
                result = 2 * value.imag if imaginary == 1 else value.real
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
    lengths += [n * n, 2 * entries, n * wide, n * wide, n * n]
    lengths += [n * wide] * 3 + [rho, int(np.sum(np.square(sizes))), int(np.sum(sizes)) * stored]
    return Layout(*(int(x) for x in np.concatenate([[0], np.cumsum(lengths)])))


@njit(forceinline=True)
def _block(ws, to, before, at, chain, leads, extra, layer, previous, lanes):
    """S_l = E - H_l - U_l - Sigma_l - V g V^+, g at ``before`` (previous, previous)."""
    n = chain.sizes[layer]
    _onsite(ws, to, at.h, at.energy, chain.onsite, layer, n, at.phases)
    _subtract_extra(ws, to, extra, layer, n, lanes)
    if layer == 0:
        _subtract_sigma(ws, to, leads.sigma_left, lanes, leads.orbitals_left)
    else:
        _connect(ws, to, before, at.v, at.scratch, chain.coupling, layer - 1, n, previous)
    if layer == len(chain.sizes) - 1:
        _subtract_sigma(ws, to, leads.sigma_right, lanes, leads.orbitals_right)


@njit(forceinline=True)
def _invert_blocks(ws, green, at, blocks, layer, n, scale):
    """Invert the blocks of S_l at ``green``; whether some lane needs row exchanges."""
    growth = broadcast(0j)
    for x in range(blocks.pointer[layer], blocks.pointer[layer + 1]):
        start = blocks.start[x]
        corner = green + start * n + start
        growth = maximum(growth, _invert(ws, corner, n, blocks.stop[x] - start))
    store(ws, at.pivot, growth)
    for lane in range(WIDTH):
        if not ws[at.pivot * 2 * WIDTH + lane] * scale <= 1e3:
            return n > 2
    return False


@njit
def _invert_again(ws, green, at, blocks, layer, n, scale):
    """Lanes that lost digits take g_l from S_l in `at.spare`, inverted with row exchanges."""
    _copy(ws, at.value, at.pivot, 1)
    for x in range(blocks.pointer[layer], blocks.pointer[layer + 1]):
        start = blocks.start[x]
        corner = at.spare + start * n + start
        _invert_pivoted(ws, corner, n, blocks.stop[x] - start, at.pivot)
    for lane in range(WIDTH):
        if not ws[at.value * 2 * WIDTH + lane] * scale <= 1e3:
            for e in range(n * n):
                _put(ws, green + e, lane, _get(ws, at.spare + e, lane))


@njit
def _add_logarithms(ws, green, at, n):
    """Invert S_l without any exchange and add the logarithms of its pivots to `at.growth`."""
    for c in range(n):
        for lane in range(WIDTH):
            pivot = np.log(_get(ws, green + c * n + c, lane))
            _put(ws, at.growth, lane, _get(ws, at.growth, lane) + pivot)
        _clear_column(ws, green, n, n, c)


@njit(forceinline=True)
def _sweep(ws, at, chain, leads, extra, energy, lanes, m_left, logarithm):
    """Left-connected g_l of every layer and, if m_left > 0, g_l y_l of the left sources.

    `at.growth` collects the largest |g_l| in units of the Hamiltonian's scale or, for the
    ``logarithm``, the sum of the logarithms of all pivots.
    """
    green, column, previous = at.green, at.column, np.int64(0)
    _zero(ws, at.growth, 1)
    for layer in range(len(chain.sizes)):
        n = chain.sizes[layer]
        before = green - previous * previous
        _energy(ws, at.energy, energy, chain.potential, layer, lanes)
        if layer > 0 and not chain.coupling.repeats[layer - 1]:
            _coupling(ws, at.v, chain.coupling, layer - 1, at.phases)
        for attempt in range(2):
            to = green if attempt == 0 else at.spare
            _block(ws, to, before, at, chain, leads, extra, layer, previous, lanes)
            if logarithm == 1:
                _add_logarithms(ws, green, at, n)
                break
            if attempt == 1:
                _invert_again(ws, green, at, chain.blocks, layer, n, chain.scale)
            elif not _invert_blocks(ws, green, at, chain.blocks, layer, n, chain.scale):
                break
        if logarithm == 0:
            size = multiply(_largest(ws, green, n, n), broadcast(chain.scale + 0j))
            store(ws, at.growth, maximum(load(ws, at.growth), size))
        if m_left > 0:
            source = at.f_left
            if layer > 0:
                source = at.scratch
                before = column - previous * m_left
                _couple(ws, source, at.v, before, chain.coupling, layer - 1, n, m_left)
            _green_multiply(ws, column, green, source, chain.blocks, layer, n, m_left)
            column += n * m_left
        green += n * n
        previous = n


@njit
def _last_states(ws, at, chain, psi, green, column, m_left, m):
    """psi of the last layer from both leads' sources."""
    layer = len(chain.sizes) - 1
    n, m_right = chain.sizes[layer], m - m_left
    _green_multiply(ws, at.scratch, green, at.f_right, chain.blocks, layer, n, m_right)
    for i in range(n):
        _copy(ws, psi + i * m, column + i * m_left, m_left)
        _copy(ws, psi + i * m + m_left, at.scratch + i * m_right, m_right)


@njit(forceinline=True)
def _layer_states(ws, at, chain, layer, psi, after, green, column, m_left, m):
    """psi_l of both leads' sources from psi_{l+1} at ``after``."""
    n = chain.sizes[layer]
    if layer == len(chain.sizes) - 2 or not chain.coupling.repeats[layer + 1]:
        _coupling(ws, at.v, chain.coupling, layer, at.phases)
    _couple_back(ws, at.z, at.v, after, chain.coupling, layer, n, m)
    _green_multiply(ws, psi, green, at.z, chain.blocks, layer, n, m)
    for i in range(n):
        for j in range(m_left):
            e = psi + i * m + j
            store(ws, e, add(load(ws, e), load(ws, column + i * m_left + j)))


@njit
def _transmission(ws, at, psi, n, m_left, m, transmission, lanes, count):
    """Sum over channels of |i F_R^+ psi|^2."""
    m_right = m - m_left
    probability = broadcast(0j)
    for i in range(m_right):
        for j in range(m_left):
            total = broadcast(0j)
            for x in range(n):
                outgoing = conjugate(load(ws, at.f_right + x * m_right + i))
                total = add_product(total, outgoing, load(ws, psi + x * m + j))
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
def _descend(ws, at, chain, leads, local_plan, current_plan, channels, lanes, count, out):
    """States and observables from the last layer to the first."""
    m_left, m = channels
    # plain integers: for literal ones every function would be compiled once more
    none, one = np.int64(0), np.int64(1)
    left = (at.u_left, at.f_left, leads.orbitals_left, m_left)
    right = (at.u_right, at.f_right, leads.orbitals_right, m - m_left)
    layers = len(chain.sizes)
    green = at.green + np.sum(chain.sizes * chain.sizes)
    column = at.column + np.sum(chain.sizes) * m_left
    psi, after = at.psi, at.next
    for layer in range(layers - 1, -1, -1):
        n = chain.sizes[layer]
        green -= n * n
        column -= n * m_left
        if layer == layers - 1:
            _last_states(ws, at, chain, psi, green, column, m_left, m)
            _transmission(ws, at, psi, n, m_left, m, out.transmission, lanes, count)
            if out.scattering:
                _scatter(ws, at, right, right, (psi, m, m_left), one, out.reflection_right, lanes,
                         count)
                _scatter(ws, at, right, left, (psi, m, none), none, out.transmission_left, lanes,
                         count)
        else:
            _layer_states(ws, at, chain, layer, psi, after, green, column, m_left, m)
            if current_plan.group[layer + 1] < current_plan.group[layer + 2]:
                rows = chain.sizes[layer + 1]
                _couple(ws, at.scratch, at.v, psi, chain.coupling, layer, rows, m)
                _expectations(ws, at, current_plan, layer + 1, at.scratch, after, channels, one,
                              out.current, lanes, count)
        _expectations(ws, at, local_plan, layer, psi, psi, channels, none, out.local, lanes,
                      count)
        psi, after = after, psi
    if out.scattering:
        _scatter(ws, at, left, left, (after, m, none), one, out.reflection, lanes, count)
        _scatter(ws, at, left, right, (after, m, m_left), none, out.transmission_right, lanes,
                 count)
    for lane in range(count):
        out.growth[lanes[lane]] = ws[at.growth * 2 * WIDTH + lane]


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
        m_left = m_right = np.int64(0)
        for lane in range(WIDTH):
            m_left = max(m_left, leads.open_left[lanes[lane]])
            m_right = max(m_right, leads.open_right[lanes[lane]])
        _phases(ws, at.phases, chain.phases, lanes)
        _sources(ws, at.u_left, at.f_left, leads.vectors_left, leads.flux_left, lanes,
                 leads.orbitals_left, m_left)
        _sources(ws, at.u_right, at.f_right, leads.vectors_right, leads.flux_right, lanes,
                 leads.orbitals_right, m_right)
        _sweep(ws, at, chain, leads, extra, energy, lanes, m_left, np.int64(0))
        _descend(ws, at, chain, leads, local_plan, current_plan, (m_left, m_left + m_right),
                 lanes, count, out)


@njit
def _layer_green(ws, at, chain, layer, green):
    """G_ll = g_l + g_l V^+ G_{l+1,l+1} V g_l in place of g_l (G_{l+1,l+1} follows it)."""
    n, after = chain.sizes[layer], chain.sizes[layer + 1]
    if layer == len(chain.sizes) - 2 or not chain.coupling.repeats[layer + 1]:
        _coupling(ws, at.v, chain.coupling, layer, at.phases)
    _couple(ws, at.scratch, at.v, green, chain.coupling, layer, after, n)
    _multiply(ws, at.other, green + n * n, after, at.scratch, after, after, n)
    _couple_back(ws, at.scratch, at.v, at.other, chain.coupling, layer, n, n)
    _green_multiply(ws, at.other, green, at.scratch, chain.blocks, layer, n, n)
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
        _phases(ws, at.phases, chain.phases, lanes)
        _sweep(ws, at, chain, leads, extra, energy, lanes, np.int64(0), logarithm)
        if logarithm == 1:
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
