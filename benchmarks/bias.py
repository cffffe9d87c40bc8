"""Torque and current of a tunnel junction at voltages: our batches against a Kwant loop.

Both sum the window over the same momenta and energies: transmission and spin of the scattering
states from the lead with the higher potential.  The quicker of Kwant's solvers counts.

    python benchmarks/bias.py [--quick] [mesh]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import warnings  # noqa: E402

import numpy as np  # noqa: E402
from peers import kwant_solvers  # noqa: E402
from record import amount, keep, words  # noqa: E402
from timing import best  # noqa: E402

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain  # noqa: E402
from negf_torque.spin import SIGMA  # noqa: E402
from negf_torque.transport.bias import linear_profile  # noqa: E402
from negf_torque.transport.device import make_device  # noqa: E402
from negf_torque.transport.device import solve as solve_chains  # noqa: E402
from negf_torque.transport.meshes import zone_mesh  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kwant

ONSITE, EXCHANGE, BARRIER, LAYERS, ENERGY = 0.2, 1.0, 5.5, 4, -2.2
FREE = np.array([1.0, 0.0, 0.0])
VOLTAGES = (0.1, 0.5, 1.0)
ENERGIES = 16


def nodes(voltage, mesh):
    """Momenta, energies and weights that both use."""
    k, share = zone_mesh(mesh, 2, True, True)
    x, w = np.polynomial.legendre.leggauss(ENERGIES)
    return k, share, ENERGY + voltage / 2 * x, voltage / 2 * w


def ours(chain, voltage, mesh):
    """(4,): current and spin current in front of the right electrode, window, J in eV."""
    device, profile = make_device(chain), linear_profile(chain, 1, LAYERS)
    k, share, energies, weights = nodes(voltage, mesh)
    momenta, at = np.repeat(k, len(energies), axis=0), np.tile(energies, len(k))
    shift = np.broadcast_to((voltage * profile)[:, None], (len(profile), len(at)))
    found = solve_chains(device, momenta, at, potential=shift, shifts=(voltage / 2, -voltage / 2))
    flow = found.current[0, LAYERS].reshape(4, len(k), len(energies))
    return np.einsum("cke,k,e->c", flow, share, weights)


def theirs(voltage, mesh):
    """The same by Kwant, as a function of its solver: a wave function for each point."""
    lattice = kwant.lattice.chain(norbs=2)
    profile = voltage * np.clip(0.5 - np.arange(LAYERS + 2) / (LAYERS + 1), -0.5, 0.5)

    def plane(base):
        return lambda site, kx, ky: base - 2 * (np.cos(kx) + np.cos(ky)) * np.eye(2)

    def magnet(direction, shift):
        field = np.tensordot(direction, SIGMA, 1)
        return plane((ONSITE + shift) * np.eye(2) - EXCHANGE / 2 * field)

    system = kwant.Builder()
    system[lattice(0)] = magnet((0, 0, 1), profile[0])
    for n in range(1, LAYERS + 1):
        system[lattice(n)] = plane((BARRIER + profile[n]) * np.eye(2))
    system[lattice(LAYERS + 1)] = magnet(FREE, profile[-1])
    system[lattice.neighbors()] = -np.eye(2)
    for step, direction, shift in ((-1, (0, 0, 1), profile[0]), (1, FREE, profile[-1])):
        lead = kwant.Builder(kwant.TranslationalSymmetry((step,)))
        lead[lattice(0)] = magnet(direction, shift)
        lead[lattice.neighbors()] = -np.eye(2)
        system.attach_lead(lead)
    system = system.finalized()
    bond = [(lattice(LAYERS + 1), lattice(LAYERS))]
    operators = [kwant.operator.Current(system, s, where=bond) for s in (np.eye(2), *SIGMA)]
    k, share, energies, weights = nodes(voltage, mesh)

    def run(solver):
        total = np.zeros(4)
        for (kx, ky), part in zip(k, share, strict=True):
            for energy, weight in zip(energies, weights, strict=True):
                waves = solver.wave_function(system, energy, params=dict(kx=kx, ky=ky))(0)
                for psi in waves:
                    total += part * weight * np.array([one(psi)[0] for one in operators])
        return total

    return run


def main() -> None:
    """Print the table."""
    mesh = int(words()[0]) if words() else {"quick": 4}.get(amount(), 12)
    leads = [
        Lead(onsite=ONSITE, exchange=EXCHANGE, name="fixed"),
        Lead(onsite=ONSITE, exchange=EXCHANGE, direction=FREE, name="free"),
    ]
    chain = layer_chain(build_stack([Layer(LAYERS, onsite=BARRIER)], *leads))
    ours(chain, 0.1, 4)  # compiled or read from the cache here
    points = len(zone_mesh(mesh, 2, True, True)[0]) * ENERGIES
    print(f"{points} momenta and energies for each voltage; processor time")
    print(f"{'V':>5} {'Kwant s':>9} {'ours ms':>9} {'ratio':>8} {'rel. error':>11}  peer")
    solvers = kwant_solvers()
    for voltage in VOLTAGES:
        found, mine = best(lambda v=voltage: ours(chain, v, mesh), 20)
        peer = theirs(voltage, mesh)
        runs = {name: best(lambda s=one, p=peer: p(s), 2) for name, one in solvers.items()}
        name = min(runs, key=lambda label: runs[label][1])
        reference, kwants = runs[name]
        error = np.abs(found - reference).max() / np.abs(reference).max()
        print(f"{voltage:5.2f} {kwants:9.3f} {mine * 1e3:9.3f} {kwants / mine:8.0f} {error:11.1e}"
              f"  {name}", flush=True)
        keep(
            f"current and its spin at {voltage:g} V, {points} points", mine, peer=name,
            peer_seconds=kwants, error=error,
        )  # fmt: skip


if __name__ == "__main__":
    main()
