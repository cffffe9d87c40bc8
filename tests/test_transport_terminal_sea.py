"""Complete linear response for many terminals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.lattice.nonlocal_valve import TERMINALS as NAMES
from negf_torque.lattice.nonlocal_valve import Contact, Wire, build_nonlocal_valve
from negf_torque.lattice.terminals import open_system, open_system_from_kwant
from negf_torque.transport.complete import complete_response
from negf_torque.transport.driven import drive
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.terminal_sea import (
    _Contour,
    complete_terminals,
    lowest_graph_energy,
    terminal_sea,
)
from negf_torque.transport.terminals import terminal_response
from negf_torque.units import BOLTZMANN
from tests.terminal_systems import island

ENERGY = -0.63
TIGHT = Sampling(tolerance=1e-11)
VOLTS = np.array([1.0, 0.0, 0.3, -0.2])


@pytest.fixture(scope="module", params=[0.0, 0.3])
def window(request):
    builder, field = island(seed=1, spin_orbit=request.param)
    return terminal_response(open_system_from_kwant(builder, exchange_field=field), ENERGY)


@pytest.mark.parametrize("neutrality", ["electrochemical", "neutral"])
def test_a_common_shift_of_all_voltages_does_not_matter(window, neutrality):  # identity
    results = [
        complete_terminals(window, VOLTS + shift, TIGHT, neutrality) for shift in (0.0, 1.0, -0.7)
    ]
    for result in results[1:]:
        assert_allclose(result.site_torkance, results[0].site_torkance, atol=1e-10)
        assert_allclose(result.density, results[0].density, atol=1e-10)
        assert_allclose(result.potential - result.voltages[1], results[0].potential, atol=1e-10)
    assert np.abs(results[1].window_torkance - results[0].window_torkance).max() > 0.1
    if neutrality == "neutral":
        assert_allclose(results[0].density[:, 0], 0, atol=1e-10)


def test_contour_and_derivatives_are_those_of_dense_inverses(agree, window):  # independent
    """The sea from a finite difference of dense inverses on a path of another shape."""
    system = window.system
    sites = len(system.sites.offset)
    rng = np.random.default_rng(0)
    potential, leads = rng.normal(size=sites), np.array([0.4, -0.3, 0.2, 0.1])
    value = terminal_sea(system, ENERGY, potential[:, None], leads[:, None], TIGHT).value
    bottom = lowest_graph_energy(system) - 3
    shifted = terminal_sea(system, ENERGY, potential[:, None], leads[:, None], TIGHT, bottom).value
    assert_allclose(value, shifted, atol=1e-10)

    def green(z, size):
        from negf_torque.greens.surface import lead_self_energy

        m = z * np.eye(system.hamiltonian.shape[0]) - system.hamiltonian.toarray()
        m -= size * np.diag(np.repeat(potential, system.sites.orbitals))
        for lead, shift in zip(system.leads, leads, strict=True):
            sigma = lead_self_energy(lead.onsite, lead.hopping, z - size * shift).sigma[0]
            width = len(lead.interface)
            m[np.ix_(lead.interface, lead.interface)] -= sigma[:width, :width]
        return np.linalg.inv(m)

    # mu + i y, 0 < y < infinity, closes at infinity: dG falls like 1/z^2
    x, w = np.polynomial.legendre.leggauss(80)
    total, step = 0, 1e-3
    for t, weight in zip((x + 1) / 2, w / 2, strict=True):
        y, slope = t**2 / (1 - t), (2 * t - t**2) / (1 - t) ** 2
        four = [green(ENERGY + 1j * y, n * step) for n in (1, -1, 2, -2)]
        change = (8 * (four[0] - four[1]) - (four[2] - four[3])) / (12 * step)
        total = total - 1j * weight * slope * change
    density = -np.einsum("ii->i", total).imag / np.pi
    expected = np.add.reduceat(density, system.sites.offset)
    agree(
        "Charge that the Fermi sea moves in a device of four leads",
        value.reshape(sites, 7)[:, 0],
        expected,
        against="another route",
        atol=1e-8,
        note="difference quotient of dense inverses on another contour",
    )


@pytest.mark.parametrize("neutrality", ["electrochemical", "neutral"])
def test_two_terminals_are_the_chain_of_layers(agree, neutrality):  # independent
    metal = {"onsite": 0.75, "exchange": 1.5}
    layers = [
        Layer(1), Layer(2, name="fixed", **metal), Layer(2),
        Layer(1, name="free", direction=(1, 0.4, 0), **metal),
    ]
    magnet = build_stack(layers, right=Lead(hopping=1.1), cross_section=(1, 2))
    chain, system = layer_chain(magnet), open_system(magnet)
    expected = complete_response(chain, ENERGY, TIGHT, 0.3, neutrality)
    window = terminal_response(system, ENERGY)
    ours = complete_terminals(window, [0.3, -0.7], TIGHT, neutrality)
    assert system.magnets == chain.magnets
    agree(
        f"Complete torque of a wire as a graph with two leads, {neutrality} potential",
        ours.magnet_torkance,
        expected.magnet_torkance,
        against="another route",
        atol=1e-10,
        note="recursion over layers",
    )
    order = [
        int(np.flatnonzero((system.sites.position == p).all(axis=1))[0])
        for p in chain.sites.position
    ]
    assert_allclose(ours.density[order], expected.density, atol=1e-10)
    assert_allclose(ours.potential[order], expected.potential, atol=1e-10)


def test_reference_chain(agree):  # independent
    """N|F(4)|N(3)|F(2)|N at 90 degrees: 0.88978 in plane, 0.1026 or 0.0597 out of plane."""
    metal = {"onsite": 0.75, "exchange": 1.5}
    layers = [Layer(1), Layer(4, name="fixed", **metal), Layer(3),
              Layer(2, name="free", direction=(1, 0, 0), **metal), Layer(1)]
    window = terminal_response(open_system(build_stack(layers, cross_section="chain")), -0.7)
    for neutrality, value in (("electrochemical", 0.1026), ("neutral", 0.0597)):
        torque = complete_terminals(window, [1, 0], TIGHT, neutrality).magnet_torkance[1]
        agree(
            f"Complete torque of a chain by the solver of many leads, {neutrality} potential",
            [torque[2], -torque[1]],
            [0.88978, value],
            against="reference value",
            atol=5e-5,
            note="printed with four digits",
        )


def test_sea_of_coplanar_magnets_is_out_of_plane():  # identity
    builder, _ = island(seed=1)
    rng = np.random.default_rng(1)
    import kwant

    from negf_torque.spin import SIGMA

    other, fields = kwant.Builder(), {}
    for site, _ in builder.site_value_pairs():
        x, z = rng.normal(size=2)
        fields[site] = np.array([x, 0, z])
        other[site] = -0.5 * np.tensordot(fields[site], SIGMA, 1)
    for hop, value in builder.hopping_value_pairs():
        other[hop] = value
    for one in builder.leads:
        other.attach_lead(one.builder)
    system = open_system_from_kwant(
        other, exchange_field=lambda site: fields.get(site, np.zeros(3))
    )
    result = complete_terminals(terminal_response(system, ENERGY), VOLTS, TIGHT)
    assert_allclose(result.sea_torkance[:, [0, 2]], 0, atol=1e-10)
    assert np.abs(result.sea_torkance[:, 1]).max() > 0.01


def test_parts_with_a_level_at_the_energy_cost_no_digits():  # independent
    """Clean lattices have pieces with levels at whole energies: pairs of sites at E = -1."""
    magnet = build_nonlocal_valve(
        Wire(width=3, distance=4, margin=2), Contact(3, 1), Contact(3, 1, direction=(1, 0, 0))
    )
    system = open_system(magnet, NAMES)
    window = terminal_response(system, -1.0)
    near = terminal_response(system, -1.0 + 1e-7)
    one, two = (complete_terminals(w, VOLTS, TIGHT).site_torkance for w in (window, near))
    assert_allclose(one, two, atol=1e-5)  # the derivative times 1e-7
    shifted = complete_terminals(window, VOLTS + 1, TIGHT).site_torkance
    assert_allclose(one, shifted, atol=1e-10)


# --- at a temperature ---

WARM = Sampling(tolerance=1e-6, temperature=900.0)


@pytest.fixture(scope="module")
def warm_window():
    builder, field = island(seed=1, spin_orbit=0.3)
    system = open_system_from_kwant(builder, exchange_field=field)
    return terminal_response(system, ENERGY, WARM, bonds=False)


@pytest.mark.parametrize("neutrality", ["electrochemical", "neutral"])
def test_a_common_shift_does_not_matter_at_a_temperature(warm_window, neutrality):  # identity
    one, two = (
        complete_terminals(warm_window, VOLTS + shift, WARM, neutrality) for shift in (0.0, 1.0)
    )
    assert_allclose(one.site_torkance, two.site_torkance, atol=1e-5)
    assert_allclose(one.density, two.density, atol=1e-5)
    if neutrality == "neutral":
        assert_allclose(one.density[:, 0], 0, atol=1e-5)


def test_sea_at_a_temperature_is_a_sum_over_all_poles(agree, warm_window):  # independent
    """2 k_B T sum_n Re tr O dG(z_n) over all poles of the Fermi function, without any contour."""
    system, sites = warm_window.system, len(warm_window.system.sites.offset)
    potential, leads = np.linspace(-1, 1, sites)[:, None], VOLTS[:, None]
    warm = terminal_sea(system, ENERGY, potential, leads, WARM)
    contour = _Contour(system, ENERGY)
    thermal = BOLTZMANN * WARM.temperature
    poles = ENERGY + 1j * np.pi * thermal * (2 * np.arange(400) + 1)
    shifts = np.repeat(potential, system.sites.orbitals, axis=0)
    terms = 2 * thermal * contour.densities(contour.plan(), poles, shifts, leads).real
    # dG falls like 1/z^2: what is left after N poles goes like 1/N, 1/N^3, ...
    sums = [terms[:n].sum(axis=0) for n in (100, 200, 400)]
    once = [2 * b - a for a, b in zip(sums[:-1], sums[1:], strict=True)]
    agree(
        "Fermi sea of a device of four leads at a temperature",
        warm.value,
        (8 * once[1] - once[0]) / 7,
        against="another route",
        atol=1e-7,
        note="sum over all poles of the Fermi function, extrapolated",
    )


def test_two_terminals_are_the_chain_of_layers_at_a_temperature(agree):  # independent
    metal = {"onsite": 0.75, "exchange": 1.5}
    layers = [Layer(2, name="fixed", **metal), Layer(2),
              Layer(1, name="free", direction=(1, 0.4, 0), **metal)]
    magnet = build_stack(layers, right=Lead(hopping=1.1), cross_section="chain")
    expected = complete_response(layer_chain(magnet), ENERGY, WARM, 0.3)
    ours = complete_terminals(terminal_response(open_system(magnet), ENERGY, WARM), [0.3, -0.7])
    agree(
        "Complete torque of a chain at a temperature as a graph with two leads",
        ours.magnet_torkance,
        expected.magnet_torkance,
        against="another route",
        atol=1e-5,
        note="recursion over layers",
    )


def test_wrong_arguments_are_named(window):
    with pytest.raises(ValueError, match="neutrality: 'local'"):
        complete_terminals(window, VOLTS, neutrality="local")
    with pytest.raises(ValueError, match="expected one for each of 4 leads"):
        complete_terminals(window, [1, 0])
    with pytest.raises(ValueError, match="the sea would be at 300 K, the window is at 0 K"):
        complete_terminals(window, VOLTS, Sampling(temperature=300))


@pytest.mark.parametrize("temperature", [0.0, 900.0])
def test_errors_of_driven_torques(temperature):
    """True errors lie below the estimates; what vanishes by symmetry has none."""
    wire = Wire(width=2, distance=3, margin=1)
    ends = Contact(2, 1), Contact(2, 1, direction=(1, 0, 0))
    system = open_system(build_nonlocal_valve(wire, *ends), NAMES)

    def driven(tolerance):
        sampling = Sampling(tolerance, temperature=temperature)
        return drive(system, -0.7, "injector", {"left": 0.0}, {"injector": 1.0}, sampling)

    found, fine = driven(1e-2), driven(1e-5)
    true = np.abs(found.magnet_torque - fine.magnet_torque)
    assert found.torque_error.shape == true.shape == (2, 3)
    assert np.all(true <= found.torque_error + fine.torque_error + 1e-12)
    # and these below what the largest error of any number would give on every site
    largest = found.response.error * np.abs(found.voltages).sum()
    largest += 2 * np.pi * found.complete.sea_error
    fields = np.linalg.norm(system.sites.exchange, axis=1).sum() / 2  # of each contact
    assert found.torque_error.max() < 0.3 * np.sqrt(3) * largest * fields
    # moments along z and x: the sea acts along y alone, and the window has no error at T = 0
    assert found.complete.sea_magnet_error[:, [0, 2]].max() < 1e-12
    if not temperature:
        assert found.torque_error[:, [0, 2]].max() < 1e-12
