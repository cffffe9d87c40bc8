"""Self-consistent Born approximation of a crystal: one complex level z per spin and orbital.

    z_s,a = E + s M_a - (gi + gz)_a g_s,aa - 2 gp_a g_-s,aa,      g_s = int_k [diag(z_s) - H(k)]^-1,

by Newton's method on finer and finer meshes of the zone, each started from the coarser one; the
response of g to z is a product of two Green's functions and costs nothing extra.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.crystal import Crystal, Zone

__all__ = [
    "MESH_SIZES", "CrystalSolution", "Strengths", "converge", "expected_error", "propagator",
    "solve_crystal", "strengths_of",
]

MESH_SIZES = (6, 8, 12, 16, 24, 36, 54, 80, 120, 180, 270, 400, 600, 900)


class Strengths(NamedTuple):
    """Per orbital: gi + gz, 2 gp, gi - gz."""

    same: NDArray
    other: NDArray
    transverse: NDArray


@dataclass(frozen=True)
class CrystalSolution:
    """Self-consistent Born solution at one energy.

    Attributes
    ----------
    z : (2, n) complex
        E + s M_a - Sigma_s,a; g : (2, n) local Green's functions.
    pairs : (2, n, n)
        int_k G_s,ab G_s,ba (retarded), the response of g to -z.
    size : int
        Mesh that was needed; 0: adaptive.
    error : float
        Change of z at the last refinement of the mesh, extrapolated.
    residual : float
    """

    energy: complex
    z: NDArray
    g: NDArray
    pairs: NDArray
    size: int
    error: float
    residual: float


def strengths_of(impurities: ImpurityStrengths, n: int) -> Strengths:
    """Combinations of gi, gz, gp that the equations hold, one of each for every orbital."""
    gi, gz, gp = (
        np.broadcast_to(v, (n,))
        for v in (impurities.nonmagnetic, impurities.longitudinal, impurities.transverse)
    )
    return Strengths(gi + gz, 2 * gp, gi - gz)


def propagator(h: NDArray, z: NDArray) -> NDArray:
    """[diag(z) - H]^-1 for H (points, n, n)."""
    n = h.shape[-1]
    if n == 1:
        return 1 / (z - h)
    if n == 2:
        a, d = z[0] - h[:, 0, 0], z[1] - h[:, 1, 1]
        determinant = a * d - h[:, 0, 1] * h[:, 1, 0]
        inverse = np.empty(h.shape, complex)
        inverse[:, 0, 0], inverse[:, 1, 1] = d / determinant, a / determinant
        inverse[:, 0, 1], inverse[:, 1, 0] = h[:, 0, 1] / determinant, h[:, 1, 0] / determinant
        return inverse
    matrix = -h.astype(complex)
    index = np.arange(n)
    matrix[:, index, index] += z
    return np.linalg.inv(matrix)


def _local(zone: Zone, z: NDArray) -> tuple[NDArray, NDArray]:
    """g (2, n) and pairs (2, n, n) of both spins."""
    n = zone.crystal.orbitals

    def integrand(h: NDArray, _: NDArray | None) -> NDArray:
        columns = []
        for spin in range(2):
            g = propagator(h, z[spin])
            columns.append(np.einsum("kaa->ka", g))
            columns.append((g * g.swapaxes(1, 2)).reshape(len(h), -1))
        return np.concatenate(columns, axis=1)

    value = zone.average(integrand).reshape(2, n + n * n)
    return value[:, :n], value[:, n:].reshape(2, n, n)


def converge(
    zone: Zone,
    energy: complex,
    strengths: Strengths,
    start: NDArray,
    tolerance: float,
    steps: int = 30,
) -> tuple[NDArray, NDArray, NDArray, float]:
    """Newton's method for the self-energies on one mesh, the causal map as fall-back."""
    m, n = zone.crystal.half_splitting, zone.crystal.orbitals
    target = np.stack([energy + m, energy - m])
    z = start
    eye = np.eye(n)
    for _ in range(steps):
        g, pairs = _local(zone, z)
        mapped = target - strengths.same * g - strengths.other * g[::-1]
        force = z - mapped
        residual = float(np.abs(force).max())
        if residual <= tolerance:
            return z, g, pairs, residual
        same, other = strengths.same[:, None], strengths.other[:, None]
        jacobian = np.block(
            [[eye - same * pairs[0], -other * pairs[1]], [-other * pairs[0], eye - same * pairs[1]]]
        )
        step = np.linalg.solve(jacobian, force.ravel()).reshape(2, n)
        new = z - step
        grazing = (new.imag < energy.imag) & (new.imag > energy.imag - 1e-9)
        new = np.where(grazing, new.real + 1j * energy.imag, new)
        causal = np.all(np.isfinite(new) & (new.imag >= energy.imag))
        expected = np.abs(step).max() ** 2 / max(z.imag.min(), 1e-12)
        if causal and expected <= tolerance:
            # quadratic convergence: another pass would only confirm the step
            return new, g + np.einsum("sab,sb->sa", pairs, step), pairs, float(expected)
        z = new if causal else (z + mapped) / 2
    raise ArithmeticError(
        f"self-consistent Born equation not converged at energy {energy:.6g} (residual "
        f"{residual:.2g})"
    )


def expected_error(sizes: Sequence[int], changes: Sequence[float]) -> float:
    """Error left on the last mesh, from the last changes between meshes.

    Averages of analytic functions over the zone converge as exp(-c n); the last two changes give
    c.  The first change says nothing of c and stands for the error itself.

    Examples
    --------
    >>> round(expected_error((4, 6, 8), (1e-2, 1e-3)), 12)
    0.0001
    """
    last = float(changes[-1])
    if len(changes) < 2 or last >= changes[-2]:
        return last
    steps = (sizes[-1] - sizes[-2]) / (sizes[-2] - sizes[-3])
    return float(last * (last / changes[-2]) ** steps)


def solve_crystal(
    crystal: Crystal,
    energy: complex,
    impurities: ImpurityStrengths,
    tolerance: float = 1e-8,
    start: NDArray | None = None,
    first_size: int = 0,
    method: str = "mesh",
    largest: int = 1024,
) -> CrystalSolution:
    """Solve on finer and finer meshes until the self-energies stand still.

    Parameters
    ----------
    crystal : Crystal
    energy : complex
        Im E >= 0.
    impurities : ImpurityStrengths
        Strengths per orbital (n,) or scalars, eV^2 (variances per cell).
    tolerance : float
        Absolute, on the self-energies, eV.
    start : (2, n), optional
        z of a neighbouring energy.
    first_size : int
        Mesh to begin with; 0: the coarsest.
    method : {"mesh", "adaptive"}
    largest : int
        Give up beyond this mesh.

    Raises
    ------
    ArithmeticError
        If the Born equation or the mesh does not converge.
    """
    strengths = strengths_of(impurities, crystal.orbitals)
    energy = complex(energy)
    width = np.sqrt(np.max(strengths.same + strengths.other))
    if start is None:
        z = np.stack([energy + crystal.half_splitting, energy - crystal.half_splitting]) + 1j * max(
            0.5 * width, 1e-3
        )
    else:
        z = np.where(start.imag > energy.imag, start, start.real + 1j * (energy.imag + 1e-3))
    inner = max(0.02 * tolerance, 1e-13)
    if method == "adaptive":
        zone = Zone(crystal, 0, tolerance)
        z, g, pairs, residual = converge(zone, energy, strengths, z, tolerance)
        return CrystalSolution(energy, z, g, pairs, 0, tolerance, residual)
    found: list[tuple[int, NDArray]] = []
    size = 0
    sizes = [s for s in MESH_SIZES if first_size <= s <= largest]
    for size in sizes:
        try:
            z, g, pairs, residual = converge(Zone(crystal, size), energy, strengths, z, inner)
        except ArithmeticError:
            # a coarse mesh is a comb of levels, on which the equation may have no causal root
            if size == sizes[-1]:
                raise
            z = z.real + 1j * np.maximum(z.imag, 0.3 * width)
            continue
        found.append((size, z))
        if len(found) > 1:
            meshes, values = zip(*found[-3:], strict=True)
            error = expected_error(meshes, [abs(b - a).max() for a, b in pairwise(values)])
            if error <= tolerance:
                return CrystalSolution(energy, z, g, pairs, size, error, residual)
    raise ArithmeticError(
        f"zone average not converged with {size} points an axis at energy {energy:.6g}: the "
        "broadening is small; try method = 'adaptive'"
    )
