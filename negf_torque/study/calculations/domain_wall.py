"""`kind = "domain_wall"`: a wall driven by current and field: velocities, paths, full profile.

Collective coordinates (position, tilt, width) give the velocity for every drift velocity and the
paths below and above the Walker threshold; a one-dimensional micromagnetic chain gives the full
profile for comparison.  A. Thiaville et al., Europhys. Lett. 69, 990 (2005).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from negf_torque.study.base import CalculationTable, Scalar, Table, key
from negf_torque.study.labels import Variable, labelled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.walls import Wall
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "System", "check", "figures", "run", "summary"]

READS_TORQUE = True

VARIABLES: dict[str, Variable] = {
    "drift": Variable(
        ("drift",), "m/s", "Drift velocity u", "P J mu_B/(e M_s), along the electron flow."
    ),
    "velocity_formula": Variable(
        ("drift",), "m/s", "Mean wall velocity, closed form", "Fixed width, without field."
    ),
    "velocity": Variable(
        ("drift",),
        "m/s",
        "Mean wall velocity",
        "Of the path, with the chosen width model and field.",
    ),
    "shown": Variable(("shown",), "m/s", "Drift velocity of the paths shown"),
    "time": Variable(("time",), "ns", "Time"),
    "position": Variable(("shown", "time"), "nm", "Position of the wall", "Moves along +u."),
    "tilt": Variable(("shown", "time"), "rad", "Tilt of the wall out of its easy plane"),
    "width": Variable(("shown", "time"), "nm", "Width parameter Delta"),
    "chain_time": Variable(("chain_time",), "ns", "Time of the profiles"),
    "cell": Variable(("cell",), "nm", "Position along the wire"),
    "component": Variable(("component",), "", "Component"),
    "profile": Variable(
        ("chain_time", "cell", "component"), "1", "Magnetisation of the chain", "z easy, x hard."
    ),
    "chain_position": Variable(("chain_time",), "nm", "Position of the wall in the chain"),
}


class System(Table):
    """The `[system]` table: the wire."""

    saturation_magnetisation: float = key("Saturation magnetisation.", unit="A/m", gt=0)
    damping: float = key("Gilbert damping.", gt=0)
    beta: float = key("Nonadiabaticity beta (xi).")
    exchange: float = key("Exchange stiffness A.", 1.3e-11, unit="J/m", gt=0)
    easy: float = key("Anisotropy K_u along the easy axis.", unit="J/m^3", gt=0)
    hard: float = key("Anisotropy K_p of the hard transverse axis.", unit="J/m^3", ge=0)
    width_model: Literal["fixed", "adiabatic", "dynamic"] = key(
        "Width: fixed, following the tilt, or a coordinate of its own.", "adiabatic"
    )


class ChainTable(Table):
    """`[calculation.chain]`: the full profile."""

    drift: float = key("Drift velocity.", unit="m/s")
    duration: float = key("Simulated time.", 2.0, unit="ns", gt=0)
    cells: int = key("Cells of the wire.", 200, ge=10, le=20_000)
    cell: float = key("Length of a cell.", 2.0, unit="nm", gt=0)
    start: float = key("Wall's first position, as a share of the wire.", 0.3, gt=0, lt=1)


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["domain_wall"] = key("A wall driven by current and field.")
    drifts: tuple[float, float, int] = key(
        "Drift velocities of the curve: first, last, number.", unit="m/s"
    )
    shown: list[float] = key("Drift velocities of the paths shown.", unit="m/s", min_length=1)
    field: float = key("Field along the domain that grows with q.", 0.0, unit="A/m")
    pinning: float = key("Strength of a harmonic pinning field at q = 0.", 0.0, unit="A/m per nm")
    duration: float = key("Time of each path.", 40.0, unit="ns", gt=0)
    samples: int = key("Outputs of each path.", 2001, ge=11, le=1_000_000)
    chain: ChainTable | None = key("Full profile; leave out for none.", None)


def wall_of(card: Card) -> Wall:
    """The wall that `[system]` describes."""
    from negf_torque.llg.walls import Wall

    s = card.system
    return Wall(
        s.saturation_magnetisation, s.damping, s.beta, s.exchange, s.easy, s.hard, s.width_model
    )


def check(card: Card) -> dict[tuple, str]:
    """The chain's cells must resolve the wall."""
    part, s = card.calculation.chain, card.system
    if card.calculation.drifts[2] < 2:
        return {("calculation", "drifts"): "needs at least two points."}
    if part is None:
        return {}
    width = np.sqrt(s.exchange / s.easy) * 1e9
    if part.cell > 0.75 * width:
        text = f"{part.cell:g} nm does not resolve a wall of {width:.3g} nm."
        return {("calculation", "chain", "cell"): f"{text} Give at most {0.75 * width:.3g} nm."}
    return {}


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Velocity curve, paths, profile."""
    from negf_torque.llg.walls import drift_velocity, harmonic_pinning, move, walker_drift

    p, wall = card.calculation, wall_of(card)
    pinning = harmonic_pinning(p.pinning) if p.pinning else None
    drifts = np.linspace(p.drifts[0], p.drifts[1], int(p.drifts[2]))
    progress.start("velocities", len(drifts) + len(p.shown))

    def path(u: float) -> Any:
        found = move(
            wall, p.duration, drift=u, field=p.field, pinning=pinning,
            samples=p.samples, tolerance=1e-8,
        )  # fmt: skip
        progress.advance()
        return found

    found = [path(u) for u in drifts]
    velocity = [_mean_velocity(one.time, one.position, one.tilt) for one in found]
    paths = [path(u) for u in p.shown]
    u_c, u_w = walker_drift(wall)
    values: dict[str, Any] = {
        "velocity_formula": drift_velocity(wall, drifts),
        "velocity": velocity,
        "position": [one.position for one in paths],
        "tilt": [one.tilt for one in paths],
        "width": [one.width for one in paths],
    }
    coords: dict[str, Any] = {"drift": drifts, "shown": p.shown, "time": paths[0].time}
    if p.chain:
        progress.start("profile")
        _profile(card, values, coords)
    return labelled(
        VARIABLES,
        values,
        coords,
        converged=True,
        critical_drift=float(u_c),
        walker_drift=float(u_w) if np.isfinite(u_w) else -1.0,
        wall_width=float(wall.width),
        slope=card.system.beta / card.system.damping,
    )


def _mean_velocity(time: np.ndarray, position: np.ndarray, tilt: np.ndarray) -> float:
    """Mean over whole turns of the tilt where it turns, over the last 30 % otherwise, m/s."""
    crossings = np.flatnonzero(np.diff(np.floor(np.abs(tilt) / np.pi)))
    first, last = int(0.7 * len(time)), -1
    if len(crossings) >= 3:
        first, last = crossings[1], crossings[-1]
    return float((position[last] - position[first]) / (time[last] - time[first]))


def _profile(card: Card, values: dict[str, Any], coords: dict[str, Any]) -> None:
    from negf_torque.llg.chain import Chain, run, wall_position, wall_start

    s, part = card.system, card.calculation.chain
    chain = Chain(
        s.saturation_magnetisation, s.damping, s.beta, s.exchange, s.easy, s.hard,
        part.cells, part.cell,
    )  # fmt: skip
    start = wall_start(chain, part.start * part.cells * part.cell)
    applied = card.calculation.field * chain.easy_axis
    times, m = run(chain, start, part.duration, drift=part.drift, applied=applied, samples=41)
    coords |= {"chain_time": times, "cell": chain.positions, "component": list("xyz")}
    values |= {"profile": m, "chain_position": wall_position(chain, m)}


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Thresholds, width, velocities of the paths shown."""
    found = [
        Scalar("wall_width", dataset.attrs["wall_width"], "nm", note="sqrt(A/K_u)"),
        Scalar("u_c", dataset.attrs["critical_drift"], "m/s", note="g0 H_perp Delta/2"),
        Scalar(
            "u_walker",
            dataset.attrs["walker_drift"] if dataset.attrs["walker_drift"] >= 0 else np.inf,
            "m/s",
            note="u_c alpha/|beta - alpha|; above it the tilt turns",
        ),
        Scalar("slope", dataset.attrs["slope"], "1", note="v/u = beta/alpha below the threshold"),
    ]
    for k, u in enumerate(dataset["shown"].values):
        one = dataset.isel(shown=k)
        speed = _mean_velocity(*(one[name].values for name in ("time", "position", "tilt")))
        note = "over whole turns of the tilt, or the last 30 %"
        found.append(Scalar(f"velocity[u = {u:g} m/s]", speed, "m/s", note=note))
    return found


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Velocity curve, paths, profile."""
    from negf_torque.study import style

    canvas, axes = style.figure(3, 1, height=8.8)
    looks = style.lines(markers=False)
    axes[0].plot(
        dataset["drift"],
        dataset["velocity_formula"],
        label="closed form, fixed width",
        **next(looks),
    )
    axes[0].plot(
        dataset["drift"], dataset["velocity"], "o", markersize=3, color=style.PALETTE[1],
        label="path",
    )  # fmt: skip
    axes[0].plot(
        dataset["drift"], dataset["drift"], color="0.7", linewidth=1, label=r"$v = u$", zorder=0
    )
    if dataset.attrs["walker_drift"] >= 0:
        axes[0].axvline(dataset.attrs["walker_drift"], color="0.3", linestyle=":", linewidth=1.2,
                        label="Walker breakdown")
    axes[0].set(xlabel="Drift velocity $u$ (m/s)", ylabel="Wall velocity (m/s)")
    style.legend(axes[0], inside=True)
    for name, panel, label in (
        ("position", axes[1], "Position (nm)"),
        ("tilt", axes[2], r"Tilt (units of $\pi$)"),
    ):
        looks = style.lines(markers=False)
        for k, u in enumerate(dataset["shown"].values):
            values = dataset[name].isel(shown=k) / (np.pi if name == "tilt" else 1)
            panel.plot(dataset["time"], values, label=f"u = {u:g} m/s", **next(looks))
        panel.set(ylabel=label)
    axes[1].sharex(axes[2])
    axes[1].tick_params(labelbottom=False)
    axes[2].set_xlabel("Time (ns)")
    style.legend(axes[2], inside=True)
    drawn = {"wall": canvas}
    if "profile" in dataset:
        drawn["profile"] = _profiles(dataset)
    return drawn


def animations(dataset: xr.Dataset, form: str | None = None) -> dict[str, bytes]:
    """A film of the wall's profile, where a form is asked for and the profile was kept."""
    from negf_torque.study.calculations._wall_film import film

    if form is None or "profile" not in dataset:
        return {}
    return {f"film_wall.{form}": film(dataset, form)}


def _profiles(dataset: xr.Dataset) -> Figure:
    """m_z over time and place, and three profiles."""
    from negf_torque.study import style

    canvas, (left, right) = style.figure(2, 1, height=6.6)
    mesh = left.pcolormesh(
        dataset["cell"],
        dataset["chain_time"],
        dataset["profile"].sel(component="z"),
        cmap=style.DIVERGING,
        vmin=-1,
        vmax=1,
        shading="nearest",
    )
    canvas.colorbar(mesh, ax=left, label="$m_z$")
    left.plot(dataset["chain_position"], dataset["chain_time"], color="black", linewidth=1)
    left.set(xlabel="Position (nm)", ylabel="Time (ns)")
    left.grid(False)
    last = dataset["profile"].isel(chain_time=-1)
    for component, look in zip("xyz", style.lines(markers=False), strict=False):
        values = last.sel(component=component)
        right.plot(dataset["cell"], values, label=f"$m_{component}$", **look)
    right.set(
        xlabel="Position (nm)", ylabel=f"Magnetisation at {float(dataset['chain_time'][-1]):g} ns"
    )
    style.legend(right, inside=True)
    return canvas
