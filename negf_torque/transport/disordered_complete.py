"""Complete linear response of a device with impurities: window and sea.

As in `negf_torque.transport.complete`, with the averaged states of the window
(`disordered`) and the averaged answer of the sea (`disordered_sea`): the torque does not depend on
how the voltage is divided between the leads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.impurities import Impurity
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.complete import CompleteResponse
from negf_torque.transport.disordered import DisorderedResponse
from negf_torque.transport.disordered_average import thermal_response
from negf_torque.transport.disordered_device import DisorderedDevice, make_disordered
from negf_torque.transport.disordered_sea import SEA_COLUMNS, disordered_sea

__all__ = ["CompleteDisorderedResponse", "complete_disordered_response"]

#: Smallest tolerance of the window's thermal average: its error is about the square.
_LEAST = 1e-4


@dataclass(frozen=True, kw_only=True)
class CompleteDisorderedResponse(CompleteResponse):
    """`CompleteResponse` of a device with impurities; `window` is a `DisorderedResponse`.

    Attributes
    ----------
    window_impurity_torque, sea_impurity_torque : (sites, 3)
        Spin lost to impurities per voltage, e/(4 pi).
    """

    window_impurity_torque: NDArray = field(default_factory=lambda: np.zeros((0, 3)))
    sea_impurity_torque: NDArray = field(default_factory=lambda: np.zeros((0, 3)))

    @property
    def site_impurity_torque(self) -> NDArray:
        """(sites, 3), e/(4 pi): window and sea."""
        return self.window_impurity_torque + self.sea_impurity_torque


def complete_disordered_response(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    method: str = "born",
    mesh: int = 32,
    division: float = 0.5,
    neutrality: str = "electrochemical",
    tolerance: float = 1e-8,
    window: DisorderedResponse | None = None,
    lead_impurities: tuple[Sequence[Impurity], Sequence[Impurity]] = ((), ()),
    temperature: float = 0.0,
) -> CompleteDisorderedResponse:
    """Complete linear response of a device with impurities to a voltage.

    Parameters
    ----------
    chain, energy, impurities, method, mesh, lead_impurities
        As in `disordered_response`.
    division : float
        lambda: share of the voltage by which the left lead is raised; the result does not depend
        on it, only its parts do.
    neutrality : {"electrochemical", "neutral"}
        The potential of the region: the local electrochemical one, or the one that leaves every
        site neutral.
    tolerance : float
        Relative, of the integral over energies.
    window : DisorderedResponse, optional
        If it is known already (same device, impurities, method, mesh and temperature).
    temperature : float
        Of the leads, K; impurities are frozen.

    Raises
    ------
    ValueError
        If `neutrality` is unknown, or a site has no states at this energy.
    """
    if neutrality not in ("electrochemical", "neutral"):
        raise ValueError(
            f"neutrality: {neutrality!r} is unknown. Expected 'electrochemical' or 'neutral'."
        )
    if window is None:
        window = thermal_response(
            chain,
            energy,
            impurities,
            method,
            mesh,
            temperature,
            max(tolerance, _LEAST),
            lead_impurities,
        )
    device = make_disordered(chain, impurities, method, mesh, lead_impurities)
    share = np.array([division, division - 1])
    by_lead = window.density_by_lead[:, :, 0]
    sites = len(chain.sites.layer)
    if neutrality == "electrochemical":
        total = by_lead.sum(axis=0)
        if np.any(total <= 0):
            raise ValueError(
                "neutrality: a site has no states at this energy, so that its electrochemical "
                "potential is undefined. Use neutrality 'neutral'."
            )
        potential = share @ by_lead / total
        sea, solved = disordered_sea(
            device, energy, potential[:, None], share[:, None], tolerance, temperature
        )
        value = sea.value.reshape(sites, SEA_COLUMNS)
    else:
        potential, value, sea, solved = _neutral(
            device, energy, share, by_lead, tolerance, temperature
        )
    lost = np.tensordot(share, window.impurity_torque_by_lead, 1)
    return CompleteDisorderedResponse(
        window=window,
        division=division,
        potential=potential,
        neutrality=neutrality,
        window_density=np.tensordot(share, window.density_by_lead, 1) / (2 * np.pi),
        sea_density=value[:, :4],
        window_exchange=np.tensordot(share, window.exchange_density_by_lead, 1) / (2 * np.pi),
        sea_exchange=value[:, 4:7],
        sea_error=float(sea.error.max()),
        converged=window.converged and sea.converged and solved,
        window_impurity_torque=lost,
        sea_impurity_torque=2 * np.pi * value[:, 7:],
    )


def _neutral(
    device: DisorderedDevice,
    energy: float,
    share: NDArray,
    by_lead: NDArray,
    tolerance: float,
    temperature: float,
):
    """U with chi U = -(window charge + chi_L U_L + chi_R U_R), and the sea's answer to it."""
    sites = len(by_lead[0])
    patterns = np.concatenate([np.eye(sites), np.zeros((sites, 1))], axis=1)
    leads = np.zeros((2, sites + 1))
    leads[:, -1] = share
    sea, solved = disordered_sea(device, energy, patterns, leads, tolerance, temperature)
    answers = sea.value.reshape(sites + 1, sites, SEA_COLUMNS)
    chi, from_leads = answers[:-1, :, 0].T, answers[-1, :, 0]
    potential = np.linalg.solve(chi, -(share @ by_lead / (2 * np.pi) + from_leads))
    return potential, np.tensordot(potential, answers[:-1], 1) + answers[-1], sea, solved
