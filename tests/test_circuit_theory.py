"""Circuit theory and drift-diffusion against closed forms, scattering, and each other."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.circuit import (
    Contact,
    Interface,
    Layer,
    Network,
    contact,
    sharvin_corrected,
    solve,
    solve_stack,
    stack_eta,
    two_contact_valve,
)
from negf_torque.circuit.contact import sharvin_corrected_conductance
from negf_torque.circuit.diffusion import profile
from negf_torque.circuit.formulas import (
    asymmetric_valve_eta,
    spacer_valve_slonczewski,
    symmetric_valve_conductance,
    symmetric_valve_lambda,
    valet_fert_extra_resistance,
    valet_fert_polarisation,
)
from negf_torque.circuit.spin_hall import spin_hall_efficiency
from negf_torque.llg.slonczewski import efficiency, fit_slonczewski
from negf_torque.notices import PhysicsWarning
from negf_torque.spin import SIGMA, rotation_so3, spin_matrix

Z = (0.0, 0.0, 1.0)
ANGLES = np.linspace(0.1, 3.0, 9)
positive = st.floats(0.2, 4.0)
polarisations = st.floats(-0.9, 0.9)


# --- the contact ----------------------------------------------------------------------------


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
@pytest.mark.filterwarnings("error")  # no scatterer has too small a mixing conductance
def test_contact_is_what_scattering_gives(seed):  # independent: 2x2 distribution matrices
    """Reflected minus incoming distribution of a spin-diagonal scatterer, any direction."""
    rng = np.random.default_rng(seed)
    angle, phases = rng.uniform(0, np.pi / 2, 2), rng.uniform(0, 2 * np.pi, 2)
    r, t = np.cos(angle) * np.exp(1j * phases), np.sin(angle)
    m, accumulation = rng.normal(size=(2, 3))
    m /= np.linalg.norm(m)
    v, v0, w = rng.normal(size=3)
    up, down = (0.5 * (np.eye(2) + s * spin_matrix(m)) for s in (1, -1))
    reflect = r[0] * up + r[1] * down
    transmit = t[0] * up + t[1] * down
    inside = v0 * np.eye(2) + spin_matrix(accumulation)
    magnet = v * np.eye(2) + w * spin_matrix(m)
    into = reflect @ inside @ reflect.conj().T + transmit @ magnet @ transmit.conj().T - inside
    charge = np.trace(into).real
    spin = np.einsum("aij,ji->a", SIGMA, into).real
    mixing = 1 - r[0] * np.conj(r[1])
    # One channel: G_s = t_s^2; circuit theory takes the transmitted transverse spin as absorbed.
    source, response = contact(t[0] ** 2, t[1] ** 2, mixing, m).matrix()
    flow = source @ [v, w] + response @ np.append(v0, accumulation)
    assert_allclose(flow, np.append(charge, spin), atol=1e-12)


# --- valves ---------------------------------------------------------------------------------


@given(positive, polarisations, positive, st.floats(-2, 2))
@settings(deadline=None, max_examples=40)
def test_symmetric_valve(g, p, real, imaginary):
    mixing = complex(real, imaginary)
    one = Contact(g, p, mixing, Z, corrected=True)
    conductance, in_plane, out_of_plane = two_contact_valve(one, one, ANGLES)
    expected = symmetric_valve_conductance(ANGLES, g, p, mixing)
    assert_allclose(conductance, expected, rtol=1e-11)
    assert_allclose(out_of_plane, 0, atol=1e-12 * g)
    if abs(p) > 0.01:
        fit = fit_slonczewski(ANGLES, in_plane / (conductance * np.sin(ANGLES)))
        assert_allclose(fit.Lambda, symmetric_valve_lambda(g, p, mixing), rtol=1e-7)
        assert fit.max_relative_residual < 1e-10


@given(positive, positive, polarisations, polarisations, positive, positive)
@settings(deadline=None, max_examples=40)
def test_asymmetric_valve_with_real_mixing(g1, g2, p1, p2, m1, m2):
    left, right = (Contact(*a, Z, corrected=True) for a in ((g1, p1, m1), (g2, p2, m2)))
    conductance, in_plane, out_of_plane = two_contact_valve(left, right, ANGLES)
    eta = in_plane / (conductance * np.sin(ANGLES))
    expected = asymmetric_valve_eta(ANGLES, (g1, g2), (p1, p2), (m1, m2))
    assert_allclose(eta, expected, atol=1e-10 * max(np.abs(expected).max(), 1e-3))
    assert_allclose(out_of_plane, 0, atol=1e-12)


def test_collinear_valves_are_two_currents_in_parallel():
    up, down = 3.0, 1.0
    one = contact(up, down, 2.5, Z)
    conductance, in_plane, _ = two_contact_valve(one, one, np.array([0.0, np.pi]))
    series = up * down / (up + down)
    assert_allclose(conductance, [(up + down) / 2, 2 * series], rtol=1e-12)
    assert_allclose(in_plane, 0, atol=1e-12)


def test_asymmetric_complex_mixing_gives_a_perpendicular_torque():
    left, right = Contact(2.0, 0.5, 1.5 + 0.5j, Z), Contact(1.0, 0.3, 1.2 - 0.4j, Z)
    _, _, out_of_plane = two_contact_valve(left, right, ANGLES)
    assert np.abs(out_of_plane).max() > 1e-3


# --- networks -------------------------------------------------------------------------------


def three_terminals(rotation):
    network = Network()
    network.terminal("a", 1.0)
    network.terminal("b", 0.0)
    network.terminal("c", -0.4)
    network.node("left", 0.2)
    network.node("right", 0.1)
    network.magnetic_node("middle", 0.3)
    directions = np.array([[1, 0.2, 0], [0, 1, 0.5], [0.3, -0.2, 1]]) @ rotation.T
    network.join("left", "a", Contact(1.5, 0.4, 1.0 + 0.3j, directions[0]))
    network.join("left", "middle", Contact(2.0, 0.6, 1.4 - 0.2j, directions[1]))
    network.join("right", "middle", Contact(2.5, 0.6, 1.3, directions[1]))
    network.join("right", "b", Contact(0.7, -0.3, 0.9, directions[2]))
    network.connect("right", "c", 0.8)
    network.connect("left", "right", 0.05)
    return network, solve(network)


def test_charge_is_conserved_and_spin_balances():
    network, solution = three_terminals(np.eye(3))
    assert_allclose(sum(solution.charge_current.values()), 0, atol=1e-13)
    flows = {"left": np.zeros(3), "right": np.zeros(3)}
    for (node, *_), flow in zip(network.magnetic_contacts, solution.spin_current, strict=True):
        flows[node] += flow
    flows["right"] += -0.8 * solution.spin["right"]
    exchange = 0.05 * (solution.spin["right"] - solution.spin["left"])
    flows["left"] += exchange
    flows["right"] -= exchange
    for node, loss in (("left", 0.2), ("right", 0.1)):
        assert_allclose(flows[node], loss * solution.spin[node], atol=1e-13)
    for torque, (_, _, junction) in zip(solution.torque, network.magnetic_contacts, strict=True):
        assert abs(torque @ junction.direction) < 1e-13


def test_rotating_all_moments_rotates_all_spins():
    rotation = rotation_so3((1, 2, -1), 1.1)
    _, one = three_terminals(np.eye(3))
    _, two = three_terminals(rotation)
    assert_allclose(list(one.charge_current.values()), list(two.charge_current.values()))
    for a, b in zip(one.torque, two.torque, strict=True):
        assert_allclose(rotation @ a, b, atol=1e-13)


def test_mixing_that_no_scattering_gives_is_told():
    told = "mixing: real part 0.9 is less than 1, half of the conductance"
    with pytest.warns(PhysicsWarning, match=told):
        contact(1.5, 0.5, 0.9, Z)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = contact(1.5, 0.5, 0.9, Z, corrected=True).turned((1, 0, 0))
        contact(1.5, 0.5, 1.0, Z)
    assert kept.corrected and kept.direction.tolist() == [1, 0, 0]


def test_networks_name_what_is_wrong():
    network = Network()
    network.terminal("a", 1.0)
    network.node("n")
    with pytest.raises(ValueError, match="exists already"):
        network.node("a")
    with pytest.raises(ValueError, match="both terminals"):
        network.terminal("b", 0.0)
        network.connect("a", "b", 1.0)
    with pytest.raises(ValueError, match="not a normal node"):
        network.join("a", "a", Contact(1, 0, 1, Z))
    with pytest.raises(ValueError, match="no connection"):
        solve(network)
    with pytest.raises(ValueError, match="polarisation"):
        Contact(1.0, 1.5, 1.0, Z)
    with pytest.raises(ValueError, match="mixing"):
        Contact(1.0, 0.5, -1.0, Z)


def test_sharvin_corrections():
    # A perfectly transparent contact has no resistance of its own.
    assert_allclose(sharvin_corrected_conductance(1.0, 1.0, 1.0), 1e6)
    assert_allclose(sharvin_corrected_conductance(0.5, 1.0, 1.0), 1.0)
    assert_allclose(sharvin_corrected(0.5, 1.0), 1 / 1.5)
    with pytest.raises(ValueError, match="Sharvin"):
        sharvin_corrected_conductance(1.1, 1.0, 1.0)


# --- drift-diffusion ------------------------------------------------------------------------


def sandwich(angle, d=0.8, mixing=1.3, thickness=np.inf):
    """F|N(d)|F with r_F = 0.6, r_N = 1.5, r_b = 0.4 in units where l_N = 1."""
    p = (np.sin(angle), 0.0, np.cos(angle))
    layers = [
        Layer(1.2, 0.5, thickness, 0.46, p),
        Layer(1.5, 1.0, d),
        Layer(1.2, 0.5, thickness, 0.46, Z),
    ]
    side = Interface(0.4, 0.7, mixing)
    return layers, solve_stack(layers, [side, side])


@pytest.mark.parametrize("d", [0.1, 0.8, 4.0])
@pytest.mark.parametrize("parallel", [True, False])
def test_valet_fert(d, parallel, agree):
    _, solution = sandwich(0.0 if parallel else np.pi, d)
    p = valet_fert_polarisation(0.6, 1.5, 0.4, 0.46, 0.7, d, parallel)
    agree(
        f"Valet-Fert polarisation, {'parallel' if parallel else 'antiparallel'}, "
        f"spacer of {d} spin-flip lengths",
        solution.spin_current[1, 0, 2], p, against="analytic", rtol=1e-12,
    )
    extra = valet_fert_extra_resistance(0.6, 0.4, 0.46, 0.7, p)
    assert_allclose(solution.resistance, extra + 1.5 * d, rtol=1e-12)
    assert_allclose(solution.torque, 0, atol=1e-13)


@pytest.mark.parametrize("d", [0.1, 0.8, 3.0])
def test_spacer_diffusion_has_the_closed_slonczewski_form(d, agree):
    eta = []
    for angle in ANGLES:
        layers, solution = sandwich(angle, d)
        in_plane, out_of_plane = stack_eta(solution, layers, 2, 0)
        assert abs(out_of_plane) < 1e-12
        eta.append(in_plane)
    polarisation, lam = spacer_valve_slonczewski(0.6, 1.5, 0.4, 0.46, 0.7, 1.3, d)
    agree(
        f"Angular torque of a diffusive valve, spacer of {d} spin-flip lengths",
        eta, efficiency(np.cos(ANGLES), polarisation, lam), against="analytic", rtol=1e-11,
    )


def test_thin_spacer_is_circuit_theory():  # independent
    """No spin flip in a spacer of no resistance: the node of the network."""
    for angle in (0.4, 1.7, 2.9):
        p = (np.sin(angle), 0.0, np.cos(angle))
        layers = [
            Layer(1.2, 0.5, np.inf, 0.46, p),
            Layer(1e-7, 1e6, 1e-3),
            Layer(0.9, 0.7, np.inf, 0.3, Z),
        ]
        mixing = (1.3 + 0.4j, 0.9 - 0.3j)
        sides = [Interface(0.4, 0.7, mixing[0]), Interface(0.25, 0.5, mixing[1])]
        solution = solve_stack(layers, sides)
        # r_F + r_b in series, spin by spin: G and P of the equivalent contact.
        contacts = []
        for layer, side, g in zip((layers[0], layers[2]), sides, mixing, strict=True):
            total = layer.resistance + side.resistance
            p_c = (layer.beta * layer.resistance + side.gamma * side.resistance) / total
            contacts.append(Contact(1 / (total * (1 - p_c**2)), p_c, g, Z))
        conductance, in_plane, out_of_plane = two_contact_valve(*contacts, np.array([angle]))
        eta, eta_perp = stack_eta(solution, layers, 2, 0)
        sine = np.sin(angle)
        assert_allclose(eta, in_plane[0] / (conductance[0] * sine), rtol=1e-6)
        assert_allclose(eta_perp, out_of_plane[0] / (conductance[0] * sine), atol=1e-7)


def test_spin_is_conserved_where_nothing_flips_it():
    """Long spin-flip lengths: what the left magnet polarises and the right absorbs balances."""
    layers = [
        Layer(1.0, 0.5, np.inf, 0.4, (1, 0, 0)),
        Layer(1.5, 1e6, 0.7),
        Layer(1.0, 0.5, 1.2, 0.4, (0, 1, 0)),
        Layer(1.5, 1e6, 0.7),
        Layer(1.0, 0.5, np.inf, 0.4, Z),
    ]
    sides = [Interface(0.3, 0.6, 1.1 + 0.2j)] * 4
    solution = solve_stack(layers, sides)
    assert_allclose(solution.spin_current[0, 1], solution.spin_current[1, 0], atol=1e-6)
    assert_allclose(solution.spin_current[2, 1], solution.spin_current[3, 0], atol=1e-6)
    for k in (0, 2, 4):
        assert abs(solution.torque[k] @ np.array(layers[k].direction)) < 1e-12


def test_mirror_exchanges_the_torques():
    """Reversing the stack and the current direction: same resistance, torques reversed in order."""
    layers, sides = (
        [
            Layer(1.0, 0.5, 2.0, 0.4, (1, 0, 0.3)),
            Layer(1.5, 1.0, 0.7),
            Layer(0.7, 0.8, 1.2, 0.2, Z),
        ],
        [Interface(0.3, 0.6, 1.1 + 0.2j), Interface(0.5, 0.2, 0.8)],
    )
    one = solve_stack(layers, sides)
    two = solve_stack(layers[::-1], sides[::-1])
    assert_allclose(one.resistance, two.resistance, rtol=1e-12)
    # Seen from the other side the same current runs backwards: linear response changes sign.
    assert_allclose(one.torque, -two.torque[::-1], atol=1e-12)


def test_finite_magnets_end_in_reservoirs():
    """A thick finite magnet is as good as an infinite one; a thin one is not."""
    infinite = sandwich(1.0)[1]
    thick = sandwich(1.0, thickness=20.0)[1]
    assert_allclose(thick.torque, infinite.torque, atol=1e-10)
    bulk = 2 * 1.2 * (1 - 0.46**2) * 20.0
    assert_allclose(thick.resistance - bulk, infinite.resistance, rtol=1e-10)


@pytest.mark.parametrize("thickness", [np.inf, 0.7])
def test_profile_solves_the_diffusion_equation(thickness):
    """Finite differences of the profile obey both equations, and its ends are the solution's."""
    layers, solution = sandwich(1.1, thickness=thickness)
    x, accumulation, current = profile(solution, layers, 401)
    for k, layer in enumerate(layers):
        part = slice(401 * k, 401 * (k + 1))
        step = x[part][1] - x[part][0]
        v, j = accumulation[part], current[part]
        drive = layer.beta * np.array(layer.direction) if layer.magnetic else 0.0
        slope = (v[2:] - v[:-2]) / (2 * step)
        assert_allclose(j[1:-1], drive - slope / layer.resistivity, atol=2e-4)
        bend = (v[2:] - 2 * v[1:-1] + v[:-2]) / step**2
        assert_allclose(bend, v[1:-1] / layer.spin_flip_length**2, atol=1e-3)
        if k:
            assert_allclose(v[0], solution.accumulation[k - 1, 1], atol=1e-12)
            assert_allclose(j[0], solution.spin_current[k - 1, 1], atol=1e-12)


def test_stacks_name_what_is_wrong():
    magnet = Layer(1.0, 0.5, 1.0, 0.4, Z)
    with pytest.raises(ValueError, match="one fewer"):
        solve_stack([magnet], [])
    with pytest.raises(ValueError, match="touch"):
        solve_stack([magnet, magnet], [Interface()])
    with pytest.raises(ValueError, match="only the first and the last"):
        solve_stack([magnet, Layer(1.0, 1.0, np.inf), magnet], [Interface(mixing=1.0)] * 2)
    with pytest.raises(ValueError, match="beta"):
        Layer(1.0, 1.0, 1.0, 1.0, Z)
    with pytest.raises(ValueError, match="collinear"):
        layers, solution = sandwich(0.0)
        stack_eta(solution, layers, 2, 0)


# --- spin Hall ------------------------------------------------------------------------------


@given(st.floats(0.2, 5), st.floats(0.1, 20), st.floats(-10, 10), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_spin_hall_torque_solves_the_boundary_problem(ratio, real, imaginary, seed):
    """Vectors and cross products instead of complex numbers; circuit theory's sign of G_i."""
    sigma, length, angle, field = 2.0, 1.5, 0.13, 0.7
    d = ratio * length
    rng = np.random.default_rng(seed)
    m = rng.normal(size=3)
    m /= np.linalg.norm(m)
    s = np.cross(m, rng.normal(size=3))
    s /= np.linalg.norm(s)
    # mu = a e^{-x/l} + b e^{x/l}; ferromagnet at x = 0, spins flow toward -x: source -s.
    e = np.exp(d / length)
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    eye = np.eye(3)
    gradient_0 = np.hstack([-eye, eye]) / length
    gradient_d = np.hstack([-eye / e, eye * e]) / length
    value_0 = np.hstack([eye, eye])
    # V_s = mu/2: absorbed = G_r mu - G_i m x mu; arriving = -j_s(0) = (sigma/2) mu' + source.
    absorb = (real * eye - imaginary * cross) @ value_0
    rows = np.vstack([sigma / 2 * gradient_0 - absorb, -sigma / 2 * gradient_d])
    source = angle * sigma * field * s
    solution = np.linalg.solve(rows, np.concatenate([-source, source]))
    torque = absorb @ solution / (sigma * field)
    xi = complex(spin_hall_efficiency(angle, sigma, length, d, complex(real, imaginary)))
    assert_allclose(torque, xi.real * s + xi.imag * np.cross(m, s), atol=1e-11)


def test_spin_hall_limits():
    assert_allclose(spin_hall_efficiency(0.2, 1e7, 2e-9, [1e-12], 1e15), 0, atol=1e-5)
    weak = spin_hall_efficiency(0.2, 1e7, 2e-9, 1e-6, 1e10 - 2e9j)
    # A poor contact: theta 2 l G/sigma.
    assert_allclose(weak, 0.2 * 2 * 2e-9 * (1e10 + 2e9j) / 1e7, rtol=1e-5)
    with pytest.raises(ValueError, match="thickness"):
        spin_hall_efficiency(0.1, 1e7, 1e-9, 0.0, 1e15)
