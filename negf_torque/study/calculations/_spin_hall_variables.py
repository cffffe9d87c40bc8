"""What the result of a spin Hall calculation holds: name, dimensions, unit and sign."""

from negf_torque.study.labels import Variable

__all__ = ["CONTRIBUTIONS", "VARIABLES"]

CONTRIBUTIONS = ("total", "bubble", "vertex", "beyond_born")
_SIGN = (
    "Flow of sigma_z along x per force along y, as a charge current (times -e): positive where "
    "electrons with spin z go along x when they drift along y."
)
_PARTS = (
    "bubble: without vertex corrections; vertex: what they add; beyond_born: total minus the total "
    "with the same impurities in second order."
)

VARIABLES: dict[str, Variable] = {
    "energy": Variable(("energy",), "eV", "Chemical potential"),
    "concentration": Variable(("concentration",), "1", "Impurities per site"),
    "contribution": Variable(("contribution",), "", "Part of the spin Hall conductivity", _PARTS),
    "thickness": Variable(("thickness",), "nm", "Thickness of the heavy metal"),
    "intrinsic": Variable(("energy",), "hbar/(2e) S/m", "Intrinsic spin Hall conductivity",
                          "Clean limit, from the Berry curvature of spin. " + _SIGN),
    "spin_hall_broadened": Variable(
        ("energy",), "hbar/(2e) S/m", "Spin Hall conductivity at the broadening", _SIGN),
    "conductivity_broadened": Variable(
        ("energy",), "S/m", "Conductivity at the broadening",
        "Diagonal; without vertex corrections."),
    "spin_hall": Variable(("concentration", "contribution"), "hbar/(2e) S/m",
                          "Spin Hall conductivity with impurities", _SIGN + " " + _PARTS),
    "conductivity": Variable(("concentration",), "S/m", "Conductivity with impurities"),
    "resistivity": Variable(("concentration",), "ohm m", "Resistivity with impurities"),
    "spin_hall_angle": Variable(
        ("concentration",), "1", "Spin Hall angle",
        "spin_hall/conductivity: spins along x per electron along y."),
    "skew_angle": Variable((), "1", "Part of the angle that does not depend on the resistivity",
                           "a in spin_hall = a conductivity + b, least squares."),
    "constant_part": Variable((), "hbar/(2e) S/m", "Spin Hall conductivity that impurities share",
                              "b: intrinsic and side jump."),
    "scaling_residual": Variable((), "1", "Relative residual of the scaling law"),
    "xi_DL": Variable(("thickness",), "1", "Damping-like torque efficiency",
                      "By drift and diffusion; per electron flux, spins along z x F, metal below "
                      "the magnet."),
    "xi_FL": Variable(("thickness",), "1", "Field-like torque efficiency", "As the damping-like."),
    "density_of_states": Variable((), "1/eV per cell", "Density of states", "Both spins."),
}  # fmt: skip
