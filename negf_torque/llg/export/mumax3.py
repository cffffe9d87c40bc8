"""Input for mumax3 (.mx3).

mumax3 works in tesla: torque/gamma = B_T (epsilon m x (p x m) + epsilon' p x m) with
B_T = hbar J_z/(e M_s d), made explicit in alpha by itself.  Only J.z counts; d is the mesh's
whole thickness; FIXEDLAYER_BOTTOM would reverse the sign.  A. Vansteenkiste et al., AIP Adv. 4,
107133 (2014).
"""

from negf_torque.llg.export.common import Simulation, header, solver_numbers, vector
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import GAMMA0, MU0

__all__ = ["render"]

_REMARKS = (
    "Needs mumax3 3.10 or later: older versions have the wrong sign of alpha epsilon' in the",
    "damping-like term and no FixedLayerPosition.",
    "GammaLL is set to the free-electron value used in the conversion (default 1.7595e11).",
    "mumax3 computes in single precision: expect 1e-6.",
)


def render(torque: ValveTorque, simulation: Simulation) -> dict[str, str]:
    """File name -> text."""
    n = solver_numbers(torque, simulation)
    cell = simulation.cell(torque.thickness)
    explain = header(
        "mumax3",
        torque,
        simulation,
        "thickness of the whole mesh in z (here one cell); J.z only.",
        _REMARKS,
    )
    body = [
        f"SetGridSize({simulation.cells[0]}, {simulation.cells[1]}, 1)",
        f"SetCellSize({vector(cell)})",
        "",
        f"Msat = {torque.saturation_magnetisation!r}  // A/m",
        f"Aex = {simulation.exchange!r}  // J/m",
        f"alpha = {simulation.damping!r}",
        f"GammaLL = {GAMMA0 / MU0!r}  // rad/(T s)",
        f"Ku1 = {simulation.anisotropy!r}  // J/m^3",
        f"AnisU = vector({vector(simulation.anisotropy_axis)})",
        f"B_ext = vector({vector(MU0 * h for h in simulation.field)})  // T",
        f"EnableDemag = {str(simulation.demagnetisation).lower()}",
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
        f"TableAutosave({simulation.output_step * 1e-9!r})",
        f"Run({simulation.duration * 1e-9!r})",
    ]
    text = "\n".join([*(f"// {line}".rstrip() for line in explain), "", *body, ""])
    return {f"{torque.name}.mx3": text}
