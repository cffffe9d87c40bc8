r"""
Domain walls: drift, the beta-term and Walker's breakdown
=========================================================

Current pushes a wall with the drift velocity :math:`u`. Without the beta-term it stops after a
while; with it, it moves at :math:`\beta u/\alpha` until the tilt of its moments can no longer balance
the torque. Above that threshold the moments turn round and round and the mean velocity tends to
:math:`u(1 + \alpha\beta)/(1 + \alpha^2)`.
"""

import numpy as np

from negf_torque.llg.walls import Wall, drift_velocity, move, walker_drift
from negf_torque.study import style

material = {
    "saturation_magnetisation": 8e5,
    "exchange": 1.3e-11,
    "easy": 2e5,
    "hard": 2e4,
}
alpha = 0.05

# %%
# Mean velocity against drift: curves are the closed form, points a trajectory of position and tilt.
u = np.linspace(0, 120, 241)
with style.style():
    velocity, axes = style.figure(height=4.0)
    looks = style.lines(markers=False)
    for beta in (0.0, 0.02, 0.05, 0.1):
        wall = Wall(damping=alpha, beta=beta, **material)
        look = next(looks)
        axes.plot(u, [drift_velocity(wall, x) for x in u], label=rf"$\beta$ = {beta}", **look)
        for x in (20.0, 50.0, 90.0):
            path = move(wall, 200.0, drift=x, samples=20001)
            axes.plot(x, path.velocity(0.5), "o", color=look["color"], markersize=4)
        u_c, u_w = walker_drift(wall)
        print(f"beta {beta}: threshold {u_w:.0f} m/s")
    axes.set(xlabel="Drift velocity u (m/s)", ylabel="Mean velocity of the wall (m/s)")
    axes.set_title(rf"$\alpha$ = {alpha}; no threshold at $\beta$ = $\alpha$")
    style.legend(axes, inside=True)

# %%
# Below and above the threshold: the wall settles to a tilt, or its moments rotate and it goes back
# and forth.
wall = Wall(damping=alpha, beta=0.0, **material)
threshold = walker_drift(wall)[0]
with style.style():
    breakdown, (position, tilt) = style.figure(2, 1, sharex=True)
    looks = style.lines(markers=False)
    for factor in (0.8, 1.3):
        path = move(wall, 60.0, drift=factor * threshold, samples=2001)
        look = next(looks)
        position.plot(path.time, path.position, label=f"{factor} of the threshold", **look)
        tilt.plot(path.time, np.degrees(path.tilt), **look)
    position.set(ylabel="Position (nm)")
    tilt.set(ylabel="Tilt (degrees)", xlabel="Time (ns)")
    style.legend(position, inside=True)
