"""Draw the pictures of the page on spin-orbit torques again.

    python docs/make_spin_orbit_pictures.py

Runs the cards of `systems/` (or finds their results in `runs/`) and keeps two of their figures.
"""

from pathlib import Path

from negf_torque.study import execute, load_card
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"
PICTURES = (
    ("spin_hall_metal", "scaling", "spin_hall_scaling"),
    ("heavy_metal_bilayer", "layers", "bilayer_layers"),
)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    for card, figure, name in PICTURES:
        outcome = execute(
            load_card(TOP / "systems" / f"{card}.toml"), TOP / "runs" / card, progress_for()
        )
        source = outcome.directory / "figures" / f"{figure}.png"
        (IMAGES / f"{name}.png").write_bytes(source.read_bytes())


if __name__ == "__main__":
    main()
