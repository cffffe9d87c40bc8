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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.moments import direction_quadrature, draw_directions, second_moments

__all__ = [
    "DISTRIBUTIONS",
    "Impurity",
    "MagneticImpurities",
    "NonmagneticImpurities",
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

    Examples
    --------
    Of 0.3 eV or -0.3 eV on every fifth site of the magnet called "free":

    >>> kind = NonmagneticImpurities(0.2, 0.3, "symmetric", magnets=("free",))
    >>> values, weights = kind.quadrature()
    >>> (kind.strength * values).tolist(), weights.tolist()
    ([-0.3, 0.3], [0.5, 0.5])
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

    def quadrature(self) -> tuple[NDArray, NDArray]:
        """Potentials in units of the strength, and their weights."""
        if self.distribution == "alloy":
            return np.ones(1), np.ones(1)
        if self.distribution == "symmetric":
            return np.array([-1.0, 1.0]), np.full(2, 0.5)
        if self.distribution == "uniform":
            nodes, weights = np.polynomial.legendre.leggauss(_UNIFORM_NODES)
            return nodes, weights / 2
        # equal steps, which see narrow resonances better than Gauss-Hermite; variance 1 exactly
        nodes = np.linspace(-6, 6, _GAUSSIAN_NODES)
        weights = np.exp(-(nodes**2) / 2) / np.exp(-(nodes**2) / 2).sum()
        return nodes / np.sqrt(weights @ nodes**2), weights


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
