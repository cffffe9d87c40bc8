"""Results on disk: what goes in comes back, and damage is noticed."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from study_helpers import PROBE, TOP, know_probe

from negf_torque.study import card as cards
from negf_torque.study import run, store
from negf_torque.study.base import Scalar
from negf_torque.study.errors import StoreError


@pytest.fixture(autouse=True)
def probe(monkeypatch):
    know_probe(monkeypatch)


def finished(directory, text=PROBE):
    return run.execute(cards.parse(text, "probe.toml"), directory)


def test_a_dataset_comes_back_as_it_went_in(tmp_path):
    outcome = finished(tmp_path / "a")
    again = store.load(tmp_path / "a")
    xr.testing.assert_identical(again, outcome.dataset)
    assert again["wave"].dtype == complex
    assert again["open"].dtype == bool
    assert again["wave"].attrs == {
        "units": "1",
        "long_name": "Amplitude",
        "convention": "unit flux",
        "ancillary_variables": "wave_error",
    }


def test_any_netcdf_reader_gets_complex_values(tmp_path):
    finished(tmp_path)
    with xr.open_dataset(tmp_path / "result.nc", engine="h5netcdf") as dataset:
        np.testing.assert_array_equal(dataset["wave"], np.exp(1j * np.arange(3.0)))
    import h5py

    with h5py.File(tmp_path / "result.nc") as file:
        assert file["wave"].dtype == np.dtype(complex)


@settings(max_examples=60, deadline=None)
@given(
    array=hnp.arrays(
        st.sampled_from([np.float64, np.complex128, np.int64, np.bool_]),
        hnp.array_shapes(max_dims=3, max_side=4),
    ),
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
)
def test_any_array_and_text_come_back(tmp_path_factory, array, text):
    dims = [f"d{i}" for i in range(array.ndim)]
    dataset = xr.Dataset(
        {"a": (dims, array, {"convention": "x" + text})}, attrs={"card": "x" + text}
    )
    path = tmp_path_factory.mktemp("any") / "result.nc"
    store.write_dataset(dataset, path)
    back = xr.load_dataset(path, engine="h5netcdf")
    assert back["a"].dtype == array.dtype
    np.testing.assert_array_equal(back["a"].values, array)
    assert back.attrs["card"] == "x" + text


def test_summary_is_strict_json_with_units_errors_and_flags(tmp_path):
    finished(tmp_path)
    text = (tmp_path / "summary.json").read_text()
    summary = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    assert summary["converged"] is True
    assert summary["kind"] == "probe"
    (entry,) = summary["scalars"]
    assert entry["unit"] == "1" and entry["error"] == 1e-9 and entry["converged"] is True
    assert complex(entry["value"]["real"], entry["value"]["imag"]) == pytest.approx(np.exp(2j))
    assert run.scalars_of(summary)[0].value == complex(*entry["value"].values())


@pytest.mark.parametrize("value", [np.float64(1.5), np.complex128(1 + 2j), np.int64(3), 2, True])
def test_scalars_of_any_number_type_are_strict_json(value):
    entry = json.loads(json.dumps(Scalar("x", value, "1").to_json(), allow_nan=False))
    back = entry["value"]
    assert (complex(back["real"], back["imag"]) if isinstance(back, dict) else back) == value


def test_not_a_number_is_null():
    assert Scalar("x", float("nan"), "1", float("inf")).to_json()["value"] is None
    assert Scalar("x", float("nan"), "1", float("inf")).to_json()["error"] is None


def test_the_result_tells_where_it_came_from(tmp_path):
    card = cards.parse(PROBE, "probe.toml")
    dataset = finished(tmp_path).dataset
    assert dataset.attrs["card_hash"] == card.hash
    assert cards.parse(dataset.attrs["card"]) == cards.parse(card.toml())
    assert any(text.startswith("numpy ") for text in dataset.attrs["libraries"])
    assert cards.load(tmp_path / "card.toml").hash == card.hash


def test_a_finished_result_is_found_and_not_computed_again(tmp_path):
    first = finished(tmp_path)
    before = (tmp_path / "result.nc").read_bytes()
    second = finished(tmp_path)
    assert first.computed and not second.computed
    assert (tmp_path / "result.nc").read_bytes() == before
    xr.testing.assert_identical(first.dataset, second.dataset)


def test_the_same_card_gives_the_same_bytes(tmp_path):
    finished(tmp_path / "a")
    finished(tmp_path / "b")
    for name in ("result.nc", "card.toml", "figures/wave.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def contents(directory):
    return {p.name: p.read_bytes() for p in directory.iterdir() if p.is_file()}


def test_a_directory_of_another_card_is_refused_untouched(tmp_path):
    finished(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match="another card"):
        finished(tmp_path, PROBE + "points = 4\n")
    assert contents(tmp_path) == before


def test_an_unfinished_run_is_taken_up_by_its_own_card_only(tmp_path):
    finished(tmp_path)
    (tmp_path / "summary.json").unlink()
    with pytest.raises(StoreError, match="unfinished run of another card"):
        finished(tmp_path, PROBE + "points = 4\n")
    assert finished(tmp_path).computed


def test_a_directory_of_other_things_is_refused_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(StoreError, match=r"other files \(thesis.tex\)"):
        finished(tmp_path)
    assert contents(tmp_path) == {"thesis.tex": b"precious"}
    with pytest.raises(StoreError, match="is a file"):
        finished(tmp_path / "thesis.tex")


def test_missing_and_unfinished_results_are_told(tmp_path):
    with pytest.raises(StoreError, match="there is no directory"):
        store.load(tmp_path / "none")
    with pytest.raises(StoreError, match="not a result's directory"):
        store.load(tmp_path)
    finished(tmp_path / "a")
    (tmp_path / "a" / "summary.json").unlink()
    with pytest.raises(StoreError, match="did not finish"):
        store.load(tmp_path / "a")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        know_probe(patch)
        directory = tmp_path_factory.mktemp("good")
        finished(directory)
    return directory


@settings(max_examples=80, deadline=None)
@given(
    name=st.sampled_from(["result.nc", "summary.json"]),
    at=st.floats(0, 1),
    how=st.sampled_from(["flip", "cut", "empty", "append"]),
    bit=st.integers(0, 7),
)
def test_damage_anywhere_is_an_error_or_leaves_the_numbers(
    tmp_path_factory, good, name, at, how, bit
):
    directory = tmp_path_factory.mktemp("damaged") / "r"
    shutil.copytree(good, directory)
    content = bytearray((directory / name).read_bytes())
    place = min(int(at * len(content)), len(content) - 1)
    if how == "flip":
        content[place] ^= 1 << bit
    else:
        content = {"cut": content[:place], "empty": b"", "append": bytes(content) + b"x"}[how]
    (directory / name).write_bytes(content)
    try:
        dataset = store.load(directory)
    except StoreError as error:
        assert str(directory) in str(error)
    else:  # a changed digit in the summary's scalars or a blank; never in the dataset
        assert name == "summary.json"
        xr.testing.assert_identical(dataset, store.load(good))


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    store.write_atomically(path, "old")
    monkeypatch.setattr(
        store.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(OSError):
        store.write_atomically(path, "new and longer")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(StoreError, match="cannot be written: No space left on device"):
        finished(tmp_path / "full")


OLD = sorted((TOP / "tests/data").glob("results_*/*"))


@pytest.mark.parametrize("directory", OLD, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_results_of_earlier_versions_keep_loading(directory):
    """A set for every version that writes other files; none is ever changed."""
    summary = store.load_summary(directory)
    data = store.load(directory)
    assert data.attrs["card_hash"] == summary["card_hash"] and data.attrs["version"] == "0.1.0"
    assert run.scalars_of(summary)
    conductance = data["conductance"]
    assert conductance.attrs["units"].startswith("e^2/h")
    if "swept" in data.attrs:
        # A chain of one channel and two spins: not more than 2 e^2/h (and a frozen value).
        assert float(conductance.max()) <= 2
        assert float(conductance.sel(thickness=2, energy=0)) == pytest.approx(1.8533937, abs=1e-7)


def test_large_results_are_written_without_a_copy_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "IN_MEMORY", 0)
    outcome = finished(tmp_path / "a")
    xr.testing.assert_identical(store.load(tmp_path / "a"), outcome.dataset)
    monkeypatch.setattr(
        store.os, "posix_fallocate", lambda *a: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(StoreError, match="cannot be written"):
        finished(tmp_path / "b")
    assert not (tmp_path / "b" / "result.nc").exists()
