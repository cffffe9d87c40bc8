"""A calculation for tests: it does what its card says, well or badly."""

import os
import signal
import time
import warnings
from typing import Literal

from negf_torque.study.base import CalculationTable, Listing, Scalar, key
from negf_torque.study.labels import Variable, labelled

VARIABLES = {
    "x": Variable(("x",), "eV", "Energy"),
    "wave": Variable(("x",), "1", "Amplitude", "unit flux"),
    "open": Variable(("x",), "1", "Whether the channel is open"),
}
NEEDS_SYSTEM = False


class Parameters(CalculationTable):
    kind: Literal["probe"] = key("For tests.")
    points: int = key("Points.", 3, ge=1, le=100)
    converges: bool = key("Whether it converges.", True)
    seconds: float = key("How long it takes.", 0.0, unit="s", ge=0)
    busy: float = key("How long it computes.", 0.0, unit="s", ge=0)
    cubic: float = key("It computes so many times points cubed.", 0.0, unit="s", ge=0)
    number: int = key("Tells items apart.", 0)
    seed: int = key("Of the noise on the wave; 0: none.", 0, ge=0)
    fails_at: int = key("Only this number fails as it should; -1: all.", -1)
    gigabytes: float = key("What the estimate says.", 0.0, unit="GB", ge=0)
    fails: Literal["no", "value", "bug", "interrupt", "memory", "nan", "dies", "once"] = key(
        "How it fails.", "no"
    )
    warning: str = key("What it warns of.", "")


def run(card, progress):
    import numpy as np

    p = card.calculation
    _count(p.number)
    _wait_at_the_gate(p.number)
    progress.start("probing", p.points)
    for _ in range(p.points):
        if p.seconds:
            time.sleep(p.seconds / p.points)
        progress.advance(note="well")
    until = time.process_time() + p.busy + p.cubic * p.points**3
    while time.process_time() < until:
        continue
    fails = p.fails if p.fails_at in (-1, p.number) else "no"
    if fails == "dies" or fails == "once" and _first_time(p.number):
        os.kill(os.getpid(), signal.SIGKILL)
    errors = {
        "value": ValueError("energy: 9 is outside all bands."),
        "bug": KeyError("left"),
        "interrupt": KeyboardInterrupt(),
        "memory": MemoryError(),
    }
    if fails in errors:
        raise errors[fails]
    if p.warning:
        warnings.warn(p.warning, UserWarning, stacklevel=2)
    x = np.arange(p.points, dtype=float)
    wave = np.exp(1j * x)
    if p.seed:
        wave = wave + np.random.default_rng(p.seed).normal(size=len(x))
    if fails == "nan":
        wave = wave * np.nan
    values = {"wave": wave, "wave_error": 1e-9 * np.ones_like(x), "open": x > 0}
    converges = p.converges or p.fails_at not in (-1, p.number)
    return labelled(VARIABLES, values, {"x": x}, converged=converges)


def _count(number):
    """Leave a line for every item that is begun, where the test wants to count."""
    if path := os.environ.get("PROBE_COUNTS"):
        with open(path, "a") as file:
            file.write(f"{number}\n")


def _wait_at_the_gate(number):
    """PROBE_GATE=file:number stops every item from this number on until there is the file."""
    if gate := os.environ.get("PROBE_GATE"):
        path, _, first = gate.rpartition(":")
        end = time.monotonic() + 300  # nobody opens it any more
        while number >= int(first) and not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.01)


def _first_time(number):
    """Whether an item runs for the first time, by the lines that were left."""
    with open(os.environ["PROBE_COUNTS"]) as file:
        return file.read().split().count(str(number)) == 1


def summary(dataset):
    value = complex(dataset["wave"].values[-1])
    return [Scalar("wave", value, "1", 1e-9, bool(dataset.attrs["converged"]), "last point")]


def listings(dataset):
    rows = tuple(
        (float(x), complex(w)) for x, w in zip(dataset.x, dataset.wave.values, strict=True)
    )
    return [Listing("Waves", ("x (eV)", "wave"), rows)]


def figures(dataset):
    from negf_torque.study import style

    drawing, axes = style.figure()
    axes.plot(dataset["x"], dataset["wave"].values.real, label="real", **next(style.lines()))
    style.legend(axes)
    return {"wave": drawing}


def estimate(card):
    p = card.calculation
    return [Scalar("points", p.points, "1"), Scalar("memory", p.gigabytes, "GB")]
