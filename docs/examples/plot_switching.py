r"""
From a computed torque to the switching current
===============================================

A tight-binding valve, its torque per current, the current at which its free layer becomes unstable,
and the motion that follows: nothing is typed in between, so that sign and factors are those of the
calculation. Positive currents carry electrons from the fixed to the free layer.
"""

import numpy as np

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.llg.demagnetisation import ellipsoid_factors
from negf_torque.llg.macrospin import macrospin, pulse, trajectory
from negf_torque.llg.stability import critical_drive
from negf_torque.llg.torques import valve_spin_torque
from negf_torque.llg.valve import valve_torque
from negf_torque.study import style
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.valve import spin_valve

# %%
# Transport: a valve on a cubic lattice, averaged over the zone.
metal = {"onsite": 0.75, "exchange": 1.5}  # eV
layers = [Layer(8, name="fixed", **metal), Layer(5), Layer(10, name="free", **metal)]
angles = np.linspace(0, np.pi, 19)
chain = layer_chain(build_stack(layers))
valve = spin_valve(chain, "fixed", "free", -2.2, angles, Sampling(mesh=32))

# %%
# The same torque per current, for a film of ten layers 0.2 nm apart, with
# :math:`M_s` = 800 kA/m.
in_plane, out_of_plane = valve.in_plane[2], valve.out_of_plane[2]  # half the bias on each lead
film = dict(cell_area=0.0625, thickness=2.0, saturation_magnetisation=8e5)  # nm^2, nm, A/m
torque = valve_torque(
    angles, in_plane, out_of_plane, valve.conductance, fixed_direction=(1, 0, 0), **film
)
fit = torque.slonczewski()
print(f"P = {fit.polarisation:.3f} (a solver's P is {fit.polarisation / 2:.3f}), "
      f"Lambda = {fit.Lambda:.2f}, largest deviation {100 * fit.max_relative_residual:.0f} %")

# %%
# Critical currents of an elliptical pillar, from the table of :math:`\eta(\theta)` itself: followed
# from rest until the linearised motion grows.
shape = ellipsoid_factors((100, 60, 2))
pillar = macrospin(8e5, 0.01, anisotropies=[(2e4, (1, 0, 0))], demagnetisation=shape,
                   torques=[valve_spin_torque(torque)])
critical = {}
for name, along in (("AP to P", -1), ("P to AP", 1)):
    drive, how = critical_drive(pillar, (along, 0, 0), -along * 1e13)
    critical[name, along] = drive
    print(f"{name}: {drive / 1e10:.1f} x 10^10 A/m^2 ({how})")

# %%
# Three times as much switches it within some nanoseconds; the two directions need different currents because
# :math:`\eta(\theta)` is not symmetric.
with style.style():
    switching, axes = style.figure(2, 1, height=5.6, sharex=True)
    for axis, ((name, along), drive) in zip(axes, critical.items(), strict=True):
        current, start = 3 * drive, (along, 0.02, 0.01)
        path = trajectory(pillar, start, 6.0, pulse(current, 0.5, 4.5), samples=1201)
        looks = style.lines(markers=False)
        for component, label in enumerate(("along the fixed layer", "in the film", "normal")):
            axis.plot(path.time, path.m[:, component], label=label, linewidth=1, **next(looks))
        axis.set_title(f"{name}, {current / 1e10:.1f} x 10$^{{10}}$ A/m$^2$ from 0.5 to 5 ns")
        axis.set(ylabel="$m$", ylim=(-1.1, 1.1))
    style.shared_legend(switching, axes[0], 3)
    axes[1].set_xlabel("Time (ns)")
