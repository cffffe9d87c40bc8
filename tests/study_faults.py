"""Runs that are harmed on purpose: what the tests and `make faults` share.

Every harm is done to real processes and files.  `python tests/study_faults.py [SECONDS]` kills a
run's main process at many random moments; `make faults` calls it.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from study_helpers import _COMMAND, PROBE

ITEMS = 80
SWEEP = PROBE + "number = {linspace = [0, 79, 80]}\n[output]\nfigures = []\n"
LONGER = SWEEP.replace("[output]", "busy = 0.02\n[output]")
#: Only against hanging: on a busy machine a process of one second may take a minute.
HANGS = 600


def start(directory, *words, card=SWEEP, prelude="", gate=None, **keywords):
    """Start `negf-torque run` on a card in a process of its own.

    Items from number `gate` on wait until `open_gate`: what a test does to a run that is at work
    does not depend on who is faster.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "sweep.toml").write_text(card)
    environment = {
        **os.environ,
        "PROBE_COUNTS": str(directory / "counts"),
        "OPENBLAS_NUM_THREADS": "1",
    }
    if gate is not None:
        environment["PROBE_GATE"] = f"{directory / 'gate'}:{gate}"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + _COMMAND, "run", "sweep.toml", "-o", "out", *words],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **keywords,
    )


def open_gate(directory):
    """Let the items of a run go on that waited."""
    (Path(directory) / "gate").touch()


def heard(process):
    """What a run says until it has taken notice of a signal."""
    told = ""
    while "Ctrl-C again" not in told:
        line = process.stderr.readline()
        assert line, told
        told += line
    return told


def ended(process, timeout=HANGS):
    """Exit status and stderr of a run."""
    _, told = process.communicate(timeout=timeout)
    return process.returncode, told


def finished(directory):
    """How many finished items there are."""
    return len(list(Path(directory).glob("out/checkpoints/*/*.item")))


def wait_for(directory, count, process, timeout=HANGS):
    """Wait until so many items are finished."""
    end = time.monotonic() + timeout
    while finished(directory) < count and process.poll() is None:
        assert time.monotonic() < end, "no items are finished"
        time.sleep(0.01)


def counts(directory):
    """How often each item was begun."""
    path = Path(directory) / "counts"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def workers_of(process):
    """Numbers of the worker processes of a run (Linux), those that compute first."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append((int(fields[11]), int(path.parent.name)))
    servers = [pid for _, pid in parents.get(process.pid, [])]
    found = [entry for server in servers for entry in parents.get(server, [])]
    return [pid for _, pid in sorted(found, reverse=True)]


def kill_often(folder, kills, seed=1, workers=2):
    """Kill a run `kills` times at random moments, each time going on; then let it finish.

    Returns
    -------
    dict
        What was counted: kills that hit a running process, items begun in all, finished items
        that were lost or computed again, and whether the result is the undisturbed one.
    """
    folder, words = Path(folder), ("--workers", str(workers), "--quiet")
    began = time.monotonic()
    assert ended(start(folder / "calm", *words, card=LONGER))[0] == 0
    whole = time.monotonic() - began
    chance, harmed = random.Random(seed), folder / "harmed"
    counted = {"hits": 0, "resumed": 0, "begun": 0, "lost": 0, "repeated": 0}
    for session in range(kills + 1):
        before, begun = _files(harmed), sum(counts(harmed).values())
        process = start(harmed, *words, card=LONGER)
        if session < kills:
            try:
                process.wait(chance.uniform(0.1, 1.0) * whole)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                counted["hits"] += 1
        status, told = ended(process)
        if session == kills:
            assert status == 0, told
        time.sleep(0.3)  # workers see the end of their parent
        fresh = sum(counts(harmed).values()) - begun
        counted["resumed"] += bool(before)
        if (harmed / "out/summary.json").exists():
            # Finished: everything that was missing was begun once, and nothing else.
            counted["repeated"] += max(0, fresh - (ITEMS - len(before)))
            counted["begun"] += fresh
            if session < kills:  # so that the next kill has something to hit
                shutil.rmtree(harmed / "out")
                (harmed / "counts").unlink()
        else:
            after = _files(harmed)
            counted["lost"] += len(before - after)
            counted["repeated"] += max(0, fresh - len(after - before) - workers)
            counted["begun"] += fresh
    calm, result = (folder / name / "out/result.nc" for name in ("calm", "harmed"))
    counted["identical"] = calm.read_bytes() == result.read_bytes()
    return counted


def _files(directory):
    return {path.name for path in directory.glob("out/checkpoints/*/*.item")}


def main():
    """Kill a run 50 times, or as often as the first argument says."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    folder = Path(tempfile.mkdtemp(prefix="faults."))
    try:
        counted = kill_often(folder, kills, seed=kills)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(counted)
    return 0 if counted["identical"] and not counted["lost"] + counted["repeated"] else 1


if __name__ == "__main__":
    sys.exit(main())
