"""What every exported input shares: the chosen simulation, the solver's numbers, the header."""

from dataclasses import dataclass
from math import degrees

import numpy as np

from negf_torque import __version__
from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.slonczewski import canonical, efficiency
from negf_torque.llg.valve import ValveTorque
from negf_torque.spin import unit_vector

__all__ = [
    "Simulation",
    "SolverNumbers",
    "header",
    "python_wall",
    "solver_numbers",
    "vector",
    "wall_axes",
]

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
    height : float
        Thickness of a wire with a texture, nm (a valve or a film brings its own).
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
    height: float = 5.0
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
        if min(self.size) <= 0 or min(self.cells) < 1 or not self.height > 0:
            raise ValueError(
                f"size, cells, height: {self.size!r}, {self.cells!r}, {self.height!r} (nm). "
                "All sizes must be positive, with at least one cell each."
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


def solver_numbers(torque: ValveTorque | SpinOrbitTorque, simulation: Simulation) -> SolverNumbers:
    """P/2, Lambda, epsilon' = eta_perp/2, J and p in the form that every solver accepts."""
    if isinstance(torque, SpinOrbitTorque):
        # epsilon = P/2 at Lambda = 1: the efficiency is the solver's P.
        form = torque.damping_like, 1.0, torque.field_like / 2
        fixed = torque.direction
    else:
        fit = torque.slonczewski()
        if not fit.valid:
            raise ValueError(
                f"eta: the torque of {torque.name!r} changes sign between the angles, which no "
                "Slonczewski form can express. Use the table (solver 'plain') or the macrospin."
            )
        form = fit.polarisation / 2, fit.Lambda, torque.epsilon_prime()[0]
        fixed = torque.fixed_direction
    p, lam, prime, current, direction = canonical(*form, simulation.current_density, fixed)
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


def wall_axes(simulation: Simulation) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Easy axis, transverse axis, centre and width (m) of the wall that a texture starts with.

    m = -tanh((x - centre)/width) easy + sech((x - centre)/width) transverse; the width is
    sqrt(A/K) where there is an anisotropy, else a twentieth of the wire.
    """
    easy = np.array(simulation.anisotropy_axis)
    across = np.array(simulation.initial_direction)
    across = across - easy * (easy @ across)
    if np.linalg.norm(across) < 1e-6:
        across = np.eye(3)[int(np.argmin(np.abs(easy)))]
        across = across - easy * (easy @ across)
    across = across / np.linalg.norm(across)
    length = simulation.size[0] * 1e-9
    width = length / 20
    if simulation.anisotropy > 0:
        width = float(np.sqrt(simulation.exchange / simulation.anisotropy))
    return easy, across, length / 2, width


def python_wall(simulation: Simulation) -> str:
    """Source of a function wall(x) -> three numbers, x in metres."""
    easy, across, centre, width = wall_axes(simulation)
    return f"""\
def wall(x):
    s = (x - {centre!r}) / {width!r}
    easy, across = ({vector(easy)}), ({vector(across)})
    return tuple(-math.tanh(s) * e + a / math.cosh(s) for e, a in zip(easy, across))
"""


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
    return [
        "NUMBERS (of the valve; errors are standard errors)",
        f"  P(eta) = {_with_error(fit.polarisation, fit.polarisation_error)}, "
        f"Lambda = {_with_error(fit.Lambda, fit.Lambda_error)}, "
        f"epsilon' = {_with_error(prime, torque.epsilon_prime_error())}",
        f"  d = {torque.thickness!r} nm, Ms = {torque.saturation_magnetisation!r} A/m, "
        f"cell area {torque.cell_area!r} nm^2",
        f"  J per volt: {per_volt[0]:.6g} A/(V m^2) at {degrees(torque.theta[0]):.0f} deg, "
        f"{per_volt[-1]:.6g} at {degrees(torque.theta[-1]):.0f} deg",
        f"  response: {torque.response}",
        *_rewritten(torque, simulation, torque.fixed_direction),
        "WHAT IS LOST",
        f"  Slonczewski form: {quality}, largest deviation {fit.max_relative_residual:.2e} of the "
        f"largest eta, at {_worst_angle(torque, fit):.0f} deg (rms {fit.residual:.2e}).",
        f"  epsilon' is constant here: eta_perp deviates by up to {prime_deviation:.2e} of its "
        "largest value over the angles.",
        f"  J is fixed here: at fixed voltage it varies by {spread:.2e} with the angle "
        "(magnetoresistance).",
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
    ]


_TEXTURE_CONVENTION = [
    "CONVENTION",
    "  dm/dt = -g0 m x H + alpha m x dm/dt - (u.grad) m + beta m x (u.grad) m,",
    "  u = P J mu_B/(e Ms) along the electron flow: the texture moves along +u = +x.",
    "CURRENT",
    "  J = e x (electron flux along +x): minus the conventional current density.",
]


def _worst_angle(torque: ValveTorque, fit) -> float:
    """Angle in degrees where the fit misses most."""
    miss = np.abs(
        efficiency(np.cos(torque.theta), fit.polarisation, fit.Lambda) - np.array(torque.eta)
    )
    return degrees(torque.theta[int(np.argmax(miss))])


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
        numbers = _valve_numbers if isinstance(torque, ValveTorque) else _spin_orbit_numbers
        middle = [*_convention(thickness_meaning), *numbers(torque, simulation)]
        chosen = "damping, exchange, anisotropy, field, size, start, current"
    lines = [
        f"{torque.name}: input for {solver}, written by negf_torque {__version__}",
        f"torque hash {torque.hash}; provenance: {torque.provenance}",
        *middle,
        f"CHOSEN, NOT COMPUTED: {chosen}.",
    ]
    if remarks:
        lines += [f"REMARKS FOR {solver.upper()}", *(f"  {r}" for r in remarks)]
    return [part for line in lines for part in line.splitlines() or [""]]
