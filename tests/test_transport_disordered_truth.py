"""Averaged media against explicit configurations."""

import numpy as np
import pytest

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.lattice.layers import layer_chain
from negf_torque.lattice.stack import Layer, build_stack
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.ensembles import configuration_response

UNIAXIAL = ((0.1, 0, 0), (0, 0.1, 0), (0, 0, 0.8))


@pytest.mark.parametrize(
    "kind",
    [
        NonmagneticImpurities(1.0, np.sqrt(0.02), "symmetric", layers=tuple(range(1, 21))),
        MagneticImpurities(1.0, 0.15, moments=UNIAXIAL, layers=tuple(range(1, 21))),
    ],
    ids=["scalar", "magnetic"],
)
def test_four_thousand_configurations_of_four_rows(kind):  # independent: the truth
    """Conductance and all torque components within 3 standard errors."""

    def magnet(direction, name):
        return Layer(6, onsite=0.75, exchange=1.5, direction=direction, name=name)

    layers = [Layer(2), magnet((0, 0, 1), "a"), Layer(4), magnet((1, 0, 0), "b"), Layer(2)]
    chain = layer_chain(build_stack(layers, cross_section=(4, 1)))
    truth = configuration_response(chain, -0.83, [kind], 4000, seed=1)
    for method in ("born", "coherent-potential"):
        found = disordered_response(chain, -0.83, [kind], method)
        error = truth.window.conductance_error
        assert 0 < error < 0.005
        assert abs(found.conductance - truth.window.conductance) < 3 * error
        difference = found.magnet_torkance_by_bias - truth.window.magnet_torkance_by_bias
        # components along the moment vanish, error included
        assert np.all(np.abs(difference) < 3 * truth.magnet_torkance_error + 1e-12)
