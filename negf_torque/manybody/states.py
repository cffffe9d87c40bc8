"""Initial states: a wave packet, a direction of the electron's spin, a state of the local spins.

The packet is exp(i k x - dk^2 (x - x0)^2/4) on the sites of the chain, Mondal et al., Phys. Rev.
B 99, 094431 (2019), Eq. (4): its density has the standard deviation 1/dk, its wave number dk/2.
The local spins start in a product of coherent states (each spin along a direction) or in any
superposition of configurations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.manybody.basis import SpinBasis
from negf_torque.manybody.model import QuantumChain, vectors
from negf_torque.spin import unit_vector

__all__ = [
    "LocalState",
    "PacketFacts",
    "coherent_state",
    "initial_state",
    "occupied_sectors",
    "packet_facts",
    "product_state",
    "superposition",
    "wave_packet",
]

#: Probabilities below this count as zero when sectors are chosen.
NEGLIGIBLE = 1e-26


@dataclass(frozen=True)
class LocalState:
    """State of the local spins: amplitudes of configurations, or one spinor for each spin.

    Attributes
    ----------
    spinors : tuple of (2S + 1,) complex, or None
        Amplitudes of l = S - m = 0, 1 ... for each spin of a product state.
    amplitudes : dict of tuple of int to complex, or None
        (l_1, ..., l_N) -> amplitude of a superposition.
    """

    spinors: tuple[NDArray, ...] | None
    amplitudes: Mapping[tuple[int, ...], complex] | None

    def __call__(self, lowered: NDArray) -> NDArray:
        """Amplitudes (k,) of the configurations (k, N)."""
        if self.spinors is not None:
            out = np.ones(len(lowered), complex)
            for spinor, column in zip(self.spinors, lowered.T, strict=True):
                out = out * spinor[column]
            return out
        table = self.amplitudes or {}
        return np.array([table.get(tuple(row), 0) for row in lowered.tolist()], complex)

    def lowerings(self) -> list[int]:
        """Total numbers of lowerings that occur, in ascending order."""
        if self.amplitudes is not None:
            return sorted({sum(row) for row in self.amplitudes})
        possible = {0: 1.0}
        for spinor in self.spinors or ():
            weights = abs(spinor) ** 2
            sums: dict[int, float] = {}
            for q, probability in possible.items():
                for low in np.flatnonzero(weights):
                    share = probability * weights[low]
                    sums[q + int(low)] = sums.get(q + int(low), 0.0) + share
            possible = {q: p for q, p in sums.items() if p > NEGLIGIBLE}
        return sorted(possible)


@dataclass(frozen=True)
class PacketFacts:
    """What a physicist wants to know of a packet before believing a run.

    Attributes
    ----------
    energy, energy_spread : float
        Mean and standard deviation of hopping plus potential, eV.
    position, position_spread : float
        Mean and standard deviation of the density, sites.
    velocity : float
        Mean group velocity, sites per fs.
    clipped : float
        Share of the Gaussian's density that the ends of the chain cut off.
    """

    energy: float
    energy_spread: float
    position: float
    position_spread: float
    velocity: float
    clipped: float


def wave_packet(
    length: int, wave_number: float = 0.1, spread: float = 0.2, centre: float = 20.0
) -> NDArray:
    """Normalised Gaussian packet (length,) on the sites 0 .. length - 1.

    Parameters
    ----------
    length : int
    wave_number : float
        Mean wave number k, in 1/site.
    spread : float
        dk in exp(-dk^2 (x - x0)^2/4), in 1/site.
    centre : float
        x0, in sites.

    Raises
    ------
    ValueError
        If the packet (four standard deviations of its density, 4/dk) is wider than the chain or
        its centre lies outside.

    Examples
    --------
    >>> round(float(np.sum(abs(wave_packet(400)) ** 2)), 12)
    1.0
    """
    if not (np.isfinite(wave_number) and abs(wave_number) <= np.pi):
        raise ValueError(
            f"wave_number: {wave_number!r} is not a wave number of a chain. Give -pi to pi."
        )
    if not (np.isfinite(spread) and spread > 0):
        raise ValueError(f"spread: {spread!r} is not a spread. Give a positive number per site.")
    if not 0 <= centre <= length - 1:
        raise ValueError(
            f"centre: the packet's centre {centre!r} lies outside the chain. Give 0 to "
            f"{length - 1}."
        )
    if 4 / spread > length:
        raise ValueError(
            f"spread: the packet is {4 / spread:.4g} sites wide (4/spread), wider than the chain "
            f"of {length} sites. Give a spread above {4 / length:.3g}, or a longer chain."
        )
    x = np.arange(length)
    envelope = (spread * (x - centre)) ** 2 / 4
    # amplitudes below 1e-60 would only slow the processor down, as denormal numbers do
    packet = np.where(envelope < 138, np.exp(1j * wave_number * x - envelope), 0)
    return packet / np.linalg.norm(packet)


def packet_facts(
    model: QuantumChain, packet: NDArray, spread: float | None = None, centre: float | None = None
) -> PacketFacts:
    """Energy, position, velocity and clipping of a packet (length,) on the chain.

    `spread` and `centre` of the Gaussian tell how much of it was clipped; without them 0.
    """
    from negf_torque.units import HBAR

    h = model.potential * packet
    h[1:] -= model.hopping * packet[:-1]
    h[:-1] -= model.hopping * packet[1:]
    density = abs(packet) ** 2
    x = np.arange(model.length)
    energy = float(np.vdot(packet, h).real)
    position = float(density @ x)
    clipped = 0.0
    if spread is not None and centre is not None:
        reach = int(np.ceil(12 / spread))
        wide = np.arange(-reach, model.length + reach)
        gauss = np.exp(-((spread * (wide - centre)) ** 2) / 2)
        clipped = float(1 - gauss[reach : reach + model.length].sum() / gauss.sum())
    current = 2 * model.hopping / HBAR * np.imag(np.conj(packet[:-1]) * packet[1:])
    return PacketFacts(
        energy=energy,
        energy_spread=float(np.sqrt(max(np.vdot(h, h).real - energy**2, 0.0))),
        position=position,
        position_spread=float(np.sqrt(max(float(density @ x**2) - position**2, 0.0))),
        velocity=float(current.sum()),
        clipped=max(clipped, 0.0),
    )


def coherent_state(two_s: int, direction: ArrayLike) -> NDArray:
    """Amplitudes (2S + 1,) of m = S, S - 1 ... for a spin that points along `direction`.

    Examples
    --------
    >>> coherent_state(1, [1, 0, 0]).real.round(4).tolist()
    [0.7071, 0.7071]
    """
    x, y, z = unit_vector(direction)
    # cos(theta/2), sin(theta/2): each from the sum that does not cancel, so that -z is exact
    up, down = np.sqrt((1 + z) / 2), np.sqrt((1 - z) / 2)
    sideways = float(np.hypot(x, y))
    if sideways > 0:
        up, down = (up, sideways / 2 / up) if z >= 0 else (sideways / 2 / down, down)
    phase = (x + 1j * y) / sideways if sideways > 0 else 1.0
    low = np.arange(two_s + 1)
    weights = np.sqrt([float(comb(two_s, int(k))) for k in low])
    return weights * up ** (two_s - low) * (down * phase) ** low


def product_state(model: QuantumChain, directions: ArrayLike = (0.0, 0.0, 1.0)) -> LocalState:
    """Each local spin along its direction, (3,) for all or (N, 3)."""
    array = vectors("directions", directions, model.n_spins)
    array = np.broadcast_to(unit_vector(array, "directions"), (model.n_spins, 3))
    spinors = (coherent_state(int(size), d) for size, d in zip(model.two_s, array, strict=True))
    return LocalState(tuple(spinors), None)


def superposition(
    model: QuantumChain, terms: Sequence[tuple[Sequence[float], complex]]
) -> LocalState:
    """Normalised sum of configurations of the local spins.

    Parameters
    ----------
    model : QuantumChain
    terms : sequence of (configuration, amplitude)
        A configuration gives 2m of each spin: 1 and -1 for up and down spins 1/2.

    Examples
    --------
    A magnon shared by two spins:

    >>> from negf_torque.manybody.model import quantum_chain
    >>> state = superposition(quantum_chain(n_spins=2), [([1, -1], 1), ([-1, 1], 1j)])
    >>> state.lowerings()
    [1]
    """
    amplitudes: dict[tuple[int, ...], complex] = {}
    for configuration, amplitude in terms:
        twice_m = np.asarray(configuration, float)
        if twice_m.shape != (model.n_spins,):
            raise ValueError(
                f"configuration: {list(configuration)!r} does not give 2m of each of the "
                f"{model.n_spins} local spins."
            )
        lowered = (model.two_s - twice_m) / 2
        for n, low in enumerate(lowered):
            if low != round(low) or not 0 <= low <= model.two_s[n]:
                size = int(model.two_s[n])
                raise ValueError(
                    f"configuration: 2m = {twice_m[n]:g} of local spin {n} is impossible. Give "
                    f"one of {list(range(size, -size - 1, -2))}."
                )
        key = tuple(int(low) for low in lowered)
        amplitudes[key] = amplitudes.get(key, 0) + complex(amplitude)
    norm = np.sqrt(sum(abs(a) ** 2 for a in amplitudes.values()))
    if not (np.isfinite(norm) and norm > 0):
        raise ValueError("amplitude: the superposition is empty. Give a non-zero finite amplitude.")
    return LocalState(None, {row: a / norm for row, a in amplitudes.items() if a != 0})


def occupied_sectors(
    model: QuantumChain, electron_spin: ArrayLike, local: LocalState
) -> tuple[int, ...]:
    """Sectors (numbers of lowerings) that the state will ever visit."""
    weights = abs(coherent_state(1, electron_spin)) ** 2
    start = {q + e for q in local.lowerings() for e in (0, 1) if weights[e] > NEGLIGIBLE}
    everything = range(int(model.two_s.sum()) + 2)
    if model.conserved == "S_z":
        return tuple(sorted(start))
    if model.conserved == "parity":
        return tuple(q for q in everything if q % 2 in {s % 2 for s in start})
    return tuple(everything)


def initial_state(
    basis: SpinBasis, packet: NDArray, electron_spin: ArrayLike, local: LocalState
) -> NDArray:
    """Product of packet, electron spin and local state: (configurations, sites) complex.

    Raises
    ------
    ValueError
        If the basis lacks configurations that the state needs.
    """
    spinor = coherent_state(1, electron_spin)
    amplitudes = spinor[basis.electron] * local(basis.lowered)
    missing = 1 - np.sum(abs(amplitudes) ** 2)
    if missing > 1e-12:
        raise ValueError(
            f"basis: its sectors {list(basis.sectors)} miss {missing:.3g} of the initial state. "
            "Use the sectors that occupied_sectors() names."
        )
    return np.outer(amplitudes, packet)
