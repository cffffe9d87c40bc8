"""An ordered body-centred alloy (B2): two sublattices, different levels and exchange fields."""

import kwant
import numpy as np

from negf_torque.lattice.bulk import BulkMagnet, bulk_from_kwant
from negf_torque.spin import SIGMA


def ordered_alloy(
    hopping: float = 0.8, splitting: tuple = (2.0, 1.2), offset: float = 0.4, spacing: float = 0.29
) -> BulkMagnet:
    """Nearest-neighbour hopping between both sublattices and weaker hopping within them.

    Parameters
    ----------
    hopping : float
        Between the sublattices, eV.
    splitting : two floats
        Exchange splitting of each sublattice, eV.
    offset : float
        Half the difference of their levels, eV.
    spacing : float
        Edge of the cubic cell, nm.
    """
    lattice = kwant.lattice.general(
        spacing * np.eye(3), spacing * np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), norbs=2
    )
    builder = kwant.Builder(kwant.TranslationalSymmetry(*(spacing * np.eye(3))))
    splitting_of = dict(zip(lattice.sublattices, splitting, strict=True))
    for family, sign in zip(lattice.sublattices, (1, -1), strict=True):
        # majority spin along z: -(Delta/2) sigma_z
        level = sign * offset * np.eye(2) - splitting_of[family] / 2 * SIGMA[2]
        builder[family(0, 0, 0)] = level
    builder[lattice.neighbors(1)] = -hopping * np.eye(2)
    builder[lattice.neighbors(2)] = -0.25 * hopping * np.eye(2)
    return bulk_from_kwant(builder, lambda site: [0, 0, splitting_of[site.family]])
