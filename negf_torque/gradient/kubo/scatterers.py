"""Self-energies of local impurities and the vertices that conserve particles with them.

An impurity adds a Hermitian matrix V to the Hamiltonian of its cell (on the orbitals of its site;
an atomic lambda L.S makes it a spin-orbit impurity), with concentration c per cell.  With the
averaged local Green's function g::

    Born        Sigma = <v g v>                      second order: no skew scattering beyond
                                                     the Gaussian one
    third order Sigma = sum c [V g V + V g V g V]    the leading skew scattering, 1/c
    T-matrix    Sigma = sum c V (1 - g V)^-1 - <V>   all orders of one impurity, c small
    coherent    C - <(C - V)^-1>^-1, C = 1/g + Sigma all orders, any c
    potential

The vertex of two Green's functions obeys Ward's identity
Sigma(g1) - Sigma(g2) = Lambda(g1, g2)[g1 - g2], which is what conserves the current:

    v X v;   V X V + V X V g2 V + V g1 V X V;   t1 X t2;   see `negf_torque.disorder.local`.

The mean <V> = sum c V is a shift of the levels: it is left out of Born, third order and T-matrix
unless `keep_mean`, and part of the coherent potential.  Superoperators act on row-major vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CoherentPotential",
    "Impurity",
    "Scatterers",
    "SecondOrder",
    "TMatrix",
    "ThirdOrder",
    "spin_orbit_impurity",
]


@runtime_checkable
class Scatterers(Protocol):
    """What a self-energy has to know."""

    def self_energy(self, g: NDArray, sigma: NDArray) -> NDArray:
        """One step of the fixed point, (n, n)."""

    def vertex(self, g: NDArray, sigma: NDArray, retarded: bool) -> NDArray:
        """(n^2, n^2): Lambda(g, g) if `retarded`, else Lambda(g, g^+)."""


@dataclass(frozen=True)
class Impurity:
    """One species.

    Attributes
    ----------
    concentration : float
        Per cell.
    potential : (n, n)
        V on all orbitals of the cell, zero beyond the impurity's site, eV.
    """

    concentration: float
    potential: NDArray

    def __post_init__(self) -> None:
        v = np.asarray(self.potential)
        if not 0 <= self.concentration <= 1:
            raise ValueError(f"concentration: {self.concentration!r}; 0 ... 1 per cell.")
        if v.ndim != 2 or not np.allclose(v, v.conj().T, atol=1e-12):
            raise ValueError("potential: an impurity potential is a Hermitian matrix.")


def spin_orbit_impurity(
    concentration: float, shells: str, potential: float, spin_orbit: dict[str, float]
) -> Impurity:
    """V = u + lambda L.S on the one site of a cell, shell -> lambda."""
    from negf_torque.lattice.orbitals import site_spin_orbit

    atom = site_spin_orbit(shells, spin_orbit)
    return Impurity(concentration, potential * np.eye(len(atom)) + atom)


def pair(left: NDArray, right: NDArray) -> NDArray:
    """X -> left X right as a matrix."""
    return np.kron(left, right.T)


class SecondOrder:
    """Born: Sigma = S[g] for any superoperator S, or for impurities <v X v>."""

    def __init__(self, source: NDArray | Sequence[Impurity]) -> None:
        if isinstance(source, np.ndarray):
            self.superoperator = source
        else:
            parts = [s.concentration * pair(s.potential, s.potential) for s in source]
            self.superoperator = np.sum(parts, axis=0)

    def self_energy(self, g: NDArray, sigma: NDArray) -> NDArray:
        """S[g]."""
        return (self.superoperator @ g.ravel()).reshape(g.shape)

    def vertex(self, g: NDArray, sigma: NDArray, retarded: bool) -> NDArray:
        """S."""
        return self.superoperator


@dataclass(frozen=True)
class ThirdOrder:
    """Second and third cumulants of independent impurities."""

    species: tuple[Impurity, ...]

    def self_energy(self, g: NDArray, sigma: NDArray) -> NDArray:
        """sum c [V g V + V g V g V]."""
        return sum(
            s.concentration * (s.potential @ g @ s.potential)
            @ (np.eye(len(g)) + g @ s.potential)
            for s in self.species
        )  # fmt: skip

    def vertex(self, g: NDArray, sigma: NDArray, retarded: bool) -> NDArray:
        """V X V + V X V g2 V + V g1 V X V."""
        other = g if retarded else g.conj().T
        total: Any = 0.0
        for s in self.species:
            v = s.potential
            total = total + s.concentration * (
                pair(v, v) + pair(v, v @ other @ v) + pair(v @ g @ v, v)
            )
        return total


@dataclass(frozen=True)
class TMatrix:
    """All orders of a single impurity."""

    species: tuple[Impurity, ...]
    keep_mean: bool = False

    def _t(self, s: Impurity, g: NDArray) -> NDArray:
        return np.linalg.solve(np.eye(len(g)) - s.potential @ g, s.potential)

    def self_energy(self, g: NDArray, sigma: NDArray) -> NDArray:
        """sum c t (less the mean)."""
        mean = 0.0 if self.keep_mean else 1.0
        parts = [s.concentration * (self._t(s, g) - mean * s.potential) for s in self.species]
        return np.sum(parts, axis=0)

    def vertex(self, g: NDArray, sigma: NDArray, retarded: bool) -> NDArray:
        """sum c t1 X t2."""
        total: Any = 0.0
        for s in self.species:
            t = self._t(s, g)
            total = total + s.concentration * pair(t, t if retarded else t.conj().T)
        return total


class CoherentPotential:
    """Alternatives of every site of the cell; Sigma is a matrix per site.

    Parameters
    ----------
    sites : sequence of (slice, probabilities, potentials)
        Rows of the site in the Hamiltonian, (A,) probabilities that sum to 1, (A, m, m).
    """

    def __init__(self, sites: Sequence[tuple[slice, ArrayLike, ArrayLike]]) -> None:
        from negf_torque.disorder.sites import DisorderGroup

        self.groups = []
        for number, (rows, probability, potential) in enumerate(sites):
            c, v = np.asarray(probability, float), np.asarray(potential, complex)
            if abs(c.sum() - 1) > 1e-12 or np.any(c < 0):
                raise ValueError(f"sites[{number}]: probabilities {c} do not add up to 1.")
            self.groups.append((rows, DisorderGroup(np.array([number]), c, v[None])))

    def self_energy(self, g: NDArray, sigma: NDArray) -> NDArray:
        """One step of the coherent potential."""
        from negf_torque.disorder.local import new_self_energy

        out = np.zeros_like(g)
        for rows, group in self.groups:
            out[rows, rows] = new_self_energy(
                "coherent-potential", group, g[None, rows, rows], sigma[None, rows, rows]
            )[0]
        return out

    def vertex(self, g: NDArray, sigma: NDArray, retarded: bool) -> NDArray:
        """Vertices of the sites, each on its own block."""
        from negf_torque.disorder.local import vertex

        n = len(g)
        total = np.zeros((n * n, n * n), complex)
        for rows, group in self.groups:
            own = vertex(
                "coherent-potential", group, g[None, rows, rows], sigma[None, rows, rows], retarded
            )[0]
            index = (np.arange(n)[rows, None] * n + np.arange(n)[None, rows]).ravel()
            total[np.ix_(index, index)] += own
        return total
