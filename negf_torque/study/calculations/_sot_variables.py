"""What the result of a spin-orbit torque calculation holds: name, dimensions, unit and sign."""

from negf_torque.study.labels import Variable

__all__ = ["PARTS", "VARIABLES"]

PARTS = ("surface", "sea", "total", "bare")
_PARTS = (
    "Split by time reversal: surface (Fermi surface), sea (Fermi sea), total their sum; bare is "
    "the total without vertex corrections (with impurities only)."
)
_AXES = "T = tau_FL n x y' + tau_DL n x (n x y'), y' = z x F, F along x; n the majority spin."

VARIABLES: dict[str, Variable] = {
    "angle": Variable(("angle",), "deg", "Polar angle of the magnetisation from the film normal",
                      "Of the majority spin n."),
    "azimuth": Variable(("azimuth",), "deg", "Azimuth of the magnetisation from the current"),
    "part": Variable(("part",), "", "Part of the response", _PARTS),
    "component": Variable(("component",), "", "Component of the torque"),
    "field": Variable(("field",), "", "Axis of the force F = -eE on the electrons"),
    "layer": Variable(("layer",), "", "Atomic layer from below"),
    "term": Variable(("term",), "", "Term of the angular expansion",
                     "Odd in n: n x y' (field_like), n_z^2 n x y' (field_like_z), "
                     "(n.F) n x (z x n) (field_like_planar); even: n x the same."),
    "torkance": Variable(
        ("azimuth", "angle", "part", "component", "field"), "nm per cell",
        "Torque on the magnet per force",
        "eV per eV/nm; hbar times the rate of the spin. " + _PARTS,
    ),
    "field_like": Variable(("azimuth", "angle", "part"), "nm per cell",
                           "Field-like torque per force", _AXES),
    "damping_like": Variable(("azimuth", "angle", "part"), "nm per cell",
                             "Damping-like torque per force", _AXES),
    "layer_field_like": Variable(("azimuth", "angle", "part", "layer"), "nm per cell",
                                 "Field-like torque per force by layer", _AXES),
    "layer_damping_like": Variable(("azimuth", "angle", "part", "layer"), "nm per cell",
                                   "Damping-like torque per force by layer", _AXES),
    "spin": Variable(("azimuth", "angle", "part", "component"), "hbar/2 nm/eV per cell",
                     "Spin accumulation per force, F along x", _PARTS),
    "conductance": Variable(("azimuth", "angle", "part", "field"), "nm^2 per cell",
                            "Flow of electrons along each axis per force along x",
                            "chi of v; times e^2/hbar over the cell's area the conductivity."),
    "coefficient": Variable(("part", "term"), "nm per cell", "Coefficient of the angular expansion",
                            "Least squares over all directions, F along x."),
    "residual": Variable(("part",), "1", "Part of the torque that the expansion leaves",
                         "Root mean square over that of the torque."),
    "residual_allowed": Variable(
        ("part",), "1", "Part of the torque beyond the terms of 4mm up to fourth degree",
        "All that the point group of a square film allows; rounding and higher degrees are left.",
    ),
    "residual_solver": Variable(
        (), "1", "Part of the torque that xi_DL and xi_FL alone leave",
        "A solver's torques have no angular dependence of their own.",
    ),
    "xi_DL": Variable((), "1", "Damping-like torque efficiency",
                      "Per electron flux for spins s = z x F: (hbar/2) j xi_DL n x (s x n), j the "
                      "mean flux over the film's thickness; least squares over the directions."),
    "xi_FL": Variable((), "1", "Field-like torque efficiency",
                      "Per electron flux for spins s = z x F: (hbar/2) j xi_FL n x s."),
    "field_DL": Variable((), "mT per 1e11 A/m^2", "Damping-like effective field",
                         "hbar J xi_DL/(2 e M_s d), d the magnet's thickness; needs [llg]."),
    "field_FL": Variable((), "mT per 1e11 A/m^2", "Field-like effective field",
                         "hbar J xi_FL/(2 e M_s d), along the moment that the current brings."),
    "chi_error": Variable(("azimuth", "angle"), "1", "Estimated error of the torque",
                          "Absolute, nm per cell."),
}  # fmt: skip
