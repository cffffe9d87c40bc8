"""Isotropic continuum models as samples in polar coordinates, for analytic limits."""

import numpy as np

from negf_torque.gradient.kubo.samples import Chunk, Samples
from negf_torque.spin import SIGMA


def radial_rule(centres, width, top, order=12):
    """Gauss nodes on [0, top] whose intervals shrink to `width` towards the centres."""
    edges = {0.0, float(top), *map(float, centres)}
    for centre in centres:
        step = width
        while step < top:
            edges |= {centre - step, centre + step}
            step *= 2
    edges = np.array(sorted(e for e in edges if 0 <= e <= top))
    x, w = np.polynomial.legendre.leggauss(order)
    half = np.diff(edges)[:, None] / 2
    return ((edges[:-1] + edges[1:])[:, None] / 2 + half * x).ravel(), (half * w).ravel()


def polar_samples(hamiltonian, centres, width, top, observables, angles=12):
    """`hamiltonian(kx, ky)` -> h, (v_x, v_y); `observables(v)` -> (a, k or 1, 2, 2)."""
    k, w = radial_rule(centres, width, top)
    theta = 2 * np.pi * (np.arange(angles) + 0.5) / angles
    kx, ky = np.outer(k, np.cos(theta)).ravel(), np.outer(k, np.sin(theta)).ravel()
    weight = np.repeat(k * w / (2 * np.pi * angles), angles)  # d^2k/(2 pi)^2
    h, v = hamiltonian(kx, ky)
    return Samples([Chunk(h, v, observables(v), weight)])


def dirac(mass):
    """kx sigma_x + ky sigma_y + mass sigma_z."""

    def hamiltonian(kx, ky):
        h = np.einsum("ak,aij->kij", [kx, ky, np.full_like(kx, mass)], SIGMA)
        v = np.broadcast_to(SIGMA[:2, None], (2, len(kx), 2, 2))
        return h, v

    return hamiltonian


def rashba(alpha, m=0.0):
    """k^2/2 + alpha (ky sigma_x - kx sigma_y) - m sigma_z."""

    def hamiltonian(kx, ky):
        one = np.eye(2)
        h = (kx**2 + ky**2)[:, None, None] / 2 * one
        h = h + np.einsum("ak,aij->kij", [alpha * ky, -alpha * kx, np.full_like(kx, -m)], SIGMA)
        v = np.stack(
            [
                kx[:, None, None] * one - alpha * SIGMA[1],
                ky[:, None, None] * one + alpha * SIGMA[0],
            ]
        )
        return h, v

    return hamiltonian


def fermi_momenta(alpha, m, mu):
    """Both roots of k^2/2 -+ sqrt(alpha^2 k^2 + m^2) = mu that are positive."""
    b, c = mu + alpha**2, mu**2 - m**2
    roots = [b - np.sqrt(b**2 - c), b + np.sqrt(b**2 - c)]
    return [np.sqrt(2 * r) for r in roots if r > 0]
