"""How long a card will take and how much memory: from running it, or smaller ones, for a while.

Every trial is a process of its own that runs one item of the card, watched from outside.  If the
card as it is takes too long, all its numbers that may cost (counts, lists, tolerances) are made
smaller together until a trial ends in time.  Then each of them is changed by itself: the growth
of time and memory, as a power of the number, carries the small trial to the whole card and says
which number dominates.
"""

from __future__ import annotations

import copy
import math
import multiprocessing
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import tomli_w

from negf_torque.study.base import Progress
from negf_torque.study.complaints import path_text
from negf_torque.study.keylines import KeyPath
from negf_torque.study.sweep import set_key

if TYPE_CHECKING:
    from negf_torque.study.card import Card

__all__ = ["Forecast", "forecast", "words_of"]

#: Keys that bound or label a calculation rather than drive its cost.
_IDLE = ("seed", "max_", "limit", "memory")
#: Each step divides counts by two and multiplies tolerances by ten.
MOST_STEPS, MOST_KEYS = 12, 5
#: Trials of fewer processor seconds are repeated, so that imports and compilation do not count.
SHORT = 3.0


@dataclass(frozen=True)
class Forecast:
    """What a card will cost.

    Attributes
    ----------
    seconds, processor : float or None
        Of one item, a mean over the sweep: by the clock, and of all its threads together; None
        if no trial ended in time.
    memory : float
        Bytes of one process, at its peak.
    items : int
        Points of the sweep.
    powers : dict
        Key to the power with which the time grows with it (with 1/tolerance), those that matter.
    exact : bool
        Whether the card itself was run, and nothing extrapolated.
    """

    seconds: float | None
    processor: float | None
    memory: float
    items: int
    powers: dict[str, float] = field(default_factory=dict)
    exact: bool = True

    def total(self, workers: int) -> float | None:
        """Seconds of the whole run on so many workers."""
        if self.seconds is None:
            return None
        return self.seconds * math.ceil(self.items / max(1, min(workers, self.items)))


@dataclass(frozen=True)
class _Trial:
    seconds: float
    processor: float
    memory: float
    start: float


@dataclass
class _Budget:
    """Seconds that trials may still take; starting a process and its imports do not count."""

    left: float


def forecast(card: Card, budget: float = 20.0) -> Forecast:
    """Measure for about `budget` seconds; see the module's text."""
    clock = _Budget(budget)
    items = len(card.sweep) if card.sweep else 1
    points = _points(card)
    trials = [_try(one, clock, 0.3) for one in points]
    known = [trial for trial in trials if trial is not None]
    if len(known) < len(trials):
        return _extrapolated(points[len(points) // 2], items, clock)
    weights = [1.0, 2.0, 1.0] if len(trials) == 3 else [1.0] * len(trials)
    share = [weight / sum(weights) for weight in weights]
    return Forecast(
        sum(w * trial.seconds for w, trial in zip(share, known, strict=True)),
        sum(w * trial.processor for w, trial in zip(share, known, strict=True)),
        max(trial.memory for trial in known),
        items,
        {key: p for key, (p, _) in _powers(points[-1], known[-1], 0, clock)[0].items()},
    )


def words_of(found: Forecast, workers: int | None = None) -> list[str]:
    """A forecast in words, for so many workers (default: one for each core)."""
    from negf_torque.study.executors import cores
    from negf_torque.study.memory import size_in_words

    count = workers or cores()
    total = found.total(count)
    if found.seconds is None or total is None:
        return ["No trial ended in time: it takes long. Measure longer with --seconds."]
    how = "" if found.exact else ", extrapolated from a smaller card"
    lines = [f"Time: about {_duration(total)}{how}"]
    if found.items > 1:
        lines[0] += f" on {count} workers: {found.items} points of {_duration(found.seconds)} each"
    lines.append(f"Memory: about {size_in_words(found.memory)} for each process")
    if found.powers:
        name, power = next(iter(found.powers.items()))
        kind = f"1/{name}" if _is_tolerance(name) else name
        lines.append(f"Dominated by {name}: the time grows as ({kind})^{power:.1f}")
    elif found.items > 1:
        lines.append("Dominated by the number of points")
    return [line + "." for line in lines]


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s"


def _points(card: Card) -> list[Card]:
    """The cards of the first, the middle and the last point."""
    if card.sweep is None:
        return [card]
    size = len(card.sweep)
    found = [card.sweep.card(card, at) for at in dict.fromkeys((0, size // 2, size - 1))]
    return [one for one in found if not isinstance(one, dict)]


def _extrapolated(card: Card, items: int, clock: _Budget) -> Forecast:
    """From a card that is small enough, by powers of its numbers."""
    keys = _keys(card)
    for steps in range(1, MOST_STEPS):
        small = _smaller(card, steps, keys)
        if clock.left <= 0 or small is None:
            break
        trial = _try(small, clock, 0.1)
        if trial is None or 8 * trial.seconds > 0.5 * clock.left:
            continue  # one step back may cost eight times as much
        powers, whole = _powers(small, trial, steps, clock, keys)
        if not whole:
            continue
        factor, extra = 1.0, trial.memory - trial.start
        for key, (power, more) in powers.items():
            grown = (10.0 if _is_tolerance(key) else 2.0) ** steps
            factor *= grown**power
            extra *= grown**more
        return Forecast(
            trial.seconds * factor,
            trial.processor * factor,
            trial.start + extra,
            items,
            {key: power for key, (power, _) in powers.items()},
            False,
        )
    return Forecast(None, None, 0.0, items, {}, False)


def _is_tolerance(key: str) -> bool:
    return "tolerance" in key.rpartition(".")[2]


def _keys(card: Card) -> list[KeyPath]:
    """Paths of the numbers and lists that may drive the cost."""
    found: list[KeyPath] = []

    def look(value: Any, path: KeyPath) -> None:
        name = str(path[-1])
        if isinstance(value, dict):
            for part, inner in value.items():
                look(inner, (*path, part))
        elif isinstance(value, list):
            if len(value) >= 4 and all(isinstance(v, int | float) for v in value):
                found.append(path)
            else:
                for index, inner in enumerate(value):
                    look(inner, (*path, index))
        elif any(word in name for word in _IDLE) or isinstance(value, bool | str):
            return
        elif "tolerance" in name or isinstance(value, int) and value >= 4 or name == "duration":
            found.append(path)

    tables = card.tables()
    for table in ("calculation", "system"):
        if table in tables:
            look(tables[table], (table,))
    return found[:MOST_KEYS]


def _smaller(card: Card, steps: int, keys: list[KeyPath]) -> Card | None:
    """The card with some keys made smaller, as far as it stays a card."""
    for one in keys:
        card = _changed(card, one, steps) or card
    return card if keys else None


def _changed(card: Card, path: KeyPath, steps: int) -> Card | None:
    """The card with one number smaller (steps > 0) or larger (steps < 0); None if that is none."""
    from negf_torque.study.card import parse
    from negf_torque.study.errors import CardError

    tables = copy.deepcopy(card.tables())
    value: Any = tables
    for part in path:
        value = value[part]
    if isinstance(value, list):
        if steps < 0:
            value = sorted(value + value[1:-1]) if len(set(value)) > 1 else value * 2
        else:
            value = value[:: 2**steps]
    elif "tolerance" in str(path[-1]):
        value = value * 10.0**steps
    else:
        value = value * 2.0**-steps if isinstance(value, float) else round(value * 2.0**-steps)
    set_key(tables, path, value)
    try:
        return parse(tomli_w.dumps(tables), card.path, allow_code=True)
    except (CardError, ValueError):
        return None


def _powers(
    card: Card,
    trial: _Trial,
    steps: int,
    clock: _Budget,
    keys: list[KeyPath] | None = None,
) -> tuple[dict[str, tuple[float, float]], bool]:
    """Growth of time and memory with each key that matters, and whether all could be tried.

    A card that was made smaller is changed back by one step, one that was not is made smaller.
    """
    found, whole = {}, True
    step = -1 if steps else 1
    for path in _keys(card) if keys is None else keys:
        other = _changed(card, path, step)
        if other is None:
            continue
        changed = _try(other, clock, 0.5) if clock.left > 0.5 else None
        if changed is None:
            whole = False
            continue
        base = 10.0 if _is_tolerance(path_text(path)) else 2.0
        ratio = _work(changed) / _work(trial)
        room = max(changed.memory - changed.start, 1e6) / max(trial.memory - trial.start, 1e6)
        power = -step * math.log(ratio) / math.log(base)
        if power > 0.2:
            found[path_text(path)] = (power, -step * math.log(room) / math.log(base))
    return dict(sorted(found.items(), key=lambda entry: -entry[1][0])), whole


def _work(trial: _Trial) -> float:
    """What a trial cost: processor time, which other programs do not change, where there is any."""
    busy = trial.processor > 0.2 * trial.seconds
    return max(trial.processor if busy else trial.seconds, 1e-4)


def _try(card: Card, clock: _Budget, share: float) -> _Trial | None:
    """Run a card in a process of its own, with a share of what is left; None if it did not end."""
    from negf_torque.study import calculations

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(False)
    words = (theirs, card.toml(), str(card.path.absolute()), list(calculations.__path__))
    process = context.Process(target=_run, args=words, daemon=True)
    process.start()
    theirs.close()
    found, began = None, None
    try:
        if ours.poll(120):
            ours.recv()  # imports are done
            began = time.monotonic()
            limit = max(2.0, share * clock.left)
            if ours.poll(limit):
                found = ours.recv()
                if found.processor < SHORT and ours.poll(limit):
                    found = ours.recv()
    except (EOFError, OSError):  # the trial failed
        found = None
    if began is not None:
        clock.left -= time.monotonic() - began
    process.kill()
    process.join()
    return found


def _run(pipe: Any, text: str, path: str, folders: list[str]) -> None:
    """In the process: run the card, tell time and memory, and once more if it was short."""
    import numpy
    import xarray

    from negf_torque.study import calculations
    from negf_torque.study.card import parse
    from negf_torque.study.worker import evaluate

    calculations.__path__[:] = folders
    card = parse(text, path, allow_code=True)
    # What xarray imports at its first use is no part of the calculation.
    xarray.Dataset({"a": ("x", numpy.zeros(2))}).assign_coords(x=[0, 1])
    start = _peak()
    pipe.send(None)
    for _ in range(2):
        began, busy = time.perf_counter(), time.process_time()
        evaluate(card, Progress())
        seconds, processor = time.perf_counter() - began, time.process_time() - busy
        pipe.send(_Trial(seconds, processor, _peak(), start))


def _peak() -> float:
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
