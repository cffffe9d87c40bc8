"""The clean limit: Berry curvature, by eigenvectors and by plaquettes.

Without broadening the sea part becomes

    chi_Aj = 2 sum_n f_n sum_(m != n) Im[A_nm v_j,mn]/(E_n - E_m)^2
           = sum_nm (f_n - f_m) Im[A_nm v_j,mn]/(E_n - E_m)^2,

for A = v_i minus the Berry curvature of the occupied states: sigma_xy = (e^2/hbar) chi_xy.  The
surface part is infinite in a metal.  The flux of the curvature through the zone of a gapped crystal
is 2 pi times a whole number, which plaquettes give exactly on any mesh that resolves the gap
(T. Fukui, Y. Hatsugai and H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005)).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from negf_torque.gradient.kubo.periodicity import orbital_positions
from negf_torque.gradient.model import BulkModel, harmonics_at

__all__ = [
    "chern_number",
    "clean_parts",
    "clean_response",
    "degenerate_everywhere",
    "occupied_label",
    "plaquette_flux",
]

# Bands closer than this (relative to the bandwidth) count as degenerate.
_DEGENERATE = 1e-9
# Velocities below this (relative to the bandwidth) connect no bands.
_CONNECTED = 1e-9


def clean_parts(
    energies: NDArray,
    velocity: NDArray,
    chemical_potential: float,
    thermal_energy: float = 0.0,
    paired: bool = False,
) -> NDArray:
    """Weights C of -Im(A_nm v_mn), shape (points, n, n): (f_m - f_n)/(E_n - E_m)^2.

    Parameters
    ----------
    energies : (points, n)
    velocity : (d, points, n, n)
        In the basis of the bands: tells whether a degeneracy matters.
    chemical_potential, thermal_energy : float
        mu and k_B T, eV.
    paired : bool
        All bands are degenerate in pairs everywhere (time reversal and inversion): pairs have one
        occupation, and that they touch at mu means nothing.

    Raises
    ------
    ValueError
        If bands that the velocity connects touch at the chemical potential.
    """
    mu = chemical_potential
    f = _occupation(energies, mu, thermal_energy)
    spacing = energies[..., :, None] - energies[..., None, :]
    step = f[..., :, None] - f[..., None, :]
    scale = _scale(energies)
    close = np.abs(spacing) < _DEGENERATE * scale
    if not paired:
        _check_touching(energies, velocity, close, mu, thermal_energy, scale)
    safe = np.where(close, 1.0, spacing)
    return np.where(close, 0.0, -step / safe**2)


def clean_response(
    energies: NDArray,
    seen: NDArray,
    velocity: NDArray,
    mus: NDArray,
    thermal_energy: float = 0.0,
    paired: bool = False,
) -> NDArray:
    """chi_Aj of every k and chemical potential, (points, mu, a, j).

    Parameters
    ----------
    energies : (points, n)
    seen, velocity : (points, n, a, n), (points, n, j, n)
        A and v_j in the basis of the bands, matrices side by side.
    mus : (mu,)
    thermal_energy, paired
        See `clean_parts`.

    Raises
    ------
    ValueError
        If bands that the velocity connects touch at a chemical potential.
    """
    from negf_torque.gradient.kubo.pair_kernel import clean_sums

    scale = _scale(energies)
    level = np.asarray(mus, float)[:, None, None]
    f = _occupation(energies, level, thermal_energy)
    near = _near(energies, level, thermal_energy, scale) & (not paired)
    out = np.empty((len(energies), len(f), seen.shape[2], velocity.shape[2]))
    touching = clean_sums(
        energies, seen, velocity, f, near, _DEGENERATE * scale, _CONNECTED * scale, out
    )
    for mu in np.asarray(mus)[touching]:
        clean_parts(energies, velocity.transpose(2, 0, 1, 3), mu, thermal_energy)  # raises
    return out


def _occupation(energies: NDArray, mu: NDArray | float, thermal_energy: float) -> NDArray:
    if thermal_energy > 0:
        return expit((mu - energies) / thermal_energy)
    return (energies < mu) + 0.5 * (energies == mu)


def _scale(energies: NDArray) -> float:
    return max(float(np.ptp(energies)), 1e-300)


def _near(energies: NDArray, mu: NDArray | float, thermal_energy: float, scale: float) -> NDArray:
    """Levels so near mu that it matters if they are degenerate."""
    return np.abs(energies - mu) < max(_DEGENERATE * scale, 14 * thermal_energy)


def _check_touching(energies, velocity, close, mu, thermal_energy, scale) -> None:
    at_mu = _near(energies, mu, thermal_energy, scale)
    pairs = close & at_mu[..., :, None] & at_mu[..., None, :]
    pairs &= ~np.eye(energies.shape[-1], dtype=bool)
    if not pairs.any():
        return
    coupled = pairs & (np.abs(velocity) > _CONNECTED * scale).any(axis=0)
    if coupled.any():
        point, n, m = (int(i[0]) for i in np.nonzero(coupled))
        raise ValueError(
            f"broadening: 0, but bands {n} and {m} touch at {energies[point, n]:.6g} eV, where "
            "the Berry curvature is undefined. Set broadening > 0 (eV), or move the chemical "
            "potential away from the degeneracy."
        )


def degenerate_everywhere(model: BulkModel) -> bool:
    """Whether all bands come in degenerate pairs at generic k."""
    k = np.random.default_rng(1).uniform(0, 1, (3, model.dimension))
    k = k @ (2 * np.pi * np.linalg.inv(model.lattice).T)
    e = np.linalg.eigvalsh(harmonics_at(model.displacements, model.hoppings, k))
    if e.shape[1] % 2:
        return False
    return bool(np.abs(e[:, ::2] - e[:, 1::2]).max() < _DEGENERATE * np.ptp(e))


def occupied_label(model: BulkModel, mus: NDArray) -> Callable[[NDArray], NDArray]:
    """Fractional k -> number of occupied bands, the same for all that the integrand knows."""
    reciprocal = 2 * np.pi * np.linalg.inv(model.lattice).T
    levels = np.sort(np.asarray(mus, float))

    def label(fractions: NDArray) -> NDArray:
        h = harmonics_at(model.displacements, model.hoppings, fractions @ reciprocal)
        energies = np.linalg.eigvalsh(h)
        counts = (energies[:, None, :] < levels[:, None]).sum(axis=-1)
        return counts @ (energies.shape[1] + 1) ** np.arange(len(levels))

    return label


def plaquette_flux(
    model: BulkModel,
    chemical_potential: float,
    sizes: Sequence[int],
    plane: tuple[int, int] = (0, 1),
) -> NDArray:
    """Berry flux of the occupied states through every plaquette of a mesh, in (-pi, pi].

    Parameters
    ----------
    chemical_potential : float
        mu in a gap, eV.
    sizes : d whole numbers
        Corners along each reciprocal vector.
    plane : (int, int)
        Reciprocal vectors that span the plaquettes.

    Returns
    -------
    (sizes) array
        The flux of Omega = 2 Im sum <d_i u|d_j u>..., i.e. -sum 2 Im[v_i,nm v_j,mn]/(E_n-E_m)^2.

    Raises
    ------
    ValueError
        If the number of occupied states varies: the crystal is not gapped at mu.
    """
    axes = [np.arange(n) / n for n in sizes]
    fractions = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=-1)
    reciprocal = 2 * np.pi * np.linalg.inv(model.lattice).T
    energies, u = np.linalg.eigh(
        harmonics_at(model.displacements, model.hoppings, fractions @ reciprocal)
    )
    occupied = (energies < chemical_potential).sum(axis=1)
    if np.any(occupied != occupied[0]):
        raise ValueError(
            f"chemical_potential: {chemical_potential!r}; between {occupied.min()} and "
            f"{occupied.max()} bands are occupied. Plaquettes need a gap."
        )
    n = model.orbitals
    states = u[:, :, : occupied[0]].reshape(*sizes, n, occupied[0])
    # H(k + G) and H(k) differ by the phases of the orbitals' positions
    place = orbital_positions(model)

    def moved(array: NDArray, axis: int) -> NDArray:
        rolled = np.roll(array, -1, axis=axis)
        last = [slice(None)] * len(sizes)
        last[axis] = slice(-1, None)
        rolled[tuple(last)] = np.exp(-2j * np.pi * place[:, axis])[:, None] * rolled[tuple(last)]
        return rolled

    def link(first: NDArray, second: NDArray) -> NDArray:
        return np.linalg.det(first.conj().swapaxes(-1, -2) @ second)

    i, j = plane
    along, up = moved(states, i), moved(states, j)
    corner = moved(along, j)
    loop = link(states, along) * link(along, corner) * link(corner, up) * link(up, states)
    return -np.angle(loop)


def chern_number(model: BulkModel, chemical_potential: float, sizes: Sequence[int]) -> int:
    """C of the occupied states of a two-dimensional crystal: sigma_xy = -C e^2/h.

    Examples
    --------
    >>> from negf_torque.lattice.spin_orbit_models import two_band_insulator
    >>> from negf_torque.gradient.kubo.models import bulk_model
    >>> abs(chern_number(bulk_model(two_band_insulator(1.0)), 0.0, (12, 12)))
    1
    """
    flux = plaquette_flux(model, chemical_potential, sizes)
    return int(np.round(flux.sum() / (2 * np.pi)))
