"""`builder = "wire"`: one magnetic wire with a texture between two collinear leads.

A cubic lattice along x with a finite cross-section, a chain, or a periodic cross-section.  Unless
`left` and `right` say otherwise, the leads are of the wire's material and continue its first and
last moment.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from negf_torque.study.base import Table, key
from negf_torque.study.builders.stack import (
    MOST_SITES,
    LeadTable,
    Vector,
    _cross_section,
    _has_direction,
)

if TYPE_CHECKING:
    from negf_torque.lattice.magnet import Magnet
    from negf_torque.spin import Texture

__all__ = ["Sampled", "Spiral", "System", "Wall", "build", "read_vectors", "vectors_file"]

#: How far the length of a given vector may be from 1 (rounding in a file); it is normalised.
ROUNDING = 1e-3


class Wall(Table):
    """`[system.texture]` of a 180-degree wall from +z to -z."""

    kind: Literal["bloch", "neel", "linear"] = key(
        "Bloch wall (turns in the y-z plane), Néel wall (x-z), or a constant turn in x-z."
    )
    width: float = key(
        "Width w: theta = 2 atan exp((n - centre)/w); of a linear wall the length of the turn.",
        unit="layers",
        gt=0,
    )
    centre: float | None = key(
        "Position of the centre, counted from 0 in the first layer; default the middle.",
        None,
        unit="layers",
    )

    def ends(self, length: int) -> tuple[Vector, Vector]:
        """Directions of the leads."""
        return (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)

    def texture(self, length: int, vectors: Any = None) -> Texture:
        """Direction of the moment in every layer."""
        from negf_torque import spin

        centre = (length - 1) / 2 if self.centre is None else self.centre
        return spin.domain_wall(centre, self.width, self.kind)


class Spiral(Table):
    """`[system.texture]` of a uniform spiral."""

    kind: Literal["spiral"] = key("A uniform spiral.")
    period: float = key("Layers per full turn; negative turns the other way.", unit="layers")
    axis: Vector = key("Axis of the turn.", (0.0, 0.0, 1.0))
    start: Vector = key("Direction in the first layer.", (1.0, 0.0, 0.0))

    _vectors = field_validator("axis", "start")(_has_direction)

    @field_validator("period")
    @classmethod
    def _turns(cls, value: float) -> float:
        if value == 0:
            raise ValueError("is no period. Give a number of layers that is not zero.")
        return value

    def ends(self, length: int) -> tuple[Any, Any]:
        """Directions of the leads: the first and the last moment."""
        import numpy as np

        first, last = self.texture(length)(np.array([0, length - 1]))
        return tuple(first), tuple(last)

    def texture(self, length: int, vectors: Any = None) -> Texture:
        """Direction of the moment in every layer."""
        from negf_torque import spin

        return spin.spiral(self.period, self.axis, self.start)


class Sampled(Table):
    """`[system.texture]` given layer by layer."""

    kind: Literal["sampled"] = key("One given direction per layer.")
    vectors: list[Vector] = key("Unit vectors, one per layer.", [])
    file: str = key(
        "Instead of `vectors`: a text beside the card, one line `x, y, z` per layer; a heading "
        "and lines that begin with # are skipped.",
        "",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Sampled:
        if bool(self.vectors) == bool(self.file):
            raise ValueError("needs its directions once. Give vectors or file.")
        if self.vectors:
            _check_vectors(list(enumerate(self.vectors)), "vectors[{}]")
        return self

    def ends(self, length: int) -> tuple[Any, Any]:
        """Not known before the file is read; see `build`."""
        raise ValueError("texture.file: the vectors have not been read.")

    def texture(self, length: int, vectors: Any = None) -> Texture:
        """Direction of the moment in every layer."""
        from negf_torque import spin

        return spin.sampled_texture(spin.unit_vector(vectors or self.vectors, "texture.vectors"))


TextureTable = Annotated[Wall | Spiral | Sampled, Field(discriminator="kind")]


class System(Table):
    """The `[system]` table of a textured wire."""

    builder: Literal["wire"] = key("A magnetic wire with a texture.")
    cross_section: Annotated[
        Literal["periodic", "chain"] | tuple[int, int], BeforeValidator(_cross_section)
    ] = key(
        '"chain" (one site), [W_y, W_z] sites or "periodic" (infinite, results per cell).', "chain"
    )
    length: int = key("Number of layers between the leads.", unit="layers", ge=2, le=1_000_000)
    texture: TextureTable = key("How the moments turn along the wire.")
    exchange: float = key("Exchange splitting between minority and majority.", unit="eV")
    onsite: float = key("On-site energy.", 0.0, unit="eV")
    hopping: float = key("Hopping t; the matrix element is -t.", 1.0, unit="eV")
    hopping_out: float | None = key(
        "Hopping along the wire; default as across it.", None, unit="eV"
    )
    name: str = key("Name of the magnet.", "wire", min_length=1)
    left: LeadTable | None = key(
        "Left electrode; default the wire's material along its first moment.", None
    )
    right: LeadTable | None = key(
        "Right electrode; default the wire's material along its last moment.", None
    )

    @field_validator("exchange")
    @classmethod
    def _magnetic(cls, value: float) -> float:
        if value == 0:
            raise ValueError("is 0, not a magnet's splitting. Give an energy that is not zero.")
        return value

    @model_validator(mode="after")
    def _fits(self) -> System:
        width = math.prod(self.cross_section) if isinstance(self.cross_section, tuple) else 1
        if width * self.length > MOST_SITES:
            raise ValueError(
                f"has {width * self.length:.3g} sites, more than the {MOST_SITES:.0e} that can be "
                "built. Make the wire shorter or thinner."
            )
        if isinstance(self.texture, Sampled) and self.texture.vectors:
            _check_count(len(self.texture.vectors), self.length, "texture.vectors")
        return self

    @property
    def magnets(self) -> list[str]:
        """Names of the magnets, from left to right."""
        found = [("left lead", self.left), (self.name, self), ("right lead", self.right)]
        named = [
            (getattr(table, "name", "") or label) if label != self.name else label
            for label, table in found
            if table is None or table.exchange
        ]
        return list(dict.fromkeys(named))

    def thickness(self, magnet: str) -> int:
        """Number of layers of a magnet."""
        return self.length if magnet == self.name else 0


def vectors_file(system: System, folder: Path) -> Path | None:
    """The file with the directions, which must lie beside the card or below.

    Raises
    ------
    ValueError
        If it leaves the folder or does not exist.
    """
    name = getattr(system.texture, "file", "")
    if not name:
        return None
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise ValueError(f'"{name}" is outside the card\'s folder. Put the file beside the card.')
    if not file.is_file():
        raise ValueError(f'there is no file "{name}" beside the card.')
    return file


def read_vectors(text: str, name: str, length: int) -> list[Vector]:
    """Directions from a text with one line `x, y, z` per layer.

    Raises
    ------
    ValueError
        If a line has not three numbers, a vector is not a unit vector, or their count is wrong.

    Examples
    --------
    >>> read_vectors("# x y z\\n1, 0, 0\\n0, 0.6, 0.8\\n", "spins.csv", 2)
    [(1.0, 0.0, 0.0), (0.0, 0.6, 0.8)]
    """
    rows: list[tuple[int, Vector]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = next(csv.reader([line.replace(";", ",").replace("\t", ",")]))
        words = [w for word in words for w in word.split()]
        try:
            values = tuple(map(float, words))
        except ValueError:
            if not rows:
                continue  # a heading
            raise ValueError(
                f"{name}, line {number}: {line.strip()!r} is not three numbers."
            ) from None
        if len(values) != 3:
            raise ValueError(
                f"{name}, line {number}: {len(values)} numbers. Give three, x, y and z."
            )
        rows.append((number, values))
    _check_vectors(rows, name + ", line {}")
    _check_count(len(rows), length, name)
    return [vector for _, vector in rows]


def _check_vectors(rows: list[tuple[int, Vector]], label: str) -> None:
    for number, vector in rows:
        size = math.sqrt(sum(v * v for v in vector))
        if not abs(size - 1) < ROUNDING:
            raise ValueError(
                f"{label.format(number)}: {list(vector)} has length {size:g}. Give finite unit "
                "vectors."
            )


def _check_count(count: int, length: int, name: str) -> None:
    if count != length:
        raise ValueError(
            f"{name}: {count} vectors for a wire of {length} layers. Give one for each layer."
        )


def build(system: System, folder: Path | None = None, **changes: Any) -> Magnet:
    """The magnet that a card's `[system]` describes.

    Parameters
    ----------
    system : System
    folder : Path, optional
        Where a file of directions lies; default the working directory.
    changes
        `length` and `texture` instead of the system's, for scans.
    """
    from negf_torque.lattice.stack import Layer, Lead, build_stack

    length, table = changes.get("length", system.length), changes.get("texture", system.texture)
    vectors = None
    if isinstance(table, Sampled):
        if table.file and folder is None:
            raise ValueError("texture.file: read by kind wire only; give vectors instead.")
        file = vectors_file(system, Path(folder or "."))
        vectors = table.vectors
        if file is not None:
            vectors = read_vectors(file.read_text(encoding="utf-8"), file.name, length)
    ends = (vectors[0], vectors[-1]) if vectors else table.ends(length)
    metal = {
        name: getattr(system, name) for name in ("onsite", "exchange", "hopping", "hopping_out")
    }

    def lead(given: LeadTable | None, direction: Any) -> Lead:
        if given is None:
            return Lead(direction=direction, **metal)
        return Lead(**{name: getattr(given, name) for name in LeadTable.model_fields})

    layer = Layer(length, texture=table.texture(length, vectors), name=system.name, **metal)
    return build_stack(
        [layer], lead(system.left, ends[0]), lead(system.right, ends[1]), system.cross_section
    )
