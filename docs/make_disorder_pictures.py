"""Draw the pictures of impure devices and of beta by three ways again.

    python docs/make_disorder_pictures.py

Runs the ready cards (or finds their results in `runs/`) and keeps figures in `docs/images/`.
"""

from pathlib import Path

from negf_torque.study import execute, load_card
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"
PICTURES = {
    "disordered_valve": {
        "disorder_convergence": "disorder_convergence",
        "self_energy": "disorder_self_energy",
        "torque_profile": "disorder_torque_profile",
        "configurations": "disorder_configurations",
    },
    "beta_three_ways": {"beta": "beta_three_ways", "wave_numbers": "beta_wave_numbers"},
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
