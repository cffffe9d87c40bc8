"""Mixing conductances and the toy models of spin transfer at an interface.

The two toy models are those of Ralph and Stiles, JMMM 320, 1190 (2008), Eqs. (8)-(16), on a
lattice instead of a continuum.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain
from negf_torque.transport.device import make_device, scattering_states, solve
from negf_torque.transport.linear import window_response
from negf_torque.transport.mixing import mixing_conductance, sharvin_corrected
from negf_torque.transport.sampling import Sampling


def wave_factor(x):
    """e^{iq} of a chain at E - eps = x (t = 1): outgoing or decaying."""
    if abs(x) <= 2:
        return np.exp(1j * np.arccos(-x / 2))
    return -np.sign(x) * (abs(x) - np.sqrt(x * x - 4)) / 2


def step_reflection(energy, onsite):
    """r of a chain step, referred to the last normal site."""
    k, q = wave_factor(energy), wave_factor(energy - onsite)
    return (k - q) / (q - 1 / k)


def interface(onsite, exchange, cross_section="chain"):
    return layer_chain(
        build_stack([], right=Lead(onsite=onsite, exchange=exchange), cross_section=cross_section)
    )


@settings(deadline=None, max_examples=40)
@given(st.floats(-1.95, 1.95), st.floats(-3, 3), st.floats(0, 6))
def test_chain_step_has_the_textbook_mixing(energy, onsite, exchange):  # limit
    up, down = (step_reflection(energy, onsite - s * exchange / 2) for s in (1, -1))
    # near a band edge of the magnet the formula itself loses digits
    for shift in (onsite - exchange / 2, onsite + exchange / 2):
        if abs(abs(energy - shift) - 2) < 1e-4:
            return
    got = mixing_conductance(interface(onsite, exchange), energy, (0, 0, 1))
    assert_allclose(got.reflection, 1 - up * np.conj(down), atol=1e-11)
    assert got.sharvin == 1


def test_reference_interface_on_a_chain(agree):  # independent
    got = mixing_conductance(interface(0.0, 2.4), -1.0)
    agree(
        "Mixing conductance of a step on a chain",
        got.reflection, 1.2353945038 + 0.2075984390j, against="analytic", atol=1e-10,
    )


def test_total_reflection_of_both_spins_gives_a_complex_mixing():  # limit
    # both evanescent: |r| = 1, the phases differ: 1 - exp(i(phi_up - phi_down))
    got = mixing_conductance(interface(3.5, 0.5), -1.0).reflection
    up, down = (step_reflection(-1.0, 3.5 - s * 0.25) for s in (1, -1))
    assert_allclose([abs(up), abs(down)], 1, atol=1e-12)
    assert_allclose(got, 1 - np.exp(1j * np.angle(up / down)), atol=1e-12)
    assert 0 < got.real < 0.05 * abs(got.imag)


def test_reference_cubic_interface(agree):  # independent
    got = mixing_conductance(interface(0.0, 2.0, "periodic"), -2.2, sampling=Sampling(1e-9))
    agree(
        "Mixing conductance of a cubic interface, adaptive zone average",
        got.reflection, 0.4600283836 + 0.0695122813j, against="reference value", atol=1e-9,
    )
    assert_allclose(got.sharvin, 0.4454608204, atol=1e-9)
    assert got.converged and got.reflection_error < 1e-8
    corrected = 1 / (1 / got.reflection - 1 / (2 * got.sharvin))
    assert_allclose(got.reflection_corrected, corrected, atol=1e-12)


def test_reference_transmission_mixing_decays_with_thickness():  # independent
    # classical dephasing: one interference factor per k, averaged over the zone
    expected = {1: 0.293949, 3: 0.204854, 8: 0.114271, 20: 0.075401, 40: 0.044850}
    for thickness, value in expected.items():
        device = layer_chain(build_stack([Layer(thickness, exchange=2.0)]))
        got = mixing_conductance(device, -2.2, sampling=Sampling(mesh=16))
        assert_allclose(abs(got.transmission), value, atol=5.1e-7)


def test_spins_along_any_axis_have_the_same_mixing():  # identity
    values = []
    for axis in ((0, 0, 1), (1, 0, 0), (0.3, -0.5, 0.8)):
        device = layer_chain(
            build_stack([Layer(3, onsite=0.75, exchange=1.5, direction=axis)], cross_section=(2, 2))
        )
        got = mixing_conductance(device, -1.7)
        values.append([got.reflection, got.transmission])
    assert_allclose(values[1:], values[:1] * 2, atol=1e-12)


def incoming(theta):
    """Amplitudes of spin up and down of an electron polarised in the x-z plane."""
    return np.array([np.cos(theta / 2), np.sin(theta / 2)])


@pytest.mark.parametrize("theta", [0.3, 1.2, 2.5])
def test_toy_model_one_spin_filter(theta):  # limit
    """Eq. (11): torque = sin(theta) ([1 - Re(t_u t_d* + r_u r_d*)] x + Im(t_u t_d* + r_u r_d*) y).

    The y component has the sign of <sigma_y> = -2 Im(a b*) of a spinor (a, b), as in Eq. (13);
    Eqs. (10) and (11) of the tutorial print the opposite one.
    """
    chain = layer_chain(
        build_stack([Layer(3, onsite=0.4, exchange=1.1, name="F")], cross_section="chain")
    )
    device = make_device(chain)
    states = scattering_states(device, (), -0.9)
    # in a lead with degenerate spins the channels are the orbitals up to a rotation
    left = device_channels(chain, -0.9)
    spinor = left.conj().T @ incoming(theta)
    torque = np.zeros(3)
    for site, field in enumerate(chain.sites.exchange):
        psi = states.psi[0][site] @ spinor
        spin = [psi.conj() @ s @ psi for s in chain.sites.spin[site]]
        torque += np.cross(field, np.real(spin))
    r = left @ states.reflection @ left.conj().T
    t = left @ states.transmission_amplitude @ left.conj().T
    mixed = t[0, 0] * np.conj(t[1, 1]) + r[0, 0] * np.conj(r[1, 1])
    expected = np.sin(theta) * np.array([1 - mixed.real, mixed.imag, 0])
    assert_allclose(abs(torque - expected).max(), 0, atol=1e-12)


def device_channels(chain, energy):
    from negf_torque.transport.leads import lead_self_energies

    left, right = lead_self_energies(chain, np.zeros((1, 0)), np.array([energy]))
    assert_allclose(left.vectors, right.vectors)
    return left.vectors[0]


def test_toy_model_two_precession_inside_the_magnet():  # limit
    """Eq. (13): the transmitted transverse spin current turns by k_up - k_down per site."""
    energy, onsite, exchange = -0.3, 0.2, 0.9
    # a half-metallic lead sends electrons polarised along x, a normal spacer lies between
    layers = [Layer(2), Layer(25, onsite=onsite, exchange=exchange, name="F")]
    left = Lead(onsite=4.0, exchange=8.0, direction=(1, 0, 0))
    right = Lead(onsite=onsite, exchange=exchange)
    chain = layer_chain(build_stack(layers, left, right, "chain"))
    current = window_response(chain, energy).spin_current_by_bias[0]
    inside = current[4:, 1] - 1j * current[4:, 2]  # x - i y: Eq. (13)
    k_up, k_down = (np.arccos(-(energy - onsite + s * exchange / 2) / 2) for s in (1, -1))
    # electron-like chain: E = -2 cos k, majority k is the larger
    assert k_up > k_down
    assert_allclose(inside[1:] / inside[:-1], np.exp(1j * (k_up - k_down)), atol=1e-10)
    assert_allclose(np.ptp(current[4:, 3]), 0, atol=1e-12)  # the longitudinal part stays


def test_classical_dephasing_of_the_transmitted_spin():  # limit
    """Sum over k of exp(i(k_up - k_down) x) decays: the torque is where the magnet begins."""
    left = Lead(onsite=4.0, exchange=8.0, direction=(1, 0, 0))
    right = Lead(exchange=2.0)
    chain = layer_chain(build_stack([Layer(40, exchange=2.0, name="F")], left, right))
    current = window_response(chain, -2.2, Sampling(mesh=48)).spin_current_by_bias[0]
    transverse = np.hypot(current[:, 1], current[:, 2])
    assert transverse[1:6].max() > 3 * transverse[25:40].max()


def test_nearly_all_transverse_spin_is_absorbed():  # limit
    """Eq. (16): averaged over the zone the torque is close to the incident transverse current."""
    got = mixing_conductance(interface(0.0, 2.0, "periodic"), -2.2, sampling=Sampling(1e-5))
    assert got.reflection.real == pytest.approx(got.sharvin, rel=0.05)
    assert abs(got.reflection.imag) < 0.2 * got.reflection.real


def test_sharvin_correction_of_a_transparent_contact_is_infinite_resistance_free():  # limit
    # 1/g = 1/(2 g_Sharvin): a contact that only has the resistance of its channels
    assert abs(sharvin_corrected(2.0 - 1e-12, 1.0)) > 1e11
    assert sharvin_corrected(0, 1.0) == 0


def test_noncollinear_reflection_still_selects_up_and_down():  # identity
    """With two noncollinear layers r mixes spins: tr[r S+ r^+ S-] is the sum of r_uu r_dd*."""
    layers = [
        Layer(2, onsite=0.75, exchange=1.5, name="a"),
        Layer(2, onsite=0.75, exchange=1.5, direction=(1, 0, 0.2), name="b"),
    ]
    chain = layer_chain(build_stack(layers, cross_section="chain"))
    got = mixing_conductance(chain, -0.7, (0, 0, 1))
    r = solve(make_device(chain), np.zeros((1, 0)), -0.7).reflection[0]
    assert abs(r[0, 1]) > 0.01
    assert_allclose(got.reflection, 1 - r[0, 0] * np.conj(r[1, 1]), atol=1e-12)


def test_magnetic_left_lead_is_refused():
    chain = layer_chain(build_stack([], left=Lead(exchange=1.0), cross_section="chain"))
    with pytest.raises(ValueError, match="nonmagnetic left lead"):
        mixing_conductance(chain, -0.5)


def test_no_magnet_needs_an_axis():
    chain = layer_chain(build_stack([], cross_section="chain"))
    with pytest.raises(ValueError, match="spin axis"):
        mixing_conductance(chain, -0.5)
    assert_allclose(mixing_conductance(chain, -0.5, (0, 0, 1)).reflection, 1, atol=1e-12)
