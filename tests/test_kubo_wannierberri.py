"""Independent: the anomalous Hall conductivity of WannierBerri on the same Hamiltonian and mesh.

`make test-peers` installs WannierBerri and runs this; skipped where it is not installed.
"""

import numpy as np
import pytest

from negf_torque.gradient.kubo.integrand import Evaluator
from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.observables import velocity_observables
from negf_torque.lattice.spin_orbit_models import OrbitalMaterial, orbital_metal
from negf_torque.units import ELEMENTARY_CHARGE, HBAR_SI

wannierberri = pytest.importorskip("wannierberri")
LEVELS = np.array([0.3, 0.4, 0.5])
SIEMENS = ELEMENTARY_CHARGE**2 / HBAR_SI / 1e-10  # e^2/hbar per angstrom in S/m


def write_tb(path, model):
    """A `_tb.dat` with orbitals at the origin; lengths count as angstrom."""
    cells, n = np.round(model.displacements).astype(int), model.orbitals
    lines = ["model", *(" ".join(map(str, row)) for row in model.lattice), str(n), str(len(cells))]
    lines.append(" ".join("1" for _ in cells))
    for r, h in zip(cells, model.hoppings, strict=True):
        lines += ["", " ".join(map(str, r))]
        lines += [
            f"{a + 1} {b + 1} {h[a, b].real:.17e} {h[a, b].imag:.17e}"
            for b in range(n)
            for a in range(n)
        ]
    for r in cells:
        lines += ["", " ".join(map(str, r))]
        lines += [f"{a + 1} {b + 1}" + " 0.0" * 6 for b in range(n) for a in range(n)]
    path.write_text("\n".join(lines) + "\n")


def their_conductivity(path, size):
    """sigma_xy at LEVELS, S/m, on the mesh i/size."""
    system = wannierberri.system.System_R.from_tb_dat(str(path), berry=True)
    grid = wannierberri.Grid(system, NK=[size] * 3, NKFFT=[size] * 3)
    ahc = wannierberri.calculators.static.AHC(
        Efermi=LEVELS, tetra=False, kwargs_formula={"external_terms": False}
    )
    result = wannierberri.run(
        system, grid=grid, calculators={"ahc": ahc}, use_irred_kpt=False, symmetrize=False,
        parallel=False, adpt_num_iter=0,
    )  # fmt: skip
    return result.results["ahc"].data[:, 2]


def on_their_mesh(model, size):
    """Ours, on the same points (the public function takes meshes off the symmetric planes)."""
    axes = np.meshgrid(*[np.arange(size) / size] * 3, indexing="ij")
    points = np.stack([a.ravel() for a in axes], axis=-1)
    flow = velocity_observables(model)
    evaluate = Evaluator(model, flow, LEVELS, 0.0, 0.0, ("sea",))
    return evaluate(points).mean(axis=0).reshape(len(LEVELS), 3, 3)[:, 0, 1]


def test_anomalous_hall_conductivity_to_ten_digits(agree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the peer writes files where it runs
    material = OrbitalMaterial(
        "sp", {"s": -2.0, "p": 3.0},
        {"ss_sigma": -0.8, "sp_sigma": 1.0, "pp_sigma": 1.2, "pp_pi": -0.3}, {"p": 0.6}, 0.9,
    )  # fmt: skip
    model = bulk_model(orbital_metal(material))
    path = tmp_path / "model_tb.dat"
    write_tb(path, model)
    theirs = their_conductivity(path, 8)
    assert np.abs(theirs).min() > 1e3
    agree(
        "Anomalous Hall conductivity of an s-p ferromagnet at three energies",
        SIEMENS * on_their_mesh(model, 8),
        theirs,
        against="another program",
        rtol=1e-10,
        note="WannierBerri on the same momenta",
    )
