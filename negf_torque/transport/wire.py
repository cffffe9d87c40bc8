"""Magnetic wires: what a texture costs in conductance and what torque the current exerts on it.

A wire between collinear leads is compared with itself when all moments point along its left end.
The difference of the two resistances is the wall's; the spin current of the uniform wire, I_s,
gives the torque of the adiabatic limit, in which every spin is turned from the first to the last
direction,

    T -> I_s (m_first - m_last),

for a 180-degree wall 2 (N_up - N_dn) along the left moment, N the open channels of each spin.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain, SiteTable, aligned
from negf_torque.transport.complete import CompleteResponse, complete_response
from negf_torque.transport.linear import WindowResponse, window_response
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.texture import (
    TextureGeometry,
    TextureProjection,
    end_directions,
    project,
    texture_geometry,
)
from negf_torque.transport.torque import exchange_torque_error, sum_by_magnet

__all__ = ["PARTS", "WireResponse", "uniform_wire", "wire_response"]

#: Parts of the linear response, in the order of `WireResponse.site_torkance`.
PARTS = ("complete", "symmetric", "left", "right", "sea")


@dataclass(frozen=True)
class WireResponse:
    """Response of a textured wire to a voltage, beside that of the uniform wire.

    Attributes
    ----------
    chain : LayerChain
    geometry : TextureGeometry
    window, uniform : WindowResponse
        Of the wire, and of the same wire with all moments along its left end.
    complete : CompleteResponse or None
        None if only the window was asked for.
    """

    chain: LayerChain
    geometry: TextureGeometry
    window: WindowResponse
    uniform: WindowResponse
    complete: CompleteResponse | None

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts of the response that were computed; the first one is the answer."""
        return PARTS if self.complete is not None else PARTS[1:4]

    @cached_property
    def site_torkance(self) -> NDArray:
        """(parts, sites, 3), e/(4 pi)."""
        windows = self.window.site_torkance_by_bias[[2, 0, 1]]
        if self.complete is None:
            return windows
        whole, sea = self.complete.site_torkance, self.complete.sea_torkance
        return np.concatenate([whole[None], windows, sea[None]])

    @cached_property
    def site_torkance_error(self) -> NDArray:
        """(parts, sites, 3): bounds on the errors of `site_torkance`, component by component."""
        found = self._window_error
        if self.complete is None:
            return found
        size = np.full((len(self.chain.sites.layer), 3), 2 * np.pi * self.complete.sea_error)
        sea = exchange_torque_error(self.chain.sites, size)
        return found + self._with_sea[:, None, None] * sea

    @property
    def magnet_torkance_error(self) -> NDArray:
        """(parts, magnets, 3): estimated errors of sums over magnets, component by component.

        The sea's is that of each sum, far smaller than the sum of its sites' errors.
        """
        chain = self.chain
        if self.complete is None:
            return sum_by_magnet(chain.sites, self._window_error, chain.magnets)
        window = sum_by_magnet(chain.sites, self._window_error, chain.magnets)
        return window + self._with_sea[:, None, None] * self.complete.sea_magnet_error

    @property
    def total_torkance_error(self) -> NDArray:
        """(parts, 3): estimated errors of `total_torkance`, component by component."""
        named = np.array([name is not None for name in self.chain.sites.magnet])
        others = self.site_torkance_error[:, ~named].sum(axis=1)
        return self.magnet_torkance_error.sum(axis=1) + others

    @cached_property
    def _window_error(self) -> NDArray:
        """(parts, sites, 3): the window's share in the errors of each part's torkances."""
        shares = np.array([(0.5, 0.5), (1, 0), (0, 1)])
        if self.complete is not None:
            own = np.abs([self.complete.division, self.complete.division - 1])
            shares = np.concatenate([own[None], shares, np.zeros((1, 2))])
        spins = self.window.exchange_error_by_lead
        if not spins.shape[1]:
            spins = np.full((2, len(self.chain.sites.layer), 3), self.window.density_error)
        return exchange_torque_error(self.chain.sites, np.tensordot(shares, spins, 1))

    @property
    def _with_sea(self) -> NDArray:
        """(parts,): whether the sea takes part."""
        return np.array([name not in PARTS[1:4] for name in self.parts], float)

    @property
    def total_torkance(self) -> NDArray:
        """(parts, 3): sum over all moments of the region."""
        return self.site_torkance.sum(axis=1)

    @cached_property
    def projection(self) -> TextureProjection:
        """Adiabatic and non-adiabatic parts; the leading axis is `parts`."""
        return project(self.geometry, self.site_torkance)

    @property
    def wall_resistance(self) -> float:
        """1/G - 1/G_uniform in h/e^2; infinite if nothing is transmitted."""
        return _inverse(self.window.conductance) - _inverse(self.uniform.conductance)

    @property
    def wall_resistance_error(self) -> float:
        """Estimated absolute error of the wall's resistance, h/e^2."""
        return sum(
            r.conductance_error * _inverse(r.conductance) ** 2 for r in (self.window, self.uniform)
        )

    @property
    def uniform_spin_current(self) -> NDArray:
        """(2,): spin current of the uniform wire along its moments on the first and the last
        bond, symmetric bias, e/(4 pi); equal without spin-orbit coupling."""
        start, _ = end_directions(self.chain)
        current = self.uniform.spin_current_by_bias[2][:, 1:] @ start
        return current[[0, -1]]

    @property
    def adiabatic_limit(self) -> NDArray:
        """(3,): torque on the whole texture if every spin follows the moments, e/(4 pi)."""
        start, end = end_directions(self.chain)
        first, last = self.uniform_spin_current
        return first * start - last * end

    @property
    def adiabaticity(self) -> NDArray:
        """(parts,): total torque along the adiabatic limit, divided by it; not-a-number if the
        limit vanishes (both ends parallel)."""
        limit = self.adiabatic_limit
        size = limit @ limit
        if size < 1e-16:
            return np.full(len(self.parts), np.nan)
        return self.total_torkance @ limit / size

    @property
    def polarisation(self) -> NDArray:
        """(parts,): P = A/G of the whole texture, for v0 = P j mu_B/(e M_s)."""
        return self.projection.integrated_adiabatic * _inverse(self.window.conductance)

    @cached_property
    def local_spin_current(self) -> NDArray:
        """(slices,): spin current along the local moment, symmetric bias, e/(4 pi).

        The mean of the bonds before and behind; the adiabatic coefficient of a texture that the
        spins follow.
        """
        current = self.window.spin_current_by_bias[2][:, 1:]
        edges = np.concatenate([current[:1], current, current[-1:]])
        by_layer = (edges[1:] + edges[:-1]) / 2
        geometry = self.geometry
        flow = geometry.total(by_layer[self.chain.sites.layer]) / geometry.members[:, None]
        return np.sum(flow * geometry.mean_moment, axis=1)

    @property
    def converged(self) -> bool:
        """Whether all averages reached their tolerance."""
        results = (self.window, self.uniform, self.complete)
        return all(result.converged for result in results if result is not None)


def _inverse(conductance: float) -> float:
    return 1 / conductance if conductance > 0 else np.inf


def wire_response(
    chain: LayerChain,
    energy: float,
    sampling: Sampling | None = None,
    *,
    complete: bool = True,
    neutrality: str = "electrochemical",
    progress: Callable[[str], None] | None = None,
) -> WireResponse:
    """Transmission, wall resistance and torques of a textured wire.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential in eV.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.
    complete : bool
        Whether the Fermi sea's answer to the potential is added; without it the torque depends
        on how the voltage is divided between the leads.
    neutrality : {"electrochemical", "neutral"}
        See `negf_torque.transport.complete`.
    progress : callable, optional
        Called with a word on each stage.

    Raises
    ------
    ValueError
        If there is no moment.

    Examples
    --------
    A wall that is wide against 1/(k_up - k_down) lets nearly all electrons follow it:

    >>> from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
    >>> from negf_torque.spin import domain_wall
    >>> wall = Layer(20, exchange=1.0, texture=domain_wall(9.5, 3.0), name="wall")
    >>> ends = [Lead(exchange=1.0, direction=(0, 0, s)) for s in (1, -1)]
    >>> found = wire_response(layer_chain(build_stack([wall], *ends, "chain")), -0.2)
    >>> bool(abs(found.wall_resistance) < 1e-4)
    True
    """
    say = progress or (lambda stage: None)
    geometry = texture_geometry(chain)
    say("uniform wire")
    uniform = window_response(uniform_wire(chain), energy, sampling)
    say("scattering states")
    window = window_response(chain, energy, sampling)
    sea = None
    if complete:
        say("Fermi sea")
        sea = complete_response(chain, energy, sampling, neutrality=neutrality, window=window)
    return WireResponse(chain, geometry, window, uniform, sea)


def uniform_wire(chain: LayerChain) -> LayerChain:
    """The same device with all moments, those of the leads too, along its left end."""
    start, _ = end_directions(chain)

    def named(table: SiteTable) -> SiteTable:
        # also moments that belong to no magnet
        return replace(table, magnet=tuple("all" if any(b) else None for b in table.exchange))

    whole = replace(
        chain,
        sites=named(chain.sites),
        left=replace(chain.left, sites=named(chain.left.sites)),
        right=replace(chain.right, sites=named(chain.right.sites)),
    )
    return aligned(whole, {"all": start})
