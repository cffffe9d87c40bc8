"""The command `negf-torque`.

Exit status: 0 done, 1 a fault of the program, 2 bad input, 3 not converged (the result is kept
and marked), 130 interrupted.  What a user can put right is one message on stderr; `--traceback`
anywhere on the command line shows where it came from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from negf_torque.study.errors import StudyError

if TYPE_CHECKING:
    from negf_torque.study.base import Scalar
    from negf_torque.study.card import Card

__all__ = ["app", "main"]

DONE, FAULT, BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    help="Spin torques from quantum transport: run cards in, results and LLG inputs out.",
    epilog="--traceback anywhere shows where a message came from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

CardPath = Annotated[Path, typer.Argument(metavar="CARD", help="A run card (TOML).")]
ResultDir = Annotated[Path, typer.Argument(metavar="DIR", help="The directory of a result.")]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Let the card import the Python file it names.")
]


def main() -> None:
    """Entry point of the command."""
    global _traceback
    _traceback = "--traceback" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--traceback"]
    app()


_traceback = False


@app.command()
def run(
    card: CardPath,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Default: runs/<card's name>."),
    ] = None,
    allow_code: AllowCode = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Run a card, or find its finished result; print the numbers, write figures and inputs."""
    with _messages():
        from negf_torque.study.card import load
        from negf_torque.study.progress import progress_for
        from negf_torque.study.run import execute

        loaded = load(card, allow_code)
        directory = output or Path("runs") / loaded.name
        outcome = execute(loaded, directory, progress_for(quiet=quiet))
        if not outcome.computed:
            print(f"{directory} holds the finished result of this card already.")
        _print_result(directory, outcome.summary, outcome.dataset)
        for path in (directory / "result.nc", directory / "summary.json", *outcome.files):
            print(f"  {path}")
        for note in outcome.notes:
            _say("note", note)
        raise typer.Exit(DONE if outcome.converged else NOT_CONVERGED)


@app.command()
def check(card: CardPath, allow_code: AllowCode = False) -> None:
    """Check a card and estimate cost and memory, without running it."""
    with _messages():
        from negf_torque.study.card import load

        loaded = load(card, allow_code)
        print(f"{card} is a valid card: {loaded.kind}.")
        for name in loaded.code:
            print(f"It imports the Python file {name}.")
        if loaded.code:
            loaded.build()
        estimate = getattr(loaded.module, "estimate", None)
        if estimate:
            _print_scalars("Estimate", estimate(loaded))
        _say_about_mumps(loaded)


@app.command()
def show(
    directory: ResultDir,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json as it is.")] = False,
) -> None:
    """Print the numbers of a result."""
    with _messages():
        from negf_torque.study import store

        summary = store.load_summary(directory)
        if as_json:
            print((directory / store.SUMMARY).read_text(encoding="utf-8"), end="")
            return
        _print_result(directory, summary, store.load(directory))


@app.command()
def plot(
    directory: ResultDir,
    form: Annotated[
        list[str] | None,
        typer.Option("--format", help="png, svg or pdf; may be repeated. Default: the card's."),
    ] = None,
    film: Annotated[
        str | None, typer.Option("--film", help="gif or mp4, of results that have films.")
    ] = None,
) -> None:
    """Draw the figures of a result again."""
    with _messages():
        from negf_torque.study import run as runs
        from negf_torque.study import store

        card = _card_of(directory)
        formats = form or list(card.output.figures) or ["png"]
        for unknown in set(formats) - {"png", "svg", "pdf"}:
            raise StudyError(f"--format: {unknown!r} is not png, svg or pdf.")
        if film not in (None, "gif", "mp4"):
            raise StudyError(f"--film: {film!r} is not gif or mp4.")
        dataset = store.load(directory)
        for path in runs.draw(card.kind, dataset, directory, formats, card.output.dpi, film):
            print(path)


@app.command()
def export(
    solver: Annotated[str, typer.Argument(metavar="SOLVER", help="mumax3, oommf, spirit ...")],
    directory: ResultDir,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Default: DIR/export/SOLVER."),
    ] = None,
) -> None:
    """Write the input of an LLG solver from a result."""
    with _messages():
        from negf_torque.study import run as runs
        from negf_torque.study import store

        card = _card_of(directory)
        dataset = store.load(directory)
        target = output or directory / "export" / solver
        for path in runs.export(solver, card, dataset, target):
            print(path)


@app.command()
def systems() -> None:
    """List the ready-made cards; copy one to begin."""
    with _messages():
        from negf_torque.study.catalogue import ready_cards

        for entry in ready_cards():
            print(f"{entry.path}\n    {entry.title} ({entry.kind})")


@app.command()
def convert(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="slonczewski, zhang_li or damping")
    ],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Convention of the numbers.")],
    numbers: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE", help="The numbers, and the context they need."),
    ],
    target: Annotated[
        str | None, typer.Option("--to", metavar="TARGET", help="Default: every convention.")
    ] = None,
) -> None:
    """Torque parameters from one solver's convention to all others, or to one."""
    with _messages():
        from negf_torque.llg.conventions import CONTEXT
        from negf_torque.llg.convert import conversion_rows, parse_numbers

        try:
            values = parse_numbers(numbers)
            context = {key: values.pop(key) for key in list(values) if key in CONTEXT}
            rows = conversion_rows(kind, source, values, target, **context)
        except ValueError as error:  # a wrong word or number: the message says all
            raise StudyError(str(error)) from None
        _print_table(
            f"{kind}, from {source}", ("convention", "key", "value", "unit", "note"), rows
        )


@contextmanager
def _messages() -> Iterator[None]:
    """Turn exceptions into one message and an exit status."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        _leave(INTERRUPTED, "interrupted", "nothing of the unfinished part was kept")
    except ValueError as error:  # ours (StudyError) and the physics' checks of its arguments
        if _traceback:
            raise
        hint = "" if isinstance(error, StudyError) else " (--traceback shows where)"
        _leave(BAD_INPUT, "error", f"{error}{hint}")
    except MemoryError:
        _leave(BAD_INPUT, "error", "not enough memory; `negf-torque check` estimates the need.")
    except BrokenPipeError:
        _leave(DONE)
    except Exception as error:
        if _traceback:
            raise
        _leave(
            FAULT,
            "internal error",
            f"{type(error).__name__}: {error} (a fault of this program; --traceback shows where)",
        )


def _leave(status: int, kind: str = "", text: str = "") -> NoReturn:
    if kind:
        _say(kind, text)
    raise typer.Exit(status)


def _say(kind: str, text: str) -> None:
    print(f"{kind}: {text}", file=sys.stderr)


def _card_of(directory: Path) -> Card:
    """The card in a result's directory; its Python files are not run, so they may be named."""
    from negf_torque.study import store
    from negf_torque.study.card import load

    store.load_summary(directory)
    return load(directory / store.CARD, allow_code=True)


def _say_about_mumps(card: Card) -> None:
    from importlib.util import find_spec

    if card.code and find_spec("mumps") is None:
        _say(
            "note",
            "Kwant finds no MUMPS here. The solvers of negf_torque do not use it; only your own "
            "calls of kwant.smatrix and the like get slower, several times for wide systems "
            "(remedy: the extra `mumps`).",
        )


def _print_result(directory: Path, summary: dict[str, Any], dataset: Any) -> None:
    from negf_torque.study.run import listings, scalars_of

    _print_scalars(f"{summary['name']}: {summary['kind']}", scalars_of(summary))
    for listing in listings(summary["kind"], dataset):
        _print_table(listing.title, listing.columns, listing.rows)
    for text in summary.get("warnings", []):
        _say("warning", text)
    if not summary.get("converged", True):
        _say("not converged", f"{directory}: the result is kept and marked; see the errors above.")


def _print_scalars(title: str, scalars: list[Scalar]) -> None:
    notes = any(scalar.note for scalar in scalars)
    columns = ["quantity", "value", "error", "unit", *(["note"] if notes else [])]
    rows = []
    for scalar in scalars:
        value = _number(scalar.value) + ("" if scalar.converged else " (not converged)")
        error = "" if scalar.error is None else f"{scalar.error:.1e}"
        unit = "" if scalar.unit == "1" else scalar.unit
        rows.append([scalar.name, value, error, unit, *([scalar.note] if notes else [])])
    _print_table(title, columns, rows)


def _number(value: Any) -> str:
    if isinstance(value, complex):
        return f"{value.real:.8g} {'-' if value.imag < 0 else '+'} {abs(value.imag):.8g}i"
    if isinstance(value, int):
        return str(value)
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _print_table(title: str, columns: Any, rows: Any) -> None:
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
        table.add_row(*[Text(_number(cell)) for cell in row])
    terminal = sys.stdout.isatty()
    Console(width=None if terminal else 160, highlight=False, soft_wrap=not terminal).print(table)
