r"""
Precession and dephasing in a magnet
====================================

The second toy model: an electron with a transverse spin that enters a magnet precesses about the
exchange field because its two components travel with wave numbers that differ by
:math:`k_\uparrow - k_\downarrow`. Electrons of all angles of incidence precess at different rates, and
most of their sum is gone after some ten atomic layers. That is why the torque acts at the interface
(D. C. Ralph and M. D. Stiles, J. Magn. Magn. Mater. 320, 1190 (2008), toy model 2 of section 3).
"""

import numpy as np

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.study import style
from negf_torque.transport.linear import window_response
from negf_torque.transport.mixing import mixing_conductance
from negf_torque.transport.sampling import Sampling

# %%
# Spin in a magnet along z whose electrons come in with spins along x: one chain (normal incidence)
# against the average over the zone of a cubic lattice.
energy, exchange, length = -2.2, 3.0, 40
polariser = Lead(onsite=2.0, exchange=6.0, direction=(1, 0, 0))
far_end = Lead(exchange=exchange)


def spin(cross_section, energy):
    stack = [Layer(2), Layer(length, exchange=exchange, name="F")]
    chain = layer_chain(build_stack(stack, polariser, far_end, cross_section=cross_section))
    response = window_response(chain, energy, Sampling(mesh=64))
    # bond 2 is the one into the magnet: one plane of the lead, two of the normal metal before it
    return response.spin_current_by_bias[0, 2 : 2 + length + 1, 1:3]


with style.style():
    precession, axes = style.figure(2, 1, height=5.8, sharex=True)
    currents = {
        "one chain": spin("chain", 0.0),
        "average over all directions": spin("periodic", energy),
    }
    for axis, (name, current) in zip(axes, currents.items(), strict=True):
        looks = style.lines()
        for component, label in enumerate(("spin along x, as it came in", "spin along y")):
            values = current[:, component] / current[0, 0]
            axis.plot(np.arange(len(values)), values, label=label, **next(looks))
        axis.set_title(name)
        axis.set_ylabel("Spin current\n(over its value at the entry)")
        style.zero_line(axis)
    axes[1].set_xlabel("Atomic layer of the magnet")
    style.shared_legend(precession, axes[0])

# %%
# What comes out at the other side of a magnet of :math:`L` layers is the transmission part of the
# mixing conductance. After a quick fall a slow tail is left, in which stationary points of
# :math:`k_\uparrow - k_\downarrow` on the Fermi surface beat with each other.
lengths = np.array([1, 2, 3, 4, 6, 8, 12, 16, 20, 28, 40])
magnets = [layer_chain(build_stack([Layer(int(n), exchange=exchange)])) for n in lengths]
found = [mixing_conductance(chain, energy, sampling=Sampling(mesh=64)) for chain in magnets]
transmitted = [abs(one.transmission) for one in found]
with style.style():
    transmitted_spin, axis = style.figure(height=3.4)
    axis.loglog(lengths, transmitted, **next(style.lines()))
    axis.set(xlabel="Thickness of the magnet (atomic layers)")
    axis.set_ylabel(style.axis_label(r"$|g_t|$", "e^2/h per cell"))
