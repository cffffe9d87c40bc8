"""General gradient engine: digits and time against numbers known by other routes.

Every case asks for a tolerance only; mesh and contour are the engine's choice.  `error` is the
largest deviation from the reference, `claimed` the engine's own estimate.

    python benchmarks/gradient_engine.py [--quick | --long]

--long adds the three-dimensional reference case, which takes minutes.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from record import amount, keep  # noqa: E402
from timing import best  # noqa: E402

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


def row(name, model, impurities, mu, tolerance, expected, read, strength=None) -> None:
    """Run one case and print its line; `strength` marks the curve against broadening."""
    result, seconds = best(
        lambda: gradient_tensors(model, mu, impurities, tolerance=tolerance), 3, 1.0
    )
    d = result.diagnostics
    claimed = max(d.mesh_error, d.contour_error)
    error = None if expected is None else np.abs(read(result) - np.array(expected)).max()
    mesh = "x".join(str(n) for n in d.mesh)
    print(
        f"{name:38s} {tolerance:8.0e} {'' if error is None else f'{error:.1e}':>8s} "
        f"{claimed:8.1e} {mesh:>12s} {d.contour_nodes:5d} {seconds:8.3f}  "
        f"{'' if d.converged else 'not converged'}",
        flush=True,
    )
    note = f"mesh {mesh}, {d.contour_nodes} energies" + ("" if d.converged else ", not converged")
    if strength is None:
        keep(f"{name}, tolerance {tolerance:.0e}", seconds, error=error, note=note)
    else:
        keep(
            f"Rashba square, generic direction, tolerance {tolerance:.0e}", seconds, error=claimed,
            size=1 / strength, size_name="hopping² / impurity strength",
            note=f"{note}; error: its own estimate",
        )  # fmt: skip


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
    quick = amount() == "quick"
    chain = [0.2296821794506, 0.0370213365462]
    one_dimensional = cubic_magnet(1, 0.4)
    gradient_tensors(one_dimensional, -0.6, magnetic_impurities(0.5), tolerance=1e-3)  # compile
    print(
        f"{'case':38s} {'asked':>8s} {'error':>8s} {'claimed':>8s} {'mesh':>12s} "
        f"{'nodes':>5s} {'cpu s':>8s}"
    )
    for tolerance in (1e-6,) if quick else (1e-6, 1e-10):
        row("chain, M 0.4, gi 0.15, gs 0.03", one_dimensional, magnetic_impurities(0.15, 0.03),
            -0.6, tolerance, chain, lambda r: uniform(r)[2:])  # fmt: skip
    first = [0.035321166, 0.069120667, -0.007115782, 0.011610700, 0.031173832, -0.052171744]
    second = [0.076626667, -0.032719031, 0.039681034, -0.036081625, 0.007413848, 0.051787244]
    for tolerance in (1e-4,) if quick else (1e-6, 1e-8):
        row("Rashba square, n = z, gi 1", square_rashba(1, 0.5, 0.6, (0, 0, 1)),
            magnetic_impurities(1.0), -1.5, tolerance, first, along_z)  # fmt: skip
        row("Rashba square, generic, gi 0.8, gs 0.08", square_rashba(1, 0.5, 0.6, GENERIC),
            magnetic_impurities(0.8, 0.08), -1.5, tolerance, second, generic)  # fmt: skip
    for strength in (2.0, 1.0) if quick else (2.0, 1.0, 0.5, 0.25):
        row(f"Rashba square, generic, gi {strength:g}", square_rashba(1, 0.5, 0.6, GENERIC),
            magnetic_impurities(strength, 0.1 * strength), -1.5, 1e-3 if quick else 1e-6, None,
            None, strength)  # fmt: skip
    if amount() == "long":
        eta = 0.1335536576  # beta; Jad from it and the conductivities
        adiabatic = 0.9951179341 * (0.3740363666 - 0.2826296287) / 2
        expected = [0.01446144154, 0.1163879447, adiabatic, eta * adiabatic]
        row("cubic, M 1, gi 0.8, gs 0.1", cubic_magnet(3, 1.0), magnetic_impurities(0.8, 0.1),
            -2.0, 1e-5, expected, uniform)  # fmt: skip


if __name__ == "__main__":
    main()
