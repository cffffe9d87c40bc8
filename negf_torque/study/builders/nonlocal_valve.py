"""`builder = "nonlocal_valve"`: two magnets on a normal wire, see `lattice.nonlocal_valve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import field_validator, model_validator

from negf_torque.study.base import Table, key

if TYPE_CHECKING:
    from negf_torque.lattice.magnet import Magnet

__all__ = ["MOST_SITES", "TERMINALS", "ContactTable", "System", "WireTable", "build"]

#: Leads in the order in which the builder attaches them.
TERMINALS = ("injector", "left", "right", "detector")
#: A sparse factorisation of so many sites takes some gigabytes.
MOST_SITES = 300_000

Vector = tuple[float, float, float]


class WireTable(Table):
    """`[system.wire]`: the normal wire."""

    width: int = key("Sites across.", 6, unit="sites", ge=1, le=10_000)
    distance: int = key("Sites between the contacts.", 16, unit="sites", ge=0, le=100_000)
    margin: int = key(
        "Sites of the region beyond each contact.", 4, unit="sites", ge=0, le=100_000
    )
    onsite: float = key("On-site energy of the wire and all leads (hopping is 1 eV).", 0.0,
                        unit="eV")
    disorder: float = key(
        "On-site energies of the wire are spread evenly over this width.", 0.0, unit="eV", ge=0
    )
    seed: int = key("Number of the random sample.", 0, ge=0)


class ContactTable(Table):
    """`[system.injector]`, `[system.detector]`: a magnetic contact."""

    width: int = key("Sites along the wire.", 4, unit="sites", ge=1, le=10_000)
    thickness: int = key("Sites away from the wire.", 3, unit="sites", ge=1, le=10_000)
    onsite: float = key("On-site energy.", 0.0, unit="eV")
    exchange: float = key("Exchange splitting between minority and majority spin.", 1.5, unit="eV")
    direction: Vector = key("Direction of the majority spin.", (0.0, 0.0, 1.0), unit="1")
    interface_hopping: float = key(
        "Hopping t between contact and wire; below 1 a tunnel contact.", 1.0, unit="eV"
    )

    @field_validator("direction")
    @classmethod
    def _has_direction(cls, value: Vector) -> Vector:
        if not any(value):
            raise ValueError("has no direction. Give three components, not all zero.")
        return value


class System(Table):
    """The `[system]` table of a lateral nonlocal spin valve."""

    builder: Literal["nonlocal_valve"] = key("Two magnetic contacts on a normal wire.")
    wire: WireTable = key("The normal wire.", WireTable)
    injector: ContactTable = key("The magnet through which current enters.", ContactTable)
    detector: ContactTable = key("The other magnet.", ContactTable)

    @model_validator(mode="after")
    def _fits(self) -> System:
        length = self.wire.distance + 2 * self.wire.margin
        length += self.injector.width + self.detector.width
        sites = length * self.wire.width
        sites += sum(c.width * c.thickness for c in (self.injector, self.detector))
        if sites > MOST_SITES:
            raise ValueError(
                f"has {sites} sites, more than the {MOST_SITES} that can be solved. Make it "
                "smaller."
            )
        return self

    @property
    def magnets(self) -> list[str]:
        """Names of the magnets."""
        return [name for name in ("injector", "detector") if getattr(self, name).exchange]


def build(system: System) -> Magnet:
    """The magnet that a card's `[system]` describes."""
    from negf_torque.lattice.nonlocal_valve import Contact, Wire, build_nonlocal_valve

    return build_nonlocal_valve(
        Wire(**system.wire.model_dump()),
        Contact(**system.injector.model_dump()),
        Contact(**system.detector.model_dump()),
    )
