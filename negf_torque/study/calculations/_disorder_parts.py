"""Cards with explicit configurations in parts: blocks of them, and the averaged media beside.

The part "media" is everything but the configurations: where an averaged medium is the main method
the whole result without them, else the clean device and the media to compare with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._configurations import block_dataset, blocks, ensemble_of
from negf_torque.study.calculations._disorder import Averages, averaged, with_disorder
from negf_torque.study.calculations._disorder_variables import DISORDER
from negf_torque.study.impurities import DisorderTable
from negf_torque.study.labels import labelled
from negf_torque.study.parts import cached

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.ensembles import ConfigurationResponse

__all__ = [
    "MEDIA",
    "beside",
    "explicit_response",
    "is_explicit",
    "parts_with_ensembles",
    "table_of",
    "wanted_error",
    "window_block",
    "with_configurations",
    "without_configurations",
]

#: The part that is no block of configurations.
MEDIA = "media"


def is_explicit(card: Card) -> bool:
    """Whether explicit configurations are among the methods of a card."""
    table = card.disorder
    return bool(card.impurities) and table is not None and "configurations" in table.methods


def table_of(card: Card) -> DisorderTable:
    """How the average is taken."""
    return card.disorder or DisorderTable()


def parts_with_ensembles(card: Card, ensembles: Sequence[Any] = (0,)) -> list[Any] | None:
    """The media and the blocks of every ensemble; None without explicit configurations."""
    if not is_explicit(card):
        return None
    count = table_of(card).configurations
    return [MEDIA, *(part for name in ensembles for part in blocks(name, count))]


def wanted_error(card: Card) -> float | None:
    """The standard error, relative to the conductance, after which no more blocks are needed."""
    return card.disorder.standard_error if card.disorder else None


def window_block(
    card: Card,
    part: dict[str, Any],
    chain: Callable[[], LayerChain],
    begun: xr.Dataset | None,
) -> xr.Dataset:
    """A block of configurations of a device's window response."""
    from negf_torque.transport.ensembles import Configurations, kept_columns, window_columns

    table = table_of(card)
    kinds = tuple(t.impurity() for t in card.impurities)

    def make() -> Configurations:
        cells, mesh = table.supercell, table.supercell_mesh
        return Configurations(chain(), card.calculation.energy, kinds, cells, mesh)

    drawn = cached(card, part["ensemble"], make)
    unit = "e^2/h per cell" if drawn.chain.dimension else "e^2/h"
    columns = partial(window_columns, drawn)
    kept = kept_columns(drawn.chain)
    return block_dataset(columns, kept, table, part, ("conductance", unit), begun)


def explicit_response(
    card: Card, chain: LayerChain, found: Callable[[Any], xr.Dataset], ensemble: Any = 0
) -> ConfigurationResponse:
    """The response of a device from the blocks of its configurations."""
    from negf_torque.transport.ensembles import response_of

    table = table_of(card)
    parts = blocks(ensemble, table.configurations)
    total = ensemble_of(parts, found, table.standard_error)
    return response_of(chain, total, table.supercell_mesh, table.standard_error)


def without_configurations(card: Card) -> Card:
    """The card with only the methods that average."""
    table = table_of(card)
    first, *others = [m for m in table.methods if m != "configurations"]
    return replace(card, disorder=table.model_copy(update={"method": first, "compare": others}))


def beside(card: Card, chain: LayerChain, sampling: Any, progress: Progress) -> xr.Dataset:
    """The clean device and the media to compare with, where configurations are the main method."""
    from negf_torque.transport.linear import window_response
    from negf_torque.transport.torque import BIASES

    energy = card.calculation.energy
    clean = window_response(chain, energy, sampling)
    methods = tuple(m for m in table_of(card).methods if m != "configurations")
    coords: dict[str, Any] = {"bias": list(BIASES)}
    if methods:
        empty = labelled(DISORDER, {}, coords, converged=True)
        return with_disorder(empty, averaged(card, chain, energy, progress, methods), clean)
    coords |= {"component": ["x", "y", "z"], "layer": np.arange(len(chain.onsite))}
    values = {
        "clean_conductance": clean.conductance,
        "clean_layer_torkance": clean.layer_torkance_by_bias,
    }
    return _of_wire(labelled(DISORDER, values, coords, converged=True), chain)


def _of_wire(dataset: xr.Dataset, chain: LayerChain) -> xr.Dataset:
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            variable.attrs["units"] = units.replace(" per cell", "")
    return dataset


def with_configurations(
    card: Card, main: xr.Dataset, media: xr.Dataset, explicit: ConfigurationResponse
) -> xr.Dataset:
    """The whole result.

    Parameters
    ----------
    card : Card
    main : Dataset
        Of the main method: the media, or labelled from the configurations' window.
    media : Dataset
        What the part "media" has given.
    explicit : ConfigurationResponse
        Of the device whose methods are compared.
    """
    own = Averages(("configurations",), (explicit.window,), configurations=explicit)
    methods = table_of(card).methods
    if methods[0] == "configurations":
        return _joined(with_disorder(main, own), media, methods)
    empty = labelled(DISORDER, {}, {"bias": main["bias"].values}, converged=True)
    return _joined(main, with_disorder(empty, own), methods)


def _joined(main: xr.Dataset, other: xr.Dataset, methods: list[str]) -> xr.Dataset:
    """Main result with the other's methods beside its own, and what else the other knows."""
    import xarray as xr

    more = [str(n) for n in other.data_vars if str(n).removesuffix("_error") in DISORDER]
    rows = [n for n in more if "approach" in other[n].dims and n in main]
    found = main
    if rows:
        both = xr.concat([main[rows], other[rows]], "approach", combine_attrs="override")
        found = main.drop_dims("approach").merge(
            both.sel(approach=methods), combine_attrs="override"
        )
    extra = other[[n for n in more if n not in found]]
    found = found.merge(extra, combine_attrs="override", compat="override")
    converged = all(bool(one.attrs.get("converged", True)) for one in (main, other))
    return found.assign_attrs(main.attrs | {"converged": converged})
