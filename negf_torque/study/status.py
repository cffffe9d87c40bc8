"""How far a run is, from what lies in its directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from negf_torque.study import store
from negf_torque.study.errors import StoreError
from negf_torque.study.parts import parts_of

if TYPE_CHECKING:
    from negf_torque.study.card import Card

__all__ = ["status_of"]


def status_of(directory: Path) -> Iterator[str]:
    """Lines that tell what is finished, what is not, and who is at work.

    Raises
    ------
    StoreError
        If the directory holds no run.
    """
    from negf_torque.study.card import load
    from negf_torque.study.checkpoints import DAMAGED
    from negf_torque.study.lock import owner_of

    if not directory.is_dir():
        raise StoreError(f"there is no directory {directory}.")
    owner = owner_of(directory)
    if (directory / store.SUMMARY).exists() and not owner:
        summary = store.load_summary(directory)
        yield f"finished: {summary['name']}, {summary['kind']}, version {summary.get('version')}"
        for name in ("points", "items"):
            counts = summary.get(name, {})
            states = counts.get("states", {}) if name == "items" else counts
            if states:
                yield f"{name}: " + ", ".join(f"{n} {state}" for state, n in states.items())
        if not summary.get("converged", True):
            yield "marked: not everything is as it should be"
    elif not (directory / store.CARD).exists():
        raise StoreError(f"{directory} holds no run.")
    else:
        card = load(directory / store.CARD, allow_code=True)
        yield f"not finished: {card.kind}, card hash {card.hash[:16]}"
        if card.sweep is not None or parts_of(card) is not None:
            yield from _items(directory, card)
    yield f"at work: {owner}" if owner else "no one is at work"
    if (directory / DAMAGED).is_dir():
        names = sorted(path.name for path in (directory / DAMAGED).iterdir())
        yield f"put aside as damaged: {len(names)} files in {DAMAGED}/"


def _items(directory: Path, card: Card) -> Iterator[str]:
    """Counts of the items by what the names of the files say; nothing is read."""
    from negf_torque.study.campaign import items_of
    from negf_torque.study.worker import job_of

    job = job_of(card, directory)
    total = finished = 0
    for point, _, part in items_of(job):
        total += 1
        finished += job.key(point, part) in job.checkpoints
    yield f"items: {finished} of {total} finished, {total - finished} to do"
