"""General gradient engine: digits and time against numbers known by other routes.

Every case asks for a tolerance only; mesh and contour are the engine's choice.  `error` is the
largest deviation from the reference, `claimed` the engine's own estimate.

    python benchmarks/gradient_engine.py [--cubic]

`--cubic` adds the three-dimensional reference case, which takes minutes.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402

from negf_torque.gradient.engine import gradient_tensors  # noqa: E402
from negf_torque.gradient.ladder import magnetic_impurities  # noqa: E402
from negf_torque.gradient.model import BulkModel, exchange_model, square_rashba  # noqa: E402
from negf_torque.spin import SIGMA  # noqa: E402

GENERIC = (0.48, 0.6, 0.64)


def cubic_magnet(dimension: int, splitting: float) -> BulkModel:
    """Nearest-neighbour hopping -1 on a hypercubic lattice, exchange along z."""
    steps = np.vstack([np.eye(dimension), -np.eye(dimension)])
    displacements = np.vstack([np.zeros((1, dimension)), steps])
    hoppings = np.zeros((len(displacements), 2, 2), complex)
    hoppings[1:] = -np.eye(2)
    exchange = np.zeros((3, len(displacements), 2, 2), complex)
    exchange[:, 0] = -splitting * SIGMA
    return exchange_model(np.eye(dimension), displacements, hoppings, exchange, (0, 0, 1))


def row(name, model, impurities, mu, tolerance, expected, read) -> None:
    """Run one case and print its line."""
    start, cpu = time.perf_counter(), time.process_time()
    result = gradient_tensors(model, mu, impurities, tolerance=tolerance)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    d = result.diagnostics
    claimed = max(d.mesh_error, d.contour_error)
    error = "" if expected is None else f"{np.abs(read(result) - np.array(expected)).max():.1e}"
    mesh = "x".join(str(n) for n in d.mesh)
    print(
        f"{name:38s} {tolerance:8.0e} {error:>8s} {claimed:8.1e} {mesh:>12s} "
        f"{d.contour_nodes:5d} {wall:8.2f} {cpu:8.2f}  {'' if d.converged else 'not converged'}",
        flush=True,
    )


def uniform(result):
    """A, dS, Jad, Jna at n = z."""
    k, g = result.texture.total, result.damping.total
    return np.array([g[0, 0], g[0, 1], k[0, 0, 0, 1], k[0, 0, 0, 0]])


def along_z(result):
    """Damping, spin renormalisation, torkance and field in texture of the sample case."""
    return np.concatenate(
        [result.damping.total[0, :2], result.torkance.total[0], result.texture.total[:2, 0, 0, 0]]
    )


def generic(result):
    """The same for the generic direction, with the ratio of the bent field."""
    g = result.damping.total
    return np.concatenate(
        [[g[0, 1], g[1, 0]], result.texture.total[:, 0, 0, 0], [result.field_ratio[0, 0, 0]]]
    )


def main() -> None:
    """Print the table."""
    print(
        f"{'case':38s} {'asked':>8s} {'error':>8s} {'claimed':>8s} {'mesh':>12s} "
        f"{'nodes':>5s} {'wall s':>8s} {'cpu s':>8s}"
    )
    chain = [0.2296821794506, 0.0370213365462]
    for tolerance in (1e-6, 1e-10):
        row("chain, M 0.4, gi 0.15, gs 0.03", cubic_magnet(1, 0.4), magnetic_impurities(0.15, 0.03),
            -0.6, tolerance, chain, lambda r: uniform(r)[2:])  # fmt: skip
    first = [0.035321166, 0.069120667, -0.007115782, 0.011610700, 0.031173832, -0.052171744]
    second = [0.076626667, -0.032719031, 0.039681034, -0.036081625, 0.007413848, 0.051787244]
    for tolerance in (1e-6, 1e-8):
        row("Rashba square, n = z, gi 1", square_rashba(1, 0.5, 0.6, (0, 0, 1)),
            magnetic_impurities(1.0), -1.5, tolerance, first, along_z)  # fmt: skip
        row("Rashba square, generic, gi 0.8, gs 0.08", square_rashba(1, 0.5, 0.6, GENERIC),
            magnetic_impurities(0.8, 0.08), -1.5, tolerance, second, generic)  # fmt: skip
    for strength in (2.0, 1.0, 0.5, 0.25):
        row(f"Rashba square, generic, gi {strength:g}", square_rashba(1, 0.5, 0.6, GENERIC),
            magnetic_impurities(strength, 0.1 * strength), -1.5, 1e-6, None, None)  # fmt: skip
    if "--cubic" in sys.argv:
        eta = 0.1335536576  # beta; Jad from it and the conductivities
        adiabatic = 0.9951179341 * (0.3740363666 - 0.2826296287) / 2
        expected = [0.01446144154, 0.1163879447, adiabatic, eta * adiabatic]
        row("cubic, M 1, gi 0.8, gs 0.1", cubic_magnet(3, 1.0), magnetic_impurities(0.8, 0.1),
            -2.0, 1e-5, expected, uniform)  # fmt: skip


if __name__ == "__main__":
    main()
