r"""
An electron pulse on quantum spins
==================================

A local spin that is quantum does not only turn: it becomes entangled with the electron that passes,
and its length shrinks. A pulse with its spin against five aligned spins cannot exert a classical torque,
for :math:`\vec s\times\vec S = 0`, yet with some per cent probability it flips any one of them
(P. Mondal, U. Bajpai, M. D. Petrović, P. Plecháč and B. K. Nikolić, Phys. Rev. B 99, 094431 (2019)).
"""

from pathlib import Path

from negf_torque.study import load_card
from negf_torque.study.base import Progress

# %%
# The ready card, as `negf-torque run systems/quantum_chain.toml` runs it.
systems = next(p / "systems" for p in Path.cwd().parents if (p / "systems").is_dir())
card = load_card(systems / "quantum_chain.toml")
result = card.module.run(card, Progress())
pictures = card.module.figures(result)
spins_of_electron_and_moments = pictures["spins_minus_z"]
space_and_time = pictures["maps_minus_z"]
perpendicular_electron = pictures["spins_plus_x"]
for scalar in card.module.summary(result)[:12]:
    print(f"{scalar.name:40s} {scalar.value:.6g} {scalar.unit}")
