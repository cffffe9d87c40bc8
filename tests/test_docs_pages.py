"""Every block of code on every page of the documentation runs, or is at least what it says it is.

Python blocks of a page share a namespace, as a reader who types them in order would have it;
those with prompts must print what they show, and a line whose comment has as many numbers as the
line gives must give these.  What a page takes for granted (a finished run, a
computed valve) and sizes that a test need not wait for are in `GIVEN` and `SMALLER`.
"""

import ast
import doctest
import importlib.util
import re
import shlex
import tomllib
from functools import cache

import numpy as np
import pytest
from study_helpers import TOP, valve

from negf_torque.study import card as cards

PAGES = sorted(
    page.relative_to(TOP).as_posix()
    for page in [*(TOP / "docs").rglob("*.md"), TOP / "README.md"]
    if not {"_build", "generated", "gallery", "images"} & set(page.parts)
)
#: Pages whose Python another test runs and compares (`test_study_docs.py`).
ELSEWHERE = {"README.md"}


def blocks(page, *languages):
    text = (TOP / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [code for language, code in found if language in languages]


def small_run(folder, name="spin_valve", card=None):
    """A finished run in folder/runs/name, of the smallest valve there is."""
    from negf_torque.study import execute

    size = 'mesh = 4\nangles = [0, 45, 90, 135, 180]\nresponse = "window"'
    execute(
        cards.parse(card or valve(mesh=size) + LLG + QUIET),
        folder / "runs" / name,
        executor="serial",
    )


LLG = """
[llg]
saturation_magnetisation = 8e5
cell_area = 0.0625
layer_spacing = 0.25
"""
QUIET = """
[output]
figures = []
"""
SWEPT = {
    "kind": 'kind = "torque"\nresponse = "window"',
    "energy": "energy = [-2.2, -2.1]",
    "mesh": "mesh = 4",
}


def small_runs(folder):
    """A finished valve and a finished sweep."""
    small_run(folder)
    small_run(folder, "sweep", valve(**SWEPT) + QUIET)


def computed_valve(folder):
    from negf_torque.llg import valve_torque

    theta = np.linspace(0, np.pi, 7)
    torque = valve_torque(
        theta, 0.15 * np.sin(theta), 0.03 * np.sin(theta), np.full(7, 0.5),
        cell_area=0.0625, thickness=2.0, saturation_magnetisation=8e5,
    )  # fmt: skip
    v, angle = np.linspace(-0.4, 0.4, 5), np.linspace(0.3, 2.8, 6)
    from negf_torque.llg.chain import Chain, wall_start

    wire = Chain(8e5, 0.05, 0.0, 1e-11, 5e5, 5e4, cells=60, cell=2.0)
    position = np.arange(40) * 0.5
    along = (position - 10) / 4
    spin = np.stack([1 / np.cosh(along), 0 * along, -np.tanh(along)], axis=1)
    return {
        "valve": torque,
        "voltages": v,
        "angles": angle,
        "in_plane": 1e-3 * np.outer(v, np.sin(angle)),
        "out_of_plane": 1e-4 * np.outer(1 + v**2, np.sin(angle)),
        "current": 1e-2 * np.outer(v, 1 + 0.1 * np.cos(angle)),
        "chain": wire,
        "start": wall_start(wire, 60.0),
        "position": position,
        "spin": spin,
        "torkance": np.gradient(spin, position, axis=0),
    }


def sweep_card(folder):
    (folder / "sweep.toml").write_text(valve(**SWEPT) + QUIET)


#: What a page takes for granted: made in the folder in which it runs, or given by name.
GIVEN = {
    "docs/howto/read_results.md": small_runs,
    "docs/howto/magnetisation_dynamics.md": computed_valve,
    "docs/howto/sweeps.md": sweep_card,
    "docs/tutorials/switching.md": small_run,
}
#: Sizes at which a page runs here.
SMALLER = {
    "docs/howto/finite_bias.md": {"Sampling(1e-4)": "Sampling(mesh=2)"},
    "docs/howto/sweeps.md": {'"processes", workers=8': '"serial"'},
    "docs/theory/disorder.md": {"mesh=32": "mesh=4"},
    "docs/theory/gradient_engine.md": {
        "magnetic_impurities(1.0))": "magnetic_impurities(1.0), tolerance=1e-5)",
        "ConstantBroadening(0.1))": "ConstantBroadening(0.1), tolerance=1e-5)",
    },
    "docs/tutorials/disorder.md": {"mesh=64": "mesh=4", "2048, cells=3": "2, cells=1"},
}


NUMBER = r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?"


def stated(comment):
    """Numbers of a comment up to its first colon, and half of their last digits."""
    found = re.findall(rf"{NUMBER}[-+]{NUMBER}i|{NUMBER}", comment.partition(":")[0])
    values = [complex(text.replace("i", "j")) for text in found]
    last = []
    for text in found:
        digits, _, exponent = re.search(NUMBER, text).group().partition("e")
        last.append(0.51 * 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2])))
    return np.array(values), np.array(last)


def numbers_in(value):
    if isinstance(value, str | dict):
        return []
    if isinstance(value, tuple | list):
        return [n for part in value for n in numbers_in(part)]
    flat = np.ravel(value)
    return flat.tolist() if flat.dtype.kind in "fciub" else []


def run_block(code, page, names):
    """Run a block; where a line ends in a comment with as many numbers as it gives, compare."""
    lines = code.splitlines()
    for statement in ast.parse(code).body:
        part = ast.Module([statement], [])
        if not isinstance(statement, ast.Expr):
            exec(compile(part, page, "exec"), names)
            continue
        call = statement.value
        printed = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "print"
        shown = [a for a in call.args if not isinstance(a, ast.Starred)] if printed else [call]
        found = [eval(compile(ast.Expression(a), page, "eval"), names) for a in shown]
        _, _, comment = lines[statement.end_lineno - 1].partition("  # ")
        numbers, last = stated(comment)
        values = np.array([n for x in found for n in numbers_in(x)])
        if len(numbers) and len(numbers) == len(values):
            last = last + 1e-5 * abs(numbers) * (page in SMALLER)
            assert np.all(abs(values - numbers) <= last), (page, comment, values)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python") and page not in ELSEWHERE]
)
def test_python_of_a_page_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page", **(GIVEN.get(page, lambda folder: None)(tmp_path) or {})}
    for code in blocks(page, "python"):
        for size, smaller in SMALLER.get(page, {}).items():
            code = code.replace(size, smaller)
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page, page, 0)
            runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
            runner.run(test, clear_globs=False)
            assert runner.summarize(verbose=False).failed == 0, capsys.readouterr().out
            names.update(test.globs)
        else:
            run_block(code, page, names)


def test_lines_of_solver_inputs_are_those_that_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = "docs/howto/export.md"
    exec(blocks(page, "python")[0], {})

    def plain(line):  # words and numbers, as short as on the page
        words = re.split(rf"(?<![\w.])({NUMBER})", line.strip())
        return [f"{float(w):.5g}" if re.fullmatch(NUMBER, w) else w for w in words]

    files = [path.read_text() for path in (tmp_path / "inputs").rglob("*") if path.is_file()]
    written = [plain(line) for text in files for line in text.splitlines()]
    for block in blocks(page, "text"):
        for line in block.splitlines():
            assert plain(line) in written, line


@cache
def reference_of_cards():
    reference = importlib.util.spec_from_file_location(
        "generate", TOP / "docs/generate_reference.py"
    )
    module = importlib.util.module_from_spec(reference)
    reference.loader.exec_module(module)
    return module.cards_page()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "toml")])
def test_toml_of_a_page_is_toml_with_known_keys(page):
    known = reference_of_cards()

    def keys(table):
        for key, value in table.items():
            yield key
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    yield from keys(inner)

    forms = {"linspace", "logspace", "values", "system", "calculation", "llg", "output", "sweep"}
    for code in blocks(page, "toml"):
        for key in keys(tomllib.loads(code)):
            free = key in forms or re.search(rf"\b(currents|voltages|parameters) = .*{key}", code)
            assert free or re.search(rf"`[^`]*\b{key}\b[^`]*`", known), f"{page}: {key}"


def commands(page):
    """Words after `negf-torque` of every command that a page shows."""
    text = (TOP / page).read_text(encoding="utf-8")
    fenced = "\n".join(blocks(page, "sh", "bash"))
    indented = "\n".join(re.findall(r"^    (negf-torque .*)", text, re.MULTILINE))
    for line in f"{fenced}\n{indented}".replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] != ["conda"] and "negf-torque" in words:
            rest = words[words.index("negf-torque") + 1 :]
            yield [word for word in rest if word != "&"]


@pytest.mark.parametrize("page", [page for page in PAGES if list(commands(page))])
def test_commands_of_a_page_exist(page):
    import click
    import typer

    from negf_torque.cli import app

    group = typer.main.get_command(app)
    for name, *words in commands(page):
        command = group.get_command(click.Context(group), name)
        assert command is not None, f"{page}: negf-torque {name}"
        parser = command.make_parser(click.Context(command))
        parser.parse_args(args=list(words))
        for word in words:
            if word.startswith("systems/"):
                assert (TOP / word).exists(), f"{page}: {word}"


@pytest.mark.parametrize("page", PAGES)
def test_marks_of_a_page_mean_what_they_look_like(page):
    """No line of a formula begins with a bullet; every row of a table has as many cells."""
    text = re.sub(r"^```.*?^```", "", (TOP / page).read_text("utf-8"), flags=re.S | re.M)
    running = re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)
    assert not re.findall(r"^\s*[+*] ", running, re.M)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, table[:200]


def test_page_that_chooses_has_every_kind_and_every_ready_card():
    text = (TOP / "docs/howto/choose_method.md").read_text(encoding="utf-8")
    ready = [path.stem for path in (TOP / "systems").glob("*.toml")]
    missing = [name for name in [*cards.calculation_kinds(), *ready] if f"`{name}`" not in text]
    assert not missing, missing


def test_interface_page_names_what_exists_and_all_of_the_top_level():
    import negf_torque

    text = (TOP / "docs/reference/api.md").read_text(encoding="utf-8")
    for module, members in re.findall(r"automodule:: ([\w.]+)\n( +:members:[^\n]*)?", text):
        found = importlib.import_module(module)
        assert found.__doc__ and members, module
        for name in filter(None, members.partition(":members:")[2].strip().split(", ")):
            assert hasattr(found, name), f"{module}.{name}"
    for name in re.findall(r"auto(?:function|class):: ([\w.]+)", text):
        parent, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(parent), last), name
    for name in set(negf_torque.__all__) - {"__version__"}:
        assert f"`{name}`" in text, name


def test_parts_and_their_derivations_exist():
    text = (TOP / "docs/theory/sources.md").read_text(encoding="utf-8")
    table = text.partition("## Where each part is derived")[2].partition("\n## ")[0]
    named = re.findall(r"`([\w.]+)`", table)
    for name in named:
        importlib.import_module(f"negf_torque.{name}")
    pages = {path.name for path in (TOP / "docs/theory").glob("*.md")} - {"sources.md"}
    assert pages == {name for name in re.findall(r"\]\(([\w.]+)\)", table)}


def test_pages_name_modules_that_exist():
    """Every dotted name in code quotes that begins with a package of ours can be found."""
    missing = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", (TOP / page).read_text("utf-8"), flags=re.S | re.M)
        for name in re.findall(r"`(negf_torque\.[\w.]+)", text):
            parent, _, last = name.rpartition(".")
            try:
                importlib.import_module(name)
            except ImportError:
                try:
                    module = importlib.import_module(parent)
                except ImportError:
                    missing.append(f"{page}: {name}")
                else:
                    if not hasattr(module, last):
                        missing.append(f"{page}: {name}")
    assert not missing, missing


def test_every_dependency_has_its_reason():
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    page = (TOP / "docs/dependencies.md").read_text(encoding="utf-8").lower()
    wanted = [
        *project["project"]["dependencies"],
        *(name for group in project["project"]["optional-dependencies"].values() for name in group),
        *(name for group in project["dependency-groups"].values() for name in group),
    ]
    for name in (entry for entry in wanted if isinstance(entry, str)):
        word = re.match(r"[\w.-]+", name).group().lower()
        aliases = {"magnumnp": "magnum.np", "myst-parser": "myst", "tomli-w": "tomli-w"}
        assert aliases.get(word, word) in page, name
