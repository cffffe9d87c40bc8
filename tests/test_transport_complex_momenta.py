"""Zone averages of the Fermi sea at complex momenta, bound states, errors of complete torques."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.notices import PhysicsWarning
from negf_torque.transport import spin_balance as spin_balance_module
from negf_torque.transport.complete import complete_response, sea_response
from negf_torque.transport.complex_momenta import complex_momenta, momentum_shift
from negf_torque.transport.linear import window_response
from negf_torque.transport.meshes import zone_mesh
from negf_torque.transport.occupied import contour_average
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.sea import _large, _small
from negf_torque.units import BOLTZMANN

MAGNET = {"onsite": 0.75, "exchange": 1.5}


def stack(free=(1, 0, 0), fixed=2, spacer=1, **others):
    layers = [
        Layer(fixed, name="fixed", **MAGNET),
        Layer(spacer),
        Layer(1, name="free", direction=free, **MAGNET),
    ]
    return layer_chain(build_stack(layers, **others))


@pytest.mark.parametrize("maker", [_small, _large])
def test_average_is_that_of_real_momenta(agree, maker):  # independent
    """Away from the real axis a fine real mesh is exact; moving the momenta changes nothing."""
    chain = stack((0.3, 0.5, 0.8), left=Lead(onsite=0.4, hopping=0.8))
    shift = momentum_shift(chain)
    potential = np.linspace(0.5, -0.5, len(chain.sites.layer))[:, None]
    columns = maker(chain, potential, np.array([[0.5], [-0.5]]), False)
    means = []
    for points, moved in ((96, False), (48, True)):
        k, share = zone_mesh(points, 2, True, True)
        if moved:
            k, jacobian = complex_momenta(k, shift)
            share = share * jacobian
        means.append(share @ columns(k, np.full(len(k), -1.3 + 0.8j)))
    agree(
        "Zone average of the Fermi sea's answer at complex momenta",
        np.abs(means[1]),
        np.abs(means[0]),
        against="another route",
        atol=1e-10,
        note="fine mesh of real momenta at a complex energy",
    )
    assert_allclose(means[1], means[0], atol=1e-10)


def test_shift_of_all_levels_of_a_stack_is_its_density_of_states(agree):  # independent
    """The sea at complex momenta against the scattering states' adaptive average, T = 0."""
    chain, sampling = stack((0.3, 0.5, 0.8)), Sampling(1e-6)
    sites = len(chain.sites.layer)
    sea = sea_response(chain, -3.5, np.ones((sites, 1)), np.ones((2, 1)), sampling)
    window = window_response(chain, -3.5, sampling)
    agree(
        "Answer of the Fermi sea to a shift of all levels, metallic stack at T = 0",
        sea.value.reshape(sites, 7)[:, :4],
        -window.density_by_lead.sum(axis=0) / (2 * np.pi),
        against="another route",
        atol=1e-9,
        note="density of states of both leads' scattering states, adaptive in real momenta",
    )
    assert sea.converged
    assert sea.evaluations < 100_000  # real momenta do not settle with millions


def test_division_of_the_bias_does_not_matter_in_a_stack():  # identity
    chain, sampling = stack(right=Lead(hopping=1.1)), Sampling(1e-5)
    window = window_response(chain, -3.2, sampling)
    results = [
        complete_response(chain, -3.2, sampling, division, window=window)
        for division in (0, 1)
    ]
    for result in results:
        assert result.bound_states == 0
        assert result.converged
        assert_allclose(result.site_torkance, results[0].site_torkance, atol=1e-7)


def test_momenta_stay_real_where_bands_would_rise():
    assert np.all(momentum_shift(stack()) == 0.7)
    opposite = Layer(2, hopping=-0.5, hopping_out=1.0)
    assert momentum_shift(layer_chain(build_stack([Layer(1), opposite]))) is None
    chain = layer_chain(build_stack([Layer(2, **MAGNET)], cross_section="chain"))
    assert momentum_shift(chain) is None


def test_bound_states_keep_their_occupation():
    """A magnet whose levels lie above a lead's band holds states that no lead fills."""
    chain, sampling = stack(), Sampling(1e-2)
    window = window_response(chain, -1.0, Sampling(1e-3))
    results = [
        complete_response(chain, -1.0, sampling, division, window=window) for division in (0, 1)
    ]
    assert min(r.bound_states for r in results) > 0.1
    difference = np.abs(results[0].magnet_torkance - results[1].magnet_torkance)
    assert difference.max() < 2 * sum(r.torkance_error for r in results).max()
    # the sea at complex momenta would fill them from the leads: far off
    potential, leads = results[0].potential[:, None], np.array([[0.0], [-1.0]])
    filled = sea_response(chain, -1.0, potential, leads, sampling).value.reshape(-1, 7)
    assert np.abs(filled[:, 0] - results[0].sea_density[:, 0]).max() > 0.01


def test_bound_states_at_a_temperature_are_told(agree):  # limit, identity
    """A level above a chain's band: E = sqrt(4 t^2 + eps^2) with the weight eps/E on its site."""
    thermal, energy = 0.1, 1.9
    layers = [Layer(1), Layer(1, onsite=1.0, exchange=0.4, name="m"), Layer(1)]
    chain = layer_chain(build_stack(layers, cross_section="chain"))
    sampling = Sampling(1e-4, temperature=thermal / BOLTZMANN)
    with pytest.warns(PhysicsWarning, match="temperature: .* states bound in the device"):
        results = [complete_response(chain, energy, sampling, division) for division in (0, 1)]
    onsite = 1.0 + np.array([-0.2, 0.2])
    level = np.sqrt(4 + onsite**2)
    slope = 1 / (4 * thermal * np.cosh((level - energy) / (2 * thermal)) ** 2)
    up, down = slope * onsite / level
    agree(
        "Density of bound states at a temperature, one level above a chain's band",
        np.array([r.bound_states for r in results]),
        2 * np.pi * (up + down),
        against="analytic",
        rtol=1e-6,
    )
    assert_allclose([r.bound_states for r in results], 2 * np.pi * (up + down), rtol=1e-6)
    # raising everything by one volt empties them, and that is all that the division changes
    at = chain.sites.magnet.index("m")
    change = results[1].density[at] - results[0].density[at]
    assert_allclose(change, [-(up + down), 0, 0, down - up], atol=1e-6)


@pytest.mark.parametrize("bound", [0.0, 0.3])
def test_spin_balance_takes_the_momenta_of_the_complete_response(bound, monkeypatch):
    """Where bound states keep their occupation in one, they do in the other."""
    chain, sampling = stack(fixed=1, cross_section="chain"), Sampling(1e-5)
    complete = replace(complete_response(chain, -0.7, sampling), bound_states=bound)
    asked = []

    def watched(*arguments, real_momenta=False, **others):
        asked.append(real_momenta)
        return contour_average(*arguments, real_momenta=real_momenta, **others)

    monkeypatch.setattr(spin_balance_module, "contour_average", watched)
    balance = spin_balance_module.spin_balance(chain, -0.7, sampling, complete)
    assert asked == [bound > 0]
    assert balance.converged  # though the sea vanishes by symmetry here
    assert_allclose(balance.exchange_torkance, complete.site_torkance, atol=1e-4)


@pytest.mark.parametrize(
    ("free", "energy"), [((1, 0, 0), -2.2), ((0.3, 0, 0.8), -3.2)]
)
def test_errors_of_complete_torques(free, energy):
    """True errors lie below the estimates, and these within the tolerance that was asked for."""
    chain = stack(free, spacer=2)
    window = window_response(chain, energy, Sampling(1e-2))
    fine = complete_response(chain, energy, Sampling(1e-6), window=window)
    scale = 2 * np.pi * 1.5 * np.abs(fine.sea_density).max()
    for tolerance in (1e-2, 1e-4):
        found = complete_response(chain, energy, Sampling(tolerance), window=window)
        true = np.abs(found.magnet_torkance - fine.magnet_torkance)
        assert np.all(true <= found.sea_magnet_error + 1e-12)
        assert found.sea_magnet_error.max() < tolerance * scale
        # coplanar moments: the sea's in-plane part vanishes, and so does its error
        assert found.sea_magnet_error[:, [0, 2]].max() < 1e-12
    better = complete_response(chain, energy, Sampling(1e-4))
    true = np.abs(found.magnet_torkance - better.magnet_torkance)
    assert np.all(true <= found.torkance_error + 1e-12)
    assert found.torkance_error.max() < 1e-2 * np.abs(better.magnet_torkance).max()


@pytest.mark.parametrize("energy", [-2.2, -2.9])
def test_errors_of_complete_torques_are_tight(energy):
    chain = stack(fixed=4, spacer=3)
    window = window_response(chain, energy, Sampling(1e-2))
    found, fine = (
        complete_response(chain, energy, Sampling(tolerance), window=window)
        for tolerance in (1e-2, 1e-5)
    )
    true = np.abs(found.magnet_torkance - fine.magnet_torkance)[:, 1]
    error = found.sea_magnet_error[:, 1]
    assert np.all((true < error) & (error < 12 * true))
