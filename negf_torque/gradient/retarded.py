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
    field x texture        :  module `mixed`, from G_F, G_x and their derivatives.

All functions are analytic in the upper half plane (real parameters only: the advanced ones
are Hermitian conjugates).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.ladder import ScatteringMap, superapply
from negf_torque.gradient.model import Bloch, BulkModel, ZoneMesh, bloch, harmonics_at
from negf_torque.gradient.scba import greens_function, pair_matrix

__all__ = [
    "FirstOrder",
    "Linear",
    "Words",
    "dressed_words",
    "first_order",
    "linear_response",
    "observable_trace",
]


@dataclass(frozen=True)
class Linear:
    """Derivatives of the uniform solution at one energy (subscripts are derivatives).

    Attributes
    ----------
    energy, sigma, g : complex, (n, n), (n, n)
    ladder : ScatteringMap
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
    ladder: ScatteringMap
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
    ladder: ScatteringMap,
    z: complex,
    sigma: NDArray,
) -> Linear:
    """dg/dE and dg/dn of the uniform magnet, with the self-energy following.

    g_E: source -G G;  g_b: source G (O_b + dS_b g) G.
    """
    n = model.orbitals

    def terms(k: NDArray) -> list[NDArray]:
        b = bloch(model, k)
        green = greens_function(b.h, z, sigma)
        return [
            green.sum(axis=0),
            (green @ green).sum(axis=0),
            (green @ b.exchange @ green).sum(axis=1),
            pair_matrix(green, green),
        ]

    g, gg, gog, x = mesh.average(terms)
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
    model: BulkModel,
    mesh: ZoneMesh,
    lin: Linear,
    observables: NDArray | None = None,
    with_texture: bool = True,
) -> FirstOrder:
    """Corrections per F_i, d_t n_b and d_j n_b (equations (2), (3) of the derivation).

    Without `with_texture` those per d_j n_b and d2L/dE dn_b are left at zero.
    """
    n, d = model.orbitals, model.dimension

    def terms(k: NDArray) -> list[NDArray]:
        b = bloch(model, k)
        w = dressed_words(lin, b)
        a = observables_at(model, observables, k, b)
        field = 0.5j * commutator(w.e, w.k) @ w.g
        rate = 0.5j * commutator(w.e, w.n) @ w.g
        parts = [
            field.sum(axis=-3),
            rate.sum(axis=-3),
            observable_trace(a, field),
            observable_trace(a, rate),
            (w.g @ a @ w.g).sum(axis=-3),
            (w.k @ w.g).sum(axis=-3),
        ]
        if with_texture:
            texture = 0.5j * commutator(w.n[None], w.k[:, None]) @ w.g
            parts += [
                ((w.e @ w.n + w.n @ w.e) @ w.g).sum(axis=-3),
                texture.sum(axis=-3),
                observable_trace(a, texture),
            ]
        return parts

    sums = mesh.average(terms)
    field, rate, t_field, t_rate, bubble, null = sums[:6]
    e_n, texture, t_texture = sums[6:] or (
        np.zeros((3, n, n)), np.zeros((d, 3, n, n)), np.zeros((len(t_field), d, 3))
    )  # fmt: skip
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
