"""Compiled ensembles of macrospins: against SciPy, and 10^4 trajectories, 10 ns at 1 ps.

Without temperature the trajectories are compared with SciPy's `solve_ivp` (DOP853), which
integrates all of them as one system; both errors are those from a much tighter run of SciPy.  At
temperature there is no peer: wall and processor time of one run, compilation excluded (the
processor time over the number of free cores is what an idle machine needs).

    python benchmarks/macrospin.py [--quick] [trajectories]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time  # noqa: E402

import numpy as np  # noqa: E402
from record import amount, keep, words  # noqa: E402
from scipy.integrate import solve_ivp  # noqa: E402
from timing import best  # noqa: E402

from negf_torque.llg.batch import integrate  # noqa: E402
from negf_torque.llg.demagnetisation import ellipsoid_factors  # noqa: E402
from negf_torque.llg.macrospin import Macrospin, macrospin  # noqa: E402
from negf_torque.llg.torques import slonczewski_torque  # noqa: E402

MS, ALPHA, SIZE, DRIVE = 8e5, 0.01, (100.0, 60.0, 2.0), 1e11


def model() -> Macrospin:
    """An ellipse in its own field under a Slonczewski torque with epsilon'."""
    return macrospin(
        MS,
        ALPHA,
        applied=(1e3, 0, 0),
        anisotropies=[(1e4, (1, 0, 0))],
        demagnetisation=ellipsoid_factors(SIZE),
        torques=[slonczewski_torque((1, 0, 0), 0.3, 1.5, 0.02, MS, SIZE[2])],
        volume=float(np.prod(SIZE) * np.pi / 4),
    )


def rate(one: Macrospin):
    """Right side of dm/dt in 1/ns for moments (3, trajectories), by NumPy."""
    torque = one.torques[0]
    a, b = torque.damping_like, torque.field_like
    p = torque.direction[:, None]

    def series(table, c):
        powers = DRIVE ** np.arange(len(table))
        return np.polynomial.chebyshev.chebval(c, powers @ table)

    def along(m):
        h = one.field[:, None] + DRIVE * np.asarray(one.oersted)[:, None] + one.linear @ m
        c = (p * m).sum(axis=0)
        d = torque.denominator
        fraction = series(a, c) / (1 + c * (d[0] + c * d[1]))
        h = h + fraction * np.cross(m, p, axis=0) + series(b, c) * p
        precession = np.cross(m, h, axis=0)
        whole = precession + one.damping * np.cross(m, precession, axis=0)
        return -one.gamma0 * 1e-9 / (1 + one.damping**2) * whole

    return along


def against_scipy(trajectories: int, duration: float) -> None:
    """Deterministic trajectories from random starts."""
    one = model()
    starts = np.random.default_rng(3).normal(size=(trajectories, 3))
    starts /= np.linalg.norm(starts, axis=1)[:, None]
    along = rate(one)

    def theirs(tolerance):
        solved = solve_ivp(
            lambda t, y: along(y.reshape(3, -1)).ravel(), (0, duration), starts.T.ravel(),
            method="DOP853", rtol=tolerance, atol=tolerance,
        )  # fmt: skip
        return solved.y[:, -1].reshape(3, -1).T

    def ours(step):
        stride = int(round(duration / step))
        return integrate(one, starts, duration, step, drive=DRIVE, stride=stride).m[:, -1]

    def adaptive(tolerance):
        return integrate(one, starts, duration, duration, drive=DRIVE, tolerance=tolerance).m[:, -1]

    exact = theirs(1e-13)
    ours(1e-3), adaptive(1e-6)  # compiled here
    print(f"{trajectories} trajectories, {duration:g} ns, no temperature; processor time")
    for step, tolerance in ((1e-3, 1e-6), (2.5e-4, 1e-8)):
        found, mine = best(lambda s=step: ours(s), 3)
        expected, peer = best(lambda t=tolerance: theirs(t), 2)
        errors = [np.abs(m - exact).max() for m in (found, expected)]
        print(f"  step {step:.2e} ns {mine:8.3f} s, error {errors[0]:.1e}; SciPy DOP853 "
              f"{peer:8.3f} s, error {errors[1]:.1e}; ratio {peer / mine:.1f}", flush=True)
        keep(
            f"{trajectories} trajectories, {duration:g} ns, step {step:g} ns", mine,
            peer=f"SciPy DOP853, rtol {tolerance:g}", peer_seconds=peer,
            error=errors[0], peer_error=errors[1],
        )  # fmt: skip
        chosen, fast = best(lambda t=tolerance: adaptive(t), 3)
        error = np.abs(chosen - exact).max()
        print(f"  tolerance {tolerance:.0e}  {fast:8.3f} s, error {error:.1e}; the same SciPy; "
              f"ratio {peer / fast:.1f}", flush=True)  # fmt: skip
        keep(
            f"{trajectories} trajectories, {duration:g} ns, tolerance {tolerance:g}", fast,
            peer=f"SciPy DOP853, rtol {tolerance:g}", peer_seconds=peer,
            error=error, peer_error=errors[1],
        )  # fmt: skip


def thermal(trajectories: int) -> None:
    """One thermal ensemble."""
    start = np.tile([-1.0, 0.1, 0.1], (trajectories, 1))
    options = dict(drive=DRIVE, temperature=300.0, stride=100)
    integrate(model(), start[:2], 0.1, 1e-3, **options)
    wall, cpu = time.perf_counter(), time.process_time()
    ensemble = integrate(model(), start, 10.0, 1e-3, **options)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    steps = trajectories * 10_000
    drift = np.abs(np.linalg.norm(ensemble.m, axis=-1) - 1).max()
    print(f"{trajectories} x 10 ns at 1 ps, 300 K: wall {wall:.2f} s, processor {cpu:.2f} s, "
          f"{1e9 * cpu / steps:.0f} ns per step; | |m| - 1 | <= {drift:.1e}")
    keep(
        f"{trajectories} trajectories at 300 K, 10 ns at 1 ps, by the clock", wall, error=drift,
        goal={"seconds": 20 * trajectories / 10_000},
        note=f"{cpu:.3g} s of processor time; error: of |m|",
    )  # fmt: skip


if __name__ == "__main__":
    quick = amount() == "quick"
    against_scipy(20 if quick else 1000, 0.2 if quick else 2.0)
    thermal(int(words()[0]) if words() else 200 if quick else 10_000)
