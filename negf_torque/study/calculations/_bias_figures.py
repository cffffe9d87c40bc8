"""Figures of kind "bias_sweep": torque, current and TMR against voltage, angular map, zone map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.figures import draw_stack, zone_map

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures"]

PARTS = {
    "in_plane": r"in plane, toward $\mathbf{p}$",
    "out_of_plane": r"out of plane, $\mathbf{m}\times\mathbf{p}$",
}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for, by name."""
    drawn = {"structure": _structure(dataset)}
    if dataset.sizes["voltage"] > 1:
        drawn["torque"] = _torque(dataset)
        drawn["current"] = _current(dataset)
        if np.isfinite(dataset["slope_in_plane"]).all():
            drawn["slope"] = _slope(dataset)
        if dataset.sizes["angle"] > 2:
            drawn["angular_map"] = _angular(dataset)
    if "current_spectrum" in dataset:
        drawn["spectrum"] = _spectrum(dataset)
    if "current_map" in dataset:
        drawn["zone_maps"] = _maps(dataset)
    return drawn


def _middle(dataset: xr.Dataset) -> int:
    return int(np.argmin(np.abs(dataset["angle"].values - np.pi / 2)))


def _degrees(dataset: xr.Dataset) -> float:
    return float(np.degrees(dataset["angle"].values[_middle(dataset)]))


def _structure(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(height=2.7)
    draw_stack(axes, dataset["moment"].values, dataset["layer_magnet"].values)
    axes.set_title(f"Majority spins at {_degrees(dataset):.0f} degrees")
    return drawing


def _torque(dataset: xr.Dataset) -> Figure:
    one = dataset.isel(angle=_middle(dataset))
    drawing, panels = style.figure(2, 1, height=6.2, sharex=True)
    for axes, (name, title) in zip(panels, PARTS.items(), strict=True):
        for (suffix, label), look in zip(
            {"": "complete", "_window": "window alone"}.items(), style.lines(), strict=False
        ):
            data = one[f"torque_{name}{suffix}"]
            look = look if suffix else style.beneath(look)
            axes.plot(one["voltage"], data, label=label, **look)
        style.band(
            axes, one["voltage"], one[f"torque_{name}"], one[f"torque_{name}_error"], "0.3"
        )
        style.zero_line(axes)
        axes.set_title(f"At {_degrees(dataset):.0f}°, {title}")
        axes.set_ylabel(style.axis_label("Torque", one[f"torque_{name}"].attrs["units"]))
    panels[1].set_xlabel("Voltage (V)")
    style.shared_legend(drawing, panels[0])
    return drawing


def _current(dataset: xr.Dataset) -> Figure:
    drawing, panels = style.figure(2, 1, sharex=True)
    names = {"current_parallel": "parallel", "current_antiparallel": "antiparallel"}
    for (name, label), look in zip(names.items(), style.lines(), strict=False):
        panels[0].plot(dataset["voltage"], dataset[name], label=label, **look)
    panels[0].set_ylabel(style.axis_label("Current", dataset["current_parallel"].attrs["units"]))
    style.legend(panels[0], inside=True)
    look = next(style.lines())
    panels[1].plot(dataset["voltage"], 100 * dataset["tmr"], **look)
    panels[1].set_ylabel("Magnetoresistance (%)")
    panels[1].set_xlabel("Voltage (V)")
    return drawing


def _slope(dataset: xr.Dataset) -> Figure:
    one = dataset.isel(angle=_middle(dataset))
    drawing, axes = style.figure()
    for (name, label), look in zip(PARTS.items(), style.lines(), strict=False):
        axes.plot(one["voltage"], one[f"slope_{name}"], label=label, **look)
    axes.set_xlabel("Voltage (V)")
    axes.set_ylabel(style.axis_label("dT/dV", one["slope_in_plane"].attrs["units"]))
    axes.set_title(f"Slope of the torque at {_degrees(dataset):.0f}°")
    style.legend(axes, inside=True)
    return drawing


def _angular(dataset: xr.Dataset) -> Figure:
    volts, degrees = dataset["voltage"].values, np.degrees(dataset["angle"].values)
    drawing, panels = style.figure(2, 1, height=6.8)
    for axes, (name, title) in zip(panels, PARTS.items(), strict=True):
        data = dataset[f"torque_{name}"]
        largest = float(np.abs(data).max()) or 1.0
        mesh = axes.pcolormesh(
            degrees,
            volts,
            data.values,
            shading="gouraud",
            cmap=style.DIVERGING,
            vmin=-largest,
            vmax=largest,
            rasterized=True,
        )
        axes.set(xlabel="Angle (degrees)", ylabel="Voltage (V)", title=f"Torque {title}")
        axes.set_xticks(np.arange(0, 181, 30))
        axes.grid(False)
        drawing.colorbar(mesh, ax=axes, label=style.axis_label("Torque", data.attrs["units"]))
    return drawing


def _spectrum(dataset: xr.Dataset) -> Figure:
    index = int(np.argmax(np.abs(dataset["voltage"].values)))
    one = dataset.isel(voltage=index)
    drawing, axes = style.figure()
    names = {
        "current_spectrum": "transmission",
        "torque_in_plane_spectrum": "torque in plane",
        "torque_out_of_plane_spectrum": "torque out of plane",
    }
    for (name, label), look in zip(names.items(), style.lines(), strict=False):
        axes.plot(one["spectrum_energy"], one[name], label=label, **look)
    axes.set_xlabel("Energy (eV)")
    axes.set_ylabel("Contribution of the window per energy")
    axes.set_title(f"{float(one['voltage']):g} V, {_degrees(dataset):.0f}°")
    style.legend(axes, inside=True)
    return drawing


def _maps(dataset: xr.Dataset) -> Figure:
    ky, kz = dataset["ky"].values, dataset["kz"].values
    volts = dataset["voltage"].values[int(np.argmax(np.abs(dataset["voltage"].values)))]
    drawing, panels = style.figure(3, 1, height=9.6)
    zone_map(panels[0], ky, kz, np.abs(dataset["current_map"]), "|J| (eV)")
    panels[0].set_title(f"Current at {volts:g} V, {_degrees(dataset):.0f}°")
    for axes, direction in zip(panels[1:], dataset["direction"].values, strict=True):
        data = dataset["torque_map"].sel(direction=direction)
        zone_map(axes, ky, kz, data, "Torque (eV)", signed=True)
        axes.set_title(f"Window torque, {direction}")
    return drawing
