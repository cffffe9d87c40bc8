"""A dataset as bytes: the form of a finished work item, quick to write and safe to read.

    NEGF-ITEM 1 | SHA-256 of what follows | length of the header | header (JSON) | arrays

The header lists the variables with dimensions, type and shape, and holds facts about the item;
the arrays follow one after the other, little-endian.  Nothing in such a file is code: reading
checks the sum and then every number of the header against the length of the file.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DamagedError", "Packed", "PackedVariable", "dataset_of", "pack", "pack_facts", "unpack"]

MAGIC = b"NEGF-ITEM 1\n"
_SUM = 64
_START = len(MAGIC) + _SUM + 9
_KINDS = "biufcU"


class DamagedError(ValueError):
    """Bytes that are no packed dataset, or no longer."""


@dataclass(frozen=True)
class PackedVariable:
    """One variable: its dimensions, values, attributes, and whether it is a coordinate."""

    dims: tuple[str, ...]
    values: np.ndarray
    attrs: dict[str, Any]
    is_coord: bool


@dataclass(frozen=True)
class Packed:
    """What a file of a work item holds.

    Attributes
    ----------
    facts : dict
        What was said about the item when it was packed.
    attrs : dict
        Attributes of the dataset.
    variables : dict
        Name to PackedVariable; empty for an item that failed.
    layout : str
        Equal for items of equal variables, sizes and coordinates.
    """

    facts: dict[str, Any]
    attrs: dict[str, Any]
    variables: dict[str, PackedVariable]
    layout: str


def pack(dataset: xr.Dataset, facts: dict[str, Any]) -> bytes:
    """The bytes of a dataset.

    Raises
    ------
    TypeError
        If a variable or attribute is of a type that a result cannot hold.
    """
    table: dict[str, list[Any]] = {}
    arrays: list[bytes] = []
    coordinates = hashlib.sha256()
    for name, variable in dataset.variables.items():
        values = _plain_array(str(name), variable.values)
        content = values.tobytes()
        arrays.append(content)
        is_coord = name in dataset.coords
        if is_coord:
            coordinates.update(content)
        table[str(name)] = [
            list(variable.dims),
            values.dtype.str,
            list(values.shape),
            _attributes(variable.attrs),
            is_coord,
        ]
    coordinates.update(json.dumps(table).encode())
    header = {
        "facts": facts,
        "attrs": _attributes(dataset.attrs),
        "variables": table,
        "layout": coordinates.hexdigest()[:32],
    }
    return _sealed(header, arrays)


def pack_facts(facts: dict[str, Any]) -> bytes:
    """The bytes of an item without a dataset: one that failed."""
    return _sealed({"facts": facts, "attrs": {}, "variables": {}, "layout": ""}, [])


def _sealed(header: dict[str, Any], arrays: list[bytes]) -> bytes:
    text = json.dumps(header).encode()
    content = b"".join([b"%08d\n" % len(text), text, *arrays])
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + content


#: What a header of any shape can raise on its way to arrays.
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    SyntaxError,  # NumPy, of odd names of types
    RecursionError,
    OverflowError,
    MemoryError,
)


def unpack(data: bytes) -> Packed:
    """What `pack` made into bytes.

    Raises
    ------
    DamagedError
        If a single bit is not as it was written, or the file is of another kind.
    """
    if not data.startswith(MAGIC):
        raise DamagedError("it is no file of a finished work item")
    content = memoryview(data)[len(MAGIC) + _SUM :]
    if hashlib.sha256(content).hexdigest().encode() != data[len(MAGIC) : len(MAGIC) + _SUM]:
        raise DamagedError("its checksum is wrong")
    try:
        length = int(bytes(content[:8]))
        header = json.loads(bytes(content[9 : 9 + length]))
        variables = _arrays(header["variables"], data, _START + length)
        return Packed(dict(header["facts"]), dict(header["attrs"]), variables, header["layout"])
    except _UNREADABLE as error:
        raise DamagedError(f"its header cannot be read: {error}") from None


def _arrays(table: dict[str, list[Any]], data: bytes, at: int) -> dict[str, PackedVariable]:
    found = {}
    for name, (dims, kind, shape, attrs, is_coord) in table.items():
        dtype = np.dtype(str(kind))
        if dtype.kind not in _KINDS or len(dims) != len(shape) or min(shape, default=0) < 0:
            raise DamagedError(f"variable {name!r} is of no known form")
        count = math.prod(shape)
        end = at + count * dtype.itemsize
        if end > len(data):
            raise DamagedError(f"variable {name!r} is longer than the file")
        if dtype.itemsize:
            values = np.frombuffer(data, dtype, count, at).reshape(shape)
        else:
            values = np.zeros(shape, dtype)
        found[name] = PackedVariable(tuple(map(str, dims)), values, dict(attrs), bool(is_coord))
        at = end
    if at != len(data):
        raise DamagedError("it is longer than its header says")
    return found


def dataset_of(packed: Packed) -> xr.Dataset:
    """The dataset that was packed."""
    import xarray as xr

    variables = {
        name: xr.Variable(one.dims, one.values.copy(), one.attrs)
        for name, one in packed.variables.items()
    }
    coords = {name: v for name, v in variables.items() if packed.variables[name].is_coord}
    data = {name: v for name, v in variables.items() if name not in coords}
    return xr.Dataset(data, coords, packed.attrs)


def _plain_array(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind in "OT" and all(isinstance(one, str) for one in array.ravel()):
        array = array.astype(np.str_)
    if array.dtype.kind not in _KINDS:
        raise TypeError(f"variable {name!r} has values of type {array.dtype}, which no file holds")
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _attributes(attrs: Any) -> dict[str, Any]:
    return {str(name): _attribute(name, value) for name, value in attrs.items()}


def _attribute(name: Any, value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_attribute(name, one) for one in value]
    if isinstance(value, str | int | float):
        return value
    raise TypeError(f"attribute {name!r} is a {type(value).__name__}, which no file holds")
