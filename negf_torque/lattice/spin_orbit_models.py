"""Crystals with spin-orbit coupling as Kwant builders::

    rashba_magnet       square lattice, H = -2t (cos kx + cos ky)
                        + alpha_R (sigma_x sin ky - sigma_y sin kx) - (Delta/2) m.sigma
    two_band_insulator  gapped square lattice with a Chern number
    orbital_metal       s, p, d orbitals on a cubic lattice with atomic lambda L.S
    bilayer             layers of one such metal under layers of a ferromagnet, periodic in plane

Each returns a `SpinOrbitCrystal`: the builder, the exchange field of its sites, and the basis
that knows how orbitals turn (for symmetries).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import kwant
import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.bulk import BulkMagnet, bulk_from_kwant
from negf_torque.lattice.orbitals import (
    BONDS,
    SIZES,
    OrbitalBasis,
    bond_matrix,
    site_spin_orbit,
)
from negf_torque.spin import PAULI, SIGMA, unit_vector

__all__ = [
    "OrbitalMaterial",
    "SpinOrbitCrystal",
    "bilayer",
    "orbital_metal",
    "rashba_magnet",
    "two_band_insulator",
]

#: Primitive vectors and bonds (half of them) in units of the cubic edge.
_LATTICES = {
    "simple_cubic": (np.eye(3), np.eye(3)),
    "body_centred_cubic": (
        np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2,
        np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2,
    ),
    "face_centred_cubic": (
        np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2,
        np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 1, -1], [1, 0, -1], [1, -1, 0]]) / 2,
    ),
}


@dataclass(frozen=True)
class SpinOrbitCrystal:
    """A Kwant builder with what the response theory has to know about it.

    Attributes
    ----------
    builder : kwant.Builder
    exchange : callable or None
        Site -> Delta m (3,), eV; None without magnetism.
    basis : OrbitalBasis
        In the order of the rows of the Hamiltonian.
    layer : (n,) int
        Layer of every orbital (times spin), from below; 0 in a bulk crystal.
    """

    builder: kwant.Builder
    exchange: Callable | None
    basis: OrbitalBasis
    layer: NDArray

    def magnet(self) -> BulkMagnet:
        """Harmonics of the crystal."""
        return bulk_from_kwant(self.builder, self.exchange)


@dataclass(frozen=True)
class OrbitalMaterial:
    """Orbitals, bonds and atomic coupling of one material.

    Attributes
    ----------
    shells : str
        "s", "sp", "d" ...
    energies : mapping
        Shell -> on-site energy, eV.
    bonds : mapping
        Two-centre integrals to nearest neighbours (`orbitals.BONDS`), eV.
    spin_orbit : mapping
        Shell -> lambda of lambda L.S, eV.
    exchange : float
        Splitting Delta of every orbital, eV.
    """

    shells: str
    energies: Mapping[str, float]
    bonds: Mapping[str, float]
    spin_orbit: Mapping[str, float] = field(default_factory=dict)
    exchange: float = 0.0

    def __post_init__(self) -> None:
        if (
            not self.shells
            or set(self.shells) - set("spd")
            or list(self.shells) != sorted(set(self.shells), key="spd".index)
        ):
            raise ValueError(f"shells: {self.shells!r}; give s, p, d in this order, each once.")
        for name, given in (("energies", self.energies), ("spin_orbit", self.spin_orbit)):
            strange = set(given) - set(self.shells)
            if strange:
                raise ValueError(f"{name}: shells {sorted(strange)} are not among {self.shells!r}.")
        strange = set(self.bonds) - set(BONDS)
        if strange:
            raise ValueError(f"bonds: {sorted(strange)} are unknown. Known: {', '.join(BONDS)}.")

    @property
    def orbitals(self) -> int:
        """Orbitals times spin of a site."""
        return 2 * sum(SIZES[shell] for shell in self.shells)

    def onsite(self) -> NDArray:
        """Energies and spin-orbit coupling, without exchange, (n, n)."""
        levels = np.concatenate(
            [np.full(2 * SIZES[s], float(self.energies.get(s, 0.0))) for s in self.shells]
        )
        return np.diag(levels) + site_spin_orbit(self.shells, self.spin_orbit)


def rashba_magnet(
    hopping: float = 1.0,
    rashba: float = 0.3,
    exchange: float = 0.6,
    direction: ArrayLike = (0, 0, 1),
    lattice_constant: float = 1.0,
) -> SpinOrbitCrystal:
    """Square-lattice Rashba ferromagnet; `exchange` is the whole splitting Delta, eV."""
    m, a = unit_vector(direction, "direction"), float(lattice_constant)
    lattice = kwant.lattice.square(a, norbs=2)
    builder = kwant.Builder(kwant.TranslationalSymmetry((a, 0), (0, a)))
    builder[lattice(0, 0)] = -exchange / 2 * np.einsum("a,aij->ij", m, SIGMA)
    # H(0, R) = -t + (alpha_R/2i)(R_y sigma_x - R_x sigma_y); Kwant's hop (to, from) = (0, R)
    builder[lattice(0, 0), lattice(1, 0)] = -hopping * PAULI[0] - rashba / 2j * SIGMA[1]
    builder[lattice(0, 0), lattice(0, 1)] = -hopping * PAULI[0] + rashba / 2j * SIGMA[0]
    basis = OrbitalBasis(np.zeros((1, 3)), ("s",), a * np.eye(3)[:2])
    field_of = (lambda site: exchange * m) if exchange else None
    return SpinOrbitCrystal(builder, field_of, basis, np.zeros(2, int))


def two_band_insulator(mass: float, lattice_constant: float = 1.0) -> SpinOrbitCrystal:
    """H = sin kx sigma_x + sin ky sigma_y + (mass - 2 + cos kx + cos ky) sigma_z.

    Gapped with |C| = 1 for 0 < mass < 4 except mass = 2; the spin is a pseudospin here.
    X.-L. Qi, Y.-S. Wu and S.-C. Zhang, Phys. Rev. B 74, 085308 (2006).
    """
    a = float(lattice_constant)
    lattice = kwant.lattice.square(a, norbs=2)
    builder = kwant.Builder(kwant.TranslationalSymmetry((a, 0), (0, a)))
    builder[lattice(0, 0)] = (mass - 2) * SIGMA[2]
    builder[lattice(0, 0), lattice(1, 0)] = SIGMA[2] / 2 + SIGMA[0] / 2j
    builder[lattice(0, 0), lattice(0, 1)] = SIGMA[2] / 2 + SIGMA[1] / 2j
    basis = OrbitalBasis(np.zeros((1, 3)), ("s",), a * np.eye(3)[:2])
    return SpinOrbitCrystal(builder, None, basis, np.zeros(2, int))


def orbital_metal(
    material: OrbitalMaterial,
    lattice: str = "simple_cubic",
    lattice_constant: float = 1.0,
    direction: ArrayLike = (0, 0, 1),
) -> SpinOrbitCrystal:
    """Three-dimensional crystal of one material, nearest neighbours.

    Parameters
    ----------
    lattice : {"simple_cubic", "body_centred_cubic", "face_centred_cubic"}
    lattice_constant : float
        Edge of the cube, nm.
    direction : (3,)
        Of the majority spin, where the material has an exchange splitting.
    """
    if lattice not in _LATTICES:
        raise ValueError(f"lattice: {lattice!r} is unknown. Known: {', '.join(_LATTICES)}.")
    primitive, bonds = (lattice_constant * v for v in _LATTICES[lattice])
    family = kwant.lattice.general(primitive, norbs=material.orbitals)
    builder = kwant.Builder(kwant.TranslationalSymmetry(*primitive))
    origin, m = family(0, 0, 0), unit_vector(direction, "direction")
    builder[origin] = material.onsite() + _exchange(material, m)
    inverse = np.linalg.inv(primitive)
    for bond in bonds:
        cell = np.round(bond @ inverse).astype(int)
        matrix = bond_matrix(material.shells, material.shells, bond, material.bonds)
        builder[origin, family(*cell)] = np.kron(matrix, np.eye(2))
    basis = OrbitalBasis(np.zeros((1, 3)), (material.shells,), primitive)
    field_of = (lambda site: material.exchange * m) if material.exchange else None
    return SpinOrbitCrystal(builder, field_of, basis, np.zeros(material.orbitals, int))


def _exchange(material: OrbitalMaterial, m: NDArray) -> NDArray:
    spin = -material.exchange / 2 * np.einsum("a,aij->ij", m, SIGMA)
    return np.kron(np.eye(material.orbitals // 2), spin)


def interface_bonds(lower: OrbitalMaterial, upper: OrbitalMaterial) -> dict[str, float]:
    """Mean of what both materials give; of one alone where the other lacks the orbital."""
    names = dict.fromkeys([*lower.bonds, *upper.bonds])
    return {
        name: float(np.mean([m.bonds[name] for m in (lower, upper) if name in m.bonds]))
        for name in names
    }


def bilayer(
    metal: OrbitalMaterial,
    metal_layers: int,
    ferromagnet: OrbitalMaterial,
    ferromagnet_layers: int,
    direction: ArrayLike = (0, 0, 1),
    lattice_constant: float = 1.0,
    interface: Mapping[str, float] | None = None,
) -> SpinOrbitCrystal:
    """Slab of a heavy metal (below) and a ferromagnet (above) on one simple cubic lattice.

    Infinite in x and y, open in z; the plane of layer z = 0 is the metal's free surface.

    Parameters
    ----------
    interface : mapping, optional
        Bonds across the interface; default the mean of both materials'.
    """
    for name, count in (("metal_layers", metal_layers), ("ferromagnet_layers", ferromagnet_layers)):
        if count < 0 or int(count) != count:
            raise ValueError(f"{name}: {count!r} is not a number of layers.")
    if metal_layers + ferromagnet_layers == 0:
        raise ValueError("metal_layers, ferromagnet_layers: there is no layer at all.")
    stack = [metal] * int(metal_layers) + [ferromagnet] * int(ferromagnet_layers)
    a, m = float(lattice_constant), unit_vector(direction, "direction")
    families = [
        kwant.lattice.Monatomic(a * np.eye(2), name=f"layer {z}", norbs=material.orbitals)
        for z, material in enumerate(stack)
    ]
    names = {family.name: material for family, material in zip(families, stack, strict=True)}
    builder = kwant.Builder(kwant.TranslationalSymmetry((a, 0), (0, a)))
    across = interface_bonds(metal, ferromagnet) if interface is None else interface
    for family, material in zip(families, stack, strict=True):
        builder[family(0, 0)] = material.onsite() + _exchange(material, m)
    for z, (family, material) in enumerate(zip(families, stack, strict=True)):
        for cell in ((1, 0), (0, 1)):
            matrix = bond_matrix(material.shells, material.shells, (*cell, 0), material.bonds)
            builder[family(0, 0), family(*cell)] = np.kron(matrix, np.eye(2))
        if z + 1 < len(stack):
            above = stack[z + 1]
            bonds = material.bonds if above is material else across
            matrix = bond_matrix(material.shells, above.shells, (0, 0, 1), bonds)
            builder[family(0, 0), families[z + 1](0, 0)] = np.kron(matrix, np.eye(2))
    magnetic = ferromagnet_layers > 0 and ferromagnet.exchange != 0 or metal.exchange != 0
    positions = np.array([[0.0, 0.0, a * z] for z in range(len(stack))])
    basis = OrbitalBasis(positions, tuple(s.shells for s in stack), a * np.eye(3)[:2])
    layer = np.repeat(np.arange(len(stack)), [s.orbitals for s in stack])
    field_of = (lambda site: names[site.family.name].exchange * m) if magnetic else None
    return SpinOrbitCrystal(builder, field_of, basis, layer)
