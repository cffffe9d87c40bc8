"""The calculation "terminals" and the nonlocal valve through the card."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from study_helpers import TOP

from negf_torque.lattice.nonlocal_valve import TERMINALS, Contact, Wire, build_nonlocal_valve
from negf_torque.lattice.terminals import open_system
from negf_torque.study import card as cards
from negf_torque.study import run
from negf_torque.study.errors import CardError
from negf_torque.transport.driven import drive
from negf_torque.transport.sampling import Sampling

CARD = """
[system]
builder = "nonlocal_valve"
wire = {{width = 3, distance = 5, margin = 2}}
injector = {{width = 3, thickness = 2}}
detector = {{width = 3, thickness = 2}}
{system}
[calculation]
kind = "terminals"
energy = -0.9
{calculation}
"""
DRIVEN = "currents = {injector = 1.0}\nvoltages = {left = 0.0}\n"
VALVE = DRIVEN + 'probes = ["detector", "right"]\nfixed = "injector"\nfree = "detector"\n'


def parsed(calculation, system=""):
    return cards.parse(CARD.format(system=system, calculation=calculation), "nonlocal.toml")


@pytest.fixture(scope="module")
def valve():
    return run.calculate(parsed(VALVE + "angles = [0, 60, 90, 180]\ntolerance = 1e-8\n"))


def test_floating_terminals_carry_spin_but_no_charge(valve):  # identity
    current = valve["current"].transpose("angle", "terminal").values
    assert_allclose(current, np.tile([1, -1, 0, 0], (4, 1)), atol=1e-12)
    spin = valve["spin_current"].sel(terminal=["right", "detector"])
    assert np.linalg.norm(spin, axis=-1).min() > 1e-3


def test_torque_is_the_spin_current_that_disappears(valve):  # identity
    lost = valve["spin_current"].sum("terminal")
    assert_allclose(valve["window_torque"].sum("magnet"), lost, atol=1e-11)
    assert_allclose(valve["site_torque"].sum("site"), valve["torque"].sum("magnet"), atol=1e-12)


def test_torque_is_perpendicular_and_vanishes_when_collinear(valve):  # identity
    assert_allclose(valve["torque"].sel(angle=[0, np.pi]), 0, atol=1e-9)
    detector = valve["torque"].sel(magnet="detector", angle=np.pi / 2)
    assert_allclose(detector.sel(component="x"), 0, atol=1e-12)
    in_plane = valve["torque_in_plane"].sel(magnet="detector", angle=np.pi / 2)
    assert_allclose(in_plane, detector.sel(component="z"), atol=1e-12)
    assert abs(float(in_plane)) > 0.01


def test_sea_is_out_of_plane(valve):  # identity
    """Coplanar magnets without spin-orbit coupling."""
    sea = valve["torque"] - valve["window_torque"]
    assert_allclose(sea.sel(component=["x", "z"]), 0, atol=1e-8)
    assert np.abs(sea.sel(component="y")).max() > 1e-4


def test_card_and_python_agree(valve):  # independent
    system = open_system(
        build_nonlocal_valve(
            Wire(3, 5, 2), Contact(3, 2), Contact(3, 2, direction=(np.sin(np.pi / 3), 0, 0.5))
        ),
        TERMINALS,
    )
    result = drive(
        system, -0.9, "injector", {"left": 0.0}, {"injector": 1.0}, Sampling(tolerance=1e-8)
    )
    at_60 = valve.isel(angle=1)
    assert_allclose(at_60["torque"], result.magnet_torque, atol=1e-9)
    assert_allclose(at_60["voltage"], result.voltages, atol=1e-12)
    volts = dict(zip(system.names, result.voltages, strict=True))
    resistance = volts["detector"] - volts["right"]
    assert_allclose(at_60["nonlocal_resistance"], resistance, atol=1e-12)


def test_nonlocal_resistance_tells_parallel_from_antiparallel(valve):
    """The two-terminal circuit of each spin alone, solved for two floating voltages."""
    from negf_torque.lattice.terminals import with_directions
    from negf_torque.transport.terminals import terminal_response

    system = open_system(build_nonlocal_valve(Wire(3, 5, 2), Contact(3, 2), Contact(3, 2)),
                         TERMINALS)
    for index, z in ((0, 1), (3, -1)):
        g = terminal_response(
            with_directions(system, {"detector": (0, 0, z)}), -0.9
        ).conductance
        # currents (1, -1, 0, 0) with the left terminal grounded
        kept = [0, 2, 3]
        volts = np.linalg.solve(g[np.ix_(kept, kept)], [1, 0, 0])
        assert_allclose(valve["nonlocal_resistance"][index], volts[2] - volts[1], atol=1e-12)


def test_summary_listings_and_figures(valve):
    module = cards.calculation_module("terminals")
    names = {scalar.name: scalar for scalar in module.summary(valve)}
    assert names["nonlocal_spin_signal"].value != 0
    assert names["torque[detector, z, 90 deg]"].error < 1e-6
    earlier = valve.assign(torque_error=valve["torque_error"].max("component"))
    assert [one.name for one in module.summary(earlier)] == list(names)
    assert len(module.listings(valve)) == 3
    assert set(module.figures(valve)) == {"charge_map", "spin_map", "torque_by_angle", "terminals"}
    for name, variable in valve.data_vars.items():
        assert variable.attrs.get("long_name"), name


def test_one_device_at_finite_temperature():
    data = run.calculate(
        parsed(DRIVEN + 'response = "window"\ntemperature = 50\ntolerance = 1e-4\n')
    )
    assert_allclose(data["current"].values[0], [1, -1, 0, 0], atol=1e-10)
    assert "potential" not in data and data.sizes["angle"] == 1
    assert set(cards.calculation_module("terminals").figures(data)) >= {"charge_map", "terminals"}
    scalars = cards.calculation_module("terminals").estimate(parsed(DRIVEN))
    assert scalars[0].value == 17 * 3 + 2 * 6 + 2 * 3  # wire, magnets, lead cells


def test_disorder_is_the_same_for_the_same_seed():
    keys = "[system.wire]\nwidth = 3\ndistance = 5\nmargin = 2\ndisorder = 1.0\nseed = {}"
    text = CARD.replace("wire = {{width = 3, distance = 5, margin = 2}}\n", "")
    volts = [
        run.calculate(
            cards.parse(
                text.format(system=keys.format(seed), calculation=DRIVEN + 'response = "window"')
            )
        )["voltage"].values
        for seed in (1, 1, 2)
    ]
    assert_allclose(volts[0], volts[1], atol=1e-15)
    assert np.abs(volts[0] - volts[2]).max() > 1e-3


def test_ready_card_is_valid():
    card = cards.load(TOP / "systems/nonlocal_valve.toml")
    assert card.kind == "terminals" and card.calculation.currents == {"injector": 1.0}


@pytest.mark.parametrize(
    ("calculation", "message"),
    [
        ('voltages = {left = 0.0, drain = 1.0}', 'no terminal is named "drain"'),
        (DRIVEN + 'source = "injektor"', 'no terminal is named "injektor"'),
        ("voltages = {left = 0.0}", "nothing drives the device"),
        ("voltages = {left = 0.0}\ncurrents = {left = 1.0}", "has a voltage as well"),
        (DRIVEN + 'free = "detector"', "only one of `free` and `fixed`"),
        (DRIVEN + 'free = "detector"\nfixed = "detector"', "is the fixed magnet as well"),
        (DRIVEN + 'free = "wire"\nfixed = "injector"', 'no magnet is named "wire"'),
        (VALVE + "angles = [200]", "outside 0 ... 180"),
    ],
)
def test_wrong_cards_are_named(calculation, message):
    with pytest.raises(CardError, match=message):
        parsed(calculation)


def test_code_of_the_howto_runs():
    import re

    page = (TOP / "docs/howto/many_leads.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict = {}
    exec(code, names)
    result = names["result"]
    assert_allclose(result.flow[:, 0], [1, 0, -1], atol=1e-12)
    assert np.abs(result.magnet_torque[1]).max() > 1e-3


def test_a_function_of_the_users_own_can_be_the_builder(tmp_path, valve):
    (tmp_path / "mine.py").write_text(
        "from negf_torque.lattice.nonlocal_valve import Contact, Wire, build_nonlocal_valve\n"
        "def make():\n"
        "    return build_nonlocal_valve(Wire(3, 5, 2), Contact(3, 2), Contact(3, 2))\n"
    )
    text = '[system]\nbuilder = "mine.py:make"\n[calculation]\nkind = "terminals"\nenergy = -0.9\n'
    text += VALVE.replace("detector\", \"right", "d\", \"c").replace("injector = 1.0", "a = 1.0")
    text = text.replace("left = 0.0", "b = 0.0") + 'source = "a"\nangles = [90]\n'
    (tmp_path / "mine.toml").write_text(text + 'names = ["a", "b", "c", "d"]\n')
    data = run.calculate(cards.load(tmp_path / "mine.toml", allow_code=True))
    assert_allclose(data["torque"].values[0], valve["torque"].values[2], atol=1e-6)
