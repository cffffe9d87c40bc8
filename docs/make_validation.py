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

HERE = Path(__file__).parent
DATA, PAGE = HERE / "validation.json", HERE / "reference" / "generated" / "validation.md"

HEAD = """# Validation

Every row is a comparison with an independent source: {count} of them, in {sources}. *Another route*
is other code of this package that leads to the same number. *Digits* is the number of correct
decimal digits, −log₁₀ of the largest deviation over the largest value; where the reference itself
is printed with few digits, or is an average with a statistical error, that limits it. The
tests assert a tolerance for each; `python docs/make_validation.py` runs them and writes this page.
"""


def measure() -> None:
    """Run the validating tests and keep their digits."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "validation", "tests"]
    subprocess.run([*command, f"--agreement={DATA}"], cwd=HERE.parent, check=True)


def page(entries: list[dict]) -> str:
    """The page: a table for every test file's subject."""
    sources = defaultdict(int)
    for entry in entries:
        sources[entry["against"]] += 1
    named = ", ".join(f"{name} ({count})" for name, count in sorted(sources.items()))
    parts = [HEAD.format(count=len(entries), sources=named)]
    subjects = defaultdict(list)
    for entry in entries:
        subjects[entry["test"].split("/")[-1].split(".py")[0]].append(entry)
    for subject, rows in sorted(subjects.items()):
        title = subject.removeprefix("test_").replace("_", " ")
        title = title[0].upper() + title[1:].replace("kwant", "Kwant")
        title = title.replace("Llg", "LLG")
        parts.append(f"\n## {title}\n\n| quantity | against | digits |\n|---|---|---|\n")
        for row in rows:
            against = f"{row['against']}: {row['note']}" if row["note"] else row["against"]
            parts.append(f"| {row['quantity']} | {against} | {row['digits']:.1f} |\n")
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
