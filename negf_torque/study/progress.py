"""Progress on a terminal (a bar with an estimate) or in a log (plain lines, now and then)."""

from __future__ import annotations

import sys
import time
from typing import IO, Any

from negf_torque.study.base import Progress

__all__ = ["BarProgress", "LineProgress", "progress_for"]

#: Share of a stage that must be done before what is left is estimated.
TELLING = 0.1


def progress_for(stream: IO[str] | None = None, quiet: bool = False) -> Progress:
    """The fitting reporter: silent, a bar where there is a terminal, lines where there is none."""
    stream = stream or sys.stderr
    if quiet:
        return Progress()
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


class BarProgress(Progress):
    """A bar with elapsed and remaining time, drawn by rich."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bars
        from rich.text import Text

        class Left(TimeRemainingColumn):
            def render(self, task: Any) -> Any:
                early = task.total and task.completed < TELLING * task.total
                return (
                    Text("-:--:--", style="progress.remaining") if early else super().render(task)
                )

        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            Left(),
            TextColumn("{task.fields[note]}"),
            console=Console(file=stream),
        )
        self._task: Any = None

    def start(self, stage: str, total: float | None = None) -> None:
        self._complete()
        self._bars.start()
        self._task = self._bars.add_task(stage, total=total, note="")

    def advance(self, amount: float = 1, note: str = "") -> None:
        if self._task is not None:
            fields: dict[str, Any] = {"note": note} if note else {}
            self._bars.update(self._task, advance=amount, **fields)

    def update(self, done: float | None = None, total: float | None = None, note: str = "") -> None:
        if self._task is not None:
            fields: dict[str, Any] = {"note": note} if note else {}
            self._bars.update(self._task, completed=done, total=total, **fields)

    def finish(self) -> None:
        self._complete()
        self._bars.stop()

    def _complete(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._task]
            done = task.completed or 1
            self._bars.update(self._task, completed=done, total=done)
            self._task = None


class LineProgress(Progress):
    """A line at the beginning and end of each stage, and one every `interval` seconds."""

    def __init__(self, stream: IO[str], interval: float = 10.0) -> None:
        self._stream, self._interval = stream, interval
        self._stage: str | None = None
        self._total: float | None = None
        self._done, self._note = 0.0, ""
        self._began = self._told = 0.0

    def start(self, stage: str, total: float | None = None) -> None:
        self.finish()
        self._stage, self._done, self._total, self._note = stage, 0.0, total, ""
        self._began = self._told = time.monotonic()
        self._print(f"{stage} ...")

    def advance(self, amount: float = 1, note: str = "") -> None:
        self.update(self._done + amount, note=note)

    def update(self, done: float | None = None, total: float | None = None, note: str = "") -> None:
        self._done = self._done if done is None else done
        self._total = self._total if total is None else total
        self._note = note or self._note
        now = time.monotonic()
        if self._stage is not None and now - self._told >= self._interval:
            self._told = now
            self._print(self._line(now - self._began))

    def finish(self) -> None:
        if self._stage is not None:
            seconds = time.monotonic() - self._began
            note = f" ({self._note})" if self._note else ""
            self._print(f"{self._stage}: done in {seconds:.1f} s{note}")
            self._stage = None

    def _line(self, elapsed: float) -> str:
        note = f", {self._note}" if self._note else ""
        if self._total and 0 < self._done <= self._total:
            share = self._done / self._total
            # A first small share says little about the rest: what begins slowly would alarm.
            known = share >= TELLING
            rest = f"{elapsed * (1 / share - 1):.0f} s left" if known else f"{elapsed:.0f} s"
            return f"{self._stage}: {share:.0%}, {rest}{note}"
        return f"{self._stage}: {self._done:g} done, {elapsed:.0f} s{note}"

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
