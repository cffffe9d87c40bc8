"""Matrix elements of dH/dm between the waves at the ends of a device and its moments.

Columns of G and of G^+ from the end layers are all that pumping needs: time grows like the length
of the device.
"""

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens.bond_response import scattering_columns
from negf_torque.greens.surface import LeadSelfEnergy
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.leads import fourier_blocks

__all__ = ["Places", "Waves"]


class Places:
    """Chosen sites: their rows, and dH for a velocity along a, -(Delta/2) (1 - m m)_ab O_b.

    Moments keep their length: a velocity along m is none.  (As a change of the splitting it would
    be one, with a loss that diverges at the edges of bands.)
    """

    def __init__(self, chain: LayerChain, sites: NDArray) -> None:
        table = chain.sites
        first = np.concatenate([[0], np.cumsum(chain.sizes)])[table.layer] + table.offset
        most, size = int(table.orbitals[sites].max()), int(sum(chain.sizes))
        #: (n, q); one past the end where a site has fewer orbitals than another
        self.rows = np.full((len(sites), most), size)
        self.operators = np.zeros((len(sites), 3, most, most), complex)
        for n, i in enumerate(sites):
            count = table.orbitals[i]
            self.rows[n, :count] = first[i] + np.arange(count)
            splitting = np.linalg.norm(table.exchange[i])
            m = table.exchange[i] / splitting
            across = np.tensordot(np.eye(3) - np.outer(m, m), table.exchange_operator[i], 1)
            self.operators[n, :, :count, :count] = -splitting / 2 * across

    def _at(self, psi: NDArray) -> NDArray:
        """(B, rows, c) -> (B, n, q, c); missing orbitals are empty."""
        return np.pad(psi, ((0, 0), (0, 1), (0, 0)))[:, self.rows]

    def elements(self, bra: NDArray, ket: NDArray) -> NDArray:
        """<bra|dH/dm_a|ket> site by site, (B, n, 3, bras, kets)."""
        moved = np.einsum("naqr,bnrc->bnaqc", self.operators, self._at(ket), optimize=True)
        bras = self._at(bra).conj().swapaxes(2, 3)
        return bras[:, :, None] @ moved

    def total(self, bra: NDArray, ket: NDArray) -> NDArray:
        """The sum of `elements` over the sites, (B, 3, bras, kets)."""
        moved = np.einsum("naqr,bnrc->banqc", self.operators, self._at(ket), optimize=True)
        batch, _, n, q, kets = moved.shape
        bras = self._at(bra).conj().reshape(batch, n * q, -1).swapaxes(1, 2)
        return bras[:, None] @ moved.reshape(batch, 3, n * q, kets)


class Waves:
    """What the ends send in and receive: columns of G and of G^+.

    Attributes
    ----------
    incoming : (B, n, c)
        G W of both leads, left first; W W^+ = Gamma.  A = i(G - G^+) = incoming incoming^+.
    received : pair of (B, n, end)
        G^+ on the rows of the first and of the last layer.
    """

    def __init__(self, chain, k, energies, left: LeadSelfEnergy, right: LeadSelfEnergy) -> None:
        self.leads = (left, right)
        onsite, coupling = fourier_blocks(chain, chain.phases(k))
        energies = energies[:, None, None]
        diagonal = [energies * np.eye(h.shape[-1]) - h for h in onsite]
        diagonal[0] = diagonal[0] - left.sigma
        diagonal[-1] = diagonal[-1] - right.sigma
        adjoint = [d.conj().swapaxes(1, 2) for d in diagonal]
        sent, received = [], []
        for side, lead in enumerate(self.leads):
            sent.append(np.concatenate(scattering_columns(diagonal, coupling, lead.root, side), 1))
            unit = np.broadcast_to(np.eye(lead.sigma.shape[-1], dtype=complex), lead.sigma.shape)
            received.append(np.concatenate(scattering_columns(adjoint, coupling, unit, side), 1))
        self.incoming = np.concatenate(sent, axis=2)
        self.received = tuple(received)
