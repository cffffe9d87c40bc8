"""Devices with impurities at a temperature: sea, complete response and finite bias."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.lattice import Layer, build_stack, layer_chain
from negf_torque.transport.bias import finite_bias, linear_profile
from negf_torque.transport.complete import complete_response
from negf_torque.transport.disordered_average import thermal_response
from negf_torque.transport.disordered_bias import (
    disordered_equilibrium_torque,
    disordered_finite_bias,
)
from negf_torque.transport.disordered_complete import complete_disordered_response
from negf_torque.transport.disordered_device import make_disordered
from negf_torque.transport.disordered_sea import SEA_COLUMNS, disordered_sea
from negf_torque.transport.sampling import Sampling
from negf_torque.units import BOLTZMANN

ENERGY, WARM = -0.7, 900.0
METHODS = ("born", "coherent-potential")
KINDS = [
    NonmagneticImpurities(1.0, 0.2, "symmetric"),
    MagneticImpurities(0.3, 0.2, potential=0.1, order=4),
]


def valve(cross_section="chain"):
    metal = {"onsite": 0.75, "exchange": 1.5}
    layers = [
        Layer(2, name="fixed", **metal),
        Layer(1),
        Layer(1, direction=(1, 0, 0), name="free", **metal),
    ]
    return layer_chain(build_stack(layers, cross_section=cross_section))


@cache
def window(method):
    return thermal_response(valve(), ENERGY, KINDS, method, temperature=WARM)


@pytest.mark.parametrize("method", METHODS)
def test_shifting_everything_is_the_thermal_density_of_states(agree, method):  # identity: sum rule
    chain = valve()
    device = make_disordered(chain, KINDS, method, 1)
    sites = len(chain.sites.layer)
    ones = np.ones((sites, 1)), np.ones((2, 1))
    sea, solved = disordered_sea(device, ENERGY, *ones, temperature=WARM)
    assert sea.converged and solved
    found = window(method)
    by_lead = [
        found.density_by_lead, found.exchange_density_by_lead, found.impurity_torque_by_lead,
    ]  # fmt: skip
    agree(
        f"Fermi sea with impurities at a temperature under a shift of all levels, {method}",
        sea.value.reshape(sites, SEA_COLUMNS),
        -np.concatenate(by_lead, axis=2).sum(axis=0) / (2 * np.pi),
        against="another route",
        atol=2e-7,  # the leads' band edge is 17 k_B T away, exp(-17) = 4e-8
        note="sum rule: thermal average of both leads' states on the real axis",
    )


@pytest.mark.parametrize("neutrality", ["electrochemical", "neutral"])
def test_division_of_the_voltage_does_not_matter(neutrality):  # identity
    one, two = (
        complete_disordered_response(
            valve(), ENERGY, KINDS, "coherent-potential", division=division,
            neutrality=neutrality, temperature=WARM, window=window("coherent-potential"),
        )
        for division in (0.0, 1.0)
    )  # fmt: skip
    assert np.abs(one.window_torkance - two.window_torkance).max() > 0.1
    assert_allclose(one.site_torkance, two.site_torkance, atol=1e-6)
    assert_allclose(one.site_impurity_torque, two.site_impurity_torque, atol=1e-6)
    if neutrality == "neutral":
        assert_allclose(one.density[:, 0], 0, atol=1e-6)


def test_averages_keep_charge_and_the_ward_identity():  # identity
    found = window("born")
    assert found.current_loss < 1e-12
    assert_allclose(found.conductance, found.conductance_reversed, rtol=1e-12)
    # sum over both leads of what crosses a bond: no charge flows in equilibrium
    assert_allclose(found.current_by_lead[:, :, 0].sum(axis=0), 0, atol=1e-12)


def test_without_impurities_it_is_the_clean_response(agree):  # independent: another contour
    chain = valve()
    clean = complete_response(chain, ENERGY, Sampling(1e-7, temperature=WARM))
    found = complete_disordered_response(chain, ENERGY, [], temperature=WARM)
    agree(
        "Complete torque at a temperature by the disorder solver without impurities",
        found.site_torkance,
        clean.site_torkance,
        against="another route",
        atol=1e-6,
        note="clean solver, other contour, adaptive thermal average",
    )


def test_cold_limit_goes_like_the_square_of_the_temperature():  # analytic: Sommerfeld
    """X(T) = X(0) + (pi k_B T)^2/6 d^2X/dmu^2: twice the temperature, four times the change."""
    chain = valve()
    device = make_disordered(chain, KINDS, "born", 1)
    potential = np.linspace(0.5, -0.5, len(chain.sites.layer))[:, None]
    leads = np.array([[0.5], [-0.5]])
    cold, cool, warm = (
        disordered_sea(device, ENERGY, potential, leads, 1e-10, temperature)[0].value
        for temperature in (0.0, 30.0, 60.0)
    )
    assert np.abs(warm - cold).max() > 1e-6
    assert_allclose(warm - cold, 4 * (cool - cold), atol=3e-2 * np.abs(warm - cold).max())


def test_finite_bias_without_impurities_is_the_clean_one(agree):  # independent
    chain = valve()
    profile = linear_profile(chain, 1, 4)
    clean = finite_bias(chain, ENERGY, 0.3, profile, Sampling(1e-7, temperature=WARM))
    found = disordered_finite_bias(
        chain, ENERGY, 0.3, profile, [], tolerance=1e-7, temperature=WARM
    )
    both = [
        np.concatenate([[x.current], x.window_torque.ravel(), x.sea_torque.ravel()])
        for x in (found, clean)
    ]
    agree(
        "Current and torques at a voltage and a temperature, disorder solver without impurities",
        *both,
        against="another route",
        atol=1e-6,
        note="clean solver on another contour",
    )
    assert_allclose(found.sea_spin_current, clean.sea_spin_current, atol=1e-6)


@pytest.mark.parametrize("voltage", [0.2, -0.2])
def test_spin_of_window_and_sea_goes_to_moments_and_impurities(voltage):  # identity
    chain = valve()
    found = disordered_finite_bias(
        chain, ENERGY, voltage, linear_profile(chain, 1, 4), KINDS, tolerance=1e-4, temperature=WARM
    )
    for flow, torque, lost in (
        (found.spin_current[:, 1:], found.window_torque, found.window_impurity_torque),
        (found.sea_spin_current, found.sea_torque, found.sea_impurity_torque),
    ):
        assert_allclose((torque + lost)[1:-1], -np.diff(flow, axis=0), atol=1e-10)
    assert np.ptp(found.spin_current[:, 0]) < 1e-12


def test_small_bias_is_the_complete_linear_response(agree):  # independent
    """Odd part of T(V) over V with the linear response's own potential, T = 900 K."""
    chain = valve()
    linear = complete_disordered_response(
        chain, ENERGY, KINDS, "born", temperature=WARM, window=window("born")
    )
    voltage = 1e-3
    pair = [
        disordered_finite_bias(
            chain, ENERGY, v, linear.potential, KINDS, "born", tolerance=1e-6, temperature=WARM
        )
        for v in (voltage, -voltage)
    ]
    agree(
        "Torque of a small voltage with impurities at a temperature",
        (pair[0].site_torque - pair[1].site_torque) / (2 * voltage),
        linear.site_torkance,
        against="another route",
        atol=3e-5,
        note="complete linear response",
    )


def test_coupling_at_a_temperature_is_the_average_over_chemical_potentials():  # independent
    """int f(E) X dE is the thermal average of the T = 0 torque over the chemical potential."""
    chain = valve()
    warm = disordered_equilibrium_torque(chain, ENERGY, KINDS, temperature=300.0, tolerance=1e-8)
    x = np.arange(-16.0, 16.1, 2.0)  # trapezoid: relative error 2 exp(-2 pi^2/h) = 1e-4
    weight = 1 / np.cosh(x / 2) ** 2
    cold = [
        disordered_equilibrium_torque(chain, ENERGY + BOLTZMANN * 300 * step, KINDS, tolerance=1e-5)
        for step in x
    ]
    expected = np.tensordot(weight / weight.sum(), cold, 1)
    assert_allclose(warm, expected, atol=1e-4 * np.abs(warm).max())
    assert np.abs(warm - cold[8]).max() > 1e-3 * np.abs(warm).max()


def test_temperature_is_checked():
    for function in (disordered_finite_bias, disordered_equilibrium_torque):
        arguments = (0.1, np.zeros(6)) if function is disordered_finite_bias else ()
        with pytest.raises(ValueError, match="temperature: -3"):
            function(valve(), ENERGY, *arguments, KINDS, temperature=-3)
