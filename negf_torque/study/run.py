"""From a card to a directory with result, summary, figures and solver inputs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negf_torque import __version__
from negf_torque.study import store
from negf_torque.study.base import Listing, Progress, Scalar
from negf_torque.study.errors import DamagedResultError, StoreError, StudyError
from negf_torque.study.exports import export, export_all
from negf_torque.study.parts import can_grow, parts_of
from negf_torque.study.schema import repr_toml
from negf_torque.study.summary import scalars_of

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card
    from negf_torque.study.executors import Pool

__all__ = [
    "Outcome",
    "attach",
    "calculate",
    "draw",
    "drawings",
    "execute",
    "export",
    "export_all",
    "listings",
    "scalars_of",
]


@dataclass(frozen=True)
class Outcome:
    """What a run has left.

    Attributes
    ----------
    directory : Path
    dataset : xarray.Dataset
    summary : dict
        The content of `summary.json`.
    computed : bool
        False if the finished result was there already.
    files : tuple of Path
        Figures and solver inputs written this time.
    notes : tuple of str
        What could not be done and why, besides the calculation itself.
    """

    directory: Path
    dataset: xr.Dataset
    summary: dict[str, Any]
    computed: bool
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether every requested tolerance was reached."""
        return bool(self.summary["converged"])


def execute(
    card: Card,
    directory: str | Path,
    progress: Progress | None = None,
    *,
    executor: str | Executor | Pool | None = None,
    workers: int | None = None,
    memory: float | None = None,
) -> Outcome:
    """Run a card into a directory, go on with it, or find it finished there.

    Parameters
    ----------
    card : Card
        From `study.card.load`.
    directory : path
        Made if needed.  A directory that holds another card's result is refused untouched.
    progress : Progress, optional
        Silent by default.
    executor : str or concurrent.futures.Executor, optional
        Where the points of a sweep run, see `executors.open_pool`; by default in processes.
        The result does not depend on it.  A script that uses processes guards its main part
        with `if __name__ == "__main__":`.
    workers : int, optional
        How many of them; by default one for each core.
    memory : float, optional
        Bytes that the run may take, all workers together; by default 80 % of what is free here.

    Raises
    ------
    StudyError
        For everything that a user can put right.
    InterruptedRun
        If the run was stopped with Ctrl-C; what is finished is kept.
    """
    from negf_torque.study.lock import RunLock

    directory = Path(directory)
    progress = progress or Progress()
    _examine(directory, card)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{directory} cannot be written: {error.strerror}.") from None
    with RunLock(directory) as lock:
        notes = [f"the directory was {lock.note}"] if lock.note else []
        summary = _examine(directory, card, notes)
        if summary is None or summary.get("items", {}).get("crashed"):
            work = _Work(card, directory, progress, executor, workers, memory, lock.token)
            summary, dataset, more = _compute(work)
            notes, computed = notes + more, True
        else:
            dataset, computed = store.load(directory), False
            store.write_card(directory, card)
            _clear(directory, card)
        files = _draw_and_export(card, dataset, directory, notes)
    return Outcome(directory, dataset, summary, computed, tuple(files), tuple(notes))


@dataclass(frozen=True)
class _Work:
    """What a run was asked for."""

    card: Card
    directory: Path
    progress: Progress
    executor: str | Executor | Pool | None
    workers: int | None
    memory: float | None
    token: str


def _examine(directory: Path, card: Card, notes: list[str] | None = None) -> dict[str, Any] | None:
    """The summary of the finished result; with `notes`, damaged files are put aside and told."""
    from negf_torque.study.checkpoints import set_aside

    while True:
        try:
            return store.examine(directory, card)
        except DamagedResultError as error:
            if notes is None:
                return None
            for path in {error.path, directory / store.SUMMARY}:
                if path.exists():
                    place = set_aside(path, directory).relative_to(directory)
                    notes.append(f"{path.name} was damaged and lies in {place}; computed again")


def _compute(work: _Work) -> tuple[dict[str, Any], xr.Dataset, list[str]]:
    """Summary, dataset and notes of a run that is not finished yet."""
    from negf_torque.study.memory import check_need

    card = work.card
    room = check_need(card, work.memory)
    store.begin(work.directory, card)
    began = time.perf_counter()
    facts: dict[str, Any] = {}
    notes: list[str] = []
    with work.progress:
        if card.sweep is None and parts_of(card) is None:
            dataset = _whole(work)
        else:
            dataset, facts, notes = _items(work, room)
    summary = store.save(
        work.directory,
        dataset,
        _summary(card, dataset),
        card,
        warnings=list(_texts(dataset.attrs.get("warnings"))),
        seconds=round(time.perf_counter() - began, 3),
        **facts,
    )
    if not facts.get("items", {}).get("crashed"):
        _clear(work.directory, card)
    return summary, dataset, notes


def _whole(work: _Work) -> xr.Dataset:
    """A card that is one item: it runs here, and nothing is kept before its end."""
    from negf_torque.study.interrupt import InterruptedRun, stoppable

    try:
        with stoppable():
            return calculate(work.card, work.progress)
    except KeyboardInterrupt:
        raise InterruptedRun(
            "nothing is kept: this card is one piece of work, calculated anew when it is run "
            "again. A sweep keeps every finished point: see docs/howto/sweeps.md for how to cut a "
            "card into pieces"
        ) from None


def _items(work: _Work, room: int | None) -> tuple[xr.Dataset, dict[str, Any], list[str]]:
    """Run everything that is not finished, then put it together."""
    from negf_torque.study.campaign import complete, item_count
    from negf_torque.study.collect import collected
    from negf_torque.study.executors import open_pool
    from negf_torque.study.interrupt import Interrupt, InterruptedRun
    from negf_torque.study.worker import job_of

    job = job_of(work.card, work.directory)
    count = item_count(job)
    executor = work.executor or ("serial" if count == 1 else "processes")
    try:
        with Interrupt() as interrupt, open_pool(executor, work.workers, room) as pool:
            tally, whole = complete(job, pool, work.token, work.progress, interrupt)
    except KeyboardInterrupt:
        raise InterruptedRun(
            "at once; the finished items are kept, run the card again to go on", at_once=True
        ) from None
    finished = tally.found + tally.computed - len(tally.crashed)
    if not whole:
        raise InterruptedRun(
            f"{finished} of {count or 'all'} items are finished and kept; run the card again to "
            "go on"
        )
    work.progress.start("putting the items together")
    dataset, points = collected(job, tally, work.progress)
    attach(dataset, work.card)
    facts: dict[str, Any] = {
        "items": {
            "states": dict(sorted(tally.states.items())),
            "found": tally.found,
            "computed": tally.computed,
            "crashed": len(tally.crashed),
            "messages": tally.messages,
        }
    }
    if points:
        facts["points"] = points
    notes = tally.notes + [f"failed at {text}" for text in tally.messages]
    return dataset, facts, notes


def _clear(directory: Path, card: Card) -> None:
    """Remove the finished items, unless more of them may be wanted later."""
    from negf_torque.study.checkpoints import Checkpoints

    if not can_grow(card):
        Checkpoints(directory).clear()


def _summary(card: Card, dataset: xr.Dataset) -> list[Scalar]:
    if "swept" in dataset.attrs:
        from negf_torque.study.swept import summary

        return summary(dataset)
    return card.module.summary(dataset)


def _draw_and_export(
    card: Card, dataset: xr.Dataset, directory: Path, notes: list[str]
) -> list[Path]:
    try:
        files = draw(card.kind, dataset, directory, card.output.figures, card.output.dpi)
    except OSError as error:
        raise StoreError(
            f"{directory} cannot be written: {error.strerror}. The result is there; run the card "
            "again for its figures."
        ) from None
    for solver in card.output.export:
        try:
            files += export(solver, card, dataset, directory / "export" / solver)
        except StudyError as error:
            notes.append(f"no input for {solver}: {error}")
    return files


def calculate(card: Card, progress: Progress | None = None) -> xr.Dataset:
    """Run a card's calculation and attach where the numbers come from; nothing is written.

    Warnings of the physics are collected in the attribute `warnings`.  Of a sweep the first
    point is calculated.
    """
    from negf_torque.study.worker import evaluate

    return attach(evaluate(card, progress or Progress()), card)


def attach(dataset: xr.Dataset, card: Card) -> xr.Dataset:
    """Give a dataset the attributes that say where its numbers come from."""
    messages = list(_texts(dataset.attrs.pop("warnings", None)))
    dataset.attrs.update(
        converged=int(bool(dataset.attrs.get("converged", True))),
        kind=card.kind,
        version=__version__,
        card=card.toml(),
        card_hash=card.hash,
        libraries=[f"{name} {version}" for name, version in store.libraries().items()],
    )
    if found := store.seeds(card):
        dataset.attrs["seeds"] = ", ".join(
            f"{name} = {repr_toml(value)}" for name, value in found.items()
        )
    if messages:
        dataset.attrs["warnings"] = messages
    for name, text in card.code.items():
        dataset.attrs[f"code {name}"] = text
    return dataset


def draw(
    kind: str,
    dataset: xr.Dataset,
    directory: Path,
    formats: Sequence[str],
    dpi: int = 150,
    film: str | None = None,
) -> list[Path]:
    """Draw the figures and films of a result into `directory/figures`.

    Parameters
    ----------
    formats : list of "png", "svg", "pdf"
    film : "gif" or "mp4", optional
        Form of the films; by default what the card asked for, if anything.
    """
    from negf_torque.study.card import calculation_module
    from negf_torque.study.style import image_bytes, style

    module, paths = calculation_module(kind), []
    if hasattr(module, "animations") and "swept" not in dataset.attrs:
        with style():
            films = module.animations(dataset, film)
        for name, content in films.items():
            paths.append(directory / store.FIGURES / name)
            store.write_atomically(paths[-1], content)
    elif film:
        raise StudyError(f'a "{kind}" result has no films.')
    if not formats:
        return paths
    for name, drawing in drawings(kind, dataset).items():
        for form in formats:
            path = directory / store.FIGURES / f"{name}.{form}"
            store.write_atomically(path, image_bytes(drawing, form, dpi))
            paths.append(path)
    return paths


def drawings(kind: str, dataset: xr.Dataset) -> dict[str, Any]:
    """The figures of a result, by name."""
    from negf_torque.study.card import calculation_module
    from negf_torque.study.style import style

    if "swept" in dataset.attrs:
        from negf_torque.study.swept import figures
    else:
        figures = calculation_module(kind).figures
    with style():
        return figures(dataset)


def listings(kind: str, dataset: xr.Dataset) -> list[Listing]:
    """The tables that a calculation wants printed."""
    from negf_torque.study.card import calculation_module

    if "swept" in dataset.attrs:
        from negf_torque.study.swept import listings as of_sweep

        return of_sweep(dataset)
    function = getattr(calculation_module(kind), "listings", None)
    return list(function(dataset)) if function else []


def _texts(value: Any) -> tuple[str, ...]:
    """An attribute that may be absent, one text or several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(text) for text in value)
