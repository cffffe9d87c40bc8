"""What the result of kind "beta_three_ways" holds."""

from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

_PER_CELL = "e/(4 pi) per cell"
_SIGN = "T = -(A dm/dx + B m x dm/dx) on the moments, m the majority spin, x along the electrons."

VARIABLES: dict[str, Variable] = {
    "route": Variable(("route",), "", "Route to beta"),
    "wave_number": Variable(("wave_number",), "rad per layer", "Wave number of the spiral"),
    "medium": Variable(("medium",), "", "Averaged medium of the device"),
    "layer": Variable(("layer",), "1", "Layer of the sampled device"),
    "configuration": Variable(("configuration",), "", "Seed of the configuration"),
    "beta": Variable(
        ("route",),
        "1",
        "Non-adiabaticity beta",
        "formula: gradient expansion, uniform limit; devices and configurations: extrapolated to "
        "zero wave number.",
    ),
    "device_beta": Variable(
        ("medium", "wave_number"),
        "1",
        "Beta of the device",
        "Middle of the spiral, complete response.",
    ),
    "device_window_beta": Variable(
        ("medium", "wave_number"),
        "1",
        "Beta of the window alone",
        "Without the answer of the Fermi sea to the potential: not the physical value.",
    ),
    "device_adiabatic": Variable(
        ("medium", "wave_number"), _PER_CELL, "Adiabatic torkance per layer and dm/dx", _SIGN
    ),
    "same_device_beta": Variable(
        ("medium",),
        "1",
        "Beta of the averaged medium in the sampled device",
        "Same length, wave number and counted layers as the configurations.",
    ),
    "sampled_beta": Variable(
        (), "1", "Beta of the configurations in the sampled device", "Error: standard error."
    ),
    "sampled_conductance": Variable((), "e^2/h per cell", "Conductance of the configurations"),
    "same_device_conductance": Variable(
        ("medium",), "e^2/h per cell", "Conductance of the averaged medium, sampled device"
    ),
    "profile_adiabatic": Variable(
        ("medium", "layer"), _PER_CELL, "Adiabatic torkance per dm/dx, sampled device", _SIGN
    ),
    "profile_nonadiabatic": Variable(
        ("medium", "layer"),
        _PER_CELL,
        "Non-adiabatic torkance per m x dm/dx, sampled device",
        _SIGN,
    ),
    "sample_adiabatic": Variable(
        ("configuration",), _PER_CELL, "A of each configuration", "Window; sum over the layers."
    ),
    "sample_nonadiabatic": Variable(
        ("configuration",), _PER_CELL, "B of each configuration", "Window; sum over the layers."
    ),
    "formula_surface": Variable((), "1", "Part of the formula's beta from the Fermi surface"),
    "formula_sea": Variable((), "1", "Part of the formula's beta from the Fermi sea"),
    "k_f_l": Variable(("spin",), "1", "k_F l", "Of the formula's averaged medium."),
    "spin": Variable(("spin",), "", "Spin"),
    "mean_free_path": Variable(("spin",), "lattice constants", "Mean free path"),
}
