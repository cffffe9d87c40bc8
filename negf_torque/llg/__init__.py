"""From torques to magnetisation dynamics: solver inputs, macrospins, stability, walls."""

from negf_torque.llg.junction import JunctionTorque
from negf_torque.llg.slonczewski import efficiency, fit_asymmetric, fit_slonczewski
from negf_torque.llg.valve import ValveTorque, valve_torque

__all__ = [
    "JunctionTorque",
    "ValveTorque",
    "efficiency",
    "fit_asymmetric",
    "fit_slonczewski",
    "valve_torque",
]
