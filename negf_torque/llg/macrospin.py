"""One magnetic moment under fields and spin torques: the equation, and trajectories.

    dm/dt = -g0 m x H + alpha m x dm/dt,
    H = h0 + x h1 + K m + sum over polarisers [h_a m x p + h_b p],

with x(t) the drive (current density or voltage).  h0 holds the applied and the exchange-bias
field, h1 the Oersted field per drive, and K everything that is linear in m: uniaxial
anisotropies H_k u u^T and demagnetisation -M_s N.  Spin torques enter as fields, so that the
explicit form (1 + alpha^2) dm/dt = -g0 [m x H + alpha m x (m x H)] is exact for them too.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.llg.pointwise import pointwise_rate
from negf_torque.llg.torques import SpinTorque
from negf_torque.spin import unit_vector
from negf_torque.units import BOLTZMANN, ELEMENTARY_CHARGE, GAMMA0, MU0

__all__ = [
    "LARGEST_ANGLE",
    "Macrospin",
    "Trajectory",
    "Waveform",
    "largest_field",
    "macrospin",
    "pulse",
    "ramp",
    "step_limit",
    "thermal_field",
    "trajectory",
]

#: How far typed demagnetisation factors may be rounded.
_FACTORS = 0.01

#: Largest g0 |H| dt (radians of precession in one step) that a fixed-step integration accepts.
LARGEST_ANGLE = 0.35


@dataclass(frozen=True)
class Macrospin:
    """A uniformly magnetised body; see the module for the equation.

    Attributes
    ----------
    saturation_magnetisation : float
        A/m.
    damping : float
        Gilbert's alpha.
    field : (3,)
        h0 in A/m.
    linear : (3, 3)
        K in A/m, symmetric.
    oersted : (3,)
        h1 in A/m per unit drive.
    torques : tuple of SpinTorque
    volume : float
        nm^3; 0 when unknown (then no temperature).
    gamma0 : float
        m/(A s).
    """

    saturation_magnetisation: float
    damping: float
    field: NDArray = dataclasses.field(default_factory=lambda: np.zeros(3))
    linear: NDArray = dataclasses.field(default_factory=lambda: np.zeros((3, 3)))
    oersted: NDArray = dataclasses.field(default_factory=lambda: np.zeros(3))
    torques: tuple[SpinTorque, ...] = ()
    volume: float = 0.0
    gamma0: float = GAMMA0

    def __post_init__(self) -> None:
        if not self.saturation_magnetisation > 0:
            raise ValueError(
                f"saturation_magnetisation: {self.saturation_magnetisation!r} A/m is not positive."
            )
        if not self.damping >= 0:
            raise ValueError(f"damping: {self.damping!r} is not a Gilbert damping. Give >= 0.")
        shapes = {"field": (3,), "linear": (3, 3), "oersted": (3,)}
        for key, shape in shapes.items():
            value = np.asarray(getattr(self, key), float)
            if value.shape != shape or not np.all(np.isfinite(value)):
                raise ValueError(f"{key}: expected finite numbers of shape {shape}, got {value!r}.")
            object.__setattr__(self, key, value)
        if not np.allclose(self.linear, self.linear.T):
            raise ValueError("linear: the tensor of a quadratic energy is symmetric.")

    def effective_field(self, m: ArrayLike, drive: float = 0.0) -> NDArray:
        """H in A/m for m of shape (..., 3), torques included."""
        m = np.asarray(m, float)
        total = self.field + drive * self.oersted + m @ self.linear
        for torque in self.torques:
            total = total + torque.field(m, drive)
        return total

    def rate(self, m: ArrayLike, drive: float = 0.0) -> NDArray:
        """dm/dt in 1/s."""
        m = np.asarray(m, float)
        mxh = np.cross(m, self.effective_field(m, drive))
        factor = -self.gamma0 / (1 + self.damping**2)
        return factor * (mxh + self.damping * np.cross(m, mxh))

    def energy(self, m: ArrayLike) -> NDArray:
        """Energy over mu0 M_s volume, A/m, without drive."""
        m = np.asarray(m, float)
        return -m @ self.field - 0.5 * np.einsum("...i,ij,...j->...", m, self.linear, m)

    def with_field(self, h0: ArrayLike) -> "Macrospin":
        """The same body in another constant field."""
        return dataclasses.replace(self, field=np.asarray(h0, float))


def macrospin(
    saturation_magnetisation: float,
    damping: float,
    *,
    applied: ArrayLike = (0, 0, 0),
    exchange_bias: ArrayLike = (0, 0, 0),
    anisotropies: Sequence[tuple[float, ArrayLike]] = (),
    demagnetisation: ArrayLike = (0, 0, 0),
    oersted: ArrayLike = (0, 0, 0),
    torques: Sequence[SpinTorque] = (),
    volume: float = 0.0,
    gamma0: float = GAMMA0,
) -> Macrospin:
    """A `Macrospin` from named fields.

    Parameters
    ----------
    applied, exchange_bias : (3,)
        A/m.
    anisotropies : sequence of (H_k, axis)
        Uniaxial anisotropy fields H_k = 2 K/(mu0 M_s) in A/m, positive for an easy axis.
    demagnetisation : (3,)
        Factors N_x, N_y, N_z, of sum 1; three zeros: none.  They act by their differences alone.
    oersted : (3,)
        Mean Oersted field per unit drive.
    """
    factors = np.asarray(demagnetisation, float)
    one = factors.shape == (3,) and np.all(factors >= 0) and abs(factors.sum() - 1) <= _FACTORS
    if not one and np.any(factors != 0):
        raise ValueError(
            f"demagnetisation: {factors.tolist()} are not the factors of a body. Give three, none "
            "negative, of sum 1; only their differences matter."
        )
    linear = -saturation_magnetisation * np.diag(factors)
    for vector, name in ((applied, "applied"), (exchange_bias, "exchange_bias")):
        if np.shape(vector) != (3,):
            raise ValueError(f"{name}: {vector!r} is not a field. Give three components in A/m.")
    for pair in anisotropies:
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"anisotropies: {pair!r} is not a pair of a field H_k and its axis.")
        strength, axis = pair
        u = unit_vector(axis, "anisotropies")
        linear = linear + strength * np.outer(u, u)
    return Macrospin(
        saturation_magnetisation,
        damping,
        np.asarray(applied, float) + np.asarray(exchange_bias, float),
        linear,
        np.asarray(oersted, float),
        tuple(torques),
        volume,
        gamma0,
    )


@dataclass(frozen=True)
class Waveform:
    """Drive against time: linear between points, constant outside; times in ns, ascending."""

    times: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.times) != len(self.values) or not self.times:
            raise ValueError(f"times, values: {len(self.times)} and {len(self.values)} points.")
        if np.any(np.diff(self.times) < 0):
            raise ValueError(f"times: {self.times!r} are not ascending.")

    def __call__(self, time: float) -> float:
        """Drive at `time` (ns)."""
        return float(np.interp(time, self.times, self.values))


def pulse(amplitude: float, start: float, length: float, rise: float = 0.0) -> Waveform:
    """Pulse of `length` ns (full amplitude) with linear flanks of `rise` ns."""
    tiny = 1e-9
    rise = max(rise, tiny)
    return Waveform(
        (start, start + rise, start + rise + length, start + 2 * rise + length),
        (0.0, amplitude, amplitude, 0.0),
    )


def ramp(first: float, last: float, length: float) -> Waveform:
    """Linear ramp over `length` ns."""
    return Waveform((0.0, length), (first, last))


@dataclass(frozen=True)
class Trajectory:
    """Times in ns, shape (samples,), and unit vectors (samples, 3)."""

    time: NDArray
    m: NDArray


def trajectory(
    model: Macrospin,
    start: ArrayLike,
    duration: float,
    drive: float | Callable[[float], float] = 0.0,
    samples: int = 1001,
    tolerance: float = 1e-10,
) -> Trajectory:
    """Deterministic motion by an adaptive Runge-Kutta method of order 8 (scipy's DOP853).

    Parameters
    ----------
    start : (3,)
        Initial direction.
    duration : float
        ns.
    drive : float or function of the time in ns
        A `Waveform` is integrated from corner to corner.
    samples : int
        Equally spaced output times.
    tolerance : float
        Relative and absolute tolerance of a step; the output is normalised.

    Raises
    ------
    ValueError
        For a duration that is not positive.
    RuntimeError
        When the solver gives up.
    """
    from scipy.integrate import solve_ivp

    if not (duration > 0 and samples >= 2):
        raise ValueError(f"duration, samples: {duration!r} ns, {samples!r}. Give > 0 and >= 2.")
    value = drive if callable(drive) else lambda _: drive
    rate = pointwise_rate(model, 1e-9)
    times = np.linspace(0, duration, samples)
    ends = [0.0, duration]
    if isinstance(drive, Waveform):
        ends += [t for t in drive.times if 0 < t < duration]
    corners = np.unique(ends)
    m = unit_vector(start, "start")
    out = np.empty((samples, 3))
    out[0] = m
    for first, last in zip(corners[:-1], corners[1:], strict=True):
        inside = (times > first) & (times <= last)
        result = solve_ivp(
            lambda t, y: rate(y.tolist(), value(t)),
            (first, last),
            m,
            method="DOP853",
            t_eval=np.unique(np.append(times[inside], last)),
            rtol=tolerance,
            atol=tolerance,
        )
        if not result.success:
            raise RuntimeError(f"The trajectory stopped at {result.t[-1]:.6g} ns: {result.message}")
        out[inside] = result.y.T[: np.count_nonzero(inside)]
        m = result.y[:, -1] / np.linalg.norm(result.y[:, -1])
    return Trajectory(times, out / np.linalg.norm(out, axis=1, keepdims=True))


def thermal_field(model: Macrospin, temperature: float, step: float) -> float:
    """Standard deviation of each component of the thermal field in A/m.

    sqrt(2 alpha k T/(g0 mu0 M_s V dt)), W. F. Brown, Phys. Rev. 130, 1677 (1963); `step` in ns.
    """
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature: {temperature!r} is not a temperature in kelvin, 0 or more.")
    if temperature == 0:
        return 0.0
    if not model.volume > 0:
        raise ValueError(
            "volume: missing. Thermal fluctuations act on the whole moment M_s V: "
            "give the volume in nm^3."
        )
    energy = BOLTZMANN * ELEMENTARY_CHARGE * temperature
    moment = MU0 * model.saturation_magnetisation * model.volume * 1e-27
    return float(np.sqrt(2 * model.damping * energy / (model.gamma0 * moment * step * 1e-9)))


def largest_field(model: Macrospin, drive: float = 0.0) -> float:
    """Upper bound of |H| in A/m over the sphere, torques included."""
    total = np.linalg.norm(model.field) + abs(drive) * np.linalg.norm(model.oersted)
    # A multiple of the unit tensor does nothing: take the spread of K's eigenvalues.
    eigenvalues = np.linalg.eigvalsh(model.linear)
    total += eigenvalues[-1] - eigenvalues[0]
    cosine = np.linspace(-1, 1, 101)
    for torque in model.torques:
        h_a, h_b = torque.coefficients(cosine, drive)
        total += np.max(np.hypot(h_a * np.sqrt(1 - cosine**2), h_b))
    return float(total)


def step_limit(model: Macrospin, drive: float = 0.0, field: float = 0.0) -> float:
    """Largest step in ns for |drive| and an additional field of `field` A/m."""
    bound = largest_field(model, drive) + abs(field)
    return LARGEST_ANGLE / (model.gamma0 * bound) * 1e9 if bound else float("inf")
