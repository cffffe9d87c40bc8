"""Compiled ensemble of macrospins at temperature: 10^4 trajectories, 10 ns at 1 ps.

    python benchmarks/macrospin.py [trajectories]

Prints wall and processor time of one run, compilation excluded; the processor time over the
number of free cores is what an idle machine needs.
"""

import sys
import time

import numpy as np
from record import keep

from negf_torque.llg.batch import integrate
from negf_torque.llg.demagnetisation import ellipsoid_factors
from negf_torque.llg.macrospin import macrospin
from negf_torque.llg.torques import slonczewski_torque


def main(trajectories: int) -> None:
    """One thermal ensemble under a Slonczewski torque with epsilon'."""
    size = (100.0, 60.0, 2.0)
    model = macrospin(
        8e5,
        0.01,
        applied=(1e3, 0, 0),
        anisotropies=[(1e4, (1, 0, 0))],
        demagnetisation=ellipsoid_factors(size),
        torques=[slonczewski_torque((1, 0, 0), 0.3, 1.5, 0.02, 8e5, size[2])],
        volume=float(np.prod(size) * np.pi / 4),
    )
    start = np.tile([-1.0, 0.1, 0.1], (trajectories, 1))
    options = dict(drive=1e11, temperature=300.0, stride=100)
    integrate(model, start[:2], 0.1, 1e-3, **options)
    wall, cpu = time.perf_counter(), time.process_time()
    ensemble = integrate(model, start, 10.0, 1e-3, **options)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    steps = trajectories * 10_000
    drift = np.abs(np.linalg.norm(ensemble.m, axis=-1) - 1).max()
    print(f"{trajectories} x 10 ns at 1 ps: wall {wall:.2f} s, processor {cpu:.2f} s, ", end="")
    keep(f"{trajectories} thermal trajectories, 10 ns at 1 ps", wall, error=drift)
    print(f"{1e9 * cpu / steps:.0f} ns per step; | |m| - 1 | <= {drift:.1e}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
