"""The dataset of kind "wire"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._wire_variables import VARIABLES

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.spin_balance import SpinBalance
    from negf_torque.transport.wire import WireResponse

__all__ = ["calculate"]


def calculate(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the wire, its uniform counterpart and the walls of the scan."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.labels import labelled
    from negf_torque.transport.spin_balance import has_spin_orbit, spin_balance
    from negf_torque.transport.torque import BIASES

    p = card.calculation
    progress.start("building the wire")
    chain = layer_chain(card.build())
    found = _respond(card, chain, progress.start)
    balance = None
    if has_spin_orbit(chain):
        progress.start("spin lost to the lattice")
        balance = spin_balance(chain, p.energy, _sampling(p), found.complete)
    values = _values(found) | _balance_values(balance)
    converged = found.converged and (balance is None or balance.converged)
    coords = _coordinates(found) | {"bias": list(BIASES)}
    if p.widths:
        progress.start("walls of other widths", len(p.widths))
        scan, good = _scan(card, progress)
        values |= scan
        coords["width"] = np.array(p.widths)
        converged = converged and good
    if p.mesh is not None and not p.temperature:
        values = {name: value for name, value in values.items() if not name.endswith("_error")}
    dataset = labelled(
        VARIABLES,
        values,
        coords,
        converged=converged,
        response=found.parts[0] if found.complete is not None else "window",
        neutrality=p.neutrality if found.complete is not None else "none",
        k_points=found.window.evaluations,
        spin_orbit=int(balance is not None),
    )
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            variable.attrs["units"] = units.replace(" per cell", "").removesuffix(" cell")
    return dataset


def _sampling(p: Any):
    from negf_torque.transport.sampling import Sampling

    return Sampling(p.tolerance, p.mesh, p.temperature, p.max_evaluations)


def _respond(card: Card, chain, say=None) -> WireResponse:
    from negf_torque.transport.wire import wire_response

    p = card.calculation
    return wire_response(
        chain,
        p.energy,
        _sampling(p),
        complete=p.response == "complete",
        neutrality=p.neutrality,
        progress=say,
    )


def _values(found: WireResponse) -> dict[str, Any]:
    from negf_torque.transport.torque import sum_by_magnet

    chain, geometry = found.chain, found.geometry
    return {
        "conductance": found.window.conductance,
        "conductance_error": found.window.conductance_error,
        "uniform_conductance": found.uniform.conductance,
        "uniform_conductance_error": found.uniform.conductance_error,
        "wall_resistance": found.wall_resistance,
        "wall_resistance_error": found.wall_resistance_error,
        "open_channels": found.window.open_channels,
        "uniform_spin_current": found.uniform_spin_current,
        "torkance": sum_by_magnet(chain.sites, found.site_torkance, chain.magnets),
        "torkance_error": found.magnet_torkance_error,
        "total_torkance": found.total_torkance,
        "total_torkance_error": found.total_torkance_error,
        "adiabatic_limit": found.adiabatic_limit,
        "adiabaticity": found.adiabaticity,
        "spin_current": found.window.spin_current_by_bias,
        "spin_current_error": ((), found.window.current_error),
        "potential": None if found.complete is None else found.complete.potential,
        "moment": geometry.moment,
        "gradient": geometry.gradient,
        "exchange": np.linalg.norm(chain.sites.exchange, axis=1),
        "position": _positions(chain.sites.position),
        **_projection_values(found),
    }


def _projection_values(found: WireResponse) -> dict[str, Any]:
    geometry, projection, torque = found.geometry, found.projection, found.site_torkance
    adiabatic, nonadiabatic = projection.integrated_adiabatic, projection.integrated_nonadiabatic
    error = _integrated_error(found)
    with np.errstate(invalid="ignore", divide="ignore"):
        beta_error = error * (1 + np.abs(projection.integrated_beta)) / np.abs(adiabatic)
    relative = found.window.conductance_error / max(found.window.conductance, 1e-300)
    return {
        "site_torkance": torque,
        "site_torkance_error": found.site_torkance_error,
        "slice_torkance": geometry.total(torque),
        "slice_moment": geometry.mean_moment,
        "adiabatic": projection.adiabatic,
        "nonadiabatic": projection.nonadiabatic,
        "beta": projection.beta,
        "site_adiabatic": projection.site_adiabatic,
        "site_nonadiabatic": projection.site_nonadiabatic,
        "site_beta": projection.site_beta,
        "adiabatic_ratio": _over(projection.adiabatic, found.local_spin_current),
        "nonadiabatic_ratio": _over(projection.nonadiabatic, found.local_spin_current),
        "slice_polarisation": _over(projection.adiabatic, found.window.conductance),
        "local_spin_current": found.local_spin_current,
        "integrated_adiabatic": adiabatic,
        "integrated_adiabatic_error": error,
        "integrated_nonadiabatic": nonadiabatic,
        "integrated_nonadiabatic_error": error,
        "integrated_beta": projection.integrated_beta,
        "integrated_beta_error": beta_error,
        "polarisation": found.polarisation,
        "polarisation_error": error / max(found.window.conductance, 1e-300)
        + relative * np.abs(found.polarisation),
        "residual": projection.residual,
    }


def _over(value: np.ndarray, current: np.ndarray | float) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.abs(current) > 1e-12, value / current, np.nan)


def _integrated_error(found: WireResponse) -> np.ndarray:
    """(parts,): bound on the errors of the integrated coefficients."""
    geometry, site_error = found.geometry, np.linalg.norm(found.site_torkance_error, axis=2)
    steep = np.linalg.norm(np.nan_to_num(geometry.gradient), axis=1)
    weight = np.sum(geometry.speed * geometry.spacing)
    return site_error @ steep / weight if weight > 0 else np.zeros(len(site_error))


def _balance_values(balance: SpinBalance | None) -> dict[str, Any]:
    if balance is None:
        return {}
    table = balance.chain.sites
    ends = (table.layer == 0) | (table.layer == table.layer.max())
    return {
        "lattice_torkance": balance.lattice_torkance,
        "lattice_torkance_error": ((), balance.error),
        "spin_inflow": np.where(ends[:, None], np.nan, balance.inflow),
        "magnet_lattice_torkance": balance.magnet_lattice_torkance,
    }


def _coordinates(found: WireResponse) -> dict[str, Any]:
    sites = found.chain.sites
    return {
        "part": list(found.parts),
        "magnet": list(found.chain.magnets),
        "component": ["x", "y", "z"],
        "flow": ["charge", "x", "y", "z"],
        "lead": ["left", "right"],
        "end": ["first", "last"],
        "bond": np.arange(len(found.chain.onsite) - 1) + 0.5,
        "site": np.arange(len(sites.layer)),
        "site_layer": ("site", sites.layer),
        "site_slice": ("site", found.geometry.slice),
        "site_magnet": ("site", np.array([name or "" for name in sites.magnet], dtype=str)),
        "x": ("slice", found.geometry.coordinate),
    }


def _positions(position: np.ndarray) -> np.ndarray:
    """(sites, 3), missing coordinates zero."""
    padded = np.zeros((len(position), 3))
    padded[:, : position.shape[1]] = position
    return padded


def _scan(card: Card, progress: Progress) -> tuple[dict[str, Any], bool]:
    """Walls of other widths; length and centre grow in proportion."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.builders.wire import build

    system, rows, converged = card.system, [], True
    for width in card.calculation.widths:
        factor = width / system.texture.width
        length = max(2, round(system.length * factor))
        centre = system.texture.centre
        wall = system.texture.model_copy(
            update={"width": width, "centre": None if centre is None else centre * factor}
        )
        found = _respond(card, layer_chain(build(system, length=length, texture=wall)))
        limit = np.sum(found.uniform_spin_current) / 2
        rows.append(
            (
                length,
                found.window.conductance,
                found.wall_resistance,
                found.adiabaticity[0],
                found.polarisation[0],
                found.projection.integrated_adiabatic[0] / limit if limit else np.nan,
                found.projection.integrated_beta[0],
                found.projection.residual[0],
            )
        )
        converged = converged and found.converged
        progress.advance()
    names = (
        "length", "conductance", "wall_resistance", "adiabaticity", "polarisation",
        "adiabatic_ratio", "beta", "residual",
    )  # fmt: skip
    columns = np.array(rows, float).T
    return {f"scan_{name}": column for name, column in zip(names, columns, strict=True)}, converged
