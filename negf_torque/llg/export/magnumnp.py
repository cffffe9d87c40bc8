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
from negf_torque.llg.torques import valve_spin_torque
from negf_torque.llg.valve import ValveTorque

__all__ = ["render"]

#: Deviation of the Slonczewski form from which the table itself is written beside it.
TABLE_FROM = 1e-3

_REMARKS = (
    "magnum.np's gamma is fixed to 2.21276157e5 m/(A s): times are 0.1 % shorter than with the",
    "free electron's value, critical currents are the same.",
    "One cell only: the prism's demagnetisation tensor is written out (DemagField of 2.2 leaves",
    "Ms out there).",
    "Its terms are compiled by torch; set TORCHDYNAMO_DISABLE=1 where there is no compiler.",
)


def _script(torque, simulation, thickness, material, start, term, explain, classes="") -> str:
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
{classes}mesh = Mesh(({simulation.cells[0]}, {simulation.cells[1]}, 1), \
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
    start = f"state.m = state.Constant([{vector(simulation.initial_direction)}])"
    if isinstance(torque, ValveTorque) and not torque.slonczewski().valid:
        return _table(torque, simulation, start)
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
    term = "SpinTorqueSlonczewski()"
    files = {name: _script(torque, simulation, torque.thickness, material, start, term, explain)}
    if isinstance(torque, ValveTorque):
        files |= _table(torque, simulation, start)
    return files


_TABLE_CLASS = """

class TabulatedSpinTorque:
    \"\"\"h = h_a(c) m x p + h_b(c) p in A/m, Chebyshev series in c = m.p.\"\"\"

    p = torch.tensor([{direction}])
    damping_like = [{damping_like}]
    field_like = [{field_like}]

    def h(self, state):
        c = (state.m * self.p).sum(dim=3, keepdim=True)
        a, b = self.series(c, self.damping_like), self.series(c, self.field_like)
        return a * torch.linalg.cross(state.m, self.p.expand_as(state.m)) + b * self.p

    @staticmethod
    def series(c, coefficients):
        b1, b2 = torch.zeros_like(c), torch.zeros_like(c)
        for value in reversed(coefficients[1:]):
            b1, b2 = value + 2 * c * b1 - b2, b1
        return coefficients[0] + c * b1 - b2


"""


def _table(torque: ValveTorque, simulation: Simulation, start: str) -> dict[str, str]:
    """The table of eta(theta) itself, for a valve that no Slonczewski form describes well."""
    worst = max(torque.slonczewski().max_relative_residual, torque.epsilon_prime()[1])
    if worst < TABLE_FROM:
        return {}
    own = valve_spin_torque(torque)
    classes = _TABLE_CLASS.format(
        direction=vector(own.direction),
        damping_like=vector(simulation.current_density * own.damping_like[1]),
        field_like=vector(simulation.current_density * own.field_like[1]),
    )
    remarks = (
        "This file: the angular table itself, as a polynomial in m.p through its angles (largest",
        f"deviation {own.deviation:.1e}), in a field term of its own.  WHAT IS LOST above refers",
        "to the Slonczewski form, which this file does not use; J is fixed here too.",
        *_REMARKS,
    )
    explain = header(
        "magnum.np",
        torque,
        simulation,
        "thickness of the film (contained in the fields below).",
        remarks,
    )
    material = {"alpha": repr(simulation.damping)}
    text = _script(
        torque, simulation, torque.thickness, material, start, "TabulatedSpinTorque()", explain,
        classes,
    )  # fmt: skip
    return {f"{torque.name}_table_magnumnp.py": text}
