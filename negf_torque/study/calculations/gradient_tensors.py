"""`kind = "gradient_tensors"`: damping, spin-orbit and spin-transfer torques of any bulk magnet.

The general gradient expansion with spin-orbit coupling: the damping tensor, the spin-orbit torque
and the tensor of field times texture as functions of the magnetisation's direction, for the
Rashba square lattice or a Kwant crystal of your own, with self-consistent Born disorder and all
vertex corrections, split into Fermi-surface and Fermi-sea parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, Table, key
from negf_torque.study.calculations._tensors_variables import VARIABLES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "System", "figures", "listings", "run", "summary"]


class ImpurityTable(Table):
    """`[system.impurities]`: variances of the random potential, per cell and orbital."""

    nonmagnetic: float = key("Concentration times potential squared.", 0.0, unit="eV^2", ge=0)
    transverse: float = key(
        "Moments: variance of each component across their axis (isotropic if it stands alone).",
        0.0,
        unit="eV^2",
        ge=0,
    )
    longitudinal: float | None = key(
        "Moments: variance of the component along their axis; default as across.",
        None,
        unit="eV^2",
        ge=0,
    )
    axis: tuple[float, float, float] = key("Axis of the moments.", (0.0, 0.0, 1.0))

    @field_validator("axis")
    @classmethod
    def _direction(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if not any(value):
            raise ValueError("has no direction. Give three components, not all zero.")
        return value

    @model_validator(mode="after")
    def _something(self) -> ImpurityTable:
        if not (self.nonmagnetic or self.transverse or self.longitudinal):
            raise ValueError("has no impurities. A clean metal has no finite torque per field.")
        return self


class System(Table):
    """The `[system]` table: the crystal, its exchange, its disorder."""

    builder: str = key(
        'A function that returns a lattice.bulk.BulkMagnet, "file.py:function", instead of the '
        "square lattice; spin-orbit coupling included, on-site exchange.",
        "",
    )
    parameters: dict[str, Any] = key("Keyword arguments of the function.", {})
    hopping: float = key("Square lattice: t, matrix element -t.", 1.0, unit="eV", gt=0)
    rashba: float = key("Square lattice: rashba (sigma_x sin ky - sigma_y sin kx).", 0.5, unit="eV")
    exchange: float = key("Square lattice: exchange splitting 2M.", 1.2, unit="eV", gt=0)
    lattice_constant: float = key("Square lattice: edge of the cell.", 0.3, unit="nm", gt=0)
    chemical_potential: float = key("From the zero of the lattice's energies.", 0.0, unit="eV")
    impurities: ImpurityTable = key("The disorder.")
    local_spin: float = key(
        "Spin of the localised moments, added to that of the electrons.", 0.0,
        unit="hbar per cell", ge=0,
    )  # fmt: skip

    @field_validator("builder")
    @classmethod
    def _reference(cls, value: str) -> str:
        if value and ":" not in value:
            raise ValueError('is not a function. Give "file.py:function".')
        return value


MAY_BE_UNDEFINED = {
    "alpha_smaller": "there is no spin to be damped",
    "alpha_larger": "there is no spin to be damped",
    "beta": "there is no adiabatic torque",
}


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["gradient_tensors"] = key("Tensors of damping and current-induced torques.")
    angles: list[float] = key(
        "Polar angles of the magnetisation from z.",
        [0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0],
        unit="deg",
        min_length=1,
    )
    azimuth: float = key("Azimuth of the magnetisation from x.", 20.0, unit="deg")
    temperature: float = key("Temperature of the electrons.", 0.0, unit="K", ge=0)
    texture: bool = key("Compute the field-in-texture tensor (most of the time).", True)
    bare: bool = key("Also without vertex corrections, for comparison.", True)
    tolerance: float = key(
        "Absolute error of the tensors that is asked for, in their units.", 1e-6,
        ge=1e-11, le=1e-2,
    )  # fmt: skip

    @field_validator("angles")
    @classmethod
    def _ascending(cls, value: list[float]) -> list[float]:
        if any(not 0 <= angle <= 180 for angle in value):
            raise ValueError("leaves 0 ... 180 degrees.")
        if any(b <= a for a, b in zip(value, value[1:], strict=False)):
            raise ValueError("does not ascend. Give each angle once, smallest first.")
        return value


def run(card: Card, progress: Progress) -> xr.Dataset:
    """All tensors at every angle."""
    from negf_torque.study.calculations._tensors_dataset import calculate

    return calculate(card, progress)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """The coefficients at the first and last angle."""
    converged = bool(dataset.attrs.get("converged", True))
    found = []
    for index in dict.fromkeys((0, dataset.sizes["angle"] - 1)):
        one = dataset.isel(angle=index)
        label, error = f"{float(one['angle']):g} deg", float(one["tensor_error"])

        def add(name: str, value: float, unit: str, note: str = "", exact: bool = True) -> None:
            found.append(
                Scalar(f"{name}[{label}]", value, unit, error if exact else None, converged, note)  # noqa: B023
            )

        for which, text in enumerate(("smaller", "larger")):
            if "alpha" in one:
                name, note = f"alpha_{text}", "principal value across n"
                add(name, float(one["alpha"][which]), "1", note, exact=False)
            value = float(one["damping_principal"][which])
            add(f"damping_{text}", value, "hbar per cell")
        add("spin", float(one["spin"]), "hbar per cell", "of the electrons")
        for name in ("field_like", "damping_like"):
            note = VARIABLES[name].convention
            add(name, float(one[name].sel(part="total")), "nm per cell", note)
        if "beta" in one:
            for name in ("adiabatic", "nonadiabatic"):
                along = one["spin_transfer"].sel(
                    part="total", invariant=name, field="x", gradient="x"
                )
                add(name, float(along), "nm^2 per cell", "field and texture along x")
            add("beta", float(one["beta"]), "1", "nonadiabatic/adiabatic", exact=False)
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Damping and spin-orbit torque, angle by angle."""
    columns = ["angle (deg)", "damping, smaller", "damping, larger", "spin", "field-like",
               "damping-like"]  # fmt: skip
    rows = []
    for index, angle in enumerate(dataset["angle"].values):
        one = dataset.isel(angle=index)
        torques = [float(one[n].sel(part="total")) for n in ("field_like", "damping_like")]
        rows.append(
            (float(angle), *map(float, one["damping_principal"].values), float(one["spin"]),
             *torques)
        )  # fmt: skip
    title = "Damping and spin (hbar per cell), spin-orbit torque (nm per cell)"
    return [Listing(title, tuple(columns), tuple(rows))]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_tensors_figures`."""
    from negf_torque.study.calculations._tensors_figures import figures as draw

    return draw(dataset)


def estimate(card: Card) -> list[Scalar]:
    """Size of the problem."""
    from negf_torque.gradient.meshing import choose_mesh
    from negf_torque.study.calculations._tensors_dataset import impurities_of, model_of

    model = model_of(card, np.array([0.0, 0.0, 1.0]))
    mu = card.system.chemical_potential
    choice = choose_mesh(
        model, impurities_of(card, model), mu, card.calculation.tolerance, 1_000_000
    )
    note = "per direction at the Fermi energy" if choice.converged else "at least; very clean"
    found = [Scalar(f"mesh[{i}]", size, "1", note=note) for i, size in enumerate(choice.mesh.sizes)]
    per_point = 5e-5 if card.calculation.texture else 2e-5
    runs = len(card.calculation.angles) * (2 if card.calculation.bare else 1)
    seconds = runs * 8 * choice.mesh.points * per_point * (model.orbitals / 2) ** 2
    note = "T = 0; a thermal average takes about twelve times as long"
    return [*found, Scalar("time", float(f"{seconds:.2g}"), "s", note=note)]
