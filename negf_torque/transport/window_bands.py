"""Whether a bias, a barrier and a contour make sense against the bands of a device."""

import warnings

import numpy as np
from numpy.typing import NDArray

from negf_torque.greens import batched
from negf_torque.lattice.layers import LayerChain, LeadCell
from negf_torque.notices import PhysicsWarning
from negf_torque.transport.contour import Contour
from negf_torque.transport.device import make_device
from negf_torque.transport.leads import attach, fourier_sum

__all__ = ["barrier_layers", "check_barrier", "check_voltage", "lead_bands"]

_MESH = 12


def _momenta(chain: LayerChain) -> NDArray:
    """A coarse mesh with the symmetric points of the zone, (m, d)."""
    axis = 2 * np.pi * np.arange(_MESH) / _MESH
    d = chain.dimension
    if not d:
        return np.zeros((1, 0))
    return np.stack([a.ravel() for a in np.meshgrid(*[axis] * d, indexing="ij")], axis=1)


def _band_range(cell: NDArray, hopping: NDArray) -> tuple[float, float]:
    """Lowest and highest energy of H + V e^{iq} + h.c., matrices (B, n, n)."""
    q = np.exp(2j * np.pi * np.arange(24) / 24)[:, None, None, None]
    wave = q * hopping
    levels = np.linalg.eigvalsh(cell + wave + wave.conj().swapaxes(-1, -2))
    return float(levels.min()), float(levels.max())


def lead_bands(chain: LayerChain, side: int) -> tuple[float, float]:
    """Bottom and top of all bands of the left (0) or right (1) lead, eV, on a coarse mesh."""
    lead: LeadCell = (chain.left, chain.right)[side]
    phases = chain.phases(_momenta(chain))
    return _band_range(fourier_sum(lead.onsite, phases), fourier_sum(lead.hopping, phases))


def barrier_layers(chain: LayerChain, energy: float) -> tuple[int, int] | None:
    """First and last layer of the region in which no electron of this energy can propagate.

    None if there is no such layer; the longest run if there are several.
    """
    phases = chain.phases(_momenta(chain))
    closed = []
    for layer, block in enumerate(chain.onsite):
        neighbours = [
            chain.coupling[n]
            for n in (layer, layer - 1)
            if 0 <= n < len(chain.coupling)
            and chain.coupling[n].shape[-2:] == block.shape[-2:]
        ]
        hopping = neighbours[0] if neighbours else np.zeros_like(block)
        low, high = _band_range(fourier_sum(block, phases), fourier_sum(hopping, phases))
        closed.append(not low <= energy <= high)
    best: tuple[int, int] | None = None
    start = None
    for layer, flag in enumerate([*closed, False]):
        if flag and start is None:
            start = layer
        if not flag and start is not None:
            if best is None or layer - start > best[1] - best[0] + 1:
                best = (start, layer - 1)
            start = None
    return best


def check_barrier(chain: LayerChain, energy: float, first: int, last: int) -> bool:
    """Warn unless electrons of this energy have to tunnel through layers first ... last."""
    found = barrier_layers(chain, energy)
    if found is not None and found[0] <= first and last <= found[1]:
        return True
    warnings.warn(
        f"barrier: electrons at {energy:g} eV propagate in layers {first} to {last}; this is not "
        "tunnelling, and a linear potential is hardly what such a metal screens. Raise the "
        "barrier or use a neutral profile.",
        PhysicsWarning,
        stacklevel=3,
    )
    return False


def check_voltage(
    chain: LayerChain,
    energy: float,
    voltage: float,
    profile: NDArray,
    contour: Contour | None = None,
) -> None:
    """Complain about a voltage beyond the bands, or a contour that begins inside them.

    Raises
    ------
    ValueError
    """
    width = abs(voltage) / 2
    ranges = [
        (low + shift, high + shift)
        for side, shift in ((0, voltage / 2), (1, -voltage / 2))
        for low, high in [lead_bands(chain, side)]
    ]
    low, high = max(r[0] for r in ranges), min(r[1] for r in ranges)
    if voltage and (high <= low or energy + width <= low or energy - width >= high):
        raise ValueError(
            f"voltage: {voltage:g} V is beyond the bands: between {energy - width:g} and "
            f"{energy + width:g} eV no energy lies in the bands of both leads "
            f"({ranges[0][0]:.4g} to {ranges[0][1]:.4g} and {ranges[1][0]:.4g} to "
            f"{ranges[1][1]:.4g} eV). Give a smaller one."
        )
    if voltage and (energy - width < low or energy + width > high):
        warnings.warn(
            f"voltage: at {voltage:g} V part of the bias window lies outside the bands of a lead; "
            "no current flows there.",
            PhysicsWarning,
            stacklevel=3,
        )
    if contour is not None and contour.bottom is not None:
        _check_bottom(chain, contour.bottom, voltage, profile)


def _check_bottom(chain: LayerChain, bottom: float, voltage: float, profile: NDArray) -> None:
    """The phase of det(z - H - Sigma) counts the states below."""
    k = _momenta(chain)
    phases = chain.phases(k)
    z = np.full(len(k), bottom + 1e-9j)
    left = attach(chain.left, chain.sizes[0], phases, z - voltage / 2).sigma
    right = attach(chain.right, chain.sizes[-1], phases, z + voltage / 2).sigma
    shift = np.broadcast_to(voltage * profile[:, None], (len(profile), len(z)))
    phase = batched.log_det(make_device(chain).blocks, phases, z, left, right, shift).imag
    below = float(np.abs(sum(chain.sizes) - phase / np.pi).max())
    if below > 1e-4:
        raise ValueError(
            f"bottom: the contour would begin at {bottom:g} eV inside the bands and cut poles of "
            f"the Green's function ({below:.2g} states lie below). Give a lower energy."
        )
