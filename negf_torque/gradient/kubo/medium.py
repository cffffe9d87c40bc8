"""The averaged crystal: self-consistent self-energy of local impurities at one energy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.kubo.samples import Samples
from negf_torque.gradient.kubo.scatterers import Scatterers
from negf_torque.gradient.scba import greens_function, pair_matrix

__all__ = ["Medium", "read_traces", "solve_medium"]

#: Relative residual of the self-energy.
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Medium:
    """The averaged crystal at one energy.

    Attributes
    ----------
    energy : complex
    sigma, g : (n, n)
    pairs : (n^2, n^2)
        X of two retarded functions.
    residual : float
    converged : bool
    """

    energy: complex
    sigma: NDArray
    g: NDArray
    pairs: NDArray
    residual: float
    converged: bool

    @property
    def width(self) -> float:
        """Smallest eigenvalue of -Im(z - Sigma)."""
        absorptive = (self.sigma - self.sigma.conj().T) / 2j
        return float(self.energy.imag - np.linalg.eigvalsh(absorptive)[-1])


def _averages(samples: Samples, z: complex, sigma: NDArray) -> tuple[NDArray, NDArray]:
    g: Any = 0.0
    x: Any = 0.0
    for chunk in samples:
        green = greens_function(chunk.h, z, sigma)
        weighted = chunk.weight[:, None, None] * green
        g = g + weighted.sum(axis=0)
        x = x + pair_matrix(weighted, green)
    return samples.local(g), samples.pairs(x)


def solve_medium(
    samples: Samples,
    scatterers: Scatterers,
    z: complex,
    guess: NDArray | None = None,
    most: int = 80,
) -> Medium:
    """Self-consistent retarded self-energy by Newton's method, guarded by plain iteration."""
    first = next(iter(samples))
    n = first.h.shape[-1]
    scale = np.abs(scatterers.self_energy(-1j * np.eye(n), np.zeros((n, n)))).max()
    sigma = -0.5j * np.sqrt(max(scale, 1e-12)) * np.eye(n) if guess is None else guess
    residual, plain = np.inf, sigma
    for _ in range(most):
        g, x = _averages(samples, z, sigma)
        target = scatterers.self_energy(g, sigma)
        size = max(np.abs(target).max(), 1e-300)
        previous, residual = residual, float(np.abs(target - sigma).max() / size)
        if residual < TOLERANCE:
            return Medium(z, sigma, g, x, residual, True)
        if residual > 2 * previous:
            sigma, residual = plain, np.inf
            continue
        plain = target
        vertex = scatterers.vertex(g, sigma, True)
        step = np.linalg.solve(np.eye(n * n) - vertex @ x, (target - sigma).ravel())
        newton = sigma + step.reshape(n, n)
        absorptive = (newton - newton.conj().T) / 2j
        causal = np.linalg.eigvalsh(absorptive)[-1] <= 1e-12 * size
        sigma = newton if causal and np.all(np.isfinite(newton)) else target
    return Medium(z, sigma, g, x, residual, residual < 1e3 * TOLERANCE)


def read_traces(observables: NDArray, product: NDArray) -> NDArray:
    """sum_k Tr A_a P_j: (a, d) from (a, k or 1, n, n) and (d, k, n, n)."""
    if observables.shape[1] == 1:
        return np.einsum("aij,dji->ad", observables[:, 0], product.sum(axis=1))
    a = observables.swapaxes(-1, -2).reshape(len(observables), -1)
    return a @ product.reshape(len(product), -1).T
