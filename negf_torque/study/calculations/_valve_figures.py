"""Figures of a spin valve: the stack, torque by layer, angular dependence, zone maps, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.figures import curves, draw_stack, zone_map

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
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
    if "torkance_map" in dataset:
        drawn["zone_maps"] = _maps(dataset)
    if "mesh_deviation_torkance" in dataset:
        drawn["convergence"] = _convergence(dataset)
    return drawn


def _degrees(dataset: xr.Dataset) -> np.ndarray:
    return np.degrees(dataset["angle"].values)


def nearest_to_right_angle(dataset: xr.Dataset) -> int:
    """Index of the angle nearest to 90 degrees: there the torque is largest."""
    return int(np.argmin(np.abs(dataset["angle"].values - np.pi / 2)))


def _structure(dataset: xr.Dataset) -> Figure:
    index = nearest_to_right_angle(dataset)
    drawing, axes = style.figure(height=2.7)
    draw_stack(axes, dataset["moment"].isel(angle=index).values, dataset["layer_magnet"].values)
    axes.set_title(
        'Majority spins: "{free}" turned against "{fixed}"'.format(**dataset.attrs)
        + f" by {_degrees(dataset)[index]:.0f}°"
    )
    return drawing


def _conductance(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure()
    curves(axes, _degrees(dataset), dataset, {"conductance": ""})
    axes.set_xlabel("Angle between the magnets (degrees)")
    axes.set_xticks(np.arange(0, 181, 30))
    gmr = float(dataset["gmr"])
    ratio = r"$(G_\mathrm{P} - G_\mathrm{AP})/G_\mathrm{AP}$"
    axes.set_title(f"Magnetoresistance {ratio} = {gmr:.1%}")
    return drawing


def _torkance(dataset: xr.Dataset) -> Figure:
    free = dataset.attrs["free"]
    drawing, axes = style.figure(2, 1, height=6.4, sharex=True)
    titles = {
        "torkance_in_plane": r"in plane, toward $\mathbf{p}$",
        "torkance_out_of_plane": r"out of plane, $\mathbf{m}\times\mathbf{p}$",
    }
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        for bias, look in zip(dataset["bias"].values, style.lines(), strict=False):
            data = dataset[name].sel(bias=bias, magnet=free)
            axis.plot(_degrees(dataset), data, label=f"window, {bias} bias", **look)
            if bias == "symmetric":
                _band(axis, dataset, name, look["color"])
        if f"complete_{name}" in dataset:
            data = dataset[f"complete_{name}"].sel(magnet=free)
            axis.plot(_degrees(dataset), data, label="complete", **style.beneath({"color": "k"}))
            _band(axis, dataset, f"complete_{name}", "k")
        style.zero_line(axis)
        axis.set_title(f'Torque on "{free}", {title}')
        axis.set_xticks(np.arange(0, 181, 30))
        axis.set_ylabel(style.axis_label("Torkance", dataset[name].attrs["units"]))
    axes[1].set_xlabel("Angle between the magnets (degrees)")
    style.shared_legend(drawing, axes[0])
    return drawing


def _band(axis: Axes, dataset: xr.Dataset, name: str, colour: str) -> None:
    """The estimated error of a torque on the free magnet, in the symmetric bias."""
    if f"{name}_error" in dataset:
        one = dataset.sel(magnet=dataset.attrs["free"])
        values = one[name].sel(bias="symmetric") if "bias" in one[name].dims else one[name]
        style.band(axis, _degrees(dataset), values, one[f"{name}_error"], colour)


def _by_layer(dataset: xr.Dataset) -> Figure:
    index = nearest_to_right_angle(dataset)
    degrees = _degrees(dataset)[index]
    torque = dataset["layer_torkance"].isel(angle=index).sel(bias="symmetric")
    current = dataset["spin_current"].isel(angle=index).sel(bias="symmetric")
    drawing, axes = style.figure(2, 1, height=6.0, sharex=True)
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
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel(style.axis_label("Torkance of a layer", torque.attrs["units"]))
    axes[0].set_title(f"At {degrees:.0f} degrees, symmetric bias (window)")
    axes[1].set_ylabel(style.axis_label("Spin current", "e/(4 pi) per cell"))
    axes[1].set_xlabel("Layer (bonds lie between layers)")
    for axis in axes:
        style.legend(axis, title="spin")
    return drawing


def _shade_magnets(axes: np.ndarray, names: np.ndarray) -> None:
    """Grey behind each magnet, and its name at the top of the last axes."""
    edges = [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]
    for begin, end in zip(edges, [*edges[1:], len(names)], strict=True):
        if names[begin]:
            for axis in axes:
                axis.axvspan(begin - 0.5, end - 0.5, color="0.92", zorder=0, linewidth=0)
            axes[-1].text(
                (begin + end - 1) / 2,
                1.02,
                names[begin],
                ha="center",
                va="bottom",
                transform=axes[-1].get_xaxis_transform(),
                fontsize=9.5,
            )


def _efficiency(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure()
    degrees = _degrees(dataset)
    looks = style.lines()
    look = next(looks)
    axes.plot(degrees, dataset["eta"], label=r"$\eta$, computed", **(look | {"linestyle": "none"}))
    if np.isfinite(float(dataset["Lambda"])):
        p, square = float(dataset["polarisation"]), float(dataset["Lambda"]) ** 2
        fine = np.linspace(0, np.pi, 181)
        fit = p * square / ((square + 1) + (square - 1) * np.cos(fine))
        axes.plot(
            np.degrees(fine),
            fit,
            color=style.PALETTE[1],
            linestyle="--",
            label=rf"fit: $P$ = {p:.4g}, $\Lambda$ = {square**0.5:.4g}",
        )
        residual = float(dataset["fit_residual"])
        axes.set_title(f"Slonczewski form; residual {residual:.1%} (rms)")
    axes.set_xlabel("Angle between the magnets (degrees)")
    axes.set_xticks(np.arange(0, 181, 30))
    axes.set_ylabel(r"$\eta$ = torque per current / $\sin\theta$")
    style.legend(axes, inside=True)
    return drawing


def _maps(dataset: xr.Dataset) -> Figure:
    degrees = _degrees(dataset)[nearest_to_right_angle(dataset)]
    ky, kz = dataset["ky"].values, dataset["kz"].values
    drawing, axes = style.figure(3, 1, height=9.6)
    zone_map(axes[0], ky, kz, dataset["transmission_map"], "Transmission")
    axes[0].set_title(f"Transmission at {degrees:.0f} degrees")
    for axis, direction in zip(axes[1:], dataset["direction"].values, strict=True):
        values = dataset["torkance_map"].sel(direction=direction)
        zone_map(axis, ky, kz, values, r"Torkance ($e/4\pi$)", signed=True)
        axis.set_title(f'Torque on "{dataset.attrs["free"]}", {direction}')
    return drawing


def _convergence(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(height=4.0)
    names = {
        "mesh_deviation_conductance": "conductance",
        "mesh_deviation_torkance": "torkance",
    }
    for (name, label), look in zip(names.items(), style.lines(), strict=False):
        values = dataset[name].where(dataset[name] > 0)
        axes.loglog(dataset["mesh"], values, label=f"uniform mesh, {label}", **look)
    error = float(dataset["conductance_error"].max() / dataset["conductance"].max())
    if error > 0:
        points = dataset.attrs["k_points"]
        axes.axhline(
            error,
            color="0.4",
            linestyle=":",
            label=f"estimated error, {points} points",
        )
    axes.set(xlabel="Mesh points per direction", ylabel="Relative deviation from the result")
    axes.set_xticks(dataset["mesh"].values, [str(mesh) for mesh in dataset["mesh"].values])
    axes.set_title("Convergence of the zone average")
    style.legend(axes, inside=True)
    return drawing
