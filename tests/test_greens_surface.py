"""Lead self-energies: their equation, causality, analytic chains, and Kwant's modes."""

import warnings

import numpy as np
import pytest
from greens_brute import hermitian
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from negf_torque.greens.modes import decimated_self_energy, residual
from negf_torque.greens.surface import lead_self_energy, opposite_leads

SEEDS = st.integers(0, 10**6)


def full(rng, n):
    return rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))


def kwant_sigma(h, v, energy):
    from kwant.physics import modes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stabilised = modes(h - energy * np.eye(len(h)), v.conj().T)[1]
    return stabilised.selfenergy(), stabilised.nmodes


def check(lead, h, v, energy, tolerance=1e-9):
    """The self-energy's equation, causality and the factors of Gamma."""
    batch, n = lead.sigma.shape[:2]
    h, v = np.broadcast_to(h, (batch, n, n)), np.broadcast_to(v, (batch, n, n))
    energy = np.broadcast_to(energy, batch)
    assert residual(h, v, energy, lead.sigma).max() < tolerance
    gamma = 1j * (lead.sigma - lead.sigma.conj().swapaxes(1, 2))
    assert np.linalg.eigvalsh(gamma).min() > -tolerance * max(1, np.abs(lead.sigma).max())
    root = lead.root
    assert_allclose(root, root.conj().swapaxes(1, 2), atol=1e-12)
    size = tolerance * max(1, np.abs(lead.sigma).max())
    assert_allclose(root @ root, gamma, atol=size)
    assert_allclose(lead.source @ lead.source.conj().swapaxes(1, 2), gamma, atol=size)
    assert_allclose(lead.projector @ lead.projector, lead.projector, atol=1e-12)
    assert_array_equal(np.count_nonzero(lead.flux, axis=1), lead.open_channels)


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=5), st.floats(0.01, 3))
def test_chain_is_exact(energies, hopping):  # limit
    x = np.array(energies) / (2 * hopping)
    # within rounding of a band edge: the test below
    assume(np.all(np.abs(1 - x**2) > 1e-14))
    lead = lead_self_energy([[0.0]], [[-hopping]], energies)
    inside = np.abs(x) < 1
    assert_array_equal(lead.open_channels, inside)
    wave = np.where(inside, x - 1j * np.sqrt(np.clip(1 - x**2, 0, None)),
                    x - np.sign(x) * np.sqrt(np.clip(x**2 - 1, 0, None)))
    assert_allclose(lead.sigma[:, 0, 0], hopping * wave, atol=1e-8 * hopping)


@pytest.mark.parametrize("edge", [-2.0, 2.0])
def test_band_edge_of_a_chain_is_closed_and_finite(edge):  # limit
    lead = lead_self_energy([[0.0]], [[1.0]], [edge, np.nextafter(edge, 0), np.nextafter(edge, 9)])
    assert_array_equal(lead.open_channels, 0)
    assert_allclose(lead.sigma[:, 0, 0], edge / 2, atol=1e-7)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(1, 5), st.booleans())
def test_separable_leads(seed, n, shared_vectors):  # independent
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(full(rng, n))[0]
    h = (basis * rng.normal(size=n)) @ basis.conj().T
    hopping = rng.normal(size=n) + 1j * rng.normal(size=n) if shared_vectors else -1.0
    v = (basis * hopping) @ basis.conj().T
    energy = rng.normal(size=6)
    lead = lead_self_energy(h, v, energy)
    check(lead, h, v, energy, 1e-12)
    for b, one in enumerate(energy):
        sigma, count = kwant_sigma(h, v, one)
        assert_allclose(lead.sigma[b], sigma, atol=1e-8)
        assert lead.open_channels[b] == count


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(2, 6), st.integers(0, 3), st.booleans())
def test_general_leads(seed, n, missing, real):  # independent
    rng = np.random.default_rng(seed)
    h, v = hermitian(rng, n), full(rng, n)
    if missing:  # singular hopping, as of cells of several layers
        rank = max(1, n - missing)
        v = full(rng, n)[:, :rank] @ full(rng, n)[:rank]
    if real:
        h, v = h.real, v.real
    energy = 2 * rng.normal(size=5)
    lead = lead_self_energy(h, v, energy)
    check(lead, h, v, energy)
    for b, one in enumerate(energy):
        sigma, count = kwant_sigma(h, v, one)
        # both are as good as the surface Green's function is regular
        size = np.abs(sigma).max() / np.abs(v).max()
        assert_allclose(lead.sigma[b], sigma, atol=1e-8 * (1 + size**2))
        assert lead.open_channels[b] == count


def test_cells_of_many_layers():  # limit: the same chain, cut into longer cells
    for length in (2, 3, 5):
        h = -np.eye(length, k=1) - np.eye(length, k=-1)
        v = np.zeros((length, length))
        v[-1, 0] = -1
        energy = np.array([-2.5, -1.0, 0.0, 0.3, 1.9])
        lead = lead_self_energy(h, v, energy)
        chain = lead_self_energy([[0.0]], [[-1.0]], energy)
        expected = np.zeros((5, length, length), complex)
        expected[:, -1, -1] = chain.sigma[:, 0, 0]
        assert_allclose(lead.sigma, expected, atol=1e-12)
        assert_array_equal(lead.open_channels, chain.open_channels)


def test_modes_of_one_wave_vector_that_move_in_opposite_directions():  # limit
    # bands 2 cos k and -2 cos k cross at E = 0; a rotation hides that they are independent
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(full(rng, 3))[0]
    h = basis @ np.diag([0, 0, 0.1]) @ basis.conj().T
    v = basis @ np.array([[1, 0, 0], [0, -1, 0], [0.2, 0, 0.7]]) @ basis.conj().T
    lead = lead_self_energy(h, v, 0.0)
    check(lead, h, v, 0.0)
    assert lead.open_channels[0] == 3


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(1, 4), st.floats(0.01, 3))
def test_complex_energies(seed, n, height):  # independent
    rng = np.random.default_rng(seed)
    h, v = hermitian(rng, n), full(rng, n)
    energy = rng.normal(size=4) + 1j * height
    for hopping in (v, -np.eye(n)):
        lead = lead_self_energy(h, hopping, energy)
        stack = np.broadcast_to(h, (4, n, n)), np.broadcast_to(hopping, (4, n, n))
        assert_allclose(lead.sigma, decimated_self_energy(*stack, energy), atol=1e-9)
        assert not lead.open_channels.any()


def test_spin_degenerate_leads_are_so_to_the_last_bit():  # identity
    rng = np.random.default_rng(2)
    h, v = np.kron(hermitian(rng, 3), np.eye(2)), np.kron(full(rng, 3), np.eye(2))
    lead = lead_self_energy(h, v, rng.normal(size=4))

    for matrix in (lead.sigma, lead.root):
        assert not matrix[:, ::2, 1::2].any() and not matrix[:, 1::2, ::2].any()
        assert_array_equal(matrix[:, ::2, ::2], matrix[:, 1::2, 1::2])


def test_lead_that_touches_part_of_a_cell():  # independent
    rng = np.random.default_rng(4)
    h, v = hermitian(rng, 4), full(rng, 4)
    v[2:] = 0
    whole, part = lead_self_energy(h, v, [0.3, 1.0]), lead_self_energy(h, v[:2], [0.3, 1.0])
    assert_array_equal(part.sigma, whole.sigma[:, :2, :2])
    assert not whole.sigma[:, 2:].any()
    assert_allclose(part.root @ part.root,
                    1j * (part.sigma - part.sigma.conj().swapaxes(1, 2)), atol=1e-12)


def test_band_edge_of_a_general_lead_is_finite_or_named():  # limit
    # two coupled chains, tilted against each other: edges at the extrema of the bands
    h = np.array([[0, 0.3], [0.3, 0.5]])
    v = np.array([[-1, 0.2], [0.1, -0.7]])
    for k in (0.0, np.pi):
        edges = np.linalg.eigvalsh(h + v * np.exp(1j * k) + v.T * np.exp(-1j * k))
        for edge in edges:
            try:
                lead = lead_self_energy(h, v, edge)
            except ValueError as error:
                assert f"{edge:.12g}" in str(error)
                continue
            assert np.all(np.isfinite(lead.sigma))
            check(lead, h, v, edge, 1e-6)


def test_flat_bands():  # limit
    # dimers across the cells: all bands flat, and the device sees one half of a dimer
    v = [[0, 0], [1, 0]]
    lead = lead_self_energy(np.eye(2), v, 1.3)
    assert_allclose(lead.sigma[0], [[0, 0], [0, 1 / 0.3]], atol=1e-12)
    assert lead.open_channels[0] == 0
    with pytest.raises(ValueError, match="energy: at 2 .*flat band"):
        lead_self_energy(np.eye(2), v, 2.0)


@pytest.mark.parametrize("h, v, name", [
    (np.zeros((2, 3)), np.eye(2), "h"),
    (np.array([[0, 1], [0, 0]]), np.eye(2), "h"),
    (np.eye(2), np.eye(3), "v"),
    (np.eye(2), np.ones((3, 2)), "v"),
])
def test_bad_input_is_refused(h, v, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        lead_self_energy(h, v, 0.0)


@pytest.mark.parametrize("energy", [0.1, 0.1 + 0.05j])
@pytest.mark.parametrize("part", [0, 1])
def test_leads_on_both_sides_from_one_set_of_modes(part, energy):  # independent: one by one
    rng = np.random.default_rng(5)
    h = np.array([hermitian(rng, 6) for _ in range(20)])
    v = -np.eye(6) + 0.4 * np.array([full(rng, 6) for _ in range(20)])
    if not part:
        h, v = h.real, v.real
    v[:, :, 4:] = 0  # modes with lambda = 0 and infinity
    found = opposite_leads(h, v, energy)
    for lead, hopping in zip(found, (v, v.conj().swapaxes(1, 2)), strict=True):
        expected = lead_self_energy(h, hopping, energy)
        assert_allclose(lead.sigma, expected.sigma, rtol=0, atol=1e-10)
        assert_array_equal(lead.open_channels, expected.open_channels)
        gamma = 1j * (lead.sigma - lead.sigma.conj().swapaxes(1, 2))
        if np.isreal(energy):
            assert_allclose(lead.source @ lead.source.conj().swapaxes(1, 2), gamma, atol=1e-9)


def test_opposite_leads_touch_all_orbitals():
    with pytest.raises(ValueError, match="not square"):
        opposite_leads(np.eye(2), np.ones((1, 2)), 0.0)
