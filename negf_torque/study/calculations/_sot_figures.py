"""Figures of spin-orbit torques: against the direction, by part, by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

_PARTS = {
    "total": "complete",
    "surface": "Fermi surface",
    "sea": "Fermi sea",
    "bare": "no vertex corrections",
}
_TITLES = {"field_like": "Field-like", "damping_like": "Damping-like"}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for."""
    drawn = {"terms": _terms(dataset)}
    if dataset.sizes["angle"] > 1:
        drawn["angles"] = _angles(dataset)
        drawn["parts"] = _parts(dataset)
    if "layer" in dataset.sizes:
        drawn["layers"] = _layers(dataset)
    return drawn


def _angles(dataset: xr.Dataset) -> Figure:
    """Complete torques against the polar angle, a curve per azimuth."""
    canvas, panels = style.figure(2, 1, height=6.4, sharex=True)
    for axes, (name, title) in zip(panels, _TITLES.items(), strict=True):
        for azimuth, look in zip(dataset["azimuth"].values, style.lines(), strict=False):
            values = dataset[name].sel(part="total", azimuth=azimuth)
            axes.plot(dataset["angle"], values, label=f"azimuth {azimuth:g}°", **look)
        style.zero_line(axes)
        axes.set_title(f"{title} torque")
        axes.set_ylabel("Torque per force (nm per cell)")
    panels[1].set_xlabel("Angle of the magnetisation from the normal (degrees)")
    style.shared_legend(canvas, panels[0], 3)
    return canvas


def _by_part(axes: Axes, x: xr.DataArray, data: xr.DataArray) -> None:
    """A curve for each part that has numbers, the others on top of the complete one."""
    for (part, label), look in zip(_PARTS.items(), style.lines(), strict=False):
        values = data.sel(part=part)
        if np.all(np.isfinite(values)):
            axes.plot(x, values, label=label, **style.beneath(look) if part == "total" else look)
    style.zero_line(axes)


def _parts(dataset: xr.Dataset) -> Figure:
    """Both torques at the first azimuth by Fermi surface and sea."""
    canvas, panels = style.figure(2, 1, height=6.4, sharex=True)
    azimuth = float(dataset["azimuth"][0])
    for axes, (name, title) in zip(panels, _TITLES.items(), strict=True):
        _by_part(axes, dataset["angle"], dataset[name].isel(azimuth=0))
        axes.set_title(f"{title}, azimuth {azimuth:g}°")
        axes.set_ylabel("Torque per force (nm per cell)")
    panels[1].set_xlabel("Angle of the magnetisation from the normal (degrees)")
    style.shared_legend(canvas, panels[0])
    return canvas


def _terms(dataset: xr.Dataset) -> Figure:
    """Coefficients of the angular expansion."""
    canvas, axes = style.figure(height=3.6)
    values = dataset["coefficient"].sel(part="total")
    names = [str(t).replace("_", " ").replace(" like", "-like") for t in dataset["term"].values]
    looks = style.bar_looks()
    for kind, look in zip(("field", "damping"), looks, strict=False):
        rows = [row for row, name in enumerate(names) if name.startswith(kind)]
        axes.barh(rows, values.values[rows], height=0.6, **look)
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("Coefficient (nm per cell)")
    rest = 100 * float(dataset["residual"].sel(part="total"))
    axes.set_title(f"Terms of the torque; they leave {rest:.2g} % of it")
    return canvas


def _layers(dataset: xr.Dataset) -> Figure:
    """Torque on every layer at the first direction."""
    canvas, panels = style.figure(2, 1, height=6.4, sharex=True)
    first = dataset.isel(angle=0, azimuth=0)
    edge = int(dataset.attrs.get("metal_layers", 0)) - 0.5
    for axes, (name, title) in zip(panels, _TITLES.items(), strict=True):
        _by_part(axes, dataset["layer"], first[f"layer_{name}"])
        axes.axvline(edge, color="0.6", linewidth=0.8, linestyle=":")
        axes.set_title(f"{title}, magnetisation at {float(first['angle']):g}°")
        axes.set_ylabel("Torque per force (nm per cell)")
    panels[1].set_xlabel("Layer (dotted line: interface)")
    style.shared_legend(canvas, panels[0])
    return canvas
