"""Points of a sweep as results of their own, and what solvers get of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from study_helpers import PROBE, know_probe, valve
from typer.testing import CliRunner

from negf_torque.cli import app
from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import StudyError
from negf_torque.study.points import every_point, one_point, parse_places

LLG = """
[llg]
saturation_magnetisation = 8e5
cell_area = 0.0625
layer_spacing = 0.25
[output]
figures = []
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("swept")


@pytest.fixture(scope="module")
def swept(folder):
    """A valve over thickness of the free magnet and energy: its arrays differ in length."""
    text = valve(
        cross_section='cross_section = "chain"',
        thickness3="thickness = [1, 3]",
        energy="energy = [-0.6, -0.4]\nangles = [0, 60, 90, 180]",
        mesh='response = "window"',
    )
    card = cards.parse(text + LLG, "pillar.toml")
    return card, run.execute(card, folder, executor="serial").dataset


def test_a_point_is_the_result_of_its_card(swept):
    card, dataset = swept
    for place in range(4):
        point = card.sweep.card(card, place)
        at = {"thickness": point.system.layers[2].thickness, "energy": point.calculation.energy}
        found, one, label = one_point(card, dataset, at)
        alone = run.calculate(point)
        assert found.hash == point.hash and "thickness=" in label and "energy=-0." in label
        assert set(alone.variables) == set(one.variables)
        for name in alone.variables:
            np.testing.assert_array_equal(alone[name], one[name], err_msg=name)
        for name in ("free_layers", "card_hash", "k_points", "response", "free"):
            assert one.attrs[name] == alone.attrs[name], name


def test_an_exported_point_is_the_export_of_its_run(swept, tmp_path):
    card, dataset = swept
    at = parse_places(["calculation.energy=-0.4", "thickness=3"])
    files = run.export("mumax3", card, dataset, tmp_path / "a", at)
    point = card.sweep.card(card, 3)
    again = run.export("mumax3", point, run.calculate(point), tmp_path / "b")
    assert [f.name for f in files] == [f.name for f in again]
    for one, other in zip(files, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_all_points_have_folders_and_a_table(swept, tmp_path):
    card, dataset = swept
    files = run.export_all("plain", card, dataset, tmp_path)
    rows = list(csv.DictReader((tmp_path / "points.csv").read_text().splitlines()))
    assert [row["thickness (layers)"] for row in rows] == ["1", "1", "3", "3"]
    assert all(Path(tmp_path / row["folder"]).is_dir() for row in rows)
    assert len(files) > 4 and len(list(every_point(card, dataset))) == 4
    value = dataset["summary_value"].sel(quantity="Lambda").values.ravel()
    np.testing.assert_array_equal([float(row["Lambda"]) for row in rows], value)


def test_the_command_exports_and_cites(swept, folder):
    def told(*words):
        done = CliRunner().invoke(app, [*map(str, words)])
        return done.exit_code, done.output

    status, text = told("export", "plain", folder, "--at", "energy=-0.4", "--at", "thickness=3")
    assert status == 0 and str(folder / "export" / "plain") in text
    status, text = told("export", "plain", folder, "--all")
    assert status == 0 and "points.csv" in text
    assert told("export", "plain", folder)[0] == 2
    assert told("export", "plain", folder, "--all", "--at", "energy=-0.4")[0] == 2
    status, text = told("cite", folder)
    assert status == 0 and "@software{negf_torque" in text and "@article{Slonczewski2002" in text
    assert told("cite", "no_such_kind")[0] == 2


WRONG = {
    "no point": ({}, r"sweep over thickness, energy. Name a point by --at thickness=1 .*--all"),
    "half a point": ({"thickness": 3}, r"--at energy=-0.6 .one of energy: -0.6, -0.4"),
    "no such value": ({"thickness": 2, "energy": -0.4}, "no such point; there are 1, 3"),
    "no such key": ({"thick": 2}, '"thick" is not swept here'),
}


@pytest.mark.parametrize(("at", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_point_that_is_not_named_right_is_told(swept, tmp_path, at, words):
    with pytest.raises(StudyError, match=words):
        run.export("mumax3", *swept, tmp_path, at)


def test_other_wrong_requests_are_told(swept, tmp_path, monkeypatch):
    know_probe(monkeypatch)
    card, dataset = swept
    with pytest.raises(StudyError, match="KEY=NUMBER"):
        parse_places(["energy:3"])
    with pytest.raises(StudyError, match="this result is none"):
        run.export_all("plain", card.sweep.card(card, 0), dataset, tmp_path)
    probe = cards.parse(PROBE + "number = [1, 2]\n[output]\nfigures = []\n", "p.toml")
    result = run.execute(probe, tmp_path / "p", executor="serial").dataset
    with pytest.raises(StudyError, match="holds nothing that an LLG solver takes"):
        run.export("mumax3", probe, result, tmp_path, {"number": 1})


def test_a_point_that_failed_and_one_of_an_average(tmp_path, monkeypatch):
    know_probe(monkeypatch)
    text = PROBE + 'number = [0, 1]\nseed = {values = [1, 2, 3]}\nfails = "value"\nfails_at = 1\n'
    failed = cards.parse(text + "[output]\nfigures = []\n", "p.toml")
    result = run.execute(failed, tmp_path / "a", executor="serial").dataset
    with pytest.raises(StudyError, match="number=1,seed=2 failed: energy: 9 is outside"):
        one_point(failed, result, {"number": 1, "seed": 2})
    assert len(list(every_point(failed, result))) == 3
    average = cards.parse(
        text.replace('fails = "value"\n', "")
        + '[output]\nfigures = []\n[sweep]\naverage = ["calculation.seed"]\n',
        "p.toml",
    )
    result = run.execute(average, tmp_path / "b", executor="serial").dataset
    _, one, label = one_point(average, result, {"number": 0})
    assert label == "number=0"
    np.testing.assert_array_equal(one["wave_error"], result["wave_standard_error"].sel(number=0))
