"""What impurities do to the sites of a device: alternatives of every site, potentials drawn.

Several kinds on one site are independent of each other: the alternatives of the site are all
combinations of theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.disorder.impurities import (
    Impurity,
    MagneticImpurities,
    NonmagneticImpurities,
)
from negf_torque.lattice.layers import SiteTable
from negf_torque.spin import unit_vector

__all__ = ["Disorder", "DisorderGroup", "draw_potentials", "site_disorder"]


@dataclass(frozen=True)
class DisorderGroup:
    """Sites that have the same kinds of impurities.

    Attributes
    ----------
    sites : (S,) int
        Numbers in the region's site table, ascending.
    probability : (A,)
        c_alpha; their sum is 1.
    potential : (S or 1, A, m, m)
        V_alpha in eV.
    """

    sites: NDArray
    probability: NDArray
    potential: NDArray

    @property
    def mean(self) -> NDArray:
        """(S or 1, m, m): <V>."""
        return np.einsum("a,saij->sij", self.probability, self.potential)

    @property
    def fluctuation(self) -> NDArray:
        """(S or 1, A, m, m): v = V - <V>."""
        return self.potential - self.mean[:, None]

    @property
    def second_moment(self) -> NDArray:
        """(S or 1, m^2, m^2): the map X -> <v X v> on row-major vectors of X."""
        v = self.fluctuation
        size = v.shape[-1] ** 2
        whole = np.einsum("a,saij,salk->sikjl", self.probability, v, v)
        return whole.reshape(-1, size, size)


@dataclass(frozen=True)
class Disorder:
    """The random potentials of a region.

    Attributes
    ----------
    groups : tuple of DisorderGroup
        Each disordered site is in one of them.
    """

    groups: tuple[DisorderGroup, ...]

    @property
    def sites(self) -> NDArray:
        """Numbers of the disordered sites, ascending."""
        return np.sort(np.concatenate([np.zeros(0, int), *(g.sites for g in self.groups)]))


def site_disorder(table: SiteTable, impurities: Sequence[Impurity]) -> Disorder:
    """Alternatives of every site that has impurities.

    Parameters
    ----------
    table : SiteTable
    impurities : sequence
        Kinds with concentration or strength zero make no site disordered.

    Raises
    ------
    ValueError
        If a restriction names an unknown magnet, layer or site, or a matrix does not fit.
    """
    members = np.array([_selected(table, kind) for kind in impurities], bool)
    members = members.reshape(len(impurities), len(table.layer))
    groups: dict[tuple, list[int]] = {}
    for i in np.flatnonzero(members.any(axis=0)):
        active = tuple(np.flatnonzero(members[:, i]).tolist())
        same = groups.setdefault((active, *_signature(table, int(i), impurities, active)), [])
        same.append(int(i))
    return Disorder(
        tuple(
            _group(table, np.array(sites), [impurities[k] for k in key[0]])
            for key, sites in groups.items()
        )
    )


def draw_potentials(
    table: SiteTable, impurities: Sequence[Impurity], uniform: ArrayLike
) -> list[NDArray]:
    """One configuration: the potential of every site.

    Parameters
    ----------
    uniform : (..., sites, kinds, 4)
        Independent numbers, uniform between 0 and 1: whether a site has an impurity of this
        kind, and which (three numbers).  Any leading axes give as many configurations.

    Returns
    -------
    list of (..., m_i, m_i)
        For each site, in the order of the table; in eV.
    """
    uniform = np.asarray(uniform, float)
    expected = (len(table.layer), len(impurities), 4)
    if uniform.shape[-3:] != expected:
        raise ValueError(f"uniform: shape {uniform.shape}; expected (..., {expected}).")
    lead = uniform.shape[:-3]
    result = [np.zeros((*lead, m, m), complex) for m in table.orbitals]
    for number, kind in enumerate(impurities):
        for i in np.flatnonzero(_selected(table, kind)):
            u = uniform[..., i, number, :]
            present = u[..., 0] < kind.concentration
            result[i] += present[..., None, None] * _drawn(table, int(i), kind, u[..., 1:])
    return result


def _drawn(table: SiteTable, i: int, kind: Impurity, u: NDArray) -> NDArray:
    if isinstance(kind, MagneticImpurities):
        moments = kind.draw(u) @ _frame(table, i, kind).T
        return _magnetic_potential(table, i, kind, moments)
    from scipy.special import ndtri

    x = u[..., 0]
    value = {
        "alloy": np.ones(x.shape),
        "symmetric": np.where(x < 0.5, -1.0, 1.0),
        "uniform": 2 * x - 1,
        "gaussian": ndtri(np.clip(x, 1e-300, 1 - 1e-16)),
    }[kind.distribution]
    return kind.strength * value[..., None, None] * _orbital_matrix(table, i, kind)


def _orbital_matrix(table: SiteTable, i: int, kind: NonmagneticImpurities) -> NDArray:
    size = int(table.orbitals[i])
    if kind.matrix is None:
        return np.eye(size, dtype=complex)
    matrix = np.asarray(kind.matrix, complex)
    if matrix.shape != (size, size):
        raise ValueError(f"matrix: shape {matrix.shape}; site {i} has {size} orbitals.")
    return matrix


def _magnetic_potential(
    table: SiteTable, i: int, kind: MagneticImpurities, moments: NDArray
) -> NDArray:
    spin = np.einsum("...a,aij->...ij", moments, table.spin[i])
    return kind.potential * np.eye(spin.shape[-1]) - kind.strength * spin


def _frame(table: SiteTable, i: int, kind: MagneticImpurities) -> NDArray:
    """Columns: where the x, y and z axes of the given moments point."""
    field = table.exchange[i]
    if not kind.following or not np.linalg.norm(field):
        return np.eye(3)
    z = unit_vector(field)
    axis, cosine = np.cross([0, 0, 1], z), z[2]  # the shortest way from z to the field
    if cosine < -1 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    generator = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + generator + generator @ generator / (1 + cosine)


def _alternatives(table: SiteTable, i: int, kind: Impurity) -> tuple[NDArray, NDArray]:
    """Probabilities (A,) and potentials (A, m, m) of one kind on one site; the first: none."""
    if isinstance(kind, MagneticImpurities):
        moments, weights = kind.quadrature()
        potential = _magnetic_potential(table, i, kind, moments @ _frame(table, i, kind).T)
    else:
        values, weights = kind.quadrature()
        potential = kind.strength * values[:, None, None] * _orbital_matrix(table, i, kind)
    if kind.concentration == 1:
        return weights, potential
    none = np.zeros((1, *potential.shape[1:]), complex)
    probability = np.concatenate([[1 - kind.concentration], kind.concentration * weights])
    return probability, np.concatenate([none, potential])


def _group(table: SiteTable, sites: NDArray, kinds: Sequence[Impurity]) -> DisorderGroup:
    turning = any(isinstance(k, MagneticImpurities) and k.following for k in kinds)
    potentials, probability = [], np.ones(1)
    for i in sites if turning else sites[:1]:
        size = int(table.orbitals[i])
        probability, total = np.ones(1), np.zeros((1, size, size), complex)
        for kind in kinds:
            weight, potential = _alternatives(table, int(i), kind)
            probability = np.outer(probability, weight).ravel()
            total = (total[:, None] + potential[None]).reshape(-1, size, size)
        potentials.append(total)
    return DisorderGroup(sites, probability, np.array(potentials))


def _signature(
    table: SiteTable, i: int, impurities: Sequence[Impurity], active: tuple[int, ...]
) -> tuple:
    """Sites with equal signature and kinds have the same alternatives."""
    magnetic = any(isinstance(impurities[k], MagneticImpurities) for k in active)
    return int(table.orbitals[i]), table.spin[i].tobytes() if magnetic else b""


def _selected(table: SiteTable, kind: Impurity) -> NDArray:
    count = len(table.layer)
    empty = kind.concentration == 0 or (kind.strength == 0 and not getattr(kind, "potential", 0))
    chosen = np.full(count, not empty)
    names = np.array([str(name) for name in table.magnet])
    places = {"magnets": names, "layers": table.layer, "sites": np.arange(count)}
    for name, present in places.items():
        wanted = getattr(kind, name)
        if wanted is None:
            continue
        missing = [w for w in wanted if w not in set(present.tolist())]
        if missing:
            raise ValueError(
                f"{name}: {missing[0]!r} is not in the region, which has "
                f"{sorted(set(present.tolist()))[:12]}."
            )
        chosen &= np.isin(present, list(wanted))
    return chosen
