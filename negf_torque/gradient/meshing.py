"""How fine a mesh of the zone has to be, found from integrals that must vanish.

At a broadening |Im Sigma| every Green's function is a periodic analytic function of k, and the
uniform mesh converges like exp(-N kappa), kappa = |Im Sigma|/velocity.  The integral of a total
derivative, int_k d(G^R G^A)/dk_i = 0, misses zero by exactly that error, direction by
direction: two meshes give kappa, kappa gives the mesh that a tolerance asks for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.ladder import ScatteringMap
from negf_torque.gradient.model import BulkModel, ZoneMesh, bloch, chunk_size
from negf_torque.gradient.scba import MatrixBornSolution, greens_function, local_greens, solve_scba

__all__ = ["ConstantBroadening", "MeshChoice", "choose_mesh", "null_test", "uniform_solution"]

#: Smallest and first mesh size along one direction.
SMALLEST, FIRST = 10, 24


@dataclass(frozen=True)
class ConstantBroadening:
    """Sigma^R = -i eta, the same for all states, without a ladder.

    Attributes
    ----------
    eta : float
        In the energy unit of H, > 0.
    """

    eta: float

    def __post_init__(self) -> None:
        if not self.eta > 0:
            raise ValueError(f"eta: {self.eta!r} is not a broadening. Give a positive energy.")


@dataclass(frozen=True)
class MeshChoice:
    """A mesh, the self-energy solved on it, and what the null test still misses."""

    mesh: ZoneMesh
    solution: MatrixBornSolution
    miss: float
    converged: bool


def uniform_solution(
    model: BulkModel,
    mesh: ZoneMesh,
    source: ScatteringMap | ConstantBroadening,
    z: complex,
    guess: NDArray | None = None,
) -> MatrixBornSolution:
    """Self-energy of the uniform magnet from impurities or a constant broadening."""
    if isinstance(source, ConstantBroadening):
        sigma = -1j * source.eta * np.eye(model.orbitals)
        g = local_greens(model, mesh, z, sigma)[0]
        return MatrixBornSolution(complex(z), sigma, g, 0.0, 0, True)
    return solve_scba(model, mesh, source.superoperator, z, guess)


def broadening(solution: MatrixBornSolution) -> float:
    """Smallest eigenvalue of -Im(z - Sigma): what damps the slowest state."""
    sigma = solution.sigma
    return float(solution.energy.imag - np.linalg.eigvalsh((sigma - sigma.conj().T) / 2j)[-1])


def null_test(model: BulkModel, mesh: ZoneMesh, solution: MatrixBornSolution) -> NDArray:
    """max |int_k d(G^R G^A)/dkappa_i| per primitive direction, kappa_i = k.a_i; shape (d,)."""
    inverse = np.linalg.inv(model.lattice)  # columns: dk/dkappa_i

    def terms(k: NDArray) -> list[NDArray]:
        b = bloch(model, k)
        g = greens_function(b.h, solution.energy, solution.sigma)
        slope = g @ b.velocity @ g @ g.conj().swapaxes(-1, -2)
        return [(slope + slope.conj().swapaxes(-1, -2)).sum(axis=1)]

    turned = np.einsum("ji,jmn->imn", inverse, mesh.average(terms)[0])
    return np.abs(turned).max(axis=(1, 2))


def choose_mesh(
    model: BulkModel,
    source: ScatteringMap | ConstantBroadening,
    energy: float,
    tolerance: float,
    max_points: int = 4_000_000,
) -> MeshChoice:
    """Smallest uniform mesh whose null test passes `tolerance`.

    Returns
    -------
    MeshChoice
        `converged` is False when `max_points` came first: the caller must tell.
    """
    d, target = model.dimension, tolerance
    sizes, guess = np.full(d, FIRST), None
    history: list[tuple[NDArray, NDArray]] = []
    while True:
        mesh = ZoneMesh(model.lattice, tuple(int(s) for s in sizes), chunk=chunk_size(model))
        solution = uniform_solution(model, mesh, source, energy, guess)
        guess, miss = solution.sigma, null_test(model, mesh, solution)
        history.append((sizes, miss))
        if np.all(miss < target):
            return MeshChoice(mesh, solution, float(miss.max()), solution.converged)
        wanted = np.where(miss < target, sizes, _predicted(history, target))
        if np.prod(wanted.astype(float)) > max_points:
            shrink = (max_points / np.prod(wanted.astype(float))) ** (1 / d)
            wanted = np.maximum(sizes, (wanted * shrink).astype(int))
            if np.array_equal(wanted, sizes) or np.prod(sizes * 1.05) > max_points:
                return MeshChoice(mesh, solution, float(miss.max()), False)
        sizes = wanted


def _predicted(history: list[tuple[NDArray, NDArray]], target: float) -> NDArray:
    """Sizes at which an exponential through the last two meshes reaches the target."""
    sizes, miss = history[-1]
    doubled = 2 * sizes
    if len(history) < 2:
        return doubled
    before, missed = history[-2]
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.log(missed / miss) / (sizes - before)
        step = np.ceil(np.log(np.maximum(miss / target, 1.1)) / kappa * 1.05) + 2
    good = np.isfinite(step) & (kappa > 0) & (step < 2 * sizes)
    return np.where(good, sizes + step, doubled).astype(int)


def coarser(mesh: ZoneMesh, fine: float, coarse: float) -> ZoneMesh:
    """Mesh for a broadening `coarse` where `mesh` was chosen for `fine`: sizes scale inversely."""
    scale = min(1.0, fine / coarse) if coarse > 0 else 1.0
    sizes = tuple(max(min(SMALLEST, s), int(np.ceil(s * scale))) for s in mesh.sizes)
    return ZoneMesh(mesh.lattice, sizes, mesh.offset, mesh.chunk)
