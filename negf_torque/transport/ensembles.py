"""A device with explicit impurities: linear response averaged over configurations.

Configuration n is the clean device plus the potentials that a hash of site and seed gives to its
sites, solved exactly.  A periodic cross-section is repeated in a supercell whose cells differ; its
momenta K = 2 pi (j + r)/mesh are shifted by a random r of each configuration (twisted boundary
conditions), so that the average over configurations is one over the whole zone as well, without a
mesh error.  What remains is the statistical error, and that of the finite supercell.
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder import configurations as ensembles
from negf_torque.disorder.impurities import Impurity
from negf_torque.disorder.site_hash import position_keys, site_keys, uniform
from negf_torque.disorder.sites import draw_potentials, site_disorder
from negf_torque.greens.quadrature import shifted_mesh
from negf_torque.greens.surface import LeadSelfEnergy
from negf_torque.lattice.layers import LayerChain
from negf_torque.lattice.supercell import Supercell, supercell
from negf_torque.notices import ConvergenceWarning
from negf_torque.transport.arguments import chain_of, impurities_of, real_energy
from negf_torque.transport.device import Device, Response, make_device, solve
from negf_torque.transport.leads import lead_self_energies
from negf_torque.transport.linear import WindowResponse, pack_window, unpack_window
from negf_torque.transport.torque import bias_windows, exchange_torque, sum_by_magnet

__all__ = [
    "ConfigurationResponse",
    "Configurations",
    "configuration_response",
    "kept_columns",
    "response_of",
    "window_columns",
]

#: Numbers that every impurity of a site draws (`disorder.sites.draw_potentials`).
_DRAWS = 4
#: Label of the random numbers that are no site's.
_TWIST = b"twist of the boundary conditions"


@dataclass(frozen=True)
class Configurations:
    """A device and its impurities, to be drawn.

    Attributes
    ----------
    chain : LayerChain
        The clean device.
    energy : float
        Fermi energy in eV.
    impurities : tuple of Impurity
        Their potentials come in full, with their mean: an alloy shifts the bands.
    cells : int
        Cells of the supercell per periodic direction.
    mesh : int
        Momenta of the supercell's zone per direction.
    """

    chain: LayerChain
    energy: float
    impurities: tuple[Impurity, ...]
    cells: int = 1
    mesh: int = 1

    def __post_init__(self) -> None:
        chain_of(self.chain)
        real_energy(self.energy)
        object.__setattr__(self, "impurities", impurities_of(self.impurities))
        for name in ("cells", "mesh"):
            count = getattr(self, name)
            if count != int(count) or count < 1:
                raise ValueError(f"{name}: {count!r} is not a whole number, 1 or more.")

    def __getstate__(self) -> dict:
        names = ("chain", "energy", "impurities", "cells", "mesh")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def supercell(self) -> Supercell:
        """The cross-section's cells, each of which draws for itself."""
        return supercell(self.chain, self.cells)

    @cached_property
    def device(self) -> Device:
        """The clean supercell."""
        return make_device(self.supercell.chain)

    @cached_property
    def kinds(self) -> tuple[Impurity, ...]:
        """The impurities with the supercell's site numbers."""
        origin = self.supercell.origin
        return tuple(
            kind
            if kind.sites is None
            else replace(kind, sites=tuple(np.flatnonzero(np.isin(origin, kind.sites)).tolist()))
            for kind in self.impurities
        )

    @cached_property
    def _keys(self) -> NDArray:
        whole = self.supercell
        return position_keys(self.chain.sites.position[whole.origin], whole.cell)

    @cached_property
    def _disordered(self) -> NDArray:
        return site_disorder(self.supercell.chain.sites, self.kinds).sites

    def potentials(self, seeds: NDArray) -> list[NDArray]:
        """Potential of every site of the supercell: (B, m_i, m_i), in eV."""
        table = self.supercell.chain.sites
        draws = np.full((len(seeds), len(self._keys), len(self.kinds), _DRAWS), 0.5)
        for kind in range(len(self.kinds)):
            for number in range(_DRAWS):
                stream = _DRAWS * kind + number
                drawn = uniform(self._keys[self._disordered], seeds, stream)
                draws[:, self._disordered, kind, number] = drawn.T
        return draw_potentials(table, self.kinds, draws)

    def layer_potentials(self, seeds: NDArray) -> list[NDArray | None]:
        """The same as blocks of layers, (n_l, n_l, B); None where nothing is random."""
        chain = self.supercell.chain
        table, sizes = chain.sites, chain.sizes
        blocks: list[NDArray | None] = [None] * len(sizes)
        drawn = self.potentials(seeds)
        for i in self._disordered:
            layer = table.layer[i]
            if blocks[layer] is None:
                blocks[layer] = np.zeros((sizes[layer], sizes[layer], len(seeds)), complex)
            here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
            blocks[layer][here, here] = np.moveaxis(drawn[i], 0, -1)
        return blocks

    def momenta(self, seeds: NDArray) -> NDArray:
        """Momenta of the supercell, (points, B, d)."""
        d = self.chain.dimension
        if d == 0:
            return np.zeros((1, len(seeds), 0))
        key = site_keys([_TWIST])
        twist = np.stack([uniform(key, seeds, axis)[0] for axis in range(d)], axis=1)
        # from the mesh's half-way points to r/mesh beyond its corners
        return shifted_mesh([self.mesh] * d)[:, None, :] + 2 * np.pi * (twist - 0.5) / self.mesh

    def responses(self, seeds: NDArray) -> list[Response]:
        """The supercell's response of each configuration, one entry for each momentum."""
        potentials = self.layer_potentials(np.asarray(seeds))
        return [self._response(k, potentials) for k in self.momenta(np.asarray(seeds))]

    def _response(self, k: NDArray, potentials: list[NDArray | None]) -> Response:
        chain, energy = self.supercell.chain, np.full(len(k), self.energy)
        leads = None
        if chain.dimension == 0:
            one = lead_self_energies(chain, k[:1], energy[:1])
            leads = _repeated(one[0], len(k)), _repeated(one[1], len(k))
        return solve(self.device, k, energy, leads, self_energy=potentials)


def _repeated(lead: LeadSelfEnergy, times: int) -> LeadSelfEnergy:
    arrays = lead.sigma, lead.vectors, lead.flux, lead.open_channels
    return LeadSelfEnergy(*(np.repeat(x, times, axis=0) for x in arrays))


@dataclass(frozen=True)
class ConfigurationResponse:
    """Linear response averaged over configurations.

    Attributes
    ----------
    window : WindowResponse
        Means, per cell of the original device; its errors are standard errors, of arrays the
        largest one.
    ensemble : Ensemble
        Column 0 of its samples is the conductance (e^2/h per cell), then follow the torkances
        (lead, magnet, component) of the states of the left and the right lead, e/(4 pi) per cell.
    seed : int
        The first configuration's.
    """

    window: WindowResponse
    ensemble: ensembles.Ensemble
    seed: int

    @property
    def conductances(self) -> NDArray:
        """(n,): the conductance of every configuration, e^2/h per cell."""
        return self.ensemble.samples[:, 0]

    @property
    def magnet_torkances(self) -> NDArray:
        """(3, n, magnets, 3): of every configuration for each bias, e/(4 pi) per cell."""
        magnets = len(self.window.chain.magnets)
        samples = self.ensemble.samples
        by_lead = samples[:, 1:].reshape(len(samples), 2, magnets, 3)
        return bias_windows(np.moveaxis(by_lead, 1, 0))

    @property
    def magnet_torkance_error(self) -> NDArray:
        """(3, magnets, 3): standard errors."""
        return self.magnet_torkances.std(axis=1, ddof=1) / np.sqrt(self.ensemble.count)


def configuration_response(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    configurations: int,
    *,
    seed: int = 0,
    standard_error: float | None = None,
    cells: int = 1,
    mesh: int = 1,
    executor: Executor | None = None,
    workers: int = 1,
    start: ensembles.Ensemble | None = None,
    progress: Callable[[ensembles.Ensemble], None] | None = None,
) -> ConfigurationResponse:
    """Average the window response of a device over configurations of its impurities.

    Parameters
    ----------
    chain : LayerChain
        The clean device.
    energy : float
        Fermi energy in eV; zero temperature.
    impurities : sequence of Impurity
    configurations : int
        Configurations at most.
    seed, standard_error, executor, workers, start, progress
        See `negf_torque.disorder.configurations.sample`; the standard error is the
        conductance's, relative to it.
    cells, mesh : int
        Periodic cross-sections: cells of the supercell and momenta of its zone, per direction.

    Raises
    ------
    ValueError
        If an argument is out of range, or something is not a kind of impurity.

    Warns
    -----
    ConvergenceWarning
        If the requested standard error was not reached.

    Examples
    --------
    Impurities on every site are no disorder: all configurations are the same shifted crystal.

    >>> from negf_torque.disorder.impurities import NonmagneticImpurities
    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> chain = layer_chain(build_stack([Layer(2)], cross_section="chain"))
    >>> found = configuration_response(chain, -0.5, [NonmagneticImpurities(1.0, 0.3)], 4)
    >>> round(found.window.conductance_error, 9)
    0.0
    """
    drawn = Configurations(chain, energy, impurities_of(impurities), cells, mesh)
    ensemble = ensembles.sample(
        partial(window_columns, drawn), configurations, seed=seed, kept=kept_columns(chain),
        standard_error=standard_error, executor=executor, workers=workers, start=start,
        progress=progress,
    )  # fmt: skip
    return response_of(chain, ensemble, mesh, standard_error)


def kept_columns(chain: LayerChain) -> int:
    """How many of `window_columns` are kept configuration by configuration."""
    return 1 + 6 * len(chain.magnets)


def response_of(
    chain: LayerChain,
    ensemble: ensembles.Ensemble,
    mesh: int = 1,
    standard_error: float | None = None,
) -> ConfigurationResponse:
    """The response that an ensemble of `window_columns` holds.

    Parameters
    ----------
    chain : LayerChain
        The clean device.
    ensemble : Ensemble
        With `kept_columns(chain)` columns kept.
    mesh : int
        Momenta of the supercell's zone, per direction.
    standard_error : float, optional
        What was asked for, relative to the conductance.

    Warns
    -----
    ConvergenceWarning
        If the requested standard error was not reached.
    """
    if standard_error is not None and not ensemble.stopped:
        reached = ensemble.standard_error[0] / abs(ensemble.mean[0])
        warnings.warn(
            f"{ensemble.count} configurations give the conductance to {reached:.2g}, not to the "
            f"requested {standard_error:g}; the result is marked. Allow more configurations.",
            ConvergenceWarning,
            stacklevel=3,
        )
    kept = kept_columns(chain)
    window = unpack_window(
        ensemble.mean[kept:],
        ensemble.standard_error[kept:],
        make_device(chain),
        ensemble.count * mesh**chain.dimension,
        standard_error is None or ensemble.stopped,
    )
    return ConfigurationResponse(window, ensemble, int(ensemble.seeds[0]))


def window_columns(drawn: Configurations, seeds: NDArray) -> NDArray:
    """What is kept of each configuration, then what `pack_window` lists, per cell: (B, columns)."""
    small, table = make_device(drawn.chain), drawn.chain.sites
    packed: Any = 0
    torque: Any = 0
    for response in drawn.responses(seeds):
        cell = _per_cell(response, drawn.supercell, small.sites)
        packed = packed + pack_window(cell, small)
        density = np.moveaxis(cell.exchange_density, 3, 0)
        by_site = exchange_torque(table, density)
        torque = torque + sum_by_magnet(table, by_site, drawn.chain.magnets)
    points = drawn.mesh**drawn.chain.dimension
    packed, torque = packed / points, torque / points
    return np.concatenate([packed[:, :1], torque.reshape(len(seeds), -1), packed], axis=1)


def _per_cell(response: Response, whole: Supercell, sites: int) -> Response:
    """Sums over a supercell, divided by its cells; sites by the cell's site that they repeat."""

    def folded(per_site: NDArray) -> NDArray:
        total = np.zeros((2, sites, *per_site.shape[2:]))
        place: Any = (slice(None), whole.origin)
        np.add.at(total, place, per_site)
        return total / whole.cells

    return replace(
        response,
        transmission=response.transmission / whole.cells,
        density=folded(response.density),
        exchange_density=folded(response.exchange_density),
        current=response.current / whole.cells,
        open_channels=response.open_channels / whole.cells,
    )
