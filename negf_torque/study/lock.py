"""One run at a time in a directory.

The lock is the operating system's (`flock`): it ends with the process that holds it, however
that process ends, so that nothing has to guess from a clock whether an old lock still counts.
The locked file says who holds it.  Where the file system has no locks, a process of this machine
that is gone is recognised by its number and start; of another machine nothing can be known.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from negf_torque.study.errors import StoreError

__all__ = ["RunLock", "owner_of", "token_of"]

NAME = ".lock"


class RunLock:
    """Hold a run's directory for this process.

    Attributes
    ----------
    token : str
        A random word in the locked file: a worker that can read it sees the same directory.
    note : str
        What was found of a run that ended without giving its lock back; usually empty.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / NAME
        self.token = uuid.uuid4().hex
        self.note = ""
        self._handle: int | None = None

    def __enter__(self) -> RunLock:
        """Take the lock.

        Raises
        ------
        StoreError
            If another run holds it, or the directory cannot be written.
        """
        try:
            self._handle = self._locked()
            old = _content(self._handle)
            os.ftruncate(self._handle, 0)
            text = json.dumps({**_myself(), "token": self.token})
            os.pwrite(self._handle, text.encode(), 0)
            os.fsync(self._handle)
        except OSError as error:
            raise StoreError(
                f"{self.directory} cannot be written: {error.strerror or error}."
            ) from None
        if old:
            self.note = f"taken over from a run that did not end in order ({_words(old)})."
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.path.unlink(missing_ok=True)
        if self._handle is not None:
            os.close(self._handle)

    def _locked(self) -> int:
        """A handle of the locked file that the directory shows under its name."""
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if not _flock(handle) or _runs(_content(handle)):
                owner = _words(_content(handle)) or "its owner is unknown"
                os.close(handle)
                raise StoreError(
                    f"another run is at work in {self.directory} ({owner}). Wait for it, end it, "
                    "or choose another directory with -o."
                )
            try:
                shown = os.stat(self.path)
            except FileNotFoundError:
                os.close(handle)
                continue
            if os.path.samestat(shown, os.fstat(handle)):
                return handle
            os.close(handle)


def owner_of(directory: Path) -> str:
    """Who is at work in a directory, in words; "" if no one is."""
    try:
        handle = os.open(directory / NAME, os.O_RDONLY)
    except OSError:
        return ""
    try:
        free = _flock(handle)
        return "" if free and not _runs(_content(handle)) else _words(_content(handle))
    finally:
        os.close(handle)


def token_of(directory: Path) -> str:
    """The word in the locked file, "" if there is none to see."""
    try:
        return str(json.loads((directory / NAME).read_bytes()).get("token", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _flock(handle: int) -> bool:
    """Lock a file; False if another process holds it, True too where there are no such locks."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _runs(owner: dict[str, Any]) -> bool:
    """Whether the process is known to be alive although the file could be locked."""
    if owner.get("host") != socket.gethostname() or owner.get("pid") == os.getpid():
        return False
    started = _start(owner.get("pid", 0))
    return started is not None and started == owner.get("start")


def _myself() -> dict[str, Any]:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # no name for the user's number
        user = str(os.getuid())
    host, pid = socket.gethostname(), os.getpid()
    return {"user": user, "host": host, "pid": pid, "start": _start(pid)}


def _start(pid: Any) -> str | None:
    """When a process of this machine started, in ticks since the machine did; None if gone."""
    try:
        fields = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, ValueError, TypeError):
        return None
    return f"{boot} {fields[19]}"


def _content(handle: int) -> dict[str, Any]:
    try:
        found = json.loads(os.pread(handle, 4096, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(owner: dict[str, Any]) -> str:
    if not owner:
        return ""
    return f"user {owner.get('user')}, process {owner.get('pid')} on {owner.get('host')}"
