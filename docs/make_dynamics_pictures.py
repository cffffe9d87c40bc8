"""Draw the pictures of magnetisation dynamics again.

    python docs/make_dynamics_pictures.py

Runs the ready cards (or finds their results in `runs/`) and keeps figures in `docs/images/`.
"""

from pathlib import Path

from negf_torque.study import execute, load_card
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"
PICTURES = {
    "nanopillar": {"phases": "pillar_phases", "noise": "pillar_noise"},
    "spin_orbit_switching": {"phases": "spin_orbit_phases"},
    "spin_torque_resonance": {"resonance": "spin_torque_resonance"},
}


def main() -> None:
    for name, figures in PICTURES.items():
        card = load_card(TOP / "systems" / f"{name}.toml")
        outcome = execute(card, TOP / "runs" / name, progress_for())
        for figure, picture in figures.items():
            source = outcome.directory / "figures" / f"{figure}.png"
            (IMAGES / f"{picture}.png").write_bytes(source.read_bytes())


if __name__ == "__main__":
    main()
