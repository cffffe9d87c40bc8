"""A Python script for Spirit: one spin that stands for the whole layer.

Spirit is atomistic.  Its torque is a m x (p x m) + beta a p x m with a = (g/mu_B) a_j: a_j in
meV, positive, **not** divided by the atom's moment, without angular dependence.  A layer without a
lattice is one spin here, with the anisotropy of its share of the volume.  G. P. Müller et al.,
Phys. Rev. B 99, 224414 (2019).
"""

from dataclasses import replace

import numpy as np

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.convert import convert
from negf_torque.llg.export.common import commented, solver_numbers, vector
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, MU0

__all__ = ["render"]

#: Moment of the representative spin in Bohr magnetons; only ratios to it matter.
_MOMENT = 2.0


def _angle_loss(n, cosine: float) -> str:
    """How much a constant torque misses at parallel and at antiparallel."""
    here = efficiency(cosine, n.polarisation, n.Lambda)
    p, ap = (float(efficiency(c, n.polarisation, n.Lambda) / here - 1) for c in (1, -1))
    return (
        f"Lambda = {n.Lambda:.6g} is lost: a is taken at m.p = {cosine:.4g}; the torque itself is "
        f"{100 * p:+.1f} % at parallel and {100 * ap:+.1f} % at antiparallel of that."
    )


def _script(simulation: Simulation, field, numbers: dict[str, float], p, steps: int) -> str:
    """Body of the script; `field` in tesla, energies in meV."""
    strength = float(np.linalg.norm(field))
    direction = field / strength if strength else np.array([0.0, 0.0, 1.0])
    anisotropy = numbers["anisotropy"]
    return f"""\
import os
import tempfile

import numpy as np
from spirit import hamiltonian, simulation, state, system
from spirit.parameters import llg

CONFIG = \"\"\"\\
bravais_lattice sc
n_basis_cells 1 1 1
boundary_conditions 0 0 0
mu_s {_MOMENT!r}
n_shells_exchange 0
n_shells_dmi 0
ddi_method none
\"\"\"
STEP = 1e-3  # ps


def run():
    \"\"\"Times in ns and unit vectors, (samples,) and (samples, 3).\"\"\"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "spirit.cfg")
        with open(path, "w") as file:
            file.write(CONFIG)
        with state.State(path, quiet=True) as p:
            llg.set_output_general(p, any=False)
            llg.set_timestep(p, STEP)
            llg.set_convergence(p, 0.0)
            llg.set_temperature(p, 0.0)
            llg.set_damping(p, {simulation.alpha!r})
            hamiltonian.set_field(p, {strength!r}, [{vector(direction)}])  # T
            hamiltonian.set_anisotropy(
                p, {anisotropy!r}, [{vector(simulation.anisotropy_axis)}]
            )  # meV
            llg.set_stt(p, False, {numbers["a_j"]!r}, [{vector(p)}])  # meV
            llg.set_non_adiabatic_damping(p, {numbers["beta"]!r})
            m = system.get_spin_directions(p)
            m[0] = [{vector(simulation.initial_direction)}]
            out = [m[0].copy()]
            simulation.start(
                p,
                simulation.METHOD_LLG,
                simulation.SOLVER_RK4,
                n_iterations=10**9,
                n_iterations_log=10**9,
                single_shot=True,
            )
            for _ in range({simulation.stages}):
                simulation.n_shot(p, {steps})
                out.append(m[0].copy())
    return np.arange(len(out)) * {steps} * STEP * 1e-3, np.array(out)


if __name__ == "__main__":
    for time, m in zip(*run()):
        print(time, *m)
"""


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text."""
    if isinstance(torque, TextureTorque):
        raise ValueError(
            "solver: 'spirit' takes textures on its own atomic lattice, which a continuum "
            "coefficient does not give. Use u and beta from 'plain'."
        )
    simulation = replace(simulation, film_cells=1)  # one spin: the film's mean torque
    n = solver_numbers(torque, simulation)
    start = np.array(simulation.initial_direction)
    cosine = float(np.round(start @ np.array(n.p), 12))
    numbers = convert(
        "slonczewski",
        "mumax3",
        "spirit",
        {
            "J": n.current_density,
            "P": n.polarisation,
            "Lambda": n.Lambda,
            "epsilon_prime": n.epsilon_prime,
        },
        saturation_magnetisation=torque.saturation_magnetisation,
        thickness=torque.thickness,
        cosine=cosine,
    )
    p = numbers["p_sign"] * np.array(n.p)
    # Energies per spin: K V with M_s V = moment, in meV.
    to_mev = _MOMENT * BOHR_MAGNETON / torque.saturation_magnetisation / ELEMENTARY_CHARGE * 1e3
    field = MU0 * np.array(simulation.field)
    remarks = (
        "One spin stands for the layer; no exchange.  The film's own demagnetisation field is not",
        "included: Spirit has one anisotropy axis, used for the given anisotropy.",
        *(() if abs(n.Lambda - 1) < 1e-12 else (_angle_loss(n, cosine),)),
        "a_j >= 0 and p are reversed together where needed.  gamma is g_e mu_B/hbar.",
    )
    explain = header(
        "Spirit", torque, simulation, "thickness of the whole layer (contained in a_j).", remarks
    )
    steps = max(1, round(simulation.output_step * 1e3 / 1e-3))
    numbers["anisotropy"] = simulation.anisotropy * to_mev
    body = _script(simulation, field, numbers, p, steps)
    text = "\n".join([*commented(explain, "#"), "", body])
    return {f"{torque.name}_spirit.py": text}
