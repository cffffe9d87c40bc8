"""Linear response of a device with impurities: averaged medium and vertex corrections.

The states that lead p sends in, averaged over the impurities, are

    A_p,k = G_k (Gamma_p,k + S_p) G_k^+,    S_p,i = Lambda_i[g_p,i],    g_p,i = <A_p,k>_ii,

with the self-consistent local self-energy Sigma in G and the vertex Lambda of the same
approximation (`negf_torque.disorder.local`).  The Ward identities

    S_L + S_R = i (Sigma - Sigma^+),    A_L + A_R = i (G - G^+)

then hold to rounding, and with them the conservation of charge at every bond.  The spin that does
not arrive in the moments is lost to magnetic impurities:

    exchange torque + impurity torque = incoming minus outgoing spin current

without spin-orbit coupling, layer by layer.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.disorder.averaged import check_validity, vertex_maps
from negf_torque.disorder.impurities import Impurity
from negf_torque.disorder.ladder import DressedSources, dress, make_ladder
from negf_torque.disorder.medium import Flow, flow
from negf_torque.lattice.layers import LayerChain
from negf_torque.notices import ConvergenceWarning, PhysicsWarning
from negf_torque.transport.arguments import real_energy
from negf_torque.transport.disordered_device import (
    DisorderedDevice,
    Point,
    local_operators,
    make_disordered,
    point_at,
    site_blocks,
)
from negf_torque.transport.linear import WindowResponse
from negf_torque.transport.torque import bias_windows

__all__ = ["DisorderedResponse", "currents_of_flows", "disordered_response", "response_at"]

#: Relative residual of the ladder above which the result is marked.
_LADDER_TOLERANCE = 1e-9


@dataclass(frozen=True)
class DisorderedResponse(WindowResponse):
    """`WindowResponse` of a device with impurities; the same names for the same quantities.

    Attributes
    ----------
    method : {"born", "coherent-potential"}
    vertex : bool
        Whether the vertex corrections are included; without them charge is lost.
    mesh : int
        Momenta per direction.
    conductance_coherent, conductance_vertex : float
        e^2/h per cell: electrons that cross without and with scattering; their sum is
        `conductance`.
    conductance_reversed : float
        The same from right to left.
    coherent_current_by_lead : (2, layers - 1, 4)
        Current of the electrons that have not been scattered: it decays.
    impurity_torque_by_lead : (2, sites, 3)
        Spin lost to magnetic impurities, units of the torkance of one lead's window.
    self_energy, green : tuple of (m, m)
        Retarded self-energy and averaged local Green's function of each disordered site, eV and
        1/eV.
    disordered_sites : (S,) int
    iterations : (2,) int
        Steps of the self-consistency and of the ladder (0: factorised).
    residuals : (steps,)
        Relative residual of the self-consistency, step by step.
    ladder_residual : float
    ward_residual : float
        Largest relative deviation from S_L + S_R = i (Sigma - Sigma^+).
    parameter : float
        Born's dimensionless parameter |v G|.
    """

    method: str = "born"
    vertex: bool = True
    mesh: int = 1
    conductance_coherent: float = 0.0
    conductance_vertex: float = 0.0
    conductance_reversed: float = 0.0
    coherent_current_by_lead: NDArray = field(default_factory=lambda: np.zeros((2, 0, 4)))
    impurity_torque_by_lead: NDArray = field(default_factory=lambda: np.zeros((2, 0, 3)))
    self_energy: tuple[NDArray, ...] = ()
    green: tuple[NDArray, ...] = ()
    disordered_sites: NDArray = field(default_factory=lambda: np.zeros(0, int))
    iterations: tuple[int, int] = (0, 0)
    residuals: NDArray = field(default_factory=lambda: np.zeros(0))
    ladder_residual: float = 0.0
    ward_residual: float = 0.0
    parameter: float = 0.0

    @property
    def site_impurity_torque_by_bias(self) -> NDArray:
        """(3, sites, 3): spin lost to impurities per voltage, e/(4 pi)."""
        return bias_windows(self.impurity_torque_by_lead)

    @property
    def layer_impurity_torque_by_bias(self) -> NDArray:
        """(3, layers, 3), e/(4 pi)."""
        total = np.zeros((3, len(self.chain.onsite), 3))
        layer: Any = (slice(None), self.chain.sites.layer)
        np.add.at(total, layer, self.site_impurity_torque_by_bias)
        return total

    @property
    def current_loss(self) -> float:
        """Largest relative deviation of the charge current from its value at the first bond."""
        charge = self.current_by_lead[:, :, 0]
        scale = np.abs(charge).max(initial=0.0) or 1.0
        return float(np.abs(charge - charge[:, :1]).max(initial=0.0) / scale)


def disordered_response(
    chain: LayerChain,
    energy: float,
    impurities: Sequence[Impurity],
    method: str = "born",
    mesh: int = 32,
    vertex: bool = True,
    lead_impurities: tuple[Sequence[Impurity], Sequence[Impurity]] = ((), ()),
) -> DisorderedResponse:
    """Window response of a device with impurities.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential in eV.
    impurities : sequence of NonmagneticImpurities and MagneticImpurities
    method : {"born", "coherent-potential"}
    mesh : int
        Momenta per periodic direction, k = 2 pi (n + 1/2)/mesh; those that are equivalent by
        symmetry are done once.  Wires need none.
    vertex : bool
        False leaves the vertex corrections out: what scatters is then lost (for teaching).
    lead_impurities : pair of sequences, optional
        Impurities of the left and right lead, see `disordered_leads`; default: clean leads.

    Returns
    -------
    DisorderedResponse

    Raises
    ------
    ValueError
        If an argument is out of range, the method is unknown or an impurity does not fit.

    Warns
    -----
    PhysicsWarning
        If no channel is open in a lead, or the impurities are too strong for Born.
    ConvergenceWarning
        If the self-consistency or the ladder has not converged; the result is marked.

    Examples
    --------
    An alloy in a chain resists, and charge is conserved:

    >>> from negf_torque.disorder.impurities import NonmagneticImpurities
    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> chain = layer_chain(build_stack([Layer(2)], cross_section="chain"))
    >>> found = disordered_response(chain, -0.5, [NonmagneticImpurities(0.2, 1.0)])
    >>> found.conductance < 2, found.current_loss < 1e-12
    (True, True)
    """
    if int(mesh) != mesh or mesh < 1:
        raise ValueError(f"mesh: {mesh!r} is not a number of momenta. Give 1 or more.")
    device = make_disordered(chain, impurities, method, int(mesh), lead_impurities)
    point = point_at(device, real_energy(energy))
    check_validity(method, point.solution, energy)
    for name, channels in zip(("left", "right"), point.open_channels, strict=True):
        if channels == 0:
            warnings.warn(
                f"energy: {energy:g} eV lies outside all bands of the {name} lead; no electron "
                "arrives and the conductance is zero.",
                PhysicsWarning,
                stacklevel=2,
            )
    return response_at(device, point, int(mesh), vertex)


def response_at(
    device: DisorderedDevice, point: Point, mesh: int, vertex: bool = True
) -> DisorderedResponse:
    """Window response from the averaged medium at one real energy."""
    flows, unscattered, sources, dressed = _averaged_flows(point, vertex)
    coherent, total = (_transmissions(device, point, f) for f in (unscattered, flows))
    steps, residual = dressed.iterations, dressed.residual
    if residual > _LADDER_TOLERANCE:
        warnings.warn(
            f"the vertex corrections have not converged: relative residual {residual:.1e}; the "
            "result is marked.",
            ConvergenceWarning,
            stacklevel=3,
        )
    density, exchange = _densities(device.chain, flows)
    m = point.medium
    local = [
        tuple(
            v[a:b].reshape(n, n) for a, b, n in zip(m.start, m.start[1:], m.orbitals, strict=False)
        )
        for v in (point.solution.sigma, point.solution.green)
    ]
    return DisorderedResponse(
        chain=device.chain,
        conductance=total[0],
        conductance_error=0.0,
        density_by_lead=density,
        exchange_density_by_lead=exchange,
        current_by_lead=currents_of_flows(device.chain, flows),
        density_error=0.0,
        current_error=0.0,
        open_channels=point.open_channels,
        evaluations=len(device.weights),
        converged=point.solution.converged and residual <= _LADDER_TOLERANCE,
        method=device.method,
        vertex=vertex,
        mesh=mesh,
        conductance_coherent=coherent[0],
        conductance_vertex=total[0] - coherent[0],
        conductance_reversed=total[1],
        coherent_current_by_lead=currents_of_flows(device.chain, unscattered),
        impurity_torque_by_lead=_impurity_torque(device, point, flows, sources),
        self_energy=local[0],
        green=local[1],
        disordered_sites=device.disorder.sites,
        iterations=(point.solution.iterations, steps),
        residuals=point.solution.residuals,
        ladder_residual=residual,
        ward_residual=_ward_residual(point, sources) if vertex and len(m.layer) else 0.0,
        parameter=point.solution.parameter,
    )


def _averaged_flows(
    point: Point, vertex: bool
) -> tuple[list[Flow], list[Flow], NDArray, DressedSources]:
    """States of both leads, those of them that have not been scattered, and the sources S."""
    medium = point.medium
    ends: tuple[dict[str, Any], ...] = ({"left": point.gamma[0]}, {"right": point.gamma[1]})
    bare = [flow(medium, point.sigma, **end) for end in ends]
    inside = np.stack([medium.gather(f.local) for f in bare], axis=1)
    if not (vertex and medium.length):
        nothing = DressedSources(inside, 0 * inside, 0, 0.0)
        return bare, bare, np.zeros((2, *point.sigma.shape), complex), nothing
    maps = vertex_maps(point.slots, point.method, point.solution)
    dressed = dress(make_ladder(medium, point.slots, point.solution, maps), inside)
    sources = np.stack([medium.spread(s) for s in dressed.source.T])
    flows = [
        flow(medium, point.sigma, source, **end) for source, end in zip(sources, ends, strict=True)
    ]
    return flows, bare, sources, dressed


def _transmissions(
    device: DisorderedDevice, point: Point, flows: list[Flow]
) -> tuple[float, float]:
    """tr Gamma_R A_L and tr Gamma_L A_R."""
    found = []
    for f, gamma in ((flows[0].at_right, point.gamma[1]), (flows[1].at_left, point.gamma[0])):
        n = gamma.shape[-1]
        found.append(float(np.einsum("b,bij,bji->", device.weights, gamma, f[:, :n, :n]).real))
    return found[0], found[1]


def _ward_residual(point: Point, sources: NDArray) -> float:
    absorbed = 1j * (point.sigma - point.sigma.conj().swapaxes(1, 2))
    return float(np.abs(sources.sum(axis=0) - absorbed).max() / (np.abs(absorbed).max() or 1.0))


def _densities(chain: LayerChain, flows: list[Flow]) -> tuple[NDArray, NDArray]:
    values = np.zeros((2, len(chain.sites.layer), 7))
    for sites, operators in local_operators(chain):
        where = site_blocks(chain, sites)
        for lead, f in enumerate(flows):
            values[lead, sites] = np.einsum("saij,sji->sa", operators, f.local[where]).real
    return values[:, :, :4], values[:, :, 4:]


def currents_of_flows(chain: LayerChain, flows: list[Flow]) -> NDArray:
    """2 Im tr[S_a V_l A_{l,l+1}], particles and spin, (2, layers - 1, 4)."""
    current = np.zeros((2, len(chain.onsite) - 1, 4))
    for sites, operators in local_operators(chain):
        right = chain.sites.layer[sites] > 0
        if not right.any():
            continue
        layer, rows, columns = site_blocks(chain, sites[right])
        for lead, f in enumerate(flows):
            block = f.bond[layer - 1, rows, columns]
            passing = 2 * np.einsum("saij,sji->sa", operators[right, :4], block).imag
            np.add.at(current[lead], layer.ravel() - 1, passing)
    return current


def _impurity_torque(
    device: DisorderedDevice, point: Point, flows: list[Flow], sources: NDArray
) -> NDArray:
    """Re i tr S_a [Sigma g + S G^+ - G S - g Sigma^+], (2, sites, 3)."""
    chain = device.chain
    torque = np.zeros((2, len(chain.sites.layer), 3))
    green = point.medium.spread(point.solution.green)
    for sites, operators in local_operators(chain):
        chosen = np.isin(sites, device.disorder.sites)
        if not chosen.any():
            continue
        where = site_blocks(chain, sites[chosen])
        sigma, own = point.sigma[where], green[where]
        for lead, f in enumerate(flows):
            g, s = f.local[where], sources[lead][where]
            lost = sigma @ g + s @ own.conj().swapaxes(1, 2) - own @ s
            lost = lost - g @ sigma.conj().swapaxes(1, 2)
            spin = operators[chosen, 1:4]
            torque[lead, sites[chosen]] = np.einsum("saij,sji->sa", spin, 1j * lost).real
    return torque
