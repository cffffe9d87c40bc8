"""Spin torques as functions of the angle and of the drive, for a macrospin.

A torque of a polariser p is the effective field

    h = h_a(c, x) m x p + h_b(c, x) p,   c = m.p,   dm/dt = -g0 m x h = a m x (p x m) + b p x m,

with x the drive (a current density in A/m^2, or a voltage).  Both coefficients are

    h(c, x) = sum_k x^k sum_n C[k, n] T_n(c) / (1 + d1 c + d2 c^2),

Chebyshev polynomials T_n: the Slonczewski form (d1), the asymmetric one (d2), a table in the
angle and a table in voltage and angle are all of this kind.  k = 0 is what acts without drive
(interlayer coupling).
"""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from negf_torque.llg.valve import ValveTorque, slonczewski_field
from negf_torque.spin import unit_vector
from negf_torque.units import GAMMA0

__all__ = [
    "SpinTorque",
    "bias_table_torque",
    "constant_torque",
    "slonczewski_torque",
    "valve_spin_torque",
]


@dataclass(frozen=True)
class SpinTorque:
    """Torque of one polariser.

    Attributes
    ----------
    direction : (3,)
        p, direction of the polarising *magnetisation*.
    damping_like, field_like : (powers, terms)
        C[k, n] of h_a and h_b in A/m per drive^k.
    denominator : (2,)
        d1, d2; applies to h_a only.
    deviation : float
        Largest deviation of the polynomial from the table it was made of, relative to the
        table's largest value (0 for closed forms).
    """

    direction: NDArray
    damping_like: NDArray
    field_like: NDArray
    denominator: tuple[float, float] = (0.0, 0.0)
    deviation: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "direction", unit_vector(self.direction, "direction"))
        for key in ("damping_like", "field_like"):
            values = np.atleast_2d(np.asarray(getattr(self, key), float))
            if not np.all(np.isfinite(values)):
                raise ValueError(f"{key}: coefficients must be finite, got {values!r}.")
            object.__setattr__(self, key, values)
        d1, d2 = self.denominator
        c = np.linspace(-1, 1, 201)
        if np.min(1 + d1 * c + d2 * c**2) <= 0:
            raise ValueError(f"denominator: {self.denominator!r} vanishes for some angle.")

    def coefficients(self, cosine: ArrayLike, drive: float = 1.0) -> tuple[NDArray, NDArray]:
        """h_a and h_b in A/m at m.p = `cosine`."""
        c = np.asarray(cosine, float)
        d1, d2 = self.denominator
        h_a, h_b = (
            sum(drive**k * chebyshev.chebval(c, row) for k, row in enumerate(table))
            for table in (self.damping_like, self.field_like)
        )
        return h_a / (1 + d1 * c + d2 * c * c), h_b + 0 * c

    def field(self, m: ArrayLike, drive: float = 1.0) -> NDArray:
        """Effective field in A/m, shape of m: (..., 3)."""
        m = np.asarray(m, float)
        h_a, h_b = self.coefficients(m @ self.direction, drive)
        return h_a[..., None] * np.cross(m, self.direction) + h_b[..., None] * self.direction


def constant_torque(direction: ArrayLike, h_a: float, h_b: float = 0.0) -> SpinTorque:
    """Fields per unit drive without angle dependence: spin-orbit torque, Lambda = 1.

    Examples
    --------
    >>> constant_torque([0, 1, 0], 2.0).field([0, 0, 1], drive=3.0)
    array([-6.,  0.,  0.])
    """
    return SpinTorque(np.asarray(direction), np.array([[0.0], [h_a]]), np.array([[0.0], [h_b]]))


def slonczewski_torque(
    direction: ArrayLike,
    polarisation: float,
    Lambda: float,
    epsilon_prime: float,
    saturation_magnetisation: float,
    thickness: float,
) -> SpinTorque:
    """Solver's P, Lambda and epsilon' (epsilon = eta/2) driven by J in A/m^2; thickness in nm."""
    if not Lambda > 0:
        raise ValueError(f"Lambda: {Lambda!r} is not positive.")
    field = slonczewski_field(1.0, saturation_magnetisation, thickness * 1e-9)
    square = Lambda**2
    q, asymmetry = polarisation * square / (square + 1), (square - 1) / (square + 1)
    damping_like, field_like = field * np.array([[[0.0], [q]], [[0.0], [epsilon_prime]]])
    return SpinTorque(np.asarray(direction), damping_like, field_like, (asymmetry, 0.0))


def _chebyshev(cosine: NDArray, values: NDArray, degree: int | None) -> tuple[NDArray, float]:
    """Least-squares coefficients and the largest deviation over the largest value."""
    degree = min(len(cosine) - 1, 16) if degree is None else degree
    coefficients = chebyshev.chebfit(cosine, values, degree)
    largest = np.abs(values).max()
    miss = np.abs(chebyshev.chebval(cosine, coefficients) - values).max()
    return coefficients, float(miss / largest) if largest else 0.0


def valve_spin_torque(
    valve: ValveTorque, drive: str = "current", form: str = "table", degree: int | None = None
) -> SpinTorque:
    """The torque of a computed valve.

    Parameters
    ----------
    valve : ValveTorque
    drive : {"current", "voltage"}
        What the drive x is: J in A/m^2 or V in volts.  At fixed voltage the angular dependence
        of the conductance enters.
    form : {"table", "slonczewski"}
        The table of eta(theta) itself, as a polynomial in cos(theta) through its points (angles
        spaced evenly in theta are close to Chebyshev's points), or the fitted form.
    degree : int, optional
        Degree of the polynomial; by default as many as there are angles, 16 at most.
    """
    if drive not in ("current", "voltage") or form not in ("table", "slonczewski"):
        raise ValueError(
            f"drive, form: {drive!r}, {form!r}. Expected drive 'current' or 'voltage', "
            "form 'table' or 'slonczewski'."
        )
    if form == "slonczewski":
        if drive != "current":
            raise ValueError("form: 'slonczewski' is a torque per current. Use drive='current'.")
        fit, (prime, deviation) = valve.slonczewski(), valve.epsilon_prime()
        closed = slonczewski_torque(
            valve.fixed_direction,
            fit.polarisation / 2,
            fit.Lambda,
            prime,
            valve.saturation_magnetisation,
            valve.thickness,
        )
        return SpinTorque(
            closed.direction,
            closed.damping_like,
            closed.field_like,
            closed.denominator,
            max(fit.max_relative_residual, deviation),
        )
    if drive == "current":
        field = slonczewski_field(1.0, valve.saturation_magnetisation, valve.thickness * 1e-9)
        h_a, h_b = field * np.array(valve.eta) / 2, field * np.array(valve.eta_perp) / 2
    else:
        h_a, h_b = (rate / GAMMA0 for rate in valve.rates_per_volt())
    cosine = np.cos(valve.angles)
    (first, miss_a), (second, miss_b) = (_chebyshev(cosine, h, degree) for h in (h_a, h_b))
    return SpinTorque(
        np.array(valve.fixed_direction),
        np.array([np.zeros_like(first), first]),
        np.array([np.zeros_like(second), second]),
        deviation=max(miss_a, miss_b),
    )


def bias_table_torque(
    direction: ArrayLike,
    voltages: ArrayLike,
    angles: ArrayLike,
    rate_in_plane: ArrayLike,
    rate_out_of_plane: ArrayLike,
    powers: int = 3,
    degree: int | None = None,
) -> SpinTorque:
    """Torque T(V, theta) of a junction as a polynomial in V and cos(theta).

    Parameters
    ----------
    direction : (3,)
        p.
    voltages, angles : (voltages,), (angles,)
        Volts, radians.
    rate_in_plane, rate_out_of_plane : (voltages, angles)
        a and b in 1/s, torque per sin(theta), axes m x (p x m) and p x m for magnetisations.
    powers : int
        Highest power of V.
    degree : int, optional
        Degree in cos(theta).
    """
    v, cosine = np.asarray(voltages, float), np.cos(np.asarray(angles, float))
    tables = [np.asarray(r, float) / GAMMA0 for r in (rate_in_plane, rate_out_of_plane)]
    if any(t.shape != (len(v), len(cosine)) for t in tables):
        raise ValueError(
            f"rate_in_plane, rate_out_of_plane: shapes {[t.shape for t in tables]} are not "
            f"(voltages, angles) = {(len(v), len(cosine))}."
        )
    if powers >= len(v):
        raise ValueError(f"powers: {powers} needs at least {powers + 1} voltages, got {len(v)}.")
    degree = min(len(cosine) - 1, 16) if degree is None else degree
    scale = np.abs(v).max()
    out, worst = [], 0.0
    for table in tables:
        in_angle = chebyshev.chebfit(cosine, table.T, degree)  # (degree + 1, voltages)
        in_voltage = np.polynomial.polynomial.polyfit(v / scale, in_angle.T, powers)
        coefficients = in_voltage / scale ** np.arange(powers + 1)[:, None]
        basis = chebyshev.chebvander(cosine, degree)
        again = np.vander(v, powers + 1, increasing=True) @ coefficients @ basis.T
        largest = np.abs(table).max()
        worst = max(worst, float(np.abs(again - table).max() / largest) if largest else 0.0)
        out.append(coefficients)
    return SpinTorque(np.asarray(direction), out[0], out[1], deviation=worst)
