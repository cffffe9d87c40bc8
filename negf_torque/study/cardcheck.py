"""What is wrong with the tables of a card, or the card that they make."""

from __future__ import annotations

import copy
import datetime
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from negf_torque.study import schema
from negf_torque.study.base import Table
from negf_torque.study.card import (
    TABLES,
    Card,
    builder_module,
    calculation_kinds,
    calculation_module,
    system_builders,
)
from negf_torque.study.complaints import complaints, nearest, path_text
from negf_torque.study.impurities import DisorderTable, ImpurityTable
from negf_torque.study.keylines import KeyPath
from negf_torque.study.schema import repr_toml
from negf_torque.study.sweep import (
    MOST_POINTS,
    Sweep,
    SweepTable,
    find_sweeps,
    join_axes,
    sample_points,
)
from negf_torque.study.tables import LLGTable, OutputTable

__all__ = ["check_again", "check_tables", "further"]


class ImpurityList(Table):
    """The tables `[[impurities]]` of a card, one after the other."""

    impurities: list[ImpurityTable] = []


def check_tables(data: dict[str, Any], path: Path, allow_code: bool) -> Card | dict[KeyPath, str]:
    """The card that a text's tables make, or what is wrong with them, from path to message."""
    problems: dict[KeyPath, str] = {}
    _known_tables(data, problems)
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
        "impurities": ImpurityList if "impurities" in data else None,
        "disorder": DisorderTable if "disorder" in data else None,
        "calculation": module.Parameters if module else None,
        "llg": LLGTable if "llg" in data else None,
        "output": OutputTable,
    }
    data = copy.deepcopy(data)
    sweep = _sweep(data, module, models, problems)
    tables = {
        name: _table(name, model, data.get(name, {}), problems)
        for name, model in models.items()
        if model
    }
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
        impurities=tables.get("impurities") or (),
        disorder=tables.get("disorder"),
        sweep=sweep,
    )
    problems.update(_points(card) if sweep else further(card))
    return problems or card


def check_again(card: Card, name: str, data: Any, problems: dict[KeyPath, str]) -> Any:
    """One table of a card that was valid before, with other values; None if it is wrong now."""
    model = ImpurityList if name == "impurities" else type(getattr(card, name))
    return _table(name, model, data, problems)


def further(card: Card) -> dict[KeyPath, str]:
    """Mistakes that only the calculation can tell; also numbers that its check cannot work with."""
    try:
        return getattr(card.module, "check", lambda card: {})(card)
    except (ArithmeticError, ValueError) as error:
        return {
            ("calculation",): f"cannot be checked: {error}. A number of this card is too large, "
            "too small, or as good as zero."
        }


def _known_tables(data: dict[str, Any], problems: dict[KeyPath, str]) -> None:
    for name, value in data.items():
        if name not in (*TABLES, "sweep"):
            problems[(name,)] = "no such table. " + nearest(name, (*TABLES, "sweep"), "tables")
        elif name == "impurities":
            if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
                problems[(name,)] = (
                    "one table for each kind of impurity is expected. Write [[impurities]], in "
                    "double brackets, and its keys below."
                )
        elif not isinstance(value, dict):
            problems[(name,)] = f"a table is expected. Write [{name}] and its keys below."


def _sweep(
    data: dict[str, Any],
    module: ModuleType | None,
    models: dict[str, type[BaseModel] | None],
    problems: dict[KeyPath, str],
) -> Sweep | None:
    """The sweep of a card; in `data` the swept keys are left at their first values."""
    table = _table("sweep", SweepTable, data.get("sweep", {}), problems)
    found = []
    for name, model in models.items():
        swept = name != "output" and (name != "llg" or getattr(module, "READS_LLG", False))
        if model and swept and name in data:
            inside = {name: data[name]} if name == "impurities" else data[name]
            path = () if name == "impurities" else (name,)
            found += list(find_sweeps(inside, model, path, problems))
    if table is None or not found:
        if table is not None and (table.zip or table.average):
            problems[("sweep",)] = (
                "no key of the card is swept. Give one a list of values, or {linspace = "
                "[first, last, count]}."
            )
        return None
    found.sort(key=lambda entry: _order(entry[0]))

    def describe(path: KeyPath) -> schema.KeyInfo | None:
        model = models[str(path[0])]
        if model is None:
            return None
        node = schema.node_at(model, path if path[0] == "impurities" else path[1:])
        return schema.describe(path_text(path), *node) if node else None

    axes = join_axes(found, table, describe, problems)
    sweep = Sweep(axes, {path: given for path, _, given in found}, data, table)
    if not problems and len(sweep) > MOST_POINTS:
        problems[found[0][0]] = (
            f"with all keys that hold several values there are {len(sweep):.2g} points; at most "
            f"{MOST_POINTS} can run. Give fewer values, or join keys in [sweep]."
        )
    return sweep


def _order(path: KeyPath) -> tuple[Any, ...]:
    """Tables in their usual order, keys by name: the same for a card and its copy."""
    return TABLES.index(str(path[0])), *((isinstance(p, int), p) for p in path[1:])


def _points(card: Card) -> dict[KeyPath, str]:
    """What is wrong at the points of a sweep that are looked at before it runs."""
    sweep = card.sweep
    assert sweep is not None
    for indices in sample_points(sweep):
        found = sweep.card_at(card, indices)
        if isinstance(found, Card):
            continue
        if not any(indices):
            return found
        where = "; ".join(
            f"{path_text(path)} = {repr_toml(value)}" for path, value in sweep.at(indices).items()
        )
        return {path: f"{text.rstrip('.')} (at {where})" for path, text in found.items()}
    return {}


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
    name = file.relative_to(path.parent.resolve()).as_posix()
    return {name: file.read_text(encoding="utf-8", errors="replace")}


def _table(name: str, model: type[BaseModel], data: Any, problems: dict[KeyPath, str]) -> Any:
    """The table's model; of `[[impurities]]` the tuple of all; None, and problems, if wrong."""
    listed = model is ImpurityList
    content = {name: data} if listed else data
    try:
        # As JSON, so that strict types hold (no number from a text) but lists fill tuples.
        made = model.model_validate_json(json.dumps(content), strict=True)
        return tuple(made.impurities) if isinstance(made, ImpurityList) else made
    except ValidationError as error:
        found = complaints(error, model, content)
    above = () if listed else (name,)
    for path, text in found.items():
        problems.setdefault((*above, *path), text)
    return None


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
