"""The work behind `kind = "ferromagnet"`: from the card's table to labelled results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._ferromagnet_variables import (
    PARAMETERS,
    PARTS,
    SHOWN,
    VARIABLES,
)
from negf_torque.study.errors import StudyError
from negf_torque.study.labels import labelled
from negf_torque.units import BOLTZMANN, ELEMENTARY_CHARGE, HBAR, HBAR_SI

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.gradient.bands import Band
    from negf_torque.gradient.born import ImpurityStrengths
    from negf_torque.gradient.coefficients import Coefficients
    from negf_torque.gradient.crystal import Crystal
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card

__all__ = ["calculate"]

# sites per cubic cell
_SITES = {"body_centred_cubic": 2, "face_centred_cubic": 4}
QUANTITIES = ("beta", "damping", "spin_renormalisation", "adiabatic")


@dataclass(frozen=True)
class Point:
    """Values of everything that can be swept, in the card's units; arrays broadcast."""

    exchange: Any
    chemical_potential: Any
    nonmagnetic: Any
    longitudinal: Any
    transverse: Any
    temperature: float

    def with_value(self, name: str, value: Any) -> Point:
        """The point with one parameter changed; "magnetic" changes both components."""
        if name == "magnetic":
            return replace(self, longitudinal=value, transverse=value)
        return replace(self, **{name: value})


class Material:
    """A band or crystal with its units: what turns hbar = 1 numbers into the card's."""

    def __init__(self, card: Card) -> None:
        system = card.system
        self.card, self.system = card, system
        #: one of the two
        self.band: Any = None
        self.crystal: Any = None
        a, d = system.lattice_constant, system.dimension
        #: strengths are variances per cell; the parabolic band counts them per volume
        self.strength = 1.0
        self.per_cell, self.length = 1.0, a
        if system.is_crystal:
            self.crystal = _crystal(card)
            d, self.cell, self.length = self.crystal.dimension, self.crystal.volume, 1.0
            self.current = 1 / self.cell
        elif system.band == "parabolic":
            self.cell = a**d
            self.strength = self.per_cell = self.cell
            self.length = self.current = 1.0
        elif system.band == "tabulated":
            self.cell, self.length, self.current = a**3, 1.0, 1 / a**3
            d = 3
        else:
            d = 2 if system.band == "square" else 3
            self.cell = a**d / _SITES.get(system.band, 1)
            self.current = _SITES.get(system.band, 1) / a ** (d - 2)
        self.dimension = d
        if self.crystal is None:
            self.band = _band(system)

    def impurities(self, p: Point) -> ImpurityStrengths:
        from negf_torque.gradient.born import ImpurityStrengths

        values = (p.nonmagnetic, p.longitudinal, p.transverse)
        return ImpurityStrengths(*(np.asarray(v) * self.strength for v in values))

    def solve(self, p: Point) -> Coefficients:
        """Coefficients at a point, hbar = 1 units of the band."""
        from negf_torque.gradient.coefficients import coefficients

        options: dict[str, Any] = {"thermal_energy": BOLTZMANN * p.temperature}
        if self.crystal is None:
            return coefficients(
                self.band, p.chemical_potential, np.asarray(p.exchange) / 2, self.impurities(p),
                axis=self.system.impurities.axis, **options,
            )
        return self.solve_crystal(p)

    def solve_crystal(
        self, p: Point, vertex: bool = True, spinless: bool = False
    ) -> Coefficients:
        from negf_torque.gradient.crystal import Crystal
        from negf_torque.gradient.multiorbital import crystal_coefficients

        crystal, table = self.crystal, self.card.calculation
        if p.exchange is not None:
            crystal = Crystal(
                crystal.lattice, crystal.displacements, crystal.hoppings,
                np.broadcast_to(np.asarray(p.exchange) / 2, (crystal.orbitals,)),
            )
        impurities = self.impurities(p)
        return crystal_coefficients(
            crystal, p.chemical_potential, impurities.without_spin() if spinless else impurities,
            thermal_energy=BOLTZMANN * p.temperature, tolerance=table.tolerance,
            method=table.integration, vertex=vertex,
        )

    def values(self, c: Coefficients) -> dict[str, Any]:
        """The card's units, as in `VARIABLES`; spin axis first."""
        spin = self.system.local_spin
        electrons = c.spin_renormalisation * self.per_cell
        si = ELEMENTARY_CHARGE**2 / HBAR_SI * 1e9 ** (self.dimension - 2)
        total = spin + electrons
        with np.errstate(divide="ignore", invalid="ignore"):
            alpha = np.where(total != 0, c.damping * self.per_cell / total, np.nan)
            drift = c.polarisation * c.adiabatic_ratio / 2 * (self.cell * 1e-9**self.dimension)
            drift = np.where(total != 0, drift / ELEMENTARY_CHARGE / total, np.nan)
        dos = c.dos * self.per_cell
        path = c.mean_free_path * self.length
        return {
            "beta": c.beta,
            "alpha": alpha,
            "damping": c.damping * self.per_cell,
            "spin_renormalisation": electrons,
            "adiabatic": c.adiabatic * self.current,
            "nonadiabatic": c.nonadiabatic * self.current,
            "adiabatic_ratio": c.adiabatic_ratio,
            "polarisation": c.polarisation,
            "conductivity": c.conductivity * self.current * si,
            "drift_velocity": drift,
            "dos": dos,
            "lifetime": c.lifetime * HBAR,
            "mean_free_path": path,
            "k_f_l": self._k_f(dos, path / c.lifetime) * path,
        }

    def _k_f(self, dos: Any, speed: Any) -> Any:
        flow = np.maximum(dos * speed / self.cell, 0)
        if self.dimension == 3:
            return np.sqrt(2 * np.pi**2 * flow)
        return 2 * np.pi * flow if self.dimension == 2 else np.full(np.shape(flow), np.nan)


def _band(system) -> Band:
    from negf_torque.gradient import bands, lattice_bands

    if system.band == "parabolic":
        return bands.parabolic(system.mass * bands.ELECTRON_MASS, system.dimension)
    if system.band == "tabulated":
        return bands.tabulated(system.energies, system.dos, system.velocity_dos)
    return getattr(lattice_bands, system.band)(system.hopping)


def _crystal(card: Card) -> Crystal:
    from negf_torque.gradient.crystal import Crystal

    system = card.system
    try:
        if system.builder:
            magnet = _from_builder(card)
            hoppings, exchange = magnet.spin_independent()
            return Crystal(magnet.lattice, magnet.displacements, hoppings, exchange)
        found: dict[tuple, np.ndarray] = {}
        for table in system.hoppings:
            place, matrix = tuple(table.displacement), np.array(table.matrix, float)
            found[place] = found.get(place, 0) + matrix
            if any(place):
                mirror = tuple(-x + 0.0 for x in place)
                found[mirror] = found.get(mirror, 0) + matrix.T
        m = np.asarray(system.exchange) / 2
        n = len(next(iter(found.values())))
        return Crystal(
            np.array(system.lattice), np.array(list(found)), np.array(list(found.values())),
            np.broadcast_to(m, (n,)),
        )
    except ValueError as error:
        raise StudyError(str(error)) from error


def _from_builder(card: Card) -> Any:
    """Run the user's function, which the card was allowed to name."""
    from negf_torque.study.builders.function import build_bulk

    return build_bulk(card.system.builder, card.system.parameters, card.path.parent)


def calculate(card: Card, progress: Progress) -> xr.Dataset:
    """Base point, parts, sweeps and map of a card."""
    system, table = card.system, card.calculation
    material = Material(card)
    disorder = system.impurities
    isotropic = disorder.magnetic is not None
    base = Point(
        exchange=None if system.builder else (
            np.array(system.exchange) if isinstance(system.exchange, list) else system.exchange
        ),
        chemical_potential=system.chemical_potential,
        nonmagnetic=disorder.nonmagnetic,
        longitudinal=disorder.magnetic if isotropic else disorder.longitudinal,
        transverse=disorder.magnetic if isotropic else disorder.transverse,
        temperature=table.temperature,
    )
    progress.start("coefficients")
    c = material.solve(base)
    values = material.values(c) | {"residual": c.residual}
    values["self_energy"] = c.self_energy if c.self_energy.ndim == 1 else c.self_energy.mean(axis=1)
    attributes: dict[str, Any] = {"converged": True}
    values["parts"] = _parts(material, base, c)
    if material.crystal is None:
        attributes["limits_that_apply"] = _limits(material, base, c)
    coords: dict[str, Any] = {
        "spin": ["up", "down"], "quantity": list(QUANTITIES), "part": list(PARTS)
    }
    if table.spiral and material.crystal is not None:
        values["spiral_beta"] = _spiral(material, base)
    for sweep in table.sweeps:
        found = _sweep(material, base, sweep, progress)
        coords[sweep.parameter] = sweep.array()
        values |= found
    if table.map is not None:
        progress.start("map")
        values |= _map(material, base, table.map)
        coords |= {"map_x": table.map.x.array(), "map_y": table.map.y.array()}
        attributes |= {"map_x": table.map.x.parameter, "map_y": table.map.y.parameter}
    dataset = labelled(VARIABLES, values, coords, **attributes)
    for axis in ("map_x", "map_y"):
        if axis in dataset.coords:
            label, unit = PARAMETERS[attributes[axis]]
            dataset[axis].attrs |= {"long_name": label, "units": unit}
    if not np.isfinite(c.beta):
        dataset.attrs["warnings"] = [
            "nothing conducts at this chemical potential: it lies outside the disordered bands, "
            "so that the conductivity is zero and P and beta are undefined"
        ]
    return dataset


def _parts(material: Material, base: Point, c: Coefficients) -> np.ndarray:
    """Parts of every coefficient, (quantity, part)."""
    scale = {
        "beta": 1.0, "damping": material.per_cell, "spin_renormalisation": material.per_cell,
        "adiabatic": material.current,
    }
    result = np.full((len(QUANTITIES), len(PARTS)), np.nan)
    if material.crystal is None:
        from negf_torque.gradient.limits import decompose

        found = decompose(
            material.band, base.chemical_potential, np.asarray(base.exchange) / 2,
            material.impurities(base), thermal_energy=BOLTZMANN * base.temperature,
            axis=material.system.impurities.axis,
        )
        for i, quantity in enumerate(QUANTITIES):
            for j, part in enumerate(PARTS):
                result[i, j] = found[quantity][part] * scale[quantity]
        return result
    from negf_torque.gradient.limits import compare

    bare = material.solve_crystal(base, vertex=False)
    spinless = material.solve_crystal(base, spinless=True)
    found = compare(c, bare, spinless)
    for i, quantity in enumerate(QUANTITIES):
        for j, part in enumerate(PARTS):
            result[i, j] = found[quantity][part] * scale[quantity]
    return result


def _limits(material: Material, base: Point, c: Coefficients) -> list[str]:
    from negf_torque.gradient.limits import limits

    found = limits(
        material.band, base.chemical_potential, float(base.exchange) / 2,
        material.impurities(base), c, material.system.impurities.axis,
    )
    scale = {"damping": material.per_cell}
    return [
        f"{limit.quantity}|{limit.name}: {limit.formula} ({limit.reason})|"
        f"{limit.value * scale.get(limit.quantity, 1.0)!r}"
        for limit in found
        if limit.applies
    ]


def _spiral(material: Material, base: Point) -> float:
    from negf_torque.gradient.spiral import spiral_coefficients

    axis = material.system.impurities.axis
    uniaxial = base.longitudinal != base.transverse
    cone = 0.02 if axis == "fixed" and uniaxial else np.pi / 2
    return spiral_coefficients(
        material.crystal, base.chemical_potential, material.impurities(base), axis=axis, cone=cone
    ).beta


def _sweep(material: Material, base: Point, sweep: Any, progress: Progress) -> dict[str, Any]:
    from negf_torque.gradient.limits import weak_disorder

    name, values = sweep.parameter, sweep.array()
    progress.start(f"sweep of {name}", len(values))
    vectorised = material.crystal is None and name != "temperature"
    if vectorised:
        found = material.values(material.solve(base.with_value(name, values)))
    else:
        rows = []
        for value in values:
            rows.append(material.values(material.solve(base.with_value(name, float(value)))))
            progress.advance()
        found = {key: np.stack([r[key] for r in rows], axis=-1) for key in rows[0]}
    result = {f"{shown}_vs_{name}": found[shown] for shown in SHOWN}
    if vectorised:
        p = base.with_value(name, values)
        weak = weak_disorder(
            material.band, p.chemical_potential, np.asarray(p.exchange) / 2,
            material.impurities(p), material.system.impurities.axis,
        )
        spin = material.system.local_spin + found["spin_renormalisation"]
        result[f"beta_weak_vs_{name}"] = np.broadcast_to(weak.beta, values.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            alpha = np.where(spin != 0, weak.damping * material.per_cell / spin, np.nan)
        result[f"alpha_weak_vs_{name}"] = np.broadcast_to(alpha, values.shape)
    return result


def _map(material: Material, base: Point, table: Any) -> dict[str, Any]:
    point = base.with_value(table.x.parameter, table.x.array()[None, :])
    point = point.with_value(table.y.parameter, table.y.array()[:, None])
    found = material.values(material.solve(point))
    return {
        f"{name}_map": found[name] for name in ("beta", "alpha", "polarisation", "adiabatic_ratio")
    }
