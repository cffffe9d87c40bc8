"""Run cards: a TOML text becomes a validated `Card`, or one list of everything wrong with it.

A card has the tables `[system]`, `[[impurities]]`, `[disorder]`, `[calculation]`, `[llg]` and
`[output]`.  The calculation's `kind` names a file in `study/calculations/`, the system's
`builder` one in `study/builders/` (or "file.py:function", see `study.builders.function`); the
files bring the tables' models.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib
import json
import math
import pkgutil
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import tomli_w
from pydantic import BaseModel, ValidationError

from negf_torque import __version__
from negf_torque.study import builders, calculations
from negf_torque.study.base import Table
from negf_torque.study.complaints import complaints, nearest, path_text
from negf_torque.study.errors import CardError, Problem
from negf_torque.study.impurities import DisorderTable, ImpurityTable
from negf_torque.study.keylines import KeyPath, key_lines
from negf_torque.study.schema import repr_toml
from negf_torque.study.tables import LLGTable, OutputTable

__all__ = [
    "Card",
    "builder_module",
    "calculation_kinds",
    "calculation_module",
    "load",
    "parse",
    "system_builders",
]

MAX_BYTES = 16_000_000
TABLES = ("system", "impurities", "disorder", "calculation", "llg", "output")


class ImpurityList(Table):
    """The tables `[[impurities]]` of a card, one after the other."""

    impurities: list[ImpurityTable] = []


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
        return found

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
        tables = self.tables()
        parts = ["system", "calculation"]
        if getattr(self.module, "READS_LLG", False):
            parts.append("llg")
        content = {name: tables.get(name) for name in parts} | {"code": self.code}
        content |= {name: tables[name] for name in ("impurities", "disorder") if name in tables}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

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


def parse(text: str, path: str | Path = "card.toml", allow_code: bool = False) -> Card:
    """Check the text of a card; see `load`."""
    path = Path(path)
    try:
        return _parse(text, path, allow_code)
    except RecursionError:
        raise CardError(path, [Problem("", "brackets are nested too deeply")]) from None


def _parse(text: str, path: Path, allow_code: bool) -> Card:
    try:
        data = tomllib.loads(text)
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise CardError(
            path,
            [Problem("", f"not valid TOML: {error}", int(line[1]) if line else None)],
        ) from None
    found = _check(data, path, allow_code)
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


def _check(data: dict[str, Any], path: Path, allow_code: bool) -> Card | dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    for name, value in data.items():
        if name not in TABLES:
            problems[(name,)] = "no such table. " + nearest(name, TABLES, "tables")
        elif name == "impurities":
            if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
                problems[(name,)] = (
                    "one table for each kind of impurity is expected. Write [[impurities]], in "
                    "double brackets, and its keys below."
                )
        elif not isinstance(value, dict):
            problems[(name,)] = f"a table is expected. Write [{name}] and its keys below."
    _unfit_values(data, (), problems)
    if problems:
        return problems
    module = _calculation(data, problems)
    if module and not getattr(module, "READS_IMPURITIES", False):
        for name in ("impurities", "disorder"):
            if name in data:
                problems[(name,)] = _no_impurities(module)
    models: dict[str, type[BaseModel] | None] = {
        "system": _system_model(data, module, path, allow_code, problems),
        "calculation": module.Parameters if module else None,
        "disorder": DisorderTable if "disorder" in data else None,
        "llg": LLGTable if "llg" in data else None,
        "output": OutputTable,
    }
    tables: dict[str, Any] = {
        name: _table(name, model, data.get(name, {}), problems)
        for name, model in models.items()
        if model
    }
    listed = {"impurities": data.get("impurities", [])}
    impurities = _table("", ImpurityList, listed, problems)
    if problems or module is None:
        return problems
    card = Card(
        path,
        data["calculation"]["kind"],
        tables.get("system"),
        tables["calculation"],
        tables.get("llg"),
        tables["output"],
        code=_code(tables.get("system"), path),
        impurities=tuple(impurities.impurities),
        disorder=tables.get("disorder"),
    )
    problems.update(getattr(module, "check", lambda card: {})(card))
    return problems or card


def _no_impurities(module: ModuleType) -> str:
    readers = [
        kind
        for kind in calculation_kinds()
        if getattr(calculation_module(kind), "READS_IMPURITIES", False)
    ]
    known = f" Kinds that do: {', '.join(readers)}." if readers else ""
    own = module.__name__.rsplit(".")[-1]
    return f'the calculation "{own}" knows no impurities. Remove the table.{known}'


def _calculation(data: dict[str, Any], problems: dict[KeyPath, str]) -> ModuleType | None:
    kinds = calculation_kinds()
    if "calculation" not in data:
        problems[("calculation",)] = f"missing. Give [calculation] with a kind: {', '.join(kinds)}."
        return None
    kind = data["calculation"].get("kind")
    if kind in kinds:
        return calculation_module(kind)
    problems[("calculation", "kind")] = (
        f"missing. Known kinds: {', '.join(kinds)}."
        if kind is None
        else f"{repr_toml(kind)} is not a calculation. " + nearest(str(kind), kinds, "kinds")
    )
    return None


def _system_model(
    data: dict[str, Any],
    module: ModuleType | None,
    path: Path,
    allow_code: bool,
    problems: dict[KeyPath, str],
) -> type[BaseModel] | None:
    own = getattr(module, "System", None)
    if own is not None:
        named = data.get("system", {}).get("builder", "")
        if isinstance(named, str) and ":" in named:
            _allow(named, path, allow_code, problems)
        return own
    if module and not getattr(module, "NEEDS_SYSTEM", True):
        if "system" in data:
            problems[("system",)] = f'"{module.__name__.rsplit(".")[-1]}" takes no system.'
        return None
    known = system_builders()
    if "system" not in data:
        if module is not None:
            problems[("system",)] = f"missing. Give [system] with a builder: {', '.join(known)}."
        return None
    builder = data["system"].get("builder", "stack")
    if builder in known:
        return builder_module(builder).System
    if isinstance(builder, str) and ":" in builder:
        _allow(builder, path, allow_code, problems)
        return builder_module(builder).System
    problems[("system", "builder")] = f"{repr_toml(builder)} is not a builder. " + nearest(
        str(builder), [*known, "file.py:function"], "builders"
    )
    return None


def builder_module(builder: str) -> ModuleType:
    """The file of a builder, by the name in the card or "file.py:function"."""
    name = "function" if ":" in builder else builder
    return importlib.import_module(f"{builders.__name__}.{name}")


def _allow(builder: str, path: Path, allow_code: bool, problems: dict[KeyPath, str]) -> None:
    from negf_torque.study.builders.function import source_file

    try:
        file = source_file(builder, path.parent)
    except (ValueError, OSError) as error:
        problems[("system", "builder")] = str(error)
        return
    if not allow_code:
        problems[("system", "builder")] = (
            f'"{builder}" is Python code: {file} would run with your rights. '
            "If you trust it, add --allow-code."
        )


def _code(system: Any, path: Path) -> dict[str, str]:
    if ":" not in getattr(system, "builder", ""):
        return {}
    from negf_torque.study.builders.function import source_file

    file = source_file(system.builder, path.parent)
    return {file.name: file.read_text(encoding="utf-8", errors="replace")}


def _table(
    name: str, model: type[BaseModel], data: dict[str, Any], problems: dict[KeyPath, str]
) -> Any:
    try:
        # As JSON, so that strict types hold (no number from a text) but lists fill tuples.
        return model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        found = complaints(error, model, data)
    above = (name,) if name else ()
    problems.update({(*above, *path): text for path, text in found.items()})
    return None


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True, by_alias=True)


def _unfit_values(value: Any, path: KeyPath, problems: dict[KeyPath, str]) -> None:
    """TOML can hold dates, and numbers beyond 64 bits or not finite: no key takes them."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for part, inner in items:
            _unfit_values(inner, (*path, part), problems)
    elif isinstance(value, datetime.date | datetime.time):
        problems[path] = f"{value} is a date or time; no key of a card takes one."
    elif isinstance(value, int) and abs(value) >= 2**63:
        problems[path] = "the number is beyond 64 bits."
    elif isinstance(value, float) and not math.isfinite(value):
        problems[path] = f"{value} is not a finite number."


def _modules(package: ModuleType) -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name[0] != "_")
