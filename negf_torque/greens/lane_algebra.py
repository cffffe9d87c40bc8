"""Small dense matrices of lanes: packing, products, inverses.

Matrices lie row by row in a workspace of lane elements (`lanes`), at a position counted in
elements.
"""

from numba import njit

from negf_torque.greens.lanes import (
    WIDTH,
    add_product,
    broadcast,
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
    "clear_column",
    "copy",
    "get",
    "invert",
    "invert_pivoted",
    "largest_entry",
    "matrix_product",
    "pack",
    "put",
    "unpack",
    "zero",
]


@njit(forceinline=True)
def put(ws, element, lane, value):
    ws[element * 2 * WIDTH + lane] = value.real
    ws[element * 2 * WIDTH + WIDTH + lane] = value.imag


@njit(forceinline=True)
def get(ws, element, lane):
    return complex(ws[element * 2 * WIDTH + lane], ws[element * 2 * WIDTH + WIDTH + lane])


@njit
def pack(ws, at, matrix, lanes, rows, columns):
    """Copy matrix[lane, rows, :columns] of eight batch members."""
    for lane in range(WIDTH):
        b = lanes[lane]
        for i in range(len(rows)):
            for j in range(columns):
                put(ws, at + i * columns + j, lane, matrix[b, rows[i], j])


@njit
def unpack(ws, at, matrix, lanes, count, rows, columns):
    for lane in range(count):
        b = lanes[lane]
        for i in range(len(rows)):
            for j in range(len(columns)):
                matrix[b, rows[i], columns[j]] = get(ws, at + i * len(columns) + j, lane)


@njit
def zero(ws, at, count):
    nothing = broadcast(0j)
    for e in range(count):
        store(ws, at + e, nothing)


@njit
def copy(ws, to, at, count):
    for e in range(count):
        store(ws, to + e, load(ws, at + e))


@njit
def matrix_product(ws, c, a, stride, b, n, k, m):
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
def largest_entry(ws, a, stride, n):
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
def _swap_where_small(ws, a, stride, n, c, pivot):
    """Bring a large entry of column c to the diagonal in the lanes that lack one."""
    for lane in range(WIDTH):
        size, best = -1.0, c
        for i in range(c, n):
            there = get(ws, a + i * stride + c, lane)
            here = abs(there.real) + abs(there.imag)
            if here > size:
                size, best = here, i
        ws[pivot * 2 * WIDTH + lane] = best
        if best != c:
            for j in range(n):
                upper = get(ws, a + c * stride + j, lane)
                put(ws, a + c * stride + j, lane, get(ws, a + best * stride + j, lane))
                put(ws, a + best * stride + j, lane, upper)


@njit
def _undo_swaps(ws, a, stride, n, pivot):
    for c in range(n - 1, -1, -1):
        for lane in range(WIDTH):
            best = int(ws[(pivot + c) * 2 * WIDTH + lane])
            if best != c:
                for i in range(n):
                    left = get(ws, a + i * stride + c, lane)
                    put(ws, a + i * stride + c, lane, get(ws, a + i * stride + best, lane))
                    put(ws, a + i * stride + best, lane, left)


@njit
def clear_column(ws, a, stride, n, c):
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
def invert_pivoted(ws, a, stride, n, pivot):
    """Replace A (n, n) by its inverse: Gauss-Jordan, row pivots lane by lane."""
    for c in range(n):
        _swap_where_small(ws, a, stride, n, c, pivot + c)
        clear_column(ws, a, stride, n, c)
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
        growth = maximum(growth, clear_column(ws, a, stride, n, n - 1))
    return growth


@njit(forceinline=True)
def invert(ws, a, stride, n):
    """Replace A (n, n) by its inverse without row exchanges; bound on the inverse pivots."""
    if n == 1:
        store(ws, a, reciprocal(load(ws, a)))
        return maximum(broadcast(0j), load(ws, a))
    if n == 2:
        return _invert_corner(ws, a, stride)
    return _invert_by_pairs(ws, a, stride, n)
