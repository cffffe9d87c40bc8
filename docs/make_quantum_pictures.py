"""Draw the pictures of the pages on quantum spin torque again.

    python docs/make_quantum_pictures.py

Runs `systems/quantum_chain.toml` (or finds its result in `runs/quantum_chain/`) and keeps two of
its figures in `docs/images/`.
"""

from pathlib import Path

from negf_torque.study import execute, load_card, style
from negf_torque.study.calculations.quantum_chain import figures
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"


def main() -> None:
    card = load_card(TOP / "systems" / "quantum_chain.toml")
    outcome = execute(card, TOP / "runs" / "quantum_chain", progress_for())
    with style.style():
        drawn = figures(outcome.dataset)
    IMAGES.mkdir(exist_ok=True)
    for name, source in {"quantum_minus_z": "spins_minus_z", "quantum_maps": "maps_plus_x"}.items():
        (IMAGES / f"{name}.png").write_bytes(style.image_bytes(drawn[source], "png", dpi=65))


if __name__ == "__main__":
    main()
