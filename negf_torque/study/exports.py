"""From a result to the inputs of solvers: of one calculation, of a point of a sweep, of all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from negf_torque.study import store
from negf_torque.study.errors import StudyError

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card

__all__ = ["export", "export_all"]


def export(
    solver: str,
    card: Card,
    dataset: xr.Dataset,
    directory: Path,
    at: Mapping[str, float] | None = None,
) -> list[Path]:
    """Write a solver's input from a result.

    Parameters
    ----------
    at : mapping, optional
        Of a sweep: name of each swept key to its value at the point that is meant.

    Raises
    ------
    StudyError
        If the solver is unknown, the calculation yields no torque for it, the card has no
        `[llg]` table, the solver's form cannot express the torque, or a sweep has no such point.
    """
    from negf_torque.llg import export as exporters

    module = card.module
    if card.sweep is not None:
        from negf_torque.study.points import one_point

        _can_export(card)
        card, dataset, _ = one_point(card, dataset, at or {})
    elif at:
        raise StudyError("--at names a point of a sweep; this result is none. Leave it out.")
    _can_export(card)
    try:
        torque, simulation = module.llg_parameters(dataset, card)
        return exporters.write(solver, torque, directory, simulation)
    except ValueError as error:
        raise StudyError(str(error)) from error
    except KeyError as error:
        if not at:
            raise
        raise StudyError(
            f"the point lacks {error}: its sweep was run by an earlier version. Run it again."
        ) from None


def export_all(solver: str, card: Card, dataset: xr.Dataset, directory: Path) -> list[Path]:
    """Write a solver's input for every point of a sweep, and a table of the points' numbers.

    Each point has a folder of its own, named after its values; `points.csv` lists the folders, the
    swept values and every number of the summary, or why a point has no input.

    Raises
    ------
    StudyError
        As `export`; also if not one point can be expressed.
    """
    from negf_torque.study.points import every_point
    from negf_torque.study.swept import table

    if card.sweep is None:
        raise StudyError("--all takes the points of a sweep; this result is none. Leave it out.")
    _can_export(card)
    files: list[Path] = []
    notes: dict[str, str] = {}
    for point, one, label in every_point(card, dataset):
        try:
            files += export(solver, point, one, directory / label)
            notes[label] = ""
        except StudyError as error:
            notes[label] = str(error)
    if not files:
        raise StudyError(f"not one point can be exported: {next(iter(notes.values()), 'none')}")
    store.write_atomically(directory / "points.csv", table(dataset, notes))
    return [directory / "points.csv", *files]


def _instead(card: Card) -> str:
    """Which results to export in place of one that has no torque of its own."""
    from negf_torque.study.card import calculation_kinds, calculation_module

    kinds = [k for k in calculation_kinds() if hasattr(calculation_module(k), "llg_parameters")]
    known = f"Results of these kinds can be exported: {', '.join(kinds)}."
    if not getattr(card.module, "READS_TORQUE", False):
        return known
    return (
        "It is the motion under a torque that its card gives: export the run that this torque came "
        f"from. {known}"
    )


def _can_export(card: Card) -> None:
    module = card.module
    if not hasattr(module, "llg_parameters"):
        raise StudyError(
            f'a "{card.kind}" result holds nothing that an LLG solver takes. {_instead(card)}'
        )
    if card.llg is None:
        raise StudyError(
            "the card has no [llg] table. Add it with saturation_magnetisation, cell_area and "
            "layer_spacing, and run again: the result is kept."
        )
