"""Damping and current-driven torques of one band in the coherent potential approximation.

The same as `coefficients` at T = 0, with any local self-energy: Born's, or the coherent potential
of alloys and strong impurities.  A small twist of the texture changes the self-energy of the
transverse spin channel by its vertex, delta Sigma_du = S delta G_du, with S^RR and S^RA of the
approximation in place of gi - gz.  With a = z_d, b = z_u, z_s = mu + s M - Sigma_s, a bar over the
advanced ones, X(x, y) = int_k G(x) G(y) and V = -M/(1 - S^RR X(a, b)) the dressed exchange,

    A = (M^2/pi) Re [Y(a, b*; S^RA) - Y(a, b; S^RR)],       Y(x, y; S) = X/(1 - S X),
    Jad + i Jna = (1/pi) {-M R/(1 - S^RA X(a, b*)) - i Im Q},
    R = V int v^2 G(a)^2 G(b) G(b*) - V* int v^2 G(a) G(a*) G(b*)^2,
    Q = V^2 int v^2 G(a)^2 G(b)^2.

No second-order vertex enters: to linear order in the field the local Green's function of a uniform
crystal with inversion centres does not change.  The impurities' distribution is fixed in space and
symmetric about n.  Velicky, Phys. Rev. 184, 614 (1969) for the vertex.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.fixed_point import find_fixed_point
from negf_torque.disorder.local import new_self_energy, vertex
from negf_torque.disorder.sites import DisorderGroup
from negf_torque.gradient.bands import Band

__all__ = ["CoherentCoefficients", "coherent_coefficients"]

#: Entry (d, u) of a 2 x 2 matrix as a row-major vector.
_TRANSVERSE = 2


@dataclass(frozen=True)
class CoherentCoefficients:
    """Coefficients of `coherent_coefficients`; (2,) is (up, down), up the majority.

    Attributes
    ----------
    self_energy, dos : (2,)
        eV; states per eV and site.
    damping : float
        A, spins of hbar per site.
    adiabatic, nonadiabatic : float
        Jad and Jna.
    transverse_vertex : (2,) complex
        S^RA and S^RR, eV^2.
    residual : float
        Of the self-energy, relative.
    converged : bool
    """

    self_energy: NDArray
    dos: NDArray
    damping: float
    adiabatic: float
    nonadiabatic: float
    transverse_vertex: NDArray
    residual: float
    converged: bool

    @property
    def beta(self) -> float:
        """Jna/Jad."""
        return self.nonadiabatic / self.adiabatic


def coherent_coefficients(
    band: Band,
    chemical_potential: float,
    half_splitting: float,
    group: DisorderGroup,
    method: str = "coherent-potential",
    tolerance: float = 1e-14,
) -> CoherentCoefficients:
    """Coefficients at T = 0 with a local self-energy.

    Parameters
    ----------
    band : Band
        A lattice's band, one orbital.
    chemical_potential, half_splitting : float
        mu and M > 0, eV.
    group : DisorderGroup
        Alternatives of a site, 2 x 2 with n along z, from
        `negf_torque.disorder.sites.site_disorder`.
    method : str
        One of `negf_torque.disorder.local.METHODS`.
    tolerance : float
        Relative residual of the self-energy.

    Raises
    ------
    ValueError
        If M is not positive, the site has other than two states, or the impurities are not
        symmetric about n = z.

    Examples
    --------
    Born's numbers of a chain, see `coefficients`:

    >>> from negf_torque.gradient.chain_band import chain
    >>> from negf_torque.spin import SIGMA
    >>> u, j = np.sqrt(0.15), np.sqrt(0.09)
    >>> states = [s * u * np.eye(2) + m * j * sigma for s in (1, -1) for m in (1, -1)
    ...           for sigma in SIGMA]
    >>> group = DisorderGroup(np.array([0]), np.full(12, 1 / 12), np.array([states]))
    >>> found = coherent_coefficients(chain(), -0.6, 0.4, group, "born")
    >>> round(found.adiabatic, 7), round(found.nonadiabatic, 7)
    (0.2296822, 0.0370213)
    """
    m = float(half_splitting)
    if not m > 0:
        raise ValueError(f"half_splitting: {half_splitting!r}; a ferromagnet has M > 0.")
    if group.potential.shape[-1] != 2:
        raise ValueError("group: the formula is for one orbital, two states per site.")
    energies = chemical_potential + np.array([m, -m])

    def green(sigma: NDArray) -> NDArray:
        return np.asarray(band.green(energies - sigma)[0])

    def step(sigma: NDArray) -> NDArray:
        local = np.diag(green(sigma))[None]
        new = new_self_energy(method, group, local, np.diag(sigma)[None])[0]
        if abs(new[0, 1]) + abs(new[1, 0]) > 1e-10 * (np.abs(new).max() + 1e-10):
            raise ValueError("group: the impurities are not symmetric about the magnetisation.")
        return np.diag(new)

    scale = np.sqrt(np.abs(group.second_moment @ np.eye(2).ravel()).max())
    start = np.diag(group.mean[0]) - 0.5j * scale * np.ones(2)
    found = find_fixed_point(step, start, lambda s: bool(np.all(s.imag <= 0)), tolerance)
    sigma = found.value
    g = green(sigma)
    local, own = np.diag(g)[None], np.diag(sigma)[None]
    maps = [vertex(method, group, local, own, retarded) for retarded in (False, True)]
    strengths = np.array([x[0, _TRANSVERSE, _TRANSVERSE] for x in maps])
    damping, current = _coefficients(band, energies - sigma, g, m, strengths)
    return CoherentCoefficients(
        self_energy=sigma,
        dos=-g.imag / np.pi,
        damping=damping,
        adiabatic=float(current.real),
        nonadiabatic=float(current.imag),
        transverse_vertex=strengths,
        residual=float(found.residuals[-1]),
        converged=found.converged,
    )


def _coefficients(
    band: Band, z: NDArray, g: NDArray, m: float, strengths: NDArray
) -> tuple[float, complex]:
    """A, and Jad + i Jna, from z = (z_u, z_d) and the transverse vertices."""
    b, a = (complex(x) for x in z)
    g_b, g_a = (complex(x) for x in g)
    slopes = [complex(x) for x in np.asarray(band.velocity(z)[1])]  # h'(b), h'(a)
    h = [complex(x) for x in np.asarray(band.velocity(z)[0])]

    def p(x: complex, y: complex) -> complex:
        """int v^2 G(x) G(y)."""
        if x == y:
            slope = slopes[0] if x in (b, b.conjugate()) else slopes[1]
            return -(slope if x.imag >= 0 else slope.conjugate())
        return -(velocity(x) - velocity(y)) / (x - y)

    def velocity(x: complex) -> complex:
        value = h[0] if x in (b, b.conjugate()) else h[1]
        return value if x.imag >= 0 else value.conjugate()

    bar_a, bar_b = a.conjugate(), b.conjugate()
    x_ra = (g_a - g_b.conjugate()) / (bar_b - a)
    x_rr = (g_a - g_b) / (b - a)
    s_ra, s_rr = (complex(s) for s in strengths)
    damping = m**2 / np.pi * (x_ra / (1 - s_ra * x_ra) - x_rr / (1 - s_rr * x_rr)).real
    v = -m / (1 - s_rr * x_rr)
    first = (p(a, a) - p(a, bar_b) - p(b, a) + p(b, bar_b)) / ((b - a) * (bar_b - a))
    second = (p(a, bar_a) - p(a, bar_b) - p(bar_b, bar_a) + p(bar_b, bar_b)) / (
        (bar_b - a) * (bar_b - bar_a)
    )
    r = v * first - v.conjugate() * second
    q = v**2 * (p(a, a) - 2 * p(a, b) + p(b, b)) / (b - a) ** 2
    return float(damping), (-m * r / (1 - s_ra * x_ra) - 1j * q.imag) / np.pi
