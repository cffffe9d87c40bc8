"""Complete linear response: the window and what the Fermi sea answers to the potential.

A bias V shifts lead p rigidly by U_p = mu_p (U_L = lambda V, U_R = (lambda - 1) V), and the local
potential U follows so that the conductor stays neutral.  To first order

    <O>/V = (1/2 pi) tr O [lambda A_L + (lambda - 1) A_R]                     (window)
            - (1/pi) Im int_C dz tr O dG/dV,     dG = G (U - sum_p U_p dSigma_p/dz) G    (sea)

with the contour C from below all bands to the chemical potential.  The current is the window's
alone.  A torque is not: its window part depends on lambda, the sum does not.  Without spin-orbit
coupling and with coplanar moments the sea is strictly out-of-plane.

The potential is the local electrochemical potential, U_i = [lambda d_L + (lambda - 1) d_R]/(d_L
+ d_R) with d_p the local density of the states of lead p; or it is the one that leaves every site
neutral, chi U = -(window charge + chi_L U_L + chi_R U_R).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.linear import WindowResponse, window_response
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.sea import lowest_energy, sea_response
from negf_torque.transport.torque import exchange_torque, sum_by_magnet

__all__ = ["CompleteResponse", "complete_response", "lowest_energy", "sea_response"]


@dataclass(frozen=True)
class CompleteResponse:
    """Linear response to a voltage, independent of how it is divided between the leads.

    Attributes
    ----------
    window : WindowResponse
    division : float
        lambda: the share of the voltage by which the left lead is raised.
    potential : (sites,)
        U_i/V in the region.
    neutrality : {"electrochemical", "neutral"}
    window_density, sea_density : (sites, 4)
        Particles and spin per volt, 1/V.
    window_exchange, sea_exchange : (sites, 3)
        The same of the exchange operator.
    sea_error : float
        Largest estimated absolute error of the sea's arrays.
    converged : bool
    sea_exchange_error : float
        Of `sea_exchange` alone.
    """

    window: WindowResponse
    division: float
    potential: NDArray
    neutrality: str
    window_density: NDArray
    sea_density: NDArray
    window_exchange: NDArray
    sea_exchange: NDArray
    sea_error: float
    converged: bool
    sea_exchange_error: float = 0.0

    @property
    def density(self) -> NDArray:
        """(sites, 4): particles and spin per volt, 1/V."""
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
        """(magnets, 3), e/(4 pi), in the order of `chain.magnets`."""
        chain = self.window.chain
        return sum_by_magnet(chain.sites, self.site_torkance, chain.magnets)

    def _torkance(self, exchange: NDArray) -> NDArray:
        return 2 * np.pi * exchange_torque(self.window.chain.sites, exchange)


def complete_response(
    chain: LayerChain,
    energy: float,
    sampling: Sampling | None = None,
    division: float = 0.5,
    neutrality: str = "electrochemical",
    window: WindowResponse | None = None,
) -> CompleteResponse:
    """Complete linear response of a device to a voltage.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential in eV.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.
    division : float
        lambda; the result does not depend on it, only its parts do.
    neutrality : {"electrochemical", "neutral"}
    window : WindowResponse, optional
        If it is known already.

    Raises
    ------
    ValueError
        If `neutrality` is unknown.
    """
    if neutrality not in ("electrochemical", "neutral"):
        raise ValueError(
            f"neutrality: {neutrality!r} is unknown. Expected 'electrochemical' or 'neutral'."
        )
    sampling = sampling or Sampling()
    if window is None:
        window = window_response([chain], energy, sampling)[0]
    share = np.array([division, division - 1])
    by_lead = window.density_by_lead[:, :, 0]
    leads = share
    if neutrality == "electrochemical":
        total = by_lead.sum(axis=0)
        if np.any(total <= 0):
            raise ValueError(
                "neutrality: a site has no states at this energy, so that its electrochemical "
                "potential is undefined. Use neutrality 'neutral'."
            )
        potential, converged = share @ by_lead / total, True
    else:
        potential, converged = _neutral_potential(chain, energy, sampling, share, by_lead)
    sea = sea_response(chain, energy, potential[:, None], leads[:, None], sampling)
    sites = len(chain.sites.layer)
    value = sea.value.reshape(sites, 7)
    return CompleteResponse(
        window=window,
        division=division,
        potential=potential,
        neutrality=neutrality,
        window_density=np.tensordot(share, window.density_by_lead, 1) / (2 * np.pi),
        sea_density=value[:, :4],
        window_exchange=np.tensordot(share, window.exchange_density_by_lead, 1) / (2 * np.pi),
        sea_exchange=value[:, 4:],
        sea_error=float(sea.error.max()),
        converged=window.converged and sea.converged and converged,
        sea_exchange_error=float(sea.error.reshape(sites, 7)[:, 4:].max()),
    )


def _neutral_potential(
    chain: LayerChain, energy: float, sampling: Sampling, share: NDArray, by_lead: NDArray
) -> tuple[NDArray, bool]:
    """U with chi U = -(window charge + chi_L U_L + chi_R U_R), site by site."""
    sites = len(chain.sites.layer)
    patterns = np.concatenate([np.eye(sites), np.zeros((sites, 1))], axis=1)
    leads = np.zeros((2, sites + 1))
    leads[:, -1] = share
    sea = sea_response(chain, energy, patterns, leads, sampling)
    charge = sea.value.reshape(sites + 1, sites, 7)[:, :, 0]
    chi, from_leads = charge[:-1].T, charge[-1]
    return np.linalg.solve(chi, -(share @ by_lead / (2 * np.pi) + from_leads)), sea.converged
