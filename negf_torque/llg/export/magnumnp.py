"""A Python script for magnum.np.

SpinTorqueSlonczewski is the reference form; the gyromagnetic ratio is fixed in the program to
2.21276157e5 m/(A s), 0.1 % above the free electron's.  SpinTorqueZhangLi takes the product b j,
of opposite sign to the drift velocity.  F. Bruckner et al., Sci. Rep. 13, 12054 (2023).
"""

from collections.abc import Sequence

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.demagnetisation import prism_factors
from negf_torque.llg.export.common import (
    commented,
    python_wall,
    solver_numbers,
    texture_numbers,
    vector,
)
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.export.tables import (
    MAGNUMNP_CLASS,
    magnumnp_term,
    needs_table,
    table_remarks,
)
from negf_torque.llg.torques import SpinTorque, valve_spin_torque
from negf_torque.llg.valve import ValveTorque

__all__ = ["render", "tables"]

_REMARKS = (
    "magnum.np's gamma is fixed to 2.21276157e5 m/(A s): times are 0.1 % shorter than with the",
    "free electron's value, critical currents are the same.",
    "One cell only: the prism's demagnetisation tensor is written out (DemagField of 2.2 leaves",
    "Ms out there).",
    "Its terms are compiled by torch; set TORCHDYNAMO_DISABLE=1 where there is no compiler.",
)


def _script(torque, simulation, thickness, material, start, term, explain, classes="") -> str:
    terms = []
    if simulation.exchange > 0 and simulation.grid != (1, 1, 1):
        terms.append("ExchangeField()")
    if simulation.anisotropy != 0:
        terms.append("UniaxialAnisotropyField()")
    if simulation.demagnetisation and simulation.grid == (1, 1, 1):
        # DemagField of magnum.np 2.2 leaves M_s out for a mesh of a single cell.
        factors = prism_factors((*simulation.size, thickness))
        tensor = vector(-torque.saturation_magnetisation * n for n in factors)
        terms.append(f"ExternalField(lambda state: state.m * torch.tensor([{tensor}]))")
    elif simulation.demagnetisation:
        terms.append("DemagField()")
    if any(simulation.field):
        terms.append(f"ExternalField([{vector(simulation.field)}])")
    terms.append(term)
    keys = {
        "Ms": repr(torque.saturation_magnetisation),
        "A": repr(simulation.exchange),
        "Ku": repr(simulation.anisotropy),
        "Ku_axis": f"[{vector(simulation.anisotropy_axis)}]",
        **material,
    }
    listing = "\n".join(f"    {key!r}: {value}," for key, value in keys.items())
    body = f"""\
import math

import torch
from magnumnp import *

torch.set_default_dtype(torch.float64)
{classes}mesh = Mesh({simulation.grid!r}, ({vector(simulation.cell(thickness))}))
state = State(mesh)
state.material = {{
{listing}
}}
{start}
llg = LLGSolver([{", ".join(terms)}], atol=1e-7, rtol=1e-7)

if __name__ == "__main__":
    print("# t mx my mz")
    for k in range({simulation.stages}):
        llg.step(state, {simulation.output_step * 1e-9!r})
        print(float(state.t), *state.m.mean(dim=(0, 1, 2)).tolist())
"""
    return "\n".join([*commented(explain, "#"), "", body])


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text."""
    if isinstance(torque, TextureTorque):
        return _texture(torque, simulation)
    drive = f"lambda time: {simulation.current_density!r}"
    if isinstance(torque, ValveTorque) and not torque.slonczewski().valid:
        return tables([valve_spin_torque(torque)], torque, simulation, drive)
    n = solver_numbers(torque, simulation)
    p, prime = (
        (repr(n.polarisation), repr(n.epsilon_prime)) if not n.layers else map(_across, n.layers)
    )
    material = {
        "alpha": repr(simulation.alpha),
        "J": repr(n.current_density),
        "P": p,
        "Lambda": repr(n.Lambda),
        "epsilon_prime": prime,
        "mp": f"[{vector(n.p)}]",
        "d": repr(torque.thickness * 1e-9),
    }
    meaning = "thickness of the film, given as material['d']."
    explain = header("magnum.np", torque, simulation, meaning, _REMARKS)
    term = "SpinTorqueSlonczewski()"
    start = _start(simulation)
    text = _script(torque, simulation, torque.thickness, material, start, term, explain)
    files = {f"{torque.name}_magnumnp.py": text}
    if isinstance(torque, ValveTorque) and needs_table(torque):
        files |= tables([valve_spin_torque(torque)], torque, simulation, drive)
    return files


def _start(simulation: Simulation) -> str:
    return f"state.m = state.Constant([{vector(simulation.initial_direction)}])"


def _across(values) -> str:
    """A tensor field from one value per layer of cells."""
    return f"torch.tensor([{vector(values)}]).reshape(1, 1, -1, 1).expand(*mesh.n, 1)"


def _texture(torque: TextureTorque, simulation: Simulation) -> dict[str, str]:
    n = texture_numbers("magnumnp", torque, simulation)
    alpha = torque.damping + simulation.damping_enhancement
    material = {"alpha": repr(alpha), "b": "1.0", "xi": repr(n["xi"])}
    start = f"""\


{python_wall(simulation)}

x, _, _ = mesh.SpatialCoordinate()
state.m = torch.tensor(
    [[[wall(float(s)) for s in row] for row in plane] for plane in x]
)
state.j = state.Constant([{n["b_j"]!r}, 0.0, 0.0])  # b j with b = 1: -u, m/s"""
    explain = header("magnum.np", torque, simulation, remarks=_REMARKS)
    term = "SpinTorqueZhangLi()"
    text = _script(torque, simulation, simulation.height, material, start, term, explain)
    return {f"{torque.name}_magnumnp.py": text}


def tables(
    torques: Sequence[SpinTorque], torque: ValveTorque, simulation: Simulation, drive: str
) -> dict[str, str]:
    """The torques' tables as field terms; `drive` is source of a function of time in s."""
    explain = header(
        "magnum.np",
        torque,
        simulation,
        "thickness of the film (contained in the fields below).",
        (*table_remarks(torques), *_REMARKS),
    )
    drives = f"\n\ndrive = {drive}  # s -> A/m^2, or volts for a junction\n"
    terms = ", ".join(magnumnp_term(t, "drive") for t in torques)
    text = _script(
        torque, simulation, torque.thickness, {"alpha": repr(simulation.alpha)},
        _start(simulation), terms, explain, MAGNUMNP_CLASS + drives,
    )  # fmt: skip
    return {f"{torque.name}_table_magnumnp.py": text}
