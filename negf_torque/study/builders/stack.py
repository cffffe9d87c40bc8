"""`builder = "stack"`: layers of a cubic lattice between two leads, see `lattice.stack`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from negf_torque.study.base import Table, key

if TYPE_CHECKING:
    from negf_torque.lattice.magnet import Magnet
    from negf_torque.spin import Texture

__all__ = ["LayerTable", "LeadTable", "System", "arguments", "build"]

#: A Kwant builder of so many sites takes some gigabytes and minutes.
MOST_SITES = 2_000_000

Vector = tuple[float, float, float]
Matrix = list[list[float]]
Energy = float | Matrix


def _has_direction(vector: Vector) -> Vector:
    if not any(vector):
        raise ValueError("has no direction. Give three components, not all zero.")
    return vector




class Spiral(Table):
    """The moments turn uniformly about an axis."""

    kind: Literal["spiral"] = key("A uniform spiral.")
    period: float = key("Layers per full turn; negative turns the other way.", unit="layers")
    axis: Vector = key("Axis of the turn.", (0.0, 0.0, 1.0))
    start: Vector = key("Direction in the first atomic layer.", (1.0, 0.0, 0.0))

    @field_validator("period")
    @classmethod
    def _turns(cls, value: float) -> float:
        if value == 0:
            raise ValueError("is no period. Give a number of layers that is not zero.")
        return value

    _axis = field_validator("axis", "start")(_has_direction)

    def texture(self) -> Texture:
        from negf_torque import spin

        return spin.spiral(self.period, self.axis, self.start)


class Wall(Table):
    """A 180-degree wall from +z to -z."""

    kind: Literal["domain_wall"] = key("A 180-degree wall from +z to -z.")
    centre: float = key(
        "Position of the centre, counted from 0 in the first atomic layer.", unit="layers"
    )
    width: float = key(
        "Width parameter: theta = 2 atan exp((n - centre)/width).", unit="layers", gt=0
    )
    wall: Literal["bloch", "neel", "linear"] = key(
        "Plane of rotation: Bloch y-z, Néel x-z, or a linear turn in x-z over `width`.", "bloch"
    )

    def texture(self) -> Texture:
        from negf_torque import spin

        return spin.domain_wall(self.centre, self.width, self.wall)


class Sampled(Table):
    """One direction per atomic layer."""

    kind: Literal["sampled"] = key("One given direction per atomic layer.")
    vectors: list[Vector] = key("Unit vectors, one per atomic layer.", min_length=1)

    def texture(self) -> Texture:
        from negf_torque import spin

        return spin.sampled_texture(self.vectors)


TextureTable = Annotated[Spiral | Wall | Sampled, Field(discriminator="kind")]


class _Material(Table):
    """What layers and leads have in common."""

    onsite: Energy = key("On-site energy; a hermitian matrix for several orbitals.", 0.0, unit="eV")
    exchange: float = key(
        "Exchange splitting between minority and majority spin; 0 for a normal metal.",
        0.0,
        unit="eV",
    )
    direction: Vector = key(
        "Direction of the majority spin (the magnetisation points the other way).",
        (0.0, 0.0, 1.0),
    )
    name: str = key("Name of the magnet; layers of equal name are one magnet.", "")
    hopping: Energy = key("In-plane hopping t; the matrix element is -t.", 1.0, unit="eV")
    hopping_out: Energy | None = key(
        "Hopping along the stack inside the material; default as in the plane.", None, unit="eV"
    )
    interface_hopping: Energy | None = key(
        "Hopping to the material before; default the geometric mean of both hoppings.",
        None,
        unit="eV",
    )

    _direction = field_validator("direction")(_has_direction)

    @field_validator("onsite", "hopping", "hopping_out", "interface_hopping")
    @classmethod
    def _square(cls, value: Any) -> Any:
        if isinstance(value, list) and (not value or {len(row) for row in value} != {len(value)}):
            raise ValueError("is not a square matrix. Give a number, or n rows of n numbers.")
        return value

    @field_validator("onsite")
    @classmethod
    def _hermitian(cls, value: Any) -> Any:
        if (
            isinstance(value, list)
            and [list(column) for column in zip(*value, strict=True)] != value
        ):
            raise ValueError("is not hermitian. Make the matrix equal to its transpose.")
        return value


class LayerTable(_Material):
    """Some atomic layers of one material."""

    thickness: int = key("Number of atomic layers.", unit="layers", ge=1, le=1_000_000)
    texture: TextureTable | None = key(
        "Magnetisation that varies from layer to layer; replaces `direction`.", None
    )

    @model_validator(mode="after")
    def _sampled_enough(self) -> LayerTable:
        if isinstance(self.texture, Sampled) and len(self.texture.vectors) < self.thickness:
            raise ValueError(
                f"has {self.thickness} atomic layers but a texture of "
                f"{len(self.texture.vectors)} vectors. Give one vector per atomic layer."
            )
        return self


class LeadTable(_Material):
    """A semi-infinite electrode."""


def _cross_section(value: Any) -> Any:
    if value in ("periodic", "chain"):
        return value
    if (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(type(width) is int and width >= 1 for width in value)
    ):
        return tuple(value)
    raise ValueError('is not a cross-section. Give "periodic", "chain" or [W_y, W_z] in sites.')


class System(Table):
    """The `[system]` table of a layered stack."""

    builder: Literal["stack"] = key("A stack of layers on a cubic lattice.", "stack")
    cross_section: Annotated[
        Literal["periodic", "chain"] | tuple[int, int], BeforeValidator(_cross_section)
    ] = key(
        '"periodic" (infinite, results per cell), "chain" (one site) or [W_y, W_z] sites.',
        "periodic",
    )
    left: LeadTable = key("Left electrode.", LeadTable)
    right: LeadTable = key("Right electrode.", LeadTable)
    layers: list[LayerTable] = key(
        "The layers from left to right; an empty list is a bare interface between the leads."
    )

    @model_validator(mode="after")
    def _fits(self) -> System:
        cross = self.cross_section
        width = cross[0] * cross[1] if isinstance(cross, tuple) else 1
        sites = width * sum(layer.thickness for layer in self.layers)
        if max(sites, width) > MOST_SITES:
            raise ValueError(
                f"has {sites:.3g} sites, more than the {MOST_SITES:.0e} that can be built. Make "
                "the cross-section smaller (or periodic) or the layers fewer."
            )
        return self

    @property
    def magnets(self) -> list[str]:
        """Names of the magnets, from left to right."""
        named: list[tuple[str, _Material]] = [("left lead", self.left)]
        named += [(f"layer {number}", layer) for number, layer in enumerate(self.layers)]
        named += [("right lead", self.right)]
        names = [table.name or label for label, table in named if table.exchange]
        return list(dict.fromkeys(names))

    def thickness(self, magnet: str) -> int:
        """Number of atomic layers of a magnet."""
        return sum(
            layer.thickness
            for number, layer in enumerate(self.layers)
            if (layer.name or f"layer {number}") == magnet and layer.exchange
        )


def arguments(system: System) -> dict[str, Any]:
    """Keyword arguments `layers`, `left`, `right`, `cross_section` of `lattice.build_stack`."""
    from negf_torque.lattice.stack import Layer, Lead

    def material(table: _Material, label: str) -> dict[str, Any]:
        fields = {name: getattr(table, name) for name in _Material.model_fields}
        return fields | {"name": table.name or (label if table.exchange else "")}

    layers = [
        Layer(
            thickness=table.thickness,
            texture=table.texture.texture() if table.texture else None,
            **material(table, f"layer {number}"),
        )
        for number, table in enumerate(system.layers)
    ]
    return {
        "layers": layers,
        "left": Lead(**material(system.left, "left lead")),
        "right": Lead(**material(system.right, "right lead")),
        "cross_section": system.cross_section,
    }


def build(system: System) -> Magnet:
    """The magnet that a card's `[system]` describes."""
    from negf_torque.lattice.stack import build_stack

    return build_stack(**arguments(system))
