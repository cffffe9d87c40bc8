"""The finished items of a run, read back and put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from negf_torque.study.assemble import PointResult, assemble
from negf_torque.study.base import Progress
from negf_torque.study.campaign import Tally
from negf_torque.study.errors import StoreError, StudyError
from negf_torque.study.packed import DamagedError, Packed, dataset_of, pack, unpack
from negf_torque.study.worker import CRASHED, DONE, FAILED, Job, verdict

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.card import Card

__all__ = ["collected"]


def collected(job: Job, tally: Tally, progress: Progress) -> tuple[xr.Dataset, dict[str, int]]:
    """The result of a run all of whose items have been computed or given up.

    Returns
    -------
    dataset : xarray.Dataset
    points : dict
        How many points of a sweep came out how; empty without a sweep.
    """
    if job.card.sweep is None:
        return _merged(job, 0, job.card, tally), {}

    def results() -> Iterator[PointResult]:
        for point in range(job.points):
            yield _result(job, point, tally)
            progress.advance()

    return assemble(job.card.sweep, results, job.checkpoints.directory)


def _result(job: Job, point: int, tally: Tally) -> PointResult:
    card = job.point_card(point) if hasattr(job.card.module, "split") else job.card
    if not hasattr(job.card.module, "split") or isinstance(card, dict):
        if (point, -1) in tally.crashed:
            return PointResult(None, FAILED, tally.crashed[point, -1], [])
        return _as_result(_read(job, job.key(point)))
    try:
        dataset = _merged(job, point, card, tally)
    except ValueError as error:
        return PointResult(None, FAILED, str(error), [])
    scalars = list(card.module.summary(dataset))
    state, message = verdict(dataset, scalars)
    facts = {"state": state, "message": message, "scalars": [s.to_json() for s in scalars]}
    return _as_result(unpack(pack(dataset, facts)))


def _as_result(packed: Packed) -> PointResult:
    facts = packed.facts
    state = str(facts.get("state", DONE))
    held = packed if packed.variables else None
    return PointResult(held, state, str(facts.get("message", "")), facts.get("scalars", []))


def _merged(job: Job, point: int, card: Card, tally: Tally) -> xr.Dataset:
    """One point of a kind that splits it, from its parts."""

    def parts() -> Iterator[xr.Dataset]:
        for number, part in enumerate(card.module.split(card)):
            if (point, number) in tally.crashed:
                raise StudyError(f"part {number}: {tally.crashed[point, number]}")
            packed = _read(job, job.key(point, part))
            if packed.facts.get("state") in (FAILED, CRASHED):
                raise StudyError(f"part {number}: {packed.facts.get('message')}")
            yield dataset_of(packed)

    return card.module.merge(card, parts())


def _read(job: Job, key: str) -> Packed:
    try:
        return job.checkpoints.read(key)
    except (DamagedError, OSError) as error:
        path = job.checkpoints.path(key)
        raise StoreError(
            f"{path} changed while the run was at work: {error}. Run the card again to go on."
        ) from None
