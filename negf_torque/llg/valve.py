"""What transport says about a valve's torque, in the form in which LLG solvers need it.

Transport counts with the electron's spin: m_s and p_s are the majority-spin directions of the
free and the fixed layer, N_in is the torkance along m_s x (p_s x m_s)/|...| and N_out the one
along m_s x p_s/|...|, both in e/(4 pi).  The magnetisations point against the spins, m = -m_s
and p = -p_s, so that for the magnetisation

    dm/dt = a m x (p x m) + b p x m,    a = g_e N_in/sin(theta),  b = g_e N_out/sin(theta),
    g_e = gamma (e V/4 pi)/(M_s volume),  gamma = 2 mu_B/hbar:

the in-plane torque keeps its sign, the out-of-plane one keeps its *coefficient* but on the
axis p x m, which is the reversed one.  Per current, with the transmission T(theta),

    eta = N_in/(T sin(theta)) = 2 epsilon,    eta_perp = N_out/(T sin(theta)) = 2 epsilon'.

The solvers' current density is J = (e^2/h) T V/A_cell: **e times the flux of electrons from
left to right**, positive for V > 0.  It is minus the conventional current density along the
left-to-right axis.
"""

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.llg.layers import LayerNumbers, layer_numbers
from negf_torque.llg.material import check_material, contents_hash
from negf_torque.llg.slonczewski import (
    AsymmetricFit,
    SlonczewskiFit,
    constant_fit,
    constant_fit_error,
    fit_asymmetric,
    fit_slonczewski,
)
from negf_torque.spin import unit_vector
from negf_torque.units import (
    ELEMENTARY_CHARGE,
    GAMMA0,
    HBAR_SI,
    MU0,
    conductance_per_area,
)

__all__ = ["ValveTorque", "slonczewski_field", "valve_torque"]


def slonczewski_field(
    current_density: Any, saturation_magnetisation: float, thickness: float
) -> Any:
    """B = hbar J/(mu0 e M_s d) in A/m; `thickness` in metres, J in A/m^2, M_s in A/m.

    Examples
    --------
    >>> round(slonczewski_field(1e11, 8e5, 2e-9))
    32737
    """
    return (
        HBAR_SI * current_density / (MU0 * ELEMENTARY_CHARGE * saturation_magnetisation * thickness)
    )


@dataclass(frozen=True)
class ValveTorque:
    """Torque on a valve's free layer per current, with all that a solver's input needs.

    Attributes
    ----------
    angles : tuple of float
        Angles between the layers, radians, ascending.
    eta, eta_perp : tuple of float
        In-plane and out-of-plane torque per current and sin(theta), see the module's text.
    conductance : tuple of float
        G(theta) per cell, in e^2/h.
    cell_area : float
        Cross-section of one cell, nm^2.
    thickness : float
        Thickness of the free layer, nm: the whole magnetic volume that takes up the torque.
    saturation_magnetisation : float
        A/m.
    fixed_direction : tuple of float
        Unit vector of the fixed layer's *magnetisation* in the solver's frame (z = film normal).
    eta_error, eta_perp_error : tuple of float
        Standard or quadrature errors of eta and eta_perp; empty when unknown.
    response : str
        Which response the numbers are, e.g. "window, symmetric bias" or "complete".
    name, provenance : str
        Where the numbers came from: card, version, date, hash of the stored result.
    notes : tuple of str
        What an exported input must say besides, each a line: what this torque leaves out.
    layer_eta, layer_eta_perp : tuple of tuples of float
        (layers, angles): local efficiencies of the free layer's atomic layers from the bottom,
        whose means are eta and eta_perp (see `negf_torque.llg.layers`); empty when unknown.
    """

    angles: tuple[float, ...]
    eta: tuple[float, ...]
    eta_perp: tuple[float, ...]
    conductance: tuple[float, ...]
    cell_area: float
    thickness: float
    saturation_magnetisation: float
    fixed_direction: tuple[float, float, float] = (1.0, 0.0, 0.0)
    eta_error: tuple[float, ...] = ()
    eta_perp_error: tuple[float, ...] = ()
    response: str = "window, symmetric bias"
    name: str = "valve"
    provenance: str = "typed by hand"
    notes: tuple[str, ...] = ()
    layer_eta: tuple[tuple[float, ...], ...] = ()
    layer_eta_perp: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        n = len(self.angles)
        if n < 2:
            raise ValueError(f"angles: {n} given. A torque's form needs at least two.")
        if np.any(np.diff(self.angles) <= 0):
            raise ValueError(f"angles: {self.angles!r} is not ascending.")
        for key in ("eta", "eta_perp", "conductance", "eta_error", "eta_perp_error"):
            values = getattr(self, key)
            if len(values) != n and not (key.endswith("error") and not values):
                raise ValueError(f"{key}: {len(values)} values for {n} angles.")
            if not np.all(np.isfinite(values)):
                raise ValueError(f"{key}: contains a value that is not finite: {values!r}.")
        _check_layers(self)
        if min(self.conductance) <= 0:
            raise ValueError(
                f"conductance: {min(self.conductance)!r} at one angle. A torque per current "
                "needs a positive conductance everywhere."
            )
        check_material(
            self, {"cell_area": "nm^2; it turns a conductance per cell into a current density"}
        )
        direction = unit_vector(self.fixed_direction, "fixed_direction")
        object.__setattr__(self, "fixed_direction", tuple(float(x) for x in direction))

    @property
    def hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of every number and word in here."""
        return contents_hash(self)

    def layers(self) -> LayerNumbers | None:
        """P and epsilon' of each atomic layer with the film's Lambda, or None when unknown."""
        if not self.layer_eta:
            return None
        lam = self.slonczewski().Lambda
        return layer_numbers(self.angles, self.layer_eta, self.layer_eta_perp, lam)

    def slonczewski(self) -> SlonczewskiFit:
        """P and Lambda of eta(theta); a solver's P is half of this one."""
        # errors of zero are those of exact numbers: then the scatter about the fit is left
        errors = self.eta_error if any(self.eta_error) else None
        return fit_slonczewski(self.angles, self.eta, errors=errors)

    def asymmetric(self) -> AsymmetricFit | None:
        """The asymmetric form, or None with fewer than four angles."""
        return fit_asymmetric(self.angles, self.eta) if len(self.angles) > 3 else None

    def epsilon_prime(self) -> tuple[float, float]:
        """The constant epsilon' nearest to eta_perp/2, and the largest relative deviation."""
        mean, deviation = constant_fit(self.angles, self.eta_perp)
        return mean / 2, deviation

    def epsilon_prime_error(self) -> float:
        """Standard error of epsilon' from those of eta_perp; not-a-number when unknown."""
        if not self.eta_perp_error:
            return float("nan")
        return constant_fit_error(self.angles, self.eta_perp_error) / 2

    def current_density_per_volt(self) -> NDArray:
        """J/V at each angle, A/(V m^2) = ohm^-1 m^-2."""
        return conductance_per_area(np.asarray(self.conductance), self.cell_area)

    def rates_per_volt(self) -> tuple[NDArray, NDArray]:
        """a/V and b/V at each angle, 1/(s V), for the magnetisation (axes m x (p x m), p x m)."""
        field = slonczewski_field(
            self.current_density_per_volt(), self.saturation_magnetisation, self.thickness * 1e-9
        )
        return GAMMA0 * field * np.array(self.eta) / 2, GAMMA0 * field * np.array(self.eta_perp) / 2


def _check_layers(torque: ValveTorque) -> None:
    """Shapes of the layers' tables, and that they are the film's torque."""
    if bool(torque.layer_eta) != bool(torque.layer_eta_perp):
        raise ValueError("layer_eta, layer_eta_perp: give both or neither.")
    for key in ("eta", "eta_perp"):
        table = np.asarray(getattr(torque, f"layer_{key}"), float)
        if not table.size:
            continue
        whole = np.asarray(getattr(torque, key), float)
        if table.ndim != 2 or table.shape[1] != len(whole):
            raise ValueError(f"layer_{key}: shape {table.shape} is not (layers, angles).")
        largest = max(np.abs(table).max(), np.abs(whole).max())
        if np.abs(table.mean(axis=0) - whole).max() > 1e-6 * largest:
            raise ValueError(
                f"layer_{key}: the mean over the layers is not {key}. Each layer's torque counts "
                "times the number of layers."
            )


def valve_torque(
    angles: ArrayLike,
    in_plane: ArrayLike,
    out_of_plane: ArrayLike,
    conductance: ArrayLike,
    *,
    in_plane_error: ArrayLike | None = None,
    out_of_plane_error: ArrayLike | None = None,
    conductance_error: ArrayLike | None = None,
    layer_in_plane: ArrayLike | None = None,
    layer_out_of_plane: ArrayLike | None = None,
    collinear: float = 1e-6,
    **rest: Any,
) -> ValveTorque:
    """A `ValveTorque` from torkances in the spin frame.

    Parameters
    ----------
    angles : (n,)
        Angle between the layers, radians, in [0, pi].
    in_plane, out_of_plane : (n,)
        N_in (positive: toward p) and N_out (along m x p) in e/(4 pi) per cell, spin frame.
    conductance : (n,)
        e^2/h per cell.
    in_plane_error, out_of_plane_error : (n,), optional
        Errors of the torkances.
    conductance_error : (n,), optional
        Adds to the errors of the torque per current, where those of the torkances are known.
    layer_in_plane, layer_out_of_plane : (layers, n), optional
        Torkances of the free magnet's atomic layers, which add up to the whole ones.
    collinear : float
        Angles with sin(theta) below this are left out: there the torque vanishes and the
        ratio is 0/0.
    rest
        The other fields of `ValveTorque`.

    Examples
    --------
    >>> angles = np.linspace(0, pi, 5)
    >>> t = valve_torque(angles, 0.3 * np.sin(angles), 0 * angles, np.full(5, 0.5),
    ...                  cell_area=0.16, thickness=2.0, saturation_magnetisation=8e5)
    >>> t.eta
    (0.6, 0.6, 0.6)
    """
    angles = np.atleast_1d(np.asarray(angles, float))
    if not np.all(np.isfinite(angles)) or np.any((angles < 0) | (angles > pi + 1e-12)):
        raise ValueError(f"angles: {angles.tolist()} is not a list of angles in [0, pi].")
    order = np.argsort(angles, kind="stable")
    order = order[np.sin(angles[order]) > collinear]
    sine = np.sin(angles[order])
    through = _per_angle("conductance", conductance, angles)[order]
    if np.any(through == 0):
        raise ValueError(
            "conductance: 0. No current flows, so that there is no torque per current."
        )

    def per_current(name: str, values: ArrayLike | None) -> tuple[float, ...]:
        if values is None:
            return ()
        return tuple((_per_angle(name, values, angles)[order] / (through * sine)).tolist())

    relative = np.zeros(len(order))
    if conductance_error is not None:
        relative = _per_angle("conductance_error", conductance_error, angles)[order] / through

    def error(name: str, values: ArrayLike | None, part: tuple[float, ...]) -> tuple[float, ...]:
        own = per_current(name, values)
        return tuple((own + np.abs(part) * relative).tolist()) if own else ()

    def per_layer(name: str, values: ArrayLike | None) -> tuple[tuple[float, ...], ...]:
        if values is None:
            return ()
        table = np.stack([_per_angle(name, row, angles) for row in np.asarray(values, float)])
        local = len(table) * table[:, order] / (through * sine)
        return tuple(tuple(row) for row in local.tolist())

    eta = per_current("in_plane", in_plane)
    eta_perp = per_current("out_of_plane", out_of_plane)
    return ValveTorque(
        tuple(angles[order].tolist()),
        eta,
        eta_perp,
        tuple(through.tolist()),
        eta_error=error("in_plane_error", in_plane_error, eta),
        eta_perp_error=error("out_of_plane_error", out_of_plane_error, eta_perp),
        layer_eta=per_layer("layer_in_plane", layer_in_plane),
        layer_eta_perp=per_layer("layer_out_of_plane", layer_out_of_plane),
        **rest,
    )


def _per_angle(name: str, values: ArrayLike, angles: NDArray) -> NDArray:
    """One value for each angle."""
    if np.iscomplexobj(values):
        raise ValueError(f"{name}: complex numbers; a torque's parts are real.")
    values = np.asarray(values, float)
    if values.shape != angles.shape:
        raise ValueError(f"{name}: shape {values.shape}, but there are {len(angles)} angles.")
    return values
