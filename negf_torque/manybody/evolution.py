"""A run: one packet, one direction of its spin, all observables at the requested times."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.manybody.basis import SpinBasis
from negf_torque.manybody.hamiltonian import Hamiltonian, hamiltonian
from negf_torque.manybody.model import QuantumChain
from negf_torque.manybody.observables import Observer, Sample
from negf_torque.manybody.propagate import ChebyshevPropagator, CrankNicolsonPropagator
from negf_torque.manybody.size import RunSize, check_size
from negf_torque.manybody.states import (
    LocalState,
    PacketFacts,
    initial_state,
    occupied_sectors,
    packet_facts,
    product_state,
    wave_packet,
)
from negf_torque.manybody.walls import LONGEST_STEP, WallLog

__all__ = ["Evolution", "Packet", "evolve"]


@dataclass(frozen=True)
class Packet:
    """The electron's wave packet; the paper gives k and dk, but not x0.

    Attributes
    ----------
    wave_number, spread : float
        k and dk, 1/site.
    centre : float
        x0, site.
    """

    wave_number: float = 0.1
    spread: float = 0.2
    centre: float = 20.0


@dataclass(frozen=True)
class Evolution:
    """Result of `evolve`.

    Attributes
    ----------
    times : (T,) float
        fs.
    samples : Sample
        Observables with a leading time axis.
    wall_weight : (T, 2) float
        Probability that has reached the left and the right wall up to each time.
    labels : tuple of str
        Names of the configurations, as in samples.probability.
    facts : PacketFacts
    size : RunSize
    applications : int
        Number of products H psi that the evolution took (0 for Crank-Nicolson).
    warnings : tuple of str
        What a reader of the numbers must know.
    state : (dim, sites) complex
        At the last time.
    hamiltonian : Hamiltonian
    """

    times: NDArray
    samples: Sample
    wall_weight: NDArray
    labels: tuple[str, ...]
    facts: PacketFacts
    size: RunSize
    applications: int
    warnings: tuple[str, ...]
    state: NDArray
    hamiltonian: Hamiltonian


def evolve(
    model: QuantumChain,
    times: ArrayLike,
    *,
    packet: Packet = Packet(),  # noqa: B008 - frozen
    electron_spin: ArrayLike = (0.0, 0.0, -1.0),
    local_state: LocalState | None = None,
    tolerance: float = 1e-10,
    method: str = "chebyshev",
    step: float = 0.05,
    shift: float | None = None,
    entanglement: bool = True,
    memory_limit: float = 4e9,
    sectors: tuple[int, ...] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Evolution:
    """Evolve packet x electron spin x local spins and measure at `times`.

    Parameters
    ----------
    model : QuantumChain
    times : (T,) float
        Output times, fs, from 0 and ascending.
    packet : Packet
    electron_spin : (3,)
        Initial direction of the electron's spin.
    local_state : LocalState, optional
        From `product_state` or `superposition`; default all local spins along +z.
    tolerance : float
        Bound on the error of the state at the last time, rounding apart (Chebyshev).
    method : {"chebyshev", "crank-nicolson"}
    step, shift : float
        Time step (fs) and energy shift (eV; default the mean energy) of Crank-Nicolson.
    entanglement : bool
        Compute purity and entropy of the two parts.
    memory_limit : float
        Bytes; a larger run is refused before it starts.
    sectors : tuple of int, optional
        Sectors of the basis; by default those that the state visits.
    progress : callable, optional
        Called with the time reached, fs.

    Raises
    ------
    ValueError
        For arguments out of range; `TooLargeError` if the run does not fit into memory.

    Examples
    --------
    >>> from negf_torque.manybody.model import quantum_chain
    >>> run = evolve(quantum_chain(), [0, 200])
    >>> round(float(run.samples.electron_spin[-1, 2]), 8)
    -0.98119173
    """
    times = _checked_times(times)
    local = product_state(model) if local_state is None else local_state
    if sectors is None:
        sectors = occupied_sectors(model, electron_spin, local)
    wave = wave_packet(model.length, packet.wave_number, packet.spread, packet.centre)
    factors = method == "crank-nicolson"
    size = check_size(model, sectors, len(times), entanglement, memory_limit, factors)
    h = hamiltonian(model, SpinBasis.of(model.two_s, sectors))
    psi = initial_state(h.basis, wave, electron_spin, local)
    propagate = _propagator(h, psi, method, tolerance, step, shift, times[-1])
    observe = Observer(h, entanglement)
    facts = packet_facts(model, wave, packet.spread, packet.centre)
    walls = WallLog(model.hopping)
    weight = walls.look(0.0, psi)
    samples, weights, applications, now = [], [], 0, 0.0
    for time in times:
        pieces = int(np.ceil((time - now) / LONGEST_STEP))
        for piece in range(pieces):
            psi = propagate(psi, (time - now) / pieces)
            weight = walls.look(now + (time - now) * (piece + 1) / pieces, psi)
        if pieces and isinstance(propagate, ChebyshevPropagator):
            applications += pieces * propagate.terms((time - now) / pieces)
        now = time
        samples.append(observe(psi))
        weights.append(weight)
        if progress is not None:
            progress(float(time))
    return Evolution(
        times=times,
        samples=Sample.stack(samples),
        wall_weight=np.array(weights),
        labels=tuple(h.basis.label(i) for i in range(h.basis.size)),
        facts=facts,
        size=size,
        applications=applications,
        warnings=tuple(walls.warnings(facts)),
        state=psi,
        hamiltonian=h,
    )


def _checked_times(times: ArrayLike) -> NDArray:
    array = np.atleast_1d(np.asarray(times, float))
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError("times: give one or more finite times in fs.")
    if array[0] < 0 or np.any(np.diff(array) <= 0):
        raise ValueError("times: they must start at 0 or later and ascend.")
    return array


def _propagator(
    h: Hamiltonian,
    psi: NDArray,
    method: str,
    tolerance: float,
    step: float,
    shift: float | None,
    duration: float,
) -> ChebyshevPropagator | CrankNicolsonPropagator:
    if method == "chebyshev":
        return ChebyshevPropagator(h, tolerance, duration)
    if method == "crank-nicolson":
        mean = float(np.vdot(psi, h.apply(psi)).real) if shift is None else shift
        return CrankNicolsonPropagator(h, step, mean)
    raise ValueError(
        f"method: {method!r} is not a propagator. Expected 'chebyshev' or 'crank-nicolson'."
    )
