"""Compiled loops for the cubic lattices' Green's functions in closed form, hopping 1.

With M(1, r) the arithmetic-geometric mean and xi an algebraic function of the energy s,

    g = C(xi)/(s A^2) M(1, B/A)^-2,    A^2 = (1 - xi)^3 (1 + 3 xi),  B^2 = (1 + xi)^3 (1 - 3 xi),

    simple cubic:   xi = 2/sqrt[(s + R_6)(s + R_2)],  R_c = sqrt(s - c) sqrt(s + c),
                    C = 1 - 9 xi^4,
    face-centred:   xi = -4/[(sqrt(s) + sqrt(s - 4))(sqrt(s) + sqrt(s + 12))],
                    C = (1 + 3 xi^2)^2,

    body-centred:   g = M(1, r)^-2/s,  r^2 = (s + R_8)/(2 s).

G. S. Joyce, J. Phys. A 31, 5105 (1998), whose formulas hold in the whole upper half plane when the
mean takes at each step the root that lies nearer (tested against integrals and with 40 digits).
The velocity functions follow from the differential equation of g,

    simple cubic:   3 h = (8 - s^2) g + (40 s - 2 s^3) g' - (s^2 - 4)(s^2 - 36) g'' + s,
    face-centred:   6 h = (16 - s^2) g + (80 s - 96 - 6 s^2 - 2 s^3) g'
                          - s (s - 4)^2 (s + 12) g'' + s + 2,
    body-centred:   4 h = -s^2 g + (64 s - 2 s^3) g' - s^2 (s^2 - 64) g'' + s,

and far from the band all from the moments of the band, g = sum_n a_n/s^(n+1).  At s = 0 these
formulas cancel although g is regular or goes like sqrt(s); there a series in s takes over, whose
coefficients follow from the differential equation and the first few from the formulas in 80 digits.
"""

from fractions import Fraction
from math import comb

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["evaluate"]

_TERMS = 56
#: Stands for a distance of zero; its cube can still be divided by.
_TINY = 1e-60


def _simple_cubic_moments() -> list[Fraction]:
    """<eps^n> of the simple cubic lattice: closed walks of n steps."""
    even = [Fraction(1), Fraction(6)]
    for n in range(2, _TERMS // 2 + 1):
        first = 2 * (2 * n - 1) * (10 * n * n - 10 * n + 3) * even[n - 1]
        second = 36 * (n - 1) * (2 * n - 1) * (2 * n - 3) * even[n - 2]
        even.append((first - second) / n**3)
    return [even[n // 2] if n % 2 == 0 else Fraction(0) for n in range(_TERMS)]


def _face_centred_moments() -> list[Fraction]:
    """<eps^n> of the face-centred cubic lattice, eps = minus the sum over 12 neighbours."""
    a = [Fraction(1), Fraction(0), Fraction(12)]
    for n in range(3, _TERMS):
        total = 2 * n * (2 * n - 1) * (n - 1) * a[n - 1]
        total += 16 * (n - 1) * (5 * n * n - 10 * n + 6) * a[n - 2]
        total += 96 * (n - 1) * (n - 2) * (2 * n - 3) * a[n - 3]
        a.append(total / n**3)
    return [(-1) ** n * value for n, value in enumerate(a)]


def _body_centred_moments() -> list[Fraction]:
    """<eps^n> of the body-centred cubic lattice: a product of three cosines."""
    return [Fraction(comb(n, n // 2) ** 3 if n % 2 == 0 else 0) for n in range(_TERMS)]


#: Lattices by number: 0 simple, 1 face-centred, 2 body-centred cubic; moments divided by `_FAR`^n.
_FAR = np.array([14.0, 26.0, 18.0])
_BOTTOM, _TOP = np.array([-6.0, -12.0, -8.0]), np.array([6.0, 4.0, 8.0])
_NEIGHBOURS = np.array([3.0, 6.0, 4.0])
_MOMENTS = np.array(
    [
        [float(value / Fraction(int(far)) ** n) for n, value in enumerate(moments)]
        for far, moments in zip(
            _FAR,
            (_simple_cubic_moments(), _face_centred_moments(), _body_centred_moments()),
            strict=True,
        )
    ]
)


def _inner_simple_cubic() -> list[complex]:
    """y_m of s g = sum_m y_m s^m, |s| < 2."""
    y = [0, -0.4482203943883814321164j, 0.09188814923696534158522, -0.001515863472233556048409j]
    for m in range(4, _TERMS):
        theta = -(m - 2) / 2
        right = 2 * (2 * theta + 1) * (10 * theta**2 + 10 * theta + 3) * y[m - 2]
        right += ((m - 4) / 2) ** 3 * y[m - 4]
        y.append(right / (36 * (1 - m / 2) * (3 - m) * (1 - m)))
    return y


def _inner_face_centred(start: list[complex], offset: float) -> list[complex]:
    """y_m of one part of s g = sum_m y_m s^(m + offset), |s| < 4."""
    y = list(start)
    for n in range(len(start), _TERMS):
        m = n + offset
        # theta = s d/ds with the opposite sign, on the power each coefficient belongs to
        one, two, three = 1 - m, 2 - m, 3 - m
        right = -16 * (one + 1) * (5 * one**2 + 10 * one + 6) * y[n - 1]
        if n >= 2:
            right += 2 * (two + 1) * (2 * two + 1) * two * y[n - 2]
        if n >= 3:
            right += three**3 * y[n - 3]
        y.append(right / (-96 * (2 - m) * (1 - m) * (3 - 2 * m)))
    return y


#: Series at s = 0: whole powers, and half powers s^(m + 1/2); where they are used.
_WHOLE = np.array(
    [
        _inner_simple_cubic(),
        _inner_face_centred(
            [
                0,
                -0.2241101971941907160582 - 0.3881702480346183678922j,
                -0.02573997944092350525738 - 0.02011208916164520533251j,
            ],
            0.0,
        ),
    ]
)
_HALF = np.array(
    [np.zeros(_TERMS), _inner_face_centred([0, 1 / (2 * np.pi)], 0.5)], complex
)
_NEAR = np.array([1.0, 1.0, 0.0])
_CENTRE = np.array(
    [
        (8 * _WHOLE[0, 1] - 288 * _WHOLE[0, 3]) / 3,
        (16 * _WHOLE[1, 1] + 2 - 96 * _WHOLE[1, 2]) / 6,
    ]
)


@njit(cache=True)
def _inner(lattice, s):
    """g, g', h and h' near s = 0."""
    if s == 0:
        s = _TINY + 0.0j
    root = np.sqrt(s)
    y, slope, integral = 0.0j, 0.0j, 0.0j
    whole, half = 1.0 + 0.0j, root
    for m in range(1, _TERMS):  # powers of s divided by s
        a, b = _WHOLE[lattice, m] * whole, _HALF[lattice, m] * half
        y += a + b
        slope += (m - 1) * a + (m - 0.5) * b
        integral += a / (m + 1) + b / (m + 1.5)
        whole *= s
        half *= s
    neighbours = _NEIGHBOURS[lattice]
    h = _CENTRE[lattice] + (s - integral * s * s) / neighbours
    return y, slope / s, h, (1 - s * y) / neighbours


@njit(cache=True)
def _series(lattice, s):
    """g, g', h and h' from the moments, for |s| >= _FAR."""
    far, neighbours = _FAR[lattice], _NEIGHBOURS[lattice]
    w = far / s
    power = 1.0 + 0.0j
    g, slope, h, rest = 0.0j, 0.0j, 0.0j, 0.0j
    for n in range(_TERMS):
        term = _MOMENTS[lattice, n] * power
        g += term
        slope -= (n + 1) * term
        if n >= 2:
            rest -= term
            h += term / (n - 1)
        power *= w
    return g / s, slope / s**2, h * s / neighbours, rest / neighbours


@njit(cache=True)
def _root(difference):
    """Square root of the distance from a van Hove energy, never zero: it divides."""
    return np.sqrt(difference if difference != 0 else _TINY + 0.0j)


@njit(cache=True)
def _variable(lattice, s):
    """xi and its first two logarithmic derivatives with respect to s."""
    if lattice == 0:
        p = _root(s - 6) * _root(s + 6)
        q = _root(s - 2) * _root(s + 2)
        xi = 2 / (np.sqrt(s + p) * np.sqrt(s + q))
        return xi, -0.5 * (1 / p + 1 / q), 0.5 * s * (1 / p**3 + 1 / q**3)
    a, b, c = np.sqrt(s), _root(s - 4), _root(s + 12)
    p, q = a * b, a * c
    xi = -4 / ((a + b) * (a + c))
    return xi, -0.5 * (1 / p + 1 / q), 0.5 * ((s - 2) / p**3 + (s + 6) / q**3)


@njit(cache=True)
def _mean(r, r1, r2):
    """M(1, r), and first and second derivative of its logarithm, from those of r."""
    mean, first, second = 1.0 + 0.0j, 0.0j, 0.0j
    for _ in range(14):
        plus = 1 + r
        inverse = 1 / plus
        mean *= 0.5 * plus
        step = r1 * inverse
        first += step
        second += r2 * inverse - step * step
        small = 1 - r
        root = np.sqrt(r)
        # r -> 2 sqrt(r)/(1 + r), whose derivative is q
        base = inverse * inverse / root
        q = small * base
        slope = -base * (1 + 0.5 * small / r + 2 * small * inverse)
        r2 = r2 * q + r1 * r1 * slope
        r1 = r1 * q
        r = 2 * root * inverse
        if abs(small) < 1e-9:
            break
    return mean, first, second


@njit(cache=True)
def _closed_form(lattice, s):
    """g, g' and g''."""
    xi, log1, log2 = _variable(lattice, s)
    d1 = xi * log1
    d2 = xi * (log2 + log1 * log1)
    a, b, c, d = 1 / (1 - xi), 1 / (1 + 3 * xi), 1 / (1 + xi), 1 / (1 - 3 * xi)
    if lattice == 0:
        factor = 1 - 9 * xi**4
        slope = -36 * xi**3 / factor
        curve = -108 * xi * xi / factor - slope * slope
    else:
        inner = 1 + 3 * xi * xi
        factor = inner * inner
        slope = 12 * xi / inner
        curve = 12 / inner - 0.5 * slope * slope
    slope += 3 * a - 3 * b
    curve += 3 * a * a + 9 * b * b
    big = np.sqrt(a * a * a * b)
    # both roots apart: the branch on which the mean is the retarded function
    ratio = np.sqrt((1 + xi) ** 3 * (1 - 3 * xi)) / np.sqrt((1 - xi) ** 3 * (1 + 3 * xi))
    rho1 = 1.5 * (c - d + a - b)
    rho2 = 1.5 * (a * a - c * c + 3 * (b * b - d * d))
    r1 = ratio * rho1 * d1
    r2 = ratio * ((rho1 * d1) ** 2 + rho2 * d1 * d1 + rho1 * d2)
    mean, m1, m2 = _mean(ratio, r1, r2)
    g = factor * big * big / (mean * mean * s)
    l1 = slope * d1 - 1 / s - 2 * m1
    l2 = curve * d1 * d1 + slope * d2 + 1 / (s * s) - 2 * m2
    return g, g * l1, g * (l1 * l1 + l2)


@njit(cache=True)
def _body_centred(s):
    """g, g' and g''."""
    if s == 0:
        s = _TINY + 0.0j
    p = _root(s - 8) * _root(s + 8)
    r = np.sqrt((s + p) / (2 * s))
    log1 = 0.5 * (1 / p - 1 / s)
    log2 = 0.5 * (1 / (s * s) - s / p**3)
    mean, m1, m2 = _mean(r, r * log1, r * (log2 + log1 * log1))
    g = 1 / (mean * mean * s)
    l1 = -1 / s - 2 * m1
    l2 = 1 / (s * s) - 2 * m2
    return g, g * l1, g * (l1 * l1 + l2)


@njit(cache=True)
def _fill(lattice, s, result):
    """Rows g, g', h, h' for energies s of the closed upper half plane."""
    for i in range(len(s)):
        e = s[i]
        if lattice == 1 and abs(e - 4) < 1e-15:
            e = 4 + 1e-15 + 0.0j  # g diverges like a logarithm
        if abs(e) >= _FAR[lattice]:
            g, slope, h, change = _series(lattice, e)
        elif abs(e) < _NEAR[lattice]:
            g, slope, h, change = _inner(lattice, e)
        else:
            if lattice == 2:
                g, slope, second = _body_centred(e)
            else:
                g, slope, second = _closed_form(lattice, e)
            if lattice == 2:
                h = -e * e * g + (64 * e - 2 * e**3) * slope + e
                h -= e * e * (e - 8) * (e + 8) * second
            elif lattice == 0:
                h = (8 - e * e) * g + (40 * e - 2 * e**3) * slope + e
                h -= (e - 2) * (e + 2) * (e - 6) * (e + 6) * second
            else:
                h = (16 - e * e) * g + (80 * e - 96 - 6 * e * e - 2 * e**3) * slope + e + 2
                h -= e * (e - 4) * (e - 4) * (e + 12) * second
            h /= _NEIGHBOURS[lattice]
            change = (1 - e * g) / _NEIGHBOURS[lattice]
        if e.imag == 0 and (e.real <= _BOTTOM[lattice] or e.real >= _TOP[lattice]):
            g, slope, h, change = g.real + 0j, slope.real + 0j, h.real + 0j, change.real + 0j
        if abs(slope) > 1e25:  # at a van Hove energy
            slope = np.inf + 0.0j
        result[0, i], result[1, i], result[2, i], result[3, i] = g, slope, h, change


def evaluate(lattice: int, s: NDArray) -> NDArray:
    """g, dg/ds, h, dh/ds of the simple (0), face- (1) or body-centred (2) cubic lattice.

    Errors: g 1e-15; h 5e-14, but near a van Hove energy at a distance u 1e-15/sqrt(u), where
    the caller takes another route.  At these energies dg/ds is infinite or not a number.

    Parameters
    ----------
    lattice : {0, 1, 2}
    s : (...) complex
        Energy over hopping, in the closed upper half plane; real with +0 as imaginary part.

    Returns
    -------
    (4, ...) complex
    """
    flat = np.ascontiguousarray(s, complex).reshape(-1)
    result = np.empty((4, flat.size), complex)
    _fill(lattice, flat, result)
    return result.reshape(4, *np.shape(s))
