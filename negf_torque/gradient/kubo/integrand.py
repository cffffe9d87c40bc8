"""The integrand of the response at many k at once.

In the basis U of the bands the response is a sum over pairs (`pair_weights`, `clean`).  Either all
observables are turned into that basis and summed with the weights, or, where there are many of
them, the weighted velocity is turned back once,

    Z_j = U [v_j o w^T] U^+,   chi_Aj = Tr A Z_j,

o the element-wise product.  Matrices of all directions stand side by side, so that turning them
is two products per k.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.kubo.clean import clean_parts, clean_response, degenerate_everywhere
from negf_torque.gradient.kubo.pair_weights import pair_weights
from negf_torque.gradient.model import BulkModel, harmonics_at

__all__ = ["Evaluator"]

#: Complex numbers in the arrays of one chunk of k: they stay in the processor's cache.
_CHUNK = 60_000


class Evaluator:
    """Fractional k (points, d) -> (points, mu x part x observable x force).

    Parameters
    ----------
    observables : (a, harmonics, n, n)
    mus : (m,)
    broadening, thermal_energy : float
        0 for the clean limit.
    names : sequence of str
        ("surface", "sea"), ("surface", "cross", "streda_sea"), or ("sea",) in the clean limit.
    """

    def __init__(
        self,
        model: BulkModel,
        observables: NDArray,
        mus: NDArray,
        broadening: float,
        thermal_energy: float,
        names: Sequence[str],
    ) -> None:
        self.model, self.mus, self.names = model, mus, names
        self.eta, self.thermal_energy = broadening, thermal_energy
        self.paired = broadening == 0 and degenerate_everywhere(model)
        self.reciprocal = 2 * np.pi * np.linalg.inv(model.lattice).T
        n, d, self.count = model.orbitals, model.dimension, len(observables)
        velocity = 1j * np.einsum("ri,rmn->irmn", model.displacements, model.hoppings)
        self.velocity = _side_by_side(velocity)
        self.is_velocity = velocity.shape == observables.shape and np.array_equal(
            velocity, observables
        )
        # products per k of both ways, in units of n^3
        back = len(mus) * (len(names) + 1) // 2 * (2 * d + d * self.count / n)
        ahead = (0 if self.is_velocity else 2 * self.count) + len(mus) * d * self.count / n
        self.ahead = ahead <= back
        self.stacked = None if self.is_velocity else _side_by_side(observables)
        self._prepare_readout(observables)
        self.chunk = max(8, _CHUNK // (n * n * (d + 2 + (self.count if self.ahead else 0))))

    def _prepare_readout(self, observables: NDArray) -> None:
        # Tr A Z = sum_R e^{ikR} sum_ij A_R,ij Z_ji: one product for all harmonics that occur
        model, n = self.model, self.model.orbitals
        moving = np.any(np.abs(model.displacements) > 1e-12, axis=1)
        used = np.any(np.abs(observables) > 0, axis=(0, 2, 3))
        self.used = np.flatnonzero(used & moving)
        steady = observables[:, used & ~moving].sum(axis=1)
        turning = observables[:, self.used].swapaxes(-1, -2).reshape(-1, n * n)
        steady = steady.swapaxes(-1, -2).reshape(-1, n * n)
        self.readout = np.ascontiguousarray(np.concatenate([steady, turning]).T)

    def __call__(self, fractions: NDArray) -> NDArray:
        parts = [
            self._some(fractions[i : i + self.chunk] @ self.reciprocal)
            for i in range(0, len(fractions), self.chunk)
        ]
        return np.concatenate(parts)

    def _some(self, k: NDArray) -> NDArray:
        model = self.model
        energies, u = np.linalg.eigh(harmonics_at(model.displacements, model.hoppings, k))
        bra = u.conj().swapaxes(-1, -2)
        velocity = self._turned(self.velocity, k, u, bra)
        seen = velocity
        if self.ahead and self.stacked is not None:
            seen = self._turned(self.stacked, k, u, bra)
        if self.ahead and self.eta == 0:
            args = energies, seen, velocity, self.mus, self.thermal_energy, self.paired
            return clean_response(*args).reshape(len(k), -1)
        phases = np.exp(1j * k @ model.displacements[self.used].T)
        out = np.empty((len(k), len(self.mus), len(self.names), self.count, model.dimension))
        for m, mu in enumerate(self.mus):
            for first, weight in self._weights(energies, velocity, mu):
                weighted = velocity * weight.swapaxes(-1, -2)[:, :, None]
                if self.ahead:
                    trace = _pair_traces(seen, weighted)
                else:
                    trace = self._traces(_turned_back(weighted, u, bra), phases)
                out[:, m, first] = trace.real
                if first + 1 < len(self.names):
                    out[:, m, first + 1] = trace.imag
        return out.reshape(len(k), -1)

    def _turned(self, stacked: NDArray, k: NDArray, u: NDArray, bra: NDArray) -> NDArray:
        """U^+ O_j(k) U for matrices side by side: (points, n, j, n)."""
        r, n, wide = stacked.shape
        phases = np.exp(1j * k @ self.model.displacements.T)
        both = (phases @ stacked.reshape(r, n * wide)).reshape(len(k), n, wide)
        half = (bra @ both).reshape(len(k), wide, n)  # n x j rows of length n
        return (half @ u).reshape(len(k), n, wide // n, n)

    def _weights(self, energies, velocity, mu):
        """Index of the part and weights: the trace's real part is it, the imaginary the next."""
        if self.eta == 0:
            by_direction = velocity.transpose(2, 0, 1, 3)
            pairs = clean_parts(energies, by_direction, mu, self.thermal_energy, self.paired)
            return [(0, 1j * pairs)]
        w = pair_weights(energies, mu + 1j * self.eta, self.thermal_energy)
        if len(self.names) == 2:
            return [(0, w.surface - (w.cross + w.sea))]
        return [(0, w.surface - w.cross), (2, 1j * w.sea)]

    def _traces(self, z: NDArray, phases: NDArray) -> NDArray:
        """Tr A_a Z_j for z (points, n, j, n): (points, a, j)."""
        points, n, d, _ = z.shape
        flat = z.transpose(0, 2, 1, 3).reshape(points * d, n * n)
        read = flat @ self.readout
        total = read[:, : self.count].reshape(points, d, self.count)
        if len(self.used):
            turning = read[:, self.count :].reshape(points, d, self.count, len(self.used))
            total = total + np.einsum("pr,pdar->pda", phases, turning)
        return total.swapaxes(1, 2)


def _side_by_side(operators: NDArray) -> NDArray:
    """(j, harmonics, n, n) -> (harmonics, n, j n)."""
    count, r, n, _ = operators.shape
    return np.ascontiguousarray(operators.transpose(1, 2, 0, 3).reshape(r, n, count * n))


def _turned_back(weighted: NDArray, u: NDArray, bra: NDArray) -> NDArray:
    """U Q_j U^+ for (points, n, j, n)."""
    points, n, d, _ = weighted.shape
    half = (weighted.reshape(points, n * d, n) @ bra).reshape(points, n, d * n)
    return (u @ half).reshape(points, n, d, n)


def _pair_traces(seen: NDArray, weighted: NDArray) -> NDArray:
    """sum_nm A_a,nm Q_j,mn for (points, n, a or j, n): (points, a, j)."""
    points, n, count, _ = seen.shape
    left = seen.transpose(0, 2, 1, 3).reshape(points, count, n * n)
    right = weighted.transpose(0, 3, 1, 2).reshape(points, n * n, -1)
    return left @ right
