"""What the command prints: numbers in tables, notes and warnings beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from negf_torque.study.base import Scalar
from negf_torque.study.numbers import shown, shown_error

__all__ = ["print_result", "print_scalars", "print_table", "say", "say_about_mumps"]


def say(kind: str, text: str) -> None:
    """One line on stderr."""
    print(f"{kind}: {text}", file=sys.stderr)


def print_result(directory: Path, summary: dict[str, Any], dataset: Any) -> None:
    """The numbers of a result, its tables, and what a reader must know."""
    from negf_torque.study.run import listings, scalars_of

    print_scalars(f"{summary['name']}: {summary['kind']}", scalars_of(summary))
    for listing in listings(summary["kind"], dataset):
        print_table(listing.title, listing.columns, listing.rows)
    for text in summary.get("warnings", []):
        say("warning", text)
    if "points" in summary:
        counts = ", ".join(f"{number} {state}" for state, number in summary["points"].items())
        say("points", counts)
    if not summary.get("converged", True):
        say("not converged", f"{directory}: the result is kept and marked; see the errors above.")


def print_scalars(title: str, scalars: list[Scalar]) -> None:
    """Numbers with errors, units and notes."""
    notes = any(scalar.note for scalar in scalars)
    columns = ["quantity", "value", "error", "unit", *(["note"] if notes else [])]
    rows = []
    for scalar in scalars:
        value = shown(scalar.value, scalar.error)
        value += "" if scalar.converged else " (not converged)"
        error = shown_error(scalar.error)
        unit = "" if scalar.unit == "1" else scalar.unit
        rows.append([scalar.name, value, error, unit, *([scalar.note] if notes else [])])
    print_table(title, columns, rows)


def print_table(title: str, columns: Iterable[Any], rows: Iterable[Any]) -> None:
    """A table as wide as the terminal, or as its content where there is no terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(
            Text(str(column)),
            justify="left" if index == 0 else "right" if column in ("value", "error") else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*[Text(shown(cell)) for cell in row])
    terminal = sys.stdout.isatty()
    Console(width=None if terminal else 160, highlight=False, soft_wrap=not terminal).print(table)


def say_about_mumps() -> None:
    """Tell the author of a Kwant script what the lack of MUMPS means."""
    from importlib.util import find_spec

    if find_spec("mumps") is None:
        say(
            "note",
            "Kwant finds no MUMPS here. The solvers of negf_torque do not use it; only your own "
            "calls of kwant.smatrix and the like get slower, several times for wide systems "
            "(remedy: the extra `mumps`).",
        )
