"""A device with impurities: its momenta, its medium and its leads at an energy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.averaged import SelfEnergy, Slots, make_slots, solve_self_energy
from negf_torque.disorder.impurities import Impurity
from negf_torque.disorder.medium import Medium, make_medium
from negf_torque.disorder.sites import Disorder, site_disorder
from negf_torque.greens.quadrature import shifted_mesh
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.arguments import chain_of, impurities_of
from negf_torque.transport.disordered_leads import disordered_lead
from negf_torque.transport.leads import attach_analytic, fourier_blocks, lead_self_energies
from negf_torque.transport.sampling import mirror_symmetric

__all__ = [
    "DisorderedDevice",
    "Point",
    "local_operators",
    "make_disordered",
    "point_at",
    "site_blocks",
    "zone_mesh",
]


@dataclass(frozen=True)
class DisorderedDevice:
    """A chain of layers with impurities, at the momenta of a mesh.

    Attributes
    ----------
    chain : LayerChain
    disorder : Disorder
    method : {"born", "coherent-potential"}
    k : (B, d)
    weights : (B,)
    onsite, coupling : lists of (B, n_l, n_l), (B, n_{l+1}, n_l)
    lead_impurities : pair of tuples of Impurity
        Impurities of the left and right lead; empty: a clean lead.
    """

    chain: LayerChain
    disorder: Disorder
    method: str
    k: NDArray
    weights: NDArray
    onsite: list[NDArray]
    coupling: list[NDArray]
    lead_impurities: tuple[tuple[Impurity, ...], tuple[Impurity, ...]] = ((), ())


@dataclass(frozen=True)
class Point:
    """A device at one energy, with its averaged medium.

    Attributes
    ----------
    method : {"born", "coherent-potential"}
    medium : Medium
    slots : Slots
    solution : SelfEnergy
    sigma : (L, n, n)
        The disorder's self-energy in the layers.
    gamma : pair of (B, n, n)
        Gamma of the left and right lead on the end layers.
    open_channels : (2,)
        Mean number of open channels of each lead; not a number where it has impurities.
    slope : pair of (B, n, n) or None
        dSigma/dz of the leads, at complex energies.
    """

    method: str
    medium: Medium
    slots: Slots
    solution: SelfEnergy
    sigma: NDArray
    gamma: tuple[NDArray, NDArray]
    open_channels: NDArray
    slope: tuple[NDArray, NDArray] | None


def zone_mesh(chain: LayerChain, count: int) -> tuple[NDArray, NDArray]:
    """The shifted mesh k = 2 pi (n + 1/2)/count, one momentum for all that are equivalent.

    Returns
    -------
    k : (B, d)
    weights : (B,)
        Their sum is 1.
    """
    d = chain.dimension
    if d == 0:
        return np.zeros((1, 0)), np.ones(1)
    points = np.stack(
        [a.ravel() for a in np.meshgrid(*[np.arange(count)] * d, indexing="ij")], axis=-1
    )
    even, swap = mirror_symmetric(chain)
    if even:
        points = np.minimum(points, count - 1 - points)
    if swap:
        points = np.sort(points, axis=1)
    unique, number = np.unique(points, axis=0, return_counts=True)
    mesh = shifted_mesh([count] * d).reshape(*[count] * d, d)
    return mesh[tuple(unique.T)], number / count**d


def make_disordered(
    chain: LayerChain,
    impurities: Sequence[Impurity],
    method: str,
    mesh: int,
    lead_impurities: tuple[Sequence[Impurity], Sequence[Impurity]] = ((), ()),
) -> DisorderedDevice:
    """Join a chain with its impurities on a mesh of momenta.

    Raises
    ------
    ValueError
        If there is no chain of layers, or something that is not a kind of impurity.
    """
    chain, impurities = chain_of(chain), impurities_of(impurities)
    k, weights = zone_mesh(chain, mesh)
    onsite, coupling = fourier_blocks(chain, chain.phases(k))
    disorder = site_disorder(chain.sites, impurities)
    leads = (impurities_of(lead_impurities[0]), impurities_of(lead_impurities[1]))
    return DisorderedDevice(chain, disorder, method, k, weights, onsite, coupling, leads)


def point_at(
    device: DisorderedDevice,
    energy: complex,
    shifts: tuple[float, float] = (0.0, 0.0),
    potential: NDArray | None = None,
    guess: NDArray | None = None,
    tolerance: float = 1e-13,
) -> Point:
    """The averaged medium at a real energy, or at a complex one in the upper half plane.

    Parameters
    ----------
    shifts : (float, float)
        Shifts of the bands of the left and the right lead, eV.
    potential : (sites,), optional
        Added to the on-site energies, eV.
    guess : (M,), optional
        Self-energies to start from.
    tolerance : float
        Relative residual of the self-consistency.
    """
    chain = device.chain
    sigmas, slope, channels, leads_converged = _leads(device, energy, shifts)
    onsite = device.onsite
    if potential is not None:
        onsite = [
            block + np.diag(rows)
            for block, rows in zip(onsite, _rows(chain, potential), strict=True)
        ]
    table, which = chain.sites, device.disorder.sites
    medium = make_medium(
        onsite,
        device.coupling,
        energy,
        sigmas[0],
        sigmas[1],
        device.weights,
        (table.layer[which], table.offset[which], table.orbitals[which]),
    )
    slots = make_slots(device.disorder, medium)
    solution = solve_self_energy(medium, slots, device.method, guess, tolerance)
    if not leads_converged:
        solution = replace(solution, converged=False)
    return Point(
        device.method,
        medium,
        slots,
        solution,
        medium.spread(solution.sigma),
        tuple(1j * (s - s.conj().swapaxes(1, 2)) for s in sigmas),
        channels,
        slope,
    )


def _leads(device: DisorderedDevice, energy: complex, shifts: tuple[float, float]):
    """Self-energies of both leads, their slopes at complex energies, mean open channels."""
    chain, batch = device.chain, len(device.weights)
    phases, real = chain.phases(device.k), np.imag(energy) == 0
    sigmas, slopes, channels, converged = [], [], np.full(2, np.nan), True
    clean = (
        lead_self_energies(chain, device.k, np.full(batch, float(np.real(energy))), shifts)
        if real
        else None
    )
    sides = zip((chain.left, chain.right), (chain.sizes[0], chain.sizes[-1]), shifts, strict=True)
    for side, (lead, size, shift) in enumerate(sides):
        kinds = device.lead_impurities[side]
        if site_disorder(lead.sites, kinds).groups:
            found = disordered_lead(
                lead, size, phases, device.weights, energy - shift, kinds, device.method, not real
            )
            sigma, slope, converged = found.sigma, found.slope, converged and found.converged
        elif clean is not None:
            sigma, slope = clean[side].sigma, None
            channels[side] = clean[side].open_channels @ device.weights
        else:
            sigma, slope = attach_analytic(lead, size, phases, np.full(batch, energy - shift))
        sigmas.append(sigma)
        slopes.append(slope)
    return sigmas, None if real else tuple(slopes), channels, converged


def _rows(chain: LayerChain, potential: NDArray) -> list[NDArray]:
    table = chain.sites
    rows = [np.zeros(n) for n in chain.sizes]
    for i, layer in enumerate(table.layer):
        rows[layer][table.offset[i] : table.offset[i] + table.orbitals[i]] = potential[i]
    return rows


def local_operators(chain: LayerChain) -> list[tuple[NDArray, NDArray]]:
    """Sites of equal size: their numbers (S,), and 7 matrices of each, (S, 7, m, m).

    Unity, spin, exchange operator.
    """
    table = chain.sites
    groups = []
    for m in np.unique(table.orbitals):
        sites = np.flatnonzero(table.orbitals == m)
        matrices = np.zeros((len(sites), 7, m, m), complex)
        matrices[:, 0] = np.eye(m)
        matrices[:, 1:4] = [table.spin[i] for i in sites]
        matrices[:, 4:] = [table.exchange_operator[i] for i in sites]
        groups.append((sites, matrices))
    return groups


def site_blocks(chain: LayerChain, sites: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Indices into layers' matrices (L, n, n) that give the blocks (S, m, m) of equal sites."""
    table = chain.sites
    rows = table.offset[sites][:, None] + np.arange(table.orbitals[sites[0]])
    return table.layer[sites][:, None, None], rows[:, :, None], rows[:, None, :]
