"""A wire as a chain of magnetic cells: full wall profiles under currents and fields.

    dm/dt = -g0 m x H + alpha m x dm/dt - u dm/dx + beta u m x dm/dx + T(m),
    H = (2A/(mu0 M_s)) m'' + (2K_u/(mu0 M_s)) m_e e - (2K_p/(mu0 M_s)) m_h h + H_applied,

with free ends and second-order differences.  A torque from elsewhere, for instance the site
torques of a wire from transport, is added as a rate per cell, so that the Zhang-Li form is not
assumed.  Lengths nm, times ns, u in m/s.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import unit_vector
from negf_torque.units import GAMMA0, MU0

__all__ = ["Chain", "relax", "run", "table_torque", "wall_position", "wall_start"]


@dataclass(frozen=True)
class Chain:
    """Cells of length `cell` (nm); energies in J/m and J/m^3, fields in A/m.

    Attributes
    ----------
    saturation_magnetisation, damping, beta, exchange, easy, hard
        As in `negf_torque.llg.walls.Wall`.
    cells : int
    cell : float
        nm.
    easy_axis, hard_axis : (3,)
        Perpendicular unit vectors.
    """

    saturation_magnetisation: float
    damping: float
    beta: float
    exchange: float
    easy: float
    hard: float
    cells: int = 200
    cell: float = 2.0
    easy_axis: NDArray = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    hard_axis: NDArray = field(default_factory=lambda: np.array([1.0, 0.0, 0.0]))

    def __post_init__(self) -> None:
        for key in ("easy_axis", "hard_axis"):
            object.__setattr__(self, key, unit_vector(getattr(self, key), key))
        if abs(self.easy_axis @ self.hard_axis) > 1e-9:
            raise ValueError("hard_axis: must be perpendicular to easy_axis.")
        if self.cells < 3 or not self.cell > 0:
            raise ValueError(f"cells, cell: {self.cells!r} of {self.cell!r} nm.")
        width = np.sqrt(self.exchange / self.easy) * 1e9
        if self.cell > 0.75 * width:
            raise ValueError(
                f"cell: {self.cell!r} nm does not resolve a wall of width {width:.3g} nm. "
                f"Give at most {0.75 * width:.3g} nm."
            )

    @property
    def positions(self) -> NDArray:
        """Cell centres in nm."""
        return (np.arange(self.cells) + 0.5) * self.cell

    def effective_field(self, m: NDArray, applied: ArrayLike = (0, 0, 0)) -> NDArray:
        """(cells, 3) in A/m."""
        scale = 2 / (MU0 * self.saturation_magnetisation)
        padded = np.concatenate([m[:1], m, m[-1:]])
        laplacian = (padded[2:] - 2 * m + padded[:-2]) / (self.cell * 1e-9) ** 2
        return (
            scale * self.exchange * laplacian
            + scale * self.easy * (m @ self.easy_axis)[:, None] * self.easy_axis
            - scale * self.hard * (m @ self.hard_axis)[:, None] * self.hard_axis
            + np.asarray(applied, float)
        )

    def rate(
        self,
        m: NDArray,
        drift: float = 0.0,
        applied: ArrayLike = (0, 0, 0),
        torque: Callable[[NDArray], NDArray] | None = None,
    ) -> NDArray:
        """dm/dt in 1/ns, (cells, 3), made explicit in alpha."""
        bare = -GAMMA0 * 1e-9 * _cross(m, self.effective_field(m, applied))
        if drift:
            padded = np.concatenate([m[:1], m, m[-1:]])
            slope = (padded[2:] - padded[:-2]) / (2 * self.cell)
            bare = bare - drift * slope + self.beta * drift * _cross(m, slope)
        if torque is not None:
            bare = bare + torque(m)
        # Only what is perpendicular to m survives; the differences above are so to O(cell^2).
        bare = bare - np.sum(bare * m, axis=1, keepdims=True) * m
        return (bare + self.damping * _cross(m, bare)) / (1 + self.damping**2)

    def energy(self, m: NDArray) -> float:
        """Energy per cross-section in J/m^2, exchange and anisotropies."""
        length = self.cell * 1e-9
        exchange = self.exchange * np.sum(np.diff(m, axis=0) ** 2) / length
        easy = -self.easy * np.sum((m @ self.easy_axis) ** 2 - 1) * length
        return float(exchange + easy + self.hard * np.sum((m @ self.hard_axis) ** 2) * length)


def _cross(a: NDArray, b: NDArray) -> NDArray:
    """Cross product along the last axis (faster than numpy's for these shapes)."""
    return np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        axis=1,
    )


def wall_start(chain: Chain, centre: float, tilt: float = 0.0) -> NDArray:
    """Wall from +easy to -easy at `centre` nm, in the plane perpendicular to the hard axis.

    m = -tanh(x/Delta) e + sech(x/Delta) [cos(tilt) t + sin(tilt) h], t = h x e.
    """
    width = np.sqrt(chain.exchange / chain.easy) * 1e9
    x = (chain.positions - centre) / width
    across = np.cross(chain.hard_axis, chain.easy_axis)
    side = np.cos(tilt) * across + np.sin(tilt) * chain.hard_axis
    return -np.tanh(x)[:, None] * chain.easy_axis + (1 / np.cosh(x))[:, None] * side


def wall_position(chain: Chain, m: NDArray) -> NDArray:
    """Position in nm of a +easy | -easy wall from the mean of m.e; m (..., cells, 3)."""
    return 0.5 * chain.cells * chain.cell * (1 + (m @ chain.easy_axis).mean(axis=-1))


def run(
    chain: Chain,
    start: NDArray,
    duration: float,
    *,
    drift: float = 0.0,
    applied: ArrayLike = (0, 0, 0),
    torque: Callable[[NDArray], NDArray] | None = None,
    samples: int = 51,
    tolerance: float = 1e-7,
) -> tuple[NDArray, NDArray]:
    """Profiles m(t), (samples, cells, 3), at equal times (samples,) in ns.

    Compiled Runge-Kutta steps of order 4, as long as the exchange field's precession allows;
    with a `torque` from outside an adaptive method to `tolerance`.

    Parameters
    ----------
    torque : callable, optional
        m (cells, 3) -> additional dm/dt in 1/ns (Gilbert form: before the damping acts on it).
    """
    start = unit_vector(start, "start")
    if start.shape != (chain.cells, 3):
        raise ValueError(f"start: shape {start.shape} is not (cells, 3) = {(chain.cells, 3)}.")
    if not (duration > 0 and samples >= 2):
        raise ValueError(f"duration, samples: {duration!r} ns, {samples!r}. Give > 0 and >= 2.")
    times = np.linspace(0, duration, samples)
    if torque is not None:
        return times, _run_adaptive(chain, start, times, drift, applied, torque, tolerance)
    return times, _run_compiled(chain, start, times, drift, applied)


def _run_compiled(chain, start, times, drift, applied) -> NDArray:
    from negf_torque.llg.chain_kernel import advance

    scale = 2 / (MU0 * chain.saturation_magnetisation)
    exchange = scale * chain.exchange / (chain.cell * 1e-9) ** 2
    fastest = 4 * exchange + scale * (chain.easy + chain.hard) + np.linalg.norm(applied)
    # Real stability limit of the method is 2.8 on the imaginary and 2.78 on the real axis.
    largest = 1.0 / (GAMMA0 * 1e-9 * fastest)
    interval = times[1] - times[0]
    steps = int(np.ceil(interval / largest))
    m, out = np.array(start), np.empty((len(times), chain.cells, 3))
    out[0] = m
    for k in range(1, len(times)):
        advance(
            m, steps, interval / steps, chain.easy_axis, chain.hard_axis,
            np.asarray(applied, float), exchange, scale * chain.easy, scale * chain.hard,
            drift / (2 * chain.cell), float(chain.beta), GAMMA0 * 1e-9, float(chain.damping),
        )  # fmt: skip
        out[k] = m
    return out


def _run_adaptive(chain, start, times, drift, applied, torque, tolerance) -> NDArray:
    from scipy.integrate import solve_ivp

    def rate(_, y):
        m = y.reshape(-1, 3)
        m = m / np.linalg.norm(m, axis=1, keepdims=True)
        return chain.rate(m, drift, applied, torque).ravel()

    result = solve_ivp(
        rate,
        (0, times[-1]),
        start.ravel(),
        method="RK45",
        t_eval=times,
        rtol=tolerance,
        atol=tolerance,
    )
    if not result.success:
        raise RuntimeError(f"The chain stopped at {result.t[-1]:.6g} ns: {result.message}")
    m = result.y.T.reshape(len(times), chain.cells, 3)
    return m / np.linalg.norm(m, axis=2, keepdims=True)


def relax(chain: Chain, start: NDArray, duration: float = 0.5) -> NDArray:
    """The profile after `duration` ns with strong damping and no drive."""
    return run(replace(chain, damping=0.5), start, duration, samples=2)[1][-1]


def table_torque(
    chain: Chain, offset: ArrayLike, along: ArrayLike, across: ArrayLike
) -> Callable[[NDArray], NDArray]:
    """Torque of a wall known from transport site by site, as a function for `run`.

    The table moves with the wall and turns with its frame: at distance x - q from the wall's
    centre, dm/dt = along(x - q) t + across(x - q) m x t with t = m'/|m'|.

    Parameters
    ----------
    offset : (n,)
        Distances from the wall's centre in nm, ascending; zero torque beyond them.
    along, across : (n,)
        Components of dm/dt of the *magnetisation* in 1/ns: adiabatic (along dm/dx) and
        nonadiabatic.  From a torque N_i in e/(4 pi) on the spin s = -m of a site, per bias V:
        dm/dt = -N_i gamma (e V/4 pi)/(moment of the site).

    Returns
    -------
    callable
        m (cells, 3) -> dm/dt (cells, 3) in 1/ns.
    """
    offset = np.asarray(offset, float)
    tables = [np.asarray(values, float) for values in (along, across)]
    if offset.ndim != 1 or any(t.shape != offset.shape for t in tables):
        raise ValueError("offset, along, across: give one value of each per site.")
    if np.any(np.diff(offset) <= 0):
        raise ValueError("offset: must ascend.")

    def torque(m: NDArray) -> NDArray:
        padded = np.concatenate([m[:1], m, m[-1:]])
        slope = padded[2:] - padded[:-2]
        size = np.linalg.norm(slope, axis=1, keepdims=True)
        # Far from the wall m' is rounding noise, and so is any direction made of it.
        tangent = np.where(size > 1e-9, slope / np.maximum(size, 1e-300), 0.0)
        place = chain.positions - wall_position(chain, m)
        first, second = (np.interp(place, offset, t, left=0.0, right=0.0) for t in tables)
        return first[:, None] * tangent + second[:, None] * _cross(m, tangent)

    return torque
