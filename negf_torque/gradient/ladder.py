"""Local superoperators: the Born self-energy, its ladder, and the charge channel.

A zero-range impurity gives a self-energy that is a linear map of the local Green's function,
Sigma = S[g] = sum_m c_m A_m g A_m.  A response of g obeys, in the same local space,

    g_X = source + X[S g_X],     X[V] = int_k G1 V G2,

a linear system of n^2 unknowns.  With two retarded functions it is regular.  With a retarded
and an advanced one it is exactly singular: particles of every energy are conserved, so
g^R - g^A is a right null vector and l[g] = Tr (Sigma^A - Sigma^R) g a left one.  The system
then has a solution only if l[source] = 0, and the free part is fixed by a condition on its
trace (how many particles there are).

Matrices are vectorised row by row: vec(A V B) = kron(A, B^T) vec(V).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import SIGMA, spin_matrix, unit_vector

__all__ = [
    "ScatteringMap",
    "born_map",
    "charge_functional",
    "magnetic_impurities",
    "solve_charge_channel",
    "superapply",
]

#: Singular values below this fraction of the largest are exact null modes (charge, and the
#: longitudinal spin where nothing flips it: mesh and self-energy leave about 1e-12).
NULL_CUT = 1e-10


@dataclass(frozen=True)
class ScatteringMap:
    """Born self-energy map S and its derivative in n.

    Attributes
    ----------
    superoperator : (n^2, n^2)
        S acting on row-major vectors.
    derivative : (3, n^2, n^2) or None
        dS/dn_b for impurities that follow the local magnetisation ("follow"); None when the
        impurities do not know n ("fixed").
    """

    superoperator: NDArray
    derivative: NDArray | None = None


def born_map(strengths: ArrayLike, operators: ArrayLike) -> NDArray:
    """S = sum_m c_m kron(A_m, A_m^T), shape (n^2, n^2), for Hermitian A_m (m, n, n), c_m >= 0.

    Raises
    ------
    ValueError
        If a strength is negative or an operator is not Hermitian: the self-energy would not be
        causal.
    """
    strengths, operators = np.asarray(strengths, float), np.asarray(operators, complex)
    if np.any(strengths < 0) or not np.all(np.isfinite(strengths)):
        raise ValueError(f"strengths: {strengths!r}; an impurity strength is finite and >= 0.")
    if not np.allclose(operators, operators.conj().swapaxes(-1, -2)):
        raise ValueError("operators: an impurity potential must be a Hermitian matrix.")
    n = operators.shape[-1]
    full = np.einsum("m,mij,mlk->ikjl", strengths, operators, operators)
    return full.reshape(n * n, n * n)


def magnetic_impurities(
    nonmagnetic: float,
    transverse: float = 0.0,
    longitudinal: float | None = None,
    axis: ArrayLike = (0, 0, 1),
    follow: bool = False,
    sites: NDArray | None = None,
) -> ScatteringMap:
    """Scalar and uniaxial magnetic point impurities on spin-1/2 orbitals.

    S[g] = gi g + gp sum_a sigma_a g sigma_a + (gz - gp) (axis.sigma) g (axis.sigma)

    with gi = `nonmagnetic` = n_i u^2, gp = `transverse`, gz = `longitudinal` (equal to gp when
    None: isotropic), after Kohno, Tatara, Shibata, JPSJ 75, 113706 (2006).

    Parameters
    ----------
    axis : (3,)
        Symmetry axis of the impurity moments; the local magnetisation if `follow`.
    follow : bool
        The axis turns with the texture.  Static textures only: a time-dependent n would have
        to drag the impurities along.
    sites : (sites, orbitals, orbitals) or None
        Hermitian orbital matrix of the potential of each impurity species (np.eye for one that
        acts alike on all orbitals); None: one orbital.  The basis is orbital x spin.

    Examples
    --------
    >>> magnetic_impurities(1.0).superoperator.real
    array([[1., 0., 0., 0.],
           [0., 1., 0., 0.],
           [0., 0., 1., 0.],
           [0., 0., 0., 1.]])
    """
    longitudinal = transverse if longitudinal is None else longitudinal
    for name, value in (
        ("nonmagnetic", nonmagnetic), ("transverse", transverse), ("longitudinal", longitudinal)
    ):
        if not value >= 0:
            raise ValueError(f"{name}: {value!r}; an impurity strength is >= 0.")
    sites = np.ones((1, 1, 1)) if sites is None else np.asarray(sites)
    axis = unit_vector(axis, "axis")

    def lift(spin: NDArray) -> NDArray:
        return np.stack([np.kron(site, spin) for site in sites])

    along = lift(spin_matrix(axis))
    difference = longitudinal - transverse
    total = born_map(np.full(len(sites), nonmagnetic), lift(np.eye(2)))
    for sigma in SIGMA:
        total = total + born_map(np.full(len(sites), transverse), lift(sigma))
    n = along.shape[-1]

    def pair(a: NDArray, b: NDArray) -> NDArray:
        return np.einsum("mij,mlk->ikjl", a, b).reshape(n * n, n * n)

    total = total + difference * pair(along, along)
    if not follow or difference == 0:
        return ScatteringMap(total)
    slopes = [pair(s, along) + pair(along, s) for s in map(lift, SIGMA)]
    return ScatteringMap(total, difference * np.stack(slopes))


def superapply(superoperator: NDArray, local: NDArray) -> NDArray:
    """Apply a (n^2, n^2) map to matrices (..., n, n)."""
    shape = local.shape
    flat = local.reshape(*shape[:-2], -1)
    return (flat @ superoperator.T).reshape(shape)


def charge_functional(sigma: NDArray, local: NDArray) -> NDArray:
    """l[g] = Tr (Sigma^A - Sigma^R) g for g (..., n, n): particles gained, shape (...)."""
    return np.einsum("ij,...ji->...", sigma.conj().T - sigma, local)


def solve_charge_channel(
    matrix: NDArray, source: NDArray, trace: NDArray | float = 0.0
) -> tuple[NDArray, NDArray, int]:
    """Solve (1 - X^RA S) g = source with Tr g given, by least squares of least norm.

    Parameters
    ----------
    matrix : (n^2, n^2)
        1 - X^RA S, singular.
    source : (..., n, n)
        With l[source] = 0.
    trace : broadcastable to (...)
        Tr g: the particles that the perturbation brings.

    Returns
    -------
    g : (..., n, n)
    residual : (...)
        max |matrix g - source|: non-zero if the source does not respect a conservation law.
    conserved : int
        Quantities conserved besides charge: the spin along n where nothing flips it.  The
        response along n is undefined then, and left at its least norm.
    """
    shape = source.shape
    n = shape[-1]
    right = source.reshape(-1, n * n).T
    traces = np.broadcast_to(np.asarray(trace, complex), shape[:-2]).reshape(1, -1)
    full = np.vstack([matrix, np.eye(n).reshape(1, -1)])
    solution, _, rank, _ = np.linalg.lstsq(full, np.vstack([right, traces]), rcond=NULL_CUT)
    residual = np.abs(matrix @ solution - right).max(axis=0).reshape(shape[:-2])
    return solution.T.reshape(shape), residual, n * n - int(rank)
