"""What differs between two results: their cards, what made them, and their numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study import store
from negf_torque.study.base import Listing
from negf_torque.study.schema import repr_toml

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["differences"]


def differences(first: Path, second: Path) -> list[Listing]:
    """Tables of everything in which two results differ; empty if in nothing that matters.

    Raises
    ------
    StoreError
        If one of them is missing or damaged.
    """
    summaries = [store.load_summary(one) for one in (first, second)]
    data = [store.load(one) for one in (first, second)]
    columns = ("", str(first), str(second))
    found = [
        Listing("Cards", columns, tuple(_keys(*(_card(one) for one in data)))),
        Listing("Made with", columns, tuple(_keys(*(_origin(one) for one in summaries)))),
        Listing("Numbers", (*columns, "difference"), tuple(_scalars(*summaries))),
        Listing("Variables", ("", "largest difference", "of at most"), tuple(_variables(*data))),
    ]
    return [listing for listing in found if listing.rows]


def _card(dataset: xr.Dataset) -> dict[str, Any]:
    """Keys and values of the card in a result; the card's text if it cannot be read."""
    text = str(dataset.attrs.get("card", ""))
    try:
        return dict(_leaves(tomllib.loads(text), ""))
    except ValueError:
        return {"card": text}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _origin(summary: dict[str, Any]) -> dict[str, Any]:
    libraries = summary.get("libraries")
    return {
        "kind": summary.get("kind"),
        "version": summary.get("version"),
        "card_hash": str(summary.get("card_hash"))[:16],
        "converged": summary.get("converged"),
        **(libraries if isinstance(libraries, dict) else {}),
    }


def _keys(first: dict[str, Any], second: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys([*first, *second]):
        if first.get(name) != second.get(name):
            yield name, _shown(first, name), _shown(second, name)


def _shown(values: dict[str, Any], name: str) -> str:
    return repr_toml(values[name]) if name in values and values[name] is not None else "-"


def _scalars(first: dict[str, Any], second: dict[str, Any]) -> Iterator[tuple[str, Any, Any, str]]:
    from negf_torque.study.run import scalars_of

    tables = [{one.name: one for one in scalars_of(summary)} for summary in (first, second)]
    for name in dict.fromkeys([*tables[0], *tables[1]]):
        ours, theirs = (table.get(name) for table in tables)
        if ours is None or theirs is None:
            shown = ["-" if one is None else one.value for one in (ours, theirs)]
            yield name, shown[0], shown[1], ""
        elif ours.value != theirs.value and not _both_nan(ours.value, theirs.value):
            error = (ours.error or 0.0) + (theirs.error or 0.0)
            size = abs(ours.value - theirs.value)
            words = f"{size:.2g}" + (f" ({size / error:.1f} times the errors)" if error else "")
            yield name, ours.value, theirs.value, words


def _both_nan(*values: complex) -> bool:
    return all(value != value for value in values)


def _variables(first: xr.Dataset, second: xr.Dataset) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys([*map(str, first.variables), *map(str, second.variables)]):
        if name not in first.variables or name not in second.variables:
            where = "second" if name in second.variables else "first"
            yield name, f"only in the {where}", ""
            continue
        ours, theirs = first[name], second[name]
        if ours.dims != theirs.dims or ours.shape != theirs.shape:
            shapes = [
                f"({', '.join(f'{d}: {n}' for d, n in v.sizes.items())})" for v in (ours, theirs)
            ]
            yield name, " and ".join(shapes), ""
        elif ours.dtype.kind in "biufc" and theirs.dtype.kind in "biufc":
            a, b = np.asarray(ours.values, complex), np.asarray(theirs.values, complex)
            unlike = (a != b) & ~(np.isnan(a) & np.isnan(b))
            if unlike.any():
                size = (
                    np.nanmax(np.abs(a - b)[unlike])
                    if not np.isnan(a - b)[unlike].all()
                    else np.nan
                )
                yield name, f"{size:.2g}", f"{np.nanmax(np.abs(a), initial=0.0):.2g}"
        elif not np.array_equal(ours.values, theirs.values):
            yield name, "other texts", ""
