"""Transport against Kwant's own scattering states and operators, for systems of all kinds."""

import kwant
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.greens.surface import opposite_leads
from negf_torque.lattice import (
    Layer,
    Lead,
    build_stack,
    layer_chain,
    magnet_from_kwant,
    orbital_spin,
)
from negf_torque.spin import SIGMA, spin_matrix
from negf_torque.transport import device as device_module
from negf_torque.transport import leads as leads_module
from negf_torque.transport.currents import bond_currents
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.leads import lead_self_energies
from negf_torque.transport.torque import exchange_torque

# Kwant's modes and sparse solver are good to about 1e-11 here; both answers are of order one.
AGREE = dict(rtol=0, atol=1e-9)


def random_system(seed, orbitals=1, width=2, length=4, spin_orbit=0.0, lead_exchange=0.0):
    """A noncollinear magnet on a square lattice with random fields and on-site energies."""
    rng = np.random.default_rng(seed)
    n = 2 * orbitals
    spin = orbital_spin(orbitals)
    lattice = kwant.lattice.square(norbs=n)
    fields = {(x, y): rng.normal(size=3) for x in range(length) for y in range(width)}
    energies = {key: rng.normal(size=orbitals) * 0.3 for key in fields}
    mixing = rng.normal(size=(orbitals, orbitals)) * 0.2
    hop = -np.kron(np.eye(orbitals) + (mixing + mixing.T) / 2, np.eye(2))

    def field(site):
        return fields.get(tuple(site.tag), np.array([0, 0, lead_exchange]))

    region = kwant.Builder()
    for key, energy in energies.items():
        exchange = -0.5 * np.tensordot(fields[key], spin, 1)
        region[lattice(*key)] = np.kron(np.diag(energy), np.eye(2)) + exchange
    region[kwant.HoppingKind((1, 0), lattice)] = hop + 1j * spin_orbit * spin[1]
    region[kwant.HoppingKind((0, 1), lattice)] = hop - 1j * spin_orbit * spin[0]
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in range(width))] = -0.5 * lead_exchange * spin[2]
    lead[lattice.neighbors()] = -np.eye(n)
    return magnet_from_kwant(
        region, [lead, lead.reversed()], exchange_field=field, spin_operator=spin
    )


def in_kwant_order(magnet, chain):
    """Index of each Kwant site in the chain's table."""
    system = magnet.builder.finalized()
    position = {tuple(p): i for i, p in enumerate(np.round(chain.sites.position, 6))}
    return system, [position[tuple(np.round(site.pos, 6))] for site in system.sites]


def compare(magnet, energy, spin):
    chain = layer_chain(magnet)
    device = make_device(chain)
    response = solve(device, np.zeros((1, 0)), energy)
    system, order = in_kwant_order(magnet, chain)
    smatrix = kwant.smatrix(system, energy)
    assert_allclose(response.transmission[0], smatrix.transmission(1, 0), **AGREE)
    states = kwant.wave_function(system, energy)
    operators = [np.eye(spin.shape[-1]), *spin]
    currents = bond_currents(device, energy)
    index = {pair: n for n, pair in enumerate(map(tuple, currents.bonds))}
    for lead in (0, 1):
        for a, operator in enumerate(operators):
            density = kwant.operator.Density(system, operator)
            expected = sum((density(psi) for psi in states(lead)), np.zeros(len(order)))
            assert_allclose(response.density[lead, order, a, 0], expected, **AGREE)
            current = kwant.operator.Current(system, operator)
            expected = sum((current(psi) for psi in states(lead)), np.zeros(system.graph.num_edges))
            # Kwant's hoppings (a, b) count the flow b -> a
            hoppings = [index[order[b], order[a]] for a, b in system.graph]
            got = currents.current[lead, hoppings, a]
            assert_allclose(got, expected, **AGREE)
    return chain, device, response, currents


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(-2.5, 2.5))
def test_noncollinear_wire_agrees_with_kwant(seed, energy):  # independent
    assume(abs(abs(energy) - 1) > 1e-5)  # a band edge, see below
    compare(random_system(seed), energy, SIGMA)


def test_exactly_at_a_band_edge(agree):  # independent
    """T is a series in x = sqrt(E - E_0): Kwant at x, 2x, 3x, extrapolated, is this at x = 0."""
    magnet = random_system(0)
    device = make_device(layer_chain(magnet))
    system = magnet.builder.finalized()
    at = [kwant.smatrix(system, 1.0 + 1e-10 * n**2).transmission(1, 0) for n in (1, 2, 3)]
    # what is left is of third order, 1e-15, and Kwant's rounding, 1e-16/sqrt(1e-10)
    at_edge = solve(device, np.zeros((1, 0)), 1.0).transmission[0]
    agree(
        "Transmission exactly at a band edge",
        at_edge,
        3 * at[0] - 3 * at[1] + at[2],
        against="Kwant",
        atol=1e-9,
        note="extrapolated",
    )


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000), st.floats(-2.0, 2.0))
def test_multi_orbital_spin_orbit_magnetic_leads_agree_with_kwant(seed, energy):  # independent
    magnet = random_system(seed, orbitals=2, spin_orbit=0.3, lead_exchange=0.7)
    compare(magnet, energy, orbital_spin(2))


@pytest.mark.parametrize("energy", [-2.9, 2.0 - 1e-7])
def test_evanescent_channels_and_nearly_a_band_edge(energy):  # independent
    # width 2: transverse energies +-1, bands end at -3, -1, 1, 3
    compare(random_system(3), energy, SIGMA)


@pytest.mark.parametrize("batched", [True, False])
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_site_torque_is_the_spin_that_flows_in(batched, seed):  # identity
    limit = device_module.LARGEST_BATCHED
    device_module.LARGEST_BATCHED = 24 if batched else 0
    try:
        chain = layer_chain(random_system(seed, width=3, length=5))
        device = make_device(chain)
        response = solve(device, np.zeros((1, 0)), 0.4)
    finally:
        device_module.LARGEST_BATCHED = limit
    torque = exchange_torque(chain.sites, response.exchange_density[..., 0])
    inflow = bond_currents(device, 0.4).inflow(device.sites)
    inside = (chain.sites.layer > 0) & (chain.sites.layer < device.layers - 1)
    assert_allclose(inflow[:, inside, 0], 0, atol=1e-11)  # charge
    assert_allclose(torque[:, inside], inflow[:, inside, 1:], atol=1e-10)


def test_spin_orbit_hopping_takes_spin_to_the_lattice():  # identity
    """Torque + what the bonds' two ends differ by = inflow, on every site."""
    chain = layer_chain(random_system(5, spin_orbit=0.4))
    device = make_device(chain)
    response = solve(device, np.zeros((1, 0)), 0.3)
    torque = exchange_torque(chain.sites, response.exchange_density[..., 0])
    currents = bond_currents(device, 0.3)
    inflow = currents.inflow(device.sites)
    inside = (chain.sites.layer > 0) & (chain.sites.layer < device.layers - 1)
    # at its own end, each site's inflow is its torque, spin-orbit coupling or not
    assert_allclose(torque[:, inside], inflow[:, inside, 1:], atol=1e-10)
    reverse = {tuple(pair): n for n, pair in enumerate(currents.bonds)}
    back = [reverse[j, i] for i, j in currents.bonds]
    lost = currents.current + currents.current[:, back]
    assert np.abs(lost[..., 0]).max() < 1e-11 and np.abs(lost[..., 1:]).max() > 1e-2


def test_spectral_sum_rule_and_unitarity():  # identity
    chain = layer_chain(random_system(11, spin_orbit=0.2))
    device = make_device(chain)
    response = solve(device, np.zeros((1, 0)), 0.2)
    r, t = response.reflection[0], response.transmission_amplitude[0]
    assert_allclose(
        np.sum(np.abs(r) ** 2) + np.sum(np.abs(t) ** 2), response.open_channels[0, 0], atol=1e-12
    )
    # both leads' states together are isotropic in the direction of the current: none flows
    assert_allclose(response.current.sum(axis=0)[..., 0, 0], 0, atol=1e-12)
    # A_L + A_R = i (G - G^+), by dense inversion
    from tests.test_lattice import dense

    matrix = 0.2 * np.eye(sum(chain.sizes)) - dense(chain)
    left, right = lead_self_energies(chain, np.zeros((1, 0)), np.array([0.2]))
    n0, n1 = chain.sizes[0], chain.sizes[-1]
    matrix[:n0, :n0] -= left.sigma[0]
    matrix[-n1:, -n1:] -= right.sigma[0]
    g = np.linalg.inv(matrix)
    spectral = np.diag(1j * (g - g.conj().T)).real.reshape(-1, 2).sum(axis=1)
    assert_allclose(response.density[:, :, 0, 0].sum(axis=0), spectral, atol=1e-12)


def test_rotating_every_spin_rotates_spins_and_torques():  # identity
    from negf_torque.spin import rotation_so3, rotation_su2

    rotation, u = rotation_so3([1, 2, 3], 0.9), rotation_su2([1, 2, 3], 0.9)
    chain = layer_chain(random_system(2))
    whole = np.kron(np.eye(2), u)
    from dataclasses import replace

    turned = replace(
        chain,
        onsite=tuple(whole @ b @ whole.conj().T for b in chain.onsite),
        coupling=tuple(whole @ b @ whole.conj().T for b in chain.coupling),
        sites=replace(chain.sites, exchange=chain.sites.exchange @ rotation.T),
    )
    assert_allclose(u @ spin_matrix([0, 0, 1]) @ u.conj().T, spin_matrix(rotation @ [0, 0, 1]))
    before = solve(make_device(chain), np.zeros((1, 0)), 0.3)
    after = solve(make_device(turned), np.zeros((1, 0)), 0.3)
    for name in ("density", "current"):
        old, new = getattr(before, name)[..., 0], getattr(after, name)[..., 0]
        assert_allclose(new[..., 0], old[..., 0], atol=1e-12)
        assert_allclose(new[..., 1:], old[..., 1:] @ rotation.T, atol=1e-11)
    old, new = (
        exchange_torque(c.sites, r.exchange_density[..., 0])
        for c, r in ((chain, before), (turned, after))
    )
    assert_allclose(new, old @ rotation.T, atol=1e-11)


@pytest.mark.parametrize("orbitals", [1, 2])
def test_conductance_and_torque_of_a_wire(orbitals, agree):
    """Exchange torque from Kwant's spin densities; two orbitals have spin-orbit hopping."""
    magnet = (
        random_system(3)
        if orbitals == 1
        else random_system(3, orbitals=2, spin_orbit=0.3, lead_exchange=0.7)
    )
    spin = SIGMA if orbitals == 1 else orbital_spin(2)
    energy, chain = 0.4, layer_chain(magnet)
    response = solve(make_device(chain), np.zeros((1, 0)), energy)
    system, order = in_kwant_order(magnet, chain)
    what = "wire" if orbitals == 1 else "wire with spin-orbit coupling"
    agree(
        f"Conductance of a noncollinear {what}",
        response.transmission[0],
        kwant.smatrix(system, energy).transmission(1, 0),
        against="Kwant",
        atol=1e-9,
    )
    states = kwant.wave_function(system, energy)(0)
    density = [sum(kwant.operator.Density(system, s)(psi) for psi in states) for s in spin]
    expected = np.cross(chain.sites.exchange[order], np.transpose(density))
    got = exchange_torque(chain.sites, response.density[:, :, 1:, 0])[0, order]
    agree(f"Site torque of a noncollinear {what}", got, expected, against="Kwant", atol=1e-9)


@pytest.mark.parametrize("cross_section", ["periodic", "chain", (2, 1)])
def test_leads_that_continue_each_other(cross_section, monkeypatch):  # independent: one by one
    mixed = np.array([[1.0, 0.4], [-0.3, 0.8]])  # not symmetric: the hoppings to both sides differ
    lead = Lead(hopping_out=mixed, onsite=np.diag([0.0, 0.3]), hopping=np.eye(2))
    magnet = Layer(2, np.diag([0.1, 0.2]), 0.7, hopping=np.eye(2), hopping_out=mixed)
    chain = layer_chain(build_stack([magnet], lead, lead, cross_section))
    momenta = np.array([[0.3, 1.1], [2.0, -0.4]])[:, : chain.dimension]
    energy = np.array([-0.6, 0.2])
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return opposite_leads(*arguments)

    monkeypatch.setattr(leads_module, "opposite_leads", counted)
    together = lead_self_energies(chain, momenta, energy)
    assert len(calls) == 1
    for surface, cell in zip(together, (chain.left, chain.right), strict=True):
        alone = leads_module.attach(cell, chain.sizes[0], chain.phases(momenta), energy)
        assert_allclose(surface.sigma, alone.sigma, rtol=0, atol=1e-11)
