"""Run every benchmark of this folder, one after the other, and keep what they print.

    python benchmarks/run.py [script ...]

The output goes to the terminal and to benchmarks/results.txt, with a description of the machine;
what the scripts hand to `record.keep` goes to benchmarks/results.json, of which
`docs/make_performance.py` makes the documentation's page.
"""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    "stack_torque.py",
    "wire_torque.py",
    "wall_torque.py",
    "bias.py",
    "disorder.py",
    "terminals.py",
    "gradient.py",
    "gradient_engine.py",
    "spin_orbit.py",
    "macrospin.py",
    "quantum.py",
)


def machine() -> str:
    """Processor, cores and the versions of what does the arithmetic."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "numba", "kwant"))
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def main(chosen: list[str]) -> int:
    """Run the scripts; the number of those that failed."""
    failed = 0
    rows = HERE / "rows.jsonl"
    rows.write_text("", encoding="utf-8")
    environment = os.environ | {"NEGF_TORQUE_BENCHMARKS": str(rows)}
    with (HERE / "results.txt").open("w", encoding="utf-8") as record:

        def say(text: str) -> None:
            print(text, end="", flush=True)
            record.write(text)

        say(f"{machine()}\n")
        for script in chosen:
            say(f"\n=== {script}\n")
            with subprocess.Popen(
                [sys.executable, str(HERE / script)],
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            ) as process:
                for line in process.stdout or ():
                    say(line)
            if process.returncode:
                failed += 1
                say(f"{script} failed with status {process.returncode}\n")
    lines = rows.read_text(encoding="utf-8").splitlines()
    result = {"machine": machine(), "rows": [json.loads(line) for line in lines]}
    (HERE / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    rows.unlink()
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(SCRIPTS)))
