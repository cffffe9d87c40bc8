"""The card of mean free path, spin decay and resistivity."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import CardError
from negf_torque.study.style import style

CHAIN = """
[system]
builder = "stack"
cross_section = "chain"
[[system.layers]]
thickness = 30
[[impurities]]
kind = "nonmagnetic"
strength = 0.4
distribution = "symmetric"
leads = ["right"]
[calculation]
kind = "disordered_lengths"
energy = -0.7
between = [8, 20]
"""
CUBIC = """
[system]
builder = "stack"
left = {onsite = 0.5, exchange = 1.5, direction = [1, 0, 1], name = "polariser"}
[[system.layers]]
thickness = 24
exchange = 0.6
[[impurities]]
kind = "nonmagnetic"
strength = 0.8
distribution = "symmetric"
[[impurities]]
kind = "magnetic"
strength = 0.2
[disorder]
mesh = 4
[calculation]
kind = "disordered_lengths"
energy = -1.7
lengths = LENGTHS
[output]
figures = []
"""


def test_the_mean_free_path_of_a_chain_is_that_of_its_wave_vector():  # limit
    found = run.calculate(cards.parse(CHAIN))
    from negf_torque.disorder.impurities import NonmagneticImpurities
    from negf_torque.transport.disordered import disordered_response

    chain = layer_chain(build_stack([Layer(30)], cross_section="chain"))
    kinds = [NonmagneticImpurities(1.0, 0.4, "symmetric")]
    response = disordered_response(chain, -0.7, kinds, lead_impurities=((), kinds))
    q = np.arccos(-(-0.7 - response.self_energy[25][0, 0]) / 2)
    assert_allclose(found["mean_free_path"], 1 / (2 * abs(q.imag)), rtol=1e-3)
    assert found["mean_free_path_error"] < 5e-3 * found["mean_free_path"]
    # nothing is polarised: no spin that could decay
    assert "spin_diffusion_length" not in found and "transverse_decay_length" not in found
    # Kubo's formula of one band, q by q
    momenta = 2 * np.pi * (np.arange(4000) + 0.5) / 4000
    sigma = response.self_energy[14][0, 0]
    spectral = (1 / (-0.7 - sigma + 2 * np.cos(momenta))).imag
    kubo = 2 / np.pi * np.mean(4 * np.sin(momenta) ** 2 * spectral**2)
    # the card takes layer 14, the middle of the fitted ones
    assert_allclose(found["bulk_conductivity"], kubo, rtol=1e-6)


@pytest.fixture(scope="module")
def cubic(tmp_path_factory):
    """A result of three lengths, then of one more."""
    folder = tmp_path_factory.mktemp("lengths")
    few, more = (
        cards.parse(CUBIC.replace("LENGTHS", text)) for text in ("[12, 18, 24]", "[12, 18, 24, 30]")
    )
    run.execute(few, folder, executor="serial")
    return more, run.execute(more, folder, executor="serial")


def test_the_slope_of_the_resistance_is_the_bulk_s(cubic):  # independent
    _, outcome = cubic
    found = outcome.dataset
    assert_allclose(found["conductivity"], found["bulk_conductivity"], rtol=3e-3)
    assert found["conductivity_error"] > 0
    one = found["resistance"].sel(length=24)
    assert_allclose(found["conductance"], 1 / one, rtol=1e-12)
    for name in ("mean_free_path", "spin_diffusion_length", "transverse_decay_length"):
        assert found[name] > 0 and found[f"{name}_error"] > 0
        assert found[f"{name}_residual"] >= 0
    # the axis is the magnet's, not the polariser's
    assert list(found.attrs["direction"]) == [0, 0, 1]
    for name in found.data_vars:
        assert found[name].attrs.get("long_name"), name


def test_more_lengths_are_added_to_those_that_are_there(cubic):
    card, outcome = cubic
    assert outcome.summary["items"]["found"] == 4 and outcome.summary["items"]["computed"] == 1
    alone = run.calculate(card)
    for name in alone.data_vars:
        np.testing.assert_array_equal(alone[name], outcome.dataset[name], err_msg=name)
    names = [scalar["name"] for scalar in outcome.summary["scalars"]]
    assert {"mean_free_path", "spin_diffusion_length", "conductivity"} <= set(names)
    with style():
        assert set(run.drawings("disordered_lengths", outcome.dataset)) == {
            "profiles",
            "resistance",
        }


BAD = {
    "no impurities": (CHAIN[: CHAIN.index("[[imp")] + CHAIN[CHAIN.index("[calc") :], "missing"),
    "configurations": (CHAIN + '[disorder]\nmethod = "configurations"\n', "averaged media"),
    "two methods": (CHAIN + '[disorder]\ncompare = ["coherent-potential"]\n', "one method"),
    "no vertex": (CHAIN + "[disorder]\nvertex_corrections = false\n", "are lost along"),
    "beyond": (CHAIN.replace("[8, 20]", "[8, 40]"), "beyond the last layer of the region, 30"),
    "too few": (CHAIN.replace("[8, 20]", "[8, 10]"), "four layers or more"),
    "short": (
        CHAIN.replace("between = [8, 20]", "").replace("thickness = 30", "thickness = 5"),
        "shows no decay",
    ),
    "two lengths": (CHAIN + "lengths = [4, 8]\n", "three or more ascending"),
    "no such layer": (CHAIN + "lengths = [4, 8, 12]\nvaried = 1\n", "there are 1 layers"),
    "layers of impurities": (
        CHAIN.replace("strength = 0.4", "strength = 0.4\nlayers = [1, 5]")
        + "lengths = [4, 8, 12]\n",
        "would not grow",
    ),
    "no axis": (CHAIN + "direction = [0, 0, 0]\n", "no direction"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD.keys())
def test_wrong_cards_are_told_what_is_wrong(text, words):
    with pytest.raises(CardError, match=words):
        cards.parse(text)
