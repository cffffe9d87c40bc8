"""The Hamiltonian in a basis of spin configurations, matrix-free in the electron's site.

Hopping and potential act on the site alone, the exchange among the local spins on the
configuration alone, and only J_sd joins them, at the sites of the local spins:

    H = (hopping + V) x 1 + 1 x H_spins + sum_n |x_n><x_n| x C_n,   C_n = -J_sd,n sigma . X_n.

H_spins and C_n are sparse and small, so an application costs a few passes over the state.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigvalsh_tridiagonal

from negf_torque.manybody.basis import SpinBasis
from negf_torque.manybody.model import QuantumChain

__all__ = ["Hamiltonian", "hamiltonian", "ladder_product", "spin_hamiltonian"]


@dataclass(frozen=True)
class Hamiltonian:
    """H on states of shape (configurations, sites); build it with `hamiltonian`.

    Attributes
    ----------
    model : QuantumChain
    basis : SpinBasis
    spins : (dim, dim) csr_array
        Exchange, field and anisotropy of the local spins, eV.
    coupling : (dim * length, ) triplets of arrays
        row, column, local spin, value of the J_sd terms, sorted by row.
    """

    model: QuantumChain
    basis: SpinBasis
    spins: sparse.csr_array
    coupling: tuple[NDArray, NDArray, NDArray, NDArray]

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a state: (configurations, sites)."""
        return self.basis.size, self.model.length

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Energies between which every eigenvalue lies (rigorous).

        Weyl: the sum of the ends of the local spins' spectrum (Gershgorin, or exactly where that
        is cheap) and of one electron's with J_sd replaced by its largest or smallest eigenvalue
        on each site: sigma . X has 2S (parallel) and -(2S + 2).
        """
        m = self.model
        parallel, antiparallel = -m.coupling * m.two_s, m.coupling * (m.two_s + 2)
        ends = []
        for end, choose in ((0, np.minimum), (m.length - 1, np.maximum)):
            onsite = m.potential.copy()
            onsite[m.sites] += choose(parallel, antiparallel)
            hops = np.full(m.length - 1, -m.hopping)
            ends.append(eigvalsh_tridiagonal(onsite, hops, select="i", select_range=(end, end))[0])
        if self.basis.size <= 200:
            low, high = np.linalg.eigvalsh(self.spins.toarray())[[0, -1]]
        else:
            diagonal = self.spins.diagonal().real
            offdiagonal = abs(self.spins).sum(axis=1) - abs(diagonal)
            low, high = (diagonal - offdiagonal).min(), (diagonal + offdiagonal).max()
        margin = 1e-12 * (abs(low) + abs(high) + abs(ends[0]) + abs(ends[1]))
        return float(low + ends[0] - margin), float(high + ends[1] + margin)

    @cached_property
    def kernel_arguments(self) -> tuple:
        """potential, hopping, step, chain and coupling as `kernels` wants them."""
        real = self.spins.dtype.kind == "f"
        step = 2 if real else 1
        rows, columns, spins, values = self.coupling
        starts = np.searchsorted(rows, np.arange(self.basis.size + 1))
        diagonal = self.spins.diagonal()
        rest = (self.spins - sparse.diags_array(diagonal)).tocsr()
        rest.eliminate_zeros()
        chain = (
            diagonal,
            rest.indptr.astype(np.int64),
            rest.indices.astype(np.int64),
            np.append(rest.data, 0),
        )
        coupling = (starts.astype(np.int64), columns, self.model.sites[spins], values)
        return np.repeat(self.model.potential, step), self.model.hopping, step, chain, coupling

    def rows(self, psi: NDArray) -> NDArray:
        """The state as the kernels see it, without a copy."""
        return psi.view(float) if self.kernel_arguments[2] == 2 else psi

    def apply(self, psi: NDArray) -> NDArray:
        """H psi for a state (configurations, sites), in eV."""
        from negf_torque.manybody.kernels import apply_rows  # numba loads when first needed

        psi = np.ascontiguousarray(psi, complex)
        out = np.zeros_like(psi)
        apply_rows(self.rows(psi), self.rows(out), 0.0, *self.kernel_arguments)
        return out

    def matrix(self) -> sparse.csr_array:
        """H as a sparse matrix on states flattened as (site, configuration)."""
        m, dim = self.model, self.basis.size
        edge = np.full(m.length - 1, -m.hopping)
        orbital = sparse.diags_array([edge, m.potential, edge], offsets=[-1, 0, 1])
        total = sparse.kron(orbital, sparse.eye_array(dim)) + sparse.kron(
            sparse.eye_array(m.length), self.spins
        )
        rows, columns, spins, values = self.coupling
        offset = m.sites[spins] * dim
        size = dim * m.length
        return (
            total
            + sparse.coo_array((values, (offset + rows, offset + columns)), shape=(size, size))
        ).tocsr()


def hamiltonian(model: QuantumChain, basis: SpinBasis) -> Hamiltonian:
    """Hamiltonian of `model` between the configurations of `basis`, in eV.

    Terms that lead out of the basis are left out, so the basis must hold whole sectors, and all
    of them (or all of one parity) where the model does not conserve S_z.

    Examples
    --------
    Two spins 1/2 and an electron far away: the triplet at -J, the singlet at 3 J.

    >>> from negf_torque.manybody.model import quantum_chain
    >>> h = hamiltonian(quantum_chain(2, n_spins=2, jz=None), SpinBasis.of([1, 1]))
    >>> np.linalg.eigvalsh(h.spins.toarray())[[0, -1]].round(12).tolist()
    [-0.1, 0.3]
    """
    return Hamiltonian(model, basis, spin_hamiltonian(model, basis), _coupling_terms(model, basis))


def ladder_product(basis: SpinBasis, changes: dict[int, int]) -> tuple[NDArray, NDArray, NDArray]:
    """Non-zero elements of a product of ladder operators X^+- = X^x +- i X^y.

    Parameters
    ----------
    basis : SpinBasis
    changes : dict of int to int
        Local spin (or N: the electron) -> added lowerings: +k for (X^-)^k, -k for (X^+)^k.

    Returns
    -------
    to, source : (nonzero,) int
        <to| product |source>.
    value : (nonzero,) float
        (X = 2S: for spins 1/2, X^+ has the element 2.)
    """
    rows = np.arange(basis.size)
    value = np.ones(basis.size)
    for spin, change in changes.items():
        electron = spin == len(basis.two_s)
        low = (basis.electron if electron else basis.lowered[:, spin]).astype(int)
        two_s = 1 if electron else int(basis.two_s[spin])
        for _ in range(abs(change)):
            after = low + np.sign(change)
            inside = (low >= 0) & (low <= two_s) & (after >= 0) & (after <= two_s)
            # <m - 1|S^-|m>^2 = S(S + 1) - m(m - 1) = (l + 1)(2S - l) with l = S - m
            lower = np.minimum(low, after)
            value = np.where(inside, value * 2 * np.sqrt(abs((lower + 1) * (two_s - lower))), 0)
            low = after
    rows, value = rows[value != 0], value[value != 0]
    to = basis.find(rows, {spin: np.full(len(rows), change) for spin, change in changes.items()})
    return to[to >= 0], rows[to >= 0], value[to >= 0]


def spin_hamiltonian(model: QuantumChain, basis: SpinBasis) -> sparse.csr_array:
    """Exchange, fields and single-ion anisotropies among the configurations."""
    z = (basis.two_s - 2 * basis.lowered).astype(float)
    diagonal = -z @ model.field[:, 2] - z**2 @ model.anisotropy[:, 2]
    if model.n_spins > 1:
        diagonal -= (z[:, :-1] * z[:, 1:]) @ model.exchange[:, 2]
    terms = [(np.arange(basis.size), np.arange(basis.size), diagonal)]

    def add(changes: dict[int, int], factor: complex) -> None:
        if factor != 0:
            to, source, value = ladder_product(basis, changes)
            terms.append((to, source, factor * value))

    for n, (jx, jy, _) in enumerate(model.exchange):
        for up in (1, -1):
            add({n: up, n + 1: -up}, -(jx + jy) / 4)
            add({n: up, n + 1: up}, -(jx - jy) / 4)
    for n, ((hx, hy, _), (kx, ky, _)) in enumerate(zip(model.field, model.anisotropy, strict=True)):
        for up in (1, -1):  # X^x = (X^- + X^+)/2, X^y = i (X^- - X^+)/2
            add({n: up}, -(hx + 1j * up * hy) / 2 if hy else -hx / 2)
            add({n: 2 * up}, -(kx - ky) / 4)
        # (X^x)^2 + (X^y)^2 = 2S(2S + 2) - (X^z)^2
        size = float(model.two_s[n])
        terms[0][2][:] -= (kx + ky) / 2 * (size * (size + 2) - z[:, n] ** 2)
    to, source, value = (np.concatenate(parts) for parts in zip(*terms, strict=True))
    shape = (basis.size, basis.size)
    total = sparse.coo_array((value, (to, source)), shape=shape).tocsr()
    total.sum_duplicates()
    return total


def _coupling_terms(
    model: QuantumChain, basis: SpinBasis
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Elements of -J_sd sigma . X_n: row, column, local spin, value, sorted by row."""
    electron = model.n_spins
    sigma_z = 1.0 - 2.0 * basis.electron
    z = basis.two_s - 2 * basis.lowered
    everything = np.arange(basis.size)
    terms = []
    for n, strength in enumerate(model.coupling):
        terms.append((everything, everything, n, -strength * sigma_z * z[:, n]))
        for up in (1, -1):  # sigma^x X^x + sigma^y X^y = (sigma^+ X^- + sigma^- X^+)/2
            to, source, value = ladder_product(basis, {electron: -up, n: up})
            terms.append((to, source, n, -strength / 2 * value))
    rows = np.concatenate([t[0] for t in terms])
    columns = np.concatenate([t[1] for t in terms])
    spins = np.concatenate([np.full(len(t[0]), t[2]) for t in terms])
    values = np.concatenate([t[3] for t in terms])
    order = np.argsort(rows, kind="stable")
    return rows[order], columns[order], spins[order], values[order]
