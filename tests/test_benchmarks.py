"""The benchmarks' own logic: rows, results by script, failures, and the page made of them."""

import doctest
import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("peers", "record", "run", "timing", "make_performance")

KEEPING = """
from record import amount, keep, skipped
keep("a case", {seconds}, peer="Kwant", peer_seconds=1.0, error=1e-12, size=4, size_name="rows")
skipped("WannierBerri", "not installed")
print("amount", amount())
"""


@pytest.fixture
def module(monkeypatch):
    """Import one of the scripts' modules by name, and forget it afterwards."""
    for folder in ("benchmarks", "docs"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def bench(module, monkeypatch, tmp_path):
    """`run` with three scripts of its own: a good one, one that fails, another good one."""
    run = module("run")
    record = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r})\n"
    scripts = {
        "first.py": KEEPING.format(seconds=0.5),
        "second.py": KEEPING.format(seconds=0.25) + "raise RuntimeError('broken')\n",
        "third.py": KEEPING.format(seconds=0.125),
    }
    for name, text in scripts.items():
        (tmp_path / name).write_text(record + text)
    monkeypatch.setattr(run, "cases", lambda: [{"script": name} for name in scripts])
    monkeypatch.setattr(run, "machine", lambda: {"processor": "one"})
    monkeypatch.setattr(run, "THREADS", {})
    return run


def row(**changes):
    """A row of results."""
    made = {
        "case": "wire", "seconds": 0.01, "peer": "Kwant, MUMPS", "peer_seconds": 0.1,
        "error": 1e-13, "peer_error": None, "size": 4, "size_name": "width", "curve": "wire",
        "limit": 0.005, "memory": None, "goal": {}, "note": "",
    }  # fmt: skip
    return made | changes


def part(script, rows, **changes):
    """A script's part of the results."""
    made = {
        "script": script, "status": 0, "seconds": 3.0, "processor_seconds": 2.9, "rows": rows,
        "skipped": [], "load": [0.1, 0.2, 0.3], "started": "2026-01-02T03:04+00:00",
        "revision": "abc", "amount": "usual",
        "machine": {"processor": "one", "cores": 2, "python": "3.12", "packages": {"numpy": "2"},
                    "blas": "openblas", "zgemm_gflops": 20.0},
    }  # fmt: skip
    return made | changes


def test_a_script_that_fails_keeps_its_rows_and_the_others_go_on(bench, tmp_path, capsys):
    results = tmp_path / "results.json"
    assert bench.main(["--results", str(results)], tmp_path) == 1
    parts = json.loads(results.read_text())
    assert [(p["script"], p["status"], len(p["rows"])) for p in parts] == [
        ("first.py", 0, 1), ("second.py", 1, 1), ("third.py", 0, 1),
    ]  # fmt: skip
    assert [p["rows"][0]["seconds"] for p in parts] == [0.5, 0.25, 0.125]
    assert parts[0]["skipped"] == [{"skipped": "WannierBerri", "why": "not installed"}]
    assert {"load", "started", "revision", "machine"} <= set(parts[0])
    text = results.with_suffix(".txt").read_text()
    assert "RuntimeError: broken" in text and "amount usual" in text
    assert "second.py failed with status 1" in capsys.readouterr().out


def test_a_chosen_script_replaces_its_own_part_alone(bench, tmp_path, monkeypatch):
    results = tmp_path / "results.json"
    bench.merge(results, part("third.py", [row()]))
    bench.merge(results, part("gone.py", [row()]))
    bench.merge(results, part("first.py", [row()]))
    before = {p["script"]: p for p in json.loads(results.read_text())}
    assert list(before) == ["first.py", "third.py", "gone.py"]  # the order of the cases
    monkeypatch.setattr(bench, "machine", lambda: {"processor": "another"})
    assert bench.main(["--results", str(results), "first.py"], tmp_path) == 0
    after = {p["script"]: p for p in json.loads(results.read_text())}
    assert after["third.py"] == before["third.py"] and after["gone.py"] == before["gone.py"]
    assert after["first.py"]["machine"] == {"processor": "another"}
    assert after["first.py"]["rows"][0]["seconds"] == 0.5


def test_quick_leaves_the_results_alone(bench, tmp_path, monkeypatch, capsys):
    results = tmp_path / "results.json"
    monkeypatch.setattr(bench, "RESULTS", results)
    assert bench.main(["--quick", "first.py"], tmp_path) == 0
    assert not results.exists() and "amount quick" in capsys.readouterr().out


def test_unknown_script_is_named(bench, capsys):
    with pytest.raises(SystemExit):
        bench.arguments(["fourth.py"])
    assert "no benchmark 'fourth.py'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("case", 0.0), "seconds: 0.0"),
        (("case", float("nan")), "seconds: nan"),
        (("case", 1.0, {"peer": "Kwant"}), "peer: 'Kwant'"),
        (("case", 1.0, {"peer_seconds": 1.0}), "peer: ''"),
        (("case", 1.0, {"goal": {"speed": 1}}), "goal: ['speed']"),
    ],
)
def test_rows_that_mean_nothing_are_refused(module, arguments, message):
    *words, options = arguments if len(arguments) == 3 else (*arguments, {})
    with pytest.raises(ValueError) as caught:
        module("record").keep(*words, **options)
    assert message in str(caught.value)


def test_nothing_is_kept_outside_a_run(module, monkeypatch, tmp_path):
    monkeypatch.delenv("NEGF_TORQUE_BENCHMARKS", raising=False)
    monkeypatch.chdir(tmp_path)
    module("record").keep("case", 1.0)
    assert not list(tmp_path.iterdir())


def test_every_script_has_its_case_and_its_line(module):
    folder = ROOT / "benchmarks"
    cases = module("run").cases()
    helpers = {"peers.py", "record.py", "run.py", "timing.py"}
    scripts = {path.name for path in folder.glob("*.py")} - helpers
    assert {case["script"] for case in cases} == scripts
    assert all(case["title"] and case["work"].strip() for case in cases)
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}" in readme for name in scripts)
    assert all("keep(" in (folder / name).read_text(encoding="utf-8") for name in scripts)


def test_times_of_products_grow_with_their_operations(module):
    timing = module("timing")
    assert timing.product_seconds(2e9, 64) == pytest.approx(2 * timing.product_seconds(1e9, 64))
    assert timing.product_seconds(1e9, 4) == timing.product_seconds(1e9, 32)
    calls = []
    assert timing.best(lambda: calls.append(1) or len(calls), 4)[0] == 4


def test_page_says_what_is_slow_what_is_missing_and_where_it_was_measured(module, tmp_path):
    rows = [row(size=n, seconds=1e-3 * n**3, peer_seconds=1e-2 * n**2, limit=None)
            for n in (2, 4, 8, 16)]  # fmt: skip
    rows.append(row(case="a|b", size=None, goal={"ratio": 100, "limit": 3, "error": 1e-14}))
    absent = [{"skipped": "Kwant, fast", "why": "not installed"}]
    slow = part("quantum.py", [row(case="spins", seconds=0.2, size=None, limit=None)],
                status=2, load=[4.0, 4.0, 4.0])  # fmt: skip
    slow["machine"] = slow["machine"] | {"processor": "two"}
    results = [part("wire_torque.py", rows, skipped=absent), slow]
    (tmp_path / "results.json").write_text(json.dumps(results))
    cases = (ROOT / "benchmarks" / "cases.toml").read_text(encoding="utf-8")
    (tmp_path / "cases.toml").write_text(cases, encoding="utf-8")
    module("make_performance").write(tmp_path, tmp_path / "made")
    text = (tmp_path / "made" / "performance.md").read_text(encoding="utf-8")
    assert "Others were using the machine" in text and "up to 4" in text
    assert "| wire | 16 | Kwant, MUMPS | 0.625 (slower) |" in text
    assert "| wire | 16 | Kwant, MUMPS | 0.625× the peer's speed |  |" in text
    assert "≥ 100×: **no**, ≤ 3× the limit: yes, error ≤ 1e-14: **no**" in text
    assert "| a\\|b |  | Kwant, MUMPS | 10× the peer's speed | 100× the peer's speed |" in text
    assert "- Kwant, fast (not installed): Wires" in text
    assert "failed (status 2)" in text
    assert "one, 2 cores" in text and "(wire_torque.py)" in text and "two, 2 cores" in text
    made = {path.name for path in (tmp_path / "made").glob("*.png")}
    assert made == {"performance.png", "performance_wire_torque.png"}
    assert all(f"({name})" in text for name in made)


def test_curves_and_their_exponents(module):
    make = module("make_performance")
    rows = [row(size=n, seconds=n**3, peer_seconds=n**2) for n in (1, 2, 4, 8)]
    [(_, size_name, found)] = make.panels(rows)
    assert size_name == "width"
    powers = {name: make.exponent(points) for name, points in found.items()}
    assert powers == {"negf_torque": 3.0, "Kwant, MUMPS": 2.0, "products alone": 0.0}
    assert make.panels(rows[:2]) == []


def test_kept_results_make_a_page(module, tmp_path):
    module("make_performance").write(target=tmp_path)
    assert "# Performance" in (tmp_path / "performance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["timing", "make_performance"])
def test_examples_in_docstrings(module, name):
    assert doctest.testmod(module(name)).failed == 0
