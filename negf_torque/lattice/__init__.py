"""Kwant in, arrays out: magnets, layered stacks, layer ordering and harmonics."""

from negf_torque.lattice.layers import LayerChain, aligned, layer_chain, rotated
from negf_torque.lattice.magnet import Magnet, magnet_from_kwant, orbital_spin
from negf_torque.lattice.stack import Layer, Lead, build_stack

__all__ = [
    "Layer",
    "LayerChain",
    "Lead",
    "Magnet",
    "aligned",
    "build_stack",
    "layer_chain",
    "magnet_from_kwant",
    "orbital_spin",
    "rotated",
]
