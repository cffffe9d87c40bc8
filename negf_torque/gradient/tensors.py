"""Results of the gradient engine: tensors by parts, and what marks them."""

from dataclasses import dataclass

from numpy.typing import NDArray

__all__ = ["Diagnostics", "GradientTensors", "TensorParts"]


@dataclass(frozen=True)
class TensorParts:
    """One tensor, split.

    Attributes
    ----------
    ladder : array
        Retarded-advanced part at the Fermi energy: what a difference of occupations drives
        (the window response of a device).
    static : array
        Retarded-retarded part at the Fermi energy.
    sea : array
        Fermi sea: what the spectrum of all occupied states answers.
    neutrality : array
        Shift of the chemical potential that keeps the cell neutral (K only, else 0).
    reversed_ladder : array or None
        Advanced-retarded part (chi only): for the split by time reversal.
    """

    ladder: NDArray
    static: NDArray
    sea: NDArray
    neutrality: NDArray
    reversed_ladder: NDArray | None = None

    @property
    def total(self) -> NDArray:
        """The coefficient."""
        return self.ladder + self.static + self.sea + self.neutrality

    @property
    def surface_even(self) -> NDArray:
        """Surface part of the split by time reversal (chi only); the rest is `sea_odd`."""
        if self.reversed_ladder is None:
            raise ValueError("surface_even: the split by time reversal exists for chi only.")
        return 0.5 * (self.ladder + self.reversed_ladder) + self.static

    @property
    def sea_odd(self) -> NDArray:
        """Sea part of the split by time reversal (chi only)."""
        return self.total - self.surface_even


@dataclass(frozen=True)
class Diagnostics:
    """What marks a result: all but the sizes should be small.

    Attributes
    ----------
    scba_residual : float
        max |Sigma - S[g]|.
    null_mode : float
        |(1 - X^RA S)(g^R - g^A)| relative: rounding.
    charge_source : float
        Largest |l[source]| of the vertices after the conservation law has been satisfied.
    ladder_residual : float
        Largest residual of the singular ladder solves.
    mesh_error : float
        Integrals of total k derivatives that should vanish, in units of the tensors.
    contour_error : float
        Estimated error of the energy contour, in units of the tensors.
    thermal_error : float
        Estimated error of the average over -f' (0 at T = 0).
    mesh : tuple of int
        k-points per direction at the Fermi energy (the largest used).
    contour_nodes : int
        Energies on the contour.
    converged : bool
        Every self-energy and every estimate within tolerance.
    notes : tuple of str
        What was not, and which assumption enters.
    """

    scba_residual: float
    null_mode: float
    charge_source: float
    ladder_residual: float
    mesh_error: float
    contour_error: float
    thermal_error: float
    mesh: tuple[int, ...]
    contour_nodes: int
    converged: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class GradientTensors:
    """Response of the observables A_a (default O_a = dH/dn_a) per cell.

    Attributes
    ----------
    damping : TensorParts or None
        G_ab, (a, 3), units of hbar: symmetric part over the total spin is the Gilbert damping,
        antisymmetric part renormalises the spin.  None for impurities that follow n.
    torkance : TensorParts
        chi_ai, (a, d).
    texture : TensorParts or None
        K_aijb, (a, d_i, d_j, 3), for textures that vary along j.
    level_velocity : (3,)
        Mean velocity of the levels with n, lev_b.
    field_ratio : (d, d, 3) or None
        d_j F_j = ratio F_i d_j n_b that keeps the current uniform.
    sigma : (n, n)
        Retarded self-energy at mu.
    density_of_states : float
        Per cell and energy, at mu.
    diagnostics : Diagnostics
    """

    damping: TensorParts | None
    torkance: TensorParts
    texture: TensorParts | None
    level_velocity: NDArray
    field_ratio: NDArray | None
    sigma: NDArray
    density_of_states: float
    diagnostics: Diagnostics
