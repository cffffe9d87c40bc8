"""Contacts between a normal node and a ferromagnet, and their conductances.

Potentials are in volts (energy over e), conductances in e^2/h (of a cell, or of the whole
contact); currents are particle currents times e.  The node has the potential V_0 and the spin
accumulation V_s (half the spin splitting, a vector along the spin).  Into the node flow

    I_c = G (V - V_0) + G P (W - m.V_s),
    I_s = m [G P (V - V_0) + G (W - m.V_s)] - 2 G_r V_s_perp + 2 G_i m x V_s,

with V, W the potential and the spin accumulation (along m) of the ferromagnet and m the direction
of its majority spin.  G_mix = G_r + i G_i = sum (1 - r_up r_dn^*).  A. Brataas, Yu. V. Nazarov,
G. E. W. Bauer, Phys. Rev. Lett. 84, 2481 (2000); Eur. Phys. J. B 22, 99 (2001).

Scattering is unitary: (G_up + G_dn)/2 <= sum [1 - (|r_up|^2 + |r_dn|^2)/2] <= G_r.  Conductances
from which Sharvin resistances are taken off (`sharvin_corrected`) need not keep to it.
"""

import warnings
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.notices import PhysicsWarning
from negf_torque.spin import unit_vector

__all__ = ["Contact", "contact", "sharvin_corrected", "sharvin_corrected_conductance"]

#: Share by which computed conductances may miss the bound.
_LOOSE = 1e-3


@dataclass(frozen=True)
class Contact:
    """A normal|ferromagnet contact.

    Attributes
    ----------
    conductance, polarisation : float
        G = G_up + G_dn and P = (G_up - G_dn)/G.
    mixing : complex
        G_mix.
    direction : (3,)
        Majority-spin direction of the ferromagnet.
    corrected : bool
        Whether Sharvin resistances are taken off: G_r may then be less than G/2.

    Warns
    -----
    PhysicsWarning
        If the real part of the mixing conductance is less than G/2, which no scattering gives.
    """

    conductance: float
    polarisation: float
    mixing: complex
    direction: NDArray
    corrected: bool = False

    def __post_init__(self) -> None:
        if not self.conductance > 0:
            raise ValueError(f"conductance: {self.conductance!r} is not positive.")
        if not -1 <= self.polarisation <= 1:
            raise ValueError(f"polarisation: {self.polarisation!r} is outside [-1, 1].")
        if not np.real(self.mixing) >= 0:
            raise ValueError(f"mixing: real part {np.real(self.mixing)!r} is negative.")
        object.__setattr__(self, "direction", unit_vector(self.direction, "direction"))
        if not self.corrected and np.real(self.mixing) < (1 - _LOOSE) * self.conductance / 2:
            warnings.warn(
                f"mixing: real part {np.real(self.mixing):.6g} is less than "
                f"{self.conductance / 2:.6g}, half of the conductance of both spins; scattering "
                "gives no such contact. Give a larger one, or corrected=True if Sharvin "
                "resistances are taken off.",
                PhysicsWarning,
                stacklevel=3,
            )

    def matrix(self) -> tuple[NDArray, NDArray]:
        """(4, 2) and (4, 4): currents (charge, spin) into the node from (V, W) and (V_0, V_s)."""
        g, p, m = self.conductance, self.polarisation, self.direction
        source = np.zeros((4, 2))
        source[0] = g, g * p
        source[1:, 0], source[1:, 1] = g * p * m, g * m
        node = np.zeros((4, 4))
        node[0, 0] = -g
        node[0, 1:] = -g * p * m
        node[1:, 0] = -g * p * m
        along = np.outer(m, m)
        cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
        real, imaginary = np.real(self.mixing), np.imag(self.mixing)
        node[1:, 1:] = -g * along - 2 * real * (np.eye(3) - along) + 2 * imaginary * cross
        return source, node

    def turned(self, direction: ArrayLike) -> "Contact":
        """The same contact with another direction."""
        other = copy(self)
        object.__setattr__(other, "direction", unit_vector(direction, "direction"))
        return other


def contact(
    conductance_up: float,
    conductance_down: float,
    mixing: complex,
    direction: ArrayLike,
    corrected: bool = False,
) -> Contact:
    """A `Contact` from the conductances of majority and minority electrons.

    `corrected`: see `Contact`.

    Examples
    --------
    >>> contact(3.0, 1.0, 2.0, (0, 0, 1)).polarisation
    0.5
    """
    total = conductance_up + conductance_down
    if not (conductance_up >= 0 and conductance_down >= 0 and total > 0):
        raise ValueError(
            f"conductance_up, conductance_down: {conductance_up!r}, {conductance_down!r} "
            "must be >= 0 and not both zero."
        )
    polarisation = (conductance_up - conductance_down) / total
    return Contact(total, polarisation, mixing, np.asarray(direction), corrected)


def sharvin_corrected(mixing: complex, sharvin: float) -> complex:
    """Mixing conductance of the bare interface: 1/g' = 1/g - 1/(2 g_Sharvin).

    A calculation between ideal leads contains half the Sharvin resistance of the normal side,
    which a diffusive or chaotic node must not count twice.  K. M. Schep, J. B. A. N. van Hoof,
    P. J. Kelly, G. E. W. Bauer, PRB 56, 10805 (1997); G. E. W. Bauer et al., PRB 67, 094421 (2003).
    `sharvin` is the normal metal's channel number per spin.

    Examples
    --------
    >>> sharvin_corrected(1.0, 1.0)
    (2+0j)
    """
    return 1 / (1 / complex(mixing) - 0.5 / sharvin)


def sharvin_corrected_conductance(
    conductance: float, sharvin_normal: float, sharvin_magnet: float | None = None
) -> float:
    """Conductance per spin without half the Sharvin resistance of each side.

    1/G' = 1/G - (1/2)(1/g_N + 1/g_F), all per spin; leave `sharvin_magnet` out when the
    ferromagnet is a reservoir whose resistance belongs to the contact.  A perfectly transparent
    contact has none of its own: it is given 1e6 times the Sharvin conductance.

    Raises
    ------
    ValueError
        When the conductance exceeds what the Sharvin resistances allow.
    """
    inverse = 1 / conductance - 0.5 / sharvin_normal
    if sharvin_magnet is not None:
        inverse -= 0.5 / sharvin_magnet
    if inverse < -1e-4 / sharvin_normal:
        raise ValueError(
            f"conductance: {conductance!r} is not below what the Sharvin resistances allow "
            f"(1/G' = {inverse!r} < 0)."
        )
    return 1 / max(inverse, 1e-6 / sharvin_normal)
