"""Numbers and tables about impurities: methods, differences, how well they held."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.base import Listing, Scalar

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["disorder_listings", "disorder_scalars"]


def disorder_scalars(dataset: xr.Dataset) -> list[Scalar]:
    """Conductance by every method, differences from the main one, and how well things held."""
    if "approach" not in dataset.dims:
        return []
    converged = bool(dataset.attrs.get("converged", True))
    unit = dataset["approach_conductance"].attrs["units"]
    found = []
    if "clean_conductance" in dataset:
        found.append(Scalar("conductance[clean]", float(dataset["clean_conductance"]), unit))
    for method in dataset["approach"].values:
        one = dataset.sel(approach=method)
        error = float(one["approach_conductance_error"])
        found.append(
            Scalar(
                f"conductance[{method}]",
                float(one["approach_conductance"]),
                unit,
                error or None,
                converged,
                _configuration_note(dataset) if method == "configurations" else "",
            )
        )
    for name, value, unit, bound, words in _differences(dataset):
        if name.startswith("conductance"):
            found.append(Scalar(f"difference[{name}]", value, unit, bound, converged, words))
    for name in ("current_loss", "ward_residual", "born_parameter"):
        if name in dataset:
            note = str(dataset[name].attrs.get("long_name", ""))
            found.append(Scalar(name, float(dataset[name]), "1", None, converged, note))
    return found


def _configuration_note(dataset: xr.Dataset) -> str:
    seeds = dataset["configuration"].values
    median = float(dataset["conductance_median"])
    return f"{len(seeds)} configurations, seeds {seeds[0]} to {seeds[-1]}; median {median:.6g}"


def _differences(dataset: xr.Dataset) -> list[tuple[str, float, str, float | None, str]]:
    """(name, difference, unit, statistical error or None, words) of every further method."""
    methods = [str(m) for m in dataset["approach"].values]
    rows = []
    first = dataset.isel(approach=0)
    for number, method in enumerate(methods[1:], 1):
        other = dataset.isel(approach=number)
        quantities: list[tuple[str, Callable[[xr.Dataset, str], float]]] = [
            ("conductance", lambda d, tail: float(d["approach_conductance" + tail]))
        ]
        for magnet in dataset["magnet"].values:
            for component in "xyz":

                def torkance(d: Any, tail: str, m: Any = magnet, c: str = component) -> float:
                    place = {"bias": "symmetric", "magnet": m, "component": c}
                    return float(d["approach_torkance" + tail].sel(place))

                quantities.append((f"torkance {magnet} {component}", torkance))
        for name, value in quantities:
            difference = value(other, "") - value(first, "")
            error = float(np.hypot(value(other, "_error"), value(first, "_error")))
            unit = dataset["approach_conductance" if name == "conductance" else "approach_torkance"]
            known = "configurations" in (method, methods[0])
            words = f"{abs(difference) / error:.1f} errors" if known and error else ""
            label = f"{name}, {method} - {methods[0]}"
            rows.append((label, difference, unit.attrs["units"], error if known else None, words))
    return rows


def disorder_listings(dataset: xr.Dataset) -> list[Listing]:
    """Every method's numbers and their differences."""
    if "approach" not in dataset.dims or dataset.sizes["approach"] < 2:
        return []
    columns = ("quantity", "difference", "error", "in words", "unit")
    rows = tuple(
        (name, value, "-" if error is None else error, words, unit)
        for name, value, unit, error, words in _differences(dataset)
    )
    return [Listing("Methods compared", columns, rows)]
