"""What the packet does at the chain's ends: how much has reached a wall, and since when."""

import numpy as np
from numpy.typing import NDArray

from negf_torque.manybody.states import PacketFacts
from negf_torque.units import HBAR

__all__ = ["WallLog", "wall_flux"]

#: Longest time between two looks at the walls, fs.
LONGEST_STEP = 20.0
#: Probability at a wall, or cut off by it, from which a warning is given.
NOTICEABLE = 1e-6
_SLOWEST_WAVE = 0.02


def wall_flux(psi: NDArray, hopping: float) -> NDArray:
    """Probability per fs that reaches the left and the right wall, (2,).

    Before a wall the wave is 2 A sin k n (n = 1 on the last site): its first two sites give k,
    and the incident flux |A|^2 2 gamma sin k/hbar.

    Parameters
    ----------
    psi : (configurations, sites) complex
    hopping : float
        gamma, eV.
    """
    flux = []
    for edge, inner in ((psi[:, 0], psi[:, 1]), (psi[:, -1], psi[:, -2])):
        last = np.vdot(edge, edge).real
        cosine = np.vdot(edge, inner).real / (2 * last) if last > 0 else 0.0
        sine = np.sqrt(max(1 - cosine**2, _SLOWEST_WAVE**2))
        flux.append(abs(hopping) * last / (2 * HBAR * sine))
    return np.array(flux)


class WallLog:
    """Integrates the flux into both walls over a run (trapezoidal rule)."""

    def __init__(self, hopping: float) -> None:
        self.hopping = hopping
        self._times: list[float] = []
        self._flux: list[NDArray] = []
        self._weight: list[NDArray] = []

    def look(self, time: float, psi: NDArray) -> NDArray:
        """Note the state at a time (fs); returns the weight that has reached each wall, (2,)."""
        flux = wall_flux(psi, self.hopping)
        weight = np.zeros(2)
        if self._times:
            step = time - self._times[-1]
            weight = self._weight[-1] + step * (flux + self._flux[-1]) / 2
        self._times.append(time)
        self._flux.append(flux)
        self._weight.append(weight)
        return weight

    def warnings(self, facts: PacketFacts) -> list[str]:
        """Sentences about a clipped packet and walls that were touched, with the time."""
        found = []
        if facts.clipped > NOTICEABLE:
            found.append(
                f"The packet is clipped: {100 * facts.clipped:.3g} % of its Gaussian lies beyond "
                "the chain's ends."
            )
        for name, weight in zip(("left", "right"), np.array(self._weight).T, strict=True):
            late = np.flatnonzero(weight > NOTICEABLE)
            if late.size:
                found.append(
                    f"The packet touches the {name} wall from t = {self._times[late[0]]:.4g} fs "
                    f"on; by {self._times[-1]:.4g} fs {100 * weight[-1]:.3g} % of it has been "
                    "reflected there."
                )
        return found
