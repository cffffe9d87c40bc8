"""Exported files: what they say, what they refuse, and that tables give the numbers back."""

import csv
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from solver_equations import ANGLES, ATOMISTIC, valve

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export import SOLVERS, Simulation, render, write
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import CONDUCTANCE_QUANTUM

TEXTURE = TextureTorque(0.55, 0.04, 0.02, 8e5, beta_error=1e-3)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["valve", "film", "texture"])
def test_every_script_compiles(solver, kind):
    torque = {
        "valve": valve(),
        "film": SpinOrbitTorque(0.2, 0.1, (0, 1, 0), 1.0, 8e5),
        "texture": TEXTURE,
    }[kind]
    if kind == "texture" and solver in ATOMISTIC:
        return
    for name, text in render(solver, torque, Simulation(field=(10.0, 0, 0))).items():
        if name.endswith(".py"):
            compile(text, name, "exec")
        assert torque.hash in text


def test_conductance_of_the_header_is_the_valves():
    text = render("plain", valve(), Simulation())["valve_torques.json"]
    row = json.loads(text)["table"][0]
    assert_allclose(
        row["current_density_per_volt"], 0.6 * CONDUCTANCE_QUANTUM / 0.16e-18, rtol=1e-13
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_file_explains_itself(solver, tmp_path):
    torque = valve(provenance="card valve.toml\nsecond line", eta_error=(1e-4,) * 7)
    paths = write(solver, torque, tmp_path / "new")
    assert paths and all(p.exists() for p in paths)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted(p.name for p in paths)
    for path in paths:
        text = path.read_text()
        for word in (
            "epsilon = P L^2",
            "MAGNETISATION",
            "HALF the P",
            "electron flux from left to right",
            "conventional",
            "d: thickness of",
            torque.hash,
            "card valve.toml",
            "largest deviation",
            "window, symmetric bias",
            "+-",
        ):
            assert word in text, (path.name, word)


def test_comments_stay_comments():
    """Many-line provenance must not leak out of the comment block."""
    torque = valve(provenance="one\nJ = vector(9, 9, 9)\nSpecify nothing {")
    for solver, sign in (("mumax3", "//"), ("oommf", "#"), ("ubermag", "#")):
        text = next(iter(render(solver, torque).values()))
        assert f"\n{sign} J = vector(9, 9, 9)" in text
    compile(next(iter(render("ubermag", torque).values())), "script", "exec")


def test_poor_fits_are_told():
    wavy = efficiency(np.cos(ANGLES), 0.5, 1.4) * (1 + 0.1 * np.cos(3 * ANGLES))
    assert "POOR" in render("mumax3", valve(eta=wavy))["valve.mx3"]
    assert "POOR" not in render("mumax3", valve())["valve.mx3"]


def test_tables_give_back_the_numbers():  # round trip
    torque = valve(eta_error=(1e-4,) * 7)
    files = render("plain", torque)
    document = json.loads(files["valve_torques.json"])
    assert ValveTorque(**{k: _tuples(v) for k, v in document["input"].items()}) == torque
    lines = [x for x in files["valve_torques.csv"].splitlines() if not x.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert [float(r["eta"]) for r in rows] == list(torque.eta)
    a, b = torque.rates_per_volt()
    assert_allclose([float(r["a_per_volt"]) for r in rows], a, rtol=1e-15)
    assert_allclose([float(r["b_per_volt"]) for r in rows], b, rtol=1e-15)


def _tuples(value):
    return tuple(value) if isinstance(value, list) else value


def test_hash_changes_with_any_number():
    assert valve().hash == valve().hash
    assert valve().hash != valve(prime=0.0800001).hash
    assert valve().hash != valve(provenance="other").hash


def test_unknown_solver_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'oommf'"):
        render("oomf", valve())


def test_torque_that_changes_sign_is_not_written_as_a_form():
    torque = valve(eta=np.cos(ANGLES))
    with pytest.raises(ValueError, match="changes sign"):
        render("mumaxplus", torque)
    # ... but its table is, where that is possible.
    assert set(render("mumax3", torque)) == {"valve_table.mx3"}
    assert "NO Slonczewski form" in render("plain", torque)["valve_torques.csv"]
    assert set(render("magnumnp", torque)) == {"valve_table_magnumnp.py"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"damping": -0.1}, "damping"),
        ({"cells": (0, 1)}, "cells"),
        ({"duration": 0.0}, "duration"),
        ({"current_density": float("inf")}, "current_density"),
        ({"initial_direction": (0, 0, 0)}, "initial_direction"),
    ],
)
def test_unusable_simulation_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Simulation(**change)
