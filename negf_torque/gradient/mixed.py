"""Retarded response to a field in a texture: sources (4) and (5) with their dressing.

In the notation of `retarded` (M_p = G dL/dp, every word ends with G):

    G_(F_i x_j b) = G Sigma_F G_x + G Sigma_x G_F
        - (i/2) [ M_E d_i G_x - M_i d_E G_x + M_b d_j G_F - M_j d_b G_F
                  + (G d_E Sigma_x) M_i G + (G d_b Sigma_F) M_j G ]
        + (1/4) [ M_Eb G_ij - M_bi G_Ej + M_ij G_Eb ] + G Sigma_Fx G,
    G_(d_j F_j)   = (i/2) (M_j G_F - G Sigma_F M_j G) + (1/8) (M_E G_jj + M_jj G_E) + ...

with subscripts of G for its derivatives.  The second is needed where the conductivity depends
on n: the field then bends around the texture.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.ladder import superapply
from negf_torque.gradient.model import BulkModel, ZoneMesh, bloch
from negf_torque.gradient.pairs import PairSum
from negf_torque.gradient.retarded import (
    FirstOrder,
    Words,
    commutator,
    dressed_words,
    observable_trace,
    observables_at,
)
from negf_torque.gradient.scba import pair_matrix

__all__ = ["Mixed", "mixed_response"]


@dataclass(frozen=True)
class Mixed:
    """Second-order corrections at one energy.

    Attributes
    ----------
    mixed : (a, d_i, d_j, 3)
        int_k Tr A_a G per F_i d_j n_b.
    bend : (a, d_j)
        int_k Tr A_a G per field gradient d_j F_j.
    shift : (a, d_i, d_j, 3)
        int_k Tr A_a dG_x/dk_i, zero for A independent of k but for the mesh.
    curvature : (a, d_j)
        int_k Tr A_a d2G/dk_j^2, likewise.
    null : float
        max |int_k dG_x/dk_i|: the error of the mesh at this order.
    charge_mixed, charge_bend : (d_i, d_j, 3), (d_j)
        Same traces for the unit matrix: the density.
    """

    mixed: NDArray
    bend: NDArray
    shift: NDArray
    curvature: NDArray
    null: float
    charge_mixed: NDArray
    charge_bend: NDArray


class _Factors(NamedTuple):
    """m of G_F = m_F G and G_x = m_x G, and d_p M_q; derivative axis first."""

    field: NDArray  # (i)
    texture: NDArray  # (j, b)
    n_field: NDArray  # (i): G Sigma_F
    n_texture: NDArray  # (j, b): G Sigma_x
    e_k: NDArray  # (i)
    e_n: NDArray  # (b)
    k_e: NDArray  # (i)
    k_k: NDArray  # (i, j)
    k_n: NDArray  # (i, b)
    n_e: NDArray  # (b)
    n_k: NDArray  # (b, i)


def _factors(w: Words, first: FirstOrder) -> _Factors:
    """m_F = (i/2)[M_E, M_i] + G Sigma_F, m_x = (i/2)[M_b, M_j] + G Sigma_x, and
    d_p M_q = -M_p M_q + M_pq."""
    n_field = w.g @ first.s_field[:, None]
    n_texture = w.g @ first.s_texture[:, :, None]
    e_k, k_e, e_n, n_e = w.e @ w.k, w.k @ w.e, w.e @ w.n, w.n @ w.e
    k_n, n_k = w.k[:, None] @ w.n[None], w.n[:, None] @ w.k[None]
    return _Factors(
        0.5j * (e_k - k_e) + n_field,
        0.5j * (n_k.swapaxes(0, 1) - k_n) + n_texture,
        n_field,
        n_texture,
        -e_k,
        w.en - e_n,
        -k_e,
        w.kk - w.k[:, None] @ w.k[None],
        w.nk.swapaxes(0, 1) - k_n,
        w.en - n_e,
        w.nk - n_k,
    )


def _texture_by_energy(w: Words, f: _Factors) -> NDArray:
    """d_E G_x without its self-energy derivative, shape (j, b, k, n, n)."""
    known = 0.5j * (
        commutator(f.e_n[None], w.k[:, None]) + commutator(w.n[None], f.e_k[:, None])
    )
    return (known - w.e @ f.n_texture - f.texture @ w.e) @ w.g


def _field_by_direction(w: Words, f: _Factors) -> NDArray:
    """d_b G_F without its self-energy derivative, shape (i, b, k, n, n)."""
    known = 0.5j * (
        commutator(f.n_e[None], w.k[:, None]) + commutator(w.e, f.n_k.swapaxes(0, 1))
    )
    return (known - w.n[None] @ f.n_field[:, None] - f.field[:, None] @ w.n[None]) @ w.g


def _field_by_k(w: Words, f: _Factors) -> NDArray:
    """d_j G_F, shape (j, i, k, n, n)."""
    known = 0.5j * (commutator(f.k_e[:, None], w.k[None]) + commutator(w.e, f.k_k))
    return (known - w.k[:, None] @ f.n_field[None] - f.field[None] @ w.k[:, None]) @ w.g


def _add_texture_by_k(total: PairSum, w: Words, f: _Factors, before, factor: complex) -> None:
    """Add factor * before * d_i G_x, `before` a map of matrices applied on the left."""
    kg, ng = w.k @ w.g, w.n @ w.g
    total.add("ib", before(f.k_n), "j", kg, 0.5j * factor)
    total.add("j", before(w.k), "ib", f.k_n @ w.g, -0.5j * factor)
    total.add("b", before(w.n), "ij", f.k_k @ w.g, 0.5j * factor)
    total.add("ij", before(f.k_k), "b", ng, -0.5j * factor)
    total.add("i", before(w.k), "jb", f.n_texture @ w.g, -factor)
    total.add("jb", before(f.texture), "i", kg, -factor)


def _mixed_sum(a, w, f, texture_e, field_n, slope: bool) -> PairSum:
    """Source (4) summed over the chunk, without d_E Sigma_x and d_b Sigma_F."""
    total = PairSum(a, "ijb")
    total.add("i", f.n_field, "jb", f.texture @ w.g)
    total.add("jb", f.n_texture, "i", f.field @ w.g)
    _add_texture_by_k(total, w, f, lambda m: w.e @ m, -0.5j)
    total.add("i", w.k, "jb", texture_e, 0.5j)
    total.add("b", w.n, "ji", _field_by_k(w, f), -0.5j)
    total.add("j", w.k, "ib", field_n, 0.5j)
    total.add("b", w.en, "ij", (w.kk - f.k_k - f.k_k.swapaxes(0, 1)) @ w.g, 0.25)
    if slope:
        total.add("bi", w.nk, "j", (f.e_k + f.k_e) @ w.g, 0.25)
    total.add("ij", w.kk, "b", (w.en - f.e_n - f.n_e) @ w.g, 0.25)
    return total


def _self_energy_slopes(first: FirstOrder, texture_e, field_n) -> tuple[NDArray, NDArray]:
    """dSigma_x/dE (d_j, 3, n, n) and dSigma_F/dn (d_i, 3, n, n), from the local solve."""
    lin = first.linear
    turned = lin.turned(first.g_field)
    g_texture_e = lin.dress(texture_e)
    g_field_n = lin.dress(field_n + superapply(lin.bubble, turned))
    return lin.vertex(g_texture_e), lin.vertex(g_field_n) + turned


def _bend_words(w: Words, f: _Factors) -> tuple[NDArray, NDArray]:
    """Source (5) and d2G/dk_j^2, shapes (j, k, n, n)."""
    axes = np.arange(w.k.shape[0])
    mass = w.kk[axes, axes]
    curvature = 2 * w.k @ w.k - mass
    words = 0.5j * (w.k @ f.field - f.n_field @ w.k) + (w.e @ curvature - mass @ w.e) / 8
    return words @ w.g, curvature @ w.g


def mixed_response(
    model: BulkModel,
    mesh: ZoneMesh,
    first: FirstOrder,
    observables: NDArray | None = None,
) -> Mixed:
    """Corrections per F_i d_j n_b and per d_j F_j (equations (4), (5) of the derivation)."""
    lin = first.linear

    def terms(k: NDArray) -> list[NDArray]:
        b = bloch(model, k)
        w = dressed_words(lin, b, first.l_en)
        f = _factors(w, first)
        a = observables_at(model, observables, k, b)
        texture_e, field_n = _texture_by_energy(w, f), _field_by_direction(w, f)
        mixed = _mixed_sum(a, w, f, texture_e, field_n, b.exchange_slope is not None)
        shift = PairSum(a, "ijb")
        _add_texture_by_k(shift, w, f, lambda m: m, 1.0)
        bend, curvature = _bend_words(w, f)
        kg = w.k @ w.g
        # V -> (i/2)(M_i G V G - G V M_i G), the way d_E Sigma_x and d_b Sigma_F enter.
        slope = np.stack([0.5j * (pair_matrix(x, w.g) - pair_matrix(w.g, x)) for x in kg])
        ga, kga = w.g @ a, kg[:, None] @ a
        seen = 0.5j * (np.tensordot(ga, kg, axes=((1, 3), (1, 2))).transpose(2, 0, 1, 3)
                       - np.tensordot(kga, w.g, axes=((2, 4), (0, 1))))  # fmt: skip
        return [
            mixed.local,
            mixed.observed(),
            shift.local,
            shift.observed(),
            bend.sum(axis=-3),
            observable_trace(a, bend),
            observable_trace(a, curvature),
            texture_e.sum(axis=-3),
            field_n.sum(axis=-3),
            slope,
            seen,
        ]

    sums = mesh.average(terms)
    mixed, t_mixed, shift, t_shift, bend, t_bend, t_curvature = sums[:7]
    s_texture_e, s_field_n = _self_energy_slopes(first, *sums[7:9])
    slope, seen = sums[9:]
    for i, (superoperator, view) in enumerate(zip(slope, seen, strict=True)):
        mixed[i] += superapply(superoperator, s_texture_e)
        mixed[:, i] += superapply(superoperator, s_field_n)
        t_mixed[:, i] += np.einsum("amn,jbnm->ajb", view, s_texture_e)
        t_mixed[:, :, i] += np.einsum("amn,ibnm->aib", view, s_field_n)
    g_mixed, g_bend = lin.dress(mixed), lin.dress(bend)
    return Mixed(
        t_mixed + np.einsum("aij,...ji->a...", first.bubble, lin.vertex(g_mixed)),
        t_bend + np.einsum("aij,...ji->a...", first.bubble, lin.vertex(g_bend)),
        t_shift,
        t_curvature,
        float(np.abs(shift).max()),
        np.trace(g_mixed, axis1=-2, axis2=-1),
        np.trace(g_bend, axis1=-2, axis2=-1),
    )
