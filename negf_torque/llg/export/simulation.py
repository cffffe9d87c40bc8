"""What an exported input needs besides the torque: chosen, not computed."""

from dataclasses import dataclass

import numpy as np

from negf_torque.spin import unit_vector

__all__ = ["Simulation"]


@dataclass(frozen=True)
class Simulation:
    """What an input needs besides the torque: chosen, not computed, and the user's to change.

    Attributes
    ----------
    current_density : float
        e times the electron flux from left to right, A/m^2; positive for V > 0.
    damping : float
        Gilbert damping alpha >= 0.
    damping_enhancement : float
        Damping added by spin pumping, see `negf_torque.llg.damping`; >= 0.
    size : tuple of float
        Lateral size of the free layer, nm.
    cells : tuple of int
        Lateral cells; (1, 1) is a macrospin.
    film_cells : int
        Cells across the film; more than one only for a torque that is known layer by layer.
    height : float
        Thickness of a wire with a texture, nm (a valve or a film brings its own).
    exchange : float
        J/m.
    anisotropy : float
        Uniaxial constant, J/m^3, with `anisotropy_axis`.
    field : tuple of float
        Applied field, A/m.
    initial_direction : tuple of float
        Starting magnetisation.
    demagnetisation : bool
        Whether the solver computes the free layer's own magnetostatic field.
    duration : float
        ns.
    output_step : float
        ns.
    """

    current_density: float = 1e11
    damping: float = 0.01
    size: tuple[float, float] = (100.0, 60.0)
    cells: tuple[int, int] = (25, 15)
    height: float = 5.0
    exchange: float = 1.3e-11
    anisotropy: float = 0.0
    anisotropy_axis: tuple[float, float, float] = (1.0, 0.0, 0.0)
    field: tuple[float, float, float] = (0.0, 0.0, 0.0)
    initial_direction: tuple[float, float, float] = (-1.0, 0.05, 0.02)
    demagnetisation: bool = True
    duration: float = 5.0
    output_step: float = 0.01
    damping_enhancement: float = 0.0
    film_cells: int = 1

    def __post_init__(self) -> None:
        for key in ("damping", "damping_enhancement"):
            if not (np.isfinite(getattr(self, key)) and getattr(self, key) >= 0):
                raise ValueError(
                    f"{key}: {getattr(self, key)!r} is not a Gilbert damping. Give a number >= 0 "
                    "(negative damping is what the torque is for)."
                )
        if not np.isfinite(self.current_density):
            raise ValueError(f"current_density: {self.current_density!r} is not finite (A/m^2).")
        if min(self.size) <= 0 or min(*self.cells, self.film_cells) < 1 or not self.height > 0:
            raise ValueError(
                f"size, cells, film_cells, height: {self.size!r}, {self.cells!r}, "
                f"{self.film_cells!r}, {self.height!r} (nm). "
                "All sizes must be positive, with at least one cell each."
            )
        if not (self.duration > 0 and 0 < self.output_step <= self.duration):
            raise ValueError(
                f"duration, output_step: {self.duration!r} ns in steps of {self.output_step!r} ns."
                " Give 0 < output_step <= duration."
            )
        if not (self.exchange >= 0 and np.isfinite(self.anisotropy)):
            raise ValueError(f"exchange, anisotropy: {self.exchange!r}, {self.anisotropy!r}.")
        for key in ("initial_direction", "anisotropy_axis"):
            direction = unit_vector(getattr(self, key), key)
            object.__setattr__(self, key, tuple(float(x) for x in direction))

    def cell(self, thickness: float) -> tuple[float, float, float]:
        """Cell sizes in metres for a film of `thickness` nm."""
        return (
            self.size[0] / self.cells[0] * 1e-9,
            self.size[1] / self.cells[1] * 1e-9,
            thickness / self.film_cells * 1e-9,
        )

    @property
    def grid(self) -> tuple[int, int, int]:
        """Cells along x, y, z."""
        return (*self.cells, self.film_cells)

    @property
    def alpha(self) -> float:
        """Damping with what spin pumping adds."""
        return self.damping + self.damping_enhancement

    @property
    def stages(self) -> int:
        """Number of output intervals."""
        return max(1, round(self.duration / self.output_step))
