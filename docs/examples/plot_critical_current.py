r"""
Critical current and phase diagram of a pillar
==============================================

An in-plane magnetised pillar becomes unstable when the torque feeds in more energy than damping takes
out,

.. math:: I_c = \frac{2 e}{\hbar}\,\frac{\alpha}{\eta(0)}\,V\mu_0 M_s\left(H + H_k + \tfrac12 M_s\right)

(Eq. (26) of D. C. Ralph and M. D. Stiles, J. Magn. Magn. Mater. 320, 1190 (2008)). Above it, a small
applied field leads to switching and a large one, which allows one direction only, to steady
precession: their Fig. 9, whose PS1 and PS2 are the precessions in and out of the plane here.
"""

from pathlib import Path

import numpy as np

from negf_torque.llg.macrospin import macrospin
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.stability import critical_drive, ralph_stiles_current
from negf_torque.llg.torques import slonczewski_torque
from negf_torque.study import load_card, style
from negf_torque.study.base import Progress

# %%
# Followed from the rest state, the linearised motion loses stability exactly at Eq. (26), at any
# damping.
ms, thickness, area = 8e5, 3.0, np.pi / 4 * 100 * 60  # A/m, nm, nm^2
polarisation, lam, h_k, field = 0.4, 1.5, 2e4, 1e4
torque = slonczewski_torque((1, 0, 0), polarisation, lam, 0.0, ms, thickness)
eta = 2 * float(efficiency(1.0, polarisation, lam))
dampings = np.array([0.005, 0.01, 0.02, 0.05, 0.1, 0.2])
formula = ralph_stiles_current(dampings, eta, area * thickness, ms, field, h_k)
followed = np.empty(len(dampings))
for index, damping in enumerate(dampings):
    pillar = macrospin(ms, damping, applied=(field, 0, 0), anisotropies=[(h_k, (1, 0, 0))],
                       demagnetisation=(0, 0, 1), torques=[torque])
    most = -3e18 * formula[index] / area  # A/m^2
    density, how = critical_drive(pillar, (1, 0, 0), most)
    followed[index] = -density * area * 1e-18
print("largest relative difference:", np.abs(followed / formula - 1).max())
with style.style():
    critical_current, axes = style.figure(height=3.4)
    axes.loglog(dampings, 1e3 * formula, "-", color=style.PALETTE[0], label="Eq. (26)")
    axes.loglog(dampings, 1e3 * followed, "s", color=style.PALETTE[1], label="stability is lost")
    axes.set(xlabel="Gilbert damping", ylabel="Critical current (mA)")
    style.legend(axes, inside=True)

# %%
# The map of the end states: each point is integrated from the parallel and the antiparallel state.
# The card of the ready system is used, with the map alone.
systems = next(p / "systems" for p in Path.cwd().parents if (p / "systems").is_dir())
card = load_card(systems / "nanopillar.toml")
result = card.module.run(card, Progress())
phase_diagram = card.module.figures(result)["phases"]
