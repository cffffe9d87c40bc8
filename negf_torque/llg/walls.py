"""A domain wall as position q, tilt Phi and width Delta, moved by currents and fields.

    dPhi/dt + (alpha/Delta) dq/dt = g0 H(q) + beta u/Delta,
    (1/Delta) dq/dt - alpha dPhi/dt = (g0 H_perp/2) sin(2 Phi) + u/Delta,

with H the driving plus the pinning field, u the electrons' drift velocity (the wall moves along
+u), H_perp = 2 K_p/(mu0 M_s).  Width: fixed, following Delta(Phi) = sqrt(A/(K_u + K_p sin^2 Phi)),
or a coordinate of its own with (12 g0/(pi^2 alpha mu0 M_s)) [A/Delta - Delta(K_u + K_p sin^2 Phi)]
as its rate.  A. Thiaville et al., Europhys. Lett. 69, 990 (2005); J. Magn. Magn. Mater. 242-245,
1061 (2002).  Temperature: random forces whose strengths follow from the two frictions
(fluctuation-dissipation), R. A. Duine, A. S. Nunez, A. H. MacDonald, PRL 98, 056605 (2007).

Lengths are nm, times ns, velocities m/s (= nm/ns), fields A/m.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.units import BOLTZMANN, ELEMENTARY_CHARGE, GAMMA0, MU0

__all__ = [
    "Wall",
    "WallTrajectory",
    "drift_velocity",
    "field_velocity",
    "harmonic_pinning",
    "move",
    "move_thermal",
    "stopping_distance",
    "walker_drift",
    "walker_field",
    "wall_width",
]


@dataclass(frozen=True)
class Wall:
    """Material and geometry of a wire with a wall.

    Attributes
    ----------
    saturation_magnetisation : float
        A/m.
    damping, beta : float
    exchange : float
        A in J/m.
    easy, hard : float
        K_u along the easy axis and K_p of the hard transverse axis, J/m^3.
    width_model : {"fixed", "adiabatic", "dynamic"}
    cross_section : float
        nm^2; needed at temperature and for a pinning energy.
    """

    saturation_magnetisation: float
    damping: float
    beta: float
    exchange: float
    easy: float
    hard: float
    width_model: str = "fixed"
    cross_section: float = 0.0

    def __post_init__(self) -> None:
        if not self.damping > 0:
            raise ValueError(f"damping: {self.damping!r}. A moving wall needs alpha > 0.")
        for key in ("saturation_magnetisation", "exchange", "easy"):
            if not getattr(self, key) > 0:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not positive.")
        if self.hard < 0:
            raise ValueError(f"hard: {self.hard!r} J/m^3. Name the axes so that K_p >= 0.")
        if self.width_model not in ("fixed", "adiabatic", "dynamic"):
            raise ValueError(
                f"width_model: {self.width_model!r}. Expected 'fixed', 'adiabatic' or 'dynamic'."
            )

    @property
    def width(self) -> float:
        """sqrt(A/K_u) in nm."""
        return wall_width(self.exchange, self.easy, self.hard, 0.0)

    @property
    def transverse_field(self) -> float:
        """H_perp = 2 K_p/(mu0 M_s) in A/m."""
        return 2 * self.hard / (MU0 * self.saturation_magnetisation)


def wall_width(exchange: float, easy: float, hard: float, tilt: ArrayLike) -> Any:
    """Delta(Phi) = sqrt(A/(K_u + K_p sin^2 Phi)) in nm."""
    width = np.sqrt(exchange / (easy + hard * np.sin(tilt) ** 2)) * 1e9
    return float(width) if np.ndim(width) == 0 else width


def walker_drift(wall: Wall) -> tuple[float, float]:
    """(u_c, u_W) in m/s: u_c = g0 H_perp Delta/2, u_W = u_c alpha/|beta - alpha|; fixed width."""
    u_c = GAMMA0 * wall.transverse_field * wall.width * 1e-9 / 2
    difference = abs(wall.beta - wall.damping)
    return u_c, u_c * wall.damping / difference if difference else np.inf


def walker_field(wall: Wall) -> float:
    """H_W = alpha H_perp/2 in A/m, without current, fixed width."""
    return wall.damping * wall.transverse_field / 2


def drift_velocity(wall: Wall, u: ArrayLike) -> NDArray:
    """Mean velocity at drift u, fixed width, no field, m/s; below and above the threshold."""
    u = np.asarray(u, float)
    if not np.all(np.isfinite(u)):
        raise ValueError(f"u: {u.tolist()!r} is not a drift velocity. Give finite numbers in m/s.")
    alpha, beta = wall.damping, wall.beta
    u_c, _ = walker_drift(wall)
    root = np.sqrt(np.maximum(((beta - alpha) * u) ** 2 - (alpha * u_c) ** 2, 0.0))
    return beta * u / alpha - np.sign((beta - alpha) * u) * root / (alpha * (1 + alpha**2))


def field_velocity(wall: Wall, field: ArrayLike) -> NDArray:
    """Mean velocity in a field, fixed width, no current, m/s (Walker)."""
    field = np.asarray(field, float)
    if not np.all(np.isfinite(field)):
        raise ValueError(f"field: {field.tolist()!r} is not a field. Give finite numbers in A/m.")
    alpha, limit = wall.damping, walker_field(wall)
    scale = GAMMA0 * wall.width * 1e-9 / alpha
    root = np.sqrt(np.maximum(field**2 - limit**2, 0.0))
    return scale * (field - np.sign(field) * root / (1 + alpha**2))


def stopping_distance(wall: Wall, u: float) -> float:
    """q in nm at which a wall with beta = 0 stops for u < u_c: (Delta/2 alpha) asin(u/u_c)."""
    u_c, _ = walker_drift(wall)
    if abs(u) > u_c:
        raise ValueError(f"u: {u!r} m/s is above u_c = {u_c:.6g} m/s: the wall does not stop.")
    return wall.width / (2 * wall.damping) * float(np.arcsin(u / u_c))


def harmonic_pinning(strength: float) -> Callable[[Any], Any]:
    """Pinning field -strength q in A/m, `strength` in A/m per nm.

    The energy is mu0 M_s S strength q^2 (two domains' moments per displacement).
    """
    return lambda q: -strength * q


@dataclass(frozen=True)
class WallTrajectory:
    """time (ns), position (nm), tilt (rad), width (nm); walls along leading axes."""

    time: NDArray
    position: NDArray
    tilt: NDArray
    width: NDArray

    def velocity(self, fraction: float = 0.5) -> NDArray:
        """Mean velocity over the last `fraction` of the time, m/s."""
        first = int((1 - fraction) * (len(self.time) - 1))
        span = self.time[-1] - self.time[first]
        return (self.position[..., -1] - self.position[..., first]) / span


def _rates(wall: Wall, q, tilt, width, u, field):
    """dq/dt (nm/ns), dPhi/dt (1/ns), dDelta/dt (nm/ns)."""
    alpha, per_ns = wall.damping, GAMMA0 * 1e-9
    delta = width
    if wall.width_model == "adiabatic":
        delta = wall_width(wall.exchange, wall.easy, wall.hard, tilt)
    first = per_ns * field + wall.beta * u / delta
    second = per_ns * wall.transverse_field / 2 * np.sin(2 * tilt) + u / delta
    tilt_rate = (first - alpha * second) / (1 + alpha**2)
    position_rate = delta * (second + alpha * first) / (1 + alpha**2)
    if wall.width_model != "dynamic":
        return position_rate, tilt_rate, np.zeros_like(np.asarray(width, float))
    meter = delta * 1e-9
    anisotropy = wall.easy + wall.hard * np.sin(tilt) ** 2
    scale = 12 * per_ns / (np.pi**2 * alpha * MU0 * wall.saturation_magnetisation)
    width_rate = scale * (wall.exchange / meter - meter * anisotropy) * 1e9
    return position_rate, tilt_rate, width_rate


def move(
    wall: Wall,
    duration: float,
    *,
    drift: float | Callable[[float], float] = 0.0,
    field: float | Callable[[float], float] = 0.0,
    pinning: Callable[[float], float] | None = None,
    start: tuple[float, float] = (0.0, 0.0),
    samples: int = 1001,
    tolerance: float = 1e-10,
) -> WallTrajectory:
    """Motion without temperature (adaptive integration).

    Parameters
    ----------
    duration : float
        ns.
    drift, field : float or function of the time in ns
        u in m/s; H in A/m along the domain that the wall enlarges.
    pinning : callable, optional
        Additional field in A/m as a function of q in nm.
    start : (q, Phi)
        nm, rad.
    """
    from scipy.integrate import solve_ivp

    if not duration > 0:
        raise ValueError(f"duration: {duration!r} ns is not positive.")
    u_of = drift if callable(drift) else lambda _: drift
    h_of = field if callable(field) else lambda _: field
    pin = pinning or (lambda q: 0.0)

    def rate(t, y):
        return [*_rates(wall, y[0], y[1], y[2], u_of(t), h_of(t) + pin(y[0]))]

    times = np.linspace(0, duration, samples)
    first_width = wall_width(wall.exchange, wall.easy, wall.hard, start[1])
    if wall.width_model == "fixed":
        first_width = wall.width
    result = solve_ivp(
        rate,
        (0, duration),
        [*start, first_width],
        method="LSODA" if wall.width_model == "dynamic" else "DOP853",
        t_eval=times,
        rtol=tolerance,
        atol=tolerance,
    )
    if not result.success:
        raise RuntimeError(f"The wall stopped at {result.t[-1]:.6g} ns: {result.message}")
    width = result.y[2]
    if wall.width_model == "adiabatic":
        width = wall_width(wall.exchange, wall.easy, wall.hard, result.y[1])
    return WallTrajectory(times, result.y[0], result.y[1], width)


def move_thermal(
    wall: Wall,
    duration: float,
    step: float,
    temperature: float,
    walls: int,
    *,
    drift: float = 0.0,
    field: float = 0.0,
    pinning: Callable[[NDArray], NDArray] | None = None,
    stride: int = 1,
    seed: int = 0,
) -> WallTrajectory:
    """An ensemble of walls at temperature; Heun's method, fixed or adiabatic width.

    Random forces on q and Phi of strengths 2 kT C alpha/Delta and 2 kT C alpha Delta,
    C = 2 mu0 M_s S/g0, enter as fields in the two equations.
    """
    if not wall.cross_section > 0:
        raise ValueError(
            "cross_section: missing. Temperature acts on the wall's whole moment (nm^2)."
        )
    if wall.width_model == "dynamic":
        raise ValueError("width_model: 'dynamic' has no thermal version. Use 'adiabatic'.")
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature: {temperature!r} is not a temperature in kelvin, 0 or more.")
    if not (duration > 0 and step > 0):
        raise ValueError(
            f"duration, step: {duration!r}, {step!r} are not times. Give nanoseconds above 0."
        )
    rng = np.random.default_rng(seed)
    pin = pinning or (lambda q: np.zeros_like(q))
    steps = int(round(duration / step))
    q, tilt = np.zeros(walls), np.zeros(walls)
    width = np.full(walls, wall.width)
    energy = BOLTZMANN * ELEMENTARY_CHARGE * temperature
    inertia = 2 * MU0 * wall.saturation_magnetisation * wall.cross_section * 1e-18 / GAMMA0
    out = np.empty((2, steps // stride + 1, walls))
    out[:, 0] = q, tilt

    def rate(q, tilt, noise_q, noise_tilt):
        delta = width
        if wall.width_model == "adiabatic":
            delta = wall_width(wall.exchange, wall.easy, wall.hard, tilt)
        alpha = wall.damping
        base_q, base_tilt, _ = _rates(wall, q, tilt, delta, drift, field + pin(q))
        # Forces divided by C: 1/s in the first equation, nm/ns per nm in the second.
        root = np.sqrt(2 * energy * alpha / (inertia * step * 1e-9) / (delta * 1e-9)) * 1e-9
        first, second = root * noise_q, root * noise_tilt
        tilt_rate = base_tilt + (first - alpha * second) / (1 + alpha**2)
        return base_q + delta * (second + alpha * first) / (1 + alpha**2), tilt_rate

    for n in range(1, steps + 1):
        noise = rng.normal(size=(2, walls))
        q1, t1 = rate(q, tilt, *noise)
        q2, t2 = rate(q + step * q1, tilt + step * t1, *noise)
        q = q + 0.5 * step * (q1 + q2)
        tilt = tilt + 0.5 * step * (t1 + t2)
        if n % stride == 0:
            out[:, n // stride] = q, tilt
    times = np.arange(steps // stride + 1) * stride * step
    position, tilts = out[0].T, out[1].T
    final = np.full(position.shape, wall.width)
    if wall.width_model == "adiabatic":
        final = wall_width(wall.exchange, wall.easy, wall.hard, tilts)
    return WallTrajectory(times, position, tilts, final)
