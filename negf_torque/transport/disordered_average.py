"""Meshes of momenta and energies for devices with impurities, refined until results stand still.

The averaged medium couples all momenta, so that they cannot be refined one by one as in a clean
device: the whole mesh is doubled.  Impurities smooth what the leads' channel openings leave, and
meshes of a few dozen usually do.  At temperature T linear response is an average over energies with
weight -f'(E), taken by the trapezoidal rule: with steps of h k_B T its error is exp(-2 pi^2/h).
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from negf_torque.disorder.impurities import Impurity
from negf_torque.lattice.layers import LayerChain
from negf_torque.notices import ConvergenceWarning
from negf_torque.transport.arguments import real_temperature
from negf_torque.transport.disordered import DisorderedResponse, disordered_response
from negf_torque.units import BOLTZMANN

__all__ = ["converged_response", "thermal_response"]

#: First and last distance of energies in units of k_B T, and where the window ends.
_FIRST_STEP, _LAST_STEP, _REACH = 2.0, 0.25, 22.0
#: Names of the quantities that are linear in the occupation.
_LINEAR = (
    "conductance",
    "conductance_coherent",
    "conductance_vertex",
    "conductance_reversed",
    "density_by_lead",
    "exchange_density_by_lead",
    "current_by_lead",
    "coherent_current_by_lead",
    "impurity_torque_by_lead",
    "open_channels",
)


def converged_response(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    method: str = "born",
    tolerance: float = 1e-3,
    temperature: float = 0.0,
    first_mesh: int = 16,
    largest_mesh: int = 128,
    lead_impurities: tuple[Sequence[Impurity], Sequence[Impurity]] = ((), ()),
) -> DisorderedResponse:
    """Window response on a mesh that is doubled until nothing changes any more.

    Parameters
    ----------
    tolerance : float
        Largest change of conductance, currents and torques from one mesh to the next, relative to
        the conductance.  Densities of sites next to clean leads converge more slowly: their error
        is told, and not waited for.
    temperature : float
        In kelvin.
    first_mesh, largest_mesh : int
        Momenta per direction.

    Returns
    -------
    DisorderedResponse
        With the last changes as error estimates.

    Warns
    -----
    ConvergenceWarning
        If the largest mesh has not reached the tolerance; the result is marked.
    """

    def at(mesh: int) -> DisorderedResponse:
        return thermal_response(
            chain, energy, impurities, method, mesh, temperature, lead_impurities=lead_impurities
        )

    if chain.dimension == 0:
        return at(1)
    mesh, response = first_mesh, at(first_mesh)
    evaluations = response.evaluations
    while True:
        previous, mesh = response, 2 * mesh
        response = at(mesh)
        evaluations += response.evaluations
        change = _changes(previous, response)
        response = replace(
            response,
            conductance_error=change[0],
            current_error=change[1],
            density_error=change[2],
            evaluations=evaluations,
        )
        if max(change[0], change[1], change[3]) <= tolerance * response.conductance:
            return response
        if 2 * mesh > largest_mesh:
            break
    warnings.warn(
        f"the average over momenta has not reached the tolerance {tolerance:g} with {mesh} per "
        f"direction: the conductance still changes by {change[0]:.1e}. The result is marked; "
        "raise tolerance or largest_mesh.",
        ConvergenceWarning,
        stacklevel=2,
    )
    return replace(response, converged=False)


def _changes(one: DisorderedResponse, two: DisorderedResponse) -> tuple[float, float, float, float]:
    """Largest changes of conductance, currents, densities and torques."""

    def largest(name: str) -> float:
        return float(np.abs(getattr(two, name) - getattr(one, name)).max(initial=0.0))

    density = max(largest("density_by_lead"), largest("exchange_density_by_lead"))
    torque = largest("site_torkance_by_bias")
    return largest("conductance"), largest("current_by_lead"), density, torque


def thermal_response(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    method: str = "born",
    mesh: int = 32,
    temperature: float = 0.0,
    tolerance: float = 1e-4,
    lead_impurities: tuple[Sequence[Impurity], Sequence[Impurity]] = ((), ()),
) -> DisorderedResponse:
    """Window response at a temperature; self-energies are those at the chemical potential.

    Parameters
    ----------
    temperature : float
        In kelvin; 0: the chemical potential alone.
    tolerance : float
        Largest change of the conductance when the number of energies is doubled, relative; the
        error that is left is about its square.

    Raises
    ------
    ValueError
        If the temperature is negative or not finite.
    """
    temperature = real_temperature(temperature)

    def at(here: float) -> DisorderedResponse:
        return disordered_response(
            chain, here, impurities, method, mesh, lead_impurities=lead_impurities
        )

    response = at(energy)
    if temperature == 0:
        return response
    width, known = BOLTZMANN * temperature, {0.0: response}
    step, previous, done = _FIRST_STEP, None, False
    while True:
        mean = _over_energies(at, energy, width, step, known)
        if previous is not None:
            error = abs(mean["conductance"] - previous["conductance"])
            done = error <= tolerance * abs(mean["conductance"])
            if done or step / 2 < _LAST_STEP:
                break
        previous, step = mean, step / 2
    if not done:
        warnings.warn(
            f"the average over energies has not reached the tolerance {tolerance:g} with "
            f"{len(known)} of them; the result is marked.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return replace(
        response,
        **mean,
        conductance_error=float(error),
        evaluations=sum(r.evaluations for r in known.values()),
        converged=all(r.converged for r in known.values()) and bool(done),
    )


def _over_energies(
    at: Callable[[float], DisorderedResponse],
    energy: float,
    width: float,
    step: float,
    known: dict[float, DisorderedResponse],
) -> dict[str, Any]:
    """Averages with energies mu + x k_B T, x a multiple of `step`; new ones go into `known`."""
    steps = int(_REACH / step)
    places = step * np.arange(-steps, steps + 1)
    weights = step / (4 * np.cosh(places / 2) ** 2)
    mean: dict[str, Any] = {}
    with warnings.catch_warnings():
        # what the chemical potential itself has told need not be repeated at every energy
        warnings.simplefilter("ignore")
        for weight, x in zip(weights / weights.sum(), places.tolist(), strict=True):
            if x not in known:
                known[x] = at(energy + width * x)
            for name in _LINEAR:
                mean[name] = mean.get(name, 0.0) + weight * getattr(known[x], name)
    return mean
