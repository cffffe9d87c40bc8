"""What the result of a tensor calculation holds: name, dimensions, unit and sign."""

from negf_torque.study.labels import Variable

__all__ = ["INVARIANTS", "PARTS", "VARIABLES"]

PARTS = ("ladder", "static", "sea", "neutrality", "total", "bare")
INVARIANTS = ("nonadiabatic", "adiabatic", "anisotropic", "mixed")
TENSOR = ("angle", "part", "component")
_SPLIT = (
    "Parts: ladder (window at the Fermi energy), static, sea, neutrality; total is their sum; "
    "bare is the total without vertex corrections."
)

VARIABLES: dict[str, Variable] = {
    "angle": Variable(
        ("angle",), "deg", "Polar angle of the magnetisation",
        "Of the majority spin n from z; its azimuth is an attribute.",
    ),
    "part": Variable(("part",), "", "Part of the coefficient", _SPLIT),
    "component": Variable(("component",), "", "Component of <O>, O = dH/dn"),
    "along": Variable(("along",), "", "Component of the changing magnetisation"),
    "field": Variable(("field",), "", "Axis of the force F = -eE"),
    "gradient": Variable(("gradient",), "", "Axis along which the texture varies"),
    "invariant": Variable(
        ("invariant",), "", "Part of a tensor across n",
        "nonadiabatic 1 + adiabatic eps + anisotropic tau_z + mixed tau_x in the frame e_theta, "
        "e_phi; the last two need spin-orbit coupling or impurities with an axis of their own.",
    ),
    "damping": Variable(
        (*TENSOR, "along"), "hbar per cell", "G: <O_a> per d_t n_b",
        "Torque on the electrons n x <O>. " + _SPLIT,
    ),
    "torkance": Variable(
        (*TENSOR, "field"), "nm per cell", "chi: <O_a> per F_i",
        "eV per eV/nm. Torque on the electrons n x <O>. " + _SPLIT,
    ),
    "texture": Variable(
        (*TENSOR, "field", "gradient", "along"), "nm^2 per cell", "K: <O_a> per F_i d_j n_b",
        "Per local field, neutral cell. " + _SPLIT,
    ),
    "spin": Variable(
        ("angle",), "hbar per cell", "Electron spin that turns with the magnetisation",
        "From the antisymmetric part of G.",
    ),
    "damping_principal": Variable(
        ("angle", "principal"), "hbar per cell", "Principal values of the damping across n",
        "Of the symmetric part of G, ascending.",
    ),
    "alpha": Variable(
        ("angle", "principal"), "1", "Gilbert damping",
        "Principal values of G over the total spin (moments and electrons).",
    ),
    "field_like": Variable(
        ("angle", "part"), "nm per cell", "Field-like spin-orbit torque on the magnet",
        "tau_FL in tau_FL n x y' + tau_DL n x (n x y'), y' = z x F, F along x.",
    ),
    "damping_like": Variable(
        ("angle", "part"), "nm per cell", "Damping-like spin-orbit torque on the magnet",
        "tau_DL in tau_FL n x y' + tau_DL n x (n x y'), y' = z x F, F along x.",
    ),
    "field_like_per_current": Variable(
        ("angle",), "hbar/e nm^(d-1) per cell", "Field-like torque per charge current density",
        "Of the total, over the longitudinal conductivity along x; current positive along F = -eE "
        "of the electrons.",
    ),
    "damping_like_per_current": Variable(
        ("angle",), "hbar/e nm^(d-1) per cell", "Damping-like torque per charge current density",
        "As the field-like one.",
    ),
    "conductivity": Variable(
        ("angle", "component2", "field"), "e^2/hbar nm^(2-d)", "Charge conductivity",
        "j_i = sigma_ij E_j, complete (surface and sea).",
    ),
    "spin_transfer": Variable(
        ("angle", "part", "invariant", "field", "gradient"), "nm^2 per cell",
        "Spin-transfer torque: K across n by symmetry",
        "T = F_i [adiabatic d_j n + nonadiabatic n x d_j n + ...] on the electrons.",
    ),
    "beta": Variable(
        ("angle",), "1", "Nonadiabaticity for texture and field along x",
        "nonadiabatic/adiabatic of spin_transfer[x, x].",
    ),
    "level_velocity": Variable(
        ("angle", "component"), "eV", "Mean velocity of the levels at the Fermi energy with n"
    ),
    "field_ratio": Variable(
        ("angle", "field", "gradient", "along"), "1", "Bending of the field by the texture",
        "d_j F_j = ratio F_i d_j n_b keeps the current uniform.",
    ),
    "density_of_states": Variable(("angle",), "1/eV per cell", "Density of states, both spins"),
    "tensor_error": Variable(
        ("angle",), "1", "Estimated error of the tensors",
        "Mesh, contour and thermal average, absolute, in the unit of each tensor.",
    ),
    "null_mode": Variable(
        ("angle",), "1", "Residual of particle conservation in the ladder", "Rounding if sound."
    ),
}
