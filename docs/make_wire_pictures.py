"""Draw the pictures of wires and of spin pumping again.

    python docs/make_wire_pictures.py

Runs the ready cards (or finds their results in `runs/`) and keeps figures in `docs/images/`.
"""

from pathlib import Path

from negf_torque.study import execute, load_card
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"
PICTURES = {
    "domain_wall_wire": {"texture": "wall_texture", "adiabatic_limit": "wall_limit"},
    "spin_pumping_sink": {"nonlocal_damping": "nonlocal_damping"},
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
