"""Drawings that several calculations share: the device with its moments, curves, zone maps."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["curves", "draw_stack", "zone_map"]

_MOST_ARROWS = 24
_SHADES = ("#c9dcec", "#f2d3b3", "#cfe3c5", "#e3cde6", "#dddddd")


def _figure_of(axes: Axes) -> Figure:
    """The figure of some axes."""
    return cast("Figure", axes.get_figure())  # nothing here is drawn in a figure within another


def draw_stack(
    axes: Axes,
    moments: ArrayLike,
    magnets: ArrayLike,
    *,
    lead_moments: tuple[ArrayLike | None, ArrayLike | None] = (None, None),
    title: str = "",
) -> None:
    """Draw a stack as a row of layers with the moments as arrows.

    Parameters
    ----------
    axes : matplotlib Axes
    moments : (layers, 3)
        Majority-spin directions; zero in a normal metal.  The x-z part is drawn as an arrow,
        the part along y as a dot (toward the reader) or a cross (away).
    magnets : (layers,) of str
        Name of the magnet of each layer, "" in a normal metal.
    lead_moments : pair of (3,) or None
        Directions in magnetic leads.
    """
    from matplotlib.patches import Rectangle

    moments = np.asarray(moments, float).reshape(-1, 3)
    names = [str(name) for name in np.asarray(magnets)]
    count = len(names)
    reach = max(2.0, 0.12 * count)
    magnetic = dict.fromkeys(name for name in names if name)
    palette = {"": "#f4f4f4"} | dict(zip(magnetic, cycle(_SHADES), strict=False))
    figure = _figure_of(axes)
    inch = figure.get_size_inches()[0] / (count + 2 * reach + 1)
    for begin, end in _runs(names):
        axes.add_patch(
            Rectangle(
                (begin - 0.5, -1),
                end - begin,
                2,
                facecolor=palette[names[begin]],
                edgecolor="0.35",
                linewidth=0.8,
            )
        )
        centre, label = (begin + end - 1) / 2, names[begin] or "N"
        fits = 0.08 * len(label) < (end - begin) * inch
        if label not in ("left lead", "right lead"):
            axes.text(centre, 1.08 if fits else 1.36, label, ha="center", va="bottom", fontsize=9.5)
        axes.text(centre, -1.08, str(end - begin), ha="center", va="top", fontsize=9, color="0.35")
    for side, lead in zip((-1, 1), lead_moments, strict=True):
        edge = -0.5 - reach if side < 0 else count - 0.5
        axes.add_patch(
            Rectangle(
                (edge, -1),
                reach,
                2,
                facecolor="0.8" if lead is None else "#cdb7d6",
                edgecolor="0.35",
                linewidth=0.8,
                hatch="//",
            )
        )
        axes.text(
            edge + reach / 2,
            1.08,
            "left lead" if side < 0 else "right lead",
            ha="center",
            va="bottom",
            fontsize=9.5,
        )
        if lead is not None:
            _arrow(axes, edge + reach / 2, np.asarray(lead, float), 1.0)
    step = max(1, int(np.ceil(count / _MOST_ARROWS)))
    size = 0.75 if count > 1 else 1.0
    for index in range(0, count, step):
        if np.any(moments[index]):
            _arrow(axes, index, moments[index], size * min(step, 2))
    axes.annotate(
        "", (count - 0.5, -1.55), (-0.5, -1.55), arrowprops={"arrowstyle": "->", "color": "0.3"}
    )
    axes.text(
        count / 2 - 0.5,
        -1.66,
        "x: electrons at V > 0; numbers: atomic layers",
        ha="center",
        va="top",
        fontsize=9,
        color="0.3",
    )
    axes.set(xlim=(-0.9 - reach, count - 0.1 + reach), ylim=(-2.1, 1.75), title=title)
    axes.axis("off")


def _runs(names: list[str]) -> list[tuple[int, int]]:
    """Begin and end of each run of equal names."""
    edges = [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]
    return list(zip(edges, [*edges[1:], len(names)], strict=True))


def _arrow(axes: Axes, x: float, moment: Any, width: float) -> None:
    unit = moment / np.linalg.norm(moment)
    along, out, up = unit[0] * 0.45 * width, unit[1], unit[2] * 0.75
    if np.hypot(unit[0], unit[2]) > 0.05:
        axes.annotate(
            "",
            (x + along, up),
            (x - along, -up),
            arrowprops={
                "arrowstyle": "-|>",
                "color": style.PALETTE[1],
                "linewidth": 1.4,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
    if abs(out) > 0.05:
        marker = "o" if out > 0 else "x"
        axes.plot(
            [x],
            [0],
            marker=marker,
            markersize=3 + 4 * abs(out),
            color=style.PALETTE[1],
            fillstyle="none",
            linestyle="none",
        )
        if out > 0:
            axes.plot([x], [0], marker=".", markersize=3, color=style.PALETTE[1])


def curves(
    axes: Axes,
    x: ArrayLike,
    dataset: xr.Dataset,
    names: dict[str, str],
    *,
    ylabel: str = "",
    markers: bool = True,
    **select: Any,
) -> None:
    """Plot variables of one unit against x, with their error bars where they can be seen.

    Parameters
    ----------
    names : dict
        Variable to label.
    select
        Coordinates to select, as for `Dataset.sel`.
    """
    unit, long_name = "", ""
    for (name, label), look in zip(names.items(), style.lines(markers), strict=False):
        data = dataset[name]
        usable = {key: value for key, value in select.items() if key in data.dims}
        values = data.sel(usable)
        unit, long_name = data.attrs.get("units", ""), data.attrs.get("long_name", name)
        axes.plot(x, values, label=label, **look)
        error = f"{name}_error"
        if error in dataset:
            e = dataset[error].sel({k: v for k, v in usable.items() if k in dataset[error].dims})
            style.band(axes, x, values, e, look["color"])
    axes.set_ylabel(style.axis_label(ylabel or long_name, unit))


def zone_map(
    axes: Axes, ky: ArrayLike, kz: ArrayLike, values: ArrayLike, label: str, signed: bool = False
) -> None:
    """Colour map over the two-dimensional zone, momenta in units of pi per cell."""
    values = np.asarray(values, float)
    if signed:
        largest = float(np.nanmax(np.abs(values))) or 1.0
        limits: dict[str, Any] = {"vmin": -largest, "vmax": largest, "cmap": style.DIVERGING}
    else:
        limits = {"vmin": min(0.0, float(np.nanmin(values))), "cmap": style.SEQUENTIAL}
    mesh = axes.pcolormesh(
        np.asarray(ky) / np.pi,
        np.asarray(kz) / np.pi,
        values.T,
        shading="nearest",
        rasterized=True,
        **limits,
    )
    axes.set(xlabel=r"$k_y$ ($\pi$ per cell)", ylabel=r"$k_z$ ($\pi$ per cell)", aspect="equal")
    axes.set(xticks=[-0.5, 0, 0.5], yticks=[-0.5, 0, 0.5])
    axes.grid(False)
    figure = _figure_of(axes)
    figure.colorbar(mesh, ax=axes, label=label, shrink=0.7)
