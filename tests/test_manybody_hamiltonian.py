"""Basis and Hamiltonian against Kronecker products, conservation laws and known spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manybody_brute import Brute
from numpy.testing import assert_allclose

from negf_torque.manybody import SpinBasis, hamiltonian, quantum_chain, run_size, sector_sizes
from negf_torque.manybody.hamiltonian import ladder_product


def random_model(seed, spins=(0.5, 1.0), length=4, everything=True, conserve=False):
    rng = np.random.default_rng(seed)
    n = len(spins)
    j = rng.normal(size=n - 1)
    draw = lambda *shape: rng.normal(size=shape) if everything else np.zeros(shape)  # noqa: E731
    field, anisotropy = draw(n, 3), draw(n, 3)
    if conserve:
        field[:, :2] = 0
        anisotropy[:, 1] = anisotropy[:, 0]
    return quantum_chain(
        length,
        sites=rng.choice(length, n, replace=False).tolist(),
        spin=spins,
        hopping=rng.normal() + 2,
        j_sd=rng.normal(size=n),
        j=j,
        jy=j if conserve or not everything else rng.normal(size=n - 1),
        jz=rng.normal(size=n - 1),
        potential=rng.normal(size=length),
        field=field,
        anisotropy=anisotropy,
    )


@given(st.integers(0, 10_000), st.sampled_from([(0.5, 0.5), (1.0, 0.5), (2.5,), (0.5, 1.5)]))
@settings(max_examples=12, deadline=None)
def test_hamiltonian_is_the_sum_of_kronecker_products(seed, spins):  # independent
    model = random_model(seed, spins)
    basis = SpinBasis.of(model.two_s)
    brute = Brute(model)
    h = hamiltonian(model, basis)
    rng = np.random.default_rng(seed + 1)
    psi = rng.normal(size=h.shape) + 1j * rng.normal(size=h.shape)
    assert_allclose(
        brute.vector(basis, h.apply(psi)), brute.h @ brute.vector(basis, psi), atol=1e-12
    )
    flat = h.matrix() @ psi.T.ravel()
    assert_allclose(flat.reshape(h.shape[::-1]).T, h.apply(psi), atol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_bounds_enclose_the_spectrum(seed):  # identity
    model = random_model(seed, (0.5, 1.0, 0.5))
    h = hamiltonian(model, SpinBasis.of(model.two_s))
    energy = np.linalg.eigvalsh(h.matrix().toarray())
    assert h.bounds[0] <= energy[0] and energy[-1] <= h.bounds[1]


def test_total_sz_is_conserved_only_without_transverse_terms():  # identity
    kept = random_model(3, (0.5, 1.0), conserve=True)
    assert kept.conserved == "S_z"
    for model, conserved in ((kept, True), (random_model(3, (0.5, 1.0)), False)):
        h = hamiltonian(model, SpinBasis.of(model.two_s))
        total = np.tile(h.basis.twice_sz, model.length)
        commutator = h.matrix().toarray() * (total[:, None] - total[None, :])
        assert (abs(commutator).max() < 1e-12) == conserved


def test_sectors_of_the_full_space_are_the_sector_bases():  # identity
    sizes = [1, 3, 2]
    whole = SpinBasis.of(sizes)
    for q, count in enumerate(sector_sizes(sizes)):
        part = SpinBasis.of(sizes, [q])
        assert part.size == count == np.sum(whole.twice_sz == 1 + sum(sizes) - 2 * q)
        assert len({part.label(i) for i in range(part.size)}) == part.size
    assert whole.size == 2 * 2 * 4 * 3


def test_find_returns_the_changed_configuration():  # identity
    basis = SpinBasis.of([1, 2, 1], [2, 3])
    to, source, value = ladder_product(basis, {0: 1, 1: -1})
    moved = basis.lowered[source].copy()
    moved[:, 0] += 1
    moved[:, 1] -= 1
    assert_allclose(basis.lowered[to], moved)
    assert_allclose(basis.electron[to], basis.electron[source])
    assert np.all(value > 0)


def test_a_long_chain_has_one_flip_for_each_spin():  # limit
    basis = SpinBasis.of([1] * 500, [1])
    assert basis.size == 501 and basis.n_up == 500
    assert basis.label(500) == "|down; up*500>"
    assert basis.label(499) == "|up; down up*499>"
    assert run_size(400, [1] * 500, [1]).dimension == 501


def test_all_down_is_as_cheap_as_all_up():  # limit
    basis = SpinBasis.of([1] * 300, [301])
    assert basis.size == 1 and basis.label(0) == "|down; down*300>"


def test_sigma_s_coupling_is_half_of_sigma_2s():  # identity
    full = quantum_chain(n_spins=1, spin=2.5)
    half = quantum_chain(n_spins=1, spin=2.5, macrospin_coupling="S")
    assert_allclose(half.coupling, full.coupling / 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"spin": 0.7}, "spin: 0.7"),
        ({"spin": -0.5}, "spin: -0.5"),
        ({"spin": 0}, "spin: 0"),
        ({"spin": 4}, "too large"),
        ({"spin": [0.5, 1]}, "spin: 2 values"),
        ({"sites": [400]}, "400 lies outside"),
        ({"sites": [-1]}, "-1 lies outside"),
        ({"sites": [3, 3]}, "more than one"),
        ({"sites": []}, "not a list of sites"),
        ({"sites": [1.5]}, "not a list of sites"),
        ({"sites": [1, 2], "n_spins": 3}, "disagrees"),
        ({"n_spins": 401}, "do not fit"),
        ({"n_spins": 0}, "n_spins: 0"),
        ({"length": 1}, "length: 1"),
        ({"length": 10.5}, "length: 10.5"),
        ({"hopping": 0}, "hopping: 0"),
        ({"j": [0.1]}, "one for each bond: 4"),
        ({"j_sd": float("nan")}, "not finite"),
        ({"potential": [0.0] * 3}, "one for each site"),
        ({"field": [1, 2]}, "field: .1, 2. is not valid"),
        ({"anisotropy": [[1, 2], [3]]}, "anisotropy: "),
        ({"macrospin_coupling": "3S"}, "not a coupling"),
    ],
)
def test_bad_models_are_refused_with_one_message(arguments, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        quantum_chain(**arguments)
