"""Film of a domain wall: its profile along the wire, and where its middle has been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from negf_torque.study import style
from negf_torque.study.calculations._films import lay_out_once, write_film

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["film"]


def film(dataset: xr.Dataset, form: str = "gif") -> bytes:
    """Magnetisation against position, time after time.

    Parameters
    ----------
    dataset : xarray.Dataset
        With the profile of a chain of cells.
    form : {"gif", "mp4"}

    Raises
    ------
    ValueError
        If the form is another or ffmpeg is missing.
    """
    with style.style():
        drawing, draw = _frame(dataset)
    return write_film(drawing, draw, dataset.sizes["chain_time"], form)


def _frame(dataset: xr.Dataset):
    """The figure, and the function that draws the frame of a time's index."""
    drawing, axes = style.figure(height=3.4)
    time, place = dataset["chain_time"].values, dataset["chain_position"].values
    profile = dataset["profile"].transpose("chain_time", "component", "cell").values
    curves = [
        axes.plot(dataset["cell"], profile[0, n], label=f"$m_{component}$", **look)[0]
        for n, (component, look) in enumerate(zip("xyz", style.lines(False), strict=False))
    ]
    middle = axes.axvline(place[0], color="0.4", linewidth=1, linestyle=":", label="middle")
    axes.set(xlabel="Position (nm)", ylabel="Magnetisation", ylim=(-1.1, 1.1))
    axes.set_xlim(float(dataset["cell"][0]), float(dataset["cell"][-1]))
    title = axes.set_title(f"{time[-1]:.2f} ns")
    style.shared_legend(drawing, axes, 4)
    lay_out_once(drawing)

    def draw(index: int):
        for curve, values in zip(curves, profile[index], strict=True):
            curve.set_ydata(values)
        middle.set_xdata([place[index], place[index]])
        title.set_text(f"{time[index]:.2f} ns")
        return [*curves, middle, title]

    return drawing, draw
