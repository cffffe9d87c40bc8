"""Parts of a nanopillar's result: stability limits, phase diagram, thermal switching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from negf_torque.llg.macrospin import Macrospin
    from negf_torque.study.base import Progress
    from negf_torque.study.calculations._nanopillar_tables import Parameters

__all__ = [
    "Pillar",
    "add_noise",
    "add_phases",
    "add_resonance",
    "add_switching",
    "stability_limit",
]


@dataclass(frozen=True)
class Pillar:
    """A card's table and macrospin, and where its parts put their results.

    Attributes
    ----------
    table : Parameters
    model : Macrospin
    p : (3,)
        Axis of the states P and AP.
    progress : Progress
    values, coords : dict
        Of the dataset; each part adds its own.
    """

    table: Parameters
    model: Macrospin
    p: np.ndarray
    progress: Progress
    values: dict[str, Any]
    coords: dict[str, Any]


def stability_limit(model: Macrospin, state: np.ndarray, largest: float = 3e13) -> dict[str, Any]:
    """Current at which the state loses its stability (of either sign), and how."""
    from negf_torque.llg.stability import critical_drive, fixed_point

    point = fixed_point(model, state)
    if point is None or not point.stable or point.m @ state < 0.5:
        return {"current": float("nan"), "how": "not stable without current"}
    both = (critical_drive(model, point.m, s * largest, steps=120) for s in (1, -1))
    found = [f for f in both if f is not None]
    if not found:
        return {"current": float("nan"), "how": "stable at all currents"}
    current, how = min(found, key=lambda f: abs(f[0]))
    return {"current": float(current), "how": how}


def add_phases(pillar: Pillar) -> None:
    """The phase diagram, and the exact limits of the static states beside it."""
    from negf_torque.llg.phases import phase_map
    from negf_torque.llg.stability import critical_drive, fixed_point
    from negf_torque.spin import unit_vector

    table, model, p = pillar.table, pillar.model, pillar.p
    progress, values, coords = pillar.progress, pillar.values, pillar.coords
    part = table.map
    assert part is not None  # the card has this table
    drives = np.linspace(part.currents[0], part.currents[1], part.points[0])
    fields = np.linspace(part.fields[0], part.fields[1], part.points[1])
    along = p if part.field_axis is None else unit_vector(part.field_axis, "field_axis")
    progress.start("phase diagram", len(fields) + 1)
    found = phase_map(
        model,
        drives,
        fields,
        axis=p,
        field_axis=along,
        normal=(0, 0, 1) if abs(p[2]) < 0.9 else (1, 0, 0),
        duration=part.duration,
        step=table.step,
        refinements=part.refinements,
    )
    progress.advance()
    limits = np.full((2, len(fields)), np.nan)
    for k, h in enumerate(fields):
        here = model.with_field(model.field + h * along)
        for s, state in enumerate((p, -p)):
            point = fixed_point(here, state)
            if point is None or not point.stable or point.m @ state < 0.5:
                continue
            lost = (critical_drive(here, point.m, edge, steps=24) for edge in part.currents if edge)
            edges = [edge[0] for edge in lost if edge is not None]
            limits[s, k] = min(edges, key=abs) if edges else np.nan
        progress.advance()
    coords |= {"map_current": drives, "map_field": fields, "start": ["P", "AP"]}
    values |= {
        "phase": found.codes,
        "boundary_current": found.boundary[:, 0],
        "boundary_field": found.boundary[:, 1],
        "static_limit": limits,
    }


def add_switching(pillar: Pillar) -> None:
    """Thermal ensemble under a pulse, all currents at once."""
    from negf_torque.llg.batch import integrate
    from negf_torque.llg.macrospin import pulse
    from negf_torque.llg.signals import switching_probability

    table, model, p = pillar.table, pillar.model, pillar.p
    progress, values, coords = pillar.progress, pillar.values, pillar.coords
    part = table.switching
    assert part is not None  # the card has this table
    progress.start("switching", len(part.currents))
    side = np.sign(np.array(table.start) @ p) or 1.0
    passages = []
    for k, current in enumerate(part.currents):
        start = np.broadcast_to(np.array(table.start), (part.runs, 3))
        ensemble = integrate(
            model,
            start,
            part.duration,
            table.step,
            drive=pulse(current, 0.0, part.pulse),
            temperature=part.temperature,
            seed=part.seed,
            first_trajectory=k * part.runs,
            stride=max(1, int(round(part.duration / table.step / 100))),
            axis=side * p,
            level=0.0,
        )
        passages.append(ensemble.passage)
        progress.advance()
    found = [switching_probability(times, part.duration) for times in passages]
    coords |= {"pulse_current": part.currents, "run": np.arange(part.runs)}
    values |= {
        "switching_time": np.array(passages),
        "switching_probability": np.array([f[0] for f in found]),
        "switching_probability_error": np.array([f[1] for f in found]),
    }


def add_resonance(pillar: Pillar) -> None:
    """Rectified voltage against frequency at each field, and its two Lorentzians."""
    from negf_torque.llg.fmr import fit_resonance, mixing_voltage
    from negf_torque.spin import unit_vector

    table, model, p = pillar.table, pillar.model, pillar.p
    progress, values, coords = pillar.progress, pillar.values, pillar.coords
    part = table.resonance
    assert part is not None  # the card has this table
    along = p if part.field_axis is None else unit_vector(part.field_axis, "field_axis")
    fixed = model.torques[0].direction
    first, last, count = part.frequencies
    frequency = np.linspace(first, last, int(count))
    mean, half = (
        1e-15 * (part.resistance_parallel + s * part.resistance_antiparallel) / 2 for s in (1, -1)
    )
    progress.start("resonance", len(part.fields))
    voltage, fits = [], []
    state = unit_vector(part.state or table.start, "state")
    for field in part.fields:
        here = model.with_field(model.field + field * along)
        one = mixing_voltage(
            here, state, frequency, lambda m: mean + half * (m @ fixed), part.amplitude,
            part.current,
        )  # fmt: skip
        fits.append(fit_resonance(frequency, one))
        voltage.append(one)
        progress.advance()
    coords |= {"rf_frequency": frequency, "rf_field": part.fields}
    values |= {
        "rectified_voltage": np.array(voltage),
        "resonance_frequency": [fit.frequency for fit in fits],
        "resonance_half_width": [fit.half_width for fit in fits],
        "voltage_symmetric": [fit.symmetric for fit in fits],
        "voltage_antisymmetric": [fit.antisymmetric for fit in fits],
    }


def add_noise(pillar: Pillar) -> None:
    """Mean spectrum of thermal runs at one current, and the Lorentzian of its strongest line."""
    from negf_torque.llg.batch import integrate
    from negf_torque.llg.signals import fit_line, spectrum

    table, model, p = pillar.table, pillar.model, pillar.p
    progress, values, coords = pillar.progress, pillar.values, pillar.coords
    part = table.noise
    assert part is not None  # the card has this table
    progress.start("thermal spectrum")
    stride = max(1, int(round(table.output_step / table.step)))
    found = integrate(
        model.with_field(model.field + part.field * p),
        np.broadcast_to(np.array(table.start), (part.runs, 3)),
        part.duration,
        table.step,
        drive=part.current,
        temperature=part.temperature,
        seed=part.seed,
        stride=stride,
    )
    late = found.time > 0.2 * part.duration
    frequency, density = spectrum(found.time[late], (found.m @ p)[:, late])
    mean = density.mean(axis=0)
    line = fit_line(frequency, mean)
    coords |= {"noise_bin": frequency}
    values |= {
        "noise_spectrum": mean,
        "noise_spectrum_error": density.std(axis=0, ddof=1) / np.sqrt(part.runs),
        "noise_frequency": line.frequency,
        "noise_frequency_error": line.frequency_error,
        "noise_width": line.width,
        "noise_width_error": line.width_error,
        "noise_power": line.power,
    }
