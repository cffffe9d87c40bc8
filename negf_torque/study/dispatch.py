"""Hand a run's items to an executor and take back what became of them.

Items go out in small bundles, so that their cost and not the way to the worker counts, and only
a few bundles are on the way at a time: however many items there are, the main process holds the
same few.  When a worker dies, what was on the way is tried again, one bundle at a time; an item
that takes its worker along three times, alone, is given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

from negf_torque.study.errors import StudyError
from negf_torque.study.executors import Pool
from negf_torque.study.interrupt import Interrupt
from negf_torque.study.worker import CRASHED, Report, work

__all__ = ["dispatch"]

#: Point, number of the part, the part.
Item = tuple[int, int, Any]

#: A bundle should take about so many seconds, and hold no more items than this.
SECONDS, MOST = 0.2, 256
#: How often an item may take its worker along before it is given up.
ATTEMPTS = 3
#: After so many deaths with nothing finished between them the run is given up.
MOST_DEATHS = 20


@dataclass
class _Bundle:
    items: list[Item]
    deaths: int = 0


@dataclass
class _Dispatcher:
    pool: Pool
    text: str
    items: Iterator[Item]
    told: Callable[[Report], None]
    flying: dict[Future, _Bundle] = field(default_factory=dict)
    suspects: deque[_Bundle] = field(default_factory=deque)
    seconds: float = 0.0
    finished: int = 0
    deaths_in_a_row: int = 0

    def size(self) -> int:
        """How many items the next bundle should hold."""
        if self.pool.here or not self.finished:
            return 1
        mean = max(self.seconds / self.finished, 1e-6)
        return max(1, min(MOST, int(SECONDS / mean)))

    def fill(self) -> None:
        """Send bundles until enough are on the way; suspects go alone."""
        if self.suspects:
            if not self.flying:
                self.send(self.suspects.popleft())
            return
        most = 1 if self.pool.here else 2 * self.pool.width
        while len(self.flying) < most:
            size = self.size()
            bundle = [item for _, item in zip(range(size), self.items, strict=False)]
            if not bundle or not self.send(_Bundle(bundle)):
                return

    def send(self, bundle: _Bundle) -> bool:
        """Submit a bundle; an executor that is broken already only makes it a suspect."""
        try:
            future = self.pool.executor.submit(work, self.text, bundle.items)
        except RuntimeError as error:  # BrokenExecutor is one
            self.mourn([bundle], error)
            return False
        self.flying[future] = bundle
        return True

    def collect(self) -> None:
        """Take what has come back; does not wait longer than a moment."""
        done, _ = wait(self.flying, timeout=0.5, return_when=FIRST_COMPLETED)
        lost: list[_Bundle] = []
        cause: BaseException | None = None
        for future in done:
            bundle = self.flying.pop(future)
            if future.cancelled():
                raise StudyError(
                    "the executor gave up its work (is the cluster still there?). What is "
                    "finished is kept; run the card again to go on."
                )
            error = future.exception()
            if error is None:
                self.take(future)
            elif isinstance(error, StudyError):
                raise error
            else:
                lost.append(bundle)
                cause = error
        if lost:
            self.mourn(lost, cause)

    def take(self, future: Future) -> None:
        """Pass on the reports of a bundle that came back."""
        self.deaths_in_a_row = 0
        for report in future.result():
            self.seconds += report.seconds
            self.finished += 1
            self.told(report)

    def mourn(self, lost: list[_Bundle], cause: BaseException | None) -> None:
        """A worker died: whatever was on the way may have been its doing."""
        alone = len(lost) == 1 and not self.flying
        self.deaths_in_a_row += 1
        if self.deaths_in_a_row > MOST_DEATHS:
            raise StudyError(
                f"the workers die again and again ({cause!r}). What is finished is kept; run the "
                "card again to go on, with fewer --workers if memory is short."
            )
        if self.pool.renew is not None:
            for future, bundle in self.flying.items():
                if future.done() and not future.cancelled() and future.exception() is None:
                    self.take(future)
                else:
                    lost.append(bundle)
            self.flying.clear()
        self.pool.restart()
        for bundle in lost:
            deaths = bundle.deaths + 1 if alone and len(bundle.items) == 1 else bundle.deaths
            if deaths >= ATTEMPTS:
                ((point, number, _),) = bundle.items
                reason = f"its worker died {deaths} times (killed, or out of memory?): {cause!r}"
                self.told(Report(point, number, CRASHED, 0.0, "", reason))
            elif alone and len(bundle.items) > 1:
                self.suspects.extend(_Bundle([item]) for item in bundle.items)
            else:
                self.suspects.append(_Bundle(bundle.items, deaths))


def dispatch(
    pool: Pool,
    text: str,
    items: Iterable[Item],
    told: Callable[[Report], None],
    interrupt: Interrupt,
) -> bool:
    """Run all items; whether all of them ran.

    Parameters
    ----------
    pool : Pool
    text : str
        The run, from `worker.job_text`.
    items : iterable of (point, number of the part, part)
        Taken one by one as workers become free.
    told : function
        Gets the report of every item; what it raises ends the run.
    interrupt : Interrupt
        When it is asked to stop, nothing new is sent and what is on the way is awaited.
    """
    state = _Dispatcher(pool, text, iter(items), told)
    while True:
        if not interrupt.asked:
            state.fill()
        if not state.flying and (interrupt.asked or not state.suspects):
            break
        if state.flying:
            state.collect()
    return not state.suspects and next(state.items, None) is None
