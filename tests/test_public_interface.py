"""What a user imports: present, documented, and fast to load."""

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import negf_torque
from negf_torque import study

TOP = Path(__file__).parents[1]


@pytest.mark.parametrize("package", [negf_torque, study], ids=lambda p: p.__name__)
def test_every_public_name_exists_and_is_documented(package):
    for name in package.__all__:
        value = getattr(package, name)
        assert name in dir(package)
        if callable(value):
            assert inspect.getdoc(value), name


def test_unknown_names_are_told_as_python_tells_them():
    with pytest.raises(AttributeError, match="has no attribute 'spin_valves'"):
        _ = negf_torque.spin_valves


def test_import_is_light():
    """No physics, no numba, no Matplotlib, no Dask: a second's work is left for first use."""
    code = (
        "import json, sys, negf_torque, negf_torque.study, negf_torque.cli;"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    heavy = {"numba", "matplotlib", "kwant", "scipy", "xarray", "dask", "distributed", "mpi4py"}
    assert not heavy & set(json.loads(found))


def test_version_is_told_once():
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == negf_torque.__version__
    citation = (TOP / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {negf_torque.__version__}" in citation


def test_program_runs_as_a_module():
    command = [sys.executable, "-m", "negf_torque", "systems"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "spin_valve.toml" in result.stdout


COMPILED = re.compile("njit|intrinsic|_elementwise")  # numba infers their types
KERNELS = {"structures.py"}


def public_definitions():
    """Functions, classes and methods that a module offers, compiled ones apart."""
    for path in sorted((TOP / "negf_torque").rglob("*.py")):
        if path.name in KERNELS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lists = [n.value for n in tree.body if ast.unparse(n).startswith("__all__ = [")]
        offered = {e.value for v in lists for e in v.elts}
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name not in offered:
                continue
            yield path.relative_to(TOP), node.name, node
            for one in node.body if isinstance(node, ast.ClassDef) and not node.bases else ():
                if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
                    yield path.relative_to(TOP), f"{node.name}.{one.name}", one


def is_compiled(node):
    return any(COMPILED.search(ast.unparse(d)) for d in node.decorator_list)


def test_public_functions_are_typed():
    """Every argument and every return, so that a caller's own type checker can follow."""
    bare = []
    for path, name, node in public_definitions():
        if isinstance(node, ast.ClassDef) or is_compiled(node):
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        arguments += [a for a in (node.args.vararg, node.args.kwarg) if a]
        names = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        if names or node.returns is None:
            bare.append(f"{path}: {name}({', '.join(names)})")
    assert not bare


def test_public_functions_and_classes_say_what_they_are():
    silent = [
        f"{path}: {name}"
        for path, name, node in public_definitions()
        if not (ast.get_docstring(node) or is_compiled(node))
    ]
    assert not silent
