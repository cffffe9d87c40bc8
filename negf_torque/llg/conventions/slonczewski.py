"""Conventions of the Slonczewski and the spin-orbit torque.

Reference: h_a = a/g0 = B epsilon at m.p = 0 and h_b = b/g0 = B epsilon' in A/m, and Lambda.
"""

from collections.abc import Callable

from negf_torque.llg.conventions.base import CONTEXT, Convention, Numbers
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, GAMMA0, HBAR_SI, MU0

__all__ = ["SLONCZEWSKI"]

_MU_B_MEV = BOHR_MAGNETON / ELEMENTARY_CHARGE * 1e3  # meV/T


def _field(current: float, context: Numbers) -> float:
    """B = hbar J/(mu0 e M_s d) in A/m."""
    moment = MU0 * ELEMENTARY_CHARGE * context["saturation_magnetisation"]
    return HBAR_SI * current / (moment * context["thickness"] * 1e-9)


def _at_right_angle(Lambda: float) -> float:
    """epsilon/P at m.p = 0."""
    return Lambda**2 / (Lambda**2 + 1)


def _current(reference: Numbers, context: Numbers) -> float:
    """The source's own current density, else the context's."""
    current = reference.get("current_density", context.get("current_density"))
    if current is None:
        raise ValueError(f"current_density: missing. {CONTEXT['current_density']}.")
    if current == 0:
        raise ValueError("current_density: 0 carries no torque. Give a non-zero current in A/m^2.")
    return current


def _without_lambda(reference: Numbers, context: Numbers) -> float:
    """h_a for a convention that knows no angle dependence."""
    square = reference["Lambda"] ** 2
    if abs(square - 1) < 1e-12:
        return reference["h_a"]
    if "cosine" not in context:
        raise ValueError(
            f"Lambda: {reference['Lambda']!r} makes the torque {square:.4g} times larger at "
            "antiparallel than at parallel; the target has no angle dependence. "
            "Give `cosine` (m.p) to take it at one angle."
        )
    return reference["h_a"] * (square + 1) / ((square + 1) + (square - 1) * context["cosine"])


def _current_form(
    current: str, polarisation: str, secondary: str, lam: str | None, sign: int, factor: float
) -> tuple[Callable, Callable]:
    """J, P, epsilon', Lambda under any names; P and epsilon' are `factor` times the solver's.

    Without Lambda the damping-like number is the efficiency itself, not a polarisation.
    """

    def to_reference(n, context):
        field = _field(sign * n[current], context) / factor
        Lambda = n[lam] if lam else 1.0
        scale = _at_right_angle(Lambda) if lam else 1.0
        return {
            "h_a": field * n[polarisation] * scale,
            "h_b": field * n[secondary],
            "Lambda": Lambda,
            "current_density": sign * n[current],
        }

    def from_reference(r, context):
        j = _current(r, context)
        field = _field(j, context) / factor
        numbers = {current: sign * j, secondary: r["h_b"] / field}
        if lam:
            numbers[polarisation] = r["h_a"] / field / _at_right_angle(r["Lambda"])
            numbers[lam] = r["Lambda"]
        else:
            numbers[polarisation] = _without_lambda(r, context) / field
        return numbers

    return to_reference, from_reference


def _plain(scale: float) -> tuple[Callable, Callable]:
    """(a, b) proportional to the fields, with Lambda beside them."""

    def to_reference(n, context):
        return {"h_a": n["a"] / scale, "h_b": n["b"] / scale, "Lambda": n.get("Lambda", 1.0)}

    def from_reference(r, context):
        return {"a": r["h_a"] * scale, "b": r["h_b"] * scale, "Lambda": r["Lambda"]}

    return to_reference, from_reference


def _effective_fields_to(n, context):
    return {"h_a": n["B_DL"] / MU0, "h_b": n["B_FL"] / MU0, "Lambda": 1.0}


def _effective_fields_from(r, context):
    return {"B_DL": MU0 * _without_lambda(r, context), "B_FL": MU0 * r["h_b"]}


def _fidimag_to(n, context):
    return {"h_a": n["a_J"] / GAMMA0, "h_b": n["beta"] * n["a_J"] / GAMMA0, "Lambda": 1.0}


def _fidimag_from(r, context):
    h_a = _without_lambda(r, context)
    return {"a_J": GAMMA0 * h_a, "beta": _ratio(r["h_b"], h_a)}


def _ratio(h_b: float, h_a: float) -> float:
    if h_a == 0:
        if h_b == 0:
            return 0.0
        raise ValueError(
            "a: 0. This convention writes the field-like torque as a multiple of the "
            "damping-like one, and has no way to say it alone."
        )
    return h_b / h_a


def _spirit_to(n, context):
    if n["a_j"] < 0 or abs(n["p_sign"]) != 1:
        raise ValueError(
            f"a_j, p_sign: {n['a_j']!r}, {n['p_sign']!r}. Spirit takes a_j >= 0; reverse p instead "
            "(p_sign = -1)."
        )
    h_a = n["p_sign"] * n["a_j"] / _MU_B_MEV / MU0
    return {"h_a": h_a, "h_b": n["beta"] * h_a, "Lambda": 1.0}


def _spirit_from(r, context):
    h_a = _without_lambda(r, context)
    return {
        "a_j": abs(h_a) * MU0 * _MU_B_MEV,
        "beta": _ratio(r["h_b"], h_a),
        "p_sign": -1.0 if h_a < 0 else 1.0,
    }


def _vampire_to(n, context):
    # (1 + alpha^2)(rj, pj) = (a + alpha b, b - alpha a)/gamma, inverted.
    alpha = context["damping"]
    return {
        "h_a": (n["rj"] - alpha * n["pj"]) / MU0,
        "h_b": (n["pj"] + alpha * n["rj"]) / MU0,
        "Lambda": 1.0,
    }


def _vampire_from(r, context):
    alpha, h_a = context["damping"], _without_lambda(r, context)
    scale = MU0 / (1 + alpha**2)
    return {"rj": (h_a + alpha * r["h_b"]) * scale, "pj": (r["h_b"] - alpha * h_a) * scale}


_SL = {"J": "A/m^2", "P": "1", "Lambda": "1", "epsilon_prime": "1"}
_LAYER = ("saturation_magnetisation", "thickness")


def _slonczewski(
    keys: dict[str, str],
    needs: tuple[str, ...],
    pair: tuple[Callable, Callable],
    note: str,
    least_Lambda: float = 0.0,
) -> Convention:
    return Convention("slonczewski", keys, needs, *pair, note, least_Lambda)


_REFERENCE_SIGN = "J > 0 and P > 0 pull m toward p (electrons from the fixed to the free layer)."

SLONCZEWSKI = {
    "reference": _slonczewski(
        {"a": "1/s", "b": "1/s", "Lambda": "1"},
        (),
        _plain(GAMMA0),
        "dm/dt = a m x (p x m) + b p x m; a is its value at m.p = 0.",
    ),
    "field": _slonczewski(
        {"a": "A/m", "b": "A/m", "Lambda": "1"},
        (),
        _plain(1.0),
        "a/g0 and b/g0; a is its value at m.p = 0.",
    ),
    "effective-field": _slonczewski(
        {"B_DL": "T", "B_FL": "T"},
        (),
        (_effective_fields_to, _effective_fields_from),
        "dm/dt = gamma [B_DL m x (p x m) + B_FL p x m].",
    ),
    "transport": _slonczewski(
        {"J": "A/m^2", "P": "1", "Lambda": "1", "eta_perp": "1"},
        _LAYER,
        _current_form("J", "P", "eta_perp", "Lambda", 1, 2.0),
        "eta = P L^2/[...] is torque per current: twice the solvers' epsilon.",
    ),
    "ralph-stiles": _slonczewski(
        {"I_per_area": "A/m^2", "eta": "1", "eta_perp": "1"},
        _LAYER,
        _current_form("I_per_area", "eta", "eta_perp", None, -1, 2.0),
        "I is the conventional current: I > 0 pushes m away from p. eta is twice epsilon.",
    ),
    "oommf": _slonczewski(
        _SL,
        _LAYER,
        _current_form("J", "P", "epsilon_prime", "Lambda", 1, 1.0),
        f"Oxs_SpinXferEvolve; d is the thickness of ONE CELL; Lambda >= 1. {_REFERENCE_SIGN}",
        least_Lambda=1.0,
    ),
    "ubermag": _slonczewski(
        _SL,
        _LAYER,
        _current_form("J", "P", "epsilon_prime", "Lambda", 1, 1.0),
        f"Slonczewski(J, mp, P, Lambda, eps_prime); d is ONE CELL; Lambda >= 1. {_REFERENCE_SIGN}",
        least_Lambda=1.0,
    ),
    "mumax3": _slonczewski(
        _SL,
        _LAYER,
        _current_form("J", "P", "epsilon_prime", "Lambda", 1, 1.0),
        "J is J.z with FIXEDLAYER_TOP (default); d the whole mesh or FreeLayerThickness; "
        f"EpsilonPrime. {_REFERENCE_SIGN}",
    ),
    "mumax3-bottom": _slonczewski(
        _SL,
        _LAYER,
        _current_form("J", "P", "epsilon_prime", "Lambda", -1, 1.0),
        "As mumax3 with FIXEDLAYER_BOTTOM: J.z > 0 pushes m away from p.",
    ),
    "mumaxplus": _slonczewski(
        _SL,
        _LAYER,
        _current_form("J", "P", "epsilon_prime", "Lambda", 1, 1.0),
        f"jcur.z, pol, Lambda, epsilon_prime, fixed_layer on top. {_REFERENCE_SIGN}",
    ),
    "magnumnp": _slonczewski(
        _SL,
        _LAYER,
        _current_form("J", "P", "epsilon_prime", "Lambda", 1, 1.0),
        f"SpinTorqueSlonczewski; gamma is fixed to 2.21276157e5 m/(A s). {_REFERENCE_SIGN}",
    ),
    "magnumnp-sot": _slonczewski(
        {"je": "A/m^2", "eta_damp": "1", "eta_field": "1"},
        _LAYER,
        _current_form("je", "eta_damp", "eta_field", None, -1, 2.0),
        "SpinOrbitTorque: je > 0 pushes m away from p; eta_damp = 2 epsilon.",
    ),
    "spin-hall": _slonczewski(
        {"J": "A/m^2", "xi_DL": "1", "xi_FL": "1"},
        _LAYER,
        _current_form("J", "xi_DL", "xi_FL", None, 1, 2.0),
        "Torque efficiencies xi = (2e/hbar) mu0 M_s d h/J of a film; p is the direction of the "
        "magnetic moment that J > 0 brings.",
    ),
    "spirit": _slonczewski(
        {"a_j": "meV", "beta": "1", "p_sign": "1"},
        (),
        (_spirit_to, _spirit_from),
        "set_stt(False, a_j, p_sign p), set_non_adiabatic_damping(beta); a_j is not divided by "
        "the atom's moment and may not be negative.",
    ),
    "vampire": _slonczewski(
        {"rj": "T", "pj": "T"},
        ("damping",),
        (_vampire_to, _vampire_from),
        "Coefficients of the equation solved for dm/dt: they mix a and b through the damping.",
    ),
    "fidimag": _slonczewski(
        {"a_J": "1/s", "beta": "1"},
        (),
        (_fidimag_to, _fidimag_from),
        "a_J = a; beta = b/a.",
    ),
}
