"""Figures about impurities: convergence, self-energies, torque profile, configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["disorder_figures"]

_NAMES = {
    "born": "Born",
    "coherent-potential": "coherent potential",
    "configurations": "configurations",
}


def disorder_figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """What the result holds about impurities, by name; empty for a clean device."""
    if "approach" not in dataset.dims:
        return {}
    found = {"disorder_convergence": _convergence(dataset)}
    if "self_energy" in dataset:
        found["self_energy"] = _self_energy(dataset)
    if "magnet" in dataset.dims and dataset.sizes["magnet"]:
        found["torque_profile"] = _torque_profile(dataset)
    if "configuration" in dataset.dims:
        found["configurations"] = _histograms(dataset)
    return found


def _convergence(dataset: xr.Dataset) -> Figure:
    panels = ["residual"] * ("residual" in dataset)
    panels += ["configurations"] * ("configuration" in dataset.dims)
    drawing, axes = style.figure(
        max(len(panels), 1), 1, height=0.4 + 3.1 * max(len(panels), 1), squeeze=False
    )
    for axis, panel in zip(axes[:, 0], panels, strict=False):
        if panel == "residual":
            residual = np.maximum(dataset["residual"].values, 1e-17)
            axis.semilogy(dataset["step"], residual, color=style.PALETTE[0], marker="o")
            axis.set_xlabel("Step of the self-consistency")
            axis.set_ylabel("Residual of the self-energy")
            axis.xaxis.get_major_locator().set_params(integer=True)
        else:
            _running_mean(axis, dataset)
    return drawing


def _running_mean(axis: Axes, dataset: xr.Dataset) -> None:
    values = dataset["configuration_conductance"].values
    count = np.arange(1, len(values) + 1)
    mean = np.cumsum(values) / count
    square = np.maximum(np.cumsum(values**2) / count - mean**2, 0)
    error = np.sqrt(square / np.maximum(count - 1, 1))
    begin = min(8, len(values) - 1)
    x, y, e = count[begin:], mean[begin:], error[begin:]
    axis.fill_between(x, y - e, y + e, color="0.8", label="standard error")
    axis.plot(x, y, color=style.PALETTE[0], label="mean of configurations")
    _method_lines(axis, dataset, horizontal=True)
    axis.set_xscale("log")
    style.few_log_ticks(axis.xaxis)
    axis.set_xlabel("Configurations")
    axis.set_ylabel(
        style.axis_label("Conductance", dataset["configuration_conductance"].attrs["units"])
    )
    style.legend(axis, inside=True)


def _method_lines(axis: Axes, dataset: xr.Dataset, horizontal: bool) -> None:
    """One line for the conductance of each mean-field method."""
    looks = style.lines(markers=False)
    next(looks)
    for method, look in zip(dataset["approach"].values, looks, strict=False):
        if method != "configurations":
            value = float(dataset["approach_conductance"].sel(approach=method))
            draw = axis.axhline if horizontal else axis.axvline
            draw(value, label=_NAMES[str(method)], **look)


def _self_energy(dataset: xr.Dataset) -> Figure:
    by_layer, layers = _layer_mean(dataset)
    drawing, axes = style.figure(2, 1, sharex=True)
    names = {"charge": r"mean of both spins, $\Sigma_0$"}
    for flow, look in zip(dataset["flow"].values, style.lines(len(layers) <= 60), strict=False):
        values = by_layer[:, list(dataset["flow"].values).index(flow)]
        if flow != "charge" and np.abs(values).max() < 1e-12:
            continue
        label = names.get(str(flow), rf"spin part $\Sigma_{flow}$")
        axes[0].plot(layers, -values.imag, label=label, **look)
        axes[1].plot(layers, values.real, label=label, **look)
    axes[0].set_ylabel(r"$-$Im $\Sigma$ (eV)")
    axes[1].set_ylabel(r"Re $\Sigma$ (eV)")
    axes[1].set_xlabel("Layer")
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    method = next(str(m) for m in dataset["approach"].values if m != "configurations")
    axes[0].set_title(f"Self-energy by impurities ({_NAMES[method]}), layer mean")
    style.shared_legend(drawing, axes[0], 4)
    return drawing


def _layer_mean(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    layer = dataset["site_layer"].values
    layers = np.arange(layer.max() + 1)
    total = np.zeros((len(layers), dataset.sizes["flow"]), complex)
    np.add.at(total, layer, dataset["self_energy"].values)
    return total / np.bincount(layer)[:, None], layers


def _torque_profile(dataset: xr.Dataset) -> Figure:
    at = {"bias": "symmetric"} if "bias" in dataset.dims else {}
    torque = dataset["approach_layer_torkance"].sel(at)
    drawing, axes = style.figure(3, 1, height=7.2, sharex=True)
    few = torque.sizes["layer"] <= 60
    for axis, component in zip(axes, "xyz", strict=True):
        looks = style.lines(few)
        if "clean_layer_torkance" in dataset:
            clean = dataset["clean_layer_torkance"].sel({**at, "component": component})
            axis.plot(torque["layer"], clean, label="clean", **next(looks))
        for method, look in zip(dataset["approach"].values, looks, strict=False):
            values = torque.sel(approach=method, component=component)
            axis.plot(torque["layer"], values, label=_NAMES[str(method)], **look)
        axis.set_ylabel(f"along {component}")
    unit = style.axis_label("Torkance of a layer", torque.attrs["units"])
    axes[0].set_title(f"{unit}, window")
    axes[2].set_xlabel("Layer")
    axes[2].xaxis.get_major_locator().set_params(integer=True)
    style.shared_legend(drawing, axes[0])
    return drawing


def _histograms(dataset: xr.Dataset) -> Figure:
    """Conductance and the largest torkance component, one count per configuration."""
    torkance = dataset["configuration_torkance"].sel(bias="symmetric")
    magnets = torkance.sizes["magnet"]
    rows = 1 + bool(magnets)
    drawing, axes = style.figure(rows, 1, height=0.6 + 3.0 * rows, squeeze=False)
    values = dataset["configuration_conductance"].values
    axis = axes[0][0]
    axis.hist(values, bins="auto", color="0.85", edgecolor="0.5", linewidth=0.4)
    axis.axvline(values.mean(), color=style.PALETTE[0], label="mean")
    axis.axvline(float(np.median(values)), color=style.PALETTE[0], linestyle=":", label="median")
    _method_lines(axis, dataset, horizontal=False)
    unit = dataset["configuration_conductance"].attrs["units"]
    axis.set_xlabel(style.axis_label("Conductance", unit))
    axis.set_ylabel("Configurations")
    _legend_above(axis)
    if magnets:
        _torkance_histogram(axes[1][0], dataset, torkance)
    return drawing


def _torkance_histogram(axis: Axes, dataset: xr.Dataset, torkance: xr.DataArray) -> None:
    mean = torkance.mean("configuration")
    largest = np.unravel_index(int(np.argmax(np.abs(mean.values))), mean.shape)
    place = dict(zip(mean.dims, largest, strict=True))
    values = torkance.isel(place).values
    magnet = str(torkance["magnet"].values[place["magnet"]])
    component = str(torkance["component"].values[place["component"]])
    axis.hist(values, bins="auto", color="0.85", edgecolor="0.5", linewidth=0.4)
    axis.axvline(values.mean(), color=style.PALETTE[0], label="mean")
    looks = style.lines(markers=False)
    next(looks)
    at = {"bias": "symmetric", "magnet": magnet, "component": component}
    for method, look in zip(dataset["approach"].values, looks, strict=False):
        if method != "configurations":
            value = float(dataset["approach_torkance"].sel({**at, "approach": method}))
            axis.axvline(value, label=_NAMES[str(method)], **look)
    label = f'Torkance of "{magnet}" along {component}'
    axis.set_xlabel(style.axis_label(label, torkance.attrs["units"]))
    _legend_above(axis)


def _legend_above(axis: Axes) -> None:
    """Inside, with room made above the bars."""
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])
    axis.legend(loc="upper center", ncols=2)
