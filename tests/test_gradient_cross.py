"""The general engine, which knows no formula, against the formulas of one and several orbitals."""

import numpy as np
import pytest

from negf_torque.gradient.born import ImpurityStrengths
from negf_torque.gradient.coefficients import coefficients
from negf_torque.gradient.crystal import Crystal
from negf_torque.gradient.engine import gradient_tensors
from negf_torque.gradient.ladder import ScatteringMap, born_map, magnetic_impurities
from negf_torque.gradient.lattice_bands import square
from negf_torque.gradient.model import exchange_model
from negf_torque.gradient.multiorbital import crystal_coefficients
from negf_torque.spin import SIGMA

ROOT = np.sqrt(3) / 4


def spinful(crystal: Crystal):
    """The same crystal for the engine: orbital x spin, n = z."""
    origin = np.zeros((1, crystal.dimension))
    displacements = np.concatenate([origin, crystal.displacements])
    n = crystal.orbitals
    hoppings = np.zeros((len(displacements), 2 * n, 2 * n), complex)
    hoppings[1:] = [np.kron(h, np.eye(2)) for h in crystal.hoppings]
    exchange = np.zeros((3, len(displacements), 2 * n, 2 * n), complex)
    exchange[:, 0] = [-np.kron(np.diag(crystal.half_splitting), s) for s in SIGMA]
    return exchange_model(crystal.lattice, displacements, hoppings, exchange, (0, 0, 1))


def formula_and_engine(c, tensors, axis):
    k = tensors.texture.total
    pairs = [
        (c.adiabatic, k[0, 0, 0, 1]), (c.adiabatic, -k[1, 0, 0, 0]),
        (c.nonadiabatic, k[0, 0, 0, 0]), (c.nonadiabatic, k[1, 0, 0, 1]),
    ]
    if axis == "fixed":
        g = tensors.damping.total
        pairs += [
            (c.damping, g[0, 0]), (c.damping, g[1, 1]), (c.spin_renormalisation, g[0, 1]),
            (c.spin_renormalisation, -g[1, 0]),
        ]
    return np.array(pairs).T


@pytest.mark.parametrize("axis", ["fixed", "following"])
def test_one_band_with_uniaxial_moments(axis, agree):
    strengths = ImpurityStrengths(0.9, 0.05, 0.15)
    steps = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], float)
    crystal = Crystal(np.eye(2), steps, -np.ones((4, 1, 1)), np.array([0.6]))
    c = coefficients(square(), -1.5, 0.6, strengths, axis=axis)
    impurities = magnetic_impurities(0.9, 0.15, 0.05, follow=axis == "following")
    tensors = gradient_tensors(spinful(crystal), -1.5, impurities, tolerance=1e-8)
    formula, engine = formula_and_engine(c, tensors, axis)
    agree(
        f"All coefficients, square lattice, uniaxial moments ({axis})",
        engine, formula, against="another route", atol=1e-7, note="gradient engine, formula",
    )


def test_two_orbitals_with_their_own_disorder(agree):
    x, y = np.array([[-0.25, ROOT], [ROOT, -0.75]]), np.array([[-0.25, -ROOT], [-ROOT, -0.75]])
    steps = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]], float)
    levels = np.diag([-0.3, 0.2])
    crystal = Crystal(np.eye(2), steps, np.array([levels, x, x, y, y]), np.array([0.8, 0.5]))
    gi, gz, gp = np.array([1.2, 0.9]), np.array([0.1, 0.06]), np.array([0.04, 0.12])
    c = crystal_coefficients(crystal, -0.7, ImpurityStrengths(gi, gz, gp), tolerance=1e-9)
    # independent potentials on both orbitals
    operators, weights = [], []
    for orbital in range(2):
        site = np.zeros((2, 2))
        site[orbital, orbital] = 1
        for weight, spin in zip(
            (gi, gp, gp, gz), (np.eye(2), *SIGMA), strict=True
        ):
            operators.append(np.kron(site, spin))
            weights.append(weight[orbital])
    impurities = ScatteringMap(born_map(weights, operators))
    tensors = gradient_tensors(spinful(crystal), -0.7, impurities, tolerance=1e-8)
    formula, engine = formula_and_engine(c, tensors, "fixed")
    agree(
        "All coefficients, two orbitals",
        engine, formula, against="another route", atol=2e-7, note="gradient engine, formula",
    )
