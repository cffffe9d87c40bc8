"""Compiled scattering states and local Green's functions of many small chains.

The elimination from the left (`elimination`) is followed by the way back, on which states,
their densities and currents, and the scattering matrix are evaluated layer by layer.
"""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from negf_torque.greens import elimination, lane_algebra
from negf_torque.greens import lanes as lane_numbers
from negf_torque.greens.elimination import (
    assemble_coupling,
    couple,
    couple_back,
    green_product,
    sweep,
)
from negf_torque.greens.lane_algebra import (
    copy,
    get,
    matrix_product,
    pack,
    put,
    unpack,
)
from negf_torque.greens.lanes import (
    WIDTH,
    add,
    add_product,
    broadcast,
    conjugate,
    load,
    multiply,
    store,
    subtract,
)

__all__ = ["green_chunks", "solve_chunks"]


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


@njit
def _last_states(ws, at, chain, psi, green, column, m_left, m):
    """psi of the last layer from both leads' sources."""
    layer = len(chain.sizes) - 1
    n, m_right = chain.sizes[layer], m - m_left
    green_product(ws, at.scratch, green, at.f_right, chain.blocks, layer, n, m_right)
    for i in range(n):
        copy(ws, psi + i * m, column + i * m_left, m_left)
        copy(ws, psi + i * m + m_left, at.scratch + i * m_right, m_right)


@njit(forceinline=True)
def _layer_states(ws, at, chain, layer, psi, after, green, column, m_left, m):
    """psi_l of both leads' sources from psi_{l+1} at ``after``."""
    n = chain.sizes[layer]
    if layer == len(chain.sizes) - 2 or not chain.coupling.repeats[layer + 1]:
        assemble_coupling(ws, at.v, chain.coupling, layer, at.phases)
    couple_back(ws, at.z, at.v, after, chain.coupling, layer, n, m)
    green_product(ws, psi, green, at.z, chain.blocks, layer, n, m)
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
                couple(ws, at.scratch, at.v, psi, chain.coupling, layer, rows, m)
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


@njit
def _layer_green(ws, at, chain, layer, green):
    """G_ll = g_l + g_l V^+ G_{l+1,l+1} V g_l in place of g_l (G_{l+1,l+1} follows it)."""
    n, after = chain.sizes[layer], chain.sizes[layer + 1]
    if layer == len(chain.sizes) - 2 or not chain.coupling.repeats[layer + 1]:
        assemble_coupling(ws, at.v, chain.coupling, layer, at.phases)
    couple(ws, at.scratch, at.v, green, chain.coupling, layer, after, n)
    matrix_product(ws, at.other, green + n * n, after, at.scratch, after, after, n)
    couple_back(ws, at.scratch, at.v, at.other, chain.coupling, layer, n, n)
    green_product(ws, at.other, green, at.scratch, chain.blocks, layer, n, n)
    for e in range(n * n):
        store(ws, green + e, add(load(ws, green + e), load(ws, at.other + e)))


def _version() -> int:
    """Checksum of everything that is compiled into the kernels.

    Numba's cache looks for changes in this file alone; the checksum enters the kernels as a
    constant, so that machine code of other sources is never taken for theirs.
    """
    sources = (elimination, lane_algebra, lane_numbers)
    return zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in sources))


def _entry_points(version: int) -> tuple[Callable, Callable]:
    """The two kernels."""

    @njit(cache=True, nogil=True)
    def solve_chunks(ws, at, chain, leads, extra, energy, local_plan, current_plan, out, order,
                     begin, end):
        """Scattering states of the chunks begin:end of the batch members ``order``."""
        lanes = np.empty(WIDTH if version >= 0 else 0, np.int64)
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
            sweep(ws, at, chain, leads, extra, energy, lanes, m_left, np.int64(0))
            _descend(ws, at, chain, leads, local_plan, current_plan, (m_left, m_left + m_right),
                     lanes, count, out)

    @njit(cache=True, nogil=True)
    def green_chunks(ws, at, chain, leads, extra, energy, plan, logarithm, local, determinant,
                     order, begin, end):
        """tr O G_ll, or (``logarithm``) ln det(E - H - Sigma), of the chunks begin:end."""
        lanes = np.empty(WIDTH if version >= 0 else 0, np.int64)
        layers = len(chain.sizes)
        for chunk in range(begin, end):
            count = _chunk_lanes(order, chunk, lanes)
            _phases(ws, at.phases, chain.phases, lanes)
            sweep(ws, at, chain, leads, extra, energy, lanes, np.int64(0), logarithm)
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

    return solve_chunks, green_chunks


solve_chunks, green_chunks = _entry_points(_version())
