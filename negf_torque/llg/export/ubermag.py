"""A Python script for ubermag (micromagneticmodel, with OOMMF below).

ubermag's Slonczewski term hands J, mp, P, Lambda and eps_prime to Oxs_SpinXferEvolve: the
reference form, with d the thickness of one cell.  M. Beg, M. Lang, H. Fangohr, IEEE Trans.
Magn. 58, 7300205 (2022).
"""

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export.common import commented, python_wall, solver_numbers, vector
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
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


def _script(torque, simulation, thickness, dynamics, start, explain, fields="") -> str:
    cell = simulation.cell(thickness)
    extent = [c * k for c, k in zip(cell, simulation.grid, strict=True)]
    body = f"""\
import math

import discretisedfield as df
import micromagneticmodel as mm

mesh = df.Mesh(p1=(0, 0, 0), p2=({vector(extent)}), n={simulation.grid!r})
{fields}system = mm.System(name={torque.name!r})
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
    return "\n".join([*commented(explain, "#"), "", body])


def _texture(torque: TextureTorque, simulation: Simulation) -> dict[str, str]:
    dynamics = f"""mm.Precession(gamma0={GAMMA0!r})
    + mm.Damping(alpha={torque.damping + simulation.damping_enhancement!r})
    + mm.ZhangLi(
        u={torque.drift_velocity(simulation.current_density)!r},  # m/s along +x
        beta={torque.beta!r},
    )"""
    wall = python_wall(simulation).replace("def wall(x):\n", "    x = point[0]\n")
    explain = header("ubermag", torque, simulation, remarks=_REMARKS[:1])
    text = _script(torque, simulation, simulation.height, dynamics, wall.rstrip(), explain)
    return {f"{torque.name}_ubermag.py": text}


def _layers(layers, cell: float) -> str:
    """Source of scalar fields with one value per layer of cells; P >= 0, its sign is in J."""
    p, prime = (tuple(values) for values in layers)
    signs = [-1.0 if value < 0 else 1.0 for value in p]
    tables = {
        "polarisation": [abs(value) for value in p],
        "epsilon_prime": [s * value for s, value in zip(signs, prime, strict=True)],
        "direction": signs,
    }
    text = f"""

def by_layer(values):
    return df.Field(mesh, nvdim=1, value=lambda point: values[int(point[2] / {cell!r})])


"""
    return text + "".join(f"{k} = by_layer([{vector(v)}])\n" for k, v in tables.items())


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
        "thickness of ONE CELL along z; J below is shared among the cells across the film.",
        _REMARKS,
    )
    current = f"{n.current_density / simulation.film_cells!r}"
    p, prime, fields = repr(n.polarisation), repr(n.epsilon_prime), ""
    if n.layers:
        p, prime, current = "polarisation", "epsilon_prime", f"{current} * direction"
        fields = _layers(n.layers, simulation.cell(torque.thickness)[2])
    dynamics = f"""mm.Precession(gamma0={GAMMA0!r})
    + mm.Damping(alpha={simulation.alpha!r})
    + mm.Slonczewski(
        J={current},  # A/m^2
        mp=({vector(n.p)}),  # p: magnetisation of the fixed layer, or moment of the spin current
        P={p},  # epsilon = eta/2
        Lambda={n.Lambda!r},
        eps_prime={prime},
    )"""
    start = f"    return ({vector(simulation.initial_direction)})"
    text = _script(torque, simulation, torque.thickness, dynamics, start, explain, fields)
    return {f"{torque.name}_ubermag.py": text}
