"""Both engines against Kwant's scattering matrix, wave functions and operators."""

import warnings

import numpy as np
import pytest
from greens_brute import hermitian
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.greens import batched, recursive
from negf_torque.greens.blocks import bond_operators, sparse_blocks, sparse_operators
from negf_torque.greens.surface import lead_self_energy
from negf_torque.spin import PAULI

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kwant


def full(rng, n):
    return rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))


class Wire:
    """A random wire of ``width`` sites and ``orbitals`` x spin a site, in Kwant and as blocks.

    Every hopping within a layer and from layer to layer is a random matrix (spin-orbit
    hopping), every site has its own exchange field.  Leads are plain (hopping -1 between
    cells, random cells) or have random hopping as well.
    """

    def __init__(self, seed, layers, width, orbitals, plain):
        rng = np.random.default_rng(seed)
        self.layers, self.width, self.per_site = layers, width, 2 * orbitals
        n = width * self.per_site
        self.n = n
        self.onsite = [hermitian(rng, n) for _ in range(layers)]
        self.coupling = [full(rng, n) for _ in range(layers - 1)]
        self.cells = [hermitian(rng, n) / np.sqrt(n) for _ in "lr"]
        self.hops = [-np.eye(n) if plain else full(rng, n) for _ in "lr"]
        self.energy = rng.normal() * (0.5 if plain else 2)
        self.system = self.build()

    def block(self, matrix, a, b):
        m = self.per_site
        return matrix[a * m : (a + 1) * m, b * m : (b + 1) * m]

    def build(self):
        lattice = kwant.lattice.square(norbs=self.per_site)
        system = kwant.Builder()

        def fill(builder, x, matrix, to=None, coupling=None):
            for a in range(self.width):
                builder[lattice(x, a)] = self.block(matrix, a, a)
                for b in range(a):
                    builder[lattice(x, a), lattice(x, b)] = self.block(matrix, a, b)

        def join(builder, x, to, matrix):
            for a in range(self.width):
                for b in range(self.width):
                    builder[lattice(to, a), lattice(x, b)] = self.block(matrix, a, b)

        for x, matrix in enumerate(self.onsite):
            fill(system, x, matrix)
        for x, matrix in enumerate(self.coupling):
            join(system, x, x + 1, matrix)
        for step, cell, hop in zip((-1, 1), self.cells, self.hops, strict=True):
            lead = kwant.Builder(kwant.TranslationalSymmetry((step, 0)))
            fill(lead, 0, cell)
            join(lead, step, 0, hop)  # <inner|H|outer>
            system.attach_lead(lead)
        return system.finalized()

    def leads(self, energy):
        return [lead_self_energy(h, v, [energy])
                for h, v in zip(self.cells, self.hops, strict=True)]

    def site_operators(self):
        """Density and spins of each site."""
        result = []
        for layer in range(self.layers):
            for a in range(self.width):
                for s in PAULI:
                    matrix = np.zeros((self.n, self.n), complex)
                    here = slice(a * self.per_site, (a + 1) * self.per_site)
                    matrix[here, here] = np.kron(np.eye(self.per_site // 2), s)
                    result.append((layer, matrix))
        return sparse_operators(result)

    def compare(self, energy, tolerance):
        blocks = sparse_blocks([h[None] for h in self.onsite], [v[None] for v in self.coupling])
        left, right = self.leads(energy)
        operators = self.site_operators()
        spins = [np.kron(np.eye(self.n // 2), s) for s in PAULI]
        bonds = bond_operators([spins] * self.layers)
        fields = batched.solve(blocks, [[1.0]], energy, left, right, operators, bonds)
        states = recursive.scattering_states(blocks, [1.0], energy, left, right)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            smatrix = kwant.smatrix(self.system, energy)
            waves = kwant.wave_function(self.system, energy)
        assert left.open_channels[0] == smatrix.num_propagating(0)
        assert right.open_channels[0] == smatrix.num_propagating(1)
        assert_allclose(fields.transmission[0], smatrix.transmission(1, 0), atol=tolerance)
        assert_allclose(states.transmission, smatrix.transmission(1, 0), atol=tolerance)
        for out, into, mine in [
            (0, 0, fields.reflection), (1, 0, fields.transmission_amplitude),
            (1, 1, fields.reflection_right), (0, 1, fields.transmission_amplitude_right),
        ]:
            theirs = np.linalg.svd(smatrix.submatrix(out, into), compute_uv=False)
            ours = np.linalg.svd(mine[0], compute_uv=False)[: len(theirs)]
            assert_allclose(ours, theirs, atol=tolerance)

        sites = sorted(range(len(self.system.sites)),
                       key=lambda i: tuple(self.system.sites[i].tag))
        on_layer = [sites[layer * self.width : (layer + 1) * self.width]
                    for layer in range(self.layers)]
        small = [np.kron(np.eye(self.per_site // 2), s) for s in PAULI]
        for lead in range(2):
            psi = waves(lead)
            density = np.zeros((len(sites), 4))
            current = np.zeros((self.layers - 1, 4))
            for s, matrix in enumerate(small):
                operator = kwant.operator.Density(self.system, matrix)
                density[:, s] = sum((operator(p) for p in psi), np.zeros(len(sites)))[sites]
                for bond in range(self.layers - 1):
                    where = [(j, i) for j in on_layer[bond + 1] for i in on_layer[bond]]
                    operator = kwant.operator.Current(self.system, matrix, where=where)
                    current[bond, s] = sum(operator(p).sum() for p in psi)
            scale = max(1, np.abs(density).max())
            for ours in (fields.local[lead, :, 0], states.local(operators)[lead]):
                assert_allclose(ours.reshape(-1, 4), density, atol=tolerance * scale)
            for ours in (fields.current[lead, :, :, 0], states.current(bonds)[lead]):
                assert_allclose(ours.reshape(-1, 4), current, atol=tolerance * scale)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 2), st.integers(1, 2),
       st.booleans())
def test_random_noncollinear_wires(seed, layers, width, orbitals, plain):  # independent
    wire = Wire(seed, layers, width, orbitals, plain)
    wire.compare(wire.energy, 1e-9)


@pytest.mark.parametrize("offset", [1e-3, 1e-6, -1e-6])
def test_energies_close_to_a_band_edge(offset):  # independent
    # channels open and close at a level of the cell minus 2; velocities vanish as the root
    wire = Wire(6, 3, 1, 2, True)
    edge = np.linalg.eigvalsh(wire.cells[0])[1] - 2
    # Kwant's modes lose digits there in inverse proportion to the velocity
    wire.compare(edge + offset, 1e-9 if offset > 1e-4 else 1e-7)


def test_energy_on_a_band_edge_lies_between_its_neighbours():  # limit
    wire = Wire(6, 3, 1, 2, True)
    edge = np.linalg.eigvalsh(wire.cells[0])[1] - 2
    blocks = sparse_blocks([h[None] for h in wire.onsite], [v[None] for v in wire.coupling])
    energies = edge + np.array([-1e-10, 0, 1e-10])
    leads = [lead_self_energy(h, v, energies)
             for h, v in zip(wire.cells, wire.hops, strict=True)]
    fields = batched.solve(blocks, np.ones((1, 3)), energies, *leads, wire.site_operators())
    assert np.all(np.isfinite(fields.local))
    # densities of the other channels approach with the root of the distance, 1e-5
    assert_allclose(fields.transmission, fields.transmission[1], atol=1e-4)
    assert_allclose(fields.local[1], np.repeat(fields.local[1, :, 1:2], 3, axis=1), atol=1e-3)
