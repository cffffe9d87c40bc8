"""Figure of a quantum chain's levels and of the spins in a ground state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["levels"]


def levels(dataset: xr.Dataset) -> Figure:
    """The paper's Fig. 2: levels of chain and composite, and spins in a ground state."""
    from negf_torque.manybody import degeneracies

    drawing, axes = style.figure(3, 1, height=8.6, height_ratios=[1, 1, 0.9])
    titles = {"chain_level": "Local spins alone", "composite_level": "With the electron"}
    for axis, letter, (name, title) in zip(axes, "ab", titles.items(), strict=False):
        if name not in dataset:
            axis.axis("off")
            continue
        energy = dataset[name].values
        axis.plot(
            np.arange(1, len(energy) + 1),
            energy,
            marker="_",
            markersize=7,
            linestyle="none",
            color=style.PALETTE[0],
            markeredgewidth=1.8,
        )
        groups = degeneracies(energy)[:3]
        words = "\n".join(f"{value:.6f} eV  \u00d7 {count}" for value, count in groups)
        axis.text(
            0.97,
            0.05,
            f"lowest:\n{words}",
            transform=axis.transAxes,
            ha="right",
            va="bottom",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "0.8"},
        )
        axis.set(xlabel="Level", ylabel="Energy (eV)")
        axis.set_title(f"({letter}) {title}", loc="left")
    _ground_state(axes[2], dataset)
    return drawing


def _ground_state(axes: Axes, dataset: xr.Dataset) -> None:
    """Arrows: S_z of electron (E) and local spins in the lowest levels."""
    axes.set_title("(c) Spins in a ground state ($z$ up)", loc="left")
    count = dataset.sizes["spin"]
    shown = min(count, 12)
    rows = [("alone", np.nan, dataset["chain_local_sz"].values[0])]
    if "composite_level" in dataset:
        electron = float(dataset["composite_electron_sz"][0])
        rows.append(("with\nelectron", electron, dataset["composite_local_sz"].values[0]))
    for height, (_, electron, local) in enumerate(rows):
        values = np.concatenate([[electron], local[:shown]])
        largest = max(np.nanmax(abs(values)), 1e-9)
        sign = np.sign(local[0]) or 1.0
        for place, value in enumerate(values):
            if np.isfinite(value):
                reach = 0.38 * sign * value / largest
                axes.annotate(
                    "",
                    (place, height + reach),
                    (place, height - reach),
                    arrowprops={"arrowstyle": "-|>", "color": style.PALETTE[height], "lw": 1.8},
                )
                axes.text(
                    place,
                    height - 0.47,
                    f"{sign * value:.2g}",
                    ha="center",
                    va="center",
                    fontsize=9,
                )
    names = ["e", *(str(n) for n in range(shown))]
    axes.set(xlim=(-0.7, shown + 0.7), ylim=(-0.65, len(rows) - 0.45))
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.set_xticks(range(shown + 1), names)
    axes.set_xlabel("Electron (e) and local spins" + (" (first 12)" if count > shown else ""))
    axes.grid(False)
