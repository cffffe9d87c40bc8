"""A Python script for mumax+ (mumaxplus).

Parameters as in mumax3 (jcur, pol, Lambda, epsilon_prime, fixed_layer, xi); a film carries either
the Slonczewski or the Zhang-Li torque.  L. Moreels et al., npj Comput. Mater. (2026).
"""

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export.common import (
    commented,
    python_wall,
    solver_numbers,
    texture_numbers,
    vector,
)
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import GAMMA0, MU0

__all__ = ["render"]

_REMARKS = (
    "Needs a CUDA device; single precision unless built otherwise.",
    "A ferromagnet of mumax+ has either the Slonczewski or the Zhang-Li torque: the other is off.",
)


def _script(torque, simulation, thickness, damping, start, drive, explain) -> str:
    duration, step = simulation.duration * 1e-9, simulation.output_step * 1e-9
    body = f"""\
import math

import numpy as np
from mumaxplus import Ferromagnet, Grid, World

world = World(cellsize=({vector(simulation.cell(thickness))}))
world.bias_magnetic_field = ({vector(MU0 * h for h in simulation.field)})  # T
magnet = Ferromagnet(world, Grid({simulation.grid!r}))
magnet.msat = {torque.saturation_magnetisation!r}  # A/m
magnet.aex = {simulation.exchange!r}  # J/m
magnet.alpha = {damping!r}
magnet.gamma = {GAMMA0 / MU0!r}  # rad/(T s)
magnet.ku1 = {simulation.anisotropy!r}  # J/m^3
magnet.anisU = ({vector(simulation.anisotropy_axis)})
magnet.enable_demag = {simulation.demagnetisation!r}
{start}
{drive}

if __name__ == "__main__":
    steps = {simulation.stages}
    print("# t mx my mz")
    for k in range(steps):
        world.timesolver.run({step!r})
        print((k + 1) * {step!r}, *magnet.magnetization.average())
    assert abs(steps * {step!r} - {duration!r}) <= {step!r}
"""
    return "\n".join([*commented(explain, "#"), "", body])


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text."""
    name = f"{torque.name}_mumaxplus.py"
    if isinstance(torque, TextureTorque):
        return {name: _texture(torque, simulation)}
    n = solver_numbers(torque, simulation)
    meaning = "thickness of the whole magnet in z, or free_layer_thickness."
    explain = header("mumax+", torque, simulation, meaning, _REMARKS)
    start = f"magnet.magnetization = ({vector(simulation.initial_direction)})"
    p, prime = repr(n.polarisation), repr(n.epsilon_prime)
    if n.layers:
        start = f"{_BY_LAYER}{start}"
        p, prime = (f"by_layer([{vector(values)}])" for values in n.layers)
    drive = "\n".join(
        [
            "magnet.enable_zhang_li_torque = False",
            f"magnet.pol = {p}  # epsilon = eta/2",
            f"magnet.Lambda = {n.Lambda!r}",
            f"magnet.epsilon_prime = {prime}",
            f"magnet.fixed_layer = ({vector(n.p)})",
            "magnet.fixed_layer_on_top = True  # keeps the sign of jcur",
            f"magnet.jcur = (0, 0, {n.current_density!r})  # A/m^2",
        ]
    )
    return {
        name: _script(torque, simulation, torque.thickness, simulation.alpha, start, drive, explain)
    }


_BY_LAYER = """

def by_layer(values):
    nx, ny, nz = magnet.grid.size
    return np.array(np.broadcast_to(np.array(values)[None, :, None, None], (1, nz, ny, nx)))


"""


def _texture(torque: TextureTorque, simulation: Simulation) -> str:
    n = texture_numbers("mumaxplus", torque, simulation)
    start = f"\n\n{python_wall(simulation)}\n\n"
    start += "magnet.magnetization = lambda x, y, z: wall(x)\n"
    drive = "magnet.enable_slonczewski_torque = False\n"
    drive += f"magnet.pol = {n['P']!r}\nmagnet.xi = {n['xi']!r}\n"
    drive += f"magnet.jcur = ({n['J']!r}, 0, 0)  # A/m^2, conventional"
    explain = header("mumax+", torque, simulation, remarks=_REMARKS)
    alpha = torque.damping + simulation.damping_enhancement
    return _script(torque, simulation, simulation.height, alpha, start, drive, explain)
