"""A Python script for ubermag (micromagneticmodel, with OOMMF below).

ubermag's Slonczewski term hands J, mp, P, Lambda and eps_prime to Oxs_SpinXferEvolve: the
reference form, with d the thickness of one cell.  M. Beg, M. Lang, H. Fangohr, IEEE Trans.
Magn. 58, 7300205 (2022).
"""

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export.common import (
    Simulation,
    header,
    python_wall,
    solver_numbers,
    vector,
)
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import GAMMA0

__all__ = ["render"]

_REMARKS = (
    "Import the script for the object `system`; run it for the dynamics (needs OOMMF).",
    "ubermag asks for P > 0 and Lambda >= 1: rewritten exactly where needed (see above).",
)


def _energy(simulation: Simulation) -> str:
    terms = []
    if simulation.exchange > 0:
        terms.append(f"mm.Exchange(A={simulation.exchange!r})")
    if simulation.anisotropy != 0:
        axis = vector(simulation.anisotropy_axis)
        terms.append(f"mm.UniaxialAnisotropy(K={simulation.anisotropy!r}, u=({axis}))")
    if simulation.demagnetisation:
        terms.append("mm.Demag()")
    if any(simulation.field):
        terms.append(f"mm.Zeeman(H=({vector(simulation.field)}))")
    return "\n    + ".join(terms) or "0"


def _script(torque, simulation, thickness, dynamics, start, explain) -> str:
    cell = simulation.cell(thickness)
    extent = [c * k for c, k in zip(cell, (*simulation.cells, 1), strict=True)]
    body = f"""\
import math

import discretisedfield as df
import micromagneticmodel as mm

mesh = df.Mesh(p1=(0, 0, 0), p2=({vector(extent)}), n=({simulation.cells[0]}, \
{simulation.cells[1]}, 1))
system = mm.System(name={torque.name!r})
system.energy = (
    {_energy(simulation)}
)
system.dynamics = (
    {dynamics}
)


def start(point):
{start}


system.m = df.Field(
    mesh,
    nvdim=3,
    value=start,
    norm={torque.saturation_magnetisation!r},  # A/m
)

if __name__ == "__main__":
    import oommfc as oc

    oc.TimeDriver().drive(system, t={simulation.duration * 1e-9!r}, n={simulation.stages})
    print(system.table.data[["t", "mx", "my", "mz"]])
"""
    return "\n".join([*(f"# {line}".rstrip() for line in explain), "", body])


def _texture(torque: TextureTorque, simulation: Simulation) -> dict[str, str]:
    dynamics = f"""mm.Precession(gamma0={GAMMA0!r})
    + mm.Damping(alpha={torque.damping!r})
    + mm.ZhangLi(
        u={torque.drift_velocity(simulation.current_density)!r},  # m/s along +x
        beta={torque.beta!r},
    )"""
    wall = python_wall(simulation).replace("def wall(x):\n", "    x = point[0]\n")
    explain = header("ubermag", torque, simulation, remarks=_REMARKS[:1])
    text = _script(torque, simulation, simulation.height, dynamics, wall.rstrip(), explain)
    return {f"{torque.name}_ubermag.py": text}


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text."""
    if isinstance(torque, TextureTorque):
        return _texture(torque, simulation)
    n = solver_numbers(torque, simulation)
    explain = header(
        "ubermag",
        torque,
        simulation,
        "thickness of ONE CELL along z; this film is one cell thick.",
        _REMARKS,
    )
    dynamics = f"""mm.Precession(gamma0={GAMMA0!r})
    + mm.Damping(alpha={simulation.damping!r})
    + mm.Slonczewski(
        J={n.current_density!r},  # A/m^2
        mp=({vector(n.p)}),  # p: magnetisation of the fixed layer, or moment of the spin current
        P={n.polarisation!r},  # epsilon = eta/2
        Lambda={n.Lambda!r},
        eps_prime={n.epsilon_prime!r},
    )"""
    start = f"    return ({vector(simulation.initial_direction)})"
    text = _script(torque, simulation, torque.thickness, dynamics, start, explain)
    return {f"{torque.name}_ubermag.py": text}
