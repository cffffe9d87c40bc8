"""Figures of kind "torque": the device, torque and spin current along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.figures import draw_stack

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["figures"]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures of the result, by name."""
    return {"structure": _structure(dataset), "torque_by_layer": _by_layer(dataset)}


def _layers(dataset: xr.Dataset) -> tuple[NDArray, list[str]]:
    """Mean direction and magnet of every layer."""
    layer, moment = dataset["site_layer"].values, dataset["moment"].values
    count = int(layer.max()) + 1
    total = np.zeros((count, 3))
    np.add.at(total, layer, moment * dataset["exchange"].values[:, None])
    names = [""] * count
    for index, name in zip(layer, dataset["site_magnet"].values, strict=True):
        names[index] = str(name) or names[index]
    return total, names


def _structure(dataset: xr.Dataset) -> Figure:
    moments, names = _layers(dataset)
    drawing, axes = style.figure(height=2.7)
    draw_stack(axes, moments, names)
    axes.set_title("Majority spins, layer by layer")
    return drawing


def _by_layer(dataset: xr.Dataset) -> Figure:
    torque = dataset["layer_torkance"].sel(bias="symmetric")
    current = dataset["spin_current"].sel(bias="symmetric")
    few = torque.sizes["layer"] <= 60
    drawing, axes = style.figure(2, 1, height=6.0, sharex=True)
    for component, look in zip("xyz", style.lines(markers=few), strict=False):
        axes[0].plot(dataset["layer"], torque.sel(component=component), label=component, **look)
        axes[1].plot(dataset["bond"], current.sel(flow=component), label=component, **look)
    axes[0].set_title("Symmetric bias (window)")
    axes[0].set_ylabel(style.axis_label("Torkance of a layer", torque.attrs["units"]))
    axes[1].set_ylabel(style.axis_label("Spin current", current.attrs["units"]))
    axes[1].set_xlabel("Layer (bonds lie between layers)")
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    for axis in axes:
        style.legend(axis, title="spin")
    return drawing
