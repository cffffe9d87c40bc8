"""Response with spin-orbit coupling: against WannierBerri, and adaptive against uniform meshes.

    python benchmarks/spin_orbit.py [--quick | --long]

First table: anomalous Hall conductivity of an eight-band magnet on 32^3 points, ours and
WannierBerri's on the same points (where it is installed, group `peers`), and ours on the
irreducible ones.  The flop limit counts what a point needs besides its diagonalisation: the sums
over harmonics of H and of three velocities, and the velocities in the basis of the bands.  Second
table: points that a relative error of 1e-4 of the spin-orbit torque of a square-lattice Rashba
magnet takes at falling broadening, found against a tighter run; the exponent is
d log(points)/d log(1/eta).
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import contextlib  # noqa: E402
import io  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from peers import installed  # noqa: E402
from record import amount, keep  # noqa: E402
from timing import best, product_seconds  # noqa: E402

from negf_torque.gradient.kubo.integrand import Evaluator  # noqa: E402
from negf_torque.gradient.kubo.models import bulk_model  # noqa: E402
from negf_torque.gradient.kubo.response import Integration, bulk_response  # noqa: E402
from negf_torque.gradient.kubo.symmetry import find_operations  # noqa: E402
from negf_torque.gradient.observables import spin_observables, velocity_observables  # noqa: E402
from negf_torque.lattice.spin_orbit_models import (  # noqa: E402
    OrbitalMaterial,
    orbital_metal,
    rashba_magnet,
)
from negf_torque.units import ELEMENTARY_CHARGE, HBAR_SI  # noqa: E402

LEVELS = np.array([0.3, 0.4, 0.5])
MAGNET = OrbitalMaterial(
    "sp", {"s": -2.0, "p": 3.0},
    {"ss_sigma": -0.8, "sp_sigma": 1.0, "pp_sigma": 1.2, "pp_pi": -0.3}, {"p": 0.6}, 0.9,
)  # fmt: skip


def theirs(model, size):
    """sigma_xy by WannierBerri in S/m and its time; None where it is not installed."""
    if not installed("wannierberri", "WannierBerri", "group `peers`"):
        return None
    import wannierberri

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from test_kubo_wannierberri import write_tb

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        path = Path(folder) / "model_tb.dat"
        write_tb(path, model)
        with contextlib.redirect_stdout(io.StringIO()):
            system = wannierberri.system.System_R.from_tb_dat(str(path), berry=True)
            grid = wannierberri.Grid(system, NK=[size] * 3, NKFFT=[size] * 3)

            def work():
                ahc = wannierberri.calculators.static.AHC(
                    Efermi=LEVELS, tetra=False, kwargs_formula={"external_terms": False}
                )
                result = wannierberri.run(
                    system, grid=grid, calculators={"ahc": ahc}, use_irred_kpt=False,
                    symmetrize=False, parallel=False, adpt_num_iter=0,
                )  # fmt: skip
                return result.results["ahc"].data[:, 2]

            return best(work, 3, 10.0)


def against_wannierberri(size):
    """The first table."""
    crystal = orbital_metal(MAGNET)
    model = bulk_model(crystal)
    flow = velocity_observables(model)
    axes = np.meshgrid(*[np.arange(size) / size] * 3, indexing="ij")
    points = np.stack([a.ravel() for a in axes], axis=-1)
    siemens = ELEMENTARY_CHARGE**2 / HBAR_SI / 1e-10  # e^2/hbar per angstrom in S/m

    def same_points():
        evaluate = Evaluator(model, flow, LEVELS, 0.0, 0.0, ("sea",))
        return siemens * evaluate(points).mean(axis=0).reshape(3, 3, 3)[:, 0, 1]

    symmetry = find_operations(model, crystal.basis.represent)

    def irreducible():
        return siemens * bulk_response(
            model, flow, LEVELS, 0.0, parts="sea", symmetry=symmetry,
            integration=Integration(mesh=(size,) * 3),
        ).total[:, 0, 1]  # fmt: skip

    def shifted_whole():
        return (
            siemens
            * bulk_response(
                model, flow, LEVELS, 0.0, parts="sea", integration=Integration(mesh=(size,) * 3)
            ).total[:, 0, 1]
        )

    print(f"anomalous Hall conductivity, 8 bands, {size}^3 points, 3 chemical potentials, CPU s")
    ours, seconds = best(same_points, 3)
    peer = theirs(model, size)
    n, harmonics, points = model.orbitals, len(model.hoppings), size**3
    work = points * (4 * 8 * harmonics * n**2 + 3 * 2 * 8 * n**3)
    limit = product_seconds(work, n)
    shared = {"size": points, "size_name": "points of the zone", "limit": limit}
    case = "anomalous Hall conductivity, 8 bands, 3 chemical potentials"
    if peer is None:
        keep(case, seconds, **shared)
    else:
        difference = np.abs(ours / peer[0] - 1).max()
        keep(case, seconds, peer="WannierBerri", peer_seconds=peer[1], error=difference,
             goal={"ratio": 20}, note="relative error", **shared)  # fmt: skip
        print(f"  WannierBerri              {peer[1]:8.3f}")
        ratio = peer[1] / seconds
        print(f"  same points               {seconds:8.3f}   {ratio:6.1f} times, {difference:.0e}")
    whole, full = best(shifted_whole, 3)
    part, short = best(irreducible, 3)
    difference = np.abs(part / whole - 1).max()
    keep(
        "the same from irreducible points", short, peer="whole mesh",
        peer_seconds=full, error=difference, size=points, size_name="points of the zone",
        note="relative error; only this program's symmetry is measured",
    )  # fmt: skip
    faster = f"{peer[1] / short:6.1f} times" if peer else ""
    print(f"  whole shifted mesh        {full:8.3f}")
    print(f"  its irreducible points    {short:8.3f}   {faster}, {difference:.0e} from the whole")


def cheapest_uniform(respond, reference, tolerance, most, size=16):
    """Points, seconds, error and size of the first mesh that is good enough; None beyond `most`."""
    while size**2 <= most:
        chi, seconds = best(lambda n=size: respond(Integration(mesh=(n, n))), 1)
        error = np.abs(chi.total - reference).max()
        if error < tolerance:
            return chi.evaluations, seconds, error, size
        size = int(np.ceil(size * 1.2 / 2)) * 2
    return None


def adaptive_against_uniform(broadenings, most):
    """The second table."""
    crystal = rashba_magnet(1.0, 0.3, 0.6)
    model = bulk_model(crystal)
    symmetry = find_operations(model, crystal.basis.represent)
    spins = spin_observables(model)[:2]
    print("\nspin of a Rashba magnet, error 1e-4 of the largest component (8 operations)")
    print("   eta/t   uniform points   CPU s   exponent   adaptive points   CPU s   exponent")
    before, start, last = None, 16, broadenings[0]
    for eta in broadenings:

        def respond(integration, eta=eta):
            return bulk_response(
                model, spins, -2.0, eta, symmetry=symmetry, integration=integration
            )

        reference = respond(Integration(1e-6, "adaptive")).total
        scale = np.abs(reference).max()
        # the loosest tolerance that is good enough in truth
        for rtol in (1e-2, 1e-3, 1e-4, 1e-5):
            chi, seconds = best(lambda r=rtol: respond(Integration(r, "adaptive")), 1)
            error = np.abs(chi.total - reference).max() / scale
            if error < 1e-4:
                break
        start = int(start * last / eta / 2) * 2  # in a pole's width as many points as before
        uniform = cheapest_uniform(respond, reference, 1e-4 * scale, most, start)
        start, last = int(0.7 * uniform[3]) if uniform else start, eta
        row = (uniform[0] if uniform else np.nan, chi.evaluations)
        powers = ("", "")
        if before is not None:
            step = np.log(before[0] / eta)
            powers = tuple(
                f"{np.log(b / a) / step:.2f}" for a, b in zip(before[1], row, strict=True)
            )
        cost = f"{uniform[0]:14d} {uniform[1]:9.2f}" if uniform else f"{'more':>14s} {'':>9s}"
        print(f"{eta:8.3f} {cost} {powers[0]:>10s} {chi.evaluations:17d} {seconds:9.2f}"
              f" {powers[1]:>10s}", flush=True)  # fmt: skip
        peer = {}
        if uniform:
            peer = {"peer": "uniform mesh", "peer_seconds": uniform[1],
                    "peer_error": uniform[2] / scale}  # fmt: skip
        keep(
            "spin of a Rashba magnet, adaptive", seconds, error=error, size=1 / eta,
            size_name="hopping / broadening", note=f"relative error; {chi.evaluations} points"
            + (f", uniform {uniform[0]}" if uniform else f", uniform more than {most / 8:.0e}"),
            **peer,
        )  # fmt: skip
        before = (eta, row)


if __name__ == "__main__":
    quick = amount() == "quick"
    against_wannierberri(8 if quick else 32)
    eta = (0.1, 0.03, 0.01, 0.003, 0.001)
    if quick:
        adaptive_against_uniform((0.3, 0.1), 1e5)
    elif amount() == "usual":
        adaptive_against_uniform(eta[:4], 1e7)
    else:
        adaptive_against_uniform(eta, 6e7)
