"""`kind = "nanopillar"`: a macrospin under spin torque: motion, spectra, phases, switching.

The free layer of a pillar moves as one moment under its anisotropy and demagnetisation fields, an
applied field and the spin torque of a fixed layer, whose parameters come from transport
(`negf-torque export plain`), from circuit theory, or from the literature.  Critical currents are
those of the exact linear stability analysis; Ralph and Stiles, J. Magn. Magn. Mater. 320, 1190
(2008), Eq. 26 and Fig. 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import PositiveFloat, model_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, Table, key
from negf_torque.study.calculations._nanopillar_variables import VARIABLES
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.macrospin import Macrospin
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "System", "check", "figures", "listings", "run", "summary"]

Vector = tuple[float, float, float]


class TorqueTable(Table):
    """`[system.torque]`: per current, as a form, as a table, or as spin-orbit efficiencies."""

    polarisation: float | None = key(
        "P of eta(theta) = P L^2/[(L^2 + 1) + (L^2 - 1) cos(theta)]; a solver's P is half of it.",
        None,
    )
    Lambda: float = key("Asymmetry Lambda.", 1.0, gt=0)
    epsilon_prime: float = key("Field-like epsilon' = eta_perp/2, of the magnetisation.", 0.0)
    angles: list[float] = key("Instead: angles of a table,", [], unit="deg")
    eta: list[float] = key("its in-plane torque per current,", [])
    eta_perp: list[float] = key("and its out-of-plane torque per current.", [])
    damping_like: float | None = key(
        "Instead: a film's spin-orbit efficiency xi_DL (2e/hbar times spin current over J),", None
    )
    field_like: float = key("and xi_FL.", 0.0)
    direction: Vector = key(
        "Magnetisation of the fixed layer; of a film the moment that J > 0 brings.",
        (1.0, 0.0, 0.0),
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> TorqueTable:
        given = (self.polarisation is not None, bool(self.angles), self.damping_like is not None)
        if sum(given) != 1:
            raise ValueError(
                "needs either polarisation (with Lambda) or a table of angles and eta, or "
                "damping_like (with field_like) of a film."
            )
        if self.angles and not (len(self.angles) == len(self.eta) >= 2):
            raise ValueError(
                f"has {len(self.angles)} angles and {len(self.eta)} values of eta. Give as many, "
                "at least two."
            )
        if self.eta_perp and len(self.eta_perp) != len(self.angles):
            raise ValueError("has another number of eta_perp than of angles.")
        return self


class System(Table):
    """The `[system]` table: the free layer."""

    saturation_magnetisation: float = key("Saturation magnetisation M_s.", unit="A/m", gt=0)
    damping: float = key("Gilbert damping.", 0.01, ge=0)
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = key(
        "Axes of the layer, the last one along the current.", (100.0, 60.0, 2.0), unit="nm"
    )
    shape: Literal["ellipse", "rectangle", "none"] = key(
        "Demagnetisation factors: of the ellipsoid or the prism of that size, or none.",
        "ellipse",
    )
    anisotropy: float = key("Uniaxial constant besides the shape's.", 0.0, unit="J/m^3")
    anisotropy_axis: Vector = key("Its axis.", (1.0, 0.0, 0.0))
    applied: Vector = key("Applied field.", (0.0, 0.0, 0.0), unit="A/m")
    exchange_bias: Vector = key("Exchange-bias field.", (0.0, 0.0, 0.0), unit="A/m")
    oersted: Vector = key(
        "Mean Oersted field per current density.", (0.0, 0.0, 0.0), unit="A/m per A/m^2"
    )
    torque: TorqueTable = key("The spin torque.")
    second_torque: TorqueTable | None = key(
        "Another polariser for the same current, for instance a perpendicular one.", None
    )


class MapTable(Table):
    """`[calculation.map]`: the phase diagram."""

    currents: tuple[float, float] = key("Range of the current density.", unit="A/m^2")
    fields: tuple[float, float] = key("Range of the field, added to `applied`.", unit="A/m")
    field_axis: Vector | None = key("Its direction; default the `axis` of the states.", None)
    points: tuple[int, int] = key("Points of the grid, current and field.", (25, 17))
    duration: float = key("Time followed for each point.", 20.0, unit="ns", gt=0)
    refinements: int = key("Bisections of each boundary.", 5, ge=0, le=20)


class SwitchingTable(Table):
    """`[calculation.switching]`: an ensemble at temperature under a pulse."""

    currents: list[float] = key("Current densities of the pulse.", unit="A/m^2", min_length=1)
    temperature: float = key("Temperature.", 300.0, unit="K", ge=0)
    pulse: float = key("Length of the pulse.", 5.0, unit="ns", gt=0)
    duration: float = key("Time followed.", 6.0, unit="ns", gt=0)
    runs: int = key("Runs of the ensemble.", 1000, ge=2, le=1_000_000)
    seed: int = key("Seed of the random numbers.", 0, ge=0)


class ResonanceTable(Table):
    """`[calculation.resonance]`: rectified voltage of an alternating current (ST-FMR)."""

    frequencies: tuple[PositiveFloat, PositiveFloat, int] = key("First, last, number.", unit="GHz")
    fields: list[float] = key("Fields, added to `applied`.", unit="A/m", min_length=1)
    field_axis: Vector | None = key("Their direction; default the `axis` of the states.", None)
    amplitude: float = key("Amplitude of the current density.", 1e10, unit="A/m^2", gt=0)
    current: float = key("Constant current density besides.", 0.0, unit="A/m^2")
    resistance_parallel: float = key("Resistance times area at P.", unit="fohm m^2", gt=0)
    resistance_antiparallel: float = key("And at AP.", unit="fohm m^2", gt=0)
    state: Vector | None = key("Guess of the static state; default `start`.", None)


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["nanopillar"] = key("Motion of a macrospin under spin torque.")
    currents: list[float] = key("Current densities of the runs shown.", unit="A/m^2", min_length=1)
    fields: list[float] = key(
        "Field along the axis of each run shown, added to `applied`; default none.", [],
        unit="A/m",
    )  # fmt: skip
    axis: Vector | None = key(
        "Axis of the states P (+) and AP (-); default the fixed layer's magnetisation.", None
    )
    start: Vector = key("Magnetisation at the start.", (1.0, 0.02, 0.0))
    duration: float = key("Time of each run.", 20.0, unit="ns", gt=0)
    output_step: float = key("Time between outputs.", 0.01, unit="ns", gt=0)
    step: float = key("Time step of the compiled runs (map, switching).", 1e-3, unit="ns", gt=0)
    map: MapTable | None = key("Phase diagram; leave out for none.", None)
    switching: SwitchingTable | None = key("Thermal ensemble; leave out for none.", None)
    resonance: ResonanceTable | None = key("Spin-torque resonance; leave out for none.", None)


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
    if table.map:
        for name in ("currents", "fields"):
            low, high = getattr(table.map, name)
            if low >= high:
                problems["calculation", "map", name] = f"{low:g} ... {high:g} is not a range."
        if min(table.map.points) < 2:
            problems["calculation", "map", "points"] = "needs at least two points per axis."
    if table.map or table.switching:
        fields = max(abs(h) for h in table.map.fields) if table.map else 0.0
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
    if table.map:
        add_phases(table, model, p, progress, values, coords)
    if table.switching:
        add_switching(table, model, p, progress, values, coords)
    if table.resonance:
        add_resonance(table, model, p, progress, values, coords)
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
