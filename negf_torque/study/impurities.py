"""The tables `[[impurities]]` and `[disorder]` of a card: what is random, and how it is averaged.

Every site that a table of impurities covers carries, with probability `concentration`, a random
potential V = u - J n.sigma with a quenched moment n.  Several tables draw independently of each
other.  `[disorder]` chooses how the average over all draws is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from negf_torque.study.base import Table, key
from negf_torque.study.complaints import nearest

if TYPE_CHECKING:
    from negf_torque.disorder.impurities import Impurity
    from negf_torque.study.card import Card

__all__ = ["METHODS", "DisorderTable", "ImpurityTable", "MomentTable", "check_disorder"]

#: Ways of averaging over impurities.
METHODS = ("born", "coherent-potential", "configurations")

Method = Literal["born", "coherent-potential", "configurations"]
Vector = tuple[float, float, float]


class MomentTable(Table):
    """How the moments n of magnetic impurities are distributed: the tensor <n_a n_b>."""

    axis: Vector = key("Axis of a uniaxial distribution.", (0.0, 0.0, 1.0))
    parallel: float | None = key("<n^2> along the axis.", None, ge=0)
    perpendicular: float | None = key(
        "<n^2> along each of the two directions across the axis.", None, ge=0
    )
    tensor: list[list[float]] | None = key(
        "Instead: the whole matrix <n_a n_b>, 3 rows of 3 numbers.", None
    )
    frame: Literal["fixed", "following"] = key(
        'Whether the axes stay with the lattice ("fixed") or turn with the local magnetisation '
        '("following": `axis` is then read as if the magnetisation were along z).',
        "fixed",
    )

    @model_validator(mode="after")
    def _distribution(self) -> MomentTable:
        given = self.parallel is not None, self.perpendicular is not None
        if self.tensor is not None:
            if any(given):
                raise ValueError("has both a tensor and parallel or perpendicular. Give one.")
            _check_tensor(self.tensor)
        elif not all(given):
            raise ValueError("has no distribution. Give parallel and perpendicular, or tensor.")
        elif self.parallel == 0 and self.perpendicular == 0:
            raise ValueError("has no moments. Give parallel or perpendicular above 0.")
        if not any(self.axis):
            raise ValueError("has an axis without direction. Give three numbers, not all zero.")
        return self

    def matrix(self) -> np.ndarray:
        """<n_a n_b>, (3, 3)."""
        if self.tensor is not None:
            return np.array(self.tensor, float)
        axis = np.array(self.axis) / np.linalg.norm(self.axis)
        along = np.outer(axis, axis)
        along, across = (self.parallel or 0.0) * along, np.eye(3) - along
        return along + (self.perpendicular or 0.0) * across


def _check_tensor(tensor: list[list[float]]) -> None:
    if len(tensor) != 3 or any(len(row) != 3 for row in tensor):
        raise ValueError("has a tensor that is not 3 rows of 3 numbers.")
    matrix = np.array(tensor, float)
    if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-12 * np.abs(matrix).max()):
        raise ValueError("has a tensor <n_a n_b> that is not symmetric.")
    lowest, highest = np.linalg.eigvalsh(matrix)[[0, -1]]
    if highest <= 0 or lowest < -1e-12 * highest:
        raise ValueError(
            f"has a tensor <n_a n_b> with the eigenvalue {lowest:g}; mean squares of moments are "
            "not negative, and not all zero."
        )


class ImpurityTable(Table):
    """Impurities of one sort."""

    kind: Literal["nonmagnetic", "magnetic"] = key(
        "A potential u, or a quenched moment: V = u - J n.sigma."
    )
    concentration: float = key("Probability that a site carries one.", 1.0, ge=0, le=1)
    strength: float = key(
        "Nonmagnetic: the potential u, as `distribution` says.  Magnetic: the coupling J of the "
        "moment n.",
        unit="eV",
    )
    distribution: Literal["alloy", "symmetric", "uniform", "gaussian"] = key(
        'Of u between impurities: "alloy" (each has u = strength), "symmetric" '
        '(strength or -strength), "uniform" (between -strength and strength) or "gaussian" '
        "(mean 0, standard deviation strength).",
        "alloy",
    )
    potential: float = key("Magnetic impurities: their potential u besides.", 0.0, unit="eV")
    moment: Literal["isotropic"] | MomentTable = key(
        'Directions of magnetic moments: "isotropic" (unit length) or a table.', "isotropic"
    )
    magnets: list[str] | None = key("Only on sites of these magnets.", None, min_length=1)
    layers: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = key(
        "Only in atomic layers first to last of the region, both included; the region begins with "
        "one layer of the left lead, number 0.",
        None,
    )

    leads: list[Literal["left", "right"]] = key(
        "Electrodes that have them as well (averaged media only): semi-infinite, of the same "
        "material throughout.",
        [],
    )

    def impurity(self, lead: bool = False) -> Impurity:
        """What `negf_torque.disorder` makes of it, in the region or in a lead."""
        from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities

        where: dict[str, Any] = (
            {}
            if lead
            else {
                "magnets": None if self.magnets is None else tuple(self.magnets),
                "layers": None
                if self.layers is None
                else tuple(range(self.layers[0], self.layers[1] + 1)),
            }
        )
        if self.kind == "nonmagnetic":
            return NonmagneticImpurities(
                self.concentration, self.strength, self.distribution, **where
            )
        moment = self.moment if isinstance(self.moment, MomentTable) else None
        return MagneticImpurities(
            self.concentration,
            self.strength,
            self.potential,
            "isotropic" if moment is None else tuple(map(tuple, moment.matrix().tolist())),
            following=moment is not None and moment.frame == "following",
            **where,
        )

    @model_validator(mode="after")
    def _fits(self) -> ImpurityTable:
        if self.kind == "nonmagnetic":
            if self.moment != "isotropic":
                raise ValueError('has a moment but is nonmagnetic. Give kind = "magnetic".')
            if self.potential:
                raise ValueError(
                    "has a potential besides its strength. Nonmagnetic impurities have their "
                    "potential as strength."
                )
        elif self.distribution != "alloy":
            raise ValueError(
                f'has distribution = "{self.distribution}": magnetic impurities have one '
                "strength J, their moments are what is random. Leave distribution out."
            )
        if self.layers is not None and self.layers[1] < self.layers[0]:
            raise ValueError(f"has layers {list(self.layers)}: the last comes before the first.")
        return self


class DisorderTable(Table):
    """How the average over the impurities is taken."""

    method: Method = key(
        "Self-consistent Born approximation, coherent potential approximation, or an average over "
        "explicit configurations.",
        "born",
    )
    compare: list[Method] = key(
        "Further methods that run as well; the differences are reported.", []
    )
    mesh: int | None = key(
        "Periodic cross-sections: points of the uniform shifted mesh per direction, which "
        "self-energy, vertex corrections and results share; the error is what three quarters of "
        "them change.  Without it the mesh is doubled until `mesh_tolerance` is reached.",
        None,
        ge=1,
        le=1024,
    )
    mesh_tolerance: float = key(
        "Largest change of conductance and torques, relative to the conductance, when the mesh is "
        "doubled.",
        1e-3,
        ge=1e-8,
        le=0.1,
    )
    vertex_corrections: bool = key(
        "false leaves them out: for teaching, since charge and spin are then not conserved.", True
    )
    configurations: int = key(
        "Explicit configurations at most.  Raised later, only the new ones are drawn.",
        1000,
        ge=2,
        le=10_000_000,
    )
    standard_error: float | None = key(
        "Stop as soon as the conductance's standard error, relative to the conductance, is below.",
        None,
        gt=0,
        lt=1,
    )
    seed: int = key("First seed; configuration number n has the seed seed + n.", 0, ge=0)
    supercell: PositiveInt = key(
        "Periodic cross-sections: sites of the supercell per direction in which explicit "
        "configurations are drawn.",
        3,
        le=32,
    )
    supercell_mesh: PositiveInt = key(
        "Points of the shifted mesh per direction of the supercell's zone.", 4, le=256
    )

    @model_validator(mode="after")
    def _different(self) -> DisorderTable:
        methods = self.methods
        if len(set(methods)) != len(methods):
            raise ValueError("has a method twice in method and compare. Name each once.")
        return self

    @property
    def fixed_mesh(self) -> int:
        """The mesh where one is needed."""
        return self.mesh or 32

    @property
    def methods(self) -> list[str]:
        """All methods that run, the main one first."""
        return [self.method, *self.compare]


def check_disorder(card: Card) -> dict[tuple, str]:
    """Mistakes that need more than one table: magnets that do not exist, layers out of range."""
    problems: dict[tuple, str] = {}
    names = getattr(card.system, "magnets", None)
    layers = getattr(card.system, "layers", None)
    count = None
    if isinstance(layers, list) and all(hasattr(layer, "thickness") for layer in layers):
        count = sum(layer.thickness for layer in layers) + 2
    explicit = card.disorder is not None and "configurations" in card.disorder.methods
    for number, table in enumerate(_impurities(card)):
        if table.leads and explicit:
            problems["impurities", number, "leads"] = (
                "explicit configurations end at the device; impure leads are there for averaged "
                "media. Leave it out, or the method."
            )
        for name in table.magnets or ():
            if names is not None and name not in names:
                problems["impurities", number, "magnets"] = (
                    f'no layer with exchange is named "{name}". {nearest(name, names, "magnets")}'
                )
        if table.layers is not None and count is not None and table.layers[1] >= count:
            problems["impurities", number, "layers"] = (
                f"{list(table.layers)} reaches beyond the last atomic layer, {count - 1}."
            )
    return problems


def _impurities(card: Any) -> list[ImpurityTable]:
    return list(getattr(card, "impurities", None) or ())
