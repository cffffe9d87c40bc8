"""Make the performance page from what `make bench` measured.

    python docs/make_performance.py

reads `benchmarks/results.json`, which `benchmarks/run.py` writes with a description of the
machine, and `benchmarks/cases.toml`, which says what the peers had to do; writes the page and its
pictures.  Everything that the page says about numbers is worked out from them.
"""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from negf_torque.study import style

HERE = Path(__file__).parent
BENCHMARKS = HERE.parent / "benchmarks"
TARGET = HERE / "reference" / "generated"

HEAD = """# Performance

`make bench` measured this page. {quiet}

How to read it:

- *Ratio* is the time of the peer over the time of this program for the same work in the same run;
  *over limit* is the time over that of matrix products with the operations that the algorithm
  cannot do without, at the speed that `zgemm` reaches on blocks of that size in the same run. Both
  carry over to other machines better than times do.
- *Error* is the largest difference from the peer, from an exact result or from a tighter run; a
  comparison without it would be worth nothing.
- Times are processor times, the shortest of several runs, with one thread on both sides, unless a
  row says otherwise; lead self-energies and modes are part of them on both sides, compilation of
  this program's kernels (once for an installation, about a minute) is not.
- *Aim* is what the row was meant to reach; what misses it stands in the next section too.
"""
SLOW = """
## Where it is slower than a peer, or than it was meant to be

{lines}"""
ABSENT = """
## Not compared

{lines}
"""
MACHINE = """
## Machine

{lines}
"""


def read(folder: Path = BENCHMARKS) -> tuple[list[dict], dict[str, dict]]:
    """Parts of the results in the order of the page, and title and fairness of each script."""
    text = (folder / "cases.toml").read_text(encoding="utf-8")
    cases = {case["script"]: case for case in tomllib.loads(text)["benchmark"]}
    parts = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return [part for part in parts if part["script"] in cases], cases


def seconds(value: float | None) -> str:
    """A time with a fitting unit."""
    if value is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 0.9995:
            return f"{short(value * factor)} {unit}"
    return f"{short(value * 1e9)} ns"


def short(value: float | None) -> str:
    """Three digits of a number, two beyond the point at most.

    >>> short(1234.5), short(0.0712), short(12.34)
    ('1230', '0.071', '12.3')
    """
    if value is None:
        return ""
    digits = f"{value:.3g}" if value >= 0.1 else f"{value:.2g}"
    return f"{float(digits):.0f}" if value >= 100 else digits


def ratio(row: dict) -> float | None:
    """How many times faster than the peer."""
    return row["peer_seconds"] / row["seconds"] if row["peer_seconds"] else None


def reached(row: dict) -> dict[str, tuple[float, float, bool]]:
    """What was aimed at, what was reached and whether that suffices, by the name of the aim."""
    values = {
        "ratio": ratio(row),
        "seconds": row["seconds"],
        "limit": row["seconds"] / row["limit"] if row["limit"] else None,
        "memory": row["memory"],
        "error": row["error"],
    }
    found = {}
    for name, aim in row["goal"].items():
        value = values[name]
        if value is not None:
            found[name] = (aim, value, value >= aim if name == "ratio" else value <= aim)
    return found


def in_words(name: str, value: float) -> str:
    """An aim or what was reached of it.

    >>> in_words("ratio", 10.0), in_words("memory", 0.5)
    ("10× the peer's speed", '0.5 GB')
    """
    return {
        "ratio": f"{short(value)}× the peer's speed",
        "seconds": seconds(value),
        "limit": f"{short(value)}× the limit",
        "memory": f"{short(value)} GB",
        "error": f"error {value:.1e}",
    }[name]


def aims(row: dict) -> str:
    """The cell of the aims."""
    said = []
    for name, (aim, _, good) in reached(row).items():
        special = {"ratio": f"≥ {short(aim)}×", "error": f"error ≤ {aim:.0e}"}
        text = special.get(name, f"≤ {in_words(name, aim)}")
        said.append(f"{text}: {'yes' if good else '**no**'}")
    return ", ".join(said)


def cells(row: dict) -> dict[str, str]:
    """One line of a table by column."""
    faster = ratio(row)
    note = [row["note"]] if row["note"] else []
    if row["memory"]:
        note.append(f"{short(row['memory'])} GB")
    peer_error = "" if row["peer_error"] is None else f"{row['peer_error']:.0e}"
    return {
        "case": row["case"],
        "size": "" if row["size"] is None else f"{row['size']:.6g}",
        "peer": row["peer"],
        "ratio": "" if faster is None else short(faster) + (" (slower)" if faster < 1 else ""),
        "error": "" if row["error"] is None else f"{row['error']:.0e}",
        "peer's error": peer_error,
        "over limit": f"{short(row['seconds'] / row['limit'])}×" if row["limit"] else "",
        "time": seconds(row["seconds"]),
        "peer's time": seconds(row["peer_seconds"]),
        "aim": aims(row),
        "remark": "; ".join(note),
    }


def table(rows: list[dict]) -> str:
    """A table of the columns in which anything stands."""
    lines = [cells(row) for row in rows]
    names = [name for name in lines[0] if any(line[name] for line in lines)]
    sizes = list(dict.fromkeys(row["size_name"] for row in rows if row["size_name"]))
    heads = [f"size ({', '.join(sizes)})" if name == "size" else name for name in names]
    return markdown(heads, [[line[name] for name in names] for line in lines])


def slow_table(parts: list[dict], cases: dict[str, dict]) -> str:
    """What is slower than a peer or than its aim: a line for a case, with all its sizes."""
    found: dict[tuple[str, str, str, str, float], dict[str, float]] = {}
    for part in parts:
        title = cases[part["script"]]["title"]
        for row in part["rows"]:
            missed = {name: one[:2] for name, one in reached(row).items() if not one[2]}
            faster = ratio(row)
            if faster is not None and faster < 1 and "ratio" not in missed:
                missed["ratio"] = (1.0, faster)
            size = "" if row["size"] is None else f"{row['size']:.6g}"
            for name, (aim, value) in missed.items():
                peer = row["peer"] if name == "ratio" else ""
                found.setdefault((title, row["case"], peer, name, aim), {})[size] = value
    if not found:
        return "Nowhere in this run.\n"
    lines = []
    for (title, case, peer, name, aim), values in found.items():
        low, high = min(values.values()), max(values.values())
        said = in_words(name, high)
        if short(low) != short(high):
            plain = name in ("ratio", "limit", "memory")
            said = f"{short(low) if plain else in_words(name, low)} to {said}"
        aim_said = "" if name == "ratio" and aim == 1 else in_words(name, aim)
        lines.append([title, case, ", ".join(filter(None, values)), peer, said, aim_said])
    return markdown(["subject", "case", "sizes", "peer", "reached", "aim"], lines)


def markdown(heads: list[str], lines: list[list[str]]) -> str:
    """A table; bars in its cells are meant."""
    rows = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in r)} |\n" for r in rows)


def absent_lines(parts: list[dict], cases: dict[str, dict]) -> list[str]:
    """Peers that were not compared with, why, and where."""
    places: dict[str, list[str]] = {}
    for part in parts:
        for entry in part["skipped"]:
            title = cases[part["script"]]["title"]
            place = places.setdefault(f"- {entry['skipped']} ({entry['why']})", [])
            if title not in place:
                place.append(title)
    return [f"{peer}: {'; '.join(titles)}." for peer, titles in places.items()]


def measured(part: dict) -> str:
    """When and under what circumstances a part was measured."""
    text = f"Measured {part['started'].replace('T', ' ')[:16]} UTC"
    text += f", revision {part['revision']}" if part["revision"] else ""
    text += f": {part['processor_seconds']:.0f} s of processor time in {part['seconds']:.0f} s"
    text += {"quick": ", small sizes only", "long": ", long sizes"}.get(part["amount"], "")
    if part["load"]:
        text += f", load average {part['load'][0]:g} at the start of the run"
    if part["status"] == "interrupted":
        text += ". **Interrupted: rows are missing**"
    elif part["status"]:
        text += f". **The script failed (status {part['status']}): rows are missing**"
    return text + ".\n"


def machine_lines(parts: list[dict]) -> list[str]:
    """Every machine that measured a part, with the parts."""
    machines: dict[str, list[dict]] = {}
    for part in parts:
        machines.setdefault(json.dumps(part["machine"], sort_keys=True), []).append(part)
    lines = []
    for text, group in machines.items():
        m = json.loads(text)
        packages = ", ".join(f"{name} {number}" for name, number in m["packages"].items())
        where = "" if len(machines) == 1 else f" ({', '.join(p['script'] for p in group)})"
        lines.append(
            f"- {m['processor']}, {m['cores']} cores, Python {m['python']}, {packages}; "
            f"{m['blas']}; `zgemm` on 512 rows: {m['zgemm_gflops']} Gflop/s on one thread{where}."
        )
    return lines


def quiet(parts: list[dict]) -> str:
    """Whether others were using the machine."""
    loads = [part["load"][0] for part in parts if part["load"]]
    if not loads:
        return ""
    most, cores = max(loads), min(part["machine"]["cores"] for part in parts)
    if most <= 0.5:
        return "The machine was at rest when it began."
    if most <= cores - 1:
        return f"The load average was {most:g} on {cores} cores when it began: one was free."
    return (
        f"**Others were using the machine** (load average up to {most:g} at the start): "
        "processor times are then longer than at rest, times by the clock say nothing."
    )


def page(parts: list[dict], cases: dict[str, dict], pictures: dict[str, str]) -> str:
    """The page; `pictures` names a file for "overview" and for scripts."""
    out = [HEAD.format(quiet=quiet(parts))]
    if "overview" in pictures:
        out.append(
            "\nHow many times faster than its peer each comparison came out, a point for each row "
            f"of the tables:\n\n![Ratios to the peers]({pictures['overview']})\n"
        )
    out.append(SLOW.format(lines=slow_table(parts, cases)))
    if absent := absent_lines(parts, cases):
        out.append(ABSENT.format(lines="\n".join(absent)))
    for part in parts:
        case = cases[part["script"]]
        out.append(f"\n## {case['title']}\n\n{case['work'].strip()}\n\n{measured(part)}\n")
        if part["rows"]:
            out.append(table(part["rows"]))
        if "slow" in case:
            out.append(f"\n*What is not fast:* {case['slow'].strip()}\n")
        if part["script"] in pictures:
            out.append(f"\n![{case['title']}: time against size]({pictures[part['script']]})\n")
    out.append(MACHINE.format(lines="\n".join(machine_lines(parts))))
    return "".join(out)


def exponent(points: dict[float, float]) -> float | None:
    """Slope of log time against log size over the three largest sizes; None for fewer.

    >>> exponent({1: 2.0, 2: 16.0, 4: 128.0})
    3.0
    """
    if len(points) < 3:
        return None
    x = np.array(sorted(points)[-3:], float)
    y = np.array([points[size] for size in x])
    return round(float(np.polyfit(np.log(x), np.log(y), 1)[0]), 2)


def curves(rows: Iterable[dict]) -> dict[str, dict[float, float]]:
    """Time against size by label: this program, its peers, the products alone."""
    ours: dict[str, dict[float, float]] = {}
    theirs: dict[str, dict[float, float]] = {}
    products: dict[str, dict[float, float]] = {}
    rows = list(rows)
    several = len({row["curve"] for row in rows}) > 1
    for row in rows:
        name = f"negf_torque, {row['curve']}" if several else "negf_torque"
        ours.setdefault(name, {})[row["size"]] = row["seconds"]
        if row["peer_seconds"]:
            theirs.setdefault(row["peer"], {})[row["size"]] = row["peer_seconds"]
        if row["limit"]:
            products.setdefault("products alone", {})[row["size"]] = row["limit"]
    return {name: points for name, points in (ours | theirs | products).items() if len(points) > 1}


def panels(rows: list[dict]) -> list[tuple[str, str, dict[str, dict[float, float]]]]:
    """Title, name of the size and curves of every panel: few curves each."""
    out = []
    sized = [row for row in rows if row["size"]]
    for size_name in dict.fromkeys(row["size_name"] for row in sized):
        here = [row for row in sized if row["size_name"] == size_name]
        whole = curves(here)
        names = list(dict.fromkeys(row["curve"] for row in here))
        if len(whole) <= 5 or len(names) == 1:
            out.append((names[0] if len(names) == 1 else "", size_name, whole))
            continue
        out += [(n, size_name, curves(r for r in here if r["curve"] == n)) for n in names]
    return [panel for panel in out if _tells(panel[2])]


def _tells(found: dict[str, dict[float, float]]) -> bool:
    """Whether there is a curve to see: three sizes, four where nothing is compared."""
    return any(len(points) > 2 + (len(found) == 1) for points in found.values())


def draw_scaling(rows: list[dict]) -> bytes | None:
    """Time against size, log-log, with exponents; None where no curve has three sizes."""
    shown = panels(rows)
    if not shown:
        return None
    height = sum(2.6 + 0.2 * len(panel[2]) for panel in shown)
    with style.style():
        drawing, axes = style.figure(len(shown), 1, height=height, squeeze=False)
        for axis, (title, size_name, found) in zip(axes[:, 0], shown, strict=True):
            looks = style.lines()
            for name, points in found.items():
                look = next(looks)
                if name == "products alone":
                    look = {"color": "0.45", "linestyle": ":", "marker": ""}
                power = exponent(points)
                label = name if power is None else f"{name}: $\\propto$ size$^{{{power:.2g}}}$"
                x = sorted(points)
                axis.loglog(x, [points[size] for size in x], label=label, **look)
            axis.set(xlabel=size_name[0].upper() + size_name[1:], ylabel="Time (s)")
            if title:
                axis.set_title(title[0].upper() + title[1:])
            if max(map(max, found.values())) / min(map(min, found.values())) < 50:
                style.few_log_ticks(axis.xaxis)
            axis.legend(loc="lower center", bbox_to_anchor=(0.45, 1.08 if title else 1.01))
    return style.image_bytes(drawing, "png")


def draw_overview(parts: list[dict], cases: dict[str, dict]) -> bytes | None:
    """A point for every comparison, a line for every subject and peer program."""
    groups: dict[str, list[float]] = {}
    for part in parts:
        for row in part["rows"]:
            if row["peer"]:
                program = row["peer"].split(",")[0].removesuffix(" (LAPACK)")
                name = cases[part["script"]]["title"].split(":")[0]
                groups.setdefault(f"{name}\nagainst {program}", []).append(ratio(row))
    if not groups:
        return None
    with style.style():
        drawing, axis = style.figure(height=0.8 + 0.43 * len(groups))
        for place, values in enumerate(groups.values()):
            slower, faster = [v for v in values if v < 1], [v for v in values if v >= 1]
            axis.plot([min(values), max(values)], [place] * 2, color="0.75", linewidth=1, zorder=1)
            axis.plot(faster, [place] * len(faster), "o", color=style.PALETTE[0], alpha=0.75)
            axis.plot(slower, [place] * len(slower), "X", color=style.PALETTE[1], markersize=7)
        axis.axvline(1, color="0.4", linewidth=1)
        axis.set_xscale("log")
        axis.set_yticks(range(len(groups)), groups, fontsize=8.5)
        axis.set_ylim(len(groups) - 0.4, -0.6)
        axis.set_xlabel("Times faster than the peer (crosses: slower)")
    return style.image_bytes(drawing, "png")


def write(folder: Path = BENCHMARKS, target: Path = TARGET) -> None:
    """Write page and pictures."""
    target.mkdir(parents=True, exist_ok=True)
    parts, cases = read(folder)
    drawings = {"overview": draw_overview(parts, cases)}
    drawings |= {part["script"]: draw_scaling(part["rows"]) for part in parts}
    pictures = {}
    for name, content in drawings.items():
        if content is not None:
            stem = "" if name == "overview" else "_" + name.removesuffix(".py")
            pictures[name] = f"performance{stem}.png"
            (target / pictures[name]).write_bytes(content)
    (target / "performance.md").write_text(page(parts, cases, pictures), encoding="utf-8")


if __name__ == "__main__":
    write()
