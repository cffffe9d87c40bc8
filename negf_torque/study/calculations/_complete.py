"""The complete linear response in a card: window and what all occupied states answer."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from negf_torque.notices import PhysicsWarning
from negf_torque.study.base import key
from negf_torque.study.calculations._zone import ZoneTable
from negf_torque.study.labels import Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.transport.complete import CompleteResponse
    from negf_torque.transport.linear import WindowResponse
    from negf_torque.transport.valve import ValveResult

__all__ = ["COMPLETE", "CompleteTable", "complete_of", "complete_valve", "device_values"]

TORKANCE = "e/(4 pi) per cell"
MEANING = "complete linear response: window and all occupied states, whatever division of the bias"

COMPLETE: dict[str, Variable] = {
    "complete_torkance": Variable(
        ("angle", "magnet", "component"),
        TORKANCE,
        "Torkance, complete",
        f"Torque on the magnet's moments per volt, V > 0 drives electrons to the right; {MEANING}.",
    ),
    "complete_torkance_in_plane": Variable(
        ("angle", "magnet"), TORKANCE, "In-plane torkance, complete", f"Toward p; {MEANING}."
    ),
    "complete_torkance_out_of_plane": Variable(
        ("angle", "magnet"), TORKANCE, "Out-of-plane torkance, complete", f"m x p; {MEANING}."
    ),
    "complete_layer_torkance": Variable(
        ("angle", "layer", "component"), TORKANCE, "Torkance of each layer, complete", MEANING
    ),
    "complete_site_torkance": Variable(
        ("site", "component"), TORKANCE, "Torkance of each site, complete", MEANING
    ),
    "eta_out_of_plane_window": Variable(
        ("angle",), "1", "Out-of-plane efficiency, window", "Of the window at symmetric bias."
    ),
}


class CompleteTable(ZoneTable):
    """Keys of calculations that give the complete linear response."""

    response: Literal["complete", "window"] = key(
        "The complete response (default; window parts are given as well), or the window alone, "
        "which depends on how the bias is divided between the leads.",
        "complete",
    )
    neutrality: Literal["electrochemical", "neutral"] = key(
        "Potential in the device: the local electrochemical one, or the one that leaves every site "
        "neutral.",
        "electrochemical",
    )
    sea_tolerance: float = key(
        "Relative error that is asked for of what all occupied states answer.",
        1e-2,
        ge=1e-12,
        le=0.1,
    )


def complete_of(
    chain: LayerChain, p: Any, window: WindowResponse | None
) -> CompleteResponse | None:
    """The complete response of one device; None, with a warning, where it has no potential."""
    from negf_torque.transport.complete import complete_response
    from negf_torque.transport.linear import window_response

    if window is None:
        window = window_response(chain, p.energy, p.sampling)
    states = window.density_by_lead[:, :, 0].sum(axis=0)
    if np.any(states <= 0):
        warnings.warn(
            f"energy: at {p.energy:g} eV a site has no states, so that its potential under a bias "
            "is undefined; the complete response is left out.",
            PhysicsWarning,
            stacklevel=2,
        )
        return None
    coarse = replace(p.sampling, tolerance=max(p.sea_tolerance, p.tolerance))
    return complete_response(chain, p.energy, coarse, neutrality=p.neutrality, window=window)


def _in_frame(error: NDArray, m: NDArray, p: NDArray) -> NDArray:
    """(2,): errors (3,) of a torque's Cartesian components, in and out of the plane of m and p."""
    from negf_torque.spin import torque_frame

    return np.array([np.abs(axis) @ error for axis in torque_frame(m, p)])


def _by_layer(chain: LayerChain, per_site: NDArray) -> NDArray:
    total = np.zeros((len(chain.sizes), 3))
    np.add.at(total, chain.sites.layer, per_site)
    return total


def device_values(chain: LayerChain, found: CompleteResponse | None) -> dict[str, Any]:
    """Complete torques of a device as it is built, by magnet, layer and site."""
    if found is None:
        return {}
    return {
        "complete_torkance": found.magnet_torkance,
        "complete_torkance_error": found.torkance_error,
        "complete_layer_torkance": _by_layer(chain, found.site_torkance),
        "complete_site_torkance": found.site_torkance,
    }


def complete_valve(valve: ValveResult, p: Any, progress: Any) -> tuple[dict[str, Any], bool]:
    """Complete torques of a valve at every angle, and whether they converged.

    At collinear angles the efficiencies are taken a little aside, as those of the window.
    """
    from negf_torque.lattice import aligned
    from negf_torque.transport.torque import frame_components
    from negf_torque.transport.valve import aside_of, valve_directions

    chain = valve.responses[0].chain
    names = chain.magnets
    free, fixed = names.index(valve.free), names.index(valve.fixed)
    p_spin = valve.fixed_direction
    collinear = np.abs(np.sin(valve.angles)) < 1e-9
    aside = aside_of(valve.angles)
    torkance, bounds, layers, out, errors, eta = [], [], [], [], [], []
    good = True
    for index, response in enumerate(valve.responses):
        progress.update(index, len(valve.responses))
        device = response.chain
        window: WindowResponse | None = response
        m = valve.free_directions[index]
        if collinear[index]:
            m = valve_directions(chain, valve.fixed, valve.free, [aside[index]])[1][0]
            device, window = aligned(chain, {valve.free: m}), None
        found = complete_of(device, p, window)
        if found is None:
            return {}, True
        good &= found.converged
        whole = found.magnet_torkance
        sides = [
            frame_components(whole[free], m, p_spin),
            frame_components(whole[fixed], p_spin, m),
        ]
        eta.append(
            [part / (response.conductance * np.sin(aside[index])) for part in sides[0][:2]]
            if response.conductance
            else [np.nan, np.nan]
        )
        pair, uncertain = np.full((2, 2, len(names)), np.nan)
        bound = found.torkance_error
        frames = ((free, m, p_spin), (fixed, p_spin, m))
        for (number, *frame), side in zip(frames, sides, strict=True):
            # collinear: zero by symmetry, without an error
            pair[:, number] = 0.0 if collinear[index] else side[:2]
            uncertain[:, number] = 0.0 if collinear[index] else _in_frame(bound[number], *frame)
        keep = 0.0 if collinear[index] else 1.0
        torkance.append(keep * whole)
        layers.append(keep * _by_layer(chain, found.site_torkance))
        bounds.append(keep * bound)
        out.append(pair)
        errors.append(uncertain)
    parts, efficiency, uncertainty = np.array(out), np.array(eta), np.array(errors)
    return {
        "complete_torkance": np.array(torkance),
        "complete_torkance_error": np.array(bounds),
        "complete_torkance_in_plane": parts[:, 0],
        "complete_torkance_in_plane_error": uncertainty[:, 0],
        "complete_torkance_out_of_plane": parts[:, 1],
        "complete_torkance_out_of_plane_error": uncertainty[:, 1],
        "complete_layer_torkance": np.array(layers),
        "eta": efficiency[:, 0],
        "eta_out_of_plane": efficiency[:, 1],
        "eta_out_of_plane_window": valve.out_of_plane_per_current[2],
    }, good
