"""The calculations "torque" and "mixing": reference numbers through the card."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from study_helpers import TOP

from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import CardError


@pytest.fixture(scope="module")
def wall():
    return run.calculate(cards.load(TOP / "systems/bloch_wall_wire.toml"))


def test_bloch_wall_of_the_ready_card(wall):
    """Wire 3 x 3, 40 layers, width 2: frozen, verified with Kwant."""
    assert_allclose(wall["conductance"], 8.9977212723, atol=1e-10)
    total = wall["torkance"].sel(bias="left", magnet="wall", component="z")
    assert_allclose(total, 6.0005146, atol=5e-8)


def test_sites_sum_to_layers_and_layers_to_magnets(wall):
    sites = wall["site_torkance"].groupby("site_layer").sum()
    sites = sites.transpose("bias", "site_layer", "component")
    assert_allclose(sites, wall["layer_torkance"], atol=1e-12)
    assert_allclose(wall["layer_torkance"].sum("layer"), wall["torkance"].sum("magnet"), atol=1e-12)


def test_torque_is_lost_spin_current(wall):
    current = wall["spin_current"].sel(flow=["x", "y", "z"])
    lost = -np.diff(current.transpose("bias", "bond", "flow").values, axis=1)
    assert_allclose(wall["layer_torkance"].values[:, 1:-1], lost, atol=1e-10)


def test_torque_has_summary_listing_and_figures(wall):
    module = cards.calculation_module("torque")
    names = [scalar.name for scalar in module.summary(wall)]
    assert "torkance[wall, z]" in names and "open_channels[left]" in names
    assert module.summary(wall)[1].value == 9
    assert len(module.listings(wall)[0].rows) == 9
    assert set(module.figures(wall)) == {"structure", "torque_by_layer"}
    for name, variable in wall.data_vars.items():
        assert variable.attrs.get("long_name"), name


INTERFACE = """
[system]
builder = "stack"
layers = []
{system}
[calculation]
kind = "mixing"
{calculation}
"""


def mixing(system, calculation):
    return run.calculate(
        cards.parse(INTERFACE.format(system=system, calculation=calculation), "mixing.toml")
    )


def test_chain_step():
    """Limit: chain, normal site 0, magnet at -1.2 and 1.2 eV; analytic step."""
    data = mixing('cross_section = "chain"\nright = {exchange = 2.4}', "energy = -1.0")
    assert_allclose(data["reflection"].values, [1.2353945038 + 0.2075984390j], atol=1e-10)
    assert np.isnan(data["transmission"].values[0])
    assert data["reflection"].attrs["units"] == "e^2/h"


def test_cubic_interface_by_the_adaptive_average():
    """Reference: exact zone average at -2.2 eV, magnet at -1 and 1 eV."""
    data = mixing("right = {onsite = 0.0, exchange = 2.0}", "energy = [-2.2]\ntolerance = 1e-7")
    exact = 0.4600283836 + 0.0695122813j
    error = float(data["reflection_error"][0])
    assert abs(data["reflection"].values[0] - exact) <= max(error, 1e-10)
    assert error < 1e-6
    assert_allclose(data["sharvin"], [0.4454608204], atol=1e-7)
    corrected = 1 / (1 / exact - 1 / (2 * 0.4454608204))
    assert_allclose(data["reflection_corrected"], [corrected], atol=1e-6)
    module = cards.calculation_module("mixing")
    assert [s.name for s in module.summary(data)] == [
        "reflection[-2.2 eV]",
        "sharvin[-2.2 eV]",
        "reflection_corrected[-2.2 eV]",
    ]
    assert module.figures(data) == {}


def test_layer_between_normal_leads_transmits():
    """Reference: |g_t| of L layers on the 16 x 16 shifted mesh."""
    for thickness, expected in {1: 0.293949, 3: 0.204854, 8: 0.114271}.items():
        text = INTERFACE.replace("layers = []", "").format(
            system=f"[[system.layers]]\nthickness = {thickness}\nexchange = 2.0",
            calculation="energy = [-2.2, -2.0]\nmesh = 16",
        )
        data = run.calculate(cards.parse(text))
        assert_allclose(np.abs(data["transmission"].values[0]), expected, atol=5e-7)
    assert set(cards.calculation_module("mixing").figures(data)) == {"mixing"}


def test_magnetic_left_lead_is_refused_in_words():
    with pytest.raises(ValueError, match="nonmagnetic left lead"):
        mixing('cross_section = "chain"\nleft = {exchange = 1}', "energy = 0")
    with pytest.raises(CardError, match="has no energy"):
        mixing("", "energy = []")
