"""Films of results: frames that a function draws, written as gif or mp4."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_form", "chosen_frames", "lay_out_once", "write_film"]

#: Frames of a film, at most.
MOST_FRAMES = 75


def check_form(form: str) -> None:
    """Raise ValueError for a form that is none, or that this machine cannot write."""
    from matplotlib.animation import FFMpegWriter

    if form not in ("gif", "mp4"):
        raise ValueError(f"animation: {form!r} is no form of a film. Expected 'gif' or 'mp4'.")
    if form == "mp4" and not FFMpegWriter.isAvailable():
        raise ValueError("animation: mp4 needs the program ffmpeg. Install it, or choose 'gif'.")


def chosen_frames(count: int) -> list[int]:
    """Indices of at most `MOST_FRAMES` times out of `count`, evenly spread.

    Examples
    --------
    >>> chosen_frames(3), len(chosen_frames(2001))
    ([0, 1, 2], 75)
    """
    even = np.linspace(0, count - 1, min(count, MOST_FRAMES))
    return np.unique(even.round().astype(int)).tolist()


def lay_out_once(drawing: Figure) -> None:
    """Lay a figure out now and keep that for all frames: else it would tremble."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(drawing)
    drawing.canvas.draw()
    drawing.set_layout_engine("none")


def write_film(
    drawing: Figure, draw: Callable[[int], Any], count: int, form: str = "gif", rate: int = 15
) -> bytes:
    """The film's content.

    Parameters
    ----------
    drawing : matplotlib Figure
    draw : callable
        Changes the figure to what it is at a time's index, and returns what it changed.
    count : int
        Number of times.
    form : {"gif", "mp4"}
        mp4 needs the program ffmpeg.
    rate : int
        Frames per second.

    Raises
    ------
    ValueError
        If the form is another or ffmpeg is missing.
    """
    import tempfile
    from pathlib import Path

    from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter

    check_form(form)
    writer = PillowWriter(rate) if form == "gif" else FFMpegWriter(rate)
    with style.style(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{form}"
        frames = chosen_frames(count)
        FuncAnimation(drawing, draw, frames=frames, blit=False).save(path, writer, dpi=100)
        return path.read_bytes()
