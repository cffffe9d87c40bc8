"""Averaged response of devices with impurities: limits that are known otherwise."""

import numpy as np
import pytest
from disordered_systems import METHODS, magnet, valve, with_potential
from numpy.testing import assert_allclose

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.disorder.sites import site_disorder
from negf_torque.greens.full import full_green
from negf_torque.lattice.layers import layer_chain
from negf_torque.lattice.stack import Layer, Lead, build_stack
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.leads import fourier_blocks, lead_self_energies
from negf_torque.transport.linear import window_response, window_responses


def test_ladder_of_four_rows(agree):  # frozen: reference of an independent prototype
    layers = [Layer(2), magnet(6, (0, 0, 1), "a"), Layer(4), magnet(6, (1, 0, 0), "b"), Layer(2)]
    chain = layer_chain(build_stack(layers, cross_section=(4, 1)))
    inside = tuple(range(1, len(chain.onsite) - 1))
    impurities = [NonmagneticImpurities(1.0, np.sqrt(0.02), "symmetric", layers=inside)]
    response = disordered_response(chain, -0.83, impurities)
    agree(
        "Conductance of a ladder of four rough rows, Born with vertex corrections",
        response.conductance,
        3.6595279288,
        against="reference value",
        atol=5e-11,
    )


def test_one_random_site_is_the_average_over_its_alternatives(agree):  # independent: enumeration
    chain, site = valve("chain"), 4
    kinds = [
        NonmagneticImpurities(0.3, 0.9, sites=(site,)),
        MagneticImpurities(0.6, 0.8, 0.3, directions=((0, 0.6, 0.8), (1, 0, 0)), sites=(site,)),
    ]
    response = disordered_response(chain, -0.7, kinds, "coherent-potential")
    group = site_disorder(chain.sites, kinds).groups[0]
    devices = [with_potential(chain, {site: v}) for v in group.potential[0]]
    exact = window_responses(devices, -0.7)
    for name in ("conductance", "density_by_lead", "current_by_lead", "exchange_density_by_lead"):
        mean = sum(p * getattr(r, name) for p, r in zip(group.probability, exact, strict=True))
        agree(
            f"Coherent potential of one random site: {name.replace('_', ' ')}",
            getattr(response, name),
            mean,
            against="explicit configurations",
            atol=1e-12,
            note="every alternative of the site",
        )


def test_few_impurities_are_the_sum_over_single_ones(agree):  # independent: d/dc at c = 0
    chain, sites = valve("chain"), (1, 3, 4, 6)
    moments = ((0, 0.6, 0.8), (1, 0, 0))

    def averaged(c):
        kind = MagneticImpurities(c, 0.8, 0.3, directions=moments, sites=sites)
        return disordered_response(chain, -0.7, [kind], "coherent-potential").site_torkance_by_bias

    clean = window_response(chain, -0.7).site_torkance_by_bias
    change = 0
    for site in sites:
        kind = MagneticImpurities(1.0, 0.8, 0.3, directions=moments, sites=(site,))
        potentials = site_disorder(chain.sites, [kind]).groups[0].potential[0]
        devices = [with_potential(chain, {site: v}) for v in potentials]
        change = change + sum(
            r.site_torkance_by_bias - clean for r in window_responses(devices, -0.7)
        ) / len(devices)
    step = 1e-4
    # second-order one-sided difference: error c^2
    slope = (4 * averaged(step) - averaged(2 * step) - 3 * clean) / (2 * step)
    agree(
        "Change of the torque with the concentration of magnetic impurities, coherent potential",
        slope,
        change,
        against="explicit configurations",
        atol=1e-6 * np.abs(change).max() + 1e-7,
        note="one impurity on each site in turn",
    )


@pytest.mark.parametrize("method", METHODS)
def test_first_order_in_the_strength_is_perturbation_theory(agree, method):  # independent
    """T to second order in a potential +-u on every site, from the clean Green's function."""
    chain, energy = valve("chain"), np.array([-0.7])
    onsite, coupling = fourier_blocks(chain, chain.phases(np.zeros((1, 0))))
    left, right = lead_self_energies(chain, np.zeros((1, 0)), energy)
    green = full_green(energy, onsite, coupling, left.sigma, right.sigma)[0]
    size = len(green)
    gammas = np.zeros((2, size, size), complex)
    for gamma, lead, here in zip(
        gammas, (left, right), (slice(0, 2), slice(size - 2, size)), strict=True
    ):
        gamma[here, here] = 1j * (lead.sigma[0] - lead.sigma[0].conj().T)
    second = 0.0
    for i in range(size // 2):
        v = np.zeros((size, size))
        v[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = np.eye(2)
        one, two = green @ v @ green, green @ v @ green @ v @ green
        second += np.trace(gammas[1] @ one @ gammas[0] @ one.conj().T).real
        second += 2 * np.trace(gammas[1] @ two @ gammas[0] @ green.conj().T).real
    clean = np.trace(gammas[1] @ green @ gammas[0] @ green.conj().T).real

    def averaged(square):
        kind = NonmagneticImpurities(1.0, np.sqrt(square), "symmetric")
        return disordered_response(chain, -0.7, [kind], method).conductance

    step = 1e-4
    slope = (4 * averaged(step) - averaged(2 * step) - 3 * clean) / (2 * step)
    agree(
        f"Conductance to second order in the impurity potential, {method}",
        slope,
        second,
        against="another route",
        rtol=1e-6,
        note="perturbation theory with the clean Green's function",
    )


def test_resistance_grows_as_the_bulk_conductivity_says(agree):  # limit: Kubo
    """d(1/T)/dL = 1/(2 pi sigma), sigma = (1/pi) sum_s int v^2 (Im G)^2, of a one-band metal."""
    square, energy, mesh = 0.4, -1.7, 12
    kind = [NonmagneticImpurities(1.0, np.sqrt(square), "symmetric")]
    lengths = (20, 30, 40)
    resistance, sigma = [], None
    for length in lengths:
        chain = layer_chain(build_stack([Layer(length)]))
        response = disordered_response(chain, energy, kind, mesh=mesh)
        resistance.append(1 / response.conductance)
        sigma = response.self_energy[length // 2 + 1][0, 0]
    k = 2 * np.pi * (np.arange(mesh) + 0.5) / mesh
    # along the wire the sum is an integral: a fine mesh
    q = 2 * np.pi * (np.arange(400) + 0.5) / 400
    band = -2 * (np.cos(k)[:, None, None] + np.cos(k)[None, :, None] + np.cos(q)[None, None, :])
    spectral = (1 / (energy - sigma - band)).imag
    conductivity = 2 / np.pi * np.mean(4 * np.sin(q) ** 2 * spectral**2)
    slopes = np.diff(resistance) / 10
    agree(
        "Resistance per layer of a long disordered stack",
        slopes[1],
        1 / (2 * np.pi * conductivity),
        against="another route",
        rtol=1e-4,
        note="Kubo formula of the bulk",
    )


def test_two_orbitals_per_site_with_an_impurity_on_one():  # independent: enumeration
    layers = [Layer(2, onsite=[[0.1, 0.2], [0.2, -0.3]], hopping=np.eye(2))]
    lead = Lead(onsite=np.zeros((2, 2)), hopping=np.eye(2))
    chain = layer_chain(build_stack(layers, lead, lead, cross_section="chain"))
    kind = NonmagneticImpurities(
        0.4, 0.8, sites=(2,), matrix=tuple(map(tuple, np.diag([1.0, 1.0, 0.0, 0.0])))
    )
    response = disordered_response(chain, -0.4, [kind], "coherent-potential")
    group = site_disorder(chain.sites, [kind]).groups[0]
    exact = window_responses([with_potential(chain, {2: v}) for v in group.potential[0]], -0.4)
    mean = group.probability @ [r.conductance for r in exact]
    assert_allclose(response.conductance, mean, atol=1e-13)
