"""What the result of kind "bias_sweep" holds: name, dimensions, unit and sign of every variable."""

from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

TORQUE, SLOPE = "eV/(4 pi) per cell", "e/(4 pi) per cell"
WHOLE = "window and all occupied states"

VARIABLES: dict[str, Variable] = {
    "voltage": Variable(("voltage",), "V", "Voltage", "V > 0 drives electrons from left to right."),
    "angle": Variable(("angle",), "rad", "Angle between the magnets"),
    "current": Variable(
        ("voltage", "angle"), "e/h eV per cell", "Current", "J of the charge current (e/h) J."
    ),
    "current_parallel": Variable(("voltage",), "e/h eV per cell", "Current, parallel"),
    "current_antiparallel": Variable(("voltage",), "e/h eV per cell", "Current, antiparallel"),
    "tmr": Variable(
        ("voltage",), "1", "Tunnel magnetoresistance", "(I_P - I_AP)/I_AP; undefined at V = 0."
    ),
    "torque_in_plane": Variable(
        ("voltage", "angle"),
        TORQUE,
        "In-plane torque",
        "J of the torque J/(4 pi) on the free magnet along m x (p x m), positive toward p; "
        + WHOLE,
    ),
    "torque_out_of_plane": Variable(
        ("voltage", "angle"),
        TORQUE,
        "Out-of-plane torque",
        "Along m x p of the majority spins (for magnetisations the axis is p x m); " + WHOLE,
    ),
    "torque_in_plane_window": Variable(
        ("voltage", "angle"), TORQUE, "In-plane torque, window", "States between both potentials."
    ),
    "torque_out_of_plane_window": Variable(
        ("voltage", "angle"), TORQUE, "Out-of-plane torque, window", "Window part alone."
    ),
    "slope_in_plane": Variable(
        ("voltage", "angle"), SLOPE, "dT/dV in plane", "From a cubic spline in the voltage."
    ),
    "slope_out_of_plane": Variable(
        ("voltage", "angle"), SLOPE, "dT/dV out of plane", "From a cubic spline in the voltage."
    ),
    "site_torque": Variable(
        ("voltage", "angle", "site", "component"),
        TORQUE,
        "Torque on each site",
        "Delta m x s on the site's moment; " + WHOLE + ".",
    ),
    "magnet_torque": Variable(
        ("voltage", "angle", "magnet", "component"),
        TORQUE,
        "Torque on each magnet",
        "Sum over its sites in the region; of a semi-infinite electrode that is its first layer.",
    ),
    "spin_current": Variable(
        ("voltage", "angle", "bond", "component"),
        TORQUE,
        "Spin current on each bond",
        "J; positive to the right; " + WHOLE + ".",
    ),
    "potential": Variable(("voltage", "layer"), "eV", "Potential of each layer"),
    "spectrum_energy": Variable(
        ("voltage", "energy_point"), "eV", "Energies of the spectrum", "Within the bias window."
    ),
    "current_spectrum": Variable(
        ("voltage", "energy_point"), "1", "Transmission at each energy", "At the middle angle."
    ),
    "torque_in_plane_spectrum": Variable(
        ("voltage", "energy_point"), "1", "In-plane window torque at each energy"
    ),
    "torque_out_of_plane_spectrum": Variable(
        ("voltage", "energy_point"), "1", "Out-of-plane window torque at each energy"
    ),
    "current_map": Variable(
        ("ky", "kz"), "e/h eV", "Current at each momentum", "At the largest voltage, middle angle."
    ),
    "torque_map": Variable(
        ("direction", "ky", "kz"),
        "eV/(4 pi)",
        "Window torque at each momentum",
        "As `current_map`.",
    ),
    "ky": Variable(("ky",), "1/cell", "k_y"),
    "kz": Variable(("kz",), "1/cell", "k_z"),
    "direction": Variable(("direction",), "", "In plane (toward p) or out of plane (m x p)"),
    "energy_point": Variable(("energy_point",), "1", "Number of the energy"),
    "damping_like": Variable(
        ("angle",), "1/(s V)", "Damping-like coefficient a_1", "a = a_1 V, axis m x (p x m)."
    ),
    "field_like": Variable(
        ("power", "angle"), "1/(s V^power)", "Field-like coefficients", "b = sum b_n V^n; p x m."
    ),
    "damping_like_residual": Variable(("angle",), "1", "Largest relative deviation of a_1 V"),
    "field_like_residual": Variable(("angle",), "1", "Largest relative deviation of the b fit"),
    "power": Variable(("power",), "1", "Power of the voltage"),
    "layer": Variable(("layer",), "1", "Atomic layer"),
    "site": Variable(("site",), "1", "Site"),
    "bond": Variable(("bond",), "1", "Bond", "n + 1/2 lies between layers n and n + 1."),
    "magnet": Variable(("magnet",), "", "Magnet", "From left to right."),
    "component": Variable(("component",), "", "Spin component", "x along the stack."),
    "layer_magnet": Variable(("layer",), "", "Magnet that the layer belongs to"),
    "moment": Variable(("layer", "component"), "1", "Majority-spin direction", "At 90 degrees."),
}
