"""What the result of kind "terminals" holds: name, dimensions, unit and sign of every variable."""

from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

PER_CURRENT = "Per current that the source injects"
INTO = "positive into the device"

VARIABLES: dict[str, Variable] = {
    "angle": Variable(("angle",), "rad", "Angle between the magnets' spins"),
    "terminal": Variable(("terminal",), "", "Terminal"),
    "raised": Variable(("raised",), "", "Terminal whose voltage is raised"),
    "magnet": Variable(("magnet",), "", "Magnet"),
    "component": Variable(("component",), "", "Component of the spin"),
    "flow": Variable(("flow",), "", "Charge or component of the spin"),
    "direction": Variable(("direction",), "", "Direction in the plane or space"),
    "site": Variable(("site",), "1", "Site", "In the order of Kwant's finalised system."),
    "site_magnet": Variable(("site",), "", "Magnet that the site belongs to"),
    "conductance": Variable(
        ("angle", "terminal", "raised"),
        "e^2/h",
        "Conductance matrix",
        f"Current through a terminal, {INTO}, per voltage of another; window: exact.",
    ),
    "spin_conductance": Variable(
        ("angle", "terminal", "raised", "component"),
        "e/(4 pi)",
        "Spin conductance matrix",
        f"Spin current at the interface of a lead, {INTO}, per voltage of another.",
    ),
    "transmission": Variable(
        ("angle", "terminal", "raised"),
        "1",
        "Transmission",
        "From the raised terminal to the terminal, both spins; on the diagonal the reflection.",
    ),
    "open_channels": Variable(("angle", "terminal"), "1", "Open channels", "Both spins."),
    "voltage": Variable(
        ("angle", "terminal"),
        "h/e^2",
        "Voltage of each terminal",
        f"{PER_CURRENT}; V > 0 raises the energy of electrons.",
    ),
    "current": Variable(
        ("angle", "terminal"), "1", "Charge current at each terminal", f"{PER_CURRENT}; {INTO}."
    ),
    "spin_current": Variable(
        ("angle", "terminal", "component"),
        "hbar/2e",
        "Spin current at each terminal",
        f"{PER_CURRENT}; {INTO}, counted at the interface of the lead.",
    ),
    "torque": Variable(
        ("angle", "magnet", "component"),
        "hbar/2e",
        "Torque per current",
        f"{PER_CURRENT}; on the magnet's moments; complete response unless `response` is window.",
    ),
    "window_torque": Variable(
        ("angle", "magnet", "component"),
        "hbar/2e",
        "Window part of the torque per current",
        "Changes with a common voltage of all terminals; the complete torque does not.",
    ),
    "torque_in_plane": Variable(
        ("angle", "magnet"),
        "hbar/2e",
        "In-plane torque per current",
        "Along m x (p x m), positive toward the other magnet's p; zero where collinear.",
    ),
    "torque_out_of_plane": Variable(
        ("angle", "magnet"),
        "hbar/2e",
        "Out-of-plane torque per current",
        "Along m x p of the majority spins (for magnetisations the axis is p x m).",
    ),
    "window_torque_out_of_plane": Variable(
        ("angle", "magnet"),
        "hbar/2e",
        "Out-of-plane torque, window part",
        "As `torque_out_of_plane`, without the Fermi sea.",
    ),
    "site_torque": Variable(
        ("angle", "site", "component"), "hbar/2e", "Torque on each site's moment", PER_CURRENT + "."
    ),
    "accumulation": Variable(
        ("angle", "site", "flow"),
        "h/(e^2 eV)",
        "Accumulated particles and spin",
        f"{PER_CURRENT} in e^2/h V; spin in hbar/2; window and, in the complete response, sea.",
    ),
    "potential": Variable(
        ("angle", "site"),
        "h/e^2",
        "Local potential",
        f"{PER_CURRENT}; of the complete response.",
    ),
    "current_density": Variable(
        ("angle", "site", "flow", "direction"),
        "1",
        "Current at each site, for pictures",
        f"{PER_CURRENT}; half the currents of the site's bonds along them; spin in hbar/2e.",
    ),
    "nonlocal_resistance": Variable(
        ("angle",),
        "h/e^2",
        "Nonlocal resistance",
        "Voltage between the two probes per injected current.",
    ),
    "moment": Variable(
        ("angle", "site", "component"), "1", "Majority-spin direction", "Zero in a normal metal."
    ),
    "position": Variable(("site", "direction"), "lattice constants", "Position"),
}
