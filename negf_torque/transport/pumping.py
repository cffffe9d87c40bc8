"""Spin pumping: the spin current that a moving magnet sends into its leads, and its damping.

A magnet whose direction changes by dm/dt sends into lead p (units hbar/2)

    I = (1/2 pi) [Re A m x dm/dt + Im A dm/dt],   A = sum(1 - r_up r_dn*) - sum t'_up t'_dn*,

with r the reflection of that lead's electrons and t' the transmission into it (Tserkovnyak,
Brataas, Bauer, PRL 88, 117601 (2002)).  For any device the same follows from the scattering
matrix S or the Green's function, with dH/dt = -(Delta/2) dm/dt.O on the magnet's sites:

    I_a = -(1/2 pi) Im tr[S_a P_p (dS/dt) S^+] = (1/2 pi) Re tr[S_a Gamma_p G (dH/dt) G^+],

and the energy that is lost, per unit of time, from A = i(G - G^+):

    4 pi P = tr[(dH/dt) A (dH/dt) A],     P = alpha S_tot (dm/dt)^2.

What leaves through the leads the magnet loses: the torque on it is minus the sum of the currents
(if no other magnet takes part), along m x dm/dt the torque -2 m x (G dm/dt) of its damping.

A moving magnet also pumps charge, I = (1/2 pi) Re tr[Gamma_p G (dH/dt) G^+].  Onsager: it is minus
the force on the magnet, <dH/dm>, per volt on lead p in the device with all moments reversed
(Brouwer, PRB 58, R10135 (1998); Brataas, Tserkovnyak, Bauer, Halperin, PRB 66, 060404 (2002)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens.surface import LeadSelfEnergy
from negf_torque.lattice.layers import LayerChain, LeadCell
from negf_torque.spin import unit_vector
from negf_torque.transport.leads import lead_self_energies
from negf_torque.transport.mixing import ladder_operators, reflection_mixing, transmission_mixing
from negf_torque.transport.moving import Places, Waves
from negf_torque.transport.sampling import Sampling, average

__all__ = ["Pumping", "damping_torque", "nonlocal_damping", "pumping", "transverse_mean"]


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
        from the Green's function; units hbar/2 times that velocity.  Velocities along m are none:
        m keeps its length, here and below.
    pumped_by_scattering : (2, 3, 3)
        The same from the scattering matrix.
    pumped_charge : (2, 3)
        Particles per time into each lead, for a unit velocity of m along b.
    mixing : (2,) complex or None
        A of both leads; None unless both leads are nonmagnetic and the other magnets absent.
    sharvin : (2,)
        Open channels of each lead per spin.
    conserved : (2, 3, 3)
        Projector on the spin components that each lead conserves: all in a normal metal, one in a
        uniform magnet, none with spin-orbit coupling.  Others go on turning in the lead, and their
        pumped current means that at the interface.
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
    pumped_charge: NDArray
    mixing: NDArray | None
    sharvin: NDArray
    conserved: NDArray
    damping: NDArray
    damping_by_scattering: NDArray
    error: float
    evaluations: int
    converged: bool

    @property
    def alpha_spin(self) -> float:
        """alpha S_tot: mean over the two transverse directions; alpha for S_tot = 1."""
        return float(transverse_mean(self.damping, self.direction, self.direction))

    @property
    def effective_mixing(self) -> NDArray:
        """(2,) complex: A of each lead as the pumped current shows it, mean over both transverse
        velocities; not-a-number for a lead that turns spins."""
        turn = np.cross(self.direction, np.eye(3)).T  # dm/dt -> m x dm/dt
        across = -turn @ turn
        real, imaginary = (
            np.einsum("ab,pab->p", matrix, self.pumped) / 2 for matrix in (turn, across)
        )
        normal = np.isclose(np.trace(self.conserved, axis1=1, axis2=2), 3)
        return np.where(normal, 2 * np.pi * (real + 1j * imaginary), np.nan)

    @property
    def torque(self) -> NDArray:
        """(3, 3): minus the spin that leaves through both leads, units hbar/2 times velocity."""
        return -self.pumped.sum(axis=0)

    @property
    def route_difference(self) -> float:
        """Largest difference between the routes that exist, as a mixing conductance; of the
        currents only the components that the leads conserve."""
        differences = [
            2 * np.pi * np.abs(self.conserved @ (self.pumped - self.pumped_by_scattering)).max(),
            4 * np.pi * np.abs(self.damping - self.damping_by_scattering).max(),
        ]
        if self.mixing is not None:
            differences.append(np.abs(self.mixing - self.effective_mixing).max())
            differences.append(abs(self.mixing.sum().real - 4 * np.pi * self.alpha_spin))
        return float(max(differences))


def transverse_mean(damping: NDArray, m: NDArray, other: NDArray) -> NDArray:
    """(1/2) tr of a damping tensor (..., 3, 3) between the planes across m and other (..., 3).

    For parallel moments the mean over both transverse directions.
    """
    m, other = np.asarray(m, float), np.asarray(other, float)
    own = np.eye(3) - m[..., :, None] * m[..., None, :]
    their = np.eye(3) - other[..., :, None] * other[..., None, :]
    return np.einsum("...ab,...bc,...ca->...", own, damping, their) / 2


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
        If the magnet does not exist, belongs to a lead or is not uniform.

    Examples
    --------
    A moment between normal leads: traces of Green's functions and the scattering matrix agree,
    and a rotation about the moment's own axis costs nothing.

    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> free = Layer(2, exchange=1.0, name="F")
    >>> found = pumping(layer_chain(build_stack([free], cross_section="chain")), "F", -0.5)
    >>> found.route_difference < 1e-8, bool(abs(found.damping[2, 2]) < 1e-12)
    (True, True)
    """
    sampling = sampling or Sampling()
    m = _direction(chain, magnet)
    moving = np.flatnonzero([name == magnet for name in chain.sites.magnet])
    places = Places(chain, moving)
    alone = set(chain.magnets) == {magnet} and not any(
        np.any(lead.sites.exchange) for lead in (chain.left, chain.right)
    )
    spins = _end_spins(chain)

    def columns(k: NDArray, energies: NDArray) -> NDArray:
        left, right = lead_self_energies(chain, k, energies)
        waves = Waves(chain, k, energies, left, right)
        currents, damping, charge = _from_green(waves, places, spins)
        s, ds = _scattering(waves, places)
        by_s, damping_s = _from_scattering(s, ds, left, spins)
        channels = np.stack([left.open_channels, right.open_channels], axis=1) / 2
        parts = [currents, by_s, damping, damping_s, charge, channels]
        if alone:
            parts.append(_mixing_columns(chain, s, left, right, m))
        return np.concatenate([p.reshape(len(k), -1) for p in parts], axis=1)

    result = average(columns, chain, energy, sampling, lambda size: np.full(size.shape, size.max()))
    value = result.value
    mixing = value[62:66].reshape(2, 2) @ [1, 1j] if alone else None
    return Pumping(
        magnet=magnet,
        direction=m,
        pumped=value[:18].reshape(2, 3, 3),
        pumped_by_scattering=value[18:36].reshape(2, 3, 3),
        pumped_charge=value[54:60].reshape(2, 3),
        mixing=mixing,
        sharvin=value[60:62],
        conserved=np.stack([_conserved(chain.left), _conserved(chain.right)]),
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
    if not len(magnetic):
        raise ValueError("chain: no site has an exchange field; nothing is damped.")
    places = Places(chain, magnetic)

    def columns(k: NDArray, energies: NDArray) -> NDArray:
        waves = Waves(chain, k, energies, *lead_self_energies(chain, k, energies))
        # A_ij = psi_i psi_j^+: the trace is a product of matrix elements between states
        elements = places.elements(waves.incoming, waves.incoming)
        batch = len(k)
        flat = elements.reshape(batch, 3 * len(magnetic), -1)
        gram = (flat.conj() @ flat.swapaxes(1, 2)).real
        pairs = gram.reshape(batch, len(magnetic), 3, len(magnetic), 3).transpose(0, 1, 3, 2, 4)
        return pairs.reshape(batch, -1) / (4 * np.pi)

    result = average(
        columns, chain, energy, sampling or Sampling(), lambda s: np.full(s.shape, s.max())
    )
    n = len(magnetic)
    return magnetic, result.value.reshape(n, n, 3, 3)


def damping_torque(chain: LayerChain, sites: NDArray, damping: NDArray, magnet: str) -> NDArray:
    """Torque of the damping on every magnetic site when one magnet moves as one.

    Parameters
    ----------
    chain : LayerChain
    sites, damping
        From `nonlocal_damping`.
    magnet : str
        The one that moves.

    Returns
    -------
    (n, 3, 3)
        Component a of T_i = -2 m_i x sum_j G_ij dm_j/dt for a velocity along b; units hbar/2
        times velocity.  On other magnets it is a drag by the pumped spin current.
    """
    moving = np.array([chain.sites.magnet[i] == magnet for i in sites])
    if not moving.any():
        raise ValueError(f"magnet: {magnet!r} is none of {list(chain.magnets)}.")
    force = damping[:, moving].sum(axis=1)
    m = unit_vector(chain.sites.exchange[sites])
    return -2 * np.cross(m[:, None], force.swapaxes(1, 2)).swapaxes(1, 2)


def _direction(chain: LayerChain, magnet: str) -> NDArray:
    if magnet not in chain.magnets:
        raise ValueError(f"magnet: {magnet!r} is none of {list(chain.magnets)}.")
    if magnet in (*chain.left.sites.magnet, *chain.right.sites.magnet):
        raise ValueError(
            f"magnet: {magnet!r} belongs to a lead, which cannot move. Give a magnet of the region."
        )
    directions = unit_vector(chain.sites.exchange[[name == magnet for name in chain.sites.magnet]])
    if not np.allclose(directions, directions[0], atol=1e-9):
        raise ValueError(f"magnet: {magnet!r} is not uniform; it has no single direction to move.")
    return directions[0]


def _conserved(lead: LeadCell) -> NDArray:
    """(3, 3): projector on the spin components that commute with a lead's Hamiltonian."""
    table = lead.sites
    spin = np.zeros((3, *lead.onsite.shape[1:]), complex)
    for i in range(len(table.layer)):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        spin[:, here, here] = table.spin[i]
    blocks = np.concatenate([lead.onsite, lead.hopping])
    change = (spin[:, None] @ blocks - blocks @ spin[:, None]).reshape(3, -1)
    sizes, axes = np.linalg.eigh((change.conj() @ change.T).real)
    kept = axes[:, sizes < 1e-18 * max(1.0, np.abs(blocks).max() ** 2)]
    return kept @ kept.T


def _end_spins(chain: LayerChain) -> tuple[NDArray, NDArray]:
    """Spin operators (3, n, n) of the first and the last layer."""
    first, last = (np.zeros((3, n, n), complex) for n in (chain.sizes[0], chain.sizes[-1]))
    table = chain.sites
    for i, layer in enumerate(table.layer):
        here = slice(table.offset[i], table.offset[i] + table.orbitals[i])
        if layer == 0:
            first[:, here, here] = table.spin[i]
        if layer == len(chain.sizes) - 1:
            last[:, here, here] = table.spin[i]
    return first, last


def _from_green(waves: Waves, places: Places, spins) -> tuple[NDArray, NDArray, NDArray]:
    """Spin currents (B, 2, 3, 3), damping (B, 3, 3) and particle currents (B, 2, 3)."""
    currents, charge = [], []
    for lead, received, spin in zip(waves.leads, waves.received, spins, strict=True):
        gamma = 1j * (lead.sigma - lead.sigma.conj().swapaxes(1, 2))
        block = places.total(received, received)  # G dH G^+ on the end layer
        currents.append(np.einsum("aij,bjk,bvki->bav", spin, gamma, block, optimize=True).real)
        charge.append(np.einsum("bjk,bvkj->bv", gamma, block).real)
    lossy = places.total(waves.incoming, waves.incoming)
    damping = np.einsum("bvij,bwij->bvw", lossy.conj(), lossy, optimize=True).real
    flow, particles = (np.stack(c, axis=1) / (2 * np.pi) for c in (currents, charge))
    return flow, damping / (4 * np.pi), particles


def _scattering(waves: Waves, places: Places) -> tuple[NDArray, NDArray]:
    """S = -P + i W^+ G W between both leads' orbitals, and dS/dm_v = i W^+ G (dH/dm_v) G W."""
    left, right = waves.leads
    size, split = waves.incoming.shape[1], left.sigma.shape[1]
    ends = slice(0, split), slice(size - right.sigma.shape[1], size)
    s = 1j * np.concatenate(
        [
            lead.root.conj().swapaxes(1, 2) @ waves.incoming[:, rows]
            for lead, rows in zip(waves.leads, ends, strict=True)
        ],
        axis=1,
    )
    s[:, :split, :split] -= left.projector
    s[:, split:, split:] -= right.projector
    outgoing = np.concatenate(
        [r @ lead.root for r, lead in zip(waves.received, waves.leads, strict=True)], axis=2
    )
    return s, 1j * places.total(outgoing, waves.incoming)


def _from_scattering(
    s: NDArray, ds: NDArray, left: LeadSelfEnergy, spins: tuple[NDArray, NDArray]
) -> tuple[NDArray, NDArray]:
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
