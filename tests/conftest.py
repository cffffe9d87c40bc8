"""What all tests share: the comparison with an independent source, kept for the documentation.

A test that takes the fixture `agree` is a validation: `pytest -m validation` runs these alone, and
`docs/make_validation.py` makes the documentation's table from what they measured.
"""

import json
import math
import os
import sys
from pathlib import Path

# Before NumPy is loaded: the matrices are small, further threads would only wait for each other.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402

# The tests start a hundred processes: where Python was told to keep no bytecode, each of them
# would compile all that it imports, five seconds instead of one.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    sys.dont_write_bytecode = False

SOURCES = (
    "Kwant",
    "analytic",
    "explicit configurations",
    "another route",
    "reference value",
    "another program",
)


def correct_digits(value, reference) -> float:
    """-log10 of the largest deviation over the largest reference, at most 16."""
    value, reference = np.asarray(value), np.asarray(reference)
    deviation = float(np.abs(value - reference).max(initial=0.0))
    size = float(np.abs(reference).max(initial=0.0)) or 1.0
    if deviation == 0.0:
        return 16.0
    return min(16.0, -math.log10(deviation / size))


@pytest.fixture
def agree(record_property):
    """agree(quantity, value, reference, against=..., rtol=0, atol=0): assert and keep the digits.

    `against` is one of SOURCES; `note` says more about it (equation, function).
    """

    def compare(quantity, value, reference, *, against, rtol=0.0, atol=0.0, note=""):
        assert against in SOURCES, against
        np.testing.assert_allclose(value, reference, rtol=rtol, atol=atol)
        entry = {
            "quantity": quantity,
            "against": against,
            "note": note,
            "digits": correct_digits(value, reference),
        }
        record_property("agreement", json.dumps(entry))

    return compare


def pytest_addoption(parser):
    parser.addoption("--agreement", metavar="FILE", help="keep what `agree` measured, as JSON")


def pytest_terminal_summary(terminalreporter, config):
    """Every comparison of the tests that passed; a failed one has no digits to show."""
    path = config.getoption("--agreement")
    if path:
        entries = [
            {"test": report.nodeid} | json.loads(text)
            for report in terminalreporter.stats.get("passed", [])
            for name, text in report.user_properties
            if name == "agreement"
        ]
        entries.sort(key=lambda entry: (entry["test"], entry["quantity"]))
        Path(path).write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def pytest_configure(config):
    config.addinivalue_line("markers", "validation: compares with an independent source")
    if hasattr(config, "workerinput") and sys.platform != "win32":
        from compile_in_turn import compile_in_turn

        compile_in_turn()


def pytest_collection_modifyitems(items):
    for item in items:
        if "agree" in getattr(item, "fixturenames", ()):
            item.add_marker("validation")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Halves of neighbouring files, and the last ones shared.

    What a file's tests share is computed once, a kernel is compiled by the one process that comes
    to it first, and no process ends long before the other.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)
