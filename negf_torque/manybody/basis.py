"""Spin configurations of one electron and N local spins, sector by sector.

A configuration is the electron's spin (0 up, 1 down) and, for each local spin, how many times
it has been lowered from its top state, l = S - m.  The total number of lowerings,
q = (1 for an electron down) + sum l, fixes the total S_z; a Hamiltonian that conserves it
leaves each sector to itself, so the basis holds the sectors that the initial state occupies
and no others.  Electron-up configurations come first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["SpinBasis", "configuration_counts", "configuration_label", "sector_sizes"]


def configuration_counts(two_s: Iterable[int], most: int | None = None) -> list[int]:
    """Number of configurations of the local spins with 0, 1, 2 ... lowerings.

    Parameters
    ----------
    two_s : sequence of int
        2S of each local spin.
    most : int, optional
        Count up to this many lowerings only.

    Examples
    --------
    >>> configuration_counts([1, 1, 1])
    [1, 3, 3, 1]
    """
    counts = [1]
    for size in two_s:
        top = len(counts) + size if most is None else min(len(counts) + size, most + 1)
        counts = [sum(counts[max(q - size, 0) : min(q, len(counts) - 1) + 1]) for q in range(top)]
    return counts


def sector_sizes(two_s: Iterable[int]) -> list[int]:
    """Configurations of electron and local spins in each sector q (exact whole numbers).

    Examples
    --------
    >>> sector_sizes([1] * 5)
    [1, 6, 15, 20, 15, 6, 1]
    """
    counts = configuration_counts(two_s)
    return [
        (counts[q] if q < len(counts) else 0) + (counts[q - 1] if q else 0)
        for q in range(len(counts) + 1)
    ]


@dataclass(frozen=True)
class SpinBasis:
    """Configurations of the given sectors.  Build it with `SpinBasis.of`.

    Attributes
    ----------
    two_s : (N,) int
        2S of each local spin.
    sectors : tuple of int
        Numbers of lowerings q that the basis holds.
    electron : (dim,) int16
        0 up, 1 down; sorted.
    lowered : (dim, N) int16
        S - m of each local spin.
    """

    two_s: NDArray
    sectors: tuple[int, ...]
    electron: NDArray
    lowered: NDArray

    @classmethod
    def of(
        cls, two_s: Iterable[int], sectors: Iterable[int] | None = None, electron: bool = True
    ) -> "SpinBasis":
        """Basis of the named sectors (default: all).

        Parameters
        ----------
        two_s : sequence of int
        sectors : iterable of int, optional
        electron : bool
            Without the electron, its spin counts as up and q counts the local spins alone.

        Examples
        --------
        >>> basis = SpinBasis.of([1, 1], sectors=[1])
        >>> [basis.label(i) for i in range(basis.size)]
        ['|up; up down>', '|up; down up>', '|down; up up>']
        """
        sizes = np.array(list(two_s), int)
        top = int(sizes.sum()) + int(electron)
        chosen = sorted(set(range(top + 1) if sectors is None else sectors))
        outside = [q for q in chosen if not 0 <= q <= top]
        if outside:
            raise ValueError(f"sectors: {outside[0]} is not a sector. Give 0 to {top}.")
        up = [_configurations(sizes, q) for q in chosen]
        down = [_configurations(sizes, q - 1) for q in chosen if q > 0] if electron else []
        n_up = sum(map(len, up))
        lowered = np.concatenate(up + down)
        return cls(
            two_s=sizes,
            sectors=tuple(chosen),
            electron=(np.arange(len(lowered)) >= n_up).astype(np.int16),
            lowered=lowered,
        )

    @property
    def size(self) -> int:
        """Number of configurations."""
        return len(self.lowered)

    @cached_property
    def n_up(self) -> int:
        """Configurations with the electron up: rows [:n_up]."""
        return int(np.sum(self.electron == 0))

    @cached_property
    def twice_sz(self) -> NDArray:
        """(dim,) total S_z in hbar/2: electron +-1, local spins 2m."""
        return 1 - 2 * self.electron.astype(int) + (self.two_s - 2 * self.lowered).sum(axis=1)

    @cached_property
    def local_index(self) -> tuple[NDArray, int]:
        """(dim,) number of each row's local configuration, and how many there are."""
        up, down = self._keys[0][: self.n_up], self._keys[0][self.n_up :] - self._codes[0, -1]
        _, index = np.unique(np.concatenate([up, down]), return_inverse=True)
        return index, int(index.max()) + 1

    def find(self, rows: NDArray, changes: dict[int, NDArray]) -> NDArray:
        """Indices of configurations that differ from `rows`, or -1 outside the basis.

        Parameters
        ----------
        rows : (k,) int
        changes : dict of int to (k,) int
            Local spin (or N for the electron) -> added lowerings.
        """
        wanted = [keys[rows].copy() for keys in self._keys]
        with np.errstate(over="ignore"):
            for site, amount in changes.items():
                for key, code in zip(wanted, self._codes, strict=True):
                    key += code[site] * amount.astype(np.int64).astype(np.uint64)
        order, first, second = self._sorted_keys
        place = np.minimum(np.searchsorted(first, wanted[0]), len(first) - 1)
        hit = (first[place] == wanted[0]) & (second[place] == wanted[1])
        return np.where(hit, order[place], -1)

    def label(self, row: int, electron: bool = True) -> str:
        """Name of a configuration, such as `|down; up up up>`."""
        return configuration_label(
            int(self.electron[row]) if electron else None, self.lowered[row], self.two_s
        )

    # A configuration is looked up by two independent 64-bit sums of random codes, one code per
    # spin: changing one spin changes the sum by one product, whatever the number of spins.
    # Distinctness of the first is checked below, the second makes a false hit impossible in
    # practice (2^-128 per look-up).
    @cached_property
    def _codes(self) -> NDArray:
        rng = np.random.default_rng(20190321)
        return rng.integers(1, 2**64, size=(2, len(self.two_s) + 1), dtype=np.uint64)

    @cached_property
    def _keys(self) -> tuple[NDArray, NDArray]:
        whole = np.concatenate([self.lowered, self.electron[:, None]], axis=1).astype(np.uint64)
        first, second = (whole @ code for code in self._codes)
        return first, second

    @cached_property
    def _sorted_keys(self) -> tuple[NDArray, NDArray, NDArray]:
        first, second = self._keys
        order = np.argsort(first)
        if np.any(np.diff(first[order]) == 0):
            raise RuntimeError("two configurations share a key: change the seed in SpinBasis")
        return order, first[order], second[order]


def _configurations(two_s: NDArray, lowerings: int) -> NDArray:
    """All (count, N) int16 ways to share `lowerings` among spins of size two_s, last spin first."""
    room = np.concatenate([np.cumsum(two_s[::-1])[::-1], [0]])
    if not 0 <= lowerings <= room[0]:
        return np.zeros((0, len(two_s)), np.int16)
    rows = np.zeros((1, len(two_s)), np.int16)
    left = np.array([lowerings])
    for site, size in enumerate(two_s):
        least = np.maximum(left - room[site + 1], 0)
        most = np.minimum(left, size)
        options = most - least + 1
        parent = np.repeat(np.arange(len(rows)), options)
        starts = np.cumsum(options) - options
        taken = np.arange(len(parent)) - starts[parent] + least[parent]
        rows, left = rows[parent], left[parent] - taken
        rows[:, site] = taken
    return rows


def configuration_label(electron: int | None, lowered: NDArray, two_s: NDArray) -> str:
    """Name of a configuration; runs of equal spins are shortened in long chains.

    Examples
    --------
    >>> configuration_label(1, np.array([0, 0, 1]), np.array([1, 1, 1]))
    '|down; up up down>'
    >>> configuration_label(0, np.array([1]), np.array([5]))
    '|up; 3/2>'
    """
    names = [
        ("up", "down")[low] if size == 1 else _fraction(int(size) - 2 * int(low))
        for low, size in zip(lowered, two_s, strict=True)
    ]
    if len(names) > 8:
        names = _runs(names)
    spins = " ".join(names)
    return f"|{spins}>" if electron is None else f"|{('up', 'down')[electron]}; {spins}>"


def _fraction(twice: int) -> str:
    return str(twice // 2) if twice % 2 == 0 else f"{twice}/2"


def _runs(names: list[str]) -> list[str]:
    short: list[str] = []
    start = 0
    for i in range(1, len(names) + 1):
        if i == len(names) or names[i] != names[start]:
            short.append(names[start] if i - start == 1 else f"{names[start]}*{i - start}")
            start = i
    return short
