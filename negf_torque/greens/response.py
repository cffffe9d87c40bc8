"""Change of the diagonal Green's function of a chain when its Hamiltonian changes a little.

With M = z - H - Sigma block-tridiagonal and dM its change (block-diagonal, for a potential
that is), dG = -G dM G.  The blocks dG_ll follow from the derivative of the recursion itself, so
that time and memory grow like the length:

    S_l = M_l - V_{l-1} g_{l-1} V_{l-1}^+,  g_l = S_l^{-1},  dg_l = -g_l dS_l g_l,

from the left and in the same way from the right.  Stacked NumPy over a batch; meant for complex
energies, where everything is smooth.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["bond_green", "diagonal_green_derivative", "self_energy_derivative"]

# Rows of a cell up to which the derivative's linear equations are solved as they are.
_SMALL = 2
# |lambda|^(2^n) of the slowest wave of a lead underflows long before.
_MOST_DOUBLINGS = 60


def self_energy_derivative(h: NDArray, v: NDArray, energy: NDArray, sigma: NDArray) -> NDArray:
    """dSigma/dz of a lead, shape (B, n, n).

    Sigma = v g v^+, g = (z - h - Sigma)^{-1} gives Sigma' = -v g (1 - Sigma') g v^+, that is
    Sigma' = -sum_{m >= 1} (v g)^m (g v^+)^m, summed by doubling.

    Parameters
    ----------
    h, v, sigma : (B, n, n)
    energy : (B,) complex
        In the upper half plane.

    Raises
    ------
    ValueError
        If the series does not converge: an energy on a band of the lead.

    Examples
    --------
    A chain of hopping -1: Sigma' = Sigma^2/(Sigma^2 - 1).

    >>> z = np.array([0.3 + 0.2j])
    >>> s = ((z - np.sqrt(z - 2) * np.sqrt(z + 2)) / 2)[:, None, None]
    >>> d = self_energy_derivative(np.zeros((1, 1, 1)), -np.ones((1, 1, 1)), z, s)
    >>> bool(abs(d - s**2 / (s**2 - 1)).max() < 1e-14)
    True
    """
    eye = np.eye(h.shape[-1])
    green = np.linalg.inv(energy[:, None, None] * eye - h - sigma)
    left, right = v @ green, green @ v.conj().swapaxes(-1, -2)
    total = left @ right
    if h.shape[-1] <= _SMALL:  # (1 - left (x) right) Sigma' = -left right, all entries at once
        return _small_slope(left, right, total)
    for _ in range(_MOST_DOUBLINGS):
        step = left @ total @ right
        total = total + step
        if np.all(np.abs(step).max(axis=(1, 2)) <= 1e-16 * np.abs(total).max(axis=(1, 2))):
            return -total
        left, right = left @ left, right @ right
    raise ValueError("energy: the derivative of a lead's self-energy diverges on its bands.")


def _small_slope(left: NDArray, right: NDArray, product: NDArray) -> NDArray:
    size = left.shape[-1]
    pairs = np.einsum("bij,bkl->biljk", left, right).reshape(len(left), size**2, size**2)
    slope = np.linalg.solve(np.eye(size**2) - pairs, -product.reshape(len(left), -1, 1))
    return slope.reshape(product.shape)


def diagonal_green_derivative(
    diagonal: Sequence[NDArray], coupling: Sequence[NDArray], change: Sequence[NDArray]
) -> tuple[list[NDArray], list[NDArray]]:
    """Blocks G_ll and their derivatives dG_ll.

    Parameters
    ----------
    diagonal : L arrays (B, n_l, n_l)
        z - H_l - Sigma_l.
    coupling : L - 1 arrays (B or 1, n_{l+1}, n_l)
        V_l = H_{l+1,l}.
    change : L arrays broadcastable to (B, n_l, n_l)
        dM_l, the derivative of `diagonal`.

    Returns
    -------
    green, derivative : lists of (B, n_l, n_l)
    """
    adjoint = [v.conj().swapaxes(-1, -2) for v in coupling]
    size = len(diagonal)
    left, d_left = _sweep(range(size), diagonal, change, coupling, adjoint, 1)
    right, d_right = _sweep(range(size - 1, -1, -1), diagonal, change, adjoint, coupling, -1)
    greens, derivatives = [], []
    for layer in range(size):
        # both one-sided dressings, and the block itself once
        dressed = diagonal[layer] - left[layer] - right[layer]
        d_dressed = change[layer] - d_left[layer] - d_right[layer]
        green = np.linalg.inv(dressed)
        greens.append(green)
        derivatives.append(-green @ d_dressed @ green)
    return greens, derivatives


def bond_green(
    diagonal: Sequence[NDArray], coupling: Sequence[NDArray], bond: int
) -> tuple[NDArray, NDArray]:
    """G_{l,l+1} and G_{l+1,l} at the bond l between layers l and l + 1.

    Parameters as in `diagonal_green_derivative`; shapes (B, n_l, n_{l+1}) and (B, n_{l+1}, n_l).
    """
    adjoint = [v.conj().swapaxes(-1, -2) for v in coupling]
    green = np.linalg.inv(diagonal[-1])
    for layer in range(len(diagonal) - 2, bond, -1):
        green = np.linalg.inv(diagonal[layer] - adjoint[layer] @ green @ coupling[layer])
    right = green
    green = np.linalg.inv(diagonal[0])
    for layer in range(1, bond + 1):
        green = np.linalg.inv(diagonal[layer] - coupling[layer - 1] @ green @ adjoint[layer - 1])
    left, v, v_adjoint = green, coupling[bond], adjoint[bond]
    # G_{l+1,l+1} = (g_right^{-1} - V g_left V^+)^{-1}
    inner = np.linalg.inv(np.linalg.inv(right) - v @ left @ v_adjoint)
    return left @ v_adjoint @ inner, inner @ v @ left


def _sweep(order, diagonal, change, forward, backward, step):
    """V g V^+ that dresses each layer from the side where `order` begins, and its derivative."""
    dressing: list = [0.0] * len(diagonal)
    d_dressing: list = [0.0] * len(diagonal)
    for layer in list(order)[:-1]:
        green = np.linalg.inv(diagonal[layer] - dressing[layer])
        d_green = -green @ (change[layer] - d_dressing[layer]) @ green
        bond = layer if step > 0 else layer - 1
        dressing[layer + step] = forward[bond] @ green @ backward[bond]
        d_dressing[layer + step] = forward[bond] @ d_green @ backward[bond]
    return dressing, d_dressing
