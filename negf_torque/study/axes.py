"""What a swept key holds: a list, `{linspace = [a, b, n]}`, `{logspace = ...}` or `{values = ...}`.

The values are computed one at a time and with operations that give the same bits on every
machine, so that a sweep begun on one computer finds its finished points on another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from negf_torque.study.keylines import KeyPath
from negf_torque.study.schema import repr_toml

__all__ = ["Axis", "SweptKey", "Values", "is_form", "values_of"]

FORMS = ("linspace", "logspace", "values")
#: Longest list of values; longer ones are a mistake rather than a wish.
MOST_VALUES = 10_000_000


@dataclass(frozen=True)
class Values:
    """The values that one swept key takes.

    Attributes
    ----------
    form : "linspace", "logspace" or "values"
    given : tuple
        (a, b, n), or the values themselves.
    whole : bool
        Whether the key takes whole numbers only.
    """

    form: str
    given: tuple[Any, ...]
    whole: bool = False

    def __len__(self) -> int:
        return len(self.given) if self.form == "values" else int(self.given[2])

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self.form == "values":
            return self.given[index]
        first, last, count = self.given
        if index == 0:
            return first
        if index == count - 1:
            return last
        if self.form == "logspace":
            return self._rounded(_geometric(first, last, index, count))
        return self._rounded(first + (last - first) * index / (count - 1))

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def _rounded(self, value: float) -> float | int:
        return round(value) if self.whole else value

    @property
    def is_whole(self) -> bool:
        """Whether every value is a whole number, as computed."""
        if self.form == "values":
            return all(isinstance(v, int) for v in self.given)
        first, last, count = self.given
        if not isinstance(first, int) or not isinstance(last, int):
            return False
        return self.form == "logspace" or count == 1 or (last - first) % (count - 1) == 0


@dataclass(frozen=True)
class SweptKey:
    """A key of the card with the values it takes, its coordinate's name and its words."""

    path: KeyPath
    values: Values
    name: str = ""
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Axis:
    """Keys that run together: one dimension of the result, named after the first of them."""

    keys: tuple[SweptKey, ...]
    average: bool = False

    def __len__(self) -> int:
        return len(self.keys[0].values)

    @property
    def name(self) -> str:
        """Name of the dimension."""
        return self.keys[0].name


def is_form(value: Any) -> bool:
    """Whether a value of a card is written as one of the forms of a sweep."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in FORMS


def values_of(value: Any, whole: bool = False) -> Values:
    """The values that a list or a form stands for.

    Raises
    ------
    ValueError
        With a message about the value, if it is not what the form needs.

    Examples
    --------
    >>> list(values_of({"linspace": [0, 1, 5]}))
    [0, 0.25, 0.5, 0.75, 1]
    >>> list(values_of({"logspace": [1, 100, 3]}))
    [1, 10.0, 100]
    >>> list(values_of([4, 5]))
    [4, 5]
    """
    form, given = next(iter(value.items())) if isinstance(value, dict) else ("values", value)
    shown = repr_toml(value)
    if not isinstance(given, list) or not given or not all(map(_is_number, given)):
        wanted = "numbers" if form == "values" else "[first, last, count]"
        raise ValueError(f"{shown} cannot be swept. Give {form} = a list of {wanted}.")
    if form != "values":
        _check_form(form, given, shown)
    found = Values(form, tuple(given), whole)
    if len(found) > MOST_VALUES:
        raise ValueError(f"{shown} has more than {MOST_VALUES} values.")
    if whole and not found.is_whole:
        raise ValueError(f"{shown} has values that are not whole numbers, which this key needs.")
    return found


def _check_form(form: str, given: list[Any], shown: str) -> None:
    if len(given) != 3 or not isinstance(given[2], int) or given[2] < 1:
        raise ValueError(
            f"{shown} cannot be swept. Give {form} = [first, last, count] with a whole count of "
            "1 or more."
        )
    if form == "logspace" and (given[0] <= 0 or given[1] <= 0):
        raise ValueError(f"{shown} cannot be swept: logspace runs between two values above 0.")
    if given[2] == 1 and given[0] != given[1]:
        raise ValueError(f"{shown} has two ends but one value. Give a count of 2 or more.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _geometric(first: float, last: float, index: int, count: int) -> float:
    """first (last/first)^(index/(count-1)) in decimal arithmetic, the same on every machine."""
    with localcontext() as context:
        context.prec = 28
        a, b = Decimal(first).ln(), Decimal(last).ln()
        return float((a + (b - a) * index / (count - 1)).exp())
