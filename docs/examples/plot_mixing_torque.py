r"""
Damping-like and field-like torques from the mixing conductance
===============================================================

A heavy metal sends the spin Hall current into a ferromagnet. How much of it arrives, and along which
direction the moment is turned, is decided by the interface: the real part of its mixing conductance
makes the damping-like torque, the imaginary part the field-like one,

.. math:: \xi_\mathrm{DL} + i\,\xi_\mathrm{FL} = \theta_\mathrm{SH}\,(1 - \mathrm{sech}\,d/\lambda)\,\frac{Z}{1 + Z}.
"""

import numpy as np

from negf_torque.circuit.spin_hall import spin_hall_efficiency
from negf_torque.lattice import Lead, build_stack, layer_chain
from negf_torque.study import style
from negf_torque.transport.mixing import mixing_conductance
from negf_torque.transport.sampling import Sampling
from negf_torque.units import CONDUCTANCE_QUANTUM

# %%
# Mixing conductance of interfaces of a normal metal with ferromagnets of growing exchange ...
energy, cell = -2.2, (0.25e-9) ** 2  # eV, m^2
exchanges = np.linspace(0.2, 6.0, 30)
interfaces = [layer_chain(build_stack([], right=Lead(exchange=x))) for x in exchanges]
found = [mixing_conductance(one, energy, sampling=Sampling(mesh=48)) for one in interfaces]
mixing = np.array([one.reflection for one in found])

# %%
# ... and the torque efficiencies of 5 nm of heavy metal with a spin Hall angle of 0.1.
angle, conductivity, length, nanometre = 0.1, 4e6, 1.5e-9, 1e-9
per_area = mixing * CONDUCTANCE_QUANTUM / cell
xi = np.array(
    [spin_hall_efficiency(angle, conductivity, length, 5 * nanometre, g) for g in per_area]
)
thickness = np.linspace(0.1, 10, 60)
by_thickness = spin_hall_efficiency(
    angle, conductivity, length, thickness * nanometre, per_area[9]
)
torques = (r"damping-like $\xi_\mathrm{DL}$", r"field-like $\xi_\mathrm{FL}$")
panels = (
    (exchanges, mixing, (r"Re $g_r$", r"Im $g_r$")),
    (exchanges, xi, torques),
    (thickness, by_thickness, torques),
)
with style.style():
    mixing_and_torque, axes = style.figure(3, 1, height=8.0)
    for axis, (x, values, labels) in zip(axes, panels, strict=True):
        looks = style.lines(markers=False)
        axis.plot(x, values.real, label=labels[0], **next(looks))
        axis.plot(x, values.imag, label=labels[1], **next(looks))
        style.legend(axis, inside=True)
    axes[0].set(xlabel="Exchange splitting (eV)", ylabel="Mixing conductance\n" r"($e^2/h$ per cell)")
    axes[1].set(xlabel="Exchange splitting (eV)", ylabel="Torque efficiency")
    axes[2].set(xlabel="Thickness of the heavy metal (nm)", ylabel="Torque efficiency")
