"""The text at the top of every exported input: convention, numbers with errors, what is lost."""

from math import degrees

import numpy as np

from negf_torque import __version__
from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export.common import solver_numbers
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.valve import ValveTorque

__all__ = ["POOR_FIT", "header"]

#: Deviation (relative to the largest torque) above which a header calls a fit poor.
POOR_FIT = 0.02


def _convention(thickness_meaning: str) -> list[str]:
    return [
        "CONVENTION",
        "  dm/dt = -g0 m x H + alpha m x dm/dt + a m x (p x m) + b p x m,",
        "  a = g0 B epsilon, b = g0 B epsilon', B = hbar J/(mu0 e Ms d),",
        "  epsilon = P L^2/[(L^2 + 1) + (L^2 - 1) m.p].",
        "  m, p: directions of the MAGNETISATION of the free and the fixed layer; electron spins",
        "  point the opposite way, which reverses the axis of the field-like torque (done here).",
        "  a > 0 pulls m toward p; b > 0 acts as a field b/g0 along +p.",
        "  P here is HALF the P of eta(theta) in transport and circuit theory (epsilon = eta/2).",
        f"  d: {thickness_meaning}",
        "CURRENT",
        "  J = e x (electron flux from left to right), positive for bias V > 0; it is minus the",
        "  conventional current density along the valve's left-to-right axis.  The solver only",
        "  sees the products of J, p and P.",
    ]


_TEXTURE_CONVENTION = [
    "CONVENTION",
    "  dm/dt = -g0 m x H + alpha m x dm/dt - (u.grad) m + beta m x (u.grad) m,",
    "  u = P J mu_B/(e Ms) along the electron flow: the texture moves along +u = +x.",
    "CURRENT",
    "  J = e x (electron flux along +x): minus the conventional current density.",
]


def _with_error(value: float, error: float) -> str:
    return f"{value:.8g} +- {error:.1g}" if np.isfinite(error) else f"{value:.8g}"


def _rewritten(torque, simulation: Simulation, fixed) -> list[str]:
    if isinstance(torque, ValveTorque) and not torque.slonczewski().valid:
        return ["  eta changes its sign between the angles: NO Slonczewski form describes it."]
    numbers = solver_numbers(torque, simulation)
    if numbers.current_density == simulation.current_density and np.allclose(numbers.p, fixed):
        return []
    return [
        "  Written with P > 0 and Lambda >= 1 by the exact symmetries (P, epsilon', J) ->",
        "  (-P, -epsilon', -J) and (P, Lambda, J, p) -> (P Lambda^2, 1/Lambda, -J, -p):",
        "  J and p below may be reversed against the valve; their torque is the same.",
    ]


def _valve_numbers(torque: ValveTorque, simulation: Simulation) -> list[str]:
    fit = torque.slonczewski()
    prime, prime_deviation = torque.epsilon_prime()
    per_volt = torque.current_density_per_volt()
    quality = "POOR" if fit.max_relative_residual > POOR_FIT else "good"
    spread = float(per_volt.max() / per_volt.min() - 1)
    current = (
        f"  J is fixed here: at fixed voltage it varies by {spread:.2e} with the angle "
        "(magnetoresistance)."
    )
    return [
        "NUMBERS (of the valve; errors are standard errors)",
        f"  P(eta) = {_with_error(fit.polarisation, fit.polarisation_error)}, "
        f"Lambda = {_with_error(fit.Lambda, fit.Lambda_error)}, "
        f"epsilon' = {_with_error(prime, torque.epsilon_prime_error())}",
        f"  d = {torque.thickness!r} nm, Ms = {torque.saturation_magnetisation!r} A/m, "
        f"cell area {torque.cell_area!r} nm^2",
        f"  J per volt: {per_volt[0]:.6g} A/(V m^2) at {degrees(torque.angles[0]):.0f} deg, "
        f"{per_volt[-1]:.6g} at {degrees(torque.angles[-1]):.0f} deg",
        f"  response: {torque.response}",
        *_rewritten(torque, simulation, torque.fixed_direction),
        "WHAT IS LOST",
        f"  Slonczewski form: {quality}, largest deviation {fit.max_relative_residual:.2e} of the "
        f"largest eta, at {_worst_angle(torque, fit):.0f} deg (rms {fit.residual:.2e}).",
        f"  epsilon' is constant here: eta_perp deviates by up to {prime_deviation:.2e} of its "
        "largest value over the angles.",
        *([] if torque.notes and spread == 0 else [current]),
        *_across(torque, simulation),
        *(f"  {note}" for note in torque.notes),
    ]


def _across(torque: ValveTorque, simulation: Simulation) -> list[str]:
    """What the header says of the torque's profile across the film."""
    found = torque.layers()
    if found is None:
        return []
    if simulation.film_cells > 1:
        return [
            f"  Across the film: {len(torque.layer_eta)} atomic layers in {simulation.film_cells} "
            "cells, each with P and epsilon' of its own and the film's Lambda; largest deviation "
            f"{found.deviation:.2e} of the largest local torque."
        ]
    mean = torque.slonczewski().polarisation
    share = found.polarisation / mean if mean else found.polarisation
    return [
        "  Across the film: one cell has the mean torque.  The atomic layers' own damping-like "
        f"torques are {share.min():.3g} to {share.max():.3g} of it (film_cells resolves them)."
    ]


def _spin_orbit_numbers(torque: SpinOrbitTorque, simulation: Simulation) -> list[str]:
    return [
        "NUMBERS (of the film; errors are standard errors)",
        "  spin-orbit torque: Lambda = 1, P = xi_DL, epsilon' = xi_FL/2",
        f"  xi_DL = {_with_error(torque.damping_like, torque.damping_like_error)}, "
        f"xi_FL = {_with_error(torque.field_like, torque.field_like_error)}",
        "  p: direction of the magnetic moment that J > 0 brings; J flows in the film's plane",
        f"  d = {torque.thickness!r} nm, Ms = {torque.saturation_magnetisation!r} A/m",
        f"  response: {torque.response}",
        *_rewritten(torque, simulation, torque.direction),
        "WHAT IS LOST",
        "  Higher angular harmonics of the torque, if the calculation has any.",
    ]


def _texture_numbers(torque: TextureTorque, simulation: Simulation) -> list[str]:
    u = torque.drift_velocity(simulation.current_density)
    return [
        "NUMBERS (of the bulk; errors are standard errors)",
        f"  P = {_with_error(torque.polarisation, torque.polarisation_error)}, "
        f"beta = xi = {_with_error(torque.beta, torque.beta_error)}, "
        f"alpha = {_with_error(torque.damping, torque.damping_error)}",
        f"  Ms = {torque.saturation_magnetisation!r} A/m, u = {u:.8g} m/s at "
        f"J = {simulation.current_density:.6g} A/m^2",
        f"  response: {torque.response}",
        *(f"  {note}" for note in torque.notes),
    ]


def _worst_angle(torque: ValveTorque, fit) -> float:
    """Angle in degrees where the fit misses most."""
    miss = np.abs(
        efficiency(np.cos(torque.angles), fit.polarisation, fit.Lambda) - np.array(torque.eta)
    )
    return degrees(torque.angles[int(np.argmax(miss))])


def _damping(torque, simulation: Simulation) -> list[str]:
    added = simulation.damping_enhancement
    if not added:
        return []
    own = torque.damping if isinstance(torque, TextureTorque) else simulation.damping
    return [f"  alpha = {own + added:.8g}: {own:.8g} and {added:.8g} from spin pumping."]


def header(
    solver: str,
    torque: ValveTorque | SpinOrbitTorque | TextureTorque,
    simulation: Simulation,
    thickness_meaning: str = "",
    remarks: tuple[str, ...] = (),
) -> list[str]:
    """Lines (without comment signs) that explain an exported input."""
    if isinstance(torque, TextureTorque):
        middle = [*_TEXTURE_CONVENTION, *_texture_numbers(torque, simulation)]
        chosen = "exchange, anisotropy, size, start, current"
    else:
        if isinstance(torque, ValveTorque):
            numbers = _valve_numbers(torque, simulation)
        else:
            numbers = _spin_orbit_numbers(torque, simulation)
        middle = [*_convention(thickness_meaning), *numbers]
        chosen = "damping, exchange, anisotropy, field, size, start, current"
    lines = [
        f"{torque.name}: input for {solver}, written by negf_torque {__version__}",
        f"torque hash {torque.hash}; provenance: {torque.provenance}",
        *middle,
        *_damping(torque, simulation),
        f"CHOSEN, NOT COMPUTED: {chosen}.",
    ]
    if remarks:
        lines += [f"REMARKS FOR {solver.upper()}", *(f"  {r}" for r in remarks)]
    return [part for line in lines for part in line.splitlines() or [""]]
