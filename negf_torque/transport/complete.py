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

States that are bound in the device belong to no lead, and nothing here fills or empties them.  They
show up as what a shift of all levels moves through the chemical potential beyond the states of the
leads; at T = 0 the sea is then taken at real momenta, where it leaves their occupation alone.  At a
temperature it fills them anew: the result is marked, and a common shift of all levels by the
voltage takes their density away.
"""

import warnings
from dataclasses import dataclass, field, replace
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.notices import PhysicsWarning
from negf_torque.transport.complex_momenta import momentum_shift
from negf_torque.transport.linear import WindowResponse, window_response
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.sea import lowest_energy, sea_response
from negf_torque.transport.torque import exchange_torque_error, sum_by_magnet
from negf_torque.transport.window_and_sea import WindowAndSea

__all__ = ["CompleteResponse", "complete_response", "lowest_energy", "sea_response"]

#: Relative tolerance of the look for bound states.
_LOOSE = 1e-3


@dataclass(frozen=True, kw_only=True)
class CompleteResponse(WindowAndSea):
    """Linear response to a voltage, independent of how it is divided between the leads.

    Attributes
    ----------
    division : float
        lambda: the share of the voltage by which the left lead is raised.
    sea_magnet_error : (magnets, 3)
        Estimated errors of the sea's torque on each magnet, e/(4 pi), component by component:
        what vanishes by symmetry has none.
    bound_states : float
        Largest density (1/eV, times 2 pi) of states at the chemical potential that no lead fills;
        above 0 it marks a result that they take part in.  At T = 0 their occupation stays as it
        is, whatever the potential; at a temperature results depend on `division` by as much.
    """

    window: WindowResponse
    division: float
    sea_magnet_error: NDArray = field(default_factory=lambda: np.zeros((0, 3)))
    bound_states: float = 0.0

    @property
    def torkance_error(self) -> NDArray:
        """(magnets, 3): estimated error of `magnet_torkance`, component by component."""
        chain, share = self.device, (self.division, self.division - 1)
        spins = self.window.exchange_error_by_lead
        if spins.shape[1]:
            spin = np.tensordot(np.abs(share), spins, 1)
        else:
            spin = np.full((len(chain.sites.layer), 3), self.window.density_error)
        site = exchange_torque_error(chain.sites, spin)
        sea = self.sea_magnet_error if len(self.sea_magnet_error) else 0.0
        return sum_by_magnet(chain.sites, site, chain.magnets) + sea


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
        If `neutrality` is unknown or `division` no number.

    Warns
    -----
    PhysicsWarning
        If at a temperature bound states lie near the chemical potential, which no lead fills.
    """
    if neutrality not in ("electrochemical", "neutral"):
        raise ValueError(
            f"neutrality: {neutrality!r} is unknown. Expected 'electrochemical' or 'neutral'."
        )
    if not (isinstance(division, Real) and np.isfinite(division)):
        raise ValueError(
            f"division: {division!r} is not a share of the voltage. Give one number, as 0.5."
        )
    sampling = sampling or Sampling()
    if window is None:
        window = window_response(chain, energy, sampling)
    share = np.array([division, division - 1])
    by_lead = window.density_by_lead[:, :, 0]
    real, bound = False, 0.0
    if _sees_bound_states(chain, sampling):
        bound = _bound_states(chain, energy, sampling, window)
        real = bound > 0 and sampling.temperature == 0
    if neutrality == "electrochemical":
        total = by_lead.sum(axis=0)
        if np.any(total <= 0):
            raise ValueError(
                "neutrality: a site has no states at this energy, so that its electrochemical "
                "potential is undefined. Use neutrality 'neutral'."
            )
        potential, converged = share @ by_lead / total, True
    else:
        potential, converged = _neutral_potential(chain, energy, sampling, share, by_lead, real)
    sea = sea_response(
        chain, energy, potential[:, None], share[:, None], sampling, magnets=True, real_momenta=real
    )
    sites = len(chain.sites.layer)
    value = sea.value[: 7 * sites].reshape(sites, 7)
    return CompleteResponse(
        window=window,
        division=division,
        potential=potential,
        neutrality=neutrality,
        window_density=np.tensordot(share, window.density_by_lead, 1) / (2 * np.pi),
        sea_density=value[:, :4],
        window_exchange=np.tensordot(share, window.exchange_density_by_lead, 1) / (2 * np.pi),
        sea_exchange=value[:, 4:],
        sea_error=float(sea.error[: 7 * sites].max()),
        converged=window.converged and sea.converged and converged,
        sea_magnet_error=2 * np.pi * sea.error[7 * sites :].reshape(-1, 3),
        bound_states=bound,
    )


def _sees_bound_states(chain: LayerChain, sampling: Sampling) -> bool:
    """Whether the sea would fill bound states anew when a potential moves them."""
    if sampling.temperature > 0:
        return True
    return sampling.mesh is None and momentum_shift(chain) is not None


def _bound_states(
    chain: LayerChain, energy: float, sampling: Sampling, window: WindowResponse
) -> float:
    """Largest density (times 2 pi) of states at the chemical potential that belong to no lead.

    A shift of all levels moves every state through the chemical potential, those of the leads
    and those that are bound in the device: the sum rule's excess over the window's density.
    """
    sites = len(chain.sites.layer)
    loose = replace(sampling, tolerance=max(sampling.tolerance, _LOOSE))
    sea = sea_response(chain, energy, np.ones((sites, 1)), np.ones((2, 1)), loose)
    of_leads = window.density_by_lead[:, :, 0].sum(axis=0)
    excess = -2 * np.pi * sea.value.reshape(sites, 7)[:, 0] - of_leads
    error = 2 * np.pi * sea.error.max() + 2 * window.density_error + _LOOSE * of_leads.max()
    found = float(excess.max())
    if found <= error:
        return 0.0
    if sampling.temperature > 0:
        warnings.warn(
            f"temperature: within k_B T of {energy:g} eV there are states bound in the device "
            f"(density {found / (2 * np.pi):.2g} per eV and site at most), which no lead fills. "
            "The complete torque then depends a little on how the voltage is divided.",
            PhysicsWarning,
            stacklevel=3,
        )
    return found


def _neutral_potential(
    chain: LayerChain,
    energy: float,
    sampling: Sampling,
    share: NDArray,
    by_lead: NDArray,
    real_momenta: bool,
) -> tuple[NDArray, bool]:
    """U with chi U = -(window charge + chi_L U_L + chi_R U_R), site by site."""
    sites = len(chain.sites.layer)
    patterns = np.concatenate([np.eye(sites), np.zeros((sites, 1))], axis=1)
    leads = np.zeros((2, sites + 1))
    leads[:, -1] = share
    sea = sea_response(chain, energy, patterns, leads, sampling, real_momenta=real_momenta)
    charge = sea.value.reshape(sites + 1, sites, 7)[:, :, 0]
    chi, from_leads = charge[:-1].T, charge[-1]
    return np.linalg.solve(chi, -(share @ by_lead / (2 * np.pi) + from_leads)), sea.converged
