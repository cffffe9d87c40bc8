"""Progress reporters: silent, a bar, lines."""

import io

import pytest

from negf_torque.study.base import Progress
from negf_torque.study.progress import BarProgress, LineProgress, progress_for


class Terminal(io.StringIO):
    def isatty(self):
        return True


def work(progress):
    with progress:
        progress.start("first", 4)
        for _ in range(4):
            progress.advance(note="error 1e-3")
        progress.start("second")
        progress.update(done=10, note="10 points")
        progress.update(done=20, total=40)


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["log", "terminal"])
def test_every_reporter_takes_the_same_calls(stream):
    work(Progress())
    assert stream.getvalue() == ""
    for reporter in (LineProgress(stream, 0), BarProgress(stream)):
        before = len(stream.getvalue())
        work(reporter)
        assert "second" in stream.getvalue()[before:]


def test_the_stream_decides():
    assert type(progress_for(io.StringIO())) is LineProgress
    assert type(progress_for(Terminal())) is BarProgress
    assert type(progress_for(Terminal(), quiet=True)) is Progress


def test_lines_tell_stage_share_and_note():
    stream = io.StringIO()
    work(LineProgress(stream, interval=0))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "first ..."
    assert lines[1].startswith("first: 25%, ") and lines[1].endswith("s left, error 1e-3")
    assert any(line.startswith("first: done in") for line in lines)
    assert any(line.startswith("second: 50%, ") for line in lines)
    assert lines[-1].startswith("second: done in")


def test_lines_are_rare():
    stream = io.StringIO()
    progress = LineProgress(stream, interval=60)
    progress.start("long", 1_000_000)
    for _ in range(1000):
        progress.advance()
    progress.finish()
    assert len(stream.getvalue().splitlines()) == 2


def test_the_bar_ends_full():
    stream = Terminal()
    work(BarProgress(stream))
    text = stream.getvalue()
    assert "first" in text and "100%" in text


def test_no_time_is_forecast_before_a_tenth_is_done(monkeypatch):
    from negf_torque.study import progress

    clock = iter([0.0, 10.0, 20.0, 30.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    lines = progress.LineProgress(stream)
    lines.start("slow", 1000)
    lines.update(1)
    lines.update(200)
    assert stream.getvalue().splitlines()[1:] == ["slow: 0%, 10 s", "slow: 20%, 80 s left"]


def test_bar_shows_no_time_before_a_tenth_is_done():
    from negf_torque.study.progress import BarProgress

    bar = BarProgress(io.StringIO())
    column = next(c for c in bar._bars.columns if type(c).__name__ == "Left")
    bar.start("slow", 100)
    bar.update(5)
    assert str(column.render(bar._bars.tasks[0])) == "-:--:--"
    bar.finish()
