"""Ctrl-C in two steps: the first ends a run in order, the second at once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt", "InterruptedRun", "stoppable"]


class InterruptedRun(KeyboardInterrupt):  # noqa: N818 - like KeyboardInterrupt itself
    """A run was stopped: its text says what is kept, `at_once` that items were cut short."""

    def __init__(self, text: str, at_once: bool = False) -> None:
        self.at_once = at_once
        super().__init__(text)


class Interrupt:
    """While it is entered, the first SIGINT or SIGTERM only asks to stop; a second one stops.

    Attributes
    ----------
    asked : bool
        Whether the run was asked to stop.
    """

    def __init__(self, told: Callable[[str], None] | None = None) -> None:
        self.asked = False
        self._told = told or (lambda text: print(text, file=sys.stderr, flush=True))
        self._old: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self._told("stopping when the items in flight are finished; Ctrl-C again stops at once")


@contextmanager
def stoppable() -> Iterator[None]:
    """While it is entered, SIGTERM is a KeyboardInterrupt as Ctrl-C is."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)
