"""Spin pumping: the spin current that a moving magnet sends into its leads, and its damping.

A magnet whose direction changes by dm/dt sends into lead p (units hbar/2)

    I = (1/2 pi) [Re A m x dm/dt + Im A dm/dt],   A = sum(1 - r_up r_dn*) - sum t'_up t'_dn*,

with r the reflection of that lead's electrons and t' the transmission into it (Tserkovnyak,
Brataas, Bauer, PRL 88, 117601 (2002)).  For any device the same follows from the scattering
matrix S or the Green's function, with dH/dt = -(Delta/2) dm/dt.O on the magnet's sites:

    I_a = -(1/2 pi) Im tr[S_a P_p (dS/dt) S^+] = (1/2 pi) Re tr[S_a Gamma_p G (dH/dt) G^+],

and the energy that is lost, per unit of time, from A = i(G - G^+):

    4 pi P = tr[(dH/dt) A (dH/dt) A],     P = alpha S_tot (dm/dt)^2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.greens.full import full_green
from negf_torque.greens.surface import LeadSelfEnergy
from negf_torque.lattice.layers import LayerChain
from negf_torque.spin import unit_vector
from negf_torque.transport.leads import fourier_blocks, lead_self_energies
from negf_torque.transport.mixing import ladder_operators, reflection_mixing, transmission_mixing
from negf_torque.transport.sampling import Sampling, average

__all__ = ["Pumping", "nonlocal_damping", "pumping"]


@dataclass(frozen=True)
class Pumping:
    """What a magnet pumps when its direction moves, per cell.

    Attributes
    ----------
    magnet : str
    direction : (3,)
        m.
    pumped : (2, 3, 3)
        Spin current into the left and right lead, component a, for a unit velocity of m along b,
        from the Green's function; units hbar/2 times that velocity.
    pumped_by_scattering : (2, 3, 3)
        The same from the scattering matrix.
    mixing : (2,) complex or None
        A of both leads; None unless both leads are nonmagnetic and the other magnets absent.
    damping : (3, 3)
        G_ab = alpha_ab S_tot: energy loss for velocities a and b, from tr dH A dH A; S_tot in
        units of hbar.
    damping_by_scattering : (3, 3)
        The same from tr (dS/dt)^+ (dS/dt).
    error : float
        Largest estimated absolute error of the zone average.
    evaluations : int
    converged : bool
    """

    magnet: str
    direction: NDArray
    pumped: NDArray
    pumped_by_scattering: NDArray
    mixing: NDArray | None
    damping: NDArray
    damping_by_scattering: NDArray
    error: float
    evaluations: int
    converged: bool

    @property
    def alpha_spin(self) -> float:
        """alpha S_tot: mean over the two transverse directions; alpha for S_tot = 1."""
        transverse = np.eye(3) - np.outer(self.direction, self.direction)
        return float(np.trace(transverse @ self.damping @ transverse)) / 2


def pumping(
    chain: LayerChain, magnet: str, energy: float, sampling: Sampling | None = None
) -> Pumping:
    """Pumped spin currents and damping of one magnet of a device.

    Parameters
    ----------
    chain : LayerChain
    magnet : str
        The magnet that moves as one; it must be uniform.
    energy : float
        Fermi energy in eV.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.

    Raises
    ------
    ValueError
        If the magnet does not exist or is not uniform.
    """
    sampling = sampling or Sampling()
    m = _direction(chain, magnet)
    moving = _velocity_operators(chain, [name == magnet for name in chain.sites.magnet])
    generators = moving.sum(axis=0)
    alone = set(chain.magnets) == {magnet} and not any(
        np.any(lead.sites.exchange) for lead in (chain.left, chain.right)
    )
    spins = _end_spins(chain)

    def columns(k: NDArray, energies: NDArray) -> NDArray:
        left, right = lead_self_energies(chain, k, energies)
        green = _green(chain, k, energies, left, right)
        currents, damping = _from_green(green, left, right, generators, spins)
        s, ds = _scattering(green, left, right, generators)
        by_s, damping_s = _from_scattering(s, ds, left, right, spins)
        parts = [currents, by_s, damping, damping_s]
        if alone:
            parts.append(_mixing_columns(chain, s, left, right, m))
        return np.concatenate([p.reshape(len(k), -1) for p in parts], axis=1)

    result = average(columns, chain, energy, sampling, lambda size: np.full(size.shape, size.max()))
    value = result.value
    mixing = value[54:58].reshape(2, 2) @ [1, 1j] if alone else None
    return Pumping(
        magnet=magnet,
        direction=m,
        pumped=value[:18].reshape(2, 3, 3),
        pumped_by_scattering=value[18:36].reshape(2, 3, 3),
        mixing=mixing,
        damping=value[36:45].reshape(3, 3),
        damping_by_scattering=value[45:54].reshape(3, 3),
        error=float(result.error.max()),
        evaluations=result.evaluations,
        converged=result.converged,
    )


def nonlocal_damping(
    chain: LayerChain, energy: float, sampling: Sampling | None = None
) -> tuple[NDArray, NDArray]:
    """Damping between all pairs of magnetic sites.

    Returns
    -------
    sites : (n,) int
        Rows of the chain's table of sites.
    damping : (n, n, 3, 3)
        G_ij,ab = (1/4 pi) Re tr[dH_i,a A dH_j,b A], per cell: sum_ij is the damping of all moments
        moving together; S_j alpha_ij in units of hbar.
    """
    magnetic = np.flatnonzero(np.any(chain.sites.exchange, axis=1))
    operators = _velocity_operators(chain, np.isin(np.arange(len(chain.sites.layer)), magnetic))

    def columns(k: NDArray, energies: NDArray) -> NDArray:
        left, right = lead_self_energies(chain, k, energies)
        green = _green(chain, k, energies, left, right)
        spectral = 1j * (green - green.conj().swapaxes(1, 2))
        flat = operators.reshape(-1, *operators.shape[2:])
        moved = np.einsum("oij,bjk->boik", flat, spectral, optimize=True)
        trace = np.einsum("boik,bpki->bop", moved, moved, optimize=True).real
        return trace.reshape(len(k), -1) / (4 * np.pi)

    result = average(
        columns, chain, energy, sampling or Sampling(), lambda s: np.full(s.shape, s.max())
    )
    n = len(magnetic)
    return magnetic, result.value.reshape(n, 3, n, 3).transpose(0, 2, 1, 3)


def _direction(chain: LayerChain, magnet: str) -> NDArray:
    if magnet not in chain.magnets:
        raise ValueError(f"magnet: {magnet!r} is none of {list(chain.magnets)}.")
    directions = unit_vector(chain.sites.exchange[[name == magnet for name in chain.sites.magnet]])
    if not np.allclose(directions, directions[0], atol=1e-9):
        raise ValueError(f"magnet: {magnet!r} is not uniform; it has no single direction to move.")
    return directions[0]


def _velocity_operators(chain: LayerChain, chosen: ArrayLike) -> NDArray:
    """dH/dm_a of each chosen site, (sites, 3, n, n): -(Delta/2) O_a."""
    table = chain.sites
    first = np.concatenate([[0], np.cumsum(chain.sizes)])[table.layer] + table.offset
    rows = np.flatnonzero(chosen)
    size = int(sum(chain.sizes))
    operators = np.zeros((len(rows), 3, size, size), complex)
    for n, i in enumerate(rows):
        here = slice(first[i], first[i] + table.orbitals[i])
        splitting = np.linalg.norm(table.exchange[i])
        operators[n, :, here, here] = -splitting / 2 * table.exchange_operator[i]
    return operators


def _end_spins(chain: LayerChain) -> tuple[NDArray, NDArray]:
    """Spin operators (3, n, n) of the first and the last layer."""
    spins = tuple(np.zeros((3, n, n), complex) for n in (chain.sizes[0], chain.sizes[-1]))
    table = chain.sites
    for i, layer in enumerate(table.layer):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        if layer == 0:
            spins[0][:, here, here] = table.spin[i]
        if layer == len(chain.sizes) - 1:
            spins[1][:, here, here] = table.spin[i]
    return spins  # type: ignore[return-value]


def _green(
    chain: LayerChain, k: NDArray, energies: NDArray, left: LeadSelfEnergy, right: LeadSelfEnergy
) -> NDArray:
    onsite, coupling = fourier_blocks(chain, chain.phases(k))
    return full_green(energies.astype(complex), onsite, coupling, left.sigma, right.sigma)


def _ends(left: LeadSelfEnergy, right: LeadSelfEnergy, size: int) -> tuple[slice, slice]:
    return slice(0, left.sigma.shape[1]), slice(size - right.sigma.shape[1], size)


def _from_green(green, left, right, generators, spins) -> tuple[NDArray, NDArray]:
    """Currents (B, 2, 3, 3) and damping (B, 3, 3)."""
    size = green.shape[1]
    moved = np.einsum("bij,vjk->bvik", green, generators, optimize=True)
    currents = []
    for lead, rows, spin in zip((left, right), _ends(left, right, size), spins, strict=True):
        gamma = 1j * (lead.sigma - lead.sigma.conj().swapaxes(1, 2))
        # (G dH G^+) on the end layer
        block = np.einsum("bvik,bjk->bvij", moved[:, :, rows], green[:, rows].conj(), optimize=True)
        currents.append(np.einsum("aij,bjk,bvki->bav", spin, gamma, block, optimize=True).real)
    spectral = 1j * (green - green.conj().swapaxes(1, 2))
    lossy = np.einsum("vij,bjk->bvik", generators, spectral, optimize=True)
    damping = np.einsum("bvik,bwki->bvw", lossy, lossy, optimize=True).real
    return np.stack(currents, axis=1) / (2 * np.pi), damping / (4 * np.pi)


def _scattering(green, left, right, generators) -> tuple[NDArray, NDArray]:
    """S = -P + i W^+ G W between both leads' orbitals, and dS/dm_v = i W^+ G (dH/dm_v) G W."""
    batch, size = green.shape[:2]
    ends = _ends(left, right, size)
    roots = np.zeros((batch, size, left.sigma.shape[1] + right.sigma.shape[1]), complex)
    split = left.sigma.shape[1]
    roots[:, ends[0], :split] = left.root
    roots[:, ends[1], split:] = right.root
    incoming = green @ roots
    outgoing = roots.conj().swapaxes(1, 2) @ green
    s = 1j * roots.conj().swapaxes(1, 2) @ incoming
    s[:, :split, :split] -= left.projector
    s[:, split:, split:] -= right.projector
    ds = 1j * np.einsum("bij,vjk,bkl->bvil", outgoing, generators, incoming, optimize=True)
    return s, ds


def _from_scattering(s, ds, left, right, spins) -> tuple[NDArray, NDArray]:
    split = left.sigma.shape[1]
    product = ds @ s.conj().swapaxes(1, 2)[:, None]
    currents = [
        -np.einsum("aij,bvji->bav", spin, product[:, :, rows, rows], optimize=True).imag
        for spin, rows in zip(spins, (slice(None, split), slice(split, None)), strict=True)
    ]
    damping = np.einsum("bvij,bwij->bvw", ds.conj(), ds, optimize=True).real
    return np.stack(currents, axis=1) / (2 * np.pi), damping / (4 * np.pi)


def _mixing_columns(chain, s, left, right, m) -> NDArray:
    """Real and imaginary part of A for both leads, (B, 2, 2)."""
    split = left.sigma.shape[1]
    plus = [
        ladder_operators(lead.sites, lead.interface, size, m)
        for lead, size in ((chain.left, chain.sizes[0]), (chain.right, chain.sizes[-1]))
    ]
    blocks = (slice(None, split), slice(split, None))
    values = []
    for own, other in ((0, 1), (1, 0)):
        channels = (left, right)[own].open_channels / 2
        reflection = s[:, blocks[own], blocks[own]]
        into = s[:, blocks[own], blocks[other]]
        a = reflection_mixing(reflection, channels, plus[own]) - transmission_mixing(
            into, plus[other], plus[own]
        )
        values.append(np.stack([a.real, a.imag], axis=-1))
    return np.stack(values, axis=1)
