"""What is measured on a state: spins, purities, probabilities, densities, currents, torques.

Spins are expectation values of Pauli matrices and of X = 2S (units of hbar/2); torques and
spin currents are their rates of change, in hbar/2 per fs; currents count from site x to x + 1.
The torque that the electron exerts on local spin n is

    T_n = (2 J_sd/hbar) < |x_n><x_n| X_n x sigma >,

the quantum counterpart of T ~ <sigma> x S (Mondal et al., Phys. Rev. B 99, 094431 (2019),
Eq. 1); with the mean values in place of the operators it becomes the mean-field torque, which
is zero where the two are collinear.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from negf_torque.manybody.entanglement import bipartite_spectrum, entropy
from negf_torque.manybody.hamiltonian import Hamiltonian, ladder_product
from negf_torque.units import HBAR

__all__ = ["REGIONS", "Observer", "Sample"]

#: Parts of the chain: before the first local spin, from the first to the last, behind the last.
REGIONS = ("left", "magnet", "right")


@dataclass(frozen=True)
class Sample:
    """Observables at one time (or, stacked, with a leading time axis).

    Attributes
    ----------
    norm, energy, total_sz : float
        1, eV, hbar/2.
    electron_spin : (3,)
    local_spin : (N, 3)
        <2S>, hbar/2.
    probability : (dim,)
        Of each configuration of electron spin and local spins.
    purity, entropy : float
        Of the electron (orbit and spin), equal to that of all local spins; nats.
    electron_spin_purity : float
    local_spin_purity : (N,)
    density : (4, sites)
        Electron number and spin x, y, z on each site.
    current : (4, sites - 1)
        Particle and spin currents through each bond, 1/fs and hbar/2 per fs.
    torque, mean_field_torque : (N, 3)
        Of the electron on each local spin, hbar/2 per fs.
    region_probability : (3, 2)
        Left of, inside, right of the magnet, with spin up and down along z.
    """

    norm: NDArray
    energy: NDArray
    total_sz: NDArray
    electron_spin: NDArray
    local_spin: NDArray
    probability: NDArray
    purity: NDArray
    entropy: NDArray
    electron_spin_purity: NDArray
    local_spin_purity: NDArray
    density: NDArray
    current: NDArray
    torque: NDArray
    mean_field_torque: NDArray
    region_probability: NDArray

    @classmethod
    def stack(cls, samples: list["Sample"]) -> "Sample":
        """Samples of several times as one, with a leading time axis."""
        return cls(**{f.name: np.array([getattr(s, f.name) for s in samples]) for f in fields(cls)})


class Observer:
    """Measures states of one Hamiltonian's basis.

    Parameters
    ----------
    h : Hamiltonian
    entanglement : bool
        Without it purity and entropy of the two parts are not-a-number: they cost a matrix
        product of (local configurations)^2 x sites, the rest only a few passes over the state.
    """

    def __init__(self, h: Hamiltonian, entanglement: bool = True) -> None:
        self.h, self.entanglement = h, entanglement

    def __call__(self, psi: NDArray) -> Sample:
        """Observables of a state (configurations, sites)."""
        basis, model = self.h.basis, self.h.model
        weight = np.einsum("sx,sx->s", psi.conj(), psi).real
        density = self._density(psi)
        electron_spin = density[1:].sum(axis=1)
        local_spin, local_purity = self._local_spins(psi, weight)
        spectrum = bipartite_spectrum(basis, psi) if self.entanglement else np.array([np.nan])
        strength = 2 * model.coupling / HBAR
        return Sample(
            norm=np.sqrt(weight.sum()),
            energy=np.vdot(psi, self.h.apply(psi)).real,
            total_sz=weight @ basis.twice_sz,
            electron_spin=electron_spin,
            local_spin=local_spin,
            probability=weight,
            purity=np.sum(spectrum**2),
            entropy=np.array(entropy(spectrum) if self.entanglement else np.nan),
            electron_spin_purity=(weight.sum() ** 2 + electron_spin @ electron_spin) / 2,
            local_spin_purity=local_purity,
            density=density,
            current=self._current(psi),
            torque=strength[:, None] * self._torque(psi),
            mean_field_torque=strength[:, None] * np.cross(local_spin, density[1:, model.sites].T),
            region_probability=self._regions(density),
        )

    def _density(self, psi: NDArray) -> NDArray:
        """Number and spin on each site, (4, sites)."""
        n_up = self.h.basis.n_up
        up, down = (
            np.einsum("sx,sx->x", part.conj(), part).real for part in (psi[:n_up], psi[n_up:])
        )
        i, j = self._electron_pairs
        mixed = np.einsum("px,px->x", psi[i].conj(), psi[j]) if len(i) else np.zeros_like(up)
        return np.stack([up + down, 2 * mixed.real, 2 * mixed.imag, up - down])

    def _current(self, psi: NDArray) -> NDArray:
        """2 Im[psi_x+1^+ sigma_a (-gamma) psi_x]/hbar on each bond, (4, sites - 1)."""
        n_up = self.h.basis.n_up
        up, down = (
            np.einsum("sx,sx->x", part[:, 1:].conj(), part[:, :-1])
            for part in (psi[:n_up], psi[n_up:])
        )
        i, j = self._electron_pairs
        ud = du = np.zeros_like(up)
        if len(i):
            upper, lower = psi[i], psi[j]
            ud = np.einsum("px,px->x", upper[:, 1:].conj(), lower[:, :-1])
            du = np.einsum("px,px->x", lower[:, 1:].conj(), upper[:, :-1])
        moved = np.stack([up + down, ud + du, -1j * (ud - du), up - down])
        return -2 * self.h.model.hopping / HBAR * moved.imag

    def _local_spins(self, psi: NDArray, weight: NDArray) -> tuple[NDArray, NDArray]:
        """<2S> (N, 3) and Tr rho_n^2 (N,) of each local spin."""
        from negf_torque.manybody.kernels import row_overlaps  # numba loads when first needed

        basis = self.h.basis
        z = weight @ (basis.two_s - 2 * basis.lowered)
        left, right, spin, element, value = self._local_pairs
        n, levels = len(basis.two_s), int(basis.two_s.max()) + 1
        diagonal = np.stack([weight @ (basis.lowered == low) for low in range(levels)])
        purity = np.sum(diagonal**2, axis=0)
        lowering = np.zeros(n, complex)
        if len(left):
            overlap = row_overlaps(psi, left, right)
            lowering = _sum_by(spin, overlap * value, n)
            offdiagonal = _sum_by(spin * levels**2 + element, overlap, n * levels**2)
            purity = purity + 2 * np.sum(abs(offdiagonal.reshape(n, -1)) ** 2, axis=1)
        return np.stack([lowering.real, 0.0 - lowering.imag, z], axis=1), purity

    def _torque(self, psi: NDArray) -> NDArray:
        """< |x_n><x_n| X_n x sigma >, (N, 3)."""
        to, source, spin, kind, value = self._torque_terms
        n = self.h.model.n_spins
        site = self.h.model.sites[spin]
        product = psi[to, site].conj() * psi[source, site] * value
        flip, precess, dephase = _sum_by(kind * n + spin, product, 3 * n).reshape(3, n)
        sideways = 1j * (precess - dephase)
        return np.stack([sideways.real, sideways.imag, flip.imag], axis=1)

    def _regions(self, density: NDArray) -> NDArray:
        sites = self.h.model.sites
        up, down = (density[0] + density[3]) / 2, (density[0] - density[3]) / 2
        first, last = sites.min(), sites.max() + 1
        parts = (slice(None, first), slice(first, last), slice(last, None))
        return np.array([[up[part].sum(), down[part].sum()] for part in parts])

    @cached_property
    def _electron_pairs(self) -> tuple[NDArray, NDArray]:
        """Rows (up, down) with the same local configuration."""
        basis = self.h.basis
        down, up, _ = ladder_product(basis, {len(basis.two_s): 1})
        return up, down

    @cached_property
    def _local_pairs(self) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
        """Pairs of rows that differ in one local spin: left, right, spin, element, value.

        `left` is the lower one; `value` is the element of X^- between them (0 if they differ by
        more than one) and `element` the number of the entry in the spin's density matrix.
        """
        basis = self.h.basis
        levels = int(basis.two_s.max()) + 1
        parts: list[list[NDArray]] = [[], [], [], [], []]
        for n, size in enumerate(basis.two_s):
            for change in range(1, int(size) + 1):
                if change == 1:
                    lower, upper, keep = ladder_product(basis, {n: 1})
                else:
                    upper = np.flatnonzero(basis.lowered[:, n] + change <= size)
                    lower = basis.find(upper, {n: np.full(len(upper), change)})
                    upper, lower = upper[lower >= 0], lower[lower >= 0]
                    keep = np.zeros(len(lower))
                element = basis.lowered[upper, n] * levels + basis.lowered[lower, n]
                columns = (lower, upper, np.full(len(lower), n), element.astype(int), keep)
                for part, column in zip(parts, columns, strict=True):
                    part.append(column)
        left, right, spin, place, factor = (np.concatenate(part) for part in parts)
        return left, right, spin, place, factor

    @cached_property
    def _torque_terms(self) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
        """Elements of X^- sigma^+ (0), X^z sigma^+ (1), X^+ sigma^z (2): to, source, spin, ..."""
        basis = self.h.basis
        electron = len(basis.two_s)
        raised, lowered, two = ladder_product(basis, {electron: -1})
        parts = []
        for n in range(electron):
            z = (basis.two_s[n] - 2 * basis.lowered[:, n]).astype(float)
            parts.append((0, n, *ladder_product(basis, {electron: -1, n: 1})))
            parts.append((1, n, raised, lowered, two * z[lowered]))
            to, source, value = ladder_product(basis, {n: -1})
            parts.append((2, n, to, source, value * (1.0 - 2.0 * basis.electron[source])))
        kind, spin = (np.concatenate([np.full(len(p[2]), p[i]) for p in parts]) for i in (0, 1))
        to, source, value = (np.concatenate([p[i] for p in parts]) for i in (2, 3, 4))
        return to, source, spin, kind, value


def _sum_by(index: NDArray, values: NDArray, size: int) -> NDArray:
    """Sum complex values by index into an array of `size`."""
    return np.bincount(index, values.real, size) + 1j * np.bincount(index, values.imag, size)
