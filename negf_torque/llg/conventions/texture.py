"""Conventions of the Zhang-Li torque on textures.

Reference: u in m/s and beta; the texture moves along +u.
"""

from collections.abc import Callable

from negf_torque.llg.conventions.base import CONTEXT, Convention, Numbers, identity
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, GAMMA0, HBAR_SI, MU0

__all__ = ["ZHANG_LI"]


def _scaled_velocity(key: str, beta: str) -> tuple[Callable, Callable]:
    """u with reversed sign under another name."""

    def to_reference(n, context):
        return {"u": -n[key], "beta": n[beta]}

    def from_reference(r, context):
        return {key: -r["u"], beta: r["beta"]}

    return to_reference, from_reference


def _drift(context: Numbers) -> float:
    """mu_B/(e M_s) in m^3/C."""
    return BOHR_MAGNETON / (ELEMENTARY_CHARGE * context["saturation_magnetisation"])


def _texture_current(nonadiabatic: str, divided: bool) -> tuple[Callable, Callable]:
    """Conventional current J and polarisation; mumax divides by 1 + xi^2."""

    def factor(beta):
        return 1 + beta**2 if divided else 1.0

    def to_reference(n, context):
        beta = n[nonadiabatic]
        return {"u": -n["J"] * n["P"] * _drift(context) / factor(beta), "beta": beta, "P": n["P"]}

    def from_reference(r, context):
        p = _polarisation(r, context)
        current = -r["u"] * factor(r["beta"]) / (_drift(context) * p)
        return {"J": current, "P": p, nonadiabatic: r["beta"]}

    return to_reference, from_reference


def _polarisation(reference: Numbers, context: Numbers) -> float:
    p = reference.get("P", context.get("polarisation"))
    if p is None or p == 0:
        raise ValueError(f"polarisation: {p!r}. Give a non-zero number: {CONTEXT['polarisation']}.")
    return p


def _propagate_to(n, context):
    ms = context["saturation_magnetisation"]
    u = -n["J"] * GAMMA0 * HBAR_SI * n["P"] / (2 * MU0 * ELEMENTARY_CHARGE * ms)
    return {"u": u, "beta": 2 * n["epsilon_prime"] / n["P"], "P": n["P"]}


def _propagate_from(r, context):
    p, ms = _polarisation(r, context), context["saturation_magnetisation"]
    current = -2 * MU0 * ELEMENTARY_CHARGE * ms * r["u"] / (GAMMA0 * HBAR_SI * p)
    return {"J": current, "P": p, "epsilon_prime": r["beta"] * p / 2}


_TEXTURE = {"J": "A/m^2", "P": "1"}
_MS = ("saturation_magnetisation",)


def _zhang_li(
    keys: dict[str, str], needs: tuple[str, ...], pair: tuple[Callable, Callable], note: str
) -> Convention:
    to_reference, from_reference = pair
    return Convention("zhang_li", keys, needs, to_reference, from_reference, note)


ZHANG_LI = {
    "reference": _zhang_li(
        {"u": "m/s", "beta": "1"}, (), (identity, identity), "The texture moves along +u."
    ),
    "oommf": _zhang_li(
        {"u": "m/s", "beta": "1"}, (), (identity, identity), "Anv_SpinTEvolve; no 1/(1 + beta^2)."
    ),
    "ubermag": _zhang_li({"u": "m/s", "beta": "1"}, (), (identity, identity), "ZhangLi(u, beta)."),
    "transport": _zhang_li(
        _TEXTURE | {"beta": "1"},
        _MS,
        _texture_current("beta", False),
        "J conventional current along x, P = (sigma_up - sigma_dn)/(sigma_up + sigma_dn).",
    ),
    "oommf-propagate": _zhang_li(
        _TEXTURE | {"epsilon_prime": "1"},
        _MS,
        (_propagate_to, _propagate_from),
        "Oxs_SpinXferEvolve with propagate_mp 1, J_direction +x, Lambda 1.",
    ),
    "mumax3": _zhang_li(
        _TEXTURE | {"xi": "1"},
        _MS,
        _texture_current("xi", True),
        "J conventional current; mumax3 divides u by 1 + xi^2, undone here.",
    ),
    "mumaxplus": _zhang_li(
        _TEXTURE | {"xi": "1"},
        _MS,
        _texture_current("xi", True),
        "jcur, pol, xi; as mumax3. A film has either this or the Slonczewski torque.",
    ),
    "magnumnp": _zhang_li(
        {"b_j": "m/s", "xi": "1"},
        (),
        _scaled_velocity("b_j", "xi"),
        "Product of material b and state.j; opposite sign of u.",
    ),
    "fidimag": _zhang_li(
        {"u0_j": "m/s", "beta": "1"},
        (),
        _scaled_velocity("u0_j", "beta"),
        "Product of u0 and jx; opposite sign of u; no 1/(1 + beta^2).",
    ),
}
