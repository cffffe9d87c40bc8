"""The gradient engine against closed forms of a single band without spin-orbit coupling.

g(z) = int_k 1/(z - eps), h(z) = int_k v_x^2/(z - eps): exact for the chain, by a fine k-sum for
other lattices.  Formulas of the vertex-corrected coefficients with uniaxial impurity moments
whose axis is fixed or follows the texture.
"""

import numpy as np
import pytest

from negf_torque.gradient.engine import gradient_tensors
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.model import ZoneMesh, exchange_model
from negf_torque.spin import SIGMA, unit_vector

CHAIN = {"m": 0.4, "mu": -0.6}


def cubic_magnet(dimension, splitting, direction=(0, 0, 1)):
    steps = np.vstack([np.eye(dimension), -np.eye(dimension)])
    displacements = np.vstack([np.zeros((1, dimension)), steps])
    hoppings = np.zeros((len(displacements), 2, 2), complex)
    hoppings[1:] = -np.eye(2)
    exchange = np.zeros((3, len(displacements), 2, 2), complex)
    exchange[:, 0] = -splitting * SIGMA
    return exchange_model(np.eye(dimension), displacements, hoppings, exchange, direction)


class ChainBand:
    """g and h of eps = -2 cos k; Im z of either sign."""

    @staticmethod
    def g(z):
        return 1 / (np.sqrt(z - 2) * np.sqrt(z + 2))

    def h(self, z):
        return z - (z * z - 4) * self.g(z)

    def slope_h(self, z):
        return 1 - z * self.g(z)

    def slope_g(self, z):
        return -z * self.g(z) ** 3


class SummedBand:
    """The same functions for a hypercubic lattice by a sum over a shifted mesh."""

    def __init__(self, dimension, size):
        k = 2 * np.pi * (np.arange(size) + 0.5) / size
        axes = np.meshgrid(*[-2 * np.cos(k)] * dimension, indexing="ij")
        self.eps = sum(axes).ravel()
        self.v2 = (4 * np.sin(np.meshgrid(*[k] * dimension, indexing="ij")[0]) ** 2).ravel()

    def g(self, z):
        return np.mean(1 / (z - self.eps))

    def h(self, z):
        return np.mean(self.v2 / (z - self.eps))

    def slope_h(self, z):
        return -np.mean(self.v2 / (z - self.eps) ** 2)

    def slope_g(self, z):
        return -np.mean(1 / (z - self.eps) ** 2)


class ClosedForm:
    """Coefficients of one band with M, gi, gz, gp; energies z on the retarded side."""

    def __init__(self, band, m, gi, gz, gp):
        self.band, self.m, self.gi, self.gz, self.gp = band, m, gi, gz, gp

    def shifted(self, energy):
        """z_up, z_down with the self-energies solved by Newton-guarded iteration."""
        zu, zd = energy + self.m + 0.3j, energy - self.m + 0.3j
        for _ in range(4000):
            gu, gd = self.band.g(zu), self.band.g(zd)
            new_u = energy + self.m - (self.gi + self.gz) * gu - 2 * self.gp * gd
            new_d = energy - self.m - (self.gi + self.gz) * gd - 2 * self.gp * gu
            change = max(abs(new_u - zu), abs(new_d - zd))
            zu, zd = new_u, new_d
            if change < 1e-15:
                break
        return zu, zd

    def total_slopes(self, zu, zd):
        """d g_s/dE with the self-energies following."""
        su, sd = self.band.slope_g(zu), self.band.slope_g(zd)
        a = np.array(
            [
                [1 + su * (self.gi + self.gz), 2 * su * self.gp],
                [2 * sd * self.gp, 1 + sd * (self.gi + self.gz)],
            ]
        )
        return np.linalg.solve(a, [su, sd])

    def y(self, u1, d1, u2, d2, z1_minus_z2):
        g = self.band.g
        d, e = g(u2) - g(d1), g(d2) - g(u1)
        return d / (z1_minus_z2 - 2 * self.m + 2 * self.gz * d + 2 * self.gp * e)

    def p(self, x, y):
        if x == y:
            return -self.band.slope_h(x)
        return -(self.band.h(x) - self.band.h(y)) / (x - y)

    def time_derivative(self, mu, nodes=60):
        """A and dS, T = 0."""
        zu, zd = self.shifted(mu)
        cu, cd = np.conj(zu), np.conj(zd)
        ra, rr = self.y(zu, zd, cu, cd, 0), self.y(zu, zd, zu, zd, 0)
        x, w = np.polynomial.legendre.leggauss(nodes)
        t = (x + 1) / 2
        height, weight = t / (1 - t), 0.5 * w / (1 - t) ** 2
        sea = sum(b * self.sea_slope(mu + 1j * a) for a, b in zip(height, weight, strict=True))
        a = self.m**2 / np.pi * (ra - rr).real
        return a, self.m**2 / np.pi * ((-1j * sea).imag - ra.imag)

    def sea_slope(self, energy):
        """(d1 - d2) Y^RR at equal energies."""
        zu, zd = self.shifted(energy)
        d = self.band.g(zu) - self.band.g(zd)
        total = sum(self.total_slopes(zu, zd))
        n = -2 * self.m + 2 * (self.gz - self.gp) * d
        return -total / n - d * (2 - 2 * (self.gz + self.gp) * total) / n**2

    def texture(self, mu, follow=False, nodes=60):
        """Jad, Jna, T = 0."""
        u, d = self.shifted(mu)
        uc, dc = np.conj(u), np.conj(d)
        g, p = self.band.g, self.p
        kap = 1 / (1 - (self.gz - self.gp) * (g(u) - g(d)) / self.m)
        big_d, big_e = g(uc) - g(d), g(dc) - g(u)
        lam = 1 / (1 - (self.gz * big_d + self.gp * big_e) / self.m)
        i4 = p(d, d) - 2 * p(d, u) + p(u, u)
        left = p(d, d) - p(d, u) - p(uc, d) + p(uc, u)
        right = p(d, dc) - p(d, uc) - p(uc, dc) + p(uc, uc)
        if follow:
            x, w = np.polynomial.legendre.leggauss(nodes)
            t = (x + 1) / 2
            pairs = zip(t / (1 - t), 0.5 * w / (1 - t) ** 2, strict=True)
            sea = -1j * sum(b * self.following_sea(mu + 1j * a) for a, b in pairs)
            value = lam * (left - right) - 1j * ((kap * i4).imag - sea.imag)
        else:
            value = lam * (kap * left - np.conj(kap) * right) - 1j * (kap**2 * i4).imag
        return value.real / (4 * np.pi), value.imag / (4 * np.pi)

    def following_sea(self, energy):
        """(d kap/dE) I4."""
        u, d = self.shifted(energy)
        slope_u, slope_d = self.total_slopes(u, d)
        s = (self.gz - self.gp) / self.m
        kap = 1 / (1 - s * (self.band.g(u) - self.band.g(d)))
        i4 = self.p(d, d) - 2 * self.p(d, u) + self.p(u, u)
        return kap**2 * s * (slope_u - slope_d) * i4


def engine_coefficients(result):
    """A, dS, Jad, Jna at n = z along x."""
    k = result.texture.total
    time = (None, None)
    if result.damping is not None:
        time = result.damping.total[0, 0], result.damping.total[0, 1]
    return *time, k[0, 0, 0, 1], k[0, 0, 0, 0]


@pytest.mark.parametrize(("gi", "gz", "gp"), [(0.3, 0.05, 0.05), (0.3, 0.08, 0.02), (0.2, 0, 0.1)])
def test_chain_equals_the_closed_form(gi, gz, gp):
    form = ClosedForm(ChainBand(), CHAIN["m"], gi, gz, gp)
    result = gradient_tensors(
        cubic_magnet(1, CHAIN["m"]), CHAIN["mu"], magnetic_impurities(gi, gp, gz), tolerance=1e-11
    )
    expected = *form.time_derivative(CHAIN["mu"]), *form.texture(CHAIN["mu"])
    np.testing.assert_allclose(engine_coefficients(result), expected, rtol=0, atol=1e-11)


def test_following_impurities_on_the_chain():
    form = ClosedForm(ChainBand(), CHAIN["m"], 0.3, 0.09, 0.03)
    impurities = magnetic_impurities(0.3, 0.03, 0.09, follow=True)
    result = gradient_tensors(cubic_magnet(1, CHAIN["m"]), CHAIN["mu"], impurities, tolerance=1e-11)
    expected = form.texture(CHAIN["mu"], follow=True)
    np.testing.assert_allclose(engine_coefficients(result)[2:], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("dimension", "size"), [(2, 48), (3, 20)])
def test_square_and_cubic_lattices_equal_the_closed_form(dimension, size):
    m, mu, gi, gs = 0.7, -1.1, 5.0, 0.4
    form = ClosedForm(SummedBand(dimension, 2 * size), m, gi, gs, gs)
    model = cubic_magnet(dimension, m)
    mesh = ZoneMesh(model.lattice, (size,) * dimension)
    result = gradient_tensors(
        model, mu, magnetic_impurities(gi, gs), mesh=mesh, contour_nodes=14, tolerance=1e-7
    )
    expected = *form.time_derivative(mu), *form.texture(mu)
    np.testing.assert_allclose(engine_coefficients(result), expected, rtol=0, atol=1e-10)


def test_beta_is_two_pi_gs_nu_over_m_for_isotropic_moments():
    gs = 0.06
    result = gradient_tensors(
        cubic_magnet(1, 0.4), -0.6, magnetic_impurities(0.5, gs), tolerance=1e-11
    )
    _, _, adiabatic, nonadiabatic = engine_coefficients(result)
    eta = 2 * np.pi * gs * result.density_of_states / 0.4
    np.testing.assert_allclose(nonadiabatic / adiabatic, eta, rtol=0, atol=1e-11)


@pytest.mark.parametrize("direction", [(0, 0, 1), (0.48, 0.6, 0.64)])
def test_without_magnetic_impurities_and_spin_orbit_coupling_nothing_relaxes(direction):
    n = unit_vector(direction)
    result = gradient_tensors(
        cubic_magnet(1, 0.4, n), -0.6, magnetic_impurities(0.5), tolerance=1e-11
    )
    form = ClosedForm(ChainBand(), 0.4, 0.5, 0, 0)
    cross = np.array([[0, -n[2], n[1]], [n[2], 0, -n[0]], [-n[1], n[0], 0]])
    across = np.eye(3) - np.outer(n, n)
    damping = across @ result.damping.total @ across
    texture = across @ result.texture.total[:, 0, 0] @ across
    # A = Jna = 0: only the antisymmetric part -dS (n x) and -Jad (n x) is left.
    spin, current = form.time_derivative(-0.6)[1], form.texture(-0.6)[0]
    np.testing.assert_allclose(damping, -spin * cross, rtol=0, atol=1e-11)
    np.testing.assert_allclose(texture, -current * cross, rtol=0, atol=1e-11)
    np.testing.assert_allclose(across @ result.torkance.total, 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.field_ratio @ across, 0, rtol=0, atol=1e-11)


def test_finite_temperature_is_the_average_over_the_window():
    temperature, mu = 0.04, -0.6
    form = ClosedForm(ChainBand(), 0.4, 0.5, 0.06, 0.06)
    result = gradient_tensors(
        cubic_magnet(1, 0.4), mu, magnetic_impurities(0.5, 0.06), temperature,
        tolerance=1e-10, thermal_order=20,
    )  # fmt: skip
    x = np.linspace(-34, 34, 400)
    weights = (x[1] - x[0]) / (4 * np.cosh(x / 2) ** 2)
    values = np.array(
        [(*form.time_derivative(e, 30), *form.texture(e)) for e in mu + temperature * x]
    )
    np.testing.assert_allclose(
        engine_coefficients(result), weights @ values, rtol=0, atol=2e-9
    )


def test_finite_temperature_with_moving_levels_and_bent_field():
    """X(T) = int(-f') X_0(E) for every part, by a plain sum over energies."""
    displacements = np.array([[0.0], [1.0], [-1.0]])
    hoppings = np.zeros((3, 2, 2), complex)
    hoppings[1], hoppings[2] = -np.eye(2) - 0.2j * SIGMA[1], -np.eye(2) + 0.2j * SIGMA[1]
    exchange = np.zeros((3, 3, 2, 2), complex)
    exchange[:, 0] = -0.5 * SIGMA
    model = exchange_model(np.eye(1), displacements, hoppings, exchange, (0.48, 0.6, 0.64))
    impurities, mu, temperature = magnetic_impurities(1.0, 0.1), -0.6, 0.05
    options = {"tolerance": 1e-8, "mesh": ZoneMesh(np.eye(1), (160,)), "contour_nodes": 16}
    warm = gradient_tensors(model, mu, impurities, temperature, thermal_order=16, **options)
    assert any("inelastic" in note for note in warm.diagnostics.notes)
    x = np.arange(-19, 20.0)
    weights = 1 / (4 * np.cosh(x / 2) ** 2)  # steps of T: error exp(-2 pi^2)
    cold = [gradient_tensors(model, mu + temperature * e, impurities, **options) for e in x]
    for name in ("damping", "torkance", "texture"):
        for part in ("ladder", "sea", "neutrality"):
            values = np.stack([getattr(getattr(r, name), part) for r in cold])
            expected = np.tensordot(weights, values, axes=1)
            found = getattr(getattr(warm, name), part)
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)


def test_cubic_reference_case_damping():
    model = cubic_magnet(3, 1.0)
    result = gradient_tensors(
        model, -2.0, magnetic_impurities(0.8, 0.1), texture=False,
        mesh=ZoneMesh(model.lattice, (44,) * 3), contour_nodes=12, tolerance=1e-5,
    )  # fmt: skip
    np.testing.assert_allclose(result.sigma[0, 0], -0.1272346994 - 0.4176546294j, atol=3e-6)
    np.testing.assert_allclose(result.damping.total[0, 0], 0.01446144154, rtol=0, atol=3e-6)
    np.testing.assert_allclose(result.damping.total[0, 1], 0.1163879447, rtol=0, atol=3e-6)
