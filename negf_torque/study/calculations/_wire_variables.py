"""What the result of kind "wire" holds: name, dimensions, unit and sign of every variable."""

from negf_torque.study.calculations import _valve_variables as valve
from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

TORKANCE, CONDUCTANCE = valve.TORKANCE, valve.CONDUCTANCE
SHARED = ("bias", "magnet", "component", "flow", "bond")
PARTS = "by part of the response, see `part`"
DENSITY = "T = -(A dm/dx + B m x dm/dx) per length, m the majority spin, x along the electron flow"

VARIABLES: dict[str, Variable] = {
    **{name: valve.VARIABLES[name] for name in SHARED},
    "part": Variable(
        ("part",),
        "",
        "Part of the linear response",
        "complete: window for the symmetric bias and the Fermi sea's answer to the potential; "
        "symmetric, left, right: windows; sea: the Fermi sea alone.",
    ),
    "site": Variable(("site",), "1", "Site", "Numbered layer by layer from left to right."),
    "site_layer": Variable(("site",), "1", "Layer of the site"),
    "site_magnet": Variable(("site",), "", "Magnet that the site belongs to"),
    "site_slice": Variable(("site",), "1", "Slice of the site", "-1 for a site without moment."),
    "x": Variable(
        ("slice",), "lattice constants", "Position along the wire", "Slices of equal coordinate."
    ),
    "conductance": Variable((), CONDUCTANCE, "Conductance", "Both spins."),
    "uniform_conductance": Variable(
        (), CONDUCTANCE, "Conductance of the uniform wire", "All moments along the left end."
    ),
    "wall_resistance": Variable(
        (), "h/e^2 cell", "Resistance of the texture", "1/G - 1/G of the uniform wire."
    ),
    "open_channels": Variable(
        ("lead",), "1", "Open channels", "Of both spins; mean over the zone."
    ),
    "uniform_spin_current": Variable(
        ("end",),
        TORKANCE,
        "Spin current of the uniform wire",
        "Along its moments, on the first and the last bond: N_up - N_dn of the open channels if "
        "leads and wire are of one material.",
    ),
    "torkance": Variable(
        ("part", "magnet", "component"), TORKANCE, "Torkance", "Sum over the magnet; " + PARTS + "."
    ),
    "total_torkance": Variable(
        ("part", "component"), TORKANCE, "Torkance of all moments", PARTS + "."
    ),
    "adiabatic_limit": Variable(
        ("component",),
        TORKANCE,
        "Adiabatic limit of the total torkance",
        "I_s (m_first - m_last) with the uniform wire's spin current; 2 (N_up - N_dn) for a wall.",
    ),
    "adiabaticity": Variable(
        ("part",), "1", "Total torkance over its adiabatic limit", "Along the limit."
    ),
    "site_torkance": Variable(
        ("part", "site", "component"),
        TORKANCE,
        "Torkance of each site",
        "Delta m x s on the site's moment; " + PARTS + ".",
    ),
    "slice_torkance": Variable(
        ("part", "slice", "component"), TORKANCE, "Torkance of each slice", PARTS + "."
    ),
    "slice_moment": Variable(("slice", "component"), "1", "Mean majority-spin direction"),
    "adiabatic": Variable(
        ("part", "slice"), TORKANCE, "Adiabatic coefficient A", DENSITY + "; " + PARTS + "."
    ),
    "nonadiabatic": Variable(
        ("part", "slice"), TORKANCE, "Non-adiabatic coefficient B", DENSITY + "; " + PARTS + "."
    ),
    "beta": Variable(("part", "slice"), "1", "beta = B/A of each slice", PARTS + "."),
    "site_adiabatic": Variable(("part", "site"), TORKANCE, "Share of each site in A", PARTS + "."),
    "site_nonadiabatic": Variable(
        ("part", "site"), TORKANCE, "Share of each site in B", PARTS + "."
    ),
    "site_beta": Variable(("part", "site"), "1", "beta = B/A of each site", PARTS + "."),
    "adiabatic_ratio": Variable(
        ("part", "slice"), "1", "A over the local spin current", "1 where the spins follow."
    ),
    "nonadiabatic_ratio": Variable(("part", "slice"), "1", "B over the local spin current"),
    "slice_polarisation": Variable(
        ("part", "slice"), "1", "A over the total current", "P of u = P j mu_B/(e M_s), by slice."
    ),
    "local_spin_current": Variable(
        ("slice",),
        TORKANCE,
        "Spin current along the local moment",
        "Mean of the bonds before and behind, symmetric window; A where the spins follow.",
    ),
    "integrated_adiabatic": Variable(
        ("part",),
        TORKANCE,
        "Adiabatic coefficient of the texture",
        "-sum T.dm/dx / integral |dm/dx|^2, as in Thiele's equation of the rigid texture.",
    ),
    "integrated_nonadiabatic": Variable(
        ("part",),
        TORKANCE,
        "Non-adiabatic coefficient of the texture",
        "-sum T.(m x dm/dx) / integral |dm/dx|^2.",
    ),
    "integrated_beta": Variable(("part",), "1", "beta of the texture", "Ratio of the two."),
    "polarisation": Variable(
        ("part",),
        "1",
        "Polarisation P of the drift velocity",
        "A/G of the texture: u = P j mu_B/(e M_s) along the electron flow.",
    ),
    "residual": Variable(
        ("part",),
        "1",
        "What local constant coefficients leave of the torque",
        "Relative norm over the slices; small where A and B describe the texture.",
    ),
    "spin_current": Variable(
        ("bias", "bond", "flow"),
        TORKANCE,
        "Current on each bond",
        valve.VARIABLES["spin_current"].convention,
    ),
    "potential": Variable(
        ("site",), "1", "Potential of each site per volt", "Of the complete response."
    ),
    "lattice_torkance": Variable(
        ("site", "component"),
        TORKANCE,
        "Spin lost to the lattice",
        "By spin-orbit coupling, first of the parts; exchange torque + this = spin inflow.",
    ),
    "spin_inflow": Variable(
        ("site", "component"),
        TORKANCE,
        "Spin inflow of each site",
        "Over the bonds of the region, first of the parts; not-a-number in the layers that also "
        "exchange spin with a lead.",
    ),
    "magnet_lattice_torkance": Variable(
        ("magnet", "component"),
        TORKANCE,
        "Spin lost to the lattice on each magnet",
        "Torque on the moments plus this is the spin that flows in.",
    ),
    "moment": Variable(
        ("site", "component"), "1", "Majority-spin direction", "Zero in a normal metal."
    ),
    "gradient": Variable(
        ("site", "component"),
        "1/lattice constant",
        "dm/dx",
        "Central difference on the sphere, leads included.",
    ),
    "exchange": Variable(("site",), "eV", "Exchange splitting"),
    "position": Variable(
        ("site", "component"), "lattice constants", "Position", "As in the builder."
    ),
    "width": Variable(
        ("width",), "layers", "Width of the wall", "Length and centre scale with it."
    ),
    "scan_length": Variable(("width",), "layers", "Length of the wire"),
    "scan_conductance": Variable(("width",), CONDUCTANCE, "Conductance"),
    "scan_wall_resistance": Variable(("width",), "h/e^2 cell", "Resistance of the wall"),
    "scan_adiabaticity": Variable(
        ("width",), "1", "Total torkance over its adiabatic limit", "First of the parts."
    ),
    "scan_polarisation": Variable(
        ("width",), "1", "Polarisation P of the drift velocity", "First of the parts."
    ),
    "scan_adiabatic_ratio": Variable(
        ("width",),
        "1",
        "Adiabatic coefficient over the uniform wire's spin current",
        "First of the parts.",
    ),
    "scan_beta": Variable(("width",), "1", "beta of the wall", "First of the parts."),
    "scan_residual": Variable(
        ("width",), "1", "What local constant coefficients leave of the torque"
    ),
}
