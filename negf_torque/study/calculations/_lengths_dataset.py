"""Profiles of an averaged device and the lengths that are fitted to them, labelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._disorder import lead_impurities
from negf_torque.study.calculations._lengths_variables import VARIABLES
from negf_torque.study.impurities import DisorderTable
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.card import Card
    from negf_torque.transport.disordered import DisorderedResponse

__all__ = ["conductance", "profiles", "whole"]

#: An accumulation below this share of the density is rounding.
_NOTHING = 1e-9


def _responses(card: Card, chain: LayerChain) -> list[DisorderedResponse]:
    """On the card's mesh, and where there is one also on three quarters of it."""
    from negf_torque.transport.disordered import disordered_response

    table = card.disorder or DisorderTable()
    meshes = [table.fixed_mesh]
    if chain.dimension and table.fixed_mesh > 1:
        meshes.append(max(1, 3 * table.fixed_mesh // 4))
    kinds = [t.impurity() for t in card.impurities]
    return [
        disordered_response(
            chain,
            card.calculation.energy,
            kinds,
            table.method,
            mesh,
            lead_impurities=lead_impurities(card),
        )
        for mesh in meshes
    ]


def profiles(card: Card) -> xr.Dataset:
    """The device as the card builds it, with its fitted lengths."""
    from negf_torque.lattice import layer_chain
    from negf_torque.transport.disordered_lengths import spin_profiles

    p, chain = card.calculation, layer_chain(card.build())
    last = len(chain.onsite) - 2
    between = p.between or (last // 4 + 1, last - last // 4)
    m = _axis(chain, p.direction, sum(between) // 2)
    responses = _responses(card, chain)
    response = responses[0]
    along, across = spin_profiles(response, m)
    values: dict[str, Any] = {
        "conductance": response.conductance,
        "current": response.current_by_lead[0, :, 0],
        "unscattered_current": response.coherent_current_by_lead[0, :, 0],
        "accumulation_along": along / (2 * np.pi),
        "accumulation_across": across / (2 * np.pi),
    }
    if len(responses) > 1:
        values["conductance_error"] = abs(response.conductance - responses[1].conductance)
    values |= _fitted(responses, between, m) | _bulk(responses, p.energy, sum(between) // 2)
    coords = {
        "layer": np.arange(len(chain.onsite)),
        "bond": np.arange(len(chain.onsite) - 1) + 0.5,
    }
    return _of_wire(
        labelled(
            VARIABLES,
            values,
            coords,
            converged=all(one.converged for one in responses),
            between=list(between),
            direction=[float(x) for x in m],
            disorder_method=response.method,
        ),
        chain,
    )


def _axis(chain: LayerChain, given: Any, layer: int) -> NDArray:
    """The given axis, or that of a layer's moments, or of the left lead's."""
    from negf_torque.spin import unit_vector

    if given is not None:
        return unit_vector(given)
    here = chain.sites.exchange[chain.sites.layer == layer]
    for exchange in (here, chain.left.sites.exchange):
        moments = exchange[np.linalg.norm(exchange, axis=1) > 0]
        if len(moments):
            return unit_vector(moments[0])
    return np.array([0.0, 0.0, 1.0])


def _fitted(
    responses: list[DisorderedResponse], between: tuple[int, int], m: NDArray
) -> dict[str, Any]:
    """Every length that the profiles have, what its fit leaves, and its error.

    The error is the largest change by fitting only the first or the last three quarters of the
    layers, and by the other mesh.
    """
    from negf_torque.transport import disordered_lengths as lengths

    first, last = between
    quarter = (last - first + 1) // 4
    ranges = [(first, last)]
    if last - first - quarter >= 3:
        ranges += [(first, last - quarter), (first + quarter, last)]
    along, across = lengths.spin_profiles(responses[0], m)
    size = np.abs(responses[0].density_by_lead[0, :, 0]).max() * _NOTHING
    inside = slice(first, last + 1)
    fits: dict[str, Callable] = {"mean_free_path": lengths.mean_free_path}
    if np.abs(along[inside]).max() > size:
        fits["spin_diffusion_length"] = lambda r, a, b: lengths.spin_diffusion_length(r, a, b, m)
    if np.abs(across[inside]).max() > size:
        fits["transverse_decay_length"] = lambda r, a, b: lengths.transverse_decay(r, a, b, m)
    found: dict[str, Any] = {}
    for name, fit in fits.items():
        all_fits = [fit(responses[0], a, b) for a, b in ranges]
        all_fits += [fit(other, first, last) for other in responses[1:]]
        main, *others = all_fits
        found[name], found[f"{name}_residual"] = main.length, main.residual
        found[f"{name}_error"] = _change([one.length for one in all_fits])
        if name == "transverse_decay_length":
            found["transverse_wave_number"] = main.wave_number
            found["transverse_wave_number_error"] = _change([one.wave_number for one in all_fits])
    return found


def _change(values: list[float]) -> float:
    """Largest difference from the first, infinite where one is not finite."""
    if not np.all(np.isfinite(values)):
        return np.inf
    return float(np.abs(np.asarray(values) - values[0]).max())


def _bulk(responses: list[DisorderedResponse], energy: float, layer: int) -> dict[str, Any]:
    from negf_torque.transport.disordered_lengths import bulk_conductivity

    try:
        found = [bulk_conductivity(one, energy, layer) for one in responses]
    except ValueError:  # no bulk around that layer
        return {}
    values: dict[str, Any] = {"bulk_conductivity": found[0]}
    if len(found) > 1:
        values["bulk_conductivity_error"] = abs(found[0] - found[1])
    return values


def conductance(card: Card, length: int) -> xr.Dataset:
    """A device whose varied layer has another thickness."""
    from negf_torque.lattice import layer_chain

    layers = list(card.system.layers)
    number = card.calculation.varied
    layers[number] = layers[number].model_copy(update={"thickness": length})
    longer = replace(card, system=card.system.model_copy(update={"layers": layers}))
    chain = layer_chain(longer.build())
    responses = _responses(longer, chain)
    resistance = [1 / one.conductance for one in responses]
    values: dict[str, Any] = {"resistance": (("length",), resistance[:1])}
    if len(responses) > 1:
        values["resistance_error"] = (("length",), [abs(resistance[0] - resistance[1])])
    found = labelled(
        VARIABLES,
        values,
        {"length": [length]},
        converged=all(one.converged for one in responses),
        coarse_resistance=resistance[-1],
    )
    return _of_wire(found, chain)


def whole(card: Card, first: xr.Dataset, others: list[xr.Dataset]) -> xr.Dataset:
    """Profiles, and the resistivity from all lengths."""
    import xarray as xr

    from negf_torque.transport.disordered_lengths import resistivity

    if not others:
        return first
    longer = xr.concat(others, "length")
    resistance = longer["resistance"].values
    lengths = longer["length"].values.tolist()
    found = resistivity(lengths, (1 / resistance).tolist())
    values: dict[str, Any] = {
        "resistance_per_layer": found.per_layer,
        "contact_resistance": found.contact,
        "crossover_length": found.crossover,
        "conductivity": found.conductivity,
        "resistance_per_layer_residual": found.residual,
    }
    if "resistance_error" in longer:  # from the line through the other mesh's resistances
        coarse = [1 / float(one.attrs["coarse_resistance"]) for one in others]
        other = resistivity(lengths, coarse)
        values |= {
            f"{name}_error": abs(getattr(other, attribute) - getattr(found, attribute))
            for name, attribute in (
                ("resistance_per_layer", "per_layer"),
                ("contact_resistance", "contact"),
                ("crossover_length", "crossover"),
                ("conductivity", "conductivity"),
            )
        }
    line = labelled(VARIABLES, values, {})
    for variable in line.variables.values():
        if "cell" not in longer["resistance"].attrs["units"]:
            variable.attrs["units"] = variable.attrs["units"].replace(" times a cell", "")
    merged = first.merge(longer, combine_attrs="override").merge(line, combine_attrs="override")
    converged = all(bool(one.attrs.get("converged", True)) for one in (first, *others))
    return merged.assign_attrs(converged=converged)


def _of_wire(dataset: xr.Dataset, chain: LayerChain) -> xr.Dataset:
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            for text in (" per cell", " times a cell"):
                units = units.replace(text, "")
            variable.attrs["units"] = units
    return dataset
