"""A heavy-metal|ferromagnet bilayer between leads of its own kind: a current in its plane.

The same orbitals and bonds as `spin_orbit_models.bilayer`, cut into slices along x; periodic in y
(momentum k_y), open in z.  Every atomic layer of the ferromagnet is a magnet of its own name, so
that transport resolves the torque by layer.
"""

from collections.abc import Mapping

import kwant
import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.magnet import Magnet, magnet_from_kwant, orbital_spin
from negf_torque.lattice.orbitals import bond_matrix
from negf_torque.lattice.spin_orbit_models import OrbitalMaterial, interface_bonds
from negf_torque.spin import SIGMA, unit_vector

__all__ = ["bilayer_device"]


def bilayer_device(
    metal: OrbitalMaterial,
    metal_layers: int,
    ferromagnet: OrbitalMaterial,
    ferromagnet_layers: int,
    length: int,
    direction: ArrayLike = (0, 0, 1),
    interface: Mapping[str, float] | None = None,
) -> Magnet:
    """Bilayer of `length` slices between semi-infinite bilayers; lattice constant 1.

    Parameters
    ----------
    metal, ferromagnet, metal_layers, ferromagnet_layers, interface
        As in `spin_orbit_models.bilayer`.
    length : int
        Slices of the region, the direction of the current.
    direction : (3,)
        Majority spin of the ferromagnet, in the leads too.

    Returns
    -------
    Magnet
        Sites in the order slice by slice, from below; magnets are named "layer <z>".

    Raises
    ------
    ValueError
        If there is no slice, no layer, or no exchange.
    """
    if length < 1 or metal_layers < 0 or ferromagnet_layers < 1:
        raise ValueError(
            f"length, metal_layers, ferromagnet_layers: {length!r}, {metal_layers!r}, "
            f"{ferromagnet_layers!r}; give at least one slice and one layer of ferromagnet."
        )
    if not ferromagnet.exchange:
        raise ValueError("ferromagnet: its exchange is zero; there is no magnet to torque.")
    m = unit_vector(direction, "direction")
    stack = [metal] * metal_layers + [ferromagnet] * ferromagnet_layers
    families = [
        kwant.lattice.Monatomic(np.eye(2), name=f"layer {z}", norbs=material.orbitals)
        for z, material in enumerate(stack)
    ]
    number = {family.name: z for z, family in enumerate(families)}
    across = interface_bonds(metal, ferromagnet) if interface is None else interface

    def fill(builder: kwant.Builder, slices: range) -> None:
        for x in slices:
            for family, material in zip(families, stack, strict=True):
                builder[family(x, 0)] = _onsite(material, m)
        for z, (family, material) in enumerate(zip(families, stack, strict=True)):
            for x in slices:
                builder[family(x, 0), family(x, 1)] = _bond(material, material, (0, 1, 0))
                if z + 1 < len(stack):
                    above = stack[z + 1]
                    bonds = material.bonds if above is material else across
                    builder[family(x, 0), families[z + 1](x, 0)] = _bond(
                        material, above, (0, 0, 1), bonds
                    )

    region = kwant.Builder(kwant.TranslationalSymmetry((0, 1)))
    fill(region, range(length))
    leads = []
    for sign in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((sign, 0), (0, 1)))
        fill(lead, range(1))
        leads.append(lead)
    for family, material in zip(families, stack, strict=True):
        along = _bond(material, material, (1, 0, 0))
        for x in range(length - 1):
            region[family(x, 0), family(x + 1, 0)] = along
        for lead in leads:
            lead[family(0, 0), family(1, 0)] = along

    def named(site) -> str | None:
        return site.family.name if stack[number[site.family.name]].exchange else None

    return magnet_from_kwant(
        region,
        leads,
        exchange_field=lambda site: stack[number[site.family.name]].exchange * m,
        spin_operator=lambda site: orbital_spin(site.family.norbs // 2),
        membership=named,
    )


def _onsite(material: OrbitalMaterial, m: NDArray) -> NDArray:
    exchange = -material.exchange / 2 * np.einsum("a,aij->ij", m, SIGMA)
    return material.onsite() + np.kron(np.eye(material.orbitals // 2), exchange)


def _bond(lower: OrbitalMaterial, upper: OrbitalMaterial, direction, bonds=None) -> NDArray:
    matrix = bond_matrix(
        lower.shells, upper.shells, direction, lower.bonds if bonds is None else bonds
    )
    return np.kron(matrix, np.eye(2))
