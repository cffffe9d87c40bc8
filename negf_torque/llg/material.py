"""What every torque must tell of itself: positive sizes, a name for files, a hash."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

__all__ = ["check_material", "contents_hash"]

_THICKNESS = "nm; the torque acts on the free layer's whole moment"
_MAGNETISATION = "A/m; the torque is divided by the free layer's moment"


def check_material(torque: Any, more: Mapping[str, str] | None = None) -> None:
    """Thickness, magnetisation and the numbers named in `more` are positive, the name is usable.

    Parameters
    ----------
    torque
        With `thickness` (where it has one), `saturation_magnetisation` and `name`.
    more : mapping, optional
        Name of a further attribute -> its unit and what it is for.

    Raises
    ------
    ValueError
        Naming the attribute, its value and what was expected.
    """
    reasons = {"thickness": _THICKNESS, "saturation_magnetisation": _MAGNETISATION, **(more or {})}
    for key, why in reasons.items():
        value = getattr(torque, key, 1.0)
        if not (isinstance(value, int | float) and np.isfinite(value) and value > 0):
            raise ValueError(f"{key}: {value!r} is not usable. Give a positive number ({why}).")
    if not re.fullmatch(r"[\w.+-]+", torque.name):
        raise ValueError(
            f"name: {torque.name!r} cannot name a file. Use letters, digits and . _ + - only."
        )


def contents_hash(torque: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of every number and word of a dataclass."""
    contents = {f.name: getattr(torque, f.name) for f in fields(torque)}
    text = json.dumps(contents, sort_keys=True, default=lambda array: array.tolist())
    return hashlib.sha256(text.encode()).hexdigest()[:16]
