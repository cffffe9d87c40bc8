"""Green's functions of small chains by inverting the whole matrix: the reference of tests."""

from dataclasses import dataclass

import numpy as np

from negf_torque.greens.blocks import dense


def hermitian(rng, n):
    """A random hermitian matrix."""
    a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    return a + a.conj().T


def random_chain(rng, sizes, harmonics=3):
    """On-site and coupling harmonics (1, e^{ik}, e^{-ik}) of a random hermitian chain."""
    onsite, coupling = [], []
    for n in sizes:
        a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
        onsite.append(np.array([hermitian(rng, n), a, a.conj().T])[:harmonics])
    for n, m in zip(sizes, sizes[1:], strict=False):
        shape = (3, m, n)
        coupling.append((rng.normal(size=shape) + 1j * rng.normal(size=shape))[:harmonics])
    return onsite, coupling


def phases_of(k):
    """(3, B) phases 1, e^{ik}, e^{-ik}."""
    return np.array([np.ones_like(k), np.exp(1j * k), np.exp(-1j * k)])


@dataclass
class Member:
    """The full matrices of one batch member."""

    hamiltonian: np.ndarray
    slices: list
    couplings: list

    def green(self, energy, sigma_left, sigma_right, extra=None):
        first, last = self.slices[0], self.slices[-1]
        matrix = energy * np.eye(len(self.hamiltonian)) - self.hamiltonian
        matrix[first, first] -= sigma_left
        matrix[last, last] -= sigma_right
        for here, local in zip(self.slices, extra or [], strict=False):
            if local is not None:
                matrix[here, here] -= local
        return np.linalg.inv(matrix)


def members(blocks, phases, potential=None):
    """Every batch member's `Member`."""
    onsite, coupling = dense(blocks, phases)
    edges = np.concatenate([[0], np.cumsum(blocks.sizes)])
    slices = [slice(*pair) for pair in zip(edges, edges[1:], strict=False)]
    for b in range(phases.shape[1]):
        matrix = np.zeros((edges[-1], edges[-1]), complex)
        for layer, here in enumerate(slices):
            matrix[here, here] = onsite[layer][b]
            if potential is not None:
                matrix[here, here] += potential[layer, b] * np.eye(blocks.sizes[layer])
        for layer, v in enumerate(coupling):
            matrix[slices[layer + 1], slices[layer]] = v[b]
            matrix[slices[layer], slices[layer + 1]] = v[b].conj().T
        yield Member(matrix, slices, [v[b] for v in coupling])
