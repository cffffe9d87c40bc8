"""Spin-orbit torques of a card at every direction as a labelled dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.kubo.symmetry import find_operations
from negf_torque.gradient.kubo.torque import (
    TERMS,
    allowed_terms,
    efficiencies,
    fit_terms,
    layer_exchange,
    named_terms,
    point_group_4mm,
    torkance,
)
from negf_torque.gradient.observables import spin_observables, velocity_observables
from negf_torque.spin import direction
from negf_torque.study.calculations._sot_variables import PARTS, VARIABLES
from negf_torque.study.calculations._spin_orbit_tables import respond, scatterers_of
from negf_torque.study.labels import labelled
from negf_torque.units import BOLTZMANN, ELEMENTARY_CHARGE, HBAR_SI

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.lattice.bulk import BulkMagnet
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["calculate"]


@dataclass(frozen=True)
class Film:
    """The card's crystal, and how thick conductor and magnet are."""

    magnet: BulkMagnet
    represent: Any
    layer: np.ndarray
    shells: str
    thickness: float
    magnet_thickness: float


def film_of(card: Card) -> Film:
    """Build the film of the card."""
    from negf_torque.lattice.spin_orbit_models import bilayer, rashba_magnet

    s, a = card.system, card.system.lattice_constant
    if s.model == "custom":
        from negf_torque.study.builders.function import build_bulk

        magnet = build_bulk(s.builder, s.parameters, card.path.parent)
        thick = s.thickness or a
        return Film(magnet, None, np.zeros(2 * len(magnet.exchange), int), "s", thick, thick)
    if s.model == "rashba":
        crystal = rashba_magnet(s.hopping, s.rashba, s.exchange, lattice_constant=a)
        thick = s.thickness or a
        return Film(crystal.magnet(), crystal.basis.represent, crystal.layer, "s", thick, thick)
    crystal = bilayer(
        s.metal.material(), s.metal_layers, s.ferromagnet.material(), s.ferromagnet_layers,
        lattice_constant=a, interface=s.interface,
    )  # fmt: skip
    thick = s.thickness or a * (s.metal_layers + s.ferromagnet_layers)
    return Film(
        crystal.magnet(), crystal.basis.represent, crystal.layer, s.metal.shells, thick,
        a * s.ferromagnet_layers,
    )  # fmt: skip


def calculate(card: Card, progress: Progress) -> xr.Dataset:
    """Every direction of the card, then the expansion over all of them."""
    table, film = card.calculation, film_of(card)
    progress.start("directions", len(table.angles) * len(table.azimuths))
    rows: list[list[dict[str, Any]]] = []
    for azimuth in table.azimuths:
        line = []
        for angle in table.angles:
            n = direction(np.radians(angle), np.radians(azimuth))
            line.append(_one(card, film, n))
            progress.advance(note=f"{angle:g}, {azimuth:g} degrees")
        rows.append(line)
    values = {
        name: np.array([[row[name] for row in line] for line in rows])
        for name in rows[0][0]
        if name not in ("converged", "note")
    }
    values |= _expansion(card, film, values)
    d = film.magnet.lattice.shape[0]
    coords = {
        "angle": table.angles, "azimuth": table.azimuths, "part": list(PARTS),
        "component": list("xyz"), "field": list("xyz"[:d]), "term": list(TERMS),
    }  # fmt: skip
    if "layer_field_like" in values:
        coords["layer"] = np.arange(values["layer_field_like"].shape[-1])
    notes = {row["note"] for line in rows for row in line if row["note"]}
    return labelled(
        VARIABLES, values, coords,
        converged=all(row["converged"] for line in rows for row in line),
        warnings=sorted(notes),
        thickness=film.thickness,
        magnet_thickness=film.magnet_thickness,
        metal_layers=card.system.metal_layers if card.system.model == "bilayer" else 0,
    )  # fmt: skip


def _one(card: Card, film: Film, n: np.ndarray) -> dict[str, Any]:
    """Everything at one direction of the magnetisation."""
    system, table = card.system, card.calculation
    model = bulk_model(film.magnet, n)
    layers = layer_exchange(model, film.layer)
    spins, flows = spin_observables(model), velocity_observables(model)
    observables = np.concatenate([model.exchange, spins, flows])
    resolved = len(layers) > 1
    if resolved:
        observables = np.concatenate([observables, layers.reshape(-1, *model.hoppings.shape)])
    symmetry = [] if film.represent is None else find_operations(model, film.represent)
    impurities = system.impurities
    chi = respond(
        model, observables, system.chemical_potential, BOLTZMANN * table.temperature,
        system.broadening, impurities and scatterers_of(impurities, film.shells), symmetry,
        table.tolerance, 3, **({} if impurities else {"method": table.method}),
    )  # fmt: skip
    missing = np.full_like(chi.surface, np.nan)
    parts = np.stack([chi.surface, chi.sea, chi.total, missing if chi.bare is None else chi.bare])
    torque = torkance(parts[:, :3], n)
    fl, dl = _project(torque[..., 0], n)
    d = model.dimension
    out = {
        "torkance": torque, "field_like": fl, "damping_like": dl,
        "spin": parts[:, 3:6, 0], "conductance": parts[:, 6 : 6 + d, 0],
        "chi_error": chi.error, "converged": chi.converged, "note": chi.note,
    }  # fmt: skip
    if resolved:
        shape = (len(parts), len(layers), 3, d)
        by_layer = torkance(parts[:, 6 + d :].reshape(shape), n)[..., 0]
        out["layer_field_like"], out["layer_damping_like"] = _project(by_layer, n)
    return out


def _project(torque: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tau_FL and tau_DL of torques (..., 3) for F along x; not a number where n is along y."""
    line = np.cross(n, (0.0, 1.0, 0.0))
    size = line @ line
    if size < 1e-12:
        nothing = np.full(torque.shape[:-1], np.nan)
        return nothing, nothing
    return torque @ line / size, torque @ np.cross(n, line) / size


def _expansion(card: Card, film: Film, values: dict[str, np.ndarray]) -> dict[str, Any]:
    """Coefficients of the angular expansion, efficiencies and effective fields."""
    table = card.calculation
    n = np.array(
        [
            direction(np.radians(angle), np.radians(azimuth))
            for azimuth in table.azimuths
            for angle in table.angles
        ]
    )
    terms, group = named_terms(n), point_group_4mm()
    wide = [allowed_terms(group, degree, n) for degree in (4, 3)]
    coefficients, residual, allowed = [], [], []
    for index, part in enumerate(PARTS):
        torque = values["torkance"][:, :, index, :, 0].reshape(-1, 3)
        if not np.all(np.isfinite(torque)):
            coefficients.append(np.full(len(TERMS), np.nan))
            residual.append(np.nan)
            allowed.append(np.nan)
            continue
        chosen = {"surface": [0, 1, 2], "sea": [3, 4, 5]}.get(part, list(range(6)))
        fit = fit_terms(terms[chosen], torque)
        full = np.zeros(len(TERMS))
        full[chosen] = fit.coefficients
        coefficients.append(full)
        residual.append(fit.residual)
        several = {"surface": wide[:1], "sea": wide[1:]}.get(part, wide)
        allowed.append(fit_terms(np.concatenate(several), torque).residual)
    total = PARTS.index("total")
    flow = float(values["conductance"][:, :, total, 0].mean())
    # what a solver knows: both torques without angular dependence
    plain = fit_terms(terms[[0, 3]], values["torkance"][:, :, total, :, 0].reshape(-1, 3))
    field_like, damping_like = plain.coefficients
    xi_dl, xi_fl = efficiencies(field_like, damping_like, flow, film.thickness)
    out: dict[str, Any] = {
        "coefficient": np.array(coefficients), "residual": np.array(residual),
        "residual_allowed": np.array(allowed), "xi_DL": xi_dl, "xi_FL": xi_fl,
        "residual_solver": plain.residual,
    }  # fmt: skip
    if card.llg is not None:
        moment = card.llg.saturation_magnetisation * film.magnet_thickness * 1e-9
        per_current = HBAR_SI * 1e11 / (2 * ELEMENTARY_CHARGE * moment) * 1e3
        out |= {"field_DL": xi_dl * per_current, "field_FL": xi_fl * per_current}
    return out
