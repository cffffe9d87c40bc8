"""Maps of a quantum chain: density, spin, current and local spins in space and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["maps"]


def maps(one: xr.Dataset, name: str) -> Figure:
    """Density and spin of the electron, and the local spins, against position and time."""
    from matplotlib.colors import PowerNorm

    collinear = float(abs(one["electron_spin"].sel(component=["x", "y"])).max()) < 1e-9
    flows = ["number", "z"] if collinear else ["number", "x", "y", "z"]
    rows = 2 if collinear else 3
    drawing, axes = style.figure(rows, 2, height=0.4 + 3.3 * rows)
    engine: Any = drawing.get_layout_engine()
    engine.set(w_pad=0.08)
    drawing.suptitle(f"Electron injected along {name}")
    panels = list(np.ravel(axes))
    sites = one["spin_site"].values
    for axis, flow in zip(panels, flows, strict=False):
        data = one["density"].sel(flow=flow)
        if flow == "number":
            top = float(np.quantile(data, 0.999))
            look = {"cmap": style.SEQUENTIAL, "norm": PowerNorm(0.5, 0, top)}
        else:
            largest = float(np.quantile(abs(data), 0.99)) or 1.0
            look = {"cmap": style.DIVERGING, "vmin": -largest, "vmax": largest}
        label = "Density" if flow == "number" else f"Spin ${flow}$ ($\\hbar/2$)"
        extend = "max" if flow == "number" else "both"
        _image(axis, data.transpose("time", "site"), "site", f"{label} per site", extend, look)
        for edge in (sites.min() - 0.5, sites.max() + 0.5):
            axis.axvline(edge, color="white" if flow == "number" else "0.3", lw=0.7, ls=":")
        axis.set_xlabel("Site (dotted: magnet)")
        axis.set_title("Electron" if flow == "number" else f"Its spin along ${flow}$")
    current = one["current"].sel(flow="z")
    largest = float(np.quantile(abs(current), 0.995)) or 1.0
    look = {"cmap": style.DIVERGING, "vmin": -1e3 * largest, "vmax": 1e3 * largest}
    label = r"Spin current $z$ ($10^{-3}\,\hbar/2$ per fs)"
    _image(panels[-2], 1e3 * current.transpose("time", "bond"), "bond", label, "both", look)
    panels[-2].set_xlabel("Bond")
    panels[-2].set_title("Current of spin $z$")
    _local_map(panels[-1], one)
    return drawing


def _image(axes: Axes, data: xr.DataArray, across: str, label: str, extend: str, look) -> None:
    """Values (time, position) as an image; times need not be evenly spaced."""
    position, time = data[across].values, data["time"].values
    gaps = np.diff(time)
    if len(time) > 2 and np.ptp(gaps) < 1e-9 * gaps.max():
        reach = (position[0] - 0.5, position[-1] + 0.5, time[0], time[-1])
        mesh: Any = axes.imshow(
            data.values,
            origin="lower",
            extent=reach,
            aspect="auto",
            interpolation="nearest",
            **look,
        )
    else:
        mesh = axes.pcolormesh(
            position, time, data.values, shading="nearest", rasterized=True, **look
        )
    drawing: Any = axes.get_figure()
    drawing.colorbar(mesh, ax=axes, label=label, extend=extend)
    axes.set_ylabel("Time (fs)")
    axes.locator_params(axis="x", nbins=3)
    axes.grid(False)


def _local_map(axes: Axes, one: xr.Dataset) -> None:
    """How much S_z each local spin has lost; curves where there are few."""
    lost = one["local_spin"].sel(component="z").isel(time=0) - one["local_spin"].sel(component="z")
    if one.sizes["spin"] <= 2:
        for n, look in zip(one["spin"].values, style.lines(markers=False), strict=False):
            axes.plot(lost.sel(spin=n), one["time"], label=f"spin {n}", **look)
        axes.set(xlabel=r"Lost $2S_z$ ($\hbar/2$)", ylabel="Time (fs)", xmargin=0.2)
        axes.set_ylim(float(one["time"][0]), float(one["time"][-1]))
        if one.sizes["spin"] > 1:
            style.legend(axes, inside=True)
    else:
        largest = float(np.quantile(abs(lost), 0.998)) or 1.0
        look = {"cmap": style.DIVERGING, "vmin": -largest, "vmax": largest}
        data = lost.transpose("time", "spin")
        _image(axes, data, "spin", r"Lost $2S_z$ ($\hbar/2$)", "both", look)
        axes.set(xlabel="Local spin", ylabel="Time (fs)")
        if one.sizes["spin"] <= 12:
            axes.set_xticks(one["spin"].values)
        axes.grid(False)
    axes.set_title("Local spins")
