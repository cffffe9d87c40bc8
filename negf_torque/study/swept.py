"""Numbers, tables and figures of a sweep, whatever its calculation is.

What a calculation sums up at every point is in the variables `summary_value` and `summary_error`;
here it is told and drawn over the swept keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study import style
from negf_torque.study.assemble import ERROR, STATE, VALUE
from negf_torque.study.base import Listing, Scalar
from negf_torque.study.worker import DONE

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures", "listings", "summary", "table"]

#: Up to so many points each has its own entry in the summary.
EACH = 24
#: Rows of the table, curves in one panel, panels in all.
ROWS, CURVES, PANELS = 40, 6, 12


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Every number at every point, or of many points the range of each number."""
    dims = _dims(dataset)
    found = []
    points = int(np.prod([dataset.sizes[dim] for dim in dims], dtype=int))
    for name in dataset["quantity"].values if "quantity" in dataset.coords else ():
        value, error, unit = _quantity(dataset, name)
        if points <= EACH:
            found += list(_each(dataset, dims, str(name), value, error, unit))
        else:
            found += list(_range(dataset, dims, str(name), value, error, unit))
    return found


def _quantity(dataset: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray, str]:
    """Value, error and unit of one number of the summary over the sweep."""
    value = dataset[VALUE].sel(quantity=name)
    if not np.any(value.values.imag):  # one array holds real and complex numbers
        value = value.real
    spread = f"{VALUE}_standard_error"
    error = dataset[spread if spread in dataset else ERROR].sel(quantity=name)
    return value, error, str(dataset["quantity_units"].sel(quantity=name).values)


def _each(
    dataset: xr.Dataset,
    dims: list[str],
    name: str,
    value: xr.DataArray,
    error: xr.DataArray,
    unit: str,
) -> Iterator[Scalar]:
    for place in product(*(range(dataset.sizes[dim]) for dim in dims)):
        at = dict(zip(dims, place, strict=True))
        where = ", ".join(f"{dim} = {_shown(dataset[dim].values[n])}" for dim, n in at.items())
        yield Scalar(
            f"{name} at {where}" if where else name,
            _number(value.isel(at).values[()]),
            unit,
            _known(error.isel(at).values[()]),
            _is_good(dataset, at),
            _averaged(dataset),
        )


def _range(
    dataset: xr.Dataset,
    dims: list[str],
    name: str,
    value: xr.DataArray,
    error: xr.DataArray,
    unit: str,
) -> Iterator[Scalar]:
    size = abs(value) if value.dtype.kind == "c" else value
    if not np.isfinite(size.values).any():
        return
    for word, find in (("least", np.nanargmin), ("largest", np.nanargmax)):
        finite = np.where(np.isfinite(size.values), size.values, np.nan)
        place = np.unravel_index(int(find(finite)), size.shape)
        at = {str(dim): int(n) for dim, n in zip(size.dims, place, strict=True)}
        where = ", ".join(f"{dim} = {_shown(dataset[dim].values[n])}" for dim, n in at.items())
        yield Scalar(
            f"{name}, {word}",
            _number(value.isel(at).values[()]),
            unit,
            _known(error.isel(at).values[()]),
            _is_good(dataset, at),
            f"at {where}",
        )


def _dims(dataset: xr.Dataset) -> list[str]:
    """The swept dimensions that are left."""
    source = dataset[STATE] if STATE in dataset else dataset["points_averaged"]
    return [str(dim) for dim in source.dims]


def _is_good(dataset: xr.Dataset, at: dict[str, int]) -> bool:
    if STATE in dataset:
        return bool(dataset[STATE].isel(at).values == DONE)
    return bool(dataset.attrs.get("converged", True))


def _averaged(dataset: xr.Dataset) -> str:
    over = dataset.attrs.get("averaged", "")
    return f"mean over {over}, with its standard error" if over else ""


def _number(value: Any) -> Any:
    return complex(value) if np.iscomplexobj(value) else float(value)


def _known(error: Any) -> float | None:
    return float(error) if np.isfinite(error) else None


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def listings(dataset: xr.Dataset) -> list[Listing]:
    """The points with their first numbers, as many as a terminal shows."""
    dims = _dims(dataset)
    if not dims or "quantity" not in dataset.coords:
        return []
    names = [str(name) for name in dataset["quantity"].values[:5]]
    values = {name: _quantity(dataset, name)[0] for name in names}
    columns = [f"{dim} ({unit})" if (unit := _unit(dataset[dim])) else dim for dim in dims]
    columns += [f"{n} ({u})" if (u := _quantity(dataset, n)[2]) != "1" else n for n in names]
    rows = []
    places = product(*(range(dataset.sizes[dim]) for dim in dims))
    for place, _ in zip(places, range(ROWS), strict=False):
        at = dict(zip(dims, place, strict=True))
        coordinates = [_plain(dataset[dim].values[n]) for dim, n in at.items()]
        numbers = [_number(values[name].isel(at).values[()]) for name in names]
        state = [str(dataset[STATE].isel(at).values)] if STATE in dataset else []
        rows.append((*coordinates, *numbers, *state))
    total = int(np.prod([dataset.sizes[dim] for dim in dims]))
    title = f"{total} points" + (f", the first {ROWS}" if total > ROWS else "")
    columns += ["state"] if STATE in dataset else []
    return [Listing(title, tuple(columns), tuple(rows))]


def table(dataset: xr.Dataset, notes: dict[str, str]) -> str:
    """All points as comma-separated values: folder, swept keys, numbers of the summary, note.

    Parameters
    ----------
    dataset : Dataset
        Of a sweep.
    notes : dict
        Name of each point's folder to what is to be said about it; only these are listed.
    """
    import csv
    import io

    from negf_torque.study.points import point_label

    dims = _dims(dataset)
    names = [str(n) for n in dataset["quantity"].values] if "quantity" in dataset.coords else []
    units = {name: _quantity(dataset, name)[2] for name in names}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = [f"{dim} ({unit})" if (unit := _unit(dataset[dim])) else dim for dim in dims]
    heads += [f"{n} ({units[n]})" if units[n] != "1" else n for n in names]
    writer.writerow(["folder", *heads, "note"])
    for place in product(*(range(dataset.sizes[dim]) for dim in dims)):
        at = dict(zip(dims, place, strict=True))
        label = point_label(dataset, at)
        if label in notes:
            places = [_plain(dataset[dim].values[n]) for dim, n in at.items()]
            values: Any = dataset[VALUE].isel(at).values if names else []
            writer.writerow([label, *places, *map(_written, values), notes[label]])
    return text.getvalue()


def _written(value: Any) -> Any:
    """A number as it stands in a table: a complex one without its brackets."""
    if np.iscomplexobj(value):
        return value.real.item() if value.imag == 0 else f"{value.real!s}{value.imag:+}j"
    return _plain(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _unit(coordinate: xr.DataArray) -> str:
    unit = str(coordinate.attrs.get("units", "1"))
    return "" if unit == "1" else unit


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Every number of the summary over the longest swept key, one panel for each unit and name."""
    dims = sorted(_dims(dataset), key=lambda dim: -dataset.sizes[dim])
    if not dims or "quantity" not in dataset.coords or dataset.sizes[dims[0]] < 2:
        return {}
    groups: dict[tuple[str, str], list[str]] = {}
    for name in map(str, dataset["quantity"].values):
        value, _, unit = _quantity(dataset, name)
        if np.isfinite(value.values).any():
            groups.setdefault((name.split("[")[0], unit), []).append(name)
    chosen = list(groups.items())[:PANELS]
    if not chosen:
        return {}
    rows = len(chosen)
    drawing, axes = style.figure(rows, 1, height=0.6 + 2.8 * rows, squeeze=False)
    for panel, (group, names) in zip(axes[:, 0], chosen, strict=True):
        _panel(panel, dataset, dims, group, names)
    return {"sweep": drawing}


def _panel(
    axes: Any, dataset: xr.Dataset, dims: list[str], group: tuple[str, str], names: list[str]
) -> None:
    along, others = dims[0], dims[1:]
    x = dataset[along]
    logarithmic = x.dtype.kind in "if" and len(x) > 2 and _is_geometric(x.values)
    looks = style.lines(markers=len(x) <= 60)
    shown = 0
    for name in names:
        value, error, _ = _quantity(dataset, name)
        for place in _families(dataset, others):
            if shown == CURVES:
                break
            look = next(looks)
            y, e = value.isel(place).values, error.isel(place).values
            label = ", ".join(
                [*([name.partition("[")[2].rstrip("]") or name] if len(names) > 1 else [])]
                + [f"{dim} = {_shown(dataset[dim].values[n])}" for dim, n in place.items()]
            )
            axes.plot(x, y.real, label=label or None, **look)
            style.band(axes, x, y.real, e, look["color"])
            shown += 1
    words = str(x.attrs.get("long_name", along))
    axes.set_xlabel(style.axis_label(words if len(words) < 60 else along, _unit(x) or "1"))
    part = (
        " (real part)" if dataset[VALUE].dtype.kind == "c" and _is_complex(dataset, names) else ""
    )
    axes.set_ylabel(style.axis_label(group[0].replace("_", " ") + part, group[1]))
    if logarithmic:
        axes.set_xscale("log")
    below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.24), "ncols": 2}
    style.legend(axes, **below)


def _is_complex(dataset: xr.Dataset, names: list[str]) -> bool:
    return any(np.nanmax(abs(_quantity(dataset, name)[0].values.imag)) > 0 for name in names)


def _is_geometric(values: np.ndarray) -> bool:
    if np.any(values <= 0):
        return False
    ratios = values[1:] / values[:-1]
    return bool(np.allclose(ratios, ratios[0], rtol=1e-6) and values[-1] > 5 * values[0])


def _families(dataset: xr.Dataset, dims: list[str]) -> Iterator[dict[str, int]]:
    """Places along the other swept keys, spread evenly over the first of them."""
    if not dims:
        yield {}
        return
    size = dataset.sizes[dims[0]]
    for index in dict.fromkeys(np.linspace(0, size - 1, min(size, CURVES)).round().astype(int)):
        yield {dims[0]: int(index), **{dim: 0 for dim in dims[1:]}}
