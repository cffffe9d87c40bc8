"""A calculation for tests: it does what its card says, well or badly."""

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
    fails: Literal["no", "value", "bug", "interrupt", "memory"] = key("How it fails.", "no")
    warning: str = key("What it warns of.", "")


def run(card, progress):
    import numpy as np

    p = card.calculation
    progress.start("probing", p.points)
    for _ in range(p.points):
        time.sleep(p.seconds / p.points)
        progress.advance(note="well")
    errors = {
        "value": ValueError("energy: 9 is outside all bands."),
        "bug": KeyError("left"),
        "interrupt": KeyboardInterrupt(),
        "memory": MemoryError(),
    }
    if p.fails != "no":
        raise errors[p.fails]
    if p.warning:
        warnings.warn(p.warning, UserWarning, stacklevel=2)
    x = np.arange(p.points, dtype=float)
    values = {"wave": np.exp(1j * x), "wave_error": 1e-9 * np.ones_like(x), "open": x > 0}
    return labelled(VARIABLES, values, {"x": x}, converged=p.converges)


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
    return [Scalar("points", card.calculation.points, "1")]
