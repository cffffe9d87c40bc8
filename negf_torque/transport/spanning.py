"""Extremal spanning vectors of a spacer's Fermi surface.

At each momentum of the cross-section the spacer's bands have real wave vectors along the stack:
right movers q_R and left movers q_L.  A spanning vector joins one of each, q = q_R - q_L; where it
is stationary as a function of the momentum (maximum, minimum, saddle), contributions to the
interlayer coupling add up, and it oscillates with the thickness with the period 2 pi/q (P. Bruno
and C. Chappert, Phys. Rev. Lett. 67, 1602 (1991)).  Thicknesses are whole numbers of layers, which
makes q and 2 pi - q the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.transport.leads import fourier_sum

__all__ = ["SpanningVector", "spanning_pairs", "spanning_vectors"]

_STEP = 1e-3
_STARTS = 20


@dataclass(frozen=True)
class SpanningVector:
    """A stationary spanning vector.

    Attributes
    ----------
    momentum : (d,)
        Of the cross-section, per cell.
    wave_number : float
        0 < q <= pi per layer, folded.
    kind : str
        "maximum", "minimum" or "saddle" of the unfolded q; "chain" without momenta.
    """

    momentum: NDArray
    wave_number: float
    kind: str

    @property
    def period(self) -> float:
        """Layers."""
        return 2 * np.pi / self.wave_number


def spanning_pairs(chain: LayerChain, layer: int, energy: float, k: NDArray) -> NDArray:
    """All distinct q_R - q_L in (0, 2 pi) at momenta (B, d), ascending, (B, n); else not-a-number.

    Parameters
    ----------
    chain : LayerChain
    layer : int
        A layer of the spacer whose next layer is the same.

    Raises
    ------
    ValueError
        If the layer is not one of a uniform spacer.
    """
    if layer + 1 >= len(chain.sizes) or chain.sizes[layer] != chain.sizes[layer + 1]:
        raise ValueError(f"layer: {layer} is not followed by an equal layer of a spacer.")
    phases = chain.phases(k)
    h, v = fourier_sum(chain.onsite[layer], phases), fourier_sum(chain.coupling[layer], phases)
    size = h.shape[-1]
    level = energy * np.eye(size)
    # V u_{n-1} + (H - E) u_n + V^+ u_{n+1} = 0 with u_n = lambda^n u
    forward = np.linalg.inv(v.conj().swapaxes(1, 2))
    zero, one = np.zeros_like(h), np.broadcast_to(np.eye(size), h.shape)
    matrix = np.block([[zero, one], [-forward @ v, forward @ (level - h)]])
    factor, vectors = np.linalg.eig(matrix)
    u = vectors[:, :size]
    # velocity dE/dq of exp(iqn): 2 Im(u^+ V u exp(-iq))
    back = np.einsum("bim,bij,bjm->bm", u.conj(), v, u) / factor
    size_u = np.einsum("bim,bim->bm", u.conj(), u).real
    velocity = 2 * back.imag / size_u
    real = np.abs(np.abs(factor) - 1) < 1e-7
    pairs = []
    for lam, speed, ok in zip(factor, velocity, real, strict=True):
        right = np.angle(lam[ok & (speed > 1e-9)])
        left = np.angle(lam[ok & (speed < -1e-9)])
        q = np.sort(np.subtract.outer(right, left).ravel() % (2 * np.pi))
        pairs.append(q[np.append(True, np.diff(q) > 1e-7)] if len(q) else q)
    most = max((len(q) for q in pairs), default=0)
    return np.array([np.append(q, np.full(most - len(q), np.nan)) for q in pairs])


def spanning_vectors(chain: LayerChain, layer: int, energy: float) -> list[SpanningVector]:
    """All stationary spanning vectors of the spacer at an energy.

    Newton's method from a mesh of the zone, on finite differences; equal ones (by symmetry) are
    given once.  Longest period first.
    """
    d = chain.dimension
    if d == 0:
        pairs = spanning_pairs(chain, layer, energy, np.zeros((1, 0)))[0]
        found = [SpanningVector(np.zeros(0), _folded(q), "chain") for q in pairs]
        return _distinct(found)
    axis = 2 * np.pi * np.arange(_STARTS) / _STARTS - np.pi
    k = np.stack([a.ravel() for a in np.meshgrid(*[axis] * d, indexing="ij")], axis=1)
    found = []
    count = spanning_pairs(chain, layer, energy, k).shape[1]
    for branch in range(count):
        at, q, hessian = _stationary(chain, layer, energy, k, branch)
        for momentum, value, curvature in zip(at, q, hessian, strict=True):
            signs = np.linalg.eigvalsh(curvature)
            kind = "maximum" if signs.max() < 0 else "minimum" if signs.min() > 0 else "saddle"
            if _folded(value) > 1e-3:
                momentum = (momentum + np.pi) % (2 * np.pi) - np.pi
                found.append(SpanningVector(momentum, _folded(value), kind))
    return _distinct(found)


def _stationary(chain: LayerChain, layer: int, energy: float, k: NDArray, branch: int):
    """Points (m, d) where the branch is stationary, its values and second derivatives."""
    d = k.shape[1]
    units = np.concatenate([np.eye(d), -np.eye(d)])
    corners = [
        a * np.eye(d)[i] + b * np.eye(d)[j]
        for i in range(d)
        for j in range(i)
        for a in (1, -1)
        for b in (1, -1)
    ]
    stencil = _STEP * np.concatenate([np.zeros((1, d)), units, *np.array(corners)[:, None]])

    def values(points: NDArray) -> NDArray:
        every = (points[:, None] + stencil).reshape(-1, d)
        pairs = spanning_pairs(chain, layer, energy, every)
        if pairs.shape[1] <= branch:
            return np.full((len(points), len(stencil)), np.nan)
        found = pairs[:, branch].reshape(len(points), len(stencil))
        # across 2 pi the same branch goes on
        return found[:, :1] + (found - found[:, :1] + np.pi) % (2 * np.pi) - np.pi

    for _ in range(30):
        f = values(k)
        k, f = k[np.isfinite(f).all(axis=1)], f[np.isfinite(f).all(axis=1)]
        if not len(k):
            return k, np.zeros(0), np.zeros((0, d, d))
        slope, second = _derivatives(f, d)
        good = np.abs(np.linalg.det(second)) > 1e-9
        step = np.zeros_like(k)
        step[good] = -np.linalg.solve(second[good], slope[good][:, :, None])[:, :, 0]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        k = k + step * np.minimum(1, 0.3 / np.maximum(length, 1e-300))
    f = values(k)
    fine = np.isfinite(f).all(axis=1)
    k, f = k[fine], f[fine]
    slope, second = _derivatives(f, d)
    done = (np.linalg.norm(slope, axis=1) < 1e-6) & (np.abs(second).max(axis=(1, 2)) < 1e3)
    return k[done], f[done, 0], second[done]


def _derivatives(f: NDArray, d: int) -> tuple[NDArray, NDArray]:
    slope = (f[:, 1 : 1 + d] - f[:, 1 + d : 1 + 2 * d]) / (2 * _STEP)
    second = np.zeros((len(f), d, d))
    for i in range(d):
        second[:, i, i] = (f[:, 1 + i] + f[:, 1 + d + i] - 2 * f[:, 0]) / _STEP**2
    column = 1 + 2 * d
    for i in range(d):
        for j in range(i):
            pp, pm, mp, mm = (f[:, column + c] for c in range(4))
            second[:, i, j] = second[:, j, i] = (pp - pm - mp + mm) / (4 * _STEP**2)
            column += 4
    return slope, second


def _folded(q: float) -> float:
    return float(abs((q + np.pi) % (2 * np.pi) - np.pi))


def _distinct(found: list[SpanningVector]) -> list[SpanningVector]:
    kept: list[SpanningVector] = []
    for one in sorted(found, key=lambda s: s.wave_number):
        if not any(abs(one.wave_number - other.wave_number) < 1e-5 for other in kept):
            kept.append(one)
    return kept
