"""Change of the Green's function between neighbouring layers when a chain's Hamiltonian changes.

As in `negf_torque.greens.response`, with M = z - H - Sigma block-tridiagonal and a block-diagonal
change dM; g_l is the chain to the right of layer l, without the rest:

    G_{l,l+1} = G_ll V_l^+ g_{l+1},   G_{l+1,l} = g_{l+1} V_l G_ll,   V_l = H_{l+1,l},

and the derivatives by the product rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NeighbourBlocks", "neighbour_green_derivative", "scattering_columns"]


@dataclass(frozen=True)
class NeighbourBlocks:
    """Blocks X_ll, X_{l,l+1} and X_{l+1,l} of a matrix on a chain of layers."""

    diagonal: list[NDArray]
    upper: list[NDArray]
    lower: list[NDArray]


def neighbour_green_derivative(
    diagonal: Sequence[NDArray], coupling: Sequence[NDArray], change: Sequence[NDArray]
) -> NeighbourBlocks:
    """The derivative dG = -G dM G within layers and between neighbours.

    Parameters
    ----------
    diagonal : L arrays (B, n_l, n_l)
        z - H_l - Sigma_l.
    coupling : L - 1 arrays (B or 1, n_{l+1}, n_l)
        V_l = H_{l+1,l}.
    change : L arrays broadcastable to (B, n_l, n_l)
        dM_l.
    """
    adjoint = [v.conj().swapaxes(-1, -2) for v in coupling]
    size = len(diagonal)
    right: list = [None] * size
    d_right: list = [None] * size
    own, d_own = diagonal[-1], change[-1]
    for layer in range(size - 1, -1, -1):
        right[layer] = np.linalg.inv(own)
        d_right[layer] = -right[layer] @ d_own @ right[layer]
        if layer:
            v, vh = coupling[layer - 1], adjoint[layer - 1]
            own = diagonal[layer - 1] - vh @ right[layer] @ v
            d_own = change[layer - 1] - vh @ d_right[layer] @ v
    green, derivative = right[0], d_right[0]
    found = NeighbourBlocks([derivative], [], [])
    for layer in range(size - 1):
        v, vh = coupling[layer], adjoint[layer]
        g, d_g = right[layer + 1], d_right[layer + 1]
        into, out = vh @ g, g @ v
        d_into, d_out = vh @ d_g, d_g @ v
        found.upper.append(derivative @ into + green @ d_into)
        found.lower.append(d_out @ green + out @ derivative)
        # G_{l+1,l+1} = g + g V G_ll V^+ g
        derivative, green = (
            d_g + d_out @ green @ into + out @ derivative @ into + out @ green @ d_into,
            g + out @ green @ into,
        )
        found.diagonal.append(derivative)
    return found


def scattering_columns(
    diagonal: Sequence[NDArray], coupling: Sequence[NDArray], source: NDArray, side: int
) -> list[NDArray]:
    """G times a source on the first (`side` 0) or the last layer (1): L arrays (B, n_l, m).

    With source = the root of a lead's Gamma, the products psi psi^+ are its spectral function.
    """
    order = list(range(len(diagonal)))
    adjoint = [v.conj().swapaxes(-1, -2) for v in coupling]
    toward, back = (coupling, adjoint) if side == 0 else (adjoint, coupling)
    order = order if side == 0 else order[::-1]
    bond = {frozenset((n, n + 1)): n for n in range(len(coupling))}
    green: dict[int, NDArray] = {}
    for place in range(len(order) - 1, -1, -1):
        layer = order[place]
        own = diagonal[layer]
        if place < len(order) - 1:
            n = bond[frozenset((layer, order[place + 1]))]
            own = own - back[n] @ green[order[place + 1]] @ toward[n]
        green[layer] = np.linalg.inv(own)
    psi = {order[0]: green[order[0]] @ source}
    for before, layer in zip(order[:-1], order[1:], strict=True):
        n = bond[frozenset((before, layer))]
        psi[layer] = green[layer] @ (toward[n] @ psi[before])
    return [psi[layer] for layer in range(len(diagonal))]
