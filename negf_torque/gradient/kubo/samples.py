"""Points of the zone at which Green's functions are averaged, and what symmetry makes of a part.

Averages of Green's functions over the irreducible part of a mesh become averages over the whole
zone by turning them with the unitary operations of the group:

    <G>  ->  mean of U <G> U^+,     <G v_i G'>  ->  mean of sum_i W_ji U <G v_i G'> U^+, ...
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.kubo.symmetry import (
    Operation,
    close_group,
    observable_matrix,
    verify,
)
from negf_torque.gradient.kubo.zone import irreducible_mesh
from negf_torque.gradient.model import BulkModel, harmonics_at

__all__ = ["Chunk", "LatticeSamples", "Samples"]


class Chunk(NamedTuple):
    """H, v, A and weights at some k: (k, n, n), (d, k, n, n), (a, k or 1, n, n), (k,)."""

    h: NDArray
    velocity: NDArray
    observables: NDArray
    weight: NDArray


@dataclass(frozen=True)
class Turn:
    """One unitary operation: U, W and M of `symmetry`."""

    unitary: NDArray
    rotation: NDArray
    observables: NDArray


@dataclass(frozen=True)
class Samples:
    """Points with weights; a list of chunks for anything that is not a lattice.

    Attributes
    ----------
    chunks : sequence of Chunk
        Weights sum to the measure of the zone average.
    turns : tuple of Turn
        Operations that make the average over the whole zone; empty: the chunks are the zone.
    """

    chunks: Sequence[Chunk] = ()
    turns: tuple[Turn, ...] = field(default=())

    def __iter__(self) -> Iterator[Chunk]:
        return iter(self.chunks)

    def local(self, array: NDArray) -> NDArray:
        """Whole-zone average of <G> from that of the part, (n, n)."""
        if not self.turns:
            return array
        return np.mean([t.unitary @ array @ t.unitary.conj().T for t in self.turns], axis=0)

    def vector(self, array: NDArray) -> NDArray:
        """The same with a leading axis of directions, (d, n, n)."""
        if not self.turns:
            return array
        turned = [
            np.tensordot(t.rotation, t.unitary @ array @ t.unitary.conj().T, axes=1)
            for t in self.turns
        ]
        return np.mean(turned, axis=0)

    def read(self, array: NDArray) -> NDArray:
        """The same with a leading axis of observables, (a, n, n)."""
        if not self.turns:
            return array
        turned = [
            np.tensordot(_inverse(t), t.unitary @ array @ t.unitary.conj().T, axes=1)
            for t in self.turns
        ]
        return np.mean(turned, axis=0)

    def pairs(self, array: NDArray) -> NDArray:
        """The same for <kron(G, G'^T)>, (n^2, n^2)."""
        if not self.turns:
            return array
        total: Any = 0.0
        for t in self.turns:
            full = np.kron(t.unitary, t.unitary.conj())
            total = total + full @ array @ full.conj().T
        return total / len(self.turns)

    def response(self, array: NDArray) -> NDArray:
        """The same for chi (a, d)."""
        if not self.turns:
            return array
        return np.mean([_inverse(t) @ array @ t.rotation.T for t in self.turns], axis=0)


def _inverse(turn: Turn) -> NDArray:
    return np.linalg.pinv(turn.observables, rcond=1e-9)


class LatticeSamples(Samples):
    """Irreducible part of a uniform mesh of a crystal."""

    model: BulkModel
    observables: NDArray
    k: NDArray
    weights: NDArray
    slope: NDArray
    steady: NDArray | None

    def __init__(
        self,
        model: BulkModel,
        observables: NDArray,
        sizes: Sequence[int],
        symmetry: Sequence[Operation] = (),
        turns: tuple[Turn, ...] | None = None,
    ) -> None:
        if turns is None:
            turns = unitary_turns(model, observables, symmetry)
        operations = [Operation(t.rotation, t.unitary) for t in turns]
        points, weights = irreducible_mesh(model, operations, sizes)
        object.__setattr__(self, "turns", turns if len(turns) > 1 else ())
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "observables", observables)
        reciprocal = 2 * np.pi * np.linalg.inv(model.lattice).T
        object.__setattr__(self, "k", points @ reciprocal)
        object.__setattr__(self, "weights", weights)
        slope = 1j * np.einsum("ri,rmn->irmn", model.displacements, model.hoppings)
        object.__setattr__(self, "slope", slope)
        moving = np.any(np.abs(model.displacements) > 1e-12, axis=1)
        steady = not np.any(observables[:, moving])
        object.__setattr__(self, "steady", observables.sum(axis=1)[:, None] if steady else None)

    def __iter__(self) -> Iterator[Chunk]:
        r, n = self.model.displacements, self.model.orbitals
        step = max(16, 20_000 // (n * n))
        for first in range(0, len(self.k), step):
            k = self.k[first : first + step]
            observed = self.steady
            if observed is None:
                observed = harmonics_at(r, self.observables, k)
            yield Chunk(
                harmonics_at(r, self.model.hoppings, k),
                harmonics_at(r, self.slope, k),
                observed,
                self.weights[first : first + step],
            )


def unitary_turns(
    model: BulkModel, observables: NDArray, symmetry: Sequence[Operation]
) -> tuple[Turn, ...]:
    """The operations that do not reverse time and keep the observables among themselves."""
    verify(model, symmetry)
    turns = []
    for operation in close_group(model, symmetry):
        if operation.antiunitary:
            continue
        matrix = observable_matrix(model, operation, observables)
        if matrix is not None:
            turns.append(Turn(operation.unitary, operation.rotation, matrix))
    return tuple(turns)
