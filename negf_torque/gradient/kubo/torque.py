"""Spin-orbit torque from a response: torkance, its angular expansion, efficiencies.

O = dH/dn are the exchange operators (-M sigma for H = -M n.sigma); the torque on the magnet's spins
per force F on the electrons is T = -n x <O>, in energy per force: hbar times a rate.  With
y' = z x F/|F| the torque of a film with the symmetry of a cone (and nothing else) is

    odd in n  (surface): n x [ f0 y' + f2 n_z^2 y' + f3 (n.F^)(z x n) ] + O(n^5),
    even in n (sea):     n x of the same with d0, d2, d3,

f0 the field-like and d0 the damping-like coefficient: T = tau_FL n x y' + tau_DL n x (n x y').  A
crystal's point group allows more terms; `allowed_terms` finds all of a given degree by projecting
polynomials on what the group leaves as it is.  K. Garello et al., Nat. Nanotechnol. 8, 587 (2013).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.gradient.model import BulkModel
from negf_torque.spin import unit_vector

__all__ = [
    "TERMS",
    "AngularFit",
    "allowed_terms",
    "efficiencies",
    "fit_terms",
    "layer_exchange",
    "named_terms",
    "point_group_4mm",
    "torkance",
]

#: Names of the terms of a cone-symmetric film, in the order of `named_terms`.
TERMS = ("field_like", "field_like_z", "field_like_planar", "damping_like", "damping_like_z",
         "damping_like_planar")  # fmt: skip


def layer_exchange(model: BulkModel, layer: NDArray) -> NDArray:
    """Exchange operators of every layer, (layers, 3, harmonics, n, n); their sum is dH/dn.

    Parameters
    ----------
    layer : (n,) int
        Layer of every orbital (times spin).
    """
    parts = []
    for number in range(int(layer.max()) + 1):
        mask = (layer == number).astype(float)
        parts.append(model.exchange * (mask[:, None] + mask[None, :]) / 2)
    return np.stack(parts)


def torkance(response: NDArray, direction: ArrayLike) -> NDArray:
    """T = -n x chi: torque on the magnet per force, from chi (..., 3, d) of O = dH/dn.

    Examples
    --------
    >>> torkance(np.array([[1.0], [0.0], [0.0]]), (0, 0, 1)).T + 0.0
    array([[ 0., -1.,  0.]])
    """
    n = unit_vector(direction, "direction")
    return -np.cross(n, response, axisb=-2, axisc=-2)


def named_terms(directions: NDArray, force: ArrayLike = (1, 0, 0)) -> NDArray:
    """The functions of `TERMS` at directions (p, 3): (6, p, 3)."""
    n = np.asarray(directions, float)
    f = unit_vector(force, "force")
    z = np.array([0.0, 0.0, 1.0])
    across = np.cross(z, f)
    fields = np.stack(
        [
            np.broadcast_to(across, n.shape),
            n[:, 2:] ** 2 * across,
            (n @ f)[:, None] * np.cross(z, n),
        ]
    )
    odd = np.cross(n, fields)
    return np.concatenate([odd, np.cross(n, odd)])


@dataclass(frozen=True)
class AngularFit:
    """Coefficients of an expansion.

    Attributes
    ----------
    coefficients : (terms,)
    residual : float
        Root mean square of what is left, over that of the torque.
    rank : int
        Independent terms at the given directions.
    """

    coefficients: NDArray
    residual: float
    rank: int


def fit_terms(terms: NDArray, torques: NDArray) -> AngularFit:
    """Least squares of torques (p, 3) by terms (t, p, 3)."""
    matrix = terms.reshape(len(terms), -1).T
    right = np.asarray(torques).ravel()
    found, _, rank, _ = np.linalg.lstsq(matrix, right, rcond=1e-9)
    size = np.linalg.norm(right)
    left = np.linalg.norm(right - matrix @ found)
    return AngularFit(found, float(left / size) if size > 0 else 0.0, int(rank))


def point_group_4mm() -> list[NDArray]:
    """The eight operations of a (001) film on a cubic lattice."""
    found = []
    for x, y, swap in product((1, -1), (1, -1), (False, True)):
        r = np.diag([float(x), float(y), 1.0])
        found.append(r[[1, 0, 2]] if swap else r)
    return found


def allowed_terms(
    operations: Sequence[NDArray], degree: int, directions: NDArray, force: ArrayLike = (1, 0, 0)
) -> NDArray:
    """All torques n x B(n), B a polynomial in n of exactly this parity and at most this degree,
    linear in the force, that the point group of the crystal (without its magnetisation) allows.

    Parameters
    ----------
    operations : sequence of (3, 3)
        Closed group of orthogonal matrices; n and T turn like axial, F like polar vectors.
    degree : int
        Of B; even: torques odd in n (surface part), odd: torques even in n (sea part).
    directions : (p, 3)

    Returns
    -------
    (terms, p, 3)
        Independent at generic directions; not named.
    """
    powers = [
        p
        for p in product(range(degree + 1), repeat=3)
        if sum(p) <= degree and sum(p) % 2 == degree % 2
    ]
    probe = np.random.default_rng(7).normal(size=(40 * len(powers), 3))
    probe /= np.linalg.norm(probe, axis=1)[:, None]

    def monomials(n: NDArray) -> NDArray:
        return np.stack([np.prod(n**p, axis=1) for p in np.array(powers)], axis=1)

    def fields(n: NDArray) -> NDArray:
        """(monomial x component x force, p, component, force)."""
        m = monomials(n)
        unit = np.einsum("ca,fi->cfai", np.eye(3), np.eye(3)).reshape(9, 3, 3)
        return np.einsum("pm,uai->mupai", m, unit).reshape(-1, len(n), 3, 3)

    total: Any = 0.0
    for r in operations:
        axial = np.linalg.det(r) * r
        # image of T(n; F): axial T(axial^-1 n; r^-1 F)
        b = fields(probe @ axial)
        t = np.cross((probe @ axial)[:, :, None], b, axisa=1, axisb=2, axisc=2)
        total = total + np.einsum("ab,upbi,ji->upaj", axial, t, r)
    projected = (total / len(operations)).reshape(len(total), -1)
    # coefficients of an orthonormal set of invariant torques
    u, s, _ = np.linalg.svd(projected, full_matrices=False)
    kept = u[:, s > 1e-8 * s[0]].T if s[0] > 0 else u[:, :0].T
    n, f = np.asarray(directions, float), unit_vector(force, "force")
    out = 0.0
    for r in operations:
        axial = np.linalg.det(r) * r
        t = np.cross((n @ axial)[:, :, None], fields(n @ axial), axisa=1, axisb=2, axisc=2)
        out = out + np.einsum("ab,upbi,i->upa", axial, t, r.T @ f)
    return np.einsum("ku,upa->kpa", kept, out / len(operations))


def efficiencies(
    field_like: float, damping_like: float, conductance: float, thickness: float
) -> tuple[float, float]:
    """xi_DL and xi_FL per electron flux for spins along s = y' = z x F.

    The torque on the spins of a film per area is (hbar/2) j [xi_DL n x (s x n) + xi_FL n x s],
    j the number of electrons that pass a unit of area and time along F.

    Parameters
    ----------
    field_like, damping_like : float
        tau_FL and tau_DL, nm per cell.
    conductance : float
        chi of v along F, nm^2 per cell (two-dimensional cell).
    thickness : float
        Of the conductor that carries the current, nm.

    Examples
    --------
    A torque of half of hbar per electron that crosses one cell of a film:

    >>> efficiencies(0.0, -0.5, 1.0, 1.0)
    (1.0, 0.0)
    """
    scale = 2 * thickness / conductance
    return -damping_like * scale, field_like * scale
