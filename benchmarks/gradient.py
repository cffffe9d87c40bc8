"""Cost of the gradient expansion: single bands, maps, nine orbitals, broadening.

    python benchmarks/gradient.py [--quick | --long] [single | map | orbitals | broadening ...]

Everything by default.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from record import amount, keep, words  # noqa: E402
from timing import best  # noqa: E402

from negf_torque.gradient.bands import parabolic, tabulated  # noqa: E402
from negf_torque.gradient.born import ImpurityStrengths  # noqa: E402
from negf_torque.gradient.coefficients import coefficients  # noqa: E402
from negf_torque.gradient.crystal import Crystal, Zone, cubic_crystal  # noqa: E402
from negf_torque.gradient.crystal_born import propagator  # noqa: E402
from negf_torque.gradient.lattice_bands import (  # noqa: E402
    body_centred_cubic,
    face_centred_cubic,
    simple_cubic,
    square,
)
from negf_torque.gradient.multiorbital import crystal_coefficients  # noqa: E402


def cubic_table():
    """The simple cubic band as a table of 801 energies."""
    band = simple_cubic()
    energy = np.linspace(-6, 6, 801)
    at = energy[1:-1] + 0j
    dos = np.zeros_like(energy)
    weighted = np.zeros_like(energy)
    dos[1:-1] = -band.green(at)[0].imag / np.pi
    weighted[1:-1] = -band.velocity(at)[0].imag / np.pi
    return tabulated(energy, dos, weighted)


def nine_orbitals(spacing: float = 1.0) -> Crystal:
    """s, p and d orbitals on the simple cubic lattice, two-centre bonds along the axes."""
    names = ["s", "px", "py", "pz", "xy", "yz", "zx", "z2", "x2"]
    index = {name: i for i, name in enumerate(names)}
    along_z = np.zeros((9, 9))

    def bond(a: str, b: str, value: float, odd: bool = False) -> None:
        along_z[index[a], index[b]] = value
        along_z[index[b], index[a]] = -value if odd else value

    for pair, value in (
        ("s s", -0.7), ("pz pz", 1.0), ("px px", -0.2), ("py py", -0.2), ("z2 z2", -0.35),
        ("zx zx", 0.2), ("yz yz", 0.2), ("xy xy", -0.03), ("x2 x2", -0.03), ("s z2", -0.35),
    ):
        bond(*pair.split(), value)
    for pair, value in (("s pz", 0.6), ("pz z2", -0.4), ("px zx", 0.2), ("py yz", 0.2)):
        bond(*pair.split(), value, odd=True)
    # x -> y -> z -> x; columns are images of the orbitals
    turn = np.zeros((9, 9))
    for old, new in (
        ("s", "s"), ("px", "py"), ("py", "pz"), ("pz", "px"), ("xy", "yz"), ("yz", "zx"),
        ("zx", "xy"),
    ):
        turn[index[new], index[old]] = 1
    cos, sin = -0.5, np.sqrt(0.75)
    turn[7:, 7:] = [[cos, sin], [-sin, cos]]
    levels = np.diag([1.5, 6, 6, 6, -0.3, -0.3, -0.3, 0.2, 0.2])
    displacements, hoppings = [np.zeros(3)], [levels]
    bonds = [turn @ along_z @ turn.T, turn @ turn @ along_z @ turn.T @ turn.T, along_z]
    for step, matrix in zip(np.eye(3), bonds, strict=True):
        displacements += [spacing * step, -spacing * step]
        hoppings += [matrix, matrix.T]
    return Crystal(
        spacing * np.eye(3), np.array(displacements), np.array(hoppings),
        np.array([0.1, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.6, 0.6]),
    )


def single() -> None:
    """One evaluation of every coefficient."""
    strengths = ImpurityStrengths.isotropic(0.5, 0.05)
    for band, mu in ((parabolic(), 1.0), (cubic_table(), -2.0), (simple_cubic(), -2.0),
                     (body_centred_cubic(), -2.0), (face_centred_cubic(), -2.0)):
        _, seconds = best(lambda band=band, mu=mu: coefficients(band, mu, 0.5, strengths), 30)
        print(f"one evaluation, {band.name:20s} {seconds * 1e3:8.2f} ms", flush=True)
        keep(f"all coefficients, {band.name}", seconds, goal={"seconds": 2e-3})


def parameter_map(points: int = 100) -> None:
    """Coefficients against exchange and impurity strength."""
    m, gi = np.linspace(0.05, 0.6, points)[:, None], np.linspace(0.05, 1.0, points)
    for band, mu in ((parabolic(), 1.0), (cubic_table(), -2.0), (body_centred_cubic(), -2.0),
                     (simple_cubic(), -2.0), (face_centred_cubic(), -2.0)):
        strengths = ImpurityStrengths.isotropic(gi, 0.03)
        _, seconds = best(lambda b=band, mu=mu, g=strengths: coefficients(b, mu, m, g), 1)
        print(f"{points} x {points} map, {band.name:21s} {seconds:8.2f} s", flush=True)
        keep(
            f"{points} x {points} map of all coefficients, {band.name}", seconds,
            goal={"seconds": 10},
        )  # fmt: skip


#: beta, damping and spin renormalisation of nine orbitals with impurities 0.08 from a run with
#: tolerance 1e-6 (20 November 2026; other numbers of energies change them by 1e-5 at most).
REFERENCE = (0.0290777475, 0.0441867403, 1.44785)


def orbitals() -> None:
    """Nine orbitals on the simple cubic lattice; the error is that from a much tighter run."""
    cases = {"quick": ((0.3, 1e-2),), "usual": ((0.08, 2e-5),)}.get(
        amount(), ((0.08, 2e-5), (0.03, 2e-5))
    )
    for strength, tolerance in cases:
        crystal = nine_orbitals()
        impurities = ImpurityStrengths.isotropic(strength, strength / 20)
        c, seconds = best(
            lambda c=crystal, i=impurities, t=tolerance: crystal_coefficients(
                c, 0.0, i, tolerance=t, contour_nodes=16
            ),
            1,
        )
        found = np.array([c.beta, c.damping, c.spin_renormalisation], float)
        error = np.abs(found / REFERENCE - 1).max() if strength == 0.08 else None
        tight = error is not None and tolerance < 1e-4
        print(
            f"nine orbitals, gi {strength}, tolerance {tolerance:.0e}: {seconds:6.1f} s, "
            f"beta {found[0]:.7f}, A {found[1]:.7f}, dS {found[2]:.6f}, path "
            f"{np.round(c.mean_free_path, 2)}" + ("" if error is None else f", error {error:.0e}"),
            flush=True,
        )
        keep(
            f"nine orbitals, impurities {strength:g}, tolerance {tolerance:.0e}", seconds,
            error=error, goal={"seconds": 120} | ({"error": 1e-4} if tight else {}),
            note="" if error is None else "relative error",
        )  # fmt: skip


def broadening() -> None:
    """Work for g of the square lattice to 1e-6: uniform mesh and iterated adaptive quadrature."""
    crystal, exact = cubic_crystal(dimension=2), square()
    etas = {"quick": (0.4, 0.1), "usual": (0.4, 0.1, 0.03, 0.01, 0.003)}.get(
        amount(), (0.4, 0.1, 0.03, 0.01, 0.003, 0.001)
    )
    for eta in etas:
        z = np.array([-1.2 + 1j * eta])
        target = exact.green(z)[0][0]
        size = 8

        def uniform(n, z=z):
            crystal.kept.clear()
            return Zone(crystal, n).average(lambda h, v: propagator(h, z)[:, :, 0])[0]

        while True:
            value, mesh_seconds = best(lambda n=size: uniform(n), 1)
            if abs(value - target) < 1e-6 or size >= 10000:
                break
            size += size // 6 // 2 * 2 + 2
        crystal.kept.clear()
        count = 0

        def integrand(h, v, z=z):
            nonlocal count
            count += len(h)
            return propagator(h, z)[:, :, 0]

        adaptive, seconds = best(lambda f=integrand: Zone(crystal, 0, 1e-6).average(f)[0], 1)
        errors = abs(adaptive - target), abs(value - target)
        print(
            f"Im z {eta:6.3f}: mesh {size:4d} ({(size // 2) ** 2:9d} points, {mesh_seconds:.3f} s, "
            f"error {errors[1]:.0e}); adaptive {count:9d} points, {seconds:.3f} s, error "
            f"{errors[0]:.0e}", flush=True,
        )
        keep(
            "zone average to 1e-6, adaptive", seconds, peer="uniform mesh",
            peer_seconds=mesh_seconds, error=errors[0], peer_error=errors[1], size=1 / eta,
            size_name="hopping / broadening",
            note=f"{count} points, uniform {(size // 2) ** 2}",
        )  # fmt: skip
    crystal.kept.clear()


if __name__ == "__main__":
    parts = {
        "single": single,
        "map": lambda: parameter_map(10 if amount() == "quick" else 100),
        "orbitals": orbitals,
        "broadening": broadening,
    }
    for name in words() or parts:
        parts[name]()
