"""Explicit configurations of devices: supercells, and averages against enumeration and Kwant."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import kwant
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.lattice.magnet import magnet_from_kwant
from negf_torque.lattice.supercell import supercell
from negf_torque.notices import ConvergenceWarning
from negf_torque.spin import SIGMA
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.disordered_mixing import disordered_mixing
from negf_torque.transport.ensemble_mixing import configuration_mixing
from negf_torque.transport.ensembles import Configurations, configuration_response
from negf_torque.transport.linear import window_response
from negf_torque.transport.mixing import mixing_conductance
from negf_torque.transport.sampling import Sampling

ENERGY = -2.2
MAGNET = {"onsite": 0.75, "exchange": 1.5}


def valve(cross_section, fixed=2, spacer=2, free=1):
    layers = [
        Layer(fixed, name="fixed", direction=(0, 0, 1), **MAGNET),
        Layer(spacer),
        Layer(free, name="free", direction=(1, 0, 0), **MAGNET),
    ]
    return layer_chain(build_stack(layers, cross_section=cross_section))


def zigzag():
    """Two sites per cell, one of which touches the lead; hopping along a slanted vector."""
    lattice = kwant.lattice.general(
        [(1, 0, 0), (0.5, 1, 0), (0, 0, 1)], [(0, 0, 0), (0.5, 0.2, 0.1)], norbs=2
    )
    a, b = lattice.sublattices
    vectors = (0, 1, 0), (0, 0, 1)
    symmetry = kwant.TranslationalSymmetry(*(lattice.vec(v) for v in vectors))

    def fill(builder, x):
        builder[a(x, 0, 0)] = 0.3 * SIGMA[0]
        builder[b(x, 0, 0)] = -0.1 * np.eye(2) + 0.2 * SIGMA[2]
        builder[b(x, 0, 0), a(x, 0, 0)] = -np.eye(2)
        builder[a(x, 1, 0), b(x, 0, 0)] = -0.7 * np.eye(2) + 0.1j * SIGMA[1]
        builder[a(x, 0, 1), a(x, 0, 0)] = -0.4 * np.eye(2)

    region = kwant.Builder(symmetry)
    for x in range(3):
        fill(region, x)
    for x in range(2):
        region[a(x + 1, 0, 0), b(x, 0, 0)] = -0.9 * np.eye(2)
    leads = []
    for sign in (-1, 1):
        lead = kwant.Builder(
            kwant.TranslationalSymmetry(lattice.vec((sign, 0, 0)), *map(lattice.vec, vectors))
        )
        fill(lead, 0)
        lead[a(1, 0, 0), b(0, 0, 0)] = -0.9 * np.eye(2)
        leads.append(lead)
    return layer_chain(
        magnet_from_kwant(region, leads, exchange_field=lambda site: (0.0, 0.0, 0.5))
    )


# --- supercells ------------------------------------------------------------------------------


@pytest.mark.parametrize("chain", [valve("periodic"), zigzag()], ids=["stack", "zigzag"])
@pytest.mark.parametrize("shape", [1, 2, (1, 3)])
def test_a_supercell_holds_the_momenta_of_its_cells(chain, shape):  # identity
    whole = supercell(chain, shape)
    n = np.broadcast_to(shape, 2)
    momenta, energy = np.array([[0.3, 1.7], [2.2, -1.0]]), -0.4
    found = solve(make_device(whole.chain), momenta, energy)
    transmission, density = 0.0, 0.0
    for a, b in product(range(n[0]), range(n[1])):
        one = solve(make_device(chain), (momenta + 2 * np.pi * np.array([a, b])) / n, energy)
        transmission = transmission + one.transmission
        density = density + one.density
    folded = np.zeros(density.shape)
    np.add.at(folded, (slice(None), whole.origin), found.density)
    # rounding, lost in part where a resonance of the clean stack is sharp
    assert_allclose(found.transmission, transmission, atol=1e-11)
    assert_allclose(folded, density, atol=1e-10)


def test_a_wire_is_its_own_supercell():
    chain = valve((2, 1))
    assert supercell(chain, 3).chain is chain
    with pytest.raises(ValueError, match="shape: 0"):
        supercell(valve("periodic"), 0)


# --- configurations --------------------------------------------------------------------------


def test_without_impurities_every_configuration_is_the_clean_device():  # identity
    chain = valve((2, 2))
    found = configuration_response(chain, ENERGY, [], 3)
    clean = window_response(chain, ENERGY)
    assert_allclose(found.conductances, clean.conductance, rtol=1e-12)
    assert_allclose(found.window.density_by_lead, clean.density_by_lead, atol=1e-11)
    assert_allclose(found.window.current_by_lead, clean.current_by_lead, atol=1e-11)


def test_random_twists_average_over_the_whole_zone():  # limit
    chain = valve("periodic")
    found = configuration_response(chain, ENERGY, [], 1024, cells=2, mesh=2, seed=3)
    exact = window_response(chain, ENERGY, Sampling(1e-6))
    error = found.window.conductance_error
    assert error < 2e-3
    assert abs(found.window.conductance - exact.conductance) < 4 * error
    torque = exact.magnet_torkance_by_bias
    assert np.all(
        np.abs(found.window.magnet_torkance_by_bias - torque)
        < 4 * found.magnet_torkance_error + 1e-4
    )


def test_two_random_atoms_are_the_mean_of_four_devices():  # independent: enumeration
    chain = valve("chain")
    impurities = [NonmagneticImpurities(0.3, 0.8, layers=(2, 4))]
    energy = -0.7
    expected, spread = 0.0, 0.0
    for sites in product((0, 1), repeat=2):
        potential = np.zeros((len(chain.onsite), 1))
        potential[[2, 4], 0] = 0.8 * np.array(sites)
        probability = np.prod(np.where(sites, 0.3, 0.7))
        t = solve(make_device(chain), np.zeros((1, 0)), energy, potential=potential).transmission[0]
        expected, spread = expected + probability * t, spread + probability * t**2
    found = configuration_response(chain, energy, impurities, 2000)
    error = np.sqrt((spread - expected**2) / 2000)
    assert_allclose(found.window.conductance_error, error, rtol=0.1)
    assert abs(found.window.conductance - expected) < 3 * error


@pytest.mark.parametrize("width", [(2, 1), (5, 3)], ids=["compiled", "recursive"])
def test_one_configuration_is_what_kwant_solves(width):  # independent: Kwant
    magnet = build_stack(
        [Layer(2, name="free", direction=(1, 0, 0), **MAGNET)], cross_section=width
    )
    chain = layer_chain(magnet)
    impurities = (
        NonmagneticImpurities(1.0, 0.5, "gaussian"),
        MagneticImpurities(0.6, 0.9, potential=0.2),
    )
    drawn = Configurations(chain, -1.3, impurities)
    potentials = drawn.potentials(np.array([17]))
    by_position = {
        tuple(np.rint(x).astype(int)): v[0]
        for x, v in zip(chain.sites.position, potentials, strict=True)
    }
    builder = magnet.builder
    for site in list(builder.sites()):
        clean = builder[site]
        builder[site] = clean + by_position[tuple(site.tag)]
    system = builder.finalized()
    scattering = kwant.smatrix(system, -1.3)
    spin = kwant.operator.Density(system, SIGMA[2], sum=True)
    states = kwant.wave_function(system, -1.3)
    found = drawn.responses(np.array([17]))[0]
    assert_allclose(found.transmission[0], scattering.transmission(1, 0), rtol=1e-9)
    kwant_spin = sum(spin(psi) for psi in states(0))
    assert_allclose(found.density[0, :, 3, 0].sum(), kwant_spin, rtol=1e-8)


def test_results_do_not_depend_on_workers_or_interruption():  # identity
    chain = valve("periodic")
    impurities = [MagneticImpurities(0.5, 0.6)]
    options = {"cells": 2, "seed": 40}
    alone = configuration_response(chain, ENERGY, impurities, 192, **options)
    with ProcessPoolExecutor(2) as pool:
        shared = configuration_response(
            chain, ENERGY, impurities, 192, executor=pool, workers=2, **options
        )
    part = configuration_response(chain, ENERGY, impurities, 128, **options)
    again = configuration_response(chain, ENERGY, impurities, 192, start=part.ensemble, **options)
    for other in (shared, again):
        assert_array_equal(other.ensemble.samples, alone.ensemble.samples)
        assert_array_equal(other.ensemble.mean, alone.ensemble.mean)
        assert_array_equal(other.ensemble.squares, alone.ensemble.squares)


def test_a_site_draws_the_same_in_another_device():  # identity: order of sites
    impurities = (NonmagneticImpurities(1.0, 0.5, "uniform"),)
    short = Configurations(valve((3, 2)), ENERGY, impurities)
    other = Configurations(valve((2, 3)), ENERGY, impurities)
    seeds = np.arange(4)
    known = {
        tuple(x): v
        for x, v in zip(short.chain.sites.position, short.potentials(seeds), strict=True)
    }
    shared = 0
    for x, v in zip(other.chain.sites.position, other.potentials(seeds), strict=True):
        if tuple(x) in known:
            assert_array_equal(v, known[tuple(x)])
            shared += 1
    assert shared == 4 * len(other.chain.onsite)


def test_spin_is_balanced_site_by_site_in_every_configuration():  # identity
    chain = valve((2, 2))
    impurities = [MagneticImpurities(0.4, 0.8)]
    drawn = Configurations(chain, ENERGY, tuple(impurities))
    seeds = np.arange(5)
    response = drawn.responses(seeds)[0]
    potentials = drawn.potentials(seeds)
    table = chain.sites
    exchange = np.cross(table.exchange, np.moveaxis(response.density[..., 1:, :], 3, 1))
    # the impurities' own torque, 2 J x s with V = -J.sigma
    field = np.array([-np.einsum("aij,bji->ba", SIGMA, v).real / 2 for v in potentials])
    lost = 2 * np.cross(field, np.moveaxis(response.density[..., 1:, :], 3, 2), axis=-1)
    taken = np.zeros((2, len(chain.onsite), 3, len(seeds)))
    np.add.at(taken, (slice(None), table.layer), np.moveaxis(exchange, 1, 3))
    np.add.at(taken, (slice(None), table.layer), np.moveaxis(lost, 2, 3))
    current = response.current[:, :, 1:]
    assert_allclose(current[:, :-1] - current[:, 1:], taken[:, 1:-1], atol=1e-10)
    charge = response.current[:, :, 0]
    assert_allclose(charge, np.broadcast_to(charge[:, :1], charge.shape), atol=1e-10)


def test_a_standard_error_that_is_not_reached_is_told():
    chain = valve("chain")
    impurities = [NonmagneticImpurities(1.0, 1.0, "uniform")]
    with pytest.warns(ConvergenceWarning, match="128 configurations"):
        found = configuration_response(chain, -0.7, impurities, 128, standard_error=1e-6)
    assert not found.window.converged
    found = configuration_response(chain, -0.7, impurities, 2000, standard_error=0.05)
    assert found.window.converged and found.ensemble.count < 2000


def test_what_travels_to_a_worker_is_small():
    drawn = Configurations(valve("periodic"), ENERGY, (), cells=3)
    assert drawn.device.sites == 9 * drawn.chain.sites.layer.size
    assert len(pickle.dumps(drawn)) < 40_000
    assert_array_equal(pickle.loads(pickle.dumps(drawn)).supercell.cell, drawn.supercell.cell)


def test_leads_stay_clean():
    chain = layer_chain(build_stack([Layer(1)], Lead(), Lead(), "chain"))
    drawn = Configurations(chain, -0.7, (NonmagneticImpurities(1.0, 0.5),))
    assert len(drawn.potentials(np.array([0]))) == 3


# --- averaged media against configurations ---------------------------------------------------


def ladder():
    """N(2) F(6) N(4) F(6) N(2), four sites wide, moments at 90 degrees."""
    layers = [
        Layer(1),
        Layer(6, name="fixed", direction=(0, 0, 1), **MAGNET),
        Layer(4),
        Layer(6, name="free", direction=(1, 0, 0), **MAGNET),
        Layer(1),
    ]
    return layer_chain(build_stack(layers, cross_section=(4, 1)))


@pytest.mark.parametrize(
    ("name", "impurities", "reference", "own_error"),
    [
        # Born's own error: fourth order in the strength, seen against the coherent potential
        ("rough", NonmagneticImpurities(1.0, np.sqrt(0.06), "uniform"), 3.6595279288, 6e-4),
        ("magnetic", MagneticImpurities(0.4, 0.35), None, 4e-3),
    ],
)
def test_born_agrees_with_4096_configurations(agree, name, impurities, reference, own_error):
    chain = ladder()
    born = disordered_response(chain, -0.83, [impurities], "born")
    if reference is not None:
        agree(
            "conductance of the rough ladder, Born and vertex corrections",
            born.conductance,
            reference,
            against="reference value",
            rtol=1e-10,
        )
    found = configuration_response(chain, -0.83, [impurities], 4096, seed=1)
    error = found.window.conductance_error
    agree(
        f"conductance of the {name} ladder, Born against 4096 configurations",
        born.conductance,
        found.window.conductance,
        against="explicit configurations",
        atol=3 * error + own_error,
        note=f"standard error {error:.4f}",
    )
    difference = born.magnet_torkance_by_bias - found.window.magnet_torkance_by_bias
    # of 18 components one beyond 3 standard errors would still be no miracle
    assert np.all(np.abs(difference) < 3.5 * found.magnet_torkance_error + 0.01)
    # the mean field lies inside the distribution
    low, high = np.quantile(found.conductances, [0.25, 0.75])
    assert low < born.conductance < high


def test_coherent_potential_of_a_stack_agrees_where_born_does_not():
    layers = [Layer(4, name="free", **MAGNET)]
    chain = layer_chain(build_stack(layers))
    impurities = [NonmagneticImpurities(0.2, 2.0, layers=(1, 2, 3, 4))]
    born, coherent = (
        disordered_response(chain, ENERGY, impurities, method, 32).conductance
        for method in ("born", "coherent-potential")
    )
    found = configuration_response(chain, ENERGY, impurities, 2048, cells=3)
    error = found.window.conductance_error
    exact = found.window.conductance
    # the coherent potential's own per cent; Born is wrong by twelve
    assert abs(coherent - exact) < 3 * error + 0.01 * exact
    assert abs(born - exact) > 0.1 * exact


def test_mixing_conductance_of_an_impure_magnet(agree):
    layers = [Layer(3), Layer(4, name="f", **MAGNET)]
    chain = layer_chain(build_stack(layers))
    impurities = [NonmagneticImpurities(0.3, 0.6, layers=(2, 3, 4, 5))]
    found = configuration_mixing(chain, ENERGY, impurities, 1024, cells=2)
    medium = disordered_mixing(chain, ENERGY, impurities, "coherent-potential", 64)
    for part in ("reflection", "transmission"):
        value, reference = getattr(medium, part), getattr(found, part)
        agree(
            f"{part} mixing conductance of a disordered magnet, coherent potential",
            [value.real, value.imag],
            [reference.real, reference.imag],
            against="explicit configurations",
            # and 2e-3 of the mesh
            atol=3 * getattr(found, part + "_error") + 2e-3,
        )


def test_clean_mixing_conductance_from_one_configuration():  # identity
    layers = [Layer(2), Layer(2, name="f", **MAGNET)]
    chain = layer_chain(build_stack(layers, cross_section="chain"))
    found = configuration_mixing(chain, -0.7, [], 2)
    clean = mixing_conductance(chain, -0.7)
    assert_allclose(found.reflection, clean.reflection, rtol=1e-12)
    assert_allclose(found.transmission, clean.transmission, rtol=1e-12)
    assert_allclose(found.sharvin, clean.sharvin)


def test_a_device_without_magnets_has_no_torque():
    chain = layer_chain(build_stack([Layer(2)], cross_section="chain"))
    found = configuration_response(chain, -0.5, [NonmagneticImpurities(0.5, 0.3)], 8)
    assert found.magnet_torkances.shape == (3, 8, 0, 3)
    assert 0 < found.window.conductance < 2
