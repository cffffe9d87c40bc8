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

band = parabolic()  # hbar = m = 1
mu = 1.0
panels = {
    "Exchange $M$": np.linspace(0.02, 1.6, 160),
    "Density": np.linspace(-0.25, 3.0, 160),  # by the chemical potential
    r"Impurities $\gamma_s$": np.geomspace(1e-4, 0.3, 60),
}


def clean_density(chemical):
    """Electrons of both bands without impurities, three dimensions."""
    edges = np.array([-0.3, 0.3])[:, None]
    return ((2 * np.clip(chemical - edges, 0, None)) ** 1.5).sum(axis=0) / (6 * np.pi**2)


def solved(name, x):
    """Coefficients along one axis, the other two as in the reference case."""
    exchange, chemical, strength = 0.3, mu, 0.05
    if name.startswith("Exchange"):
        exchange = x
    elif name == "Density":
        chemical = x
    else:
        strength = x
    return coefficients(band, chemical, exchange, ImpurityStrengths.isotropic(0.5, strength))


# %%
# All four against exchange, density (of the clean bands) and strength of the magnetic impurities. Where
# the minority band empties, :math:`M > \mu`, the magnet is half-metallic.
with style.style():
    coefficients_of_a_parabolic_band, axes = style.figure(4, 3, height=7.2, sharex="col")
    for column, (name, x) in enumerate(panels.items()):
        found = solved(name, x)
        along = clean_density(x) if name == "Density" else x
        rows = {
            r"$\delta S$": found.spin_renormalisation,
            r"Damping $A$": found.damping,
            r"Adiabatic ratio": found.adiabatic_ratio,
            r"$\beta$": found.beta,
        }
        for row, (label, values) in enumerate(rows.items()):
            axes[row, column].plot(along, values, color=style.PALETTE[0])
            axes[row, column].set_ylabel(label if column == 0 else "")
        eta = 2 * np.pi * (x if "gamma" in name else 0.05) * found.dos.sum(axis=0)
        eta = eta / (x if "Exchange" in name else 0.3)
        axes[3, column].plot(along, eta, "--", color=style.PALETTE[1], label=r"$\hbar/2M\tau_s$")
        axes[-1, column].set_xlabel(name)
        if "gamma" in name:
            for row in range(4):
                axes[row, column].set_xscale("log")
            axes[3, column].set_xticks([1e-3, 1e-1])
    style.shared_legend(coefficients_of_a_parabolic_band, axes[3, 0])

# %%
# For isotropic moments :math:`\beta = \hbar/2M\tau_s` holds at any disorder: the dashed curve of the last
# row lies on the full one. Damping and :math:`\beta` vanish with the magnetic impurities; the adiabatic
# torque per spin-polarised current is 1 only where the exchange splits more than the levels are broad.
