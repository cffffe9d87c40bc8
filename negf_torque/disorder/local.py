"""Local maps: the self-energy and the vertex of one site, by Born and by the coherent potential.

With the averaged Green's function G of the site, v = V - <V>:

    Born                  Sigma = <V> + <v G v>,              Lambda[X] = <v X v>,
    coherent potential    Sigma = C - <(C - V)^{-1}>^{-1},    C = G^{-1} + Sigma,
                          Lambda = (1 + T2 GG)^{-1} T2,       T2[X] = <t X t^+>, GG[X] = G X G^+,
                          t = (V - Sigma)[1 - G (V - Sigma)]^{-1}.

The static (retarded) vertex of the coherent potential is the same without the adjoints; Born's
is one and the same.  Both maps keep Im Sigma <= 0 when Im G <= 0.  Velicky, Kirkpatrick and
Ehrenreich, Phys. Rev. 175, 747 (1968); Velicky, Phys. Rev. 184, 614 (1969).

Everything is stacked over the sites of a group: matrices (S, m, m), maps (S, m^2, m^2) on
row-major vectors.
"""

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.sites import DisorderGroup

__all__ = ["METHODS", "born_parameter", "new_self_energy", "vertex"]

#: Self-consistent Born approximation and coherent potential approximation.
METHODS = ("born", "coherent-potential")

#: Matrices held at once where every alternative of every site has one.
_CHUNK = 200_000


def new_self_energy(method: str, group: DisorderGroup, green: NDArray, sigma: NDArray) -> NDArray:
    """One step Sigma -> Sigma' of the fixed point.

    Parameters
    ----------
    method : {"born", "coherent-potential"}
    green, sigma : (S, m, m)
        Averaged local Green's function found with sigma, and sigma.
    """
    if method == "born":
        second = np.einsum("sij,sj->si", group.second_moment, green.reshape(len(green), -1))
        return group.mean + second.reshape(green.shape)
    # C - <(C - V)^{-1}>^{-1} = Sigma + (1 + <t> G)^{-1} <t>, without inverting G
    mean = np.concatenate([_mean(group, t) for t in _scattering(group, green, sigma)])
    return sigma + np.linalg.solve(np.eye(green.shape[-1]) + mean @ green, mean)


def vertex(
    method: str, group: DisorderGroup, green: NDArray, sigma: NDArray, retarded: bool = False
) -> NDArray:
    """Lambda of each site, (S or 1, m^2, m^2); with `retarded` that of G X G."""
    if method == "born":
        return group.second_moment
    m = green.shape[-1]
    parts = []
    for t in _scattering(group, green, sigma):
        other = t.swapaxes(-1, -2) if retarded else t.conj()
        count = len(t)
        # t X t^+ on row-major vectors: t x t^*
        left = (group.probability[:, None] * t.reshape(count, len(group.probability), -1)).swapaxes(
            1, 2
        )
        pairs = left @ other.reshape(count, len(group.probability), -1)
        parts.append(_interleave(pairs, m))
    second = np.concatenate(parts)
    other = green.swapaxes(-1, -2) if retarded else green.conj()
    own = _interleave(green.reshape(len(green), -1, 1) * other.reshape(len(green), 1, -1), m)
    return np.linalg.solve(np.eye(m * m) + second @ own, second)


def born_parameter(group: DisorderGroup, green: NDArray) -> float:
    """sqrt(<|v|^4>/<|v|^2>) |G|, largest of the sites: Born is the expansion in this number."""
    if not len(green):
        return 0.0
    size = np.linalg.norm(group.fluctuation, 2, axis=(-2, -1))
    square = size**2 @ group.probability
    fourth = size**4 @ group.probability
    ratio = np.divide(fourth, square, out=np.zeros(len(square)), where=square > 0)
    return float(np.max(np.sqrt(ratio) * np.linalg.norm(green, 2, axis=(-2, -1))))


def _scattering(group: DisorderGroup, green: NDArray, sigma: NDArray):
    """t of all alternatives, (S', A, m, m), some sites at a time."""
    step = max(1, _CHUNK // len(group.probability))
    eye = np.eye(green.shape[-1])
    for first in range(0, len(green), step):
        here = slice(first, first + step)
        potential = group.potential if len(group.potential) == 1 else group.potential[here]
        w = potential - sigma[here, None]
        yield _solve(eye - w @ green[here, None], w)


def _solve(a: NDArray, b: NDArray) -> NDArray:
    """a^{-1} b for stacks; closed form for two rows."""
    if a.shape[-1] != 2:
        return np.linalg.solve(a, b)
    adjugate = np.empty_like(a)
    adjugate[..., 0, 0], adjugate[..., 1, 1] = a[..., 1, 1], a[..., 0, 0]
    adjugate[..., 0, 1], adjugate[..., 1, 0] = -a[..., 0, 1], -a[..., 1, 0]
    determinant = a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    return (adjugate @ b) / determinant[..., None, None]


def _mean(group: DisorderGroup, t: NDArray) -> NDArray:
    return np.einsum("a,saij->sij", group.probability, t)


def _interleave(pairs: NDArray, m: int) -> NDArray:
    """(S, (ac), (bd)) -> (S, (ab), (cd)): A_ac B_bd as the map of row-major vectors."""
    count = len(pairs)
    return pairs.reshape(count, m, m, m, m).transpose(0, 1, 3, 2, 4).reshape(count, m * m, m * m)
