"""Torque T(V, theta) of a junction at finite bias, in the form in which dynamics need it.

Transport at finite bias gives, per cell and in eV, the torque J/(4 pi) on the free layer along
the spin frame's axes (m_s x (p_s x m_s)/|...|, positive toward p_s, and m_s x p_s/|...|) and the
charge current (e/h) J.  For magnetisations m = -m_s, p = -p_s it is, as in `valve`,

    dm/dt = a m x (p x m) + b p x m,
    a = g J_in/sin(theta),  b = g J_out/sin(theta),  g = gamma (e/4 pi)/(M_s volume),

gamma = 2 mu_B/hbar: the damping-like torque keeps its sign, the field-like one keeps its
coefficient on the reversed axis.  Against the bias,

    a = a_1 V,    b = b_0 + b_1 V + b_2 V^2

is the leading behaviour of a tunnel junction: b_0 is the interlayer coupling, which needs no
bias, and b_1 vanishes in a symmetric junction (I. Theodonis et al., PRL 97, 237205 (2006);
C. Heiliger, M. D. Stiles, PRL 100, 186805 (2008)).  How well the computed torque follows it is
told by residuals; the dynamics can use the table itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import pi

import numpy as np
from numpy.typing import NDArray

from negf_torque.llg.material import check_material, contents_hash
from negf_torque.llg.torques import SpinTorque, bias_table_torque
from negf_torque.llg.valve import ValveTorque
from negf_torque.spin import unit_vector
from negf_torque.units import (
    BOHR_MAGNETON,
    CONDUCTANCE_QUANTUM,
    ELEMENTARY_CHARGE,
    GAMMA0,
    HBAR_SI,
)

__all__ = ["BiasFit", "JunctionTorque"]

_UNKNOWN = "the dependence of the torque per sin(angle) on the angle is unknown, taken as none."

#: Below this sin(theta) the axes are undefined and the torque per sin(theta) is 0/0.
COLLINEAR = 1e-6


@dataclass(frozen=True)
class BiasFit:
    """Least-squares powers of the voltage, angle by angle.

    Attributes
    ----------
    powers : (n,) int
        Powers of V that were fitted.
    coefficients : (n, angles)
        In 1/(s V^power).
    residual : (angles,)
        Largest |fit - table| over the largest |table| of the angle.
    """

    powers: tuple[int, ...]
    coefficients: NDArray
    residual: NDArray

    def __getitem__(self, power: int) -> NDArray:
        """Coefficients (angles,) of V^power; zero for a power that was not fitted."""
        if power in self.powers:
            return self.coefficients[self.powers.index(power)]
        return np.zeros(self.coefficients.shape[1])


@dataclass(frozen=True, eq=False)
class JunctionTorque:
    """Torque on a junction's free layer against voltage and angle.

    Attributes
    ----------
    voltages : (V,)
        Volts, ascending; V > 0 drives electrons from left to right.
    angles : (A,)
        Angles between the layers, radians, ascending.  Collinear ones are left out on
        construction (and may hold not-a-number).
    in_plane, out_of_plane : (V, A)
        J in eV per cell on the free layer: the torque is J/(4 pi), toward the fixed layer and
        along m_s x p_s, spin frame.
    current : (V, A)
        J in eV per cell: the charge current is (e/h) J.
    cell_area : float
        nm^2.
    thickness : float
        Of the whole free layer, nm.
    saturation_magnetisation : float
        A/m.
    fixed_direction : (3,)
        Unit vector of the fixed layer's *magnetisation* in the solver's frame.
    working_voltage : float, optional
        Where a solver's single point is taken; by default the largest voltage of the table.
    in_plane_error, out_of_plane_error : (V, A) or empty
        Errors, eV.
    response, name, provenance : str
    """

    voltages: NDArray
    angles: NDArray
    in_plane: NDArray
    out_of_plane: NDArray
    current: NDArray
    cell_area: float
    thickness: float
    saturation_magnetisation: float
    fixed_direction: tuple[float, float, float] = (1.0, 0.0, 0.0)
    working_voltage: float | None = None
    in_plane_error: NDArray = field(default_factory=lambda: np.empty(0))
    out_of_plane_error: NDArray = field(default_factory=lambda: np.empty(0))
    response: str = "finite bias"
    name: str = "junction"
    provenance: str = "typed by hand"

    def __post_init__(self) -> None:
        v, angles = np.asarray(self.voltages, float), np.asarray(self.angles, float)
        if v.ndim != 1 or len(v) < 2 or not np.all(np.diff(v) > 0):
            raise ValueError(f"voltages: {v.tolist()!r}. Give at least two, ascending.")
        if angles.ndim != 1 or not np.all(np.diff(angles) > 0):
            raise ValueError(f"angles: {angles.tolist()!r} is not ascending (radians).")
        keep = (np.sin(angles) > COLLINEAR) & (angles > 0) & (angles < pi)
        if not np.any(keep):
            raise ValueError(f"angles: {angles.tolist()!r} holds no angle between 0 and pi.")
        for key in ("in_plane", "out_of_plane", "current", "in_plane_error", "out_of_plane_error"):
            table = np.asarray(getattr(self, key), float)
            if key.endswith("error") and table.size == 0:
                continue
            if table.shape != (len(v), len(angles)):
                raise ValueError(
                    f"{key}: shape {table.shape} is not (voltages, angles) = "
                    f"{(len(v), len(angles))}."
                )
            if not np.all(np.isfinite(table[:, keep])):
                raise ValueError(f"{key}: contains a value that is not finite.")
            object.__setattr__(self, key, table[:, keep])
        object.__setattr__(self, "voltages", v)
        object.__setattr__(self, "angles", angles[keep])
        check_material(
            self, {"cell_area": "nm^2; it turns a current per cell into a current density"}
        )
        if not v[0] <= self.point <= v[-1]:
            raise ValueError(
                f"working_voltage: {self.working_voltage!r} V is outside the computed "
                f"{v[0]:g} ... {v[-1]:g} V."
            )
        direction = unit_vector(self.fixed_direction, "fixed_direction")
        object.__setattr__(self, "fixed_direction", tuple(float(x) for x in direction))

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of every number and word in here."""
        return contents_hash(self)

    @property
    def point(self) -> float:
        """The working voltage in use: the given one, or the largest of the table."""
        if self.working_voltage is None:
            return float(self.voltages[::-1][np.argmax(np.abs(self.voltages[::-1]))])
        return float(self.working_voltage)

    def rates(self) -> tuple[NDArray, NDArray]:
        """a and b in 1/s, (voltages, angles), of the magnetisation (axes m x (p x m), p x m).

        Examples
        --------
        >>> j = JunctionTorque([-1, 1], [pi / 2], [[-4 * pi], [4 * pi]], [[0], [0]], [[-1], [1]],
        ...                    cell_area=1.0, thickness=1.0, saturation_magnetisation=1e6)
        >>> (j.rates()[0] / 1e13).round(4)            # gamma (1 eV)/(M_s nm^3)
        array([[-2.8179],
               [ 2.8179]])
        """
        moment = self.saturation_magnetisation * self.thickness * self.cell_area * 1e-27
        unit = 2 * BOHR_MAGNETON / HBAR_SI * ELEMENTARY_CHARGE / (4 * pi) / moment
        scale = unit / np.sin(self.angles)
        return self.in_plane * scale, self.out_of_plane * scale

    def current_density(self) -> NDArray:
        """J in A/m^2, (voltages, angles): e times the electron flux from left to right."""
        return CONDUCTANCE_QUANTUM * self.current / (self.cell_area * 1e-18)

    def damping_like(self, powers: tuple[int, ...] = (1,)) -> BiasFit:
        """a(V) of each angle as powers of V; the leading behaviour is linear."""
        return _bias_fit(self.voltages, self.rates()[0], powers)

    def field_like(self, powers: tuple[int, ...] | None = None) -> BiasFit:
        """b(V) of each angle as powers of V: coupling, linear and quadratic part.

        Where V = 0 is in the table, b_0 is its value and not fitted.  By default (0, 1, 2); with
        two voltages the linear part alone, and b_0 only where it was computed.
        """
        table = self.rates()[1]
        zero = np.flatnonzero(self.voltages == 0)
        if powers is None:
            powers = (0, 1, 2) if len(self.voltages) > 2 else (0, 1) if zero.size else (1,)
        if 0 not in powers or not zero.size:
            return _bias_fit(self.voltages, table, powers)
        coupling = table[zero[0]]
        rest = tuple(p for p in powers if p)
        fit = _bias_fit(self.voltages, table - coupling, rest)
        largest = np.abs(table).max(axis=0)
        spread = np.abs(table - coupling).max(axis=0)
        scale = np.divide(spread, largest, out=np.zeros_like(spread), where=largest > 0)
        return BiasFit((0, *rest), np.vstack([coupling, fit.coefficients]), fit.residual * scale)

    def coupling_field(self) -> NDArray:
        """Interlayer coupling b_0/g0 of each angle, A/m along +p: what acts without a bias."""
        return self.field_like()[0] / GAMMA0

    def spin_torque(self, powers: int | None = None, degree: int | None = None) -> SpinTorque:
        """The table as a polynomial in V and cos(theta), for macrospin, batch and stability.

        The drive is the voltage; the coupling acts at V = 0 too.  `deviation` tells how far the
        polynomial is from the table.

        Parameters
        ----------
        powers : int, optional
            Highest power of V; by default the first from 3 on that misses the table by less than
            1e-4, at most about 2 sqrt(voltages), beyond which equal steps would oscillate.
        degree : int, optional
            Degree in cos(theta); by default as many as there are angles, 16 at most.
        """
        table = self.fixed_direction, self.voltages, self.angles, *self.rates()
        if powers is not None:
            return bias_table_torque(*table, powers, degree)
        count = len(self.voltages)
        largest = min(count - 1, max(3, int(2 * np.sqrt(count))))
        for power in range(min(3, largest), largest + 1):
            found = bias_table_torque(*table, power, degree)
            if found.deviation < 1e-4:
                break
        return found

    def leading_torque(self) -> SpinTorque:
        """The form a = a_1 V, b = b_0 + b_1 V + b_2 V^2 with the angles' polynomials."""
        a, b = self.damping_like(), self.field_like()
        cosine = np.cos(self.angles)
        degree = min(len(cosine) - 1, 16)
        fit = np.polynomial.chebyshev.chebfit
        rows_a = np.array([fit(cosine, a[k] / GAMMA0, degree) for k in range(3)])
        rows_b = np.array([fit(cosine, b[k] / GAMMA0, degree) for k in range(3)])
        worst = float(max(a.residual.max(), b.residual.max()))
        return SpinTorque(np.array(self.fixed_direction), rows_a, rows_b, deviation=worst)

    def at(self, voltage: float | None = None, fixed: str = "voltage") -> ValveTorque:
        """The junction at one voltage as a valve: a solver's single point.

        The coupling (b at V = 0, where it is known) is left out: it is a field, not driven by
        the current; see `coupling_field`.

        Parameters
        ----------
        voltage : float, optional
            By default the working voltage; a cubic spline between the computed ones.
        fixed : {"voltage", "current"}
            What stays constant while the layer turns.  Solvers know a constant J only.  With
            "voltage" eta is the torque over the current at the angle nearest to 90 degrees, so
            that a solver with that J has the torque of a junction at constant voltage: for
            tunnelling nearly without angular dependence.  With "current" eta is the torque over
            the current at the same angle.

        Raises
        ------
        ValueError
            For a voltage outside the table or without current.
        """
        from scipy.interpolate import make_interp_spline

        if fixed not in ("voltage", "current"):
            raise ValueError(f"fixed: {fixed!r} is neither 'voltage' nor 'current'.")
        volt = self.point if voltage is None else float(voltage)
        if volt == 0 or not self.voltages[0] <= volt <= self.voltages[-1]:
            raise ValueError(
                f"voltage: {volt!r} V. Torque per current needs a voltage other than 0 within "
                f"the computed {self.voltages[0]:g} ... {self.voltages[-1]:g} V."
            )
        order = min(3, len(self.voltages) - 1)

        def here(table):
            return make_interp_spline(self.voltages, table, k=order)(volt)

        current, sine = here(self.current), np.sin(self.angles)
        driven = self.out_of_plane - self.field_like()[0] * _ev_per_rate(self) * sine
        middle = int(np.argmin(np.abs(self.angles - pi / 2)))
        flow = np.full_like(current, current[middle]) if fixed == "voltage" else current
        if np.any(flow / volt <= 0):
            raise ValueError(f"current: {flow.tolist()!r} eV at {volt:g} V does not follow V.")

        angles, copies = self.angles, 1
        notes: tuple[str, ...] = ()
        if len(angles) == 1:
            # A form needs two angles: the same torque per sin(theta) at both.
            angles, copies = np.array([pi / 3, 2 * pi / 3]), 2
            notes = (f"Computed at {np.degrees(self.angles[0]):.4g} deg only: {_UNKNOWN}",)

        def ratio(table):
            return tuple((here(table) / (flow * sine)).tolist()) * copies

        errors = {
            "eta_error": self.in_plane_error,
            "eta_perp_error": self.out_of_plane_error,
        }
        return ValveTorque(
            tuple(angles.tolist()),
            ratio(self.in_plane),
            ratio(driven),
            tuple((flow / volt).tolist()) * copies,
            self.cell_area,
            self.thickness,
            self.saturation_magnetisation,
            self.fixed_direction,
            **{
                key: tuple(np.abs(here(table) / (flow * sine)).tolist()) * copies
                for key, table in errors.items()
                if table.size
            },
            response=f"{self.response}, V = {volt:g} V, constant {fixed}",
            name=self.name,
            provenance=self.provenance,
            notes=notes,
        )

    def magnetoresistance(self, voltage: float | None = None) -> float:
        """Largest over smallest current of the angles at one voltage, minus 1."""
        volt = self.point if voltage is None else voltage
        k = int(np.argmin(np.abs(self.voltages - volt)))
        size = np.abs(self.current[k])
        return float(size.max() / size.min() - 1) if size.min() > 0 else float("inf")

    def losses(self, voltage: float | None = None) -> dict[str, float]:
        """What simpler descriptions miss, each relative to the largest value of its kind.

        Keys: `linear_damping_like` and `quadratic_field_like` (the powers of V), `polynomial`
        (the table's polynomial in V and cos(theta)), and, with two angles or more, for a solver's
        point `slonczewski` (angular form), `constant_field_like` (one epsilon' for all angles),
        `constant_current` (by how much J would vary with the angle at constant voltage).
        """
        found = {
            "linear_damping_like": float(self.damping_like().residual.max()),
            "quadratic_field_like": float(self.field_like().residual.max()),
            "polynomial": self.spin_torque().deviation,
        }
        if len(self.angles) > 1:
            point = self.at(voltage)
            found["slonczewski"] = point.slonczewski().max_relative_residual
            found["constant_field_like"] = point.epsilon_prime()[1]
            found["constant_current"] = self.magnetoresistance(voltage)
        return found


def _ev_per_rate(junction: JunctionTorque) -> float:
    """J in eV per cell for a rate of 1/s."""
    moment = junction.saturation_magnetisation * junction.thickness * junction.cell_area * 1e-27
    return moment / (2 * BOHR_MAGNETON / HBAR_SI * ELEMENTARY_CHARGE / (4 * pi))


def _bias_fit(voltage: NDArray, table: NDArray, powers: Iterable[int]) -> BiasFit:
    """Least squares of the given powers of V, columns of `table` (voltages, angles)."""
    powers = tuple(int(p) for p in powers)
    if len(powers) > len(voltage):
        raise ValueError(f"powers: {powers!r} need at least {len(powers)} voltages.")
    scale = np.abs(voltage).max()
    design = np.stack([(voltage / scale) ** p for p in powers], axis=1)
    solution, *_ = np.linalg.lstsq(design, table, rcond=None)
    largest = np.abs(table).max(axis=0)
    miss = np.abs(design @ solution - table).max(axis=0)
    residual = np.divide(miss, largest, out=np.zeros_like(miss), where=largest > 0)
    return BiasFit(powers, solution / scale ** np.array(powers)[:, None], residual)
