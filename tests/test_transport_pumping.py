"""Spin pumping and damping by three routes that share little."""

import kwant
import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.greens.full import full_green
from negf_torque.lattice import (
    Layer,
    Lead,
    build_stack,
    layer_chain,
    magnet_from_kwant,
    orbital_spin,
    rotated,
)
from negf_torque.spin import SIGMA, rotation_so3, spiral
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.leads import fourier_blocks, lead_self_energies
from negf_torque.transport.linear import window_response
from negf_torque.transport.pumping import damping_torque, nonlocal_damping, pumping
from negf_torque.transport.sampling import Sampling

MAGNET = {"onsite": 0.75, "exchange": 1.5}


def layer(thickness=3, direction=(0, 0, 1), cross_section="chain", **leads):
    layers = [Layer(thickness, name="F", direction=direction, **MAGNET)]
    return layer_chain(build_stack(layers, cross_section=cross_section, **leads))


def test_reference_chain(agree):  # independent
    found = pumping(layer(), "F", -0.7)
    agree(
        "Mixing conductance of both leads of a magnet in a chain",
        found.mixing,
        np.full(2, 1.2853436856 - 0.1193802053j),
        against="reference value",
        atol=1e-10,
    )
    agree(
        "Damping times total spin of a magnet in a chain",
        found.alpha_spin,
        0.2045688011,
        against="reference value",
        atol=1e-10,
    )


@pytest.mark.parametrize("cross_section", ["chain", "periodic", (2, 2)])
def test_three_routes_agree(agree, cross_section):  # identity
    m = np.array([0.48, 0.6, 0.64])
    chain = layer(direction=m, cross_section=cross_section, right=Lead(onsite=0.3))
    found = pumping(chain, "F", -1.3, Sampling(mesh=4))
    agree(
        f"Pumped spin current from Green's functions, cross-section {cross_section}",
        found.pumped,
        found.pumped_by_scattering,
        against="another route",
        atol=1e-10,
        note="scattering matrix of the moving magnet",
    )
    agree(
        f"Damping tensor from Green's functions, cross-section {cross_section}",
        found.damping,
        found.damping_by_scattering,
        against="another route",
        atol=1e-10,
        note="scattering matrix of the moving magnet",
    )
    turn = np.array([np.cross(m, e) for e in np.eye(3)]).T  # (m x dm/dt)_a for dm/dt along b
    across = np.eye(3) - np.outer(m, m)
    for lead in (0, 1):
        a = found.mixing[lead]
        assert_allclose(
            found.pumped[lead] @ across,
            (a.real * turn + a.imag * np.eye(3)) @ across / (2 * np.pi),
            atol=1e-10,
        )
    loss = found.mixing.sum().real / (4 * np.pi)
    assert_allclose(across @ found.damping @ across, loss * across, atol=1e-10)
    assert_allclose(found.alpha_spin, loss, atol=1e-10)


def test_moving_scattering_matrix_by_difference_quotient(agree):  # independent
    """-(1/2 pi) Im tr[S_a P dS/dt S^+] with S from the solver at turned moments."""
    chain, step = layer(direction=(1, 0, 0)), 1e-4
    found = pumping(chain, "F", -0.7)

    def smatrix(angle):
        turned = rotated(chain, {"F": rotation_so3([0, 0, 1], angle)})
        r = solve(make_device(turned), np.zeros((1, 0)), -0.7)
        return np.block(
            [
                [r.reflection[0], r.transmission_amplitude_right[0]],
                [r.transmission_amplitude[0], r.reflection_right[0]],
            ]
        )

    # turning about z moves m = x along y; fourth-order difference quotient
    ds = (8 * (smatrix(step) - smatrix(-step)) - smatrix(2 * step) + smatrix(-2 * step)) / 12 / step
    product = ds @ smatrix(0).conj().T
    for lead, rows in enumerate((slice(0, 2), slice(2, 4))):
        expected = [
            -np.trace(s @ product[rows, rows]).imag / (2 * np.pi) for s in chain.sites.spin[0]
        ]
        # rounding of S over the step: 1e-16/1e-4
        agree(
            f"Spin pumped into the {('left', 'right')[lead]} lead",
            found.pumped[lead][:, 1],
            expected,
            against="another route",
            atol=1e-11,
            note="difference quotient of the scattering matrix at turned moments",
        )


def test_damping_between_sites_adds_up():  # identity
    chain = layer(4, direction=(0.6, 0, 0.8))
    sites, between = nonlocal_damping(chain, -0.7)
    assert len(sites) == 4
    assert_allclose(between.sum(axis=(0, 1)), pumping(chain, "F", -0.7).damping, atol=1e-12)
    assert_allclose(between, between.transpose(1, 0, 3, 2), atol=1e-12)


def test_second_magnet_takes_up_what_the_first_one_pumps():
    layers = [
        Layer(3, name="F", **MAGNET),
        Layer(2),
        Layer(2, name="sink", direction=(1, 0, 0), **MAGNET),
    ]
    found = pumping(layer_chain(build_stack(layers, cross_section="chain")), "F", -0.7)
    assert found.mixing is None
    assert_allclose(found.damping, found.damping_by_scattering, atol=1e-11)
    assert_allclose(found.pumped, found.pumped_by_scattering, atol=1e-11)


def test_wrong_magnets_are_named():
    with pytest.raises(ValueError, match="magnet: 'G' is none of"):
        pumping(layer(), "G", -0.7)


def spin_orbit_device(seed=0, reverse=False):
    """A magnet with time-reversal symmetric spin-orbit hoppings between unlike leads."""
    rng = np.random.default_rng(seed)
    sign = -1 if reverse else 1
    lattice = kwant.lattice.square(norbs=2)
    m, other = sign * np.array([0.48, 0.6, 0.64]), sign * np.array([0.8, 0, -0.6])

    def field(site):
        x = site.tag[0]
        return 1.2 * m if 1 <= x < 4 else 0.7 * other if x >= 6 else np.zeros(3)

    def name(site):
        return "F" if 1 <= site.tag[0] < 4 else "lead" if site.tag[0] >= 6 else None

    def onsite(site):
        return -0.5 * np.tensordot(field(site), SIGMA, 1)

    region = kwant.Builder()
    places = [(x, y) for x in range(6) for y in range(2)]
    for key in places:
        region[lattice(*key)] = onsite
    for (x, y), step in [(p, s) for p in places for s in ((1, 0), (0, 1))]:
        to = (x + step[0], y + step[1])
        if to in places:
            turn = 0.4 * np.tensordot(rng.normal(size=3), SIGMA, 1)
            region[lattice(*to), lattice(x, y)] = -np.eye(2) + 1j * turn
    leads = []
    for way, cells in ((-1, 0), (1, 6)):
        lead = kwant.Builder(kwant.TranslationalSymmetry((way, 0)))
        # Kwant moves a lead's sites to its origin: no function of the site here
        lead[(lattice(0, y) for y in range(2))] = onsite(lattice(cells, 0))
        lead[lattice.neighbors()] = -np.eye(2)
        leads.append(lead)
    magnet = magnet_from_kwant(region, leads, exchange_field=field, membership=name)
    return layer_chain(magnet)


def force_by_lead(chain, energy):
    """<dH/dm_b> of magnet F, across m, per volt of each lead, (2, 3), from the torque's route."""
    response = window_response(chain, energy)
    moving = np.array([name == "F" for name in chain.sites.magnet])
    field = np.linalg.norm(chain.sites.exchange[moving], axis=1)
    spin = response.exchange_density_by_lead[:, moving]
    m = chain.sites.exchange[moving][0] / field[0]
    force = -np.einsum("i,pib->pb", field, spin) / 2 / (2 * np.pi)
    return force @ (np.eye(3) - np.outer(m, m))


@pytest.mark.parametrize("seed", range(3))
def test_pumped_charge_is_the_reciprocal_of_the_torque(agree, seed):  # identity: Onsager
    """Charge pumped by motion = - force per volt in the device with all moments reversed."""
    found = pumping(spin_orbit_device(seed), "F", 0.35)
    force = force_by_lead(spin_orbit_device(seed, reverse=True), 0.35)
    agree(
        f"Charge pumped with spin-orbit coupling, disorder sample {seed}",
        found.pumped_charge,
        -force,
        against="another route",
        atol=1e-10,
        note="Onsager: torque per volt with all moments reversed",
    )
    assert np.abs(force).max() > 1e-3
    assert found.route_difference < 1e-10
    # the right lead is a magnet: it conserves the spin along its moment only
    assert_allclose(found.conserved[0], np.eye(3), atol=1e-12)
    along = np.array([0.8, 0, -0.6])
    assert_allclose(found.conserved[1], np.outer(along, along), atol=1e-12)
    assert np.isnan(found.effective_mixing[1]) and np.isfinite(found.effective_mixing[0])
    # it is not the force of the device itself
    assert np.abs(found.pumped_charge + force_by_lead(spin_orbit_device(seed), 0.35)).max() > 1e-3


def test_pumped_spin_is_the_reciprocal_of_the_torque_by_a_spin_bias():  # identity: Onsager
    """Lead p filled with spin a more: the force on the reversed magnet is the pumped current."""
    direction = np.array([0.48, 0.6, 0.64])
    across = np.eye(3) - np.outer(direction, direction)
    sink = Layer(2, name="sink", direction=(1, 0, 0), **MAGNET)
    reversed_sink = Layer(2, name="sink", direction=(-1, 0, 0), **MAGNET)
    devices = [
        layer_chain(
            build_stack(
                [Layer(3, name="F", direction=d, **MAGNET), Layer(1), s], cross_section="chain"
            )
        )
        for d, s in ((direction, sink), (-direction, reversed_sink))
    ]
    found = pumping(devices[0], "F", -0.7)
    chain, k, energy = devices[1], np.zeros((1, 0)), np.array([-0.7])
    leads = lead_self_energies(chain, k, energy)
    onsite, coupling = fourier_blocks(chain, chain.phases(k))
    green = full_green(energy.astype(complex), onsite, coupling, leads[0].sigma, leads[1].sigma)[0]
    field = np.linalg.norm(chain.sites.exchange, axis=1)
    moving = np.diag([name == "F" for name in chain.sites.magnet]) * field
    for p, lead in enumerate(leads):
        at = slice(0, 2) if p == 0 else slice(-2, None)
        gamma = 1j * (lead.sigma[0] - lead.sigma[0].conj().T)
        for a, filled in enumerate(SIGMA):
            inside = np.zeros_like(green)
            inside[at, at] = gamma @ filled
            density = green @ inside @ green.conj().T / (2 * np.pi)
            force = [-np.trace(np.kron(moving, s) @ density).real / 2 for s in SIGMA]
            assert_allclose(found.pumped[p, a], across @ force, atol=1e-10)


def test_effective_mixing_is_the_mixing_conductance(agree):  # identity
    found = pumping(layer(direction=(0.48, 0.6, 0.64)), "F", -0.7)
    agree(
        "Mixing conductance from the pumped current of a single magnet",
        found.effective_mixing,
        found.mixing,
        against="another route",
        atol=1e-10,
        note="reflection amplitudes",
    )
    assert_allclose(found.sharvin, 1)
    assert found.route_difference < 1e-10
    # a single magnet pumps no charge by turning, and its length does not change
    assert_allclose(found.pumped_charge, 0, atol=1e-12)
    assert_allclose(found.damping @ found.direction, 0, atol=1e-14)


def test_torque_on_a_moving_layer_is_what_its_leads_receive():  # identity
    m = np.array([0.48, 0.6, 0.64])
    chain = layer(4, direction=m, cross_section=(1, 2))
    found = pumping(chain, "F", -0.9)
    sites, between = nonlocal_damping(chain, -0.9)
    local = damping_torque(chain, sites, between, "F").sum(axis=0)
    turn = np.cross(m, np.eye(3)).T
    across = -turn @ turn
    # along m x dm/dt the damping; along dm/dt the leads' own Im A
    imaginary = found.mixing.sum().imag / (2 * np.pi)
    assert_allclose(found.torque @ across + imaginary * across, local @ across, atol=1e-10)


def test_turning_all_moments_together_turns_the_scattering_matrix(agree):  # independent
    """sum_ij of the nonlocal damping for a rigid rotation = tr [s.w/2, S]^+ [s.w/2, S]/(4 pi)."""
    layers = [
        Layer(2, name="F", direction=(0.6, 0, 0.8), **MAGNET),
        Layer(1),
        Layer(3, name="G", direction=(0, 1, 0), **MAGNET),
    ]
    chain = layer_chain(build_stack(layers, cross_section="chain"))
    sites, between = nonlocal_damping(chain, -0.7)
    r = solve(make_device(chain), np.zeros((1, 0)), -0.7)
    s = np.block(
        [
            [r.reflection[0], r.transmission_amplitude_right[0]],
            [r.transmission_amplitude[0], r.reflection_right[0]],
        ]
    )
    m = chain.sites.exchange[sites] / 1.5
    powers = []
    for axis in np.eye(3):
        velocity = np.cross(axis, m)
        power = np.einsum("ia,ijab,jb->", velocity, between, velocity)
        generator = np.kron(np.eye(2), np.tensordot(axis, SIGMA, 1)) / 2
        ds = generator @ s - s @ generator
        powers.append([power, np.trace(ds.conj().T @ ds).real / (4 * np.pi)])
    agree(
        "Power lost by two magnets that turn together, damping summed over pairs of sites",
        *np.transpose(powers),
        against="another route",
        atol=1e-11,
        note="commutator of the scattering matrix with the spin",
    )


def test_sites_of_different_size_are_damped_as_dense_traces_say():  # independent
    """One site with two orbitals among sites with one."""
    one, two = kwant.lattice.chain(norbs=2, name="s"), kwant.lattice.chain(norbs=4, name="sp")
    fields = {1: (0.9, 0, 0.3), 2: (0, 1.1, 0)}

    def field(site):
        return np.array(fields.get(site.tag[0], (0, 0, 0)))

    def spin(site):
        return orbital_spin(site.family.norbs // 2)

    def onsite(site):
        return -0.5 * np.tensordot(field(site), spin(site), 1)

    region = kwant.Builder()
    region[[one(0), two(1), one(2), one(3)]] = onsite
    region[two(1), one(0)] = -np.kron([[1], [0.4]], np.eye(2))
    region[one(2), two(1)] = -np.kron([[0.8, 0.5]], np.eye(2))
    region[one(3), one(2)] = -np.eye(2)
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    lead[one(0)] = np.zeros((2, 2))
    lead[one.neighbors()] = -np.eye(2)
    magnet = magnet_from_kwant(
        region, [lead, lead.reversed()], exchange_field=field, spin_operator=spin
    )
    chain = layer_chain(magnet)
    sites, between = nonlocal_damping(chain, -0.4)
    whole, splittings = between.sum(axis=(0, 1)), [np.linalg.norm(fields[x]) for x in (1, 2)]
    assert_allclose(np.linalg.norm(chain.sites.exchange[sites], axis=1), splittings, atol=1e-14)
    assert sorted(chain.sites.orbitals[sites]) == [2, 4]
    # both moments moving across themselves, by the difference quotient of S
    step = 1e-4

    def smatrix(axis, amount):
        moved = {}
        for x, b in fields.items():
            size = np.linalg.norm(b)
            velocity = axis - (axis @ np.array(b)) * np.array(b) / size**2
            moved[x] = np.array(b) + amount * size * velocity
        changed = dict(fields)
        try:
            fields.update(moved)
            r = solve(make_device(layer_chain(magnet)), np.zeros((1, 0)), -0.4)
        finally:
            fields.update(changed)
        return np.block(
            [
                [r.reflection[0], r.transmission_amplitude_right[0]],
                [r.transmission_amplitude[0], r.reflection_right[0]],
            ]
        )

    for axis in np.eye(3):
        near = smatrix(axis, step) - smatrix(axis, -step)
        far = smatrix(axis, 2 * step) - smatrix(axis, -2 * step)
        ds = (8 * near - far) / (12 * step)
        power = np.trace(ds.conj().T @ ds).real / (4 * np.pi)
        # rounding of S over the step: 1e-16/1e-4
        assert_allclose(axis @ whole @ axis, power, atol=1e-10)


def test_what_does_not_move_is_told():
    with pytest.raises(ValueError, match="nothing is damped"):
        nonlocal_damping(layer_chain(build_stack([Layer(2)], cross_section="chain")), -0.7)
    wall = Layer(4, name="F", texture=spiral(7.0), **MAGNET)
    with pytest.raises(ValueError, match="'F' is not uniform"):
        pumping(layer_chain(build_stack([wall], cross_section="chain")), "F", -0.7)
    chain = layer()
    with pytest.raises(ValueError, match="'H' is none of"):
        damping_torque(chain, *nonlocal_damping(chain, -0.7), "H")
