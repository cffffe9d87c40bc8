"""The command, run as a user runs it: exit status, messages, files."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from study_helpers import _COMMAND, PROBE, TOP, command, know_probe


@pytest.fixture
def card(tmp_path):
    def write(text="", figures="[]"):
        path = tmp_path / "probe.toml"
        path.write_text(f"{PROBE}{text}\n[output]\nfigures = {figures}\n")
        return path

    return write


def test_run_show_and_plot(card, tmp_path):
    done = command("run", card(figures='["png"]'), "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "wave" in done.stdout and "-0.41614684 + 0.90929743i" in done.stdout
    assert "Waves" in done.stdout
    assert "probing: done" in done.stderr  # plain lines where there is no terminal
    names = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*")}
    assert names == {"result.nc", "summary.json", "card.toml", "figures", "figures/wave.png"}

    shown = command("show", "out", cwd=tmp_path)
    assert shown.returncode == 0 and "0.90929743i" in shown.stdout
    as_json = command("show", "out", "--json", cwd=tmp_path)
    assert json.loads(as_json.stdout) == json.loads((tmp_path / "out/summary.json").read_text())

    (tmp_path / "out/figures/wave.png").unlink()
    plotted = command("plot", "out", "--format", "png", "--format", "svg", cwd=tmp_path)
    assert plotted.returncode == 0
    assert (tmp_path / "out/figures/wave.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "out/figures/wave.svg").exists()
    assert command("plot", "out", "--format", "gif", cwd=tmp_path).returncode == 2


def test_run_again_finds_the_result(card, tmp_path):
    path = card()
    assert command("run", path, cwd=tmp_path).returncode == 0
    again = command("run", path, cwd=tmp_path)
    assert again.returncode == 0
    assert "runs/probe holds the finished result" in again.stdout


def test_not_converged_is_3_and_the_result_is_kept_and_marked(card, tmp_path):
    done = command("run", card("converges = false"), "-o", "out", cwd=tmp_path)
    assert done.returncode == 3
    assert "(not converged)" in done.stdout and "not converged: out" in done.stderr
    assert json.loads((tmp_path / "out/summary.json").read_text())["converged"] is False
    assert command("run", tmp_path / "probe.toml", "-o", "out", cwd=tmp_path).returncode == 3


def test_bad_input_is_2_with_one_message(card, tmp_path):
    done = command("run", card("points = 0\nsecnds = 1"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: calculation.points: 0 cannot be used. Give a whole number, 1 or more, at most 100: "
        "Points (card probe.toml, line 3).",
        'calculation.secnds: no such key. Did you mean "seconds"? (card probe.toml, line 4).',
    ]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "none.toml"], "there is no file none.toml"),
        (["check", "none.toml"], "there is no file none.toml"),
        (["show", "none"], "there is no directory none"),
        (["plot", "none"], "there is no directory none"),
        (["export", "mumax3", "none"], "there is no directory none"),
        (["rn"], "No such command"),
        (["run"], "Missing argument"),
    ],
)
def test_words_that_lead_nowhere_are_2(words, expected, tmp_path):
    done = command(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_of_another_card_is_2_and_untouched(card, tmp_path):
    assert command("run", card(), "-o", "out", cwd=tmp_path).returncode == 0
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    done = command("run", card("points = 5"), "-o", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "another card" in done.stderr and "Nothing was changed" in done.stderr
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before


def test_a_damaged_result_is_2(card, tmp_path):
    command("run", card(), "-o", "out", cwd=tmp_path)
    content = (tmp_path / "out/result.nc").read_bytes()
    (tmp_path / "out/result.nc").write_bytes(content[:-100])
    done = command("show", "out", cwd=tmp_path)
    assert done.returncode == 2 and "out/result.nc is damaged" in done.stderr


@pytest.mark.parametrize(
    ("fails", "status", "words"),
    [
        ("value", 2, "error: energy: 9 is outside all bands."),
        ("memory", 2, "not enough memory"),
        ("bug", 1, "internal error: KeyError: 'left'"),
        ("interrupt", 130, "interrupted"),
    ],
)
def test_failures_have_a_status_and_no_traceback(card, tmp_path, fails, status, words):
    done = command("run", card(f'fails = "{fails}"'), "-o", "out", cwd=tmp_path)
    assert done.returncode == status
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out/summary.json").exists()
    # the way is free for the same card
    assert command("show", "out", cwd=tmp_path).returncode == 2


def test_traceback_on_request(card, tmp_path):
    done = command("run", card('fails = "bug"'), "--traceback", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_ctrl_c_is_130(card, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, "run", str(card("seconds = 60"))],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # a shell starts what runs in its background deaf to Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while "probing" not in process.stderr.readline():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "interrupted" in rest and "Traceback" not in rest


def test_warnings_of_the_physics_are_told_once_and_stored(card, tmp_path, monkeypatch):
    path = card('warning = "no channel is open at -9 eV"')
    done = command("run", path, "-o", "out", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("warning: no channel is open at -9 eV") == 1
    assert "UserWarning" not in done.stderr
    from negf_torque.study import load_result

    know_probe(monkeypatch)
    assert load_result(tmp_path / "out").attrs["warnings"] == "no channel is open at -9 eV"


def test_check_estimates_and_runs_nothing(card, tmp_path):
    done = command("check", card(), cwd=tmp_path)
    assert done.returncode == 0
    assert "valid card" in done.stdout and "points" in done.stdout
    assert not (tmp_path / "runs").exists()


def test_export_without_a_torque_is_2(card, tmp_path):
    command("run", card(), "-o", "out", cwd=tmp_path)
    done = command("export", "mumax3", "out", cwd=tmp_path)
    assert done.returncode == 2 and "holds nothing that an LLG solver takes" in done.stderr


def test_systems_lists_the_ready_cards(tmp_path):
    for cwd in (TOP, tmp_path):
        done = command("systems", cwd=cwd)
        assert done.returncode == 0 and "spin_valve.toml" in done.stdout


def test_a_directory_that_cannot_be_written_is_2(card, tmp_path):
    done = command("run", card(), "-o", "/proc/nothing", cwd=tmp_path)
    assert done.returncode == 2 and "cannot be written" in done.stderr


def test_the_module_is_the_command_and_answers_soon(tmp_path):
    began = os.times()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "negf_torque", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 0
    for heavy in ("numba", "matplotlib", "kwant", "xarray", "scipy"):
        assert f"| {heavy}\n" not in done.stderr.replace(" ", "").replace("|", "| ")
    # processor time: half a second here, and what the clock says depends on who else is at work
    ended = os.times()
    used = ended.children_user + ended.children_system
    assert 0 < used - began.children_user - began.children_system < 3


@pytest.mark.parametrize("columns", [40, 80, 118, 200, None])
def test_tables_break_no_word_and_no_number(columns, monkeypatch, capsys):
    from negf_torque.study import terminal
    from negf_torque.study.base import Scalar

    numbers = [
        Scalar(
            "mixing_conductance_corrected[fixed interface]",
            -0.0212571912 + 0.244710724j,
            "e^2/h per cell",
            1.3e-9,
            note="g_r without the Sharvin contact",
        )
    ]
    if columns is not None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(terminal.sys.stdout, "isatty", lambda: True, raising=False)
    terminal.print_scalars("valve", numbers)
    heads = ["angle (deg)", *(f"out of plane, {n}" for n in ("left", "right", "symmetric"))]
    terminal.print_table("Angles", heads, [(15.0, 0.028833982, -0.027576127, 0.028205055)])
    printed = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    words = "mixing_conductance_corrected[fixed 1.3e-09 Sharvin symmetric 0.028833982 -0.027576127"
    for word in (*words.split(), "0.028205055", "-0.02125719 + 0.24471072i"):
        assert word in printed
    if columns is not None and columns >= 80:
        assert max(map(len, printed.splitlines())) <= columns
