"""`kind = "nanopillar"`: a macrospin under spin torque: motion, spectra, phases, switching.

The free layer of a pillar moves as one moment under its anisotropy and demagnetisation fields, an
applied field and the spin torque of a fixed layer, whose parameters come from transport
(`negf-torque export plain`), from circuit theory, or from the literature.  Critical currents are
those of the exact linear stability analysis; Ralph and Stiles, J. Magn. Magn. Mater. 320, 1190
(2008), Eq. 26 and Fig. 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.base import Listing, Scalar
from negf_torque.study.calculations._nanopillar_tables import Parameters, System, TorqueTable
from negf_torque.study.calculations._nanopillar_variables import VARIABLES
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.macrospin import Macrospin
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "MAY_BE_UNDEFINED",
    "VARIABLES",
    "Parameters",
    "System",
    "check",
    "figures",
    "listings",
    "run",
    "summary",
]

READS_TORQUE = True

MAY_BE_UNDEFINED = {
    "critical_current": "the state is stable, or unstable, at every current",
}
_NOISE = {
    "noise_frequency": "strongest line at temperature",
    "noise_width": "its full width at half maximum",
}


def model_of(card: Card) -> Macrospin:
    """The macrospin that `[system]` describes, driven by a current density in A/m^2."""
    from negf_torque.llg.demagnetisation import ellipsoid_factors, prism_factors
    from negf_torque.llg.macrospin import macrospin
    from negf_torque.units import MU0

    s = card.system
    factors = {"ellipse": ellipsoid_factors, "rectangle": prism_factors}.get(s.shape)
    volume = np.prod(s.size) * (np.pi / 4 if s.shape == "ellipse" else 1.0)
    anisotropies = []
    if s.anisotropy:
        field = 2 * s.anisotropy / (MU0 * s.saturation_magnetisation)
        anisotropies = [(field, s.anisotropy_axis)]
    return macrospin(
        s.saturation_magnetisation,
        s.damping,
        applied=s.applied,
        exchange_bias=s.exchange_bias,
        anisotropies=anisotropies,
        demagnetisation=factors(s.size) if factors else (0, 0, 0),
        oersted=s.oersted,
        torques=[torque_of(s, t) for t in (s.torque, s.second_torque) if t is not None],
        volume=float(volume),
    )


def axis_of(card: Card) -> np.ndarray:
    """Unit vector of the states P and AP."""
    from negf_torque.spin import unit_vector

    return unit_vector(card.calculation.axis or card.system.torque.direction, "axis")


def torque_of(s: System, t: TorqueTable) -> Any:
    """The spin torque of a `[system.torque]`."""
    from negf_torque.llg.torques import constant_torque, slonczewski_torque, valve_spin_torque
    from negf_torque.llg.valve import ValveTorque, slonczewski_field

    if t.damping_like is not None:
        unit = slonczewski_field(1.0, s.saturation_magnetisation, s.size[2] * 1e-9) / 2
        return constant_torque(t.direction, unit * t.damping_like, unit * t.field_like)
    if t.polarisation is not None:
        return slonczewski_torque(
            t.direction,
            t.polarisation / 2,
            t.Lambda,
            t.epsilon_prime,
            s.saturation_magnetisation,
            s.size[2],
        )
    order = np.argsort(t.angles)
    perpendicular = np.array(t.eta_perp or [2 * t.epsilon_prime] * len(t.angles))
    valve = ValveTorque(
        tuple(np.radians(t.angles)[order].tolist()),
        tuple(np.array(t.eta)[order].tolist()),
        tuple(perpendicular[order].tolist()),
        (1.0,) * len(t.angles),
        1.0,
        s.size[2],
        s.saturation_magnetisation,
        t.direction,
    )
    return valve_spin_torque(valve)


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one key."""
    from negf_torque.llg.macrospin import step_limit

    table = card.calculation
    problems: dict[tuple, str] = {}
    try:
        model = model_of(card)
    except ValueError as error:
        return {("system",): str(error)}
    if table.fields and len(table.fields) != len(table.currents):
        problems["calculation", "fields"] = (
            f"has {len(table.fields)} fields for {len(table.currents)} currents. Give one each."
        )
    peaks = [abs(j) for j in table.currents]
    for part in (table.map, table.switching):
        peaks += [abs(j) for j in part.currents] if part else []
    peaks += [abs(table.noise.current)] if table.noise else []
    if table.map:
        for name in ("currents", "fields"):
            low, high = getattr(table.map, name)
            if low >= high:
                problems["calculation", "map", name] = f"{low:g} ... {high:g} is not a range."
        if min(table.map.points) < 2:
            problems["calculation", "map", "points"] = "needs at least two points per axis."
    if table.map or table.switching or table.noise:
        fields = max(abs(h) for h in table.map.fields) if table.map else 0.0
        fields = max(fields, abs(table.noise.field) if table.noise else 0.0)
        limit = step_limit(model, max(peaks), fields)
        if table.step > limit:
            problems["calculation", "step"] = (
                f"{table.step:g} ns is too long for the precession. Give at most {limit:.3g} ns."
            )
    if table.resonance:
        first, last, count = table.resonance.frequencies
        if not (first < last and count >= 5):
            problems["calculation", "resonance", "frequencies"] = (
                "is not a range of at least five frequencies: first, last, number."
            )
    if table.duration / table.output_step > 1e6:
        problems["calculation", "output_step"] = "more than a million outputs. Give a longer step."
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Trajectories and spectra; phase map; switching."""
    from negf_torque.llg.macrospin import trajectory
    from negf_torque.llg.signals import spectrum
    from negf_torque.study.calculations._nanopillar_dataset import (
        Pillar,
        add_noise,
        add_phases,
        add_resonance,
        add_switching,
        stability_limit,
    )

    table, model = card.calculation, model_of(card)
    p = axis_of(card)
    fields = table.fields or [0.0] * len(table.currents)
    samples = int(round(table.duration / table.output_step)) + 1
    progress.start("trajectories", len(table.currents))
    paths = []
    for current, h in zip(table.currents, fields, strict=True):
        here = model.with_field(model.field + h * p)
        paths.append(
            trajectory(here, table.start, table.duration, current, samples, tolerance=1e-8)
        )
        progress.advance()
    m = np.array([path.m for path in paths])
    time = paths[0].time
    frequency, density = spectrum(time[samples // 2 :], (m @ p)[:, samples // 2 :])
    values: dict[str, Any] = {
        "magnetisation": m, "cosine": m @ p, "spectrum": density, "run_field": fields
    }  # fmt: skip
    coords: dict[str, Any] = {
        "current": table.currents,
        "time": time,
        "component": list("xyz"),
        "frequency": frequency,
    }
    pillar = Pillar(table, model, p, progress, values, coords)
    if table.map:
        add_phases(pillar)
    if table.switching:
        add_switching(pillar)
    if table.resonance:
        add_resonance(pillar)
    if table.noise:
        add_noise(pillar)
    limits = {f"limit_{name}": stability_limit(model, s * p) for name, s in (("P", 1), ("AP", -1))}
    attributes = {f"{name}_{k}": v for name, found in limits.items() for k, v in found.items()}
    return labelled(
        VARIABLES,
        values,
        coords,
        converged=True,
        torque_deviation=float(max(torque.deviation for torque in model.torques)),
        direction=list(card.system.torque.direction),
        **attributes,
    )


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Critical currents, what each run ended in, switching."""
    found = []
    for name in ("P", "AP"):
        found.append(
            Scalar(
                f"critical_current[{name}]",
                float(dataset.attrs[f"limit_{name}_current"]),
                "A/m^2",
                note=f"linear stability, {dataset.attrs[f'limit_{name}_how']}",
            )
        )
    late = slice(int(0.75 * dataset.sizes["time"]), None)
    for k, current in enumerate(dataset["current"].values):
        cosine = dataset["cosine"].isel(current=k, time=late)
        swing = float(cosine.max() - cosine.min())
        field = float(dataset["run_field"][k])
        label = f"[{current:g} A/m^2{f', {field:g} A/m' if field else ''}]"
        found.append(Scalar(f"final_cosine{label}", float(cosine.mean()), "1", note="mean of m.p"))
        if swing > 1e-3:
            density = dataset["spectrum"].isel(current=k).values
            peak = float(dataset["frequency"].values[int(np.argmax(density[1:])) + 1])
            found.append(Scalar(f"frequency{label}", peak, "GHz", note="of m.p; strongest line"))
    if "switching_probability" in dataset:
        for k, current in enumerate(dataset["pulse_current"].values):
            one = dataset.isel(pulse_current=k)
            found.append(
                Scalar(
                    f"switching_probability[{current:g} A/m^2]",
                    float(one["switching_probability"]),
                    "1",
                    error=float(one["switching_probability_error"]),
                )
            )
    for k, field in enumerate(dataset["rf_field"].values if "rf_field" in dataset else []):
        for name, unit in (("resonance_frequency", "GHz"), ("resonance_half_width", "GHz")):
            value = float(dataset[name][k])
            found.append(Scalar(f"{name}[{field:g} A/m]", value, unit))
    if "noise_spectrum" in dataset:
        for name in ("noise_frequency", "noise_width"):
            error = float(dataset[f"{name}_error"])
            found.append(Scalar(name, float(dataset[name]), "GHz", error, note=_NOISE[name]))
    if dataset.attrs["torque_deviation"]:
        found.append(
            Scalar(
                "torque_deviation",
                float(dataset.attrs["torque_deviation"]),
                "1",
                note="of the polynomial in cos(theta) from the table",
            )
        )
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """The phases along the current, at three fields of the map."""
    if "phase" not in dataset:
        return []
    from negf_torque.llg.phases import LABELS

    fields = dataset["map_field"].values
    chosen = sorted({0, len(fields) // 2, len(fields) - 1})
    rows = []
    for k, current in enumerate(dataset["map_current"].values):
        names = []
        for h in chosen:
            codes = dataset["phase"].isel(map_current=k, map_field=h).values
            names.append("/".join(LABELS[c] for c in sorted(set(codes.tolist()))))
        rows.append((float(current), *names))
    columns = ("J (A/m^2)", *(f"H = {fields[h]:g} A/m" for h in chosen))
    return [Listing("Phases", columns, tuple(rows))]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_nanopillar_figures`."""
    from negf_torque.study.calculations._nanopillar_figures import figures as draw

    return draw(dataset)


def animations(dataset: xr.Dataset, form: str | None = None) -> dict[str, bytes]:
    """A film of each run's path, where a form is asked for."""
    from negf_torque.study.calculations._nanopillar_figures import run_label
    from negf_torque.study.calculations._nanopillar_film import film

    if form is None:
        return {}
    return {
        f"film_run{run}.{form}": film(dataset, run, run_label(dataset, run), form)
        for run in range(dataset.sizes["current"])
    }
