"""Bloch modes of leads from a quadratic eigenvalue problem, for a whole batch.

A mode u lambda^j (cells j numbered away from the device) obeys

    [v^+ + (h - E) lambda + v lambda^2] u = 0.

Its 2 n solutions come in pairs lambda, 1/lambda^*: n of them leave the device, decaying
(|lambda| < 1) or carrying current outwards (|lambda| = 1), and the matrix Lambda that takes
them from a cell to the next gives the self-energy Sigma = v Lambda.  With a shift s that is no
lambda (on the unit circle, or real), theta = 1/(lambda - s) are the eigenvalues of a regular
matrix even where v is singular.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["decimated_self_energy", "mode_self_energy", "residual"]

#: |lambda| within this of 1 may be a propagating mode, if it carries current.
_CIRCLE = 1e-6
#: Currents below this, in units of |v|, are none.
_STILL = 1e-7


def _adjoint(a: NDArray) -> NDArray:
    return a.conj().swapaxes(-1, -2)


def residual(h: NDArray, v: NDArray, energy: NDArray, sigma: NDArray) -> NDArray:
    """(B,): how well Sigma = v (E - h - Sigma)^{-1} v^+ holds, relative to rounding.

    The largest entry of the difference over |v| (1 + (|Sigma|/|v|)^2): a surface state close
    to the energy makes Sigma large, and its equation sensitive by the square of that.
    Infinite where the equation cannot be evaluated.
    """
    identity = np.eye(h.shape[-1])
    try:
        inner = np.linalg.solve(energy[:, None, None] * identity - h - sigma, _adjoint(v))
    except np.linalg.LinAlgError:
        return np.full(len(h), np.inf)
    scale = np.abs(v).max(axis=(1, 2))
    scale = np.where(scale > 0, scale, 1)
    size = np.abs(sigma - v @ inner).max(axis=(1, 2))
    size = size / (scale * (1 + (np.abs(sigma).max(axis=(1, 2)) / scale) ** 2))
    return np.where(np.isfinite(size), size, np.inf)


def _eigenmodes(h: NDArray, v: NDArray, energy: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """All lambda and 1/lambda, (B, 2n) each, and vectors (B, 2n, 2n) = (lambda u; u)."""
    n = h.shape[-1]
    adjoint = _adjoint(v)
    shifted = h - energy[:, None, None] * np.eye(n)
    # s (H(k) - E) with s = e^{ik} is singular where E is a level of H(k): the best of some k
    trials = np.exp(1j * np.array([0.7, 1.9, 3.0, 4.4]))
    if not np.iscomplexobj(shifted) and not np.iscomplexobj(v):
        trials = np.array([1, -1, 0.6, -0.6])  # stay real
    best = np.full(len(h), np.inf)
    shift = np.ones(len(h), trials.dtype)
    inverse = np.zeros(h.shape, np.result_type(shifted, v, trials))
    for s in trials:
        trial = _inverse(s * s * v + s * shifted + adjoint)
        size = np.abs(trial).max(axis=(1, 2))
        better = size < best
        best = np.where(better, size, best)
        shift = np.where(better, s, shift)
        inverse = np.where(better[:, None, None], trial, inverse)
    x, y, s = inverse @ v, inverse @ adjoint, shift[:, None, None]
    matrix = np.block([[-s * x, y], [-x, (y - np.eye(n)) / s]])
    theta, vectors = np.linalg.eig(matrix)
    below = 1 + shift[:, None] * theta
    return (
        shift[:, None] + 1 / np.where(theta == 0, 1e-300, theta),
        theta / np.where(below == 0, 1e-300, below),
        vectors,
    )


def _inverse(matrices: NDArray) -> NDArray:
    """Inverses of a stack; infinite where there is none."""
    try:
        return np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        result = np.full_like(matrices, np.inf)
        for index, matrix in enumerate(matrices):
            if np.linalg.cond(matrix) < 1e15:
                result[index] = np.linalg.inv(matrix)
        return result


def mode_self_energy(h: NDArray, v: NDArray, energy: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Self-energies from the outgoing modes.

    Returns
    -------
    sigma : (B, n, n) complex
    count : (B,) int
        Open channels.
    sound : (B,) bool
        False where the modes could not be told apart or do not span the cell; sigma is
        meaningless there.
    """
    factor, _, vectors = _eigenmodes(h, v, energy)
    return _outgoing(v, energy, factor, vectors[:, h.shape[-1] :])


def opposite_self_energies(
    h: NDArray, v: NDArray, energy: NDArray
) -> tuple[tuple[NDArray, NDArray, NDArray], tuple[NDArray, NDArray, NDArray]]:
    """`mode_self_energy` of the leads with v and with v^+: one set of modes has both.

    What goes out in one direction comes in from the other, with 1/lambda for lambda.
    """
    n = h.shape[-1]
    factor, reverse, vectors = _eigenmodes(h, v, energy)
    return (
        _outgoing(v, energy, factor, vectors[:, n:]),
        _outgoing(_adjoint(v), energy, reverse, vectors[:, :n]),
    )


def _outgoing(
    v: NDArray, energy: NDArray, factor: NDArray, u: NDArray
) -> tuple[NDArray, NDArray, NDArray]:
    """See `mode_self_energy`; factor (B, 2n) and vectors u (B, n, 2n) of all modes."""
    n = v.shape[-1]
    length = np.linalg.norm(u, axis=1, keepdims=True)
    u = u / np.where(length > 0, length, 1)
    scale = np.abs(v).max(axis=(1, 2))[:, None]
    flow = 1j * (_adjoint(u) @ v @ u) * factor[:, None, :]
    flow = flow + _adjoint(flow)
    current = np.einsum("bii->bi", flow).real
    real = np.imag(energy)[:, None] == 0
    near = real & (np.abs(np.abs(factor) - 1) < _CIRCLE)
    moving = near & (np.abs(current) > _STILL * scale)
    outgoing = np.where(moving, current > 0, np.abs(factor) < 1)
    count = np.count_nonzero(moving & outgoing, axis=1)
    sound = np.isfinite(factor).all(axis=1) & (np.count_nonzero(outgoing, axis=1) == n)
    sound &= 2 * count == np.count_nonzero(moving, axis=1)
    # modes of one wave vector that move in opposite directions come out mixed
    opposite = near[:, :, None] & near[:, None, :] & (outgoing[:, :, None] != outgoing[:, None, :])
    sound &= np.where(opposite, np.abs(flow), 0).max(axis=(1, 2)) < _STILL * scale[:, 0]

    order = np.argsort(~outgoing, axis=1, kind="stable")[:, :n]
    u = np.take_along_axis(u, order[:, None, :], 2)
    factor = np.take_along_axis(factor, order, 1)
    factor = np.where(sound[:, None], factor, 0)
    u = np.where(sound[:, None, None], u, np.eye(n))
    inverse = _inverse(u)
    sound &= np.isfinite(inverse).all(axis=(1, 2))
    sigma = (v @ u * factor[:, None, :]) @ np.where(sound[:, None, None], inverse, 0)
    return sigma, count, sound


def decimated_self_energy(h: NDArray, v: NDArray, energy: NDArray) -> NDArray:
    """Self-energy at complex energies by doubling the cell until the coupling has decayed.

    M. P. Lopez Sancho, J. M. Lopez Sancho, J. Rubio, J. Phys. F 15, 851 (1985).

    Raises
    ------
    ValueError
        If it does not converge: the energy is too close to the real axis.
    """
    identity = np.eye(h.shape[-1])
    level = energy[:, None, None] * identity
    surface, bulk, outward, inward = h, h, v, _adjoint(v)
    for _ in range(60):
        inner = np.linalg.inv(level - bulk)
        left, right = outward @ inner, inward @ inner
        surface = surface + left @ inward
        bulk = bulk + left @ inward + right @ outward
        outward, inward = left @ outward, right @ inward
        if max(np.abs(outward).max(), np.abs(inward).max()) < 1e-17 * np.abs(v).max():
            return v @ np.linalg.solve(level - surface, _adjoint(v))
    raise ValueError(
        f"energy: lead self-energies did not converge at {energy}. "
        "Give energies further from the real axis, or real ones."
    )
