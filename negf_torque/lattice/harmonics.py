"""Lattice harmonics of a Hamiltonian that depends on momenta.

A tight-binding Hamiltonian is a finite Fourier series of the momenta.  A few samples and a
discrete Fourier transform give its coefficients to rounding; no Kwant call is needed per k-point
afterwards.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["check_hermitian", "fourier_harmonics"]

Matrix: TypeAlias = Any  # sparse or dense
MatrixFunction = Callable[[Mapping], Matrix]

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
        Parameters by name (momenta among them) -> matrix, sparse or dense.
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
        return np.zeros((1, 0), int), [sp.csr_array(_finite(matrix(fixed)))]
    check = 1.0 + np.sqrt(np.arange(2, 2 + d))  # a point with no symmetry
    exact = _finite(matrix(fixed | dict(zip(momenta, check, strict=True))))
    for samples in range(3, _MOST_SAMPLES + 1, 2):
        half = samples // 2
        displacements = np.array(list(product(range(-half, half + 1), repeat=d)))
        points = 2 * np.pi * np.array(list(product(range(samples), repeat=d))) / samples
        values = [matrix(fixed | dict(zip(momenta, k, strict=True))) for k in points]
        place, (wanted, *entries) = _common_entries([exact, *values])
        harmonics = np.exp(-1j * displacements @ points.T) @ entries / len(points)
        rebuilt = np.exp(1j * displacements @ check) @ harmonics
        scale = max(np.abs(wanted).max(initial=0.0), 1.0)
        if np.abs(rebuilt - wanted).max(initial=0.0) < 1e-11 * scale:
            return _without_zeros(displacements, harmonics, place, exact.shape, 1e-13 * scale)
    raise ValueError(
        f"builder: hoppings in the cross-section reach further than {_MOST_SAMPLES // 2} cells, or "
        "a value is not a finite Fourier series of the momenta."
    )


def _finite(matrix: Matrix) -> Matrix:
    if not np.all(np.isfinite(matrix if isinstance(matrix, np.ndarray) else matrix.data)):
        raise ValueError("builder: the Hamiltonian has elements that are not finite numbers.")
    return matrix


def _common_entries(matrices: Sequence[Matrix]) -> tuple[NDArray, NDArray]:
    """Places (row x columns + column) that occur in any matrix, and each one's values there."""
    wide = matrices[0].shape[1]
    found = []
    for matrix in matrices:
        if isinstance(matrix, np.ndarray):
            where = np.flatnonzero(matrix)
            found.append((where, matrix.ravel()[where]))
        else:
            entries = matrix.tocoo()
            found.append((entries.row.astype(np.int64) * wide + entries.col, entries.data))
    place = np.unique(np.concatenate([where for where, _ in found]))
    values = np.zeros((len(found), len(place)), complex)
    for row, (where, data) in zip(values, found, strict=True):
        np.add.at(row, np.searchsorted(place, where), data)
    return place, values


def _without_zeros(displacements, harmonics, place, shape, cutoff):
    kept_vectors, kept = [], []
    for vector, values in zip(displacements, harmonics, strict=True):
        here = np.abs(values) >= cutoff
        if here.any() or not vector.any():
            kept_vectors.append(vector)
            rows, columns = np.divmod(place[here], shape[1])
            kept.append(sp.csr_array((values[here], (rows, columns)), shape))
    return np.array(kept_vectors), kept


def check_hermitian(displacements: NDArray, harmonics: Sequence[sp.csr_array]) -> None:
    """Raise ValueError unless H[-R] = H[R]^+ for every harmonic."""
    for vector, matrix in zip(displacements, harmonics, strict=True):
        index = np.flatnonzero((displacements == -vector).all(axis=1))
        both = [matrix, harmonics[index[0]].conj().T] if len(index) else [matrix, 0 * matrix]
        place, values = _common_entries(both)
        difference = np.abs(values[0] - values[1])
        worst = np.argmax(difference) if len(place) else None
        if worst is None or difference[worst] <= 1e-10 * max(np.abs(values[0]).max(), 1.0):
            continue
        row, column = np.divmod(place[worst], matrix.shape[1])
        raise ValueError(
            f"builder: the Hamiltonian is not hermitian; element ({row}, {column}) and its "
            f"mirror differ by {difference[worst]:.3g} eV. Check on-site values and hoppings."
        )
