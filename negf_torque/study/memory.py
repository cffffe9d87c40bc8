"""How much memory there is, and how much a card needs before it takes any."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from negf_torque.study.errors import StudyError

if TYPE_CHECKING:
    from negf_torque.study.base import Scalar
    from negf_torque.study.card import Card

__all__ = ["available", "check_need", "memory_of", "need", "size_in_bytes", "size_in_words"]

#: Of a worker process before it computes anything (measured: 170 MB with NumPy, xarray, numba).
PROCESS = 200e6
#: Share of the free memory that a run takes at most unless told otherwise.
SHARE = 0.8

_UNITS = {"B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_CGROUPS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


def size_in_bytes(text: str) -> float:
    """A size as a user writes it.

    Raises
    ------
    StudyError
        If it is none.

    Examples
    --------
    >>> size_in_bytes("1.5 GB")
    1500000000.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([kKMGT]?B)\s*", text)
    if not found or float(found[1]) <= 0:
        raise StudyError(f'"{text}" is not a size. Give one such as 8GB.')
    return float(found[1]) * _UNITS[found[2].upper()]


def size_in_words(size: float) -> str:
    """A number of bytes in the fitting unit.

    Examples
    --------
    >>> size_in_words(1.5e9), size_in_words(2e4)
    ('1.5 GB', '20 KB')
    """
    for unit in ("TB", "GB", "MB", "KB"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.3g} {unit}"
    return f"{size:.0f} B"


def available() -> float:
    """Bytes that this machine, and the group of processes that this one is in, have left."""
    found = [float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))]
    try:
        text = Path("/proc/meminfo").read_text()
        free = re.search(r"MemAvailable:\s*(\d+) kB", text)
        found += [1024.0 * int(free[1])] if free else []
    except OSError:  # not Linux
        pass
    for limit, usage in _CGROUPS:
        try:
            top = Path("/sys/fs/cgroup")
            most = (top / limit).read_text().strip()
            if most != "max":
                found.append(float(int(most) - int((top / usage).read_text())))
        except (OSError, ValueError):
            continue
    return max(min(found), 0.0)


def memory_of(scalars: list[Scalar]) -> float | None:
    """The largest entry called memory among a card's estimates, in bytes; None if there is none."""
    sizes = [
        float(scalar.value.real) * _UNITS[scalar.unit.upper()]
        for scalar in scalars
        if scalar.name.split("[")[0].lower().startswith("memory") and scalar.unit.upper() in _UNITS
    ]
    return max(sizes) if sizes else None


def need(card: Card) -> float | None:
    """Bytes that one item of a card needs at most, as its calculation estimates; None: unknown.

    Of a sweep the first point and the ends of every key are looked at.
    """
    estimate = getattr(card.module, "estimate", None)
    if estimate is None:
        return None
    sizes = [memory_of(estimate(one)) for one in _corners(card)]
    known = [size for size in sizes if size is not None]
    return max(known) if known else None


def _corners(card: Card) -> list[Card]:
    if card.sweep is None:
        return [card]
    sweep, zero = card.sweep, [0] * len(card.sweep.shape)
    places = [tuple(zero)]
    for number, size in enumerate(sweep.shape):
        for index in {size // 2, size - 1}:
            places.append((*zero[:number], index, *zero[number + 1 :]))
    places.append(tuple(size - 1 for size in sweep.shape))
    cards = [sweep.card_at(card, place) for place in dict.fromkeys(places)]
    return [one for one in cards if not isinstance(one, dict)]


def check_need(card: Card, limit: float | None = None) -> int | None:
    """How many workers have room, None if the need is unknown.

    Raises
    ------
    StudyError
        If not even one has: nothing is allocated then.
    """
    size = need(card)
    if size is None:
        return None
    most = limit if limit is not None else SHARE * available()
    if size > most:
        which = "the given limit" if limit is not None else "what is free here"
        raise StudyError(
            f"the card needs about {size_in_words(size)} of memory, more than {which} "
            f"({size_in_words(most)}). Make the system or its meshes smaller, or give --memory."
        )
    return max(1, int(most / (size + PROCESS)))
