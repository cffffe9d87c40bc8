"""What the result of a nanopillar holds: name, dimensions, unit and sign of every variable."""

from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

VARIABLES: dict[str, Variable] = {
    "current": Variable(
        ("current",),
        "A/m^2",
        "Current density",
        "e times the electron flux from the fixed to the free layer: > 0 and P > 0 favour P.",
    ),
    "time": Variable(("time",), "ns", "Time"),
    "component": Variable(("component",), "", "Component in the pillar's frame, z along it"),
    "magnetisation": Variable(
        ("current", "time", "component"),
        "1",
        "Magnetisation direction",
        "Of the magnetisation, not of the spin; without temperature.",
    ),
    "run_field": Variable(
        ("current",), "A/m", "Field of the run", "Along the axis of the states, added to `applied`."
    ),
    "cosine": Variable(
        ("current", "time"),
        "1",
        "Cosine of the angle to the axis",
        "The fixed layer's magnetisation, unless the card gives an axis.",
    ),
    "frequency": Variable(("frequency",), "GHz", "Frequency"),
    "spectrum": Variable(
        ("current", "frequency"),
        "1/GHz",
        "Spectral density of the cosine",
        "One-sided, Hann window, second half of the run; its integral is the variance.",
    ),
    "map_current": Variable(("map_current",), "A/m^2", "Current density", "As `current`."),
    "map_field": Variable(
        ("map_field",), "A/m", "Field", "Along `field_axis` or the axis, added to `applied`."
    ),
    "start": Variable(("start",), "", "State near which the runs started"),
    "phase": Variable(
        ("start", "map_current", "map_field"),
        "1",
        "End state",
        "0 P, 1 AP, 2 static elsewhere, 3 precession through the plane, 4 on one side of it.",
    ),
    "boundary_current": Variable(
        ("boundary",), "A/m^2", "Current of a boundary point", "Refined by bisection."
    ),
    "boundary_field": Variable(("boundary",), "A/m", "Field of a boundary point"),
    "pulse_current": Variable(("pulse_current",), "A/m^2", "Current density of the pulse"),
    "run": Variable(("run",), "", "Run of the thermal ensemble"),
    "switching_time": Variable(
        ("pulse_current", "run"),
        "ns",
        "Time of the first crossing of the plane across the axis",
        "Not-a-number where the run never crossed.",
    ),
    "switching_probability": Variable(
        ("pulse_current",), "1", "Fraction of runs that have crossed by the end of the run"
    ),
    "rf_frequency": Variable(("rf_frequency",), "GHz", "Frequency of the alternating current"),
    "rf_field": Variable(("rf_field",), "A/m", "Field", "Added to `applied`."),
    "rectified_voltage": Variable(
        ("rf_field", "rf_frequency"),
        "V",
        "Rectified voltage",
        "Mean of current times resistance, R = R_P cos^2(theta/2) + R_AP sin^2(theta/2), second "
        "order in the alternating current; sign of J.",
    ),
    "resonance_frequency": Variable(("rf_field",), "GHz", "Resonance frequency"),
    "resonance_half_width": Variable(("rf_field",), "GHz", "Half width at half maximum"),
    "voltage_symmetric": Variable(
        ("rf_field",), "V", "Symmetric Lorentzian", "From the in-plane torque in a planar geometry."
    ),
    "voltage_antisymmetric": Variable(
        ("rf_field",), "V", "Antisymmetric Lorentzian", "From the out-of-plane torque there."
    ),
    "noise_bin": Variable(("noise_bin",), "GHz", "Frequency of the thermal spectrum"),
    "noise_spectrum": Variable(
        ("noise_bin",),
        "1/GHz",
        "Thermal spectral density of the cosine",
        "One-sided, Hann window, mean of the runs; its integral is the variance.",
    ),
    "noise_frequency": Variable((), "GHz", "Frequency of the strongest thermal line"),
    "noise_width": Variable((), "GHz", "Its full width at half maximum"),
    "noise_power": Variable((), "1", "Its share of the variance", "Integral of the Lorentzian."),
    "static_limit": Variable(
        ("start", "map_field"),
        "A/m^2",
        "Current at which the static state loses its stability",
        "Exact linear stability, trace or determinant; not-a-number within the range of the map.",
    ),
}
