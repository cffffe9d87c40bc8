"""Compiled exact rotations of a spinor field and of classical spins about each other."""

import numpy as np
from numba import njit

__all__ = ["compose", "local_flow"]


@njit(cache=True)
def _turn(vector, axis, angle):
    """Rotate `vector` (3,) about the unit vector `axis` by `angle`, in place."""
    c, s = np.cos(angle), np.sin(angle)
    along = axis[0] * vector[0] + axis[1] * vector[1] + axis[2] * vector[2]
    x = axis[1] * vector[2] - axis[2] * vector[1]
    y = axis[2] * vector[0] - axis[0] * vector[2]
    z = axis[0] * vector[1] - axis[1] * vector[0]
    vector[0] = c * vector[0] + s * x + (1 - c) * along * axis[0]
    vector[1] = c * vector[1] + s * y + (1 - c) * along * axis[1]
    vector[2] = c * vector[2] + s * z + (1 - c) * along * axis[2]


@njit(cache=True)
def _turn_about(vector, a, angle):
    """Rotate `vector` about the Cartesian axis a, in place."""
    b, d = (a + 1) % 3, (a + 2) % 3
    c, s = np.cos(angle), np.sin(angle)
    vector[b], vector[d] = c * vector[b] - s * vector[d], s * vector[b] + c * vector[d]


@njit(cache=True)
def _electron_and_spin(psi, x, spin, rate):
    """Flow of -J sigma . X on one site for a time t, rate = J t/hbar.

    The spin on the site s and X precess about their constant sum M; the spinor follows as
    exp(-i rate |s|) exp(i rate M . sigma).
    """
    up, down = psi[0, x], psi[1, x]
    mixed = np.conj(up) * down
    weight = abs(up) ** 2 + abs(down) ** 2
    total = np.empty(3)
    total[0] = spin[0] + 2 * mixed.real
    total[1] = spin[1] + 2 * mixed.imag
    total[2] = spin[2] + abs(up) ** 2 - abs(down) ** 2
    size = np.sqrt(total[0] ** 2 + total[1] ** 2 + total[2] ** 2)
    if size == 0:
        return
    axis = total / size
    _turn(spin, axis, -2 * rate * size)
    c, s = np.cos(rate * size), np.sin(rate * size)
    phase = np.exp(-1j * rate * weight)
    side = axis[0] - 1j * axis[1]
    psi[0, x] = phase * ((c + 1j * s * axis[2]) * up + 1j * s * side * down)
    psi[1, x] = phase * ((c - 1j * s * axis[2]) * down + 1j * s * np.conj(side) * up)


@njit(cache=True)
def _exchange(spins, n, a, rate):
    """Flow of -J X^a_n X^a_n+1: each turns about axis a by the other's component."""
    first, second = spins[n, a], spins[n + 1, a]
    _turn_about(spins[n], a, -2 * rate * second)
    _turn_about(spins[n + 1], a, -2 * rate * first)


@njit(cache=True)
def _alone(spins, n, field, anisotropy, t):
    """Flow of field and anisotropy on one spin, one axis after the other and back."""
    for k in range(6):
        a = k if k < 3 else 5 - k
        rate = field[n, a] + 2 * anisotropy[n, a] * spins[n, a]
        if rate != 0:
            _turn_about(spins[n], a, -rate * t)


@njit(cache=True)
def local_flow(psi, spins, t, backwards, sites, coupling, exchange, field, anisotropy):
    """All local terms for a time t, one after the other, or (backwards = 1) in opposite order.

    Arguments are energies over hbar (1/fs); psi (2, sites) and spins (N, 3) change in place.
    """
    count = len(sites)
    for m in range(count):
        n = count - 1 - m if backwards else m
        if backwards:
            _alone(spins, n, field, anisotropy, t)
            _electron_and_spin(psi, sites[n], spins[n], coupling[n] * t)
        if n < count - 1:
            for k in range(3):
                a = 2 - k if backwards else k
                _exchange(spins, n, a, exchange[n, a] * t)
        if not backwards:
            _electron_and_spin(psi, sites[n], spins[n], coupling[n] * t)
            _alone(spins, n, field, anisotropy, t)


@njit(cache=True)
def _hop(psi, weights, shift, radius, onsite, hop, work):
    """Sum of weights[k] T_k((h - shift)/radius) psi on real rows, two numbers per site.

    h is hopping and `onsite` potential (2 sites); work (4, rows, 2 sites) leaves the even terms
    in work[0] and the odd ones in work[1].
    """
    even, odd, here, before = work[0], work[1], work[2], work[3]
    rows, n = psi.shape
    for s in range(rows):
        for i in range(n):
            even[s, i] = weights[0] * psi[s, i]
            odd[s, i] = 0.0
            here[s, i] = psi[s, i]
            before[s, i] = 0.0
    for k in range(1, len(weights)):
        factor = (1.0 if k == 1 else 2.0) / radius
        total = even if k % 2 == 0 else odd
        for s in range(rows):
            row, target, sums = here[s], before[s], total[s]
            left, right = row[: n - 4], row[4:]
            for i in range(n):
                target[i] = factor * (onsite[i] - shift) * row[i] - target[i]
            for i in range(n - 4):  # both neighbours; the ends have one
                target[i + 2] -= factor * hop * (left[i] + right[i])
            for i in range(2):
                target[i] -= factor * hop * row[i + 2]
                target[n - 2 + i] -= factor * hop * row[n - 4 + i]
            for i in range(n):
                sums[i] += weights[k] * target[i]
        here, before = before, here


@njit(cache=True)
def compose(psi, spins, steps, parts, weights, counts, phases, shift, radius, orbital, local, work):
    """`steps` symmetric compositions: half the local flow, hopping, the other half, per part.

    parts (stages,) are times in fs; row k of weights holds counts[k] terms of the Chebyshev
    series of stage k and phases[k] its phase.  orbital: potential (each site twice) and hopping;
    local: as for `local_flow`; work: (4, 2, 2 sites) real.
    """
    onsite, hop = orbital
    sites, strength, exchange, field, anisotropy = local
    for _ in range(steps):
        for k in range(len(parts)):
            t = parts[k] / 2
            for half in range(2):
                local_flow(psi, spins, t, half, sites, strength, exchange, field, anisotropy)
                if half == 1:
                    continue
                row = weights[k, : counts[k]]
                _hop(psi.view(np.float64), row, shift, radius, onsite, hop, work)
                turn = -1.0 if t > 0 else 1.0
                for s in range(2):
                    for x in range(psi.shape[1]):
                        real = work[0, s, 2 * x] - turn * work[1, s, 2 * x + 1]
                        imaginary = work[0, s, 2 * x + 1] + turn * work[1, s, 2 * x]
                        psi[s, x] = phases[k] * complex(real, imaginary)
