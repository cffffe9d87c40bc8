"""Torques beyond one polariser and one form: junctions at a bias, several polarisers.

Where a solver takes fields of the user's the torque itself is written; every solver's single
Slonczewski term gets the nearest torque, and the header says what is lost and by how much.
"""

from dataclasses import replace
from types import ModuleType

import numpy as np

from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.junction import JunctionTorque
from negf_torque.llg.torques import SpinTorque, valve_spin_torque
from negf_torque.llg.valve import ValveTorque

__all__ = ["render_junction", "render_several"]


def render_junction(
    module: ModuleType, junction: JunctionTorque, simulation: Simulation
) -> dict[str, str]:
    """The junction at its working voltage; the table T(V, theta) where the solver takes it.

    J is the current at 90 degrees (the nearest computed angle) and replaces the simulation's, and
    the interlayer coupling there is added to the applied field.
    """
    volt = junction.point
    point = junction.at(volt)
    coupling = junction.coupling_field()
    middle = int(np.argmin(np.abs(junction.angles - np.pi / 2)))
    field = np.array(simulation.field) + coupling[middle] * np.array(junction.fixed_direction)
    x, y, z = field.tolist()
    at_point = replace(
        simulation,
        current_density=float(point.current_density_per_volt()[0] * volt),
        field=(x, y, z),
    )
    losses = junction.losses(volt)
    varies = losses.get("constant_current")
    notes = (
        *point.notes,
        f"Junction at V = {volt:g} V, kept constant while the layer turns: J is that of "
        f"{np.degrees(junction.angles[middle]):.0f} deg and stands for the voltage; the current "
        f"itself would vary by {'an unknown share' if varies is None else f'{varies:.2e}'} "
        "with the angle.",
        f"Another voltage needs another file: in V the damping-like torque is linear within "
        f"{losses['linear_damping_like']:.2e}, the field-like one quadratic within "
        f"{losses['quadratic_field_like']:.2e} (of the largest).",
        f"Interlayer coupling, {coupling[middle]:.6g} A/m along p, is in the applied field below; "
        f"it varies by {np.ptp(coupling):.2e} A/m with the angle.",
    )
    point = replace(point, notes=notes)
    files = {}
    if point.slonczewski().valid or not hasattr(module, "tables"):
        files = module.render(point, at_point)
    if hasattr(module, "bias_table"):
        files |= module.bias_table(junction)
    if hasattr(module, "tables"):
        own = [junction.spin_torque()]
        drive = f"lambda time: {volt!r}" if module.__name__.endswith("magnumnp") else volt
        files |= module.tables(own, point, simulation, drive)
    return files


def _strength(torque: SpinTorque, drive: float) -> float:
    """Largest field of a torque over the angles, A/m."""
    c = np.linspace(-1, 1, 181)
    h_a, h_b = torque.coefficients(c, drive)
    return float(np.max(np.hypot(h_a, h_b) * np.sqrt(1 - c**2)))


def render_several(
    module: ModuleType, valves: tuple[ValveTorque, ...], simulation: Simulation
) -> dict[str, str]:
    """One free layer between several polarisers, driven by one current."""
    if not valves:
        raise ValueError("torque: an empty list of polarisers.")
    first = valves[0]
    for other in valves[1:]:
        for key in ("saturation_magnetisation", "thickness", "cell_area"):
            if getattr(other, key) != getattr(first, key):
                raise ValueError(
                    f"{key}: {getattr(first, key)!r} and {getattr(other, key)!r}. Several "
                    "polarisers act on one free layer."
                )
    if len(valves) == 1:
        return module.render(first, simulation)
    if hasattr(module, "bias_table"):  # plain tables: all of them, one after the other
        named = [replace(v, name=f"{v.name}_{k}") for k, v in enumerate(valves, start=1)]
        return {k: text for v in named for k, text in module.render(v, simulation).items()}
    terms = [valve_spin_torque(v) for v in valves]
    strength = [_strength(t, simulation.current_density) for t in terms]
    best = int(np.argmax(strength))
    lost = ", ".join(
        f"p = ({', '.join(f'{x:.4g}' for x in v.fixed_direction)}) with up to "
        f"{s / strength[best]:.2e} of the largest torque"
        for k, (v, s) in enumerate(zip(valves, strength, strict=True))
        if k != best
    )
    if hasattr(module, "tables"):
        note = (
            f"{len(valves)} polarisers, all of them below; the numbers above are the strongest's."
        )
        drive: float | str = simulation.current_density
        if module.__name__.endswith("magnumnp"):
            drive = f"lambda time: {drive!r}"
        return module.tables(terms, replace(valves[best], notes=(note,)), simulation, drive)
    note = f"One polariser of {len(valves)} is written, the strongest.  LOST: {lost}."
    return module.render(replace(valves[best], notes=(note,)), simulation)
