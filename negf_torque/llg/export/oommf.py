"""Input for OOMMF (MIF 2.1) with Oxs_SpinXferEvolve.

The evolver's equation is the reference form; d is the thickness of one cell along J, so the
film is one cell thick.  A second file uses the asymmetric form (P_fixed, P_free, Lambda_fixed,
Lambda_free), which only raw MIF has.  M. J. Donahue and D. G. Porter, OOMMF user's guide.
"""

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export.common import commented, solver_numbers, vector, wall_axes
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.slonczewski import AsymmetricFit
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import GAMMA0

__all__ = ["render"]

_REMARKS = (
    "Lambda below 1 is refused by OOMMF; the numbers are rewritten exactly (see above).",
    "OOMMF's hbar and e are those of 2002: 1e-7 relative.",
)


def _system(thickness: float, simulation: Simulation) -> list[str]:
    """Atlas, mesh and energies."""
    cell = simulation.cell(thickness)
    extent = [c * n for c, n in zip(cell, simulation.grid, strict=True)]
    lines = ["Specify Oxs_BoxAtlas:atlas {"]
    lines += [
        f"  {axis}range {{ 0 {length!r} }}" for axis, length in zip("xyz", extent, strict=True)
    ]
    lines += ["}", "Specify Oxs_RectangularMesh:mesh {"]
    lines += [f"  cellsize {{ {vector(cell, ' ')} }}", "  atlas :atlas", "}"]
    if simulation.grid != (1, 1, 1) and simulation.exchange > 0:
        lines += ["Specify Oxs_UniformExchange {", f"  A {simulation.exchange!r}", "}"]
    if simulation.anisotropy != 0:
        lines += [
            "Specify Oxs_UniaxialAnisotropy {",
            f"  K1 {simulation.anisotropy!r}",
            f"  axis {{ {vector(simulation.anisotropy_axis, ' ')} }}",
            "}",
        ]
    if simulation.demagnetisation:
        lines += ["Specify Oxs_Demag {}"]
    if any(simulation.field):
        lines += [
            "Specify Oxs_FixedZeeman {",
            "  field { Oxs_UniformVectorField {",
            f"    vector {{ {vector(simulation.field, ' ')} }}",
            "  } }",
            "}",
        ]
    return lines


def _evolver(simulation: Simulation, current: float, p, form: list[str]) -> list[str]:
    """The evolver; its d is that of one cell, so that J is shared among the film's cells."""
    return [
        "Specify Oxs_SpinXferEvolve:evolver {",
        f"  gamma_G {GAMMA0!r}",
        f"  alpha {simulation.alpha!r}",
        f"  J {current / simulation.film_cells!r}",
        "  J_direction -z",
        "  propagate_mp 0",
        "  mp { Oxs_UniformVectorField {",
        "    norm 1",
        f"    vector {{ {vector(p, ' ')} }}",
        "  } }",
        *(f"  {line}" for line in form),
        "}",
    ]


_LAYER_PROCEDURE = """\
proc LayerValue { thickness args } {
  set z [lindex $args end]
  return [lindex $args [expr {int($z / $thickness)}]]
}"""


def _layers(key: str, values, thickness: float) -> list[str]:
    """A scalar field with one value per layer of cells."""
    return [
        f"{key} {{ Oxs_ScriptScalarField {{",
        "  atlas :atlas",
        "  script_args rawpt",
        f"  script {{ LayerValue {thickness!r} {vector(values, ' ')} }}",
        "} }",
    ]


def _driver(torque, simulation: Simulation, basename: str, start: list[str]) -> list[str]:
    return [
        "Specify Oxs_TimeDriver {",
        f"  basename {basename}",
        "  evolver :evolver",
        "  mesh :mesh",
        f"  stopping_time {simulation.duration * 1e-9 / simulation.stages!r}",
        f"  stage_count {simulation.stages}",
        f"  Ms {torque.saturation_magnetisation!r}",
        *start,
        "}",
        "Destination table mmArchive",
        "Schedule DataTable table Stage 1",
    ]


def _uniform(simulation: Simulation) -> list[str]:
    return [
        "  m0 { Oxs_UniformVectorField {",
        "    norm 1",
        f"    vector {{ {vector(simulation.initial_direction, ' ')} }}",
        "  } }",
    ]


def _wall(simulation: Simulation) -> list[str]:
    """A tanh wall as a Tcl script field."""
    easy, across, centre, width = wall_axes(simulation)
    return [
        "  m0 { Oxs_ScriptVectorField {",
        "    atlas :atlas",
        "    script_args rawpt",
        f"    script {{ Wall {centre!r} {width!r} {vector(easy, ' ')} {vector(across, ' ')} }}",
        "    norm 1",
        "  } }",
    ]


_WALL_PROCEDURE = """\
proc Wall { centre width ex ey ez ax ay az x y z } {
  set s [expr {($x - $centre) / $width}]
  set c [expr {-tanh($s)}]
  set t [expr {1.0 / cosh($s)}]
  return [list [expr {$c*$ex + $t*$ax}] [expr {$c*$ey + $t*$ay}] [expr {$c*$ez + $t*$az}]]
}"""


def _texture(torque: TextureTorque, simulation: Simulation) -> dict[str, str]:
    evolver = [
        _WALL_PROCEDURE,
        "Specify Anv_SpinTEvolve:evolver {",
        f"  gamma_G {GAMMA0!r}",
        f"  alpha {torque.damping + simulation.damping_enhancement!r}",
        f"  u {torque.drift_velocity(simulation.current_density)!r}",
        f"  beta {torque.beta!r}",
        "}",
    ]
    remarks = (
        "Needs the extension Anv_SpinTEvolve (ubermag's OOMMF has it): u and beta directly.",
    )
    text = _file(torque, simulation, torque.name, evolver, remarks, _wall(simulation))
    return {f"{torque.name}.mif": text}


def _asymmetric_form(fit: AsymmetricFit) -> list[str]:
    return [
        f"P_fixed {fit.polarisation_fixed / 2!r}",
        f"P_free {fit.polarisation_free / 2!r}",
        f"Lambda_fixed {fit.Lambda!r}",
        f"Lambda_free {fit.Lambda!r}",
    ]


def _file(torque, simulation, basename, evolver, remarks, start=None) -> str:
    explain = header(
        "OOMMF",
        torque,
        simulation,
        "thickness of ONE CELL along z; J below is shared among the cells across the film.",
        remarks,
    )
    return "\n".join(
        [
            "# MIF 2.1",
            *commented(explain, "#"),
            "",
            *_system(getattr(torque, "thickness", simulation.height), simulation),
            *evolver,
            *_driver(torque, simulation, basename, start or _uniform(simulation)),
            "",
        ]
    )


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text: the two-parameter form, and the asymmetric one where it fits better."""
    if isinstance(torque, TextureTorque):
        return _texture(torque, simulation)
    n = solver_numbers(torque, simulation)
    form = [f"P {n.polarisation!r}", f"eps_prime {n.epsilon_prime!r}"]
    if n.layers:
        cell = simulation.cell(torque.thickness)[2]
        p, prime = n.layers
        form = [*_layers("P", p, cell), *_layers("eps_prime", prime, cell)]
    evolver = _evolver(simulation, n.current_density, n.p, [*form, f"Lambda {n.Lambda!r}"])
    if n.layers:
        evolver = [_LAYER_PROCEDURE, *evolver]
    files = {f"{torque.name}.mif": _file(torque, simulation, torque.name, evolver, _REMARKS)}
    if isinstance(torque, SpinOrbitTorque):
        return files
    symmetric, fit = torque.slonczewski(), torque.asymmetric()
    if fit is not None and fit.max_relative_residual < 0.5 * symmetric.max_relative_residual:
        files |= _asymmetric(torque, simulation, fit, symmetric.max_relative_residual)
    return files


def _asymmetric(
    torque: ValveTorque, simulation: Simulation, fit: AsymmetricFit, symmetric: float
) -> dict[str, str]:
    basename = f"{torque.name}_asymmetric"
    form = [*_asymmetric_form(fit), f"eps_prime {torque.epsilon_prime()[0]!r}"]
    evolver = _evolver(simulation, simulation.current_density, torque.fixed_direction, form)
    remarks = (
        "This file: asymmetric form q_plus/(A + B m.p) + q_minus/(A - B m.p), largest "
        f"deviation {fit.max_relative_residual:.2e} (symmetric {symmetric:.2e});",
        "J and p are the valve's own.  One of the two P may exceed 1 or be negative: only",
        "their combination with Lambda is a torque.",
        _REMARKS[1],
    )
    return {f"{basename}.mif": _file(torque, simulation, basename, evolver, remarks)}
