r"""
Damping, spin-transfer torque and beta of a disordered ferromagnet
==================================================================

Four coefficients decide how the moments of a metallic ferromagnet move: the electrons' spin
renormalisation :math:`\delta S`, the damping :math:`\alpha`, the adiabatic torque and the
:math:`\beta`-term (A. Shitade, arXiv:1708.03424; H. Kohno, G. Tatara and J. Shibata, J. Phys. Soc. Jpn.
75, 113706 (2006)). Magnetic impurities alone make :math:`\alpha` and :math:`\beta`: without them the
electrons' spin is conserved and both vanish.
"""

import numpy as np

from negf_torque.gradient.bands import parabolic
from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.coefficients import coefficients
from negf_torque.study import style

band, mu, exchange, strength = parabolic(), 1.0, 0.3, 0.05  # hbar = m = 1
exchanges, levels = np.linspace(0.02, 1.6, 160), np.linspace(-0.25, 3.0, 160)
strengths = np.geomspace(1e-4, 0.3, 60)
#: Density of the clean bands, three dimensions.
edges = np.array([-exchange, exchange])[:, None]
density = ((2 * np.clip(levels - edges, 0, None)) ** 1.5).sum(axis=0) / (6 * np.pi**2)


def coefficients_at(mu, exchange, strength):
    return coefficients(band, mu, exchange, ImpurityStrengths.isotropic(0.5, strength))


# %%
# All four against exchange, density (of the clean bands) and strength of the magnetic impurities. Where
# the minority band empties, :math:`M > \mu`, the magnet is half-metallic.
columns = (
    ("Exchange $M$", exchanges, coefficients_at(mu, exchanges, strength), strength / exchanges),
    ("Density", density, coefficients_at(levels, exchange, strength), strength / exchange),
    (r"Impurities $\gamma_s$", strengths, coefficients_at(mu, exchange, strengths),
     strengths / exchange),
)
with style.style():
    coefficients_of_a_parabolic_band, axes = style.figure(4, 3, height=7.2, sharex="col")
    for column, (name, x, found, ratio) in zip(axes.T, columns, strict=True):
        rows = found.spin_renormalisation, found.damping, found.adiabatic_ratio, found.beta
        for axis, values in zip(column, rows, strict=True):
            axis.plot(x, values, color=style.PALETTE[0])
        rate = 2 * np.pi * ratio * found.dos.sum(axis=0)
        column[3].plot(x, rate, "--", color=style.PALETTE[1], label=r"$\hbar/2M\tau_s$")
        column[3].set_xlabel(name)
    labels = r"$\delta S$", "Damping $A$", "Adiabatic ratio", r"$\beta$"
    for axis, label in zip(axes[:, 0], labels, strict=True):
        axis.set_ylabel(label)
    axes[3, 2].set(xscale="log", xticks=[1e-3, 1e-1])
    style.shared_legend(coefficients_of_a_parabolic_band, axes[3, 0])

# %%
# For isotropic moments :math:`\beta = \hbar/2M\tau_s` holds at any disorder: the dashed curve of the last
# row lies on the full one. Damping and :math:`\beta` vanish with the magnetic impurities; the adiabatic
# torque per spin-polarised current is 1 only where the exchange splits more than the levels are broad.
