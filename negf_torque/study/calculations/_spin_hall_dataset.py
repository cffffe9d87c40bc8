"""Spin Hall conductivities of a card as a labelled dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.kubo.response import Integration, bulk_response
from negf_torque.gradient.kubo.symmetry import find_operations
from negf_torque.gradient.observables import current_of, velocity_observables
from negf_torque.study.calculations._spin_hall_variables import CONTRIBUTIONS, VARIABLES
from negf_torque.study.calculations._spin_orbit_tables import ImpurityTable, scatterers_of
from negf_torque.study.labels import labelled
from negf_torque.units import ELEMENTARY_CHARGE, HBAR_SI

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.gradient.model import BulkModel
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["calculate"]

#: Rows of the observables: v_x, v_y, v_z, then J^a_i in the order 3 a + i.
_FLOW, _FORCE, _SPIN_FLOW = 1, 1, 3 + 6


@dataclass(frozen=True)
class Metal:
    """The card's metal."""

    model: BulkModel
    observables: np.ndarray
    symmetry: list
    siemens: float


def metal_of(card: Card) -> Metal:
    """Build the crystal, its symmetry and the factor from chi to S/m."""
    from negf_torque.lattice.spin_orbit_models import orbital_metal

    s = card.system
    crystal = orbital_metal(s.metal.material(), s.lattice, s.lattice_constant)
    model = bulk_model(crystal)
    flows = current_of(model).reshape(9, *model.hoppings.shape)
    observables = np.concatenate([velocity_observables(model), flows])
    symmetry = find_operations(model, crystal.basis.represent)
    volume = abs(np.linalg.det(model.lattice)) * 1e-9  # nm^3 to nm^2 m
    return Metal(model, observables, symmetry, ELEMENTARY_CHARGE**2 / HBAR_SI / volume)


def _read(metal: Metal, chi: np.ndarray) -> tuple[Any, Any]:
    """Conductivity and spin Hall conductivity, S/m, from chi (..., a, d)."""
    return (
        metal.siemens * chi[..., _FLOW, _FORCE],
        metal.siemens * chi[..., _SPIN_FLOW, _FORCE],
    )


def calculate(card: Card, progress: Progress) -> xr.Dataset:
    """Curves against energy, concentration and thickness."""
    s, table, metal = card.system, card.calculation, metal_of(card)
    energies = np.unique([*table.energies, s.chemical_potential])
    progress.start("curves against energy", 2)
    mesh = Integration(mesh=(table.intrinsic_mesh,) * 3)
    clean = bulk_response(
        metal.model, metal.observables, energies, 0.0, parts="sea", symmetry=metal.symmetry,
        integration=mesh,
    )  # fmt: skip
    progress.advance(note="intrinsic")
    wide = bulk_response(
        metal.model, metal.observables, energies, s.broadening, symmetry=metal.symmetry,
        integration=mesh,
    )  # fmt: skip
    progress.advance(note="broadened")
    conductivity, broadened = _read(metal, wide.total)
    values: dict[str, Any] = {
        "intrinsic": _read(metal, clean.total)[1],
        "spin_hall_broadened": broadened,
        "conductivity_broadened": conductivity,
    }
    coords: dict[str, Any] = {"energy": energies}
    converged = True
    notes: list[str] = []
    if s.impurities is not None and table.concentrations:
        rows, converged, notes = _concentrations(card, metal, progress)
        values |= rows | _scaling(rows)
        coords |= {"concentration": table.concentrations, "contribution": list(CONTRIBUTIONS)}
    if s.film is not None:
        values |= _film(card, values, energies)
        coords["thickness"] = np.unique([*table.thicknesses, s.film.thickness])
    return labelled(
        VARIABLES, values, coords, converged=converged, warnings=notes,
        chemical_potential=s.chemical_potential,
        film_thickness=s.film.thickness if s.film else np.nan,
    )  # fmt: skip


def _concentrations(card, metal, progress) -> tuple[dict[str, np.ndarray], bool, list[str]]:
    """Conductivities with impurities, and with the same impurities in second order."""
    from negf_torque.gradient.kubo.dressed import dressed_response

    s, table = card.system, card.calculation
    progress.start("impurities", 2 * len(table.concentrations))
    mesh = (table.mesh,) * 3 if table.mesh else None
    conductivity, hall, converged, notes = [], [], True, []
    for c in table.concentrations:
        totals = {}
        for theory in dict.fromkeys((s.impurities.theory, "born")):
            species = ImpurityTable(
                theory=theory, concentration=c, potential=s.impurities.potential,
                spin_orbit=s.impurities.spin_orbit,
            )  # fmt: skip
            chi = dressed_response(
                metal.model, metal.observables, s.chemical_potential,
                scatterers_of(species, s.metal.shells), symmetry=metal.symmetry, mesh=mesh,
                tolerance=table.tolerance * s.lattice_constant**2,
            )  # fmt: skip
            totals[theory] = chi
            converged = converged and chi.converged
            if not chi.converged:
                worst = {name: f"{value:.1e}" for name, value in chi.errors.items()}
                notes.append(f"concentration {c:g}, {theory}: not converged {worst}")
            progress.advance(note=f"{c:g}, {theory}")
        chi, born = totals[s.impurities.theory], totals["born"]
        sigma, total = _read(metal, chi.total)
        bubble = _read(metal, chi.bare)[1]
        conductivity.append(sigma)
        hall.append([total, bubble, total - bubble, total - _read(metal, born.total)[1]])
    sigmas, spin_hall = np.array(conductivity), np.array(hall)
    return {
        "conductivity": sigmas, "resistivity": 1 / sigmas, "spin_hall": spin_hall,
        "spin_hall_angle": spin_hall[:, 0] / sigmas,
    }, converged, notes  # fmt: skip


def _scaling(rows: dict[str, np.ndarray]) -> dict[str, float]:
    """a and b of spin_hall = a conductivity + b."""
    sigma, hall = rows["conductivity"], rows["spin_hall"][:, 0]
    if len(sigma) < 3:
        return {}
    matrix = np.stack([sigma, np.ones_like(sigma)], axis=1)
    # relative weights: a decade of concentrations counts alike
    weight = 1 / np.abs(hall).clip(1e-300)
    (a, b), *_ = np.linalg.lstsq(matrix * weight[:, None], hall * weight, rcond=None)
    left = np.linalg.norm((matrix @ [a, b] - hall) * weight) / np.sqrt(len(hall))
    return {"skew_angle": float(a), "constant_part": float(b), "scaling_residual": float(left)}


def _film(card: Card, values: dict[str, Any], energies: np.ndarray) -> dict[str, np.ndarray]:
    """Torque efficiencies by drift and diffusion."""
    from negf_torque.circuit.spin_hall import spin_hall_efficiency

    film, table = card.system.film, card.calculation
    if "spin_hall_angle" in values:
        angle, sigma = values["spin_hall_angle"][0], values["conductivity"][0]
    else:
        at = int(np.argmin(np.abs(energies - card.system.chemical_potential)))
        sigma = values["conductivity_broadened"][at]
        angle = values["spin_hall_broadened"][at] / sigma
    thickness = np.unique([*table.thicknesses, film.thickness])
    xi = spin_hall_efficiency(
        float(angle), float(sigma), film.spin_flip_length * 1e-9, thickness * 1e-9,
        complex(*film.mixing) * 1e15,
    )  # fmt: skip
    return {"xi_DL": xi.real, "xi_FL": xi.imag}
