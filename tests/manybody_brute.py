"""The many-body model written out with Kronecker products: slow, short, and independent."""

import numpy as np

from negf_torque.manybody import SpinBasis
from negf_torque.units import HBAR


def doubled_spin(two_s):
    """X = 2 S for one spin, (3, 2S + 1, 2S + 1), top state first."""
    s = two_s / 2
    m = s - np.arange(two_s + 1)
    plus = np.diag(np.sqrt(s * (s + 1) - m[1:] * (m[1:] + 1)), 1)
    x, y = plus + plus.T, -1j * (plus - plus.T)
    return np.array([x, y, 2 * np.diag(m)])


class Brute:
    """Operators on site x electron spin x local spin 1 x ... x local spin N."""

    def __init__(self, model):
        self.model = model
        self.dims = [model.length, 2, *(int(s) + 1 for s in model.two_s)]
        self.sigma = [self.embed({1: op}) for op in doubled_spin(1)]
        self.x = [
            [self.embed({2 + n: op}) for op in doubled_spin(int(size))]
            for n, size in enumerate(model.two_s)
        ]
        self.on_site = [self.embed({0: self.projector(x)}) for x in range(model.length)]
        self.h = self.hamiltonian()

    def embed(self, factors):
        out = np.ones((1, 1))
        for place, dim in enumerate(self.dims):
            out = np.kron(out, factors.get(place, np.eye(dim)))
        return out

    def projector(self, x):
        return np.diag((np.arange(self.model.length) == x).astype(float))

    def hamiltonian(self):
        m = self.model
        hop = -m.hopping * (np.eye(m.length, k=1) + np.eye(m.length, k=-1))
        h = self.embed({0: hop + np.diag(m.potential)}).astype(complex)
        for n, x in enumerate(m.sites):
            for a in range(3):
                h -= m.coupling[n] * self.on_site[x] @ self.sigma[a] @ self.x[n][a]
                h -= m.field[n, a] * self.x[n][a]
                h -= m.anisotropy[n, a] * self.x[n][a] @ self.x[n][a]
                if n < m.n_spins - 1:
                    h -= m.exchange[n, a] * self.x[n][a] @ self.x[n + 1][a]
        return h

    def vector(self, basis: SpinBasis, psi):
        """A state (configurations, sites) of the package as a vector of this space."""
        out = np.zeros(self.dims, complex)
        for row in range(basis.size):
            out[(slice(None), basis.electron[row], *basis.lowered[row])] = psi[row]
        return out.ravel()

    def mean(self, operator, vector):
        return np.vdot(vector, operator @ vector).real

    def evolve(self, vector, time):
        energy, states = np.linalg.eigh(self.h)
        return states @ (np.exp(-1j * energy * time / HBAR) * (states.conj().T @ vector))

    def density_matrix(self, vector, keep):
        """Reduced density matrix of the factors `keep` (0 site, 1 electron spin, 2 ...)."""
        tensor = vector.reshape(self.dims)
        rest = [i for i in range(len(self.dims)) if i not in keep]
        size = int(np.prod([self.dims[i] for i in keep]))
        a = tensor.transpose(*keep, *rest).reshape(size, -1)
        return a @ a.conj().T
