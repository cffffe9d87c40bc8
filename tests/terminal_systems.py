"""Small devices with several leads on graphs that are no chains of layers."""

import kwant
import numpy as np

from negf_torque.spin import SIGMA

UNIT = np.eye(2)
LATTICE = kwant.lattice.square(norbs=2)


def lead(direction, cells, exchange=(0, 0, 0)):
    """A normal or magnetic lead of plain hopping."""
    made = kwant.Builder(kwant.TranslationalSymmetry(direction))
    for cell in cells:
        made[LATTICE(*cell)] = -0.5 * np.tensordot(exchange, SIGMA, 1)
    made[LATTICE.neighbors()] = -UNIT
    return made


def island(seed, leads=4, spin_orbit=0.0, lead_exchange=None, hole=True):
    """An island with a hole, random fields inside, 3 or 4 leads at odd places.

    Returns
    -------
    builder : kwant.Builder
    field : callable
    """
    rng = np.random.default_rng(seed)
    fields = {}
    builder = kwant.Builder()
    for x in range(6):
        for y in range(5):
            if hole and (x, y) == (2, 2):
                continue
            if 1 <= x < 5 and 1 <= y < 4:
                fields[x, y] = rng.normal(size=3)
            own = fields.get((x, y), np.zeros(3))
            builder[LATTICE(x, y)] = rng.normal() * 0.3 * UNIT - 0.5 * np.tensordot(own, SIGMA, 1)
    builder[kwant.HoppingKind((1, 0), LATTICE)] = -UNIT + 1j * spin_orbit * SIGMA[1]
    builder[kwant.HoppingKind((0, 1), LATTICE)] = -UNIT - 1j * spin_orbit * SIGMA[0]
    magnetic = lead_exchange if lead_exchange is not None else np.zeros(3)
    all_leads = [
        lead((-1, 0), [(0, y) for y in range(1, 4)], magnetic),
        lead((1, 0), [(0, y) for y in range(3)]),
        lead((0, 1), [(x, 0) for x in range(2, 4)]),
        lead((0, -1), [(x, 0) for x in range(1, 5)]),
    ]
    for one in all_leads[:leads]:
        builder.attach_lead(one)

    def field(site):
        x, y = site.tag
        if x < 0:
            return magnetic
        return fields.get((x, y), np.zeros(3))

    return builder, field
