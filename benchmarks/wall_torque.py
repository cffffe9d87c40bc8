"""A Bloch wall in a W x W wire between magnetic leads: transmission and all site torques.

Ours: the wire's modes, solved as a batch of chains, both leads.  Kwant: ``wave_function`` and
``kwant.operator.Density``, each of its solvers; its transmission is computed beside, outside the
time.  Both include the leads and begin with the prepared system (a device, a finalised builder).
The last columns are the error of transmission and all site torques against Kwant, the complete
response (window and Fermi sea), which Kwant has no function for, and the preparation on both sides.

    python benchmarks/wall_torque.py [--quick | --long] [W ...]
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
from negf_torque.lattice.magnet import Magnet  # noqa: E402
from negf_torque.spin import SIGMA, domain_wall  # noqa: E402
from negf_torque.transport.complete import complete_response  # noqa: E402
from negf_torque.transport.device import make_device, solve  # noqa: E402
from negf_torque.transport.sampling import Sampling  # noqa: E402
from negf_torque.transport.torque import exchange_torque  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kwant

LENGTH, WALL, EXCHANGE, ENERGY = 40, 2.0, 1.5, -2.2


def wire(width: int) -> Magnet:
    """The wall whose transmission is 8.9977212723 for W = 3."""
    texture = domain_wall((LENGTH - 1) / 2, WALL)
    return build_stack(
        [Layer(LENGTH, exchange=EXCHANGE, texture=texture, name="wall")],
        Lead(exchange=EXCHANGE, direction=(0, 0, 1)),
        Lead(exchange=EXCHANGE, direction=(0, 0, -1)),
        cross_section=(width, width),
    )


def ours(chain):
    """Transmission and torques (2, sites, 3)."""
    device = make_device(chain)

    def run():
        response = solve(device, np.zeros((1, 0)), ENERGY)
        return response.transmission[0], exchange_torque(
            chain.sites, response.exchange_density[..., 0]
        )

    return run


def theirs(magnet: Magnet, chain):
    """Torques by Kwant, sites in our order, and the transmission: two functions of the solver."""
    system = magnet.builder.finalized()
    place = {tuple(np.round(p, 6)): n for n, p in enumerate(chain.sites.position)}
    order = [place[tuple(np.round(site.pos, 6))] for site in system.sites]
    operators = [kwant.operator.Density(system, s) for s in SIGMA]

    def run(solver):
        waves = solver.wave_function(system, ENERGY)
        spin = np.zeros((2, len(order), 3))
        for p in range(2):
            for psi in waves(p):
                spin[p][order] += np.stack([operator(psi) for operator in operators], axis=1)
        return np.cross(chain.sites.exchange, spin)

    return run, lambda solver: solver.smatrix(system, ENERGY).transmission(1, 0)


WIDTHS = {"quick": [1, 2], "usual": [1, 2, 3, 4, 6, 8], "long": [1, 2, 3, 4, 6, 8, 12]}


def main() -> None:
    """Print the table."""
    print(f"Kwant {kwant.__version__}, Bloch wall of width {WALL:g} in {LENGTH} layers")
    print(f"{'W':>3} {'T':>14} {'ours s':>9} {'solver':>16} {'its s':>9} {'ratio':>7} {'error':>8} "
          f"{'complete s':>11} {'prepared s':>10} {'Kwant s':>8}")
    solvers = kwant_solvers()
    ours(layer_chain(wire(1)))()  # compiled or read from the cache here
    for width in [int(w) for w in words()] or WIDTHS[amount()]:
        magnet = wire(width)
        chain, chained = best(lambda m=magnet: layer_chain(m), 3)
        _, made = best(lambda c=chain: make_device(c), 3)
        _, finalised = best(lambda m=magnet: m.builder.finalized(), 3)
        keep(
            "preparation, once for a system", chained + made, peer="Kwant, finalized()",
            peer_seconds=finalised, size=width, size_name="width of the wire (sites)",
        )  # fmt: skip
        (transmission, torque), seconds = best(ours(chain), 5)
        states, scattering = theirs(magnet, chain)
        whole = float("nan")
        if width <= 3:
            complete, whole = best(lambda c=chain: complete_response(c, ENERGY, Sampling(1e-6)), 1)
            keep(
                "complete response, window and Fermi sea", whole, size=width,
                size_name="width of the wire (sites)", error=complete.sea_error,
                note="error: its own estimate",
            )  # fmt: skip
        for name, solver in solvers.items():
            expected, kwant_seconds = best(lambda s=solver, run=states: run(s), 3, 10.0)
            error = np.abs(torque - expected).max()
            error = max(error, abs(transmission - scattering(solver)))
            print(f"{width:3d} {transmission:14.10f} {seconds:9.4f} {name:>16} "
                  f"{kwant_seconds:9.4f} {kwant_seconds / seconds:7.1f} {error:8.1e} {whole:11.2f} "
                  f"{chained + made:10.4f} {finalised:8.4f}", flush=True)
            keep(
                "transmission and torques", seconds, peer=name, peer_seconds=kwant_seconds,
                error=error, size=width, size_name="width of the wire (sites)",
            )  # fmt: skip


if __name__ == "__main__":
    main()
