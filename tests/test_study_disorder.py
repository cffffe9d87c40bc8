"""Cards with impurities: the same kinds, by every method, and what a wrong card is told."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from study_helpers import TOP

from negf_torque.study import card as cards
from negf_torque.study import run, store
from negf_torque.study.errors import CardError
from negf_torque.study.impurities import ImpurityTable
from negf_torque.study.style import style

VALVE = """
[system]
builder = "stack"
cross_section = {cross_section}
[[system.layers]]
name = "fixed"
thickness = 2
onsite = 0.75
exchange = 1.5
[[system.layers]]
thickness = 2
[[system.layers]]
name = "free"
thickness = 1
onsite = 0.75
exchange = 1.5
direction = [1, 0, 0]
{tables}
[calculation]
energy = -2.2
{calculation}
"""

ALLOY = """
[[impurities]]
kind = "nonmagnetic"
concentration = 0.2
strength = 0.8
layers = [3, 4]
"""


def card(tables, calculation='kind = "torque"', cross_section='"periodic"'):
    text = VALVE.format(tables=tables, calculation=calculation, cross_section=cross_section)
    return cards.parse(text)


@pytest.fixture(scope="module")
def compared():
    disorder = """
[disorder]
compare = ["coherent-potential", "configurations"]
mesh = 32
configurations = 256
supercell = 2
"""
    return run.calculate(card(ALLOY + disorder, 'kind = "torque"\ntolerance = 1e-3'))


def test_a_card_compares_methods_with_their_errors(compared):
    assert list(compared["approach"].values) == ["born", "coherent-potential", "configurations"]
    conductance, error = compared["approach_conductance"], compared["approach_conductance_error"]
    assert_allclose(compared["conductance"], conductance[0])
    assert np.all(error > 0)
    assert np.all(np.abs(conductance - conductance[2]) < 4 * error[2] + 2 * error)
    assert conductance[0] < compared["clean_conductance"]
    assert compared["current_loss"] < 1e-10 and compared["ward_residual"] < 1e-10
    assert compared.sizes["configuration"] == 256
    torque = compared["approach_torkance"].sel(bias="symmetric", magnet="free", component="z")
    size = compared["approach_torkance_error"].sel(bias="symmetric", magnet="free", component="z")
    assert abs(torque[1] - torque[2]) < 4 * size[2] + 2 * size[1]


def test_its_summary_tells_the_differences(compared):
    module = cards.calculation_module("torque")
    scalars = {scalar.name: scalar for scalar in module.summary(compared)}
    difference = scalars["difference[conductance, configurations - born]"]
    expected = compared["approach_conductance"]
    assert_allclose(difference.value, float(expected[2] - expected[0]))
    assert difference.error > 0 and "errors" in difference.note
    assert "256 configurations, seeds 0 to 255" in scalars["conductance[configurations]"].note
    listing = module.listings(compared)[-1]
    assert listing.title == "Methods compared" and len(listing.rows) == 14
    with style():
        figures = module.figures(compared)
    assert {"disorder_convergence", "self_energy", "torque_profile", "configurations"} <= set(
        figures
    )
    for name in compared.variables:
        assert compared[name].attrs.get("long_name") or name in compared.dims, name


def test_a_stored_result_comes_back(compared, tmp_path):
    card_text = card(ALLOY)
    store.save(tmp_path, compared, [], card_text)
    again = store.load(tmp_path)
    assert_allclose(again["self_energy"], compared["self_energy"])
    assert list(again["approach"].values) == list(compared["approach"].values)


def test_the_ready_wire_has_the_reference_conductance():  # frozen: the specification's ladder
    text = (TOP / "systems/disordered_wire.toml").read_text()
    text = text.replace('compare = ["coherent-potential", "configurations"]', "")
    found = run.calculate(cards.parse(text))
    assert_allclose(found["conductance"], 3.6595279288, rtol=1e-10)
    assert not [name for name in found.data_vars if str(name).startswith("conductance_error")]


@pytest.mark.parametrize("method", ["born", "configurations"])
def test_zero_concentration_is_the_clean_device(method):  # limit
    clean = run.calculate(card("", cross_section="[2, 1]"))
    empty = ALLOY.replace("0.2", "0.0") + f'[disorder]\nmethod = "{method}"\nconfigurations = 2\n'
    found = run.calculate(card(empty, cross_section="[2, 1]"))
    for name in ("conductance", "torkance", "spin_current", "site_torkance"):
        assert_allclose(found[name], clean[name], atol=1e-10)


def test_without_vertex_corrections_current_is_lost_and_that_is_told():
    tables = ALLOY + "[disorder]\nvertex_corrections = false\nmesh = 8\n"
    found = run.calculate(card(tables, 'kind = "torque"\ntolerance = 1e-2'))
    assert found["current_loss"] > 1e-3


def test_a_valve_with_impurities_at_every_angle():
    tables = ALLOY + '[disorder]\nmethod = "configurations"\nconfigurations = 64\nsupercell = 2\n'
    calculation = 'kind = "spin_valve"\nangles = [0, 90, 180]\ntolerance = 1e-2'
    found = run.calculate(card(tables, calculation))
    assert found["conductance_error"].shape == (3,)
    # collinear moments feel no torque in any configuration of an alloy
    error = found["torkance_error"].sel(magnet="free").values
    assert error[1] > 1e-3 and max(error[0], error[2]) < 1e-12
    assert "interface" not in found.dims and "transmission_map" not in found
    scalars = [s.name for s in cards.calculation_module("spin_valve").summary(found)]
    assert "conductance[configurations]" in scalars


def test_mixing_conductance_of_a_rough_interface():
    text = """
[system]
builder = "stack"
[[system.layers]]
thickness = 2
[[system.layers]]
name = "magnet"
thickness = 2
onsite = 0.75
exchange = 1.5
[[impurities]]
kind = "nonmagnetic"
strength = 0.5
concentration = 0.3
layers = [2, 3]
[disorder]
method = "METHOD"
mesh = 48
configurations = 512
supercell = 2
[calculation]
kind = "mixing"
energy = -2.2
"""
    medium, explicit = (
        run.calculate(cards.parse(text.replace("METHOD", method)))
        for method in ("coherent-potential", "configurations")
    )
    for name in ("reflection", "transmission"):
        error = 3 * explicit[f"{name}_error"] + medium[f"{name}_error"]
        assert np.all(np.abs(medium[name] - explicit[name]) < error), name
    with pytest.raises(CardError, match="one method at a time"):
        cards.parse(text.replace('"METHOD"', '"born"\ncompare = ["configurations"]'))


def test_impure_leads_are_for_averaged_media():
    everywhere = """
[[impurities]]
kind = "nonmagnetic"
strength = 0.5
distribution = "symmetric"
leads = ["left", "right"]
"""
    mesh = "[disorder]\nmesh = 8\n"
    found = run.calculate(card(everywhere + mesh, 'kind = "torque"\ntolerance = 1e-2'))
    assert found["current_loss"] < 1e-8
    with pytest.raises(CardError, match="impure leads"):
        card(everywhere + '[disorder]\nmethod = "configurations"\n')


BETA = """
[system]
lattice = "cubic"
exchange = 1.2
[[impurities]]
kind = "nonmagnetic"
strength = 0.3
distribution = "symmetric"
[[impurities]]
kind = "magnetic"
strength = 0.5
[disorder]
mesh = 8
compare = ["configurations"]
configurations = 64
supercell = 2
[calculation]
kind = "beta_three_ways"
energy = -1.9
wave_numbers = [0.1, 0.2]
length = 16
margin = 5
sampled_length = 6
sampled_margin = 2
sea_configurations = 8
"""


def test_beta_three_ways_gives_every_route_with_its_error():
    found = run.calculate(cards.parse(BETA))
    routes = ["formula", "born", "configurations"]
    assert list(found["route"].values) == routes
    assert_allclose(
        found["beta"].sel(route="formula"), 2 * np.pi * 0.25 / 3 * _dos(found) / 0.6, rtol=1e-9
    )
    assert found["beta_error"].sel(route="configurations") > 0
    module = cards.calculation_module("beta_three_ways")
    names = [scalar.name for scalar in module.summary(found)]
    assert {f"beta[{route}]" for route in routes} <= set(names)
    with style():
        assert set(module.figures(found)) == {"beta", "wave_numbers", "profile", "convergence"}
    for name in found.data_vars:
        assert found[name].attrs.get("long_name"), name


def _dos(found):
    """nu_t of the averaged medium, from another solution of the same self-energy."""
    from negf_torque.gradient.born import ImpurityStrengths, solve_born
    from negf_torque.gradient.lattice_bands import simple_cubic

    solution = solve_born(simple_cubic(), -1.9, 0.6, ImpurityStrengths.isotropic(0.09, 0.25 / 3))
    return solution.dos.sum()


# --- wrong cards -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [
        ('[[impurities]]\nkind = "nonmagnetic"\nstrength = 1\nconcentration = 1.2\n',
         r"impurities\[0\].concentration"),
        ('[[impurities]]\nkind = "nonmagnetic"\nstrength = 1\nconcentration = -0.1\n',
         r"impurities\[0\].concentration"),
        ('[[impurities]]\nkind = "nonmagnetic"\nstrength = 1\nmagnets = ["fre"]\n',
         'Did you mean "free"'),
        ('[[impurities]]\nkind = "nonmagnetic"\nstrength = 1\nlayers = [3, 9]\n',
         "beyond the last atomic layer, 6"),
        ('[[impurities]]\nkind = "nonmagnetic"\nstrength = 1\nlayers = [3, 2]\n',
         "the last comes before the first"),
        ('[[impurities]]\nkind = "nonmagnetic"\nstrength = 1\npotential = 0.1\n',
         "has a potential besides"),
        ('[[impurities]]\nkind = "magnetic"\nstrength = 1\ndistribution = "uniform"\n',
         "have one strength J"),
        ('[[impurities]]\nkind = "magnetic"\nstrength = 1\n'
         "moment = {tensor = [[1, 0, 0], [0, -1, 0], [0, 0, 1]]}\n", "eigenvalue -1"),
        ('[[impurities]]\nkind = "magnetic"\nstrength = 1\n'
         "moment = {tensor = [[1, 1, 0], [0, 1, 0], [0, 0, 1]]}\n", "not symmetric"),
        ('[[impurities]]\nkind = "magnetic"\nstrength = 1\nmoment = {parallel = 1}\n',
         "has no distribution"),
        ('[disorder]\nmethod = "born"\n', "no impurities to average over"),
        (ALLOY + '[disorder]\nmethod = "born"\ncompare = ["born"]\n', "a method twice"),
        (ALLOY + '[disorder]\nmethod = "borne"\n', "disorder.method"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_told_what_is_wrong(tables, complaint):
    with pytest.raises(CardError, match=complaint):
        card(tables)


def test_a_temperature_needs_an_averaged_medium():
    calculation = 'kind = "torque"\ntemperature = 300'
    with pytest.raises(CardError, match="explicit configurations are solved at 0 K"):
        card(ALLOY + '[disorder]\nmethod = "configurations"\n', calculation)
    warm = card(ALLOY, calculation, "[2, 1]")
    cold = card(ALLOY, 'kind = "torque"', "[2, 1]")
    values = [float(run.calculate(c)["conductance"]) for c in (warm, cold)]
    assert values[0] != values[1] and abs(values[0] / values[1] - 1) < 0.1


def test_born_beyond_its_validity_is_told():
    strong = '[[impurities]]\nkind = "nonmagnetic"\nconcentration = 0.3\nstrength = 4.0\n'
    found = run.calculate(card(strong, cross_section="[2, 1]"))
    assert any("too strong for the Born approximation" in w for w in found.attrs["warnings"])
    assert any("coherent potential" in w for w in found.attrs["warnings"])


def test_too_few_configurations_leave_a_mark():
    tables = ALLOY + '[disorder]\nmethod = "configurations"\nconfigurations = 8\n'
    found = run.calculate(card(tables + "standard_error = 1e-6\n", cross_section="[2, 1]"))
    assert not found.attrs["converged"]


def test_a_beta_card_needs_isotropic_impurities_everywhere():
    with pytest.raises(CardError, match="the formula is of a uniform bulk"):
        cards.parse(BETA.replace("strength = 0.3", "strength = 0.3\nlayers = [1, 2]"))
    with pytest.raises(CardError, match="isotropic moments"):
        cards.parse(
            BETA.replace(
                "strength = 0.5", "strength = 0.5\nmoment = {parallel = 1, perpendicular = 0}"
            )
        )
    with pytest.raises(CardError, match="nothing is left"):
        cards.parse(BETA.replace("margin = 5", "margin = 8"))
    with pytest.raises(CardError, match="different and above 0"):
        cards.parse(BETA.replace("[0.1, 0.2]", "[0.1, -0.2]"))


def test_tables_become_the_impurities_that_they_describe():
    uniaxial = ImpurityTable(
        kind="magnetic",
        strength=0.4,
        potential=0.1,
        moment={"axis": [0, 0, 2], "parallel": 0.8, "perpendicular": 0.1, "frame": "following"},
        layers=(1, 3),
    ).impurity()
    assert uniaxial.following and uniaxial.layers == (1, 2, 3) and uniaxial.potential == 0.1
    assert_allclose(uniaxial.tensor, np.diag([0.1, 0.1, 0.8]), atol=1e-15)
    rough = ImpurityTable(kind="nonmagnetic", strength=0.2, distribution="uniform").impurity()
    assert rough.distribution == "uniform" and rough.concentration == 1 and rough.layers is None


def test_the_complete_torque_does_not_depend_on_the_division_of_the_bias():  # independent
    tables = ALLOY + "[disorder]\nmesh = 8\n"
    found = run.calculate(card(tables, 'kind = "torque"\ntolerance = 1e-2'))
    assert found.attrs["response"] == "complete"
    from negf_torque.lattice import layer_chain
    from negf_torque.transport.disordered_complete import complete_disordered_response

    given = card(tables)
    other = complete_disordered_response(
        layer_chain(given.build()),
        -2.2,
        [table.impurity() for table in given.impurities],
        "born",
        8,
        division=0.0,
    )
    assert_allclose(found["complete_torkance"], other.magnet_torkance, atol=1e-4)
    assert_allclose(
        found["complete_layer_torkance"].sum("layer"),
        found["complete_torkance"].sum("magnet"),
        atol=1e-12,
    )
    # in the plane of the moments the window is all
    window = found["torkance"].sel(bias="symmetric", magnet="free", component=["x", "z"])
    complete = found["complete_torkance"].sel(magnet="free", component=["x", "z"])
    assert_allclose(window, complete, atol=1e-4)


BIAS = """
[system]
builder = "stack"
cross_section = "chain"
left = {exchange = 1.5, direction = [0, 0, 1], name = "fixed"}
[[system.layers]]
thickness = 2
onsite = 1.0
[[system.layers]]
name = "free"
thickness = 2
exchange = 1.5
direction = [1, 0, 0]
[[impurities]]
kind = "magnetic"
concentration = 0.3
strength = 0.4
magnets = ["free"]
[disorder]
method = "born"
[calculation]
kind = "disordered_bias"
energy = -0.6
voltages = [-1e-3, 1e-3]
drop = [1, 2]
tolerance = 1e-8
"""


def test_small_biases_give_the_linear_conductance():  # independent
    from negf_torque.lattice import layer_chain
    from negf_torque.transport.disordered import disordered_response

    given = cards.parse(BIAS)
    found = run.calculate(given)
    linear = disordered_response(
        layer_chain(given.build()), -0.6, [t.impurity() for t in given.impurities], "born"
    )
    slope = float(found["current"][1] - found["current"][0]) / 2e-3
    # the second derivative has dropped out, the third is of the order of V^2
    assert_allclose(slope, linear.conductance, rtol=1e-5)
    assert_allclose(found["torque"], found["window_torque"] + found["sea_torque"], atol=1e-15)
    assert np.abs(found["impurity_torque"]).max() > 1e-9
    module = cards.calculation_module("disordered_bias")
    with style():
        assert set(module.figures(found)) == {"bias"}
    assert len(module.listings(found)[0].rows) == 8
    for name in found.data_vars:
        assert found[name].attrs.get("long_name"), name


def test_finite_bias_takes_one_averaged_medium():
    with pytest.raises(CardError, match="one method at a time"):
        cards.parse(BIAS.replace('"born"', '"born"\ncompare = ["coherent-potential"]'))
    with pytest.raises(CardError, match='there for "born"'):
        cards.parse(BIAS.replace('"born"', '"configurations"'))
    with pytest.raises(CardError, match="the last comes before the first"):
        cards.parse(BIAS.replace("drop = [1, 2]", "drop = [2, 1]"))
    with pytest.raises(CardError, match='take kind = "bias_sweep"'):
        cards.parse(BIAS[: BIAS.index("[[impurities]]")] + BIAS[BIAS.index("[calculation]") :])
