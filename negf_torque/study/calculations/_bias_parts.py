"""A bias sweep in parts: every voltage by itself, with all its angles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._bias_dataset import labelled_map, solved_map, spectra
from negf_torque.study.parts import cached

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card
    from negf_torque.transport.bias_map import BiasMap

__all__ = ["PART_IGNORES", "bias_merged", "bias_part", "bias_parts"]

#: A voltage does not depend on the others; maps are drawn at the end.
PART_IGNORES = (("calculation", "voltages"), ("calculation", "map_points"))
_DIMS = {
    "potential": ("layer",),
    "current": ("angle",),
    "current_error": ("angle",),
    "current_parallel": (),
    "current_antiparallel": (),
    "window_torque": ("angle", "site", "component"),
    "sea_torque": ("angle", "site", "component"),
    "spin_current": ("angle", "bond", "component"),
    "sea_spin_current": ("angle", "bond", "component"),
    "torque_error": ("angle",),
    "converged": (),
}


def bias_parts(card: Card) -> list[dict[str, float]]:
    """One part for each voltage."""
    return [{"voltage": float(volt)} for volt in card.calculation.voltages]


def bias_part(card: Card, part: dict[str, float]) -> xr.Dataset:
    """All angles of one voltage."""
    import xarray as xr

    from negf_torque.lattice import layer_chain

    chain = cached(card, "chain", lambda: layer_chain(card.build()))
    found = solved_map(card, chain, [part["voltage"]])
    data = {name: (dims, getattr(found, name)[0]) for name, dims in _DIMS.items()}
    if card.calculation.spectrum_points and any(card.calculation.voltages):
        for name, values in spectra(found, card).items():
            data[name] = (tuple(f"{name}_{n}" for n in range(np.ndim(values) - 1)), values[0])
    attrs: dict[str, Any] = {
        "converged": int(found.converged[0]),
        "evaluations": found.evaluations,
        "electrode": list(found.electrode or ()),
    }
    return xr.Dataset(data, attrs=attrs)


def bias_merged(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all voltages."""
    from negf_torque.lattice import layer_chain

    parts = [found(part) for part in bias_parts(card)]
    chain = layer_chain(card.build())
    names = [name for name in parts[0].data_vars if str(name).endswith("_spectrum")]
    names += ["spectrum_energy"] * bool(names)
    more = {str(name): np.stack([one[name].values for one in parts]) for name in names}
    return labelled_map(card, _joined(card, chain, parts), more)


def _joined(card: Card, chain: Any, parts: list[xr.Dataset]) -> BiasMap:
    from negf_torque.transport.bias_map import BiasMap
    from negf_torque.transport.valve import valve_directions

    p = card.calculation
    theta = np.radians(p.angles)
    fixed, free = valve_directions(chain, p.fixed, p.free, theta)
    electrode = parts[0].attrs["electrode"]
    return BiasMap(
        chain=chain,
        fixed=p.fixed,
        free=p.free,
        voltages=np.asarray(p.voltages, float),
        angles=theta,
        fixed_direction=fixed,
        free_directions=free,
        electrode=(int(electrode[0]), float(electrode[1])) if len(electrode) else None,
        evaluations=sum(int(one.attrs["evaluations"]) for one in parts),
        **{name: np.stack([one[name].values for one in parts]) for name in _DIMS},
    )
