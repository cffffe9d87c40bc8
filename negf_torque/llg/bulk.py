"""Torques that belong to a material and not to a valve: on textures, and from spin-orbit coupling.

`TextureTorque`: dm/dt = ... - (u.grad) m + beta m x (u.grad) m, u = P J mu_B/(e M_s) along the
electron flow.  `SpinOrbitTorque`: a film driven by an in-plane current,

    dm/dt = g0 [hbar J/(2 mu0 e M_s d)] [xi_DL m x (p x m) + xi_FL p x m],

p the direction of the magnetic moment that J > 0 brings.  J is e times the electron flux in both.
"""

from dataclasses import dataclass

import numpy as np

from negf_torque.llg.material import check_material, contents_hash
from negf_torque.spin import unit_vector
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE

__all__ = ["SpinOrbitTorque", "TextureTorque"]


@dataclass(frozen=True)
class TextureTorque:
    """Coefficients of a bulk ferromagnet for textures.

    Attributes
    ----------
    polarisation : float
        Effective P of the drift velocity: (sigma_u - sigma_d)/(sigma_u + sigma_d) times the
        adiabatic ratio.
    beta, damping : float
    saturation_magnetisation : float
        A/m.
    polarisation_error, beta_error, damping_error : float
        Standard errors; not-a-number when unknown.
    response, name, provenance : str
    notes : tuple of str
        What an exported input must say besides, each a line.
    """

    polarisation: float
    beta: float
    damping: float
    saturation_magnetisation: float
    polarisation_error: float = float("nan")
    beta_error: float = float("nan")
    damping_error: float = float("nan")
    response: str = "complete"
    name: str = "texture"
    provenance: str = "typed by hand"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_material(
            self, {"saturation_magnetisation": "A/m; the drift velocity is divided by it"}
        )
        for key in ("polarisation", "beta"):
            if not np.isfinite(getattr(self, key)):
                raise ValueError(f"{key}: {getattr(self, key)!r} is not finite.")
        if not self.damping >= 0:
            raise ValueError(f"damping: {self.damping!r} is negative. Gilbert's alpha is >= 0.")

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the contents."""
        return contents_hash(self)

    def drift_velocity(self, current_density: float) -> float:
        """u in m/s along the electron flow, for J = e times the electron flux in A/m^2."""
        if not np.all(np.isfinite(current_density)):
            raise ValueError(
                f"current_density: {current_density!r} is not a current density. Give A/m^2."
            )
        drift = BOHR_MAGNETON / (ELEMENTARY_CHARGE * self.saturation_magnetisation)
        return self.polarisation * current_density * drift


@dataclass(frozen=True)
class SpinOrbitTorque:
    """Torque efficiencies of a film.

    Attributes
    ----------
    damping_like, field_like : float
        xi_DL and xi_FL.
    direction : (3,)
        p in the solver's frame (z = film normal).
    thickness : float
        Of the ferromagnet, nm.
    saturation_magnetisation : float
        A/m.
    damping_like_error, field_like_error : float
    response, name, provenance : str
    """

    damping_like: float
    field_like: float
    direction: tuple[float, float, float]
    thickness: float
    saturation_magnetisation: float
    damping_like_error: float = float("nan")
    field_like_error: float = float("nan")
    response: str = "complete"
    name: str = "spin_orbit"
    provenance: str = "typed by hand"

    def __post_init__(self) -> None:
        check_material(self)
        for key in ("damping_like", "field_like"):
            if not np.isfinite(getattr(self, key)):
                raise ValueError(f"{key}: {getattr(self, key)!r} is not finite.")
        direction = unit_vector(self.direction, "direction")
        object.__setattr__(self, "direction", tuple(float(x) for x in direction))

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the contents."""
        return contents_hash(self)
