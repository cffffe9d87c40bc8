"""Spin on its way: torque on the moments, spin lost to the lattice, spin inflow."""

import kwant
import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.greens.bond_response import neighbour_green_derivative, scattering_columns
from negf_torque.lattice import Layer, Lead, build_stack, layer_chain, magnet_from_kwant
from negf_torque.spin import PAULI, SIGMA
from negf_torque.transport.complete import complete_response
from negf_torque.transport.currents import bond_currents
from negf_torque.transport.device import make_device
from negf_torque.transport.linear import window_response
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.spin_balance import has_spin_orbit, spin_balance
from tests.test_transport_kwant import in_kwant_order


def spin_orbit_system(seed, length=4, width=2):
    """Random hermitian on-site terms and random complex hoppings that turn the spin."""
    rng = np.random.default_rng(seed)
    lattice = kwant.lattice.square(norbs=2)
    fields = {(x, y): rng.normal(size=3) for x in range(length) for y in range(width)}

    def field(site):
        return fields.get(tuple(site.tag), np.zeros(3))

    def turning(size):
        return 0.3 * np.tensordot(rng.normal(size=4) + 1j * rng.normal(size=4), PAULI, 1) * size

    region = kwant.Builder()
    for key, b in fields.items():
        own = turning(1.0)
        region[lattice(*key)] = own + own.conj().T - 0.5 * np.tensordot(b, SIGMA, 1)
    for x, y in fields:
        for dx, dy in ((1, 0), (0, 1), (1, 1)):
            if (x + dx, y + dy) in fields:
                region[lattice(x + dx, y + dy), lattice(x, y)] = -np.eye(2) + turning(1.0)
    lead = kwant.Builder(kwant.TranslationalSymmetry((-1, 0)))
    lead[(lattice(0, y) for y in range(width))] = 0 * PAULI[0]
    lead[lattice.neighbors()] = -PAULI[0]
    return magnet_from_kwant(region, [lead, lead.reversed()], exchange_field=field)


def inner(chain):
    return (chain.sites.layer > 0) & (chain.sites.layer < len(chain.onsite) - 1)


@pytest.mark.parametrize("seed", range(3))
def test_exchange_and_lattice_torque_add_up_to_the_inflow(seed):  # identity
    chain = layer_chain(spin_orbit_system(seed))
    sampling = Sampling(tolerance=1e-11)
    complete = complete_response(chain, 0.3, sampling)
    balance = spin_balance(chain, 0.3, sampling, complete)
    here = inner(chain)
    for part in (*balance.windows, balance.sea, balance.whole):
        exchange, lattice, inflow = np.moveaxis(part[here], 1, 0)
        assert_allclose(exchange + lattice, inflow, atol=1e-10)
        assert np.abs(lattice).max() > 1e-3
    # the torque on the moments is the one of the other routes
    assert_allclose(balance.exchange_torkance, complete.site_torkance, atol=1e-9)
    window = window_response(chain, 0.3)
    assert_allclose(balance.windows[:, :, 0], window.site_torkance_by_bias, atol=1e-10)


def test_balance_at_a_temperature():  # identity
    chain = layer_chain(spin_orbit_system(0, length=3))
    sampling = Sampling(tolerance=1e-8, temperature=600.0)
    results = [complete_response(chain, 0.3, sampling, division) for division in (0.0, 1.0)]
    balances = [spin_balance(chain, 0.3, sampling, complete) for complete in results]
    here = inner(chain)
    for balance in balances:
        exchange, lattice, inflow = np.moveaxis(balance.whole[here], 1, 0)
        assert_allclose(exchange + lattice, inflow, atol=1e-10)
    # each is good to the tolerance times torques of a few
    assert_allclose(balances[0].whole, balances[1].whole, atol=2e-6)


def test_kwant_operators_see_the_same(agree, seed=7):  # independent
    """Kwant's `Source` of the whole on-site term and its two-sided `Current`."""
    magnet = spin_orbit_system(seed)
    chain = layer_chain(magnet)
    system, order = in_kwant_order(magnet, chain)
    states = kwant.wave_function(system, 0.3)
    balance = spin_balance(chain, 0.3)
    hoppings = [(order[b], order[a]) for a, b in system.graph]  # from, to
    for lead in (0, 1):
        found = np.zeros((len(order), 3, 3))
        for a, s in enumerate(SIGMA):
            source = kwant.operator.Source(system, s)
            # Kwant counts -i[S, H] on the site: minus what torque and on-site coupling take
            onsite = -sum(source(psi) for psi in states(lead))
            current = kwant.operator.Current(system, s)
            flow = sum(current(psi) for psi in states(lead))
            value = dict(zip(hoppings, flow, strict=True))
            found[order, 1, a] = onsite
            for (i, j), arriving in value.items():
                leaving = value[j, i]
                found[j, 2, a] += (arriving - leaving) / 2
                found[j, 1, a] -= (arriving + leaving) / 2
        found[:, 1] -= balance.by_lead[lead, :, 0]
        agree(
            f"Spin to the lattice and spin inflow of every site, {('left', 'right')[lead]} lead",
            balance.by_lead[lead, :, 1:],
            found[:, 1:],
            against="Kwant",
            atol=1e-9,
            note="Source and Current operators, random spin-orbit hopping",
        )


def test_without_spin_orbit_coupling_the_lattice_gets_nothing():  # limit
    layers = [Layer(3, exchange=1.5), Layer(2), Layer(2, exchange=1.2, direction=(1, 0, 0.4))]
    chain = layer_chain(build_stack(layers, Lead(), Lead(onsite=0.2), cross_section=(2, 2)))
    assert not has_spin_orbit(chain)
    complete = complete_response(chain, -0.7, Sampling(tolerance=1e-10))
    balance = spin_balance(chain, -0.7, Sampling(tolerance=1e-10), complete)
    assert_allclose(balance.lattice_torkance, 0, atol=1e-10)
    here = inner(chain)
    assert_allclose(balance.exchange_torkance[here], balance.inflow[here], atol=1e-9)
    assert_allclose(balance.magnet_lattice_torkance, 0, atol=1e-9)
    # sum of the torques = spin current in minus out, Fermi sea included: nothing flows in the sea
    window = window_response(chain, -0.7).spin_current_by_bias[2, :, 1:]
    assert_allclose(balance.windows[2, here, 2].sum(axis=0), window[0] - window[-1], atol=1e-10)


def test_periodic_film_with_rashba_hopping():  # identity
    """Hopping to a site's own image in the next cell is a bond like any other."""
    lattice = kwant.lattice.cubic(norbs=2)

    def field(site):
        return np.array([0.9, 0.0, 0.4]) if 0 <= site.tag[0] < 3 else np.zeros(3)

    def rashba(lead):
        system = kwant.Builder(kwant.TranslationalSymmetry(*lead, (0, 1, 0), (0, 0, 1)))
        return system

    region = rashba([])
    for x in range(3):
        region[lattice(x, 0, 0)] = -0.5 * np.tensordot([0.9, 0.0, 0.4], SIGMA, 1)
    region[kwant.HoppingKind((1, 0, 0), lattice)] = -PAULI[0]
    region[kwant.HoppingKind((0, 1, 0), lattice)] = -PAULI[0] - 0.3j * SIGMA[2]
    region[kwant.HoppingKind((0, 0, 1), lattice)] = -PAULI[0] + 0.3j * SIGMA[1]
    leads = []
    for sign in (-1, 1):
        lead = rashba([(sign, 0, 0)])
        lead[lattice(0, 0, 0)] = 0 * PAULI[0]
        lead[lattice.neighbors()] = -PAULI[0]
        leads.append(lead)
    chain = layer_chain(magnet_from_kwant(region, leads, exchange_field=field))
    assert has_spin_orbit(chain)
    balance = spin_balance(chain, -1.2, Sampling(mesh=6))
    here = inner(chain)
    for part in balance.windows:
        assert_allclose(part[here, 0] + part[here, 1], part[here, 2], atol=1e-10)
    assert np.abs(balance.windows[2][:, 1]).max() > 1e-3


def test_two_ends_of_a_bond():  # independent
    chain = layer_chain(spin_orbit_system(1))
    currents = bond_currents(make_device(chain), 0.1)
    value = {tuple(b): currents.current[:, n, 1:] for n, b in enumerate(currents.bonds)}
    inflow = np.zeros((2, len(chain.sites.layer), 3))
    for (i, j), arriving in value.items():
        inflow[:, j] += (arriving - value[j, i]) / 2
    assert_allclose(spin_balance(chain, 0.1).by_lead[:, :, 2], inflow, atol=1e-11)


def test_blocks_between_layers_are_those_of_dense_matrices():  # independent
    rng = np.random.default_rng(0)

    def random(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    sizes, batch = [2, 3, 1, 2], 3
    ends = np.cumsum(sizes)
    starts = ends - sizes
    diagonal = [random(batch, n, n) + 4j * np.eye(n) for n in sizes]
    change = [random(batch, n, n) for n in sizes]
    coupling = [random(1, m, n) for n, m in zip(sizes[:-1], sizes[1:], strict=True)]
    whole, moved = np.zeros((2, batch, ends[-1], ends[-1]), complex)
    parts = [slice(a, b) for a, b in zip(starts, ends, strict=True)]
    for here, block, other in zip(parts, diagonal, change, strict=True):
        whole[:, here, here], moved[:, here, here] = block, other
    for i, v in enumerate(coupling):
        whole[:, parts[i + 1], parts[i]] = -v
        whole[:, parts[i], parts[i + 1]] = -v.conj().swapaxes(1, 2)
    g = np.linalg.inv(whole)
    dg = -g @ moved @ g
    found = neighbour_green_derivative(diagonal, coupling, change)
    for n, here in enumerate(parts):
        assert_allclose(found.diagonal[n], dg[:, here, here], atol=1e-12)
    for n in range(3):
        assert_allclose(found.upper[n], dg[:, parts[n], parts[n + 1]], atol=1e-12)
        assert_allclose(found.lower[n], dg[:, parts[n + 1], parts[n]], atol=1e-12)
    for side, at in ((0, parts[0]), (1, parts[-1])):
        source = random(batch, at.stop - at.start, 2)
        psi = scattering_columns(diagonal, coupling, source, side)
        assert_allclose(np.concatenate(psi, axis=1), g[:, :, at] @ source, atol=1e-12)
