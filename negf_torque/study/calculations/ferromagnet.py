"""`kind = "ferromagnet"`: damping, spin-transfer torque and beta of a disordered bulk magnet.

The gradient expansion of a ferromagnet without spin-orbit coupling, exact within the
self-consistent Born approximation: one band (parabolic, cubic lattices, tabulated) or any lattice
with several orbitals, from the card or from a Kwant builder.  Sweeps and maps show how the
coefficients depend on exchange, chemical potential, impurities and temperature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Scalar, Table, key
from negf_torque.study.calculations._ferromagnet_variables import VARIABLES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.bulk import TextureTorque
    from negf_torque.llg.export import Simulation
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "System", "figures", "llg_parameters", "run", "summary"]

Matrix = list[list[float]]
SWEPT = (
    "exchange", "chemical_potential", "nonmagnetic", "magnetic", "longitudinal", "transverse",
    "temperature",
)
Swept = Literal[
    "exchange", "chemical_potential", "nonmagnetic", "magnetic", "longitudinal", "transverse",
    "temperature",
]


class ImpurityTable(Table):
    """`[system.impurities]`: variances of the random potential, per cell."""

    nonmagnetic: float = key("Concentration times potential squared.", 0.0, unit="eV^2", ge=0)
    magnetic: float | None = key(
        "Isotropic moments: concentration times J^2 S^2/3, H = -J S.sigma.", None, unit="eV^2", ge=0
    )
    longitudinal: float = key(
        "Uniaxial moments: variance of the component along the axis.", 0.0, unit="eV^2", ge=0
    )
    transverse: float = key(
        "Uniaxial moments: variance of each component across the axis.", 0.0, unit="eV^2", ge=0
    )
    axis: Literal["fixed", "following"] = key(
        "Whether the axis of uniaxial moments is fixed in space or follows the texture.", "fixed"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> ImpurityTable:
        if self.magnetic is not None and (self.longitudinal or self.transverse):
            raise ValueError(
                "gives magnetic (isotropic moments) and longitudinal or transverse (uniaxial "
                "ones). Give one kind."
            )
        return self


class HoppingTable(Table):
    """`[[system.hoppings]]`: one harmonic of a lattice with several orbitals."""

    displacement: list[float] = key("Distance to the other cell.", unit="nm", min_length=1)
    matrix: Matrix = key("<0|H|R> between the orbitals; its mirror at -R is added.", unit="eV")


class System(Table):
    """The `[system]` table: the band and its exchange."""

    band: Literal[
        "parabolic", "square", "simple_cubic", "body_centred_cubic", "face_centred_cubic",
        "tabulated", "crystal",
    ] = key('The band; "crystal" is given by `lattice` and `hoppings`.', "parabolic")
    builder: str = key(
        'A function that returns a lattice.bulk.BulkMagnet, "file.py:function", instead of a band.',
        "",
    )
    parameters: dict[str, Any] = key("Keyword arguments of the function.", {})
    exchange: float | list[float] = key(
        "Exchange splitting 2M of both spins; for a crystal one for all orbitals or one each.",
        1.0,
        unit="eV",
    )
    chemical_potential: float = key(
        "From the bottom of the unsplit parabolic band, from the zero of the lattice's energies "
        "otherwise.",
        0.0,
        unit="eV",
    )
    dimension: int = key("Dimension of the parabolic band.", 3, ge=1, le=3)
    mass: float = key("Effective mass of the parabolic band.", 1.0, unit="electron masses", gt=0)
    hopping: float = key("Nearest-neighbour t, matrix element -t.", 1.0, unit="eV", gt=0)
    lattice_constant: float = key(
        "Edge a of the cubic cell; for a parabolic band a^d is the cell that impurities and "
        "spins are counted in.",
        0.3,
        unit="nm",
        gt=0,
    )
    energies: list[float] = key("Energies of a tabulated band, increasing.", [], unit="eV")
    dos: list[float] = key("States per eV, spin and cell of a tabulated band.", [], unit="1/eV")
    velocity_dos: list[float] = key(
        "v_x^2-weighted density of states of a tabulated band, (hbar v)^2.", [], unit="eV nm^2"
    )
    lattice: Matrix = key("Primitive vectors of a crystal.", [], unit="nm")
    hoppings: list[HoppingTable] = key("Harmonics of a crystal, on-site matrix included.", [])
    impurities: ImpurityTable = key("The disorder.", ImpurityTable)
    local_spin: float = key(
        "Spin of the localised moments, added to that of the electrons.", 0.0, unit="hbar per cell",
        ge=0,
    )

    @field_validator("exchange")
    @classmethod
    def _splits(cls, value: float | list[float]) -> float | list[float]:
        values = value if isinstance(value, list) else [value]
        if not values or min(values) < 0 or max(values) == 0:
            raise ValueError(
                f"is {value}, not a ferromagnet's splitting. Give 2M > 0: the majority spin is "
                "'up' by definition."
            )
        return value

    @model_validator(mode="after")
    def _complete(self) -> System:
        if self.builder:
            if ":" not in self.builder:
                raise ValueError('has a builder that is not "file.py:function".')
            return self
        if self.band == "tabulated" and not (self.energies and self.dos and self.velocity_dos):
            raise ValueError("lacks the table of its band. Give energies, dos and velocity_dos.")
        if self.band == "crystal" and not (self.lattice and self.hoppings):
            raise ValueError("lacks its crystal. Give lattice and hoppings.")
        if self.band != "crystal" and isinstance(self.exchange, list):
            raise ValueError("has one band but a list of exchange splittings. Give one number.")
        return self

    @property
    def file(self) -> str:
        """The builder's file as the card gives it."""
        return self.builder.rpartition(":")[0]

    @property
    def function(self) -> str:
        """The builder's function."""
        return self.builder.rpartition(":")[2]

    @property
    def is_crystal(self) -> bool:
        """Whether the general lattice route is needed."""
        return bool(self.builder) or self.band == "crystal"


class SweepTable(Table):
    """One parameter and its values, given or from a range."""

    parameter: Swept = key(
        "The parameter; exchange means 2M, temperature is in K, impurities in eV^2."
    )
    values: list[float] = key("The values, instead of a range.", [])
    start: float | None = key("First value of a range.", None)
    stop: float | None = key("Last value of a range.", None)
    points: int = key("Number of values of a range.", 41, ge=2, le=2000)
    logarithmic: bool = key("Equal ratios instead of equal steps.", False)

    @model_validator(mode="after")
    def _has_values(self) -> SweepTable:
        if not self.values and (self.start is None or self.stop is None):
            raise ValueError("has no values. Give values, or start and stop.")
        ends = [self.start or 0.0, self.stop or 0.0]
        if self.logarithmic and not self.values and min(ends) <= 0:
            raise ValueError("is logarithmic but reaches zero. Give start and stop above 0.")
        sign_free = self.parameter == "chemical_potential"
        if not sign_free and self.array().min() < 0:
            raise ValueError(f"has {self.array().min():g} for {self.parameter}. Give 0 or more.")
        if self.parameter == "exchange" and self.array().min() == 0:
            raise ValueError("has exchange 0, which is not a ferromagnet. Give values above 0.")
        return self

    def array(self) -> np.ndarray:
        """The values."""
        if self.values:
            return np.array(self.values)
        assert self.start is not None and self.stop is not None  # checked with the table
        space: Any = np.geomspace if self.logarithmic else np.linspace
        return space(self.start, self.stop, self.points)


class MapTable(Table):
    """Two parameters at once."""

    x: SweepTable = key("Horizontal axis.")
    y: SweepTable = key("Vertical axis.")

    @model_validator(mode="after")
    def _differ(self) -> MapTable:
        if self.x.parameter == self.y.parameter:
            raise ValueError(f"has {self.x.parameter} on both axes. Give two parameters.")
        if "temperature" in (self.x.parameter, self.y.parameter):
            raise ValueError("has temperature as an axis; sweep it instead.")
        return self


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["ferromagnet"] = key("Bulk coefficients of a textured ferromagnet.")
    temperature: float = key("Temperature of the electrons.", 0.0, unit="K", ge=0)
    tolerance: float = key(
        "Accuracy of self-energies on a crystal, which sets its meshes.", 1e-6, unit="eV",
        ge=1e-12, le=1e-2,
    )
    integration: Literal["mesh", "adaptive"] = key(
        "Zone averages of a crystal: uniform meshes, or adaptive for small broadening.", "mesh"
    )
    spiral: bool = key(
        "Check a crystal's current coefficients by spirals of finite pitch (slow).", False
    )
    sweeps: list[SweepTable] = key("Parameters to vary one at a time.", [])
    map: MapTable | None = key("Two parameters to vary together (one band only).", None)

    @field_validator("sweeps")
    @classmethod
    def _once(cls, value: list[SweepTable]) -> list[SweepTable]:
        names = [sweep.parameter for sweep in value]
        if len(set(names)) < len(names):
            raise ValueError("sweeps a parameter twice. Give each once.")
        return value


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table."""
    problems: dict[tuple, str] = {}
    system, p = card.system, card.calculation
    if system.is_crystal and p.map is not None:
        problems["calculation", "map"] = "maps need a single band. Use sweeps."
    magnetic = system.impurities.magnetic is not None
    for index, sweep in enumerate(p.sweeps):
        if sweep.parameter in ("longitudinal", "transverse") and magnetic:
            problems["calculation", "sweeps", index, "parameter"] = (
                f'"{sweep.parameter}" belongs to uniaxial moments, but impurities.magnetic makes '
                'them isotropic. Sweep "magnetic".'
            )
        if sweep.parameter == "exchange" and system.builder:
            problems["calculation", "sweeps", index, "parameter"] = (
                "the exchange of a Kwant builder is its own. Sweep it through its parameters."
            )
    return problems


def build(card: Card) -> Any:
    """The crystal of the card, or its band: what `negf-torque check` tries out."""
    from negf_torque.study.calculations._ferromagnet_dataset import Material

    material = Material(card)
    return material.band if material.crystal is None else material.crystal


def run(card: Card, progress: Progress) -> xr.Dataset:
    """All coefficients, their parts, sweeps and maps."""
    from negf_torque.study.calculations._ferromagnet_dataset import calculate

    return calculate(card, progress)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """The numbers of one magnet, spin by spin where they differ."""
    converged = bool(dataset.attrs.get("converged", True))
    found = []
    for name, variable in VARIABLES.items():
        if name not in dataset.data_vars or not set(variable.dims) <= {"spin"}:
            continue
        data = dataset[name]
        for label in data["spin"].values if "spin" in data.dims else [None]:
            value = data if label is None else data.sel(spin=label)
            suffix = "" if label is None else f"[{label}]"
            number = value.values.item()
            error = dataset.get(f"{name}_error")
            note = variable.convention if len(variable.convention) < 90 else ""
            if isinstance(number, float) and not np.isfinite(number):
                note = "undefined: nothing conducts here"
            found.append(
                Scalar(
                    name + suffix, number, variable.unit, converged=converged, note=note,
                    error=None if error is None else float(error.values),
                )
            )
    applied = list(dataset.attrs.get("limits_that_apply", []))
    for text in [applied] if isinstance(applied, str) else applied:
        quantity, name, value = text.split("|")
        found.append(Scalar(f"limit[{quantity}]", float(value), "1", note=name))
    return found


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_ferromagnet_figures`."""
    from negf_torque.study.calculations._ferromagnet_figures import figures as draw

    return draw(dataset)


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[TextureTorque, Simulation]:
    """alpha, beta (= xi) and the polarisation of the drift velocity."""
    from negf_torque.llg.bulk import TextureTorque

    table = card.llg
    assert table is not None  # only cards with [llg] come here
    polarisation = float(dataset["polarisation"] * dataset["adiabatic_ratio"])
    torque = TextureTorque(
        polarisation=polarisation,
        beta=float(dataset["beta"]),
        damping=float(dataset["alpha"]),
        saturation_magnetisation=table.saturation_magnetisation,
        response="complete",
        name=card.name,
        provenance="negf_torque {version}, card {card_hash:.16}".format(**dataset.attrs),
        notes=_other_magnetisation(dataset, card),
    )
    return torque, table.simulation(damping=float(dataset["alpha"]))


def _other_magnetisation(dataset: xr.Dataset, card: Card) -> tuple[str, ...]:
    """What to say where the card's M_s is not that of the model's own spins, 2 mu_B S per cell."""
    from negf_torque.study.calculations._ferromagnet_dataset import Material
    from negf_torque.units import BOHR_MAGNETON

    assert card.llg is not None
    material = Material(card)
    if material.dimension != 3:
        return ()
    spin = abs(material.system.local_spin + float(dataset["spin_renormalisation"]))
    own = 2 * BOHR_MAGNETON * spin / (material.cell * 1e-27)
    given = card.llg.saturation_magnetisation
    if abs(own - given) <= 0.01 * given:
        return ()
    return (
        f"Ms, and with it u, is the card's; the model's own spins ({spin:.4g} hbar per cell) make",
        f"{own:.4g} A/m, and alpha is of these.",
    )
