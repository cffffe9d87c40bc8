"""Impurities in a transport calculation: averages by every method that the card asks for.

A calculation that reads `[[impurities]]` solves its device through `averaged`, which hands back
the same kind of response as for a clean device, and adds what it learns about the disorder with
`with_disorder`: other methods and their differences, self-energies, single configurations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from negf_torque.study.calculations._disorder_summary import disorder_listings, disorder_scalars
from negf_torque.study.calculations._disorder_variables import DISORDER
from negf_torque.study.impurities import DisorderTable, check_disorder
from negf_torque.study.labels import labelled

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.study.base import Progress
    from negf_torque.study.card import Card
    from negf_torque.transport.disordered import DisorderedResponse
    from negf_torque.transport.disordered_complete import CompleteDisorderedResponse
    from negf_torque.transport.ensembles import ConfigurationResponse
    from negf_torque.transport.linear import WindowResponse

__all__ = [
    "Averages",
    "averaged",
    "check_impurities",
    "disorder_listings",
    "disorder_scalars",
    "lead_impurities",
    "standard_errors",
    "with_disorder",
]


@dataclass(frozen=True)
class Averages:
    """The response of one device, averaged over its impurities by one or several methods.

    Attributes
    ----------
    methods : tuple of str
        The main one first.
    windows : tuple of WindowResponse
        One for each method.
    mean_field : DisorderedResponse or None
        The first response that has a self-energy.
    configurations : ConfigurationResponse or None
    complete : CompleteDisorderedResponse or None
        Window and sea of the main method, where the card asks for both.
    """

    methods: tuple[str, ...]
    windows: tuple[WindowResponse, ...]
    mean_field: DisorderedResponse | None = None
    configurations: ConfigurationResponse | None = field(default=None, repr=False)
    complete: CompleteDisorderedResponse | None = None

    @property
    def window(self) -> WindowResponse:
        """The main method's response."""
        return self.windows[0]

    @property
    def converged(self) -> bool:
        """Whether all methods have converged."""
        sea = self.complete is None or self.complete.converged
        return sea and all(window.converged for window in self.windows)

    def torkance_error(self, number: int) -> NDArray:
        """(3, magnets, 3): standard errors of method `number`, or what the mesh makes of it."""
        if self.configurations is not None and self.methods[number] == "configurations":
            return self.configurations.magnet_torkance_error
        window = self.windows[number]
        # a magnet's torque is the difference of two spin currents
        return np.full(window.magnet_torkance_by_bias.shape, 2 * window.current_error)


def check_impurities(card: Card) -> dict[tuple, str]:
    """Mistakes in `[[impurities]]` and `[disorder]` that need more than one table."""
    problems = check_disorder(card)
    explicit = card.disorder is not None and "configurations" in card.disorder.methods
    if card.impurities and explicit and bool(getattr(card.calculation, "temperature", 0.0)):
        problems["calculation", "temperature"] = (
            f"{card.calculation.temperature:g}: explicit configurations are solved at 0 K. Leave "
            "temperature out, or the method."
        )
    if card.disorder and not card.impurities:
        problems[("disorder",)] = "there are no impurities to average over. Give [[impurities]]."
    return problems


def averaged(
    card: Card,
    chain: LayerChain,
    energy: float,
    progress: Progress,
    methods: tuple[str, ...] | None = None,
) -> Averages:
    """Solve one device with the card's impurities, by each of the methods that average."""
    table = card.disorder or DisorderTable()
    methods = tuple(table.methods) if methods is None else methods
    windows: list[WindowResponse] = []
    mean_field: DisorderedResponse | None = None
    for method in methods:
        progress.start(f"{method}: self-energy and vertex corrections")
        medium = _averaged_medium(card, table, chain, energy, method)
        windows.append(medium)
        mean_field = mean_field or medium
    complete = None
    main = bool(windows) and methods[0] == table.method
    if main and mean_field is not None and card.kind == "torque" and chain.magnets:
        complete = _complete(card, table, chain, energy, mean_field, progress)
    return Averages(methods, tuple(windows), mean_field, complete=complete)


def _complete(
    card: Card,
    table: DisorderTable,
    chain: LayerChain,
    energy: float,
    window: DisorderedResponse,
    progress: Progress,
) -> CompleteDisorderedResponse | None:
    """Window and sea of an averaged medium, on the window's mesh."""
    from negf_torque.transport.disordered_complete import complete_disordered_response

    p = card.calculation
    wanted = getattr(p, "response", "window") == "complete" and table.vertex_corrections
    if not wanted:
        return None
    if np.any(window.density_by_lead[:, :, 0].sum(axis=0) <= 0):
        return None  # a site without states has no electrochemical potential
    progress.start(f"{window.method}: occupied states")
    return complete_disordered_response(
        chain,
        energy,
        [t.impurity() for t in card.impurities],
        window.method,
        window.mesh,
        neutrality=p.neutrality,
        tolerance=min(1e-4, p.sea_tolerance),
        window=window,
        lead_impurities=lead_impurities(card),
        temperature=getattr(p, "temperature", 0.0),
    )


def lead_impurities(card: Card) -> tuple[list, list]:
    """The impurities of the left and of the right lead."""
    left, right = (
        [t.impurity(lead=True) for t in card.impurities if side in t.leads]
        for side in ("left", "right")
    )
    return left, right


def _averaged_medium(
    card: Card, table: DisorderTable, chain: LayerChain, energy: float, method: str
) -> DisorderedResponse:
    """One method's response, its errors from another mesh where the cross-section is periodic."""
    from negf_torque.transport.disordered import disordered_response
    from negf_torque.transport.disordered_average import converged_response, thermal_response

    kinds = [t.impurity() for t in card.impurities]
    options: dict[str, Any] = {"lead_impurities": lead_impurities(card)}
    temperature = getattr(card.calculation, "temperature", 0.0)
    if not table.vertex_corrections:
        return disordered_response(chain, energy, kinds, method, table.fixed_mesh, False, **options)
    if table.mesh is None and chain.dimension:
        return converged_response(
            chain, energy, kinds, method, table.mesh_tolerance, temperature, **options
        )
    fine = thermal_response(chain, energy, kinds, method, table.fixed_mesh, temperature, **options)
    if not chain.dimension or table.fixed_mesh == 1:
        return fine
    sparse = 3 * table.fixed_mesh // 4
    coarse = thermal_response(chain, energy, kinds, method, sparse, temperature, **options)
    return _with_mesh_error(fine, coarse)


def _with_mesh_error(
    response: DisorderedResponse, coarse: DisorderedResponse
) -> DisorderedResponse:
    """Errors: what a mesh of three quarters as many points per direction changes."""

    def change(name: str, *section: Any) -> float:
        both = [np.asarray(getattr(r, name))[section] for r in (response, coarse)]
        return float(np.abs(both[0] - both[1]).max(initial=0.0))

    return replace(
        response,
        conductance_error=change("conductance"),
        density_error=change("density_by_lead", Ellipsis, slice(1, None)),
        current_error=change("current_by_lead"),
    )


def standard_errors(
    averages: list[Averages], responses: tuple[WindowResponse, ...]
) -> dict[str, Any]:
    """Errors of the torkances of a valve, (angle, magnet): the largest of components and biases."""
    if not averages:
        return {}
    errors = []
    for response in responses:
        (own,) = (a for a in averages if a.window is response)
        errors.append(own.torkance_error(0).max(axis=(0, 2)))
    names = ("torkance", "torkance_in_plane", "torkance_out_of_plane")
    return {f"{name}_error": (("angle", "magnet"), np.array(errors)) for name in names}


def with_disorder(
    dataset: xr.Dataset, averages: Averages, clean: WindowResponse | None = None
) -> xr.Dataset:
    """The dataset of the main method, and what is known about the disorder."""
    windows = averages.windows
    chain = averages.window.chain
    torkance = np.stack([w.magnet_torkance_by_bias for w in windows])
    values: dict[str, Any] = {
        "approach_conductance": [w.conductance for w in windows],
        "approach_conductance_error": [w.conductance_error for w in windows],
        "approach_torkance": torkance,
        "approach_torkance_error": np.stack(
            [averages.torkance_error(n) for n in range(len(windows))]
        ),
        "approach_layer_torkance": np.stack([w.layer_torkance_by_bias for w in windows]),
        "approach_charge_current": np.stack([w.spin_current_by_bias[..., 0] for w in windows]),
    }
    coords: dict[str, Any] = {
        "approach": list(averages.methods),
        "bias": dataset["bias"].values,
        "magnet": list(chain.magnets),
        "component": ["x", "y", "z"],
        "layer": np.arange(len(chain.onsite)),
        "bond": np.arange(len(chain.onsite) - 1) + 0.5,
    }
    values |= _complete_values(averages)
    for more, places in (_mean_field(averages.mean_field), _explicit_values(averages)):
        values |= more
        coords |= places
    if clean is not None:
        values |= {
            "clean_conductance": clean.conductance,
            "clean_layer_torkance": clean.layer_torkance_by_bias,
        }
    found = labelled(DISORDER, values, coords)
    if chain.dimension == 0:
        for variable in found.variables.values():
            unit = variable.attrs.get("units", "")
            variable.attrs["units"] = unit.replace(" per cell", "")
    merged = dataset.merge(found, combine_attrs="override", compat="override")
    if averages.methods[0] == "configurations" or chain.dimension:
        if "angle" not in dataset.dims:
            merged["torkance_error"] = found["approach_torkance_error"].isel(approach=0, drop=True)
    else:  # a wire's averaged medium has no error but its approximation's
        merged = merged.drop_vars(
            [n for n in dataset.data_vars if str(n).endswith("_error")], errors="ignore"
        )
    converged = bool(dataset.attrs.get("converged", True)) and averages.converged
    return merged.assign_attrs(
        response="complete" if averages.complete else "window",
        converged=converged,
        disorder_method=averages.methods[0],
        dimension=chain.dimension,
    )


def _mean_field(response: DisorderedResponse | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if response is None:
        return {}, {}
    sites = response.chain.sites
    sigma = np.zeros((len(sites.layer), 4), complex)
    for site, matrix in zip(response.disordered_sites, response.self_energy, strict=True):
        size = len(matrix)
        sigma[site, 0] = np.trace(matrix) / size
        sigma[site, 1:] = np.einsum("aij,ji->a", sites.spin[site], matrix) / size
    values = {
        "self_energy": sigma,
        "residual": response.residuals,
        "current_loss": response.current_loss,
        "ward_residual": response.ward_residual,
        "vertex_conductance": response.conductance_vertex,
        "born_parameter": response.parameter,
        "impurity_torque": response.layer_impurity_torque_by_bias,
    }
    coords = {
        "site": np.arange(len(sites.layer)),
        "site_layer": ("site", sites.layer),
        "flow": ["charge", "x", "y", "z"],
        "step": np.arange(1, len(response.residuals) + 1),
    }
    return values, coords


def _complete_values(averages: Averages) -> dict[str, Any]:
    found = averages.complete
    if found is None:
        return {}
    layers = np.zeros((len(averages.window.chain.onsite), 3))
    np.add.at(layers, averages.window.chain.sites.layer, found.site_torkance)
    return {
        "complete_torkance": found.magnet_torkance,
        "complete_layer_torkance": layers,
        "complete_site_torkance": found.site_torkance,
    }


def _explicit_values(averages: Averages) -> tuple[dict[str, Any], dict[str, Any]]:
    found = averages.configurations
    if found is None:
        return {}, {}
    values = {
        "configuration_conductance": found.conductances,
        "configuration_torkance": found.magnet_torkances,
        "conductance_median": float(np.median(found.conductances)),
    }
    return values, {"configuration": found.ensemble.seeds}
