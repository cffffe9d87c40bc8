r"""
A magnet that filters spins
===========================

The first toy model of spin transfer: electrons polarised at an angle :math:`\theta` to the moment
meet a magnet that lets one spin pass and reflects the other. Neither the transmitted nor the
reflected electron carries the transverse spin that came in; the magnet takes it,

.. math:: T_x = \frac{\hbar}{2}\,\sin\theta\,[1 - \mathrm{Re}(t_\uparrow t_\downarrow^* + r_\uparrow r_\downarrow^*)],

so that the torque follows :math:`\sin\theta`, whatever the magnet is made of (D. C. Ralph and
M. D. Stiles, J. Magn. Magn. Mater. 320, 1190 (2008), section 2.1.1).
"""

import numpy as np

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.spin import direction
from negf_torque.study import style
from negf_torque.transport.linear import window_responses
from negf_torque.transport.mixing import mixing_conductance
from negf_torque.transport.sampling import Sampling

# %%
# Two interfaces of a metal with a magnet on a cubic lattice: one reflects the minority spin, one
# hardly notices the spin. The left electrode is so magnetic that it sends in one spin only.
energy, sampling = -2.2, Sampling(mesh=32)
angles = np.linspace(0, np.pi, 13)


def torques(magnet):
    """Torque on the magnet per volt, left reservoir raised; the moment is along z."""
    chains = []
    for angle in angles:
        polariser = Lead(onsite=2.0, exchange=6.0, direction=direction(angle, 0.0))
        chains.append(layer_chain(build_stack([Layer(3), magnet], left=polariser)))
    responses = window_responses(chains, energy, sampling)
    return np.array([r.magnet_torkance_by_bias[0][r.chain.magnets.index("F")] for r in responses])


metals = {
    "minority spin reflected": Layer(8, onsite=1.5, exchange=3.0, name="F"),
    "thin weak magnet": Layer(2, onsite=0.1, exchange=0.2, name="F"),
}
with style.style():
    torque_of_a_spin_filter, axes = style.figure(width=7.6, height=3.8)
    looks = style.lines()
    for label, magnet in metals.items():
        values = torques(magnet)
        axes.plot(np.degrees(angles), values[:, 0], label=f"{label}: toward", **next(looks))
        axes.plot(np.degrees(angles), values[:, 1], label=f"{label}: across", **next(looks))
    axes.set(xlabel="Angle between the incoming spin and the moment (degrees)")
    axes.set(xticks=np.arange(0, 181, 30))
    axes.set_ylabel(style.axis_label("Torque per volt", "e/(4 pi) per cell"))
    style.legend(axes)

# %%
# The filter takes the transverse spin and pulls the moment toward the incoming spin. The mixing
# conductances say so: :math:`g_r = \sum(1 - r_\uparrow r_\downarrow^*)` is what is not reflected (all of
# it: the majority spin sees no step in either metal), :math:`g_t = \sum t_\uparrow t_\downarrow^*` what
# leaves at the other side. The magnet takes the difference.
for label, magnet in metals.items():
    got = mixing_conductance(layer_chain(build_stack([magnet])), energy, sampling=sampling)
    print(
        f"{label}: g_r/g_Sharvin = {got.reflection / got.sharvin:.3f}, "
        f"|g_t|/g_Sharvin = {abs(got.transmission) / got.sharvin:.3f}"
    )
