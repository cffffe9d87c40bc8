"""Small devices with impurities: what the tests of their averaged response share."""

from dataclasses import replace

import numpy as np

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.lattice.layers import layer_chain
from negf_torque.lattice.stack import Layer, build_stack
from negf_torque.transport.torque import exchange_torque

METHODS = ("born", "coherent-potential")
BOTH = [
    NonmagneticImpurities(1.0, 0.2, "symmetric"),
    MagneticImpurities(0.3, 0.2, potential=0.05, moments=((0.5, 0, 0), (0, 0.2, 0), (0, 0, 0.3))),
]


def magnet(thickness, direction, name):
    return Layer(thickness, onsite=0.75, exchange=1.5, direction=direction, name=name)


def valve(cross_section, first=3, spacer=2, second=2):
    layers = [magnet(first, (0, 0, 1), "fixed"), Layer(spacer), magnet(second, (1, 0, 0), "free")]
    return layer_chain(build_stack(layers, cross_section=cross_section))


def lost_spin(response):
    """Largest difference between the spin current's drop over a layer and both torques."""
    chain = response.chain
    torque = exchange_torque(chain.sites, response.exchange_density_by_lead)
    torque = torque + response.impurity_torque_by_lead
    by_layer = np.zeros((2, len(chain.onsite), 3))
    np.add.at(by_layer, (slice(None), chain.sites.layer), torque)
    spin = response.current_by_lead[:, :, 1:]
    return np.abs(spin[:, :-1] - spin[:, 1:] - by_layer[:, 1:-1]).max()


def with_potential(chain, potentials):
    """The chain with potentials {site: matrix} added."""
    onsite = [block.copy() for block in chain.onsite]
    origin = int(np.flatnonzero(~chain.displacements.any(axis=1))[0])
    for i, potential in potentials.items():
        start = chain.sites.offset[i]
        here = slice(start, start + chain.sites.orbitals[i])
        onsite[chain.sites.layer[i]][origin, here, here] += potential
    return replace(chain, onsite=tuple(onsite))
