"""Sea, finite bias, disordered leads and mixing conductance of devices with impurities."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.disorder.sites import site_disorder
from negf_torque.lattice.layers import layer_chain
from negf_torque.lattice.stack import Layer, Lead, build_stack
from negf_torque.transport.bias import finite_bias, linear_profile
from negf_torque.transport.complete import complete_response
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.disordered_bias import (
    disordered_equilibrium_torque,
    disordered_finite_bias,
)
from negf_torque.transport.disordered_complete import complete_disordered_response
from negf_torque.transport.disordered_device import make_disordered
from negf_torque.transport.disordered_mixing import disordered_mixing
from negf_torque.transport.disordered_sea import SEA_COLUMNS, disordered_sea
from negf_torque.transport.mixing import mixing_conductance
from negf_torque.transport.sampling import Sampling

METHODS = ("born", "coherent-potential")
KINDS = [
    NonmagneticImpurities(1.0, 0.2, "symmetric"),
    MagneticImpurities(0.3, 0.2, potential=0.1, order=4),
]


def magnet(thickness, direction, name):
    return Layer(thickness, onsite=0.75, exchange=1.5, direction=direction, name=name)


def valve(cross_section="chain", lead=None):
    layers = [magnet(2, (0, 0, 1), "fixed"), Layer(2), magnet(2, (1, 0, 0), "free")]
    return layer_chain(build_stack(layers, lead, lead, cross_section=cross_section))


# --- sea --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("neutrality", ["electrochemical", "neutral"])
def test_torque_does_not_depend_on_the_division_of_the_voltage(method, neutrality):  # identity
    one, two = (
        complete_disordered_response(
            valve(), -0.7, KINDS, method, division=division, neutrality=neutrality
        )
        for division in (0.0, 1.0)
    )
    assert one.converged and two.converged
    assert np.abs(one.window_torkance - two.window_torkance).max() > 0.1
    assert_allclose(one.site_torkance, two.site_torkance, atol=1e-10)
    assert_allclose(one.site_impurity_torque, two.site_impurity_torque, atol=1e-10)
    assert_allclose(one.density, two.density, atol=1e-10)
    if neutrality == "neutral":
        assert_allclose(one.density[:, 0], 0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_shifting_everything_is_the_density_of_states(agree, method):  # identity: sum rule
    """sum_j chi_ij + chi_iL + chi_iR = -(d_L + d_R)_i/(2 pi), likewise spin and torques."""
    chain = valve()
    device = make_disordered(chain, KINDS, method, 1)
    sites = len(chain.sites.layer)
    sea, solved = disordered_sea(device, -0.7, np.ones((sites, 1)), np.ones((2, 1)))
    window = disordered_response(chain, -0.7, KINDS, method)
    value = sea.value.reshape(sites, SEA_COLUMNS)
    assert sea.converged and solved
    by_lead = [
        window.density_by_lead, window.exchange_density_by_lead, window.impurity_torque_by_lead,
    ]  # fmt: skip
    agree(
        f"Fermi sea with impurities under a shift of all levels, {method}",
        value,
        -np.concatenate(by_lead, axis=2).sum(axis=0) / (2 * np.pi),
        against="another route",
        atol=1e-10,
        note="sum rule: states of both leads at the Fermi energy",
    )


def test_sea_without_impurities_is_the_clean_one(agree):  # independent: another contour and solver
    clean = complete_response(valve("periodic"), -2.2, Sampling(tolerance=1e-9, mesh=4))
    response = complete_disordered_response(valve("periodic"), -2.2, [], mesh=4)
    agree(
        "Complete torque by the disorder solver without impurities",
        response.site_torkance,
        clean.site_torkance,
        against="another route",
        atol=1e-8,
        note="clean solver on another contour",
    )
    assert_allclose(response.sea_density, clean.sea_density, atol=1e-8)


def test_both_solvers_of_the_sea_agree(monkeypatch):  # independent
    chain, found = valve(), []
    for few in (0, 100):
        monkeypatch.setattr("negf_torque.transport.disordered_sea._FEW", few)
        found.append(complete_disordered_response(chain, -0.7, KINDS, "coherent-potential"))
    assert_allclose(found[0].sea_density, found[1].sea_density, atol=1e-12)
    assert_allclose(found[0].sea_impurity_torque, found[1].sea_impurity_torque, atol=1e-12)


def test_one_random_site_averages_the_complete_response(agree):  # independent: enumeration
    """A fixed potential: window and sea of every alternative, averaged."""
    chain, site = valve(), 3
    kind = NonmagneticImpurities(0.3, 0.6, sites=(site,))
    device = make_disordered(chain, [kind], "coherent-potential", 1)
    sites = len(chain.sites.layer)
    rng = np.random.default_rng(4)
    potential, leads = rng.normal(size=(sites, 1)), np.array([[0.3], [-0.8]])
    averaged, _ = disordered_sea(device, -0.7, potential, leads)
    exact = 0.0
    group = site_disorder(chain.sites, [kind]).groups[0]
    for probability, v in zip(group.probability, group.potential[0], strict=True):
        onsite = [block.copy() for block in chain.onsite]
        onsite[chain.sites.layer[site]][0] += v
        one = make_disordered(replace(chain, onsite=tuple(onsite)), [], "born", 1)
        exact = exact + probability * disordered_sea(one, -0.7, potential, leads)[0].value
    columns = slice(0, 7)  # what is lost to an impurity is no observable of one alternative's host
    agree(
        "Answer of the Fermi sea with one random site, coherent potential",
        averaged.value.reshape(sites, SEA_COLUMNS)[:, columns],
        exact.reshape(sites, SEA_COLUMNS)[:, columns],
        against="explicit configurations",
        atol=1e-10,
        note="every alternative of the site",
    )


def test_beta_of_a_disordered_spiral(agree):  # frozen: bulk formula 0.1611851
    length, period, split = 160, 240.0, 0.8

    def texture(n):
        angle = 2 * np.pi * (np.asarray(n, float) - (length - 1) / 2) / period
        return np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=-1)

    ends = [Lead(exchange=split, direction=texture([n])[0]) for n in (-1, length)]
    layer = Layer(length, exchange=split, texture=texture, name="spiral")
    chain = layer_chain(build_stack([layer], *ends, cross_section="chain"))
    inside = tuple(range(1, length + 1))
    kinds = [
        NonmagneticImpurities(1.0, np.sqrt(0.15), "symmetric", layers=inside),
        MagneticImpurities(1.0, np.sqrt(3 * 0.03), layers=inside),
    ]
    response = complete_disordered_response(chain, -0.6, kinds)
    n = chain.sites.exchange / split
    slope = np.gradient(n, axis=0)
    middle = slice(70, 92)

    def beta(torque):
        along = np.sum(torque * slope, axis=1)[middle].sum()
        return np.sum(torque * np.cross(n, slope), axis=1)[middle].sum() / along

    # 70 sites from each lead leave 8e-4; 300 sites and the middle 100 give 0.161187
    agree(
        "beta of a disordered spiral of 160 sites, complete response",
        beta(response.site_torkance),
        0.1611851,
        against="another route",
        rtol=1e-3,
        note="gradient expansion of the bulk",
    )
    assert_allclose(beta(response.window_torkance), 0.1719, rtol=1e-3)


def test_unknown_neutrality():
    with pytest.raises(ValueError, match="^neutrality: "):
        complete_disordered_response(valve(), -0.7, KINDS, neutrality="none")


# --- finite bias ------------------------------------------------------------------------------


def test_finite_bias_without_impurities_is_the_clean_one(agree):
    chain = valve()
    profile = linear_profile(chain, 2, 5)
    clean = finite_bias(chain, -0.7, 0.3, profile, Sampling(tolerance=1e-8))
    found = disordered_finite_bias(chain, -0.7, 0.3, profile, [], tolerance=1e-8)
    assert_allclose(found.current, clean.current, atol=1e-9)
    agree(
        "Torque at 0.3 V by the disorder solver without impurities",
        found.site_torque,
        clean.site_torque,
        against="another route",
        atol=1e-8,
        note="clean solver",
    )
    assert_allclose(found.spin_current, clean.spin_current, atol=1e-9)
    assert_allclose(found.sea_spin_current, clean.sea_spin_current, atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_small_bias_is_the_complete_linear_response(agree, method):  # independent
    chain, step = valve(), 2e-3
    linear = complete_disordered_response(chain, -0.7, KINDS, method)
    up, down = (
        disordered_finite_bias(chain, -0.7, v, linear.potential, KINDS, method, tolerance=1e-9)
        for v in (step, -step)
    )
    # third derivative of the torque times step^2
    agree(
        f"Complete torque of a disordered chain per volt, {method}",
        linear.site_torkance,
        (up.site_torque - down.site_torque) / (2 * step),
        against="another route",
        atol=2e-5,
        note="difference quotient of the torque at finite bias",
    )
    lost = [p.window_impurity_torque + p.sea_impurity_torque for p in (up, down)]
    assert_allclose((lost[0] - lost[1]) / (2 * step), linear.site_impurity_torque, atol=2e-5)
    assert_allclose(up.spin_current[:, 0], up.current, atol=1e-12)


def test_spin_of_window_and_sea_goes_to_moments_and_impurities():  # identity
    chain = valve()
    found = disordered_finite_bias(chain, -0.7, 0.3, linear_profile(chain, 2, 5), KINDS)
    lost = found.site_torque + found.window_impurity_torque + found.sea_impurity_torque
    by_layer = np.zeros((len(chain.onsite), 3))
    np.add.at(by_layer, chain.sites.layer, lost)
    flowing = found.spin_current[:, 1:] + found.sea_spin_current
    assert_allclose(flowing[:-1] - flowing[1:], by_layer[1:-1], atol=1e-6)


def test_magnets_exchange_torque_in_equilibrium():  # identity: no spin comes from the leads
    torque = disordered_equilibrium_torque(valve(), -0.7, KINDS, "coherent-potential")
    assert np.abs(torque).max() > 1e-3
    assert_allclose(torque.sum(axis=0), 0, atol=1e-10)


@pytest.mark.parametrize(
    ("voltage", "profile", "name"), [(0.1, [1.0], "profile"), (np.nan, np.zeros(8), "voltage")]
)
def test_bad_bias(voltage, profile, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        disordered_finite_bias(valve(), -0.7, voltage, profile, KINDS)


# --- leads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_region_of_its_leads_material_is_the_bulk(method):  # identity
    lead = Lead(exchange=1.0)
    chain = layer_chain(build_stack([Layer(3, exchange=1.0, name="bulk")], lead, lead))
    response = disordered_response(
        chain, -2.2, KINDS, method, mesh=4, lead_impurities=(KINDS, KINDS)
    )
    sigma = np.array(response.self_energy)
    assert_allclose(sigma, np.broadcast_to(sigma[0], sigma.shape), atol=1e-13)
    assert response.current_loss < 1e-12


def test_disordered_leads_obey_the_sum_rule_of_the_division():
    lead = Lead(exchange=1.0)
    chain = layer_chain(build_stack([magnet(2, (1, 0, 0), "m")], lead, lead, cross_section="chain"))
    kinds = [NonmagneticImpurities(0.3, 0.5), MagneticImpurities(1.0, 0.2, order=2)]
    one, two = (
        complete_disordered_response(
            chain, -0.4, kinds, "coherent-potential", division=d, lead_impurities=(kinds, kinds[:1])
        )
        for d in (0.0, 1.0)
    )
    assert_allclose(one.site_torkance, two.site_torkance, atol=1e-10)


def test_a_lead_that_hardly_absorbs_is_told():
    weak = [NonmagneticImpurities(1.0, 1e-12)]
    with pytest.raises(ValueError, match="^impurities: a lead absorbs too weakly"):
        disordered_response(valve(), -0.7, weak, lead_impurities=(weak, weak))


# --- mixing conductance -----------------------------------------------------------------------


def interface():
    return layer_chain(
        build_stack([Layer(2), magnet(2, (0.3, 0.5, 0.8), "m")], cross_section="chain")
    )


def test_clean_mixing_conductance(agree):  # independent: reflection amplitudes
    clean = mixing_conductance(interface(), -0.7)
    found = disordered_mixing(interface(), -0.7, [])
    agree(
        "Mixing conductances by the disorder solver without impurities",
        [found.reflection, found.transmission],
        [clean.reflection, clean.transmission],
        against="another route",
        atol=1e-13,
        note="reflection and transmission amplitudes",
    )
    assert_allclose(found.reflection_corrected, clean.reflection_corrected, atol=1e-12)


def test_mixing_conductance_of_one_random_site(agree):  # independent: enumeration
    chain, site = interface(), 3
    kind = NonmagneticImpurities(0.4, 0.8, sites=(site,))
    found = disordered_mixing(chain, -0.7, [kind], "coherent-potential")
    group = site_disorder(chain.sites, [kind]).groups[0]
    mean = 0.0
    for probability, v in zip(group.probability, group.potential[0], strict=True):
        onsite = [block.copy() for block in chain.onsite]
        onsite[chain.sites.layer[site]][0] += v
        exact = mixing_conductance(replace(chain, onsite=tuple(onsite)), -0.7)
        mean = mean + probability * np.array([exact.reflection, exact.transmission])
    agree(
        "Mixing conductances with one random site, coherent potential",
        [found.reflection, found.transmission],
        mean,
        against="explicit configurations",
        atol=1e-12,
        note="every alternative of the site",
    )


def test_mixing_conductance_needs_a_normal_entry():
    with pytest.raises(ValueError, match="^impurities: the first layer"):
        disordered_mixing(interface(), -0.7, [MagneticImpurities(0.1, 0.3)])
    with pytest.raises(ValueError, match="^left: "):
        disordered_mixing(valve(lead=Lead(exchange=0.5)), -0.7, [])
