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
    pack,
    put,
    unpack,
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

__all__ = ["green_chunks", "solve_chunks"]


@njit(forceinline=True)
def _entry(ws, e, begin, end, harmonic, value, phases):
    total = broadcast(0j)
    for t in range(begin[e], end[e]):
        total = add_product(total, broadcast(value[t]), load(ws, phases + harmonic[t]))
    return total


@njit(forceinline=True)
def _green_multiply(ws, c, g, b, blocks, layer, n, m):
    """C (n, m) = g_l B (n, m), g_l block-diagonal."""
    for x in range(blocks.pointer[layer], blocks.pointer[layer + 1]):
        start = blocks.start[x]
        size = blocks.stop[x] - start
        corner = g + start * n + start
        matrix_product(ws, c + start * m, corner, n, b + start * m, size, size, m)


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


@njit(forceinline=True)
def _energy(ws, at, energy, potential, layer, lanes):
    """E - U_l of the lanes; without a potential it is the same for all layers."""
    shifts = potential.shape[0] > 0
    if layer > 0 and not shifts:
        return
    for lane in range(WIDTH):
        shift = potential[layer, lanes[lane]] if shifts else 0.0
        put(ws, at, lane, energy[lanes[lane]] - shift)


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
            put(ws, at + r, lane, phases[r, lanes[lane]])


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
    matrix_product(ws, scratch, u_out, m_out, t, rows, m_out, m_in)
    for i in range(rows):
        for j in range(columns):
            total = broadcast(0j)
            for x in range(m_in):
                incoming = conjugate(load(ws, u_in + j * m_in + x))
                total = add_product(total, load(ws, scratch + i * m_in + x), incoming)
            store(ws, t + i * columns + j, total)
    unpack(ws, t, into_array, lanes, count, to, source)


@njit
def _sources(ws, u, f, vectors, flux, lanes, orbitals, m):
    """Pack unit vectors U and sources F = U sqrt(gamma) of a lead's open channels."""
    pack(ws, u, vectors, lanes, orbitals, m)
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(len(orbitals)):
            for j in range(m):
                put(ws, f + i * m + j, lane, get(ws, u + i * m + j, lane) * flux[b, j])


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
                value = get(ws, at.value, lane)
                result = 2 * value.imag if imaginary == 1 else value.real
                out[lead, plan.operator[g], lanes[lane]] = result


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
def _sweep(ws, at, chain, leads, extra, energy, lanes, m_left, logarithm):
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
            size = multiply(largest_entry(ws, green, n, n), broadcast(chain.scale + 0j))
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
        copy(ws, psi + i * m, column + i * m_left, m_left)
        copy(ws, psi + i * m + m_left, at.scratch + i * m_right, m_right)


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
        transmission[lanes[lane]] = get(ws, at.value, lane).real


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
    matrix_product(ws, at.other, green + n * n, after, at.scratch, after, after, n)
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
                determinant[lanes[lane]] = get(ws, at.growth, lane)
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
                    local[plan.operator[g], lanes[lane]] = get(ws, at.value, lane)
