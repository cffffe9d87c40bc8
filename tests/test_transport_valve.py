"""Spin valves and wires: reference numbers, symmetries, temperature."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.notices import ConvergenceWarning, PhysicsWarning
from negf_torque.spin import domain_wall, rotation_so3
from negf_torque.transport.linear import window_response, zone_map
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.valve import magnet_mixing, spin_valve

MAGNET = {"onsite": 0.75, "exchange": 1.5}
MESH = Sampling(mesh=16)


def stack(fixed=(0, 0, 1), free=(0, 0, 1), order=1):
    layers = [
        Layer(4, direction=fixed, name="fixed", **MAGNET),
        Layer(3),
        Layer(2, direction=free, name="free", **MAGNET),
    ]
    return layers[::order]


def chain(cross_section="periodic", **directions):
    return layer_chain(build_stack(stack(**directions), cross_section=cross_section))


def test_reference_valve_on_the_shifted_mesh(agree):  # independent
    # 16 x 16 shifted mesh, E = -2.2; every digit of the reference
    valve = spin_valve(chain(), "fixed", "free", -2.2, [np.pi / 2], MESH)
    agree(
        "Conductances of a cubic valve, parallel and antiparallel, 16 x 16 momenta",
        [valve.conductance_parallel, valve.conductance_antiparallel],
        [0.5652437081, 0.3261470093],
        against="reference value",
        atol=5e-11,
    )
    left, right, symmetric = range(3)
    agree(
        "In-plane torque of a cubic valve at 90 degrees, bias on the left and on both leads",
        valve.in_plane[[left, symmetric], 0],
        [0.21105104, 0.21105104],
        against="reference value",
        atol=5e-9,
    )
    agree(
        "Out-of-plane torque of a cubic valve at 90 degrees, bias on the left and on both leads",
        valve.out_of_plane[[left, symmetric], 0],
        [0.07159045, 0.08459767],
        against="reference value",
        atol=5e-9,
    )
    assert_allclose(valve.in_plane[right], -valve.in_plane[left], atol=1e-12)


def test_reference_wire(agree):  # independent
    valve = spin_valve(chain((3, 3)), "fixed", "free", -2.2, [np.pi / 2])
    agree(
        "Conductances of a valve in a wire of 3 x 3 sites, parallel and antiparallel",
        [valve.conductance_parallel, valve.conductance_antiparallel],
        [3.6142799389, 1.7573384355],
        against="reference value",
        atol=5e-11,
    )
    agree(
        "In-plane and out-of-plane torque of a valve in a wire at 90 degrees",
        [valve.in_plane[2, 0], valve.out_of_plane[2, 0]],
        [2.90415792, 0.73212013],
        against="reference value",
        atol=5e-9,
    )


def test_reference_chain_windows(agree):  # independent
    valve = spin_valve(chain("chain"), "fixed", "free", -0.7, [np.pi / 2])
    assert_allclose(valve.in_plane[2, 0], 0.88978, atol=5e-6)
    # left, right, symmetric; the right window counts states, not the current's sign
    agree(
        "Out-of-plane torque of a valve in a chain: window of the left lead, of the right, of both",
        valve.out_of_plane[:, 0],
        [-0.6626, -1.0562, 0.1968],
        against="reference value",
        atol=5e-5,
        note="printed with four digits",
    )


def test_reference_bloch_wall(agree):  # independent
    wall = Layer(40, exchange=1.5, texture=domain_wall(19.5, 2.0, "bloch"), name="wall")
    leads = [Lead(exchange=1.5, direction=(0, 0, s)) for s in (1, -1)]
    response = window_response(
        layer_chain(build_stack([wall], *leads, cross_section=(3, 3))), -2.2
    )
    agree(
        "Conductance of a Bloch wall two sites wide in a wire of 3 x 3 sites",
        response.conductance,
        8.9977212723,
        against="reference value",
        atol=5e-11,
    )
    # total torque of all moments, the end layers of the region included
    agree(
        "Total torque on a Bloch wall in a wire",
        abs(response.magnet_torkance_by_bias[2].sum(axis=0)[2]),
        6.0005146,
        against="reference value",
        atol=1e-5,
    )


@pytest.mark.parametrize("cross_section", ["periodic", "chain", (2, 2)])
def test_torque_is_spin_current_in_minus_out(cross_section):  # identity
    device = chain(cross_section, free=(1, 0.4, -0.2))
    response = window_response(device, -1.3, MESH)
    flow = response.spin_current_by_bias
    # layer l: in over the bond l - 1, out over the bond l
    assert_allclose(
        response.layer_torkance_by_bias[:, 1:-1], (flow[:, :-1] - flow[:, 1:])[..., 1:], atol=1e-12
    )
    assert_allclose(np.ptp(flow[..., 0], axis=1), 0, atol=1e-12)
    assert_allclose(flow[0, 0, 0], response.conductance, atol=1e-12)
    directions = device.sites.exchange
    assert_allclose(np.sum(response.site_torkance_by_bias * directions, axis=-1), 0, atol=1e-13)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.1, 3.0), st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.dot(v, v) > 0.1))
def test_rotating_both_magnets_changes_no_component(angle, axis):  # identity
    rotation = rotation_so3(axis, angle)
    reference = spin_valve(chain(free=(1, 0, 1)), "fixed", "free", -2.0, [0.8], MESH)
    turned = chain(fixed=rotation @ [0, 0, 1], free=rotation @ [1, 0, 1])
    result = spin_valve(turned, "fixed", "free", -2.0, [0.8], MESH)
    for name in ("conductance", "in_plane", "out_of_plane", "longitudinal"):
        assert_allclose(getattr(result, name), getattr(reference, name), atol=1e-11)


def test_exchanging_the_leads_mirrors_the_device():  # identity
    mirrored = layer_chain(build_stack(stack(free=(1, 0, 0), order=-1)))
    a = window_response(chain(free=(1, 0, 0)), -2.2, MESH)
    b = window_response(mirrored, -2.2, MESH)
    assert_allclose(a.conductance, b.conductance, atol=1e-12)
    assert_allclose(
        a.layer_torkance_by_bias[[0, 1]], b.layer_torkance_by_bias[[1, 0]][:, ::-1], atol=1e-12
    )
    assert_allclose(
        a.spin_current_by_bias[[0, 1]], -b.spin_current_by_bias[[1, 0]][:, ::-1], atol=1e-12
    )


def test_collinear_torque_has_a_limit_per_sine():  # limit
    valve = spin_valve(chain(), "fixed", "free", -2.2, [0, 0.02, np.pi - 0.02, np.pi], MESH)
    assert_allclose(valve.in_plane[:, [0, 3]], 0, atol=1e-12)
    # even about collinear: the difference is of second order in the angle
    assert_allclose(valve.eta[:, 0], valve.eta[:, 1], rtol=1e-3)
    assert_allclose(valve.eta[:, 3], valve.eta[:, 2], rtol=1e-3)
    assert_allclose(valve.eta[0], valve.eta[1], atol=1e-9)


def test_adaptive_average_agrees_with_a_fine_mesh():  # independent
    device = chain(free=(1, 0, 0))
    adaptive = window_response(device, -2.2, Sampling(tolerance=1e-6))
    meshes = [window_response(device, -2.2, Sampling(mesh=n)) for n in (64, 256)]
    assert adaptive.converged
    errors = [abs(mesh.conductance - adaptive.conductance) for mesh in meshes]
    # a mesh resolves the rim of the open channels and the valve's resonances slowly
    assert errors[1] < errors[0] < 1e-2 and errors[1] < 5e-4
    assert adaptive.conductance_error < 1e-6
    torque = [r.magnet_torkance_by_bias[2, 1] for r in (adaptive, meshes[1])]
    assert_allclose(torque[0], torque[1], atol=3e-4)


def test_temperature_is_the_average_over_the_window(agree):  # independent
    device, kelvin = chain("chain", free=(1, 0, 0)), 600.0
    warm = window_response(device, -0.7, Sampling(temperature=kelvin, tolerance=1e-9))
    width = 8.617333262e-5 * kelvin
    # -f' integrated by the trapezoid rule, exponentially convergent; the band ends at -2
    x = np.linspace(-24, 24, 401)
    weights = 0.25 / np.cosh(x / 2) ** 2 * (x[1] - x[0])
    cold = [window_response(device, -0.7 + width * step) for step in x]
    agree(
        "Conductance of a valve at 600 K, adaptive average over energies",
        warm.conductance,
        np.dot(weights, [r.conductance for r in cold]),
        against="another route",
        rtol=1e-8,
        note="trapezoid rule over the thermal window",
    )
    assert_allclose(
        warm.magnet_torkance_by_bias,
        np.tensordot(weights, [r.magnet_torkance_by_bias for r in cold], 1),
        atol=1e-8,
    )


def test_temperature_on_a_given_mesh():  # independent
    device, kelvin = chain(free=(1, 0, 0)), 800.0
    warm = window_response(device, -2.2, Sampling(mesh=3, temperature=kelvin, tolerance=1e-8))
    x = np.linspace(-18, 18, 601)
    weights = 0.25 / np.cosh(x / 2) ** 2 * (x[1] - x[0])
    at = -2.2 + 8.617333262e-5 * kelvin * x
    cold = [window_response(device, e, Sampling(mesh=3)).conductance for e in at]
    # the trapezoid rule meets the edges of the mesh's nine chains
    assert warm.converged
    assert_allclose(warm.conductance, np.dot(weights, cold), rtol=2e-4)


def test_energy_outside_all_bands_is_told():
    with pytest.warns(PhysicsWarning, match="outside all bands of the left lead"):
        response = window_response(chain(), 9.0)
    assert response.conductance == 0 and response.converged


def test_missing_the_tolerance_is_told_and_marked():
    with pytest.warns(ConvergenceWarning, match="has not reached the tolerance"):
        response = window_response(
            chain(), -2.2, Sampling(tolerance=1e-10, max_evaluations=3000)
        )
    assert not response.converged


def test_zone_map_averages_to_the_mesh():  # independent
    device = chain(free=(1, 0, 0))
    k, transmission, torque = zone_map(device, -2.2, 16)
    mean = window_response(device, -2.2, MESH)
    assert_allclose(transmission.mean(), mean.conductance, atol=1e-12)
    assert_allclose(torque.mean(axis=(1, 2)), mean.magnet_torkance_by_bias[2], atol=1e-12)
    assert k.shape == (16,)


def test_two_orbitals_without_mixing_are_two_valves(agree):  # limit
    """Orbitals that do not mix conduct in parallel."""
    both = [
        Layer(2, onsite=np.diag([0.75, 0.1]), exchange=1.5, hopping=np.diag([1, 0.8]), name="a"),
        Layer(2, onsite=np.zeros((2, 2)), hopping=np.diag([1, 0.8])),
        Layer(
            1,
            onsite=np.diag([0.75, 0.1]),
            exchange=1.5,
            hopping=np.diag([1, 0.8]),
            direction=(1, 0, 0),
            name="b",
        ),
    ]
    lead = Lead(onsite=np.zeros((2, 2)), hopping=np.diag([1, 0.8]))
    whole = window_response(layer_chain(build_stack(both, lead, lead)), -1.7, MESH)
    parts = []
    for onsite, t in ((0.75, 1.0), (0.1, 0.8)):
        layers = [
            Layer(2, onsite=onsite, exchange=1.5, hopping=t, name="a"),
            Layer(2, hopping=t),
            Layer(1, onsite=onsite, exchange=1.5, hopping=t, direction=(1, 0, 0), name="b"),
        ]
        device = layer_chain(build_stack(layers, Lead(hopping=t), Lead(hopping=t)))
        parts.append(window_response(device, -1.7, MESH))
    agree(
        "Conductance of a valve of two orbitals that do not mix",
        whole.conductance,
        sum(p.conductance for p in parts),
        against="another route",
        atol=1e-12,
        note="sum of two valves of one orbital",
    )
    assert_allclose(
        whole.magnet_torkance_by_bias, sum(p.magnet_torkance_by_bias for p in parts), atol=1e-12
    )


def test_mixing_of_every_magnet_of_a_stack():
    found = magnet_mixing(stack(), Lead(), "chain", -0.7)
    assert list(found) == ["fixed", "fixed interface", "free", "free interface"]
    assert found["fixed interface"].transmission is None
    assert found["fixed"].reflection.real > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fixd", "free", -1.0), "fixed: 'fixd' is none of the magnets"),
        (("fixed", "fixed", -1.0), "Name two magnets"),
        (("fixed", "free", -1.0, [np.nan]), "angles"),
    ],
)
def test_wrong_valves_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        spin_valve(chain("chain"), *arguments)
