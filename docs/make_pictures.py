"""Draw the pictures of the documentation and the README again.

    python docs/make_pictures.py

Runs the spin valve of `systems/` (or finds its result in `runs/spin_valve/`) and keeps its
figures in `docs/images/`; the README's picture joins the stack and its torque.
"""

from pathlib import Path

import numpy as np

from negf_torque.study import execute, load_card, style
from negf_torque.study.figures import draw_stack
from negf_torque.study.progress import progress_for

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"


def overview(dataset):
    """The stack above, the torque on its free magnet below."""
    with style.style():
        drawing, (stack, torque) = style.figure(
            2, 1, width=7.2, height=5.6, height_ratios=[1, 1.25]
        )
        index = int(np.argmin(np.abs(dataset["angle"].values - np.pi / 2)))
        draw_stack(stack, dataset["moment"].values[index], dataset["layer_magnet"].values)
        degrees = np.degrees(dataset["angle"].values)
        one = dataset.sel(magnet=dataset.attrs["free"])
        looks = style.lines()
        for name, label in (
            ("complete_torkance_in_plane", "in plane, toward the fixed magnet"),
            ("complete_torkance_out_of_plane", "out of plane"),
        ):
            torque.plot(degrees, one[name], label=label, **next(looks))
        torque.set(xlabel="Angle between the magnets (degrees)", xticks=np.arange(0, 181, 30))
        torque.set_ylabel(style.axis_label("Torque per volt", one[name].attrs["units"]))
        style.legend(torque, loc="best", bbox_to_anchor=None)
    return drawing


def main() -> None:
    card = load_card(TOP / "systems" / "spin_valve.toml")
    outcome = execute(card, TOP / "runs" / "spin_valve", progress_for())
    IMAGES.mkdir(exist_ok=True)
    for name in ("structure", "torkance", "torque_by_layer", "efficiency"):
        source = outcome.directory / "figures" / f"{name}.png"
        (IMAGES / f"{name}.png").write_bytes(source.read_bytes())
    picture = style.image_bytes(overview(outcome.dataset), "png", dpi=130)
    (IMAGES / "overview.png").write_bytes(picture)


if __name__ == "__main__":
    main()
