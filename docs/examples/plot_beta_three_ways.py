r"""
Beta of a disordered ferromagnet by three routes
================================================

The non-adiabatic torque is small, disorder decides it, and approximations that break the conservation
of spin get it wrong. Three routes share nothing but the Hamiltonian: the gradient expansion's formula
for the bulk, a spiral of moments between two leads with averaged impurities (Born approximation, with
vertex corrections), and the same torque averaged over explicit configurations of the impurities.
For isotropic magnetic impurities the formula is :math:`\beta = \hbar/2M\tau_s`, at any disorder
(H. Kohno, G. Tatara and J. Shibata, J. Phys. Soc. Jpn. 75, 113706 (2006), to second order).
"""

from pathlib import Path

import tomli_w

from negf_torque.study import load_card
from negf_torque.study.base import Progress
from negf_torque.study.card import parse

# %%
# The ready card with fewer configurations, a coarser mesh and shorter wires: minutes become seconds, and
# the error bars wider.
systems = next(p / "systems" for p in Path.cwd().parents if (p / "systems").is_dir())
card = load_card(systems / "beta_three_ways.toml")
tables = card.tables()
tables["disorder"] |= {"mesh": 16, "configurations": 2048, "compare": ["configurations"]}
tables["calculation"] |= {
    "length": 40,
    "margin": 14,
    "wave_numbers": [0.15, 0.3],
    "sea_configurations": 8,
}
card = parse(tomli_w.dumps(tables), systems / "beta_three_ways.toml")
result = card.module.run(card, Progress())
for route in result["route"].values:
    one = result.sel(route=route)
    print(f"{route:20s} beta = {float(one['beta']):.4f} +- {float(one['beta_error']):.4f}")

# %%
# The configurations' error bar holds the statistics; it halves with four times their number.
pictures = card.module.figures(result)
beta = pictures["beta"]

# %%
# Layer by layer the adiabatic torque is flat away from the ends; the non-adiabatic one ripples, and its
# sum over the inner layers is what counts.
profile = pictures["profile"]
