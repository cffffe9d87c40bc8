"""`kind = "terminals"`: any number of leads, voltages and currents at them, floating ones.

Terminals that are given neither voltage nor current float: they are voltage probes through which
no net charge flows, while spin does.  Currents, spin currents and torques are given per current
that the source injects, for every angle of a magnet if one turns.  The torque is the complete
linear response (window and Fermi sea), independent of a common voltage of all terminals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, key
from negf_torque.study.calculations._angles import in_half_turn
from negf_torque.study.calculations._terminals_variables import VARIABLES
from negf_torque.study.complaints import nearest

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "check", "estimate", "figures", "listings", "run", "summary"]


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["terminals"] = key("Any number of leads with voltages, currents or floating.")
    energy: float = key("Fermi energy.", unit="eV")
    source: str = key("Terminal whose injected current is the unit of all results.", "injector")
    names: list[str] | None = key(
        "Names of the leads in the builder's order; default the builder's own, or lead 0, lead 1 "
        "...",
        None,
        min_length=2,
    )
    voltages: dict[str, float] = key(
        "Voltages of terminals by name; terminals in neither table float.", {}, unit="V"
    )
    currents: dict[str, float] = key(
        "Currents into the device by name of the terminal; only their ratios and the ratio to "
        "the voltages matter.",
        {},
        unit="e^2/h V",
    )
    probes: tuple[str, str] | None = key(
        "Two terminals whose voltage difference per injected current is the nonlocal resistance.",
        None,
    )
    free: str | None = key("Magnet that turns; none: the device as it is built.", None)
    fixed: str | None = key("Magnet from which the angle is counted.", None)
    angles: list[float] = key(
        "Angles between the majority spins of both magnets.",
        [float(angle) for angle in range(0, 181, 15)],
        unit="deg",
        min_length=1,
    )
    shown: float = key("Angle of the maps; the nearest of `angles` is drawn.", 90.0, unit="deg")
    response: Literal["complete", "window"] = key(
        "Complete linear response, or the window's part alone.",
        "complete",
    )
    neutrality: Literal["electrochemical", "neutral"] = key(
        "Potential of the complete response: the local electrochemical potential, or full "
        "neutrality site by site (up to 500 sites).",
        "electrochemical",
    )
    temperature: float = key("Temperature of the leads.", 0.0, unit="K", ge=0)
    tolerance: float = key(
        "Relative error of averages and contour integrals.", 1e-6, ge=1e-11, le=0.1
    )
    max_evaluations: int = key(
        "Energies after which an average gives up.", 100_000, ge=1, le=100_000_000
    )

    @field_validator("angles")
    @classmethod
    def _in_half_turn(cls, value: list[float]) -> list[float]:
        return sorted(in_half_turn(value))

    @model_validator(mode="after")
    def _fits(self) -> Parameters:
        if (self.free is None) != (self.fixed is None):
            raise ValueError("has only one of `free` and `fixed`. Give both, or none.")
        return self


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table: names of terminals and magnets."""
    p = card.calculation
    problems: dict[tuple, str] = {}
    terminals = _names(card)
    if terminals is not None:
        used: list[tuple[tuple, str]] = [(("source",), p.source)]
        used += [(("voltages", name), name) for name in p.voltages]
        used += [(("currents", name), name) for name in p.currents]
        used += [(("probes", number), name) for number, name in enumerate(p.probes or ())]
        for path, name in used:
            if name not in terminals:
                remedy = nearest(name, terminals, "terminals")
                problems["calculation", *path] = f'no terminal is named "{name}". {remedy}'
    magnets = getattr(card.system, "magnets", None)
    for role in ("free", "fixed"):
        name = getattr(p, role)
        if magnets is not None and name is not None and name not in magnets:
            remedy = nearest(name, magnets, "magnets")
            problems["calculation", role] = f'no magnet is named "{name}". {remedy}'
    if p.free is not None and p.free == p.fixed:
        problems["calculation", "free"] = f'"{p.free}" is the fixed magnet as well.'
    for name in sorted(set(p.voltages) & set(p.currents)):
        problems["calculation", "currents", name] = f'"{name}" has a voltage as well. Give one.'
    if not any(p.currents.values()) and 0 < len(set(p.voltages.values())) < 2:
        problems["calculation", "voltages"] = (
            "nothing drives the device: give two terminals different voltages, or one a current."
        )
    return problems


def _names(card: Card) -> tuple[str, ...] | None:
    """The terminals' names, as far as the card alone tells."""
    if card.calculation.names is not None:
        return tuple(card.calculation.names)
    from negf_torque.study.card import builder_module

    return getattr(builder_module(card.system.builder), "TERMINALS", None)


def estimate(card: Card) -> list[Scalar]:
    """Size of the problem, and the time of one angle's window, measured."""
    from negf_torque.study.calculations._terminals_dataset import measured_cost

    return measured_cost(card, _names(card))


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the device; see `negf_torque.transport.driven`."""
    from negf_torque.study.calculations._terminals_dataset import calculate

    return calculate(card, _names(card), progress)


def _at(dataset: xr.Dataset, degrees: float) -> xr.Dataset | None:
    """The result at an angle if it is there."""
    if dataset.sizes["angle"] == 1:
        return dataset.isel(angle=0)
    place = np.flatnonzero(np.isclose(np.degrees(dataset["angle"].values), degrees, atol=1e-6))
    return dataset.isel(angle=int(place[0])) if len(place) else None


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Currents and voltages at the terminals, nonlocal resistance, torques at the shown angle."""
    shown = dataset.isel(angle=int(dataset.attrs["shown"]))
    converged = bool(dataset.attrs["converged"])
    here = f"{np.degrees(float(shown['angle'])):g} deg"
    found = []
    if "nonlocal_resistance" in dataset:
        ends = [end for end in (_at(dataset, angle) for angle in (0, 180)) if end is not None]
        if dataset.sizes["angle"] > 1 and len(ends) == 2:
            values = [float(end["nonlocal_resistance"]) for end in ends]
            for name, value in zip(("parallel", "antiparallel"), values, strict=True):
                found.append(Scalar(f"nonlocal_resistance[{name}]", value, "h/e^2"))
            found.append(
                Scalar("nonlocal_spin_signal", values[0] - values[1], "h/e^2",
                       note="parallel minus antiparallel")
            )
        else:
            value = float(shown["nonlocal_resistance"])
            found.append(Scalar(f"nonlocal_resistance[{here}]", value, "h/e^2"))
    for terminal in dataset["terminal"].values:
        one = shown.sel(terminal=terminal)
        size = float(np.linalg.norm(one["spin_current"]))
        found.append(Scalar(f"voltage[{terminal}, {here}]", float(one["voltage"]), "h/e^2"))
        found.append(Scalar(f"current[{terminal}, {here}]", float(one["current"]), "1"))
        found.append(
            Scalar(f"spin_current[{terminal}, {here}]", size, "hbar/2e", note="its size")
        )
    part = "complete" if dataset.attrs["response"] == "complete" else "window part"
    for magnet in dataset["magnet"].values:
        for component in "xyz":
            at = {"magnet": magnet, "component": component}
            torque, bound = float(shown["torque"].sel(at)), shown["torque_error"]
            # results of earlier versions have one bound for all components
            error = float(bound.sel({name: at[str(name)] for name in bound.dims}))
            found.append(
                Scalar(f"torque[{magnet}, {component}, {here}]", torque, "hbar/2e", error,
                       converged, f"per injected current, {part}")
            )
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """What flows at each terminal at the shown angle; torque against angle."""
    shown = dataset.isel(angle=int(dataset.attrs["shown"]))
    rows = tuple(
        (
            str(name),
            float(shown["voltage"].sel(terminal=name)),
            float(shown["current"].sel(terminal=name)),
            *map(float, shown["spin_current"].sel(terminal=name)),
        )
        for name in dataset["terminal"].values
    )
    here = np.degrees(float(shown["angle"]))
    found = [
        Listing(
            f"Terminals at {here:g} degrees, per injected current",
            ("terminal", "voltage (h/e^2)", "current", "spin x (hbar/2e)", "y", "z"),
            rows,
        )
    ]
    for magnet in dataset["magnet"].values:
        torque = dataset["torque"].sel(magnet=magnet)
        found.append(
            Listing(
                f"Torque on {magnet} per injected current, hbar/2e",
                ("angle (deg)", "x", "y", "z"),
                tuple(
                    (float(np.degrees(angle)), *map(float, row))
                    for angle, row in zip(dataset["angle"].values, torque.values, strict=True)
                ),
            )
        )
    return found


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """See `_terminals_figures`."""
    from negf_torque.study.calculations._terminals_figures import figures as draw

    return draw(dataset)
