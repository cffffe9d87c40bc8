"""Spin pumping and damping by three routes that share little."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.lattice import Layer, Lead, build_stack, layer_chain, rotated
from negf_torque.spin import rotation_so3
from negf_torque.transport.device import make_device, solve
from negf_torque.transport.pumping import nonlocal_damping, pumping
from negf_torque.transport.sampling import Sampling

MAGNET = {"onsite": 0.75, "exchange": 1.5}


def layer(thickness=3, direction=(0, 0, 1), cross_section="chain", **leads):
    layers = [Layer(thickness, name="F", direction=direction, **MAGNET)]
    return layer_chain(build_stack(layers, cross_section=cross_section, **leads))


def test_reference_chain():  # independent
    found = pumping(layer(), "F", -0.7)
    assert_allclose(found.mixing, 1.2853436856 - 0.1193802053j, atol=1e-10)
    assert_allclose(found.alpha_spin, 0.2045688011, atol=1e-10)


@pytest.mark.parametrize("cross_section", ["chain", "periodic", (2, 2)])
def test_three_routes_agree(cross_section):  # identity
    m = np.array([0.48, 0.6, 0.64])
    chain = layer(direction=m, cross_section=cross_section, right=Lead(onsite=0.3))
    found = pumping(chain, "F", -1.3, Sampling(mesh=4))
    assert_allclose(found.pumped_by_scattering, found.pumped, atol=1e-10)
    assert_allclose(found.damping_by_scattering, found.damping, atol=1e-10)
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


def test_moving_scattering_matrix_by_difference_quotient():  # independent
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
        assert_allclose(found.pumped[lead][:, 1], expected, atol=1e-11)


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
