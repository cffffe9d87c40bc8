"""Draw the pictures of the documentation and the README again.

    python docs/make_pictures.py [card ...]

Runs the ready cards of `systems/` (or finds their results in `runs/`), some for minutes, and keeps
their figures in `docs/images/`; the README's picture joins the stack and its torque.
"""

import sys
from pathlib import Path

import numpy as np

from negf_torque.study import execute, load_card, style
from negf_torque.study.figures import draw_stack
from negf_torque.study.progress import progress_for
from negf_torque.study.run import drawings

TOP = Path(__file__).parents[1]
IMAGES = TOP / "docs" / "images"
DPI = 120
#: Card: its figures and the pictures' names.
PICTURES = {
    "spin_valve": {
        "structure": "structure",
        "torkance": "torkance",
        "torque_by_layer": "torque_by_layer",
        "efficiency": "efficiency",
    },
    "disordered_valve": {
        "disorder_convergence": "disorder_convergence",
        "self_energy": "disorder_self_energy",
        "torque_profile": "disorder_torque_profile",
        "configurations": "disorder_configurations",
    },
    "beta_three_ways": {"beta": "beta_three_ways", "wave_numbers": "beta_wave_numbers"},
    "nanopillar": {"phases": "pillar_phases", "noise": "pillar_noise"},
    "spin_orbit_switching": {"phases": "spin_orbit_phases"},
    "spin_torque_resonance": {"resonance": "spin_torque_resonance"},
    "quantum_chain": {"spins_minus_z": "quantum_minus_z", "maps_plus_x": "quantum_maps"},
    "spin_hall_metal": {"scaling": "spin_hall_scaling"},
    "heavy_metal_bilayer": {"layers": "bilayer_layers"},
    "nonlocal_valve": {"spin_map": "nonlocal_spin_map", "torque_by_angle": "nonlocal_torque"},
    "domain_wall_wire": {"texture": "wall_texture", "adiabatic_limit": "wall_limit"},
    "spin_pumping_sink": {"nonlocal_damping": "nonlocal_damping"},
}


def overview(dataset):
    """The stack above, the torque on its free magnet below."""
    with style.style():
        drawing, (stack, torque) = style.figure(2, 1, height=5.4, height_ratios=[1, 1.4])
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
        style.legend(torque, inside=True)
    return drawing


def keep(drawing, name: str) -> None:
    """Write one picture."""
    (IMAGES / f"{name}.png").write_bytes(style.image_bytes(drawing, "png", dpi=DPI))


def main(cards: list[str]) -> None:
    IMAGES.mkdir(exist_ok=True)
    for name in cards or PICTURES:
        card = load_card(TOP / "systems" / f"{name}.toml")
        dataset = execute(card, TOP / "runs" / name, progress_for()).dataset
        drawn = drawings(card.kind, dataset)
        for figure, picture in PICTURES[name].items():
            keep(drawn[figure], picture)
        if name == "spin_valve":
            keep(overview(dataset), "overview")


if __name__ == "__main__":
    main(sys.argv[1:])
