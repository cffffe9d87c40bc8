"""Keep what a benchmark measured as data, for the table and the pictures of the documentation."""

import json
import math
import os
import sys

__all__ = ["AMOUNTS", "amount", "keep", "skipped", "words"]

#: How much a script does: enough to see that it runs, what `make bench` runs, everything.
AMOUNTS = ("quick", "usual", "long")
#: What an aim may be set for: times faster than the peer, seconds, multiple of `limit`, GB, error.
_GOALS = {"ratio", "seconds", "limit", "memory", "error"}


def amount() -> str:
    """What the command line asks for: --quick, --long or neither."""
    return next((name for name in AMOUNTS if f"--{name}" in sys.argv[1:]), "usual")


def words() -> list[str]:
    """The command line without the options of `amount`."""
    return [word for word in sys.argv[1:] if word.removeprefix("--") not in AMOUNTS]


def keep(
    case: str,
    seconds: float,
    *,
    peer: str = "",
    peer_seconds: float | None = None,
    error: float | None = None,
    peer_error: float | None = None,
    size: float | None = None,
    size_name: str = "",
    curve: str = "",
    limit: float | None = None,
    memory: float | None = None,
    goal: dict[str, float] | None = None,
    note: str = "",
) -> None:
    """Append one measurement to the file that `run.py` names; do nothing without it.

    Parameters
    ----------
    case : str
        What was computed, without the size where `size` is given.
    seconds : float
        This program; processor time unless the note says otherwise.
    peer, peer_seconds
        The program compared with and its time for the same work in the same run.
    error : float, optional
        Largest difference from the peer or from the exact result.
    peer_error : float, optional
        The same of the peer, where both are compared with a third.
    size, size_name
        What the picture of scaling has along its axis.
    curve : str, optional
        Name of the curve in that picture; the case if not given.
    limit : float, optional
        Seconds that the arithmetic alone needs (`timing.product_seconds`).
    memory : float, optional
        Largest memory of the process so far, GB.
    goal : dict, optional
        What was aimed at: {"ratio": times faster than the peer, at least}, {"seconds": at most},
        {"limit": multiple of `limit`, at most}, {"memory": GB, at most}, {"error": at most}.
    note : str, optional
        A few words more for the table.

    Raises
    ------
    ValueError
        A time that is none, a peer without its time, an unknown goal.
    """
    for name, value in (("seconds", seconds), ("peer_seconds", peer_seconds), ("limit", limit)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}: {value!r} of {case!r} is not a time.")
    if bool(peer) != (peer_seconds is not None):
        raise ValueError(f"peer: {peer!r} of {case!r} needs a name and a time, or neither.")
    if unknown := set(goal or ()) - _GOALS:
        raise ValueError(f"goal: {sorted(unknown)} of {case!r}; expected some of {sorted(_GOALS)}.")
    _append(
        {
            "case": case,
            "seconds": seconds,
            "peer": peer,
            "peer_seconds": peer_seconds,
            "error": error,
            "peer_error": peer_error,
            "size": size,
            "size_name": size_name,
            "curve": curve or case,
            "limit": limit,
            "memory": memory,
            "goal": goal or {},
            "note": note,
        }
    )


def skipped(peer: str, why: str) -> None:
    """Say that a peer was not compared with, on the terminal and in the results."""
    print(f"NOT COMPARED: {peer} ({why})", flush=True)
    _append({"skipped": peer, "why": why})


def _append(entry: dict) -> None:
    path = os.environ.get("NEGF_TORQUE_BENCHMARKS")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, default=float) + "\n")
