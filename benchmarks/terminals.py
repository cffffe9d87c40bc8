"""Length x width sites with four leads and two noncollinear magnets: everything, against Kwant.

One energy, all four leads: transmissions, spin currents at the leads, density and spin of every
site (torques), and in the second table the charge and spin current through every bond as well.
Kwant: ``smatrix``, ``wave_function``, ``kwant.operator.Density`` and ``Current`` with each of its
solvers.  Both include the leads and the Hamiltonian.  Kwant's currents take minutes on the larger
systems; they are measured on the smaller ones.  The flop limit is that of a recursion along the
device, a block of 2 x width rows after the other.

    python benchmarks/terminals.py [--quick | --long] [LENGTHxWIDTH ...]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import warnings  # noqa: E402

import numpy as np  # noqa: E402
from peers import kwant_solvers  # noqa: E402
from record import amount, keep, words  # noqa: E402
from timing import best, memory, product_seconds, recursion_flops  # noqa: E402

from negf_torque.lattice.terminals import open_system_from_kwant  # noqa: E402
from negf_torque.spin import PAULI, SIGMA  # noqa: E402
from negf_torque.transport.sampling import Sampling  # noqa: E402
from negf_torque.transport.terminal_sea import terminal_sea  # noqa: E402
from negf_torque.transport.terminals import terminal_response  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kwant

ENERGY = -0.83


def build(length: int, width: int):
    """The finalised system and its exchange field."""
    lattice = kwant.lattice.square(norbs=2)
    magnets = {
        (length // 8, 3 * length // 8): np.array([0, 0, 1.5]),
        (5 * length // 8, 7 * length // 8): np.array([1.2, 0.3, -0.5]),
    }

    def field(site):
        x = site.tag[0]
        for (low, high), value in magnets.items():
            if low <= x < high and 0 <= site.tag[1] < width:
                return value
        return np.zeros(3)

    def onsite(site):
        return -0.5 * np.tensordot(field(site), SIGMA, 1)

    def lead(direction, cells):
        made = kwant.Builder(kwant.TranslationalSymmetry(direction))
        for cell in cells:
            made[lattice(*cell)] = 0 * PAULI[0]
        made[lattice.neighbors()] = -PAULI[0]
        return made

    system = kwant.Builder()
    system[(lattice(x, y) for x in range(length) for y in range(width))] = onsite
    system[lattice.neighbors()] = -PAULI[0]
    across, along = [(0, y) for y in range(width)], width // 3
    tops = [[(x, 0) for x in range(s, s + along)] for s in (length // 4, length // 2)]
    system.attach_lead(lead((-1, 0), across), add_cells=1)
    system.attach_lead(lead((1, 0), across), add_cells=1)
    for cells in tops:
        system.attach_lead(lead((0, 1), cells), add_cells=1)
    return system.finalized(), field


def transmissions(system, solver):
    """Transmissions between all leads by Kwant."""
    matrix = solver.smatrix(system, ENERGY)
    count = len(system.leads)
    return np.array([[matrix.transmission(p, q) for q in range(count)] for p in range(count)])


def theirs(system, solver, bonds: bool):
    """Densities (leads, sites, 4) by Kwant, and currents of all bonds or none."""
    waves = solver.wave_function(system, ENERGY)
    densities = [kwant.operator.Density(system, s) for s in PAULI]
    currents = [kwant.operator.Current(system, s) for s in PAULI] if bonds else []
    count = len(system.leads)
    density = np.zeros((count, len(system.sites), 4))
    flow = np.zeros((count, system.graph.num_edges, len(currents)))
    for q in range(count):
        psi = waves(q)
        for a, operator in enumerate(densities):
            density[q, :, a] = sum(operator(one) for one in psi)
        for a, operator in enumerate(currents):
            flow[q, :, a] = sum(operator(one) for one in psi)
    return density, flow


def compare(length: int, width: int, bonds: bool, solvers: dict) -> None:
    """The lines of a table for one device."""
    finite, field = build(length, width)
    system, reading = best(lambda: open_system_from_kwant(finite, exchange_field=field), 2)
    ours, mine = best(lambda: terminal_response(system, ENERGY, bonds=bonds), 3, 5.0)
    channels = int(ours.open_channels.sum())
    limit = product_seconds(recursion_flops(length, 2 * width, channels / 2), 2 * width)
    for name, solver in solvers.items():
        (density, flow), states = best(lambda s=solver: theirs(finite, s, bonds), 2, 5.0)
        transmission, scattering = best(lambda s=solver: transmissions(finite, s), 2, 5.0)
        errors = [abs(ours.transmission - transmission).max(), abs(ours.density - density).max()]
        if bonds:
            place = {tuple(b): n for n, b in enumerate(ours.bonds)}
            order = [place[b, a] for a, b in finite.graph]
            errors.append(np.abs(ours.bond_current[:, order] - flow).max())
        rows, kwants = 2 * length * width, states + scattering
        print(f"{length:5d}x{width:<4d} {rows:7d} {channels:5d} {name:>14} {kwants:9.2f} "
              f"{states:9.2f} {mine:9.3f} {kwants / mine:7.1f} {reading:8.2f} {max(errors):8.1e} "
              f"{memory():6.2f} {mine / limit:6.1f}", flush=True)
        shared = {
            "error": max(errors), "size": rows, "size_name": "rows of the Hamiltonian",
            "limit": None if bonds else limit,
        }  # fmt: skip
        what = "transmissions, spin currents, torques" + (", bond currents" if bonds else "")
        note = f"{length} x {width} sites; reading the system: {reading:.2g} s"
        keep(what, mine, peer=name, peer_seconds=kwants, note=note, memory=memory(), **shared)
        if not bonds:
            keep(what, mine, peer=f"{name}, states alone", peer_seconds=states, **shared)


def sea(length: int, width: int) -> None:
    """Time of the Fermi sea, which Kwant has no counterpart of."""
    finite, field = build(length, width)
    system = open_system_from_kwant(finite, exchange_field=field)
    potential = np.linspace(1, 0, len(system.sites.offset))[:, None]
    leads = np.array([[1.0], [0.0], [0.7], [0.4]])
    result, seconds = best(
        lambda: terminal_sea(system, ENERGY, potential, leads, Sampling(tolerance=1e-6)), 1
    )
    n = 2 * length * width
    a = np.random.default_rng(0).normal(size=(1000, 1000)) + 1j
    _, inverse = best(lambda: np.linalg.inv(a), 3)
    dense = inverse * (n / 1000) ** 3
    each = seconds / result.evaluations
    print(f"{length:5d}x{width:<4d} {n:7d} {result.evaluations:6d} {seconds:9.2f} {each:9.3f} "
          f"{dense:9.2f} {dense / each:7.1f} {result.error.max():8.1e}", flush=True)
    keep(
        "Fermi sea, one energy of the contour", each, peer="one dense inverse (LAPACK)",
        peer_seconds=dense, error=result.error.max(), size=n, size_name="rows of the Hamiltonian",
        note=f"{result.evaluations} energies; error: its own estimate",
    )  # fmt: skip


#: Without and with currents of bonds, and for the Fermi sea.
SIZES = {
    "quick": ([(24, 6), (30, 8)], [(24, 6)], [(24, 6)]),
    "usual": (
        [(30, 10), (60, 20), (100, 30), (150, 45)],
        [(30, 10), (45, 15), (60, 20)],
        [(30, 10), (45, 15), (60, 20)],
    ),
    "long": (
        [(30, 10), (60, 20), (100, 30), (150, 45), (200, 60)],
        [(30, 10), (60, 20), (100, 30)],
        [(30, 10), (60, 20), (100, 30), (150, 45)],
    ),
}


def main() -> None:
    """Print the tables."""
    sizes, small, deep = SIZES[amount()]
    if words():
        sizes = small = deep = [tuple(map(int, word.split("x"))) for word in words()]
    head = (f"{'sites':>10} {'rows':>7} {'open':>5} {'solver':>14} {'Kwant s':>9} {'(states':>9} "
            f"{'ours s':>9} {'ratio':>7} {'reading':>8} {'error':>8} {'GB':>6} {'/limit':>6}")
    solvers = kwant_solvers()
    finite, field = build(24, 6)
    system = open_system_from_kwant(finite, exchange_field=field)
    terminal_response(system, ENERGY, bonds=True)  # compiled or read from the cache here
    print(f"Kwant {kwant.__version__}; processor time")
    print(f"transmissions, spin currents at the leads, densities and torques\n{head}")
    for size in sizes:
        compare(*size, False, solvers)
    print(f"with the current through every bond\n{head}")
    for size in small:
        compare(*size, True, solvers)
    print("Fermi sea to 1e-6: selected inversion against one dense inverse per energy "
          f"(extrapolated from 1000 rows)\n{'sites':>10} {'rows':>7} {'points':>6} {'ours s':>9} "
          f"{'per point':>9} {'dense':>9} {'ratio':>7} {'error':>8}")
    for size in deep:
        sea(*size)


if __name__ == "__main__":
    main()
