"""What the command prints: numbers in tables, notes and warnings beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from negf_torque.study.base import Scalar
from negf_torque.study.numbers import shown, shown_error

__all__ = ["print_result", "print_scalars", "print_table", "say", "say_about_mumps"]

#: Columns of a table that does not go to a terminal.
PIPED = 100
#: A note has so many columns at least, or as many as it needs.
NOTE = 24


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
    """A table as wide as the terminal; of 100 columns, or as many as it needs, where there is none.

    No word or number is broken: on a terminal that is too narrow, columns follow below the others,
    each time beside the first one, and numbers with errors and notes become entries of some lines.
    """
    heads, cells = [str(c) for c in columns], [[shown(cell) for cell in row] for row in rows]
    width = _width()
    if not sys.stdout.isatty() or _needed(heads, cells) <= width:
        _print_columns(title, heads, cells, max(width, _needed(heads, cells)))
    elif "value" in heads:
        _print_entries(title, heads, cells, width)
    else:
        for chosen in _blocks(heads, cells, width):
            part = [[row[index] for index in chosen] for row in cells]
            _print_columns(title, [heads[index] for index in chosen], part, width)


def _width() -> int:
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else PIPED


def _whole(head: str) -> bool:
    """Whether the cells of a column are not to be cut at spaces."""
    return head in ("quantity", "value", "error", "unit")


def _needed(heads: list[str], cells: list[list[str]]) -> int:
    """Columns of the terminal that a table takes at least: its words, and three between them."""
    return sum(_least(head, [row[n] for row in cells]) + 3 for n, head in enumerate(heads))


def _least(head: str, texts: list[str]) -> int:
    words = [head, *texts] if _whole(head) else [w for t in (head, *texts) for w in t.split()]
    longest = max((len(word) for word in words), default=1)
    room = max(map(len, texts), default=1) if head == "note" else 1
    return max(longest, min(room, NOTE))


def _blocks(heads: list[str], cells: list[list[str]], width: int) -> Iterable[list[int]]:
    """Columns of tables that fit the width, the first column in each."""
    chosen = [0]
    for index in range(1, len(heads)):
        wider = [*chosen, index]
        need = _needed([heads[n] for n in wider], [[row[n] for n in wider] for row in cells])
        if need > width and len(chosen) > 1:
            yield chosen
            wider = [0, index]
        chosen = wider
    yield chosen


def _print_columns(title: str, heads: list[str], cells: list[list[str]], width: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE, pad_edge=False)
    texts = [[head, *(row[n] for row in cells)] for n, head in enumerate(heads)]
    widths = [max(map(len, column)) for column in texts]
    if sum(widths) + 3 * len(widths) > width:
        widths = [_least(column[0], column[1:]) for column in texts]
        if heads[-1] == "note":
            widths[-1] += max(width - sum(widths) - 3 * len(widths), 0)
    for index, head in enumerate(heads):
        table.add_column(
            Text(head),
            justify="right" if index and head in ("value", "error") else "left",
            overflow="fold",
            width=widths[index],
        )
    for row in cells:
        table.add_row(*[Text(cell) for cell in row])
    Console(width=width, highlight=False).print(table)


def _print_entries(title: str, heads: list[str], cells: list[list[str]], width: int) -> None:
    """What is a row of a table as a few lines: its first cell, then the others with their heads."""
    from textwrap import fill

    print(f"\n{title}\n")
    for first, *others in cells:
        print(first)
        named = zip(heads[1:], others, strict=True)
        text = ", ".join(f"{head} {cell}" for head, cell in named if cell)
        indent = "    "
        print(
            fill(text, width, initial_indent=indent, subsequent_indent=indent,
                 break_long_words=False, break_on_hyphens=False)
        )  # fmt: skip
    print()


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
