"""`kind = "circuit"`: from the scattering of each magnet to a valve by circuit theory.

Each magnet alone between normal metals gives its conductances for both spins and its mixing
conductance; a diffusive spacer joins the two into a valve (magnetoelectronic circuit theory), whose
conductance, torques, P and Lambda follow for every angle: the incoherent counterpart of
`spin_valve`, which keeps all interference between the layers.  A. Brataas, G. E. W. Bauer, P. J.
Kelly, Phys. Rep. 427, 157 (2006).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator

from negf_torque.study.base import CalculationTable, Scalar, key
from negf_torque.study.complaints import nearest
from negf_torque.study.labels import Variable, labelled

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from negf_torque.llg.export import Simulation
    from negf_torque.llg.valve import ValveTorque
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["VARIABLES", "Parameters", "check", "figures", "llg_parameters", "run", "summary"]

VARIABLES: dict[str, Variable] = {
    "angle": Variable(("angle",), "rad", "Angle between the magnets' spins"),
    "magnet": Variable(("magnet",), "", "Magnet"),
    "spin": Variable(("spin",), "", "Spin along the magnet", "up: majority."),
    "conductance": Variable(("angle",), "e^2/h per cell", "Conductance of the valve"),
    "torkance_in_plane": Variable(
        ("angle",), "e/(4 pi) per cell", "Torkance of the free magnet in plane", "Toward p, spins."
    ),
    "torkance_out_of_plane": Variable(
        ("angle",), "e/(4 pi) per cell", "Torkance out of plane", "Along m x p of the spins."
    ),
    "eta": Variable(("angle",), "1", "In-plane torque per current and sin(theta)"),
    "eta_perp": Variable(("angle",), "1", "Out-of-plane torque per current and sin(theta)"),
    "spin_conductance": Variable(
        ("magnet", "spin"),
        "e^2/h per cell",
        "Conductance of one magnet for each spin",
        "Between ideal normal leads, Sharvin resistances included.",
    ),
    "mixing_conductance": Variable(
        ("magnet",), "e^2/h per cell", "Mixing conductance", "sum(1 - r_up r_dn^*), as scattered."
    ),
    "contact_conductance": Variable(
        ("magnet",), "e^2/h per cell", "G of the contact in the circuit", "G_up + G_dn."
    ),
    "contact_polarisation": Variable(("magnet",), "1", "P of the contact in the circuit"),
    "contact_mixing": Variable(
        ("magnet",), "e^2/h per cell", "Mixing conductance of the contact in the circuit"
    ),
    "sharvin_conductance": Variable((), "e^2/h per cell", "Channels of the normal metal per spin"),
    "polarisation": Variable((), "1", "Slonczewski's P", "Of eta; a solver's P is half of it."),
    "Lambda": Variable((), "1", "Slonczewski's Lambda"),
    "epsilon_prime": Variable((), "1", "Constant nearest to eta_perp/2"),
    "fit_residual": Variable((), "1", "Relative residual of the Slonczewski form"),
}


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["circuit"] = key("A valve by circuit theory from its magnets' scattering.")
    free: str = key("Name of the magnet whose torque is wanted.", "free")
    fixed: str = key("Name of the magnet that polarises.", "fixed")
    energy: float = key("Fermi energy.", unit="eV")
    angles: list[float] = key(
        "Angles between the majority spins.",
        [float(angle) for angle in range(10, 171, 10)],
        unit="deg",
        min_length=3,
    )
    sharvin_corrected: bool = key(
        "Take the Sharvin resistances out of the contacts: for diffusive metals.", True
    )
    spin_flip: float = key(
        "Conductance of the spin loss in the spacer.", 0.0, unit="e^2/h per cell", ge=0
    )
    tolerance: float = key("Relative error of the zone averages.", 1e-6, ge=1e-12, le=0.1)
    mesh: int | None = key("Instead: points of a uniform shifted mesh per direction.", None, ge=1)

    @field_validator("angles")
    @classmethod
    def _between(cls, value: list[float]) -> list[float]:
        for angle in value:
            if not 0 < angle < 180:
                raise ValueError(
                    f"has {angle:g}; collinear angles carry no torque. Give 0 ... 180."
                )
        return value


def check(card: Card) -> dict[tuple, str]:
    """Names of the magnets, and that the system is a stack with a normal lead."""
    from negf_torque.study.builders import stack

    if not isinstance(card.system, stack.System):
        return {
            ("system", "builder"): 'circuit theory takes magnets apart: give builder = "stack".'
        }
    problems: dict[tuple, str] = {}
    for role in ("free", "fixed"):
        name = getattr(card.calculation, role)
        if name not in card.system.magnets:
            remedy = nearest(name, card.system.magnets, "magnets")
            problems["calculation", role] = f'no layer with exchange is named "{name}". {remedy}'
    given = stack.arguments(card.system)
    if all(given[side].exchange for side in ("left", "right")):
        problems["system",] = "both leads are magnetic. Circuit theory needs a normal metal."
    return problems


def run(card: Card, progress: Progress) -> xr.Dataset:
    """Scattering of both magnets, then the circuit."""
    from negf_torque.circuit import contact, two_contact_valve
    from negf_torque.circuit.contact import sharvin_corrected, sharvin_corrected_conductance
    from negf_torque.llg.slonczewski import constant_fit, fit_slonczewski
    from negf_torque.transport.sampling import Sampling

    p = card.calculation
    sampling = Sampling(p.tolerance, p.mesh)
    progress.start("scattering of the magnets", 2)
    found, contacts = {}, {}
    for role in ("fixed", "free"):
        found[role] = _scattering(card, getattr(p, role), sampling)
        progress.advance()
    for role, (spins, mixing) in found.items():
        up, down, g = *spins, mixing.reflection
        if p.sharvin_corrected:
            up, down = (
                sharvin_corrected_conductance(x, mixing.sharvin, mixing.sharvin) for x in spins
            )
            g = sharvin_corrected(g, mixing.sharvin)
        contacts[role] = contact(up, down, g, (0, 0, 1), p.sharvin_corrected)
    angles = np.radians(sorted(p.angles))
    order = _order(card)
    left, right = (contacts[role] for role in ("fixed", "free"))
    conductance, in_plane, out_of_plane = two_contact_valve(left, right, angles, p.spin_flip)
    # The circuit drives electrons from the fixed to the free magnet.
    in_plane, out_of_plane = order * in_plane, order * out_of_plane
    eta, perpendicular = (x / (conductance * np.sin(angles)) for x in (in_plane, out_of_plane))
    fit, (prime, _) = fit_slonczewski(angles, eta), constant_fit(angles, perpendicular)
    both = ("fixed", "free")
    return labelled(
        VARIABLES,
        {
            "conductance": conductance,
            "torkance_in_plane": in_plane,
            "torkance_out_of_plane": out_of_plane,
            "eta": eta,
            "eta_perp": perpendicular,
            "spin_conductance": [found[r][0] for r in both],
            "mixing_conductance": [found[r][1].reflection for r in both],
            "contact_conductance": [contacts[r].conductance for r in both],
            "contact_polarisation": [contacts[r].polarisation for r in both],
            "contact_mixing": [complex(contacts[r].mixing) for r in both],
            "sharvin_conductance": found["free"][1].sharvin,
            "polarisation": fit.polarisation,
            "Lambda": fit.Lambda,
            "epsilon_prime": prime / 2,
            "fit_residual": fit.residual,
        },
        {"angle": angles, "magnet": [getattr(p, r) for r in both], "spin": ["up", "down"]},
        converged=all(f[1].converged for f in found.values()),
        free_layers=card.system.thickness(p.free),
    )


def _order(card: Card) -> int:
    """+1 where the fixed magnet is left of the free one: then V > 0 drives toward the free one."""
    names = [layer.name for layer in card.system.layers]
    return 1 if names.index(card.calculation.fixed) < names.index(card.calculation.free) else -1


def _scattering(card: Card, name: str, sampling: Any) -> tuple[list[float], Any]:
    """Conductance of each spin and mixing conductance of one magnet between normal leads.

    The spins of a uniform magnet without spin-orbit coupling do not mix: each sees its own
    on-site energy, half an exchange splitting below (majority) or above.
    """
    from dataclasses import replace

    from negf_torque.lattice import build_stack, layer_chain
    from negf_torque.study.builders import stack
    from negf_torque.transport.linear import window_responses
    from negf_torque.transport.mixing import mixing_conductance

    given = stack.arguments(card.system)
    normal = next(given[s] for s in ("left", "right") if not given[s].exchange)
    own = [layer for layer in given["layers"] if layer.exchange and layer.name == name]
    area, energy = given["cross_section"], card.calculation.energy
    chains = []
    for sign in (-1, 1):
        layers = []
        for layer in own:
            shift = sign * layer.exchange / 2 * np.eye(np.atleast_2d(layer.onsite).shape[0])
            onsite = np.atleast_2d(layer.onsite) + shift
            onsite = float(onsite[0, 0]) if onsite.size == 1 else onsite
            layers.append(replace(layer, onsite=onsite, exchange=0.0, name=""))
        chains.append(layer_chain(build_stack(layers, normal, normal, area)))
    responses = window_responses(chains, energy, sampling)
    spins = [float(response.conductance) / 2 for response in responses]
    chain = layer_chain(build_stack(own, normal, normal, area))
    return spins, mixing_conductance(chain, energy, sampling=sampling)


def summary(dataset: xr.Dataset) -> list[Scalar]:
    """Contacts and the Slonczewski parameters of the valve."""
    converged = bool(dataset.attrs.get("converged", True))
    found = []
    for k, magnet in enumerate(dataset["magnet"].values):
        one = dataset.isel(magnet=k)
        for name in ("contact_conductance", "contact_polarisation", "contact_mixing"):
            data = one[name]
            found.append(
                Scalar(
                    f"{name}[{magnet}]", data.values.item(), data.attrs["units"], None, converged
                )
            )
    for name in ("polarisation", "Lambda", "epsilon_prime", "fit_residual"):
        note = "of eta; a solver's P is half of it" if name == "polarisation" else ""
        value = float(dataset[name])
        found.append(Scalar(name, value, "1", None, converged, note))
    return found


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Conductance and torque per current against the angle."""
    from negf_torque.llg.slonczewski import efficiency
    from negf_torque.study import style

    canvas, (left, right) = style.figure(2, 1, height=5.8, sharex=True)
    degrees = np.degrees(dataset["angle"])
    looks = style.lines()
    left.plot(degrees, dataset["conductance"], **next(looks))
    left.set(ylabel="Conductance ($e^2/h$ per cell)")
    looks = style.lines()
    right.plot(degrees, dataset["eta"], label=r"$\eta$, in plane", **next(looks))
    right.plot(degrees, dataset["eta_perp"], label=r"$\eta_\perp$, out of plane", **next(looks))
    fine = np.linspace(0, np.pi, 181)
    form = efficiency(np.cos(fine), float(dataset["polarisation"]), float(dataset["Lambda"]))
    label = (
        rf"$P = {float(dataset['polarisation']):.3f}$, $\Lambda = {float(dataset['Lambda']):.3f}$"
    )
    right.plot(np.degrees(fine), form, color="0.5", linewidth=1, zorder=0, label=label)
    right.set(xlabel="Angle between the magnets (degrees)", xticks=range(0, 181, 30))
    right.set_ylabel(r"Torque per current / $\sin\theta$")
    style.legend(right, inside=True)
    return {"circuit": canvas}


def llg_parameters(dataset: xr.Dataset, card: Card) -> tuple[ValveTorque, Simulation]:
    """The free magnet's torque per current, and the simulation that the card asks for."""
    from negf_torque.llg.valve import valve_torque

    table = card.llg
    if table is None:
        raise ValueError("the card has no [llg] table.")
    torque = valve_torque(
        dataset["angle"].values,
        dataset["torkance_in_plane"].values,
        dataset["torkance_out_of_plane"].values,
        dataset["conductance"].values,
        cell_area=table.cell_area,
        thickness=int(dataset.attrs["free_layers"]) * table.layer_spacing,
        saturation_magnetisation=table.saturation_magnetisation,
        fixed_direction=table.fixed_direction,
        response="circuit theory",
        name=card.name,
        provenance="negf_torque {version}, card {card_hash:.16}".format(**dataset.attrs),
    )
    return torque, table.simulation()
