"""What a sweep costs beside its points: processor time for each, memory of the main process.

    python benchmarks/sweep_overhead.py [--quick | --long] [POINTS ...]

A point computes for 1 ms and makes a small dataset.  Processor times do not depend on what else
the machine does; the time by the clock is printed too, for a machine at rest.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

from record import amount, keep, words  # noqa: E402
from timing import memory  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

WORKERS = 2
#: Points from which the aims hold: those of a large sweep.
LARGE = 10_000


def processor_of_workers(main: int) -> dict[int, float]:
    """Processor seconds of the worker processes of this one (Linux), by process."""
    tick = os.sysconf("SC_CLK_TCK")
    found, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
        found[int(path.parent.name)] = (int(fields[11]) + int(fields[12])) / tick
    servers = {pid for pid, parent in parents.items() if parent == main}
    return {pid: found[pid] for pid, parent in parents.items() if parent in servers}


def measure(points: int) -> None:
    """Run a sweep in one process without any of this, then in two workers; print both."""
    from negf_torque.study import card as cards
    from negf_torque.study import run
    from negf_torque.study.base import Progress

    text = (
        '[calculation]\nkind = "probe"\npoints = 1\nbusy = 0.001\n'
        f"number = {{linspace = [0, {points - 1}, {points}]}}\n[output]\nfigures = []\n"
    )
    card = cards.parse(text, "sweep.toml")
    bare = []
    for index in range(min(points, 1000)):
        one = card.sweep.card(card, index)
        began = time.process_time()
        one.module.run(one, Progress())
        bare.append(time.process_time() - began)
    warm = bare[min(100, points // 4) :]
    serial = sum(warm) / len(warm)
    seen: dict[int, float] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            seen.update(processor_of_workers(os.getpid()))

    with tempfile.TemporaryDirectory() as folder:
        began, busy = time.perf_counter(), time.process_time()
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            run.execute(card, folder, executor="processes", workers=WORKERS)
        finally:  # else the watcher would keep a failed run from ending
            done.set()
            watcher.join()
        clock = time.perf_counter() - began
        main = time.process_time() - busy
    workers = sum(seen.values())
    overhead = (workers + main) / points - serial
    print(
        f"{points:7d} points: point itself {1e3 * serial:.2f} ms; with everything "
        f"{1e3 * workers / points:.2f} ms in workers + {1e3 * main / points:.2f} ms in the main "
        f"process; clock {1e3 * clock / points:.2f} ms = {clock / points / serial:.2f} of serial; "
        f"main process {1e3 * memory():.0f} MB",
        flush=True,
    )
    shared = {"size": points, "size_name": "points", "memory": memory()}
    large = points >= LARGE
    if seen and overhead > 0:
        keep(
            "one point, overhead of all processes", overhead,
            goal={"seconds": 5e-3} if large else None, **shared,
            note="processor time, the start of the workers included; memory of the main process",
        )  # fmt: skip
    keep(
        f"whole sweep, {WORKERS} workers, by the clock", clock, peer="plain loop, one process",
        peer_seconds=points * serial, goal={"ratio": 1 / 1.5} if large else None, **shared,
    )  # fmt: skip


POINTS = {"quick": [100], "usual": [300, 1000, 10_000], "long": [1000, 10_000, 100_000]}

if __name__ == "__main__":
    from study_helpers import KINDS

    from negf_torque.study import calculations

    calculations.__path__.append(str(KINDS))
    for number in [int(word) for word in words()] or POINTS[amount()]:
        measure(number)
