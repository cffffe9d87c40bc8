"""Vertex corrections with spin-orbit coupling: identities, analytic limits, the engine."""

import numpy as np
import pytest
from kubo_continuum import dirac, fermi_momenta, polar_samples, rashba

from negf_torque.gradient.engine import field_response, gradient_tensors
from negf_torque.gradient.kubo.dressed import dressed_response, surface_response
from negf_torque.gradient.kubo.dressed_sea import sea_response
from negf_torque.gradient.kubo.medium import solve_medium
from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.kubo.scatterers import (
    CoherentPotential,
    Impurity,
    SecondOrder,
    ThirdOrder,
    TMatrix,
    spin_orbit_impurity,
)
from negf_torque.gradient.kubo.symmetry import find_operations
from negf_torque.gradient.ladder import magnetic_impurities
from negf_torque.gradient.model import square_rashba
from negf_torque.gradient.observables import (
    current_of,
    spin_observables,
    velocity_observables,
)
from negf_torque.lattice.spin_orbit_models import OrbitalMaterial, orbital_metal, rashba_magnet
from negf_torque.spin import SIGMA, unit_vector

GENERIC = (0.48, 0.6, 0.64)
STRONG = 2.5 * np.eye(2)
SPECIES = (Impurity(0.3, STRONG),)
THEORIES = {
    "third order": ThirdOrder((Impurity(0.8, 1.2 * np.eye(2)),)),
    "t-matrix": TMatrix(SPECIES),
    "coherent potential": CoherentPotential([(slice(0, 2), [0.7, 0.3], [0 * STRONG, STRONG])]),
}


def everything(model):
    flows = current_of(model).reshape(-1, *model.hoppings.shape)
    return np.concatenate([spin_observables(model), velocity_observables(model), flows])


# --- identities --------------------------------------------------------------------------------


@pytest.mark.parametrize("theory", THEORIES)
def test_ward_identity(theory):
    """Sigma(g) - Sigma(g)^+ = Lambda(g, g^+)[g - g^+] for any causal self-consistent g."""
    model = square_rashba(1.0, 0.5, 0.6, GENERIC)
    result = dressed_response(model, spin_observables(model), -1.0, THEORIES[theory], mesh=(24, 24))
    assert result.errors["charge"] < 1e-10


@pytest.mark.parametrize("direction", [(0, 0, 1), GENERIC])
@pytest.mark.parametrize("theory", THEORIES)
def test_spin_balance_with_scalar_impurities_is_exact(agree, theory, direction):
    """d<sigma_y>/dt = 0: -(alpha_R/t) J^z_y + 2M(n_x s_z - n_z s_x) = 0, beyond Born as well."""
    n, alpha, m = unit_vector(direction), 0.5, 0.6
    model = square_rashba(1.0, alpha, m, n)
    observables = np.concatenate([spin_observables(model), current_of(model)[2, 1:2]])
    chi = dressed_response(
        model, observables, -1.0, THEORIES[theory], tolerance=1e-8, mesh=(160, 160)
    )
    spin, flow = chi.total[:3], chi.total[3]
    assert np.abs(flow).max() > 1e-3
    agree(
        f"Exchange torque in balance with the spin current, {theory}, moment along {direction}",
        2 * m * (n[0] * spin[2] - n[2] * spin[0]),
        alpha * flow,
        against="analytic",
        atol=1e-8,
        note="equation of motion of the spin, exact for scalar impurities",
    )
    bare = chi.bare
    assert np.abs(-alpha * bare[3] + 2 * m * (n[0] * bare[2] - n[2] * bare[0])).max() > 1e-3


def test_weak_impurities_make_all_theories_one():
    """T-matrix, coherent potential and Born differ by higher orders of the potential."""
    model = square_rashba(1.0, 0.5, 0.6, (0, 0, 1))
    spins, results = spin_observables(model), []
    small = 0.05 * np.eye(2)
    # +- potentials have no third cumulant: the difference is of fourth order
    species = (Impurity(0.5, small), Impurity(0.5, -small))
    site = [(slice(0, 2), [0.5, 0.5], [small, -small])]
    for theory in (SecondOrder(species), TMatrix(species), CoherentPotential(site)):
        g = 0.2 - 0.3j * np.diag([1.0, 0.6])
        sigma = theory.self_energy(g, 0 * g)
        for _ in range(40):
            sigma = theory.self_energy(g, sigma)
        results.append((sigma, theory.vertex(g, sigma, False)))
    for sigma, vertex in results[1:]:
        np.testing.assert_allclose(sigma, results[0][0], atol=2 * 0.05**4)
        np.testing.assert_allclose(vertex, results[0][1], atol=2 * 0.05**4)
    assert spins.shape[0] == 3


# --- independent -------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [(0, 0, 1), GENERIC])
def test_born_agrees_with_the_gradient_engine(agree, direction):
    crystal = rashba_magnet(1.0, 0.5, 1.2)
    model = bulk_model(crystal, direction)
    observables = everything(model)
    impurities = magnetic_impurities(1.0, 0.1)
    ours = dressed_response(
        model, observables, -1.5, SecondOrder(impurities.superoperator), tolerance=1e-8,
        symmetry=find_operations(model, crystal.basis.represent),
    )  # fmt: skip
    engine = field_response(model, observables, -1.5, impurities, tolerance=1e-9)
    assert ours.converged
    agree(
        f"Born response with vertex corrections of a Rashba magnet, moment along {direction}",
        ours.total,
        engine.total,
        against="another route",
        atol=2e-8,
        note="gradient engine",
    )
    np.testing.assert_allclose(ours.surface, engine.surface_even, rtol=0, atol=2e-8)
    np.testing.assert_allclose(ours.streda_sea, engine.sea, rtol=0, atol=2e-8)


def test_current_pumped_by_turning_moments_is_the_torque_of_the_reversed_magnet():
    """Onsager: <v_j> per d_t n_b at -n equals <O_b> per F_j at n, all vertex corrections in."""
    n = unit_vector(GENERIC)
    up, down = (square_rashba(1.0, 0.5, 0.6, sign * n) for sign in (1, -1))
    impurities = magnetic_impurities(1.0)
    torque = dressed_response(
        up, up.exchange, -1.5, SecondOrder(impurities.superoperator), tolerance=1e-8
    ).total
    pumped = gradient_tensors(
        down, -1.5, impurities, texture=False, observables=velocity_observables(down),
        tolerance=1e-8,
    ).damping.total  # fmt: skip
    assert np.abs(torque).min() > 1e-3
    np.testing.assert_allclose(pumped.T, torque, rtol=0, atol=2e-8)


def test_symmetry_reduces_the_mesh_and_nothing_else():
    material = OrbitalMaterial(
        "sp", {"s": -2.0, "p": 3.0},
        {"ss_sigma": -0.8, "sp_sigma": 1.0, "pp_sigma": 1.2, "pp_pi": -0.3}, {"p": 0.6},
    )  # fmt: skip
    crystal = orbital_metal(material)
    model = bulk_model(crystal)
    observables = np.concatenate([velocity_observables(model), current_of(model)[2, :2]])
    flows = current_of(model).reshape(9, *model.hoppings.shape)
    theory = TMatrix((spin_orbit_impurity(0.2, "sp", 1.5, {"p": 1.0}),))
    whole = dressed_response(model, observables, 0.5, theory, mesh=(6, 6, 6), tolerance=1e-2)
    part = dressed_response(
        model, np.concatenate([velocity_observables(model), flows]), 0.5, theory, mesh=(6, 6, 6),
        tolerance=1e-2, symmetry=find_operations(model, crystal.basis.represent),
    )  # fmt: skip
    np.testing.assert_allclose(part.ladder[:3], whole.ladder[:3], rtol=0, atol=1e-12)
    np.testing.assert_allclose(part.ladder[9:11], whole.ladder[3:5], rtol=0, atol=1e-12)
    np.testing.assert_allclose(part.total[9:11], whole.total[3:5], rtol=0, atol=1e-12)


# --- analytic limits ---------------------------------------------------------------------------


def continuum(hamiltonian, centres, theory, mu, width, observables, sea=True, top=60.0):
    samples = polar_samples(hamiltonian, centres, width, top, observables)
    medium = solve_medium(samples, theory, mu)
    assert medium.converged
    surface, residuals = surface_response(samples, theory, medium)
    assert max(residuals.values()) < 1e-10
    dressed, bare = surface["ra"] + surface["rr"], surface["bare_ra"] + surface["rr"]
    if sea:
        answer, _, good = sea_response(lambda _: samples, theory, medium, 1e-8)
        assert good
        dressed, bare = dressed + answer[0], bare + answer[1]
    return dressed, bare


def spin_and_spin_hall(v):
    spins = np.broadcast_to(SIGMA[:, None], (3, v.shape[1], 2, 2))
    return np.concatenate([spins, ((v[1] @ SIGMA[2] + SIGMA[2] @ v[1]) / 2)[None]])


def test_rashba_gas_edelstein_and_spin_hall(agree):
    """sigma_y = 2 alpha N_0 tau; spin Hall -1/(4 pi) (e/8 pi) bare, 0 with vertex corrections."""
    alpha, mu, gamma = 0.3, 1.0, 0.01
    theory = SecondOrder(gamma * np.eye(4, dtype=complex))
    dressed, bare = continuum(
        rashba(alpha), fermi_momenta(alpha, 0.0, mu), theory, mu, gamma / 20, spin_and_spin_hall
    )
    tau, n0 = 1 / gamma, 1 / (2 * np.pi)
    agree(
        "Edelstein spin density of the Rashba gas with vertex corrections",
        dressed[1, 0],
        2 * alpha * n0 * tau,
        against="analytic",
        rtol=2e-4,
        note="leading order in the disorder",
    )
    agree(
        "Spin Hall conductivity of the Rashba gas without vertex corrections",
        bare[3, 0],
        -1 / (4 * np.pi),
        against="analytic",
        rtol=3e-4,
        note="e/8 pi; leading order in the disorder",
    )
    assert abs(dressed[3, 0]) < 3e-6


def test_damping_like_torque_of_the_rashba_gas_cancels(agree):
    """chi_(sigma_x, x): bare -alpha M/(2 pi (2 alpha^2 mu + M^2)), nothing with the vertex."""
    alpha, m, mu = 0.3, 0.3, 1.0
    expected = -alpha * m / (2 * np.pi * (2 * alpha**2 * mu + m**2))
    values = []
    for gamma in (0.01, 0.005):
        theory = SecondOrder(gamma * np.eye(4, dtype=complex))
        dressed, bare = continuum(
            rashba(alpha, m), fermi_momenta(alpha, m, mu), theory, mu, gamma / 20,
            spin_and_spin_hall,
        )  # fmt: skip
        values.append((bare[0, 0], dressed[0, 0]))
    limit = 2 * np.array(values[1]) - np.array(values[0])  # linear in gamma
    agree(
        "Damping-like torque of the Rashba gas without vertex corrections",
        limit[0],
        expected,
        against="analytic",
        rtol=2e-3,
        note="extrapolated to weak disorder from two strengths",
    )
    assert abs(limit[1]) < 1e-3 * abs(expected)


def test_with_one_band_occupied_the_damping_like_torque_stays():
    alpha, m, mu, values = 0.3, 0.3, 0.1, []
    for gamma in (0.004, 0.002):
        theory = SecondOrder(gamma * np.eye(4, dtype=complex))
        dressed, _ = continuum(
            rashba(alpha, m), fermi_momenta(alpha, m, mu), theory, mu, gamma / 20,
            spin_and_spin_hall,
        )  # fmt: skip
        values.append(dressed[0, 0])
    assert 2 * values[1] - values[0] > 8e-4  # the clean limit, linear in gamma


def velocities(v):
    return np.stack([SIGMA[0], SIGMA[1]])[:, None]


def test_massive_dirac_side_jump_and_gaussian_skew(agree):
    mass, mu = 0.3, 1.0
    k2 = mu**2 - mass**2
    big = 4 * mass**2 + k2
    expected = -mass / (4 * np.pi * mu) * (1 + 4 * k2 / big + 3 * k2**2 / big**2)
    values = []
    for gamma in (0.01, 0.005, 0.0025):
        theory = SecondOrder(gamma * np.eye(4, dtype=complex))
        dressed, _ = continuum(
            dirac(mass), [np.sqrt(k2)], theory, mu, gamma / 50, velocities, sea=False, top=200.0
        )
        values.append(dressed[0, 1])
    first = [2 * b - a for a, b in zip(values, values[1:], strict=False)]
    agree(
        "Anomalous Hall conductivity of massive Dirac electrons: intrinsic, side jump, skew",
        (4 * first[1] - first[0]) / 3,
        expected,
        against="analytic",
        rtol=1e-5,
        note="extrapolated to weak Gaussian disorder",
    )


def test_massive_dirac_skew_scattering(agree):
    """Third cumulant: -(n V1^3/(n V0^2)^2) K^2 D/(2 pi (4 D^2 + K)^2), odd in the potential."""
    mass, mu = 0.3, 1.0
    k2 = mu**2 - mass**2
    ratios = []
    for gamma in (0.005, 0.0025, 0.00125):
        hall = []
        for potential in (gamma, -gamma):  # c V^2 = gamma, c V^3 = gamma V with c = 1/gamma
            theory = ThirdOrder((Unbound(1 / gamma, potential * np.eye(2)),))
            dressed, _ = continuum(
                dirac(mass), [np.sqrt(k2)], theory, mu, gamma / 50, velocities, sea=False, top=20.0
            )
            hall.append(dressed[0, 1])
        skew = -(gamma**2 / gamma**2) * k2**2 * mass / (2 * np.pi * (4 * mass**2 + k2) ** 2)
        ratios.append((hall[0] - hall[1]) / 2 / skew)
    agree(
        "Skew scattering of massive Dirac electrons, over its closed form",
        2 * ratios[2] - ratios[1],
        1.0,
        against="analytic",
        atol=3e-4,
        note="extrapolated to weak disorder",
    )


class Unbound(Impurity):
    """An impurity density per area, not per cell."""

    def __post_init__(self):
        pass


# --- skew scattering on a lattice --------------------------------------------------------------


def test_spin_orbit_impurities_scale_like_skew_scattering():
    """No coupling in the host: the spin Hall conductivity is extrinsic, its angle is constant."""
    material = OrbitalMaterial(
        "sp", {"s": -2.0, "p": 3.0},
        {"ss_sigma": -0.8, "sp_sigma": 1.0, "pp_sigma": 1.2, "pp_pi": -0.3},
    )  # fmt: skip
    crystal = orbital_metal(material)
    model = bulk_model(crystal)
    symmetry = find_operations(model, crystal.basis.represent)
    flows = current_of(model).reshape(9, *model.hoppings.shape)
    observables = np.concatenate([velocity_observables(model), flows])
    angles = []
    for c in (0.2, 0.1):
        theory = TMatrix((spin_orbit_impurity(c, "sp", 2.0, {"p": 1.5}),))
        chi = dressed_response(
            model, observables, 0.5, theory, symmetry=symmetry, mesh=(14, 14, 14), tolerance=1e-2
        )
        spin_hall = chi.total[3 + 6, 1]  # J^z_x for F along y
        np.testing.assert_allclose(chi.total[3 + 7, 0], -spin_hall, atol=1e-12)
        angles.append(spin_hall / chi.total[1, 1])
    assert abs(angles[0]) > 1e-3
    # constant but for the side jump, linear in c; an angle proportional to c would have halved
    np.testing.assert_allclose(angles[1], angles[0], rtol=0.35)
    still = TMatrix((spin_orbit_impurity(0.2, "sp", 2.0, {}),))
    chi = dressed_response(
        model, observables, 0.5, still, symmetry=symmetry, mesh=(8, 8, 8), tolerance=1e-2
    )
    np.testing.assert_allclose(chi.total[3:], 0, atol=1e-13)
