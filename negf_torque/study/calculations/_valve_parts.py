"""A spin valve with explicit configurations in parts: blocks of them for every angle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations import _disorder_parts as parts
from negf_torque.study.calculations._disorder import Averages
from negf_torque.study.calculations._valve_dataset import (
    calculate,
    nearest_to_right,
    whole,
)

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["valve_merged", "valve_part", "valve_parts"]


def valve_parts(card: Card) -> list[Any] | None:
    """Blocks for every angle that is solved; only for the compared one beside a medium."""
    if not parts.is_explicit(card):
        return None
    if not _is_main(card):
        return parts.parts_with_ensembles(card, [_compared(card)])
    from negf_torque.transport.valve import solved_angles

    solved, _ = solved_angles(np.radians(card.calculation.angles))
    return parts.parts_with_ensembles(card, range(len(solved)))


def valve_part(
    card: Card, part: Any, progress: Progress, begun: xr.Dataset | None = None
) -> xr.Dataset:
    """A block of configurations at one angle, or everything else."""
    if part != parts.MEDIA:
        return parts.window_block(card, part, lambda: _device(card, part["ensemble"]), begun)
    if not _is_main(card):
        return whole(parts.without_configurations(card), progress)
    return parts.beside(card, _device(card, _compared(card)), card.calculation.sampling, progress)


def valve_merged(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all parts."""
    from negf_torque.study.base import Progress

    media = found(parts.MEDIA)
    if not _is_main(card):
        number = _compared(card)
        explicit = parts.explicit_response(card, _device(card, number), found, number)
        return parts.with_configurations(card, media, media, explicit)

    def averages(number: int, device: LayerChain) -> Averages:
        response = parts.explicit_response(card, device, found, number)
        return Averages(("configurations",), (response.window,), configurations=response)

    dataset, shown = calculate(card, Progress(), averages)
    assert shown is not None and shown.configurations is not None
    return parts.with_configurations(card, dataset, media, shown.configurations)


def _is_main(card: Card) -> bool:
    return parts.table_of(card).method == "configurations"


def _compared(card: Card) -> int:
    """Number of the device at which the methods are compared."""
    from negf_torque.transport.valve import solved_angles

    angles = np.radians(card.calculation.angles)
    return int(solved_angles(angles)[1][2 + nearest_to_right(angles)])


def _device(card: Card, number: int) -> LayerChain:
    from negf_torque.lattice.layers import aligned, layer_chain
    from negf_torque.transport.valve import solved_angles, valve_directions

    p, chain = card.calculation, layer_chain(card.build())
    solved, _ = solved_angles(np.radians(p.angles))
    _, directions = valve_directions(chain, p.fixed, p.free, solved[[number]])
    return aligned(chain, {p.free: directions[0]})
