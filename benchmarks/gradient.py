"""Cost of the gradient expansion: single bands, maps, nine orbitals, broadening.

Run as `python benchmarks/gradient.py [single|map|orbitals|broadening]`; everything by default.
"""

import sys
import time

import numpy as np
from record import keep

from negf_torque.gradient.bands import parabolic, tabulated
from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.coefficients import coefficients
from negf_torque.gradient.crystal import Crystal, Zone, cubic_crystal
from negf_torque.gradient.crystal_born import propagator
from negf_torque.gradient.lattice_bands import (
    body_centred_cubic,
    face_centred_cubic,
    simple_cubic,
    square,
)
from negf_torque.gradient.multiorbital import crystal_coefficients


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


def clock(function, repeat: int = 1) -> float:
    function()
    begin = time.perf_counter()
    for _ in range(repeat):
        function()
    return (time.perf_counter() - begin) / repeat


def single() -> None:
    strengths = ImpurityStrengths.isotropic(0.5, 0.05)
    for band, mu in ((parabolic(), 1.0), (cubic_table(), -2.0), (simple_cubic(), -2.0),
                     (body_centred_cubic(), -2.0), (face_centred_cubic(), -2.0)):
        seconds = clock(lambda band=band, mu=mu: coefficients(band, mu, 0.5, strengths), 20)
        print(f"one evaluation, {band.name:20s} {seconds * 1e3:8.2f} ms")
        keep(f"all coefficients, {band.name}", seconds)


def parameter_map() -> None:
    m, gi = np.linspace(0.05, 0.6, 100)[:, None], np.linspace(0.05, 1.0, 100)
    for band, mu in ((parabolic(), 1.0), (cubic_table(), -2.0), (body_centred_cubic(), -2.0),
                     (simple_cubic(), -2.0)):
        begin = time.perf_counter()
        coefficients(band, mu, m, ImpurityStrengths.isotropic(gi, 0.03))
        seconds = time.perf_counter() - begin
        print(f"100 x 100 map, {band.name:21s} {seconds:8.2f} s")
        keep(f"100 x 100 map of all coefficients, {band.name}", seconds)


def orbitals() -> None:
    crystal = nine_orbitals()
    for strength in (0.08, 0.03):
        for tolerance in (1e-4, 2e-5):
            begin, busy = time.perf_counter(), time.process_time()
            c = crystal_coefficients(
                crystal, 0.0, ImpurityStrengths.isotropic(strength, strength / 20),
                tolerance=tolerance, contour_nodes=16,
            )
            print(
                f"nine orbitals, gi {strength}, tolerance {tolerance:.0e}: "
                f"{time.perf_counter() - begin:6.1f} s (processor "
                f"{time.process_time() - busy:.1f} s), beta {float(c.beta):.7f}, A "
                f"{float(c.damping):.7f}, dS {float(c.spin_renormalisation):.6f}, path "
                f"{np.round(c.mean_free_path, 2)}", flush=True,
            )
            crystal.kept.clear()


def broadening() -> None:
    """Work for g of the square lattice to 1e-6: uniform mesh and iterated adaptive quadrature."""
    crystal, exact = cubic_crystal(dimension=2), square()
    for eta in (0.4, 0.1, 0.03, 0.01, 0.003, 0.001):
        z = np.array([-1.2 + 1j * eta])
        target = exact.green(z)[0][0]
        size = 8
        while True:
            value = Zone(crystal, size).average(lambda h, v, z=z: propagator(h, z)[:, :, 0])[0]
            crystal.kept.clear()
            if abs(value - target) < 1e-6 or size >= 20000:
                break
            size += size // 6 // 2 * 2 + 2
        crystal.kept.clear()
        count = 0

        def integrand(h, v, z=z):
            nonlocal count
            count += len(h)
            return propagator(h, z)[:, :, 0]

        adaptive = Zone(crystal, 0, 1e-6).average(integrand)[0]
        print(
            f"Im z {eta:6.3f}: mesh {size:4d} ({(size // 2) ** 2:9d} points, error "
            f"{abs(value - target):.0e}); adaptive {count:9d} points, error "
            f"{abs(adaptive - target):.0e}", flush=True,
        )


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["single", "map", "orbitals", "broadening"]
    parts = {"single": single, "map": parameter_map, "orbitals": orbitals,
             "broadening": broadening}
    for name in chosen:
        parts[name]()
