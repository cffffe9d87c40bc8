"""Lengths that a disordered conductor has: mean free path, spin decay, resistivity.

All are read off profiles along the device, away from its interfaces:

- **mean free path**: electrons that have not been scattered yet carry a current that falls like
  exp(-x/l) (over many channels: the slope of its logarithm at the place asked for).
- **spin-diffusion length**: the accumulation along the moments, exp(-x/l_sd).
- **transverse decay**: the accumulation normal to the moments, exp(-x/l_perp + i x/l_phi) in the
  frame e1, e2, m (right-handed), it turns while it decays.
- **resistivity**: 1/T(L) grows by 1/(2 pi sigma) per layer, T in e^2/h and sigma in e^2/hbar, once
  L exceeds the mean free path; extrapolated to L = 0 what remains is the contacts'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import unit_vector
from negf_torque.transport.disordered import DisorderedResponse
from negf_torque.transport.disordered_device import zone_mesh
from negf_torque.transport.leads import fourier_blocks

__all__ = [
    "Decay",
    "Resistivity",
    "bulk_conductivity",
    "fit_both_ends",
    "fit_decay",
    "mean_free_path",
    "resistivity",
    "spin_diffusion_length",
    "spin_profiles",
    "transverse_decay",
]


@dataclass(frozen=True)
class Decay:
    """One exponential a exp(-x/length + i wave_number x).

    Attributes
    ----------
    length : float
        In layers; negative where the profile grows with x, infinite where it stays.
    wave_number : float
        In radians per layer; 0 for real profiles.
    residual : float
        Largest deviation of the profile from the fit, in units of its largest value.
    """

    length: float
    wave_number: float
    residual: float


@dataclass(frozen=True)
class Resistivity:
    """Growth of the resistance with the length.

    Attributes
    ----------
    lengths : (n,)
        In layers.
    resistance : (n,)
        1/T, in h/e^2 times the area of a cell.
    per_layer, contact : float
        Slope and intercept of a straight line through the longest half of the devices.
    conductivity : float
        1/(2 pi per_layer), in e^2/hbar per lattice constant.
    crossover : float
        Length whose resistance is the contacts': ballistic below, Ohmic above, in layers.
    residual : float
        Largest deviation of the fitted points from the line, relative.
    """

    lengths: NDArray
    resistance: NDArray
    per_layer: float
    contact: float
    conductivity: float
    crossover: float
    residual: float


def fit_decay(profile: ArrayLike) -> Decay:
    """Fit one exponential to a profile (n,), real or complex, at consecutive layers.

    Prony's method: the factor from layer to layer that fits all pairs of neighbours best, weighted
    by their size.

    Raises
    ------
    ValueError
        If there are fewer than three layers or nothing to fit.

    Examples
    --------
    >>> decay = fit_decay(2 * np.exp((-1 / 5 + 0.3j) * np.arange(8)))
    >>> round(decay.length, 12), round(decay.wave_number, 12)
    (5.0, 0.3)
    """
    values = np.asarray(profile)
    if values.ndim != 1 or len(values) < 3:
        raise ValueError(f"profile: {len(np.atleast_1d(values))} layers. Give three or more.")
    if not np.any(values):
        raise ValueError("profile: zero everywhere, there is nothing that could decay.")
    first, second = values[:-1], values[1:]
    # relative weights: each pair counts the same, however small it has become
    weight = 1 / np.abs(first) ** 2
    factor = np.sum(weight * np.conj(first) * second) / np.sum(weight * np.abs(first) ** 2)
    rate = -np.log(np.abs(factor))
    powers = factor ** np.arange(len(values))
    amplitude = np.vdot(powers, values) / np.vdot(powers, powers)
    residual = np.abs(values - amplitude * powers).max() / np.abs(values).max()
    return Decay(
        length=float(1 / rate) if rate else np.inf,
        wave_number=float(np.angle(factor)) if np.iscomplexobj(values) else 0.0,
        residual=float(residual),
    )


def fit_both_ends(profile: ArrayLike) -> Decay:
    """Length of a real profile a exp(-x/length) + b exp(x/length) that both ends feed.

    Neighbours obey p(x - 1) + p(x + 1) = 2 cosh(1/length) p(x), which is fitted by least squares.

    Raises
    ------
    ValueError
        If there are fewer than four layers or nothing to fit.

    Examples
    --------
    >>> x = np.arange(9)
    >>> round(fit_both_ends(np.exp(-x / 4) - 0.02 * np.exp(x / 4)).length, 12)
    4.0
    """
    values = np.asarray(profile, float)
    if values.ndim != 1 or len(values) < 4:
        raise ValueError(f"profile: {len(np.atleast_1d(values))} layers. Give four or more.")
    if not np.any(values[1:-1]):
        raise ValueError("profile: zero everywhere, there is nothing that could decay.")
    inside, around = values[1:-1], values[:-2] + values[2:]
    cosh = float(inside @ around / (2 * inside @ inside))
    # below 1 the profile bends the other way: no decay that could be told
    rate = float(np.arccosh(cosh)) if cosh > 1 else 0.0
    residual = np.abs(around - 2 * cosh * inside).max() / np.abs(values).max()
    return Decay(1 / rate if rate else np.inf, 0.0, float(residual))


def mean_free_path(response: DisorderedResponse, first: int, last: int) -> Decay:
    """Decay of the current of the left lead's electrons that have not been scattered.

    Parameters
    ----------
    response : DisorderedResponse
    first, last : int
        Layers between which the profile is fitted.
    """
    return fit_decay(response.coherent_current_by_lead[0, first:last, 0])


def spin_diffusion_length(
    response: DisorderedResponse, first: int, last: int, m: ArrayLike, lead: int = 0
) -> Decay:
    """Decay of the spin accumulation along m that one lead's electrons make, from both ends.

    In a magnet the accumulation also has a part that follows the charge; it falls off linearly
    and is taken away: what decays is the difference from the same share of the states of both
    leads.

    Parameters
    ----------
    first, last : int
        Layers between which the profile is fitted.
    m : (3,)
    lead : int
        0: electrons from the left.
    """
    along, _ = spin_profiles(response, m, lead)
    return fit_both_ends(along[first : last + 1])


def transverse_decay(
    response: DisorderedResponse, first: int, last: int, m: ArrayLike, lead: int = 0
) -> Decay:
    """Decay and precession of the spin accumulation normal to m, as s.e1 + i s.e2."""
    _, across = spin_profiles(response, m, lead)
    return fit_decay(across[first : last + 1])


def spin_profiles(
    response: DisorderedResponse, m: ArrayLike, lead: int = 0
) -> tuple[NDArray, NDArray]:
    """What the decay of spin is read off, layer by layer.

    Returns
    -------
    along : (layers,)
        Accumulation along m of one lead's electrons, less what the local electrochemical potential
        alone would give.
    across : (layers,) complex
        s.e1 + i s.e2 of the accumulation, with e1, e2, m right-handed.
    """
    m = unit_vector(m)
    density = np.zeros((2, len(response.chain.onsite), 4))
    layer: Any = (slice(None), response.chain.sites.layer)
    np.add.at(density, layer, response.density_by_lead)
    charge, spin = density[:, :, 0], density[lead, :, 1:]
    polarisation = density[:, :, 1:] @ m
    share = charge[lead] / charge.sum(axis=0)
    seed = np.eye(3)[np.argmin(np.abs(m))]
    e1 = np.cross(seed, m) / np.linalg.norm(np.cross(seed, m))
    along = polarisation[lead] - share * polarisation.sum(axis=0)
    return along, spin @ e1 + 1j * (spin @ np.cross(m, e1))


def bulk_conductivity(response: DisorderedResponse, energy: float, layer: int) -> float:
    """Kubo's conductivity of the bulk that a layer is part of, e^2/hbar per lattice constant.

    sigma = (1/pi) <tr v Im G v Im G> with the layer's self-energy, over the zone; vertex
    corrections of the current vanish in crystals with inversion symmetry, whatever the local ones
    are.

    Raises
    ------
    ValueError
        If the layer and its neighbours are not of one material.
    """
    chain = response.chain
    k, weights = zone_mesh(chain, response.mesh)
    onsite, coupling = fourier_blocks(chain, chain.phases(k))
    if not 0 < layer < len(onsite) - 1 or not (
        _equal(onsite[layer], onsite[layer - 1], onsite[layer + 1])
        and _equal(coupling[layer], coupling[layer - 1])
    ):
        raise ValueError(f"layer: {layer} is not inside one material; there is no bulk around it.")
    sites, block = chain.sites, onsite[layer].astype(complex)
    for site, sigma in zip(response.disordered_sites, response.self_energy, strict=True):
        if sites.layer[site] == layer:
            rows = slice(sites.offset[site], sites.offset[site] + sites.orbitals[site])
            block[:, rows, rows] += sigma
    found, points = 0.0, 128
    while points <= _MOST_POINTS:
        before = found
        found = float(_along_the_wire(energy, block, coupling[layer], points) @ weights)
        if abs(found - before) <= 1e-9 * abs(found):
            break
        points *= 2
    return found / np.pi


#: Momenta along the transport direction at most; they grow with the mean free path.
_MOST_POINTS = 65_536


def _along_the_wire(energy: float, onsite: NDArray, coupling: NDArray, points: int) -> NDArray:
    """(B,): mean over the momentum q along the transport direction of tr v Im G v Im G."""
    total = np.zeros(len(onsite))
    for q in 2 * np.pi * (np.arange(points) + 0.5) / points:
        hop = coupling * np.exp(-1j * q)
        back = np.conj(np.swapaxes(hop, -1, -2))
        green = np.linalg.inv(energy * np.eye(onsite.shape[-1]) - onsite - hop - back)
        spectral = (green - np.conj(np.swapaxes(green, -1, -2))) / 2j
        flow = -1j * (hop - back) @ spectral
        total += np.einsum("bij,bji->b", flow, flow).real
    return total / points


def _equal(first: NDArray, *others: NDArray) -> bool:
    return all(first.shape == one.shape and np.allclose(first, one) for one in others)


def resistivity(lengths: Sequence[float], conductances: Sequence[float]) -> Resistivity:
    """Straight line through the resistances of devices of different lengths.

    Parameters
    ----------
    lengths : (n,)
        In layers, ascending; three or more.
    conductances : (n,)
        T in e^2/h per cell.
    """
    length, resistance = np.asarray(lengths, float), 1 / np.asarray(conductances, float)
    if len(length) < 3 or np.any(np.diff(length) <= 0):
        raise ValueError(f"lengths: {list(lengths)}. Give three or more, ascending.")
    half = slice(min(len(length) // 2, len(length) - 2), None)
    slope, contact = np.polyfit(length[half], resistance[half], 1)
    line = contact + slope * length[half]
    return Resistivity(
        lengths=length,
        resistance=resistance,
        per_layer=float(slope),
        contact=float(contact),
        conductivity=float(1 / (2 * np.pi * slope)) if slope else np.inf,
        crossover=float(contact / slope) if slope else np.inf,
        residual=float(np.abs(resistance[half] / line - 1).max()),
    )
