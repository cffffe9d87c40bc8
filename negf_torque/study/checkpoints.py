"""Finished work items on disk: one file each, named by the hash of what it was computed from.

The name is the SHA-256 of the item's inputs and of the program's version of the calculation, so
that a file is found again on any machine and never by a program that would compute something
else.  A file is written to a temporary name, flushed and renamed; what still got damaged is
noticed by its checksum, put aside under `damaged/` and computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from negf_torque import __version__
from negf_torque.study.packed import DamagedError, Packed, unpack

__all__ = ["Checkpoints", "item_key", "program_version", "set_aside"]

FOLDER, DAMAGED = "checkpoints", "damaged"
_NAME = re.compile(r"[0-9a-f]{62}\.item")
_FOLDER = re.compile(r"[0-9a-f]{2}")


def program_version(kind: str) -> str:
    """What stands for the program in the name of a file: release, calculation and its text.

    A kind may export `CALCULATION_VERSION`, a whole number, to be raised when a change elsewhere
    changes its numbers between two releases.
    """
    from negf_torque.study.card import calculation_module

    module = calculation_module(kind)
    number = getattr(module, "CALCULATION_VERSION", 1)
    return f"{__version__} {kind} {number} {_text_digest(str(module.__file__))}"


@lru_cache(maxsize=64)
def _text_digest(path: str) -> str:
    """Hash of a calculation's file and of those that belong to it."""
    file = Path(path)
    digest = hashlib.sha256()
    for one in [file, *sorted(file.parent.glob(f"_{file.stem}*.py"))]:
        digest.update(one.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def item_key(version: str, base: str, values: dict[str, Any], part: Any = None) -> str:
    """Name of a work item.

    Parameters
    ----------
    version : str
        From `program_version`.
    base : str
        Hash of what all items of the run share.
    values : dict
        Swept keys and what they hold.
    part
        Plain data that tells parts of one point apart.
    """
    content = json.dumps([version, base, values, part], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


class Checkpoints:
    """The files of one run's finished items.

    Parameters
    ----------
    directory : Path
        The run's directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.folder = directory / FOLDER

    def path(self, key: str) -> Path:
        """Where the file of an item is."""
        return self.folder / key[:2] / f"{key[2:]}.item"

    def __contains__(self, key: str) -> bool:
        return os.path.exists(self.path(key))

    def write(self, key: str, data: bytes) -> None:
        """Write a finished item so that it is there whole or not at all."""
        path = str(self.path(key))
        temporary = f"{path}.{os.getpid()}.{threading.get_ident()}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            handle = os.open(temporary, flags, 0o644)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            handle = os.open(temporary, flags, 0o644)
        try:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(handle, view) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def read(self, key: str) -> Packed:
        """A finished item.

        Raises
        ------
        FileNotFoundError
            If it is not finished.
        DamagedError
            If the file is damaged or that of another item.
        """
        with open(self.path(key), "rb") as file:
            packed = unpack(file.read())
        if packed.facts.get("key") != key:
            raise DamagedError("it is the file of another item")
        return packed

    def check(self, key: str) -> dict[str, Any] | str | None:
        """The facts of a finished item, why its file cannot be trusted, or None (no file)."""
        try:
            return self.read(key).facts
        except FileNotFoundError:
            return None
        except (DamagedError, OSError) as error:
            return str(error)

    def set_aside(self, key: str) -> Path:
        """Move a file that cannot be trusted to `damaged/`, where it is kept."""
        return set_aside(self.path(key), self.directory)

    def files(self) -> Iterator[Path]:
        """Every file that a run has put here, temporary ones included."""
        if not self.folder.is_dir():
            return
        for folder in os.scandir(self.folder):
            if _FOLDER.fullmatch(folder.name) and folder.is_dir(follow_symlinks=False):
                for entry in os.scandir(folder):
                    if _NAME.match(entry.name):
                        yield Path(entry.path)

    def clear(self) -> None:
        """Remove the files of all items; whatever else lies there stays."""
        for path in self.files():
            path.unlink(missing_ok=True)
        if self.folder.is_dir():
            for folder in [*self.folder.iterdir(), self.folder]:
                if folder.is_dir() and not folder.is_symlink():
                    try:
                        folder.rmdir()
                    except OSError:  # something of someone else is in it
                        continue


def set_aside(path: Path, directory: Path) -> Path:
    """Move a file to `directory/damaged/` under a name that is free there."""
    folder = directory / DAMAGED
    folder.mkdir(exist_ok=True)
    number, target = 0, folder / path.name
    while target.exists():
        number += 1
        target = folder / f"{path.name}.{number}"
    os.replace(path, target)
    return target
