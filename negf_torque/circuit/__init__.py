"""Magnetoelectronic circuit theory and drift-diffusion of layered valves."""

from negf_torque.circuit.contact import Contact, contact, sharvin_corrected
from negf_torque.circuit.diffusion import Interface, Layer, solve_stack, stack_eta
from negf_torque.circuit.network import Network, solve, two_contact_valve

__all__ = [
    "Contact",
    "Interface",
    "Layer",
    "Network",
    "contact",
    "sharvin_corrected",
    "solve",
    "solve_stack",
    "stack_eta",
    "two_contact_valve",
]
