"""Fermi sea of a disordered crystal, with the observable dressed; see `dressed`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.gradient.kubo.medium import Medium, read_traces, solve_medium
from negf_torque.gradient.kubo.samples import Samples
from negf_torque.gradient.kubo.scatterers import Scatterers
from negf_torque.gradient.ladder import superapply
from negf_torque.gradient.scba import greens_function

__all__ = ["sea_integrand", "sea_response"]


def sea_integrand(samples: Samples, scatterers: Scatterers, medium: Medium) -> NDArray:
    """Tr A D with and without vertex corrections at a complex energy, (2, a, d)."""
    n, z, sigma = len(medium.g), medium.energy, medium.sigma
    vertex = scatterers.vertex(medium.g, sigma, True)
    resolvent = np.linalg.inv(np.eye(n * n) - medium.pairs @ vertex)
    squares: Any = 0.0
    for chunk in samples:
        green = greens_function(chunk.h, z, sigma)
        squares = squares + np.einsum("k,kij,kjl->il", chunk.weight, green, green)
    slope = superapply(vertex @ resolvent, -samples.local(squares))  # Sigma'
    both: list[NDArray] = []
    for middle in (np.eye(n) - slope, np.eye(n)):
        direct: Any = 0.0
        local: Any = 0.0
        read: Any = 0.0
        for chunk in samples:
            green = greens_function(chunk.h, z, sigma)
            w = chunk.weight[:, None, None]
            prime = -green @ middle @ green
            d = w * (green @ chunk.velocity @ prime - prime @ chunk.velocity @ green)
            direct = direct + read_traces(chunk.observables, d)
            local = local + d.sum(axis=1)
            read = read + (w * (green @ chunk.observables @ green)).sum(axis=1)
        chi = samples.response(direct)
        if not both:
            dressed = superapply(vertex @ resolvent, samples.vector(local))
            chi = chi + np.einsum("aij,dji->ad", samples.read(read), dressed)
        both.append(chi)
    return np.stack(both)


def _bandwidth(samples: Samples) -> float:
    levels = np.concatenate([np.linalg.eigvalsh(c.h).ravel() for c in samples])
    return float(max(np.ptp(levels), 1e-6))


def sea_response(
    samples_for: Callable[[float], Samples],
    scatterers: Scatterers,
    medium: Medium,
    tolerance: float,
    orders: Sequence[int] = (10, 14, 20, 28, 40),
) -> tuple[NDArray, float, bool]:
    """(1/2 pi) int^mu Re F dE = (1/2 pi) int_0^inf Im F(mu + i y) dy, (2, a, d); error, converged.

    `samples_for` maps a width to samples that resolve it.
    """
    narrow, mu = medium.width, medium.energy.real
    scale = 2 * np.sqrt(max(narrow, 1e-6) * _bandwidth(samples_for(np.inf)))
    before, error, good = None, np.inf, True
    total: Any = 0.0
    for order in orders:
        x, weight = np.polynomial.legendre.leggauss(order)
        t = (x + 1) / 2
        height, jacobian = scale * t / (1 - t), 0.5 * scale * weight / (1 - t) ** 2
        sigma = medium.sigma
        total = 0.0
        for y, share in zip(height, jacobian, strict=True):
            samples = samples_for(narrow + y)
            node = solve_medium(samples, scatterers, mu + 1j * y, sigma)
            good, sigma = good and node.converged, node.sigma
            total = total + share * sea_integrand(samples, scatterers, node).imag / (2 * np.pi)
        if before is not None:
            error = float(np.abs(total - before).max())
            # a Gauss rule gains the square of what its last refinement changed
            if error < tolerance or error**1.5 < tolerance / 3:
                return total, min(error, error**1.5 * 3), good
        before = total
    return total, error, False
