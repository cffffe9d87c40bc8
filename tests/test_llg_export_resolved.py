"""Exports beyond one form: layer by layer, tables as fields, junctions, several polarisers."""

import csv
import re
import sys
import types

import numpy as np
import pytest
from numpy.testing import assert_allclose
from solver_equations import (
    ANGLES,
    ATOMISTIC,
    NUMBER,
    RATES,
    SOLVER_CODES,
    magnumnp_material,
    numbers_after,
    spin_rate,
    text_of,
    valve,
)

from negf_torque.llg.bulk import TextureTorque
from negf_torque.llg.export import Simulation, render
from negf_torque.llg.junction import JunctionTorque
from negf_torque.llg.layers import rebin
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.torques import slonczewski_torque, valve_spin_torque
from negf_torque.llg.valve import valve_torque
from negf_torque.units import GAMMA0, MU0

LAYERS = np.array([2.0, 0.9, 0.4, -0.1]) * 4 / 3.2  # local over mean torque
PERPENDICULAR = np.array([0.10, -0.06, 0.03, 0.01])


def layered(polarisation=0.5, lam=1.4, p=(1.0, 0.3, -0.2)):
    """Four layers that share the form exactly; the last one feels the opposite torque."""
    eta = efficiency(np.cos(ANGLES), polarisation, lam)
    perpendicular = np.repeat(PERPENDICULAR[:, None], len(ANGLES), axis=1)
    return valve(
        polarisation,
        lam,
        PERPENDICULAR.mean() / 2,
        p,
        layer_eta=tuple(map(tuple, np.outer(LAYERS, eta).tolist())),
        layer_eta_perp=tuple(map(tuple, perpendicular.tolist())),
    )


class Sketch:
    """Stands for a ubermag field: a value in space, possibly times a number."""

    def __init__(self, value, factor=1.0):
        self.value, self.factor = value, factor

    def __rmul__(self, number):
        return Sketch(self.value, self.factor * number)

    def __call__(self, z):
        return self.factor * self.value((0.0, 0.0, z))


def ubermag_cell(text, cell, cells):
    """The script's keywords with the fields evaluated in one layer of cells."""
    caught = {}

    class Module:
        def __getattr__(self, name):
            def make(*_, **keys):
                caught.setdefault(name, keys)
                return Sketch(keys["value"]) if keys.get("nvdim") == 1 else Module()

            return make

        def __add__(self, other):
            return self

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "discretisedfield", Module())
        patch.setitem(sys.modules, "micromagneticmodel", Module())
        exec(compile(text, "script", "exec"), {"__name__": "imported"})
    height = caught["Mesh"]["p2"][2]
    z = (cell + 0.5) / cells * height
    keys = {k: v(z) if isinstance(v, Sketch) else v for k, v in caught["Slonczewski"].items()}
    assert keys["P"] >= 0
    return "\n".join(
        [
            f"gamma_G {caught['Precession']['gamma0']!r}",
            f"alpha {caught['Damping']['alpha']!r}",
            f"J {keys['J']!r}",
            f"eps_prime {keys['eps_prime']!r}",
            f"P {keys['P']!r}",
            f"Lambda {keys['Lambda']!r}",
            "Ms 7e5",
            f"mp {{\n vector {{ {keys['mp']} }}",
            f"cellsize {{ 1.0 1.0 {height / cells!r} }}",
        ]
    )


def oommf_cell(text, cell, cells):
    """The file with LayerValue done by hand: the last argument is z."""
    thickness = numbers_after(text, "cellsize {")[2]
    for key in ("P", "eps_prime"):
        block = re.search(rf"  {key} {{ Oxs_ScriptScalarField.*?\n  }} }}", text, re.S).group(0)
        size, *values = (float(x) for x in re.findall(NUMBER, block.split("LayerValue")[1]))
        z = (cell + 0.5) * thickness
        value = [*values, 0.0, 0.0, z][int(z / size)]
        text = text.replace(block, f"  {key} {value!r}")
    return text.split("proc LayerValue")[0] + text.split("}\nSpecify Oxs_SpinXferEvolve")[1]


def cell_text(solver, text, cell, cells):
    """The file as if the whole film were the layer `cell`."""
    if solver == "mumax3":
        assert f"DefRegion({cell}, Layer({cell}))" in text
        pol, prime = (
            float(re.search(rf"{k}.SetRegion\({cell}, ({NUMBER})\)", text).group(1))
            for k in ("Pol", "EpsilonPrime")
        )
        return text + f"\nPol = {pol!r}\nEpsilonPrime = {prime!r}\n"
    if solver == "mumaxplus":
        for key in ("pol", "epsilon_prime"):
            values = numbers_after(text, f"magnet.{key} = by_layer([")
            text = re.sub(
                rf"(?m)^magnet.{key} = .*$", f"magnet.{key} = {float(values[cell])!r}", text
            )
        size = numbers_after(text, "world = World(cellsize=")
        whole = f"cellsize=({size[0]}, {size[1]}, {size[2] * cells!r})"
        return re.sub(r"cellsize=\([^)]*\)", whole.replace("np.float64", ""), text)
    if solver == "magnumnp":
        for key in ("P", "epsilon_prime"):
            line = re.search(rf"(?m)^    '{key}': torch.tensor\(\[(.*?)\]\).*$", text)
            value = float(re.findall(NUMBER, line.group(1))[cell])
            text = text.replace(line.group(0), f"    '{key}': {value!r},")
        assert magnumnp_material(text)["P"].size == 1
        return text
    return {"oommf": oommf_cell, "ubermag": ubermag_cell}[solver](text, cell, cells)


@pytest.mark.parametrize("solver", SOLVER_CODES)
@pytest.mark.parametrize("cells", [4, 2])
@pytest.mark.parametrize("polarisation", [0.5, -0.4])
@pytest.mark.parametrize("lam", [1.4, 0.6])
def test_each_cell_feels_its_layers_torque(solver, cells, polarisation, lam):  # independent
    torque = layered(polarisation, lam)
    simulation = Simulation(current_density=-3e11, damping=0.04, film_cells=cells)
    text = next(iter(render(solver, torque, simulation).values()))
    local, perpendicular = rebin(LAYERS, cells), rebin(PERPENDICULAR, cells)
    assert f"4 atomic layers in {cells} cells" in text
    for k, m in enumerate(np.random.default_rng(4).normal(size=(cells, 3))):
        m /= np.linalg.norm(m)
        c = m @ np.array(torque.fixed_direction)
        eta = local[k] * efficiency(c, polarisation, lam)
        expected = spin_rate(torque, m, simulation, eta, perpendicular[k])
        rate = RATES["oommf" if solver == "ubermag" else solver]  # ubermag's keys as a MIF
        seen = rate(cell_text(solver, text, k, cells), m)
        assert_allclose(seen, expected, atol=1e-8 * np.abs(expected).max())  # the fit of Lambda


#: What a ferromagnet of mumax+ 1.2.2 lets one set, of what the scripts use.
MUMAXPLUS = {
    *("msat", "aex", "alpha", "gamma", "ku1", "anisU", "enable_demag", "magnetization"),
    *("enable_zhang_li_torque", "enable_slonczewski_torque", "pol", "Lambda", "epsilon_prime"),
    *("fixed_layer", "fixed_layer_on_top", "jcur", "xi"),
}


def test_mumaxplus_scripts_set_what_there_is():
    """The script with a stand-in for the package: names, and arrays of the right shape."""
    magnets = []

    class Magnet:
        def __init__(self, world, grid):
            self.__dict__["values"], self.__dict__["grid"] = {}, grid
            magnets.append(self)

        def __setattr__(self, name, value):
            assert name in MUMAXPLUS
            self.values[name] = value

    module = types.ModuleType("mumaxplus")
    module.World = lambda cellsize: types.SimpleNamespace()
    module.Grid = lambda size: types.SimpleNamespace(size=size)
    module.Ferromagnet = Magnet
    texture = TextureTorque(0.5, 0.1, 0.02, 8e5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mumaxplus", module)
        for torque in (layered(), texture):
            text = text_of("mumaxplus", torque, Simulation(cells=(3, 2), film_cells=4))
            exec(compile(text, "script", "exec"), {"__name__": "imported"})
    pol = magnets[0].values["pol"]
    assert pol.shape == (1, 4, 2, 3) and pol.flags.owndata
    assert_allclose(pol[0, :, 1, 2], 0.25 * LAYERS, rtol=1e-6)
    assert_allclose(np.linalg.norm(magnets[1].values["magnetization"](0.0, 0.0, 0.0)), 1)


@pytest.mark.parametrize("solver", (*SOLVER_CODES, *ATOMISTIC))
def test_one_cell_says_how_uneven_the_torque_is(solver):
    text = text_of(solver, layered(), Simulation(film_cells=1))
    assert "torques are -0.125 to 2.5 of it" in text


@pytest.mark.parametrize("solver", ("oommf", "ubermag"))
def test_a_film_of_many_cells_shares_the_current(solver):
    """d is one cell there: the same torque in every cell, J divided."""
    torque, m = valve(), np.array([0.0, 0.6, 0.8])
    rates = [RATES[solver](text_of(solver, torque, Simulation(film_cells=n)), m) for n in (1, 5)]
    assert_allclose(rates[1], rates[0], rtol=1e-12)


def test_layers_must_be_the_films_torque():
    with pytest.raises(ValueError, match="mean over the layers is not eta"):
        valve(layer_eta=((1.0,) * 7, (2.0,) * 7), layer_eta_perp=((0.16,) * 7,) * 2)
    with pytest.raises(ValueError, match="both or neither"):
        valve(layer_eta=((1.0,) * 7,))
    with pytest.raises(ValueError, match="is not .layers, angles."):
        valve(layer_eta=((1.0,) * 3,), layer_eta_perp=((1.0,) * 3,))


def test_torkances_of_layers_become_local_efficiencies():
    sine = np.sin(ANGLES)
    parts = np.array([0.2, 0.1])[:, None] * sine
    torque = valve_torque(
        ANGLES, parts.sum(axis=0), 0 * sine, np.full(7, 0.5), layer_in_plane=parts,
        layer_out_of_plane=0 * parts, cell_area=0.1, thickness=1.0, saturation_magnetisation=8e5,
    )  # fmt: skip
    assert_allclose(torque.layer_eta, np.array([[0.8], [0.4]]) * np.ones(7))
    assert_allclose(torque.eta, 0.6)


def test_layers_keep_the_films_numbers():  # identity
    """Whatever the table: the means of the layers' P and epsilon' are the film's."""
    rng = np.random.default_rng(6)
    eta, perpendicular = 0.5 + rng.random((2, 5, 7))
    torque = valve(
        eta=eta.mean(axis=0),
        layer_eta=tuple(map(tuple, eta.tolist())),
        layer_eta_perp=tuple(map(tuple, (perpendicular - perpendicular.mean(0) + 0.16).tolist())),
    )
    found = torque.layers()
    assert_allclose(found.polarisation.mean(), torque.slonczewski().polarisation, rtol=1e-6)
    assert_allclose(found.epsilon_prime.mean(), torque.epsilon_prime()[0], rtol=1e-12)


def mumax3_field(text, m):
    """The sum of the file's field terms (tesla), its expressions evaluated by Python."""
    total = np.zeros(3)

    def add_term(value):
        total[:] += value

    names = {
        "ConstVector": lambda *v: np.array(v),
        "Const": float,
        "Dot": lambda a, b: a @ b,
        "Mul": lambda a, b: a * b,
        "Div": lambda a, b: a / b,
        "Add": lambda a, b: a + b,
        "MulMV": lambda x, y, z, b: np.array([x, y, z]) @ b,
        "AddFieldTerm": add_term,
        "m": np.asarray(m),
    }
    body = text.split("DisableZhangLiTorque = true")[1].split("TableAutosave")[0]
    assert len(set(re.findall(r"(?m)^(\w+) :=", body))) == body.count(":=")  # each defined once
    exec(body.replace(":=", "="), names)
    return total


def wavy():
    """A table that no form describes."""
    theta = np.linspace(0.1, 3.0, 9)
    eta = efficiency(np.cos(theta), 0.5, 1.6) * (1 + 0.3 * np.cos(2 * theta))
    sine = np.sin(theta)
    return valve_torque(
        theta, eta * sine, (0.05 + 0.04 * np.cos(theta)) * sine, np.ones(9), cell_area=0.16,
        thickness=2.0, saturation_magnetisation=8e5, fixed_direction=(1.0, 2.0, -0.5), name="wavy",
    )  # fmt: skip


def test_mumax3_takes_the_table_itself():  # independent
    torque = wavy()
    files = render("mumax3", torque, Simulation(current_density=-4e11))
    assert set(files) == {"wavy.mx3", "wavy_table.mx3"}
    own = valve_spin_torque(torque)
    for m in np.random.default_rng(2).normal(size=(10, 3)):
        m /= np.linalg.norm(m)
        expected = MU0 * own.field(m, -4e11)
        seen = mumax3_field(files["wavy_table.mx3"], m)
        assert_allclose(seen, expected, atol=1e-12 * np.abs(expected).max())
    # m lies where the polynomial is the table: at its own angles
    p = np.array(torque.fixed_direction)
    side = np.cross(p, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    for theta, eta in zip(torque.angles, torque.eta, strict=True):
        m = np.cos(theta) * p + np.sin(theta) * side
        field = mumax3_field(files["wavy_table.mx3"], m)
        along = field @ np.cross(m, p) / np.sin(theta) ** 2 / MU0
        form = slonczewski_torque(p, 1.0, 1.0, 0.0, 8e5, 2.0).coefficients(0.0, -4e11)[0]
        assert_allclose(along, form * eta, rtol=1e-9)


def junction(**rest):
    """Linear and quadratic in V with a cubic part, angle-dependent current, coupling."""
    volts, angles = np.linspace(-0.5, 0.5, 5), np.linspace(0.4, np.pi - 0.4, 5)
    v, theta = np.meshgrid(volts, angles, indexing="ij")
    sine = np.sin(theta)
    return JunctionTorque(
        volts,
        angles,
        (0.02 * v + 0.004 * v**3) * sine,
        (1e-3 + 6e-3 * v**2) * sine,
        0.05 * v * (1 + 0.4 * np.cos(theta)),
        cell_area=0.09,
        thickness=1.6,
        saturation_magnetisation=1.1e6,
        fixed_direction=(0.0, 0.6, 0.8),
        working_voltage=0.4,
        **rest,
    )


@pytest.mark.parametrize("solver", SOLVER_CODES)
def test_junction_reaches_every_solver_at_its_voltage(solver):
    own = junction()
    text = next(iter(render(solver, own, Simulation(damping=0.0)).values()))
    m = np.array([0.8, -0.6, 0.0])
    driven = own.spin_torque()
    expected = -GAMMA0 * np.cross(m, driven.field(m, 0.4) - driven.field(m, 0.0))
    assert_allclose(RATES[solver](text, m), expected, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("solver", (*SOLVER_CODES, *ATOMISTIC))
def test_junction_exports_say_what_is_lost(solver):
    text = text_of(solver, junction(), Simulation(damping=0.0))
    losses = junction().losses()
    spread = (1 + 0.4 * np.cos(0.4)) / (1 - 0.4 * np.cos(0.4)) - 1
    assert_allclose(losses["constant_current"], spread, rtol=1e-12)
    for words in (
        "at V = 0.4 V",
        f"would vary by {spread:.2e}",
        f"linear within {losses['linear_damping_like']:.2e}",
        "quadratic within",
        "Interlayer coupling",
    ):
        assert words in text


def test_a_junction_at_one_angle_is_exported_with_what_is_unknown():
    full = junction()
    tables = (t[:, 2:3] for t in (full.in_plane, full.out_of_plane, full.current))
    one = JunctionTorque(
        full.voltages, full.angles[2:3], *tables, cell_area=0.09, thickness=1.6,
        saturation_magnetisation=1.1e6, fixed_direction=(0.0, 0.6, 0.8), working_voltage=0.4,
    )  # fmt: skip
    text = text_of("oommf", one, Simulation(damping=0.0))
    assert "Computed at 90 deg only" in text and "vary by an unknown share" in text
    m = np.array([1.0, 0.0, 0.0])  # 90 degrees from p
    whole = text_of("oommf", full, Simulation(damping=0.0))
    assert_allclose(RATES["oommf"](text, m), RATES["oommf"](whole, m), rtol=1e-9)


def test_junctions_coupling_is_in_the_applied_field():
    own = junction()
    text = render("oommf", own, Simulation(field=(100.0, 0.0, 0.0)))["junction.mif"]
    field = numbers_after(text.split("Oxs_FixedZeeman")[1], "vector {")
    expected = np.array([100.0, 0, 0]) + own.coupling_field()[2] * np.array([0, 0.6, 0.8])
    assert_allclose(field, expected, rtol=1e-12)


def test_junctions_table_comes_back():  # round trip
    own = junction()
    text = render("plain", own)["junction_bias.csv"]
    rows = list(csv.DictReader(x for x in text.splitlines() if not x.startswith("#")))
    assert len(rows) == 25
    a, b = own.rates()
    for key, table in (
        ("in_plane", own.in_plane),
        ("out_of_plane", own.out_of_plane),
        ("a", a),
        ("b", b),
        ("current_density", own.current_density()),
    ):
        assert [float(r[key]) for r in rows] == table.ravel().tolist()
    assert own.hash in text
    table = render("mumax3", own)["junction_table.mx3"]
    m = np.array([0.8, -0.6, 0.0])
    assert_allclose(mumax3_field(table, m), MU0 * own.spin_torque().field(m, 0.4), rtol=1e-10)


def test_several_polarisers_are_fields_where_possible_and_a_stated_loss_elsewhere():
    below, above = valve(0.5, 1.4, 0.02), valve(-0.2, 1.0, 0.0, p=(0.0, 0.0, 1.0))
    simulation = Simulation(current_density=2e11)
    text = render("mumax3", (below, above), simulation)["valve_table.mx3"]
    terms = [valve_spin_torque(v) for v in (below, above)]
    for m in np.random.default_rng(8).normal(size=(4, 3)):
        m /= np.linalg.norm(m)
        expected = MU0 * sum(t.field(m, 2e11) for t in terms)
        assert_allclose(mumax3_field(text, m), expected, atol=1e-12 * np.abs(expected).max())
    assert set(render("plain", (below, above))) == {
        f"valve_{k}_torques.{end}" for k in (1, 2) for end in ("csv", "json")
    }
    # elsewhere: |a sin(theta)| of the weaker over that of the stronger, at their maxima
    c = np.linspace(-1, 1, 20001)
    strong = np.hypot(efficiency(c, 0.5, 1.4), 0.04) * np.sqrt(1 - c**2)
    ratio = 0.1 / strong.max()
    for solver in ("oommf", "spirit", "vampire", "ubermag", "mumaxplus"):
        text = text_of(solver, (below, above), simulation)
        assert "One polariser of 2" in text
        assert f"p = (0, 0, 1) with up to {ratio:.2e} of the largest torque" in text


def test_polarisers_must_share_the_free_layer():
    import dataclasses

    other = dataclasses.replace(valve(), thickness=1.0)
    with pytest.raises(ValueError, match="thickness: 2.5 and 1.0.*one free layer"):
        render("oommf", (valve(), other))
    with pytest.raises(ValueError, match="empty list"):
        render("oommf", ())
