"""The gradient engine against the other routes of the package, and reading its tensors."""

import kwant
import numpy as np
import pytest

from negf_torque.gradient.decompose import (
    electron_spin,
    gilbert_damping,
    spin_orbit_torques,
    transverse_parts,
)
from negf_torque.gradient.engine import field_response, gradient_tensors
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.model import ZoneMesh, magnet_model, square_rashba
from negf_torque.lattice.bulk import bulk_from_kwant
from negf_torque.spin import SIGMA, unit_vector

GENERIC = (0.48, 0.6, 0.64)


def kwant_rashba(direction):
    lattice = kwant.lattice.square(norbs=2)
    builder = kwant.Builder(kwant.TranslationalSymmetry((1, 0), (0, 1)))
    builder[lattice(0, 0)] = -0.6 * np.einsum("a,aij->ij", direction, SIGMA)
    # hopping from right to left neighbour multiplies exp(+ik) in H(k) = sum H_R exp(ik.R)
    builder[kwant.HoppingKind((-1, 0), lattice)] = -np.eye(2) - 0.5 / 2j * SIGMA[1]
    builder[kwant.HoppingKind((0, -1), lattice)] = -np.eye(2) + 0.5 / 2j * SIGMA[0]
    return bulk_from_kwant(builder, lambda site: 1.2 * np.asarray(direction))


def test_a_kwant_crystal_turned_equals_the_built_in_model():
    bulk = kwant_rashba((0, 0, 1))
    read = magnet_model(
        bulk.lattice, bulk.displacements, bulk.hoppings, bulk.exchange, GENERIC
    )
    impurities = magnetic_impurities(2.0, 0.1)
    options = {"mesh": ZoneMesh(np.eye(2), (40, 40)), "contour_nodes": 8}
    a = gradient_tensors(read, -1.5, impurities, **options)
    b = gradient_tensors(square_rashba(1.0, 0.5, 0.6, GENERIC), -1.5, impurities, **options)
    for name in ("damping", "torkance", "texture"):
        first, second = getattr(a, name).total, getattr(b, name).total
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-13)


def test_several_orbitals_equal_the_multi_orbital_formula():
    from negf_torque.gradient.born import ImpurityStrengths
    from negf_torque.gradient.crystal import Crystal
    from negf_torque.gradient.multiorbital import crystal_coefficients

    displacements = np.array([[0.0], [1.0], [-1.0]])
    hop = np.array([[-1.0, 0.3], [0.3, 0.6]])
    hoppings = np.stack([np.array([[0.2, 0.4], [0.4, -0.5]]), hop, hop])
    exchange = np.array([0.5, 0.3])
    crystal = Crystal(np.eye(1), displacements, hoppings, exchange)
    known = crystal_coefficients(crystal, -0.8, ImpurityStrengths(0.5, 0.04, 0.04), tolerance=1e-12)
    model = magnet_model(
        np.eye(1),
        displacements,
        np.einsum("rab,st->rasbt", hoppings, np.eye(2)).reshape(3, 4, 4)
        - np.array([1, 0, 0])[:, None, None] * np.kron(np.diag(exchange), SIGMA[2]),
        np.stack([np.array((0, 0, 2 * m)) for m in exchange]),
        (0, 0, 1),
    )
    sites = np.stack([np.diag(row) for row in np.eye(2)])
    impurities = magnetic_impurities(0.5, 0.04, sites=sites)
    result = gradient_tensors(model, -0.8, impurities, tolerance=1e-10)
    damping = transverse_parts(result.damping.total, (0, 0, 1))
    texture = transverse_parts(result.texture.total[:, 0, 0], (0, 0, 1))
    np.testing.assert_allclose(
        [*damping[:2], texture[1], texture[0]],
        [known.damping, known.spin_renormalisation, known.adiabatic, known.nonadiabatic],
        rtol=0, atol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose([*damping[2:], *texture[2:]], 0, atol=1e-11)


def test_conductivity_is_the_sum_of_both_spins():
    model = square_rashba(1.0, 0.0, 0.6, (0, 0, 1))
    velocity = 1j * np.einsum("ri,rmn->irmn", model.displacements, model.hoppings)
    mesh = ZoneMesh(np.eye(2), (96, 96))
    gi, mu = 1.5, -1.5
    chi = field_response(
        model, velocity, mu, magnetic_impurities(gi), mesh=mesh, contour_nodes=8, tolerance=1e-7
    )
    sigma = gradient_tensors(
        model, mu, magnetic_impurities(gi), mesh=mesh, contour_nodes=2, texture=False,
        tolerance=1e-7,
    ).sigma  # fmt: skip
    k = 2 * np.pi * (np.arange(200) + 0.5) / 200
    eps = (-2 * np.cos(k)[:, None] - 2 * np.cos(k)).ravel()
    v2 = np.repeat(4 * np.sin(k) ** 2, 200)
    total = 0.0
    for s, m in ((0, 0.6), (1, -0.6)):
        z = mu + m - sigma[s, s]
        h, slope = np.mean(v2 / (z - eps)), -np.mean(v2 / (z - eps) ** 2)
        total += (-h.imag / z.imag + slope.real) / (2 * np.pi)
    np.testing.assert_allclose(chi.total, total * np.eye(2), rtol=0, atol=1e-9)


def test_reading_a_tensor_about_any_direction():
    n = unit_vector(GENERIC)
    cross = np.array([[0, -n[2], n[1]], [n[2], 0, -n[0]], [-n[1], n[0], 0]])
    across = np.eye(3) - np.outer(n, n)
    tensor = 0.3 * across - 0.7 * cross + np.outer(n, (1, 2, 3))
    np.testing.assert_allclose(transverse_parts(tensor, n), [0.3, 0.7, 0, 0], atol=1e-14)
    np.testing.assert_allclose(electron_spin(tensor, n), 0.7)
    values, axes = gilbert_damping(tensor, n, local_spin=2.3)
    np.testing.assert_allclose(values, 0.1)
    np.testing.assert_allclose(axes @ n, 0, atol=1e-14)
    with pytest.raises(ValueError, match="local_spin"):
        gilbert_damping(tensor, n, local_spin=-1.0)


def test_reading_spin_orbit_torques():
    n, y = unit_vector(GENERIC), np.array((0.0, 1.0, 0.0))
    torque = 0.2 * np.cross(n, y) - 0.5 * np.cross(n, np.cross(n, y))
    observable = np.cross(n, torque)  # -n x (n x T) = T
    torkance = np.stack([observable + 3 * n, np.zeros(3)], axis=1)
    np.testing.assert_allclose(spin_orbit_torques(torkance, n), (0.2, -0.5), atol=1e-14)
    assert np.isnan(spin_orbit_torques(torkance, y)).all()
