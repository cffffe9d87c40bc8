"""A long disordered wire: the device's complete response is the bulk's response to a field."""

import kwant
import numpy as np
import pytest

from negf_torque.disorder.impurities import NonmagneticImpurities
from negf_torque.gradient.kubo.dressed import dressed_response
from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.kubo.scatterers import Impurity, SecondOrder
from negf_torque.gradient.kubo.torque import layer_exchange, torkance
from negf_torque.gradient.model import exchange_model
from negf_torque.gradient.observables import velocity_observables
from negf_torque.lattice.bilayer_device import bilayer_device
from negf_torque.lattice.layers import layer_chain
from negf_torque.lattice.magnet import magnet_from_kwant
from negf_torque.lattice.spin_orbit_models import OrbitalMaterial, bilayer
from negf_torque.notices import PhysicsWarning
from negf_torque.spin import SIGMA, unit_vector
from negf_torque.transport.disordered_complete import complete_disordered_response

HOPPING, M, MU, STRENGTH = 1.0, 0.4, -0.6, 0.8


def hop(rashba):
    """<0|H|1> of -2t cos k - rashba sigma_y sin k."""
    return -HOPPING * np.eye(2) - rashba / 2j * SIGMA[1]


def wire(length, rashba, n):
    """Chain between leads of its own kind; the magnet everywhere."""
    lattice = kwant.lattice.chain(norbs=2)
    onsite = -M * np.einsum("a,aij->ij", n, SIGMA)
    region = kwant.Builder()
    region[(lattice(i) for i in range(length))] = onsite
    for i in range(length - 1):
        region[lattice(i), lattice(i + 1)] = hop(rashba)
    for step in (-1, 1):
        lead = kwant.Builder(kwant.TranslationalSymmetry((step,)))
        lead[lattice(0)] = onsite
        lead[lattice(0), lattice(1)] = hop(rashba)
        region.attach_lead(lead)
    return layer_chain(magnet_from_kwant(region, exchange_field=lambda site: 2 * M * n))


def bulk_torque(rashba, n):
    """T per force on one cell and the ladder part of it alone."""
    hoppings = np.zeros((3, 2, 2), complex)
    hoppings[1], hoppings[2] = hop(rashba), hop(rashba).conj().T
    exchange = np.zeros((3, 3, 2, 2), complex)
    exchange[:, 0] = -M * SIGMA
    model = exchange_model([[1.0]], [[0.0], [1.0], [-1.0]], hoppings, exchange, n)
    gamma = STRENGTH**2
    chi = dressed_response(
        model,
        np.concatenate([model.exchange, velocity_observables(model)]),
        MU,
        SecondOrder(gamma * np.eye(4, dtype=complex)),
        tolerance=1e-10,
        mesh=(800,),
    )
    assert chi.converged
    window = chi.ladder
    return torkance(chi.total[:3], n)[:, 0], torkance(window[:3], n)[:, 0], chi.total[3, 0]


@pytest.mark.parametrize("direction", [(0, 0, 1), (0.48, 0.6, 0.64)])
def test_wire_and_bulk_agree(agree, direction):
    n, rashba, length = unit_vector(direction), 0.6, 140
    chain = wire(length, rashba, n)
    impurities = [NonmagneticImpurities(1.0, STRENGTH, "symmetric")]
    device = complete_disordered_response(chain, MU, impurities, "born", tolerance=1e-10)
    assert device.converged
    layers = np.asarray(chain.sites.layer)
    middle = np.flatnonzero(np.abs(layers - layers.mean()) < 12)
    # force per volt: the slope of the local electrochemical potential
    force = -np.polyfit(layers[middle], device.potential[middle], 1)[0]
    # site torkance N in e/(4 pi): N/(4 pi) is the torque over hbar per volt
    torque = device.site_torkance[middle].mean(axis=0) / (4 * np.pi) / force
    total, window, _ = bulk_torque(rashba, n)
    size = np.abs(total).max()
    agree(
        f"Spin-orbit torque in the middle of a disordered wire, moment along {direction}",
        torque,
        total,
        against="another route",
        atol=1e-3 * size,
        note="Kubo response of the infinite crystal",
    )
    # the window alone tends to the bulk's ladder, which is another number: a damping-like torque
    # (along y at n = z) that the complete response of this chain does not have
    alone = device.window_torkance[middle].mean(axis=0) / (4 * np.pi) / force
    np.testing.assert_allclose(alone, window, rtol=0, atol=1e-3 * np.abs(window).max())
    assert abs(total[1]) < 1e-9 * size and abs(window[1]) > 5e-3 * size


def test_bilayer_device_and_slab_agree_layer_by_layer():
    """Current in the plane of metal|ferromagnet: NEGF by layer against the slab's response.

    The magnetisation is along the normal: then no charge moves between the layers, which a device
    would screen and a uniform field does not.
    """
    metal = OrbitalMaterial(
        "sp", {"s": -1.0, "p": 1.0},
        {"ss_sigma": -0.6, "sp_sigma": 0.8, "pp_sigma": 1.0, "pp_pi": -0.4}, {"p": 0.8},
    )  # fmt: skip
    magnet = OrbitalMaterial("s", {"s": 0.0}, {"ss_sigma": -0.9}, {}, 1.2)
    bonds = {"sp_sigma": 0.8, "ss_sigma": -0.7}
    mu, strength, momenta = 0.3, 2.2, 2
    slab = bilayer(metal, 1, magnet, 1, interface=bonds)
    model = bulk_model(slab)
    sites = [np.diag((slab.layer == z).astype(float)) for z in (0, 1)]
    theory = SecondOrder([Impurity(1.0, strength * site) for site in sites])
    layers = layer_exchange(model, slab.layer)
    chi = dressed_response(
        model, layers.reshape(6, *model.hoppings.shape), mu, theory, mesh=(48, momenta),
        tolerance=1e-8,
    )  # fmt: skip
    expected = torkance(chi.total.reshape(2, 3, 2), (0, 0, 1))[..., 0]
    device = bilayer_device(metal, 1, magnet, 1, 20, interface=bonds)
    chain = layer_chain(device)
    impurities = [NonmagneticImpurities(1.0, strength, "symmetric")]
    with pytest.warns(PhysicsWarning, match="too strong for the Born"):  # strong: a short device
        answer = complete_disordered_response(
            chain, mu, impurities, "born", mesh=momenta, tolerance=1e-7
        )
    slices = np.asarray(chain.sites.layer)
    middle = np.abs(slices - slices.mean()) < 2.5
    names = np.array([str(name) for name in chain.sites.magnet])
    for z, inside in ((0, names == "None"), (1, names == "layer 1")):
        here = np.flatnonzero(middle & inside)
        force = -np.polyfit(slices[here], answer.potential[here], 1)[0]
        torque = answer.site_torkance[here].mean(axis=0) / (4 * np.pi) / force
        np.testing.assert_allclose(torque, expected[z], rtol=0, atol=1e-3 * np.abs(expected).max())
    assert np.abs(expected[1, :2]).min() > 1e-4  # field-like and damping-like
