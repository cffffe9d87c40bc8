"""The finished items of a run, read back and put together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from negf_torque.study.assemble import PointResult, assemble
from negf_torque.study.base import Progress
from negf_torque.study.campaign import Tally
from negf_torque.study.errors import StoreError, StudyError
from negf_torque.study.packed import DamagedError, Packed, dataset_of, pack, pack_facts, unpack
from negf_torque.study.parts import parts_of
from negf_torque.study.worker import CRASHED, DONE, FAILED, Job, caught, verdict, with_warnings

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

    with TemporaryDirectory(prefix=".", dir=job.checkpoints.directory) as folder:
        merged: dict[int, Path] = {}

        def results() -> Iterator[PointResult]:  # called twice; parts are put together once
            for point in range(job.points):
                card = job.point_card(point) if hasattr(job.card.module, "split") else {}
                if isinstance(card, dict) or parts_of(card) is None:
                    yield _result(job, point, tally)
                elif point in merged:
                    yield _as_result(unpack(merged[point].read_bytes()))
                else:
                    data = _merged_result(job, point, card, tally)
                    merged[point] = Path(folder) / str(point)
                    merged[point].write_bytes(data)
                    yield _as_result(unpack(data))
                progress.advance()

        return assemble(job.card.sweep, results, job.checkpoints.directory)


def _result(job: Job, point: int, tally: Tally) -> PointResult:
    if (point, -1) in tally.crashed:
        return PointResult(None, FAILED, tally.crashed[point, -1], [])
    return _as_result(_read(job, job.key(point)))


def _merged_result(job: Job, point: int, card: Card, tally: Tally) -> bytes:
    """The packed result of a point whose parts are finished."""
    try:
        dataset = _merged(job, point, card, tally)
    except ValueError as error:
        return pack_facts({"state": FAILED, "message": str(error)})
    scalars = list(card.module.summary(dataset))
    state, message = verdict(card, dataset, scalars)
    facts = {"state": state, "message": message, "scalars": [s.to_json() for s in scalars]}
    return pack(dataset, facts)


def _as_result(packed: Packed) -> PointResult:
    facts = packed.facts
    state = str(facts.get("state", DONE))
    held = packed if packed.variables else None
    return PointResult(held, state, str(facts.get("message", "")), facts.get("scalars", []))


def _merged(job: Job, point: int, card: Card, tally: Tally) -> xr.Dataset:
    """One point of a kind that splits it, from its parts."""
    crashed = {}
    if tally.crashed:
        for number, part in enumerate(parts_of(card) or []):
            if (point, number) in tally.crashed:
                crashed[job.key(point, part)] = f"part {number}: {tally.crashed[point, number]}"
    told: dict[str, None] = {}

    def found(part: Any) -> xr.Dataset:
        key = job.key(point, part)
        if key in crashed:
            raise StudyError(crashed[key])
        packed = _read(job, key)
        if packed.facts.get("state") in (FAILED, CRASHED):
            raise StudyError(f"part {part}: {packed.facts.get('message')}")
        told.update(dict.fromkeys(caught(packed.attrs)))
        return dataset_of(packed)

    # one thread, as in the workers: the same numbers to the last bit
    with threadpool_limits(1):
        dataset = with_warnings(lambda: card.module.merge(card, found))
    told.update(dict.fromkeys(caught(dataset.attrs)))
    dataset.attrs.pop("warnings", None)
    return dataset.assign_attrs({"warnings": list(told)} if told else {})


def _read(job: Job, key: str) -> Packed:
    try:
        return job.checkpoints.read(key)
    except (DamagedError, OSError) as error:
        path = job.checkpoints.path(key)
        raise StoreError(
            f"{path} changed while the run was at work: {error}. Run the card again to go on."
        ) from None
