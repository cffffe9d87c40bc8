"""`kind = "mixing"`: mixing conductances of an interface or a layer, seen from the left lead.

The left lead must be a normal metal.  With a magnetic right lead (`layers` may be empty) the device
is one interface; with a normal one it is a layer, which also transmits.  Circuit theory and
drift-diffusion take the Sharvin-corrected value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator

from negf_torque.study.base import Scalar, key
from negf_torque.study.calculations._configurations import PART_IGNORES, beginnings
from negf_torque.study.calculations._disorder import check_impurities
from negf_torque.study.calculations._valve_variables import CONDUCTANCE
from negf_torque.study.calculations._zone import ZoneTable
from negf_torque.study.labels import Variable

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.mixing import MixingConductance

__all__ = [
    "PART_IGNORES",
    "VARIABLES",
    "Parameters",
    "beginnings",
    "check",
    "figures",
    "merge",
    "run",
    "run_part",
    "split",
    "summary",
]

READS_IMPURITIES = True

VARIABLES: dict[str, Variable] = {
    "energy": Variable(("energy",), "eV", "Fermi energy"),
    "reflection": Variable(
        ("energy",),
        CONDUCTANCE,
        "Mixing conductance g_r",
        "Sum of 1 - r_up conj(r_dn); real part absorbed, imaginary part precession.",
    ),
    "transmission": Variable(
        ("energy",),
        CONDUCTANCE,
        "Transmission mixing conductance g_t",
        "Sum of t_up conj(t_dn); not-a-number where the right lead is magnetic.",
    ),
    "sharvin": Variable(
        ("energy",), CONDUCTANCE, "Sharvin conductance", "Channels of the left lead per spin."
    ),
    "reflection_corrected": Variable(
        ("energy",),
        CONDUCTANCE,
        "Sharvin-corrected mixing conductance",
        "1/(1/g_r - 1/(2 g_Sharvin)).",
    ),
}


class Parameters(ZoneTable):
    """The `[calculation]` table."""

    kind: Literal["mixing"] = key("Mixing conductances of an interface or a layer.")
    energy: float | list[float] = key("Fermi energy, or a list of them.", unit="eV")
    direction: tuple[float, float, float] | None = key(
        "Spin quantisation axis; default the direction of the first moment from the left.", None
    )

    @field_validator("energy")
    @classmethod
    def _some(cls, value: float | list[float]) -> float | list[float]:
        if value == []:
            raise ValueError("has no energy. Give a number, or a list of numbers.")
        return value


def check(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table."""
    problems = check_impurities(card)
    if card.disorder and card.disorder.compare:
        problems["disorder", "compare"] = (
            "a mixing conductance is calculated by one method at a time. Run a second card."
        )
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Average over the zone at each energy; see `negf_torque.transport.mixing`."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.calculations._disordered_mixing import averaged_mixing
    from negf_torque.study.parts import in_one_process
    from negf_torque.transport.mixing import mixing_conductance

    if split(card) is not None:
        return in_one_process(card, progress)
    p = card.calculation
    sampling = p.sampling
    progress.start("building the device")
    chain = layer_chain(card.build())
    energies = np.atleast_1d(p.energy)
    progress.start("averaging over the zone", len(energies))
    found = []
    for energy in energies:
        found.append(
            averaged_mixing(card, chain, float(energy))
            if card.impurities
            else mixing_conductance(chain, float(energy), p.direction, sampling)
        )
        progress.advance()
    return _labelled(card, chain, found)


def split(card: Card) -> list | None:
    """Blocks of explicit configurations, where the card asks for any."""
    from negf_torque.study.calculations._disordered_mixing import mixing_parts

    return mixing_parts(card)


def run_part(
    card: Card, part: Any, progress: Progress, begun: xr.Dataset | None = None
) -> xr.Dataset:
    """A block of configurations at one energy."""
    from negf_torque.study.calculations._disordered_mixing import mixing_block

    return mixing_block(card, part, begun)


def merge(card: Card, found: Callable[[Any], xr.Dataset]) -> xr.Dataset:
    """The result of all parts."""
    from negf_torque.lattice import layer_chain
    from negf_torque.study.calculations._disordered_mixing import explicit_mixing

    chain = layer_chain(card.build())
    return _labelled(card, chain, explicit_mixing(card, chain, found))


def _labelled(card: Card, chain: LayerChain, found: list[MixingConductance]) -> xr.Dataset:
    """One entry for each energy as a dataset."""
    from negf_torque.study.labels import labelled

    p, energies = card.calculation, np.atleast_1d(card.calculation.energy)
    none = complex(np.nan, np.nan)
    values = {
        "reflection": [m.reflection for m in found],
        "reflection_error": [m.reflection_error for m in found],
        "transmission": [none if m.transmission is None else m.transmission for m in found],
        "transmission_error": [m.transmission_error for m in found],
        "sharvin": [m.sharvin for m in found],
        "sharvin_error": [m.sharvin_error for m in found],
        "reflection_corrected": [m.reflection_corrected for m in found],
        "reflection_corrected_error": [m.reflection_corrected_error for m in found],
    }
    if p.mesh is not None and not p.temperature and not card.impurities:
        values = {name: value for name, value in values.items() if not name.endswith("_error")}
    dataset = labelled(
        VARIABLES,
        values,
        {"energy": energies},
        converged=all(m.converged for m in found),
        k_points=sum(m.evaluations for m in found),
    )
    if chain.dimension == 0:
        for variable in dataset.data_vars.values():
            variable.attrs["units"] = variable.attrs["units"].replace(" per cell", "")
    return dataset


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """All conductances at each energy."""
    converged = bool(dataset.attrs.get("converged", True))
    found = []
    for index, energy in enumerate(dataset["energy"].values):
        one = dataset.isel(energy=index)
        for name in ("reflection", "transmission", "sharvin", "reflection_corrected"):
            value = one[name].values.item()
            if not np.isfinite(value):
                continue
            error = one[f"{name}_error"].values.item() if f"{name}_error" in one else None
            found.append(
                Scalar(
                    f"{name}[{energy:g} eV]",
                    value,
                    one[name].attrs["units"],
                    error,
                    converged,
                    dataset[name].attrs["long_name"],
                )
            )
    return found


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Conductances versus energy, where there are several."""
    from negf_torque.study import style

    if dataset.sizes["energy"] < 2:
        return {}
    drawing, axes = style.figure(height=3.6)
    ordered = dataset.sortby("energy")
    curves = {
        "Re $g_r$": ordered["reflection"].values.real,
        "Im $g_r$": ordered["reflection"].values.imag,
        "$|g_t|$": np.abs(ordered["transmission"].values),
        "Sharvin": ordered["sharvin"].values,
    }
    for (label, values), look in zip(curves.items(), style.lines(), strict=False):
        if np.any(np.isfinite(values)):
            axes.plot(ordered["energy"], values, label=label, **look)
    axes.set_xlabel("Fermi energy (eV)")
    axes.set_ylabel(style.axis_label("Conductance", dataset["reflection"].attrs["units"]))
    style.legend(axes)
    return {"mixing": drawing}
