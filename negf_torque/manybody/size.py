"""How large a run will be, before anything is allocated."""

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import NDArray

from negf_torque.manybody.basis import configuration_counts
from negf_torque.manybody.model import QuantumChain

__all__ = ["RunSize", "TooLargeError", "check_size", "run_size"]

#: States held at once: the state, four work arrays of the series, temporaries of observables.
STATES_HELD = 9
BYTES = 16


class TooLargeError(ValueError):
    """The run would need more memory than allowed; the message says what would fit."""


@dataclass(frozen=True)
class RunSize:
    """Size of a run.

    Attributes
    ----------
    sectors : tuple of int
        Numbers of lowerings q.
    sector_dimensions : tuple of int
        Configurations in each sector, electron spin included.
    dimension : int
        Their sum.
    local_dimension : int
        Configurations of the local spins alone (at most).
    states : int
        dimension x sites.
    memory : int
        Bytes that the run will hold at most.
    """

    sectors: tuple[int, ...]
    sector_dimensions: tuple[int, ...]
    dimension: int
    local_dimension: int
    states: int
    memory: int

    def __str__(self) -> str:
        names = ", ".join(
            f"q = {q}: {d}" for q, d in zip(self.sectors[:8], self.sector_dimensions, strict=False)
        )
        more = ", ..." if len(self.sectors) > 8 else ""
        return (
            f"{self.dimension} spin configurations ({names}{more}), {self.states} states, "
            f"about {readable(self.memory)}"
        )


def readable(size: float) -> str:
    """Bytes in words: 1.5 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def run_size(
    length: int,
    two_s: Sequence[int] | NDArray,
    sectors: Sequence[int],
    n_times: int = 1,
    entanglement: bool = True,
    factors: bool = False,
) -> RunSize:
    """Size of a run on `length` sites with these spins, sectors and output times.

    `factors` counts the LU factors of Crank-Nicolson: a band of twice the configurations.

    Examples
    --------
    >>> print(run_size(400, [1] * 5, [1]))
    6 spin configurations (q = 1: 6), 2400 states, about 376 kB
    """
    sizes = [int(s) for s in two_s]
    counts = configuration_counts(sizes, max(sectors))
    counts += [0] * (max(sectors) + 1 - len(counts))
    dims = [counts[q] + (counts[q - 1] if q else 0) for q in sectors]
    local = sum(counts[q] for q in {s - e for s in sectors for e in (0, 1)} if q >= 0)
    dim = sum(dims)
    memory = STATES_HELD * BYTES * dim * length
    # keys, configurations and sparse terms of the basis; then the samples
    memory += dim * (2 * len(sizes) + 64 + 60 * len(sizes))
    memory += 8 * n_times * (8 * length + dim + 16 * len(sizes))
    if factors:
        memory += 4 * BYTES * dim * dim * length
    if entanglement:
        memory += 3 * BYTES * min(local, 2 * length) ** 2
        memory += 2 * BYTES * local * length if local > 2 * length else 0
    return RunSize(tuple(sectors), tuple(dims), dim, local, dim * length, memory)


def check_size(
    model: QuantumChain,
    sectors: Sequence[int],
    n_times: int = 1,
    entanglement: bool = True,
    limit: float = 4e9,
    factors: bool = False,
) -> RunSize:
    """Size of a run, refused if it needs more than `limit` bytes.

    Raises
    ------
    TooLargeError
        Naming the size, the memory it needs and what would fit.
    """
    if not limit > 0:
        raise ValueError(f"memory_limit: {limit!r} is not a size. Give a positive number.")
    size = run_size(model.length, model.two_s, sectors, n_times, entanglement, factors)
    if size.memory <= limit:
        return size

    def fits(length: int, count: int) -> bool:
        sizes = model.two_s[:count]
        kept = [q for q in sectors if q <= sizes.sum() + 1]
        return run_size(length, sizes, kept, n_times, entanglement, factors).memory <= limit

    remedies = []
    shortest = max(int(model.sites.max() - model.sites.min()) + 1, 2)
    longest = _largest(lambda n: fits(n, model.n_spins), shortest - 1, model.length)
    if longest >= shortest:
        remedies.append(f"{longest} sites with these spins")
    most = _largest(lambda n: fits(model.length, n), 0, model.n_spins)
    if most >= 1:
        remedies.append(f"{most} local spins on this chain")
    for name, kept in (("entanglement = false", (False, factors)), ("chebyshev", (True, False))):
        less = run_size(model.length, model.two_s, sectors, n_times, *kept)
        if kept != (entanglement, factors) and less.memory <= limit:
            remedies.append(f"this run with {name}")
    fit = " or ".join(remedies) if remedies else "no shorter chain or smaller magnet"
    raise TooLargeError(
        f"memory_limit: {size.dimension} spin configurations x {model.length} sites = "
        f"{size.states:.4g} states need about {readable(size.memory)}, the limit is "
        f"{readable(limit)}. What would fit: {fit}; or raise the limit, or start in fewer "
        "total-S_z sectors."
    )


def _largest(fits, low: int, high: int) -> int:
    """Largest n in (low, high] that fits, or low; `fits` is monotonic."""
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
