"""Material and input file for Vampire: one spin that stands for the whole layer.

Vampire adds the field F [(rj - alpha pj) m x p + (pj + alpha rj) p], F = 1/(1 + asymmetry m.p), to
the Landau-Lifshitz form, so that rj and pj (tesla) are the coefficients of the explicit equation:
rj = (a + alpha b)/(g(1 + alpha^2)), pj = (b - alpha a)/(g(1 + alpha^2)).  R. F. L. Evans et al.,
J. Phys. Condens. Matter 26, 103202 (2014), and its source.
"""

from dataclasses import replace

import numpy as np

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.convert import convert
from negf_torque.llg.export.common import commented, solver_numbers, vector
from negf_torque.llg.export.header import header
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import BOHR_MAGNETON, MU0

__all__ = ["render"]

_MOMENT = 2.0


def _material(torque, simulation: Simulation, numbers: dict[str, float], asymmetry: float):
    """Lines of the material file."""
    atom = simulation.anisotropy * _MOMENT * BOHR_MAGNETON / torque.saturation_magnetisation
    return [
        "material:num-materials=1",
        "material[1]:material-name=layer",
        f"material[1]:damping-constant={simulation.alpha!r}",
        f"material[1]:atomic-spin-moment={_MOMENT!r} !muB",
        f"material[1]:second-order-uniaxial-anisotropy-constant={atom!r}",
        f"material[1]:uniaxial-anisotropy-direction={vector(simulation.anisotropy_axis, ',')}",
        f"material[1]:initial-spin-direction={vector(simulation.initial_direction, ',')}",
        f"material[1]:spin-transfer-relaxation-torque={numbers['rj']!r} !T",
        f"material[1]:spin-transfer-precession-torque={numbers['pj']!r} !T",
        f"material[1]:spin-transfer-torque-asymmetry={asymmetry!r}",
        "",
    ]


def _control(name: str, simulation: Simulation, p) -> list[str]:
    """Lines of the input file."""
    field = MU0 * np.array(simulation.field)
    strength = float(np.linalg.norm(field))
    direction = field / strength if strength else np.array([0.0, 0.0, 1.0])
    return [
        "create:single-spin",
        f"material:file={name}.mat",
        "sim:program=time-series",
        "sim:integrator=llg-heun",
        "sim:temperature=0",
        "sim:time-step=1 !fs",
        f"sim:total-time-steps={round(simulation.duration * 1e-9 / 1e-15)}",
        f"sim:time-steps-increment={max(1, round(simulation.output_step * 1e-9 / 1e-15))}",
        f"sim:applied-field-strength={strength!r} !T",
        f"sim:applied-field-unit-vector={vector(direction, ',')}",
        f"sim:spin-transfer-torque-polarization-unit-vector={vector(p, ',')}",
        "output:real-time",
        "output:magnetisation",
        "",
    ]


def render(
    torque: ValveTorque | SpinOrbitTorque | TextureTorque, simulation: Simulation
) -> dict[str, str]:
    """File name -> text: NAME.mat and NAME_vampire.input (Vampire reads it as `input`)."""
    if isinstance(torque, TextureTorque):
        raise ValueError("solver: 'vampire' has no Zhang-Li torque. Use 'mumax3' or 'oommf'.")
    simulation = replace(simulation, film_cells=1)  # one spin: the film's mean torque
    n = solver_numbers(torque, simulation)
    square = n.Lambda**2
    asymmetry = (square - 1) / (square + 1)
    p = np.array(n.p)
    current, prime = n.current_density, n.epsilon_prime
    if current < 0 and asymmetry == 0:
        # rj below -10 mT is refused: reverse p instead (exact without asymmetry).
        p, current = -p, -current
    numbers = convert(
        "slonczewski",
        "mumax3",
        "vampire",
        {
            "J": current,
            "P": 2 * n.polarisation * square / (square + 1),  # the value at m.p = 0, Lambda = 1
            "epsilon_prime": prime,
        },
        saturation_magnetisation=torque.saturation_magnetisation,
        thickness=torque.thickness,
        damping=simulation.alpha,
    )
    remarks = (
        "One spin stands for the layer; exchange and the film's demagnetisation are not included.",
        "The asymmetry divides the field-like torque too, where epsilon' is constant in the valve:",
        f"its error is up to {asymmetry:.2e} of itself.",
        "Negative rj below -0.01 T is refused by Vampire's input check.",
        "Not run here: checked against the equation in Vampire's source.",
    )
    explain = header(
        "Vampire",
        torque,
        simulation,
        "thickness of the whole layer (contained in rj and pj).",
        remarks,
    )
    comment = commented(explain, "#")
    material = _material(torque, simulation, numbers, asymmetry)
    control = _control(torque.name, simulation, p)
    return {
        f"{torque.name}.mat": "\n".join(comment + material),
        f"{torque.name}_vampire.input": "\n".join(comment + control),
    }
