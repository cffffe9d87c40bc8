"""Figures of a quantum chain: spins, probabilities and torques against time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style
from negf_torque.study.calculations._quantum_levels import levels
from negf_torque.study.calculations._quantum_maps import maps

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures", "file_name"]

#: Probabilities drawn in one panel, at most.
MOST_CURVES = 6


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for, by name."""
    drawn: dict[str, Figure] = {}
    if "chain_level" in dataset:
        drawn["levels"] = levels(dataset)
    for name in dataset["injection"].values:
        one, suffix = dataset.sel(injection=name), file_name(str(name))
        drawn[f"spins_{suffix}"] = _spins(one, str(name))
        if "macrospin_spin" in dataset:
            drawn[f"macrospin_{suffix}"] = _macrospin(one, str(name))
        if "density" in dataset:
            drawn[f"maps_{suffix}"] = maps(one, str(name))
        drawn[f"torque_{suffix}"] = _torque(one, str(name))
    return drawn


def file_name(name: str) -> str:
    """A direction as part of a file name.

    Examples
    --------
    >>> file_name("-z"), file_name("(0.6, 0, -0.8)")
    ('minus_z', '0.6_0_m0.8')
    """
    plain = {"+": "plus_", "-": "minus_", "(": "", ")": "", ",": "", " ": "_"}
    if len(name) > 2:
        plain |= {"-": "m"}
    return "".join(plain.get(letter, letter) for letter in name)


def _arrows(label: str) -> str:
    """A configuration's name with arrows for up and down spins."""
    inside = label.strip("|>").replace("up", "\u2191").replace("down", "\u2193")
    electron, _, spins = inside.partition("; ")
    if "*" not in spins and "/" not in spins and not any(c.isdigit() for c in spins):
        spins = spins.replace(" ", "")
    return f"|{electron}; {spins}\u27e9"


def _time_panels(one: xr.Dataset, rows: int, height: float, heading: str):
    """Panels above each other with one axis of time."""
    drawing, axes = style.figure(rows, 1, height=height, sharex=True)
    drawing.suptitle(heading)
    axes[-1].set_xlabel("Time (fs)")
    axes[-1].set_xlim(float(one["time"][0]), float(one["time"][-1]))
    return drawing, axes


def _components(axes: Axes, one: xr.Dataset, vectors: xr.DataArray, symbol: str) -> None:
    """x, y and z of a spin against time."""
    for component, look in zip("xyz", style.lines(markers=False), strict=False):
        axes.plot(
            one["time"], vectors.sel(component=component), label=f"${symbol}_{component}$", **look
        )
    style.legend(axes)


def _probabilities(axes: Axes, one: xr.Dataset, name: str, dimension: str) -> None:
    """The most populated configurations, on two scales: the initial ones are near 1 or 1/2."""
    data = one[name]
    order = np.argsort(-data.max("time").values, kind="stable")
    keep = [i for i in order if float(data.isel({dimension: i}).max()) > 1e-6][:MOST_CURVES]
    for i, look in zip(keep, style.lines(markers=False), strict=False):
        label = _arrows(str(one[dimension].values[i]))
        axes.plot(one["time"], data.isel({dimension: i}), label=label, **look)
    axes.set_yscale("symlog", linthresh=0.05, linscale=1.4)
    axes.set_ylim(0, 1.3)
    ticks = [0, 0.02, 0.05, 0.1, 0.3, 1]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylabel("Probability")
    style.legend(axes)


def _title(axes: Axes, letter: str, text: str) -> None:
    axes.set_title(f"({letter}) {text}", loc="left")


def _spins(one: xr.Dataset, name: str) -> Figure:
    """Panels (a)-(d) as in the paper's Figs. 3 and 4; (e) and (f) are what it does not show."""
    drawing, axes = _time_panels(one, 6, 11.2, f"Electron injected along {name}")
    _title(axes[0], "a", "Electron spin")
    _components(axes[0], one, one["electron_spin"], "s")
    axes[0].set_ylabel(r"$\langle\sigma\rangle$ ($\hbar/2$)")
    _title(axes[1], "b", "Purity")
    _purities(axes[1], one)
    _title(axes[2], "c", "First local spin")
    _components(axes[2], one, one["local_spin"].isel(spin=0), "S")
    axes[2].set_ylabel(r"$\langle 2S\rangle$ ($\hbar/2$)")
    _title(axes[3], "d", "Spin configurations |electron; local spins\u27e9")
    _probabilities(axes[3], one, "probability", "configuration")
    _title(axes[4], "e", "Where the electron is")
    _regions(axes[4], one)
    _title(axes[5], "f", "Local spins: quantum and classical")
    _quantum_and_classical(drawing, axes[5], one)
    return drawing


def _purities(axes: Axes, one: xr.Dataset) -> None:
    looks = style.lines(markers=False)
    curves = {
        "electron,\nall local spins": one["purity"],
        "its spin alone": one["electron_spin_purity"],
        "first local spin": one["local_spin_purity"].isel(spin=0),
    }
    for (label, data), look in zip(curves.items(), looks, strict=False):
        if np.any(np.isfinite(data)):
            axes.plot(one["time"], data, label=label, **look)
    axes.set_ylabel(r"Tr $\rho^2$")
    style.legend(axes)


def _regions(axes: Axes, one: xr.Dataset) -> None:
    looks = style.lines(markers=False)
    names = {"left": "left of it", "magnet": "in the magnet", "right": "right of it"}
    for region, text in names.items():
        for electron, arrow in (("up", "\u2191"), ("down", "\u2193")):
            data = one["region_probability"].sel(region=region, electron=electron)
            if float(data.max()) > 1e-9:
                axes.plot(one["time"], data, label=f"{text} {arrow}", **next(looks))
    _mark_walls(axes, one)
    axes.set_ylabel("Probability")
    style.legend(axes)


def _mark_walls(axes: Axes, one: xr.Dataset) -> None:
    """A line where 1 % of the packet has reached the right wall."""
    late = np.flatnonzero(one["wall_weight"].sel(wall="right").values > 0.01)
    if late.size:
        when = float(one["time"][late[0]])
        axes.axvline(when, color="0.55", linewidth=1.0, label="1 % at right wall")


def _quantum_and_classical(drawing: Figure, axes: Axes, one: xr.Dataset) -> None:
    """How much shorter the first spin is than 2S, and how far it has turned, in both pictures."""
    looks = style.lines(markers=False)
    quantum = one["local_spin"].isel(spin=0)
    pictures = {"quantum": quantum}
    if "classical_local_spin" in one:
        pictures["classical"] = one["classical_local_spin"].isel(spin=0)
    lines = []
    for label, vector in pictures.items():
        length = np.linalg.norm(vector.values, axis=-1)
        lines += axes.plot(
            one["time"], length[0] - length, label=f"shortening, {label}", **next(looks)
        )
    turned = axes.twinx()
    turned.grid(False)
    for label, vector in pictures.items():
        lines += turned.plot(
            one["time"], np.degrees(_turned(vector.values)), label=f"turned, {label}", **next(looks)
        )
    largest = turned.get_ylim()[1]
    turned.set_ylim(-0.05 * max(largest, 1.0), max(1.05 * largest, 1.0))
    axes.set_ylabel(r"$|S(0)| - |S|$ ($\hbar/2$)")
    turned.set_ylabel("Turned (degrees)")
    labels = [str(line.get_label()) for line in lines]
    drawing.legend(lines, labels, loc="outside lower center", ncols=2)


def _turned(vectors: np.ndarray) -> np.ndarray:
    """Angle (radians) of each vector (time, 3) from the first, exact for small angles."""
    cross = np.linalg.norm(np.cross(vectors[0], vectors), axis=-1)
    return np.arctan2(cross, vectors @ vectors[0])


def _macrospin(one: xr.Dataset, name: str) -> Figure:
    """Panels (a)-(d) of the paper's Figs. 5 and 6."""
    heading = f"One macrospin of the same size; electron along {name}"
    drawing, axes = _time_panels(one, 4, 8.0, heading)
    _title(axes[0], "a", "Electron spin")
    _components(axes[0], one, one["macrospin_electron_spin"], "s")
    axes[0].set_ylabel(r"$\langle\sigma\rangle$ ($\hbar/2$)")
    _title(axes[1], "b", "Purity")
    axes[1].plot(
        one["time"],
        one["macrospin_purity"],
        label="electron,\nmacrospin",
        **next(style.lines(markers=False)),
    )
    axes[1].set_ylabel(r"Tr $\rho^2$")
    style.legend(axes[1])
    _title(axes[2], "c", "Macrospin")
    _components(axes[2], one, one["macrospin_spin"], "S")
    axes[2].set_ylabel(r"$\langle 2S\rangle$ ($\hbar/2$)")
    _title(axes[3], "d", "Spin configurations |electron; $S_z$\u27e9")
    _probabilities(axes[3], one, "macrospin_probability", "macrospin_configuration")
    return drawing


def _torque(one: xr.Dataset, name: str) -> Figure:
    """Torque on all local spins, quantum and mean-field, and the spin current into the magnet."""
    drawing, axes = _time_panels(one, 2, 6.4, f"Electron injected along {name}")
    looks = style.lines(markers=False)
    for source, label in (("torque", "quantum"), ("mean_field_torque", "mean-field")):
        total = one[source].sum("spin")
        for component in "xyz":
            data = total.sel(component=component)
            if float(abs(data).max()) > 1e-12 or component == "z":
                axes[0].plot(one["time"], 1e3 * data, label=f"{label} ${component}$", **next(looks))
    axes[0].set_ylabel(r"Torque ($10^{-3}\,\hbar/2$ per fs)")
    axes[0].set_title("Torque on all local spins together")
    style.legend(axes[0])
    looks = style.lines(markers=False)
    for n in range(min(one.sizes["spin"], 5)):
        data = one["torque"].isel(spin=n).sel(component="z")
        axes[1].plot(one["time"], 1e3 * data, label=f"local spin {n}", **next(looks))
    axes[1].set_ylabel(r"Torque ($10^{-3}\,\hbar/2$ per fs)")
    more = ", first five" if one.sizes["spin"] > 5 else ""
    axes[1].set_title(f"Torque along $z$ on each local spin{more}")
    style.legend(axes[1])
    return drawing
