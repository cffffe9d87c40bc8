"""One look for every figure: readable in greyscale, on a phone and in print."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PALETTE", "axis_label", "figure", "image_bytes", "legend", "lines", "style"]

#: Dark to light, distinct without colour as well; used together with line styles and markers.
PALETTE = ("#1b1b3a", "#b5322a", "#2a7f9e", "#d98a1f", "#6a4c93", "#7a8b3c")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P")
#: Sequential map, monotonic in lightness; diverging map, for signed quantities.
SEQUENTIAL, DIVERGING = "cividis", "PuOr"

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
    "legend.fontsize": 9,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "0.8",
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "figure.dpi": 100,
    "svg.hashsalt": "negf_torque",
    "svg.fonttype": "none",
}


def style() -> AbstractContextManager[None]:
    """Context in which Matplotlib draws in this style; outside nothing changes."""
    import matplotlib

    return matplotlib.rc_context(_SETTINGS)  # type: ignore[arg-type]


def figure(
    rows: int = 1, columns: int = 1, width: float = 6.4, height: float = 4.0, **keywords: Any
) -> tuple[Figure, Any]:
    """A figure and its axes, laid out so that labels do not overlap; no window is opened.

    Parameters
    ----------
    rows, columns : int
    width, height : float
        Inches of the whole figure.
    keywords
        For `Figure.subplots` (sharex, squeeze, height_ratios ...).
    """
    from matplotlib.figure import Figure

    with style():
        canvas = Figure(figsize=(width, height), layout="constrained")
        axes = canvas.subplots(rows, columns, **keywords)
    return canvas, axes


def lines(markers: bool = True) -> Iterator[dict[str, Any]]:
    """Keywords for one curve after the other: colour, dashes and marker change together."""
    for colour, dashes, marker in zip(cycle(PALETTE), cycle(DASHES), cycle(MARKERS), strict=False):
        yield {"color": colour, "linestyle": dashes} | ({"marker": marker} if markers else {})


def axis_label(long_name: str, unit: str) -> str:
    """Label of an axis, with the unit unless the quantity is a pure number.

    Examples
    --------
    >>> axis_label("Conductance", "e^2/h")
    'Conductance ($e^2/h$)'
    >>> axis_label("GMR", "1")
    'GMR'
    """
    pretty = {
        "e^2/h": "$e^2/h$",
        "e^2/h per cell": "$e^2/h$ per cell",
        "e/(4 pi)": r"$e/4\pi$",
        "e/(4 pi) per cell": r"$e/4\pi$ per cell",
        "hbar/2": r"$\hbar/2$",
        "rad": "rad",
        "deg": "degrees",
    }
    return long_name if unit in ("1", "") else f"{long_name} ({pretty.get(unit, unit)})"


def legend(axes: Axes, **keywords: Any) -> None:
    """A legend beside the axes where it cannot cover a curve, or none without labels."""
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    position: dict[str, Any] = {
        "loc": "upper left",
        "bbox_to_anchor": (1.01, 1.0),
        "borderaxespad": 0.0,
    }
    axes.legend(handles, labels, **(position | keywords))


def image_bytes(drawing: Figure, form: str, dpi: int = 150) -> bytes:
    """The figure as a file's content; the same figure gives the same bytes."""
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    with style():
        drawing.savefig(buffer, format=form, dpi=dpi, metadata=metadata[form])
    return buffer.getvalue()
