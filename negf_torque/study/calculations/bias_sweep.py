"""`kind = "bias_sweep"`: a tunnel junction, or any valve, at finite bias.

Current, tunnel magnetoresistance and both components of the torque on the free magnet against
voltage and angle; window and all occupied states.  A free magnet that is an electrode takes up
all transverse spin that arrives: its torque is the spin current in front of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, key
from negf_torque.study.calculations._angles import in_half_turn
from negf_torque.study.calculations._bias_parts import PART_IGNORES
from negf_torque.study.calculations._bias_variables import VARIABLES
from negf_torque.study.calculations.spin_valve import check

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.export import Simulation
    from negf_torque.llg.junction import JunctionTorque
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "MAY_BE_UNDEFINED",
    "PART_IGNORES",
    "VARIABLES",
    "Parameters",
    "check",
    "figures",
    "listings",
    "llg_parameters",
    "merge",
    "run",
    "run_part",
    "split",
    "summary",
]
MAY_BE_UNDEFINED = {
    "tmr": "no current flows with antiparallel moments",
    "damping_like": "the shown angle is collinear",
    "field_like": "the shown angle is collinear",
}


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["bias_sweep"] = key("Currents and torques against voltage and angle.")
    free: str = key("Name of the magnet that turns; an electrode may be one.", "free")
    fixed: str = key("Name of the magnet that polarises.", "fixed")
    energy: float = key("Fermi energy without a voltage.", unit="eV")
    temperature: float = key("Temperature of the leads.", 0.0, unit="K", ge=0)
    voltages: list[float] = key(
        "Voltages; positive ones drive electrons from left to right.", unit="V", min_length=1
    )
    angles: list[float] = key(
        "Angles between the majority spins of both magnets.",
        [float(angle) for angle in range(0, 181, 30)],
        unit="deg",
        min_length=1,
    )
    profile: Literal["linear", "neutral", "given"] = key(
        "Potential: linear in the barrier, neutral in every layer (linear in the barrier, if there "
        "is one), or given.",
        "linear",
    )
    potential: list[float] = key(
        "For a given profile: potential of each layer per volt, one layer of each lead included.",
        [],
    )
    barrier: tuple[int, int] | None = key(
        "First and last layer of the barrier, counted from 0 at the left lead's own layer; default "
        "the layers in which no electron of the Fermi energy propagates.",
        None,
    )
    tolerance: float = key("Relative error that is asked for.", 1e-4, ge=1e-12, le=0.1)
    mesh: int | None = key(
        "Instead of meshes that are refined: points of a uniform shifted mesh per direction.",
        None,
        ge=1,
        le=4096,
    )
    max_evaluations: int = key(
        "Points (momentum, energy) per voltage after which refinement gives up.",
        50_000_000,
        ge=1,
    )
    spectrum_points: int = key(
        "Energies at which the window's contributions are kept; 0 leaves them out.",
        0,
        ge=0,
        le=4096,
    )
    map_points: int = key(
        "Points per direction of the k-resolved maps; 0 leaves them out.", 0, ge=0, le=1024
    )
    contour_bottom: float | None = key(
        "Where the contour of the occupied states begins, below all bands; default found.",
        None,
        unit="eV",
    )
    contour_height: float | None = key(
        "Height of the contour's line at a temperature; default midway between two poles.",
        None,
        unit="eV",
        gt=0,
    )

    @field_validator("angles")
    @classmethod
    def _in_half_turn(cls, value: list[float]) -> list[float]:
        return sorted(in_half_turn(value))

    @field_validator("voltages")
    @classmethod
    def _ascending(cls, value: list[float]) -> list[float]:
        if len(set(value)) != len(value):
            raise ValueError("has a voltage twice. Give each voltage once.")
        return sorted(value)

    @model_validator(mode="after")
    def _given(self) -> Parameters:
        if (self.profile == "given") != bool(self.potential):
            raise ValueError(
                "has a profile and a potential that do not go together. Give `potential` with "
                'profile = "given", and only then.'
            )
        return self


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the junction; see `negf_torque.transport.bias_map`."""
    from negf_torque.study.calculations._bias_dataset import calculate

    return calculate(card, progress)


def split(card: Card) -> list:
    """Every voltage, with all its angles."""
    from negf_torque.study.calculations._bias_parts import bias_parts

    return bias_parts(card)


def run_part(card: Card, part: Any, progress: Progress) -> xr.Dataset:
    """All angles of one voltage."""
    from negf_torque.study.calculations._bias_parts import bias_part

    return bias_part(card, part)


def merge(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all voltages."""
    from negf_torque.study.calculations._bias_parts import bias_merged

    return bias_merged(card, found)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """TMR, current and torque at the largest voltages, slopes at zero, fits."""
    converged = bool(dataset.attrs.get("converged", True))
    volts = dataset["voltage"].values
    middle = int(np.argmin(np.abs(dataset["angle"].values - np.pi / 2)))
    degrees = np.degrees(float(dataset["angle"][middle]))
    found = []
    for index in sorted({0, len(volts) - 1}):
        one, label = dataset.isel(voltage=index, angle=middle), f"{volts[index]:g} V"
        place = f"{label}, {degrees:g} deg"
        if volts[index]:
            tmr = float(one["tmr"])
            found.append(Scalar(f"tmr[{label}]", tmr, "1", None, converged, "(I_P - I_AP)/I_AP"))
        for name, note in (
            ("current", ""),
            ("torque_in_plane", "toward p; window and occupied states"),
            ("torque_out_of_plane", "along m x p; window and occupied states"),
        ):
            error = one.get(f"{name}_error")
            found.append(
                Scalar(
                    f"{name}[{place}]",
                    float(one[name]),
                    one[name].attrs["units"],
                    None if error is None else float(error),
                    converged,
                    note,
                )
            )
    zero = np.flatnonzero(volts == 0)
    if zero.size:
        one = dataset.isel(voltage=zero[0], angle=middle)
        unit = one["torque_out_of_plane"].attrs["units"]
        value = float(one["torque_out_of_plane"])
        note = "interlayer exchange coupling, along m x p"
        found.append(Scalar(f"torque_out_of_plane[0 V, {degrees:g} deg]", value, unit, note=note))
        for name in ("slope_in_plane", "slope_out_of_plane"):
            if np.isfinite(float(one[name])):
                unit = one[name].attrs["units"]
                found.append(Scalar(f"{name}[0 V, {degrees:g} deg]", float(one[name]), unit))
    if "damping_like" in dataset:
        at = dataset.sel(angle=dataset["angle"][middle])
        note = f"largest deviation {float(at['damping_like_residual']):.2g} of the largest"
        value = float(at["damping_like"])
        found.append(Scalar("damping_like", value, "1/(s V)", note=note))
        note = f"largest deviation {float(at['field_like_residual']):.2g} of the largest"
        for power in dataset["power"].values:
            value = float(at["field_like"].sel(power=power))
            found.append(Scalar(f"field_like[V^{power}]", value, f"1/(s V^{power})", note=note))
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Currents and torques voltage by voltage."""
    middle = int(np.argmin(np.abs(dataset["angle"].values - np.pi / 2)))
    one = dataset.isel(angle=middle)
    currents = ("current_parallel", "current_antiparallel", "tmr")
    names = (*currents, "torque_in_plane", "torque_out_of_plane")
    columns = ("V", "I_P", "I_AP", "TMR", "in plane", "out of plane")
    rows = tuple(
        (float(volt), *(float(one[name][index]) for name in names))
        for index, volt in enumerate(dataset["voltage"].values)
    )
    degrees = np.degrees(float(dataset["angle"][middle]))
    title = f"Currents (e/h eV) and torques at {degrees:g} degrees (eV/(4 pi)), per cell"
    return [Listing(title, columns, rows)]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_bias_figures`."""
    from negf_torque.study.calculations._bias_figures import figures as draw

    return draw(dataset)


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[JunctionTorque, Simulation]:
    """The free magnet's torque against voltage and angle, and the card's simulation."""
    from negf_torque.study.calculations._bias_dataset import junction

    if card.llg is None:
        raise ValueError("the card has no [llg] table.")
    torque = junction(dataset, card)
    return torque, card.llg.simulation()
