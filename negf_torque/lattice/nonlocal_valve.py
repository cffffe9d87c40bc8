"""The lateral nonlocal spin valve: two magnets on a wire, in a plane.

A normal wire runs along x between the leads "left" and "right".  Two magnetic contacts stand on its
upper edge, each between the wire and a normal lead of its own that goes up: the injector and,
`distance` sites further right, the detector,

          | injector |          | detector |        leads
          |  magnet  |          |  magnet  |        `thickness` sites
    ------------------------------------------
    left         the wire, `width` sites        right
    ------------------------------------------

on a square lattice of hopping -t.  A current from the injector to the left lead leaves a spin
accumulation that spreads to the right, where no charge flows.
"""

from dataclasses import dataclass

import kwant
import numpy as np
from kwant.digest import uniform
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.magnet import Magnet, magnet_from_kwant
from negf_torque.spin import PAULI, spin_matrix, unit_vector

__all__ = ["TERMINALS", "Contact", "Wire", "build_nonlocal_valve"]

#: The leads, in the order in which they are attached.
TERMINALS = ("injector", "left", "right", "detector")


@dataclass(frozen=True)
class Contact:
    """A magnetic contact on the wire.

    Attributes
    ----------
    width, thickness : int
        Sites along the wire, and away from it.
    onsite : float
        In eV.
    exchange : float
        Splitting of minority and majority spin in eV.
    direction : (3,)
        Of the majority spin.
    interface_hopping : float
        t between the contact and the wire, in eV; below 1 a tunnel contact.
    """

    width: int = 4
    thickness: int = 3
    onsite: float = 0.0
    exchange: float = 1.5
    direction: ArrayLike = (0, 0, 1)
    interface_hopping: float = 1.0


@dataclass(frozen=True)
class Wire:
    """The normal wire.

    Attributes
    ----------
    width : int
        Sites across.
    distance : int
        Sites between the contacts.
    margin : int
        Sites of the region beyond each contact, before the leads begin.
    onsite : float
        Of the wire and of all leads, in eV.
    disorder : float
        On-site energies of the wire are spread evenly over this width around `onsite`, in eV.
    seed : int
        The sample.
    """

    width: int = 6
    distance: int = 16
    margin: int = 4
    onsite: float = 0.0
    disorder: float = 0.0
    seed: int = 0


def build_nonlocal_valve(
    wire: Wire | None = None, injector: Contact | None = None, detector: Contact | None = None
) -> Magnet:
    """Build the valve; its magnets are "injector" and "detector", its leads `TERMINALS`.

    Raises
    ------
    ValueError
        If a number of sites is not positive, or a contact's direction is none.

    Examples
    --------
    >>> valve = build_nonlocal_valve(Wire(width=2, distance=3, margin=1), Contact(2, 1))
    >>> len(valve.builder.leads)
    4
    """
    wire, injector, detector = wire or Wire(), injector or Contact(), detector or Contact()
    for name, count in (
        ("wire.width", wire.width),
        ("injector.width", injector.width),
        ("injector.thickness", injector.thickness),
        ("detector.width", detector.width),
        ("detector.thickness", detector.thickness),
    ):
        if count < 1:
            raise ValueError(f"{name}: {count} is not a number of sites. Give 1 or more.")
    if min(wire.distance, wire.margin) < 0:
        raise ValueError(
            f"distance, margin: {wire.distance}, {wire.margin} are not numbers of sites."
        )
    first = wire.margin
    second = first + injector.width + wire.distance
    length = second + detector.width + wire.margin
    lattice = kwant.lattice.square(norbs=2)
    builder = kwant.Builder()
    for x in range(length):
        for y in range(wire.width):
            random = uniform(f"{x},{y}", salt=str(wire.seed)) - 0.5 if wire.disorder else 0.0
            builder[lattice(x, y)] = (wire.onsite + wire.disorder * random) * PAULI[0]
    contacts = {"injector": (injector, first), "detector": (detector, second)}
    for contact, start in contacts.values():
        for x in range(start, start + contact.width):
            for y in range(wire.width, wire.width + contact.thickness):
                builder[lattice(x, y)] = _onsite(contact)
    builder[lattice.neighbors()] = -PAULI[0]
    for contact, start in contacts.values():
        for x in range(start, start + contact.width):
            ends = lattice(x, wire.width), lattice(x, wire.width - 1)
            builder[ends] = -contact.interface_hopping * PAULI[0]
    for terminal in TERMINALS:
        if terminal in contacts:
            contact, start = contacts[terminal]
            cells = [(x, 0) for x in range(start, start + contact.width)]
            direction = (0, 1)
        else:
            cells = [(0, y) for y in range(wire.width)]
            direction = (-1, 0) if terminal == "left" else (1, 0)
        lead = kwant.Builder(kwant.TranslationalSymmetry(direction))
        for cell in cells:
            lead[lattice(*cell)] = wire.onsite * PAULI[0]
        lead[lattice.neighbors()] = -PAULI[0]
        builder.attach_lead(lead)
    return _magnet(builder, wire, contacts)


def _onsite(contact: Contact) -> NDArray:
    m = unit_vector(contact.direction)
    return contact.onsite * PAULI[0] - contact.exchange / 2 * spin_matrix(m)


def _magnet(builder: kwant.Builder, wire: Wire, contacts: dict) -> Magnet:
    def membership(site) -> str | None:
        x, y = site.tag
        for name, (contact, start) in contacts.items():
            inside = start <= x < start + contact.width
            above = wire.width <= y < wire.width + contact.thickness
            if inside and above and contact.exchange:
                return name
        return None

    fields = {
        name: contact.exchange * unit_vector(contact.direction)
        for name, (contact, _) in contacts.items()
    }

    def field(site) -> NDArray:
        return fields.get(membership(site), np.zeros(3))

    return magnet_from_kwant(builder, exchange_field=field, membership=membership)
