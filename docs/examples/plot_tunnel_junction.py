r"""
Tunnel junction: the torque against the voltage
===============================================

Two magnetic electrodes with a barrier between them, moments at right angles. To leading order in
tunnelling the spin that crosses the barrier is a sum of a part along each moment and of one across
both. The parts along the moments, the in-plane torques, follow from the two collinear states,

.. math:: T_\parallel(90^\circ) = \tfrac12\,(J^s_\mathrm{P} + J^s_\mathrm{AP}),

the spin currents that flow with parallel and with antiparallel moments (J. C. Slonczewski,
Phys. Rev. B 71, 024411 (2005); I. Theodonis et al., Phys. Rev. Lett. 97, 237205 (2006)). The part
across both, the out-of-plane torque, is even in the voltage in a symmetric junction,

.. math:: T_\perp = b_0 + b_2 V^2

for small voltages (Eq. (29) of D. C. Ralph and M. D. Stiles, J. Magn. Magn. Mater. 320, 1190
(2008)); :math:`b_0` is the coupling of both magnets through the barrier, which needs no voltage.
"""

import numpy as np

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.study import style
from negf_torque.transport.bias_map import bias_map
from negf_torque.transport.profile import linear_profile
from negf_torque.transport.sampling import Sampling

# %%
# A cubic lattice, three layers of barrier across which the voltage drops.
metal = {"onsite": 0.2, "exchange": 1.0}
fixed, free = Lead(name="fixed", **metal), Lead(name="free", direction=(1, 0, 0), **metal)
chain = layer_chain(build_stack([Layer(3, onsite=5.5)], fixed, free))
drop = linear_profile(chain, 1, len(chain.sizes) - 2)
voltages, angles = np.linspace(-0.6, 0.6, 13), [0, np.pi / 2, np.pi]
sampling = Sampling(mesh=12, tolerance=1e-3)
found = bias_map(chain, "fixed", "free", -2.2, voltages, angles, drop, sampling)

# %%
# In-plane torque on the free electrode at 90 degrees, the same from the spin currents of the
# collinear states, and the out-of-plane torque with a parabola through its middle.
in_plane, out_of_plane = (1e6 * part[:, 1] for part in found.components())
spin_current = 1e6 * found.free_torque()[..., 2]  # along the fixed moment
collinear = (spin_current[:, 0] + spin_current[:, 2]) / 2
print(f"largest difference: {np.abs(collinear / in_plane - 1)[voltages != 0].max():.1e}")
inner = np.abs(voltages) < 0.45
parabola = np.polynomial.Polynomial.fit(voltages[inner] ** 2, out_of_plane[inner], 1)
odd = np.abs(out_of_plane - out_of_plane[::-1]).max() / np.abs(out_of_plane).max()
print(f"odd part of the out-of-plane torque: {odd:.0e}")
with style.style():
    torque_and_resistance, axes = style.figure(3, 1, height=8.0, sharex=True)
    axes[0].plot(voltages, in_plane, "o", color="0.35", label="computed at 90°")
    axes[0].plot(voltages, collinear, color=style.PALETTE[1], label="collinear states")
    axes[0].set(ylabel="In-plane torque\n" r"(µeV$/4\pi$ per cell)")
    fine = np.linspace(-0.6, 0.6, 61)
    axes[1].plot(voltages, out_of_plane, "o", color="0.35", label="computed at 90°")
    axes[1].plot(fine, parabola(fine**2), "--", color=style.PALETTE[1], label="$b_0 + b_2 V^2$")
    axes[1].set(ylabel="Out-of-plane torque\n" r"(µeV$/4\pi$ per cell)")
    axes[2].plot(voltages, 100 * found.tmr, "-o", color=style.PALETTE[0])
    axes[2].set(ylabel="Magnetoresistance\n" r"$I_\mathrm{P}/I_\mathrm{AP} - 1$ (%)")
    axes[2].set(xlabel="Voltage (V)")
    for axis in axes[:2]:
        style.legend(axis, inside=True)
