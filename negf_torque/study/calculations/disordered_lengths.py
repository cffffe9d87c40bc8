"""`kind = "disordered_lengths"`: mean free path, spin decay and resistivity of a device.

The lengths are read off profiles along an averaged device: how the current of electrons that have
not been scattered dies out, how the spin accumulation that a polarised lead or layer injects
decays along and across the moments.  `lengths` makes the conductor longer and longer: from the
slope of its resistance, ballistic to Ohmic, follows the conductivity, beside the bulk's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from negf_torque.study.base import CalculationTable, Scalar, key
from negf_torque.study.calculations._disorder import check_impurities
from negf_torque.study.calculations._lengths_variables import VARIABLES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "PART_IGNORES",
    "VARIABLES",
    "Parameters",
    "check",
    "figures",
    "merge",
    "run",
    "run_part",
    "split",
    "summary",
]

READS_IMPURITIES = True
PART_IGNORES = (("calculation", "lengths"),)


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["disordered_lengths"] = key(
        "Mean free path, spin-diffusion length, transverse decay, resistivity."
    )
    energy: float = key("Fermi energy.", unit="eV")
    between: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = key(
        "Layers, first and last, whose profiles are fitted: away from interfaces; 0 is one layer "
        "of the left lead.  Default: the middle half of the device.",
        None,
    )
    direction: tuple[float, float, float] | None = key(
        "Axis m of the accumulation; default that of the moments in the middle of the fitted "
        "layers, else of the left lead's, else z.",
        None,
    )
    lengths: list[int] = key(
        "Thicknesses of the varied layer, three or more, ascending; the longer half of them is "
        "fitted.  None: no resistivity.",
        [],
        unit="layers",
    )
    varied: int = key("Which of `system.layers` is varied, counted from 0.", 0, ge=0)

    @field_validator("direction")
    @classmethod
    def _points(cls, value: tuple[float, float, float] | None) -> tuple[float, float, float] | None:
        if value is not None and not any(value):
            raise ValueError("has no direction. Give three components, not all zero.")
        return value

    @field_validator("lengths")
    @classmethod
    def _ascending(cls, value: list[int]) -> list[int]:
        if value and (len(value) < 3 or value != sorted(set(value)) or value[0] < 1):
            raise ValueError("are not three or more ascending numbers of layers above 0.")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Parameters:
        if self.between is not None and self.between[1] < self.between[0] + 3:
            raise ValueError(
                f"has between = {list(self.between)}: a decay is fitted to four layers or more."
            )
        return self


def check(card: Card) -> dict[tuple, str]:
    """Impurities, a method that averages, layers that exist."""
    problems = check_impurities(card)
    p = card.calculation
    if not card.impurities:
        problems[("impurities",)] = "missing. Nothing decays without: give [[impurities]]."
    table = card.disorder
    if table is not None and "configurations" in table.methods:
        problems["disorder", "method"] = (
            "lengths are read off averaged media, whose profiles are smooth. Give "
            '"born" or "coherent-potential".'
        )
    elif table is not None and table.compare:
        problems["disorder", "compare"] = "lengths come from one method at a time: run two cards."
    elif table is not None and not table.vertex_corrections:
        problems["disorder", "vertex_corrections"] = (
            "without them charge and spin are lost along the way. Leave it out."
        )
    layers = getattr(card.system, "layers", None)
    if not isinstance(layers, list) or not all(hasattr(one, "thickness") for one in layers):
        if p.lengths:
            problems["calculation", "lengths"] = (
                'lengths are varied in systems of builder = "stack" only. Leave it out.'
            )
        return problems
    count = sum(layer.thickness for layer in layers) + 2
    if p.between is not None and p.between[1] > count - 2:
        problems["calculation", "between"] = (
            f"{list(p.between)} reaches beyond the last layer of the region, {count - 2}."
        )
    if p.between is None and count < 10:
        problems["calculation", "between"] = (
            f"the device has {count - 2} layers; the middle half of fewer than 8 shows no decay. "
            "Make it longer, or give the layers."
        )
    if p.lengths and p.varied >= len(layers):
        problems["calculation", "varied"] = f"{p.varied}: there are {len(layers)} layers, from 0."
    for number, impurity in enumerate(card.impurities if p.lengths else ()):
        if impurity.layers is not None:
            problems["impurities", number, "layers"] = (
                "these layers would not grow with `lengths`. Name `magnets`, or leave it out."
            )
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """The device and those of all lengths; see `negf_torque.transport.disordered_lengths`."""
    from negf_torque.study.parts import in_one_process

    return in_one_process(card, progress)


def split(card: Card) -> list:
    """The device as it is, and one of each length."""
    return ["profiles", *({"length": length} for length in card.calculation.lengths)]


def run_part(card: Card, part: Any, progress: Progress) -> xr.Dataset:
    """The profiles of the device, or the conductance of one length."""
    from negf_torque.study.calculations._lengths_dataset import conductance, profiles

    return profiles(card) if part == "profiles" else conductance(card, part["length"])


def merge(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all parts."""
    from negf_torque.study.calculations._lengths_dataset import whole

    first, *others = [found(part) for part in split(card)]
    return whole(card, first, others)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """The lengths with errors and how well they fit, and the resistivity."""
    converged = bool(dataset.attrs.get("converged", True))
    first, last = dataset.attrs["between"]
    found = []
    for name in (
        "conductance",
        "mean_free_path",
        "spin_diffusion_length",
        "transverse_decay_length",
        "transverse_wave_number",
        "resistance_per_layer",
        "contact_resistance",
        "crossover_length",
        "conductivity",
        "bulk_conductivity",
    ):
        if name not in dataset:
            continue
        one = dataset[name]
        error = dataset.get(f"{name}_error")
        note = str(one.attrs.get("convention", ""))
        if f"{name}_residual" in dataset:
            residual = float(dataset[f"{name}_residual"])
            where = f"layers {first} to {last}; " if "length" in name or "path" in name else ""
            note = f"{where}largest deviation of the fit {residual:.2g}"
        found.append(
            Scalar(
                name,
                float(one),
                one.attrs["units"],
                None if error is None else float(error),
                converged,
                note,
            )
        )
    return found


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_lengths_figures`."""
    from negf_torque.study.calculations._lengths_figures import figures as draw

    return draw(dataset)
