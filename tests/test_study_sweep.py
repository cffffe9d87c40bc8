"""Sweeps: which keys may hold several values, what the points are, and the dataset they make."""

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from study_helpers import PROBE, know_probe, valve

from negf_torque.study import card as cards
from negf_torque.study import run, store
from negf_torque.study.axes import values_of
from negf_torque.study.errors import CardError, StudyError
from negf_torque.study.memory import check_need
from negf_torque.study.worker import job_of


@pytest.fixture(autouse=True)
def probe(monkeypatch):
    know_probe(monkeypatch)


def parsed(text, **keywords):
    return cards.parse(text, "valve.toml", **keywords)


def message(text):
    with pytest.raises(CardError) as caught:
        parsed(text)
    return str(caught.value)


SWEEPS = {  # changes, shape, names of the dimensions
    "a list": ({"energy": "energy = [-2.2, -2.1]"}, (2,), ["energy"]),
    "linspace": ({"energy": "energy = {linspace = [-2.2, -2, 11]}"}, (11,), ["energy"]),
    "logspace": ({"energy": "energy = {logspace = [1e-3, 2, 4]}"}, (4,), ["energy"]),
    "values": ({"thickness2": "thickness = {values = [1, 2, 5]}"}, (3,), ["thickness"]),
    "two": (
        {"energy": "energy = [-2.2, -2.1]", "thickness3": "thickness = [1, 2, 3]"},
        (3, 2),
        ["thickness", "energy"],
    ),
    "two of one name": (
        {"thickness1": "thickness = [1, 2]", "thickness3": "thickness = [1, 2, 3]"},
        (2, 3),
        ["layers_0_thickness", "layers_2_thickness"],
    ),
    "a component": (
        {"name1": 'name = "fixed"\ndirection = [0, {values = [0.1, 0.2]}, 1]'},
        (2,),
        ["direction_1"],
    ),
    "a number or a matrix": (
        {"thickness2": "thickness = 3\nonsite = {values = [0, 1]}"},
        (2,),
        None,
    ),
    "zip": (
        {
            "energy": "energy = [-2.2, -2.1]",
            "thickness3": "thickness = [1, 2]",
            "sweep": '[sweep]\nzip = [["calculation.energy", "system.layers[2].thickness"]]',
        },
        (2,),
        ["energy"],
    ),
}


@pytest.mark.parametrize(("changes", "shape", "names"), SWEEPS.values(), ids=SWEEPS.keys())
def test_swept_cards_are_read_and_written_back(changes, shape, names):
    card = parsed(valve(**changes))
    assert card.sweep.shape == shape
    assert names is None or [axis.name for axis in card.sweep.axes] == names
    again = parsed(card.toml())
    assert again == card and again.hash == card.hash
    last = card.sweep.card(card, len(card.sweep) - 1)
    assert last.sweep is None and last.hash != card.sweep.card(card, 0).hash


def test_lists_by_type_stay_lists_and_a_form_there_is_written_out():
    assert parsed(valve(energy="energy = 1\nangles = [0, 90]")).sweep is None
    card = parsed(valve(energy="energy = 1\nangles = {linspace = [0, 180, 5]}"))
    assert card.sweep is None and list(card.calculation.angles) == [0, 45, 90, 135, 180]


def test_a_point_is_the_card_with_its_values():
    card = parsed(
        valve(energy="energy = {linspace = [-2, -1, 3]}", thickness3="thickness = [1, 4]")
    )
    point = card.sweep.card(card, 4)  # the last key runs fastest
    assert (point.system.layers[2].thickness, point.calculation.energy) == (4, -1.5)
    plain = parsed(valve(energy="energy = -1.5", thickness3="thickness = 4"))
    assert point == plain and point.hash == plain.hash
    assert card.sweep.label(4) == "thickness = 4, energy = -1.5"


BAD = {
    "no numbers": ({"energy": 'energy = {values = ["a"]}'}, ["calculation.energy", "values"]),
    "empty": ({"energy": "energy = []"}, ["calculation.energy: [] cannot be used", "line 16"]),
    "not three": ({"energy": "energy = {linspace = [0, 1]}"}, ["[first, last, count]"]),
    "count of 1.5": ({"energy": "energy = {linspace = [0, 1, 1.5]}"}, ["whole count"]),
    "negative logspace": ({"energy": "energy = {logspace = [-1, 1, 3]}"}, ["above 0"]),
    "fractions of layers": (
        {"thickness3": "thickness = {linspace = [1, 4, 3]}"},
        ["system.layers[2].thickness", "not whole numbers"],
    ),
    "one value out of range": (
        {"thickness3": "thickness = [1, 2, 0]"},
        ["system.layers[2].thickness: 0 cannot be used", "1 or more", "line 12"],
    ),
    "too many": ({"energy": "energy = {linspace = [0, 1, 100000000000]}"}, ["more than"]),
    "too many together": (
        {
            "energy": "energy = {linspace = [0, 1, 1000000]}",
            "thickness3": "thickness = {linspace = [1, 1000000, 1000000]}",
        },
        ["1e+12 points"],
    ),
    "zip of different lengths": (
        {
            "energy": "energy = [-2.2, -2.1]",
            "thickness3": "thickness = [1, 2, 3]",
            "sweep": '[sweep]\nzip = [["calculation.energy", "system.layers[2].thickness"]]',
        },
        ["sweep.zip[0]", "same number of values"],
    ),
    "zip of what is not swept": (
        {"energy": "energy = [1, 2]", "sweep": '[sweep]\nzip = [["calculation.enery", "x"]]'},
        ['"calculation.enery" is not swept'],
    ),
    "nothing swept": ({"sweep": '[sweep]\naverage = ["calculation.energy"]'}, ["no key", "swept"]),
    "unknown key": ({"sweep": "[sweep]\nproduct = []"}, ["sweep.product: no such key"]),
}


@pytest.mark.parametrize(("changes", "words"), BAD.values(), ids=BAD.keys())
def test_bad_sweeps_are_told_with_the_key(changes, words):
    text = message(valve(**changes))
    assert all(word in text for word in words), text


@given(
    form=st.sampled_from(["linspace", "logspace"]),
    first=st.floats(1e-6, 1e6),
    last=st.floats(1e-6, 1e6),
    count=st.integers(2, 50),
)
@settings(max_examples=200, deadline=None)
def test_forms_agree_with_numpy_and_hit_their_ends(form, first, last, count):
    values = list(values_of({form: [first, last, count]}))
    reference = np.linspace if form == "linspace" else np.geomspace
    # Rounding: numpy's geomspace goes through logarithms of up to 14 in double precision.
    np.testing.assert_allclose(values, reference(first, last, count), rtol=1e-13)
    assert (values[0], values[-1]) == (first, last)


def finished(directory, text, **keywords):
    return run.execute(parsed(text), directory, executor="serial", **keywords)


def test_the_dataset_has_the_swept_keys_as_dimensions(tmp_path):
    text = PROBE + "points = [2, 3]\nnumber = {linspace = [0, 3, 4]}\n[output]\nfigures = []\n"
    outcome = finished(tmp_path, text)
    data = outcome.dataset
    assert data["wave"].dims == ("number", "points", "x")
    assert data["number"].attrs["key"] == "calculation.number"
    np.testing.assert_array_equal(data["points"], [2, 3])
    # the shorter items end with not-a-number; what they have is as if they had run alone
    alone = run.calculate(parsed(PROBE + "points = 2\nnumber = 3"))
    np.testing.assert_array_equal(data["wave"].sel(number=3, points=2, x=[0, 1]), alone["wave"])
    assert np.isnan(data["wave"].sel(number=3, points=2, x=2))
    assert data.attrs["converged"] == 1
    np.testing.assert_array_equal(
        data["summary_value"].sel(quantity="wave", number=0), np.exp([1j, 2j])
    )
    xr.testing.assert_identical(store.load(tmp_path), data)
    assert outcome.summary["points"] == {"done": 8}
    assert len(outcome.summary["scalars"]) == 8
    assert not (tmp_path / "checkpoints").exists() and not (tmp_path / ".lock").exists()


def test_joined_keys_are_coordinates_of_one_dimension(tmp_path):
    data = finished(
        tmp_path,
        PROBE + "points = [2, 3]\nnumber = [7, 9]\n[output]\nfigures = []\n"
        '[sweep]\nzip = [["calculation.points", "calculation.number"]]\n',
    ).dataset
    assert data["point_state"].dims == data["number"].dims == ("points",)
    np.testing.assert_array_equal(data["number"], [7, 9])


def test_averages_are_means_with_standard_errors(tmp_path):
    text = (
        PROBE + "seed = {linspace = [1, 16, 16]}\nnumber = [0, 1]\n[output]\nfigures = []\n"
        '[sweep]\naverage = ["calculation.seed"]\n'
    )
    data = finished(tmp_path, text).dataset
    single = [
        run.calculate(parsed(PROBE + f"seed = {seed}"))["wave"].values for seed in range(1, 17)
    ]
    mean = np.mean(single, axis=0)
    error = np.std(single, axis=0, ddof=1) / 4
    for number in (0, 1):
        # Sums of 16 numbers of order 1, in any order.
        np.testing.assert_allclose(data["wave"].sel(number=number), mean, atol=1e-14)
        np.testing.assert_allclose(
            data["wave_standard_error"].sel(number=number), error, atol=1e-14
        )
    np.testing.assert_array_equal(data["points_averaged"], [16, 16])
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["scalars"][0]["name"] == "wave at number = 0"
    assert summary["scalars"][0]["error"] == pytest.approx(error[-1])
    assert summary["seeds"] == {"calculation.seed": {"linspace": [1, 16, 16]}}


def test_points_that_fail_are_marked_and_the_rest_goes_on(tmp_path):
    base = PROBE + "number = {linspace = [0, 4, 5]}\nfails_at = 2\n"
    for how, state, words in (
        ('fails = "value"', "failed", "energy: 9 is outside all bands."),
        ('fails = "nan"', "not a number", "wave"),
        ("converges = false", "not converged", "tolerance"),
        ('fails = "bug"', "failed", "KeyError"),
    ):
        directory = tmp_path / state / how.split()[-1].strip('"')
        outcome = finished(directory, base + how + "\n[output]\nfigures = []\n")
        assert not outcome.converged
        states = outcome.dataset["point_state"].values
        assert list(states) == ["done", "done", state, "done", "done"]
        assert words in str(outcome.dataset["point_message"].values[2])
        good = outcome.dataset["wave"].values[[0, 1, 3, 4]]
        np.testing.assert_array_equal(good, np.tile(np.exp(1j * np.arange(3)), (4, 1)))
    with pytest.raises(StudyError, match="every point of the sweep failed.*outside all bands"):
        finished(tmp_path / "all", base.replace("fails_at = 2", 'fails = "value"'))


def test_numbers_that_are_rightly_undefined_mark_nothing(tmp_path):
    text = valve(
        cross_section='cross_section = "chain"',
        energy="energy = [-0.6, -0.5]\nangles = [0, 90]",
        mesh='response = "window"',
    )
    outcome = finished(tmp_path, text + "[output]\nfigures = []\n")
    # one angle beside the collinear one: there is no fit, and that is no fault
    assert np.isnan(outcome.dataset["summary_value"].sel(quantity="Lambda")).all()
    assert outcome.converged and outcome.summary["points"] == {"done": 2}


def test_a_figure_and_a_table_of_any_sweep(tmp_path):
    text = PROBE + "points = [2, 3, 4]\nnumber = {linspace = [0, 9, 10]}\n"
    outcome = finished(tmp_path, text)
    assert [path.name for path in outcome.files] == ["sweep.png"]
    (table,) = run.listings("probe", outcome.dataset)
    assert table.columns == ("number", "points", "wave", "state") and len(table.rows) == 30
    assert {s["name"] for s in outcome.summary["scalars"]} == {"wave, least", "wave, largest"}


def test_names_of_items_do_not_depend_on_the_other_points(tmp_path):
    short = job_of(parsed(PROBE + "number = [1, 2]"), tmp_path)
    longer = job_of(parsed(PROBE + "number = {linspace = [1, 9, 9]}"), tmp_path)
    other = job_of(parsed(PROBE + "number = [1, 2]\npoints = 4"), tmp_path)
    assert short.key(1) == longer.key(1) != short.key(0)
    assert other.key(1) != short.key(1)


def test_a_card_that_needs_more_memory_than_there_is_is_refused_before_it_runs(tmp_path):
    card = parsed(PROBE + "gigabytes = [0.1, 50]")
    with pytest.raises(StudyError, match="needs about 50 GB of memory, more than the given limit"):
        run.execute(card, tmp_path / "a", memory=8e9)
    assert not (tmp_path / "a" / "card.toml").exists()
    assert check_need(parsed(PROBE + "gigabytes = 1"), 4e9) == 3
    with pytest.raises(StudyError, match="what is free here"):
        run.execute(parsed(PROBE + "gigabytes = 1e6"), tmp_path / "b")


def test_real_numbers_beside_complex_ones_are_shown_as_real_ones():
    """A sweep keeps all its numbers in one array, which is complex if one of them is."""
    from negf_torque.study import swept

    values = np.array([[1.0, 2.0 + 3.0j], [4.0, 5.0]])
    dataset = xr.Dataset(
        {
            swept.VALUE: (("thickness", "quantity"), values),
            swept.ERROR: (("thickness", "quantity"), np.full((2, 2), np.nan)),
            swept.STATE: ("thickness", [swept.DONE, swept.DONE]),
        },
        {
            "thickness": [2, 3],
            "quantity": ["conductance", "mixing"],
            "quantity_units": ("quantity", ["1", "1"]),
        },
    )
    shown = [scalar.value for scalar in swept.summary(dataset)]
    assert shown == [1.0, 4.0, 2 + 3j, 5 + 0j]
    assert [type(value) for value in shown] == [float, float, complex, complex]
    assert swept.listings(dataset)[0].rows == ((2, 1.0, 2 + 3j, "done"), (3, 4.0, 5 + 0j, "done"))
