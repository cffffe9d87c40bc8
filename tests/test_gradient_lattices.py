"""Several orbitals and spirals: the formulas, the universal route, and Kwant builders."""

import kwant
import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.gradient.bands import parabolic
from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.coefficients import coefficients
from negf_torque.gradient.crystal import Crystal, Zone, cubic_crystal
from negf_torque.gradient.crystal_born import propagator, solve_crystal
from negf_torque.gradient.lattice_bands import body_centred_cubic, simple_cubic, square
from negf_torque.gradient.multiorbital import crystal_coefficients
from negf_torque.gradient.spiral import FreeWire, spiral_coefficients
from negf_torque.lattice.bulk import bulk_from_kwant
from negf_torque.spin import SIGMA, spin_matrix, unit_vector

NAMES = ("spin_renormalisation", "damping", "adiabatic", "nonadiabatic", "conductivity")


def e_g_square(exchange=(0.8, 0.8)) -> Crystal:
    """Orbitals 3z^2 - r^2 and x^2 - y^2 on the square lattice."""
    root = np.sqrt(3) / 4
    x, y = np.array([[-0.25, root], [root, -0.75]]), np.array([[-0.25, -root], [-root, -0.75]])
    steps = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]], float)
    levels = np.diag([-0.3, 0.2])
    return Crystal(np.eye(2), steps, np.array([levels, x, x, y, y]), np.array(exchange))


def s_p_chain() -> Crystal:
    """An even and an odd orbital: H(k) is real only after a change of phase."""
    forward = np.array([[-0.8, 0.5], [-0.5, 0.6]])
    levels = np.diag([0.0, 1.0])
    steps = np.array([[0.0], [1.0], [-1.0]])
    return Crystal(np.eye(1), steps, np.array([levels, forward, forward.T]), np.array([0.5, 0.7]))


@pytest.mark.parametrize(
    "impurities", [ImpurityStrengths.isotropic(0.8, 0.1), ImpurityStrengths(0.8, 0.05, 0.2)]
)
@pytest.mark.parametrize(
    ("dimension", "band", "mu"), [(3, simple_cubic(), -2.0), (2, square(), -1.3)]
)
def test_one_orbital_equals_the_single_band(dimension, band, mu, impurities):
    exact = coefficients(band, mu, 0.8, impurities)
    found = crystal_coefficients(
        cubic_crystal(1.0, 0.8, dimension), mu, impurities, tolerance=1e-9, contour_nodes=32
    )
    for name in NAMES:
        assert_allclose(getattr(found, name), getattr(exact, name), rtol=0, atol=3e-8)
    assert_allclose(found.beta, exact.beta, rtol=1e-7)


def test_finite_temperature_of_one_orbital():
    impurities = ImpurityStrengths.isotropic(0.8, 0.1)
    exact = coefficients(square(), -1.3, 0.8, impurities, thermal_energy=0.05)
    found = crystal_coefficients(
        cubic_crystal(1.0, 0.8, 2), -1.3, impurities,
        thermal_energy=0.05, tolerance=1e-8, thermal_order=20,
    )
    for name in NAMES:
        assert_allclose(getattr(found, name), getattr(exact, name), rtol=0, atol=1e-7)


def test_equal_uncoupled_orbitals_add_up():
    single = square()
    hoppings = -np.repeat(np.eye(2)[None], 4, axis=0)
    steps = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], float)
    crystal = Crystal(np.eye(2), steps, hoppings, np.array([0.8, 0.8]))
    impurities = ImpurityStrengths.isotropic(0.9, 0.1)
    one = coefficients(single, -1.0, 0.8, impurities)
    two = crystal_coefficients(crystal, -1.0, impurities, tolerance=1e-8)
    for name in ("damping", "spin_renormalisation", "adiabatic", "nonadiabatic"):
        assert_allclose(getattr(two, name), 2 * getattr(one, name), rtol=0, atol=1e-6)


@pytest.mark.parametrize("build", [e_g_square, s_p_chain])
def test_spin_conservation_with_several_orbitals(build):
    c = crystal_coefficients(build(), -0.7, ImpurityStrengths(0.5), tolerance=1e-8)
    up, down = c.conductivity
    assert abs(c.damping) < 1e-11
    assert_allclose(c.adiabatic, (up - down) / 2, atol=1e-7)
    # Jna vanishes as a sum of two parts of opposite sign
    assert abs(c.nonadiabatic) < 2e-7


def test_a_rotation_of_the_orbital_basis_changes_nothing():
    """Equal strengths on both orbitals, basis turned by 45 degrees at every site: scalar disorder
    of the whole site is not orbital-diagonal Born disorder, so only exchange of names is free."""
    crystal = e_g_square((0.8, 0.6))
    swapped = Crystal(
        crystal.lattice, crystal.displacements, crystal.hoppings[:, ::-1, ::-1],
        crystal.half_splitting[::-1],
    )
    strengths = ImpurityStrengths(
        np.array([0.6, 0.3]), np.array([0.05, 0.02]), np.array([0.03, 0.08])
    )
    mirrored = ImpurityStrengths(
        strengths.nonmagnetic[::-1], strengths.longitudinal[::-1], strengths.transverse[::-1]
    )
    a = crystal_coefficients(crystal, -0.7, strengths, tolerance=1e-8)
    b = crystal_coefficients(swapped, -0.7, mirrored, tolerance=1e-8)
    for name in NAMES:
        assert_allclose(getattr(a, name), getattr(b, name), atol=1e-10)


# --- the universal route ----------------------------------------------------------------------


def test_spirals_of_the_parabolic_wire():
    """All spins, all momenta, no expansion: 1e-8 of the closed form."""
    wire = parabolic(1.0, 1)
    for impurities, axis, cone, tolerance in (
        (ImpurityStrengths.isotropic(0.7, 0.1), "following", np.pi / 2, 1e-8),
        (ImpurityStrengths(0.7, 0.15, 0.05), "following", np.pi / 2, 1e-8),
        # a narrow cone about the fixed axis: error of the order of its angle squared
        (ImpurityStrengths(0.7, 0.15, 0.05), "fixed", 2e-3, 4e-7),
    ):
        c = coefficients(wire, 1.0, 0.3, impurities, axis=axis)
        s = spiral_coefficients(
            FreeWire(step=0.05), 1.0, impurities, half_splitting=[0.3], bottom=-3.0,
            contour_nodes=24, axis=axis, cone=cone,
        )
        assert abs(c.adiabatic - s.adiabatic) < tolerance
        assert abs(c.nonadiabatic - s.nonadiabatic) < tolerance
        assert_allclose(s.nonadiabatic_surface, c.parts["nonadiabatic_surface"], atol=tolerance)


@pytest.mark.parametrize("cone", [np.pi / 2, 0.7])
def test_spirals_of_the_square_lattice_at_any_cone(cone, agree):
    """Results do not depend on the direction of n against the axis of the texture."""
    impurities = ImpurityStrengths.isotropic(1.4, 0.15)
    c = coefficients(square(), -1.5, 0.6, impurities)
    s = spiral_coefficients(
        cubic_crystal(1, 0.6, 2), -1.5, impurities, size=48, cone=cone,
        wave_numbers=(0.02, 0.03),
    )
    agree(
        f"Adiabatic and non-adiabatic torque, square lattice, cone of {cone:.2f} rad",
        [c.adiabatic, c.nonadiabatic], [s.adiabatic, s.nonadiabatic],
        against="another route", atol=1e-6, note="formula, spiral of small wave number",
    )


@pytest.mark.parametrize(
    ("crystal", "mu", "strengths", "size"),
    [
        (e_g_square((0.8, 0.5)), -0.7, ImpurityStrengths.isotropic(
            np.array([1.2, 0.9]), np.array([0.1, 0.06])), 48),
        (s_p_chain(), -0.5, ImpurityStrengths.isotropic(
            np.array([0.7, 0.5]), np.array([0.08, 0.03])), 160),
    ],
)
def test_spirals_of_two_orbitals_equal_the_formula(crystal, mu, strengths, size):
    """Different exchange and disorder of each orbital; an odd orbital in the second case."""
    c = crystal_coefficients(crystal, mu, strengths, tolerance=1e-9)
    s = spiral_coefficients(
        crystal, mu, strengths, size=size, wave_numbers=(0.02, 0.03), contour_nodes=20
    )
    scale = np.abs(c.conductivity).max()
    assert abs(c.adiabatic - s.adiabatic) < 1e-6 * scale
    assert abs(c.nonadiabatic - s.nonadiabatic) < 1e-6 * scale


# --- zone averages ----------------------------------------------------------------------------


def test_adaptive_and_uniform_averages_agree():
    crystal = e_g_square()
    z = np.array([-0.6 + 0.05j, -0.4 + 0.03j])

    def integrand(h, v):
        return np.einsum("kaa->ka", propagator(h, z))

    exact = Zone(crystal, 600).average(integrand)
    # the adaptive rule estimates its error, it does not bound it
    assert_allclose(Zone(crystal, 0, 1e-9).average(integrand), exact, atol=1e-7, rtol=0)


def test_meshes_converge_exponentially():
    crystal = cubic_crystal()
    z = np.array([-1.2 + 0.4j])
    exact = simple_cubic().green(z)[0][0]
    errors = [
        abs(Zone(crystal, n).average(lambda h, v: propagator(h, z)[:, :, 0])[0] - exact)
        for n in (16, 32, 48, 64)
    ]
    assert np.all(np.array(errors[1:]) < 0.1 * np.array(errors[:-1])), errors
    assert errors[-1] < 1e-6


def test_adaptive_method_gives_the_same_self_energy():
    impurities = ImpurityStrengths.isotropic(0.8, 0.1)
    crystal = cubic_crystal(1.0, 0.8, 2)
    mesh = solve_crystal(crystal, -1.3, impurities, 1e-8)
    adaptive = solve_crystal(crystal, -1.3, impurities, 1e-8, method="adaptive")
    assert_allclose(adaptive.z, mesh.z, atol=3e-8)


# --- builders ---------------------------------------------------------------------------------


def cubic_builder(n, m=0.8, hopping=1.0):
    lattice = kwant.lattice.cubic(norbs=2)
    builder = kwant.Builder(kwant.TranslationalSymmetry((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    builder[lattice(0, 0, 0)] = -m * spin_matrix(n)
    builder[lattice.neighbors()] = -hopping * np.eye(2)
    return builder


@pytest.mark.parametrize("direction", [[0, 0, 1], [1, 2, -2]])
def test_kwant_builder_gives_the_cubic_lattice(direction):
    """Whatever the direction of n."""
    n = unit_vector(direction)
    magnet = bulk_from_kwant(cubic_builder(n), lambda site: 1.6 * n)
    hoppings, exchange = magnet.spin_independent()
    crystal = Crystal(magnet.lattice, magnet.displacements, hoppings, exchange)
    impurities = ImpurityStrengths.isotropic(0.8, 0.1)
    found = crystal_coefficients(crystal, -2.0, impurities, tolerance=1e-6)
    exact = coefficients(simple_cubic(), -2.0, 0.8, impurities)
    assert_allclose(found.beta, exact.beta, rtol=1e-5)
    assert_allclose(found.damping, exact.damping, rtol=1e-5)


def test_kwant_builder_of_a_two_site_cell_equals_the_body_centred_lattice():
    lattice = kwant.lattice.general(np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], norbs=2)
    builder = kwant.Builder(kwant.TranslationalSymmetry(*np.eye(3)))
    for family in lattice.sublattices:
        builder[family(0, 0, 0)] = -0.8 * SIGMA[2]
    builder[lattice.neighbors()] = -np.eye(2)
    magnet = bulk_from_kwant(builder, lambda site: [0, 0, 1.6])
    hoppings, exchange = magnet.spin_independent()
    crystal = Crystal(magnet.lattice, magnet.displacements, hoppings, exchange)
    impurities = ImpurityStrengths.isotropic(1.2, 0.15)
    found = crystal_coefficients(crystal, -2.5, impurities, tolerance=1e-6)
    exact = coefficients(body_centred_cubic(), -2.5, 0.8, impurities)
    assert_allclose(found.beta, exact.beta, rtol=1e-5)
    for name in ("damping", "spin_renormalisation", "adiabatic", "conductivity"):
        assert_allclose(getattr(found, name), 2 * getattr(exact, name), rtol=1e-5)


def test_complaints_about_builders():
    n = np.array([0, 0, 1.0])
    with pytest.raises(ValueError, match="no site of the builder carries an exchange field"):
        bulk_from_kwant(cubic_builder(n), lambda site: [0, 0, 0])
    with pytest.raises(ValueError, match="depends on spin beyond the exchange field"):
        bulk_from_kwant(cubic_builder(n), lambda site: [0, 0, 1.0]).spin_independent()
    lattice = kwant.lattice.cubic(norbs=2)
    slab = kwant.Builder(kwant.TranslationalSymmetry((1, 0, 0), (0, 1, 0)))
    slab[lattice(0, 0, 0)] = SIGMA[2]
    with pytest.raises(ValueError, match="one for every direction"):
        bulk_from_kwant(slab, lambda site: [0, 0, 1])


def test_complaints_about_crystals():
    with pytest.raises(ValueError, match="half_splitting"):
        cubic_crystal(1.0, 0.0)
    with pytest.raises(ValueError, match="half_splitting"):
        cubic_crystal(1.0, -1.0)
    with pytest.raises(ValueError, match="not Hermitian"):
        Crystal(np.eye(1), np.array([[1.0]]), np.array([[[1.0]]]), np.array([0.3]))
    steps = np.array([[0.5], [-0.5], [0.3], [-0.3]])
    # an atom between two others at unequal distances: no inversion centre
    a = np.array([[0, -1.0], [0, 0]])
    bent = Crystal(np.eye(1), steps, np.array([a, a.T, 0.4 * a.T, 0.4 * a]), np.array([0.3, 0.3]))
    with pytest.raises(ValueError, match="inversion centre"):
        crystal_coefficients(bent, 0.0, ImpurityStrengths(0.1))


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4, 1e-5])
def test_torques_of_a_crystal_are_as_exact_as_was_asked(tolerance):
    """The promise of `tolerance`: ten times this number, relative."""
    crystal, impurities = cubic_crystal(1.0, 0.7, 2), ImpurityStrengths.isotropic(0.3, 0.02)

    def found(asked):
        c = crystal_coefficients(crystal, -1.3, impurities, tolerance=asked)
        return np.array([c.beta, c.damping, c.spin_renormalisation], float)

    np.testing.assert_allclose(found(tolerance), found(1e-9), rtol=10 * tolerance)
