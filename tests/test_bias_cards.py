"""The calculations "bias_sweep" and "coupling" through the card."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, aligned, build_stack, layer_chain
from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import CardError
from negf_torque.transport.bias import finite_bias, linear_profile
from negf_torque.transport.sampling import Sampling

JUNCTION = """
[system]
cross_section = "chain"
left = {{name = "fixed", onsite = 0.2, exchange = 1.0}}
right = {{name = "free", onsite = 0.2, exchange = 1.0}}
[[system.layers]]
thickness = 3
onsite = {onsite}
[calculation]
kind = "bias_sweep"
energy = -0.6
voltages = [0.4, -0.4, 0, 0.2, -0.2]
tolerance = 1e-9
{more}
[llg]
saturation_magnetisation = 8e5
cell_area = 0.0625
layer_spacing = 1.0
"""
COUPLING = """
[system]
cross_section = "chain"
left = {name = "fixed", onsite = 0.3, exchange = 0.6}
right = {name = "free", onsite = 0.3, exchange = 0.6}
[[system.layers]]
thickness = 1
[calculation]
kind = "coupling"
energy = -0.7
spacer = 0
thicknesses = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
tolerance = 1e-6
"""


def sweep(onsite=3.5, more=""):
    return run.calculate(cards.parse(JUNCTION.format(onsite=onsite, more=more), "j.toml"))


@pytest.fixture(scope="module")
def junction():
    return sweep(more="spectrum_points = 5")


def test_card_gives_what_python_gives(junction):
    leads = [Lead(onsite=0.2, exchange=1.0, name=name) for name in ("fixed", "free")]
    chain = layer_chain(build_stack([Layer(3, onsite=3.5)], *leads, "chain"))
    turned = aligned(chain, {"free": (1, 0, 0)})
    one = finite_bias(turned, -0.6, 0.4, linear_profile(chain, 1, 3), Sampling(1e-9))
    at = junction.sel(voltage=0.4).isel(angle=3)
    assert_allclose(at["current"], one.current, atol=1e-9)
    torque = one.spin_current[3, 1:] + one.sea_spin_current[3]
    assert_allclose([at["torque_in_plane"], -at["torque_out_of_plane"]], torque[[2, 1]], atol=1e-8)


def test_symmetries_of_the_card_junction(junction):
    out = junction["torque_out_of_plane"].values
    assert_allclose(out, out[::-1], atol=1e-9)
    assert_allclose(junction["tmr"], junction["tmr"][::-1], atol=1e-6)
    assert np.isnan(junction["tmr"].sel(voltage=0)) and bool(junction.attrs["converged"])


def test_fit_and_export_of_a_sweep(junction):
    card = cards.parse(JUNCTION.format(onsite=3.5, more=""), "j.toml")
    module = cards.calculation_module("bias_sweep")
    torque, _ = module.llg_parameters(junction, card)
    assert torque.in_plane.shape == (5, 5)  # collinear angles are left out
    at = junction.isel(angle=3)
    b = at["field_like"].sel(power=[0, 1, 2]).values
    assert abs(b[1]) < 1e-6 * abs(b[2])  # even in the voltage
    assert float(at["field_like_residual"]) < 0.1
    names = [scalar.name for scalar in module.summary(junction)]
    assert "damping_like" in names and "tmr[0.4 V]" in names
    drawn = set(module.figures(junction))
    assert {"torque", "current", "slope", "angular_map", "spectrum"} <= drawn
    assert module.listings(junction)[0].rows


def test_low_barrier_warns_and_no_barrier_is_refused():
    with pytest.raises(ValueError, match="there is no barrier"):
        sweep(onsite=0.5)
    data = sweep(onsite=0.5, more="barrier = [1, 3]\nangles = [90]")
    assert any("not tunnelling" in str(text) for text in data.attrs["warnings"])


def test_bad_cards_are_told():
    for more, message in (
        ('profile = "given"', "do not go together"),
        ("angles = [200]", "outside 0"),
        ('free = "nobody"', 'named "nobody"'),
    ):
        with pytest.raises(CardError, match=message):
            sweep(more=more)
    with pytest.raises(ValueError, match="inside the bands"):
        sweep(more="contour_bottom = -1.5")


def test_coupling_card_finds_the_period():
    data = run.calculate(cards.parse(COUPLING, "c.toml"))
    assert_allclose(data["period"][0], data["spanning_period"][0], rtol=0.03)
    module = cards.calculation_module("coupling")
    assert set(module.figures(data)) == {"coupling", "periods"}
    assert any(s.name == "spanning_period" for s in module.summary(data))
    ratio = data["coupling_from_torque"] / data["coupling"]
    assert_allclose(ratio, 1, atol=0.2)
    wrong = COUPLING.replace("spacer = 0", "spacer = 3")
    with pytest.raises(CardError, match="none of the 1 layers"):
        cards.parse(wrong, "c.toml")
