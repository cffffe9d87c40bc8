"""Averages over explicit configurations of the impurities, with their statistical errors.

The truth that every approximation is measured against: the observables of configuration n, whose
impurities follow from the seed s + n alone, averaged over n.  Configurations are worked on in
blocks of fixed size, by any `concurrent.futures.Executor`, and enter the average in the order of
their seeds: the result is the same, to the last bit, on any number of workers and after any
interruption.  Means and sums of squares are merged as in T. F. Chan, G. H. Golub, R. J. LeVeque,
The American Statistician 37, 242 (1983), which loses no digits.
"""

import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BLOCK",
    "Ensemble",
    "block_edges",
    "block_ensemble",
    "empty_ensemble",
    "enough",
    "is_known",
    "joined",
    "merged",
    "running",
    "sample",
]

#: Configurations that are worked on together; the stopping rule looks between blocks.
BLOCK = 64
#: Blocks before which the stopping rule is not asked: a standard error of few values is itself
#: uncertain (after 4 blocks of 64 by 4 per cent).
_FIRST_BLOCKS = 4

#: Seeds (B,) -> observables (B, columns).
Evaluate = Callable[[NDArray], NDArray]


@dataclass(frozen=True)
class Ensemble:
    """Observables of some configurations: running mean, spread, and the first columns one by one.

    Attributes
    ----------
    seeds : (n,) int
        The seed of each configuration.
    samples : (n, kept)
        Their first columns, for median, distribution and histogram.
    mean : (columns,)
    squares : (columns,)
        sum (x - mean)^2 of each column.
    stopped : bool
        Whether the requested standard error was reached.
    """

    seeds: NDArray
    samples: NDArray
    mean: NDArray
    squares: NDArray
    stopped: bool = False

    @property
    def count(self) -> int:
        """Number of configurations."""
        return len(self.seeds)

    @property
    def variance(self) -> NDArray:
        """(columns,): variance of a configuration, not of the mean."""
        return self.squares / max(self.count - 1, 1)

    @property
    def standard_error(self) -> NDArray:
        """(columns,): standard error of the mean; infinite below two configurations."""
        if self.count < 2:
            return np.full(self.mean.shape, np.inf)
        return np.sqrt(self.variance / self.count)

    @property
    def median(self) -> NDArray:
        """(kept,): median over configurations."""
        return np.median(self.samples, axis=0)

    def quantile(self, share: ArrayLike) -> NDArray:
        """(..., kept): values below which the given shares of the configurations lie."""
        return np.quantile(self.samples, np.asarray(share, float), axis=0)

    def arrays(self) -> dict[str, NDArray]:
        """Everything as plain arrays, to be stored; `Ensemble(**arrays)` goes on from there."""
        names = ("seeds", "samples", "mean", "squares")
        return {name: getattr(self, name) for name in names}


def empty_ensemble(columns: int, kept: int = 0) -> Ensemble:
    """No configurations yet."""
    return Ensemble(
        np.zeros(0, np.int64), np.zeros((0, kept)), np.zeros(columns), np.zeros(columns)
    )


def merged(one: Ensemble, other: Ensemble) -> Ensemble:
    """Both ensembles as one.

    Examples
    --------
    >>> some = block_ensemble(np.array([7, 8]), np.array([[1.0], [3.0]]), 1)
    >>> one = merged(empty_ensemble(1), some)
    >>> float(one.mean[0]), float(one.standard_error[0]), one.samples[:, 0].tolist()
    (2.0, 1.0, [1.0, 3.0])
    """
    if one.count == 0:
        return replace(other, stopped=one.stopped)
    seeds = np.concatenate([one.seeds, other.seeds])
    samples = np.concatenate([one.samples, other.samples])
    return _joined(one, other, seeds, samples)


def _joined(one: Ensemble, other: Ensemble, seeds: NDArray, samples: NDArray) -> Ensemble:
    n, m = one.count, other.count
    step = other.mean - one.mean
    return Ensemble(
        seeds=seeds,
        samples=samples,
        mean=one.mean + step * (m / (n + m)),
        squares=one.squares + other.squares + step**2 * (n * m / (n + m)),
        stopped=one.stopped,
    )


def running(pieces: Iterable[Ensemble], start: Ensemble | None = None) -> Iterator[Ensemble]:
    """The ensemble after each piece: `merged` one by one, in a time that grows linearly.

    Examples
    --------
    >>> pieces = [block_ensemble(np.array([n]), np.array([[float(n)]]), 1) for n in range(3)]
    >>> [e.samples[:, 0].tolist() for e in running(pieces)]
    [[0.0], [0.0, 1.0], [0.0, 1.0, 2.0]]
    """
    total = start
    seeds = samples = np.zeros(0)
    for piece in pieces:
        if total is None or total.count == 0:
            total = piece
        else:
            end = total.count + piece.count
            if end > len(seeds):
                seeds, samples = (_room(x, 2 * end) for x in (total.seeds, total.samples))
            seeds[total.count : end], samples[total.count : end] = piece.seeds, piece.samples
            total = _joined(total, piece, seeds[:end], samples[:end])
        yield total


def _room(values: NDArray, rows: int) -> NDArray:
    """The values at the beginning of an array with more rows."""
    wider = np.empty((rows, *values.shape[1:]), values.dtype)
    wider[: len(values)] = values
    return wider


def sample(
    evaluate: Evaluate,
    configurations: int,
    *,
    seed: int = 0,
    kept: int = 1,
    standard_error: float | None = None,
    executor: Executor | None = None,
    workers: int = 1,
    block: int = BLOCK,
    start: Ensemble | None = None,
    progress: Callable[[Ensemble], None] | None = None,
) -> Ensemble:
    """Average observables over configurations.

    Parameters
    ----------
    evaluate : callable
        Seeds (B,) -> observables (B, columns).  With an executor of processes it must be
        picklable.  The observables of a seed must not depend on the others of its block.
    configurations : int
        Configurations at most.
    seed : int
        Configuration n has the seed `seed` + n.
    kept : int
        Columns of which every configuration's value is kept.
    standard_error : float, optional
        Stop as soon as the standard error of column 0 is below this share of its mean.
    executor : concurrent.futures.Executor, optional
        Default: one block after the other, here.
    workers : int
        Blocks in flight at once (twice as many are queued).
    block : int
        Configurations per block; it decides where the stopping rule looks.
    start : Ensemble, optional
        Configurations that are there already, from the same `seed` and `block`.
    progress : callable, optional
        Called with the ensemble after each block.

    Raises
    ------
    ValueError
        If the number of configurations, the seed or the block makes no sense, or `start` does
        not hold the first configurations of this seed.
    """
    for name, value, least in (
        ("configurations", configurations, 1),
        ("seed", seed, 0),
        ("block", block, 1),
        ("workers", workers, 1),
    ):
        if int(value) != value or value < least:
            raise ValueError(f"{name}: {value!r} is not a whole number, {least} or more.")
    if standard_error is not None and not 0 < standard_error < np.inf:
        raise ValueError(f"standard_error: {standard_error!r} is not a share above 0.")
    have = 0 if start is None else start.count
    if start is not None and not np.array_equal(start.seeds, seed + np.arange(have)):
        raise ValueError(f"start: its seeds are not those from {seed} on, without gaps.")
    total = start
    if total is not None and (have >= configurations or enough(total, standard_error, block)):
        return replace(total, stopped=enough(total, standard_error, block))
    pieces = [seed + np.arange(a, b) for a, b in block_edges(configurations, block, have)]
    results = _in_order(evaluate, pieces, executor, workers)
    blocks = (
        block_ensemble(seeds, values, kept) for seeds, values in zip(pieces, results, strict=False)
    )
    for total in running(blocks, start):
        if progress is not None:
            progress(total)
        if enough(total, standard_error, block):
            total = replace(total, stopped=True)
            break
    results.close()
    assert total is not None  # there was at least one piece
    return total


def block_edges(configurations: int, block: int = BLOCK, have: int = 0) -> list[tuple[int, int]]:
    """First configuration of each block and the one after its last.

    Examples
    --------
    >>> block_edges(150)
    [(0, 64), (64, 128), (128, 150)]
    """
    edges = [*range(have, configurations, block), configurations]
    return list(zip(edges[:-1], edges[1:], strict=True))


def block_ensemble(seeds: NDArray, values: NDArray, kept: int) -> Ensemble:
    """The ensemble of one block.

    Parameters
    ----------
    seeds : (B,)
    values : (B, columns)
    kept : int
        Columns whose values are kept.

    Raises
    ------
    ValueError
        If a value is not finite; the message names the seed.
    """
    values = np.asarray(values, float)
    if values.ndim != 2 or len(values) != len(seeds):
        raise ValueError(
            f"evaluate: shape {values.shape} for {len(seeds)} seeds; expected ({len(seeds)}, m)."
        )
    bad = ~np.all(np.isfinite(values), axis=1)
    if bad.any():
        raise ValueError(f"evaluate: observables of seed {seeds[bad][0]} are not finite.")
    mean = values.mean(axis=0)
    return Ensemble(seeds, values[:, :kept].copy(), mean, ((values - mean) ** 2).sum(axis=0))


def enough(ensemble: Ensemble, standard_error: float | None, block: int = BLOCK) -> bool:
    """Whether the standard error of column 0, relative to its mean, is as small as requested.

    Never before a few blocks are there: a standard error of few values is itself uncertain.
    """
    if standard_error is None or not ensemble.count:
        return False
    one = ensemble.count, float(ensemble.mean[0]), float(ensemble.squares[0])
    return is_known(*one, standard_error, block)


def is_known(
    count: int, mean: float, squares: float, standard_error: float, block: int = BLOCK
) -> bool:
    """The same of one column: number of values, mean, sum of (x - mean)^2."""
    if count < max(2, _FIRST_BLOCKS * block):
        return False
    return math.sqrt(squares / (count - 1) / count) <= standard_error * abs(mean)


def joined(
    one: tuple[int, float, float], other: tuple[int, float, float]
) -> tuple[int, float, float]:
    """Number, mean and squares of both, to the last bit as `merged` gives them."""
    (n, mean, squares), (m, more, spread) = one, other
    if n == 0:
        return other
    step = more - mean
    return (
        n + m,
        mean + step * (m / (n + m)),
        squares + spread + step * step * (n * m / (n + m)),
    )


def _in_order(
    evaluate: Evaluate, pieces: list[NDArray], executor: Executor | None, workers: int
) -> Generator[NDArray, None, None]:
    """Results of the pieces in their order; what is in flight is cancelled at the end."""
    if executor is None:
        yield from map(evaluate, pieces)
        return
    waiting: deque[Future] = deque()
    rest = iter(pieces)
    try:
        for piece in rest:
            waiting.append(executor.submit(evaluate, piece))
            if len(waiting) >= 2 * workers:
                break
        while waiting:
            yield waiting.popleft().result()
            for piece in rest:
                waiting.append(executor.submit(evaluate, piece))
                break
    finally:
        for future in waiting:
            future.cancel()
