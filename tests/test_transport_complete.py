"""Complete linear response: window plus what the Fermi sea answers to the potential."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.greens.response import diagonal_green_derivative, self_energy_derivative
from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.transport.complete import complete_response, lowest_energy, sea_response
from negf_torque.transport.linear import window_response
from negf_torque.transport.sampling import Sampling
from tests.test_transport_kwant import random_system

TIGHT = Sampling(tolerance=1e-11)
MAGNET = {"onsite": 0.75, "exchange": 1.5}


def valve(free=(1, 0, 0), **stack):
    layers = [
        Layer(1),  # the region then has two sites of the normal metal at each end
        Layer(4, name="fixed", **MAGNET),
        Layer(3),
        Layer(2, name="free", direction=free, **MAGNET),
        Layer(1),
    ]
    return layer_chain(build_stack(layers, **({"cross_section": "chain"} | stack)))


@pytest.mark.parametrize(
    ("neutrality", "value"), [("electrochemical", 0.1026), ("neutral", 0.0597)]
)
def test_reference_chain(agree, neutrality, value):  # independent
    torque = complete_response(valve(), -0.7, TIGHT, neutrality=neutrality).magnet_torkance[1]
    assert_allclose(torque[2], 0.88978, atol=5e-6)  # in plane, toward p = z
    agree(
        f"Out-of-plane torque of a valve in a chain with the Fermi sea, {neutrality} potential",
        -torque[1],  # m x p = -y
        value,
        against="reference value",
        atol=5e-5,
        note="printed with four digits",
    )


@pytest.mark.parametrize("neutrality", ["electrochemical", "neutral"])
def test_division_of_the_bias_does_not_matter(neutrality):  # identity
    chain = valve(free=(0.8, 0.5, -0.3), left=Lead(onsite=0.2), right=Lead(hopping=1.1))
    results = [
        complete_response(chain, -0.7, TIGHT, division, neutrality) for division in (0, 0.5, 1, 3)
    ]
    for result in results[1:]:
        assert_allclose(result.site_torkance, results[0].site_torkance, atol=1e-10)
        assert_allclose(result.density, results[0].density, atol=1e-10)
    windows = [r.window_torkance for r in results]
    assert np.abs(windows[0] - windows[2]).max() > 0.1


def test_neutral_potential_leaves_every_site_neutral():  # identity
    result = complete_response(valve(), -0.7, TIGHT, neutrality="neutral")
    assert_allclose(result.density[:, 0], 0, atol=1e-10)
    assert np.abs(result.window_density[:, 0]).max() > 1e-3


def test_sea_of_coplanar_magnets_is_out_of_plane():  # identity
    result = complete_response(valve(free=(0.7, 0, 0.4)), -0.7, TIGHT)
    assert_allclose(result.sea_torkance[:, [0, 2]], 0, atol=1e-11)
    assert np.abs(result.sea_torkance[:, 1]).max() > 0.01


def test_uniform_shift_is_a_shift_of_the_energies(agree):  # identity
    """chi_ij summed over everything = -(d_L + d_R)_i/(2 pi), for spins as for particles."""
    chain = layer_chain(random_system(4, spin_orbit=0.3))
    sites = len(chain.sites.layer)
    sea = sea_response(chain, 0.3, np.ones((sites, 1)), np.ones((2, 1)), TIGHT)
    window = window_response(chain, 0.3)
    expected = -window.density_by_lead.sum(axis=0) / (2 * np.pi)
    agree(
        "Answer of the Fermi sea to a shift of all levels, a device with spin-orbit coupling",
        sea.value.reshape(sites, 7)[:, :4],
        expected,
        against="another route",
        atol=1e-10,
        note="density of states of both leads' scattering states",
    )


def test_contour_does_not_matter():  # identity
    chain = valve()
    potential = np.linspace(0.5, -0.5, len(chain.sites.layer))[:, None]
    leads = np.array([[0.5], [-0.5]])
    bottom = lowest_energy(chain)
    values = [
        sea_response(chain, -0.7, potential, leads, TIGHT, bottom - extra).value
        for extra in (0.0, 3.0)
    ]
    assert_allclose(values[0], values[1], atol=1e-10)


def test_periodic_stack_on_a_mesh_does_not_depend_on_the_division():  # identity
    layers = [
        Layer(2, name="fixed", **MAGNET),
        Layer(2),
        Layer(1, name="free", direction=(1, 0, 0), **MAGNET),
    ]
    chain = layer_chain(build_stack(layers))
    sampling = Sampling(mesh=4, tolerance=1e-9)
    results = [complete_response(chain, -2.2, sampling, division) for division in (0, 1)]
    assert_allclose(results[0].site_torkance, results[1].site_torkance, atol=1e-8)


def test_derivatives_are_those_of_dense_inverses():  # independent
    rng = np.random.default_rng(0)

    def random(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    sizes, batch = [2, 3, 1, 2], 4
    diagonal = [random(batch, n, n) + 4j * np.eye(n) for n in sizes]
    change = [random(batch, n, n) for n in sizes]
    coupling = [random(1, m, n) for n, m in zip(sizes[:-1], sizes[1:], strict=True)]
    green, derivative = diagonal_green_derivative(diagonal, coupling, change)
    ends = np.cumsum(sizes)
    whole, moved = np.zeros((2, batch, ends[-1], ends[-1]), complex)
    for low, high, block, other in zip(ends - sizes, ends, diagonal, change, strict=True):
        whole[:, low:high, low:high], moved[:, low:high, low:high] = block, other
    for i, v in enumerate(coupling):
        here, there = slice(ends[i] - sizes[i], ends[i]), slice(ends[i], ends[i + 1])
        whole[:, there, here], whole[:, here, there] = -v, -v.conj().swapaxes(1, 2)
    g = np.linalg.inv(whole)
    dg = -g @ moved @ g
    for low, high, a, b in zip(ends - sizes, ends, green, derivative, strict=True):
        assert_allclose(a, g[:, low:high, low:high], atol=1e-12)
        assert_allclose(b, dg[:, low:high, low:high], atol=1e-12)


def test_slope_of_a_self_energy_is_a_difference_quotient(agree):  # independent
    from negf_torque.greens.surface import lead_self_energy

    rng = np.random.default_rng(1)
    a, v = rng.normal(size=(2, 3, 3)) + 1j * rng.normal(size=(2, 3, 3))
    h, z, step = (a + a.conj().T)[None], np.array([0.4 + 0.3j]), 1e-3
    sigma = lead_self_energy(h, v[None], z).sigma
    slope = self_energy_derivative(h, v[None], z, sigma)
    around = [lead_self_energy(h, v[None], z + step * 1j**n).sigma / 1j**n for n in range(4)]
    # four points on a circle: the error is of fourth order in the step
    agree(
        "Energy derivative of a lead's self-energy",
        slope,
        sum(around) / (4 * step),
        against="another route",
        atol=1e-9,
        note="difference quotient on a circle in the complex plane",
    )


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="neutrality: 'local'"):
        complete_response(valve(), -0.7, neutrality="local")
