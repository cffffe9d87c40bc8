"""Scattering states of a general graph with any number of leads, by one sparse factorisation.

    M = E - H - sum_p Sigma_p,        psi_p = M^{-1} F_p,    F_p F_p^+ = Gamma_p

M is factorised once; the sources of all leads are its right-hand sides, so that only the columns
of G that carry open channels are ever computed.  On a planar graph of n rows the factors hold
about n log n numbers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import splu

from negf_torque.greens.surface import LeadSelfEnergy

__all__ = ["graph_states", "open_matrix", "spin_flow_from_lead", "transmission_amplitude"]

#: A solution is good if what is left of its equation is below this, relative to the source.
_RESIDUAL = 1e-10


def open_matrix(
    hamiltonian: csr_array,
    energy: float,
    interfaces: Sequence[NDArray],
    sigmas: Sequence[NDArray],
) -> csc_array:
    """E - H - sum_p Sigma_p, each Sigma_p (m_p, m_p) on the rows `interfaces[p]` (m_p,)."""
    size = hamiltonian.shape[0]
    inner = hamiltonian.tocoo()
    rows, columns, values = [inner.row], [inner.col], [-inner.data]
    rows.append(np.arange(size))
    columns.append(np.arange(size))
    values.append(np.full(size, energy, complex))
    for interface, sigma in zip(interfaces, sigmas, strict=True):
        rows.append(np.repeat(interface, len(interface)))
        columns.append(np.tile(interface, len(interface)))
        values.append(-sigma.ravel())
    places = (np.concatenate(rows), np.concatenate(columns))
    return csc_array((np.concatenate(values), places), shape=(size, size))


def graph_states(
    hamiltonian: csr_array,
    energy: float,
    interfaces: Sequence[NDArray],
    leads: Sequence[LeadSelfEnergy],
) -> list[NDArray]:
    """psi_p = G F_p of every lead, (n, open channels of lead p).

    Parameters
    ----------
    hamiltonian : (n, n) sparse
    energy : float
    interfaces : sequence of (m_p,) int
        Rows to which the leads attach.
    leads : sequence of LeadSelfEnergy
        Of one energy each (B = 1), on those rows.

    Raises
    ------
    ValueError
        If a state of the region does not couple to any lead at this energy: G does not exist.

    Examples
    --------
    A site between two chains in the middle of their band passes everything:

    >>> from negf_torque.greens.surface import lead_self_energy
    >>> lead = lead_self_energy([[0.0]], [[-1.0]], 0.0)
    >>> psi = graph_states(csr_array((1, 1)), 0.0, [np.array([0])] * 2, [lead, lead])
    >>> float(abs(lead.source[0].conj().T @ psi[1])[0, 0].round(12))
    1.0
    """
    matrix = open_matrix(hamiltonian, energy, interfaces, [lead.sigma[0] for lead in leads])
    counts = [int(lead.open_channels[0]) for lead in leads]
    right = np.zeros((hamiltonian.shape[0], sum(counts)), complex, order="F")
    ends = np.cumsum(counts)
    for interface, lead, end, count in zip(interfaces, leads, ends, counts, strict=True):
        right[interface, end - count : end] = lead.source[0][:, :count]
    if not right.shape[1]:
        return [right] * len(leads)
    try:
        factors = splu(matrix)
        psi = factors.solve(right)
        if not _solves(matrix, psi, right):
            psi = psi + factors.solve(np.asfortranarray(right - matrix @ psi))
        good = _solves(matrix, psi, right)
    except RuntimeError:  # the factor is exactly singular
        good = False
    if not good:
        raise ValueError(
            f"energy: at {energy:.12g} eV a state of the region couples to no lead (a bound "
            "state). Give an energy a little above or below."
        )
    return np.split(psi, ends[:-1], axis=1)


def _solves(matrix: csc_array, psi: NDArray, right: NDArray) -> bool:
    """Whether M psi = F, tested on one combination of all columns: far cheaper than on each."""
    mixture = np.exp(1j * np.arange(psi.shape[1]) ** 2)
    wanted = right @ mixture
    rest = matrix @ (psi @ mixture) - wanted
    return bool(np.abs(rest).max() <= _RESIDUAL * np.abs(wanted).max())


def transmission_amplitude(
    interface: NDArray, lead: LeadSelfEnergy, psi: NDArray
) -> NDArray:
    """F_p^+ G F_q (m_p, m_q) from the states psi = G F_q; S_pq = i F_p^+ G F_q - delta_pq."""
    count = int(lead.open_channels[0])
    return lead.source[0][:, :count].conj().T @ psi[interface]


def spin_flow_from_lead(
    interface: NDArray,
    lead: LeadSelfEnergy,
    operators: NDArray,
    psi: NDArray,
    own: bool,
) -> NDArray:
    """What the states of one lead carry from lead p into the region, per 1/(2 pi).

    d<O>/dt through the interface, measured by the operator O of the interface's own rows,

        2 Im tr O Sigma_p A_q + delta_pq 2 Im tr O Gamma_p G^+ .

    For O = 1 it is the particle current; no property of the lead's spins is used.  The trace is
    returned row by row: rows of one site sum to what the site receives.

    Parameters
    ----------
    operators : (a, m, m)
        On the rows `interface`, hermitian.
    psi : (n, states)
        G F_q of lead q.
    own : bool
        Whether q = p.

    Returns
    -------
    (a, m) float
    """
    here = psi[interface]
    pushed = lead.sigma[0] @ here
    if own:
        pushed = pushed + lead.source[0][:, : here.shape[1]]
    return 2 * np.einsum("aij,jn,in->ai", operators, pushed, here.conj(), optimize=True).imag
