"""Frozen numbers of the gradient engine, each verified by independent routes when it was found."""

import numpy as np
import pytest

from negf_torque.gradient.engine import field_response, gradient_tensors
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.meshing import ConstantBroadening
from negf_torque.gradient.model import exchange_model, square_rashba
from negf_torque.spin import SIGMA

LAST_DIGIT = 1e-9  # numbers kept with nine decimals, rounding included


@pytest.fixture(scope="module")
def along_z():
    model = square_rashba(1.0, 0.5, 0.6, (0, 0, 1))
    return gradient_tensors(model, -1.5, magnetic_impurities(1.0))


@pytest.fixture(scope="module")
def generic():
    model = square_rashba(1.0, 0.5, 0.6, (0.48, 0.6, 0.64))
    return gradient_tensors(model, -1.5, magnetic_impurities(0.8, 0.08))


def test_rashba_magnet_along_z(along_z):
    assert along_z.diagnostics.converged
    damping, chi, k = along_z.damping.total, along_z.torkance.total, along_z.texture.total
    np.testing.assert_allclose(damping[0, :2], [0.035321166, 0.069120667], rtol=0, atol=LAST_DIGIT)
    np.testing.assert_allclose(chi[:2, 0], [-0.007115782, -0.011610700], rtol=0, atol=LAST_DIGIT)
    np.testing.assert_allclose(chi[0, 1], 0.011610700, rtol=0, atol=LAST_DIGIT)
    np.testing.assert_allclose(k[:2, 0, 0, 0], [0.031173832, -0.052171744], rtol=0, atol=1.5e-9)


def test_rashba_magnet_in_a_generic_direction(generic, agree):
    assert generic.diagnostics.converged
    np.testing.assert_allclose(generic.damping.total[0, 1], 0.076626667, rtol=0, atol=LAST_DIGIT)
    np.testing.assert_allclose(generic.damping.total[1, 0], -0.032719031, rtol=0, atol=LAST_DIGIT)
    expected = [0.039681034, -0.036081625, 0.007413848]
    agree(
        "Texture tensor of a Rashba magnet, general direction, gradient engine",
        generic.texture.total[:, 0, 0, 0], expected, against="reference value", atol=1.5e-9,
    )
    np.testing.assert_allclose(generic.field_ratio[0, 0, 0], 0.051787244, rtol=0, atol=LAST_DIGIT)


def test_damping_without_the_ladder():
    model = square_rashba(1.0, 0.5, 0.6, (0, 0, 1))
    bare = gradient_tensors(model, -1.5, magnetic_impurities(1.0), texture=False, vertex=False)
    np.testing.assert_allclose(bare.damping.total[0, 0], 0.046516389, rtol=0, atol=LAST_DIGIT)


def test_constant_broadening_response_of_spin_and_current(agree):
    model = square_rashba(1.0, 0.3, 0.3, (0, 0, 1))
    observables = np.zeros((3, 5, 2, 2), complex)
    observables[:2, 0] = SIGMA[:2]
    observables[2] = 1j * model.displacements[:, 1, None, None] * model.hoppings
    chi = field_response(model, observables, -2.0, ConstantBroadening(0.1), tolerance=2e-9)
    expected = [-0.023228842, 0.130583084, -0.00158468]
    agree(
        "Spin and Hall current driven by a field, Rashba magnet, constant broadening",
        chi.total[:, 0], expected, against="reference value", atol=3e-9,
    )
    # Even under time reversal is the field-like spin, odd the damping-like spin and Hall current.
    np.testing.assert_allclose(chi.surface_even[:, 0], [0, 0.130583084, 0], rtol=0, atol=3e-9)
    np.testing.assert_allclose(chi.sea_odd[:, 0], [-0.023228842, 0, -0.00158468], rtol=0, atol=3e-9)


def test_chain_window_and_complete_beta():
    displacements = np.array([[0.0], [1.0], [-1.0]])
    hoppings = np.zeros((3, 2, 2), complex)
    hoppings[1:] = -np.eye(2)
    exchange = np.zeros((3, 3, 2, 2), complex)
    exchange[:, 0] = -0.4 * SIGMA
    model = exchange_model(np.eye(1), displacements, hoppings, exchange, (0, 0, 1))
    k = gradient_tensors(model, -0.6, magnetic_impurities(0.15, 0.03), tolerance=1e-10).texture
    adiabatic, nonadiabatic = k.total[0, 0, 0, 1], k.total[0, 0, 0, 0]
    np.testing.assert_allclose([adiabatic, nonadiabatic], [0.2296822, 0.0370213], rtol=0, atol=5e-8)
    np.testing.assert_allclose(nonadiabatic / adiabatic, 0.1611851, rtol=0, atol=5e-8)
    np.testing.assert_allclose(k.ladder[0, 0, 0, 0] / adiabatic, 0.171835, rtol=0, atol=5e-7)
