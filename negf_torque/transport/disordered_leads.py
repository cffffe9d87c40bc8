"""Leads with impurities: the same self-consistent medium, infinitely far into the electrode.

A lead's cells have the self-energy Sigma of the infinite disordered crystal,

    Sigma = local map of sum_k w_k [z - h_k - Sigma - sigma_out,k - sigma_in,k]^{-1},
    sigma_out = v g v^+,   g = (z - h - Sigma - sigma_out)^{-1},

the same in every cell, so that a disordered magnet may continue into its electrode without an
interface.  The whole lead counts as the reservoir: its impurities emit what is in equilibrium with
its electrochemical potential, Gamma_p = i (sigma_out - sigma_out^+).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.fixed_point import find_fixed_point
from negf_torque.disorder.impurities import Impurity
from negf_torque.disorder.local import new_self_energy, vertex
from negf_torque.disorder.sites import DisorderGroup, site_disorder
from negf_torque.lattice.layers import LeadCell
from negf_torque.transport.leads import fourier_sum

__all__ = ["DisorderedLead", "disordered_lead"]

# |lambda|^(2^n) of the slowest wave of an absorbing lead underflows long before.
_MOST_DOUBLINGS = 60


@dataclass(frozen=True)
class DisorderedLead:
    """A disordered lead at one energy.

    Attributes
    ----------
    sigma : (B, n, n)
        Self-energy on the end layer of the region.
    slope : (B, n, n) or None
        Its derivative with respect to the energy, where asked for.
    bulk : (c, c)
        Self-energy of the disorder in a cell, eV.
    converged : bool
    """

    sigma: NDArray
    slope: NDArray | None
    bulk: NDArray
    converged: bool


def disordered_lead(
    lead: LeadCell,
    size: int,
    phases: NDArray,
    weights: NDArray,
    energy: complex,
    impurities: Sequence[Impurity],
    method: str,
    slope: bool = False,
) -> DisorderedLead:
    """Self-energy of a lead with impurities.

    Parameters
    ----------
    lead : LeadCell
    size : int
        Rows of the region's end layer.
    phases : (R, B)
    weights : (B,)
    energy : complex
    impurities : sequence
        Their restrictions refer to the lead's own sites and magnets.
    method : {"born", "coherent-potential"}
    slope : bool
        Whether the derivative is wanted.
    """
    cell, hop = fourier_sum(lead.onsite, phases), fourier_sum(lead.hopping, phases)
    groups = site_disorder(lead.sites, impurities).groups
    places = [_rows(lead, group) for group in groups]
    host = energy * np.eye(cell.shape[-1]) - cell

    def step(vector: NDArray) -> NDArray:
        bulk = vector.reshape(cell.shape[1:])
        _, inverse = _decimated(host - bulk, hop)
        green = np.einsum("b,bij->ij", weights, np.linalg.inv(inverse))
        return _mapped(method, groups, places, green, bulk).ravel()

    found = find_fixed_point(step, _start(groups, places, cell.shape[1:]).ravel(), _causal)
    bulk = found.value.reshape(cell.shape[1:])
    outward, inverse = _decimated(host - bulk, hop)
    derivative = None
    if slope:
        green = np.linalg.inv(inverse)
        derivative = _embedded(
            lead, size, _slope(method, groups, places, weights, host - bulk, hop, green, bulk)
        )
    return DisorderedLead(_embedded(lead, size, outward), derivative, bulk, found.converged)


def _rows(lead: LeadCell, group: DisorderGroup) -> NDArray:
    """(S, m): rows of the cell that belong to each site of a group."""
    m = group.potential.shape[-1]
    return lead.sites.offset[group.sites][:, None] + np.arange(m)


def _start(groups, places, shape: tuple) -> NDArray:
    bulk = np.zeros(shape, complex)
    for group, rows in zip(groups, places, strict=True):
        m = rows.shape[1]
        square = np.abs(group.second_moment @ np.eye(m).ravel()).max()
        block = group.mean - 0.5j * np.sqrt(square) * np.eye(m)
        bulk[rows[:, :, None], rows[:, None, :]] = block
    return bulk


def _mapped(method, groups, places, green: NDArray, bulk: NDArray) -> NDArray:
    new = np.zeros_like(bulk)
    for group, rows in zip(groups, places, strict=True):
        index = rows[:, :, None], rows[:, None, :]
        new[index] = new_self_energy(method, group, green[index], bulk[index])
    return new


def _causal(vector: NDArray) -> bool:
    size = int(np.sqrt(len(vector)))
    bulk = vector.reshape(size, size)
    absorbing = (bulk - bulk.conj().T) / 2j
    return bool(np.linalg.eigvalsh(absorbing)[-1] <= 1e-12 * np.abs(vector).max())


def _decimated(matrix: NDArray, hop: NDArray) -> tuple[NDArray, NDArray]:
    """sigma_out = v g v^+, and the inverse of the infinite lead's Green's function in a cell.

    Lopez Sancho, Lopez Sancho and Rubio, J. Phys. F 15, 851 (1985).
    """
    out, back = hop, hop.conj().swapaxes(1, 2)
    surface, inside = matrix, matrix
    for _ in range(_MOST_DOUBLINGS):
        green = np.linalg.inv(inside)
        there, other = out @ green @ back, back @ green @ out
        surface, inside = surface - there, inside - there - other
        out, back = out @ green @ out, back @ green @ back
        if max(np.abs(out).max(), np.abs(back).max()) < 1e-17 * np.abs(matrix).max():
            return matrix - surface, inside
    raise ValueError(
        "impurities: a lead absorbs too weakly for its medium to be found. Make the lead's "
        "impurities stronger, or leave it clean."
    )


def _surface_change(matrix: NDArray, hop: NDArray, sigma: NDArray, change: NDArray) -> NDArray:
    """Change of sigma = v g v^+, g = (M - sigma)^{-1}, when M changes by `change`."""
    green = np.linalg.inv(matrix - sigma)
    left, right = hop @ green, green @ hop.conj().swapaxes(1, 2)
    total = left @ change @ right
    for _ in range(_MOST_DOUBLINGS):
        step = left @ total @ right
        total = total + step
        if np.abs(step).max() <= 1e-16 * np.abs(total).max():
            break
        left, right = left @ left, right @ right
    return -total


def _slope(
    method,
    groups,
    places,
    weights: NDArray,
    matrix: NDArray,
    hop: NDArray,
    green: NDArray,
    bulk: NDArray,
) -> NDArray:
    """d sigma_out/dz, with what the lead's own self-energy answers."""
    size = bulk.shape[-1]
    back = hop.conj().swapaxes(1, 2)
    outward, inverse = _decimated(matrix, hop)
    inward = matrix - inverse - outward
    mean = np.einsum("b,bij->ij", weights, green)
    blocks = [(rows[:, :, None], rows[:, None, :]) for rows in places]
    maps = [
        vertex(method, group, mean[index], bulk[index], retarded=True)
        for group, index in zip(groups, blocks, strict=True)
    ]

    def answer(change: NDArray) -> NDArray:
        """Change of the self-energy of the cell when M changes by `change`."""
        whole = np.broadcast_to(change, matrix.shape)
        inside = (
            whole
            - _surface_change(matrix, hop, outward, whole)
            - _surface_change(matrix, back, inward, whole)
        )
        d_green = -np.einsum("b,bij->ij", weights, green @ inside @ green)
        result = np.zeros((size, size), complex)
        for index, local in zip(blocks, maps, strict=True):
            own = d_green[index]
            vector = own.reshape(len(own), -1)
            result[index] = np.einsum("sij,sj->si", local, vector).reshape(own.shape)
        return result

    # Sigma' = answer(1 - Sigma'): linear in the entries of the disordered sites
    entries = [(i, j) for rows in places for site in rows for i in site for j in site]
    columns = []
    for i, j in entries:
        unit = np.zeros((size, size), complex)
        unit[i, j] = 1
        columns.append([answer(unit)[e] for e in entries])
    alone = answer(np.eye(size))
    matrix_of = np.eye(len(entries)) + np.array(columns).reshape(len(entries), -1).T
    solved = np.linalg.solve(matrix_of, np.array([alone[e] for e in entries]))
    derivative = np.zeros((size, size), complex)
    for (i, j), value in zip(entries, solved, strict=True):
        derivative[i, j] = value
    change = np.broadcast_to(np.eye(size) - derivative, matrix.shape)
    return _surface_change(matrix, hop, outward, change)


def _embedded(lead: LeadCell, size: int, sigma: NDArray) -> NDArray:
    rows, width = lead.interface, len(lead.interface)
    whole = np.zeros((len(sigma), size, size), complex)
    whole[:, rows[:, None], rows] = sigma[:, :width, :width]
    return whole
