"""`kind = "coupling"`: interlayer exchange coupling against the spacer's thickness.

Two magnets on both sides of a spacer: the coupling J1 from Lloyd's formula and from the torque at
90 degrees, its oscillation periods from a Fourier spectrum and a fit, and the extremal spanning
vectors of the spacer's Fermi surface, which say what the periods should be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator

from negf_torque.study import style
from negf_torque.study.base import CalculationTable, Listing, Scalar, key
from negf_torque.study.calculations.spin_valve import check as _check_magnets
from negf_torque.study.labels import Variable, labelled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "check", "figures", "listings", "run", "summary"]

VARIABLES: dict[str, Variable] = {
    "thickness": Variable(("thickness",), "layers", "Spacer thickness"),
    "coupling": Variable(
        ("thickness",),
        "eV per cell",
        "Coupling J1 (energies)",
        "Omega = -J1 cos(angle); positive: parallel favoured.  Lloyd, (antiparallel - parallel)/2.",
    ),
    "biquadratic": Variable(
        ("thickness",), "eV per cell", "Biquadratic coupling J2", "Omega = ... - J2 cos^2(angle)."
    ),
    "coupling_from_torque": Variable(
        ("thickness",), "eV per cell", "Coupling J1 (torque)", "dOmega/d angle at 90 degrees."
    ),
    "period": Variable(("oscillation",), "layers", "Fitted period", "Strongest first."),
    "amplitude": Variable(("oscillation",), "eV per cell", "Amplitude of N^p J1"),
    "fit_residual": Variable((), "1", "Residual of the fit", "Root mean square, relative."),
    "spanning_period": Variable(
        ("extremum",), "layers", "Period of an extremal spanning vector", "2 pi/q, q folded."
    ),
    "spanning_momentum": Variable(("extremum", "direction"), "1/cell", "Its momentum"),
    "spanning_kind": Variable(("extremum",), "", "Maximum, minimum or saddle"),
    "spectrum": Variable(("wave_number",), "eV per cell", "Fourier spectrum of N^p J1"),
    "wave_number": Variable(("wave_number",), "1/layer", "Wave number"),
}


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["coupling"] = key("Coupling against the spacer's thickness.")
    free: str = key("Name of one magnet; an electrode may be one.", "free")
    fixed: str = key("Name of the other magnet.", "fixed")
    energy: float = key("Fermi energy.", unit="eV")
    spacer: int = key("Number of the spacer in the list of layers, from 0.", 1, ge=0)
    thicknesses: list[int] = key(
        "Numbers of atomic layers of the spacer; periods need successive ones.",
        list(range(1, 21)),
        unit="layers",
        min_length=1,
    )
    first_fitted: int = key(
        "Thinnest spacer that the periods are fitted to: thin ones are not asymptotic.",
        5,
        unit="layers",
        ge=1,
    )
    periods: int = key("Number of periods to fit.", 1, ge=1, le=6)
    temperature: float = key("Temperature.", 0.0, unit="K", ge=0)
    tolerance: float = key("Relative error that is asked for.", 1e-3, ge=1e-12, le=0.1)
    mesh: int | None = key(
        "Instead of meshes that are refined: points of a uniform shifted mesh per direction.",
        None,
        ge=1,
        le=4096,
    )
    max_evaluations: int = key(
        "Points (momentum, energy) per thickness after which refinement gives up.",
        50_000_000,
        ge=1,
    )

    @field_validator("thicknesses")
    @classmethod
    def _layers(cls, value: list[int]) -> list[int]:
        if min(value) < 1 or len(set(value)) != len(value):
            raise ValueError("has a thickness below 1 or one that is there twice.")
        return sorted(value)


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table."""
    from negf_torque.study.builders import stack

    if not isinstance(card.system, stack.System):
        return {("system",): 'the spacer must be a layer of builder = "stack".'}
    problems = _check_magnets(card)
    layers = card.system.layers
    if card.calculation.spacer >= len(layers):
        problems["calculation", "spacer"] = (
            f"{card.calculation.spacer} is none of the {len(layers)} layers, numbered from 0."
        )
    elif layers[card.calculation.spacer].exchange:
        problems["calculation", "spacer"] = (
            f"layer {card.calculation.spacer} is a magnet. Name the layer between both magnets."
        )
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """See `negf_torque.transport.coupling` and `negf_torque.transport.spanning`."""
    from negf_torque.transport.coupling import interlayer_coupling
    from negf_torque.transport.sampling import Sampling

    p = card.calculation
    sampling = Sampling(p.tolerance, p.mesh, p.temperature, p.max_evaluations)
    progress.start("thicknesses", len(p.thicknesses))
    found = []
    for count in p.thicknesses:
        found.append(interlayer_coupling(_chain(card, count), p.fixed, p.free, p.energy, sampling))
        progress.advance(1, f"{count} layers")
    values: dict[str, Any] = {
        "coupling": [f.bilinear for f in found],
        "coupling_error": [f.energy_error for f in found],
        "biquadratic": [f.biquadratic for f in found],
        "biquadratic_error": [f.energy_error for f in found],
        "coupling_from_torque": [f.torque for f in found],
        "coupling_from_torque_error": [f.torque_error for f in found],
    }
    coords: dict[str, Any] = {"thickness": p.thicknesses}
    progress.start("periods")
    fitted, axes = _periods(p, np.array(values["coupling"]), _chain(card, 4).dimension)
    spanning, more = _spanning(card)
    dataset = labelled(
        VARIABLES,
        values | fitted | spanning,
        coords | axes | more,
        converged=all(f.converged for f in found),
    )
    if _chain(card, 1).dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            variable.attrs["units"] = units.replace(" per cell", "")
    return dataset


def _chain(card: Card, count: int) -> LayerChain:
    from dataclasses import replace

    from negf_torque.lattice import build_stack, layer_chain
    from negf_torque.study.builders import stack

    given = stack.arguments(card.system)
    layers = list(given["layers"])
    number = card.calculation.spacer
    layers[number] = replace(layers[number], thickness=count)
    return layer_chain(build_stack(**(given | {"layers": layers})))


def _periods(p: Any, coupling: np.ndarray, dimension: int) -> tuple[dict, dict]:
    from negf_torque.transport.coupling import oscillation

    thickness = np.array(p.thicknesses)
    use = thickness >= p.first_fitted
    if use.sum() < 6 * p.periods or np.any(np.diff(thickness[use]) != 1):
        return {}, {}
    found = oscillation(thickness[use], coupling[use], p.periods, 1 + dimension / 2)
    return (
        {
            "period": found.periods,
            "amplitude": found.amplitudes,
            "fit_residual": found.residual,
            "spectrum": found.spectrum,
        },
        {
            "oscillation": np.arange(p.periods),
            "wave_number": found.spectrum_wave_numbers,
        },
    )


def _spanning(card: Card) -> tuple[dict, dict]:
    from negf_torque.transport.spanning import spanning_vectors

    p = card.calculation
    chain = _chain(card, 4)
    before = 1 + sum(layer.thickness for layer in card.system.layers[: p.spacer])
    found = spanning_vectors(chain, before + 1, p.energy)
    if not found:
        return {}, {}
    values: dict[str, Any] = {
        "spanning_period": [one.period for one in found],
        "spanning_kind": np.array([one.kind for one in found], dtype=str),
    }
    if chain.dimension:
        values["spanning_momentum"] = [one.momentum for one in found]
    return values, {"extremum": np.arange(len(found))}


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Strongest coupling, fitted periods and those of the Fermi surface."""
    converged = bool(dataset.attrs.get("converged", True))
    found = []
    for count in dataset["thickness"].values[:3]:
        one = dataset.sel(thickness=count)
        for name in ("coupling", "coupling_from_torque"):
            unit = one[name].attrs["units"]
            error = float(one[f"{name}_error"])
            label = f"{name}[{count} layers]"
            found.append(Scalar(label, float(one[name]), unit, error, converged))
    if "period" in dataset:
        for index, period in enumerate(dataset["period"].values):
            residual = float(dataset["fit_residual"])
            note = f"fit leaves {residual:.1%} (rms)"
            found.append(Scalar(f"period[{index}]", float(period), "layers", note=note))
    if "spanning_period" in dataset:
        for period, kind in zip(
            dataset["spanning_period"].values, dataset["spanning_kind"].values, strict=True
        ):
            note = f"extremal spanning vector, {kind}"
            found.append(Scalar("spanning_period", float(period), "layers", note=note))
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """Coupling thickness by thickness."""
    names = ("coupling", "coupling_from_torque", "biquadratic")
    rows = tuple(
        (int(count), *(float(dataset[name][index]) for name in names))
        for index, count in enumerate(dataset["thickness"].values)
    )
    unit = dataset["coupling"].attrs["units"]
    columns = ("layers", "J1 (energies)", "J1 (torque)", "J2")
    return [Listing(f"Interlayer exchange coupling, in {unit}", columns, rows)]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Coupling against thickness, and its Fourier spectrum with the spacer's periods."""
    drawing, axes = style.figure(height=3.6)
    n, looks = dataset["thickness"].values, style.lines()
    scale = n.astype(float) ** 2 if "spanning_momentum" in dataset else n.astype(float)
    power = "^2" if "spanning_momentum" in dataset else ""
    look = style.beneath(next(looks))
    axes.plot(n, scale * dataset["coupling"], label="Lloyd's formula", **look)
    axes.plot(n, scale * dataset["coupling_from_torque"], label="torque", **next(looks))
    style.zero_line(axes)
    axes.set_xlabel("Spacer thickness N (layers)")
    axes.set_ylabel(f"$N{power} J_1$ ({dataset['coupling'].attrs['units']})")
    axes.xaxis.get_major_locator().set_params(integer=True)
    style.shared_legend(drawing, axes)
    drawn = {"coupling": drawing}
    if "spectrum" in dataset:
        drawn["periods"] = _spectrum_figure(dataset)
    return drawn


def _spectrum_figure(dataset: xr.Dataset) -> Figure:
    drawing, axes = style.figure(height=4.4)
    axes.plot(dataset["wave_number"], dataset["spectrum"], color=style.PALETTE[0], label="Fourier")
    for index, period in enumerate(dataset["period"].values):
        axes.axvline(
            2 * np.pi / period,
            color=style.PALETTE[1],
            linestyle="--",
            label=f"fit: {period:.4g} layers" if index < 3 else None,
        )
    if "spanning_period" in dataset:
        for period in dataset["spanning_period"].values:
            axes.axvline(
                2 * np.pi / period,
                color=style.PALETTE[2],
                linestyle=":",
                linewidth=2.4,
                label=f"Fermi surface: {period:.4g} layers",
            )
    axes.set_xlabel("Wave number q (1/layer)")
    axes.set_ylabel("Spectrum (eV)")
    style.shared_legend(drawing, axes)
    return drawing
