"""Explicit configurations as parts of a card: blocks that run anywhere, are kept and resumed.

A block is `{"ensemble": ..., "first": ..., "last": ...}`: configurations first to last - 1 of the
card's seed.  Its dataset holds mean and squares of every column and the values of the first few;
a block that is not full also all values, so that more configurations can be added to it later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.disorder.configurations import Ensemble, Evaluate
    from negf_torque.study.impurities import DisorderTable

__all__ = ["PART_IGNORES", "beginnings", "block_dataset", "blocks", "ensemble_of"]

#: How many configurations there are does not change those that there are.
PART_IGNORES = (("disorder", "configurations"), ("disorder", "standard_error"))


def blocks(ensemble: Any, configurations: int, block: int | None = None) -> list[dict[str, Any]]:
    """The blocks of one ensemble.

    Examples
    --------
    >>> blocks("sea", 10, 8)[1]
    {'ensemble': 'sea', 'first': 8, 'last': 10}
    """
    from negf_torque.disorder.configurations import BLOCK, block_edges

    edges = block_edges(configurations, block or BLOCK)
    return [{"ensemble": ensemble, "first": a, "last": b} for a, b in edges]


def beginnings(part: Any) -> Iterator[Any]:
    """Blocks that hold the first configurations of this one, the longest first."""
    if isinstance(part, dict) and "ensemble" in part:
        for last in range(part["last"] - 1, part["first"], -1):
            yield {**part, "last": last}


def block_dataset(
    evaluate: Evaluate,
    kept: int,
    table: DisorderTable,
    part: dict[str, Any],
    quantity: tuple[str, str],
    begun: xr.Dataset | None = None,
    block: int | None = None,
) -> xr.Dataset:
    """Compute a block.

    Parameters
    ----------
    evaluate : callable
        Seeds (B,) -> observables (B, columns).
    kept : int
        Columns of which every configuration's value is kept.
    table : DisorderTable
        Its seed is the first configuration's.
    part : dict
    quantity : (name, unit)
        Of column 0, for the progress bar.
    begun : Dataset, optional
        A block that holds the first of these configurations.
    block : int, optional
        Configurations of a full block.
    """
    import xarray as xr

    from negf_torque.disorder.configurations import BLOCK, block_ensemble

    first, last = part["first"], part["last"]
    have = 0 if begun is None else begun.sizes["configuration"]
    values = evaluate(table.seed + np.arange(first + have, last))
    if begun is not None:
        values = np.concatenate([begun["values"].values, values])
    found = block_ensemble(table.seed + np.arange(first, last), values, kept)
    variables: dict[str, Any] = {
        "seeds": ("configuration", found.seeds),
        "samples": (("configuration", "kept"), found.samples),
        "mean": ("column", found.mean),
        "squares": ("column", found.squares),
    }
    if last - first < (block or BLOCK):
        variables["values"] = (("configuration", "column"), values)
    tally = {
        "name": quantity[0],
        "unit": quantity[1],
        "ensemble": part["ensemble"],
        "first": first,
        "count": found.count,
        "mean": float(found.mean[0]),
        "squares": float(found.squares[0]),
    }
    return xr.Dataset(variables, attrs={"converged": 1, "tally": tally})


def ensemble_of(
    parts: list[dict[str, Any]],
    found: Callable[[Any], xr.Dataset],
    standard_error: float | None = None,
    block: int | None = None,
) -> Ensemble:
    """The blocks together, in their order, up to where the standard error is reached."""
    from dataclasses import replace

    from negf_torque.disorder.configurations import BLOCK, Ensemble, enough, running

    def piece(part: dict[str, Any]) -> Ensemble:
        one = found(part)
        seeds, samples, mean, squares = (
            one[name].values for name in ("seeds", "samples", "mean", "squares")
        )
        return Ensemble(seeds, samples, mean, squares)

    total = None
    for total in running(map(piece, parts)):
        if enough(total, standard_error, block or BLOCK):
            return replace(total, stopped=True)
    if total is None:
        raise ValueError("configurations: there are none.")
    return total
