"""Lattice harmonics of a Hamiltonian that depends on momenta.

A tight-binding Hamiltonian is a finite Fourier series of the momenta.  A few samples and a
discrete Fourier transform give its coefficients to rounding; no Kwant call is needed per k-point
afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["check_hermitian", "fourier_harmonics"]

MatrixFunction = Callable[[Mapping], sp.csr_array]

# Largest number of samples per momentum that are tried before the hopping range counts as too
# long: harmonics up to |R| = 6.
_MOST_SAMPLES = 13


def fourier_harmonics(
    matrix: MatrixFunction, momenta: Sequence[str], params: Mapping
) -> tuple[NDArray, list[sp.csr_array]]:
    """Harmonics M[R] of a matrix M(k) = sum_R M[R] exp(i k.R) of finite range, exactly.

    Parameters
    ----------
    matrix : callable
        Parameters by name (momenta among them) -> sparse matrix.
    momenta : sequence of str
        Names of the d momentum parameters.
    params : mapping
        The other parameters.

    Returns
    -------
    displacements : (R, d) int
        Vectors with a harmonic that is not zero, and the origin.
    harmonics : list of sparse matrices

    Raises
    ------
    ValueError
        If an element is not finite, or the range is longer than this module tries.
    """
    d = len(momenta)
    fixed = dict(params)
    if d == 0:
        return np.zeros((1, 0), int), [_finite(matrix(fixed))]
    check = 1.0 + np.sqrt(np.arange(2, 2 + d))  # a point with no symmetry
    exact = _finite(matrix(fixed | dict(zip(momenta, check, strict=True))))
    for samples in range(3, _MOST_SAMPLES + 1, 2):
        half = samples // 2
        displacements = np.array(list(product(range(-half, half + 1), repeat=d)))
        points = 2 * np.pi * np.array(list(product(range(samples), repeat=d))) / samples
        values = [matrix(fixed | dict(zip(momenta, k, strict=True))) for k in points]
        transform = np.exp(-1j * displacements @ points.T) / len(points)
        harmonics = [
            sum((w * v for w, v in zip(row, values, strict=True)), 0 * values[0])
            for row in transform
        ]
        phases = np.exp(1j * displacements @ check)
        rebuilt = sum((p * h for p, h in zip(phases, harmonics, strict=True)), 0 * exact)
        scale = max(abs(exact).max(), 1.0)
        if abs(rebuilt - exact).max() < 1e-11 * scale:
            return _without_zeros(displacements, harmonics, 1e-13 * scale)
    raise ValueError(
        f"builder: hoppings in the cross-section reach further than {_MOST_SAMPLES // 2} cells, or "
        "a value is not a finite Fourier series of the momenta."
    )


def _finite(matrix: sp.csr_array) -> sp.csr_array:
    if not np.all(np.isfinite(matrix.data)):
        raise ValueError("builder: the Hamiltonian has elements that are not finite numbers.")
    return matrix


def _without_zeros(displacements, harmonics, cutoff):
    kept_vectors, kept = [], []
    for vector, harmonic in zip(displacements, harmonics, strict=True):
        harmonic = harmonic.tocsr(copy=True)
        harmonic.data[np.abs(harmonic.data) < cutoff] = 0
        harmonic.eliminate_zeros()
        if harmonic.nnz or not vector.any():
            kept_vectors.append(vector)
            kept.append(harmonic)
    return np.array(kept_vectors), kept


def check_hermitian(displacements: NDArray, harmonics: Sequence[sp.csr_array]) -> None:
    """Raise ValueError unless H[-R] = H[R]^+ for every harmonic."""
    for vector, matrix in zip(displacements, harmonics, strict=True):
        index = np.flatnonzero((displacements == -vector).all(axis=1))
        partner = harmonics[index[0]] if len(index) else 0 * matrix
        difference = abs(matrix - partner.conj().T).tocoo()
        worst = np.argmax(difference.data) if difference.nnz else None
        if worst is None or difference.data[worst] <= 1e-10 * max(abs(matrix).max(), 1.0):
            continue
        row, column = difference.row[worst], difference.col[worst]
        raise ValueError(
            f"builder: the Hamiltonian is not hermitian; element ({row}, {column}) and its "
            f"mirror differ by {difference.data[worst]:.3g} eV. Check on-site values and hoppings."
        )
