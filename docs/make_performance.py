"""Make the performance page from what `make bench` measured.

    python docs/make_performance.py

reads `benchmarks/results.json`, which `benchmarks/run.py` writes with a description of the
machine, and writes the page and its picture.
"""

import json
from pathlib import Path

from negf_torque.study import style

HERE = Path(__file__).parent
DATA = HERE.parent / "benchmarks" / "results.json"
PAGE = HERE / "reference" / "generated" / "performance.md"
PICTURE = HERE / "reference" / "generated" / "performance.png"

HEAD = """# Performance

Measured by `make bench` on one machine: {machine}. Each comparison ran in one process with its
peer, doing the same work; *error* is the largest difference from the peer or from an exact result.
*Limit* is the time that matrix products of the same number of operations need. Ratios carry over to
other machines better than times.

"""
COLUMNS = "| case | time | peer | its time | ratio | error | limit |\n" + "|---" * 7 + "|\n"
TITLES = {
    "stack_torque.py": "Periodic stacks: all layer torques",
    "wire_torque.py": "Wires: all site torques",
    "gradient.py": "Coefficients of a bulk ferromagnet",
    "quantum.py": "One electron and quantum spins",
    "macrospin.py": "Macrospins",
    "bias.py": "Finite bias",
    "terminals.py": "Devices with many leads",
    "disorder.py": "Disorder",
    "spin_orbit.py": "Spin-orbit response",
    "llg_export.py": "Exports",
}


def seconds(value: float | None) -> str:
    """A time with a fitting unit."""
    if value is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def row(entry: dict) -> str:
    """One line of a table."""
    peer, error = entry["peer_seconds"], entry["error"]
    cells = [
        entry["case"],
        seconds(entry["seconds"]),
        entry["peer"],
        seconds(peer),
        f"{peer / entry['seconds']:.3g}" if peer else "",
        f"{error:.0e}" if error is not None else "",
        seconds(entry["limit"]),
    ]
    return "| " + " | ".join(cells) + " |\n"


def page(result: dict) -> str:
    """The page."""
    parts = [HEAD.format(machine=result["machine"])]
    if draw(result["rows"]):
        parts.append("![Time against size](performance.png)\n")
    for script in dict.fromkeys(entry["script"] for entry in result["rows"]):
        parts.append(f"\n## {TITLES.get(script, script)}\n\n{COLUMNS}")
        parts += [row(entry) for entry in result["rows"] if entry["script"] == script]
    return "".join(parts)


def draw(rows: list[dict]) -> bool:
    """Time against size for every script that has sizes; whether there is any."""
    scripts = [s for s in dict.fromkeys(r["script"] for r in rows if r["size"]) if s]
    if not scripts:
        return False
    with style.style():
        figure, axes = style.figure(
            1, len(scripts), width=4.6 * len(scripts), height=3.6, squeeze=False
        )
        for axis, script in zip(axes[0], scripts, strict=True):
            here = [r for r in rows if r["script"] == script and r["size"]]
            curves: dict[str, dict[float, float]] = {}
            for entry in here:
                label = entry["case"].split(", ")[-1]
                curves.setdefault(f"negf_torque, {label}", {})[entry["size"]] = entry["seconds"]
                if entry["peer_seconds"]:
                    curves.setdefault(entry["peer"], {})[entry["size"]] = entry["peer_seconds"]
            looks = style.lines()
            for label, points in curves.items():
                x = sorted(points)
                axis.loglog(x, [points[size] for size in x], label=label, **next(looks))
            axis.set(xlabel=here[0]["size_name"].capitalize(), ylabel="Time (s)")
            axis.set_title(TITLES.get(script, script), fontsize=9.5)
            axis.legend(fontsize=7.5)
    PICTURE.write_bytes(style.image_bytes(figure, "png", dpi=130))
    return True


def write() -> None:
    """Write page and picture."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    result = json.loads(DATA.read_text(encoding="utf-8"))
    PAGE.write_text(page(result), encoding="utf-8")


if __name__ == "__main__":
    write()
