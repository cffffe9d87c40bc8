"""Torque of a junction against voltage and angle: conversion, fits, and the dynamics it drives."""

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, aligned, build_stack, layer_chain
from negf_torque.llg.junction import JunctionTorque
from negf_torque.llg.macrospin import macrospin, trajectory
from negf_torque.llg.stability import critical_drive, jacobian
from negf_torque.llg.valve import valve_torque
from negf_torque.spin import torque_frame
from negf_torque.transport.bias import finite_bias, linear_profile
from negf_torque.transport.sampling import Sampling
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, GAMMA0, HBAR_SI

MS, AREA, THICKNESS = 8e5, 0.0625, 1.5
VOLTS = np.linspace(-0.4, 0.4, 9)
ANGLES = np.linspace(0.3, pi - 0.3, 7)
P = (0.2, -0.5, 0.8)


def junction(in_plane, out_of_plane, current=None, voltage=VOLTS, angle=ANGLES, **rest):
    """A junction from functions of (V, theta) per sin(theta), eV."""
    v, theta = np.meshgrid(voltage, angle, indexing="ij")
    sine = np.sin(theta)
    flow = 0.02 * v if current is None else current(v, theta)
    options = dict(
        cell_area=AREA, thickness=THICKNESS, saturation_magnetisation=MS, fixed_direction=P
    )
    return JunctionTorque(
        voltage,
        angle,
        in_plane(v, theta) * sine,
        out_of_plane(v, theta) * sine,
        flow,
        **options | rest,
    )


def tunnel(coupling=2e-4, linear=1e-3, slope=8e-3, square=3e-3, cubic=0.0):
    """Linear and quadratic in V exactly, unless `cubic`."""
    return junction(
        lambda v, theta: slope * v + cubic * v**3,
        lambda v, theta: coupling + linear * v + square * v**2,
    )


def spin_rate(m, n_in, n_out):
    """-ds/dt in the spin frame for J = (n_in, n_out) sin(theta) eV, without damping."""
    s, p_s = -np.asarray(m), -np.array(P) / np.linalg.norm(P)
    moment = MS * AREA * THICKNESS * 1e-27
    unit = 2 * BOHR_MAGNETON / HBAR_SI * ELEMENTARY_CHARGE / (4 * pi) / moment
    return -unit * (n_in * np.cross(s, np.cross(p_s, s)) + n_out * np.cross(s, p_s))


@given(st.integers(0, 2**31), st.floats(-0.4, 0.4))
def test_spins_become_moments(seed, volt):  # independent
    """J of the spin frame, turned into -ds/dt by hand = dm/dt of the macrospin."""
    m = np.random.default_rng(seed).normal(size=3)
    m /= np.linalg.norm(m)
    torque = junction(
        lambda v, theta: 0.01 * v * (1 + 0.3 * np.cos(theta)) + 0.02 * v**3,
        lambda v, theta: 1e-4 + 2e-3 * v**2 * (1 - 0.2 * np.cos(theta) ** 2),
    ).spin_torque()
    assert torque.deviation < 1e-12
    c = m @ np.array(P) / np.linalg.norm(P)
    expected = spin_rate(
        m, 0.01 * volt * (1 + 0.3 * c) + 0.02 * volt**3, 1e-4 + 2e-3 * volt**2 * (1 - 0.2 * c**2)
    )
    rate = -GAMMA0 * np.cross(m, torque.field(m, volt))
    assert_allclose(rate, expected, atol=1e-11 * (np.abs(expected).max() + 1e6))


def test_linear_junction_is_a_valve():  # limit
    """J = N V and current T V: the same numbers as the torkances N and the transmission T."""
    n_in = 0.3 + 0.1 * np.cos(ANGLES)
    n_out = 0.05 * np.ones_like(ANGLES)
    transmission = 0.5 - 0.1 * np.cos(ANGLES)
    own = junction(
        lambda v, theta: v * (0.3 + 0.1 * np.cos(theta)),
        lambda v, theta: 0.05 * v,
        lambda v, theta: v * (0.5 - 0.1 * np.cos(theta)),
    )
    sine = np.sin(ANGLES)
    valve = valve_torque(
        ANGLES, n_in * sine, n_out * sine, transmission, cell_area=AREA, thickness=THICKNESS,
        saturation_magnetisation=MS, fixed_direction=P,
    )  # fmt: skip
    point = own.at(0.23, fixed="current")
    for key in ("eta", "eta_perp", "conductance"):
        assert_allclose(getattr(point, key), getattr(valve, key), rtol=1e-12)
    for one, two in zip(own.rates(), valve.rates_per_volt(), strict=True):
        assert_allclose(one, VOLTS[:, None] * two, rtol=1e-12)
    # the solver's J of 90 degrees, with that J constant, gives the torque of constant voltage
    point = own.at(0.23)
    assert np.ptp(point.conductance) == 0
    for one, two in zip(point.rates_per_volt(), valve.rates_per_volt(), strict=True):
        assert_allclose(one, two, rtol=1e-12)
    swing = 0.1 * np.cos(0.3)
    spread = (0.5 + swing) / (0.5 - swing) - 1
    assert_allclose(own.losses(0.2)["constant_current"], spread, rtol=1e-12)


def test_powers_of_the_voltage_come_back():  # limit
    own = tunnel()
    a, b = own.damping_like(), own.field_like()
    unit = own.rates()[0][-1] / (8e-3 * 0.4)  # 1/s per eV
    assert_allclose(a[1], 8e-3 * unit, rtol=1e-12)
    for power, value in ((0, 2e-4), (1, 1e-3), (2, 3e-3)):
        assert_allclose(b[power], value * unit, rtol=1e-11)
    assert a.residual.max() < 1e-12 and b.residual.max() < 1e-12
    assert_allclose(own.coupling_field(), 2e-4 * unit / GAMMA0, rtol=1e-12)
    # without V = 0 in the table the coupling is fitted with the rest
    keep = VOLTS != 0
    short = junction(
        lambda v, t: 8e-3 * v, lambda v, t: 2e-4 + 1e-3 * v + 3e-3 * v**2, voltage=VOLTS[keep]
    )
    assert_allclose(short.field_like().coefficients, b.coefficients, rtol=1e-9)


def test_what_the_powers_miss_is_told():  # independent
    """a cubic part c V^3: least squares leave c V^3 - V c <V^4>/<V^2>."""
    own = tunnel(slope=8e-3, cubic=5e-2)
    left = 5e-2 * (VOLTS**3 - VOLTS * np.sum(VOLTS**4) / np.sum(VOLTS**2))
    largest = np.abs(8e-3 * VOLTS + 5e-2 * VOLTS**3).max()
    expected = np.abs(left).max() / largest
    assert_allclose(own.damping_like().residual, expected, rtol=1e-10)
    losses = own.losses()
    assert_allclose(losses["linear_damping_like"], expected, rtol=1e-10)
    assert losses["polynomial"] < 1e-12 and losses["slonczewski"] < 1e-9
    assert own.leading_torque().deviation == losses["linear_damping_like"]
    assert own.damping_like((1, 3)).residual.max() < 1e-12


def test_the_table_takes_as_many_powers_as_it_needs():
    volts = np.linspace(-0.6, 0.6, 21)
    own = junction(lambda v, t: np.sinh(4 * v), lambda v, t: np.cosh(4 * v), voltage=volts)
    torque = own.spin_torque()
    assert torque.deviation < 1e-4 and 4 < len(torque.damping_like) <= 10
    between = 0.5 * (volts[1:] + volts[:-1])  # no oscillation between the voltages
    seen = [torque.coefficients(0.0, v)[0] for v in between]
    unit = own.rates()[0][-1, 0] / np.sinh(2.4) / GAMMA0
    assert_allclose(seen, unit * np.sinh(4 * between), atol=2e-4 * unit * np.sinh(2.4))


def test_leading_form_and_table_agree_where_the_form_is_exact():
    own = tunnel()
    for m in np.random.default_rng(3).normal(size=(5, 3)):
        m /= np.linalg.norm(m)
        one, two = own.spin_torque().field(m, 0.31), own.leading_torque().field(m, 0.31)
        assert_allclose(one, two, atol=1e-9 * np.abs(one).max())


def model(torque, anisotropy=2e4, damping=0.02):
    return macrospin(MS, damping, anisotropies=[(anisotropy, P)], torques=[torque])


def test_threshold_voltage_of_a_perpendicular_junction(agree):  # limit
    """Uniaxial along p: at m = -p the torque wins at a = alpha g0 (H_k - b/g0)."""
    own = tunnel(coupling=0.0, linear=0.0, square=0.0)
    unit = own.rates()[0][-1, 0] / (8e-3 * 0.4)
    expected = 0.02 * GAMMA0 * 2e4 / (8e-3 * unit)
    found, how = critical_drive(model(own.spin_torque()), -np.array(P), 0.4)
    assert how == "oscillation"
    agree(
        "Threshold voltage of a perpendicular tunnel junction",
        found,
        expected,
        against="analytic",
        rtol=1e-8,
        note="torque against damping at the antiparallel state",
    )


def test_the_integrators_see_one_table():  # independent
    """Pointwise, compiled, and arrays; voltage as the drive, coupling acting without it."""
    from negf_torque.llg.batch import integrate

    body = model(tunnel(cubic=0.01).spin_torque())
    start = np.array([0.6, 0.7, -0.2])
    for volt in (0.0, 0.3):
        path = trajectory(body, start, 0.2, volt, samples=3)
        many = integrate(body, start, 0.2, 1e-4, drive=volt, stride=1000)
        assert_allclose(many.m[0], path.m, atol=2e-8)
        eigen = np.linalg.eigvals(jacobian(body, P, volt))
        assert np.all(np.isfinite(eigen))


LAYERS = (
    Layer(3, onsite=0.75, exchange=1.5, name="fixed"),
    Layer(3, onsite=3.0),
    Layer(3, onsite=0.75, exchange=1.5, name="free"),
)
SPAN = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])
TURNS = np.array([0.6, pi / 2, pi - 0.6])


def computed(mirrored=False):
    """Finite-bias transport of a wire; the fixed magnet left, or in the mirror image right."""
    chain = layer_chain(
        build_stack(list(LAYERS[::-1] if mirrored else LAYERS), cross_section="chain")
    )
    profile = linear_profile(chain, 4, 6)
    tables = np.empty((3, len(SPAN), len(TURNS)))
    for k, theta in enumerate(TURNS):
        free = (np.sin(theta), 0, np.cos(theta))
        turned = aligned(chain, {"free": free, "fixed": (0, 0, 1)})
        axes = torque_frame(free, (0, 0, 1))
        which = list(turned.magnets).index("free")
        for j, volt in enumerate(SPAN):
            point = finite_bias(turned, -0.7, volt, profile, Sampling(tolerance=1e-8))
            torque = point.magnet_torque[which]
            tables[:, j, k] = torque @ axes[0], torque @ axes[1], point.current
    return JunctionTorque(
        SPAN, TURNS, *tables, cell_area=AREA, thickness=0.75, saturation_magnetisation=MS,
        fixed_direction=(1, 0, 0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def wire():
    return computed()


def test_mirrored_junction_has_the_torque_of_the_reversed_bias(wire):  # identity
    other = computed(mirrored=True)
    assert_allclose(other.current_density(), -wire.current_density()[::-1], rtol=1e-6)
    for one, two in zip(other.rates(), wire.rates(), strict=True):
        assert_allclose(one, two[::-1], atol=1e-6 * np.abs(two).max())


def test_junction_turns_its_own_macrospin(wire):
    """The side that V favours follows from a alone; both signs of V, through transport."""
    a, _ = wire.rates()
    assert np.all(a[-1] > 0) and np.all(a[0] < 0)  # electrons from the fixed to the free: P
    assert np.abs(a[2]).max() < 1e-6 * np.abs(a).max()  # no bias, no in-plane torque
    body = macrospin(
        MS, 0.05, anisotropies=[(1e3, (1, 0, 0))], torques=[wire.spin_torque()],
        applied=(-wire.coupling_field()[1], 0, 0),
    )  # fmt: skip
    for volt in (0.2, -0.2):
        path = trajectory(body, (-np.sign(volt), 0.1, 0.05), 3.0, volt, samples=11, tolerance=1e-8)
        assert path.m[-1, 0] * np.sign(volt) > 0.9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"saturation_magnetisation": 0.0}, "saturation_magnetisation.*moment"),
        ({"thickness": -1.0}, "thickness.*moment"),
        ({"cell_area": float("nan")}, "cell_area"),
        ({"working_voltage": 0.7}, "working_voltage: 0.7 V is outside"),
        ({"voltage": VOLTS[::-1]}, "voltage.*ascending"),
        ({"name": "a b"}, "name"),
        ({"fixed_direction": (0, 0, 0)}, "fixed_direction"),
    ],
)
def test_unusable_junctions_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        junction(lambda v, t: v, lambda v, t: v * 0, **change)


def test_tables_of_another_shape_are_refused():
    good = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"out_of_plane: shape \(3, 2\)"):
        JunctionTorque([0, 1], [0.1, 1, 2], good, good.T, good, AREA, 1.0, MS)
    with pytest.raises(ValueError, match="in_plane: contains"):
        JunctionTorque([0, 1], [0.1, 1, 2], good * np.nan, good, good, AREA, 1.0, MS)
    with pytest.raises(ValueError, match="no angle between"):
        JunctionTorque([0, 1], [0, pi], good[:, :2], good[:, :2], good[:, :2], AREA, 1.0, MS)


def test_collinear_angles_are_left_out():
    table = np.array([[np.nan, 0.1, np.nan], [np.nan, 0.2, np.nan]])
    own = JunctionTorque([1, 2], [0, 1, pi], table, table, table, AREA, 1.0, MS)
    assert own.angles.tolist() == [1] and own.rates()[0].shape == (2, 1)
    # a solver's point takes one angle as no angular dependence, and says so
    point = own.at(1.5)
    assert point.slonczewski().Lambda == pytest.approx(1, abs=1e-9)
    assert_allclose(np.array(point.rates_per_volt()[0]) * 1.5, own.rates()[0].mean(), rtol=1e-12)
    assert "Computed at 57.3 deg only" in point.notes[0]
    # the dynamics take one angle as no angular dependence
    assert own.spin_torque().damping_like.shape == (2, 1)


@pytest.mark.parametrize("volt", [0.0, 0.5])
def test_points_outside_are_refused(volt):
    with pytest.raises(ValueError, match="voltage"):
        tunnel().at(volt)


def test_hash_changes_with_any_number():
    assert tunnel().hash == tunnel().hash != tunnel(coupling=2.0000001e-4).hash
