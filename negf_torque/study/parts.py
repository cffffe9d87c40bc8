"""Calculations in parts: what a part depends on, when no more are needed, all in one process.

See `study.base` for what a kind exports.  Blocks of configurations are parts that belong to an
*ensemble* and come in an order: `{"ensemble": 0, "first": 64, "last": 128}`.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from negf_torque.study.base import Progress

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card

__all__ = [
    "Stopping",
    "cached",
    "can_grow",
    "content_of_parts",
    "family",
    "in_one_process",
    "parts_of",
    "wanted_error",
]

Kept = TypeVar("Kept")
_Sums = tuple[int, float, float]


def parts_of(card: Card) -> list[Any] | None:
    """The parts of one point's card; None if it is calculated as a whole."""
    split = getattr(card.module, "split", None)
    return None if split is None else split(card)


def content_of_parts(card: Card) -> dict[str, Any]:
    """What the parts of a card depend on: its content without the keys in `PART_IGNORES`."""
    content = card.content()
    ignored = getattr(card.module, "PART_IGNORES", ())
    if not ignored or parts_of(card) is None:
        return content
    content = copy.deepcopy(content)
    for table, name in ignored:
        if isinstance(content.get(table), dict):
            content[table].pop(name, None)
    return content


def family(card: Card) -> str:
    """Hash that is the same for cards whose parts are the same: one may go on from the other."""
    return hashlib.sha256(json.dumps(content_of_parts(card), sort_keys=True).encode()).hexdigest()


def can_grow(card: Card) -> bool:
    """Whether a finished result may be carried on with more of the same parts."""
    return bool(getattr(card.module, "PART_IGNORES", ())) and parts_of(card) is not None


def wanted_error(card: Card) -> float | None:
    """Relative standard error at which an ensemble of the card is good enough."""
    wanted = getattr(card.module, "wanted_error", None)
    return None if wanted is None else wanted(card)


class Stopping:
    """Which ensembles of a point are known well enough, from blocks that come in any order.

    Blocks count in their own order and the rule is asked after each: where an ensemble ends does
    not depend on who computed what first.
    """

    def __init__(self) -> None:
        self.begin(0, None)

    def begin(self, point: int, wanted: float | None) -> None:
        """Watch another point, whose ensembles are to reach a relative standard error."""
        self.point, self.wanted = point, wanted
        self._totals: dict[Any, _Sums] = {}
        self._waiting: dict[tuple[Any, int], _Sums] = {}
        self._settled: set[Any] = set()

    def add(self, point: int, tally: dict[str, Any] | None) -> None:
        """Take note of a block: its `tally` has ensemble, first, count, mean and squares."""
        if self.wanted is None or point != self.point or not tally:
            return
        from negf_torque.disorder.configurations import is_known, joined

        name = tally["ensemble"]
        if name in self._settled:
            return
        piece = int(tally["count"]), float(tally["mean"]), float(tally["squares"])
        self._waiting[name, int(tally["first"])] = piece
        total = self._totals.get(name, (0, 0.0, 0.0))
        while (following := self._waiting.pop((name, total[0]), None)) is not None:
            total = joined(total, following)
            if is_known(*total, self.wanted):
                self._settled.add(name)
                break
        self._totals[name] = total

    def settled(self, part: Any) -> bool:
        """Whether a part is no longer needed."""
        return isinstance(part, dict) and part.get("ensemble") in self._settled


def in_one_process(card: Card, progress: Progress) -> xr.Dataset:
    """All parts of a card one after the other, and the result that they make."""
    parts = parts_of(card) or []
    stopping = Stopping()
    stopping.begin(0, wanted_error(card))
    done: dict[str, Any] = {}
    progress.start("parts", len(parts))
    for part in parts:
        if not stopping.settled(part):
            dataset = card.module.run_part(card, part, Progress())
            stopping.add(0, dataset.attrs.get("tally"))
            done[json.dumps(part, sort_keys=True)] = dataset
        progress.advance()
    return card.module.merge(card, lambda part: done[json.dumps(part, sort_keys=True)])


_KEPT: OrderedDict[tuple[str, Any], Any] = OrderedDict()


def cached(card: Card, name: Any, make: Callable[[], Kept], most: int = 4) -> Kept:
    """What `make` gives, kept for the next parts of the same card in this process."""
    place = card.hash, name
    if place not in _KEPT:
        _KEPT[place] = make()
        while len(_KEPT) > most:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(place)
    return _KEPT[place]
