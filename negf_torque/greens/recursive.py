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
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from negf_torque.greens import direct
from negf_torque.greens.blocks import SparseBlocks
from negf_torque.greens.observables import States
from negf_torque.greens.surface import LeadSelfEnergy

__all__ = ["ScatteringStates", "scattering_states"]

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


@dataclass(frozen=True)
class _Entries:
    """Entries of all on-site blocks, or of all couplings, sorted by part and layer.

    Those of part c and layer l are ``edges[c][l]:edges[c][l + 1]``; rows and columns count
    within the part's orbitals of their layers.
    """

    row: NDArray
    column: NDArray
    value: NDArray
    edges: NDArray

    def of(self, part: int, layer: int) -> tuple[NDArray, NDArray, NDArray]:
        here = slice(self.edges[part, layer], self.edges[part, layer + 1])
        return self.row[here], self.column[here], self.value[here]


class _Parts:
    """Sets of orbitals between which nothing couples, and the chain's entries within each.

    Orbitals are linked by any entry of H, and by the self-energies, beyond 1e-15 of the
    largest.
    """

    def __init__(self, blocks: SparseBlocks, phases: NDArray, local: dict[int, NDArray]):
        self.offset = np.concatenate([[0], np.cumsum(blocks.sizes)])
        flat = []
        for matrices, down in ((blocks.onsite, 0), (blocks.coupling, 1)):
            layer = np.repeat(np.arange(len(matrices.repeats)), np.diff(matrices.pointer))
            flat.append((
                self.offset[layer + down] + matrices.row,
                self.offset[layer] + matrices.column,
                matrices.entries(phases),
                layer,
            ))
        self.count, self.label = self._components(flat, local)
        layer_of = np.repeat(np.arange(blocks.layers), blocks.sizes)
        # position of each orbital among those of its part and layer
        key = layer_of * self.count + self.label
        order = np.argsort(key, kind="stable")
        first = np.searchsorted(key[order], key[order])
        self.within = np.empty(len(key), np.int64)
        self.within[order] = np.arange(len(key)) - first
        self.onsite, self.coupling = (self._sorted(*entries, blocks.layers) for entries in flat)

    def _components(self, flat, local) -> tuple[int, NDArray]:
        rows, columns = [], []
        for row, column, value, _ in flat:
            big = np.abs(value) > 1e-15 * np.abs(value).max(initial=0)
            rows.append(row[big])
            columns.append(column[big])
        for layer, matrix in local.items():
            row, column = np.nonzero(np.abs(matrix) > 1e-15 * np.abs(matrix).max(initial=0))
            rows.append(self.offset[layer] + row)
            columns.append(self.offset[layer] + column)
        row, column = np.concatenate(rows), np.concatenate(columns)
        graph = coo_array((np.ones(len(row)), (row, column)), shape=(self.offset[-1],) * 2)
        return connected_components(graph, directed=False)

    def _sorted(self, row, column, value, layer, layers) -> _Entries:
        part = self.label[row]
        inside = part == self.label[column]
        row, column, value, layer, part = (x[inside] for x in (row, column, value, layer, part))
        key = part * (layers + 1) + layer
        order = np.argsort(key, kind="stable")
        edges = np.searchsorted(key[order], np.arange(self.count * (layers + 1)))
        return _Entries(
            self.within[row[order]], self.within[column[order]], value[order],
            edges.reshape(self.count, layers + 1),
        )

    def orbitals(self, part: int) -> list[NDArray]:
        """Orbitals of a part, by layer."""
        members = np.flatnonzero(self.label == part)
        cuts = np.searchsorted(members, self.offset[1:-1])
        return [
            x - start for x, start in zip(np.split(members, cuts), self.offset, strict=False)
        ]


def _inverse(matrix: NDArray) -> NDArray | None:
    """Invert in place (C order: the inverse of the transpose is the transposed inverse)."""
    factors, pivots, info = lapack.zgetrf(matrix.T, overwrite_a=1)
    if info == 0:
        factors, info = lapack.zgetri(factors, pivots, lwork=64 * len(matrix), overwrite_lu=1)
    return None if info != 0 else factors.T


def _largest(matrix: NDArray) -> float:
    """Largest real or imaginary part, by size."""
    parts = matrix.view(float)
    return max(parts.max(initial=0.0), -parts.min(initial=0.0))


class _Coupling:
    """V_l: products with it, cheap where it is diagonal."""

    def __init__(self, entries: tuple[NDArray, NDArray, NDArray], shape: tuple[int, int]):
        row, column, value = entries
        self.diagonal = None
        if shape[0] == shape[1] and np.array_equal(row, column) and len(row) == shape[0]:
            self.diagonal = np.empty(shape[0], complex)
            self.diagonal[row] = value
        else:
            self.matrix = csr_array((value, (row, column)), shape=shape)
            self.adjoint = self.matrix.conj().T.tocsr()

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
    greens: list[NDArray] = []
    columns: list[NDArray] = []
    for layer, block in enumerate(blocks):
        if layer:
            couplings[layer - 1].dress(block, greens[-1])
        size = _largest(block)
        green = _inverse(block)
        if green is None or not size * _largest(green) < _GROWTH:
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


def _part_states(parts, number, orbitals, energy, local, sources, potential):
    """States of one independent part, (n_l of the part, m) by layer for both leads."""
    sizes = [len(here) for here in orbitals]
    shift = np.broadcast_to(energy, len(sizes)) if potential is None else energy - potential

    def blocks():
        for layer, n in enumerate(sizes):
            row, column, value = parts.onsite.of(number, layer)
            block = np.zeros((n, n), complex)
            block[row, column] = -value
            block.flat[:: n + 1] += shift[layer]
            if layer in local:
                here = orbitals[layer]
                matrix = local[layer]
                block -= matrix if n == len(matrix) else matrix[here[:, None], here]
            yield block

    couplings = [
        _Coupling(parts.coupling.of(number, bond), (after, before))
        for bond, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False))
    ]
    psi = _eliminate(blocks(), couplings, *sources)
    if psi is None:
        lower = [
            csr_array((v[2], v[:2]), shape=shape)
            for v, shape in (
                (parts.coupling.of(number, bond), (after, before))
                for bond, (before, after) in enumerate(zip(sizes, sizes[1:], strict=False))
            )
        ]
        return direct.elimination_states(list(blocks()), lower, sources)
    left = sources[0].shape[1]
    return [p[:, :left] for p in psi], [p[:, left:] for p in psi]


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
    local: dict[int, NDArray] = {
        layer: np.asarray(matrix, complex)
        for layer, matrix in enumerate(self_energy or ()) if matrix is not None
    }
    for layer, lead in ((0, left), (blocks.layers - 1, right)):
        local[layer] = local.get(layer, 0) + lead.sigma[0]
    sources = [lead.source[0][:, : lead.open_channels[0]] for lead in (left, right)]

    parts = _Parts(blocks, phases, local)
    left_psi, right_psi = (
        [np.zeros((n, f.shape[1]), complex) for n in blocks.sizes] for f in sources
    )
    psi = left_psi, right_psi
    for number in range(parts.count):
        orbitals = parts.orbitals(number)
        inner = [f[rows] for f, rows in zip(sources, (orbitals[0], orbitals[-1]), strict=True)]
        used = [np.flatnonzero(np.any(f != 0, axis=0)) for f in inner]
        if not any(len(u) for u in used):
            continue
        inner = [np.ascontiguousarray(f[:, u]) for f, u in zip(inner, used, strict=True)]
        states = _part_states(parts, number, orbitals, energy, local, inner, potential)
        for side in range(2):
            for layer, here in enumerate(orbitals):
                if parts.count == 1:
                    psi[side][layer] = states[side][layer]
                else:
                    psi[side][layer][here[:, None], used[side]] = states[side][layer]
    amplitudes = {}
    for q, out in enumerate(sources):
        for p in range(2):
            amplitude = 1j * out.conj().T @ psi[p][-q]
            amplitudes[q, p] = amplitude - np.eye(len(amplitude)) if q == p else amplitude
    couplings = direct.coupling_matrices(blocks, phases)
    return ScatteringStates(
        psi, couplings, amplitudes[0, 0], amplitudes[1, 0], amplitudes[1, 1], amplitudes[0, 1]
    )
