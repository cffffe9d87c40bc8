"""Where work items run: here, in processes, on a Dask cluster, under MPI, or as the caller says.

All of them are `concurrent.futures.Executor`s; what differs is how they begin, how many items
they run at a time, and what happens when a worker dies.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from negf_torque.study.errors import StudyError

__all__ = ["EXECUTORS", "Pool", "cores", "mpi_session", "open_pool"]

EXECUTORS = ("serial", "processes", "dask", "mpi")


@dataclass
class Pool:
    """An executor with what its user must know.

    Attributes
    ----------
    executor : Executor
    width : int
        Items that run at a time.
    renew : function or None
        Makes a new executor after one whose worker died; None if it heals itself.
    here : bool
        Whether items run in this process, one after the other.
    """

    executor: Executor
    width: int
    renew: Callable[[], Executor] | None = None
    here: bool = False

    def restart(self) -> None:
        """Go on after the death of a worker."""
        if self.renew is not None:
            self.executor.shutdown(wait=False, cancel_futures=True)
            self.executor = self.renew()


class SerialExecutor(Executor):
    """Runs what it gets at once, in this process."""

    def submit(self, function: Any, /, *words: Any, **keywords: Any) -> Future:
        """The finished future of a call."""
        future: Future = Future()
        try:
            future.set_result(function(*words, **keywords))
        except Exception as error:
            future.set_exception(error)
        return future


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def open_pool(
    executor: str | Executor | Pool, workers: int | None = None, most: int | None = None
) -> Iterator[Pool]:
    """An executor by its name, ended when the block is left.

    Parameters
    ----------
    executor : str or Executor
        "serial", "processes", "dask" (a cluster of processes on this machine),
        "dask://host:port" (a running scheduler), "mpi" (the ranks that `mpiexec` has started),
        or any executor of the caller, which stays open.
    workers : int, optional
        Processes to start; default one for each core.
    most : int, optional
        As many as memory allows.

    Raises
    ------
    StudyError
        If there is no such executor, or what it needs is not installed or not there.
    """
    count = min(workers or cores(), most or 10**6)
    if isinstance(executor, Pool):
        yield executor
    elif isinstance(executor, Executor):
        yield Pool(executor, workers or getattr(executor, "_max_workers", None) or cores())
    elif executor == "serial":
        yield Pool(SerialExecutor(), 1, here=True)
    elif executor == "processes":
        yield from _processes(count)
    elif executor == "dask" or executor.startswith("dask://"):
        yield from _dask(executor, count)
    elif executor == "mpi":
        with mpi_session() as pool:
            if pool is None:
                raise StudyError("only the first MPI rank runs a card; the others serve it.")
            yield pool
    else:
        raise StudyError(
            f'"{executor}" is no executor. Give one of {", ".join(EXECUTORS)}, or dask://host:port.'
        )


def _processes(count: int) -> Iterator[Pool]:
    from negf_torque.study.worker import start_worker

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["negf_torque.study.preload"])

    def renew() -> Executor:
        return ProcessPoolExecutor(count, context, start_worker)

    pool = Pool(renew(), count, renew)
    finished = False
    try:
        yield pool
        finished = True
    finally:
        pool.executor.shutdown(wait=finished, cancel_futures=True)


def _dask(address: str, count: int) -> Iterator[Pool]:
    try:
        import distributed
    except ImportError:
        raise StudyError(
            "the executor dask needs the package distributed: pip install negf-torque[cluster]"
        ) from None
    address = address.removeprefix("dask").removeprefix("://")
    with _quiet_logs():
        try:
            if address:
                client = distributed.Client(f"tcp://{address}", timeout=20, set_as_default=False)
            else:
                client = distributed.Client(
                    n_workers=count,
                    threads_per_worker=1,
                    dashboard_address=None,
                    set_as_default=False,
                )
        except (OSError, ValueError) as error:
            raise StudyError(f"no Dask scheduler answers at {address or 'home'}: {error}") from None
        with client:
            width = sum(client.nthreads().values()) or count
            with client.get_executor(pure=False) as executor:
                yield Pool(executor, width)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Dask tells of every lost connection, also at an orderly end."""
    import logging

    log = logging.getLogger("distributed")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def mpi_session() -> Iterator[Pool | None]:
    """Under MPI: the pool in the first rank; None in the others, after they have served it.

    All ranks enter it before anything can fail, so that none waits for one that has given up.

    Raises
    ------
    StudyError
        Without mpi4py, or with one rank only.
    """
    import signal

    try:
        from mpi4py import MPI
        from mpi4py.futures import MPICommExecutor
    except (ImportError, RuntimeError) as error:
        raise StudyError(
            "the executor mpi needs the package mpi4py and an MPI library: pip install "
            f"negf-torque[cluster] ({error})"
        ) from None
    ranks = MPI.COMM_WORLD.Get_size()
    if ranks < 2:
        raise StudyError(
            "the executor mpi runs under MPI with two ranks or more: mpiexec -n 4 negf-torque run "
            "CARD --executor mpi"
        )
    if MPI.COMM_WORLD.Get_rank() > 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        yield None if executor is None else Pool(cast(Executor, executor), ranks - 1)
