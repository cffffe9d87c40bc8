"""The calculation `gradient_tensors`: cards, datasets, figures, mistakes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.gradient.engine import gradient_tensors
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.model import square_rashba
from negf_torque.spin import direction
from negf_torque.study.calculations import gradient_tensors as calculation
from negf_torque.study.card import load, parse
from negf_torque.study.errors import CardError
from negf_torque.study.run import calculate

SYSTEMS = Path(__file__).parents[1] / "systems"

SHORT = """
[system]
hopping = 1.0
rashba = 0.5
exchange = 1.2
lattice_constant = 0.5
chemical_potential = -1.5
local_spin = 1.0

[system.impurities]
nonmagnetic = 2.0
transverse = 0.2

[calculation]
kind = "gradient_tensors"
angles = [0, 50]
azimuth = 30
tolerance = 1e-5
"""

BUILDER = '''
import kwant
import numpy as np

from negf_torque.lattice.bulk import bulk_from_kwant
from negf_torque.spin import SIGMA


def rashba(edge):
    lattice = kwant.lattice.square(a=edge, norbs=2)
    builder = kwant.Builder(kwant.TranslationalSymmetry((edge, 0), (0, edge)))
    builder[lattice(0, 0)] = -0.6 * SIGMA[2]
    builder[kwant.HoppingKind((-1, 0), lattice)] = -np.eye(2) + 0.25j * SIGMA[1]
    builder[kwant.HoppingKind((0, -1), lattice)] = -np.eye(2) - 0.25j * SIGMA[0]
    return bulk_from_kwant(builder, lambda site: [0, 0, 1.2])
'''


@pytest.fixture(scope="module")
def short():
    return calculate(parse(SHORT))


def test_the_dataset_holds_what_the_engine_gives(short):
    n = direction(np.radians(50), np.radians(30))
    engine = gradient_tensors(
        square_rashba(1.0, 0.5, 0.6, n), -1.5, magnetic_impurities(2.0, 0.2), tolerance=1e-5
    )
    one = short.sel(angle=50, part="total")
    assert short.attrs["converged"] == 1
    # lengths in nm: one per field, one per gradient
    assert_allclose(one["damping"], engine.damping.total, atol=1e-5)
    assert_allclose(one["torkance"], 0.5 * engine.torkance.total, atol=1e-5)
    assert_allclose(one["texture"], 0.25 * engine.texture.total, atol=1e-5)
    assert float(one["alpha"][0]) > 0


def test_parts_add_up_and_the_bare_ones_differ(short):
    parts = short["spin_transfer"].sel(part=["ladder", "static", "sea", "neutrality"]).sum("part")
    assert_allclose(parts, short["spin_transfer"].sel(part="total"), atol=1e-14)
    difference = short["torkance"].sel(part="bare") - short["torkance"].sel(part="total")
    assert float(abs(difference).max()) > 1e-4


def test_every_variable_is_labelled(short):
    for name in short.data_vars:
        assert short[name].attrs["units"], name
        assert short[name].attrs["long_name"], name


def test_summary_listing_and_figures(short):
    names = [scalar.name for scalar in calculation.summary(short)]
    assert {"damping_larger[0 deg]", "field_like[50 deg]", "beta[50 deg]"} <= set(names)
    (listing,) = calculation.listings(short)
    assert len(listing.rows) == 2
    assert set(calculation.figures(short)) == {"damping", "spin_orbit_torque", "spin_transfer"}


def test_without_texture_and_bare_parts():
    text = SHORT.replace("azimuth", "texture = false\nbare = false\nazimuth")
    dataset = calculate(parse(text.replace("[0, 50]", "[20]")))
    assert "texture" not in dataset and "beta" not in dataset
    assert np.isnan(dataset["torkance"].sel(part="bare")).all()
    assert set(calculation.figures(dataset)) == {"damping", "spin_orbit_torque"}
    assert calculation.summary(dataset)


def test_a_kwant_crystal_gives_the_same(short, tmp_path):
    (tmp_path / "crystal.py").write_text(BUILDER)
    table = '[system]\nbuilder = "crystal.py:rashba"\nparameters = { edge = 0.5 }\n'
    text = SHORT.replace("[0, 50]", "[50]").replace("azimuth", "bare = false\nazimuth")
    for key in ("[system]", "hopping", "rashba", "exchange", "lattice_constant"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(key))
    with pytest.raises(CardError, match="Python code"):
        parse(table + text, tmp_path / "card.toml")
    dataset = calculate(parse(table + text, tmp_path / "card.toml", allow_code=True))
    for name in ("damping", "torkance", "texture"):
        a, b = (d[name].sel(angle=50, part="total") for d in (dataset, short))
        assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("angles = [0, 50]", "angles = [50, 0]", "does not ascend"),
        ("angles = [0, 50]", "angles = [200]", "180"),
        ("nonmagnetic = 2.0\ntransverse = 0.2", "nonmagnetic = 0.0", "no impurities"),
        ("exchange = 1.2", "exchange = -1.2", "exchange"),
        ("tolerance = 1e-5", "tolerance = 0", "tolerance"),
        ("rashba = 0.5", 'builder = "crystal"', "not a function"),
        ("nonmagnetic = 2.0", "nonmagnetic = 2.0\naxis = [0, 0, 0]", "no direction"),
    ],
)
def test_mistakes_in_a_card_are_named(old, new, message):
    with pytest.raises(CardError, match=message):
        parse(SHORT.replace(old, new))


def test_the_ready_card_is_valid_and_small():
    card = load(SYSTEMS / "rashba_ferromagnet_tensors.toml")
    found = {scalar.name: scalar.value for scalar in calculation.estimate(card)}
    assert found["mesh[0]"] < 400
