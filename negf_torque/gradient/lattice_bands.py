"""Nearest-neighbour tight-binding bands of the cubic lattices, to rounding.

Lattice constant 1, hopping -t (t > 0 puts the minimum at k = 0):

    simple cubic          eps = -2t (cos kx + cos ky + cos kz)
    body-centred cubic    eps = -8t cos(kx/2) cos(ky/2) cos(kz/2)
    face-centred cubic    eps = -4t (cos(kx/2) cos(ky/2) + cyclic)

The three-dimensional lattices have closed forms, products of complete elliptic integrals, which
`cubic_kernels` evaluates; close to a van Hove energy h is integrated from there.  Of the square
lattice g is an elliptic integral, done by the arithmetic-geometric mean,

    (1/pi) int_0^pi dx [(A1 + B1 cos x)(A2 + B2 cos x)]^(-1/2)
        = 1/AGM(sqrt(A1 + B1) sqrt(A2 - B2), sqrt(A1 - B1) sqrt(A2 + B2)),

and h a periodic integral, for which equal steps converge exponentially in the distance of the
singularities from the real axis; close to the real axis it is cut at those singularities and done
by double-exponential quadrature, so that the clean limit is reached as well.  Everywhere
h' = int_k (d^2 eps/dk_x^2)/(z - eps) = (1 - z g)/n, n = 2, 3, 4, 6.
G. S. Joyce, J. Phys. A 5, L65 (1972) and 31, 5105 (1998).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.bands import Band

__all__ = ["body_centred_cubic", "face_centred_cubic", "simple_cubic", "square"]




def _inverse_agm(a: NDArray, b: NDArray, da: NDArray, db: NDArray) -> tuple[NDArray, NDArray]:
    """1/AGM(a, b) of two numbers of the closed upper half plane, and its derivative.

    AGM(a, b) = a AGM(1, b/a), and AGM(1, r) is the product of (1 + r_n)/2 along
    r -> 2 sqrt(r)/(1 + r), principal roots: the branch that is analytic in the half plane.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        r = b / a
        dr = (db - r * da) / a
        mean, d_log = a, da / a
        for _ in range(12):
            plus = 1 + r
            mean = mean * plus / 2
            d_log = d_log + dr / plus
            root = np.sqrt(r)
            small = 1 - r
            dr = dr * small / (root * plus * plus)
            r = 2 * root / plus
            # 1 - r falls from 1e-5 to 1e-11 to 1e-22
            if np.all(np.abs(1 - r) < 1e-6):
                break
        plus = 1 + r
        mean = mean * plus / 2
        return 1 / mean, -(d_log + dr / plus) / mean


def _upper(z: NDArray) -> NDArray:
    """z with a non-negative zero as imaginary part: the retarded side of every cut."""
    z = np.asarray(z, complex)
    return z.real + 1j * np.where(z.imag > 0, z.imag, 0.0)


def _root(minus: NDArray, plus: NDArray) -> tuple[NDArray, NDArray]:
    """sqrt(z - a) sqrt(z + a) from its two factors, and its derivative with respect to z."""
    minus, plus = np.sqrt(_upper(minus)), np.sqrt(_upper(plus))
    with np.errstate(divide="ignore", invalid="ignore"):
        return minus * plus, (plus / minus + minus / plus) / 2


def _square(s: NDArray, t: float, minus: NDArray, plus: NDArray) -> tuple[NDArray, NDArray]:
    """Square lattice: g and dg/ds from s, s - 4t and s + 4t."""
    root, slope = _root(minus, plus)
    return _inverse_agm(_upper(s), root, np.ones_like(root), slope)


def _add_cosine(z: NDArray, amplitude: float, q: NDArray, p: NDArray) -> NDArray:
    """z + amplitude cos q, without cancellation where it vanishes at q = 0 or p = pi - q = 0."""
    left = (z + amplitude) - 2 * amplitude * np.sin(q / 2) ** 2
    right = (z - amplitude) + 2 * amplitude * np.sin(p / 2) ** 2
    return np.where(q < p, left, right)


# tanh-sinh rule on (0, 1): distances from the left and from the right end, weights
_STEP = 1 / 16
_u = _STEP * np.arange(-52, 53)
_LEFT = 1 / (1 + np.exp(-np.pi * np.sinh(_u)))
_RIGHT = _LEFT[::-1]
_WEIGHT = _STEP * np.pi * np.cosh(_u) * _LEFT * _RIGHT


def _period_average(
    integrand: Callable[[NDArray, NDArray, NDArray], tuple[NDArray, ...]],
    z: NDArray,
    singular: Callable[[NDArray], NDArray],
) -> list[NDArray]:
    """(1/pi) int_0^pi dq integrand(z, q, pi - q), for integrands even and periodic in q.

    `singular(z)` gives the complex q of the singularities, (count, elements).
    """
    z = _upper(z)
    flat = z.reshape(-1)
    places = singular(flat)
    places = np.where(places.real < 0, -places, places)
    wanted = 18.5 / np.maximum(np.abs(places.imag).min(axis=0), 1e-6) + 4
    count = np.select([wanted <= n for n in _COUNTS], _COUNTS, 0)
    order = np.argsort(count, kind="stable")
    pieces = []
    for n in np.unique(count):
        members = order[np.searchsorted(count[order], n):np.searchsorted(count[order], n, "right")]
        block = max(1, 2**14 // (n or 4 * len(_u)))
        for i in range(0, len(members), block):
            chosen = members[i : i + block]
            if n:
                q = np.pi * (np.arange(n) + 0.5) / n
                values = integrand(flat[chosen, None], q, q[::-1])
                pieces.append([v.mean(axis=-1) for v in values])
            else:
                pieces.append(_segments(integrand, flat[chosen], places[:, chosen].real))
    result = []
    for parts in zip(*pieces, strict=True):
        whole = np.empty(flat.shape, complex)
        whole[order] = np.concatenate(parts)
        result.append(whole.reshape(z.shape))
    return result


_COUNTS = [12, 16, 24, 32, 48, 64, 96, 144, 192, 288, 384]


def _segments(integrand, z: NDArray, places: NDArray) -> list[NDArray]:
    """The same integral cut at the singularities' real parts, double-exponential in each piece."""
    edges = np.sort(np.clip(places, 0, np.pi), axis=0)
    edges = np.concatenate([np.zeros((1, len(z))), edges, np.full((1, len(z)), np.pi)])
    length = np.diff(edges, axis=0)[..., None]
    q = edges[:-1, :, None] + length * _LEFT
    p = (np.pi - edges[1:, :, None]) + length * _RIGHT
    weight = length * _WEIGHT / np.pi
    values = integrand(np.broadcast_to(z[:, None], q.shape), q, p)
    # a node that rounds onto a logarithmic singularity, or a piece of length zero, has no weight
    with np.errstate(invalid="ignore"):
        return [
            np.where((weight > 0) & np.isfinite(v), v * weight, 0).sum(axis=(0, 2)) for v in values
        ]


#: Distance from a van Hove energy, in hoppings, within which h is integrated from there.
_EDGE = 0.02
_VAN_HOVE = (np.array([-6.0, -2.0, 2.0, 6.0]), np.array([-12.0, 4.0]), np.array([-8.0, 0.0, 8.0]))


def _closed_form(lattice: int, z: NDArray, t: float) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """g, g', h and h' of the simple (0), face- (1) or body-centred (2) cubic lattice."""
    from negf_torque.gradient.cubic_kernels import evaluate  # compiled: only where it is needed

    s = _upper(z) / t
    g, slope, h, change = evaluate(lattice, s)
    distance = np.abs(s[..., None] - _VAN_HOVE[lattice])
    near = distance.min(axis=-1) < _EDGE
    if near.any():
        edge = _VAN_HOVE[lattice][distance[near].argmin(axis=-1)]
        # int h' from the edge, to s and to a point where h is known: the singular end of both
        # paths is done by the double-exponential rule
        ends = np.stack([s[near], edge + 0.1j])
        path = edge[:, None] + (ends - edge)[..., None] * _LEFT
        rise = (ends - edge) * (evaluate(lattice, path)[3] @ _WEIGHT)
        h = np.where(near, 0, h)
        values = evaluate(lattice, ends[1])[2] + rise[0] - rise[1]
        bottom, top = _VAN_HOVE[lattice][[0, -1]]
        real = s[near].real
        outside = (s[near].imag == 0) & ((real <= bottom) | (real >= top))
        h[near] = np.where(outside, values.real, values)  # no state, no conduction
    with np.errstate(invalid="ignore"):  # at a van Hove energy the slope is infinite
        return g / t, slope / t**2, h * t, change


def _check(hopping: float) -> float:
    if not (np.isfinite(hopping) and hopping > 0):
        raise ValueError(f"hopping: {hopping!r}. Give t > 0, eV.")
    return float(hopping)


def square(hopping: float = 1.0) -> Band:
    """Square lattice, eps = -2t (cos kx + cos ky).

    Examples
    --------
    Far from the band g = 1/z + 4 t^2/z^3 + ...:

    >>> g, _ = square().green(np.array(100j))
    >>> complex((g * 100j - 1) * 100**2).real.__round__(2)
    -4.0
    """
    t = _check(hopping)
    edges = np.array([2 * t, -2 * t])[:, None]

    def weighted(z: NDArray, q: NDArray, p: NDArray) -> tuple[NDArray]:
        root, _ = _root(_add_cosine(z - 2 * t, 2 * t, q, p), _add_cosine(z + 2 * t, 2 * t, q, p))
        return (4 * t * t * np.sin(q) ** 2 / root,)

    def green(z: NDArray) -> tuple[NDArray, NDArray]:
        return _square(z, t, z - 4 * t, z + 4 * t)

    def velocity(z: NDArray) -> tuple[NDArray, NDArray]:
        (h,) = _period_average(weighted, z, lambda y: np.arccos((edges - y) / (2 * t)))
        return h, (1 - z * green(z)[0]) / 2

    return Band("square", 2, -4 * t, 4 * t, green, velocity)


def simple_cubic(hopping: float = 1.0) -> Band:
    """Simple cubic lattice, eps = -2t (cos kx + cos ky + cos kz).

    Examples
    --------
    Watson's third integral, g at the band edge z = 6t:

    >>> g, _ = simple_cubic().green(np.array(6 + 0j))
    >>> round(float(g.real) * 6, 10)
    1.5163860592
    """
    t = _check(hopping)

    def green(z: NDArray) -> tuple[NDArray, NDArray]:
        return _closed_form(0, z, t)[:2]

    def velocity(z: NDArray) -> tuple[NDArray, NDArray]:
        return _closed_form(0, z, t)[2:]

    return Band("simple cubic", 3, -6 * t, 6 * t, green, velocity)


def body_centred_cubic(hopping: float = 1.0) -> Band:
    """Body-centred cubic lattice, eps = -8t cos(kx/2) cos(ky/2) cos(kz/2).

    The local function is elementary: g = AGM(1, k')^-2/z, k'^2 = (1 + sqrt(1 - (8t/z)^2))/2.

    Examples
    --------
    Watson's first integral, g at the band edge z = 8t:

    >>> g, _ = body_centred_cubic().green(np.array(8 + 0j))
    >>> round(float(g.real) * 8, 10)
    1.3932039297
    """
    t = _check(hopping)

    def green(z: NDArray) -> tuple[NDArray, NDArray]:
        return _closed_form(2, z, t)[:2]

    def velocity(z: NDArray) -> tuple[NDArray, NDArray]:
        return _closed_form(2, z, t)[2:]

    return Band("body-centred cubic", 3, -8 * t, 8 * t, green, velocity)


def face_centred_cubic(hopping: float = 1.0) -> Band:
    """Face-centred cubic lattice, eps = -4t (cos(kx/2) cos(ky/2) + cyclic), from -12t to 4t.

    Examples
    --------
    Watson's second integral, g at the lower band edge z = -12t:

    >>> g, _ = face_centred_cubic().green(np.array(-12 + 0j))
    >>> round(float(-g.real) * 12, 9)
    1.344661183
    """
    t = _check(hopping)

    def green(z: NDArray) -> tuple[NDArray, NDArray]:
        return _closed_form(1, z, t)[:2]

    def velocity(z: NDArray) -> tuple[NDArray, NDArray]:
        return _closed_form(1, z, t)[2:]

    return Band("face-centred cubic", 3, -12 * t, 4 * t, green, velocity)
