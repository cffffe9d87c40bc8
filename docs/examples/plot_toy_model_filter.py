r"""
A magnet that filters spins
===========================

The first toy model of spin transfer: electrons polarised at an angle :math:`\theta` to the moment
meet a magnet that lets one spin pass and reflects the other. Neither the transmitted nor the
reflected electron carries the transverse spin that came in; the magnet takes it,

.. math:: T_x - iT_y = \sin\theta\,[1 - (t_\uparrow t_\downarrow^* + r_\uparrow r_\downarrow^*)],

per electron in units of :math:`\hbar/2`, so that the torque follows :math:`\sin\theta`, whatever the
magnet is made of (D. C. Ralph and M. D. Stiles, J. Magn. Magn. Mater. 320, 1190 (2008), Eq. (11),
toy model 1 of section 3, where the sign of :math:`T_y` is reversed). Summed over all directions of incidence the bracket is the difference of two
mixing conductances, :math:`g_r - g_t`.
"""

import dataclasses

import numpy as np

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.study import style
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.leads import lead_self_energies
from negf_torque.transport.mixing import mixing_conductance
from negf_torque.transport.sampling import Sampling

# %%
# A magnet that reflects the minority spin and a thin weak one between normal leads, cubic lattice.
# The left reservoir sends in one spin: of its two channels per momentum only a spinor is kept.
energy, angles = -2.2, np.linspace(0, np.pi, 13)
metals = {
    "reflects minority": Layer(8, onsite=1.5, exchange=3.0, name="F"),
    "thin and weak": Layer(2, onsite=0.1, exchange=0.2, name="F"),
}
points = 2 * np.pi * (np.arange(32) + 0.5) / 32
momenta = np.array([(ky, kz) for ky in points for kz in points])


def torque(chain, angle):
    """What the spin current loses from the left lead to the right one, x and y, per cell."""
    left, right = lead_self_energies(chain, momenta, np.full(len(momenta), energy))
    is_open = left.open_channels > 0
    vectors = np.zeros_like(left.vectors)
    vectors[is_open, :, 0] = np.cos(angle / 2), np.sin(angle / 2)
    polarised = dataclasses.replace(left, vectors=vectors, open_channels=1 * is_open)
    current = solve(make_device(chain), momenta, energy, (polarised, right)).current[0]
    return (current[0] - current[-1])[1:3].mean(axis=-1)


with style.style():
    torque_of_a_spin_filter, axes = style.figure(height=4.2)
    looks = style.lines()
    for name, magnet in metals.items():
        chain = layer_chain(build_stack([Layer(3), magnet, Layer(3)]))
        found = np.array([torque(chain, angle) for angle in angles])
        g = mixing_conductance(chain, energy, sampling=Sampling(mesh=32))
        kept = g.reflection - g.transmission
        formula = np.outer(np.sin(angles), [kept.real, -kept.imag])
        print(f"{name}: g_r - g_t = {kept:.3f} of {g.sharvin:.3f} e^2/h; largest difference "
              f"from the formula {np.abs(found - formula).max():.1e}")
        for values, line, part in zip(found.T, formula.T, ("toward", "across"), strict=True):
            look = next(looks)
            axes.plot(np.degrees(angles), line, **look | {"marker": ""})
            look |= {"linestyle": "", "label": f"{name}: {part}"}
            axes.plot(np.degrees(angles), values, **look)
    axes.set(xlabel="Angle between the incoming spin and the moment (degrees)")
    axes.set(xticks=np.arange(0, 181, 30), ylabel=r"Torque per volt ($e/4\pi$ per cell)")
    style.shared_legend(torque_of_a_spin_filter, axes)

# %%
# Symbols are computed, lines the formula. The filter takes nearly all of the transverse spin and pulls
# the moment toward the incoming spin; the weak magnet turns the spin a little and passes it on.
