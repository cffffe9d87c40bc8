"""Films of a quantum chain: the electron's density and the local spins as arrows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.calculations._films import check_form, lay_out_once, write_film

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["film"]


def film(dataset: xr.Dataset, injection: str, form: str = "gif", rate: int = 15) -> bytes:
    """The run as a film: density of both spins, local spins as arrows.

    Parameters
    ----------
    dataset : xarray.Dataset
        With the density kept (`profiles = true`).
    injection : str
        Name of the electron's direction.
    form : {"gif", "mp4"}
        mp4 needs the program ffmpeg.
    rate : int
        Frames per second.

    Raises
    ------
    ValueError
        If the density was not kept, or ffmpeg is missing.
    """
    if "density" not in dataset:
        raise ValueError("animation: the density was not kept. Set profiles = true and run again.")
    check_form(form)
    one = dataset.sel(injection=injection)
    with style.style():
        drawing, draw = _film_frame(one, injection)
    return write_film(drawing, draw, one.sizes["time"], form, rate)


def _film_frame(one: xr.Dataset, injection: str):
    """The figure of a film, and the function that draws the frame of a time index."""
    drawing, (upper, lower) = style.figure(2, 1, height=4.6, height_ratios=[1.5, 1])
    density = one["density"]
    up = ((density.sel(flow="number") + density.sel(flow="z")) / 2).values
    down = ((density.sel(flow="number") - density.sel(flow="z")) / 2).values
    site = one["site"].values
    sites = one["spin_site"].values
    upper.axvspan(sites.min() - 0.5, sites.max() + 0.5, color="0.9")
    looks = style.lines(markers=False)
    curves = [
        upper.plot(site, values[0], label=f"electron {arrow}", **next(looks))[0]
        for values, arrow in ((up, "\u2191"), (down, "\u2193"))
    ]
    top = max(np.quantile(up, 0.998), np.quantile(down, 0.998))  # the start may stick out
    upper.set(xlim=(site[0], site[-1]), ylim=(0, top))
    upper.set(xlabel="Site", ylabel="Density per site")
    upper.legend(loc="upper right")
    spins = one["local_spin"].values
    length = max(float(abs(spins).max()), 1e-9)
    shown = min(spins.shape[1], 24)
    place = np.arange(shown)
    arrows = lower.quiver(
        place,
        np.zeros(shown),
        spins[0, :shown, 0] / length,
        spins[0, :shown, 2] / length,
        scale=1,
        scale_units="y",
        angles="uv",
        pivot="mid",
        width=0.008,
        color=style.PALETTE[1],
    )
    lower.set(xlim=(-1, shown), ylim=(-0.62, 0.62), yticks=[])
    lower.set_xticks(place[:: -(-shown // 12)])
    lower.set_xlabel("Local spin ($x$-$z$ plane; length: how pure)")
    lower.grid(False)
    title = upper.set_title("t")
    lay_out_once(drawing)

    def draw(index: int):
        curves[0].set_ydata(up[index])
        curves[1].set_ydata(down[index])
        arrows.set_UVC(spins[index, :shown, 0] / length, spins[index, :shown, 2] / length)
        title.set_text(f"Electron injected along {injection}, {float(one['time'][index]):.0f} fs")
        return [*curves, arrows, title]

    return drawing, draw
