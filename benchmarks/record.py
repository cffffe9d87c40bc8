"""Keep what a benchmark measured as data, for the table and the picture of the documentation."""

import json
import os
import sys
from pathlib import Path

__all__ = ["keep"]


def keep(
    case: str,
    seconds: float,
    *,
    peer: str = "",
    peer_seconds: float | None = None,
    error: float | None = None,
    size: float | None = None,
    size_name: str = "",
    limit: float | None = None,
) -> None:
    """Append one measurement to the file that `run.py` names; do nothing without it.

    Parameters
    ----------
    case : str
    seconds : float
        This program.
    peer, peer_seconds
        The program compared with and its time for the same work in the same run.
    error : float, optional
        Largest difference from the peer or from the exact result.
    size, size_name
        What the picture of scaling has along its axis.
    limit : float, optional
        Seconds that the arithmetic alone needs (matrix products of the same flop count).
    """
    path = os.environ.get("NEGF_TORQUE_BENCHMARKS")
    if not path:
        return
    entry = {
        "script": Path(sys.argv[0]).name,
        "case": case,
        "seconds": seconds,
        "peer": peer,
        "peer_seconds": peer_seconds,
        "error": error,
        "size": size,
        "size_name": size_name,
        "limit": limit,
    }
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry, default=float) + "\n")
