"""Figures of the spin Hall effect: against energy, resistivity and thickness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

__all__ = ["figures"]

_UNIT = r"($10^6\ \hbar/2e$ S/m)"


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for."""
    drawn = {}
    if dataset.sizes["energy"] > 1:
        drawn["energy"] = _energy(dataset)
    if "spin_hall" in dataset and dataset.sizes["concentration"] > 1:
        drawn["scaling"] = _scaling(dataset)
    if "xi_DL" in dataset and dataset.sizes["thickness"] > 1:
        drawn["thickness"] = _thickness(dataset)
    return drawn


def _energy(dataset: xr.Dataset) -> Figure:
    canvas, (left, right) = style.figure(2, 1, height=6.0, sharex=True)
    looks = style.lines()
    for name, label in (
        ("intrinsic", "intrinsic (clean)"),
        ("spin_hall_broadened", "with broadening"),
    ):
        left.plot(dataset["energy"], dataset[name] / 1e6, label=label, **next(looks))
    style.zero_line(left)
    left.set_ylabel(f"Spin Hall conductivity {_UNIT}")
    style.legend(left, inside=True)
    right.plot(dataset["energy"], dataset["conductivity_broadened"] / 1e6, **next(style.lines()))
    right.set_ylabel(r"Conductivity ($10^6$ S/m)")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.axvline(dataset.attrs["chemical_potential"], color="0.6", linewidth=0.8, linestyle=":")
    right.set_xlabel("Chemical potential (eV; dotted: the card's)")
    return canvas


def _scaling(dataset: xr.Dataset) -> Figure:
    canvas, (left, right) = style.figure(2, 1, height=6.8)
    sigma = dataset["conductivity"].values / 1e6
    labels = {
        "total": "complete", "bubble": "no vertex corrections", "vertex": "vertex corrections",
        "beyond_born": "beyond Born",
    }  # fmt: skip
    for (part, label), look in zip(labels.items(), style.lines(), strict=False):
        left.plot(sigma, dataset["spin_hall"].sel(contribution=part) / 1e6, label=label, **look)
    style.zero_line(left)
    left.set(xlabel=r"Conductivity ($10^6$ S/m)", ylabel=f"Spin Hall conductivity {_UNIT}")
    style.legend(left, loc="lower center", bbox_to_anchor=(0.5, 1.02), ncols=2)
    rho = dataset["resistivity"].values * 1e8
    looks = style.lines()
    angle = dataset["spin_hall_angle"].values
    first = next(looks)
    right.plot(rho, 100 * angle, label="complete", **first)
    if "skew_angle" in dataset:
        fine = np.linspace(0, rho.max() * 1.05, 50)
        law = float(dataset["skew_angle"]) + float(dataset["constant_part"]) * fine * 1e-8
        look = {k: v for k, v in next(looks).items() if not k.startswith("marker")}
        right.plot(fine, 100 * law, label=r"$a + b\rho$", **look)
    style.zero_line(right)
    right.set(xlabel=r"Resistivity ($\mu\Omega$ cm)", ylabel="Spin Hall angle (%)", xlim=(0, None))
    style.legend(right, inside=True)
    return canvas


def _thickness(dataset: xr.Dataset) -> Figure:
    canvas, axes = style.figure()
    looks = style.lines()
    for name, label in (("xi_DL", r"damping-like $\xi_{\rm DL}$"),
                        ("xi_FL", r"field-like $\xi_{\rm FL}$")):  # fmt: skip
        axes.plot(dataset["thickness"], dataset[name], label=label, **next(looks))
    style.zero_line(axes)
    axes.set(xlabel="Thickness of the metal (nm)", ylabel="Torque efficiency")
    style.legend(axes, inside=True)
    return canvas
