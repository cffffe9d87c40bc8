"""The sites of a region or of a lead cell: exchange fields and operators, each checked once."""

from dataclasses import dataclass

import kwant
import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.magnet import Magnet

__all__ = ["SiteTable", "check_orbitals", "site_table"]


@dataclass(frozen=True)
class SiteTable:
    """Sites of a region or of a lead cell, in the order of the matrices.

    Attributes
    ----------
    layer, offset, orbitals : (sites,) int
        Layer, first row within the layer's matrix, and number of rows.
    position : (sites, d)
    magnet : tuple of (str or None)
    exchange : (sites, 3)
        B = Delta m in eV.
    spin, exchange_operator : tuple of (3, orbitals, orbitals)
    """

    layer: NDArray
    offset: NDArray
    orbitals: NDArray
    position: NDArray
    magnet: tuple[str | None, ...]
    exchange: NDArray
    spin: tuple[NDArray, ...]
    exchange_operator: tuple[NDArray, ...]


def site_table(magnet: Magnet, sites: list, layer: NDArray) -> SiteTable:
    """Fields and operators of Kwant sites that lie in the given layers (ascending).

    Sites with equal operators share one array.

    Raises
    ------
    ValueError
        If an exchange field is not a finite vector, an operator has another shape than the site's
        orbitals ask for or is not hermitian.
    """
    spin = _operators(magnet.spin_operator, sites, "spin_operator")
    acting = _operators(magnet.exchange_operator, sites, "exchange_operator")
    orbitals = np.array([operator.shape[-1] for operator in spin])
    ends = np.cumsum(orbitals)
    offset = ends - orbitals
    first = np.searchsorted(layer, np.arange(layer[-1] + 1))
    return SiteTable(
        layer=layer,
        offset=offset - offset[first][layer],
        orbitals=orbitals,
        position=np.array([site.pos for site in sites], float),
        magnet=tuple(magnet.membership(site) for site in sites),
        exchange=_exchange(magnet, sites),
        spin=spin,
        exchange_operator=acting,
    )


def _exchange(magnet: Magnet, sites: list) -> NDArray:
    fields = [np.asarray(magnet.exchange_field(site), float) for site in sites]
    if all(field.shape == (3,) for field in fields):
        found = np.array(fields)
        if np.isfinite(found).all():
            return found
    for site, field in zip(sites, fields, strict=True):
        if field.shape != (3,) or not np.all(np.isfinite(field)):
            raise ValueError(
                f"exchange_field: {field!r} at site {tuple(site.tag)} is not a finite vector in eV."
            )
    return np.zeros((0, 3))


def _operators(function, sites: list, name: str) -> tuple[NDArray, ...]:
    """Operators of all sites; equal ones are checked once and are one array."""
    found = []
    same: dict[tuple[int, int], tuple[ArrayLike, NDArray]] = {}  # keeps what it knows by id alive
    equal: dict[tuple[int, bytes], NDArray] = {}
    for site in sites:
        operator, norbs = function(site), site.family.norbs
        known = same.get((id(operator), norbs))
        if known is None:
            matrices = np.asarray(operator, complex)
            key = (norbs, matrices.tobytes())
            if key not in equal or equal[key].shape != matrices.shape:
                equal[key] = _checked(matrices, site, name)
            known = same[id(operator), norbs] = operator, equal[key]
        found.append(known[1])
    return tuple(found)


def _checked(matrices: NDArray, site: kwant.builder.Site, name: str) -> NDArray:
    norbs = site.family.norbs
    if matrices.shape != (3, norbs, norbs):
        raise ValueError(
            f"{name}: shape {matrices.shape} at site {tuple(site.tag)}, which has norbs={norbs}. "
            f"Give magnet_from_kwant a {name} of shape (3, {norbs}, {norbs}); orbital_spin(n) "
            "makes it for n orbitals with the spin as the last index."
        )
    difference = np.abs(matrices - matrices.conj().transpose(0, 2, 1)).max()
    if not difference <= 1e-12 + 1e-5 * np.abs(matrices).max():
        raise ValueError(f"{name}: the matrices at site {tuple(site.tag)} are not hermitian.")
    return matrices


def check_orbitals(sites: SiteTable, rows: NDArray, members: list[NDArray]) -> None:
    """Compare the orbitals of a table with the rows of a matrix, site by site in Kwant's order."""
    actual = rows[np.concatenate(members)]
    wrong = np.flatnonzero(actual != sites.orbitals)
    if wrong.size:
        raise ValueError(
            f"builder: a site at {sites.position[wrong[0]].tolist()} has {actual[wrong[0]]} "
            f"orbitals, its spin operator {sites.orbitals[wrong[0]]}."
        )
