"""The tables of a nanopillar's card."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat, model_validator

from negf_torque.study.base import CalculationTable, Table, key

__all__ = ["Parameters", "System", "TorqueTable"]

Vector = tuple[float, float, float]


class TorqueTable(Table):
    """`[system.torque]`: per current, as a form, as a table, or as spin-orbit efficiencies."""

    polarisation: float | None = key(
        "P of eta(theta) = P L^2/[(L^2 + 1) + (L^2 - 1) cos(theta)]; a solver's P is half of it.",
        None,
    )
    Lambda: float = key("Asymmetry Lambda.", 1.0, gt=0)
    epsilon_prime: float = key("Field-like epsilon' = eta_perp/2, of the magnetisation.", 0.0)
    angles: list[float] = key("Instead: angles of a table,", [], unit="deg")
    eta: list[float] = key("its in-plane torque per current,", [])
    eta_perp: list[float] = key("and its out-of-plane torque per current.", [])
    damping_like: float | None = key(
        "Instead: a film's spin-orbit efficiency xi_DL (2e/hbar times spin current over J),", None
    )
    field_like: float = key("and xi_FL.", 0.0)
    direction: Vector = key(
        "Magnetisation of the fixed layer; of a film the moment that J > 0 brings.",
        (1.0, 0.0, 0.0),
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> TorqueTable:
        given = (self.polarisation is not None, bool(self.angles), self.damping_like is not None)
        if sum(given) != 1:
            raise ValueError(
                "needs either polarisation (with Lambda) or a table of angles and eta, or "
                "damping_like (with field_like) of a film."
            )
        if self.angles and not (len(self.angles) == len(self.eta) >= 2):
            raise ValueError(
                f"has {len(self.angles)} angles and {len(self.eta)} values of eta. Give as many, "
                "at least two."
            )
        if self.eta_perp and len(self.eta_perp) != len(self.angles):
            raise ValueError("has another number of eta_perp than of angles.")
        return self


class System(Table):
    """The `[system]` table: the free layer."""

    saturation_magnetisation: float = key("Saturation magnetisation M_s.", unit="A/m", gt=0)
    damping: float = key("Gilbert damping.", 0.01, ge=0)
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = key(
        "Axes of the layer, the last one along the current.", (100.0, 60.0, 2.0), unit="nm"
    )
    shape: Literal["ellipse", "rectangle", "none"] = key(
        "Demagnetisation factors: of the ellipsoid or the prism of that size, or none.",
        "ellipse",
    )
    anisotropy: float = key("Uniaxial constant besides the shape's.", 0.0, unit="J/m^3")
    anisotropy_axis: Vector = key("Its axis.", (1.0, 0.0, 0.0))
    applied: Vector = key("Applied field.", (0.0, 0.0, 0.0), unit="A/m")
    exchange_bias: Vector = key("Exchange-bias field.", (0.0, 0.0, 0.0), unit="A/m")
    oersted: Vector = key(
        "Mean Oersted field per current density.", (0.0, 0.0, 0.0), unit="A/m per A/m^2"
    )
    torque: TorqueTable = key("The spin torque.")
    second_torque: TorqueTable | None = key(
        "Another polariser for the same current, for instance a perpendicular one.", None
    )


class MapTable(Table):
    """`[calculation.map]`: the phase diagram."""

    currents: tuple[float, float] = key("Range of the current density.", unit="A/m^2")
    fields: tuple[float, float] = key("Range of the field, added to `applied`.", unit="A/m")
    field_axis: Vector | None = key("Its direction; default the `axis` of the states.", None)
    points: tuple[int, int] = key("Points of the grid, current and field.", (25, 17))
    duration: float = key("Time followed for each point.", 20.0, unit="ns", gt=0)
    refinements: int = key("Bisections of each boundary.", 5, ge=0, le=20)


class SwitchingTable(Table):
    """`[calculation.switching]`: an ensemble at temperature under a pulse."""

    currents: list[float] = key("Current densities of the pulse.", unit="A/m^2", min_length=1)
    temperature: float = key("Temperature.", 300.0, unit="K", ge=0)
    pulse: float = key("Length of the pulse.", 5.0, unit="ns", gt=0)
    duration: float = key("Time followed.", 6.0, unit="ns", gt=0)
    runs: int = key("Runs of the ensemble.", 1000, ge=2, le=1_000_000)
    seed: int = key("Seed of the random numbers.", 0, ge=0)


class ResonanceTable(Table):
    """`[calculation.resonance]`: rectified voltage of an alternating current (ST-FMR)."""

    frequencies: tuple[PositiveFloat, PositiveFloat, int] = key("First, last, number.", unit="GHz")
    fields: list[float] = key("Fields, added to `applied`.", unit="A/m", min_length=1)
    field_axis: Vector | None = key("Their direction; default the `axis` of the states.", None)
    amplitude: float = key("Amplitude of the current density.", 1e10, unit="A/m^2", gt=0)
    current: float = key("Constant current density besides.", 0.0, unit="A/m^2")
    resistance_parallel: float = key("Resistance times area at P.", unit="fohm m^2", gt=0)
    resistance_antiparallel: float = key("And at AP.", unit="fohm m^2", gt=0)
    state: Vector | None = key("Guess of the static state; default `start`.", None)


class NoiseTable(Table):
    """`[calculation.noise]`: thermal spectrum of m along the axis, and its linewidth."""

    current: float = key("Constant current density.", unit="A/m^2")
    field: float = key("Field along the axis, added to `applied`.", 0.0, unit="A/m")
    temperature: float = key("Temperature.", 300.0, unit="K", gt=0)
    duration: float = key("Time of each run; the first fifth is left out.", 50.0, unit="ns", gt=0)
    runs: int = key("Runs that are averaged.", 64, ge=2, le=100_000)
    seed: int = key("Seed of the random numbers.", 0, ge=0)


class Parameters(CalculationTable):
    """The `[calculation]` table."""

    kind: Literal["nanopillar"] = key("Motion of a macrospin under spin torque.")
    currents: list[float] = key("Current densities of the runs shown.", unit="A/m^2", min_length=1)
    fields: list[float] = key(
        "Field along the axis of each run shown, added to `applied`; default none.", [],
        unit="A/m",
    )  # fmt: skip
    axis: Vector | None = key(
        "Axis of the states P (+) and AP (-); default the fixed layer's magnetisation.", None
    )
    start: Vector = key("Magnetisation at the start.", (1.0, 0.02, 0.0))
    duration: float = key("Time of each run.", 20.0, unit="ns", gt=0)
    output_step: float = key("Time between outputs.", 0.01, unit="ns", gt=0)
    step: float = key("Time step of the compiled runs (map, switching).", 1e-3, unit="ns", gt=0)
    map: MapTable | None = key("Phase diagram; leave out for none.", None)
    switching: SwitchingTable | None = key("Thermal ensemble; leave out for none.", None)
    resonance: ResonanceTable | None = key("Spin-torque resonance; leave out for none.", None)
    noise: NoiseTable | None = key("Thermal spectrum; leave out for none.", None)
