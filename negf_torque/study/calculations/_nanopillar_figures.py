"""Figures of a nanopillar: paths on the sphere, signals, spectra, phases, switching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["figures", "run_label"]

#: Width of a letter, in widths of the phase diagram.
LETTER = 0.023
_AT_REST = 1e-8  # spectral density (1/GHz) below which a run is at rest
_NAMES = {"P": "P", "AP": "AP", "S": "static", "IP": "in plane", "OOP": "out of plane"}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for, by name."""
    drawn = {"sphere": _sphere(dataset), "signal": _signal(dataset)}
    if "phase" in dataset:
        drawn["phases"] = _phases(dataset)
    if "switching_probability" in dataset:
        drawn["switching"] = _switching(dataset)
    if "rectified_voltage" in dataset:
        drawn["resonance"] = _resonance(dataset)
    if "noise_spectrum" in dataset:
        drawn["noise"] = _noise(dataset)
    return drawn


def _noise(dataset: xr.Dataset) -> Figure:
    """Thermal spectrum and the Lorentzian of its strongest line."""
    canvas, axes = style.figure(height=3.6)
    frequency, density = dataset["noise_bin"].values[1:], dataset["noise_spectrum"].values[1:]
    style.band(axes, frequency, density, dataset["noise_spectrum_error"].values[1:], "0.3")
    centre, width = float(dataset["noise_frequency"]), float(dataset["noise_width"])
    axes.semilogy(frequency, density, color=style.PALETTE[0], linewidth=1, label="thermal runs")
    height = float(dataset["noise_power"]) * 2 / (np.pi * width)
    shape = height * (width / 2) ** 2 / ((frequency - centre) ** 2 + (width / 2) ** 2)
    near = np.abs(frequency - centre) < 2 * width
    label = f"{centre:.3f} GHz, width {width:.3g} GHz"
    axes.semilogy(frequency[near], shape[near], color=style.PALETTE[1], linestyle="--", label=label)
    weight = np.cumsum(density) / density.sum()
    axes.set_xlim(0, min(frequency[np.searchsorted(weight, 0.999)] * 1.3, frequency[-1]))
    axes.set_ylim(density.max() * 1e-5, density.max() * 3)
    axes.set(xlabel="Frequency (GHz)", ylabel="Spectral density (1/GHz)")
    style.legend(axes, inside=True)
    return canvas


def _resonance(dataset: xr.Dataset) -> Figure:
    """Rectified voltage against frequency, and its two parts against the field."""
    canvas, (left, right) = style.figure(2, 1, height=6.6)
    looks = style.lines(markers=False)
    for k, field in enumerate(dataset["rf_field"].values):
        one = dataset["rectified_voltage"].isel(rf_field=k) * 1e6
        left.plot(dataset["rf_frequency"], one, label=f"{field / 1e3:g} kA/m", **next(looks))
    left.set(xlabel="Frequency (GHz)", ylabel=r"Rectified voltage ($\mu$V)")
    style.legend(left, inside=True)
    looks = style.lines()
    for name, label in (
        ("voltage_symmetric", "symmetric (in-plane torque)"),
        ("voltage_antisymmetric", "antisymmetric (out of plane)"),
    ):
        right.plot(dataset["rf_field"] / 1e3, dataset[name] * 1e6, label=label, **next(looks))
    right.set(xlabel="Field (kA/m)", ylabel=r"Voltage at resonance ($\mu$V)")
    style.legend(right, inside=True)
    return canvas


def _label(current: float, field: float = 0.0) -> str:
    text = f"{current / 1e11:+.3g}" + r" $\times 10^{11}$ A/m$^2$"
    return text + (f", {field / 1e3:+.3g} kA/m" if field else "")


def run_label(dataset: xr.Dataset, k: int) -> str:
    """Current and field of a run, in words."""
    return _label(float(dataset["current"][k]), float(dataset["run_field"][k]))


def _sphere(dataset: xr.Dataset) -> Figure:
    """Paths seen along y and along z, front side drawn full."""
    count = dataset.sizes["current"]
    canvas, axes = style.figure(count, 2, height=0.4 + 2.9 * count, squeeze=False)
    circle = np.linspace(0, 2 * np.pi, 200)
    fixed = np.array(dataset.attrs["direction"]) / np.linalg.norm(dataset.attrs["direction"])
    views = (((0, 2), 1, -1, "x", "z"), ((0, 1), 2, 1, "x", "y"))
    for column in range(count):
        m = dataset["magnetisation"].isel(current=column).values
        for row, ((a, b), depth, front, horizontal, vertical) in enumerate(views):
            panel = axes[column, row]
            panel.plot(np.cos(circle), np.sin(circle), color="0.75", linewidth=1)
            near = front * m[:, depth] >= 0
            for mask, colour in ((~near, "0.72"), (near, style.PALETTE[2])):
                path = np.where(mask[:, None], m[:, [a, b]], np.nan)
                panel.plot(path[:, 0], path[:, 1], color=colour, linewidth=0.9)
            panel.plot(*m[0, [a, b]], "o", color=style.PALETTE[0], label="start", zorder=4)
            panel.plot(*m[-1, [a, b]], "s", color=style.PALETTE[1], label="end", zorder=4)
            panel.annotate(
                "",
                xytext=(0, 0),
                xy=(fixed[a], fixed[b]),
                arrowprops={"arrowstyle": "->", "color": style.PALETTE[3], "linewidth": 1.6},
            )
            panel.set(aspect="equal", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
            panel.set(xlabel=f"$m_{horizontal}$", ylabel=f"$m_{vertical}$")
            panel.grid(False)
        axes[column, 0].set_title(run_label(dataset, column), loc="left")
    style.shared_legend(canvas, axes[0, 0], 3)
    return canvas


def _signal(dataset: xr.Dataset) -> Figure:
    """cos(theta) against time and, of runs that keep moving, its spectrum."""
    looks = style.lines(markers=False)
    if dataset["spectrum"].values[:, 1:].max() <= _AT_REST:
        canvas, axes = style.figure(height=4.0)
        for k in range(dataset.sizes["current"]):
            cosine = dataset["cosine"].isel(current=k)
            axes.plot(dataset["time"], cosine, label=run_label(dataset, k), **next(looks))
        axes.set(xlabel="Time (ns)", ylabel=r"$\cos\theta$ to the axis")
        style.shared_legend(canvas, axes)
        return canvas
    canvas, (left, right) = style.figure(2, 1, height=6.8)
    frequency = dataset["frequency"].values
    top = frequency[-1]
    for k in range(dataset.sizes["current"]):
        look = next(looks)
        left.plot(dataset["time"], dataset["cosine"].isel(current=k), **look | {"linewidth": 0.9})
        density = dataset["spectrum"].isel(current=k).values
        if density[1:].max() > _AT_REST:
            right.semilogy(frequency[1:], density[1:], label=run_label(dataset, k), **look)
        else:
            right.plot([], [], label=run_label(dataset, k) + ", at rest", **look)
    weight = dataset["spectrum"].values[:, 1:].sum(axis=0)
    if weight.sum() > 0:
        top = frequency[1:][np.searchsorted(np.cumsum(weight) / weight.sum(), 0.9999)] * 1.3
        peak = dataset["spectrum"].values[:, 1:].max()
        right.set_ylim(peak * 1e-8, peak * 3)
    right.set_xlim(0, min(max(top, 5 * frequency[1]), frequency[-1]))
    left.set(xlabel="Time (ns)", ylabel=r"$\cos\theta$ to the axis")
    left.set_xlim(0, float(dataset["time"][-1]))
    right.set(xlabel="Frequency (GHz)", ylabel="Spectral density (1/GHz)")
    style.shared_legend(canvas, right, 1)
    return canvas


def _phases(dataset: xr.Dataset) -> Figure:
    """Phase diagram: end states from both starts, exact limits of the static states."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    from negf_torque.llg.phases import LABELS

    current = dataset["map_current"].values / 1e11
    field = dataset["map_field"].values / 1e3
    sets = [
        [frozenset(dataset["phase"].isel(map_current=i, map_field=j).values.tolist())
         for j in range(len(field))]
        for i in range(len(current))
    ]  # fmt: skip
    kinds = sorted({s for row in sets for s in row}, key=sorted)
    codes = np.array([[kinds.index(s) for s in row] for row in sets])
    import matplotlib

    colours = matplotlib.colormaps[style.SEQUENTIAL](np.linspace(0.15, 1, len(kinds)))
    canvas, axes = style.figure(height=4.8)
    norm = BoundaryNorm(np.arange(len(kinds) + 1) - 0.5, len(kinds))
    mesh = axes.pcolormesh(
        field, current, codes, cmap=ListedColormap(colours), norm=norm, shading="nearest"
    )
    bar = canvas.colorbar(mesh, ax=axes, ticks=np.arange(len(kinds)))
    names = [" / ".join(_NAMES[LABELS[c]] for c in sorted(s)) for s in kinds]
    bar.ax.set_yticklabels(names)
    bar.ax.tick_params(length=0)
    axes.plot(
        dataset["boundary_field"] / 1e3,
        dataset["boundary_current"] / 1e11,
        "o",
        color="white",
        markeredgecolor="black",
        markeredgewidth=0.5,
        markersize=3.5,
        label="boundary, refined",
    )
    for name, dashes in (("P", "-"), ("AP", "--")):
        limit = dataset["static_limit"].sel(start=name).values / 1e11
        jumps = np.flatnonzero(limit[1:] * limit[:-1] < 0) + 1  # another sign: another branch
        limit = np.insert(limit, jumps, np.nan)
        axes.plot(
            np.insert(field, jumps, field[jumps]),
            limit,
            dashes,
            color=style.PALETTE[1],
            label=f"{name} unstable (exact)",
        )
    axes.set(xlabel="Added field (kA/m)", ylabel=r"Current density ($10^{11}$ A/m$^2$)")
    axes.set_ylim(current[0], current[-1])
    axes.grid(False)
    _name_regions(axes, field, current, codes, names)
    style.shared_legend(canvas, axes)
    return canvas


def _name_regions(axes: Axes, x: NDArray, y: NDArray, codes: NDArray, names: list[str]) -> None:
    """The name of each phase written into its largest region, where there is room for it."""
    from scipy import ndimage

    for code, name in enumerate(names):
        regions, count = ndimage.label(codes == code)
        if not count:
            continue
        largest = 1 + int(np.argmax(np.bincount(regions.ravel())[1:]))
        inside = np.pad(regions == largest, 1)
        depth = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
        row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
        across = np.flatnonzero(inside[row + 1]) - 1
        if depth[row, column] >= 2 and len(across) / len(x) > LETTER * len(name):
            place = float(np.mean(x[across]))
            dark = code < len(names) / 2
            axes.text(
                place, y[row], name, color="white" if dark else "black", ha="center", va="center"
            )


def _switching(dataset: xr.Dataset) -> Figure:
    """Probability against time for each pulse, and against the current."""
    canvas, (left, right) = style.figure(2, 1, height=6.4)
    looks = style.lines(markers=False)
    runs = dataset.sizes["run"]
    for k, current in enumerate(dataset["pulse_current"].values):
        times = dataset["switching_time"].isel(pulse_current=k).values
        times = np.sort(times[np.isfinite(times)])
        look = next(looks)
        left.step(
            np.append(0, times),
            np.arange(len(times) + 1) / runs,
            where="post",
            label=_label(float(current)),
            color=look["color"],
            linestyle=look["linestyle"],
        )
    left.set(xlabel="Time (ns)", ylabel="Switched fraction", ylim=(-0.02, 1.02))
    style.legend(left, inside=True)
    right.errorbar(
        dataset["pulse_current"] / 1e11,
        dataset["switching_probability"],
        yerr=dataset["switching_probability_error"],
        fmt="o-",
        color=style.PALETTE[0],
        capsize=3,
    )
    right.set(xlabel=r"Current density ($10^{11}$ A/m$^2$)", ylabel="Switching probability")
    right.set_ylim(-0.02, 1.02)
    return canvas
