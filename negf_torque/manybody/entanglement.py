"""Reduced density matrices of the electron and of the local spins, purity and entropy.

The whole is in a pure state, so the electron (orbit and spin) and the local spins have the same
spectrum of their density matrices (Schmidt): one purity, one entropy, whichever side is traced.
Mondal et al., Phys. Rev. B 99, 094431 (2019), Eqs. (5) and (7).
"""

import numpy as np
from numpy.typing import NDArray

from negf_torque.manybody.basis import SpinBasis

__all__ = [
    "bipartite_spectrum",
    "electron_density_matrix",
    "entropy",
    "local_spins_density_matrix",
    "orbital_purity",
    "purity",
]


def local_spins_density_matrix(basis: SpinBasis, psi: NDArray) -> NDArray:
    """Density matrix of all local spins together, the electron traced out.

    Parameters
    ----------
    basis : SpinBasis
    psi : (dim, sites) complex

    Returns
    -------
    (k, k) complex
        Among the k local configurations that the basis holds, numbered by basis.local_index.
    """
    index, count = basis.local_index
    rho = np.zeros((count, count), complex)
    for rows in (slice(None, basis.n_up), slice(basis.n_up, None)):
        part, where = psi[rows], index[rows]
        rho[np.ix_(where, where)] += part @ part.conj().T
    return rho


def electron_density_matrix(basis: SpinBasis, psi: NDArray) -> NDArray:
    """Density matrix of the electron's site and spin, (2 sites, 2 sites), up block first."""
    index, count = basis.local_index
    sites = psi.shape[1]
    amplitudes = np.zeros((count, 2 * sites), complex)
    amplitudes[index[: basis.n_up], :sites] = psi[: basis.n_up]
    amplitudes[index[basis.n_up :], sites:] = psi[basis.n_up :]
    return amplitudes.T @ amplitudes.conj()


def bipartite_spectrum(basis: SpinBasis, psi: NDArray) -> NDArray:
    """Eigenvalues shared by both density matrices, from the smaller of the two, ascending."""
    if basis.local_index[1] <= 2 * psi.shape[1]:
        rho = local_spins_density_matrix(basis, psi)
    else:
        rho = electron_density_matrix(basis, psi)
    return np.linalg.eigvalsh(rho)


def orbital_purity(psi: NDArray) -> float:
    """Purity of the electron's motion alone, equal to that of all spins together.

    1 would mean |psi> = |orbit> |spins>, the form that Mondal et al. assume in their appendix.
    """
    rows, sites = psi.shape
    return purity(psi @ psi.conj().T if rows <= sites else psi.T @ psi.conj())


def purity(rho: NDArray) -> float:
    """Tr rho^2 of a density matrix (k, k)."""
    return float(np.sum(abs(rho) ** 2))


def entropy(spectrum: NDArray) -> float:
    """Von Neumann entropy - sum p ln p of eigenvalues (k,), in nats.

    Examples
    --------
    >>> round(entropy(np.array([0.5, 0.5])), 6)
    0.693147
    """
    p = spectrum[spectrum > 0]
    return float(max(-np.sum(p * np.log(p)), 0.0))
