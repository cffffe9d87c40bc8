"""Run the benchmarks of this folder, one after the other, and keep what they measure.

    python benchmarks/run.py [--quick | --long] [--results FILE] [script ...]

What the scripts print goes to the terminal and to results.txt beside the results; what they hand to
`record.keep` goes to benchmarks/results.json, of which `docs/make_performance.py` makes the
documentation's page.  Scripts that are named replace their own part of that file and leave the
others.  A script that fails keeps what it measured until then, marked, and the others go on.
With --quick everything runs at small sizes and results.json is left alone; --long adds what takes
more than minutes.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
#: One thread of linear algebra on both sides of every comparison.
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PACKAGES = ("numpy", "scipy", "numba", "kwant", "python-mumps", "qutip", "wannierberri", "pyfftw")
#: Load average above which a reader is told that others were using the machine: no core is free.
BUSY = max(0.5, (os.cpu_count() or 1) - 1)


def cases() -> list[dict[str, str]]:
    """The benchmarks in their order: script, title, what the peer had to do."""
    return tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8"))["benchmark"]


def machine() -> dict:
    """What the numbers depend on: processor, versions, speed of matrix products."""
    from threadpoolctl import threadpool_info
    from timing import product_seconds  # brings NumPy and its library

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = re.findall(r"^model name\s*: *(.*)$", cpuinfo.read_text(encoding="utf-8"), re.M)
        model = names[0] if names else model
    libraries = {
        f"{one['internal_api']} {one['version']} ({one.get('architecture', 'unknown')} kernels)"
        for one in threadpool_info()
        if one["user_api"] == "blas"
    }
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "blas": ", ".join(sorted(libraries)),
        "zgemm_gflops": round(1e-9 / product_seconds(1.0, 512), 2),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def revision() -> str:
    """Commit of the program, where git knows it."""
    command = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def load() -> list[float]:
    """Load averages of 1, 5 and 15 minutes, empty where the system has none."""
    return [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else []


def run_script(path: Path, options: list[str], say) -> dict:
    """Run one script; its part of the results, marked if it failed or was interrupted."""
    processor = _children()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        environment = os.environ | THREADS | {"NEGF_TORQUE_BENCHMARKS": str(rows)}
        command = [sys.executable, "-u", str(path), *options]
        status = "interrupted"
        try:
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace", env=environment,
            ) as process:  # fmt: skip
                for line in process.stdout or ():
                    say(line)
            status = process.returncode
        except KeyboardInterrupt:
            say("interrupted\n")
        entries = _entries(rows)
    if status not in (0, "interrupted"):
        say(f"{path.name} failed with status {status}\n")
    return {
        "script": path.name,
        "status": status,
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(_children() - processor, 1),
        "rows": [entry for entry in entries if "skipped" not in entry],
        "skipped": [entry for entry in entries if "skipped" in entry],
    }


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _entries(path: Path) -> list[dict]:
    """The lines that a script wrote; the last may be cut off where it was killed."""
    if not path.exists():
        return []
    *lines, rest = path.read_text(encoding="utf-8").split("\n")
    if rest:
        print(f"a line of results was cut off: {rest[:60]}", file=sys.stderr)
    return [json.loads(line) for line in lines]


def merge(path: Path, group: dict) -> None:
    """Put one script's part into the results; other scripts' parts stay as they are."""
    parts = {}
    if path.exists():
        parts = {part["script"]: part for part in json.loads(path.read_text(encoding="utf-8"))}
    parts[group["script"]] = group
    order = [case["script"] for case in cases()]
    known = [parts[name] for name in order if name in parts]
    rest = [part for name, part in parts.items() if name not in order]
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(known + rest, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small sizes, results.json left alone")
    size.add_argument("--long", action="store_true", help="also what takes more than minutes")
    parser.add_argument("--results", type=Path, help="file instead of results.json")
    parser.add_argument("script", nargs="*", help="all by default")
    chosen = parser.parse_args(words)
    names = [case["script"] for case in cases()]
    if unknown := [name for name in chosen.script if name not in names]:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(names)}")
    chosen.script = [name for name in names if not chosen.script or name in chosen.script]
    return chosen


def main(words: list[str], folder: Path = HERE) -> int:
    """Run the scripts; the number of those that failed."""
    chosen = arguments(words)
    results = chosen.results or (None if chosen.quick else RESULTS)
    options = [f"--{name}" for name in ("quick", "long") if getattr(chosen, name)]
    os.environ.update(THREADS)
    at_start = {"load": load(), "started": datetime.now(UTC).isoformat(timespec="minutes")}
    at_start |= {"amount": options[0][2:] if options else "usual", "revision": revision()}
    here = machine()
    failed = 0
    text = os.devnull if results is None else results.with_suffix(".txt")
    with open(text, "w", encoding="utf-8") as record:

        def say(text: str) -> None:
            print(text, end="", flush=True)
            record.write(text)
            record.flush()

        say(f"{json.dumps(here, indent=1)}\nload average {at_start['load']}\n")
        if at_start["load"] and at_start["load"][0] > BUSY:
            say("The machine is in use by others: trust ratios, not times.\n")
        for number, script in enumerate(chosen.script, 1):
            say(f"\n=== {script} ({number} of {len(chosen.script)})\n")
            group = run_script(folder / script, options, say)
            if results is not None:
                merge(results, group | at_start | {"machine": here})
            if group["status"] == "interrupted":
                return failed + 1
            failed += bool(group["status"])
            say(f"{group['seconds']:.0f} s, {group['processor_seconds']:.0f} s of processor time\n")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
