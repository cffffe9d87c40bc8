"""Kubo-Bastin response with constant broadening: reference numbers, splits, symmetry, limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from negf_torque.gradient.engine import field_response
from negf_torque.gradient.kubo.clean import (
    chern_number,
    clean_parts,
    clean_response,
    plaquette_flux,
)
from negf_torque.gradient.kubo.models import bulk_model
from negf_torque.gradient.kubo.pair_weights import pair_weights
from negf_torque.gradient.kubo.response import Integration, bulk_response
from negf_torque.gradient.kubo.symmetry import Operation, SymmetryError, find_operations
from negf_torque.gradient.meshing import ConstantBroadening
from negf_torque.gradient.model import BulkModel, bloch, square_rashba
from negf_torque.gradient.observables import (
    current_of,
    spin_observables,
    velocity_observables,
)
from negf_torque.gradient.thermal import thermal_nodes
from negf_torque.lattice.spin_orbit_models import (
    OrbitalMaterial,
    bilayer,
    orbital_metal,
    rashba_magnet,
    two_band_insulator,
)

UNIFORM = Integration(1e-10, "uniform")
METAL = OrbitalMaterial(
    "sp", {"s": -2.0, "p": 3.0},
    {"ss_sigma": -0.8, "sp_sigma": 1.0, "pp_sigma": 1.2, "pp_pi": -0.3}, {"p": 0.6},
)  # fmt: skip


def everything(model):
    """Spins, velocities and spin currents."""
    flows = current_of(model).reshape(-1, *model.hoppings.shape)
    return np.concatenate([spin_observables(model), velocity_observables(model), flows])


def without_coupling(material, exchange=0.0):
    return OrbitalMaterial(material.shells, material.energies, material.bonds, {}, exchange)


# --- reference numbers -------------------------------------------------------------------------


def test_square_rashba_magnet_to_all_digits(agree):
    model = square_rashba(1.0, 0.3, 0.3, (0, 0, 1))
    observables = np.concatenate([spin_observables(model), velocity_observables(model)])
    chi = bulk_response(model, observables, -2.0, 0.1, integration=UNIFORM)
    assert chi.converged
    agree(
        "Spin across and along the field, Hall current of a Rashba magnet, sum over states",
        chi.total[[1, 0, 4], 0],
        [0.130583084, -0.023228842, -0.00158468],
        against="reference value",
        atol=6e-10,
    )
    # at m = z, spin across the force is all surface, spin along it all sea
    np.testing.assert_allclose(chi.sea[1, 0], 0, atol=1e-12)
    np.testing.assert_allclose(chi.surface[0, 0], 0, atol=1e-12)


def test_both_splits_agree_with_green_functions_on_a_contour(agree):  # independent
    model = square_rashba(1.0, 0.5, 0.6, (0.48, 0.6, 0.64))
    observables = everything(model)
    options = {"integration": Integration(mesh=(200, 200))}
    split = bulk_response(model, observables, -1.5, 0.3, split="streda", **options)
    other = bulk_response(model, observables, -1.5, 0.3, **options)
    engine = field_response(model, observables, -1.5, ConstantBroadening(0.3), tolerance=1e-10)
    for what, value, reference in (
        ("Fermi surface part", split.surface, engine.surface_even),
        ("Fermi sea part, by time reversal,", other.sea, engine.sea_odd),
        ("Fermi sea part after Streda", split.streda_sea, engine.sea),
    ):
        agree(
            f"{what} of spin, current and spin current, Rashba magnet",
            value,
            reference,
            against="another route",
            atol=1e-9,
            note="gradient engine, Green's functions on a contour",
        )
    np.testing.assert_allclose(split.total, other.total, rtol=0, atol=1e-13)


def test_adaptive_and_uniform_integration_agree():
    model = square_rashba(1.0, 0.3, 0.3, (0, 0, 1))
    crystal = rashba_magnet(1.0, 0.3, 0.6)
    observables = spin_observables(model)[:2]
    options = {"symmetry": find_operations(model, crystal.basis.represent)}
    a = bulk_response(
        model, observables, -2.0, 0.1, integration=Integration(1e-5, "adaptive"), **options
    )
    b = bulk_response(model, observables, -2.0, 0.1, integration=UNIFORM, **options)
    assert a.converged and a.method == "adaptive"
    assert np.all(np.abs(a.total - b.total) <= a.error + 1e-9)


def test_temperature_is_the_average_over_the_cold_response():
    """Closed forms with polygamma functions against Gauss's rule for -f' at T = 0 weights.

    On a coarse mesh the cold response is not smooth in mu and Gauss's rule shows its own error.
    """
    model = square_rashba(1.0, 0.5, 0.6, (0.48, 0.6, 0.64))
    spins, mesh, temperature = spin_observables(model), Integration(mesh=(150, 150)), 0.05
    x, weights = thermal_nodes(16)
    cold = bulk_response(model, spins, -1.5 + temperature * x, 0.3, integration=mesh)
    warm = bulk_response(model, spins, -1.5, 0.3, temperature, integration=mesh)
    expected = np.tensordot(weights, cold.total, axes=1)
    np.testing.assert_allclose(warm.total, expected, rtol=0, atol=1e-9)


# --- weights -----------------------------------------------------------------------------------


def test_weights_of_close_levels_join_smoothly():
    z = -0.31 + 0.05j
    spacings = np.array([0.02, 0.02 * (1 + 1e-9), 1e-3, 1e-9, 0.0])
    weights = pair_weights(np.stack([np.full(5, -0.3), -0.3 + spacings], axis=-1), z)
    np.testing.assert_allclose(weights.sea[0], weights.sea[1], rtol=1e-7, atol=1e-12)
    # leading order D g^3/(6 pi) ... times the imaginary part of 2 g^3
    g = 1 / (z + 0.3)
    leading = (-spacings[3] * (2 * g**3).imag) / (12 * np.pi)
    np.testing.assert_allclose(weights.sea[3, 0, 1], leading, rtol=1e-6)
    np.testing.assert_allclose(weights.sea[4, 0, 1], 0, atol=1e-15)


@pytest.mark.parametrize("eta", [0.5, 0.05, 1e-4])
def test_thermal_weights_are_averages_of_cold_ones(eta):
    energies, temperature, mu = np.array([-1.0, -0.3, -0.2999, 0.4]), 0.03, -0.31
    x = np.linspace(-40, 40, 2**14 + 1) if eta > 1e-3 else np.linspace(-40, 40, 2**19 + 1)
    weight = 1 / (4 * np.cosh(x / 2) ** 2)
    weight /= weight.sum()
    total = [np.zeros((4, 4))] * 3
    for part in np.array_split(np.arange(len(x)), 64):
        z = mu + temperature * x[part] + 1j * eta
        some = pair_weights(np.broadcast_to(energies, (len(part), 4)), z)
        total = [t + np.tensordot(weight[part], s, axes=1) for t, s in zip(total, some)]  # noqa: B905
    warm = pair_weights(energies, mu + 1j * eta, temperature)
    for expected, found in zip(total, warm, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


# --- symmetry ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "count"), [((0, 0, 1), 8), ((1, 0, 0), 4), ((0.48, 0.6, 0.64), 1)]
)
def test_the_irreducible_zone_gives_the_whole_one(direction, count):
    crystal = rashba_magnet(1.0, 0.3, 0.6)
    model = bulk_model(crystal, direction)
    operations = find_operations(model, crystal.basis.represent)
    assert len(operations) == count
    observables, mesh = everything(model), Integration(mesh=(24, 24))
    whole = bulk_response(model, observables, -1.0, 0.2, split="streda", integration=mesh)
    part = bulk_response(
        model, observables, -1.0, 0.2, split="streda", integration=mesh, symmetry=operations
    )
    assert part.evaluations <= whole.evaluations / max(1, count - 2)
    for name in whole.parts:
        np.testing.assert_allclose(part.parts[name], whole.parts[name], rtol=0, atol=1e-13)


def test_cubic_metals_have_all_operations_and_one_spin_hall_conductivity():
    for lattice in ("simple_cubic", "body_centred_cubic", "face_centred_cubic"):
        crystal = orbital_metal(METAL, lattice)
        assert len(find_operations(bulk_model(crystal), crystal.basis.represent)) == 96
    crystal = orbital_metal(METAL)
    model = bulk_model(crystal)
    symmetry = find_operations(model, crystal.basis.represent)
    flows = current_of(model).reshape(9, *model.hoppings.shape)
    mesh = Integration(mesh=(8, 8, 8))
    whole = bulk_response(model, flows, 0.5, 0.3, integration=mesh)
    part = bulk_response(model, flows, 0.5, 0.3, integration=mesh, symmetry=symmetry)
    np.testing.assert_allclose(part.total, whole.total, rtol=0, atol=1e-13)
    assert part.evaluations <= whole.evaluations / 20
    tensor = part.total.reshape(3, 3, 3)  # spin, flow, force: fully antisymmetric
    levi = np.zeros((3, 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        levi[i, j, k], levi[i, k, j] = 1, -1
    np.testing.assert_allclose(tensor, tensor[2, 0, 1] * levi, rtol=0, atol=1e-13)
    assert abs(tensor[2, 0, 1]) > 1e-2


def test_d_orbitals_turn_with_the_crystal():
    material = OrbitalMaterial(
        "d", {}, {"dd_sigma": -0.5, "dd_pi": 0.3, "dd_delta": -0.05}, {"d": 0.3}
    )
    crystal = orbital_metal(material, "face_centred_cubic")
    assert len(find_operations(bulk_model(crystal), crystal.basis.represent)) == 96


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mass", "chern"), [(1.0, 1), (3.0, 1), (5.0, 0), (-0.7, 0)])
def test_quantised_hall_conductivity_three_ways(agree, mass, chern):
    model = bulk_model(two_band_insulator(mass))
    flow = velocity_observables(model)
    chi = bulk_response(model, flow, 0.0, 0.0, parts="sea", integration=Integration(mesh=(96, 96)))
    flux = plaquette_flux(model, 0.0, (24, 24))
    number = 2 * np.pi * chi.total[0, 1]
    agree(
        f"Hall conductivity of a two-band insulator in e^2/h, mass {mass:g}, Chern number {chern}",
        number,
        float(round(number)),
        against="analytic",
        atol=1e-11,  # mesh error exp(-96 gap) and rounding
        note="a whole number",
    )
    assert abs(round(number)) == chern
    assert abs(flux.sum() / (2 * np.pi) - round(flux.sum() / (2 * np.pi))) < 1e-12
    assert chern_number(model, 0.0, (24, 24)) == -round(number)  # sigma_xy = -C e^2/h


def test_broadening_inside_the_gap_tends_to_the_quantum():
    """In a Chern gap Streda's chi_I is not zero; the surface part vanishes like eta^2."""
    model = bulk_model(two_band_insulator(1.0))
    flow, mesh = velocity_observables(model), Integration(mesh=(64, 64))
    chi = bulk_response(model, flow, 0.1, 1e-4, split="streda", integration=mesh)
    assert abs(abs(2 * np.pi * chi.total[0, 1]) - 1) < 2e-4
    assert np.abs(chi.surface).max() < 1e-7
    half = bulk_response(model, flow, 0.1, 0.05, split="streda", integration=mesh)
    assert abs(half.parts["cross"][0, 1]) > 1e-3


def test_clean_limit_is_the_berry_curvature_sum(agree):  # independent: explicit sum over states
    crystal = orbital_metal(METAL, direction=(0, 0, 1))
    magnet = OrbitalMaterial(METAL.shells, METAL.energies, METAL.bonds, METAL.spin_orbit, 0.9)
    crystal = orbital_metal(magnet)
    model, n = bulk_model(crystal), 6
    chi = bulk_response(
        model, velocity_observables(model), 0.4, 0.0, parts="sea",
        integration=Integration(mesh=(n, n, n)),
    ).total  # fmt: skip
    axis = 2 * np.pi * (np.arange(n) + 0.5) / n
    total = 0.0
    for kx in axis:
        for ky in axis:
            for kz in axis:
                b = bloch(model, np.array([[kx, ky, kz]]))
                e, u = np.linalg.eigh(b.h[0])
                v = u.conj().T @ b.velocity[:, 0] @ u
                for occupied in np.flatnonzero(e < 0.4):
                    for m in range(8):
                        if m != occupied:
                            product = v[0, occupied, m] * v[1, m, occupied]
                            total += 2 * product.imag / (e[occupied] - e[m]) ** 2
    agree(
        "Anomalous Hall conductivity of a clean metal",
        chi[0, 1],
        total / n**3,
        against="another route",
        rtol=1e-10,
        note="explicit sum of the Berry curvature over states",
    )
    assert abs(chi[0, 1]) > 1e-4


@pytest.mark.parametrize("broadening", [0.3, 0.02])
def test_without_coupling_every_spin_orbit_quantity_vanishes(broadening):
    magnet = bulk_model(orbital_metal(without_coupling(METAL, 0.9)), (0.48, 0.6, 0.64))
    metal = bulk_model(orbital_metal(without_coupling(METAL)))
    mesh = Integration(mesh=(6, 6, 6))
    hall = bulk_response(metal, everything(metal), 0.4, broadening, integration=mesh).total
    flow = hall[3:6]
    np.testing.assert_allclose(hall[6:], 0, atol=1e-14 * np.abs(flow).max() / broadening)
    chi = bulk_response(magnet, everything(magnet), 0.4, broadening, integration=mesh)
    scale = np.abs(chi.total).max()
    np.testing.assert_allclose(chi.sea, 0, atol=1e-13 * scale / broadening)
    off_diagonal = chi.total[3:6] * (1 - np.eye(3))
    np.testing.assert_allclose(off_diagonal, 0, atol=1e-13 * scale)
    np.testing.assert_allclose(chi.total[:3], 0, atol=1e-12 * scale)


def test_parity_under_reversal_of_the_magnetisation():
    """Spin and conductivity: surface even, sea odd; spin current: the other way round."""
    n = np.array([0.48, 0.6, 0.64])
    mesh = Integration(mesh=(24, 24))
    results = []
    for sign in (1, -1):
        model = square_rashba(1.0, 0.3, 0.3, sign * n)
        results.append(bulk_response(model, everything(model), -1.0, 0.2, integration=mesh))
    even = [6e-15 * np.abs(results[0].total).max()] * 2
    up, down = results
    for part, sign in (("surface", 1), ("sea", -1)):
        a, b = up.parts[part], down.parts[part]
        np.testing.assert_allclose(a[:5], sign * b[:5], atol=1e-13 + even[0])
        np.testing.assert_allclose(a[5:], -sign * b[5:], atol=1e-13 + even[0])


def test_current_pumped_by_the_moments_is_the_torque_reversed(agree):
    """Onsager: velocity driven by dH/dn at n equals torque driven by F at -n (up to the sign)."""
    n, mesh = np.array([0.48, 0.6, 0.64]), (24, 24)
    up, down = square_rashba(1.0, 0.3, 0.3, n), square_rashba(1.0, 0.3, 0.3, -n)
    torque = bulk_response(up, up.exchange, -1.0, 0.2, integration=Integration(mesh=mesh))
    pumped = pumped_current(down, -1.0, 0.2, mesh)
    agree(
        "Spin-orbit torque of a Rashba magnet",
        torque.total,
        pumped,
        against="another route",
        atol=1e-13,
        note="Onsager: current pumped by the reversed moment",
    )


def pumped_current(model, mu, eta, mesh):
    """chi with the roles exchanged, from Green's functions: <v_j> per d_t n_a, brute force."""
    axis = [2 * np.pi * (np.arange(n) + 0.5) / n for n in mesh]
    k = np.stack([a.ravel() for a in np.meshgrid(*axis, indexing="ij")], axis=-1)
    b = bloch(model, k)
    e, u = np.linalg.eigh(b.h)
    v = u.conj().swapaxes(-1, -2) @ b.velocity @ u
    # H = H_0 + n.O and time reversal turns O into -O: the moment's dH/dn at -n
    o = -(u.conj().swapaxes(-1, -2) @ b.exchange @ u)
    w = pair_weights(e, mu + 1j * eta)
    product = v[None] * o[:, None].swapaxes(-1, -2)  # v_nm O_mn
    surface = np.einsum("ajknm,knm->aj", product.real, w.surface)
    sea = np.einsum("ajknm,knm->aj", product.imag, w.cross + w.sea)
    return -(surface - sea) / len(k)


# --- bad input ---------------------------------------------------------------------------------


def test_zero_broadening_is_told_what_to_set():
    model = square_rashba(1.0, 0.3, 0.3, (0, 0, 1))
    with pytest.raises(ValueError, match="Set broadening > 0"):
        bulk_response(model, spin_observables(model), -2.0, 0.0)
    touching = square_rashba(1.0, 0.3, 0.0, (0, 0, 1))  # bands touch at k = (pi, pi)
    with pytest.raises(ValueError, match="touch at 4 eV.*Set broadening > 0"):
        bulk_response(
            touching, spin_observables(touching), 4.0, 0.0, parts="sea",
            integration=Integration(mesh=(1, 1)),
        )  # fmt: skip


def test_a_hamiltonian_that_is_not_periodic_is_refused():
    good = square_rashba(1.0, 0.3, 0.3, (0, 0, 1))
    moved = good.displacements.copy()
    moved[1:3] *= 0.9
    bad = BulkModel(good.lattice, moved, good.hoppings, good.exchange)
    with pytest.raises(ValueError, match="not periodic.*lattice vectors"):
        bulk_response(bad, spin_observables(bad), -2.0, 0.1)


def test_a_wrong_symmetry_is_refused_by_name():
    model = square_rashba(1.0, 0.3, 0.3, (0, 0, 1))
    mirror = Operation(np.diag([-1.0, 1.0]), np.diag([1j, -1j]) @ [[0, 1], [1, 0]], name="M_x")
    with pytest.raises(SymmetryError, match="does not have operation M_x"):
        bulk_response(model, spin_observables(model), -2.0, 0.1, symmetry=[mirror])
    sixfold = np.array([[0.5, -np.sqrt(0.75)], [np.sqrt(0.75), 0.5]])
    with pytest.raises(SymmetryError, match="does not map the lattice"):
        bulk_response(
            model, spin_observables(model), -2.0, 0.1,
            symmetry=[Operation(sixfold, np.eye(2), name="C_6")],
        )  # fmt: skip


def test_bilayer_reads_layers_and_symmetry():
    ferromagnet = without_coupling(METAL, 1.5)
    slab = bilayer(METAL, 3, ferromagnet, 2)
    model = bulk_model(slab)
    assert model.hoppings.shape == (5, 40, 40)
    assert len(find_operations(model, slab.basis.represent)) == 8
    assert np.array_equal(np.unique(slab.layer), np.arange(5))


@pytest.mark.parametrize("thermal_energy", [0.0, 0.2])
def test_compiled_sums_over_pairs(thermal_energy):  # independent: weights of all pairs, einsum
    rng = np.random.default_rng(3)

    def operators(count):
        a = rng.normal(size=(5, count, 6, 6)) + 1j * rng.normal(size=(5, count, 6, 6))
        return a + a.conj().swapaxes(-1, -2)

    energies, mus = np.sort(rng.normal(size=(5, 6)), axis=1), np.array([-0.5, 0.1, 0.7])
    seen, velocity = operators(4), operators(3)
    found = clean_response(
        energies, seen.swapaxes(1, 2), velocity.swapaxes(1, 2), mus, thermal_energy
    )
    for m, mu in enumerate(mus):
        weights = clean_parts(energies, velocity.swapaxes(0, 1), mu, thermal_energy)
        expected = -np.einsum("pnm,panm,pjmn->paj", weights, seen, velocity).imag
        assert_allclose(found[:, m], expected, rtol=1e-12, atol=1e-12)
