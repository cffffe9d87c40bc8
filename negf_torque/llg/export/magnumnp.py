"""A Python script for magnum.np.

SpinTorqueSlonczewski is the reference form; the gyromagnetic ratio is fixed in the program to
2.21276157e5 m/(A s), 0.1 % above the free electron's.  SpinTorqueZhangLi takes the product b j,
of opposite sign to the drift velocity.  F. Bruckner et al., Sci. Rep. 13, 12054 (2023).
"""

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.convert import convert
from negf_torque.llg.demagnetisation import prism_factors
from negf_torque.llg.export.common import (
    Simulation,
    header,
    python_wall,
    solver_numbers,
    vector,
)
from negf_torque.llg.valve import ValveTorque

__all__ = ["render"]

_REMARKS = (
    "magnum.np's gamma is fixed to 2.21276157e5 m/(A s): times are 0.1 % shorter than with the",
    "free electron's value, critical currents are the same.",
    "One cell only: the prism's demagnetisation tensor is written out (DemagField of 2.2 leaves",
    "Ms out there).",
    "Its terms are compiled by torch; set TORCHDYNAMO_DISABLE=1 where there is no compiler.",
)


def _script(torque, simulation, thickness, material, start, term, explain) -> str:
    terms = []
    if simulation.exchange > 0 and simulation.cells != (1, 1):
        terms.append("ExchangeField()")
    if simulation.anisotropy != 0:
        terms.append("UniaxialAnisotropyField()")
    if simulation.demagnetisation and simulation.cells == (1, 1):
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
mesh = Mesh(({simulation.cells[0]}, {simulation.cells[1]}, 1), \
({vector(simulation.cell(thickness))}))
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
    return "\n".join([*(f"# {line}".rstrip() for line in explain), "", body])


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text."""
    name = f"{torque.name}_magnumnp.py"
    if isinstance(torque, TextureTorque):
        n = convert(
            "zhang_li",
            "reference",
            "magnumnp",
            {"u": torque.drift_velocity(simulation.current_density), "beta": torque.beta},
        )
        material = {"alpha": repr(torque.damping), "b": "1.0", "xi": repr(n["xi"])}
        start = f"""\


{python_wall(simulation)}

x, _, _ = mesh.SpatialCoordinate()
state.m = torch.tensor(
    [[[wall(float(s)) for s in row] for row in plane] for plane in x]
)
state.j = state.Constant([{n["b_j"]!r}, 0.0, 0.0])  # b j with b = 1: -u, m/s"""
        explain = header("magnum.np", torque, simulation, remarks=_REMARKS)
        term = "SpinTorqueZhangLi()"
        return {
            name: _script(torque, simulation, simulation.height, material, start, term, explain)
        }
    n = solver_numbers(torque, simulation)
    material = {
        "alpha": repr(simulation.damping),
        "J": repr(n.current_density),
        "P": repr(n.polarisation),
        "Lambda": repr(n.Lambda),
        "epsilon_prime": repr(n.epsilon_prime),
        "mp": f"[{vector(n.p)}]",
        "d": repr(torque.thickness * 1e-9),
    }
    explain = header(
        "magnum.np",
        torque,
        simulation,
        "thickness of the film, given as material['d'] (one cell).",
        _REMARKS,
    )
    start = f"state.m = state.Constant([{vector(simulation.initial_direction)}])"
    term = "SpinTorqueSlonczewski()"
    return {name: _script(torque, simulation, torque.thickness, material, start, term, explain)}
