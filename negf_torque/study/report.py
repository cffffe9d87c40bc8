"""One page about a result: numbers, figures, conventions, how to cite, the card.

The page is one HTML file without scripts, links to nothing, and tells the browser to load
nothing; it reads on a phone and prints.  Every text from a card or a result is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from inspect import cleandoc
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from negf_torque.study import store
from negf_torque.study.base import Scalar
from negf_torque.study.numbers import shown, shown_error

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["report"]

#: Figures of more bytes than this as vectors are put in as pixels.
MOST_VECTOR = 600_000
MOST_ROWS = 500
#: The sign, which is wider than a hyphen.
MINUS = "−"

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<header><h1>$title</h1><p>$subtitle</p>$marks</header>
<main>
$sections
</main>
<footer>$footer</footer>
</body>
</html>
""")

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; color: #1b1b2f; background: #fff;
  max-width: 62rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #ccd; }
p { margin: .4rem 0; }
.mark { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; background: #e4f1e4; }
.bad { background: #f8dcd8; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #e4e4ee;
  vertical-align: top; overflow-wrap: normal; }
td:last-child { min-width: 7rem; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption { font-size: .9rem; color: #445; }
pre { background: #f5f5fa; padding: .8rem; overflow-x: auto; font-size: .85rem; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0 0 0 1rem; }
footer { margin-top: 2rem; font-size: .85rem; color: #556; }
@media (max-width: 40rem) { body { font-size: 15px; padding: .6rem; } }
@media print { body { max-width: none; font-size: 10pt; } h2 { break-after: avoid; }
  figure, tr, .mark { break-inside: avoid; } pre { white-space: pre-wrap; }
  .scroll { overflow: visible; } @page { margin: 18mm; } }
"""


def report(directory: Path) -> str:
    """The page about the result in a directory, as text.

    Raises
    ------
    StoreError
        If the directory holds no sound result.
    """
    from negf_torque.study.card import calculation_module
    from negf_torque.study.run import listings, scalars_of

    summary, dataset = store.load_summary(directory), store.load(directory)
    kind = str(summary["kind"])
    module = calculation_module(kind)
    sections = [
        _section("Numbers", _scalars(scalars_of(summary))),
        *(_section(one.title, _table(one.columns, one.rows)) for one in listings(kind, dataset)),
        _section("Figures", _figures(kind, dataset)),
        _section("What it is", _paragraphs(module.__doc__)),
        _section("Quantities, units and signs", _conventions(dataset)),
        _section("How to cite", _citation(kind, dataset)),
        _section("The card, with every default", f"<pre>{_text(dataset.attrs.get('card'))}</pre>"),
        _section("Made with", _origin(summary)),
    ]
    return _PAGE.substitute(
        title=_text(f"{summary['name']}: {kind}"),
        subtitle=_text(_first_sentence(module.__doc__)),
        marks=_marks(summary),
        style=_STYLE,
        sections="\n".join(filter(None, sections)),
        footer=_text(
            f"Written by negf_torque; card hash {summary['card_hash']}. The numbers in full are "
            f"in {store.RESULT} and {store.SUMMARY} beside this page."
        ),
    )


def _text(value: Any) -> str:
    return escape(str(value if value is not None else ""))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>\n{content}\n</section>" if content else ""


def _marks(summary: dict[str, Any]) -> str:
    good = bool(summary.get("converged", True))
    words = "every tolerance reached" if good else "not converged: see the numbers marked below"
    found = [f'<p><span class="mark{"" if good else " bad"}">{words}</span></p>']
    points = summary.get("points")
    if isinstance(points, dict):
        counts = ", ".join(f"{number} {state}" for state, number in points.items())
        found.append(f"<p>Points: {_text(counts)}</p>")
    for text in summary.get("warnings", []):
        found.append(f'<p class="mark bad">{_text(text)}</p>')
    return "".join(found)


def _scalars(scalars: list[Scalar]) -> str:
    rows = []
    for one in scalars:
        value = shown(one.value, one.error, MINUS)
        value += "" if one.converged else " (not converged)"
        error = "" if one.error is None else f"± {shown_error(one.error)}"
        rows.append((one.name, value, error, "" if one.unit == "1" else one.unit, one.note))
    return _table(("quantity", "value", "error", "unit", "note"), rows, numbers=(1, 2))


def _table(columns: Iterable[Any], rows: Iterable[Any], numbers: tuple[int, ...] = ()) -> str:
    rows = list(rows)
    if not rows:
        return ""
    head = "".join(f"<th>{_text(column)}</th>" for column in columns)
    body = []
    for row in rows[:MOST_ROWS]:
        cells = []
        for place, cell in enumerate(row):
            number = place in numbers or isinstance(cell, int | float | complex)
            mark = ' class="number"' if number else ""
            cells.append(f"<td{mark}>{_text(shown(cell, minus=MINUS))}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    more = len(rows) - MOST_ROWS
    note = f"<p>{more} more rows are in {store.RESULT}.</p>" if more > 0 else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>{note}"
    )


def _figures(kind: str, dataset: xr.Dataset) -> str:
    from negf_torque.study.run import drawings
    from negf_torque.study.style import image_bytes

    found = []
    for name, drawing in drawings(kind, dataset).items():
        content, form = image_bytes(drawing, "svg"), "svg+xml"
        if len(content) > MOST_VECTOR:
            content, form = image_bytes(drawing, "png"), "png"
        data = base64.b64encode(content).decode()
        words = name.replace("_", " ")
        found.append(
            f'<figure><img alt="{_text(words)}" src="data:image/{form};base64,{data}">'
            f"<figcaption>{_text(words)}</figcaption></figure>"
        )
    return "\n".join(found)


def _paragraphs(text: str | None) -> str:
    blocks = cleandoc(text or "").split("\n\n")
    return "".join(f"<p>{_text(block)}</p>" for block in blocks if block.strip())


def _first_sentence(text: str | None) -> str:
    first = cleandoc(text or "").split("\n\n")[0].replace("\n", " ")
    return first.rpartition("`: ")[2] or first


def _conventions(dataset: xr.Dataset) -> str:
    entries = []
    for name, variable in dataset.variables.items():
        words = variable.attrs.get("long_name")
        if not words or str(name).endswith("_error"):
            continue
        unit = str(variable.attrs.get("units", "1"))
        unit = "" if unit == "1" else f", in {unit}"
        note = variable.attrs.get("convention", "")
        note = f" {note}" if note else ""
        entries.append(f"<dt>{_text(name)}</dt><dd>{_text(f'{words}{unit}.{note}')}</dd>")
    return f"<dl>{''.join(entries)}</dl>" if entries else ""


def _citation(kind: str, dataset: xr.Dataset) -> str:
    from negf_torque.study.citations import SOURCES, citation

    entries = citation(dataset if kind in SOURCES else None)
    kwant = (
        "Systems are built with Kwant: C. W. Groth, M. Wimmer, A. R. Akhmerov, X. Waintal, "
        "New J. Phys. 16, 063065 (2014). The sources of the formulas are named under "
        "“What it is” and in the documentation of each quantity."
    )
    return f"<p>{_text(kwant)}</p><pre>{_text(entries)}</pre>"


def _origin(summary: dict[str, Any]) -> str:
    seeds = summary.get("seeds") or {}
    libraries = summary.get("libraries") or {}
    rows = [
        ("negf_torque", summary.get("version", "")),
        *(libraries.items() if isinstance(libraries, dict) else ()),
        *((f"seed {name}", value) for name, value in seeds.items()),
        ("card hash (SHA-256)", summary["card_hash"]),
        ("result (SHA-256)", summary["result"].get("sha256", "")),
    ]
    if "seconds" in summary:
        rows.append(("seconds", summary["seconds"]))
    return _table(("", ""), [(name, str(value)) for name, value in rows])
