"""Film of a macrospin: its path seen along the film and from above, and its course in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.calculations._films import lay_out_once, write_film

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["film"]

#: Times before the present one of which the path is drawn.
TAIL = 150


def film(dataset: xr.Dataset, run: int, heading: str, form: str = "gif") -> bytes:
    """One run: the direction as an arrow with the path it has left behind.

    Parameters
    ----------
    dataset : xarray.Dataset
    run : int
        Number of the run (dimension `current`).
    heading : str
        What the run is, above the figure.
    form : {"gif", "mp4"}

    Raises
    ------
    ValueError
        If the form is another or ffmpeg is missing.
    """
    one = dataset.isel(current=run)
    with style.style():
        drawing, draw = _frame(one, heading)
    return write_film(drawing, draw, one.sizes["time"], form)


def _frame(one: xr.Dataset, heading: str):
    """The figure, and the function that draws the frame of a time's index."""
    drawing, panels = style.figure(1, 2, height=3.4)
    m, time = one["magnetisation"].transpose("time", "component").values, one["time"].values
    circle = np.linspace(0, 2 * np.pi, 200)
    parts = []
    for axes, (a, b) in zip(panels, ((0, 2), (0, 1)), strict=True):
        axes.plot(np.cos(circle), np.sin(circle), color="0.75", linewidth=1)
        path = axes.plot([], [], color=style.PALETTE[2], linewidth=1.2)[0]
        arrow = axes.quiver(
            0, 0, m[0, a], m[0, b], angles="xy", scale_units="xy", scale=1, width=0.012,
            color=style.PALETTE[1], zorder=3,
        )  # fmt: skip
        axes.set(aspect="equal", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
        axes.set(xlabel=f"$m_{'xyz'[a]}$", ylabel=f"$m_{'xyz'[b]}$")
        axes.grid(False)
        parts.append((path, arrow, a, b))
    title = drawing.suptitle(f"{heading}, {time[-1]:.2f} ns", fontsize=10.5)
    lay_out_once(drawing)

    def draw(index: int):
        past = slice(max(0, index - TAIL), index + 1)
        for path, arrow, a, b in parts:
            path.set_data(m[past, a], m[past, b])
            arrow.set_UVC(m[index, a], m[index, b])
        title.set_text(f"{heading}, {time[index]:.2f} ns")
        return [part for path, arrow, _, _ in parts for part in (path, arrow)] + [title]

    return drawing, draw
