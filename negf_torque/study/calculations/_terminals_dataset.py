"""Arrays of a device of many terminals, labelled as the result of kind "terminals"."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.base import Scalar
from negf_torque.study.calculations._terminals_variables import VARIABLES
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.lattice.terminals import OpenSystem
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.driven import DrivenDevice

__all__ = ["calculate", "measured_cost"]


def calculate(card: Card, names: tuple[str, ...] | None, progress: Progress) -> xr.Dataset:
    """Solve the device for every angle and label what comes out."""
    from negf_torque.lattice.terminals import open_system, with_directions
    from negf_torque.transport.driven import drive
    from negf_torque.transport.sampling import Sampling
    from negf_torque.transport.valve import valve_directions

    p = card.calculation
    progress.start("building the device")
    system = open_system(card.build(), names)
    _check_names(system, p)
    sampling = Sampling(p.tolerance, None, p.temperature, p.max_evaluations)
    degrees = p.angles if p.free is not None else [0.0]
    systems = [system]
    if p.free is not None:
        _, directions = valve_directions(system, p.fixed, p.free, np.radians(degrees))
        systems = [with_directions(system, {p.free: m}) for m in directions]
    progress.start("currents and torques", len(systems))
    results = []
    for turned in systems:
        results.append(
            drive(
                turned,
                p.energy,
                p.source,
                p.voltages,
                p.currents,
                sampling,
                p.neutrality if p.response == "complete" else None,
            )
        )
        progress.advance()
    shown = int(np.argmin(np.abs(np.array(degrees) - p.shown)))
    return labelled(
        VARIABLES,
        _values(results, p),
        _coordinates(system, degrees),
        converged=all(result.converged for result in results),
        response=p.response,
        source=p.source,
        shown=shown,
        free=p.free or "",
        fixed=p.fixed or "",
        probes=" - ".join(p.probes or ()),
    )


def _check_names(system: OpenSystem, p: Any) -> None:
    """What `check` could not know: the leads and magnets of a user's own builder."""
    wrong = [name for name in p.probes or () if name not in system.names]
    if wrong:
        raise ValueError(f"probes: {wrong[0]!r} is no terminal; there are {list(system.names)}.")


def _coordinates(system: OpenSystem, degrees: list[float]) -> dict[str, Any]:
    sites = system.sites
    return {
        "angle": np.radians(degrees),
        "terminal": list(system.names),
        "raised": list(system.names),
        "magnet": list(system.magnets),
        "component": ["x", "y", "z"],
        "flow": ["charge", "x", "y", "z"],
        "direction": ["x", "y", "z"][: sites.position.shape[1]],
        "site": np.arange(len(sites.offset)),
        "site_magnet": ("site", np.array([name or "" for name in sites.magnet], dtype=str)),
    }


def _values(results: list[DrivenDevice], p: Any) -> dict[str, Any]:
    def every(quantity) -> np.ndarray:
        return np.array([quantity(result) for result in results])

    fields = every(lambda r: r.response.system.sites.exchange)
    size = np.linalg.norm(fields, axis=2, keepdims=True)
    values: dict[str, Any] = {
        "conductance": every(lambda r: r.response.conductance),
        "spin_conductance": every(lambda r: r.response.flow[:, :, 1:]),
        "transmission": every(lambda r: r.response.transmission),
        "open_channels": every(lambda r: r.response.open_channels),
        "voltage": every(lambda r: r.voltages),
        "current": every(lambda r: r.flow[:, 0]),
        "spin_current": every(lambda r: r.flow[:, 1:]),
        "torque": every(lambda r: r.magnet_torque),
        "torque_error": (("angle", "magnet", "component"), every(lambda r: r.torque_error)),
        "window_torque": every(lambda r: r.window_magnet_torque),
        "site_torque": every(lambda r: r.site_torque),
        "accumulation": every(lambda r: r.accumulation),
        "current_density": every(lambda r: r.current_density()),
        "moment": fields / np.where(size > 0, size, 1.0),
        "position": results[0].response.system.sites.position,
    }
    if p.response == "complete":
        values["potential"] = every(lambda r: r.complete.potential)
    if p.probes is not None:
        index = [results[0].response.system.names.index(name) for name in p.probes]
        volts = values["voltage"][:, index]
        values["nonlocal_resistance"] = volts[:, 0] - volts[:, 1]
    if p.free is not None:
        values |= _in_frame(results, p)
    return values


def _in_frame(results: list[DrivenDevice], p: Any) -> dict[str, Any]:
    """Components of both magnets' torques in the frame of each, seen from the other."""
    from negf_torque.transport.torque import frame_components

    magnets = results[0].response.system.magnets
    shape = (len(results), len(magnets))
    inside, outside, window = (np.full(shape, np.nan) for _ in range(3))
    pair = {p.free: p.fixed, p.fixed: p.free}
    for i, result in enumerate(results):
        sites = result.response.system.sites
        spin = {}
        for name in pair:
            first = sites.magnet.index(name)
            spin[name] = sites.exchange[first] / np.linalg.norm(sites.exchange[first])
        for j, name in enumerate(magnets):
            if name not in pair:
                continue
            axes = spin[name], spin[pair[name]]
            inside[i, j], outside[i, j], _ = frame_components(result.magnet_torque[j], *axes)
            _, window[i, j], _ = frame_components(result.window_magnet_torque[j], *axes)
    transverse = np.linalg.norm([r.magnet_torque for r in results], axis=-1)
    for part in (inside, outside, window):  # no frame, but no torque either
        part[np.isnan(part) & (transverse < 1e-9)] = 0.0
    return {
        "torque_in_plane": inside,
        "torque_out_of_plane": outside,
        "window_torque_out_of_plane": window,
    }


def measured_cost(card: Card, names: tuple[str, ...] | None) -> list[Scalar]:
    """Size of the matrices, and the time of one angle's window."""
    from negf_torque.lattice.terminals import open_system
    from negf_torque.transport.terminals import terminal_response

    p = card.calculation
    system = open_system(card.build(), names)
    begin = time.perf_counter()
    response = terminal_response(system, p.energy)
    seconds = time.perf_counter() - begin
    angles = len(p.angles) if p.free is not None else 1
    rows = system.hamiltonian.shape[0]
    channels = float(response.open_channels.sum())
    return [
        Scalar("sites", len(system.sites.offset), "1"),
        Scalar("rows", rows, "1", note="of the Hamiltonian"),
        Scalar("open channels", channels, "1", note="of all leads"),
        Scalar("memory", round(3 * 16 * rows * channels / 1e6, 1), "MB", note="scattering states"),
        Scalar("angles", angles, "1"),
        Scalar("time of a window", round(seconds, 4), "s", note="one angle and energy, here"),
        Scalar("time of all windows", float(f"{angles * seconds:.2g}"), "s",
               note="the Fermi sea takes some hundred energies more, each about as long"),
    ]
