"""The tables of a card that every calculation shares: `[llg]` and `[output]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveFloat, PositiveInt, field_validator, model_validator

from negf_torque.study.base import Table, key
from negf_torque.study.complaints import nearest

if TYPE_CHECKING:
    from negf_torque.llg.export import Simulation

__all__ = ["LLGTable", "OutputTable"]

Vector = tuple[float, float, float]


class LLGTable(Table):
    """What a micromagnetic input needs and transport does not know."""

    saturation_magnetisation: float = key(
        "Saturation magnetisation M_s of the free layer.", unit="A/m", gt=0
    )
    cell_area: float = key("Area of one cell of the cross-section.", unit="nm^2", gt=0)
    layer_spacing: float = key(
        "Distance between atomic layers; times the free layer's layers its thickness.",
        unit="nm",
        gt=0,
    )
    fixed_direction: Vector = key(
        "Direction of the fixed layer's magnetisation in the solver's frame (z: film normal).",
        (1.0, 0.0, 0.0),
    )
    damping: float = key("Gilbert damping of the free layer.", 0.01, ge=0)
    damping_enhancement: float = key(
        "Damping that spin pumping adds, for instance from a pumping calculation.", 0.0, ge=0
    )
    exchange_stiffness: float = key("Exchange stiffness A.", 1.3e-11, unit="J/m", ge=0)
    anisotropy: float = key("Uniaxial anisotropy constant.", 0.0, unit="J/m^3")
    anisotropy_axis: Vector = key("Axis of the anisotropy, in the solver's frame.", (1.0, 0.0, 0.0))
    field: Vector = key("Applied field.", (0.0, 0.0, 0.0), unit="A/m")
    initial_direction: Vector = key(
        "Magnetisation of the free layer at the start.", (-1.0, 0.05, 0.02)
    )
    current_density: float = key(
        "e times the flux of electrons from left to right; positive for V > 0.",
        1e11,
        unit="A/m^2",
    )
    size: tuple[PositiveFloat, PositiveFloat] = key(
        "Lateral size of the free layer.", (100.0, 60.0), unit="nm"
    )
    cells: tuple[PositiveInt, PositiveInt] = key(
        "Lateral cells of the simulation; [1, 1] is a macrospin.", (25, 15)
    )
    film_cells: PositiveInt = key(
        "Cells across the film; above 1 the computed torque of each layer is resolved.", 1
    )
    duration: float = key("Simulated time.", 5.0, unit="ns", gt=0)
    output_step: float = key("Time between outputs.", 0.01, unit="ns", gt=0)

    @field_validator("fixed_direction", "anisotropy_axis", "initial_direction")
    @classmethod
    def _direction(cls, value: Vector) -> Vector:
        if not any(value):
            raise ValueError("has no direction. Give three components, not all zero.")
        return value

    @model_validator(mode="after")
    def _steps(self) -> LLGTable:
        if self.output_step > self.duration:
            raise ValueError(
                f"has an output_step of {self.output_step} ns beyond its duration of "
                f"{self.duration} ns. Make it shorter."
            )
        return self

    def simulation(self, damping: float | None = None) -> Simulation:
        """What a solver's input simulates; `damping` replaces the table's."""
        from negf_torque.llg.export import Simulation

        return Simulation(
            current_density=self.current_density,
            damping=self.damping if damping is None else damping,
            size=self.size,
            cells=self.cells,
            exchange=self.exchange_stiffness,
            anisotropy=self.anisotropy,
            anisotropy_axis=self.anisotropy_axis,
            field=self.field,
            initial_direction=self.initial_direction,
            duration=self.duration,
            output_step=self.output_step,
            damping_enhancement=self.damping_enhancement,
            film_cells=self.film_cells,
        )


class OutputTable(Table):
    """What is written beside the result."""

    figures: list[Literal["png", "svg", "pdf"]] = key(
        "Formats of the figures; an empty list draws none.", ["png"]
    )
    dpi: int = key("Resolution of the figures.", 150, unit="dots per inch", ge=30, le=1200)
    export: list[str] = key("Solvers whose input is written after the run (needs `[llg]`).", [])

    @field_validator("export")
    @classmethod
    def _solvers(cls, value: list[str]) -> list[str]:
        if value:
            from negf_torque.llg.export import SOLVERS

            for solver in value:
                if solver not in SOLVERS:
                    raise ValueError(
                        f'"{solver}" is no solver. {nearest(solver, SOLVERS, "solvers")}'
                    )
        return value
