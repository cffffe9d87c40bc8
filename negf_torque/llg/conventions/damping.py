"""Conventions of the damping.  Reference: Gilbert's alpha and g0 in m/(A s)."""

from negf_torque.llg.conventions.base import Convention, identity

__all__ = ["DAMPING"]


def _landau_lifshitz_to(n, context):
    alpha = n["lambda_LL"] / n["gamma_LL"]
    return {"alpha": alpha, "gamma0": n["gamma_LL"] * (1 + alpha**2)}


def _landau_lifshitz_from(r, context):
    gamma = r["gamma0"] / (1 + r["alpha"] ** 2)
    return {"gamma_LL": gamma, "lambda_LL": r["alpha"] * gamma}


def _relaxation_to(n, context):
    gamma_ms = n["gamma0"] * context["saturation_magnetisation"]
    return {"alpha": n["relaxation"] / gamma_ms, "gamma0": n["gamma0"]}


def _relaxation_from(r, context):
    rate = r["alpha"] * r["gamma0"] * context["saturation_magnetisation"]
    return {"relaxation": rate, "gamma0": r["gamma0"]}


DAMPING = {
    "gilbert": Convention(
        "damping",
        {"alpha": "1", "gamma0": "m/(A s)"},
        (),
        identity,
        identity,
        "dm/dt = -g0 m x H + alpha m x dm/dt.",
    ),
    "landau-lifshitz": Convention(
        "damping",
        {"gamma_LL": "m/(A s)", "lambda_LL": "m/(A s)"},
        (),
        _landau_lifshitz_to,
        _landau_lifshitz_from,
        "dm/dt = -gamma_LL m x H - lambda_LL m x (m x H).",
    ),
    "relaxation-rate": Convention(
        "damping",
        {"relaxation": "1/s", "gamma0": "m/(A s)"},
        ("saturation_magnetisation",),
        _relaxation_to,
        _relaxation_from,
        "G = alpha g0 M_s, in SI.",
    ),
}
