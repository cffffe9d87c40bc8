"""What a user imports: present, documented, and fast to load."""

import inspect
import json
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
