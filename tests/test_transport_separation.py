"""Uniform wires solved mode by mode are the wires solved whole."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.lattice.separation import separate
from negf_torque.spin import spiral
from negf_torque.transport.device import Device, make_device, solve
from tests.test_transport_kwant import random_system

NO_MOMENTUM = np.zeros((3, 0))
ENERGIES = np.array([-2.2, -0.83, 1.4])


def both_ways(chain, **arguments):
    device = make_device(chain)
    assert device.separation is not None
    whole = Device(chain, device.separate_exchange, None)
    return [solve(d, NO_MOMENTUM, ENERGIES, **arguments) for d in (device, whole)]


@pytest.mark.parametrize("cross_section", [(2, 1), (3, 3), (4, 2)])
def test_modes_together_are_the_wire(cross_section):  # independent
    layers = [
        Layer(2, onsite=0.75, exchange=1.5, name="a"),
        Layer(3, hopping=0.8),
        Layer(4, onsite=0.3, exchange=1.1, texture=spiral(7.0, (0.2, 1, 0)), name="b"),
    ]
    chain = layer_chain(build_stack(layers, Lead(onsite=0.1), Lead(hopping=1.2), cross_section))
    shift = np.linspace(0.2, -0.2, len(chain.sizes))[:, None] * np.ones(3)
    for arguments in ({}, {"potential": shift, "shifts": (0.2, -0.2)}):
        separated, whole = both_ways(chain, **arguments)
        for name in vars(whole):
            assert_allclose(
                getattr(separated, name), getattr(whole, name), atol=1e-11, err_msg=name
            )


def test_several_orbitals():  # independent
    hopping = np.array([[1.0, 0.2], [0.2, 0.7]])
    layers = [Layer(3, onsite=np.diag([0.3, -0.4]), exchange=1.0, hopping=hopping, name="a")]
    lead = Lead(onsite=np.zeros((2, 2)), hopping=hopping)
    separated, whole = both_ways(layer_chain(build_stack(layers, lead, lead, (2, 3))))
    for name in vars(whole):
        assert_allclose(getattr(separated, name), getattr(whole, name), atol=1e-11, err_msg=name)


def test_what_is_not_uniform_stays_whole():
    chain = layer_chain(random_system(1, width=3))
    assert separate(chain) is None
    assert separate(layer_chain(build_stack([Layer(2)], cross_section="chain"))) is None
    assert separate(layer_chain(build_stack([Layer(2)]))) is None
