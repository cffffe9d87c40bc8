"""Lowest levels of the local spins alone and together with the electron, with degeneracies.

Sector by sector of total S_z, so that levels that are degenerate across sectors (a multiplet's)
are all found.  Mondal et al., Phys. Rev. B 99, 094431 (2019), Fig. 2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from negf_torque.manybody.basis import SpinBasis, configuration_counts
from negf_torque.manybody.hamiltonian import hamiltonian, spin_hamiltonian
from negf_torque.manybody.model import QuantumChain
from negf_torque.manybody.size import TooLargeError, readable

__all__ = ["Levels", "composite_levels", "degeneracies", "spin_levels"]

#: Matrices up to this size are diagonalised whole.
DENSE = 400


@dataclass(frozen=True)
class Levels:
    """Lowest levels in ascending order.

    Attributes
    ----------
    energy : (count,) float
        eV.
    twice_sz : (count,) float
        Total S_z in hbar/2; not-a-number where it is not conserved.
    electron_sz : (count,) float
        <sigma_z>; not-a-number without an electron.
    local_sz : (count, N) float
        <2S_z> of each local spin.
    """

    energy: NDArray
    twice_sz: NDArray
    electron_sz: NDArray
    local_sz: NDArray


def spin_levels(model: QuantumChain, count: int = 40, memory_limit: float = 4e9) -> Levels:
    """Lowest levels of the local spins without the electron.

    Examples
    --------
    Five spins 1/2 with isotropic exchange: the ground state has spin 5/2, six-fold.

    >>> from negf_torque.manybody.model import quantum_chain
    >>> degeneracies(spin_levels(quantum_chain(jz=None)).energy)[0]
    (-0.4, 6)
    """
    return _lowest(model, count, False, memory_limit)


def composite_levels(model: QuantumChain, count: int = 40, memory_limit: float = 4e9) -> Levels:
    """Lowest levels of electron and local spins together.

    Parameters
    ----------
    model : QuantumChain
    count : int
        Number of levels, each degenerate copy counted.
    memory_limit : float
        Bytes.
    """
    return _lowest(model, count, True, memory_limit)


def degeneracies(energy: NDArray, tolerance: float = 1e-9) -> list[tuple[float, int]]:
    """Group ascending levels that differ by less than `tolerance` (eV): (mean, how many).

    The last group may be incomplete: the levels end where the list was cut.

    Examples
    --------
    >>> degeneracies(np.array([-1.0, -1.0, 0.5]))
    [(-1.0, 2), (0.5, 1)]
    """
    energy = np.asarray(energy, float)
    cuts = np.flatnonzero(np.diff(energy) > tolerance) + 1
    groups = np.split(energy, cuts) if energy.size else []
    return [(float(np.round(group.mean(), 12)), len(group)) for group in groups]


def _lowest(model: QuantumChain, count: int, electron: bool, memory_limit: float) -> Levels:
    if count < 1:
        raise ValueError(f"count: {count!r} is not a number of levels. Give 1 or more.")
    top = int(model.two_s.sum()) + int(electron)
    blocks: list[tuple[int, ...]]
    if model.conserved == "S_z":
        blocks = [(q,) for q in range(top + 1)]
        # without a field along z, turning every spin over maps q to top - q
        mirrored = not np.any(model.field[:, 2])
    else:
        blocks, mirrored = [tuple(range(top + 1))], False
    if mirrored:
        blocks = [block for block in blocks if 2 * block[0] <= top]
    for block in blocks:
        _check_block(model, block, electron, memory_limit)
    parts = []
    for block in blocks:
        part = _block_levels(model, block, count, electron)
        parts.append(part)
        if mirrored and 2 * block[0] < top:
            parts.append((part[0], -part[1], -part[2], -part[3]))
    energy, total, of_electron, local = (
        np.concatenate([part[i] for part in parts]) for i in range(4)
    )
    order = np.argsort(energy, kind="stable")[:count]
    return Levels(energy[order], total[order], of_electron[order], local[order])


def _block_levels(
    model: QuantumChain, sectors: tuple[int, ...], count: int, electron: bool
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Energies, 2 S_z, <sigma_z> and <2 S_z,n> of one block."""
    basis = SpinBasis.of(model.two_s, sectors, electron)
    if electron:
        h = hamiltonian(model, basis)
        matrix, sites, floor = h.matrix(), model.length, h.bounds[0]
    else:
        matrix, sites = spin_hamiltonian(model, basis), 1
        radius = abs(matrix).sum(axis=1)
        floor = float((matrix.diagonal().real - radius).min())
    energy, states = _eigen(matrix, min(count, matrix.shape[0]), floor)
    weight = (abs(states) ** 2).reshape(sites, basis.size, -1).sum(axis=0)
    local = weight.T @ (basis.two_s - 2 * basis.lowered)
    of_electron = weight.T @ (1.0 - 2.0 * basis.electron)
    total = weight.T @ basis.twice_sz
    if not electron:
        total, of_electron = total - 1, np.full(len(energy), np.nan)
    if len(sectors) > 1:
        total = np.full(len(energy), np.nan)
    return energy, total, of_electron, local


def _check_block(
    model: QuantumChain, sectors: tuple[int, ...], electron: bool, limit: float
) -> None:
    """Refuse a block whose factors would not fit: a band matrix, or at worst a full one."""
    counts = configuration_counts(model.two_s, max(sectors))
    counts += [0] * (max(sectors) + 1 - len(counts))
    dim = sum(counts[q] + (counts[q - 1] if electron and q else 0) for q in sectors)
    memory = 64 * dim**2 * (model.length if electron else 1)
    if memory > limit:
        what = "electron and local spins" if electron else "the local spins"
        raise TooLargeError(
            f"levels: a block of {dim} configurations of {what} would need about "
            f"{readable(memory)} to be diagonalised, the limit is {readable(limit)}. Take fewer "
            "or smaller spins, or leave the levels out."
        )


def _eigen(matrix: sparse.csr_array, count: int, floor: float) -> tuple[NDArray, NDArray]:
    """Lowest eigenpairs; `floor` lies below the spectrum."""
    if matrix.shape[0] <= DENSE or count > matrix.shape[0] // 4:
        energy, states = np.linalg.eigh(matrix.toarray())
        return energy[:count], states[:, :count]
    start = np.random.default_rng(5).standard_normal(matrix.shape[0])
    try:
        energy, states = eigsh(
            matrix.tocsc(), count, sigma=floor - 1e-3, which="LM", v0=start, tol=1e-13
        )
    except ArpackNoConvergence as error:
        raise ValueError(
            f"count: only {len(error.eigenvalues)} of {count} levels converged. Ask for fewer."
        ) from error
    order = np.argsort(energy)
    return energy[order], states[:, order]
