"""Spin torques from quantum transport: Green's functions, disorder, gradient expansion, LLG.

The names of `__all__` are the public interface in brief, each imported on first use; the
sub-packages hold the rest.
"""

import warnings as _warnings
from typing import TYPE_CHECKING

from negf_torque._lazy import lazy as _lazy

__version__ = "0.1.0"

_HOMES = {
    # systems
    "Layer": "lattice.stack",
    "Lead": "lattice.stack",
    "Magnet": "lattice.magnet",
    "build_stack": "lattice.stack",
    "layer_chain": "lattice.layers",
    "magnet_from_kwant": "lattice.magnet",
    # transport
    "Sampling": "transport.sampling",
    "bias_map": "transport.bias_map",
    "complete_response": "transport.complete",
    "finite_bias": "transport.bias",
    "mixing_conductance": "transport.mixing",
    "pumping": "transport.pumping",
    "spin_valve": "transport.valve",
    "terminal_response": "transport.terminals",
    "window_response": "transport.linear",
    "window_responses": "transport.linear",
    "wire_response": "transport.wire",
    # impurities
    "configuration_response": "transport.ensembles",
    "disordered_response": "transport.disordered",
    "MagneticImpurities": "disorder.impurities",
    "NonmagneticImpurities": "disorder.impurities",
    # gradient expansion, spin-orbit coupling
    "bulk_response": "gradient.kubo.response",
    "ImpurityStrengths": "gradient.born",
    "coefficients": "gradient.coefficients",
    "gradient_tensors": "gradient.engine",
    # quantum spins
    "evolve": "manybody.evolution",
    # magnetisation dynamics
    "JunctionTorque": "llg.junction",
    "valve_torque": "llg.valve",
    # cards and results
    "citation": "study.citations",
    "execute": "study.run",
    "figures": "study.results",
    "load_card": "study.card:load",
    "load_result": "study.store:load",
    "per_area": "study.results",
    "scalars": "study.results",
}
__all__ = [
    "__version__",
    "bias_map",
    "build_stack",
    "bulk_response",
    "citation",
    "coefficients",
    "complete_response",
    "configuration_response",
    "disordered_response",
    "evolve",
    "execute",
    "figures",
    "finite_bias",
    "gradient_tensors",
    "ImpurityStrengths",
    "JunctionTorque",
    "Layer",
    "layer_chain",
    "Lead",
    "load_card",
    "load_result",
    "MagneticImpurities",
    "Magnet",
    "magnet_from_kwant",
    "mixing_conductance",
    "NonmagneticImpurities",
    "per_area",
    "pumping",
    "Sampling",
    "scalars",
    "spin_valve",
    "terminal_response",
    "valve_torque",
    "window_response",
    "window_responses",
    "wire_response",
]

if TYPE_CHECKING:
    from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
    from negf_torque.gradient.born import ImpurityStrengths
    from negf_torque.gradient.coefficients import coefficients
    from negf_torque.gradient.engine import gradient_tensors
    from negf_torque.gradient.kubo.response import bulk_response
    from negf_torque.lattice.layers import layer_chain
    from negf_torque.lattice.magnet import Magnet, magnet_from_kwant
    from negf_torque.lattice.stack import Layer, Lead, build_stack
    from negf_torque.llg.junction import JunctionTorque
    from negf_torque.llg.valve import valve_torque
    from negf_torque.manybody.evolution import evolve
    from negf_torque.study.card import load as load_card
    from negf_torque.study.citations import citation
    from negf_torque.study.results import figures, per_area, scalars
    from negf_torque.study.run import execute
    from negf_torque.study.store import load as load_result
    from negf_torque.transport.bias import finite_bias
    from negf_torque.transport.bias_map import bias_map
    from negf_torque.transport.complete import complete_response
    from negf_torque.transport.disordered import disordered_response
    from negf_torque.transport.ensembles import configuration_response
    from negf_torque.transport.linear import window_response, window_responses
    from negf_torque.transport.mixing import mixing_conductance
    from negf_torque.transport.pumping import pumping
    from negf_torque.transport.sampling import Sampling
    from negf_torque.transport.terminals import terminal_response
    from negf_torque.transport.valve import spin_valve
    from negf_torque.transport.wire import wire_response

__getattr__, __dir__ = _lazy(__name__, _HOMES)

# Kwant says on import that its own solvers are slow without MUMPS.  Ours do not use them; what
# its absence means for a user's own calls of Kwant is told where such code is run.
_warnings.filterwarnings("ignore", "MUMPS is not available", RuntimeWarning)
