"""Coefficients of a lattice with several orbitals, without spin-orbit coupling.

H(k) real and symmetric up to phases of the orbitals (every one on an inversion centre), local
impurities that do not mix orbitals, with strengths gi_a, gz_a,
gp_a of orbital a.  Self-energies, vertices and ladders become vectors and matrices over the
orbitals; with the pair function of a minority propagator at z1 and a majority one at z2,

    X(z1, z2)_ab = int_k G_down(z1)_ab G_up(z2)_ba,      S = diag(gi - gz),

the dressed exchange vertex is V = (1 - S X(z, z))^-1 (-M) and

    Y(z1, z2) = M^T (1 - X S)^-1 X M,
    A = (1/pi) Re [Y^RA - Y^RR],   dS = (1/pi) {int f Im (d1 - d2) Y^RR - Im Y^RA},
    R_a = int_k [G_d1 v G_d1 V1 G_u1 v G_u2 - G_d1 v G_d2 V2 G_u2 v G_u2]_aa,
    Q = int_k tr V G_d v G_d V G_u v G_u,
    Jad + i Jna = (1/pi) { -M^T (1 - X^RA S)^-1 R - i Im Q^RR },

all weighted with -f' except the sea integral.  All results are per cell.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.coefficients import Coefficients
from negf_torque.gradient.crystal import Crystal, Zone
from negf_torque.gradient.crystal_born import (
    MESH_SIZES,
    CrystalSolution,
    Strengths,
    converge,
    expected_error,
    propagator,
    solve_crystal,
    strengths_of,
)
from negf_torque.gradient.energy_rules import EnergyRule, sea_rule
from negf_torque.gradient.terms import ratio
from negf_torque.gradient.thermal import thermal_nodes

__all__ = ["crystal_coefficients"]

def _total_slopes(s: CrystalSolution, strengths: Strengths) -> NDArray:
    """dz/dE along the solution, (2, n)."""
    n = s.z.shape[1]
    same, other, eye = strengths.same[:, None], strengths.other[:, None], np.eye(n)
    jacobian = np.block(
        [
            [eye - same * s.pairs[0], -other * s.pairs[1]],
            [-other * s.pairs[0], eye - same * s.pairs[1]],
        ]
    )
    return np.linalg.solve(jacobian, np.ones(2 * n)).reshape(2, n)


def _surface(zone: Zone, s: CrystalSolution, strengths: Strengths, vertex: bool) -> dict:
    """Everything weighted with -f' at one energy."""
    n = zone.crystal.orbitals
    m = zone.crystal.half_splitting.astype(complex)
    rung = strengths.transverse if vertex else np.zeros(n)

    def pair_integrand(h: NDArray, _: NDArray | None) -> NDArray:
        up, down = propagator(h, s.z[0]), propagator(h, s.z[1])
        rr = down * up.swapaxes(1, 2)
        ra = down * up.conj()  # the advanced one is the adjoint
        return np.concatenate([rr.reshape(len(h), -1), ra.reshape(len(h), -1)], axis=1)

    rr, ra = zone.average(pair_integrand).reshape(2, n, n)
    v1 = np.linalg.solve(np.eye(n) - rung[:, None] * rr, -m)
    dressed = np.linalg.solve((np.eye(n) - ra * rung).T, m)  # M^T (1 - X S)^-1
    y_ra = dressed @ ra @ m
    y_rr = np.linalg.solve((np.eye(n) - rr * rung).T, m) @ rr @ m

    def current_integrand(h: NDArray, v: NDArray) -> NDArray:
        up, down = propagator(h, s.z[0]), propagator(h, s.z[1])
        up_a, down_a = up.conj().swapaxes(1, 2), down.conj().swapaxes(1, 2)
        dv, vu, vu_a = down @ v, v @ up, v @ up_a
        first = (dv @ (down * v1)) @ up @ vu_a
        second = (dv @ (down_a * v1.conj())) @ up_a @ vu_a
        r = np.einsum("kaa->ka", first - second)
        q = np.einsum("kab,kba->k", (v1[:, None] * dv) @ (down * v1), up @ vu)
        vd, vd_a = v @ down, v @ down_a
        sigma = [
            np.einsum("kab,kba->k", vu, vu_a), np.einsum("kab,kba->k", vu, vu),
            np.einsum("kab,kba->k", vd, vd_a), np.einsum("kab,kba->k", vd, vd),
        ]
        return np.concatenate([r, np.stack([q, *sigma], axis=1)], axis=1)

    value = zone.average(current_integrand, velocity=True)
    r, (q, uu_a, uu, dd_a, dd) = value[:n], value[n:]
    return {
        "damping_ra": y_ra.real / np.pi,
        "damping_rr": -y_rr.real / np.pi,
        "spin_ra": -y_ra.imag / np.pi,
        "current_ra": -(dressed @ r) / np.pi,
        "current_rr": -q.imag / np.pi,
        "sigma_up": (uu_a - uu).real / (2 * np.pi),
        "sigma_down": (dd_a - dd).real / (2 * np.pi),
    }


def _converged_surface(crystal, energy, impurities, tolerance, start, first, method, vertex):
    """Solution and Fermi-surface terms on meshes refined until the terms stand still as well."""
    strengths = strengths_of(impurities, crystal.orbitals)
    s = solve_crystal(crystal, energy, impurities, tolerance, start, first, method)
    if s.size == 0:
        return s, _surface(Zone(crystal, 0, tolerance), s, strengths, vertex)
    # the ladder amplifies what the self-energies violate of their equation
    inner = max(1e-3 * tolerance, 1e-13)
    # self-energies stand still on s.size; torques, of more propagators, later
    coarsest = max(n for n in MESH_SIZES if n < s.size)
    sizes: list[int] = []
    changes: list[float] = []
    moves: list[float] = []
    found: dict = {}
    for size in (n for n in MESH_SIZES if n >= coarsest):
        zone = Zone(crystal, size)
        try:
            z, g, pairs, residual = converge(zone, complex(energy), strengths, s.z, inner)
        except ArithmeticError:
            if sizes:
                raise
            continue  # a comb of levels, coarser than the mesh that had a solution
        finer = _surface(zone, CrystalSolution(energy, z, g, pairs, size, 0.0, residual),
                         strengths, vertex)
        sizes.append(size)
        if not found:
            s = replace(s, z=z)
        else:
            changes.append(_relative_change(found, finer))
            moves.append(float(abs(z - s.z).max()))
            # the same propagators make z and the torques: the slower of both rates counts, and
            # never more than a factor of five, since an oscillating change may be small by accident
            left = [expected_error(sizes[-3:], c[-2:]) / c[-1] for c in (changes, moves) if c[-1]]
            error = changes[-1] * max(0.2, *left) if left else 0.0
            s = CrystalSolution(complex(energy), z, g, pairs, size, error, residual)
            # self-energies of about 0.1 eV: their absolute tolerance is ten times finer than this
            if error <= 10 * tolerance:
                return s, finer
        found = finer
    raise ArithmeticError(
        f"Fermi-surface averages not converged with {s.size} points an axis "
        f"(expected error {s.error:.1g})"
    )


def _relative_change(old: dict, new: dict) -> float:
    """Largest change of the torques, relative to the damping and to the adiabatic torque."""
    damping = abs(new["damping_ra"] + new["damping_rr"])
    adiabatic, total = abs(new["current_ra"].real), new["sigma_up"] + new["sigma_down"]
    surface = new["current_ra"].imag + new["current_rr"]
    changes = [
        abs(old["current_ra"] - new["current_ra"]) / max(adiabatic, 0.01 * total, 1e-300),
        abs(old["current_ra"].imag + old["current_rr"] - surface) / max(
            abs(surface), 0.01 * adiabatic, 1e-3 * total, 1e-300),
        abs(old["damping_ra"] + old["damping_rr"] - new["damping_ra"] - new["damping_rr"])
        / max(damping, 0.02 * abs(new["damping_ra"]), 1e-300),
    ]
    return float(max(changes))


def _sea(zone: Zone, s: CrystalSolution, strengths: Strengths, vertex: bool) -> complex:
    """(d1 - d2) Y^RR/pi at one energy of the contour."""
    n = zone.crystal.orbitals
    m = zone.crystal.half_splitting.astype(complex)
    rung = strengths.transverse if vertex else np.zeros(n)
    slope = _total_slopes(s, strengths)

    def integrand(h: NDArray, _: NDArray | None) -> NDArray:
        up, down = propagator(h, s.z[0]), propagator(h, s.z[1])
        pair = down * up.swapaxes(1, 2)
        d_down = -(down * slope[1]) @ down
        d_up = -(up * slope[0]) @ up
        change = d_down * up.swapaxes(1, 2) - down * d_up.swapaxes(1, 2)
        return np.concatenate([pair.reshape(len(h), -1), change.reshape(len(h), -1)], axis=1)

    pair, change = zone.average(integrand).reshape(2, n, n)
    left = np.linalg.solve((np.eye(n) - pair * rung).T, m)
    right = np.linalg.solve(np.eye(n) - rung[:, None] * pair, m)
    return left @ change @ right / np.pi


def crystal_coefficients(
    crystal: Crystal,
    chemical_potential: float,
    impurities: ImpurityStrengths,
    *,
    thermal_energy: float = 0.0,
    tolerance: float = 1e-6,
    vertex: bool = True,
    method: str = "mesh",
    contour_nodes: int = 24,
    thermal_order: int = 14,
    progress: Callable[[int, int], None] | None = None,
) -> Coefficients:
    """All coefficients of a lattice with any number of orbitals, per cell.

    Parameters
    ----------
    crystal : Crystal
        H(k) must be real: every orbital on an inversion centre.  Use `spiral` otherwise.
    chemical_potential : float
    impurities : ImpurityStrengths
        Scalars or one strength per orbital, eV^2.  Uniaxial moments: axis fixed in space.
    thermal_energy : float
        k_B T, eV.
    tolerance : float
        Of the self-energies (eV), which sets the meshes; torques are refined until their
        relative change extrapolates to less than ten times this number.
    method : {"mesh", "adaptive"}
        Uniform meshes, or iterated adaptive quadrature for small broadening.
    contour_nodes, thermal_order : int
        Energies of the Fermi-sea contour and of the thermal average.
    progress : callable, optional
        Called after each energy with the number of energies done and their total.

    Raises
    ------
    ValueError
        If H(k) is not real, or the temperature is negative.
    ArithmeticError
        If a self-consistency or a mesh does not converge.
    """
    if not crystal.is_symmetric:
        raise ValueError(
            "crystal: an orbital is not on an inversion centre (H(-k) is not H(k) up to signs of "
            "orbitals, or hoppings are complex). Use the spiral route, which needs no symmetry."
        )
    if not (np.isfinite(thermal_energy) and thermal_energy >= 0):
        raise ValueError(f"thermal_energy: {thermal_energy!r} eV. Give k_B T, 0 or more.")
    strengths = strengths_of(impurities, crystal.orbitals)
    mu = float(chemical_potential)
    if thermal_energy:
        x, weight = thermal_nodes(thermal_order)
        surface = EnergyRule(thermal_energy * x, weight)
    else:
        surface = EnergyRule(np.zeros(1), np.ones(1))
    largest = np.sqrt(np.max(strengths.same + strengths.other))
    floor = crystal.edges[0] - crystal.half_splitting.max() - 2 * largest
    width = max(mu - floor, 0.0) + 0.1 * (crystal.edges[1] - crystal.edges[0]) + largest / 4
    sea = sea_rule(thermal_energy, width, contour_nodes)
    done, total = 0, len(surface.offset) + len(sea.offset)

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    terms, solutions, start, size = [], [], None, 0
    for offset, weight in zip(surface.offset, surface.weight, strict=True):
        allowed = min(tolerance * surface.weight.max() / weight, 1e-2)
        s, found = _converged_surface(
            crystal, mu + offset, impurities, allowed, start, size // 4, method, vertex
        )
        terms.append(found)
        solutions.append(s)
        start, size = s.z, s.size
        step()
    average = {
        name: sum(w * t[name] for w, t in zip(surface.weight, terms, strict=True))
        for name in terms[0]
    }
    spin_sea, errors = 0j, [s.error for s in solutions]
    start = None
    heaviest = np.abs(sea.weight).max()
    for offset, weight in zip(sea.offset, sea.weight, strict=True):
        # nodes close to the Fermi energy need fine meshes but weigh next to nothing
        allowed = min(0.1 * tolerance * heaviest / abs(weight), 1e-3)
        s = solve_crystal(crystal, mu + offset, impurities, allowed, start)
        # two propagators and a derivative need a finer mesh than the self-energy
        finer = next((n for n in MESH_SIZES if n > s.size), s.size)
        spin_sea += weight * _sea(Zone(crystal, finer), s, strengths, vertex)
        errors.append(s.error * abs(weight) / heaviest)
        start = s.z
        step()
    level = solutions[len(solutions) // 2]
    if thermal_energy:
        level = solve_crystal(crystal, mu, impurities, tolerance, level.z, level.size // 2, method)
    return _collect(crystal, level, strengths, average, spin_sea.imag, max(errors))


def _collect(crystal, s: CrystalSolution, strengths, average, spin_sea, error) -> Coefficients:
    self_energy = strengths.same * s.g + strengths.other * s.g[::-1]
    dos = (-s.g.imag / np.pi).sum(axis=1)
    # the width of the states at the Fermi level: weighted with their orbital content
    weighted = np.sum(-self_energy.imag * -s.g.imag / np.pi, axis=1)
    lifetime = ratio(0.5 * dos, weighted)
    sigma = np.array([average["sigma_up"], average["sigma_down"]])
    parts = {
        "damping_surface": average["damping_ra"],
        "damping_sea": average["damping_rr"],
        "spin_surface": average["spin_ra"],
        "spin_sea": spin_sea,
        "adiabatic_surface": average["current_ra"].real,
        "adiabatic_sea": 0.0,
        "nonadiabatic_surface": average["current_ra"].imag,
        "nonadiabatic_sea": average["current_rr"],
    }
    parts = {name: np.asarray(value, float) for name, value in parts.items()}
    # sigma = e^2 nu v_x^2 tau defines the velocity
    speed = np.sqrt(crystal.dimension * np.maximum(ratio(sigma, dos * lifetime), 0))
    return Coefficients(
        self_energy=self_energy,
        dos=dos,
        lifetime=lifetime,
        conductivity=sigma,
        mean_free_path=speed * lifetime,
        spin_renormalisation=parts["spin_surface"] + parts["spin_sea"],
        damping=parts["damping_surface"] + parts["damping_sea"],
        adiabatic=parts["adiabatic_surface"],
        nonadiabatic=parts["nonadiabatic_surface"] + parts["nonadiabatic_sea"],
        parts=parts,
        residual=float(max(error, s.residual)),
    )
