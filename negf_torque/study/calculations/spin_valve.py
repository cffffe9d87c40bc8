"""`kind = "spin_valve"`: conductance, torque and mixing conductance of two magnets at an angle.

One magnet turns against the other.  For every angle the linear response gives the conductance
and the torkance of both magnets; a fit gives the Slonczewski parameters that LLG solvers take,
and the interfaces' scattering gives the mixing conductances.  Variables named
`complete_*` are the complete linear response, which is what fits and solver inputs take; the others
with the dimension `bias` are its *window* parts (states between both chemical potentials), which
depend on how the bias is divided between the leads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator

from negf_torque.study.base import Listing, Scalar, key
from negf_torque.study.calculations._angles import in_half_turn
from negf_torque.study.calculations._complete import CompleteTable
from negf_torque.study.calculations._configurations import PART_IGNORES, beginnings
from negf_torque.study.calculations._disorder import check_impurities
from negf_torque.study.calculations._disorder_parts import wanted_error
from negf_torque.study.calculations._disorder_summary import disorder_listings, disorder_scalars
from negf_torque.study.calculations._disorder_variables import DISORDER
from negf_torque.study.calculations._valve_figures import nearest_to_right_angle
from negf_torque.study.calculations._valve_variables import VARIABLES as CLEAN
from negf_torque.study.complaints import nearest

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.export import Simulation
    from negf_torque.llg.valve import ValveTorque
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = [
    "MAY_BE_UNDEFINED",
    "PART_IGNORES",
    "VARIABLES",
    "Parameters",
    "beginnings",
    "figures",
    "llg_parameters",
    "merge",
    "run",
    "run_part",
    "split",
    "summary",
    "wanted_error",
]

READS_IMPURITIES = True
MAY_BE_UNDEFINED = {
    "gmr": "nothing conducts with antiparallel moments",
    "polarisation": "fewer than two angles beside collinear ones, or no torque at any of them",
    "Lambda": "fewer than two angles beside collinear ones, or no torque at any of them",
    "epsilon_prime": "fewer than two angles beside collinear ones, or no torque at any of them",
    "fit_residual": "fewer than two angles beside collinear ones, or no torque at any of them",
}
VARIABLES = {**DISORDER, **CLEAN}


class Parameters(CompleteTable):
    """The `[calculation]` table."""

    kind: Literal["spin_valve"] = key("Angular dependence of a spin valve.")
    free: str = key("Name of the magnet that turns.", "free")
    fixed: str = key("Name of the magnet that polarises.", "fixed")
    energy: float = key("Fermi energy.", unit="eV")
    angles: list[float] = key(
        "Angles between the majority spins of both magnets.",
        [float(angle) for angle in range(0, 181, 15)],
        unit="deg",
        min_length=1,
    )
    map_points: int = key(
        "Points per direction of the k-resolved maps; 0 leaves them out.", 64, ge=0, le=2048
    )

    @field_validator("angles")
    @classmethod
    def _in_half_turn(cls, value: list[float]) -> list[float]:
        return in_half_turn(value)


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table: the magnets' names."""
    magnets = getattr(card.system, "magnets", None)
    problems = check_impurities(card)
    if magnets is None:
        return problems
    for role in ("free", "fixed"):
        name = getattr(card.calculation, role)
        if name not in magnets:
            remedy = nearest(name, magnets, "magnets")
            problems["calculation", role] = f'no layer with exchange is named "{name}". {remedy}'
    if card.calculation.free == card.calculation.fixed:
        problems["calculation", "free"] = (
            f'"{card.calculation.free}" is the fixed magnet as well. Name two magnets.'
        )
    return problems


def cautions(card: Card) -> list[str]:
    """What a valid card may not mean: leads without open channels."""
    from negf_torque.study.calculations._closed import closed_leads

    return [] if card.calculation.temperature or card.impurities else closed_leads(card)


def estimate(card: Card) -> list[Scalar]:
    """Size of the problem, memory, and the time per k-point, measured on a few."""
    from negf_torque.study.calculations._valve_dataset import measured_cost

    p = card.calculation
    cost = measured_cost(card)
    found = [
        Scalar("layers", cost.layers, "1"),
        Scalar("largest block", cost.block, "1", note="rows of a layer's matrix"),
        Scalar("devices", cost.devices, "1", note="angles, both collinear states and limits"),
        Scalar("memory", round(cost.memory / 1e6, 1), "MB", note="of the arrays, at most"),
        Scalar("time per k-point", round(cost.seconds * 1e3, 4), "ms", note="all devices, here"),
    ]
    if cost.dimension == 0:
        points, note = 1, "one point: nothing to average"
    elif p.mesh:
        points, note = p.mesh**cost.dimension, "the given mesh"
    else:
        points, note = 200_000, "an adaptive average takes about so many; narrow resonances more"
    if p.temperature:
        points, note = points * 60, note + "; energies included"
    seconds = float(f"{points * cost.seconds:.2g}")
    without = "mixing conductances and maps"
    if p.response == "complete" and not card.impurities:
        without = "occupied states, which can take longer, " + without
    return [
        *found,
        Scalar("k-points", points, "1", note=note),
        Scalar("time of the zone average", seconds, "s", note=f"without {without}"),
    ]


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the valve; see `negf_torque.transport.valve`."""
    from negf_torque.study.calculations._valve_dataset import whole
    from negf_torque.study.parts import in_one_process

    return whole(card, progress) if split(card) is None else in_one_process(card, progress)


def split(card: Card) -> list | None:
    """Blocks of explicit configurations, where the card asks for any."""
    from negf_torque.study.calculations._valve_parts import valve_parts

    return valve_parts(card)


def run_part(
    card: Card, part: Any, progress: Progress, begun: xr.Dataset | None = None
) -> xr.Dataset:
    """A block of configurations at one angle, or everything else."""
    from negf_torque.study.calculations._valve_parts import valve_part

    return valve_part(card, part, progress, begun)


def merge(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all parts."""
    from negf_torque.study.calculations._valve_parts import valve_merged

    return valve_merged(card, found)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """The numbers of a valve: conductances, mixing conductances, torkances, Slonczewski form."""
    converged = bool(dataset.attrs.get("converged", True))
    found = [
        _scalar(dataset, name, converged)
        for name in ("conductance_parallel", "conductance_antiparallel", "gmr")
    ]
    if "interface" in dataset.dims:
        for interface in dataset["interface"].values:
            found += _interface_scalars(dataset, str(interface), converged)
        first = str(dataset["interface"].values[0])
        one = dataset.sel(interface=first)
        note = "channels per spin of the normal lead"
        found.append(_scalar(one, "sharvin_conductance", converged, note=note))
    free, index = dataset.attrs["free"], nearest_to_right_angle(dataset)
    degrees = np.degrees(float(dataset["angle"][index]))
    for name, axis in (("in_plane", "toward p"), ("out_of_plane", "along m x p")):
        if f"complete_torkance_{name}" in dataset:
            one = dataset.isel(angle=index).sel(magnet=free)
            note = f"complete, {axis}, on {free}"
            label = f"torkance_{name}[{degrees:g} deg]"
            found.append(
                _scalar(one, f"complete_torkance_{name}", converged, label=label, note=note)
            )
        for bias in dataset["bias"].values:
            one = dataset.isel(angle=index).sel(bias=bias, magnet=free)
            note = f"window, {axis}, on {free}"
            label = f"torkance_{name}[{degrees:g} deg, {bias}]"
            found.append(_scalar(one, f"torkance_{name}", converged, label=label, note=note))
    for name in ("polarisation", "Lambda", "epsilon_prime", "fit_residual"):
        note = {
            "polarisation": "of eta; a solver's P is half of it; error: that of eta, propagated",
            "fit_residual": "how far eta is from the Slonczewski form",
            "epsilon_prime": _response(dataset),
        }.get(name, "")
        found.append(_scalar(dataset, name, converged, note=note))
    return found + disorder_scalars(dataset)


def _response(dataset: xr.Dataset) -> str:
    """Which response efficiencies, fits and solver inputs are of."""
    whole = dataset.attrs.get("response") == "complete"
    return "complete response" if whole else "window, symmetric bias"


def _interface_scalars(dataset: xr.Dataset, interface: str, converged: bool) -> list[Scalar]:
    notes = {
        "mixing_conductance": "g_r; real: absorbed, imaginary: precession",
        "transmission_mixing": "g_t",
        "mixing_conductance_corrected": "g_r without the Sharvin contact",
    }
    found = [
        _scalar(dataset, name, converged, note=note, interface=interface)
        for name, note in notes.items()
    ]
    return [scalar for scalar in found if np.isfinite(scalar.value)]


def _scalar(
    dataset: xr.Dataset,
    name: str,
    converged: bool,
    label: str = "",
    note: str = "",
    **select: str,
) -> Scalar:
    data = _at(dataset[name], select)
    error = dataset.get(f"{name}_error")
    suffix = f"[{', '.join(select.values())}]" if select else ""
    return Scalar(
        name=label or name + suffix,
        value=data.values.item(),
        unit=data.attrs.get("units", "1"),
        error=None if error is None else float(_at(error, select).values),
        converged=converged,
        note=note,
    )


def _at(data: xr.DataArray, select: dict[str, str]) -> xr.DataArray:
    return data.sel({dim: value for dim, value in select.items() if dim in data.dims})


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Conductance, torque and efficiency angle by angle."""
    free = dataset.attrs["free"]
    one = dataset.sel(magnet=free)
    columns = ["angle (deg)", "G (e^2/h)", "in plane, symmetric"]
    columns += [f"out of plane, {bias}" for bias in dataset["bias"].values]
    rows = []
    for index, angle in enumerate(dataset["angle"].values):
        at = one.isel(angle=index)
        values = [
            np.degrees(angle),
            at["conductance"],
            at["torkance_in_plane"].sel(bias="symmetric"),
        ]
        values += [at["torkance_out_of_plane"].sel(bias=bias) for bias in dataset["bias"].values]
        if "complete_torkance_out_of_plane" in one:
            values.append(at["complete_torkance_out_of_plane"])
        rows.append((*(float(value) for value in values), float(at["eta"])))
    if "complete_torkance_out_of_plane" in one:
        columns.append("out of plane, complete")
    title = f'Torkance of "{free}" (window parts by bias), in {dataset["torkance"].attrs["units"]}'
    found = [Listing(title, (*columns, "eta"), tuple(rows))]
    return found + disorder_listings(dataset)


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_valve_figures`."""
    from negf_torque.study.calculations._disorder_figures import disorder_figures
    from negf_torque.study.calculations._valve_figures import figures as draw

    return draw(dataset) | disorder_figures(dataset)


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[ValveTorque, Simulation]:
    """The free magnet's torque per current, and the simulation that the card asks for."""
    from negf_torque.llg.layers import project_layers
    from negf_torque.llg.valve import valve_torque

    free, fixed, table = card.calculation.free, card.calculation.fixed, card.llg
    if table is None:
        raise ValueError("the card has no [llg] table.")
    one = dataset.sel(magnet=free, bias="symmetric")
    prefix = "complete_" if "complete_torkance_in_plane" in dataset else ""

    def error(name: str) -> np.ndarray | None:
        return one[f"{name}_error"].values if f"{name}_error" in one else None

    owner = dataset["layer_magnet"].values
    direction = {name: one["moment"].values[:, owner == name][:, 0] for name in {free, fixed}}
    layers = project_layers(
        one[f"{prefix}layer_torkance"].values[:, owner == free], direction[free], direction[fixed]
    )
    torque = valve_torque(
        dataset["angle"].values,
        one[f"{prefix}torkance_in_plane"].values,
        one[f"{prefix}torkance_out_of_plane"].values,
        dataset["conductance"].values,
        layer_in_plane=layers[0],
        layer_out_of_plane=layers[1],
        in_plane_error=error(f"{prefix}torkance_in_plane"),
        out_of_plane_error=error(f"{prefix}torkance_out_of_plane"),
        conductance_error=error("conductance"),
        cell_area=table.cell_area,
        thickness=int(dataset.attrs["free_layers"]) * table.layer_spacing,
        saturation_magnetisation=table.saturation_magnetisation,
        fixed_direction=table.fixed_direction,
        response="complete" if prefix else "window, symmetric bias",
        name=card.name,
        provenance="negf_torque {version}, card {card_hash:.16}".format(**dataset.attrs),
    )
    return torque, table.simulation()
