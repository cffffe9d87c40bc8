"""Draw the pictures of the pages on many terminals again.

    python docs/make_terminal_pictures.py

Runs `systems/nonlocal_valve.toml` (or finds its result in `runs/nonlocal_valve/`) and keeps two of
its figures in `docs/images/`.
"""

from pathlib import Path

from negf_torque.study import execute, load_card, style
from negf_torque.study.calculations.terminals import figures
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"


def main() -> None:
    card = load_card(TOP / "systems" / "nonlocal_valve.toml")
    outcome = execute(card, TOP / "runs" / "nonlocal_valve", progress_for())
    with style.style():
        drawn = figures(outcome.dataset)
    IMAGES.mkdir(exist_ok=True)
    for name, source in {
        "nonlocal_spin_map": "spin_map",
        "nonlocal_torque": "torque_by_angle",
    }.items():
        (IMAGES / f"{name}.png").write_bytes(style.image_bytes(drawn[source], "png", dpi=90))


if __name__ == "__main__":
    main()
