"""Mixing conductances of an interface or a layer, from its scattering matrix.

With spins quantised along m, the direction of the magnet,

    g_r = sum_mn (delta_mn - r_up[m, n] r_dn[m, n]*),      g_t = sum_mn t_up[m, n] t_dn[m, n]*

count how much of a transverse spin is lost on reflection and what is left after transmission:
Re g_r is absorbed (in-plane torque), Im g_r precesses (out-of-plane torque).  Brataas, Nazarov,
Bauer, PRL 84, 2481 (2000).  In terms of the spin ladder operator S_+ = |up><dn| of the normal
lead, sum r_up r_dn* = tr[r S_+ r^+ S_-]: valid also when r mixes the spins.

A drift-diffusion or circuit theory counts the resistance of the contacts by itself; its mixing
conductance is 1/(1/g - 1/(2 g_Sharvin)) (Schep, van Hoof, Kelly, Bauer, Inglesfield, PRB 56,
10805 (1997); Bauer, Tserkovnyak, Huertas-Hernando, Brataas, PRB 67, 094421 (2003)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import LayerChain, LeadCell, SiteTable
from negf_torque.spin import unit_vector
from negf_torque.transport.device import Response, make_device, solve
from negf_torque.transport.leads import attach
from negf_torque.transport.sampling import Sampling, average

__all__ = [
    "MixingConductance",
    "end_ladder",
    "first_moment",
    "ladder_operators",
    "mixing_columns",
    "mixing_conductance",
    "reflection_mixing",
    "sharvin_corrected",
    "transmission_mixing",
]


@dataclass(frozen=True)
class MixingConductance:
    """Mixing conductances seen from the left lead, in e^2/h per cell.

    Attributes
    ----------
    reflection : complex
        g_r = sum(1 - r_up r_dn*).
    transmission : complex or None
        g_t = sum t_up t_dn*; None where the right lead is magnetic, for then its channels are
        not the same for both spins.
    sharvin : float
        Channels of the left lead per spin.
    reflection_corrected : complex
        1/(1/g_r - 1/(2 sharvin)).
    reflection_error, transmission_error, sharvin_error : float
        Estimated absolute errors of the zone average.
    evaluations : int
    converged : bool
    """

    reflection: complex
    transmission: complex | None
    sharvin: float
    reflection_corrected: complex
    reflection_error: float
    transmission_error: float
    sharvin_error: float
    evaluations: int
    converged: bool

    @property
    def reflection_corrected_error(self) -> float:
        """Of g_r and of the Sharvin conductance, to first order, added."""
        size = abs(self.reflection_corrected) ** 2
        if not size:
            return self.reflection_error  # f -> g_r where g_r -> 0
        parts = self.reflection_error / abs(self.reflection) ** 2
        return float(size * (parts + self.sharvin_error / (2 * self.sharvin**2)))


def ladder_operators(sites: SiteTable, rows: NDArray, size: int, m: ArrayLike) -> NDArray:
    """S_+ = |up><dn| along m on the orbitals of an end layer, shape (size, size).

    Raises
    ------
    ValueError
        If a site of the lead has a spin operator that is not sigma on each orbital.
    """
    # sigma_+ along m: (e1 + i e2).S / 2 with e1, e2, m a right-handed frame
    m = unit_vector(m, "m")
    seed = np.eye(3)[np.argmin(np.abs(m))]
    e1 = np.cross(seed, m) / np.linalg.norm(np.cross(seed, m))
    e2 = np.cross(m, e1)
    plus = np.zeros((size, size), complex)
    start = 0
    for spin in sites.spin:
        width = spin.shape[-1]
        if not np.allclose(spin @ spin, np.eye(width), atol=1e-12):
            raise ValueError(
                "spin_operator: a mixing conductance needs leads whose every orbital has both "
                "spins (S_a^2 = 1)."
            )
        if start + width > len(rows):
            break
        here = rows[start : start + width]
        plus[np.ix_(here, here)] = np.tensordot(e1 + 1j * e2, spin, 1) / 2
        start += width
    return plus


def reflection_mixing(reflection: NDArray, channels: NDArray, plus: NDArray) -> NDArray:
    """sum (1 - r_up r_dn*), shape (B,), in channels.

    Parameters
    ----------
    reflection : (B, n, n)
        Reflection between orbitals of the last normal layer, zero for closed channels.
    channels : (B,)
        Open channels per spin.
    plus : (n, n)
        Spin ladder operator of that layer.
    """
    return channels - _spin_product(reflection, plus, plus)


def transmission_mixing(amplitude: NDArray, plus_in: NDArray, plus_out: NDArray) -> NDArray:
    """sum t_up t_dn*, shape (B,), in channels; `amplitude` (B, m, n)."""
    return _spin_product(amplitude, plus_in, plus_out)


def _spin_product(amplitude: NDArray, plus_in: NDArray, plus_out: NDArray) -> NDArray:
    return np.einsum(
        "bij,jk,blk,li->b",
        amplitude,
        plus_in,
        amplitude.conj(),
        plus_out.conj().T,
        optimize=True,
    )


def sharvin_corrected(g: complex, sharvin: float) -> complex:
    """1/(1/g - 1/(2 g_Sharvin)): without the share of the normal contact's resistance."""
    return 0j if g == 0 else 1 / (1 / g - 1 / (2 * sharvin))


def mixing_conductance(
    chain: LayerChain,
    energy: float,
    direction: ArrayLike | None = None,
    sampling: Sampling | None = None,
) -> MixingConductance:
    """Mixing conductances of what lies between a normal left lead and the right lead.

    Parameters
    ----------
    chain : LayerChain
        The left lead must be nonmagnetic.  With a magnetic right lead this is one interface,
        with a normal one a layer.
    energy : float
        Fermi energy in eV.
    direction : (3,), optional
        Spin quantisation axis m; default the direction of the first moment from the left.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.

    Raises
    ------
    ValueError
        If the left lead is magnetic, or no moment exists and no direction is given.

    Examples
    --------
    A chain that reflects nobody absorbs every transverse spin: one channel.

    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> chain = layer_chain(build_stack([Layer(2)], cross_section="chain"))
    >>> found = mixing_conductance(chain, -0.5, direction=(0, 0, 1))
    >>> round(found.reflection.real, 9), round(abs(found.reflection.imag), 9), found.sharvin
    (1.0, 0.0, 1.0)
    """
    sampling = sampling or Sampling()
    if np.any(chain.left.sites.exchange):
        raise ValueError("left: a mixing conductance needs a nonmagnetic left lead.")
    m = first_moment(chain) if direction is None else unit_vector(direction)
    normal_right = not np.any(chain.right.sites.exchange)
    plus = end_ladder(chain.left, chain.sizes[0], m)
    plus_right = end_ladder(chain.right, chain.sizes[-1], m) if normal_right else None
    device = make_device(chain)

    def columns(k: NDArray, energies: NDArray) -> NDArray:
        response = solve(device, k, energies)
        return mixing_columns(response, plus, plus_right)

    def open_channels(k: NDArray, energies: NDArray) -> NDArray:
        channels = attach(chain.left, chain.sizes[0], chain.phases(k), energies).open_channels
        return channels[:, None] / 2

    result = average(columns, chain, energy, sampling, lambda size: np.full(size.shape, size.max()))
    # A step at the rim of the lead's zone: it needs more points than all else, but only leads.
    sharvin = average(open_channels, chain, energy, sampling)
    g_r, g_t = result.value[0] + 1j * result.value[1], result.value[2] + 1j * result.value[3]
    return MixingConductance(
        reflection=complex(g_r),
        transmission=complex(g_t) if normal_right else None,
        sharvin=float(sharvin.value[0]),
        reflection_corrected=complex(sharvin_corrected(g_r, sharvin.value[0])),
        reflection_error=float(np.hypot(*result.error[:2])),
        transmission_error=float(np.hypot(*result.error[2:])),
        sharvin_error=float(sharvin.error[0]),
        evaluations=result.evaluations + sharvin.evaluations,
        converged=result.converged and sharvin.converged,
    )


def mixing_columns(response: Response, plus: NDArray, plus_right: NDArray | None) -> NDArray:
    """Re g_r, Im g_r, Re g_t and Im g_t of each member, (B, 4); g_t is 0 without `plus_right`."""
    channels = response.open_channels[0] / 2
    g_r = reflection_mixing(response.reflection, channels, plus)
    g_t = np.zeros_like(g_r)
    if plus_right is not None:
        g_t = transmission_mixing(response.transmission_amplitude, plus, plus_right)
    return np.stack([g_r.real, g_r.imag, g_t.real, g_t.imag], axis=1)


def end_ladder(lead: LeadCell, size: int, m: NDArray) -> NDArray:
    """S_+ along m on the whole end layer (`size` rows) that a lead touches."""
    return ladder_operators(lead.sites, lead.interface, size, m)


def first_moment(chain: LayerChain) -> NDArray:
    """Direction (3,) of the first moment from the left, of the region or the right lead."""
    for table in (chain.sites, chain.right.sites):
        magnetic = np.flatnonzero(np.any(table.exchange, axis=1))
        if magnetic.size:
            return unit_vector(table.exchange[magnetic[0]])
    raise ValueError("direction: the device has no magnet, so its spin axis must be given.")
