"""Exported inputs, run by the real solvers, against our own integrators.

Spirit comes with `make test`; magnum.np (with torch) and ubermag's MIF writer with
`make test-solvers`; OOMMF runs where an `oommf` is on the path.  Otherwise skipped.
"""

import contextlib
import dataclasses
import io
import re
import runpy
import shutil
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose
from solver_equations import NUMBER, numbers_after

from negf_torque.llg.bulk import SpinOrbitTorque, TextureTorque
from negf_torque.llg.chain import Chain, run, wall_start
from negf_torque.llg.demagnetisation import prism_factors
from negf_torque.llg.export import Simulation, write
from negf_torque.llg.junction import JunctionTorque
from negf_torque.llg.macrospin import macrospin, trajectory
from negf_torque.llg.slonczewski import efficiency
from negf_torque.llg.torques import constant_torque, valve_spin_torque
from negf_torque.llg.valve import ValveTorque, slonczewski_field
from negf_torque.units import GAMMA0, MU0

MS, THICKNESS = 8e5, 2.0
P = (0.6, 0.3, 0.5)


def simulation(**rest):
    options = dict(
        current_density=3e11,
        damping=0.05,
        cells=(1, 1),
        size=(20.0, 10.0),
        anisotropy=2e4,
        anisotropy_axis=(1, 0.2, 0),
        field=(1e4, -2e4, 3e4),
        initial_direction=(0.3, 0.5, -0.6),
        demagnetisation=False,
        duration=1.0,
        output_step=0.1,
    )
    return Simulation(**options | rest)


def valve(lam=1.6):
    theta = np.linspace(0.1, 3.0, 13)
    return ValveTorque(
        tuple(theta.tolist()),
        tuple(efficiency(np.cos(theta), 0.5, lam).tolist()),
        (0.08,) * 13,
        (0.6,) * 13,
        cell_area=0.16,
        thickness=THICKNESS,
        saturation_magnetisation=MS,
        fixed_direction=P,
    )


def film(damping_like=0.3, field_like=-0.12):
    return SpinOrbitTorque(damping_like, field_like, P, THICKNESS, MS)


def our_path(torques, chosen, gamma0):
    """Our integrator with the solver's own gyromagnetic ratio."""
    factors = (0, 0, 0)
    if chosen.demagnetisation:
        factors = prism_factors((*chosen.size, THICKNESS))
    model = macrospin(
        MS,
        chosen.damping,
        applied=chosen.field,
        anisotropies=[(2 * chosen.anisotropy / (MU0 * MS), chosen.anisotropy_axis)],
        demagnetisation=factors,
        torques=torques,
        gamma0=gamma0,
    )
    return trajectory(
        model,
        chosen.initial_direction,
        chosen.duration,
        chosen.current_density,
        samples=chosen.stages + 1,
    ).m


def film_torque(torque):
    unit = slonczewski_field(1.0, MS, THICKNESS * 1e-9) / 2
    return constant_torque(P, unit * torque.damping_like, unit * torque.field_like)


def printed_by(path):
    """Rows of numbers that a script prints when it is run."""
    buffer = io.StringIO()
    with contextlib.redirect_stdout(buffer):
        scope = runpy.run_path(str(path), run_name="__main__")
    rows = []
    for line in buffer.getvalue().splitlines():
        with contextlib.suppress(ValueError):
            rows.append([float(x) for x in line.split()])
    return np.array([r for r in rows if len(r) == 4]), scope


# --- Spirit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("current", [3e11, -3e11])
def test_spirit_moves_as_we_do(current, tmp_path, agree):
    spirit = pytest.importorskip("spirit.constants")
    chosen = simulation(current_density=current)
    (path,) = write("spirit", film(), tmp_path, chosen)
    m = runpy.run_path(str(path))["run"]()[1]
    gamma0 = spirit.gamma * 1e12 * MU0
    # Spirit reads its parameters in single precision: 1e-7 of 10 rad.
    agree(
        f"Spin-orbit torque, exported and run by Spirit, J = {current:g} A/m^2",
        m, our_path([film_torque(film())], chosen, gamma0), against="another program",
        atol=2e-5, note="m over 1 ns",
    )  # fmt: skip


def test_spirit_takes_a_valve_without_asymmetry(tmp_path, agree):
    """Lambda = 1: nothing is lost; generic p and epsilon'."""
    spirit = pytest.importorskip("spirit.constants")
    chosen, torque = simulation(), valve(1.0)
    (path,) = write("spirit", torque, tmp_path, chosen)
    m = runpy.run_path(str(path))["run"]()[1]
    ours = our_path([valve_spin_torque(torque)], chosen, spirit.gamma * 1e12 * MU0)
    agree(
        "Slonczewski torque, Lambda = 1, exported and run by Spirit",
        m, ours, against="another program", atol=2e-5, note="m over 1 ns",
    )  # fmt: skip


# --- magnum.np ------------------------------------------------------------------------------


@pytest.fixture
def magnumnp(monkeypatch):
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    return pytest.importorskip("magnumnp")


@pytest.mark.parametrize("current", [3e11, -3e11])
@pytest.mark.parametrize("lam", [1.6, 0.7])
@pytest.mark.parametrize("demagnetisation", [False, True])
def test_magnumnp_moves_as_we_do(magnumnp, current, lam, demagnetisation, tmp_path, agree):
    chosen = simulation(current_density=current, demagnetisation=demagnetisation)
    torque = valve(lam)
    (path,) = write("magnumnp", torque, tmp_path, chosen)
    rows, _ = printed_by(path)
    ours = our_path(
        [valve_spin_torque(torque, form="slonczewski")], chosen, magnumnp.constants.gamma
    )
    assert_allclose(rows[:, 0] * 1e9, np.arange(1, 11) * 0.1, rtol=1e-9)
    agree(
        f"Slonczewski torque, Lambda = {lam}, run by magnum.np, J = {current:g} A/m^2"
        + (", demagnetised" if demagnetisation else ""),
        rows[:, 1:], ours[1:], against="another program", atol=1e-4, note="m over 1 ns",
    )  # fmt: skip


def test_magnumnp_takes_the_angular_table(magnumnp, tmp_path):
    """A torque that no Slonczewski form describes, angle-dependent epsilon' included."""
    theta = np.linspace(0.1, 3.0, 13)
    wavy = efficiency(np.cos(theta), 0.5, 1.6) * (1 + 0.2 * np.cos(2 * theta))
    torque = dataclasses.replace(
        valve(),
        eta=tuple(wavy.tolist()),
        eta_perp=tuple((0.08 - 0.1 * np.cos(theta)).tolist()),
    )
    chosen = simulation()
    form, table = write("magnumnp", torque, tmp_path, chosen)
    rows, _ = printed_by(table)
    ours = our_path([valve_spin_torque(torque)], chosen, magnumnp.constants.gamma)
    assert_allclose(rows[:, 1:], ours[1:], atol=1e-5)
    # The fitted form is visibly another motion: the table was needed.
    assert np.abs(printed_by(form)[0][:, 1:] - ours[1:]).max() > 0.05


def test_magnumnp_spin_orbit_torque(magnumnp, tmp_path, agree):
    chosen = simulation(current_density=-5e11)
    (path,) = write("magnumnp", film(), tmp_path, chosen)
    rows, _ = printed_by(path)
    ours = our_path([film_torque(film())], chosen, magnumnp.constants.gamma)
    agree(
        "Spin-orbit torque, exported and run by magnum.np",
        rows[:, 1:], ours[1:], against="another program", atol=1e-4, note="m over 1 ns",
    )  # fmt: skip


@pytest.mark.parametrize("current", [8e11, -8e11])
def test_magnumnp_moves_a_wall_as_our_chain_does(magnumnp, current, tmp_path, agree):
    """Zhang-Li: the electron flow pushes the wall; a quarter of a nanosecond, 7 nm."""
    torque = TextureTorque(0.5, 0.15, 0.05, MS)
    cells = 80
    chosen = simulation(
        current_density=current,
        cells=(cells, 1),
        size=(2.0 * cells, 10.0),
        anisotropy=2e5,
        anisotropy_axis=(0, 0, 1),
        initial_direction=(1, 0, 0),
        field=(0, 0, 0),
        duration=0.25,
        output_step=0.125,
    )
    (path,) = write("magnumnp", torque, tmp_path, chosen)
    rows, scope = printed_by(path)
    theirs = scope["state"].m.reshape(cells, 3).numpy()
    ratio = magnumnp.constants.gamma / GAMMA0
    chain = Chain(
        MS, 0.05, 0.15, chosen.exchange, 2e5, 0.0, cells=cells, cell=2.0, hard_axis=(0, 1, 0)
    )
    u = torque.drift_velocity(current)
    # The chain has our g0: run it for the scaled time with the scaled drift instead.
    start = wall_start(chain, 80.0)
    assert_allclose(start[:, 0], [scope["wall"](x * 1e-9)[0] for x in chain.positions], atol=1e-12)
    ours = run(chain, start, 0.25 * ratio, drift=u / ratio, samples=6)[1][-1]
    assert np.sign(rows[-1, 3]) == np.sign(current)
    assert abs(rows[-1, 3]) * 80 > 5  # nm
    agree(
        f"Zhang-Li wall, exported and run by magnum.np, J = {current:g} A/m^2",
        theirs, ours, against="another program", atol=1e-4, note="profile after 0.25 ns",
    )  # fmt: skip


def test_magnumnp_follows_a_junction_in_voltage_and_angle(magnumnp, tmp_path, agree):
    """T(V, theta) as a table driven by a voltage, coupling included."""
    volts, angles = np.linspace(-0.5, 0.5, 5), np.linspace(0.3, np.pi - 0.3, 6)
    v, theta = np.meshgrid(volts, angles, indexing="ij")
    sine = np.sin(theta)
    own = JunctionTorque(
        volts,
        angles,
        (0.004 * v + 0.002 * v**3) * (1 + 0.2 * np.cos(theta)) * sine,
        (2e-4 + 1e-3 * v**2) * sine,
        0.01 * v,
        cell_area=0.0625,
        thickness=THICKNESS,
        saturation_magnetisation=MS,
        fixed_direction=P,
        working_voltage=0.3,
    )
    chosen = simulation()
    paths = {p.name: p for p in write("magnumnp", own, tmp_path, chosen)}
    rows, _ = printed_by(paths["junction_table_magnumnp.py"])
    volt = dataclasses.replace(chosen, current_density=0.3)
    ours = our_path([own.spin_torque()], volt, magnumnp.constants.gamma)
    agree(
        "Junction T(V, theta) as a table, run by magnum.np",
        rows[:, 1:], ours[1:], against="another program", atol=1e-5, note="m over 1 ns",
    )  # fmt: skip


def test_magnumnp_takes_two_polarisers(magnumnp, tmp_path):
    below = valve(1.6)
    above = dataclasses.replace(valve(1.0), fixed_direction=(0.0, 0.0, -1.0))
    chosen = simulation()
    (path,) = write("magnumnp", (below, above), tmp_path, chosen)
    rows, _ = printed_by(path)
    terms = [valve_spin_torque(v) for v in (below, above)]
    ours = our_path(terms, chosen, magnumnp.constants.gamma)
    assert_allclose(rows[:, 1:], ours[1:], atol=1e-5)


def test_magnumnp_resolves_the_film(magnumnp, tmp_path):
    """Without exchange each layer of cells moves by its own torque."""
    eta = efficiency(np.cos(valve().angles), 0.5, 1.6)
    local = np.array([1.5, 0.8, 0.7])
    perpendicular = np.array([0.2, 0.1, -0.06])
    torque = dataclasses.replace(
        valve(),
        layer_eta=tuple(map(tuple, np.outer(local, eta).tolist())),
        layer_eta_perp=tuple((x,) * 13 for x in perpendicular.tolist()),
    )
    chosen = simulation(film_cells=3, exchange=0.0)
    (path,) = write("magnumnp", torque, tmp_path, chosen)
    scope = printed_by(path)[1]
    theirs = scope["state"].m.reshape(3, 3).numpy()
    for k in range(3):
        one = dataclasses.replace(
            valve(), eta=tuple(local[k] * eta), eta_perp=(float(perpendicular[k]),) * 13
        )
        ours = our_path(
            [valve_spin_torque(one, form="slonczewski")], chosen, magnumnp.constants.gamma
        )
        assert_allclose(theirs[k], ours[-1], atol=1e-5)


# --- ubermag and OOMMF ----------------------------------------------------------------------


def ubermag_mif(path, chosen):
    """The MIF that ubermag's calculator writes for the script's system (no OOMMF needed)."""
    calculator = pytest.importorskip("oommfc")
    system = runpy.run_path(str(path))["system"]
    with contextlib.chdir(path.parent):
        text = calculator.scripts.system_script(system, ovf_format="bin8")
        text += calculator.scripts.driver_script(
            calculator.TimeDriver(),
            system,
            fixed_subregions=None,
            compute=None,
            output_step=False,
            ovf_format="bin8",
            t=chosen.duration * 1e-9,
            n=chosen.stages,
        )
    return text, system


def value_of(text, key):
    """Numbers after `key` in the evolver, driver or mesh; braces left out."""
    return [float(x) for x in re.findall(NUMBER, re.search(rf"(?m)^  {key} (.*)$", text).group(1))]


@pytest.mark.parametrize("current", [3e11, -3e11])
@pytest.mark.parametrize("film", [False, True])
def test_ubermag_writes_the_mif_that_we_write(current, film, tmp_path):
    chosen = simulation(current_density=current, cells=(4, 2), film_cells=2 if film else 1)
    torque = valve(0.7)
    (script,) = write("ubermag", torque, tmp_path, chosen)
    (own,) = write("oommf", torque, tmp_path, chosen)
    theirs, system = ubermag_mif(script, chosen)
    ours = own.read_text()
    for key in ("alpha", "gamma_G", "P", "Lambda", "eps_prime", "J", "cellsize", "A", "K1"):
        assert_allclose(value_of(theirs, key), value_of(ours, key), rtol=1e-12, err_msg=key)
    for key in ("stopping_time", "stage_count"):
        assert_allclose(value_of(theirs, key), value_of(ours, key), rtol=1e-12, err_msg=key)
    mp = numbers_after(ours.split("mp {")[1], "vector {")
    assert_allclose(value_of(theirs, "mp"), mp, rtol=1e-12)
    assert_allclose(system.m.norm.mean(), MS, rtol=1e-12)
    assert_allclose(system.m.orientation.mean(), chosen.initial_direction, atol=1e-12)


def test_ubermag_writes_our_texture(tmp_path):
    chosen = simulation(cells=(40, 1), size=(80.0, 10.0))
    torque = TextureTorque(0.5, 0.15, 0.05, MS)
    (script,) = write("ubermag", torque, tmp_path, chosen)
    (own,) = write("oommf", torque, tmp_path, chosen)
    theirs, ours = ubermag_mif(script, chosen)[0], own.read_text()
    for key in ("alpha", "gamma_G", "beta"):
        assert_allclose(value_of(theirs, key), value_of(ours, key), rtol=1e-12, err_msg=key)
    u = value_of(ours, "u")[0]
    assert_allclose(np.ravel(value_of(theirs, "u"))[0], u, rtol=1e-12)


@pytest.mark.skipif(shutil.which("oommf") is None, reason="no oommf on the path")
@pytest.mark.parametrize("lam", [1.6, 0.7])
def test_oommf_moves_as_we_do(lam, tmp_path):
    chosen, torque = simulation(), valve(lam)
    (path,) = write("oommf", torque, tmp_path, chosen)
    subprocess.run(["oommf", "boxsi", "-kill", "all", str(path)], check=True, cwd=tmp_path)
    lines = next(tmp_path.glob("*.odt")).read_text().splitlines()
    header = next(x for x in lines if x.startswith("# Columns"))
    columns = re.findall(r"{[^}]*}|\S+", header.removeprefix("# Columns:"))
    wanted = [
        next(i for i, c in enumerate(columns) if c.strip("{}").endswith(f":m{a}")) for a in "xyz"
    ]
    rows = np.array([[float(x) for x in row.split()] for row in lines if row[0] != "#"])
    ours = our_path([valve_spin_torque(torque, form="slonczewski")], chosen, GAMMA0)
    assert_allclose(rows[:, wanted], ours[1:], atol=1e-4)
