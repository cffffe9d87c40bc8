"""One dataset from the items of a sweep: every variable gains the swept keys as dimensions.

The items are read twice, one at a time: first to see which variables, sizes and labels there are,
then to copy the numbers to their places.  Large arrays live in a file, so that the memory needed
does not grow with the number of points.  Where an item lacks what others have, a thinner layer
for example, there is not-a-number; where it failed, everything is.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from negf_torque.study.complaints import path_text
from negf_torque.study.errors import StudyError
from negf_torque.study.packed import Packed, PackedVariable
from negf_torque.study.sweep import Sweep
from negf_torque.study.worker import DONE, caught

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["PointResult", "assemble"]

#: Arrays from this size on live in a file.
LARGE = 64_000_000
MOST_WARNINGS = 50
#: Names that a swept result adds to those of its calculation.
VALUE, ERROR, STATE, MESSAGE = "summary_value", "summary_error", "point_state", "point_message"
#: What attributes that differ from point to point begin with, where they are variables.
POINT = "point_"


class PointResult(NamedTuple):
    """What a point of a sweep has left; `packed` is None where it failed."""

    packed: Packed | None
    state: str
    message: str
    scalars: list[dict[str, Any]]


@dataclass
class _Column:
    """One variable of the whole: what all items have in common, and what they have not."""

    dims: tuple[str, ...]
    dtype: np.dtype
    attrs: dict[str, Any]
    is_coord: bool
    first: np.ndarray
    count: int = 0
    differs: bool = False
    ragged: bool = False


@dataclass
class _Frame:
    """What the items hold, gathered item by item."""

    columns: dict[str, _Column] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    labels: dict[str, list[Any]] = field(default_factory=dict)
    positional: set[str] = field(default_factory=set)
    attrs: dict[str, Any] | None = None
    varying: dict[str, Any] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    quantities: dict[str, str] = field(default_factory=dict)
    is_complex: bool = False
    layouts: set[str] = field(default_factory=set)
    items: int = 0
    points: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def add(self, result: PointResult) -> None:
        """Take note of one point."""
        self.points += 1
        self.states[result.state] = self.states.get(result.state, 0) + 1
        for scalar in result.scalars:
            self.quantities.setdefault(scalar["name"], scalar["unit"])
            self.is_complex |= isinstance(scalar["value"], dict)
        packed = result.packed
        if packed is None:
            return
        self.items += 1
        for text in caught(packed.attrs):
            if len(self.warnings) < MOST_WARNINGS:
                self.warnings[text] = None
        attrs = {n: v for n, v in packed.attrs.items() if n not in ("warnings", "converged")}
        if self.attrs is None:
            self.attrs = attrs
        elif self.attrs != attrs:
            same = {n: v for n, v in self.attrs.items() if attrs.get(n) == v}
            self.varying |= {n: v for n, v in self.attrs.items() if n not in same}
            self.attrs = same
        if packed.layout in self.layouts:
            for name in packed.variables:
                self.columns[name].count += 1
            return
        if len(self.layouts) < 1000:
            self.layouts.add(packed.layout)
        for name, one in packed.variables.items():
            if one.dims == (name,):
                self._label(name, one.values)
            self._column(name, one)

    def _label(self, dim: str, values: np.ndarray) -> None:
        known = self.labels.setdefault(dim, values.tolist())
        new = values.tolist()
        if known == new:
            return
        present = set(known)
        if present <= set(new):
            self.labels[dim] = new
        elif values.dtype.kind != "f":
            known += [label for label in new if label not in present]
        elif not present >= set(new):  # a grid of its own at each point
            self.positional.add(dim)

    def _column(self, name: str, one: PackedVariable) -> None:
        for dim, size in zip(one.dims, one.values.shape, strict=True):
            self.sizes[dim] = max(size, self.sizes.get(dim, 0))
        old = self.columns.get(name)
        if old is None:
            self.columns[name] = _Column(
                one.dims, one.values.dtype, one.attrs, one.is_coord, one.values, 1
            )
            return
        if old.dims != one.dims:
            raise StudyError(f"{name} has other dimensions at some points of the sweep.")
        old.count += 1
        old.dtype = np.result_type(old.dtype, one.values.dtype)
        same = old.first.shape == one.values.shape
        old.ragged |= not same
        old.differs |= not same or not np.array_equal(old.first, one.values)

    def size(self, dim: str) -> int:
        """Length of a dimension of the whole."""
        known = self.labels.get(dim)
        return len(known) if known and dim not in self.positional else self.sizes[dim]


def assemble(
    sweep: Sweep, results: Callable[[], Iterable[PointResult]], folder: Path
) -> tuple[xr.Dataset, dict[str, int]]:
    """The dataset of a sweep, and how many points came out how.

    Parameters
    ----------
    sweep : Sweep
    results : function
        Gives the results of all points, in their order; called twice.
    folder : Path
        Where files for large arrays may be made; they have no name and vanish with the arrays.

    Raises
    ------
    StudyError
        If not one point has a result, or their results do not fit together.
    """
    import xarray as xr

    frame, message = _Frame(), ""
    for result in results():
        frame.add(result)
        message = message or result.message
    if not frame.items:
        raise StudyError(f"every point of the sweep failed; the first with: {message}")
    names = _axis_names(sweep, frame)
    dims = tuple(names[axis.name] for axis in sweep.axes)
    arrays = _Arrays(sweep, frame, folder)
    for point, result in enumerate(results()):
        arrays.put(sweep.indices(point), result)
    dataset = xr.Dataset(attrs={**(frame.attrs or {})})
    dataset = dataset.assign_coords(_coordinates(sweep, names, frame))
    for name, column in frame.columns.items():
        if column.dims == (name,) and name not in frame.positional:
            continue
        if name not in arrays.values:
            dataset = dataset.assign_coords(
                {name: xr.Variable(column.dims, column.first, column.attrs)}
            )
            continue
        target = f"{name}_values" if column.dims == (name,) else name
        variable = xr.Variable((*dims, *column.dims), arrays.values[name], column.attrs)
        dataset[target] = variable
        if column.is_coord:
            dataset = dataset.set_coords(target)
    _add_points(dataset, dims, arrays)
    dataset.attrs["swept"] = ", ".join(
        path_text(key.path) for axis in sweep.axes for key in axis.keys
    )
    dataset.attrs["converged"] = int(frame.states.get(DONE, 0) == frame.points)
    if frame.warnings:
        dataset.attrs["warnings"] = list(frame.warnings)
    averaged = [names[axis.name] for axis in sweep.axes if axis.average]
    return _averaged(dataset, averaged) if averaged else dataset, frame.states


class _Arrays:
    """The arrays of the whole, and how an item's numbers get there."""

    def __init__(self, sweep: Sweep, frame: _Frame, folder: Path) -> None:
        self.frame, self.shape, self.folder = frame, sweep.shape, folder
        self.values: dict[str, np.ndarray] = {}
        for name, column in frame.columns.items():
            index = column.dims == (name,)
            if index and name not in frame.positional:
                continue
            if column.is_coord and not index and not column.differs:
                whole = column.count == frame.items
                if whole and all(frame.size(d) == s for d, s in _shape(column)):
                    continue
            self.values[name] = self._new(column)
        self.quantities = {name: number for number, name in enumerate(frame.quantities)}
        kind = np.dtype(complex if frame.is_complex else float)
        many = (*self.shape, len(self.quantities))
        self.value = self._filled(many, kind, math.nan)
        self.error = self._filled(many, np.dtype(float), math.nan)
        self.state = self._filled(self.shape, np.dtype("U14"), "")
        self.message: dict[tuple[int, ...], str] = {}
        self.attributes = {
            name: np.full(self.shape, math.nan if isinstance(value, int | float) else "", object)
            for name, value in frame.varying.items()
            if isinstance(value, str | int | float)
        }
        self.places = {
            dim: {label: place for place, label in enumerate(labels)}
            for dim, labels in frame.labels.items()
            if dim not in frame.positional
        }

    def _new(self, column: _Column) -> np.ndarray:
        sizes = tuple(self.frame.size(dim) for dim in column.dims)
        lacking = column.count < self.frame.points or column.ragged or sizes != column.first.shape
        dtype = column.dtype
        if lacking and dtype.kind in "biu":
            dtype = np.dtype(float)
        empty: Any = "" if dtype.kind == "U" else math.nan if dtype.kind in "fc" else 0
        return self._filled((*self.shape, *sizes), dtype, empty)

    def _filled(self, shape: tuple[int, ...], dtype: np.dtype, value: Any) -> np.ndarray:
        if math.prod(shape) * dtype.itemsize < LARGE:
            return np.full(shape, value, dtype)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            array = np.memmap(file, dtype, "w+", shape=shape)
        array[...] = value
        return array

    def put(self, where: tuple[int, ...], result: PointResult) -> None:
        """Copy the numbers of a point to their places."""
        self.state[where] = result.state
        if result.message:
            self.message[where] = result.message
        for scalar in result.scalars:
            place = (*where, self.quantities[scalar["name"]])
            self.value[place] = _number(scalar["value"])
            self.error[place] = math.nan if scalar["error"] is None else scalar["error"]
        if result.packed is None:
            return
        for name, values in self.attributes.items():
            if name in result.packed.attrs:
                values[where] = result.packed.attrs[name]
        plain = len(self.frame.layouts) == 1
        for name, one in result.packed.variables.items():
            if name not in self.values:
                continue
            if plain:
                self.values[name][where] = one.values
                continue
            inside = [
                self._places(dim, size, result.packed)
                for dim, size in zip(one.dims, one.values.shape, strict=True)
            ]
            target = self.values[name][where] if where else self.values[name]
            if inside:
                target[np.ix_(*inside)] = one.values
            else:
                self.values[name][where] = one.values

    def _places(self, dim: str, size: int, packed: Packed) -> Any:
        labels = packed.variables.get(dim)
        if dim not in self.places or labels is None or labels.dims != (dim,):
            return range(size)
        return [self.places[dim][label] for label in labels.values.tolist()]


def _shape(column: _Column) -> Iterator[tuple[str, int]]:
    return zip(column.dims, column.first.shape, strict=True)


def _number(value: Any) -> Any:
    if isinstance(value, dict):
        return complex(_number(value["real"]), _number(value["imag"]))
    return math.nan if value is None else value


def _axis_names(sweep: Sweep, frame: _Frame) -> dict[str, str]:
    """Names of the swept keys, longer where the calculation has the short one already."""
    taken = {*frame.columns, *frame.sizes}
    keys = [key for axis in sweep.axes for key in axis.keys]
    return {
        key.name: "_".join(map(str, key.path)) if key.name in taken else key.name for key in keys
    }


def _coordinates(sweep: Sweep, names: dict[str, str], frame: _Frame) -> dict[str, Any]:
    """The swept keys' values, and the labels of the other dimensions."""
    import xarray as xr

    found: dict[str, Any] = {}
    for axis in sweep.axes:
        for key in axis.keys:
            attrs = {"units": key.unit or "1", "long_name": key.description}
            attrs["key"] = path_text(key.path)
            values = np.array(list(key.values))
            found[names[key.name]] = xr.Variable(names[axis.name], values, attrs)
    for dim, labels in frame.labels.items():
        if dim not in frame.positional:
            column = frame.columns[dim]
            found[dim] = xr.Variable(dim, np.array(labels, column.dtype), column.attrs)
    return found


def _add_points(dataset: xr.Dataset, dims: tuple[str, ...], arrays: _Arrays) -> None:
    """The numbers of the summary at every point, and what became of each."""
    if arrays.quantities:
        units = list(arrays.frame.quantities.values())
        dataset.coords["quantity"] = ("quantity", np.array(list(arrays.quantities)))
        dataset.coords["quantity_units"] = ("quantity", np.array(units))
        many = (*dims, "quantity")
        named = {"long_name": "number of the summary", "ancillary_variables": ERROR}
        dataset[VALUE] = (many, arrays.value, named)
        dataset[ERROR] = (many, arrays.error, {"long_name": "its estimated error"})
    dataset[STATE] = (dims, arrays.state, {"long_name": "what became of the point"})
    for name, values in sorted(arrays.attributes.items()):
        if f"{POINT}{name}" not in dataset:
            plain = np.array(values.tolist())  # of the type that all have in common
            dataset[f"{POINT}{name}"] = (dims, plain, {"long_name": f"{name} of the point"})
    if arrays.message:
        texts = np.full(arrays.shape, "", f"U{max(map(len, arrays.message.values()))}")
        for where, text in arrays.message.items():
            texts[where] = text
        dataset[MESSAGE] = (dims, texts, {"long_name": "why it is not as it should be"})


def _averaged(dataset: xr.Dataset, dims: list[str]) -> xr.Dataset:
    """Means over dimensions, with the standard error of each variable beside it."""
    import xarray as xr

    over = list(dims)
    kept = dataset.drop_vars([n for n, c in dataset.coords.items() if set(c.dims) & set(over)])
    found = xr.Dataset(coords=kept.coords, attrs=dataset.attrs)
    for name, variable in dataset.data_vars.items():
        inner = [dim for dim in over if dim in variable.dims]
        if not inner:
            found[name] = variable
        elif variable.dtype.kind in "biufc":
            values = variable.drop_vars([n for n in variable.coords if n not in kept.coords])
            count = values.notnull().sum(inner)
            mean = values.mean(inner, keep_attrs=True)
            found[name] = mean
            if not str(name).endswith("_error"):
                square = (abs(values - mean) ** 2).sum(inner) / (count - 1).where(count > 1)
                error = (square / count) ** 0.5
                unit = variable.attrs.get("units")
                error.attrs = {"units": unit} if unit else {}
                error.attrs["long_name"] = (
                    f"standard error of {variable.attrs.get('long_name', name)}"
                )
                found[f"{name}_standard_error"] = error
    states = dataset[STATE]
    good = (states == DONE).sum(over)
    found["points_averaged"] = good.drop_vars([n for n in good.coords if n not in kept.coords])
    found["points_averaged"].attrs["long_name"] = "points that are as they should be"
    found.attrs["averaged"] = ", ".join(over)
    return found
