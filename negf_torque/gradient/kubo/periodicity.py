"""Whether a Hamiltonian given by harmonics repeats itself from zone to zone.

With displacements between orbitals, H(k + G) equals H(k) up to the phases exp(i G.r_a) of the
orbitals' positions r_a.  That needs positions to exist: all displacements that one matrix element
(a, b) occurs with differ by lattice vectors, and around a loop of elements they add up to one.
"""

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.model import BulkModel

__all__ = ["check_periodic", "orbital_positions"]


def check_periodic(model: BulkModel, tolerance: float = 1e-6) -> None:
    """Raise ValueError unless the spectrum has the periodicity of the reciprocal lattice."""
    orbital_positions(model, tolerance)


def orbital_positions(model: BulkModel, tolerance: float = 1e-6) -> NDArray:
    """Positions of the orbitals in units of the primitive vectors, modulo 1, shape (n, d).

    Orbitals that nothing connects count as one crystal each, with the origin at their first.

    Raises
    ------
    ValueError
        If no positions fit the displacements: the Hamiltonian is not periodic.
    """
    fractions = model.displacements @ np.linalg.inv(model.lattice)
    n = model.orbitals
    links: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for r, a, b in zip(*np.nonzero(np.abs(model.hoppings) > 1e-12), strict=True):
        links[a].append((b, r))
    place = np.full((n, model.dimension), np.nan)
    for start in range(n):
        if not np.isnan(place[start, 0]):
            continue
        place[start] = 0.0
        reached = [start]
        for a in reached:
            for b, r in links[a]:
                wanted = place[a] + fractions[r]
                if np.isnan(place[b, 0]):
                    place[b] = wanted
                    reached.append(b)
                    continue
                miss = wanted - place[b]
                miss -= np.round(miss)
                if np.abs(miss).max() > tolerance:
                    raise ValueError(
                        f"displacements: the Hamiltonian is not periodic; element ({a}, {b}) at "
                        f"{model.displacements[r]} misses the orbital's place by {miss} lattice "
                        "vectors. Displacements of one element must differ by lattice vectors."
                    )
    return place - np.floor(place + tolerance)
