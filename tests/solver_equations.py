"""Each solver's equation of motion, coded again from its documentation, with a file's numbers.

A rate takes the text of an exported input and one direction m (or a chain of them) and gives
dm/dt by the spin torque alone, damping included, as the solver would compute it.  `spin_rate` and
`film_rate` are what it must be: from torkances and efficiencies, no solver's convention.
"""

import re
import sys

import numpy as np
import pytest

from negf_torque.llg.export import render
from negf_torque.llg.slonczewski import efficiency
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


def film_rate(torque, m, simulation):
    """Efficiencies by their definition, implicit damping solved."""
    p, alpha = np.array(torque.direction), simulation.damping
    field = HBAR_SI * simulation.current_density / (2 * MU0 * ELEMENTARY_CHARGE)
    field /= torque.saturation_magnetisation * torque.thickness * 1e-9
    pxm = np.cross(p, m)
    bare = GAMMA0 * field * (torque.damping_like * np.cross(m, pxm) + torque.field_like * pxm)
    cross = np.array([[0, -m[2], m[1]], [m[2], 0, -m[0]], [-m[1], m[0], 0]])
    return np.linalg.solve(np.eye(3) - alpha * cross, bare)


# --- Textures: m on a chain of cells along x, dm its derivative -----------------------------


def texture_rate(u, beta, alpha, m, dm):
    """dm/dt = -u m' + beta u m x m' + alpha m x dm/dt, the implicit damping solved cell by cell."""
    out = []
    for here, slope in zip(m, dm, strict=True):
        bare = -u * slope + beta * u * np.cross(here, slope)
        bare -= (bare @ here) * here
        cross = np.array([[0, -here[2], here[1]], [here[2], 0, -here[0]], [-here[1], here[0], 0]])
        out.append(np.linalg.solve(np.eye(3) - alpha * cross, bare))
    return np.array(out)


def mumax3_texture_rate(text, m, dm):
    """Its kernel: (u.grad)m from J Pol/(Ms (1 + xi^2)), then the explicit form."""
    ms, alpha, pol, xi = (numbers_after(text, f"{k} =")[0] for k in ("Msat", "alpha", "Pol", "xi"))
    j = numbers_after(text, "J = vector(")[0]
    assert "DisableSlonczewskiTorque = true" in text
    h = j * pol * BOHR_MAGNETON / (ELEMENTARY_CHARGE * ms * (1 + xi**2)) * dm
    mxh = np.cross(m, h)
    return -((1 + xi * alpha) * np.cross(m, mxh) + (xi - alpha) * mxh) / (1 + alpha**2)


def mumaxplus_texture_rate(text, m, dm):
    assert "enable_slonczewski_torque = False" in text
    values = {k: numbers_after(text, f"magnet.{k} =")[0] for k in ("msat", "alpha", "pol", "xi")}
    lines = [f"Msat = {float(values['msat'])!r}", f"alpha = {float(values['alpha'])!r}"]
    lines += [f"Pol = {float(values['pol'])!r}", f"xi = {float(values['xi'])!r}"]
    current = float(numbers_after(text, "magnet.jcur =")[0])
    lines += [f"J = vector({current!r}, 0, 0)", "DisableSlonczewskiTorque = true"]
    return mumax3_texture_rate("\n".join(lines), m, dm)


def oommf_texture_rate(text, m, dm):
    """Anv_SpinTEvolve: Gilbert form with u and beta, made explicit."""
    evolver = text.split("Anv_SpinTEvolve:evolver")[1]
    u, beta, alpha = (numbers_after(evolver, f"{k} ")[0] for k in ("u", "beta", "alpha"))
    return _explicit_texture(u, beta, alpha, m, dm)


def _explicit_texture(u, beta, alpha, m, dm):
    dm = dm - np.sum(dm * m, axis=1, keepdims=True) * m
    twist = np.cross(m, dm)
    return (-(1 + alpha * beta) * u * dm + (beta - alpha) * u * twist) / (1 + alpha**2)


def ubermag_texture_rate(text, m, dm):
    keys = run_ubermag_script(text)
    names = ("ZhangLi.u", "ZhangLi.beta", "Damping.alpha")
    return _explicit_texture(*(keys[k] for k in names), m, dm)


def magnumnp_texture_rate(text, m, dm):
    """Field (b/g0)[m x (j.grad)m + xi (j.grad)m] in the Landau-Lifshitz form."""
    n = magnumnp_material(text)
    slope = n["b"] * numbers_after(text, "state.j = state.Constant(")[0] * dm
    h = np.cross(m, slope) + n["xi"] * slope
    bare = -np.cross(m, h)
    return (bare + n["alpha"] * np.cross(m, bare)) / (1 + n["alpha"] ** 2)


TEXTURE_RATES = {
    "mumax3": mumax3_texture_rate,
    "mumaxplus": mumaxplus_texture_rate,
    "oommf": oommf_texture_rate,
    "ubermag": ubermag_texture_rate,
    "magnumnp": magnumnp_texture_rate,
}
