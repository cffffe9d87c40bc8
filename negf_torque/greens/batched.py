"""Many small chains at once: scattering states, densities and currents for a whole batch.

The batch runs over anything: k-points, energies, angles.  Every member is a chain of layers
with few orbitals each, given by one flattened Hamiltonian (`blocks.SparseBlocks`) and the
member's own phases, energy, potential and lead self-energies.  The work is done by compiled
loops over eight members at a time (`kernels`), split over as many threads as
``numba.get_num_threads()`` tells.  A member's result does not depend, to the last bit, on
who shares the batch with it.  Members on which block elimination loses digits (a part of the
chain has a sharp level at just this energy) are found and done again with full pivoting
(`dense`, or `direct` for long chains).  Memory beyond inputs and results: one chain's
left-connected Green's functions for eight members a thread, 128 n^2 L bytes.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens import dense, direct, kernels, structures
from negf_torque.greens.blocks import SparseBlocks, SparseOperators, sparse_operators
from negf_torque.greens.lanes import WIDTH
from negf_torque.greens.packing import (
    SelfEnergy,
    pack_chain,
    pack_leads,
    pack_plan,
    pack_self_energy,
    partition_of,
    plain_array,
)
from negf_torque.greens.surface import LeadSelfEnergy

__all__ = ["Fields", "green_local", "log_det", "solve"]

#: Members among which the order of work is free.
_NEIGHBOURS = 256
#: |g| of a layer, in units of the Hamiltonian's entries, beyond which a member is done again.
_GROWTH = 1e5


@dataclass(frozen=True)
class Fields:
    """Response of a batch of B chains to electrons from the left (0) and right (1) lead.

    Attributes
    ----------
    reflection : (B, n_0, n_0) complex
        i W_L^+ G_00 W_L - P_L, with W the hermitian root of Gamma and P the projector on
        the open channels: in the closed part it is zero.  Unit flux.
    transmission_amplitude : (B, n_N, n_0) complex
        i W_R^+ G_N0 W_L: from the left to the right lead.
    reflection_right, transmission_amplitude_right : (B, n_N, n_N), (B, n_0, n_N) complex
        The same for electrons from the right.
    transmission : (B,)
        tr Gamma_L G Gamma_R G^+.
    local : (2, n_operators, B)
        tr O (A_p)_ll, A_p = G Gamma_p G^+ (2 pi times the states per energy).
    current : (2, L - 1, n_current, B)
        2 Im tr O_{l+1} V_l (A_p)_{l,l+1}: the flow l -> l + 1.
    """

    reflection: NDArray
    transmission_amplitude: NDArray
    reflection_right: NDArray
    transmission_amplitude_right: NDArray
    transmission: NDArray
    local: NDArray
    current: NDArray


def _run(kernel: Callable, at: structures.Layout, arguments: tuple, order: NDArray) -> None:
    """Call kernel(workspace, layout, *arguments, order, begin, end) over all chunks."""
    chunks = -(-len(order) // WIDTH)
    if not chunks:
        return

    def work(begin: int, end: int) -> None:
        size = at.end * 2 * WIDTH
        raw = np.empty(size + WIDTH)
        # whole cache lines, so that an element never straddles two
        shift = (-raw.ctypes.data // 8) % WIDTH
        kernel(raw[shift : shift + size], at, *arguments, order, begin, end)

    threads = min(numba.get_num_threads(), chunks)
    if threads == 1:
        work(0, chunks)
        return
    edges = np.linspace(0, chunks, min(chunks, 4 * threads) + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


def _checked(
    blocks: SparseBlocks, phases: ArrayLike, energy: ArrayLike, dtype: type
) -> tuple[NDArray, NDArray]:
    phases = plain_array(phases, complex)
    if phases.ndim != 2 or phases.shape[0] != blocks.harmonics:
        raise ValueError(f"phases: shape {phases.shape}; expected ({blocks.harmonics}, B).")
    batch = phases.shape[1]
    energy = np.asarray(energy)
    if energy.shape not in ((), (1,), (batch,)):
        raise ValueError(f"energy: shape {energy.shape}; expected ({batch},).")
    if np.iscomplexobj(energy) and dtype is float:
        raise ValueError("energy: complex; scattering states need real energies.")
    return phases, plain_array(np.broadcast_to(energy, (batch,)), dtype)


def _check_self_energy(blocks: SparseBlocks, batch: int, self_energy: SelfEnergy | None) -> None:
    for layer, local in enumerate(self_energy or ()):
        n = int(blocks.sizes[layer])
        if local is not None and np.shape(local) not in ((n, n), (n, n, batch)):
            raise ValueError(
                f"self_energy[{layer}]: shape {np.shape(local)}; expected {(n, n)} or "
                f"{(n, n, batch)}."
            )


def _check_lead(name: str, sigma: NDArray, batch: int, size: int) -> None:
    if sigma.shape != (batch, size, size):
        raise ValueError(f"{name}: shape {sigma.shape}; expected {(batch, size, size)}.")


def _check_operators(name: str, blocks: SparseBlocks, operators: SparseOperators) -> None:
    if len(operators) and not 0 <= operators.layer.min() <= operators.layer.max() < blocks.layers:
        raise ValueError(f"{name}: acts in a layer that is not among 0 ... {blocks.layers - 1}.")
    sizes = np.repeat(blocks.sizes[operators.layer], np.diff(operators.pointer))
    if np.any(operators.row >= sizes) or np.any(operators.column >= sizes):
        raise ValueError(f"{name}: a matrix is larger than its layer.")


def _layout(blocks, plans, columns, stored):
    entries = int(np.diff(blocks.coupling.pointer).max(initial=1))
    rho = max(int(np.diff(scheme.element).max(initial=1)) for scheme in plans)
    return structures.layout(blocks.sizes, blocks.harmonics, entries, rho, columns, stored)


def solve(
    blocks: SparseBlocks,
    phases: ArrayLike,
    energy: ArrayLike,
    left: LeadSelfEnergy,
    right: LeadSelfEnergy,
    operators: SparseOperators | None = None,
    current_operators: SparseOperators | None = None,
    potential: ArrayLike | None = None,
    self_energy: SelfEnergy | None = None,
    scattering: bool = True,
) -> Fields:
    """Scattering states of both leads, and what operators see of them.

    Parameters
    ----------
    blocks : SparseBlocks
        The chain.
    phases : (R, B) complex
        exp(i k.R) of each member.
    energy : (B,) or scalar real
    left, right : LeadSelfEnergy
        On layer 0 and on the last layer.
    operators : SparseOperators, optional
        Hermitian, each within one layer, for ``local``.
    current_operators : SparseOperators, optional
        Hermitian operators of layers 1 ... L - 1, equally many each and in the order of the
        layers (`blocks.bond_operators`), for ``current``.
    potential : (L, B) or (L, 1) real, optional
        Added to the on-site energies.
    self_energy : L entries None or (n_l, n_l[, B]) complex, optional
        Further retarded self-energies, such as those of disorder.
    scattering : bool
        False leaves the amplitudes out (empty arrays) and saves time.

    Raises
    ------
    ValueError
        If shapes do not fit, or an operator is not hermitian.
    """
    phases, energy = _checked(blocks, phases, energy, float)
    batch = len(energy)
    n_left, n_right = int(blocks.sizes[0]), int(blocks.sizes[-1])
    _check_lead("left", left.sigma, batch, n_left)
    _check_lead("right", right.sigma, batch, n_right)
    operators = sparse_operators([]) if operators is None else operators
    currents = sparse_operators([]) if current_operators is None else current_operators
    for name, given in (("operators", operators), ("current_operators", currents)):
        _check_operators(name, blocks, given)
        if not given.hermitian:
            raise ValueError(f"{name}: not hermitian. Only observables have real values here.")
    bonds, per_bond = blocks.layers - 1, 0
    if len(currents):
        per_bond = len(currents) // max(bonds, 1)
        if not np.array_equal(currents.layer, np.repeat(np.arange(1, bonds + 1), per_bond)):
            raise ValueError("current_operators: give equally many for each layer 1 ... L - 1.")

    _check_self_energy(blocks, batch, self_energy)
    parts = partition_of(blocks, left.sigma, right.sigma, self_energy)
    plans = pack_plan(operators, parts, True), pack_plan(currents, parts, False)
    columns = max(left.flux.shape[1], right.flux.shape[1])
    at = _layout(blocks, plans, columns, left.flux.shape[1])
    shapes = [(batch, n_left, n_left), (batch, n_right, n_left), (batch, n_right, n_right),
              (batch, n_left, n_right)]
    amplitudes = [np.zeros(shape if scattering else (0, 0, 0), complex) for shape in shapes]
    reflection, transmission, reflection_right, transmission_right = amplitudes
    out = structures.Outputs(
        scattering, reflection, transmission, reflection_right, transmission_right,
        np.zeros(batch),
        np.zeros((2, len(operators), batch)), np.zeros((2, len(currents), batch)),
        np.zeros(batch),
    )
    # members without an open channel have no states; those of equal number share work, as
    # far as they are close in memory
    rank = left.open_channels * (columns + 1) + right.open_channels
    order = np.lexsort((rank, np.arange(batch) // _NEIGHBOURS))
    order = order[rank[order] > 0]
    arguments = (pack_chain(blocks, parts, phases, potential), pack_leads(left, right, parts),
                 pack_self_energy(blocks, parts, self_energy), energy, *plans, out)
    _run(kernels.solve_chunks, at, arguments, order)
    again = np.flatnonzero(~(out.growth <= _GROWTH))
    if blocks.sizes.sum() <= dense.LARGEST:
        chain = blocks, phases, energy, potential, self_energy
        _solve_densely(again, chain, (left, right), operators, currents, out)
    else:
        for b in again:
            member = _member(b, blocks, phases, energy, potential, self_energy)
            _solve_again(b, member, (left, right), operators, currents, out)
    return Fields(
        out.reflection, out.transmission_left, out.reflection_right, out.transmission_right,
        out.transmission, out.local, out.current.reshape(2, bonds, per_bond, batch),
    )


def _member(
    b, blocks, phases, energy, potential, self_energy
) -> tuple[tuple[list, list, complex], dict[str, Any]]:
    """Arguments of `direct` for batch member b: matrices, then energy; potential, Sigma."""
    if potential is not None:
        potential = np.broadcast_to(potential, (blocks.layers, phases.shape[1]))[:, b]
    if self_energy is not None:
        self_energy = [
            x if x is None or np.ndim(x) == 2 else np.asarray(x)[:, :, b] for x in self_energy
        ]
    here = phases[:, b]
    matrices = direct.onsite_matrices(blocks, here), direct.coupling_matrices(blocks, here)
    return (*matrices, energy[b]), {"potential": potential, "self_energy": self_energy}


def _solve_densely(members, chain, leads, operators, currents, out):
    """Some batch members as one stack of full matrices, into the outputs."""
    if not len(members):
        return
    blocks, phases, energy, potential, self_energy = chain
    if potential is not None:
        potential = np.broadcast_to(potential, (blocks.layers, len(energy)))[:, members]
    if self_energy is not None:
        self_energy = [
            x if x is None or np.ndim(x) == 2 else np.asarray(x)[:, :, members]
            for x in self_energy
        ]
    left, right = (
        LeadSelfEnergy(*(x[members] for x in (p.sigma, p.vectors, p.flux, p.open_channels)))
        for p in leads
    )
    here = left, right
    *psi, couplings = dense.dense_states(
        blocks, phases[:, members], energy[members], here, potential, self_energy
    )
    for lead in range(2):
        out.local[lead][:, members] = dense.expectation(operators, psi[lead])
        if len(currents):
            out.current[lead][:, members] = dense.flow(currents, psi[lead], couplings)
    targets = [[out.reflection, out.transmission_right],
               [out.transmission_left, out.reflection_right]]
    for q in range(2):
        for p in range(2):
            amplitude = 1j * here[q].source.conj().swapaxes(1, 2) @ psi[p][-q]
            if (q, p) == (1, 0):
                out.transmission[members] = np.sum(np.abs(amplitude) ** 2, axis=(1, 2))
            if out.scattering:
                whole = here[q].vectors @ amplitude @ here[p].vectors.conj().swapaxes(1, 2)
                targets[q][p][members] = whole - here[q].projector if q == p else whole


def _solve_again(b, member, leads, operators, currents, out):
    """Batch member b by the safe solver, into the outputs."""
    arguments, options = member
    sigmas = tuple(lead.sigma[b] for lead in leads)
    sources = tuple(lead.source[b][:, : lead.open_channels[b]] for lead in leads)
    vectors = [lead.vectors[b][:, : lead.open_channels[b]] for lead in leads]
    onsite, couplings, energy = arguments
    states = direct.scattering_states(onsite, couplings, energy, sigmas, sources, **options)
    out.local[:, :, b] = states.local(operators)
    out.current[:, :, b] = states.current(currents)
    targets = [[out.reflection, out.transmission_right],
               [out.transmission_left, out.reflection_right]]
    for q in range(2):
        for p in range(2):
            amplitude = 1j * sources[q].conj().T @ states.psi[p][-q]
            if (q, p) == (1, 0):
                out.transmission[b] = np.sum(np.abs(amplitude) ** 2)
            if q == p:
                amplitude = amplitude - np.eye(len(amplitude))
            if out.scattering:
                targets[q][p][b] = vectors[q] @ amplitude @ vectors[p].conj().T


def _sigma_only(sigma: NDArray) -> LeadSelfEnergy:
    batch, n = sigma.shape[:2]
    none = np.zeros((batch, n, 0), complex), np.zeros((batch, 0)), np.zeros(batch, np.int64)
    return LeadSelfEnergy(sigma, *none)


def _green(blocks, phases, energy, sigma_left, sigma_right, operators, potential, self_energy,
           logarithm):
    phases, energy = _checked(blocks, phases, energy, complex)
    batch = len(energy)
    sigma_left, sigma_right = np.asarray(sigma_left, complex), np.asarray(sigma_right, complex)
    _check_lead("sigma_left", sigma_left, batch, blocks.sizes[0])
    _check_lead("sigma_right", sigma_right, batch, blocks.sizes[-1])
    _check_operators("operators", blocks, operators)
    _check_self_energy(blocks, batch, self_energy)
    parts = partition_of(blocks, sigma_left, sigma_right, self_energy)
    scheme = pack_plan(operators, parts, False)
    at = _layout(blocks, [scheme], 1, 0)
    local = np.zeros((len(operators), batch), complex)
    determinant = np.zeros(batch, complex)
    leads = pack_leads(_sigma_only(sigma_left), _sigma_only(sigma_right), parts)
    arguments = (pack_chain(blocks, parts, phases, potential), leads,
                 pack_self_energy(blocks, parts, self_energy), energy, scheme, int(logarithm),
                 local, determinant)
    _run(kernels.green_chunks, at, arguments, np.arange(batch))
    if not logarithm:
        for b in np.nonzero(~(determinant.real <= _GROWTH))[0]:
            member, options = _member(b, blocks, phases, energy, potential, self_energy)
            green = direct.green_blocks(*member, (sigma_left[b], sigma_right[b]), **options)
            for o, layer in enumerate(operators.layer):
                entries = slice(operators.pointer[o], operators.pointer[o + 1])
                pairs = green[layer][operators.column[entries], operators.row[entries]]
                local[o, b] = operators.value[entries] @ pairs
    return local, determinant


def green_local(
    blocks: SparseBlocks,
    phases: ArrayLike,
    energy: ArrayLike,
    sigma_left: ArrayLike,
    sigma_right: ArrayLike,
    operators: SparseOperators,
    potential: ArrayLike | None = None,
    self_energy: SelfEnergy | None = None,
) -> NDArray:
    """tr O G_ll, (n_operators, B) complex, for Fermi seas on a contour.

    Parameters as in `solve`, but the energies may be complex (upper half plane), the leads
    enter by their self-energies (B, n, n) at those energies, and operators need not be
    hermitian.
    """
    return _green(blocks, phases, energy, sigma_left, sigma_right, operators, potential,
                  self_energy, False)[0]


def log_det(
    blocks: SparseBlocks,
    phases: ArrayLike,
    energy: ArrayLike,
    sigma_left: ArrayLike,
    sigma_right: ArrayLike,
    potential: ArrayLike | None = None,
    self_energy: SelfEnergy | None = None,
) -> NDArray:
    """ln det(E - H - Sigma), (B,) complex, for the grand potential (Lloyd's formula).

    The sum of the principal logarithms of the pivots.  In the upper half plane E - H - Sigma
    has a positive definite imaginary part, and so has every pivot: the result is continuous
    there, its imaginary part between 0 and pi times the number of orbitals.  No row is
    exchanged for that reason; digits are lost in proportion to the bandwidth over Im E.
    """
    none = sparse_operators([])
    return _green(blocks, phases, energy, sigma_left, sigma_right, none, potential, self_energy,
                  True)[1]
