"""What `summary.json` holds, checked entry by entry when it is read: it is data, never trusted."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from negf_torque.study.base import Scalar

__all__ = ["checked", "scalars_of"]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Complex(_Entry):
    real: float | None
    imag: float | None


class _Scalar(_Entry):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    value: float | None | _Complex
    unit: str
    error: float | None = None
    converged: bool = True
    note: str = ""


class _File(_Entry):
    sha256: str


class _Summary(_Entry):
    format: int = 0
    name: str
    kind: str
    converged: bool = True
    version: str = ""
    card_hash: str
    libraries: dict[str, str] = {}
    seeds: dict[str, Any] = {}
    result: _File
    warnings: list[str] = []
    seconds: float = 0.0
    points: dict[str, int] = {}
    items: dict[str, Any] = {}
    scalars: list[_Scalar]

    @field_validator("items")
    @classmethod
    def _states(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("states", {}), dict):
            raise ValueError("states is no table")
        return value


def checked(content: Any) -> dict[str, Any]:
    """The summary, unchanged, if every entry is of its type.

    Raises
    ------
    ValueError
        Naming the first entry that is not.
    """
    try:
        _Summary.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ValueError(f"no valid entry {place!r}: {first['msg']}") from None
    return content


def scalars_of(summary: dict[str, Any]) -> list[Scalar]:
    """The numbers of a summary as they went in."""
    scalars = []
    for entry in summary["scalars"]:
        value = entry["value"]
        if isinstance(value, dict):
            value = complex(_number(value["real"]), _number(value["imag"]))
        scalars.append(
            Scalar(**{**entry, "value": value if isinstance(value, complex) else _number(value)})
        )
    return scalars


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
