"""Fermi sea of the gradient engine: a contour integral in the upper half plane.

Everything retarded is analytic there and falls off like 1/z^3 or faster, so the occupied states
are integrated up the vertical line from mu to i infinity and no band edge has to be known.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_jacobi

from negf_torque.gradient.meshing import broadening, coarser, uniform_solution
from negf_torque.gradient.model import BulkModel, ZoneMesh
from negf_torque.gradient.points import Point, Request, evaluate, mesh_error

__all__ = ["fermi_sea"]

#: First and last order of the contour rule.
FIRST_ORDER, LAST_ORDER = 10, 80


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


def _contour_point(request, mesh, z, guess, narrow, share) -> tuple[Point, float]:
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
        node = evaluate(request, node_mesh, solution, False)
        error = float(2 * np.pi * weight * mesh_error(request, node))
        if error < allowed or node_mesh.sizes == mesh.sizes:
            return node, error
        pairs = zip(node_mesh.sizes, mesh.sizes, strict=True)
        larger = tuple(min(most, int(1.3 * size) + 1) for size, most in pairs)
        node_mesh, guess = replace(mesh, sizes=larger), solution.sigma


def fermi_sea(
    request: Request, point: Point, mesh: ZoneMesh, order: int | None
) -> tuple[dict[str, NDArray], float, float, int]:
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
