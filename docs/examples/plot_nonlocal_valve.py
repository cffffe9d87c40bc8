r"""
Nonlocal spin valve: torque without a charge current
====================================================

Current enters a wire through a magnet, the injector, and leaves at the wire's left end. No net charge
flows to the right: the other end and the second magnet, the detector, float. Spin does flow there. It
piles up in the wire, turns the detector, and shows as a voltage between the detector and the wire's
end that depends on the detector's direction.
"""

import numpy as np

from negf_torque.lattice.nonlocal_valve import TERMINALS, Contact, Wire, build_nonlocal_valve
from negf_torque.lattice.terminals import open_system, with_directions
from negf_torque.study import style
from negf_torque.transport.driven import drive

# %%
# Injector along z; the detector turns in the x-z plane. All results are per injected current. The
# torque in that plane is a window's result; the sea, left out here, acts out of the plane.
wire, contact = Wire(width=5, distance=12, margin=4), Contact(3, 2)
system = open_system(build_nonlocal_valve(wire, contact, contact), TERMINALS)
angles = np.linspace(0, np.pi, 13)
detector, right = TERMINALS.index("detector"), TERMINALS.index("right")
resistance, torque = [], []
for angle in angles:
    turned = with_directions(system, {"detector": (np.sin(angle), 0, np.cos(angle))})
    found = drive(turned, -0.9, "injector", {"left": 0.0}, {"injector": 1.0}, neutrality=None)
    resistance.append(found.voltages[detector] - found.voltages[right])
    across = np.array([-np.cos(angle), 0, np.sin(angle)])  # toward the injector's spin, z
    torque.append(found.magnet_torque[system.magnets.index("detector")] @ across)
    if np.isclose(angle, np.pi / 2):
        picture = found
print("charge into the terminals:", np.round(picture.flow[:, 0], 12) + 0.0)
print("spin z into the terminals:", np.round(picture.flow[:, 3], 4))

# %%
# Where the charge and the spin along z flow, with the detector along x.
places = system.sites.position.T[:2]
with style.style():
    charge_and_spin_flow, axes = style.figure(2, 1, height=4.8, sharex=True)
    currents = picture.current_density()
    for axis, index, name in zip(axes, (0, 3), ("Charge", "Spin along z"), strict=True):
        shade = np.linalg.norm(currents[:, index], axis=1)
        limit = np.quantile(shade, 0.98)
        dots = axis.scatter(*places, c=shade, marker="s", s=92, vmin=0, vmax=limit, cmap="Greys")
        axis.quiver(*places, *currents[:, index].T[:2], color=style.PALETTE[1], scale=14 * limit)
        charge_and_spin_flow.colorbar(
            dots, ax=axis, label=name, extend="max", location="bottom", aspect=40
        )
        axis.set(ylabel="y (sites)", aspect="equal")
        axis.grid(visible=False)
    axes[1].set_xlabel("x (sites)")

# %%
# The nonlocal resistance and the torque against the detector's direction.
with style.style():
    resistance_and_torque, axes = style.figure(2, 1, height=5.6, sharex=True)
    look = next(style.lines())
    axes[0].plot(np.degrees(angles), resistance, **look)
    axes[0].set(ylabel=r"Nonlocal resistance ($h/e^2$)")
    axes[1].plot(np.degrees(angles), torque, **look)
    axes[1].set(ylabel=r"In-plane torque ($\hbar/2e$)")
    axes[1].set(xlabel="Direction of the detector (degrees)", xticks=range(0, 181, 30))
