"""Reading torques: angular expansion, efficiencies, layers."""

import numpy as np
import pytest

from negf_torque.gradient.decompose import spin_orbit_torques
from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.kubo.response import Integration, bulk_response
from negf_torque.gradient.kubo.torque import (
    allowed_terms,
    efficiencies,
    fit_terms,
    layer_exchange,
    named_terms,
    point_group_4mm,
    torkance,
)
from negf_torque.gradient.model import square_rashba
from negf_torque.lattice.spin_orbit_models import OrbitalMaterial, bilayer
from negf_torque.spin import unit_vector

METAL = OrbitalMaterial(
    "sp", {"s": -2.0, "p": 3.0},
    {"ss_sigma": -0.8, "sp_sigma": 1.0, "pp_sigma": 1.2, "pp_pi": -0.3}, {"p": 0.6},
)  # fmt: skip
MAGNET = OrbitalMaterial(METAL.shells, METAL.energies, METAL.bonds, {}, 1.5)


def some_directions(count=30):
    n = np.random.default_rng(3).normal(size=(count, 3))
    return n / np.linalg.norm(n, axis=1)[:, None]


def test_torques_agree_with_the_engine_reading():
    n = unit_vector((0.48, 0.6, 0.64))
    chi = np.random.default_rng(0).normal(size=(3, 2))
    torque = torkance(chi, n)[:, 0]
    fl, dl = spin_orbit_torques(chi, n)
    across = np.array([0.0, 1.0, 0.0])
    line = np.cross(n, across)
    assert np.isclose(torque @ line / (line @ line), fl)
    assert np.isclose(torque @ np.cross(n, line) / (line @ line), dl)


def test_named_terms_are_among_those_the_group_allows():
    n, group = some_directions(), point_group_4mm()
    for degree, ours in ((2, named_terms(n)[:3]), (3, named_terms(n)[3:])):
        allowed = allowed_terms(group, degree, n)
        for term in ours:
            assert fit_terms(allowed, term).residual < 1e-10
        assert fit_terms(ours, ours[0]).rank == 3


def test_a_group_without_mirrors_allows_more():
    n = some_directions(60)
    c4 = [r for r in point_group_4mm() if np.linalg.det(r) > 0]
    full, chiral = allowed_terms(point_group_4mm(), 2, n), allowed_terms(c4, 2, n)
    rank = [np.linalg.matrix_rank(t.reshape(len(t), -1), tol=1e-9) for t in (full, chiral)]
    assert rank[0] < rank[1]


def test_a_rashba_magnet_has_the_torques_of_its_group_and_no_others():
    """Odd and even parts of a 4mm film fit the allowed terms, not half of them."""
    directions = some_directions(36)
    mesh = Integration(mesh=(40, 40))
    surface, sea = [], []
    for n in directions:
        model = square_rashba(1.0, 0.3, 0.15, n)
        chi = bulk_response(model, model.exchange, -2.0, 0.5, integration=mesh)
        surface.append(torkance(chi.surface, n)[:, 0])
        sea.append(torkance(chi.sea, n)[:, 0])
    group = point_group_4mm()
    for torques, low, high in ((surface, 2, 4), (sea, 1, 3)):
        fits = [
            fit_terms(allowed_terms(group, d, directions), np.array(torques)).residual
            for d in (low, high)
        ]
        assert fits[1] < 2e-3 and fits[1] < 0.2 * fits[0]
        wrong = fit_terms(allowed_terms(group, low + 1, directions), np.array(torques)).residual
        assert wrong > 0.5  # the other parity has none of it
    both = fit_terms(named_terms(directions), np.array(surface) + np.array(sea))
    assert both.residual < 0.02


def test_layers_add_up_to_the_torque_on_the_whole_magnet():
    slab = bilayer(METAL, 2, MAGNET, 2)
    n = unit_vector((0.3, 0.2, 0.9))
    model = bulk_model(slab, n)
    layers = layer_exchange(model, slab.layer)
    observables = np.concatenate([model.exchange, layers.reshape(-1, *model.hoppings.shape)])
    chi = bulk_response(model, observables, 0.5, 0.3, integration=Integration(mesh=(6, 6)))
    by_layer = chi.total[3:].reshape(4, 3, 2)
    np.testing.assert_allclose(by_layer.sum(axis=0), chi.total[:3], rtol=0, atol=1e-12)
    np.testing.assert_allclose(by_layer[:2], 0, atol=1e-15)  # no exchange in the metal
    assert np.abs(by_layer[2:]).max() > 1e-3


@pytest.mark.parametrize("coupling", [0.0, 0.6])
def test_the_bilayer_needs_coupling_in_the_metal(coupling):
    metal = OrbitalMaterial(METAL.shells, METAL.energies, METAL.bonds, {"p": coupling})
    model = bulk_model(bilayer(metal, 2, MAGNET, 1), (0, 0, 1))
    chi = bulk_response(model, model.exchange, 0.5, 0.3, integration=Integration(mesh=(6, 6)))
    torque = np.abs(torkance(chi.total, (0, 0, 1))).max()
    assert (torque < 1e-13) if coupling == 0 else (torque > 1e-3)


def test_efficiencies_by_hand():
    assert efficiencies(0.2, -0.1, 4.0, 2.0) == (0.1, 0.2)
