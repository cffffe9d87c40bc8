"""Self-consistent local self-energies of a layered medium.

Sigma_i is a local map of the averaged Green's function G_ii = sum_k w_k [z - H_k - Sigma_leads -
Sigma]^{-1}_ii of its own site (`local`); all sites together are one fixed point.  On the real
axis the start lies in the lower half plane and every accepted value stays there (Im Sigma <= 0):
the solution is the limit from above.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.fixed_point import find_fixed_point
from negf_torque.disorder.local import METHODS, born_parameter, new_self_energy, vertex
from negf_torque.disorder.medium import Medium, local_green
from negf_torque.disorder.sites import Disorder, DisorderGroup
from negf_torque.notices import ConvergenceWarning, PhysicsWarning

__all__ = [
    "SelfEnergy",
    "Slots",
    "apply_local",
    "check_validity",
    "make_slots",
    "solve_self_energy",
    "vertex_maps",
]

#: Dimensionless strength above which Born's first term is no longer trusted.
BORN_LIMIT = 0.5
#: An eigenvalue of Im Sigma above this, in units of |Sigma|, is not causal.
_CAUSAL = 1e-12


@dataclass(frozen=True)
class Slots:
    """Where the sites of each group are in a vector of local matrices.

    Attributes
    ----------
    groups : tuple of DisorderGroup
    index : tuple of (S, m^2) int
    """

    groups: tuple[DisorderGroup, ...]
    index: tuple[NDArray, ...]


def make_slots(disorder: Disorder, medium: Medium) -> Slots:
    """Places of the groups' sites; the medium lists the sites of `disorder.sites` in order."""
    order = disorder.sites
    index = []
    for group in disorder.groups:
        size = group.potential.shape[-1] ** 2
        first = medium.start[np.searchsorted(order, group.sites)]
        index.append(first[:, None] + np.arange(size))
    return Slots(disorder.groups, tuple(index))


def matrices(slots: Slots, vector: NDArray, number: int) -> NDArray:
    """(S, m, m): the local matrices of one group."""
    where = slots.index[number]
    m = slots.groups[number].potential.shape[-1]
    return vector[where].reshape(len(where), m, m)


@dataclass(frozen=True)
class SelfEnergy:
    """The averaged medium at one energy.

    Attributes
    ----------
    sigma, green : (M,)
        Retarded self-energies and local Green's functions of the disordered sites, as a vector.
    residuals : (iterations,)
        Relative residual of each step.
    parameter : float
        Born's dimensionless parameter, see `local.born_parameter`.
    converged : bool
    """

    sigma: NDArray
    green: NDArray
    residuals: NDArray
    parameter: float
    converged: bool

    @property
    def iterations(self) -> int:
        """Steps of the fixed point."""
        return len(self.residuals)


def solve_self_energy(
    medium: Medium,
    slots: Slots,
    method: str,
    guess: NDArray | None = None,
    tolerance: float = 1e-13,
    most: int = 400,
) -> SelfEnergy:
    """Self-consistent self-energies.

    Parameters
    ----------
    medium : Medium
    slots : Slots
    method : {"born", "coherent-potential"}
    guess : (M,), optional
        Causal starting value, such as the solution at a neighbouring energy.
    tolerance : float
        Relative residual.
    most : int
        Steps after which the result is marked as not converged.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is unknown. Expected one of {METHODS}.")
    if not medium.length:
        nothing = np.zeros(0, complex)
        return SelfEnergy(nothing, nothing, np.zeros(0), 0.0, True)

    def green_at(sigma: NDArray) -> NDArray:
        return medium.gather(local_green(medium, medium.spread(sigma)))

    def step(sigma: NDArray) -> NDArray:
        green, new = green_at(sigma), np.empty_like(sigma)
        for number, group in enumerate(slots.groups):
            image = new_self_energy(
                method, group, matrices(slots, green, number), matrices(slots, sigma, number)
            )
            new[slots.index[number]] = image.reshape(len(image), -1)
        return new

    found = find_fixed_point(
        step,
        _start(slots, medium.length) if guess is None else guess,
        lambda sigma: _causal(slots, sigma),
        tolerance,
        most,
    )
    green = green_at(found.value)
    parameter = max(
        born_parameter(group, matrices(slots, green, n)) for n, group in enumerate(slots.groups)
    )
    return SelfEnergy(found.value, green, found.residuals, parameter, found.converged)


def _start(slots: Slots, length: int) -> NDArray:
    start = np.zeros(length, complex)
    for group, index in zip(slots.groups, slots.index, strict=True):
        m = group.potential.shape[-1]
        square = group.second_moment @ np.eye(m).ravel()
        scale = np.sqrt(np.abs(square).max())
        begin = group.mean - 0.5j * scale * np.eye(m)
        start[index] = np.broadcast_to(begin.reshape(-1, m * m), index.shape)
    return start


def _causal(slots: Slots, sigma: NDArray) -> bool:
    for number in range(len(slots.groups)):
        local = matrices(slots, sigma, number)
        absorbing = (local - local.conj().swapaxes(1, 2)) / 2j
        if np.linalg.eigvalsh(absorbing)[:, -1].max() > _CAUSAL * np.abs(local).max():
            return False
    return True


def check_validity(method: str, solution: SelfEnergy, energy: complex) -> None:
    """Tell what the user should know about a self-energy.

    Warns
    -----
    PhysicsWarning
        If Born is used beyond its validity.
    ConvergenceWarning
        If the fixed point was not reached.
    """
    if method == "born" and solution.parameter > BORN_LIMIT:
        warnings.warn(
            f"strength: the impurities are too strong for the Born approximation, whose "
            f"dimensionless parameter |v G| is {solution.parameter:.2g} here (below "
            f"{BORN_LIMIT:g} is safe). Use the coherent potential.",
            PhysicsWarning,
            stacklevel=3,
        )
    if not solution.converged:
        warnings.warn(
            f"the self-energy of the impurities has not converged at {energy:.6g} eV: relative "
            f"residual {solution.residuals[-1]:.1e} after {solution.iterations} steps; the "
            "result is marked.",
            ConvergenceWarning,
            stacklevel=3,
        )


def vertex_maps(
    slots: Slots, method: str, solution: SelfEnergy, retarded: bool = False
) -> list[NDArray]:
    """Lambda of each group's sites, (S or 1, m^2, m^2)."""
    return [
        vertex(
            method,
            group,
            matrices(slots, solution.green, number),
            matrices(slots, solution.sigma, number),
            retarded,
        )
        for number, group in enumerate(slots.groups)
    ]


def apply_local(slots: Slots, maps: list[NDArray], vectors: NDArray) -> NDArray:
    """Lambda of vectors (M,) or (M, columns) of local matrices."""
    result = np.zeros(vectors.shape, complex)
    for index, local in zip(slots.index, maps, strict=True):
        result[index] = np.einsum("sij,sj...->si...", local, vectors[index])
    return result
