"""Gradient expansion of any bulk magnet: damping, spin-orbit torque, field-in-texture tensors.

    <O_a> = G_ab d_t n_b + chi_ai F_i + K_aijb F_i d_j n_b,     O_a = dH/dn_a,  F = -eE,

per unit cell, to first order in the rate, the field and the gradient, with a self-consistent
local Born self-energy and all its vertex corrections.  The torque on the electrons is n x <O>
and only components across n are physical.  Without spin-orbit coupling and at n = z,
A = G_xx, dS = G_xy, Jna = K_xjjx, Jad = K_xjjy.

Each tensor is the sum of a retarded-advanced ladder at the Fermi energy, a
retarded-retarded surface term and the Fermi sea, integrated up the vertical line from mu to
i infinity in the upper half plane, where all of it is analytic and falls off like 1/z^3 or
faster: no band edge has to be known.  At T > 0 each is the average over -f'.
"""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.assembly import NoStatesError
from negf_torque.gradient.ladder import ScatteringMap
from negf_torque.gradient.meshing import ConstantBroadening
from negf_torque.gradient.model import BulkModel, ZoneMesh
from negf_torque.gradient.points import Point, Request, mesh_error, surface_point
from negf_torque.gradient.sea import fermi_sea
from negf_torque.gradient.tensors import Diagnostics, GradientTensors, TensorParts
from negf_torque.gradient.thermal import antiderivative_matrix, thermal_error, thermal_nodes

__all__ = ["Diagnostics", "GradientTensors", "TensorParts", "field_response", "gradient_tensors"]


def _combine(point: Point, sea: dict[str, NDArray]) -> dict[str, NDArray]:
    """All parts at one energy, T = 0."""
    u = point.uniform
    assert u is not None, "a point at the Fermi energy"
    out = {
        "damping.ladder": u.rate_ra,
        "damping.static": u.rate_rr,
        "damping.sea": sea["rate"],
        "torkance.ladder": u.field_ra,
        "torkance.static": u.field_rr,
        "torkance.sea": sea["field"],
        "torkance.reversed": u.field_ar,
    }
    if point.mixed is None:
        return out
    assert point.surface is not None
    m, ratio = point.mixed, point.surface.ratio
    curvature = m.curvature.imag[:, None, :, None]
    charge = sea["charge_mixed"] + ratio * sea["charge_bend"][None, :, None]
    lin = point.first.linear
    per_charge = u.observable_density / lin.g.trace().imag
    return out | {
        "texture.ladder": point.surface.ra,
        "texture.static": -m.shift.real / (2 * np.pi) - ratio * curvature / (8 * np.pi),
        "texture.sea": sea["mixed"] + ratio * sea["bend"][:, None, :, None],
        "texture.neutrality": -per_charge[:, None, None, None] * charge,
    }


def _window(request, mu, thermal_energy, x, mesh) -> tuple[list[Point], bool]:
    """Points at the thermal energies mu + T x."""
    points, good = [], True
    for energy in mu + thermal_energy * x:
        try:
            point, _, fine = surface_point(request, energy, mesh)
        except NoStatesError as error:
            raise ValueError(
                f"thermal_energy: {thermal_energy!r}; its window reaches {energy:.6g}, where there "
                "are no states. Lower the temperature or the thermal order."
            ) from error
        points.append(point)
        good = good and fine
    return points, good


def _thermal_seas(points, sea_mu, integrals) -> list[dict[str, NDArray]]:
    """Sea at every thermal energy: the one at mu plus the integral along the real axis."""
    integrands = [p.sea_integrand() for p in points]
    stacks = {name: np.stack([i[name] for i in integrands]) for name in sea_mu}
    return [
        {
            name: base - np.einsum("e,e...->...", row, stacks[name]).imag / np.pi
            for name, base in sea_mu.items()
        }
        for row in integrals
    ]


def gradient_tensors(
    model: BulkModel,
    chemical_potential: float,
    impurities: ScatteringMap | ConstantBroadening,
    thermal_energy: float = 0.0,
    *,
    texture: bool = True,
    vertex: bool = True,
    observables: NDArray | None = None,
    tolerance: float = 1e-8,
    mesh: ZoneMesh | None = None,
    contour_nodes: int | None = None,
    thermal_order: int = 12,
) -> GradientTensors:
    """All first-order coefficients of a bulk magnet.

    Parameters
    ----------
    model : BulkModel
        The magnet at one direction n.
    chemical_potential : float
        mu, in the energy unit of H.
    impurities : ScatteringMap or ConstantBroadening
        Self-energy: self-consistent Born, or -i eta.
    thermal_energy : float
        k_B T, in the energy unit of H.
    texture : bool
        Whether to compute K (the larger part of the time).
    vertex : bool
        False leaves out all vertex corrections (the bare bubbles; not conserving).
    observables : (a, harmonics, n, n) or None
        A_a,R on the model's displacements; None: the exchange operators.
    tolerance : float
        Absolute error asked for, unit of the tensors.
    mesh : ZoneMesh or None
        Mesh of the zone at the Fermi energy; chosen from the null tests if None.
    contour_nodes : int or None
        Order of the energy contour; chosen from its error estimate if None.
    thermal_order : int
        Gauss nodes for -f' at T > 0.

    Returns
    -------
    GradientTensors
        With `diagnostics.converged` False and a note where an estimate exceeds the tolerance.

    Raises
    ------
    ValueError
        If mu lies outside the bands, an argument is out of range, or shapes do not fit.

    Examples
    --------
    Without spin-orbit coupling the damping is the same in both directions across n:

    >>> from negf_torque.gradient.ladder import magnetic_impurities
    >>> from negf_torque.gradient.model import square_rashba
    >>> magnet, impurities = square_rashba(1.0, 0.0, 0.6, (0, 0, 1)), magnetic_impurities(1.0, 0.1)
    >>> found = gradient_tensors(magnet, -1.5, impurities, texture=False, tolerance=1e-5)
    >>> np.round(np.diag(found.damping.total)[:2], 5), found.diagnostics.converged
    (array([0.01954, 0.01954]), True)
    """
    if not isinstance(model, BulkModel):
        raise ValueError(f"model: {type(model).__name__} is not a BulkModel.")
    if not isinstance(chemical_potential, Real):
        raise ValueError(
            f"chemical_potential: {type(chemical_potential).__name__} is not an energy."
        )
    if not np.isfinite(chemical_potential):
        raise ValueError(f"chemical_potential: {chemical_potential!r} is not an energy.")
    if not (np.isfinite(thermal_energy) and thermal_energy >= 0):
        raise ValueError(f"thermal_energy: {thermal_energy!r}; give k_B T >= 0.")
    if not isinstance(impurities, ScatteringMap | ConstantBroadening):
        raise ValueError(
            f"impurities: {impurities!r}; give a ScatteringMap, as magnetic_impurities makes one, "
            "or a ConstantBroadening."
        )
    if thermal_order < 2:
        raise ValueError(f"thermal_order: {thermal_order!r}; give 2 nodes or more.")
    if not tolerance > 0:
        raise ValueError(f"tolerance: {tolerance!r} is not an error. Give a positive number.")
    request = _request(model, impurities, texture, vertex, observables, tolerance)
    at_mu, mu_mesh, good = surface_point(request, chemical_potential, mesh)
    sea_mu, contour_error, miss, order = fermi_sea(request, at_mu, mu_mesh, contour_nodes)
    parts, points, fine, smear = _averaged(
        request, at_mu, sea_mu, thermal_energy, (thermal_order, mesh)
    )
    errors = {"contour": contour_error, "contour mesh": miss, "thermal": smear}
    settings = order, good and fine, thermal_energy
    diagnostics = _diagnose(request, [at_mu, *points], errors, settings)
    return _result(request, at_mu, parts, diagnostics)


def _averaged(request, at_mu, sea_mu, thermal_energy, settings):
    """Parts at T, the points they come from, whether their meshes suffice, the error at T > 0."""
    if thermal_energy == 0:
        return _combine(at_mu, sea_mu), [], True, 0.0
    order, mesh = settings
    x, weights = thermal_nodes(order)
    mu = at_mu.solution.energy.real
    points, good = _window(request, mu, thermal_energy, x, mesh)
    seas = _thermal_seas(points, sea_mu, thermal_energy * antiderivative_matrix(x))
    values = [_combine(point, sea) for point, sea in zip(points, seas, strict=True)]
    stacked = {name: np.stack([v[name] for v in values]) for name in values[0]}
    parts = {name: np.tensordot(weights, stack, axes=1) for name, stack in stacked.items()}
    return parts, points, good, max(thermal_error(stack) for stack in stacked.values())


def _request(model, source, texture, vertex, observables, tolerance) -> Request:
    size = model.orbitals**2
    if isinstance(source, ScatteringMap):
        if source.superoperator.shape != (size, size):
            raise ValueError(
                f"impurities: superoperator {source.superoperator.shape}, the model needs "
                f"({size}, {size})."
            )
        if not np.any(source.superoperator):
            raise ValueError(
                "impurities: all strengths are zero; a clean metal has no finite conductivity. "
                "Give an impurity strength or a ConstantBroadening."
            )
    dressed = isinstance(source, ScatteringMap) and vertex
    used = source if dressed else ScatteringMap(np.zeros((size, size)))
    if observables is not None:
        observables = np.asarray(observables, complex)
        wanted = model.hoppings.shape
        if observables.shape[1:] != wanted:
            raise ValueError(f"observables: shape {observables.shape}, expected (a, *{wanted}).")
    return Request(model, source, used, observables, texture, tolerance)


def _diagnose(request, points, errors, settings) -> Diagnostics:
    order, good, thermal_energy = settings
    at_mu = points[0]
    scba = max(p.solution.residual for p in points)
    null = max(p.uniform.channel.null for p in points)
    residual = max(p.uniform.channel.residual for p in points)
    charge = max(
        max(p.uniform.null_velocity, p.uniform.null_rate, p.surface.null if p.surface else 0.0)
        for p in points
    )
    missed = max(mesh_error(request, p) for p in points) + errors["contour mesh"]
    notes = []
    if not all(p.solution.converged for p in points):
        notes.append(f"self-energy not converged (residual {scba:.1e})")
    if not good or missed > request.tolerance:
        notes.append(f"zone mesh too coarse: total derivatives miss zero by {missed:.1e}")
    for name in ("contour", "thermal"):
        if errors[name] > request.tolerance:
            notes.append(f"{name} quadrature: estimated error {errors[name]:.1e}")
    if null > 1e-9 or residual > 100 * request.tolerance:
        notes.append(f"charge channel: null mode {null:.1e}, residual {residual:.1e}")
    converged = not notes
    if any(p.uniform.channel.conserved for p in points):
        notes.append("a spin is conserved: components along n are undefined")
    moving = np.abs(at_mu.uniform.level_velocity).max() > 1e-9
    bent = at_mu.surface is not None and np.abs(at_mu.surface.ratio).max() > 1e-9
    if thermal_energy > 0 and (moving or bent):
        notes.append("temperature: assumes no inelastic relaxation between energies")
    return Diagnostics(
        scba, null, charge, residual, missed, errors["contour"], errors["thermal"],
        at_mu.sizes, order, converged, tuple(notes),
    )  # fmt: skip


def _result(request, at_mu, parts, diagnostics) -> GradientTensors:
    def tensor(name: str) -> TensorParts:
        ladder = parts[f"{name}.ladder"]
        return TensorParts(
            ladder,
            parts[f"{name}.static"],
            parts[f"{name}.sea"],
            parts.get(f"{name}.neutrality", np.zeros_like(ladder)),
            parts.get(f"{name}.reversed"),
        )

    frozen = request.ladder.derivative is None
    return GradientTensors(
        tensor("damping") if frozen else None,
        tensor("torkance"),
        tensor("texture") if request.texture else None,
        at_mu.uniform.level_velocity,
        at_mu.surface.ratio if request.texture else None,
        at_mu.solution.sigma,
        float(-at_mu.solution.g.trace().imag / np.pi),
        diagnostics,
    )


def field_response(
    model: BulkModel,
    observables: NDArray,
    chemical_potential: float,
    impurities: ScatteringMap | ConstantBroadening,
    thermal_energy: float = 0.0,
    **options: Any,
) -> TensorParts:
    """delta <A_a> = chi_ai F_i for any observables A_a(k): spin, torque, current, spin current.

    Parameters
    ----------
    observables : (a, harmonics, n, n)
        A_a,R on the model's displacements (a velocity is i R_i H_R).
    chemical_potential, impurities, thermal_energy, options
        As in :func:`gradient_tensors`.

    Returns
    -------
    TensorParts
        `ladder` + `static` and `sea` are the Streda split; `surface_even` and `sea_odd` the
        split by time reversal.  (a, d) each.
    """
    tensors = gradient_tensors(
        model, chemical_potential, impurities, thermal_energy,
        texture=False, observables=observables, **options,
    )  # fmt: skip
    return tensors.torkance
