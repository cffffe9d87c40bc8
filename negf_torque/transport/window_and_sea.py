"""Window and Fermi sea of a linear response, and their sum."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.transport.torque import exchange_torque, sum_by_magnet

__all__ = ["WindowAndSea"]

#: 2 pi: densities are per 1/(2 pi) of what torkances count, e/(4 pi).
_TURN = 2 * np.pi


@dataclass(frozen=True, kw_only=True)
class WindowAndSea:
    """Densities that voltages bring, in two parts that only together mean something.

    Attributes
    ----------
    window : WindowResponse or TerminalResponse
    potential : (sites,)
        U_i in the region, in units of the voltage.
    neutrality : {"electrochemical", "neutral"}
    window_density, sea_density : (sites, 4)
        Particles and spin per voltage.
    window_exchange, sea_exchange : (sites, 3)
        The same of the exchange operator.
    sea_error : float
        Largest estimated absolute error of the sea's densities.
    converged : bool
    """

    window: Any
    potential: NDArray
    neutrality: str
    window_density: NDArray
    sea_density: NDArray
    window_exchange: NDArray
    sea_exchange: NDArray
    sea_error: float
    converged: bool

    @property
    def device(self) -> Any:
        """What has the sites and the magnets: a LayerChain or an OpenSystem."""
        return self.window.chain

    @property
    def density(self) -> NDArray:
        """(sites, 4): particles and spin per voltage."""
        return self.window_density + self.sea_density

    @property
    def window_torkance(self) -> NDArray:
        """(sites, 3), e/(4 pi)."""
        return self._torkance(self.window_exchange)

    @property
    def sea_torkance(self) -> NDArray:
        """(sites, 3), e/(4 pi)."""
        return self._torkance(self.sea_exchange)

    @property
    def site_torkance(self) -> NDArray:
        """(sites, 3), e/(4 pi): window and sea."""
        return self.window_torkance + self.sea_torkance

    @property
    def magnet_torkance(self) -> NDArray:
        """(magnets, 3), e/(4 pi), in the order of the device's magnets."""
        return sum_by_magnet(self.device.sites, self.site_torkance, self.device.magnets)

    def _torkance(self, exchange: NDArray) -> NDArray:
        return _TURN * exchange_torque(self.device.sites, exchange)
