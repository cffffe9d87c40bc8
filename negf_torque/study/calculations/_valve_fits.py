"""Slonczewski form of a valve's torque per current, with the errors of what it is fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from negf_torque.transport.valve import ValveResult

__all__ = ["fits"]


def fits(valve: ValveResult, values: dict[str, Any]) -> dict[str, Any]:
    """Slonczewski form of the angles that are not collinear, as the solvers' inputs use it.

    Errors are those of the torkances that the fit is of, and of the conductance; of a mesh, and of
    exact numbers, the scatter about the fit.
    """
    from negf_torque.llg.slonczewski import constant_fit, constant_fit_error, fit_slonczewski

    eta, perpendicular = np.asarray(values["eta"]), np.asarray(values["eta_out_of_plane"])
    use = (np.sin(valve.angles) > 1e-6) & np.isfinite(eta) & np.isfinite(perpendicular)
    if use.sum() < 2 or not np.any(eta[use]):
        names = ("polarisation", "Lambda", "epsilon_prime", "fit_residual")
        return dict.fromkeys(names, np.nan)
    theta, conductance = valve.angles[use], valve.conductance[use]
    free = valve.responses[0].chain.magnets.index(valve.free)
    prefix = "complete_" if "complete_torkance" in values else ""

    def error(name: str, part: NDArray) -> NDArray | None:
        given = values.get(f"{prefix}torkance_{name}_error")
        if given is None:
            return None
        of_torque = np.asarray(given[1] if isinstance(given, tuple) else given)[use, free]
        relative = np.asarray(values["conductance_error"])[use] / conductance
        return of_torque / (conductance * np.sin(theta)) + np.abs(part[use]) * relative

    errors, uncertain = error("in_plane", eta), error("out_of_plane", perpendicular)
    known = errors is not None and np.any(errors)
    fit = fit_slonczewski(theta, eta[use], errors=errors if known else None)
    epsilon_prime, _ = constant_fit(theta, perpendicular[use])
    sure = None if uncertain is None else constant_fit_error(theta, uncertain) / 2
    return {
        "polarisation": fit.polarisation,
        "polarisation_error": fit.polarisation_error,
        "Lambda": fit.Lambda,
        "Lambda_error": fit.Lambda_error,
        "epsilon_prime": epsilon_prime / 2,
        "epsilon_prime_error": sure,
        "fit_residual": fit.residual,
        "fit_valid": fit.valid,
    }
