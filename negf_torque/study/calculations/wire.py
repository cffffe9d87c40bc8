"""`kind = "wire"`: a magnetic wire with a texture: wall resistance, torque on every moment, beta.

The torque along the wire is split into its adiabatic part, along dm/dx, and its non-adiabatic
part, along m x dm/dx, slice by slice and for the whole texture; the total is compared with the
adiabatic limit.  The response is complete by default: the window between both chemical
potentials and the Fermi sea's answer to the potential, which are also given apart.  Any
two-terminal magnet whose moments turn along it will do: `builder = "wire"`, a stack, a Kwant
system of one's own; with spin-orbit coupling the spin lost to the lattice is given as well.  (The
motion of a wall under a current is kind `domain_wall`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, key
from negf_torque.study.calculations._wire_variables import VARIABLES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.lattice.magnet import Magnet
    from negf_torque.llg.bulk import TextureTorque
    from negf_torque.llg.export import Simulation
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "VARIABLES",
    "Parameters",
    "build",
    "check",
    "estimate",
    "figures",
    "listings",
    "llg_parameters",
    "run",
    "summary",
]

#: Above this share of the torque that constant coefficients leave, an export says so.
LOCAL = 0.1


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["wire"] = key("Torque, wall resistance and beta of a magnetic wire.")
    energy: float = key("Fermi energy.", unit="eV")
    response: Literal["complete", "window"] = key(
        "Whether the Fermi sea's answer to the potential is added to the window.", "complete"
    )
    neutrality: Literal["electrochemical", "neutral"] = key(
        "Potential in the wire: the local electrochemical potential, or the one that leaves "
        "every site neutral (slow: one pattern for each site).",
        "electrochemical",
    )
    widths: list[float] = key(
        "Also walls of these widths, the length scaled alike (only walls of the builder wire).",
        [],
        unit="layers",
    )
    temperature: float = key("Temperature of the leads.", 0.0, unit="K", ge=0)
    tolerance: float = key(
        "Relative error of averages that is asked for (zone, contour of the Fermi sea).",
        1e-6,
        ge=1e-12,
        le=0.1,
    )
    mesh: int | None = key(
        "Instead of the tolerance in the zone: points of a uniform shifted mesh per direction.",
        None,
        ge=1,
        le=4096,
    )
    max_evaluations: int = key(
        "Points (momentum, energy) after which the adaptive average gives up.", 50_000_000, ge=1
    )

    @field_validator("widths")
    @classmethod
    def _positive(cls, value: list[float]) -> list[float]:
        for width in value:
            if width <= 0:
                raise ValueError(f"has the width {width:g}. Give positive numbers of layers.")
        return value


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table, or the file of directions."""
    problems: dict[tuple, str] = {}
    p, system = card.calculation, card.system
    texture = getattr(system, "texture", None)
    if p.widths and not hasattr(texture, "width"):
        problems["calculation", "widths"] = (
            'only walls have a width. Use builder = "wire" with a bloch, neel or linear texture.'
        )
    if getattr(texture, "file", ""):
        from negf_torque.study.builders.wire import read_vectors, vectors_file

        try:
            file = vectors_file(system, card.path.parent)
            assert file is not None  # the texture names one
            text = file.read_text(encoding="utf-8")
            read_vectors(text, file.name, system.length)
        except (ValueError, OSError) as error:
            problems["system", "texture", "file"] = str(error)
        else:
            name = file.relative_to(card.path.parent.resolve()).as_posix()
            card.code[name] = text  # the numbers depend on it as on a Python file
    return problems


def build(card: Card) -> Magnet:
    """The magnet of the card; directions may come from a file beside it."""
    from negf_torque.study.card import builder_module

    module = builder_module(card.system.builder)
    if card.system.builder == "stack":
        return module.build(card.system)
    return module.build(card.system, card.path.parent)


def estimate(card: Card) -> list[Scalar]:
    """Size of the problem and memory."""
    from negf_torque.lattice import layer_chain

    chain = layer_chain(build(card))
    largest = max(chain.sizes)
    memory = 16 * 64 * sum(n * n for n in chain.sizes) * 8 / 1e6
    return [
        Scalar("sites", len(chain.sites.layer), "1"),
        Scalar("layers", len(chain.onsite), "1"),
        Scalar("largest block", largest, "1", note="rows of a layer's matrix"),
        Scalar("devices", 2 + 2 * len(card.calculation.widths), "1", note="uniform wires included"),
        Scalar("memory", round(memory, 1), "MB", note="of the arrays, about"),
    ]


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the wire; see `negf_torque.transport.wire`."""
    from negf_torque.study.calculations._wire_dataset import calculate

    return calculate(card, progress)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Conductance, wall resistance, total torque, polarisation and beta."""
    converged = bool(dataset.attrs.get("converged", True))
    part = str(dataset["part"].values[0])
    which = "complete response" if part == "complete" else "window, symmetric bias"
    orbit = " with the spin-orbit torque" if dataset.attrs.get("spin_orbit") else ""

    def scalar(name: str, note: str = "", label: str = "", **select: Any) -> Scalar:
        data = dataset[name].sel(select)
        bound, error = dataset.get(f"{name}_error"), None
        if bound is not None:
            chosen = {key: value for key, value in select.items() if key in bound.dims}
            error = float(bound.sel(chosen))
        return Scalar(
            label or name, float(data), dataset[name].attrs["units"], error, converged, note
        )

    found = [
        scalar("conductance"),
        scalar("uniform_conductance", "all moments along the left end"),
        scalar("wall_resistance", "1/G - 1/G of the uniform wire"),
        scalar(
            "uniform_spin_current",
            "N_up - N_dn if leads and wire are of one material",
            end="first",
        ),
    ]
    found += [
        scalar("total_torkance", which, f"total_torkance[{c}]", part=part, component=c)
        for c in "xyz"
    ]
    for name in ("adiabaticity", "polarisation", "integrated_beta", "residual"):
        value = float(dataset[name].sel(part=part))
        note = {
            "adiabaticity": "total torque over its adiabatic limit",
            "polarisation": "P of u = P j mu_B/(e M_s)" + orbit,
            "integrated_beta": "B/A of the whole texture" + orbit,
            "residual": "share of the torque that constant A and B leave",
        }[name]
        if np.isfinite(value):
            found.append(scalar(name, f"{note}; {which}", part=part))
    if "magnet_lattice_torkance" in dataset:
        found += [
            scalar(
                "magnet_lattice_torkance",
                f"spin lost by spin-orbit coupling; {which}",
                f"lattice_torkance[{magnet}, {c}]",
                magnet=magnet,
                component=c,
            )
            for magnet in dataset["magnet"].values
            for c in "xyz"
        ]
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """The parts of the response, and the walls of other widths."""
    unit = dataset["total_torkance"].attrs["units"]
    rows = tuple(
        (
            str(part),
            *map(float, dataset["total_torkance"].sel(part=part)),
            *(
                float(dataset[name].sel(part=part))
                for name in ("integrated_adiabatic", "integrated_nonadiabatic", "integrated_beta")
            ),
        )
        for part in dataset["part"].values
    )
    found = [
        Listing(
            f"Torque on all moments and its coefficients, in {unit}",
            ("part", "x", "y", "z", "A", "B", "beta"),
            rows,
        )
    ]
    if "width" in dataset.coords:
        names = ("wall_resistance", "adiabaticity", "polarisation", "beta", "residual")
        table = tuple(
            (float(w), *(float(dataset[f"scan_{name}"].sel(width=w)) for name in names))
            for w in dataset["width"].values
        )
        found.append(
            Listing("Walls of other widths", ("width (layers)", "R (h/e^2)", *names[1:]), table)
        )
    return found


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_wire_figures`."""
    from negf_torque.study.calculations._wire_figures import figures as draw

    return draw(dataset)


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[TextureTorque, Simulation]:
    """P and beta of the whole texture, for -(u.grad) m + beta m x (u.grad) m.

    A solver's torque is local with constant coefficients: how A and B vary along the texture,
    and what is nonlocal in them, is lost; `residual` says how much of the torque that is.

    Raises
    ------
    ValueError
        If the moments do not turn.
    """
    from negf_torque.llg.bulk import TextureTorque

    part = dataset["part"].values[0]
    number = {
        name: float(dataset[name].sel(part=part))
        for name in ("polarisation", "integrated_beta", "residual")
    }
    if not np.isfinite(number["polarisation"]) or not np.isfinite(number["integrated_beta"]):
        raise ValueError("the moments do not turn along the wire: there is no beta to export.")
    errors = {
        name: float(dataset[f"{name}_error"].sel(part=part))
        if f"{name}_error" in dataset
        else float("nan")
        for name in ("polarisation", "integrated_beta")
    }
    origin = "negf_torque {version}, card {card_hash:.16}".format(**dataset.attrs)
    if number["residual"] > LOCAL:
        origin += (
            f"; not adiabatic: constant P and beta leave {number['residual']:.0%} of the torque "
            "on this texture"
        )
    if dataset.attrs.get("spin_orbit"):
        origin += "; P and beta contain the spin-orbit torque, which is none of a texture"
    table = card.llg
    assert table is not None  # only cards with [llg] come here
    simulation = table.simulation()
    torque = TextureTorque(
        polarisation=number["polarisation"],
        beta=number["integrated_beta"],
        damping=table.damping,
        saturation_magnetisation=table.saturation_magnetisation,
        polarisation_error=errors["polarisation"],
        beta_error=errors["integrated_beta"],
        response=str(dataset.attrs["response"]),
        name=card.name,
        provenance=origin,
    )
    return torque, simulation
