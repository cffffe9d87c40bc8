"""Arrays of a bias sweep, labelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._bias_variables import VARIABLES
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.llg.junction import JunctionTorque
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.bias_map import BiasMap
    from negf_torque.transport.sampling import Sampling

__all__ = ["calculate", "junction", "labelled_map", "solved_map", "spectra"]


def calculate(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the junction of a card and label what comes out."""
    from negf_torque.lattice import layer_chain

    p = card.calculation
    progress.start("building the junction")
    chain = layer_chain(card.build())
    progress.start("voltages", len(p.voltages))
    found = solved_map(card, chain, p.voltages, lambda done, total: progress.update(done, total))
    more: dict[str, Any] = {}
    if p.spectrum_points and any(p.voltages):
        progress.start("spectra")
        more = spectra(found, card)
    return labelled_map(card, found, more)


def solved_map(
    card: Card,
    chain: LayerChain,
    voltages: list[float],
    progress: Callable[[int, int], None] | None = None,
) -> BiasMap:
    """The junction at some voltages and all angles of a card."""
    from negf_torque.transport.bias_map import bias_map
    from negf_torque.transport.contour import Contour

    p, sampling = card.calculation, _sampling(card)
    profile, barrier = _profile(chain, p)
    contour = Contour(p.contour_bottom, p.contour_height)
    return bias_map(
        chain,
        p.fixed,
        p.free,
        p.energy,
        voltages,
        np.radians(p.angles),
        profile,
        sampling,
        contour,
        barrier,
        progress=progress,
    )


def _sampling(card: Card) -> Sampling:
    from negf_torque.transport.sampling import Sampling

    p = card.calculation
    return Sampling(p.tolerance, p.mesh, p.temperature, p.max_evaluations)


def labelled_map(card: Card, found: BiasMap, more: dict[str, Any]) -> xr.Dataset:
    """What was found, and spectra if there are any, as the result."""
    p, chain = card.calculation, found.chain
    _, barrier = _profile(chain, p)
    values, coords = _values(found) | more, _coordinates(found)
    if more:
        coords["energy_point"] = np.arange(p.spectrum_points)
    if p.map_points and chain.dimension == 2 and any(p.voltages):
        maps, axes = _maps(found, p)
        values |= maps
        coords |= axes
    dataset = labelled(
        VARIABLES,
        values,
        coords,
        converged=bool(found.converged.all()),
        free=p.free,
        fixed=p.fixed,
        free_layers=sum(name == p.free for name in coords["layer_magnet"][1]),
        free_is_electrode=int(found.electrode is not None),
        profile=p.profile,
        barrier=str(list(barrier)) if barrier else "none",
        k_points=found.evaluations,
        response="finite bias, window and all occupied states",
    )
    dataset = _with_fits(dataset, card)
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            variable.attrs["units"] = units.replace(" per cell", "")
    return dataset


def _profile(chain: LayerChain, p: Any) -> tuple[Any, tuple[int, int] | None]:
    """The profile that `bias_map` takes, and the barrier."""
    from negf_torque.transport.profile import checked_profile, linear_profile
    from negf_torque.transport.window_bands import barrier_layers, check_barrier

    if p.profile == "given":
        return checked_profile(chain, p.potential), p.barrier
    barrier = p.barrier or barrier_layers(chain, p.energy)
    if p.profile == "neutral":
        return "neutral", barrier
    if barrier is None:
        raise ValueError(
            f"barrier: electrons at {p.energy:g} eV propagate in every layer; there is no barrier "
            "to hold a linear potential. Name its layers with `barrier`, raise it, or use "
            'profile = "neutral".'
        )
    check_barrier(chain, p.energy, *barrier)
    return linear_profile(chain, *barrier), barrier


def _values(found: BiasMap) -> dict[str, Any]:
    from negf_torque.transport.bias_map import slope

    in_plane, out_of_plane = found.components()
    window = found.components("window")
    conserved = bool(np.all(np.isfinite(found.sea_spin_current)))
    return {
        "current": found.current,
        "current_error": found.current_error,
        "current_parallel": found.current_parallel,
        "current_antiparallel": found.current_antiparallel,
        "tmr": found.tmr,
        "torque_in_plane": in_plane,
        "torque_in_plane_error": found.torque_error,
        "torque_out_of_plane": out_of_plane,
        "torque_out_of_plane_error": found.torque_error,
        "torque_in_plane_window": window[0],
        "torque_out_of_plane_window": window[1],
        "slope_in_plane": slope(found.voltages, in_plane),
        "slope_out_of_plane": slope(found.voltages, out_of_plane),
        "site_torque": found.site_torque,
        "magnet_torque": found.magnet_torque,
        "spin_current": found.spin_current + found.sea_spin_current if conserved else None,
        "potential": found.potential,
        "moment": _moments(found),
    }


def _moments(found: BiasMap) -> NDArray:
    """(layers, 3): directions of the magnets, the free one at the angle nearest to 90 degrees."""
    sites, middle = found.chain.sites, _middle(found)
    total = np.zeros((len(found.chain.sizes), 3))
    for layer, name, field in zip(sites.layer, sites.magnet, sites.exchange, strict=True):
        turned = found.free_directions[middle] * np.linalg.norm(field)
        total[layer] += turned if name == found.free else field
    size = np.linalg.norm(total, axis=1, keepdims=True)
    return np.divide(total, size, out=np.zeros_like(total), where=size > 0)


def _middle(found: BiasMap) -> int:
    return int(np.argmin(np.abs(found.angles - np.pi / 2)))


def _coordinates(found: BiasMap) -> dict[str, Any]:
    sites = found.chain.sites
    layers = len(found.chain.sizes)
    names = [""] * layers
    for layer, name in zip(sites.layer, sites.magnet, strict=True):
        names[layer] = name or names[layer]
    return {
        "voltage": found.voltages,
        "angle": found.angles,
        "magnet": list(found.chain.magnets),
        "component": ["x", "y", "z"],
        "layer": np.arange(layers),
        "layer_magnet": ("layer", np.array(names, dtype=str)),
        "bond": np.arange(layers - 1) + 0.5,
        "site": np.arange(len(sites.layer)),
    }


def spectra(found: BiasMap, card: Card) -> dict[str, Any]:
    """Contributions of single energies in the window, at the middle angle."""
    from negf_torque.lattice import aligned
    from negf_torque.transport.bias_spectrum import window_spectrum

    p, sampling = card.calculation, _sampling(card)
    direction = found.free_directions[_middle(found)]
    chain = aligned(found.chain, {found.free: direction})
    by_voltage = [
        window_spectrum(
            chain, p.energy, volt, levels, p.spectrum_points, sampling, found.free, found.electrode
        )
        for volt, levels in zip(found.voltages, found.potential, strict=True)
    ]
    torque = np.array([s.torque for s in by_voltage])
    parts = _framed(torque, direction, found.fixed_direction)
    return {
        "spectrum_energy": [s.energy for s in by_voltage],
        "current_spectrum": [s.transmission for s in by_voltage],
        "torque_in_plane_spectrum": parts[0],
        "torque_out_of_plane_spectrum": parts[1],
    }


def _framed(torque: NDArray, m: NDArray, p: NDArray) -> tuple[NDArray, NDArray]:
    from negf_torque.transport.torque import frame_components

    found = frame_components(torque, m, p)
    return np.nan_to_num(found[0]), np.nan_to_num(found[1])


def _maps(found: BiasMap, p: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    from negf_torque.lattice import aligned
    from negf_torque.transport.bias_spectrum import window_zone_map

    index = int(np.argmax(np.abs(found.voltages)))
    direction = found.free_directions[_middle(found)]
    chain = aligned(found.chain, {found.free: direction})
    k, current, torque = window_zone_map(
        chain,
        p.energy,
        float(found.voltages[index]),
        found.potential[index],
        p.map_points,
        p.temperature,
        found.free,
        found.electrode,
    )
    parts = _framed(torque, direction, found.fixed_direction)
    return (
        {"current_map": current, "torque_map": np.stack(parts)},
        {"ky": k, "kz": k, "direction": ["in plane", "out of plane"]},
    )


def junction(dataset: xr.Dataset, card: Card) -> JunctionTorque:
    """The table T(V, theta) as the dynamics need it."""
    from negf_torque.llg.junction import JunctionTorque

    table = card.llg
    assert table is not None  # only cards with [llg] come here
    layers = max(int(dataset.attrs["free_layers"]), 1)
    return JunctionTorque(
        voltages=dataset["voltage"].values,
        angles=dataset["angle"].values,
        in_plane=dataset["torque_in_plane"].values,
        out_of_plane=dataset["torque_out_of_plane"].values,
        current=dataset["current"].values,
        cell_area=table.cell_area,
        thickness=layers * table.layer_spacing,
        saturation_magnetisation=table.saturation_magnetisation,
        fixed_direction=table.fixed_direction,
        in_plane_error=dataset["torque_in_plane_error"].values,
        out_of_plane_error=dataset["torque_out_of_plane_error"].values,
        response="finite bias, window and all occupied states",
        name=card.name,
        provenance=f"negf_torque, card {card.name}",
    )


def _with_fits(dataset: xr.Dataset, card: Card) -> xr.Dataset:
    """Damping-like and field-like coefficients, if the card tells the free magnet's moment."""
    if card.llg is None or len(dataset["voltage"]) < 4:
        return dataset
    import xarray as xr

    torque = junction(dataset, card)
    damping, field = torque.damping_like(), torque.field_like()
    keep = np.array([np.isclose(angle, torque.angles).any() for angle in dataset["angle"].values])

    def spread(values: NDArray) -> NDArray:
        whole = np.full((*values.shape[:-1], len(keep)), np.nan)
        whole[..., keep] = values
        return whole

    for name, values in (
        ("damping_like", damping[1]),
        ("damping_like_residual", damping.residual),
        ("field_like", field.coefficients),
        ("field_like_residual", field.residual),
    ):
        variable = VARIABLES[name]
        dataset[name] = xr.Variable(variable.dims, spread(values), variable.attributes)
    return dataset.assign_coords(power=("power", list(field.powers)))
