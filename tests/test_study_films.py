"""Films of walls and macrospins, from small results."""

import io

import numpy as np
import pytest
import xarray as xr
from figure_checks import unreadable
from PIL import Image

from negf_torque.study import style
from negf_torque.study.calculations import _films, _nanopillar_film, _wall_film, domain_wall


@pytest.fixture
def wall():
    cell, time = np.linspace(0, 400, 81), np.linspace(0, 1, 4)
    place = 100 + 200 * time
    x = (cell[None] - place[:, None]) / 20
    profile = np.stack([0 * x, 1 / np.cosh(x), -np.tanh(x)], axis=-1)
    return xr.Dataset(
        {
            "profile": (("chain_time", "cell", "component"), profile),
            "chain_position": ("chain_time", place),
        },
        {"cell": cell, "chain_time": time, "component": list("xyz")},
    )


@pytest.fixture
def pillar():
    time = np.linspace(0, 2, 5)
    m = np.stack([np.cos(time), np.sin(time), 0 * time], axis=-1)[None]
    return xr.Dataset({"magnetisation": (("current", "time", "component"), m)}, {"time": time})


def frames(content):
    return Image.open(io.BytesIO(content)).n_frames


def test_a_frame_for_each_time(wall, pillar):
    assert frames(_wall_film.film(wall)) == 4
    assert frames(_nanopillar_film.film(pillar, 0, "1 mA")) == 5


def test_frames_can_be_read(wall, pillar):
    with style.style():
        for drawing, draw in (
            _wall_film._frame(wall),
            _nanopillar_film._frame(pillar.isel(current=0), "1 mA"),
        ):
            draw(0)
            assert unreadable(drawing) == []


def test_the_profile_moves_with_the_wall(wall):
    with style.style():
        drawing, draw = _wall_film._frame(wall)
    for index in range(4):
        _, _, z, middle, _ = draw(index)
        crossing = np.interp(0, -z.get_ydata(), z.get_xdata())
        np.testing.assert_allclose(crossing, middle.get_xdata()[0], atol=0.5)


def test_the_arrow_is_the_magnetisation(pillar):
    with style.style():
        _, draw = _nanopillar_film._frame(pillar.isel(current=0), "")
    _, side, path, above, _ = draw(3)
    expected = pillar["magnetisation"].values[0, 3]
    np.testing.assert_allclose([side.U[0], side.V[0], above.V[0]], expected[[0, 2, 1]])
    np.testing.assert_allclose(path.get_ydata(), pillar["magnetisation"].values[0, :4, 1])


def test_films_are_made_only_when_asked_for(wall):
    assert domain_wall.animations(wall) == {}
    assert domain_wall.animations(wall.drop_vars("profile"), "gif") == {}
    assert list(domain_wall.animations(wall, "gif")) == ["film_wall.gif"]


def test_bad_forms_are_named(wall, monkeypatch):
    with pytest.raises(ValueError, match="'avi' is no form of a film"):
        _wall_film.film(wall, "avi")
    monkeypatch.setattr("matplotlib.animation.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(ValueError, match="mp4 needs the program ffmpeg"):
        _wall_film.film(wall, "mp4")


def test_many_times_are_thinned():
    chosen = _films.chosen_frames(2001)
    assert chosen[0] == 0 and chosen[-1] == 2000 and len(chosen) == _films.MOST_FRAMES
