"""Any number of leads: against Kwant, against the chain of layers, and conservation laws."""

import kwant
import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, build_stack, layer_chain, orbital_spin
from negf_torque.lattice.terminals import open_system, open_system_from_kwant, with_directions
from negf_torque.notices import PhysicsWarning
from negf_torque.spin import PAULI, SIGMA, rotation_so3, rotation_su2
from negf_torque.transport.currents import bond_currents
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.probes import terminal_voltages
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.terminals import spin_transmission, terminal_response
from negf_torque.units import BOLTZMANN
from tests.terminal_systems import LATTICE, UNIT, island, lead

ENERGY = -0.63
# Kwant's modes and sparse solver are good to about 1e-11 here; both answers are of order one.
AGREE = dict(rtol=0, atol=1e-9)
CASES = [
    dict(seed=0, leads=3),
    dict(seed=1, leads=4),
    dict(seed=2, leads=4, spin_orbit=0.3),
    dict(seed=3, leads=4, lead_exchange=np.array([0.4, -0.3, 0.5])),
]


def device(**case):
    builder, field = island(**case)
    return builder, open_system_from_kwant(builder, exchange_field=field)


def grown(builder):
    """The finalised system that `open_system_from_kwant` sees: one cell of each lead inside."""
    region = kwant.Builder()
    region.update(builder)
    region.leads = []
    for one in builder.leads:
        region.attach_lead(one.builder, add_cells=1)
    return region


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_kwant(agree, case):  # independent
    builder, system = device(**case)
    response = terminal_response(system, ENERGY)
    reference = grown(builder).finalized()
    matrix = kwant.smatrix(reference, ENERGY)
    count = len(reference.leads)
    expected = [[matrix.transmission(p, q) for q in range(count)] for p in range(count)]
    extra = [name.replace("_", "-") for name in case if name not in ("seed", "leads")]
    what = f"{count} leads, noncollinear moments" + "".join(f", {name}" for name in extra)
    agree(f"Transmissions, {what}", response.transmission, expected, against="Kwant", **AGREE)
    states = kwant.wave_function(reference, ENERGY)
    index = {tuple(bond): n for n, bond in enumerate(response.bonds)}
    hoppings = [index[b, a] for a, b in reference.graph]  # Kwant counts (a, b) from b to a
    assert len(hoppings) == len(index)
    densities, currents = np.empty_like(response.density), np.empty_like(response.bond_current)
    for q in range(count):
        for a, operator in enumerate(PAULI):
            density = kwant.operator.Density(reference, operator)
            densities[q, :, a] = sum(density(psi) for psi in states(q))
            current = kwant.operator.Current(reference, operator)
            currents[q, hoppings, a] = sum(current(psi) for psi in states(q))
    agree(
        f"Charge and spin on every site by lead, {what}",
        response.density, densities, against="Kwant", **AGREE,
    )  # fmt: skip
    agree(
        f"Charge and spin current of every bond by lead, {what}",
        response.bond_current, currents, against="Kwant", **AGREE,
    )  # fmt: skip


def test_spin_at_the_interface_of_a_noncollinear_lead_is_kwants(agree):  # independent
    """With one more cell of each lead inside, the interface is a bond that Kwant can measure."""
    builder, system = device(**CASES[3])
    response = terminal_response(system, ENERGY)
    region = grown(builder)
    inside = set(region.sites())
    outer = kwant.Builder()
    outer.update(region)
    outer.leads = []
    added = [outer.attach_lead(one.builder, add_cells=1) for one in builder.leads]
    reference = outer.finalized()
    states = kwant.wave_function(reference, ENERGY)
    expected = np.empty_like(response.flow)
    for p, new in enumerate(added):
        where = [(i, o) for o in new for i in outer.neighbors(o) if i in inside]
        for a, operator in enumerate(PAULI):
            current = kwant.operator.Current(reference, operator, where=where, sum=True)
            for q in range(len(builder.leads)):
                expected[p, q, a] = sum(current(psi) for psi in states(q))
    agree(
        "Spin that noncollinear magnetic leads bring in and take out",
        response.flow, expected, against="Kwant", **AGREE,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_charge_is_conserved(case):  # identity
    _, system = device(**case)
    response = terminal_response(system, ENERGY)
    expected = np.diag(response.open_channels) - response.transmission
    assert_allclose(response.conductance, expected, atol=1e-12)
    assert_allclose(response.conductance.sum(axis=0), 0, atol=1e-12)  # all leads
    assert_allclose(response.conductance.sum(axis=1), 0, atol=1e-12)  # a common voltage
    assert_allclose(response.inflow()[:, :, 0], 0, atol=1e-12)  # every site


@pytest.mark.parametrize("case", [CASES[1], CASES[3]])
def test_torque_is_the_spin_that_flows_in(case):  # identity
    _, system = device(**case)
    response = terminal_response(system, ENERGY)
    assert_allclose(response.site_torkance, response.inflow()[:, :, 1:], atol=1e-11)
    # and in total: what all leads bring in
    total = response.flow[:, :, 1:].sum(axis=0)
    assert_allclose(response.site_torkance.sum(axis=1), total, atol=1e-11)


def test_spin_orbit_hopping_takes_spin_to_the_lattice():  # identity
    """Torque + what both ends of the bonds differ by = what the leads bring in."""
    _, system = device(**CASES[2])
    response = terminal_response(system, ENERGY)
    balance = response.inflow()[:, :, 1:] - response.site_torkance
    assert np.abs(balance).max() < 1e-11  # H's on-site terms are scalar and exchange only
    to_lattice = response.bond_current[:, :, 1:].sum(axis=1)
    torque = response.site_torkance.sum(axis=1)
    assert_allclose(torque, response.flow[:, :, 1:].sum(axis=0) + to_lattice, atol=1e-11)
    assert np.abs(to_lattice).max() > 0.05


def test_sites_of_unequal_orbitals_and_another_exchange_operator():  # independent
    """A two-orbital dot between one-orbital wires; the field acts on one of its orbitals."""
    rng = np.random.default_rng(0)
    wire, dot = kwant.lattice.chain(norbs=2, name="wire"), kwant.lattice.chain(norbs=4, name="dot")
    acting = np.array([np.kron(np.diag([1.0, 0.2]), s) for s in SIGMA])
    spin = {wire: SIGMA, dot: orbital_spin(2)}
    fields = {dot(0): np.array([0.3, 0.9, -0.4]), dot(1): np.array([-0.5, 0.1, 0.8])}
    builder = kwant.Builder()
    for site, vector in fields.items():
        mixing = rng.normal(size=(2, 2)) * 0.3
        builder[site] = np.kron(mixing + mixing.T, UNIT) - 0.5 * np.tensordot(vector, acting, 1)
    builder[dot(0), dot(1)] = np.kron(rng.normal(size=(2, 2)), UNIT)
    for n in range(3):
        arm = kwant.lattice.chain(norbs=2, name=f"arm {n}")
        spin[arm] = SIGMA
        builder[arm(0)] = 0.1 * n * UNIT
        builder[dot(n % 2), arm(0)] = np.kron(rng.normal(size=(2, 1)), UNIT)
        one = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
        one[arm(0)] = 0 * UNIT
        one[arm.neighbors()] = -UNIT
        builder.attach_lead(one)
    system = open_system_from_kwant(
        builder,
        exchange_field=lambda site: fields.get(site, np.zeros(3)),
        spin_operator=lambda site: spin[site.family],
        exchange_operator=lambda site: acting if site.family == dot else 0 * SIGMA,
    )
    response = terminal_response(system, ENERGY)
    reference = grown(builder).finalized()
    states = kwant.wave_function(reference, ENERGY)
    index = {tuple(bond): n for n, bond in enumerate(response.bonds)}
    hoppings = [index[b, a] for a, b in reference.graph]

    hamiltonian = reference.hamiltonian_submatrix()
    starts = np.cumsum([0, *(site.family.norbs for site in reference.sites)])

    def in_family(matrices):
        return lambda site: matrices.get(site.family, np.zeros((2, 2)))

    for q in range(3):
        for a in range(3):
            own = in_family({family: matrices[a] for family, matrices in spin.items()})
            acted = in_family({dot: acting[a]})
            for operator, found in (
                (kwant.operator.Density(reference, own), response.density[q, :, 1 + a]),
                (kwant.operator.Density(reference, acted), response.exchange_density[q, :, a]),
            ):
                assert_allclose(found, sum(operator(psi) for psi in states(q)), **AGREE)
            # by its definition: Kwant 1.5's Current mistakes hoppings to a site of more orbitals
            for n, (j, i) in zip(hoppings, reference.graph, strict=True):
                rows, columns = (slice(starts[k], starts[k + 1]) for k in (j, i))
                operator = own(reference.sites[j]) @ hamiltonian[rows, columns]
                flow = sum(2 * (p[rows].conj() @ operator @ p[columns]).imag for p in states(q))
                assert_allclose(response.bond_current[q, n, 1 + a], flow, **AGREE)
    # the spin that the dot takes up is the torque: the field acts on nothing but spin
    total = response.flow[:, :, 1:].sum(axis=0)
    assert_allclose(response.site_torkance.sum(axis=1), total, atol=1e-11)


def test_finalised_and_grown_systems_are_the_same():  # independent
    builder, system = device(**CASES[1])
    _, field = island(**CASES[1])
    other = open_system_from_kwant(
        grown(builder).finalized(), exchange_field=field, names=["a", "b", "c", "d"]
    )
    assert other.names == ("a", "b", "c", "d")
    one, two = terminal_response(system, ENERGY), terminal_response(other, ENERGY)
    assert_allclose(one.site_torkance, two.site_torkance, atol=1e-13)


def test_two_leads_are_the_chain_of_layers(agree):  # independent
    layers = [
        Layer(2, name="fixed", onsite=0.75, exchange=1.5),
        Layer(2),
        Layer(1, name="free", exchange=1.5, direction=(1, 0.3, 0)),
    ]
    magnet = build_stack(layers, cross_section=(2, 2))
    chain, system = layer_chain(magnet), open_system(magnet)
    ours = terminal_response(system, ENERGY)
    device = make_device(chain)
    reference = solve(device, np.zeros((1, 0)), ENERGY)
    order = [
        int(np.flatnonzero((system.sites.position == p).all(axis=1))[0])
        for p in chain.sites.position
    ]
    assert_allclose(ours.transmission[1, 0], reference.transmission[0], atol=1e-12)
    agree(
        "Charge and spin density of a wire as a graph with two leads",
        ours.density[:, order],
        reference.density[..., 0],
        against="another route",
        atol=1e-12,
        note="recursion over layers",
    )
    bonds = bond_currents(device, ENERGY)
    place = {tuple(b): n for n, b in enumerate(ours.bonds)}
    which = [place[order[i], order[j]] for i, j in bonds.bonds]
    assert_allclose(ours.bond_current[:, which], bonds.current, atol=1e-12)
    # what enters at the left interface crosses the first bond: no magnet lies between
    assert_allclose(ours.flow[0, 0], reference.current[0, 0, :, 0], atol=1e-11)


def test_rotating_every_spin_rotates_the_answer():  # identity
    builder, field = island(**CASES[1])
    turn, unitary = rotation_so3([1, 2, 3], 0.8), rotation_su2([1, 2, 3], 0.8)
    other = kwant.Builder()
    for site, value in builder.site_value_pairs():
        other[site] = unitary @ value @ unitary.conj().T
    for hop, value in builder.hopping_value_pairs():
        other[hop] = value
    for one in builder.leads:
        other.attach_lead(one.builder)
    one = terminal_response(open_system_from_kwant(builder, exchange_field=field), ENERGY)
    two = terminal_response(
        open_system_from_kwant(other, exchange_field=lambda s: turn @ field(s)), ENERGY
    )
    assert_allclose(two.site_torkance, one.site_torkance @ turn.T, atol=1e-11)
    assert_allclose(two.flow[..., 1:], one.flow[..., 1:] @ turn.T, atol=1e-11)


def test_turned_magnets_are_rebuilt_ones():  # independent
    def cross(direction):
        magnet = {"onsite": 0.75, "exchange": 1.5}
        layers = [Layer(2, name="fixed", **magnet), Layer(2),
                  Layer(2, name="free", direction=direction, **magnet)]
        return open_system(build_stack(layers, cross_section=(1, 2)))

    one = terminal_response(with_directions(cross((0, 0, 1)), {"free": (1, 2, 0)}), ENERGY)
    two = terminal_response(cross((1, 2, 0)), ENERGY)
    assert_allclose(one.magnet_torkance, two.magnet_torkance, atol=1e-12)


def test_spin_resolved_transmission_sums_to_the_flows():  # identity
    _, system = device(seed=4, leads=4, lead_exchange=np.array([0.0, 0.6, 0.0]))
    response = terminal_response(system, ENERGY)
    axes = [[0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    resolved = spin_transmission(system, ENERGY, axes)
    assert_allclose(resolved.sum(axis=(2, 3)), response.transmission, atol=1e-11)
    # spin that leaves through a normal lead along its axis, per volt of another
    for p, q in [(1, 0), (2, 3), (3, 2)]:
        out = (resolved[p, q, 0] - resolved[p, q, 1]).sum()
        assert_allclose(-response.flow[p, q, 3], out, atol=1e-11)
    with pytest.raises(ValueError, match="no definite spin along"):
        spin_transmission(system, ENERGY, [0, 0, 1])


def test_onsager_reversed_moments_exchange_the_terminals():  # identity
    _, system = device(**CASES[3])
    one = terminal_response(system, ENERGY)
    two = terminal_response(time_reversed(CASES[3]), ENERGY)
    assert_allclose(one.transmission, two.transmission.T, atol=1e-10)


def time_reversed(case):
    """The time-reversed device: every moment turned round."""
    builder, field = island(**case)
    flip = np.array([[0, 1], [-1, 0]])

    def reversed_lead(one):
        made = kwant.Builder(one.symmetry)
        for site, value in one.site_value_pairs():
            made[site] = flip @ np.conj(value) @ flip.T
        made[LATTICE.neighbors()] = -UNIT
        return made

    other = kwant.Builder()
    for site, value in builder.site_value_pairs():
        other[site] = flip @ np.conj(value) @ flip.T
    for hop, value in builder.hopping_value_pairs():
        other[hop] = value
    for one in builder.leads:
        other.attach_lead(reversed_lead(one.builder))
    return open_system_from_kwant(other, exchange_field=lambda s: -field(s))


def test_thermal_average_is_an_integral_over_energies(agree):  # independent
    """Against Gauss-Legendre in u = f(E), which a smooth window lets converge."""
    _, system = device(seed=1, leads=3)
    temperature = 20.0
    sampling = Sampling(tolerance=1e-8, temperature=temperature)
    response = terminal_response(system, ENERGY, sampling, bonds=False)
    x, w = np.polynomial.legendre.leggauss(40)
    u = (x + 1) / 2
    energies = ENERGY + BOLTZMANN * temperature * np.log((1 - u) / u)
    parts = [terminal_response(system, e, bonds=False) for e in energies]
    for name in ("transmission", "flow", "site_torkance"):
        expected = sum(v / 2 * getattr(p, name) for v, p in zip(w, parts, strict=True))
        agree(
            f"Thermal {name.replace('_', ' ')} of three leads",
            getattr(response, name),
            expected,
            against="another route",
            atol=1e-5,
            note="Gauss-Legendre in the occupation",
        )
    assert response.converged and 0 < response.error < 1e-6
    cold = terminal_response(system, ENERGY, Sampling(tolerance=1e-6, temperature=1e-4), False)
    assert_allclose(cold.transmission, terminal_response(system, ENERGY).transmission, atol=1e-6)


# --- boundary conditions --------------------------------------------------------------------


def test_floating_terminal_carries_spin_but_no_charge():  # identity
    _, system = device(**CASES[1])
    response = terminal_response(system, ENERGY)
    volts = terminal_voltages(
        response.conductance, system.names, {"lead 1": 0.0}, {"lead 0": 1.0}
    )
    flow = np.einsum("pqa,q->pa", response.flow, volts)
    assert_allclose(flow[:, 0], [1, -1, 0, 0], atol=1e-12)
    assert np.linalg.norm(flow[2, 1:]) > 1e-3 and np.linalg.norm(flow[3, 1:]) > 1e-3
    assert min(volts[0], volts[1]) < volts[2] < max(volts[0], volts[1])


def test_given_currents_need_no_reference():  # identity
    _, system = device(**CASES[1])
    g = terminal_response(system, ENERGY).conductance
    free = terminal_voltages(g, system.names, currents={"lead 0": 1.0, "lead 1": -1.0})
    held = terminal_voltages(g, system.names, {"lead 1": 0.0}, {"lead 0": 1.0})
    assert abs(free.mean()) < 1e-12
    assert_allclose(free - free[1], held, atol=1e-11)


@pytest.mark.parametrize(
    ("voltages", "currents", "message"),
    [
        ({}, {}, "nothing drives"),
        ({"lead 0": 1.0}, {}, "nothing drives"),
        ({}, {"lead 0": 1.0}, "they sum to 1"),
        ({"lead 0": 1.0}, {"lead 0": 1.0}, "has a voltage and a current"),
        ({"source": 1.0}, {}, "'source' is no terminal"),
        ({"lead 0": np.nan}, {}, "not a finite number"),
    ],
)
def test_impossible_boundary_conditions(voltages, currents, message):
    g = 3 * np.eye(3) - np.ones((3, 3))
    with pytest.raises(ValueError, match=message):
        terminal_voltages(g, ["lead 0", "lead 1", "lead 2"], voltages, currents)


def test_terminals_that_nothing_connects():
    pair = np.array([[1.0, -1], [-1, 1]])
    apart = np.zeros((3, 3))
    apart[:2, :2] = pair
    with pytest.raises(ValueError, match="nothing connects 'c'"):
        terminal_voltages(apart, "abc", {"a": 1.0, "b": 0.0})
    assert terminal_voltages(apart, "abc", {"a": 1.0, "b": 0.0, "c": 0.3})[2] == 0.3
    two = np.kron(np.eye(2), pair)
    with pytest.raises(ValueError, match="'c', 'd' are not connected with the rest"):
        terminal_voltages(two, "abcd", {"a": 1.0, "b": 0.0})


# --- wrong systems --------------------------------------------------------------------------


def plain(size=3, leads=((-1, 0), (1, 0))):
    builder = kwant.Builder()
    for x in range(size):
        builder[LATTICE(x, 0)] = 0 * UNIT
    builder[LATTICE.neighbors()] = -UNIT
    for direction in leads:
        builder.attach_lead(lead(direction, [(0, 0)]))
    return builder


def read(builder, **keywords):
    return open_system_from_kwant(builder, exchange_field=lambda site: np.zeros(3), **keywords)


def test_wrong_systems_are_named():
    with pytest.raises(ValueError, match="leads: the system has none"):
        read(plain(leads=()))
    with pytest.raises(ValueError, match="leads: the system has none"):
        read(plain(leads=()).finalized())
    with pytest.raises(ValueError, match="Give one name for each"):
        read(plain(), names=["a"])
    lonely = plain()
    lonely[LATTICE(1, 5)] = 0 * UNIT
    with pytest.raises(ValueError, match=r"1 sites, among them \(1, 5\), are connected to no lead"):
        read(lonely)
    loose = plain(leads=((-1, 0),))
    blocked = lead((1, 0), [(0, 0)])
    blocked[LATTICE.neighbors()] = 0 * UNIT
    loose.attach_lead(blocked)
    with pytest.raises(ValueError, match="'lead 1' is not attached"):
        read(loose)
    with pytest.raises(ValueError, match="not hermitian"):
        bad = plain()
        bad[LATTICE(1, 0)] = 1j * UNIT
        read(bad)
    with pytest.raises(ValueError, match=r"of shape \(3, 2, 2\)"):
        read(plain(), spin_operator=np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match="'free' is none of"):
        with_directions(read(plain()), {"free": (0, 0, 1)})
    periodic = build_stack([Layer(1)])
    with pytest.raises(ValueError, match="periodic directions"):
        open_system(periodic)


def test_outside_of_the_bands_is_told():
    with pytest.warns(PhysicsWarning, match="outside all bands of 'lead"):
        response = terminal_response(read(plain()), 3.0)
    assert not response.conductance.any()


def test_a_bound_state_is_told():
    builder = plain()
    builder[LATTICE(1, 1)] = 0 * UNIT  # a dead end of two sites whose mode at E = 0
    builder[LATTICE(1, -1)] = 0 * UNIT  # is odd: no lead reaches it
    builder[LATTICE.neighbors()] = -UNIT
    with pytest.raises(ValueError, match="bound state"):
        terminal_response(read(builder), 0.0)
