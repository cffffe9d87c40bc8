"""Inputs for LLG solvers, one module per solver; each file explains its own convention."""

import difflib
import importlib
import os
from pathlib import Path

from negf_torque.llg.export.common import Simulation
from negf_torque.llg.valve import ValveTorque

__all__ = ["SOLVERS", "Simulation", "render", "write"]

#: Solvers for which a valve's torque can be written, each a module of this package.
SOLVERS: tuple[str, ...] = (
    "mumax3",
    "mumaxplus",
    "oommf",
    "ubermag",
    "magnumnp",
    "spirit",
    "vampire",
    "plain",
)


def render(
    solver: str, torque: ValveTorque, simulation: Simulation | None = None
) -> dict[str, str]:
    """Texts of the solver's input, file name -> text, without touching the disk.

    Raises
    ------
    ValueError
        For an unknown solver (the nearest name is given), or a torque that the solver's form
        cannot express.
    """
    if solver not in SOLVERS:
        near = difflib.get_close_matches(solver.lower(), SOLVERS, n=1, cutoff=0.0)
        raise ValueError(
            f"solver: {solver!r} is not known. Did you mean {near[0]!r}? "
            f"Known: {', '.join(SOLVERS)}."
        )
    module = importlib.import_module(f"{__name__}.{solver}")
    return module.render(torque, simulation or Simulation())


def write(
    solver: str,
    torque: ValveTorque,
    directory: Path | str,
    simulation: Simulation | None = None,
) -> list[Path]:
    """Write the solver's input into `directory` (made if needed) and return the paths.

    Files of the same name are replaced, each at once (temporary name, then rename).
    """
    directory = Path(directory)
    files = render(solver, torque, simulation)
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in files.items():
        path = directory / name
        temporary = path.with_name(f".{name}.{os.getpid()}.part")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
        paths.append(path)
    return paths
