"""`kind = "beta_three_ways"`: beta from the formula, from a device, from single configurations.

One Hamiltonian, a tight-binding ferromagnet with impurities, and three routes that share nothing
but it: the closed formula of the gradient expansion for the bulk; the torque on a spiral between
two leads, with averaged impurities and vertex corrections; the same torque averaged over explicit
configurations of the impurities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, Table, key
from negf_torque.study.calculations._beta_variables import VARIABLES
from negf_torque.study.calculations._configurations import PART_IGNORES as COUNTS
from negf_torque.study.calculations._configurations import beginnings
from negf_torque.study.impurities import MomentTable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.gradient.coefficients import Coefficients
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "PART_IGNORES",
    "VARIABLES",
    "Parameters",
    "System",
    "beginnings",
    "check",
    "figures",
    "listings",
    "merge",
    "run",
    "run_part",
    "split",
    "summary",
]

READS_IMPURITIES = True
PART_IGNORES = (*COUNTS, ("calculation", "sea_configurations"))


class System(Table):
    """The `[system]` table: a ferromagnet with nearest-neighbour hopping, H = eps_k - M n.sigma."""

    lattice: Literal["cubic", "chain"] = key(
        "Simple cubic (a stack, periodic across) or one-dimensional.", "cubic"
    )
    hopping: float = key("Nearest-neighbour t, matrix element -t.", 1.0, unit="eV", gt=0)
    exchange: float = key("Exchange splitting 2M.", unit="eV", gt=0)


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["beta_three_ways"] = key("Beta by formula, device and configurations.")
    energy: float = key("Chemical potential.", unit="eV")
    wave_numbers: list[float] = key(
        "Wave numbers of the spirals in the device; beta is extrapolated to zero in their squares.",
        [0.05, 0.1, 0.2],
        unit="rad per layer",
        min_length=1,
    )
    length: int = key("Layers of the device.", 80, unit="layers", ge=4, le=5000)
    margin: int = key("Layers at both ends that are not counted.", 25, unit="layers", ge=0)
    sampled_wave_number: float = key(
        "Wave number of the spiral whose configurations are drawn.", 0.3, unit="rad per layer", gt=0
    )
    sampled_length: int = key("Layers of that device.", 24, unit="layers", ge=4, le=1000)
    sampled_margin: int = key("Layers at its ends that are not counted.", 7, unit="layers", ge=0)
    sea_configurations: int = key(
        "Configurations of the Fermi sea's part, the costly one; those of the window are "
        "`disorder.configurations`.",
        256,
        ge=2,
    )

    @field_validator("wave_numbers")
    @classmethod
    def _different(cls, value: list[float]) -> list[float]:
        if any(q <= 0 for q in value) or len(set(value)) != len(value):
            raise ValueError("has wave numbers that are not different and above 0.")
        return value

    @model_validator(mode="after")
    def _leaves_layers(self) -> Parameters:
        for length, margin, name in (
            (self.length, self.margin, "margin"),
            (self.sampled_length, self.sampled_margin, "sampled_margin"),
        ):
            if 2 * margin >= length:
                raise ValueError(
                    f"has a {name} of {margin} layers at both ends of {length}: nothing is left "
                    "to be counted. Make it smaller."
                )
        return self


def check(card: Card) -> dict[tuple, str]:
    """Impurities everywhere, with isotropic moments: the formula's."""
    problems: dict[tuple, str] = {}
    if not card.impurities:
        problems[("impurities",)] = "missing. Without impurities beta is 0/0: give [[impurities]]."
    for number, table in enumerate(card.impurities):
        for name in ("magnets", "layers"):
            if getattr(table, name) is not None:
                problems["impurities", number, name] = (
                    "the formula is of a uniform bulk. Leave it out: impurities are everywhere."
                )
        if isinstance(table.moment, MomentTable):
            problems["impurities", number, "moment"] = (
                "the spiral's routes are for isotropic moments. Leave it out."
            )
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """All routes; see `_beta_dataset`."""
    from negf_torque.study.parts import in_one_process

    return in_one_process(card, progress)


def split(card: Card) -> list:
    """Blocks of configurations, and the averaged media."""
    from negf_torque.study.calculations._beta_dataset import spiral_parts

    return spiral_parts(card)


def run_part(
    card: Card, part: Any, progress: Progress, begun: xr.Dataset | None = None
) -> xr.Dataset:
    """A block of configurations, or everything else."""
    from negf_torque.study.calculations._beta_dataset import spiral_part

    return spiral_part(card, part, progress, begun)


def merge(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all parts."""
    from negf_torque.study.calculations._beta_dataset import with_sampled

    return with_sampled(card, found)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """The values with their errors, the parts of the formula, and the scattering."""
    converged = bool(dataset.attrs.get("converged", True))
    found = []
    notes = {
        "formula": "gradient expansion, bulk, self-consistent Born",
        "coherent formula": "the same formula with the coherent potential and its vertices",
        "born": "spiral between leads, Born and vertex corrections, window and sea",
        "coherent-potential": "the same with the coherent potential",
        "configurations": str(dataset.attrs["sampled_note"]),
    }
    for route in dataset["route"].values:
        one = dataset.sel(route=route)
        error = float(one["beta_error"])
        found.append(
            Scalar(f"beta[{route}]", float(one["beta"]), "1", error, converged, notes[str(route)])
        )
    found.append(
        Scalar(
            "sampled_beta[configurations]",
            float(dataset["sampled_beta"]),
            "1",
            float(dataset["sampled_beta_error"]),
            converged,
            "in the sampled device, nothing extrapolated",
        )
    )
    for medium in dataset["medium"].values:
        value = float(dataset["same_device_beta"].sel(medium=medium))
        deviation = (float(dataset["sampled_beta"]) - value) / float(dataset["sampled_beta_error"])
        found.append(
            Scalar(
                f"sampled_beta[{medium}]",
                value,
                "1",
                None,
                converged,
                f"the same device; configurations {deviation:+.1f} standard errors from it",
            )
        )
    for part in ("formula_surface", "formula_sea"):
        found.append(Scalar(part, float(dataset[part]), "1", None, converged))
    for spin in dataset["spin"].values:
        value = float(dataset["k_f_l"].sel(spin=spin))
        found.append(Scalar(f"k_f_l[{spin}]", value, "1", None, converged))
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Beta of the device for each wave number."""
    columns = ("medium", "q (rad per layer)", "beta", "window alone")
    rows = tuple(
        (
            str(medium),
            float(q),
            float(dataset["device_beta"].sel(medium=medium, wave_number=q)),
            float(dataset["device_window_beta"].sel(medium=medium, wave_number=q)),
        )
        for medium in dataset["medium"].values
        for q in dataset["wave_number"].values
    )
    return [Listing("Beta of the spiral between leads", columns, rows)]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_beta_figures`."""
    from negf_torque.study.calculations._beta_figures import figures as draw

    return draw(dataset)


def isotropic_strengths(card: Card) -> tuple[float, float, float]:
    """Mean potential and the variances gi and gs of the formula, in eV and eV^2."""
    mean = spinless = moments = 0.0
    for table in card.impurities:
        c, s = table.concentration, table.strength
        if table.kind == "magnetic":
            u = table.potential
            moments += c * s**2 / 3
            mean, spinless = mean + c * u, spinless + c * (1 - c) * u**2
        elif table.distribution == "alloy":
            mean, spinless = mean + c * s, spinless + c * (1 - c) * s**2
        else:
            spinless += c * s**2 / (3 if table.distribution == "uniform" else 1)
    return mean, spinless, moments


def k_fermi_l(
    lattice: str, coefficients: Coefficients, energy: np.ndarray, hopping: float
) -> np.ndarray:
    """k_F l of both spins: k_F of the sphere with this density of states and velocity.

    Of a chain k_F is the band's own, at `energy` measured from each spin's band centre.
    """
    path = coefficients.mean_free_path
    speed = path / coefficients.lifetime
    if lattice == "chain":
        return path * np.arccos(np.clip(-energy / (2 * hopping), -1, 1))
    return path * np.sqrt(2 * np.pi**2 * coefficients.dos * speed)
