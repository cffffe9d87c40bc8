"""`kind = "spin_orbit_torque"`: the torque of a current on a magnet with spin-orbit coupling.

A two-dimensional Rashba ferromagnet, a slab of heavy metal and ferromagnet, or a crystal of your
own in a uniform field along x: damping-like and field-like torque at every direction of the
magnetisation, by Fermi surface and Fermi sea, by layer, with constant broadening or with
impurities and their vertex corrections; their expansion in symmetry-allowed terms, efficiencies
and effective fields, and the input of an LLG solver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, Table, key
from negf_torque.study.calculations._sot_variables import VARIABLES
from negf_torque.study.calculations._spin_orbit_tables import (
    MOST_DRESSED,
    ImpurityTable,
    MaterialTable,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.bulk import SpinOrbitTorque
    from negf_torque.llg.export import Simulation
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "READS_LLG",
    "VARIABLES",
    "Parameters",
    "System",
    "check",
    "estimate",
    "figures",
    "listings",
    "llg_parameters",
    "run",
    "summary",
]

READS_LLG = True


class System(Table):
    """The `[system]` table: the film, infinite in x and y, its normal along z."""

    model: Literal["rashba", "bilayer", "custom"] = key(
        "Square-lattice Rashba magnet, slab of metal and ferromagnet, or a builder.", "rashba"
    )
    builder: str = key(
        'Custom: a function that returns a lattice.bulk.BulkMagnet, "file.py:function".', ""
    )
    parameters: dict[str, Any] = key("Custom: keyword arguments of the function.", {})
    lattice_constant: float = key("Edge of the square cell.", 0.3, unit="nm", gt=0)
    thickness: float | None = key(
        "Thickness of the conductor, for efficiencies; default: layers times lattice constant.",
        None, unit="nm", gt=0,
    )  # fmt: skip
    hopping: float = key("Rashba: t, matrix element -t.", 1.0, unit="eV", gt=0)
    rashba: float = key("Rashba: alpha_R (sigma_x sin ky - sigma_y sin kx).", 0.3, unit="eV")
    exchange: float = key("Rashba: exchange splitting 2M.", 0.6, unit="eV")
    metal: MaterialTable | None = key("Bilayer: the heavy metal, below.", None)
    metal_layers: int = key("Bilayer: atomic layers of metal.", 4, ge=0, le=40)
    ferromagnet: MaterialTable | None = key("Bilayer: the ferromagnet, above.", None)
    ferromagnet_layers: int = key("Bilayer: atomic layers of ferromagnet.", 2, ge=1, le=40)
    interface: dict[str, float] | None = key(
        "Bilayer: bonds across the interface; default the mean of both.", None, unit="eV"
    )
    chemical_potential: float = key("From the zero of the orbitals' energies.", 0.0, unit="eV")
    broadening: float | None = key(
        "Constant broadening eta of all states, hbar/2 tau.", None, unit="eV", gt=0
    )
    impurities: ImpurityTable | None = key(
        "Impurities instead of a constant broadening, with vertex corrections.", None
    )

    @model_validator(mode="after")
    def _complete(self) -> System:
        if self.model == "bilayer":
            if self.metal is None or self.ferromagnet is None:
                raise ValueError("is a bilayer without [system.metal] or [system.ferromagnet].")
            if not self.ferromagnet.exchange:
                raise ValueError(
                    "has a ferromagnet without exchange. Set ferromagnet.exchange (eV)."
                )
        if self.model == "custom" and ":" not in self.builder:
            raise ValueError('is custom without a builder. Give builder = "file.py:function".')
        if self.model != "custom" and self.builder:
            raise ValueError('has a builder but is not custom. Set model = "custom".')
        if (self.broadening is None) == (self.impurities is None):
            raise ValueError(
                "needs exactly one of broadening (eV) and [system.impurities]: a clean conductor "
                "has an infinite current."
            )
        return self


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["spin_orbit_torque"] = key("Current-induced torque with spin-orbit coupling.")
    angles: list[float] = key(
        "Polar angles of the magnetisation from the film normal.",
        [0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0],
        unit="deg",
        min_length=1,
    )
    azimuths: list[float] = key(
        "Azimuths of the magnetisation from the current.", [0.0, 45.0, 90.0], unit="deg",
        min_length=1,
    )  # fmt: skip
    temperature: float = key("Temperature of the electrons.", 0.0, unit="K", ge=0)
    tolerance: float = key(
        "Relative error of the zone integrals (absolute, in nm, with impurities).", 1e-5,
        ge=1e-11, le=1e-2,
    )  # fmt: skip
    method: Literal["auto", "adaptive", "uniform"] = key("How the zone is integrated.", "auto")

    @field_validator("angles")
    @classmethod
    def _polar(cls, value: list[float]) -> list[float]:
        if any(not 0 <= angle <= 180 for angle in value):
            raise ValueError("leaves 0 ... 180 degrees.")
        if any(b <= a for a, b in zip(value, value[1:], strict=False)):
            raise ValueError("does not ascend. Give each angle once, smallest first.")
        return value


def check(card: Card) -> dict[tuple, str]:
    """Vertex corrections only where their matrices are small."""
    system = card.system
    if system.impurities is None or system.model != "bilayer":
        return {}
    size = _orbitals(system)
    if size <= MOST_DRESSED:
        return {}
    return {
        ("system", "impurities"): f"the slab has {size} orbitals and spins; vertex corrections "
        f"are there up to {MOST_DRESSED}. Give broadening instead."
    }


def _orbitals(system: System) -> int:
    """Orbitals times spin in the cell of a bilayer."""
    assert system.metal is not None and system.ferromagnet is not None  # a bilayer has both
    metal, magnet = system.metal.material(), system.ferromagnet.material()
    return metal.orbitals * system.metal_layers + magnet.orbitals * system.ferromagnet_layers


def estimate(card: Card) -> list[Scalar]:
    """Size of the problem."""
    system, table = card.system, card.calculation
    size = _orbitals(system) if system.model == "bilayer" else 2
    runs = len(table.angles) * len(table.azimuths)
    eta = system.broadening or 0.1
    points = min(2e6, (8 * 5 / eta) ** 2)
    seconds = runs * points * 2e-6 * (size / 2) ** 2
    return [
        Scalar("orbitals", size, "1"),
        Scalar("directions", runs, "1"),
        Scalar("time", float(f"{seconds:.1g}"), "s", note="rough; by uniform meshes"),
    ]


def run(card: Card, progress: Progress) -> xr.Dataset:
    """All directions."""
    from negf_torque.study.calculations._sot_dataset import calculate

    return calculate(card, progress)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Efficiencies, coefficients, effective fields."""
    converged = bool(dataset.attrs.get("converged", True))

    def scalar(name: str, value: float, error: float | None = None, note: str = "") -> Scalar:
        unit = VARIABLES[name.partition("[")[0]].unit
        return Scalar(name, value, unit, error, converged, note)

    found = []
    note = "per electron flux, spins along z x F"
    for name in ("xi_DL", "xi_FL"):
        found.append(scalar(name, float(dataset[name]), note=note))
    found.append(scalar("residual_solver", float(dataset["residual_solver"]),
                        note="of these two alone, as in an LLG solver"))  # fmt: skip
    for name in ("field_DL", "field_FL"):
        if name in dataset:
            found.append(scalar(name, float(dataset[name])))
    for term in dataset["term"].values:
        value = float(dataset["coefficient"].sel(part="total", term=term))
        found.append(scalar(f"coefficient[{term}]", value))
    found.append(scalar("residual", float(dataset["residual"].sel(part="total")),
                        note="of the six named terms"))  # fmt: skip
    first = dataset.isel(angle=0, azimuth=0)
    label = f"{float(first['angle']):g} deg"
    for name in ("field_like", "damping_like"):
        for part in dataset["part"].values:
            value = float(first[name].sel(part=part))
            if value == value:
                found.append(scalar(f"{name}[{part}, {label}]", value, float(first["chi_error"])))
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Torques, direction by direction."""
    rows = []
    for azimuth in dataset["azimuth"].values:
        for angle in dataset["angle"].values:
            one = dataset.sel(azimuth=azimuth, angle=angle)
            torques = [float(one[n].sel(part="total")) for n in ("field_like", "damping_like")]
            flow = float(one["conductance"].sel(part="total", field="x"))
            rows.append((float(azimuth), float(angle), *torques, flow))
    columns = ("azimuth (deg)", "angle (deg)", "field-like", "damping-like", "conductance")
    return [Listing("Torque per force (nm per cell), current per force", columns, tuple(rows))]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_sot_figures`."""
    from negf_torque.study.calculations._sot_figures import figures as draw

    return draw(dataset)


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[SpinOrbitTorque, Simulation]:
    """Efficiencies of the film; J > 0: electrons along +x bring moments along -y."""
    from negf_torque.llg.bulk import SpinOrbitTorque

    table = card.llg
    assert table is not None  # only cards with [llg] come here
    torque = SpinOrbitTorque(
        damping_like=float(dataset["xi_DL"]),
        field_like=float(dataset["xi_FL"]),
        direction=(0.0, -1.0, 0.0),
        thickness=float(dataset.attrs["magnet_thickness"]),
        saturation_magnetisation=table.saturation_magnetisation,
        response="complete",
        name=card.name,
        provenance="negf_torque {version}, card {card_hash:.16}".format(**dataset.attrs),
    )
    return torque, table.simulation()
