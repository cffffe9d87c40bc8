"""Coefficients of one band: reference values, exact identities, limits, independent routes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.gradient.bands import parabolic
from negf_torque.gradient.born import ImpurityStrengths, solve_born
from negf_torque.gradient.coefficients import coefficients, occupation
from negf_torque.gradient.energy_rules import EnergyRule, sea_rule, surface_rule
from negf_torque.gradient.lattice_bands import (
    body_centred_cubic,
    simple_cubic,
    square,
)
from negf_torque.gradient.limits import decompose, limits, weak_disorder

# Reference values, kept to the digits to which explicit momentum sums with the full ladder at
# finite q and frequency, and 30-digit integrals, agree (hbar = m = t = a = 1).
REFERENCE = [
    (
        parabolic, (1, 0.3, 0.7, 0.05),
        (0.0178843166 - 0.2104927469j, 0.0189297741 - 0.1658988715j),
        (0.02084968145, 0.003052592612, 0.1663656551, 0.08269197725, 0.9796368104, 0.1476045562),
    ),
    (
        parabolic, (1, 0.3, 0.5, 0.0),
        (0.0063325740 - 0.1281584599j, 0.0063325740 - 0.0939441434j),
        (0.02137700551, 0, 0.2751966611, 0.1478727066, 1, 0),
    ),
    (
        simple_cubic, (-2, 1, 0.8, 0.1),
        (-0.1272346994 - 0.4176546294j, -0.2568113827 - 0.3168904876j),
        (0.1163879447, 0.01446144154, 0.3740363666, 0.2826296287, 0.9951179341, 0.1335536576),
    ),
]


@pytest.mark.parametrize(("build", "case", "self_energy", "expected"), REFERENCE)
def test_reference_values_to_the_last_digit(build, case, self_energy, expected, agree):
    mu, m, gi, gs = case
    c = coefficients(build(), mu, m, ImpurityStrengths.isotropic(gi, gs))
    found = [
        c.spin_renormalisation, c.damping, *c.conductivity, c.adiabatic_ratio, c.beta,
    ]
    assert_allclose(c.self_energy, self_energy, atol=6e-11)
    agree(
        f"Spin renormalisation, damping, conductivities, beta: {build().name} band",
        found, expected, against="reference value", rtol=6e-10, atol=1e-13,
    )


def test_reference_values_at_finite_temperature(agree):
    impurities = ImpurityStrengths.isotropic(0.4, 0.05)
    c = coefficients(parabolic(), 1, 0.3, impurities, thermal_energy=0.05)
    found = [c.spin_renormalisation, c.damping, c.beta]
    agree(
        "Spin renormalisation, damping, beta at finite temperature: parabolic band",
        found, [0.02087874642, 0.003068139288, 0.1478157465],
        against="reference value", rtol=6e-10,
    )


# --- identities -------------------------------------------------------------------------------

BANDS = {"parabolic": parabolic(), "wire": parabolic(1, 1), "cubic": simple_cubic(),
         "bcc": body_centred_cubic(), "square": square()}
CHEMICAL_POTENTIAL = {"parabolic": 1.0, "wire": 1.0, "cubic": -2.0, "bcc": -2.0, "square": -1.2}


@pytest.mark.parametrize("name", BANDS)
@pytest.mark.parametrize("gi", [0.05, 0.5, 3.0])
def test_without_magnetic_impurities_spin_is_conserved(name, gi):
    """A = Jna = 0, dS = (n_u - n_d)/2, Jad = (sigma_u - sigma_d)/2."""
    band, mu = BANDS[name], CHEMICAL_POTENTIAL[name]
    impurities = ImpurityStrengths(gi)
    c = coefficients(band, mu, 0.3, impurities)
    up, down = c.conductivity
    assert abs(c.damping) < 1e-15
    assert abs(c.nonadiabatic) < 1e-12 * max(up, 1)
    assert_allclose(c.adiabatic, (up - down) / 2, rtol=0, atol=1e-12 * max(up, 1))
    difference = occupation(band, mu, 0.3, impurities)
    assert_allclose(c.spin_renormalisation, difference / 2, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    mu=st.floats(-0.1, 3), m=st.floats(0.02, 2), gi=st.floats(0, 4), gs=st.floats(1e-3, 0.5),
    name=st.sampled_from(["parabolic", "square", "wire"]),
)
def test_isotropic_moments_are_exact_at_any_disorder(mu, m, gi, gs, name):
    """beta = 2 pi gs nu_t/M, and the closed forms of A and of the adiabatic ratio."""
    band = BANDS[name]
    c = coefficients(band, mu, m, ImpurityStrengths.isotropic(gi, gs))
    total = c.dos.sum()
    if total < 1e-6 or abs(c.adiabatic) < 1e-6:
        return
    eta = 2 * np.pi * gs * total / m
    scale = max(1, (np.abs(c.conductivity).max() + 1) / abs(c.adiabatic))
    assert abs(c.beta - eta) < 1e-12 * scale * max(1, eta)
    z = np.stack([mu + m - c.self_energy[0], mu - m - c.self_energy[1]])
    g, h = band.green(z)[0], band.velocity(z)[0]
    real = (g[0] - g[1]).real
    a = m * eta / (2 * np.pi) * (np.pi * total + eta * real) / (1 + eta**2)
    assert abs(c.damping - a) < 1e-12 * (1 + abs(a))
    del h


def test_adiabatic_ratio_of_isotropic_moments():
    """(1 - eta C_i/C_r)/(1 + eta^2), C_i = Im int v^2 (G_d - G_u)^2, C_r = 2 pi (s_u - s_d)."""
    band, m, gs = parabolic(), 0.3, 0.05
    c = coefficients(band, 1, m, ImpurityStrengths.isotropic(0.7, gs))
    eta = 2 * np.pi * gs * c.dos.sum() / m
    k = band.kernels(*np.array([1 + m, 1 - m]) - c.self_energy)
    c_i = (k.down - 2 * k.cross + k.up).imag
    c_r = 2 * np.pi * (c.conductivity[0] - c.conductivity[1])
    assert_allclose(c.adiabatic_ratio, (1 - eta * c_i / c_r) / (1 + eta**2), rtol=1e-12)


@pytest.mark.parametrize(
    "impurities",
    [ImpurityStrengths(*strengths) for strengths in ((0.5,), (0.4, 0.1, 0.1), (0.3, 0.02, 0.2))],
)
def test_charge_is_conserved_by_the_ladder(impurities):
    """(1 - X^RA S)(g^R - g^A) = 0 for both spins, with X from -Im g/Im z."""
    band = simple_cubic()
    s = solve_born(band, -1.5, 0.8, impurities)
    pair = -s.g.imag / s.z.imag  # int |G|^2
    spectral = s.g.imag
    same, other = impurities.same_spin, impurities.other_spin
    assert_allclose(spectral, pair * (same * spectral + other * spectral[::-1]), atol=1e-13)


def test_beta_and_damping_vanish_without_the_sea_only_by_mistake():
    """Leaving out the sea gives beta = -0.0044 where it must be 0."""
    c = coefficients(parabolic(), 1, 0.3, ImpurityStrengths(0.5))
    assert_allclose(c.parts["nonadiabatic_surface"] / c.adiabatic, -0.0043779, atol=2e-7)
    assert abs(c.beta) < 1e-15


# --- integrations -----------------------------------------------------------------------------

CASES = [
    (parabolic(), 1.0, 0.3, ImpurityStrengths(0.3, 0.1, 0.02), "following"),
    (parabolic(), 0.31, 0.3, ImpurityStrengths(0.05, 0.01, 0.03), "fixed"),
    (simple_cubic(), -2.0, 1.0, ImpurityStrengths(0.5, 0.02, 0.1), "following"),
]


@pytest.mark.parametrize("case", CASES)
def test_results_do_not_depend_on_the_contour(case):
    band, mu, m, impurities, axis = case
    c = coefficients(band, mu, m, impurities, axis=axis)
    others = [sea_rule(0.0, [9.7 + mu], 90), _rectangle(11.0 + mu, 2.3)]
    for rule in others:
        d = coefficients(band, mu, m, impurities, axis=axis, sea=rule)
        assert_allclose(d.spin_renormalisation, c.spin_renormalisation, rtol=0, atol=2e-12)
        assert_allclose(d.nonadiabatic, c.nonadiabatic, rtol=0, atol=2e-12)


def _rectangle(width, height):
    """Up, along, and down: a path with corners."""
    x, w = np.polynomial.legendre.leggauss(120)
    t, w = (x + 1) / 2, w / 2
    points = [-width + 0j, -width + 1j * height, 1j * height, 0j]
    offset, weight = [], []
    for a, b in zip(points[:-1], points[1:], strict=True):
        # crowd both ends: the last is where the Fermi energy lies
        s, ds = t * t * (3 - 2 * t), 6 * t * (1 - t)
        offset.append(a + (b - a) * s)
        weight.append(w * ds * (b - a))
    return EnergyRule(np.concatenate(offset)[None], np.concatenate(weight)[None])


@pytest.mark.parametrize(
    ("case", "spacing"), list(zip(CASES, (0.25, 0.02, 0.5), strict=True))
)
def test_temperature_is_an_average_over_energies(case, spacing):
    """Matsubara poles and contour against -f' times results at T = 0."""
    band, mu, m, impurities, axis = case
    temperature = 0.03
    c = coefficients(band, mu, m, impurities, axis=axis, thermal_energy=temperature)
    rule = surface_rule(temperature, spacing)
    cold = coefficients(band, mu + rule.offset, m, impurities, axis=axis)
    for name in ("spin_renormalisation", "damping", "adiabatic", "nonadiabatic"):
        # the plain sum's error at a band edge in the window is that of a kink, (0.02 T)^1.5
        assert_allclose(getattr(c, name), rule.weight @ getattr(cold, name), atol=1e-7, rtol=1e-7)


def test_any_temperature_is_integrated_across_the_band_edges():
    """k_B T of the size of the bands: a non-degenerate magnet, not an error."""
    impurities = ImpurityStrengths.isotropic(0.3, 0.05)
    for band, mu, temperature in ((parabolic(), 0.1, 0.5), (body_centred_cubic(), -7.9, 1.0)):
        c = coefficients(band, mu, 0.4, impurities, thermal_energy=temperature)
        rule = surface_rule(temperature, 0.05)
        cold = coefficients(band, mu + rule.offset, 0.4, impurities)
        assert_allclose(c.damping, rule.weight @ cold.damping, atol=1e-6)
        assert_allclose(c.spin_renormalisation, rule.weight @ cold.spin_renormalisation, atol=1e-6)
        assert_allclose(c.conductivity, cold.conductivity @ rule.weight, rtol=1e-4)


def test_finite_frequency_susceptibility_has_the_slopes_a_and_ds(agree):
    """-2 C(omega) ~ const + omega (dS + i A), C = int dE/(2 pi i) (M^2 Y)^<, ladder included."""
    band, mu, m = parabolic(), 1.0, 0.3
    gi, gz, gp = 0.4, 0.1, 0.03
    impurities = ImpurityStrengths(gi, gz, gp)

    def ladder(up, down, omega, advanced):
        first_u, second_u = (g.conj() if advanced[1] else g for g in up.g)
        second_d, first_d = (g.conj() if advanced[0] else g for g in down.g)
        d, e = first_u - first_d, second_u - second_d
        return d / (omega - 2 * m + 2 * gz * d + 2 * gp * e)

    def at(energy):
        return solve_born(band, energy, m, impurities)

    sea, low = sea_rule(0.0, 2.0, 120), mu - 2.0
    x, w = np.polynomial.legendre.leggauss(8)

    def response(omega):
        e = mu + sea.offset
        below = np.sum(sea.weight * ladder(at(e), at(e + omega), omega, (False, False)))
        # the advanced part with shifted energies, as a conjugate
        above = np.sum(sea.weight * ladder(at(e - omega), at(e), omega, (False, False)))
        window = mu - omega * (1 - x) / 2
        ra = np.sum(w / 2 * omega * ladder(at(window), at(window + omega), omega, (False, True)))
        bottom = low - omega * (1 - x) / 2
        rest = np.sum(
            w / 2 * omega * ladder(at(bottom), at(bottom + omega), omega, (False, False))
        )
        # only Im of the sea integrals is free of what lies below the contour's start
        return m**2 / (2j * np.pi) * (ra - below + np.conj(above) - rest)

    def slope(h):
        return (response(h) - response(-h)) / (2 * h)

    value = (4 * slope(0.005) - slope(0.01)) / 3
    c = coefficients(band, mu, m, impurities)
    agree(
        "Damping and spin renormalisation of a parabolic band",
        c.spin_renormalisation + 1j * c.damping, -2 * value,
        against="another route", atol=1e-9, note="slope of the finite-frequency susceptibility",
    )


# --- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", ["fixed", "following"])
@pytest.mark.parametrize(
    # Re g of the parabolic band vanishes inside it; on a lattice levels shift at first order
    ("build", "mu", "m", "expected"),
    [(parabolic, 1.0, 0.3, 2), (body_centred_cubic, -4.0, 0.6, 1), (simple_cubic, -3, 0.5, 1)],
)
def test_weak_disorder_is_approached_at_its_order(axis, build, mu, m, expected):
    band, errors = build(), []
    for scale in (1.0, 0.5, 0.25):
        impurities = ImpurityStrengths(0.02 * scale, 0.003 * scale, 0.001 * scale)
        c = coefficients(band, mu, m, impurities, axis=axis)
        w = weak_disorder(band, mu, m, impurities, axis)
        errors.append([c.beta / w.beta - 1, c.damping / w.damping - 1])
    errors = np.abs(errors)
    order = np.log2(errors[:-1] / errors[1:])
    assert np.all(np.abs(order - expected) < 0.1), order
    assert errors[-1].max() < 0.02


def test_small_splitting_makes_alpha_and_beta_equal():
    """|alpha/beta - 1| ~ M^2 for the electrons alone (S_loc = 0)."""
    ratio = []
    for m in (0.04, 0.02, 0.01, 0.001):
        c = coefficients(parabolic(), 1, m, ImpurityStrengths.isotropic(0.3, 0.001 * m))
        ratio.append(abs(c.alpha(0.0) / c.beta - 1))
    assert_allclose(np.log2(np.array(ratio[:-2]) / ratio[1:-1]), 2, atol=0.05)
    assert ratio[-1] < 1e-6


def test_first_order_spin_loss_of_the_parabolic_band():
    """dS - (n_u - n_d)/2 -> gs m^3 M/(2 pi^2): impurity spins absorb torque."""
    gs = 1e-4
    impurities = ImpurityStrengths.isotropic(0.01, gs)
    c = coefficients(parabolic(), 1, 0.3, impurities)
    lost = c.spin_renormalisation - occupation(parabolic(), 1, 0.3, impurities) / 2
    assert_allclose(abs(lost), gs * 0.3 / (2 * np.pi**2), rtol=2e-2)


def test_half_metal():
    c = coefficients(parabolic(), 0.1, 0.4, ImpurityStrengths.isotropic(0.05, 0.001))
    assert c.polarisation > 0.9999
    assert_allclose(c.beta, 2 * np.pi * 0.001 * c.dos.sum() / 0.4, rtol=1e-11)
    spinless = coefficients(parabolic(), 0.1, 0.4, ImpurityStrengths(0.05))
    assert spinless.conductivity[1] == 0
    assert_allclose(spinless.adiabatic, spinless.conductivity[0] / 2, rtol=1e-12)
    assert np.isnan(spinless.mean_free_path[1])


def test_outside_both_bands_nothing_conducts_and_nothing_is_nonsense():
    for band, mu in ((parabolic(), -1.0), (simple_cubic(), -9.0), (simple_cubic(), 9.0)):
        c = coefficients(band, mu, 0.3, ImpurityStrengths.isotropic(0.02, 0.002))
        assert np.all(c.conductivity == 0) and c.adiabatic == 0 and c.nonadiabatic == 0
        assert abs(c.damping) < 1e-15
        assert np.isnan(c.beta) and np.isnan(c.polarisation)
    full = coefficients(simple_cubic(), 9.0, 0.3, ImpurityStrengths(0.02))
    assert abs(full.spin_renormalisation) < 1e-12


def test_maps_equal_single_points():
    m, gi = np.linspace(0.1, 0.6, 7)[:, None], np.linspace(0.05, 1, 5)
    whole = coefficients(parabolic(), 1.0, m, ImpurityStrengths(gi, 0.02, 0.04))
    for i in (0, 6):
        for j in (0, 4):
            one = coefficients(parabolic(), 1.0, m[i, 0], ImpurityStrengths(gi[j], 0.02, 0.04))
            assert_allclose(whole.beta[i, j], one.beta, rtol=1e-11)
            assert_allclose(whole.damping[i, j], one.damping, rtol=1e-11)
            assert_allclose(whole.conductivity[:, i, j], one.conductivity, rtol=1e-11)


def test_particle_hole_symmetry_of_the_cubic_band():
    """mu -> -mu exchanges the spins' roles: A and beta stay, Jad changes sign."""
    impurities = ImpurityStrengths(0.5, 0.03, 0.08)
    a = coefficients(simple_cubic(), -1.3, 0.7, impurities)
    b = coefficients(simple_cubic(), 1.3, 0.7, impurities)
    assert_allclose(a.damping, b.damping, rtol=1e-11)
    assert_allclose(a.spin_renormalisation, b.spin_renormalisation, rtol=1e-10)
    assert_allclose(a.adiabatic, -b.adiabatic, rtol=1e-10)


# --- what the numbers are made of -------------------------------------------------------------


@pytest.mark.parametrize("axis", ["fixed", "following"])
def test_parts_add_up(axis):
    found = decompose(simple_cubic(), -2, 1, ImpurityStrengths(0.8, 0.05, 0.15), axis=axis)
    for parts in found.values():
        for pair in (("surface", "sea"), ("without_vertex", "vertex"), ("nonmagnetic", "magnetic")):
            assert_allclose(sum(parts[p] for p in pair), parts["total"], atol=1e-14)
    assert abs(found["beta"]["nonmagnetic"]) < 1e-13
    assert abs(found["damping"]["nonmagnetic"]) < 1e-15


def test_the_sea_makes_most_of_beta_in_the_cubic_case():
    beta = decompose(simple_cubic(), -2, 1, ImpurityStrengths.isotropic(0.8, 0.1))["beta"]
    assert_allclose(beta["sea"] / beta["total"], 0.725, atol=1e-3)


@pytest.mark.parametrize(
    ("mu", "m", "impurities", "axis", "name"),
    [
        (1.0, 0.3, ImpurityStrengths(0.5), "fixed", "spin conserved"),
        (1.0, 0.3, ImpurityStrengths.isotropic(2.0, 0.2), "fixed", "isotropic moments"),
        (1.0, 0.3, ImpurityStrengths(0.01, 0.002, 0.001), "fixed", "weak disorder, fixed axis"),
        (
            1.0, 0.3, ImpurityStrengths(0.01, 0.002, 0.001), "following",
            "weak disorder, following axis",
        ),
        (0.1, 0.6, ImpurityStrengths(0.001, 0, 0.0001), "fixed", "half-metal"),
        (-2.0, 0.3, ImpurityStrengths(0.1, 0.0, 0.01), "fixed", "outside the bands"),
    ],
)
def test_limits_name_what_applies(mu, m, impurities, axis, name):
    c = coefficients(parabolic(), mu, m, impurities, axis=axis)
    found = {x.name: x for x in limits(parabolic(), mu, m, impurities, c, axis) if x.applies}
    assert name in found
    if np.isfinite(found[name].computed):
        assert_allclose(found[name].value, found[name].computed, rtol=0.02, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1.0, -0.3, ImpurityStrengths(0.1)), {}, "half_splitting: -0.3"),
        ((1.0, 0.0, ImpurityStrengths(0.1)), {}, "half_splitting: 0.0"),
        ((1.0, 0.3, ImpurityStrengths(0.1)), {"thermal_energy": -1.0}, "thermal_energy: -1.0"),
        ((1.0, 0.3, ImpurityStrengths(0.1)), {"axis": "rotating"}, "axis: 'rotating'"),
        ((1.0, 0.3, ImpurityStrengths(0.1)), {"thermal_energy": np.inf}, "thermal_energy: inf"),
    ],
)
def test_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        coefficients(parabolic(), *arguments, **options)
