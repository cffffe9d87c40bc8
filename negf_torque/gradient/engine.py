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

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_jacobi

from .assembly import SurfaceMixed, SurfaceUniform, surface_mixed, surface_uniform
from .ladder import Impurities
from .meshing import (
    ConstantBroadening,
    MeshChoice,
    broadening,
    choose_mesh,
    coarser,
    uniform_solution,
)
from .mixed import Mixed, mixed_response
from .model import BulkModel, ZoneMesh
from .retarded import FirstOrder, first_order, linear_response
from .scba import BornSolution
from .thermal import antiderivative_matrix, thermal_nodes

__all__ = ["Diagnostics", "GradientTensors", "TensorParts", "field_response", "gradient_tensors"]

#: First and last order of the contour rule.
FIRST_ORDER, LAST_ORDER = 10, 80
#: The integrals of one calculation converge this much later than the null test of the mesh:
#: products of up to three Green's functions, and of up to six for a field in a texture.
HEADROOM, HEADROOM_TEXTURE = 2.0, 15.0
#: Thermal nodes whose weight is below this are left out.
THERMAL_CUT = 1e-13


@dataclass(frozen=True)
class TensorParts:
    """One tensor, split.

    Attributes
    ----------
    ladder : array
        Retarded-advanced part at the Fermi energy: what a difference of occupations drives
        (the window response of a device).
    static : array
        Retarded-retarded part at the Fermi energy.
    sea : array
        Fermi sea: what the spectrum of all occupied states answers.
    neutrality : array
        Shift of the chemical potential that keeps the cell neutral (K only, else 0).
    reversed_ladder : array or None
        Advanced-retarded part (chi only): for the split by time reversal.
    """

    ladder: NDArray
    static: NDArray
    sea: NDArray
    neutrality: NDArray
    reversed_ladder: NDArray | None = None

    @property
    def total(self) -> NDArray:
        """The coefficient."""
        return self.ladder + self.static + self.sea + self.neutrality

    @property
    def surface_even(self) -> NDArray:
        """Surface part of the split by time reversal (chi only); the rest is `sea_odd`."""
        if self.reversed_ladder is None:
            raise ValueError("surface_even: the split by time reversal exists for chi only.")
        return 0.5 * (self.ladder + self.reversed_ladder) + self.static

    @property
    def sea_odd(self) -> NDArray:
        """Sea part of the split by time reversal (chi only)."""
        return self.total - self.surface_even


@dataclass(frozen=True)
class Diagnostics:
    """What marks a result: all but the sizes should be small.

    Attributes
    ----------
    scba_residual : float
        max |Sigma - S[g]|.
    null_mode : float
        |(1 - X^RA S)(g^R - g^A)| relative: rounding.
    charge_source : float
        Largest |l[source]| of the vertices after the conservation law has been satisfied.
    ladder_residual : float
        Largest residual of the singular ladder solves.
    mesh_error : float
        Integrals of total k derivatives that should vanish, in units of the tensors.
    contour_error : float
        Estimated error of the energy contour, in units of the tensors.
    mesh : tuple of int
        k-points per direction at the Fermi energy (the largest used).
    contour_nodes : int
        Energies on the contour.
    converged : bool
        Every self-energy and every estimate within tolerance.
    notes : tuple of str
        What was not, and which assumption enters.
    """

    scba_residual: float
    null_mode: float
    charge_source: float
    ladder_residual: float
    mesh_error: float
    contour_error: float
    mesh: tuple[int, ...]
    contour_nodes: int
    converged: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class GradientTensors:
    """Response of the observables A_a (default O_a = dH/dn_a) per cell.

    Attributes
    ----------
    damping : TensorParts or None
        G_ab, (a, 3), units of hbar: symmetric part over the total spin is the Gilbert damping,
        antisymmetric part renormalises the spin.  None for impurities that follow n.
    torkance : TensorParts
        chi_ai, (a, d).
    texture : TensorParts or None
        K_aijb, (a, d_i, d_j, 3), for textures that vary along j.
    level_velocity : (3,)
        Mean velocity of the levels with n, lev_b.
    field_ratio : (d, d, 3) or None
        d_j F_j = ratio F_i d_j n_b that keeps the current uniform.
    sigma : (n, n)
        Retarded self-energy at mu.
    density_of_states : float
        Per cell and energy, at mu.
    diagnostics : Diagnostics
    """

    damping: TensorParts | None
    torkance: TensorParts
    texture: TensorParts | None
    level_velocity: NDArray
    field_ratio: NDArray | None
    sigma: NDArray
    density_of_states: float
    diagnostics: Diagnostics


@dataclass(frozen=True)
class _Point:
    """Everything at one energy."""

    solution: BornSolution
    first: FirstOrder
    mixed: Mixed | None
    uniform: SurfaceUniform | None
    surface: SurfaceMixed | None
    sizes: tuple[int, ...]

    def sea_integrand(self) -> dict[str, NDArray]:
        """Functions of energy whose contour integral is the Fermi sea."""
        out = {"rate": self.first.rate, "field": self.first.field}
        if self.mixed is not None:
            m = self.mixed
            out |= {
                "mixed": m.mixed,
                "bend": m.bend,
                "charge_mixed": m.charge_mixed,
                "charge_bend": m.charge_bend,
            }
        return out


@dataclass(frozen=True)
class _Request:
    """What is asked of one calculation."""

    model: BulkModel
    source: Impurities | ConstantBroadening
    ladder: Impurities
    observables: NDArray | None
    texture: bool
    tolerance: float


def _point(request: _Request, mesh: ZoneMesh, solution: BornSolution, surface: bool) -> _Point:
    model, observables = request.model, request.observables
    lin = linear_response(model, mesh, request.ladder, solution.energy, solution.sigma)
    uniform = surface_uniform(model, mesh, lin, observables) if surface else None
    first = first_order(model, mesh, lin, observables, request.texture)
    mixed = bent = None
    if request.texture:
        mixed = mixed_response(model, mesh, first, observables)
        if surface:
            bent = surface_mixed(model, mesh, first, uniform, observables)
    return _Point(solution, first, mixed, uniform, bent, mesh.sizes)


def _mesh_error(request: _Request, point: _Point) -> float:
    size = max(1.0, float(np.abs(request.model.exchange).max()))
    null = point.first.null if point.mixed is None else point.mixed.null
    if point.uniform is not None:
        null = max(null, point.uniform.null_velocity)
    return size * null / (2 * np.pi)


def _surface_point(
    request: _Request, energy: float, mesh: ZoneMesh | None
) -> tuple[_Point, ZoneMesh, bool]:
    """Point at the Fermi energy on a mesh that passes the null tests of all orders."""
    if mesh is not None:
        solution = uniform_solution(request.model, mesh, request.source, energy)
        point = _point(request, mesh, solution, True)
        return point, mesh, _mesh_error(request, point) < request.tolerance
    target = request.tolerance / (HEADROOM_TEXTURE if request.texture else HEADROOM)
    for _ in range(3):
        choice: MeshChoice = choose_mesh(request.model, request.source, energy, target)
        point = _point(request, choice.mesh, choice.solution, True)
        error = _mesh_error(request, point)
        if error < 0.5 * request.tolerance or not choice.converged:
            break
        target *= 0.2 * request.tolerance / error
    return point, choice.mesh, error < 0.5 * request.tolerance and choice.converged


def _bandwidth(model: BulkModel) -> float:
    """Half the largest spread of the levels, from the norms of the harmonics."""
    moving = np.any(model.displacements != 0, axis=1)
    return float(np.linalg.norm(model.hoppings[moving], ord=2, axis=(1, 2)).sum()) or 1.0


def _contour_sum(request, point, mesh, order) -> tuple[dict[str, NDArray], float, float]:
    """-(1/pi) Im int^mu of the sea integrand up the vertical line, and its errors.

    y = s t/(1 - t) maps (0, 1) on the line; Gauss-Radau nodes in t, the first of which is the
    Fermi energy itself and already known.  The error estimate is the square of the last
    Legendre coefficients of the integrand relative to the largest, because the rule is exact
    to twice the degree.
    """
    narrow = broadening(point.solution)
    scale = 2.0 * np.sqrt(narrow * _bandwidth(request.model))
    x, w = _radau(order)
    t = (x + 1) / 2
    height, weight = scale * t / (1 - t), 0.5 * scale * w / (1 - t) ** 2
    sigma, miss = point.solution.sigma, 0.0
    values = {name: [value] for name, value in point.sea_integrand().items()}
    for y, share in zip(height[1:], weight[1:] / np.pi, strict=True):
        z = point.solution.energy.real + 1j * y
        node, error = _contour_point(request, mesh, z, sigma, narrow, (share, order))
        sigma, miss = node.solution.sigma, miss + error
        for name, value in node.sea_integrand().items():
            values[name].append(value)
    sea, error = {}, 0.0
    for name, stack in values.items():
        array = np.stack(stack)
        sea[name] = np.einsum("e,e...->...", weight, array).real / np.pi
        smooth = array.real.reshape(order, -1) * (weight / w)[:, None]
        legendre = np.linalg.solve(np.polynomial.legendre.legvander(x, order - 1), smooth)
        size = np.abs(legendre).max()
        if size > 0:
            tail = np.abs(legendre[-2:]).max()
            error = max(error, float(tail * max(tail / size, 1e-15) / np.pi))
    return sea, error, miss


def _radau(order: int) -> tuple[NDArray, NDArray]:
    """Nodes and weights on [-1, 1] with a node at -1, exact to degree 2 order - 2."""
    inner, weight = roots_jacobi(order - 1, 0, 1)
    return np.append(-1.0, inner), np.append(2 / order**2, weight / (1 + inner))


def _contour_point(request, mesh, z, guess, narrow, share) -> tuple[_Point, float]:
    """Point on the contour on a mesh as coarse as its broadening allows, and its error.

    `share` is the weight of the node (its null test times that is its part of the error) and
    the number of nodes.
    """
    weight, count = share
    allowed = 0.3 * request.tolerance / count
    node_mesh = coarser(mesh, narrow, narrow + z.imag)
    while True:
        solution = uniform_solution(request.model, node_mesh, request.source, z, guess)
        wanted = coarser(mesh, narrow, broadening(solution))
        if wanted.points > node_mesh.points:
            node_mesh = wanted
            solution = uniform_solution(request.model, node_mesh, request.source, z, solution.sigma)
        node = _point(request, node_mesh, solution, False)
        error = float(2 * np.pi * weight * _mesh_error(request, node))
        if error < allowed or node_mesh.sizes == mesh.sizes:
            return node, error
        pairs = zip(node_mesh.sizes, mesh.sizes, strict=True)
        larger = tuple(min(most, int(1.3 * size) + 1) for size, most in pairs)
        node_mesh, guess = replace(mesh, sizes=larger), solution.sigma


def _sea(request, point, mesh, order: int | None) -> tuple[dict[str, NDArray], float, float, int]:
    """Fermi sea at T = 0; the order grows until its error estimate passes.

    Returns the sea, the errors of the contour and of its meshes, and the order.
    """
    fixed, count = order is not None, order or FIRST_ORDER
    while True:
        sea, error, miss = _contour_sum(request, point, mesh, count)
        if fixed or error < 0.3 * request.tolerance or count >= LAST_ORDER:
            return sea, error, miss, count
        ratio = np.log(0.1 * request.tolerance) / np.log(error) if error < 0.1 else 2.0
        count = min(LAST_ORDER, int(np.clip(np.ceil(count * ratio), count + 3, 2 * count)))


def _combine(point: _Point, sea: dict[str, NDArray]) -> dict[str, NDArray]:
    """All parts at one energy, T = 0."""
    u = point.uniform
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
    m, ratio = point.mixed, point.surface.ratio
    curvature = m.curvature.imag[:, None, :, None]
    charge = sea["charge_mixed"] + ratio * sea["charge_bend"][None, :, None]
    lin = point.first.linear
    per_charge = _observable_density(point) / lin.g.trace().imag
    return out | {
        "texture.ladder": point.surface.ra,
        "texture.static": -m.shift.real / (2 * np.pi) - ratio * curvature / (8 * np.pi),
        "texture.sea": sea["mixed"] + ratio * sea["bend"][:, None, :, None],
        "texture.neutrality": -per_charge[:, None, None, None] * charge,
    }


def _observable_density(point: _Point) -> NDArray:
    """Im int_k Tr A_a G, shape (a,)."""
    return point.uniform.observable_density


def _thermal(request, points, sea_mu, weights, x, temperature) -> list[dict[str, NDArray]]:
    """Sea at every thermal energy: the one at mu plus the integral along the real axis."""
    matrix = temperature * antiderivative_matrix(x)
    integrands = [p.sea_integrand() for p in points]
    out = []
    for row in matrix:
        sea = {}
        for name, base in sea_mu.items():
            stack = np.stack([i[name] for i in integrands])
            sea[name] = base - np.einsum("e,e...->...", row, stack).imag / np.pi
        out.append(sea)
    return out


def gradient_tensors(
    model: BulkModel,
    impurities: Impurities | ConstantBroadening,
    mu: float,
    temperature: float = 0.0,
    *,
    texture: bool = True,
    ladder: bool = True,
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
    impurities : Impurities or ConstantBroadening
        Self-energy: self-consistent Born, or -i eta.
    mu, temperature : float
        Chemical potential and k_B T, in the energy unit of H.
    texture : bool
        Whether to compute K (the larger part of the time).
    ladder : bool
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
        If mu lies outside the bands, or an argument is out of range.
    """
    if not (np.isfinite(mu) and np.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"mu, temperature: {mu!r}, {temperature!r}; finite, temperature >= 0.")
    if not tolerance > 0:
        raise ValueError(f"tolerance: {tolerance!r} is not an error. Give a positive number.")
    request = _request(model, impurities, texture, ladder, observables, tolerance)
    at_mu, mu_mesh, good = _surface_point(request, mu, mesh)
    sea_mu, contour_error, miss, order = _sea(request, at_mu, mu_mesh, contour_nodes)
    points, weights, seas = [at_mu], np.ones(1), [sea_mu]
    if temperature > 0:
        x, weights = thermal_nodes(thermal_order)
        keep = weights > THERMAL_CUT
        x, weights = x[keep], weights[keep] / weights[keep].sum()
        points = []
        for node in x:
            point, _, fine = _surface_point(request, mu + temperature * node, mesh)
            points.append(point)
            good = good and fine
        seas = _thermal(request, points, sea_mu, weights, x, temperature)
    parts: dict[str, NDArray] = {}
    for weight, point, sea in zip(weights, points, seas, strict=True):
        for name, value in _combine(point, sea).items():
            parts[name] = parts.get(name, 0.0) + weight * value
    diagnostics = _diagnose(
        request, points, at_mu, (contour_error, miss, order), good, temperature
    )
    return _result(request, at_mu, parts, diagnostics)


def _request(model, source, texture, ladder, observables, tolerance) -> _Request:
    size = model.orbitals**2
    if isinstance(source, Impurities):
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
    dressed = isinstance(source, Impurities) and ladder
    used = source if dressed else Impurities(np.zeros((size, size)))
    if observables is not None:
        observables = np.asarray(observables, complex)
        wanted = model.hoppings.shape
        if observables.shape[1:] != wanted:
            raise ValueError(f"observables: shape {observables.shape}, expected (a, *{wanted}).")
    return _Request(model, source, used, observables, texture, tolerance)


def _diagnose(request, points, at_mu, contour, good, temperature) -> Diagnostics:
    contour_error, miss, order = contour
    everything = [*points, at_mu]
    scba = max(p.solution.residual for p in everything)
    null = max(p.uniform.channel.null for p in everything)
    residual = max(p.uniform.channel.residual for p in everything)
    charge = max(
        max(p.uniform.null_velocity, p.uniform.null_rate, p.surface.null if p.surface else 0.0)
        for p in everything
    )
    mesh_error = max(_mesh_error(request, p) for p in everything) + miss
    notes = []
    if not all(p.solution.converged for p in everything):
        notes.append(f"self-energy not converged (residual {scba:.1e})")
    if not good or mesh_error > request.tolerance:
        notes.append(f"zone mesh too coarse: total derivatives miss zero by {mesh_error:.1e}")
    if contour_error > request.tolerance:
        notes.append(f"energy contour: estimated error {contour_error:.1e}")
    if null > 1e-9 or residual > 100 * request.tolerance:
        notes.append(f"charge channel: null mode {null:.1e}, residual {residual:.1e}")
    converged = not notes
    moving = np.abs(at_mu.uniform.level_velocity).max() > 1e-9
    bent = at_mu.surface is not None and np.abs(at_mu.surface.ratio).max() > 1e-9
    if temperature > 0 and (moving or bent):
        notes.append("temperature: assumes no inelastic relaxation between energies")
    return Diagnostics(
        scba, null, charge, residual, mesh_error, contour_error, at_mu.sizes, order,
        converged, tuple(notes),
    )


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
    source: Impurities | ConstantBroadening,
    mu: float,
    observables: NDArray,
    temperature: float = 0.0,
    **options,
) -> TensorParts:
    """delta <A_a> = chi_ai F_i for any observables A_a(k): spin, torque, current, spin current.

    Parameters
    ----------
    observables : (a, harmonics, n, n)
        A_a,R on the model's displacements (a velocity is i R_i H_R).
    options
        As in :func:`gradient_tensors`.

    Returns
    -------
    TensorParts
        `ladder` + `static` and `sea` are the Streda split; `surface_even` and `sea_odd` the
        split by time reversal.  (a, d) each.
    """
    tensors = gradient_tensors(
        model, source, mu, temperature, texture=False, observables=observables, **options
    )
    return tensors.torkance
