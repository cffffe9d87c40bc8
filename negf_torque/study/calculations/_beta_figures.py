"""Figures of kind "beta_three_ways"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures"]

_NAMES = {
    "formula": "formula,\nBorn",
    "coherent formula": "formula,\ncoherent potential",
    "born": "device,\nBorn",
    "coherent-potential": "device,\ncoherent potential",
    "configurations": "configurations",
}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """The values side by side, the way to zero wave number, the torque profile, the samples."""
    return {
        "beta": _values(dataset),
        "wave_numbers": _wave_numbers(dataset),
        "profile": _profile(dataset),
        "convergence": _convergence(dataset),
    }


def _values(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(height=4.0)
    looks = style.lines()
    for x, route in enumerate(dataset["route"].values):
        one, look = dataset.sel(route=route), next(looks)
        axes.errorbar(
            x, float(one["beta"]), float(one["beta_error"]), capsize=5, markersize=7,
            color=look["color"], marker=look["marker"],
        )  # fmt: skip
        axes.annotate(
            f"{float(one['beta']):.4f}", (x, float(one["beta"])), (9, 4),
            textcoords="offset points", fontsize=9.5,
        )  # fmt: skip
    axes.axhline(float(dataset["beta"].sel(route="formula")), color="0.6", linewidth=0.8, zorder=0)
    axes.set_xticks(range(dataset.sizes["route"]))
    axes.set_xticklabels(
        [_NAMES[str(r)] for r in dataset["route"].values], rotation=30, ha="right", fontsize=9.5
    )
    axes.set_xlim(-0.4, dataset.sizes["route"] - 0.1)
    axes.margins(y=0.25)
    axes.set_ylabel(r"Non-adiabaticity $\beta$")
    axes.set_title("One Hamiltonian, one disorder, independent routes")
    return drawing


def _wave_numbers(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(height=5.8)
    x = dataset["wave_number"].values ** 2
    looks = style.lines()
    next(looks)
    for medium, look in zip(dataset["medium"].values, looks, strict=False):
        one = dataset.sel(medium=medium)
        name = _NAMES[str(medium)].replace("\n", " ")
        axes.plot(x, one["device_beta"], label=name, **look)
        value = float(dataset["beta"].sel(route=medium))
        axes.errorbar(
            [0], [value], [float(dataset["beta_error"].sel(route=medium))], capsize=4,
            color=look["color"], marker=look["marker"], fillstyle="none", markersize=8,
        )  # fmt: skip
        axes.plot(
            x, one["device_window_beta"], color=look["color"], linestyle=":",
            marker=look["marker"], fillstyle="none", label=f"{name}, window alone",
        )  # fmt: skip
    for route, marker in (("formula", "*"), ("coherent formula", "P")):
        if route in dataset["route"].values:
            axes.plot(
                [0], [float(dataset["beta"].sel(route=route))], linestyle="none", marker=marker,
                color=style.PALETTE[0], markersize=11, label=_NAMES[route].replace("\n", " "),
            )  # fmt: skip
    axes.set_xlabel(r"$q^2$ (rad$^2$ per layer$^2$)")
    axes.set_ylabel(r"$\beta$ of the spiral")
    style.shared_legend(drawing, axes, 1)
    return drawing


def _profile(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(2, 1, height=5.8, sharex=True)
    looks = style.lines()
    next(looks)
    for medium, look in zip(dataset["medium"].values, looks, strict=False):
        one = dataset.sel(medium=medium)
        name = _NAMES[str(medium)].replace("\n", " ")
        axes[0].plot(dataset["layer"], one["profile_adiabatic"], label=name, **look)
        axes[1].plot(dataset["layer"], one["profile_nonadiabatic"], label=name, **look)
    axes[0].set_ylabel("Adiabatic A")
    axes[1].set_ylabel("Non-adiabatic B")
    axes[0].set_title(style.axis_label("Torkance of a layer of the sampled device", "e/(4 pi)"))
    axes[1].set_xlabel("Layer")
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    style.shared_legend(drawing, axes[0])
    return drawing


def _convergence(dataset: xr.Dataset) -> Figure:
    a, b = dataset["sample_adiabatic"].values, dataset["sample_nonadiabatic"].values
    count = np.arange(1, len(a) + 1)
    mean_a, mean_b = np.cumsum(a) / count, np.cumsum(b) / count
    # the sea's part, known from fewer configurations, as a constant
    whole = float(dataset["sampled_beta"]) * mean_a[-1] - mean_b[-1]
    begin = min(max(len(a) // 50, 8), len(a) - 1)
    n = count[begin:]
    beta = (mean_b[begin:] + whole) / mean_a[begin:]
    error = float(dataset["sampled_beta_error"]) * np.sqrt(len(a) / n)
    drawing, axes = style.figure(height=4.4)
    axes.fill_between(n, beta - error, beta + error, color="0.82", label="standard error")
    axes.plot(n, beta, color=style.PALETTE[0], label="configurations")
    looks = style.lines(markers=False)
    next(looks)
    for medium, look in zip(dataset["medium"].values, looks, strict=False):
        value = float(dataset["same_device_beta"].sel(medium=medium))
        axes.axhline(value, label=_NAMES[str(medium)].replace("\n", " "), **look)
    axes.set_xscale("log")
    style.few_log_ticks(axes.xaxis)
    axes.set_xlabel("Pairs of configurations (q and -q)")
    axes.set_ylabel(r"$\beta$ in the sampled device")
    style.shared_legend(drawing, axes)
    return drawing
