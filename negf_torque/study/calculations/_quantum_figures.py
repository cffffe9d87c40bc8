"""Figures of a quantum chain: spins and probabilities, levels, maps, torques, a film."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study import style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figures", "file_name", "film"]

#: Probabilities drawn in one panel, and frames of a film, at most.
MOST_CURVES, MOST_FRAMES = 6, 75
_INSIDE = {"loc": "best", "bbox_to_anchor": None, "borderaxespad": 0.5}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """All figures that the result has data for, by name."""
    drawn: dict[str, Figure] = {}
    if "chain_level" in dataset:
        drawn["levels"] = _levels(dataset)
    for name in dataset["injection"].values:
        one, suffix = dataset.sel(injection=name), file_name(str(name))
        drawn[f"spins_{suffix}"] = _spins(one, str(name))
        if "macrospin_spin" in dataset:
            drawn[f"macrospin_{suffix}"] = _macrospin(one, str(name))
        if "density" in dataset:
            drawn[f"maps_{suffix}"] = _maps(one, str(name))
        drawn[f"torque_{suffix}"] = _torque(one, str(name))
    return drawn


def file_name(name: str) -> str:
    """A direction as part of a file name.

    Examples
    --------
    >>> file_name("-z"), file_name("(0.6, 0, -0.8)")
    ('minus_z', '0.6_0_m0.8')
    """
    plain = {"+": "plus_", "-": "minus_", "(": "", ")": "", ",": "", " ": "_"}
    if len(name) > 2:
        plain |= {"-": "m"}
    return "".join(plain.get(letter, letter) for letter in name)


def _arrows(label: str) -> str:
    """A configuration's name with arrows for up and down spins."""
    inside = label.strip("|>").replace("up", "\u2191").replace("down", "\u2193")
    electron, _, spins = inside.partition("; ")
    if "*" not in spins and "/" not in spins and not any(c.isdigit() for c in spins):
        spins = spins.replace(" ", "")
    return f"|{electron}; {spins}\u27e9"


def _time_axis(axes: Axes, one: xr.Dataset) -> None:
    axes.set_xlabel("Time (fs)")
    axes.set_xlim(float(one["time"][0]), float(one["time"][-1]))


def _components(axes: Axes, one: xr.Dataset, vectors: xr.DataArray, symbol: str) -> None:
    """x, y and z of a spin against time."""
    for component, look in zip("xyz", style.lines(markers=False), strict=False):
        axes.plot(
            one["time"], vectors.sel(component=component), label=f"${symbol}_{component}$", **look
        )
    _time_axis(axes, one)
    style.legend(axes, **_INSIDE)


def _probabilities(axes: Axes, one: xr.Dataset, name: str, dimension: str) -> None:
    """The most populated configurations, on two scales: the initial ones are near 1 or 1/2."""
    data = one[name]
    order = np.argsort(-data.max("time").values, kind="stable")
    keep = [i for i in order if float(data.isel({dimension: i}).max()) > 1e-6][:MOST_CURVES]
    for i, look in zip(keep, style.lines(markers=False), strict=False):
        label = _arrows(str(one[dimension].values[i]))
        axes.plot(one["time"], data.isel({dimension: i}), label=label, **look)
    axes.set_yscale("symlog", linthresh=0.05, linscale=1.4)
    axes.set_ylim(0, 1.3)
    ticks = [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.2, 0.5, 1]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylabel("Probability")
    _time_axis(axes, one)
    style.legend(axes, fontsize=8.5)


def _title(axes: Axes, letter: str, text: str) -> None:
    axes.set_title(f"({letter}) {text}", loc="left")


def _spins(one: xr.Dataset, name: str) -> Figure:
    """Panels (a)-(d) as in the paper's Figs. 3 and 4; (e) and (f) are what it does not show."""
    drawing, axes = style.figure(3, 2, width=11.5, height=10.0)
    drawing.suptitle(f"Electron injected along {name}")
    _title(axes[0, 0], "a", "Electron spin")
    _components(axes[0, 0], one, one["electron_spin"], "s")
    axes[0, 0].set_ylabel(r"$\langle\sigma\rangle$ ($\hbar/2$)")
    _title(axes[0, 1], "b", "Purity")
    _purities(axes[0, 1], one)
    _title(axes[1, 0], "c", "First local spin")
    _components(axes[1, 0], one, one["local_spin"].isel(spin=0), "S")
    axes[1, 0].set_ylabel(r"$\langle 2S\rangle$ ($\hbar/2$)")
    _title(axes[1, 1], "d", "Spin configurations |electron; local spins\u27e9")
    _probabilities(axes[1, 1], one, "probability", "configuration")
    _title(axes[2, 0], "e", "Where the electron is")
    _regions(axes[2, 0], one)
    _title(axes[2, 1], "f", "Local spins: quantum and classical")
    _quantum_and_classical(axes[2, 1], one)
    return drawing


def _purities(axes: Axes, one: xr.Dataset) -> None:
    looks = style.lines(markers=False)
    curves = {
        "electron = all local spins": one["purity"],
        "electron's spin": one["electron_spin_purity"],
        "first local spin": one["local_spin_purity"].isel(spin=0),
    }
    for (label, data), look in zip(curves.items(), looks, strict=False):
        if np.any(np.isfinite(data)):
            axes.plot(one["time"], data, label=label, **look)
    axes.set_ylabel(r"Tr $\rho^2$")
    _time_axis(axes, one)
    style.legend(axes, **_INSIDE)


def _regions(axes: Axes, one: xr.Dataset) -> None:
    looks = style.lines(markers=False)
    names = {"left": "left of the magnet", "magnet": "inside", "right": "right of it"}
    for region, text in names.items():
        for electron, arrow in (("up", "\u2191"), ("down", "\u2193")):
            data = one["region_probability"].sel(region=region, electron=electron)
            if float(data.max()) > 1e-9:
                axes.plot(one["time"], data, label=f"{text} {arrow}", **next(looks))
    _mark_walls(axes, one)
    axes.set_ylabel("Probability")
    _time_axis(axes, one)
    style.legend(axes, fontsize=8.5, ncols=2, **(_INSIDE | {"loc": "center"}))


def _mark_walls(axes: Axes, one: xr.Dataset) -> None:
    """A line where 1 % of the packet has reached the right wall."""
    late = np.flatnonzero(one["wall_weight"].sel(wall="right").values > 0.01)
    if late.size:
        when = float(one["time"][late[0]])
        axes.axvline(when, color="0.55", linewidth=1.0)
        axes.annotate(
            "1 % at the right wall",
            (when, 1.0),
            xytext=(0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
            color="0.35",
        )


def _quantum_and_classical(axes: Axes, one: xr.Dataset) -> None:
    """How much shorter the first spin is than 2S, and how far it has turned, in both pictures."""
    looks = style.lines(markers=False)
    quantum = one["local_spin"].isel(spin=0)
    pictures = {"quantum": quantum}
    if "classical_local_spin" in one:
        pictures["classical"] = one["classical_local_spin"].isel(spin=0)
    lines = []
    for label, vector in pictures.items():
        length = np.linalg.norm(vector.values, axis=-1)
        lines += axes.plot(
            one["time"], length[0] - length, label=f"shortening, {label}", **next(looks)
        )
    turned = axes.twinx()
    turned.grid(False)
    for label, vector in pictures.items():
        lines += turned.plot(
            one["time"], np.degrees(_turned(vector.values)), label=f"turned, {label}", **next(looks)
        )
    largest = turned.get_ylim()[1]
    turned.set_ylim(-0.05 * max(largest, 1.0), max(1.05 * largest, 1.0))
    axes.set_ylabel(r"$|S(0)| - |S|$ ($\hbar/2$)")
    turned.set_ylabel("Angle from the start (degrees)")
    _time_axis(axes, one)
    low, high = axes.get_ylim()
    axes.set_ylim(low, low + 1.3 * (high - low))
    low, high = turned.get_ylim()
    turned.set_ylim(low, low + 1.3 * (high - low))
    labels = [str(line.get_label()) for line in lines]
    turned.legend(lines, labels, loc="upper left", ncols=2, fontsize=8.5)


def _turned(vectors: np.ndarray) -> np.ndarray:
    """Angle (radians) of each vector (time, 3) from the first, exact for small angles."""
    cross = np.linalg.norm(np.cross(vectors[0], vectors), axis=-1)
    return np.arctan2(cross, vectors @ vectors[0])


def _macrospin(one: xr.Dataset, name: str) -> Figure:
    """Panels (a)-(d) of the paper's Figs. 5 and 6."""
    drawing, axes = style.figure(2, 2, width=11.5, height=6.8)
    drawing.suptitle(f"One macrospin of the same size; electron injected along {name}")
    _title(axes[0, 0], "a", "Electron spin")
    _components(axes[0, 0], one, one["macrospin_electron_spin"], "s")
    axes[0, 0].set_ylabel(r"$\langle\sigma\rangle$ ($\hbar/2$)")
    _title(axes[0, 1], "b", "Purity")
    axes[0, 1].plot(
        one["time"],
        one["macrospin_purity"],
        label="electron = macrospin",
        **next(style.lines(markers=False)),
    )
    axes[0, 1].set_ylabel(r"Tr $\rho^2$")
    _time_axis(axes[0, 1], one)
    style.legend(axes[0, 1], **_INSIDE)
    _title(axes[1, 0], "c", "Macrospin")
    _components(axes[1, 0], one, one["macrospin_spin"], "S")
    axes[1, 0].set_ylabel(r"$\langle 2S\rangle$ ($\hbar/2$)")
    _title(axes[1, 1], "d", "Spin configurations |electron; $S_z$\u27e9")
    _probabilities(axes[1, 1], one, "macrospin_probability", "macrospin_configuration")
    return drawing


def _levels(dataset: xr.Dataset) -> Figure:
    """The paper's Fig. 2: levels of chain and composite, and spins in a ground state."""
    from negf_torque.manybody import degeneracies

    drawing, axes = style.figure(1, 3, width=13.0, height=4.4)
    titles = {"chain_level": "Local spins alone", "composite_level": "With the electron"}
    for axis, letter, (name, title) in zip(axes, "ab", titles.items(), strict=False):
        if name not in dataset:
            axis.axis("off")
            continue
        energy = dataset[name].values
        axis.plot(
            np.arange(1, len(energy) + 1),
            energy,
            marker="_",
            markersize=7,
            linestyle="none",
            color=style.PALETTE[0],
            markeredgewidth=1.8,
        )
        groups = degeneracies(energy)[:3]
        words = "\n".join(f"{value:.6f} eV  \u00d7 {count}" for value, count in groups)
        axis.text(
            0.97,
            0.05,
            f"lowest:\n{words}",
            transform=axis.transAxes,
            ha="right",
            va="bottom",
            fontsize=8.5,
            bbox={"facecolor": "white", "edgecolor": "0.8"},
        )
        axis.set(xlabel="Level", ylabel="Energy (eV)")
        _title(axis, letter, title)
    _ground_state(axes[2], dataset)
    return drawing


def _ground_state(axes: Axes, dataset: xr.Dataset) -> None:
    """Arrows: S_z of electron (E) and local spins in the lowest levels."""
    _title(axes, "c", "Spins in a ground state ($z$ up)")
    count = dataset.sizes["spin"]
    shown = min(count, 12)
    rows = [("alone", np.nan, dataset["chain_local_sz"].values[0])]
    if "composite_level" in dataset:
        electron = float(dataset["composite_electron_sz"][0])
        rows.append(("with electron", electron, dataset["composite_local_sz"].values[0]))
    for height, (label, electron, local) in enumerate(rows):
        values = np.concatenate([[electron], local[:shown]])
        largest = max(np.nanmax(abs(values)), 1e-9)
        sign = np.sign(local[0]) or 1.0
        for place, value in enumerate(values):
            if np.isfinite(value):
                reach = 0.38 * sign * value / largest
                axes.annotate(
                    "",
                    (place, height + reach),
                    (place, height - reach),
                    arrowprops={"arrowstyle": "-|>", "color": style.PALETTE[height], "lw": 1.8},
                )
                axes.text(
                    place,
                    height - 0.47,
                    f"{sign * value:.3g}",
                    ha="center",
                    va="center",
                    fontsize=8.5,
                )
        axes.text(-0.75, height, label, ha="right", va="center", fontsize=9.5)
    names = ["electron", *(str(n) for n in range(shown))]
    axes.set(xlim=(-0.7, shown + 0.7), ylim=(-0.65, len(rows) - 0.45), yticks=[])
    axes.set_xticks(range(shown + 1), names)
    axes.set_xlabel("Electron and local spins" + (" (first 12)" if count > shown else ""))
    axes.grid(False)


def _maps(one: xr.Dataset, name: str) -> Figure:
    """Density and spin of the electron, and the local spins, against position and time."""
    from matplotlib.colors import PowerNorm

    collinear = float(abs(one["electron_spin"].sel(component=["x", "y"])).max()) < 1e-9
    flows = ["number", "z"] if collinear else ["number", "x", "y", "z"]
    columns = 2 if collinear else 3
    drawing, axes = style.figure(2, columns, width=4.4 * columns, height=9.0)
    drawing.suptitle(f"Electron injected along {name}")
    panels = list(np.ravel(axes))
    sites = one["spin_site"].values
    for axis, flow in zip(panels, flows, strict=False):
        data = one["density"].sel(flow=flow)
        if flow == "number":
            top = float(np.quantile(data, 0.999))
            look = {"cmap": style.SEQUENTIAL, "norm": PowerNorm(0.5, 0, top)}
        else:
            largest = float(np.quantile(abs(data), 0.99)) or 1.0
            look = {"cmap": style.DIVERGING, "vmin": -largest, "vmax": largest}
        label = "Density" if flow == "number" else f"Spin ${flow}$ ($\\hbar/2$)"
        extend = "max" if flow == "number" else "both"
        _image(axis, data.transpose("time", "site"), "site", f"{label} per site", extend, look)
        for edge in (sites.min() - 0.5, sites.max() + 0.5):
            axis.axvline(edge, color="white" if flow == "number" else "0.3", lw=0.7, ls=":")
        axis.set_xlabel("Site (dotted: the magnet)")
        axis.set_title("Electron" if flow == "number" else f"Electron's spin along ${flow}$")
    current = one["current"].sel(flow="z")
    largest = float(np.quantile(abs(current), 0.995)) or 1.0
    look = {"cmap": style.DIVERGING, "vmin": -1e3 * largest, "vmax": 1e3 * largest}
    label = r"Spin current $z$ ($10^{-3}\,\hbar/2$ per fs)"
    _image(panels[-2], 1e3 * current.transpose("time", "bond"), "bond", label, "both", look)
    panels[-2].set_xlabel("Bond")
    panels[-2].set_title("Current of spin $z$ to the right")
    _local_map(panels[-1], one)
    return drawing


def _image(axes: Axes, data: xr.DataArray, across: str, label: str, extend: str, look) -> None:
    """Values (time, position) as an image; times need not be evenly spaced."""
    position, time = data[across].values, data["time"].values
    gaps = np.diff(time)
    if len(time) > 2 and np.ptp(gaps) < 1e-9 * gaps.max():
        reach = (position[0] - 0.5, position[-1] + 0.5, time[0], time[-1])
        mesh: Any = axes.imshow(
            data.values,
            origin="lower",
            extent=reach,
            aspect="auto",
            interpolation="nearest",
            **look,
        )
    else:
        mesh = axes.pcolormesh(
            position, time, data.values, shading="nearest", rasterized=True, **look
        )
    drawing: Any = axes.get_figure()
    drawing.colorbar(mesh, ax=axes, label=label, extend=extend)
    axes.set_ylabel("Time (fs)")
    axes.grid(False)


def _local_map(axes: Axes, one: xr.Dataset) -> None:
    """How much S_z each local spin has lost; curves where there are few."""
    lost = one["local_spin"].sel(component="z").isel(time=0) - one["local_spin"].sel(component="z")
    if one.sizes["spin"] <= 2:
        for n, look in zip(one["spin"].values, style.lines(markers=False), strict=False):
            axes.plot(lost.sel(spin=n), one["time"], label=f"spin {n}", **look)
        axes.set(xlabel=r"Lost $2S_z$ ($\hbar/2$)", ylabel="Time (fs)")
        axes.set_ylim(float(one["time"][0]), float(one["time"][-1]))
        if one.sizes["spin"] > 1:
            style.legend(axes, **_INSIDE)
    else:
        largest = float(np.quantile(abs(lost), 0.998)) or 1.0
        look = {"cmap": style.DIVERGING, "vmin": -largest, "vmax": largest}
        data = lost.transpose("time", "spin")
        _image(axes, data, "spin", r"Lost $2S_z$ ($\hbar/2$)", "both", look)
        axes.set(xlabel="Local spin", ylabel="Time (fs)")
        if one.sizes["spin"] <= 12:
            axes.set_xticks(one["spin"].values)
        axes.grid(False)
    axes.set_title("Local spins")


def _torque(one: xr.Dataset, name: str) -> Figure:
    """Torque on all local spins, quantum and mean-field, and the spin current into the magnet."""
    drawing, axes = style.figure(2, 1, width=8.0, height=7.0, sharex=True)
    drawing.suptitle(f"Electron injected along {name}")
    looks = style.lines(markers=False)
    for source, label in (("torque", "quantum"), ("mean_field_torque", "mean-field")):
        total = one[source].sum("spin")
        for component in "xyz":
            data = total.sel(component=component)
            if float(abs(data).max()) > 1e-12 or component == "z":
                axes[0].plot(one["time"], 1e3 * data, label=f"{label} ${component}$", **next(looks))
    axes[0].set_ylabel(r"Torque ($10^{-3}\,\hbar/2$ per fs)")
    axes[0].set_title("The electron's torque on all local spins together")
    style.legend(axes[0])
    looks = style.lines(markers=False)
    for n in range(min(one.sizes["spin"], 5)):
        data = one["torque"].isel(spin=n).sel(component="z")
        axes[1].plot(one["time"], 1e3 * data, label=f"local spin {n}", **next(looks))
    axes[1].set_ylabel(r"Torque along $z$ ($10^{-3}\,\hbar/2$ per fs)")
    more = ", first five" if one.sizes["spin"] > 5 else ""
    axes[1].set_title(f"Along $z$ on each local spin{more}")
    _time_axis(axes[1], one)
    style.legend(axes[1])
    return drawing


def film(dataset: xr.Dataset, injection: str, form: str = "gif", rate: int = 15) -> bytes:
    """The run as a film: density of both spins, local spins as arrows.

    Parameters
    ----------
    dataset : xarray.Dataset
        With the density kept (`profiles = true`).
    injection : str
        Name of the electron's direction.
    form : {"gif", "mp4"}
        mp4 needs the program ffmpeg.
    rate : int
        Frames per second.

    Raises
    ------
    ValueError
        If the density was not kept, or ffmpeg is missing.
    """
    import tempfile
    from pathlib import Path

    from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter

    if "density" not in dataset:
        raise ValueError("animation: the density was not kept. Set profiles = true and run again.")
    if form not in ("gif", "mp4"):
        raise ValueError(f"animation: {form!r} is no form of a film. Expected 'gif' or 'mp4'.")
    if form == "mp4" and not FFMpegWriter.isAvailable():
        raise ValueError("animation: mp4 needs the program ffmpeg. Install it, or choose 'gif'.")
    one = dataset.sel(injection=injection)
    count = one.sizes["time"]
    frames = np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))
    drawing, draw = _film_frame(one, injection)
    writer = PillowWriter(rate) if form == "gif" else FFMpegWriter(rate)
    with style.style(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{form}"
        FuncAnimation(drawing, draw, frames=list(frames), blit=False).save(path, writer, dpi=80)
        return path.read_bytes()


def _film_frame(one: xr.Dataset, injection: str):
    """The figure of a film, and the function that draws the frame of a time index."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawing, (upper, lower) = style.figure(
        2, 1, width=8.0, height=5.4, height_ratios=[1.5, 1], sharex=False
    )
    FigureCanvasAgg(drawing)
    density = one["density"]
    up = ((density.sel(flow="number") + density.sel(flow="z")) / 2).values
    down = ((density.sel(flow="number") - density.sel(flow="z")) / 2).values
    site = one["site"].values
    sites = one["spin_site"].values
    upper.axvspan(sites.min() - 0.5, sites.max() + 0.5, color="0.9")
    looks = style.lines(markers=False)
    curves = [
        upper.plot(site, values[0], label=f"electron {arrow}", **next(looks))[0]
        for values, arrow in ((up, "\u2191"), (down, "\u2193"))
    ]
    top = max(np.quantile(up, 0.998), np.quantile(down, 0.998))  # the start may stick out
    upper.set(xlim=(site[0], site[-1]), ylim=(0, top))
    upper.set(xlabel="Site", ylabel="Density per site")
    upper.legend(loc="upper right")
    spins = one["local_spin"].values
    length = max(float(abs(spins).max()), 1e-9)
    shown = min(spins.shape[1], 24)
    place = np.arange(shown)
    arrows = lower.quiver(
        place,
        np.zeros(shown),
        spins[0, :shown, 0] / length,
        spins[0, :shown, 2] / length,
        scale=1,
        scale_units="y",
        angles="uv",
        pivot="mid",
        width=0.006,
        color=style.PALETTE[1],
    )
    lower.set(xlim=(-1, shown), ylim=(-0.62, 0.62), yticks=[])
    lower.set_xlabel("Local spin ($x$-$z$ plane; length: how pure)")
    lower.grid(False)
    title = upper.set_title("t")
    drawing.canvas.draw()
    drawing.set_layout_engine("none")  # laid out once, not for every frame

    def draw(index: int):
        curves[0].set_ydata(up[index])
        curves[1].set_ydata(down[index])
        arrows.set_UVC(spins[index, :shown, 0] / length, spins[index, :shown, 2] / length)
        title.set_text(f"Electron injected along {injection}, {float(one['time'][index]):.0f} fs")
        return [*curves, arrows, title]

    return drawing, draw
