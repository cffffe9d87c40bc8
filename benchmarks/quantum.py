"""One electron and N quantum local spins: time and error against QuTiP, SciPy, Crank-Nicolson.

The run of Mondal et al., PRB 99, 094431 (2019): 400 sites, five spins 1/2, electron along -z,
600 fs, spins at 61 times.  Errors are the largest deviation of any spin component at any time
from exact diagonalisation.  The peers are given their best case, the matrix of the one sector
that matters (2400 states), and then the product space that a script would use (25 600 states).
Settings of the peers: the cheapest found that reach an error of about 1e-6.

    python benchmarks/quantum.py [--quick | --long] [sector | product | scaling ...]

Everything by default; QuTiP is left out where it is not installed (group `bench`).
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402
from peers import installed  # noqa: E402
from record import amount, keep, words  # noqa: E402
from scipy import sparse  # noqa: E402
from scipy.sparse.linalg import expm_multiply  # noqa: E402
from timing import best, memory  # noqa: E402

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

#: Error that the whole series is allowed; the spins are off by much less.
BOUND = 1e-2
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
    print("Exact diagonalisation of the sector", flush=True)
    h, psi, diagonals = prepare([1])
    energy, states = np.linalg.eigh(h.matrix().toarray())
    amplitudes = states.T @ psi.T.ravel()
    evolved = states @ (np.exp(-1j * np.outer(energy, TIMES) / HBAR) * amplitudes[:, None])
    return (abs(evolved) ** 2).T @ diagonals


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
    whole, whole_seconds = best(whole_run, 5)
    error = abs(whole - reference).max()
    spins, seconds = best(lambda: stepping(h, psi, ChebyshevPropagator(h, BOUND, 600.0)), 9)
    own = abs(spins - reference).max()
    print(f"{'':46s} {'CPU s':>8s} {'error':>9s}  times slower than spins only")
    for name, time, off in (
        ("this program, all observables, bound 1e-10", whole_seconds, error),
        (f"this program, spins only, bound {BOUND:g}", seconds, own),
    ):
        print(f"{name:46s} {time:8.4f} {off:9.1e}  {time / seconds:8.1f}", flush=True)
    if sectors:
        keep("600 fs, all observables, bound 1e-10", whole_seconds, error=error,
             goal={"seconds": 0.3})  # fmt: skip
    states = "2400 states" if sectors else "25 600 states"
    for name, run in peers(*prepare(sectors), sectors is not None).items():
        result, taken = best(run, 3 if sectors else 1, 5.0)
        off = abs(result - reference).max()
        print(f"{name:46s} {taken:8.3f} {off:9.1e}  {taken / seconds:8.1f}", flush=True)
        keep(
            "600 fs, spins", seconds, peer=f"{name}, {states}", peer_seconds=taken,
            error=own, peer_error=off, goal={"ratio": 40},
        )  # fmt: skip


def peers(h, psi, diagonals, small: bool) -> dict[str, Callable[[], np.ndarray]]:
    """The same evolution by other programs, by name."""
    runs: dict[str, Callable[[], np.ndarray]] = {}
    if installed("qutip", "QuTiP", "group `bench`"):
        for dimension in (20, 30):
            runs[f"QuTiP sesolve, krylov {dimension}"] = lambda d=dimension: qutip_run(
                h, psi, diagonals, "krylov", krylov_dim=d
            )
        runs["QuTiP sesolve, adams, rtol 1e-9"] = lambda: qutip_run(
            h, psi, diagonals, "adams", rtol=1e-9, atol=1e-10
        )
    runs["SciPy expm_multiply"] = lambda: scipy_run(h, psi, diagonals)
    if small:
        mean = float(np.vdot(psi, h.apply(psi)).real)
        for dt, name, shift in ((0.025, "shifted", mean), (0.1, "shifted", mean),
                                (0.1, "unshifted", 0.0)):  # fmt: skip
            runs[f"Crank-Nicolson, dt {dt} fs, {name}"] = lambda dt=dt, shift=shift: stepping(
                h, psi, CrankNicolsonPropagator(h, dt, shift)
            )
    return runs


ONE_FLIP = {"quick": (5, 20), "usual": (5, 20, 100, 500), "long": (5, 20, 100, 500)}
PRODUCT = {"quick": (2, 4), "usual": (2, 4, 6, 8), "long": (2, 4, 6, 8, 10)}


def scaling() -> None:
    """Time of one product H psi within a Chebyshev series, in the one-flip sector and in full."""
    print(f"\n{'':32s} {'states':>9s} {'ms per H psi':>13s} {'ns per state':>13s}")
    cases = [("one flip, 2000 sites", 2000, n, [1]) for n in ONE_FLIP[amount()]]
    cases += [("full space, 400 sites", 400, n, None) for n in PRODUCT[amount()]]
    for name, length, count, sectors in cases:
        model = quantum_chain(length, n_spins=count)
        h = hamiltonian(model, SpinBasis.of(model.two_s, sectors))
        packet = wave_packet(length, centre=length / 3)
        psi = initial_state(h.basis, packet, ELECTRON, product_state(model))
        propagate = ChebyshevPropagator(h, 1e-6, 100.0)
        psi = propagate(psi, 1.0)
        _, seconds = best(lambda p=propagate, s=psi: p(s, 20.0), 2, 20.0)
        each = seconds / propagate.terms(20.0)
        states = psi.size
        label = f"{name}, N = {count}"
        print(f"{label:32s} {states:9d} {1e3 * each:13.4f} {1e9 * each / states:13.3f}", flush=True)
        keep(
            f"one product of H and a state, {name}", each, size=states, size_name="states",
            curve=name, note=f"{count} spins, {1e9 * each / states:.2g} ns a state",
            memory=memory(),
        )  # fmt: skip


def main(parts: list[str]) -> None:
    """Run the named parts."""
    if amount() == "quick" and not parts:
        parts = ["sector", "scaling"]
    reference = exact() if set(parts) != {"scaling"} else None
    if not parts or "sector" in parts:
        print("Everybody in the one sector that matters (2400 states)")
        compare([1], reference)
    if not parts or "product" in parts:
        print("\nThe peers in the product space (25 600 states)")
        compare(None, reference)
    if not parts or "scaling" in parts:
        scaling()


if __name__ == "__main__":
    main(words())
