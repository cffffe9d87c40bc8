"""Figures of the tensor calculation: damping, spin-orbit torques, spin-transfer torques."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures"]

_ANGLE = "Angle of the magnetisation from z (degrees)"
_CURVES = {
    "total": "complete",
    "ladder": "window only",
    "sea": "Fermi sea",
    "bare": "no vertex corrections",
}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for, by name."""
    drawn = {"damping": _damping(dataset), "spin_orbit_torque": _spin_orbit(dataset)}
    if "spin_transfer" in dataset:
        drawn["spin_transfer"] = _spin_transfer(dataset)
    return drawn


def _curves(axes: Axes, angle: np.ndarray, data: xr.DataArray, factor: float = 1.0) -> None:
    """One curve per part that has numbers."""
    for (part, label), look in zip(_CURVES.items(), style.lines(), strict=False):
        values = factor * data.sel(part=part).values
        if np.any(np.isfinite(values)):
            look = style.beneath(look) if part == "total" else look
            axes.plot(angle, values, label=label, **look)
    style.zero_line(axes)


def _damping(dataset: xr.Dataset) -> Figure:
    """Principal values of the damping and the electrons' spin."""
    angle = dataset["angle"].values
    canvas, (left, right) = style.figure(2, 1, height=6.2, sharex=True)
    has_alpha = "alpha" in dataset and bool(np.isfinite(dataset["alpha"]).all())
    name = "alpha" if has_alpha else "damping_principal"
    for which, look in zip(("smaller", "larger"), style.lines(), strict=False):
        left.plot(angle, dataset[name].sel(principal=which), label=f"{which} one", **look)
    left.set_ylabel(style.axis_label(dataset[name].attrs["long_name"], dataset[name].units))
    left.set_ylim(bottom=0)
    left.set_title("Damping of the two ways to move")
    style.legend(left, inside=True)
    right.plot(angle, dataset["spin"], **next(style.lines()))
    right.set_ylabel(r"Electron spin ($\hbar$ per cell)")
    right.set_title("Spin that moves with the moments")
    right.set_xlabel(_ANGLE)
    return canvas


def _spin_orbit(dataset: xr.Dataset) -> Figure:
    """Both torques by parts."""
    angle = dataset["angle"].values
    canvas, panels = style.figure(2, 1, height=6.4, sharex=True)
    for axes, name in zip(panels, ("field_like", "damping_like"), strict=True):
        _curves(axes, angle, dataset[name])
        axes.set_title(name.replace("_", "-").capitalize() + " torque")
        axes.set_ylabel("Torque per force (nm per cell)")
    panels[1].set_xlabel(_ANGLE)
    style.shared_legend(canvas, panels[0])
    return canvas


def _spin_transfer(dataset: xr.Dataset) -> Figure:
    """The four invariants of K for field and texture along x."""
    angle = dataset["angle"].values
    data = dataset["spin_transfer"].sel(field="x", gradient="x")
    canvas, panels = style.figure(4, 1, height=9.8, sharex=True)
    titles = {
        "adiabatic": "Adiabatic",
        "nonadiabatic": "Nonadiabatic",
        "anisotropic": r"Anisotropic, $\tau_z$ across the magnetisation",
        "mixed": r"Anisotropic, $\tau_x$ across the magnetisation",
    }
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        _curves(axes, angle, data.sel(invariant=name))
        axes.set_title(title)
        axes.set_ylabel("$K$ (nm$^2$ per cell)")
    panels[-1].set_xlabel(_ANGLE)
    style.shared_legend(canvas, panels[0])
    return canvas
