"""One point out of the result of a sweep, as if it had been run alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.assemble import ERROR, MESSAGE, POINT, STATE, VALUE
from negf_torque.study.errors import StudyError
from negf_torque.study.worker import FAILED

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card

__all__ = ["every_point", "one_point", "parse_places", "point_label"]

#: A value of a swept key is found if it agrees to so much.
_AGREES = 1e-6


def parse_places(words: Sequence[str]) -> dict[str, float]:
    """`key=value` words of a command line.

    Raises
    ------
    StudyError
        If one is no such word.

    Examples
    --------
    >>> parse_places(["energy=-2.2", "thickness=3"])
    {'energy': -2.2, 'thickness': 3.0}
    """
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise StudyError(f'--at: "{word}" is not KEY=NUMBER, such as energy=-2.2.') from None
    return found


def one_point(
    card: Card, dataset: xr.Dataset, at: Mapping[str, float]
) -> tuple[Card, xr.Dataset, str]:
    """Card, dataset and label of one point.

    Parameters
    ----------
    card : Card
        Of the sweep.
    dataset : Dataset
        The sweep's result.
    at : mapping
        Name of a swept dimension or key to its value.

    Raises
    ------
    StudyError
        If that names no point, or one that failed.
    """
    dims = _swept(dataset)
    places: dict[str, int] = {}
    for name, value in at.items():
        dim = _dimension(dataset, dims, name)
        places[dim] = _place(dataset, name, dim, value)
    missing = [dim for dim in dims if dim not in places and dataset.sizes[dim] > 1]
    if missing:
        raise StudyError(
            f"this result is a sweep over {', '.join(dims)}. Name a point by "
            + " ".join(f"--at {dim}={_shown(dataset[dim].values[0])}" for dim in missing)
            + " (one of "
            + "; ".join(f"{dim}: {_values(dataset, dim)}" for dim in missing)
            + "), or take all points with --all."
        )
    places |= {dim: 0 for dim in dims if dim not in places}
    return _at(card, dataset, places)


def every_point(card: Card, dataset: xr.Dataset) -> Iterator[tuple[Card, xr.Dataset, str]]:
    """Card, dataset and label of every point that did not fail, in order."""
    dims = _swept(dataset)
    for place in product(*(range(dataset.sizes[dim]) for dim in dims)):
        places = dict(zip(dims, place, strict=True))
        if STATE not in dataset or str(dataset[STATE].isel(places).values) != FAILED:
            yield _at(card, dataset, places)


def point_label(dataset: xr.Dataset, places: Mapping[str, int]) -> str:
    """A point in words that can be a folder's name: `thickness=3,energy=-2.2`."""
    return ",".join(f"{dim}={_shown(dataset[dim].values[n])}" for dim, n in places.items())


def _swept(dataset: xr.Dataset) -> list[str]:
    """The swept dimensions, those that were averaged over left out."""
    source = dataset[STATE] if STATE in dataset else dataset["points_averaged"]
    return [str(dim) for dim in source.dims]


def _dimension(dataset: xr.Dataset, dims: list[str], name: str) -> str:
    if name in dims:
        return name
    for key, coordinate in dataset.coords.items():  # joined keys, or a key's whole path
        if name in (key, coordinate.attrs.get("key")) and coordinate.dims[0:1] != ():
            if str(coordinate.dims[0]) in dims:
                return str(coordinate.dims[0])
    raise StudyError(f'--at: "{name}" is not swept here. The swept keys are {", ".join(dims)}.')


def _place(dataset: xr.Dataset, name: str, dim: str, value: float) -> int:
    own = name if name in dataset.coords else dim
    for key, coordinate in dataset.coords.items():
        if coordinate.attrs.get("key") == name:
            own = str(key)
    values = np.asarray(dataset[own].values, float)
    place = int(np.abs(values - value).argmin())
    if not math.isclose(values[place], value, rel_tol=_AGREES, abs_tol=1e-12):
        raise StudyError(
            f"--at {name}={value:g}: no such point; there are {_values(dataset, own)}."
        )
    return place


def _values(dataset: xr.Dataset, dim: str) -> str:
    values = dataset[dim].values
    if len(values) <= 8:
        return ", ".join(map(_shown, values))
    return f"{len(values)} values from {_shown(values[0])} to {_shown(values[-1])}"


def _shown(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float | np.floating) else str(value)


def _at(card: Card, dataset: xr.Dataset, places: dict[str, int]) -> tuple[Card, xr.Dataset, str]:
    assert card.sweep is not None
    label = point_label(dataset, places)
    if STATE in dataset and str(dataset[STATE].isel(places).values) == FAILED:
        why = str(dataset[MESSAGE].isel(places).values) if MESSAGE in dataset else ""
        raise StudyError(f"the point {label} failed: {why}")
    rest = iter(places.values())
    indices = tuple(0 if axis.average else next(rest) for axis in card.sweep.axes)
    point = card.sweep.card_at(card, indices)
    if isinstance(point, dict):
        raise StudyError(f"the point {label} is no valid card: {'; '.join(point.values())}")
    one = dataset.isel(places)
    swept = [n for n in one.coords if "key" in one[n].attrs and not one[n].dims]
    one = one.drop_vars([*swept, *(n for n in (VALUE, ERROR) if n in one)])
    attrs = {n: v for n, v in one.attrs.items() if n not in ("swept", "averaged")}
    own = [n for n in one.data_vars if str(n).startswith(POINT) and not one[n].dims]
    for name in own:
        value = one[name].values.item()
        if name not in (STATE, MESSAGE) and value == value and value != "":
            attrs[str(name).removeprefix(POINT)] = value
    one = _without_padding(_with_grids(one.drop_vars(own)))
    one = _statistical(one) if "averaged" in dataset.attrs else one
    attrs |= {"card": point.toml(), "card_hash": point.hash}
    return point, one.drop_dims("quantity", errors="ignore").assign_attrs(attrs), label


def _with_grids(one: xr.Dataset) -> xr.Dataset:
    """Coordinates that every point had of its own are coordinates again."""
    for name in list(one.variables):
        base = str(name).removesuffix("_values")
        if base != name and one[name].dims == (base,) and base not in one.coords:
            one = one.assign_coords({base: one[name].values}).drop_vars([name])
    return one


def _without_padding(one: xr.Dataset) -> xr.Dataset:
    """Only the labels that the point has: elsewhere everything is not-a-number."""
    for dim in list(one.sizes):
        there = np.zeros(one.sizes[dim], bool)
        for variable in one.data_vars.values():
            if dim not in variable.dims:
                continue
            values = np.moveaxis(variable.values, variable.dims.index(dim), 0)
            values = values.reshape(len(there), -1)
            if values.dtype.kind in "fc":
                there |= ~np.isnan(values).all(axis=1)
            elif values.dtype.kind == "U":
                there |= (values != "").any(axis=1)
            else:
                there[:] = True
        if there.any() and not there.all():
            one = one.isel({dim: there})
    return one


def _statistical(one: xr.Dataset) -> xr.Dataset:
    """Standard errors of what was averaged take the place of the single points' errors."""
    tail = "_standard_error"
    spreads = [str(n) for n in one.data_vars if str(n).endswith(tail)]
    names = {n: n.removesuffix(tail) + "_error" for n in spreads}
    return one.drop_vars([new for new in names.values() if new in one]).rename(names)
