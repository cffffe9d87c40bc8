"""The gradient engine against routes without a gradient expansion (see gradient_engine_routes).

The models have no symmetry: several orbitals, spin-orbit coupling, a generic direction of the
magnetisation and exchange on the bonds.  With less, whole terms of the expansion vanish and a
wrong engine would pass.
"""

import gradient_engine_routes as routes
import numpy as np
import pytest

from negf_torque.gradient.engine import gradient_tensors
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.model import ZoneMesh, square_rashba

MU = -0.7
FOLLOWED = np.array((0.48, 0.6, 0.64))
SITES = np.stack([np.diag([1.0, 0]), np.diag([0, 1.0]), np.array([[0.3, 0.5], [0.5, 0.2]])])


def strong_impurities():
    """Two sites and a third species that mixes orbitals, uniaxial moments, fixed axis."""
    return magnetic_impurities(4.0, 0.4, 0.6, axis=(0.3, 0.2, 0.9), sites=SITES)


def test_moving_magnetisation_gives_the_damping_tensor():
    model, impurities, size = routes.two_orbital_model(), strong_impurities(), 28
    mesh = ZoneMesh(model.lattice, (size, size))
    engine = gradient_tensors(model, MU, impurities, mesh=mesh, texture=False, tolerance=1e-9)
    zone = routes.Zone(model, size)
    o = np.stack([zone.at(a) for a in model.exchange])
    dynamic = routes.slope_in_frequency(
        routes.Born(zone, impurities), MU, o, o, step=0.05, nodes=14, scale=4.0
    )
    assert np.abs(engine.level_velocity).max() > 1e-3  # the moving levels are exercised
    assert np.abs(engine.damping.sea).max() > 1e-4
    # Same mesh on both sides and no k derivative in G: only Richardson's error is left.
    np.testing.assert_allclose(engine.damping.total, dynamic, rtol=0, atol=2e-9)


def test_vector_potential_gives_the_torkance():
    model, impurities, size = routes.two_orbital_model(), strong_impurities(), 36
    mesh = ZoneMesh(model.lattice, (size, size))
    engine = gradient_tensors(model, MU, impurities, mesh=mesh, texture=False, tolerance=1e-9)
    zone = routes.Zone(model, size)
    o = np.stack([zone.at(a) for a in model.exchange])
    v = np.stack([zone.slope(model.hoppings, axis) for axis in (0, 1)])
    dynamic = routes.slope_in_frequency(
        routes.Born(zone, impurities), MU, v, o, step=0.05, nodes=14, scale=4.0
    )
    np.testing.assert_allclose(engine.torkance.total, dynamic, rtol=0, atol=5e-9)


@pytest.fixture(scope="module")
def two_orbitals():
    """The engine's tensors and the self-energies of the same mesh."""
    model, impurities, size = routes.two_orbital_model(), strong_impurities(), 32
    mesh = ZoneMesh(model.lattice, (size, size))
    engine = gradient_tensors(model, MU, impurities, mesh=mesh, tolerance=1e-8)
    return engine, routes.Born(routes.Zone(model, size), impurities)


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 1)])
def test_static_texture_of_finite_wave_vector_gives_the_field_in_texture_tensor(two_orbitals, i, j):
    engine, born = two_orbitals
    static = routes.texture_slope(
        born, MU, i, j, engine.torkance.total, q=0.05, orders=2, nodes=10, scale=4.0
    )
    assert np.abs(engine.field_ratio[i, j]).max() > 1e-3  # the bent field is exercised
    # 7e-8 measured: the mesh (null test 8e-8); it falls to 5e-10 with 40 x 40 points.
    np.testing.assert_allclose(engine.texture.total[:, i, j], static, rtol=0, atol=1.5e-7)


@pytest.fixture(scope="module")
def following():
    """The same for impurities whose moments follow the magnetisation."""
    model, size = square_rashba(1.0, 0.7, 0.6, FOLLOWED), 40
    impurities = magnetic_impurities(2.0, 0.2, 0.7, axis=FOLLOWED, follow=True)
    mesh = ZoneMesh(model.lattice, (size, size))
    engine = gradient_tensors(model, -1.2, impurities, mesh=mesh, tolerance=1e-8)
    return engine, routes.Born(routes.Zone(model, size), impurities)


@pytest.mark.parametrize(("i", "j"), [(0, 0), (1, 0)])
def test_impurities_that_follow_the_texture(following, i, j):
    engine, born = following
    assert engine.damping is None
    static = routes.texture_slope(
        born, -1.2, i, j, engine.torkance.total, q=0.05, orders=2, nodes=12, scale=3.0
    )
    transverse = np.eye(3) - np.outer(FOLLOWED, FOLLOWED)
    difference = (engine.texture.total[:, i, j] - static) @ transverse
    np.testing.assert_allclose(difference, 0, rtol=0, atol=1.5e-7)


def test_three_dimensions_with_spin_orbit_coupling():
    model, mu, size = routes.cubic_model(), -0.9, 12
    impurities = magnetic_impurities(30.0, 2.0, 3.75, axis=(0.3, 0.2, 0.9))
    mesh = ZoneMesh(model.lattice, (size,) * 3)
    engine = gradient_tensors(model, mu, impurities, mesh=mesh, contour_nodes=12, tolerance=1e-8)
    zone = routes.Zone(model, size)
    born = routes.Born(zone, impurities)
    o = np.stack([zone.at(a) for a in model.exchange])
    dynamic = routes.slope_in_frequency(born, mu, o, o, step=0.05, orders=2, nodes=14, scale=6.0)
    np.testing.assert_allclose(engine.damping.total, dynamic, rtol=0, atol=3e-9)
    static = routes.texture_slope(
        born, mu, 0, 2, engine.torkance.total, q=0.1, orders=2, nodes=10, scale=10.0
    )
    assert np.abs(engine.texture.total[:, 0, 2]).max() > 2e-5
    np.testing.assert_allclose(engine.texture.total[:, 0, 2], static, rtol=0, atol=2e-8)
