"""The three routes to beta of kind "beta_three_ways", labelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._beta_variables import VARIABLES
from negf_torque.study.calculations._configurations import block_dataset, blocks, ensemble_of
from negf_torque.study.calculations._disorder_parts import MEDIA, table_of
from negf_torque.study.calculations.beta_three_ways import isotropic_strengths, k_fermi_l
from negf_torque.study.impurities import DisorderTable
from negf_torque.study.labels import labelled
from negf_torque.study.parts import cached

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.spiral import SpiralTorque

__all__ = ["averaged_media", "spiral_part", "spiral_parts", "with_sampled"]


def averaged_media(card: Card, progress: Progress) -> xr.Dataset:
    """All routes but the configurations."""
    from negf_torque.transport.spiral import smooth_limit

    p, table = card.calculation, table_of(card)
    media = _media(table)
    progress.start("formula")
    values, formula = _formula(card)
    formulas = [formula] + [_coherent_formula(card)] * (len(media) - 1)
    grid = _device_betas(card, table, media, progress)
    same = [
        _spiral(card, table, medium, p.sampled_length, p.sampled_wave_number, p.sampled_margin)
        for medium in media
    ]
    limits = [smooth_limit(p.wave_numbers, [s.beta for s in row]) for row in grid]
    coarser = [_coarseness(card, table, m, row) for m, row in zip(media, grid, strict=True)]
    device_errors = [float(np.hypot(a, b)) for (_, a), b in zip(limits, coarser, strict=True)]
    # what the last medium says about the way from the sampled device to the limit
    step = limits[-1][0] - same[-1].beta
    values |= {
        "beta": [*formulas, *(value for value, _ in limits)],
        "beta_error": [*(0.0 for _ in formulas), *device_errors],
        "device_beta": [[s.beta for s in row] for row in grid],
        "device_window_beta": [[s.window_beta for s in row] for row in grid],
        "device_adiabatic": [[_mean(s) for s in row] for row in grid],
        "same_device_beta": [s.beta for s in same],
        "same_device_conductance": [s.conductance for s in same],
        "profile_adiabatic": [s.adiabatic for s in same],
        "profile_nonadiabatic": [s.nonadiabatic for s in same],
    }
    coords = {
        "route": [*["formula", "coherent formula"][: len(formulas)], *media],
        "medium": media,
        "wave_number": p.wave_numbers,
        "layer": np.arange(len(same[0].adiabatic)),
        "spin": ["up", "down"],
    }
    return labelled(
        VARIABLES,
        values,
        coords,
        converged=all(s.converged for row in [*grid, same] for s in row),
        step=step,
        step_error=device_errors[-1],
    )


def spiral_parts(card: Card) -> list[Any]:
    """The averaged media, and blocks of configurations of the window and of the sea."""
    from negf_torque.transport.spiral import BLOCKS

    counts = {"window": table_of(card).configurations, "sea": card.calculation.sea_configurations}
    return [MEDIA, *(part for n in counts for part in blocks(n, counts[n], BLOCKS[n]))]


def spiral_part(
    card: Card, part: Any, progress: Progress, begun: xr.Dataset | None = None
) -> xr.Dataset:
    """A block of configurations of window or sea, or everything else."""
    from negf_torque.transport.spiral import BLOCKS, KEPT, spiral_columns

    if part == MEDIA:
        return averaged_media(card, progress)
    p, table, name = card.calculation, table_of(card), part["ensemble"]

    def make() -> dict[str, Any]:
        return spiral_columns(
            _uniform(card, p.sampled_length),
            p.sampled_wave_number,
            p.energy,
            [impurity.impurity() for impurity in card.impurities],
            _potential(card, table) if name == "sea" else (),
            margin=p.sampled_margin + 1,
            cells=table.supercell,
        )

    evaluate = cached(card, name, make)[name]
    quantity = ("conductance", "e^2/h per cell") if name == "window" else ("A of the sea", "1")
    return block_dataset(evaluate, KEPT[name], table, part, quantity, begun, BLOCKS[name])


def _potential(card: Card, table: DisorderTable) -> Any:
    """Electrochemical potential of the averaged conductor that is sampled."""
    p = card.calculation
    medium = _media(table)[-1]
    length, margin = p.sampled_length, p.sampled_margin
    return _spiral(card, table, medium, length, p.sampled_wave_number, margin).potential


def _media(table: DisorderTable) -> list[str]:
    return ["born"] + ["coherent-potential"] * ("coherent-potential" in table.methods)


def with_sampled(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all parts."""
    from negf_torque.transport.spiral import BLOCKS, SampledSpiral, counted_layers

    p, parts = card.calculation, spiral_parts(card)[1:]
    window, sea = (
        ensemble_of([part for part in parts if part["ensemble"] == name], found, None, BLOCKS[name])
        for name in ("window", "sea")
    )
    layers = counted_layers(_uniform(card, p.sampled_length), p.sampled_margin + 1)
    sampled = SampledSpiral(p.sampled_wave_number, layers, window, sea)
    media = found(MEDIA)
    step, step_error = float(media.attrs.pop("step")), float(media.attrs.pop("step_error"))
    values = {
        "beta": [*media["beta"].values, sampled.beta + step],
        "beta_error": [
            *media["beta_error"].values,
            float(np.hypot(sampled.beta_error, step_error)),
        ],
        "sampled_beta": sampled.beta,
        "sampled_beta_error": sampled.beta_error,
        "sampled_conductance": float(window.mean[0]),
        "sampled_conductance_error": float(window.standard_error[0]),
        "sample_adiabatic": window.samples[:, 1],
        "sample_nonadiabatic": window.samples[:, 2],
    }
    coords = {
        "route": [*media["route"].values, "configurations"],
        "configuration": window.seeds,
    }
    note = (
        f"{window.count} pairs of configurations (sea {sea.count}) of "
        f"{p.sampled_length} layers, q = {p.sampled_wave_number:g}, moved to the limit by "
        f"{step:+.3g} as the {media['medium'].values[-1]} device says"
    )
    attrs = media.attrs | {"sampled_note": note}
    merged = media.drop_dims("route").merge(labelled(VARIABLES, values, coords))
    return merged.assign_attrs(attrs)


def _mean(spiral: SpiralTorque) -> float:
    return float(spiral.adiabatic[slice(*spiral.layers)].mean())


def _formula(card: Card) -> tuple[dict[str, Any], float]:
    """The gradient expansion's value, its parts, and the scattering."""
    from negf_torque.gradient.born import ImpurityStrengths
    from negf_torque.gradient.chain_band import chain
    from negf_torque.gradient.coefficients import coefficients
    from negf_torque.gradient.lattice_bands import simple_cubic

    system = card.system
    mean, spinless, moments = isotropic_strengths(card)
    band = (chain if system.lattice == "chain" else simple_cubic)(system.hopping)
    mu, m = card.calculation.energy - mean, system.exchange / 2
    c = coefficients(band, mu, m, ImpurityStrengths.isotropic(spinless, moments))
    adiabatic = float(c.adiabatic)
    centre = np.array([mu + m, mu - m]) - c.self_energy.real
    values = {
        "formula_surface": float(c.parts["nonadiabatic_surface"]) / adiabatic,
        "formula_sea": float(c.parts["nonadiabatic_sea"]) / adiabatic,
        "mean_free_path": c.mean_free_path,
        "k_f_l": k_fermi_l(system.lattice, c, centre, system.hopping),
    }
    return values, float(c.beta)


def _coherent_formula(card: Card) -> float:
    """The same formula with the coherent potential in place of Born's self-energy."""
    from negf_torque.disorder.sites import site_disorder
    from negf_torque.gradient.chain_band import chain
    from negf_torque.gradient.coherent import coherent_coefficients
    from negf_torque.gradient.lattice_bands import simple_cubic

    system = card.system
    band = (chain if system.lattice == "chain" else simple_cubic)(system.hopping)
    kinds = [impurity.impurity() for impurity in card.impurities]
    (group,) = site_disorder(_uniform(card, 1).sites, kinds).groups
    found = coherent_coefficients(band, card.calculation.energy, system.exchange / 2, group)
    return found.beta


def _device_betas(
    card: Card, table: DisorderTable, media: list[str], progress: Progress
) -> list[list[SpiralTorque]]:
    p = card.calculation
    progress.start("spirals between leads", len(media) * len(p.wave_numbers))
    grid = []
    for medium in media:
        row = []
        for q in p.wave_numbers:
            row.append(_spiral(card, table, medium, p.length, q, p.margin))
            progress.advance(note=f"{medium}, q = {q:g}: beta = {row[-1].beta:.6g}")
        grid.append(row)
    return grid


def _coarseness(card: Card, table: DisorderTable, medium: str, row: list[SpiralTorque]) -> float:
    """How beta of one wave number changes with a quarter less length and margin, and mesh."""
    p = card.calculation
    q, beta = p.wave_numbers[0], row[0].beta
    length = max(4, 3 * p.length // 4)
    margin = min(3 * p.margin // 4, (length - 1) // 2)
    shorter = _spiral(card, table, medium, length, q, margin)
    change = shorter.beta - beta
    if card.system.lattice == "chain":
        return abs(change)
    mesh = max(1, 3 * table.fixed_mesh // 4)
    sparser = _spiral(card, table, medium, p.length, q, p.margin, mesh)
    return float(np.hypot(change, sparser.beta - beta))


def _uniform(card: Card, length: int) -> LayerChain:
    from negf_torque.lattice import Layer, Lead, build_stack, layer_chain

    system = card.system
    material = {
        "hopping": system.hopping, "exchange": system.exchange, "direction": (1.0, 0.0, 0.0),
    }  # fmt: skip
    cross_section = "chain" if system.lattice == "chain" else "periodic"
    layers = [Layer(length, name="spiral", **material)]
    return layer_chain(build_stack(layers, Lead(**material), Lead(**material), cross_section))


def _spiral(
    card: Card,
    table: DisorderTable,
    medium: str,
    length: int,
    q: float,
    margin: int,
    mesh: int | None = None,
) -> SpiralTorque:
    from negf_torque.transport.spiral import spiral_torque

    kinds = [impurity.impurity() for impurity in card.impurities]
    # the region's first and last layer belong to the leads' planes
    return spiral_torque(
        _uniform(card, length),
        q,
        card.calculation.energy,
        kinds,
        medium,
        mesh or table.fixed_mesh,
        margin + 1,
    )
