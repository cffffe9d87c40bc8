"""From a card to a directory with result, summary, figures and solver inputs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negf_torque import __version__
from negf_torque.study import store
from negf_torque.study.base import Listing, Progress, Scalar
from negf_torque.study.errors import StudyError

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card

__all__ = ["Outcome", "calculate", "draw", "execute", "export", "listings", "scalars_of"]


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


def execute(card: Card, directory: str | Path, progress: Progress | None = None) -> Outcome:
    """Run a card into a directory, or find it finished there.

    Parameters
    ----------
    card : Card
        From `study.card.load`.
    directory : path
        Made if needed.  A directory that holds another card's result is refused untouched.
    progress : Progress, optional
        Silent by default.

    Raises
    ------
    StudyError
        For everything that a user can put right.
    """
    directory = Path(directory)
    progress = progress or Progress()
    summary = store.prepare(directory, card)
    computed = summary is None
    if summary is None:
        began = time.perf_counter()
        with progress:
            dataset = calculate(card, progress)
        summary = store.save(
            directory,
            dataset,
            card.module.summary(dataset),
            card,
            warnings=list(_texts(dataset.attrs.get("warnings"))),
            seconds=round(time.perf_counter() - began, 3),
        )
    else:
        dataset = store.load(directory)
        store.write_atomically(directory / store.CARD, card.toml())
    files = draw(card.kind, dataset, directory, card.output.figures, card.output.dpi)
    notes = []
    for solver in card.output.export:
        try:
            files += export(solver, card, dataset, directory / "export" / solver)
        except StudyError as error:
            notes.append(f"no input for {solver}: {error}")
    return Outcome(directory, dataset, summary, computed, tuple(files), tuple(notes))


def calculate(card: Card, progress: Progress | None = None) -> xr.Dataset:
    """Run a card's calculation and attach where the numbers come from; nothing is written.

    Warnings of the physics are collected in the attribute `warnings`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        dataset = card.module.run(card, progress or Progress())
    messages = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    messages = [*_texts(dataset.attrs.get("warnings")), *messages]
    for other in caught:
        if not issubclass(other.category, UserWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    dataset.attrs.update(
        converged=int(bool(dataset.attrs.get("converged", True))),
        kind=card.kind,
        version=__version__,
        card=card.toml(),
        card_hash=card.hash,
        libraries=[f"{name} {version}" for name, version in store.libraries().items()],
    )
    dataset.attrs.pop("warnings", None)
    if messages:
        dataset.attrs["warnings"] = list(dict.fromkeys(messages))
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
    if hasattr(module, "animations"):
        with style():
            films = module.animations(dataset, film)
        for name, content in films.items():
            paths.append(directory / store.FIGURES / name)
            store.write_atomically(paths[-1], content)
    elif film:
        raise StudyError(f'a "{kind}" result has no films.')
    if not formats:
        return paths
    with style():
        drawings = module.figures(dataset)
    for name, drawing in drawings.items():
        for form in formats:
            path = directory / store.FIGURES / f"{name}.{form}"
            store.write_atomically(path, image_bytes(drawing, form, dpi))
            paths.append(path)
    return paths


def export(solver: str, card: Card, dataset: xr.Dataset, directory: Path) -> list[Path]:
    """Write a solver's input from a result.

    Raises
    ------
    StudyError
        If the solver is unknown, the calculation yields no torque for it, the card has no
        `[llg]` table, or the solver's form cannot express the torque.
    """
    from negf_torque.llg import export as exporters

    module = card.module
    if not hasattr(module, "llg_parameters"):
        raise StudyError(f'a "{card.kind}" result holds nothing that an LLG solver takes.')
    if card.llg is None:
        raise StudyError(
            "the card has no [llg] table. Add it with saturation_magnetisation, cell_area and "
            "layer_spacing, and run again: the result is kept."
        )
    try:
        torque, simulation = module.llg_parameters(dataset, card)
        return exporters.write(solver, torque, directory, simulation)
    except ValueError as error:
        raise StudyError(str(error)) from error


def listings(kind: str, dataset: xr.Dataset) -> list[Listing]:
    """The tables that a calculation wants printed."""
    from negf_torque.study.card import calculation_module

    function = getattr(calculation_module(kind), "listings", None)
    return list(function(dataset)) if function else []


def scalars_of(summary: dict[str, Any]) -> list[Scalar]:
    """The numbers of a summary as they went in."""
    scalars = []
    for entry in summary["scalars"]:
        value = entry["value"]
        if isinstance(value, dict):
            value = complex(_number(value["real"]), _number(value["imag"]))
        scalars.append(
            Scalar(**{**entry, "value": value if isinstance(value, complex) else _number(value)})
        )
    return scalars


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _texts(value: Any) -> tuple[str, ...]:
    """An attribute that may be absent, one text or several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(text) for text in value)
