"""From the site torques of a Kwant wire to the motion of a micromagnetic wall, no u, no beta."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.llg.bulk import TextureTorque
from negf_torque.llg.chain import Chain, run, table_torque, wall_position, wall_start
from negf_torque.llg.wire import site_table
from negf_torque.spin import domain_wall
from negf_torque.transport.linear import window_response
from negf_torque.units import BOHR_MAGNETON, CONDUCTANCE_QUANTUM, ELEMENTARY_CHARGE, HBAR_SI

MS, SPACING, SECTION, VOLTAGE = 8e5, 2.0, 36.0, 0.025
WIDTH = 2 * SPACING  # nm: two sites, as in the wire
A = 1.3e-11
K = A / (WIDTH * 1e-9) ** 2


@pytest.fixture(scope="module")
def wire():
    """Reference Bloch wall: 3 x 3 sites, 40 layers, width 2; majority spin +z on the left."""
    wall = Layer(40, exchange=1.5, texture=domain_wall(19.5, 2.0, "bloch"), name="wall")
    leads = [Lead(exchange=1.5, direction=(0, 0, s)) for s in (1, -1)]
    chain = layer_chain(build_stack([wall], *leads, cross_section=(3, 3)))
    response = window_response(chain, -2.2)
    layers = chain.sites.layer
    spin = np.zeros((layers.max() + 1, 3))
    np.add.at(spin, layers, chain.sites.exchange)
    spin /= np.linalg.norm(spin, axis=1, keepdims=True)
    return spin, response.layer_torkance_by_bias[2], response.conductance


def table(wire, voltage=VOLTAGE):
    spin, torkance, _ = wire
    place = SPACING * np.arange(len(spin))
    return site_table(
        place, spin, torkance, voltage, saturation_magnetisation=MS, cross_section=SECTION
    )


def micromagnetic(beta=0.0, damping=0.05):
    """m = -s: -z on the left, so the easy axis points down; no transverse anisotropy."""
    return Chain(
        MS, damping, beta, A, K, 0.0, cells=240, cell=1.0, easy_axis=(0, 0, -1), hard_axis=(1, 0, 0)
    )


def test_the_table_holds_the_whole_torque(wire):  # conservation
    """Sum of dm/dt along z times the slices' moments = -N_z; N_z is the reference's 6.0005."""
    offset, along, across = table(wire)
    spin, torkance, _ = wire
    assert_allclose(torkance.sum(axis=0)[2], 6.0005146, atol=1e-5)
    assert_allclose(np.interp(0, offset, np.arange(42)), 20.5, atol=1e-6)
    slope = -np.gradient(spin, axis=0)
    slope -= np.sum(slope * spin, axis=1, keepdims=True) * spin
    tangent = slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
    motion = along[:, None] * tangent + across[:, None] * np.cross(-spin, tangent)
    rate = 2 * BOHR_MAGNETON / HBAR_SI * ELEMENTARY_CHARGE * VOLTAGE / (4 * np.pi)
    rate /= MS * SECTION * SPACING * 1e-27
    # what is lost are the end slices, whose moments hardly turn
    assert_allclose(motion.sum(axis=0) * 1e9, -rate * torkance.sum(axis=0), atol=2e-3 * rate * 6)


@pytest.mark.parametrize("voltage", [VOLTAGE, -VOLTAGE])
def test_electrons_push_the_wall_by_the_spin_they_hand_over(wire, voltage):  # independent
    """2 (dq/dt) M_s S = gamma N_z eV/(4 pi): the first motion, from angular momentum alone."""
    chain = micromagnetic()
    torque = table_torque(chain, *table(wire, voltage))
    start = wall_start(chain, 120.0)
    assert_allclose(start[0], (0, 0, -1), atol=1e-6)
    bare = torque(start)
    first = -bare[:, 2].sum() / 2 * chain.cell  # q from the mean of m.e = -m_z, nm/ns
    gamma = 2 * BOHR_MAGNETON / HBAR_SI
    expected = gamma * ELEMENTARY_CHARGE * voltage / (4 * np.pi) * 6.0005146
    expected /= 2 * MS * SECTION * 1e-18
    assert_allclose(first, expected, rtol=0.01)  # cells and slices sample the wall differently
    times, path = run(chain, start, 0.1, torque=torque, samples=3, tolerance=1e-8)
    moved = wall_position(chain, path)[-1] - 120.0
    assert moved * voltage > 0  # with the electrons


def test_an_adiabatic_wire_is_a_drift(wire):  # limit
    """P from torque over current, beta = 0: the same motion as the wire's own table, to 2 %."""
    spin, torkance, conductance = wire
    polarisation = torkance.sum(axis=0)[2] / 2 / conductance
    current = CONDUCTANCE_QUANTUM * conductance * VOLTAGE / (SECTION * 1e-18)
    u = TextureTorque(polarisation, 0.0, 0.05, MS).drift_velocity(current)
    chain = micromagnetic()
    start = wall_start(chain, 120.0)
    offset, along, across = table(wire)
    _, own = run(
        chain, start, 0.2, torque=table_torque(chain, offset, along, 0 * across), samples=3
    )
    _, drift = run(chain, start, 0.2, drift=u, samples=3)
    one, two = (wall_position(chain, path)[-1] - 120.0 for path in (own, drift))
    assert abs(two) > 0.5
    assert_allclose(one, two, rtol=0.02)


def test_unusable_wires_are_named(wire):
    spin, torkance, _ = wire
    place = np.arange(42.0)
    good = {"saturation_magnetisation": MS, "cross_section": SECTION}
    with pytest.raises(ValueError, match="saturation_magnetisation: 0.*moment"):
        site_table(place, spin, torkance, 1.0, **good | {"saturation_magnetisation": 0.0})
    with pytest.raises(ValueError, match="cross_section.*volume"):
        site_table(place, spin, torkance, 1.0, **good | {"cross_section": -1.0})
    with pytest.raises(ValueError, match="equally spaced"):
        site_table(place**2, spin, torkance, 1.0, **good)
    with pytest.raises(ValueError, match="shapes"):
        site_table(place[:-1], spin, torkance, 1.0, **good)
    with pytest.raises(ValueError, match="do not turn"):
        site_table(place, np.tile([0, 0, 1.0], (42, 1)), torkance, 1.0, **good)
