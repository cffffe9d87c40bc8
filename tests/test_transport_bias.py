"""Finite bias: limits, symmetries, the grand potential."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, aligned, build_stack, layer_chain
from negf_torque.notices import ConvergenceWarning
from negf_torque.transport.bias import (
    equilibrium_torque,
    finite_bias,
    grand_potential,
    linear_profile,
    sea_spin_current,
)
from negf_torque.transport.complete import complete_response
from negf_torque.transport.linear import window_response
from negf_torque.transport.sampling import Sampling

TIGHT = Sampling(tolerance=1e-10)
MAGNET = {"onsite": 0.75, "exchange": 1.5}


def valve(free=(1, 0, 0)):
    layers = [
        Layer(4, name="fixed", **MAGNET),
        Layer(3),
        Layer(2, name="free", direction=free, **MAGNET),
    ]
    return layer_chain(build_stack(layers, cross_section="chain"))


def junction(barrier=4, free=(1, 0, 0), cross_section="chain"):
    """Symmetric junction: two magnetic leads, p = z, and a barrier."""
    lead = Lead(onsite=0.2, exchange=1.0, name="fixed")
    other = Lead(onsite=0.2, exchange=1.0, direction=free, name="free")
    return layer_chain(build_stack([Layer(barrier, onsite=3.5)], lead, other, cross_section))


def barrier_profile(chain):
    return linear_profile(chain, 1, len(chain.sizes) - 2)


def test_profile_is_linear_in_the_barrier():  # limit
    profile = barrier_profile(junction(3))
    assert_allclose(profile, [0.5, 0.25, 0, -0.25, -0.5], atol=1e-15)


def test_small_bias_is_the_complete_linear_response(agree):  # independent
    """dT/dV with the potential of the linear response = its torkance, window and sea."""
    chain = valve()
    linear = complete_response(chain, -0.7, TIGHT)
    layers = np.zeros(len(chain.sizes))
    layers[chain.sites.layer] = linear.potential
    step = 2e-3

    def at(v):
        return finite_bias(chain, -0.7, v, layers, TIGHT)

    near, far = ((at(n * step), at(-n * step)) for n in (1, 2))
    torque = [(a.site_torque - b.site_torque) / (2 * a.voltage) for a, b in (near, far)]
    current = [(a.current - b.current) / (2 * a.voltage) for a, b in (near, far)]
    # error of second order in V, removed by the two steps; what is left is V^4
    agree(
        "Complete torque per volt of a valve in a chain, site by site",
        linear.site_torkance,
        (4 * torque[0] - torque[1]) / 3,
        against="another route",
        atol=1e-6,
        note="difference quotient of the torque at finite bias",
    )
    assert_allclose((4 * current[0] - current[1]) / 3, linear.window.conductance, atol=1e-6)


def test_current_is_the_same_at_every_bond():  # identity
    chain = valve()
    point = finite_bias(chain, -0.7, 0.3, linear_profile(chain, 3, 7), TIGHT)
    assert_allclose(point.spin_current[:, 0], point.current, atol=1e-10)
    # window torque = window spin current in minus out
    flow = point.spin_current[:-1, 1:] - point.spin_current[1:, 1:]
    assert_allclose(point.window_torque[1:-1], flow, atol=1e-9)


def test_no_bias_no_current_and_torque_from_the_grand_potential(agree):  # independent
    """Equilibrium torque on the free magnet = d Omega/d theta."""
    chain, step = valve(), 0.02

    def omega(theta):
        turned = aligned(chain, {"free": (np.sin(theta), 0, np.cos(theta))})
        return grand_potential(turned, -0.7, TIGHT)

    theta = 1.1
    turned = aligned(chain, {"free": (np.sin(theta), 0, np.cos(theta))})
    slope = sum(w * omega(theta + n * step) for n, w in ((-2, 1), (-1, -8), (1, 8), (2, -1))) / (
        12 * step
    )
    torque = equilibrium_torque(turned, -0.7, TIGHT)
    free = [name == "free" for name in turned.sites.magnet]
    # turning by d theta about y, along which the torque drives the moment: d Omega = -T d theta
    about = torque[free].sum(axis=0)[1] / (4 * np.pi)
    agree(
        "Torque without bias on the free magnet of a chain",
        about,
        -slope,
        against="another route",
        atol=1e-8,
        note="derivative of the grand potential from Lloyd's formula",
    )
    assert_allclose(torque.sum(axis=0), 0, atol=1e-8)
    assert abs(slope) > 1e-3


def test_symmetric_junction_has_an_even_out_of_plane_torque():  # identity
    chain = junction()
    profile = barrier_profile(chain)
    points = [finite_bias(chain, -0.6, v, profile, TIGHT) for v in (0.4, -0.4)]
    # on the free electrode's layer inside the region; m = x, p = z: m x p = -y
    fixed, free = ([p.magnet_torque[i] for p in points] for i in (0, 1))
    scale = np.abs(free).max()
    # exchange of the electrodes: what V does to the one, -V does to the other
    assert_allclose(points[0].current, -points[1].current, rtol=1e-9)
    assert_allclose(free[0][1], -fixed[1][1], atol=1e-9 * max(scale, 1))
    assert scale > 0


def test_mirrored_junction_exchanges_the_magnets():  # identity
    layers = [
        Layer(3, name="fixed", **MAGNET),
        Layer(3, onsite=3.0),
        Layer(3, name="free", direction=(1, 0, 0), **MAGNET),
    ]
    chain = layer_chain(build_stack(layers, cross_section="chain"))
    profile = linear_profile(chain, 4, 6)
    plus, minus = (
        finite_bias(chain, -0.7, v, profile, Sampling(tolerance=1e-12)) for v in (0.5, -0.5)
    )
    # mirror and turn by pi about x + z: x <-> z, y -> -y
    assert_allclose(
        plus.magnet_torque[1], minus.magnet_torque[0][[2, 1, 0]] * [1, -1, 1], atol=1e-12
    )
    assert np.abs(plus.magnet_torque).max() > 1e-3


@pytest.mark.parametrize("barrier", [2, 5])
def test_out_of_plane_torque_of_a_symmetric_junction_is_even(barrier):  # identity
    """Spin current through the barrier between semi-infinite electrodes, window and sea."""
    chain, energy, voltage = junction(barrier), -0.6, 0.4
    profile, bond = barrier_profile(chain), 2
    total = []
    for v in (voltage, -voltage):
        point = finite_bias(chain, energy, v, profile, Sampling(tolerance=1e-11))
        lower = energy - voltage / 2
        sea = sea_spin_current(chain, lower, bond, Sampling(tolerance=1e-11), v, profile)
        assert abs(sea[0]) < 1e-13
        total.append(point.spin_current[bond] + sea)
    total = np.array(total)
    size = np.abs(total[:, 1:]).max()
    assert_allclose(total[0, 2], total[1, 2], rtol=0, atol=1e-12 + 1e-9 * size)
    assert abs(total[0, 2]) > 1e-3 * size


def test_in_plane_torque_follows_from_the_collinear_currents():  # limit
    """To leading order in tunnelling the spin current is a p + b m + c p x m: a from collinear."""
    deviation = []
    for barrier in (2, 4, 6):
        flow = {}
        for name, free in (("P", (0, 0, 1)), ("90", (1, 0, 0)), ("AP", (0, 0, -1))):
            chain = junction(barrier, free)
            point = finite_bias(chain, -0.6, 0.3, barrier_profile(chain), TIGHT)
            flow[name] = point.spin_current[2, 3]
        deviation.append(abs(flow["90"] / ((flow["P"] + flow["AP"]) / 2) - 1))
    # each further layer of the barrier lets a factor less through
    assert deviation[0] < 0.1
    assert deviation[1] < deviation[0] / 10 and deviation[2] < deviation[1] / 10


def test_equilibrium_spin_current_is_the_torque(agree):  # identity
    chain = valve()
    torque = equilibrium_torque(chain, -0.7, TIGHT)
    flow = [sea_spin_current(chain, -0.7, bond, TIGHT) for bond in range(len(chain.sizes) - 1)]
    agree(
        "Torque without bias, site by site",
        torque[1:-1],
        -np.diff(flow, axis=0)[:, 1:],
        against="another route",
        atol=1e-9,
        note="equilibrium spin current in minus out",
    )
    assert np.abs(flow).max() > 1e-2


def test_small_window_is_the_conductance(agree):  # limit
    chain = valve()
    point = finite_bias(chain, -0.7, 1e-4, np.zeros(len(chain.sizes)), TIGHT)
    conductance = window_response(chain, -0.7).conductance
    agree(
        "Current at 0.1 mV over the voltage",
        point.current / 1e-4,
        conductance,
        against="another route",
        rtol=1e-4,
        note="linear conductance",
    )


def test_shifting_all_levels_is_a_shift_of_the_energy():  # identity
    up = 0.37

    def shifted(by):
        magnet = {"onsite": 0.75 + by, "exchange": 1.5}
        layers = [
            Layer(2, name="fixed", **magnet),
            Layer(2, onsite=by),
            Layer(2, name="free", direction=(1, 0, 0), **magnet),
        ]
        return layer_chain(build_stack(layers, Lead(onsite=by), Lead(onsite=by), "chain"))

    profile = np.zeros(8)
    a, b = (finite_bias(shifted(by), -0.7 + by, 0.2, profile, TIGHT) for by in (0, up))
    assert_allclose(a.current, b.current, atol=1e-10)
    assert_allclose(a.site_torque, b.site_torque, atol=1e-9)
    assert np.abs(a.sea_torque).max() > 1e-3


def test_missing_the_tolerance_is_told_and_marked():
    with pytest.warns(ConvergenceWarning):
        point = finite_bias(
            valve(), -0.7, 0.2, np.zeros(11), Sampling(tolerance=1e-12, max_evaluations=50)
        )
    assert not point.converged


@pytest.mark.parametrize(
    ("voltage", "profile", "message"),
    [
        (0.1, np.zeros(3), "profile: shape"),
        (np.nan, np.zeros(11), "voltage"),
    ],
)
def test_wrong_arguments_are_named(voltage, profile, message):
    with pytest.raises(ValueError, match=message):
        finite_bias(valve(), -0.7, voltage, profile)
