"""Answer of all occupied states of a disordered device to potentials.

At a complex energy z the averaged Green's function answers potentials U_j of the sites and rigid
shifts U_p of the leads by

    dG = G (U - sum_p U_p dSigma_p/dz + dSigma) G,    dSigma_i = Lambda^RR_i[dG_ii],

with the static vertex Lambda^RR of the self-energy's approximation: a ladder of its own, solved
at every energy.  A local operator O changes by -(1/pi) Im int_C dz tr O dG with a contour C from
below all bands to the chemical potential mu; the spin lost to impurities, i tr S [Sigma, G],
likewise.  As dG falls off like 1/z^2, C may come down from infinity,

    -(1/pi) Im int_C dz X(z) = (1/pi) int_0^inf dy Re X(mu + i y),

where all singularities keep their distance: with y = y0 (1 + x)/(1 - x) they lie on the unit circle
of x, and Chebyshev points in x converge geometrically.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.averaged import apply_local, vertex_maps
from negf_torque.disorder.ladder import LARGEST_DIRECT, dress, factorised, make_ladder
from negf_torque.disorder.medium import Medium, flow, pair_map
from negf_torque.greens.quadrature import Average
from negf_torque.transport.disordered_device import (
    DisorderedDevice,
    Point,
    local_operators,
    point_at,
    site_blocks,
)
from negf_torque.transport.sea import lowest_energy

__all__ = ["SEA_COLUMNS", "disordered_sea", "static_response", "vertical_integral"]

#: Complex energy, guess for the self-energies -> values, self-energies.
Column = Callable[[complex, NDArray | None], tuple[NDArray, NDArray]]

#: Numbers per site: particles, spin (3), exchange operator (3), spin lost to impurities (3).
SEA_COLUMNS = 10

#: 2^level - 1 points of the first and of the finest rule for the integral over energies.
_FIRST_LEVEL, _LAST_LEVEL = 4, 9
#: Patterns of potentials up to which the ladder is iterated instead of factorised.
_FEW = 4


def disordered_sea(
    device: DisorderedDevice,
    energy: float,
    potential: NDArray,
    lead_potential: NDArray,
    tolerance: float = 1e-8,
) -> tuple[Average, bool]:
    """Change of all occupied states' densities when potentials are applied.

    Parameters
    ----------
    energy : float
        Chemical potential in eV.
    potential : (sites, m)
        m patterns of the potential in the region.
    lead_potential : (2, m)
        Rigid shifts of the leads in each pattern.
    tolerance : float
        Of the integral over energies, relative to its largest number.

    Returns
    -------
    integral : Average
        value: (m * sites * SEA_COLUMNS), per pattern and site particles, spin, exchange
        operator, spin lost to impurities.  Marked if the tolerance was not reached.
    solved : bool
        Whether the self-energy converged at every energy.
    """
    solved = True

    def column(z: complex, guess: NDArray | None) -> tuple[NDArray, NDArray]:
        nonlocal solved
        point = point_at(device, z, guess=guess, tolerance=min(1e-11, 1e-3 * tolerance))
        solved = solved and point.solution.converged
        change = static_response(device, point, potential, lead_potential)
        return change.ravel(), point.solution.sigma

    unit = (energy - lowest_energy(device.chain)) / 8
    return vertical_integral(column, energy, unit, tolerance), solved


def vertical_integral(column: Column, energy: float, unit: float, tolerance: float) -> Average:
    """(1/pi) int_0^inf dy Re X(energy + i y) of vectors X that fall off like 1/y^2.

    Parameters
    ----------
    column : callable
        Complex energy and a guess for the self-energies (or None) -> X, self-energies.
    unit : float
        y0 in eV, a typical distance from `energy` to the bands' edges.
    tolerance : float
        Relative to the largest number of the integral.

    Returns
    -------
    Average
        Marked if the finest rule has not reached the tolerance.
    """
    guesses: dict[float, NDArray] = {}

    def at(x: float) -> NDArray:
        height, slope = unit * (1 + x) / (1 - x), 2 * unit / (1 - x) ** 2
        guess = guesses[min(guesses, key=lambda known: abs(known - x))] if guesses else None
        value, guesses[x] = column(energy + 1j * height, guess)
        return value.real * slope / np.pi

    known: dict[int, NDArray] = {}
    value: Any = None
    change: Any = None
    error: Any = np.inf
    for level in range(_FIRST_LEVEL, _LAST_LEVEL + 1):
        nodes, weights = _fejer(2**level)
        # numbered on the finest level, so that the points of all levels are the same
        places = np.arange(1, 2**level) * 2 ** (_LAST_LEVEL - level)
        for place, x in zip(places, nodes, strict=True):
            if place not in known:
                known[place] = at(float(x))
        previous = value
        value = sum(w * known[place] for w, place in zip(weights, places, strict=True))
        if previous is not None:
            before, change = change, np.abs(value - previous)
            # geometric convergence: the next change is smaller by this one's ratio to the last
            ratio = 1.0 if before is None else min(1.0, change.max() / (before.max() or 1.0))
            error = ratio * change
            if error.max() <= tolerance * np.abs(value).max():
                return Average(value, error, len(known), True)
    return Average(value, error, len(known), False)


def _fejer(count: int) -> tuple[NDArray, NDArray]:
    """Fejer's second rule: cos(pi n/count), 0 < n < count, whose points the next level shares."""
    angle = np.pi * np.arange(1, count) / count
    odd = np.arange(1, count, 2)
    weights = 4 / count * np.sin(angle) * (np.sin(np.outer(angle, odd)) @ (1 / odd))
    return np.cos(angle), weights


def static_response(
    device: DisorderedDevice, point: Point, potential: NDArray, lead_potential: NDArray
) -> NDArray:
    """tr O dG of every site at one complex energy, (m, sites, SEA_COLUMNS) complex."""
    table = device.chain.sites
    medium = point.medium
    everywhere = replace(medium, layer=table.layer, offset=table.offset, orbitals=table.orbitals)
    maps = vertex_maps(point.slots, point.method, point.solution, retarded=True)
    own = _places(everywhere, medium, device.disorder.sites)
    if everywhere.length <= LARGEST_DIRECT and potential.shape[1] > _FEW:
        change, emitted = _by_matrix(point, everywhere, own, maps, potential, lead_potential)
    else:
        change, emitted = _by_flow(point, everywhere, maps, potential, lead_potential)
    patterns = potential.shape[1]
    values = np.zeros((patterns, len(table.layer), SEA_COLUMNS), complex)
    own_layers = [medium.spread(v) for v in (point.solution.sigma, point.solution.green)]
    for pattern in range(patterns):
        d_green = everywhere.spread(change[:, pattern])
        d_sigma = medium.spread(emitted[:, pattern])
        for sites, operators in local_operators(device.chain):
            where = site_blocks(device.chain, sites)
            sigma, green = (v[where] for v in own_layers)
            dg, ds = d_green[where], d_sigma[where]
            commutator = ds @ green + sigma @ dg - dg @ sigma - green @ ds
            values[pattern, sites, :7] = np.einsum("saij,sji->sa", operators, dg)
            spin = operators[:, 1:4]
            values[pattern, sites, 7:] = 1j * np.einsum("saij,sji->sa", spin, commutator)
    return values


def _places(everywhere: Medium, medium: Medium, sites: NDArray) -> NDArray:
    """Where the disordered sites' matrices are in vectors of all sites' matrices."""
    parts = [np.arange(everywhere.start[i], everywhere.start[i + 1]) for i in sites]
    return np.concatenate([np.zeros(0, int), *parts]).astype(int)


def _sources(everywhere: Medium, potential: NDArray) -> NDArray:
    """The potential as local matrices, (all, m)."""
    _, row, column = everywhere.index
    site = np.repeat(np.arange(len(everywhere.orbitals)), everywhere.orbitals**2)
    return np.where((row == column)[:, None], potential[site], 0).astype(complex)


def _from_leads(point: Point, medium: Medium, lead_potential: NDArray, solved: NDArray) -> NDArray:
    """What the shifts of the leads alone change, (vector, m)."""
    parts = []
    for side, name in enumerate(("left", "right")):
        if not lead_potential[side].any():
            parts.append(np.zeros(medium.length, complex))
            continue
        assert point.slope is not None  # there is one at complex energies
        shift: dict[str, Any] = {name: -point.slope[side]}
        spread = flow(medium, solved, retarded=True, **shift)
        parts.append(medium.gather(spread.local))
    return np.stack(parts, axis=1) @ lead_potential


def _by_matrix(point, everywhere, own, maps, potential, lead_potential):
    pairs = pair_map(everywhere, point.sigma, retarded=True)
    bare = pairs @ _sources(everywhere, potential)
    bare += _from_leads(point, everywhere, lead_potential, point.sigma)
    if not len(own):
        return bare, bare[own]
    solve = factorised(pairs[np.ix_(own, own)], point.slots, maps)
    inside, _, _ = solve(bare[own])
    emitted = apply_local(point.slots, maps, inside)
    return bare + pairs[:, own] @ emitted, emitted


def _by_flow(point, everywhere, maps, potential, lead_potential):
    patterns = [everywhere.spread(column) for column in _sources(everywhere, potential).T]

    def answered(sources: list[NDArray]) -> NDArray:
        flows = []
        for source, shift in zip(sources, lead_potential.T, strict=True):
            ends = {
                name: -u * slope
                for name, u, slope in zip(("left", "right"), shift, point.slope, strict=True)
            }
            flows.append(flow(point.medium, point.sigma, source, retarded=True, **ends).local)
        return np.stack([everywhere.gather(f) for f in flows], axis=1)

    change = answered(patterns)
    if not point.medium.length:
        return change, change[:0]
    ladder = make_ladder(
        point.medium, point.slots, point.solution, maps, retarded=True, direct=False
    )
    inside = np.stack(
        [point.medium.gather(everywhere.spread(column)) for column in change.T], axis=1
    )
    emitted = dress(ladder, inside).source
    dressed = [p + point.medium.spread(s) for p, s in zip(patterns, emitted.T, strict=True)]
    return answered(dressed), emitted
