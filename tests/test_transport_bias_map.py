"""Maps of a junction: bond by bond, symmetry, temperature, contour, neutral profile, couplings."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad_vec

from negf_torque.lattice import Layer, Lead, aligned, build_stack, layer_chain
from negf_torque.notices import PhysicsWarning
from negf_torque.transport.bias import finite_bias, linear_profile, sea_spin_current
from negf_torque.transport.bias_map import bias_map, slope
from negf_torque.transport.bias_spectrum import window_spectrum, window_zone_map
from negf_torque.transport.complete import complete_response
from negf_torque.transport.contour import Contour, contour_path
from negf_torque.transport.coupling import interlayer_coupling, oscillation
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.leads import lead_self_energies
from negf_torque.transport.profile import neutral_profile
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.sea import _large, _small, lowest_energy
from negf_torque.transport.spanning import spanning_vectors
from negf_torque.transport.turned_leads import TurnedLeads
from negf_torque.transport.window_bands import barrier_layers, check_barrier
from negf_torque.units import BOLTZMANN

TIGHT = Sampling(tolerance=1e-10)
MAGNET = {"onsite": 0.75, "exchange": 1.5}


def valve(free=(1, 0, 0), **stack):
    layers = [
        Layer(1),
        Layer(2, name="fixed", **MAGNET),
        Layer(2),
        Layer(2, name="free", direction=free, **MAGNET),
        Layer(1),
    ]
    return layer_chain(build_stack(layers, **({"cross_section": "chain"} | stack)))


def junction(barrier=3, free=(1, 0, 0), cross_section="chain", onsite=3.5, right=0.2):
    lead = Lead(onsite=0.2, exchange=1.0, name="fixed")
    other = Lead(onsite=right, exchange=1.0, direction=free, name="free")
    return layer_chain(build_stack([Layer(barrier, onsite=onsite)], lead, other, cross_section))


def barrier_profile(chain):
    return linear_profile(chain, 1, len(chain.sizes) - 2)


def test_leads_are_rotated_as_they_would_be_solved():  # independent
    base = junction(cross_section="periodic")
    chains = [aligned(base, {"free": m}) for m in ([0, 0, 1], [1, 0, 0], [0.3, -0.5, 0.2])]
    k, energy = np.random.default_rng(0).uniform(0, 6, (5, 2)), np.linspace(-3, 1, 5)
    shifts = (0.1, -0.1)
    for chain, found in zip(chains, TurnedLeads(chains).solve(k, energy, shifts), strict=True):
        own = lead_self_energies(chain, k, energy, shifts)
        for one, other in zip(found, own, strict=True):
            assert_allclose(one.sigma, other.sigma, atol=1e-13)
            gamma = [x.source @ x.source.conj().swapaxes(1, 2) for x in (one, other)]
            assert_allclose(*gamma, atol=1e-13)


def test_a_map_is_made_of_single_points():  # independent
    chain = junction()
    volts, angles = [-0.3, 0.0, 0.4], np.radians([0, 50, 90, 180])
    found = bias_map(
        chain, "fixed", "free", -0.6, volts, angles, barrier_profile(chain), TIGHT, workers=2
    )
    assert found.converged.all()
    for v, volt in enumerate(volts):
        for a, m in enumerate(found.free_directions):
            one = finite_bias(
                aligned(chain, {"free": m}), -0.6, volt, barrier_profile(chain), TIGHT
            )
            assert_allclose(found.current[v, a], one.current, atol=1e-10)
            assert_allclose(found.site_torque[v, a], one.site_torque, atol=1e-9)
            # all through the barrier: what arrives in front of the electrode is its torque
            flow = one.spin_current[3, 1:] + one.sea_spin_current[3]
            assert_allclose(found.free_torque()[v, a], flow, atol=1e-9)


def test_the_occupied_states_spin_current_bond_by_bond():  # independent
    chain = junction(free=(0.6, 0.3, -0.7))
    profile = barrier_profile(chain)
    point = finite_bias(chain, -0.6, 0.4, profile, TIGHT)
    for bond in range(len(chain.sizes) - 1):
        explicit = sea_spin_current(chain, -0.8, bond, TIGHT, 0.4, profile)
        assert_allclose(point.sea_spin_current[bond], explicit[1:], atol=1e-10)
    assert np.abs(point.sea_spin_current).max() > 1e-5


def test_out_of_plane_torque_of_a_symmetric_junction_is_even():  # identity
    """To 1e-12 of its size, window and occupied states together; neither is alone."""
    chain = junction(barrier=2)
    found = bias_map(
        chain, "fixed", "free", -0.6, [-0.4, 0.4], [1.0, np.pi / 2], barrier_profile(chain),
        Sampling(tolerance=3e-13),
    )
    out = found.components()[1]
    assert_allclose(out[0], out[1], rtol=0, atol=1e-12)
    assert np.abs(out).min() > 1e-3


def test_in_plane_torque_from_collinear_currents():  # limit
    """T(90) = [I_s(180) - I_s(0)]/2 to leading order: the deviation shrinks with the barrier."""
    deviation = []
    for barrier in (2, 4, 6):
        chain = junction(barrier)
        found = bias_map(
            chain, "fixed", "free", -0.6, [0.3], np.radians([0, 90, 180]), barrier_profile(chain),
            TIGHT,
        )
        spin = found.spin_current[0, :, 1]  # in the barrier
        # in plane: toward p = z
        deviation.append(abs(spin[1, 2] / ((spin[0, 2] + spin[2, 2]) / 2) - 1))
    assert deviation[0] < 0.1
    assert deviation[1] < deviation[0] / 10 and deviation[2] < deviation[1] / 10


def test_zone_average_against_plain_quadrature():  # independent
    """Doubling meshes, with its own estimate, against a mesh four times finer."""
    chain = junction(3, onsite=5.5, cross_section="periodic")
    arguments = ("fixed", "free", -2.2, [0.5], [np.pi / 2], barrier_profile(chain))
    found = bias_map(chain, *arguments, Sampling(1e-3))
    fine = bias_map(chain, *arguments, Sampling(1e-6, mesh=160))
    assert abs(found.current - fine.current)[0, 0] <= 1e-3 * abs(fine.current[0, 0])
    error = np.abs(found.free_torque() - fine.free_torque()).max()
    assert error <= 2e-3 * np.abs(fine.free_torque()).max()


def test_equilibrium_at_a_temperature_against_the_real_axis():  # independent
    """Torque of occupied states: contour and Matsubara poles against a dense real integral."""
    chain, temperature, energy = valve(), 600.0, -0.7
    point = finite_bias(
        chain, energy, 0.0, np.zeros(len(chain.sizes)), Sampling(1e-10, temperature=temperature)
    )
    device, thermal = make_device(chain), BOLTZMANN * temperature

    def integrand(e):
        found = solve(device, np.zeros((1, 0)), np.array([e]))
        spin = found.exchange_density[..., 0].sum(axis=0)
        occupied = 1 / (np.exp((e - energy) / thermal) + 1)
        return occupied * np.cross(chain.sites.exchange, spin)

    # band of the leads -2 ... 2; square roots at its ends are removed by e = -2 cos(x)
    upper = np.arccos(-(energy + 40 * thermal) / 2) if energy + 40 * thermal < 2 else np.pi
    dense = quad_vec(
        lambda x: integrand(-2 * np.cos(x)) * 2 * np.sin(x), 0, upper, epsabs=1e-9, limit=2000
    )[0]
    assert_allclose(point.site_torque, dense, atol=2e-7)
    assert np.abs(dense).max() > 1e-2


def test_bias_at_a_temperature_is_a_thermal_average_of_the_window():  # independent
    chain, temperature, volt = junction(2), 400.0, 0.3
    profile, thermal = barrier_profile(chain), BOLTZMANN * 400.0
    point = finite_bias(chain, -0.6, volt, profile, Sampling(1e-9, temperature=temperature))
    device, shift = make_device(chain), (volt * profile)[:, None]

    def transmission(e):
        found = solve(
            device, np.zeros((1, 0)), np.array([e]), potential=shift, shifts=(volt / 2, -volt / 2)
        )
        fermi = [1 / (np.exp((e + 0.6 - s * volt / 2) / thermal) + 1) for s in (1, -1)]
        return np.array([found.transmission[0] * (fermi[0] - fermi[1])])

    dense = quad_vec(transmission, -1.95, 0.6, epsabs=1e-12, limit=4000)[0][0]
    assert_allclose(point.current, dense, rtol=2e-5)


def test_complete_response_at_a_temperature():  # identity
    warm = Sampling(1e-10, temperature=300)
    results = [complete_response(valve(), -0.7, warm, division) for division in (0, 1)]
    assert_allclose(results[0].site_torkance, results[1].site_torkance, atol=1e-9)
    assert np.abs(results[0].window_torkance - results[1].window_torkance).max() > 0.05


@pytest.mark.parametrize("temperature", [0.0, 300.0])
def test_contour_shape_does_not_matter(temperature):  # identity
    chain = junction()
    sampling = Sampling(1e-10, temperature=temperature)
    shapes = [None, Contour(bottom=-12.0)]
    if temperature:
        spacing = 2 * np.pi * BOLTZMANN * temperature
        shapes += [Contour(height=spacing), Contour(height=2.3 * spacing)]
    found = [
        finite_bias(chain, -0.6, 0.3, barrier_profile(chain), sampling, shape).sea_torque
        for shape in shapes
    ]
    for other in found[1:]:
        assert_allclose(other, found[0], atol=1e-9)
    assert np.abs(found[0]).max() > 1e-4


def test_contour_that_would_cut_a_pole_is_refused():
    spacing = 2 * np.pi * BOLTZMANN * 300
    with pytest.raises(ValueError, match="cut a pole of the Fermi function"):
        contour_path(-5, -1, 300, 1.5 * spacing)
    chain = junction()
    with pytest.raises(ValueError, match="inside the bands"):
        finite_bias(chain, -0.6, 0.1, barrier_profile(chain), TIGHT, Contour(bottom=-1.5))
    with pytest.raises(ValueError, match="above the chemical potential"):
        contour_path(0.0, -1)


def test_small_and_large_layers_give_one_response():  # independent
    chain = junction(free=(0.4, 0.5, 0.1), cross_section=(1, 2))
    rng = np.random.default_rng(1)
    potential, leads = rng.normal(size=(len(chain.sites.layer), 2)), rng.normal(size=(2, 2))
    k, z = np.zeros((4, 0)), rng.normal(size=4) + 1j * rng.uniform(0.05, 1, 4)
    values = [make(chain, potential, leads, True)(k, z) for make in (_small, _large)]
    assert_allclose(values[0], values[1], atol=1e-11)
    assert lowest_energy(chain) < -3


def test_neutral_profile_is_the_neutral_linear_response():  # independent
    """dT/dV of finite bias with the neutral profile at each voltage, against linear response."""
    chain, step = valve(), 4e-3
    linear = complete_response(chain, -0.7, TIGHT, neutrality="neutral")
    torque = []
    for volt in (-2 * step, -step, step, 2 * step):
        profile = neutral_profile(chain, -0.7, volt, TIGHT, tolerance=1e-10)
        assert profile.converged
        found = finite_bias(chain, -0.7, volt, profile.potential / volt, TIGHT)
        torque.append(found.site_torque)
    slopes = (torque[0] - 8 * torque[1] + 8 * torque[2] - torque[3]) / (12 * step)
    assert_allclose(slopes, linear.site_torkance, atol=1e-6)
    assert np.abs(linear.sea_torkance).max() > 0.01


def test_unequal_electrodes_conserve_current():  # identity
    chain = junction(right=0.6, free=(0.5, 0.2, 0.1))
    point = finite_bias(chain, -0.6, 0.3, barrier_profile(chain), TIGHT)
    assert_allclose(point.spin_current[:, 0], point.current, atol=1e-10)


def test_spectrum_and_maps_integrate_to_the_window():  # identity
    chain = junction()
    profile, volt = barrier_profile(chain), 0.3
    point = finite_bias(chain, -0.6, volt, profile, TIGHT)
    spectrum = window_spectrum(chain, -0.6, volt, volt * profile, 2001, TIGHT, "free", (3, 1.0))
    area = np.trapezoid(spectrum.transmission, spectrum.energy)
    assert_allclose(area, point.current, rtol=1e-6)
    assert_allclose(
        np.trapezoid(spectrum.torque, spectrum.energy, axis=0), point.spin_current[3, 1:], atol=1e-7
    )
    flat = junction(onsite=5.5, cross_section="periodic")
    profile = barrier_profile(flat)
    _, current, _ = window_zone_map(flat, -2.2, volt, volt * profile, 32, 0.0, "free", (3, 1.0))
    whole = finite_bias(flat, -2.2, volt, profile, Sampling(1e-4, mesh=32))
    assert_allclose(current.mean(), whole.current, rtol=2e-3)


def test_bad_bias_is_told():
    chain = junction()
    profile = barrier_profile(chain)
    with pytest.raises(ValueError, match="beyond the bands"):
        finite_bias(chain, -0.6, 12.0, profile, TIGHT)
    with pytest.raises(ValueError, match="voltages"):
        bias_map(chain, "fixed", "free", -0.6, [0.1, np.nan], [1.0], profile)
    with pytest.raises(ValueError, match="profile: 'flat'"):
        bias_map(chain, "fixed", "free", -0.6, [0.1], [1.0], "flat")
    assert barrier_layers(chain, -0.6) == (1, 3)
    low = junction(onsite=0.5)
    with pytest.warns(PhysicsWarning, match="not tunnelling"):
        assert not check_barrier(low, -0.6, 1, 3)


def test_slope_of_a_cubic():  # limit
    volts = np.linspace(-1, 1, 9)
    assert_allclose(slope(volts, volts**3), 3 * volts**2, atol=1e-12)


def test_coupling_from_energies_and_from_torque():  # independent
    """A chain: dOmega/dtheta at 90 degrees is J1 but for higher odd harmonics."""
    layers = [Layer(2, name="fixed", **MAGNET), Layer(3), Layer(2, name="free", **MAGNET)]
    chain = layer_chain(build_stack(layers, cross_section="chain"))
    found = interlayer_coupling(chain, "fixed", "free", -0.7, Sampling(1e-10, temperature=1000))
    assert found.converged
    assert_allclose(found.torque, found.bilinear, rtol=0.05)
    assert abs(found.bilinear) > 1e-5


def test_period_of_a_chain_is_its_spanning_vector():  # independent
    """Semi-infinite magnets and a chain spacer: J ~ cos(2 k N)/N, 2 cos k = 0.7."""
    energy, thick = -0.7, np.arange(4, 28)
    coupling = []
    for count in thick:
        ends = [Lead(onsite=0.3, exchange=0.6, name=name) for name in ("fixed", "free")]
        chain = layer_chain(build_stack([Layer(int(count))], *ends, "chain"))
        one = interlayer_coupling(chain, "fixed", "free", energy, Sampling(1e-8))
        coupling.append(one.bilinear)
    found = oscillation(thick, coupling, 1, decay=1.0)
    (spanning,) = spanning_vectors(chain, 2, energy)
    assert_allclose(spanning.wave_number, 2 * np.arccos(0.35), atol=1e-9)
    assert_allclose(found.wave_numbers[0], spanning.wave_number, rtol=0.02)


@pytest.mark.parametrize(
    ("energy", "q", "kind"),
    [(-2.2, 2 * np.pi - 2 * np.arccos(-0.9), "maximum"), (-1.0, 2 * np.pi / 3, "saddle")],
)
def test_extremal_spanning_vectors_of_a_cubic_metal(energy, q, kind):  # limit
    """Belly at the zone's centre, saddle at its edge: -2 cos k = E - eps there."""
    chain = layer_chain(build_stack([Layer(3)]))
    (found,) = spanning_vectors(chain, 1, energy)
    assert_allclose(found.wave_number, q, atol=1e-8)
    assert found.kind == kind
