"""Linear response of a two-terminal device: conductance, spin currents, accumulation, torques.

Everything here is the response of the window: states from the left lead (A_L), from the right
lead (A_R), or half the difference, (A_L - A_R)/2, see `negf_torque.transport.torque`.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negf_torque.lattice.layers import LayerChain
from negf_torque.notices import PhysicsWarning
from negf_torque.transport.device import Device, Response, make_device, solve
from negf_torque.transport.sampling import Sampling, average
from negf_torque.transport.torque import bias_windows, exchange_torque, sum_by_magnet

__all__ = [
    "WindowResponse",
    "pack_window",
    "unpack_window",
    "window_response",
    "window_responses",
    "zone_map",
]


@dataclass(frozen=True)
class WindowResponse:
    """Window part of the linear response, averaged over the zone and the thermal window.

    The first axis of the arrays named `*_by_bias` is the bias: left, right, symmetric.

    Attributes
    ----------
    chain : LayerChain
    conductance, conductance_error : float
        e^2/h per cell.
    density_by_lead : (2, sites, 4)
        Particles and spin of the states of each lead, times 2 pi, 1/eV.
    exchange_density_by_lead : (2, sites, 3)
    current_by_lead : (2, layers - 1, 4)
        Particle and spin current from layer to layer per 1/(2 pi).
    density_error, current_error : float
        Largest estimated absolute error of the arrays above.
    open_channels : (2,)
        Mean number of open channels of each lead.
    evaluations : int
    converged : bool
    exchange_error_by_lead : (2, sites, 3)
        Estimated errors of `exchange_density_by_lead`, number by number; empty where not known.
    """

    chain: LayerChain
    conductance: float
    conductance_error: float
    density_by_lead: NDArray
    exchange_density_by_lead: NDArray
    current_by_lead: NDArray
    density_error: float
    current_error: float
    open_channels: NDArray
    evaluations: int
    converged: bool
    exchange_error_by_lead: NDArray = field(default_factory=lambda: np.zeros((2, 0, 3)))

    @property
    def spin_current_by_bias(self) -> NDArray:
        """(3, layers - 1, 4): charge and spin current per voltage, e/(4 pi) (charge: e^2/h)."""
        return bias_windows(self.current_by_lead)

    @property
    def accumulation_by_bias(self) -> NDArray:
        """(3, sites, 4): particles and spin (hbar/2) per volt of bias, 1/V."""
        return bias_windows(self.density_by_lead) / (2 * np.pi)

    @property
    def site_torkance_by_bias(self) -> NDArray:
        """(3, sites, 3): torque on each site's moment per voltage, e/(4 pi)."""
        return exchange_torque(self.chain.sites, bias_windows(self.exchange_density_by_lead))

    @property
    def layer_torkance_by_bias(self) -> NDArray:
        """(3, layers, 3), e/(4 pi)."""
        torque = self.site_torkance_by_bias
        total = np.zeros((3, len(self.chain.onsite), 3))
        layer: Any = (slice(None), self.chain.sites.layer)
        np.add.at(total, layer, torque)
        return total

    @property
    def magnet_torkance_by_bias(self) -> NDArray:
        """(3, magnets, 3), e/(4 pi), in the order of `chain.magnets`."""
        return sum_by_magnet(self.chain.sites, self.site_torkance_by_bias, self.chain.magnets)

    @property
    def torkance_error(self) -> NDArray:
        """(magnets,): bound on the error of each magnet's torkance."""
        fields = np.linalg.norm(self.chain.sites.exchange, axis=1)
        return np.array(
            [
                self.density_error
                * np.sqrt(3)
                * fields[[name == magnet for name in self.chain.sites.magnet]].sum()
                for magnet in self.chain.magnets
            ]
        )


def window_response(
    chain: LayerChain,
    energy: float,
    sampling: Sampling | None = None,
    progress: Callable[[int], None] | None = None,
) -> WindowResponse:
    """Window response of a device.

    Parameters
    ----------
    chain : LayerChain
    energy : float
        Chemical potential in eV.
    sampling : Sampling, optional
        Default adaptive to 1e-6 at zero temperature.
    progress : callable, optional
        Called with the number of points so far.

    Raises
    ------
    ValueError
        If the energy is not a finite number.

    Warns
    -----
    PhysicsWarning
        If no channel is open in a lead: the conductance is zero.
    ConvergenceWarning
        If the tolerance was not reached.

    Examples
    --------
    A chain without scatterers lets every electron of both spins pass:

    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> chain = layer_chain(build_stack([Layer(3)], cross_section="chain"))
    >>> round(window_response(chain, -0.5).conductance, 12)
    2.0
    """
    found = _window_response(make_device(chain), energy, sampling or Sampling(), progress)
    _warn_closed(found.open_channels, energy)
    return found


def window_responses(
    chains: Sequence[LayerChain],
    energy: float,
    sampling: Sampling | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> list[WindowResponse]:
    """Window responses of several devices with the same leads, such as a valve at its angles.

    Parameters
    ----------
    chains : sequence of LayerChain
    energy, sampling
        As in `window_response`.
    progress : callable, optional
        Called with the numbers of finished devices, of all devices, and of points so far.

    Examples
    --------
    A chain, and one with a site of 2 eV, which lets half of the electrons pass at E = 0:
    T = 1/[1 + (U/2 t sin k)^2].

    >>> from negf_torque.lattice import Layer, build_stack, layer_chain
    >>> chains = [
    ...     layer_chain(build_stack([Layer(1, onsite=u)], cross_section="chain")) for u in (0, 2)
    ... ]
    >>> [round(response.conductance, 9) for response in window_responses(chains, 0.0)]
    [2.0, 1.0]
    """
    if isinstance(chains, LayerChain):
        raise ValueError("chains: a single chain; `window_response` takes one.")
    sampling = sampling or Sampling()
    points = 0
    results: list[WindowResponse] = []
    # One adaptive average for each device: their resonances lie at different momenta.
    for chain in chains:

        def report(more: int, finished: int = len(results), before: int = points) -> None:
            if progress is not None:
                progress(finished, len(chains), before + more)

        results.append(_window_response(make_device(chain), energy, sampling, report))
        points += results[-1].evaluations
    if results:
        _warn_closed(results[0].open_channels, energy)
    return results


def _window_response(
    device: Device, energy: float, sampling: Sampling, progress: Callable[[int], None] | None
) -> WindowResponse:
    def columns(k: NDArray, energies: NDArray) -> NDArray:
        return pack_window(solve(device, k, energies), device)

    fields = np.linalg.norm(device.chain.sites.exchange, axis=1).max(initial=0.0)

    def scale(size: NDArray) -> NDArray:
        conductance, channels = size[0], max(size[1], size[2])
        density = size[3 : 3 + 8 * device.sites].max()
        # A torque is a splitting times a spin and about as large as the conductance: the spin
        # must be known to the torque's tolerance.
        spin = min(density, conductance / fields) if fields and conductance else density
        return np.concatenate(
            [
                [conductance, channels, channels],
                np.tile([density, spin, spin, spin], 2 * device.sites),
                np.full(6 * device.sites * device.separate_exchange, spin),
                np.full(8 * (device.layers - 1), conductance),
            ]
        )

    mean = average(columns, device.chain, energy, sampling, scale, progress)
    return unpack_window(mean.value, mean.error, device, mean.evaluations, mean.converged)


def zone_map(chain: LayerChain, energy: float, mesh: int) -> tuple[NDArray, NDArray, NDArray]:
    """Transmission and torkance at every momentum, for pictures.

    Returns
    -------
    k : (mesh,)
        -pi < k < pi, the same for both directions.
    transmission : (mesh, mesh)
        Rows k_y, columns k_z.
    torkance : (magnets, mesh, mesh, 3)
        Symmetric window.
    """
    device = make_device(chain)
    k = 2 * np.pi * (np.arange(mesh) + 0.5) / mesh - np.pi
    points = np.stack([a.ravel() for a in np.meshgrid(k, k, indexing="ij")], axis=1)
    response = solve(device, points, energy)
    torque = exchange_torque(chain.sites, np.moveaxis(response.exchange_density, 3, 0))
    by_magnet = sum_by_magnet(chain.sites, torque, chain.magnets)
    symmetric = (by_magnet[:, 0] - by_magnet[:, 1]) / 2
    return (
        k,
        response.transmission.reshape(mesh, mesh),
        np.moveaxis(symmetric, 1, 0).reshape(len(chain.magnets), mesh, mesh, 3),
    )


def pack_window(response: Response, device: Device) -> NDArray:
    """Everything that a `WindowResponse` averages, one row per member: (B, columns)."""
    batch = len(response.transmission)
    parts = [
        response.transmission[:, None],
        response.open_channels.T,
        np.moveaxis(response.density, 3, 0).reshape(batch, -1),
    ]
    if device.separate_exchange:
        parts.append(np.moveaxis(response.exchange_density, 3, 0).reshape(batch, -1))
    parts.append(np.moveaxis(response.current, 3, 0).reshape(batch, -1))
    return np.concatenate(parts, axis=1)


def unpack_window(
    value: NDArray, error: NDArray, device: Device, evaluations: int, converged: bool
) -> WindowResponse:
    """The means and errors of `pack_window`'s columns as a `WindowResponse`."""
    sites, acting = 8 * device.sites, 6 * device.sites * device.separate_exchange

    def spins(array: NDArray) -> NDArray:
        if device.separate_exchange:
            return array[3 + sites : 3 + sites + acting].reshape(2, device.sites, 3)
        return array[3 : 3 + sites].reshape(2, device.sites, 4)[:, :, 1:]

    return WindowResponse(
        chain=device.chain,
        conductance=float(value[0]),
        conductance_error=float(error[0]),
        density_by_lead=value[3 : 3 + sites].reshape(2, device.sites, 4),
        exchange_density_by_lead=spins(value),
        current_by_lead=value[3 + sites + acting :].reshape(2, device.layers - 1, 4),
        density_error=float(error[3 : 3 + sites + acting].max()),
        current_error=float(error[3 + sites + acting :].max(initial=0.0)),
        open_channels=value[1:3],
        evaluations=evaluations,
        converged=converged,
        exchange_error_by_lead=spins(error),
    )


def _warn_closed(open_channels: NDArray, energy: float) -> None:
    for name, channels in zip(("left", "right"), open_channels, strict=True):
        if channels == 0:
            warnings.warn(
                f"energy: {energy:g} eV lies outside all bands of the {name} lead; no electron "
                "arrives and the conductance is zero.",
                PhysicsWarning,
                stacklevel=3,
            )
