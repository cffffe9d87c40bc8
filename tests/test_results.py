"""A stored result in Python: numbers, figures, values per area."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

import negf_torque
from negf_torque.study.errors import StudyError

TOP = Path(__file__).parents[1]
RESULT = "tests/data/results_0.1.0/spin_valve"
AREA = 0.0625  # nm^2


def test_numbers_of_a_result_are_a_table():
    table = negf_torque.scalars(RESULT)
    data = negf_torque.load_result(RESULT)
    assert list(table.columns) == ["value", "unit", "error", "converged", "note"]
    assert table.loc["conductance_parallel", "value"] == float(data["conductance_parallel"])
    assert table.loc["conductance_parallel", "unit"] == "e^2/h per cell"
    assert table["converged"].all() and table["error"].dtype == float


def test_figures_are_those_of_the_run_from_directory_and_dataset():
    from matplotlib import pyplot

    drawn = negf_torque.figures(RESULT)
    again = negf_torque.figures(negf_torque.load_result(RESULT))
    assert list(drawn) == list(again) and drawn
    assert all(figure.axes for figure in drawn.values())
    pyplot.close("all")


def test_conductance_and_torkance_per_area():
    """e^2/h of one channel is 1/25812.807 ohm; N e/(4 pi) of a volt is N eV/(4 pi)."""
    data = negf_torque.load_result(RESULT)
    conductance = negf_torque.per_area(data["conductance"], AREA)
    ohm = 25812.8074593045
    assert_allclose(conductance, data["conductance"] / ohm / (AREA * 1e-18), rtol=1e-10)
    assert conductance.attrs["units"] == "1/(ohm m^2)" and conductance.dims == ("angle",)
    assert conductance.attrs["long_name"] == data["conductance"].attrs["long_name"]
    torque = negf_torque.per_area(data["torkance_in_plane"], AREA)
    joule = data["torkance_in_plane"].values * 1.602176634e-19 / (4 * np.pi)
    assert_allclose(torque, joule / (AREA * 1e-18), rtol=1e-12)


def test_what_is_not_per_cell_is_refused():
    with pytest.raises(StudyError, match="gmr is in 1, not one per cell of: e.2/h"):
        negf_torque.per_area(negf_torque.load_result(RESULT)["gmr"], AREA)
    with pytest.raises(ValueError, match="cell_area: -1"):
        negf_torque.per_area(xr.DataArray(1.0, attrs={"units": "eV per cell"}), -1)
    with pytest.raises(StudyError, match="ndarray is not a result"):
        negf_torque.figures(np.zeros(3))
    with pytest.raises(StudyError, match="no directory"):
        negf_torque.scalars("tests/nothing_here")


def test_coupling_of_an_earlier_version_keeps_its_figure_of_periods(tmp_path):
    """0.1.0 called the axis of the spectrum `wave_vector`."""
    from negf_torque.study import card as cards
    from negf_torque.study import run, store

    card = cards.load(TOP / "systems/interlayer_coupling.toml")
    n, q = np.arange(1, 9), np.linspace(0.1, 3, 20)
    names = ("coupling", "coupling_from_torque", "biquadratic")
    data = xr.Dataset(
        {name: ("thickness", np.cos(2.0 * n), {"units": "eV per cell"}) for name in names}
        | {"spectrum": ("wave_vector", q**2), "period": ("oscillation", [3.14])},
        {"thickness": n, "wave_vector": q},
        {"kind": "coupling", "version": "0.1.0"},
    )
    store.save(tmp_path / "old", data, [], card)
    loaded = store.load(tmp_path / "old")
    assert loaded["spectrum"].dims == ("wave_number",)
    assert set(run.drawings("coupling", loaded)) == {"coupling", "periods"}


def test_card_as_run_names_its_kind_first():
    from negf_torque.study import card as cards

    for name in ("spin_valve", "interface", "metallic_stack", "spin_pumping"):
        card = cards.load(TOP / f"systems/{name}.toml")
        assert next(iter(card.tables()["calculation"])) == "kind"
        assert cards.parse(card.toml(), card.path) == card


def test_a_result_is_exported_under_its_cards_name(tmp_path):
    from negf_torque.study.card import card_of_result

    shutil.copytree(TOP / RESULT, tmp_path / "moved")
    assert card_of_result(tmp_path / "moved").name == "valve"
