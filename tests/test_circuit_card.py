"""The calculation `circuit`: scattering of the magnets, joined by circuit theory."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.llg.export import render
from negf_torque.study.card import load, parse
from negf_torque.study.errors import CardError
from negf_torque.study.run import calculate
from negf_torque.transport.linear import window_response
from negf_torque.transport.sampling import Sampling

SYSTEMS = Path(__file__).parents[1] / "systems"

CARD = """
[system]
builder = "stack"

[[system.layers]]
name = "fixed"
thickness = 5
onsite = 1.0
exchange = 1.5

[[system.layers]]
thickness = 3

[[system.layers]]
name = "free"
thickness = 2
onsite = 1.0
exchange = 1.5

[calculation]
kind = "circuit"
energy = -2.2
mesh = 12

[llg]
saturation_magnetisation = 8e5
cell_area = 0.0625
layer_spacing = 0.25
"""


@pytest.fixture(scope="module")
def result():
    return calculate(parse(CARD))


def test_spins_add_up_to_the_conductance_of_the_magnet(result):  # independent
    layer = Layer(2, onsite=1.0, exchange=1.5, direction=(1, 0, 1), name="free")
    whole = window_response(layer_chain(build_stack([layer])), -2.2, Sampling(mesh=12))
    spins = result["spin_conductance"].sel(magnet="free")
    assert_allclose(spins.sum(), whole.conductance, rtol=1e-10)
    assert float(spins.sel(spin="up")) > float(spins.sel(spin="down"))


def test_sharvin_resistances_are_taken_out(result):
    sharvin = float(result["sharvin_conductance"])
    for magnet in ("fixed", "free"):
        one = result.sel(magnet=magnet)
        up, down = (1 / (1 / g - 1 / sharvin) for g in one["spin_conductance"].values)
        assert_allclose(one["contact_conductance"], up + down, rtol=1e-12)
        assert_allclose(one["contact_polarisation"], (up - down) / (up + down), rtol=1e-12)
        g = complex(one["mixing_conductance"])
        assert_allclose(complex(one["contact_mixing"]), 1 / (1 / g - 0.5 / sharvin), rtol=1e-12)
    raw = calculate(parse(CARD.replace("mesh = 12", "mesh = 12\nsharvin_corrected = false")))
    assert_allclose(raw["contact_conductance"], raw["spin_conductance"].sum("spin"), rtol=1e-12)


def test_exchanging_the_magnets_reverses_the_bias():
    swapped = CARD.replace('"fixed"', '"x"').replace('"free"', '"fixed"').replace('"x"', '"free"')
    swapped = (
        swapped.replace("thickness = 5", "thickness = 7")
        .replace("thickness = 2", "thickness = 5")
        .replace("thickness = 7", "thickness = 2")
    )
    one, two = calculate(parse(CARD)), calculate(parse(swapped))
    assert_allclose(one["conductance"], two["conductance"], rtol=1e-10)
    for name in ("torkance_in_plane", "torkance_out_of_plane"):
        assert_allclose(one[name], -two[name], atol=1e-10)


def test_the_valve_reaches_a_solver(result):
    card = parse(CARD)
    torque, simulation = card.module.llg_parameters(result, card)
    assert_allclose(torque.eta, result["eta"], rtol=1e-10)
    assert_allclose(torque.slonczewski().Lambda, result["Lambda"], rtol=1e-7)
    assert "circuit theory" in render("mumax3", torque, simulation)[f"{card.name}.mx3"]
    assert {s.name for s in card.module.summary(result)} >= {"polarisation", "Lambda"}
    assert set(card.module.figures(result)) == {"circuit"}
    assert np.all(np.diff(result["conductance"]) < 0)


def test_mistakes_are_named():
    with pytest.raises(CardError, match="no layer with exchange"):
        parse(CARD.replace('kind = "circuit"', 'kind = "circuit"\nfree = "fre"'))
    with pytest.raises(CardError, match="collinear"):
        parse(CARD.replace("mesh = 12", "mesh = 12\nangles = [0, 90, 100]"))
    assert load(SYSTEMS / "circuit_valve.toml").kind == "circuit"


# --- drift and diffusion --------------------------------------------------------------------


def test_metallic_stack_agrees_with_the_solver():
    """The ready card, one angle by hand; units of the card to SI."""
    from negf_torque.circuit import Interface, Layer, solve_stack, stack_eta

    card = load(SYSTEMS / "metallic_stack.toml")
    result = calculate(card)
    angle = np.radians(90)
    side = Interface(0.51e-15, 0.77, 0.55e15)
    copper, cobalt = (6e-9, 450e-9), (7.5e-8, 60e-9)
    layers = [
        Layer(*copper, np.inf),
        Layer(*cobalt, 20e-9, 0.46, (0, 0, 1)),
        Layer(*copper, 8e-9),
        Layer(*cobalt, 3e-9, 0.46, (np.sin(angle), 0, np.cos(angle))),
        Layer(*copper, np.inf),
    ]
    solution = solve_stack(layers, [side] * 4)
    one = result.sel(angle=angle, method="nearest")
    assert_allclose(one["resistance"], solution.resistance * 1e15, rtol=1e-12)
    assert_allclose(one["eta"], stack_eta(solution, layers, 3, 1)[0], rtol=1e-12)
    assert_allclose(result["eta_perp"], 0, atol=1e-13)
    assert np.all(np.diff(result["resistance"]) > 0)
    assert float(result["eta"][-1]) > float(result["eta"][0]) > 0
    assert set(card.module.figures(result)) == {"angles", "profiles"}
    # Profiles: spin current is continuous across the normal side of collinear interfaces.
    assert result["spin_current"].shape == (3, 5 * 41, 3)
    assert {s.name for s in card.module.summary(result)} >= {"magnetoresistance", "Lambda"}


def test_metallic_stack_reaches_a_solver():
    """Torque per current, the free layer's own thickness, current per volt from the resistance."""
    card = load(SYSTEMS / "metallic_stack.toml")
    result = calculate(card)
    torque, simulation = card.module.llg_parameters(result, card)
    assert torque.thickness == 3 and torque.eta == tuple(result["eta"].values)
    assert_allclose(torque.current_density_per_volt(), 1e15 / result["resistance"], rtol=1e-12)
    text = render("oommf", torque, simulation)["metallic_stack.mif"]
    assert "drift and diffusion" in text and "POOR" in text  # the form misses by 6 %
    text = (SYSTEMS / "metallic_stack.toml").read_text().replace("thickness = 3\n", "")
    head, tail = text.split("[[system.layers]]                  # right lead")
    thick = parse(head + tail[tail.index("[calculation]") :])
    with pytest.raises(ValueError, match='free layer "free" is semi-infinite'):
        thick.module.llg_parameters(calculate(thick), thick)


def test_stack_mistakes_are_named():
    text = (SYSTEMS / "metallic_stack.toml").read_text()
    with pytest.raises(CardError, match="no magnet is named"):
        parse(text.replace('kind = "drift_diffusion"', 'kind = "drift_diffusion"\nfree = "fre"'))
    with pytest.raises(CardError, match="only outer layers"):
        parse(text.replace("thickness = 8\n", ""))
    with pytest.raises(CardError, match="no direction"):
        parse(text.replace("thickness = 8\n", 'thickness = 8\nname = "spacer"\n'))
