"""Independent routes to the gradient tensors, without any gradient expansion.

D  dynamics: n_b(t) or a vector potential at a small frequency, the three ladders (retarded and
   advanced) solved at that frequency, the slope in frequency by Richardson extrapolation.
Q  statics at a finite wave vector: the first-order change of the conductivity-like response by a
   texture u_b exp(iqx), with the full local ladder at q and the potential that keeps every
   point neutral; the slope in q by Richardson extrapolation.

Only H(k), S and the Born self-energy are shared with the engine; sums over k, ladders and
contours are written here once more.
"""

from functools import lru_cache

import numpy as np

from negf_torque.gradient.ladder import ScatteringMap, superapply
from negf_torque.gradient.model import BulkModel, ZoneMesh, exchange_model, harmonics_at
from negf_torque.gradient.scba import solve_scba
from negf_torque.spin import SIGMA

GENERIC = (0.48, 0.6, 0.64)


def two_orbital_model(direction=GENERIC, strength=0.35, bonds=0.12, seed=4) -> BulkModel:
    """Square lattice, two orbitals, no symmetry at all, exchange also on the bonds."""
    rng = np.random.default_rng(seed)
    steps = [(1, 0), (0, 1), (1, 1)]
    displacements = np.array([(0, 0), *steps, *[(-x, -y) for x, y in steps]], float)

    def random_matrix():
        return rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))

    hoppings = np.zeros((7, 4, 4), complex)
    exchange = np.zeros((3, 7, 4, 4), complex)
    onsite = random_matrix()
    hoppings[0] = 0.2 * (onsite + onsite.conj().T) + np.kron(np.diag([0.4, -0.4]), np.eye(2))
    for index in range(3):
        base = np.diag([-1.0, -1.0, 0.7, 0.7]) * (0.4 if index == 2 else 1.0)
        hoppings[1 + index] = base + strength * 0.4 * random_matrix()
        hoppings[4 + index] = hoppings[1 + index].conj().T
    for axis in range(3):
        exchange[axis, 0] = -0.6 * np.kron(np.diag([1.0, 0.7]), SIGMA[axis])
        for index in range(3):
            bond = bonds * (0.3 * random_matrix() + np.kron(np.eye(2), SIGMA[axis]))
            exchange[axis, 1 + index] = bond
            exchange[axis, 4 + index] = bond.conj().T
    return exchange_model(np.eye(2), displacements, hoppings, exchange, direction)


def cubic_model(direction=GENERIC, strength=0.35, seed=11) -> BulkModel:
    """Cubic lattice with face diagonals, one orbital, no symmetry at all, exchange on bonds."""
    rng = np.random.default_rng(seed)
    steps = np.vstack([np.eye(3), [[1, 1, 0], [0, 1, 1]]])
    displacements = np.vstack([np.zeros((1, 3)), steps, -steps])
    hoppings = np.zeros((11, 2, 2), complex)
    exchange = np.zeros((3, 11, 2, 2), complex)
    exchange[:, 0] = -0.7 * SIGMA

    def random_matrix():
        return rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))

    for index in range(1, 6):
        size = 1.0 if index < 4 else 0.3
        hoppings[index] = -size * np.eye(2) + strength * random_matrix()
        hoppings[index + 5] = hoppings[index].conj().T
        for axis in range(3):
            bond = 0.1 * (SIGMA[axis] + 0.3 * random_matrix())
            exchange[axis, index], exchange[axis, index + 5] = bond, bond.conj().T
    return exchange_model(np.eye(3), displacements, hoppings, exchange, direction)


class Zone:
    """All k of one mesh and H, v, O and dO/dk there, shifted by any wave vector."""

    def __init__(self, model: BulkModel, size: int) -> None:
        self.model = model
        mesh = ZoneMesh(model.lattice, (size,) * model.dimension, chunk=10**9)
        self.mesh, self.k = mesh, next(iter(mesh))
        self.n = model.orbitals

    def at(self, array, shift=0.0):
        return harmonics_at(self.model.displacements, array, self.k + shift)

    def hamiltonian(self, shift=0.0):
        return self.at(self.model.hoppings, shift)

    def slope(self, array, axis, shift=0.0):
        r = self.model.displacements[:, axis]
        return self.at(1j * r[:, None, None] * array, shift)

    def greens(self, z, sigma, shift=0.0):
        return np.linalg.inv(z * np.eye(self.n) - self.hamiltonian(shift) - sigma)

    def average(self, array):
        return array.mean(axis=-3)


def pair(left, right):
    """Mean over k of V -> left V right on row-major vectors."""
    count, n, _ = left.shape
    return np.einsum("kij,klm->imjl", left, right).reshape(n * n, n * n) / count


def dress(s, x, source):
    """Solve g = source + X[S g] by a plain inverse (regular at finite frequency or q)."""
    n = source.shape[-1]
    matrix = np.eye(n * n) - x @ s
    return np.linalg.solve(matrix, source.reshape(-1, n * n).T).T.reshape(source.shape)


def contour(nodes, scale):
    """Heights y and weights of int_0^inf dy."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    t = (x + 1) / 2
    return scale * t / (1 - t), 0.5 * scale * w / (1 - t) ** 2


class Born:
    """Self-energies by energy, solved once each."""

    def __init__(self, zone: Zone, impurities: ScatteringMap) -> None:
        self.zone, self.s = zone, impurities.superoperator
        self.ds = impurities.derivative
        self.cache: dict[complex, object] = {}

    def __call__(self, z):
        z = complex(z)
        if z not in self.cache:
            self.cache[z] = solve_scba(self.zone.model, self.zone.mesh, self.s, z)
        return self.cache[z].sigma


def dynamic_response(born: Born, mu, omega, vertices, observables, nodes=24, scale=2.0):
    """R_ab(omega): <A_a> per amplitude of a perturbation V_b exp(-i omega t), T = 0.

    R = int dE/(2 pi i) Tr A {-f(E) RR + f(E + w) AA + [f(E) - f(E + w)] RA}(E + w, E).
    vertices (b, k, n, n), observables (a, k or 1, n, n).
    """
    zone = born.zone

    def ladder(left, right):
        source = zone.average(left @ vertices @ right)
        g = dress(born.s, pair(left, right), source)
        full = left @ (vertices + superapply(born.s, g)[:, None]) @ right
        seen = np.broadcast_to(observables, (len(observables), *left.shape))
        return np.einsum("akij,bkji->ab", seen, full) / len(left)

    def green(z, advanced=False):
        sigma = born(np.conj(z) if advanced else z)
        if advanced:
            return zone.greens(np.conj(z), sigma).conj().swapaxes(-1, -2)
        return zone.greens(z, sigma)

    total = 0.0
    heights, weights = contour(nodes, scale)
    for y, w in zip(heights, weights, strict=True):
        z = mu + 1j * y
        total = total - (-1j * w) * ladder(green(z + omega), green(z))
        z = mu - 1j * y  # AA: E' = E + omega up to mu, lower half plane
        total = total + (1j * w) * ladder(green(z, True), green(z - omega, True))
    x, w = np.polynomial.legendre.leggauss(8)
    for e, weight in zip(mu - omega / 2 + omega / 2 * x, omega / 2 * w, strict=True):
        total = total + weight * ladder(green(e + omega), green(e, True))
    return total / (2j * np.pi)


def extrapolate(function, step, orders=3):
    """Limit h -> 0 of a function even in h, from h = step (1, 2, 3, ...)."""
    h = step * np.arange(1, orders + 1)
    values = np.stack([function(x) for x in h])
    vandermonde = np.vander(h**2, increasing=True)
    return np.tensordot(np.linalg.inv(vandermonde)[0], values, axes=1)


def slope_in_frequency(born: Born, mu, vertices, observables, step=0.04, orders=3, **options):
    """-Im R(omega)/omega at omega -> 0: the response to the rate of change."""

    def one(omega):
        return -dynamic_response(born, mu, omega, vertices, observables, **options).imag / omega

    return extrapolate(one, step, orders)


class FiniteWaveVector:
    """Response to a uniform force F_i of a magnet with a texture u_b exp(iqx), first order in u."""

    def __init__(self, born: Born, mu, field_axis, texture_axis, q, nodes=16, scale=2.0) -> None:
        self.born, self.zone, self.mu, self.q = born, born.zone, mu, q
        self.field_axis = field_axis
        self.shift = np.zeros(self.zone.model.dimension)
        self.shift[texture_axis] = q / 2
        self.nodes, self.scale = nodes, scale
        model = self.zone.model
        self.o = np.stack([self.zone.at(o) for o in model.exchange])
        self.o_slope = np.stack([self.zone.slope(o, field_axis) for o in model.exchange])
        unit = np.broadcast_to(np.eye(self.zone.n), (1, *self.o.shape[1:]))
        self.observables = np.concatenate([self.o, unit])
        # one energy slope asks for nine energies on both sides, again and again
        self.greens = lru_cache(maxsize=40)(self.greens)
        self.texture_vertex = lru_cache(maxsize=20)(self.texture_vertex)

    def greens(self, z, side, advanced):
        sigma = self.born(np.conj(z) if advanced else z)
        g = self.zone.greens(np.conj(z) if advanced else z, sigma, side * self.shift)
        return g.conj().swapaxes(-1, -2) if advanced else g

    def turned(self, g):
        if self.born.ds is None:
            return np.zeros((3, *g.shape), complex)
        return np.stack([superapply(d, g) for d in self.born.ds])

    def texture_vertex(self, z, advanced, sign):
        """O_b dressed at q, (b, k, n, n), between G(k + q/2) and G(k - q/2)."""
        plus, minus = self.greens(z, sign, advanced), self.greens(z, -sign, advanced)
        s, x = self.born.s, pair(plus, minus)
        local = self.zone.average(plus)
        turned = self.turned(local)
        source = self.zone.average(plus @ self.o @ minus) + superapply(x, turned)
        return self.o + (superapply(s, dress(s, x, source)) + turned)[:, None]

    def three_point(self, z1, advanced1, z2, advanced2, sign=1):
        """int Tr A (G W G) at first order in u, shape (observables, b); sign of q."""
        s, zone = self.born.s, self.zone
        p1, m1 = self.greens(z1, sign, advanced1), self.greens(z1, -sign, advanced1)
        p2, m2 = self.greens(z2, sign, advanced2), self.greens(z2, -sign, advanced2)
        model, i = zone.model, self.field_axis
        vp = zone.slope(model.hoppings, i, sign * self.shift)
        vm = zone.slope(model.hoppings, i, -sign * self.shift)
        source = zone.average(p1 @ vp @ p2)
        x0, n = pair(p1, p2), zone.n
        matrix = np.vstack([np.eye(n * n) - x0 @ s, np.eye(n).reshape(1, -1)])
        right = np.append(source.ravel(), 0.0)
        if advanced1 == advanced2:  # regular
            matrix, right = matrix[:-1], right[:-1]
        g_w = np.linalg.lstsq(matrix, right, rcond=1e-11)[0].reshape(n, n)
        w = superapply(s, g_w)
        b1, b2 = (self.texture_vertex(z, a, sign) for z, a in ((z1, advanced1), (z2, advanced2)))
        turned = self.turned(g_w)
        known = p1 @ b1 @ (m1 @ (vm + w) @ m2) + (p1 @ (vp + w) @ p2) @ b2 @ m2
        known = known + p1 @ (self.o_slope + turned[:, None]) @ m2
        g = dress(s, pair(p1, m2), zone.average(known))
        full = known + p1 @ superapply(s, g)[:, None] @ m2
        return np.einsum("akij,bkji->ab", self.observables, full) / len(p1)

    def first_energy_slope(self, z, sign):
        """d/dz1 of the retarded-retarded three-point function, eighth order in the step."""
        h = 0.02
        coefficients = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
        return sum(
            c / h * (self.three_point(z + m * h, False, z, False, sign)
                     - self.three_point(z - m * h, False, z, False, sign))
            for m, c in coefficients.items()
        )  # fmt: skip

    def potential_response(self, z, sign):
        """Tr A G (1 + Sigma_U) G at q, shape (observables,)."""
        s = self.born.s
        plus, minus = self.greens(z, sign, False), self.greens(z, -sign, False)
        g = dress(s, pair(plus, minus), self.zone.average(plus @ minus))
        full = plus @ (np.eye(self.zone.n) + superapply(s, g)) @ minus
        return np.einsum("akij,kji->a", self.observables, full) / len(plus)

    def uniform_field_response(self):
        """Response (observables, b) at +q per F_i u_b, no screening."""
        sea = {+1: 0.0, -1: 0.0}
        for y, w in zip(*contour(self.nodes, self.scale), strict=True):
            for sign in sea:
                sea[sign] = sea[sign] - 1j * w * self.first_energy_slope(self.mu + 1j * y, sign)
        window = self.three_point(self.mu, False, self.mu, True)
        return (window - sea[+1] - sea[-1].conj()) / (2 * np.pi)

    def static_response(self):
        """Equilibrium response (observables,) to U exp(iqx)."""
        total = {+1: 0.0, -1: 0.0}
        for y, w in zip(*contour(self.nodes, self.scale), strict=True):
            for sign in total:
                total[sign] = total[sign] - 1j * w * self.potential_response(self.mu + 1j * y, sign)
        return -(total[+1] - total[-1].conj()) / (2j * np.pi)

    def neutral(self):
        """Response (a, b) at +q with local neutrality, and the field -iqU it needs (b,)."""
        bare, static = self.uniform_field_response(), self.static_response()
        potential = -bare[-1] / static[-1]
        return bare[:-1] + static[:-1, None] * potential, -1j * self.q * potential


def texture_slope(born: Born, mu, i, j, chi, q=0.08, orders=3, **options):
    """K_{a,i,j,b} (a, b) from the part odd in q, per local field; chi (a, d)."""

    def one(wave):
        response, bent = FiniteWaveVector(born, mu, i, j, wave, **options).neutral()
        return (response - chi[:, j, None] * bent).imag / wave

    return extrapolate(one, q, orders)
