r"""
Spin pumping: damping by what leaves the magnet
===============================================

A moment that precesses sends a spin current into the metals beside it, and what does not come back damps
it (Y. Tserkovnyak, A. Brataas and G. E. W. Bauer, Phys. Rev. Lett. 88, 117601 (2002)). With
the mixing conductance :math:`A = g_r - g_t` of each lead and the magnet's spin :math:`\hbar S`

.. math:: \alpha_\mathrm{sp} = \frac{\mathrm{Re}\,(A_\mathrm{left} + A_\mathrm{right})}{4\pi S}.

The loss happens at the interfaces and the spin grows with the thickness: the added damping falls as one
over it.
"""

import numpy as np

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.study import style
from negf_torque.transport.pumping import pumping
from negf_torque.transport.sampling import Sampling

# %%
# Magnets of 1 to 16 layers between normal leads on a cubic lattice, with a spin of :math:`\hbar` per
# layer and cell. The loss comes from the Green's function, the mixing conductance from the scattering
# matrix. A second magnet, four layers behind, whose moment is turned by 90 degrees, changes what returns.
layers = np.array([1, 2, 3, 4, 6, 8, 12, 16])
material = {"onsite": 1.5, "exchange": 3.0}
behind = [Layer(4), Layer(4, name="second", direction=(1, 0, 0), **material)]


def pumped(count, *more):
    chain = layer_chain(build_stack([Layer(int(count), name="free", **material), *more]))
    return pumping(chain, "free", -2.2, Sampling(mesh=32))


alone = [pumped(n) for n in layers]
beside = [pumped(n, *behind) for n in layers]
mixing = np.array([one.mixing.sum().real for one in alone])
loss = np.array([one.alpha_spin for one in alone])
print(
    f"largest difference of the two routes: {np.abs(loss / (mixing / (4 * np.pi)) - 1).max():.1e}"
)
with style.style():
    damping_against_thickness, (upper, lower) = style.figure(2, 1, height=6.2, sharex=True)
    looks = style.lines()
    upper.loglog(layers, loss / layers, label="free layer alone", **next(looks))
    other = np.array([one.alpha_spin for one in beside])
    upper.loglog(layers, other / layers, label="second magnet behind", **next(looks))
    upper.loglog(layers, loss[-1] / layers, color="0.5", linewidth=1, label="1 / thickness")
    upper.set_ylabel(r"Added damping $\alpha_\mathrm{sp}$")
    style.legend(upper, inside=True)
    lower.semilogx(layers, mixing / alone[0].sharvin.sum(), **next(style.lines()))
    lower.set(ylabel=r"Re $A$ / Sharvin conductance", ylim=(0, None))
    lower.set_xlabel("Thickness of the free magnet (atomic layers)")
    for axis in (upper.yaxis, lower.xaxis):
        style.few_log_ticks(axis)
