"""Periodic cubic stacks of 40 layers: all layer torques per k-point, against Kwant.

Normal leads, two noncollinear magnets, electrons of both leads at one energy; torque of a
layer: Delta m x <sigma>.  Kwant solves the chain at each k-point, k entering as a parameter
(``wave_function`` and ``kwant.operator.Density``; the quicker of its solvers).  Both times
include the leads.  Cases: one orbital; nine orbitals with diagonal hopping between layers; nine
orbitals with a full hopping matrix, whose leads need Bloch modes.

    python benchmarks/stack_torque.py [--quick] [k-points]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import time  # noqa: E402
import warnings  # noqa: E402
from dataclasses import dataclass  # noqa: E402

import numpy as np  # noqa: E402
from peers import kwant_solvers  # noqa: E402
from record import amount, keep, words  # noqa: E402
from timing import best, product_seconds, recursion_flops  # noqa: E402

from negf_torque.greens.batched import solve  # noqa: E402
from negf_torque.greens.blocks import sparse_blocks, sparse_operators  # noqa: E402
from negf_torque.greens.surface import lead_self_energy, opposite_leads  # noqa: E402
from negf_torque.spin import PAULI, SIGMA, direction  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kwant

LAYERS = 40
ENERGY = -2.2
EXCHANGE = 1.5


@dataclass
class Stack:
    """Cell h0 + 2 (cos kx + cos ky) h1, real hopping v = <n + 1|H|n>; spin is the last index."""

    name: str
    h0: np.ndarray
    h1: np.ndarray
    v: np.ndarray
    moments: np.ndarray

    @classmethod
    def build(cls, name: str, orbitals: int, full: bool) -> "Stack":
        rng = np.random.default_rng(7)
        unit = np.eye(orbitals)
        level, inplane, hop = np.zeros((orbitals,) * 2), -unit, -unit
        if orbitals > 1:
            level = np.diag(rng.normal(size=orbitals))
            mix = 0.2 * rng.normal(size=(orbitals,) * 2)
            inplane = inplane + mix + mix.T
            if full:
                hop = hop + 0.2 * rng.normal(size=(orbitals,) * 2)
        m = np.zeros((LAYERS, 3))
        m[5:20], m[25:35] = direction(0.0, 0.0), direction(1.2, 0.5)
        return cls(name, *(np.kron(a, np.eye(2)) for a in (level, inplane, hop)), m)

    @property
    def orbitals(self) -> int:
        return len(self.h0) // 2

    def layer(self, m: np.ndarray) -> np.ndarray:
        """Cell of a layer with moment m, at h1 = 0."""
        exchange = np.any(m) * 0.75 * PAULI[0] - EXCHANGE / 2 * np.tensordot(m, SIGMA, 1)
        return self.h0 + np.kron(np.eye(self.orbitals), exchange)

    def spins(self) -> list[np.ndarray]:
        return [np.kron(np.eye(self.orbitals), s) for s in SIGMA]


def ours(stack: Stack):
    """A function of k (B, 2) that returns torques (2, layers, 3, B)."""
    blocks = sparse_blocks(
        [np.array([stack.layer(m), stack.h1]) for m in stack.moments],
        [np.array([stack.v, 0 * stack.v])] * (LAYERS - 1),
    )
    operators = sparse_operators([(n, s) for n in range(LAYERS) for s in stack.spins()])

    def run(k):
        inplane = 2 * np.cos(k).sum(1)
        phases = np.array([np.ones(len(k)), inplane], complex)
        cell = stack.h0 + inplane[:, None, None] * stack.h1
        left, right = opposite_leads(cell, stack.v, ENERGY)
        leads = time.process_time()
        fields = solve(blocks, phases, ENERGY, left, right, operators, scattering=False)
        spin = fields.local.reshape(2, LAYERS, 3, -1)
        m = stack.moments[None, ..., None]
        return EXCHANGE * np.cross(m, spin, axisa=2, axisb=2, axisc=2), leads

    return run


def theirs(stack: Stack):
    """The same by Kwant, with one of its solvers."""
    lattice = kwant.lattice.chain(norbs=len(stack.h0))
    system = kwant.Builder()

    def cell(m):
        here = stack.layer(m)
        return lambda site, kx, ky: here + 2 * (np.cos(kx) + np.cos(ky)) * stack.h1

    for n, m in enumerate(stack.moments):
        system[lattice(n)] = cell(m)
    for n in range(LAYERS - 1):
        system[lattice(n + 1), lattice(n)] = stack.v
    for step in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((step,)))
        lead[lattice(0)] = cell(np.zeros(3))
        lead[lattice(1), lattice(0)] = stack.v
        system.attach_lead(lead)
    system = system.finalized()
    operators = [kwant.operator.Density(system, s) for s in stack.spins()]

    def run(k, solver):
        torque = np.zeros((2, LAYERS, 3, len(k)))
        for b, (kx, ky) in enumerate(k):
            waves = solver.wave_function(system, ENERGY, params=dict(kx=kx, ky=ky))
            for p in range(2):
                psi = waves(p)
                spin = np.transpose([
                    sum((operator(one) for one in psi), np.zeros(LAYERS))
                    for operator in operators
                ])
                torque[p, :, :, b] = EXCHANGE * np.cross(stack.moments, spin)
        return torque

    return run


def main() -> None:
    """Print the table."""
    points = int(words()[0]) if words() else {"quick": 2000}.get(amount(), 100_000)
    print(f"{'case':<34} {'Kwant ms':>9} {'ours us':>9} {'(leads':>8} {'chain)':>8} "
          f"{'ratio':>7} {'error':>8} {'chain/zgemm':>11}  solver of Kwant")
    rng = np.random.default_rng(1)
    solvers = kwant_solvers()
    for name, orbitals, full in [
        ("1 orbital", 1, False),
        ("9 orbitals, diagonal hopping", 9, False),
        ("9 orbitals, full hopping", 9, True),
    ]:
        stack = Stack.build(name, orbitals, full)
        mine, kwant_run = ours(stack), theirs(stack)
        few = rng.uniform(-np.pi, np.pi, (40 if orbitals == 1 else 12, 2))
        many = rng.uniform(-np.pi, np.pi, (points if orbitals == 1 else max(points // 200, 8), 2))
        peer, kwant_time = "", np.inf
        for label, solver in solvers.items():
            expected, seconds = best(lambda s=solver, r=kwant_run, k=few: r(k, s), 3)
            if seconds < kwant_time:
                peer, kwant_time = label, seconds
        kwant_time /= len(few)
        error = np.abs(mine(few)[0] - expected).max()
        times = []
        for _ in range(5):
            start = time.process_time()
            _, middle = mine(many)
            end = time.process_time()
            times.append(((end - start), (middle - start), (end - middle)))
        total, leads, chain = (x / len(many) for x in min(times))
        n = 2 * orbitals
        limit = product_seconds(recursion_flops(LAYERS, n, channels(stack, few)), n)
        print(f"{name:<34} {kwant_time * 1e3:9.3f} {total * 1e6:9.2f} {leads * 1e6:8.2f} "
              f"{chain * 1e6:8.2f} {kwant_time / total:7.0f} {error:8.1e} {chain / limit:11.2f}"
              f"  {peer}", flush=True)
        keep(
            f"one momentum, {name}",
            total,
            peer=peer,
            peer_seconds=kwant_time,
            error=error,
            limit=limit if orbitals > 1 else None,
            goal={"ratio": 1000 if orbitals == 1 else 100},
            note=f"leads {leads / total:.0%}",
        )


def channels(stack: Stack, k) -> float:
    """Open channels of a lead, averaged over the momenta."""
    cells = stack.h0 + 2 * np.cos(k).sum(1)[:, None, None] * stack.h1
    return float(lead_self_energy(cells, stack.v, ENERGY).open_channels.mean())


if __name__ == "__main__":
    main()
