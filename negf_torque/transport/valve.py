"""Spin valve: conductance and torque on the free magnet versus angle.

The fixed magnet's spin is p, the free magnet's spin m turns away from it by theta.  With N_in and
N_out the torkances along m x (p x m)/|m x p| and m x p/|m x p|, and G the conductance in e^2/h,

    eta(theta) = N_in(theta)/(G(theta) sin(theta))

is the in-plane torque per current in units of hbar/2e, divided by sin(theta).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from negf_torque.lattice.layers import LayerChain, aligned, layer_chain
from negf_torque.lattice.stack import CrossSection, Layer, Lead, build_stack
from negf_torque.lattice.terminals import OpenSystem
from negf_torque.spin import rotation_so3, unit_vector
from negf_torque.transport.linear import WindowResponse, window_responses
from negf_torque.transport.mixing import MixingConductance, mixing_conductance
from negf_torque.transport.sampling import Sampling
from negf_torque.transport.torque import frame_components

__all__ = [
    "ValveResult",
    "aside_of",
    "magnet_mixing",
    "solved_angles",
    "spin_valve",
    "valve_directions",
]

# Where N/sin(theta) is 0/0 it is taken this far (radians) from collinear; N/sin(theta) is even
# about those angles, so that this costs a relative error of about its square.
_OFF_COLLINEAR = 1e-3


@dataclass(frozen=True)
class ValveResult:
    """Angular dependence of a spin valve, window part of linear response.

    The axis `bias` is left, right, symmetric.

    Attributes
    ----------
    fixed, free : str
    angles : (angles,)
        Angle between the spins of both magnets, radians.
    fixed_direction : (3,)
    free_directions : (angles, 3)
    responses : tuple of WindowResponse
        One for every angle.
    conductance, conductance_error : (angles,)
        e^2/h per cell.
    conductance_parallel, conductance_antiparallel : float
    conductance_parallel_error, conductance_antiparallel_error : float
        Errors of the averages behind both.
    in_plane, out_of_plane, longitudinal : (bias, angles)
        Torkance of the free magnet, e/(4 pi) per cell; zero in the frame at collinear angles,
        where the transverse torque vanishes.
    in_plane_per_sin, out_of_plane_per_sin : (bias, angles)
        The same divided by sin(theta), with its limit at collinear angles.
    torkance_error : (angles,)
        Bound on the error of each torkance component of the free magnet.
    eta : (bias, angles)
        In-plane torque per current of that bias, hbar/2e, over sin(theta); also for the right
        reservoir per current from left to right.
    out_of_plane_per_current : (bias, angles)
        The same of the out-of-plane torque.
    converged : bool
    """

    fixed: str
    free: str
    angles: NDArray
    fixed_direction: NDArray
    free_directions: NDArray
    responses: tuple[WindowResponse, ...]
    conductance: NDArray
    conductance_error: NDArray
    conductance_parallel: float
    conductance_antiparallel: float
    conductance_parallel_error: float
    conductance_antiparallel_error: float
    in_plane: NDArray
    out_of_plane: NDArray
    longitudinal: NDArray
    in_plane_per_sin: NDArray
    out_of_plane_per_sin: NDArray
    torkance_error: NDArray
    eta: NDArray
    out_of_plane_per_current: NDArray
    converged: bool

    @property
    def gmr(self) -> float:
        """(G_P - G_AP)/G_AP."""
        return (self.conductance_parallel - self.conductance_antiparallel) / (
            self.conductance_antiparallel
        )

    @property
    def gmr_error(self) -> float:
        """Of both conductances to first order, added: it holds however these are correlated."""
        ratio = self.conductance_parallel / self.conductance_antiparallel
        error = self.conductance_parallel_error + abs(ratio) * self.conductance_antiparallel_error
        return error / self.conductance_antiparallel


def valve_directions(
    chain: LayerChain | OpenSystem, fixed: str, free: str, angles: ArrayLike
) -> tuple[NDArray, NDArray]:
    """Direction p of the fixed magnet and directions (angles, 3) of the free one.

    The free magnet turns in the plane of both magnets' directions as built; if these are
    collinear, in a plane through p that contains x (or y, where p is along x).

    Raises
    ------
    ValueError
        If a magnet does not exist or is not uniform.
    """
    p = _uniform_direction(chain, fixed, "fixed")
    m = _uniform_direction(chain, free, "free")
    if fixed == free:
        raise ValueError(f"free: {free!r} is the fixed magnet too. Name two magnets.")
    normal = np.cross(p, m)
    if np.linalg.norm(normal) < 1e-9:
        towards = np.eye(3)[0] if abs(p[0]) < 0.9 else np.eye(3)[1]
        normal = np.cross(p, towards)
    turns = [rotation_so3(normal, angle) @ p for angle in _listed(angles)]
    return p, np.array(turns)


def _listed(angles: ArrayLike) -> NDArray:
    found = np.atleast_1d(np.asarray(angles, float))
    if found.ndim != 1 or not found.size or not np.all(np.isfinite(found)):
        raise ValueError(f"angles: {found.tolist()!r} is not a list of angles in radians.")
    return found


def aside_of(angles: NDArray) -> NDArray:
    """The angles, collinear ones moved to where N/sin(theta) stands for its limit there."""
    beside = np.where(np.cos(angles) > 0, _OFF_COLLINEAR, np.pi - _OFF_COLLINEAR)
    return np.where(np.abs(np.sin(angles)) < 1e-9, beside, angles)


def solved_angles(angles: NDArray) -> tuple[NDArray, NDArray]:
    """Angles at which a valve is solved, and where among them one finds what.

    Returns
    -------
    solved : (n,)
        In ascending order, radians.
    which : (2 + 2 * angles,)
        Places of 0 and pi, of the angles, and of the angles that stand for collinear ones.
    """
    wanted = np.concatenate([[0.0, np.pi], angles, aside_of(angles)])
    return np.unique(wanted, return_inverse=True)


def spin_valve(
    chain: LayerChain,
    fixed: str,
    free: str,
    energy: float,
    angles: ArrayLike | None = None,
    sampling: Sampling | None = None,
    progress: Callable[[int, int, int], None] | None = None,
    respond: Callable[[Sequence[LayerChain]], Sequence[WindowResponse]] | None = None,
) -> ValveResult:
    """Conductance and torque on the free magnet of a spin valve versus angle.

    Parameters
    ----------
    chain : LayerChain
        A device with two or more magnets, uniform each.
    fixed, free : str
        Names of the polarising magnet and of the magnet that turns.
    energy : float
        Fermi energy in eV.
    angles : (angles,)
        Angles between the spins of both, radians; default 13 from 0 to pi.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.
    progress : callable, optional
        See `negf_torque.transport.linear.window_response`.
    respond : callable, optional
        Devices -> their responses, in place of the clean ones (an average over impurities).

    Examples
    --------
    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> magnet = dict(onsite=0.75, exchange=1.5)
    >>> stack = [Layer(4, name="fixed", **magnet), Layer(3), Layer(2, name="free", **magnet)]
    >>> valve = spin_valve(layer_chain(build_stack(stack)), "fixed", "free", -2.2,
    ...                    [np.pi / 2], Sampling(mesh=16))
    >>> round(valve.conductance_parallel, 10), round(float(valve.in_plane[0, 0]), 8)
    (0.5652437081, 0.21105104)
    """
    angles = _listed(np.linspace(0, np.pi, 13) if angles is None else angles)
    collinear = np.abs(np.sin(angles)) < 1e-9
    aside = aside_of(angles)
    solved, which = solved_angles(angles)
    p, directions = valve_directions(chain, fixed, free, solved)
    devices = [aligned(chain, {free: m}) for m in directions]
    responses = (
        window_responses(devices, energy, sampling, progress)
        if respond is None
        else respond(devices)
    )
    parallel, antiparallel = (responses[n] for n in which[:2])
    at, beside = which[2 : 2 + len(angles)], which[2 + len(angles) :]
    main = [responses[n] for n in at]
    index = chain.magnets.index(free)
    components = _components(main, index, directions[at], p)
    near = [responses[n] for n in beside]
    beside_in, beside_out, _ = _components(near, index, directions[beside], p)
    in_per_sin, out_per_sin = beside_in / np.sin(aside), beside_out / np.sin(aside)
    # the right reservoir drives a current of the opposite sign
    current = np.array([r.conductance for r in near]) * np.array([[1], [-1], [1]])
    with np.errstate(invalid="ignore", divide="ignore"):
        eta, out_eta = in_per_sin / current, out_per_sin / current
    return ValveResult(
        fixed=fixed,
        free=free,
        angles=angles,
        fixed_direction=p,
        free_directions=directions[at],
        responses=tuple(main),
        conductance=np.array([r.conductance for r in main]),
        conductance_error=np.array([r.conductance_error for r in main]),
        conductance_parallel=parallel.conductance,
        conductance_antiparallel=antiparallel.conductance,
        conductance_parallel_error=parallel.conductance_error,
        conductance_antiparallel_error=antiparallel.conductance_error,
        in_plane=np.where(collinear, 0.0, components[0]),
        out_of_plane=np.where(collinear, 0.0, components[1]),
        longitudinal=components[2],
        in_plane_per_sin=in_per_sin,
        out_of_plane_per_sin=out_per_sin,
        torkance_error=np.array([r.torkance_error[index] for r in main]),
        eta=eta,
        out_of_plane_per_current=out_eta,
        converged=all(r.converged for r in responses),
    )


def magnet_mixing(
    layers: Sequence[Layer],
    normal: Lead,
    cross_section: CrossSection,
    energy: float,
    sampling: Sampling | None = None,
) -> dict[str, MixingConductance]:
    """Mixing conductances of every magnet of a stack against a normal metal.

    Returns
    -------
    dict
        "<name>" is the magnet's layers between two normal leads, "<name> interface" the same
        material, semi-infinite, behind one interface.
    """
    result = {}
    names = dict.fromkeys(layer.name for layer in layers if layer.exchange)
    for name in names:
        own = [layer for layer in layers if layer.exchange and layer.name == name]
        between = layer_chain(build_stack(own, normal, normal, cross_section))
        result[name] = mixing_conductance(between, energy, sampling=sampling)
        bulk = Lead(
            onsite=own[0].onsite,
            exchange=own[0].exchange,
            direction=own[0].direction,
            hopping=own[0].hopping,
            hopping_out=own[0].hopping_out,
            interface_hopping=own[0].interface_hopping,
        )
        interface = layer_chain(build_stack([], normal, bulk, cross_section))
        result[f"{name} interface"] = mixing_conductance(interface, energy, sampling=sampling)
    return result


def _components(
    responses: Sequence[WindowResponse], index: int, m: NDArray, p: NDArray
) -> tuple[NDArray, NDArray, NDArray]:
    torque = np.array([r.magnet_torkance_by_bias[:, index] for r in responses])  # (n, 3, 3)
    in_plane, out_of_plane, longitudinal = frame_components(torque, m[:, None, :], p)
    return in_plane.T, out_of_plane.T, longitudinal.T


def _uniform_direction(chain: LayerChain | OpenSystem, magnet: str, argument: str) -> NDArray:
    if magnet not in chain.magnets:
        raise ValueError(f"{argument}: {magnet!r} is none of the magnets {list(chain.magnets)}.")
    rows = [name == magnet for name in chain.sites.magnet]
    directions = unit_vector(chain.sites.exchange[rows])
    if not np.allclose(directions, directions[0], atol=1e-9):
        raise ValueError(
            f"{argument}: {magnet!r} is not uniform; its angle to another is undefined."
        )
    return directions[0]
