"""A magnetic wire with Rashba coupling and a domain wall, as a Kwant builder.

Copy this file and change it.  What the program needs of you is in three places, marked (1) to
(3); everything else is Kwant as you know it.
"""

import kwant
import numpy as np

from negf_torque.lattice import Magnet, magnet_from_kwant
from negf_torque.spin import PAULI, domain_wall

IDENTITY, SIGMA_X, SIGMA_Y, SIGMA_Z = PAULI


def rashba_wire(
    length: int = 30,
    width: int = 2,
    exchange: float = 1.2,
    rashba: float = 0.15,
    wall_width: float = 4.0,
    hopping: float = 1.0,
) -> Magnet:
    """A square-lattice wire, current along x, Rashba coupling alpha (k x z).sigma.

    Parameters
    ----------
    length, width : int
        Sites along and across the wire.
    exchange : float
        Splitting Delta in eV: majority spins are lower by Delta/2.
    rashba : float
        Rashba hopping in eV, alpha/(2 a).
    wall_width : float
        Width of the Néel wall in sites.
    hopping : float
        In eV.
    """
    lattice = kwant.lattice.square(norbs=2)  # norbs tells Kwant of the spin
    texture = domain_wall((length - 1) / 2, wall_width, "neel")

    # (1) The exchange field Delta m of every site, leads included: m is the direction of the
    # majority spin.  The Hamiltonian below must contain -(1/2) (Delta m).sigma.
    def exchange_field(site):
        x = site.tag[0]
        if x < 0:
            return exchange * np.array([0, 0, 1])
        if x >= length:
            return exchange * np.array([0, 0, -1])
        return exchange * texture(x)

    def onsite(site):
        bx, by, bz = exchange_field(site)
        return -0.5 * (bx * SIGMA_X + by * SIGMA_Y + bz * SIGMA_Z)

    # Any hopping will do: here kinetic energy and Rashba coupling, from a site to its neighbour.
    def hopping_x(target, source):
        return -hopping * IDENTITY + 1j * rashba * SIGMA_Y

    def hopping_y(target, source):
        return -hopping * IDENTITY - 1j * rashba * SIGMA_X

    wire = kwant.Builder()
    wire[(lattice(x, y) for x in range(length) for y in range(width))] = onsite
    wire[kwant.HoppingKind((1, 0), lattice)] = hopping_x
    wire[kwant.HoppingKind((0, 1), lattice)] = hopping_y

    # Two leads, the left one first; each with its own moment along +z and -z.
    leads = []
    for outward, x in ((-1, -1), (1, length)):
        lead = kwant.Builder(kwant.TranslationalSymmetry((outward, 0)))
        moment = exchange_field(lattice(x, 0))
        lead[(lattice(0, y) for y in range(width))] = -0.5 * moment[2] * SIGMA_Z
        lead[kwant.HoppingKind((1, 0), lattice)] = hopping_x
        lead[kwant.HoppingKind((0, 1), lattice)] = hopping_y
        leads.append(lead)

    # (2) Which sites form which magnet: results are summed over each.  None: not in the sums.
    def membership(site):
        return "wall" if 0 <= site.tag[0] < length else None

    # (3) Several orbitals per site?  Give spin_operator, three matrices of the size of the
    # on-site matrix, for example negf_torque.lattice.orbital_spin(2); another number of orbitals
    # than the site's is an error.
    return magnet_from_kwant(wire, leads, exchange_field=exchange_field, membership=membership)
