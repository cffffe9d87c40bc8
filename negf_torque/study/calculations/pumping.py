"""`kind = "pumping"`: spin pumped by a moving magnet, and the damping that it costs.

Three routes that share little: the mixing conductance A of both leads, the scattering matrix of
the turned magnet, and traces of Green's functions.  With `[llg]` the loss becomes an addition to
the Gilbert damping.  The damping between all pairs of moments is given as a matrix.  Everything is
linear in the velocity of the magnet, which moves as one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from negf_torque.study.base import Listing, Scalar, key
from negf_torque.study.calculations._pumping_variables import VARIABLES
from negf_torque.study.calculations._zone import ZoneTable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.pumping import Pumping

__all__ = [
    "READS_LLG",
    "VARIABLES",
    "Parameters",
    "check",
    "estimate",
    "figures",
    "listings",
    "run",
    "summary",
]

READS_LLG = True
#: Sites up to which all nine components of the nonlocal damping are kept.
MOST_TENSORS = 64


class Parameters(ZoneTable):
    """The `[calculation]` table."""

    kind: Literal["pumping"] = key("Spin pumping and damping of a magnet.")
    energy: float = key("Fermi energy.", unit="eV")
    magnet: str = key("Name of the magnet that moves; default the first one between the leads.", "")
    nonlocal_damping: bool = key("Whether the damping between all pairs of sites is wanted.", True)
    nonlocal_tolerance: float = key(
        "Relative error of that matrix: nine numbers for each pair of sites at every momentum.",
        1e-3,
        ge=1e-12,
        le=0.1,
    )


def check(card: Card) -> dict[tuple, str]:
    """Whether the magnet exists, as far as the card alone tells."""
    names, wanted = getattr(card.system, "magnets", None), card.calculation.magnet
    if names is None:
        return {}
    if wanted and wanted not in names:
        from negf_torque.study.complaints import nearest

        text = f'there is no magnet "{wanted}". ' + nearest(wanted, names, "magnets")
        return {("calculation", "magnet"): text}
    if not names:
        return {("system",): "has no magnet. Give a layer an exchange."}
    return {}


def estimate(card: Card) -> list[Scalar]:
    """Size of the problem."""
    from negf_torque.lattice import layer_chain

    chain = layer_chain(card.build())
    sites = sum(name is not None for name in chain.sites.magnet)
    found = [
        Scalar("layers", len(chain.onsite), "1"),
        Scalar("largest block", max(chain.sizes), "1", note="rows of a layer's matrix"),
        Scalar("magnetic sites", sites, "1"),
    ]
    if card.calculation.nonlocal_damping:
        found.append(Scalar("pairs of sites", sites**2, "1", note="nine numbers each"))
    return found


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the device; see `negf_torque.transport.pumping`."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.labels import labelled
    from negf_torque.transport.pumping import damping_torque, nonlocal_damping, pumping

    p = card.calculation
    sampling = p.sampling
    progress.start("building the device")
    device = card.build()
    chain = layer_chain(device)
    fixed = {*chain.left.sites.magnet, *chain.right.sites.magnet}
    movable = [name for name in chain.magnets if name not in fixed]
    if not movable:
        raise ValueError("system: there is no magnet between the leads; nothing can move.")
    magnet = p.magnet or movable[0]
    progress.start("pumping")
    found = pumping(chain, magnet, p.energy, sampling)
    values = _values(found) | _enhancement(card, chain, found)
    coords: dict[str, Any] = {
        "lead": ["left", "right"],
        "component": ["x", "y", "z"],
        "other_component": ["x", "y", "z"],
        "velocity": ["x", "y", "z"],
        "magnet": list(chain.magnets),
    }
    if p.nonlocal_damping:
        progress.start("damping between sites")
        rough = replace(sampling, tolerance=max(p.nonlocal_tolerance, p.tolerance))
        sites, damping = nonlocal_damping(chain, p.energy, rough)
        torque = damping_torque(chain, sites, damping, magnet)
        more, where = _between(chain, sites, damping, torque)
        values |= more
        coords |= where
    if p.mesh is not None and not p.temperature:
        values = {name: value for name, value in values.items() if not name.endswith("_error")}
    dataset = labelled(
        VARIABLES,
        values,
        coords,
        converged=found.converged,
        moving_magnet=magnet,
        k_points=found.evaluations,
    )
    if chain.dimension == 0:
        for variable in dataset.variables.values():
            units = variable.attrs.get("units", "")
            variable.attrs["units"] = units.replace(" per cell", "")
    return dataset


def _values(found: Pumping) -> dict[str, Any]:
    error = found.error
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected = 1 / (1 / found.effective_mixing - 1 / (2 * found.sharvin))
    return {
        "direction": found.direction,
        "pumped": found.pumped,
        "pumped_error": ((), error),
        "pumped_by_scattering": found.pumped_by_scattering,
        "pumped_charge": found.pumped_charge,
        "mixing": found.mixing,
        "mixing_error": None if found.mixing is None else ((), error),
        "effective_mixing": found.effective_mixing,
        "effective_mixing_error": ((), 2 * np.pi * error),
        "sharvin": found.sharvin,
        "effective_mixing_corrected": corrected,
        "conserved": found.conserved,
        "torque": found.torque,
        "torque_error": ((), 2 * error),
        "damping": found.damping,
        "damping_error": ((), error),
        "damping_by_scattering": found.damping_by_scattering,
        "alpha_spin": found.alpha_spin,
        "alpha_spin_error": error,
        "route_difference": found.route_difference,
    }


def _enhancement(card: Card, chain: LayerChain, found: Pumping) -> dict[str, Any]:
    """Damping of a magnet of the volume and magnetisation that [llg] gives."""
    from negf_torque.llg.damping import pumping_damping

    table = card.llg
    if table is None:
        return {}
    sites = sum(name == found.magnet for name in chain.sites.magnet)
    # one cell for each site
    magnet = table.cell_area, sites * table.layer_spacing, table.saturation_magnetisation
    per_spin = pumping_damping(4 * np.pi, *magnet)  # 1/S
    return {
        "spin": 1 / per_spin,
        "damping_enhancement": found.alpha_spin * per_spin,
        "damping_enhancement_error": found.error * per_spin,
    }


def _between(chain: LayerChain, sites, damping, torque) -> tuple[dict[str, Any], dict[str, Any]]:
    from negf_torque.spin import unit_vector
    from negf_torque.transport.pumping import transverse_mean

    table = chain.sites
    m = unit_vector(table.exchange[sites])
    matrix = transverse_mean(damping, m[:, None], m[None, :])
    layers, place = np.unique(table.layer[sites], return_inverse=True)
    by_layer = np.zeros((len(layers), len(layers)))
    np.add.at(by_layer, (place[:, None], place[None, :]), matrix)
    member = np.array([[table.magnet[i] == name for i in sites] for name in chain.magnets], float)
    values = {
        "nonlocal_damping": matrix,
        "layer_damping": by_layer,
        "damping_torque": np.einsum("gi,iab->gab", member, torque),
    }
    if len(sites) <= MOST_TENSORS:
        values["nonlocal_tensor"] = damping
    coords = {
        "site": sites,
        "other_site": sites,
        "layer": layers,
        "other_layer": layers,
        "site_layer": ("site", table.layer[sites]),
        "site_magnet": ("site", np.array([table.magnet[i] or "" for i in sites], dtype=str)),
    }
    return values, coords


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Mixing conductances, damping and, with [llg], its enhancement."""
    converged = bool(dataset.attrs.get("converged", True))

    def scalar(name: str, note: str = "", label: str = "", **select: Any) -> Scalar:
        data = dataset[name].sel(select)
        error = dataset.get(f"{name}_error")
        return Scalar(
            label or name,
            data.values.item(),
            dataset[name].attrs["units"],
            None if error is None else float(error),
            converged,
            note,
        )

    found = []
    for lead in ("left", "right"):
        for name in ("mixing", "effective_mixing", "effective_mixing_corrected"):
            if name in dataset and np.isfinite(dataset[name].sel(lead=lead)):
                note = {
                    "mixing": "from the channels' amplitudes",
                    "effective_mixing": "from the pumped spin current",
                    "effective_mixing_corrected": "without the lead's Sharvin resistance",
                }[name]
                found.append(scalar(name, note, f"{name}[{lead}]", lead=lead))
    found.append(scalar("alpha_spin", "damping times total spin"))
    found.append(scalar("route_difference", "between the routes, as a mixing conductance"))
    if "damping_enhancement" in dataset:
        found.append(scalar("spin", "of the moving magnet, from [llg]"))
        found.append(scalar("damping_enhancement", "add it to the damping of the bulk"))
    return found


def listings(dataset: xr.Dataset) -> list[Listing]:
    """The routes side by side."""
    m = dataset["direction"].values
    turn = np.cross(m, np.eye(3)).T
    rows = []
    for label, name, loss in (
        ("Green's function", "pumped", "damping"),
        ("scattering matrix", "pumped_by_scattering", "damping_by_scattering"),
    ):
        a = np.pi * np.einsum("ab,pab->p", turn, dataset[name].values)
        b = np.pi * np.einsum("ab,pab->p", -turn @ turn, dataset[name].values)
        damping = np.einsum("ab,ab->", -turn @ turn, dataset[loss].values) / 2
        rows.append((label, a[0], b[0], a[1], b[1], damping))
    if "mixing" in dataset:
        left, right = dataset["mixing"].values
        loss = (left + right).real / (4 * np.pi)
        rows.append(("mixing conductance", left.real, left.imag, right.real, right.imag, loss))
    unit = dataset["effective_mixing"].attrs["units"]
    columns = ("route", "Re A left", "Im A left", "Re A right", "Im A right", "alpha S_tot (hbar)")
    return [Listing(f"Three routes, A in {unit}", columns, tuple(rows))]


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """The nonlocal damping as a matrix, and what each layer contributes."""
    if "layer_damping" not in dataset:
        return {}
    return {"nonlocal_damping": _matrix(dataset)}


def _matrix(dataset: xr.Dataset) -> Figure:
    from negf_torque.study import style

    matrix = dataset["layer_damping"].values
    layers = dataset["layer"].values
    unit = dataset["layer_damping"].attrs["units"]
    drawing, axes = style.figure(2, 1, height=7.6, height_ratios=[1.3, 1])
    limit = np.abs(matrix).max()
    image = axes[0].imshow(
        matrix, origin="lower", cmap=style.DIVERGING, vmin=-limit, vmax=limit, aspect="equal"
    )
    axes[0].grid(False)
    ticks = np.unique(np.linspace(0, len(layers) - 1, min(len(layers), 12)).round().astype(int))
    axes[0].set_xticks(ticks, layers[ticks])
    axes[0].set_yticks(ticks, layers[ticks])
    for edge in np.flatnonzero(np.diff(layers) > 1):  # a spacer between magnets
        axes[0].axhline(edge + 0.5, color="0.2", linewidth=0.8)
        axes[0].axvline(edge + 0.5, color="0.2", linewidth=0.8)
    axes[0].set(xlabel="Layer that moves", ylabel="Layer that is damped")
    bar = drawing.colorbar(image, ax=axes[0])
    bar.set_label(style.axis_label("$S\\alpha_{ij}$", unit))
    few = len(layers) <= 40
    looks = style.lines(markers=few)
    names = dict(zip(dataset["site_layer"].values, dataset["site_magnet"].values, strict=True))
    owner = np.array([str(names[layer]) for layer in layers])
    together = np.where(owner[:, None] == owner[None], matrix, 0).sum(axis=1)
    for label, values, look in (
        ("its whole magnet moves", together, next(looks)),
        ("only the layer moves", np.diag(matrix), next(looks)),
    ):
        for name in dict.fromkeys(owner):
            here = owner == name
            axes[1].plot(layers[here], values[here], label=label or None, **look)
            label = ""
    axes[1].axhline(0, color="0.6", linewidth=0.8)
    axes[1].set(xlabel="Layer")
    axes[1].set_ylabel(style.axis_label("Damping of the layer", unit))
    axes[1].xaxis.get_major_locator().set_params(integer=True)
    style.legend(axes[1], inside=True)
    return drawing
