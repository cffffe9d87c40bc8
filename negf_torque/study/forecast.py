"""How long a card will take and how much memory: from running it, or smaller ones, for a while.

Every trial is a process of its own that runs one item of the card, watched from outside.  If the
card as it is takes too long, all its numbers that may cost (counts, lists, tolerances) are made
smaller together until a trial ends in time.  Then each of them is changed by itself: the growth
of time and memory, as a power of the number, carries the small trial to the whole card and says
which number dominates.  Of a card in parts (`study.parts`) a few are tried, as
they are.  What runs in workers is tried with one thread, as workers run it.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import tomli_w

from negf_torque.study.complaints import path_text
from negf_torque.study.keylines import KeyPath
from negf_torque.study.parts import parts_of
from negf_torque.study.sweep import set_key
from negf_torque.study.trials import Budget, Trial, try_out

if TYPE_CHECKING:
    from negf_torque.study.card import Card

__all__ = ["Forecast", "forecast", "words_of"]

#: Keys that bound or label a calculation rather than drive its cost.
_IDLE = ("seed", "max_", "limit", "memory")
#: Each step divides counts by two and multiplies tolerances by ten.
STEPS, MOST_KEYS = (1, 2, 4, 7, 11), 5


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
        Points of the sweep, or parts of them.
    powers : dict
        Key to the power with which the time grows with it (with 1/tolerance), those that matter.
    exact : bool
        Whether the card itself was run, and nothing extrapolated.
    longest : float
        Seconds of the longest part, which no number of workers makes shorter.
    free : float or None
        Seconds of one item on a core that does nothing else; None where several threads work.
    what : str
        What an item is.
    budget : float
        Seconds that the trials had.
    """

    seconds: float | None
    processor: float | None
    memory: float
    items: int
    powers: dict[str, float] = field(default_factory=dict)
    exact: bool = True
    longest: float = 0.0
    free: float | None = None
    what: str = "points"
    budget: float = 0.0

    def total(self, workers: int) -> float | None:
        """Seconds of the whole run on so many workers."""
        if self.seconds is None:
            return None
        rounds = math.ceil(self.items / max(1, min(workers, self.items)))
        return max(self.seconds * rounds, self.longest)


def forecast(card: Card, budget: float = 20.0) -> Forecast:
    """Measure for about `budget` seconds; see the module's text."""
    return replace(_measured(card, Budget(budget, card.sweep is not None)), budget=budget)


def _measured(card: Card, clock: Budget) -> Forecast:
    items = len(card.sweep) if card.sweep else 1
    points = _points(card)
    if points and (parts := parts_of(points[len(points) // 2])):
        return _of_parts(points[len(points) // 2], parts, items, clock)
    trials = [try_out(one, clock, 0.3) for one in points]
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
        {key: p for key, (p, _) in _powers(points[-1], known[-1], {}, clock)[0].items()},
        free=_free(weights, known) if card.sweep else None,
    )


def _free(weights: list[float], trials: list[Trial]) -> float:
    """Seconds of an item where nothing else runs: one thread that computes, or waits."""
    total = sum(w * min(t.seconds, max(t.processor, 0.2 * t.seconds))
                for w, t in zip(weights, trials, strict=True))  # fmt: skip
    return total / sum(weights)


def _of_parts(card: Card, parts: list[Any], points: int, clock: Budget) -> Forecast:
    """From a few parts of each sort: the first of a sort, and the last."""
    sorts: dict[str, list[Any]] = {}
    for part in parts:
        name = part.get("ensemble", 0) if isinstance(part, dict) else part
        sorts.setdefault(str(name) if isinstance(name, str) else "", []).append(part)
    chosen, weights = [], []
    for some in sorts.values():
        ends = [some[0]] if len(some) == 1 else [some[0], some[-2]]
        chosen += ends
        weights += [len(some) / len(ends)] * len(ends)
    clock.one_thread = True
    trials = [try_out(card, clock, 0.5, part) for part in chosen]
    known = [trial for trial in trials if trial is not None]
    items, what = points * len(parts), "pieces"
    if len(known) < len(trials):
        found = _extrapolated(card, items, clock, chosen[-1])
        return replace(found, what=what)
    share = [weight / sum(weights) for weight in weights]
    return Forecast(
        sum(w * trial.seconds for w, trial in zip(share, known, strict=True)),
        sum(w * trial.processor for w, trial in zip(share, known, strict=True)),
        max(trial.memory for trial in known),
        items,
        longest=max(trial.seconds for trial in known),
        free=_free(weights, known),
        what=what,
    )


def words_of(found: Forecast, workers: int | None = None) -> list[str]:
    """A forecast in words, for so many workers (default: one for each core)."""
    from negf_torque.study.executors import cores
    from negf_torque.study.memory import size_in_words

    count = workers or cores()
    total = found.total(count)
    if found.seconds is None or total is None:
        return [
            f"The whole calculation: no trial ended within {found.budget:g} s, of smaller cards "
            "neither, so that no time is predicted (an estimate above is of its own part alone). "
            f"Measure longer, with --seconds {max(60, 6 * found.budget):g}."
        ]
    how = "" if found.exact else ", extrapolated from a smaller card"
    lines = [f"Time: about {_duration(total)}{how}"]
    if found.items > 1:
        each = f"{found.items} {found.what} of {_duration(found.seconds)} each"
        lines[0] += f" on {count} workers: {each}"
    if found.free is not None and found.seconds > 1.5 * found.free:
        quiet = replace(
            found, seconds=found.free, longest=found.longest * found.free / found.seconds
        )
        lines[0] += f", as busy as it is now; {_duration(quiet.total(count) or 0.0)} on free cores"
    lines.append(f"Memory: about {size_in_words(found.memory)} for each process")
    if found.powers:
        name, power = next(iter(found.powers.items()))
        kind = f"1/{name}" if _is_tolerance(name) else name
        lines.append(f"Dominated by {name}: the time grows as ({kind})^{power:.1f}")
    elif found.items > 1:
        lines.append(f"Dominated by the number of {found.what}")
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


def _extrapolated(card: Card, items: int, clock: Budget, part: Any = None) -> Forecast:
    """From a card that is small enough, by powers of its numbers."""
    keys = _keys(card)
    for steps in STEPS:
        small, made = _smaller(card, steps, keys)
        if clock.spent or not made:
            break
        trial = try_out(small, clock, 0.1, part)
        if trial is None or 8 * trial.seconds > 0.5 * clock.left:
            continue  # one step back may cost eight times as much
        powers, whole = _powers(small, trial, made, clock, part)
        if not whole:
            continue
        made_of = {path_text(path): count for path, count in made.items()}
        factor, extra = 1.0, trial.memory - trial.start
        for key, (power, more) in powers.items():
            grown = (10.0 if _is_tolerance(key) else 2.0) ** made_of[key]
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


def _smaller(card: Card, steps: int, keys: list[KeyPath]) -> tuple[Card, dict[KeyPath, int]]:
    """The card with keys made smaller, as far as it stays a card, and by how many steps each."""
    made: dict[KeyPath, int] = {}
    for one in keys:
        for count in range(steps, 0, -1):
            if (small := _changed(card, one, count)) is not None:
                card, made[one] = small, count
                break
    return card, made


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
    trial: Trial,
    made: dict[KeyPath, int],
    clock: Budget,
    part: Any = None,
) -> tuple[dict[str, tuple[float, float]], bool]:
    """Growth of time and memory with each key that matters, and whether all could be tried.

    A card that was made smaller is changed back by one step, one that was not is made smaller.
    """
    found, whole = {}, True
    step = -1 if made else 1
    for path in made or _keys(card):
        other = _changed(card, path, step)
        if other is None:
            continue
        changed = try_out(other, clock, 0.5, part)
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


def _work(trial: Trial) -> float:
    """What a trial cost: processor time, which other programs do not change, where there is any."""
    busy = trial.processor > 0.2 * trial.seconds
    return max(trial.processor if busy else trial.seconds, 1e-4)
