"""A card, or a part of it, run in a process of its own and watched from outside."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from negf_torque.study.base import Progress

if TYPE_CHECKING:
    from negf_torque.study.card import Card

__all__ = ["Budget", "Trial", "try_out"]

#: Trials of fewer processor seconds are repeated, so that imports and compilation do not count.
SHORT = 3.0
#: All trials together end after so many times their budget by the clock, however busy the cores.
PATIENCE = 3.0


@dataclass(frozen=True)
class Trial:
    """What a trial cost.

    Attributes
    ----------
    seconds, processor : float
        By the clock, and of all threads together.
    memory, start : float
        Bytes of the process at its peak, and before it began.
    """

    seconds: float
    processor: float
    memory: float
    start: float


@dataclass
class Budget:
    """Processor seconds that trials may still take; starts and imports count by the clock alone."""

    left: float
    one_thread: bool = False
    deadline: float = 0.0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + PATIENCE * self.left

    @property
    def spent(self) -> bool:
        """Whether nothing is left, of processor time or by the clock."""
        return self.left <= 0 or time.monotonic() > self.deadline


def try_out(card: Card, clock: Budget, share: float, part: Any = None) -> Trial | None:
    """Run a card, or a part of it, in a process of its own, with a share of what is left.

    None if it did not end.
    """
    from negf_torque.study import calculations

    if clock.spent:
        return None
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(False)
    folders = list(calculations.__path__)
    words = (theirs, card.toml(), str(card.path.absolute()), folders, part, clock.one_thread)
    process = context.Process(target=_run, args=words, daemon=True)
    process.start()
    theirs.close()
    found, watch = None, None
    try:
        if ours.poll(max(0.0, clock.deadline - time.monotonic())):
            ours.recv()  # imports are done
            watch = _Watch(int(process.pid or 0), clock.deadline)
            limit = min(max(2.0, share * clock.left), clock.left + 1.0)
            if watch.poll(ours, limit):
                found = ours.recv()
                if found.processor < SHORT and watch.poll(ours, 2 * limit):
                    found = ours.recv()
    except (EOFError, OSError):  # the trial failed
        found = None
    if watch is not None:
        clock.left -= watch.spent()
    process.kill()
    process.join()
    return found


@dataclass
class _Watch:
    """How long a trial works: on busy cores a second of it takes several by the clock."""

    process: int
    deadline: float
    began: float = field(default_factory=time.monotonic)
    before: float | None = None

    def __post_init__(self) -> None:
        self.before = _processor_of(self.process)

    def spent(self) -> float:
        """Processor seconds, but never less than a fifth of what passed by the clock."""
        clock, now = time.monotonic() - self.began, _processor_of(self.process)
        return clock if now is None or self.before is None else max(now - self.before, clock / 5)

    def poll(self, pipe: Any, limit: float) -> bool:
        """Whether something comes before so many seconds are spent."""
        while not pipe.poll(0.1):
            if self.spent() > limit or time.monotonic() > self.deadline:
                return False
        return True


def _processor_of(process: int) -> float | None:
    """Processor seconds of another process, where the system tells (Linux)."""
    import os

    try:
        with open(f"/proc/{process}/stat") as file:
            words = file.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _run(pipe: Any, text: str, path: str, folders: list[str], part: Any, one_thread: bool) -> None:
    """In the process: run the card, tell time and memory, and once more if it was short."""
    import numpy
    import xarray

    from negf_torque.study import calculations
    from negf_torque.study.card import parse
    from negf_torque.study.worker import evaluate, limit_threads

    if one_thread:
        limit_threads()
    calculations.__path__[:] = folders
    card = parse(text, path, allow_code=True)
    # What xarray imports at its first use is no part of the calculation.
    xarray.Dataset({"a": ("x", numpy.zeros(2))}).assign_coords(x=[0, 1])
    start = _peak()
    pipe.send(None)
    for _ in range(2):
        began, busy = time.perf_counter(), time.process_time()
        evaluate(card, Progress(), part)
        seconds, processor = time.perf_counter() - began, time.process_time() - busy
        pipe.send(Trial(seconds, processor, _peak(), start))


def _peak() -> float:
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
