"""Input for mumax3 (.mx3).

mumax3 works in tesla: torque/gamma = B_T (epsilon m x (p x m) + epsilon' p x m) with
B_T = hbar J_z/(e M_s d), made explicit in alpha by itself.  Only J.z counts; d is the mesh's
whole thickness; FIXEDLAYER_BOTTOM would reverse the sign.  A. Vansteenkiste et al., AIP Adv. 4,
107133 (2014).
"""

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.convert import convert
from negf_torque.llg.export.common import (
    Simulation,
    header,
    solver_numbers,
    vector,
    wall_axes,
)
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import GAMMA0, MU0

__all__ = ["render"]

_REMARKS = (
    "Needs mumax3 3.10 or later: older versions have the wrong sign of alpha epsilon' in the",
    "damping-like term and no FixedLayerPosition.",
    "GammaLL is set to the free-electron value used in the conversion (default 1.7595e11).",
    "mumax3 computes in single precision: expect 1e-6.",
)


def _texture(torque: TextureTorque, simulation: Simulation) -> dict[str, str]:
    easy, across, *_ = wall_axes(simulation)
    numbers = convert(
        "zhang_li",
        "reference",
        "mumax3",
        {"u": torque.drift_velocity(simulation.current_density), "beta": torque.beta},
        polarisation=torque.polarisation or 1.0,
        saturation_magnetisation=torque.saturation_magnetisation,
    )
    remarks = (
        "mumax3 divides the drift velocity by 1 + xi^2 and counts conventional current: both are",
        "undone in J below, so that u is the drift velocity stated above.",
        "The wall starts as two domains with a transverse middle; mumax3 relaxes its profile.",
    )
    explain = header("mumax3", torque, simulation, remarks=remarks)
    body = [
        *_film(torque.saturation_magnetisation, torque.damping, simulation, simulation.height),
        f"m = TwoDomain({vector(easy)}, {vector(across)}, {vector(-easy)})",
        "",
        f"Pol = {numbers['P']!r}",
        f"xi = {numbers['xi']!r}",
        "DisableSlonczewskiTorque = true",
        f"J = vector({numbers['J']!r}, 0, 0)  // A/m^2, conventional",
        "",
        *_run(simulation),
    ]
    text = "\n".join([*(f"// {line}".rstrip() for line in explain), "", *body, ""])
    return {f"{torque.name}.mx3": text}


def _film(ms: float, damping: float, simulation: Simulation, thickness: float) -> list[str]:
    """Mesh, material and fields."""
    return [
        f"SetGridSize({simulation.cells[0]}, {simulation.cells[1]}, 1)",
        f"SetCellSize({vector(simulation.cell(thickness))})",
        "",
        f"Msat = {ms!r}  // A/m",
        f"Aex = {simulation.exchange!r}  // J/m",
        f"alpha = {damping!r}",
        f"GammaLL = {GAMMA0 / MU0!r}  // rad/(T s)",
        f"Ku1 = {simulation.anisotropy!r}  // J/m^3",
        f"AnisU = vector({vector(simulation.anisotropy_axis)})",
        f"B_ext = vector({vector(MU0 * h for h in simulation.field)})  // T",
        f"EnableDemag = {str(simulation.demagnetisation).lower()}",
    ]


def _run(simulation: Simulation) -> list[str]:
    return [
        f"TableAutosave({simulation.output_step * 1e-9!r})",
        f"Run({simulation.duration * 1e-9!r})",
    ]


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text."""
    if isinstance(torque, TextureTorque):
        return _texture(torque, simulation)
    n = solver_numbers(torque, simulation)
    explain = header(
        "mumax3",
        torque,
        simulation,
        "thickness of the whole mesh in z (here one cell); J.z only.",
        _REMARKS,
    )
    body = [
        *_film(torque.saturation_magnetisation, simulation.damping, simulation, torque.thickness),
        f"m = uniform({vector(simulation.initial_direction)})",
        "",
        f"Pol = {n.polarisation!r}  // epsilon = eta/2",
        f"Lambda = {n.Lambda!r}",
        f"EpsilonPrime = {n.epsilon_prime!r}",
        f"FixedLayer = vector({vector(n.p)})  // magnetisation of the fixed layer",
        "FixedLayerPosition = FIXEDLAYER_TOP  // keeps the sign of J.z",
        "DisableZhangLiTorque = true",
        f"J = vector(0, 0, {n.current_density!r})  // A/m^2",
        "",
        *_run(simulation),
    ]
    text = "\n".join([*(f"// {line}".rstrip() for line in explain), "", *body, ""])
    return {f"{torque.name}.mx3": text}
