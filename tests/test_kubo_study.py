"""Cards with spin-orbit coupling: they run, add up, feed the solvers, and say what is wrong."""

import json

import numpy as np
import pytest

from negf_torque.study import execute, load_card
from negf_torque.study.errors import StudyError

LLG = """
[llg]
saturation_magnetisation = 8e5
cell_area = 0.09
layer_spacing = 0.3

[output]
figures = []
export = ["mumax3", "magnumnp"]
"""
RASHBA = """
[system]
model = "rashba"
rashba = {rashba}
exchange = 0.6
lattice_constant = 0.3
chemical_potential = -2.0
broadening = 0.9

[calculation]
kind = "spin_orbit_torque"
angles = [0, 40, 80]
azimuths = [0, 45]
tolerance = 1e-4
method = "uniform"
"""
METAL = """
[system.metal]
shells = "sp"
energies = {{ s = -2.0, p = 3.0 }}
bonds = {{ ss_sigma = -0.8, sp_sigma = 1.0, pp_sigma = 1.2, pp_pi = -0.3 }}
spin_orbit = {{ p = {coupling} }}
"""
BILAYER = """
[system]
model = "bilayer"
metal_layers = 2
ferromagnet_layers = 1
chemical_potential = 0.5
broadening = 1.0

[system.ferromagnet]
shells = "s"
energies = { s = -2.0 }
bonds = { ss_sigma = -0.8 }
exchange = 1.5

[calculation]
kind = "spin_orbit_torque"
angles = [0]
azimuths = [30]
tolerance = 1e-2
method = "uniform"
"""
SPIN_HALL = """
[system]
lattice = "simple_cubic"
chemical_potential = 3.0
broadening = 0.5

[system.impurities]
theory = "t-matrix"
potential = 2.5
spin_orbit = { p = 1.0 }

[system.film]
spin_flip_length = 1.5
mixing = [0.6, 0.06]
magnet_thickness = 1.0
thickness = 4.0

[calculation]
kind = "spin_hall"
energies = [0.5]
concentrations = [0.2, 0.45]
mesh = 8
intrinsic_mesh = 8
tolerance = 1e-2
"""


def run(tmp_path, text):
    path = tmp_path / "card.toml"
    path.write_text(text)
    return execute(load_card(path), tmp_path / "out")


def test_rashba_card_runs_and_exports(tmp_path):
    outcome = run(tmp_path, RASHBA.format(rashba=0.3) + LLG)
    ds = outcome.dataset
    assert outcome.converged
    total = ds["torkance"].sel(part="total")
    parts = ds["torkance"].sel(part="surface") + ds["torkance"].sel(part="sea")
    np.testing.assert_allclose(total, parts, atol=1e-15)
    assert float(ds["residual_allowed"].sel(part="total")) < 1e-3
    names = {path.name for path in outcome.files}
    assert {"card.mx3", "card_magnumnp.py"} <= names
    field = json.loads((outcome.directory / "summary.json").read_text())
    values = {s["name"]: s["value"] for s in field["scalars"]}
    # mu0 H = hbar J xi/(2 e M_s d) at 1e11 A/m^2, d = 0.3 nm
    expected = 6.582119569e-16 * 1e11 * values["xi_FL"] / (2 * 8e5 * 0.3e-9) * 1e3
    assert values["field_FL"] == pytest.approx(expected, rel=1e-9)


def test_without_coupling_no_torque(tmp_path):
    card = RASHBA.format(rashba=0.0).replace("[0, 40, 80]", "[40]").replace("[0, 45]", "[20]")
    ds = run(tmp_path, card).dataset
    np.testing.assert_allclose(ds["torkance"].sel(part="total"), 0, atol=1e-14)


def test_bilayer_card_resolves_layers(tmp_path):
    ds = run(tmp_path, BILAYER + METAL.format(coupling=0.6)).dataset
    by_layer = ds["layer_field_like"].sel(part="total")
    np.testing.assert_allclose(
        by_layer.sum("layer"), ds["field_like"].sel(part="total"), atol=1e-14
    )
    np.testing.assert_allclose(by_layer.sel(layer=[0, 1]), 0, atol=1e-15)
    assert abs(float(by_layer.sel(layer=2).isel(angle=0, azimuth=0))) > 1e-6


def test_impurities_instead_of_broadening(tmp_path):
    table = (
        '[system.impurities]\ntheory = "coherent-potential"\nconcentration = 0.3\npotential = 2.5\n'
    )
    card = RASHBA.format(rashba=0.5).replace("broadening = 0.9\n", table)
    card = card.replace("angles = [0, 40, 80]", "angles = [0]").replace("[0, 45]", "[0]")
    card = card.replace('method = "uniform"\n', "")
    ds = run(tmp_path, card).dataset
    damping_like = ds["damping_like"].isel(angle=0, azimuth=0)
    bare, total = (float(damping_like.sel(part=p)) for p in ("bare", "total"))
    assert abs(total - bare) > 0.1 * abs(bare)


def test_spin_hall_card(tmp_path):
    outcome = run(tmp_path, SPIN_HALL + METAL.format(coupling=0.6) + LLG)
    ds = outcome.dataset
    hall = ds["spin_hall"]
    np.testing.assert_allclose(
        hall.sel(contribution="total"),
        hall.sel(contribution="bubble") + hall.sel(contribution="vertex"),
    )
    np.testing.assert_allclose(
        ds["spin_hall_angle"], hall.sel(contribution="total") * ds["resistivity"]
    )
    d = ds["thickness"].values
    ratio = ds["xi_DL"].values / ds["xi_DL"].values[-1]
    assert np.all(np.diff(np.abs(ratio)) > -1e-3) and d[-1] == 10.0
    assert any(path.name == "card.mx3" for path in outcome.files)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("broadening = 0.9\n", "", "exactly one of broadening"),
        ('model = "rashba"', 'model = "bilayer"', "without .system.metal"),
        ('model = "rashba"', 'model = "custom"', "without a builder"),
        ("[0, 40, 80]", "[0, 200]", "0 ... 180"),
        ("broadening = 0.9", "broadening = 0.0", "broadening"),
    ],
)
def test_bad_cards_are_refused(tmp_path, old, new, message):
    path = tmp_path / "card.toml"
    path.write_text(RASHBA.format(rashba=0.3).replace(old, new))
    with pytest.raises((StudyError, ValueError), match=message):
        load_card(path)


def test_unknown_bond_is_named(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text(SPIN_HALL + METAL.format(coupling=0.6).replace("pp_pi", "pp_pie"))
    with pytest.raises((StudyError, ValueError), match="pp_pie"):
        load_card(path)
