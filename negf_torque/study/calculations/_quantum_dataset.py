"""Runs of a quantum chain as a labelled dataset, its numbers and its tables."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.manybody import (
    REGIONS,
    Evolution,
    LocalState,
    Packet,
    QuantumChain,
    TooLargeError,
    classical_directions,
    composite_levels,
    degeneracies,
    ehrenfest,
    evolve,
    macrospin,
    occupied_sectors,
    orbital_purity,
    readable,
    run_size,
    spin_levels,
    wave_packet,
)
from negf_torque.study.base import Listing, Scalar
from negf_torque.study.calculations._quantum_variables import VARIABLES
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["dataset_of", "scalars", "tables"]

AXES = ("x", "y", "z")
FLOWS = ("number", *AXES)
#: Largest drift of the classical energy that passes without a warning, eV.
CLASSICAL_DRIFT = 1e-5


def dataset_of(
    card: Card, model: QuantumChain, local: LocalState, times: np.ndarray, progress: Progress
) -> xr.Dataset:
    """Everything that the card asks for."""
    from negf_torque.study.calculations.quantum_chain import injection_name

    table = card.calculation
    names = [injection_name(direction) for direction in table.electron_spins]
    runs = [
        _evolve(card, model, direction, local, times, progress, f"electron {name}")
        for direction, name in zip(table.electron_spins, names, strict=True)
    ]
    values, coords = _run_values(runs, table.profiles), _coords(model, names, times)
    labels, probability = _most_populated(runs, table.configurations)
    coords["configuration"] = labels
    total = np.array([run.samples.probability.sum(axis=1) for run in runs])
    values["probability"] = probability
    values["probability_other"] = np.maximum(total - probability.sum(axis=2), 0)
    warnings = [
        f"Electron {name}: {text}" if "wall" in text else text
        for run, name in zip(runs, names, strict=True)
        for text in run.warnings
    ]
    if table.method == "crank-nicolson":
        warnings.append(
            "Crank-Nicolson has no bound on its error: halve crank_nicolson_step and compare."
        )
    if table.animation == "mp4" and shutil.which("ffmpeg") is None:
        warnings.append("The program ffmpeg is missing: the film is a gif instead of an mp4.")
    if table.classical:
        progress.start("classical local spins", len(names))
        values |= _classical(card, model, local, times, progress, warnings)
    if table.macrospin and model.n_spins > 1:
        extra, extra_coords = _macrospin(card, model, local, times, progress, names, warnings)
        values |= extra
        coords |= extra_coords
    if table.levels:
        progress.start("levels")
        values |= _levels(model, table.levels, 1e9 * table.memory_limit, warnings)
    return labelled(
        VARIABLES,
        values,
        coords,
        converged=True,
        method=table.method,
        tolerance=table.tolerance,
        animation=table.animation,
        two_s=model.two_s.tolist(),
        warnings=list(dict.fromkeys(warnings)),
    )


def _evolve(
    card: Card,
    model: QuantumChain,
    direction: Any,
    local: LocalState,
    times: np.ndarray,
    progress: Progress,
    stage: str,
    plain: bool = False,
) -> Evolution:
    """One run with the numerical choices of the card; `plain` for the macrospin."""
    table = card.calculation
    everything = tuple(range(int(model.two_s.sum()) + 2)) if table.full_space else None
    sectors = everything or occupied_sectors(model, direction, local)
    size = run_size(model.length, model.two_s, sectors, len(times), table.entanglement)
    stage += f" ({size.dimension} spin configurations, {size.states} states, "
    progress.start(f"{stage}{readable(size.memory)})", float(times[-1]) or None)
    return evolve(
        model,
        times,
        packet=Packet(**table.packet.model_dump()),
        electron_spin=direction,
        local_state=local,
        tolerance=table.tolerance,
        method="chebyshev" if plain else table.method,
        step=table.crank_nicolson_step,
        shift=table.crank_nicolson_shift,
        entanglement=table.entanglement,
        memory_limit=1e9 * table.memory_limit,
        sectors=sectors,
        progress=lambda time: progress.update(done=time),
    )


def _coords(model: QuantumChain, names: list[str], times: np.ndarray) -> dict[str, Any]:
    return {
        "injection": names,
        "time": times,
        "component": list(AXES),
        "spin": np.arange(model.n_spins),
        "spin_site": ("spin", model.sites),
        "region": list(REGIONS),
        "electron": ["up", "down"],
        "wall": ["left", "right"],
        "flow": list(FLOWS),
        "site": np.arange(model.length),
        "bond": np.arange(model.length - 1),
    }


def _run_values(runs: list[Evolution], profiles: bool) -> dict[str, Any]:
    """Variables that are one observable of every run."""
    names = [
        "norm energy total_sz electron_spin local_spin purity entropy electron_spin_purity",
        "local_spin_purity torque mean_field_torque region_probability",
    ]
    plain = " ".join(names).split() + (["density", "current"] if profiles else [])
    values: dict[str, Any] = {
        name: np.array([getattr(run.samples, name) for run in runs]) for name in plain
    }
    values["wall_weight"] = np.array([run.wall_weight for run in runs])
    values["orbital_purity"] = np.array([orbital_purity(run.state) for run in runs])
    facts = runs[0].facts
    values |= {
        "packet_energy": facts.energy,
        "packet_energy_spread": facts.energy_spread,
        "packet_velocity": facts.velocity,
        "packet_clipped": facts.clipped,
        "spin_configurations": np.array([run.size.dimension for run in runs]),
        "states": np.array([run.size.states for run in runs]),
        "memory": np.array([run.size.memory / 1e9 for run in runs]),
    }
    return values


def _most_populated(runs: list[Evolution], count: int) -> tuple[list[str], np.ndarray]:
    """Names of the most populated configurations and (runs, times, names) probabilities."""
    peak: dict[str, float] = {}
    for run in runs:
        for label, largest in zip(run.labels, run.samples.probability.max(axis=0), strict=True):
            peak[label] = max(peak.get(label, 0.0), float(largest))
    chosen = sorted(peak, key=lambda label: -peak[label])[:count]
    out = np.zeros((len(runs), len(runs[0].times), len(chosen)))
    for i, run in enumerate(runs):
        row = {label: k for k, label in enumerate(run.labels)}
        for j, label in enumerate(chosen):
            if label in row:
                out[i, :, j] = run.samples.probability[:, row[label]]
    return chosen, out


def _classical(
    card: Card,
    model: QuantumChain,
    local: LocalState,
    times: np.ndarray,
    progress: Progress,
    warnings: list[str],
) -> dict[str, Any]:
    """The same runs with classical local spins."""
    table = card.calculation
    vectors = classical_directions(model, local)
    short = np.linalg.norm(vectors, axis=1) < model.two_s * (1 - 1e-9)
    if np.any(short):
        warnings.append(
            f"Local spin {int(np.flatnonzero(short)[0])} starts in a state that no classical "
            "vector describes: the classical picture takes its mean, which is shorter than 2S."
        )
    packet = wave_packet(model.length, **_packet_arguments(card))
    runs = []
    for direction in table.electron_spins:
        runs.append(ehrenfest(model, times, packet, direction, vectors, table.classical_step))
        progress.advance()
    drift = max(run.energy_drift for run in runs)
    if drift > CLASSICAL_DRIFT:
        warnings.append(
            f"The classical picture's energy drifts by {drift:.2g} eV: give a shorter "
            f"classical_step than {table.classical_step:g} fs."
        )
    return {
        "classical_electron_spin": np.array([run.electron_spin for run in runs]),
        "classical_local_spin": np.array([run.local_spin for run in runs]),
        "classical_energy": np.array([run.energy for run in runs]),
    }


def _packet_arguments(card: Card) -> dict[str, float]:
    return card.calculation.packet.model_dump()


def _macrospin(
    card: Card,
    model: QuantumChain,
    local: LocalState,
    times: np.ndarray,
    progress: Progress,
    names: list[str],
    warnings: list[str],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same packet against one spin of the chain's total size, along its mean direction."""
    from negf_torque.manybody import product_state

    mean = classical_directions(model, local).sum(axis=0)
    if np.linalg.norm(mean) < 1e-9:
        warnings.append("The local spins have no mean direction: no macrospin was run.")
        return {}, {}
    mean = np.where(abs(mean) < 1e-12 * np.linalg.norm(mean), 0, mean)
    one = macrospin(model)
    start = product_state(one, mean)
    try:
        runs = [
            _evolve(card, one, direction, start, times, progress, f"macrospin {name}", plain=True)
            for direction, name in zip(card.calculation.electron_spins, names, strict=True)
        ]
    except TooLargeError as error:
        warnings.append(f"No macrospin was run: {error}")
        return {}, {}
    labels, probability = _most_populated(runs, card.calculation.configurations)
    values = {
        "macrospin_electron_spin": np.array([run.samples.electron_spin for run in runs]),
        "macrospin_spin": np.array([run.samples.local_spin[:, 0] for run in runs]),
        "macrospin_purity": np.array([run.samples.purity for run in runs]),
        "macrospin_entropy": np.array([run.samples.entropy for run in runs]),
        "macrospin_probability": probability,
    }
    return values, {"macrospin_configuration": labels}


def _levels(
    model: QuantumChain, count: int, limit: float, warnings: list[str]
) -> dict[str, np.ndarray]:
    """Lowest levels of chain and composite, as far as they can be found."""
    values: dict[str, np.ndarray] = {}
    try:
        chain = spin_levels(model, count, limit)
        values |= {
            "chain_level": chain.energy,
            "chain_level_sz": chain.twice_sz,
            "chain_local_sz": chain.local_sz,
        }
        whole = composite_levels(model, count, limit)
        values |= {
            "composite_level": whole.energy,
            "composite_level_sz": whole.twice_sz,
            "composite_electron_sz": whole.electron_sz,
            "composite_local_sz": whole.local_sz,
        }
    except TooLargeError as error:
        warnings.append(f"Not all levels were found: {error}")
    return values


def scalars(dataset: xr.Dataset) -> list[Scalar]:
    """The numbers of the summary, at the last time unless they say otherwise."""
    found = [
        Scalar(name, float(dataset[name]), dataset[name].attrs["units"])
        for name in ("packet_energy", "packet_energy_spread", "packet_velocity", "packet_clipped")
    ]
    bounded = dataset.attrs["method"] == "chebyshev"
    error = 2 * dataset.attrs["tolerance"] if bounded else None
    end = f"at {float(dataset['time'][-1]):g} fs"
    for name in dataset["injection"].values:
        one = dataset.sel(injection=name)
        last = one.isel(time=-1)
        add = lambda label, value, unit, note=end, bound=error, name=name: found.append(  # noqa: E731
            Scalar(f"{label}[{name}]", float(value), unit, error=bound, note=note)
        )
        add("states", one["states"], "1", "in the sectors visited", None)
        add("memory", one["memory"], "GB", "estimated before the run", None)
        for axis in AXES:
            add(f"electron_s{axis}", last["electron_spin"].sel(component=axis), "hbar/2")
        total = last["local_spin"].sum("spin")
        for axis in AXES:
            add(f"magnet_S{axis}", total.sel(component=axis), "hbar/2", f"all local spins, {end}")
        add("purity", last["purity"], "1")
        add("entropy", last["entropy"], "nat", bound=None)
        add("orbital_purity", one["orbital_purity"], "1", f"motion against all spins, {end}", None)
        for region, what in (("left", "reflected or not yet there"), ("right", "transmitted")):
            for spin in ("up", "down"):
                value = last["region_probability"].sel(region=region, electron=spin)
                add(f"{region}_{spin}", value, "1", f"{what}, {end}")
        for wall in ("left", "right"):
            weight = last["wall_weight"].sel(wall=wall)
            add(f"wall_weight_{wall}", weight, "1", "reflected at the wall by then", None)
        for quantity in ("norm", "energy", "total_sz"):
            drift = abs(one[quantity] - one[quantity][0]).max()
            unit = one[quantity].attrs["units"]
            add(f"drift_{quantity}", drift, unit, "largest; rounding alone if exact", None)
    for name, label in (("chain_level", "chain"), ("composite_level", "composite")):
        if name in dataset:
            energy, count = degeneracies(dataset[name].values)[0]
            found.append(Scalar(f"ground_energy_{label}", energy, "eV", error=1e-10))
            found.append(Scalar(f"ground_degeneracy_{label}", count, "1"))
    return found


def tables(dataset: xr.Dataset) -> list[Listing]:
    """Spins, purity and classical spins at six times of each run."""
    count = dataset.sizes["time"]
    picks = np.unique(np.linspace(0, count - 1, min(6, count)).round().astype(int))
    found = []
    for name in dataset["injection"].values:
        one = dataset.sel(injection=name)
        columns = ["t (fs)", "s_x", "s_y", "s_z", "S0_x", "S0_y", "S0_z", "purity"]
        classical = "classical_local_spin" in one
        columns += ["|S0|", "|S0| classical"] if classical else ["|S0|"]
        rows = []
        for index in picks:
            at = one.isel(time=index)
            first = at["local_spin"].isel(spin=0).values
            row = [float(at["time"]), *at["electron_spin"].values, *first, float(at["purity"])]
            row.append(float(np.linalg.norm(first)))
            if classical:
                row.append(float(np.linalg.norm(at["classical_local_spin"].isel(spin=0))))
            rows.append(tuple(float(value) for value in row))
        title = f"Electron {name}: spins in hbar/2 (electron s, local spin 0 S0)"
        found.append(Listing(title, tuple(columns), tuple(rows)))
    levels = {"chain_level": "local spins alone", "composite_level": "with the electron"}
    lines = [
        (words, energy, count)
        for name, words in levels.items()
        if name in dataset
        for energy, count in degeneracies(dataset[name].values)[:5]
    ]
    if lines:
        found.append(Listing("Lowest levels", ("of", "energy (eV)", "degeneracy"), tuple(lines)))
    return found
