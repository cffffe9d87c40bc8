"""Run cards: a TOML text becomes a validated `Card`, or one list of everything wrong with it.

A card has the tables `[system]`, `[[impurities]]`, `[disorder]`, `[calculation]`, `[llg]`,
`[output]` and `[sweep]` (see `study.sweep`).  The calculation's `kind` names a file in
`study/calculations/`, the system's `builder` one in `study/builders/` (or "file.py:function", see
`study.builders.function`); the files bring the tables' models.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import tomli_w
from pydantic import BaseModel

from negf_torque import __version__
from negf_torque.study import builders, calculations
from negf_torque.study.complaints import path_text
from negf_torque.study.errors import CardError, Problem
from negf_torque.study.impurities import DisorderTable, ImpurityTable
from negf_torque.study.keylines import KeyPath, key_lines
from negf_torque.study.sweep import Sweep
from negf_torque.study.tables import LLGTable, OutputTable

__all__ = [
    "Card",
    "builder_module",
    "calculation_kinds",
    "calculation_module",
    "card_of_result",
    "load",
    "parse",
    "system_builders",
]

MAX_BYTES = 16_000_000
_DEEP = re.compile(r"(?<![\w-])(?:(?:[\w-]++|\"[^\"\n]*+\")[ \t]*+\.[ \t]*+){50}")
TABLES = ("system", "impurities", "disorder", "calculation", "llg", "output")


@dataclass(frozen=True)
class Card:
    """A card that has passed every check, defaults filled in.

    Attributes
    ----------
    path : Path
        The file it came from; builders in Python are looked up beside it.
    kind : str
        The calculation's kind.
    system : pydantic model or None
        The `[system]` table; its `builder` says which model it is.
    calculation, output : pydantic models
    llg : LLGTable or None
        None if the card has no such table.
    code : dict
        Names and texts of the Python files that the card uses.
    impurities : tuple of ImpurityTable
        Empty if the card has no such tables.
    disorder : DisorderTable or None
        None if the card has no such table.
    sweep : Sweep or None
        The keys that hold several values; the tables hold the first of each.  None if there
        are none.
    """

    path: Path
    kind: str
    system: Any
    calculation: Any
    llg: LLGTable | None = None
    output: OutputTable = field(default_factory=OutputTable)
    code: dict[str, str] = field(default_factory=dict)
    impurities: tuple[ImpurityTable, ...] = ()
    disorder: DisorderTable | None = None
    sweep: Sweep | None = None

    @property
    def name(self) -> str:
        """The card's name: its file's name without the ending."""
        return self.path.stem

    @property
    def module(self) -> ModuleType:
        """The calculation's file."""
        return calculation_module(self.kind)

    def tables(self) -> dict[str, Any]:
        """All tables as plain data, defaults filled in, keys without a value left out."""
        found: dict[str, Any] = {}
        for name in TABLES:
            content = getattr(self, name)
            if isinstance(content, tuple):
                found |= {name: [_plain(model) for model in content]} if content else {}
            elif content is not None:
                found[name] = _plain(content)
        return self.sweep.tables(found) if self.sweep else found

    def toml(self) -> str:
        """The card as run, which `parse` reads back to an equal card."""
        heading = f"# As run by negf_torque {__version__}, with every default written out.\n\n"
        return heading + tomli_w.dumps(self.tables())

    @property
    def hash(self) -> str:
        """SHA-256 of what the numbers depend on: system, impurities, calculation, Python files.

        The same on every machine; layout, comments, `[output]` and, unless the calculation
        reads it, `[llg]` do not enter.
        """
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """What the numbers depend on, as plain data."""
        tables = self.tables()
        parts = ["system", "calculation"]
        if getattr(self.module, "READS_LLG", False):
            parts.append("llg")
        content = {name: tables.get(name) for name in parts} | {"code": self.code}
        optional = ("impurities", "disorder", "sweep")
        return content | {name: tables[name] for name in optional if name in tables}

    def build(self) -> Any:
        """The magnet that `[system]` describes; calculations with a system of their own make it."""
        own = getattr(self.module, "build", None)
        if own is not None:
            return own(self)
        module = builder_module(self.system.builder)
        if module.__name__.endswith(".function"):
            return module.build(self.system, self.path.parent)
        return module.build(self.system)


def calculation_kinds() -> list[str]:
    """Kinds of calculations that exist."""
    return _modules(calculations)


def system_builders() -> list[str]:
    """Names of the builders that exist, besides Python functions."""
    return [name for name in _modules(builders) if name != "function"]


def calculation_module(kind: str) -> ModuleType:
    """The file of a kind; the kind must be one of `calculation_kinds()`."""
    return importlib.import_module(f"{calculations.__name__}.{kind}")


def load(path: str | Path, allow_code: bool = False) -> Card:
    """Read and check a card.

    Parameters
    ----------
    path : path of a TOML file
    allow_code : bool
        Whether the card may name Python code, which then runs with the caller's rights.

    Raises
    ------
    CardError
        With everything that is wrong, each with its key, value and line.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CardError(path, [Problem("", f"a card of more than {MAX_BYTES} bytes")])
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise CardError(path, [Problem("", f"there is no file {path}")]) from None
    except UnicodeDecodeError as error:
        raise CardError(path, [Problem("", f"the text is not UTF-8: {error.reason}")]) from None
    except OSError as error:
        raise CardError(path, [Problem("", f"cannot be read: {error.strerror}")]) from None
    return parse(text, path, allow_code)


def card_of_result(directory: Path) -> Card:
    """The card in a result's directory, with the name that it had when it was run.

    Its Python files are not run, so they may be named.
    """
    from negf_torque.study import store

    name = Path(str(store.load_summary(directory)["name"])).name
    card = load(directory / store.CARD, allow_code=True)
    return replace(card, path=directory / f"{name}.toml") if name else card


def parse(text: str, path: str | Path = "card.toml", allow_code: bool = False) -> Card:
    """Check the text of a card; see `load`."""
    path = Path(path)
    try:
        return _parse(text, path, allow_code)
    except RecursionError:
        raise CardError(path, [Problem("", "brackets are nested too deeply")]) from None


def _parse(text: str, path: Path, allow_code: bool) -> Card:
    if _DEEP.search(text):  # the parser's time grows with the square of the depth
        raise CardError(path, [Problem("", "a key of this card is nested too deeply")])
    try:
        data = tomllib.loads(text)
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise CardError(
            path,
            [Problem("", f"not valid TOML: {error}", int(line[1]) if line else None)],
        ) from None
    from negf_torque.study.cardcheck import check_tables

    found = check_tables(data, path, allow_code)
    if isinstance(found, Card):
        return found
    lines = key_lines(text)
    problems = [Problem(path_text(p), text, _line(p, lines)) for p, text in found.items()]
    problems.sort(key=lambda problem: problem.line or 0)
    raise CardError(path, problems)


def _line(path: KeyPath, lines: dict[KeyPath, int]) -> int | None:
    """Line of the key, or of the table that lacks it."""
    for cut in range(len(path), 0, -1):
        if path[:cut] in lines:
            return lines[path[:cut]]
    return None


def builder_module(builder: str) -> ModuleType:
    """The file of a builder, by the name in the card or "file.py:function"."""
    name = "function" if ":" in builder else builder
    return importlib.import_module(f"{builders.__name__}.{name}")


def _plain(model: BaseModel) -> dict[str, Any]:
    """A table's keys and values, what it is of before all others."""
    content = model.model_dump(mode="json", exclude_none=True, by_alias=True)
    first = {name: content[name] for name in ("kind", "builder") if name in content}
    return first | content


def _modules(package: ModuleType) -> list[str]:
    return list(_names_in(tuple(package.__path__)))


@lru_cache(maxsize=32)
def _names_in(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(m.name for m in pkgutil.iter_modules(folders) if m.name[0] != "_"))
