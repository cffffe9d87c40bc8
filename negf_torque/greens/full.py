"""The whole Green's function of a chain, where every block is needed.

Time and memory grow like the third and second power of the length: meant for responses between
all pairs of sites, in devices of up to about a thousand orbitals.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["full_green"]


def full_green(
    energy: NDArray,
    onsite: Sequence[NDArray],
    coupling: Sequence[NDArray],
    sigma_left: NDArray,
    sigma_right: NDArray,
) -> NDArray:
    """(z - H - Sigma)^{-1}, shape (B, n, n), n the sum of the layers' sizes.

    Parameters
    ----------
    energy : (B,)
    onsite : L arrays (B, n_l, n_l)
    coupling : L - 1 arrays (B, n_{l+1}, n_l)
        H_{l+1,l}.
    sigma_left, sigma_right : (B, n_0, n_0), (B, n_N, n_N)
    """
    sizes = [block.shape[-1] for block in onsite]
    ends = np.cumsum(sizes)
    starts = ends - sizes
    matrix = np.zeros((len(energy), ends[-1], ends[-1]), complex)
    matrix[:] = energy[:, None, None] * np.eye(ends[-1])
    for low, high, block in zip(starts, ends, onsite, strict=True):
        matrix[:, low:high, low:high] -= block
    for layer, block in enumerate(coupling):
        here, there = slice(starts[layer], ends[layer]), slice(starts[layer + 1], ends[layer + 1])
        matrix[:, there, here] -= block
        matrix[:, here, there] -= block.conj().swapaxes(1, 2)
    matrix[:, : sizes[0], : sizes[0]] -= sigma_left
    matrix[:, starts[-1] :, starts[-1] :] -= sigma_right
    return np.linalg.inv(matrix)
