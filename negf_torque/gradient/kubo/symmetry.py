"""Symmetries of a crystal with spin: checked against its Hamiltonian, used to integrate less.

An operation g maps k to W k and obeys

    U H(k) U^+ = H(W k)      or, if it reverses time,      U H(k)^* U^+ = H(W k),

with a constant U (orbitals, spin, and which site goes where).  Observables that transform among
themselves, U A_a U^+ = sum_b M_ab A_b, and velocities, which turn like k, have responses

    chi(W k) = s M^-1 chi(k) W^T,

s = -1 for the sea part of an operation that reverses time, else 1.  The zone average then is
the average over the group of what one irreducible part of the zone gives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.model import BulkModel

__all__ = [
    "Operation",
    "SymmetryError",
    "close_group",
    "find_operations",
    "observable_matrix",
    "verify",
]

Representation = Callable[[NDArray], NDArray]


class SymmetryError(ValueError):
    """A symmetry operation that the Hamiltonian or the lattice does not have."""


@dataclass(frozen=True)
class Operation:
    """One symmetry operation.

    Attributes
    ----------
    rotation : (d, d)
        W: orthogonal, acts on k.  An operation that reverses time contains the sign with which
        it turns k over (time reversal alone: -1).
    unitary : (n, n)
        U.
    antiunitary : bool
        Whether it reverses time.
    name : str
    """

    rotation: NDArray
    unitary: NDArray
    antiunitary: bool = False
    name: str = ""


def _image(operation: Operation, displacements: NDArray, array: NDArray) -> dict[tuple, NDArray]:
    """Harmonics of U A(k) U^+ (A^* for antiunitary) as a function of W k."""
    u = operation.unitary
    inner = array.conj() if operation.antiunitary else array
    sign = -1.0 if operation.antiunitary else 1.0
    moved = sign * displacements @ operation.rotation.T
    turned = u @ inner @ u.conj().T
    found: dict[tuple, NDArray] = {}
    for place, matrix in zip(moved, turned, strict=True):
        label = tuple(np.round(place, 6) + 0.0)
        found[label] = found[label] + matrix if label in found else matrix
    return found


def _aligned(displacements: NDArray, image: dict[tuple, NDArray]) -> NDArray | None:
    """The image on the original displacements; None if it has weight elsewhere."""
    labels = [tuple(np.round(r, 6) + 0.0) for r in displacements]
    known = set(labels)
    outside = [m for label, m in image.items() if label not in known]
    if outside and max(np.abs(m).max() for m in outside) > 1e-9:
        return None
    zero = np.zeros_like(next(iter(image.values())))
    return np.stack([image.get(label, zero) for label in labels])


def _miss(model: BulkModel, operation: Operation) -> float:
    image = _aligned(model.displacements, _image(operation, model.displacements, model.hoppings))
    if image is None:
        return float(np.abs(model.hoppings).max())
    return float(np.abs(image - model.hoppings).max())


def fractional(model: BulkModel, operation: Operation) -> NDArray:
    """Whole-number matrix that acts on fractional k.

    Raises
    ------
    SymmetryError
        If the operation does not map the reciprocal lattice on itself.
    """
    matrix = model.lattice @ operation.rotation @ np.linalg.inv(model.lattice)
    whole = np.round(matrix)
    if np.abs(matrix - whole).max() > 1e-6:
        raise SymmetryError(
            f"symmetry: operation {operation.name or operation.rotation.tolist()} does not map "
            "the lattice on itself. Leave it out, or correct the lattice vectors."
        )
    return whole.astype(int)


def verify(model: BulkModel, operations: Sequence[Operation], tolerance: float = 1e-8) -> None:
    """Raise SymmetryError if the Hamiltonian lacks one of the operations."""
    d, n = model.dimension, model.orbitals
    for operation in operations:
        w, u, name = operation.rotation, operation.unitary, operation.name or "(unnamed)"
        if w.shape != (d, d) or u.shape != (n, n):
            raise SymmetryError(
                f"symmetry: operation {name} has matrices {w.shape} and {u.shape}; expected "
                f"({d}, {d}) for k and ({n}, {n}) for the orbitals."
            )
        if np.abs(w @ w.T - np.eye(d)).max() > 1e-9 or np.abs(u @ u.conj().T - np.eye(n)).max() > (
            1e-9
        ):
            raise SymmetryError(f"symmetry: the matrices of operation {name} are not unitary.")
        fractional(model, operation)
        miss = _miss(model, operation)
        if miss > tolerance:
            raise SymmetryError(
                f"symmetry: the Hamiltonian does not have operation {name}; elements differ by "
                f"{miss:.3g} eV. A magnetisation, a field or a missing mirror breaks it: "
                "leave the operation out."
            )


def _product(second: Operation, first: Operation) -> Operation:
    inner = first.unitary.conj() if second.antiunitary else first.unitary
    return Operation(
        second.rotation @ first.rotation,
        second.unitary @ inner,
        second.antiunitary != first.antiunitary,
        f"{second.name} * {first.name}" if first.name != "1" else second.name,
    )


def close_group(model: BulkModel, operations: Sequence[Operation]) -> list[Operation]:
    """All products of the operations, the identity first; one of each action on k and time.

    Raises
    ------
    SymmetryError
        If there are more than 96: the operations are not those of a crystal.
    """
    identity = Operation(np.eye(model.dimension), np.eye(model.orbitals, dtype=complex), name="1")

    def label(operation: Operation) -> tuple:
        return (*fractional(model, operation).ravel(), operation.antiunitary)

    group = {label(identity): identity}
    generators = {label(g): g for g in operations if label(g) not in group}
    fresh = [identity]
    while fresh:
        products = [_product(g, old) for old in fresh for g in generators.values()]
        fresh = []
        for one in products:
            if label(one) not in group:
                group[label(one)] = one
                fresh.append(one)
        if len(group) > 96:
            raise SymmetryError("symmetry: more than 96 operations; not a crystal's point group.")
    return list(group.values())


def observable_matrix(
    model: BulkModel, operation: Operation, observables: NDArray, tolerance: float = 1e-8
) -> NDArray | None:
    """Real M with U A_a U^+ = sum_b M_ab A_b, (a, a); None if they do not stay among themselves.

    Parameters
    ----------
    observables : (a, harmonics, n, n)
    """
    count = len(observables)
    flat = observables.reshape(count, -1)
    images = []
    for one in observables:
        image = _aligned(model.displacements, _image(operation, model.displacements, one))
        if image is None:
            return None
        images.append(image.ravel())
    basis = np.concatenate([flat.real, flat.imag], axis=1)
    right = np.stack(images)
    right = np.concatenate([right.real, right.imag], axis=1)
    matrix = np.linalg.lstsq(basis.T, right.T, rcond=1e-10)[0].T
    if np.abs(matrix @ basis - right).max() > tolerance * max(1.0, np.abs(flat).max()):
        return None
    return matrix


def _lattice_rotations(lattice: NDArray) -> list[NDArray]:
    """All orthogonal matrices that map the lattice on itself."""
    d = len(lattice)
    inverse = np.linalg.inv(lattice)
    rows = np.array(list(product((-1, 0, 1), repeat=d)))
    vectors = rows @ lattice
    lengths = np.linalg.norm(lattice, axis=1)
    options = [
        [v for v in vectors if abs(np.linalg.norm(v) - length) < 1e-6 * length]
        for length in lengths
    ]
    found = []
    for images in product(*options):
        w = (inverse @ np.array(images)).T
        if np.abs(w @ w.T - np.eye(d)).max() < 1e-6:
            found.append(w)
    return found


def find_operations(
    model: BulkModel, representation: Representation, tolerance: float = 1e-8
) -> list[Operation]:
    """All rotations, mirrors and their products with time reversal that the Hamiltonian has.

    Parameters
    ----------
    model : BulkModel
        Reduced lattice vectors: no symmetric image longer than the sum of the vectors.
    representation : callable
        Orthogonal (3, 3) matrix acting on space -> U (n, n), spin included (for instance
        `negf_torque.lattice.orbitals.OrbitalBasis.represent`).

    Returns
    -------
    list of Operation
        The identity first; in two dimensions the third axis may be turned over.
    """
    d, n = model.dimension, model.orbitals
    flip = np.kron(np.eye(n // 2), np.array([[0, -1], [1, 0]], complex))  # -i sigma_y
    found: dict[tuple, Operation] = {}
    thirds = (1.0, -1.0) if d < 3 else (1.0,)
    for w in sorted(_lattice_rotations(model.lattice), key=lambda w: -np.trace(w)):
        for third in thirds:
            space = np.diag([1.0, 1.0, third]) if d < 3 else np.eye(3)
            space[:d, :d] = w
            unitary = representation(space)
            for antiunitary in (False, True):
                operation = Operation(
                    -w if antiunitary else w,
                    unitary @ flip if antiunitary else unitary,
                    antiunitary,
                    _name(space, antiunitary),
                )
                label = (*np.round(operation.rotation, 6).ravel() + 0.0, antiunitary)
                if label not in found and _miss(model, operation) < tolerance:
                    found[label] = operation
    return list(found.values())


def _name(space: NDArray, antiunitary: bool) -> str:
    rows = "; ".join(" ".join(f"{x:g}" for x in np.round(row, 3) + 0.0) for row in space)
    return f"[{rows}]{' with time reversal' if antiunitary else ''}"
