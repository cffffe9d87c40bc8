"""Fermi-surface part of the gradient expansion: the retarded-advanced ladder at mu.

The occupied states answer through G^< = f*G^A - G^R*f + G^R*W*G^A: the window at the Fermi
energy carries a dressed vertex W, here for a moving n (O_b), for a field (v_i), and for a field
in a texture.  The ladder between retarded and advanced lines is singular because particles
are conserved at every energy (see `ladder`), and three things follow:

- velocity vertex: consistent as it stands, Tr g_W = 0;
- moving n with spin-orbit coupling: levels move with the mean velocity lev_b; the occupation
  goes with them, W_b = O_b - lev_b, and Tr g_W is what the moving levels hold;
- field in a texture: if the conductivity depends on n a uniform field is not stationary.  For
  a texture that varies along j the field bends, d_j F_j = ratio F_i d_j n_b.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.ladder import charge_functional, solve_charge_channel, superapply
from negf_torque.gradient.model import Bloch, BulkModel, ZoneMesh, bloch
from negf_torque.gradient.pairs import PairSum
from negf_torque.gradient.retarded import (
    FirstOrder,
    Linear,
    Words,
    commutator,
    dressed_words,
    observable_trace,
    observables_at,
)
from negf_torque.gradient.scba import pair_matrix

__all__ = ["NoStatesError", "SurfaceMixed", "SurfaceUniform", "surface_mixed", "surface_uniform"]


def dagger(a: NDArray) -> NDArray:
    """Hermitian conjugate of the last two axes."""
    return a.conj().swapaxes(-1, -2)


class NoStatesError(ValueError):
    """No states at the Fermi energy: nothing conducts."""


class ChargeChannel:
    """(1 - X^RA S) with its conservation law; regular where the ladder is switched off."""

    def __init__(self, lin: Linear, bubble: NDArray) -> None:
        n = lin.g.shape[-1]
        self.sigma, self.ladder = lin.sigma, lin.ladder
        self.bubble = bubble
        self.matrix = np.eye(n * n) - bubble @ lin.ladder.superoperator
        self.dressed = bool(np.any(lin.ladder.superoperator))
        null = lin.g - dagger(lin.g)
        self.null = float(np.abs(superapply(self.matrix, null)).max() / np.abs(null).max())
        if not self.dressed:
            self.null = 0.0
        self.residual, self.conserved = 0.0, 0

    def solve(self, source: NDArray, trace: NDArray | float = 0.0) -> NDArray:
        """g_W from int_k source; keeps the largest residual seen.

        Where a spin is conserved too, a change of n along n violates it and only the charge
        counts as residual.
        """
        if not self.dressed:
            return source
        g, residual, self.conserved = solve_charge_channel(self.matrix, source, trace)
        if self.conserved:
            residual = np.abs(self.gained(source))
        self.residual = max(self.residual, float(np.max(residual)))
        return g

    def vertex(self, g: NDArray) -> NDArray:
        """S[g]."""
        return superapply(self.ladder.superoperator, g)

    def gained(self, source: NDArray) -> NDArray:
        """l[source]: particles that the source would create."""
        return charge_functional(self.sigma, source)


@dataclass(frozen=True)
class SurfaceUniform:
    """Fermi-surface response to d_t n and to F, at one energy.

    Attributes
    ----------
    rate_ra, rate_rr : (a, 3)
        (1/2 pi) Re Tr A G^R W_b G^A and -(1/2 pi) Re Tr A (G_b + lev_b G_E).
    field_ra, field_rr : (a, d)
        (1/2 pi) Re Tr A G^R W_i G^A and -(1/2 pi) Re Tr A G_i.
    field_ar : (a, d)
        (1/2 pi) Re Tr A G^A W_i G^R, for the split by time reversal.
    level_velocity : (3,)
        lev_b = Im Tr O_b G / Im Tr G.
    channel : ChargeChannel
    g_velocity : (d, n, n)
        Ladder part of the velocity vertex.
    observable_bubble : (a, n, n)
        int_k G^A A G^R.
    observable_density : (a,)
        Im int_k Tr A G.
    null_velocity, null_rate : float
        |l[source]| of the two vertices (zero but for the mesh).
    """

    rate_ra: NDArray
    rate_rr: NDArray
    field_ra: NDArray
    field_rr: NDArray
    field_ar: NDArray
    level_velocity: NDArray
    channel: ChargeChannel
    g_velocity: NDArray
    observable_bubble: NDArray
    observable_density: NDArray
    null_velocity: float
    null_rate: float


def _uniform_sums(model, mesh, lin, observables) -> list[NDArray]:
    def terms(k: NDArray) -> list[NDArray]:
        b = bloch(model, k)
        w = dressed_words(lin, b)
        a = observables_at(model, observables, k, b)
        g, ga = w.g, dagger(w.g)
        rate, field, unit = g @ b.exchange @ ga, g @ b.velocity @ ga, g @ ga
        field_ar = ga @ b.velocity @ g
        return [
            pair_matrix(g, ga),
            rate.sum(axis=1),
            field.sum(axis=1),
            unit.sum(axis=0),
            field_ar.sum(axis=1),
            (ga @ a @ g).sum(axis=1),
            (g @ a @ ga).sum(axis=1),
            observable_trace(a, rate),
            observable_trace(a, field),
            observable_trace(a, unit),
            observable_trace(a, field_ar),
            observable_trace(a, -(w.n @ g)),
            observable_trace(a, -(w.e @ g)),
            observable_trace(a, -(w.k @ g)),
            observable_trace(b.exchange, g),
            observable_trace(a, g),
        ]

    return mesh.average(terms)


def surface_uniform(
    model: BulkModel, mesh: ZoneMesh, lin: Linear, observables: NDArray | None = None
) -> SurfaceUniform:
    """Response of the Fermi surface to a moving n and to a field.

    Raises
    ------
    NoStatesError
        If there are no states at this energy: nothing conducts, and the coefficients of a
        metal do not exist.
    """
    density = -lin.g.trace().imag / np.pi
    if not density > 1e-9:
        raise NoStatesError(
            f"chemical_potential: {lin.energy.real!r}; no states there (density {density:.1e} per "
            "cell), so no conduction. Move it into a band."
        )
    sums = _uniform_sums(model, mesh, lin, observables)
    x, rate, field, unit, field_ar, bubble, bubble_ar = sums[:7]
    t_rate, t_field, t_unit, t_ar, rr_rate, rr_unit, rr_field = sums[7:14]
    exchange_density, observable_density = sums[14:]
    channel = ChargeChannel(lin, x)
    level = exchange_density.imag / lin.g.trace().imag
    if not channel.dressed:
        level = np.zeros(3)
    null_velocity = float(np.abs(channel.gained(field)).max()) if channel.dressed else 0.0
    source = rate - level[:, None, None] * unit
    null_rate = float(np.abs(channel.gained(source)).max()) if channel.dressed else 0.0
    held = np.trace(lin.g_n, axis1=1, axis2=2) + level * lin.g_e.trace()
    g_rate, g_field = channel.solve(source, held.real), channel.solve(field)
    reverse = ChargeChannel(lin, dagger(x))
    g_reverse = reverse.solve(field_ar)

    def dressed(bubble, g):
        return np.einsum("aij,bji->ab", bubble, channel.vertex(g))

    rate_ra = t_rate - t_unit[:, None] * level + dressed(bubble, g_rate)
    return SurfaceUniform(
        rate_ra.real / (2 * np.pi),
        -(rr_rate + rr_unit[:, None] * level).real / (2 * np.pi),
        (t_field + dressed(bubble, g_field)).real / (2 * np.pi),
        -rr_field.real / (2 * np.pi),
        (t_ar + dressed(bubble_ar, g_reverse)).real / (2 * np.pi),
        level,
        channel,
        g_field,
        bubble,
        observable_density.imag,
        null_velocity,
        null_rate,
    )


@dataclass(frozen=True)
class SurfaceMixed:
    """Fermi-surface response to a field in a texture.

    Attributes
    ----------
    ra : (a, d_i, d_j, 3)
        (1/2 pi) Re Tr A (G^R W G^A)_x, with the bent field.
    ratio : (d_i, d_j, 3)
        d_j F_j = ratio F_i d_j n_b.
    null : float
        |l[source]| after the field has bent, relative to the largest source.
    """

    ra: NDArray
    ratio: NDArray
    null: float


def _turned_source(w: Words, b: Bloch, c: NDArray, turned: NDArray | None) -> NDArray:
    """d/dn_b of the velocity ladder's source, summed over the chunk: (i, b, n, n)."""
    total = PairSum(b.exchange[:0], "ib")
    total.add("b", w.n, "i", c, -1.0)
    total.add("i", c, "b", dagger(w.n), -1.0)
    return total.local if turned is None else total.local + turned.sum(axis=-3)


def _mixed_source(w, a, first, c, mass, turned) -> PairSum:
    """(G^R W G^A)_x summed over the chunk, without the local part of W_ib.

    With C = G^R W_i G^A it is m_x C + C m_x^+ plus (i/2) times the Poisson bracket of the
    three factors.  `mass` and `turned` are G^R v_ij G^A and G^R (dO_b/dk_i) G^A.
    """
    ka, na = dagger(w.k), dagger(w.n)
    m = 0.5j * commutator(w.n[None], w.k[:, None]) + w.g @ first.s_texture[:, :, None]
    total = PairSum(a, "ijb")
    total.add("jb", m, "i", c)
    total.add("i", c, "jb", dagger(m))
    total.add("b", w.n, "ij", mass, -0.5j)
    total.add("ij", mass, "b", na, 0.5j)
    total.add("bi", w.n[:, None] @ c[None], "j", ka, 0.5j)
    total.add("ji", w.k[:, None] @ c[None], "b", na, -0.5j)
    if turned is not None:
        total.add("j", w.k, "ib", turned, 0.5j)
        total.add("ib", turned, "j", ka, -0.5j)
    return total


def _surface_sums(model, mesh, first, s_velocity, observables) -> list[NDArray]:
    lin = first.linear

    def terms(k: NDArray) -> list[NDArray]:
        b = bloch(model, k)
        w = dressed_words(lin, b)
        a = observables_at(model, observables, k, b)
        ga, ka = dagger(w.g), dagger(w.k)
        c = w.g @ (b.velocity + s_velocity[:, None]) @ ga
        turned = None
        if b.exchange_slope is not None:
            turned = w.g @ b.exchange_slope.swapaxes(0, 1) @ ga
        total = _mixed_source(w, a, first, c, w.g @ b.mass @ ga, turned)
        bend = 0.5j * (w.k @ c - c @ ka)
        # V -> (i/2)(M_j G^R V G^A - G^R V G^A M_j^+), the way the local part of W_ib enters.
        kg, gka = w.k @ w.g, ga @ ka
        slope = [
            0.5j * (pair_matrix(x, ga) - pair_matrix(w.g, y)) for x, y in zip(kg, gka, strict=True)
        ]
        seen = 0.5j * (ga @ a @ kg[:, None] - gka[:, None] @ a @ w.g).sum(axis=-3)
        return [
            total.local,
            total.observed(),
            bend.sum(axis=-3),
            observable_trace(a, bend),
            _turned_source(w, b, c, turned),
            np.stack(slope),
            seen,
        ]

    return mesh.average(terms)


def surface_mixed(
    model: BulkModel,
    mesh: ZoneMesh,
    first: FirstOrder,
    uniform: SurfaceUniform,
    observables: NDArray | None = None,
) -> SurfaceMixed:
    """Response of the Fermi surface to a field in a texture varying along one axis."""
    lin, channel = first.linear, uniform.channel
    s_velocity = channel.vertex(uniform.g_velocity)
    sums = _surface_sums(model, mesh, first, s_velocity, observables)
    source, t_source, bend, t_bend, turned_source, slope, seen = sums
    turned = lin.turned(uniform.g_velocity)
    g_turned = channel.solve(turned_source + superapply(channel.bubble, turned))
    s_turned = channel.vertex(g_turned) + turned
    for j, (superoperator, view) in enumerate(zip(slope, seen, strict=True)):
        source[:, j] += superapply(superoperator, s_turned)
        t_source[:, :, j] += np.einsum("amn,ibnm->aib", view, s_turned)
    ratio, null = np.zeros(source.shape[:3]), 0.0
    if channel.dressed:
        ratio = (-channel.gained(source) / channel.gained(bend)[None, :, None]).real
        source = source + ratio[..., None, None] * bend[None, :, None]
        t_source = t_source + ratio * t_bend[:, None, :, None]
        null = float(np.abs(channel.gained(source)).max())
    g = channel.solve(source)
    ladder = np.einsum("aij,...ji->a...", uniform.observable_bubble, channel.vertex(g))
    return SurfaceMixed((t_source + ladder).real / (2 * np.pi), ratio, null)
