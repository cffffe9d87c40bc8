"""Input for mumax3 (.mx3).

mumax3 works in tesla: torque/gamma = B_T (epsilon m x (p x m) + epsilon' p x m) with
B_T = hbar J_z/(e M_s d), made explicit in alpha by itself.  Only J.z counts; d is the mesh's
whole thickness; FIXEDLAYER_BOTTOM would reverse the sign.  A. Vansteenkiste et al., AIP Adv. 4,
107133 (2014).
"""

from collections.abc import Sequence

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export.common import (
    SolverNumbers,
    commented,
    solver_numbers,
    texture_numbers,
    vector,
    wall_axes,
)
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.export.tables import mumax3_terms, needs_table, table_remarks
from negf_torque.llg.torques import SpinTorque, valve_spin_torque
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import GAMMA0, MU0

__all__ = ["render", "tables"]

_THICKNESS = "thickness of the whole mesh in z; J.z only."
_IN_FIELDS = "thickness of the film (contained in the fields below)."

_REMARKS = (
    "Needs mumax3 3.10 or later: older versions have the wrong sign of alpha epsilon' in the",
    "damping-like term and no FixedLayerPosition.",
    "GammaLL is set to the free-electron value used in the conversion (default 1.7595e11).",
    "mumax3 computes in single precision: expect 1e-6.",
)


def _texture(torque: TextureTorque, simulation: Simulation) -> dict[str, str]:
    easy, across, *_ = wall_axes(simulation)
    numbers = texture_numbers("mumax3", torque, simulation)
    remarks = (
        "mumax3 divides the drift velocity by 1 + xi^2 and counts conventional current: both are",
        "undone in J below, so that u is the drift velocity stated above.",
        "The wall starts as two domains with a transverse middle; mumax3 relaxes its profile.",
    )
    explain = header("mumax3", torque, simulation, remarks=remarks)
    alpha = torque.damping + simulation.damping_enhancement
    body = [
        *_film(torque.saturation_magnetisation, alpha, simulation, simulation.height),
        f"m = TwoDomain({vector(easy)}, {vector(across)}, {vector(-easy)})",
        "",
        f"Pol = {numbers['P']!r}",
        f"xi = {numbers['xi']!r}",
        "DisableSlonczewskiTorque = true",
        f"J = vector({numbers['J']!r}, 0, 0)  // A/m^2, conventional",
    ]
    return {f"{torque.name}.mx3": _text(explain, body, simulation)}


def _film(ms: float, damping: float, simulation: Simulation, thickness: float) -> list[str]:
    """Mesh, material and fields."""
    return [
        f"SetGridSize({', '.join(str(n) for n in simulation.grid)})",
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


def _text(explain: list[str], body: list[str], simulation: Simulation) -> str:
    run = [
        f"TableAutosave({simulation.output_step * 1e-9!r})",
        f"Run({simulation.duration * 1e-9!r})",
    ]
    return "\n".join([*commented(explain, "//"), "", *body, "", *run, ""])


def _layers(n: SolverNumbers) -> list[str]:
    """Regions, one per layer of cells, with P and epsilon' of their own."""
    lines: list[str] = []
    if n.layers is None:
        return lines
    for k, (p, prime) in enumerate(zip(*n.layers, strict=True)):
        lines += [
            f"DefRegion({k}, Layer({k}))",
            f"Pol.SetRegion({k}, {p!r})",
            f"EpsilonPrime.SetRegion({k}, {prime!r})",
        ]
    return lines


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text."""
    if isinstance(torque, TextureTorque):
        return _texture(torque, simulation)
    if isinstance(torque, ValveTorque) and not torque.slonczewski().valid:
        return tables([valve_spin_torque(torque)], torque, simulation, simulation.current_density)
    n = solver_numbers(torque, simulation)
    explain = header("mumax3", torque, simulation, _THICKNESS, _REMARKS)
    uniform = [
        f"Pol = {n.polarisation!r}  // epsilon = eta/2",
        f"EpsilonPrime = {n.epsilon_prime!r}",
    ]
    body = [
        *_film(torque.saturation_magnetisation, simulation.alpha, simulation, torque.thickness),
        f"m = uniform({vector(simulation.initial_direction)})",
        "",
        *(_layers(n) if n.layers else uniform),
        f"Lambda = {n.Lambda!r}",
        f"FixedLayer = vector({vector(n.p)})  // magnetisation of the fixed layer",
        "FixedLayerPosition = FIXEDLAYER_TOP  // keeps the sign of J.z",
        "DisableZhangLiTorque = true",
        f"J = vector(0, 0, {n.current_density!r})  // A/m^2",
    ]
    files = {f"{torque.name}.mx3": _text(explain, body, simulation)}
    if isinstance(torque, ValveTorque) and needs_table(torque):
        own = [valve_spin_torque(torque)]
        files |= tables(own, torque, simulation, simulation.current_density)
    return files


def tables(
    torques: Sequence[SpinTorque], torque: ValveTorque, simulation: Simulation, drive: float
) -> dict[str, str]:
    """The torques' tables at one drive as field terms of the user's."""
    remarks = (
        *table_remarks(torques),
        "Custom field terms: their energy is not counted in E_total.",
        *_REMARKS,
    )
    explain = header("mumax3", torque, simulation, _IN_FIELDS, remarks)
    body = [
        *_film(torque.saturation_magnetisation, simulation.alpha, simulation, torque.thickness),
        f"m = uniform({vector(simulation.initial_direction)})",
        "DisableSlonczewskiTorque = true",
        "DisableZhangLiTorque = true",
        "",
        *mumax3_terms(torques, drive),
    ]
    return {f"{torque.name}_table.mx3": _text(explain, body, simulation)}
