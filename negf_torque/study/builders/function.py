"""`builder = "file.py:function"`: a user's own Kwant system.

The function gets the keys of `[system.parameters]` as keyword arguments and returns a
`lattice.Magnet` (see `lattice.magnet_from_kwant`).  The file lies beside the card or in a
folder below it, and runs only where the caller allows code.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from negf_torque.study.base import Table, key
from negf_torque.study.errors import StudyError

if TYPE_CHECKING:
    from negf_torque.lattice.bulk import BulkMagnet
    from negf_torque.lattice.magnet import Magnet

__all__ = ["System", "build", "build_bulk", "source_file"]

_REFERENCE = re.compile(r"(?P<file>[^:]+\.py):(?P<function>[A-Za-z_]\w*)")


class System(Table):
    """The `[system]` table of a system that a Python function builds."""

    builder: str = key('A function that returns a magnet: "file.py:function".')
    parameters: dict[str, Any] = key("Keyword arguments of the function.", {})

    @field_validator("builder")
    @classmethod
    def _reference(cls, value: str) -> str:
        if not _REFERENCE.fullmatch(value):
            raise ValueError('is not a function. Give "file.py:function".')
        return value

    @property
    def file(self) -> str:
        """The file's name as the card gives it."""
        return self.builder.rpartition(":")[0]

    @property
    def function(self) -> str:
        """The function's name."""
        return self.builder.rpartition(":")[2]


def source_file(reference: str, folder: Path) -> Path:
    """The file that a reference names, which must lie in `folder` or below.

    Raises
    ------
    ValueError
        If the file leaves the folder (also through a link) or does not exist.
    """
    name = reference.rpartition(":")[0]
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise ValueError(f'"{name}" is outside the card\'s folder. Put the file beside the card.')
    if not file.is_file():
        raise ValueError(f'there is no file "{name}" beside the card.')
    return file


def build(system: System, folder: Path) -> Magnet:
    """Import the file and call the function.

    Raises
    ------
    StudyError
        If the file has no such function, the function fails or returns something else.
    """
    from negf_torque.lattice.magnet import Magnet
    from negf_torque.lattice.row_counts import check_orbital_counts

    made = _call(system.builder, system.parameters, folder)
    if not isinstance(made, Magnet):
        raise StudyError(
            f"{system.builder} returned {type(made).__name__}. Return a "
            "negf_torque.lattice.Magnet, as magnet_from_kwant makes of a Kwant system."
        )
    check_orbital_counts(made)
    return made


def build_bulk(builder: str, parameters: dict[str, Any], folder: Path) -> BulkMagnet:
    """The same for a function that returns a bulk crystal."""
    from negf_torque.lattice.bulk import BulkMagnet

    made = _call(builder, parameters, folder)
    if not isinstance(made, BulkMagnet):
        raise StudyError(
            f"{builder} returned {type(made).__name__}. Return a BulkMagnet, as "
            "negf_torque.lattice.bulk.bulk_from_kwant makes of a builder."
        )
    return made


def _call(builder: str, parameters: dict[str, Any], folder: Path) -> Any:
    """What the user's function returns."""
    file, name = source_file(builder, folder), builder.rpartition(":")[2]
    try:
        spec = importlib.util.spec_from_file_location(file.stem, file)
        if spec is None or spec.loader is None:
            raise ImportError("it is no Python file; its name must end in .py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except Exception as error:
        raise StudyError(f"{file.name} cannot be imported: {_cause(error)}") from error
    function = getattr(module, name, None)
    if not callable(function):
        names = [n for n, f in vars(module).items() if inspect.isfunction(f)]
        raise StudyError(
            f"{file.name} has no function {name!r}; it defines {', '.join(names) or 'none'}."
        )
    try:
        return function(**parameters)
    except Exception as error:
        raise StudyError(f"{builder} failed: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    where = f" (line {frames[-1].lineno} of {Path(frames[-1].filename).name})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
