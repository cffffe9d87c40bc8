"""Write the reference of run cards and results from what the program itself uses.

    python docs/generate_reference.py [FOLDER]

The keys of cards come from the models that check them (type, unit, range, default,
description); the variables of results from the lists that label them (dimensions, unit, sign);
the list of modules from their first sentences and public names.
"""

import sys
from pathlib import Path

from negf_torque.study import schema, sweep
from negf_torque.study.card import (
    builder_module,
    calculation_kinds,
    calculation_module,
    system_builders,
)
from negf_torque.study.tables import LLGTable, OutputTable

FOLDER = Path(__file__).parent / "reference" / "generated"


def cell(text: str) -> str:
    """Text that cannot break a table."""
    for mark in "|*<[":
        text = text.replace(mark, "\\" + mark)
    return text.replace("\n", " ") or " "


def code(text: str) -> str:
    return f"`{text}`" if text.strip() else " "


def key_table(model: type, table: str) -> str:
    """All keys of a model as a Markdown table."""
    lines = [
        "| key | give | unit | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for info in schema.walk(model, table):
        give = info.kind + (f", {info.limits}" if info.limits else "")
        plain = ("required", "none", "the defaults of its keys")
        default = info.default if info.default in plain else code(info.default)
        name = info.path.removeprefix(f"{table}.")
        lines.append(
            f"| `{name}` | {cell(give)} | {cell(info.unit)} | {default.replace('|', chr(92) + '|')}"
            f" | {cell(info.description)} |"
        )
    return "\n".join(lines) + "\n"


def first_paragraphs(text: str | None) -> str:
    """A docstring without its indentation."""
    import inspect

    return inspect.cleandoc(text or "")


def cards_page() -> str:
    parts = [
        "# Keys of a run card\n",
        "A card is a TOML text with the tables `[system]`, `[calculation]`, `[llg]` and "
        "`[output]`. An unknown key, a wrong type or a value out of range is an error with the "
        "key's path and line. `[]` behind a name means a list of tables, a word in round "
        "brackets the table's `kind`.\n",
        "## `[system]`\n",
    ]
    for name in system_builders():
        module = builder_module(name)
        parts += [f'### `builder = "{name}"`\n', first_paragraphs(module.__doc__) + "\n"]
        parts.append(key_table(module.System, "system"))
    function = builder_module("file.py:function")
    parts += ['### `builder = "file.py:function"`\n', first_paragraphs(function.__doc__) + "\n"]
    parts.append(key_table(function.System, "system"))
    parts.append("## `[calculation]`\n")
    for kind in calculation_kinds():
        module = calculation_module(kind)
        parts += [f'### `kind = "{kind}"`\n', first_paragraphs(module.__doc__) + "\n"]
        own = getattr(module, "System", None)
        if own is not None:
            parts += ["Its `[system]` table:\n", key_table(own, "system")]
            parts.append("Its `[calculation]` table:\n")
        parts.append(key_table(module.Parameters, "calculation"))
    from negf_torque.study import impurities

    parts += ["## `[[impurities]]` and `[disorder]`\n", first_paragraphs(impurities.__doc__) + "\n"]
    parts += [key_table(impurities.ImpurityTable, "impurities")]
    parts += [key_table(impurities.DisorderTable, "disorder")]
    parts += ["## `[sweep]`\n", first_paragraphs(sweep.__doc__) + "\n"]
    parts.append(key_table(sweep.SweepTable, "sweep"))
    parts += ["## `[llg]`\n", first_paragraphs(LLGTable.__doc__) + "\n", key_table(LLGTable, "llg")]
    parts += ["## `[output]`\n", first_paragraphs(OutputTable.__doc__) + "\n"]
    parts.append(key_table(OutputTable, "output"))
    return "\n".join(parts)


def results_page() -> str:
    parts = [
        "# Variables of a result\n",
        "`result.nc` is a netCDF4 file; complex variables are stored as compound types and come "
        'back complex with `xarray.open_dataset(..., engine="h5netcdf")`. Every variable '
        "carries its `units`, `long_name` and, where a sign or a definition matters, "
        "`convention`. A variable `<name>_error` is the estimated absolute error of `<name>`; "
        "it may lack dimensions along which the estimate is the same.\n",
    ]
    for kind in calculation_kinds():
        variables = getattr(calculation_module(kind), "VARIABLES", None)
        if variables is None:
            continue
        parts += [
            f'## `kind = "{kind}"`\n',
            "| variable | dimensions | unit | meaning |",
            "|---|---|---|---|",
        ]
        for name, variable in variables.items():
            meaning = variable.long_name + (
                f". {variable.convention}" if variable.convention else ""
            )
            dims = ", ".join(variable.dims)
            parts.append(f"| `{name}` | {cell(dims)} | {cell(variable.unit)} | {cell(meaning)} |")
        parts.append("")
        undefined = getattr(calculation_module(kind), "MAY_BE_UNDEFINED", {})
        cases = [
            ", ".join(f"`{name}`" for name, why in undefined.items() if why == when) + f" ({when})"
            for when in dict.fromkeys(undefined.values())
        ]
        if cases:
            parts.append(f"In `summary.json` may rightly be not-a-number: {'; '.join(cases)}.\n")
    return "\n".join(parts)


def modules_page() -> str:
    """Every module with its first sentence and its public names, from the source alone."""
    import ast

    top = Path(__file__).parents[1] / "negf_torque"
    parts = [
        "# All modules\n",
        "Every module of the package with the names that it makes public. The "
        "[Python interface](../api.md) explains those that a user calls; the others are what it "
        "is built from.\n",
    ]
    folders: dict[str, list[str]] = {}
    for path in sorted(top.rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        names = [
            ast.literal_eval(node.value)
            for node in module.body
            if isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", "") == "__all__"
            and isinstance(node.value, ast.List | ast.Tuple)
        ]
        if path.name.startswith("_") or not names:
            continue
        first = (ast.get_docstring(module) or "").split("\n\n")[0].replace("::", ":")
        folder = ".".join(("negf_torque", *path.relative_to(top).parent.parts))
        public = ", ".join(f"`{name}`" for name in names[0] if not name.startswith("_"))
        folders.setdefault(folder, []).append(f"| `{path.stem}` | {cell(first)} | {public} |")
    for folder, rows in folders.items():
        parts += [
            f"## `{folder}`\n",
            "| module | about | public names |",
            "|---|---|---|",
            *rows,
            "",
        ]
    return "\n".join(parts)


def write_all(folder: Path = FOLDER) -> list[Path]:
    """Write the pages; a page that has not changed is left as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    pages = {"cards": cards_page(), "results": results_page(), "modules": modules_page()}
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        print(written)
