"""What a result holds about impurities: name, dimensions, unit and sign of every variable."""

from negf_torque.study.calculations import _valve_variables as valve
from negf_torque.study.labels import Variable

__all__ = ["DISORDER"]

TORKANCE, CONDUCTANCE, WINDOW = valve.TORKANCE, valve.CONDUCTANCE, valve.WINDOW
COMPLETE = "window and all occupied states, whatever the division of the bias"

DISORDER: dict[str, Variable] = {
    **{
        name: valve.VARIABLES[name]
        for name in ("bias", "magnet", "component", "flow", "layer", "bond")
    },
    "approach": Variable(("approach",), "", "Method of the average over impurities"),
    "configuration": Variable(("configuration",), "", "Seed of the configuration"),
    "site": Variable(("site",), "1", "Site", "Numbered layer by layer from left to right."),
    "site_layer": Variable(("site",), "1", "Layer of the site"),
    "step": Variable(("step",), "1", "Step of the self-consistency"),
    "approach_conductance": Variable(
        ("approach",), CONDUCTANCE, "Conductance by method", "Errors are standard errors."
    ),
    "approach_torkance": Variable(
        ("approach", "bias", "magnet", "component"), TORKANCE, "Torkance by method", f"{WINDOW}."
    ),
    "approach_layer_torkance": Variable(
        ("approach", "bias", "layer", "component"),
        TORKANCE,
        "Torkance of each layer by method",
        f"{WINDOW}.",
    ),
    "approach_charge_current": Variable(
        ("approach", "bias", "bond"),
        CONDUCTANCE,
        "Charge current on each bond by method",
        "The same on all bonds, unless vertex corrections are left out.",
    ),
    "complete_torkance": Variable(
        ("magnet", "component"), TORKANCE, "Torkance, complete", f"Main method; {COMPLETE}."
    ),
    "complete_layer_torkance": Variable(
        ("layer", "component"), TORKANCE, "Torkance of each layer, complete", f"{COMPLETE}."
    ),
    "complete_site_torkance": Variable(
        ("site", "component"), TORKANCE, "Torkance of each site, complete", f"{COMPLETE}."
    ),
    "clean_conductance": Variable((), CONDUCTANCE, "Conductance without impurities"),
    "clean_layer_torkance": Variable(
        ("bias", "layer", "component"),
        TORKANCE,
        "Torkance of each layer without impurities",
        f"{WINDOW}.",
    ),
    "self_energy": Variable(
        ("site", "flow"),
        "eV",
        "Self-energy of the impurities",
        "Retarded; tr(Sigma)/n and tr(S_a Sigma)/n of the site's n orbitals; zero on clean sites.",
    ),
    "residual": Variable(("step",), "1", "Relative residual of the self-energy"),
    "current_loss": Variable(
        (), "1", "Largest relative deviation of the charge current from bond to bond"
    ),
    "ward_residual": Variable(
        (), "1", "Largest relative deviation from S_L + S_R = i (Sigma - Sigma^+)"
    ),
    "vertex_conductance": Variable(
        (), CONDUCTANCE, "Part of the conductance that the vertex corrections carry"
    ),
    "born_parameter": Variable(
        (), "1", "Expansion parameter |v G| of the Born approximation", "Small: trust it."
    ),
    "impurity_torque": Variable(
        ("bias", "layer", "component"),
        TORKANCE,
        "Spin lost to magnetic impurities",
        f"Torque on the impurities' moments, which is no torque on the magnets; {WINDOW}.",
    ),
    "configuration_conductance": Variable(
        ("configuration",), CONDUCTANCE, "Conductance of each configuration"
    ),
    "configuration_torkance": Variable(
        ("bias", "configuration", "magnet", "component"),
        TORKANCE,
        "Torkance of each configuration",
        f"{WINDOW}.",
    ),
    "conductance_median": Variable((), CONDUCTANCE, "Median of the configurations' conductances"),
}
