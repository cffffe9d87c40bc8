r"""
Spin Hall effect: intrinsic and from impurities
===============================================

Spin-orbit coupling turns a current into a transverse spin current. Part of it is a property of the
bands, part comes from impurities that scatter spins to different sides: skew scattering makes the
spin Hall angle independent of the resistivity :math:`\rho`, the other mechanisms make it proportional
to :math:`\rho`,

.. math:: \theta_\mathrm{SH} \approx a + b\rho .
"""

from pathlib import Path

import tomli_w

from negf_torque.study import load_card
from negf_torque.study.base import Progress
from negf_torque.study.card import parse

# %%
# The ready card of a metal with s and p orbitals, on a coarser mesh (good to ten per cent) and with
# fewer energies. All orders of scattering at one impurity are kept (T matrix), with their vertex
# corrections.
systems = next(p / "systems" for p in Path.cwd().parents if (p / "systems").is_dir())
card = load_card(systems / "spin_hall_metal.toml")
tables = card.tables()
tables["calculation"] |= {
    "mesh": 18,
    "concentrations": [0.2, 0.3, 0.4],
    "energies": [-4, -2, -1, 0, 0.5, 1, 2, 3, 4],
}
card = parse(tomli_w.dumps(tables), systems / "spin_hall_metal.toml")
result = card.module.run(card, Progress())
for scalar in card.module.summary(result)[:4]:
    print(f"{scalar.name:28s} {scalar.value:12.5g} {scalar.unit}")
pictures = card.module.figures(result)

# %%
# Against the chemical potential: the intrinsic part changes sign within the bands.
energy = pictures["energy"]

# %%
# With impurities of three concentrations. The angle grows with the resistivity; where the line meets the
# axis is :math:`a`, the angle of skew scattering, which so few and so dense alloys tell poorly.
scaling = pictures["scaling"]
