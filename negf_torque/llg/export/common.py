"""What every exported input shares: the solver's numbers, comments, the wall of a texture."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.convert import convert
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.layers import rebin
from negf_torque.llg.slonczewski import canonical
from negf_torque.llg.valve import ValveTorque

__all__ = [
    "SolverNumbers",
    "commented",
    "python_wall",
    "solver_numbers",
    "texture_numbers",
    "vector",
    "wall_axes",
]


@dataclass(frozen=True)
class SolverNumbers:
    """Slonczewski parameters as solvers count them: epsilon = eta/2, P >= 0, Lambda >= 1.

    Only products are physical: `current_density` and `p` may both be reversed against the
    valve (see `negf_torque.llg.slonczewski.canonical`).  `layers` holds P (of any sign) and
    epsilon' of each cell across the film, from the bottom, where the torque is resolved.
    """

    polarisation: float
    Lambda: float
    epsilon_prime: float
    current_density: float
    p: tuple[float, float, float]
    layers: tuple[tuple[float, ...], tuple[float, ...]] | None = None


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
                "Slonczewski form can express. Use the table (solvers 'plain', 'magnumnp', "
                "'mumax3') or the macrospin."
            )
        form = fit.polarisation / 2, fit.Lambda, torque.epsilon_prime()[0]
        fixed = torque.fixed_direction
    p, lam, prime, current, direction = canonical(*form, simulation.current_density, fixed)
    layers = None
    if simulation.film_cells > 1 and isinstance(torque, ValveTorque) and torque.layer_eta:
        layers = _layer_numbers(torque, simulation, form, (p, prime))
    x, y, z = (float(component) + 0.0 for component in direction)
    return SolverNumbers(p, lam, prime, current, (x, y, z), layers)


def _layer_numbers(torque: ValveTorque, simulation: Simulation, before, after):
    """P and epsilon' of the cells, rewritten as `canonical` rewrote those of the film."""
    found = torque.layers()
    assert found is not None  # asked for only where the torque is resolved
    factor = after[0] / before[0] if before[0] else 1.0
    sign = -1.0 if before[0] < 0 else 1.0
    values = factor * found.polarisation / 2, sign * found.epsilon_prime
    return tuple(tuple(rebin(v, simulation.film_cells).tolist()) for v in values)


def texture_numbers(solver: str, torque: TextureTorque, simulation: Simulation) -> dict[str, float]:
    """The drift velocity and beta in the solver's own convention."""
    return convert(
        "zhang_li",
        "reference",
        solver,
        {"u": torque.drift_velocity(simulation.current_density), "beta": torque.beta},
        polarisation=torque.polarisation or 1.0,
        saturation_magnetisation=torque.saturation_magnetisation,
    )


def vector(values: Iterable, separator: str = ", ") -> str:
    """Numbers in full precision, joined."""
    return separator.join(repr(float(v)) for v in values)


def commented(lines: Iterable[str], sign: str) -> list[str]:
    """The lines as comments."""
    return [f"{sign} {line}".rstrip() for line in lines]


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
