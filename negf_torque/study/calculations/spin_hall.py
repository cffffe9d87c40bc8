"""`kind = "spin_hall"`: spin Hall conductivity and angle of a metal, and the torque of its film.

A cubic metal with s, p, d orbitals and atomic spin-orbit coupling: the intrinsic spin Hall
conductivity against the chemical potential, the conductivities with impurities (spin-orbit
impurities too) against their concentration with bubble, vertex corrections and scattering beyond
Born told apart, how the angle scales with the resistivity, and by drift and diffusion with a mixing
conductance the damping-like and field-like torque on a ferromagnet against the metal's thickness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, Table, key
from negf_torque.study.calculations._spin_hall_variables import VARIABLES
from negf_torque.study.calculations._spin_orbit_tables import MaterialTable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.bulk import SpinOrbitTorque
    from negf_torque.llg.export import Simulation
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "VARIABLES",
    "Parameters",
    "System",
    "check",
    "figures",
    "listings",
    "llg_parameters",
    "run",
    "summary",
]


class ImpurityTable(Table):
    """`[system.impurities]`: one species; its concentrations are swept by the calculation."""

    theory: Literal["born", "third-order", "t-matrix", "coherent-potential"] = key(
        "Born knows no skew scattering.", "t-matrix"
    )
    potential: float = key("Potential u on all orbitals of the site.", unit="eV")
    spin_orbit: dict[str, float] = key(
        "lambda of the impurity's lambda L.S by shell, added to u.", {}, unit="eV"
    )


class FilmTable(Table):
    """`[system.film]`: what drift and diffusion need beyond the metal."""

    spin_flip_length: float = key("Spin-flip length of the metal.", unit="nm", gt=0)
    mixing: tuple[float, float] = key(
        "Mixing conductance (real, imaginary), sum(1 - r_up r_dn*), per area.",
        unit="1/(fohm m^2)",
    )
    magnet_thickness: float = key("Thickness of the ferromagnet.", unit="nm", gt=0)
    thickness: float = key("Thickness of the metal, for the solver.", unit="nm", gt=0)

    @field_validator("mixing")
    @classmethod
    def _absorbs(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] < 0:
            raise ValueError("has a negative real part. Absorption is positive.")
        return value


class System(Table):
    """The `[system]` table: the metal."""

    lattice: Literal["simple_cubic", "body_centred_cubic", "face_centred_cubic"] = key(
        "Bravais lattice.", "simple_cubic"
    )
    lattice_constant: float = key("Edge of the cube.", 0.3, unit="nm", gt=0)
    metal: MaterialTable = key("Orbitals and bonds.")
    chemical_potential: float = key("From the zero of the orbitals' energies.", 0.0, unit="eV")
    broadening: float = key(
        "eta of the conductivities against energy, hbar/2 tau.", 0.1, unit="eV", gt=0
    )
    impurities: ImpurityTable | None = key("Impurities.", None)
    film: FilmTable | None = key("Film and its interface with a ferromagnet.", None)


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["spin_hall"] = key("Spin Hall effect of a metal.")
    energies: list[float] = key(
        "Chemical potentials of the intrinsic curve; empty: that of the system alone.", [],
        unit="eV",
    )  # fmt: skip
    concentrations: list[float] = key(
        "Impurities per site, each with vertex corrections.", [0.02, 0.04, 0.08, 0.16], unit="1"
    )
    thicknesses: list[float] = key(
        "Thicknesses of the metal for the torque.", [0.5 * k for k in range(1, 21)], unit="nm"
    )
    mesh: int | None = key(
        "Points per axis of the Brillouin zone with impurities; default: refined until the "
        "tolerance is met.",
        None,
        ge=6,
        le=400,
    )
    intrinsic_mesh: int = key("Points per axis for the curves against energy.", 48, ge=6, le=400)
    tolerance: float = key(
        "Error of the conductivities with impurities, in e^2/hbar over the lattice constant.",
        1e-3,
        gt=0,
        le=0.1,
    )

    @model_validator(mode="after")
    def _sensible(self) -> Parameters:
        if any(not 0 < c <= 1 for c in self.concentrations):
            raise ValueError("has concentrations outside 0 ... 1.")
        if any(t <= 0 for t in self.thicknesses):
            raise ValueError("has thicknesses that are not positive.")
        return self


def check(card: Card) -> dict[tuple, str]:
    """Vertex corrections only where their matrices are small."""
    from negf_torque.study.calculations._spin_orbit_tables import MOST_DRESSED

    size = card.system.metal.material().orbitals
    if card.system.impurities is not None and size > MOST_DRESSED:
        return {
            ("system", "impurities"): f"an atom has {size} orbitals and spins; vertex corrections "
            f"are there up to {MOST_DRESSED}."
        }
    return {}


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Curves against energy, concentration and thickness."""
    from negf_torque.study.calculations._spin_hall_dataset import calculate

    return calculate(card, progress)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Conductivities, angles, scaling, efficiencies."""
    good = bool(dataset.attrs.get("converged", True))
    found = []

    def add(name: str, value: float, note: str = "") -> None:
        unit = VARIABLES[name.partition("[")[0]].unit
        found.append(Scalar(name, value, unit, None, good, note))

    mu = float(dataset.attrs["chemical_potential"])
    at = dataset.sel(energy=mu, method="nearest")
    add("intrinsic", float(at["intrinsic"]), f"clean limit at {mu:g} eV")
    add("spin_hall_broadened", float(at["spin_hall_broadened"]), "without vertex corrections")
    add("conductivity_broadened", float(at["conductivity_broadened"]), "without vertex corrections")
    if "spin_hall" in dataset:
        for c in dataset["concentration"].values:
            one = dataset.sel(concentration=c)
            add(f"conductivity[{c:g}]", float(one["conductivity"]))
            for part in dataset["contribution"].values:
                add(f"spin_hall[{part}, {c:g}]", float(one["spin_hall"].sel(contribution=part)))
            add(f"spin_hall_angle[{c:g}]", float(one["spin_hall_angle"]))
    for name in ("skew_angle", "constant_part", "scaling_residual"):
        if name in dataset:
            add(name, float(dataset[name]))
    if "xi_DL" in dataset:
        thick = float(dataset.attrs["film_thickness"])
        one = dataset.sel(thickness=thick, method="nearest")
        for name in ("xi_DL", "xi_FL"):
            add(name, float(one[name]), f"metal of {thick:g} nm")
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Concentration by concentration."""
    if "spin_hall" not in dataset:
        return []
    rows = []
    for c in dataset["concentration"].values:
        one = dataset.sel(concentration=c)
        parts = [
            float(one["spin_hall"].sel(contribution=p)) for p in dataset["contribution"].values
        ]
        rows.append((float(c), float(one["resistivity"]), *parts, float(one["spin_hall_angle"])))
    names = [str(p).replace("_", " ") for p in dataset["contribution"].values]
    columns = ("concentration", "resistivity (ohm m)", *names, "angle")
    return [Listing("Spin Hall conductivity (hbar/2e S/m)", columns, tuple(rows))]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_spin_hall_figures`."""
    from negf_torque.study.calculations._spin_hall_figures import figures as draw

    return draw(dataset)


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[SpinOrbitTorque, Simulation]:
    """Torque on the ferromagnet above; J > 0: electrons along +x bring moments along -y."""
    from negf_torque.llg.bulk import SpinOrbitTorque

    film, table = card.system.film, card.llg
    if film is None:
        raise ValueError("the card has no [system.film]: a metal alone torques no magnet.")
    assert table is not None  # only cards with [llg] come here
    at = dataset.sel(thickness=film.thickness, method="nearest")
    torque = SpinOrbitTorque(
        damping_like=float(at["xi_DL"]),
        field_like=float(at["xi_FL"]),
        direction=(0.0, -1.0, 0.0),
        thickness=film.magnet_thickness,
        saturation_magnetisation=table.saturation_magnetisation,
        response="drift-diffusion",
        name=card.name,
        provenance="negf_torque {version}, card {card_hash:.16}".format(**dataset.attrs),
    )
    return torque, table.simulation()
