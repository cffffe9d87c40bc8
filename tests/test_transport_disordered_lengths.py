"""Mean free path, spin decay and resistivity of disordered conductors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq

from negf_torque.disorder.impurities import MagneticImpurities, NonmagneticImpurities
from negf_torque.lattice.layers import layer_chain
from negf_torque.lattice.stack import Layer, Lead, build_stack
from negf_torque.transport.disordered import disordered_response
from negf_torque.transport.disordered_device import zone_mesh
from negf_torque.transport.disordered_lengths import (
    fit_decay,
    mean_free_path,
    resistivity,
    spin_diffusion_length,
    transverse_decay,
)

SCALAR, MAGNETIC = 0.6, 0.006
KINDS = [
    NonmagneticImpurities(1.0, np.sqrt(SCALAR), "symmetric"),
    MagneticImpurities(1.0, np.sqrt(3 * MAGNETIC)),
]


def wave_vectors(energy, sigma, mesh):
    """Complex wave vectors of all channels of a cubic lattice with self-energy sigma."""
    chain = layer_chain(build_stack([Layer(1)]))
    k, weights = zone_mesh(chain, mesh)
    level = energy - sigma + 2 * np.cos(k).sum(axis=1)
    q = np.arccos(-level / 2)
    return np.where(q.imag < 0, -q, q), weights


def pair(kappa, q_one, q_two, weights):
    """sum_x G_one(x) G_two(x)* exp(kappa x), G(x) = exp(i q |x|)/(2 i sin q), over channels."""
    factor = 1j * (q_one - q_two.conj())
    amplitude = 1 / (2j * np.sin(q_one)) / (-2j * np.sin(q_two.conj()))
    total = np.sinh(-factor) / (np.cosh(-factor) - np.cosh(kappa))
    return np.sum(weights * amplitude * total)


def test_spin_diffuses_as_the_ladder_of_the_bulk_says(agree):  # independent: closed-form ladder
    """1 = (gamma_n - gamma_m) X(kappa): root of the infinite crystal's vertex equation."""
    energy, mesh = -1.7, 8
    chain = layer_chain(build_stack([Layer(80)], Lead(onsite=0.5, exchange=1.5, name="polariser")))
    response = disordered_response(chain, energy, KINDS, mesh=mesh, lead_impurities=((), KINDS))
    sigma = response.self_energy[60][0, 0]
    q, weights = wave_vectors(energy, sigma, mesh)
    # charge: the Ward identity of the bulk, as far as Sigma is the bulk's
    assert_allclose((SCALAR + 3 * MAGNETIC) * pair(0.0, q, q, weights), 1, atol=1e-6)
    kappa = brentq(
        lambda x: ((SCALAR - MAGNETIC) * pair(x, q, q, weights)).real - 1,
        1e-3,
        1.9 * q.imag.min(),
    )
    found = spin_diffusion_length(response, 30, 45, (0, 0, 1))
    # the far end's electrode takes the spin: exp(-2 (80 - 45) kappa)
    agree(
        "Spin-diffusion length of a normal metal with magnetic impurities",
        found.length,
        1 / kappa,
        against="analytic",
        rtol=5e-3,
        note="vertex equation of the infinite crystal",
    )


def test_spin_diffuses_in_a_magnet_beside_its_equilibrium_polarisation(agree):  # independent
    """Second root of det(1 - Lambda X(kappa)) for both spins; the first is charge, kappa = 0."""
    energy, mesh, split = -1.7, 8, 0.6
    chain = layer_chain(build_stack([Layer(80, exchange=split)], Lead(onsite=0.5)))
    response = disordered_response(chain, energy, KINDS, mesh=mesh)
    sigma = response.self_energy[50]
    (up, weights), (down, _) = (
        wave_vectors(energy + s * split / 2, sigma[n, n], mesh) for n, s in ((0, 1), (1, -1))
    )
    local = SCALAR * np.eye(2) + MAGNETIC * np.array([[1, 2], [2, 1]])

    def determinant(kappa):
        pairs = np.diag([pair(kappa, q, q, weights) for q in (up, down)])
        return np.linalg.det(np.eye(2) - local @ pairs).real

    assert abs(determinant(0.0)) < 1e-4
    kappa = brentq(determinant, 0.05, 1.5 * min(up.imag.min(), down.imag.min()))
    # both interfaces make an accumulation; ballistic electrons reach about as far, 1/(2 Im q)
    found = spin_diffusion_length(response, 22, 58, (0, 0, 1))
    agree(
        "Spin-diffusion length of a ferromagnet with magnetic impurities",
        found.length,
        1 / kappa,
        against="analytic",
        rtol=1e-2,
        note="vertex equation of the infinite crystal",
    )


def test_unscattered_current_decays_with_the_imaginary_wave_vectors(agree):  # limit: chain
    energy = -0.7
    chain = layer_chain(build_stack([Layer(30)], cross_section="chain"))
    response = disordered_response(
        chain,
        energy,
        [NonmagneticImpurities(1.0, 0.4, "symmetric")],
        lead_impurities=((), [NonmagneticImpurities(1.0, 0.4, "symmetric")]),
    )
    sigma = response.self_energy[25][0, 0]
    q = np.arccos(-(energy - sigma) / 2)
    found = mean_free_path(response, 8, 20)
    # Sigma is not yet uniform to more digits so close to the leads
    agree(
        "Mean free path of a disordered chain",
        found.length,
        1 / (2 * abs(q.imag)),
        against="analytic",
        rtol=1e-3,
        note="imaginary wave vector",
    )


def test_transverse_spin_precesses_and_decays(agree):  # limit: chain, difference of wave vectors
    """Without vertex the transverse spin is exp(i (q_up - q_dn*) x) exactly."""
    energy = -0.3
    chain = layer_chain(
        build_stack(
            [Layer(130, exchange=0.3)],
            Lead(onsite=0.5, exchange=1.5, direction=(1, 0, 0), name="polariser"),
            Lead(exchange=0.3),
            cross_section="chain",
        )
    )
    kinds = [NonmagneticImpurities(1.0, 0.4, "symmetric")]
    response = disordered_response(chain, energy, kinds, vertex=False, lead_impurities=((), kinds))
    sigma = response.self_energy[120]
    up, down = (
        np.arccos(-(energy - s - level) / 2)
        for s, level in ((sigma[0, 0], -0.15), (sigma[1, 1], 0.15))
    )
    up, down = (np.where(q.imag < 0, -q, q) for q in (up, down))
    found = transverse_decay(response, 100, 125, (0, 0, 1))
    agree(
        "Decay and precession of transverse spin in a disordered ferromagnetic chain",
        [1 / found.length, abs(found.wave_number)],
        [(up + down).imag, abs((up - down).real)],
        against="analytic",
        rtol=1e-3,
        note="complex wave vectors of both spins",
    )


def test_resistance_becomes_ohmic():
    lengths, energy, mesh = (6, 12, 18, 24), -1.7, 8
    conductances = [
        disordered_response(
            layer_chain(build_stack([Layer(n)])), energy, KINDS, mesh=mesh
        ).conductance
        for n in lengths
    ]
    found = resistivity(lengths, conductances)
    assert found.residual < 1e-6
    assert found.crossover > 0
    # the shortest is still ballistic in part
    ohmic = found.contact + 6 * found.per_layer
    assert 1e-6 < abs(1 / conductances[0] / ohmic - 1) < 1e-2
    assert_allclose(found.conductivity, 1 / (2 * np.pi * found.per_layer))


@pytest.mark.parametrize(
    "call",
    [
        lambda: fit_decay([1.0, 2.0]),
        lambda: fit_decay(np.zeros(5)),
        lambda: resistivity([1, 2], [1, 1]),
        lambda: resistivity([1, 3, 2], [1, 1, 1]),
    ],
)
def test_nothing_to_fit(call):
    with pytest.raises(ValueError, match=r"^(profile|lengths): "):
        call()
