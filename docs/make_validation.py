"""Make the validation page from what the tests measure.

    python docs/make_validation.py            run the validating tests, keep validation.json, write
    python docs/make_validation.py --write    write the page from the kept numbers alone

`docs/validation.json` holds, for every comparison of `pytest -m validation`, the quantity, what it
was compared with and the number of digits in which both agree.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
DATA, PAGE = HERE / "validation.json", HERE / "reference" / "generated" / "validation.md"

HEAD = """# Validation

Every row compares a number with an independent source; {count} of them: {sources}.
*Another route* is other code of this package that leads to the same number. *Digits* is the
number of correct decimal digits, −log₁₀ of the largest deviation over the largest value; where
the reference itself is printed with few digits, or is an average with a statistical error, that
limits it. The tests assert a tolerance for each; `python docs/make_validation.py` runs them and
writes this page.
"""


def measure() -> None:
    """Run the validating tests and keep their digits."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "validation", "tests"]
    subprocess.run([*command, f"--agreement={DATA}"], cwd=HERE.parent, check=True)


#: Sections in order: heading, and the beginnings of the names of the tests that belong to it.
SUBJECTS = (
    ("Valves and junctions", ("transport_valve", "transport_kwant", "transport_mixing",
                              "transport_complete", "transport_complex", "transport_bias",
                              "transport_coupling", "transport_separation")),
    ("Devices of many leads", ("transport_terminal",)),
    ("Walls, spirals and wires", ("transport_texture", "transport_spiral",
                                  "transport_spin_balance")),
    ("Moving moments", ("transport_pumping",)),
    ("Impurities", ("disorder", "transport_disordered", "transport_ensembles", "configurations")),
    ("Gradient expansion", ("gradient",)),
    ("Spin-orbit coupling", ("kubo",)),
    ("Circuits", ("circuit",)),
    ("Dynamics and other solvers", ("llg",)),
    ("Quantum spins", ("manybody",)),
)  # fmt: skip


def subject(test: str) -> str:
    """Section of a test, "Other" for one whose name no section knows."""
    name = test.split("/")[-1].removeprefix("test_")
    return next((head for head, starts in SUBJECTS if name.startswith(starts)), "Other")


def page(entries: list[dict]) -> str:
    """The page: a table for every test file's subject."""
    sources = defaultdict(int)
    for entry in entries:
        sources[entry["against"]] += 1
    named = ", ".join(f"{name} ({count})" for name, count in sorted(sources.items()))
    parts = [HEAD.format(count=len(entries), sources=named)]
    subjects = defaultdict(list)
    for entry in entries:
        subjects[subject(entry["test"])].append(entry)
    order = [head for head, _ in SUBJECTS if head in subjects] + ["Other"] * ("Other" in subjects)
    parts.append("\n| subject | comparisons | digits, median | fewest |\n|---|---|---|---|\n")
    for head in order:
        digits = [row["digits"] for row in subjects[head]]
        link = f"[{head}](#{head.lower().replace(' ', '-').replace(',', '')})"
        parts.append(f"| {link} | {len(digits)} | {median(digits):.1f} | {min(digits):.1f} |\n")
    for head in order:
        parts.append(f"\n## {head}\n\n| quantity | against | digits |\n|---|---|---|\n")
        for row in sorted(subjects[head], key=lambda row: row["quantity"].lower()):
            against = f"{row['against']}: {row['note']}" if row["note"] else row["against"]
            quantity = row["quantity"][0].upper() + row["quantity"][1:]
            parts.append(f"| {quantity} | {against} | {row['digits']:.1f} |\n")
    return "".join(parts)


def write() -> None:
    """Write the page from the kept numbers."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    entries = json.loads(DATA.read_text(encoding="utf-8"))
    PAGE.write_text(page(entries), encoding="utf-8")


if __name__ == "__main__":
    if "--write" not in sys.argv:
        measure()
    write()
