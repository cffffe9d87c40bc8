"""The items of a run: which are finished, which are still to do, and how they come out.

A run has one item for each point of its sweep; where a kind splits its points (`study.parts`), one
for each part of each point.  What is on disk and sound is not computed again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from negf_torque.study.base import Progress
from negf_torque.study.dispatch import dispatch
from negf_torque.study.errors import StoreError
from negf_torque.study.executors import Pool
from negf_torque.study.interrupt import Interrupt
from negf_torque.study.parts import Stopping, parts_of, wanted_error
from negf_torque.study.worker import CRASHED, DONE, FAILED, UNWRITABLE, Job, Report, job_text

__all__ = ["Average", "Tally", "complete", "item_count", "items_of", "pending"]

#: Beyond so many points the parts of each are not counted beforehand.
COUNTED_POINTS = 1000
MOST_MESSAGES = 20


@dataclass
class Average:
    """Mean and standard error of a value that comes in one by one (Welford)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    name: str = ""
    unit: str = ""
    ensemble: Any = None

    def add(self, name: str, value: float, unit: str) -> None:
        """One more value; those that are not finite are left out."""
        if not math.isfinite(value):
            return
        self.name, self.unit = name, unit
        self.count += 1
        step = value - self.mean
        self.mean += step / self.count
        self.squares += step * (value - self.mean)

    def join(self, tally: dict[str, Any]) -> None:
        """A block of values with its mean and squares; another ensemble begins anew."""
        if self.ensemble != tally["ensemble"]:
            self.ensemble = tally["ensemble"]
            self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.name, self.unit = str(tally["name"]), str(tally["unit"])
        n, m = self.count, int(tally["count"])
        step = float(tally["mean"]) - self.mean
        self.count = n + m
        self.mean += step * m / (n + m)
        self.squares += float(tally["squares"]) + step**2 * n * m / (n + m)

    def __str__(self) -> str:
        if not self.count:
            return ""
        unit = "" if self.unit in ("", "1") else f" {self.unit}"
        if self.count < 2:
            return f"{self.name} = {self.mean:.6g}{unit}"
        error = math.sqrt(self.squares / (self.count - 1) / self.count)
        return f"{self.name} = {self.mean:.6g} +- {error:.1e}{unit}"


@dataclass
class Tally:
    """What became of the items of a run.

    Attributes
    ----------
    states : Counter
        Items by state, those found finished included.
    found, computed : int
        Items that were on disk already, and computed this time.
    messages, notes : list of str
        What was wrong with items, and files that were put aside.
    crashed : dict
        Item to message, for those that another attempt may cure.
    average : Average or None
        Of the first number of each item, where items are averaged over.
    """

    states: Counter = field(default_factory=Counter)
    found: int = 0
    computed: int = 0
    messages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    crashed: dict[tuple[int, int], str] = field(default_factory=dict)
    average: Average | None = None

    def add(self, state: str, running: Any = None, tally: dict[str, Any] | None = None) -> None:
        """Count an item."""
        self.states[state] += 1
        if self.average is not None and tally:
            self.average.join(tally)
        elif self.average is not None and running:
            self.average.add(*running)

    def words(self) -> str:
        """The running value and what is not as it should be, for a progress bar."""
        bad = [f"{n} {state}" for state, n in sorted(self.states.items()) if state != DONE and n]
        average = str(self.average) if self.average else ""
        return ", ".join(filter(None, [average, *bad]))


def items_of(job: Job) -> Iterator[tuple[int, int, Any]]:
    """Every item of a run: point, number of the part (-1: the whole), the part."""
    whole = not hasattr(job.card.module, "split")
    for point in range(job.points):
        card = {} if whole else job.point_card(point)
        parts = None if isinstance(card, dict) else parts_of(card)
        if parts is None:
            yield point, -1, None
        else:
            for number, part in enumerate(parts):
                yield point, number, part


def item_count(job: Job) -> int | None:
    """How many items there are; None where counting would take long."""
    if not hasattr(job.card.module, "split"):
        return job.points
    return sum(1 for _ in items_of(job)) if job.points <= COUNTED_POINTS else None


def pending(
    job: Job, tally: Tally, progress: Progress, stopping: Stopping
) -> Iterator[tuple[int, int, Any]]:
    """The items that are not finished and still needed; untrustworthy files are put aside."""
    stops, at = hasattr(job.card.module, "wanted_error"), -1
    for point, number, part in items_of(job):
        if stops and point != at:
            at, card = point, job.point_card(point)
            stopping.begin(point, None if isinstance(card, dict) else wanted_error(card))
        if stopping.settled(part):
            progress.advance()
            continue
        key = job.key(point, part)
        facts = job.checkpoints.check(key)
        if isinstance(facts, dict):
            tally.found += 1
            tally.add(str(facts.get("state", DONE)), facts.get("running"), facts.get("tally"))
            stopping.add(point, facts.get("tally"))
            progress.advance(note=tally.words())
            continue
        if facts is not None:
            place = job.checkpoints.set_aside(key)
            name = place.relative_to(job.checkpoints.directory)
            tally.notes.append(f"a finished item could not be trusted, {facts}: it lies in {name}")
        yield point, number, part


def complete(
    job: Job, pool: Pool, token: str, progress: Progress, interrupt: Interrupt
) -> tuple[Tally, bool]:
    """Compute what is missing; the tally, and whether everything is there now.

    Raises
    ------
    StoreError
        If an item's file cannot be written; what is finished is kept.
    """
    first = job.point_card(0)
    averaged = not isinstance(first, dict) and parts_of(first) is not None
    averaged |= any(axis.average for axis in (job.card.sweep.axes if job.card.sweep else ()))
    tally, stopping = Tally(average=Average() if averaged else None), Stopping()

    def told(report: Report) -> None:
        if report.data is not None and report.state != CRASHED:
            try:
                job.checkpoints.write(report.key, report.data)
            except OSError as error:
                reason = error.strerror or str(error)
                report = report._replace(state=UNWRITABLE, message=reason)
        if report.state == UNWRITABLE:
            raise StoreError(
                f"{job.checkpoints.directory} cannot be written: {report.message}. The "
                f"{tally.found + tally.computed} finished items are kept; run the card again to "
                "go on."
            )
        tally.computed += 1
        tally.add(report.state, report.running, report.tally)
        stopping.add(report.point, report.tally)
        if report.state == CRASHED:
            tally.crashed[report.point, report.part] = report.message
        if report.state in (CRASHED, FAILED) and len(tally.messages) < MOST_MESSAGES:
            where = job.card.sweep.label(report.point) if job.card.sweep else "the card"
            where += f", part {report.part}" if report.part >= 0 else ""
            tally.messages.append(f"{where}: {report.message}")
        progress.advance(note=tally.words())

    progress.start("items", item_count(job))
    todo = pending(job, tally, progress, stopping)
    whole = dispatch(pool, job_text(job, token), todo, told, interrupt)
    return tally, whole
