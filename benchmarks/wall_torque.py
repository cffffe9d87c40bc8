"""A Bloch wall in a W x W wire between magnetic leads: transmission and all site torques.

Ours: the wire's modes, solved as a batch of chains, both leads.  Kwant: its default solver,
``wave_function`` and ``kwant.operator.Density``.  Both include the leads.  The last columns are
the error of all site torques against Kwant, and the complete response (window and Fermi sea),
which Kwant has no function for.

    python benchmarks/wall_torque.py [W ...]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from record import keep  # noqa: E402

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

    def run():
        response = solve(make_device(chain), np.zeros((1, 0)), ENERGY)
        return response.transmission[0], exchange_torque(
            chain.sites, response.exchange_density[..., 0]
        )

    return run


def theirs(magnet: Magnet, chain):
    """The same by Kwant, sites in our order."""
    system = magnet.builder.finalized()
    place = {tuple(np.round(p, 6)): n for n, p in enumerate(chain.sites.position)}
    order = [place[tuple(np.round(site.pos, 6))] for site in system.sites]
    operators = [kwant.operator.Density(system, s) for s in SIGMA]

    def run():
        waves = kwant.wave_function(system, ENERGY)
        spin = np.zeros((2, len(order), 3))
        for p in range(2):
            for psi in waves(p):
                spin[p][order] += np.stack([operator(psi) for operator in operators], axis=1)
        transmission = kwant.smatrix(system, ENERGY).transmission(1, 0)
        return transmission, np.cross(chain.sites.exchange, spin)

    return run


def best(run, repeats: int):
    """Result and shortest time."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return result, min(times)


def main() -> None:
    """Print the table."""
    print(f"Kwant {kwant.__version__}, Bloch wall of width {WALL:g} in {LENGTH} layers")
    print(f"{'W':>3} {'T':>14} {'Kwant s':>9} {'ours s':>9} {'ratio':>7} {'error':>8} "
          f"{'complete s':>11}")
    for width in [int(w) for w in sys.argv[1:]] or [1, 3, 6]:
        magnet = wire(width)
        chain = layer_chain(magnet)
        (transmission, torque), seconds = best(ours(chain), 5)
        (_, expected), kwant_seconds = best(theirs(magnet, chain), 2)
        error = np.abs(torque - expected).max()
        whole = float("nan")
        if width <= 3:
            _, whole = best(lambda c=chain: complete_response(c, ENERGY, Sampling(1e-6)), 1)
        print(f"{width:3d} {transmission:14.10f} {kwant_seconds:9.4f} {seconds:9.4f} "
              f"{kwant_seconds / seconds:7.1f} {error:8.1e} {whole:11.2f}")
        keep(
            f"Bloch wall in a wire {width} x {width}, transmission and torques", seconds,
            peer="Kwant", peer_seconds=kwant_seconds, error=error, size=width,
            size_name="width of the wire (sites)",
        )


if __name__ == "__main__":
    main()
