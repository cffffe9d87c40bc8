"""One look for every figure: readable in greyscale, on a phone and in print.

Every figure is `WIDTH` inches wide and grows in height, so that type of 9 points is 8 pixels high
on a telephone's 360 and an image on a page is never scaled to different sizes of type.  Panels that
share an axis stand above each other.
"""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from itertools import cycle
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

__all__ = [
    "PALETTE",
    "WIDTH",
    "axis_label",
    "band",
    "bar_looks",
    "beneath",
    "few_log_ticks",
    "figure",
    "image_bytes",
    "legend",
    "lines",
    "shared_legend",
    "style",
    "zero_line",
]

#: Inches; see the module's docstring.
WIDTH = 5.6
#: The first four from dark to light: distinct without colour, with line styles and markers besides.
PALETTE = ("#1b1b3a", "#b5322a", "#3a94b5", "#e0a030", "#5b3f86", "#7a8b3c")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P")
HATCHES = ("", "///", "...", "xx", "++", "\\\\\\")
#: Maps for positive and for signed quantities.  Both grow monotonically in lightness: without
#: colour a signed map is dark where negative, grey around zero and light where positive.
SEQUENTIAL, DIVERGING = "cividis", "negf_signed"
_SIGNED = ("#26145c", "#5f59a8", "#a3a09d", "#eab457", "#fff5c2")

_SETTINGS: dict[str, Any] = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.88",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "hatch.linewidth": 0.7,
    "legend.fontsize": 9.5,
    "legend.handlelength": 2.6,
    "legend.borderpad": 0.35,
    "legend.labelspacing": 0.35,
    "legend.columnspacing": 1.2,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "0.8",
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "figure.dpi": 100,
    "axes.formatter.limits": (-3, 5),
    "axes.formatter.use_mathtext": True,
    "svg.hashsalt": "negf_torque",
    "svg.fonttype": "none",
}


def style() -> AbstractContextManager[None]:
    """Context in which Matplotlib draws in this style; outside nothing changes."""
    import matplotlib

    if DIVERGING not in matplotlib.colormaps:
        from matplotlib.colors import LinearSegmentedColormap

        matplotlib.colormaps.register(LinearSegmentedColormap.from_list(DIVERGING, _SIGNED))
    # the stubs of Matplotlib list every key; that they exist is seen where they are set
    return matplotlib.rc_context(cast("Any", _SETTINGS))


def figure(
    rows: int = 1,
    columns: int = 1,
    width: float = WIDTH,
    height: float | None = None,
    **keywords: Any,
) -> tuple[Figure, Any]:
    """A figure and its axes, laid out so that labels do not overlap; no window is opened.

    Parameters
    ----------
    rows, columns : int
    width, height : float
        Inches of the whole figure; by default the height suits plain panels.
    keywords
        For `Figure.subplots` (sharex, squeeze, height_ratios ...).
    """
    from matplotlib.figure import Figure

    if height is None:
        height = 1.0 + 2.3 * rows
    with style():
        canvas = Figure(figsize=(width, height), layout="constrained")
        axes = canvas.subplots(rows, columns, **keywords)
        for axis in canvas.axes:  # numbers of five letters fit side by side
            axis.locator_params(axis="x", nbins=6 if columns == 1 else 4)
    return canvas, axes


def lines(markers: bool = True) -> Iterator[dict[str, Any]]:
    """Keywords for one curve after the other: colour, dashes and marker change together."""
    for colour, dashes, marker in zip(cycle(PALETTE), cycle(DASHES), cycle(MARKERS), strict=False):
        yield {"color": colour, "linestyle": dashes} | ({"marker": marker} if markers else {})


def bar_looks(edge: str = "white") -> Iterator[dict[str, Any]]:
    """Keywords for one set of bars after the other: colour and hatching change together."""
    for colour, hatch in zip(cycle(PALETTE[1:]), cycle(HATCHES), strict=False):
        yield {"color": colour, "hatch": hatch, "edgecolor": edge, "linewidth": 0.4}


def beneath(look: dict[str, Any]) -> dict[str, Any]:
    """A curve's keywords, broad and pale: curves that coincide with it are seen on top."""
    return look | {"linewidth": 5.0, "alpha": 0.3, "zorder": 1.5, "marker": ""}


def band(axes: Axes, x: ArrayLike, values: ArrayLike, error: ArrayLike, colour: str) -> None:
    """A band of plus and minus the error around a curve; nothing where no error is known."""
    middle, width = np.asarray(values, float), np.asarray(error, float)
    if np.isfinite(width).any():
        axes.fill_between(x, middle - width, middle + width, color=colour, alpha=0.25, lw=0)


def few_log_ticks(axis: Axis) -> None:
    """Numbers at 1, 2 and 5 times the powers of ten: for a logarithmic axis of few decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def zero_line(axes: Axes) -> None:
    """A thin line where the quantity changes sign."""
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=0)


def axis_label(long_name: str, unit: str) -> str:
    """Label of an axis, with the unit unless the quantity is a pure number.

    Examples
    --------
    >>> axis_label("Conductance", "e^2/h")
    'Conductance ($e^2/h$)'
    >>> axis_label("GMR", "1")
    'GMR'
    """
    if unit in ("1", ""):
        return long_name
    pretty = {
        "e^2/h": "$e^2/h$",
        "eV/(4 pi)": r"eV/$4\pi$",
        "e/(4 pi)": r"$e/4\pi$",
        "hbar/2": r"$\hbar/2$",
        "hbar": r"$\hbar$",
        "e/h eV": r"$e/h$ eV",
        "deg": "degrees",
    }
    quantity, _, of = unit.partition(" per ")
    quantity = pretty.get(quantity, quantity)
    return f"{long_name} ({quantity} per {of})" if of else f"{long_name} ({quantity})"


def legend(axes: Axes, inside: bool = False, **keywords: Any) -> None:
    """A legend beside the axes where it cannot cover a curve, or none without labels.

    Parameters
    ----------
    axes : matplotlib Axes
    inside : bool
        Within the axes, where most room is left.
    keywords
        For `Axes.legend`.
    """
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    position: dict[str, Any] = {
        "loc": "upper left",
        "bbox_to_anchor": (1.01, 1.0),
        "borderaxespad": 0.0,
    }
    if inside:
        position = {"loc": "best"}
    axes.legend(handles, labels, **(position | keywords))


def shared_legend(drawing: Figure, axes: Axes, columns: int = 2, **keywords: Any) -> None:
    """The legend of one panel, below all panels of the figure for which it holds."""
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": min(columns, len(labels))}
        drawing.legend(handles, labels, **(place | keywords))


def image_bytes(drawing: Figure, form: str, dpi: int = 150) -> bytes:
    """The figure as a file's content; the same figure gives the same bytes."""
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    with style():
        drawing.savefig(buffer, format=form, dpi=dpi, metadata=metadata[form])
    return buffer.getvalue()
