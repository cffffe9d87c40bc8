r"""
Spin-orbit torque of a Rashba magnet: what vertex corrections change
====================================================================

A current in a two-dimensional magnet with Rashba coupling :math:`\alpha_R(\sigma_x\sin k_y - \sigma_y
\sin k_x)` polarises its electrons, and their exchange turns the magnet,

.. math:: T = \tau_\mathrm{FL}\,\mathbf{n}\times\mathbf{y}' +
          \tau_\mathrm{DL}\,\mathbf{n}\times(\mathbf{n}\times\mathbf{y}').

The field-like torque is the Edelstein effect and grows with the conductivity. The damping-like one
tends to a constant for weak scalar impurities, and it is easy to get the wrong constant: the "bubble",
with the electrons' self-energy alone, differs from the complete response with the vertex corrections
that belong to this self-energy. In a parabolic band with both spins occupied the vertex corrections
cancel the bubble exactly (A. Qaiumzadeh, R. A. Duine and M. Titov, Phys. Rev. B 92, 014402 (2015)).
On a lattice something is left: little near the bottom of the band, more above.
"""

import numpy as np

from negf_torque.gradient.decompose import spin_orbit_torques
from negf_torque.gradient.kubo.dressed import dressed_response
from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.kubo.scatterers import SecondOrder
from negf_torque.gradient.kubo.symmetry import find_operations
from negf_torque.lattice.spin_orbit_models import rashba_magnet
from negf_torque.study import style

# %%
# Square lattice, hopping 1, moment along the film's normal; impurities in self-consistent Born
# approximation, :math:`\gamma` their concentration times the squared potential. The bands begin near
# -4.2 and -3.8.
normal = (0, 0, 1)
crystal = rashba_magnet(hopping=1.0, rashba=0.6, exchange=0.4, direction=normal)
model = bulk_model(crystal)
symmetry = find_operations(model, crystal.basis.represent)
strengths = np.array([0.3, 0.45, 0.7, 1.0, 1.5])
levels = {"near the bottom, $\\mu = -3.4$": -3.4, "higher up, $\\mu = -1$": -1.0}


def torques(strength, level):
    """Field-like and damping-like torque, rows: complete, bubble."""
    impurities = SecondOrder(strength * np.eye(4, dtype=complex))
    found = dressed_response(
        model, model.exchange, level, impurities, symmetry=symmetry, mesh=(96, 96), tolerance=1e-5
    )
    return [spin_orbit_torques(chi, normal) for chi in (found.total, found.bare)]


# %%
# Both torques per force on the electrons, in lattice constants, against the strength of the impurities.
with style.style():
    torques_of_a_rashba_magnet, axes = style.figure(2, 1, height=7.2, sharex=True)
    looks = style.lines()
    for name, level in levels.items():
        values = np.array([torques(strength, level) for strength in strengths])
        for row, kind in enumerate(("complete", "bubble")):
            look = next(looks)
            axes[0].loglog(strengths, values[:, row, 0], label=f"{kind}, {name}", **look)
            axes[1].semilogx(strengths, values[:, row, 1], **look)
    axes[1].axhline(0, color="0.6", linewidth=0.8, zorder=0)
    for axis, kind in zip(axes, ("Field-like", "Damping-like"), strict=True):
        axis.set(ylabel=f"{kind} torque per force (sites)")
        axis.set_xticks(strengths, [f"{strength:g}" for strength in strengths])
        axis.minorticks_off()
    axes[1].set_xlabel(r"Strength of the impurities $\gamma$ (squared hopping)")
    style.shared_legend(torques_of_a_rashba_magnet, axes[0], 1)
