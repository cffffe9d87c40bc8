"""Self-energies of semi-infinite leads, at real energies without any finite broadening.

Cells of a lead are numbered away from the device.  With h the Hamiltonian of a cell and v =
<inner cell|H|next outer cell>, the self-energy on the cell to which the lead attaches is

    Sigma = v g v^+,    g = (E - h - Sigma)^{-1},

with outgoing waves only: a propagating channel carries current away from the device, an
evanescent one decays.  Each open channel contributes one non-zero eigenvalue, its flux, to
Gamma = i (Sigma - Sigma^+).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from negf_torque.greens.modes import (
    decimated_self_energy,
    mode_self_energy,
    opposite_self_energies,
    residual,
)

__all__ = ["LeadSelfEnergy", "lead_self_energy", "opposite_leads"]

#: Distance from a band edge, in units of the rounding error of the energy, that counts as
#: being on it.
_EDGE = 8 * np.finfo(float).eps


@dataclass(frozen=True)
class LeadSelfEnergy:
    """A lead seen from the device, for a batch of B cells, momenta or energies.

    Attributes
    ----------
    sigma : (B, n, n) complex
        Retarded self-energy.
    vectors : (B, n, m) complex
        Orthonormal channels: eigenvectors of Gamma, the open ones first, then zeros.
    flux : (B, m)
        Square roots of Gamma's non-zero eigenvalues, then zeros: sources are
        ``vectors * flux``.
    open_channels : (B,) int
    """

    sigma: NDArray
    vectors: NDArray
    flux: NDArray
    open_channels: NDArray

    @property
    def source(self) -> NDArray:
        """(B, n, m): F with F F^+ = Gamma, one column for each open channel."""
        return self.vectors * self.flux[:, None, :]

    @property
    def root(self) -> NDArray:
        """(B, n, n): the hermitian square root W of Gamma, W W^+ = Gamma.

        It commutes with everything with which Gamma does, such as the spin in a lead whose
        bands are spin-degenerate.
        """
        return self.source @ self.vectors.conj().swapaxes(-1, -2)

    @property
    def projector(self) -> NDArray:
        """(B, n, n): projector on the open channels."""
        return self.vectors @ self.vectors.conj().swapaxes(-1, -2)


def _chain_self_energy(
    energy: NDArray, level: NDArray, hopping: NDArray
) -> tuple[NDArray, NDArray]:
    """Self-energy of chains E = level + 2|t| cos k, and its Gamma; all of one shape.

    Sigma = |t| (x - i sqrt(1 - x^2)) in the band, x = (E - level)/(2|t|), and the root of
    smaller modulus outside the band and for complex energies.  On a band edge the channel
    counts as closed.
    """
    exists = hopping > 0
    width = np.where(exists, 2 * hopping, 1.0)
    x = (energy - level) / width
    if np.iscomplexobj(x):
        root = np.sqrt(x - 1) * np.sqrt(x + 1)
        larger = np.where(np.abs(x + root) >= np.abs(x - root), x + root, x - root)
        return np.where(exists, hopping / larger, 0), np.zeros(x.shape)
    distance = (1 - x) * (1 + x)
    rounding = (np.abs(energy) + np.abs(level)) / width + 2
    within = distance > _EDGE * rounding
    gamma = np.where(within & exists, 2 * hopping * np.sqrt(np.abs(distance)), 0.0)
    decaying = x + np.copysign(np.sqrt(np.clip(-distance, 0, None)), x)
    real = np.where(distance > 0, x, 1 / np.where(np.abs(x) >= 1, decaying, 1.0))
    return np.where(exists, hopping * real - 0.5j * gamma, 0), gamma


def _common_eigenvectors(h: NDArray, v: NDArray) -> tuple[NDArray | None, NDArray, NDArray] | None:
    """Vectors that diagonalise h and v, with both spectra; None if there are none.

    The vectors are None where they are the unit matrix.
    """
    n = h.shape[-1]
    off = ~np.eye(n, dtype=bool)
    if not h[:, off].any() and not v[:, off].any():
        return None, np.einsum("bii->bi", h).real, np.einsum("bii->bi", v)
    # a generic combination of commuting hermitian matrices has their common eigenvectors
    generic = h + 0.5772156649 * (v + v.conj().swapaxes(1, 2))
    antisymmetric = v - v.conj().swapaxes(1, 2)
    if antisymmetric.any():
        generic = generic + 0.3183098862j * antisymmetric
    _, vectors = np.linalg.eigh(generic)
    adjoint = vectors.conj().swapaxes(1, 2)
    spectra = []
    for matrix in (h, v):
        rotated = adjoint @ matrix @ vectors
        scale = np.abs(matrix).max(initial=0.0)
        if np.abs(rotated[:, off]).max(initial=0.0) > 1e-13 * n * scale:
            return None
        spectra.append(np.einsum("bii->bi", rotated))
    return vectors, spectra[0].real, spectra[1]


def _separable(h: NDArray, v: NDArray, energy: NDArray) -> LeadSelfEnergy | None:
    """Independent chains: h and v have common eigenvectors (None otherwise)."""
    found = _common_eigenvectors(h, v)
    if found is None:
        return None
    vectors, level, hopping = found
    sigma, gamma = _chain_self_energy(energy[:, None], level, np.abs(hopping))
    batch, n = sigma.shape
    if vectors is None:
        full = np.zeros((batch, n, n), complex)
        full[:, np.arange(n), np.arange(n)] = sigma
        vectors = np.broadcast_to(np.eye(n, dtype=complex), (batch, n, n))
    else:
        full = (vectors * sigma[:, None, :]) @ vectors.conj().swapaxes(1, 2)
    return _open_first(full, vectors, np.sqrt(gamma))


def _open_first(sigma: NDArray, vectors: NDArray, flux: NDArray) -> LeadSelfEnergy:
    """Sort the channels: open ones first, no column that is closed everywhere."""
    count = np.count_nonzero(flux, axis=1)
    most = int(count.max(initial=0))
    if not np.all(flux[:, :most]) or count.min(initial=most) < most:
        order = np.argsort(flux == 0, axis=1, kind="stable")[:, :most]
        flux = np.take_along_axis(flux, order, 1)
        vectors = np.take_along_axis(vectors, order[:, None, :], 2) * (flux != 0)[:, None, :]
    return LeadSelfEnergy(
        sigma, np.ascontiguousarray(vectors[:, :, :most]), flux[:, :most], count
    )


def lead_self_energy(h: ArrayLike, v: ArrayLike, energy: ArrayLike) -> LeadSelfEnergy:
    """Self-energy of a lead on the cell to which it attaches, and its open channels.

    Parameters
    ----------
    h : (B, n, n) or (n, n) complex
        Hamiltonian of a cell.
    v : (B, m, n) or (m, n) complex
        <inner cell|H|next outer cell>.  If the lead touches only the first m of a cell's n
        orbitals, their rows are enough, and the self-energy is (B, m, m).
    energy : (B,) or scalar
        Real, or complex with positive imaginary part (then no channel counts as open).

    Raises
    ------
    ValueError
        If shapes do not fit, h is not hermitian, or the modes at this energy are ill-defined
        (a flat band, or a band edge on which they cannot be told apart).

    Examples
    --------
    A chain of hopping -1 in the middle of its band:

    >>> lead = lead_self_energy([[0.0]], [[-1.0]], 0.0)
    >>> lead.sigma[0], lead.root[0], lead.open_channels
    (array([[0.-1.j]]), array([[1.41421356+0.j]]), array([1]))
    """
    h, v, energy = _checked(h, v, energy)
    rows, n = v.shape[1:]
    if rows < n:
        v = np.concatenate([v, np.zeros((len(v), n - rows, n))], axis=1)
    (result,) = _by_parts(h, v, energy, lambda *part: (_coupled(*part),), 1)
    if rows < n:
        result = LeadSelfEnergy(result.sigma[:, :rows, :rows], result.vectors[:, :rows],
                                result.flux, result.open_channels)
    return result


def opposite_leads(
    h: ArrayLike, v: ArrayLike, energy: ArrayLike
) -> tuple[LeadSelfEnergy, LeadSelfEnergy]:
    """`lead_self_energy` with v and with v^+: two leads of one material, on both sides.

    Their modes are found once.

    Parameters
    ----------
    h, energy
        See `lead_self_energy`.
    v : (B, n, n) or (n, n) complex

    Raises
    ------
    ValueError
        As `lead_self_energy`, or if v is not square.
    """
    h, v, energy = _checked(h, v, energy)
    if v.shape[1] != v.shape[2]:
        raise ValueError(f"v: shape {v.shape} is not square; both leads touch all orbitals.")
    first, second = _by_parts(h, v, energy, _coupled_opposite, 2)
    return first, second


def _by_parts(h, v, energy, solve, count: int) -> list[LeadSelfEnergy]:
    """`count` self-energies from `solve`, each of its independent sets of orbitals."""
    groups = _independent_parts(h, v)
    solved = {
        group[0]: solve(h[:, first[:, None], first], v[:, first[:, None], first], energy)
        for group in groups
        for first in [np.array(group[0])]
    }
    if len(groups) == 1 and len(groups[0]) == 1:
        return list(solved[groups[0][0]])
    n = h.shape[-1]
    return [
        _assemble([(part, solved[g[0]][side]) for g in groups for part in g], n)
        for side in range(count)
    ]


def _independent_parts(h: NDArray, v: NDArray) -> list[list[tuple[int, ...]]]:
    """Sets of orbitals between which nothing couples; equal ones grouped together.

    A lead that is the same for both spins is solved once, and its self-energy is the same
    for both spins to the last bit.
    """
    n = h.shape[-1]
    size_h, size_v = np.abs(h).max(axis=0), np.abs(v).max(axis=0)
    linked = (size_h > 1e-15 * size_h.max()) | (size_v > 1e-15 * size_v.max())
    if not linked[~np.eye(n, dtype=bool)].any():
        return [[tuple(range(n))]]  # chains, which need no splitting
    count, label = connected_components(linked, directed=False)
    groups: list[list[tuple[int, ...]]] = []
    for part in (tuple(np.flatnonzero(label == c).tolist()) for c in range(count)):
        here = np.array(part)
        for group in groups:
            there = np.array(group[0])
            if len(there) == len(here) and all(
                np.array_equal(m[:, here[:, None], here], m[:, there[:, None], there])
                for m in (h, v)
            ):
                group.append(part)
                break
        else:
            groups.append([part])
    return groups


def _assemble(parts: list[tuple[tuple[int, ...], LeadSelfEnergy]], n: int) -> LeadSelfEnergy:
    """One self-energy from those of independent sets of orbitals."""
    batch = len(parts[0][1].sigma)
    sigma = np.zeros((batch, n, n), complex)
    vectors, flux = [], []
    for part, lead in parts:
        here = np.array(part)
        sigma[:, here[:, None], here] = lead.sigma
        columns = np.zeros((batch, n, lead.flux.shape[1]), complex)
        columns[:, here] = lead.vectors
        vectors.append(columns)
        flux.append(lead.flux)
    return _open_first(sigma, np.concatenate(vectors, axis=2), np.concatenate(flux, axis=1))


def _coupled(h: NDArray, v: NDArray, energy: NDArray) -> LeadSelfEnergy:
    """Self-energy of orbitals that couple: chains if possible, or else from Bloch modes."""
    if not h.imag.any() and not v.imag.any():
        h, v = h.real, v.real  # a third of the work
    result = _separable(h, v, energy)
    if result is not None:
        return result
    return _verified(h, v, energy, *mode_self_energy(h, v, energy))


def _coupled_opposite(
    h: NDArray, v: NDArray, energy: NDArray
) -> tuple[LeadSelfEnergy, LeadSelfEnergy]:
    """`_coupled` with v and with v^+."""
    if not h.imag.any() and not v.imag.any():
        h, v = h.real, v.real
    result = _separable(h, v, energy)
    if result is not None:  # of chains only |t| counts
        return result, result
    first, second = opposite_self_energies(h, v, energy)
    back = v.conj().swapaxes(1, 2)
    return _verified(h, v, energy, *first), _verified(h, back, energy, *second)


def _verified(
    h: NDArray, v: NDArray, energy: NDArray, sigma: NDArray, count: NDArray, sound: NDArray
) -> LeadSelfEnergy:
    """Channels of self-energies from modes; those that do not hold are found in another way."""
    scale = np.abs(v).max(axis=(1, 2))
    good = sound & (residual(h, v, energy, sigma) <= 1e-11)
    good &= _causal(sigma, scale)
    for b in np.flatnonzero(~good):
        if energy[b].imag != 0:
            one = slice(b, b + 1)
            sigma[b] = decimated_self_energy(h[one], v[one], energy[one])[0]
        else:
            sigma[b], count[b] = _kwant_self_energy(h[b], v[b], energy[b])
    return _from_sigma(sigma, count)


def _causal(sigma: NDArray, scale: NDArray) -> NDArray:
    """(B,): whether no channel has negative Gamma."""
    gamma = 1j * (sigma - sigma.conj().swapaxes(1, 2))
    largest = np.maximum(scale, np.abs(sigma).max(axis=(1, 2)))
    return np.linalg.eigvalsh(gamma).min(axis=1) > -1e-9 * largest


def _from_sigma(sigma: NDArray, count: NDArray) -> LeadSelfEnergy:
    """Channels of self-energies (B, n, n) of which the numbers (B,) of open ones are known."""
    gamma, vectors = np.linalg.eigh(1j * (sigma - sigma.conj().swapaxes(1, 2)))
    gamma, vectors = gamma[:, ::-1], vectors[:, :, ::-1]
    open_ = np.arange(sigma.shape[1]) < count[:, None]
    return _open_first(sigma, vectors, np.sqrt(np.where(open_, np.clip(gamma, 0, None), 0)))


def _kwant_self_energy(h: NDArray, v: NDArray, energy: float) -> tuple[NDArray, int]:
    """Self-energy and number of open channels from Kwant's stabilised modes.

    Kwant takes the hopping from the cell next to the device to the one beyond, v^+ here.
    """
    from kwant.physics import modes

    energy = energy.real
    trouble = (
        f"energy: at {energy:.12g} the modes of a lead are ill-defined (a flat band or a band "
        "edge). Give an energy a little above or below."
    )
    try:
        _, stabilised = modes(h - energy * np.eye(len(h)), v.conj().T)
        sigma = stabilised.selfenergy()
    except (RuntimeError, np.linalg.LinAlgError, ValueError) as error:
        raise ValueError(trouble) from error
    one = (h[None], v[None], np.array([energy]), sigma[None])
    scale = np.abs(v).max()
    # close to a band edge digits are lost, as the square root of the rounding error
    if residual(*one)[0] > 1e-7 or not _causal(sigma[None], 100 * scale):
        raise ValueError(trouble)
    return sigma, stabilised.nmodes


def _checked(h: ArrayLike, v: ArrayLike, energy: ArrayLike) -> tuple[NDArray, NDArray, NDArray]:
    h, v, energy = np.asarray(h, complex), np.asarray(v, complex), np.atleast_1d(energy)
    n = h.shape[-1]
    if h.ndim not in (2, 3) or h.shape[-2] != n:
        raise ValueError(f"h: shape {h.shape}; expected (B, n, n).")
    if v.ndim not in (2, 3) or v.shape[-1] != n or not 0 < v.shape[-2] <= n:
        raise ValueError(f"v: shape {v.shape}; expected (B, {n}, {n}) as h has.")
    size = max(np.abs(h).max(initial=0), np.abs(v).max(initial=0))
    if np.abs(h - h.conj().swapaxes(-1, -2)).max(initial=0) > 1e-12 * size:
        raise ValueError("h: the Hamiltonian of a lead's cell is not hermitian.")
    shape = np.broadcast_shapes(h.shape[:-2], v.shape[:-2], energy.shape)
    return (
        np.broadcast_to(h, (*shape, n, n)),
        np.broadcast_to(v, (*shape, *v.shape[-2:])),
        np.broadcast_to(energy, shape),
    )
