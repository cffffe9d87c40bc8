"""Averaged impurities: self-consistency, vertex corrections and all torques.

- A periodic stack of 200 layers with 64 x 64 momenta (all of them, as if it had no symmetry, and
  those that differ), Born and coherent potential.
- A wire of 8 x 8 x 40 sites, every site with a self-energy of its own.
- Steps of the self-consistency and of the ladder for stacks and wires of growing length.
- A small stack against plain NumPy: full matrices, one momentum at a time, unaccelerated.

Every line says how far the current of the first bond is from that of the last ("loss").  The flop
limit of the thick wires counts, in every layer, three inverses for a step of the self-consistency
(the Green's function from the left, from the right and of the layer) and, for a step of the ladder,
three times G X G^+ for each of two leads; a ladder that is factorised costs a product for each pair
of layers and its LU factors instead.

    python benchmarks/disorder.py [--quick | --long]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import warnings  # noqa: E402

import numpy as np  # noqa: E402
from record import amount, keep  # noqa: E402
from timing import best, memory, product_seconds  # noqa: E402

from negf_torque.disorder import ladder  # noqa: E402
from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities  # noqa: E402
from negf_torque.disorder.sites import site_disorder  # noqa: E402
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


def wire_flops(chain, iterations) -> float:
    """Operations of the products, see above."""
    layers, n = len(chain.sizes), max(chain.sizes)
    steps, ladder = iterations
    unknowns = 2 * sum(chain.sizes)  # the four components of every site's spin density matrix
    direct = 8 * n**3 * layers**2 + 8 / 3 * unknowns**3
    return 8 * n**3 * 3 * layers * steps + (8 * n**3 * 12 * layers * ladder or direct)


def measured(label: str, chain, method: str, mesh: int, size: int, curve: str, goal=None):
    """One calculation, printed."""

    def run():
        return disordered_response(chain, ENERGY, KINDS, method, mesh)

    response, seconds = best(run, 2, 1.0)
    steps, ladder = response.iterations
    limit = None
    if max(chain.sizes) > 30:
        limit = product_seconds(wire_flops(chain, (steps, ladder)), max(chain.sizes))
    print(
        f"{label:44s} {method:19s} {seconds:8.2f} s  {memory():5.2f} GB  "
        f"steps {steps:3d} {ladder:3d}  T {response.conductance:.8f}  "
        f"loss {response.current_loss:.1e}"
        + (f"  / limit {seconds / limit:.1f}" if limit else ""),
        flush=True,
    )
    ladder = f"{ladder} steps" if ladder else "factorised"
    keep(
        f"{curve}, {method}", seconds, error=response.current_loss, size=size, size_name="layers",
        limit=limit, memory=memory(), goal=goal, note=f"{steps} steps, ladder {ladder}",
    )  # fmt: skip
    return response


def plain(chain, mesh: int) -> np.ndarray:
    """Torque-giving densities (2, sites, 4) by the obvious program."""
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
    return density


def without_symmetry():
    """Make every mesh whole, as a device without mirror planes needs it."""
    disordered_device.mirror_symmetric = lambda chain: (False, False)


SIZES = {
    "quick": ((12, 25), 16, (20, 40), (4,)),
    "usual": ((25, 50, 100, 200), 64, (20, 80, 320), (10, 20, 40)),
    "long": ((50, 100, 200, 400), 64, (20, 80, 320, 1280), (10, 20, 40, 80)),
}


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", PhysicsWarning)
    disordered_response(valve(6, "periodic"), ENERGY, KINDS, mesh=4)  # compile
    small = valve(20, "periodic")
    mine, seconds = best(lambda: disordered_response(small, ENERGY, KINDS, mesh=8), 5)
    reference, plain_seconds = best(lambda: plain(small, 8), 2, 5.0)
    error = np.abs(mine.density_by_lead - reference).max()
    print(
        f"stack of 20 layers, 8 x 8: {seconds:.3f} s, plain NumPy {plain_seconds:.2f} s, "
        f"error {error:.1e}"
    )
    keep(
        "stack of 20 layers, 8 x 8 momenta, born", seconds, peer="plain NumPy",
        peer_seconds=plain_seconds, error=error,
    )  # fmt: skip
    lengths, mesh, thin, thick = SIZES[amount()]
    curve = f"stack, {mesh} x {mesh} momenta"
    goal = {"seconds": 30}
    for layers in lengths:
        chain = valve(layers, "periodic")
        measured(f"stack of {layers} layers, {mesh} x {mesh}", chain, "born", mesh, layers, curve,
                 goal if layers <= 200 else None)  # fmt: skip
    longest = valve(min(lengths[-1], 200), "periodic")
    layers = len(longest.sizes)
    label = f"stack of {layers} layers, {mesh} x {mesh}"
    measured(label, longest, "coherent-potential", mesh, layers, curve, goal)
    symmetric = disordered_device.mirror_symmetric
    without_symmetry()
    measured(f"{label}, no symmetry", longest, "born", mesh, layers, f"{curve}, no symmetry", goal)
    disordered_device.mirror_symmetric = symmetric
    direct = ladder.LARGEST_DIRECT
    ladder.LARGEST_DIRECT = 0  # the iterated solver, for the count of its steps
    for layers in thin:
        chain = valve(layers, (2, 2))
        measured(f"wire 2 x 2 x {layers}", chain, "born", 1, layers, "wire 2 x 2")
    ladder.LARGEST_DIRECT = direct
    for layers in thick:
        chain = valve(layers, (8, 8))
        measured(f"wire 8 x 8 x {layers}", chain, "born", 1, layers, "wire 8 x 8",
                 {"seconds": 60, "memory": 2} if layers <= 40 else None)  # fmt: skip


if __name__ == "__main__":
    main()
