"""The Slonczewski form of a valve's torque, its asymmetric extension, and fits to both.

Torque per current on one of two magnetic layers at the angle theta, with c = cos(theta),

    eta(theta) = P L^2 / [(L^2 + 1) + (L^2 - 1) c] = q / (1 + x c),
    q = P L^2/(L^2 + 1),   x = (L^2 - 1)/(L^2 + 1),

where the in-plane torque is (hbar/2e) I eta sin(theta) (J. C. Slonczewski, J. Magn. Magn.
Mater. 247, 324 (2002)).  Metallic valves with different outer layers follow the asymmetric
form (J. Xiao, A. Zangwill, M. D. Stiles, Phys. Rev. B 70, 172405 (2004))

    eta(theta) = q_plus/(A + B c) + q_minus/(A - B c) = (alpha + beta c)/(1 - x^2 c^2),

whose four parameters (P and L of both layers) have three degrees of freedom: the two L can
always be chosen equal.  Ballistic valves follow either form only to a few per cent, so every
fit tells its residual.

The efficiency that micromagnetic solvers call epsilon is eta/2: their P is half of this P.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares, minimize_scalar

__all__ = [
    "AsymmetricFit",
    "SlonczewskiFit",
    "asymmetric_efficiency",
    "canonical",
    "constant_fit",
    "constant_fit_error",
    "efficiency",
    "fit_asymmetric",
    "fit_slonczewski",
]

#: Distance from Lambda = 1 within which there is no asymmetry but rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SlonczewskiFit:
    """Best Slonczewski form of a table eta(theta).

    Attributes
    ----------
    polarisation, Lambda : float
        P and Lambda of eta(theta), the torque per current (a solver's P is half of it).
    residual : float
        Weighted root mean square of (fit - eta), relative to that of eta.
    max_relative_residual : float
        Largest |fit - eta| over the largest |eta|.
    valid : bool
        Whether the form can represent the table at all: eta keeps one sign and the best
        asymmetry stays inside |x| < 1.  How well it does is told by the residuals.
    polarisation_error, Lambda_error : float
        Standard errors propagated from those of eta, or from the scatter about the fit.
    """

    polarisation: float
    Lambda: float
    residual: float
    max_relative_residual: float
    valid: bool
    polarisation_error: float = float("nan")
    Lambda_error: float = float("nan")


@dataclass(frozen=True)
class AsymmetricFit:
    """Best asymmetric form of a table eta(theta), in the gauge Lambda_fixed = Lambda_free.

    Attributes
    ----------
    polarisation_fixed, polarisation_free, Lambda : float
        As for `asymmetric_efficiency` with both Lambda equal.
    residual, max_relative_residual : float
        As in `SlonczewskiFit`.
    """

    polarisation_fixed: float
    polarisation_free: float
    Lambda: float
    residual: float
    max_relative_residual: float


def efficiency(cosine: ArrayLike, polarisation: float, Lambda: float) -> NDArray:
    """P L^2/[(L^2 + 1) + (L^2 - 1) cos(theta)], any shape.

    Examples
    --------
    >>> float(efficiency(0.3, 0.4, 1.0))     # no angular dependence: P/2
    0.2
    """
    square = Lambda * Lambda
    return polarisation * square / ((square + 1) + (square - 1) * np.asarray(cosine, float))


def asymmetric_efficiency(
    cosine: ArrayLike,
    polarisation_fixed: float,
    polarisation_free: float,
    lambda_fixed: float,
    lambda_free: float,
) -> NDArray:
    """q_plus/(A + B c) + q_minus/(A - B c) with both layers' P and Lambda >= 1.

    A = sqrt((Lx^2 + 1)(Lr^2 + 1)), B = sqrt((Lx^2 - 1)(Lr^2 - 1)) and
    q_pm = (1/2)[Px Lx^2 sqrt((Lr^2 + 1)/(Lx^2 + 1)) +- Pr Lr^2 sqrt((Lx^2 - 1)/(Lr^2 - 1))]
    (x fixed, r free); the last root is 1 when both Lambda are 1.  Xiao, Zangwill and Stiles,
    Phys. Rev. B 70, 172405 (2004).  Equal layers give `efficiency`.
    """
    x, r = lambda_fixed**2, lambda_free**2
    if x < 1 or r < 1 or (r == 1 and x > 1):
        raise ValueError(
            f"lambda_fixed, lambda_free: {lambda_fixed!r}, {lambda_free!r} are outside the form. "
            "Both must be at least 1, and lambda_free above 1 when lambda_fixed is."
        )
    ratio = np.sqrt((x - 1) / (r - 1)) if r > 1 else 1.0
    first = polarisation_fixed * x * np.sqrt((r + 1) / (x + 1))
    second = polarisation_free * r * ratio
    a, b = np.sqrt((x + 1) * (r + 1)), np.sqrt((x - 1) * (r - 1))
    c = np.asarray(cosine, float)
    return 0.5 * ((first + second) / (a + b * c) + (first - second) / (a - b * c))


def canonical(
    polarisation: float, Lambda: float, epsilon_prime: float, current: float, p: ArrayLike
) -> tuple[float, float, float, float, NDArray]:
    """The same torque with P >= 0 and Lambda >= 1, by reversing the current, p, or both.

    Solvers restrict P and Lambda; the torque has two exact symmetries that lift the
    restriction.  With c -> -c for p -> -p:

    - (P, epsilon', J) -> (-P, -epsilon', -J);
    - (P, Lambda, J, p) -> (P Lambda^2, 1/Lambda, -J, -p), epsilon' unchanged.

    Nothing is lost; current and p keep their meaning only as a product.  A Lambda that differs
    from 1 by rounding alone, as that of a fit, becomes 1 and reverses nothing.

    Returns
    -------
    polarisation, Lambda, epsilon_prime, current, p

    Examples
    --------
    >>> canonical(0.8, 0.5, 0.1, 1.0, [0, 0, 1])
    (0.2, 2.0, 0.1, -1.0, array([-0., -0., -1.]))
    """
    p = np.asarray(p, float)
    if not Lambda > 0:
        raise ValueError(f"Lambda: {Lambda!r} is not a Slonczewski parameter. It is positive.")
    if abs(Lambda - 1) < _ROUNDING:
        Lambda = 1.0
    if Lambda < 1:
        polarisation, Lambda = polarisation * Lambda**2, 1 / Lambda
        current, p = -current, -p
    if polarisation < 0:
        polarisation, epsilon_prime, current = -polarisation, -epsilon_prime, -current
    return polarisation, Lambda, epsilon_prime, current, p


def _table(
    angles: ArrayLike, eta: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray, NDArray, NDArray]:
    """Checked cos(theta), eta and square roots of the weights, one-dimensional."""
    angles, eta = np.atleast_1d(np.asarray(angles, float)), np.atleast_1d(np.asarray(eta, float))
    if angles.shape != eta.shape or angles.ndim != 1:
        raise ValueError(
            f"eta: shape {eta.shape} does not match that of the angles, {angles.shape}. "
            "Give one value per angle."
        )
    w = np.ones_like(eta) if weights is None else np.asarray(weights, float)
    if w.shape != eta.shape or not np.all(np.isfinite(w)) or np.any(w < 0):
        raise ValueError("weights: expected one finite value >= 0 per angle.")
    if not (np.all(np.isfinite(angles)) and np.all(np.isfinite(eta))):
        bad = int(np.flatnonzero(~(np.isfinite(angles) & np.isfinite(eta)))[0])
        raise ValueError(
            f"eta: entry {bad} (angle {angles[bad]!r}, eta {eta[bad]!r}) is not finite. "
            "Leave such angles out, or give the collinear limit."
        )
    cosine = np.cos(angles)
    if len(np.unique(np.round(cosine[w > 0], 12))) < 2:
        raise ValueError("angles: a fit needs at least two angles with different cosines.")
    return cosine, eta, np.sqrt(w)


def _best_form(c: NDArray, y: NDArray, w: NDArray):
    """Least-squares (q, x) of q/(1 + x c), |x| < 1."""

    def deviation(v):
        return w * (v[0] / (1 + v[1] * c) - y)

    # A multiplicative start: 1/eta is linear in cos(theta) where eta keeps its sign.
    usable = np.abs(y) > 1e-6
    design = np.stack([np.ones_like(c), c], axis=1) * (w * y**2)[:, None]
    (alpha, beta), *_ = np.linalg.lstsq(design[usable], (w * y)[usable], rcond=None)
    x0 = np.clip(beta / alpha if alpha else 0.0, -0.9, 0.9)
    limit = 1 - 1e-9
    return least_squares(
        deviation,
        [1 / alpha if alpha else 1.0, x0],
        bounds=([-np.inf, -limit], [np.inf, limit]),
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )


def fit_slonczewski(
    angles: ArrayLike,
    eta: ArrayLike,
    weights: ArrayLike | None = None,
    errors: ArrayLike | None = None,
) -> SlonczewskiFit:
    """Least-squares fit of P and Lambda to a table of the torque per current.

    Parameters
    ----------
    angles : (n,)
        Angles between the two layers, radians.
    eta : (n,)
        In-plane torque per current, per sin(theta): eta(theta) as defined above.
    weights : (n,), optional
        Weights of the squared deviations; 1 by default.  sin(theta)^2 weighs the torque itself.
    errors : (n,), optional
        Standard errors of eta, propagated to P and Lambda.  Without them the scatter about
        the fit is used.

    Raises
    ------
    ValueError
        For mismatched or non-finite input, or fewer than two different cosines.

    Examples
    --------
    >>> theta = np.linspace(0, np.pi, 7)
    >>> fit = fit_slonczewski(theta, efficiency(np.cos(theta), 0.4, 1.5))
    >>> round(fit.polarisation, 10), round(fit.Lambda, 10), fit.valid
    (0.4, 1.5, True)
    """
    c, eta, w = _table(angles, eta, weights)
    scale = float(np.abs(eta).max())
    if scale == 0:
        return SlonczewskiFit(0.0, 1.0, 0.0, 0.0, True, 0.0, 0.0)
    y = eta / scale

    best = _best_form(c, y, w)
    q, x = best.x
    norm = np.sqrt(np.sum((w * y) ** 2))
    square = (1 + x) / (1 - x)
    polarisation = scale * q * (1 + square) / square
    one_sign = bool(np.all(y > 0) or np.all(y < 0))
    errors_of = _parameter_errors(best.jac, best.fun, w, x, q, scale, errors)
    return SlonczewskiFit(
        float(polarisation),
        float(np.sqrt(square)),
        float(np.sqrt(np.sum(best.fun**2)) / norm),
        float(np.abs(q / (1 + x * c) - y).max()),
        one_sign and bool(abs(x) < 1 - 1e-6),
        *errors_of,
    )


def _parameter_errors(jacobian, deviation, w, x, q, scale, errors) -> tuple[float, float]:
    """Standard errors of P and Lambda from those of eta (or the scatter), linear propagation."""
    inverse = np.linalg.pinv(jacobian)
    if errors is None:
        freedom = max(len(deviation) - 2, 1)
        covariance = inverse @ inverse.T * np.sum(deviation**2) / freedom
    else:
        sigma = w * np.broadcast_to(np.asarray(errors, float), w.shape) / scale
        covariance = (inverse * sigma**2) @ inverse.T
    # P = q (1 + L^2)/L^2 = 2 q/(1 + x) and L = sqrt((1 + x)/(1 - x)).
    d_polarisation = scale * np.array([2 / (1 + x), -2 * q / (1 + x) ** 2])
    square = (1 + x) / (1 - x)
    d_lambda = np.array([0.0, 1 / ((1 - x) ** 2 * np.sqrt(square))])
    first, second = (
        float(np.sqrt(max(d @ covariance @ d, 0.0))) for d in (d_polarisation, d_lambda)
    )
    return first, second


def fit_asymmetric(
    angles: ArrayLike, eta: ArrayLike, weights: ArrayLike | None = None
) -> AsymmetricFit:
    """Least-squares fit of the asymmetric form, with Lambda_fixed = Lambda_free = Lambda >= 1.

    For a given x the form is linear in alpha and beta, so one search over x^2 suffices.

    Examples
    --------
    >>> theta = np.linspace(0, np.pi, 9)
    >>> eta = asymmetric_efficiency(np.cos(theta), 0.5, 0.3, 1.6, 1.6)
    >>> fit = fit_asymmetric(theta, eta)
    >>> round(fit.polarisation_fixed, 6), round(fit.polarisation_free, 6), round(fit.Lambda, 6)
    (0.5, 0.3, 1.6)
    """
    c, eta, w = _table(angles, eta, weights)
    scale = float(np.abs(eta).max()) or 1.0

    def solve(square):
        design = np.stack([np.ones_like(c), c], axis=1) / (1 - square * c**2)[:, None]
        solution, *_ = np.linalg.lstsq(design * w[:, None], w * eta / scale, rcond=None)
        return solution, design @ solution - eta / scale

    def cost(square):
        return float(np.sum((w * solve(square)[1]) ** 2))

    # Below x^2 = 1e-6 the two poles merge and the two P diverge against each other.
    low, high = 1e-6, 1 - 1e-6
    grid = np.linspace(low, high, 65)
    k = int(np.argmin([cost(s) for s in grid]))
    bracket = (grid[max(k - 1, 0)], grid[min(k + 1, 64)])
    found = minimize_scalar(cost, bounds=bracket, method="bounded", options={"xatol": 1e-14})
    square = float(min((found.x, grid[k]), key=cost))
    (alpha, beta), deviation = solve(square)
    x = np.sqrt(square)
    lambda_square = (1 + x) / (1 - x)
    # Q_plus,minus = (alpha -+ beta/x)/2 over the common A = L^2 + 1.
    plus, minus = (alpha - beta / x) / 2, (alpha + beta / x) / 2
    factor = scale * (lambda_square + 1) / lambda_square
    norm = np.sqrt(np.sum((w * eta / scale) ** 2)) or 1.0
    return AsymmetricFit(
        float(factor * (plus + minus)),
        float(factor * (plus - minus)),
        float(np.sqrt(lambda_square)),
        float(np.sqrt(cost(square)) / norm),
        float(np.abs(deviation).max()),
    )


def constant_fit(
    angles: ArrayLike, values: ArrayLike, weights: ArrayLike | None = None
) -> tuple[float, float]:
    """Weighted mean of values(theta) and its largest deviation over the largest |value|.

    The default weight sin(theta)^2 fits the torque value sin(theta) itself.
    """
    angles, values = np.asarray(angles, float), np.asarray(values, float)
    w = _constant_weights(angles, weights)
    mean = float(np.sum(w * values))
    largest = float(np.abs(values).max())
    return mean, float(np.abs(values - mean).max() / largest) if largest else 0.0


def constant_fit_error(
    angles: ArrayLike, errors: ArrayLike, weights: ArrayLike | None = None
) -> float:
    """Standard error of `constant_fit`'s mean from the standard errors of its values.

    Examples
    --------
    >>> constant_fit_error([0.5, np.pi - 0.5, 0.5, np.pi - 0.5], [0.2] * 4)
    0.1
    """
    w = _constant_weights(np.asarray(angles, float), weights)
    return float(np.sqrt(np.sum((w * np.asarray(errors, float)) ** 2)))


def _constant_weights(angles: NDArray, weights: ArrayLike | None) -> NDArray:
    w = np.sin(angles) ** 2 if weights is None else np.asarray(weights, float)
    w = w if w.sum() > 0 else np.ones_like(angles)
    return w / w.sum()
