"""One electron and N quantum local spins: time and error against QuTiP, SciPy, Crank-Nicolson.

The run of Mondal et al., PRB 99, 094431 (2019): 400 sites, five spins 1/2, electron along -z,
600 fs, spins at 61 times.  Errors are the largest deviation of any spin component at any time
from exact diagonalisation.  The peers are given their best case, the matrix of the one sector
that matters (2400 states), and then the product space that a script would use (25 600 states).
Settings of the peers: the cheapest found that reach an error of about 1e-6.

    python benchmarks/quantum.py            both comparisons and the scaling (a few minutes)
    python benchmarks/quantum.py sector     only the first
    python benchmarks/quantum.py scaling    only the scaling in N
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402
from record import keep  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.sparse.linalg import expm_multiply  # noqa: E402

from negf_torque.manybody import (  # noqa: E402
    ChebyshevPropagator,
    CrankNicolsonPropagator,
    Hamiltonian,
    SpinBasis,
    evolve,
    hamiltonian,
    initial_state,
    product_state,
    quantum_chain,
    wave_packet,
)
from negf_torque.units import HBAR  # noqa: E402

TIMES = np.linspace(0, 600, 61)
ELECTRON = (0, 0, -1)


def prepare(sectors: list[int] | None) -> tuple[Hamiltonian, np.ndarray, np.ndarray]:
    """Hamiltonian, initial state, and the diagonals of sigma_z, X_1 ... X_5 (states, 6)."""
    model = quantum_chain()
    basis = SpinBasis.of(model.two_s, sectors)
    h = hamiltonian(model, basis)
    psi = initial_state(basis, wave_packet(400), ELECTRON, product_state(model))
    columns = [1.0 - 2 * basis.electron, *(1.0 - 2 * basis.lowered).T]
    return h, psi, np.column_stack([np.tile(c, model.length) for c in columns])


def exact() -> np.ndarray:
    """S_z of electron and local spins at TIMES, (61, 6), by diagonalising the sector."""
    h, psi, diagonals = prepare([1])
    energy, states = np.linalg.eigh(h.matrix().toarray())
    amplitudes = states.T @ psi.T.ravel()
    evolved = states @ (np.exp(-1j * np.outer(energy, TIMES) / HBAR) * amplitudes[:, None])
    return (abs(evolved) ** 2).T @ diagonals


def timed(function: Callable[[], np.ndarray], repeats: int = 1) -> tuple[float, np.ndarray]:
    """CPU seconds (best of `repeats`) and the result."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        best = min(best, time.process_time() - start)
    return best, result


def whole_run() -> np.ndarray:
    """`evolve` with all its observables (densities, currents, torques, entropies ...)."""
    s = evolve(quantum_chain(), TIMES, electron_spin=ELECTRON).samples
    return np.column_stack([s.electron_spin[:, 2], s.local_spin[:, :, 2]])


def stepping(h: Hamiltonian, psi: np.ndarray, propagator: Callable) -> np.ndarray:
    """Spins at TIMES with one of the package's propagators."""
    basis = h.basis
    columns = np.column_stack([1.0 - 2 * basis.electron, 1.0 - 2 * basis.lowered])
    out = []
    for k, now in enumerate(TIMES):
        if k:
            psi = propagator(psi, now - TIMES[k - 1])
        out.append((abs(psi) ** 2).sum(axis=1) @ columns)
    return np.array(out)


def qutip_run(
    h: Hamiltonian, psi: np.ndarray, diagonals: np.ndarray, method: str, **options: float
) -> np.ndarray:
    import qutip

    matrix = qutip.Qobj(h.matrix().tocsr() / HBAR)
    start = qutip.Qobj(psi.T.ravel())
    measured = [qutip.Qobj(sparse.diags_array(d).tocsr()) for d in diagonals.T]
    settings = {"method": method, "nsteps": 10**7, "progress_bar": "", **options}
    return np.array(qutip.sesolve(matrix, start, TIMES, e_ops=measured, options=settings).expect).T


def scipy_run(h: Hamiltonian, psi: np.ndarray, diagonals: np.ndarray) -> np.ndarray:
    generator = (-1j / HBAR * h.matrix()).tocsr()
    states = expm_multiply(generator, psi.T.ravel(), TIMES[0], TIMES[-1], len(TIMES), endpoint=True)
    return (abs(states) ** 2) @ diagonals


def compare(sectors: list[int] | None, reference: np.ndarray) -> None:
    """One table: ours, then the peers on the matrix of the given sectors."""
    h, psi, diagonals = prepare([1])
    evolve(quantum_chain(), [0.0, 1.0])  # compile
    rows = [
        ("this program, all observables, bound 1e-10", timed(whole_run, 5)),
        (
            "this program, spins only, bound 1e-3",
            timed(lambda: stepping(h, psi, ChebyshevPropagator(h, 1e-3, 600.0)), 5),
        ),
    ]
    fastest = rows[1][1][0]
    print(f"{'':46s} {'CPU s':>8s} {'error':>9s}  times slower than spins only")
    h, psi, diagonals = prepare(sectors)
    peers = [
        (
            "QuTiP sesolve, krylov, dimension 20",
            lambda: qutip_run(h, psi, diagonals, "krylov", krylov_dim=20),
        ),
        (
            "QuTiP sesolve, krylov, dimension 30",
            lambda: qutip_run(h, psi, diagonals, "krylov", krylov_dim=30),
        ),
        (
            "QuTiP sesolve, adams, rtol 1e-9",
            lambda: qutip_run(h, psi, diagonals, "adams", rtol=1e-9, atol=1e-10),
        ),
        ("SciPy expm_multiply", lambda: scipy_run(h, psi, diagonals)),
    ]
    if sectors is not None:
        mean = float(np.vdot(psi, h.apply(psi)).real)
        peers += [
            (
                f"Crank-Nicolson, dt {dt} fs, {name}",
                lambda dt=dt, shift=shift: stepping(h, psi, CrankNicolsonPropagator(h, dt, shift)),
            )
            for dt, name, shift in (
                (0.025, "shifted", mean),
                (0.1, "shifted", mean),
                (0.1, "unshifted", 0.0),
            )
        ]
    for name, (seconds, result) in rows:
        report(name, seconds, result, reference, fastest)
    for name, run in peers:
        report(name, *timed(run, 3 if sectors else 1), reference, fastest)


def report(
    name: str, seconds: float, result: np.ndarray, reference: np.ndarray, fastest: float
) -> None:
    error = abs(result - reference).max()
    print(f"{name:46s} {seconds:8.3f} {error:9.1e}  {seconds / fastest:8.1f}", flush=True)
    if name.startswith("this"):
        keep(f"quantum chain: {name}", seconds, error=error)
    else:
        keep(
            "quantum chain, spins", fastest, peer=name, peer_seconds=seconds, error=error
        )


def scaling() -> None:
    """Time of one product H psi within a Chebyshev series, in the one-flip sector and in full."""
    print(f"\n{'':32s} {'states':>9s} {'ms per H psi':>13s} {'ns per state':>13s}")
    cases = [("one flip, 2000 sites", 2000, n, [1]) for n in (5, 20, 100, 500)]
    cases += [("full space, 400 sites", 400, n, None) for n in (2, 4, 6, 8, 10)]
    for name, length, count, sectors in cases:
        model = quantum_chain(length, n_spins=count)
        h = hamiltonian(model, SpinBasis.of(model.two_s, sectors))
        packet = wave_packet(length, centre=length / 3)
        psi = initial_state(h.basis, packet, ELECTRON, product_state(model))
        propagate = ChebyshevPropagator(h, 1e-6, 100.0)
        psi = propagate(psi, 1.0)
        seconds, _ = timed(lambda p=propagate, s=psi: p(s, 20.0), 2)
        each = seconds / propagate.terms(20.0)
        states = psi.size
        label = f"{name}, N = {count}"
        print(f"{label:32s} {states:9d} {1e3 * each:13.4f} {1e9 * each / states:13.3f}", flush=True)


def main(what: str) -> None:
    if what in ("all", "sector"):
        reference = exact()
        print("Everybody in the one sector that matters (2400 states)")
        compare([1], reference)
    if what == "all":
        print("\nThe peers in the product space (25 600 states)")
        compare(None, reference)
    if what in ("all", "scaling"):
        scaling()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "all")
