r"""
Interlayer exchange coupling and its period
===========================================

Two magnets couple through a normal metal without any current. The coupling :math:`J_1` oscillates with
the spacer's thickness :math:`N`: the magnets reflect the two spins differently, the spacer is a quantum
well, and its levels pass the Fermi energy one after the other. In one dimension the amplitude falls as
:math:`1/N` and the period is :math:`\pi/k_F`, given by the spacer alone (P. Bruno, Phys. Rev. B 52,
411 (1995)). The torque between the magnets at right angles must give the same coupling as the energy.
"""

from pathlib import Path

import numpy as np

from negf_torque.study import load_card
from negf_torque.study.base import Progress

# %%
# The ready card of a chain, :math:`E = -2 t\cos k`.
systems = next(p / "systems" for p in Path.cwd().parents if (p / "systems").is_dir())
card = load_card(systems / "interlayer_coupling.toml")
result = card.module.run(card, Progress())
coupling = card.module.figures(result)["coupling"]

# %%
# The Fourier spectrum of :math:`N J_1` has its line at the period of the Fermi points.
energy = float(card.calculation.energy)
print(f"pi/k_F = {np.pi / np.arccos(-energy / 2):.4g} layers")
for scalar in card.module.summary(result):
    if "period" in scalar.name:
        print(f"{scalar.name} = {scalar.value:.4g} {scalar.unit}")
periods = card.module.figures(result)["periods"]
