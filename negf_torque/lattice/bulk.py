"""A bulk magnet read from a Kwant builder with translational symmetry in every direction.

Kwant's wraparound turns the crystal into a matrix H(k) with momenta as parameters; a few samples
and a discrete Fourier transform give its harmonics exactly.  Displacements between orbitals are
true distances (site positions), so that derivatives in k are velocities.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import kwant
import numpy as np
from kwant.builder import Site
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.harmonics import fourier_harmonics
from negf_torque.spin import SIGMA

__all__ = ["BulkMagnet", "bulk_from_kwant"]



@dataclass(frozen=True)
class BulkMagnet:
    """Harmonics of a ferromagnetic crystal, exchange included.

    Rows and columns run over sites, orbitals of a site, and spin (fastest).

    Attributes
    ----------
    lattice : (d, d)
        Primitive vectors as rows, in the unit of the builder's positions (nm).
    displacements : (harmonics, d)
        True distances between the orbitals that an element connects.
    hoppings : (harmonics, 2n, 2n) complex
        H_R = <0|H|R>, eV.
    exchange : (n, 3)
        Exchange field Delta m of every orbital, eV: H contains -(1/2) Delta m.sigma.
    direction : (3,)
        Direction of the exchange field, the same for all orbitals.
    """

    lattice: NDArray
    displacements: NDArray
    hoppings: NDArray
    exchange: NDArray
    direction: NDArray

    def spin_independent(self, tolerance: float = 1e-9) -> tuple[NDArray, NDArray]:
        """Hoppings (harmonics, n, n) of one spin without exchange, and M_a (n,).

        Raises
        ------
        ValueError
            If what is left after taking out the exchange field still depends on spin.
        """
        n = len(self.exchange)
        spin = np.einsum("na,ast->nst", self.exchange / 2, SIGMA)
        blocks = self.hoppings.reshape(-1, n, 2, n, 2).copy()
        onsite = np.flatnonzero(np.all(np.abs(self.displacements) < 1e-12, axis=1))
        index = np.arange(n)
        for a in index:
            blocks[onsite[0], a, :, a, :] += spin[a]
        hoppings = blocks[:, :, 0, :, 0]
        rest = blocks - np.einsum("rab,st->rasbt", hoppings, np.eye(2))
        if np.abs(rest).max() > tolerance:
            place = np.unravel_index(np.argmax(np.abs(rest)), rest.shape)
            raise ValueError(
                f"builder: the Hamiltonian depends on spin beyond the exchange field "
                f"({np.abs(rest).max():.3g} eV between orbitals {place[1]} and {place[3]}): "
                "spin-orbit coupling, or an exchange field that was not declared."
            )
        return hoppings, np.linalg.norm(self.exchange, axis=1) / 2


def bulk_from_kwant(
    builder: kwant.Builder,
    exchange_field: Callable[[Site], ArrayLike] | None,
    params: Mapping | None = None,
) -> BulkMagnet:
    """Read a crystal from a builder whose symmetry has as many directions as space.

    Parameters
    ----------
    builder : kwant.Builder
        One, two or three translational symmetries, no leads; every site has an even number of
        orbitals, spin fastest.
    exchange_field : callable
        site -> (3,), Delta m in eV, which acts on every orbital of the site.  None: a crystal
        without magnetism; the direction is z then.
    params : mapping, optional
        Parameters of the value functions.

    Raises
    ------
    ValueError
        If symmetries are missing, no site carries an exchange field, or directions differ.
    """
    periods = np.array(builder.symmetry.periods, float)
    d = builder.symmetry.num_directions
    if d == 0 or periods.shape != (d, d):
        raise ValueError(
            f"builder: {d} translational symmetries in {periods.shape[-1] if d else '?'} "
            "dimensions. A bulk crystal needs one for every direction of space."
        )
    names = [f"k_{axis}" for axis in "xyz"[:d]]
    system = kwant.wraparound.wraparound(builder, coordinate_names="xyz").finalized()
    fixed = dict(params or {})

    def matrix(values: Mapping):
        return system.hamiltonian_submatrix(params=dict(values), sparse=True).tocsr()

    cells, harmonics = fourier_harmonics(matrix, names, fixed)
    sites, positions = [], []
    for site in system.sites:
        orbitals = site.family.norbs
        if orbitals is None or orbitals % 2:
            raise ValueError(
                f"builder: site {site} has norbs = {orbitals}. Give an even number (spin fastest)."
            )
        sites += [site] * (orbitals // 2)
        positions += [np.asarray(site.pos, float)] * orbitals
    if exchange_field is None:
        return _nonmagnetic(periods, cells, harmonics, positions)
    exchange = np.array([np.asarray(exchange_field(site), float) for site in sites])
    size = np.linalg.norm(exchange, axis=1)
    if not np.any(size > 0):
        raise ValueError(
            "exchange_field: no site of the builder carries an exchange field. A ferromagnet "
            "needs Delta m on at least one site."
        )
    direction = exchange[np.argmax(size)] / size.max()
    if np.any(np.abs(exchange - size[:, None] * direction) > 1e-9):
        raise ValueError("exchange_field: differs in direction from site to site. Give one axis.")
    displacements, hoppings = _true_distances(
        cells @ periods, [h.toarray() for h in harmonics], np.array(positions)
    )
    return BulkMagnet(periods, displacements, hoppings, exchange, direction)


def _nonmagnetic(periods, cells, harmonics, positions) -> BulkMagnet:
    displacements, hoppings = _true_distances(
        cells @ periods, [h.toarray() for h in harmonics], np.array(positions)
    )
    nothing = np.zeros((len(positions) // 2, 3))
    return BulkMagnet(periods, displacements, hoppings, nothing, np.array([0.0, 0.0, 1.0]))


def _true_distances(cells, harmonics, positions) -> tuple[NDArray, NDArray]:
    """Sort the elements of H_R by R + r_b - r_a instead of by R."""
    found: dict[tuple, NDArray] = {(0.0,) * cells.shape[1]: np.zeros_like(harmonics[0])}
    for cell, matrix in zip(cells, harmonics, strict=True):
        for a, b in zip(*np.nonzero(np.abs(matrix) > 0), strict=True):
            place = tuple(np.round(cell + positions[b] - positions[a], 9) + 0.0)
            found.setdefault(place, np.zeros_like(matrix))[a, b] += matrix[a, b]
    return np.array(list(found)), np.array(list(found.values()))
