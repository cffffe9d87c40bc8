"""Figures of a bulk ferromagnet: coefficients against each parameter, maps, parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.calculations._ferromagnet_variables import PARAMETERS, PARTS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures"]



def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for, by name."""
    drawn = {"parts": _parts(dataset)}
    for name in PARAMETERS:
        if f"beta_vs_{name}" in dataset:
            drawn[f"sweep_{name}"] = _sweep(dataset, name)
    if "beta_map" in dataset:
        drawn["map"] = _map(dataset)
    return drawn


def _sweep(dataset: xr.Dataset, name: str) -> Figure:
    """Four panels; dashed lines are the weak-disorder formulas."""
    label, unit = PARAMETERS[name]
    x = dataset[name].values
    canvas, axes = style.figure(4, 1, height=9.4, sharex=True)
    for panel, quantity in zip(axes[:2], ("beta", "alpha"), strict=True):
        curves = style.lines(markers=False)
        panel.plot(x, dataset[f"{quantity}_vs_{name}"], label="self-consistent", **next(curves))
        weak = f"{quantity}_weak_vs_{name}"
        if weak in dataset:
            panel.plot(x, dataset[weak], label="weak disorder", **next(curves))
        symbol = r"$\beta$ (nonadiabaticity)" if quantity == "beta" else r"$\alpha$ (damping)"
        panel.set_ylabel(symbol)
        style.legend(panel, inside=True)
    panel, curves = axes[2], style.lines(markers=False)
    panel.plot(x, dataset[f"polarisation_vs_{name}"], label="$P$", **next(curves))
    ratio = dataset[f"adiabatic_ratio_vs_{name}"]
    panel.plot(x, ratio, label=r"$J_{ad}/[(\sigma_u - \sigma_d)/2e^2]$", **next(curves))
    panel.set_ylabel("Polarisation, adiabatic ratio")
    style.legend(panel, inside=True)
    panel, curves = axes[3], style.lines(markers=False)
    sigma = dataset[f"conductivity_vs_{name}"]
    for spin, text in (("up", "majority"), ("down", "minority")):
        panel.plot(x, sigma.sel(spin=spin), label=text, **next(curves))
    panel.set_ylabel(style.axis_label("Conductivity", dataset["conductivity"].attrs["units"]))
    style.legend(panel, inside=True)
    if _is_logarithmic(x):
        axes[3].set_xscale("log")
    axes[3].set_xlabel(style.axis_label(label, unit.replace("^2", "²")))
    if f"beta_weak_vs_{name}" in dataset:
        canvas.suptitle(
            "Where the curves leave the dashed lines, level\nwidths are no longer small against "
            "the exchange",
            fontsize=10,
        )
    return canvas


def _is_logarithmic(x: np.ndarray) -> bool:
    """Whether the values have equal ratios."""
    return len(x) > 2 and x.min() > 0 and np.allclose(np.diff(np.log(x), 2), 0, atol=1e-6)


def _label(axis: xr.DataArray) -> str:
    return style.axis_label(axis.attrs["long_name"], axis.attrs["units"].replace("^2", "²"))


def _map(dataset: xr.Dataset) -> Figure:
    from matplotlib.colors import LogNorm, Normalize

    canvas, axes = style.figure(2, 1, height=7.2, sharex=True)
    x, y = dataset["map_x"], dataset["map_y"]
    for panel, (name, symbol) in zip(
        axes, (("beta", r"$\beta$"), ("alpha", r"$\alpha$")), strict=True
    ):
        values = dataset[f"{name}_map"].values
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, [1, 99]) if finite.size else (0, 1)
        scale = LogNorm(low, high) if 0 < 5 * low < high else Normalize(low, high)
        image = panel.pcolormesh(
            x, y, values, shading="nearest", cmap=style.SEQUENTIAL, norm=scale, rasterized=True
        )
        ratio = dataset["polarisation_map"].values
        if np.nanmax(ratio) > 0.999 and np.nanmin(ratio) < 0.99:
            panel.contour(x, y, ratio, [0.999], colors="white", linewidths=1, linestyles="--")
        canvas.colorbar(image, ax=panel, label=symbol, extend="both")
        panel.set_ylabel(_label(y))
        if _is_logarithmic(x.values):
            panel.set_xscale("log")
        if _is_logarithmic(y.values):
            panel.set_yscale("log")
        panel.grid(False)
    axes[1].set_xlabel(_label(x))
    canvas.suptitle(
        r"$\beta$ and $\alpha$; white dashes: border of the half-metal ($P$ = 0.999)",
        fontsize=10,
    )
    return canvas


def _parts(dataset: xr.Dataset) -> Figure:
    """Bars: each pair of a colour adds up to the total (line)."""
    names = {
        "beta": r"$\beta$", "damping": "$A$", "spin_renormalisation": r"$\delta S$",
        "adiabatic": r"$J_{ad}$",
    }
    canvas, axes = style.figure(4, 1, height=10.0)
    texts = [p.replace("_", " ") for p in PARTS[1:]]
    pairs = list(zip(range(3), style.bar_looks(), strict=False))
    for panel, (name, symbol) in zip(axes, names.items(), strict=True):
        values = dataset["parts"].sel(quantity=name)
        total = float(values.sel(part="total"))
        scale = total if total else 1.0
        bars = np.array([float(values.sel(part=p)) for p in PARTS[1:]]) / scale
        known = np.isfinite(bars)
        for pair, look in pairs:
            rows = [row for row in (2 * pair, 2 * pair + 1) if known[row]]
            panel.barh(rows, bars[rows], height=0.7, **look)
        panel.axvline(1.0 if total else 0.0, color="0.35", linewidth=1, linestyle="--")
        panel.axvline(0.0, color="0.2", linewidth=0.8)
        panel.set_yticks(np.arange(len(bars)), texts)
        panel.invert_yaxis()
        panel.set_title(f"{symbol} = {total:.4g}")
        panel.set_xlabel("part / total" if total else "part")
    canvas.suptitle(
        "Each coefficient by parts: the two bars of one look add up to the total", fontsize=10
    )
    return canvas
