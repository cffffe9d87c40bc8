"""Every page of the gallery runs and makes a picture."""

import runpy
from pathlib import Path

import pytest
from matplotlib.figure import Figure

PAGES = sorted((Path(__file__).parents[1] / "docs" / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_page_makes_a_picture(page, monkeypatch):
    monkeypatch.chdir(page.parent)
    names = runpy.run_path(str(page))
    assert any(isinstance(value, Figure) for value in names.values())
