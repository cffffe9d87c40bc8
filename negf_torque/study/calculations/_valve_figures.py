"""Figures of a spin valve: the stack, torque by layer, angular dependence, zone maps, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.figures import curves, draw_stack, zone_map

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures"]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for, by name."""
    drawn = {
        "structure": _structure(dataset),
        "conductance": _conductance(dataset),
        "torkance": _torkance(dataset),
        "torque_by_layer": _by_layer(dataset),
        "efficiency": _efficiency(dataset),
    }
    if "transmission_map" in dataset:
        drawn["zone_maps"] = _maps(dataset)
    if dataset.sizes.get("step", 0) > 1:
        drawn["convergence"] = _convergence(dataset)
    return drawn


def _degrees(dataset: xr.Dataset) -> np.ndarray:
    return np.degrees(dataset["angle"].values)


def nearest_to_right_angle(dataset: xr.Dataset) -> int:
    """Index of the angle nearest to 90 degrees: there the torque is largest."""
    return int(np.argmin(np.abs(dataset["angle"].values - np.pi / 2)))


def _structure(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(width=7.0, height=2.9)
    draw_stack(axes, dataset["moment"].values, dataset["layer_magnet"].values)
    axes.set_title(
        f'Majority spins; "{dataset.attrs["free"]}" turns against "{dataset.attrs["fixed"]}"'
    )
    return drawing


def _conductance(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure()
    curves(axes, _degrees(dataset), dataset, {"conductance": ""})
    axes.set_xlabel("Angle between the magnets (degrees)")
    axes.set_xticks(np.arange(0, 181, 30))
    gmr = float(dataset["gmr"])
    axes.set_title(f"Magnetoresistance (G_P - G_AP)/G_AP = {gmr:.1%}")
    return drawing


def _torkance(dataset: xr.Dataset) -> Figure:
    free = dataset.attrs["free"]
    drawing, axes = style.figure(1, 2, width=9.6, height=4.2)
    titles = {
        "torkance_in_plane": "in plane, toward p",
        "torkance_out_of_plane": "out of plane, m x p",
    }
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        for bias, look in zip(dataset["bias"].values, style.lines(), strict=False):
            data = dataset[name].sel(bias=bias, magnet=free)
            axis.plot(_degrees(dataset), data, label=f"{bias} bias", **look)
        axis.set_title(f'Torque on "{free}", {title}')
        axis.set_xlabel("Angle between the magnets (degrees)")
        axis.set_xticks(np.arange(0, 181, 30))
        axis.set_ylabel(style.axis_label("Torkance (window)", dataset[name].attrs["units"]))
    handles, labels = axes[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower center", ncols=3)
    return drawing


def _by_layer(dataset: xr.Dataset) -> Figure:
    index = nearest_to_right_angle(dataset)
    degrees = _degrees(dataset)[index]
    torque = dataset["layer_torkance"].isel(angle=index).sel(bias="symmetric")
    current = dataset["spin_current"].isel(angle=index).sel(bias="symmetric")
    drawing, axes = style.figure(2, 1, width=7.0, height=6.0, sharex=True)
    layers = np.arange(torque.sizes["layer"])
    bonds = dataset["bond"].values
    for (component, shift), look in zip(
        {"x": -0.25, "y": 0.0, "z": 0.25}.items(), style.lines(), strict=False
    ):
        axes[0].bar(
            layers + shift,
            torque.sel(component=component),
            width=0.23,
            color=look["color"],
            label=component,
            edgecolor="0.2",
            linewidth=0.4,
            hatch={"x": "", "y": "//", "z": ".."}[component],
        )
        axes[1].plot(bonds, current.sel(flow=component), label=component, **look)
    _shade_magnets(axes, dataset["layer_magnet"].values)
    axes[0].set_ylabel(style.axis_label("Torkance of a layer", torque.attrs["units"]))
    axes[0].set_title(f"At {degrees:.0f} degrees, symmetric bias (window)")
    axes[1].set_ylabel(style.axis_label("Spin current", "e/(4 pi) per cell"))
    axes[1].set_xlabel("Layer (bonds lie between layers)")
    for axis in axes:
        style.legend(axis, title="spin")
    return drawing


def _shade_magnets(axes: np.ndarray, names: np.ndarray) -> None:
    for index, name in enumerate(names):
        if name:
            for axis in axes:
                axis.axvspan(index - 0.5, index + 0.5, color="0.92", zorder=0, linewidth=0)


def _efficiency(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(width=7.2)
    degrees = _degrees(dataset)
    looks = style.lines()
    look = next(looks)
    axes.plot(degrees, dataset["eta"], label="eta, computed", **(look | {"linestyle": "none"}))
    if np.isfinite(float(dataset["Lambda"])):
        p, square = float(dataset["polarisation"]), float(dataset["Lambda"]) ** 2
        fine = np.linspace(0, np.pi, 181)
        fit = p * square / ((square + 1) + (square - 1) * np.cos(fine))
        axes.plot(
            np.degrees(fine),
            fit,
            color=style.PALETTE[1],
            linestyle="--",
            label=f"fit: P {p:.4g}, Lambda {square**0.5:.4g}",
        )
        residual = float(dataset["fit_residual"])
        axes.set_title(f"Slonczewski form; residual {residual:.1%} (rms)")
    axes.set_xlabel("Angle between the magnets (degrees)")
    axes.set_xticks(np.arange(0, 181, 30))
    axes.set_ylabel(r"$\eta$ = torque per current / $\sin\theta$")
    style.legend(axes, loc="best", bbox_to_anchor=None)
    return drawing


def _maps(dataset: xr.Dataset) -> Figure:
    degrees = _degrees(dataset)[nearest_to_right_angle(dataset)]
    ky, kz = dataset["ky"].values, dataset["kz"].values
    drawing, axes = style.figure(1, 3, width=12.5, height=3.9)
    zone_map(axes[0], ky, kz, dataset["transmission_map"], "Transmission")
    axes[0].set_title(f"Transmission at {degrees:.0f} degrees")
    for axis, direction in zip(axes[1:], dataset["direction"].values, strict=True):
        values = dataset["torkance_map"].sel(direction=direction)
        zone_map(axis, ky, kz, values, r"Torkance ($e/4\pi$)", signed=True)
        axis.set_title(f'Torque on "{dataset.attrs["free"]}", {direction}')
    return drawing


def _convergence(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure()
    axes.loglog(dataset["evaluations"], dataset["average_error"], **next(style.lines()))
    if "tolerance" in dataset.attrs:
        axes.axhline(dataset.attrs["tolerance"], color="0.4", linestyle="--", label="asked for")
        style.legend(axes, loc="best", bbox_to_anchor=None)
    axes.set(xlabel="k-points evaluated", ylabel="Estimated relative error")
    axes.set_title("Convergence of the zone average")
    return drawing
