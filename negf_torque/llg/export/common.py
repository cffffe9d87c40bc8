"""What every exported input shares: the chosen simulation, the solver's numbers, the header."""

from dataclasses import dataclass
from math import degrees

import numpy as np

from negf_torque import __version__
from negf_torque.llg.slonczewski import canonical, efficiency
from negf_torque.llg.valve import ValveTorque
from negf_torque.spin import unit_vector

__all__ = ["Simulation", "SolverNumbers", "header", "solver_numbers", "vector"]

#: Deviation (relative to the largest torque) above which a header calls a fit poor.
POOR_FIT = 0.02


@dataclass(frozen=True)
class Simulation:
    """What an input needs besides the torque: chosen, not computed, and the user's to change.

    Attributes
    ----------
    current_density : float
        e times the electron flux from left to right, A/m^2; positive for V > 0.
    damping : float
        Gilbert damping alpha >= 0.
    size : tuple of float
        Lateral size of the free layer, nm.
    cells : tuple of int
        Lateral cells; (1, 1) is a macrospin.  The film is always one cell thick.
    exchange : float
        J/m.
    anisotropy : float
        Uniaxial constant, J/m^3, with `anisotropy_axis`.
    field : tuple of float
        Applied field, A/m.
    initial_direction : tuple of float
        Starting magnetisation.
    demagnetisation : bool
        Whether the solver computes the free layer's own magnetostatic field.
    duration : float
        ns.
    output_step : float
        ns.
    """

    current_density: float = 1e11
    damping: float = 0.01
    size: tuple[float, float] = (100.0, 60.0)
    cells: tuple[int, int] = (25, 15)
    exchange: float = 1.3e-11
    anisotropy: float = 0.0
    anisotropy_axis: tuple[float, float, float] = (1.0, 0.0, 0.0)
    field: tuple[float, float, float] = (0.0, 0.0, 0.0)
    initial_direction: tuple[float, float, float] = (-1.0, 0.05, 0.02)
    demagnetisation: bool = True
    duration: float = 5.0
    output_step: float = 0.01

    def __post_init__(self):
        if not self.damping >= 0:
            raise ValueError(
                f"damping: {self.damping!r} is not a Gilbert damping. Give a number >= 0 "
                "(negative damping is what the torque is for)."
            )
        if not np.isfinite(self.current_density):
            raise ValueError(f"current_density: {self.current_density!r} is not finite (A/m^2).")
        if min(self.size) <= 0 or min(self.cells) < 1:
            raise ValueError(
                f"size, cells: {self.size!r} nm in {self.cells!r} cells is not a film. "
                "Both sizes must be positive, with at least one cell each."
            )
        if not (self.duration > 0 and 0 < self.output_step <= self.duration):
            raise ValueError(
                f"duration, output_step: {self.duration!r} ns in steps of {self.output_step!r} ns."
                " Give 0 < output_step <= duration."
            )
        if not (self.exchange >= 0 and np.isfinite(self.anisotropy)):
            raise ValueError(f"exchange, anisotropy: {self.exchange!r}, {self.anisotropy!r}.")
        for key in ("initial_direction", "anisotropy_axis"):
            direction = unit_vector(getattr(self, key), key)
            object.__setattr__(self, key, tuple(float(x) for x in direction))

    def cell(self, thickness: float) -> tuple[float, float, float]:
        """Cell sizes in metres for a film of `thickness` nm."""
        return (
            self.size[0] / self.cells[0] * 1e-9,
            self.size[1] / self.cells[1] * 1e-9,
            thickness * 1e-9,
        )

    @property
    def stages(self) -> int:
        """Number of output intervals."""
        return max(1, round(self.duration / self.output_step))


@dataclass(frozen=True)
class SolverNumbers:
    """Slonczewski parameters as solvers count them: epsilon = eta/2, P >= 0, Lambda >= 1.

    Only products are physical: `current_density` and `p` may both be reversed against the
    valve (see `negf_torque.llg.slonczewski.canonical`).
    """

    polarisation: float
    Lambda: float
    epsilon_prime: float
    current_density: float
    p: tuple[float, float, float]


def solver_numbers(torque: ValveTorque, simulation: Simulation) -> SolverNumbers:
    """P/2, Lambda, epsilon' = eta_perp/2, J and p in the form that every solver accepts."""
    fit = torque.slonczewski()
    if not fit.valid:
        raise ValueError(
            f"eta: the torque of {torque.name!r} changes sign between the angles, which no "
            "Slonczewski form can express. Use the table (solver 'plain') or the macrospin."
        )
    epsilon_prime, _ = torque.epsilon_prime()
    p, lam, prime, current, direction = canonical(
        fit.polarisation / 2,
        fit.Lambda,
        epsilon_prime,
        simulation.current_density,
        torque.fixed_direction,
    )
    return SolverNumbers(p, lam, prime, current, tuple(float(x) + 0.0 for x in direction))


def vector(values, separator: str = ", ") -> str:
    """Numbers in full precision, joined."""
    return separator.join(repr(float(v)) for v in values)


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


def _numbers(torque: ValveTorque, simulation: Simulation) -> list[str]:
    fit, numbers = torque.slonczewski(), solver_numbers(torque, simulation)
    prime, prime_deviation = torque.epsilon_prime()
    per_volt = torque.current_density_per_volt()

    def with_error(value, error):
        return f"{value:.8g} +- {error:.1g}" if np.isfinite(error) else f"{value:.8g}"

    lines = [
        "NUMBERS (of the valve; errors are standard errors)",
        f"  P(eta) = {with_error(fit.polarisation, fit.polarisation_error)}, "
        f"Lambda = {with_error(fit.Lambda, fit.Lambda_error)}, "
        f"epsilon' = {with_error(prime, torque.epsilon_prime_error())}",
        f"  d = {torque.thickness!r} nm, Ms = {torque.saturation_magnetisation!r} A/m, "
        f"cell area {torque.cell_area!r} nm^2",
        f"  J per volt: {per_volt[0]:.6g} A/(V m^2) at {degrees(torque.theta[0]):.0f} deg, "
        f"{per_volt[-1]:.6g} at {degrees(torque.theta[-1]):.0f} deg",
        f"  response: {torque.response}",
    ]
    changed = (numbers.current_density != simulation.current_density) or not np.allclose(
        numbers.p, torque.fixed_direction
    )
    if changed:
        lines += [
            "  Written with P > 0 and Lambda >= 1 by the exact symmetries (P, epsilon', J) ->",
            "  (-P, -epsilon', -J) and (P, Lambda, J, p) -> (P Lambda^2, 1/Lambda, -J, -p):",
            "  J and p below may be reversed against the valve; their torque is the same.",
        ]
    lines.append("WHAT IS LOST")
    worst = _worst_angle(torque, fit)
    quality = "POOR" if fit.max_relative_residual > POOR_FIT else "good"
    lines.append(
        f"  Slonczewski form: {quality}, largest deviation {fit.max_relative_residual:.2e} of the "
        f"largest eta, at {worst:.0f} deg (rms {fit.residual:.2e})."
    )
    lines.append(
        f"  epsilon' is constant here: eta_perp deviates by up to {prime_deviation:.2e} of its "
        "largest value over the angles."
    )
    spread = float(per_volt.max() / per_volt.min() - 1)
    lines.append(
        f"  J is fixed here: at fixed voltage it varies by {spread:.2e} with the angle "
        "(magnetoresistance)."
    )
    return lines


def _worst_angle(torque: ValveTorque, fit) -> float:
    """Angle in degrees where the fit misses most."""
    miss = np.abs(
        efficiency(np.cos(torque.theta), fit.polarisation, fit.Lambda) - np.array(torque.eta)
    )
    return degrees(torque.theta[int(np.argmax(miss))])


def header(
    solver: str,
    torque: ValveTorque,
    simulation: Simulation,
    thickness_meaning: str,
    remarks: tuple[str, ...] = (),
) -> list[str]:
    """Lines (without comment signs) that explain an exported input."""
    lines = [
        f"{torque.name}: input for {solver}, written by negf_torque {__version__}",
        f"torque hash {torque.hash}; provenance: {torque.provenance}",
        *_convention(thickness_meaning),
        *_numbers(torque, simulation),
        "CHOSEN, NOT COMPUTED: damping, exchange, anisotropy, field, size, start, current.",
    ]
    if remarks:
        lines += [f"REMARKS FOR {solver.upper()}", *(f"  {r}" for r in remarks)]
    return [part for line in lines for part in line.splitlines() or [""]]
