"""Finite bias of a device with impurities.

As in `negf_torque.transport.bias`, with the averaged medium and its vertex corrections at every
energy of the window (impurities scatter elastically: energies are independent), and the averaged
Green's function for the states that both leads fill.  Those come from the path that runs down from
infinity (`vertical`),

    -(1/pi) Im int dE f tr O G = tr O/2 + (1/pi) int_0^inf dy Re tr O G(mu + i y)

at T = 0, and along a line above the poles of the Fermi function at a temperature.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.disorder.averaged import check_validity
from negf_torque.disorder.impurities import Impurity
from negf_torque.disorder.medium import local_green
from negf_torque.greens.quadrature import adaptive_average
from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.arguments import real_temperature
from negf_torque.transport.bias import BiasPoint
from negf_torque.transport.contour import window_energies
from negf_torque.transport.disordered import response_at
from negf_torque.transport.disordered_device import (
    DisorderedDevice,
    Point,
    local_operators,
    make_disordered,
    point_at,
    site_blocks,
)
from negf_torque.transport.leads import channel_label
from negf_torque.transport.sea import conserves_spin, lowest_energy
from negf_torque.transport.torque import exchange_torque
from negf_torque.transport.vertical import vertical_integral
from negf_torque.units import BOLTZMANN

__all__ = ["DisorderedBiasPoint", "disordered_equilibrium_torque", "disordered_finite_bias"]


@dataclass(frozen=True)
class DisorderedBiasPoint(BiasPoint):
    """`BiasPoint` of a device with impurities.

    Attributes
    ----------
    window_impurity_torque, sea_impurity_torque : (sites, 3)
        Spin lost to magnetic impurities, J in eV.
    """

    window_impurity_torque: NDArray = field(default_factory=lambda: np.zeros((0, 3)))
    sea_impurity_torque: NDArray = field(default_factory=lambda: np.zeros((0, 3)))


def disordered_finite_bias(
    chain: LayerChain,
    energy: float,
    voltage: float,
    profile: ArrayLike,
    impurities: Sequence[Impurity],
    method: str = "born",
    mesh: int = 32,
    tolerance: float = 1e-6,
    lead_impurities: tuple[Sequence[Impurity], Sequence[Impurity]] = ((), ()),
    max_evaluations: int = 100_000,
    temperature: float = 0.0,
) -> DisorderedBiasPoint:
    """Currents and torques of a device with impurities at a voltage.

    Parameters
    ----------
    chain, energy, voltage, profile
        As in `negf_torque.transport.bias.finite_bias`.
    impurities, method, mesh, lead_impurities
        As in `negf_torque.transport.disordered.disordered_response`.
    tolerance : float
        Relative, of the integrals over energies.
    max_evaluations : int
        Energies of the window after which the result is marked as not converged.
    temperature : float
        Of the leads, K; impurities are frozen.

    Raises
    ------
    ValueError
        If the profile does not fit, the voltage is not finite or the temperature negative.
    """
    shape = np.asarray(profile, float)
    if shape.shape != (len(chain.sizes),) or not np.all(np.isfinite(shape)):
        raise ValueError(
            f"profile: shape {shape.shape}. Give a finite number for each of the "
            f"{len(chain.sizes)} layers."
        )
    if not np.isfinite(voltage):
        raise ValueError(f"voltage: {voltage!r} is not a voltage.")
    thermal = _thermal(temperature)
    device = make_disordered(chain, impurities, method, mesh, lead_impurities)
    potential = voltage * shape[chain.sites.layer]
    lower = energy - abs(voltage) / 2
    sea, flowing, sea_error, sea_good = _sea(
        device, lower, potential, voltage, tolerance, temperature
    )
    sites = len(potential)
    window, current, lost = np.zeros((sites, 3)), np.zeros((len(chain.sizes) - 1, 4)), 0 * sea[1]
    total, errors, good = 0.0, (0.0, 0.0), True
    if voltage:
        value, error, good = _window(
            device, lower, potential, voltage, mesh, tolerance, max_evaluations, thermal
        )
        total = float(np.sign(voltage) * value[0])
        parts = np.split(value[1:], np.cumsum([3 * sites, 3 * sites]))
        window, lost = parts[0].reshape(-1, 3), parts[1].reshape(-1, 3)
        current = parts[2].reshape(-1, 4)
        errors = float(error[0]), float(error[1 : 1 + 6 * sites].max())
    return DisorderedBiasPoint(
        chain=chain,
        voltage=voltage,
        current=total,
        spin_current=current,
        sea_spin_current=flowing if conserves_spin(chain) else np.full_like(flowing, np.nan),
        window_torque=window,
        sea_torque=sea[0],
        current_error=errors[0],
        torque_error=sea_error + errors[1],
        converged=sea_good and good,
        window_impurity_torque=lost,
        sea_impurity_torque=sea[1],
    )


def disordered_equilibrium_torque(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    method: str = "born",
    mesh: int = 32,
    tolerance: float = 1e-6,
    lead_impurities: tuple[Sequence[Impurity], Sequence[Impurity]] = ((), ()),
    temperature: float = 0.0,
) -> NDArray:
    """Torque (sites, 3) without a voltage, J in eV (interlayer coupling); temperature in K."""
    _thermal(temperature)
    device = make_disordered(chain, impurities, method, mesh, lead_impurities)
    flat = np.zeros(len(chain.sites.layer))
    return _sea(device, energy, flat, 0.0, tolerance, temperature)[0][0]


def _thermal(temperature: float) -> float:
    return BOLTZMANN * real_temperature(temperature)


def _sea(
    device: DisorderedDevice,
    energy: float,
    potential: NDArray,
    voltage: float,
    tolerance: float,
    temperature: float,
) -> tuple[NDArray, NDArray, float, bool]:
    """What all states below `energy` carry.

    Exchange and impurity torque (2, sites, 3), spin current (layers - 1, 3), error, converged.
    """
    table = device.chain.sites
    operators = local_operators(device.chain)
    solved = True
    # a torque is judged by the splitting, not by a cancellation
    fields = np.linalg.norm(table.exchange, axis=1).max(initial=0.0)

    def column(z: complex, guess: NDArray | None) -> tuple[NDArray, NDArray]:
        nonlocal solved
        point = point_at(device, z, (voltage / 2, -voltage / 2), potential, guess)
        solved = solved and point.solution.converged
        green = local_green(point.medium, point.sigma)
        values = np.zeros((2, len(table.layer), 3), complex)
        for sites, matrices in operators:
            where = site_blocks(device.chain, sites)
            own, sigma = green[where], point.sigma[where]
            lost = 1j * (sigma @ own - own @ sigma)
            values[0, sites] = np.einsum("saij,sji->sa", matrices[:, 4:], own)
            values[1, sites] = np.einsum("saij,sji->sa", matrices[:, 1:4], lost)
        passing = _spin_current(device, point)
        return np.concatenate([values.ravel(), passing.ravel()]), point.solution.sigma

    unit = (energy - lowest_energy(device.chain)) / 8
    integral = vertical_integral(column, energy, unit, tolerance, temperature)
    split = 6 * len(table.layer)
    value = 2 * np.pi * integral.value[:split].reshape(2, -1, 3)
    flowing = 2 * np.pi * integral.value[split:].reshape(-1, 3)
    # tr O/2: what the operators' traces contribute on the way from infinity
    for sites, matrices in operators:
        value[0, sites] += np.pi * np.einsum("saii->sa", matrices[:, 4:]).real
    torque = exchange_torque(table, value[0])
    error = 2 * np.pi * float(integral.error.max()) * max(fields, 1.0)
    return np.stack([torque, value[1]]), flowing, error, integral.converged and solved


def _spin_current(device: DisorderedDevice, point: Point) -> NDArray:
    """-i tr S_a (V G_{l,l+1} - G_{l+1,l} V^+) of all bonds, (layers - 1, 3) complex.

    With D = V g V^+, g the Green's function of all to the left: V G_{l,l+1} = D G_{l+1,l+1}.
    """
    medium, sizes = point.medium, point.medium.sizes
    matrix = medium.diagonal - point.sigma
    back = medium.coupling.conj().swapaxes(2, 3)
    layers = len(sizes)
    right: list = [0.0] * layers
    for layer in range(layers - 1, 0, -1):
        n, m = sizes[layer], sizes[layer - 1]
        green = np.linalg.inv(matrix[:, layer, :n, :n] - right[layer])
        hop = medium.coupling[:, layer - 1, :n, :m]
        right[layer - 1] = back[:, layer - 1, :m, :n] @ green @ hop
    passing = np.zeros((layers, *medium.diagonal.shape[2:]), complex)
    left = 0.0
    for layer in range(1, layers):
        n, m = sizes[layer], sizes[layer - 1]
        green = np.linalg.inv(matrix[:, layer - 1, :m, :m] - left)
        hop = medium.coupling[:, layer - 1, :n, :m]
        left = hop @ green @ back[:, layer - 1, :m, :n]
        green = np.linalg.inv(matrix[:, layer, :n, :n] - left - right[layer])
        here = np.einsum("b,bij->ij", medium.weights, left @ green - green @ left)
        passing[layer, :n, :n] = here
    current = np.zeros((layers, 3), complex)
    for sites, operators in local_operators(device.chain):
        own = passing[site_blocks(device.chain, sites)]
        spin = np.einsum("saij,sji->sa", operators[:, 1:4], own)
        np.add.at(current, device.chain.sites.layer[sites], -1j * spin)
    return current[1:]


def _window(
    device: DisorderedDevice,
    lower: float,
    potential: NDArray,
    voltage: float,
    mesh: int,
    tolerance: float,
    max_evaluations: int,
    thermal: float,
) -> tuple[NDArray, NDArray, bool]:
    """Integrals over the window of one lead's states: transmission, torques, currents."""
    chain, width = device.chain, abs(voltage)
    lead, shifts = (0 if voltage > 0 else 1), (voltage / 2, -voltage / 2)
    guesses: dict[float, NDArray] = {}
    solved, sites = True, len(potential)

    def columns(points: NDArray) -> NDArray:
        nonlocal solved
        rows = []
        for s in points[:, 0]:
            guess = guesses[min(guesses, key=lambda known: abs(known - s))] if guesses else None
            energy = float(window_energies(s, lower, width, thermal))
            point = point_at(device, energy, shifts, potential, guess)
            if not guesses:
                check_validity(device.method, point.solution, energy)
            guesses[float(s)] = point.solution.sigma
            response = response_at(device, point, mesh)
            solved = solved and response.converged
            torque = exchange_torque(chain.sites, response.exchange_density_by_lead[lead])
            parts = (torque, response.impurity_torque_by_lead[lead], response.current_by_lead[lead])
            rows.append(np.concatenate([[response.conductance], *(p.ravel() for p in parts)]))
        return np.array(rows)

    def scale(size: NDArray) -> NDArray:
        torque = np.full(6 * sites, size[1 : 1 + 6 * sites].max(initial=0.0))
        return np.concatenate([size[:1], torque, np.full(len(size) - 1 - 6 * sites, size[0])])

    label = None
    if not chain.dimension and not any(device.lead_impurities):

        def label(points: NDArray) -> NDArray:
            energies = window_energies(points[:, 0], lower, width, thermal)
            return channel_label(chain, np.zeros((len(points), 0)), energies, shifts)

    mean = adaptive_average(
        columns,
        [[0.0, 1.0]],
        rtol=tolerance,
        scale=scale,
        label=label,
        max_evaluations=max_evaluations,
    )
    return width * mean.value, width * mean.error, mean.converged and solved
