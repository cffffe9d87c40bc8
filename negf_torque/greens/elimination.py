"""Compiled block-tridiagonal elimination for eight small chains at a time: from left to right.

With the blocks S_l = E - H_l - U_l - Sigma_l - V_{l-1} g_{l-1} V_{l-1}^+ and g_l = S_l^{-1}
(Sigma_l: the leads' self-energies at the ends, and any other local one), the columns of
the Green's function that start at the leads follow from

    y_0 = F_L,  y_l = V_{l-1} g_{l-1} y_{l-1},   psi_l = g_l (y_l + V_l^+ psi_{l+1})

for the left lead's sources F_L, and from psi_N = g_N F_R, psi_l = g_l V_l^+ psi_{l+1} for
the right lead's.  All arrays live in one workspace of lane elements (`lanes`); positions are
counted in elements.  V is sparse.  One layer of n orbitals costs about (2 + 3 m/n) n^3
complex multiplications, m the number of open channels.
"""

import numpy as np
from numba import njit

from negf_torque.greens.lane_algebra import (
    clear_column,
    copy,
    get,
    invert,
    invert_pivoted,
    largest_entry,
    matrix_product,
    put,
    zero,
)
from negf_torque.greens.lanes import (
    WIDTH,
    add,
    add_product,
    broadcast,
    conjugate,
    load,
    maximum,
    multiply,
    store,
    subtract,
    subtract_product,
)

__all__ = ["assemble_coupling", "couple", "couple_back", "green_product", "sweep"]


@njit(forceinline=True)
def _entry(ws, e, begin, end, harmonic, value, phases):
    total = broadcast(0j)
    for t in range(begin[e], end[e]):
        total = add_product(total, broadcast(value[t]), load(ws, phases + harmonic[t]))
    return total


@njit
def assemble_coupling(ws, at, bonds, layer, phases):
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
def couple(ws, c, v, a, bonds, layer, rows, m):
    """C (n_{l+1}, m) = V_l A (n_l, m)."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    _sparse_multiply(ws, c, v, bonds.row, bonds.column, first, last, a, rows, m)


@njit(forceinline=True)
def couple_back(ws, c, v, a, bonds, layer, rows, m):
    """C (n_l, m) = V_l^+ A (n_{l+1}, m)."""
    first, last = bonds.pointer[layer], bonds.pointer[layer + 1]
    transposed = v + last - first
    _sparse_multiply(ws, c, transposed, bonds.column_of, bonds.row_of, first, last, a, rows, m)


@njit(forceinline=True)
def _energy(ws, at, energy, potential, layer, lanes):
    """E - U_l of the lanes; without a potential it is the same for all layers."""
    shifts = potential.shape[0] > 0
    if layer > 0 and not shifts:
        return
    for lane in range(WIDTH):
        shift = potential[layer, lanes[lane]] if shifts else 0.0
        put(ws, at, lane, energy[lanes[lane]] - shift)


@njit(forceinline=True)
def _onsite(ws, at, h, energy_at, cells, layer, n, phases):
    """E - H_l - U_l, from the assembled H_l, which is renewed if it changed."""
    if not cells.repeats[layer]:
        zero(ws, h, n * n)
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


@njit
def _subtract_extra(ws, at, extra, layer, n, lanes):
    """Further self-energy of a layer."""
    begin = extra.pointer[layer]
    if begin >= 0:
        varies = extra.value.shape[1] > 1
        for lane in range(WIDTH):
            b = lanes[lane] if varies else 0
            for e in range(n * n):
                put(ws, at + e, lane, get(ws, at + e, lane) - extra.value[begin + e, b])


@njit
def _subtract_sigma(ws, at, sigma, lanes, orbitals):
    n = len(orbitals)
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(n):
            for j in range(n):
                e = at + i * n + j
                put(ws, e, lane, get(ws, e, lane) - sigma[b, orbitals[i], orbitals[j]])


@njit(forceinline=True)
def _connect(ws, at, g, v, scratch, bonds, layer, n, m):
    """Subtract V g V^+ of the bond (layer, layer + 1) from the block (n, n) of layer + 1."""
    couple(ws, scratch, v, g, bonds, layer, n, m)
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
        growth = maximum(growth, invert(ws, corner, n, blocks.stop[x] - start))
    store(ws, at.pivot, growth)
    for lane in range(WIDTH):
        if not ws[at.pivot * 2 * WIDTH + lane] * scale <= 1e3:
            return n > 2
    return False


@njit
def _invert_again(ws, green, at, blocks, layer, n, scale):
    """Lanes that lost digits take g_l from S_l in `at.spare`, inverted with row exchanges."""
    copy(ws, at.value, at.pivot, 1)
    for x in range(blocks.pointer[layer], blocks.pointer[layer + 1]):
        start = blocks.start[x]
        corner = at.spare + start * n + start
        invert_pivoted(ws, corner, n, blocks.stop[x] - start, at.pivot)
    for lane in range(WIDTH):
        if not ws[at.value * 2 * WIDTH + lane] * scale <= 1e3:
            for e in range(n * n):
                put(ws, green + e, lane, get(ws, at.spare + e, lane))


@njit
def _add_logarithms(ws, green, at, n):
    """Invert S_l without any exchange and add the logarithms of its pivots to `at.growth`."""
    for c in range(n):
        for lane in range(WIDTH):
            pivot = np.log(get(ws, green + c * n + c, lane))
            put(ws, at.growth, lane, get(ws, at.growth, lane) + pivot)
        clear_column(ws, green, n, n, c)


@njit(forceinline=True)
def green_product(ws, c, g, b, blocks, layer, n, m):
    """C (n, m) = g_l B (n, m), g_l block-diagonal."""
    for x in range(blocks.pointer[layer], blocks.pointer[layer + 1]):
        start = blocks.start[x]
        size = blocks.stop[x] - start
        corner = g + start * n + start
        matrix_product(ws, c + start * m, corner, n, b + start * m, size, size, m)


@njit(forceinline=True)
def sweep(ws, at, chain, leads, extra, energy, lanes, m_left, logarithm):
    """Left-connected g_l of every layer and, if m_left > 0, g_l y_l of the left sources.

    `at.growth` collects the largest |g_l| in units of the Hamiltonian's scale or, for the
    ``logarithm``, the sum of the logarithms of all pivots.
    """
    green, column, previous = at.green, at.column, np.int64(0)
    zero(ws, at.growth, 1)
    for layer in range(len(chain.sizes)):
        n = chain.sizes[layer]
        before = green - previous * previous
        _energy(ws, at.energy, energy, chain.potential, layer, lanes)
        if layer > 0 and not chain.coupling.repeats[layer - 1]:
            assemble_coupling(ws, at.v, chain.coupling, layer - 1, at.phases)
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
            size = multiply(largest_entry(ws, green, n, n), broadcast(chain.scale + 0j))
            store(ws, at.growth, maximum(load(ws, at.growth), size))
        if m_left > 0:
            source = at.f_left
            if layer > 0:
                source = at.scratch
                before = column - previous * m_left
                couple(ws, source, at.v, before, chain.coupling, layer - 1, n, m_left)
            green_product(ws, column, green, source, chain.blocks, layer, n, m_left)
            column += n * m_left
        green += n * n
        previous = n
