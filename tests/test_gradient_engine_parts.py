"""The pieces of the gradient engine: self-energy, ladder, meshes, quadrature, bad input."""

import numpy as np
import pytest
from gradient_engine_routes import GENERIC, two_orbital_model

from negf_torque.gradient.engine import gradient_tensors
from negf_torque.gradient.ladder import (
    ScatteringMap,
    born_map,
    charge_functional,
    magnetic_impurities,
    solve_charge_channel,
    superapply,
)
from negf_torque.gradient.meshing import ConstantBroadening, choose_mesh
from negf_torque.gradient.model import (
    BulkModel,
    ZoneMesh,
    bloch,
    exchange_model,
    harmonics_at,
    square_rashba,
)
from negf_torque.gradient.scba import greens_function, local_greens, pair_matrix, solve_scba
from negf_torque.gradient.thermal import thermal_nodes
from negf_torque.spin import SIGMA, spin_matrix

MESH = ZoneMesh(np.eye(2), (40, 40))


def test_derivatives_of_the_harmonics_are_those_of_h():
    model, k, h = two_orbital_model(), np.array([[0.3, -0.7], [1.9, 0.2]]), 1e-4
    b = bloch(model, k)
    for i, step in enumerate(h * np.eye(2)):
        slope = (bloch(model, k + step).h - bloch(model, k - step).h) / (2 * h)
        np.testing.assert_allclose(b.velocity[i], slope, atol=1e-7)
        slope = (bloch(model, k + step).velocity - bloch(model, k - step).velocity) / (2 * h)
        np.testing.assert_allclose(b.mass[:, i], slope, atol=1e-7)
        slope = (bloch(model, k + step).exchange - bloch(model, k - step).exchange) / (2 * h)
        np.testing.assert_allclose(b.exchange_slope[:, i], slope, atol=1e-7)


def test_born_map_is_the_sum_of_its_impurities():
    rng = np.random.default_rng(1)
    g = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
    direction = np.array(GENERIC)
    n = spin_matrix(direction)
    s = magnetic_impurities(0.7, 0.2, 0.5, axis=GENERIC, follow=True)
    expected = 0.7 * g + 0.2 * sum(a @ g @ a for a in SIGMA) + 0.3 * n @ g @ n
    np.testing.assert_allclose(superapply(s.superoperator, g), expected, atol=1e-14)
    h, turn = 1e-6, np.array((0.1, -0.4, 0.2))
    up = magnetic_impurities(0.7, 0.2, 0.5, axis=direction + h * turn, follow=True)
    down = magnetic_impurities(0.7, 0.2, 0.5, axis=direction - h * turn, follow=True)
    across = turn - direction * (direction @ turn)
    slope = (up.superoperator - down.superoperator) / (2 * h)
    np.testing.assert_allclose(np.tensordot(across, s.derivative, 1), slope, atol=1e-8)


@pytest.mark.parametrize("energy", [-1.5, -4.9, -5.6, -6.4, -9.0, 0.3 + 0.2j, 2.0 + 5.0j])
@pytest.mark.parametrize("strength", [0.05, 2.0])
def test_self_energy_is_causal_and_solves_its_equation(energy, strength):
    model = square_rashba(1.0, 0.5, 0.6, GENERIC)
    s = magnetic_impurities(strength, 0.1 * strength).superoperator
    solution = solve_scba(model, MESH, s, energy)
    assert solution.converged
    g, _ = local_greens(model, MESH, energy, solution.sigma)
    np.testing.assert_allclose(solution.sigma, superapply(s, g), rtol=0, atol=1e-12)
    absorptive = (solution.sigma - solution.sigma.conj().T) / 2j
    assert np.linalg.eigvalsh(absorptive)[-1] < 1e-12


def test_self_energy_outside_the_band_is_real_and_the_limit_from_above():
    model = square_rashba(1.0, 0.5, 0.6, GENERIC)
    s = magnetic_impurities(0.5, 0.05).superoperator
    below, lifted = (solve_scba(model, MESH, s, z).sigma for z in (-8.0, -8.0 + 1e-7j))
    np.testing.assert_allclose(below - below.conj().T, 0, atol=1e-13)
    np.testing.assert_allclose(below, lifted, atol=1e-6)


def test_self_energy_below_the_real_axis_is_refused():
    with pytest.raises(ValueError, match="lower half plane"):
        solve_scba(square_rashba(1, 0.5, 0.6, GENERIC), MESH, np.eye(4), -1.0 - 0.1j)


def test_charge_channel_is_singular_as_conservation_demands():
    model = two_orbital_model()
    s = magnetic_impurities(2.0, 0.1, 0.3, axis=(0.1, 0.5, 0.8), sites=np.eye(2)[None])
    solution = solve_scba(model, MESH, s.superoperator, -0.7)
    k = next(iter(ZoneMesh(np.eye(2), (40, 40), chunk=10**6)))
    g = greens_function(bloch(model, k, derivatives=False).h, -0.7, solution.sigma)
    x = pair_matrix(g, g.conj().swapaxes(-1, -2)) / len(k)
    matrix = np.eye(16) - x @ s.superoperator
    null = solution.g - solution.g.conj().T
    np.testing.assert_allclose(superapply(matrix, null), 0, atol=1e-14)
    rng = np.random.default_rng(2)
    any_source = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    gained = charge_functional(solution.sigma, superapply(matrix, any_source))
    np.testing.assert_allclose(gained, 0, atol=1e-13)  # left null vector
    source = superapply(matrix, any_source)
    answer, residual, conserved = solve_charge_channel(matrix, source, trace=0.25)
    assert residual < 1e-12 and conserved == 0
    np.testing.assert_allclose(answer.trace(), 0.25, atol=1e-12)


@pytest.mark.parametrize("strength", [0.8, 2.0])
def test_chosen_mesh_meets_its_tolerance(strength):
    model, impurities = square_rashba(1.0, 0.5, 0.6, GENERIC), magnetic_impurities(strength)
    results = [
        gradient_tensors(model, -1.5, impurities, tolerance=t, texture=False)
        for t in (1e-5, 1e-9)
    ]
    assert all(r.diagnostics.converged for r in results)
    assert results[0].diagnostics.mesh[0] < results[1].diagnostics.mesh[0]
    for name in ("damping", "torkance"):
        rough, fine = (getattr(r, name).total for r in results)
        np.testing.assert_allclose(rough, fine, rtol=0, atol=1e-5)


def test_an_anisotropic_crystal_gets_an_anisotropic_mesh():
    base = square_rashba(1.0, 0.0, 0.6, (0, 0, 1))
    weak = np.where(base.displacements[:, 1, None, None] != 0, 0.1, 1.0)
    model = BulkModel(base.lattice, base.displacements, base.hoppings * weak, base.exchange)
    choice = choose_mesh(model, magnetic_impurities(0.5), -1.0, 1e-8)
    assert choice.converged
    assert choice.mesh.sizes[1] < 0.5 * choice.mesh.sizes[0]


def test_thermal_nodes_average_a_fermi_window():
    x, w = thermal_nodes(16)
    step = 0.02
    t = np.arange(-40, 40, step)
    exact = np.sum(np.exp(-0.1 * t) / (2 + np.cos(0.3 * t)) / (4 * np.cosh(t / 2) ** 2)) * step
    np.testing.assert_allclose(w @ (np.exp(-0.1 * x) / (2 + np.cos(0.3 * x))), exact, rtol=1e-5)


def test_a_coarse_mesh_marks_the_result():
    model = square_rashba(1.0, 0.5, 0.6, GENERIC)
    result = gradient_tensors(
        model, -1.5, magnetic_impurities(0.3), mesh=ZoneMesh(np.eye(2), (12, 12)), contour_nodes=4
    )
    assert not result.diagnostics.converged
    assert any("mesh" in note for note in result.diagnostics.notes)
    assert result.diagnostics.null_mode < 1e-11  # conservation holds on any mesh


def test_temperature_with_moving_levels_says_what_it_assumes():
    model = square_rashba(1.0, 0.6, 0.6, GENERIC)
    result = gradient_tensors(
        model, -1.5, magnetic_impurities(2.0), 0.02, texture=False, tolerance=1e-6, thermal_order=4
    )
    assert result.diagnostics.converged
    assert any("inelastic" in note for note in result.diagnostics.notes)


def test_a_conserved_spin_is_told_and_does_not_disturb():
    model = square_rashba(1.0, 0.0, 0.6, GENERIC)
    result = gradient_tensors(
        model, -1.5, magnetic_impurities(2.0), mesh=ZoneMesh(np.eye(2), (64, 64)), tolerance=1e-6
    )
    assert result.diagnostics.converged
    assert any("conserved" in note for note in result.diagnostics.notes)
    across = np.eye(3) - np.outer(GENERIC, GENERIC)
    damping = across @ result.damping.total @ across
    np.testing.assert_allclose(damping + damping.T, 0, atol=1e-11)


def test_following_impurities_give_no_damping():
    model = square_rashba(1.0, 0.5, 0.6, GENERIC)
    impurities = magnetic_impurities(1.0, 0.1, 0.3, axis=GENERIC, follow=True)
    result = gradient_tensors(
        model, -1.5, impurities, texture=False, mesh=MESH, contour_nodes=6
    )
    assert result.damping is None


MODEL = square_rashba(1.0, 0.5, 0.6, GENERIC)
GOOD = magnetic_impurities(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradient_tensors(MODEL, 12.0, GOOD), "chemical_potential: 12.0; no states"),
        (lambda: gradient_tensors(MODEL, np.nan, GOOD), "chemical_potential: nan"),
        (lambda: gradient_tensors(MODEL, -1.0, GOOD, -0.1), "thermal_energy: -0.1"),
        (lambda: gradient_tensors(MODEL, -1.0, GOOD, tolerance=0), "tolerance: 0"),
        (lambda: gradient_tensors(MODEL, -1.0, magnetic_impurities(0.0)), "all strengths are zero"),
        (lambda: gradient_tensors(MODEL, -1.0, ScatteringMap(np.eye(16))), "superoperator"),
        (
            lambda: gradient_tensors(MODEL, -1.0, GOOD, observables=np.zeros((1, 2, 2, 2))),
            "observables: shape",
        ),
        (lambda: magnetic_impurities(-0.1), "nonmagnetic: -0.1"),
        (lambda: magnetic_impurities(0.1, -1), "transverse: -1"),
        (lambda: born_map([-1.0], [np.eye(2)]), "strengths"),
        (lambda: born_map([1.0], [[[0, 1], [0, 0]]]), "Hermitian"),
        (lambda: ConstantBroadening(0.0), "eta: 0.0"),
        (
            lambda: exchange_model(np.eye(1), [[0.0], [1.0]], np.ones((2, 2, 2)),
                                   np.zeros((3, 2, 2, 2)), (0, 0, 1)),
            "hoppings: not Hermitian",
        ),
        (lambda: BulkModel(np.ones((2, 2)), MODEL.displacements, MODEL.hoppings, MODEL.exchange),
         "lattice"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_harmonics_sum_to_a_hermitian_matrix():
    h = harmonics_at(MODEL.displacements, MODEL.hoppings, np.array([[0.2, 0.9]]))
    np.testing.assert_allclose(h, h.conj().swapaxes(-1, -2), atol=1e-15)
