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
symmetric = 2
torque = valve_torque(
    angles,
    valve.in_plane[symmetric],
    valve.out_of_plane[symmetric],
    valve.conductance,
    cell_area=0.0625,
    thickness=2.0,
    saturation_magnetisation=8e5,
    fixed_direction=(1, 0, 0),
)
fit = torque.slonczewski()
print(f"P = {fit.polarisation:.3f} (a solver's P is {fit.polarisation / 2:.3f}), ", end="")
print(f"Lambda = {fit.Lambda:.2f}, largest deviation {100 * fit.max_relative_residual:.0f} %")

# %%
# Critical currents of an elliptical pillar, from the table of :math:`\eta(\theta)` itself: followed
# from rest until the linearised motion grows.
pillar = macrospin(
    8e5,
    0.01,
    anisotropies=[(2e4, (1, 0, 0))],
    demagnetisation=ellipsoid_factors((100, 60, 2)),
    torques=[valve_spin_torque(torque)],
)
critical = {}
for name, state, sign in (("AP to P", (-1, 0, 0), 1), ("P to AP", (1, 0, 0), -1)):
    drive, how = critical_drive(pillar, state, sign * 1e13)
    critical[name] = drive
    print(f"{name}: {drive / 1e10:.1f} x 10^10 A/m^2 ({how})")

# %%
# Three times as much switches it within some nanoseconds; the two directions need different currents because
# :math:`\eta(\theta)` is not symmetric.
with style.style():
    switching, axes = style.figure(2, 1, height=5.6, sharex=True)
    for axis, (name, state) in zip(
        axes, (("AP to P", (-1, 0.02, 0.01)), ("P to AP", (1, 0.02, 0.01))), strict=True
    ):
        current = 3 * critical[name]
        path = trajectory(pillar, state, 6.0, pulse(current, 0.5, 4.5), samples=1201)
        looks = style.lines(markers=False)
        for component, label in enumerate(("along the fixed layer", "in the film", "normal")):
            axis.plot(path.time, path.m[:, component], label=label, linewidth=1, **next(looks))
        axis.set_title(f"{name}, {current / 1e10:.1f} x 10$^{{10}}$ A/m$^2$ from 0.5 to 5 ns")
        axis.set(ylabel="$m$", ylim=(-1.1, 1.1))
    style.shared_legend(switching, axes[0], 3)
    axes[1].set_xlabel("Time (ns)")
