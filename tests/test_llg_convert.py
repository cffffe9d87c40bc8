"""Conversions: there and back is the identity; every convention checked by its own equation."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.llg.conventions import CONVENTIONS
from negf_torque.llg.convert import conversion_rows, convert, convert_to_all, parse_numbers
from negf_torque.units import BOHR_MAGNETON, ELEMENTARY_CHARGE, GAMMA0, HBAR_SI, MU0

CONTEXT = dict(
    saturation_magnetisation=7e5,
    thickness=2.5,
    current_density=3e11,
    damping=0.07,
    polarisation=0.45,
)
PAIRS = [
    (kind, first, second)
    for kind, known in CONVENTIONS.items()
    for first in known
    for second in known
]
size = st.floats(0.01, 10) | st.floats(-10, -0.01)
#: Typical magnitudes, so that random numbers are torques of the usual size.
SCALE = {"A/m^2": 3e11, "1/s": 1e9, "A/m": 1e4, "T": 0.01, "meV": 1e-3, "m/s": 50.0, "m/(A s)": 2e5}


def draw(data, kind, name, Lambda):
    numbers = {}
    for key, unit in CONVENTIONS[kind][name].keys.items():
        if key == "Lambda":
            numbers[key] = Lambda
        elif key == "p_sign":
            numbers[key] = data.draw(st.sampled_from([-1.0, 1.0]))
        elif key == "a_j" or kind == "damping":
            numbers[key] = SCALE.get(unit, 1) * data.draw(st.floats(0.01, 10))
        else:
            numbers[key] = SCALE.get(unit, 1.0) * data.draw(size)
    return numbers


@pytest.mark.parametrize(("kind", "first", "second"), PAIRS)
@given(data=st.data())
@settings(deadline=None, max_examples=8)
def test_there_and_back_is_the_identity(kind, first, second, data):
    angular = all("Lambda" in CONVENTIONS[kind][n].keys for n in (first, second))
    least = max(0.4, *(CONVENTIONS[kind][n].least_Lambda for n in (first, second)))
    numbers = draw(data, kind, first, data.draw(st.floats(least, 3)) if angular else 1.0)
    context = dict(CONTEXT)
    if first == "vampire":  # a = rj - alpha pj must not cancel: others divide by it
        assume(abs(numbers["rj"] - 0.07 * numbers["pj"]) > 1e-3 * abs(numbers["pj"]))
    # Current and polarisation are a free split: keep the source's own.
    for key, sign in (("J", 1), ("je", -1), ("I_per_area", -1)):
        if key in numbers and kind == "slonczewski":
            context["current_density"] = numbers[key] * (-1 if first == "mumax3-bottom" else sign)
    if kind == "zhang_li" and "P" in numbers:
        context["polarisation"] = numbers["P"]
    there = convert(kind, first, second, numbers, **context)
    assert set(there) == set(CONVENTIONS[kind][second].keys)
    back = convert(kind, second, first, there, **context)
    for key, value in numbers.items():
        # Ten roundings; where a cancels against alpha b (vampire), amplified by b/a <= 1e3.
        assert_allclose(back[key], value, rtol=1e-9, err_msg=key)


def random_state(seed):
    rng = np.random.default_rng(seed)
    return (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))


def explicit(a, b, alpha, m, p):
    """Gilbert to Landau-Lifshitz, by solving the implicit equation."""
    bare = a * np.cross(m, np.cross(p, m)) + b * np.cross(p, m)
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    return np.linalg.solve(np.eye(3) - alpha * cross, bare)


def rate_of(name, n, m, p, alpha):
    """dm/dt by the solver's own documented equation; g0 of the reference throughout."""
    mxp, pxm = np.cross(m, p), np.cross(p, m)
    ms, d = CONTEXT["saturation_magnetisation"], CONTEXT["thickness"] * 1e-9
    if name in ("spirit", "vampire", "fidimag"):
        if name == "spirit":
            g_mu_b = GAMMA0 / MU0 / (BOHR_MAGNETON / ELEMENTARY_CHARGE * 1e3)
            p, aj, beta = n["p_sign"] * p, g_mu_b * n["a_j"], n["beta"]
        elif name == "fidimag":
            aj, beta = n["a_J"], n["beta"]
        else:
            g = GAMMA0 / MU0
            return g * (n["rj"] * np.cross(m, pxm) + n["pj"] * pxm)
        perpendicular = p - m * (m @ p)
        bracket = (1 + alpha * beta) * perpendicular - (beta - alpha) * np.cross(m, p)
        return aj / (1 + alpha**2) * bracket
    if name == "magnumnp-sot":
        h = n["eta_damp"] * mxp + n["eta_field"] * p
        h = h * -n["je"] * HBAR_SI / (2 * ELEMENTARY_CHARGE * ms * MU0 * d)
    elif name == "effective-field":
        h = (n["B_DL"] * mxp + n["B_FL"] * p) / MU0
    else:
        lam = n["Lambda"] ** 2
        epsilon = n["P"] * lam / ((lam + 1) + (lam - 1) * (m @ p))
        h = epsilon * mxp + n["epsilon_prime"] * p
        sign = -1 if name == "mumax3-bottom" else 1
        h = h * sign * HBAR_SI * n["J"] / (MU0 * ms * ELEMENTARY_CHARGE * d)
    # A torque written as a field: dm/dt = -g0 m x h + alpha m x dm/dt.
    bare = -GAMMA0 * np.cross(m, h)
    return (bare + alpha * np.cross(m, bare)) / (1 + alpha**2)


@pytest.mark.parametrize(
    "name",
    "oommf ubermag mumax3 mumax3-bottom mumaxplus magnumnp magnumnp-sot effective-field spirit "
    "vampire fidimag".split(),
)
@given(st.floats(-3e9, 3e9), st.floats(-3e9, 3e9), st.floats(0.5, 2.5), st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_each_solver_moves_as_the_reference_does(name, a, b, Lambda, seed):
    if abs(a) < 1e6:
        a = 1e6
    Lambda = max(Lambda, CONVENTIONS["slonczewski"][name].least_Lambda)
    m, p = random_state(seed)
    c, alpha = m @ p, CONTEXT["damping"]
    numbers = {"a": a, "b": b, "Lambda": Lambda}
    out = convert("slonczewski", "reference", name, numbers, **CONTEXT, cosine=float(c))
    square = Lambda**2
    here = a * (square + 1) / ((square + 1) + (square - 1) * c)
    expected = explicit(here, b, alpha, m, p)
    assert_allclose(
        rate_of(name, out, m, p, alpha), expected, atol=1e-12 * max(abs(a), abs(b)) * 10
    )


@given(st.floats(-200, 200), st.floats(-0.5, 0.5), st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_texture_torques_move_as_the_reference_does(u, beta, seed):
    rng = np.random.default_rng(seed)
    m, slope = rng.normal(size=(2, 3))
    m = m / np.linalg.norm(m)
    slope -= m * (m @ slope)
    alpha, ms, e = CONTEXT["damping"], CONTEXT["saturation_magnetisation"], ELEMENTARY_CHARGE
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    bare = -u * slope + beta * u * np.cross(m, slope)
    expected = np.linalg.solve(np.eye(3) - alpha * cross, bare)
    out = convert_to_all("zhang_li", "reference", {"u": u, "beta": beta}, **CONTEXT)

    n = out["mumax3"]
    h = n["J"] * n["P"] * BOHR_MAGNETON / (e * ms * (1 + n["xi"] ** 2)) * slope
    mxh = np.cross(m, h)
    mumax = -((1 + n["xi"] * alpha) * np.cross(m, mxh) + (n["xi"] - alpha) * mxh) / (1 + alpha**2)
    n = out["fidimag"]
    h = n["u0_j"] * slope
    fidimag = ((1 + alpha * n["beta"]) * h - (n["beta"] - alpha) * np.cross(m, h)) / (1 + alpha**2)
    n = out["magnumnp"]
    h = n["b_j"] / GAMMA0 * (np.cross(m, slope) + n["xi"] * slope)
    bare = -GAMMA0 * np.cross(m, h)
    magnumnp = (bare + alpha * np.cross(m, bare)) / (1 + alpha**2)
    n = out["oommf-propagate"]
    # OOMMF takes mp = (m[i+1] - m[i-1])/2 and d = cell: mp/d is the slope, epsilon = P/2.
    field = HBAR_SI * n["J"] / (MU0 * e * ms)
    bare = (
        GAMMA0
        * field
        * (n["P"] / 2 * np.cross(m, np.cross(slope, m)) + n["epsilon_prime"] * np.cross(slope, m))
    )
    propagate = np.linalg.solve(np.eye(3) - alpha * cross, bare)
    for name, rate in zip(
        ("mumax3", "fidimag", "magnumnp", "oommf"),
        (mumax, fidimag, magnumnp, propagate),
        strict=True,
    ):
        assert_allclose(rate, expected, atol=1e-12 * 1000, err_msg=name)


def test_drift_velocity_of_a_typed_current():
    """Textbook: u = P j mu_B/(e Ms); 1e12 A/m^2, P = 0.5, permalloy: 36.2 m/s."""
    out = convert(
        "zhang_li",
        "transport",
        "reference",
        {"J": -1e12, "P": 0.5, "beta": 0.0},
        saturation_magnetisation=8e5,
    )
    assert_allclose(out["u"], 36.18, rtol=1e-3)


def test_ralph_stiles_prefactor():
    """Their Eqs. 25 and 28: a = -eta mu_B I/(e V Ms)."""
    numbers = {"I_per_area": 2e11, "eta": 0.3, "eta_perp": -0.1}
    out = convert("slonczewski", "ralph-stiles", "reference", numbers, **CONTEXT)
    rate = BOHR_MAGNETON * 2e11 / (ELEMENTARY_CHARGE * 2.5e-9 * 7e5)
    assert_allclose([out["a"], out["b"]], [-0.3 * rate, 0.1 * rate], rtol=1e-14)


@given(st.floats(0, 2))
def test_landau_lifshitz_and_gilbert_move_alike(alpha):
    m, h = random_state(3)
    n = convert("damping", "gilbert", "landau-lifshitz", {"alpha": alpha, "gamma0": GAMMA0})
    mxh = np.cross(m, h)
    rate = -n["gamma_LL"] * mxh - n["lambda_LL"] * np.cross(m, mxh)
    # Gilbert's implicit form holds with that rate.
    assert_allclose(rate, -GAMMA0 * mxh + alpha * np.cross(m, rate), atol=1e-10 * GAMMA0)


@pytest.mark.parametrize("solver", ["oommf", "ubermag"])
@given(st.floats(0.2, 0.99), st.floats(-1, 1), st.floats(-0.3, 0.3), st.integers(0, 2**31))
@settings(deadline=None, max_examples=15)
def test_a_lambda_that_a_solver_refuses_comes_with_the_one_it_takes(solver, lam, p, prime, seed):
    """The message's numbers with p reversed are the same torque."""
    m, axis = random_state(seed)
    numbers = {"J": 2e11, "P": p, "Lambda": lam, "epsilon_prime": prime}
    with pytest.raises(ValueError, match=f"{solver} refuses") as refused:
        convert("slonczewski", "mumax3", solver, numbers, **CONTEXT)
    found = dict(re.findall(r"(\w+) = ([-+.\de]*\d)", str(refused.value)))
    same = {key: float(value) for key, value in found.items()}
    assert set(same) == set(numbers) and same["Lambda"] > 1
    one = rate_of("mumax3", numbers, m, axis, 0.1)
    two = rate_of(solver, same, m, -axis, 0.1)
    # the message has eight digits
    assert_allclose(one, two, atol=1e-6 * max(abs(p), abs(prime), 1e-3) * GAMMA0 * 1e6)
    with pytest.raises(ValueError, match=f"{solver} refuses"):
        convert("slonczewski", solver, "mumax3", numbers, **CONTEXT)


def test_what_cannot_be_said_is_told():
    numbers = {"a": 1e9, "b": 0.0, "Lambda": 2.0}
    with pytest.raises(ValueError, match="4 times larger at antiparallel"):
        convert("slonczewski", "reference", "spirit", numbers)
    with pytest.raises(ValueError, match="multiple of the"):
        convert("slonczewski", "reference", "fidimag", {"a": 0.0, "b": 1e8})
    with pytest.raises(ValueError, match="a_j >= 0"):
        convert("slonczewski", "spirit", "reference", {"a_j": -1.0, "beta": 0.0, "p_sign": 1.0})


@pytest.mark.parametrize(
    ("arguments", "context", "words"),
    [
        (("slonczewski", "mumax", "oommf", {}), {}, "Did you mean 'mumax3"),
        (("slonczevski", "mumax3", "oommf", {}), {}, "Did you mean 'slonczewski'"),
        (("zhang_li", "reference", "mumax3", {"u": 1.0, "bet": 0.1}), {}, "Did you mean 'beta'"),
        (("zhang_li", "reference", "mumax3", {"u": 1.0}), {}, "beta: missing"),
        (("zhang_li", "reference", "mumax3", {"u": 1.0, "beta": 0.1}), {}, "saturation"),
        (("zhang_li", "reference", "oommf", {"u": 1.0, "beta": float("nan")}), {}, "finite"),
        (("damping", "gilbert", "gilbert", {"alpha": 0.1, "gamma0": 1.0}), {"Ms": 1.0}, "context"),
        (
            ("slonczewski", "reference", "oommf", {"a": 1.0, "b": 0.0}),
            {"saturation_magnetisation": 1e6, "thickness": 1.0},
            "current_density: missing",
        ),
        (
            ("slonczewski", "reference", "vampire", {"a": 1.0, "b": 0.0}),
            {"damping": -0.1},
            "negative",
        ),
    ],
)
def test_bad_input_is_named(arguments, context, words):
    with pytest.raises(ValueError, match=words):
        convert(*arguments, **context)


def test_rows_and_typed_numbers():
    numbers = parse_numbers(["a=1e9", "b=-2e8", "Lambda=1.5"])
    rows = conversion_rows("slonczewski", "reference", numbers, **CONTEXT)
    assert {r[0] for r in rows} == set(CONVENTIONS["slonczewski"])
    reasons = {r[0]: r[4] for r in rows if not r[1]}
    assert set(reasons) == {"effective-field", "ralph-stiles", "magnumnp-sot", "spin-hall"} | {
        "spirit",
        "vampire",
        "fidimag",
    }
    assert all("cosine" in reason for reason in reasons.values())
    with pytest.raises(ValueError, match="key=value"):
        parse_numbers(["J:3"])
    with pytest.raises(ValueError, match="key=value"):
        parse_numbers(["J=three"])
