"""T(V, theta) of finite magnets between normal leads: balance of spins, symmetries, limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, aligned, build_stack, layer_chain
from negf_torque.spin import rotation_so3
from negf_torque.transport.bias import finite_bias, linear_profile
from negf_torque.transport.bias_map import bias_map
from negf_torque.transport.complete import complete_response
from negf_torque.transport.sampling import Sampling

MAGNET = {"onsite": 0.75, "exchange": 1.5}
ANGLES = np.radians([35.0, 90.0, 150.0])
VOLTAGES = np.array([-0.3, 0.0, 0.3])
FINE = Sampling(1e-7)


def valve(left=2, right=2, cross_section="chain", leads=(None, None)):
    layers = [Layer(left, name="fixed", **MAGNET), Layer(3), Layer(right, name="free", **MAGNET)]
    return layer_chain(build_stack(layers, *leads, cross_section=cross_section))


def drop(chain):
    """The potential falls linearly across the spacer."""
    first = chain.sites.layer[[name == "fixed" for name in chain.sites.magnet]].max() + 1
    return linear_profile(chain, int(first), int(first) + 2)


def mapped(chain, energy=-0.7, sampling=FINE, voltages=VOLTAGES):
    return bias_map(chain, "fixed", "free", energy, voltages, ANGLES, drop(chain), sampling)


@pytest.fixture(scope="module")
def equal():
    return mapped(valve())


@pytest.mark.parametrize(
    "chain",
    [
        valve(3, 2, leads=(Lead(hopping=1.2), Lead(onsite=0.2))),
        valve(2, 1, (2, 1)),
        valve(2, 1, "periodic"),
    ],
)
def test_spin_that_leaves_the_current_is_torque(chain):  # identity
    """Layer by layer at every voltage and angle, window and occupied states each for itself."""
    energy, mesh = (-2.2, 4) if chain.dimension else (-0.7, None)
    found = mapped(chain, energy, Sampling(1e-4, mesh=mesh), VOLTAGES[1:])
    for torque, flow in (
        (found.window_torque, found.spin_current),
        (found.sea_torque, found.sea_spin_current),
    ):
        by_layer = np.zeros((*torque.shape[:2], len(chain.sizes), 3))
        np.add.at(by_layer, (slice(None), slice(None), chain.sites.layer), torque)
        assert_allclose(by_layer[:, :, 1:-1], -np.diff(flow, axis=2), atol=1e-10)
        scale = np.abs(torque).max()
        assert scale > 1e-3
    # normal leads carry no spin in equilibrium: what one magnet gains the other loses
    assert_allclose(found.sea_torque.sum(axis=2), 0, atol=1e-10)
    assert np.abs(found.window_torque[1].sum(axis=1)).max() > 1e-2


def test_mirrored_valve_exchanges_its_magnets(equal):  # identity
    """Seen from the other side V is -V: both magnets of a symmetric valve are one another."""
    torque = equal.magnet_torque
    for index, m in enumerate(equal.free_directions):
        middle = m + equal.fixed_direction
        swap = rotation_so3(middle, np.pi)  # takes one direction to the other
        assert_allclose(torque[2, index, 1], swap @ torque[0, index, 0], atol=1e-6)
        assert_allclose(torque[0, index, 1], swap @ torque[2, index, 0], atol=1e-6)
    assert_allclose(equal.current, -equal.current[::-1], atol=1e-6)
    # neither part of the torque on one magnet is even or odd for itself
    _, out = equal.components()
    assert np.abs(out[2] - out[0]).max() > 1e-2


def test_opposite_angle_and_common_rotation(equal):  # identity
    """Spin space has no axes of its own, and torques turn with the moments."""
    chain, index = valve(), 0
    turn = rotation_so3((0.3, -1.0, 0.5), 1.1)
    ends = equal.fixed_direction, equal.free_directions[index]
    directions = dict(zip(("fixed", "free"), (turn @ end for end in ends), strict=True))
    profile = drop(chain)
    turned = finite_bias(aligned(chain, directions), -0.7, 0.3, profile, FINE)
    assert_allclose(turned.magnet_torque, equal.magnet_torque[2, index] @ turn.T, atol=1e-6)
    # theta -> -theta is the rotation by pi about p: both components in the frame stay
    other = 2 * np.dot(equal.fixed_direction, equal.free_directions[index])
    reflected = other * equal.fixed_direction - equal.free_directions[index]
    back = finite_bias(
        aligned(chain, {"fixed": equal.fixed_direction, "free": reflected}),
        -0.7, 0.3, profile, FINE,
    )  # fmt: skip
    half = rotation_so3(equal.fixed_direction, np.pi)
    assert_allclose(back.magnet_torque, equal.magnet_torque[2, index] @ half.T, atol=1e-6)


@pytest.mark.parametrize("collinear", [0.0, np.pi])
def test_collinear_magnets_feel_no_torque_at_any_voltage(collinear):  # limit
    chain = valve(2, 1)
    found = bias_map(
        chain, "fixed", "free", -0.7, [0.4], [collinear], drop(chain), FINE
    )
    assert_allclose(found.magnet_torque, 0, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.0, 600.0])
def test_slope_at_zero_voltage_is_the_complete_response(agree, temperature):  # independent
    chain = aligned(valve(3, 2, leads=(None, Lead(onsite=0.2))), {"free": (0.6, 0.0, 0.8)})
    sampling = Sampling(1e-9, temperature=temperature)
    linear = complete_response(chain, -0.7, sampling)
    layers = np.zeros(len(chain.sizes))
    layers[chain.sites.layer] = linear.potential
    steps = np.array([1, -1, 2, -2]) * 2e-3
    one, other, far, away = (
        finite_bias(chain, -0.7, v, layers, sampling).magnet_torque for v in steps
    )
    agree(
        f"Slope of T(V) of finite magnets between unequal normal leads, {temperature:g} K",
        (8 * (one - other) - (far - away)) / (12 * steps[0]),
        linear.magnet_torkance,
        against="another route",
        atol=1e-5,
        note="complete linear response",
    )
