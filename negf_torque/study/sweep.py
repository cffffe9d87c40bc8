"""Sweeps: keys of a card that hold several values, and the card of each point.

Wherever a card expects a number it may hold a list of numbers or one of the forms of
`study.axes`; each such key is a dimension of the result, in the order of the card, and the points
are all combinations.  `[sweep]` joins keys that run together (`zip`) and names those whose points
are averaged (`average`).  Keys that are lists by their type stay lists; a form there is written
out.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from negf_torque.study import schema
from negf_torque.study.axes import Axis, SweptKey, Values, is_form, values_of
from negf_torque.study.base import Table, key
from negf_torque.study.complaints import nearest, path_text
from negf_torque.study.keylines import KeyPath

if TYPE_CHECKING:
    from negf_torque.study.card import Card

__all__ = ["Sweep", "SweepTable", "find_sweeps", "join_axes", "sample_points"]

#: More points than this are a mistake rather than a wish.
MOST_POINTS = 100_000_000


class SweepTable(Table):
    """The `[sweep]` table: how the swept keys belong together."""

    zip: list[list[str]] = key(
        'Groups of swept keys that run together, as ["calculation.energy", '
        '"system.layers[0].onsite"]; all others are combined with each other.',
        [],
    )
    average: list[str] = key(
        "Swept keys (a seed, say) over whose values the result is averaged; the spread gives a "
        "standard error.",
        [],
    )


@dataclass(frozen=True)
class Sweep:
    """The swept keys of a card.

    Attributes
    ----------
    axes : tuple of Axis
        Dimensions of the result, outermost first.
    given : dict
        Path of each swept key to what the card holds there.
    data : dict
        The card's tables as read, every swept key at its first value.
    table : SweepTable
    """

    axes: tuple[Axis, ...]
    given: dict[KeyPath, Any]
    data: dict[str, Any] = field(repr=False, compare=False)
    table: SweepTable = field(default_factory=SweepTable)

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(len(axis) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def indices(self, point: int) -> tuple[int, ...]:
        """Where a point lies along each axis; the last axis runs fastest."""
        found = []
        for size in reversed(self.shape):
            point, index = divmod(point, size)
            found.append(index)
        return tuple(reversed(found))

    def values(self, point: int) -> dict[KeyPath, Any]:
        """What each swept key holds at a point."""
        return self.at(self.indices(point))

    def at(self, indices: tuple[int, ...]) -> dict[KeyPath, Any]:
        """What each swept key holds at these positions along the axes."""
        return {
            one.path: one.values[index]
            for axis, index in zip(self.axes, indices, strict=True)
            for one in axis.keys
        }

    def tables(self, tables: dict[str, Any]) -> dict[str, Any]:
        """A card's tables with the swept keys as the card gives them, and `[sweep]`."""
        tables = copy.deepcopy(tables)
        for path, value in self.given.items():
            set_key(tables, path, value)
        table = self.table.model_dump(mode="json", exclude_defaults=True)
        return tables | ({"sweep": table} if table else {})

    def base_hash(self, content: dict[str, Any]) -> str:
        """SHA-256 of what is the same at all points."""
        content = copy.deepcopy(content)
        for path in self.given:
            set_key(content, path, None)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def label(self, point: int) -> str:
        """A point in words: `energy = -2.2, thickness = 3`."""
        found = zip(self.axes, self.indices(point), strict=True)
        return ", ".join(
            f"{one.name} = {schema.repr_toml(one.values[index])}"
            for axis, index in found
            for one in axis.keys
        )

    def card(self, card: Card, point: int) -> Card | dict[KeyPath, str]:
        """The card of one point, or what is wrong with it."""
        return self.card_at(card, self.indices(point))

    def card_at(self, card: Card, indices: tuple[int, ...]) -> Card | dict[KeyPath, str]:
        """The card at these positions along the axes, or what is wrong with it."""
        from negf_torque.study.cardcheck import check_again, further

        data = copy.deepcopy(self.data)
        problems: dict[KeyPath, str] = {}
        tables: dict[str, Any] = {}
        values = self.at(indices)
        for path, value in values.items():
            set_key(data, path, value)
        for name in dict.fromkeys(str(path[0]) for path in values):
            tables[name] = check_again(card, name, data[name], problems)
        if problems:
            return problems
        found = replace(card, sweep=None, **tables)
        problems.update(further(found))
        return problems or found


def set_key(data: Any, path: KeyPath, value: Any) -> None:
    """Put a value where a path leads, making tables on the way where defaults stood."""
    for part in path[:-1]:
        data = data.setdefault(part, {}) if isinstance(data, dict) else data[part]
    data[path[-1]] = value


def find_sweeps(
    data: Any, model: type[BaseModel], path: KeyPath, problems: dict[KeyPath, str]
) -> Iterator[tuple[KeyPath, Values, Any]]:
    """Swept keys of a table: path, values and what the card holds; the table is left at the first.

    Parameters
    ----------
    data : dict
        The table as read; changed in place.
    model : pydantic model
        What the table may hold.
    path : tuple
        Of the table inside the card.
    problems : dict
        Takes what is wrong, from path to message.
    """
    yield from _found(data, model, (), path, problems)


def _found(
    data: Any,
    model: type[BaseModel],
    inside: KeyPath,
    path: KeyPath,
    problems: dict[KeyPath, str],
) -> Iterator[tuple[KeyPath, Values, Any]]:
    items = list(data.items() if isinstance(data, dict) else enumerate(data))
    for part, value in items:
        if not isinstance(value, dict | list):
            continue
        here = (*inside, part)
        number, whole, listed, free = _takes(model, here)
        form = is_form(value)
        try:
            if form and listed and not number:
                data[part] = list(values_of(value, whole))
            elif form and (number or free) or isinstance(value, list) and number and not listed:
                if isinstance(value, list) and not _numbers(value):
                    continue  # the model says what is wrong with it
                values = values_of(value, whole)
                data[part] = values[0]
                yield (*path, part), values, value
            else:
                yield from _found(value, model, here, (*path, part), problems)
        except ValueError as error:
            problems[(*path, part)] = str(error)
            data[part] = 0


def _numbers(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(v, int | float) for v in values)


def _takes(model: type[BaseModel], path: KeyPath) -> tuple[bool, bool, bool, bool]:
    """Whether a key takes a number, only whole numbers, a list, or anything at all."""
    found = schema.node_at(model, path)
    if found is None:
        return False, False, False, _in_free_table(model, path)
    types = set()
    for option in schema.options(*found):
        types.add(option.get("type"))
        if option.get("type") == "array":
            types |= {f"array of {t}" for t in schema.entry_types(option, found[1])}
    number = bool(types & {"number", "integer"})
    numbers = types & {"array of number", "array of integer"}
    whole = "number" not in types and "array of number" not in types
    return number, whole and bool(number or numbers), bool("array" in types), not types - {None}


def _in_free_table(model: type[BaseModel], path: KeyPath) -> bool:
    """Whether a key is inside a table whose keys the card chooses (a builder's parameters)."""
    for cut in range(len(path) - 1, 0, -1):
        found = schema.node_at(model, path[:cut])
        if found is not None:
            options = schema.options(*found)
            return any(o.get("additionalProperties") is True for o in options)
    return False


def join_axes(
    found: list[tuple[KeyPath, Values, Any]],
    table: SweepTable,
    describe: Any,
    problems: dict[KeyPath, str],
) -> tuple[Axis, ...]:
    """Axes from the swept keys, those that run together joined."""
    names = _names([path for path, _, _ in found])
    keys: dict[str, SweptKey] = {}
    for path, values, _ in found:
        info = describe(path)
        keys[path_text(path)] = SweptKey(
            path,
            values,
            names[path],
            info.unit if info else "",
            info.description.rstrip(".") if info else path_text(path),
        )
    groups: dict[str, list[str]] = {}
    for number, group in enumerate(table.zip):
        where: KeyPath = ("sweep", "zip", number)
        if not _known(group, keys, where, problems):
            continue
        lengths = {len(keys[name].values) for name in group}
        if len(group) < 2 or len(lengths) != 1:
            problems[where] = (
                "keys that run together need the same number of values; these have "
                + ", ".join(f"{name}: {len(keys[name].values)}" for name in group)
                + "."
            )
        for name in group:
            if name in groups:
                problems[where] = f"{name} is joined twice."
            groups[name] = group
    _known(table.average, keys, ("sweep", "average"), problems)
    axes: list[Axis] = []
    for name in keys:
        group = groups.get(name, [name])
        if not problems and name == min(group, key=list(keys).index):
            average = any(member in table.average for member in group)
            axes.append(Axis(tuple(keys[member] for member in group), average))
    return tuple(axes)


def _known(
    names: list[str], keys: dict[str, SweptKey], where: KeyPath, problems: dict[KeyPath, str]
) -> bool:
    for name in names:
        if name not in keys:
            problems[where] = f'"{name}" is not swept. ' + nearest(name, keys, "swept keys")
            return False
    return True


def _names(paths: list[KeyPath]) -> dict[KeyPath, str]:
    """The shortest name for each path that no other has."""
    found = {}
    for path in paths:
        words = [str(part) for part in path]
        last = max(i for i, part in enumerate(path) if isinstance(part, str))
        short = "_".join(words[last:])
        same = [p for p in paths if "_".join(map(str, p)).endswith(short)]
        found[path] = short if len(same) == 1 else "_".join(words[1:])
    if len(set(found.values())) < len(found):
        found = {path: "_".join(map(str, path)) for path in paths}
    return found


def sample_points(sweep: Sweep, most: int = 200) -> Iterator[tuple[int, ...]]:
    """Positions at which a card is checked before it runs: every axis by itself, and the ends."""
    zero = [0] * len(sweep.shape)
    for number, size in enumerate(sweep.shape):
        step = max(1, size // most)
        for index in dict.fromkeys([*range(0, size, step), size - 1]):
            yield (*zero[:number], index, *zero[number + 1 :])
    yield tuple(size - 1 for size in sweep.shape)
