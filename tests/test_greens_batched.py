"""The batched engine against whole-matrix inverses, and its exact identities."""

import numba
import numpy as np
import pytest
from greens_brute import hermitian, members, phases_of, random_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from negf_torque.greens.batched import green_local, log_det, solve
from negf_torque.greens.blocks import bond_operators, sparse_blocks, sparse_operators
from negf_torque.greens.surface import lead_self_energy

SIZES = st.lists(st.integers(1, 5), min_size=1, max_size=5)


class Problem:
    """A random batch: chain, phases, leads, operators, potential."""

    def __init__(self, seed, sizes, batch=11):
        rng = np.random.default_rng(seed)
        self.sizes = sizes
        self.blocks = sparse_blocks(*random_chain(rng, sizes))
        self.phases = phases_of(rng.uniform(-np.pi, np.pi, batch))
        self.energy = rng.normal(size=batch)
        self.left = self.lead(rng, sizes[0], 1.2)
        self.right = self.lead(rng, sizes[-1], -0.8)
        self.local = [(layer, hermitian(rng, n)) for layer, n in enumerate(sizes) for _ in "ab"]
        self.current = [[np.eye(n), hermitian(rng, n)] for n in sizes]
        self.potential = rng.normal(size=(len(sizes), batch))
        self.extra = [
            None if n == 2 else -0.3j * np.eye(n) + 0.1 * hermitian(rng, n) for n in sizes
        ]

    def lead(self, rng, n, hopping):
        h = np.array([hermitian(rng, n) / np.sqrt(n) for _ in self.energy])
        return lead_self_energy(h, hopping * np.eye(n), self.energy)

    def solve(self, pick=slice(None), **options):
        def part(lead):
            return type(lead)(*(array[pick] for array in vars(lead).values()))

        return solve(
            self.blocks, self.phases[:, pick], self.energy[pick], part(self.left),
            part(self.right), sparse_operators(self.local), bond_operators(self.current),
            potential=self.potential[:, pick], **options,
        )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), SIZES, st.booleans())
def test_scattering_states_agree_with_whole_matrix_inverses(seed, sizes, dephased):  # independent
    p = Problem(seed, sizes)
    extra = p.extra if dephased else None
    fields = p.solve(self_energy=extra)
    for b, member in enumerate(members(p.blocks, p.phases, p.potential)):
        green = member.green(p.energy[b], p.left.sigma[b], p.right.sigma[b], extra)
        # rounding errors of the reference grow with the Green's function squared
        tolerance = 1e-13 * (1 + np.abs(green).max() ** 2) * 10
        first, last = member.slices[0], member.slices[-1]
        w_left, w_right = p.left.root[b], p.right.root[b]
        expected = {
            "reflection": 1j * w_left @ green[first, first] @ w_left - p.left.projector[b],
            "transmission_amplitude": 1j * w_right @ green[last, first] @ w_left,
            "reflection_right": 1j * w_right @ green[last, last] @ w_right - p.right.projector[b],
            "transmission_amplitude_right": 1j * w_left @ green[first, last] @ w_right,
        }
        for name, value in expected.items():
            assert_allclose(getattr(fields, name)[b], value, atol=tolerance, err_msg=name)
        amplitude = expected["transmission_amplitude"]
        assert_allclose(fields.transmission[b], np.linalg.norm(amplitude) ** 2, atol=tolerance)
        for lead, (where, w) in enumerate([(first, w_left), (last, w_right)]):
            states = green[:, where] @ w
            spectral = states @ states.conj().T
            for o, (layer, matrix) in enumerate(p.local):
                here = member.slices[layer]
                value = np.trace(matrix @ spectral[here, here]).real
                assert_allclose(fields.local[lead, o, b], value, atol=10 * tolerance)
            for bond, v in enumerate(member.couplings):
                here, there = member.slices[bond], member.slices[bond + 1]
                for o, matrix in enumerate(p.current[bond + 1]):
                    value = 2 * np.trace(matrix @ v @ spectral[here, there]).imag
                    assert_allclose(
                        fields.current[lead, bond, o, b], value, atol=100 * tolerance
                    )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), SIZES, st.floats(0.05, 3))
def test_contour_functions_agree_with_whole_matrix_inverses(seed, sizes, height):  # independent
    p = Problem(seed, sizes)
    energy = p.energy + 1j * height
    sigma = p.left.sigma, p.right.sigma
    operators = [(layer, m + 1j * m @ m) for layer, m in p.local]  # not hermitian
    local = green_local(
        p.blocks, p.phases, energy, *sigma, sparse_operators(operators), p.potential, p.extra
    )
    logarithm = log_det(p.blocks, p.phases, energy, *sigma, p.potential, p.extra)
    for b, member in enumerate(members(p.blocks, p.phases, p.potential)):
        green = member.green(energy[b], sigma[0][b], sigma[1][b], p.extra)
        for o, (layer, matrix) in enumerate(operators):
            here = member.slices[layer]
            value = np.trace(matrix @ green[here, here])
            assert_allclose(local[o, b], value, atol=1e-11 * (1 + 1 / height**2))
        # eigenvalues are in the upper half plane: the sum of principal values is continuous
        reference = -np.log(np.linalg.eigvals(green)).sum()
        assert_allclose(logarithm[b], reference, atol=1e-11 * (1 + 1 / height))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), SIZES)
def test_flux_is_conserved_and_the_scattering_matrix_unitary(seed, sizes):  # identity
    p = Problem(seed, sizes)
    fields = p.solve()
    s = np.block([
        [fields.reflection, fields.transmission_amplitude_right],
        [fields.transmission_amplitude, fields.reflection_right],
    ])
    zero = np.zeros((len(p.energy), sizes[0], sizes[-1]))
    projector = np.block([
        [p.left.projector, zero], [zero.swapaxes(1, 2), p.right.projector]
    ])
    assert_allclose(s.conj().swapaxes(1, 2) @ s, projector, atol=1e-9)
    if len(sizes) == 1:
        return
    # charge flows through every bond alike; from the right it flows the other way
    charge = fields.current[:, :, 0]
    for lead, sign in ((0, 1), (1, -1)):
        expected = np.broadcast_to(sign * fields.transmission, charge[lead].shape)
        assert_allclose(charge[lead], expected, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), SIZES)
def test_spectral_functions_of_the_leads_make_up_the_density_of_states(seed, sizes):  # identity
    p = Problem(seed, sizes)
    fields = p.solve()
    operators = sparse_operators(p.local)
    green = green_local(
        p.blocks, p.phases, p.energy, p.left.sigma, p.right.sigma, operators, p.potential
    )
    # A_L + A_R = i (G - G^+); members without open channels have bound states only
    some = p.left.open_channels + p.right.open_channels > 0
    assert_allclose(
        fields.local.sum(0)[:, some], -2 * green.imag[:, some], rtol=1e-8, atol=1e-8
    )


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 9), st.booleans())
def test_layers_that_repeat_and_spins_that_mix_later(seed, orbitals, where, plain):  # independent
    # equal layers and couplings; both spins are independent up to the layer ``where``
    rng = np.random.default_rng(seed)
    unit, z = np.eye(2), np.diag([1.0, -1.0])
    normal = np.kron(hermitian(rng, orbitals), unit)
    magnet = normal + np.kron(np.eye(orbitals), z)
    tilted = normal + np.kron(np.eye(orbitals), np.array([[0.3, 0.5j], [-0.5j, -0.2]]))
    layers = [normal, normal, magnet, magnet, normal, normal, normal, normal, magnet, normal]
    layers[where] = tilted
    hop = -np.eye(orbitals) if plain else hermitian(rng, orbitals)
    v = np.kron(hop, unit)
    blocks = sparse_blocks([h[None] for h in layers], [v[None]] * 9)
    energy = rng.normal(size=3)
    left = lead_self_energy(normal, v, energy)
    right = lead_self_energy(normal, v.conj().T, energy)
    local = [(layer, np.kron(hermitian(rng, orbitals), s)) for layer in range(10)
             for s in (unit, z, np.array([[0, 1], [1, 0]]))]
    operators = sparse_operators(local)
    fields = solve(blocks, np.ones((1, 3)), energy, left, right, operators,
                   bond_operators([[np.kron(np.eye(orbitals), s) for s in (unit, z)]] * 10))
    sea = green_local(blocks, np.ones((1, 3)), energy, left.sigma, right.sigma, operators)
    for b, member in enumerate(members(blocks, np.ones((1, 3)))):
        green = member.green(energy[b], left.sigma[b], right.sigma[b])
        tolerance = 1e-12 * (1 + np.abs(green).max() ** 2) * 10
        ends = member.slices[0], member.slices[-1]
        states = [green[:, end] @ lead.root[b] for end, lead in zip(ends, (left, right),
                                                                    strict=True)]
        w = left.root[b]
        assert_allclose(fields.reflection[b], 1j * w @ states[0][ends[0]] - left.projector[b],
                        atol=tolerance)
        assert_allclose(fields.transmission_amplitude[b],
                        1j * right.root[b] @ states[0][ends[1]], atol=tolerance)
        for o, (layer, matrix) in enumerate(local):
            here = member.slices[layer]
            assert_allclose(sea[o, b], np.trace(matrix @ green[here, here]), atol=10 * tolerance)
            for lead, psi in enumerate(states):
                value = np.trace(matrix @ psi[here] @ psi[here].conj().T).real
                assert_allclose(fields.local[lead, o, b], value, atol=10 * tolerance)
    charge = fields.current[:, :, 0]
    assert_allclose(charge[0], np.broadcast_to(fields.transmission, charge[0].shape), atol=1e-9)


@pytest.mark.parametrize("n", [3, 7, 8, 16, 21])
def test_layers_that_need_row_exchanges(n):  # independent
    # nothing on the diagonals at this energy: elimination must exchange rows in all layers
    rng = np.random.default_rng(n)
    hollow = hermitian(rng, n)
    hollow[np.diag_indices(n)] = 0
    hollow[:2, :2] = 0
    blocks = sparse_blocks([hollow[None]] * 4, [1e-4 * np.eye(n)[None]] * 3)
    lead = lead_self_energy(np.zeros((n, n)), np.eye(n), np.zeros(9))
    weak = type(lead)(1e-6 * lead.sigma, lead.vectors, 1e-3 * lead.flux, lead.open_channels)
    operators = [(layer, hermitian(rng, n)) for layer in range(4)]
    fields = solve(blocks, np.ones((1, 9)), np.zeros(9), weak, lead, sparse_operators(operators))
    member = next(members(blocks, np.ones((1, 1))))
    green = member.green(0.0, weak.sigma[0], lead.sigma[0])
    for p, (one, end) in enumerate([(weak, 0), (lead, -1)]):
        psi = green[:, member.slices[end]] @ one.root[0]
        for o, (layer, matrix) in enumerate(operators):
            part = psi[member.slices[layer]]
            value = np.trace(matrix @ part @ part.conj().T).real
            assert_allclose(fields.local[p, o], value, rtol=1e-9, atol=1e-30)


@pytest.mark.parametrize("sizes", [[1, 1], [2, 2, 2], [3, 1, 4]])
def test_a_member_does_not_depend_on_its_company(sizes):  # identity, bit for bit
    p = Problem(5, sizes, batch=37)
    whole = vars(p.solve())
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(37)
    for pick in (shuffled, slice(0, 1), slice(3, 20), shuffled[:9]):
        for name, value in vars(p.solve(pick)).items():
            axis = 0 if name.startswith(("refl", "transmission")) else -1
            expected = np.take(whole[name], np.arange(37)[pick], axis)
            assert_array_equal(value, expected, err_msg=name)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one processor")
def test_threads_do_not_change_a_bit():  # identity, bit for bit
    p = Problem(9, [2, 3, 1], batch=301)
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(vars(p.solve()))
    finally:
        numba.set_num_threads(before)
    for name, value in results[0].items():
        assert_array_equal(value, results[1][name], err_msg=name)


@settings(deadline=None)
@given(st.floats(-1.9, 1.9), st.floats(-3, 3))
def test_chain_step_has_the_textbook_reflection(energy, step):  # limit
    def wave(distance):
        # E = -2 cos k: e^{ik} of the wave that leaves to the right
        x = -distance / 2
        return x + 1j * np.sqrt(1 - x**2) if abs(x) < 1 else x - np.sign(x) * np.sqrt(x**2 - 1)

    eik, eiq = wave(energy), wave(energy - step)
    expected = (eik - eiq) / (eiq - 1 / eik)
    chain = sparse_blocks([np.zeros((1, 1, 1))] * 2 + [np.full((1, 1, 1), step)],
                          [np.full((1, 1, 1), -1.0)] * 2)
    left = lead_self_energy([[0.0]], [[-1.0]], energy)
    right = lead_self_energy([[step]], [[-1.0]], energy)
    fields = solve(chain, [[1.0]], energy, left, right)
    # amplitudes of the engine refer to layer 0; the last normal site is layer 1
    assert_allclose(fields.reflection[0, 0, 0], expected * eik**2, atol=1e-8)


@settings(deadline=None)
@given(st.floats(0, 1e-4), st.floats(0.1, 2), st.booleans())
def test_levels_of_a_part_that_is_cut_off_do_no_harm(detuning, tail, crossed):  # independent
    # the left lead is closed; the first layers alone have a level at the energy
    rng = np.random.default_rng(3)
    onsite = [np.zeros((1, 2, 2)), hermitian(rng, 2)[None], hermitian(rng, 2)[None]]
    onsite[0][0] = np.array([[0, 0.1], [0.1, 0]]) if crossed else np.diag([detuning, 0.3])
    blocks = sparse_blocks(onsite, [hermitian(rng, 2)[None], hermitian(rng, 2)[None]])
    left = lead_self_energy(np.zeros((2, 2)), tail * 1e-3 * np.eye(2), 0.1 * crossed)
    left = type(left)(0 * left.sigma, 0 * left.vectors, 0 * left.flux, 0 * left.open_channels)
    right = lead_self_energy(np.zeros((2, 2)), np.eye(2), 0.1 * crossed)
    operators = [(layer, np.diag([1.0, 2.0])) for layer in range(3)]
    fields = solve(blocks, np.ones((1, 1)), 0.1 * crossed, left, right,
                   sparse_operators(operators))
    member = next(members(blocks, np.ones((1, 1))))
    green = member.green(0.1 * crossed, 0 * left.sigma[0], right.sigma[0])
    states = green[:, member.slices[-1]] @ right.root[0]
    for o, (layer, matrix) in enumerate(operators):
        psi = states[member.slices[layer]]
        assert_allclose(fields.local[1, o, 0], np.trace(matrix @ psi @ psi.conj().T).real,
                        atol=1e-10)
    w = right.root[0]
    r = 1j * w @ states[member.slices[-1]] - np.eye(2)
    assert_allclose(fields.reflection_right[0], r, atol=1e-10)


def test_closed_leads_give_zeros():  # limit
    chain = sparse_blocks([np.zeros((1, 2, 2))] * 3, [-np.eye(2)[None]] * 2)
    lead = lead_self_energy(np.zeros((2, 2)), -np.eye(2), [3.0, 5.0])
    fields = solve(chain, np.ones((1, 2)), [3.0, 5.0], lead, lead,
                   sparse_operators([(1, np.eye(2))]))
    assert not any(np.any(value) for value in vars(fields).values())


def test_bad_input_is_refused():
    chain = sparse_blocks([np.zeros((1, 2, 2))] * 2, [-np.eye(2)[None]])
    lead = lead_self_energy(np.zeros((2, 2)), -np.eye(2), [0.1])
    good = dict(blocks=chain, phases=np.ones((1, 1)), energy=0.1, left=lead, right=lead)
    for change, message in [
        ({"phases": np.ones((2, 1))}, "phases"),
        ({"energy": 0.1j}, "energy"),
        ({"energy": [0.1, 0.2]}, "energy"),
        ({"left": lead_self_energy([[0.0]], [[1.0]], 0.1)}, "left"),
        ({"operators": sparse_operators([(2, np.eye(2))])}, "operators"),
        ({"operators": sparse_operators([(0, np.eye(3))])}, "operators"),
        ({"operators": sparse_operators([(0, 1j * np.eye(2))])}, "hermitian"),
        ({"current_operators": sparse_operators([(0, np.eye(2))])}, "current_operators"),
        ({"self_energy": [np.eye(3), None]}, "self_energy"),
    ]:
        with pytest.raises(ValueError, match=message):
            solve(**{**good, **change})
    with pytest.raises(ValueError, match="coupling"):
        sparse_blocks([np.zeros((1, 2, 2))] * 2, [])
    with pytest.raises(ValueError, match=r"onsite\[1\]"):
        sparse_blocks([np.zeros((1, 2, 2)), np.zeros((2, 2, 2))], [np.zeros((1, 2, 2))])
    with pytest.raises(ValueError, match="finite"):
        sparse_blocks([np.full((1, 1, 1), np.nan)], [])
