"""Field response of spins and currents: exact balance of spin, Ward identities, splits."""

import numpy as np
import pytest

from negf_torque.gradient.engine import field_response, gradient_tensors
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.meshing import ConstantBroadening
from negf_torque.gradient.model import ZoneMesh, square_rashba
from negf_torque.gradient.observables import (
    current_of,
    local_observables,
    spin_observables,
    velocity_observables,
)
from negf_torque.spin import unit_vector

HOPPING, RASHBA, M = 1.0, 0.5, 0.6
MESH = ZoneMesh(np.eye(2), (72, 72))
OPTIONS = {"mesh": MESH, "contour_nodes": 16, "tolerance": 1e-9}


@pytest.mark.parametrize("direction", [(0, 0, 1), (0.48, 0.6, 0.64), (1, 0, 0)])
def test_spin_balance_with_scalar_impurities_is_exact(direction):
    """d<sigma_y>/dt = 0: -(alpha_R/t) J^z_y + 2M (n_x s_z - n_z s_x) = 0 for any field."""
    n = unit_vector(direction)
    model = square_rashba(HOPPING, RASHBA, M, n)
    observables = np.concatenate([spin_observables(model), current_of(model)[2, 1:2]])
    chi = field_response(model, observables, -1.5, magnetic_impurities(2.0), **OPTIONS).total
    spin, current = chi[:3], chi[3]
    balance = -RASHBA / HOPPING * current + 2 * M * (n[0] * spin[2] - n[2] * spin[0])
    assert np.abs(current).max() > 1e-4
    np.testing.assert_allclose(balance, 0, rtol=0, atol=1e-9)


def test_the_balance_needs_the_vertex_corrections():
    model = square_rashba(HOPPING, RASHBA, M, (0, 0, 1))
    observables = np.concatenate([spin_observables(model)[:1], current_of(model)[2, 1:2]])
    chi = field_response(
        model, observables, -1.5, magnetic_impurities(2.0), vertex=False, **OPTIONS
    ).total
    assert np.abs(-RASHBA / HOPPING * chi[1] - 2 * M * chi[0]).max() > 1e-3


def test_the_exchange_torque_is_the_spin_response():
    n = unit_vector((0.48, 0.6, 0.64))
    model = square_rashba(HOPPING, RASHBA, M, n)
    impurities = magnetic_impurities(2.0, 0.1)
    spin = field_response(model, spin_observables(model), -1.5, impurities, **OPTIONS).total
    torkance = gradient_tensors(model, -1.5, impurities, texture=False, **OPTIONS).torkance.total
    np.testing.assert_allclose(torkance, -M * spin, rtol=0, atol=1e-13)


def test_a_uniform_field_makes_no_charge():
    model = square_rashba(HOPPING, RASHBA, M, (0.48, 0.6, 0.64))
    unit = local_observables(model, np.eye(2)[None])
    chi = field_response(model, unit, -1.5, magnetic_impurities(2.0, 0.1), **OPTIONS)
    for part in (chi.ladder, chi.static, chi.sea):
        np.testing.assert_allclose(part, 0, rtol=0, atol=1e-9)


def test_conductivity_obeys_onsager_and_splits_by_time_reversal():
    directions = np.array((0.48, 0.6, 0.64)), -np.array((0.48, 0.6, 0.64))
    impurities = magnetic_impurities(2.0, 0.1)
    responses = []
    for n in directions:
        model = square_rashba(HOPPING, RASHBA, M, n)
        responses.append(
            field_response(model, velocity_observables(model), -1.5, impurities, **OPTIONS)
        )
    forward, backward = responses
    np.testing.assert_allclose(forward.total, backward.total.T, rtol=0, atol=1e-9)
    # even part: the symmetric conductivity; odd part: the anomalous Hall conductivity
    even, odd = forward.surface_even, forward.sea_odd
    np.testing.assert_allclose(even, even.T, rtol=0, atol=1e-9)
    np.testing.assert_allclose(odd, -odd.T, rtol=0, atol=1e-9)
    assert abs(odd[1, 0]) > 1e-4


def test_spin_split_by_time_reversal_with_vertex_corrections():
    impurities = magnetic_impurities(2.0, 0.1)
    n = np.array((0.48, 0.6, 0.64))
    responses = []
    for direction in (n, -n):
        model = square_rashba(HOPPING, RASHBA, M, direction)
        responses.append(
            field_response(model, spin_observables(model), -1.5, impurities, **OPTIONS)
        )
    forward, backward = responses
    np.testing.assert_allclose(forward.surface_even, backward.surface_even, rtol=0, atol=1e-9)
    np.testing.assert_allclose(forward.sea_odd, -backward.sea_odd, rtol=0, atol=1e-9)


def test_gapped_magnet_has_a_quantised_hall_conductivity():
    """Chern insulator as the limit of small broadening: sigma_xy = C/(2 pi), C = +-1."""
    # H = sin kx sigma_x + sin ky sigma_y + (m - cos kx - cos ky) sigma_z, 0 < m < 2
    from negf_torque.gradient.model import exchange_model
    from negf_torque.spin import SIGMA

    displacements = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]], float)
    hoppings = np.zeros((5, 2, 2), complex)
    for index, r in enumerate(displacements[1:], start=1):
        hoppings[index] = (r[0] * SIGMA[0] + r[1] * SIGMA[1]) / 2j - SIGMA[2] / 2
    exchange = np.zeros((3, 5, 2, 2), complex)
    exchange[:, 0] = SIGMA
    model = exchange_model(np.eye(2), displacements, hoppings, exchange, (0, 0, 1))
    values = []
    for eta in (0.02, 0.01):
        chi = field_response(
            model, velocity_observables(model), 0.0, ConstantBroadening(eta),
            mesh=ZoneMesh(np.eye(2), (80, 80)), contour_nodes=24, tolerance=1e-6,
        )  # fmt: skip
        values.append(2 * np.pi * chi.total[1, 0])
    extrapolated = 2 * values[1] - values[0]  # broadening enters at first order
    np.testing.assert_allclose(abs(extrapolated), 1, rtol=0, atol=2e-3)
