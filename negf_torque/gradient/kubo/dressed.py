"""Response of a disordered crystal: self-energy, vertex corrections, Fermi sea.

With Sigma(z) of local impurities and X_12[V] = <G_1 V G_2> averaged over k,

    chi = (1/2 pi) Re <Tr A [G^R W G^A - G^R v G^R]> + chi_II,
    W = v + Lambda^RA[g],     (1 - X_RA Lambda^RA) g = <G^R v G^A>,   Tr g = 0,

the trace fixing the null mode of charge.  A purely retarded vertex corrects no velocity (V = v:
<G v G> is a total derivative), but the sea does need it: with G' = -G (1 - Sigma') G,

    chi_II = (1/2 pi) int f Re { <Tr A D> + Tr Lambda^RR[(1 - X Lambda)^-1 <D>] <G A G> },
    D = G v G' - G' v G,

integrated up the vertical line from mu, where everything retarded is analytic.  The split by time
reversal takes for the surface the mean of the RA ladder and of the same with A and R exchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.kubo.dressed_sea import sea_response
from negf_torque.gradient.kubo.medium import Medium, read_traces, solve_medium
from negf_torque.gradient.kubo.samples import LatticeSamples, Samples, unitary_turns
from negf_torque.gradient.kubo.scatterers import Scatterers
from negf_torque.gradient.kubo.symmetry import Operation
from negf_torque.gradient.kubo.zone import check_mesh
from negf_torque.gradient.ladder import solve_charge_channel, superapply
from negf_torque.gradient.model import BulkModel
from negf_torque.gradient.scba import greens_function, pair_matrix
from negf_torque.gradient.thermal import thermal_error, thermal_nodes

__all__ = ["DressedResponse", "dressed_response", "surface_response"]


@dataclass(frozen=True)
class DressedResponse:
    """chi_Aj of a disordered crystal, (a, d) each.

    Attributes
    ----------
    ladder, static, streda_sea : (a, d)
        RA part, RR part, sea: their sum is the response.
    reversed_ladder : (a, d)
        Ladder with advanced and retarded exchanged.
    bare_ladder, bare_reversed, bare_sea : (a, d)
        Without vertex corrections (with the same self-energy).
    sigma : (n, n)
        Retarded self-energy at mu.
    errors : dict
        Estimates: "mesh", "contour", "thermal"; residuals "self_energy", "charge", "ladder".
    sizes : tuple of int
        Mesh at the Fermi energy.
    converged : bool
    """

    ladder: NDArray
    static: NDArray
    streda_sea: NDArray
    reversed_ladder: NDArray
    bare_ladder: NDArray
    bare_reversed: NDArray
    bare_sea: NDArray
    sigma: NDArray
    errors: dict[str, float] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    converged: bool = True

    @property
    def total(self) -> NDArray:
        """The response."""
        return self.ladder + self.static + self.streda_sea

    @property
    def bare(self) -> NDArray:
        """The response without vertex corrections."""
        return self.bare_ladder + self.static + self.bare_sea

    @property
    def surface(self) -> NDArray:
        """Surface part of the split by time reversal."""
        return (self.ladder + self.reversed_ladder) / 2 + self.static

    @property
    def sea(self) -> NDArray:
        """Sea part of the split by time reversal."""
        return self.total - self.surface

    @property
    def bare_surface(self) -> NDArray:
        """Surface part without vertex corrections."""
        return (self.bare_ladder + self.bare_reversed) / 2 + self.static


def surface_response(
    samples: Samples, scatterers: Scatterers, medium: Medium
) -> tuple[dict[str, NDArray], dict[str, float]]:
    """RA ladder, its reverse, bare bubbles and the RR part at a real energy."""
    n, z, sigma = len(medium.g), medium.energy, medium.sigma
    sums: dict[str, Any] = dict.fromkeys(
        ("ra", "ar", "rr", "source_ra", "source_ar", "read_ra", "read_ar", "pairs"), 0.0
    )
    for chunk in samples:
        green = greens_function(chunk.h, z, sigma)
        advanced = green.conj().swapaxes(-1, -2)
        w = chunk.weight[:, None, None]
        v, a = chunk.velocity, chunk.observables
        ra, ar, rr = w * (green @ v @ advanced), w * (advanced @ v @ green), w * (green @ v @ green)
        for name, product in (("ra", ra), ("ar", ar), ("rr", rr)):
            sums[name] = sums[name] + read_traces(a, product)
        sums["source_ra"] = sums["source_ra"] + ra.sum(axis=1)
        sums["source_ar"] = sums["source_ar"] + ar.sum(axis=1)
        # Tr A G^R L G^A = Tr (G^A A G^R) L
        sums["read_ra"] = sums["read_ra"] + (w * (advanced @ a @ green)).sum(axis=1)
        sums["read_ar"] = sums["read_ar"] + (w * (green @ a @ advanced)).sum(axis=1)
        sums["pairs"] = sums["pairs"] + pair_matrix(w * green, advanced)
    vertex = scatterers.vertex(medium.g, sigma, False)
    x = samples.pairs(sums["pairs"])
    out, residuals = {}, {}
    for name, bubble, ladder in (
        ("ra", x, vertex), ("ar", x.conj().T, vertex.conj().T)
    ):  # fmt: skip
        matrix = np.eye(n * n) - bubble @ ladder
        source = samples.vector(sums[f"source_{name}"])
        g, residual, _ = solve_charge_channel(matrix, source)
        size = max(float(np.abs(source).max()), 1e-300)
        residuals[f"ladder_{name}"] = float(residual.max() / size)
        correction = superapply(ladder, g)
        bare = samples.response(sums[name].real)
        local = np.einsum("aij,dji->ad", samples.read(sums[f"read_{name}"]), correction)
        out[name], out[f"bare_{name}"] = (bare + local.real) / (2 * np.pi), bare / (2 * np.pi)
    out["rr"] = -samples.response(sums["rr"].real) / (2 * np.pi)
    # particles of each energy are conserved: g^R - g^A is the null vector of 1 - X Lambda
    spectral = medium.g - medium.g.conj().T
    null = spectral.ravel() - x @ (vertex @ spectral.ravel())
    residuals["charge"] = float(np.abs(null).max() / np.abs(spectral).max())
    return out, residuals


def dressed_response(
    model: BulkModel,
    observables: NDArray,
    chemical_potential: float,
    scatterers: Scatterers,
    thermal_energy: float = 0.0,
    *,
    symmetry: Sequence[Operation] = (),
    tolerance: float = 1e-6,
    mesh: Sequence[int] | None = None,
    max_points: int = 400_000,
    thermal_order: int = 10,
) -> DressedResponse:
    """Response of observables to a uniform force in a crystal with impurities, per cell.

    Parameters
    ----------
    observables : (a, harmonics, n, n)
        A_a,R on the model's displacements.
    chemical_potential : float
        mu, eV.
    scatterers : Scatterers
        Of `negf_torque.gradient.kubo.scatterers`.
    thermal_energy : float
        k_B T, eV.
    symmetry : sequence of Operation
        Generators, checked; those that reverse time are not used here.
    tolerance : float
        Absolute, in the unit of chi.
    mesh : d whole numbers, optional
        At the Fermi energy; default: refined until the surface part changes by less than
        `tolerance`.
    max_points : int
        Irreducible points at which refinement stops (the result is marked).
    thermal_order : int
        Gauss nodes for -f' at T > 0.

    Returns
    -------
    DressedResponse
        With `converged` False where an estimate exceeds the tolerance.

    Raises
    ------
    ValueError
        Arguments out of range, or shapes that do not fit.
    SymmetryError
        A symmetry that the Hamiltonian does not have.
    """
    observables = np.asarray(observables, complex)
    if observables.shape[1:] != model.hoppings.shape:
        raise ValueError(
            f"observables: shape {observables.shape}, expected (a, *{model.hoppings.shape})."
        )
    if mesh is not None:
        check_mesh(model, mesh)
    if not isinstance(scatterers, Scatterers):
        raise ValueError(
            f"scatterers: {scatterers!r}; give SecondOrder, ThirdOrder, TMatrix or "
            "CoherentPotential of impurities."
        )
    if not np.isfinite(chemical_potential):
        raise ValueError(f"chemical_potential: {chemical_potential!r} is not an energy.")
    if not (np.isfinite(thermal_energy) and thermal_energy >= 0):
        raise ValueError(f"thermal_energy: {thermal_energy!r}; give k_B T >= 0 (eV).")
    if not tolerance > 0:
        raise ValueError(f"tolerance: {tolerance!r} is not an error. Give a positive number.")
    turns = unitary_turns(model, observables, symmetry)
    if thermal_energy > 0:
        return _thermal(
            model, observables, scatterers, chemical_potential, thermal_energy, turns,
            (tolerance, mesh, max_points, thermal_order),
        )  # fmt: skip
    return _cold(
        model, observables, scatterers, chemical_potential, turns, tolerance, mesh, max_points
    )


def _thermal(
    model, observables, scatterers, mu, thermal_energy, turns, settings
) -> DressedResponse:
    tolerance, mesh, max_points, order = settings
    x, weights = thermal_nodes(order)
    found = [
        _cold(model, observables, scatterers, mu + thermal_energy * e, turns, tolerance, mesh,
              max_points)
        for e in x
    ]  # fmt: skip
    names = ("ladder", "static", "streda_sea", "reversed_ladder", "bare_ladder", "bare_reversed",
             "bare_sea", "sigma")  # fmt: skip
    stacks = {name: np.stack([getattr(f, name) for f in found]) for name in names}
    errors = {key: max(f.errors[key] for f in found) for key in found[0].errors}
    errors["thermal"] = thermal_error(stacks["ladder"] + stacks["static"] + stacks["streda_sea"])
    return DressedResponse(
        **{name: np.tensordot(weights, stack, axes=1) for name, stack in stacks.items()},
        errors=errors,
        sizes=max((f.sizes for f in found), key=np.prod),
        converged=all(f.converged for f in found) and errors["thermal"] < tolerance,
    )


def _cold(model, observables, scatterers, mu, turns, tolerance, mesh, max_points):
    def samples_of(sizes) -> LatticeSamples:
        return LatticeSamples(model, observables, sizes, turns=turns)

    d = model.dimension
    if mesh is not None:
        sizes = tuple(mesh)
        samples = samples_of(sizes)
        medium = solve_medium(samples, scatterers, mu)
        surface, residuals = surface_response(samples, scatterers, medium)
        mesh_error, good = 0.0, True
    else:
        sizes, samples, medium, surface, residuals, mesh_error, good = _refine(
            samples_of, scatterers, mu, d, tolerance, max_points
        )
    narrow = medium.width

    def samples_for(width: float) -> LatticeSamples:
        fine = [max(8, int(np.ceil(2.0 * s * min(1.0, narrow / width) / 2)) * 2) for s in sizes]
        return samples_of([min(f, s) for f, s in zip(fine, sizes, strict=True)])

    sea, contour, fine = sea_response(samples_for, scatterers, medium, tolerance)
    errors = {
        "mesh": mesh_error, "contour": contour, "thermal": 0.0, "self_energy": medium.residual,
    } | residuals  # fmt: skip
    converged = good and fine and medium.converged and residuals["charge"] < 1e-8
    return DressedResponse(
        surface["ra"], surface["rr"], sea[0], surface["ar"], surface["bare_ra"],
        surface["bare_ar"], sea[1], medium.sigma, errors, tuple(sizes), bool(converged),
    )  # fmt: skip


def _refine(samples_of, scatterers, mu, dimension, tolerance, max_points):
    size, guess, before, last = 16, None, None, None
    while True:
        sizes = (size,) * dimension
        samples = samples_of(sizes)
        medium = solve_medium(samples, scatterers, mu, guess)
        surface, residuals = surface_response(samples, scatterers, medium)
        stack = np.stack([surface[name] for name in ("ra", "ar", "rr", "bare_ra")])
        guess, change = medium.sigma, np.inf
        if before is not None:
            change = float(np.abs(stack - before).max())
            gain = 1.0 if last is None else min(1.0, change / max(last, 1e-300))
            if change * gain < tolerance:
                return sizes, samples, medium, surface, residuals, change * gain, True
        bigger = int(np.ceil(size * 1.4 / 2) * 2)
        if len(samples.k) * (bigger / size) ** dimension > max_points:
            return sizes, samples, medium, surface, residuals, change, False
        before, last, size = stack, change if np.isfinite(change) else None, bigger
