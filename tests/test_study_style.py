"""The look of figures: what can be told apart without colour, and on a telephone."""

import matplotlib
import numpy as np
from figure_checks import unreadable
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose

from negf_torque.study import style


def lightness(colours):
    """CIE lightness (0 to 100) of sRGB colours (..., 3)."""
    c = np.asarray(colours)[..., :3]
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def test_maps_grow_in_lightness():
    with style.style():
        for name in (style.SEQUENTIAL, style.DIVERGING):
            steps = np.diff(lightness(matplotlib.colormaps[name](np.linspace(0, 1, 33))))
            assert np.all(steps > 0), name


def test_signed_map_is_grey_around_zero():
    with style.style():
        middle = matplotlib.colormaps[style.DIVERGING](0.5)[:3]
    assert np.ptp(middle) < 0.05
    assert 60 < lightness(middle) < 75


def test_the_first_four_curves_differ_without_colour():
    values = lightness([to_rgb(colour) for colour in style.PALETTE[:4]])
    assert np.all(np.diff(values) > 10)
    looks = [next(iter_) for iter_ in [style.lines()] for _ in range(6)]
    assert len({str(look["linestyle"]) for look in looks}) == 6
    assert len({look["marker"] for look in looks}) == 6


def test_bars_differ_without_colour():
    looks = style.bar_looks()
    assert len({next(looks)["hatch"] for _ in range(6)}) == 6


def test_a_plain_figure_is_readable():
    with style.style():
        drawing, (upper, lower) = style.figure(2, 1, sharex=True)
        for axes in (upper, lower):
            axes.plot([-3.25, -1.5], [0.01234, 0.01244], label="a curve of some length")
            axes.set(ylabel="Quantity (unit)", title="What is seen")
        lower.set_xlabel("Energy (eV)")
        style.legend(upper)
        style.shared_legend(drawing, lower)
        assert unreadable(drawing) == []
    assert_allclose(drawing.get_size_inches()[0], style.WIDTH)


def test_faults_are_found():
    with style.style():
        drawing, axes = style.figure(width=12.0)
        axes.text(0.5, 0.5, "one above")
        axes.text(0.5, 0.5, "the other")
        drawing.text(0.99, 0.5, "beyond the edge").set_in_layout(False)
        faults = "\n".join(unreadable(drawing))
    for words in ("pixels high on a telephone", "overlap", "is cut off"):
        assert words in faults


def test_a_band_needs_an_error():
    drawing, axes = style.figure()
    style.band(axes, [0, 1], [1, 2], [np.nan, np.nan], "k")
    assert not axes.collections
    style.band(axes, [0, 1], [1, 2], [0.1, 0.2], "k")
    assert len(axes.collections) == 1
