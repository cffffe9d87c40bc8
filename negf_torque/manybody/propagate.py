"""Evolution of a state: a Chebyshev series with an error bound, and Crank-Nicolson.

With the spectrum of H inside [c - r, c + r] and R = r t/hbar,

    exp(-i H t/hbar) = exp(-i c t/hbar) sum_k (2 - delta_k0) (-i)^k J_k(R) T_k((H - c)/r),

and since |T_k| <= 1 the sum of the Bessel functions left out bounds the error before a single
product is formed.  Tal-Ezer and Kosloff, J. Chem. Phys. 81, 3967 (1984).

Crank-Nicolson, (1 + i H dt/2 hbar) psi' = (1 - i H dt/2 hbar) psi, keeps the norm whatever its
error: each eigenstate turns by 2 atan(E dt/2 hbar) instead of E dt/hbar.  Its error grows with
|E|^3, so H is shifted by the mean energy first; unshifted, the packet of an electron near a
band's bottom runs slow by (E dt/2 hbar)^2.
"""


import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from negf_torque.manybody.hamiltonian import Hamiltonian
from negf_torque.units import HBAR

__all__ = ["ChebyshevPropagator", "CrankNicolsonPropagator", "chebyshev_weights"]


#: Longest R = r t/hbar of one series: rounding grows with R, the overhead with 1/R.
LONGEST_SERIES = 200.0
#: The series is cut at this share of the tolerance: a few terms more keep norm and energy.
MARGIN = 1e-3


def chebyshev_weights(reach: float, tolerance: float) -> NDArray:
    """Weights (2 - delta_k0) J_k(R), k = 0 ... K, whose rest sums to less than `tolerance`.

    Parameters
    ----------
    reach : float
        R = r t/hbar >= 0.
    tolerance : float
        Bound on the norm of the error, at least 1e-15.

    Examples
    --------
    >>> len(chebyshev_weights(10.0, 1e-10)), len(chebyshev_weights(10.0, 1e-14))
    (29, 34)
    """
    tolerance = max(tolerance, 1e-15)
    weights = 2 * _bessel(reach, int(reach + 12 * (reach + 1) ** (1 / 3) + 60))
    weights[0] /= 2
    # beyond `most` the terms fall faster than a geometric series of ratio 1/2 and are < 1e-18
    rest = np.cumsum(abs(weights)[::-1])[::-1]
    enough = np.flatnonzero(rest < tolerance)
    return weights[: max(int(enough[0]), 2)]


def _bessel(argument: float, count: int) -> NDArray:
    """J_k for k < count >> argument, by the downward recurrence, normalised (Miller).

    Accurate to the last digit; the library's values for large arguments are wrong by 1e-14 all
    in the same direction, which the norm would show after some hundred series.
    """
    if argument < 1e-8:
        return np.concatenate([[1.0, argument / 2], np.zeros(count - 2)])
    start = count + 30
    j = np.zeros(start + 2)
    j[start] = 1e-250
    for k in range(start, 0, -1):
        j[k - 1] = 2 * k / argument * j[k] - j[k + 1]
        if abs(j[k - 1]) > 1e200:
            j *= 1e-250
    return j[:count] / (j[0] + 2 * j[2::2].sum())


class ChebyshevPropagator:
    """psi(t) -> psi(t + dt) by Chebyshev series.

    Parameters
    ----------
    h : Hamiltonian
    tolerance : float
        Bound on the error of the state's norm distance over `duration`, rounding apart.
    duration : float
        Total time over which the bound holds, fs.
    """

    def __init__(self, h: Hamiltonian, tolerance: float = 1e-10, duration: float = 1.0) -> None:
        if not 1e-14 <= tolerance <= 1e-2:
            raise ValueError(f"tolerance: {tolerance!r} is out of reach. Give 1e-14 to 1e-2.")
        self.h = h
        low, high = h.bounds
        self.centre, self.radius = (low + high) / 2, max((high - low) / 2, 1e-300)
        self.rate = MARGIN * tolerance / max(duration, 1e-300)
        self._work = [np.empty(h.shape, complex) for _ in range(4)]
        self._weights: dict[float, NDArray] = {}

    def terms(self, dt: float) -> int:
        """Number of applications of H for a step of dt fs."""
        pieces, weights = self._plan(dt)
        return pieces * (len(weights) - 1)

    def _plan(self, dt: float) -> tuple[int, NDArray]:
        reach = self.radius * abs(dt) / HBAR
        pieces = max(int(np.ceil(reach / LONGEST_SERIES)), 1)
        key = round(reach / pieces, 12)
        if key not in self._weights:
            self._weights[key] = chebyshev_weights(reach / pieces, self.rate * abs(dt) / pieces)
        return pieces, self._weights[key]

    def __call__(self, psi: NDArray, dt: float) -> NDArray:
        """The state (configurations, sites) after dt fs; `psi` is not changed."""
        from negf_torque.manybody.kernels import (  # numba loads when first needed
            chebyshev_sum,
            join_series,
        )

        if dt == 0:
            return psi.copy()
        pieces, weights = self._plan(dt)
        phase = np.exp(-1j * self.centre * dt / pieces / HBAR)
        # (-i)^k J_k(R) with R < 0 for dt < 0 is (i)^k J_k(|R|)
        turn = -1j if dt > 0 else 1j
        signs = np.tile([1.0, 1.0, -1.0, -1.0], len(weights) // 4 + 1)[: len(weights)]
        view = self.h.rows
        here, before, even, odd = self._work
        for _ in range(pieces):
            here[:] = psi
            chebyshev_sum(
                signs * weights,
                self.radius,
                self.centre,
                *self.h.kernel_arguments,
                *(view(array) for array in (here, before, even, odd)),
            )
            join_series(even, odd, phase, turn)
            psi = even
        return psi.copy()


class CrankNicolsonPropagator:
    """psi(t) -> psi(t + dt) in equal steps of at most `step` fs, by sparse LU factors.

    Parameters
    ----------
    h : Hamiltonian
    step : float
        Time step, fs.
    shift : float
        Energy taken from H before a step and put back as a phase after it, eV: the mean energy
        for accuracy, 0 for the textbook form.
    """

    def __init__(self, h: Hamiltonian, step: float = 0.05, shift: float = 0.0) -> None:
        if not (np.isfinite(step) and step > 0):
            raise ValueError(f"step: {step!r} is not a time step. Give a positive number of fs.")
        self.h, self.step, self.shift = h, step, shift
        size = h.shape[0] * h.shape[1]
        self._matrix = (h.matrix() - shift * sparse.eye_array(size)).tocsc()
        self._factors: dict[float, tuple] = {}

    def _factor(self, dt: float) -> tuple:
        key = round(dt, 12)
        if key not in self._factors:
            half = 0.5j * dt / HBAR * self._matrix
            one = sparse.eye_array(self._matrix.shape[0], format="csc")
            solver = splu((one + half).tocsc(), permc_spec="NATURAL")
            self._factors[key] = (solver, (one - half).tocsr())
        return self._factors[key]

    def __call__(self, psi: NDArray, dt: float) -> NDArray:
        """The state (configurations, sites) after dt fs; `psi` is not changed."""
        if dt == 0:
            return psi.copy()
        steps = max(int(np.ceil(abs(dt) / self.step - 1e-9)), 1)
        solver, forward = self._factor(dt / steps)
        flat = psi.T.reshape(-1)
        for _ in range(steps):
            flat = solver.solve(forward @ flat)
        flat = flat * np.exp(-1j * self.shift * dt / HBAR)
        return np.ascontiguousarray(flat.reshape(self.h.shape[::-1]).T)
