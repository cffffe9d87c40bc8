"""One electron on a chain and N quantum local spins: what the Hamiltonian is made of.

    H = -gamma sum_<xy> |x><y| + sum_x V_x |x><x| - sum_n J_sd,n |x_n><x_n| sigma . X_n
        - sum_n [Jx X^x_n X^x_n+1 + Jy X^y_n X^y_n+1 + Jz X^z_n X^z_n+1]
        - sum_n h_n . X_n - sum_n,a K_n,a (X^a_n)^2,            X = 2 S  (Pauli matrices for 1/2),

on an open chain of electron sites between hard walls.  Mondal et al., Phys. Rev. B 99, 094431
(2019), Eq. (3), whose "spin operators" are Pauli matrices; here for local spins of any size,
with fields and single-ion anisotropies.  Energies in eV.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["QuantumChain", "macrospin", "quantum_chain", "twice_spin"]

LARGEST_TWICE_SPIN = 7
#: Beyond these nothing fits into a computer, and even counting states would take long.
MOST_SITES, MOST_SPINS = 10_000_000, 4000


@dataclass(frozen=True)
class QuantumChain:
    """An electron's chain with local spins; build it with `quantum_chain`, which checks.

    Attributes
    ----------
    length : int
        Electron sites, 0 .. length - 1, between hard walls.
    hopping : float
        gamma, eV.
    potential : (length,) float
        On-site energy, eV.
    sites : (N,) int
        Site of each local spin.
    two_s : (N,) int
        2S of each local spin.
    coupling : (N,) float
        J_sd of sigma . (2S), eV.
    exchange : (N - 1, 3) float
        Jx, Jy, Jz between consecutive local spins, eV, ferromagnetic if positive.
    field : (N, 3) float
        h in -h . 2S, eV: a spin likes to point along h.
    anisotropy : (N, 3) float
        K in -K_a (2S^a)^2, eV: positive makes an easy axis.
    """

    length: int
    hopping: float
    potential: NDArray
    sites: NDArray
    two_s: NDArray
    coupling: NDArray
    exchange: NDArray
    field: NDArray
    anisotropy: NDArray

    @property
    def n_spins(self) -> int:
        """Number of local spins."""
        return len(self.sites)

    @property
    def conserved(self) -> str:
        """What the Hamiltonian conserves: "S_z", its "parity", or "nothing"."""
        if np.any(self.field[:, :2]):
            return "nothing"
        transverse = self.anisotropy[:, 0] != self.anisotropy[:, 1]
        if np.any(transverse) or np.any(self.exchange[:, 0] != self.exchange[:, 1]):
            return "parity"
        return "S_z"


def quantum_chain(
    length: int = 400,
    *,
    sites: Sequence[int] | None = None,
    n_spins: int | None = None,
    spin: float | Sequence[float] = 0.5,
    hopping: float = 1.0,
    j_sd: float | Sequence[float] = 0.1,
    j: float | Sequence[float] = 0.1,
    jz: float | Sequence[float] | None = 0.1005,
    jy: float | Sequence[float] | None = None,
    potential: float | Sequence[float] = 0.0,
    field: ArrayLike = (0.0, 0.0, 0.0),
    anisotropy: ArrayLike = (0.0, 0.0, 0.0),
    macrospin_coupling: str = "2S",
) -> QuantumChain:
    """Build and check a chain; the defaults are those of Mondal et al., Figs. 3 and 4.

    Parameters
    ----------
    length : int
        Number of electron sites.
    sites : sequence of int, optional
        0-based sites of the local spins; by default `n_spins` in a row about the middle.
    n_spins : int, optional
        Number of local spins if `sites` is not given (default 5).
    spin : float or sequence
        S of the local spins, 1/2 ... 7/2, one for all or one for each.
    hopping : float
        gamma, eV, not zero.
    j_sd : float or sequence
        Exchange between the electron and each local spin, eV.
    j, jy, jz : float or sequence, optional
        Exchange between consecutive local spins along x, y (default: as x) and z (default: as
        x if None), eV, one for all bonds or one for each.
    potential : float or (length,)
        On-site energy of the electron, eV.
    field, anisotropy : (3,) or (N, 3)
        h in -h . 2S and K in -K_a (2S^a)^2, eV, for all spins or for each.
    macrospin_coupling : {"2S", "S"}
        Electron and local spin couple as -J_sd sigma . (2S) (default) or as -J_sd sigma . S.

    Raises
    ------
    ValueError
        If 2S is not a whole number from 1 to 7, a spin lies outside the chain, two share a
        site, or a list has the wrong length.

    Examples
    --------
    >>> chain = quantum_chain()
    >>> chain.sites.tolist(), chain.conserved
    ([198, 199, 200, 201, 202], 'S_z')
    >>> quantum_chain(10, sites=[11])
    Traceback (most recent call last):
    ...
    ValueError: sites: 11 lies outside the chain. Give sites from 0 to 9.
    """
    length = _whole("length", length, 2, MOST_SITES)
    where = _sites(length, sites, n_spins)
    count = len(where)
    if macrospin_coupling not in ("2S", "S"):
        raise ValueError(
            f"macrospin_coupling: {macrospin_coupling!r} is not a coupling. Expected '2S' or 'S'."
        )
    gamma = _per("hopping", hopping, 1, "")[0]
    if gamma == 0:
        raise ValueError("hopping: 0 lets no electron move. Give a non-zero energy in eV.")
    two_s = np.array([twice_spin(s) for s in _per("spin", spin, count, "local spin")])
    scale = 1.0 if macrospin_coupling == "2S" else 0.5
    bonds = max(count - 1, 0)
    jx = _per("j", j, bonds, "bond")
    return QuantumChain(
        length=length,
        hopping=float(gamma),
        potential=_per("potential", potential, length, "site"),
        sites=where,
        two_s=two_s,
        coupling=scale * _per("j_sd", j_sd, count, "local spin"),
        exchange=np.stack(
            [
                jx,
                jx if jy is None else _per("jy", jy, bonds, "bond"),
                jx if jz is None else _per("jz", jz, bonds, "bond"),
            ],
            axis=1,
        ),
        field=_vectors("field", field, count),
        anisotropy=_vectors("anisotropy", anisotropy, count),
    )


def macrospin(chain: QuantumChain) -> QuantumChain:
    """One local spin of the chain's total size on its middle site, coupled by the mean J_sd.

    The macrospin of the same paper's appendix: 5 spins 1/2 become one spin 5/2.  Fields and
    single-ion anisotropies, which have no such counterpart, are left out.

    Examples
    --------
    >>> big = macrospin(quantum_chain())
    >>> big.sites.tolist(), big.two_s.tolist()
    ([200], [5])
    """
    return QuantumChain(
        length=chain.length,
        hopping=chain.hopping,
        potential=chain.potential,
        sites=np.array([np.sort(chain.sites)[chain.n_spins // 2]]),
        two_s=np.array([chain.two_s.sum()]),
        coupling=np.array([chain.coupling.mean()]),
        exchange=np.zeros((0, 3)),
        field=np.zeros((1, 3)),
        anisotropy=np.zeros((1, 3)),
    )


def twice_spin(spin: float) -> int:
    """2S as a whole number from 1 to 7.

    Examples
    --------
    >>> twice_spin(2.5)
    5
    """
    spin = float(spin)
    doubled = 2 * spin
    if not np.isfinite(doubled) or doubled != round(doubled) or doubled <= 0:
        raise ValueError(
            f"spin: {spin!r} is not the size of a spin. Give 0.5, 1, 1.5 ... "
            f"{LARGEST_TWICE_SPIN / 2:g}."
        )
    if doubled > LARGEST_TWICE_SPIN:
        raise ValueError(
            f"spin: {spin!r} is too large. Give 0.5, 1, 1.5 ... {LARGEST_TWICE_SPIN / 2:g}."
        )
    return int(doubled)


def _sites(length: int, sites: Sequence[int] | None, n_spins: int | None) -> NDArray:
    """Sites of the local spins, given or in a row about the middle."""
    if sites is None:
        count = _whole("n_spins", 5 if n_spins is None else n_spins, 1, MOST_SPINS)
        if count > length:
            raise ValueError(
                f"n_spins: {count} local spins do not fit on {length} sites. "
                f"Give at most {length}, or a longer chain."
            )
        return np.arange(count) + (length - count + 1) // 2
    where = np.asarray(sites)
    if where.ndim != 1 or not 0 < where.size <= MOST_SPINS or np.any(where != np.floor(where)):
        raise ValueError(
            f"sites: {sites!r} is not a list of sites. Give 1 to {MOST_SPINS} whole numbers."
        )
    where = where.astype(int)
    outside = where[(where < 0) | (where >= length)]
    if outside.size:
        raise ValueError(
            f"sites: {outside[0]} lies outside the chain. Give sites from 0 to {length - 1}."
        )
    if len(np.unique(where)) < len(where):
        twice = [int(x) for x in np.unique(where) if np.sum(where == x) > 1]
        raise ValueError(f"sites: {twice[0]} holds more than one local spin. Give each its own.")
    if n_spins is not None and n_spins != len(where):
        raise ValueError(
            f"n_spins: {n_spins} disagrees with the {len(where)} sites given. Leave one out."
        )
    return where


def _whole(name: str, value: float, least: int, most: int) -> int:
    whole = not isinstance(value, bool) and np.isfinite(value) and value == int(value)
    if not whole or not least <= value <= most:
        raise ValueError(f"{name}: {value!r} is not valid. Give a whole number, {least} to {most}.")
    return int(value)


def _per(name: str, value: float | Sequence[float], count: int, each: str) -> NDArray:
    """`value` as `count` finite numbers: one for all, or one for each."""
    array = np.asarray(value, float)
    if array.ndim > 1 or (array.ndim == 1 and len(array) != count):
        raise ValueError(
            f"{name}: {len(array)} values given. Give one number, or one for each {each}: {count}."
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: {value!r} is not finite.")
    return np.broadcast_to(array, count).copy()


def _vectors(name: str, value: ArrayLike, count: int) -> NDArray:
    return np.broadcast_to(vectors(name, value, count), (count, 3)).copy()


def vectors(name: str, value: ArrayLike, count: int) -> NDArray:
    """`value` as finite vectors, (3,) for all spins or (count, 3) for each."""
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.shape not in ((3,), (count, 3)) or not np.all(np.isfinite(array)):
        raise ValueError(
            f"{name}: {value!r} is not valid. Give three finite components, or three for each of "
            f"the {count} local spins."
        )
    return array
