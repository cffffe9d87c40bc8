"""Layered stacks on a cubic lattice: spin valves, tunnel junctions, wires with textures.

Layers are planes of a simple cubic lattice stacked along x, the direction of the current.  The
cross-section is periodic (momenta k_y, k_z), a single site (chain) or a finite W_y x W_z.
Hopping elements are -t; on-site matrices are eps - (Delta/2) m.sigma on each orbital.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import kwant
import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.magnet import Magnet, magnet_from_kwant, orbital_spin
from negf_torque.spin import SIGMA, Texture, unit_vector

__all__ = ["Layer", "Lead", "build_stack"]

CrossSection = str | tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """Some atomic layers of one material.

    Attributes
    ----------
    thickness : int
        Atomic layers, 1 or more.
    onsite : float or (orbitals, orbitals)
        On-site energy in eV; a hermitian matrix for several orbitals.
    exchange : float
        Splitting Delta in eV between minority and majority.
    direction : (3,)
        Direction of the majority spin; normalised.
    texture : callable, optional
        Direction (n, 3) of atomic layers n = 0 ... thickness - 1; replaces `direction`.
    name : str
        Magnet that the layer belongs to (layers of equal name are one magnet); only meaningful
        where `exchange` is not zero.  Empty: "layer <number>".
    hopping : float or (orbitals, orbitals)
        In-plane hopping t in eV.
    hopping_out : float or (orbitals, orbitals), optional
        Hopping along x inside the layer; default as in the plane.
    interface_hopping : float or (orbitals, orbitals), optional
        Hopping to the layer (or lead) before; default the geometric mean of both hoppings along
        x (of several orbitals: they must be equal).
    """

    thickness: int
    onsite: float | ArrayLike = 0.0
    exchange: float = 0.0
    direction: ArrayLike = (0, 0, 1)
    texture: Texture | None = None
    name: str = ""
    hopping: float | ArrayLike = 1.0
    hopping_out: float | ArrayLike | None = None
    interface_hopping: float | ArrayLike | None = None


@dataclass(frozen=True)
class Lead:
    """A semi-infinite electrode; attributes as in `Layer`.  A magnetic lead is a magnet too,
    named "left lead" or "right lead" unless `name` says otherwise."""

    onsite: float | ArrayLike = 0.0
    exchange: float = 0.0
    direction: ArrayLike = (0, 0, 1)
    name: str = ""
    hopping: float | ArrayLike = 1.0
    hopping_out: float | ArrayLike | None = None
    interface_hopping: float | ArrayLike | None = None


@dataclass(frozen=True)
class _Plane:
    """One atomic plane: matrices on the orbitals (without spin) and the exchange field."""

    onsite: NDArray
    in_plane: NDArray
    out: NDArray
    field: NDArray
    name: str | None
    interface: NDArray | None


def build_stack(
    layers: Sequence[Layer],
    left: Lead | None = None,
    right: Lead | None = None,
    cross_section: CrossSection = "periodic",
) -> Magnet:
    """Build a stack of layers between two leads.

    Parameters
    ----------
    layers : sequence of Layer
        From left to right; may be empty (a bare interface between the leads).
    left, right : Lead
        Electrodes; default nonmagnetic, on-site 0, hopping 1.
    cross_section : "periodic", "chain" or (W_y, W_z)

    Returns
    -------
    Magnet
        Besides the layers, the region holds one atomic layer of each lead.

    Raises
    ------
    ValueError
        If a thickness, energy, direction, matrix or the cross-section makes no sense.

    Examples
    --------
    >>> from negf_torque.lattice import layer_chain
    >>> magnet = build_stack([Layer(2, exchange=1.0, name="F"), Layer(3)])
    >>> layer_chain(magnet).magnets
    ('F',)
    """
    left, right = left or Lead(), right or Lead()
    orbitals = len(_matrix(left.onsite, "left.onsite"))
    if isinstance(layers, Layer):
        raise ValueError("layers: expected a list of layers, got a single Layer.")
    head = _lead_plane(left, "left lead")
    tail = _lead_plane(right, "right lead")
    planes = [head, *_planes(layers), tail]
    for number, plane in enumerate(planes):
        if len(plane.onsite) != orbitals:
            raise ValueError(
                f"layers: plane {number} has {len(plane.onsite)} orbitals, "
                f"the left lead {orbitals}."
            )
    transverse = _transverse_sites(cross_section)
    lattice = kwant.lattice.general(np.eye(3), norbs=2 * orbitals, name="stack")
    periodic = ((0, 1, 0), (0, 0, 1)) if cross_section == "periodic" else ()

    region = _builder(periodic)
    for x, plane in enumerate(planes):
        _add_plane(region, lattice, x, plane, transverse)
    for x, coupling in enumerate(_couplings(planes, left)):
        _join(region, lattice, x, coupling, transverse)
    last = len(planes) - 1

    def plane_of(site: kwant.builder.Site) -> _Plane:
        return planes[min(max(int(site.tag[0]), 0), last)]

    return magnet_from_kwant(
        region,
        [
            _lead_builder(lattice, head, -1, periodic, transverse),
            _lead_builder(lattice, tail, 1, periodic, transverse),
        ],
        exchange_field=lambda site: plane_of(site).field,
        spin_operator=orbital_spin(orbitals),
        membership=lambda site: plane_of(site).name,
        lead_cells=0,  # the region's first and last plane are the leads' already
    )


def _builder(vectors: Sequence[tuple[int, int, int]]) -> kwant.Builder:
    return kwant.Builder(kwant.TranslationalSymmetry(*vectors)) if vectors else kwant.Builder()


def _matrix(value: float | ArrayLike, name: str) -> NDArray:
    matrix = np.asarray(value, complex)
    matrix = matrix.reshape(1, 1) if matrix.ndim == 0 else matrix
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name}: shape {matrix.shape} is not a number or a square matrix.")
    if not np.all(np.isfinite(matrix)):
        raise ValueError(f"{name}: {value!r} is not finite.")
    return matrix


def _plane(material: Layer | Lead, label: str, vector: NDArray, first: bool) -> _Plane:
    onsite = _matrix(material.onsite, f"{label}.onsite")
    if not np.allclose(onsite, onsite.conj().T, atol=1e-12):
        raise ValueError(f"{label}.onsite: the matrix is not hermitian.")
    if not np.isfinite(material.exchange):
        raise ValueError(f"{label}.exchange: {material.exchange!r} is not an energy in eV.")
    in_plane = _matrix(material.hopping, f"{label}.hopping")
    out = material.hopping if material.hopping_out is None else material.hopping_out
    interface = material.interface_hopping
    name = material.name or label
    return _Plane(
        onsite=onsite,
        in_plane=in_plane,
        out=_matrix(out, f"{label}.hopping_out"),
        field=material.exchange * unit_vector(vector, f"{label}.direction"),
        name=name if material.exchange else None,
        interface=_matrix(interface, f"{label}.interface_hopping")
        if first and interface is not None
        else None,
    )


def _lead_plane(lead: Lead, label: str) -> _Plane:
    return _plane(lead, label, np.asarray(lead.direction, float), first=label == "right lead")


def _planes(layers: Sequence[Layer]) -> list[_Plane]:
    planes = []
    for number, layer in enumerate(layers):
        label = f"layers[{number}]"
        if not isinstance(layer, Layer):
            raise ValueError(f"{label}: expected a Layer, got {layer!r}.")
        thickness = layer.thickness
        if isinstance(thickness, bool) or int(thickness) != thickness or thickness < 1:
            raise ValueError(
                f"{label}.thickness: {thickness!r} is not a thickness. "
                "Give a whole number of atomic layers, 1 or more."
            )
        n = np.arange(int(thickness))
        vectors = (
            np.broadcast_to(_three(layer.direction, f"{label}.direction"), (len(n), 3))
            if layer.texture is None
            else np.asarray(layer.texture(n), float)
        )
        label = layer.name or f"layer {number}"
        planes += [_plane(layer, label, v, first=i == 0) for i, v in enumerate(vectors)]
    return planes


def _three(vector: ArrayLike, name: str) -> NDArray:
    found = np.asarray(vector, float)
    if found.shape != (3,):
        raise ValueError(f"{name}: {vector!r} is not a vector. Give three components x, y, z.")
    return found


def _couplings(planes: Sequence[_Plane], left: Lead) -> list[NDArray]:
    """<outer|H|inner> on the orbitals for every pair of neighbouring planes."""
    given = [plane.interface for plane in planes[1:]]
    if given[0] is None and left.interface_hopping is not None:
        given[0] = _matrix(left.interface_hopping, "left.interface_hopping")
    return [
        _coupling(inner.out, outer.out) if hopping is None else -hopping
        for inner, outer, hopping in zip(planes[:-1], planes[1:], given, strict=True)
    ]


def _coupling(inner: NDArray, outer: NDArray) -> NDArray:
    if np.array_equal(inner, outer):
        return -inner
    product = inner * outer
    if len(inner) > 1 or np.any(product.imag != 0) or np.any(product.real < 0):
        raise ValueError(
            "interface_hopping: two materials meet whose hoppings are matrices or differ in "
            "sign, so that they have no geometric mean; give the hopping between them."
        )
    return -np.sqrt(product.real) * np.sign(inner.real)


def _transverse_sites(cross_section: CrossSection) -> list[tuple[int, int]]:
    if cross_section in ("periodic", "chain"):
        return [(0, 0)]
    try:
        sites: tuple[Any, ...] = tuple(cross_section)
        width, height = (int(w) for w in sites)
        if (width, height) != sites or min(width, height) < 1:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"cross_section: {cross_section!r} is not a cross-section. "
            "Expected 'periodic', 'chain' or two whole numbers of sites [W_y, W_z]."
        ) from None
    return [(y, z) for y in range(width) for z in range(height)]


def _add_plane(
    builder: kwant.Builder,
    lattice: kwant.lattice.Monatomic,
    x: int,
    plane: _Plane,
    transverse: list[tuple[int, int]],
) -> None:
    exchange = -0.5 * np.kron(np.eye(len(plane.onsite)), np.einsum("a,aij->ij", plane.field, SIGMA))
    spinless = np.eye(2)
    onsite = np.kron(plane.onsite, spinless) + exchange
    hopping = -np.kron(plane.in_plane, spinless)
    sites = set(transverse)
    for y, z in transverse:
        builder[lattice(x, y, z)] = onsite
    periodic = builder.symmetry.num_directions >= 2
    for y, z in transverse:
        for dy, dz in ((1, 0), (0, 1)):
            if periodic or (y + dy, z + dz) in sites:
                builder[lattice(x, y + dy, z + dz), lattice(x, y, z)] = hopping


def _join(
    builder: kwant.Builder,
    lattice: kwant.lattice.Monatomic,
    x: int,
    coupling: NDArray,
    transverse: list[tuple[int, int]],
) -> None:
    value = np.kron(coupling, np.eye(2))
    for y, z in transverse:
        builder[lattice(x + 1, y, z), lattice(x, y, z)] = value


def _lead_builder(
    lattice: kwant.lattice.Monatomic,
    plane: _Plane,
    sign: int,
    periodic: Sequence[tuple[int, int, int]],
    transverse: list[tuple[int, int]],
) -> kwant.Builder:
    builder = _builder([(sign, 0, 0), *periodic])
    _add_plane(builder, lattice, 0, plane, transverse)
    _join(builder, lattice, 0, -plane.out, transverse)
    return builder
