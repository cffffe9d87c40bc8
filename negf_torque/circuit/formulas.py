"""Closed forms of circuit theory and of drift-diffusion, for valves of two magnets.

They serve as limits in tests and as quick estimates; conventions as in
`negf_torque.circuit.contact`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "asymmetric_valve_eta",
    "spacer_valve_slonczewski",
    "symmetric_valve_conductance",
    "symmetric_valve_lambda",
    "valet_fert_extra_resistance",
    "valet_fert_polarisation",
]


def symmetric_valve_conductance(
    angles: ArrayLike, conductance: float, polarisation: float, mixing: complex
) -> NDArray:
    """(G/2)[1 - P^2 tan^2(theta/2)/(tan^2(theta/2) + |eta|^2/Re eta)], eta = 2 G_mix/G.

    A. Brataas, Yu. V. Nazarov, G. E. W. Bauer, Eur. Phys. J. B 22, 99 (2001).
    """
    eta = 2 * mixing / conductance
    tangent = np.tan(np.asarray(angles, float) / 2) ** 2
    bracket = tangent / (tangent + abs(eta) ** 2 / np.real(eta))
    return conductance / 2 * (1 - polarisation**2 * bracket)


def symmetric_valve_lambda(conductance: float, polarisation: float, mixing: complex) -> float:
    """Slonczewski's Lambda: Lambda^2 = (|eta|^2/Re eta)/(1 - P^2), eta = 2 G_mix/G."""
    eta = 2 * mixing / conductance
    return float(np.sqrt(abs(eta) ** 2 / np.real(eta) / (1 - polarisation**2)))


def asymmetric_valve_eta(
    angles: ArrayLike,
    conductance: tuple[float, float],
    polarisation: tuple[float, float],
    mixing: tuple[float, float],
) -> NDArray:
    """Torque per current and sin(theta) on magnet 2 of an asymmetric valve, real mixing.

    eta_2 = b2 [P1 (a2 + b1) + P2 (a1 - b1) c]/[(a1 + b2)(a2 + b1) - (a1 - b1)(a2 - b2) c^2],
    a_i = G_i (1 - P_i^2), b_i = 2 G_r,i, c = cos(theta).
    """
    c = np.cos(angles)
    a1, a2 = (g * (1 - p * p) for g, p in zip(conductance, polarisation, strict=True))
    b1, b2 = (2 * g for g in mixing)
    p1, p2 = polarisation
    numerator = b2 * (p1 * (a2 + b1) + p2 * (a1 - b1) * c)
    return numerator / ((a1 + b2) * (a2 + b1) - (a1 - b1) * (a2 - b2) * c * c)


def valet_fert_polarisation(
    r_magnet: float,
    r_normal: float,
    r_interface: float,
    beta: float,
    gamma: float,
    thickness_ratio: float,
    parallel: bool,
) -> float:
    """Spin polarisation of the current at the interfaces of F|N(d)|F with thick F.

    p = (beta r_F + gamma r_b)/(r_F + r_b + X), X = r_N tanh(d/2l) (parallel), r_N coth(d/2l)
    (antiparallel).  T. Valet and A. Fert, Phys. Rev. B 48, 7099 (1993); r = rho* l.
    """
    tanh = np.tanh(thickness_ratio / 2)
    spacer = r_normal * (tanh if parallel else 1 / tanh)
    return float((beta * r_magnet + gamma * r_interface) / (r_magnet + r_interface + spacer))


def valet_fert_extra_resistance(
    r_magnet: float, r_interface: float, beta: float, gamma: float, p: float
) -> float:
    """2 [beta^2 r_F + r_b - (beta r_F + gamma r_b) p]: what two interfaces add."""
    return 2 * (beta**2 * r_magnet + r_interface - (beta * r_magnet + gamma * r_interface) * p)


def spacer_valve_slonczewski(
    r_magnet: float,
    r_normal: float,
    r_interface: float,
    beta: float,
    gamma: float,
    mixing: float,
    thickness_ratio: float,
) -> tuple[float, float]:
    """P and Lambda of a symmetric valve with spin diffusion in the spacer, real mixing.

    a = 1/(r_F + r_b), P0 = (beta r_F + gamma r_b) a, b = 2 G_r, g_s = csch(d/l)/r_N,
    g_c = coth(d/l)/r_N: eta = b P0 g_s/(A + B c), A = a b + (a + b) g_c + 1/r_N^2,
    B = (b - a) g_s; Lambda^2 = (A + B)/(A - B), P = 2 b P0 g_s/(A + B).
    """
    a = 1 / (r_magnet + r_interface)
    p0 = (beta * r_magnet + gamma * r_interface) * a
    b = 2 * mixing
    g_s = 1 / (np.sinh(thickness_ratio) * r_normal)
    g_c = 1 / (np.tanh(thickness_ratio) * r_normal)
    big_a = a * b + (a + b) * g_c + 1 / r_normal**2
    big_b = (b - a) * g_s
    return float(2 * b * p0 * g_s / (big_a + big_b)), float(
        np.sqrt((big_a + big_b) / (big_a - big_b))
    )
