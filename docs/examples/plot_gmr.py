r"""
Giant magnetoresistance
=======================

Two magnets with a metal between them conduct better with parallel than with antiparallel moments
(M. N. Baibich et al., Phys. Rev. Lett. 61, 2472 (1988)). A spin that passes one magnet well also passes
a parallel one; with antiparallel moments each spin meets one magnet that reflects it. Conductance falls
all the way from parallel to antiparallel moments, and the ratio grows with the splitting that keeps one
spin out.
"""

import numpy as np

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.study import style
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.valve import spin_valve

# %%
# A cubic lattice. The majority spins of the magnets see no step at the interfaces, the minority spins
# one of the height of the exchange splitting: 4 magnetic layers, 3 of the metal, 4 magnetic ones.
angles = np.linspace(0, np.pi, 13)


def valve(splitting, angles):
    metal = {"onsite": splitting / 2, "exchange": splitting}
    layers = [Layer(4, name="fixed", **metal), Layer(3), Layer(4, name="free", **metal)]
    return spin_valve(
        layer_chain(build_stack(layers)), "fixed", "free", -2.2, angles, Sampling(mesh=24)
    )


with style.style():
    magnetoresistance, (upper, lower) = style.figure(2, 1, height=6.2)
    for splitting, look in zip((0.4, 0.8, 1.5, 3.0), style.lines(), strict=False):
        relative = valve(splitting, angles).conductance
        upper.plot(np.degrees(angles), relative / relative[0], label=f"{splitting:g} eV", **look)
    upper.set(xlabel="Angle between the moments (degrees)", ylabel="Conductance / parallel one")
    upper.set_xticks(range(0, 181, 30))
    style.legend(upper, title="splitting", loc="lower left", bbox_to_anchor=None, borderaxespad=0.5)
    splittings = np.linspace(0.2, 3, 15)
    ends = np.array([valve(x, [0, np.pi]).conductance for x in splittings])
    lower.plot(splittings, 100 * (ends[:, 0] / ends[:, 1] - 1), **next(style.lines()))
    lower.set(xlabel="Exchange splitting (eV)", ylabel=r"$G_P/G_{AP} - 1$ (%)")
print(f"at 3 eV: G_P = {ends[-1, 0]:.3f}, G_AP = {ends[-1, 1]:.3f} e^2/h per cell")
