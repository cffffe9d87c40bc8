"""What a worker does: take some items of a run, compute each and leave its file.

A worker gets plain text (the card and where the run lives) and numbers, and gives back numbers
and bytes.  Where it sees the run's directory it writes the items' files itself; where it does
not, the bytes go back and the run's main process writes them.
"""

from __future__ import annotations

import json
import math
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from negf_torque.study.base import Progress, Scalar
from negf_torque.study.checkpoints import Checkpoints, item_key, program_version
from negf_torque.study.complaints import path_text
from negf_torque.study.errors import StudyError
from negf_torque.study.lock import token_of

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card

__all__ = [
    "Job",
    "Report",
    "caught",
    "evaluate",
    "job_of",
    "job_text",
    "limit_threads",
    "start_worker",
    "verdict",
    "with_warnings",
    "work",
]

DONE, NOT_CONVERGED, NOT_A_NUMBER, FAILED = "done", "not converged", "not a number", "failed"
#: A failure that another attempt may cure, and a file that could not be written.
CRASHED, UNWRITABLE = "crashed", "unwritable"

#: One item at a time in each process: collecting warnings is not safe between threads.
_ALONE = threading.RLock()


class Report(NamedTuple):
    """What became of one item."""

    point: int
    part: int
    state: str
    seconds: float
    key: str
    message: str = ""
    running: tuple[str, float, str] | None = None
    data: bytes | None = None
    tally: dict[str, Any] | None = None


@dataclass(frozen=True)
class Job:
    """A run as its workers and its main process see it.

    Attributes
    ----------
    card : Card
    checkpoints : Checkpoints
    version, base : str
        What the items' names are made of besides their values.
    """

    card: Card
    checkpoints: Checkpoints
    version: str
    base: str

    def point_card(self, point: int) -> Card | dict[Any, str]:
        """The card of one point, or what is wrong with it."""
        return self.card.sweep.card(self.card, point) if self.card.sweep else self.card

    @property
    def points(self) -> int:
        """Number of points."""
        return len(self.card.sweep) if self.card.sweep else 1

    def key(self, point: int, part: Any = None) -> str:
        """Name of an item."""
        values = self.card.sweep.values(point) if self.card.sweep else {}
        named = {path_text(path): value for path, value in values.items()}
        return item_key(self.version, self.base, named, part)


def job_of(card: Card, directory: Path) -> Job:
    """The run of a card in a directory."""
    from negf_torque.study.parts import content_of_parts, family

    if card.sweep:
        # How the results are put together does not enter the items.
        content = {k: v for k, v in content_of_parts(card).items() if k != "sweep"}
        base = card.sweep.base_hash(content)
    else:
        base = family(card)
    return Job(card, Checkpoints(directory), program_version(card.kind), base)


def job_text(job: Job, token: str) -> str:
    """A run as text, for workers elsewhere."""
    from negf_torque.study import calculations

    path = job.card.path if job.card.path.is_absolute() else Path.cwd() / job.card.path
    return json.dumps(
        {
            "card": job.card.toml(),
            "path": str(path),
            "hash": job.card.hash,
            "directory": str(job.checkpoints.directory.absolute()),
            "token": token,
            "version": job.version,
            "calculations": list(calculations.__path__),
        }
    )


@lru_cache(maxsize=2)
def _job(text: str) -> tuple[Job, bool]:
    """The run that a text describes, and whether its directory can be seen from here."""
    from negf_torque.study import calculations
    from negf_torque.study.card import parse

    given = json.loads(text)
    for folder in given["calculations"]:
        if folder not in calculations.__path__ and os.path.isdir(folder):
            calculations.__path__.append(folder)
    # The main process was allowed to run the card's code, and found this text in it.
    card = parse(given["card"], given["path"], allow_code=True)
    if card.hash != given["hash"]:
        raise StudyError(f"{card.path.name}: its Python file has changed since the run began.")
    directory = Path(given["directory"])
    job = job_of(card, directory)
    if job.version != given["version"]:
        raise StudyError(
            f"a worker has another program ({job.version}) than the run ({given['version']}). "
            "Install the same version everywhere."
        )
    return job, token_of(directory) == given["token"]


def work(text: str, items: Sequence[tuple[int, int, Any]]) -> list[Report]:
    """Compute some items, each a point, the number of its part (-1: the whole) and the part."""
    limit_threads()
    job, near = _job(text)
    reports = []
    for point, number, part in items:
        report = _one(job, point, number, part, near)
        reports.append(report)
        if report.state == UNWRITABLE:
            break
    return reports


def _one(job: Job, point: int, number: int, part: Any, near: bool) -> Report:
    began = time.perf_counter()
    card = job.point_card(point)
    key = job.key(point, part)
    facts: dict[str, Any] = {"key": key, "state": FAILED, "message": ""}
    data = b""
    if isinstance(card, dict):
        facts["message"] = "; ".join(f"{path_text(path)}: {text}" for path, text in card.items())
    else:
        if near and key in job.checkpoints:  # finished before the worker that had it died
            return Report(point, number, DONE, 0.0, key)
        begun = _begun(job, card, point, part) if near and part is not None else None
        data = _computed(card, part, begun, facts)
    state = facts["state"]
    if not data and state == FAILED:
        from negf_torque.study.packed import pack_facts

        data = pack_facts(facts)
    seconds = time.perf_counter() - began
    report = Report(
        point, number, state, seconds, key, facts["message"], facts.get("running"), data or None,
        facts.get("tally"),
    )  # fmt: skip
    if state == CRASHED or not near:
        return report
    try:
        job.checkpoints.write(key, data)
    except OSError as error:
        return Report(point, number, UNWRITABLE, seconds, key, error.strerror or str(error))
    return report._replace(seconds=time.perf_counter() - began, data=None)


def _begun(job: Job, card: Card, point: int, part: Any) -> xr.Dataset | None:
    """A finished part that is the beginning of this one, where the kind knows of such."""
    from negf_torque.study.packed import DamagedError, dataset_of

    for other in getattr(card.module, "beginnings", lambda part: ())(part):
        key = job.key(point, other)
        if key in job.checkpoints:
            try:
                return dataset_of(job.checkpoints.read(key))
            except (DamagedError, OSError):  # then all of the part is computed
                continue
    return None


def _computed(card: Card, part: Any, begun: xr.Dataset | None, facts: dict[str, Any]) -> bytes:
    """The bytes of one item, none if it failed; what became of it is put into the facts."""
    from negf_torque.study.packed import pack

    try:
        with _ALONE:
            dataset = evaluate(card, Progress(), part, begun)
            scalars = [] if part is not None else list(card.module.summary(dataset))
    except ValueError as error:  # the same at the next attempt
        facts |= {"state": FAILED, "message": str(error)}
        return b""
    except MemoryError:
        facts |= {"state": CRASHED, "message": "not enough memory"}
        return b""
    except Exception as error:
        facts |= {"state": CRASHED, "message": f"internal error: {type(error).__name__}: {error}"}
        return b""
    facts["state"], facts["message"] = verdict(card, dataset, scalars)
    facts["running"] = None
    if scalars:
        first = scalars[0]
        facts["running"] = (first.name, float(first.value.real), first.unit)
    facts["scalars"] = [scalar.to_json() for scalar in scalars]
    if (tally := dataset.attrs.pop("tally", None)) is not None:
        facts["tally"] = tally
    return pack(dataset, facts)


def verdict(card: Card, dataset: xr.Dataset, scalars: list[Scalar]) -> tuple[str, str]:
    """Whether an item is as it should be."""
    if not bool(dataset.attrs.get("converged", True)):
        return NOT_CONVERGED, "the requested tolerance was not reached"
    allowed = getattr(card.module, "MAY_BE_UNDEFINED", ())
    undefined = [s.name for s in scalars if s.converged and _is_nan(s.value)]
    wrong = [name for name in undefined if name.partition("[")[0] not in allowed]
    if wrong:
        return NOT_A_NUMBER, ", ".join(wrong[:5])
    return DONE, ""


def _is_nan(value: Any) -> bool:
    return math.isnan(value.real) or math.isnan(value.imag)


def evaluate(
    card: Card, progress: Progress, part: Any = None, begun: xr.Dataset | None = None
) -> xr.Dataset:
    """Run a card's calculation, or a part of it; warnings of the physics become an attribute."""

    def run() -> xr.Dataset:
        if part is None:
            return card.module.run(card, progress)
        if begun is None:
            return card.module.run_part(card, part, progress)
        return card.module.run_part(card, part, progress, begun)

    return with_warnings(run)


def with_warnings(run: Callable[[], xr.Dataset]) -> xr.Dataset:
    """The dataset that a function makes, its warnings of the physics as an attribute."""
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always", UserWarning)
        dataset = run()
    messages = [*caught(dataset.attrs), *_user_warnings(records)]
    dataset.attrs.pop("warnings", None)
    if messages:
        dataset.attrs["warnings"] = list(dict.fromkeys(messages))
    return dataset


def _user_warnings(records: list[warnings.WarningMessage]) -> list[str]:
    for other in records:
        if not issubclass(other.category, UserWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return [str(w.message) for w in records if issubclass(w.category, UserWarning)]


def caught(attrs: Any) -> tuple[str, ...]:
    """The warnings in the attributes of a dataset: absent, one text or several."""
    value = attrs.get("warnings")
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(text) for text in value)


@lru_cache(maxsize=1)
def limit_threads() -> Any:
    """One thread of linear algebra and of compiled loops in this process, from now on."""
    import sys

    from threadpoolctl import threadpool_limits

    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if "numba" in sys.modules:
        sys.modules["numba"].set_num_threads(1)
    else:
        os.environ["NUMBA_NUM_THREADS"] = "1"
    import scipy.linalg  # noqa: F401  - its library must be loaded to be limited

    return threadpool_limits(1)


def start_worker() -> None:
    """Prepare a process of a pool: Ctrl-C is the main process's affair, its end is ours too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_threads()


def _end_with_parent() -> None:
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
