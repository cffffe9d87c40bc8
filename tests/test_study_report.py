"""The page about a result, the comparison of two, the forecast of a card."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from study_helpers import PROBE, TOP, command, know_probe

from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.base import Progress
from negf_torque.study.differences import differences
from negf_torque.study.errors import StoreError
from negf_torque.study.forecast import forecast, words_of
from negf_torque.study.report import report
from negf_torque.study.worker import evaluate

HOSTILE = '</pre><script>alert(1)</script><img src=x onerror=alert(2)> & "quotes"'
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(autouse=True)
def probe(monkeypatch):
    know_probe(monkeypatch)


def finished(directory, text=PROBE):
    return run.execute(cards.parse(text, directory / "probe.toml"), directory, executor="serial")


class Page(HTMLParser):
    """Elements, links and text of a page; unclosed elements are an error."""

    VOID = ("meta", "img", "br", "hr")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.words = [], [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_the_page_holds_everything_and_loads_nothing(tmp_path):
    outcome = finished(tmp_path, PROBE + "seed = 7\n")
    page = Page(report(tmp_path))
    assert "script" not in page.tags and "link" not in page.tags and "iframe" not in page.tags
    assert len(page.links) == 1 and page.links[0].startswith("data:image/svg+xml;base64,")
    for words in (
        "probe: probe",
        "every tolerance reached",
        "± 1.0e-09",  # errors beside numbers
        "Waves",  # the calculation's own table
        "Amplitude. unit flux",  # conventions
        "New J. Phys. 16, 063065",  # how to cite
        'kind = "probe"',  # the card with defaults
        "calculation.seed",
        outcome.summary["card_hash"],
        outcome.summary["libraries"]["numpy"],
    ):
        assert words in page.words, words
    # readable on a phone and in print
    text = report(tmp_path)
    assert 'name="viewport"' in text and "@media print" in text and "default-src 'none'" in text
    assert text == report(tmp_path)


def test_texts_from_cards_are_escaped(tmp_path):
    warning = HOSTILE.replace('"', "'")
    finished(tmp_path, PROBE + f'converges = false\nwarning = "{warning}"\n')
    page = Page(report(tmp_path))
    assert "script" not in page.tags and page.tags.count("img") == 1
    assert page.words.count(warning) >= 2  # as a warning and in the card
    assert "not converged" in page.words


def test_the_page_of_a_sweep(tmp_path):
    finished(tmp_path, PROBE + "points = [2, 3, 4]\n")
    page = Page(report(tmp_path))
    assert "Points: 3 done" in page.words and "calculation.points" not in page.links


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("width", [360, 1280])
def test_chromium_shows_the_page_without_overflow(tmp_path, width):
    warning = HOSTILE.replace('"', "'")
    finished(tmp_path / "r", PROBE + f'warning = "{warning}"\npoints = 20\n')
    text = report(tmp_path / "r")
    # the page itself forbids scripts: the copy that measures allows one
    measuring = (
        "<script>document.title = [document.documentElement.scrollWidth, window.innerWidth, "
        "[...document.images].filter(i => i.naturalWidth > 0).length].join(' ')</script></body>"
    )
    copy = text.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';")
    (tmp_path / "page.html").write_text(copy.replace("</body>", measuring))
    (tmp_path / "real.html").write_text(text)
    options = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--window-size={width},900",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]  # fmt: skip
    dump = subprocess.run(
        [*options, "--virtual-time-budget=2000", "--dump-dom", str(tmp_path / "page.html")],
        capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    title = re.search(r"<title>(\d+) (\d+) (\d+)</title>", dump.stdout)
    assert title, dump.stderr[-2000:]
    content, window, images = map(int, title.groups())
    assert images == 1 and content <= max(window, 500)  # headless windows are 500 wide at least
    printed = tmp_path / "page.pdf"
    subprocess.run(
        [*options, f"--print-to-pdf={printed}", str(tmp_path / "real.html")],
        capture_output=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert printed.read_bytes().startswith(b"%PDF")


def test_the_commands_report_and_diff(tmp_path):
    (tmp_path / "probe.toml").write_text(PROBE)
    assert command("run", "probe.toml", "-o", "a", cwd=tmp_path).returncode == 0
    done = command("report", "a", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "a/report.html\n"
    assert (tmp_path / "a/report.html").read_text().startswith("<!DOCTYPE html>")
    same = command("diff", "a", "a", cwd=tmp_path)
    assert (same.returncode, same.stdout) == (0, "The results do not differ.\n")
    assert command("report", "b", cwd=tmp_path).returncode == 2


def test_differences_name_key_number_and_variable(tmp_path):
    finished(tmp_path / "a")
    finished(tmp_path / "b")
    finished(tmp_path / "c", PROBE + "points = 3\nseed = 2\n")
    finished(tmp_path / "d", PROBE + "points = 4\n")
    assert differences(tmp_path / "a", tmp_path / "b") == []
    found = {one.title: one.rows for one in differences(tmp_path / "a", tmp_path / "c")}
    assert found["Cards"] == (("calculation.seed", "0", "2"),)
    assert [row[0] for row in found["Numbers"]] == ["wave"]
    assert {row[0] for row in found["Variables"]} == {"wave"}
    found = {one.title: one.rows for one in differences(tmp_path / "a", tmp_path / "d")}
    assert ("wave", "(x: 3) and (x: 4)", "") in found["Variables"]
    with pytest.raises(StoreError, match="there is no directory"):
        differences(tmp_path / "a", tmp_path / "none")


def within_a_factor_of_two(predicted, real):
    return real / 2 <= predicted <= 2 * real


def test_a_forecast_of_a_card_that_is_run_as_it_is():
    found = forecast(cards.parse(PROBE + "seconds = 0.6\npoints = 8\n"), 60)
    assert found.exact and within_a_factor_of_two(found.seconds, 0.6)
    swept = forecast(cards.parse(PROBE + "busy = {linspace = [0.2, 0.6, 101]}\n"), 60)
    assert swept.items == 101 and within_a_factor_of_two(swept.processor, 0.4)
    assert any("101 points" in line for line in words_of(swept, 2))


def test_a_forecast_of_an_ensemble_tries_a_block_and_the_rest():
    text = """
[system]
builder = "stack"
cross_section = "chain"
[[system.layers]]
thickness = 3
[[impurities]]
kind = "nonmagnetic"
strength = 0.4
[disorder]
compare = ["configurations"]
configurations = 1_000_000
[calculation]
kind = "torque"
energy = -0.7
"""
    found = forecast(cards.parse(text), 60)
    assert found.items == 15_626 and found.what == "pieces"
    # a block of 64 chains takes milliseconds, all of them at once would not have ended
    assert 1e-4 < found.processor < 0.5 and found.free <= 1.01 * found.seconds
    assert "15626 pieces" in words_of(found, 2)[0]


def test_a_forecast_from_smaller_cards_names_what_dominates(monkeypatch):
    """A card that would compute for 8 s, cubic in one of its numbers, is not run as it is."""
    from negf_torque.study import trials

    card = cards.parse(PROBE + "points = 64\ncubic = 3.05e-5\n")  # 8 s at 64 points
    monkeypatch.setattr(trials, "SHORT", 1.0)
    found = forecast(card, 6)
    assert not found.exact
    assert within_a_factor_of_two(found.processor, 8)
    assert list(found.powers) == ["calculation.points"]
    assert found.powers["calculation.points"] == pytest.approx(3, abs=0.5)
    assert "Dominated by calculation.points" in words_of(found)[-1]


def test_a_forecast_of_a_real_card_is_right_within_a_factor_of_two():
    card = cards.load(TOP / "systems/metallic_stack.toml")
    evaluate(card, Progress())  # compiled
    import time

    began = time.process_time()
    evaluate(card, Progress())
    real = time.process_time() - began
    found = forecast(card, 60)
    assert within_a_factor_of_two(found.processor, real)


def test_trials_end_within_their_budget_and_say_what_that_means():
    import time

    card = cards.parse(PROBE + "seconds = 60.0\npoints = 2\n")
    began = time.monotonic()
    found = forecast(card, 2)
    assert time.monotonic() - began < 3 * 2 + 3
    assert found.seconds is None
    (line,) = words_of(found)
    assert "no trial ended within 2 s" in line and "--seconds 60" in line


def test_a_key_that_cannot_shrink_further_is_made_as_small_as_it_may_be():
    """0.1 is the largest tolerance: three steps from 1e-3 are two."""
    from negf_torque.study.forecast import _smaller

    card = cards.load(TOP / "systems/spin_valve.toml")
    small, made = _smaller(card, 3, [("calculation", "tolerance"), ("calculation", "angles")])
    assert made == {("calculation", "tolerance"): 2, ("calculation", "angles"): 3}
    assert small.calculation.tolerance == pytest.approx(0.1)
    assert len(small.calculation.angles) == 2
