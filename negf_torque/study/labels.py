"""Labelled results: each calculation lists its variables once, with dimensions, unit and sign.

The list makes the dataset's attributes and the reference of the results, so that a number in
a file and its description in the documentation cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Variable", "labelled"]


@dataclass(frozen=True)
class Variable:
    """One variable of a result.

    Attributes
    ----------
    dims : tuple of str
    unit : str
        As in the `units` attribute; "1" for a pure number.
    long_name : str
        What it is, in words, as an axis label would say.
    convention : str
        Sign, normalisation, which part of a response: what a reader has to know.
    """

    dims: tuple[str, ...]
    unit: str
    long_name: str
    convention: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of the dataset's variable."""
        named = {"units": self.unit, "long_name": self.long_name, "convention": self.convention}
        return {name: text for name, text in named.items() if text}


def labelled(
    variables: Mapping[str, Variable],
    values: Mapping[str, Any],
    coords: Mapping[str, Any],
    **attributes: Any,
) -> xr.Dataset:
    """A dataset of the given values; `<name>_error` takes over dimensions and unit of `name`.

    Parameters
    ----------
    variables : mapping
        Every variable and coordinate that may occur.
    values : mapping
        Name to array, or (dimensions, array) for an error that is the same along some
        dimensions of its quantity; values that are None are left out.
    coords : mapping
        Name to one-dimensional array, or (dimension, array).
    attributes
        Attributes of the dataset.

    Raises
    ------
    KeyError
        If a value is not listed in `variables`.
    """
    import numpy as np
    import xarray as xr

    dataset = xr.Dataset(attrs=attributes)
    for name, value in coords.items():
        dims, array = value if isinstance(value, tuple) else (name, value)
        attrs = variables[name].attributes if name in variables else {}
        dataset = dataset.assign_coords({name: xr.Variable(dims, np.asarray(array), attrs)})
    for name, value in values.items():
        if value is None:
            continue
        base = variables.get(name)
        if base is None and name.endswith("_error"):
            of = name.removesuffix("_error")
            origin = variables[of]
            base = Variable(
                origin.dims,
                origin.unit,
                f"estimated error of {origin.long_name}",
                "Absolute; of a complex quantity the modulus.",
            )
        if base is None:
            raise KeyError(f"{name} is not among the variables of this calculation")
        dims, array = value if _has_dims(value) else (base.dims, value)
        dataset[name] = xr.Variable(dims, np.asarray(array), base.attributes)
        if f"{name}_error" in values and values[f"{name}_error"] is not None:
            dataset[name].attrs["ancillary_variables"] = f"{name}_error"
    return dataset


def _has_dims(value: Any) -> bool:
    """Whether a value is (dimensions, array)."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], tuple)
        and all(isinstance(dim, str) for dim in value[0])
    )
