"""The tight-binding chain, eps = -2t cos k, in closed form.

With s = sqrt(z - 2t) sqrt(z + 2t), the branch that falls off like 1/z has

    g = 1/s,    h = int dk/(2 pi) (2t sin k)^2/(z - eps_k) = z - s.
"""

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.bands import Band

__all__ = ["chain"]


def chain(hopping: float = 1.0) -> Band:
    """The chain's band; lengths in lattice constants.

    Examples
    --------
    The mean square velocity is 2 t^2, so that z h(z) tends to it:

    >>> value, _ = chain(0.7).velocity(np.array(1e3 + 1j))
    >>> round(float((1e3 * value).real), 3)
    0.98
    """
    t = float(hopping)
    if not (np.isfinite(t) and t > 0):
        raise ValueError(f"hopping: {hopping!r} is not a hopping above 0 in eV.")

    def root(z: NDArray) -> tuple[NDArray, NDArray]:
        z = np.asarray(z, complex)
        return z, np.sqrt(z - 2 * t) * np.sqrt(z + 2 * t)

    def green(z: NDArray) -> tuple[NDArray, NDArray]:
        z, s = root(z)
        return 1 / s, -z / s**3

    def velocity(z: NDArray) -> tuple[NDArray, NDArray]:
        z, s = root(z)
        # z - s without the cancellation far outside the band
        return 4 * t**2 / (z + s), 1 - z / s

    return Band("chain", 1, -2 * t, 2 * t, green, velocity, None, 1.0)
