"""`kind = "torque"`: conductance, spin currents and torques of a device as it is built.

Any two-terminal magnet: stacks and wires with textures (walls, spirals), several magnets, a Kwant
system of one's own.  Torque, spin and spin current are given site by site, layer by layer and
magnet by magnet.  Variables named `complete_*` are the complete linear response; the others are its
*window* parts (states between both chemical potentials), and the dimension `bias` shows how these
depend on the division of the bias.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from negf_torque.study.base import Listing, Scalar, key
from negf_torque.study.calculations._complete import CompleteTable
from negf_torque.study.calculations._configurations import PART_IGNORES, beginnings
from negf_torque.study.calculations._disorder import check_impurities
from negf_torque.study.calculations._disorder_parts import wanted_error
from negf_torque.study.calculations._disorder_summary import disorder_listings, disorder_scalars
from negf_torque.study.calculations._lattice_torque import lattice_scalars, lattice_values
from negf_torque.study.calculations._torque_variables import VARIABLES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.complete import CompleteResponse
    from negf_torque.transport.linear import WindowResponse

__all__ = [
    "PART_IGNORES",
    "VARIABLES",
    "Parameters",
    "beginnings",
    "check",
    "figures",
    "listings",
    "merge",
    "run",
    "run_part",
    "split",
    "summary",
    "wanted_error",
]

READS_IMPURITIES = True


class Parameters(CompleteTable):
    """The `[calculation]` table."""

    kind: Literal["torque"] = key("Conductance, spin currents and torques of one device.")
    energy: float = key("Fermi energy.", unit="eV")


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table."""
    return check_impurities(card)


def cautions(card: Card) -> list[str]:
    """What a valid card may not mean: leads without open channels."""
    from negf_torque.study.calculations._closed import closed_leads

    return [] if card.calculation.temperature or card.impurities else closed_leads(card)


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the device; see `negf_torque.transport.linear`."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.calculations._disorder import averaged, with_disorder
    from negf_torque.study.parts import in_one_process
    from negf_torque.transport.linear import window_response

    if split(card) is not None:
        return in_one_process(card, progress)
    p, sampling = card.calculation, card.calculation.sampling
    progress.start("building the device")
    chain = layer_chain(card.build())
    progress.start("averaging over the zone" if chain.dimension else "scattering states")
    clean = window_response(
        chain, p.energy, sampling, lambda n: progress.update(n, note=f"{n} points")
    )
    if card.impurities:
        disorder = averaged(card, chain, p.energy, progress)
        return with_disorder(_labelled(card, disorder.window), disorder, clean)
    more, complete = lattice_values(chain, p.energy, sampling), None
    if p.response == "complete" and chain.magnets:
        from negf_torque.study.calculations._complete import complete_of, device_values

        progress.start("occupied states")
        complete = complete_of(chain, p, clean)
        more |= device_values(chain, complete)
    return _labelled(card, clean, more, complete)


def split(card: Card) -> list | None:
    """Blocks of explicit configurations, where the card asks for any."""
    from negf_torque.study.calculations._disorder_parts import parts_with_ensembles

    return parts_with_ensembles(card)


def run_part(
    card: Card, part: Any, progress: Progress, begun: xr.Dataset | None = None
) -> xr.Dataset:
    """A block of configurations, or everything else."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.calculations import _disorder_parts as parts

    if part != parts.MEDIA:
        return parts.window_block(card, part, lambda: layer_chain(card.build()), begun)
    if parts.table_of(card).method != "configurations":
        return run(parts.without_configurations(card), progress)
    return parts.beside(card, layer_chain(card.build()), card.calculation.sampling, progress)


def merge(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all parts."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.calculations import _disorder_parts as parts

    explicit = parts.explicit_response(card, layer_chain(card.build()), found)
    media = found(parts.MEDIA)
    first = parts.table_of(card).method == "configurations"
    main = _labelled(card, explicit.window) if first else media
    return parts.with_configurations(card, main, media, explicit)


def _labelled(
    card: Card,
    response: WindowResponse,
    more: dict[str, Any] | None = None,
    complete: CompleteResponse | None = None,
) -> xr.Dataset:
    """A response as a dataset."""
    from negf_torque.study.labels import labelled
    from negf_torque.transport.torque import BIASES

    p, chain = card.calculation, response.chain
    sites = chain.sites
    field = np.linalg.norm(sites.exchange, axis=1)
    values = {
        "conductance": response.conductance,
        "conductance_error": response.conductance_error,
        "torkance": response.magnet_torkance_by_bias,
        "torkance_error": (("magnet",), response.torkance_error),
        "layer_torkance": response.layer_torkance_by_bias,
        "site_torkance": response.site_torkance_by_bias,
        "site_torkance_error": (("site",), np.sqrt(3) * response.density_error * field),
        "spin_current": response.spin_current_by_bias,
        "spin_current_error": ((), response.current_error),
        "spin_accumulation": response.accumulation_by_bias[..., 1:],
        "spin_accumulation_error": ((), response.density_error / (2 * np.pi)),
        "open_channels": response.open_channels,
        "moment": sites.exchange / np.where(field > 0, field, 1.0)[:, None],
        "exchange": field,
        "position": _positions(sites.position),
        **(more or {}),
    }
    if p.mesh is not None and not p.temperature:
        values = {name: value for name, value in values.items() if not name.endswith("_error")}
    coords = {
        "bias": list(BIASES),
        "magnet": list(chain.magnets),
        "component": ["x", "y", "z"],
        "flow": ["charge", "x", "y", "z"],
        "lead": ["left", "right"],
        "layer": np.arange(len(chain.onsite)),
        "bond": np.arange(len(chain.onsite) - 1) + 0.5,
        "site": np.arange(len(sites.layer)),
        "site_layer": ("site", sites.layer),
        "site_magnet": ("site", np.array([name or "" for name in sites.magnet], dtype=str)),
    }
    dataset = labelled(
        VARIABLES,
        values,
        coords,
        converged=response.converged and (complete is None or complete.converged),
        response="window" if complete is None else "complete",
        k_points=response.evaluations,
    )
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            variable.attrs["units"] = units.replace(" per cell", "").replace(" and cell", "")
    return dataset


def _positions(position: np.ndarray) -> np.ndarray:
    """(sites, 3), missing coordinates zero."""
    padded = np.zeros((len(position), 3))
    padded[:, : position.shape[1]] = position
    return padded


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Conductance, open channels and the torque on every magnet."""
    converged = bool(dataset.attrs.get("converged", True))
    unit = dataset["torkance"].attrs["units"]

    def error(name: str, **select: str) -> float | None:
        if f"{name}_error" not in dataset:
            return None
        found = dataset[f"{name}_error"]
        return float(found.sel({d: v for d, v in select.items() if d in found.dims}).max())

    found = [
        Scalar(
            "conductance",
            float(dataset["conductance"]),
            dataset["conductance"].attrs["units"],
            error("conductance"),
            converged,
        )
    ]
    for lead in ("left", "right"):
        channels = float(dataset["open_channels"].sel(lead=lead))
        found.append(Scalar(f"open_channels[{lead}]", channels, "1", note="both spins, mean"))
    for magnet in dataset["magnet"].values if "complete_torkance" in dataset else ():
        for component in "xyz":
            value = dataset["complete_torkance"].sel(magnet=magnet, component=component)
            name = f"complete_torkance[{magnet}, {component}]"
            bound = error("complete_torkance", magnet=str(magnet), component=component)
            note = "window and all occupied states"
            found.append(Scalar(name, float(value), unit, bound, converged, note))
    for magnet in dataset["magnet"].values:
        for component in "xyz":
            value = dataset["torkance"].sel(bias="symmetric", magnet=magnet, component=component)
            found.append(
                Scalar(
                    f"torkance[{magnet}, {component}]",
                    float(value),
                    unit,
                    error("torkance", magnet=str(magnet)),
                    converged,
                    "window, symmetric bias",
                )
            )
    return found + lattice_scalars(dataset) + disorder_scalars(dataset)


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Torque of each magnet for the three divisions of the bias."""
    columns = ("magnet", "bias", "x", "y", "z")
    rows = tuple(
        (str(magnet), str(bias), *map(float, dataset["torkance"].sel(bias=bias, magnet=magnet)))
        for magnet in dataset["magnet"].values
        for bias in dataset["bias"].values
    )
    unit = dataset["torkance"].attrs["units"]
    found = [Listing(f"Torkance (window parts), in {unit}", columns, rows)] if rows else []
    return found + disorder_listings(dataset)


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_torque_figures`."""
    from negf_torque.study.calculations._disorder_figures import disorder_figures
    from negf_torque.study.calculations._torque_figures import figures as draw

    return draw(dataset) | disorder_figures(dataset)
