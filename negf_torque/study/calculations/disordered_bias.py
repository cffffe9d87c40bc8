"""`kind = "disordered_bias"`: a device with impurities at finite bias.

Current and torques on every magnet against the voltage, impurities averaged by Born or the coherent
potential with vertex corrections; window and all occupied states, and the spin that magnetic
impurities take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from negf_torque.study.base import CalculationTable, Listing, Scalar, key
from negf_torque.study.calculations._disorder import check_impurities
from negf_torque.study.labels import Variable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "check", "figures", "listings", "run", "summary"]

READS_IMPURITIES = True
_TORQUE = "eV per cell"
_SIGN = "J; the torque is J/(4 pi), an energy; on the magnet's moments."

VARIABLES: dict[str, Variable] = {
    "voltage": Variable(("voltage",), "V", "Voltage", "V > 0 drives electrons to the right."),
    "magnet": Variable(("magnet",), "", "Magnet"),
    "component": Variable(("component",), "", "Component of the spin"),
    "current": Variable(
        ("voltage",), "e/h eV per cell", "Current", "Of electrons from left to right, times e."
    ),
    "window_torque": Variable(
        ("voltage", "magnet", "component"), _TORQUE, "Torque of the bias window", _SIGN
    ),
    "sea_torque": Variable(
        ("voltage", "magnet", "component"), _TORQUE, "Torque of all occupied states", _SIGN
    ),
    "torque": Variable(("voltage", "magnet", "component"), _TORQUE, "Torque", _SIGN),
    "impurity_torque": Variable(
        ("voltage", "component"), _TORQUE, "Spin lost to magnetic impurities", "Window and sea."
    ),
    "profile": Variable(("layer",), "1", "Potential of the layers per volt"),
    "layer": Variable(("layer",), "1", "Layer"),
}


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["disordered_bias"] = key("A device with impurities at finite bias.")
    energy: float = key("Chemical potential without a voltage.", unit="eV")
    voltages: list[float] = key("Voltages.", [0.0, 0.1, 0.2], unit="V", min_length=1)
    drop: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] = key(
        "Atomic layers first to last over which the potential falls linearly, counted as in "
        "`[[impurities]]`."
    )
    temperature: float = key("Temperature of the leads.", 0.0, unit="K", ge=0)
    tolerance: float = key("Relative error of the integrals over energies.", 1e-4, ge=1e-9, le=0.1)

    @field_validator("voltages")
    @classmethod
    def _once(cls, value: list[float]) -> list[float]:
        if len(set(value)) != len(value):
            raise ValueError("has a voltage twice. Give each once.")
        return value


def check(card: Card) -> dict[tuple, str]:
    """Averaged media only, and one at a time."""
    problems = check_impurities(card)
    if not card.impurities:
        problems[("impurities",)] = 'missing. Without impurities take kind = "bias_sweep".'
    if card.disorder and card.disorder.methods != [card.disorder.method]:
        problems["disorder", "compare"] = "one method at a time at finite bias. Run a second card."
    if card.disorder and card.disorder.method == "configurations":
        problems["disorder", "method"] = 'finite bias is there for "born" and "coherent-potential".'
    first, last = card.calculation.drop
    if last < first:
        problems["calculation", "drop"] = f"{[first, last]}: the last comes before the first."
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Voltage by voltage; see `negf_torque.transport.disordered_bias`."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.calculations._disorder import lead_impurities
    from negf_torque.study.impurities import DisorderTable
    from negf_torque.study.labels import labelled
    from negf_torque.transport.disordered_bias import disordered_finite_bias
    from negf_torque.transport.profile import linear_profile
    from negf_torque.transport.torque import sum_by_magnet

    p, table = card.calculation, card.disorder or DisorderTable()
    progress.start("building the device")
    chain = layer_chain(card.build())
    profile = linear_profile(chain, *p.drop)
    kinds = [impurity.impurity() for impurity in card.impurities]
    progress.start("voltages", len(p.voltages))
    points = []
    for voltage in p.voltages:
        points.append(
            disordered_finite_bias(
                chain, p.energy, voltage, profile, kinds, table.method, table.fixed_mesh,
                p.tolerance, lead_impurities(card), temperature=p.temperature,
            )
        )  # fmt: skip
        progress.advance(note=f"{voltage:g} V")

    def by_magnet(name: str) -> np.ndarray:
        return np.array(
            [sum_by_magnet(chain.sites, getattr(x, name), chain.magnets) for x in points]
        )

    fields = np.linalg.norm(chain.sites.exchange, axis=1).sum()
    dataset = labelled(
        VARIABLES,
        {
            "current": [x.current for x in points],
            "current_error": [x.current_error for x in points],
            "window_torque": by_magnet("window_torque"),
            "sea_torque": by_magnet("sea_torque"),
            "torque": by_magnet("site_torque"),
            "torque_error": (("voltage",), [fields * x.torque_error for x in points]),
            "impurity_torque": [
                (x.window_impurity_torque + x.sea_impurity_torque).sum(axis=0) for x in points
            ],
            "profile": profile,
        },
        {
            "voltage": p.voltages,
            "magnet": list(chain.magnets),
            "component": ["x", "y", "z"],
            "layer": np.arange(len(profile)),
        },
        converged=all(x.converged for x in points),
        disorder_method=table.method,
    )
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            variable.attrs["units"] = variable.attrs.get("units", "").replace(" per cell", "")
    return dataset


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Current and torques at every voltage."""
    converged = bool(dataset.attrs.get("converged", True))
    found = []
    for voltage in dataset["voltage"].values:
        one = dataset.sel(voltage=voltage)
        unit, error = dataset["current"].attrs["units"], float(one["current_error"])
        found.append(
            Scalar(f"current[{voltage:g} V]", float(one["current"]), unit, error, converged)
        )
        for magnet in dataset["magnet"].values:
            for component in "xyz":
                value = float(one["torque"].sel(magnet=magnet, component=component))
                name = f"torque[{voltage:g} V, {magnet}, {component}]"
                unit, error = dataset["torque"].attrs["units"], float(one["torque_error"])
                note = "window and sea; J, the torque is J/(4 pi)"
                found.append(Scalar(name, value, unit, error, converged, note))
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """The parts of the torque."""
    rows = tuple(
        (float(v), str(m), part, *map(float, dataset[f"{part}_torque"].sel(voltage=v, magnet=m)))
        for v in dataset["voltage"].values
        for m in dataset["magnet"].values
        for part in ("window", "sea")
    )
    unit = dataset["torque"].attrs["units"]
    return [Listing(f"Torque, in {unit}", ("V", "magnet", "part", "x", "y", "z"), rows)]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Current and torques against the voltage, where there are several."""
    from negf_torque.study import style

    if dataset.sizes["voltage"] < 2:
        return {}
    data = dataset.sortby("voltage")
    drawing, axes = style.figure(1 + data.sizes["magnet"], 1,
                                 height=2.6 * (1 + data.sizes["magnet"]), sharex=True,
                                 squeeze=False)  # fmt: skip
    axes = axes[:, 0]
    axes[0].plot(data["voltage"], data["current"], color=style.PALETTE[0], marker="o")
    axes[0].set_ylabel(style.axis_label("Current", data["current"].attrs["units"]))
    for axis, magnet in zip(axes[1:], data["magnet"].values, strict=True):
        for component, look in zip("xyz", style.lines(), strict=False):
            values = data["torque"].sel(magnet=magnet, component=component)
            axis.plot(data["voltage"], values, label=component, **look)
            style.band(axis, data["voltage"], values, data["torque_error"], look["color"])
        axis.set_ylabel(style.axis_label(f'Torque on "{magnet}"', data["torque"].attrs["units"]))
        style.legend(axis, title="along")
    axes[-1].set_xlabel("Voltage (V)")
    return {"bias": drawing}
