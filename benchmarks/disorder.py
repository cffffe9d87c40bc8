"""Averaged impurities: self-consistency, vertex corrections and all torques.

- A periodic stack of 200 layers with 64 x 64 momenta (all of them, as if it had no symmetry, and
  those that differ), Born and coherent potential.
- A wire of 8 x 8 x 40 sites, every site with a self-energy of its own.
- Steps of the self-consistency and of the ladder for stacks and wires of growing length.
- A small stack against plain NumPy: full matrices, one momentum at a time, unaccelerated.

Every line says how far the current of the first bond is from that of the last ("loss").

    python benchmarks/disorder.py [quick]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from record import keep  # noqa: E402

from negf_torque.disorder import ladder  # noqa: E402
from negf_torque.disorder.impurities import (  # noqa: E402
    MagneticImpurities,
    NonmagneticImpurities,
    site_disorder,
)
from negf_torque.greens.full import full_green  # noqa: E402
from negf_torque.lattice import Layer, build_stack, layer_chain  # noqa: E402
from negf_torque.notices import PhysicsWarning  # noqa: E402
from negf_torque.transport import disordered_device  # noqa: E402
from negf_torque.transport.disordered import disordered_response  # noqa: E402
from negf_torque.transport.leads import fourier_blocks, lead_self_energies  # noqa: E402

ENERGY = -2.2
KINDS = [NonmagneticImpurities(1.0, 0.5, "symmetric"), MagneticImpurities(1.0, 0.2)]


def valve(thickness: int, cross_section):
    """Two magnets at right angles; `thickness` layers in all, the two ends included."""
    first = thickness // 2 - 1
    magnet = {"onsite": 0.75, "exchange": 1.5}
    layers = [
        Layer(first, name="fixed", **magnet),
        Layer(thickness - 2 - first, name="free", direction=(1, 0, 0), **magnet),
    ]
    return layer_chain(build_stack(layers, cross_section=cross_section))


def memory() -> float:
    """Largest memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measured(label: str, chain, method: str, mesh: int, size: int, name: str):
    """One calculation, printed."""
    start, cpu = time.perf_counter(), time.process_time()
    response = disordered_response(chain, ENERGY, KINDS, method, mesh)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(
        f"{label:44s} {method:19s} {seconds:8.2f} s  CPU {cpu:7.2f} s  {memory():5.2f} GB  "
        f"steps {response.iterations[0]:3d} {response.iterations[1]:3d}  "
        f"T {response.conductance:.8f}  loss {response.current_loss:.1e}",
        flush=True,
    )
    keep(f"{label}, {method}", seconds, error=response.current_loss, size=size, size_name=name)
    return response


def plain(chain, mesh: int) -> tuple[np.ndarray, float]:
    """Torque-giving densities (2, sites, 4) by the obvious program, and its time."""
    start = time.perf_counter()
    k = 2 * np.pi * (np.arange(mesh) + 0.5) / mesh
    points = np.stack([a.ravel() for a in np.meshgrid(k, k, indexing="ij")], axis=1)
    group = site_disorder(chain.sites, KINDS).groups[0]
    local, sites = group.second_moment[0], len(chain.sites.layer)
    pauli = [np.eye(2), *chain.sites.spin[0]]
    matrices = []
    for point in points:
        onsite, coupling = fourier_blocks(chain, chain.phases(point[None]))
        leads = lead_self_energies(chain, point[None], np.array([ENERGY]))
        gamma = [1j * (lead.sigma[0] - lead.sigma[0].conj().T) for lead in leads]
        matrices.append((onsite, coupling, leads[0].sigma, leads[1].sigma, gamma))
    sigma = np.zeros((sites, 2, 2), complex) - 0.3j * np.eye(2)
    for _ in range(400):
        greens = []
        for onsite, coupling, left, right, _ in matrices:
            dressed = [h + s for h, s in zip(onsite, sigma, strict=True)]
            greens.append(full_green(np.array([ENERGY]), dressed, coupling, left, right)[0])
        own = np.array(
            [[g[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] for i in range(sites)] for g in greens]
        )
        new = np.einsum("ij,sj->si", local, own.mean(axis=0).reshape(sites, 4)).reshape(sites, 2, 2)
        change, sigma = np.abs(new - sigma).max(), new
        if change < 1e-13:
            break
    blocks = [g.reshape(sites, 2, sites, 2) for g in greens]
    pairs = sum(np.einsum("iajc,ibjd->iabjcd", g, g.conj()) for g in blocks) / len(blocks)
    matrix = np.eye(4 * sites) - pairs.reshape(4 * sites, -1) @ np.kron(np.eye(sites), local)
    density = np.zeros((2, sites, 4))
    for lead, end in enumerate((0, sites - 1)):
        bare = sum(
            np.einsum("iac,cd,ibd->iab", g[:, :, end], m[4][lead], g[:, :, end].conj())
            for g, m in zip(blocks, matrices, strict=True)
        ) / len(blocks)
        dressed = np.linalg.solve(matrix, bare.ravel()).reshape(sites, 2, 2)
        density[lead] = np.einsum("aij,sji->sa", np.array(pauli), dressed).real
    return density, time.perf_counter() - start


def without_symmetry():
    """Make every mesh whole, as a device without mirror planes needs it."""
    disordered_device.mirror_symmetric = lambda chain: (False, False)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", PhysicsWarning)
    quick = "quick" in sys.argv[1:]
    disordered_response(valve(6, "periodic"), ENERGY, KINDS, mesh=4)  # compile
    small = valve(20, "periodic")
    start = time.perf_counter()
    mine = disordered_response(small, ENERGY, KINDS, mesh=8)
    seconds = time.perf_counter() - start
    reference, plain_seconds = plain(small, 8)
    error = np.abs(mine.density_by_lead - reference).max()
    print(
        f"stack of 20 layers, 8 x 8: {seconds:.3f} s, plain NumPy {plain_seconds:.2f} s, "
        f"error {error:.1e}"
    )
    keep(
        "stack of 20 layers, 8 x 8 momenta",
        seconds,
        peer="plain NumPy",
        peer_seconds=plain_seconds,
        error=error,
    )
    longest, mesh = (50, 16) if quick else (200, 64)
    symmetric = disordered_device.mirror_symmetric
    for layers in (longest // 4, longest // 2, longest):
        measured(
            f"stack of {layers} layers, {mesh} x {mesh}",
            valve(layers, "periodic"),
            "born",
            mesh,
            layers,
            "layers",
        )
    measured(
        f"stack of {longest} layers, {mesh} x {mesh}",
        valve(longest, "periodic"),
        "coherent-potential",
        mesh,
        longest,
        "layers",
    )
    without_symmetry()
    measured(
        f"stack of {longest} layers, {mesh} x {mesh}, no symmetry",
        valve(longest, "periodic"),
        "born",
        mesh,
        longest,
        "layers",
    )
    disordered_device.mirror_symmetric = symmetric
    ladder.LARGEST_DIRECT = 0  # the iterated solver, for the count of its steps
    for layers in (20, 80, 320):
        measured(f"wire 2 x 2 x {layers}", valve(layers, (2, 2)), "born", 1, layers, "layers")
    for layers in (10,) if quick else (10, 20, 40):
        measured(f"wire 8 x 8 x {layers}", valve(layers, (8, 8)), "born", 1, layers, "layers")


if __name__ == "__main__":
    main()
