"""Mixing conductances of disordered interfaces and layers.

A transverse spin e that the left lead sends in on all channels carries the spin current tr sigma_a
(sigma_e - r sigma_e r^+); averaged over impurities, r r^+ has a coherent part and one that was
scattered (the vertex correction).  The current that enters the region is therefore found from the
averaged states with the source Gamma_L sigma_e,

    <A_e,k> = G_k (Gamma_L,k sigma_e + S_e) G_k^+,    S_e,i = Lambda_i[<A_e>_ii],

and with right-handed e1, e2, m

    g_r = sum (1 - <r_up r_dn*>) = [I_1.e1 - i I_1.e2 + i I_2.e1 + I_2.e2]/4

with I_j the spin current through the first bond; g_t = sum <t_up t_dn*> likewise from the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.disorder.averaged import check_validity, vertex_maps
from negf_torque.disorder.impurities import Impurity, MagneticImpurities
from negf_torque.disorder.ladder import dress, make_ladder
from negf_torque.disorder.medium import Flow, flow
from negf_torque.lattice.layers import LayerChain
from negf_torque.spin import unit_vector
from negf_torque.transport.disordered import currents_of_flows
from negf_torque.transport.disordered_device import DisorderedDevice, make_disordered, point_at
from negf_torque.transport.mixing import first_moment, ladder_operators, sharvin_corrected

__all__ = ["DisorderedMixing", "disordered_mixing"]


@dataclass(frozen=True)
class DisorderedMixing:
    """Mixing conductances seen from the left lead, in e^2/h per cell.

    Attributes
    ----------
    reflection : complex
        g_r, vertex corrections included.
    transmission : complex or None
        g_t; None where the right lead is magnetic.
    reflection_coherent : complex
        g_r if nothing that is scattered came back.
    sharvin : float
        Channels of the left lead per spin.
    reflection_corrected : complex
        1/(1/g_r - 1/(2 sharvin)).
    converged : bool
    """

    reflection: complex
    transmission: complex | None
    reflection_coherent: complex
    sharvin: float
    reflection_corrected: complex
    converged: bool


def disordered_mixing(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    method: str = "born",
    mesh: int = 32,
    direction: ArrayLike | None = None,
) -> DisorderedMixing:
    """Mixing conductances of a disordered interface or layer behind a normal lead.

    Parameters
    ----------
    chain : LayerChain
        The left lead and the first layer must be nonmagnetic, the first layer without magnetic
        impurities: its spin current is what enters.
    energy, impurities, method, mesh
        As in `disordered_response`.
    direction : (3,), optional
        Spin quantisation axis m; default the direction of the first moment from the left.

    Raises
    ------
    ValueError
        If the left lead or the first layer is magnetic, or no direction is known.
    """
    table = chain.sites
    if np.any(chain.left.sites.exchange) or np.any(table.exchange[table.layer == 0]):
        raise ValueError("left: a mixing conductance needs a nonmagnetic left lead.")
    device = make_disordered(chain, impurities, method, mesh)
    _check_first_layer(device, impurities)
    m = first_moment(chain) if direction is None else unit_vector(direction)
    e1, e2 = _transverse(m)
    point = point_at(device, float(energy))
    check_validity(method, point.solution, energy)
    plus = ladder_operators(chain.left.sites, chain.left.interface, chain.sizes[0], m)
    spins = [plus + plus.conj().T, -1j * (plus - plus.conj().T)]
    ends = [(point.gamma[0] @ s + s @ point.gamma[0]) / 2 for s in spins]
    flows = [flow(point.medium, point.sigma, left=end) for end in ends]
    coherent = _mixed(chain, flows, 0, e1, e2)
    if point.medium.length:
        maps = vertex_maps(point.slots, method, point.solution)
        ladder = make_ladder(point.medium, point.slots, point.solution, maps)
        dressed = dress(ladder, np.stack([point.medium.gather(f.local) for f in flows], axis=1))
        flows = [
            flow(point.medium, point.sigma, point.medium.spread(s), left=end)
            for s, end in zip(dressed.source.T, ends, strict=True)
        ]
    g_r = _mixed(chain, flows, 0, e1, e2)
    normal_right = not np.any(chain.right.sites.exchange)
    sharvin = float(point.open_channels[0]) / 2
    return DisorderedMixing(
        reflection=g_r,
        transmission=_mixed(chain, flows, -1, e1, e2) if normal_right else None,
        reflection_coherent=coherent,
        sharvin=sharvin,
        reflection_corrected=complex(sharvin_corrected(g_r, sharvin)),
        converged=point.solution.converged,
    )


def _check_first_layer(device: DisorderedDevice, impurities: Sequence[Impurity]) -> None:
    from negf_torque.disorder.sites import site_disorder

    magnetic = [kind for kind in impurities if isinstance(kind, MagneticImpurities)]
    table = device.chain.sites
    if np.any(table.layer[site_disorder(table, magnetic).sites] == 0):
        raise ValueError(
            "impurities: the first layer has magnetic impurities, which lose spin before it has "
            "entered. Leave them out of layer 0."
        )


def _transverse(m: NDArray) -> tuple[NDArray, NDArray]:
    """e1, e2 with e1, e2, m right-handed, as in `mixing.ladder_operators`."""
    seed = np.eye(3)[np.argmin(np.abs(m))]
    e1 = np.cross(seed, m) / np.linalg.norm(np.cross(seed, m))
    return e1, np.cross(m, e1)


def _mixed(chain: LayerChain, flows: list[Flow], bond: int, e1: NDArray, e2: NDArray) -> complex:
    one, two = currents_of_flows(chain, flows)[:, bond, 1:]
    return complex((one @ e1 - 1j * one @ e2 + 1j * (two @ e1) + two @ e2) / 4)
