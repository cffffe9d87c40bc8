r"""
Angular dependence of the torque and its asymmetry
==================================================

The torque per current of a metallic valve is not a plain sine: it is steeper near antiparallel
than near parallel moments, because more spin accumulates there (Eq. (27) of D. C. Ralph and
M. D. Stiles, J. Magn. Magn. Mater. 320, 1190 (2008)). Circuit theory gives the form of
:math:`\eta = \tau/\sin\theta`,

.. math:: \eta(\theta) = \frac{q_+}{A + B\cos\theta} + \frac{q_-}{A - B\cos\theta},

where the second term is absent in a symmetric valve (J. Xiao, A. Zangwill and M. D. Stiles,
Phys. Rev. B 70, 172405 (2004)).
"""

import numpy as np

from negf_torque.circuit import Contact, two_contact_valve
from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.llg.slonczewski import (
    asymmetric_efficiency,
    efficiency,
    fit_asymmetric,
    fit_slonczewski,
)
from negf_torque.study import style
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.valve import spin_valve

# %%
# A ballistic valve with a thick fixed and a thin free magnet on a cubic lattice.
metal = {"onsite": 0.75, "exchange": 1.5}
layers = [Layer(8, name="fixed", **metal), Layer(5), Layer(3, name="free", **metal)]
angles = np.linspace(0, np.pi, 19)
chain = layer_chain(build_stack(layers))
valve = spin_valve(chain, "fixed", "free", -2.2, angles, Sampling(mesh=32))
curves = {"ballistic, cubic lattice": valve.eta[2]}  # symmetric bias

# %%
# The same by circuit theory: magnets between reservoirs of strong spin relaxation, so that only
# each contact's conductance, polarisation and mixing conductance enter. One valve is symmetric, in
# the other the free magnet's contact has three times the resistance.
inner = np.clip(angles, 1e-3, np.pi - 1e-3)
thick = Contact(1.0, 0.6, 1.2, (0, 0, 1))
contacts = {"symmetric": thick, "asymmetric": Contact(0.33, 0.5, 0.9, (0, 0, 1))}
for name, thin in contacts.items():
    conductance, in_plane, _ = two_contact_valve(thick, thin, inner)
    curves[f"circuit theory, {name}"] = in_plane / (conductance * np.sin(inner))

# %%
# Both forms are fitted to each: what is left says how far the form can be trusted.
with style.style():
    torque_per_current, axes = style.figure(3, 1, height=7.6, sharex=True)
    degrees, cosine = np.degrees(angles), np.cos(inner)
    for axis, (name, eta) in zip(axes, curves.items(), strict=True):
        one, two = fit_slonczewski(inner, eta), fit_asymmetric(inner, eta)
        form = efficiency(cosine, one.polarisation, one.Lambda)
        longer = two.polarisation_fixed, two.polarisation_free, two.Lambda, two.Lambda
        looks = style.lines(markers=False)
        axis.plot(degrees, eta, "o", color="0.35", label="computed")
        axis.plot(degrees, form, label="one term", **next(looks))
        axis.plot(degrees, asymmetric_efficiency(cosine, *longer), label="two terms", **next(looks))
        axis.set(title=name, ylabel=r"$\eta$", ylim=(0, None))
        print(f"{name}: slope at 180° over slope at 0° = {eta[-1] / eta[0]:.2f}; fits off by "
              f"{one.max_relative_residual:.1e} (one term), {two.max_relative_residual:.1e} (two)")
    axes[2].set(xlabel="Angle between the moments (degrees)", xticks=range(0, 181, 30))
    style.legend(axes[0], inside=True)
