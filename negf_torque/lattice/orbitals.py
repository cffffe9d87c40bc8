"""Atomic orbitals on a lattice: how they turn, what bonds they make, their spin-orbit coupling.

Orbitals are real: s; p = x, y, z; d = xy, yz, zx, x^2 - y^2, 3z^2 - r^2, written as normalised
symmetric traceless matrices Q, so that a rotation R turns them by D_ij = tr(Q_i R Q_j R^T).
Bonds are the two-centre integrals of J. C. Slater and G. F. Koster, Phys. Rev. 94, 1498 (1954),
given along z and turned into the direction of the bond.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import SIGMA

__all__ = ["BONDS", "OrbitalBasis", "angular_momentum", "bond_matrix", "rotate_shell", "spin_turn"]

_ROOT = 1 / np.sqrt(2)
_D = _ROOT * np.array(
    [
        [[0, 1, 0], [1, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 0, 1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [1, 0, 0]],
        [[1, 0, 0], [0, -1, 0], [0, 0, 0]],
        np.diag([-1, -1, 2]) / np.sqrt(3),
    ]
)
SIZES = {"s": 1, "p": 3, "d": 5}
# Bond along z: name -> (first shell, second shell, pairs of orbitals that it couples).
BONDS: dict[str, tuple[str, str, tuple[tuple[int, int], ...]]] = {
    "ss_sigma": ("s", "s", ((0, 0),)),
    "sp_sigma": ("s", "p", ((0, 2),)),
    "pp_sigma": ("p", "p", ((2, 2),)),
    "pp_pi": ("p", "p", ((0, 0), (1, 1))),
    "sd_sigma": ("s", "d", ((0, 4),)),
    "pd_sigma": ("p", "d", ((2, 4),)),
    "pd_pi": ("p", "d", ((0, 2), (1, 1))),
    "dd_sigma": ("d", "d", ((4, 4),)),
    "dd_pi": ("d", "d", ((1, 1), (2, 2))),
    "dd_delta": ("d", "d", ((0, 0), (3, 3))),
}


def rotate_shell(shell: str, rotation: NDArray) -> NDArray:
    """Real matrix D of an orthogonal matrix (3, 3) on the orbitals of one shell.

    Examples
    --------
    Inversion keeps d orbitals:

    >>> bool(np.allclose(rotate_shell("d", -np.eye(3)), np.eye(5)))
    True
    """
    if shell == "s":
        return np.eye(1)
    if shell == "p":
        return np.array(rotation, float)
    return np.einsum("iab,bc,jcd,ad->ij", _D, rotation, _D, rotation)


def angular_momentum(shell: str) -> NDArray:
    """L_x, L_y, L_z on the orbitals of one shell, (3, n, n).

    Examples
    --------
    >>> l = angular_momentum("d")
    >>> bool(np.allclose(sum(x @ x for x in l), 6 * np.eye(5)))
    True
    """
    generators = -np.array(
        [[[0, 0, 0], [0, 0, 1], [0, -1, 0]], [[0, 0, -1], [0, 0, 0], [1, 0, 0]],
         [[0, 1, 0], [-1, 0, 0], [0, 0, 0]]], float,
    )  # fmt: skip
    if shell == "s":
        return np.zeros((3, 1, 1), complex)
    if shell == "p":
        return 1j * generators
    turned = np.einsum("kab,jbc->kjac", generators, _D) - np.einsum("jab,kbc->kjac", _D, generators)
    return 1j * np.einsum("iab,kjba->kij", _D, turned)


def spin_turn(rotation: NDArray) -> NDArray:
    """Spin-1/2 matrix of an orthogonal matrix; the inversion does nothing to a spin."""
    proper = np.asarray(rotation, float) * np.linalg.det(rotation)
    cosine = np.clip((np.trace(proper) - 1) / 2, -1, 1)
    angle = np.arccos(cosine)
    axis = np.array(
        [proper[2, 1] - proper[1, 2], proper[0, 2] - proper[2, 0], proper[1, 0] - proper[0, 1]]
    )
    if np.linalg.norm(axis) < 1e-9:
        if cosine > 0:
            return np.eye(2, dtype=complex)
        values, vectors = np.linalg.eigh((proper + proper.T) / 2)
        axis = vectors[:, np.argmax(values)]
    axis = axis / np.linalg.norm(axis)
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * np.einsum(
        "a,aij->ij", axis, SIGMA
    )


def bond_matrix(
    first: str, second: str, direction: ArrayLike, bonds: Mapping[str, float]
) -> NDArray:
    """<first, 0| H |second, R> for orbitals of the given shells ("s", "sp", "spd"), R along
    `direction`; bonds that are not given are zero.

    Examples
    --------
    >>> bond_matrix("s", "sp", (1, 0, 0), {"ss_sigma": -1.0, "sp_sigma": 0.5}).tolist()
    [[-1.0, 0.5, 0.0, 0.0]]
    """
    unit = np.asarray(direction, float) / np.linalg.norm(direction)
    frame = _frame(unit)
    rows = []
    for a in first:
        row = []
        for b in second:
            along = np.zeros((SIZES[a], SIZES[b]))
            for name, value in bonds.items():
                one, two, pairs = BONDS[name]
                for i, j in pairs:
                    if (a, b) == (one, two):
                        along[i, j] += value
                    elif (a, b) == (two, one):
                        along[j, i] += value * (-1) ** ("spd".index(a) + "spd".index(b))
            row.append(rotate_shell(a, frame) @ along @ rotate_shell(b, frame).T)
        rows.append(row)
    return np.block(rows)


def _frame(unit: NDArray) -> NDArray:
    """A rotation that takes z to `unit`."""
    helper = np.eye(3)[np.argmin(np.abs(unit))]
    x = np.cross(helper, unit)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(unit, x), unit], axis=1)


@dataclass(frozen=True)
class OrbitalBasis:
    """The orbitals of a cell: sites with their shells, spin fastest.

    Attributes
    ----------
    positions : (sites, 3)
        Cartesian; a rotation must map every site on one of the same shells.
    shells : tuple of str
        "s", "sp", "d", "spd" ... of every site.
    lattice : (d, 3)
        Primitive vectors, to tell sites that are the same up to one.
    """

    positions: NDArray
    shells: tuple[str, ...]
    lattice: NDArray

    @property
    def orbitals(self) -> int:
        """Orbitals times spin."""
        return 2 * sum(SIZES[shell] for shells in self.shells for shell in shells)

    def slices(self) -> list[slice]:
        """Rows of every site."""
        sizes = [2 * sum(SIZES[shell] for shell in shells) for shells in self.shells]
        stops = np.cumsum(sizes)
        return [slice(int(b - n), int(b)) for n, b in zip(sizes, stops, strict=True)]

    def represent(self, rotation: NDArray) -> NDArray:
        """U of an orthogonal (3, 3) matrix; zero where a site has no image (not a symmetry)."""
        out = np.zeros((self.orbitals, self.orbitals), complex)
        blocks, spin = self.slices(), spin_turn(rotation)
        for i, (place, shells) in enumerate(zip(self.positions, self.shells, strict=True)):
            image = self._site_at(rotation @ place, shells)
            if image is None:
                return np.zeros_like(out)
            turned = _direct_sum([rotate_shell(shell, rotation) for shell in shells])
            out[blocks[image], blocks[i]] = np.kron(turned, spin)
        return out

    def _site_at(self, place: NDArray, shells: str) -> int | None:
        inverse = np.linalg.pinv(self.lattice)
        for j, (other, theirs) in enumerate(zip(self.positions, self.shells, strict=True)):
            steps = np.round((place - other) @ inverse)
            if theirs == shells and np.abs(place - other - steps @ self.lattice).max() < 1e-6:
                return j
        return None

    def spin_orbit(self, strengths: Sequence[Mapping[str, float]]) -> NDArray:
        """lambda L.S of every site (shell -> lambda, eV), (n, n)."""
        out = np.zeros((self.orbitals, self.orbitals), complex)
        for block, shells, given in zip(self.slices(), self.shells, strengths, strict=True):
            out[block, block] = site_spin_orbit(shells, given)
        return out


def site_spin_orbit(shells: str, strengths: Mapping[str, float]) -> NDArray:
    """lambda L.S of one site, S = sigma/2, spin fastest.

    Examples
    --------
    A p shell splits into j = 1/2 at -lambda and j = 3/2 at lambda/2:

    >>> np.round(np.linalg.eigvalsh(site_spin_orbit("p", {"p": 1.0})), 9).tolist()
    [-1.0, -1.0, 0.5, 0.5, 0.5, 0.5]
    """
    blocks = []
    for shell in shells:
        both = [np.kron(o, s) for o, s in zip(angular_momentum(shell), SIGMA, strict=True)]
        blocks.append(strengths.get(shell, 0.0) / 2 * np.sum(both, axis=0))
    return _direct_sum(blocks)


def _direct_sum(blocks: Sequence[NDArray]) -> NDArray:
    size = sum(len(b) for b in blocks)
    out = np.zeros((size, size), np.result_type(*blocks))
    start = 0
    for b in blocks:
        out[start : start + len(b), start : start + len(b)] = b
        start += len(b)
    return out
