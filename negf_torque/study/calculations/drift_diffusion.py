"""`kind = "drift_diffusion"`: a metallic stack by the equations of Valet and Fert, noncollinear.

Resistivities, spin-flip lengths and interface resistances of the layers (measured, or from
transport) give resistance, spin accumulation and torques for every angle of the free magnet, and
from them the Slonczewski parameters.  T. Valet and A. Fert, Phys. Rev. B 48, 7099 (1993), with the
mixing conductances of circuit theory at the interfaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator, model_validator

from negf_torque.study.base import CalculationTable, Scalar, Table, key
from negf_torque.study.complaints import nearest
from negf_torque.study.labels import Variable, labelled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.export import Simulation
    from negf_torque.llg.valve import ValveTorque
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "System", "check", "figures", "run", "summary"]

Vector = tuple[float, float, float]

VARIABLES: dict[str, Variable] = {
    "angle": Variable(("angle",), "rad", "Angle between the magnets' spins"),
    "resistance": Variable(
        ("angle",), "fohm m^2", "Resistance times area", "Without the bulk of semi-infinite layers."
    ),
    "eta": Variable(("angle",), "1", "In-plane torque per current and sin(theta)", "Toward p."),
    "eta_perp": Variable(("angle",), "1", "Out-of-plane torque per current and sin(theta)"),
    "layer": Variable(("layer",), "", "Layer, counted from the left"),
    "absorbed": Variable(
        ("angle", "layer", "component"),
        "1",
        "Transverse spin current that each layer absorbs",
        "Per charge current; times hbar/2e its torque on the spins.",
    ),
    "component": Variable(("component",), "", "Component of the spin"),
    "place": Variable(("place",), "nm", "Position", "Electrons flow to larger positions."),
    "shown": Variable(("shown",), "deg", "Angle of the profiles"),
    "accumulation": Variable(
        ("shown", "place", "component"),
        "fohm m^2",
        "Spin accumulation per current density",
        "Half the spin splitting of the electrochemical potential, over e.",
    ),
    "spin_current": Variable(
        ("shown", "place", "component"), "1", "Spin current per charge current", "Along the stack."
    ),
    "polarisation": Variable((), "1", "Slonczewski's P", "Of eta; a solver's P is half of it."),
    "Lambda": Variable((), "1", "Slonczewski's Lambda"),
    "epsilon_prime": Variable((), "1", "Constant nearest to eta_perp/2"),
    "fit_residual": Variable((), "1", "Relative residual of the Slonczewski form"),
}


class LayerTable(Table):
    """`[[system.layers]]`: one layer; its interface_* keys belong to its left interface."""

    name: str = key("Name of a magnet.", "")
    thickness: float | None = key(
        "Thickness; leave out in the first or last layer for a semi-infinite one.",
        None,
        unit="nm",
        gt=0,
    )
    resistivity: float = key("rho*, half of the resistance of one spin.", unit="ohm m", gt=0)
    spin_flip_length: float = key("Spin-flip length.", unit="nm", gt=0)
    beta: float = key("Bulk asymmetry of a magnet.", 0.0, gt=-1, lt=1)
    direction: Vector | None = key("Majority-spin direction; makes the layer a magnet.", None)
    interface_resistance: float = key("r* of the left interface.", 0.0, unit="fohm m^2", ge=0)
    interface_gamma: float = key("Asymmetry of the left interface.", 0.0, gt=-1, lt=1)
    interface_mixing: tuple[float, float] = key(
        "Mixing conductance (real, imaginary) of the left interface.",
        (1.0, 0.0),
        unit="1/(fohm m^2)",
    )

    @model_validator(mode="after")
    def _magnet(self) -> LayerTable:
        if self.direction is not None and not any(self.direction):
            raise ValueError("has a direction of length zero. Give three components.")
        if self.name and self.direction is None:
            raise ValueError(
                f'is named "{self.name}" but has no direction: only magnets have names.'
            )
        if self.interface_mixing[0] < 0:
            raise ValueError("has an interface_mixing with a negative real part.")
        return self


class System(Table):
    """The `[system]` table: the stack, left to right."""

    layers: list[LayerTable] = key("The layers.", min_length=2)


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["drift_diffusion"] = key("A stack by drift and diffusion.")
    free: str = key("Name of the magnet that turns.", "free")
    fixed: str = key("Name of the magnet that polarises.", "fixed")
    angles: list[float] = key(
        "Angles between the majority spins.",
        [float(angle) for angle in range(5, 180, 5)],
        unit="deg",
        min_length=3,
    )
    shown: list[float] = key("Angles of the profiles.", [1.0, 90.0, 179.0], unit="deg")
    samples: int = key("Points of the profile per layer.", 41, ge=3, le=10_000)

    @field_validator("angles")
    @classmethod
    def _between(cls, value: list[float]) -> list[float]:
        for angle in value:
            if not 0 < angle < 180:
                raise ValueError(
                    f"has {angle:g}; collinear angles carry no torque. Give 0 ... 180."
                )
        return sorted(value)


def _stack(card: Card) -> tuple[list[Any], list[Any]]:
    """Layers and interfaces in SI units."""
    from negf_torque.circuit import Interface, Layer

    tables = card.system.layers
    layers = [
        Layer(
            t.resistivity,
            t.spin_flip_length * 1e-9,
            np.inf if t.thickness is None else t.thickness * 1e-9,
            t.beta,
            t.direction,
        )
        for t in tables
    ]
    interfaces = [
        Interface(
            t.interface_resistance * 1e-15,
            t.interface_gamma,
            complex(*t.interface_mixing) * 1e15,
        )
        for t in tables[1:]
    ]
    return layers, interfaces


def check(card: Card) -> dict[tuple, str]:
    """Magnets by name, no touching magnets, no infinite layer inside."""
    tables = card.system.layers
    problems: dict[tuple, str] = {}
    names = [t.name for t in tables if t.direction is not None]
    for role in ("free", "fixed"):
        name = getattr(card.calculation, role)
        if name not in names:
            remedy = nearest(name, [n for n in names if n], "magnets")
            problems["calculation", role] = f'no magnet is named "{name}". {remedy}'
    for k, (one, two) in enumerate(zip(tables[:-1], tables[1:], strict=True)):
        if one.direction is not None and two.direction is not None:
            problems["system", "layers", k + 1] = (
                "touches another magnet. Put a thin normal layer between them."
            )
    for k, table in enumerate(tables[1:-1], start=1):
        if table.thickness is None:
            problems["system", "layers", k, "thickness"] = "only outer layers may be without."
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Solve the stack at every angle."""
    from negf_torque.circuit.diffusion import profile, solve_stack, stack_eta
    from negf_torque.llg.slonczewski import constant_fit, fit_slonczewski

    p, tables = card.calculation, card.system.layers
    layers, interfaces = _stack(card)
    free, fixed = (
        next(k for k, t in enumerate(tables) if t.name == name) for name in (p.free, p.fixed)
    )

    turned = _turns(layers, free, fixed)
    theta = np.radians(p.angles)
    progress.start("angles", len(theta))
    resistance, eta, absorbed = [], [], []
    for angle in theta:
        stack = turned(angle)
        solution = solve_stack(stack, interfaces)
        resistance.append(solution.resistance * 1e15)
        eta.append(stack_eta(solution, stack, free, fixed))
        absorbed.append(solution.torque)
        progress.advance()
    in_plane, out_of_plane = np.array(eta).T
    fit, (prime, _) = fit_slonczewski(theta, in_plane), constant_fit(theta, out_of_plane)
    shown = []
    for angle in np.radians(p.shown):
        stack = turned(angle)
        shown.append(profile(solve_stack(stack, interfaces), stack, p.samples))
    return labelled(
        VARIABLES,
        {
            "resistance": resistance,
            "eta": in_plane,
            "eta_perp": out_of_plane,
            "absorbed": absorbed,
            "accumulation": [1e15 * s[1] for s in shown],
            "spin_current": [s[2] for s in shown],
            "polarisation": fit.polarisation,
            "Lambda": fit.Lambda,
            "epsilon_prime": prime / 2,
            "fit_residual": fit.residual,
        },
        {
            "angle": theta,
            "layer": np.arange(len(tables)),
            "component": list("xyz"),
            "place": shown[0][0] * 1e9 if shown else [],
            "shown": p.shown,
        },
        converged=bool(fit.valid),
        samples=p.samples,
    )


def _turns(layers: list[Any], free: int, fixed: int) -> Any:
    """Function of the angle: the stack with the free magnet turned from the fixed one."""
    from dataclasses import replace

    from negf_torque.spin import rotation_so3

    p, m = np.array(layers[fixed].direction), np.array(layers[free].direction)
    normal = np.cross(p, m)
    if np.linalg.norm(normal) < 1e-9:
        normal = np.cross(p, np.eye(3)[int(np.argmin(np.abs(p)))])

    def turned(angle: float) -> list[Any]:
        direction = rotation_so3(normal, angle) @ p
        return [
            replace(layer, direction=tuple(direction)) if k == free else layer
            for k, layer in enumerate(layers)
        ]

    return turned


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Resistances and Slonczewski parameters."""
    converged = bool(dataset.attrs.get("converged", True))
    first, last = (float(dataset["resistance"][k]) for k in (0, -1))
    low, high = (np.degrees(float(dataset["angle"][k])) for k in (0, -1))
    return [
        Scalar(f"resistance[{low:g} deg]", first, "fohm m^2", None, converged),
        Scalar(f"resistance[{high:g} deg]", last, "fohm m^2", None, converged),
        Scalar("magnetoresistance", last / first - 1, "1", None, converged),
        Scalar(
            "polarisation", float(dataset["polarisation"]), "1", None, converged,
            "of eta; a solver's P is half of it; for electrons toward larger positions",
        ),
        Scalar("Lambda", float(dataset["Lambda"]), "1", None, converged),
        Scalar("epsilon_prime", float(dataset["epsilon_prime"]), "1", None, converged),
        Scalar("fit_residual", float(dataset["fit_residual"]), "1", None, converged),
    ]  # fmt: skip


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Angular dependence; profiles of accumulation and spin current."""
    from negf_torque.study import style

    canvas, (left, right) = style.figure(2, 1, height=5.8, sharex=True)
    degrees = np.degrees(dataset["angle"])
    left.plot(degrees, dataset["resistance"], **next(style.lines(markers=False)))
    left.set(ylabel=r"Resistance (f$\Omega$ m$^2$)")
    looks = style.lines(markers=False)
    right.plot(degrees, dataset["eta"], label=r"$\eta$, in plane", **next(looks))
    right.plot(degrees, dataset["eta_perp"], label=r"$\eta_\perp$, out of plane", **next(looks))
    right.set(xlabel="Angle between the magnets (degrees)", xticks=range(0, 181, 30))
    right.set_ylabel(r"Torque per current / $\sin\theta$")
    style.legend(right, inside=True)
    drawn = {"angles": canvas}
    if dataset.sizes["shown"]:
        drawn["profiles"] = _profiles(dataset)
    return drawn


def _profiles(dataset: xr.Dataset) -> Figure:
    """For each angle the accumulation and below it the spin current."""
    from negf_torque.study import style

    count = dataset.sizes["shown"]
    canvas, axes = style.figure(2 * count, 1, height=0.8 + 3.6 * count, sharex=True)
    edges = dataset["place"].values[:: int(dataset.attrs["samples"])][1:]
    for number in range(count):
        one = dataset.isel(shown=number)
        for panel, name in zip(axes[2 * number :], ("accumulation", "spin_current"), strict=False):
            for edge in edges:
                panel.axvline(edge, color="0.75", linewidth=0.8)
            for component, look in zip("xyz", style.lines(markers=False), strict=False):
                panel.plot(one["place"], one[name].sel(component=component),
                           label=f"spin {component}", **look)  # fmt: skip
        axes[2 * number].set_title(f"{float(one['shown']):g}°: accumulation and spin current")
        axes[2 * number].set_ylabel(r"f$\Omega$ m$^2$")
        axes[2 * number + 1].set_ylabel("per current")
    axes[-1].set_xlabel("Position (nm; grey: interfaces)")
    style.shared_legend(canvas, axes[0], 3)
    return canvas


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[ValveTorque, Simulation]:
    """The free magnet's torque per current, and the simulation that the card asks for."""
    from negf_torque.llg.valve import ValveTorque
    from negf_torque.units import CONDUCTANCE_QUANTUM

    table = card.llg
    if table is None:
        raise ValueError("the card has no [llg] table.")
    thickness = next(t.thickness for t in card.system.layers if t.name == card.calculation.free)
    if thickness is None:
        raise ValueError(
            f'system.layers: the free layer "{card.calculation.free}" is semi-infinite. Give its '
            "thickness: the torque acts on its whole moment."
        )
    area = table.cell_area * 1e-18
    conductance = area / (dataset["resistance"].values * 1e-15) / CONDUCTANCE_QUANTUM
    torque = ValveTorque(
        tuple(dataset["angle"].values.tolist()),
        tuple(dataset["eta"].values.tolist()),
        tuple(dataset["eta_perp"].values.tolist()),
        tuple(conductance.tolist()),
        table.cell_area,
        thickness,
        table.saturation_magnetisation,
        table.fixed_direction,
        response="drift and diffusion",
        name=card.name,
        provenance="negf_torque {version}, card {card_hash:.16}".format(**dataset.attrs),
    )
    return torque, table.simulation()
