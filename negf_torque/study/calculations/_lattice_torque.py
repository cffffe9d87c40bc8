"""Spin lost to the lattice, for calculations that report the window parts of a torque."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from negf_torque.study.base import Scalar
from negf_torque.study.calculations import _valve_variables as valve
from negf_torque.study.labels import Variable

if TYPE_CHECKING:
    import xarray as xr

    from negf_torque.lattice.layers import LayerChain
    from negf_torque.transport.sampling import Sampling

__all__ = ["LATTICE_VARIABLES", "lattice_scalars", "lattice_values"]

LOST = "By spin-orbit coupling; torque on the moments + this = spin inflow; " + valve.WINDOW + "."

LATTICE_VARIABLES: dict[str, Variable] = {
    "lattice_torkance": Variable(
        ("bias", "magnet", "component"), valve.TORKANCE, "Spin lost to the lattice", LOST
    ),
    "site_lattice_torkance": Variable(
        ("bias", "site", "component"), valve.TORKANCE, "Spin lost to the lattice, by site", LOST
    ),
}


def lattice_values(chain: LayerChain, energy: float, sampling: Sampling) -> dict[str, Any]:
    """Values of `LATTICE_VARIABLES`; none without spin-orbit coupling."""
    from negf_torque.transport.spin_balance import has_spin_orbit, spin_balance
    from negf_torque.transport.torque import sum_by_magnet

    if not has_spin_orbit(chain):
        return {}
    balance = spin_balance(chain, energy, sampling)
    lost = balance.windows[:, :, 1]
    return {
        "lattice_torkance": sum_by_magnet(chain.sites, lost, chain.magnets),
        "lattice_torkance_error": ((), balance.error),
        "site_lattice_torkance": lost,
    }


def lattice_scalars(dataset: xr.Dataset) -> list[Scalar]:
    """What each magnet's sites lose to the lattice, symmetric bias."""
    if "lattice_torkance" not in dataset:
        return []
    lost = dataset["lattice_torkance"].sel(bias="symmetric")
    error = dataset.get("lattice_torkance_error")
    return [
        Scalar(
            f"lattice_torkance[{magnet}, {component}]",
            float(lost.sel(magnet=magnet, component=component)),
            lost.attrs["units"],
            None if error is None else float(error),
            bool(dataset.attrs.get("converged", True)),
            "spin lost by spin-orbit coupling; window, symmetric bias",
        )
        for magnet in dataset["magnet"].values
        for component in "xyz"
    ]
