"""Leads of a device: their self-energies on the end layers, for batches of momenta and energies."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens.response import self_energy_derivative
from negf_torque.greens.surface import LeadSelfEnergy, lead_self_energy, opposite_leads
from negf_torque.lattice.layers import LayerChain, LeadCell

__all__ = [
    "attach",
    "attach_analytic",
    "channel_label",
    "fourier_blocks",
    "lead_pair",
    "lead_self_energies",
]


def attach(lead: LeadCell, size: int, phases: NDArray, energy: NDArray) -> LeadSelfEnergy:
    """Self-energy of a lead on the whole end layer (`size` rows), for a batch."""
    return _embedded(lead, size, _surface(lead, phases, energy))


def _surface(lead: LeadCell, phases: NDArray, energy: NDArray) -> LeadSelfEnergy:
    cell, at = _hermitian(fourier_sum(lead.onsite, phases), energy)
    return lead_self_energy(cell, fourier_sum(lead.hopping, phases), at)


def _hermitian(cell: NDArray, energy: NDArray) -> tuple[NDArray, NDArray]:
    """At complex momenta: i times a number that the cell's Hamiltonian has, moved to the energy."""
    part = np.einsum("bii->b", cell).imag / cell.shape[-1]
    if not np.abs(part).max(initial=0.0) > 1e-15 * np.abs(cell).max(initial=0.0):
        return cell, energy
    return cell - 1j * part[:, None, None] * np.eye(cell.shape[-1]), energy - 1j * part


def _embedded(lead: LeadCell, size: int, surface: LeadSelfEnergy) -> LeadSelfEnergy:
    rows, batch = lead.interface, len(surface.sigma)
    if np.array_equal(rows, np.arange(size)) and surface.sigma.shape[-1] == size:
        return surface
    width = len(rows)
    sigma = np.zeros((batch, size, size), complex)
    sigma[:, rows[:, None], rows] = surface.sigma[:, :width, :width]
    vectors = np.zeros((batch, size, surface.vectors.shape[2]), complex)
    vectors[:, rows] = surface.vectors[:, :width]
    return LeadSelfEnergy(sigma, vectors, surface.flux, surface.open_channels)


def attach_analytic(
    lead: LeadCell, size: int, phases: NDArray, energy: NDArray
) -> tuple[NDArray, NDArray]:
    """Self-energy and dSigma/dz on the end layer, (B, size, size), at complex energies."""
    cell, energy = _hermitian(fourier_sum(lead.onsite, phases), energy)
    hopping = fourier_sum(lead.hopping, phases)
    sigma = lead_self_energy(cell, hopping, energy).sigma
    slope = self_energy_derivative(cell, hopping, energy, sigma)
    whole = np.zeros((2, len(energy), size, size), complex)
    rows, width = lead.interface, len(lead.interface)
    whole[:, :, rows[:, None], rows] = np.stack([sigma, slope])[:, :, :width, :width]
    return whole[0], whole[1]


def fourier_blocks(chain: LayerChain, phases: NDArray) -> tuple[list[NDArray], list[NDArray]]:
    """On-site blocks and couplings as full matrices, (B, n, n) each."""
    return (
        [fourier_sum(block, phases) for block in chain.onsite],
        [fourier_sum(block, phases) for block in chain.coupling],
    )


def fourier_sum(harmonics: NDArray, phases: NDArray) -> NDArray:
    """sum_R M[R] exp(i k.R), shape (B, n, n); most harmonics of a small cell are zero."""
    total = np.zeros((phases.shape[1], *harmonics.shape[1:]), complex)
    for harmonic, phase in zip(harmonics, phases, strict=True):
        for i, j in zip(*np.nonzero(harmonic), strict=True):
            total[:, i, j] += phase * harmonic[i, j]
    return total


def channel_label(
    chain: LayerChain, k: ArrayLike, energy: ArrayLike, shifts: tuple[float, float] = (0.0, 0.0)
) -> NDArray:
    """An integer (B,) that changes wherever a channel of either lead opens or closes."""
    left, right = lead_self_energies(chain, k, energy, shifts)
    return left.open_channels * (2 * chain.sizes[-1] + 1) + right.open_channels


def lead_self_energies(
    chain: LayerChain, k: ArrayLike, energy: ArrayLike, shifts: tuple[float, float] = (0.0, 0.0)
) -> tuple[LeadSelfEnergy, LeadSelfEnergy]:
    """Self-energies of both leads at momenta (B, d) and energies (B,).

    `shifts` moves all bands of the left and the right lead (a bias), in eV.
    """
    return lead_pair(chain, chain.phases(k), np.asarray(energy), shifts)


def lead_pair(
    chain: LayerChain, phases: NDArray, energy: NDArray, shifts: tuple[float, float] = (0.0, 0.0)
) -> tuple[LeadSelfEnergy, LeadSelfEnergy]:
    """Self-energies of both leads for given phases exp(i k.R), (R, B)."""
    left, right = chain.left, chain.right
    sizes = chain.sizes[0], chain.sizes[-1]
    alike = shifts[0] == shifts[1] and np.array_equal(left.onsite, right.onsite)
    if alike and np.array_equal(left.hopping, right.hopping):
        found = (_surface(left, phases, energy - shifts[0]),) * 2
    elif alike and _continued(chain, phases):
        cell = fourier_sum(left.onsite, phases)
        found = opposite_leads(cell, fourier_sum(left.hopping, phases), energy - shifts[0])
    else:
        leads = zip((left, right), shifts, strict=True)
        first, second = (_surface(lead, phases, energy - shift) for lead, shift in leads)
        found = first, second
    return _embedded(left, sizes[0], found[0]), _embedded(right, sizes[1], found[1])


def _continued(chain: LayerChain, phases: NDArray) -> bool:
    """Whether the right lead continues the left one: its hopping inward is the other's outward.

    At complex momenta the adjoint is another matrix.
    """
    opposite = -chain.displacements
    reverse = np.arange(len(opposite))
    if chain.dimension:
        reverse = (opposite[:, None] == chain.displacements[None]).all(axis=2).argmax(axis=1)
    if not np.all(np.abs(phases.conj() - phases[reverse]) < 1e-12):
        return False
    adjoint = chain.left.hopping[reverse].conj().swapaxes(1, 2)
    return np.array_equal(adjoint, chain.right.hopping)
