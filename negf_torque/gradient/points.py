"""Everything the gradient engine knows at one energy, on a mesh that is fine enough there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.assembly import (
    SurfaceMixed,
    SurfaceUniform,
    surface_mixed,
    surface_uniform,
)
from negf_torque.gradient.ladder import ScatteringMap
from negf_torque.gradient.meshing import (
    ConstantBroadening,
    MeshChoice,
    choose_mesh,
    uniform_solution,
)
from negf_torque.gradient.mixed import Mixed, mixed_response
from negf_torque.gradient.model import BulkModel, ZoneMesh
from negf_torque.gradient.retarded import FirstOrder, first_order, linear_response
from negf_torque.gradient.scba import MatrixBornSolution

__all__ = ["Point", "Request", "evaluate", "mesh_error", "surface_point"]

#: The integrals of one calculation converge this much later than the null test of the mesh:
#: products of up to three Green's functions, and of up to six for a field in a texture.
HEADROOM, HEADROOM_TEXTURE = 2.0, 15.0


@dataclass(frozen=True)
class Point:
    """Everything at one energy."""

    solution: MatrixBornSolution
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
class Request:
    """What is asked of one calculation."""

    model: BulkModel
    source: ScatteringMap | ConstantBroadening
    ladder: ScatteringMap
    observables: NDArray | None
    texture: bool
    tolerance: float


def evaluate(
    request: Request, mesh: ZoneMesh, solution: MatrixBornSolution, surface: bool
) -> Point:
    """Corrections of all orders at one energy; with `surface` also the ladder of the window."""
    model, observables = request.model, request.observables
    lin = linear_response(model, mesh, request.ladder, solution.energy, solution.sigma)
    uniform = surface_uniform(model, mesh, lin, observables) if surface else None
    first = first_order(model, mesh, lin, observables, request.texture)
    mixed = bent = None
    if request.texture:
        mixed = mixed_response(model, mesh, first, observables)
        if uniform is not None:
            bent = surface_mixed(model, mesh, first, uniform, observables)
    return Point(solution, first, mixed, uniform, bent, mesh.sizes)


def mesh_error(request: Request, point: Point) -> float:
    """Integrals of total k derivatives that miss zero, in units of the tensors."""
    size = max(1.0, float(np.abs(request.model.exchange).max()))
    null = point.first.null if point.mixed is None else point.mixed.null
    if point.uniform is not None:
        null = max(null, point.uniform.null_velocity)
    return size * null / (2 * np.pi)


def surface_point(
    request: Request, energy: float, mesh: ZoneMesh | None
) -> tuple[Point, ZoneMesh, bool]:
    """Point at the Fermi energy on a mesh that passes the null tests of all orders."""
    if mesh is not None:
        solution = uniform_solution(request.model, mesh, request.source, energy)
        point = evaluate(request, mesh, solution, True)
        return point, mesh, mesh_error(request, point) < request.tolerance
    target = request.tolerance / (HEADROOM_TEXTURE if request.texture else HEADROOM)
    for _ in range(3):
        choice: MeshChoice = choose_mesh(request.model, request.source, energy, target)
        point = evaluate(request, choice.mesh, choice.solution, True)
        error = mesh_error(request, point)
        if error < 0.5 * request.tolerance or not choice.converged:
            break
        target *= 0.2 * request.tolerance / error
    return point, choice.mesh, error < 0.5 * request.tolerance and choice.converged
