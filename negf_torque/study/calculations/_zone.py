"""Keys of calculations that average over the zone of the cross-section and a thermal window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from negf_torque.study.base import CalculationTable, key

if TYPE_CHECKING:
    from negf_torque.transport.sampling import Sampling

__all__ = ["ZoneTable"]


class ZoneTable(CalculationTable):
    """How the average is taken."""

    temperature: float = key("Temperature of the leads.", 0.0, unit="K", ge=0)
    tolerance: float = key(
        "Relative error of the zone average that is asked for.", 1e-6, ge=1e-12, le=0.1
    )
    mesh: int | None = key(
        "Instead of the tolerance: points of a uniform shifted mesh per direction.",
        None,
        ge=1,
        le=4096,
    )
    max_evaluations: int = key(
        "Points (momentum, energy) after which the adaptive average gives up.", 50_000_000, ge=1
    )

    @property
    def sampling(self) -> Sampling:
        """The same for `negf_torque.transport`."""
        from negf_torque.transport.sampling import Sampling

        return Sampling(self.tolerance, self.mesh, self.temperature, self.max_evaluations)
