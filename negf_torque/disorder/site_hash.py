"""Random numbers that belong to a site: a hash of the site's label, a seed and a stream.

A sample does not depend on the order in which sites are visited, on how configurations are shared
among workers, or on what else is drawn.  The label is hashed once (BLAKE2b, 64 bit); label, seed
and stream are then mixed by the finaliser of SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, OOPSLA
2014, 453), which runs over whole arrays.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["position_keys", "site_keys", "uniform"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
#: Decimals of a position that take part in its label.
_DECIMALS = 6


def site_keys(labels: Iterable[bytes]) -> NDArray:
    """64-bit keys of byte labels, shape (sites,) uint64.

    Examples
    --------
    >>> site_keys([b"0", b"1"])
    array([8493733112532773764, 8518482412311870710], dtype=uint64)
    """
    digests = (blake2b(label, digest_size=8).digest() for label in labels)
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def position_keys(position: ArrayLike, cell: ArrayLike | None = None) -> NDArray:
    """Keys of sites by their positions (sites, d) and, in a supercell, their cells (sites, c).

    Positions count to six decimals.  Sites at one position (of different families) are told apart
    by their order among each other.
    """
    position = np.atleast_2d(np.asarray(position, float))
    if not np.all(np.isfinite(position)):
        raise ValueError("position: not all finite.")
    # + 0.0: minus zero is zero
    whole = np.rint(position * 10**_DECIMALS).astype(np.int64)
    cells = np.zeros((len(whole), 0)) if cell is None else np.asarray(cell)
    rows = np.concatenate([whole, cells.astype(np.int64)], axis=1)
    seen: dict[bytes, int] = {}
    labels = []
    for row in rows:
        text = ",".join(map(str, row)).encode()
        seen[text] = seen.get(text, -1) + 1
        labels.append(text + b"#%d" % seen[text])
    return site_keys(labels)


def uniform(keys: ArrayLike, seeds: ArrayLike, stream: int) -> NDArray:
    """Numbers 0 < x < 1, independent and uniform, of sites, seeds and a stream.

    Parameters
    ----------
    keys : (sites,) uint64
    seeds : (B,) int, 0 or more
    stream : int, 0 or more
        Separates the numbers that one site needs.

    Returns
    -------
    (sites, B)

    Examples
    --------
    >>> x = uniform(site_keys([b"a", b"b"]), [0, 1, 2], 0)
    >>> bool(np.all(x[::-1] == uniform(site_keys([b"b", b"a"]), [0, 1, 2], 0)))
    True
    """
    keys, seeds = np.asarray(keys, np.uint64), np.asarray(seeds)
    if np.any(seeds < 0) or stream < 0:
        raise ValueError("seeds and stream are whole numbers, 0 or more.")
    with np.errstate(over="ignore"):
        salt = _mix(_mix(seeds.astype(np.uint64) + _GOLDEN) + np.uint64(stream) * _GOLDEN)
        bits = _mix(_mix(keys[:, None] + _GOLDEN) ^ salt[None, :])
    # 52 bits and a half: never 0 nor 1
    return ((bits >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52


def _mix(x: NDArray) -> NDArray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
