"""Kind "pumping": reference numbers through the card, enhancement with [llg], bad input."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import CardError
from negf_torque.units import BOHR_MAGNETON

CARD = """
[system]
builder = "stack"
cross_section = "chain"

[[system.layers]]
name = "F"
thickness = 3
onsite = 0.75
exchange = 1.5
{system}
[calculation]
kind = "pumping"
energy = -0.7
{calculation}
"""
SINK = """
[[system.layers]]
thickness = 2
[[system.layers]]
name = "sink"
thickness = 2
onsite = 0.75
exchange = 1.5
direction = [1, 0, 0]
"""
LLG = "[llg]\nsaturation_magnetisation = 1e6\ncell_area = 0.0625\nlayer_spacing = 0.18\n"


def calculate(system="", calculation="", llg=""):
    text = CARD.format(system=system, calculation=calculation) + llg
    return run.calculate(cards.parse(text, "pumping.toml"))


def test_reference_chain_by_three_routes():
    """A = 1.2853436856 - 0.1193802053 i per lead, alpha S_tot = 0.2045688011: frozen."""
    data = calculate()
    for name in ("mixing", "effective_mixing"):
        assert_allclose(data[name], 1.2853436856 - 0.1193802053j, atol=1e-10)
        assert data[name].attrs["units"] == "e^2/h"
    assert_allclose(data["alpha_spin"], 0.2045688011, atol=1e-10)
    assert float(data["route_difference"]) < 1e-10
    module = cards.calculation_module("pumping")
    rows = module.listings(data)[0].rows
    assert [row[0] for row in rows] == [
        "Green's function",
        "scattering matrix",
        "mixing conductance",
    ]
    for row in rows:
        assert_allclose(row[1:], [1.2853436856, -0.1193802053] * 2 + [0.2045688011], atol=1e-10)
    assert "damping_enhancement" not in data


def test_damping_enhancement_needs_the_magnets_spin():
    data = calculate(llg=LLG)
    spin = 1e6 * 3 * 0.0625e-18 * 0.18e-9 / (2 * BOHR_MAGNETON)
    assert_allclose(data["spin"], spin, rtol=1e-12)
    assert_allclose(data["damping_enhancement"], 0.2045688011 / spin, rtol=1e-9)
    names = [scalar.name for scalar in cards.calculation_module("pumping").summary(data)]
    assert "damping_enhancement" in names and "mixing[left]" in names


def test_textbook_form_of_the_enhancement():
    """alpha = (2 mu_B/hbar) hbar g/(4 pi M_s V), g = Re A_L + Re A_R (Tserkovnyak et al.)."""
    data = calculate(llg=LLG)
    g = float(data["effective_mixing"].real.sum())
    volume = 3 * 0.0625e-18 * 0.18e-9
    assert_allclose(data["damping_enhancement"], BOHR_MAGNETON * g / (2 * np.pi * 1e6 * volume))


def test_second_magnet_is_dragged_along():
    data = calculate(SINK, 'magnet = "F"')
    assert "mixing" not in data
    drag = data["damping_torque"].sel(magnet="sink")
    assert float(np.abs(drag).max()) > 1e-3
    matrix = data["layer_damping"].values
    assert_allclose(matrix, matrix.T, atol=1e-12)
    assert list(data["layer"].values) == [1, 2, 3, 6, 7]
    assert_allclose(data["nonlocal_damping"], matrix, atol=1e-12)  # one site in each layer
    tensor = data["nonlocal_tensor"].sel(site=[1, 2, 3], other_site=[1, 2, 3])
    assert_allclose(tensor.sum(["site", "other_site"]), data["damping"], atol=1e-12)
    assert set(cards.calculation_module("pumping").figures(data)) == {"nonlocal_damping"}


def test_without_the_matrix_there_is_no_figure():
    data = calculate(calculation="nonlocal_damping = false")
    assert "layer_damping" not in data
    assert cards.calculation_module("pumping").figures(data) == {}


def test_the_magnet_must_exist():
    with pytest.raises(CardError, match='no magnet "G"'):
        calculate(calculation='magnet = "G"')
    with pytest.raises(CardError, match="no magnet"):
        run.calculate(
            cards.parse(
                '[system]\nlayers = []\n[calculation]\nkind = "pumping"\nenergy = 0.0\n',
                "none.toml",
            )
        )


def test_a_lead_does_not_move():
    magnetic = "left = {{exchange = 1.0}}"
    text = CARD.replace('cross_section = "chain"', f'cross_section = "chain"\n{magnetic}')
    data = run.calculate(cards.parse(text.format(system="", calculation="")))
    assert data.attrs["moving_magnet"] == "F"
    assert "mixing" not in data and float(data["route_difference"]) < 1e-10
    with pytest.raises(ValueError, match="'left lead' belongs to a lead"):
        run.calculate(
            cards.parse(text.format(system="", calculation='magnet = "left lead"'), "lead.toml")
        )


def test_estimate_counts_pairs():
    card = cards.parse(CARD.format(system=SINK, calculation=""))
    found = {scalar.name: scalar.value for scalar in card.module.estimate(card)}
    assert found["pairs of sites"] == 25
