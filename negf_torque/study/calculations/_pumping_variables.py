"""What the result of kind "pumping" holds: name, dimensions, unit and sign of every variable."""

from negf_torque.study.calculations import _valve_variables as valve
from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

CONDUCTANCE = valve.CONDUCTANCE
VELOCITY = "for a unit velocity of m along `velocity`"
CURRENT = "hbar/2 per cell"

VARIABLES: dict[str, Variable] = {
    **{name: valve.VARIABLES[name] for name in ("magnet", "component")},
    "velocity": Variable(("velocity",), "", "Direction of dm/dt"),
    "lead": Variable(("lead",), "", "Lead"),
    "site": Variable(("site",), "1", "Magnetic site", "Row of the device's table of sites."),
    "layer": Variable(("layer",), "1", "Layer with moments"),
    "site_layer": Variable(("site",), "1", "Layer of the site"),
    "site_magnet": Variable(("site",), "", "Magnet that the site belongs to"),
    "direction": Variable(("component",), "1", "Majority-spin direction of the moving magnet"),
    "pumped": Variable(
        ("lead", "component", "velocity"),
        CURRENT,
        "Pumped spin current",
        "Into the lead, from the Green's function; " + VELOCITY + ".",
    ),
    "pumped_by_scattering": Variable(
        ("lead", "component", "velocity"),
        CURRENT,
        "Pumped spin current from the scattering matrix",
        VELOCITY + ".",
    ),
    "pumped_charge": Variable(
        ("lead", "velocity"), "1 per cell", "Pumped particles", "Into the lead; " + VELOCITY + "."
    ),
    "mixing": Variable(
        ("lead",),
        CONDUCTANCE,
        "A = sum(1 - r_up r_dn*) - sum t'_up t'_dn*",
        "From the channels; only for a single magnet between nonmagnetic leads.",
    ),
    "effective_mixing": Variable(
        ("lead",),
        CONDUCTANCE,
        "Effective mixing conductance",
        "A as the pumped current shows it: pumped = [Re A m x dm/dt + Im A dm/dt]/(2 pi), mean "
        "over both transverse velocities; not-a-number for a lead that turns spins.",
    ),
    "conserved": Variable(
        ("lead", "component", "other_component"),
        "1",
        "Projector on the spin components that the lead conserves",
        "All in a normal metal, one in a magnet, none with spin-orbit coupling.",
    ),
    "sharvin": Variable(("lead",), CONDUCTANCE, "Open channels of the lead per spin"),
    "effective_mixing_corrected": Variable(
        ("lead",),
        CONDUCTANCE,
        "Effective mixing conductance, Sharvin-corrected",
        "1/(1/A - 1/(2 g_Sharvin)): for a lead of a diffusive metal, whose own resistance the "
        "ballistic value contains.",
    ),
    "torque": Variable(
        ("component", "velocity"),
        CURRENT,
        "Torque on the moving magnet",
        "Minus the spin that leaves through both leads; " + VELOCITY + ". Only where the leads "
        "conserve it, see `conserved`.",
    ),
    "damping_torque": Variable(
        ("magnet", "component", "velocity"),
        CURRENT,
        "Torque of the damping on every magnet",
        "-2 m x sum_j G_ij dm_j/dt, G the nonlocal damping; " + VELOCITY + ".",
    ),
    "damping": Variable(
        ("component", "velocity"),
        "hbar per cell",
        "alpha_ab S_tot",
        "Energy loss for velocities a and b, from tr dH A dH A.",
    ),
    "damping_by_scattering": Variable(
        ("component", "velocity"), "hbar per cell", "alpha_ab S_tot from tr dS^+ dS"
    ),
    "alpha_spin": Variable(
        (), "hbar per cell", "alpha S_tot", "Mean over both transverse velocities."
    ),
    "route_difference": Variable(
        (), CONDUCTANCE, "Largest difference between the routes", "As mixing conductances."
    ),
    "spin": Variable(
        (), "hbar per cell", "S_tot of the moving magnet", "M_s V/(2 mu_B), from [llg]."
    ),
    "damping_enhancement": Variable(
        (),
        "1",
        "Damping enhancement",
        "alpha S_tot/S_tot: Gilbert damping by pumping, to be added to that of the bulk.",
    ),
    "nonlocal_damping": Variable(
        ("site", "other_site"),
        "hbar per cell",
        "S alpha_ij between sites",
        "Half the trace between the planes across both moments.",
    ),
    "nonlocal_tensor": Variable(
        ("site", "other_site", "component", "velocity"),
        "hbar per cell",
        "S alpha_ij,ab between sites",
        "(1/4 pi) Re tr dH_i,a A dH_j,b A; up to 64 sites.",
    ),
    "layer_damping": Variable(
        ("layer", "other_layer"), "hbar per cell", "S alpha_ij between layers", "Sum over sites."
    ),
}
