"""Make the test calculation `probe` known, here or in a process of its own."""

import subprocess
import sys
from pathlib import Path

KINDS = Path(__file__).parent / "study_kinds"
TOP = Path(__file__).parents[1]
PROBE = '[calculation]\nkind = "probe"\n'
_COMMAND = (
    "import sys; from negf_torque.study import calculations; "
    f"calculations.__path__.append({str(KINDS)!r}); "
    "from negf_torque.cli import main; sys.argv[0] = 'negf-torque'; main()"
)


def know_probe(monkeypatch):
    from negf_torque.study import calculations

    monkeypatch.setattr(calculations, "__path__", [*calculations.__path__, str(KINDS)])


def command(*words, cwd, timeout=600):
    """Run `negf-torque` in a process of its own, with `probe` among its calculations."""
    return subprocess.run(
        [sys.executable, "-c", _COMMAND, *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def changed(text, changes):
    """A text with {old: new} put in; everything old must be there, and once."""
    for old, new in changes.items():
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def valve(**changes):
    """A valid card of a spin valve; `changes` replace lines by their first word."""
    lines = dict(_VALVE)
    lines.update(changes)
    return "\n".join(line for line in lines.values() if line is not None) + "\n"


_VALVE = {
    "system": "[system]",
    "builder": 'builder = "stack"',
    "cross_section": 'cross_section = "periodic"',
    "layer1": "[[system.layers]]",
    "name1": 'name = "fixed"',
    "thickness1": "thickness = 4",
    "exchange1": "exchange = 1.5",
    "layer2": "[[system.layers]]",
    "thickness2": "thickness = 3",
    "layer3": "[[system.layers]]",
    "name3": 'name = "free"',
    "thickness3": "thickness = 2",
    "exchange3": "exchange = 1.5",
    "calculation": "[calculation]",
    "kind": 'kind = "spin_valve"',
    "energy": "energy = -2.2",
    "mesh": "mesh = 4",
}
