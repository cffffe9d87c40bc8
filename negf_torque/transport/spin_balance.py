"""Where spin goes: to the moments, or through spin-orbit coupling to the lattice.

The spin current of a bond is the symmetric one,

    I^a_{i -> j} = Im psi_j^+ (S_a H_ji + H_ji S_a) psi_i = -I^a_{j -> i},

and what does not commute with the spin, in a hopping or on a site, hands spin to the lattice:

    L_j = -sum_i Im psi_j^+ [S_a, H_ji] psi_i - 2 Im psi_j^+ S_a H_jj psi_j - T_j,

half of what a bond's two ends lack or have too much going to each.  T_j = B x <O> is the torque on
the moment, contained in the second term.  On every site in a steady state

    T_j + L_j = sum_i I_{i -> j},

also separately for the states of each lead (the window) and for the Fermi sea's answer to the
potential.  Without spin-orbit coupling L_j = 0 (see Haney and Stiles, PRL 105, 126602 (2010), for
the current's angular momentum in the lattice).  All in units of hbar/2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens.bond_response import (
    NeighbourBlocks,
    neighbour_green_derivative,
    scattering_columns,
)
from negf_torque.lattice.layers import LayerChain, SiteTable
from negf_torque.transport.complete import CompleteResponse
from negf_torque.transport.leads import attach_analytic, fourier_blocks, lead_self_energies
from negf_torque.transport.occupied import contour_average
from negf_torque.transport.sampling import Sampling, average
from negf_torque.transport.sea import conserves_spin, layer_spins, lowest_energy
from negf_torque.transport.torque import bias_windows, sum_by_magnet

__all__ = ["SpinBalance", "has_spin_orbit", "spin_balance"]

# Rounding of the sea's columns: in a symmetric device there may be nothing else.
_ROUNDING = 1e-15


@dataclass(frozen=True)
class SpinBalance:
    """Torque on the moments, spin lost to the lattice and spin inflow, per volt, e/(4 pi).

    Attributes
    ----------
    chain : LayerChain
    by_lead : (2, sites, 3, 3)
        For the states of each lead; second axis from the end: exchange torque, lattice torque,
        spin inflow over the region's bonds.
    sea : (sites, 3, 3) or None
        The Fermi sea's answer to the potential; None if only the window was asked for.
    division : float
        Share of the voltage by which the left lead is raised, which `sea` belongs to.
    error : float
        Largest estimated absolute error.
    converged : bool

    Notes
    -----
    The sites of the first and the last layer also exchange spin with their lead, which the
    inflow does not count.
    """

    chain: LayerChain
    by_lead: NDArray
    sea: NDArray | None
    division: float
    error: float
    converged: bool

    @property
    def windows(self) -> NDArray:
        """(3, sites, 3, 3): window parts for the left, right and symmetric bias."""
        return bias_windows(self.by_lead)

    @property
    def whole(self) -> NDArray:
        """(sites, 3, 3): the complete response, or the symmetric window if there is no sea."""
        window = np.tensordot([self.division, self.division - 1], self.by_lead, 1)
        return window if self.sea is None else window + self.sea

    @property
    def exchange_torkance(self) -> NDArray:
        """(sites, 3) of the whole response: torque on the moments."""
        return self.whole[:, 0]

    @property
    def lattice_torkance(self) -> NDArray:
        """(sites, 3) of the whole response: spin per time that the lattice takes up."""
        return self.whole[:, 1]

    @property
    def inflow(self) -> NDArray:
        """(sites, 3) of the whole response."""
        return self.whole[:, 2]

    @property
    def magnet_lattice_torkance(self) -> NDArray:
        """(magnets, 3): spin lost to the lattice on the sites of each magnet."""
        return sum_by_magnet(self.chain.sites, self.lattice_torkance, self.chain.magnets)


def has_spin_orbit(chain: LayerChain) -> bool:
    """Whether some hopping or on-site term of the region, exchange aside, turns the spin."""
    return not conserves_spin(chain)


def spin_balance(
    chain: LayerChain,
    energy: float,
    sampling: Sampling | None = None,
    complete: CompleteResponse | None = None,
) -> SpinBalance:
    """Exchange torque, lattice torque and spin inflow of every site, per volt.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential in eV.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.
    complete : CompleteResponse, optional
        The complete response whose potential the Fermi sea feels; without it the window only.
    """
    sampling = sampling or Sampling()
    table, sites = _Operators(chain), len(chain.sites.layer)

    def window(k: NDArray, energies: NDArray) -> NDArray:
        phases = chain.phases(k)
        onsite, coupling = fourier_blocks(chain, phases)
        leads = lead_self_energies(chain, k, energies)
        diagonal = _inverse_green(energies, onsite, leads[0].sigma, leads[1].sigma)
        local = table.at(onsite, coupling)
        found = []
        for side, lead in enumerate(leads):
            psi = scattering_columns(diagonal, coupling, lead.root, side)
            found.append(table.expectation(local, _density(psi)).real)
        return np.stack(found, axis=1).reshape(len(k), -1)

    def scale(size: NDArray) -> NDArray:
        return np.full(size.shape, size.max())

    states = average(window, chain, energy, sampling, scale)
    by_lead = states.value.reshape(2, sites, 3, 3)
    error, converged, sea = float(states.error.max()), states.converged, None
    if complete is not None:
        answer = _sea(chain, energy, sampling, table, complete)
        sea = 2 * np.pi * answer.value.reshape(sites, 3, 3)
        error += 2 * np.pi * float(answer.error.max())
        converged = converged and answer.converged
    division = 0.5 if complete is None else complete.division
    return SpinBalance(chain, by_lead, sea, division, error, converged)


def _sea(chain, energy, sampling, table: "_Operators", complete: CompleteResponse):
    share = (complete.division, complete.division - 1)
    rows = [np.zeros(n) for n in chain.sizes]
    for i, layer in enumerate(chain.sites.layer):
        rows[layer][_rows(chain.sites, i)] = complete.potential[i]

    def columns(k: NDArray, z: NDArray) -> NDArray:
        phases = chain.phases(k)
        onsite, coupling = fourier_blocks(chain, phases)
        left, slope_left = attach_analytic(chain.left, chain.sizes[0], phases, z)
        right, slope_right = attach_analytic(chain.right, chain.sizes[-1], phases, z)
        diagonal = _inverse_green(z, onsite, left, right)
        change: list[NDArray] = [-np.diag(r) for r in rows]
        change[0] = change[0] + share[0] * slope_left
        change[-1] = change[-1] + share[1] * slope_right
        derivative = neighbour_green_derivative(diagonal, coupling, change)
        return table.expectation(table.at(onsite, coupling), derivative).reshape(len(z), -1)

    # bound states keep their occupation, as in the complete response
    real = complete.bound_states > 0 and sampling.temperature == 0
    return contour_average(
        columns, chain, lowest_energy(chain), energy, sampling, _ROUNDING, real_momenta=real
    )


def _inverse_green(z, onsite, left, right) -> list[NDArray]:
    diagonal = [z[:, None, None] * np.eye(h.shape[-1]) - h for h in onsite]
    diagonal[0] = diagonal[0] - left
    diagonal[-1] = diagonal[-1] - right
    return diagonal


def _density(psi: list[NDArray]) -> NeighbourBlocks:
    bra = [p.conj().swapaxes(1, 2) for p in psi]
    bonds = range(len(psi) - 1)
    return NeighbourBlocks(
        [a @ b for a, b in zip(psi, bra, strict=True)],
        [psi[n] @ bra[n + 1] for n in bonds],
        [psi[n + 1] @ bra[n] for n in bonds],
    )


def _rows(table: SiteTable, i: int) -> slice:
    return slice(table.offset[i], table.offset[i] + table.orbitals[i])


class _Operators:
    """Expectation values of torques and inflow from the blocks of a density matrix."""

    def __init__(self, chain: LayerChain) -> None:
        table = chain.sites
        self.chain = chain
        self.spins = [layer_spins(chain, layer) for layer in range(len(chain.sizes))]
        self.same_site = [np.zeros((n, n), bool) for n in chain.sizes]
        self.torque = [np.zeros((3, n, n), complex) for n in chain.sizes]
        for i, layer in enumerate(table.layer):
            here = _rows(table, i)
            self.same_site[layer][here, here] = True
            # (B x O)_a = eps_abc B_b O_c
            self.torque[layer][:, here, here] = np.cross(
                table.exchange[i][:, None, None], table.exchange_operator[i], axisa=0, axisb=0
            ).transpose(2, 0, 1)

    def at(self, onsite, coupling):
        """H within sites, between sites of a layer, and between layers, for a batch."""
        within = [h * same for h, same in zip(onsite, self.same_site, strict=True)]
        between = [h - w for h, w in zip(onsite, within, strict=True)]
        return within, between, coupling

    def expectation(self, local, blocks: NeighbourBlocks) -> NDArray:
        """(B, sites, 3 quantities, 3 components), complex."""
        within, between, coupling = local
        layers = []
        for n, density in enumerate(blocks.diagonal):
            spin = self.spins[n][:, None]
            torque = _trace_rows(self.torque[n][:, None], density)
            inside = 1j * _trace_rows(spin @ within[n] - within[n] @ spin, density)
            lost, inflow = self._bonds(spin, spin, between[n], density, density)
            if n:  # H_{n,n-1}
                parts = blocks.lower[n - 1], blocks.upper[n - 1]
                more = self._bonds(spin, self.spins[n - 1][:, None], coupling[n - 1], *parts)
                lost, inflow = lost + more[0], inflow + more[1]
            if n < len(coupling):  # H_{n,n+1}
                back = coupling[n].conj().swapaxes(1, 2)
                parts = blocks.upper[n], blocks.lower[n]
                more = self._bonds(spin, self.spins[n + 1][:, None], back, *parts)
                lost, inflow = lost + more[0], inflow + more[1]
            layers.append(np.stack([torque, inside - torque + lost, inflow]))
        return self._by_site(layers)

    @staticmethod
    def _bonds(spin, other, hopping, here_there, there_here):
        """Row by row: lost to the lattice and inflow over H_{here,there}.

        `here_there` is the density matrix's block with rows here and columns there.
        """
        forward, backward = spin @ hopping, hopping @ other
        change, flow = forward - backward, forward + backward
        adjoint = hopping.conj().swapaxes(-1, -2)
        # the adjoint hopping's commutator is -change^+, its anticommutator flow^+
        change_back = other @ adjoint - adjoint @ spin
        flow_back = other @ adjoint + adjoint @ spin
        into_change = _trace_rows(change, there_here), _trace_columns(change_back, here_there)
        into_flow = _trace_rows(flow, there_here), _trace_columns(flow_back, here_there)
        return 0.5j * (into_change[0] + into_change[1]), -0.5j * (into_flow[0] - into_flow[1])

    def _by_site(self, layers: list[NDArray]) -> NDArray:
        table = self.chain.sites
        # (3 quantities, 3 components, B, rows) of each layer
        values = [
            layers[layer][..., offset : offset + width].sum(axis=-1)
            for layer, offset, width in zip(table.layer, table.offset, table.orbitals, strict=True)
        ]
        return np.stack(values).transpose(3, 0, 1, 2)


def _trace_rows(operator: NDArray, density: NDArray) -> NDArray:
    """(O X)_rr for every row r: (3, B, n)."""
    return np.einsum("abrc,bcr->abr", np.broadcast_to(operator, _wide(operator, density)), density)


def _trace_columns(operator: NDArray, density: NDArray) -> NDArray:
    """(X O)_rr for every row r: (3, B, n)."""
    return np.einsum("brc,abcr->abr", density, np.broadcast_to(operator, _wide(operator, density)))


def _wide(operator: NDArray, density: NDArray) -> tuple[int, ...]:
    return (operator.shape[0], len(density), *operator.shape[2:])
