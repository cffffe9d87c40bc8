"""Inputs for LLG solvers, one module per solver; each file explains its own convention."""

import difflib
import importlib
import os
from collections.abc import Sequence
from pathlib import Path

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export.simulation import Simulation
from negf_torque.llg.junction import JunctionTorque
from negf_torque.llg.valve import ValveTorque

__all__ = ["SOLVERS", "Simulation", "Torque", "render", "write"]

#: What an input can be written for; a sequence of valves is one free layer with several
#: polarisers (each torque for the same J, electrons from left to right).
Torque = ValveTorque | JunctionTorque | SpinOrbitTorque | TextureTorque | Sequence[ValveTorque]
_KINDS = (ValveTorque, JunctionTorque, SpinOrbitTorque, TextureTorque, Sequence)

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


def render(solver: str, torque: Torque, simulation: Simulation | None = None) -> dict[str, str]:
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
    if not isinstance(torque, _KINDS):
        raise ValueError(
            f"torque: {type(torque).__name__} is no torque. Give a ValveTorque, JunctionTorque, "
            "SpinOrbitTorque or TextureTorque, or a list of ValveTorque."
        )
    module = importlib.import_module(f"{__name__}.{solver}")
    simulation = simulation or Simulation()
    if isinstance(torque, JunctionTorque):
        from negf_torque.llg.export.special import render_junction

        return render_junction(module, torque, simulation)
    if isinstance(torque, Sequence):
        from negf_torque.llg.export.special import render_several

        return render_several(module, tuple(torque), simulation)
    return module.render(torque, simulation)


def write(
    solver: str,
    torque: Torque,
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
