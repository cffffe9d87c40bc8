"""What makes a figure unreadable: type too small for a telephone, text cut off or overlapping."""

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

#: Pixels of a telephone's width, and the smallest type that can be read there.
TELEPHONE, SMALLEST = 360, 8.0


def unreadable(figure):
    """One line for every fault that is found; an empty list for a good figure."""
    FigureCanvasAgg(figure)
    figure.canvas.draw()
    texts = _texts(figure)
    pixels = TELEPHONE / 72 / figure.get_size_inches()[0]
    faults = [
        f"{text!r} is {size * pixels:.1f} pixels high on a telephone"
        for text, _, size, _ in texts
        if size * pixels < SMALLEST
    ]
    width, height = figure.bbox.width, figure.bbox.height
    faults += [
        f"{text!r} is cut off"
        for text, box, *_ in texts
        if min(box.x0, box.y0) < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]
    upright = [entry for entry in texts if entry[3] % 90 == 0]  # boxes of others say little
    for (one, a, *_), (other, b, *_) in combinations(upright, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        up = min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > 1.5 and up > 2.5:  # pixels at 100 dpi: boxes have some room around the letters
            faults.append(f"{one!r} and {other!r} overlap")
    return faults


def _texts(figure):
    """Text, box, size in points and turn (degrees) of everything written that can be seen."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            room = 1e-9 * (high - low)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not axes.axison or not low - room <= tick.get_loc() <= high + room:
                    hidden |= {tick.label1, tick.label2}
    renderer = figure.canvas.get_renderer()
    return [
        (
            text.get_text(),
            text.get_window_extent(renderer),
            text.get_fontsize(),
            text.get_rotation(),
        )
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and text not in hidden
    ]
