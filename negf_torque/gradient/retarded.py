"""Retarded sector of the gradient expansion: sources (1)-(5) and their local dressing.

Kinetic variables (x, t, k, E).  With L = E - H - Sigma and L * G = 1 (Moyal product) every
correction to G has the form

    G_X = source_X + G Sigma_X G,     Sigma_X = S[g_X],     g_X = (1 - X S)^-1 int_k source_X,

because the self-energy of zero-range impurities is a function of the local g alone: expanding
it in gradients is what is called vertex corrections elsewhere.  Writing M_p = G dL/dp for
p = E, k_i, n_b, and leaving out the G that ends every term, the sources are words in the M:

    G_p    = -M_p G,
    field        F_i       :  (i/2) [M_E, M_i] G
    rate         d_t n_b   :  (i/2) [M_E, M_b] G
    texture      d_j n_b   :  (i/2) [M_b, M_j] G
    field x texture        :  `mixed_response`, from G_F, G_x and their derivatives.

All functions are analytic in the upper half plane (real parameters only: the advanced ones
are Hermitian conjugates).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ladder import Impurities, superapply
from .model import Bloch, BulkModel, ZoneMesh, bloch, harmonics_at
from .scba import greens_function, pair_matrix

__all__ = [
    "FirstOrder",
    "Linear",
    "Mixed",
    "Words",
    "dressed_words",
    "first_order",
    "linear_response",
    "mixed_response",
    "observable_trace",
]


@dataclass(frozen=True)
class Linear:
    """Derivatives of the uniform solution at one energy (subscripts are derivatives).

    Attributes
    ----------
    energy, sigma, g : complex, (n, n), (n, n)
    ladder : Impurities
        The map that dresses responses; zero where the ladder is switched off.
    resolvent : (n^2, n^2)
        (1 - X S)^-1, X[V] = int_k G V G.
    bubble : (n^2, n^2)
        X.
    g_e, g_n : (n, n), (3, n, n)
        dg/dE, dg/dn_b.
    l_e, l_n : (n, n), (3, n, n)
        dL/dE = 1 - Sigma_E and the local part of dL/dn_b (the exchange operator comes on top).
    """

    energy: complex
    sigma: NDArray
    g: NDArray
    ladder: Impurities
    resolvent: NDArray
    bubble: NDArray
    g_e: NDArray
    g_n: NDArray
    l_e: NDArray
    l_n: NDArray

    def dress(self, source: NDArray) -> NDArray:
        """g_X = (1 - X S)^-1 source for sources (..., n, n) integrated over k."""
        return superapply(self.resolvent, source)

    def vertex(self, g: NDArray) -> NDArray:
        """Sigma_X = S[g_X]."""
        return superapply(self.ladder.superoperator, g)

    def turned(self, g: NDArray) -> NDArray:
        """(dS/dn_b)[g], shape (..., 3, n, n): impurities that follow the texture."""
        shape = (*g.shape[:-2], 3, *g.shape[-2:])
        if self.ladder.derivative is None:
            return np.zeros(shape, complex)
        return np.stack([superapply(d, g) for d in self.ladder.derivative], axis=-3)


class Words(NamedTuple):
    """G and M_p = G dL/dp, M_pq = G d2L/dp dq at a chunk of k; axes (..., k, n, n)."""

    g: NDArray
    e: NDArray
    k: NDArray
    n: NDArray
    kk: NDArray
    nk: NDArray
    en: NDArray | None


def commutator(a: NDArray, b: NDArray) -> NDArray:
    """a b - b a."""
    return a @ b - b @ a


def observable_trace(observables: NDArray, source: NDArray) -> NDArray:
    """sum_k Tr A_a source, shape (a, ...), for A (a, k or 1, n, n), source (..., k, n, n)."""
    if observables.shape[1] == 1:
        local = source.sum(axis=-3)
        return np.einsum("aij,...ji->a...", observables[:, 0], local)
    turned = observables.swapaxes(-1, -2).reshape(len(observables), -1)
    flat = source.reshape(*source.shape[:-3], -1)
    return np.moveaxis(flat @ turned.T, -1, 0)


def observables_at(model: BulkModel, observables: NDArray | None, k: NDArray, b: Bloch) -> NDArray:
    """A_a(k), shape (a, k or 1, n, n); the exchange operators where none are given."""
    if observables is None:
        return b.exchange
    moving = np.any(model.displacements != 0, axis=1)
    if not np.any(observables[:, moving]):
        return observables.sum(axis=1)[:, None]
    return harmonics_at(model.displacements, observables, k)


def linear_response(
    model: BulkModel,
    mesh: ZoneMesh,
    ladder: Impurities,
    z: complex,
    sigma: NDArray,
) -> Linear:
    """dg/dE and dg/dn of the uniform magnet, with the self-energy following.

    g_E: source -G G;  g_b: source G (O_b + dS_b g) G.
    """
    n = model.orbitals
    g, gg = np.zeros((n, n), complex), np.zeros((n, n), complex)
    gog, x = np.zeros((3, n, n), complex), np.zeros((n * n, n * n), complex)
    for k in mesh:
        b = bloch(model, k)
        green = greens_function(b.h, z, sigma)
        g += green.sum(axis=0)
        gg += (green @ green).sum(axis=0)
        gog += (green @ b.exchange @ green).sum(axis=1)
        x += pair_matrix(green, green)
    g, gg, gog, x = (array / mesh.points for array in (g, gg, gog, x))
    resolvent = np.linalg.inv(np.eye(n * n) - x @ ladder.superoperator)
    zero = np.zeros((3, n, n), complex)
    bare = Linear(z, sigma, g, ladder, resolvent, x, gg, zero, gg, zero)
    turned = bare.turned(g)
    g_e = bare.dress(-gg)
    g_n = bare.dress(gog + superapply(x, turned))
    l_e = np.eye(n) - bare.vertex(g_e)
    return Linear(
        z, sigma, g, ladder, resolvent, x, g_e, g_n, l_e, -(turned + bare.vertex(g_n))
    )


def dressed_words(lin: Linear, b: Bloch, l_en: NDArray | None = None) -> Words:
    """M_p and M_pq of one chunk; `l_en` (3, n, n) is d2L/dE dn_b = -Sigma_Eb."""
    green = greens_function(b.h, lin.energy, lin.sigma)
    slope = b.exchange_slope
    if slope is None:
        slope = np.zeros((3, model_dimension(b), 1, *green.shape[-2:]), complex)
    return Words(
        green,
        green @ lin.l_e,
        -(green @ b.velocity),
        green @ (lin.l_n[:, None] - b.exchange),
        -(green @ b.mass),
        -(green @ slope) if b.exchange_slope is not None else slope,
        None if l_en is None else green @ l_en[:, None],
    )


def model_dimension(b: Bloch) -> int:
    """Space dimension of a chunk."""
    return b.velocity.shape[0]


@dataclass(frozen=True)
class FirstOrder:
    """First-order corrections at one energy, integrated over k.

    Attributes
    ----------
    linear : Linear
    l_en : (3, n, n)
        d2L/dE dn_b = -(S g_Eb + dS_b g_E).
    s_field, s_rate, s_texture : (d, n, n), (3, n, n), (d_j, 3, n, n)
        Self-energy per F_i, d_t n_b, d_j n_b.
    g_field, g_rate, g_texture
        Local Green's functions, same shapes.
    field, rate, texture : (a, d), (a, 3), (a, d_j, 3)
        int_k Tr A_a G_X.
    bubble : (a, n, n)
        int_k G A_a G.
    null : float
        max |int_k dG/dk_i|: zero but for the mesh.
    """

    linear: Linear
    l_en: NDArray
    s_field: NDArray
    s_rate: NDArray
    s_texture: NDArray
    g_field: NDArray
    g_rate: NDArray
    g_texture: NDArray
    field: NDArray
    rate: NDArray
    texture: NDArray
    bubble: NDArray
    null: float


def first_order(
    model: BulkModel, mesh: ZoneMesh, lin: Linear, observables: NDArray | None = None
) -> FirstOrder:
    """Corrections per F_i, d_t n_b and d_j n_b (equations (2), (3) of the derivation)."""
    sums: list[NDArray] = []
    for k in mesh:
        b = bloch(model, k)
        w = dressed_words(lin, b)
        a = observables_at(model, observables, k, b)
        e_n = (w.e @ w.n + w.n @ w.e) @ w.g
        field = 0.5j * commutator(w.e, w.k) @ w.g
        rate = 0.5j * commutator(w.e, w.n) @ w.g
        texture = 0.5j * commutator(w.n[None], w.k[:, None]) @ w.g
        parts = [
            e_n.sum(axis=-3),
            field.sum(axis=-3),
            rate.sum(axis=-3),
            texture.sum(axis=-3),
            observable_trace(a, field),
            observable_trace(a, rate),
            observable_trace(a, texture),
            (w.g @ a @ w.g).sum(axis=-3),
            (w.k @ w.g).sum(axis=-3),
        ]
        sums = parts if not sums else [s + p for s, p in zip(sums, parts, strict=True)]
    e_n, field, rate, texture, t_field, t_rate, t_texture, bubble, null = (
        s / mesh.points for s in sums
    )
    turned_e = lin.turned(lin.g_e)
    g_en = lin.dress(e_n + superapply(lin.bubble, turned_e))
    g_field, g_rate, g_texture = lin.dress(field), lin.dress(rate), lin.dress(texture)
    s_field, s_rate, s_texture = lin.vertex(g_field), lin.vertex(g_rate), lin.vertex(g_texture)
    return FirstOrder(
        lin,
        -(lin.vertex(g_en) + turned_e),
        s_field,
        s_rate,
        s_texture,
        g_field,
        g_rate,
        g_texture,
        t_field + np.einsum("aij,...ji->a...", bubble, s_field),
        t_rate + np.einsum("aij,...ji->a...", bubble, s_rate),
        t_texture + np.einsum("aij,...ji->a...", bubble, s_texture),
        bubble,
        float(np.abs(null).max()),
    )


class _Derivatives(NamedTuple):
    """Left factors m of G_F = m_F G and G_x = m_x G, and the derivatives of the m."""

    field: NDArray  # (i)
    texture: NDArray  # (j, b)
    field_k: NDArray  # (j, i): d m_F / dk_j
    field_n: NDArray  # (i, b), without the self-energy derivative
    texture_k: NDArray  # (i, j, b): d m_x / dk_i
    texture_e: NDArray  # (j, b), without the self-energy derivative


def _derivatives(w: Words, first: FirstOrder) -> _Derivatives:
    """Product rule on m_F = (i/2)[M_E, M_i] + G Sigma_F and m_x = (i/2)[M_b, M_j] + G Sigma_x."""
    n_field = w.g @ first.s_field[:, None]
    n_texture = w.g @ first.s_texture[:, :, None]
    field = 0.5j * commutator(w.e, w.k) + n_field
    texture = 0.5j * commutator(w.n[None], w.k[:, None]) + n_texture
    # d_p M_q = -M_p M_q + M_pq; axes: derivative first.
    e_e, e_k, e_n = -w.e @ w.e, -w.e @ w.k, -w.e @ w.n + w.en
    k_e, k_k = -w.k @ w.e, -w.k[:, None] @ w.k[None] + w.kk
    k_n = -w.k[:, None] @ w.n[None] + w.nk.swapaxes(0, 1)
    n_e, n_k = -w.n @ w.e + w.en, -w.n[:, None] @ w.k[None] + w.nk
    del e_e
    field_k = 0.5j * (
        commutator(k_e[:, None], w.k[None]) + commutator(w.e, k_k)
    ) - w.k[:, None] @ n_field[None]
    field_n = 0.5j * (
        commutator(n_e[None], w.k[:, None]) + commutator(w.e, n_k.swapaxes(0, 1))
    ) - w.n[None] @ n_field[:, None]
    texture_k = 0.5j * (
        commutator(k_n[:, None], w.k[None, :, None])
        + commutator(w.n[None, None], k_k[:, :, None])
    ) - w.k[:, None, None] @ n_texture[None]
    texture_e = 0.5j * (
        commutator(e_n[None], w.k[:, None]) + commutator(w.n[None], e_k[:, None])
    ) - w.e @ n_texture
    return _Derivatives(field, texture, field_k, field_n, texture_k, texture_e)


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


def _second_derivatives(model, mesh, first) -> tuple[NDArray, NDArray]:
    """dSigma_x/dE (d_j, 3, n, n) and dSigma_F/dn (d_i, 3, n, n), from the local solve."""
    lin = first.linear
    texture_e, field_n = 0.0, 0.0
    for k in mesh:
        w = dressed_words(lin, bloch(model, k), first.l_en)
        d = _derivatives(w, first)
        texture_e = texture_e + ((d.texture_e - d.texture @ w.e) @ w.g).sum(axis=-3)
        field_n = field_n + ((d.field_n - d.field[:, None] @ w.n[None]) @ w.g).sum(axis=-3)
    turned = lin.turned(first.g_field)
    g_texture_e = lin.dress(texture_e / mesh.points)
    g_field_n = lin.dress(field_n / mesh.points + superapply(lin.bubble, turned))
    return lin.vertex(g_texture_e), lin.vertex(g_field_n) + turned


def _mixed_words(w, d, first, s_texture_e, s_field_n) -> tuple[NDArray, NDArray]:
    """Sources (4) and dG_x/dk_i without their last G, shapes (i, j, b, k, n, n)."""
    e, ki, kj = w.e, w.k[:, None, None], w.k[None, :, None]
    n = w.n[None, None]
    field, texture = d.field[:, None, None], d.texture[None]
    n_field = w.g @ first.s_field[:, None, None, None]
    n_texture = w.g @ first.s_texture[None, :, :, None]
    g_e_texture = w.g @ s_texture_e[:, :, None]
    g_n_field = w.g @ s_field_n[:, :, None]
    texture_k = d.texture_k - texture @ ki
    texture_e = (d.texture_e + g_e_texture - d.texture @ e)[None]
    field_k = (d.field_k - d.field[None] @ w.k[:, None]).swapaxes(0, 1)[:, :, None]
    field_n = (d.field_n + g_n_field - d.field[:, None] @ w.n[None])[:, None]
    first_part = (
        e @ texture_k
        - ki @ texture_e
        + n @ field_k
        - kj @ field_n
        + g_e_texture[None] @ ki
        + g_n_field[:, None] @ kj
    )
    k_k = w.k[:, None] @ w.k[None]
    second = (
        w.en[None, None] @ (k_k + k_k.swapaxes(0, 1) - w.kk)[:, :, None]
        - w.nk.swapaxes(0, 1)[:, None] @ (e @ w.k + w.k @ e)[None, :, None]
        + w.kk[:, :, None] @ (e @ w.n + w.n @ e - w.en)[None, None]
    )
    words = n_field @ texture + n_texture @ field - 0.5j * first_part + 0.25 * second
    return words, texture_k


def _bend_words(w, d, first) -> tuple[NDArray, NDArray]:
    """Source (5) and d2G/dk_j^2 without their last G, shapes (j, k, n, n)."""
    axes = np.arange(w.k.shape[0])
    mass = w.kk[axes, axes]
    curvature = 2 * w.k @ w.k - mass
    n_field = w.g @ first.s_field[:, None]
    words = 0.5j * (w.k @ d.field - n_field @ w.k) + (w.e @ curvature - mass @ w.e) / 8
    return words, curvature


def mixed_response(
    model: BulkModel,
    mesh: ZoneMesh,
    first: FirstOrder,
    observables: NDArray | None = None,
) -> Mixed:
    """Corrections per F_i d_j n_b and per d_j F_j (equations (4), (5) of the derivation)."""
    lin = first.linear
    s_texture_e, s_field_n = _second_derivatives(model, mesh, first)
    sums: list[NDArray] = []
    for k in mesh:
        b = bloch(model, k)
        w = dressed_words(lin, b, first.l_en)
        d = _derivatives(w, first)
        a = observables_at(model, observables, k, b)
        words, texture_k = _mixed_words(w, d, first, s_texture_e, s_field_n)
        bend, curvature = _bend_words(w, d, first)
        mixed, bend = words @ w.g, bend @ w.g
        shift, curvature = texture_k @ w.g, curvature @ w.g
        parts = [
            mixed.sum(axis=-3),
            bend.sum(axis=-3),
            shift.sum(axis=-3),
            observable_trace(a, mixed),
            observable_trace(a, bend),
            observable_trace(a, shift),
            observable_trace(a, curvature),
        ]
        sums = parts if not sums else [s + p for s, p in zip(sums, parts, strict=True)]
    mixed, bend, shift, t_mixed, t_bend, t_shift, t_curvature = (s / mesh.points for s in sums)
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
