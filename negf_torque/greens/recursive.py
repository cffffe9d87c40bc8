"""Few large layers: block-tridiagonal elimination on LAPACK.

The same equations as in `kernels`, for one chain of layers with tens to thousands of
orbitals each.  With S_l = E - H_l - U_l - Sigma_l - V_{l-1} g_{l-1} V_{l-1}^+ and
g_l = S_l^{-1}, only the states of the leads' open channels are carried along:

    psi_l = g_l (y_l + V_l^+ psi_{l+1}),   y_0 = F_L,  y_l = V_{l-1} g_{l-1} y_{l-1}.

Cost per layer of n orbitals: one inverse, 8 n^3 real operations, and 8 n^2 (2 m_L + m_R)
for the m channels of each lead; V is sparse.  Memory: 16 n^2 L bytes for the g_l.  Parts of the
chain between which nothing couples (the two spins of a collinear magnet) are solved one by
one, each at half the size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from negf_torque.greens import direct
from negf_torque.greens.blocks import SparseBlocks
from negf_torque.greens.observables import States
from negf_torque.greens.surface import LeadSelfEnergy

__all__ = ["ScatteringStates", "independent_parts", "scattering_states"]

#: |S||g| of a block beyond which the chain is done again with full pivoting.
_GROWTH = 1e6


@dataclass(frozen=True)
class ScatteringStates(States):
    """States of both leads (see `States`), and the scattering matrix between open channels.

    Attributes
    ----------
    reflection, transmission_amplitude : (m_L, m_L), (m_R, m_L) complex
        From the left: i F_L^+ G F_L - 1 and i F_R^+ G F_L, in the channels
        ``LeadSelfEnergy.vectors``.
    reflection_right, transmission_amplitude_right : (m_R, m_R), (m_L, m_R) complex
    """

    reflection: NDArray
    transmission_amplitude: NDArray
    reflection_right: NDArray
    transmission_amplitude_right: NDArray

    @property
    def transmission(self) -> float:
        """tr Gamma_L G Gamma_R G^+."""
        return float(np.sum(np.abs(self.transmission_amplitude) ** 2))


def independent_parts(
    onsite: Sequence[csr_array], couplings: Sequence[csr_array], local: Sequence[NDArray | None]
) -> list[list[NDArray]]:
    """Sets of orbitals, by layer, between which nothing couples.

    ``local`` holds a further matrix (n_l, n_l) of each layer, such as a self-energy, or None.
    Orbitals are linked if any entry between them exceeds 1e-15 of the largest.
    """
    edges = np.cumsum([0] + [h.shape[0] for h in onsite])
    rows, columns = [], []

    def link(matrix, row, column):
        entries = csr_array(matrix).tocoo()
        big = np.abs(entries.data) > 1e-15 * np.abs(entries.data).max(initial=0)
        rows.append(entries.row[big] + row)
        columns.append(entries.col[big] + column)

    for layer, h in enumerate(onsite):
        link(h, edges[layer], edges[layer])
        if local[layer] is not None:
            link(local[layer], edges[layer], edges[layer])
        if layer < len(couplings):
            link(couplings[layer], edges[layer + 1], edges[layer])
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(edges[-1],) * 2)
    count, label = connected_components(graph, directed=False)
    by_layer = np.split(label, edges[1:-1])
    return [[np.flatnonzero(part == c) for part in by_layer] for c in range(count)]


def _inverse(matrix: NDArray) -> NDArray | None:
    """Invert in place (C order: the inverse of the transpose is the transposed inverse)."""
    factors, pivots, info = lapack.zgetrf(matrix.T, overwrite_a=1)
    if info == 0:
        work = int(lapack.zgetri_lwork(len(matrix))[0].real)
        factors, info = lapack.zgetri(factors, pivots, lwork=work, overwrite_lu=1)
    return None if info != 0 else factors.T


class _Coupling:
    """V_l: products with it, cheap where it is diagonal."""

    def __init__(self, matrix: csr_array):
        self.matrix = matrix
        self.adjoint = matrix.conj().T.tocsr()
        rows, columns = matrix.nonzero()
        n, m = matrix.shape
        self.diagonal = matrix.diagonal() if n == m and np.array_equal(rows, columns) else None

    def forward(self, x: NDArray) -> NDArray:
        return self.matrix @ x if self.diagonal is None else self.diagonal[:, None] * x

    def back(self, x: NDArray) -> NDArray:
        return self.adjoint @ x if self.diagonal is None else self.diagonal.conj()[:, None] * x

    def dress(self, block: NDArray, green: NDArray) -> None:
        """block -= V g V^+."""
        if self.diagonal is not None:
            d = self.diagonal
            if np.all(d == d[0]):
                block -= abs(d[0]) ** 2 * green
            else:
                block -= d[:, None] * green * d.conj()
        else:
            block -= (self.matrix @ green) @ self.adjoint


def _eliminate(
    blocks: Iterator[NDArray],
    couplings: list[_Coupling],
    source_left: NDArray,
    source_right: NDArray,
) -> list[NDArray] | None:
    """psi_l of all layers, columns of the left lead first, from the blocks S_l - ...

    ``blocks`` yields E - H_l - U_l - Sigma_l as fresh arrays.  None where elimination would
    lose digits.
    """
    greens, columns = [], []
    for layer, block in enumerate(blocks):
        if layer:
            couplings[layer - 1].dress(block, greens[-1])
        size = np.abs(block).max(initial=0.0)
        green = _inverse(block)
        if green is None or not size * np.abs(green).max(initial=0.0) < _GROWTH:
            return None
        y = couplings[layer - 1].forward(columns[-1]) if layer else source_left
        columns.append(green @ y)
        greens.append(green)
    psi = [np.concatenate([columns.pop(), greens.pop() @ source_right], axis=1)]
    left = source_left.shape[1]
    for layer in range(len(greens) - 1, -1, -1):
        here = greens.pop() @ couplings[layer].back(psi[-1])
        here[:, :left] += columns.pop()
        psi.append(here)
    return psi[::-1]


def _part_states(part, onsite, couplings, energy, sigmas, sources, potential, self_energy):
    """States of one independent part, (n_l of the part, m) by layer for both leads."""
    last = len(onsite) - 1

    def blocks():
        for layer, here in enumerate(part):
            block = -onsite[layer][here][:, here].toarray()
            shift = energy if potential is None else energy - potential[layer]
            block[np.diag_indices(len(here))] += shift
            if self_energy is not None and self_energy[layer] is not None:
                block -= self_energy[layer][np.ix_(here, here)]
            if layer == 0:
                block -= sigmas[0][np.ix_(here, here)]
            if layer == last:
                block -= sigmas[1][np.ix_(here, here)]
            yield block

    inner = [
        _Coupling(v[there][:, here])
        for v, here, there in zip(couplings, part, part[1:], strict=False)
    ]
    psi = _eliminate(blocks(), inner, *sources)
    if psi is not None:
        left = sources[0].shape[1]
        return [p[:, :left] for p in psi], [p[:, left:] for p in psi]
    cut = (
        [h[here][:, here] for h, here in zip(onsite, part, strict=True)],
        [v.matrix for v in inner],
        energy,
        (sigmas[0][np.ix_(part[0], part[0])], sigmas[1][np.ix_(part[-1], part[-1])]),
        sources,
        potential,
        None
        if self_energy is None
        else [
            x if x is None else x[np.ix_(here, here)]
            for x, here in zip(self_energy, part, strict=True)
        ],
    )
    return direct.scattering_states(*cut).psi


def scattering_states(
    blocks: SparseBlocks,
    phases: ArrayLike,
    energy: float,
    left: LeadSelfEnergy,
    right: LeadSelfEnergy,
    potential: ArrayLike | None = None,
    self_energy: Sequence[ArrayLike | None] | None = None,
) -> ScatteringStates:
    """Scattering states of both leads of one chain.

    Parameters
    ----------
    blocks : SparseBlocks
        The chain.
    phases : (R,) complex
        exp(i k.R); ``[1]`` for a wire.
    energy : float
    left, right : LeadSelfEnergy
        Batches of one, on layer 0 and on the last layer.
    potential : (L,) real, optional
        Added to the on-site energies.
    self_energy : L entries None or (n_l, n_l) complex, optional
        Further retarded self-energies.

    Returns
    -------
    ScatteringStates
        Densities and currents of sparse operators: its `local` and `current`.

    Raises
    ------
    ValueError
        If shapes do not fit.
    """
    phases = np.asarray(phases, complex)
    if phases.shape != (blocks.harmonics,):
        raise ValueError(f"phases: shape {phases.shape}; expected ({blocks.harmonics},).")
    for name, lead, n in (("left", left, blocks.sizes[0]), ("right", right, blocks.sizes[-1])):
        if lead.sigma.shape != (1, n, n):
            raise ValueError(f"{name}: shape {lead.sigma.shape}; expected {(1, n, n)}.")
    if potential is not None and np.shape(potential) != (blocks.layers,):
        raise ValueError(f"potential: shape {np.shape(potential)}; expected ({blocks.layers},).")
    onsite, couplings = direct.chain_matrices(blocks, phases)
    sigmas = left.sigma[0], right.sigma[0]
    sources = [lead.source[0][:, : lead.open_channels[0]] for lead in (left, right)]
    extra = None if self_energy is None else [
        None if x is None else np.asarray(x, complex) for x in self_energy
    ]
    linked = list(extra) if extra else [None] * blocks.layers
    linked[0] = sigmas[0] if linked[0] is None else np.abs(linked[0]) + np.abs(sigmas[0])
    linked[-1] = sigmas[1] if linked[-1] is None else np.abs(linked[-1]) + np.abs(sigmas[1])

    parts = independent_parts(onsite, couplings, linked)
    psi = tuple([np.zeros((n, f.shape[1]), complex) for n in blocks.sizes] for f in sources)
    for part in parts:
        inner = [f[rows] for f, rows in zip(sources, (part[0], part[-1]), strict=True)]
        used = [np.flatnonzero(np.any(f != 0, axis=0)) for f in inner]
        if not any(len(u) for u in used):
            continue
        inner = [np.ascontiguousarray(f[:, u]) for f, u in zip(inner, used, strict=True)]
        states = _part_states(part, onsite, couplings, energy, sigmas, inner, potential, extra)
        for lead in range(2):
            for layer, here in enumerate(part):
                if len(parts) == 1 and len(used[lead]) == sources[lead].shape[1]:
                    psi[lead][layer] = states[lead][layer]
                else:
                    psi[lead][layer][here[:, None], used[lead]] = states[lead][layer]
    amplitudes = {}
    for q, out in enumerate(sources):
        for p in range(2):
            amplitude = 1j * out.conj().T @ psi[p][-q]
            amplitudes[q, p] = amplitude - np.eye(len(amplitude)) if q == p else amplitude
    return ScatteringStates(
        psi, couplings, amplitudes[0, 0], amplitudes[1, 0], amplitudes[1, 1], amplitudes[0, 1]
    )
