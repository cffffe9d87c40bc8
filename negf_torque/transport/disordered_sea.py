"""Answer of all occupied states of a disordered device to potentials.

At a complex energy z the averaged Green's function answers potentials U_j of the sites and rigid
shifts U_p of the leads by

    dG = G (U - sum_p U_p dSigma_p/dz + dSigma) G,    dSigma_i = Lambda^RR_i[dG_ii],

with the static vertex Lambda^RR of the self-energy's approximation: a ladder of its own, solved
at every energy.  A local operator O changes by -(1/pi) Im int_C dz tr O dG with a contour C from
below all bands to the chemical potential mu; the spin lost to impurities, i tr S [Sigma, G],
likewise.  As dG falls off like 1/z^2, C may come down from infinity (`vertical`).
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.averaged import apply_local, vertex_maps
from negf_torque.disorder.ladder import dress, factorised, make_ladder
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
from negf_torque.transport.vertical import vertical_integral

__all__ = ["SEA_COLUMNS", "disordered_sea", "static_response"]

#: Numbers per site: particles, spin (3), exchange operator (3), spin lost to impurities (3).
SEA_COLUMNS = 10

#: Patterns of potentials up to which the ladder is iterated instead of factorised, and the length
#: of vectors beyond which it always is: a factorisation serves all patterns.
_FEW, LARGEST_DIRECT = 4, 3000


def disordered_sea(
    device: DisorderedDevice,
    energy: float,
    potential: NDArray,
    lead_potential: NDArray,
    tolerance: float = 1e-8,
    temperature: float = 0.0,
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
    temperature : float
        K.

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
    return vertical_integral(column, energy, unit, tolerance, temperature), solved


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
