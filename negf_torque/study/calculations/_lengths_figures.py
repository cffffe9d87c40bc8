"""Figures of the lengths of a disordered conductor: profiles with their fits, and resistance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures"]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Profiles, and the resistance where lengths were varied."""
    found = {"profiles": _profiles(dataset)}
    if "resistance" in dataset:
        found["resistance"] = _resistance(dataset)
    return found


def _profiles(dataset: xr.Dataset) -> Figure:
    """What decays, on a logarithmic scale, relative to its largest value inside the device."""
    drawing, axes = style.figure(height=4.2)
    first, last = dataset.attrs["between"]
    axes.axvspan(first, last, color="0.93", zorder=0, label="fitted")
    curves = {
        "mean_free_path": ("unscattered current", "unscattered_current", "bond"),
        "spin_diffusion_length": ("spin along m", "accumulation_along", "layer"),
        "transverse_decay_length": ("spin across m", "accumulation_across", "layer"),
    }
    looks = style.lines(markers=False)
    for name, (words, variable, along) in curves.items():
        look = next(looks)
        if name not in dataset:
            continue
        x, values = dataset[along].values, np.abs(dataset[variable].values)
        scale = values[1:-1].max()
        axes.semilogy(x, values / scale, label=f"{words}: {_words(dataset, name)}", **look)
        length = float(dataset[name])
        if name == "spin_diffusion_length" or not np.isfinite(length):
            continue  # both ends feed it: no straight line
        inside = (x >= first) & (x <= last)
        middle = np.mean(np.log(values[inside] / scale) + x[inside] / length)
        axes.semilogy(x[inside], np.exp(middle - x[inside] / length), color="0.2", lw=0.8, ls=":")
    axes.set_xlabel("Layer")
    axes.set_ylabel("Relative to the largest value")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], 1e-8), top=2)
    style.legend(axes, inside=True)
    return drawing


def _words(dataset: xr.Dataset, name: str) -> str:
    value, error = float(dataset[name]), float(dataset[f"{name}_error"])
    if not np.isfinite(value):
        return "stays"
    return f"{value:.3g} \u00b1 {error:.1g} layers" if np.isfinite(error) else f"{value:.3g} layers"


def _resistance(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(height=3.6)
    looks = style.lines()
    length, resistance = dataset["length"].values, dataset["resistance"].values
    look: dict[str, Any] = next(looks) | {"linestyle": "none"}
    axes.plot(length, resistance, label="devices", **look)
    slope, contact = (float(dataset[n]) for n in ("resistance_per_layer", "contact_resistance"))
    x = np.array([0.0, length[-1]])
    axes.plot(x, contact + slope * x, color="0.2", lw=1, label="straight line, longer half")
    if "bulk_conductivity" in dataset:
        bulk = 1 / (2 * np.pi * float(dataset["bulk_conductivity"]))
        start = contact + slope * length[-1] - bulk * length[-1]
        axes.plot(x, start + bulk * x, color="0.2", lw=1, ls="--", label="slope of the bulk")
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.set_xlabel("Length (layers)")
    axes.set_ylabel(style.axis_label("Resistance", dataset["resistance"].attrs["units"]))
    style.legend(axes, inside=True)
    return drawing
