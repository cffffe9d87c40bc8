"""The engine for large layers: against the batched one, exact identities, and Kwant."""

import numpy as np
import pytest
from greens_brute import hermitian, members, phases_of, random_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.greens import batched, recursive
from negf_torque.greens.blocks import bond_operators, sparse_blocks, sparse_operators
from negf_torque.greens.surface import lead_self_energy

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=5)


class Problem:
    """A random chain at one momentum; ``copies`` independent, unequal copies of it."""

    def __init__(self, seed, sizes, copies=1):
        rng = np.random.default_rng(seed)
        onsite, coupling = random_chain(rng, sizes)
        factors = np.diag(1 + 0.3 * np.arange(copies))
        onsite = [np.kron(h, factors) for h in onsite]
        coupling = [np.kron(v, factors) for v in coupling]
        self.sizes = [n * copies for n in sizes]
        self.blocks = sparse_blocks(onsite, coupling)
        self.phases = phases_of(rng.uniform(-np.pi, np.pi, 1))
        self.energy = rng.normal()
        self.left = self.lead(rng, sizes[0], factors, 1.2)
        self.right = self.lead(rng, sizes[-1], factors, -0.8)
        self.potential = rng.normal(size=(len(sizes), 1))
        self.extra = [None if n % 2 else -0.2j * np.eye(n) for n in self.sizes]
        self.operators = sparse_operators(
            [(layer, hermitian(rng, n)) for layer, n in enumerate(self.sizes) for _ in "ab"]
        )
        self.bonds = bond_operators([[np.eye(n), hermitian(rng, n)] for n in self.sizes])

    def lead(self, rng, n, factors, hopping):
        h = np.kron(hermitian(rng, n) / np.sqrt(n), factors)
        return lead_self_energy(h, hopping * np.eye(len(h)), [self.energy])

    def states(self, dephased=False):
        return recursive.scattering_states(
            self.blocks, self.phases[:, 0], self.energy, self.left, self.right,
            self.potential[:, 0], self.extra if dephased else None,
        )


def embedded(lead_out, amplitude, lead_in):
    out, into = (lead.vectors[0][:, : lead.open_channels[0]] for lead in (lead_out, lead_in))
    return out @ amplitude @ into.conj().T


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), SIZES, st.integers(1, 3), st.booleans())
def test_both_engines_agree(seed, sizes, copies, dephased):  # independent
    p = Problem(seed, sizes, copies)
    states = p.states(dephased)
    fields = batched.solve(
        p.blocks, p.phases, p.energy, p.left, p.right, p.operators, p.bonds, p.potential,
        p.extra if dephased else None,
    )
    # a level close to the energy makes both sensitive alike
    size = 1 + np.abs(fields.local).max(initial=0)
    tolerance = 1e-11 * size
    for value, expected in [
        (states.transmission, fields.transmission[0]),
        (states.local(p.operators), fields.local[:, :, 0]),
        (states.current(p.bonds), fields.current.reshape(2, -1)),
        (embedded(p.left, states.reflection, p.left), fields.reflection[0]),
        (embedded(p.right, states.transmission_amplitude, p.left),
         fields.transmission_amplitude[0]),
        (embedded(p.right, states.reflection_right, p.right), fields.reflection_right[0]),
        (embedded(p.left, states.transmission_amplitude_right, p.right),
         fields.transmission_amplitude_right[0]),
    ]:
        assert_allclose(value, expected, atol=tolerance)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), SIZES)
def test_states_are_columns_of_the_whole_inverse(seed, sizes):  # independent
    p = Problem(seed, sizes)
    states = p.states()
    member = next(members(p.blocks, p.phases, p.potential))
    green = member.green(p.energy, p.left.sigma[0], p.right.sigma[0])
    tolerance = 1e-12 * (1 + np.abs(green).max()) ** 2
    for lead, source, end in ((0, p.left, 0), (1, p.right, -1)):
        expected = green[:, member.slices[end]] @ source.source[0][:, : source.open_channels[0]]
        for here, psi in zip(member.slices, states.psi[lead], strict=True):
            assert_allclose(psi, expected[here], atol=tolerance)


def test_parts_that_do_not_couple_are_found():
    p = Problem(3, [2, 3, 1], copies=3)
    parts = recursive._Parts(p.blocks, p.phases[:, 0], {})
    assert parts.count == 3
    for c in range(3):
        assert [len(layer) for layer in parts.orbitals(c)] == [2, 3, 1]
    assert recursive._Parts(p.blocks, p.phases[:, 0], {0: np.ones((6, 6))}).count == 1


def test_levels_of_a_part_that_is_cut_off_do_no_harm():  # independent
    rng = np.random.default_rng(8)
    blocks = sparse_blocks(
        [np.zeros((1, 3, 3)), hermitian(rng, 3)[None], hermitian(rng, 3)[None]],
        [np.eye(3)[None], hermitian(rng, 3)[None]],
    )
    closed = lead_self_energy(np.zeros((3, 3)), 0 * np.eye(3), 0.0)
    right = lead_self_energy(np.zeros((3, 3)), np.eye(3), 0.0)
    states = recursive.scattering_states(blocks, [1.0], 0.0, closed, right)
    member = next(members(blocks, np.ones((1, 1))))
    green = member.green(0.0, closed.sigma[0], right.sigma[0])
    expected = green[:, member.slices[-1]] @ right.source[0]
    assert_allclose(np.concatenate(states.psi[1]), expected, atol=1e-12)


def test_bad_input_is_refused():
    p = Problem(1, [2, 2])
    good = dict(blocks=p.blocks, phases=p.phases[:, 0], energy=0.1, left=p.left, right=p.right)
    for change, name in [
        ({"phases": np.ones((3, 2))}, "phases"),
        ({"left": lead_self_energy([[0.0]], [[1.0]], 0.1)}, "left"),
        ({"potential": np.zeros(3)}, "potential"),
    ]:
        with pytest.raises(ValueError, match=name):
            recursive.scattering_states(**{**good, **change})
