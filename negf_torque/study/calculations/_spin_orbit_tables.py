"""Tables and solvers that the cards with spin-orbit coupling share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import field_validator

from negf_torque.study.base import Table, key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from negf_torque.gradient.kubo.scatterers import Scatterers
    from negf_torque.gradient.kubo.symmetry import Operation
    from negf_torque.gradient.model import BulkModel
    from negf_torque.lattice.spin_orbit_models import OrbitalMaterial

__all__ = ["ImpurityTable", "MaterialTable", "Solved", "respond", "scatterers_of"]

#: Orbitals times spin beyond which vertex corrections (matrices of n^2 x n^2) take too long.
MOST_DRESSED = 20


class MaterialTable(Table):
    """A material: orbitals on a cubic lattice, bonds to nearest neighbours."""

    shells: Literal["s", "p", "d", "sp", "sd", "pd", "spd"] = key("Orbitals of an atom.", "sp")
    energies: dict[str, float] = key("On-site energies by shell.", {}, unit="eV")
    bonds: dict[str, float] = key(
        "Two-centre integrals of Slater and Koster: ss_sigma, sp_sigma, pp_sigma, pp_pi, "
        "sd_sigma, pd_sigma, pd_pi, dd_sigma, dd_pi, dd_delta.",
        unit="eV",
    )
    spin_orbit: dict[str, float] = key("lambda of lambda L.S by shell.", {}, unit="eV")
    exchange: float = key("Exchange splitting of every orbital.", 0.0, unit="eV")

    @field_validator("bonds")
    @classmethod
    def _known(cls, value: dict[str, float]) -> dict[str, float]:
        from negf_torque.lattice.orbitals import BONDS
        from negf_torque.study.complaints import nearest

        for name in value:
            if name not in BONDS:
                raise ValueError(f'has no bond "{name}". {nearest(name, list(BONDS), "bonds")}')
        return value

    def material(self) -> OrbitalMaterial:
        """The physics' own."""
        from negf_torque.lattice.spin_orbit_models import OrbitalMaterial

        return OrbitalMaterial(
            self.shells, self.energies, self.bonds, self.spin_orbit, self.exchange
        )


class ImpurityTable(Table):
    """`[system.impurities]`: independent impurities on every site; vertex corrections included."""

    theory: Literal["born", "third-order", "t-matrix", "coherent-potential"] = key(
        "Born knows the mean square of the potential only; the others skew scattering too.",
        "t-matrix",
    )
    concentration: float = key("Impurities per site.", unit="1", gt=0, le=1)
    potential: float = key("Potential u on all orbitals of the site.", unit="eV")
    spin_orbit: dict[str, float] = key(
        "lambda of the impurity's lambda L.S by shell, added to u.", {}, unit="eV"
    )


def scatterers_of(table: ImpurityTable, shells: str) -> Scatterers:
    """The self-energy of one site with these orbitals."""
    from negf_torque.gradient.kubo import scatterers as theory

    one = theory.spin_orbit_impurity(
        table.concentration, shells, table.potential, dict(table.spin_orbit)
    )
    if table.theory == "born":
        return theory.SecondOrder((one,))
    if table.theory == "third-order":
        return theory.ThirdOrder((one,))
    if table.theory == "t-matrix":
        return theory.TMatrix((one,))
    size, c = len(one.potential), one.concentration
    alternatives = [0 * one.potential, one.potential]
    return theory.CoherentPotential([(slice(0, size), [1 - c, c], alternatives)])


@dataclass(frozen=True)
class Solved:
    """chi by parts, with what is not sure about it."""

    surface: np.ndarray
    sea: np.ndarray
    bare: np.ndarray | None
    error: float
    converged: bool
    note: str
    evaluations: int

    @property
    def total(self) -> np.ndarray:
        """surface + sea."""
        return self.surface + self.sea


def respond(
    model: BulkModel,
    observables: np.ndarray,
    mu: float,
    thermal_energy: float,
    broadening: float | None,
    scatterers: Scatterers | None,
    symmetry: Sequence[Operation],
    tolerance: float,
    reported: int,
    **options: Any,
) -> Solved:
    """Response with a constant broadening, or with impurities and their vertex corrections.

    The error is that of the first `reported` observables.
    """
    if scatterers is None:
        from negf_torque.gradient.kubo.response import Integration, bulk_response

        assert broadening is not None  # a card has either this or impurities
        clean = bulk_response(
            model, observables, mu, broadening, thermal_energy, symmetry=symmetry,
            integration=Integration(tolerance, **options),
        )  # fmt: skip
        note = "" if clean.converged else "zone integration did not reach its tolerance"
        return Solved(
            clean.surface, clean.sea, None, float(clean.error[:reported].max()), clean.converged,
            note, clean.evaluations,
        )  # fmt: skip
    from negf_torque.gradient.kubo.dressed import dressed_response

    scale = np.abs(observables).max() or 1.0
    chi = dressed_response(
        model, observables, mu, scatterers, thermal_energy, symmetry=symmetry,
        tolerance=tolerance * scale,
    )  # fmt: skip
    error = chi.errors["mesh"] + chi.errors["contour"] + chi.errors["thermal"]
    note = ""
    if not chi.converged:
        worst = {name: f"{value:.1e}" for name, value in chi.errors.items()}
        note = f"vertex corrections not converged: {worst}"
    return Solved(
        chi.surface, chi.sea, chi.bare, float(error), chi.converged, note,
        int(np.prod(chi.sizes)),
    )  # fmt: skip
