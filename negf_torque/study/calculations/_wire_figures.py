"""Figures of kind "wire": the texture with its torques, the projections, the adiabatic limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["figures", "plane_of"]

_MOST_ARROWS = 26


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures of the result, by name."""
    found = {
        "texture": _texture(dataset),
        "torque_along": _along(dataset),
        "projections": _projections(dataset),
    }
    if "lattice_torkance" in dataset:
        found["spin_balance"] = _balance(dataset)
    if "width" in dataset.coords and dataset.sizes["width"] > 1:
        found["adiabatic_limit"] = _limit(dataset)
    return found


def _part(dataset: xr.Dataset) -> str:
    return str(dataset["part"].values[0])


def _title(dataset: xr.Dataset) -> str:
    if _part(dataset) == "complete":
        return "complete response"
    return "window, symmetric bias"


def plane_of(moments: NDArray) -> tuple[NDArray, NDArray, str, str]:
    """The plane in which moments turn most: two axes and their names."""
    _, _, axes = np.linalg.svd(moments[np.any(moments, axis=1)])
    weight = np.abs(axes[:2]).sum(axis=0)
    first, second = sorted(np.argsort(weight)[-2:])
    aligned = np.abs(np.cross(axes[0], axes[1])[3 - first - second]) > 0.98
    if aligned:
        return np.eye(3)[first], np.eye(3)[second], "xyz"[first], "xyz"[second]
    names = [
        "(" + ", ".join(f"{v:.2f}".replace("-0.00", "0.00") for v in a) + ")" for a in axes[:2]
    ]
    return axes[0], axes[1], *names


def _texture(dataset: xr.Dataset) -> Figure:
    """Moments above, torques below, both in the plane of the texture."""
    x, moment = dataset["x"].values, dataset["slice_moment"].values
    torque = dataset["slice_torkance"].sel(part=_part(dataset))
    first, second, name_1, name_2 = plane_of(moment)
    step = max(1, int(np.ceil(len(x) / _MOST_ARROWS)))
    some = slice(None, None, step)
    drawing, axes = style.figure(2, 1, height=3.4, sharex=True)
    room = max(1.0, (x[-1] - x[0]) / max(1, len(x[some])))
    largest = np.abs(torque.values).max()
    longest = f"{np.linalg.norm(torque.values, axis=1).max():.3g} {_short(torque.attrs['units'])}"
    for axis, vectors, colour, size, label in (
        (axes[0], moment, style.PALETTE[0], 1.0, "spins"),
        (axes[1], torque.values, style.PALETTE[1], largest, f"torque\n(longest\n{longest})"),
    ):
        across, up = vectors[some] @ first, vectors[some] @ second
        axis.plot(x, 0 * x, color="0.75", linewidth=0.8, zorder=1)
        axis.quiver(
            x[some], 0 * x[some], across, up,
            color=colour, pivot="middle" if size == 1.0 else "tail", angles="uv",
            scale=1.0 / (1.7 * room) * (size or 1.0), scale_units="x", width=0.0045,
            headwidth=4, headlength=5, zorder=2,
        )  # fmt: skip
        axis.set(ylim=(-1, 1), yticks=[])
        axis.grid(False)
        axis.set_ylabel(label)
    out = np.abs(torque.values @ np.cross(first, second)).max()
    axes[0].set_title(
        f"Arrows: right = {name_1}, up = {name_2} ({_title(dataset)};\n"
        f"largest torque out of this plane {out:.2g})"
    )
    axes[1].set_xlabel("Position (lattice constants); electrons go right at V > 0")
    return drawing


def _short(unit: str) -> str:
    return style.axis_label("", unit).strip(" ()")


def _along(dataset: xr.Dataset) -> Figure:
    torque = dataset["slice_torkance"].sel(part=_part(dataset))
    current = dataset["spin_current"].sel(bias="symmetric")
    few = torque.sizes["slice"] <= 50
    drawing, axes = style.figure(2, 1, height=6.2)
    for component, look in zip("xyz", style.lines(markers=few), strict=False):
        axes[0].plot(dataset["x"], torque.sel(component=component), label=f"{component}", **look)
        axes[1].plot(dataset["bond"], current.sel(flow=component), label=f"{component}", **look)
    axes[0].set_title(f"Torque on each slice ({_title(dataset)})")
    axes[0].set_ylabel(style.axis_label("Torkance", torque.attrs["units"]))
    axes[0].set_xlabel("Position along the wire (lattice constants)")
    axes[1].set_title("Spin current (window, symmetric bias)")
    axes[1].set_ylabel(style.axis_label("Spin current", current.attrs["units"]))
    axes[1].set_xlabel("Layer (bonds lie between layers)")
    for axis in axes:
        style.legend(axis, title="spin")
    return drawing


def _projections(dataset: xr.Dataset) -> Figure:
    part = _part(dataset)
    one = dataset.sel(part=part)
    unit = dataset["adiabatic"].attrs["units"]
    looks = list(zip(range(4), style.lines(markers=False), strict=False))
    drawing, axes = style.figure(2, 1, height=6.6, sharex=True)
    x = dataset["x"].values
    turning = np.linalg.norm(np.nan_to_num(dataset["gradient"].values), axis=1)
    place = dataset["site_slice"].values
    used = np.unique(place[(place >= 0) & (turning > 0.02 * turning.max(initial=0.0))])
    for name, label, (_, look) in (
        ("adiabatic", "A, along $-\\partial_x m$", looks[0]),
        ("local_spin_current", "spin current along m", looks[1]),
        ("nonadiabatic", "B, along $-m\\times\\partial_x m$", looks[2]),
    ):
        axes[0].plot(x[used], one[name].values[used], label=label, **look)
    axes[0].axhline(
        float(dataset["uniform_spin_current"][0]), color="0.5", linewidth=1.2, linestyle=":",
        label="uniform wire",
    )  # fmt: skip
    axes[0].set_ylabel(style.axis_label("Per slice", unit))
    axes[0].set_title(f"Projections of the torque ({_title(dataset)})")
    few = {"marker": "o"} if len(used) <= 50 else {}
    axes[1].plot(x[used], one["beta"].values[used], label="slice by slice", **looks[0][1], **few)
    whole = float(one["integrated_beta"])
    if np.isfinite(whole):
        axes[1].axhline(
            whole, color=style.PALETTE[1], linestyle="--", linewidth=1.2,
            label=f"whole texture {whole:.3g}",
        )  # fmt: skip
    finite = one["beta"].values[used]
    finite = finite[np.isfinite(finite)]
    if len(finite):  # A passes through zero in narrow walls: keep the rest readable
        limit = 1.3 * np.quantile(np.abs(finite), 0.9) + 1e-12
        axes[1].set_ylim(-limit, limit)
    axes[1].set_ylabel(r"$\beta = B/A$")
    axes[1].set_xlabel("Position (lattice constants), where the moments turn")
    for axis in axes:
        style.legend(axis, inside=True)
    return drawing


def _balance(dataset: xr.Dataset) -> Figure:
    """Exchange torque, lattice torque and inflow, slice by slice."""
    place = dataset["site_slice"].values
    inside = place >= 0
    drawing, axes = style.figure(3, 1, height=7.2, sharex=True)
    exchange = dataset["site_torkance"].sel(part=_part(dataset)).values
    series = (
        ("torque on the moments", exchange),
        ("lost to the lattice", dataset["lattice_torkance"].values),
        ("spin inflow", dataset["spin_inflow"].values),
    )
    for component, axis in enumerate(axes):
        for (label, values), look in zip(series, style.lines(markers=False), strict=False):
            total = np.bincount(
                place[inside], values[inside, component], minlength=dataset.sizes["slice"]
            )
            axis.plot(dataset["x"], total, label=label, **look)
        unit = dataset["torkance"].attrs["units"]
        axis.set_ylabel(style.axis_label(f"Spin {'xyz'[component]}", unit))
    style.shared_legend(drawing, axes[0], 3)
    axes[0].set_title(f"Where the spin goes ({_title(dataset)})")
    axes[-1].set_xlabel("Position along the wire (lattice constants)")
    return drawing


def _limit(dataset: xr.Dataset) -> Figure:
    width = dataset["width"].values
    order = np.argsort(width)
    drawing, axes = style.figure(2, 1, height=6.4, sharex=True)
    looks = list(zip(range(5), style.lines(), strict=False))

    def curve(axis, values, label: str, look) -> None:
        size = np.abs(np.asarray(values, float))[order]
        size[size < 1e-15] = np.nan
        axis.plot(width[order], size, label=label, **look)

    curve(axes[0], dataset["scan_wall_resistance"], "wall resistance ($h/e^2$)", looks[0][1])
    curve(axes[0], dataset["scan_adiabaticity"] - 1, "|total torque / limit $-$ 1|", looks[1][1])
    curve(axes[1], dataset["scan_adiabatic_ratio"] - 1, "|A / spin current $-$ 1|", looks[2][1])
    curve(axes[1], dataset["scan_beta"], r"$|\beta|$", looks[3][1])
    curve(axes[1], dataset["scan_residual"], "residual", looks[4][1])
    titles = ("Resistance and total torque", "Coefficients of the whole wall")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_yscale("log")
        axis.set_title(title)
        style.legend(axis, inside=True)
    axes[1].set_xlabel("Wall width (layers)")
    return drawing
