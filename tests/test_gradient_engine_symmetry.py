"""Identities of the gradient engine: symmetries, reciprocity, independence of choices."""

import numpy as np
import pytest

from negf_torque.gradient.engine import field_response, gradient_tensors
from negf_torque.gradient.ladder import ScatteringMap, magnetic_impurities
from negf_torque.gradient.mixed import mixed_response
from negf_torque.gradient.model import BulkModel, ZoneMesh, square_rashba
from negf_torque.gradient.retarded import first_order, linear_response
from negf_torque.gradient.scba import solve_scba
from negf_torque.spin import rotation_so3, rotation_su2, unit_vector

GENERIC = np.array((0.48, 0.6, 0.64))
IMPURITIES = magnetic_impurities(2.0, 0.15)
MU, SIZE = -1.5, 72
OPTIONS = {"mesh": ZoneMesh(np.eye(2), (SIZE, SIZE)), "contour_nodes": 14, "tolerance": 1e-9}


def rashba(direction=GENERIC):
    return square_rashba(1.0, 0.6, 0.6, direction)


@pytest.fixture(scope="module")
def generic():
    return gradient_tensors(rashba(), MU, IMPURITIES, **OPTIONS)


def assert_same(a, b, tolerance):
    np.testing.assert_allclose(a.damping.total, b.damping.total, rtol=0, atol=tolerance)
    np.testing.assert_allclose(a.torkance.total, b.torkance.total, rtol=0, atol=tolerance)
    np.testing.assert_allclose(a.texture.total, b.texture.total, rtol=0, atol=tolerance)
    np.testing.assert_allclose(a.field_ratio, b.field_ratio, rtol=0, atol=tolerance)


def test_every_part_counts(generic):
    for tensor in (generic.damping, generic.torkance, generic.texture):
        assert np.abs(tensor.ladder).max() > 1e-3
        assert np.abs(tensor.sea).max() > 1e-5
        parts = tensor.ladder + tensor.static + tensor.sea + tensor.neutrality
        np.testing.assert_array_equal(parts, tensor.total)


def test_quarter_turn_of_the_crystal_turns_every_tensor(generic):
    r3 = np.round(rotation_so3((0, 0, 1), np.pi / 2), 12)
    r2 = r3[:2, :2]
    turned = gradient_tensors(rashba(r3 @ GENERIC), MU, IMPURITIES, **OPTIONS)
    expected = r3 @ generic.damping.total @ r3.T
    np.testing.assert_allclose(turned.damping.total, expected, rtol=0, atol=1e-9)
    expected = r3 @ generic.torkance.total @ r2.T
    np.testing.assert_allclose(turned.torkance.total, expected, rtol=0, atol=1e-9)
    expected = np.einsum(
        "aA,iI,jJ,bB,AIJB->aijb", r3, r2, r2, r3, generic.texture.total
    )
    # K is defined for textures along one axis; the quarter turn maps axes on axes.
    np.testing.assert_allclose(turned.texture.total, expected, rtol=0, atol=2e-9)


def test_a_change_of_the_local_basis_changes_nothing(generic):
    u = rotation_su2((1, 2, 3), 0.8)
    model = rashba()
    rotated = BulkModel(
        model.lattice, model.displacements,
        u @ model.hoppings @ u.conj().T, u @ model.exchange @ u.conj().T,
    )  # fmt: skip
    both = np.kron(u, u.conj())
    impurities = ScatteringMap(both @ IMPURITIES.superoperator @ both.conj().T)
    assert_same(gradient_tensors(rotated, MU, impurities, **OPTIONS), generic, 1e-12)


def test_rotating_lattice_model_and_spins_together_without_spin_orbit_coupling():
    model = square_rashba(1.0, 0.0, 0.6, (0, 0, 1))
    reference = gradient_tensors(model, MU, IMPURITIES, **OPTIONS).texture.total
    r = rotation_so3((0.3, 1, 0.2), 1.1)
    turned = gradient_tensors(
        square_rashba(1.0, 0.0, 0.6, r @ (0, 0, 1)), MU, IMPURITIES, **OPTIONS
    ).texture.total
    expected = np.einsum("aA,bB,AijB->aijb", r, r, reference)
    np.testing.assert_allclose(turned, expected, rtol=0, atol=1e-12)


def test_the_origin_of_k_is_a_gauge(generic):
    model = rashba()
    phase = np.exp(-1j * model.displacements @ (0.37, -0.81))[:, None, None]
    shifted = BulkModel(
        model.lattice, model.displacements, model.hoppings * phase, model.exchange * phase
    )
    assert_same(gradient_tensors(shifted, MU, IMPURITIES, **OPTIONS), generic, 2e-9)


def test_onsager_reciprocity_of_the_damping(generic):
    reversed_ = gradient_tensors(rashba(-GENERIC), MU, IMPURITIES, texture=False, **OPTIONS)
    np.testing.assert_allclose(
        generic.damping.total, reversed_.damping.total.T, rtol=0, atol=1e-12
    )


def test_a_scale_of_energy_drops_out(generic):
    model, scale = rashba(), 3.0
    scaled = BulkModel(
        model.lattice, model.displacements, scale * model.hoppings, scale * model.exchange
    )
    impurities = ScatteringMap(scale**2 * IMPURITIES.superoperator)
    options = OPTIONS | {"tolerance": 1e-8}
    assert_same(gradient_tensors(scaled, scale * MU, impurities, **options), generic, 1e-9)


def test_the_mesh_offset_and_the_contour_do_not_matter(generic):
    options = OPTIONS | {
        "mesh": ZoneMesh(np.eye(2), (SIZE + 8, SIZE), offset=0.1), "contour_nodes": 20
    }  # fmt: skip
    assert_same(gradient_tensors(rashba(), MU, IMPURITIES, **options), generic, 2e-9)


def test_a_semicircle_from_below_the_band_gives_the_same_sea(generic):
    bottom, size = -9.0, 64
    x, w = np.polynomial.legendre.leggauss(36)
    centre, radius = (MU + bottom) / 2, (MU - bottom) / 2
    angle = np.pi / 2 * (1 - x)  # pi at the bottom, 0 at mu
    model, mesh = rashba(), ZoneMesh(np.eye(2), (size, size))
    field, mixed, bend = 0.0, 0.0, 0.0
    for phi, weight in zip(angle, w * np.pi / 2, strict=True):
        z = centre + radius * np.exp(1j * phi)
        step = -1j * radius * np.exp(1j * phi) * weight
        sigma = solve_scba(model, mesh, IMPURITIES.superoperator, z).sigma
        first = first_order(model, mesh, linear_response(model, mesh, IMPURITIES, z, sigma))
        second = mixed_response(model, mesh, first)
        field, mixed = field + step * first.field, mixed + step * second.mixed
        bend = bend + step * second.bend
    np.testing.assert_allclose(-field.imag / np.pi, generic.torkance.sea, rtol=0, atol=2e-9)
    sea = -(mixed.imag + generic.field_ratio * bend.imag[:, None, :, None]) / np.pi
    np.testing.assert_allclose(sea, generic.texture.sea, rtol=0, atol=2e-9)


def velocity_observables(model):
    return 1j * np.einsum("ri,rmn->irmn", model.displacements, model.hoppings)


def test_the_bent_field_keeps_the_current_uniform(generic):
    """ratio = -[d s_ji/dn_b + 2 Im Tr v_i G_x]/s_jj, s the surface conductivity."""

    def conductivity(direction):
        model = rashba(direction)
        response = field_response(
            model, velocity_observables(model), MU, IMPURITIES,
            mesh=OPTIONS["mesh"], contour_nodes=2, tolerance=1e-9,
        )  # fmt: skip
        return 2 * np.pi * (response.ladder + response.static)  # s[j, i]

    h, s = 0.02, conductivity(GENERIC)
    axes = unit_vector(np.cross(GENERIC, [(1, 0, 0), (0, 1, 0)]))
    mesh, model = OPTIONS["mesh"], rashba()
    sigma = solve_scba(model, mesh, IMPURITIES.superoperator, MU).sigma
    lin = linear_response(model, mesh, IMPURITIES, MU, sigma)
    current = first_order(model, mesh, lin, velocity_observables(model)).texture  # (i, j, b)
    for t in axes:
        weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
        slope = sum(
            c / h * (conductivity(np.cos(m * h) * GENERIC + np.sin(m * h) * t)
                     - conductivity(np.cos(m * h) * GENERIC - np.sin(m * h) * t))
            for m, c in weights.items()
        )  # fmt: skip
        expected = -(slope.T + 2 * current.imag @ t) / np.diag(s)
        np.testing.assert_allclose(generic.field_ratio @ t, expected, rtol=0, atol=2e-8)
