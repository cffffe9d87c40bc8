"""Harm done to real runs: killed workers and main processes, full disks, damaged files, two runs.

Longer versions of these are in `make faults`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from shlex import quote

import numpy as np
import pytest
from study_faults import (
    HANGS,
    ITEMS,
    counts,
    ended,
    finished,
    heard,
    kill_often,
    open_gate,
    start,
    wait_for,
    workers_of,
)
from study_helpers import PROBE, know_probe

from negf_torque.study import card as cards
from negf_torque.study import run, store
from negf_torque.study.errors import StoreError
from negf_torque.study.lock import RunLock, owner_of
from negf_torque.study.packed import DamagedError, pack, unpack

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
SMALL = PROBE + "number = {linspace = [0, 7, 8]}\nseed = 5\n[output]\nfigures = []\n"


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The result of the undisturbed run."""
    directory = tmp_path_factory.mktemp("calm")
    status, told = ended(start(directory, "--executor", "serial"))
    assert status == 0, told
    assert counts(directory) == {str(number): 1 for number in range(ITEMS)}
    return (directory / "out/result.nc").read_bytes()


def result(directory):
    return (directory / "out/result.nc").read_bytes()


@LINUX
def test_a_worker_that_is_killed_in_the_middle_is_replaced(tmp_path, calm):
    process = start(tmp_path, "--workers", "2", gate=5)
    wait_for(tmp_path, 5, process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    open_gate(tmp_path)
    status, told = ended(process)
    assert status == 0, told
    assert result(tmp_path) == calm
    # Both workers' items in hand may have been begun twice, none that was finished.
    assert ITEMS <= sum(counts(tmp_path).values()) <= ITEMS + 2


@LINUX
def test_an_item_that_kills_its_worker_once_is_tried_again(tmp_path):
    card = PROBE + 'number = {linspace = [0, 5, 6]}\nfails = "once"\nfails_at = 3\n'
    status, told = ended(start(tmp_path, "--workers", "2", card=card))
    assert status == 0, told
    assert json.loads((tmp_path / "out/summary.json").read_text())["points"] == {"done": 6}


@LINUX
def test_an_item_that_always_kills_its_worker_is_given_up_and_may_be_tried_later(tmp_path):
    card = PROBE + 'number = {linspace = [0, 3, 4]}\nfails = "dies"\nfails_at = 1\n'
    status, told = ended(start(tmp_path, "--workers", "2", card=card))
    assert status == 3
    assert "its worker died 3 times" in told and "number = 1" in told
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["points"] == {"done": 3, "failed": 1}
    before = counts(tmp_path)
    assert ended(start(tmp_path, "--workers", "1", card=card))[0] == 3  # only that one again
    assert set(counts(tmp_path) - before) == {"1"}


@LINUX
def test_a_main_process_killed_at_random_moments_goes_on_where_it_was(tmp_path):
    counted = kill_often(tmp_path, 3, seed=7)
    assert counted["identical"] and counted["hits"] >= 1, counted
    assert counted["lost"] == counted["repeated"] == 0, counted


def test_ctrl_c_finishes_what_is_in_flight_and_the_rest_is_done_later(tmp_path, calm):
    process = start(tmp_path, "--workers", "2", gate=3)
    wait_for(tmp_path, 3, process)
    process.send_signal(signal.SIGINT)
    heard(process)
    open_gate(tmp_path)
    status, told = ended(process)
    assert status == 130, told
    kept = finished(tmp_path)
    assert f"{kept} of {ITEMS} items are finished and kept" in told
    assert sum(counts(tmp_path).values()) == kept < ITEMS
    assert ended(start(tmp_path, "--executor", "serial"))[0] == 0
    assert sum(counts(tmp_path).values()) == ITEMS
    assert result(tmp_path) == calm


@LINUX
def test_ctrl_c_twice_stops_at_once_and_leaves_no_process(tmp_path):
    card = PROBE + "number = {linspace = [0, 9, 10]}\nseconds = 60\n"
    process = start(tmp_path, "--workers", "2", card=card)
    end = time.monotonic() + HANGS
    while len(counts(tmp_path)) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    workers = workers_of(process)
    process.send_signal(signal.SIGINT)
    heard(process)
    process.send_signal(signal.SIGINT)
    status, told = ended(process)
    assert status == 130 and "at once" in told
    end = time.monotonic() + HANGS
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]


def _namespace(words):
    """Whether this machine lets us mount something of our own."""
    probe = subprocess.run(["unshare", "-rm", "sh", "-c", words], capture_output=True)
    return probe.returncode == 0


@LINUX
def test_a_disk_that_gets_full_is_told_and_the_run_goes_on_when_there_is_room(tmp_path):
    """On a real file system of 60 kB; the next test needs no mount."""
    (tmp_path / "out").mkdir()
    (tmp_path / "sweep.toml").write_text(SMALL.replace("seed = 5", "seed = 5\npoints = 100"))
    script = (
        "mount -t tmpfs -o size=60k tmpfs out && {run}; echo $? > status; {run} 2> again;"
        "cp -r out kept"
    )
    if not shutil.which("unshare") or not _namespace("mount -t tmpfs -o size=60k tmpfs /mnt"):
        pytest.skip("no file system of one's own can be mounted here")
    from study_helpers import _COMMAND

    words = f'{quote(sys.executable)} -c "$COMMAND" run sweep.toml -o out --executor serial --quiet'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script.replace("{run}", words)],
        cwd=tmp_path,
        env={**os.environ, "COMMAND": _COMMAND},
        capture_output=True,
        text=True,
    )
    assert (tmp_path / "status").read_text() == "2\n", done.stderr
    assert "cannot be written: No space left on device" in done.stderr
    assert "finished items are kept" in done.stderr or "result" in done.stderr
    assert "Traceback" not in done.stderr
    assert "No space left" in (tmp_path / "again").read_text()
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "kept").rename(tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.tmp"))
    process = start(tmp_path, "--executor", "serial", card=(tmp_path / "sweep.toml").read_text())
    assert ended(process)[0] == 0
    assert 0 < sum(counts(tmp_path).values()) < 8  # those that were kept were not computed again


def test_a_limit_on_the_size_of_files_is_told(tmp_path):
    prelude = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); "
    status, told = ended(start(tmp_path, "--executor", "serial", card=SMALL, prelude=prelude))
    assert status == 2 and "cannot be written" in told and "Traceback" not in told
    assert ended(start(tmp_path, "--executor", "serial", card=SMALL))[0] == 0


@LINUX
def test_a_directory_that_is_read_only_is_told(tmp_path):
    if not shutil.which("unshare") or not _namespace("mount -t tmpfs -o ro tmpfs /mnt"):
        pytest.skip("no file system of one's own can be mounted here")
    from study_helpers import _COMMAND

    (tmp_path / "out").mkdir()
    (tmp_path / "sweep.toml").write_text(SMALL)
    script = 'mount -t tmpfs -o ro tmpfs out && {} -c "$COMMAND" run sweep.toml -o out'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script.format(quote(sys.executable))],
        cwd=tmp_path,
        env={**os.environ, "COMMAND": _COMMAND},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "out cannot be written: Read-only file system" in done.stderr


@pytest.fixture
def halfway(tmp_path, monkeypatch):
    """A run in this process that was stopped with all items finished, and its card."""
    know_probe(monkeypatch)
    monkeypatch.setenv("PROBE_COUNTS", str(tmp_path / "counts"))
    card = cards.parse(SMALL, tmp_path / "sweep.toml")
    from negf_torque.study import checkpoints

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpoints, "clear", lambda self: None)
        reference = run.execute(card, tmp_path / "out", executor="serial").dataset
    (tmp_path / "out/summary.json").unlink()
    (tmp_path / "out/result.nc").unlink()
    (tmp_path / "counts").unlink()
    return tmp_path, card, reference


def _harms(content):
    middle = len(content) // 2
    yield "truncated", content[:middle]
    yield "empty", b""
    yield "flipped", content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
    yield "longer", content + b"x"
    yield "text", b"not an item\n" * 20
    yield "pickle", b"\x80\x04\x95" + content[3:]


def test_damaged_and_foreign_items_are_named_put_aside_and_computed_again(halfway):
    directory, card, reference = halfway
    files = sorted(directory.glob("out/checkpoints/*/*.item"))
    assert len(files) == 8
    harms = list(_harms(files[0].read_bytes()))
    for (_, content), path in zip(harms, files, strict=False):
        path.write_bytes(content)
    shutil.copy(files[7], files[6])  # a sound file under a wrong name
    outcome = run.execute(card, directory / "out", executor="serial")
    assert sum(counts(directory).values()) == len(harms) + 1
    np.testing.assert_array_equal(outcome.dataset["wave"], reference["wave"])
    assert len([n for n in outcome.notes if "could not be trusted" in n]) == len(harms) + 1
    assert any("file of another item" in note for note in outcome.notes)
    assert len(list((directory / "out/damaged").iterdir())) == len(harms) + 1


def test_finished_items_of_another_program_are_not_used(halfway, monkeypatch):
    directory, card, reference = halfway
    monkeypatch.setattr(card.module, "CALCULATION_VERSION", 2, raising=False)
    outcome = run.execute(card, directory / "out", executor="serial")
    assert sum(counts(directory).values()) == 8
    np.testing.assert_array_equal(outcome.dataset["wave"], reference["wave"])


def test_strange_files_among_the_items_stay_and_do_no_harm(halfway):
    directory, card, reference = halfway
    folder = next((directory / "out/checkpoints").iterdir())
    (folder / "notes.txt").write_text("mine")
    (directory / "out/checkpoints/README").write_text("mine too")
    outcome = run.execute(card, directory / "out", executor="serial")
    assert not counts(directory)
    np.testing.assert_array_equal(outcome.dataset["wave"], reference["wave"])
    left = {p.name for p in (directory / "out/checkpoints").rglob("*") if p.is_file()}
    assert left == {"notes.txt", "README"}


@pytest.mark.parametrize("name", ["result.nc", "summary.json"])
@pytest.mark.parametrize("how", ["truncated", "flipped", "empty", "missing"])
def test_damaged_results_are_put_aside_and_computed_again(tmp_path, monkeypatch, name, how):
    know_probe(monkeypatch)
    card = cards.parse(PROBE + "[output]\nfigures = []\n", tmp_path / "probe.toml")
    reference = run.execute(card, tmp_path / "out").dataset
    path = tmp_path / "out" / name
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif name == "summary.json" and how == "flipped":
        path.write_bytes(content.replace(b'"scalars"', b'"scalar5"'))
    else:
        path.write_bytes(dict(_harms(content))[how])
    outcome = run.execute(card, tmp_path / "out")
    assert outcome.computed
    np.testing.assert_array_equal(outcome.dataset["wave"], reference["wave"])
    store.load(tmp_path / "out")
    if how != "missing":
        assert any(name in note and "damaged" in note for note in outcome.notes)
        assert (tmp_path / "out/damaged" / name).exists()


def test_a_clock_that_jumps_changes_nothing(tmp_path, calm):
    prelude = (
        "import time, random; time.time = lambda: random.uniform(-1e9, 4e9); "
        "time.time_ns = lambda: int(1e9 * time.time()); "
    )
    process = start(tmp_path, "--workers", "2", prelude=prelude, gate=10)
    wait_for(tmp_path, 10, process)
    process.send_signal(signal.SIGKILL)
    open_gate(tmp_path)
    ended(process)
    for number, path in enumerate((tmp_path / "out").rglob("*")):
        moment = (-1e6, 0, 5e9)[number % 3]
        os.utime(path, (moment, moment))
    status, told = ended(start(tmp_path, "--executor", "serial", prelude=prelude))
    assert status == 0, told
    assert result(tmp_path) == calm


def test_a_second_run_in_the_same_directory_is_refused_and_names_the_first(tmp_path, calm):
    first = start(tmp_path, "--workers", "2", gate=1)
    wait_for(tmp_path, 1, first)
    status, told = ended(start(tmp_path, "--executor", "serial"))
    assert status == 2
    assert f"another run is at work in out (user {_user()}, process {first.pid} on" in told
    open_gate(tmp_path)
    assert ended(first)[0] == 0
    assert result(tmp_path) == calm


def _user():
    import getpass

    return getpass.getuser()


def test_a_lock_that_was_left_behind_is_taken_over(tmp_path):
    owner = {"user": "someone", "host": "elsewhere", "pid": 4, "start": "never"}
    (tmp_path / ".lock").write_text(json.dumps(owner))
    assert owner_of(tmp_path) == ""
    with RunLock(tmp_path) as lock:
        assert "did not end in order (user someone, process 4 on elsewhere)" in lock.note
        with pytest.raises(StoreError, match="another run is at work"), RunLock(tmp_path):
            pass
        assert str(os.getpid()) in owner_of(tmp_path)
    assert not (tmp_path / ".lock").exists()
    for content in (b"", b"\xff\x00", b"[1, 2]", b'{"pid": "x", "host": 3}'):
        (tmp_path / ".lock").write_bytes(content)
        with RunLock(tmp_path):
            pass


def test_packed_items_come_back_and_any_damage_is_noticed(monkeypatch):
    know_probe(monkeypatch)
    dataset = run.calculate(cards.parse(PROBE))
    content = pack(dataset, {"key": "k"})
    packed = unpack(content)
    assert packed.facts == {"key": "k"}
    for name, variable in dataset.variables.items():
        np.testing.assert_array_equal(packed.variables[name].values, variable.values)
        assert packed.variables[name].values.dtype == variable.dtype
    chance = np.random.default_rng(3)
    for _ in range(300):
        harmed = bytearray(content)
        harmed[chance.integers(len(harmed))] ^= 1 << chance.integers(8)
        with pytest.raises(DamagedError):
            unpack(bytes(harmed[: chance.integers(len(harmed) + 1)] if _ % 2 else harmed))


def test_status_tells_what_is_done(tmp_path):
    from negf_torque.study.status import status_of

    process = start(tmp_path, "--workers", "2", gate=4)
    wait_for(tmp_path, 4, process)
    with pytest.MonkeyPatch.context() as patch:
        know_probe(patch)
        lines = list(status_of(tmp_path / "out"))
        assert any(f"process {process.pid}" in line for line in lines)
        process.send_signal(signal.SIGTERM)  # as a batch system does at the time limit
        heard(process)
        open_gate(tmp_path)
        status, _ = ended(process)
        assert status == 130
        lines = list(status_of(tmp_path / "out"))
    kept = finished(tmp_path)
    assert f"items: {kept} of {ITEMS} finished, {ITEMS - kept} to do" in lines
    assert "no one is at work" in lines
