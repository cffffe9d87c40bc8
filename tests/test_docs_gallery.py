"""Every page of the gallery runs and makes pictures that can be read."""

import runpy
from pathlib import Path

import pytest
from figure_checks import unreadable
from matplotlib.figure import Figure

from negf_torque.study import style

PAGES = sorted((Path(__file__).parents[1] / "docs" / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_page_makes_a_picture(page, monkeypatch):
    monkeypatch.chdir(page.parent)
    names = runpy.run_path(str(page))
    pictures = {name: value for name, value in names.items() if isinstance(value, Figure)}
    assert pictures
    with style.style():
        assert {name: unreadable(picture) for name, picture in pictures.items()} == dict.fromkeys(
            pictures, []
        )
