"""What the result of a bulk ferromagnet holds: dimensions, unit and sign of every variable."""

from negf_torque.study.labels import Variable

__all__ = ["PARAMETERS", "PARTS", "SHOWN", "VARIABLES"]

#: Parts of a coefficient; surface + sea = without_vertex + vertex = nonmagnetic + magnetic.
PARTS = ("total", "surface", "sea", "without_vertex", "vertex", "nonmagnetic", "magnetic")

#: Parameters that can be swept: label and unit.
PARAMETERS: dict[str, tuple[str, str]] = {
    "exchange": ("Exchange splitting 2M", "eV"),
    "chemical_potential": ("Chemical potential", "eV"),
    "nonmagnetic": ("Nonmagnetic impurities", "eV^2"),
    "magnetic": ("Magnetic impurities (isotropic)", "eV^2"),
    "longitudinal": ("Magnetic impurities, along the axis", "eV^2"),
    "transverse": ("Magnetic impurities, across the axis", "eV^2"),
    "temperature": ("Temperature", "K"),
}

VARIABLES: dict[str, Variable] = {
    "beta": Variable((), "1", "Nonadiabaticity beta (xi)", "Jna/Jad; the solvers' xi or beta."),
    "alpha": Variable((), "1", "Gilbert damping alpha", "A/(S_loc + dS)."),
    "damping": Variable((), "hbar per cell", "Damping coefficient A", "Torque A n x dn/dt."),
    "spin_renormalisation": Variable(
        (), "hbar per cell", "Spin of the electrons dS", "Torque dS dn/dt."
    ),
    "adiabatic": Variable(
        (),
        "e^2/hbar per nm^(d-2) over e^2",
        "Adiabatic coefficient Jad",
        "Torque density F_j Jad d_j n, F = -eE the force on an electron.",
    ),
    "nonadiabatic": Variable(
        (),
        "e^2/hbar per nm^(d-2) over e^2",
        "Nonadiabatic coefficient Jna",
        "Torque density F_j Jna n x d_j n.",
    ),
    "adiabatic_ratio": Variable(
        (), "1", "Jad over (sigma_u - sigma_d)/2e^2", "1 when spin is conserved."
    ),
    "polarisation": Variable(
        (), "1", "Polarisation of the current P", "(sigma_u - sigma_d)/(sigma_u + sigma_d)."
    ),
    "conductivity": Variable(("spin",), "S/m", "Conductivity", "S m^(2-d) in d dimensions."),
    "drift_velocity": Variable(
        (),
        "m/s per A/m^2",
        "Spin drift velocity u per current density",
        "Along the electron flow; the texture moves along +u.",
    ),
    "self_energy": Variable(("spin",), "eV", "Self-energy", "Retarded, at the chemical potential."),
    "dos": Variable(("spin",), "1/eV per cell", "Density of states"),
    "lifetime": Variable(("spin",), "fs", "Lifetime", "hbar/(2 |Im Sigma|)."),
    "mean_free_path": Variable(("spin",), "nm", "Mean free path", "Lifetime times rms velocity."),
    "k_f_l": Variable(
        ("spin",), "1", "k_F l", "k_F of the sphere with the same density of states and velocity."
    ),
    "residual": Variable(
        (),
        "1",
        "Residual of the Born equation",
        "For a crystal: estimated relative error of the zone averages.",
    ),
    "spiral_beta": Variable((), "1", "beta from spirals of finite pitch", "Independent route."),
    "parts": Variable(
        ("quantity", "part"),
        "1",
        "Parts of the coefficients",
        "surface + sea = without_vertex + vertex = nonmagnetic + magnetic = total; nonmagnetic: "
        "spinless impurities of the same total strength; parts of beta are parts of Jna over Jad, "
        "without_vertex and nonmagnetic are ratios of their own.",
    ),
    "quantity": Variable(("quantity",), "", "Coefficient"),
    "part": Variable(("part",), "", "Part"),
    "spin": Variable(("spin",), "", "Spin", "up: majority."),
}

#: What sweeps and maps record.
SHOWN = (
    "beta", "alpha", "damping", "spin_renormalisation", "polarisation", "adiabatic_ratio",
    "conductivity",
)

for _name, (_label, _unit) in PARAMETERS.items():
    VARIABLES[_name] = Variable((_name,), _unit, _label)
    for _shown in SHOWN:
        _base = VARIABLES[_shown]
        VARIABLES[f"{_shown}_vs_{_name}"] = Variable(
            (*_base.dims, _name), _base.unit, _base.long_name, _base.convention
        )
    for _shown in ("beta", "alpha"):
        VARIABLES[f"{_shown}_weak_vs_{_name}"] = Variable(
            (_name,), "1", f"{_shown}, weak-disorder formula"
        )
for _shown in ("beta", "alpha", "polarisation", "adiabatic_ratio"):
    VARIABLES[f"{_shown}_map"] = Variable(
        ("map_y", "map_x"), "1", VARIABLES[_shown].long_name, VARIABLES[_shown].convention
    )
VARIABLES["map_x"] = Variable(("map_x",), "", "Horizontal parameter of the map")
VARIABLES["map_y"] = Variable(("map_y",), "", "Vertical parameter of the map")
