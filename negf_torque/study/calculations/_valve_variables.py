"""What the result of a spin valve holds: name, dimensions, unit and sign of every variable."""

from negf_torque.study.calculations._complete import COMPLETE
from negf_torque.study.labels import Variable

__all__ = ["VARIABLES"]

WINDOW = "window part, see `bias`"
TORKANCE = "e/(4 pi) per cell"
CONDUCTANCE = "e^2/h per cell"


VARIABLES: dict[str, Variable] = {
    "angle": Variable(("angle",), "rad", "Angle between the magnets"),
    "bias": Variable(
        ("bias",),
        "",
        "Division of the bias",
        "left: left reservoir raised; right: right raised; symmetric: (left - right)/2.",
    ),
    "conductance": Variable(
        ("angle",), CONDUCTANCE, "Conductance", "Both spins; the same for every bias."
    ),
    "torkance": Variable(
        ("bias", "angle", "magnet", "component"),
        TORKANCE,
        "Torkance",
        f"Torque on the magnet's moments per volt, V > 0 drives electrons to the right; {WINDOW}.",
    ),
    "torkance_in_plane": Variable(
        ("bias", "angle", "magnet"),
        TORKANCE,
        "In-plane torkance",
        "Along m x (p x m), positive toward p; m, p majority spins of this and the other magnet; "
        "zero where they are collinear; " + WINDOW + ".",
    ),
    "torkance_out_of_plane": Variable(
        ("bias", "angle", "magnet"),
        TORKANCE,
        "Out-of-plane torkance",
        "Along m x p of the majority spins (for magnetisations the axis is p x m); " + WINDOW + ".",
    ),
    "layer_torkance": Variable(
        ("bias", "angle", "layer", "component"),
        TORKANCE,
        "Torkance of each layer",
        "Sums over a magnet's layers to `torkance`; " + WINDOW + ".",
    ),
    "spin_current": Variable(
        ("bias", "angle", "bond", "flow"),
        "e/(4 pi) per cell",
        "Current on each bond",
        "charge: particle current in e^2/h per cell; x, y, z: spin current (units hbar/2 per "
        "particle); bond i leads from layer i to layer i + 1, positive to the right; " + WINDOW,
    ),
    "spin_accumulation": Variable(
        ("bias", "angle", "layer", "component"),
        "hbar/2 per V and cell",
        "Spin accumulation",
        "<sigma> of the layer per volt of bias; " + WINDOW + ".",
    ),
    **{name: one for name, one in COMPLETE.items() if name != "complete_site_torkance"},
    "eta": Variable(
        ("angle",),
        "1",
        "Torque efficiency eta",
        "In-plane torkance of the free magnet over conductance and sin(angle); at 0 and 180 "
        "degrees the limit.  Solvers' epsilon is eta/2.",
    ),
    "eta_out_of_plane": Variable(
        ("angle",),
        "1",
        "Out-of-plane efficiency",
        "Out-of-plane torkance of the free magnet over conductance and sin(angle), of the complete "
        "response if it is there (attribute `response`), else of the window at symmetric bias; at "
        "0 and 180 degrees the limit.  Twice the solvers' epsilon' at that angle.",
    ),
    "mixing_conductance": Variable(
        ("interface",),
        CONDUCTANCE,
        "Mixing conductance g_r",
        "Sum of 1 - r_up conj(r_dn), seen from the normal side; real part absorbed, imaginary "
        "part precession.",
    ),
    "transmission_mixing": Variable(
        ("interface",),
        CONDUCTANCE,
        "Transmission mixing conductance g_t",
        "Sum of t_up conj(t_dn) through the magnet.",
    ),
    "sharvin_conductance": Variable(
        ("interface",), CONDUCTANCE, "Sharvin conductance", "Channels per spin of the normal side."
    ),
    "mixing_conductance_corrected": Variable(
        ("interface",),
        CONDUCTANCE,
        "Sharvin-corrected mixing conductance",
        "1/(1/g_r - 1/(2 g_Sharvin)): what diffusive circuit theory takes.",
    ),
    "conductance_parallel": Variable((), CONDUCTANCE, "Conductance, parallel"),
    "conductance_antiparallel": Variable((), CONDUCTANCE, "Conductance, antiparallel"),
    "gmr": Variable((), "1", "Magnetoresistance", "(G_P - G_AP)/G_AP, optimistic definition."),
    "polarisation": Variable(
        (),
        "1",
        "Slonczewski P of eta",
        "eta = P L^2/[(L^2 + 1) + (L^2 - 1) cos]; a solver's P is half of it.",
    ),
    "Lambda": Variable((), "1", "Slonczewski Lambda"),
    "epsilon_prime": Variable(
        (),
        "1",
        "Out-of-plane efficiency epsilon'",
        "Half the out-of-plane torkance over conductance and sin(angle), averaged with weight "
        "sin^2; response as for `eta_out_of_plane`; axis p x m of the magnetisations.",
    ),
    "fit_residual": Variable(
        (), "1", "Residual of the Slonczewski fit", "Root mean square over that of eta."
    ),
    "fit_valid": Variable(
        (), "", "Whether the Slonczewski form can hold", "eta keeps one sign, |x| < 1."
    ),
    "transmission_map": Variable(
        ("ky", "kz"), "e^2/h", "Transmission", "At the angle nearest to 90 degrees."
    ),
    "torkance_map": Variable(
        ("direction", "ky", "kz"),
        "e/(4 pi)",
        "Torkance of the free magnet",
        "In-plane and out-of-plane, symmetric bias, at the angle nearest to 90 degrees.",
    ),
    "ky": Variable(("ky",), "1/cell", "k_y"),
    "kz": Variable(("kz",), "1/cell", "k_z"),
    "mesh": Variable(("mesh",), "1", "Points per direction of a uniform mesh"),
    "mesh_deviation_conductance": Variable(
        ("mesh",),
        "1",
        "Deviation of a uniform mesh, conductance",
        "Relative to the result, at the angle nearest to 90 degrees.",
    ),
    "mesh_deviation_torkance": Variable(
        ("mesh",),
        "1",
        "Deviation of a uniform mesh, torkance of the free magnet",
        "Relative to the result's modulus, at the angle nearest to 90 degrees.",
    ),
    "moment": Variable(
        ("angle", "layer", "component"),
        "1",
        "Majority-spin direction",
        "Zero in a normal metal.",
    ),
    "magnet": Variable(("magnet",), "", "Magnet", "From left to right."),
    "component": Variable(("component",), "", "Spin component", "x along the stack."),
    "flow": Variable(("flow",), "", "What flows", "charge, or a spin component."),
    "layer": Variable(
        ("layer",),
        "1",
        "Atomic layer",
        "From left to right; the first and the last are the first layers of the leads.",
    ),
    "bond": Variable(("bond",), "1", "Bond", "n + 1/2 lies between layers n and n + 1."),
    "interface": Variable(
        ("interface",),
        "",
        "What the mixing conductance is of",
        "<magnet>: its layers between two normal leads; <magnet> interface: the semi-infinite "
        "material behind one interface.",
    ),
    "direction": Variable(("direction",), "", "In plane (toward p) or out of plane (m x p)"),
    "layer_magnet": Variable(("layer",), "", "Magnet that the layer belongs to"),
}
