"""The same sweep on every executor: the same bytes.  Dask and MPI are started for real."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import pytest
from study_faults import counts
from study_helpers import _COMMAND, PROBE, command, know_probe

from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import StudyError
from negf_torque.study.executors import open_pool

CARD = (
    PROBE + "number = {linspace = [0, 11, 12]}\nseed = 3\npoints = [2, 5]\nbusy = 0.01\n"
    "[output]\nfigures = []\n"
)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The result of the run in one process, item after item."""
    directory = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        know_probe(patch)
        card = cards.parse(CARD, directory / "sweep.toml")
        run.execute(card, directory / "out", executor="serial")
    return (directory / "out/result.nc").read_bytes()


def test_processes_and_orders_do_not_matter(tmp_path, alone, monkeypatch):
    know_probe(monkeypatch)
    card = cards.parse(CARD, tmp_path / "sweep.toml")
    run.execute(card, tmp_path / "two", executor="processes", workers=2)
    assert (tmp_path / "two/result.nc").read_bytes() == alone
    from negf_torque.study import campaign

    forward = campaign.items_of
    monkeypatch.setattr(campaign, "items_of", lambda job: reversed(list(forward(job))))
    run.execute(card, tmp_path / "back", executor="serial")
    assert (tmp_path / "back/result.nc").read_bytes() == alone


def test_any_executor_of_the_caller_will_do(tmp_path, alone, monkeypatch):
    know_probe(monkeypatch)
    card = cards.parse(CARD, tmp_path / "sweep.toml")
    with ThreadPoolExecutor(3) as threads:
        run.execute(card, tmp_path / "threads", executor=threads)
        assert threads.submit(int).result() == 0  # stays open
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        run.execute(card, tmp_path / "spawn", executor=processes)
    for name in ("threads", "spawn"):
        assert (tmp_path / name / "result.nc").read_bytes() == alone


def test_a_worker_elsewhere_sends_its_items_back(tmp_path, alone, monkeypatch):
    know_probe(monkeypatch)
    from negf_torque.study import worker

    monkeypatch.setattr(worker, "token_of", lambda directory: "another directory")
    card = cards.parse(CARD, tmp_path / "sweep.toml")
    run.execute(card, tmp_path / "out", executor="serial")
    assert (tmp_path / "out/result.nc").read_bytes() == alone


def test_executors_that_do_not_exist_are_told():
    with (
        pytest.raises(StudyError, match='"proceses" is no executor. Give one of serial'),
        open_pool("proceses"),
    ):
        pass


def test_the_number_of_workers_respects_memory():
    with open_pool("processes", workers=8, most=3) as pool:
        assert pool.width == 3


@pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed")
def test_a_dask_cluster_gives_the_same_bytes(tmp_path, alone):
    """A scheduler and two worker processes of their own, found by their address."""
    script = (
        "import time; from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    c = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)\n"
        "    print(c.scheduler_address, flush=True)\n"
        "    time.sleep(600)\n"
    )
    (tmp_path / "cluster.py").write_text(script)
    (tmp_path / "sweep.toml").write_text(CARD)
    cluster = subprocess.Popen(
        [sys.executable, "cluster.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    try:
        address = cluster.stdout.readline().strip().removeprefix("tcp://")
        done = command(
            "run", "sweep.toml", "-o", "out", "--executor", f"dask://{address}", cwd=tmp_path
        )
    finally:
        cluster.terminate()
        cluster.communicate()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/result.nc").read_bytes() == alone
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed")
def test_a_scheduler_that_is_not_there_is_told(tmp_path, monkeypatch):
    import distributed

    monkeypatch.setattr(
        distributed, "Client", lambda *a, **k: (_ for _ in ()).throw(OSError("timed out"))
    )
    with (
        pytest.raises(StudyError, match="no Dask scheduler answers at nowhere:1: timed out"),
        open_pool("dask://nowhere:1"),
    ):
        pass


def _mpiexec():
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


NEEDS_MPI = pytest.mark.skipif(
    find_spec("mpi4py") is None or _mpiexec() is None, reason="there is no MPI here"
)


def _mpi(directory, *words, ranks="2"):
    return subprocess.run(
        [_mpiexec(), "-n", ranks, sys.executable, "-c", _COMMAND, "run", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "PROBE_COUNTS": str(directory / "counts")},
    )


@NEEDS_MPI
def test_two_mpi_ranks_give_the_same_bytes_and_go_on_with_a_stopped_run(tmp_path, alone):
    (tmp_path / "sweep.toml").write_text(CARD)
    done = _mpi(tmp_path, "sweep.toml", "-o", "out", "--executor", "mpi", "--quiet")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/result.nc").read_bytes() == alone
    assert sum(counts(tmp_path).values()) == 24


@NEEDS_MPI
def test_a_bad_card_under_mpi_ends_every_rank(tmp_path):
    (tmp_path / "sweep.toml").write_text(PROBE + "pints = 3\n")
    done = _mpi(tmp_path, "sweep.toml", "--executor", "mpi")
    assert done.returncode == 2
    assert done.stderr.count("calculation.pints: no such key") == 1


@NEEDS_MPI
def test_mpi_with_one_rank_is_told(tmp_path):
    (tmp_path / "sweep.toml").write_text(CARD)
    done = _mpi(tmp_path, "sweep.toml", "--executor", "mpi", ranks="1")
    assert done.returncode == 2 and "two ranks or more" in done.stderr


def test_workers_have_one_thread_of_linear_algebra():
    """Whatever the user's shell says: here it is two, which the main process keeps."""
    code = (
        "import numpy; from threadpoolctl import threadpool_info as told\n"
        "from negf_torque.study.executors import open_pool\n"
        "with open_pool('processes', workers=1) as pool:\n"
        "    for found in told(), pool.executor.submit(told).result():\n"
        "        print(sorted({library['num_threads'] for library in found}))\n"
    )
    two = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "2")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **two}
    )
    assert done.returncode == 0, done.stderr
    here, workers = done.stdout.splitlines()
    assert workers == "[1]" and (here == "[2]" or os.cpu_count() == 1)
