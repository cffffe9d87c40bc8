"""Leads of one device with its magnets turned: solved once, rotated for every direction.

Without spin-orbit coupling a magnetic lead whose moments are turned by R has the self-energy
U Sigma U^+, with U the rotation of the spins.  Whether that holds is tested on the lead's matrices;
a lead for which it does not is solved for each direction.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from negf_torque.greens.surface import LeadSelfEnergy
from negf_torque.lattice.layers import LayerChain, LeadCell, aligned
from negf_torque.spin import rotation_so3
from negf_torque.transport.leads import attach

__all__ = ["TurnedLeads"]

Shifts = tuple[float, float]


class TurnedLeads:
    """Self-energies of the leads of several chains that differ in the direction of magnets.

    Parameters
    ----------
    chains : sequence of LayerChain
        Equal but for the directions of their moments.
    """

    def __init__(self, chains: Sequence[LayerChain]) -> None:
        first = chains[0]
        #: the first chain with its leads along z, where their matrices are often diagonal
        self.reference = _upright(first)
        self.sizes = (first.sizes[0], first.sizes[-1])
        sources = (self.reference.left, self.reference.right)
        self.turns = [
            [_turn(source, lead) for source, lead in zip(sources, (c.left, c.right), strict=True)]
            for c in chains
        ]
        self.cells = [(c.left, c.right) for c in chains]

    def solve(
        self, k: NDArray, energy: NDArray, shifts: Shifts = (0.0, 0.0)
    ) -> list[tuple[LeadSelfEnergy, LeadSelfEnergy]]:
        """Both leads of every chain at momenta (B, d) and real or complex energies (B,)."""
        phases = self.reference.phases(k)
        sides = []
        for side, source in enumerate((self.reference.left, self.reference.right)):
            size, at = self.sizes[side], energy - shifts[side]
            solved: dict[int, LeadSelfEnergy] = {}
            own = []
            for chain, turns in enumerate(self.turns):
                turn = turns[side]
                if turn is None:
                    own.append(attach(self.cells[chain][side], size, phases, at))
                    continue
                if 0 not in solved:
                    solved[0] = attach(source, size, phases, at)
                own.append(_rotated(solved[0], turn, source.interface))
            sides.append(own)
        return list(zip(*sides, strict=True))


def _rotated(lead: LeadSelfEnergy, turn: NDArray, rows: NDArray) -> LeadSelfEnergy:
    if np.array_equal(turn, np.eye(len(turn))):
        return lead
    size, width = lead.sigma.shape[-1], len(rows)
    whole = np.eye(size, dtype=complex)
    whole[rows[:, None], rows] = turn[:width, :width]
    sigma = np.einsum("ij,bjk,lk->bil", whole, lead.sigma, whole.conj(), optimize=True)
    vectors = np.einsum("ij,bjm->bim", whole, lead.vectors)
    return LeadSelfEnergy(sigma, np.ascontiguousarray(vectors), lead.flux, lead.open_channels)


def _upright(chain: LayerChain) -> LayerChain:
    """The chain with its leads' magnets along z where that can be undone, or as it is."""
    for side in ("left", "right"):
        lead: LeadCell = getattr(chain, side)
        fields = lead.sites.exchange
        names = {name for name in lead.sites.magnet if name}
        uniform = np.linalg.matrix_rank(fields, tol=1e-9) == 1 and len(names) == 1
        if not uniform or np.any(fields @ fields[np.argmax(np.abs(fields).sum(axis=1))] < 0):
            continue
        turned = aligned(chain, {name: (0, 0, 1) for name in names})
        if _turn(getattr(turned, side), lead) is not None:
            chain = turned
    return chain


def _turn(source: LeadCell, lead: LeadCell) -> NDArray | None:
    """U with U H_source U^+ = H_lead for all matrices of the lead, or None."""
    before, after = source.sites.exchange, lead.sites.exchange
    size = source.onsite.shape[-1]
    if np.array_equal(source.onsite, lead.onsite) and np.array_equal(source.hopping, lead.hopping):
        return np.eye(size, dtype=complex)
    strongest = int(np.argmax(np.linalg.norm(before, axis=1)))
    a, b = before[strongest], after[strongest]
    normal = np.cross(a, b)
    if np.linalg.norm(normal) < 1e-12 * (a @ a):
        normal = np.cross(a, np.eye(3)[np.argmin(np.abs(a))])
    angle = float(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))
    if not np.allclose(before @ rotation_so3(normal, angle).T, after, atol=1e-12):
        return None
    axis = normal / np.linalg.norm(normal)
    turn = np.zeros((size, size), complex)
    table = source.sites
    for i in range(len(table.layer)):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        turn[here, here] = expm(-0.5j * angle * np.tensordot(axis, table.spin[i], 1))
    adjoint = turn.conj().T
    same = all(
        np.allclose(turn @ m @ adjoint, n, atol=1e-12)
        for m, n in ((source.onsite, lead.onsite), (source.hopping, lead.hopping))
    )
    return turn if same else None
