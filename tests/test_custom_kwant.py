"""The ready card with a user's own Kwant magnet: numbers, balance of spin, and clear mistakes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from study_helpers import TOP

from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import CardError

CARD = TOP / "systems/custom_kwant.toml"

BROKEN = """
import kwant
import numpy as np
from negf_torque.lattice import magnet_from_kwant, orbital_spin

def make(norbs=2, orbitals=1, rows=2):
    lattice = kwant.lattice.chain(norbs=norbs or None, name="mine")
    wire = kwant.Builder()
    wire[(lattice(x) for x in range(4))] = np.eye(rows)
    wire[lattice.neighbors()] = -np.eye(rows)
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lead[lattice(0)] = np.eye(rows)
    lead[lattice.neighbors()] = -np.eye(rows)
    return magnet_from_kwant(
        wire, [lead, lead.reversed()], exchange_field=lambda site: [0, 0, 1.0],
        spin_operator=orbital_spin(orbitals),
    )
"""


@pytest.fixture(scope="module")
def wire():
    return run.calculate(cards.load(CARD, allow_code=True))


def test_code_needs_permission():
    with pytest.raises(CardError, match="--allow-code"):
        cards.load(CARD)


def test_exchange_and_lattice_torque_are_the_inflow(wire):  # identity
    exchange = wire["site_torkance"].sel(part="complete")
    lattice, inflow = wire["lattice_torkance"], wire["spin_inflow"]
    known = np.isfinite(inflow.values).all(axis=1)
    assert known.sum() == 60  # all sites of the wire
    # the Fermi sea is good to the card's tolerance times a torque of about one
    assert_allclose((exchange + lattice).values[known], inflow.values[known], atol=1e-4)
    assert float(np.abs(wire["magnet_lattice_torkance"]).max()) > 0.1
    summed = lattice.values[wire["site_magnet"].values == "wall"].sum(axis=0)
    assert_allclose(wire["magnet_lattice_torkance"].values[0], summed, atol=1e-12)


def test_uniform_wire_turns_moments_that_belong_to_no_magnet(wire):
    """Two majority channels and one minority channel, all transmitted."""
    assert_allclose(wire["uniform_conductance"], 3, atol=1e-10)
    module = cards.calculation_module("wire")
    names = [scalar.name for scalar in module.summary(wire)]
    assert "lattice_torkance[wall, z]" in names
    assert "spin_balance" in module.figures(wire)


def test_without_rashba_coupling_the_lattice_gets_nothing(tmp_path):  # limit
    text = CARD.read_text().replace("rashba = 0.15", "rashba = 0.0")
    (tmp_path / "card.toml").write_text(text)
    (tmp_path / "custom_kwant.py").write_text((TOP / "systems/custom_kwant.py").read_text())
    data = run.calculate(cards.load(tmp_path / "card.toml", allow_code=True))
    assert "lattice_torkance" not in data
    # a wide wall: two majority channels less one minority channel, turned over
    assert_allclose(data["adiabatic_limit"], [0, 0, 2], atol=1e-9)
    assert_allclose(data["adiabaticity"].sel(part="complete"), 1, atol=2e-3)


def test_torque_on_the_same_device_reports_what_the_lattice_takes(tmp_path, wire):
    text = CARD.read_text().replace('kind = "wire"', 'kind = "torque"')
    (tmp_path / "card.toml").write_text(text)
    (tmp_path / "custom_kwant.py").write_text((TOP / "systems/custom_kwant.py").read_text())
    data = run.calculate(cards.load(tmp_path / "card.toml", allow_code=True))
    lost = data["site_lattice_torkance"].sel(bias="symmetric").values
    # the window: exchange and lattice torque take what flows into the wire, layer by layer
    current = data["spin_current"].sel(bias="symmetric", flow=["x", "y", "z"])
    assert np.abs(current).max() > 0.5
    member = data["site_magnet"].values == "wall"
    total = data["lattice_torkance"].sel(bias="symmetric", magnet="wall")
    assert_allclose(total, lost[member].sum(axis=0), atol=1e-12)
    # in the plane of the wall the sea is small: the complete value of kind "wire" is near
    assert_allclose(total, wire["magnet_lattice_torkance"].values[0], atol=0.02)
    module = cards.calculation_module("torque")
    names = [scalar.name for scalar in module.summary(data)]
    assert "lattice_torkance[wall, z]" in names


@pytest.mark.parametrize("kind", ["wire", "pumping"])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("norbs = 0", "'mine' of site .* does not say how many orbitals"),
        ("orbitals = 2", r"spin_operator: shape \(3, 4, 4\) .* has norbs=2"),
        ("rows = 4", "has 4 rows, but its lattice 'mine' says norbs = 2"),
        ("norbs = 4\norbitals = 2", "has 2 rows, but its lattice 'mine' says norbs = 4"),
    ],
)
def test_orbital_counts_that_do_not_match_are_told(tmp_path, kind, parameters, message):
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "card.toml").write_text(
        f'[system]\nbuilder = "broken.py:make"\n[system.parameters]\n{parameters}\n'
        f'[calculation]\nkind = "{kind}"\nenergy = -0.5\n'
    )
    card = cards.load(tmp_path / "card.toml", allow_code=True)
    with pytest.raises(ValueError, match=message):
        run.calculate(card)


def test_directory_of_a_result_holds_the_file_that_the_card_names(tmp_path):
    """It can be drawn, exported and checked again without the folder that the card came from."""
    (tmp_path / "mine.py").write_text(BROKEN)
    text = (
        '[system]\nbuilder = "mine.py:make"\n'
        '[calculation]\nkind = "torque"\nenergy = 0.3\nresponse = "window"\n'
        "[output]\nfigures = []\n"
    )
    (tmp_path / "mine.toml").write_text(text)
    card = cards.load(tmp_path / "mine.toml", allow_code=True)
    run.execute(card, tmp_path / "result")
    again = cards.load(tmp_path / "result" / "card.toml", allow_code=True)
    assert again.hash == card.hash
    assert not run.execute(card, tmp_path / "result").computed
