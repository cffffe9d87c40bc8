"""Length x width sites with four leads and two noncollinear magnets: everything, against Kwant.

One energy, all four leads: transmissions, spin currents at the leads, density and spin of every
site (torques), and in the second table the charge and spin current through every bond as well.
Kwant: ``smatrix``, ``wave_function``, ``kwant.operator.Density`` and ``Current`` with its default
solver.  Both include the leads and the Hamiltonian.  Kwant's currents take minutes on the larger
system; they are measured on the smaller one.

    python benchmarks/terminals.py [LENGTHxWIDTH ...]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402

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


def theirs(system, bonds: bool):
    """Transmissions, densities (leads, sites, 4), bond currents or None."""
    count = len(system.leads)
    matrix = kwant.smatrix(system, ENERGY)
    transmission = [[matrix.transmission(p, q) for q in range(count)] for p in range(count)]
    waves = kwant.wave_function(system, ENERGY)
    densities = [kwant.operator.Density(system, s) for s in PAULI]
    currents = [kwant.operator.Current(system, s) for s in PAULI] if bonds else []
    density = np.zeros((count, len(system.sites), 4))
    flow = np.zeros((count, system.graph.num_edges, len(currents)))
    for q in range(count):
        psi = waves(q)
        for a, operator in enumerate(densities):
            density[q, :, a] = sum(operator(one) for one in psi)
        for a, operator in enumerate(currents):
            flow[q, :, a] = sum(operator(one) for one in psi)
    return np.array(transmission), density, flow


def timed(run):
    """Result and time on the processor: others may use the machine."""
    start = time.process_time()
    result = run()
    return result, time.process_time() - start


def compare(length: int, width: int, bonds: bool) -> None:
    """One line of a table."""
    finite, field = build(length, width)
    system, reading = timed(lambda: open_system_from_kwant(finite, exchange_field=field))
    ours, mine = timed(lambda: terminal_response(system, ENERGY, bonds=bonds))
    (transmission, density, flow), kwants = timed(lambda: theirs(finite, bonds))
    errors = [np.abs(ours.transmission - transmission).max(), np.abs(ours.density - density).max()]
    if bonds:
        place = {tuple(b): n for n, b in enumerate(ours.bonds)}
        order = [place[b, a] for a, b in finite.graph]
        errors.append(np.abs(ours.bond_current[:, order] - flow).max())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{length:5d}x{width:<4d} {2 * length * width:7d} {int(ours.open_channels.sum()):5d} "
          f"{kwants:9.2f} {mine:9.2f} {kwants / mine:7.1f} {reading:8.2f} {max(errors):8.1e} "
          f"{memory:6.2f}", flush=True)


def sea(length: int, width: int) -> None:
    """Time of the Fermi sea, which Kwant has no counterpart of."""
    finite, field = build(length, width)
    system = open_system_from_kwant(finite, exchange_field=field)
    potential = np.linspace(1, 0, len(system.sites.offset))[:, None]
    leads = np.array([[1.0], [0.0], [0.7], [0.4]])
    result, seconds = timed(
        lambda: terminal_sea(system, ENERGY, potential, leads, Sampling(tolerance=1e-6))
    )
    n = 2 * length * width
    a = np.random.default_rng(0).normal(size=(1000, 1000)) + 1j
    _, inverse = timed(lambda: np.linalg.inv(a))
    dense = inverse * (n / 1000) ** 3
    each = seconds / result.evaluations
    print(f"{length:5d}x{width:<4d} {n:7d} {result.evaluations:6d} {seconds:9.2f} {each:9.3f} "
          f"{dense:9.2f} {dense / each:7.1f} {result.error.max():8.1e}", flush=True)


def main() -> None:
    """Print the tables."""
    sizes = [tuple(map(int, word.split("x"))) for word in sys.argv[1:]]
    head = (f"{'sites':>10} {'rows':>7} {'open':>5} {'Kwant s':>9} {'ours s':>9} {'ratio':>7} "
            f"{'reading':>8} {'error':>8} {'GB':>6}")
    print(f"Kwant {kwant.__version__}; processor time")
    print(f"transmissions, spin currents at the leads, densities and torques\n{head}")
    for size in sizes or [(60, 20), (100, 30), (200, 60)]:
        compare(*size, bonds=False)
    print(f"with the current through every bond\n{head}")
    for size in sizes or [(60, 20)]:
        compare(*size, bonds=True)
    print("Fermi sea to 1e-6: selected inversion against one dense inverse per energy "
          f"(extrapolated from 1000 rows)\n{'sites':>10} {'rows':>7} {'points':>6} {'ours s':>9} "
          f"{'per point':>9} {'dense':>9} {'ratio':>7} {'error':>8}")
    for size in sizes or [(60, 20), (100, 30)]:
        sea(*size)


if __name__ == "__main__":
    main()
