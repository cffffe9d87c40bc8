"""Compiled loops over many small chains that share their local self-energies.

Each member b of a batch (a momentum of the cross-section) is a chain of layers, M_l = z - H_l -
Sigma_l on the diagonal and -V_l = -H_{l+1,l} below it, G = M^{-1}.  Arrays are padded to the
largest layer; `sizes` holds the true ones.  Working arrays live for one call; calls run in
threads without the interpreter's lock.
"""

import numpy as np
from numba import njit

__all__ = ["dense_pairs", "flow_chunk", "green_chunk", "pair_chunk"]


@njit(cache=True, nogil=True)
def _multiply(a, b, out, n, m, p):
    """out (n, p) = a (n, m) b (m, p)."""
    for i in range(n):
        for j in range(p):
            total = 0j
            for k in range(m):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@njit(cache=True, nogil=True)
def _multiply_adjoint(a, b, out, n, m, p):
    """out (n, p) = a (n, m) b^+, b (p, m)."""
    for i in range(n):
        for j in range(p):
            total = 0j
            for k in range(m):
                total += a[i, k] * np.conj(b[j, k])
            out[i, j] = total


@njit(cache=True, nogil=True)
def _adjoint_multiply(a, b, out, n, m, p):
    """out (n, p) = a^+ b, a (m, n), b (m, p)."""
    for i in range(n):
        for j in range(p):
            total = 0j
            for k in range(m):
                total += np.conj(a[k, i]) * b[k, j]
            out[i, j] = total


@njit(cache=True, nogil=True)
def _invert(a, out, n):
    """out = a^{-1}; a is overwritten (Gauss-Jordan, rows exchanged)."""
    if n == 1:
        out[0, 0] = 1 / a[0, 0]
        return
    if n == 2:
        scale = 1 / (a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0])
        out[0, 0], out[1, 1] = a[1, 1] * scale, a[0, 0] * scale
        out[0, 1], out[1, 0] = -a[0, 1] * scale, -a[1, 0] * scale
        return
    for i in range(n):
        for j in range(n):
            out[i, j] = 1.0 if i == j else 0.0
    for c in range(n):
        pivot, largest = c, 0.0
        for i in range(c, n):
            size = abs(a[i, c])
            if size > largest:
                pivot, largest = i, size
        if pivot != c:
            for j in range(n):
                a[c, j], a[pivot, j] = a[pivot, j], a[c, j]
                out[c, j], out[pivot, j] = out[pivot, j], out[c, j]
        scale = 1 / a[c, c]
        for j in range(n):
            a[c, j] *= scale
            out[c, j] *= scale
        for i in range(n):
            if i != c and a[i, c] != 0:
                factor = a[i, c]
                for j in range(n):
                    a[i, j] -= factor * a[c, j]
                    out[i, j] -= factor * out[c, j]


@njit(cache=True, nogil=True)
def _eliminate(diagonal, coupling, sigma, sizes, left, right, green, work):
    """One-sided Green's functions and the diagonal blocks of G of one chain."""
    layers = len(sizes)
    one, two = work[0], work[1]
    for step in range(layers):
        n = sizes[step]
        for i in range(n):
            for j in range(n):
                one[i, j] = diagonal[step, i, j] - sigma[step, i, j]
        if step > 0:
            m = sizes[step - 1]
            _multiply(coupling[step - 1], left[step - 1], two, n, m, m)
            _multiply_adjoint(two, coupling[step - 1], work[2], n, m, n)
            for i in range(n):
                for j in range(n):
                    one[i, j] -= work[2, i, j]
                    # what the left side takes away, kept for the diagonal blocks
                    green[step, i, j] = work[2, i, j]
        else:
            for i in range(n):
                for j in range(n):
                    green[0, i, j] = 0
        _invert(one, left[step], n)
    for step in range(layers - 1, -1, -1):
        n = sizes[step]
        for i in range(n):
            for j in range(n):
                one[i, j] = diagonal[step, i, j] - sigma[step, i, j]
        if step < layers - 1:
            m = sizes[step + 1]
            _adjoint_multiply(coupling[step], right[step + 1], two, n, m, m)
            _multiply(two, coupling[step], work[2], n, m, n)
            for i in range(n):
                for j in range(n):
                    one[i, j] -= work[2, i, j]
        for i in range(n):
            for j in range(n):
                two[i, j] = one[i, j] - green[step, i, j]
        _invert(one, right[step], n)
        _invert(two, green[step], n)


@njit(cache=True, nogil=True)
def green_chunk(diagonal, coupling, sizes, sigma, weights, begin, end, total):
    """total (L, n, n) += sum over members begin ... end - 1 of weight times G_ll."""
    layers, width = diagonal.shape[1:3]
    left = np.empty((layers, width, width), np.complex128)
    right, green = np.empty_like(left), np.empty_like(left)
    work = np.empty((3, width, width), np.complex128)
    for b in range(begin, end):
        hop = coupling[min(b, len(coupling) - 1)]
        _eliminate(diagonal[b], hop, sigma, sizes, left, right, green, work)
        for layer in range(layers):
            for i in range(sizes[layer]):
                for j in range(sizes[layer]):
                    total[layer, i, j] += weights[b] * green[layer, i, j]


@njit(cache=True, nogil=True)
def _sandwich(a, x, n, retarded, out, work):
    """out = a x a^+, or a x a."""
    _multiply(a, x, work, n, n, n)
    if retarded:
        _multiply(work, a, out, n, n, n)
    else:
        _multiply_adjoint(work, a, out, n, n, n)


@njit(cache=True, nogil=True)
def flow_chunk(
    diagonal,
    coupling,
    sizes,
    sigma,
    weights,
    source,
    first,
    last,
    retarded,
    begin,
    end,
    local,
    bond,
    at_left,
    at_right,
):
    """Blocks of F = G X G^+ (or G X G), X = source + first and last on the end layers.

    local (L, n, n) += w F_ll; bond (L - 1, n, n) += w V_l F_{l,l+1}; at_left, at_right (B, n, n)
    = F on the end layers.
    """
    layers, width = diagonal.shape[1:3]
    left = np.empty((layers, width, width), np.complex128)
    right, green = np.empty_like(left), np.empty_like(left)
    from_left, from_right = np.empty_like(left), np.empty_like(left)
    work = np.empty((4, width, width), np.complex128)
    one, two, three, four = work[0], work[1], work[2], work[3]
    for b in range(begin, end):
        hop = coupling[min(b, len(coupling) - 1)]
        _eliminate(diagonal[b], hop, sigma, sizes, left, right, green, work)
        # from_left: V x V^+ of everything to the left of a layer, from_right likewise
        for layer in range(layers):
            n = sizes[layer]
            for i in range(n):
                for j in range(n):
                    if layer == 0:
                        from_left[0, i, j] = first[b, i, j]
                    one[i, j] = source[layer, i, j] + from_left[layer, i, j]
            if layer < layers - 1:
                m = sizes[layer + 1]
                _sandwich(left[layer], one, n, retarded, two, three)
                _multiply(hop[layer], two, three, m, n, n)
                _multiply_adjoint(three, hop[layer], from_left[layer + 1], m, n, m)
        for layer in range(layers - 1, -1, -1):
            n = sizes[layer]
            for i in range(n):
                for j in range(n):
                    if layer == layers - 1:
                        from_right[layer, i, j] = last[b, i, j]
                    one[i, j] = source[layer, i, j] + from_right[layer, i, j]
            if layer > 0:
                m = sizes[layer - 1]
                _sandwich(right[layer], one, n, retarded, two, three)
                _adjoint_multiply(hop[layer - 1], two, three, m, n, n)
                _multiply(three, hop[layer - 1], from_right[layer - 1], m, n, m)
        for layer in range(layers):
            n = sizes[layer]
            for i in range(n):
                for j in range(n):
                    one[i, j] = (
                        source[layer, i, j] + from_left[layer, i, j] + from_right[layer, i, j]
                    )
            _sandwich(green[layer], one, n, retarded, four, three)
            for i in range(n):
                for j in range(n):
                    local[layer, i, j] += weights[b] * four[i, j]
                    if layer == 0:
                        at_left[b, i, j] = four[i, j]
                    if layer == layers - 1:
                        at_right[b, i, j] = four[i, j]
            if layer > 0 and not retarded:
                # V F_{l-1,l} = (V g V^+) F_ll + (V x V^+) G_ll^+
                m = sizes[layer - 1]
                _multiply(hop[layer - 1], left[layer - 1], one, n, m, m)
                _multiply_adjoint(one, hop[layer - 1], two, n, m, n)
                _multiply(two, four, one, n, n, n)
                _multiply_adjoint(from_left[layer], green[layer], two, n, n, n)
                for i in range(n):
                    for j in range(n):
                        bond[layer - 1, i, j] += weights[b] * (one[i, j] + two[i, j])


@njit(cache=True, nogil=True)
def _transfer(coupling, sizes, left, right, down, up, work):
    """G_{l+1,j} = down_l G_{l,j} for l >= j, G_{l,j} = up_l G_{l+1,j} for l < j."""
    for layer in range(len(sizes) - 1):
        n, m = sizes[layer], sizes[layer + 1]
        _multiply(right[layer + 1], coupling[layer], down[layer], m, m, n)
        _multiply_adjoint(left[layer], coupling[layer], up[layer], n, n, m)


@njit(cache=True, nogil=True)
def _transfer_back(coupling, sizes, left, right, down, up, work):
    """G_{j,l+1} = G_{j,l} down_l for l >= j, G_{j,l} = G_{j,l+1} up_l for l < j."""
    for layer in range(len(sizes) - 1):
        n, m = sizes[layer], sizes[layer + 1]
        # V^+ g_R and V g_L
        _adjoint_multiply(coupling[layer], right[layer + 1], down[layer], n, m, m)
        _multiply(coupling[layer], left[layer], up[layer], m, n, n)


@njit(cache=True, nogil=True)
def _vanishes(block, n, m, least):
    for i in range(n):
        for j in range(m):
            if abs(block[i, j]) > least:
                return False
    return True


@njit(cache=True, nogil=True)
def _column(start, green, down, up, sizes, least, column):
    """column[l] = G_{l,start} for begin <= l < end, beyond which nothing exceeds `least`."""
    n, begin, end = sizes[start], 0, len(sizes)
    column[start] = green[start]
    for layer in range(start, len(sizes) - 1):
        m = sizes[layer + 1]
        _multiply(down[layer], column[layer], column[layer + 1], m, sizes[layer], n)
        if least > 0 and _vanishes(column[layer + 1], m, n, least):
            end = layer + 1
            break
    for layer in range(start - 1, -1, -1):
        m = sizes[layer]
        _multiply(up[layer], column[layer + 1], column[layer], m, sizes[layer + 1], n)
        if least > 0 and _vanishes(column[layer], m, n, least):
            begin = layer + 1
            break
    return begin, end


@njit(cache=True, nogil=True)
def _row(start, green, down, up, sizes, begin, end, row):
    """row[l] = G_{start,l} for begin <= l < end."""
    n = sizes[start]
    row[start] = green[start]
    for layer in range(start, end - 1):
        _multiply(row[layer], down[layer], row[layer + 1], n, sizes[layer], sizes[layer + 1])
    for layer in range(start - 1, begin - 1, -1):
        _multiply(row[layer + 1], up[layer], row[layer], n, sizes[layer + 1], sizes[layer])


@njit(cache=True, nogil=True)
def _add_pairs(layer, there, pointer, offset, orbitals, start, column, row, retarded, weight, out):
    """Blocks of all pairs of sites: i in `layer`, j in `there`; out[j's c d, i's a b]."""
    for j in range(pointer[there], pointer[there + 1]):
        m, oj, sj = orbitals[j], offset[j], start[j]
        for i in range(pointer[layer], pointer[layer + 1]):
            n, oi, si = orbitals[i], offset[i], start[i]
            for c in range(m):
                for d in range(m):
                    line = out[sj + c * m + d]
                    for a in range(n):
                        left = weight * column[oi + a, oj + c]
                        for b in range(n):
                            if retarded:
                                other = row[oj + d, oi + b]
                            else:
                                other = np.conj(column[oi + b, oj + d])
                            line[si + a * n + b] += left * other


@njit(cache=True, nogil=True)
def pair_chunk(
    diagonal,
    coupling,
    sizes,
    sigma,
    weights,
    pointer,
    offset,
    orbitals,
    start,
    retarded,
    begin,
    end,
    together,
    out,
):
    """out[(j, c d), (i, a b)] += w (G_ij)_ac (B_ji)_db, B = G^+ or (retarded) G.

    Sites are listed by layer (`pointer`), with their offset in the layer, number of orbitals and
    first place in the vectors of local matrices.  `together` members share a sweep through `out`.
    """
    layers, width = diagonal.shape[1:3]
    shape = (together, layers, width, width)
    left = np.empty((layers, width, width), np.complex128)
    right, column, row = np.empty_like(left), np.empty_like(left), np.empty_like(left)
    work = np.empty((3, width, width), np.complex128)
    green, down, up = (
        np.empty(shape, np.complex128),
        np.empty(shape, np.complex128),
        np.empty(shape, np.complex128),
    )
    back = shape if retarded else (1, 1, 1, 1)
    down_back, up_back = np.empty(back, np.complex128), np.empty(back, np.complex128)
    # at complex energies G falls off: what its square adds below 1e-18 is rounding
    least = 1e-9 if retarded else 0.0
    for first in range(begin, end, together):
        count = min(together, end - first)
        for s in range(count):
            hop = coupling[min(first + s, len(coupling) - 1)]
            _eliminate(diagonal[first + s], hop, sigma, sizes, left, right, green[s], work)
            _transfer(hop, sizes, left, right, down[s], up[s], work)
            if retarded:
                _transfer_back(hop, sizes, left, right, down_back[s], up_back[s], work)
        for there in range(layers):
            if pointer[there] == pointer[there + 1]:
                continue
            for s in range(count):
                low, high = _column(there, green[s], down[s], up[s], sizes, least, column)
                if retarded:
                    _row(there, green[s], down_back[s], up_back[s], sizes, low, high, row)
                for layer in range(low, high):
                    _add_pairs(
                        layer,
                        there,
                        pointer,
                        offset,
                        orbitals,
                        start,
                        column[layer],
                        row[layer],
                        retarded,
                        weights[first + s],
                        out,
                    )


@njit(cache=True, nogil=True)
def dense_pairs(green, place, orbitals, start, retarded, weight, out):
    """out[(i, a b), (j, c d)] += w G_ia,jc (B_ji)_db from a whole Green's function."""
    for i in range(len(place)):
        n, oi, si = orbitals[i], place[i], start[i]
        for a in range(n):
            for b in range(n):
                line = out[si + a * n + b]
                for j in range(len(place)):
                    m, oj, sj = orbitals[j], place[j], start[j]
                    for c in range(m):
                        left = weight * green[oi + a, oj + c]
                        for d in range(m):
                            if retarded:
                                other = green[oj + d, oi + b]
                            else:
                                other = np.conj(green[oi + b, oj + d])
                            line[sj + c * m + d] += left * other
