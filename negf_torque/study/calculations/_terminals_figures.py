"""Figures of kind "terminals": maps of currents and accumulation, torque against angle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["figures"]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures of the result, by name."""
    drawn = {}
    if dataset.sizes["direction"] >= 2:
        drawn["charge_map"] = _charge_map(dataset)
        drawn["spin_map"] = _spin_map(dataset)
    if dataset.sizes["angle"] > 1:
        drawn["torque_by_angle"] = _by_angle(dataset)
    drawn["terminals"] = _terminals(dataset)
    return drawn


def _shown(dataset: xr.Dataset) -> tuple[xr.Dataset, str]:
    one = dataset.isel(angle=int(dataset.attrs["shown"]))
    degrees = np.degrees(float(one["angle"]))
    return one, f" at {degrees:g} degrees" if dataset.sizes["angle"] > 1 else ""


def _charge_map(dataset: xr.Dataset) -> Figure:
    one, where = _shown(dataset)
    drawing, axes = style.figure(height=_height(one))
    complete = "potential" in one
    colour = one["potential"] if complete else one["accumulation"].sel(flow="charge")
    label = "Potential ($h/e^2$)" if complete else "Particles per current"
    _cells(axes, one, colour.values, label, signed=False)
    _arrows(axes, one, "charge", "black")
    axes.set_title(f"Charge current per injected current{where}")
    return drawing


def _spin_map(dataset: xr.Dataset) -> Figure:
    """The component along the injecting magnet's spin."""
    one, where = _shown(dataset)
    component = _polarisation(one)
    drawing, axes = style.figure(height=_height(one))
    _cells(
        axes,
        one,
        one["accumulation"].sel(flow=component).values,
        rf"$\langle\sigma_{component}\rangle$ per current ($h/e^2$ eV)",
        signed=True,
    )
    _arrows(axes, one, component, "black")
    axes.set_title(f"Spin current ({component}) and spin accumulation{where}")
    return drawing


def _polarisation(one: xr.Dataset) -> str:
    """The component of the spin that flows most."""
    spin = one["spin_current"]
    if one.attrs["fixed"]:
        moment = one["moment"].values[one["site_magnet"].values == one.attrs["fixed"]]
        return "xyz"[int(np.argmax(np.abs(moment[0])))]
    return "xyz"[int(np.argmax(np.abs(spin.values).max(axis=0)))]


def _height(one: xr.Dataset) -> float:
    extent = np.ptp(one["position"].values[:, :2], axis=0) + 2
    return float(np.clip(5.0 * extent[1] / extent[0] + 1.7, 2.8, 9.0))


def _spacing(position: NDArray) -> float:
    """Distance of the nearest neighbours."""
    steps = np.linalg.norm(position[1:] - position[:-1], axis=1)
    return float(steps[steps > 1e-9].min())


def _cells(axes: Axes, one: xr.Dataset, values: NDArray, label: str, signed: bool) -> None:
    """A square for every site, coloured; magnets framed, with the direction of their spins."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    position = one["position"].values[:, :2]
    size = _spacing(position)
    squares = [Rectangle((x - size / 2, y - size / 2), size, size) for x, y in position]
    collection = PatchCollection(
        squares, cmap=style.DIVERGING if signed else style.SEQUENTIAL, linewidth=0,
        alpha=1.0 if signed else 0.6,  # dark arrows on dark squares could not be seen
    )
    collection.set_array(values)
    if signed:
        # a few sites in the contacts would hide what the wire shows
        limit = float(np.quantile(np.abs(values), 0.97)) or 1.0
        collection.set_clim(-limit, limit)
    axes.add_collection(collection)
    axes.grid(visible=False)
    drawing = axes.get_figure()
    assert drawing is not None  # `style.figure` has made it
    drawing.colorbar(collection, ax=axes, label=label, location="bottom", aspect=40,
                     extend="both" if signed else "neither")
    for name in dict.fromkeys(one["site_magnet"].values):
        if name:
            _frame(axes, one, str(name), size)
    axes.set_aspect("equal")
    low, high = position.min(axis=0) - 0.8 * size, position.max(axis=0) + 0.8 * size
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x (sites)", ylabel="y (sites)")


def _frame(axes: Axes, one: xr.Dataset, name: str, size: float) -> None:
    from matplotlib.patches import Rectangle

    here = one["site_magnet"].values == name
    position = one["position"].values[here, :2]
    low, high = position.min(axis=0) - size / 2, position.max(axis=0) + size / 2
    axes.add_patch(
        Rectangle(low, *(high - low), fill=False, edgecolor=style.PALETTE[1], linewidth=1.8)
    )
    spin = one["moment"].values[here].mean(axis=0)
    text = ", ".join(f"{value:.2g}" for value in np.round(spin, 3) + 0.0)
    on_left = low[0] + high[0] > np.ptp(one["position"].values[:, 0])  # where there is room
    axes.annotate(
        f"{name}\nspin ({text})",
        (low[0] if on_left else high[0], high[1]),
        xytext=(-6 if on_left else 6, -2),
        textcoords="offset points",
        ha="right" if on_left else "left",
        va="top",
        fontsize=9,
    )


def _arrows(axes: Axes, one: xr.Dataset, flow: str, colour: str) -> None:
    position = one["position"].values[:, :2]
    arrows = one["current_density"].sel(flow=flow).values[:, :2]
    size = np.hypot(*arrows.T)
    largest = size.max()
    if largest == 0:
        return
    every = size > 0.01 * largest
    # lengths grow like the root of the current, or only the contacts would show any
    shown = arrows[every] / np.sqrt(size[every, None] * largest)
    axes.quiver(
        *position[every].T, *shown.T, color=colour, pivot="mid", angles="xy", scale_units="xy",
        scale=1.05 / _spacing(position), width=0.0045, headwidth=4, edgecolor="white",
        linewidth=0.4,
    )


def _by_angle(dataset: xr.Dataset) -> Figure:
    free = dataset.attrs["free"]
    degrees = np.degrees(dataset["angle"].values)
    probed = "nonlocal_resistance" in dataset
    drawing, axes = style.figure(
        1 + probed, 1, height=6.2 if probed else 3.6, sharex=True, squeeze=False
    )
    upper = axes[0, 0]
    one = dataset.sel(magnet=free)
    looks = style.lines()
    complete = dataset.attrs["response"] == "complete"
    curves = [("torque_in_plane", "in plane"), ("torque_out_of_plane", "out of plane")]
    if complete:
        curves.append(("window_torque_out_of_plane", "out of plane, window part"))
    for name, label in curves:
        upper.plot(degrees, one[name], label=label, **next(looks))
    upper.set_ylabel(r"Torque per current ($\hbar/2e$)")
    upper.set_title(f"Torque on {free!s} per current through {dataset.attrs['source']}")
    style.legend(upper, inside=True)
    style.zero_line(upper)
    if probed:
        lower = axes[1, 0]
        lower.plot(degrees, dataset["nonlocal_resistance"], **next(style.lines()))
        lower.set_ylabel("Nonlocal resistance ($h/e^2$)")
        lower.set_title(f"Voltage {dataset.attrs['probes']} per injected current")
    axes[-1, 0].set_xlabel("Angle between the spins of the magnets (degrees)")
    axes[-1, 0].set_xticks(np.arange(0, 181, 30))
    return drawing


def _terminals(dataset: xr.Dataset) -> Figure:
    """Charge and spin at every terminal."""
    one, where = _shown(dataset)
    names = [str(name) for name in one["terminal"].values]
    drawing, (charge, spin) = style.figure(2, 1, height=5.8)
    place = np.arange(len(names))
    charge.bar(place, one["current"], width=0.6, color=style.PALETTE[0])
    charge.set_title(f"Charge current{where}")
    charge.set_ylabel("Into the device\nper injected current")
    for number, (component, look) in enumerate(zip("xyz", style.bar_looks(), strict=False)):
        spin.bar(
            place + 0.27 * (number - 1),
            one["spin_current"].sel(component=component),
            width=0.26,
            label=component,
            **look,
        )
    spin.set_title(f"Spin current{where}")
    spin.set_ylabel("Into the device\n"r"per injected current ($\hbar/2e$)")
    style.legend(spin, title="spin")
    for axes in (charge, spin):
        axes.axhline(0, color="0.3", linewidth=0.8)
        axes.set_xticks(place, names)
    return drawing
