"""What all occupied states answer to small potentials, on a contour.

    dG = G (U - sum_p U_p dSigma_p/dz) G,    d<O> = -(1/pi) Im int_C dz f(z) tr O dG.

The diagonal blocks of dG come from a chain of twice the size: the inverse of [[M, dM], [0, M]]
holds -G dM G beside G, exactly.  Small layers therefore go through the compiled elimination, large
ones through the derivative of the recursion on LAPACK.

Spin that the occupied states carry from the left lead into the first layer is local there,
I^a = (1/pi) Re int dE tr[S_a, Sigma_L] G_00; the currents further on follow from the torques as
long as no hopping turns spins.
"""

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens import batched
from negf_torque.greens.blocks import SparseBlocks, sparse_blocks, sparse_operators
from negf_torque.greens.quadrature import Average
from negf_torque.greens.response import diagonal_green_derivative
from negf_torque.lattice.layers import LayerChain, LeadCell
from negf_torque.transport.leads import attach_analytic, fourier_blocks
from negf_torque.transport.occupied import contour_average
from negf_torque.transport.sampling import Columns, Sampling
from negf_torque.transport.torque import exchange_torque, sum_by_magnet

__all__ = [
    "conserves_spin",
    "layer_spins",
    "lead_turns_spin",
    "lowest_energy",
    "sea_response",
    "site_operators",
]

#: Rows of a layer up to which twice the chain is solved by compiled loops.
_LARGEST = 24


def lowest_energy(chain: LayerChain) -> float:
    """An energy below all states of the region and its leads (Gershgorin, by blocks), in eV."""

    def norm(harmonics: NDArray) -> float:
        return float(np.linalg.norm(harmonics, 2, axis=(1, 2)).sum())

    bounds = []
    couplings = [0.0, *(norm(v) for v in chain.coupling), 0.0]
    for n, block in enumerate(chain.onsite):
        outside = sum(
            norm(lead.hopping)
            for lead, end in ((chain.left, 0), (chain.right, len(chain.onsite) - 1))
            if n == end
        )
        bounds.append(norm(block) + couplings[n] + couplings[n + 1] + outside)
    bounds += [norm(c.onsite) + 2 * norm(c.hopping) for c in (chain.left, chain.right)]
    return -max(bounds) - 0.5


def sea_response(
    chain: LayerChain,
    energy: float,
    potential: NDArray,
    lead_potential: NDArray,
    sampling: Sampling,
    bottom: float | None = None,
    flow: bool = False,
    height: float | None = None,
    magnets: bool = False,
    real_momenta: bool = False,
) -> Average:
    """Change of all occupied states' densities when potentials are applied.

    Parameters
    ----------
    potential : (sites, m)
        m patterns of the potential in the region.
    lead_potential : (2, m)
        Rigid shifts of the leads in each pattern.
    bottom, height : float, optional
        Shape of the contour, see `negf_torque.transport.contour`; the result does not depend on it.
    flow : bool
        Whether the spin current from the left lead is appended.
    magnets : bool
        Whether the torque on each magnet, B x O summed over its sites, is appended: its error is
        far smaller than the sum of its sites' errors.
    real_momenta : bool
        See `negf_torque.transport.occupied.contour_average`.

    Returns
    -------
    Average
        value: (m * sites * 7), per pattern and site particles, spin (3), exchange operator (3);
        with `flow` followed by (m * 3), the spin current into the first layer; with `magnets` by
        (m * magnets * 3).
    """
    start = lowest_energy(chain) if bottom is None else bottom
    flow = flow and lead_turns_spin(chain, 0)
    maker = _small if max(chain.sizes) <= _LARGEST else _large
    columns = maker(chain, potential, lead_potential, flow)
    if magnets:
        columns = _with_torques(columns, chain, potential.shape[1])
    return contour_average(
        columns, chain, start, energy, sampling, height=height, real_momenta=real_momenta
    )


def _with_torques(columns: Columns, chain: LayerChain, patterns: int) -> Columns:
    sites = len(chain.sites.layer)

    def extended(k: NDArray, z: NDArray) -> NDArray:
        found = columns(k, z)
        local = found[:, : patterns * sites * 7].reshape(len(z), patterns, sites, 7)
        torque = exchange_torque(chain.sites, local[..., 4:])
        whole = sum_by_magnet(chain.sites, torque, chain.magnets)
        return np.concatenate([found, whole.reshape(len(z), -1)], axis=1)

    return extended


def _small(chain: LayerChain, potential: NDArray, leads: NDArray, flow: bool) -> Columns:
    """Through the compiled elimination of the doubled chain."""
    twice = _doubled(chain)
    n = chain.sizes
    patterns = [_upper(_potential_blocks(chain, pattern)) for pattern in potential.T]
    operators = []
    for layer, rows, matrices in site_operators(chain):
        for matrix in matrices:
            whole = np.zeros((2 * n[layer],) * 2, complex)
            whole[n[layer] + rows.start : n[layer] + rows.stop, rows] = matrix
            operators.append((layer, whole))
    count = len(operators)
    if flow:  # all of G_00 and of dG_00
        for unit in np.eye(n[0] ** 2).reshape(-1, n[0], n[0]):
            zero = np.zeros_like(unit)
            operators.append((0, np.block([[unit.T, zero], [zero, zero]])))
            operators.append((0, np.block([[zero, zero], [unit.T, zero]])))
    flat = sparse_operators(operators)

    def columns(k: NDArray, z: NDArray) -> NDArray:
        phases = chain.phases(k)
        (left, slope_left), (right, slope_right) = _ends(chain, phases, z)
        parts, flows = [], []
        for blocks, lead in zip(patterns, leads.T, strict=True):
            ends = _block_pair(left, -lead[0] * slope_left), _block_pair(
                right, -lead[1] * slope_right
            )
            found = batched.green_local(twice, phases, z, *ends, flat, self_energy=blocks)
            parts.append(found[:count].T)
            if flow:
                green = found[count:].reshape(n[0], n[0], 2, len(z)).transpose(2, 3, 0, 1)
                flows.append(_lead_flow(chain, left, slope_left * -lead[0], *green))
        return np.concatenate(parts + flows, axis=1)

    return columns


def _large(chain: LayerChain, potential: NDArray, leads: NDArray, flow: bool) -> Columns:
    """By the derivative of the recursion, on LAPACK."""
    operators = site_operators(chain)

    def columns(k: NDArray, z: NDArray) -> NDArray:
        phases = chain.phases(k)
        onsite, coupling = fourier_blocks(chain, phases)
        (left, slope_left), (right, slope_right) = _ends(chain, phases, z)
        diagonal = [
            z[:, None, None] * np.eye(n) - h for n, h in zip(chain.sizes, onsite, strict=True)
        ]
        diagonal[0] = diagonal[0] - left
        diagonal[-1] = diagonal[-1] - right
        parts, flows = [], []
        for pattern, lead in zip(potential.T, leads.T, strict=True):
            change: list[NDArray] = [-u for u in _potential_blocks(chain, pattern)]
            change[0] = change[0] + lead[0] * slope_left
            change[-1] = change[-1] + lead[1] * slope_right
            green, derivative = diagonal_green_derivative(diagonal, coupling, change)
            parts += [
                np.einsum("aij,bji->ba", matrices, derivative[layer][:, rows, rows])
                for layer, rows, matrices in operators
            ]
            if flow:
                moved = slope_left * -lead[0]
                flows.append(_lead_flow(chain, left, moved, green[0], derivative[0]))
        return np.concatenate(parts + flows, axis=1)

    return columns


def _doubled(chain: LayerChain) -> SparseBlocks:
    pair = np.eye(2)
    return sparse_blocks(
        [np.kron(pair, block) for block in chain.onsite],
        [np.kron(pair, block) for block in chain.coupling],
    )


def _upper(blocks: list[NDArray]) -> list[NDArray]:
    return [np.kron(np.array([[0, 1], [0, 0]]), block) for block in blocks]


def _block_pair(sigma: NDArray, change: NDArray) -> NDArray:
    """[[Sigma, dSigma], [0, Sigma]] of a batch."""
    size = sigma.shape[-1]
    whole = np.zeros((len(sigma), 2 * size, 2 * size), complex)
    whole[:, :size, :size] = whole[:, size:, size:] = sigma
    whole[:, :size, size:] = change
    return whole


def _ends(chain: LayerChain, phases: NDArray, z: NDArray):
    left = attach_analytic(chain.left, chain.sizes[0], phases, z)
    return left, attach_analytic(chain.right, chain.sizes[-1], phases, z)


def _lead_flow(
    chain: LayerChain, sigma: NDArray, change: NDArray, green: NDArray, derivative: NDArray
) -> NDArray:
    """d tr [S_a, Sigma] G_00, times -i: the contour takes -(1/pi) Im, the current (1/pi) Re."""
    spins = layer_spins(chain, 0)
    first = np.einsum("aij,bjk,bki->ba", spins, sigma, derivative, optimize=True)
    first -= np.einsum("bij,ajk,bki->ba", sigma, spins, derivative, optimize=True)
    first += np.einsum("aij,bjk,bki->ba", spins, change, green, optimize=True)
    first -= np.einsum("bij,ajk,bki->ba", change, spins, green, optimize=True)
    return -1j * first


# --- spins and sites ------------------------------------------------------------------------


def layer_spins(chain: LayerChain, layer: int) -> NDArray:
    """(3, n, n): spin of a whole layer."""
    return _table_spins(chain.sites, layer, chain.sizes[layer])


def _table_spins(table, layer: int, size: int) -> NDArray:
    whole = np.zeros((3, size, size), complex)
    for i in np.flatnonzero(table.layer == layer):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        whole[:, here, here] = table.spin[i]
    return whole


def lead_turns_spin(chain: LayerChain, side: int) -> bool:
    """Whether the left (0) or right (1) lead is a magnet or has spin-orbit coupling.

    If not, its self-energy commutes with every spin, and in equilibrium it carries no spin.
    """
    lead: LeadCell = (chain.left, chain.right)[side]
    spins = _table_spins(lead.sites, 0, lead.onsite.shape[-1])
    return any(
        np.abs(spins[:, None] @ block - block @ spins[:, None]).max(initial=0.0) > 1e-13
        for block in (lead.onsite, lead.hopping)
    )


def conserves_spin(chain: LayerChain) -> bool:
    """Whether, but for the exchange fields, nothing in the region turns spins."""
    spins = [layer_spins(chain, layer) for layer in range(len(chain.sizes))]
    origin = int(np.flatnonzero(~chain.displacements.any(axis=1))[0])
    bare = [block.copy() for block in chain.onsite]
    table = chain.sites
    for i, layer in enumerate(table.layer):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        field = np.tensordot(table.exchange[i], table.exchange_operator[i], 1)
        bare[layer][origin, here, here] += 0.5 * field
    changes = [s[:, None] @ h - h @ s[:, None] for s, h in zip(spins, bare, strict=True)]
    changes += [
        after[:, None] @ v - v @ before[:, None]
        for before, after, v in zip(spins[:-1], spins[1:], chain.coupling, strict=True)
    ]
    return all(np.abs(change).max(initial=0.0) < 1e-12 for change in changes)


def site_operators(chain: LayerChain) -> list[tuple[int, slice, NDArray]]:
    """(layer, rows, 7 matrices) of every site: unity, spin, exchange operator."""
    table = chain.sites
    return [
        (
            int(layer),
            slice(table.offset[i], table.offset[i] + table.orbitals[i]),
            np.concatenate(
                [np.eye(table.orbitals[i])[None], table.spin[i], table.exchange_operator[i]]
            ),
        )
        for i, layer in enumerate(table.layer)
    ]


def _potential_blocks(chain: LayerChain, potential: NDArray) -> list[NDArray]:
    table = chain.sites
    rows = [np.zeros(n) for n in chain.sizes]
    for i, layer in enumerate(table.layer):
        rows[layer][table.offset[i] : table.offset[i] + table.orbitals[i]] = potential[i]
    return [np.diag(r) for r in rows]
