"""Tensors of a card at every angle as a labelled dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.gradient.decompose import (
    electron_spin,
    gilbert_damping,
    spin_orbit_torques,
    transverse_parts,
)
from negf_torque.gradient.engine import GradientTensors, TensorParts, gradient_tensors
from negf_torque.gradient.ladder import ScatteringMap, magnetic_impurities
from negf_torque.gradient.model import BulkModel, magnet_model, square_rashba
from negf_torque.spin import direction
from negf_torque.study.calculations._tensors_variables import INVARIANTS, PARTS, VARIABLES
from negf_torque.study.labels import labelled
from negf_torque.units import BOLTZMANN

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["calculate", "impurities_of", "model_of"]

AXES = ("x", "y", "z")


def model_of(card: Card, n: np.ndarray) -> BulkModel:
    """The crystal of the card with its magnetisation along n, lengths in nm."""
    system = card.system
    if system.builder:
        bulk = _from_builder(card)
        return magnet_model(bulk.lattice, bulk.displacements, bulk.hoppings, bulk.exchange, n)
    unit = square_rashba(system.hopping, system.rashba, system.exchange / 2, n)
    a = system.lattice_constant
    return BulkModel(a * unit.lattice, a * unit.displacements, unit.hoppings, unit.exchange)


def _from_builder(card: Card) -> Any:
    """Run the user's function, which the card was allowed to name."""
    from negf_torque.study.builders.function import build_bulk

    return build_bulk(card.system.builder, card.system.parameters, card.path.parent)


def impurities_of(card: Card, model: BulkModel) -> ScatteringMap:
    """Independent impurities on every orbital."""
    table = card.system.impurities
    orbitals = model.orbitals // 2
    return magnetic_impurities(
        table.nonmagnetic,
        table.transverse,
        table.longitudinal,
        axis=table.axis,
        sites=np.stack([np.diag(row) for row in np.eye(orbitals)]),
    )


def calculate(card: Card, progress: Progress) -> xr.Dataset:
    """Every angle, with and without vertex corrections as the card asks."""
    table = card.calculation
    progress.start("directions", len(table.angles) * (2 if table.bare else 1))
    rows: list[dict[str, Any]] = []
    notes: dict[str, None] = {}
    for angle in table.angles:
        n = direction(np.radians(angle), np.radians(table.azimuth))
        complete, flow = _solve(card, n, True)
        progress.advance(note=f"{angle:g} degrees")
        bare = None
        if table.bare:
            bare, _ = _solve(card, n, False)
            progress.advance(note=f"{angle:g} degrees, bare")
        rows.append(_row(card, n, complete, bare, flow))
        notes |= dict.fromkeys(f"{angle:g} degrees: {note}" for note in complete.diagnostics.notes)
    dimension = len(rows[0]["torkance"][0, 0])
    coords = {
        "angle": table.angles,
        "part": list(PARTS),
        "component": list(AXES),
        "component2": list(AXES[:dimension]),
        "along": list(AXES),
        "field": list(AXES[:dimension]),
        "gradient": list(AXES[:dimension]),
        "invariant": list(INVARIANTS),
        "principal": ["smaller", "larger"],
    }
    values = {name: np.stack([row[name] for row in rows]) for name in rows[0] if name != "sound"}
    return labelled(
        VARIABLES, values, coords,
        converged=all(row["sound"] for row in rows), azimuth=table.azimuth, warnings=list(notes),
    )  # fmt: skip


def _solve(card: Card, n: np.ndarray, ladder: bool) -> tuple[GradientTensors, np.ndarray | None]:
    """Tensors and (with the ladder) the conductivity in e^2/hbar."""
    table, model = card.calculation, model_of(card, n)
    impurities, mu = impurities_of(card, model), card.system.chemical_potential
    options: dict[str, Any] = {
        "thermal_energy": BOLTZMANN * table.temperature,
        "vertex": ladder,
        "tolerance": table.tolerance,
    }
    tensors = gradient_tensors(model, mu, impurities, texture=table.texture, **options)
    if not ladder:
        return tensors, None
    velocity = 1j * np.einsum("ri,rmn->irmn", model.displacements, model.hoppings)
    flow = gradient_tensors(
        model, mu, impurities, texture=False, observables=velocity, **options
    ).torkance.total
    return tensors, flow / abs(np.linalg.det(model.lattice))


def _parts(tensor: TensorParts, bare: TensorParts | None) -> np.ndarray:
    """All parts along a leading axis, as in PARTS."""
    missing = np.full_like(tensor.total, np.nan)
    return np.stack(
        [
            tensor.ladder,
            tensor.static,
            tensor.sea,
            tensor.neutrality,
            tensor.total,
            missing if bare is None else bare.total,
        ]
    )


def _row(card, n, complete: GradientTensors, bare, flow) -> dict[str, Any]:
    """Everything at one direction."""
    d = complete.diagnostics
    assert complete.torkance is not None and complete.damping is not None  # all were asked for
    damping = _parts(complete.damping, bare and bare.damping)
    torkance = _parts(complete.torkance, bare and bare.torkance)
    spin = electron_spin(complete.damping.total, n)
    local = card.system.local_spin
    principal = gilbert_damping(complete.damping.total, n, 1.0 - spin)[0]
    torques = np.array([spin_orbit_torques(part, n) for part in torkance])
    per_current = torques[PARTS.index("total")] / flow[0, 0]
    row = {
        "damping": damping,
        "torkance": torkance,
        "spin": spin,
        "damping_principal": principal,
        "alpha": principal / (local + spin) if local + spin > 0 else np.full(2, np.nan),
        "field_like": torques[:, 0],
        "damping_like": torques[:, 1],
        "field_like_per_current": per_current[0],
        "damping_like_per_current": per_current[1],
        "conductivity": flow,
        "level_velocity": complete.level_velocity,
        "density_of_states": complete.density_of_states,
        "tensor_error": d.mesh_error + d.contour_error + d.thermal_error,
        "null_mode": d.null_mode,
        "sound": d.converged,
    }
    if complete.texture is None:
        return row
    texture = _parts(complete.texture, bare and bare.texture)
    transfer = np.stack(
        [transverse_parts(part, n, np.radians(card.calculation.azimuth)) for part in texture]
    )
    adiabatic = transfer[PARTS.index("total"), 1, 0, 0]
    return row | {
        "texture": texture,
        "spin_transfer": transfer,
        "beta": transfer[PARTS.index("total"), 0, 0, 0] / adiabatic if adiabatic else np.nan,
        "field_ratio": complete.field_ratio,
    }
