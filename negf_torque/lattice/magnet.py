"""A magnet: a Kwant builder that knows exchange field, spin and membership of every site.

    H_site = H_rest - (1/2) B_site . O_site,     B = Delta m,

where m is the direction of the majority spin, Delta the exchange splitting and O the operator
that the exchange field acts on: the site's spin (three matrices, sigma on every orbital) unless
given.  The Hamiltonian of the builder contains the exchange term; the magnet says which part of
it that is, so that torques can be computed and moments turned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import kwant
import numpy as np
from kwant.builder import Site
from numpy.typing import ArrayLike, NDArray

from negf_torque.spin import SIGMA

__all__ = ["Magnet", "magnet_from_kwant", "orbital_spin"]

SiteVector = Callable[[Site], ArrayLike]
SiteOperator = ArrayLike | Callable[[Site], ArrayLike]


@dataclass(frozen=True)
class Magnet:
    """A device whose sites carry exchange fields.

    Attributes
    ----------
    builder : kwant.Builder
        Scattering region with its leads attached, no translational symmetry left; periodic
        directions have been turned into momentum parameters.
    exchange_field : callable
        site -> (3,), B = Delta m in eV.  Also asked for the sites of the leads.
    spin_operator : callable
        site -> (3, norbs, norbs) hermitian, the spin in units of hbar/2.
    exchange_operator : callable
        site -> (3, norbs, norbs) hermitian, O in the equation above.
    membership : callable
        site -> name of the magnet that the site belongs to, or None.
    momenta : tuple of str
        Names of the momentum parameters, one per periodic direction.
    params : mapping
        The other parameters of the builder's value functions.
    """

    builder: kwant.Builder
    exchange_field: SiteVector
    spin_operator: Callable[[Site], NDArray]
    exchange_operator: Callable[[Site], NDArray]
    membership: Callable[[Site], str | None]
    momenta: tuple[str, ...] = ()
    params: Mapping = field(default_factory=dict)


def orbital_spin(orbitals: int) -> NDArray:
    """1_orbitals x sigma, shape (3, 2 orbitals, 2 orbitals): orbital-major, spin-minor order."""
    return np.array([np.kron(np.eye(orbitals), s) for s in SIGMA])


def magnet_from_kwant(
    builder: kwant.Builder,
    leads: list[kwant.Builder] | None = None,
    *,
    exchange_field: SiteVector,
    spin_operator: SiteOperator = SIGMA,
    exchange_operator: SiteOperator | None = None,
    membership: Callable[[Site], str | None] | None = None,
    params: Mapping | None = None,
    lead_cells: int = 1,
) -> Magnet:
    """Make a magnet of a user's own Kwant system.

    Parameters
    ----------
    builder : kwant.Builder
        The scattering region.  It may have translational symmetries: those are the periodic
        directions of the cross-section.
    leads : list of kwant.Builder, optional
        Leads with one symmetry more than `builder`, the direction of the lead first (it points
        away from the device).  They are attached here, the left lead first.  Not needed when a
        builder without symmetry has its leads attached already.
    exchange_field : callable
        site -> (3,), Delta m in eV; zero for a nonmagnetic site.
    spin_operator, exchange_operator : (3, norbs, norbs) or callable
        See `Magnet`; one array for all sites or site -> array.  The exchange operator defaults
        to the spin operator.
    membership : callable, optional
        site -> name or None; by default every site with an exchange field belongs to "magnet".
    params : mapping, optional
        Parameters of the value functions.
    lead_cells : int
        Cells of each lead that become part of the region, so that the current into the device
        can be counted on a bond of it.  Zero if the region begins and ends with such a cell.

    Raises
    ------
    ValueError
        If leads are missing or their symmetries do not fit.

    Examples
    --------
    One site of a chain carries a moment along x; Delta is 0.5 eV.

    >>> import kwant
    >>> from negf_torque.lattice import layer_chain
    >>> lattice = kwant.lattice.chain(norbs=2)
    >>> one = np.eye(2)
    >>> builder = kwant.Builder()
    >>> builder[lattice(0)] = -0.25 * SIGMA[0]
    >>> lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
    >>> lead[lattice(0)], lead[lattice.neighbors()] = 0 * one, -one
    >>> builder.attach_lead(lead, add_cells=1), builder.attach_lead(lead.reversed(), add_cells=1)
    ...     # doctest: +ELLIPSIS
    (...)
    >>> field = {lattice(0): (0.5, 0, 0)}
    >>> magnet = magnet_from_kwant(builder, exchange_field=lambda s: field.get(s, (0, 0, 0)))
    >>> layer_chain(magnet).magnets
    ('magnet',)
    """
    periodic = builder.symmetry.num_directions
    momenta = tuple(f"k_{axis}" for axis in "yzx"[:periodic])
    region = kwant.Builder()
    if periodic:
        if leads is None:
            raise ValueError("leads: a periodic system needs its leads given, left one first.")
        region = kwant.wraparound.wraparound(builder, coordinate_names="yzx")
    else:
        region.update(builder)
    attached = list(region.leads)
    region.leads = []
    if leads is None:
        leads = [lead.builder for lead in attached if isinstance(lead, kwant.builder.BuilderLead)]
        if len(leads) < len(attached):
            raise ValueError("leads: only leads that are Kwant builders can be used.")
    if not leads:
        raise ValueError("leads: the system has none. Attach leads, or give them here.")
    for number, lead in enumerate(leads):
        _attach(region, lead, periodic, number, lead_cells)
    return Magnet(
        builder=region,
        exchange_field=exchange_field,
        spin_operator=_per_site(spin_operator),
        exchange_operator=_per_site(
            spin_operator if exchange_operator is None else exchange_operator
        ),
        membership=membership or (lambda site: "magnet" if np.any(exchange_field(site)) else None),
        momenta=momenta,
        params=dict(params or {}),
    )


def _attach(
    region: kwant.Builder, lead: kwant.Builder, periodic: int, number: int, cells: int
) -> None:
    directions = lead.symmetry.num_directions
    if directions != periodic + 1:
        raise ValueError(
            f"leads[{number}]: has {directions} translational symmetries. Expected {periodic + 1}: "
            "its own direction and the periodic ones of the region."
        )
    if periodic:
        lead = kwant.wraparound.wraparound(lead, keep=0, coordinate_names="?yzx")
    region.attach_lead(lead, add_cells=cells)


def _per_site(operator: SiteOperator) -> Callable[[Site], NDArray]:
    if callable(operator):
        return lambda site: np.asarray(operator(site), complex)
    constant = np.asarray(operator, complex)
    return lambda site: constant
