"""Arrays of the transport functions, labelled as the result of a spin valve."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._valve_fits import fits
from negf_torque.study.calculations._valve_variables import VARIABLES
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.calculations._disorder import Averages
    from negf_torque.study.card import Card
    from negf_torque.transport.linear import WindowResponse
    from negf_torque.transport.mixing import MixingConductance
    from negf_torque.transport.valve import ValveResult

__all__ = ["Cost", "calculate", "measured_cost", "nearest_to_right", "whole"]

BIASES = ["left", "right", "symmetric"]
COMPONENTS = ["x", "y", "z"]
#: Number of a device and its chain -> its averages.
Explicit = Callable[[int, "LayerChain"], "Averages"]
_MESHES = (4, 8, 16, 32, 64, 128)


def calculate(
    card: Card, progress: Progress, explicit: Explicit | None = None
) -> tuple[xr.Dataset, Averages | None]:
    """Solve the valve of a card and label what comes out.

    Parameters
    ----------
    card : Card
    progress : Progress
    explicit : callable, optional
        Number of a device and its chain -> its response from single configurations.

    Returns
    -------
    dataset : Dataset
    averages : Averages or None
        Of the device nearest to a right angle, where there are impurities.
    """
    from negf_torque.lattice import layer_chain
    from negf_torque.study.calculations._disorder import averaged, standard_errors
    from negf_torque.transport.valve import spin_valve

    p, sampling = card.calculation, card.calculation.sampling
    progress.start("building the stack")
    chain = layer_chain(card.build())
    progress.start("averaging over the zone" if chain.dimension else "scattering states")
    averages: list[Averages] = []

    def respond(devices: Sequence[LayerChain]) -> list[WindowResponse]:
        if explicit is None:
            averages.extend(averaged(card, device, p.energy, progress) for device in devices)
        else:
            averages.extend(explicit(n, device) for n, device in enumerate(devices))
        return [a.window for a in averages]

    valve = spin_valve(
        chain,
        p.fixed,
        p.free,
        p.energy,
        np.radians(p.angles),
        sampling,
        lambda done, total, points: progress.update(done, total, note=f"{points} k-points"),
        respond if card.impurities else None,
    )
    progress.start("mixing conductances")
    # of clean magnets; those of impure ones are a calculation of their own ("mixing")
    mixing = {} if card.impurities else _mixing(card, sampling)
    complete: dict[str, Any] = {}
    settled = True
    if p.response == "complete" and not card.impurities:
        from negf_torque.study.calculations._complete import complete_valve

        progress.start("occupied states")
        complete, settled = complete_valve(valve, p, progress)
    values = _angular(valve) | complete
    values |= _mixing_values(mixing) | standard_errors(averages, valve.responses)
    if p.mesh is not None and not p.temperature:
        # A given mesh is taken as it is: nobody has estimated its error.
        values = {name: value for name, value in values.items() if not name.endswith("_error")}
    values |= fits(valve, values)
    coords: dict[str, Any] = {}
    conducts = bool(np.any(valve.conductance))  # maps of nothing tell nothing
    if chain.dimension == 2 and p.map_points and conducts and not card.impurities:
        progress.start("maps of the zone")
        maps, coords = _maps(valve, p.energy, p.map_points)
        values |= maps
        if p.temperature == 0 and p.mesh is None:
            meshes, errors = _mesh_errors(valve, p.energy)
            values |= errors
            coords["mesh"] = meshes
    converged = valve.converged and settled and all(m.converged for m in mixing.values())
    dataset = labelled(
        VARIABLES,
        values,
        _coordinates(valve, list(mixing)) | coords,
        converged=converged,
        free=p.free,
        fixed=p.fixed,
        free_layers=_layers_of(valve.responses[0], p.free),
        k_points=valve.responses[0].evaluations,
        response="complete" if complete else "window",
    )
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            variable.attrs["units"] = units.replace(" per cell", "").replace(" and cell", "")
    if not averages:
        return dataset, None
    right = valve.responses[nearest_to_right(valve.angles)]
    (shown,) = (a for a in averages if a.window is right)
    return dataset, shown


def nearest_to_right(angles: NDArray) -> int:
    """Which angle is the nearest to a right one: there the methods are compared."""
    return int(np.argmin(np.abs(angles - np.pi / 2)))


def whole(card: Card, progress: Progress) -> xr.Dataset:
    """The result of a card without explicit configurations."""
    from negf_torque.study.calculations._disorder import with_disorder
    from negf_torque.transport.linear import window_response

    dataset, averages = calculate(card, progress)
    if averages is None:
        return dataset
    p = card.calculation
    clean = window_response(averages.window.chain, p.energy, p.sampling)
    return with_disorder(dataset, averages, clean)


@dataclass(frozen=True)
class Cost:
    """Size and price of a valve: seconds are per k-point for all devices together."""

    layers: int
    block: int
    dimension: int
    devices: int
    memory: float
    seconds: float


def measured_cost(card: Card) -> Cost:
    """Build the device and time a few k-points of one direction; no average is taken."""
    from negf_torque.lattice import layer_chain
    from negf_torque.transport.device import make_device, solve

    p = card.calculation
    chain = layer_chain(card.build())
    device = make_device(chain)
    collinear = sum(angle in (0, 180) for angle in p.angles)
    devices = 2 + len(p.angles) + collinear
    points = np.linspace(0.1, 3.0, 256 * max(chain.dimension, 1))
    k = points.reshape(-1, chain.dimension)[:256] if chain.dimension else np.zeros((1, 0))
    energy = np.full(len(k), p.energy)
    solve(device, k, energy)  # compiled or read from the cache here
    began = time.perf_counter()
    solve(device, k, energy)
    seconds = (time.perf_counter() - began) / len(k)
    columns = 3 + 14 * device.sites + 8 * (device.layers - 1)
    blocks = sum(size**2 for size in chain.sizes) * 16
    held = max(20_000_000 * 8, columns * devices * 8) if chain.dimension else 0
    memory = held + 6 * blocks * min(len(k), 16)
    return Cost(
        len(chain.sizes), max(chain.sizes), chain.dimension, devices, memory, seconds * devices
    )


def _coordinates(valve: ValveResult, interfaces: list[str]) -> dict[str, Any]:
    response = valve.responses[0]
    names, _ = _layer_magnets(response)
    return {
        "angle": valve.angles,
        "bias": BIASES,
        "magnet": list(response.chain.magnets),
        "component": COMPONENTS,
        "flow": ["charge", *COMPONENTS],
        "layer": np.arange(len(names)),
        "layer_magnet": ("layer", np.array(names, dtype=str)),
        "bond": np.arange(len(names) - 1) + 0.5,
        **({"interface": interfaces} if interfaces else {}),
    }


def _angular(valve: ValveResult) -> dict[str, Any]:
    """What depends on the angle; responses are stacked on an axis behind the bias."""
    responses = valve.responses

    def stacked(name: str) -> NDArray:
        return np.stack([getattr(r, name) for r in responses], axis=1)

    torkance = stacked("magnet_torkance_by_bias")
    bound = np.stack([r.torkance_error for r in responses])  # (angles, magnets)
    in_plane, out_of_plane = _frames(valve, torkance)
    spin = stacked("spin_current_by_bias")
    density = stacked("accumulation_by_bias")
    layers = responses[0].chain.sites.layer
    accumulation = _by_layer(density[..., 1:], layers)
    moment = np.stack([_layer_magnets(response)[1] for response in responses])
    symmetric = BIASES.index("symmetric")
    # A site's field times its spin's error bounds its torque's error; the most a layer has.
    density_error = np.array([r.density_error for r in responses])
    field = np.zeros(layers.max() + 1)
    np.add.at(field, layers, np.linalg.norm(responses[0].chain.sites.exchange, axis=1))
    sites = np.bincount(layers)
    return {
        "conductance": valve.conductance,
        "conductance_error": valve.conductance_error,
        "conductance_parallel": valve.conductance_parallel,
        "conductance_antiparallel": valve.conductance_antiparallel,
        "conductance_parallel_error": valve.conductance_parallel_error,
        "conductance_antiparallel_error": valve.conductance_antiparallel_error,
        "gmr": valve.gmr if valve.conductance_antiparallel else np.nan,
        "gmr_error": valve.gmr_error if valve.conductance_antiparallel else np.nan,
        "torkance": torkance,
        "torkance_error": (("angle", "magnet"), bound),
        "torkance_in_plane": in_plane,
        "torkance_in_plane_error": (("angle", "magnet"), bound),
        "torkance_out_of_plane": out_of_plane,
        "torkance_out_of_plane_error": (("angle", "magnet"), bound),
        "layer_torkance": stacked("layer_torkance_by_bias"),
        "layer_torkance_error": (("angle", "layer"), np.sqrt(3) * density_error[:, None] * field),
        "spin_current": spin,
        "spin_current_error": (("angle",), np.array([r.current_error for r in responses])),
        "spin_accumulation": accumulation,
        "spin_accumulation_error": (
            ("angle", "layer"),
            density_error[:, None] * sites / (2 * np.pi),
        ),
        "eta": valve.eta[symmetric],
        "eta_out_of_plane": valve.out_of_plane_per_current[symmetric],
        "moment": moment,
    }


def _by_layer(per_site: NDArray, layers: NDArray) -> NDArray:
    """Sum (..., sites, 3) over the sites of each layer: (..., layers, 3)."""
    member = np.equal.outer(np.arange(layers.max() + 1), layers).astype(float)
    return np.einsum("ls,...sc->...lc", member, per_site)


def _frames(valve: ValveResult, torkance: NDArray) -> tuple[NDArray, NDArray]:
    """In-plane and out-of-plane torkance (bias, angle, magnet); not-a-number for a third magnet.

    Of the fixed magnet they are seen in its own frame, with the free one as the polariser.
    """
    from negf_torque.transport.torque import frame_components

    names = valve.responses[0].chain.magnets
    in_plane = np.full(torkance.shape[:3], np.nan)
    out_of_plane = np.full(torkance.shape[:3], np.nan)
    free, fixed = names.index(valve.free), names.index(valve.fixed)
    in_plane[..., free], out_of_plane[..., free] = valve.in_plane, valve.out_of_plane
    parts = frame_components(torkance[:, :, fixed], valve.fixed_direction, valve.free_directions)
    collinear = np.abs(np.sin(valve.angles)) < 1e-9
    in_plane[..., fixed] = np.where(collinear, 0.0, parts[0])
    out_of_plane[..., fixed] = np.where(collinear, 0.0, parts[1])
    return in_plane, out_of_plane


def _mixing(card: Card, sampling: Any) -> dict[str, MixingConductance]:
    """Of every magnet of a stack against its normal lead; nothing where no lead is normal."""
    from negf_torque.study.builders import stack
    from negf_torque.transport.valve import magnet_mixing

    if not isinstance(card.system, stack.System):
        return {}
    given = stack.arguments(card.system)
    normal = next((given[s] for s in ("left", "right") if not given[s].exchange), None)
    if normal is None:
        return {}
    return magnet_mixing(
        given["layers"], normal, given["cross_section"], card.calculation.energy, sampling
    )


def _mixing_values(mixing: dict[str, MixingConductance]) -> dict[str, Any]:
    if not mixing:
        return {}
    found = list(mixing.values())
    none = complex(np.nan, np.nan)
    transmission = [none if m.transmission is None else m.transmission for m in found]
    return {
        "mixing_conductance": [m.reflection for m in found],
        "mixing_conductance_error": [m.reflection_error for m in found],
        "transmission_mixing": transmission,
        "transmission_mixing_error": [
            np.nan if m.transmission is None else m.transmission_error for m in found
        ],
        "sharvin_conductance": [m.sharvin for m in found],
        "sharvin_conductance_error": [m.sharvin_error for m in found],
        "mixing_conductance_corrected": [m.reflection_corrected for m in found],
        "mixing_conductance_corrected_error": [m.reflection_corrected_error for m in found],
    }


def _maps(valve: ValveResult, energy: float, points: int) -> tuple[dict[str, Any], dict[str, Any]]:
    from negf_torque.spin import torque_frame
    from negf_torque.transport.linear import zone_map

    index = int(np.argmin(np.abs(valve.angles - np.pi / 2)))
    response = valve.responses[index]
    k, transmission, torkance = zone_map(response.chain, energy, points)
    values: dict[str, Any] = {"transmission_map": transmission}
    if np.sin(valve.angles[index]) > 1e-9:
        frame = torque_frame(valve.free_directions[index], valve.fixed_direction)
        free = response.chain.magnets.index(valve.free)
        values["torkance_map"] = np.stack([torkance[free] @ axis for axis in frame])
    return values, {"ky": k, "kz": k, "direction": ["in plane", "out of plane"]}


def _mesh_errors(valve: ValveResult, energy: float) -> tuple[list[int], dict[str, Any]]:
    """How far plain uniform meshes are from the average, at the angle nearest to 90 degrees."""
    from negf_torque.transport.linear import zone_map

    index = int(np.argmin(np.abs(valve.angles - np.pi / 2)))
    response = valve.responses[index]
    free = response.chain.magnets.index(valve.free)
    torque = response.magnet_torkance_by_bias[2, free]
    size = float(np.linalg.norm(torque)) or 1.0
    transmissions, torques = [], []
    for mesh in _MESHES:
        _, transmission, torkance = zone_map(response.chain, energy, mesh)
        transmissions.append(abs(transmission.mean() - response.conductance))
        torques.append(np.linalg.norm(torkance[free].mean(axis=(0, 1)) - torque) / size)
    scale = response.conductance or 1.0
    return list(_MESHES), {
        "mesh_deviation_conductance": np.array(transmissions) / scale,
        "mesh_deviation_torkance": np.array(torques),
    }


def _layer_magnets(response: WindowResponse) -> tuple[list[str], NDArray]:
    """Name of the magnet of each layer ("" if none) and its direction, zero if none."""
    sites = response.chain.sites
    count = len(response.chain.onsite)
    names, total = [""] * count, np.zeros((count, 3))
    for layer, name, field in zip(sites.layer, sites.magnet, sites.exchange, strict=True):
        names[layer] = name or names[layer]
        total[layer] += field
    size = np.linalg.norm(total, axis=1, keepdims=True)
    return names, np.divide(total, size, out=np.zeros_like(total), where=size > 0)


def _layers_of(response: WindowResponse, magnet: str) -> int:
    names, _ = _layer_magnets(response)
    return names.count(magnet)
