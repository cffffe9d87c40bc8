"""Wires of W x W x 40 sites with a noncollinear magnet: all site torques, against Kwant.

Electrons of both leads, one energy; the torque on a site is Delta m x <sigma>.  Kwant:
``wave_function`` and ``kwant.operator.Density``, each of its solvers.  Both include the leads.
The last columns compare our time with what its large products would take at the speed of
this machine's zgemm, measured in the same run: per layer one inverse (8 n^3 operations) and
the states of m channels of each of two leads (24 n^2 m).  "whole" solves the wire as if its
layers were not uniform; "modes" is what a stack does, whose cross-section separates into W^2
chains.

    python benchmarks/wire_torque.py [--quick | --long] [W ...]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import warnings  # noqa: E402

import numpy as np  # noqa: E402
from peers import kwant_solvers  # noqa: E402
from record import amount, keep, words  # noqa: E402
from timing import best, memory, product_seconds, recursion_flops  # noqa: E402

from negf_torque.greens.blocks import sparse_blocks, sparse_operators  # noqa: E402
from negf_torque.greens.recursive import scattering_states  # noqa: E402
from negf_torque.greens.surface import lead_self_energy  # noqa: E402
from negf_torque.lattice import Layer, build_stack, layer_chain  # noqa: E402
from negf_torque.spin import PAULI, SIGMA, direction, sampled_texture  # noqa: E402
from negf_torque.transport.device import make_device, solve  # noqa: E402
from negf_torque.transport.torque import exchange_torque  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kwant

LAYERS = 40
ENERGY = -0.83
EXCHANGE = 1.5


def moments() -> np.ndarray:
    """A noncollinear structure: normal | fixed | normal | free layer that twists."""
    m = np.zeros((LAYERS, 3))
    m[5:15] = direction(0.0, 0.0)
    m[22:34] = [direction(0.4 + 0.1 * n, 0.2 * n) for n in range(12)]
    return m


def cell(width: int) -> np.ndarray:
    """Hamiltonian of a layer without exchange, (width^2, width^2)."""
    chain = -np.eye(width, k=1) - np.eye(width, k=-1)
    return np.kron(chain, np.eye(width)) + np.kron(np.eye(width), chain)


def ours(width: int) -> tuple[np.ndarray, int]:
    """Torques (2, layers, sites, 3) and the number of channels."""
    sites = width * width
    plain = np.kron(cell(width), np.eye(2))
    m = moments()
    onsite = []
    for here in m:
        exchange = np.any(here) * 0.75 * PAULI[0] - EXCHANGE / 2 * np.tensordot(here, SIGMA, 1)
        onsite.append((plain + np.kron(np.eye(sites), exchange))[None])
    hop = -np.eye(2 * sites)
    blocks = sparse_blocks(onsite, [hop[None]] * (LAYERS - 1))
    spins = []
    for layer in range(LAYERS):
        for site in range(sites):
            for s in SIGMA:
                matrix = np.zeros((2 * sites,) * 2, complex)
                matrix[2 * site : 2 * site + 2, 2 * site : 2 * site + 2] = s
                spins.append((layer, matrix))
    operators = sparse_operators(spins)

    def run():
        lead = lead_self_energy(plain, hop, [ENERGY])
        states = scattering_states(blocks, [1.0], ENERGY, lead, lead)
        spin = states.local(operators).reshape(2, LAYERS, sites, 3)
        return EXCHANGE * np.cross(m[:, None], spin), int(lead.open_channels[0])

    return run


def by_modes(width: int):
    """The same torques from the stack, whose modes are solved as a batch of chains."""
    magnet = {"onsite": 0.75, "exchange": EXCHANGE}
    twist = sampled_texture(moments()[22:34])
    layers = [
        Layer(5), Layer(10, name="fixed", **magnet), Layer(7),
        Layer(12, texture=twist, name="free", **magnet), Layer(6),
    ]
    chain = layer_chain(build_stack(layers, cross_section=(width, width)))
    device = make_device(chain)

    def run():
        response = solve(device, np.zeros((1, 0)), ENERGY)
        torque = exchange_torque(chain.sites, response.exchange_density[..., 0])
        return torque.reshape(2, LAYERS + 2, width * width, 3)[:, 1:-1]

    return run


def theirs(width: int):
    """The same by Kwant."""
    lattice = kwant.lattice.cubic(norbs=2)
    m = moments()
    system = kwant.Builder()
    for x, here in enumerate(m):
        exchange = np.any(here) * 0.75 * PAULI[0] - EXCHANGE / 2 * np.tensordot(here, SIGMA, 1)
        for y in range(width):
            for z in range(width):
                system[lattice(x, y, z)] = exchange
    system[lattice.neighbors()] = -PAULI[0]
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0, 0)))
    for y in range(width):
        for z in range(width):
            lead[lattice(0, y, z)] = 0 * PAULI[0]
    lead[lattice.neighbors()] = -PAULI[0]
    system.attach_lead(lead)
    system.attach_lead(lead.reversed())
    system = system.finalized()
    order = np.argsort([tuple(s.tag) @ np.array([10**6, 10**3, 1]) for s in system.sites])
    operators = [kwant.operator.Density(system, s) for s in SIGMA]

    def run(solver):
        waves = solver.wave_function(system, ENERGY)
        spin = np.zeros((2, len(system.sites), 3))
        for p in range(2):
            psi = waves(p)
            for a, operator in enumerate(operators):
                spin[p, :, a] = sum((operator(one) for one in psi), np.zeros(len(system.sites)))
        spin = spin[:, order].reshape(2, LAYERS, width * width, 3)
        return EXCHANGE * np.cross(m[:, None], spin)

    return run


WIDTHS = {"quick": [2, 3], "usual": [3, 4, 6, 8, 10, 12], "long": [3, 4, 6, 8, 10, 12, 16]}


def main() -> None:
    """Print the table."""
    widths = [int(w) for w in words()] or WIDTHS[amount()]
    print(f"Kwant {kwant.__version__}, processor time")
    print(f"{'W':>3} {'n':>4} {'open':>4} {'whole s':>9} {'zgemm s':>9} {'whole/zgemm':>11} "
          f"{'modes s':>9}  Kwant: solver, s, ratio to whole, to modes, error of whole, of modes")
    solvers = kwant_solvers()
    ours(2)(), by_modes(2)()  # compiled or read from the cache here
    for width in widths:
        n = 2 * width * width
        (mine, channels), whole = best(ours(width), 7)
        modes, by_mode = best(by_modes(width), 7)
        limit = product_seconds(recursion_flops(LAYERS, n, channels), n)
        print(f"{width:3d} {n:4d} {channels:4d} {whole:9.4f} {limit:9.4f} {whole / limit:11.2f} "
              f"{by_mode:9.4f}", end="", flush=True)
        peer = theirs(width)
        for name, solver in solvers.items():
            reference, seconds = best(lambda s=solver, p=peer: p(s), 3, 10.0)
            errors = [np.abs(found - reference).max() for found in (mine, modes)]
            print(f"  {name}: {seconds:.4f} {seconds / whole:.1f} {seconds / by_mode:.1f} "
                  f"{errors[0]:.1e} {errors[1]:.1e}", end="", flush=True)
            shared = {
                "peer": name,
                "peer_seconds": seconds,
                "size": width,
                "size_name": "width of the wire (sites)",
            }
            keep(
                "whole", whole, error=errors[0], limit=limit, memory=memory(),
                goal={"ratio": 10, "limit": 2} if width >= 4 else None, **shared,
            )  # fmt: skip
            goal = {"ratio": 10} if width >= 4 else None
            keep("by modes", by_mode, error=errors[1], goal=goal, **shared)
        print()


if __name__ == "__main__":
    main()
