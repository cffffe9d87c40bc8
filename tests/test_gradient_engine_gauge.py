"""Exact gauge route: a spiral about z is a uniform magnet in the rotating frame.

If H_0 and the impurities are unchanged by spin rotations about z, the texture
n(x) = R_z(Qx) n is, in the frame that turns with it, a uniform magnet whose up electrons carry
wave vector k - Q/2 and whose down electrons k + Q/2.  Its torkance needs no gradient
expansion, so

    K_axxb (z x n)_b = d chi_ax/dQ

holds exactly, also around a finite Q, where the gauge field is a spin-orbit coupling.
"""

import numpy as np
import pytest
from gradient_engine_routes import GENERIC

from negf_torque.gradient.engine import gradient_tensors
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.model import BulkModel, ZoneMesh, exchange_model
from negf_torque.spin import PAULI, SIGMA


def magnet(orbitals: int, dimension: int) -> BulkModel:
    """Spin-diagonal hopping with sigma_z spin-orbit coupling and exchange on the bonds."""
    rng = np.random.default_rng(7)
    steps = np.eye(dimension)
    if dimension == 2:
        steps = np.vstack([steps, [[1.0, 1.0]]])
    displacements = np.vstack([np.zeros((1, dimension)), steps, -steps])
    count, n = len(displacements), 2 * orbitals

    def hermitian(scale):
        a = rng.normal(size=(orbitals, orbitals)) + 1j * rng.normal(size=(orbitals, orbitals))
        return scale * (a + a.conj().T)

    hoppings = np.zeros((count, n, n), complex)
    exchange = np.zeros((3, count, n, n), complex)
    hoppings[0] = np.kron(hermitian(0.2), PAULI[0])
    strength = np.diag([1.0, 0.7])[:orbitals, :orbitals]
    for axis in range(3):
        exchange[axis, 0] = -0.6 * np.kron(strength, SIGMA[axis])
    for index in range(1, 1 + len(steps)):
        size = 1.0 if index <= dimension else 0.3
        bond = -size * np.kron(np.eye(orbitals) + hermitian(0.1), PAULI[0])
        bond = bond + 0.25j * size * np.kron(np.eye(orbitals) + hermitian(0.1), SIGMA[2])
        hoppings[index], hoppings[index + len(steps)] = bond, bond.conj().T
        across, along = np.eye(orbitals) + hermitian(0.2), np.eye(orbitals) + hermitian(0.2)
        for axis, matrix in enumerate((across, across, along)):
            o = 0.1 * np.kron(matrix, SIGMA[axis])
            exchange[axis, index], exchange[axis, index + len(steps)] = o, o.conj().T
    return exchange_model(np.eye(dimension), displacements, hoppings, exchange, GENERIC)


def rotating_frame(model: BulkModel, q: float) -> BulkModel:
    """Up electrons at k - q/2, down electrons at k + q/2, spin flips at k (q along x)."""
    spin = np.tile([1.0, -1.0], model.orbitals // 2)
    shift = -(spin[:, None] + spin[None, :]) / 4 * q
    phase = np.exp(1j * model.displacements[:, 0, None, None] * shift)
    return BulkModel(
        model.lattice, model.displacements, model.hoppings * phase, model.exchange * phase
    )


def derivative(function, step=0.02):
    """Eighth-order central difference at 0."""
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    return sum(
        w / step * (function(m * step) - function(-m * step)) for m, w in weights.items()
    )


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize(("orbitals", "dimension", "size"), [(1, 1, 160), (2, 1, 160), (1, 2, 72)])
def test_torkance_in_the_rotating_frame(orbitals, dimension, size, follow):
    base, q0 = magnet(orbitals, dimension), 0.6
    sites = np.stack([np.diag(row) for row in np.eye(orbitals)])
    if follow:  # in the rotating frame: uniaxial about n, at rest
        still = magnetic_impurities(2.0, 0.15, 0.5, axis=GENERIC, sites=sites)
        moving = magnetic_impurities(2.0, 0.15, 0.5, axis=GENERIC, sites=sites, follow=True)
    else:
        still = moving = magnetic_impurities(2.0, 0.15, 0.5, axis=(0, 0, 1), sites=sites)
    mesh = ZoneMesh(np.eye(dimension), (size,) * dimension)
    options = {"mesh": mesh, "contour_nodes": 12, "tolerance": 1e-9}

    def torkance(q):
        model = rotating_frame(base, q0 + q)
        return gradient_tensors(model, -0.6, still, texture=False, **options).torkance.total[:, 0]

    k = gradient_tensors(rotating_frame(base, q0), -0.6, moving, **options).texture.total
    turn = np.cross([0, 0, 1], GENERIC)
    # 8e-13 measured in 1D, 3e-12 in 2D (mesh and finite difference).
    np.testing.assert_allclose(k[:, 0, 0] @ turn, derivative(torkance), rtol=0, atol=1e-11)
