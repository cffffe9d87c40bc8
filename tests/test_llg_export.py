"""Exported inputs: each solver's right-hand side, re-coded, with the numbers of the file."""

import csv
import json
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.export import SOLVERS, Simulation, render, write
from negf_torque.llg.slonczewski import asymmetric_efficiency, efficiency
from negf_torque.llg.valve import ValveTorque
from negf_torque.units import (
    BOHR_MAGNETON,
    CONDUCTANCE_QUANTUM,
    ELEMENTARY_CHARGE,
    GAMMA0,
    HBAR_SI,
    MU0,
)

ANGLES = np.linspace(0.2, 3.0, 7)
NUMBER = r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?"
SOLVER_CODES = ("mumax3", "mumaxplus", "oommf", "ubermag", "magnumnp")
#: Solvers without angular dependence, or with one that both torques share.
ATOMISTIC = ("spirit", "vampire")


def valve(polarisation=0.5, lam=1.4, prime=0.08, p=(1.0, 0.3, -0.2), eta=None, **rest):
    """A valve whose torque follows the form exactly; epsilon' constant."""
    eta = efficiency(np.cos(ANGLES), polarisation, lam) if eta is None else eta
    n = len(ANGLES)
    return ValveTorque(
        tuple(ANGLES.tolist()),
        tuple(np.asarray(eta).tolist()),
        (2 * prime,) * n,
        (0.6,) * n,
        cell_area=0.16,
        thickness=2.5,
        saturation_magnetisation=7e5,
        fixed_direction=p,
        **rest,
    )


def numbers_after(text, key):
    """All numbers between `key` and the end of its bracket or line."""
    match = re.search(rf"(?m)^\s*{re.escape(key)}(.*?)(?:[)}}]\s*(?:$|[,/])|$|//|#)", text)
    return np.array([float(x) for x in re.findall(NUMBER, match.group(1))])


def mumax3_rate(text, m):
    """m x H-free part of dm/dt as mumax3's kernel computes it, from the file's numbers."""
    ms, alpha, gamma = (numbers_after(text, f"{k} =")[0] for k in ("Msat", "alpha", "GammaLL"))
    pol, lam, prime = (numbers_after(text, f"{k} =")[0] for k in ("Pol", "Lambda", "EpsilonPrime"))
    p = numbers_after(text, "FixedLayer =")
    j = numbers_after(text, "J =")[2]
    thickness = numbers_after(text, "SetCellSize")[2] * numbers_after(text, "SetGridSize")[2]
    assert "FIXEDLAYER_TOP" in text
    p = p / np.linalg.norm(p)
    beta = HBAR_SI / ELEMENTARY_CHARGE * j / (thickness * ms)  # tesla
    square = lam**2
    a = beta * pol * square / ((square + 1) + (square - 1) * (p @ m))
    b = beta * prime
    gilbert = 1 / (1 + alpha**2)
    pxm = np.cross(p, m)
    return gamma * gilbert * ((a + alpha * b) * np.cross(m, pxm) + (b - alpha * a) * pxm)


def oommf_rate(text, m):
    """Oxs_SpinXferEvolve's dm/dt without field, Landau-Lifshitz form, from a MIF or its keys."""
    gamma, alpha, j, prime = (
        numbers_after(text, k)[0] for k in ("gamma_G ", "alpha ", "J ", "eps_prime ")
    )
    p = numbers_after(text.split("mp {")[1], "vector {")
    thickness = numbers_after(text, "cellsize {")[2]
    ms = numbers_after(text, "Ms ")[0]
    if re.search(r"(?m)^\s*P ", text):
        p_fixed = p_free = numbers_after(text, "P ")[0]
        l_fixed = l_free = numbers_after(text, "Lambda ")[0]
    else:
        p_fixed, p_free = numbers_after(text, "P_fixed")[0], numbers_after(text, "P_free")[0]
        l_fixed = numbers_after(text, "Lambda_fixed")[0]
        l_free = numbers_after(text, "Lambda_free")[0]
    assert l_fixed >= 1 and l_free >= 1
    p = p / np.linalg.norm(p)
    beta = HBAR_SI * j / (MU0 * ELEMENTARY_CHARGE * thickness * ms)
    f, r = l_fixed**2, l_free**2
    ratio = np.sqrt((f - 1) / (r - 1)) if r > 1 else 1.0
    plus, minus = np.sqrt((f + 1) * (r + 1)), np.sqrt((f - 1) * (r - 1)) * (m @ p)
    first = 0.5 * beta * p_fixed * f * np.sqrt((r + 1) / (f + 1))
    second = 0.5 * beta * p_free * r * ratio
    eps = (first + second) / (plus + minus) + (first - second) / (plus - minus)
    mxp = np.cross(m, p)
    coefficient_1 = alpha * eps - beta * prime
    coefficient_2 = alpha * beta * prime + eps
    return gamma / (1 + alpha**2) * (np.cross(coefficient_2 * mxp, m) + coefficient_1 * mxp)


class Recorder:
    """Stands for a ubermag module: every call returns its keywords, sums collect them."""

    def __init__(self, **keys):
        self.keys = keys

    def __getattr__(self, name):
        return lambda *_, **keys: Recorder(**{f"{name}.{k}": v for k, v in keys.items()})

    def __add__(self, other):
        return Recorder(**self.keys, **other.keys)


def run_ubermag_script(text):
    """Keywords of every ubermag object that the script makes, e.g. 'Slonczewski.P'."""
    modules = {"discretisedfield": Recorder(), "micromagneticmodel": Recorder()}
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        scope = {"__name__": "imported"}
        exec(compile(text, "script", "exec"), scope)
    mesh, system = scope["mesh"], scope["system"]
    return mesh.keys | system.energy.keys | system.dynamics.keys | system.m.keys


def ubermag_rate(text, m):
    """The same evolver, with what the script hands to ubermag."""
    keys = run_ubermag_script(text)
    assert keys["Slonczewski.P"] >= 0 and keys["Slonczewski.Lambda"] >= 1
    mif = "\n".join(
        [
            f"gamma_G {keys['Precession.gamma0']!r}",
            f"alpha {keys['Damping.alpha']!r}",
            f"J {keys['Slonczewski.J']!r}",
            f"eps_prime {keys['Slonczewski.eps_prime']!r}",
            f"P {keys['Slonczewski.P']!r}",
            f"Lambda {keys['Slonczewski.Lambda']!r}",
            f"Ms {keys['Field.norm']!r}",
            f"mp {{\n vector {{ {keys['Slonczewski.mp']} }}",
            f"cellsize {{ 1.0 1.0 {keys['Mesh.p2'][2] / keys['Mesh.n'][2]!r} }}",
        ]
    )
    return oommf_rate(mif, m)


def mumaxplus_rate(text, m):
    """mumax+'s kernel is mumax3's: the same numbers under other names."""
    names = {"msat": "Msat", "alpha": "alpha", "gamma": "GammaLL", "pol": "Pol"}
    names |= {"Lambda": "Lambda", "epsilon_prime": "EpsilonPrime"}
    first = {new: float(numbers_after(text, f"magnet.{old} =")[0]) for old, new in names.items()}
    lines = [f"{key} = {value!r}" for key, value in first.items()]
    p = numbers_after(text, "magnet.fixed_layer =").tolist()
    lines.append(f"FixedLayer = vector({p[0]!r}, {p[1]!r}, {p[2]!r})")
    current = float(numbers_after(text, "magnet.jcur =")[2])
    lines.append(f"J = vector(0, 0, {current!r})")
    cell = re.search(r"cellsize=\(([^)]*)\)", text).group(1)
    lines += [f"SetCellSize({cell})", "SetGridSize(1, 1, 1)", "FIXEDLAYER_TOP"]
    assert "fixed_layer_on_top = True" in text
    return mumax3_rate("\n".join(lines), m)


def magnumnp_material(text):
    return {
        key: np.array([float(x) for x in re.findall(NUMBER, value)])
        for key, value in re.findall(r"(?m)^    '(\w+)': (.*),$", text)
    }


def magnumnp_rate(text, m):
    """Field of SpinTorqueSlonczewski in its Landau-Lifshitz form, with our g0."""
    n = magnumnp_material(text)
    p, square = n["mp"], n["Lambda"] ** 2
    epsilon = n["P"] * square / ((square + 1) + (square - 1) * (m @ p))
    h = epsilon * np.cross(m, p) + n["epsilon_prime"] * p
    h = h * HBAR_SI * n["J"] / (MU0 * n["Ms"] * ELEMENTARY_CHARGE * n["d"])
    bare = -GAMMA0 * np.cross(m, h)
    return (bare + n["alpha"] * np.cross(m, bare)) / (1 + n["alpha"] ** 2)


def spirit_rate(text, m):
    """a [(1 + alpha beta) m x (p x m) - (beta - alpha) m x p]/(1 + alpha^2)."""
    magnitude, *p = numbers_after(text, "llg.set_stt(p, False,")
    beta = numbers_after(text, "llg.set_non_adiabatic_damping(p,")[0]
    alpha = numbers_after(text, "llg.set_damping(p,")[0]
    assert magnitude >= 0
    a = GAMMA0 / MU0 / (BOHR_MAGNETON / ELEMENTARY_CHARGE * 1e3) * magnitude
    mxp = np.cross(m, p)
    bracket = (1 + alpha * beta) * np.cross(mxp, m) - (beta - alpha) * mxp
    return a / (1 + alpha**2) * bracket


def vampire_rate(text, m):
    """Field of the spin torque in Vampire's source, in the Landau-Lifshitz form."""
    get = lambda key: numbers_after(text, f"material[1]:{key}=")[0]  # noqa: E731
    p = numbers_after(text, "sim:spin-transfer-torque-polarization-unit-vector=")
    rj, pj = get("spin-transfer-relaxation-torque"), get("spin-transfer-precession-torque")
    alpha, asymmetry = get("damping-constant"), get("spin-transfer-torque-asymmetry")
    h = (rj - alpha * pj) * np.cross(m, p) + (pj + alpha * rj) * p
    h = h / (1 + asymmetry * (m @ p)) / MU0
    bare = -GAMMA0 * np.cross(m, h)
    return (bare + alpha * np.cross(m, bare)) / (1 + alpha**2)


RATES = {
    "mumax3": mumax3_rate,
    "mumaxplus": mumaxplus_rate,
    "oommf": oommf_rate,
    "ubermag": ubermag_rate,
    "magnumnp": magnumnp_rate,
    "spirit": spirit_rate,
    "vampire": vampire_rate,
}


def text_of(solver, torque, simulation=None):
    return "\n".join(render(solver, torque, simulation).values())


def spin_rate(torque, m, simulation, eta, eta_perp):
    """-ds/dt from transport's torkances, s = -m: no solver, no magnetisation convention.

    The bias that drives `current_density` is J A/[(e^2/h) T]; torkances follow from eta.
    """
    s, p_s = -m, -np.array(torque.fixed_direction)
    transmission = torque.conductance[0]
    area = torque.cell_area * 1e-18
    voltage = simulation.current_density * area / (CONDUCTANCE_QUANTUM * transmission)
    n_in, n_out = eta * transmission, eta_perp * transmission
    g = 2 * BOHR_MAGNETON / HBAR_SI * ELEMENTARY_CHARGE * voltage / (4 * np.pi)
    g /= torque.saturation_magnetisation * torque.thickness * 1e-9 * area
    bare = g * (n_in * np.cross(s, np.cross(p_s, s)) + n_out * np.cross(s, p_s))
    # Gilbert: ds/dt - (-alpha) ... for spins the damping term reads -alpha s x ds/dt.
    alpha = simulation.damping
    matrix = np.eye(3) + alpha * np.array([[0, -s[2], s[1]], [s[2], 0, -s[0]], [-s[1], s[0], 0]])
    return -np.linalg.solve(matrix, bare)


@pytest.mark.parametrize("solver", SOLVER_CODES)
@given(
    st.floats(0.05, 1.2) | st.floats(-1.2, -0.05),
    st.floats(0.4, 3.0),
    st.floats(-0.3, 0.3),
    st.floats(1e9, 1e12) | st.floats(-1e12, -1e9),
    st.floats(0, 0.5),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=30)
def test_solver_computes_the_torque_that_transport_found(
    solver, polarisation, lam, prime, current, damping, seed
):
    """Transport (spins) -> file -> the solver's documented equation (moments), random states."""
    m, p = (v / np.linalg.norm(v) for v in np.random.default_rng(seed).normal(size=(2, 3)))
    torque = valve(polarisation, lam, prime, tuple(p))
    simulation = Simulation(current_density=current, damping=damping)
    text = next(iter(render(solver, torque, simulation).values()))
    fit = torque.slonczewski()
    expected = spin_rate(
        torque, m, simulation, efficiency(m @ p, fit.polarisation, fit.Lambda), 2 * prime
    )
    scale = np.abs(expected).max()
    assert_allclose(RATES[solver](text, m), expected, atol=1e-12 * scale)
    # The fit itself gives back the table's form.
    assert_allclose([fit.polarisation, fit.Lambda], [polarisation, lam], rtol=1e-8)


@pytest.mark.parametrize("solver", ATOMISTIC)
@given(
    st.floats(-1.2, -0.05) | st.floats(0.05, 1.2),
    st.floats(-0.3, 0.3),
    st.floats(1e9, 1e12) | st.floats(-1e12, -1e9),
    st.floats(0, 0.5),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=30)
def test_atomistic_solvers_compute_a_torque_without_asymmetry(
    solver, polarisation, prime, current, damping, seed
):
    m, p = (v / np.linalg.norm(v) for v in np.random.default_rng(seed).normal(size=(2, 3)))
    torque = SpinOrbitTorque(polarisation, 2 * prime, tuple(p), 2.5, 7e5)
    simulation = Simulation(current_density=current, damping=damping)
    expected = film_rate(torque, m, simulation)
    seen = RATES[solver](text_of(solver, torque, simulation), m)
    assert_allclose(seen, expected, atol=1e-12 * np.abs(expected).max())


def film_rate(torque, m, simulation):
    """Efficiencies by their definition, implicit damping solved."""
    p, alpha = np.array(torque.direction), simulation.damping
    field = HBAR_SI * simulation.current_density / (2 * MU0 * ELEMENTARY_CHARGE)
    field /= torque.saturation_magnetisation * torque.thickness * 1e-9
    pxm = np.cross(p, m)
    bare = GAMMA0 * field * (torque.damping_like * np.cross(m, pxm) + torque.field_like * pxm)
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    return np.linalg.solve(np.eye(3) - alpha * cross, bare)


@pytest.mark.parametrize("solver", SOLVER_CODES)
@pytest.mark.parametrize("sign", [1, -1])
def test_spin_orbit_torques_reach_every_solver(solver, sign):
    torque = SpinOrbitTorque(sign * 0.2, -0.07, (0.0, 1.0, 0.2), 1.2, 1.1e6)
    simulation = Simulation(current_density=-3e11, damping=0.1)
    text = next(iter(render(solver, torque, simulation).values()))
    for m in np.random.default_rng(1).normal(size=(5, 3)):
        m = m / np.linalg.norm(m)
        expected = film_rate(torque, m, simulation)
        assert_allclose(RATES[solver](text, m), expected, atol=1e-12 * np.abs(expected).max())


def test_vampire_keeps_the_asymmetry_of_the_damping_like_torque():
    torque = valve(prime=0.0, p=(0, 0, 1))
    simulation = Simulation(damping=0.0)
    text = text_of("vampire", torque, simulation)
    fit = torque.slonczewski()
    for angle in (0.3, 1.5, 2.8):
        m = np.array([np.sin(angle), 0, np.cos(angle)])
        eta = efficiency(np.cos(angle), fit.polarisation, fit.Lambda)
        expected = spin_rate(torque, m, simulation, eta, 0.0)
        assert_allclose(vampire_rate(text, m), expected, atol=1e-12 * np.abs(expected).max())


def test_spirit_tells_what_it_loses():
    text = text_of("spirit", valve(lam=1.5, p=(0, 0, 1)), Simulation(initial_direction=(1, 0, 0)))
    # 1/(1 + x c) at c = +-1 against c = 0, x = (2.25 - 1)/(2.25 + 1).
    assert "-27.8 % at parallel" in text and "+62.5 % at antiparallel" in text
    m = np.array([1.0, 0.0, 0.0])
    torque = valve(lam=1.5, p=(0, 0, 1))
    eta = efficiency(0.0, 0.5, 1.5)
    expected = spin_rate(torque, m, Simulation(), eta, 0.16)
    assert_allclose(spirit_rate(text, m), expected, atol=1e-9 * np.abs(expected).max())


TEXTURE = TextureTorque(0.55, 0.04, 0.02, 8e5, beta_error=1e-3)


@pytest.mark.parametrize("current", [1e12, -1e12])
def test_textures_move_along_the_electron_flow(current):
    simulation = Simulation(current_density=current, anisotropy=5e4)
    u = 0.55 * current * BOHR_MAGNETON / (ELEMENTARY_CHARGE * 8e5)
    assert_allclose(TEXTURE.drift_velocity(current), u, rtol=1e-14)
    text = text_of("mumax3", TEXTURE, simulation)
    j, pol, xi = (numbers_after(text, k)[0] for k in ("J = vector(", "Pol =", "xi ="))
    # Its kernel: hspin = J pol mu_B/(e Ms (1 + xi^2)) dm/dx, dm/dt = +hspin + ...
    drift = -j * pol * BOHR_MAGNETON / (ELEMENTARY_CHARGE * 8e5 * (1 + xi**2))
    assert_allclose([drift, xi], [u, 0.04], rtol=1e-13)
    text = text_of("oommf", TEXTURE, simulation)
    evolver = text.split("Anv_SpinTEvolve:evolver")[1]
    assert_allclose(numbers_after(evolver, "u "), u, rtol=1e-14)
    assert_allclose(numbers_after(evolver, "beta "), 0.04)
    keys = run_ubermag_script(text_of("ubermag", TEXTURE, simulation))
    assert_allclose([keys["ZhangLi.u"], keys["ZhangLi.beta"]], [u, 0.04], rtol=1e-14)
    start = keys["Field.value"]
    assert_allclose(start((0, 0, 0)), (1, 0, 0), atol=0.1)
    assert_allclose(np.linalg.norm(start((5.1e-8, 0, 0))), 1, rtol=1e-12)
    text = text_of("magnumnp", TEXTURE, simulation)
    assert_allclose(numbers_after(text, "state.j = state.Constant(")[0], -u, rtol=1e-14)
    text = text_of("mumaxplus", TEXTURE, simulation)
    assert_allclose(numbers_after(text, "magnet.jcur =")[0], j, rtol=1e-14)
    document = json.loads(text_of("plain", TEXTURE, simulation))
    assert_allclose(document["conventions"]["fidimag"]["u0_j"], -u, rtol=1e-14)


@pytest.mark.parametrize("solver", ATOMISTIC)
def test_atomistic_solvers_refuse_continuum_textures(solver):
    with pytest.raises(ValueError, match=solver):
        render(solver, TEXTURE)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["valve", "film", "texture"])
def test_every_script_compiles(solver, kind):
    torque = {
        "valve": valve(),
        "film": SpinOrbitTorque(0.2, 0.1, (0, 1, 0), 1.0, 8e5),
        "texture": TEXTURE,
    }[kind]
    if kind == "texture" and solver in ATOMISTIC:
        return
    for name, text in render(solver, torque, Simulation(field=(10.0, 0, 0))).items():
        if name.endswith(".py"):
            compile(text, name, "exec")
        assert torque.hash in text


def test_asymmetric_file_of_oommf_follows_the_asymmetric_form():
    eta = asymmetric_efficiency(np.cos(ANGLES), 0.9, 0.2, 1.8, 1.8)
    torque = valve(eta=eta)
    simulation = Simulation(current_density=-2e11)
    files = render("oommf", torque, simulation)
    assert set(files) == {"valve.mif", "valve_asymmetric.mif"}
    fit = torque.asymmetric()
    rng = np.random.default_rng(3)
    for m in rng.normal(size=(20, 3)):
        m = m / np.linalg.norm(m)
        c = m @ np.array(torque.fixed_direction)
        eta_m = asymmetric_efficiency(
            c, fit.polarisation_fixed, fit.polarisation_free, fit.Lambda, fit.Lambda
        )
        expected = spin_rate(torque, m, simulation, eta_m, 0.16)
        assert_allclose(
            oommf_rate(files["valve_asymmetric.mif"], m),
            expected,
            atol=1e-12 * np.abs(expected).max(),
        )
        # ... and the form is the table's, to the fit's own tolerance.
        assert_allclose(eta_m, asymmetric_efficiency(c, 0.9, 0.2, 1.8, 1.8), rtol=1e-6)


@pytest.mark.parametrize("solver", SOLVER_CODES)
def test_positive_torkance_and_bias_pull_the_moment_towards_the_fixed_one(solver):
    """A valve that favours P for V > 0 turns m toward p, and away for V < 0."""
    torque = valve(0.5, 1.5, 0.0, (0.0, 0.0, 1.0))
    m = np.array([1.0, 0.0, 0.0])
    for sign in (1, -1):
        text = next(iter(render(solver, torque, Simulation(current_density=sign * 1e11)).values()))
        assert sign * RATES[solver](text, m)[2] > 0


def test_conductance_of_the_header_is_the_valves():
    text = render("plain", valve(), Simulation())["valve_torques.json"]
    row = json.loads(text)["table"][0]
    assert_allclose(
        row["current_density_per_volt"], 0.6 * CONDUCTANCE_QUANTUM / 0.16e-18, rtol=1e-13
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_file_explains_itself(solver, tmp_path):
    torque = valve(provenance="card valve.toml\nsecond line", eta_error=(1e-4,) * 7)
    paths = write(solver, torque, tmp_path / "new")
    assert paths and all(p.exists() for p in paths)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted(p.name for p in paths)
    for path in paths:
        text = path.read_text()
        for word in (
            "epsilon = P L^2",
            "MAGNETISATION",
            "HALF the P",
            "electron flux from left to right",
            "conventional",
            "d: thickness of",
            torque.hash,
            "card valve.toml",
            "largest deviation",
            "window, symmetric bias",
            "+-",
        ):
            assert word in text, (path.name, word)


def test_comments_stay_comments():
    """Many-line provenance must not leak out of the comment block."""
    torque = valve(provenance="one\nJ = vector(9, 9, 9)\nSpecify nothing {")
    for solver, sign in (("mumax3", "//"), ("oommf", "#"), ("ubermag", "#")):
        text = next(iter(render(solver, torque).values()))
        assert f"\n{sign} J = vector(9, 9, 9)" in text
    compile(next(iter(render("ubermag", torque).values())), "script", "exec")


def test_poor_fits_are_told():
    wavy = efficiency(np.cos(ANGLES), 0.5, 1.4) * (1 + 0.1 * np.cos(3 * ANGLES))
    assert "POOR" in render("mumax3", valve(eta=wavy))["valve.mx3"]
    assert "POOR" not in render("mumax3", valve())["valve.mx3"]


def test_tables_give_back_the_numbers():  # round trip
    torque = valve(eta_error=(1e-4,) * 7)
    files = render("plain", torque)
    document = json.loads(files["valve_torques.json"])
    assert ValveTorque(**{k: _tuples(v) for k, v in document["input"].items()}) == torque
    lines = [x for x in files["valve_torques.csv"].splitlines() if not x.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert [float(r["eta"]) for r in rows] == list(torque.eta)
    a, b = torque.rates_per_volt()
    assert_allclose([float(r["a_per_volt"]) for r in rows], a, rtol=1e-15)
    assert_allclose([float(r["b_per_volt"]) for r in rows], b, rtol=1e-15)


def _tuples(value):
    return tuple(value) if isinstance(value, list) else value


def test_hash_changes_with_any_number():
    assert valve().hash == valve().hash
    assert valve().hash != valve(prime=0.0800001).hash
    assert valve().hash != valve(provenance="other").hash


def test_unknown_solver_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'oommf'"):
        render("oomf", valve())


def test_torque_that_changes_sign_is_not_written_as_a_form():
    torque = valve(eta=np.cos(ANGLES))
    with pytest.raises(ValueError, match="changes sign"):
        render("mumaxplus", torque)
    # ... but its table is, where that is possible.
    assert set(render("mumax3", torque)) == {"valve_table.mx3"}
    assert "NO Slonczewski form" in render("plain", torque)["valve_torques.csv"]
    assert set(render("magnumnp", torque)) == {"valve_table_magnumnp.py"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"damping": -0.1}, "damping"),
        ({"cells": (0, 1)}, "cells"),
        ({"duration": 0.0}, "duration"),
        ({"current_density": float("inf")}, "current_density"),
        ({"initial_direction": (0, 0, 0)}, "initial_direction"),
    ],
)
def test_unusable_simulation_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Simulation(**change)
