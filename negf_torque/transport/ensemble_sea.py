"""Explicit configurations: what the Fermi sea answers to the potential, configuration by one.

The window is not the whole linear response of a torque (see `negf_torque.transport.complete`);
the sea's part is added here for impure devices.  The potential U_i is one and the same for all
configurations: the electrochemical potential of the averaged conductor.  As dG falls off like
1/z^2 the contour may come down from infinity,

    -(1/pi) Im int_C dz X(z) = (1/pi) int_0^inf dy Re X(mu + i y),    y = y0 (1 + x)/(1 - x),

and Gauss-Legendre points in -1 < x < 1 converge geometrically, the faster the wider the levels
at the Fermi energy are.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder import configurations as ensembles
from negf_torque.greens.response import diagonal_green_derivative
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.complete import lowest_energy
from negf_torque.transport.ensembles import ConfigurationResponse, Configurations
from negf_torque.transport.leads import attach_analytic, fourier_blocks
from negf_torque.transport.torque import exchange_torque, sum_by_magnet

__all__ = ["CompleteConfigurations", "complete_configurations", "falling_line"]

#: Points of the integral over energies; twice as many change a configuration's sea by about 1e-4
#: where the levels are 1e-3 of the band's width wide.
_POINTS = 32


@dataclass(frozen=True)
class CompleteConfigurations:
    """Complete linear response to a voltage, averaged over configurations.

    Attributes
    ----------
    response : ConfigurationResponse
        The window's part, from as many configurations as it holds.
    division : float
        lambda: the share of the voltage by which the left lead is raised.
    potential : (sites,)
        U_i/V.
    sea : Ensemble
        Columns: torkance of the magnets (magnet, component; e/(4 pi) per cell; kept one by one),
        then per site particles, spin (3) and exchange operator (3) per volt.
    """

    response: ConfigurationResponse
    division: float
    potential: NDArray
    sea: ensembles.Ensemble

    @property
    def window_torkance(self) -> NDArray:
        """(sites, 3), e/(4 pi) per cell."""
        window = self.response.window
        density = np.tensordot(self._share, window.exchange_density_by_lead, 1)
        return exchange_torque(window.chain.sites, density)

    @property
    def sea_torkance(self) -> NDArray:
        """(sites, 3), e/(4 pi) per cell."""
        return 2 * np.pi * exchange_torque(self._sites, self._sea_columns(self.sea.mean)[:, 4:])

    @property
    def site_torkance(self) -> NDArray:
        """(sites, 3), e/(4 pi) per cell: window and sea."""
        return self.window_torkance + self.sea_torkance

    @property
    def magnet_torkance(self) -> NDArray:
        """(magnets, 3), e/(4 pi) per cell."""
        chain = self.response.window.chain
        return sum_by_magnet(chain.sites, self.site_torkance, chain.magnets)

    @property
    def magnet_torkance_error(self) -> NDArray:
        """(magnets, 3): standard errors of window and sea together."""
        magnets = len(self.response.window.chain.magnets)
        samples = self.response.ensemble.samples
        by_lead = samples[:, 1:].reshape(len(samples), 2, magnets, 3)
        window = np.einsum("p,npmc->nmc", self._share, by_lead)
        spread = window.std(axis=0, ddof=1) / np.sqrt(len(window))
        sea = self.sea.standard_error[: 3 * magnets].reshape(magnets, 3)
        return np.hypot(spread, sea)

    @property
    def _share(self) -> NDArray:
        return np.array([self.division, self.division - 1])

    @property
    def _sites(self):
        return self.response.window.chain.sites

    def _sea_columns(self, row: NDArray) -> NDArray:
        return row[-7 * len(self._sites.layer) :].reshape(-1, 7)


def complete_configurations(
    response: ConfigurationResponse,
    drawn: Configurations,
    configurations: int,
    *,
    division: float = 0.5,
    points: int = _POINTS,
    executor: Executor | None = None,
    workers: int = 1,
    progress: Callable[[ensembles.Ensemble], None] | None = None,
) -> CompleteConfigurations:
    """Add the sea's part to an averaged window response.

    Parameters
    ----------
    response : ConfigurationResponse
        Its averaged densities give the potential.
    drawn : Configurations
        Device and impurities that gave it.
    configurations : int
        Configurations of the sea's average; it varies less than the window and fewer will do.
    division : float
        lambda; the result does not depend on it.
    points : int
        Of the integral over energies.
    executor, workers, progress
        See `negf_torque.disorder.configurations.sample`.
    """
    share = np.array([division, division - 1])
    by_lead = response.window.density_by_lead[:, :, 0]
    total = by_lead.sum(axis=0)
    if np.any(total <= 0):
        raise ValueError("energy: a site has no states; its electrochemical potential is undefined")
    potential = share @ by_lead / total
    sea = ensembles.sample(
        partial(sea_columns, drawn, potential, share, points),
        configurations,
        seed=response.seed,
        kept=3 * len(drawn.chain.magnets),
        executor=executor,
        workers=workers,
        block=_sea_block(drawn),
        progress=progress,
    )
    return CompleteConfigurations(response, division, potential, sea)


def _sea_block(drawn: Configurations) -> int:
    """Configurations at once, so that one layer's matrices take some megabytes."""
    size = max(drawn.supercell.chain.sizes)
    return max(1, min(ensembles.BLOCK, 20_000 // (_POINTS * size**2) + 1))


def falling_line(bottom: float, top: float, points: int = _POINTS) -> tuple[NDArray, NDArray]:
    """Points z = top + i y and weights dy/pi; y0 is an eighth of the distance to `bottom`.

    Examples
    --------
    How a site at the end of a half-filled chain answers a potential on it, -1/pi Im int dz g^2:

    >>> z, weight = falling_line(-3.0, 0.0)
    >>> green = (z - np.sqrt(z - 2) * np.sqrt(z + 2)) / 2
    >>> bool(abs(weight @ (green**2).real + 4 / (3 * np.pi)) < 1e-12)
    True
    """
    nodes, weights = np.polynomial.legendre.leggauss(points)
    unit = (top - bottom) / 8
    heights, slopes = unit * (1 + nodes) / (1 - nodes), 2 * unit / (1 - nodes) ** 2
    return top + 1j * heights, weights * slopes / np.pi


def sea_columns(
    drawn: Configurations, potential: NDArray, share: NDArray, points: int, seeds: NDArray
) -> NDArray:
    """Columns of `CompleteConfigurations.sea`, one row per seed.

    Parameters
    ----------
    potential : (sites,)
        U_i/V of the original device's sites.
    share : (2,)
        U_p/V of the leads.
    points : int
        Of the integral over energies.
    seeds : (B,)
    """
    whole, chain, cell = drawn.supercell, drawn.supercell.chain, drawn.chain
    blocks = drawn.layer_potentials(seeds)
    z, weights = falling_line(lowest_energy(chain), drawn.energy, points)
    pattern = potential[whole.origin]
    total = np.zeros((len(seeds), len(cell.sites.layer), 7))
    for k in drawn.momenta(seeds):
        change = _derivative(chain, blocks, k, z, pattern, share)
        total += _expectations(chain, whole.origin, change, weights, len(cell.sites.layer))
    sites = total / (whole.cells * drawn.mesh**cell.dimension)
    torque = 2 * np.pi * exchange_torque(cell.sites, sites[:, :, 4:])
    by_magnet = sum_by_magnet(cell.sites, torque, cell.magnets)
    return np.concatenate(
        [by_magnet.reshape(len(seeds), -1), sites.reshape(len(seeds), -1)], axis=1
    )


def _derivative(
    chain: LayerChain,
    blocks: Sequence[NDArray | None],
    k: NDArray,
    z: NDArray,
    potential: NDArray,
    share: NDArray,
) -> list[NDArray]:
    """dG_ll per volt of all configurations and points of the contour: L x (B, Z, n_l, n_l)."""
    count, points = len(k), len(z)
    distinct = count if chain.dimension else 1
    momenta = np.repeat(k[:distinct], points, axis=0)
    energies = np.tile(z, distinct)
    phases = chain.phases(momenta)
    sigma = [
        [
            x.reshape(distinct, points, *x.shape[1:])
            for x in attach_analytic(lead, n, phases, energies)
        ]
        for lead, n in ((chain.left, chain.sizes[0]), (chain.right, chain.sizes[-1]))
    ]
    onsite, coupling = fourier_blocks(chain, chain.phases(k[:distinct]))
    rows = [np.zeros(n) for n in chain.sizes]
    table = chain.sites
    for i, layer in enumerate(table.layer):
        rows[layer][table.offset[i] : table.offset[i] + table.orbitals[i]] = potential[i]
    diagonal, change = [], []
    for layer, (n, h) in enumerate(zip(chain.sizes, onsite, strict=True)):
        whole = np.broadcast_to(h, (count, n, n))
        block = blocks[layer]
        if block is not None:
            whole = whole + np.moveaxis(block, -1, 0)
        diagonal.append(z[:, None, None] * np.eye(n) - whole[:, None])
        change.append(-np.diag(rows[layer]).astype(complex))
    for end, p in ((0, 0), (-1, 1)):
        diagonal[end] = diagonal[end] - sigma[p][0]
        change[end] = change[end] + share[p] * sigma[p][1]
    bonds = [v[:, None] for v in coupling]
    return diagonal_green_derivative(diagonal, bonds, change)[1]


def _expectations(
    chain: LayerChain, origin: NDArray, change: list[NDArray], weights: NDArray, sites: int
) -> NDArray:
    """Integral of Re tr O dG_ii/pi over the line, summed over the cells: (B, sites, 7)."""
    table = chain.sites
    summed = [np.einsum("z,bzij->bij", weights, x) for x in change]
    total = np.zeros((len(change[0]), sites, 7))
    for i, layer in enumerate(table.layer):
        rows = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        operators = np.concatenate(
            [np.eye(table.orbitals[i])[None], table.spin[i], table.exchange_operator[i]]
        )
        here = summed[layer][:, rows, rows]
        total[:, origin[i]] += np.einsum("aij,bji->ba", operators, here).real
    return total
