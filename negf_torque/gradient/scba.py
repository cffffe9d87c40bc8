"""Self-consistent Born self-energy of a lattice: Sigma = S[g], g = int_k 1/(z - H - Sigma).

S is any causal local map (see `ladder.ScatteringMap`).  In the upper half plane the plain
iteration Sigma -> S[g(Sigma)] keeps Im Sigma <= 0 and contracts, but slowly near a band edge;
Newton's step uses the exact derivative S X, X[V] = int_k G V G, and doubles the digits.
Newton is taken only where it keeps Sigma causal and lowers the residual; on the real axis the
solution is the limit from above, reached when needed by lowering the imaginary part of the
energy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.ladder import superapply
from negf_torque.gradient.model import BulkModel, ZoneMesh, bloch

__all__ = ["MatrixBornSolution", "greens_function", "local_greens", "pair_matrix", "solve_scba"]

#: An eigenvalue of Im Sigma above this is not causal (rounding of order-one matrices).
CAUSAL = 1e-12
#: The self-energy may be called converged below this residual (absolute, in units of H).
TOLERANCE = 1e-13


@dataclass(frozen=True)
class MatrixBornSolution:
    """Self-energy at one energy.

    Attributes
    ----------
    energy : complex
    sigma, g : (n, n)
        Self-energy and local Green's function, retarded.
    residual : float
        max |Sigma - S[g]|.
    iterations : int
    converged : bool
    """

    energy: complex
    sigma: NDArray
    g: NDArray
    residual: float
    iterations: int
    converged: bool


def greens_function(h: NDArray, z: complex, sigma: NDArray) -> NDArray:
    """1/(z - h - sigma) for stacks h (..., n, n); closed form for n = 2."""
    a = z * np.eye(h.shape[-1]) - h - sigma
    if a.shape[-1] != 2:
        return np.linalg.inv(a)
    inverse = np.empty_like(a)
    inverse[..., 0, 0], inverse[..., 1, 1] = a[..., 1, 1], a[..., 0, 0]
    inverse[..., 0, 1], inverse[..., 1, 0] = -a[..., 0, 1], -a[..., 1, 0]
    determinant = a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    return inverse / determinant[..., None, None]


def pair_matrix(left: NDArray, right: NDArray) -> NDArray:
    """sum_k kron(left, right^T), shape (n^2, n^2): the map V -> sum_k left V right."""
    count, n, _ = left.shape
    full = left.reshape(count, n * n).T @ right.reshape(count, n * n)
    return full.reshape(n, n, n, n).transpose(0, 3, 1, 2).reshape(n * n, n * n)


def local_greens(
    model: BulkModel, mesh: ZoneMesh, z: complex, sigma: NDArray
) -> tuple[NDArray, NDArray]:
    """g = int_k G (n, n) and X = int_k kron(G, G^T) (n^2, n^2)."""

    def terms(k: NDArray) -> list[NDArray]:
        green = greens_function(bloch(model, k, derivatives=False).h, z, sigma)
        return [green.sum(axis=0), pair_matrix(green, green)]

    g, x = mesh.average(terms)
    return g, x


def _causal(sigma: NDArray) -> bool:
    absorptive = (sigma - sigma.conj().T) / 2j
    return bool(np.linalg.eigvalsh(absorptive)[-1] <= CAUSAL * max(1.0, np.abs(sigma).max()))


def _physical(x: NDArray, superoperator: NDArray) -> bool:
    """A root on the real axis is the limit from above if |X S| does not amplify."""
    return bool(np.abs(np.linalg.eigvals(x @ superoperator)).max() < 1 + 1e-6)


def _iterate(model, mesh, superoperator, z, sigma, steps) -> tuple[MatrixBornSolution, NDArray]:
    n = model.orbitals
    fallback, best = sigma, np.inf
    for count in range(1, steps + 1):
        g, x = local_greens(model, mesh, z, sigma)
        target = superapply(superoperator, g)
        difference = target - sigma
        residual = float(np.abs(difference).max())
        if residual < TOLERANCE:
            return MatrixBornSolution(z, sigma, g, residual, count, True), x
        if residual > best and best > 1e-11:
            sigma, best = fallback, np.inf
            continue
        best, fallback = residual, target
        jacobian = np.eye(n * n) - superoperator @ x
        newton = sigma + np.linalg.solve(jacobian, difference.ravel()).reshape(n, n)
        sigma = newton if np.all(np.isfinite(newton)) and _causal(newton) else target
    return MatrixBornSolution(z, sigma, g, residual, steps, residual < 1e-11), x


def solve_scba(
    model: BulkModel,
    mesh: ZoneMesh,
    superoperator: NDArray,
    z: complex,
    guess: NDArray | None = None,
    steps: int = 60,
) -> MatrixBornSolution:
    """Retarded self-energy at z, Im z >= 0.

    Parameters
    ----------
    superoperator : (n^2, n^2)
        S.
    guess : (n, n) or None
        Causal starting value, for instance the solution at a neighbouring energy.
    steps : int
        Iterations at one imaginary part of the energy before the approach from above.

    Returns
    -------
    MatrixBornSolution
        `converged` is False if the residual stays above 1e-11: the caller must tell.

    Raises
    ------
    ValueError
        If Im z < 0: the advanced function is the conjugate of the retarded one.
    """
    z = complex(z)
    if z.imag < 0:
        raise ValueError(f"z: {z!r} lies in the lower half plane; solve for its conjugate.")
    n = model.orbitals
    scale = float(np.sqrt(np.abs(superapply(superoperator, np.eye(n))).max()))
    if scale == 0:
        zero = np.zeros((n, n), complex)
        g, _ = local_greens(model, mesh, z, zero)
        return MatrixBornSolution(z, zero, g, 0.0, 0, True)
    start = -0.5j * scale * np.eye(n) if guess is None else guess
    solution, x = _iterate(model, mesh, superoperator, z, start, steps)
    if solution.converged and (z.imag > 0 or _physical(x, superoperator)):
        return solution
    sigma, total = -0.5j * scale * np.eye(n), solution.iterations
    for height in scale * 0.25 ** np.arange(26):
        lifted, _ = _iterate(model, mesh, superoperator, z + 1j * height, sigma, steps)
        sigma, total = lifted.sigma, total + lifted.iterations
    solution, x = _iterate(model, mesh, superoperator, z, sigma, steps)
    good = solution.converged and _physical(x, superoperator)
    return MatrixBornSolution(
        z, solution.sigma, solution.g, solution.residual, total + solution.iterations, good
    )
