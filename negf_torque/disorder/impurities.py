"""What an impurity is: a random local potential, described by its alternatives.

A site is in one of several states, alternative alpha with probability c_alpha and potential
V_alpha (eV, a matrix on the site's orbitals, added to the Hamiltonian).  The potentials of a
nonmagnetic and of a magnetic impurity are

    V = u P,        V = u - J n.S,

with P a matrix on the orbitals (default 1), S the spin operators of the site (Pauli matrices) and
n the direction of a moment that is frozen in time.  Several kinds of impurities on one site are
independent of each other.  Continuous distributions are represented by a quadrature; explicit
configurations are drawn from the distributions themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.disorder.moments import direction_quadrature, draw_directions, second_moments
from negf_torque.lattice.layers import SiteTable
from negf_torque.spin import unit_vector

__all__ = [
    "DISTRIBUTIONS",
    "DisorderGroup",
    "Disorder",
    "Impurity",
    "MagneticImpurities",
    "NonmagneticImpurities",
    "draw_potentials",
    "site_disorder",
]

#: Distributions of a nonmagnetic impurity's potential.
DISTRIBUTIONS = ("alloy", "symmetric", "uniform", "gaussian")

#: Quadrature of the continuous distributions; Born needs two points, strong impurities many.
_UNIFORM_NODES, _GAUSSIAN_NODES = 32, 49


@dataclass(frozen=True)
class NonmagneticImpurities:
    """Sites with a random potential.

    Attributes
    ----------
    concentration : float
        Probability that a site is an impurity, 0 ... 1.
    strength : float
        u in eV.
    distribution : {"alloy", "symmetric", "uniform", "gaussian"}
        Potential of an impurity: u; +u or -u; anything between -u and +u; normal with standard
        deviation |u|.
    magnets, layers, sites : tuple, optional
        Only sites of these magnets, in these layers, with these numbers (of the region's site
        table); several restrictions hold together.
    matrix : (m, m), optional
        P: which orbitals feel it; hermitian, default the unit matrix.
    """

    concentration: float
    strength: float
    distribution: str = "alloy"
    magnets: tuple[str, ...] | None = None
    layers: tuple[int, ...] | None = None
    sites: tuple[int, ...] | None = None
    matrix: tuple | None = None

    def __post_init__(self) -> None:
        _check_numbers(self.concentration, self.strength)
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"distribution: {self.distribution!r} is unknown. Expected one of {DISTRIBUTIONS}."
            )
        if self.matrix is not None:
            given = np.asarray(self.matrix, complex)
            if given.ndim != 2 or not np.allclose(given, given.conj().T, atol=1e-12):
                raise ValueError(f"matrix: {self.matrix!r} is not a hermitian matrix.")


@dataclass(frozen=True)
class MagneticImpurities:
    """Sites with a frozen magnetic moment, V = u - J n.S.

    Attributes
    ----------
    concentration : float
        Probability that a site is an impurity, 0 ... 1.
    strength : float
        J in eV.
    potential : float
        u in eV.
    moments : "isotropic" or (3, 3)
        Second moments <n_a n_b>; their trace is the mean square of the moment's length, in whose
        units J counts (1 for unit vectors).  The distribution is that of
        `negf_torque.disorder.moments`.
    directions : (points, 3), optional
        Instead of `moments`: moments given explicitly, equally probable unless `weights` says
        otherwise; their length counts.
    weights : (points,), optional
    following : bool
        Whether the moments' axes turn with the local exchange field (z of `moments` or of
        `directions` becomes its direction) or are fixed in space.
    order : int
        Number of polar angles of the quadrature over a sphere.
    magnets, layers, sites : tuple, optional
        As in `NonmagneticImpurities`.
    """

    concentration: float
    strength: float
    potential: float = 0.0
    moments: str | tuple = "isotropic"
    directions: tuple | None = None
    weights: tuple | None = None
    following: bool = False
    order: int = 8
    magnets: tuple[str, ...] | None = None
    layers: tuple[int, ...] | None = None
    sites: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check_numbers(self.concentration, self.strength)
        if not np.isfinite(self.potential):
            raise ValueError(f"potential: {self.potential!r} is not an energy in eV.")
        if isinstance(self.moments, str) and self.moments != "isotropic":
            raise ValueError(
                f"moments: {self.moments!r} is unknown. Expected 'isotropic' or a 3 x 3 tensor."
            )
        second_moments(self.tensor)
        self.quadrature()

    @property
    def tensor(self) -> NDArray:
        """(3, 3): <n_a n_b> of `moments`."""
        return np.eye(3) / 3 if isinstance(self.moments, str) else np.asarray(self.moments, float)

    def quadrature(self) -> tuple[NDArray, NDArray]:
        """Moments (points, 3) and their probabilities (points,)."""
        if self.directions is None:
            vectors, weights = direction_quadrature(self.tensor, self.order)
            return vectors * np.sqrt(np.trace(self.tensor)), weights
        vectors = np.asarray(self.directions, float)
        if vectors.ndim != 2 or vectors.shape[1] != 3 or not np.all(np.isfinite(vectors)):
            raise ValueError(f"directions: {self.directions!r} is not a list of vectors (x, y, z).")
        weights = np.ones(len(vectors)) if self.weights is None else np.asarray(self.weights, float)
        if weights.shape != (len(vectors),) or np.any(weights < 0) or weights.sum() <= 0:
            raise ValueError(
                f"weights: {self.weights!r}; expected {len(vectors)} probabilities, none negative."
            )
        return vectors, weights / weights.sum()

    def draw(self, uniform: NDArray) -> NDArray:
        """Moments (..., 3) from uniform numbers (..., 3)."""
        if self.directions is None:
            return draw_directions(self.tensor, uniform) * np.sqrt(np.trace(self.tensor))
        vectors, weights = self.quadrature()
        edges = np.cumsum(weights)
        return vectors[np.minimum(np.searchsorted(edges, uniform[..., 0]), len(edges) - 1)]


Impurity = NonmagneticImpurities | MagneticImpurities


def _check_numbers(concentration: float, strength: float) -> None:
    if not 0 <= concentration <= 1:  # not-a-number included
        raise ValueError(
            f"concentration: {concentration!r} is not a probability. Give a number from 0 to 1."
        )
    if not np.isfinite(strength):
        raise ValueError(f"strength: {strength!r} is not an energy in eV.")


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


def _values(kind: NonmagneticImpurities) -> tuple[NDArray, NDArray]:
    """Potentials of an impurity in units of its strength, and their weights."""
    if kind.distribution == "alloy":
        return np.ones(1), np.ones(1)
    if kind.distribution == "symmetric":
        return np.array([-1.0, 1.0]), np.full(2, 0.5)
    if kind.distribution == "uniform":
        nodes, weights = np.polynomial.legendre.leggauss(_UNIFORM_NODES)
        return nodes, weights / 2
    # equal steps, which see narrow resonances better than Gauss-Hermite; variance 1 exactly
    nodes = np.linspace(-6, 6, _GAUSSIAN_NODES)
    weights = np.exp(-(nodes**2) / 2) / np.exp(-(nodes**2) / 2).sum()
    return nodes / np.sqrt(weights @ nodes**2), weights


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
        values, weights = _values(kind)
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
