"""What the result of kind "torque" holds: name, dimensions, unit and sign of every variable."""

from dataclasses import replace

from negf_torque.study.calculations import _valve_variables as valve
from negf_torque.study.calculations._complete import COMPLETE
from negf_torque.study.calculations._disorder_variables import DISORDER
from negf_torque.study.calculations._lattice_torque import LATTICE_VARIABLES
from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

WINDOW, TORKANCE, CONDUCTANCE = valve.WINDOW, valve.TORKANCE, valve.CONDUCTANCE
SHARED = ("bias", "magnet", "component", "flow", "layer", "bond")

VARIABLES: dict[str, Variable] = {
    **DISORDER,
    **LATTICE_VARIABLES,
    **{name: valve.VARIABLES[name] for name in SHARED},
    "lead": Variable(("lead",), "", "Lead"),
    "site_magnet": Variable(("site",), "", "Magnet that the site belongs to"),
    "conductance": Variable((), CONDUCTANCE, "Conductance", "Both spins."),
    "torkance": Variable(
        ("bias", "magnet", "component"),
        TORKANCE,
        "Torkance",
        f"Torque on the magnet's moments per volt, V > 0 drives electrons to the right; {WINDOW}.",
    ),
    **{
        name: replace(one, dims=tuple(d for d in one.dims if d != "angle"))
        for name, one in COMPLETE.items()
        if name in ("complete_torkance", "complete_layer_torkance", "complete_site_torkance")
    },
    "layer_torkance": Variable(
        ("bias", "layer", "component"), TORKANCE, "Torkance of each layer", f"{WINDOW}."
    ),
    "site_torkance": Variable(
        ("bias", "site", "component"),
        TORKANCE,
        "Torkance of each site",
        "Delta m x s on the site's moment; " + WINDOW + ".",
    ),
    "spin_current": Variable(
        ("bias", "bond", "flow"),
        TORKANCE,
        "Current on each bond",
        valve.VARIABLES["spin_current"].convention,
    ),
    "spin_accumulation": Variable(
        ("bias", "site", "component"),
        "hbar/2 per V and cell",
        "Spin accumulation of each site",
        "<sigma> per volt of bias; " + WINDOW + ".",
    ),
    "open_channels": Variable(
        ("lead",), "1", "Open channels", "Of both spins; mean over the zone."
    ),
    "moment": Variable(
        ("site", "component"), "1", "Majority-spin direction", "Zero in a normal metal."
    ),
    "exchange": Variable(("site",), "eV", "Exchange splitting"),
    "position": Variable(
        ("site", "component"), "lattice constants", "Position", "As in the builder."
    ),
}
