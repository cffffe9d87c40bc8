"""The command `negf-torque`.

Exit status: 0 done, 1 a fault of the program, 2 bad input, 3 not converged (the result is kept
and marked), 130 interrupted.  What a user can put right is one message on stderr; `--traceback`
anywhere on the command line shows where it came from.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from negf_torque.study.errors import StudyError
from negf_torque.study.terminal import (
    print_result,
    print_scalars,
    print_table,
    say,
    say_about_mumps,
)

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
    executor: Annotated[
        str | None,
        typer.Option(
            "--executor",
            metavar="WHERE",
            help="Where the points of a sweep run: processes (default), serial, dask, "
            "dask://host:port, mpi (under mpiexec).",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=1, help="Default: one for each core."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory", metavar="SIZE", help="At most, such as 8GB. Default: 80 % of what is free."
        ),
    ] = None,
    allow_code: AllowCode = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Run a card, go on with it, or find its result; print the numbers, write figures and inputs.

    Ctrl-C once finishes what is being computed and stops, twice stops at once; what is finished
    is kept, and the same command goes on from there.
    """
    with _messages():
        if executor != "mpi":
            _run(card, output, executor, workers, memory, allow_code, quiet)
            return
        from negf_torque.study.executors import mpi_session

        with mpi_session() as pool:
            if pool is not None:
                _run(card, output, pool, workers, memory, allow_code, quiet)


def _run(
    card: Path,
    output: Path | None,
    executor: Any,
    workers: int | None,
    memory: str | None,
    allow_code: bool,
    quiet: bool,
) -> None:
    from negf_torque.study.card import load
    from negf_torque.study.memory import size_in_bytes
    from negf_torque.study.progress import progress_for
    from negf_torque.study.run import execute

    limit = size_in_bytes(memory) if memory else None
    loaded = load(card, allow_code)
    for name in loaded.code:
        say("note", f"this card runs the Python file {name}.")
    directory = output or Path("runs") / loaded.name
    outcome = execute(
        loaded,
        directory,
        progress_for(quiet=quiet),
        executor=executor,
        workers=workers,
        memory=limit,
    )
    if not outcome.computed:
        print(f"{directory} holds the finished result of this card already.")
    print_result(directory, outcome.summary, outcome.dataset)
    for path in (directory / "result.nc", directory / "summary.json", *outcome.files):
        print(f"  {path}")
    for note in outcome.notes:
        say("note", note)
    raise typer.Exit(DONE if outcome.converged else NOT_CONVERGED)


@app.command()
def status(directory: ResultDir) -> None:
    """Tell what of a run is finished."""
    with _messages():
        from negf_torque.study.status import status_of

        for line in status_of(directory):
            print(line)


@app.command()
def check(
    card: CardPath,
    allow_code: AllowCode = False,
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=0.0, help="How long to measure; 0 measures nothing."),
    ] = 10.0,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Workers of the run.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="SIZE", help="At most, such as 8GB.")
    ] = None,
) -> None:
    """Check a card and predict its time and memory from a short measurement."""
    with _messages():
        from negf_torque.study.card import load
        from negf_torque.study.memory import check_need, size_in_bytes

        limit = size_in_bytes(memory) if memory else None
        loaded = load(card, allow_code)
        points = f", {len(loaded.sweep)} points" if loaded.sweep else ""
        print(f"{card} is a valid card: {loaded.kind}{points}.")
        for name in loaded.code:
            print(f"It imports the Python file {name}.")
        if loaded.code:
            loaded.build()
        for text in getattr(loaded.module, "cautions", lambda card: [])(loaded):
            say("warning", text)
        estimate = getattr(loaded.module, "estimate", None)
        if estimate:
            print_scalars("Estimate", estimate(loaded))
        check_need(loaded, limit)
        if seconds > 0:
            from negf_torque.study.forecast import forecast, words_of

            for line in words_of(forecast(loaded, seconds), workers):
                print(line)
        if loaded.code:
            say_about_mumps()


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
        print_result(directory, summary, store.load(directory))


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
        from negf_torque.study.card import card_of_result

        card = card_of_result(directory)
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
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at", metavar="KEY=VALUE", help="A sweep's point, such as energy=-2.2; repeated."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every point of a sweep, and a table of all of them.")
    ] = False,
) -> None:
    """Write the input of an LLG solver from a result."""
    with _messages():
        from negf_torque.study import run as runs
        from negf_torque.study import store
        from negf_torque.study.card import card_of_result
        from negf_torque.study.points import parse_places

        card = card_of_result(directory)
        dataset = store.load(directory)
        target = output or directory / "export" / solver
        if every and at:
            raise StudyError("--all takes every point; leave --at out, or --all.")
        if every:
            files = runs.export_all(solver, card, dataset, target)
        else:
            files = runs.export(solver, card, dataset, target, parse_places(at or []))
        for path in files:
            print(path)


@app.command()
def report(
    directory: ResultDir,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Default: DIR/report.html."),
    ] = None,
) -> None:
    """Write one page about a result: numbers, figures, conventions, how to cite, the card."""
    with _messages():
        from negf_torque.study import store
        from negf_torque.study.report import report as page

        target = output or directory / "report.html"
        text = page(directory)
        try:
            store.write_atomically(target, text)
        except OSError as error:
            raise StudyError(f"{target} cannot be written: {error.strerror}.") from None
        print(target)


@app.command()
def diff(first: ResultDir, second: ResultDir) -> None:
    """Tell in what two results differ: card, program, numbers.  Status 1 if they do."""
    with _messages():
        from negf_torque.study.differences import differences

        found = differences(first, second)
        for listing in found:
            print_table(listing.title, listing.columns, listing.rows)
        if not found:
            print("The results do not differ.")
        raise typer.Exit(FAULT if found else DONE)


@app.command()
def cite(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="DIR|KIND", help="A result, or a kind of calculation. Default: the program."
        ),
    ] = None,
) -> None:
    """Print BibTeX of the program and of the works behind a result or a kind."""
    with _messages():
        from negf_torque.study.citations import citation

        print(citation(what), end="")


@app.command()
def systems() -> None:
    """List the ready-made cards; copy one to begin."""
    with _messages():
        from negf_torque.study.catalogue import ready_cards

        for entry in ready_cards():
            print(f"{entry.path}\n    {entry.title} ({entry.kind})")


@app.command()
def convert(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="slonczewski, zhang_li or damping")],
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
        print_table(f"{kind}, from {source}", ("convention", "key", "value", "unit", "note"), rows)


@contextmanager
def _messages() -> Iterator[None]:
    """Turn exceptions into one message and an exit status."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt as stop:
        text = str(stop) or "nothing of the unfinished part was kept"
        if getattr(stop, "at_once", False):
            say("interrupted", text)
            sys.stdout.flush()
            os._exit(INTERRUPTED)  # the workers see it and end as well
        _leave(INTERRUPTED, "interrupted", text)
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
        say(kind, text)
    raise typer.Exit(status)
